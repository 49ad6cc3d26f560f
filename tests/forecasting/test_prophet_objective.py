"""Prophet's objective: values by hand, derivatives against differences, its two forms against each other."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest

from analytics.forecasting.prophet_model.climb import minimise
from analytics.forecasting.prophet_model.newton import kink, minimise_newton
from analytics.forecasting.prophet_model.objective import Curved, Linear, Priors

Floats = npt.NDArray[np.float64]
N_PERIODS, N_COLUMNS, N_BENDS = 60, 4, 5
PRIORS = Priors(np.array([0.04, 0.04, *[0.01] * N_COLUMNS, *[0.0] * N_BENDS]), slice(6, 11), 0.05)
RNG = np.random.default_rng(0)
T = np.linspace(0, 1, N_PERIODS)
TREND = np.column_stack([np.ones(N_PERIODS), T, np.maximum(T[:, None] - np.linspace(0.1, 0.7, N_BENDS), 0)])
WAVES = np.column_stack([f(2 * np.pi * k * T * 5) for k in (1, 2) for f in (np.sin, np.cos)])
Y = 0.5 + 0.3 * T + 0.1 * WAVES[:, 0] + RNG.normal(0, 0.05, (3, N_PERIODS))
X = np.concatenate([RNG.normal(0.3, 0.2, (3, 11)), RNG.normal(-1.5, 0.3, (3, 1))], axis=1)


def curved(multiplicative: bool = False, cap: Floats | None = None) -> Curved:
    weight = np.ones_like(Y)
    weight[1, 20:25] = 0.0
    active = np.ones((3, N_COLUMNS))
    active[2, 1] = 0.0
    return Curved(TREND[None], WAVES, active, Y * weight, weight, cap, multiplicative, PRIORS)


def linear() -> Linear:
    """The same as ``curved()``, from its normal equations."""
    same = curved()
    grams, crosses = [], []
    for weight, active, y in zip(same.weight, same.active, same.y, strict=True):
        design = np.concatenate([TREND[:, :2], WAVES * active, TREND[:, 2:]], axis=1) * weight[:, None]
        grams.append(design.T @ design)
        crosses.append(design.T @ y)
    return Linear(np.array(grams), np.array(crosses), (same.y**2).sum(axis=1), same.weight.sum(axis=1), PRIORS)


FORMS = {
    "linear": linear(),
    "additive": curved(),
    "multiplicative": curved(multiplicative=True),
    "logistic": curved(cap=np.array([1.2, 1.5, 2.0])),
    "logistic, multiplicative": curved(multiplicative=True, cap=np.array([1.2, 1.5, 2.0])),
}


def test_both_forms_are_the_same_objective() -> None:
    (value, gradient), (other, other_gradient) = linear()(X), curved()(X)
    assert value == pytest.approx(other)
    assert gradient == pytest.approx(other_gradient)
    assert linear().hessian(X) == pytest.approx(curved().hessian(X))


def test_value_by_hand() -> None:
    """Minus the log posterior of Prophet's Stan program, written out."""
    theta, log_s = X[0, :-1], X[0, -1]
    errors = Y[0] - TREND @ theta[[0, 1, 6, 7, 8, 9, 10]] - WAVES @ theta[2:6]
    s = np.exp(log_s)
    expected = N_PERIODS * log_s + (errors**2).sum() / (2 * s**2) + (theta[:2] ** 2).sum() / 50
    expected += (theta[2:6] ** 2).sum() / 200 + np.abs(theta[6:]).sum() / 0.05 + 2 * s**2
    assert curved()(X)[0][0] == pytest.approx(expected)


@pytest.mark.parametrize("form", FORMS)
def test_gradients_are_differences_of_values(form: str) -> None:
    objective = FORMS[form]
    gradient = objective(X)[1]
    for column in range(X.shape[1]):
        step = np.zeros_like(X)
        step[:, column] = 1e-6
        difference = (objective(X + step)[0] - objective(X - step)[0]) / 2e-6
        assert gradient[:, column] == pytest.approx(difference, rel=1e-5, abs=1e-4)


@pytest.mark.parametrize("form", ["linear", "multiplicative"])
def test_second_derivatives_are_differences_of_gradients(form: str) -> None:
    objective = FORMS[form]
    assert isinstance(objective, Linear | Curved)
    hessian = objective.hessian(X)
    for column in range(X.shape[1]):
        step = np.zeros_like(X)
        step[:, column] = 1e-6
        difference = (objective(X + step)[1] - objective(X - step)[1]) / 2e-6
        assert hessian[:, column] == pytest.approx(difference, rel=1e-5, abs=1e-3)


def test_a_kink_is_seen_from_near_only() -> None:
    assert kink(np.array([0.0, 5e-4, -5e-4])) == pytest.approx(np.full(3, 7 / 6 / 1e-3))
    assert kink(np.array([1.5e-3, -1.5e-3])) == pytest.approx(np.full(2, -1 / 6 / 1e-3))
    assert kink(np.array([2.5e-3, -1.0])) == pytest.approx(np.zeros(2), abs=1e-9)


@pytest.mark.parametrize("method", [minimise, minimise_newton])
def test_where_nothing_has_a_kink_both_methods_find_the_ridge_solution(method: object) -> None:
    """With wide priors on the bends the optimum is that of alternating least squares and the best noise."""
    wide = replace(linear(), priors=replace(PRIORS, tau=1e9))
    x = method(wide, np.zeros_like(X))
    for row in range(3):
        variance = np.exp(2 * x[row, -1])
        system = wide.gram[row] / variance + np.diag(PRIORS.precision)
        best = np.append(np.linalg.lstsq(system, wide.cross[row] / variance)[0], x[row, -1])
        only = wide.keep(np.array([row]))
        assert only(x[row : row + 1])[0] == pytest.approx(only(best[None])[0], abs=0.05)
        if method is minimise_newton:
            assert x[row] == pytest.approx(best, abs=2e-3)
        theta = x[row, :-1]
        left = wide.squares[row] - 2 * theta @ wide.cross[row] + theta @ wide.gram[row] @ theta
        assert wide.n_seen[row] - left / variance + 4 * variance == pytest.approx(
            0, abs=1.0 if method is minimise else 0.01
        )


def test_the_laplace_prior_holds_bends_at_zero() -> None:
    """A straight line bends nowhere; one that does bends there."""
    straight = Linear(linear().gram[:1], (0.2 + 0.5 * T)[None] @ _design(), np.array([((0.2 + 0.5 * T) ** 2).sum()]),
                      np.array([60.0]), PRIORS)  # fmt: skip
    assert np.abs(minimise_newton(straight, np.zeros((1, 12)))[0, PRIORS.bends]).max() < 2e-3


def _design() -> Floats:
    return np.concatenate([TREND[:, :2], WAVES, TREND[:, 2:]], axis=1)
