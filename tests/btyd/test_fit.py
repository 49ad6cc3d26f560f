"""Fits of BG/NBD and MBG/NBD: the published figures, the definition, numerical derivatives, invariance, recovery."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from analytics.btyd import likelihood
from analytics.btyd.beta_geometric import BetaGeometric
from analytics.btyd.bg_nbd import BgNbd, fit_bg_nbd
from analytics.btyd.histories import Floats, Histories
from analytics.btyd.mbg_nbd import MbgNbd, fit_mbg_nbd
from analytics.errors import AnalysisError
from sample_data.repeat_buying import draw_bg_nbd, draw_mbg_nbd
from tests.btyd.conftest import Seen
from tests.btyd.definition import Customer

FITS = {"bg_nbd": (fit_bg_nbd, draw_bg_nbd, 0), "mbg_nbd": (fit_mbg_nbd, draw_mbg_nbd, 1)}
TRUTH = {"r": 0.5, "alpha": 5.0, "a": 0.8, "b": 2.5}


def drawn(name: str, n: int, seed: int = 0, **truth: float | Floats) -> Seen:
    rng = np.random.default_rng(seed)
    buying = FITS[name][1](rng, np.round(rng.uniform(20, 78, n) * 7) / 7, **{**TRUTH, **truth})
    return Seen(buying.x, buying.t_x, buying.T)


def numerical(evaluate: Callable[[Floats], float], at: Floats) -> Floats:
    """Hessian from values alone, by differences of fourth order."""
    h, k = 2e-3, len(at)
    steps, weights = np.array([-2, -1, 1, 2]), np.array([1, -8, 8, -1]) / 12
    found = np.empty((k, k))
    for i in range(k):
        for j in range(i + 1):
            total = 0.0
            for a, u in zip(steps, weights, strict=True):
                for b, v in zip(steps, weights, strict=True):
                    there = at.copy()
                    there[i] += a * h
                    there[j] += b * h
                    total += u * v * evaluate(there)
            found[i, j] = found[j, i] = total / h**2
    return found


# ---- published -----------------------------------------------------------------------------------------------------


def test_bg_nbd_of_cdnow_in_rounded_weeks(rounded_weeks: Seen) -> None:
    """Fader, Hardie and Lee 2005."""
    model = fit_bg_nbd(*rounded_weeks)
    assert model.parameter_names == ("r", "alpha", "a", "b")
    np.testing.assert_allclose(model.parameters, [0.242593, 4.413532, 0.792886, 2.425754], atol=6e-7)
    assert round(model.log_likelihood, 4) == -9582.4256
    assert model.n_customers == 2_357
    assert round(model.expected_purchases(*(np.array([each]) for each in (2, 30.43, 38.86)), 39.0)[0], 3) == 1.226
    new = model.expected_purchases_new(np.array([0.1429, 1, 3, 31.8571, 32]))
    assert np.round(new, 4).tolist() == [0.0078, 0.0532, 0.1506, 1.0405, 1.0437]


def test_bg_nbd_of_cdnow_in_exact_weeks(exact_weeks: Histories) -> None:
    model = fit_bg_nbd(exact_weeks.x, exact_weeks.t_x, exact_weeks.T)
    assert round(model.parameters[1], 4) == 4.4136
    assert np.round(model.parameters[2:], 5).tolist() == [0.79292, 2.42591]
    assert round(model.log_likelihood, 4) == -9582.4292


def test_the_published_values_of_extreme_histories() -> None:
    """a .8, b 2.5, r .25, alpha 4, T 40: (0, 0) and (200, 38)."""
    x, t_x, T = np.array([0, 200]), np.array([0.0, 38.0]), np.array([40.0, 40.0])
    values = likelihood.per_customer(x, t_x, T, 0.25, 4.0, 0.8, 2.5, 0)[0]
    assert round(values[0], 8) == -0.59947382
    assert round(values[1], 4) == 100.7957
    logs = np.log([0.25, 4.0, 0.8, 2.5])
    for i in range(2):
        counted = likelihood.count(x[i : i + 1], t_x[i : i + 1], T[i : i + 1], 0)
        assert likelihood.log_likelihood(logs, counted)[0] == pytest.approx(values[i], abs=1e-9)


# ---- oracle --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("chances", [0, 1])
@pytest.mark.parametrize("parameters", [(0.2426, 4.4135, 0.7929, 2.4258), (1.5, 8.0, 3.0, 0.6)])
def test_the_likelihood_is_the_integral_of_its_definition(chances: int, parameters: tuple[float, ...]) -> None:
    for x, t_x, T in [(0, 0.0, 39.0), (1, 4.0, 39.0), (3, 38.5, 39.0), (60, 20.0, 22.0)]:
        arrays = np.array([x]), np.array([t_x]), np.array([T])
        found = likelihood.per_customer(*arrays, *parameters, chances)[0][0]
        assert found == pytest.approx(Customer(np.array(parameters), chances, x, t_x, T).log_likelihood(), rel=1e-9)


@pytest.mark.parametrize("name", FITS)
def test_no_start_finds_a_higher_likelihood(name: str, rounded_weeks: Seen) -> None:
    """Within 1e-6 of the best of a general optimiser from many starts."""
    from scipy.optimize import minimize

    fit, _, chances = FITS[name]
    counted = likelihood.count(*rounded_weeks, chances)

    def loss(logs: Floats) -> tuple[float, Floats]:
        value, gradient, _ = likelihood.log_likelihood(logs, counted)
        return -value, -gradient

    rng = np.random.default_rng(0)
    starts = rng.uniform(np.log([0.1, 1, 0.1, 0.5]), np.log([3, 30, 5, 20]), (8, 4))
    best = max(-minimize(loss, start, jac=True, method="BFGS", options={"gtol": 1e-6}).fun for start in starts)
    assert fit(*rounded_weeks).log_likelihood >= best - 1e-6


@pytest.mark.parametrize("name", FITS)
def test_standard_errors_are_those_of_a_numerical_hessian(name: str, rounded_weeks: Seen) -> None:
    fit, _, chances = FITS[name]
    model = fit(*rounded_weeks)

    def value(logs: Floats) -> float:
        return float(likelihood.per_customer(*rounded_weeks, *np.exp(logs), chances)[0].sum())

    hessian = numerical(value, np.log(model.parameters))
    np.testing.assert_allclose(model.log_covariance, np.linalg.inv(-hessian), rtol=2e-5)


@pytest.mark.parametrize("name", FITS)
def test_derivatives_with_covariates(name: str) -> None:
    seen, chances = drawn(name, 300), FITS[name][2]
    z = np.random.default_rng(1).normal(size=(300, 2))
    at = np.array([*np.log([0.6, 4.0, 0.9, 2.0]), 0.1, -0.2, 0.3, 0.1, -0.2, 0.2])
    _, gradient, hessian = likelihood.log_likelihood_covariates(at, *seen, z, chances)

    def there(step: Floats) -> tuple[float, Floats, Floats]:
        return likelihood.log_likelihood_covariates(at + step, *seen, z, chances)

    # The gradient against differences of values, the Hessian against differences of gradients.
    steps = [(there(1e-4 * e), there(-1e-4 * e)) for e in np.eye(10)]
    np.testing.assert_allclose(gradient, [(up[0] - down[0]) / 2e-4 for up, down in steps], rtol=1e-5, atol=1e-4)
    np.testing.assert_allclose(hessian, [(up[1] - down[1]) / 2e-4 for up, down in steps], rtol=1e-5, atol=1e-4)
    none = np.concatenate([at[:4], np.zeros(6)])
    plain = likelihood.log_likelihood(at[:4], likelihood.count(*seen, chances))
    with_none = likelihood.log_likelihood_covariates(none, *seen, z, chances)
    assert with_none[0] == pytest.approx(plain[0], rel=1e-12)
    np.testing.assert_allclose(with_none[1][:4], plain[1], atol=1e-8)
    np.testing.assert_allclose(with_none[2][:4, :4], plain[2], atol=1e-8)


# ---- invariance ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", FITS)
def test_neither_order_nor_unit_of_time_matters(name: str) -> None:
    fit, seen = FITS[name][0], drawn(name, 9_000)
    usual = fit(*seen)
    order = np.random.default_rng(3).permutation(len(seen.x))
    shuffled = fit(*(each[order] for each in seen))
    np.testing.assert_allclose(shuffled.parameters, usual.parameters, rtol=1e-7)
    np.testing.assert_allclose(shuffled.log_covariance, usual.log_covariance, rtol=1e-6)
    days = fit(seen.x, seen.t_x * 7, seen.T * 7, unit_days=1.0)
    np.testing.assert_allclose(days.parameters, usual.parameters * [1, 7, 1, 1], rtol=1e-7)
    assert days.log_likelihood == pytest.approx(usual.log_likelihood - seen.x.sum() * np.log(7), rel=1e-9)


@pytest.mark.parametrize("name", FITS)
def test_customers_of_no_time_say_nothing_but_are_welcome(name: str) -> None:
    fit, chances, seen = FITS[name][0], FITS[name][2], drawn(name, 2_000)
    usual = fit(*seen)
    more = Seen(np.r_[seen.x, np.zeros(50, np.int64)], np.r_[seen.t_x, np.zeros(50)], np.r_[seen.T, np.zeros(50)])
    model = fit(*more)
    np.testing.assert_allclose(model.parameters, usual.parameters, rtol=1e-6)
    assert model.log_likelihood == pytest.approx(usual.log_likelihood, abs=1e-6)
    new = model.expected_purchases(*(each[-1:] for each in more), 26.0)
    assert new[0] == pytest.approx(model.expected_purchases_new(26.0)[0], rel=1e-12)
    a, b = model.parameters[2:]
    assert model.p_alive(*(each[-1:] for each in more))[0] == pytest.approx(b / (a + b) if chances else 1.0)


def test_covariates_in_any_unit() -> None:
    seen = drawn("bg_nbd", 3_000)
    z = np.random.default_rng(4).normal(size=(3_000, 2))
    z[:, 1] = z[:, 1] > 0
    usual = fit_bg_nbd(*seen, z)
    scaled = fit_bg_nbd(*seen, z * [100.0, 1.0] + [5_000.0, -1.0])
    for answer in ("p_alive", "expected_purchases"):
        arguments = () if answer == "p_alive" else (52.0,)
        np.testing.assert_allclose(
            getattr(scaled, answer)(*seen, *arguments, z=z * [100.0, 1.0] + [5_000.0, -1.0]),
            getattr(usual, answer)(*seen, *arguments, z=z),
            rtol=1e-6,
        )
    np.testing.assert_allclose(scaled.parameters[4::2] * 100, usual.parameters[4::2], rtol=1e-5)
    errors, theirs = (np.sqrt(np.diag(model.log_covariance)) for model in (usual, scaled))
    np.testing.assert_allclose(theirs[4::2] * 100, errors[4::2], rtol=1e-5)


# ---- recovery ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", FITS)
def test_a_large_data_set_gives_its_parameters_back(name: str) -> None:
    """100,000 customers: every logarithm within four standard errors, and these are small."""
    seen = drawn(name, 100_000, seed=2)
    model = FITS[name][0](*seen)
    errors = np.sqrt(np.diag(model.log_covariance))
    assert (np.abs(np.log(model.parameters / list(TRUTH.values()))) < 4 * errors).all()
    assert errors.max() < 0.05


def test_planted_covariates_are_found() -> None:
    rng = np.random.default_rng(6)
    z = np.stack([rng.normal(size=20_000), rng.random(20_000) < 0.4], axis=1).astype(float)
    own = {
        "alpha": 5.0 * np.exp(-z @ [0.4, -0.3]),
        "a": 0.8 * np.exp(z @ [0.0, 0.5]),
        "b": 2.5 * np.exp(z @ [0.2, 0.0]),
    }
    model = fit_bg_nbd(*drawn("bg_nbd", 20_000, seed=5, **own), z)
    truth = np.array([0.5, 5.0, 0.8, 2.5, 0.4, -0.3, 0.0, 0.5, 0.2, 0.0])
    away = np.concatenate([np.log(model.parameters[:4] / truth[:4]), model.parameters[4:] - truth[4:]])
    errors = np.sqrt(np.diag(model.log_covariance))
    assert (np.abs(away) < 4 * errors).all()
    assert errors[4:6].max() < 0.05


# ---- what data cannot tell -----------------------------------------------------------------------------------------

RNG = np.random.default_rng(8)
SPAN = np.round(RNG.uniform(20, 78, 2_000) * 7) / 7
ZERO = np.zeros(2_000)
NONE = np.zeros(2_000, np.int64)


def loyal(same_rate: bool) -> Seen:
    x = RNG.poisson((0.25 if same_rate else RNG.gamma(1.0, 0.25, 2_000)) * SPAN)
    return Seen(x, np.where(x > 0, SPAN * RNG.beta(np.maximum(x, 1), 1), 0.0), SPAN)


def enormous(n_purchases: int) -> Seen:
    x, t_x, T = (each.copy() for each in drawn("bg_nbd", 2_000, r=0.25))
    x[7], t_x[7] = n_purchases, T[7]
    return Seen(x, t_x, T)


UNTOLD = {
    "all one purchase": (Seen(NONE, ZERO, SPAN), "btyd_no_repeat"),
    "nine bought again": (
        Seen(np.r_[np.ones(9, np.int64), NONE[9:]], np.r_[SPAN[:9] / 2, ZERO[9:]], SPAN),
        "btyd_no_repeat",
    ),
    "all loyal": (loyal(False), "btyd_no_dropout"),
    "all loyal, all alike": (loyal(True), "btyd_no_dropout"),
    "every week, like clockwork": (Seen(SPAN.astype(int), SPAN.astype(int) * 1.0, SPAN), "btyd_no_dropout"),
    "two weeks": (Seen(*(np.minimum(each, 2) for each in drawn("bg_nbd", 2_000))), "btyd_too_short"),
    "five customers": (Seen(*(each[:5] for each in drawn("bg_nbd", 100))), "btyd_too_few"),
    "equal timestamps": (Seen(NONE + 2, ZERO, ZERO), "btyd_no_time"),
    "equal timestamps, later end": (Seen(NONE + 2, ZERO, SPAN), "btyd_no_time"),
    "T = 0": (Seen(NONE, ZERO, ZERO), "btyd_no_time"),
    "one enormous customer": (enormous(100_000), "btyd_dominated"),
    "one large customer": (enormous(1_500), "btyd_dominated"),
    "purchases after the end": (Seen(NONE + 1, SPAN + 1, SPAN), "btyd_impossible_history"),
    "not a number": (Seen(NONE + 1, np.full(2_000, np.nan), SPAN), "btyd_impossible_history"),
    "one repeat at most": (Seen((SPAN > 60).astype(int), np.where(SPAN > 60, 9.0, 0.0), SPAN), None),
}


@pytest.mark.parametrize("name", FITS)
@pytest.mark.parametrize("case", UNTOLD)
def test_a_stated_reason_and_no_number(name: str, case: str) -> None:
    import warnings

    seen, code = UNTOLD[case]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(AnalysisError) as caught:
            FITS[name][0](*seen)
    if code is None:
        assert caught.value.code in {"btyd_boundary", "btyd_flat", "btyd_no_dropout", "btyd_not_converged"}
    else:
        assert caught.value.code == code


def test_the_reason_has_its_numbers() -> None:
    with pytest.raises(AnalysisError) as caught:
        fit_bg_nbd(*UNTOLD["all one purchase"][0])
    assert caught.value.params == {"n_customers": 2_000, "n_repeat": 0, "needed": 10}
    with pytest.raises(AnalysisError) as caught:
        fit_bg_nbd(*enormous(100_000))
    assert caught.value.params["n_purchases"] == 100_000
    with pytest.raises(AnalysisError) as caught:
        fit_bg_nbd(*drawn("bg_nbd", 2_000, a=400.0, b=1200.0))
    assert (caught.value.code, caught.value.params["parameters"]) == ("btyd_boundary", "a, b")


def test_covariates_that_say_nothing() -> None:
    seen = drawn("bg_nbd", 1_000)
    known = np.random.default_rng(0).normal(size=1_000)
    for z in (np.ones((1_000, 1)), np.stack([known, 2 * known], axis=1), np.full((1_000, 1), np.nan)):
        with pytest.raises(AnalysisError) as caught:
            fit_bg_nbd(*seen, z)
        assert caught.value.code == "btyd_covariates"


def test_few_but_good_customers_are_enough() -> None:
    seen = drawn("bg_nbd", 400, seed=3)
    model: BetaGeometric = fit_bg_nbd(*seen)
    assert isinstance(model, BgNbd)
    assert not isinstance(model, MbgNbd)
    assert np.sqrt(np.diag(model.log_covariance)).max() < 1
