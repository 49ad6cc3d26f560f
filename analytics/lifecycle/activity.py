"""What the lifecycle needs of the tables: who ordered on which day, and who was known since when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt
import polars as pl

from analytics.dataset import Dataset
from analytics.errors import AnalysisError, Caveat

Days = npt.NDArray[np.int32]  # days since 1970-01-01
NEVER = np.iinfo(np.int32).max
EPOCH = date(1970, 1, 1)
_LINE_KEY = ("order_id", "product_id")


@dataclass(frozen=True, slots=True, eq=False)
class Activity:
    """What is known up to the as-of date, compact: customers are positions in ``ids``, days are days since 1970.

    ``purchases``: customer, day, until (the order day stands from ``day`` to the day before ``until``), sorted.
    ``amounts``: customer, day, amount (minor units), sorted by day; None without amounts.
    """

    ids: pl.Series
    purchases: pl.DataFrame
    amounts: pl.DataFrame | None
    known: Days
    left: Days
    first_day: int
    scale: int

    @property
    def known_from(self) -> int:
        return int(self.known.min())

    @property
    def left_from(self) -> int:
        return int(self.left.min())


def read_activity(dataset: Dataset) -> tuple[Activity, list[Caveat]]:
    """The compact activity up to ``dataset.as_of``, and what there is to say about the rows."""
    raw = dataset.table("transactions", "customer_id", "ordered_at")
    kind = pl.col("kind").cast(pl.String) if "kind" in raw.columns else pl.lit("sale")
    columns = [name for name in ("order_id", "product_id", "quantity", "amount") if name in raw.columns]
    lines = raw.filter(pl.col("ordered_at").dt.date() <= dataset.as_of)
    lines = lines.select("customer_id", "ordered_at", *columns, kind=kind).filter(pl.col("kind") != "service")
    n_anonymous = lines.filter(pl.col("customer_id").is_null() & (pl.col("kind") == "sale")).height
    n_lines = lines.filter(pl.col("kind") == "sale").height
    lines = lines.filter(pl.col("customer_id").is_not_null())
    if lines.is_empty():
        raise AnalysisError("lifecycle_no_orders", as_of=dataset.as_of.isoformat())
    known, n_undated = _known(dataset)
    dated = known.filter(pl.col("known").is_not_null())["customer_id"]
    ids = pl.concat([lines["customer_id"].unique(), dated]).unique().sort()
    index = pl.DataFrame({"customer_id": ids}).with_row_index("customer")
    lines = lines.join(index, on="customer_id", how="left").with_columns(
        day=pl.col("ordered_at").dt.date().cast(pl.Int32)
    )
    dates = index.join(known, on="customer_id", how="left", maintain_order="left").fill_null(NEVER)
    amounts = None
    if "amount" in columns and lines["amount"].null_count() < lines.height:
        amounts = lines.group_by("customer", "day").agg(pl.col("amount").sum().cast(pl.Int64)).sort("day", "customer")
    activity = Activity(
        ids=ids,
        purchases=_purchases(lines),
        amounts=amounts,
        known=dates["known"].to_numpy(),
        left=dates["left"].to_numpy(),
        first_day=int(lines["day"].min()),  # type: ignore[arg-type]
        scale=10**dataset.money_digits,
    )
    caveats = []
    if activity.known_from == NEVER:
        caveats.append(Caveat("acquaintance_not_observable", "note"))
    if n_undated:
        caveats.append(Caveat("acquaintance_undated", "note", {"n": n_undated}))
    if n_anonymous:
        caveats.append(
            Caveat("lifecycle_anonymous", "note", {"n": n_anonymous, "percent": round(100 * n_anonymous / n_lines)})
        )
    if amounts is None:
        caveats.append(Caveat("lifecycle_no_amounts", "note"))
    return activity, caveats


def _known(dataset: Dataset) -> tuple[pl.DataFrame, int]:
    """customer_id, known and left (days): when each customer was first known other than by an order, and left.

    Also the number of customers whose table row has no date: they cannot be placed before their first order.
    """
    found, n_undated = [], 0
    day = pl.Int32()
    people = dataset.tables.get("customers")
    if people is not None and "customer_id" in people.columns:
        joined = pl.col("joined_at").cast(pl.Date) if "joined_at" in people.columns else pl.lit(None, pl.Date)
        left = pl.col("left_at").cast(pl.Date) if "left_at" in people.columns else pl.lit(None, pl.Date)
        people = people.filter(pl.col("customer_id").is_not_null()).select("customer_id", known=joined, left=left)
        # An undated row says nothing about any past date, so neither may it about this one.
        n_undated = people.filter(pl.col("known").is_null())["customer_id"].n_unique()
        found.append(
            people.select(
                "customer_id",
                known=pl.when(pl.col("known") <= dataset.as_of).then(pl.col("known").cast(day)),
                left=pl.when(pl.col("left") <= dataset.as_of).then(pl.col("left").cast(day)),
            )
        )
    if dataset.has("events.customer_id", "events.occurred_at"):
        seen = dataset.tables["events"].filter(pl.col("customer_id").is_not_null())
        seen = seen.select("customer_id", known=pl.col("occurred_at").dt.date())
        seen = seen.filter(pl.col("known") <= dataset.as_of)
        found.append(seen.select("customer_id", pl.col("known").cast(day), left=pl.lit(None, day)))
    if not found:
        return pl.DataFrame(schema={"customer_id": pl.String, "known": day, "left": day}), 0
    dates = pl.concat(found).group_by("customer_id").agg(pl.col("known").min(), pl.col("left").max())
    return dates.filter(pl.col("known").is_not_null() | pl.col("left").is_not_null()), n_undated


def _purchases(lines: pl.DataFrame) -> pl.DataFrame:
    """customer, day, until: the order days and the day from which each no longer stands (``NEVER``: it does)."""
    sales = lines.filter(pl.col("kind") == "sale")
    reversals = lines.filter(pl.col("kind").is_in(["return", "cancellation"]))
    days = sales.select("customer", "day").unique()
    ends = _reversed_days(sales.join(reversals, on="customer", how="semi"), reversals)
    return (
        days.join(ends, on=["customer", "day"], how="left")
        .with_columns(pl.col("until").fill_null(NEVER))
        .filter(pl.col("until") > pl.col("day"))
        .sort("customer", "day")
    )


def _reversed_days(sales: pl.DataFrame, reversals: pl.DataFrame) -> pl.DataFrame:
    """customer, day, until for the order days all of whose lines were reversed."""
    size: pl.Expr = pl.lit(1, pl.Int64)
    for name in ("amount", "quantity"):
        if name in sales.columns and sales[name].null_count() < sales.height:
            size = pl.col(name).abs().fill_null(0)
    text = [pl.col(name).fill_null("") if name in sales.columns else pl.lit("").alias(name) for name in _LINE_KEY]
    on: list[pl.Expr | str] = ["customer", "day", "ordered_at", *text]
    sold = (
        sales.select(*on, size=size)
        .group_by("customer", "day", *_LINE_KEY)
        .agg(pl.col("ordered_at").min(), sold=pl.col("size").sum())
        .sort("ordered_at", "customer", *_LINE_KEY)
        .with_row_index("line")
    )
    back = reversals.select(*on, size=size).sort("ordered_at", "customer", *_LINE_KEY)
    found = []
    for keys in (["customer", *_LINE_KEY], ["customer", "product_id"]):
        matched = back.join_asof(
            sold.select("line", "ordered_at", *keys), on="ordered_at", by=keys, check_sortedness=False
        )
        if "order_id" in keys:  # an unnumbered order is no order in common
            matched = matched.with_columns(line=pl.when(pl.col("order_id") != "").then(pl.col("line")))
        found.append(matched.filter(pl.col("line").is_not_null()).select("line", "size", until="day"))
        back = matched.filter(pl.col("line").is_null()).drop("line")
    undone = (
        pl.concat(found)
        .sort("line", "until")
        .with_columns(pl.col("size").cum_sum().over("line"))
        .join(sold.select("line", "sold"), on="line")
        .filter(pl.col("size") >= pl.col("sold"))
        .group_by("line")
        .agg(pl.col("until").min())
    )
    # An order stands while one of its lines does, a day while one of its orders does.
    lines = sold.join(undone, on="line", how="left").with_columns(pl.col("until").fill_null(NEVER))
    return lines.group_by("customer", "day").agg(pl.col("until").max()).filter(pl.col("until") < NEVER)
