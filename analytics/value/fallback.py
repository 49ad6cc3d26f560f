"""Where no model of repeat buying can speak: a subscription's residual lifetime, or the best simple rule."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from analytics.dataset import Dataset
from analytics.errors import AnalysisError
from analytics.value.checks import rules_of_thumb
from analytics.value.purchases import Purchases, Seen, to_day
from analytics.value.spec import RULES

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

LEAST_CUSTOMERS = 30  # with fewer, a holdout cannot tell rules apart
LEAST_HELD_OUT = 10  # purchases in the holdout
LEAST_GAPS = 200  # of customers together, to speak of a rhythm of fees; fewer if every customer has two
REGULAR_SHARE = 0.8  # of gaps close to one period
NEAR = 0.2  # of the period counts as close
LEAST_PERIOD_DAYS = 5
N_BINS = 5


@dataclass(frozen=True, slots=True, eq=False)
class Contracts:
    """Customers of a subscription, aligned with ``Seen``.

    Attributes
    ----------
    period_days : days from fee to fee.
    has_left : whether the customer has left by the end of observation.
    tenure : renewals so far, those before the data begin too. phase_days : days since the last payment.
    entered : periods stayed before the first payment that the data hold (who joined before the data begin).
    """

    period_days: float
    has_left: Flags
    tenure: Ints
    phase_days: Floats
    entered: Ints

    @property
    def periods(self) -> Ints:
        """The renewal at which the customer left, or those made: what ``btyd.sbg.fit_sbg`` asks for."""
        return self.tenure + self.has_left


def read_contracts(dataset: Dataset, purchases: Purchases, seen: Seen) -> Contracts | None:
    """The contracts behind the payments, if this is a subscription: leaving is dated and fees are regular; else None.

    Regular: at least 80 percent of the gaps between payments lie within a fifth of the median gap.
    """
    if not dataset.has("customers.customer_id", "customers.left_at"):
        return None
    gaps = np.diff(purchases.day)[np.diff(purchases.row) == 0]
    if len(gaps) < min(LEAST_GAPS, 2 * len(seen.row)):
        return None
    period = float(np.median(gaps))
    regular = np.abs(gaps - period) <= max(NEAR * period, 1.0)
    if period < LEAST_PERIOD_DAYS or regular.mean() < REGULAR_SHARE:
        return None
    # The mean of the regular gaps: months are 30.4 days, though most have 31.
    period = float(gaps[regular].mean())
    held = dataset.tables["customers"].filter(pl.col("customer_id").is_not_null())
    dates = [name for name in ("left_at", "joined_at") if name in held.columns]
    own = purchases.ids.to_frame("customer_id").join(
        held.unique("customer_id", keep="first", maintain_order=True).select("customer_id", *dates),
        on="customer_id",
        how="left",
        maintain_order="left",
    )
    end = to_day(dataset.as_of)
    left = own["left_at"].cast(pl.Date).to_physical().fill_null(end + 1).to_numpy().astype(np.int64)[seen.row]
    has_left = left <= end
    begun = seen.first
    if "joined_at" in dates:
        joined = own["joined_at"].cast(pl.Date).to_physical().fill_null(end + 1).to_numpy().astype(np.int64)[seen.row]
        begun = np.where(joined < purchases.first_day, np.minimum(joined, seen.first), seen.first)
    # Renewals are told by the payments: a date of leaving may lie anywhere in what was paid for.
    renewals = np.rint((seen.last - seen.first) / period).astype(np.int64)
    entered = np.floor((seen.first - begun) / period).astype(np.int64)
    phase = np.minimum((end - seen.last).astype(np.float64), 0.999 * period)
    return Contracts(period, has_left, entered + renewals, phase, entered)


@dataclass(frozen=True, slots=True, eq=False)
class RuleOutlook:
    """One entry per customer of ``Seen``: what the rule foretells for the horizon, and how far off it was before."""

    rule: str
    orders: Floats
    value: Floats | None
    orders_lo: Floats
    orders_hi: Floats
    value_lo: Floats | None
    value_hi: Floats | None
    orders_variance: Floats
    value_variance: Floats | None


def best_rule(foretold: dict[str, tuple[Floats, Floats | None]], actual: Ints) -> str:
    """The rule with the smallest root mean squared error of purchases; of equals the first of ``RULES``."""
    errors = {rule: float(((foretold[rule][0] - actual) ** 2).mean()) for rule in RULES}
    return min(RULES, key=lambda rule: errors[rule])


def stand_in(
    past: Purchases,
    purchases: Purchases,
    before: Seen,
    now: Seen,
    actual: Ints,
    actual_value: Floats | None,
    holdout_days: int,
    horizon_days: int,
    level: float,
    why: AnalysisError,
) -> RuleOutlook:
    """The best simple rule by the holdout; ``past`` and ``before`` are what was known at the cut.

    Intervals: of customers of like foretelling (five classes), the quantiles of (actual - foretold) in the holdout,
    stretched by horizon to holdout (its root where the horizon is shorter); never below zero. Raises ``why`` where the
    holdout cannot say.
    """
    if len(before.x) < LEAST_CUSTOMERS or actual.sum() < LEAST_HELD_OUT or holdout_days < 7:
        raise why
    told = rules_of_thumb(past, before, holdout_days)
    rule = best_rule(told, actual)
    ahead = rules_of_thumb(purchases, now, horizon_days)[rule]
    ratio = horizon_days / holdout_days
    stretch = max(ratio, float(np.sqrt(ratio)))
    lo, hi, variance = _errors(told[rule][0], actual.astype(np.float64), ahead[0], level, stretch)
    value, before_value = ahead[1], told[rule][1]
    if value is None or before_value is None or actual_value is None:
        return RuleOutlook(rule, ahead[0], None, lo, hi, None, None, variance, None)
    value_lo, value_hi, value_variance = _errors(before_value, actual_value, value, level, stretch)
    return RuleOutlook(rule, ahead[0], value, lo, hi, value_lo, value_hi, variance, value_variance)


def _errors(
    foretold: Floats, actual: Floats, ahead: Floats, level: float, stretch: float
) -> tuple[Floats, Floats, Floats]:
    edges = np.unique(np.quantile(foretold, np.arange(1, N_BINS) / N_BINS))
    old, new = np.searchsorted(edges, foretold, side="left"), np.searchsorted(edges, ahead, side="left")
    error = actual - foretold
    tail = (1 - level) / 2
    low, high, variance = (np.empty(len(edges) + 1) for _ in range(3))
    for code in range(len(edges) + 1):
        mine = error[old == code] if (old == code).any() else error
        low[code], high[code] = np.quantile(mine, [tail, 1 - tail])
        variance[code] = float((mine**2).mean())
    lo = np.maximum(ahead + stretch * np.minimum(low[new], 0.0), 0.0)
    return lo, ahead + stretch * np.maximum(high[new], 0.0), variance[new] * stretch**2
