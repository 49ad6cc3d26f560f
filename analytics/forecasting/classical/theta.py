"""The Theta method: a straight line and what smoothing makes of twice the deviations from it, half of each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from analytics.forecasting.block import Block
from analytics.forecasting.classical.linear import Course, Gains, fit, run_on
from analytics.forecasting.classical.seasons import adjust

if TYPE_CHECKING:
    from analytics.forecasting.classical.aligned import Aligned, Floats
    from analytics.forecasting.spec import ForecastSpec

ALPHAS = (0.01, 0.02, 0.04, 0.07, 0.1, 0.14, 0.2, 0.27, 0.35, 0.45, 0.55, 0.65, 0.75, 0.85, 0.92, 0.97, 0.9999)


def theta(block: Block, spec: ForecastSpec) -> Floats:
    """Forecasts of shape (n, h) of series without their seasons; NaN under six observed values.

    A curve through the year (``yearly``), spikes (``spikes``) and a weekly or monthly index (``seasons``) are taken out
    where they are found.

    Assimakopoulos & Nikolopoulos (2000), "The theta model: a decomposition approach to forecasting".
    """
    from analytics.forecasting.classical.prepared import prepare

    return prepare(block).forecasts(_seasoned)


def _seasoned(series: Aligned, season: int, horizon: int) -> Floats:
    adjusted = adjust(series, season)
    return adjusted.restore(classic(adjusted.series, horizon))


def classic(series: Aligned, horizon: int) -> Floats:
    """Half the straight line through a series, half the smoothed theta line 2, shape (n, horizon)."""
    import numpy as np

    intercept, slope = straight_line(series)
    line = intercept[:, None] + slope[:, None] * np.arange(series.y.shape[1])
    twice = series.replaced(2 * series.y - line)
    steps = np.arange(horizon)
    ahead = intercept[:, None] + slope[:, None] * (series.length[:, None] + steps)
    return (ahead + smoothed_level(twice)[:, None]) / 2


def straight_line(series: Aligned) -> tuple[Floats, Floats]:
    """Intercept at the first period and slope per period, by least squares, each of shape (n,)."""
    import numpy as np

    at = np.where(series.inside, np.arange(series.y.shape[1]), 0.0)
    count = np.maximum(series.length, 1)
    middle, mean = at.sum(axis=1) / count, series.y.sum(axis=1) / count
    away = np.where(series.inside, at - middle[:, None], 0.0)
    power = (away**2).sum(axis=1)
    slope = (away * series.y).sum(axis=1) / np.where(power > 0, power, 1.0)
    return mean - slope * middle, slope


def smoothed_level(series: Aligned) -> Floats:
    """The last level of simple exponential smoothing, shape (n,); alpha from a grid, the first level is fitted."""
    import numpy as np

    n = len(series.y)
    best, alpha, first = np.full(n, np.inf), np.zeros(n), np.zeros(n)
    for value in ALPHAS:
        fitted = fit(series, Gains(value))
        better = fitted.sse < best
        best[better], alpha[better], first[better] = fitted.sse[better], value, fitted.beginning[better, 0]
    zero = np.zeros(n)
    course = Course(alpha, zero, np.ones(n), zero)
    return run_on(series, course, np.stack([first, zero, zero], axis=1), 1, 1)[:, 0]
