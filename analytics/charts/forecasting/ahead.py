"""What comes: history, the forecast with its bands, the baseline beside it, special days ahead."""

from __future__ import annotations

from datetime import date
from typing import Any

import altair as alt
import polars as pl

from analytics.calendar import special_days
from analytics.charts.forecasting.marks import (
    MOST_POINTS,
    Styles,
    bands,
    day_tip,
    end_rule,
    line,
    number_tip,
    styled_lines,
    time_channel,
    value_channel,
    values,
)
from analytics.charts.forecasting.wording import (
    amount,
    between,
    event_name,
    joined,
    level_of,
    measured,
    model_name,
    period_name,
    score_of,
)
from analytics.charts.theme import BASELINE_DASH, STANDARD, Spec, finish, neutral, tooltip
from analytics.forecasting.spec import BASELINE, ForecastResult
from analytics.i18n import Words

SHOWN = {"day": 119, "week": 104, "month": 60}  # periods of history in the picture
LEAST_SHOWN = 26


def forecast_chart(result: ForecastResult, _: Words) -> Spec:
    """History, the chosen model with its bands, the baseline dotted, a rule at the end, special days ahead."""
    other = _beside(result)
    names = [_("Actual"), _("Forecast"), model_name(result, other, _)]
    n_shown = max(min(max(SHOWN[result.frequency], 3 * result.horizon), MOST_POINTS - result.horizon), LEAST_SHOWN)
    history = result.history.tail(n_shown)
    fan = _from_the_end(result)
    lines = [line(history, "y", names[0]), line(fan, "forecast", names[1])]
    styles: Styles = {names[0]: ("ink", [1, 0]), names[1]: ("accent", [1, 0])}
    if other in result.forecast.columns and result.forecast[other].null_count() < result.forecast.height:
        lines.append(line(result.forecast, other, names[2]))
        styles[names[2]] = ("muted", BASELINE_DASH)
    x = time_channel(result, _, n_shown + result.horizon)
    layers = bands(result, fan, x, _)
    layers += [styled_lines(result, pl.concat(lines), styles, x, _), *_hover(result, history, _)]
    layers += [*_special_days(result, _), *end_rule(history.tail(1), _("As of {day}", day=_.day(result.as_of)))]
    return finish(alt.layer(*layers), _, height=STANDARD)


def forecast_chart_finding(result: ForecastResult, _: Words) -> str:
    """Where the last period of the horizon lies, with its interval."""
    level = level_of(result)
    last = result.forecast.row(-1, named=True)
    period = period_name(result, last["ds"], _)
    low, high = amount(result, last[f"lo_{level}"], _), amount(result, last[f"hi_{level}"], _)
    if low == high:
        return _("{period}: {value}", period=period, value=low)
    return _("{period}: between {low} and {high} ({level}%)", period=period, low=low, high=high, level=level)


def forecast_chart_note(result: ForecastResult, _: Words) -> str:
    """What is drawn: unit, bands with what they held, the model beside."""
    dotted = _("Dotted: {model}.", model=model_name(result, _beside(result), _))
    return joined(measured(result, _), _band_words(result, _), dotted, _=_)


def _band_words(result: ForecastResult, _: Words) -> str:
    held = [score_of(result.scores, result.model, f"coverage_{level}") for level in (80, 95)]
    if None not in held and result.band_source != "fallback":
        return _(
            "Bands of 80% and 95%: in the back-test they held {narrow} and {wide} of what came.",
            narrow=_.percent(held[0]),
            wide=_.percent(held[1]),
        )
    if result.reason == "equal":
        return ""
    return _("Bands of 80% and 95%, wide because they could not be calibrated.")


def _beside(result: ForecastResult) -> str:
    """The model drawn beside the chosen one: the baseline, or Prophet where the baseline leads."""
    return BASELINE if result.model != BASELINE else "prophet"


def _from_the_end(result: ForecastResult) -> pl.DataFrame:
    """The forecast with the last observed value, which is certain, before it: a fan that opens where history ends."""
    columns = ["forecast", "lo_80", "hi_80", "lo_95", "hi_95"]
    end = result.history.tail(1).drop_nulls().select("ds", *(pl.col("y").alias(name) for name in columns))
    return pl.concat([end, result.forecast.select("ds", *columns)])


def _hover(result: ForecastResult, history: pl.DataFrame, _: Words) -> tuple[Any, Any]:
    """Invisible points that carry the tooltips: over history what was, over the horizon what is expected."""
    level = level_of(result)
    bounds = result.forecast.select(f"lo_{level}", f"hi_{level}").iter_rows()
    held = [between(result, low, high, _) for low, high in bounds]
    ahead = result.forecast.select("ds", "last_year", value="forecast").with_columns(interval=pl.Series(held))
    tips = [
        day_tip("ds", _("Period from"), _),
        number_tip(result, "value", _("Expected")),
        tooltip("interval", _("{level}% interval", level=level)),
        number_tip(result, "last_year", _("Same period last year")),
    ]
    past = [day_tip("ds", _("Period from"), _), number_tip(result, "value", _("Actual"))]
    over_history = alt.Chart(values(history.select("ds", value="y"))).mark_point(opacity=0, size=80)
    over_ahead = alt.Chart(values(ahead)).mark_point(opacity=0, size=120)
    y = value_channel(result, _)
    return over_history.encode(x="ds:T", y=y, tooltip=past), over_ahead.encode(x="ds:T", y=y, tooltip=tips)


def _special_days(result: ForecastResult, _: Words) -> list[Any]:
    """A mark on the axis for each special day ahead, its name in the tooltip."""
    rows = special_days_ahead(result, _)
    if rows.is_empty():
        return []
    marks = alt.Chart(values(rows)).mark_point(shape="triangle-up", filled=True, size=70, opacity=1)
    tips = [tooltip("label", _("Event")), day_tip("ds", _("Period from"), _)]
    return [marks.encode(x="ds:T", y=alt.value(STANDARD - 5), color=alt.value(neutral("muted")), tooltip=tips)]


def special_days_ahead(result: ForecastResult, _: Words) -> pl.DataFrame:
    """ds and label of each special day in the horizon; those that touch one period share a row."""
    ahead = result.forecast["ds"]
    first, last = ahead[0], ahead[-1]
    found = special_days(result.spec.calendar, result.frequency, first.year, last.year)
    named: dict[date, list[str]] = {}
    for code, ds in found:
        if first <= ds <= last:
            named.setdefault(ds, []).append(event_name(code, _))
    rows = [{"ds": ds, "label": _.listing(dict.fromkeys(labels))} for ds, labels in sorted(named.items())]
    return pl.DataFrame(rows, schema={"ds": pl.Date, "label": pl.String})
