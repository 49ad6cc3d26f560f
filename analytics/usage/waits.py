"""How many sessions and days lie before a purchase, with the visits that have not led to one yet."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl

from analytics import reductions
from analytics.dataset import Dataset
from analytics.usage.sessions import Visits

FEWEST = 20  # spells at risk, below which the curve stops
LONGEST = {"sessions": 12, "days": 90}
SETTLING_DAYS = 30  # without a joining date, a customer unseen for so long counts as newly come
_Z = 1.959964
_EPOCH = date(1970, 1, 1)
_WAITS = {
    "kind": pl.String,
    "n_spells": pl.Int64,
    "n_bought": pl.Int64,
    "median_sessions": pl.Int64,
    "median_days": pl.Int64,
    "share_first_session": pl.Float64,
}
_CURVE = {
    "kind": pl.String,
    "unit": pl.String,
    "value": pl.Int64,
    "n_at_risk": pl.Int64,
    "n_bought": pl.Int64,
    "share": pl.Float64,
    "lo": pl.Float64,
    "hi": pl.Float64,
}


def count_waits(visits: Visits, dataset: Dataset) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Spells before the first purchase (of customers who came inside the period) and before each next one.

    A spell before the next purchase begins with the first session after a purchase; it ends with the session that holds
    the next, or is open at the end. What began before the events did is left out: its beginning is unknown.
    """
    found = spells(visits, dataset)
    waits, curves = [], []
    for kind in ("first", "next"):
        part = found.filter(kind=kind)
        if part.is_empty():
            continue
        medians = {}
        for unit in ("sessions", "days"):
            curve = product_limit(part[unit].to_numpy(), part["bought"].to_numpy())
            half = curve.filter(pl.col("share") >= 0.5)
            medians[unit] = half["value"][0] if half.height else None
            curve = curve.filter((pl.col("n_at_risk") >= FEWEST) & (pl.col("value") <= LONGEST[unit]))
            curves.append(curve.select(pl.lit(kind).alias("kind"), pl.lit(unit).alias("unit"), pl.all()))
        at_once = part.filter(pl.col("bought") & (pl.col("sessions") == 1)).height
        n_bought = int(part["bought"].sum())
        waits.append((kind, part.height, n_bought, medians["sessions"], medians["days"], at_once / part.height))
    table = pl.DataFrame(waits, schema=_WAITS, orient="row")
    return table, pl.concat(curves) if curves else pl.DataFrame(schema=_CURVE)


def spells(visits: Visits, dataset: Dataset) -> pl.DataFrame:
    """kind, sessions (up to the purchase, that session included), days (from the first of them), bought."""
    schema = {"kind": pl.String, "sessions": pl.Int64, "days": pl.Int64, "bought": pl.Boolean}
    if not visits.purchases:
        return pl.DataFrame(schema=schema)
    number = pl.col("purchased").cast(pl.Int64).cum_sum().over("customer")
    ordered = visits.sessions.select("customer", "day", "purchased").with_columns(
        spell=number - pl.col("purchased").cast(pl.Int64)  # purchases before this session
    )
    found = ordered.group_by("customer", "spell", maintain_order=True).agg(
        sessions=pl.len().cast(pl.Int64),
        first=pl.col("day").first(),
        last=pl.col("day").last(),
        bought=pl.col("purchased").last(),
    )
    new = _newcomers(visits, dataset)
    end = pl.when("bought").then("last").otherwise(pl.lit(dataset.as_of))
    return (
        found.with_columns(kind=pl.when(pl.col("spell") > 0).then(pl.lit("next")).otherwise(pl.lit("first")))
        .filter((pl.col("kind") == "next") | pl.col("customer").is_in(new.implode()))
        .select("kind", "sessions", days=(end - pl.col("first")).dt.total_days(), bought="bought")
        .cast(schema)  # type: ignore[arg-type]  # Polars takes any mapping of types; its own alias is invariant
    )


def _newcomers(visits: Visits, dataset: Dataset) -> pl.Series:
    """Positions of the customers who came inside the period and had not ordered before their first session."""
    seen = visits.sessions.group_by("customer").agg(first=pl.col("day").min())
    seen = seen.with_columns(customer_id=visits.ids.gather(seen["customer"]))
    start = visits.first_day
    settled = pl.col("first") >= start + timedelta(days=SETTLING_DAYS)
    people = dataset.tables.get("customers")
    if people is not None and dataset.has("customers.customer_id", "customers.joined_at"):
        joined = people.select("customer_id", joined=pl.col("joined_at").cast(pl.Date)).drop_nulls()
        seen = seen.join(joined.unique("customer_id", keep="first", maintain_order=True), on="customer_id", how="left")
        settled = pl.coalesce(pl.col("joined") >= start, settled)
    seen = seen.filter(settled)
    if dataset.has("transactions.customer_id", "transactions.ordered_at"):
        counted = reductions.collect(reductions.order_counts(reductions.project(dataset)))
        began = pl.col("first_day").cast(pl.Int32).cast(pl.Date)
        seen = seen.join(counted.select("customer_id", began=began), on="customer_id", how="left")
        seen = seen.filter((pl.col("began") >= pl.col("first")).fill_null(True))
    return seen["customer"]


def product_limit(
    values: np.ndarray[tuple[int], np.dtype[np.int64]], ended: np.ndarray[tuple[int], np.dtype[np.bool_]]
) -> pl.DataFrame:
    """value, n_at_risk, n_bought, share, lo, hi: who has ended by each value (Kaplan and Meier 1958).

    Intervals are Greenwood's on the scale of log(-log) (Kalbfleisch and Prentice 1980).
    """
    counted = (
        pl.DataFrame({"value": values, "ended": ended})
        .group_by("value")
        .agg(n_bought=pl.col("ended").cast(pl.Int64).sum(), n=pl.len().cast(pl.Int64))
        .sort("value")
        .with_columns(n_at_risk=pl.col("n").cum_sum(reverse=True))
        .filter(pl.col("n_bought") > 0)
    )
    at_risk, died = counted["n_at_risk"].to_numpy().astype(float), counted["n_bought"].to_numpy().astype(float)
    left = np.cumprod(1 - died / at_risk)
    with np.errstate(divide="ignore", invalid="ignore"):
        greenwood = np.cumsum(died / (at_risk * (at_risk - died)))
        spread = np.sqrt(greenwood) / np.abs(np.log(left))
        low, high = (1 - left ** np.exp(sign * _Z * spread) for sign in (-1, 1))
    known = (left > 0) & (left < 1)
    return counted.select(
        "value",
        "n_at_risk",
        "n_bought",
        share=pl.Series(1 - left),
        lo=pl.Series(np.where(known, low, np.nan)).fill_nan(None),
        hi=pl.Series(np.where(known, high, np.nan)).fill_nan(None),
    )
