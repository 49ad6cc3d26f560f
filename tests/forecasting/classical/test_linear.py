"""Smoothing as filters: against the recursion written as a loop, series by series."""

from __future__ import annotations

import numpy as np
import pytest

from analytics.forecasting.classical.aligned import align
from analytics.forecasting.classical.linear import Course, Gains, fit, run_on

FORMS = [
    Gains(0.3),
    Gains(0.9999),
    Gains(0.3, 0.1),
    Gains(0.3, 0.1, 0.9),
    Gains(0.3, gamma=0.1, season=7),
    Gains(0.2, 0.02, 0.95, 0.2, 4),
]


def loop(y: np.ndarray, gains: Gains, beginning: np.ndarray, horizon: int) -> tuple[float, list[float]]:
    """Sum of squared one-step errors and forecasts, as the equations stand in the book."""
    level, trend, season = float(beginning[0]), 0.0, [0.0] * gains.season
    rest = list(beginning[1:])
    if gains.beta is not None:
        trend = rest.pop(0)
    if gains.gamma is not None:
        season = [*rest, 0.0]
    sse = 0.0
    for t, value in enumerate(y):
        expected = level + gains.phi * trend
        error = value - expected - season[t % gains.season]
        sse += error**2
        level = expected + gains.alpha * error
        trend = gains.phi * trend + (gains.beta or 0.0) * error
        season[t % gains.season] += (gains.gamma or 0.0) * error
    said = []
    for step in range(horizon):
        level, trend = level + gains.phi * trend, gains.phi * trend
        said.append(level + season[(len(y) + step) % gains.season])
    return sse, said


@pytest.mark.parametrize("gains", FORMS, ids=repr)
def test_errors_and_forecasts_are_those_of_the_recursion(gains: Gains) -> None:
    rng = np.random.default_rng(1)
    y = rng.normal(10, 2, (3, 40)) + 0.2 * np.arange(40)
    y[1, :9] = np.nan
    series = align(y, gains.season)
    fitted = fit(series, gains)
    padded = np.zeros((3, 2 + gains.season))
    padded[:, 0] = fitted.beginning[:, 0]
    taken = 1
    if gains.beta is not None:
        padded[:, 1], taken = fitted.beginning[:, 1], 2
    if gains.gamma is not None:
        padded[:, 2:-1] = fitted.beginning[:, taken:]
    same = np.ones(3)
    course = Course(same * gains.alpha, same * (gains.beta or 0.0), same * gains.phi, same * (gains.gamma or 0.0))
    said = run_on(series, course, padded, gains.season, 9)
    for row in range(3):
        own = series.y[row, : series.length[row]]
        sse, ahead = loop(own, gains, fitted.beginning[row], 9)
        assert fitted.sse[row] == pytest.approx(sse, rel=1e-6)
        assert said[row] == pytest.approx(ahead, abs=1e-9)
        for _ in range(5):  # no other beginning does better
            other = fitted.beginning[row] + rng.normal(0, 0.05, fitted.beginning.shape[1])
            assert loop(own, gains, other, 1)[0] >= sse


def test_gaps_and_beginnings_are_aligned_by_hand() -> None:
    nan = np.nan
    series = align(np.array([[nan, nan, 1, 2, nan, 4], [1, nan, 3, 4, 5, 6], [nan] * 6]), 2)
    assert series.y.tolist() == [[1, 2, 1, 4, 0, 0], [1, 1, 3, 4, 5, 6], [0] * 6]
    assert series.length.tolist() == [4, 6, 0]
    assert series.n_observed.tolist() == [3, 5, 0]
