"""What Prophet sees in the series: trend, weekdays, the year, events; a chart each."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any, Literal

import altair as alt
import polars as pl

from analytics.charts.forecasting.marks import (
    MOST_POINTS,
    day_tip,
    effect_axis,
    effect_tip,
    number_tip,
    time_channel,
    value_channel,
    values,
)
from analytics.charts.forecasting.wording import amount, effect_words, event_name, joined, measured
from analytics.charts.theme import BAR_OPACITY, Spec, finish, neutral, plain_axis, tooltip
from analytics.forecasting.spec import ForecastResult
from analytics.i18n import Words

Component = Literal["trend", "weekly", "yearly", "holidays"]

MOST_EVENTS = 12
HEIGHT = 180
NEW_YEARS_EVE = date(2000, 12, 31)  # before a year without a leap day: day of the year 1 is 1 January
PERIODS_A_YEAR = {"day": 365, "week": 52, "month": 12}


def component_names(result: ForecastResult) -> tuple[Component, ...]:
    """The components this forecast has, in reading order: a chart each."""
    found = set(result.components["component"])
    rest: tuple[Component, ...] = ("weekly", "yearly", "holidays")
    return ("trend", *(name for name in rest if name in found))


def component_chart(result: ForecastResult, name: Component, _: Words) -> Spec:
    """One component: the trend and the year as lines, weekdays as bars, holidays as dots with their intervals."""
    draw = {"trend": _trend, "weekly": _weekly, "yearly": _yearly, "holidays": _holidays}[name]
    height = HEIGHT
    if name == "holidays":
        height = max(HEIGHT, 30 + 22 * len(_events(result)))
    return finish(draw(result, _), _, height=height)


def component_finding(result: ForecastResult, name: Component, _: Words) -> str:
    """What the component says, with its number."""
    if name == "trend":
        return _trend_finding(result, _)
    if name == "holidays":
        return _holidays_finding(result, _)
    rows = _shape(result, name).sort("effect")
    low, high = rows.row(0, named=True), rows.row(-1, named=True)
    if name == "weekly":
        places = [_.label("weekday", str(row["position"])) for row in (high, low)]
    else:
        places = [_.label("month", str(_day_of_year(row["position"]).month)) for row in (high, low)]
    return _(
        "Highest {high} ({more}), lowest {low} ({less})",
        high=places[0],
        more=effect_words(result, high["effect"], _),
        low=places[1],
        less=effect_words(result, low["effect"], _),
    )


def component_note(result: ForecastResult, name: Component, _: Words) -> str:
    """What is drawn, in which unit."""
    if name == "trend":
        return joined(_("Without seasons and holidays."), measured(result, _), _=_)
    kind = {
        "weekly": _("By day of the week."),
        "yearly": _("By time of the year."),
        "holidays": _("By event seen twice or more: mean effect on a period, bar 95%."),
    }[name]
    if result.mode == "multiplicative":
        return joined(kind, _("Effect as a share of the trend."), _=_)
    return joined(kind, measured(result, _), _=_)


def effects_table(result: ForecastResult, _: Words) -> pl.DataFrame:
    """Every effect as it is read, for the download.

    Columns: effect_part, effect_place (a weekday, a day of the year as month/day, an event), effect_size (share of the
    trend in a multiplicative model, else in the series' unit), effect_lo, effect_hi (95%), effect_times_seen.
    """
    parts = {"weekly": _("Day of the week"), "yearly": _("Time of the year"), "holidays": _("Special days")}

    def place(row: dict[str, Any]) -> str:
        if row["component"] == "weekly":
            return _.label("weekday", str(row["position"]))
        if row["component"] == "yearly":
            day = _day_of_year(row["position"])
            return f"{day.month}/{day.day}"
        return event_name(row["name"], _)

    held = result.components.filter(pl.col("component").is_in(list(parts)))
    return held.select(
        pl.col("component").replace(parts).alias("effect_part"),
        pl.Series("effect_place", [place(row) for row in held.to_dicts()], dtype=pl.String),
        effect_size="effect",
        effect_lo="lo_95",
        effect_hi="hi_95",
        effect_times_seen="n_seen",
    )


def _trend(result: ForecastResult, _: Words) -> Any:
    rows = result.decomposition.select("ds", "trend")
    step = -(-len(rows) // MOST_POINTS)
    line = alt.Chart(values(rows.gather_every(step))).mark_line(color=neutral("accent"), strokeWidth=2)
    tips = [day_tip("ds", _("Period from"), _), number_tip(result, "trend", _("Trend"))]
    y = value_channel(result, _, "trend", n_ticks=4)
    at_end = alt.Chart(values(result.history.tail(1).select("ds"))).mark_rule(color=neutral("muted"))
    return line.encode(x=time_channel(result, _, len(rows)), y=y, tooltip=tips) + at_end.encode(x="ds:T")


def _weekly(result: ForecastResult, _: Words) -> Any:
    rows = _shape(result, "weekly")
    labels = [_.label("weekday", str(place)) for place in rows["position"]]
    bars = alt.Chart(values(rows.with_columns(label=pl.Series(labels)))).mark_bar(color=neutral("accent"))
    return bars.encode(
        x=alt.X("label:N", sort=labels, axis=plain_axis(labelAngle=0)),
        y=alt.Y("effect:Q", axis=effect_axis(result, _), title=None),
        tooltip=[tooltip("label", _("Weekday")), effect_tip(result, _)],
    )


def _yearly(result: ForecastResult, _: Words) -> Any:
    rows = _shape(result, "yearly")
    rows = rows.with_columns(ds=pl.Series([_day_of_year(place) for place in rows["position"]], dtype=pl.Date))
    axis = plain_axis(format="%b", tickCount=6, labelOverlap="greedy")
    line = alt.Chart(values(rows)).mark_line(color=neutral("accent"), strokeWidth=2)
    day = "%-d %b" if _.language == "en" else "%-m/%-d"
    y = alt.Y("effect:Q", axis=effect_axis(result, _), title=None)
    tips = [tooltip("ds", _("Time of year"), kind="temporal", format=day), effect_tip(result, _)]
    zero = alt.Chart(values(pl.DataFrame({"effect": [0.0]}))).mark_rule(color=neutral("quiet"))
    return zero.encode(y=y) + line.encode(x=alt.X("ds:T", axis=axis), y=y, tooltip=tips)


def _holidays(result: ForecastResult, _: Words) -> Any:
    rows = _events(result)
    labels = [event_name(code, _) for code in rows["name"]]
    y = alt.Y("label:N", sort=labels, axis=plain_axis(labelLimit=220))
    x = alt.X("effect:Q", axis=effect_axis(result, _), title=None)
    held = [
        _.span(effect_words(result, low, _), effect_words(result, high, _))
        for low, high in rows.select("lo_95", "hi_95").iter_rows()
    ]
    base = alt.Chart(values(rows.with_columns(label=pl.Series(labels), interval=pl.Series(held, dtype=pl.String))))
    tips = [
        tooltip("label", _("Event")),
        effect_tip(result, _),
        tooltip("interval", _("{level}% interval", level=95)),
        tooltip("n_seen", _("Times seen"), kind="quantitative", format="d"),
    ]
    bars = base.mark_bar(height=7, opacity=BAR_OPACITY, color=neutral("accent"))
    dots = base.mark_point(filled=True, size=60, opacity=1, color=neutral("accent"))
    zero = alt.Chart(values(pl.DataFrame({"effect": [0.0]}))).mark_rule(color=neutral("muted")).encode(x=x)
    span = alt.X("lo_95:Q", axis=effect_axis(result, _), title=None)
    return bars.encode(y=y, x=span, x2="hi_95") + zero + dots.encode(y=y, x=x, tooltip=tips)


def _trend_finding(result: ForecastResult, _: Words) -> str:
    trend = result.decomposition["trend"].head(len(result.history))
    year = PERIODS_A_YEAR[result.frequency]
    if len(trend) > year:
        before, period = trend[-1 - year], _("in the last year")
    else:
        before, period = trend[0], _("since {month}", month=_.month(result.history["ds"][0]))
    if before <= 0:
        return _("The trend lies at {value}", value=amount(result, trend[-1], _))
    grown = trend[-1] / before - 1
    if round(abs(grown), 2) == 0:
        return _("The trend stayed level {period}", period=period)
    if grown > 0:
        return _("The trend grew {share} {period}", share=_.percent(grown), period=period)
    return _("The trend fell {share} {period}", share=_.percent(-grown), period=period)


def _holidays_finding(result: ForecastResult, _: Words) -> str:
    clear = _shape(result, "holidays").filter("beyond_chance")
    if clear.is_empty():
        return _("No event stands out from chance")
    most = clear.row(0, named=True)
    effect = effect_words(result, most["effect"], _)
    return _("{event} moves demand most: {effect}", event=event_name(most["name"], _), effect=effect)


def _shape(result: ForecastResult, name: Component) -> pl.DataFrame:
    return result.components.filter(pl.col("component") == name).sort("position")


def _events(result: ForecastResult) -> pl.DataFrame:
    return _shape(result, "holidays").head(MOST_EVENTS)


def _day_of_year(place: int) -> date:
    return NEW_YEARS_EVE + timedelta(days=min(place, 365))
