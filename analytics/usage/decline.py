"""Who comes less than they used to: the last days against the customer's own rhythm before them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl

from analytics.contrasts import wilson
from analytics.customers import CustomerLabels
from analytics.dataset import Dataset
from analytics.usage.sessions import Visits
from analytics.usage.spec import UsageSpec

FALSE_SHARE = 0.1  # of the customers marked as sure, so many may be wrong
_DECLINE = {
    "customer_id": pl.String,
    "n_before": pl.Int64,
    "n_recent": pl.Int64,
    "days_before": pl.Int64,
    "days_recent": pl.Int64,
    "before_30": pl.Float64,
    "recent_30": pl.Float64,
    "rate_ratio": pl.Float64,
    "lo": pl.Float64,
    "hi": pl.Float64,
    "p_value": pl.Float64,
    "q_value": pl.Float64,
    "declines": pl.Boolean,
    "sure": pl.Boolean,
    "by_chance": pl.Float64,
}
_GROUPS = {
    "label": pl.String,
    "n_customers": pl.Int64,
    "n_declining": pl.Int64,
    "n_by_chance": pl.Float64,
    "share": pl.Float64,
    "lo": pl.Float64,
    "hi": pl.Float64,
    "rate_ratio": pl.Float64,
    "ratio_lo": pl.Float64,
    "ratio_hi": pl.Float64,
}


@dataclass(frozen=True, slots=True, eq=False)
class Decline:
    """``customers`` as ``UsageResult.decline``, ``groups`` as ``decline_groups``; the counts and the common ratio."""

    customers: pl.DataFrame
    groups: pl.DataFrame
    n_declining: int
    n_by_chance: float
    n_sure: int
    ratio: float | None


def find_decline(visits: Visits, dataset: Dataset, spec: UsageSpec, labels: CustomerLabels | None) -> Decline:
    """Sessions as a Poisson process: given their total, the recent ones are binomial with the share of days.

    P is the probability of as few at an unchanged rhythm (one-sided, exact); intervals of the rate ratio are those of
    Clopper and Pearson (1934) on that share. Days before begin with the events, for a customer first seen later with
    that first session, which then counts on neither side. Only customers whose total could reach ``level`` at all are
    looked at (Tarone 1990); choosing by the total leaves the probabilities exact. ``by_chance`` adds up what discrete
    counts really reach of ``level``; q is Benjamini and Hochberg's (1995).
    """
    first_recent = dataset.as_of - timedelta(days=spec.recent_days - 1)
    counted = _counts(visits, dataset, first_recent)
    counted = counted.filter(pl.col("days_before") >= spec.recent_days)
    frame = _tested(counted, spec)
    flat = frame.height == 0
    declines = frame["declines"]
    ratio = None if flat else _ratio(frame)[0]
    order = frame.sort("p_value", "rate_ratio", "customer_id")
    return Decline(
        customers=order.drop("by_chance"),
        groups=_by_label(frame, labels),
        n_declining=int(declines.sum()),
        n_by_chance=float(frame["by_chance"].sum()),
        n_sure=int(frame["sure"].sum()),
        ratio=ratio,
    )


def _counts(visits: Visits, dataset: Dataset, first_recent: date) -> pl.DataFrame:
    """customer_id, n_before, n_recent, days_before, days_recent of every customer."""
    seen = visits.sessions.group_by("customer").agg(
        first=pl.col("day").min(),
        n_before=(pl.col("day") < first_recent).cast(pl.Int64).sum(),
        n_recent=(pl.col("day") >= first_recent).cast(pl.Int64).sum(),
    )
    seen = seen.with_columns(customer_id=visits.ids.gather(seen["customer"]))
    known = pl.lit(False)
    for table, column in (("customers", "joined_at"), ("transactions", "ordered_at")):
        if not dataset.has(f"{table}.customer_id", f"{table}.{column}"):
            continue
        days = dataset.tables[table].select("customer_id", day=pl.col(column).cast(pl.Date)).drop_nulls()
        early = days.filter(pl.col("day") <= visits.first_day)["customer_id"].unique()
        known = known | pl.col("customer_id").is_in(early.implode())
    start = pl.when(known).then(pl.lit(visits.first_day)).otherwise(pl.col("first") + timedelta(days=1))
    before = (pl.lit(first_recent) - start).dt.total_days()
    return seen.select(
        "customer_id",
        n_before=pl.when(known).then("n_before").otherwise(pl.col("n_before") - 1),
        n_recent="n_recent",
        days_before=before.cast(pl.Int64),
        days_recent=pl.lit((dataset.as_of - first_recent).days + 1, pl.Int64),
    )


def _tested(counted: pl.DataFrame, spec: UsageSpec) -> pl.DataFrame:
    from scipy.stats import binom

    before, recent = counted["n_before"].to_numpy(), counted["n_recent"].to_numpy()
    days = counted["days_recent"].to_numpy() / (counted["days_recent"] + counted["days_before"]).to_numpy()
    able = (1 - days) ** (before + recent) <= spec.level if len(before) else np.zeros(0, bool)
    held = counted.filter(pl.Series(able, dtype=pl.Boolean))
    if held.is_empty():
        return pl.DataFrame(schema=_DECLINE)
    recent, total, share = recent[able], (before + recent)[able], days[able]
    p = binom.cdf(recent, total, share)
    # Of counts that are whole numbers, the largest that still counts as a decline, and its probability.
    limit = binom.ppf(spec.level, total, share)
    limit = np.where(binom.cdf(limit, total, share) > spec.level, limit - 1, limit)
    low, high = _ratio_interval(recent, total, share)
    q = _false_shares(p)
    return held.with_columns(
        before_30=30 * pl.col("n_before") / pl.col("days_before"),
        recent_30=30 * pl.col("n_recent") / pl.col("days_recent"),
    ).with_columns(
        rate_ratio=pl.when(pl.col("n_before") > 0).then(pl.col("recent_30") / pl.col("before_30")),
        lo=pl.Series(low, dtype=pl.Float64),
        hi=pl.Series(high, dtype=pl.Float64).fill_nan(None),
        p_value=pl.Series(p),
        q_value=pl.Series(q),
        declines=pl.Series(p <= spec.level),
        sure=pl.Series(q <= FALSE_SHARE),
        by_chance=pl.Series(binom.cdf(limit, total, share)),
    )


def _ratio_interval(recent: Any, total: Any, share: Any) -> tuple[Any, Any]:
    """95 % interval of the rate ratio, recent to before; NaN above where nothing came before."""
    from scipy.special import betaincinv

    low = np.where(recent > 0, betaincinv(np.maximum(recent, 1), total - recent + 1, 0.025), 0.0)
    high = np.where(recent < total, betaincinv(recent + 1, np.maximum(total - recent, 1), 0.975), np.nan)
    odds = share / (1 - share)
    with np.errstate(divide="ignore"):
        return low / (1 - low) / odds, high / (1 - high) / odds


def _false_shares(p: Any) -> Any:
    """Benjamini and Hochberg's q values, in the order given."""
    order = np.argsort(p, kind="stable")
    steps = p[order] * len(p) / np.arange(1, len(p) + 1)
    found = np.empty(len(p))
    found[order] = np.minimum(np.minimum.accumulate(steps[::-1])[::-1], 1.0)
    return found


def _ratio(part: pl.DataFrame) -> tuple[float | None, float | None, float | None]:
    """The rate ratio of several customers together: visits seen over visits expected from their own rhythm before.

    The interval is on the logarithm, from the spread between customers: visits of one person come in spells.
    """
    recent = part["n_recent"].to_numpy().astype(float)
    share = (part["days_recent"] / (part["days_recent"] + part["days_before"])).to_numpy()
    total = (part["n_recent"] + part["n_before"]).to_numpy()
    # Under one common ratio r: recent ~ Binomial(total, r s / (r s + 1 - s)); r solves sum(recent) = its expectation.
    ratio = _solve(recent, total, share)
    if ratio is None:
        return None, None, None
    mean = total * ratio * share / (ratio * share + 1 - share)
    slope = float((mean * (1 - share) / (ratio * share + 1 - share)).sum())
    error = float(np.sqrt(((recent - mean) ** 2).sum()) / slope) if len(recent) > 1 and slope > 0 else None
    if error is None:
        return ratio, None, None
    return ratio, float(ratio * np.exp(-1.959964 * error)), float(ratio * np.exp(1.959964 * error))


def _solve(recent: Any, total: Any, share: Any) -> float | None:
    seen = recent.sum()
    if seen <= 0 or seen >= total.sum():
        return None
    low, high = 1e-6, 1e6
    for _ in range(80):
        middle = np.sqrt(low * high)
        mean = (total * middle * share / (middle * share + 1 - share)).sum()
        low, high = (middle, high) if mean < seen else (low, middle)
    return float(np.sqrt(low * high))


def _by_label(frame: pl.DataFrame, labels: CustomerLabels | None) -> pl.DataFrame:
    if labels is None:
        return pl.DataFrame(schema=_GROUPS)
    named = frame.join(labels.frame.select("customer_id", "label"), on="customer_id", maintain_order="left")
    rows = []
    for label in labels.labels:
        part = named.filter(label=label)
        n, n_declining = part.height, int(part["declines"].sum())
        low, high = wilson(n_declining / n, n) if n else (None, None)
        rows.append(
            {
                "label": label,
                "n_customers": n,
                "n_declining": n_declining,
                "n_by_chance": float(part["by_chance"].sum()),
                "share": n_declining / n if n else None,
                "lo": None if low is None else max(low, 0.0),
                "hi": None if high is None else min(high, 1.0),
                **dict(zip(("rate_ratio", "ratio_lo", "ratio_hi"), _ratio(part), strict=True)),
            }
        )
    return pl.DataFrame(rows, schema=_GROUPS, orient="row")
