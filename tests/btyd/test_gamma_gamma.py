"""Gamma-Gamma: the published figures, the definition, numerical derivatives, invariance, recovery, refusals."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import betaln
from scipy.stats import gamma as gamma_distribution

from analytics.btyd import gamma_gamma
from analytics.btyd.gamma_gamma import GammaGamma, fit_gamma_gamma
from analytics.btyd.histories import Floats, Histories, Ints
from analytics.errors import AnalysisError
from tests.btyd.test_fit import numerical

TRUTH = np.array([6.0, 4.0, 15.0])


def drawn(n: int, seed: int = 0) -> tuple[Ints, Floats]:
    rng = np.random.default_rng(seed)
    x = rng.geometric(0.4, n) - 1
    nu = rng.gamma(TRUTH[1], 1 / TRUTH[2], n)
    total = rng.gamma(np.maximum(TRUTH[0] * x, 1e-9)) / nu
    return x, np.divide(total, x, out=np.full(n, np.nan), where=x > 0)


def given(p: float, q: float, gamma: float) -> GammaGamma:
    return GammaGamma(np.array([p, q, gamma]), np.eye(3), 0.0, 1, 0.0)


def direct(parameters: Floats, x: int, mean_value: float) -> tuple[float, float]:
    """Likelihood of a mean of x values, and its posterior mean value, by integration over nu."""
    p, q, gamma = parameters
    middle, width = (p * x + q) / (gamma + x * mean_value), 1 / np.sqrt(p * x + q)

    def density(log_nu: float) -> float:
        nu = np.exp(log_nu)
        seen = gamma_distribution.pdf(mean_value, p * x, scale=1 / (x * nu)) if x else 1.0
        return float(seen * gamma_distribution.pdf(nu, q, scale=1 / gamma) * nu)

    low, high = np.log(middle) - 12 * width - 60 / (p * x + q - 1), np.log(middle) + 8 * width
    points = {"points": [np.log(middle)], "epsabs": 0, "epsrel": 1e-11, "limit": 200}
    whole = quad(density, low, high, **points)[0]
    return whole, quad(lambda log_nu: density(log_nu) * p / np.exp(log_nu), low, high, **points)[0] / whole


def log_likelihood(parameters: Floats, x: Ints, mean_value: Floats) -> float:
    """As it is written in the literature."""
    p, q, gamma = parameters
    total = x * mean_value
    own = q * np.log(gamma) + p * x * np.log(total) - np.log(mean_value) - (p * x + q) * np.log(gamma + total)
    return float((own - betaln(p * x, q)).sum())


def test_cdnow_as_published(exact_weeks: Histories) -> None:
    """Fader and Hardie 2013.

    Their p 6.2488, q 3.7446, gamma 15.4478 is where an optimiser stopped: the log-likelihood there is 2.4e-6 below the
    maximum, which lies at p 6.2496, q 3.7442, gamma 15.4435. It and all predictions agree to the digits given.
    """
    assert exact_weeks.mean_value is not None
    model = fit_gamma_gamma(exact_weeks.x, exact_weeks.mean_value)
    assert round(model.log_likelihood, 2) == -4055.92
    np.testing.assert_allclose(model.parameters, [6.2488, 3.7446, 15.4478], rtol=3e-4)
    first = model.expected_value(exact_weeks.x[:3], exact_weeks.mean_value[:3])
    assert np.round(first, 2).tolist() == [24.65, 18.91, 35.17]
    assert (model.n_customers, round(model.correlation, 4)) == (946, 0.1139)
    again = exact_weeks.x > 0
    x, mean_value = exact_weeks.x[again], exact_weeks.mean_value[again]
    x, mean_value = exact_weeks.x[again], exact_weeks.mean_value[again]
    theirs = log_likelihood(np.array([6.2488, 3.7446, 15.4478]), x, mean_value)
    assert 0 < model.log_likelihood - theirs < 1e-5


def test_the_definition_by_integration() -> None:
    for parameters in (TRUTH, np.array([0.7, 1.5, 200.0])):
        model = given(*parameters)
        for x, mean_value in [(1, 11.77), (2, 22.35), (40, 3.0), (3, 900.0)]:
            expected = direct(parameters, x, mean_value)[1]
            found = model.expected_value(np.array([x]), np.array([mean_value]))[0]
            assert found == pytest.approx(expected, rel=1e-9)
        prior = direct(parameters, 0, 0.0)[1]
        assert model.expected_value(np.array([0]), np.array([np.nan]))[0] == pytest.approx(prior, rel=1e-9)


def test_likelihood_and_standard_errors(exact_weeks: Histories) -> None:
    """Against the density written with special functions, and a numerical Hessian of it."""
    assert exact_weeks.mean_value is not None
    again = exact_weeks.x > 0
    x, m = exact_weeks.x[again], exact_weeks.mean_value[again]
    model = fit_gamma_gamma(x, m)

    def value(logs: Floats) -> float:
        return log_likelihood(np.exp(logs), x, m)

    logs = np.log(model.parameters)
    assert value(logs) == pytest.approx(model.log_likelihood, abs=1e-8)
    np.testing.assert_allclose(model.log_covariance, np.linalg.inv(-numerical(value, logs)), rtol=2e-5)
    for row in range(3):
        mine = direct(model.parameters, int(x[row]), float(m[row]))[0]
        own = log_likelihood(model.parameters, x[row : row + 1], m[row : row + 1])
        assert mine == pytest.approx(np.exp(own), rel=1e-8)


def test_the_gradients_of_customers_add_up() -> None:
    x, mean_value = drawn(500)
    again = x > 0
    logs = np.log([5.0, 3.0, 12.0])
    own = gamma_gamma._own_gradients(logs, x[again], mean_value[again])
    whole = gamma_gamma._log_likelihood(logs, gamma_gamma._count(x[again], mean_value[again]))[1]
    np.testing.assert_allclose(own.sum(axis=0), whole, rtol=1e-9)


def test_currency_and_order() -> None:
    x, mean_value = drawn(12_000)
    usual = fit_gamma_gamma(x, mean_value)
    dear = fit_gamma_gamma(x, mean_value * 100)
    np.testing.assert_allclose(dear.parameters, usual.parameters * [1, 1, 100], rtol=1e-7)
    np.testing.assert_allclose(dear.log_covariance, usual.log_covariance, rtol=1e-6)
    assert dear.log_likelihood == pytest.approx(usual.log_likelihood - (x > 0).sum() * np.log(100), rel=1e-10)
    order = np.random.default_rng(1).permutation(len(x))
    shuffled = fit_gamma_gamma(x[order], mean_value[order])
    np.testing.assert_allclose(shuffled.parameters, usual.parameters, rtol=1e-7)
    assert shuffled.correlation == pytest.approx(usual.correlation, rel=1e-9)


def test_recovery() -> None:
    model = fit_gamma_gamma(*drawn(100_000, seed=3))
    errors = np.sqrt(np.diag(model.log_covariance))
    assert (np.abs(np.log(model.parameters / TRUTH)) < 4 * errors).all()
    assert errors.max() < 0.05
    assert abs(model.correlation) < 0.02


def test_draws_have_the_expected_mean() -> None:
    model, n, rng = given(*TRUTH), 200_000, np.random.default_rng(2)
    for x, mean_value in [(0, np.nan), (3, 40.0)]:
        seen = np.full(n, x), np.full(n, mean_value)
        expected = model.expected_value(*(each[:1] for each in seen))[0]
        totals = model.draw_value(*seen, np.full(n, 4), rng)
        assert totals.mean() == pytest.approx(4 * expected, rel=0.02)
        counts = rng.integers(0, 3, n)
        values = model.draw_values(*seen, counts, rng)
        assert len(values) == counts.sum()
        assert values.mean() == pytest.approx(expected, rel=0.02)
        # Values of one customer share their nu: the totals spread more than independent values would.
        assert totals.std() > 1.2 * 2 * values.std()
    assert model.draw_value(*seen, np.zeros(n, np.int64), rng).max() == 0.0


def test_where_the_mean_is_infinite() -> None:
    model = given(2.0, 0.9, 5.0)
    found = model.expected_value(np.array([0, 1]), np.array([np.nan, 3.0]))
    assert np.isinf(found[0])
    assert found[1] == pytest.approx(2 * 8 / 1.9)
    assert model.with_parameters(TRUTH).parameters.tolist() == TRUTH.tolist()


REFUSED = {
    "nobody bought twice": (np.zeros(100, np.int64), np.full(100, np.nan), "btyd_no_values"),
    "all for nothing": (np.ones(100, np.int64), np.zeros(100), "btyd_no_values"),
    "all spend the same": (np.arange(1, 101), np.full(100, 9.99), "btyd_values_equal"),
    "one enormous value": (np.r_[drawn(400)[0], 5], np.r_[drawn(400)[1], 1e7], "btyd_values_dominated"),
    "heavy tail": (
        np.repeat(np.arange(1, 5), 250),
        1 / np.random.default_rng(0).gamma(0.6, size=1_000),
        "btyd_value_heavy_tail",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_stated_reason(case: str) -> None:
    x, mean_value, code = REFUSED[case]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(AnalysisError) as caught:
            fit_gamma_gamma(x, mean_value)
    assert caught.value.code == code
