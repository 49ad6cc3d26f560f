"""Cohorts: who first ordered in the same period, and how many of them order in each later one."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl

from analytics.lifecycle.activity import EPOCH, Activity
from analytics.lifecycle.spec import LifecycleSpec


def _period(day: pl.Expr, cohort_by: str) -> pl.Expr:
    """Months or quarters since the year 0, so that differences are numbers of periods."""
    moment = day.cast(pl.Date)
    months = moment.dt.year() * 12 + moment.dt.month().cast(pl.Int32) - 1
    return months if cohort_by == "month" else months // 3


def trace_cohorts(activity: Activity, as_of: date, spec: LifecycleSpec) -> pl.DataFrame:
    """The cohort grid: latest ``n_cohorts`` cohorts with customers x periods since, complete periods only."""
    by = spec.cohort_by
    n_months = 1 if by == "month" else 3
    after = as_of + timedelta(days=1)
    next_period = (after.year * 12 + after.month - 1) // n_months  # the first that is not complete
    counted = _joiners if activity.kind == "subscription" else _buyers
    firsts, active = counted(activity, (as_of - EPOCH).days, by, next_period, spec.n_cohorts)
    sizes = (
        firsts.filter(pl.col("cohort") < next_period)
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
        since = (pl.col("period") - pl.col("cohort")).cast(pl.Int32).alias("periods_since")
        spent = _summed(activity.amounts, by).join(firsts, on="customer")
        paid = spent.group_by("cohort", since).agg(pl.col("amount").sum())
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


def _summed(amounts: pl.DataFrame, by: str) -> pl.DataFrame:
    """customer, period, amount."""
    return amounts.group_by("customer", period=_period(pl.col("day"), by)).agg(pl.col("amount").sum())


def _buyers(
    activity: Activity, as_of: int, by: str, next_period: int, n_periods: int
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """customer, cohort (period of the first order); cohort, periods_since, n_active (who ordered in it)."""
    orders = activity.purchases.filter((pl.col("since") <= as_of) & (pl.col("until") > as_of))
    orders = orders.select("customer", period=_period(pl.col("day"), by)).unique()
    firsts = orders.group_by("customer").agg(cohort=pl.col("period").min())
    since = (pl.col("period") - pl.col("cohort")).cast(pl.Int32).alias("periods_since")
    active = orders.join(firsts, on="customer").group_by("cohort", since).agg(n_active=pl.len().cast(pl.Int64))
    return firsts, active


def _joiners(
    activity: Activity, as_of: int, by: str, next_period: int, n_periods: int
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """customer, cohort (period of joining); cohort, periods_since, n_active (subscribed at its end)."""
    begun = np.minimum(activity.known, activity.started)
    frame = pl.DataFrame({"day": begun, "left": activity.left}).with_row_index("customer")
    frame = frame.filter(pl.col("day") <= as_of).select(
        "customer",
        cohort=_period(pl.col("day"), by),
        gone=pl.when(pl.col("left") <= as_of).then(_period(pl.col("left").clip(0, as_of), by)),
    )
    grouped = frame.group_by("cohort", "gone").agg(n=pl.len().cast(pl.Int64))
    since = pl.DataFrame({"periods_since": range(n_periods)}, schema={"periods_since": pl.Int32})
    at = pl.col("cohort") + pl.col("periods_since")
    stays = pl.col("gone").is_null() | (pl.col("gone") > at)
    active = grouped.join(since, how="cross").filter(stays & (at < next_period))
    active = active.group_by("cohort", "periods_since").agg(n_active=pl.col("n").sum())
    return frame.select("customer", "cohort"), active


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
