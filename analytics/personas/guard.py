"""The privacy limit over a whole table: what no subtraction of the figures shown may tell either."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import polars as pl

from analytics.contrasts import PRIVACY_LIMIT
from analytics.privacy.suppression import hide


def hidden_cells(counts: Mapping[str, Mapping[str, int]], k: int = PRIVACY_LIMIT) -> set[tuple[str, str]]:
    """The cells (row, column) of a table of counts that stay untold, every total of a row and a column being known.

    ``counts``: row -> column -> people.
    """
    rows = list(counts)
    columns = sorted({column for row in counts.values() for column in row})
    table = {(i, j): counts[row].get(column, 0) for i, row in enumerate(rows) for j, column in enumerate(columns)}
    return {(rows[i], columns[j]) for i, j in hide(table, k)}


def hidden_levels(frame: pl.DataFrame, field: str, levels: Sequence[str]) -> set[tuple[str, str]]:
    """(label, level) of a category that stay untold. ``frame`` holds every labelled customer: groups without a card
    count too, since what is left of a total is theirs."""
    known = frame.select("label", level=pl.col(field).cast(pl.String)).drop_nulls()
    kept = pl.col("level").is_in(list(levels))
    other = known.group_by("label", level=pl.when(kept).then("level").otherwise(pl.lit("\0other"))).len()
    counts: dict[str, dict[str, int]] = {}
    for label, level, n in other.sort("label", "level").iter_rows():
        counts.setdefault(label, {})[level] = n
    return hidden_cells(counts)


def told(n: int, of: int, k: int = PRIVACY_LIMIT) -> int | None:
    """``n`` people out of ``of``, or None where one to nine would be told of, by having it or by lacking it."""
    return None if 0 < n < k or 0 < of - n < k else n


def at_least(n: int, of: int, k: int = PRIVACY_LIMIT) -> float:
    """The share of ``n`` in ``of``, or a lower bound of it where one to nine people would be told of."""
    if not of or 0 < n < k:
        return 0.0
    return (of - k + 1) / of if 0 < of - n < k else n / of
