"""Axes, data, lines and tooltips that the forecast's charts share."""

from __future__ import annotations

from typing import Any, Protocol

import altair as alt
import polars as pl

from analytics.charts.forecasting.wording import Told, currency_of
from analytics.charts.theme import BAND_80, BAND_95, neutral, time_axis, tooltip, value_axis
from analytics.forecasting.spec import ForecastResult
from analytics.i18n import Words

MOST_POINTS = 400
FEW_DAYS = 150


class Timed(Protocol):
    """What has periods."""

    @property
    def frequency(self) -> str: ...


Styles = dict[str, tuple[str, list[int]]]


def values(frame: pl.DataFrame) -> Any:
    """A small frame as chart data, its dates as ISO text."""
    dates = [name for name, dtype in frame.schema.items() if dtype == pl.Date]
    rows = frame.with_columns(pl.col(dates).dt.strftime("%Y-%m-%d")) if dates else frame
    return alt.Data(values=rows.to_dicts())  # type: ignore[no-untyped-call]  # Altair's class has no types


def time_channel(result: Timed, _: Words, n_periods: int) -> alt.X:
    """``ds`` along the bottom over ``n_periods``: days where they are few, else months, none of them twice."""
    n_days = n_periods * {"day": 1, "week": 7, "month": 30}[result.frequency]
    by_day = result.frequency != "month" and n_days <= FEW_DAYS
    axis = time_axis(_, "day" if by_day else "month")
    if not by_day and n_days <= 8 * 30:
        axis["tickCount"] = {"interval": "month", "step": 1}
    return alt.X("ds:T", axis=axis)


def value_channel(result: Told, _: Words, field: str = "value", *, n_ticks: int = 5) -> alt.Y:
    """A value in the panel's unit; the axis need not start at zero, since it carries lines."""
    axis = value_axis(_, currency=currency_of(result) or None)
    axis["tickCount"] = n_ticks
    return alt.Y(f"{field}:Q", axis=axis, scale=alt.Scale(zero=False), title=None)


def value_axis_of(result: Told, _: Words) -> alt.Axis:
    """Values along the bottom, in the panel's unit."""
    axis = value_axis(_, currency=currency_of(result) or None)
    axis["tickCount"] = 4
    return axis


def effect_axis(result: ForecastResult, _: Words) -> alt.Axis:
    """Effects in the panel's unit, or as shares of the trend; few ticks, for small charts."""
    percent = result.mode == "multiplicative"
    axis = value_axis(_, percent=percent, currency=None if percent else currency_of(result) or None)
    axis["tickCount"] = 4
    return axis


def bands(result: Told, frame: pl.DataFrame, x: alt.X, _: Words) -> list[Any]:
    """The 95 and 80 percent bands of ``frame`` (ds, lo_80, hi_80, lo_95, hi_95) around the forecast."""
    held = frame.select("ds", "lo_80", "hi_80", "lo_95", "hi_95").drop_nulls()
    base = alt.Chart(values(held)).encode(x=x)
    return [
        base.mark_area(opacity=opacity, color=neutral("accent")).encode(
            y=value_channel(result, _, f"lo_{level}"), y2=f"hi_{level}"
        )
        for level, opacity in ((95, BAND_95), (80, BAND_80))
    ]


def line(frame: pl.DataFrame, column: str, name: str) -> pl.DataFrame:
    """ds, value, series and part: parts of one series are not joined by a line."""
    part = str(frame["cutoff"][0]) if "cutoff" in frame.columns and frame.height else ""
    return frame.select("ds", value=pl.col(column).cast(pl.Float64), series=pl.lit(name), part=pl.lit(part))


def styled_lines(result: Told, lines: pl.DataFrame, styles: Styles, x: alt.X, _: Words) -> Any:
    """Lines in the colours and dashes of ``styles``, which is their legend as well."""
    shown = list(styles)
    columns = alt.ExprRef("width < 380 ? 2 : 0")  # two below one another where the place is narrow
    legend = alt.Legend(
        symbolType="stroke", symbolStrokeWidth=2, symbolSize=300, values=shown, title=None, columns=columns
    )
    colors = alt.Scale(domain=shown, range=[neutral(color) for color, _dash in styles.values()])
    dashes = alt.Scale(domain=shown, range=[dash for _color, dash in styles.values()])
    return (
        alt.Chart(values(lines))
        .mark_line(strokeWidth=2)
        .encode(
            x=x,
            y=value_channel(result, _),
            color=alt.Color("series:N", scale=colors, legend=legend),
            strokeDash=alt.StrokeDash("series:N", scale=dashes, legend=legend),
            detail="part:N",
        )
    )


def end_rule(frame: pl.DataFrame, text: str) -> list[Any]:
    """A rule at the only ``ds`` of ``frame``, its words above it."""
    at = alt.Chart(values(frame.select("ds")))
    said = at.mark_text(align="right", baseline="bottom", dx=4, fontSize=12, color=neutral("muted"))
    return [
        at.mark_rule(color=neutral("muted")).encode(x="ds:T"),
        said.encode(x="ds:T", y=alt.value(-4), text=alt.value(text)),
    ]


def day_tip(field: str, title: str, _: Words) -> alt.Tooltip:
    """A date in a tooltip."""
    return tooltip(field, title, kind="temporal", format="%-d %b %Y" if _.language == "en" else "%Y/%-m/%-d")


def number_tip(result: ForecastResult, field: str, title: str) -> alt.Tooltip:
    """A value in a tooltip: whole numbers where values are large."""
    return tooltip(field, title, kind="quantitative", format=",.0f" if is_large(result) else ",.1f")


def effect_tip(result: ForecastResult, _: Words) -> alt.Tooltip:
    """An effect in a tooltip, with its sign."""
    share = "+.1%" if result.mode == "multiplicative" else "+,.0f" if is_large(result) else "+,.1f"
    return tooltip("effect", _("Effect"), kind="quantitative", format=share)


def is_large(result: ForecastResult) -> bool:
    """Whether a decimal would be noise."""
    mean = result.history["y"].abs().mean()
    return isinstance(mean, float) and mean >= 100
