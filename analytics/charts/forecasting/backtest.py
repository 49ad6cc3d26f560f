"""What we would have said then: one cutoff in sight, and all of them side by side."""

from __future__ import annotations

from datetime import date
from typing import Any

import altair as alt
import polars as pl

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
    value_axis_of,
    value_channel,
    values,
)
from analytics.charts.forecasting.wording import (
    amount,
    between,
    change,
    joined,
    last_day,
    length_words,
    level_of,
    measured,
    model_name,
    repeating,
)
from analytics.charts.headline import Metric
from analytics.charts.theme import BACKTEST_DASH, BASELINE_DASH, STANDARD, Spec, finish, neutral, plain_axis, tooltip
from analytics.forecasting.spec import BASELINE, ForecastResult
from analytics.i18n import Words

BEFORE = {"day": 70, "week": 52, "month": 24}  # least periods before the cutoff in the picture


def cutoffs(result: ForecastResult) -> tuple[date, ...]:
    """Last periods seen of all back-tests, the earliest first; the last of them no choice has seen."""
    found: list[date] = result.backtest["cutoff"].unique().sort().to_list()
    return tuple(found)


def cutoff_or_last(result: ForecastResult, wanted: date | None) -> date:
    """The cutoff nearest to the one ``wanted``; the last where none is."""
    found = cutoffs(result)
    return found[-1] if wanted is None else min(found, key=lambda day: abs((day - wanted).days))


def cutoff_words(result: ForecastResult, cutoff: date, _: Words) -> str:
    """A cutoff as it is read: the last day that was known, or the month."""
    return _.month(cutoff) if result.frequency == "month" else _.day(last_day(result, cutoff))


def is_untouched(result: ForecastResult, cutoff: date) -> bool:
    """Whether these periods were kept away from every choice and band."""
    return not bool(_at(result, cutoff)["in_choice"].any())


def backtest_chart(result: ForecastResult, cutoff: date, _: Words) -> Spec:
    """What was known at the cutoff, what the model would have said with its bands, and what came."""
    said = _at(result, cutoff)
    names = [_("Known then"), _("Said then"), _("What came"), model_name(result, BASELINE, _)]
    n_before = min(max(BEFORE[result.frequency], 2 * result.horizon), MOST_POINTS // 2)
    known = result.history.filter(pl.col("ds") <= cutoff).tail(n_before)
    last = known.tail(1)
    start = last.select("ds", "y", **{name: pl.col("y") for name in ("forecast", "lo_80", "hi_80", "lo_95", "hi_95")})
    whole = pl.concat([start, said.select(start.columns)])
    styles: Styles = {
        names[0]: ("ink", [1, 0]),
        names[1]: ("accent", [1, 0]),
        names[2]: ("ink", BACKTEST_DASH),
        names[3]: ("muted", BASELINE_DASH),
    }
    lines = [line(known, "y", names[0]), line(whole, "forecast", names[1]), line(whole, "y", names[2])]
    if result.model == BASELINE:
        del styles[names[3]]
    else:
        lines.append(line(said, BASELINE, names[3]))
    x = time_channel(result, _, known.height + said.height)
    held = bands(result, start.clear() if said["lo_80"].null_count() == said.height else whole, x, _)
    layers = [*held, styled_lines(result, pl.concat(lines), styles, x, _), _hover(result, said, _)]
    layers += end_rule(last, _("Known until {day}", day=cutoff_words(result, cutoff, _)))
    return finish(alt.layer(*layers), _, height=STANDARD)


def backtest_finding(result: ForecastResult, cutoff: date, _: Words) -> str:
    """Total said against total that came."""
    row = _totals(result).row(by_predicate=pl.col("cutoff") == cutoff, named=True)
    said, came = amount(result, row["said"], _), amount(result, row["came"], _)
    if not row["came"]:
        return _("{said} said, {came} came", said=said, came=came)
    return _("{said} said, {came} came: off by {share}", said=said, came=came, share=change(_off(row), _))


def backtest_note(result: ForecastResult, cutoff: date, _: Words) -> str:
    """What is drawn, and whether any choice had seen it."""
    drawn = _(
        "The {periods} after {day}, forecast from nothing but the data up to there.",
        periods=length_words(_at(result, cutoff).height, result.frequency, _),
        day=cutoff_words(result, cutoff, _),
    )
    if is_untouched(result, cutoff):
        return joined(drawn, _("Neither the choice of the model nor its bands had seen these periods."), _=_)
    return joined(drawn, _("These periods helped to choose the model."), _=_)


def backtest_metrics(result: ForecastResult, cutoff: date, _: Words) -> tuple[Metric, ...]:
    """Periods inside the band, the error here, and that of the baseline."""
    said, level = _at(result, cutoff).drop_nulls("y"), level_of(result)
    banded = said.drop_nulls(f"lo_{level}")
    inside = banded.filter(pl.col("y").is_between(pl.col(f"lo_{level}"), pl.col(f"hi_{level}"))).height
    found = _("{inside} of {all}", inside=inside, all=banded.height) if banded.height else "–"
    metrics = [Metric(_("In the {level}% band", level=level), found)]
    mine, theirs = _share_off(said, "forecast"), _share_off(said, BASELINE)
    metrics.append(Metric(_("Off per period"), _.percent(mine, 1), model_name(result, result.model, _)))
    if result.model != BASELINE:
        metrics.append(Metric(_("Baseline off"), _.percent(theirs, 1), repeating(result, _)))
    return tuple(metrics)


def origins_chart(result: ForecastResult, _: Words) -> Spec:
    """For each cutoff the total that was said and the total that came, joined by a line."""
    rows = _totals(result)
    words = [cutoff_words(result, day, _) for day in rows["cutoff"]]
    names = [_("What came"), _("Said then")]
    rows = rows.with_columns(
        label=pl.Series(words, dtype=pl.String),
        unseen=pl.Series(_unseen(result, rows), dtype=pl.Boolean),
        off=pl.Series([change(_off(row), _) for row in rows.to_dicts()], dtype=pl.String),
    )
    wide = values(rows)
    y = alt.Y("label:N", sort=words, axis=plain_axis(labelLimit=110))
    x = alt.X("came:Q", axis=value_axis_of(result, _), scale=alt.Scale(zero=False), title=None)
    tips = [
        tooltip("label", _("Known until")),
        number_tip(result, "said", _("Said then")),
        number_tip(result, "came", _("What came")),
        tooltip("off", _("Off by")),
    ]
    scale = alt.Scale(domain=names, range=[neutral("ink"), neutral("accent")])
    legend = alt.Legend(values=names, title=None)
    dots = pl.concat(
        [
            rows.select("label", "said", "came", "off", "unseen", value=column, series=pl.lit(name))
            for column, name in zip(("came", "said"), names, strict=True)
        ]
    )
    layers: list[Any] = [
        alt.Chart(wide).mark_rule(color=neutral("muted"), strokeWidth=1.5).encode(y=y, x=x, x2="said"),
        alt.Chart(values(dots))
        .mark_point(filled=True, opacity=1, strokeWidth=2)
        .encode(
            y=y,
            size=alt.condition("datum.unseen", alt.value(150), alt.value(75)),
            shape=alt.condition("datum.unseen", alt.value("diamond"), alt.value("circle")),
            x=alt.X("value:Q", axis=value_axis_of(result, _), scale=alt.Scale(zero=False), title=None),
            color=alt.Color("series:N", scale=scale, legend=legend),
            tooltip=tips,
        ),
    ]
    return finish(alt.layer(*layers), _, height=STANDARD)


def origins_finding(result: ForecastResult, _: Words) -> str:
    """How often the chosen model beat the baseline."""
    if result.model == BASELINE:
        return _("What the baseline would have said, {n} times", n=len(cutoffs(result)))
    return _.ngettext(
        "Nearer than the baseline in {won} of {n} back-test",
        "Nearer than the baseline in {won} of {n} back-tests",
        result.n_origins,
        won=result.n_won,
    )


def origins_note(result: ForecastResult, _: Words) -> str:
    """What is drawn, by which model."""
    return joined(
        _("Totals of the periods after each date."),
        measured(result, _),
        _("Diamonds: periods that no choice had seen.") if any(_unseen(result, _totals(result))) else "",
        _=_,
    )


def _at(result: ForecastResult, cutoff: date) -> pl.DataFrame:
    return result.backtest.filter(pl.col("cutoff") == cutoff).sort("ds")


def _totals(result: ForecastResult) -> pl.DataFrame:
    """cutoff, said, came: sums over the periods whose value is known."""
    known = result.backtest.drop_nulls("y")
    return known.group_by("cutoff").agg(said=pl.col("forecast").sum(), came=pl.col("y").sum()).sort("cutoff")


def _unseen(result: ForecastResult, rows: pl.DataFrame) -> list[bool]:
    """Of each cutoff whether its periods were kept from every choice."""
    return [is_untouched(result, day) for day in rows["cutoff"]]


def _off(row: dict[str, Any]) -> float | None:
    """How far what was said lies above what came, as a share of what came."""
    return row["said"] / row["came"] - 1 if row["came"] else None


def _share_off(said: pl.DataFrame, column: str) -> float | None:
    """Sum of absolute errors over the sum of what came."""
    whole = float(said["y"].abs().sum())
    if not whole or said[column].null_count() == said.height:
        return None
    return float((said[column] - said["y"]).abs().sum()) / whole


def _hover(result: ForecastResult, said: pl.DataFrame, _: Words) -> Any:
    level = level_of(result)
    held = [between(result, low, high, _) for low, high in said.select(f"lo_{level}", f"hi_{level}").iter_rows()]
    rows = said.select("ds", "y", value="forecast").with_columns(interval=pl.Series(held, dtype=pl.String))
    tips = [
        day_tip("ds", _("Period from"), _),
        number_tip(result, "value", _("Said then")),
        tooltip("interval", _("{level}% interval", level=level)),
        number_tip(result, "y", _("What came")),
    ]
    points = alt.Chart(values(rows)).mark_point(opacity=0, size=120)
    return points.encode(x="ds:T", y=value_channel(result, _), tooltip=tips)
