"""What segments, fields and values are called on every chart, table and card."""

from __future__ import annotations

from collections.abc import Sequence

from analytics.i18n import Words, escape_markdown
from analytics.segmentation.naming import JOINED, OWN

MONEY = frozenset({"revenue", "mean_order_value"})

Names = Sequence[tuple[str, str]]


def segment_names(names: Names, _: Words) -> dict[str, str]:
    """Label -> its number, a dot and its name ("2 · Loyal"), as on every chart and table; plain text."""
    return {label: f"{i} · {segment_name(code, _)}" for i, (label, code) in enumerate(names, start=1)}


def spoken_names(names: Names, _: Words) -> dict[str, str]:
    """Label -> its name alone, harmless inside a sentence: a person's own text may hold Markdown."""
    return {label: escape_markdown(segment_name(code, _)) for label, code in names}


def segment_name(code: str, _: Words) -> str:
    """The words of a name code (see ``analytics.segmentation.naming``); plain text."""
    if code.startswith(OWN):
        return code.removeprefix(OWN)
    if JOINED in code:
        first, _mark, second = code.partition(JOINED)
        more = _.phrase(f"tone.{second}") if _.has_phrase(f"tone.{second}") else segment_name(second, _)
        return _("{name}, {more}", name=segment_name(first, _), more=more)
    form, mark, rest = code.partition(":")
    if not mark:
        return _.label("segment", code)
    if form == "prefers":
        return _("{level} fans", level=rest)
    if form == "through":
        return _("{level} buyers", level=level_name("channel_mix", rest, _))
    if form == "pays":
        return _("{level} payers", level=level_name("payment_mix", rest, _))
    if form == "mostly":
        return _("Mostly {level}", level=_.label("level", rest))
    field = _.label("field", rest)
    return _("{field}: high", field=field) if form == "more" else _("{field}: low", field=field)


def field_value(field: str, value: float | None, currency: str, _: Words) -> str:
    """A value of a customer field as the language writes it: money, percent, or a number."""
    if value is None:
        return "–"
    if field in MONEY:
        return _.compact(value, currency)
    if field.endswith("_share"):
        return _.percent(value)
    return _.number(value, 0 if abs(value) >= 10 or float(value).is_integer() else 1)


def short_name(field: str, _: Words) -> str:
    """A field in one word where there is one."""
    return _.phrase(f"short.{field}") if _.has_phrase(f"short.{field}") else _.label("field", field)


def trait_name(field: str, level: str | None, _: Words) -> str:
    """A trait by its field and, for a category or a mix, its level; plain text."""
    if level is None or level == "true":
        return _.label("field", field)
    return _.phrase("field.of_trait", trait=_.label("field", field), level=level_name(field, level, _))


def level_name(field: str, level: str, _: Words) -> str:
    """A level of a category or mix in the reader's language where it is a known one; else as the data have it."""
    subject = field.removeprefix("top_").removesuffix("_mix").removesuffix("_method")
    return _.label(subject if subject in ("channel", "payment") else "level", level)
