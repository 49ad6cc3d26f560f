"""What earlier cuts of the same history tell: how far whole periods and like customers stray from the model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analytics.btyd.model import RepeatModel
from analytics.errors import AnalysisError
from analytics.value.checks import expected_from_new, rules_of_thumb
from analytics.value.choosing import compared, fit
from analytics.value.clock import Clock
from analytics.value.purchases import Purchases, Seen, look
from analytics.value.spreads import cells, draw_parameters, drawn_once

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

CUTS = (0.4, 0.5, 0.6, 0.7, 0.8)  # of the history, where an earlier analysis would have stood
LEAST_DAYS = 28  # of history before and after a cut
N_DRAWS = 40
LEAST_IN_CELL = 5.0  # expected purchases
LEAST_EXPECTED = 20.0  # purchases; less says nothing about a period
MOST_PACE, LEAST_PACE = 4.0, 0.25
YEAR = 364  # whole weeks
SMOOTH_DAYS = 14
PRIOR_PURCHASES = 30.0  # of a window count as bought at the expected pace: thin weeks have no pace of their own


@dataclass(frozen=True, slots=True)
class Straying:
    """Relative standard deviations of a period and of a cell (see ``Spread``), from how many separate windows."""

    common: float
    cell: float
    n_cuts: int


def stray(
    purchases: Purchases, foretell: Foreteller, clock_at: dict[int, Clock], until: int, horizon_days: int
) -> Straying:
    """Fit at each earlier cut, foretell what then came, and see what neither chance nor parameters explain.

    Periods: the mean square of log(actual / expected) of all customers, less what draws of process and parameters
    explain. Cells: within a period, after its own factor, as studies differ in a meta-analysis (DerSimonian & Laird
    1986), over all cuts together. By moments, never below zero. What goes astray
    wanders: its variance grows with the days looked ahead, and is carried from the windows that there are to
    ``horizon_days``. ``clock_at`` holds the clock that each cut (a day) would have run on.
    """
    common: list[float] = []
    cell: list[float] = []
    weights: list[float] = []
    windows: list[int] = []
    for cut, clock in clock_at.items():
        seen = look(purchases, cut, clock)
        end = min(until, cut + horizon_days)
        actual = purchases.between(cut, end)[seen.row]
        chosen = compared(seen, actual)
        seen, actual = seen.take(chosen), actual[chosen]
        of, n_cells = cells(seen.x, seen.T - seen.t_x)
        try:
            expected, variance, by_cell_variance = foretell(seen, end, of, n_cells)
        except AnalysisError:
            continue
        total = float(expected.sum())
        if total < LEAST_EXPECTED or not actual.sum():
            continue
        ratio = float(actual.sum()) / total
        common.append(float(np.log(ratio) ** 2 - variance / total**2))
        excess, weight = _between(of, n_cells, actual, ratio * expected, ratio**2 * by_cell_variance)
        cell.append(excess)
        weights.append(weight)
        windows.append(end - cut)
    if not common:
        return Straying(0.0, 0.0, 0)
    longer = horizon_days * len(windows) / sum(windows)
    periods = float(np.sqrt(max(longer * float(np.mean(common)), 0.0)))
    like = float(np.sqrt(max(longer * sum(cell) / sum(weights), 0.0))) if sum(weights) > 0 else 0.0
    # Windows that overlap tell of one period: those count that begin a whole window apart.
    cuts = list(clock_at)
    return Straying(periods, like, 1 + int((cuts[-1] - cuts[0]) * len(windows) / sum(windows)))


def _between(of: Ints, n_cells: int, actual: Ints, foretold: Floats, variance: Floats) -> tuple[float, float]:
    """Excess of squared relative gaps of cells over chance, and the weight it stands for: tau ** 2 is their ratio."""
    total, came = np.bincount(of, foretold, n_cells), np.bincount(of, actual, n_cells)
    known = (total >= LEAST_IN_CELL) & (variance > 0)
    if known.sum() < 2:
        return 0.0, 0.0
    weight = total[known] ** 2 / variance[known]
    gap = came[known] / total[known] - 1
    mean = float((weight * gap).sum() / weight.sum())
    excess = float((weight * (gap - mean) ** 2).sum()) - (len(weight) - 1)
    return excess, float(weight.sum() - (weight**2).sum() / weight.sum())


Foreteller = Callable[[Seen, int, Ints, int], tuple[Floats, float, Floats]]


def by_fitting(name: str, random_state: int) -> Foreteller:
    """A model fitted on what was seen: expected purchases of each customer, variance of the total and of each cell."""

    def foretell(seen: Seen, end: int, of: Ints, n_cells: int) -> tuple[Floats, float, Floats]:
        model = fit(name, seen)
        horizon = seen.clock.span(seen.until, end)
        expected = model.expected_purchases(seen.x, seen.t_x, seen.T, horizon)
        return expected, *_explained(model, seen, horizon, of, n_cells, random_state)

    return foretell


def by_rule_of_thumb(purchases: Purchases, rule: str) -> Foreteller:
    """A simple rule; chance is taken for Poisson."""

    def foretell(seen: Seen, end: int, of: Ints, n_cells: int) -> tuple[Floats, float, Floats]:
        expected = rules_of_thumb(purchases, seen, end - seen.until)[rule][0]
        return expected, float(expected.sum()), np.bincount(of, expected, n_cells).astype(np.float64)

    return foretell


def _explained(
    model: RepeatModel, seen: Seen, horizon: float, of: Ints, n_cells: int, random_state: int
) -> tuple[float, Floats]:
    """Variance of the total and of each cell's part, over draws of parameters and process."""
    # In the order of histories, so that neither ids nor the order of rows have a say in the draws.
    order = np.lexsort((seen.T, seen.t_x, seen.x))
    rng = np.random.default_rng(random_state)
    given = seen.x[order], seen.t_x[order], seen.T[order]
    drawn = np.zeros((N_DRAWS, n_cells))
    for k, parameters in enumerate(draw_parameters(model, N_DRAWS, rng)):
        counts = drawn_once(model.with_parameters(parameters), *given, horizon, rng, None)
        drawn[k] = np.bincount(of[order], counts, n_cells)
    return float(drawn.sum(axis=1).var(ddof=1)), drawn.var(axis=0, ddof=1)


def earlier_cuts(first_day: int, until: int) -> list[int]:
    """The days where earlier analyses would have stood."""
    span = until - first_day
    days = [first_day + int(span * share) for share in CUTS]
    return sorted({day for day in days if day - first_day >= LEAST_DAYS and until - day >= LEAST_DAYS})


def learn_clock(purchases: Purchases, until: int, unit_days: float, name: str, horizon_days: int) -> Clock | None:
    """A clock that runs with the seasons and the level of demand, from what was seen by ``until``; None if too short.

    The pace of a day in the past is how often customers bought around it, to how often the model on the plain clock
    expects customers of their age to buy. A day ahead takes the pace of the same season a year before, times the
    change of level in the last year against the one before.
    """
    start = purchases.first_day
    if until - start < 2 * YEAR:
        return None
    plain = Clock(unit_days)
    seen = look(purchases, until, plain)
    seen = seen.take(compared(seen, np.zeros(len(seen.x), dtype=np.int64)))
    pace = np.ones(until - start)
    days = np.arange(start + 1, until + 1)
    first = np.full(len(purchases.ids), np.iinfo(np.int64).max)
    first[seen.row] = seen.first
    repeats = purchases.day[(purchases.day > first[purchases.row]) & (purchases.day <= until)]
    actual = _smooth(np.bincount(repeats - start - 1, minlength=len(days)).astype(np.float64))
    for _ in range(2):
        clock = Clock(unit_days, start, pace)
        try:
            model = fit(name, seen.on(clock))
        except AnalysisError:
            return None
        expected = _smooth(_daily(model, seen.on(clock), days))
        own = (actual * (2 * SMOOTH_DAYS) + PRIOR_PURCHASES) / (expected * (2 * SMOOTH_DAYS) + PRIOR_PURCHASES)
        pace = np.clip(pace * own, LEAST_PACE, MOST_PACE)
        pace /= pace.mean()
    ahead = np.empty(horizon_days)
    drift = pace[-YEAR:].mean() / pace[-2 * YEAR : -YEAR].mean()
    known = pace
    for i in range(horizon_days):
        ahead[i] = known[len(known) - YEAR + i] * drift if i < YEAR else ahead[i - YEAR]
    return Clock(unit_days, start, np.concatenate([pace, np.clip(ahead, LEAST_PACE, MOST_PACE)]))


def _daily(model: RepeatModel, seen: Seen, days: Ints) -> Floats:
    """Expected repeat purchases of all customers on each day."""
    starts, counts = np.unique(seen.clock.at(seen.first), return_counts=True)
    edges = seen.clock.at(np.concatenate([[days[0] - 1], days]))
    (curve,) = expected_from_new(model, float(edges[-1] - starts[0]))
    return np.diff([float(counts @ curve(np.maximum(edge - starts, 0.0))) for edge in edges])


def _smooth(values: Floats) -> Floats:
    width = 3 * SMOOTH_DAYS
    weights = np.exp(-0.5 * (np.arange(-width, width + 1) / SMOOTH_DAYS) ** 2)
    kept = np.convolve(np.ones(len(values)), weights, mode="same")
    smoothed: Floats = np.convolve(values, weights, mode="same") / kept
    return smoothed
