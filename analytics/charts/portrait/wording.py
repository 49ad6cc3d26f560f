"""Figures and values as people read them."""

from __future__ import annotations

from collections.abc import Mapping

from analytics.i18n import Words

MONEY = frozenset({"revenue", "mean_order_value"})


Names = Mapping[str, str]


def figure_text(name: str, value: float | None, currency: str, _: Words) -> str:
    """A figure with its unit."""
    if value is None:
        return "–"
    if name in MONEY:
        return _.money(value, currency)
    if name.endswith("_share"):
        return _.percent(value)
    return _.number(value, 0 if float(value).is_integer() or abs(value) >= 100 else 1)


def word(value: str | None, _: Words) -> str:
    """A value of the data as people read it: our words for the usual codes, else the code without its underscores."""
    if value is None:
        return "–"
    for kind in ("moment", "way", "acquired"):
        if _.has_phrase(f"{kind}.{value}"):
            return _.label(kind, value)
    return value.replace("_", " ")


def space(_: Words) -> str:
    return " " if _.language == "en" else ""


def quoted(text: str) -> str:
    return "'" + " ".join(text.splitlines()).replace("\\", "\\\\").replace("'", "\\'") + "'"
