"""Prophet as a candidate: every series of a block by our own solver of its objective."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from analytics.forecasting.block import Block, Floats
    from analytics.forecasting.spec import ForecastSpec

MOST_AT_ONCE = 4_000_000  # numbers in the normal equations solved together


def prophet(block: Block, spec: ForecastSpec) -> Floats:
    """Prophet's forecasts, shape (n, h); abstains below two observed periods.

    Piecewise linear trend, weekly and yearly season, holidays: Taylor & Letham (2018), "Forecasting at scale".
    """
    import numpy as np

    n, n_periods = block.y.shape
    whole = np.full((n, n_periods + block.horizon), np.nan)
    for rows, lines in _lines(block, spec):
        whole[rows] = lines
    return whole[:, n_periods:]


def _lines(block: Block, spec: ForecastSpec) -> Iterator[tuple[npt.NDArray[np.intp], Floats]]:
    import numpy as np

    from analytics.forecasting.prophet_model.design import lay_out, read_history
    from analytics.forecasting.prophet_model.solver import BASE_SCALE, solve_additive

    options = spec.prophet
    n_periods = block.y.shape[1]
    regressors = lay_out(block, options, spec.calendar)
    seen = np.isfinite(block.y)
    filled = np.where(seen, block.y, 0.0)
    highest = np.where(seen, block.y, -np.inf).max(axis=1, initial=-np.inf)
    lowest = np.where(seen, block.y, np.inf).min(axis=1, initial=np.inf)
    enough = seen.sum(axis=1) >= 2
    constant = np.flatnonzero(enough & (highest == lowest))
    yield constant, np.repeat(highest[constant, None], n_periods + block.horizon, axis=1)

    usable = np.flatnonzero(enough & (highest > lowest))
    if not len(usable):
        return
    scale = np.maximum(np.abs(highest), np.abs(lowest))
    patterns, member = np.unique(seen[usable], axis=0, return_inverse=True)
    n_base, n_bends = 1 if options.growth == "flat" else 2, 0 if options.growth == "flat" else options.n_changepoints
    k = regressors.values.shape[1]
    p = n_base + k + n_bends
    most = max(1, MOST_AT_ONCE // (p * p))
    # Series of one pattern share their normal equations; patterns are taken in pieces that fit in memory.
    order = np.argsort(member, kind="stable")
    for start in range(0, len(order), most):
        piece = order[start : start + most]
        gram = np.empty((len(piece), p, p))
        cross = np.empty((len(piece), p))
        designs = {}
        for pattern in np.unique(member[piece]):
            history = read_history(patterns[pattern], regressors, block.frequency, options)
            design = np.zeros((n_periods + block.horizon, p))
            design[:, 0] = 1
            if n_base == 2:
                design[:, 1] = history.t
            design[:, n_base : n_base + k] = regressors.values * history.active
            design[:, n_base + k : n_base + k + len(history.bends)] = np.maximum(history.t[:, None] - history.bends, 0)
            designs[pattern] = design
            places = np.flatnonzero(member[piece] == pattern)
            observed = design[:n_periods][history.seen]
            gram[places] = observed.T @ observed
            rows = usable[piece[places]]
            cross[places] = (filled[rows][:, history.seen] / scale[rows, None]) @ observed
        rows = usable[piece]
        precision = np.zeros(p)
        precision[:n_base] = 1 / BASE_SCALE**2
        precision[n_base : n_base + k] = 1 / regressors.scales**2
        squares = ((filled[rows] / scale[rows, None]) ** 2).sum(axis=1)
        theta, _ = solve_additive(
            gram,
            cross,
            squares,
            seen[rows].sum(axis=1).astype(float),
            np.broadcast_to(precision, (len(piece), p)),
            n_bends,
            options.changepoint_prior_scale,
        )
        lines = np.empty((len(piece), n_periods + block.horizon))
        for pattern, design in designs.items():
            places = np.flatnonzero(member[piece] == pattern)
            lines[places] = theta[places] @ design.T
        yield rows, lines * scale[rows, None]
