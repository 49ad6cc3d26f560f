"""Bands and simulated totals: ranks by hand, coverage of noise whose law is known."""

from __future__ import annotations

import numpy as np
import pytest

from analytics.forecasting.intervals import SOURCES, Calibration, calibrate, standard_normal


def made(sizes: np.ndarray, exponent: float = 0.0, common: float = 0.0, freedom: float = np.inf) -> Calibration:
    signed = np.concatenate([-sizes[::-1], sizes])
    law = (np.array([exponent]), np.array([common]), np.array([0]), np.array([freedom]))
    return Calibration((sizes,), (signed,), *law)


def test_the_rank_by_hand() -> None:
    # 20 errors of sizes 1 to 20: ceil(21 x .8) = 17, ceil(21 x .95) = 20.
    halves = made(np.arange(1.0, 21.0)).half_widths(np.array([3.0]), 2)
    assert halves.shape == (2, 1, 2)
    assert halves[0, 0].tolist() == [51.0, 51.0]
    assert halves[1, 0].tolist() == [60.0, 60.0]
    growing = made(np.arange(1.0, 21.0), 0.5).half_widths(np.array([1.0]), 4)
    assert growing[0, 0] == pytest.approx([17.0, 17 * 2**0.5, 17 * 3**0.5, 34.0])


def test_few_origins_widen_as_students_t_does() -> None:
    # Eight origins: 14 degrees of freedom, t = 1.3450 and 2.1448 against 1.2816 and 1.9600.
    halves = made(np.arange(1.0, 21.0), freedom=14.0).half_widths(np.array([1.0]), 1)
    assert halves[:, 0, 0] == pytest.approx([17 * 1.3450 / 1.2816, 20 * 2.1448 / 1.9600], rel=1e-3)
    eight = calibrate(np.random.default_rng(0).normal(size=(8, 1, 10)))
    assert eight.freedom.tolist() == [10.5]


def test_sizes_are_what_was_known() -> None:
    rng = np.random.default_rng(0)
    ratios = np.full((3, 2, 20), np.nan)
    ratios[0], ratios[1, :, :10] = rng.normal(size=(2, 20)), rng.normal(size=(2, 10))
    found = calibrate(ratios)
    assert [len(sizes) for sizes in found.sizes] == [30, 30]
    assert found.freedom.tolist() == [2.0, 2.0]


def test_too_few_errors_are_helped_out() -> None:
    rng = np.random.default_rng(0)
    ratios = rng.normal(size=(4, 3, 12))
    ratios[1:, 2] = np.nan  # one origin only: those of all series
    found = calibrate(ratios)
    assert [SOURCES[place] for place in found.source] == ["own", "own", "pooled"]
    assert len(found.sizes[2]) == 4 * 2 * 12 + 12
    assert [SOURCES[place] for place in calibrate(np.full((3, 2, 8), np.nan)).source] == ["fallback"] * 2
    assert [SOURCES[place] for place in calibrate(np.full((0, 1, 8), np.nan)).source] == ["fallback"]
    # Eight one-step errors of a series alone tell their size, though not their law.
    alone = calibrate(3.0 * rng.normal(size=(8, 1, 1)))
    assert alone.source.tolist() == [0]
    assert alone.half_widths(np.array([1.0]), 1)[0, 0, 0] == pytest.approx(3 * 1.345, rel=0.4)


def test_growth_of_a_random_walk_is_found() -> None:
    rng = np.random.default_rng(1)
    walk, noise = rng.normal(size=(400, 1, 12)).cumsum(axis=2), rng.normal(size=(400, 1, 12))
    found = calibrate(np.concatenate([walk, noise], axis=1))
    assert found.exponent == pytest.approx([0.5, 0.0], abs=0.06)
    assert found.half_widths(np.ones(2), 12)[0, 1, 0] == pytest.approx(1.2816, abs=0.08)


@pytest.mark.parametrize("kind", ["noise", "walk", "shift"])
def test_simulated_totals_vary_as_the_truth_does(kind: str) -> None:
    """The total's 80 percent interval covers sums of errors drawn from the same law."""
    rng = np.random.default_rng(2)

    def errors(n: int) -> np.ndarray:
        own = rng.normal(size=(n, 1, 12))
        if kind == "walk":
            return own.cumsum(axis=2)
        return own if kind == "noise" else own * 0.5 + rng.normal(size=(n, 1, 1))

    found = calibrate(errors(300))
    paths = found.paths(0, 1.0, standard_normal(12, 7))
    lo, hi = np.quantile(paths.sum(axis=1), [0.1, 0.9])
    fresh = errors(3000).sum(axis=2)
    assert np.mean((fresh >= lo) & (fresh <= hi)) == pytest.approx(0.8, abs=0.06)
    inside = np.abs(paths) <= found.half_widths(np.ones(1), 12)[0, 0]
    assert inside.mean() == pytest.approx(0.8, abs=0.03)  # margins are the band's


def test_sums_of_skewed_errors_are_skewed_and_about_zero() -> None:
    rng = np.random.default_rng(4)
    errors = rng.exponential(1.0, size=(400, 1, 12)) - 0.9  # a bias of .1 is not carried on
    found = calibrate(errors)
    sums = found.paths(0, 1.0, standard_normal(12, 1)).sum(axis=1)
    assert sums.mean() == pytest.approx(0.0, abs=0.3)
    lo, hi = np.quantile(sums, [0.1, 0.9])
    fresh = rng.exponential(1.0, size=(4000, 12)).sum(axis=1) - 12
    assert [lo, hi] == pytest.approx(np.quantile(fresh, [0.1, 0.9]), abs=0.6)
    assert (((sums - sums.mean()) / sums.std()) ** 3).mean() > 0.3  # of such a sum itself: 2 / 12 ** .5 = .58


def test_paths_are_seeded_and_leave_the_global_state_alone() -> None:
    found = calibrate(np.full((0, 1, 6), np.nan))
    np.random.seed(5)
    before = np.random.get_state()[1].copy()
    one, again, other = (found.paths(0, 1.0, standard_normal(6, seed)) for seed in (3, 3, 4))
    assert np.array_equal(one, again)
    assert not np.array_equal(one, other)
    assert np.array_equal(before, np.random.get_state()[1])


def test_the_fallback_is_a_wide_normal_random_walk() -> None:
    halves = calibrate(np.full((0, 1, 4), np.nan)).half_widths(np.array([10.0]), 4)
    assert halves[0, 0] == pytest.approx(1.25 * 12.816 * np.sqrt([1, 2, 3, 4]), rel=0.02)
    assert halves[1, 0, 0] == pytest.approx(1.25 * 19.6, rel=0.03)


def test_a_panel_draws_sizes_half_way_to_those_of_all() -> None:
    """Six series whose errors differ in size by up to 32 times; of four there is no panel."""
    rng = np.random.default_rng(3)
    ratios = rng.normal(size=(40, 6, 10)) * 2.0 ** np.arange(6)[:, None]
    alone, together = calibrate(ratios[:, :4]), calibrate(ratios)
    widths = [np.log2(found.half_widths(np.ones(len(found.sizes)), 10)[0]).mean(axis=1) for found in (alone, together)]
    assert widths[0] == pytest.approx(np.arange(4) + np.log2(1.29), abs=0.2)
    assert np.diff(widths[1]) == pytest.approx(np.full(5, 0.5), abs=0.15)
    assert all((np.diff(sizes) >= 0).all() for sizes in together.sizes)
