"""The group-bys over raw order lines that more than one analysis needs, in portable expressions.

Written once in narwhals, so that the same function reduces a Polars frame in memory or a relation in a database; only
``project`` is Polars. The dialect is small on purpose: lines are projected to integers and strings first, sums stay
integers, and there is no mode, no filter inside an aggregation and no order-dependent "first". On a million lines the
narwhals wording of a customer summary took 0.58 s of CPU against 0.60 s for the same plain Polars expressions, so
portability costs nothing here.

Two definitions hold everywhere:

- *Goods only.* Service lines (postage, fees, manual adjustments) are no demand, no order and no revenue.
- *An order* is a distinct (customer, order id) with at least one sale line, which stands: not all of its lines were
  returned or cancelled by the as-of date (``reversals``). A free one counts where its customer is known. Where an order
  id is missing, everything a customer bought on one calendar day is one order, and an anonymous line is an order of its
  own. Its day is the first day of a sale line.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import date
from typing import TYPE_CHECKING, Any, Literal

import polars as pl

from analytics.dataset import Dataset
from analytics.mapped import beside
from analytics.reversals import is_sale, undone_orders

if TYPE_CHECKING:
    import narwhals as nw

    Lines = nw.LazyFrame[Any]

Measure = Literal["revenue", "quantity", "orders", "customers"]

# Shares are added up as integers of a millionth: integer sums do not depend on the order of rows.
PER_MILLION = 1_000_000
_CARRIED = ("category", "brand", "channel", "payment_method", "city", "country")
_POSITIONS = 1 << 32
_EPOCH = date(1970, 1, 1)
_UNDONE = "#undone"


def project(
    dataset: Dataset, *, encode: Collection[str] = (), until: date | None = None, carry: Collection[str] = ()
) -> Lines:
    """The goods lines as integers and strings, lazily: what every reduction below starts from.

    ``until``: lines of later days are left out, and so is what they took back; without it, every line is there and
    orders are those that stand at ``dataset.as_of``. ``carry``: further columns, as they are, where they hold a value.

    Columns: customer_id (null for anonymous lines), order_id, day (Int32, days since 1970-01-01), minute (Int32,
    minutes since then), month (Int32, year x 12 + month - 1), amount (Int64, minor units; 0 where absent), quantity
    (Int64; 0 where absent), is_sale (Int64, 1 on a sale line of an order that stands), sold and returned (Int64, the
    amount of sale lines and of return and cancellation lines), n_sold (Int64, 1 on any sale line), n_returned (Int64, 1
    on a return or cancellation line), discount_ppm (Int64, millionths of the undiscounted amount, where is_sale is 1),
    product_id (the product's name where there is no id) and those of category, brand, channel, payment_method, city,
    country that hold a value.

    Ids and names are Strings; those named by ``encode`` (any but order_id) are Int64 positions in ``values``, which
    group faster and in less memory.
    """
    import narwhals as nw

    lines = dataset.table("transactions", "ordered_at")
    held = {name for name in lines.columns if dataset.has(f"transactions.{name}")}
    kind = pl.col("kind") if "kind" in held else pl.lit("sale")
    day = pl.col("ordered_at").dt.epoch("d").cast(pl.Int32)
    amount = pl.col("amount").fill_null(0) if "amount" in held else pl.lit(0, pl.Int64)
    sold = sale = is_sale(lines)
    undone = undone_orders(lines, ((until or dataset.as_of) - _EPOCH).days)
    if len(undone):
        mask = pl.repeat(False, lines.height, eager=True).scatter(undone, True).alias(_UNDONE)
        lines, sale = beside(lines, mask), sale & ~pl.col(_UNDONE)
    back = kind.is_in(["return", "cancellation"])
    columns = {
        "customer_id": pl.col("customer_id") if "customer_id" in held else pl.lit(None, pl.String),
        "order_id": _order(lines, held, day),
        "day": day,
        "minute": (pl.col("ordered_at").dt.epoch("s") // 60).cast(pl.Int32),
        "month": pl.col("ordered_at").dt.year().cast(pl.Int32) * 12 + pl.col("ordered_at").dt.month() - 1,
        "amount": amount,
        "quantity": pl.col("quantity").fill_null(0) if "quantity" in held else pl.lit(0, pl.Int64),
        "is_sale": sale.cast(pl.Int64),
        "sold": pl.when(kind == "sale").then(amount).otherwise(0),
        "returned": pl.when(back).then(amount).otherwise(0),
        "n_sold": sold.cast(pl.Int64),
        "n_returned": back.cast(pl.Int64),
        "discount_ppm": pl.when(sale).then(_discount_ppm(held)).otherwise(0).fill_null(0).cast(pl.Int64),
    }
    product = next((name for name in ("product_id", "product") if name in held), None)
    if product:
        columns["product_id"] = pl.col(product)
    columns |= {name: pl.col(name) for name in (*_CARRIED, *carry) if name in held}
    for name in {"product_id", *_CARRIED} & columns.keys() & set(encode):
        # An Enum of the sorted values: its physical number is the position.
        columns[name] = columns[name].cast(pl.Enum(values(dataset, name))).to_physical().cast(pl.Int64)
    if "customer_id" in held and "customer_id" in encode:
        # The dense rank is the same, and cheaper here: a Dataset is sorted by customer. Over service lines too.
        lines = lines.with_columns(pl.col("customer_id").rank("dense").cast(pl.Int64) - 1)
    goods = lines.lazy().filter(kind != "service", pl.col("ordered_at").is_not_null())
    if until is not None:
        goods = goods.filter(day <= (until - _EPOCH).days)
    return nw.from_native(goods.select(**columns))


def values(dataset: Dataset, column: str) -> pl.Series:
    """The distinct values of an order-line column in ascending order: what ``project(encode=...)`` counts by."""
    name = "product" if column == "product_id" and not dataset.has("transactions.product_id") else column
    given = dataset.tables["transactions"][name].drop_nulls()
    # Runs are nine times cheaper, and a Dataset is sorted by its first column.
    return given.rle().struct.field("value").alias(name) if given.is_sorted() else given.unique().sort()


def collect(reduced: Lines) -> pl.DataFrame:
    """Run a reduction; the order of rows is not defined."""
    result: pl.DataFrame = reduced.collect("polars").to_native()
    return result


def orders(lines: Lines) -> Lines:
    """One row per order: customer_id, order_id, day, month, amount (minor units), n_items, n_lines; sale lines only."""
    import narwhals as nw

    return (
        _sales(lines)
        .group_by("customer_id", "order_id")
        .agg(
            nw.col("day", "month").min(),
            nw.col("amount").sum().cast(nw.Int64),
            nw.col("quantity").sum().cast(nw.Int64).alias("n_items"),
            nw.len().cast(nw.Int64).alias("n_lines"),
        )
    )


def order_days(lines: Lines) -> Lines:
    """One row per known customer and day with an order: customer_id, day, n_orders, amount (minor units)."""
    import narwhals as nw

    return (
        _known(orders(lines))
        .group_by("customer_id", "day")
        .agg(
            nw.len().cast(nw.Int64).alias("n_orders"),
            nw.col("amount").sum().cast(nw.Int64),
        )
    )


def purchase_days(lines: Lines) -> Lines:
    """One row per known customer and day with a sale line, whatever the order: customer_id, day, amount (minor units).

    The "transactions" of the literature on repeat buying, where purchases of one day are one.
    """
    import narwhals as nw

    return _known(_sales(lines)).group_by("customer_id", "day").agg(nw.col("amount").sum().cast(nw.Int64))


def order_counts(lines: Lines) -> Lines:
    """One row per known customer with an order: customer_id, n_orders, n_order_days, first_day, last_day."""
    import narwhals as nw

    return (
        order_days(lines)
        .group_by("customer_id")
        .agg(
            nw.col("n_orders").sum().cast(nw.Int64),
            nw.len().cast(nw.Int64).alias("n_order_days"),
            nw.col("day").min().alias("first_day"),
            nw.col("day").max().alias("last_day"),
        )
    )


def customer_sums(lines: Lines) -> Lines:
    """One row per known customer, returns subtracted: customer_id, then these sums over its lines.

    amount, sold, returned (minor units), quantity, n_sales (sale lines of orders that stand), n_sold (all sale lines),
    n_returned (lines), discount_ppm (over n_sales).
    """
    import narwhals as nw

    return (
        _known(lines)
        .group_by("customer_id")
        .agg(
            nw.col("amount", "sold", "returned", "quantity", "n_sold", "n_returned", "discount_ppm")
            .sum()
            .cast(nw.Int64),
            nw.col("is_sale").sum().cast(nw.Int64).alias("n_sales"),
        )
    )


def pairs(lines: Lines, column: str) -> Lines:
    """customer_id, ``column``, n: sale lines of a known customer with each value that is not null."""
    import narwhals as nw

    sales = _known(_sales(lines)).filter(~nw.col(column).is_null())
    return sales.group_by("customer_id", column).agg(nw.len().cast(nw.Int64).alias("n"))


def order_values(lines: Lines, columns: Collection[str]) -> Lines:
    """One row per order of a known customer: customer_id and, of each column, the first value by name.

    Null where the order has none.
    """
    import narwhals as nw

    sales = _known(_sales(lines))
    return sales.group_by("customer_id", "order_id").agg(nw.col(*columns).min()).select("customer_id", *columns)


def preferences(lines: Lines, column: str) -> Lines:
    """customer_id, n_distinct, favourite: how many values of ``column`` a known customer bought, and which most often.

    Of encoded lines: ``favourite`` is a position in ``values(dataset, column)``, that on most sale lines, ties broken
    by name. Customers who never had a value are absent.
    """
    import narwhals as nw

    # The count above and the position counted downwards below: the largest is the most frequent, first by name.
    ranked = nw.col("n") * _POSITIONS + (_POSITIONS - 1 - nw.col(column))
    best = (
        pairs(lines, column)
        .select("customer_id", ranked.alias("ranked"))
        .group_by("customer_id")
        .agg(nw.len().cast(nw.Int64).alias("n_distinct"), nw.col("ranked").max())
    )
    favourite = (_POSITIONS - 1 - nw.col("ranked") % _POSITIONS).alias("favourite")
    return best.select("customer_id", "n_distinct", favourite)


def demand_sums(lines: Lines, keys: tuple[str, ...], measure: Measure) -> Lines:
    """``keys`` and y (Int64): the measure summed over every combination of the key columns, anonymous lines included.

    revenue (minor units) and quantity have returns subtracted; orders counts orders with a sale line there; customers
    counts known customers with a sale line there.
    """
    import narwhals as nw

    if measure in ("revenue", "quantity"):
        column = "amount" if measure == "revenue" else "quantity"
        return lines.group_by(*keys).agg(nw.col(column).sum().cast(nw.Int64).alias("y"))
    one = ("customer_id", "order_id") if measure == "orders" else ("customer_id",)
    sales = _sales(lines) if measure == "orders" else _known(_sales(lines))
    return sales.select(*keys, *one).unique().group_by(*keys).agg(nw.len().cast(nw.Int64).alias("y"))


def _known(lines: Lines) -> Lines:
    import narwhals as nw

    return lines.filter(~nw.col("customer_id").is_null())


def _sales(lines: Lines) -> Lines:
    import narwhals as nw

    return lines.filter(nw.col("is_sale") == 1)


def _order(lines: pl.DataFrame, held: set[str], day: pl.Expr) -> pl.Expr:
    known = pl.col("customer_id").is_not_null() if "customer_id" in held else pl.lit(False)
    alone = pl.int_range(pl.len(), dtype=pl.Int64)
    if "order_id" not in held:
        return pl.when(known).then(day.cast(pl.Int64)).otherwise(-1 - alone)
    if not lines["order_id"].null_count():
        return pl.col("order_id")
    stand_in = pl.when(known).then(pl.format("day {}", day)).otherwise(pl.format("line {}", alone))
    return pl.coalesce("order_id", stand_in)


def _discount_ppm(held: set[str]) -> pl.Expr:
    shares: list[pl.Expr] = []
    if "discount_share" in held:
        shares.append(pl.col("discount_share"))
    if "discount_amount" in held:
        if {"quantity", "unit_price"} <= held:
            shares.append(_share(pl.col("quantity") * pl.col("unit_price")))
        if "amount" in held:
            shares.append(_share(pl.col("amount") + pl.col("discount_amount").abs()))
    if not shares:
        return pl.lit(0, pl.Int64)
    return (pl.coalesce(shares).clip(0, 1) * PER_MILLION).round()


def _share(undiscounted: pl.Expr) -> pl.Expr:
    return pl.when(undiscounted > 0).then(pl.col("discount_amount").abs() / undiscounted)
