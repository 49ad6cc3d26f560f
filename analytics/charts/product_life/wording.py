"""Names of stages, sizes and reasons in the reader's language."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from analytics.charts.behaviour.parts import space
from analytics.i18n import Words, escape_markdown
from analytics.product_life import STAGES, ProductLifeResult

ALL = ("not_launched", *STAGES)


def stage_name(stage: str | None, _: Words) -> str:
    """What people read for a stage; an en dash where none is told."""
    return "–" if stage is None else _.phrase(f"product_stage.{stage}")


def stage_names(_: Words) -> dict[str, str]:
    """The five stages in the order of a life: code -> name. Colour *i* is the *i*-th of them everywhere."""
    return {stage: stage_name(stage, _) for stage in STAGES}


def change(share: float | None, _: Words) -> str:
    """``+8%`` a month."""
    if share is None:
        return "–"
    return f"{_.signed(share * 100)}%"


def worth(result: ProductLifeResult, value: float | None, _: Words) -> str:
    """Revenue where it is known, else what was counted."""
    return _.compact(None if value is None else round(value), result.currency)


def unit_name(result: ProductLifeResult, _: Words) -> str:
    """What is counted, inside a sentence: orders, items."""
    if result.unit in ("items", "orders", "customers"):
        return _.phrase(f"counted.{result.unit}")
    return result.unit


def things(result: ProductLifeResult, n: int, _: Words) -> str:
    """``12 products`` or ``5 categories``."""
    if result.spec.by == "category":
        return _.ngettext("{n} category", "{n} categories", n)
    return _.ngettext("{n} product", "{n} products", n)


def months_words(result: ProductLifeResult, _: Words) -> str:
    """``6 months``: how far back stages are compared."""
    return _.ngettext("{n} month", "{n} months", result.spec.compare_months)


def reason(row: Mapping[str, Any], result: ProductLifeResult, _: Words) -> str:
    """One sentence: why this stage."""
    change_words = {
        "change": change(row["change_monthly"], _),
        "low": change(row["change_lo"], _),
        "high": change(row["change_hi"], _),
    }
    match row["reason"]:
        case "new":
            if row["first_sale_on"] is None:
                return _("Low since the data begin, and not yet rising.")
            return _(
                "First sold in the period from {day}, {n} months ago.",
                day=row["first_sale_on"],
                n=_.number(row["age_months"], 1),
            )
        case "rising":
            return _("Rising: {change} a month (95%: {low} to {high}).", **change_words)
        case "falling":
            said = _("Falling: {change} a month (95%: {low} to {high}).", **change_words)
            if row["peak_share"] < 0.95:
                said += space(_) + _("It sells {share} of its best.", share=_.percent(row["peak_share"]))
            return said
        case "nothing_sold":
            if row["silent_months"] < 0.5:
                return _("All but nothing is sold any more.")
            return _(
                "Nothing sold for {n} months, where {expected} {unit} were to be expected.",
                n=_.number(row["silent_months"], 1),
                expected=_.number(row["expected_since"]),
                unit=unit_name(result, _),
            )
        case "steady":
            return _("Neither rises nor falls: {change} a month (95%: {low} to {high}).", **change_words)
        case "no_direction":
            return _("No rise or fall beyond chance: {change} a month (95%: {low} to {high}).", **change_words)
        case _few:
            return _("Too little was sold to tell.")


def bare(name: str) -> str:
    """A product's own name where Markdown is read."""
    return escape_markdown(name)


def name_of(result: ProductLifeResult, unique_id: str) -> str:
    """What a product is called."""
    held = result.products.filter(unique_id=unique_id)["product"]
    return str(held[0]) if len(held) else unique_id
