"""History and forecast, what we would have said then, and the table of models."""

from __future__ import annotations

from typing import Any

import altair as alt
import polars as pl

from analytics.charts.forecasting.marks import MOST_POINTS, day_tip, number_tip, time_channel, value_channel, values
from analytics.charts.forecasting.wording import BASELINE, PROPHET, amount, joined, measured, model_name
from analytics.charts.theme import (
    BACKTEST_DASH,
    BAND_80,
    BAND_95,
    BASELINE_DASH,
    STANDARD,
    Spec,
    finish,
    neutral,
    tooltip,
)
from analytics.forecasting import ForecastResult
from analytics.i18n import Words

SHOWN = {"day": 182, "week": 104, "month": 60}  # periods of history in the picture
LEAST_SHOWN = 26
WEEK = 7

Styles = dict[str, tuple[str, list[int]]]


def forecast_chart(result: ForecastResult, _: Words) -> Spec:
    """History, what the back-test said, the leading model with its bands, the other model dotted, a rule at the end."""
    lead, other = result.best_model, BASELINE if result.best_model == PROPHET else PROPHET
    names = [_("Actual"), _("Back-test"), _("Forecast"), model_name(result, other, _)]
    n_shown = max(min(max(SHOWN[result.frequency], 3 * result.horizon), MOST_POINTS - result.horizon), LEAST_SHOWN)
    history = result.history.tail(n_shown)
    said = latest_said(result, lead).filter(pl.col("ds") >= history["ds"][0])
    lines = pl.concat(
        [
            _line(history, "y", names[0]),
            *(_line(part, lead, names[1]) for part in said.partition_by("cutoff")),
            _line(_from_the_end(result, history, lead), lead, names[2]),
            _line(result.forecast, other, names[3]),
        ]
    )
    looks: list[tuple[str, list[int]]] = [
        ("ink", [1, 0]),
        ("accent", BACKTEST_DASH),
        ("accent", [1, 0]),
        ("muted", BASELINE_DASH),
    ]
    styles = {name: look for name, look in zip(names, looks, strict=True) if name != names[1] or len(said)}
    bands = _from_the_end(result, history, lead).select(
        "ds",
        **{f"{side}_{level}": pl.col(f"{lead}-{side}-{level}") for level in (80, 95) for side in ("lo", "hi")},
    )
    x = time_channel(result, _, n_shown + result.horizon)
    base = alt.Chart(values(bands)).encode(x=x)
    layers = [
        base.mark_area(opacity=opacity, color=neutral("accent")).encode(
            y=value_channel(result, _, f"lo_{level}"), y2=f"hi_{level}"
        )
        for level, opacity in ((95, BAND_95), (80, BAND_80))
    ]
    layers += [_styled_lines(result, lines, styles, x, _), *_hover(result, history, _), *_as_of_rule(result, _)]
    return finish(alt.layer(*layers), _, height=STANDARD)


def forecast_chart_finding(result: ForecastResult, _: Words) -> str:
    """Where the last period of the horizon lies, with its interval."""
    level, lead = round(result.spec.interval_width * 100), result.best_model
    last = result.forecast.row(-1, named=True)
    day = _.month(last["ds"]) if result.frequency == "month" else _.day(last["ds"])
    period = _("Week of {day}", day=day) if result.frequency == "week" else day
    low, high = amount(result, last[f"{lead}-lo-{level}"], _), amount(result, last[f"{lead}-hi-{level}"], _)
    if low == high:
        return _("{period}: {value}", period=period, value=low)
    return _("{period}: between {low} and {high} ({level}%)", period=period, low=low, high=high, level=level)


def forecast_chart_note(result: ForecastResult, _: Words) -> str:
    """What is drawn: unit, bands, the other model."""
    other = BASELINE if result.best_model == PROPHET else PROPHET
    dotted = _("Dotted: {model}.", model=model_name(result, other, _))
    if result.reason == "equal":
        return joined(measured(result, _), dotted, _=_)
    if result.best_model in result.calibrated:
        bands = _("Bands: 80% and 95%, from what the back-test got wrong.")
    else:
        bands = _("Bands: 80% and 95%, wide because they could not be calibrated.")
    return joined(measured(result, _), bands, dotted, _=_)


def latest_said(result: ForecastResult, model: str) -> pl.DataFrame:
    """cutoff, ds, ``model``: for each back-tested period what the last cutoff before it said."""
    last = result.backtest.sort("cutoff").group_by("ds", maintain_order=True).last()
    return last.sort("ds").select("cutoff", "ds", model)


def backtest_chart(result: ForecastResult, _: Words) -> Spec:
    """The actual line of the back-tested time and one dashed line per origin that starts at its dot.

    Daily series are drawn as means over seven days, on both sides alike, so that the weekly swing hides nothing.
    """
    actual, said, starts = _said_then(result)
    names = [_("Actual"), _("Said then")]
    lines = pl.concat(
        [_line(actual, "y", names[0]), *(_line(part, "said", names[1]) for part in said.partition_by("cutoff"))]
    )
    styles: Styles = {names[0]: ("ink", [1, 0]), names[1]: ("accent", BACKTEST_DASH)}
    dots = alt.Chart(values(starts)).mark_point(filled=True, size=40, opacity=1, color=neutral("accent"))
    hover = alt.Chart(values(said)).mark_point(opacity=0, size=80)
    tips = [
        day_tip("ds", _("Period from"), _),
        day_tip("cutoff", _("Forecast made after"), _),
        number_tip(result, "said", _("Said then")),
        number_tip(result, "y", _("Actual")),
    ]
    layers = [
        _styled_lines(result, lines, styles, time_channel(result, _, len(actual)), _),
        dots.encode(x="ds:T", y=value_channel(result, _, "y"), tooltip=[day_tip("ds", _("Forecast made after"), _)]),
        hover.encode(x="ds:T", y=value_channel(result, _, "said"), tooltip=tips),
    ]
    return finish(alt.layer(*layers), _, height=STANDARD)


def backtest_chart_finding(result: ForecastResult, _: Words) -> str:
    """How often Prophet beat the baseline."""
    if not result.n_origins:
        return _("No back-test was possible")
    if result.reason == "equal":
        return _("Prophet and the baseline said the same")
    return _.ngettext(
        "Prophet was nearer than the baseline in {won} of {n} back-test",
        "Prophet was nearer than the baseline in {won} of {n} back-tests",
        result.n_origins,
        won=result.n_won,
    )


def backtest_chart_note(result: ForecastResult, _: Words) -> str:
    """What is drawn, and by which model."""
    sentences = [
        measured(result, _),
        _(
            "Dashed: what was said at each dot, from nothing but the data up to there ({model}).",
            model=model_name(result, result.best_model, _),
        ),
    ]
    if result.frequency == "day":
        sentences.append(_("Means over seven days."))
    return joined(*sentences, _=_)


def score_rows(result: ForecastResult, _: Words) -> list[dict[str, str]]:
    """The table of models: one row each, headings and numbers written out; the leading model first."""
    ordered = sorted(result.scores.iter_rows(named=True), key=lambda row: row["model"] != result.best_model)
    return [
        {
            _("Model"): model_name(result, row["model"], _),
            _("Scaled error"): _.number(row["rmsse" if result.compared_by == "rmsse" else "mase"], 2),
            _("Error, share of sales"): _.percent(row["wape"], 1),
            _("Bias"): "–" if row["bias"] is None else _("{number}%", number=_.signed(row["bias"] * 100, 1)),
            _("Inside the 80% band"): _.percent(row["coverage_80"], 1),
            _("Inside the 95% band"): _.percent(row["coverage_95"], 1),
            _("Periods compared"): _.number(row["n"]),
        }
        for row in ordered
    ]


def score_note(result: ForecastResult, _: Words) -> str:
    """How to read the scaled error."""
    if result.season_length == 1:
        return _("Scaled error: 1.00 is as far off as repeating the last value was, on average, before the cutoff.")
    return _("Scaled error: 1.00 is as far off as repeating the last season was, on average, before the cutoff.")


def _from_the_end(result: ForecastResult, history: pl.DataFrame, lead: str) -> pl.DataFrame:
    """The forecast with the last observed value, which is certain, before it: a fan that opens where history ends."""
    columns = [name for name in result.forecast.columns if name == lead or name.startswith(f"{lead}-")]
    end = history.tail(1).drop_nulls().select("ds", *(pl.col("y").alias(name) for name in columns))
    return pl.concat([end, result.forecast.select("ds", *columns)])


def _said_then(result: ForecastResult) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """(ds, y), (cutoff, ds, said, y) with each origin's last observed period first, and (ds, y) at the cutoffs."""
    mean = WEEK if result.frequency == "day" else 1
    history = result.history
    backtest = result.backtest.select("cutoff", "ds", said=result.best_model)
    backtest = backtest.join(history, on="ds", how="left", maintain_order="left").select("cutoff", "ds", "y", "said")
    smooth = history.with_columns(pl.col("y").rolling_mean(mean, min_samples=1))
    start = backtest["cutoff"].min() if len(backtest) else history["ds"][0]
    pieces = []
    for origin in backtest.partition_by("cutoff"):
        cutoff = origin["cutoff"][0]
        before = history.filter(pl.col("ds") <= cutoff).tail(mean)
        before = before.select(pl.lit(cutoff).alias("cutoff"), "ds", "y", said="y")
        whole = pl.concat([before, origin]).with_columns(pl.col("said", "y").rolling_mean(mean, min_samples=1))
        pieces.append(whole.slice(len(before) - 1))
    said = pl.concat(pieces) if pieces else backtest
    starts = smooth.filter(pl.col("ds").is_in(backtest["cutoff"].unique().to_list()))
    return smooth.filter(pl.col("ds") >= start).tail(MOST_POINTS), said, starts


def _line(frame: pl.DataFrame, column: str, name: str) -> pl.DataFrame:
    """ds, value, series and part: parts of one series are not joined by a line."""
    part = str(frame["cutoff"][0]) if "cutoff" in frame.columns and len(frame) else ""
    return frame.select("ds", value=pl.col(column), series=pl.lit(name), part=pl.lit(part))


def _styled_lines(result: ForecastResult, lines: pl.DataFrame, styles: Styles, x: alt.X, _: Words) -> Any:
    shown = list(styles)
    legend = alt.Legend(symbolType="stroke", symbolStrokeWidth=2, symbolSize=300, values=shown, title=None)
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


def _hover(result: ForecastResult, history: pl.DataFrame, _: Words) -> tuple[Any, Any]:
    """Invisible points that carry the tooltips: over history what was, over the horizon what is expected."""
    level, lead = round(result.spec.interval_width * 100), result.best_model
    intervals = [
        _.span(amount(result, low, _), amount(result, high, _))
        for low, high in result.forecast.select(f"{lead}-lo-{level}", f"{lead}-hi-{level}").iter_rows()
    ]
    ahead = result.forecast.select("ds", "last_year", value=lead).with_columns(interval=pl.Series(intervals))
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


def _as_of_rule(result: ForecastResult, _: Words) -> tuple[Any, Any]:
    at = alt.Chart(values(result.history.tail(1).select("ds")))
    text = at.mark_text(align="right", baseline="bottom", dx=4, fontSize=12, color=neutral("muted"))
    label = alt.value(_("As of {day}", day=_.day(result.as_of)))
    rule = at.mark_rule(color=neutral("muted")).encode(x="ds:T")
    return rule, text.encode(x="ds:T", y=alt.value(-4), text=label)
