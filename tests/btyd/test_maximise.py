"""The climb: known maxima, bounds, saddle points, flat ridges, and that it always ends."""

from __future__ import annotations

import numpy as np
import pytest

from analytics.btyd.histories import Floats
from analytics.btyd.maximise import MOST_STEPS, best_of, maximise

LOWER, UPPER = np.array([-10.0, -10.0]), np.array([10.0, 10.0])
TOP, BENT = np.array([1.0, -2.0]), np.array([[2.0, 0.6], [0.6, 1.0]])


def hill(at: Floats) -> tuple[float, Floats, Floats]:
    away = at - TOP
    return float(5 - 0.5 * away @ BENT @ away), -BENT @ away, -BENT


def valley(at: Floats) -> tuple[float, Floats, Floats]:
    """Rosenbrock's, turned over: its maximum (1, 1) lies along a bent ridge, and the start is not concave."""
    x, y = at
    value = -((1 - x) ** 2) - 100 * (y - x * x) ** 2
    gradient = np.array([2 * (1 - x) + 400 * x * (y - x * x), -200 * (y - x * x)])
    hessian = np.array([[-2 + 400 * (y - 3 * x * x), 400 * x], [400 * x, -200.0]])
    return value, gradient, hessian


def test_a_quadratic_in_a_step_per_bound_of_length() -> None:
    found = maximise(hill, np.array([1.5, -2.5]), LOWER, UPPER)
    assert found.converged
    assert found.n_steps == 1
    np.testing.assert_allclose(found.at, TOP, atol=1e-12)
    assert (found.value, found.edges) == (pytest.approx(5.0), ())
    np.testing.assert_allclose(maximise(hill, np.array([9.0, 9.0]), LOWER, UPPER).at, TOP, atol=1e-9)


def test_a_bent_ridge() -> None:
    for start in ([-1.2, 1.0], [0.0, 3.0], [5.0, -5.0]):
        found = maximise(valley, np.array(start), LOWER, UPPER)
        assert found.converged
        np.testing.assert_allclose(found.at, [1.0, 1.0], atol=1e-5)


def test_the_edge_is_named() -> None:
    found = maximise(hill, np.array([0.0, 0.0]), np.array([-10.0, -1.0]), UPPER)
    assert found.edges == (1,)
    assert found.converged
    # The best along the edge: x = 1 - .3 (y + 2) at y = -1.
    np.testing.assert_allclose(found.at, [0.7, -1.0], atol=1e-9)


def test_a_slope_without_end_ends_at_the_bound() -> None:
    def slope(at: Floats) -> tuple[float, Floats, Floats]:
        return float(at.sum()), np.ones(2), np.zeros((2, 2))

    found = maximise(slope, np.zeros(2), LOWER, UPPER)
    assert found.edges == (0, 1)
    np.testing.assert_allclose(found.at, UPPER)


def test_a_plateau_that_never_ends_is_left_after_bounded_steps() -> None:
    calls = 0

    def creeping(at: Floats) -> tuple[float, Floats, Floats]:
        nonlocal calls
        calls += 1
        # What the Hessian promises never comes true.
        return float(calls), np.ones(2), -np.eye(2) * 1e3

    found = maximise(creeping, np.zeros(2), LOWER, UPPER)
    assert not found.converged
    assert calls <= MOST_STEPS + 1


def test_not_a_number_is_walked_around() -> None:
    def cliff(at: Floats) -> tuple[float, Floats, Floats]:
        value, gradient, hessian = hill(at)
        return (value if at[0] < 1.2 else np.nan), gradient, hessian

    np.testing.assert_allclose(maximise(cliff, np.array([-5.0, 9.0]), LOWER, UPPER).at, TOP, atol=1e-6)


def test_the_best_of_several_starts() -> None:
    def two(at: Floats) -> tuple[float, Floats, Floats]:
        """Maxima near -1 and, higher, near 1."""
        x = at[0]
        return (
            float(-((x * x - 1) ** 2) + 0.1 * x),
            np.array([-4 * x * (x * x - 1) + 0.1]),
            np.array([[-12 * x * x + 4.0]]),
        )

    found = best_of(two, [np.array([-1.5]), np.array([1.5])], np.array([-3.0]), np.array([3.0]))
    assert found.at[0] == pytest.approx(1.0122, abs=1e-3)
    assert maximise(two, np.array([-1.5]), np.array([-3.0]), np.array([3.0])).at[0] < 0
