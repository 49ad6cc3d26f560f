"""Dataset: the validated tables that every analysis starts from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from types import MappingProxyType

import polars as pl

from analytics.errors import AnalysisError
from analytics.keys import derive_key, digest_frame
from analytics.mapped import by_pieces, keep, let_go, rows_at
from analytics.schema import TABLES

UNKNOWN_DAY = date(1970, 1, 1)  # ``as_of`` of data without any date
SORTED_BY_ALL = 100_000  # rows
SORTED_TOGETHER = 1_000_000  # rows of a large frame


@dataclass(frozen=True, slots=True)
class Source:
    """Where rows came from: the name a person knows it by, the SHA-256 of its bytes, and its row count."""

    name: str
    digest: str
    n_rows: int


@dataclass(frozen=True, slots=True, eq=False)
class Dataset:
    """Validated tables with canonical names and dtypes; immutable.

    Attributes
    ----------
    tables : canonical table name -> frame. ``transactions`` also carries ``kind`` (one of ``LINE_KINDS``).
        Frames are sorted by their content, so the order of rows in a file has no influence on any result.
    as_of : the last day that is observed (inclusive); never today's date.
    currency : ISO 4217 code, "" where unknown.
    money_digits : digits after the decimal mark in money columns: value = integer / 10 ** money_digits.
    sources : where the rows came from.
    key : digest of all of the above.
    """

    tables: Mapping[str, pl.DataFrame]
    as_of: date
    currency: str
    money_digits: int
    sources: tuple[Source, ...]
    key: str

    @classmethod
    def build(
        cls,
        tables: Mapping[str, pl.DataFrame],
        *,
        as_of: date,
        currency: str = "",
        money_digits: int = 2,
        sources: tuple[Source, ...] = (),
        rows: Mapping[str, pl.Series] | None = None,
    ) -> Dataset:
        """A Dataset from canonical frames, with its key. Raises ``AnalysisError("table_unknown")``.

        ``rows``: of a frame named there, the rows where its mask holds.
        """
        unknown = [name for name in tables if name not in TABLES]
        if unknown:
            raise AnalysisError("table_unknown", table=unknown[0])
        ordered = {
            name: _sorted(tables[name], TABLES[name].time_field, (rows or {}).get(name))
            for name in TABLES
            if name in tables
        }
        digests = [f"{name}:{digest_frame(frame)}" for name, frame in ordered.items()]
        key = derive_key("dataset", [as_of.isoformat(), currency, money_digits], *digests)
        return cls(MappingProxyType(ordered), as_of, currency, money_digits, sources, key)

    def __reduce__(self) -> tuple[object, ...]:
        return _rebuild, (dict(self.tables), self.as_of, self.currency, self.money_digits, self.sources, self.key)

    def has(self, *fields: str) -> bool:
        """Whether every field, written ``table.column``, is there with at least one value."""
        return not self.missing(*fields)

    def missing(self, *fields: str) -> tuple[str, ...]:
        """Those of ``fields`` (written ``table.column``) that are absent or have no value at all."""
        return tuple(field for field in fields if not self._holds(field))

    def table(self, name: str, *columns: str) -> pl.DataFrame:
        """The frame ``name``; raises ``AnalysisError("fields_missing")`` unless it holds ``columns``."""
        wanted = [f"{name}.{column}" for column in dict.fromkeys(columns)]
        missing = self.missing(*wanted)
        if name not in self.tables:
            raise AnalysisError("table_missing", table=name)
        if missing:
            raise AnalysisError("fields_missing", table=name, fields=", ".join(missing))
        return self.tables[name]

    def money(self, column: str) -> pl.Expr:
        """A money column as Float64 in whole currency units. Sum the integers first, convert once at the end."""
        scale: int = 10**self.money_digits
        return pl.col(column) / scale

    def _holds(self, field: str) -> bool:
        name, _, column = field.partition(".")
        frame = self.tables.get(name)
        return frame is not None and column in frame.columns and frame[column].null_count() < frame.height


def _sorted(frame: pl.DataFrame, time_field: str | None, wanted: pl.Series | None) -> pl.DataFrame:
    """By all columns, in their order; a large frame by its time and a hash of the row, a fifth of the cost.

    Rows of equal time and hash are equal but for one chance in 2 ** 64 per pair, and could then change places.
    """
    n_rows = frame.height if wanted is None else int(wanted.sum())
    sortable = [name for name, dtype in frame.schema.items() if not dtype.is_nested()]
    if not sortable or n_rows <= SORTED_BY_ALL:
        frame = frame if wanted is None else frame.filter(wanted)
        return frame.sort(sortable, nulls_last=True, maintain_order=True)
    hashes = by_pieces(frame.select(sortable), lambda piece: piece.hash_rows())
    first = frame[time_field].to_physical() if time_field in sortable else hashes
    order = keep(_order(first, hashes, wanted))
    return rows_at(frame, order)


def _order(first: pl.Series, hashes: pl.Series, wanted: pl.Series | None) -> pl.Series:
    """Numbers of the ``wanted`` rows by ``first`` (nulls last), then by their hash, then as they stand.

    Sorted by ranges of ``first`` that hold about a million rows each.
    """
    seen = first.gather_every(max(1, len(first) // 10_000)).drop_nulls().sort()
    n_parts = -(-len(first) // SORTED_TOGETHER) if len(seen) else 1
    limits = dict.fromkeys(seen[i * len(seen) // n_parts] for i in range(1, n_parts))
    parts = []
    for low, high in pairwise([None, *limits, None]):
        inside = pl.repeat(True, len(first), eager=True) if wanted is None else wanted
        if low is not None:
            inside = inside & (first >= low).fill_null(high is None)
        if high is not None:
            inside = inside & (first < high).fill_null(False)
        rows = inside.arg_true().alias("row")
        part = pl.DataFrame([rows, first.gather(rows).alias("first"), hashes.gather(rows).alias("hash")])
        parts.append(part.sort("first", "hash", nulls_last=True, maintain_order=True)["row"])
        let_go()
    return pl.concat(parts)


def _rebuild(
    tables: dict[str, pl.DataFrame],
    as_of: date,
    currency: str,
    money_digits: int,
    sources: tuple[Source, ...],
    key: str,
) -> Dataset:
    return Dataset(MappingProxyType(tables), as_of, currency, money_digits, sources, key)
