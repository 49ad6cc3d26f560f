"""Who bought on which day, and what a model would have seen of it at the end of any day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import numpy.typing as npt
import polars as pl

from analytics import reductions
from analytics.dataset import Dataset
from analytics.errors import AnalysisError
from analytics.value.clock import Clock

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
EPOCH = date(1970, 1, 1)


@dataclass(frozen=True, slots=True, eq=False)
class Purchases:
    """Purchase days of known customers up to ``until``.

    Attributes
    ----------
    ids : customer_id, sorted. ``row`` numbers its positions.
    row, day : one entry per customer and day (days since 1970-01-01), sorted by row, then day.
    amount : minor units spent on that day; None without amounts.
    scale : minor units in a whole one.
    until : the last day that was seen, days since 1970-01-01.
    """

    ids: pl.Series
    row: Ints
    day: Ints
    amount: Ints | None
    scale: int
    until: int

    @property
    def first_day(self) -> int:
        return int(self.day.min())

    def between(self, after: int, until: int) -> Ints:
        """Purchase days of each customer in (after, until]."""
        inside = (self.day > after) & (self.day <= until)
        return np.bincount(self.row[inside], minlength=len(self.ids))

    def spent(self, after: int, until: int) -> Floats:
        """Whole currency units that each customer spent in (after, until]; NaN without amounts."""
        if self.amount is None:
            return np.full(len(self.ids), np.nan)
        inside = (self.day > after) & (self.day <= until)
        return _summed(self.row[inside], self.amount[inside], len(self.ids)) / self.scale


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """The customers who had bought by the end of day ``until``, as a model sees them.

    Attributes
    ----------
    row : positions in ``Purchases.ids``.
    first, last : days since 1970-01-01 of the first and the last purchase by then.
    x : repeats. mean_value : mean of the repeat days' values, NaN without one; None without amounts.
    t_x, T : of the models, on ``clock`` (see ``Clock``).
    until : days since 1970-01-01. unit_days : days in a unit of t_x and T.
    """

    row: Ints
    first: Ints
    last: Ints
    x: Ints
    mean_value: Floats | None
    t_x: Floats
    T: Floats
    until: int
    clock: Clock

    def on(self, clock: Clock) -> Seen:
        """The same customers on another clock."""
        return _timed(self.row, self.first, self.last, self.x, self.mean_value, self.until, clock)

    def take(self, chosen: npt.NDArray[np.int64] | npt.NDArray[np.bool_]) -> Seen:
        """Some of the customers."""
        return Seen(
            self.row[chosen],
            self.first[chosen],
            self.last[chosen],
            self.x[chosen],
            None if self.mean_value is None else self.mean_value[chosen],
            self.t_x[chosen],
            self.T[chosen],
            self.until,
            self.clock,
        )


def look(purchases: Purchases, until: int, clock: Clock) -> Seen:
    """What a model sees at the end of day ``until``: later purchases do not exist."""
    known = purchases.day <= until
    row, day = purchases.row[known], purchases.day[known]
    starts = np.flatnonzero(np.diff(row, prepend=-1))
    ends = np.append(starts[1:], len(row)) - 1
    x = ends - starts
    mean_value = None
    if purchases.amount is not None:
        amount = purchases.amount[known].astype(np.float64)
        amount[starts] = 0.0
        sums = np.add.reduceat(amount, starts) if len(starts) else np.zeros(0)
        mean_value = np.where(x > 0, sums / np.maximum(x, 1) / purchases.scale, np.nan)
    return _timed(row[starts], day[starts], day[ends], x, mean_value, until, clock)


def _timed(row: Ints, first: Ints, last: Ints, x: Ints, mean_value: Floats | None, until: int, clock: Clock) -> Seen:
    t_x, T = clock.between(first, last), clock.between(first, until)
    return Seen(row, first, last, x, mean_value, t_x, T, until, clock)


def _summed(row: Ints, amount: Ints, n: int) -> Floats:
    """Exact while sums stay below 2 ** 53 minor units."""
    return np.bincount(row, weights=amount.astype(np.float64), minlength=n).astype(np.float64)


def to_date(day: int) -> date:
    return EPOCH + timedelta(days=int(day))


def to_day(day: date) -> int:
    return (day - EPOCH).days


def read_purchases(dataset: Dataset, until: date) -> Purchases:
    """The purchase days that ``btyd.histories`` counts, by the end of ``until``.

    Raises ``AnalysisError``: ``fields_missing`` (customer_id, ordered_at), ``no_orders``.
    """
    dataset.table("transactions", "customer_id", "ordered_at")
    end = min(until, dataset.as_of)
    lines = reductions.project(dataset, encode={"customer_id"}, until=end)
    days = reductions.collect(reductions.purchase_days(lines))
    if days.is_empty():
        raise AnalysisError("no_orders", n_lines=dataset.tables["transactions"].height)
    days = days.sort("customer_id", "day")
    customer = days["customer_id"].to_numpy()
    begins = np.diff(customer, prepend=-1) != 0
    ids = reductions.values(dataset, "customer_id").gather(pl.Series(customer[begins]))
    return Purchases(
        ids=ids.alias("customer_id"),
        row=np.cumsum(begins) - 1,
        day=days["day"].to_numpy().astype(np.int64),
        amount=days["amount"].to_numpy().astype(np.int64) if dataset.has("transactions.amount") else None,
        scale=10**dataset.money_digits,
        until=to_day(end),
    )
