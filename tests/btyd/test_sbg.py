"""Shifted-beta-geometric: published figures, the likelihood written with beta functions, projections, refusals."""

from __future__ import annotations

import pickle

import numpy as np
import numpy.typing as npt
import pytest

from analytics.btyd.sbg import Sbg, fit_sbg, fit_sbg_counts, fit_sbg_survivors
from analytics.errors import AnalysisError
from sample_data import repeat_buying as draws

Floats = npt.NDArray[np.float64]
# Fader and Hardie (2007), 1,000 customers each: left after years 0 to 7.
REGULAR = [1000, 631, 468, 382, 326, 289, 262, 241]
HIGH_END = [1000, 869, 743, 653, 593, 551, 517, 491]


def one_by_one(survivors: list[int]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    lost = -np.diff(survivors)
    longest = len(lost)
    periods = np.concatenate([np.repeat(np.arange(1, longest + 1), lost), np.full(survivors[-1], longest)])
    return periods.astype(np.int64), np.arange(len(periods)) < lost.sum()


def naive(at: Floats, periods: npt.NDArray[np.int64], left: npt.NDArray[np.bool_], entered: Floats) -> float:
    """The likelihood customer by customer with beta functions."""
    from scipy.special import betaln

    alpha, beta = np.exp(at)
    leaves = betaln(alpha + 1, beta + periods - 1) - betaln(alpha, beta + entered)
    stays = betaln(alpha, beta + periods) - betaln(alpha, beta + entered)
    return float(np.where(left, leaves, stays).sum())


def test_published() -> None:
    fitted = fit_sbg_survivors(REGULAR)
    assert fitted.parameters == pytest.approx([0.704, 1.182], abs=5e-4)
    assert fitted.log_likelihood == pytest.approx(-1680.27, abs=5e-3)
    assert float(fitted.survival(12)) == pytest.approx(0.170, abs=5e-4)
    assert (fitted.n_customers, fitted.n_left, fitted.n_periods) == (1000, 759, 7)
    other = fit_sbg_survivors(HIGH_END)
    assert other.parameters == pytest.approx([0.668, 3.806], abs=5e-4)


def test_one_cohort_counted_and_customer_by_customer_are_the_same() -> None:
    counted, single = fit_sbg_survivors(REGULAR), fit_sbg(*one_by_one(REGULAR))
    np.testing.assert_allclose(single.parameters, counted.parameters, rtol=1e-10)
    assert single.log_likelihood == pytest.approx(counted.log_likelihood, abs=1e-9)
    assert single.n_customers == 1000


def test_who_is_at_risk_by_hand() -> None:
    """Six rows: periods, left, entered, and customers in each -> at risk and lost in periods 1, 2, 3."""
    #          left in 1, left in 3, stayed 1, stayed 3, seen from 1 on and left in 2, begun just now
    periods = [1, 3, 1, 3, 2, 0]
    left = [True, True, False, False, True, False]
    entered = [0, 0, 0, 0, 1, 0]
    fitted = fit_sbg(periods, left, entered, [40, 5, 10, 30, 5, 10])
    by_hand = fit_sbg_counts(np.array([85.0, 40.0, 35.0]), np.array([40.0, 5.0, 5.0]), n_customers=100)
    np.testing.assert_allclose(fitted.parameters, by_hand.parameters)
    assert (fitted.n_left, fitted.n_customers, fitted.n_periods) == (50, 100, 3)


def test_the_likelihood_and_standard_errors_equal_those_with_beta_functions() -> None:
    rng = np.random.default_rng(8)
    seen = draws.draw_sbg(rng, rng.integers(1, 13, 2500), alpha=0.8, beta=3.0)
    entered = np.where(rng.random(2500) < 0.3, rng.integers(0, 4, 2500), 0)
    kept = seen.duration > entered
    periods, left, entered = seen.duration[kept], seen.has_left[kept], entered[kept]
    fitted = fit_sbg(periods, left, entered)
    at = np.log(fitted.parameters)
    assert fitted.log_likelihood == pytest.approx(naive(at, periods, left, entered), abs=1e-8)
    h = 0.02
    hessian = np.empty((2, 2))
    five = {-2: 1 / 12, -1: -2 / 3, 1: 2 / 3, 2: -1 / 12}
    for i in range(2):
        for j in range(2):
            hessian[i, j] = (
                sum(
                    a * b * naive(at + m * h * np.eye(2)[i] + n * h * np.eye(2)[j], periods, left, entered)
                    for m, a in five.items()
                    for n, b in five.items()
                )
                / h**2
            )
    np.testing.assert_allclose(fitted.log_covariance, np.linalg.inv(-hessian), rtol=1e-4)
    others = [naive(at + step, periods, left, entered) for step in rng.normal(0, 0.1, (30, 2))]
    assert max(others) < fitted.log_likelihood


def test_survival_and_retention_are_one_story() -> None:
    fitted = fit_sbg_survivors(REGULAR)
    t = np.arange(1, 31)
    np.testing.assert_allclose(np.cumprod(fitted.retention(t)), fitted.survival(t), rtol=1e-12)
    assert float(fitted.survival(0)) == 1.0
    np.testing.assert_allclose(fitted.survival(4, survived=3), fitted.survival(7) / fitted.survival(3), rtol=1e-12)
    assert (np.diff(fitted.retention(t)) > 0).all()


@pytest.mark.parametrize("rate", [0.1, 0.01, 1e-3])
@pytest.mark.parametrize("survived", [0, 1, 7])
def test_renewals_to_come_are_the_sum_of_their_chances(rate: float, survived: int) -> None:
    """The paper's formula with the hypergeometric function against its definition, 40,000 terms and the tail."""
    fitted = fit_sbg_survivors(HIGH_END)
    t = np.arange(1, 40_001)
    terms = fitted.survival(t, survived) * (1 + rate) ** -(t - 1.0)
    assert float(fitted.derl(rate, survived)) == pytest.approx(float(terms.sum()), rel=1e-9)
    assert float(fitted.expected_renewals(5, rate, survived)) == pytest.approx(float(terms[:5].sum()), rel=1e-12)


def test_renewals_without_discount() -> None:
    fitted = fit_sbg_survivors(REGULAR)
    assert float(fitted.derl(0.0)) == np.inf  # alpha below 1: some never leave soon enough
    shorter = fitted.with_parameters(np.array([3.0, 4.0]))
    t = np.arange(1, 200_001)
    assert float(shorter.derl(0.0, 2)) == pytest.approx(float(shorter.survival(t, 2).sum()), rel=1e-8)
    np.testing.assert_allclose(shorter.derl(0.0, [0, 2]), [float(shorter.derl(0.0, n)) for n in (0, 2)])


def test_intervals_hold_the_curve_between_zero_and_one() -> None:
    fitted = fit_sbg_survivors(REGULAR)
    t = np.arange(0, 40)
    lo, hi = fitted.survival_interval(t, 0.9)
    assert lo[0] == hi[0] == 1.0
    assert ((lo[1:] > 0) & (lo[1:] < fitted.survival(t)[1:]) & (hi[1:] > fitted.survival(t)[1:]) & (hi[1:] < 1)).all()
    narrow = fitted.survival_interval(t, 0.5)
    assert ((narrow[0] >= lo) & (narrow[1] <= hi)).all()
    # Draws of the parameters from their normal approximation say the same within their noise.
    rng = np.random.default_rng(1)
    root = np.linalg.cholesky(fitted.log_covariance)
    drawn = [np.exp(np.log(fitted.parameters) + root @ rng.normal(size=2)) for _ in range(3000)]
    for curve, (low, high), at in (
        (Sbg.survival, fitted.survival_interval(12, 0.9), 12),
        (Sbg.retention, fitted.retention_interval(12, 0.9), 12),
        (Sbg.retention, fitted.retention_interval(1, 0.9), 1),
    ):
        values = [float(curve(fitted.with_parameters(one), at)) for one in drawn]
        by_draws = np.quantile(values, [0.05, 0.95])
        width = float(high - low)
        assert float(low) == pytest.approx(by_draws[0], abs=0.08 * width)
        assert float(high) == pytest.approx(by_draws[1], abs=0.08 * width)


def test_order_and_weights() -> None:
    periods, left = one_by_one(REGULAR)
    fitted = fit_sbg(periods, left)
    order = np.random.default_rng(0).permutation(len(periods))
    np.testing.assert_array_equal(fit_sbg(periods[order], left[order]).parameters, fitted.parameters)
    tenfold = fit_sbg(periods, left, weight=np.full(len(periods), 10.0))
    np.testing.assert_allclose(tenfold.parameters, fitted.parameters, rtol=1e-8)
    np.testing.assert_allclose(tenfold.log_covariance * 10, fitted.log_covariance, rtol=1e-8)


def test_what_comes_later_than_observed_changes_nothing() -> None:
    """Customers censored earlier, later periods unseen: the fit uses what was observed and no more."""
    rng = np.random.default_rng(5)
    seen = draws.draw_sbg(rng, np.full(3000, 10), alpha=0.7, beta=1.5)
    early = fit_sbg(np.minimum(seen.true_duration, 4), seen.true_duration <= 4)
    other = fit_sbg(np.minimum(np.where(seen.true_duration > 4, 9, seen.true_duration), 4), seen.true_duration <= 4)
    np.testing.assert_array_equal(early.parameters, other.parameters)


def test_it_crosses_to_another_process() -> None:
    fitted = fit_sbg_survivors(REGULAR)
    again = pickle.loads(pickle.dumps(fitted))
    assert float(again.survival(12)) == float(fitted.survival(12))
    assert again.parameter_names == ("alpha", "beta")


@pytest.mark.parametrize(
    ("survivors", "code"),
    [
        ([1000, 1000, 1000], "sbg_nobody_leaves"),
        ([1000, 0], "sbg_one_period"),
        ([1000, 0, 0], "sbg_one_period"),
        ([1000, 700], "sbg_one_period"),
        ([10, 7, 5], "sbg_too_few"),
        ([1000, 999, 998], "sbg_too_few"),
        ([], "sbg_too_few"),
        ([0, 0], "sbg_too_few"),
        ([1000, 900, 810, 729, 656], "sbg_alike"),  # one share for all
        ([1000, 900, 700, 400], "sbg_alike"),  # leaving more and more
        ([1000, 600, 600, 600, 600], "sbg_two_kinds"),
        ([1000, 600, 700], "sbg_not_falling"),
        ([1000, float("nan")], "sbg_not_falling"),
    ],
    ids=str,
)
def test_reasons_why_it_cannot_be_fitted(survivors: list[float], code: str) -> None:
    with pytest.raises(AnalysisError) as problem:
        fit_sbg_survivors(survivors)
    assert problem.value.code == code


def test_weakly_told_parameters_are_refused_not_guessed() -> None:
    """Nearly one share for all, few customers: whatever is told has a reason or sane errors."""
    told = 0
    for seed in range(40):
        rng = np.random.default_rng(seed)
        chance = np.full(150, 0.2)
        true = rng.geometric(chance)
        try:
            fitted = fit_sbg(np.minimum(true, 6), true <= 6)
        except AnalysisError as problem:
            assert problem.code in {"sbg_alike", "btyd_flat", "btyd_boundary"}  # noqa: PT017  # a fit or one of these refusals
            continue
        told += 1
        assert np.sqrt(np.diag(fitted.log_covariance)).max() <= 2.0
        lo, hi = fitted.survival_interval(6)
        assert lo < 0.8**6 * 1.35
        assert hi > 0.8**6 * 0.65
    assert told < 40
