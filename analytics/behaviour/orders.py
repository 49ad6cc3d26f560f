"""Orders as behaviour needs them: whose, when, how much, by which method. And the data of one segment alone."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

import polars as pl

from analytics import reductions
from analytics.customers import CustomerLabels
from analytics.dataset import Dataset
from analytics.errors import AnalysisError, Caveat
from analytics.keys import derive_key

MINUTES_A_DAY = 1440


@dataclass(frozen=True, slots=True, eq=False)
class Orders:
    """Orders up to the as-of date.

    Attributes
    ----------
    frame : one row per order, in no order: customer (Int64, position in ``ids``; null for anonymous ones), minute
        and day (Int32, since 1970-01-01), amount (Int64, minor units of its sale lines), n_items, n_lines (Int64), and
        of each column asked for, the value on most of its amount (Int64, position in ``levels``; null where unknown).
    levels : the values of each such column.
    has_amounts, has_items : whether the data give them.
    n_mixed : column -> orders with more than one value.
    """

    frame: pl.DataFrame
    ids: pl.Series
    levels: Mapping[str, pl.Series]
    has_amounts: bool
    has_items: bool
    n_mixed: Mapping[str, int]


def read_orders(dataset: Dataset, columns: Collection[str] = ()) -> Orders:
    """The orders of a Dataset by the definitions of ``reductions``: sale lines of goods only, returns make none.

    Raises ``AnalysisError``: table_missing, fields_missing (ordered_at, and ``columns``), no_orders.
    """
    lines = dataset.table("transactions", "ordered_at", *columns)
    ids = customer_ids(dataset)
    sales = sale_lines(dataset, columns, ids)
    order = ["customer_id", "order_id"]
    spread = [expr for name in columns for expr in (pl.col(name).min(), pl.col(name).max().alias(f"{name}: last"))]
    found = (
        sales.group_by(order)
        .agg(
            pl.col("minute", "day").min(),
            pl.col("amount").sum(),
            pl.col("quantity").sum().alias("n_items"),
            pl.len().cast(pl.Int64).alias("n_lines"),
            *spread,
        )
        .collect()
    )
    if found.is_empty():
        raise AnalysisError("no_orders", n_lines=lines.height)
    n_mixed: dict[str, int] = {}
    for name in columns:
        mixed = found.filter(pl.col(name) != pl.col(f"{name}: last")).select(order)
        n_mixed[name] = mixed.height
        found = found.drop(f"{name}: last")
        if mixed.height:
            most = _foremost(sales, mixed, name).rename({name: "most"})
            found = found.join(most, on=order, how="left", nulls_equal=True)
            found = found.with_columns(pl.coalesce("most", name).alias(name)).drop("most")
    content = [name for name in found.columns if name != "order_id"]
    return Orders(
        frame=found.select(content).rename({"customer_id": "customer"}),
        ids=ids,
        levels=MappingProxyType({name: reductions.values(dataset, name) for name in columns}),
        has_amounts=dataset.has("transactions.amount"),
        has_items=dataset.has("transactions.quantity"),
        n_mixed=MappingProxyType(n_mixed),
    )


def sale_lines(dataset: Dataset, columns: Collection[str], ids: pl.Series) -> pl.LazyFrame:
    """The sale lines up to the as-of date, see ``goods_lines``."""
    return goods_lines(dataset, columns, ids).filter(pl.col("is_sale") == 1)


def goods_lines(dataset: Dataset, columns: Collection[str], ids: pl.Series) -> pl.LazyFrame:
    """The goods lines up to the as-of date, with customers (in ``ids``: ``customer_ids``) and ``columns`` as positions.

    order_id is a hash: within one customer two orders share one by a chance of one in 2 ** 64.
    """
    lines: pl.LazyFrame = reductions.project(dataset, encode=columns).to_native()
    # An Enum is encoded three times as fast as ranks are, where lines do not lie by customer.
    customer = pl.col("customer_id").cast(pl.Enum(ids)).to_physical().cast(pl.Int64)
    as_of = pl.lit(dataset.as_of).cast(pl.Date).cast(pl.Int32)
    return lines.filter(pl.col("day") <= as_of).with_columns(customer, pl.col("order_id").hash())


def customer_ids(dataset: Dataset) -> pl.Series:
    """The ids of all customers with an order line, in ascending order."""
    if not dataset.has("transactions.customer_id"):
        return pl.Series("customer_id", [], pl.String)
    return reductions.values(dataset, "customer_id")


def _foremost(sales: pl.LazyFrame, orders: pl.DataFrame, name: str) -> pl.DataFrame:
    """The value on most of the amount of each order, then on most lines, then the first by name."""
    order = ["customer_id", "order_id"]
    parts = sales.join(orders.lazy(), on=order, how="semi", nulls_equal=True).filter(pl.col(name).is_not_null())
    ranked = parts.group_by(*order, name).agg(pl.col("amount").sum(), pl.len().alias("n"))
    ranked = ranked.sort("amount", "n", name, descending=[True, True, False])
    return ranked.unique(order, keep="first", maintain_order=True).select(*order, name).collect()


def anonymous(orders: Orders, scale: int, n_least: int = 1) -> tuple[Caveat, ...]:
    """What is to be said of orders without a customer."""
    nameless = orders.frame["customer"].null_count()
    if nameless < n_least:
        return ()
    total = int(orders.frame["amount"].sum())
    theirs = int(orders.frame.filter(pl.col("customer").is_null())["amount"].sum())
    share = theirs / total if total else nameless / orders.frame.height
    params = {"n": nameless, "percent": round(100 * nameless / orders.frame.height)}
    return (Caveat("behaviour_anonymous", "note", params | {"revenue_percent": round(100 * share)}),)


def of_segment(dataset: Dataset, labels: CustomerLabels, segment: str) -> Dataset:
    """The data of the customers of one segment; anonymous rows belong to none.

    Raises ``AnalysisError("segment_unknown")`` where there is no such segment any more, or nobody in it.
    """
    members = labels.frame.filter(pl.col("label") == segment)["customer_id"]
    if members.is_empty():
        raise AnalysisError("segment_unknown", segment=segment)
    inside = pl.col("customer_id").is_in(members.implode()).fill_null(False)
    tables = {
        name: frame.filter(inside) if "customer_id" in frame.columns else frame
        for name, frame in dataset.tables.items()
    }
    key = derive_key("of_segment", [segment], dataset.key, labels.key)
    return replace(dataset, tables=MappingProxyType(tables), key=key)
