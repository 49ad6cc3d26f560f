"""What the charts of leaving share: the unit shown, names of groups, fields and reasons, and lengths in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from analytics.i18n import Words
from analytics.survival import SurvivalResult
from analytics.survival.spec import DAYS_IN, RETURNS

Names = Mapping[str, str]
Rows = list[dict[str, Any]]
_MONTHLY = frozenset({"membership", "lapse"})  # clocks in days whose picture is in months


def space(_: Words) -> str:
    """Between two sentences."""
    return " " if _.language == "en" else ""


def returns(clock: str) -> bool:
    """Whether the spell ends with an order, not with a leaving."""
    return clock in RETURNS


def shown_unit(clock: str, unit: str) -> tuple[str, float]:
    """The unit of the pictures, and how many of ``unit`` it is."""
    if unit == "day" and clock in _MONTHLY:
        return "month", DAYS_IN["month"]
    return unit, 1.0


def tenure_title(clock: str, unit: str, _: Words) -> str:
    """The title of a time axis."""
    after = {
        "membership": {"month": _("Months since joining"), "year": _("Years since joining")},
        "lapse": {"month": _("Months since the first order")},
        "second_order": {"day": _("Days since the first order")},
        "next_order": {"day": _("Days since an order")},
    }
    if clock in after and unit in after[clock]:
        return after[clock][unit]
    return {"day": _("Days of tenure"), "week": _("Weeks of tenure"), "month": _("Months of tenure")}.get(
        unit, _("Years of tenure")
    )


def length(time: float | None, clock: str, unit: str, _: Words) -> str:
    """A length of time in the unit that is shown, with its word: "14 months"."""
    if time is None:
        return "–"
    shown, by = shown_unit(clock, unit)
    return span(time / by, shown, _)


def span(value: float, unit: str, _: Words) -> str:
    """So many of a unit; with one decimal where it is no whole number and few."""
    whole = round(value)
    if abs(value - whole) < 0.05 or value >= 20:
        match unit:
            case "day":
                return _.ngettext("{n} day", "{n} days", whole)
            case "week":
                return _.ngettext("{n} week", "{n} weeks", whole)
            case "month":
                return _.ngettext("{n} month", "{n} months", whole)
            case _unit:
                return _.ngettext("{n} year", "{n} years", whole)
    number = _.number(value, 1)
    match unit:
        case "day":
            return _("{number} days", number=number)
        case "week":
            return _("{number} weeks", number=number)
        case "month":
            return _("{number} months", number=number)
        case _unit:
            return _("{number} years", number=number)


def horizon_text(result: SurvivalResult, _: Words) -> str:
    """The horizon in words: "12 months"."""
    days = result.spec.horizon_days
    if days % 365 in (0, 1) and result.unit in ("day", "month", "year"):
        return _.ngettext("{n} year", "{n} years", round(days / 365.25))
    if result.unit == "day":
        return _.ngettext("{n} day", "{n} days", days)
    return span(result.horizon, result.unit, _)


def group_name(field: str, label: str, names: Names, _: Words) -> str:
    """What a group is called."""
    if not label:
        return _("All customers")
    if field == "segment":
        return names.get(label, label)
    return level_name(field, label, _)


def level_name(field: str, level: str, _: Words) -> str:
    """What a value of a field is called; a person's own words stay."""
    if level in ("true", "false"):
        return _("yes") if level == "true" else _("no")
    if level == "other":
        return _("Others")
    kind = {"first_channel": "channel", "acquisition_channel": "channel", "leaving_reason": "leaving_reason"}
    return _.label(kind.get(field, field), level)


def field_name(field: str, _: Words) -> str:
    """What a grouping or an attribute is called."""
    if not field:
        return _("All customers")
    return _.label("field", "joined_in" if field == "cohort" else field)


def reason_name(reason: str, _: Words) -> str:
    return _.label("leaving_reason", reason)
