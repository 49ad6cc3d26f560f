"""What files with the same headings have in common: a signature, and a mapping carried from one to the other."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import replace

from analytics.keys import derive_key
from analytics.mapping.apply import MappingSpec
from analytics.reading import RawTable

_REPEATED = re.compile(r"(.+)_\d+$")


def header_signature(raw: RawTable) -> str:
    """The same for tables of one format and layout with the same headings, in whatever order, case and spacing.

    "" for a table without headings of its own: six unnamed columns are not the six of another file. Where a heading
    repeats, only the order tells the columns apart, so there the order counts.
    """
    if raw.decided.layout == "table" and not raw.decided.has_header:
        return ""
    headings = [alike(column) for column in raw.columns]
    repeated = any((found := _REPEATED.match(column)) and found[1] in raw.columns for column in raw.columns)
    ordered = headings if repeated else sorted(headings)
    return derive_key("header_signature", None, raw.decided.format, raw.decided.layout, *ordered)


def carried(mapping: MappingSpec, columns: tuple[str, ...]) -> MappingSpec | None:
    """``mapping`` for a table with these ``columns``; None where one of its own is not, or not clearly, among them."""
    found: dict[str, list[str]] = {}
    for column in columns:
        found.setdefault(alike(column), []).append(column)
    pairs = []
    for column, field in mapping.columns:
        near = [column] if column in columns else found.get(alike(column), [])
        if len(near) != 1:
            return None
        pairs.append((near[0], field))
    return replace(mapping, columns=tuple(pairs))


def alike(heading: str) -> str:
    """A heading without what an export changes by itself: width of characters, case and blanks.

    Brackets stay: "amount (USD)" and "amount (TWD)" are two columns.
    """
    return " ".join(unicodedata.normalize("NFKC", heading).casefold().split())
