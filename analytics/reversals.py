"""One definition of an order: which order lines make one, and until when it stands.

- *A sale line* makes an order: kind "sale" (or no kinds at all) and no negative amount. A free one (amount 0, or none)
  counts where its customer is known; an anonymous one does not.
- *A reversal* (kind "return" or "cancellation") of a known customer takes back from one sale line: of the order of the
  same number, else of the order it is named after (R1001 takes back 1001), else of the latest earlier sale of the same
  product to the same customer. What cannot be matched takes nothing back.
- *A line is undone* when as much as it sold has been taken back: by items, else by amount, else by lines; where no
  product is named, by amount first.
- *An order stands* unless all its lines are undone by the day looked from. An order id within one customer is one
  order; without one, everything a customer bought on one calendar day is.

Only the reversals up to a day matter for that day: nothing here looks ahead.
"""

from __future__ import annotations

import weakref

import polars as pl

NEVER = 2**31 - 1  # the day on which an order that stands is undone
REVERSALS = ("return", "cancellation")
_NUMBERED = r"^[CcRr]-?([0-9].*)$"
_SCHEMA = pl.Schema({"row": pl.UInt32(), "until": pl.Int32(), "order_until": pl.Int32()})

_settled: dict[int, pl.DataFrame] = {}  # id of a living frame of order lines -> its undone lines


def is_sale(lines: pl.DataFrame) -> pl.Expr:
    """Whether a row of ``transactions`` is a sale line; never null."""
    held = _held(lines)
    sale = pl.col("kind") == "sale" if "kind" in held else pl.lit(True)
    known = pl.col("customer_id").is_not_null() if "customer_id" in held else pl.lit(False)
    if "amount" in held:
        amount = pl.col("amount").fill_null(0)
        sale = sale & ((amount > 0) | (known & (amount == 0)))
    return sale.fill_null(False) & pl.col("ordered_at").is_not_null()


def undone_lines(lines: pl.DataFrame) -> pl.DataFrame:
    """The sale lines of orders of ``transactions`` of which something was undone: row, until, order_until; by row.

    ``row`` (UInt32): place in ``lines``. ``until`` (Int32, days since 1970-01-01): the day on which it was undone,
    ``NEVER`` where it was not. ``order_until``: the day on which the whole of its order was, ``NEVER`` where some of it
    stands.

    It is found once for a frame and kept as long as that lives.
    """
    known = _settled.get(id(lines))
    if known is None:
        known = _undone(lines)
        _settled[id(lines)] = known
        weakref.finalize(lines, _settled.pop, id(lines), None)
    return known


def undone_orders(lines: pl.DataFrame, last_day: int) -> pl.Series:
    """Places in ``lines`` (UInt32) of the sale lines of orders of which nothing stands at the end of ``last_day``."""
    found = undone_lines(lines)
    return found.filter(pl.col("order_until") <= last_day)["row"]


def _held(lines: pl.DataFrame) -> set[str]:
    return {name for name in lines.columns if lines[name].null_count() < lines.height}


def _undone(lines: pl.DataFrame) -> pl.DataFrame:
    held = _held(lines)
    if not {"customer_id", "kind", "ordered_at"} <= held:
        return pl.DataFrame(schema=_SCHEMA)
    day = pl.col("ordered_at").dt.epoch("d").cast(pl.Int32)
    number = pl.col("order_id") if "order_id" in held else pl.lit(None, pl.String)
    product = next((name for name in ("product_id", "product") if name in held), None)
    named = pl.col(product).cast(pl.String).fill_null("") if product else pl.lit("")
    size: pl.Expr = pl.lit(1, pl.Int64)
    # Items of one product are alike; where no product is named, what they cost tells more.
    for name in ("amount", "quantity") if product else ("quantity", "amount"):
        if name in held:
            size = pl.col(name).abs().fill_null(0)
    known = pl.col("customer_id").is_not_null() & pl.col("ordered_at").is_not_null()
    # Hashes tell rows apart: two keys are one by a chance of one in 2 ** 64.
    pair = pl.col("customer_id").hash(1) ^ named.hash(2)
    order = pl.col("customer_id").hash(3) ^ pl.when(number.is_null()).then(day.hash(5)).otherwise(number.hash(4))
    wanted = {
        "customer": pl.col("customer_id"),
        "number": number.fill_null(""),
        "product": named,
        "at": pl.col("ordered_at"),
        "day": day,
        "size": size.cast(pl.Int64),
    }
    back = lines.lazy().filter(pl.col("kind").is_in(REVERSALS), known)
    takes = back.select(**wanted, pair=pair).collect()
    if takes.is_empty():
        return pl.DataFrame(schema=_SCHEMA)
    numbered = lines.lazy().with_row_index("row")
    sale = is_sale(lines) & known
    pairs = takes["pair"].unique()
    sold = numbered.filter(sale & pair.is_in(pairs.implode())).select("row", **wanted, order=order).collect()
    ends = _line_ends(sold, takes.drop("pair"))
    # An order can only be undone as a whole where one of its lines is; the others may be of any product.
    orders = sold.join(ends, on="row", how="semi")["order"].unique()
    whole = numbered.filter(sale & order.is_in(orders.implode())).select("row", order=order).collect()
    until = pl.col("until").fill_null(NEVER)
    found = whole.join(ends, on="row", how="left").with_columns(until, order_until=until.max().over("order"))
    return found.select(_SCHEMA.names()).cast(_SCHEMA).sort("row")


def _line_ends(sold: pl.DataFrame, takes: pl.DataFrame) -> pl.DataFrame:
    """row, until of the undone rows of ``sold``."""
    keys = ["customer", "number", "product"]
    # Equal products in one order of one day are one line.
    lines = (
        sold.group_by(*keys, "day")
        .agg(pl.col("at").min(), sold=pl.col("size").sum())
        .sort("at", *keys)
        .with_row_index("line")
    )
    takes = takes.sort("at", *keys, "size")
    original = takes["number"].str.extract(_NUMBERED)
    found = []
    left = takes.with_columns(original=original)
    for step in ("number", "original", "product"):
        by = ["customer", "product"] if step == "product" else keys
        asked = left if step != "original" else left.with_columns(number=pl.col("original"), own=pl.col("number"))
        matched = asked.join_asof(lines.select("line", "at", *by), on="at", by=by, check_sortedness=False)
        if step != "product":  # an unnumbered order is no order in common
            matched = matched.with_columns(line=pl.when(pl.col("number") != "").then(pl.col("line")))
        if step == "original":
            matched = matched.with_columns(number=pl.col("own")).drop("own")
        found.append(matched.filter(pl.col("line").is_not_null()).select("line", "size", until="day"))
        left = matched.filter(pl.col("line").is_null()).drop("line")
    undone = (
        pl.concat(found)
        .sort("line", "until")
        .with_columns(taken=pl.col("size").cum_sum().over("line"))
        .join(lines.select("line", "sold"), on="line")
        .filter(pl.col("taken") >= pl.col("sold"))
        .group_by("line")
        .agg(pl.col("until").min())
    )
    ended = lines.join(undone, on="line").select(*keys, "day", "until")
    return sold.join(ended, on=[*keys, "day"]).select("row", "until")
