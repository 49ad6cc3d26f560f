"""Newton's method for a few logarithms of parameters: exact derivatives, bounded steps, bounded iterations.

Log-likelihoods of repeat-buying models have long flat ridges: a quasi-Newton method stops on them, a Newton step whose
negative curvature is turned round walks along them. Steps are bounded because a step of 2 in logarithms is a factor 7.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from analytics.btyd.histories import Floats, Ints

# value, gradient, Hessian at a point
Evaluate = Callable[[Floats], tuple[float, Floats, Floats]]

MOST_STEPS = 100
LONGEST_STEP = 2.0
# Half the Newton decrement is what a quadratic still has to gain. A parameter is off by the root of it, in standard
# errors: so small that published parameters are met to every digit.
ENOUGH = 1e-15


@dataclass(frozen=True, slots=True, eq=False)
class Optimum:
    """Where the climb ended: point, value, gradient, Hessian there.

    ``edges`` are the positions of coordinates that stand at a bound and want to go on; ``converged`` says that there is
    nothing left to gain in the others.
    """

    at: Floats
    value: float
    gradient: Floats
    hessian: Floats
    n_steps: int
    converged: bool
    edges: tuple[int, ...]


def maximise(evaluate: Evaluate, start: Floats, lower: Floats, upper: Floats) -> Optimum:
    """The maximum uphill of ``start`` within the box."""
    at = np.clip(start, lower, upper)
    value, gradient, hessian = evaluate(at)
    for n_steps in range(MOST_STEPS):
        pushing = ((at <= lower) & (gradient < 0)) | ((at >= upper) & (gradient > 0))
        free = np.flatnonzero(~pushing)
        step, to_gain = _step(gradient, hessian, free)
        if to_gain <= ENOUGH:
            break
        length = 1.0
        while True:
            there = np.clip(at + length * step, lower, upper)
            new = evaluate(there)
            # What adding up millions of terms leaves undecided does not count as a loss.
            if np.isfinite(new[0]) and new[0] >= value - 1e-13 * abs(value):
                break
            length /= 4
            if length < 1e-6:
                return _end(at, value, gradient, hessian, n_steps, lower, upper, to_gain)
        at, (value, gradient, hessian) = there, new
    return _end(at, value, gradient, hessian, n_steps, lower, upper, to_gain)


def best_of(evaluate: Evaluate, starts: Sequence[Floats], lower: Floats, upper: Floats) -> Optimum:
    """The highest of the maxima uphill of the starts; one that converged before one that did not."""
    return max(
        (maximise(evaluate, start, lower, upper) for start in starts), key=lambda found: (found.converged, found.value)
    )


def _step(gradient: Floats, hessian: Floats, free: Ints) -> tuple[Floats, float]:
    """The Newton step in the free coordinates, uphill also where the surface is not concave; what it promises."""
    step = np.zeros_like(gradient)
    if not len(free):
        return step, 0.0
    slope = gradient[free]
    curvature, directions = np.linalg.eigh(-hessian[np.ix_(free, free)])
    along = directions.T @ slope
    size = np.maximum(np.abs(curvature), 1e-9 * max(np.abs(curvature).max(), 1e-90))
    free_step = directions @ (along / size)
    to_gain = float(0.5 * np.sum(along**2 / size))
    longest = np.abs(free_step).max()
    if longest > LONGEST_STEP:
        free_step *= LONGEST_STEP / longest
    step[free] = free_step
    return step, to_gain


def _end(
    at: Floats,
    value: float,
    gradient: Floats,
    hessian: Floats,
    n_steps: int,
    lower: Floats,
    upper: Floats,
    to_gain: float,
) -> Optimum:
    pushing = ((at <= lower) & (gradient < 0)) | ((at >= upper) & (gradient > 0))
    edges = tuple(int(i) for i in np.flatnonzero(pushing))
    # At the precision of the sum itself no step can gain any more.
    converged = to_gain <= max(1e-10, 1e-12 * abs(value))
    return Optimum(at, value, gradient, hessian, n_steps, converged, edges)
