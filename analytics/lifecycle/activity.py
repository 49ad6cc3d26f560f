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
_SPANS = pl.Schema({"customer": pl.UInt32, "day": pl.Int32, "since": pl.Int32, "until": pl.Int32})
_WIDTH = 1 << 32  # of a day beside a customer in one whole number
_PARTS = pl.Schema(
    {
        "who": pl.UInt64,
        "order": pl.UInt64,
        "day": pl.Int32,
        "row": pl.UInt32,
        "amount": pl.Int64,
        "is_sale": pl.Boolean,
    }
)
_LINES = pl.Schema({"who": pl.UInt64, "order": pl.UInt64, "day": pl.Int32, "until": pl.Int32})
_NOBODY = pl.DataFrame(schema={"who": pl.UInt64, "row": pl.UInt32, "customer_id": pl.String})
_NO_LINES = pl.DataFrame(schema={"customer_id": pl.String, "ordered_at": pl.Datetime("us")})


@dataclass(frozen=True, slots=True, eq=False)
class Activity:
    """What is known up to the as-of date, compact: customers are positions in ``ids``, days are days since 1970.

    ``purchases``: customer, day, since, until (the order day is known, and stands, from ``since`` to the day before
    ``until``), sorted; two rows of one order day never hold on the same day.
    ``amounts``: customer, day, amount (minor units), sorted by day alone; None without amounts.
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

    def ended(self) -> Days:
        """The day on which each left for good: ``NEVER`` for who paid again since."""
        last = np.full(len(self.ids), np.iinfo(np.int32).min, np.int32)
        standing = self.purchases.filter(pl.col("until") == NEVER)
        last[standing["customer"].to_numpy()] = standing["day"].to_numpy()
        ended: Days = np.where(last > self.left, np.int32(NEVER), self.left)
        return ended


def read_activity(dataset: Dataset, kind: Kind = "orders") -> tuple[Activity, list[Caveat]]:
    """The compact activity up to ``dataset.as_of``, and what there is to say about the rows."""
    subscribed = kind == "subscription"
    if subscribed and not dataset.has("transactions.customer_id", "transactions.ordered_at"):
        raw = _NO_LINES
        dataset.table("customers", "customer_id", "joined_at")
    else:
        raw = dataset.table("transactions", "customer_id", "ordered_at")
    goods = pl.lit(True) if subscribed or "kind" not in raw.columns else pl.col("kind") != "service"
    lines = raw.lazy().filter(goods.fill_null(True), pl.col("ordered_at").dt.date() <= dataset.as_of)
    sale = pl.col("kind") == "sale" if "kind" in raw.columns else pl.lit(True)
    known_id, has_amount = pl.col("customer_id").is_not_null(), "amount" in raw.columns
    n_known, n_lines, n_anonymous, n_priced, first_line = (
        lines.select(
            known_id.sum().alias("known"),
            sale.sum() if "kind" in raw.columns else pl.len(),
            (sale & ~known_id).sum().alias("anonymous"),
            (pl.col("amount").is_not_null() & known_id).sum().alias("priced") if has_amount else pl.lit(0),
            pl.col("ordered_at").filter(known_id).min(),
        )
        .collect()
        .row(0)
    )
    known, n_undated = _known(dataset, subscribed)
    if not n_known and (not subscribed or known["known"].count() == 0):
        raise AnalysisError("lifecycle_no_orders", as_of=dataset.as_of.isoformat())
    parts = _parts(raw, goods, dataset.as_of)
    dated = known.filter(pl.col("known").is_not_null())["customer_id"]
    # Customers are told apart by a hash until few rows are left: strings cost more than all else here.
    there = parts.group_by("who").agg(pl.col("row").min()).sort("row")
    there = there.with_columns(raw["customer_id"].gather(there["row"])) if there.height else _NOBODY
    ids = pl.concat([there["customer_id"], dated]).unique() if len(dated) else there["customer_id"]
    ids = ids.sort()
    index = pl.DataFrame({"customer_id": ids}).with_row_index("customer")
    parts = parts.join(there.join(index, on="customer_id").select("who", "customer"), on="who")
    dates = index.join(known, on="customer_id", how="left", maintain_order="left").fill_null(NEVER)
    amounts = None
    if n_priced:
        at = (pl.col("day").cast(pl.Int64) * _WIDTH + pl.col("customer")).alias("at")
        sums = parts.group_by(at).agg(pl.col("amount").sum()).sort("at")
        amounts = sums.select(
            (pl.col("at") % _WIDTH).cast(pl.UInt32).alias("customer"),
            (pl.col("at") // _WIDTH).cast(pl.Int32).alias("day"),
            "amount",
        )
    purchases = _purchases(raw, parts.filter("is_sale"), index, dataset.as_of)
    uses = _uses(dataset, index) if subscribed else None
    joined = dates["known"].to_numpy()
    first_day = NEVER if first_line is None else (first_line.date() - EPOCH).days
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


def _parts(raw: pl.DataFrame, goods: pl.Expr, as_of: date) -> pl.DataFrame:
    """One row per order and day of a known customer: who, order (hashes), day, row (its first), amount, is_sale.

    Two customers, or orders, share a hash by a chance of one in 2 ** 64.
    """
    if "customer_id" not in raw.columns or not raw.height:
        return pl.DataFrame(schema=_PARTS)
    amount = pl.col("amount") if "amount" in raw.columns else pl.lit(None, pl.Int64)
    kept = goods.fill_null(True) & pl.col("customer_id").is_not_null() & (pl.col("ordered_at").dt.date() <= as_of)
    each = raw.lazy().with_row_index("row").filter(kept)
    each = each.select("row", **_keys(raw), amount=amount, is_sale=is_sale(raw)).with_columns(
        key=pl.col("order") ^ pl.col("day").hash(5)
    )
    sums = each.group_by("key").agg(
        pl.col("who", "order", "day", "row").min(),
        pl.col("amount").sum().cast(pl.Int64),
        pl.col("is_sale").max(),
    )
    return sums.select(_PARTS.names()).cast(_PARTS).collect()


def _keys(raw: pl.DataFrame) -> dict[str, pl.Expr]:
    """who, order (hashes) and day of each line."""
    number = pl.col("order_id") if "order_id" in raw.columns else pl.lit(None, pl.String)
    day = pl.col("ordered_at").dt.epoch("d").cast(pl.Int32)
    order = pl.when(number.is_null()).then(day.hash(2)).otherwise(number.hash(1))
    who = pl.col("customer_id").hash(3)
    return {"who": who, "order": order ^ who, "day": day}


def _purchases(raw: pl.DataFrame, parts: pl.DataFrame, index: pl.DataFrame, as_of: date) -> pl.DataFrame:
    """customer, day, since, until: the order days, and the days on which they stand (``NEVER``: they still do)."""
    # All lines of the orders of which something was undone.
    told = undone_lines(raw).select("row", "until")
    lines = pl.DataFrame(schema=_LINES)
    if told.height:
        lines = raw[told["row"]].select(**_keys(raw), until=told["until"]).filter(pl.col("day") <= (as_of - EPOCH).days)
    touched = lines.select(pl.col("order").unique())
    orders = parts.select("order", "customer", "day")
    if orders["order"].n_unique() < orders.height:  # some have lines on several days
        orders = orders.group_by("order").agg(pl.col("customer").min(), pl.col("day").min())
    whole = _distinct(orders.join(touched, on="order", how="anti") if touched.height else orders)
    spans = pl.DataFrame(schema=_SPANS)
    if touched.height:
        # An order may have been undone before its later lines came: it stood in parts. Beside one that never was, on
        # the same day, that does not matter.
        mine = parts.join(touched, on="order", how="semi")
        firsts = mine.group_by("order").agg(pl.col("customer").min(), first=pl.col("day").min())
        spans = (
            lines.join(firsts, on="order")
            .select("customer", day="first", since="day", until="until")
            .join(whole, on=["customer", "day"], how="anti")
        )
    days = pl.concat([whole.select("customer", "day", since="day", until=pl.lit(NEVER, pl.Int32)), _merged(spans)])
    days = days.filter(pl.col("until") > pl.col("since"))
    # What stood all along is in order already.
    return days.sort("customer", "day", "since") if days.height > whole.height else days


def _distinct(days: pl.DataFrame) -> pl.DataFrame:
    """Each customer and day once, in their order: as one whole number, which sorts four times as fast."""
    at = days.select(at=pl.col("customer").cast(pl.Int64) * _WIDTH + pl.col("day") + _WIDTH // 2)["at"].sort()
    each = pl.DataFrame({"at": at}).filter((pl.col("at") != pl.col("at").shift(1)).fill_null(True))
    return each.select(
        (pl.col("at") // _WIDTH).cast(pl.UInt32).alias("customer"),
        (pl.col("at") % _WIDTH - _WIDTH // 2).cast(pl.Int32).alias("day"),
    )


def _merged(spans: pl.DataFrame) -> pl.DataFrame:
    """The spans of each customer's order day that meet, as one."""
    by = ["customer", "day"]
    spans = spans.sort(*by, "since").with_columns(reach=pl.col("until").cum_max().shift(1).over(by))
    spans = spans.with_columns(part=(pl.col("since") > pl.col("reach")).fill_null(False).cum_sum().over(by))
    merged = spans.group_by(*by, "part").agg(pl.col("since").min(), pl.col("until").max())
    return merged.select(*by, "since", "until").cast(_SPANS)
