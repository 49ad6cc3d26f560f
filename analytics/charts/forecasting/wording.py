"""Figures and names of a forecast in the reader's language."""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl

from analytics.calendar import read_code
from analytics.forecasting.spec import BASELINE, ForecastResult, PanelForecast
from analytics.i18n import Words

Told = ForecastResult | PanelForecast
SHARES = ("wape", "smape")
LEVELS = (80, 95)


def level_of(result: Told) -> int:
    """The interval named first, as a whole percentage: 80 or 95."""
    return round(result.spec.interval_width * 100)


def score_of(scores: pl.DataFrame, model: str, name: str) -> float | None:
    """One figure of a scores table; None where the model abstained or the figure is not known."""
    held = scores.filter(pl.col("model") == model)
    value: float | None = held[name][0] if held.height else None
    return value


def error_name(result: ForecastResult) -> str:
    """The error by which models were compared; the scaled one where nothing was."""
    return result.compared_by or "mase"


def error_text(value: float | None, name: str, _: Words) -> str:
    """An error as it is read: shares of sales as percentages, scaled errors as numbers."""
    return _.percent(value, 1) if name in SHARES else _.number(value, 2)


def error_title(name: str, _: Words) -> str:
    """What the error is called."""
    return {
        "mase": _("Scaled error"),
        "rmsse": _("Scaled squared error"),
        "wape": _("Error, share of sales"),
    }[name]


def error_pair(result: ForecastResult, _: Words) -> tuple[str, str]:
    """Errors of the chosen model and of the baseline, as shares of sales where these tell the same story."""
    name = error_name(result)
    chosen, baseline = (score_of(result.scores, one, name) for one in (result.model, BASELINE))
    mine, theirs = (score_of(result.scores, one, "wape") for one in (result.model, BASELINE))
    if chosen is not None and baseline is not None and mine is not None and theirs is not None:
        same_story = (mine < theirs) == (chosen < baseline)
        if same_story and max(mine, theirs) < 1:
            return _.percent(mine, 1), _.percent(theirs, 1)
    return error_text(chosen, name, _), error_text(baseline, name, _)


def length_words(n: int, frequency: str, _: Words) -> str:
    """``12 weeks``."""
    if frequency == "day":
        return _.ngettext("{n} day", "{n} days", n)
    if frequency == "week":
        return _.ngettext("{n} week", "{n} weeks", n)
    return _.ngettext("{n} month", "{n} months", n)


def period_words(result: Told, _: Words) -> str:
    """``12 weeks``: the horizon."""
    return length_words(result.horizon, result.frequency, _)


def period_name(result: Told, first: date, _: Words) -> str:
    """A period by its first day: ``3 May 2026``, ``Week of 3 May 2026`` or ``May 26``."""
    if result.frequency == "month":
        return _.month(first)
    day = _.day(first)
    return _("Week of {day}", day=day) if result.frequency == "week" else day


def last_day(result: Told, first: date) -> date:
    """The last day of the period that begins on ``first``."""
    if result.frequency == "month":
        return (first.replace(day=1) + timedelta(days=31)).replace(day=1) - timedelta(days=1)
    return first + timedelta(days=6 if result.frequency == "week" else 0)


def event_name(code: str, _: Words) -> str:
    """An event by its name: words for a known one, the person's own for theirs, with stretch and country."""
    found = read_code(code)
    name = found.name if found.own else _.label("event", found.name)
    if found.stretch == "before":
        return _("before {event}", event=name)
    if found.stretch == "after":
        return _("after {event}", event=name)
    return _("{event} ({country})", event=name, country=found.country) if found.country else name


def repeating(result: Told, _: Words) -> str:
    """What the baseline does, inside a sentence."""
    if result.season_length == 1:
        return _("repeating the last value")
    return _("repeating last week") if result.frequency == "day" else _("repeating last year")


def model_name(result: Told, model: str, _: Words) -> str:
    """A model by its name; the baseline by what it repeats."""
    if model == BASELINE:
        if result.season_length == 1:
            return _("Last value repeated")
        return _("Last week repeated") if result.frequency == "day" else _("Last year repeated")
    return model_title(model, _)


def model_title(model: str, _: Words) -> str:
    """A model by its name, whatever the series."""
    named: dict[str, str] = {
        BASELINE: _("Baseline: the last season repeated"),
        "smoothing": _("Exponential smoothing"),
        "theta": _("Theta"),
        "tsb": _("TSB, for rare sales"),
        "prophet": _("Prophet"),
        "prophet_level": _("Prophet with its level"),
        "boosting": _("Gradient boosting"),
        "median": _("Median of four"),
    }
    return named[model]


def measured(result: Told, _: Words) -> str:
    """``Weekly revenue in NT$.``"""
    frequency = _.label("option.frequency", result.frequency)
    name = _.label("option.measure", result.measure).lower()
    if result.measure == "revenue" and result.unit:
        unit = _.symbol(result.unit).strip()
        return _("{frequency} {measure} in {unit}.", frequency=frequency, measure=name, unit=unit)
    return _("{frequency} {measure}.", frequency=frequency, measure=name)


def currency_of(result: Told) -> str:
    """The currency code, "" for counts."""
    return result.unit if result.measure == "revenue" else ""


def amount(result: Told, value: float | None, _: Words) -> str:
    """``NT$9.4M`` or ``1,240``."""
    if value is None:
        return "–"
    if currency_of(result):
        return _.compact(value, result.unit)
    return _.compact(round(value) if abs(value) >= 10 else round(value, 1))


def between(result: Told, low: float | None, high: float | None, _: Words) -> str:
    """``NT$9.1M–9.8M``: an interval of amounts."""
    if low is None or high is None:
        return "–"
    return _.span(amount(result, low, _), _.compact(high) if currency_of(result) else amount(result, high, _))


def total_words(result: Told, value: float, _: Words) -> str:
    """A total with what it counts: ``NT$9.4M``, ``1,240 orders``."""
    number = amount(result, value, _)
    if result.measure == "quantity":
        return _("{number} items", number=number)
    # Customers of single periods add up to visits: someone who buys in two weeks counts twice.
    if result.measure == "customers":
        return _("{number} customer visits", number=number)
    return _("{number} orders", number=number) if result.measure == "orders" else number


def change(share: float | None, _: Words) -> str:
    """``+21%``."""
    return "–" if share is None else _("{number}%", number=_.signed(share * 100))


def effect_words(result: ForecastResult, effect: float, _: Words) -> str:
    """An effect with its sign: an amount, or a share of the trend in a multiplicative model."""
    if result.mode == "multiplicative":
        return change(effect, _)
    return ("+" if effect > 0 else "") + amount(result, effect, _)


def with_unit(result: Told, label: str, unit: str, _: Words) -> str:
    """In Chinese the unit stands in the label; in English the value carries it."""
    whole = f"{_.symbol(currency_of(result)).strip()} {unit}".strip()
    return label if _.language == "en" or not whole else _("{label} ({unit})", label=label, unit=whole)


def figure(result: Told, value: float | None, divisor: float, _: Words, *, symbol: bool = True) -> str:
    """A metric's value, divided by the unit that its label names."""
    if value is None:
        return "–"
    if _.language == "en":
        return amount(result, value, _) if symbol or not currency_of(result) else _.compact(value)
    scaled = value / divisor
    return _.number(scaled, 1 if divisor > 1 and abs(scaled) < 100 else 0)


def joined(*sentences: str, _: Words) -> str:
    """Sentences in a row: with a space between them in English, without one in Chinese."""
    return (" " if _.language == "en" else "").join(part for part in sentences if part)
