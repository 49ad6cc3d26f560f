"""Figures and names of plans in the reader's language."""

from __future__ import annotations

import math
from collections.abc import Sequence

from analytics.charts.forecasting.wording import event_name
from analytics.forecasting.planning import DemandScenario, ScenarioResult
from analytics.i18n import Words

MEASURES = ("quantity", "revenue", "profit")


def items(value: float | None, _: Words, *, up: bool = False) -> str:
    """``1,240``: a quantity; rounded up where less would not do."""
    if value is None:
        return "–"
    return _.compact(math.ceil(value - 1e-9) if up else round(value) if abs(value) >= 10 else round(value, 1))


def percent_change(share: float | None, _: Words) -> str:
    """``+21%``; a decimal where the change is small."""
    if share is None:
        return "–"
    whole = abs(share) >= 0.095 or abs(share * 100 - round(share * 100)) < 1e-6
    return _("{number}%", number=_.signed(share * 100, 0 if whole else 1))


def change_span(low: float | None, high: float | None, _: Words) -> str:
    """``−3% to +8%``."""
    if low is None or high is None:
        return "–"
    return _("{low} to {high}", low=percent_change(low, _), high=percent_change(high, _))


def measure_name(measure: str, _: Words) -> str:
    """What is counted, at the beginning of a line."""
    return {"quantity": _("Items"), "revenue": _("Revenue"), "profit": _("Profit")}[measure]


def interval(result: ScenarioResult, _: Words) -> str:
    """``90%``."""
    return _.percent(result.spec.response.interval)


def days(n: int, _: Words) -> str:
    """``7 days``."""
    return _.ngettext("{n} day", "{n} days", n)


def scenario_name(scenario: DemandScenario, _: Words) -> str:
    """Its own name, else what it does."""
    if scenario.name.strip():
        return scenario.name
    parts = []
    if scenario.price_change:
        parts.append(_("Price {change}", change=percent_change(scenario.price_change, _)))
    if scenario.discount:
        off = _.percent(scenario.discount)
        parts.append(_("{share} off for {days}", share=off, days=days(scenario.promotion_days, _)))
    if scenario.event:
        parts.append(_("{event} for {days}", event=event_name(scenario.event, _), days=days(scenario.event_days, _)))
    return " · ".join(parts) or _("No change")


def name_of(result: ScenarioResult, place: int, _: Words) -> str:
    """A scenario by its place; 0 is as now."""
    return _("As now") if place == 0 else scenario_name(result.spec.scenarios[place - 1], _)


def inside(offered: Sequence[float], seen: Sequence[float], stored: float) -> list[float]:
    """Of the offered values those that were seen between, with nothing (0) and what is chosen already."""
    kept = {value for value in offered if seen and min(seen) - 1e-9 <= value <= max(seen) + 1e-9}
    return sorted({*kept, 0.0, stored})


def price_option(share: float, _: Words) -> str:
    """A change of price on offer."""
    return percent_change(share, _) if share else _("as now")


def sentence(*parts: str, _: Words) -> str:
    """Sentences in a row."""
    return (" " if _.language == "en" else "").join(part for part in parts if part)
