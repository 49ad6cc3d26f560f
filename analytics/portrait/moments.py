"""What happened to the customer and when: orders, returns, visits, contacts, feedback, campaigns, surveys."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import polars as pl

from analytics.dataset import Dataset
from analytics.portrait.rows import is_text, standing_sales
from analytics.portrait.spec import PortraitSpec, Rhythm
from analytics.privacy.pseudonyms import scrub

LEAST_GAPS = 3
ENOUGH = 3  # orders from which on a share may be called a habit
_NAMED = 3  # products an order is told by
_MOMENTS = pl.Schema(
    {
        "lane": pl.String(),
        "at": pl.Datetime("us"),
        "value": pl.Float64(),
        "n": pl.Int64(),
        "what": pl.String(),
        "detail": pl.String(),
    }
)
_TEXTS = pl.Schema(
    {"at": pl.Datetime("us"), "table": pl.String(), "what": pl.String(), "value": pl.Float64(), "text": pl.String()}
)
_HABITS = pl.Schema(
    {
        "kind": pl.String(),
        "level": pl.String(),
        "n": pl.Int64(),
        "n_of": pl.Int64(),
        "share": pl.Float64(),
        "known": pl.Boolean(),
    }
)
_CAMPAIGNS = pl.Schema(
    {
        "at": pl.Datetime("us"),
        "campaign": pl.String(),
        "channel": pl.String(),
        "arm": pl.String(),
        "responded": pl.Boolean(),
        "revenue": pl.Float64(),
    }
)


def tell_moments(mine: Dataset, orders: pl.DataFrame, spec: PortraitSpec) -> pl.DataFrame:
    """All lanes in time order."""
    parts = [_ordered(mine, orders), _returned(mine), _visits(mine, spec), *_said(mine)]
    return pl.concat([pl.DataFrame(schema=_MOMENTS), *parts]).sort("at", "lane", "what", nulls_last=True)


def read_orders(mine: Dataset, priced: bool) -> pl.DataFrame:
    """order, at, amount (minor units, null without amounts), n, products (String) of the customer's orders.

    ``priced``: whether the data have amounts at all, not this customer's alone.
    """
    schema = pl.Schema(
        {
            "order": pl.String(),
            "at": pl.Datetime("us"),
            "amount": pl.Int64(),
            "n": pl.Int64(),
            "products": pl.String(),
        }
    )
    if not mine.has("transactions.ordered_at"):
        return pl.DataFrame(schema=schema)
    lines = standing_sales(mine.tables["transactions"])
    named = next((name for name in ("product", "product_id", "category") if name in lines.columns), None)
    lines = lines.sort(*(["amount"] if priced else []), "ordered_at", descending=True)
    return (
        lines.group_by(order=order_key(lines), maintain_order=True)
        .agg(
            at=pl.col("ordered_at").min().cast(pl.Datetime("us")),
            amount=pl.col("amount").sum() if priced else pl.lit(None, pl.Int64),
            n=pl.len().cast(pl.Int64),
            products=pl.lit(None, pl.String)
            if named is None
            else pl.col(named).drop_nulls().unique(maintain_order=True).head(_NAMED).str.join(", "),
        )
        .sort("at", "order")
        .cast(schema)
    )


def order_key(lines: pl.DataFrame) -> pl.Expr:
    """What tells one order from another: its id, else its day."""
    day = pl.col("ordered_at").dt.date().cast(pl.String)
    return pl.coalesce(pl.col("order_id").cast(pl.String), day) if "order_id" in lines.columns else day


def _ordered(mine: Dataset, orders: pl.DataFrame) -> pl.DataFrame:
    return orders.select(
        lane=pl.lit("orders"),
        at="at",
        value=mine.money("amount").cast(pl.Float64),
        n="n",
        what=pl.lit(None, pl.String),
        detail="products",
    )


def _returned(mine: Dataset) -> pl.DataFrame:
    if not mine.has("transactions.ordered_at", "transactions.kind"):
        return pl.DataFrame(schema=_MOMENTS)
    back = mine.tables["transactions"].filter(
        pl.col("kind").is_in(["return", "cancellation"]) & pl.col("ordered_at").is_not_null()
    )
    amount = mine.money("amount").sum() if mine.has("transactions.amount") else pl.lit(None, pl.Float64)
    return (
        back.group_by("kind", day=pl.col("ordered_at").dt.date())
        .agg(at=pl.col("ordered_at").min().cast(pl.Datetime("us")), value=amount, n=pl.len().cast(pl.Int64))
        .select(pl.lit("returns").alias("lane"), "at", "value", "n", what="kind", detail=pl.lit(None, pl.String))
        .cast(_MOMENTS)
    )


def _visits(mine: Dataset, spec: PortraitSpec) -> pl.DataFrame:
    """Visits of each week: value visits, n events."""
    if not mine.has("events.occurred_at"):
        return pl.DataFrame(schema=_MOMENTS)
    at = pl.col("occurred_at").cast(pl.Datetime("us"))
    events = mine.tables["events"].filter(at.is_not_null()).select(at=at).sort("at")
    begins = (pl.col("at").diff() > timedelta(minutes=spec.gap_minutes)).fill_null(True)
    return (
        events.with_columns(begins=begins)
        .group_by(week=pl.col("at").dt.truncate("1w"))
        .agg(value=pl.col("begins").sum().cast(pl.Float64), n=pl.len().cast(pl.Int64))
        .select(
            pl.lit("visits").alias("lane"),
            pl.col("week").alias("at"),
            "value",
            "n",
            what=pl.lit(None, pl.String),
            detail=pl.lit(None, pl.String),
        )
        .cast(_MOMENTS)
    )


def _said(mine: Dataset) -> list[pl.DataFrame]:
    """One moment a row of the tables that hold such."""
    lanes = (
        ("contacts", "contacts", "contacted_at", "resolved", "reason", "channel"),
        ("feedback", "feedback", "written_at", "rating", "source", "language"),
        ("campaigns", "campaigns", "sent_at", "responded", "campaign", "channel"),
        ("survey", "survey", "answered_at", "", "", ""),
    )
    found = []
    for lane, table, time, value, what, detail in lanes:
        if not mine.has(f"{table}.{time}"):
            continue
        frame = mine.tables[table]
        text = {
            name: pl.col(column).cast(pl.String) if column in frame.columns else pl.lit(None, pl.String)
            for name, column in (("what", what), ("detail", detail))
        }
        found.append(
            frame.filter(pl.col(time).is_not_null()).select(
                lane=pl.lit(lane),
                at=pl.col(time).cast(pl.Datetime("us")),
                value=pl.col(value).cast(pl.Float64) if value in frame.columns else pl.lit(None, pl.Float64),
                n=pl.lit(1, pl.Int64),
                **text,
            )
        )
    return found


def read_texts(mine: Dataset) -> pl.DataFrame:
    """What the customer wrote, latest first, every identifier in it replaced by its kind in brackets."""
    found = []
    for table, time, what, value in (
        ("feedback", "written_at", "source", "rating"),
        ("contacts", "contacted_at", "reason", ""),
        ("survey", "answered_at", "", ""),
    ):
        frame = mine.tables.get(table)
        if frame is None or not mine.has(f"{table}.{time}"):
            continue
        named = ["text"] if "text" in frame.columns else []
        if table == "survey":
            named = [name for name, dtype in frame.schema.items() if dtype == pl.String and _is_answer(frame, name)]
        for name in named:
            part = frame.filter(pl.col(name).is_not_null() & (pl.col(name).str.strip_chars() != ""))
            if part.is_empty():
                continue
            found.append(
                part.select(
                    at=pl.col(time).cast(pl.Datetime("us")),
                    table=pl.lit(table),
                    what=pl.col(what).cast(pl.String) if what in frame.columns else pl.lit(name),
                    value=pl.col(value).cast(pl.Float64) if value in frame.columns else pl.lit(None, pl.Float64),
                    text=scrub(part[name]),
                )
            )
    return pl.concat([pl.DataFrame(schema=_TEXTS), *found]).sort("at", "table", "text", descending=True)


def _is_answer(frame: pl.DataFrame, name: str) -> bool:
    """A survey column of sentences, not of choices."""
    if name == "customer_id" or not is_text("survey", name):
        return False
    given = frame[name].drop_nulls()
    return len(given) > 0 and bool((given.str.contains(r"\s|\p{Han}{4}") & ~given.str.contains(";")).any())


def read_campaigns(mine: Dataset) -> pl.DataFrame:
    """The campaigns that reached the customer, or would have (arm), latest first."""
    frame = mine.tables.get("campaigns")
    if frame is None or not mine.has("campaigns.sent_at"):
        return pl.DataFrame(schema=_CAMPAIGNS)
    held = {name: pl.col(name) if name in frame.columns else pl.lit(None) for name in _CAMPAIGNS}
    held["at"] = pl.col("sent_at")
    if "revenue" in frame.columns:
        held["revenue"] = mine.money("revenue")
    return frame.select(**held).cast(_CAMPAIGNS).sort("at", "campaign", descending=True)


def read_gaps(orders: pl.DataFrame) -> pl.DataFrame:
    """day, days: each order day after the first, and the days since the one before."""
    days = orders.select(day=pl.col("at").dt.date()).unique().sort("day")
    return days.with_columns(days=pl.col("day").diff().dt.total_days().cast(pl.Int64)).drop_nulls()


def measure_rhythm(orders: pl.DataFrame, gaps: pl.DataFrame, as_of: date) -> Rhythm | None:
    """The present silence against the customer's own gaps; no model: a rank among what this customer did before."""
    if orders.is_empty():
        return None
    last: datetime = orders["at"].max()  # type: ignore[assignment]  # a scalar: Polars types any literal
    silence = (as_of - last.date()).days
    days = gaps["days"]
    n_shorter = int((days < silence).sum())
    if len(days) < LEAST_GAPS:
        return Rhythm("unknown", len(days), n_shorter, silence, None, None, None, None, None, None)
    median, low, high = (float(days.quantile(q, "linear") or 0) for q in (0.5, 0.25, 0.75))
    longest = int(days.max())  # type: ignore[arg-type]  # a scalar: Polars types any literal
    state = "on_time" if silence <= median else "late" if silence <= longest else "overdue"
    due = (last.date() + timedelta(days=round(low)), last.date() + timedelta(days=round(high)))
    return Rhythm(state, len(days), n_shorter, silence, median, low, high, longest, *due)  # type: ignore[arg-type]  # one of the literals, by the lines above


def read_habits(mine: Dataset) -> pl.DataFrame:
    """What the orders are made of: categories, brands and products, channels and payment methods.

    Shares are of the orders that say something of the kind; an order of two categories holds both.
    """
    if not mine.has("transactions.ordered_at"):
        return pl.DataFrame(schema=_HABITS)
    lines = standing_sales(mine.tables["transactions"])
    lines = lines.with_columns(order=order_key(lines))
    found = []
    for kind in ("category", "brand", "product", "channel", "payment_method"):
        if kind not in lines.columns:
            continue
        pairs = lines.select("order", level=pl.col(kind).cast(pl.String)).drop_nulls().unique()
        n_orders = pairs["order"].n_unique()
        found.append(
            pairs.group_by("level")
            .agg(n=pl.len().cast(pl.Int64))
            .sort("n", "level", descending=[True, False])
            .select(
                kind=pl.lit(kind),
                level="level",
                n="n",
                n_of=pl.lit(n_orders, pl.Int64),
                share=pl.col("n") / n_orders,
                known=pl.lit(n_orders >= ENOUGH),
            )
        )
    return pl.concat([pl.DataFrame(schema=_HABITS), *found])
