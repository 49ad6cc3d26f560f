"""Single large orders are held down; trends, lasting levels and seasons are left alone."""

from __future__ import annotations

import numpy as np
import pytest

from analytics.forecasting.classical.aligned import align
from analytics.forecasting.classical.spikes import LIMIT, NORMAL, without_spikes


def weekdays(n: int = 140, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return 50 + 15 * np.sin(2 * np.pi * np.arange(n) / 7) + rng.normal(0, 3, n)


def test_a_single_large_order_is_set_to_the_limit_by_hand() -> None:
    rng = np.random.default_rng(1)
    y = 50 + rng.normal(0, 3, 140)
    y[70] = 2_000.0
    found = without_spikes(align(y[None], 1), 1, "week").y[0]
    around = np.array([np.median(y[place - 6 : place + 7]) for place in range(6, 134)])
    spread = NORMAL * np.median(np.abs(y[6:134] - around))
    assert found[70] == pytest.approx(around[64] + LIMIT * spread, rel=0.02)  # the ends add a few to the median
    assert np.delete(found, 70) == pytest.approx(np.delete(y, 70))


def test_a_spike_among_weekdays_keeps_the_week() -> None:
    y = weekdays()
    y[73] += 5_000.0
    found = without_spikes(align(y[None], 7), 7, "day").y[0]
    assert found[73] < 150
    assert np.delete(found, 73) == pytest.approx(np.delete(y, 73))


@pytest.mark.parametrize(
    ("y", "season"),
    [
        (weekdays(), 7),
        (np.arange(140.0) ** 2, 1),
        (np.r_[np.full(70, 10.0), np.full(70, 1_000.0)] + np.random.default_rng(2).normal(0, 1, 140), 1),
        (np.r_[weekdays(120), np.zeros(20)], 7),
        (np.random.default_rng(3).normal(0, 1, 140).cumsum(), 1),
        (np.full(140, 3.0), 7),
        (np.zeros(140), 7),
    ],
    ids=["week", "curve", "step", "end", "walk", "constant", "zero"],
)
def test_what_is_no_spike_is_left_alone(y: np.ndarray, season: int) -> None:
    assert without_spikes(align(y[None], season), season, "day").y[0] == pytest.approx(y, rel=0.01)


def test_series_of_other_lengths_change_nothing() -> None:
    y = np.array([weekdays(140, 4), weekdays(140, 5), weekdays(140, 6)])
    y[0, 80] += 900.0
    y[1, :60] = np.nan
    y[1, 130] += 900.0
    y[2, :135] = np.nan
    together = without_spikes(align(y, 7), 7, "day")
    for row in range(3):
        alone = without_spikes(align(y[row : row + 1], 7), 7, "day").y[0]
        assert together.y[row] == pytest.approx(alone)
    assert together.y[1, 70] < 200
    assert together.y[2, :5] == pytest.approx(y[2, 135:])
