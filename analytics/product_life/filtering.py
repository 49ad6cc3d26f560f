"""Reading the hidden path from sales: exact filtering and smoothing on the grid of regimes and levels.

Sales are negative binomial around level times exposure; a few periods are outliers of much larger spread, so that one
odd period is no turn. What is known of regime and level is a table, carried forward period by period (Hamilton 1989,
"A new approach to the economic analysis of nonstationary time series", Econometrica 57; Rabiner 1989): at every period
it holds only what was known by then. One pass backward gives what is known of each period by the end.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from analytics.product_life.regimes import N_LEVELS, STEP, Grid
from analytics.progress import report

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]

OUTLIER_SHARE, OUTLIER_SHAPE = 0.05, 0.6
HEADROOM = 0.8  # room of the grid above the best of a product's own past, in logarithms
STRAY, STRAYS = 0.03, 0.45  # chance that something gone still sells in a period; and of each further sale
EARLY = 1e-6  # and something not launched yet
AT_ONCE = 64  # products in memory at a time


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """What is known of n products over T periods. Stages: column 0 not yet launched, then in the order of STAGES.

    then : (n, T, 6) chance of each stage by what was known in that period. by_now : the same by the end.
    level : (n, T) log level by the end, the mean over what was for sale. spread : (n, T) its standard deviation.
    regime : (n, R) chance of each regime in the last period.
    """

    then: Floats
    by_now: Floats
    level: Floats
    spread: Floats
    regime: Floats


def read_lives(sales: Floats, exposure: Floats, shape: Floats, grid: Grid) -> Reading:
    """Read n products at once.

    Parameters
    ----------
    sales : (n, T), counts (or amounts in units of one sale).
    exposure : (n, T), expected sales at level 1; 0 where nothing was observed.
    shape : (n,), of the negative binomial.
    """
    import numpy as np

    parts = []
    for start in range(0, len(sales), AT_ONCE):
        report(start / len(sales), "product_life_reading")
        some = slice(start, start + AT_ONCE)
        parts.append(_read(sales[some], exposure[some], shape[some], grid))
    joined = [np.concatenate([getattr(part, name) for part in parts]) for name in Reading.__dataclass_fields__]
    return Reading(*joined)


def grid_levels(sales: Floats, exposure: Floats) -> Floats:
    """(n, L) log levels of each product's grid, ascending, up to a little above its best three periods in a row."""
    import numpy as np

    rate = np.divide(sales, exposure, out=np.zeros_like(sales), where=exposure > 0)
    running = np.cumsum(np.pad(rate, ((0, 0), (3, 0))), axis=1)
    best = ((running[:, 3:] - running[:, :-3]) / 3).max(axis=1, initial=0.0)
    top = np.log(np.maximum(best, 0.3)) + HEADROOM
    return np.asarray(top[:, None] + (np.arange(N_LEVELS) - N_LEVELS + 1) * STEP, dtype=np.float64)


def _read(sales: Floats, exposure: Floats, shape: Floats, grid: Grid) -> Reading:
    """Arrays run (regime, product, level): each step is one product of matrices per regime."""
    import numpy as np

    n, periods = sales.shape
    levels = grid_levels(sales, exposure)
    # What never sold by then cannot be gone.
    begun = np.cumsum(sales > 0, axis=1) > 0
    seen = [likelihood(sales[:, t], exposure[:, t], levels, shape, begun[:, t]) for t in range(periods)]
    follows, moves = grid.follows.astype(np.float32), grid.moves.astype(np.float32)
    size = (len(grid.pace), n, N_LEVELS)

    known = np.empty((periods, *size), dtype=np.float32)
    state = np.broadcast_to(grid.begins[:, None, None] / N_LEVELS, size).astype(np.float32)
    for t in range(periods):
        if t:
            state = np.matmul((follows.T @ state.reshape(size[0], -1)).reshape(size), moves)
        state = _weighed(state, grid, *seen[t])
        known[t] = state

    by_now, level, spread = np.empty((n, periods, 6)), np.empty((n, periods)), np.empty((n, periods))
    ahead, back = np.ones(size, dtype=np.float32), moves.transpose(0, 2, 1)
    for t in range(periods - 1, -1, -1):
        if t < periods - 1:
            later = np.matmul(_weighed(ahead, grid, *seen[t + 1]), back)
            ahead = (follows @ later.reshape(size[0], -1)).reshape(size)
            ahead /= np.maximum(ahead.max(axis=(0, 2), keepdims=True), 1e-30)
        both = (known[t] * ahead).astype(np.float64)
        both /= np.maximum(both.sum(axis=(0, 2), keepdims=True), 1e-300)
        by_now[:, t] = _stages(both.sum(axis=2).T, grid)
        level[:, t], spread[:, t] = _level(both, levels, grid)
    then = np.stack([_stages(known[t].sum(axis=2, dtype=np.float64).T, grid) for t in range(periods)], axis=1)
    regime = known[-1].sum(axis=2, dtype=np.float64).T
    return Reading(then, by_now, level, spread, regime / regime.sum(axis=1, keepdims=True))


def likelihood(
    y: Floats, exposure: Floats, levels: Floats, shape: Floats, begun: npt.NDArray[np.bool_]
) -> tuple[Floats, Floats, Floats]:
    """Of one period: (n, L) for what is on sale, (n,) for what is not yet, (n,) for what is no more."""
    import numpy as np
    from scipy.special import gammaln

    mean = np.maximum(np.exp(levels) * exposure[:, None], 1e-12)
    y = y[:, None]

    def chance(k: Floats | float) -> Floats:
        whole = (
            gammaln(y + k) - gammaln(k) - gammaln(y + 1) + k * np.log(k / (k + mean)) + y * np.log(mean / (mean + k))
        )
        return np.asarray(np.exp(whole), dtype=np.float64)

    on_sale = (1 - OUTLIER_SHARE) * chance(shape[:, None]) + OUTLIER_SHARE * chance(OUTLIER_SHAPE)
    y = y[:, 0]
    early = np.where(y <= 0, 1.0, EARLY / (1 + y))
    gone = np.where(y <= 0, 1 - STRAY, STRAY * STRAYS ** np.minimum(y, 60.0))
    unseen = exposure <= 0
    on_sale[unseen] = early[unseen] = gone[unseen] = 1.0
    gone[~begun] = EARLY
    return on_sale, early, gone


def _weighed(
    state: npt.NDArray[np.float32], grid: Grid, on_sale: Floats, early: Floats, gone: Floats
) -> npt.NDArray[np.float32]:
    import numpy as np

    out = state * on_sale.astype(np.float32)
    absent, over = grid.stage == -1, grid.stage == 4
    out[absent] = state[absent] * early.astype(np.float32)[:, None]
    out[over] = state[over] * gone.astype(np.float32)[:, None]
    return np.asarray(out / np.maximum(out.sum(axis=(0, 2), keepdims=True), 1e-30), dtype=np.float32)


def _stages(regimes: Floats, grid: Grid) -> Floats:
    """(n, R) chances of regimes as (n, 6) chances of stages."""
    import numpy as np

    sums = np.stack([regimes[:, grid.stage == stage].sum(axis=1) for stage in range(-1, 5)], axis=1)
    return np.asarray(sums / np.maximum(sums.sum(axis=1, keepdims=True), 1e-300), dtype=np.float64)


def _level(both: Floats, levels: Floats, grid: Grid) -> tuple[Floats, Floats]:
    """Mean and standard deviation of the log level over what is on sale (over all, where nothing is)."""
    import numpy as np

    on_sale = both[(grid.stage >= 0) & (grid.stage < 4)].sum(axis=0)
    total = on_sale.sum(axis=1, keepdims=True)
    weight = np.where(total > 1e-9, on_sale / np.maximum(total, 1e-300), both.sum(axis=0))
    mean = (weight * levels).sum(axis=1)
    return mean, np.sqrt(np.maximum((weight * (levels - mean[:, None]) ** 2).sum(axis=1), 0.0))
