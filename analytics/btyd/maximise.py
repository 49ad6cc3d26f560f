"""Newton's method for a few logarithms of parameters: exact derivatives, bounded steps, bounded iterations.

Log-likelihoods of repeat-buying models have long flat ridges: a quasi-Newton method stops on them, a Newton step whose
negative curvature is turned round walks along them. Steps are bounded because a step of 2 in logarithms is a factor 7.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analytics.btyd.histories import Floats

# value, gradient, Hessian at a point
Evaluate = Callable[[Floats], tuple[float, Floats, Floats]]

MOST_STEPS = 100
LONGEST_STEP = 2.0
# So near to a bound a coordinate stands at it: a step cut short there leads the others astray on a narrow ridge.
NEAR = 1e-3
# Half the Newton decrement is what a quadratic still has to gain. A parameter is off by the root of it, in standard
# errors: so small that published parameters are met to every digit.
ENOUGH = 1e-15
# Where the climb on more data begins: a part's maximum is no nearer than that to the maximum of all.
ROUGHLY = 0.3


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


def maximise(evaluate: Evaluate, start: Floats, lower: Floats, upper: Floats, *, enough: float = ENOUGH) -> Optimum:
    """The maximum uphill of ``start`` within the box, to within ``enough`` of its value."""
    at = np.minimum(np.maximum(start, lower), upper)
    value, gradient, hessian = evaluate(at)
    for n_steps in range(MOST_STEPS):
        step, to_gain = _step(gradient, hessian, _pushing(at, gradient, lower, upper))
        if to_gain <= enough:
            break
        length = 1.0
        while True:
            there = np.minimum(np.maximum(at + length * step, lower), upper)
            new = evaluate(there)
            # What adding up millions of terms leaves undecided does not count as a loss.
            if np.isfinite(new[0]) and new[0] >= value - 1e-13 * abs(value):
                break
            length /= 4
            if length < 1e-6:
                return _end(at, value, gradient, hessian, n_steps, lower, upper, to_gain, enough)
        at, (value, gradient, hessian) = there, new
    return _end(at, value, gradient, hessian, n_steps, lower, upper, to_gain, enough)


def best_of(
    evaluate: Evaluate, starts: Sequence[Floats], lower: Floats, upper: Floats, *, enough: float = ENOUGH
) -> Optimum:
    """The highest of the maxima uphill of the starts; one that converged before one that did not."""
    found = (maximise(evaluate, start, lower, upper, enough=enough) for start in starts)
    return max(found, key=lambda each: (each.converged, each.value))


def _pushing(at: Floats, gradient: Floats, lower: Floats, upper: Floats) -> npt.NDArray[np.bool_]:
    """Which coordinates stand at a bound and want to go on."""
    return ((at <= lower + NEAR) & (gradient < 0)) | ((at >= upper - NEAR) & (gradient > 0))


def _step(gradient: Floats, hessian: Floats, pushing: npt.NDArray[np.bool_]) -> tuple[Floats, float]:
    """The Newton step in the free coordinates, uphill also where the surface is not concave; what it promises."""
    if pushing.any():
        step, free = np.zeros(len(gradient)), np.flatnonzero(~pushing)
        if not len(free):
            return step, 0.0
        step[free], to_gain = _step(gradient[free], hessian[np.ix_(free, free)], pushing[free])
        return step, to_gain
    curvature, directions = np.linalg.eigh(-hessian)
    along = gradient @ directions
    size = np.abs(curvature)
    size = np.maximum(size, 1e-9 * max(float(size.max()), 1e-90))
    step = directions @ (along / size)
    to_gain = 0.5 * float(along @ (along / size))
    longest = float(np.abs(step).max())
    return step if longest <= LONGEST_STEP else step * (LONGEST_STEP / longest), to_gain


def _end(
    at: Floats,
    value: float,
    gradient: Floats,
    hessian: Floats,
    n_steps: int,
    lower: Floats,
    upper: Floats,
    to_gain: float,
    enough: float,
) -> Optimum:
    edges = tuple(int(i) for i in np.flatnonzero(_pushing(at, gradient, lower, upper)))
    # At the precision of the sum itself no step can gain any more.
    converged = to_gain <= max(enough, 1e-10, 1e-12 * abs(value))
    return Optimum(at, value, gradient, hessian, n_steps, converged, edges)
