"""One row per customer with what the models of repeat buying need: x, t_x, T and the mean value of a repeat day.

The convention of the literature (Fader, Hardie and Lee 2005): time is counted from each customer's first purchase day,
purchases of one calendar day are one, and the first day is the beginning, not a repeat.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt
import polars as pl

from analytics import reductions
from analytics.dataset import Dataset
from analytics.errors import AnalysisError
from analytics.keys import derive_key

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_EPOCH = date(1970, 1, 1)


@dataclass(frozen=True, slots=True, eq=False)
class Histories:
    """One row per customer with a purchase day, sorted by customer id; every array has that many elements.

    Attributes
    ----------
    ids : customer_id (String).
    x : repeat purchase days, that is purchase days after the first.
    t_x : from the first to the last purchase day, in units of ``unit_days`` (0 where x is 0).
    T : from the first purchase day to ``until``, same unit; 0 for a customer who first bought on that day.
    mean_value : mean amount of the repeat days in whole currency units, NaN where x is 0; None without amounts.
    unit_days : days in one unit of time (7: weeks).
    until : the last day that is observed.
    """

    ids: pl.Series
    x: Ints
    t_x: Floats
    T: Floats
    mean_value: Floats | None
    unit_days: float
    until: date
    key: str

    def __len__(self) -> int:
        return len(self.x)


def purchase_histories(dataset: Dataset, *, until: date | None = None, unit_days: float = 7.0) -> Histories:
    """The histories of all known customers who bought by ``until`` (the as-of date unless told; never beyond it).

    Purchases are the orders that stand at ``until`` (``reversals``): an order for nothing (price 0) is one, as in the
    literature; an order taken back whole by then is none. Raises ``AnalysisError``:
    ``fields_missing``, ``no_orders``, ``btyd_unit_out_of_range`` (the unit is not positive and finite).
    """
    if not 0 < unit_days < float("inf"):
        raise AnalysisError("btyd_unit_out_of_range", unit_days=unit_days)
    dataset.table("transactions", "customer_id", "ordered_at")
    end = dataset.as_of if until is None else min(until, dataset.as_of)
    table = _by_customer(dataset, end)
    if table.is_empty():
        raise AnalysisError("no_orders", n_lines=dataset.tables["transactions"].height)
    x = table["n_days"].to_numpy().astype(np.int64) - 1
    first = table["first_day"].to_numpy()
    mean_value = None
    if dataset.has("transactions.amount"):
        total = table["amount"].to_numpy() - table["first_amount"].to_numpy()
        mean_value = np.divide(total, x * 10.0**dataset.money_digits, out=np.full(len(x), np.nan), where=x > 0)
    ids = reductions.values(dataset, "customer_id").gather(table["customer_id"])
    return Histories(
        ids=ids.alias("customer_id"),
        x=x,
        t_x=(table["last_day"].to_numpy() - first) / unit_days,
        T=((end - _EPOCH).days - first) / unit_days,
        mean_value=mean_value,
        unit_days=unit_days,
        until=end,
        key=derive_key("purchase_histories", [end.isoformat(), unit_days], dataset.key),
    )


def _by_customer(dataset: Dataset, end: date) -> pl.DataFrame:
    """customer_id (a position), n_days, first_day, last_day, amount, first_amount (minor units); sorted."""
    lines = reductions.project(dataset, encode={"customer_id"}, until=end)
    days = reductions.collect(reductions.purchase_days(lines))
    return (
        days.lazy()
        .group_by("customer_id")
        .agg(
            pl.len().alias("n_days"),
            pl.col("day").min().alias("first_day"),
            pl.col("day").max().alias("last_day"),
            pl.col("amount").sum(),
            pl.col("amount").sort_by("day").first().alias("first_amount"),
        )
        .sort("customer_id")
        .collect()
    )
