"""What every chart shares: neutrals that follow the live background, axes, scales, number labels, and ``finish``.

A chart function takes a Result and ``_: Words`` and returns a ``Spec``: a plain dictionary, cached with the result and
drawn by the page without further work. One spec serves the light theme, the dark theme and exports, because colours
are names of ranges ("category", "ramp", "diverging") and neutrals are expressions on the background.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt

from analytics.i18n import Words

Spec = dict[str, Any]

SMALL, STANDARD, MAP, COHORT = 112, 320, 380, 400  # heights in pixels
FONT_SIZE = 12
BAND_80, BAND_95, BAR_OPACITY = 0.26, 0.16, 0.35
BACKTEST_DASH, BASELINE_DASH = [5, 3], [1, 4]

_DARK = "luminance(background) < 0.2"
_NEUTRALS = {
    "ink": ("#E6EBF0", "#101B26"),
    "muted": ("#A3AFBB", "#5A6570"),
    "quiet": ("#4A5764", "#C9CDD2"),
    "hair": ("#2A343F", "#E8E5DE"),
    "accent": ("#65B1C8", "#297292"),
    "paper": ("#12181F", "#FFFFFF"),
    "bad": ("#D9584A", "#9C2318"),
}


def neutral(name: str) -> Any:
    """A neutral that follows the background, for ``color=``: ink, muted, quiet, hair, accent, paper or bad."""
    if name not in _NEUTRALS:
        raise KeyError(name)
    return alt.ExprRef(name)


def category_scale(labels: Sequence[str]) -> alt.Scale:
    """Colour *i* belongs to label *i*: pass ALL labels in display order, also those a filter hides."""
    return alt.Scale(domain=list(labels), range="category")


def diverging_scale(limit: float) -> alt.Scale:
    """A scale symmetric about zero, clamped at +-``limit``."""
    return alt.Scale(domain=[-limit, limit], domainMid=0, clamp=True, range="diverging")


def ramp_scale(low: float, high: float) -> alt.Scale:
    """A sequential scale from ``low`` to ``high``, clamped."""
    return alt.Scale(domain=[low, high], clamp=True, range="ramp")


def cell_text_color(channel_field: str) -> Any:
    """Text on a coloured cell: white or near-black, whichever has more contrast with the cell's own colour."""
    fill = f"scale('color', datum['{channel_field}'])"
    return alt.ExprRef(f"contrast('#FFFFFF', {fill}) > contrast('#12181F', {fill}) ? '#FFFFFF' : '#12181F'")


def value_axis(_: Words, title: str | None = None, *, currency: str | None = None, percent: bool = False) -> alt.Axis:
    """An axis of numbers, money or shares: light grid, about five ticks, large numbers as k/M or 万/萬/億."""
    return alt.Axis(title=title, tickCount=5, grid=True, labelExpr=label_expr(_, currency=currency, percent=percent))


def plain_axis(title: str | None = None, **options: Any) -> alt.Axis:
    """An axis of names: no grid."""
    return alt.Axis(title=title, grid=False, **options)


def time_axis(_: Words, frequency: str = "month", title: str | None = None) -> alt.Axis:
    """An axis of days in the language's short form: ``Jun 26`` or ``2026/6``; with the day for day-level charts."""
    if _.language == "en":
        pattern = "%-d %b %y" if frequency == "day" else "%b %y"
    else:
        pattern = "%Y/%-m/%-d" if frequency == "day" else "%Y/%-m"
    return alt.Axis(title=title, grid=False, format=pattern, tickCount=6, labelOverlap="greedy")


def label_expr(_: Words, *, currency: str | None = None, percent: bool = False, datum: str = "datum.value") -> str:
    """A Vega expression that writes ``datum`` as the language writes large numbers: NT$400k, 40 万, 41%."""
    if percent:
        return f"format({datum}, '.0%')"
    symbol = _.symbol(currency) if currency else ""
    size = f"abs({datum})"
    sign = f"({datum} < 0 ? '−' : '')"
    if _.language == "en":
        steps = [(1e9, 1e9, "B"), (1e6, 1e6, "M"), (1e4, 1e3, "k")]
    else:
        ten_thousand, hundred_million = (" 萬", " 億") if _.language == "zh_TW" else (" 万", " 亿")
        steps = [(1e8, 1e8, hundred_million), (1e5, 1e4, ten_thousand)]
    expression = f"format({size}, ',.4~r')"
    for limit, divisor, unit in reversed(steps):
        expression = f"{size} >= {limit:.0f} ? format({size} / {divisor:.0f}, ',.3~r') + '{unit}' : {expression}"
    return f"{sign} + '{symbol}' + ({expression})"


def tooltip(field: str, title: str, *, kind: str = "nominal", format: str | None = None) -> alt.Tooltip:
    """One line of a tooltip with its translated title; at most five lines a chart."""
    # A line called so would be drawn as a picture or as a heading: a column of somebody's file may have this name.
    title = title.capitalize() if title in ("image", "title") else title
    options: dict[str, Any] = {"format": format} if format else {}
    return alt.Tooltip(field=field, type=kind, title=title, **options)  # type: ignore[arg-type]  # one of Altair's own words


def chart_of(rows: Sequence[Mapping[str, Any]]) -> alt.Chart:
    """A chart of rows that stand in the specification itself."""
    return alt.Chart(alt.Data(values=list(rows)))  # type: ignore[no-untyped-call] # altair has no types here


def finish(chart: Any, _: Words, *, height: int | None = STANDARD) -> Spec:
    """The chart with the shared configuration, as a dictionary; ``height`` None leaves it to the chart."""
    if height is not None:
        chart = chart.properties(height=height, width="container")
    chart = chart.add_params(
        *(alt.param(name=name, expr=f"{_DARK} ? '{dark}' : '{light}'") for name, (dark, light) in _NEUTRALS.items())
    )
    text: dict[str, Any] = {"fontSize": FONT_SIZE, "fontWeight": 400}
    muted = {"expr": "muted"}
    spec: Spec = chart.to_dict()
    spec["config"] = {
        "locale": _locale(_),
        "view": {"stroke": None},
        "axis": {
            "labelFontSize": FONT_SIZE,
            "titleFontSize": FONT_SIZE,
            "labelFontWeight": 400,
            "titleFontWeight": 400,
            "labelColor": muted,
            "titleColor": muted,
            "domain": False,
            "ticks": False,
            "labelFlush": False,
            "labelPadding": 6,
            "gridColor": {"expr": "hair"},
        },
        "legend": {
            "orient": "top",
            "direction": "horizontal",
            "title": None,
            "labelFontSize": FONT_SIZE,
            "labelColor": {"expr": "ink"},
            "labelLimit": 0,
        },
        "text": {**text, "color": {"expr": "ink"}},
        "header": {"labelFontSize": FONT_SIZE, "labelColor": {"expr": "ink"}, "title": None},
    }
    # Altair hoists every frame under a hash of its content; Streamlit and exports read them from there.
    return spec


def _locale(_: Words) -> Spec:
    """Number and month names of the chart's own language: never the process-wide renderer option."""
    if _.language == "en":
        return {}
    months = [f"{month} 月" for month in range(1, 13)]
    days = ["周日", "周一", "周二", "周三", "周四", "周五", "周六"]
    if _.language == "zh_TW":
        days = [day.replace("周", "週") for day in days]
    time = {
        "dateTime": "%Y/%-m/%-d %H:%M",
        "date": "%Y/%-m/%-d",
        "time": "%H:%M",
        "periods": ["上午", "下午"],
        "days": days,
        "shortDays": days,
        "months": months,
        "shortMonths": months,
    }
    return {"time": time}
