"""Origins, what is known at each, and the scores."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from analytics.forecasting import ForecastSpec
from analytics.forecasting.backtest import (
    Origin,
    backtest_frame,
    baseline_season,
    known_calibration,
    place_origins,
    run_backtest,
    score,
)
from analytics.forecasting.models import Fit, Series, next_periods
from analytics.progress import listening


def weekly(y: np.ndarray, season: int = 52) -> Series:
    from datetime import date

    start = date(2022, 1, 3)
    return Series((start, *next_periods(start, len(y) - 1, "week")), np.asarray(y, dtype=float), "week", season)


def test_origins_spread_over_the_last_year() -> None:
    scored, earlier = place_origins(167, 12, 52, "week", 8)
    assert scored == [115, 121, 126, 132, 138, 144, 149, 155]
    assert earlier == [109]  # 104 weeks are needed for the yearly season of the scored ones
    scored, earlier = place_origins(1460, 28, 7, "day", 3)
    assert scored == [1095, 1264, 1432]
    assert earlier == [758, 926]


def test_under_two_years_origins_spread_over_the_second_half() -> None:
    scored, earlier = place_origins(80, 10, 1, "week", 4)
    assert scored == [40, 50, 60, 70]
    assert earlier == [20, 30]


def test_no_room_means_no_origin() -> None:
    assert place_origins(10, 8, 1, "week", 8) == ([], [])
    assert place_origins(10, 7, 1, "week", 8) == ([3], [])
    assert place_origins(3, 1, 1, "week", 8) == ([], [])


@pytest.mark.parametrize(
    ("n", "horizon", "frequency", "season"),
    [(103, 12, "week", 1), (104, 12, "week", 52), (104, 50, "week", 1), (13, 3, "day", 1), (14, 3, "day", 7)],
)
def test_the_baselines_season_needs_two_of_it(n: int, horizon: int, frequency: str, season: int) -> None:
    assert baseline_season(n, horizon, frequency) == season


def test_nothing_peeks(planted: Callable[..., np.ndarray]) -> None:
    """Other values after a cutoff change neither its forecasts nor its bands."""
    spec, y = ForecastSpec(n_origins=4), planted(150)
    altered = y.copy()
    altered[126:] *= 3.0
    frames = []
    for values in (y, altered):
        data = weekly(values)
        frames.append(backtest_frame(data, run_backtest(data, 12, spec), 12).drop("y"))
    last_equal = weekly(y).ds[125]
    seen = [frame.filter(frame["cutoff"] <= last_equal) for frame in frames]
    assert seen[0]["cutoff"].n_unique() >= 2
    assert seen[0].equals(seen[1])
    assert not frames[0].equals(frames[1])


def test_bands_use_only_errors_known_at_the_cutoff() -> None:
    """Three origins of 20 steps, ten apart: at the third, the second's last ten errors lie ahead."""
    fit = Fit(np.zeros(20), 1.0)
    origins = [
        Origin(n_train, True, np.full(20, size), {"seasonal_naive": fit})
        for n_train, size in ((20, 1.0), (30, 2.0), (40, 99.0))
    ]
    known = known_calibration(origins, "seasonal_naive", 40, fit)
    assert known is not None
    assert len(known.scaled) == 30
    assert known.scaled.max() <= 2.0
    later = known_calibration(origins, "seasonal_naive", 60, fit)
    assert later is not None
    assert len(later.scaled) == 60
    assert known_calibration(origins, "seasonal_naive", 30, fit) is None  # one origin, ten errors


def test_alike_fits_are_preferred() -> None:
    plain, seasonal = Fit(np.zeros(20), 1.0), Fit(np.zeros(20), 1.0, ("yearly",))
    origins = [
        Origin(20, True, np.full(20, 50.0), {"prophet": plain}),
        Origin(40, True, np.full(20, 1.0), {"prophet": seasonal}),
        Origin(60, True, np.full(20, 1.0), {"prophet": seasonal}),
    ]
    found = known_calibration(origins, "prophet", 80, seasonal)
    assert found is not None
    assert found.scaled.max() == 1.0


def test_scores_by_hand() -> None:
    data = weekly(np.array([10.0, 20.0, 10.0, 20.0, 12.0, 24.0]), 2)
    good, bad = Fit(np.array([11.0, 23.0]), 1.0), Fit(np.array([10.0, 20.0]), 1.0)
    origins = [Origin(4, True, data.y[4:], {"prophet": good, "seasonal_naive": bad})]
    data = replace(data, y=np.array([10.0, 22.0, 12.0, 20.0, 12.0, 24.0]))
    scores = score(data, origins, backtest_frame(data, origins, 2))
    # Seasonal differences of the first four values: 2 and -2. Errors 1, 1 and 2, 4.
    assert scores["model"].to_list() == ["prophet", "seasonal_naive"]
    assert scores["mase"].to_list() == pytest.approx([0.5, 1.5])
    assert scores["rmsse"].to_list() == pytest.approx([0.5, np.sqrt(10) / 2])
    assert scores["wape"].to_list() == pytest.approx([2 / 36, 6 / 36])
    assert scores["bias"].to_list() == pytest.approx([-2 / 36, -6 / 36])
    assert scores["coverage_80"].to_list() == [None, None]
    assert scores["n"].to_list() == [2, 2]
    assert scores["n_with_band"].to_list() == [0, 0]


def test_progress_is_told_between_fits(planted: Callable[..., np.ndarray]) -> None:
    told: list[tuple[float, str]] = []
    with listening(lambda fraction, step: told.append((fraction, step))):
        run_backtest(weekly(planted(60), 1), 6, ForecastSpec(n_origins=3))
    assert [step for _, step in told] == ["backtesting"] * 4  # three scored, one earlier
    assert [fraction for fraction, _ in told] == sorted(fraction for fraction, _ in told)
