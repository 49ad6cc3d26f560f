"""The two candidates, each alone."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable
from datetime import date

import numpy as np
import pytest

from analytics.forecasting import ForecastSpec
from analytics.forecasting.models import Series, next_periods, prophet, season_mode, seasonal_naive

SPEC = ForecastSpec()


def series(y: object, frequency: str = "week", season: int = 4, start: date = date(2023, 1, 2)) -> Series:
    values = np.array(y, dtype=float)
    ds = (start, *next_periods(start, len(values) - 1, frequency))  # type: ignore[arg-type]
    return Series(ds, values, frequency, season)  # type: ignore[arg-type]


def test_seasonal_naive_by_hand() -> None:
    fit = seasonal_naive(series([1, 2, 3, 4, 5, 7, 9, 12]), 6, SPEC)
    assert fit.forecast.tolist() == [5.0, 7.0, 9.0, 12.0, 5.0, 7.0]
    assert fit.sigma == pytest.approx(np.sqrt((16 + 25 + 36 + 64) / 4))
    assert seasonal_naive(series([1, 2, 3, 4, 5, 7, 9, 12], season=1), 3, SPEC).forecast.tolist() == [12.0] * 3


def test_seasonal_naive_reaches_over_gaps() -> None:
    fit = seasonal_naive(series([1, 2, 3, 4, 5, np.nan, 9, 12]), 4, SPEC)
    assert fit.forecast.tolist() == [5.0, 2.0, 9.0, 12.0]
    fit = seasonal_naive(series([np.nan, 2, 3, 4, np.nan, 7, 9, 12]), 4, SPEC)
    assert fit.forecast.tolist() == [4.0, 7.0, 9.0, 12.0]  # nothing a season before: the nearest


def test_periods_ahead() -> None:
    assert next_periods(date(2024, 11, 1), 3, "month") == (date(2024, 12, 1), date(2025, 1, 1), date(2025, 2, 1))
    assert next_periods(date(2024, 2, 26), 2, "week") == (date(2024, 3, 4), date(2024, 3, 11))
    assert next_periods(date(2024, 2, 28), 2, "day") == (date(2024, 2, 29), date(2024, 3, 1))


def test_swings_that_grow_with_the_level_are_multiplicative() -> None:
    t = np.arange(60)
    level, wave = 100 * 1.03**t, np.sin(2 * np.pi * t / 12)
    rng = np.random.default_rng(0)
    assert season_mode(series(level * (1 + 0.3 * wave) + rng.normal(0, 1, 60), "month")) == "multiplicative"
    assert season_mode(series(level + 60 * wave + rng.normal(0, 1, 60), "month")) == "additive"
    assert season_mode(series(np.r_[level * (1 + 0.3 * wave), 0.0], "month")) == "additive"  # a zero
    gap = level * (1 + 0.3 * wave)
    gap[30] = np.nan
    assert season_mode(series(gap, "month")) == "multiplicative"
    assert season_mode(series(level[:30] * (1 + 0.3 * wave[:30]), "month")) == "additive"  # under three years


def test_prophet_recovers_the_planted_pattern(planted: Callable[..., np.ndarray]) -> None:
    fit = prophet(series(planted(1000, "day"), "day", 7), 28, SPEC)
    truth = planted(1028, "day", noise=0.0) + (200 * np.arange(1028) / 1000 - 200 * np.arange(1028) / 1028)
    assert fit.seasonalities == ("weekly", "yearly")
    assert np.abs(fit.forecast - truth[1000:]).mean() < 10  # the noise alone is 25
    assert fit.sigma == pytest.approx(25, rel=0.1)
    assert fit.parts is not None
    weekly = fit.parts["weekly"][:7]
    assert weekly - weekly.mean() == pytest.approx(np.array([0.0, 5.0, 10.0, 20.0, 60.0, 80.0, -40.0]) - 135 / 7, abs=8)


@pytest.mark.parametrize("mode", ["additive", "multiplicative"])
def test_parts_add_up(mode: str, planted: Callable[..., np.ndarray]) -> None:
    spec = ForecastSpec(seasonality_mode=mode, holidays=("TW",))  # type: ignore[arg-type]
    fit = prophet(series(planted(160), season=52), 12, spec)
    assert fit.parts is not None
    assert fit.mode == mode
    seasons = fit.parts["yearly"] + fit.parts["holidays"]
    trend = fit.parts["trend"]
    whole = trend + seasons if mode == "additive" else trend * (1 + seasons)
    assert whole == pytest.approx(fit.parts["fitted"])
    assert fit.forecast == pytest.approx(fit.parts["fitted"][160:])


def test_a_planted_holiday_is_found(planted: Callable[..., np.ndarray]) -> None:
    base = series(planted(1100, "day", noise=5.0), "day", 7)
    y = base.y.copy()
    for day in (date(2023, 1, 22), date(2024, 2, 10), date(2025, 1, 29)):
        place = (day - base.ds[0]).days
        y[place : place + 3] -= 300
    fit = prophet(Series(base.ds, y, "day", 7), 28, ForecastSpec(holidays=("TW",)))
    assert fit.event_effects is not None
    effect, error = fit.event_effects["lunar_new_year"]
    assert effect == pytest.approx(-300, abs=20)
    assert fit.sigma / 3 < error < fit.sigma / 2  # nine days, shared with the seasons
    effect, error = fit.event_effects["National Day"]
    assert abs(effect) < 3.5 * error


def test_where_no_holiday_was_planted_effects_are_within_their_errors(planted: Callable[..., np.ndarray]) -> None:
    ratios = []
    for seed in range(8):
        fit = prophet(series(planted(167, seed=seed), season=52), 12, ForecastSpec(holidays=("US",)))
        assert fit.event_effects is not None
        ratios += [effect / error for effect, error in fit.event_effects.values()]
    assert len(ratios) >= 80
    assert 0.7 < np.std(ratios) < 1.2


def test_short_series_have_no_season() -> None:
    assert prophet(series(range(1, 14), "day", 1), 3, SPEC).seasonalities == ()
    assert prophet(series(range(1, 15), "day", 7), 3, SPEC).seasonalities == ("weekly",)
    assert prophet(series(range(1, 104)), 3, SPEC).seasonalities == ()
    assert prophet(series(range(1, 105)), 3, SPEC).seasonalities == ("yearly",)


def test_prophet_is_quiet_repeatable_and_disturbs_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    data = series(np.arange(1, 60) ** 1.1)
    np.random.seed(11)
    state = np.random.get_state()[1].copy()
    disabled = logging.getLogger("cmdstanpy").disabled
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        first, second = prophet(data, 5, SPEC), prophet(data, 5, SPEC)
    assert np.array_equal(first.forecast, second.forecast)
    assert np.array_equal(state, np.random.get_state()[1])
    assert logging.getLogger("cmdstanpy").disabled == disabled
    assert capfd.readouterr() == ("", "")


def test_demand_that_was_never_negative_is_not_forecast_to_be() -> None:
    falling = [100.0 - 4 * t for t in range(25)]
    assert prophet(series(falling), 12, SPEC).forecast.min() == 0.0
    assert prophet(series([value - 50 for value in falling]), 12, SPEC).forecast.min() < -50
