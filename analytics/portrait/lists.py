"""Customers to look at: by value, by what was lost of late, on a border of segments, at random, or by their id."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import get_args

import numpy as np
import polars as pl

from analytics import reductions
from analytics.customers import CustomerScores, CustomerTable
from analytics.dataset import Dataset
from analytics.keys import derive_key
from analytics.portrait.spec import ListName, PortraitSpec
from analytics.privacy.pseudonyms import all_ids

LISTS: tuple[ListName, ...] = get_args(ListName)
MOST_FOUND = 20
_YEAR_DAYS = 365
_EPOCH = date(1970, 1, 1)


@dataclass(frozen=True, slots=True, eq=False)
class CustomerList:
    """Customers in the order of the list.

    ``frame``: customer_id, value (what the list is sorted by: revenue, revenue lost against the year before, margin to
    the next segment; null for "random"), revenue, n_orders, recency_days (null where these data do not give them).
    ``measure``: "revenue", "n_orders", "lost", "margin", "". ``n_all``: customers it was made from.
    """

    pick: ListName
    measure: str
    frame: pl.DataFrame
    n_all: int
    key: str


def list_customers(
    dataset: Dataset, customers: CustomerTable | None, spec: PortraitSpec, margins: CustomerScores | None = None
) -> CustomerList:
    """The first ``spec.n_listed`` customers of the list ``spec.pick``; empty where these data cannot tell.

    "decline": revenue of the last ``recent_days`` against as many days of the year before them (the customer's own
    daily mean times the days); only who lost something. Ties are broken by id.
    """
    key = derive_key(
        "list_customers", spec, dataset.key, *(item.key for item in (customers, margins) if item is not None)
    )
    if customers is None:
        ids = all_ids(dataset)
        frame = pl.DataFrame({"customer_id": ids})
    else:
        frame = customers.frame
    shown = [
        pl.col(name).cast(dtype) if name in frame.columns else pl.lit(None, dtype).alias(name)
        for name, dtype in (("revenue", pl.Float64), ("n_orders", pl.Int64), ("recency_days", pl.Int64))
    ]
    held = frame.select("customer_id", *shown)
    measure = ""
    match spec.pick:
        case "value":
            measure = "revenue" if held["revenue"].count() else "n_orders"
            found = held.with_columns(value=pl.col(measure).cast(pl.Float64))
            if found["value"].count():  # where nobody has a value, everybody is on the list
                found = found.drop_nulls("value")
            found = found.sort("value", "customer_id", descending=[True, False])
        case "decline":
            measure = "lost"
            lost = _lost(dataset, spec)
            found = held.join(lost, on="customer_id", how="inner").filter(pl.col("value") > 0)
            found = found.sort("value", "customer_id", descending=[True, False])
        case "border":
            measure = "margin"
            scores = None if margins is None else margins.frame.select("customer_id", "value").drop_nulls()
            found = (
                held.clear().with_columns(value=pl.lit(None, pl.Float64))
                if scores is None
                else held.join(scores, on="customer_id", how="inner").sort("value", "customer_id")
            )
        case _:
            drawn = np.random.default_rng(spec.random_state).permutation(held.height)[: spec.n_listed]
            found = held[drawn.tolist()].with_columns(value=pl.lit(None, pl.Float64))
    found = found.select("customer_id", pl.col("value").cast(pl.Float64), "revenue", "n_orders", "recency_days")
    return CustomerList(spec.pick, measure, found.head(spec.n_listed), held.height, key)


def _lost(dataset: Dataset, spec: PortraitSpec) -> pl.DataFrame:
    """customer_id, value: revenue expected of the recent days from the year before, less what they brought."""
    empty = pl.DataFrame(schema={"customer_id": pl.String, "value": pl.Float64})
    if not dataset.has("transactions.customer_id", "transactions.ordered_at", "transactions.amount"):
        return empty
    as_of = (dataset.as_of - _EPOCH).days
    recent_from = as_of - spec.recent_days + 1
    year_from = recent_from - _YEAR_DAYS
    first = dataset.tables["transactions"]["ordered_at"].min()
    begin = max(year_from, (first.date() - _EPOCH).days) if first is not None else year_from  # type: ignore[union-attr]  # a scalar: Polars types any literal
    n_days = recent_from - begin
    if n_days < spec.recent_days:
        return empty
    lines = reductions.project(dataset)
    import narwhals as nw

    part = lines.filter(~nw.col("customer_id").is_null(), nw.col("day") >= begin, nw.col("day") <= as_of)
    recent = nw.col("day") >= recent_from
    summed = part.with_columns(
        recent=nw.when(recent).then(nw.col("amount")).otherwise(0),
        before=nw.when(~recent).then(nw.col("amount")).otherwise(0),
    )
    sums = reductions.collect(summed.group_by("customer_id").agg(nw.col("recent", "before").sum()))
    lost = pl.col("before") * spec.recent_days / n_days - pl.col("recent")
    return sums.select("customer_id", value=lost / 10**dataset.money_digits)


def search_customers(dataset: Dataset, asked: str) -> tuple[str, ...]:
    """The customer whose id, as the pages show it, is ``asked``; where there is none, up to 20 like it.

    Those are ids that are, begin with or hold what was asked, in this order, upper and lower case alike. Empty for
    nothing asked and for nobody found.
    """
    wanted = asked.strip()
    if not wanted:
        return ()
    # The whole id, as it was shown, needs no list of all customers: a list of a million takes seconds.
    if any((frame["customer_id"] == wanted).any() for frame in dataset.tables.values() if "customer_id" in frame):
        return (wanted,)
    wanted = wanted.lower()
    ids = all_ids(dataset)
    plain = ids.str.to_lowercase()
    exact, starts = plain == wanted, plain.str.starts_with(wanted)
    holds = plain.str.contains(wanted, literal=True)
    found: list[str] = []
    for mask in (exact, starts & ~exact, holds & ~starts):
        found += ids.filter(mask).head(MOST_FOUND - len(found)).to_list()
        if len(found) >= MOST_FOUND:
            break
    return tuple(found)
