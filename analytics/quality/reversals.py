"""Cancellations and returns beside the purchases that they take back."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from analytics.mapped import rowwise
from analytics.quality.findings import IssueBook
from analytics.quality.ledger import Tables, alive
from analytics.quality.report import Issue, QualitySpec

_EXAMPLES = 5
_NEEDED = ("order_id", "customer_id", "ordered_at", "product_id", "product", "quantity", "amount", "kind")
_NUMBERED = r"^[CcRr]-?([0-9].*)$"


@dataclass(frozen=True, slots=True, eq=False)
class Reversals:
    """What takes something back, and whether the data hold what it takes back.

    Attributes
    ----------
    by_number : whether the numbers of the orders say which one is meant (R1001 takes back 1001); otherwise the same
        customer must have bought at least as much of the same product before.
    lines : row (UInt32, place in the frame), original (the order that is taken back; null where the data hold none).
    value, value_matched : sums of the amounts taken back (positive, minor units), all and with an order; None without
        amounts.
    """

    by_number: bool
    lines: pl.DataFrame
    value: int | None
    value_matched: int | None


def settle_reversals(tables: Tables, spec: QualitySpec) -> tuple[Tables, list[Issue]]:
    """How many cancellations and returns have their order in the data, and those that do not.

    Rows that a step of the recipe names by this finding are marked in the column ``!<code>``.
    """
    frame = tables.get("transactions")
    if frame is None or "order_id" not in frame.columns:
        return tables, []
    found = match_reversals(frame, rowwise(frame, alive()))
    if found is None:
        return tables, []
    known = pl.col("original").is_not_null()
    matched, alone = found.lines.filter(known), found.lines.filter(~known)
    pairs = matched.with_columns(back=frame["order_id"].gather(matched["row"])).select("back", "original").unique()
    shown = tuple(f"{back} → {original}" for back, original in pairs.sort("back", "original").head(_EXAMPLES).rows())
    book = IssueBook("transactions", "", frame)
    code = "reversals_matched" if found.by_number else "reversals_of_purchases"
    book.add(code, "note", "order_id", _mask(matched["row"], frame.height), "keep", shown)
    code = "cancellation_without_original" if found.by_number else "reversal_without_purchase"
    mask = _mask(alone["row"], frame.height)
    book.add(code, "check" if found.by_number else "note", "order_id", mask, "keep", frame["order_id"])
    if any(step.where == "flagged" and step.of == code and step.table == "transactions" for step in spec.steps):
        return {**tables, "transactions": frame.with_columns(mask.alias(f"!{code}"))}, book.issues
    return tables, book.issues


def _mask(rows: pl.Series, n_rows: int) -> pl.Series:
    return pl.repeat(False, n_rows, eager=True).scatter(rows, True)


def match_reversals(frame: pl.DataFrame, there: pl.Series | None = None) -> Reversals | None:
    """Match the cancellations and returns among the order lines that are ``there`` (a mask; None: all) to orders.

    None where nothing can be matched.

    By number where at least half of the lines are named after an order that is there; else by customer and product,
    in order of time: each takes from what was bought before and not yet taken back, and has an original only when
    that is enough for all of it.
    """
    names = set(frame.columns)
    if "kind" not in names or "order_id" not in names:
        return None
    there = pl.repeat(True, frame.height, eager=True) if there is None else there
    back = (there & rowwise(frame, pl.col("kind").is_in(["cancellation", "return"]))).arg_true()
    if not len(back):
        return None
    reversal = frame.select(name for name in _NEEDED if name in names)[back].with_columns(back.alias("#row"))
    numbered = reversal.select("#row", original=pl.col("order_id").str.extract(_NUMBERED))
    wanted = numbered["original"].drop_nulls().unique()
    named = there & rowwise(frame, pl.col("order_id").is_in(wanted.implode()).fill_null(False))
    orders = frame["order_id"].filter(named).unique()
    known = numbered.with_columns(
        original=pl.when(pl.col("original").is_in(orders.implode())).then("original"),
        named=pl.col("original").is_not_null(),
    )
    n_named = int(known["named"].sum())
    found = len(known) - known["original"].null_count()
    if n_named and found >= 0.5 * n_named:
        # A return without such a number is told by its purchase alone, which here nobody relies on.
        lines = known.filter("named").select(pl.col("#row").alias("row"), "original")
        return _valued(frame, lines, by_number=True)
    product = next((name for name in ("product_id", "product") if name in names), None)
    if product is None or not {"customer_id", "ordered_at", "quantity"} <= names:
        return None
    return _valued(frame, _by_purchase(frame, there, reversal, product), by_number=False)


def _by_purchase(frame: pl.DataFrame, there: pl.Series, reversal: pl.DataFrame, product: str) -> pl.DataFrame:
    key = (pl.col("customer_id").hash(1) ^ pl.col(product).hash(2)).alias("key")
    complete = pl.col("customer_id").is_not_null() & pl.col(product).is_not_null() & pl.col("ordered_at").is_not_null()
    mine = reversal.lazy().filter(complete & (pl.col("quantity") < 0))
    sold = (pl.col("kind") == "sale") & (pl.col("quantity") > 0)
    keys = mine.select(key).unique().collect()["key"]
    wanted = ["#row", "order_id", "customer_id", product, "ordered_at", "quantity"]
    places = (there & rowwise(frame, (sold & complete & key.is_in(keys.implode())).fill_null(False))).arg_true()
    bought = frame.select(wanted[1:])[places].with_columns(places.alias("#row")).lazy()
    group = ["customer_id", product]
    # Bought before taken back at the same moment; what is left can never fall below nothing.
    running = (
        pl.concat([bought.select(wanted), mine.select(wanted)])
        .sort(*group, "ordered_at", pl.col("quantity") < 0, pl.col("quantity").abs(), "order_id", "#row")
        .with_columns(sum=pl.col("quantity").cum_sum().over(group))
        .with_columns(lowest=pl.min_horizontal(pl.col("sum").cum_min().over(group), 0))
        .with_columns(
            left=pl.col("sum") - pl.col("lowest"),
            last=pl.when(pl.col("quantity") > 0).then("order_id").forward_fill().over(group),
        )
        .with_columns(before=pl.col("left").shift(1).over(group).fill_null(0))
        .filter(pl.col("quantity") < 0)
        .select(
            pl.col("#row").alias("row"),
            original=pl.when(pl.col("before") >= -pl.col("quantity")).then(pl.col("last").fill_null("")),
        )
        .collect()
    )
    return reversal.select(pl.col("#row").alias("row")).join(running, on="row", how="left", maintain_order="left")


def _valued(frame: pl.DataFrame, lines: pl.DataFrame, *, by_number: bool) -> Reversals:
    if "amount" not in frame.columns:
        return Reversals(by_number, lines, None, None)
    amounts = frame["amount"].gather(lines["row"])
    value = -int(amounts.sum() or 0)
    matched = -int(amounts.filter(lines["original"].is_not_null()).sum() or 0)
    return Reversals(by_number, lines, value, matched)
