"""From a panel to arrays: one grid, closed weekdays out, what cannot be forecast."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date

import numpy as np
import polars as pl
import pytest

from analytics.demand import DemandPanel
from analytics.errors import AnalysisError
from analytics.forecasting import ForecastSpec
from analytics.forecasting.grid import last_year, next_periods, read_grid

Panels = Callable[..., DemandPanel]
SPEC = ForecastSpec()


def codes(grid: object) -> list[tuple[str, str]]:
    return [(note.unique_id, note.code) for note in grid.notes]


def test_periods_ahead() -> None:
    assert next_periods(date(2024, 11, 1), 3, "month") == (date(2024, 12, 1), date(2025, 1, 1), date(2025, 2, 1))
    assert next_periods(date(2024, 2, 26), 2, "week") == (date(2024, 3, 4), date(2024, 3, 11))
    assert next_periods(date(2024, 2, 28), 2, "day") == (date(2024, 2, 29), date(2024, 3, 1))


def test_by_hand(make_panel: Panels) -> None:
    panel = make_panel({"tea": [None, 2.0, 3.0, 4.0, 5.0, 6.0], "cake": [1.0, 1.0, 2.0, 3.0]}, "week")
    grid = read_grid(panel, ForecastSpec(horizon=2))
    assert grid.block.ids == ("tea", "cake")
    assert grid.ds[0] == date(2023, 1, 2)
    assert np.array_equal(grid.y, [[np.nan, 2.0, 3.0, 4.0, 5.0, 6.0], [1.0, 1.0, 2.0, 3.0, 0.0, 0.0]], equal_nan=True)
    assert grid.ahead == (date(2023, 2, 13), date(2023, 2, 20))
    assert grid.block.season == 1
    assert codes(grid) == [("cake", "series_ended")]
    assert not grid.block.y.flags.writeable


def test_the_panels_order_and_shuffled_rows(make_panel: Panels) -> None:
    panel = make_panel({"tea": [1.0, 2.0, 3.0], "cake": [4.0, 5.0, 6.0]})
    shuffled = replace(panel, frame=panel.frame.sample(fraction=1.0, shuffle=True, seed=1))
    assert read_grid(shuffled, SPEC).block.ids == ("tea", "cake")
    assert np.array_equal(read_grid(shuffled, SPEC).y, read_grid(panel, SPEC).y)


def test_closed_weekdays_are_no_periods(make_panel: Panels) -> None:
    y = [0.0 if place % 7 == 5 else 10.0 + place % 7 for place in range(60)]
    grid = read_grid(replace(make_panel(y, "day"), closed_weekdays=(6,)), ForecastSpec(horizon=10))
    assert grid.block.season == 6
    assert all(day.weekday() != 5 for day in (*grid.block.ds, *grid.block.ahead))
    assert len(grid.ds) == 60
    assert len(grid.block.ds) == 52
    assert grid.ahead_open.tolist() == [day.weekday() != 5 for day in grid.ahead]
    laid = grid.on_all(np.ones((1, grid.block.horizon)))
    assert laid[0].tolist() == [0.0 if day.weekday() == 5 else 1.0 for day in grid.ahead]
    assert not codes(grid)


def test_a_horizon_of_closed_days_alone_still_has_a_period(make_panel: Panels) -> None:
    y = [0.0 if place % 7 == 5 else 10.0 for place in range(61)]  # ends on a Friday
    grid = read_grid(replace(make_panel(y, "day"), closed_weekdays=(6,)), ForecastSpec(horizon=1))
    assert grid.ahead_open.tolist() == [False]
    assert grid.block.horizon == 1
    assert grid.on_all(np.ones((1, 1))).tolist() == [[0.0]]


def test_default_horizons(make_panel: Panels) -> None:
    for frequency, n, horizon in (("day", 100, 28), ("week", 100, 12), ("month", 40, 6), ("week", 9, 4), ("day", 2, 1)):
        panel = make_panel(
            [float(i) for i in range(n)], frequency, date(2023, 1, 1) if frequency == "month" else date(2023, 1, 2)
        )
        assert read_grid(panel, SPEC).horizon == horizon


@pytest.mark.parametrize(
    ("n", "horizon", "frequency", "season"),
    [(103, 12, "week", 1), (104, 12, "week", 52), (104, 50, "week", 1), (13, 3, "day", 1), (14, 3, "day", 7)],
)
def test_a_season_needs_two_of_it_and_room_to_test_it(
    n: int, horizon: int, frequency: str, season: int, make_panel: Panels
) -> None:
    panel = make_panel([float(i % 9) for i in range(n)], frequency)
    assert read_grid(panel, ForecastSpec(horizon=horizon)).block.season == season


def test_last_year(make_panel: Panels) -> None:
    weekly = read_grid(make_panel([float(i) for i in range(60)]), ForecastSpec(horizon=3))
    assert last_year(weekly)[0].tolist() == [8.0, 9.0, 10.0]
    monthly = read_grid(make_panel([float(i) for i in range(14)], "month", date(2023, 1, 1)), ForecastSpec(horizon=2))
    assert last_year(monthly)[0].tolist() == [2.0, 3.0]
    short = read_grid(make_panel([1.0, 2.0, 3.0]), ForecastSpec(horizon=1))
    assert np.isnan(last_year(short)).all()


def test_what_cannot_be_forecast_is_left_out_with_its_reason(make_panel: Panels) -> None:
    panel = make_panel({"tea": [1.0, 2.0, 3.0, 4.0], "new": [None, None, None, 4.0], "holes": [1.0, None, None, 4.0]})
    grid = read_grid(panel, SPEC)
    assert grid.block.ids == ("tea",)
    assert {name: error.code for name, error in grid.left_out.items()} == {
        "new": "series_too_short",
        "holes": "too_many_gaps",
    }


@pytest.mark.parametrize(
    ("values", "horizon", "code"),
    [
        ([], None, "series_too_short"),
        ([5.0], None, "series_too_short"),
        ([5.0, None, None], None, "series_too_short"),
        ([5.0] * 10, 11, "horizon_too_long"),
        ([5.0, None, None, 6.0, None, 7.0], None, "too_many_gaps"),
    ],
)
def test_a_panel_of_nothing_else_is_refused(
    values: list[float | None], horizon: int | None, code: str, make_panel: Panels
) -> None:
    with pytest.raises(AnalysisError) as raised:
        read_grid(make_panel(values), ForecastSpec(horizon=horizon))
    assert raised.value.code == code


def test_repeated_and_irregular_periods_are_refused(make_panel: Panels) -> None:
    panel = make_panel([1.0, 2.0, 3.0, 4.0])
    for frame, code in (
        (pl.concat([panel.frame, panel.frame.head(1)]), "repeated_periods"),
        (panel.frame.with_columns(pl.col("ds") + pl.Series([0, 1, 0, 0]) * pl.duration(days=1)), "irregular_periods"),
    ):
        with pytest.raises(AnalysisError) as raised:
            read_grid(replace(panel, frame=frame), SPEC)
        assert raised.value.code == code
        assert raised.value.params["count"] == 1


def test_notes_of_single_series(make_panel: Panels) -> None:
    panel = make_panel(
        {
            "flat": [4.0] * 40,
            "rare": [0.0, 0.0, 0.0, 3.0] * 10,
            "below": [1.0, -2.0] * 20,
            "gaps": [1.0, None, 3.0, 2.0] * 10,
            "young": [None] * 30 + [1.0, 2.0] * 5,
        }
    )
    assert codes(read_grid(panel, ForecastSpec(horizon=12))) == [
        ("gaps", "gaps_left_out"),
        ("flat", "series_constant"),
        ("rare", "series_intermittent"),
        ("below", "values_negative"),
        ("young", "horizon_long"),
    ]
