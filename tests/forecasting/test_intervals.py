"""Bands and simulated totals: ranks by hand, coverage of noise whose law is known."""

from __future__ import annotations

import numpy as np
import pytest

from analytics.forecasting.intervals import OriginErrors, calibrate, uncalibrated


def test_the_rank_by_hand() -> None:
    # 20 errors, sizes 1 to 20, in sigmas of 2; flat over the horizon, so no growth. ceil(21 x .8) = 17, 21 x .95 -> 20.
    first = np.array([1.0, -20.0, 3.0, -18.0, 5.0, -16.0, 7.0, -14.0, 9.0, -12.0])
    second = np.array([19.0, -2.0, 17.0, -4.0, 15.0, -6.0, 13.0, -8.0, 11.0, -10.0])
    found = calibrate([OriginErrors(first * 2, 2.0), OriginErrors(second * 2, 2.0)])
    assert found is not None
    assert found.scaled[-1] >= found.scaled[0]
    flat = type(found)(np.arange(1.0, 21.0), 0.0, 0.0)
    assert flat.half_width(3.0, 2, 0.80).tolist() == [51.0, 51.0]
    assert flat.half_width(3.0, 2, 0.95).tolist() == [60.0, 60.0]
    growing = type(found)(np.arange(1.0, 21.0), 0.5, 0.0)
    assert growing.half_width(1.0, 4, 0.80) == pytest.approx([17.0, 17 * 2**0.5, 17 * 3**0.5, 34.0])


def test_too_few_errors_give_no_band() -> None:
    rng = np.random.default_rng(0)
    assert calibrate([OriginErrors(rng.normal(size=40), 1.0)]) is None  # one origin
    assert calibrate([OriginErrors(rng.normal(size=9), 1.0)] * 2) is None  # 18 errors
    assert calibrate([OriginErrors(rng.normal(size=40), 0.0)] * 3) is None  # fits without any error
    assert calibrate([OriginErrors(np.full(40, np.nan), 1.0)] * 3) is None  # nothing known yet


def test_growth_of_a_random_walk_is_found() -> None:
    rng = np.random.default_rng(1)
    found = calibrate([OriginErrors(rng.normal(size=12).cumsum(), 1.0) for _ in range(400)])
    assert found is not None
    assert found.exponent == pytest.approx(0.5, abs=0.06)
    noise = calibrate([OriginErrors(rng.normal(size=12), 1.0) for _ in range(400)])
    assert noise is not None
    assert noise.exponent == pytest.approx(0.0, abs=0.06)
    assert noise.half_width(1.0, 1, 0.8)[0] == pytest.approx(1.2816, abs=0.08)


@pytest.mark.parametrize("kind", ["noise", "walk", "shift"])
def test_simulated_totals_vary_as_the_truth_does(kind: str) -> None:
    """The total's 80 percent interval covers sums of errors drawn from the same law."""
    rng = np.random.default_rng(2)

    def path() -> np.ndarray:
        own = rng.normal(size=12)
        if kind == "walk":
            return own.cumsum()
        return own if kind == "noise" else own * 0.5 + rng.normal()

    found = calibrate([OriginErrors(path(), 1.0) for _ in range(300)])
    assert found is not None
    paths = found.paths(1.0, 12, 7)
    lo, hi = np.quantile(paths.sum(axis=1), [0.1, 0.9])
    fresh = np.array([path().sum() for _ in range(3000)])
    assert np.mean((fresh >= lo) & (fresh <= hi)) == pytest.approx(0.8, abs=0.06)
    inside = np.abs(paths) <= found.half_width(1.0, 12, 0.8)
    assert inside.mean() == pytest.approx(0.8, abs=0.03)  # margins are the band's


def test_paths_are_seeded_and_leave_the_global_state_alone() -> None:
    found = uncalibrated()
    np.random.seed(5)
    before = np.random.get_state()[1].copy()
    assert np.array_equal(found.paths(1.0, 6, 3), found.paths(1.0, 6, 3))
    assert not np.array_equal(found.paths(1.0, 6, 3), found.paths(1.0, 6, 4))
    assert np.array_equal(before, np.random.get_state()[1])


def test_the_fallback_is_a_normal_random_walk() -> None:
    half = uncalibrated().half_width(10.0, 4, 0.8)
    assert half == pytest.approx(12.816 * np.sqrt([1, 2, 3, 4]), rel=0.02)
    assert uncalibrated().half_width(10.0, 1, 0.95)[0] == pytest.approx(19.6, rel=0.03)
