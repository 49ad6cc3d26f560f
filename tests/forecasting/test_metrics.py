"""Error measures: by hand, against naive loops, and where they are not defined."""

from __future__ import annotations

import math
from datetime import date, timedelta

import numpy as np
import pytest

from analytics.forecasting import metrics
from analytics.forecasting.block import Block

Y = np.array([10.0, 20.0, 30.0, 40.0])
SAID = np.array([12.0, 18.0, 33.0, 40.0])
TRAIN = np.array([1.0, 3.0, 2.0, 6.0, 5.0, 7.0])


def test_by_hand() -> None:
    # Seasonal differences at lag 2: 1, 3, 3, 1 -> mean 2, mean square 5. Errors -2, 2, -3, 0 -> mean 7/4.
    assert metrics.seasonal_differences(TRAIN, 2).tolist() == [1.0, 3.0, 3.0, 1.0]
    assert metrics.mase(Y, SAID, TRAIN, 2) == pytest.approx(7 / 4 / 2)
    assert metrics.rmsse(Y, SAID, TRAIN, 2) == pytest.approx(math.sqrt(17 / 4 / 5))
    assert metrics.wape(Y, SAID) == pytest.approx(7 / 100)
    assert metrics.bias(Y, SAID) == pytest.approx(3 / 100)
    assert metrics.smape(Y, SAID) == pytest.approx((4 / 22 + 4 / 38 + 6 / 63 + 0) / 4)
    assert metrics.coverage(Y, SAID - 2, SAID + 2) == (0.75, 4)


def test_against_naive_loops() -> None:
    rng = np.random.default_rng(4)
    y, said, train = rng.gamma(2, 10, 30), rng.gamma(2, 10, 30), rng.gamma(2, 10, 60)
    season = 7
    scale = sum(abs(train[t] - train[t - season]) for t in range(season, 60)) / (60 - season)
    squares = sum((train[t] - train[t - season]) ** 2 for t in range(season, 60)) / (60 - season)
    assert metrics.mase(y, said, train, season) == pytest.approx(
        sum(abs(a - b) for a, b in zip(y, said, strict=True)) / 30 / scale
    )
    assert metrics.rmsse(y, said, train, season) == pytest.approx(
        math.sqrt(sum((a - b) ** 2 for a, b in zip(y, said, strict=True)) / 30 / squares)
    )
    assert metrics.smape(y, said) == pytest.approx(
        sum(2 * abs(a - b) / (a + b) for a, b in zip(y, said, strict=True)) / 30
    )


def test_scale_free() -> None:
    for measure in (metrics.mase, metrics.rmsse):
        assert measure(100 * Y, 100 * SAID, 100 * TRAIN, 2) == pytest.approx(measure(Y, SAID, TRAIN, 2))
    for measure in (metrics.wape, metrics.smape, metrics.bias):
        assert measure(100 * Y, 100 * SAID) == pytest.approx(measure(Y, SAID))


def test_missing_periods_are_left_out() -> None:
    y = np.array([10.0, np.nan, 30.0, 40.0])
    kept = np.array([0, 2, 3])
    assert metrics.wape(y, SAID) == pytest.approx(metrics.wape(Y[kept], SAID[kept]))
    assert metrics.mase(y, SAID, TRAIN, 2) == pytest.approx(metrics.mase(Y[kept], SAID[kept], TRAIN, 2))
    assert metrics.coverage(y, SAID - 2, SAID + 2) == (pytest.approx(2 / 3), 3)


def test_undefined_is_none_not_infinite() -> None:
    constant = np.full(6, 5.0)
    assert metrics.mase(Y, SAID, constant, 2) is None
    assert metrics.rmsse(Y, SAID, constant, 2) is None
    assert metrics.wape(np.zeros(3), np.ones(3)) is None
    assert metrics.bias(np.zeros(3), np.ones(3)) is None
    assert metrics.smape(np.zeros(3), np.zeros(3)) == 0.0
    assert metrics.coverage(Y, np.full(4, np.nan), np.full(4, np.nan)) == (None, 0)
    assert metrics.mase(Y, SAID, TRAIN[:2], 2) is None


def test_scales_by_hand() -> None:
    nan = float("nan")
    y = np.array([[1.0, 3.0, 2.0, 6.0, 5.0, 7.0], [nan, nan, nan, nan, 1.0, 4.0], [nan] * 5 + [2.0], [3.0] * 6])
    absolute, squared = metrics.scales(y, 2)
    assert absolute.tolist()[0] == 2.0
    assert squared[0] == pytest.approx(math.sqrt(5))
    assert absolute.tolist()[1] == 3.0  # no difference of lag 2: neighbours
    assert math.isnan(absolute[2])
    assert absolute.tolist()[3] == 0.0


def test_weighted_interval_score_by_hand() -> None:
    y, said = np.array([10.0, 30.0]), np.array([12.0, 12.0])
    found = metrics.weighted_interval_score(y, said, {0.8: (said - 4, said + 4), 0.95: (said - 8, said + 8)})
    # |y - f| / 2 = 1 and 9; a/2 (width + 2/a miss) = .1 x 8 and .025 x 16, and misses of 14 and 10 count in full.
    assert found == pytest.approx([(1 + 0.8 + 0.4) / 2.5, (9 + 0.8 + 14 + 0.4 + 10) / 2.5])


def test_rows_without_gaps_and_without_negatives() -> None:
    y = np.array([[1.0, np.nan], [1.0, 0.0], [-1.0, 2.0]])
    assert metrics.whole(y).tolist() == [False, True, True]
    assert metrics.never_negative(y).tolist() == [True, True, False]


def test_a_band_without_width_holds_what_it_says() -> None:
    y = np.array([5.0, 5.0 + 1e-9, 6.0, np.nan])
    assert metrics.inside(y, np.full(4, 5.0), np.full(4, 5.0)).tolist()[:3] == [1.0, 1.0, 0.0]


def test_what_changed_of_late_by_hand() -> None:
    """Twenty weeks that move by 1, then sixteen that move by 3: (16 x 3 + 4 x (19 + 16 x 3) / 35) / 20."""
    week = [date(2024, 1, 1) + timedelta(weeks=place) for place in range(36)]
    steps = np.cumsum([0.0] + [1.0, -1.0] * 9 + [1.0] + [3.0, -3.0] * 8)
    y = np.array([steps, np.where(np.arange(36) < 35, np.nan, 5.0), np.full(36, 5.0)])
    found = metrics.recent_scales(Block(("a", "b", "c"), tuple(week), y, (), "week", 1))
    assert found[0] == pytest.approx((16 * 3 + 4 * (19 + 16 * 3) / 35) / 20)
    assert np.isnan(found[1])
    assert found[2] == 0


def test_days_are_compared_one_season_apart() -> None:
    days = [date(2024, 1, 1) + timedelta(days=place) for place in range(70)]
    y = (np.arange(70) % 7 * 10.0 + np.arange(70) // 7)[None]
    found = metrics.recent_scales(Block(("a",), tuple(days), y, (), "day", 7))
    assert found == pytest.approx([1.0])
