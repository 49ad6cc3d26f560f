"""The stage rules: learned where they are left open, and applied to any date."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
import numpy.typing as npt
import polars as pl

from analytics.lifecycle.activity import Activity
from analytics.lifecycle.spec import OUTSIDE, STAGES, LifecycleRules, LifecycleSpec

LEAST_LEARNED = 20  # customers who came back, and customers at risk, below which a gap quantile is not learned
CODES = (OUTSIDE, *STAGES)  # stage arrays hold positions in this tuple
ACQUAINTANCE, FIRST, ACTIVE, LOYAL, LAPSED = range(1, 6)

Codes = npt.NDArray[np.uint8]


def learn_lapsed_after(gaps: pl.DataFrame, quantile: float) -> int | None:
    """The ``quantile`` of days between order days, among customers who come back; None with too few of them.

    Gaps still open at the end are censored, and customers who order often would fill a plain list of gaps with short
    ones. So the gap distribution is estimated as by Wang and Chang (1999, Journal of the American Statistical
    Association 94: 146-153): completed gaps of one customer share the weight 1, a customer without any enters with the
    open gap as censored, and the product-limit estimate is taken over both. Those who never return leave that curve
    below 1; the quantile is read relative to the height it reaches while at least 20 customers are at risk.

    Parameters
    ----------
    gaps : days (Int), weight (Float64), completed (Boolean).
    """
    if gaps.filter("completed")["weight"].sum() < LEAST_LEARNED - 1e-9:
        return None
    curve = (
        gaps.group_by("days")
        .agg(
            returned=(pl.col("weight") * pl.col("completed")).sum(),
            at_risk=pl.col("weight").sum(),
        )
        .sort("days")
        .with_columns(pl.col("at_risk").cum_sum(reverse=True))
        .filter((pl.col("at_risk") > LEAST_LEARNED - 1e-9) & (pl.col("returned") > 0))
        .with_columns(share=1 - (1 - (pl.col("returned") / pl.col("at_risk")).clip(0, 1)).cum_prod())
    )
    if curve.is_empty():
        return None
    reached = curve.filter(pl.col("share") >= quantile * curve["share"].max() - 1e-9)  # type: ignore[operator]
    return max(1, int(reached["days"].min()))  # type: ignore[arg-type]


def settle_rules(activity: Activity, as_of: int, spec: LifecycleSpec) -> LifecycleRules:
    standing = activity.purchases.filter(pl.col("until") > as_of)
    gap = pl.col("day").diff().over("customer")
    completed = standing.select("customer", days=gap).drop_nulls()
    open_gaps = standing.group_by("customer").agg(pl.len(), pl.col("day").max()).filter(pl.col("len") == 1)
    gaps = pl.concat(
        [
            completed.select(
                "days",
                weight=1 / pl.len().over("customer").cast(pl.Float64),
                completed=pl.lit(True),
            ),
            open_gaps.select(days=(as_of - pl.col("day")).cast(pl.Int32), weight=pl.lit(1.0), completed=pl.lit(False)),
        ]
    )
    lapsed = spec.lapsed_after_days
    lapsed_source: Literal["given", "learned", "not_learned"] = "given"
    if lapsed is None:
        lapsed = learn_lapsed_after(gaps, spec.lapsed_quantile)
        lapsed_source = "not_learned" if lapsed is None else "learned"

    window = pl.col("day") > as_of - spec.loyal_window_days
    counts = standing.group_by("customer").agg(pl.len(), last=pl.col("day").max(), recent=window.cast(pl.Int64).sum())
    alive = pl.lit(True) if lapsed is None else as_of - pl.col("last") <= lapsed
    repeat = counts.filter(alive & (pl.col("len") >= 2))
    loyal = spec.loyal_min_orders
    loyal_source: Literal["given", "learned", "least"] = "given"
    if loyal is None:
        loyal, loyal_source = 3, "least"
        if repeat.height >= LEAST_LEARNED:
            at = repeat["recent"].quantile(spec.loyal_quantile, interpolation="higher")
            loyal, loyal_source = max(3, math.ceil(at or 0)), "learned"
    return LifecycleRules(
        lapsed_after_days=lapsed,
        lapsed_source=lapsed_source,
        loyal_min_orders=loyal,
        loyal_source=loyal_source,
        loyal_window_days=spec.loyal_window_days,
        n_gaps=completed.height,
        n_returners=completed["customer"].n_unique(),
        n_repeat=repeat.height,
    )


def stage_codes(activity: Activity, then: int, rules: LifecycleRules) -> tuple[Codes, npt.NDArray[np.int64]]:
    """Position in ``CODES`` and number of standing order days of each customer, as known at the end of ``then``."""
    n = len(activity.ids)
    standing = activity.purchases.filter((pl.col("since") <= then) & (pl.col("until") > then))
    customer, day = standing["customer"].to_numpy(), standing["day"].to_numpy()
    n_orders = np.bincount(customer, minlength=n)
    recent = np.bincount(customer[day > then - rules.loyal_window_days], minlength=n)
    last = np.full(n, np.iinfo(np.int32).min, np.int32)
    last[customer] = day  # rows are sorted by day within a customer, and the last assignment holds
    ordered = n_orders > 0

    codes: Codes = np.zeros(n, np.uint8)
    codes[activity.known <= then] = ACQUAINTANCE
    codes[ordered] = ACTIVE
    codes[n_orders == 1] = FIRST
    codes[recent >= rules.loyal_min_orders] = LOYAL
    if rules.lapsed_after_days is not None:
        codes[ordered & (last < then - rules.lapsed_after_days)] = LAPSED
    codes[(codes > 0) & (activity.left <= then) & (last <= activity.left)] = LAPSED
    return codes, n_orders


def observable(activity: Activity, then: int, rules: LifecycleRules) -> tuple[bool, ...]:
    """Whether each stage could be seen at all on a day: nobody can have been silent for longer than the data go."""
    silence = rules.lapsed_after_days is not None and then - activity.first_day > rules.lapsed_after_days
    return activity.known_from <= then, True, True, True, silence or activity.left_from <= then
