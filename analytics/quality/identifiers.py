"""Ids that change their form: in the course of time, or between files so that joins fail."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from analytics.quality.drift import find_changes

_LEAST = 10  # ids
_TELLING = 0.99  # of known ids must stay apart when only their numbers are compared
_STRANGE = 0.5  # of a file's ids must be unknown as written, and as many of these known by number


@dataclass(frozen=True, slots=True)
class NewForm:
    """From ``day`` on ids look like ``new``, until then like ``old`` (one example each); ``shape`` of the new ones."""

    old: str
    new: str
    shape: str
    day: str


def shapes(ids: pl.Series) -> pl.Series:
    """What an id looks like: letters "A", a number "9" or with leading zeros "0", other characters as they are.

    Of order numbers the letter before a cancellation's is left out: C536379 looks like 536379.
    """
    plain = ids.str.replace(r"^[CcRr]-?([0-9])", "${1}") if ids.name == "order_id" else ids
    return (
        plain.str.replace_all(r"\p{L}+", "A")
        .str.replace(r"^([^0-9]*)0[0-9]+", "${1}°")
        .str.replace_all(r"[0-9]+", "9")
        .str.replace("°", "0")
    )


def find_new_forms(ids: pl.Series, days: pl.Series, least_share: float) -> list[NewForm]:
    """Forms of ids that replace another from one day on; numbers that merely outgrow their leading zeros do not."""
    known = ids.drop_nulls().unique()
    if not len(known):
        return []
    seen = ids.replace_strict(known, shapes(known), return_dtype=pl.String)
    found = []
    for change in find_changes(seen, days, least_share):
        if change.what != "renamed":
            continue
        old, new = ids.filter(seen == change.old), ids.filter(seen == change.new)
        if change.old.replace("0", "9") == change.new.replace("0", "9") and _lengths(old) & _lengths(new):
            continue
        found.append(NewForm(str(old.min()), str(new.min()), change.new, change.day.isoformat()))
    return found


def _lengths(ids: pl.Series) -> set[int]:
    return set(ids.str.len_chars().unique().to_list())


def numbers(ids: pl.Series) -> pl.Series:
    """The number in an id, without leading letters, zeros and signs; null where there is none: C-000377 -> 377."""
    bare = ids.str.to_uppercase().str.replace_all(r"[^0-9A-Z]", "").str.replace(r"^[A-Z]*0*", "")
    return bare.set(~bare.str.contains("[0-9]").fill_null(False), None)


def known_by_number(ids: pl.Series, known: pl.Series) -> pl.DataFrame:
    """``id``, ``known``: unknown ids beside the known ones with the same number, if most ids are strange only so.

    Empty unless at least half of the distinct ``ids`` are unknown as written and half of these are known by number.
    """
    none = pl.DataFrame(schema={"id": pl.String, "known": pl.String})
    own, there = ids.drop_nulls().unique().alias("id"), known.drop_nulls().unique().alias("known")
    strange = own.filter(~own.is_in(there.implode()))
    if len(strange) < max(_LEAST, _STRANGE * len(own)) or len(there) < _LEAST:
        return none
    by_number = pl.DataFrame([there, numbers(there).alias("number")]).drop_nulls()
    if by_number["number"].n_unique() < _TELLING * by_number.height:
        return none
    by_number = by_number.unique("number", keep="none")
    pairs = pl.DataFrame([strange, numbers(strange).alias("number")]).join(by_number, on="number").sort("id")
    return pairs.select("id", "known") if pairs.height >= max(_LEAST, _STRANGE * len(strange)) else none
