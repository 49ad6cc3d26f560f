"""What several lifecycle charts share: names of stages, months, cohorts and shares."""

from __future__ import annotations

from datetime import date
from typing import Any

from analytics.i18n import Words
from analytics.lifecycle import STAGES, LifecycleResult

BUYING = ("first_purchase", "active_use", "loyalty")


def stage_names(_: Words, kind: str = "orders") -> dict[str, str]:
    """Stage -> its number, a dot and its name, as on every chart and table."""
    return {stage: f"{i} · {stage_name(stage, _, kind)}" for i, stage in enumerate(STAGES, start=1)}


def stage_name(stage: str, _: Words, kind: str = "orders") -> str:
    """The name of a stage; subscriptions begin with a first period, not with a first purchase."""
    if kind == "subscription" and stage == "first_purchase":
        return _("First period")
    return _.label("stage", stage)


def space(_: Words) -> str:
    """Between two sentences."""
    return " " if _.language == "en" else ""


def stage_row(result: LifecycleResult, stage: str) -> dict[str, Any]:
    return result.stages.row(STAGES.index(stage), named=True)


def month_at(month_end: date) -> str:
    """The month's first day in local time: a bare date would be read as UTC and could slip into the month before."""
    return f"{month_end.replace(day=1).isoformat()}T00:00:00"


def percent(share: float, _: Words) -> str:
    """A share without decimals; with one near nothing and near all, where monthly steps live."""
    if 0 < share < 0.0005:
        return "<0.1%"
    return _.percent(share, 1 if 0 < share < 0.095 or 0.995 <= share < 1 else 0)


def cohort_name(first: date, result: LifecycleResult, _: Words) -> str:
    if result.cohort_by == "month":
        return _.month(first)
    return _("Q{quarter} {year}", quarter=(first.month + 2) // 3, year=str(first.year))


def short_labels(names: list[str]) -> str:
    """A label expression for columns, whose rows carry the number and the name: the name, or the number if narrow."""
    widest = max(sum(13 if ord(letter) > 0x2E80 else 5.6 for letter in name.partition(" · ")[2]) for name in names)
    return f"split(datum.label, ' · ')[width < {widest * len(names):.0f} ? 0 : 1]"


def quoted(text: str) -> str:
    return "'" + " ".join(text.splitlines()).replace("\\", "\\\\").replace("'", "\\'") + "'"
