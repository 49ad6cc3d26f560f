"""What the lifecycle needs of the tables: who ordered on which day, and who was known since when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt
import polars as pl

from analytics.dataset import Dataset
from analytics.errors import AnalysisError, Caveat
from analytics.lifecycle.spec import Kind
from analytics.reversals import NEVER, is_sale, undone_lines

Days = npt.NDArray[np.int32]  # days since 1970-01-01
EPOCH = date(1970, 1, 1)
_NO_LINES = pl.DataFrame(schema={"customer_id": pl.String, "ordered_at": pl.Datetime("us")})


@dataclass(frozen=True, slots=True, eq=False)
class Activity:
    """What is known up to the as-of date, compact: customers are positions in ``ids``, days are days since 1970.

    ``purchases``: customer, day, since, until (the order day is known, and stands, from ``since`` to the day before
    ``until``), sorted; two rows of one order day never hold on the same day.
    ``amounts``: customer, day, amount (minor units), sorted by day; None without amounts.
    ``known``, ``left``: first known other than by an order, left. Of subscriptions: ``started`` (first fee or use; of
    joining where neither is recorded), ``uses`` (customer, day, sorted by day; None without events).
    """

    ids: pl.Series
    purchases: pl.DataFrame
    amounts: pl.DataFrame | None
    known: Days
    left: Days
    first_day: int
    scale: int
    kind: Kind
    started: Days
    uses: pl.DataFrame | None

    @property
    def known_from(self) -> int:
        return int(self.known.min())

    @property
    def left_from(self) -> int:
        return int(self.left.min())


def read_activity(dataset: Dataset, kind: Kind = "orders") -> tuple[Activity, list[Caveat]]:
    """The compact activity up to ``dataset.as_of``, and what there is to say about the rows."""
    subscribed = kind == "subscription"
    if subscribed and not dataset.has("transactions.customer_id", "transactions.ordered_at"):
        raw = _NO_LINES
        dataset.table("customers", "customer_id", "joined_at")
    else:
        raw = dataset.table("transactions", "customer_id", "ordered_at")
    goods = pl.lit(True) if subscribed or "kind" not in raw.columns else pl.col("kind") != "service"
    lines = raw.filter(goods.fill_null(True), pl.col("ordered_at").dt.date() <= dataset.as_of)
    sale = pl.col("kind") == "sale" if "kind" in raw.columns else pl.lit(True)
    n_lines, n_anonymous = lines.select(
        sale.sum() if "kind" in raw.columns else pl.len(),
        (sale & pl.col("customer_id").is_null()).sum().alias("anonymous"),
    ).row(0)
    columns = [name for name in ("amount",) if name in raw.columns]
    lines = lines.filter(pl.col("customer_id").is_not_null()).select("customer_id", "ordered_at", *columns)
    known, n_undated = _known(dataset, subscribed)
    if lines.is_empty() and (not subscribed or known["known"].count() == 0):
        raise AnalysisError("lifecycle_no_orders", as_of=dataset.as_of.isoformat())
    dated = known.filter(pl.col("known").is_not_null())["customer_id"]
    ids = pl.concat([lines["customer_id"].unique(), dated]).unique().sort()
    index = pl.DataFrame({"customer_id": ids}).with_row_index("customer")
    dates = index.join(known, on="customer_id", how="left", maintain_order="left").fill_null(NEVER)
    amounts = None
    if columns and lines["amount"].null_count() < lines.height:
        paid = lines.lazy().group_by("customer_id", day=pl.col("ordered_at").dt.epoch("d").cast(pl.Int32))
        sums = paid.agg(pl.col("amount").sum().cast(pl.Int64)).join(index.lazy(), on="customer_id")
        amounts = sums.select("customer", "day", "amount").sort("day", "customer").collect()
    purchases = _purchases(raw, index, dataset.as_of)
    uses = _uses(dataset, index) if subscribed else None
    joined = dates["known"].to_numpy()
    first_line = lines["ordered_at"].min()
    first_day = NEVER if first_line is None else (first_line.date() - EPOCH).days  # type: ignore[union-attr]
    activity = Activity(
        ids=ids,
        purchases=purchases,
        amounts=amounts,
        known=joined,
        left=dates["left"].to_numpy(),
        first_day=min(first_day, int(joined.min())) if subscribed else first_day,
        scale=10**dataset.money_digits,
        kind=kind,
        started=_started(joined, purchases, uses) if subscribed else joined,
        uses=uses,
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


def _uses(dataset: Dataset, index: pl.DataFrame) -> pl.DataFrame | None:
    if not dataset.has("events.customer_id", "events.occurred_at"):
        return None
    seen = dataset.tables["events"].lazy().filter(pl.col("occurred_at").dt.date() <= dataset.as_of)
    days = seen.select("customer_id", day=pl.col("occurred_at").dt.epoch("d").cast(pl.Int32)).unique()
    return days.join(index.lazy(), on="customer_id").select("customer", "day").sort("day", "customer").collect()


def _started(joined: Days, purchases: pl.DataFrame, uses: pl.DataFrame | None) -> Days:
    """First fee or use; the day of joining where the data hold neither of anybody."""
    begun = [frame.select("customer", "day") for frame in (purchases, uses) if frame is not None and frame.height]
    if not begun:
        return joined
    first = pl.concat(begun).group_by("customer").agg(pl.col("day").min())
    started = np.full(len(joined), NEVER, np.int32)
    started[first["customer"].to_numpy()] = first["day"].to_numpy()
    return started


def _known(dataset: Dataset, joined_only: bool) -> tuple[pl.DataFrame, int]:
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
    if not joined_only and dataset.has("events.customer_id", "events.occurred_at"):
        seen = dataset.tables["events"].filter(pl.col("customer_id").is_not_null())
        seen = seen.select("customer_id", known=pl.col("occurred_at").dt.date())
        seen = seen.filter(pl.col("known") <= dataset.as_of)
        found.append(seen.select("customer_id", pl.col("known").cast(day), left=pl.lit(None, day)))
    if not found:
        return pl.DataFrame(schema={"customer_id": pl.String, "known": day, "left": day}), 0
    dates = pl.concat(found).group_by("customer_id").agg(pl.col("known").min(), pl.col("left").max())
    return dates.filter(pl.col("known").is_not_null() | pl.col("left").is_not_null()), n_undated


def _purchases(raw: pl.DataFrame, index: pl.DataFrame, as_of: date) -> pl.DataFrame:
    """customer, day, since, until: the order days, and the days on which they stand (``NEVER``: they still do)."""
    day = pl.col("ordered_at").dt.epoch("d").cast(pl.Int32)
    number = pl.col("order_id") if "order_id" in raw.columns else pl.lit(None, pl.String)
    sales = (
        raw.lazy()
        .with_row_index("row")
        .filter(is_sale(raw), pl.col("customer_id").is_not_null(), pl.col("ordered_at").dt.date() <= as_of)
        .select(
            "row", "customer_id", order=pl.when(number.is_null()).then(day.hash(2)).otherwise(number.hash(1)), day=day
        )
        .join(index.lazy(), on="customer_id")
        .join(undone_lines(raw).lazy().select("row", "until"), on="row", how="left")
        .select("customer", "order", "day", pl.col("until").fill_null(NEVER))
    )
    orders = (
        sales.group_by("customer", "order")
        .agg(
            pl.col("day").min(),
            last=pl.col("day").max(),
            first_until=pl.col("until").min(),
            until=pl.col("until").max(),
        )
        .collect()
    )
    # An order with lines on several days may have been undone before its later lines came: it stood in parts.
    in_parts = (pl.col("day") < pl.col("last")) & (pl.col("first_until") < NEVER)
    parts = orders.filter(in_parts).select("customer", "order", first="day")
    whole = orders.filter(~in_parts).select("customer", "day", "until", since="day")
    pieces = sales.join(parts.lazy(), on=["customer", "order"]).select("customer", "until", day="first", since="day")
    days = pl.concat([whole, pieces.select(whole.columns).collect()])
    days = days.group_by("customer", "day", "since").agg(pl.col("until").max())
    alone = pl.len().over("customer", "day") == 1
    return (
        pl.concat([days.filter(alone), _merged(days.filter(~alone))])
        .filter(pl.col("until") > pl.col("since"))
        .sort("customer", "day", "since")
    )


def _merged(days: pl.DataFrame) -> pl.DataFrame:
    """The spans of each customer's order day that meet, as one."""
    by = ["customer", "day"]
    spans = days.sort(*by, "since").with_columns(reach=pl.col("until").cum_max().shift(1).over(by))
    spans = spans.with_columns(part=(pl.col("since") > pl.col("reach")).fill_null(False).cum_sum().over(by))
    return spans.group_by(*by, "part").agg(pl.col("since").min(), pl.col("until").max()).select(days.columns)
