"""Each customer's own rhythm of ordering, and the silence beyond which a customer is overdue.

The model is MBG/CNBD-k (Platzer and Reutterer 2016, "Ticking away the moments", Marketing Science 35(5): 779-799),
with any real shape. The days between one customer's order days are gamma distributed with a shape that all share (1:
at random, as exponential; more: regular, like a clock) and a rate of their own; rates are gamma distributed over
customers. After each order a customer may leave for good, with a chance of their own (beta distributed over customers):
so an open gap is either a gap still to be completed or nothing at all, and those who never return do not stretch the
rhythm of those who do. The five numbers are found by maximum likelihood over customers (empirical Bayes); every
completed gap counts, and the open gap as censored.

Given ``n`` completed gaps of ``span`` days in sum, the next gap of a customer who has not left is beta prime
distributed with scale ``b + span`` and shapes ``k`` and ``a + k n`` (Lomax with ``k`` = 1).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import polars as pl

LEAST_RETURNERS = 20  # customers with a completed gap below which no rhythm is learned
LEAST_DAYS = 7  # nobody is overdue within a week: many shops are closed on some of its days
_FITTED = 3_000  # customers fitted: rates and shape are then known to about 2 percent

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
NoRhythm = Literal["no_repeat", "too_few_returners"]


@dataclass(frozen=True, slots=True)
class Rhythm:
    """What all customers share, from which each customer's own threshold follows.

    Attributes
    ----------
    shape : k, of the gaps of one customer. 1: as if at random; 4: the gaps of a customer vary by half their mean.
    prior_gaps, prior_days : a and b of the gamma distribution of rates over customers, as gaps of shape 1 and days.
    leaves_a, leaves_b : of the beta distribution of the chance to leave after an order.
    quantile : share of returns that come before a customer is overdue.
    horizon_days : days from the first order in the data to the day it was learned on. Longer gaps than this were never
        observed: all quantiles are of gaps up to it, and no threshold is beyond it.
    n_customers, n_returners, n_gaps : customers with an order, those with a completed gap, completed gaps.
    """

    shape: float
    prior_gaps: float
    prior_days: float
    leaves_a: float
    leaves_b: float
    quantile: float
    horizon_days: int
    n_customers: int
    n_returners: int
    n_gaps: int

    def lapsed_after_days(self, n_gaps: npt.ArrayLike, span_days: npt.ArrayLike) -> Ints:
        """Days of silence after which a customer is overdue, from the gaps completed so far.

        The ``quantile`` of the next gap, among gaps of at most ``horizon_days``, of a customer with ``n_gaps``
        completed gaps that sum to ``span_days`` (first to last order day); rounded down, between 7 days (or the
        horizon, where it is shorter) and the horizon. Overdue is who is silent for longer than this.
        """
        from scipy.special import betainc, betaincinv

        n, span = np.broadcast_arrays(np.asarray(n_gaps, np.int64), np.asarray(span_days, np.int64))
        # Both are small whole numbers: few pairs differ, however many customers there are.
        width = int(span.max(initial=0)) + 1
        pairs, where = np.unique(n.ravel() * width + span.ravel(), return_inverse=True)
        scale = self.prior_days + pairs % width
        second = self.prior_gaps + self.shape * (pairs // width)
        reach = betainc(self.shape, second, self.horizon_days / (scale + self.horizon_days))
        at = betaincinv(self.shape, second, self.quantile * reach)
        days = np.floor(scale * at / (1 - at) + 1e-9)
        bounded = np.clip(days, min(LEAST_DAYS, self.horizon_days), self.horizon_days).astype(np.int64)
        found: Ints = bounded[where].reshape(n.shape)
        return found

    def p_longer(self, n_gaps: npt.ArrayLike, span_days: npt.ArrayLike, silence_days: npt.ArrayLike) -> Floats:
        """Chance that the next gap of a customer who has not left is longer than ``silence_days``."""
        from scipy.special import betaincc

        scale = self.prior_days + np.asarray(span_days, float)
        silence = np.asarray(silence_days, float)
        second = self.prior_gaps + self.shape * np.asarray(n_gaps, float)
        return np.asarray(betaincc(self.shape, second, silence / (scale + silence)), float)

    def p_stayed(self, n_gaps: npt.ArrayLike, span_days: npt.ArrayLike, silence_days: npt.ArrayLike) -> Floats:
        """Chance that a customer has not left, given the gaps completed and the silence since."""
        n = np.asarray(n_gaps, float)
        silent = (self.leaves_b + n) * self.p_longer(n_gaps, span_days, silence_days)
        return np.asarray(silent / (silent + self.leaves_a), float)


def learn_rhythm(order_days: pl.DataFrame, as_of: date, quantile: float = 0.9) -> Rhythm | None:
    """The rhythm of all customers by what is known on ``as_of``; None where ``no_rhythm`` says why.

    Parameters
    ----------
    order_days : customer (any id), day (Date, or whole days since 1970-01-01): each customer's order days. Repeated
        rows and days after ``as_of`` are left out.
    quantile : share of returns that come before a customer is overdue, 0.5-0.999.
    """
    told = _histories(order_days, as_of)
    n_returners = int((told["n"] > 0).sum())
    if no_rhythm(told.height, n_returners) is not None:
        return None
    horizon = int(told.select((pl.col("span") + pl.col("silence")).max()).item())
    shape, gaps, days, leaves_a, leaves_b = _fit(told)
    return Rhythm(
        shape=shape,
        prior_gaps=gaps,
        prior_days=days,
        leaves_a=leaves_a,
        leaves_b=leaves_b,
        quantile=quantile,
        horizon_days=horizon,
        n_customers=told.height,
        n_returners=n_returners,
        n_gaps=int(told["n"].sum()),
    )


def no_rhythm(n_customers: int, n_returners: int) -> NoRhythm | None:
    """Why no rhythm can be learned: nobody has ordered on two days, or fewer than 20 customers have; else None."""
    if not n_customers or not n_returners:
        return "no_repeat"
    return "too_few_returners" if n_returners < LEAST_RETURNERS else None


def _histories(order_days: pl.DataFrame, as_of: date) -> pl.DataFrame:
    """n (completed gaps), span (their sum), logs (sum of their logarithms), silence: one row per customer."""
    until = (as_of - date(1970, 1, 1)).days
    days = order_days.select("customer", pl.col("day").cast(pl.Int32)).filter(pl.col("day") <= until).unique()
    gaps = days.sort("customer", "day").with_columns(gap=pl.col("day").diff().over("customer"))
    return gaps.group_by("customer").agg(
        n=pl.len().cast(pl.Int64) - 1,
        span=(pl.col("day").max() - pl.col("day").min()).cast(pl.Int64),
        logs=pl.col("gap").log().sum(),
        silence=until - pl.col("day").max().cast(pl.Int64),
    )


def _fit(told: pl.DataFrame) -> tuple[float, float, float, float, float]:
    """shape, prior_gaps, prior_days, leaves_a, leaves_b of greatest likelihood.

    Each logarithm has a wide normal prior (standard deviation 3): it holds what the data cannot tell, such as how rates
    differ where all customers are alike, and is nothing beside a hundred customers.
    """
    from scipy.optimize import minimize

    # Every so-manieth of the customers in the order of their figures: all kinds in their shares, ids of no influence.
    ordered = told.select("n", "span", "silence", "logs").sort(pl.all())
    step = max(1, -(-ordered.height // _FITTED))
    chosen = ordered.gather_every(step, offset=step // 2 if ordered.height > step // 2 else 0)
    alike = chosen.group_by("n", "span", "silence", "logs").len().sort("n", "span", "silence", "logs")
    n, span, silence, logs, weight = (alike[name].cast(pl.Float64).to_numpy() for name in alike.columns)
    mean_gap = float(span.sum() / max(n.sum(), 1.0))
    centre = np.array([0.0, 0.0, np.log(max(mean_gap, 1.0)), 0.0, 0.5])
    data = n, span, logs, silence, weight

    def loss(at: Floats) -> float:
        return -_log_likelihood(at, data) + float(((at - centre) ** 2).sum()) / 18

    start = centre + np.array([0.0, 0.5, 0.5, 0.0, 0.0])  # other starts ended at the same place
    low, high = np.log([0.2, 0.05, 0.01, 0.001, 0.01]), np.log([60.0, 300.0, 1e6, 300.0, 3000.0])
    bounds = list(zip(low, high, strict=True))
    found: Any = minimize(loss, np.clip(start, low, high), method="L-BFGS-B", bounds=bounds, options={"maxiter": 200})
    shape, gaps, days, leaves_a, leaves_b = (float(value) for value in np.exp(found.x))
    return shape, gaps, days, leaves_a, leaves_b


def _log_likelihood(at: Floats, data: tuple[Floats, Floats, Floats, Floats, Floats]) -> float:
    """Of the logarithms of shape, prior_gaps, prior_days, leaves_a, leaves_b; rates and chances integrated out."""
    from scipy.special import betaincc, betaln, gammaln

    n, span, logs, silence, weight = data
    k, a, b, u, v = np.exp(at)
    after = a + k * n
    gaps = (k - 1) * logs - n * gammaln(k) + a * np.log(b) - gammaln(a) + gammaln(after) - after * np.log(b + span)
    longer = betaincc(k, after, silence / (b + span + silence))
    # The chance to leave after the last order, against staying through a gap that is still open.
    stayed = betaln(u, v + n) - betaln(u, v) + np.log(u / (u + v + n) + (v + n) / (u + v + n) * longer)
    return float((weight * (gaps + stayed)).sum())
