"""Columns that tell nothing apart: one value throughout, or hardly ever the same value twice."""

from __future__ import annotations

import polars as pl

from analytics.schema import TableSchema

_LEAST_CONSTANT, _LEAST_UNIQUE = 20, 50  # filled rows
_HEAD = 2_000  # rows that are looked at first: nearly every column shows there that it is neither
_LONG_TEXT = 40  # characters: prose, no id
# A currency says what amounts are in, a campaign or a product what a row is about.
_MAY_BE_CONSTANT = frozenset({"currency", "campaign", "kind"})
_ROLES = frozenset({"category", "flag", "score", "quantity", "amount"})


def is_constant(column: pl.Series) -> bool:
    """One value wherever there is one, in at least twenty rows."""
    first = column.head(_HEAD).drop_nulls().unique()
    if len(first) > 1 or len(column) - column.null_count() < _LEAST_CONSTANT:
        return False
    there = column.drop_nulls()
    return bool((there == there[0]).all())


def is_nearly_unique(column: pl.Series, near_unique_share: float) -> bool:
    """A text or whole number that hardly ever comes twice: distinct values over filled rows at least the share.

    Prose is none, and whole numbers must be unique throughout: an income may well be different for everyone.
    """
    if column.dtype != pl.String and not column.dtype.is_integer():
        return False
    share = near_unique_share if column.dtype == pl.String else 1.0
    head = column.head(_HEAD).drop_nulls()
    if not len(head) or head.n_unique() < 0.9 * share * len(head):
        return False
    there = column.drop_nulls()
    if len(there) < _LEAST_UNIQUE or there.n_unique() < share * len(there):
        return False
    if column.dtype != pl.String:
        return True
    words = there.str.contains(r"\s").mean()
    length = there.str.len_chars().mean()
    assert isinstance(words, float)
    assert isinstance(length, float)
    return words < 0.5 and length < _LONG_TEXT


def told_apart(schema: TableSchema, attributes: list[str]) -> tuple[list[str], list[str]]:
    """Columns that may be asked whether they are constant, and whether they are nearly unique."""
    constant = [f.name for f in schema.fields if f.role in _ROLES and f.name not in _MAY_BE_CONSTANT]
    unique = [f.name for f in schema.fields if f.role == "category"]
    return [*constant, *attributes], [*unique, *attributes]
