"""The answer card of the page: how long they stay, when they leave most, and which groups differ most."""

from __future__ import annotations

import polars as pl

from analytics.charts.headline import Headline, Metric
from analytics.charts.survival.curves import median_sentence
from analytics.charts.survival.months import peak_names, riskiest
from analytics.charts.survival.parts import (
    field_name,
    horizon_text,
    length,
    level_name,
    returns,
    shown_unit,
    space,
    span,
)
from analytics.i18n import Words, escape_markdown
from analytics.survival import SurvivalResult

_ALPHA = 0.05


def headline(result: SurvivalResult, _: Words) -> Headline:
    """The finding is the median, or the share at the horizon where half have not left; then peaks and groups."""
    whole = result.groups.filter(pl.col("label") == "").row(0, named=True)
    parts = [_peaks(result, _), _strongest(result, _)]
    return Headline(
        median_sentence(result, whole["median"], _),
        space(_).join(part for part in parts if part),
        (_share(result, whole, _), _median(result, whole, _), _riskiest(result, whole, _), _timed(result, _)),
    )


def _peaks(result: SurvivalResult, _: Words) -> str:
    if result.clock == "lapse":  # a lapse is dated by the rhythm: no month of it is news
        return ""
    named = peak_names(result, _)
    if named:
        if returns(result.clock):
            return _("They come back most often after {times}.", times=named)
        return _("Leaving peaks after {times}: more than the months around it let expect.", times=named)
    return _("No single period stands out from its neighbours.")


def _strongest(result: SurvivalResult, _: Words) -> str:
    clear = result.screen.filter(pl.col("p_holm") <= _ALPHA).drop_nulls("difference").head(1)
    if clear.is_empty():
        return _("By no attribute do customers differ clearly.")
    row = clear.row(0, named=True)
    high, low = row["highest_survival"], row["lowest_survival"]
    names = [escape_markdown(level_name(row["field"], row[side], _)) for side in ("highest", "lowest")]
    if returns(result.clock):
        high, low, names = 1 - low, 1 - high, names[::-1]
        return _(
            "They differ most by {field}: after {horizon} {high} of {best} have ordered again, {low} of {worst}.",
            field=escape_markdown(field_name(row["field"], _)),
            horizon=horizon_text(result, _),
            high=_.percent(high),
            best=names[0],
            low=_.percent(low),
            worst=names[1],
        )
    return _(
        "They differ most by {field}: after {horizon} {high} of {best} are still there, {low} of {worst}.",
        field=escape_markdown(field_name(row["field"], _)),
        horizon=horizon_text(result, _),
        high=_.percent(high),
        best=names[0],
        low=_.percent(low),
        worst=names[1],
    )


def _share(result: SurvivalResult, whole: dict[str, float | None], _: Words) -> Metric:
    share, low, high = (whole[name] for name in ("survival", "survival_lo", "survival_hi"))
    if returns(result.clock):
        label = _("Back within {horizon}", horizon=horizon_text(result, _))
    else:
        label = _("There after {horizon}", horizon=horizon_text(result, _))
    if share is None:
        return Metric(label, "–", _("not yet seen"))
    if returns(result.clock):
        share, low, high = 1 - share, None if high is None else 1 - high, None if low is None else 1 - low
    note = "" if low is None or high is None else _.span(_.percent(low, 1), _.percent(high, 1))
    return Metric(label, _.percent(share, 1), note)


def _median(result: SurvivalResult, whole: dict[str, float | None], _: Words) -> Metric:
    label = _("Half by")
    if whole["median"] is None:
        return Metric(label, _("not reached"), _("at the last day seen"))
    low, high = whole["median_lo"], whole["median_hi"]
    text = length(whole["median"], result.clock, result.unit, _)
    if low is None:
        return Metric(label, text)
    if high is None:
        return Metric(label, text, _("{low} or later", low=length(low, result.clock, result.unit, _)))
    by = shown_unit(result.clock, result.unit)[1]
    digits = 1 if by > 1 and high / by < 20 else 0
    return Metric(label, text, _.span(_.number(low / by, digits), _.number(high / by, digits)))


def _riskiest(result: SurvivalResult, whole: dict[str, float | None], _: Words) -> Metric:
    if result.clock == "lapse":
        mean, low, high = (whole[name] for name in ("restricted_mean", "mean_lo", "mean_hi"))
        label = _("Mean within {horizon}", horizon=horizon_text(result, _))
        by = shown_unit(result.clock, result.unit)[1]
        note = "" if low is None or high is None else _.span(_.number(low / by, 1), _.number(high / by, 1))
        return Metric(label, length(mean, result.clock, result.unit, _), note)
    found = riskiest(result)
    label = _("Most come back") if returns(result.clock) else _("Riskiest time")
    if found is None:
        return Metric(label, "–")
    if returns(result.clock):
        note = _("{share} of those waiting", share=_.percent(found[1], 1))
    else:
        note = _("{share} of those there", share=_.percent(found[1], 1))
    return Metric(label, _("after {time}", time=span(found[0], result.period_unit, _)), note, "watch")


def _timed(result: SurvivalResult, _: Words) -> Metric:
    if returns(result.clock):
        note = _.ngettext("{n} wait ended", "{n} waits ended", result.n_ended)
    else:
        note = _.ngettext("{n} has left", "{n} have left", result.n_ended)
    return Metric(_("Customers timed"), _.number(result.n_customers), note)
