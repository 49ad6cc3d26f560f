"""Do groups differ in how long they stay? The log-rank test for several groups, and pair by pair.

Mantel (1966), Peto & Peto (1972); with several spells of one customer the score's variance adds up each customer's own
residual (Lee, Wei & Amato 1992). Pairs are corrected by Holm (1979).
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np

from analytics.survival.kaplan_meier import Durations, Floats, Ints, count, positions


@dataclass(frozen=True, slots=True)
class Test:
    """A chi-square ``statistic`` with ``df`` degrees of freedom and its ``p``; NaN where nothing can be compared."""

    statistic: float
    df: int
    p: float


NOTHING = Test(float("nan"), 0, float("nan"))


@dataclass(frozen=True, slots=True, eq=False)
class Counted:
    """Ended and at risk per distinct time and group: each T x k."""

    time: Floats
    ended: Floats
    at_risk: Floats


def count_groups(durations: Durations, group: Ints, k: int) -> Counted:
    """Counts of each of ``k`` groups at the distinct times of all of them."""
    times, place = positions(durations.time)
    ended, at_risk = np.empty((len(times), k)), np.empty((len(times), k))
    for one in range(k):
        rows = np.flatnonzero(group == one)
        table = count(durations.take(rows), times, place[rows])
        ended[:, one], at_risk[:, one] = table.ended, table.at_risk
    return Counted(times, ended, at_risk)


def log_rank(counted: Counted) -> Test:
    """Are all groups alike? Hypergeometric variance; for one spell per customer."""
    ended, at_risk = counted.ended.sum(axis=1), counted.at_risk.sum(axis=1)
    used = (ended > 0) & (at_risk > 1)
    ended, at_risk = ended[used], at_risk[used]
    share = counted.at_risk[used] / at_risk[:, None]
    score = (counted.ended[used] - ended[:, None] * share).sum(axis=0)
    factor = ended * (at_risk - ended) / (at_risk - 1)
    variance = np.diag(factor @ share) - (share * factor[:, None]).T @ share
    return _quadratic(score, variance)


def clustered_log_rank(durations: Durations, group: Ints, k: int) -> Test:
    """The same where a customer has several spells or spells have weights: customers are the units."""
    counted = count_groups(durations, group, k)
    _times, place = positions(durations.time)
    at_risk = counted.at_risk.sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.where(at_risk[:, None] > 0, counted.at_risk / at_risk[:, None], 0.0)
        hazard = np.where(at_risk > 0, counted.ended.sum(axis=1) / at_risk, 0.0)
    mean = np.cumsum(share * hazard[:, None], axis=0)
    total = np.cumsum(hazard)
    own = np.zeros((len(place), k))
    own[np.arange(len(place)), group] = 1.0
    residual = durations.ended[:, None] * (own - share[place]) - (own * total[place][:, None] - mean[place])
    if durations.entry is not None:
        first = np.searchsorted(counted.time, durations.entry, side="right")
        residual += own * np.r_[0.0, total][first][:, None] - np.vstack([np.zeros(k), mean])[first]
    if durations.weight is not None:
        residual *= durations.weight[:, None]
    if durations.cluster is not None:
        codes = np.unique(durations.cluster, return_inverse=True)[1]
        residual = np.column_stack([np.bincount(codes, residual[:, one]) for one in range(k)])
    return _quadratic(residual.sum(axis=0), residual.T @ residual)


def compare(durations: Durations, group: Ints, k: int) -> Test:
    """The test that suits these spells."""
    if durations.cluster is not None:
        return clustered_log_rank(durations, group, k)
    return log_rank(count_groups(durations, group, k))


def pairs(durations: Durations, group: Ints, k: int) -> list[tuple[int, int, Test]]:
    """Every two groups by themselves."""
    if durations.cluster is None:
        counted = count_groups(durations, group, k)
        return [
            (a, b, log_rank(Counted(counted.time, counted.ended[:, [a, b]], counted.at_risk[:, [a, b]])))
            for a, b in combinations(range(k), 2)
        ]
    found = []
    for a, b in combinations(range(k), 2):
        rows = np.flatnonzero((group == a) | (group == b))
        found.append((a, b, clustered_log_rank(durations.take(rows), (group[rows] == b).astype(np.int64), 2)))
    return found


def holm(p: Floats) -> Floats:
    """Holm's corrected p-values, in the order given; NaN stays and does not count."""
    known = np.flatnonzero(~np.isnan(p))
    corrected = np.full(len(p), np.nan)
    order = known[np.argsort(p[known], kind="stable")]
    steps = p[order] * np.arange(len(order), 0, -1)
    corrected[order] = np.minimum(np.maximum.accumulate(steps), 1.0)
    return corrected


def _quadratic(score: Floats, variance: Floats) -> Test:
    """score' V^- score; its degrees of freedom are the rank of V, at most one less than the groups."""
    from scipy.special import chdtrc

    values, vectors = np.linalg.eigh((variance + variance.T) / 2)
    kept = values > max(values.max(initial=0.0), 1e-300) * 1e-10
    kept &= np.cumsum(kept[::-1])[::-1] < len(score)  # the scores of all groups add up to nothing
    if not kept.any():
        return NOTHING
    statistic = float((((vectors.T @ score)[kept]) ** 2 / values[kept]).sum())
    return Test(statistic, int(kept.sum()), float(chdtrc(int(kept.sum()), statistic)))
