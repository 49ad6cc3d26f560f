"""Sums over any window of any customer's days: each table is added up once, then every cut-off reads two positions.

A ledger holds one row per customer and day, sorted, with running totals. What happened in the days (a, b] of a customer
is a difference of two running totals, so a dozen cut-offs with a dozen windows each cost one pass over the rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta

import numpy as np
import numpy.typing as npt
import polars as pl

from analytics import reductions
from analytics.dataset import Dataset

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_EPOCH = date(1970, 1, 1)
MOST_EVENT_TYPES = 6  # the most frequent ones are also counted by themselves
MOST_REASONS = 5  # of contacts, likewise
MOST_LEVELS = 8  # of what the latest order was like
BEFORE_ALL = -(1 << 20)  # a day before every row


def day_number(day: date) -> int:
    """Days since 1970-01-01."""
    return (day - _EPOCH).days


def as_date(day: int) -> date:
    """The date of a day number."""
    return _EPOCH + timedelta(days=day)


@dataclass(slots=True)
class Ledger:
    """Rows of one kind, one per customer (position) and day, sorted; ``totals`` run over them and begin with 0.

    ``codes``: column -> (position in its levels by row, -1 for none of them; the levels).
    """

    n_customers: int
    first_day: int
    last_day: int
    days: Ints
    keys: Ints
    starts: Ints
    totals: Mapping[str, Floats]
    codes: Mapping[str, tuple[Ints, tuple[str, ...]]] = field(default_factory=dict)
    _found: dict[int, Ints] = field(default_factory=dict)

    @classmethod
    def of(cls, daily: pl.DataFrame, n_customers: int) -> Ledger:
        """From customer (position), day (day number) and any columns to be added up; rows of a day are added.

        Of a String column a day has its first value in alphabetical order, as the position among the most frequent.
        """
        texts = [name for name, dtype in daily.schema.items() if dtype == pl.String]
        sums = [name for name in daily.columns if name not in ("customer", "day", *texts)]
        rows = daily.lazy().group_by("customer", "day").agg(pl.col(sums).sum(), pl.col(texts).drop_nulls().min())
        daily = rows.sort("customer", "day").collect()
        customer = daily["customer"].cast(pl.Int64).to_numpy()
        days = daily["day"].cast(pl.Int64).to_numpy()
        first, last = (int(days.min()), int(days.max())) if len(days) else (0, 0)
        span = last - first + 2
        totals = {"n_days": np.arange(len(days) + 1, dtype=np.float64)}
        for name in sums:
            totals[name] = np.concatenate([[0.0], np.cumsum(daily[name].cast(pl.Float64).to_numpy())])
        starts = np.searchsorted(customer, np.arange(n_customers))
        codes = {name: _coded(daily[name]) for name in texts}
        return cls(n_customers, first, last, days, customer * span + (days - first + 1), starts, totals, codes)

    def upto(self, day: int) -> Ints:
        """Position after each customer's last row on or before ``day``."""
        at = min(max(day - self.first_day + 1, 0), self.last_day - self.first_day + 1)
        if at not in self._found:
            if len(self._found) > 400:
                self._found.clear()
            wanted = np.arange(self.n_customers) * (self.last_day - self.first_day + 2) + at
            self._found[at] = np.searchsorted(self.keys, wanted, side="right")
        return self._found[at]

    def forget(self) -> None:
        """Let go of the positions found so far."""
        self._found.clear()

    def between(self, name: str, after: int, until: int) -> Floats:
        """Sum over the days ``after`` < day <= ``until``, per customer."""
        total = self.totals[name]
        summed: Floats = total[self.upto(until)] - total[self.upto(after)]
        return summed

    def ever(self, name: str, until: int) -> Floats:
        """Sum over all days up to ``until``."""
        total = self.totals[name]
        summed: Floats = total[self.upto(until)] - total[self.starts]
        return summed

    def last(self, until: int, back: int = 0) -> Floats:
        """Day of the last row on or before ``until`` (or of the ``back``-th before it), NaN where there is none."""
        at = self.upto(until) - 1 - back
        found = at >= self.starts
        return np.where(found, self.days[np.maximum(at, 0)] if len(self.days) else 0, np.nan)

    def first(self, until: int) -> Floats:
        """Day of each customer's first row, NaN where it is after ``until``."""
        found = self.upto(until) > self.starts
        at = np.minimum(self.starts, max(len(self.days) - 1, 0))
        return np.where(found, self.days[at] if len(self.days) else 0, np.nan)

    def latest(self, name: str, until: int) -> Ints:
        """The code of each customer's last row on or before ``until``, -1 where there is none."""
        at = self.upto(until) - 1
        codes = self.codes[name][0]
        return np.where(at >= self.starts, codes[np.maximum(at, 0)], -1) if len(codes) else np.full(len(at), -1)

    def on_last(self, name: str, until: int, back: int = 0) -> Floats:
        """The sum of the last day with a row on or before ``until`` (or of the ``back``-th before it), else NaN."""
        at = self.upto(until) - 1 - back
        found = at >= self.starts
        at = np.maximum(at, 0)
        total = self.totals[name]
        return np.where(found, np.diff(total)[at] if len(self.days) else 0, np.nan)


@dataclass(slots=True)
class Ledgers:
    """All dated tables of the known customers, added up by day.

    ``ids``: customers by position, sorted. ``joined``, ``left``: day numbers, NaN where unknown or not left.
    """

    ids: pl.Series
    joined: Floats
    left: Floats
    orders: Ledger | None
    events: Ledger | None
    event_types: tuple[str, ...]
    contacts: Ledger | None
    feedback: Ledger | None
    campaigns: Ledger | None
    money_scale: int

    @property
    def first_day(self) -> int:
        """Of all rows (of the joining dates where there are no rows)."""
        days = [ledger.first_day for ledger in self.dated() if len(ledger.days)]
        joined = self.joined[np.isfinite(self.joined)]
        return min(days) if days else int(joined.min()) if len(joined) else 0

    def dated(self) -> list[Ledger]:
        """Those that are there."""
        found = (self.orders, self.events, self.contacts, self.feedback, self.campaigns)
        return [ledger for ledger in found if ledger is not None]

    def first_seen(self, until: int) -> Floats:
        """Joining day, else the day of the first row, NaN where both are later."""
        firsts = [np.where(self.joined <= until, self.joined, np.nan)]
        firsts += [ledger.first(until) for ledger in (self.orders, self.events) if ledger is not None]
        joined = firsts[0]
        with np.errstate(all="ignore"):
            seen = np.fmin.reduce(firsts)
        return np.where(np.isfinite(self.joined), joined, seen)

    def last_seen(self, until: int) -> Floats:
        """Day of the last order or event, NaN where there is none."""
        lasts = [ledger.last(until) for ledger in (self.orders, self.events) if ledger is not None]
        return np.fmax.reduce(lasts) if lasts else np.full(len(self.ids), np.nan)


def _coded(values: pl.Series) -> tuple[Ints, tuple[str, ...]]:
    """Positions among the most frequent values (ties by name), -1 for others and for none."""
    counted = values.drop_nulls().value_counts(name="n").sort(["n", values.name], descending=[True, False])
    levels = tuple(counted[values.name].head(MOST_LEVELS))
    places = {level: i for i, level in enumerate(levels)}
    codes = values.replace_strict(places, default=-1, return_dtype=pl.Int64) if places else None
    return (np.full(len(values), -1) if codes is None else codes.fill_null(-1).to_numpy()), levels


def read_ledgers(dataset: Dataset, until: date | None = None) -> Ledgers:
    """Every table up to the end of ``until`` (the data's as-of day), by customer and day."""
    end = min(until or dataset.as_of, dataset.as_of)
    ids = _ids(dataset)
    joined, left = np.full(len(ids), np.nan), np.full(len(ids), np.nan)
    held = dataset.tables.get("customers")
    if held is not None and "customer_id" in held.columns:
        one = held.filter(pl.col("customer_id").is_not_null()).unique("customer_id", keep="first", maintain_order=True)
        at = one["customer_id"].cast(pl.Enum(ids)).to_physical().to_numpy()
        for name, days in (("joined_at", joined), ("left_at", left)):
            if name in one.columns:
                days[at] = one[name].cast(pl.Date).to_physical().cast(pl.Float64).fill_null(np.nan).to_numpy()
    left[left > day_number(end)] = np.nan
    types: tuple[str, ...] = ()
    events = None
    if dataset.has("events.customer_id", "events.occurred_at"):
        rows, types = _events(dataset, ids, end)
        events = Ledger.of(rows, len(ids)) if rows.height else None
    return Ledgers(
        ids=ids,
        joined=joined,
        left=left,
        orders=_orders(dataset, ids, end),
        events=events,
        event_types=types,
        contacts=_contacts(dataset, ids, end),
        feedback=_feedback(dataset, ids, end),
        campaigns=_campaigns(dataset, ids, end),
        money_scale=10**dataset.money_digits,
    )


def _ids(dataset: Dataset) -> pl.Series:
    parts = []
    for name in ("customers", "transactions", "events"):
        frame = dataset.tables.get(name)
        if frame is not None and "customer_id" in frame.columns:
            given = frame["customer_id"].drop_nulls()
            parts.append(given.rle().struct.field("value").unique() if given.is_sorted() else given.unique())
    if not parts:
        return pl.Series("customer_id", [], pl.String)
    return pl.concat([part.alias("customer_id").cast(pl.String) for part in parts]).unique().sort()


def _rows(dataset: Dataset, table: str, time: str, ids: pl.Series, end: date) -> pl.LazyFrame:
    """Rows of known customers up to the end of a day, with customer (position) and day (day number)."""
    frame = dataset.tables[table].lazy()
    day = pl.col(time).dt.epoch("d").cast(pl.Int64)
    at = pl.col("customer_id").cast(pl.Enum(ids), strict=False).to_physical().cast(pl.Int64)
    known = frame.filter(pl.col("customer_id").is_not_null(), pl.col(time).is_not_null())
    placed = known.with_columns(day=day, customer=at).filter(pl.col("day") <= day_number(end))
    return placed.filter(pl.col("customer").is_not_null())


def _events(dataset: Dataset, ids: pl.Series, end: date) -> tuple[pl.DataFrame, tuple[str, ...]]:
    held = dataset.tables["events"].columns
    sums = [pl.len().alias("n_events")]
    types: tuple[str, ...] = ()
    if dataset.has("events.event"):
        kinds = _rows(dataset, "events", "occurred_at", ids, end).group_by("event").len().collect()
        kinds = kinds.drop_nulls().sort(["len", "event"], descending=[True, False])
        types = tuple(str(name) for name in kinds["event"].head(MOST_EVENT_TYPES)) if kinds.height > 1 else ()
        sums += [(pl.col("event") == name).sum().alias(f"type_{i}") for i, name in enumerate(types)]
    if dataset.has("events.duration_s"):
        # Whole seconds: sums of integers do not depend on the order of rows.
        sums.append((pl.col("duration_s").fill_null(0).clip(0, 86_400)).cast(pl.Int64).sum().alias("seconds"))
    needed = {"customer_id", "occurred_at", "event", "duration_s"} & set(held)
    rows = _rows(dataset, "events", "occurred_at", ids, end).select("customer", "day", *sorted(needed))
    return rows.group_by("customer", "day").agg(sums).collect(), types


def _orders(dataset: Dataset, ids: pl.Series, end: date) -> Ledger | None:
    """Orders as they were placed, and what was sent back on the day it came back: no later cancellation is known."""
    if not dataset.has("transactions.customer_id", "transactions.ordered_at"):
        return None
    lines = (
        reductions.project(dataset)
        .to_native()
        .filter(pl.col("customer_id").is_not_null(), pl.col("day") <= day_number(end))
    )
    at = pl.col("customer_id").cast(pl.Enum(ids)).to_physical().cast(pl.Int64)
    lines = lines.with_columns(customer=at, day=pl.col("day").cast(pl.Int64))
    held = dataset.tables["transactions"]
    found = [name for name in ("product", "payment_method", "channel") if dataset.has(f"transactions.{name}")]
    likes = [name for name in found if name != "product" and 1 < held[name].n_unique() <= 30]
    if "product" in found and 1 < held["product"].n_unique() <= MOST_LEVELS:
        lines = lines.with_columns(product=pl.col("product_id")) if "product_id" in lines.collect_schema() else lines
        likes += ["product"]
    likes = [name for name in likes if name in lines.collect_schema().names()]
    placed = (
        lines.filter(pl.col("is_sale") == 1)
        .group_by("customer", "order_id")
        .agg(pl.col("day").min(), pl.col("amount").sum(), pl.col(likes).cast(pl.String).drop_nulls().min())
        .group_by("customer", "day")
        .agg(pl.col(likes).drop_nulls().min(), n_orders=pl.len().cast(pl.Int64), amount=pl.col("amount").sum())
    )
    daily = placed.collect()
    return Ledger.of(daily, len(ids)) if daily.height else None


def _contacts(dataset: Dataset, ids: pl.Series, end: date) -> Ledger | None:
    if not dataset.has("contacts.customer_id", "contacts.contacted_at"):
        return None
    rows = _rows(dataset, "contacts", "contacted_at", ids, end)
    columns = {"n": pl.lit(1, pl.Int64)}
    if dataset.has("contacts.resolved"):
        columns["open"] = (~pl.col("resolved")).fill_null(False).cast(pl.Int64)
    if dataset.has("contacts.wait_s"):
        columns["wait_s"] = pl.col("wait_s").fill_null(0).cast(pl.Int64)
    reasons: tuple[str, ...] = ()
    if dataset.has("contacts.reason"):
        counted = rows.group_by("reason").len().collect().drop_nulls().sort(["len", "reason"], descending=[True, False])
        reasons = tuple(str(reason) for reason in counted["reason"].head(MOST_REASONS))
        columns |= {f"of: {reason}": (pl.col("reason") == reason).cast(pl.Int64) for reason in reasons}
    found = rows.select("customer", "day", **columns).collect()
    return Ledger.of(found, len(ids)) if found.height else None


def _feedback(dataset: Dataset, ids: pl.Series, end: date) -> Ledger | None:
    if not dataset.has("feedback.customer_id", "feedback.written_at", "feedback.rating"):
        return None
    rows = _rows(dataset, "feedback", "written_at", ids, end).filter(pl.col("rating").is_not_null())
    found = rows.select("customer", "day", n=pl.lit(1, pl.Int64), rating=pl.col("rating").cast(pl.Float64)).collect()
    return Ledger.of(found, len(ids)) if found.height else None


def _campaigns(dataset: Dataset, ids: pl.Series, end: date) -> Ledger | None:
    if not dataset.has("campaigns.customer_id", "campaigns.sent_at"):
        return None
    # Whether somebody responded is known later than the day it was sent: only the sending is counted.
    rows = _rows(dataset, "campaigns", "sent_at", ids, end)
    found = rows.select("customer", "day", n=pl.lit(1, pl.Int64)).collect()
    return Ledger.of(found, len(ids)) if found.height else None
