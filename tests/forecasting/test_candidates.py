"""The registry: what is run, what abstains, the median."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from analytics.forecasting import ForecastSpec
from analytics.forecasting.block import Block
from analytics.forecasting.candidates import asked_for, median, prepare_candidates, run_candidates
from analytics.forecasting.grid import next_periods
from analytics.forecasting.spec import MODELS


def daily(y: object, horizon: int = 5, season: int = 7) -> Block:
    values = np.atleast_2d(np.array(y, dtype=float))
    ds = (date(2023, 1, 2), *next_periods(date(2023, 1, 2), values.shape[1] - 1, "day"))
    ids = tuple(f"s{row}" for row in range(len(values)))
    return Block(ids, ds, values, next_periods(ds[-1], horizon, "day"), "day", season)


def test_every_model_has_a_home() -> None:
    assert asked_for(ForecastSpec()) == MODELS
    assert asked_for(ForecastSpec(candidates=("theta",))) == ("seasonal_naive", "theta")
    assert asked_for(ForecastSpec(candidates=("theta",), model="tsb")) == ("seasonal_naive", "theta", "tsb")


def test_the_median_by_hand() -> None:
    nan = float("nan")
    said = [np.array([[1.0, 9.0], [1.0, 1.0]]), np.array([[5.0, 5.0], [nan, nan]]), np.array([[3.0, 2.0], [4.0, 4.0]])]
    found = median(said)
    assert found[0].tolist() == [3.0, 5.0]
    assert np.isnan(found[1]).all()  # two of them are no three
    # The first four that answer: the fifth speaks only where one of them abstains.
    five = median([*said, np.array([[7.0, 1.0], [6.0, 6.0]]), np.array([[100.0, 100.0], [2.0, 2.0]])])
    assert five.tolist() == [[4.0, 3.5], [3.0, 3.0]]


def test_what_was_never_negative_is_not_forecast_to_be() -> None:
    falling = [200.0 - 4 * t for t in range(50)]
    block = daily([falling, [value - 100 for value in falling]], horizon=20)
    said = run_candidates(block, ForecastSpec(), ("theta", "prophet", "smoothing"))
    assert all(forecasts[0].min() >= 0 for forecasts in said.values())
    assert min(forecasts[1].min() for forecasts in said.values()) < -100


@pytest.mark.parametrize("value", [0.0, 40.0])
def test_a_constant_is_forecast_as_itself(value: float) -> None:
    said = run_candidates(daily([[value] * 60, list(range(60))]), ForecastSpec(), MODELS)
    for model, forecasts in said.items():
        if np.isfinite(forecasts[0]).all():
            assert forecasts[0] == pytest.approx(np.full(5, value), abs=1e-6), model
    assert np.isfinite(said["seasonal_naive"]).all()
    assert np.isfinite(said["median"]).all()


def test_rows_are_whole_or_abstain_and_repeat() -> None:
    rng = np.random.default_rng(2)
    y = rng.poisson(8, (6, 90)).astype(float)
    y[1, :85] = np.nan
    y[2] *= rng.random(90) < 0.2
    y[3, 10:20] = np.nan
    block = daily(y)
    first, second = (run_candidates(block, ForecastSpec(), MODELS) for _ in range(2))
    for model, forecasts in first.items():
        whole = np.isfinite(forecasts).all(axis=1)
        assert (np.isnan(forecasts).all(axis=1) | whole).all()
        assert np.array_equal(forecasts, second[model], equal_nan=True)
    assert np.isfinite(first["seasonal_naive"]).all()


def test_preparing_changes_no_number() -> None:
    y = 50 + np.random.default_rng(3).normal(0, 5, (3, 80))
    spec = ForecastSpec(random_state=1)
    alone = run_candidates(daily(y), spec, ("prophet", "prophet_level"))
    block = daily(y)
    prepare_candidates([block.until(60, 5), block], spec, ("prophet",))
    together = run_candidates(block, spec, ("prophet", "prophet_level"))
    for model, forecasts in alone.items():
        assert together[model] == pytest.approx(forecasts, rel=1e-6)
