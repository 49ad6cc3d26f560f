"""How likely it is to leave in each month of the relation, and which months stand out.

The hazard of a month is the share of those there at its beginning who would leave in it, were nobody else to leave for
want of observation: one minus the product-limit estimate within the month. A month is a peak when it exceeds what the
months around it let expect, both sides being counted (Przyborowski & Wilenski 1940: given the sum of two counts, each
is binomial), Holm-corrected over all months.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analytics.survival.comparing import holm
from analytics.survival.kaplan_meier import Durations, Floats, Ints, RiskTable, count, positions

NEIGHBOURS = 3  # months on each side
LEAST_RATIO = 1.25  # of a peak to what its neighbours let expect
ALPHA = 0.05


@dataclass(frozen=True, slots=True, eq=False)
class Hazard:
    """Per ``period`` (completed units of tenure): ``at_risk`` at its beginning, ``ended`` in it, ``exposure`` (periods
    lived in it), the share that leaves ``hazard`` with ``lo`` and ``hi``, ``expected`` from its neighbours (NaN where
    nothing is near), ``p``, ``p_holm`` and whether it is a ``peak``."""

    period: Ints
    at_risk: Floats
    ended: Floats
    exposure: Floats
    hazard: Floats
    lo: Floats
    hi: Floats
    expected: Floats
    p: Floats
    p_holm: Floats
    peak: Ints


def hazard_by_period(durations: Durations, fewest: float = 10, level: float = 0.95, first: int = 0) -> Hazard:
    """The hazard of each period [k, k + 1) of ``durations``, in the unit of its times, from ``first`` on for as long as
    ``fewest`` are at risk."""
    times, place = positions(durations.time)
    table = count(durations, times, place)
    last = int(np.floor(times[-1])) if len(times) else -1
    period = np.floor(times + 1e-9).astype(np.int64)
    n = last + 1
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.where(table.at_risk > 0, np.clip(table.ended / table.at_risk, 0, 1), 0.0)
        logs = np.bincount(period, np.log1p(-np.minimum(share, 1 - 1e-12)), n)
        step = np.where(table.at_risk > table.ended, table.ended / (table.at_risk * (table.at_risk - table.ended)), 0.0)
    hazard = np.abs(np.expm1(logs))
    hazard = np.where(hazard > 1 - 1e-9, 1.0, hazard)
    ended = np.bincount(period, table.ended, n).astype(float)
    at_risk, exposure = _lived(table, durations, n)
    variance = np.asarray((1 - hazard) ** 2 * np.bincount(period, step, n), float)
    lo, hi = _limits(hazard, variance, at_risk, level)
    kept = (at_risk >= fewest) & (np.arange(n) >= first)
    end = int(np.flatnonzero(kept)[-1]) + 1 if kept.any() else 0
    shown = slice(first, end)
    expected, p, corrected, peak = _peaks(ended[shown], exposure[shown], at_risk[shown] >= fewest)
    return Hazard(
        np.arange(n)[shown],
        at_risk[shown],
        ended[shown],
        exposure[shown],
        hazard[shown],
        lo[shown],
        hi[shown],
        expected,
        p,
        corrected,
        peak,
    )


def _lived(table: RiskTable, durations: Durations, n: int) -> tuple[Floats, Floats]:
    """At risk at the beginning of each period, and periods lived in it. Times that are whole numbers stand for the
    period that begins there: whoever is at risk then has lived it."""
    if len(table.time) and np.all(table.time == np.floor(table.time)):
        at_risk = np.zeros(n)
        place = np.searchsorted(table.time, np.arange(n))
        inside = place < len(table.time)
        at_risk[inside] = table.at_risk[place[inside]]
        if durations.entry is not None:
            # Between two times with anybody at their end, those who come later are not there yet.
            exact = np.isin(np.arange(n), table.time)
            at_risk[~exact] = np.minimum(at_risk[~exact], np.r_[0.0, at_risk[:-1]][~exact])
        return at_risk, at_risk.copy()
    weight = np.ones(len(durations)) if durations.weight is None else durations.weight
    entry = np.zeros(len(durations)) if durations.entry is None else durations.entry
    exposure = _spread(durations.time, weight, n) - _spread(entry, weight, n)
    begins = np.arange(n, dtype=float)
    order = np.argsort(durations.time, kind="stable")
    left = np.r_[0.0, np.cumsum(weight[order])][np.searchsorted(durations.time[order], begins, side="left")]
    order_in = np.argsort(entry, kind="stable")
    came = np.r_[0.0, np.cumsum(weight[order_in])][np.searchsorted(entry[order_in], begins, side="right")]
    return np.maximum(came - left, 0.0), np.maximum(exposure, 0.0)


def _spread(until: Floats, weight: Floats, n: int) -> Floats:
    """Periods lived from 0 to ``until``, by period."""
    whole = np.minimum(np.floor(until), n).astype(np.int64)
    full = np.bincount(whole, weight, n + 1)
    lived = np.cumsum(full[::-1])[::-1][1:]  # those who live the whole of each period
    return np.asarray(lived + np.bincount(whole, weight * (until - whole), n + 1)[:n])


def _limits(hazard: Floats, variance: Floats, at_risk: Floats, level: float) -> tuple[Floats, Floats]:
    """Clopper and Pearson's (1934) limits, with as many people as give this variance."""
    from scipy.special import betaincinv

    tail = (1 - level) / 2
    with np.errstate(divide="ignore", invalid="ignore"):
        n = np.where(variance > 0, hazard * (1 - hazard) / variance, at_risk)
    n = np.where((n > 0) & np.isfinite(n), n, np.maximum(at_risk, 1.0))
    x = n * hazard
    with np.errstate(invalid="ignore"):
        lo = np.where(x > 0, betaincinv(np.maximum(x, 1e-9), n - x + 1, tail), 0.0)
        hi = np.where(n - x > 1e-9, betaincinv(x + 1, np.maximum(n - x, 1e-9), 1 - tail), 1.0)
    return lo, hi


def _peaks(
    ended: Floats, exposure: Floats, known: np.ndarray[tuple[int], np.dtype[np.bool_]]
) -> tuple[Floats, Floats, Floats, Ints]:
    """What the neighbours let expect, chances, corrected chances, and the peaks.

    The clearest peak is found first and leaves the neighbours of the others, then the next. A month that only lies on
    a slope is no peak: what is expected follows a slope that both sides share.
    """
    n = len(ended)
    out = np.zeros(n, dtype=bool)
    peak = np.zeros(n, dtype=np.int64)
    # Before the first who leaves it may not be possible to leave at all: those months are nobody's neighbours.
    begins = int(np.flatnonzero(ended > 0)[0]) if (ended > 0).any() else n
    known = known & (np.arange(n) >= begins)
    while True:
        expected, p = _against_neighbours(ended, exposure, known & ~out)
        corrected = holm(p)
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = (ended / exposure) / expected
        found = (corrected <= ALPHA) & (ratio >= LEAST_RATIO) & ~out & known
        if not found.any():
            return expected, p, corrected, peak
        best = int(np.flatnonzero(found)[np.argmin(p[found])])
        out[best] = True
        peak[best] = 1


def _against_neighbours(
    ended: Floats, exposure: Floats, usable: np.ndarray[tuple[int], np.dtype[np.bool_]]
) -> tuple[Floats, Floats]:
    from scipy.special import betainc

    n = len(ended)
    expected, p = np.full(n, np.nan), np.full(n, np.nan)
    for i in range(n):
        if exposure[i] <= 0 or not ended[: i + 1].any():
            continue
        near = [j for j in range(max(0, i - NEIGHBOURS), min(n, i + NEIGHBOURS + 1)) if j != i and usable[j]]
        near = [j for j in near if exposure[j] > 0]
        left, right = [j for j in near if j < i], [j for j in near if j > i]
        if left and right:
            rate, counted = _between(ended, exposure, left, right)
        elif len(right) == NEIGHBOURS:
            rate, counted = _before(ended[right], exposure[right])
        else:  # a last month has nobody after it to be held against
            continue
        expected[i] = rate
        # As many periods lived as would bring that count at the rate expected.
        share = exposure[i] / (exposure[i] + counted / rate)
        # P(X >= ended) for a binomial of ended + counted, continued to counts that are no whole numbers.
        p[i] = betainc(ended[i], counted + 1, share) if ended[i] > 0 else 1.0
    return expected, p


def _between(ended: Floats, exposure: Floats, left: list[int], right: list[int]) -> tuple[float, float]:
    """The mean rate of both sides, which follows a slope, and the count that would tell it as exactly."""
    counts = [max(float(ended[side].sum()), 0.5) for side in (left, right)]
    rates = [counted / float(exposure[side].sum()) for counted, side in zip(counts, (left, right), strict=True)]
    rate = sum(rates) / 2
    variance = sum(own**2 / counted for own, counted in zip(rates, counts, strict=True)) / 4
    return rate, rate**2 / variance


def _before(ended: Floats, exposure: Floats) -> tuple[float, float]:
    """The rate that three months let expect for the one before them: a straight line through their logarithms."""
    weights = np.array([4.0, 1.0, -2.0]) / 3
    counts = np.maximum(ended, 0.5)
    return float(np.exp(weights @ np.log(counts / exposure))), float(1 / (weights**2 @ (1 / counts)))
