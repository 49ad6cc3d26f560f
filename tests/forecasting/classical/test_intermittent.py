"""Intermittent demand against its equations, and what it is for: goods that are no longer sold."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pytest

from analytics.forecasting.block import Block
from analytics.forecasting.classical import tsb
from analytics.forecasting.classical.aligned import align
from analytics.forecasting.classical.intermittent import CHANCE_GAINS, SIZE_GAINS, expected, is_intermittent
from analytics.forecasting.spec import ForecastSpec


def block(y: np.ndarray, horizon: int = 5) -> Block:
    days = [date(2023, 1, 2) + timedelta(place) for place in range(y.shape[1] + horizon)]
    ids = tuple(str(row) for row in range(len(y)))
    return Block(ids, tuple(days[: y.shape[1]]), y, tuple(days[y.shape[1] :]), "day", 7)


def loop(y: np.ndarray) -> float:
    """The method as the paper writes it, for every pair of smoothing parameters; the best one's forecast."""
    answers = []
    for alpha in SIZE_GAINS:
        for beta in CHANCE_GAINS:
            size, chance, sse = float(y[y > 0].mean()), float((y > 0).mean()), 0.0
            for value in y:
                sse += (value - size * chance) ** 2
                if value > 0:
                    size = size + alpha * (value - size)
                    chance = chance + beta * (1 - chance)
                else:
                    chance = chance + beta * (0 - chance)
            answers.append((sse, size * chance))
    return min(answers)[1]


def test_it_is_what_the_equations_say() -> None:
    rng = np.random.default_rng(3)
    y = np.where(rng.random((4, 120)) < 0.2, rng.poisson(5, (4, 120)) + 1.0, 0.0)
    y[1, :40] = np.nan
    y[1, 40] = 3.0
    said = tsb(block(y), ForecastSpec())
    for row in range(4):
        own = y[row][np.isfinite(y[row])]
        assert said[row] == pytest.approx(np.full(5, loop(own)))


def test_only_intermittent_demand_is_its_own() -> None:
    steady, sparse = np.full(40, 3.0), np.where(np.arange(40) % 4 == 0, 3.0, 0.0)
    negative = np.where(np.arange(40) % 4 == 0, -3.0, 0.0)
    short = np.r_[np.full(35, np.nan), [1.0, 0.0, 0.0, 0.0, 0.0]]
    y = np.array([steady, sparse, negative, short, np.zeros(40), np.full(40, np.nan)])
    assert is_intermittent(align(y, 7)).tolist() == [False, True, False, False, True, False]
    said = tsb(block(y), ForecastSpec())
    assert np.isnan(said[[0, 2, 3, 5]]).all()
    assert said[1] == pytest.approx(np.full(5, 0.75), rel=0.2)
    assert (said[4] == 0).all()


def test_what_is_no_longer_sold_ends() -> None:
    y = np.where(np.arange(200) % 4 == 0, 3.0, 0.0)
    y[120:] = 0.0
    assert expected(align(y[None], 7))[0] < 0.1 * y[:120].mean()
