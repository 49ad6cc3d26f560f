"""Cohorts: who first ordered in the same period, and how many of them order in each later one."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import numpy.typing as npt
import polars as pl

from analytics.lifecycle.activity import EPOCH, Activity
from analytics.lifecycle.spec import LifecycleSpec


def _periods(days: pl.Series, by: str) -> npt.NDArray[np.int32]:
    """Months or quarters since the year 0 of days since 1970, so that differences are numbers of periods."""
    if days.is_empty():
        return np.zeros(0, np.int32)
    first, last = int(days.min()), int(days.max())  # type: ignore[arg-type]  # a scalar: Polars types any literal
    each = pl.select(pl.int_range(first, last + 1, dtype=pl.Int32).cast(pl.Date)).to_series()
    months = (each.dt.year() * 12 + each.dt.month().cast(pl.Int32) - 1).to_numpy()
    table = months if by == "month" else months // 3
    found: npt.NDArray[np.int32] = table[days.to_numpy() - first].astype(np.int32)
    return found


def trace_cohorts(activity: Activity, as_of: date, spec: LifecycleSpec) -> pl.DataFrame:
    """The cohort grid: latest ``n_cohorts`` cohorts with customers x periods since, complete periods only."""
    by = spec.cohort_by
    n_months = 1 if by == "month" else 3
    after = as_of + timedelta(days=1)
    next_period = (after.year * 12 + after.month - 1) // n_months  # the first that is not complete
    cohort, active = (_joiners if activity.kind == "subscription" else _buyers)(
        activity, (as_of - EPOCH).days, by, next_period, spec.n_cohorts
    )
    sizes = (
        pl.DataFrame({"cohort": cohort[cohort >= 0]})
        .filter(pl.col("cohort") < next_period)
        .group_by("cohort")
        .agg(n_customers=pl.len().cast(pl.Int64))
        .sort("cohort")
        .tail(spec.n_cohorts)
    )
    keys = ["cohort", "periods_since"]
    grid = sizes.join(
        pl.DataFrame({"periods_since": range(spec.n_cohorts)}, schema={"periods_since": pl.Int32}), how="cross"
    )
    grid = grid.join(active, on=keys, how="left")
    if activity.amounts is None:
        grid = grid.with_columns(amount=pl.lit(None, pl.Int64))
    else:
        mine = cohort[activity.amounts["customer"].to_numpy()]
        cells = pl.DataFrame({"cohort": mine, "periods_since": _periods(activity.amounts["day"], by) - mine})
        spent = cells.with_columns(activity.amounts["amount"]).filter(pl.col("cohort") >= 0)
        paid = spent.group_by(keys).agg(pl.col("amount").sum())
        grid = grid.join(paid, on=keys, how="left").with_columns(pl.col("amount").fill_null(0))
    month = pl.col("cohort") * n_months
    seen = pl.col("observed")
    return (
        grid.sort(keys)
        .with_columns(
            observed=pl.col("cohort") + pl.col("periods_since") < next_period, active=pl.col("n_active").fill_null(0)
        )
        .with_columns(total=pl.col("amount").cum_sum().over("cohort"))
        .select(
            cohort=pl.date(month // 12, month % 12 + 1, 1),
            periods_since=pl.col("periods_since").cast(pl.Int64),
            n_customers="n_customers",
            n_active=pl.when(seen).then("active"),
            retention=pl.when(seen).then(pl.col("active") / pl.col("n_customers")),
            revenue=pl.when(seen).then(pl.col("amount") / activity.scale),
            revenue_per_customer=pl.when(seen).then(pl.col("amount") / pl.col("n_customers") / activity.scale),
            value_per_customer=pl.when(seen).then(pl.col("total") / pl.col("n_customers") / activity.scale),
            observed=seen,
            enough=pl.col("n_customers") >= spec.min_cohort_size,
        )
    )


def _buyers(
    activity: Activity, as_of: int, by: str, next_period: int, n_periods: int
) -> tuple[npt.NDArray[np.int32], pl.DataFrame]:
    """The period of each customer's first order (-1: none); cohort, periods_since, n_active (who ordered in it)."""
    orders = activity.purchases.filter((pl.col("since") <= as_of) & (pl.col("until") > as_of))
    customer, period = orders["customer"].to_numpy(), _periods(orders["day"], by)
    # They are sorted by customer and day: what differs from the row above is new.
    begins = np.ones(len(customer), bool)
    begins[1:] = customer[1:] != customer[:-1]
    cohort = np.full(len(activity.ids), -1, np.int32)
    cohort[customer[begins]] = period[begins]
    new = begins.copy()
    new[1:] |= period[1:] != period[:-1]
    mine = cohort[customer[new]]
    cells = pl.DataFrame({"cohort": mine, "periods_since": period[new] - mine})
    return cohort, cells.group_by("cohort", "periods_since").agg(n_active=pl.len().cast(pl.Int64))


def _joiners(
    activity: Activity, as_of: int, by: str, next_period: int, n_periods: int
) -> tuple[npt.NDArray[np.int32], pl.DataFrame]:
    """The period of each subscriber's joining; cohort, periods_since, n_active (subscribed at its end)."""
    begun = np.minimum(activity.known, activity.started)
    ended = activity.ended()
    known, left = begun <= as_of, ended <= as_of
    cohort = np.full(len(begun), -1, np.int32)
    cohort[known] = _periods(pl.Series(begun[known]), by)
    gone = np.full(len(begun), np.iinfo(np.int32).max, np.int32)
    gone[left] = _periods(pl.Series(ended[left]), by)
    grouped = pl.DataFrame({"cohort": cohort[known], "gone": gone[known]}).group_by("cohort", "gone").agg(n=pl.len())
    since = pl.DataFrame({"periods_since": range(n_periods)}, schema={"periods_since": pl.Int32})
    at = pl.col("cohort") + pl.col("periods_since")
    active = grouped.join(since, how="cross").filter((pl.col("gone") > at) & (at < next_period))
    return cohort, active.group_by("cohort", "periods_since").agg(n_active=pl.col("n").sum().cast(pl.Int64))


def pool_retention(cohorts: pl.DataFrame) -> pl.DataFrame:
    """All observed cohorts that are large enough taken together, see ``LifecycleResult.retention``."""
    priced = pl.col("revenue").count() > 0
    return (
        cohorts.filter(pl.col("observed") & pl.col("enough"))
        .group_by("periods_since")
        .agg(
            pl.len().cast(pl.Int64).alias("n_cohorts"),
            pl.col("n_customers").sum(),
            pl.col("n_active").sum(),
            revenue=pl.when(priced).then(pl.col("revenue").sum()),
        )
        .sort("periods_since")
        .with_columns(
            retention=pl.col("n_active") / pl.col("n_customers"),
            revenue_per_customer=pl.col("revenue") / pl.col("n_customers"),
        )
        .with_columns(value_per_customer=pl.col("revenue_per_customer").cum_sum())
        .drop("revenue")
    )
