"""Exponential smoothing with additive parts as linear filters: many series at once, best beginnings in closed form.

With given smoothing parameters the one-step errors are linear in the beginning (level, trend, season), so that only the
smoothing parameters need a search; and the errors from a beginning of zero are one call of a filter over all series.
Hyndman, Koehler, Ord & Snyder (2008), "Forecasting with exponential smoothing", chapters 2 and 10.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from analytics.forecasting.classical.aligned import Aligned

if TYPE_CHECKING:
    from analytics.forecasting.classical.aligned import Floats


@dataclass(frozen=True, slots=True)
class Gains:
    """Smoothing parameters: of level, of trend (None: no trend), damping of the trend, of a season of ``season``."""

    alpha: float
    beta: float | None = None
    phi: float = 1.0
    gamma: float | None = None
    season: int = 1

    @property
    def n_parameters(self) -> int:
        """Smoothing parameters, beginnings and the error variance."""
        trend = 0 if self.beta is None else 2 + (self.phi < 1)
        return 3 + trend + (0 if self.gamma is None else self.season)


def polynomials(gains: Gains) -> tuple[Floats, Floats]:
    """(A, M) with A(B) y = M(B) e in powers of the lag B: the errors are the filter A / M of the values."""
    import numpy as np

    phi, season = gains.phi, gains.season
    level = np.array([1.0, -1.0])
    if gains.beta is None:
        left, right = level, np.array([1.0, gains.alpha - 1.0])
    else:
        left = np.convolve(level, [1.0, -phi])
        right = np.array([1.0, gains.alpha - 1 - phi + phi * gains.beta, phi * (1 - gains.alpha)])
    if gains.gamma is None:
        return left, right
    whole = np.zeros(season + 1)
    whole[0], whole[-1] = 1.0, -1.0
    swing = np.zeros(season + 1)
    swing[-1] = gains.gamma
    return np.convolve(left, whole), np.convolve(right, whole) + np.convolve(left, swing)


@lru_cache(maxsize=512)
def beginnings(gains: Gains, width: int) -> Floats:
    """What one unit of each beginning adds to the expected values, shape (width, k): level, trend, then the season.

    The season's last place is zero, since a constant moved from it to the level changes nothing. Read-only.
    """
    import numpy as np
    from scipy.signal import lfilter

    _, right = polynomials(gains)
    n_terms = len(right)
    first = []  # the free course of each beginning, before errors correct it, through the filter's left side
    steps = np.arange(1, n_terms + 1)
    first.append(np.ones(n_terms))
    if gains.beta is not None:
        first.append(np.cumsum(gains.phi**steps))
    if gains.gamma is not None:
        first += [((steps - 1) % gains.season == place).astype(float) for place in range(gains.season - 1)]
    left, _ = polynomials(gains)
    impulse = np.zeros(width)
    impulse[0] = 1.0
    columns = [lfilter(np.convolve(course, left)[: len(right)], right, impulse) for course in first]
    found = np.stack(columns, axis=1)
    found.setflags(write=False)
    return found


@dataclass(frozen=True, slots=True, eq=False)
class Fitted:
    """Sum of squared one-step errors, shape (n,), and the beginning that makes it least, shape (n, k)."""

    sse: Floats
    beginning: Floats


def fit(series: Aligned, gains: Gains) -> Fitted:
    """The best beginning of each series under these smoothing parameters, by least squares."""
    import numpy as np
    from scipy.signal import lfilter

    left, right = polynomials(gains)
    errors = np.where(series.inside, lfilter(left, right, series.y, axis=1), 0.0)
    width = series.y.shape[1]
    # Blocks grow from origin to origin: one length for all keeps the store of beginnings small.
    design = beginnings(gains, 1 << max(width - 1, 1).bit_length())[:width]
    k = design.shape[1]
    gram = np.cumsum(design[:, :, None] * design[:, None, :], axis=0)[np.maximum(series.length, 1) - 1]
    moment = errors @ design
    ridge = 1e-9 * np.trace(gram, axis1=1, axis2=2)[:, None, None] / k * np.eye(k)
    beginning = np.linalg.solve(gram + ridge, moment[:, :, None])[:, :, 0]
    sse = (errors**2).sum(axis=1) - (moment * beginning).sum(axis=1)
    return Fitted(np.maximum(sse, 0.0), beginning)


@dataclass(frozen=True, slots=True, eq=False)
class Course:
    """Smoothing parameters per series, arrays of shape (n,); ``beta`` and ``gamma`` are zero where a part is absent."""

    alpha: Floats
    beta: Floats
    phi: Floats
    gamma: Floats


def run_on(series: Aligned, course: Course, beginning: Floats, season: int, horizon: int) -> Floats:
    """Forecasts after the end of each series, shape (n, horizon).

    ``beginning``: shape (n, 2 + season): level, trend (zero where there is none), season.
    """
    import numpy as np

    width = series.y.shape[1]
    level, trend = beginning[:, 0].copy(), beginning[:, 1].copy()
    swing = beginning[:, 2:].T.copy()
    values, inside = series.y.T, series.inside.T
    for t in range(width):
        place = t % season
        moved = level + course.phi * trend
        error = np.where(inside[t], values[t] - moved - swing[place], 0.0)
        level = np.where(inside[t], moved + course.alpha * error, level)
        trend = np.where(inside[t], course.phi * trend + course.beta * error, trend)
        swing[place] += course.gamma * error
    steps = np.arange(1, horizon + 1)
    damped = np.cumsum(course.phi[:, None] ** steps, axis=1)
    places = (series.length[:, None] + steps - 1) % season
    return level[:, None] + damped * trend[:, None] + np.take_along_axis(swing.T, places, axis=1)
