"""Predictions of BG/NBD and MBG/NBD against their definitions by brute force, published formulas and draws."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import hyp2f1

from analytics.btyd.beta_geometric import BetaGeometric
from analytics.btyd.bg_nbd import BgNbd
from analytics.btyd.mbg_nbd import MbgNbd
from analytics.errors import AnalysisError
from tests.btyd.conftest import Seen
from tests.btyd.definition import Customer

CDNOW = (0.242593, 4.413532, 0.792886, 2.425754)
PARAMETERS = [CDNOW, (1.5, 8.0, 1.0, 3.0), (0.15, 0.3, 2.5, 0.6), (6.0, 20.0, 0.4, 0.5)]
HISTORIES = [(0, 0.0, 38.86), (2, 30.43, 38.86), (26, 30.86, 31.0), (1, 0.1, 39.0), (120, 60.0, 62.0), (0, 0.0, 0.0)]
MODELS: list[type[BetaGeometric]] = [BgNbd, MbgNbd]


def given(kind: type[BetaGeometric], parameters: tuple[float, ...]) -> BetaGeometric:
    k = len(parameters)
    return kind(np.array(parameters), np.eye(k) * 1e-4, 0.0, 1)


def one(x: int, t_x: float, T: float) -> Seen:
    return Seen(np.array([x]), np.array([t_x]), np.array([T]))


def many(n: int = 3_000) -> Seen:
    """Customers of every sort, x = 0 and T = 0 among them."""
    rng = np.random.default_rng(5)
    T = np.round(rng.uniform(0, 80, n)) * (rng.random(n) > 0.02)
    x = rng.poisson(rng.gamma(0.4, 0.5, n) * T)
    x[:3], T[:3] = (250, 900, 3_000), (80.0, 79.0, 78.0)
    return Seen(x, np.where(x > 0, T * rng.random(n) ** 0.3, 0.0), T)


@pytest.mark.parametrize("kind", MODELS)
@pytest.mark.parametrize("parameters", PARAMETERS)
def test_the_definition_by_brute_force(kind: type[BetaGeometric], parameters: tuple[float, ...]) -> None:
    model = given(kind, parameters)
    for history in HISTORIES:
        customer, seen = Customer(model.parameters, kind.chances, *history), one(*history)
        assert model.p_alive(*seen)[0] == pytest.approx(customer.alive(), rel=1e-9)
        assert model.p_purchase_by(*seen, 10.0)[0] == pytest.approx(customer.by(10.0), rel=1e-9)
        for horizon in (0.1, 39.0, 300.0):
            assert model.expected_purchases(*seen, horizon)[0] == pytest.approx(customer.purchases(horizon), rel=1e-9)
            found = model.discounted_purchases(*seen, horizon, 0.003)[0]
            assert found == pytest.approx(customer.discounted(horizon, 0.003), rel=1e-9)
        chances = model.purchase_distribution(*seen, 39.0, 6)[0]
        for k in (0, 1, 2, 5):
            assert chances[k] == pytest.approx(customer.exactly(k, 39.0), rel=1e-9, abs=1e-13)
        assert chances.sum() == pytest.approx(1.0, abs=1e-12)


def test_the_published_closed_forms() -> None:
    """Fader, Hardie and Lee 2005, equations 9 and 10, where they do not cancel."""
    model = given(BgNbd, CDNOW)
    r, alpha, a, b = CDNOW
    x, t_x, T = (each[3:] for each in many())
    for t in (1.0, 39.0):
        f = hyp2f1(r + x, b + x, a + b + x - 1, t / (alpha + T + t))
        top = (a + b + x - 1) / (a - 1) * (1 - ((alpha + T) / (alpha + T + t)) ** (r + x) * f)
        odds = np.where(x > 0, a / (b + np.maximum(x, 1) - 1) * ((alpha + T) / (alpha + t_x)) ** (r + x), 0.0)
        np.testing.assert_allclose(model.expected_purchases(x, t_x, T, t), top / (1 + odds), rtol=1e-8)
        np.testing.assert_allclose(model.p_alive(x, t_x, T), 1 / (1 + odds), rtol=1e-12)
        new = (a + b - 1) / (a - 1) * (1 - (alpha / (alpha + t)) ** r * hyp2f1(r, b, a + b - 1, t / (alpha + t)))
        assert model.expected_purchases_new(t)[0] == pytest.approx(new, rel=1e-9)


def test_cdnow_as_published() -> None:
    model = given(BgNbd, CDNOW)
    assert round(model.expected_purchases(*one(2, 30.43, 38.86), 39.0)[0], 3) == 1.226
    expected = model.expected_purchases_new(np.array([0.1429, 1, 3, 31.8571, 32]))
    assert np.round(expected, 4).tolist() == [0.0078, 0.0532, 0.1506, 1.0405, 1.0437]


@pytest.mark.parametrize("kind", MODELS)
@pytest.mark.parametrize("parameters", PARAMETERS)
def test_rows_do_not_depend_on_each_other(kind: type[BetaGeometric], parameters: tuple[float, ...]) -> None:
    """However customers are grouped for the sums: a customer alone gets what it gets among all."""
    model, seen = given(kind, parameters), many()
    together = model.expected_purchases(*seen, 52.0)
    for i in [*range(6), 50, 500, 2_999]:
        alone = Seen(*(each[i : i + 1] for each in seen))
        assert model.expected_purchases(*alone, 52.0)[0] == pytest.approx(together[i], rel=1e-12)
    turned = Seen(*(each[::-1] for each in seen))
    np.testing.assert_allclose(model.expected_purchases(*turned, 52.0)[::-1], together, rtol=1e-12)


@pytest.mark.parametrize("kind", MODELS)
@pytest.mark.parametrize("parameters", [*PARAMETERS[::3], (0.5, 1e-3, 0.99999999, 2.0), (0.5, 1e-3, 1.0, 2.0)])
def test_every_answer_is_finite_and_in_order(kind: type[BetaGeometric], parameters: tuple[float, ...]) -> None:
    """Large x, long and short horizons, T = 0, a = 1 (where the closed form has a pole)."""
    model, seen = given(kind, parameters), many(200)
    before = np.zeros(len(seen.x))
    for horizon in (0.0, 1e-6, 0.1, 10.0, 1_000.0, 1e5):
        expected = model.expected_purchases(*seen, horizon)
        assert np.isfinite(expected).all()
        assert (expected >= before * (1 - 1e-12)).all()
        assert (expected <= (model.parameters[0] + seen.x) / (model.parameters[1] + seen.T) * horizon + 1e-12).all()
        discounted = model.discounted_purchases(*seen, horizon, 0.002)
        assert (discounted <= expected * (1 + 1e-12)).all()
        chances = model.purchase_distribution(*seen, horizon, 4)
        assert (chances >= 0).all()
        np.testing.assert_allclose(chances.sum(axis=1), 1.0, atol=1e-12)
        before = expected
    alive = model.p_alive(*seen)
    assert ((alive >= 0) & (alive <= 1)).all()
    assert (model.p_purchase_by(*seen, 5.0) <= alive).all()


def test_the_distribution_has_the_expectation() -> None:
    for kind in MODELS:
        model, seen = given(kind, CDNOW), one(9, 20.0, 30.0)
        chances = model.purchase_distribution(*seen, 39.0, 400)[0]
        assert chances @ np.arange(401) == pytest.approx(model.expected_purchases(*seen, 39.0)[0], rel=1e-10)
        assert chances[1:].sum() == pytest.approx(model.p_purchase_by(*seen, 39.0)[0], rel=1e-12)


@pytest.mark.parametrize("kind", MODELS)
def test_draws_follow_the_distribution(kind: type[BetaGeometric]) -> None:
    model, n = given(kind, CDNOW), 60_000
    seen = Seen(*(np.repeat(each, n) for each in one(4, 25.0, 30.0)))
    rng = np.random.default_rng(1)
    expected = n * model.purchase_distribution(*one(4, 25.0, 30.0), 39.0, 12)[0]
    for drawn in (
        model.draw_purchases(*seen, 39.0, rng),
        (timed := model.draw_times(*seen, 39.0, rng))[0],
    ):
        found = np.bincount(np.minimum(drawn, 12), minlength=13)
        assert ((found - expected) ** 2 / expected).sum() < 34.5  # chi-square of 12 degrees: once in 2,000
    counts, times = timed
    assert len(times) == counts.sum()
    worth = np.exp(-0.01 * times).sum() / n
    assert worth == pytest.approx(model.discounted_purchases(*one(4, 25.0, 30.0), 39.0, 0.01)[0], rel=0.02)
    customer = np.repeat(np.arange(n), counts)
    assert (np.diff(times)[np.diff(customer) == 0] >= 0).all()
    assert ((times > 0) & (times < 39)).all()


@pytest.mark.parametrize("kind", MODELS)
def test_covariates_are_parameters_of_each_customer(kind: type[BetaGeometric]) -> None:
    """Row by row the same as a model with alpha exp(-z g1), a exp(z g2), b exp(z g3)."""
    seen = Seen(*(each[:60] for each in many()))
    z = np.random.default_rng(2).normal(size=(60, 2))
    coefficients = np.array([0.3, -0.2, 0.1, 0.4, -0.1, 0.2])
    model = given(kind, (*CDNOW, *coefficients))
    assert model.parameter_names == ("r", "alpha", "a", "b", "alpha_1", "alpha_2", "a_1", "a_2", "b_1", "b_2")
    r, alpha, a, b = CDNOW
    answers = {
        "expected_purchases": (52.0,),
        "p_alive": (),
        "p_purchase_by": (4.0,),
        "discounted_purchases": (52.0, 0.002),
        "purchase_distribution": (52.0, 5),
    }
    for name, arguments in answers.items():
        together = getattr(model, name)(*seen, *arguments, z=z)
        for i in range(60):
            g1, g2, g3 = z[i] @ coefficients[:2], z[i] @ coefficients[2:4], z[i] @ coefficients[4:]
            own = given(kind, (r, alpha * np.exp(-g1), a * np.exp(g2), b * np.exp(g3)))
            alone = getattr(own, name)(*(each[i : i + 1] for each in seen), *arguments)
            np.testing.assert_allclose(together[i], alone[0], rtol=1e-10, atol=1e-14)
    new = model.expected_purchases_new(8.0, z)
    assert new.shape == (60,)
    with pytest.raises(AnalysisError) as caught:
        model.p_alive(*seen)
    assert caught.value.code == "btyd_covariates"


def test_other_parameters_and_another_process() -> None:
    import pickle

    model = given(BgNbd, CDNOW)
    other = model.with_parameters(np.array([1.0, 2.0, 3.0, 4.0]))
    assert isinstance(other, BgNbd)
    assert other.parameters.tolist() == [1.0, 2.0, 3.0, 4.0]
    again = pickle.loads(pickle.dumps(other))
    assert again.parameters.tolist() == other.parameters.tolist()
    assert (again.name, again.chances) == ("bg_nbd", 0)
