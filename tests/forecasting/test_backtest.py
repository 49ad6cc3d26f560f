"""Origins, what is known at each, and the scores."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import numpy as np
import pytest

from analytics.forecasting import ForecastSpec, metrics
from analytics.forecasting.backtest import (
    Backtest,
    Bounds,
    origin_errors,
    past_bounds,
    place_origins,
    run_backtest,
    score,
)
from analytics.forecasting.block import Block
from analytics.forecasting.grid import next_periods
from analytics.progress import listening


def weekly(*rows: np.ndarray, horizon: int = 12, season: int = 52) -> Block:
    y = np.array(rows, dtype=float)
    ds = (date(2022, 1, 3), *next_periods(date(2022, 1, 3), y.shape[1] - 1, "week"))
    ids = tuple(f"s{row}" for row in range(len(y)))
    return Block(ids, ds, y, next_periods(ds[-1], horizon, "week"), "week", season)


def told(actual: list[float], places: tuple[int, ...], horizon: int, scale: float = 1.0) -> Backtest:
    values = np.array(actual).reshape(len(places), 1, horizon)
    ones = np.full((len(places), 1), scale)
    return Backtest(places, False, values, {}, ones, ones)


def test_origins_spread_over_the_last_year_before_the_final_horizon() -> None:
    places, has_final = place_origins(167, 12, 52, 52, 8)
    assert has_final
    assert places == (115, 119, 123, 127, 131, 135, 139, 143, 155)
    assert places[-2] + 12 == places[-1]  # the choice ends where the final horizon begins
    assert place_origins(1460, 28, 7, 365, 3)[0] == (1095, 1250, 1404, 1432)


def test_under_two_years_origins_spread_over_the_second_half() -> None:
    assert place_origins(80, 10, 1, 52, 3) == ((40, 50, 60, 70), True)


def test_without_room_for_both_the_choice_has_the_last_horizon() -> None:
    assert place_origins(10, 4, 1, 52, 8) == ((5, 6), False)
    assert place_origins(10, 8, 1, 52, 8) == ((), False)
    assert place_origins(10, 7, 1, 52, 8) == ((3,), False)
    assert place_origins(3, 1, 1, 52, 8) == ((), False)


def test_nothing_peeks(planted: Callable[..., np.ndarray]) -> None:
    """Other values after a cutoff change neither what any candidate said there nor its bands."""
    spec, y = ForecastSpec(n_origins=4), planted(150)
    altered = y.copy()
    cut = place_origins(150, 12, 52, 52, 4)[0][2]
    altered[cut:] *= 3.0
    models = ("seasonal_naive", "smoothing", "theta", "prophet", "prophet_level", "median")
    (one, _), (other, _) = (run_backtest(weekly(values), spec, models) for values in (y, altered))
    assert one.places == other.places
    for model in models:
        assert np.array_equal(one.said[model][:3], other.said[model][:3], equal_nan=True)
        if model != "seasonal_naive":  # which repeats the year before, still untouched
            assert not np.array_equal(one.said[model][3:], other.said[model][3:])
        bands = [past_bounds(each, each.said[model], np.array([True])) for each in (one, other)]
        assert np.array_equal(bands[0].hi[:, :3], bands[1].hi[:, :3], equal_nan=True)
    assert np.array_equal(one.scale[:3], other.scale[:3])


def test_bands_use_only_errors_known_at_the_cutoff() -> None:
    """Three origins of 20 steps, ten apart: at the third, the second's last ten errors lie ahead."""
    history = told([*[1.0] * 20, *[2.0] * 20, *[99.0] * 20], (20, 30, 40), 20)
    said = np.zeros((3, 1, 20))
    known = history.ratios(said, 40)
    assert np.isfinite(known).sum(axis=(1, 2)).tolist() == [20, 10, 0]
    assert len(history.calibration(said, 40).sizes[0]) == 30
    assert np.isfinite(history.ratios(said, 60)).all()
    bands = past_bounds(history, said, np.array([False]))
    assert np.isnan(bands.hi[:, 0]).all()  # nothing was known yet
    assert np.isnan(bands.hi[:, 1]).all() or history.calibration(said, 30).source[0] == 0
    assert np.isfinite(bands.hi[:, 2]).all()


def test_no_band_has_seen_the_final_horizon() -> None:
    values = np.array([1.0] * 40 + [99.0] * 20).reshape(3, 1, 20)
    history = Backtest((20, 40, 60), True, values, {}, np.ones((3, 1)), np.ones((3, 1)))
    assert history.ratios(np.zeros((3, 1, 20)), 80).shape == (2, 1, 20)
    assert history.calibration(np.zeros((3, 1, 20)), 80).sizes[0].max() == 1.0


def test_scores_by_hand() -> None:
    # Seasonal differences of the training values: 2 and -2. Errors 1, -1 and -2, -4 on values 12, 24.
    train = np.array([[10.0, 22.0, 12.0, 20.0]])
    scale, root = metrics.scales(train, 2)
    history = Backtest((4,), False, np.array([[[12.0, 24.0]]]), {}, scale[None], root[None])
    nothing = Bounds(np.full((2, 1, 1, 2), np.nan), np.full((2, 1, 1, 2), np.nan))
    wide = Bounds(np.full((2, 1, 1, 2), 11.0), np.full((2, 1, 1, 2), 23.0))
    good = score(history, np.array([[[13.0, 23.0]]]), nothing, slice(0, 1))
    bad = score(history, np.array([[[10.0, 20.0]]]), wide, slice(0, 1))
    assert good.values["mase"][0] == pytest.approx(0.5)
    assert bad.values["mase"][0] == pytest.approx(1.5)
    assert bad.values["rmsse"][0] == pytest.approx(np.sqrt(10) / 2)
    assert good.values["wape"][0] == pytest.approx(2 / 36)
    assert good.values["bias"][0] == 0.0
    assert bad.values["bias"][0] == pytest.approx(-6 / 36)
    assert np.isnan(good.values["coverage_80"][0])
    assert bad.values["coverage_80"][0] == 0.5
    assert (good.n[0], good.n_with_band[0], bad.n_with_band[0]) == (2, 0, 2)
    assert np.isnan(good.values["wis"][0])
    # Per period: |e|/2 + .1 x 12 + .025 x 12 and, for 24 above 23, another 1 at each level; over 2.5 and the scale 2.
    assert bad.values["wis"][0] == pytest.approx(((1 + 1.5) + (2 + 1.5 + 2)) / 2.5 / 2 / 2)
    assert origin_errors(history, np.array([[[10.0, 20.0]]])).tolist() == [[6.0]]


def test_a_series_that_was_not_there_yet_is_not_compared() -> None:
    old, young = 50 + np.arange(80) % 7, np.r_[np.full(70, np.nan), np.arange(10.0)]
    history, ahead = run_backtest(
        weekly(old, young, horizon=6, season=1), ForecastSpec(n_origins=3), ("seasonal_naive",)
    )
    assert np.isfinite(history.actual[:, 0]).all()
    assert np.isnan(history.said["seasonal_naive"][:3, 1]).all()
    assert np.isfinite(ahead["seasonal_naive"]).all()


def test_progress_is_told_between_origins(planted: Callable[..., np.ndarray]) -> None:
    told: list[tuple[float, str]] = []
    with listening(lambda fraction, step: told.append((fraction, step))):
        run_backtest(weekly(planted(60), horizon=6, season=1), ForecastSpec(n_origins=3), ("seasonal_naive", "theta"))
    assert {step for _, step in told} == {"backtesting", "fitting_forecast"}
    assert [fraction for fraction, _ in told] == sorted(fraction for fraction, _ in told)
