"""Is each hazard ratio the same all the time? The check of Grambsch & Therneau (1994) on scaled Schoenfeld residuals.

A slope of the scaled residuals over (transformed) time means that the ratio changes with tenure; their mean within a
stretch of time estimates the coefficient there.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Literal, NamedTuple

import numpy as np

from analytics.survival.comparing import Test
from analytics.survival.cox import CoxFit
from analytics.survival.kaplan_meier import Floats, Ints, normal_quantile

Transform = Literal["rank", "identity", "log"]


class Stretch(NamedTuple):
    """The coefficient of one column among the events of a stretch of time, with its interval."""

    column: int
    first: float
    time: float  # median of the events
    last: float
    n_events: int
    coefficient: float
    lo: float
    hi: float


def check(fit: CoxFit, groups: list[list[int]], transform: Transform = "rank") -> tuple[list[Test], list[Test], Test]:
    """The test of each column, of each group of columns (the levels of one covariate), and of all together."""
    shape = _transformed(fit.event_time, transform)
    slope = (shape - shape.mean()) @ fit.schoenfeld
    spread = float(((shape - shape.mean()) ** 2).sum())
    p = fit.schoenfeld.shape[1]
    single = [_test(fit, slope, spread, [one]) for one in range(p)]
    return single, [_test(fit, slope, spread, columns) for columns in groups], _test(fit, slope, spread, list(range(p)))


def over_time(fit: CoxFit, n_stretches: int = 10, level: float = 0.95) -> list[Stretch]:
    """Each coefficient in ``n_stretches`` of about equally many events, in the order of time."""
    order = np.argsort(fit.event_time, kind="stable")
    times = fit.event_time[order]
    variance = np.diag(fit.model_covariance) * fit.n_events
    scaled = fit.coefficients + fit.n_events * fit.schoenfeld[order] @ fit.model_covariance
    z = normal_quantile(level)
    # A stretch ends where a time ends: those who leave at one time belong together.
    wanted = np.arange(1, n_stretches) * len(times) // n_stretches
    edges = np.unique(np.r_[0, np.searchsorted(times, times[wanted], side="right"), len(times)])
    found = []
    for low, high in pairwise(edges):
        mean = scaled[low:high].mean(axis=0)
        error = z * np.sqrt(variance / (high - low))
        for one in range(len(mean)):
            found.append(
                Stretch(
                    one,
                    float(times[low]),
                    float(np.median(times[low:high])),
                    float(times[high - 1]),
                    int(high - low),
                    float(mean[one]),
                    float(mean[one] - error[one]),
                    float(mean[one] + error[one]),
                )
            )
    return found


def _transformed(times: Floats, transform: Transform) -> Floats:
    if transform == "rank":
        # Equal times share the mean of their ranks.
        order = np.argsort(times, kind="stable")
        fresh = np.r_[True, times[order][1:] != times[order][:-1]]
        run: Ints = np.cumsum(fresh) - 1
        counts = np.bincount(run)
        middle = np.cumsum(counts) - (counts - 1) / 2
        ranks = np.empty(len(times))
        ranks[order] = middle[run]
        return ranks
    if transform == "log":
        return np.asarray(np.log(np.maximum(times, 1e-12)))
    return times


def _test(fit: CoxFit, slope: Floats, spread: float, columns: list[int]) -> Test:
    """Variances are taken as constant over time, as in the paper: V d for each event."""
    from scipy.special import chdtrc

    if spread <= 0 or not columns:
        return Test(float("nan"), 0, float("nan"))
    at = np.ix_(columns, columns)
    # Scaled by the whole covariance, then the part of these columns: for one column this is the classic statistic.
    scaled = (fit.model_covariance @ slope)[columns] * fit.n_events
    statistic = float(scaled @ np.linalg.pinv(fit.model_covariance[at], hermitian=True) @ scaled)
    statistic /= fit.n_events * spread
    return Test(statistic, len(columns), float(chdtrc(len(columns), statistic)))
