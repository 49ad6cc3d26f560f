"""Which rows a figure is made of, and those rows themselves."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from types import MappingProxyType
from typing import Literal

import polars as pl

from analytics.dataset import Dataset
from analytics.keys import derive_key
from analytics.privacy.pseudonyms import scrub
from analytics.reversals import NEVER, is_sale, undone_orders
from analytics.schema import TABLES

Operator = Literal["in", "not_in", "above", "filled", "on", "ordered"]
_HIDDEN = frozenset({"name", "email", "phone", "birth_year"})  # never shown, not even as pseudonyms


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition on a column: its value is "in" or "not_in" ``values``, "above" the first of them (a number), a
    moment "on" that day (ISO), or "filled" at all. A missing value is in nothing, and so it is "not_in". "ordered": the
    row is a sale line of an order that stands (``reversals``)."""

    column: str
    operator: Operator
    values: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Rows:
    """The customer's rows of ``table`` for which every condition holds."""

    table: str
    conditions: tuple[Condition, ...] = ()


def chosen(frame: pl.DataFrame, rows: Rows) -> pl.DataFrame:
    """The rows of a frame for which every condition holds; one on a column that is not there holds."""
    # Whether an order stands is told by all rows, so it is asked before any is left out.
    for condition in sorted(rows.conditions, key=lambda each: each.operator != "ordered"):
        if condition.column in frame.columns:
            frame = standing_sales(frame) if condition.operator == "ordered" else frame.filter(_holds(condition))
    return frame


def standing_sales(lines: pl.DataFrame) -> pl.DataFrame:
    """The sale lines of the orders that stand at the end of these order lines."""
    undone = undone_orders(lines, NEVER - 1)
    stands = pl.repeat(True, lines.height, eager=True).scatter(undone, False)
    return lines.filter(is_sale(lines) & stands)


def of_customer(dataset: Dataset, customer_id: str, *tables: str) -> Dataset:
    """The customer's rows up to as-of, of all tables or of those named; rows without a time stay."""
    end = datetime.combine(dataset.as_of + timedelta(days=1), time())
    mine = {}
    for name, frame in dataset.tables.items():
        if "customer_id" not in frame.columns or (tables and name not in tables):
            continue
        part = frame.filter(pl.col("customer_id") == customer_id)
        moment = TABLES[name].time_field
        if moment in part.columns:
            when = pl.col(moment).cast(pl.Datetime("us"))
            part = part.filter((when < end) | when.is_null())
        mine[name] = part
    return dataclasses.replace(
        dataset,
        tables=MappingProxyType(mine),
        sources=(),
        key=derive_key("of_customer", (customer_id, tables), dataset.key),
    )


def rows_of(dataset: Dataset, customer_id: str, rows: Rows) -> pl.DataFrame:
    """The rows behind a figure, earliest first: the table's columns that hold anything; money in whole currency units.

    Names, addresses and numbers of a person are left out, texts are scrubbed.
    """
    frame = chosen(of_customer(dataset, customer_id, rows.table).tables.get(rows.table, pl.DataFrame()), rows)
    table = TABLES[rows.table]
    if table.time_field in frame.columns:
        frame = frame.sort(table.time_field, maintain_order=True, nulls_last=True)
    money = [name for name in frame.columns if name in table and table[name].role == "amount"]
    frame = frame.with_columns(dataset.money(name).alias(name) for name in money)
    texts = [name for name, dtype in frame.schema.items() if dtype == pl.String and is_text(rows.table, name)]
    frame = frame.with_columns(scrub(frame[name]) for name in texts)
    kept = [name for name in frame.columns if name not in _HIDDEN and frame[name].null_count() < frame.height]
    return frame.select(kept)


def is_text(table: str, column: str) -> bool:
    """Whether a column may hold free text: a text field, or a column of the person's own file."""
    schema = TABLES[table]
    return schema[column].role == "text" if column in schema else column != "kind"


def _holds(condition: Condition) -> pl.Expr:
    column = pl.col(condition.column)
    match condition.operator:
        case "in":
            return column.cast(pl.String).is_in(list(condition.values)).fill_null(False)
        case "not_in":
            return ~column.cast(pl.String).is_in(list(condition.values)).fill_null(False)
        case "above":
            return (column > float(condition.values[0])).fill_null(False)
        case "on":
            return (column.cast(pl.Date).cast(pl.String) == condition.values[0]).fill_null(False)
    return column.is_not_null()
