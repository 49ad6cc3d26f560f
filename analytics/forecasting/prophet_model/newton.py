"""Newton's method for many short histories at once: below 100 periods the packaged Prophet climbs by it.

As in ``climb``, its way matters, since kinks stop it. Stan takes second derivatives from gradients at 1 and 2
thousandths to either side, so that a bend within a thousandth of zero looks steeply curved and stays there. And it
tries steps of about 1.9 times Newton's before shorter ones: its Hessian comes out a million times too small, and steps
are halved from there until the objective falls. Forecasts then equal the packaged ones to eight digits.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from analytics.forecasting.prophet_model.climb import QUIET

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from analytics.forecasting.block import Floats
    from analytics.forecasting.prophet_model.climb import Places
    from analytics.forecasting.prophet_model.objective import Priors

FEWER_PERIODS = 100
APART = 1e-3
PLACES = (-2 * APART, -APART, APART, 2 * APART)
SHARES = (1 / 12, -2 / 3, 2 / 3, -1 / 12)
# A million halved sixteen times: longer steps never were accepted.
LONGEST, SHORTEST = 1e6 / 2**16, 1e-12
SMALLEST_FALL = 1e-8
MOST_STEPS = 400


class Curving(Protocol):
    """An objective that also knows the second derivatives of its smooth part, (m, q, q)."""

    @property
    def priors(self) -> Priors: ...

    def __call__(self, x: Floats) -> tuple[Floats, Floats]: ...

    def hessian(self, x: Floats) -> Floats: ...

    def keep(self, places: Places) -> Curving: ...


def minimise_newton(objective: Curving, x: Floats) -> Floats:
    """The points (m, q) at which each problem stops, begun at ``x``."""
    import numpy as np

    best = x.copy()
    rows = np.arange(len(x))
    with np.errstate(all="ignore"):
        f, g = objective(x)
        for _ in range(MOST_STEPS):
            direction = _newton_direction(objective, x, g)
            new_x, new_f, new_g = _shorten(objective, x, f, g, direction)
            done = ~(np.abs(new_f - f) > SMALLEST_FALL) | (new_x[:, -1] < QUIET)
            x, f, g = new_x, new_f, new_g
            if done.any():
                best[rows[done]] = x[done]
                left = np.flatnonzero(~done)
                if not len(left):
                    return best
                x, f, g, rows, objective = x[left], f[left], g[left], rows[left], objective.keep(left)
    best[rows] = x
    return best


def _newton_direction(objective: Curving, x: Floats, g: Floats) -> Floats:
    """Downhill: eigenvalues below zero are turned round."""
    import numpy as np

    hessian = objective.hessian(x)
    bends = objective.priors.bends
    place = np.arange(bends.start, bends.stop)
    seen = kink(x[:, bends]) / objective.priors.tau
    hessian[:, place, place] += seen
    # Where differences crossed a kink twice, the curvature looks negative; elsewhere it seldom is.
    suspect = (seen < 0).any(axis=1) | ~np.isfinite(hessian).all(axis=(1, 2))
    bowls = np.array(~suspect)
    bowls[bowls] = _positive_definite(hessian[bowls])
    direction = np.empty_like(x)
    try:
        direction[bowls] = np.linalg.solve(hessian[bowls], g[bowls, :, None])[:, :, 0]
    except np.linalg.LinAlgError:  # singular to the last digit: eigenvalues tell the flat directions
        bowls[:] = False
    if not bowls.all():
        values, vectors = np.linalg.eigh(np.nan_to_num(hessian[~bowls]))
        along = np.einsum("mij,mi->mj", vectors, g[~bowls]) / np.maximum(np.abs(values), 1e-12)
        direction[~bowls] = np.einsum("mij,mj->mi", vectors, along)
    return direction


def _positive_definite(matrices: Floats) -> npt.NDArray[np.bool_]:
    import numpy as np

    try:
        np.linalg.cholesky(matrices)
    except np.linalg.LinAlgError:
        if len(matrices) == 1:
            return np.zeros(1, dtype=bool)
        half = len(matrices) // 2
        return np.concatenate([_positive_definite(matrices[:half]), _positive_definite(matrices[half:])])
    return np.ones(len(matrices), dtype=bool)


def kink(bends: Floats) -> Floats:
    """The second derivative of ``|bend|`` as differences of its slopes around it see it."""
    import numpy as np

    seen = np.zeros_like(bends)
    for place, share in zip(PLACES, SHARES, strict=True):
        seen += share * np.sign(bends + place)
    return seen / APART


def _shorten(objective: Curving, x: Floats, f: Floats, g: Floats, direction: Floats) -> tuple[Floats, Floats, Floats]:
    """The first of ever shorter steps that does not go uphill; where there is none, the same point again."""
    import numpy as np

    step = np.full(len(x), LONGEST)
    new_x = x - step[:, None] * direction
    new_f, new_g = objective(new_x)
    while True:
        uphill = ~(new_f <= f)
        if not uphill.any():
            return new_x, new_f, new_g
        step = np.where(uphill, step / 2, step)
        spent = uphill & (step < SHORTEST)
        tried = np.where(spent[:, None], x, x - step[:, None] * direction)
        new_x = np.where(uphill[:, None], tried, new_x)
        tried_f, tried_g = objective(new_x)
        new_f, new_g = np.where(spent, f, tried_f), np.where(spent[:, None], g, tried_g)
