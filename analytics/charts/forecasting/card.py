"""The answer card: the total of the leading model, the change on last year, how far off it was before."""

from __future__ import annotations

from typing import Literal

import polars as pl

from analytics.charts.forecasting.wording import (
    BASELINE,
    PROPHET,
    amount,
    change,
    currency_of,
    error_words,
    period_words,
    repeating,
    score_of,
    total_words,
)
from analytics.charts.headline import Headline, Metric
from analytics.forecasting import ForecastResult
from analytics.i18n import Words

GOOD_COVERAGE = 0.1


def headline(result: ForecastResult, _: Words) -> Headline:
    """The answer card of the page."""
    total = result.totals.row(by_predicate=pl.col("model") == result.best_model, named=True)
    level = round(result.spec.interval_width * 100)
    low, high = total[f"lo_{level}"], total[f"hi_{level}"]
    divisor, unit = _.compact_unit(high)
    # The baseline repeats last year: its change says nothing.
    grown = total["change_share"] if result.best_model == PROPHET else None
    label = _("Next {periods}", periods=period_words(result, _))
    return Headline(
        _finding(result, total["total"], grown, _),
        _sentence(result, _),
        (
            Metric(
                _with_unit(result, label, unit, _),
                _figure(result, total["total"], divisor, _),
                "" if grown is None else _("{change} on last year", change=change(grown, _)),
            ),
            Metric(
                _with_unit(result, _("{level}% interval", level=level), unit, _),
                _.span(_figure(result, low, divisor, _), _figure(result, high, divisor, _, symbol=False)),
            ),
            _error_metric(result, _),
            _coverage_metric(result, level, _),
        ),
    )


def _finding(result: ForecastResult, total: float, grown: float | None, _: Words) -> str:
    ahead, expected = period_words(result, _), total_words(result, total, _)
    if result.best_model == BASELINE:
        if result.season_length == 1:
            return _("{periods}: {amount} if the level stays", periods=ahead, amount=expected)
        if result.season_length == 7:
            return _("{periods}: {amount} if last week repeats", periods=ahead, amount=expected)
        return _("{periods}: {amount} if last year repeats", periods=ahead, amount=expected)
    if grown is None:
        return _("{periods}: {amount} expected", periods=ahead, amount=expected)
    return _(
        "{periods}: {amount} expected, {change} on last year", periods=ahead, amount=expected, change=change(grown, _)
    )


def _sentence(result: ForecastResult, _: Words) -> str:
    if not result.n_origins:
        return _("The history is too short for a back-test, so the interval is wide.")
    if result.reason == "equal":
        return _("Prophet and the baseline say the same: the series does not vary.")
    prophet, baseline = error_words(result, _)
    if result.reason == "baseline_wins":
        return _.ngettext(
            "In {n} back-test Prophet was off by {prophet}, {repeating} by {baseline}: the baseline leads.",
            "In {n} back-tests Prophet was off by {prophet}, {repeating} by {baseline}: the baseline leads.",
            result.n_origins,
            prophet=prophet,
            baseline=baseline,
            repeating=repeating(result, _),
        )
    return _.ngettext(
        "Average error in {n} back-test {prophet}; {repeating} would have been off by {baseline}.",
        "Average error in {n} back-tests {prophet}; {repeating} would have been off by {baseline}.",
        result.n_origins,
        prophet=prophet,
        baseline=baseline,
        repeating=repeating(result, _),
    )


def _error_metric(result: ForecastResult, _: Words) -> Metric:
    if not result.n_origins:
        return Metric(_("Back-test error"), "–", _("not tested"), "watch")
    if not result.compared_by:
        return Metric(_("Back-test error"), "–", _("nothing to compare"))
    prophet, baseline = error_words(result, _)
    if result.best_model == PROPHET:
        return Metric(_("Back-test error"), prophet, _("baseline {error}", error=baseline), "good")
    tone: Literal["gray", "watch"] = "gray" if result.reason == "equal" else "watch"
    return Metric(_("Back-test error"), baseline, _("Prophet {error}", error=prophet), tone)


def _coverage_metric(result: ForecastResult, level: int, _: Words) -> Metric:
    held = score_of(result, result.best_model, f"coverage_{level}")
    if held is None:
        return Metric(_("Interval held"), "–", _("not measured"), "watch")
    off = held - level / 100
    tone: Literal["good", "watch", "gray"] = "good" if abs(off) <= GOOD_COVERAGE else "watch" if off < 0 else "gray"
    return Metric(_("Interval held"), _.percent(held), _("target {level}%", level=level), tone)


def _with_unit(result: ForecastResult, label: str, unit: str, _: Words) -> str:
    """In Chinese the unit stands in the label; in English the value carries it."""
    whole = f"{_.symbol(currency_of(result)).strip()} {unit}".strip()
    return label if _.language == "en" or not whole else _("{label} ({unit})", label=label, unit=whole)


def _figure(result: ForecastResult, value: float, divisor: float, _: Words, *, symbol: bool = True) -> str:
    if _.language == "en":
        return amount(result, value, _) if symbol or not currency_of(result) else _.compact(value)
    scaled = value / divisor
    return _.number(scaled, 1 if divisor > 1 and abs(scaled) < 100 else 0)
