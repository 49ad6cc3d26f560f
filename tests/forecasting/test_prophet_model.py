"""Our own solver of Prophet's objective as a candidate."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import numpy.typing as npt
import pytest

from analytics.forecasting.block import Block
from analytics.forecasting.prophet_model import fit_packaged, prepare, prophet, prophet_level
from analytics.forecasting.prophet_model.candidates import _last_level
from analytics.forecasting.prophet_model.design import swings_grow
from analytics.forecasting.spec import ForecastSpec, ProphetSpec

FIRST = date(2022, 1, 3)
Floats = npt.NDArray[np.float64]


def daily(y: Floats, horizon: int = 28) -> Block:
    ds = tuple(FIRST + timedelta(days=day) for day in range(y.shape[1] + horizon))
    ids = tuple(f"series {row}" for row in range(len(y)))
    return Block(ids, ds[: y.shape[1]], y, ds[y.shape[1] :], "day", 7)


def planted(n_series: int, n_periods: int, noise: float = 0.0, seed: int = 0) -> Floats:
    """Level, slope, a week and a year, each series at a size of its own."""
    t = np.arange(n_periods)
    shape = 100 + 0.05 * t + 30 * np.sin(2 * np.pi * t / 365.25) + 12 * np.cos(2 * np.pi * t / 7)
    rng = np.random.default_rng(seed)
    return (shape + rng.normal(0, noise, (n_series, n_periods))) * np.arange(1, n_series + 1)[:, None]


def test_a_planted_pattern_is_continued() -> None:
    truth = planted(4, 828)
    y = planted(4, 828, noise=5.0)[:, :800]
    y[1, :60] = np.nan  # began later
    y[2, 300:310] = np.nan  # a gap
    errors = np.abs(prophet(daily(y), ForecastSpec()) - truth[:, 800:])
    assert (errors.mean(axis=1) / np.arange(1, 5) < 2.5).all()


def test_each_series_is_alone_in_its_block() -> None:
    y = planted(5, 400, noise=20.0)
    y[1, :100] = np.nan
    y[3, 200:220] = np.nan
    together = prophet(daily(y), ForecastSpec())
    for row in range(5):
        assert prophet(daily(y[row : row + 1]), ForecastSpec())[0].tolist() == together[row].tolist()
    assert np.array_equal(prophet(daily(y[::-1]), ForecastSpec())[::-1], together)
    assert np.array_equal(prophet(daily(y * 1024), ForecastSpec()), together * 1024)
    assert prophet(daily(y * 100), ForecastSpec()) == pytest.approx(together * 100, rel=0.01)


def test_constant_empty_and_short_rows() -> None:
    y = np.full((4, 50), np.nan)
    y[0] = 7.0
    y[1, 20:] = 0.0
    y[2, 30] = 3.0
    out = prophet(daily(y, 3), ForecastSpec())
    assert out[:2].tolist() == [[7.0] * 3, [0.0] * 3]
    assert np.isnan(out[2:]).all()


def test_a_level_that_jumped_is_followed() -> None:
    rng = np.random.default_rng(3)
    y = np.full((2, 300), 100.0) + rng.normal(0, 1, (2, 300))
    y[0, 290:] += 40.0  # after the last bend
    block = daily(y, 10)
    plain, raised = prophet(block, ForecastSpec()), prophet_level(block, ForecastSpec())
    assert abs(plain[0] - 140).mean() > 15
    assert abs(raised[0] - 140).mean() < abs(plain[0] - 140).mean() / 2
    assert raised[1] == pytest.approx(plain[1], abs=0.5)  # noise has no level


def test_level_by_hand() -> None:
    residual = np.array([[np.nan, 0.0, 10.0, np.nan, 10.0, 10.0, 10.0], [1.0, -1.0, 1.0, -1.0, 1.0, -1.0, 1.0]])
    level = 0.0
    for value in (0.0, 10.0, 10.0, 10.0, 10.0):
        level += 0.8 * (value - level)
    assert _last_level(residual).tolist() == [pytest.approx(level), 0.0]
    assert _last_level(np.zeros((1, 5))).tolist() == [0.0]


def test_fits_of_a_back_test_together_are_those_one_by_one() -> None:
    y = planted(3, 300, noise=20.0)
    y[1, :120] = np.nan
    whole = daily(y)
    blocks = [whole.until(n_periods, 14) for n_periods in (150, 220, 286)]
    alone = [prophet(block, ForecastSpec()) for block in blocks]
    again = [whole.until(n_periods, 14) for n_periods in (150, 220, 286)]
    told: list[float] = []
    prepare(again, ForecastSpec(), told.append)
    assert told == sorted(told)
    assert told[-1] == 1
    for block, expected in zip(again, alone, strict=True):
        assert np.array_equal(prophet(block, ForecastSpec()), expected)


def test_swings_that_grow_with_the_level_are_multiplicative() -> None:
    t = np.arange(60)
    level, wave = 100 * 1.03**t, np.sin(2 * np.pi * t / 12)
    noise = np.random.default_rng(0).normal(0, 1, 60)
    growing = level * (1 + 0.3 * wave) + noise
    gap, begun_later = growing.copy(), growing.copy()
    gap[30] = np.nan
    begun_later[:14] = np.nan
    with_zero = np.append(growing[1:], 0.0)
    y = np.array([growing, level + 60 * wave + noise, with_zero, gap, begun_later])
    ds = tuple(date(2018 + place // 12, place % 12 + 1, 1) for place in range(60))
    block = Block(tuple("abcde"), ds, y, (), "month", 12)
    assert swings_grow(block).tolist() == [True, False, False, True, True]
    assert not swings_grow(block.until(30, 0)).any()  # under three years


def test_weekdays_that_never_sell_are_no_part_of_a_week() -> None:
    """Six open days: stretches of six; with the closed days as gaps in a week of seven the packaged model agrees."""
    days = [FIRST + timedelta(days=day) for day in range(210) if (FIRST + timedelta(days=day)).weekday() != 5]
    level = np.linspace(50, 400, len(days))
    y = level * np.tile([1.0, 1.1, 1.2, 1.5, 1.3, 0.6], len(days) // 6)
    block = Block(("a",), tuple(days), y[None], (FIRST + timedelta(days=210),), "day", 6)
    assert swings_grow(block).tolist() == [True]
    every = tuple(FIRST + timedelta(days=day) for day in range(210))
    place = {day: index for index, day in enumerate(days)}
    with_gaps = np.array([y[place[day]] if day in place else np.nan for day in every])
    shown = fit_packaged(every, with_gaps, block.ahead, "day", ForecastSpec())
    assert shown.mode == "multiplicative"
    assert shown.line[-1] == pytest.approx(prophet(block, ForecastSpec())[0, 0], rel=0.01)


@pytest.mark.parametrize(("growth", "mode"), [("linear", "auto"), ("linear", "multiplicative"), ("logistic", "auto")])
def test_whatever_comes_is_answered_with_numbers_in_silence(growth: str, mode: str) -> None:
    """Warnings are errors here. Forecasts stay within a hundred times what was seen."""
    rng = np.random.default_rng(7)
    for n_periods in (2, 30, 130):
        y = np.full((10, n_periods), np.nan)
        y[0] = 0.0
        y[0, -1] = 1.0
        y[1] = rng.normal(-1000, 1, n_periods)
        y[2] = rng.poisson(0.05, n_periods) * 1e12
        y[3] = 1e-9 * rng.random(n_periods)
        y[4] = np.arange(n_periods)
        y[5] = 2.0 ** np.minimum(np.arange(n_periods), 60)
        y[6] = rng.normal(0, 1, n_periods)
        y[6, 0] = 1e9
        y[7, -2:] = (3.0, 5.0)
        y[8, ::3] = 4.0
        y[9, [0, -1]] = (1.0, -1.0)
        spec = ForecastSpec(prophet=ProphetSpec(growth=growth, seasonality_mode=mode))
        for candidate in (prophet, prophet_level):
            out = candidate(daily(y, 14), spec)
            seen = np.isfinite(y).sum(axis=1) >= 2
            assert np.isfinite(out[seen]).all()
            assert (np.abs(out[seen]) <= 100 * np.nanmax(np.abs(y[seen]), axis=1, keepdims=True) + 1e-6).all()
