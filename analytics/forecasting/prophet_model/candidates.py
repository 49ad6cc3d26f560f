"""Prophet as a candidate, and Prophet with the level of its residual: every series of a block at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from analytics.forecasting.prophet_model.fit import fit_blocks
from analytics.forecasting.remembered import Remembered

if TYPE_CHECKING:
    from analytics.calendar import CalendarSpec
    from analytics.forecasting.block import Block, Floats
    from analytics.forecasting.spec import ForecastSpec, ProphetSpec

WEIGHTS = (0.0, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.8)
DAMPING = 0.97  # of the level, per period ahead


def prophet(block: Block, spec: ForecastSpec) -> Floats:
    """Prophet's forecasts, shape (n, h); abstains below two observed periods.

    Piecewise linear trend, weekly and yearly season, holidays: Taylor & Letham (2018), "Forecasting at scale". Solved
    as the packaged model solves it, all series at once. Raises ``AnalysisError("country_unknown")``.
    """
    return _fitted(block, spec).forecast


def prophet_level(block: Block, spec: ForecastSpec) -> Floats:
    """Prophet's forecasts and the level at which its residual ended, (n, h): for levels that wander between the bends.

    The level is exponential smoothing of the residual, with the weight that told the next residual best; none where
    that tells no more than chance would (Schwarz's criterion). It fades by 3 percent a period.
    """
    import numpy as np

    fitted = _fitted(block, spec)
    steps = np.arange(1, block.horizon + 1)
    raised: Floats = fitted.forecast + fitted.level[:, None] * DAMPING**steps
    return raised


def _last_level(residual: Floats) -> Floats:
    """Where exponential smoothing of each row ends, (n,); gaps leave it where it was."""
    import numpy as np

    weights = np.array(WEIGHTS)[:, None]
    n, n_periods = residual.shape
    seen = np.isfinite(residual)
    filled = np.where(seen, residual, 0.0)
    level, squares = np.zeros((len(WEIGHTS), n)), np.zeros((len(WEIGHTS), n))
    for period in range(n_periods):
        error = np.where(seen[:, period], filled[:, period] - level, 0.0)
        squares += error**2
        level += weights * error
    best = squares.argmin(axis=0)
    rows = np.arange(n)
    n_seen = np.maximum(seen.sum(axis=1), 1)
    none, least = squares[0], squares[best, rows]
    told = none > least * n_seen ** (1 / n_seen)  # n log(none / least) > log n
    last: Floats = np.where(told, level[best, rows], 0.0)
    return last


def prepare(blocks: Sequence[Block], spec: ForecastSpec, tell: Callable[[float], None] | None = None) -> None:
    """Fit the blocks of a whole back-test together, which costs less than one after the other.

    What follows finds the fits there: ``prophet`` and ``prophet_level`` of the same blocks and spec. ``tell`` hears
    which share is done.
    """
    missing = [block for block in blocks if _fits.find(block, _choices(spec)) is None]
    if missing:
        for block, lines in zip(missing, fit_blocks(missing, spec, tell), strict=True):
            n_periods = len(block.ds)
            level = _last_level(block.y - lines[:, :n_periods])
            forecast = lines[:, n_periods:].copy()
            forecast.flags.writeable = False
            _fits.keep(block, _choices(spec), Fitted(forecast, level))


def _choices(spec: ForecastSpec) -> tuple[ProphetSpec, CalendarSpec]:
    return spec.prophet, spec.calendar


def _fitted(block: Block, spec: ForecastSpec) -> Fitted:
    found = _fits.find(block, _choices(spec))
    if found is None:
        prepare([block], spec)
        found = _fits.find(block, _choices(spec))
        assert found is not None
    return found


@dataclass(frozen=True, slots=True, eq=False)
class Fitted:
    """forecast : (n, h). level : (n,) where the smoothed residual ended."""

    forecast: Floats
    level: Floats


_fits: Remembered[Fitted] = Remembered()
