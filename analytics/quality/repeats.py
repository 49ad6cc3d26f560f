"""Rows that say the same twice."""

from __future__ import annotations

import polars as pl

from analytics.mapping import MappedTable
from analytics.schema import TABLES


def repeated_rows(mapped: MappedTable) -> pl.Series:
    """UInt32 per row: the row number of its first equal row (all source cells equal), null where it is the first.

    Hashes find the candidates; only cells decide.
    """
    source = mapped.raw.frame
    alike = source.hash_rows().is_duplicated()
    nothing = pl.Series("into", [None], dtype=pl.UInt32).new_from_index(0, source.height)
    if not alike.any():
        return nothing
    number = pl.int_range(1, pl.len() + 1, dtype=pl.UInt32)
    suspects = source.with_columns(number.alias("#row")).filter(alike)
    first = suspects.select("#row", first=pl.col("#row").min().over(source.columns))
    later = first.filter(pl.col("#row") > pl.col("first"))
    numbers = source.select(number.alias("#row"))
    return numbers.join(later, on="#row", how="left", maintain_order="left")["first"].alias("into")


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
