"""Ready-made series: the grid their dates keep, what is missing, what is there twice."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from analytics.dataset import Dataset
from analytics.demand import DemandPanel, DemandSpec, build_panel, panel_choices
from analytics.errors import AnalysisError

MONDAY = date(2024, 1, 1)
SERIES = pl.DataFrame(
    {
        "unique_id": ["a", "a", "a", "b", "b", "b"],
        "ds": [date(2024, 1, 31), date(2024, 2, 29), date(2024, 4, 30)] * 2,
        "y": [1.0, 2.0, 4.0, 10.0, -5.0, None],
    }
)


def build(series: pl.DataFrame = SERIES, as_of: date | None = None) -> Dataset:
    return Dataset.build({"series": series}, as_of=as_of or series["ds"].max())


def one(days: list[date], values: list[float] | None = None) -> pl.DataFrame:
    y = values or [float(i) for i in range(1, len(days) + 1)]
    return pl.DataFrame({"unique_id": ["a"] * len(days), "ds": days, "y": y})


def caveats(panel: DemandPanel) -> dict[str, object]:
    return {caveat.code: dict(caveat.params) for caveat in panel.caveats}


class TestByHand:
    def test_it_keeps_its_own_frequency_and_what_is_missing_stays_missing(self) -> None:
        panel = build_panel(build())
        months = [date(2024, month, 1) for month in (1, 2, 3, 4)]
        assert panel.frequency == "month"
        assert panel.frame.rows() == [
            *zip(["a"] * 4, months, [1.0, 2.0, None, 4.0], strict=True),
            *zip(["b"] * 4, months, [10.0, 0.0, None, None], strict=True),
        ]
        assert (panel.measure, panel.unit, panel.by, panel.members) == ("value", "", "series", ("a", "b"))
        assert (panel.n_clipped, panel.n_filled, panel.n_missing, panel.n_dropped_partial) == (1, 0, 3, 0)
        assert caveats(panel) == {
            "frequency_coarser": {},
            "series_gaps": {"n": 3, "n_values": 8, "percent": 38},
        }
        assert [caveat.severity for caveat in panel.caveats] == ["note", "watch"]
        assert panel_choices(build(), "category").rows() == [("a", "a", 7.0, 3), ("b", "b", 5.0, 2)]

    def test_gaps_are_zero_and_values_below_it_are_meant_on_request(self) -> None:
        panel = build_panel(build(), DemandSpec(gaps="zero", negative="keep"))
        assert panel.frame["y"].to_list() == [1.0, 2.0, 0.0, 4.0, 10.0, -5.0, 0.0, 0.0]
        assert (panel.n_clipped, panel.n_filled, panel.n_missing) == (0, 3, 0)
        assert "series_gaps_zero" in caveats(panel)

    def test_finer_values_are_added_up(self) -> None:
        days = [date(2024, 1, 3) + timedelta(days=i) for i in range(20)]
        panel = build_panel(build(one(days, [1.0] * 20)))
        # 3 January is a Wednesday; 22 January, the last day, a Monday.
        assert panel.frame.rows() == [("a", date(2024, 1, 8), 7.0), ("a", date(2024, 1, 15), 7.0)]
        assert panel.n_dropped_partial == 2

    def test_a_period_of_which_less_than_half_was_observed_is_missing(self) -> None:
        days = [MONDAY + timedelta(days=i) for i in range(42) if i not in (7, 8, 9, 14, 15, 16, 17)]
        panel = build_panel(build(one(days, [1.0] * len(days))))
        assert panel.frame["y"].to_list() == [7.0, 4.0, None, 7.0, 7.0, 7.0]
        assert caveats(panel)["series_gaps"] == {"n": 7, "n_values": 42, "percent": 17}

    def test_a_week_in_two_months_is_parted_by_its_days(self) -> None:
        weeks = [MONDAY + timedelta(weeks=i) for i in range(13)]  # 1 January to 31 March
        panel = build_panel(build(one(weeks, [7.0] * 13)), DemandSpec(frequency="month"))
        assert panel.frame["y"].to_list() == pytest.approx([31.0, 29.0, 31.0])

    def test_a_closed_weekday_is_no_gap(self) -> None:
        days = [MONDAY + timedelta(days=i) for i in range(84) if (MONDAY + timedelta(days=i)).isoweekday() != 6]
        panel = build_panel(build(one(days)), DemandSpec(frequency="day"))
        assert panel.closed_weekdays == (6,)
        assert panel.n_missing == 0
        assert "series_gaps" not in caveats(panel)
        weekly = build_panel(build(one(days, [1.0] * len(days))))
        assert weekly.frame["y"].to_list() == [6.0] * 12


class TestNamesOfSeries:
    def test_a_table_without_them_is_one_series(self) -> None:
        weeks = [MONDAY + timedelta(weeks=i) for i in range(12)]
        data = build(one(weeks).drop("unique_id"))
        panel = build_panel(data, DemandSpec(parents=True))
        assert panel.members == ("total",)
        assert panel.names.rows() == [("total", "total", "")]
        assert panel.parents.is_empty()
        assert panel.frame["y"].to_list() == [float(i) for i in range(1, 13)]
        assert panel_choices(data, "total").rows() == [("total", "total", 78.0, 12)]

    def test_rows_that_name_none_are_counted(self) -> None:
        weeks = [MONDAY + timedelta(weeks=i) for i in range(12)]
        rows = pl.concat([one(weeks), one(weeks).with_columns(unique_id=pl.lit(None, pl.String))])
        panel = build_panel(build(rows))
        assert (panel.n_without_member, panel.members) == (12, ("a",))


class TestRepeatedRows:
    TWICE = pl.concat([SERIES.head(3), SERIES.head(2).with_columns(y=pl.lit(10.0)), SERIES.head(1)])

    def test_they_are_refused_with_their_count_and_examples(self) -> None:
        with pytest.raises(AnalysisError) as caught:
            build_panel(build(self.TWICE))
        assert caught.value.code == "series_repeated"
        examples = "a, 2024-01-31; a, 2024-02-29"
        assert dict(caught.value.params) == {"count": 3, "n_series": 1, "examples": examples}

    def test_they_are_summed_on_request(self) -> None:
        panel = build_panel(build(self.TWICE), DemandSpec(repeated="sum"))
        assert panel.frame["y"].to_list() == [12.0, 12.0, None, 4.0]
        assert caveats(panel)["repeated_summed"] == {"n": 3}

    def test_the_order_of_rows_changes_no_sum(self) -> None:
        rng = np.random.default_rng(0)
        days = [MONDAY + timedelta(days=int(i)) for i in rng.integers(0, 20, 400)]
        rows = one(days, list(rng.normal(100, 30, 400)))
        spec = DemandSpec(repeated="sum", frequency="day")
        frames = [build_panel(build(rows.sample(fraction=1, shuffle=True, seed=seed)), spec).frame for seed in (1, 2)]
        assert_frame_equal(*frames, check_exact=True)

    def test_two_values_of_one_week_are_repeated_too(self) -> None:
        weeks = [MONDAY + timedelta(weeks=i) for i in range(30)]
        with pytest.raises(AnalysisError) as caught:
            build_panel(build(one([*weeks, MONDAY + timedelta(days=1)])))
        assert caught.value.code == "series_repeated"


class TestAsOf:
    WEEKS = one([MONDAY + timedelta(weeks=i) for i in range(12)])

    @pytest.mark.parametrize(("days_later", "n_weeks"), [(0, 12), (2, 11), (5, 11), (6, 12), (20, 12)])
    def test_a_week_is_known_when_it_is_over(self, days_later: int, n_weeks: int) -> None:
        # Where the data simply end with the date of the last week, that week was reported.
        panel = build_panel(build(self.WEEKS, MONDAY + timedelta(weeks=11, days=days_later)))
        assert panel.frame.height == n_weeks
        assert panel.n_dropped_partial == 12 - n_weeks

    def test_a_week_dated_by_its_end_is_known_on_its_date(self) -> None:
        sundays = self.WEEKS.with_columns(pl.col("ds") + pl.duration(days=6))
        assert build_panel(build(sundays, MONDAY + timedelta(weeks=11, days=8))).frame.height == 12

    def test_deleting_what_came_later_changes_no_figure(self) -> None:
        as_of = MONDAY + timedelta(weeks=8, days=3)
        held = build(self.WEEKS.filter(pl.col("ds") <= as_of), as_of)
        assert_frame_equal(build_panel(build(self.WEEKS, as_of)).frame, build_panel(held).frame)
        assert build_panel(held).frame.height == 8


class TestGrid:
    def test_weekly_values_that_slip_by_a_few_days_belong_to_the_nearest(self) -> None:
        days = [MONDAY + timedelta(weeks=i) for i in range(30)]
        days[10] -= timedelta(days=1)  # a Sunday, in the week before
        days[20] += timedelta(days=3)
        panel = build_panel(build(one(days)))
        assert (panel.frequency, panel.n_missing) == ("week", 0)
        assert panel.frame["y"].to_list() == [float(i) for i in range(1, 31)]
        assert caveats(panel)["dates_snapped"] == {"n": 2, "n_values": 30}

    def test_weeks_dated_by_their_end(self) -> None:
        sundays = [MONDAY + timedelta(days=6, weeks=i) for i in range(20)]
        panel = build_panel(build(one(sundays)))
        assert panel.frame["ds"].to_list() == [MONDAY + timedelta(weeks=i) for i in range(20)]
        assert panel.caveats == ()

    def test_weeks_dated_by_any_of_their_days(self) -> None:
        days = [MONDAY + timedelta(weeks=i, days=i * 3 % 5) for i in range(40)]
        panel = build_panel(build(one(days)))
        assert (panel.frequency, panel.n_missing, panel.frame.height) == ("week", 0, 40)

    @pytest.mark.parametrize("anchor", ["first", "last", "middle", "working"])
    def test_months_by_whichever_of_their_days(self, anchor: str) -> None:
        firsts = [date(2022 + i // 12, i % 12 + 1, 1) for i in range(30)]
        days = {
            "first": firsts,
            "last": [(day + timedelta(days=31)).replace(day=1) - timedelta(days=1) for day in firsts],
            "middle": [day.replace(day=15) for day in firsts],
            "working": [day + timedelta(days=(0, 0, 0, 0, 0, 2, 1)[day.weekday()]) for day in firsts],
        }[anchor]
        if anchor == "first":
            days = [*days[:5], days[5] - timedelta(days=1), *days[6:]]  # paid the day before
        if anchor == "last":
            days = [*days[:5], days[5] + timedelta(days=2), *days[6:]]
        panel = build_panel(build(one(days)), DemandSpec(frequency="month"))
        assert panel.frame["ds"].to_list() == firsts
        assert panel.frame["y"].to_list() == [float(i) for i in range(1, 31)]

    @pytest.mark.parametrize(("steps", "frequency"), [((1, 2, 4, 2, 3), "week"), ((3, 12, 19, 11, 16), "month")])
    def test_dates_without_a_grid_are_added_up_by_the_next_coarser_period(
        self, steps: tuple[int, ...], frequency: str
    ) -> None:
        days = [MONDAY]
        for i in range(120):
            days.append(days[-1] + timedelta(days=steps[i % len(steps)]))
        panel = build_panel(build(one(days, [1.0] * len(days))), DemandSpec(frequency="day"))
        assert panel.frequency == frequency
        assert "dates_irregular" in caveats(panel)
        whole = panel.frame.select(pl.col("y").sum()).item()
        assert len(days) - 12 <= whole <= len(days)  # but for the periods at the ends

    def test_days_without_a_sale_are_no_other_grid(self) -> None:
        days = [MONDAY + timedelta(days=i) for i in range(0, 200, 3)]
        panel = build_panel(build(one(days, [2.0] * len(days))), DemandSpec(frequency="day", gaps="zero"))
        assert (panel.frequency, panel.n_filled) == ("day", 199 - 67)
        assert panel.frame["y"].sum() == 2.0 * len(days)


class TestRefusals:
    def test_too_little(self) -> None:
        for series, code in (
            (SERIES.head(1), "panel_too_short"),
            (SERIES.with_columns(y=pl.lit(None, pl.Float64)), "fields_missing"),
            (SERIES.with_columns(y=pl.when(pl.col("unique_id") == "a").then(float("nan"))), "panel_empty"),
        ):
            with pytest.raises(AnalysisError) as caught:
                build_panel(build(series))
            assert caught.value.code == code

    def test_values_that_are_no_numbers_are_gaps(self) -> None:
        weeks = [MONDAY + timedelta(weeks=i) for i in range(12)]
        panel = build_panel(build(one(weeks, [*[1.0] * 5, float("inf"), float("nan"), *[1.0] * 5])))
        assert panel.n_missing == 2


def test_prophets_example_is_daily_with_a_few_days_missing(shared_data: Callable[[str], Path]) -> None:
    given = pl.read_csv(shared_data("prophet_examples") / "example_wp_log_peyton_manning.csv", try_parse_dates=True)
    series = given.select(unique_id=pl.lit("manning"), ds="ds", y="y")
    panel = build_panel(build(series), DemandSpec(frequency="day", negative="keep"))
    n_days = (series["ds"].max() - series["ds"].min()).days + 1
    assert (panel.frame.height, panel.n_missing) == (n_days, n_days - series.height) == (2964, 59)
    observed = panel.frame.drop_nulls()
    assert_frame_equal(observed, series.sort("ds"))
