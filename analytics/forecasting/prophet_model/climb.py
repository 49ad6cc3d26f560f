"""L-BFGS for many problems at once, with the packaged Prophet's constants.

Prophet's objective has a kink at every bend of zero, and its optimiser stops at kinks: a few percent short of the
optimum in the bends, with neighbouring bends sharing what one of them would take. To forecast as Prophet does, its way
has to be gone, not only its objective minimised: limited-memory BFGS with five pairs and a line search for the strong
Wolfe conditions by bracketing and cubic interpolation (Nocedal & Wright 2006, "Numerical optimization", algorithms
3.5, 3.6 and 7.4), first step 0.001, and Stan's rules of when to stop. Every problem is at its own place of its own line
search; one tick evaluates all of them once. No problem's numbers depend on which others are there.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from analytics.forecasting.block import Floats

    Bools = npt.NDArray[np.bool_]
    Places = npt.NDArray[np.intp]

N_PAIRS = 5
FIRST_STEP = 1e-3
SMALLEST_STEP = 1e-12
DECREASE, CURVATURE = 1e-4, 0.9
MOST_WIDER = 20
NARROWEST = 1e-16
MOST_TICKS = 3_000
QUIET = -14.0  # log of the noise, the last unknown: a perfect fit has no optimum, its noise falls forever
ABS_VALUE, ABS_GRADIENT, ABS_MOVE = 1e-12, 1e-8, 1e-8
EPSILON = 2.220446049250313e-16
# Stan's are a hundredth of these: twice the ticks for forecasts that differ by a thousandth of the mean.
REL_VALUE, REL_GRADIENT = 1e6 * EPSILON, 1e9 * EPSILON


class Objective(Protocol):
    """m problems of q unknowns: values (m,) and gradients (m, q) at x (m, q); ``keep`` leaves some problems behind."""

    def __call__(self, x: Floats) -> tuple[Floats, Floats]: ...

    def keep(self, places: Places) -> Objective: ...


@dataclass(slots=True, eq=False)
class State:
    """Where each problem stands: its point, its direction, its line search, its last pairs. First axis: problems."""

    row: Places
    x: Floats
    f: Floats
    g: Floats
    direction: Floats
    slope: Floats  # along the direction, at x
    step: Floats  # tried next
    first_step: Floats  # with which the line search began
    zooming: Bools
    n_tried: Places  # widenings, or narrowings
    near_step: Floats  # the better end of the bracket (or the last widening): step, value, slope
    near_f: Floats
    near_slope: Floats
    far_step: Floats  # its other end
    far_f: Floats
    far_slope: Floats
    fresh: Bools  # the direction is the steepest descent
    n_moves: Places
    moves: Floats  # (m, 5, q), newest last
    bends: Floats  # changes of the gradient over these moves
    curvature: Floats  # (m, 5): one over their products; zero where there is no pair
    done: Bools

    def take(self, places: Places) -> State:
        return State(**{field.name: getattr(self, field.name)[places] for field in fields(self)})


def minimise(objective: Objective, x: Floats) -> Floats:
    """The points (m, q) at which each problem stops, begun at ``x``."""
    import numpy as np

    best = x.copy()
    with np.errstate(all="ignore"):
        state = _begin(objective, x)
        for _ in range(MOST_TICKS):
            _tick(objective, state)
            n_done = int(state.done.sum())
            if 5 * n_done >= len(state.row):
                best[state.row[state.done]] = state.x[state.done]
                left = np.flatnonzero(~state.done)
                if not len(left):
                    return best
                state, objective = state.take(left), objective.keep(left)
    best[state.row] = state.x
    return best


def _begin(objective: Objective, x: Floats) -> State:
    import numpy as np

    m, q = x.shape
    f, g = objective(x)
    zeros = np.zeros(m)
    return State(
        row=np.arange(m),
        x=x.copy(),
        f=f,
        g=g,
        direction=-g,
        slope=-_dot(g, g),
        step=np.full(m, FIRST_STEP),
        first_step=np.full(m, FIRST_STEP),
        zooming=np.zeros(m, dtype=bool),
        n_tried=np.zeros(m, dtype=np.intp),
        near_step=np.full(m, SMALLEST_STEP),
        near_f=f.copy(),
        near_slope=-_dot(g, g),
        far_step=zeros.copy(),
        far_f=zeros.copy(),
        far_slope=zeros.copy(),
        fresh=np.ones(m, dtype=bool),
        n_moves=np.zeros(m, dtype=np.intp),
        moves=np.zeros((m, N_PAIRS, q)),
        bends=np.zeros((m, N_PAIRS, q)),
        curvature=np.zeros((m, N_PAIRS)),
        done=~np.isfinite(f),
    )


def _tick(objective: Objective, s: State) -> None:
    """Try every problem's step once, and decide where its line search goes on."""
    import numpy as np

    x = s.x + s.step[:, None] * s.direction
    f, g = objective(x)
    slope = _dot(g, s.direction)
    broken = ~(np.isfinite(f) & np.isfinite(slope)) & ~s.done
    live = ~broken & ~s.done
    too_high = f > s.f + np.where(s.zooming, s.step, s.first_step) * (DECREASE * s.slope)
    outside = live & (too_high | ((f >= s.near_f) & (s.zooming | (s.n_tried > 0))))
    inside = live & ~outside
    accepted = inside & (np.abs(slope) <= -CURVATURE * s.slope)
    inside &= ~accepted
    rising = inside & np.where(s.zooming, slope * (s.far_step - s.near_step) >= 0, slope >= 0)
    # The bracket's far end is where the function is too high or, where it rises again, what was its near end.
    for near, far, tried in (
        (s.near_step, s.far_step, s.step),
        (s.near_f, s.far_f, f),
        (s.near_slope, s.far_slope, slope),
    ):
        np.copyto(far, near, where=rising)
        np.copyto(far, tried, where=outside)
        np.copyto(near, tried, where=inside)
    narrower = outside | rising | (inside & s.zooming)
    wider = inside & ~narrower
    s.n_tried = np.where(narrower & ~s.zooming, 1, s.n_tried + 1)
    s.zooming |= narrower
    failed = wider & (s.n_tried >= MOST_WIDER)
    s.step = np.where(wider, 10 * s.step, s.step)
    failed |= _narrow(s, narrower)
    if broken.any():
        towards = np.where(s.zooming, np.minimum(s.near_step, s.far_step), s.near_step)
        closer = 0.5 * (s.step + towards)
        failed |= broken & (np.abs(closer - towards) < NARROWEST)
        s.step = np.where(broken, closer, s.step)
    moved = np.flatnonzero(accepted)
    if len(moved):
        _move(s, moved, x[moved], f[moved], g[moved])
    if failed.any():
        s.done |= failed & s.fresh
        again = np.flatnonzero(failed & ~s.done)
        s.fresh[again] = True
        s.curvature[again] = 0
        s.direction[again] = -s.g[again]
        _begin_search(s, again, np.full(len(again), FIRST_STEP))


def _narrow(s: State, rows: Bools) -> Bools:
    """Set the next step of ``rows`` within their brackets; where a bracket is used up, say so."""
    import numpy as np

    span = s.far_step - s.near_step
    secant = s.near_slope + s.far_slope + 3 * (s.near_f - s.far_f) / span
    root = np.copysign(np.sqrt(secant**2 - s.near_slope * s.far_slope), span)
    cubic = s.far_step - span * (s.far_slope + root - secant) / (s.far_slope - s.near_slope + 2 * root)
    share = (cubic - s.near_step) / span
    sound = (share >= 0.01) & (share <= 0.99) & (s.n_tried % 5 != 0)  # NaN is not
    s.step = np.where(rows, np.where(sound, cubic, s.near_step + 0.5 * span), s.step)
    used_up: Bools = rows & ((np.abs(span) < NARROWEST) | (np.nextafter(s.near_step, s.far_step) == s.far_step))
    return used_up


def _move(s: State, rows: Places, x: Floats, f: Floats, g: Floats) -> None:
    """Take the accepted point: new pair, new direction, and whether this problem is done."""
    import numpy as np

    move, bend = x - s.x[rows], g - s.g[rows]
    product, square = _dot(move, bend), _dot(bend, bend)
    fresh = s.fresh[rows]
    # After steepest descent the step counts in the scale that the new pair has just taught.
    scale = np.where(fresh, square / product, 1.0)
    last_slope, last_step = s.slope[rows] / scale, s.step[rows] * scale
    moves = np.concatenate([s.moves[rows, 1:], move[:, None]], axis=1)
    bends = np.concatenate([s.bends[rows, 1:], bend[:, None]], axis=1)
    older = np.where(fresh[:, None], 0.0, s.curvature[rows, 1:])
    curvature = np.concatenate([older, 1 / product[:, None]], axis=1)
    direction = _descend(g, moves, bends, curvature, product / square)
    slope = _dot(g, direction)
    fall = s.f[rows] - f
    done = np.abs(fall) < ABS_VALUE
    done |= _dot(g, g) < ABS_GRADIENT**2
    done |= _dot(move, move) < ABS_MOVE**2
    size = np.maximum(np.abs(f), 1.0)
    done |= np.abs(fall) / np.maximum(np.abs(s.f[rows]), size) < REL_VALUE
    done |= -slope / size < REL_GRADIENT
    done |= x[:, -1] < QUIET
    # A first guess of the step from the cubic through the last two points.
    new_slope = _dot(g, s.direction[rows]) / scale
    guess = _lowest_of_cubic(last_slope, last_step, -fall, new_slope)
    s.x[rows], s.f[rows], s.g[rows] = x, f, g
    s.moves[rows], s.bends[rows], s.curvature[rows] = moves, bends, curvature
    s.direction[rows] = direction
    s.fresh[rows] = False
    s.done[rows] |= done
    _begin_search(s, rows, np.minimum(1.0, 1.01 * guess))


def _begin_search(s: State, rows: Places, step: Floats) -> None:
    s.step[rows] = s.first_step[rows] = step
    s.slope[rows] = s.near_slope[rows] = _dot(s.g[rows], s.direction[rows])
    s.near_f[rows] = s.f[rows]
    s.near_step[rows] = SMALLEST_STEP
    s.zooming[rows] = False
    s.n_tried[rows] = 0


def _descend(g: Floats, moves: Floats, bends: Floats, curvature: Floats, scale: Floats) -> Floats:
    """The quasi-Newton direction from the last pairs: two loops over them."""
    direction = -g
    weights = []
    for pair in range(N_PAIRS - 1, -1, -1):
        weight = curvature[:, pair] * _dot(moves[:, pair], direction)
        direction -= weight[:, None] * bends[:, pair]
        weights.append(weight)
    direction *= scale[:, None]
    for pair, weight in enumerate(reversed(weights)):
        back = curvature[:, pair] * _dot(bends[:, pair], direction)
        direction += (weight - back)[:, None] * moves[:, pair]
    return direction


def _lowest_of_cubic(slope: Floats, x: Floats, f: Floats, slope_at_x: Floats) -> Floats:
    """Where between 0 and 1 the cubic with value 0 and ``slope`` at 0, ``f`` and ``slope_at_x`` at ``x``, is lowest."""
    import numpy as np

    third = (-12 * f + 6 * x * (slope + slope_at_x)) / x**3
    second = -(4 * slope + 2 * slope_at_x) / x + 6 * f / x**2
    root = np.sqrt(second**2 - 2 * slope * third)
    places = np.stack(
        [np.full_like(x, SMALLEST_STEP), np.ones_like(x), -(second + root) / third, (root - second) / third]
    )
    values = places * (places * (places * third / 3 + second) / 2 + slope)
    allowed = (places >= SMALLEST_STEP) & (places <= 1)
    best = np.where(allowed & np.isfinite(values), values, np.inf).argmin(axis=0)
    lowest: Floats = np.take_along_axis(places, best[None], axis=0)[0]
    return lowest


def _dot(a: Floats, b: Floats) -> Floats:
    import numpy as np

    product: Floats = np.einsum("ij,ij->i", a, b)
    return product
