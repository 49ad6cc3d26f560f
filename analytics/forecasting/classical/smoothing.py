"""Exponential smoothing, its form chosen per series by an information criterion."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from analytics.forecasting.block import Block
from analytics.forecasting.classical.linear import Course, Gains, fit, run_on
from analytics.forecasting.classical.seasons import adjust

if TYPE_CHECKING:
    from analytics.forecasting.classical.aligned import Aligned, Floats
    from analytics.forecasting.spec import ForecastSpec

ALPHAS = (0.01, 0.03, 0.06, 0.1, 0.16, 0.25, 0.4, 0.6, 0.8, 0.97)
FEW_ALPHAS = ALPHAS[1::2]
TREND_SHARES = (0.02, 0.2)  # of alpha
DAMPINGS = (0.9, 0.98)
SWINGS = (0.01, 0.08)  # of what the level leaves


def smoothing(block: Block, spec: ForecastSpec) -> Floats:
    """Forecasts of shape (n, h) by the form with the least AICc; NaN under six observed values.

    Forms: level; damped trend; either with a season of days in the week or of months that adds, or a fixed one in
    shares of the level; all of them also on logarithms where every value is above zero. A curve through the year
    (``yearly``) and spikes (``spikes``) are taken out before. Smoothing parameters from a grid, beginnings by least
    squares (``linear``).

    Hyndman, Koehler, Snyder & Grose (2002), "A state space framework for automatic forecasting using exponential
    smoothing methods".
    """
    from analytics.forecasting.classical.prepared import prepare

    return prepare(block).forecasts(_best_view)


def _best_view(series: Aligned, season: int, horizon: int) -> Floats:
    """The form with the least AICc among additive seasons, a fixed index in shares, and logarithms."""
    import numpy as np

    least, said = smooth(series, season, horizon)
    if season <= 1:
        return said
    adjusted = adjust(series, season)
    rows = np.flatnonzero(adjusted.multiplicative)
    if len(rows):
        adjusted = adjusted.rows(rows)
        whole = np.log(adjusted.index)[:, np.arange(series.y.shape[1]) % season]
        criterion, forecasts = smooth(adjusted.series, 1, horizon, n_more=season - 1)
        criterion = criterion + 2 * np.where(adjusted.series.inside, whole, 0.0).sum(axis=1)
        ahead = adjusted.restore(forecasts)
        better = criterion < least[rows]
        least[rows[better]], said[rows[better]] = criterion[better], ahead[better]
    positive = np.where(series.inside, series.y, 1.0)
    rows = np.flatnonzero((positive > 0).all(axis=1))
    if len(rows):
        logarithms = series.replaced(np.log(np.where(series.inside & (series.y > 0), series.y, 1.0))).rows(rows)
        criterion, forecasts = smooth(logarithms, season, horizon)
        criterion = criterion + 2 * logarithms.y.sum(axis=1)
        highest = logarithms.y.max(axis=1) + 2.0
        ahead = np.exp(np.minimum(forecasts, highest[:, None]))
        better = criterion < least[rows]
        least[rows[better]], said[rows[better]] = criterion[better], ahead[better]
    return said


def smooth(series: Aligned, season: int, horizon: int, n_more: int = 0) -> tuple[Floats, Floats]:
    """The AICc of the best form, (n,), and its forecasts, (n, horizon); ``n_more`` parameters were spent before."""
    import numpy as np

    n = len(series.y)
    length = np.maximum(series.length, 1)
    centre = series.y.sum(axis=1) / length
    moved = series.replaced(series.y - centre[:, None])
    spread = np.sqrt((moved.y**2).sum(axis=1) / length)
    scale = np.where(spread > 0, spread, 1.0)
    moved = moved.replaced(moved.y / scale[:, None])
    best = np.full(n, np.inf)
    numbers = np.tile([0.0, 0.0, 1.0, 0.0], (n, 1))
    beginning = np.zeros((n, 2 + season))
    for gains in forms(season):
        fitted = fit(moved, gains)
        k = gains.n_parameters + n_more
        # Nothing of a form is taken from a series that has not twice its parameters; a level can always be had.
        possible = (series.length >= 2 * k) | (gains.beta is None and gains.gamma is None)
        variance = np.maximum(fitted.sse / length, 1e-12)
        aicc = length * np.log(variance) + 2 * k + 2 * k * (k + 1) / np.maximum(length - k - 1, 1)
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
    return best + 2 * length * np.log(scale), np.asarray(said * scale[:, None] + centre[:, None])


@lru_cache
def forms(season: int) -> tuple[Gains, ...]:
    """Every form and smoothing parameter compared, simpler forms first."""
    level = [Gains(alpha) for alpha in ALPHAS]
    damped = [Gains(a, a * share, phi) for a in FEW_ALPHAS for share in TREND_SHARES for phi in DAMPINGS]
    if season <= 1:
        return (*level, *damped)
    swings = [Gains(a, gamma=g * (1 - a), season=season) for a in ALPHAS for g in SWINGS]
    both = [Gains(a, a * 0.05, 0.98, g * (1 - a), season) for a in FEW_ALPHAS for g in SWINGS]
    return (*level, *damped, *swings, *both)
