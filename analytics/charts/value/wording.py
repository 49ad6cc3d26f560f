"""What the value and portfolio charts call models, rules, groups, spans of time and amounts."""

from __future__ import annotations

import re

import altair as alt

from analytics.charts.theme import value_axis
from analytics.i18n import Words
from analytics.value import ValueResult
from analytics.value.spec import GROUPS

PROPER = {
    "bg_nbd": "BG/NBD",
    "mbg_nbd": "MBG/NBD",
    "pareto_nbd": "Pareto/NBD",
    "gamma_gamma": "Gamma-Gamma",
    "sbg": "sBG",
}
DAYS_A_MONTH = 365 / 12


def model_name(code: str, _: Words) -> str:
    """``BG/NBD``; a simple rule by its words."""
    return PROPER[code] if code in PROPER else rule_name(code, _)


def rule_name(code: str, _: Words) -> str:
    """What a simple rule does."""
    return _.label("option.rule", code)


def group_name(code: str, _: Words) -> str:
    """``Protect``: one of the four groups."""
    return _.label("option.group", code)


def group_names(_: Words) -> dict[str, str]:
    """The four groups in their order: code -> ``1 · Protect``, as on every chart and table."""
    return {code: f"{i} · {group_name(code, _)}" for i, code in enumerate(GROUPS, start=1)}


def source_name(result: ValueResult, _: Words) -> str:
    """The model in use, or the rule that stands in."""
    return model_name(result.model or result.fallback or "constant", _)


def months(n_days: int, _: Words) -> str:
    """``12 months``: the horizon; days where it is no whole number of months."""
    n = round(n_days / DAYS_A_MONTH)
    if n < 1 or abs(n * DAYS_A_MONTH - n_days) > 2:
        return _.ngettext("{n} day", "{n} days", n_days)
    return _.ngettext("{n} month", "{n} months", n)


def level(result: ValueResult, _: Words) -> str:
    """``80%``: of every interval of the result."""
    return _.percent(result.spec.level)


def amount(result: ValueResult, value: float | None, _: Words) -> str:
    """``NT$9.4M`` where there are amounts, else a number of purchases."""
    if result.has_values:
        return _.compact(value, result.currency)
    return _.compact(value if value is None or abs(value) < 10 else round(value))


def each(result: ValueResult, value: float | None, _: Words) -> str:
    """Of one customer: an amount, else purchases with a decimal."""
    if not result.has_values:
        return _.number(value, 1)
    return _.compact(value if value is None or abs(value) < 10 else round(value), result.currency)


def round_amount(result: ValueResult, value: float, _: Words) -> str:
    """A round amount without a needless decimal: ``NT$20k``."""
    return re.sub(r"\.0(?!\d)", "", each(result, value, _))


def between(result: ValueResult, low: float | None, high: float | None, _: Words) -> str:
    """An interval of amounts."""
    if low is None or high is None:
        return "–"
    return _.span(amount(result, low, _), amount(result, high, _))


def worth(result: ValueResult) -> str:
    """The stem of the columns of value: money where there are amounts, else expected purchases."""
    return "clv" if result.has_values else "expected_orders"


def worth_title(result: ValueResult, _: Words) -> str:
    """What the value is counted in."""
    return _("Expected value") if result.has_values else _("Expected purchases")


def worth_axis(result: ValueResult, _: Words, title: str | None = None) -> alt.Axis:
    """An axis of value: money, else purchases."""
    return value_axis(_, title, currency=result.currency if result.has_values else None)
