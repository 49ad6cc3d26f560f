"""Prophet's maximum a posteriori, many series at once.

The objective is the packaged model's (Taylor & Letham 2018, "Forecasting at scale"; its Stan program):

    T log s + |y - f|^2 / 2 s^2 + k^2 / 50 + m^2 / 50 + |delta| / tau + 2 s^2 + sum(beta^2 / 2 scale^2)

with y over its largest absolute value and t from 0 to 1. The Laplace prior of the bends is met by reweighting: |d| is
replaced by d^2 / 2|d'| + |d'| / 2, which touches it at the last d' (Hunter & Lange 2004, "A tutorial on MM
algorithms"). Every step solves the normal equations of all series at once, then takes the best s of that fit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from analytics.forecasting.block import Floats

BASE_SCALE = 5.0  # of slope and offset
N_STEPS = 40
SMALLEST_BEND = 1e-6


def solve_additive(
    gram: Floats, cross: Floats, squares: Floats, n_seen: Floats, precision: Floats, n_bends: int, tau: float
) -> tuple[Floats, Floats]:
    """Coefficients (n, p) and noise variances (n,).

    gram, cross, squares, n_seen : Z'Z (n, p, p), Z'y (n, p), y'y (n,) and the number of periods (n,).
    precision : (n, p): of the normal priors; zero for the bends, which are the last ``n_bends`` columns.
    """
    import numpy as np

    n, p = cross.shape
    bends = slice(p - n_bends, p)
    weights = np.array(precision)
    weights[:, bends] = 1 / tau**2
    variance = _best_variance(squares, n_seen)
    theta = np.zeros((n, p))
    place = np.arange(p)
    floor = 1e-12 * np.trace(gram, axis1=1, axis2=2)[:, None]
    for _ in range(N_STEPS):
        system = gram.copy()
        system[:, place, place] += variance[:, None] * weights + floor
        theta = np.linalg.solve(system, cross[:, :, None])[:, :, 0]
        weights[:, bends] = 1 / (tau * np.maximum(np.abs(theta[:, bends]), SMALLEST_BEND))
        left = squares - 2 * (cross * theta).sum(axis=1) + ((gram @ theta[:, :, None])[:, :, 0] * theta).sum(axis=1)
        variance = _best_variance(np.maximum(left, 1e-12 * squares), n_seen)
    return theta, variance


def _best_variance(left: Floats, n_seen: Floats) -> Floats:
    """The variance that minimises ``n/2 log v + left / 2v + 2v``: the prior of the noise is normal(0, 0.5)."""
    import numpy as np

    variance: Floats = 2 * left / (n_seen + np.sqrt(n_seen**2 + 16 * left))
    return variance
