"""The classical candidates as the engine calls them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

import numpy as np
import pytest

from analytics.forecasting.block import Block, Candidate
from analytics.forecasting.classical import seasonal_naive, smoothing, theta
from analytics.forecasting.spec import ForecastSpec

SPEC = ForecastSpec()
CANDIDATES: list[Candidate] = [seasonal_naive, smoothing, theta]


def block(y: object, season: int = 4, horizon: int = 6) -> Block:
    values = np.atleast_2d(np.array(y, dtype=float))
    days = [date(2023, 1, 2) + timedelta(place) for place in range(values.shape[1] + horizon)]
    ids = tuple(f"s{row}" for row in range(len(values)))
    return Block(ids, tuple(days[: values.shape[1]]), values, tuple(days[values.shape[1] :]), "day", season)


@pytest.fixture
def daily() -> np.ndarray:
    rng = np.random.default_rng(0)
    t = np.arange(140)
    level = 20 * np.exp(rng.normal(0, 0.02, (6, 140)).cumsum(axis=1))
    return rng.poisson(level * (1 + 0.4 * np.sin(2 * np.pi * t / 7))).astype(float)


def test_seasonal_naive_by_hand() -> None:
    assert seasonal_naive(block([1, 2, 3, 4, 5, 7, 9, 12]), SPEC).tolist() == [[5, 7, 9, 12, 5, 7]]
    assert seasonal_naive(block([1, 2, 3, 4, 5, 7, 9, 12], season=1), SPEC).tolist() == [[12] * 6]
    assert seasonal_naive(block([1, 2, 3, 4, 5, np.nan, 9, 12]), SPEC).tolist() == [[5, 2, 9, 12, 5, 2]]
    assert seasonal_naive(block([np.nan] * 6 + [9, 12]), SPEC).tolist() == [[12] * 6]  # under one season


@pytest.mark.parametrize("candidate", CANDIDATES)
class TestEveryCandidate:
    def test_forecasts_are_finite_or_none(self, candidate: Candidate, daily: np.ndarray) -> None:
        y = daily.copy()
        y[0], y[1, :120], y[2, 50:70], y[3], y[4, :139] = np.nan, np.nan, np.nan, 0.0, np.nan
        said = candidate(block(y, 7, 10), SPEC)
        assert said.shape == (6, 10)
        assert np.isnan(said[0]).all()
        assert np.isfinite(said[[1, 2, 3, 5]]).all()
        assert np.isnan(said[4]).all() or np.isfinite(said[4]).all()
        assert np.isnan(candidate(block(np.empty((2, 0)), 7, 3), SPEC)).all()

    def test_what_never_changes_is_forecast_as_itself(self, candidate: Candidate) -> None:
        said = candidate(block(np.array([[5.0] * 60, [0.0] * 60, [1e9] * 60]), 7), SPEC)
        assert said == pytest.approx(np.array([[5.0] * 6, [0.0] * 6, [1e9] * 6]), rel=1e-9)

    def test_each_series_alone_is_what_it_is_among_others(self, candidate: Candidate, daily: np.ndarray) -> None:
        y = daily.copy()
        y[1, :30] = np.nan
        together = candidate(block(y, 7), SPEC)
        for row in range(3):
            assert candidate(block(y[row], 7), SPEC)[0] == pytest.approx(together[row], rel=1e-9)
        assert candidate(block(y[::-1], 7), SPEC) == pytest.approx(together[::-1], rel=1e-9)

    def test_units_do_not_matter(self, candidate: Candidate, daily: np.ndarray) -> None:
        assert candidate(block(daily * 100, 7), SPEC) == pytest.approx(candidate(block(daily, 7), SPEC) * 100, rel=1e-6)

    def test_a_block_is_left_as_it_was(self, candidate: Candidate, daily: np.ndarray) -> None:
        y = daily.copy()
        y.setflags(write=False)
        candidate(block(y, 7), SPEC)
        assert (y == daily).all()


@pytest.mark.parametrize("candidate", [smoothing, theta])
def test_a_weekly_season_and_a_level_are_found(candidate: Callable[..., np.ndarray]) -> None:
    t = np.arange(156)
    rng = np.random.default_rng(2)
    truth = 50 + 10 * np.sin(2 * np.pi * t / 7)
    said = candidate(block(truth[:140] + rng.normal(0, 1, 140), 7, 16), SPEC)
    assert np.abs(said[0] - truth[140:]).mean() < 1.0
