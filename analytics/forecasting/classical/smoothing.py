"""Exponential smoothing, its form chosen per series by an information criterion."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from analytics.forecasting.block import Block
from analytics.forecasting.classical.linear import Course, Gains, fit, run_on

if TYPE_CHECKING:
    from analytics.forecasting.classical.aligned import Aligned, Floats
    from analytics.forecasting.spec import ForecastSpec

LEAST = 6  # observed values below which nothing can be smoothed
ALPHAS = (0.01, 0.03, 0.06, 0.1, 0.16, 0.25, 0.4, 0.6, 0.8, 0.97)
TREND_SHARES = (0.02, 0.1, 0.3)  # of alpha
DAMPINGS = (0.9, 0.98)
SWINGS = (0.01, 0.05, 0.15)


def smoothing(block: Block, spec: ForecastSpec) -> Floats:
    """Forecasts of shape (n, h) by the additive form with the least AICc; NaN under six observed values.

    Forms: level; damped trend; either with a season of days in the week or of months. A curve through the year
    (``yearly``) is taken out before. Smoothing parameters from a grid, beginnings by least squares (``linear``).

    Hyndman, Koehler, Snyder & Grose (2002), "A state space framework for automatic forecasting using exponential
    smoothing methods".
    """
    from analytics.forecasting.classical.yearly import learn_year

    year = learn_year(block)
    return _of_the_week(block) if year is None else year.restored(_of_the_week(year.without(block)))


def _of_the_week(block: Block) -> Floats:
    import numpy as np

    from analytics.forecasting.classical.aligned import align
    from analytics.forecasting.classical.seasons import short

    said = np.full((len(block.y), block.horizon), np.nan)
    if not block.y.shape[1]:
        return said
    series = align(block.y, block.season)
    enough = series.n_observed >= LEAST
    if enough.any():
        said[enough] = smooth(series.rows(enough), short(block), block.horizon)
    return said


def smooth(series: Aligned, season: int, horizon: int) -> Floats:
    """As ``smoothing``, for series already aligned."""
    import numpy as np

    n = len(series.y)
    centre = series.y.sum(axis=1) / np.maximum(series.length, 1)
    moved = series.replaced(series.y - centre[:, None])
    spread = np.sqrt((moved.y**2).sum(axis=1) / np.maximum(series.length, 1))
    scale = np.where(spread > 0, spread, 1.0)
    moved = moved.replaced(moved.y / scale[:, None])
    best = np.full(n, np.inf)
    numbers = np.zeros((n, 4))
    numbers[:, 2] = 1.0
    beginning = np.zeros((n, 2 + season))
    for gains in forms(season):
        fitted = fit(moved, gains)
        free = series.length - gains.n_parameters - 1
        # Nothing of a form is taken from a series that has not twice its parameters.
        possible = series.length >= 2 * gains.n_parameters
        variance = np.maximum(fitted.sse / np.maximum(series.length, 1), 1e-12)
        k = gains.n_parameters
        aicc = series.length * np.log(variance) + 2 * k + 2 * k * (k + 1) / np.maximum(free, 1)
        if gains.beta is None and gains.gamma is None:
            possible = np.ones(n, dtype=bool)
        better = possible & (aicc < best - 1e-9)
        best[better] = aicc[better]
        numbers[better] = (gains.alpha, gains.beta or 0.0, gains.phi, gains.gamma or 0.0)
        beginning[better] = 0.0
        beginning[better, 0] = fitted.beginning[better, 0]
        n_before = 1
        if gains.beta is not None:
            beginning[better, 1] = fitted.beginning[better, 1]
            n_before = 2
        if gains.gamma is not None:
            beginning[better, 2:-1] = fitted.beginning[better, n_before:]
    said = run_on(moved, Course(*numbers.T), beginning, season, horizon)
    return np.asarray(said * scale[:, None] + centre[:, None])


@lru_cache
def forms(season: int) -> tuple[Gains, ...]:
    """Every form and smoothing parameter compared, simpler forms first."""
    level = [Gains(alpha) for alpha in ALPHAS]
    damped = [Gains(a, a * share, phi) for a in ALPHAS for share in TREND_SHARES for phi in DAMPINGS]
    if season <= 1:
        return (*level, *damped)
    swings = [Gains(a, gamma=g * (1 - a), season=season) for a in ALPHAS for g in SWINGS]
    both = [
        Gains(a, a * share, 0.98, g * (1 - a), season) for a in ALPHAS[::2] for share in (0.02, 0.1) for g in SWINGS
    ]
    return (*level, *damped, *swings, *both)
