"""The answer card: the total of the chosen model, the change on last year, how far off it was before."""

from __future__ import annotations

from typing import Literal

from analytics.charts.forecasting.wording import (
    change,
    currency_of,
    error_pair,
    figure,
    level_of,
    model_name,
    period_words,
    repeating,
    score_of,
    total_words,
    with_unit,
)
from analytics.charts.headline import Headline, Metric
from analytics.forecasting.spec import BASELINE, ForecastResult
from analytics.i18n import Words

GOOD_COVERAGE = 0.1


def headline(result: ForecastResult, _: Words) -> Headline:
    """The answer card of the page."""
    total = result.totals.row(0, named=True)
    level = level_of(result)
    low, high = total[f"lo_{level}"], total[f"hi_{level}"]
    divisor, unit = _.compact_unit(high or total["total"])
    # The baseline may repeat last year: its change says nothing.
    grown = None if result.model == BASELINE else total["change_share"]
    label = _("Next {periods}", periods=period_words(result, _))
    return Headline(
        _finding(result, total["total"], grown, _),
        why(result, _),
        (
            Metric(
                with_unit(result, label, unit, _),
                figure(result, total["total"], divisor, _),
                "" if grown is None else _("{change} on last year", change=change(grown, _)),
            ),
            Metric(_interval_label(result, level, unit, _), _interval(result, low, high, divisor, _)),
            _error_metric(result, _),
            _coverage_metric(result, level, _),
        ),
    )


def _interval_label(result: ForecastResult, level: int, unit: str, _: Words) -> str:
    """The symbol stands here, so that the value is short enough for a narrow place."""
    label, symbol = _("{level}% interval", level=level), _.symbol(currency_of(result)).strip()
    if _.language == "en":
        return _.listing([label, symbol]) if symbol else label
    return with_unit(result, label, unit, _)


def _interval(result: ForecastResult, low: float | None, high: float | None, divisor: float, _: Words) -> str:
    return _.span(figure(result, low, divisor, _, symbol=False), figure(result, high, divisor, _, symbol=False))


def _finding(result: ForecastResult, total: float, grown: float | None, _: Words) -> str:
    ahead, expected = period_words(result, _), total_words(result, total, _)
    if result.model == BASELINE:
        if result.season_length == 1:
            return _("{periods}: {amount} if the level stays", periods=ahead, amount=expected)
        if result.frequency == "day":
            return _("{periods}: {amount} if last week repeats", periods=ahead, amount=expected)
        return _("{periods}: {amount} if last year repeats", periods=ahead, amount=expected)
    if grown is None:
        return _("{periods}: {amount} expected", periods=ahead, amount=expected)
    return _(
        "{periods}: {amount} expected, {change} on last year", periods=ahead, amount=expected, change=change(grown, _)
    )


def why(result: ForecastResult, _: Words) -> str:
    """One sentence: why this model."""
    name, n = model_name(result, result.model, _), result.n_origins
    if result.reason == "untested":
        return _("The history is too short for a back-test: {model} leads, and the interval is wide.", model=name)
    if result.reason == "equal":
        return _("There is no error to compare, since the series does not vary: {model} leads.", model=name)
    mine, theirs = error_pair(result, _)
    told = {"model": name, "error": mine, "baseline": theirs, "repeating": repeating(result, _), "won": result.n_won}
    match result.reason:
        case "baseline_wins":
            return _.ngettext(
                "In {n} back-test no model was clearly better than {repeating}, which was off by {baseline}.",
                "In {n} back-tests no model was clearly better than {repeating}, which was off by {baseline}.",
                n,
                **told,
            )
        case "simpler":
            return _.ngettext(
                "{model} was off by {error} in {n} back-test, {repeating} by {baseline}; what erred less was not "
                "clearly better, and is less simple.",
                "{model} was off by {error} in {n} back-tests, {repeating} by {baseline}; what erred less was not "
                "clearly better, and is less simple.",
                n,
                **told,
            )
        case "intermittent":
            return _(
                "Most periods have no sale, so only models for such series were compared: {model} was off by {error}, "
                "{repeating} by {baseline}.",
                **told,
            )
        case "asked":
            return _(
                "{model} was asked for. In the back-test it was off by {error}, {repeating} by {baseline}.", **told
            )
        case _other:
            return _.ngettext(
                "{model} came nearest in {n} back-test: off by {error}, {repeating} by {baseline}; it was nearer than "
                "the baseline in {won} of {n}.",
                "{model} came nearest in {n} back-tests: off by {error}, {repeating} by {baseline}; it was nearer than "
                "the baseline in {won} of {n}.",
                n,
                **told,
            )


def _error_metric(result: ForecastResult, _: Words) -> Metric:
    if not result.n_origins:
        return Metric(_("Back-test error"), "–", _("not tested"), "watch")
    mine, theirs = error_pair(result, _)
    if mine == "–" or not result.compared_by:
        return Metric(_("Back-test error"), mine, _("nothing to compare"))
    if result.model == BASELINE:
        return Metric(_("Back-test error"), mine, _("the baseline leads"), "watch")
    tone: Literal["good", "watch"] = "good" if result.reason in ("lowest_error", "simpler", "intermittent") else "watch"
    return Metric(_("Back-test error"), mine, _("baseline {error}", error=theirs), tone)


def _coverage_metric(result: ForecastResult, level: int, _: Words) -> Metric:
    held = score_of(result.scores, result.model, f"coverage_{level}")
    if held is None:
        return Metric(_("Interval held"), "–", _("not measured"), "watch")
    off = held - level / 100
    tone: Literal["good", "watch", "gray"] = "good" if abs(off) <= GOOD_COVERAGE else "watch" if off < 0 else "gray"
    return Metric(_("Interval held"), _.percent(held), _("target {level}%", level=level), tone)
