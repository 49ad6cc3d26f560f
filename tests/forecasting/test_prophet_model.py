"""Our own solver of Prophet's objective as a candidate."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import numpy.typing as npt
import pytest

from analytics.forecasting.block import Block
from analytics.forecasting.prophet_model import prophet
from analytics.forecasting.spec import ForecastSpec

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
