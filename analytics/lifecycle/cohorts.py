"""Cohorts: who first ordered in the same period, and how many of them order in each later one."""

from __future__ import annotations

from datetime import date, timedelta

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
    orders = activity.purchases.filter(pl.col("until") > (as_of - EPOCH).days)
    orders = orders.select("customer", period=_period(pl.col("day"), by)).unique()
    firsts = orders.group_by("customer").agg(cohort=pl.col("period").min())
    sizes = (
        firsts.filter(pl.col("cohort") < next_period)
        .group_by("cohort")
        .agg(n_customers=pl.len().cast(pl.Int64))
        .sort("cohort")
        .tail(spec.n_cohorts)
    )
    since = (pl.col("period") - pl.col("cohort")).alias("periods_since")
    keys = ["cohort", "periods_since"]
    active = orders.join(firsts, on="customer").group_by("cohort", since).agg(n_active=pl.len().cast(pl.Int64))
    grid = sizes.join(
        pl.DataFrame({"periods_since": range(spec.n_cohorts)}, schema={"periods_since": pl.Int32}), how="cross"
    )
    grid = grid.join(active, on=keys, how="left")
    if activity.amounts is None:
        grid = grid.with_columns(amount=pl.lit(None, pl.Int64))
    else:
        paid = activity.amounts.group_by("customer", period=_period(pl.col("day"), by)).agg(pl.col("amount").sum())
        paid = paid.join(firsts, on="customer").group_by("cohort", since).agg(pl.col("amount").sum())
        grid = grid.join(paid, on=keys, how="left").with_columns(pl.col("amount").fill_null(0))
    month = pl.col("cohort") * n_months
    seen = pl.col("observed")
    return (
        grid.with_columns(
            observed=pl.col("cohort") + pl.col("periods_since") < next_period, active=pl.col("n_active").fill_null(0)
        )
        .sort(keys)
        .select(
            cohort=pl.date(month // 12, month % 12 + 1, 1),
            periods_since=pl.col("periods_since").cast(pl.Int64),
            n_customers="n_customers",
            n_active=pl.when(seen).then("active"),
            retention=pl.when(seen).then(pl.col("active") / pl.col("n_customers")),
            revenue=pl.when(seen).then(pl.col("amount") / activity.scale),
            observed=seen,
            enough=pl.col("n_customers") >= spec.min_cohort_size,
        )
    )


def pool_retention(cohorts: pl.DataFrame) -> pl.DataFrame:
    return (
        cohorts.filter(pl.col("observed") & pl.col("enough"))
        .group_by("periods_since")
        .agg(pl.len().cast(pl.Int64).alias("n_cohorts"), pl.col("n_customers").sum(), pl.col("n_active").sum())
        .with_columns(retention=pl.col("n_active") / pl.col("n_customers"))
        .sort("periods_since")
    )
