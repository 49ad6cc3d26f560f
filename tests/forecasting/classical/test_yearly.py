"""The curve through the year: found where it comes again, not believed where it does not."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pytest

from analytics.forecasting.block import Block
from analytics.forecasting.classical import smoothing, theta
from analytics.forecasting.classical.yearly import DAYS, WAVES, _shrunk, learn_year
from analytics.forecasting.spec import ForecastSpec


def weeks(y: np.ndarray, horizon: int = 26) -> Block:
    days = [date(2019, 1, 7) + timedelta(weeks=place) for place in range(y.shape[1] + horizon)]
    ids = tuple(str(row) for row in range(len(y)))
    return Block(ids, tuple(days[: y.shape[1]]), y, tuple(days[y.shape[1] :]), "week", 52)


def phase(n: int) -> np.ndarray:
    start = date(2019, 1, 7).toordinal()
    return 2 * np.pi * (start + 7 * np.arange(n)) / DAYS


def test_a_planted_curve_is_found_in_shares_of_the_level() -> None:
    at = phase(182)
    curve = 1 + 0.5 * np.cos(at - 1) + 0.2 * np.sin(3 * at)
    level = np.linspace(50, 80, 182)
    rng = np.random.default_rng(0)
    year = learn_year(weeks((level * curve + rng.normal(0, 2, 182))[None, :156]))
    assert year is not None
    assert year.multiplicative[0]
    assert np.abs(year.ahead[0] - curve[156:]).max() < 0.12
    assert np.abs(year.seen[0] - curve[:156]).max() < 0.12
    assert year.restored(np.full((1, 26), 10.0))[0] == pytest.approx(10 * year.ahead[0])
    assert year.removed(np.full((1, 156), 10.0))[0] == pytest.approx(10 / year.seen[0])


def test_what_is_ever_negative_has_a_curve_in_its_own_unit() -> None:
    at = phase(182)
    y = 5 * np.cos(at) + np.random.default_rng(1).normal(0, 0.5, 182)
    year = learn_year(weeks(y[None, :156]))
    assert year is not None
    assert not year.multiplicative[0]
    assert np.abs(year.ahead[0] - 5 * np.cos(at[156:])).max() < 1.0


def test_years_that_do_not_agree_teach_little() -> None:
    """100 random walks and 100 of white noise: what is left of the curve is small beside their own deviations.

    Least squares would leave the square root of 16 waves' parts over 208 weeks, .28, of white noise.
    """
    rng = np.random.default_rng(2)
    y = np.concatenate([rng.normal(0, 1, (100, 208)).cumsum(axis=1), rng.normal(0, 1, (100, 208))])
    year = learn_year(weeks(y))
    assert year is not None
    share = year.seen.std(axis=1) / y.std(axis=1)
    assert np.median(share[:100]) < 0.35
    assert np.median(share[100:]) < 0.18


def test_waves_are_kept_by_the_share_that_comes_again_by_hand() -> None:
    parts = np.zeros((2, 2 * WAVES, 2))
    parts[:, 0, 0] = 1.0, 1.0  # the same in both years: kept whole
    parts[:, 0, 1] = 1.0, -1.0  # opposite: none of it
    found = _shrunk(parts, np.array([2, 2]))
    assert found[0] == pytest.approx([1.0, 0.0])
    assert (found[1:] == 0).all()


def test_short_series_and_months_have_none() -> None:
    y = np.random.default_rng(3).normal(10, 1, (2, 103))
    assert learn_year(weeks(y)) is None
    both = np.concatenate([np.full((1, 100), np.nan), y[:1, :60]], axis=1)
    both = np.concatenate([both, np.random.default_rng(4).normal(10, 1, (1, 160))])
    year = learn_year(weeks(both))
    assert year is not None
    assert (year.ahead[0] == 0).all()
    assert not year.multiplicative[0]
    assert year.multiplicative[1]


@pytest.mark.parametrize("candidate", [smoothing, theta])
def test_candidates_follow_the_year(candidate: object) -> None:
    at = phase(182)
    truth = 100 * (1 + 0.5 * np.cos(at))
    y = truth + np.random.default_rng(5).normal(0, 4, 182)
    said = candidate(weeks(y[None, :156]), ForecastSpec())
    assert np.abs(said[0] - truth[156:]).mean() < 8
