"""The stage rules: learned where they are left open, and applied to any date."""

from __future__ import annotations

import math
from datetime import timedelta
from typing import Literal

import numpy as np
import numpy.typing as npt
import polars as pl

from analytics.lifecycle.activity import EPOCH, Activity, Days
from analytics.lifecycle.spec import OUTSIDE, STAGES, LifecycleRules, LifecycleSpec
from analytics.reversals import NEVER
from analytics.rhythm import learn_rhythm

LEAST_LEARNED = 20  # customers who came back, and customers at risk, below which a gap quantile is not learned
DEFAULT_PERIOD = 30  # days of a subscription's period where no fees tell it
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
    reached = curve.filter(pl.col("share") >= quantile * curve["share"].max() - 1e-9)  # type: ignore[operator]  # a scalar: Polars types any literal
    return max(1, int(reached["days"].min()))  # type: ignore[arg-type]  # a scalar: Polars types any literal


def settle_rules(activity: Activity, as_of: int, spec: LifecycleSpec) -> LifecycleRules:
    if activity.kind == "subscription":
        return _of_subscriptions(activity, as_of, spec)
    standing = activity.purchases.filter((pl.col("since") <= as_of) & (pl.col("until") > as_of))
    gap = pl.col("day").diff().over("customer")
    completed = standing.select("customer", days=gap).drop_nulls()
    n_returners = completed["customer"].n_unique()
    rhythm = lapsed = None
    if spec.lapsed_after_days == "own":
        rhythm = learn_rhythm(standing, EPOCH + timedelta(days=as_of), spec.lapsed_quantile)
    elif spec.lapsed_after_days is None:
        lapsed = learn_lapsed_after(_gaps(standing, completed, as_of), spec.lapsed_quantile)
    else:
        lapsed = spec.lapsed_after_days
    short = typical = long = None
    counts = standing.group_by("customer").agg(
        pl.len(),
        first=pl.col("day").min(),
        last=pl.col("day").max(),
        recent=(pl.col("day") > as_of - spec.loyal_window_days).cast(pl.Int64).sum(),
    )
    limit: pl.Expr | pl.Series = pl.lit(lapsed)
    if rhythm is not None:
        limit = pl.Series(rhythm.lapsed_after_days(counts["len"] - 1, counts["last"] - counts["first"]))
        short, typical, long = (int(limit.quantile(share, "nearest") or 0) for share in (0.1, 0.5, 0.9))
    alive = pl.lit(True) if lapsed is None and rhythm is None else as_of - pl.col("last") <= limit
    repeat = counts.filter(alive & (pl.col("len") >= 2))
    loyal = spec.loyal_min_orders
    loyal_source: Literal["given", "learned", "least"] = "given"
    if loyal is None:
        loyal, loyal_source = 3, "least"
        if repeat.height >= LEAST_LEARNED:
            at = repeat["recent"].quantile(spec.loyal_quantile, interpolation="higher")
            loyal, loyal_source = max(3, math.ceil(at or 0)), "learned"
    source: Literal["own", "given", "learned", "not_learned"] = "not_learned"
    if rhythm is not None:
        source = "own"
    elif lapsed is not None:
        source = "learned" if spec.lapsed_after_days is None else "given"
    return LifecycleRules(
        lapsed_after_days=lapsed,
        lapsed_source=source,
        loyal_min_orders=loyal,
        loyal_source=loyal_source,
        loyal_window_days=spec.loyal_window_days,
        n_gaps=completed.height,
        n_returners=n_returners,
        n_repeat=repeat.height,
        rhythm=rhythm,
        short_days=short,
        typical_days=typical,
        long_days=long,
    )


def _gaps(standing: pl.DataFrame, completed: pl.DataFrame, as_of: int) -> pl.DataFrame:
    """days, weight, completed: what ``learn_lapsed_after`` is learned from."""
    still_open = standing.group_by("customer").agg(pl.len(), pl.col("day").max()).filter(pl.col("len") == 1)
    return pl.concat(
        [
            completed.select(
                "days",
                weight=1 / pl.len().over("customer").cast(pl.Float64),
                completed=pl.lit(True),
            ),
            still_open.select(days=(as_of - pl.col("day")).cast(pl.Int32), weight=pl.lit(1.0), completed=pl.lit(False)),
        ]
    )


def _of_subscriptions(activity: Activity, as_of: int, spec: LifecycleSpec) -> LifecycleRules:
    fees = activity.purchases.filter((pl.col("since") <= as_of) & (pl.col("until") > as_of))
    gaps = fees.select("customer", days=pl.col("day").diff().over("customer")).drop_nulls()
    usual = gaps["days"].median()
    period = DEFAULT_PERIOD if usual is None else max(1, round(float(usual)))  # type: ignore[arg-type]  # a scalar: Polars types any literal
    started = np.minimum(activity.started, NEVER)
    present = (started <= as_of) & (activity.left > as_of)
    loyal, source = spec.loyal_tenure_days, "given"
    if loyal is None:
        loyal, source = 2 * period, "least"
        if present.sum() >= LEAST_LEARNED:
            tenure = np.quantile(as_of - started[present], spec.loyal_quantile, method="higher")
            loyal, source = max(2 * period, int(tenure)), "learned"
    return LifecycleRules(
        lapsed_after_days=None,
        lapsed_source="left",
        loyal_min_orders=0,
        loyal_source=source,  # type: ignore[arg-type]  # one of the literals, by the lines above
        loyal_window_days=spec.loyal_window_days,
        n_gaps=gaps.height,
        n_returners=gaps["customer"].n_unique(),
        n_repeat=int(present.sum()),
        kind="subscription",
        loyal_tenure_days=loyal,
        period_days=period,
        use_recorded=activity.uses is not None,
    )


def stage_codes(activity: Activity, then: int, rules: LifecycleRules) -> tuple[Codes, npt.NDArray[np.int64]]:
    """Position in ``CODES`` and number of standing order days of each customer, as known at the end of ``then``."""
    n = len(activity.ids)
    standing = activity.purchases.filter((pl.col("since") <= then) & (pl.col("until") > then))
    customer, day = standing["customer"].to_numpy(), standing["day"].to_numpy()
    n_orders = np.bincount(customer, minlength=n)
    last = np.full(n, np.iinfo(np.int32).min, np.int32)
    last[customer] = day  # rows are sorted by day within a customer, and the last assignment holds
    if rules.kind == "subscription":
        return _subscriber_codes(activity, then, rules, last), n_orders
    recent = np.bincount(customer[day > then - rules.loyal_window_days], minlength=n)
    ordered = n_orders > 0

    codes: Codes = np.zeros(n, np.uint8)
    codes[activity.known <= then] = ACQUAINTANCE
    codes[ordered] = ACTIVE
    codes[n_orders == 1] = FIRST
    codes[recent >= rules.loyal_min_orders] = LOYAL
    if rules.rhythm is not None:
        first = np.zeros(n, np.int32)
        first[customer[::-1]] = day[::-1]
        who = np.flatnonzero(ordered)
        limits = rules.rhythm.lapsed_after_days(n_orders[who] - 1, last[who] - first[who])
        codes[who[then - last[who] > limits]] = LAPSED
    elif rules.lapsed_after_days is not None:
        codes[ordered & (last < then - rules.lapsed_after_days)] = LAPSED
    codes[(codes > 0) & (activity.left <= then) & (last <= activity.left)] = LAPSED
    return codes, n_orders


def _subscriber_codes(activity: Activity, then: int, rules: LifecycleRules, last: Days) -> Codes:
    codes: Codes = np.zeros(len(activity.ids), np.uint8)
    started = activity.started <= then
    codes[activity.known <= then] = ACQUAINTANCE
    codes[started] = ACTIVE
    codes[started & (then - activity.started < rules.period_days)] = FIRST
    loyal = started & (then - activity.started >= (rules.loyal_tenure_days or 0))
    if rules.use_recorded:
        used = np.zeros(len(activity.ids), bool)
        if activity.uses is not None:
            span = (pl.col("day") <= then) & (pl.col("day") > then - rules.period_days)
            used[activity.uses.filter(span)["customer"].to_numpy()] = True
        loyal &= used
    codes[loyal & (codes != FIRST)] = LOYAL
    # Who pays again after leaving has come back.
    codes[(codes > 0) & (activity.left <= then) & (last <= activity.left)] = LAPSED
    return codes


def observable(activity: Activity, then: int, rules: LifecycleRules) -> tuple[bool, ...]:
    """Whether each stage could be seen at all on a day: nobody can have been silent for longer than the data go."""
    longest = rules.silence_days
    silence = longest is not None and then - activity.first_day > longest
    return activity.known_from <= then, True, True, True, silence or activity.left_from <= then
