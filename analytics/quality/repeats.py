"""Rows that say the same twice."""

from __future__ import annotations

import polars as pl

from analytics.mapped import by_pieces, let_go, pieces
from analytics.mapping import MappedTable
from analytics.schema import TABLES


def repeated_rows(mapped: MappedTable) -> pl.Series:
    """UInt32 per row: the row number of its first equal row (all source cells equal), null where it is the first.

    Hashes find the candidates; only cells decide.
    """
    import numpy as np

    source = mapped.raw.frame
    into = pl.Series("into", [None], dtype=pl.UInt32).new_from_index(0, source.height)
    hashes = by_pieces(source, lambda piece: piece.hash_rows())
    ordered = hashes.to_numpy(writable=True)
    ordered.sort()
    let_go()
    again = np.unique(ordered[1:][ordered[1:] == ordered[:-1]])
    del ordered
    let_go()
    if not len(again):
        return into
    places = hashes.is_in(pl.Series(again).implode()).arg_true()
    suspects = pl.DataFrame([places.alias("place"), hashes.gather(places).alias("hash")])
    suspects = suspects.with_columns(first=pl.col("place").min().over("hash")).filter(pl.col("place") > pl.col("first"))
    suspects = suspects.sort("first", "place")  # neighbours are compared together: few pages are looked at at once
    if not all(_equal(column, suspects) for column in source.get_columns()):
        # Two rows of one hash that differ: one chance in 2 ** 64 per pair.
        rows = source.with_row_index("place").filter(hashes.is_in(pl.Series(again).implode()))
        suspects = rows.select("place", first=pl.col("place").min().over(source.columns))
        suspects = suspects.filter(pl.col("place") > pl.col("first"))
    return into.scatter(suspects["place"], suspects["first"] + 1)


def _equal(column: pl.Series, pairs: pl.DataFrame) -> bool:
    """Whether the cells of each pair of rows (place, first) are the same."""
    let_go()
    return all(
        column.gather(some["place"]).equals(column.gather(some["first"]), null_equal=True) for some in pieces(pairs)
    )


def carries_identity(mapped: MappedTable) -> pl.Series:
    """Whether a row of this file carries an identity."""
    return identity(mapped.table, mapped.frame)


def identity(table: str, frame: pl.DataFrame) -> pl.Series:
    """Whether a row names the one thing it tells of, so that an equal row can only be a repeat.

    An order line needs its order, or a customer and a time of day: two equal purchases on one day are two. Answers
    and test cells without a customer are different people (6,562 equal rows of the Hillstrom test).
    """
    schema = TABLES[table]
    no, yes = pl.lit(False), pl.repeat(True, pl.len())

    def there(name: str | None) -> pl.Expr:
        return pl.col(name).is_not_null() if name is not None and name in frame.columns else no

    customer, moment = there("customer_id"), there(schema.time_field)
    timed = no
    if schema.time_field in frame.columns and isinstance(frame.schema[schema.time_field], pl.Datetime):
        timed = moment & (pl.col(schema.time_field) != pl.col(schema.time_field).dt.truncate("1d"))
    match table:
        case "transactions":
            named = there("order_id") | (customer & timed)
        case "customers" | "survey":
            named = customer
        case "feedback":
            named = (customer | moment) & there("text")
        case "series":
            named = no
        case _:
            named = customer & (timed if table in ("events", "contacts") else moment)
    return frame.select((named & yes).alias("identity"))["identity"]
