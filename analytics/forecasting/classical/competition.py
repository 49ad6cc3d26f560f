"""The benchmark methods of the M4 competition, one series at a time: what our numbers are proved on.

As its program has them (Makridakis, Spiliotis & Assimakopoulos 2020, "The M4 Competition: 100,000 time series and 61
forecasting methods"): a multiplicative season taken out where the test finds one, then the method, then the season
again. Smoothing parameters by least squares within the program's bounds, beginnings in closed form.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from analytics.forecasting.classical.linear import Gains, beginnings, polynomials

if TYPE_CHECKING:
    from analytics.forecasting.classical.aligned import Floats

LOWEST, HIGHEST = 1e-4, 0.9999
DAMPING = (0.8, 0.98)
STARTS = ((0.1, 0.05), (0.5, 0.01), (0.9, 0.1), (0.99, 0.001))  # alpha, trend's share of it


def naive2(y: Floats, season: int, horizon: int) -> Floats:
    """The last value of the series without its season."""
    return _without_season(y, season, horizon, lambda plain: _flat(float(plain[-1]), horizon))


def ses(y: Floats, season: int, horizon: int) -> Floats:
    """Simple exponential smoothing."""
    return _without_season(y, season, horizon, lambda plain: _flat(_last_level(plain), horizon))


def holt(y: Floats, season: int, horizon: int) -> Floats:
    """Level and trend."""
    return _without_season(y, season, horizon, lambda plain: _trended(plain, horizon, damped=False))


def damped(y: Floats, season: int, horizon: int) -> Floats:
    """Level and a trend that fades."""
    return _without_season(y, season, horizon, lambda plain: _trended(plain, horizon, damped=True))


def theta(y: Floats, season: int, horizon: int) -> Floats:
    """Half the straight line, half the smoothed theta line 2; never below zero."""
    return _without_season(y, season, horizon, lambda plain: _theta(plain, horizon))


def comb(y: Floats, season: int, horizon: int) -> Floats:
    """The mean of simple, Holt's and damped smoothing."""
    return (ses(y, season, horizon) + holt(y, season, horizon) + damped(y, season, horizon)) / 3


def _without_season(y: Floats, season: int, horizon: int, method: Callable[[Floats], Floats]) -> Floats:
    import numpy as np

    from analytics.forecasting.classical.aligned import align
    from analytics.forecasting.classical.seasons import is_seasonal, seasonal_index

    series = align(np.asarray(y, dtype=float)[None], season)
    if season <= 1 or not is_seasonal(series, season)[0]:
        return method(series.y[0])
    index = seasonal_index(series, season, multiplicative=True)[0][0]
    plain = series.y[0] / index[np.arange(len(y)) % season]
    return np.asarray(method(plain) * index[(len(y) + np.arange(horizon)) % season])


def _flat(value: float, horizon: int) -> Floats:
    import numpy as np

    return np.full(horizon, value)


def _errors(y: Floats, gains: Gains) -> tuple[Floats, Floats]:
    """One-step errors from the best beginning, and that beginning."""
    import numpy as np
    from scipy.signal import lfilter

    errors = lfilter(*polynomials(gains), y)
    design = beginnings.__wrapped__(gains, len(y))
    beginning = np.linalg.lstsq(design, errors, rcond=None)[0]
    return np.asarray(errors - design @ beginning), beginning


def _last_level(y: Floats) -> float:
    from scipy.optimize import minimize_scalar

    centre = float(y.mean())
    moved = y - centre

    def sse(alpha: float) -> float:
        errors, _ = _errors(moved, Gains(alpha))
        return float(errors @ errors)

    alpha = float(minimize_scalar(sse, bounds=(LOWEST, HIGHEST), method="bounded", options={"xatol": 1e-5}).x)
    errors, _ = _errors(moved, Gains(alpha))
    return float(y[-1] - (1 - alpha) * errors[-1])


def _theta(y: Floats, horizon: int) -> Floats:
    import numpy as np

    at = np.arange(len(y) + horizon)
    slope, intercept = np.polyfit(at[: len(y)], y, 1)
    line = intercept + slope * at
    level = _last_level(2 * y - line[: len(y)])
    return np.asarray(np.maximum((line[len(y) :] + level) / 2, 0.0))


def _trended(y: Floats, horizon: int, damped: bool) -> Floats:
    import numpy as np
    from scipy.optimize import minimize

    centre, scale = float(y.mean()), float(y.std()) or 1.0
    moved = (y - centre) / scale

    def gains(point: Floats) -> Gains:
        alpha = float(np.clip(point[0], LOWEST, HIGHEST))
        phi = float(np.clip(point[2], *DAMPING)) if damped else 1.0
        return Gains(alpha, max(alpha * float(np.clip(point[1], 0.0, 1.0)), LOWEST * alpha), phi)

    def sse(point: Floats) -> float:
        errors, _ = _errors(moved, gains(point))
        return float(errors @ errors)

    starts = [np.array([*start, 0.95][: 2 + damped]) for start in STARTS]
    start = min(starts, key=sse)
    found = minimize(sse, start, method="Nelder-Mead", options={"maxfev": 60 if damped else 40, "fatol": 1e-6})
    best = gains(found.x)
    errors, beginning = _errors(moved, best)
    level, trend = float(beginning[0]), float(beginning[1])
    for error in errors:
        level, trend = level + best.phi * trend + best.alpha * error, best.phi * trend + (best.beta or 0.0) * error
    ahead = level + np.cumsum(best.phi ** np.arange(1, horizon + 1)) * trend
    return np.asarray(ahead * scale + centre)
