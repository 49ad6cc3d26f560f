"""Figures and names of a forecast in the reader's language."""

from __future__ import annotations

import polars as pl

from analytics.forecasting import ForecastResult
from analytics.i18n import Words

PROPHET, BASELINE = "prophet", "seasonal_naive"


def score_of(result: ForecastResult, model: str, name: str) -> float | None:
    """One figure of the scores table."""
    value: float | None = result.scores.row(by_predicate=pl.col("model") == model, named=True)[name]
    return value


def error_words(result: ForecastResult, _: Words) -> tuple[str, str]:
    """Prophet's and the baseline's error: shares of sales, or scaled errors where shares would name another winner."""
    prophet, baseline = score_of(result, PROPHET, "wape"), score_of(result, BASELINE, "wape")
    if prophet is not None and baseline is not None and max(prophet, baseline) < 1:
        agrees = (prophet < baseline) == (result.best_model == PROPHET)
        if agrees or result.reason == "equal":
            return _.percent(prophet, 1), _.percent(baseline, 1)
    name = result.compared_by or "mase"
    return _.number(score_of(result, PROPHET, name), 2), _.number(score_of(result, BASELINE, name), 2)


def period_words(result: ForecastResult, _: Words) -> str:
    """``12 weeks``: the horizon."""
    if result.frequency == "day":
        return _.ngettext("{n} day", "{n} days", result.horizon)
    if result.frequency == "week":
        return _.ngettext("{n} week", "{n} weeks", result.horizon)
    return _.ngettext("{n} month", "{n} months", result.horizon)


def repeating(result: ForecastResult, _: Words) -> str:
    """What the baseline does, inside a sentence."""
    if result.season_length == 1:
        return _("repeating the last value")
    return _("repeating last week") if result.season_length == 7 else _("repeating last year")


def model_name(result: ForecastResult, model: str, _: Words) -> str:
    """``Prophet``, or the baseline by what it repeats."""
    if model == PROPHET:
        return _("Prophet")
    if result.season_length == 1:
        return _("Last value repeated")
    return _("Last week repeated") if result.season_length == 7 else _("Last year repeated")


def measured(result: ForecastResult, _: Words) -> str:
    """``Weekly revenue in NT$.``"""
    frequency = _.label("option.frequency", result.frequency)
    name = _.label("option.measure", result.measure).lower()
    if result.measure == "revenue" and result.unit:
        unit = _.symbol(result.unit).strip()
        return _("{frequency} {measure} in {unit}.", frequency=frequency, measure=name, unit=unit)
    return _("{frequency} {measure}.", frequency=frequency, measure=name)


def currency_of(result: ForecastResult) -> str:
    """The currency code, "" for counts."""
    return result.unit if result.measure == "revenue" else ""


def amount(result: ForecastResult, value: float, _: Words) -> str:
    """``NT$9.4M`` or ``1,240``."""
    if currency_of(result):
        return _.compact(value, result.unit)
    return _.compact(round(value) if abs(value) >= 10 else round(value, 1))


def total_words(result: ForecastResult, value: float, _: Words) -> str:
    """A total with what it counts: ``NT$9.4M``, ``1,240 orders``."""
    number = amount(result, value, _)
    if result.measure == "quantity":
        return _("{number} items", number=number)
    # Customers of single periods add up to visits: someone who buys in two weeks counts twice.
    if result.measure == "customers":
        return _("{number} customer visits", number=number)
    return _("{number} orders", number=number) if result.measure == "orders" else number


def change(share: float, _: Words) -> str:
    """``+21%``."""
    return _("{number}%", number=_.signed(share * 100))


def effect_words(result: ForecastResult, effect: float, _: Words) -> str:
    """An effect with its sign: an amount, or a share of the trend in a multiplicative model."""
    if result.mode == "multiplicative":
        return change(effect, _)
    return ("+" if effect > 0 else "") + amount(result, effect, _)


def joined(*sentences: str, _: Words) -> str:
    """Sentences in a row: with a space between them in English, without one in Chinese."""
    return (" " if _.language == "en" else "").join(sentences)
