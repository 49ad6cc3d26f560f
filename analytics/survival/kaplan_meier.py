"""The product-limit estimate with late entry, weights and several spells of one customer.

Kaplan & Meier (1958); bands are pointwise, on the scale of log(-log S) (Kalbfleisch & Prentice 1980), with Greenwood's
variance (1926). Where a customer has several spells, the variance adds up each customer's own influence (Ying & Wei
1994), which is exact here: a customer's influence changes only where one of their spells ends.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Durations:
    """How long each spell lasted: ``time`` (any unit), ``ended`` (False: still open, censored), ``entry`` (under
    observation from this time on; None: from 0), ``weight`` and ``cluster`` (codes of customers with several spells;
    None: one spell each, of weight 1)."""

    time: Floats
    ended: Flags
    entry: Floats | None = None
    weight: Floats | None = None
    cluster: Ints | None = None

    def __len__(self) -> int:
        return len(self.time)

    def take(self, rows: Flags | Ints) -> Durations:
        """The spells of these rows."""
        parts = (self.entry, self.weight, self.cluster)
        entry, weight, cluster = (None if part is None else part[rows] for part in parts)
        return Durations(self.time[rows], self.ended[rows], entry, weight, cluster)  # type: ignore[arg-type]  # three parts of three kinds, each as it was or None


@dataclass(frozen=True, slots=True, eq=False)
class RiskTable:
    """Counts at each distinct ``time`` (ascending): ``at_risk`` just before it, ``ended`` and ``censored`` at it."""

    time: Floats
    at_risk: Floats
    ended: Floats
    censored: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """Share still there just after each ``time``: ``survival``, ``lo``, ``hi`` (NaN where not known), its variance on
    the scale of the cumulative hazard (``variance``), and the counts of its ``table``. Before the first time: 1."""

    time: Floats
    survival: Floats
    lo: Floats
    hi: Floats
    variance: Floats
    table: RiskTable

    def at(self, when: float) -> tuple[float, float, float]:
        """survival, lo, hi at a time; NaN beyond the last spell."""
        if not len(self.time) or when > self.time[-1]:
            return (float("nan"),) * 3
        place = int(np.searchsorted(self.time, when, side="right")) - 1
        if place < 0:
            return 1.0, 1.0, 1.0
        return float(self.survival[place]), float(self.lo[place]), float(self.hi[place])

    def quantile(self, share: float) -> tuple[float, float, float]:
        """The time by which ``share`` have ended, and its interval (Brookmeyer & Crowley 1982); NaN: not reached."""
        level = 1 - share
        found = []
        for values in (self.survival, self.lo, self.hi):
            held = np.where(np.isnan(values), 1.0 if values is not self.survival else values, values)
            below = np.flatnonzero(held <= level + 1e-12)
            found.append(float(self.time[below[0]]) if len(below) else float("nan"))
        return found[0], found[1], found[2]

    def restricted_mean(self, horizon: float) -> tuple[float, float]:
        """Mean time up to ``horizon`` (the area under the curve) and its standard error (Klein & Moeschberger 2003)."""
        inside = self.time < horizon
        times = np.concatenate([[0.0], self.time[inside], [horizon]])
        steps = np.concatenate([[1.0], self.survival[inside]]) * np.diff(times)
        area = float(steps.sum())
        after = area - np.cumsum(steps)[:-1]  # from each time on, up to the horizon
        # Once all have ended nothing lies beyond: what has no variance there has no weight either.
        grown = np.concatenate([[0.0], self.variance[inside]])
        growth = np.diff(np.where(np.isfinite(grown), grown, 0.0))
        return area, float(np.sqrt((after**2 * np.maximum(growth, 0.0)).sum()))


def normal_quantile(level: float) -> float:
    """The half-width of a two-sided interval of ``level`` in standard errors."""
    from scipy.special import ndtri

    return float(ndtri(0.5 + level / 2))


def positions(times: Floats) -> tuple[Floats, Ints]:
    """The distinct times in ascending order and each one's position among them."""
    if len(times) and times.min() >= 0 and times.max() < 2**21 and np.all(times == np.floor(times)):
        whole = times.astype(np.int64)
        seen = np.zeros(int(whole.max()) + 1, dtype=bool)
        seen[whole] = True
        distinct = np.flatnonzero(seen)
        place = np.zeros(len(seen), dtype=np.int64)
        place[distinct] = np.arange(len(distinct))
        return distinct.astype(np.float64), place[whole]
    values, inverse = np.unique(times, return_inverse=True)
    return np.asarray(values, np.float64), inverse.astype(np.int64)


def count(durations: Durations, times: Floats | None = None, place: Ints | None = None) -> RiskTable:
    """Who was at risk, ended and was censored at each distinct time. A spell is at risk from just after its entry up to
    and including its end; who is censored at a time leaves after those who end at it."""
    if times is None or place is None:
        times, place = positions(durations.time)
    n = len(times)
    ended = np.bincount(place[durations.ended], _of(durations.weight, durations.ended), n).astype(float)
    left = np.bincount(place, durations.weight, n).astype(float)
    at_risk = np.cumsum(left[::-1])[::-1]
    if durations.entry is not None:
        # At risk at t: entered before t. Entries at or after t have not come yet.
        first = np.searchsorted(times, durations.entry, side="right")
        later = np.bincount(first, durations.weight, n + 1).astype(float)
        at_risk = at_risk - np.cumsum(later[::-1])[::-1][1:]
    return RiskTable(times, at_risk, ended, left - ended)


def estimate(durations: Durations, level: float = 0.95) -> Curve:
    """The product-limit curve. With late entry the curve is of those who stay beyond the time from which enough are
    known (``begins``): cut the spells there before."""
    times, place = positions(durations.time)
    table = count(durations, times, place)
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.where(table.at_risk > 0, table.ended / table.at_risk, 0.0)
        share = np.clip(share, 0.0, 1.0)
        survival = np.cumprod(1 - share)
        survival[survival < 1e-14] = 0.0
        if durations.cluster is None:
            step = table.ended / (table.at_risk * (table.at_risk - table.ended))
            variance = np.cumsum(np.where(table.ended > 0, step, 0.0))
        else:
            variance = _clustered(durations, place, table)
        lo, hi = log_log_band(survival, variance, level)
    return Curve(times, survival, lo, hi, variance, table)


def log_log_band(survival: Floats, variance: Floats, level: float) -> tuple[Floats, Floats]:
    """Limits of survival whose cumulative hazard has ``variance``; NaN where it is 0, and 1 before anybody ended."""
    z = normal_quantile(level)
    with np.errstate(divide="ignore", invalid="ignore"):
        spread = z * np.sqrt(variance) / np.abs(np.log(survival))
        lo, hi = survival ** np.exp(spread), survival ** np.exp(-spread)
    inside = (survival > 0) & (survival < 1)
    alone = np.where(survival >= 1, 1.0, np.nan)
    return np.where(inside, lo, alone), np.where(inside, hi, alone)


def begins(table: RiskTable, fewest: float) -> float:
    """The time from which at least ``fewest`` are at risk, on the way up to the most: with late entry nothing can be
    said before it. 0 where that holds from the beginning."""
    if not len(table.time):
        return 0.0
    most = int(np.argmax(table.at_risk))
    scarce = np.flatnonzero(table.at_risk[:most] < min(fewest, table.at_risk[most]))
    return float(table.time[scarce[-1]]) if len(scarce) else 0.0


def _of(weight: Floats | None, rows: Flags) -> Floats | None:
    return None if weight is None else weight[rows]


def _clustered(durations: Durations, place: Ints, table: RiskTable) -> Floats:
    """Variance of the cumulative hazard, customers being the units.

    A customer's influence at t is S - H(t) W: S adds up what their spells that ended or closed by t contributed, W is
    the weight of those still running, H(t) the integral of the hazard over the number at risk.
    """
    weight = np.ones(len(place)) if durations.weight is None else durations.weight
    assert durations.cluster is not None
    with np.errstate(divide="ignore", invalid="ignore"):
        inverse = np.where(table.at_risk > 0, 1 / table.at_risk, 0.0)
    integral = np.cumsum(table.ended * inverse**2)
    own = weight * (durations.ended * inverse[place] - integral[place])
    order = np.lexsort((place, durations.cluster))
    cluster, own, weight, at = durations.cluster[order], own[order], weight[order], place[order]
    first = np.flatnonzero(np.r_[True, cluster[1:] != cluster[:-1]])
    group = np.cumsum(np.r_[True, cluster[1:] != cluster[:-1]]) - 1
    total = np.add.reduceat(weight, first)
    done, closed = np.cumsum(own), np.cumsum(weight)
    done -= np.r_[0.0, done][first][group]
    left = np.maximum(total[group] - (closed - np.r_[0.0, closed][first][group]), 0.0)
    before, was = done - own, left + weight
    n = len(table.time)
    squares = np.cumsum(np.bincount(at, done**2 - before**2, n))
    mixed = np.cumsum(np.bincount(at, done * left - before * was, n))
    open_ = np.sum(total**2) + np.cumsum(np.bincount(at, left**2 - was**2, n))
    return np.asarray(np.maximum(squares - 2 * integral * mixed + integral**2 * open_, 0.0))
