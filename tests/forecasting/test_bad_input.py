"""What a person's rows may do to a forecast: one test for each line of the table, and its message in three languages.

Rows go the way of the pages: a table, a panel, the forecast of all series, the one shown. The candidates are the two
cheapest, so that the answers are those of the panel and the engine.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from functools import cache

import numpy as np
import polars as pl
import pytest

from analytics.charts.panel import panel_facts
from analytics.dataset import Dataset
from analytics.demand import DemandPanel, DemandSpec, build_panel
from analytics.errors import AnalysisError, Caveat
from analytics.forecasting import ForecastResult, ForecastSpec, PanelForecast, forecast, forecast_all
from analytics.i18n import LANGUAGES, Words, words_for

MONDAY = date(2023, 1, 2)
DAY, WEEK = timedelta(days=1), timedelta(weeks=1)
QUICK = ForecastSpec(candidates=("smoothing",), n_origins=4)
WORDS: tuple[Words, ...] = tuple(words_for(language) for language in LANGUAGES)


# ---- ways from rows to a forecast


def series(values: list[float | None], step: timedelta = WEEK, start: date = MONDAY) -> pl.DataFrame:
    """A ready-made series; a value of None has no row."""
    rows = [("a", start + i * step, value) for i, value in enumerate(values) if value is not None]
    return pl.DataFrame(rows, schema={"unique_id": pl.String, "ds": pl.Date, "y": pl.Float64}, orient="row")


def sales(quantities: list[int], step: timedelta = DAY, start: date = MONDAY) -> Dataset:
    """Order lines: one for each quantity that is not zero, a return below zero; observed to the last day."""
    days = [start + i * step for i in range(len(quantities))]
    lines = pl.DataFrame(
        {
            "order_id": [f"o{i}" for i in range(len(days))],
            "ordered_at": [datetime.combine(day, datetime.min.time()) for day in days],
            "quantity": quantities,
            "kind": ["sale" if quantity > 0 else "return" for quantity in quantities],
        }
    ).filter(pl.col("quantity") != 0)
    return Dataset.build({"transactions": lines}, as_of=days[-1])


def panel_of(rows: pl.DataFrame, spec: DemandSpec = DemandSpec()) -> DemandPanel:  # noqa: B008  # frozen: it cannot change between calls
    return build_panel(Dataset.build({"series": rows}, as_of=rows["ds"].max() or MONDAY), spec)


def looked_at(panel: DemandPanel, spec: ForecastSpec = QUICK) -> tuple[PanelForecast, ForecastResult]:
    everything = forecast_all(panel, spec)
    return everything, forecast(panel, spec, everything)


def noisy(n: int, seed: int = 1) -> list[float]:
    return [float(value) for value in np.random.default_rng(seed).normal(100, 10, n)]


# ---- what is said


def assert_told(kind: str, code: str, params: dict[str, object]) -> None:
    """Title and text of a code in three languages: each its own, every number in its place."""
    texts = ("body",) if kind == "caveat" else ("remedy",)
    for key in (f"{kind}.{code}", *(f"{kind}.{code}.{text}" for text in texts)):
        told = [_.phrase(key, **params) for _ in WORDS]
        assert len(set(told)) == len(LANGUAGES), f"{key} is not said in three languages: {told}"
        assert not any("{" in text or text == key for text in told), told


def refusal(code: str, panel: DemandPanel | None, rows: pl.DataFrame, spec: DemandSpec = DemandSpec()) -> AnalysisError:  # noqa: B008  # frozen: it cannot change between calls
    """The error that ends the way from rows to a forecast."""
    with pytest.raises(AnalysisError) as caught:
        looked_at(panel or panel_of(rows, spec))
    assert caught.value.code == code
    assert_told("error", code, dict(caught.value.params))
    return caught.value


def caveat(caveats: tuple[Caveat, ...], code: str) -> Caveat:
    """The one caveat of this code, said in three languages."""
    found = [one for one in caveats if one.code == code]
    assert len(found) == 1, f"{code} is not among {[one.code for one in caveats]}"
    assert_told("caveat", code, dict(found[0].params))
    return found[0]


def assert_fact(panel: DemandPanel, english: str) -> None:
    told = [panel_facts(panel, _) for _ in WORDS]
    assert english in told[0]
    place = told[0].index(english)
    assert len({facts[place] for facts in told}) == len(LANGUAGES)


# ---- the table


class TestEmptyOrFewerThanTwoPoints:
    """Refused: too short."""

    def test_no_row_at_all(self) -> None:
        refusal("fields_missing", None, series([]))

    def test_no_value_up_to_as_of(self) -> None:
        with pytest.raises(AnalysisError) as caught:
            build_panel(Dataset.build({"series": series([1.0, 2.0])}, as_of=MONDAY - DAY))
        assert caught.value.code == "panel_empty"
        assert_told("error", "panel_empty", dict(caught.value.params))

    def test_one_value(self) -> None:
        assert refusal("panel_too_short", None, series([5.0])).params["n"] == 1

    def test_one_day_of_sales(self) -> None:
        with pytest.raises(AnalysisError) as caught:
            build_panel(sales([3]), DemandSpec("quantity", frequency="day"))
        assert caught.value.code == "panel_too_short"

    def test_two_values_are_a_forecast(self) -> None:
        everything, result = looked_at(panel_of(series([5.0, 7.0])))
        assert result.forecast["forecast"].is_finite().all()
        assert everything.choices["reason"].to_list() == ["untested"]
        caveat(result.caveats, "forecast_untested")


@cache
def sixty_weeks() -> ForecastResult:
    return looked_at(panel_of(series(noisy(60))))[1]


class TestFewerThanTwoSeasons:
    """The mean, drift or seasonal naive; a wide band; said."""

    def test_no_season_is_claimed_and_that_is_said(self) -> None:
        result = sixty_weeks()
        assert result.season_length == 1
        assert caveat(result.caveats, "no_yearly_season").params["n_periods"] == 60

    def test_the_band_is_wide(self) -> None:
        row = sixty_weeks().forecast.row(-1, named=True)
        # Noise of a standard deviation of 10 has a band of 26; less would claim to know more than the noise allows.
        assert row["hi_80"] - row["lo_80"] > 20
        assert row["hi_95"] - row["lo_95"] > row["hi_80"] - row["lo_80"]


class TestRepeatedPeriods:
    """An issue with count and examples; summed only on request."""

    TWICE = pl.concat([series(noisy(30)), series(noisy(3))])

    def test_it_is_an_issue_with_count_and_examples(self) -> None:
        error = refusal("series_repeated", None, self.TWICE)
        assert error.params["count"] == 3
        assert error.params["examples"] == "a, 2023-01-02; a, 2023-01-09; a, 2023-01-16"

    def test_they_are_summed_on_request(self) -> None:
        panel = panel_of(self.TWICE, DemandSpec(repeated="sum"))
        assert panel.frame["y"].head(4).to_list() == pytest.approx([2 * noisy(3)[i] for i in range(3)] + noisy(4)[3:])
        assert caveat(panel.caveats, "repeated_summed").params == {"n": 3}


class TestGaps:
    """Daily sales: zero after the first sale, shown; other measures stay missing; over 30 percent: an issue."""

    def test_a_day_without_a_sale_is_zero(self) -> None:
        quantities = [0, 0, *(3 if i % 5 else 0 for i in range(60)), 3]
        panel = build_panel(sales(quantities), DemandSpec("quantity", frequency="day"))
        assert panel.frame["ds"][0] == MONDAY + 3 * DAY  # nothing is known of the days before the first sale
        assert panel.frame["y"].to_list() == [float(quantity) for quantity in quantities[3:]]
        assert panel.n_filled == 11
        assert_fact(panel, "11 values without a sale count as zero")

    def test_another_measure_stays_missing(self) -> None:
        panel = panel_of(series([*noisy(20), None, None, *noisy(20)]))
        assert panel.frame["y"].null_count() == panel.n_missing == 2
        caveat(panel.caveats, "series_gaps")
        assert_fact(panel, "2 values are not known")
        result = looked_at(panel)[1]
        assert result.history["y"].null_count() == 2
        assert 80 < result.forecast["forecast"].mean() < 120

    def test_over_30_percent_is_an_issue(self) -> None:
        values = [value if i % 3 else None for i, value in enumerate(noisy(61), 1)]
        panel = panel_of(series(values))
        told = caveat(panel.caveats, "series_gaps")
        assert (told.severity, told.params["percent"]) == ("watch", 33)
        refusal("too_many_gaps", panel, series(values))

    def test_unless_nothing_was_sold_then(self) -> None:
        values = [value if i % 3 else None for i, value in enumerate(noisy(61), 1)]
        panel = panel_of(series(values), DemandSpec(gaps="zero"))
        assert (panel.n_missing, panel.n_filled) == (0, 20)
        caveat(panel.caveats, "series_gaps_zero")
        assert looked_at(panel)[1].history["y"].null_count() == 0


class TestIrregularDates:
    """Snapped where nine in ten lie on a grid, else added up by the next coarser period."""

    def test_most_lie_on_a_grid(self) -> None:
        rows = series(noisy(40)).with_columns(
            ds=pl.col("ds") + pl.duration(days=pl.int_range(pl.len()).eq(20).cast(pl.Int64) * 2)
        )
        panel = panel_of(rows)
        assert (panel.frequency, panel.frame.height, panel.n_missing) == ("week", 40, 0)
        assert caveat(panel.caveats, "dates_snapped").params == {"n": 1, "n_values": 40}

    def test_they_lie_on_none(self) -> None:
        steps = np.cumsum(np.random.default_rng(1).integers(1, 6, 80))
        rows = series([1.0] * 80).with_columns(ds=pl.Series([MONDAY + int(step) * DAY for step in steps]))
        panel = panel_of(rows, DemandSpec(frequency="day"))
        assert panel.frequency == "week"
        caveat(panel.caveats, "dates_irregular")
        caveat(panel.caveats, "frequency_coarser")
        assert looked_at(panel)[1].forecast["forecast"].is_finite().all()


class TestNegativeDemand:
    """Clipped with a count; swings that multiply are off."""

    def test_more_came_back_than_was_sold(self) -> None:
        panel = build_panel(sales([5, 4, -9, 6, *[5] * 20]), DemandSpec("quantity", frequency="day"))
        assert panel.frame["y"].to_list()[:4] == [5.0, 4.0, 0.0, 6.0]
        assert (panel.n_clipped, panel.n_returns, panel.returned) == (1, 1, 9.0)
        assert_fact(panel, "1 value below zero set to zero")
        assert_fact(panel, "Returns taken off: 1 line, 9")

    def test_values_below_zero_that_are_meant(self) -> None:
        values = [value - 100 for value in noisy(60)]
        panel = panel_of(series(values), DemandSpec(negative="keep"))
        assert panel.n_clipped == 0
        result = looked_at(panel)[1]
        assert result.mode == "additive"
        caveat(result.caveats, "values_negative")
        assert result.forecast["lo_95"].min() < 0


class TestAllZeroOrConstant:
    """Forecast as it is; the scaled error is null, not infinite."""

    @pytest.mark.parametrize("value", [0.0, 7.0])
    def test_it_is_forecast_as_itself(self, value: float) -> None:
        everything, result = looked_at(panel_of(series([value] * 60)))
        assert result.forecast["forecast"].to_list() == pytest.approx([value] * result.horizon)
        assert result.scores["mase"].null_count() == result.scores.height
        assert everything.choices["reason"].to_list() == ["equal"]
        caveat(result.caveats, "series_constant")
        numbers = everything.scores.select(pl.col(pl.Float64))
        assert not numbers.select(pl.any_horizontal(pl.all().is_infinite().any())).item()


class TestIncompleteLastPeriod:
    """Dropped, and said."""

    def test_of_sales(self) -> None:
        panel = build_panel(sales([2] * 73), DemandSpec("quantity"))  # 73 days: ten weeks and three days
        assert panel.frame["y"].to_list() == [14.0] * 10
        assert panel.n_dropped_partial == 1
        assert_fact(panel, "1 incomplete period left out")

    def test_rows_that_break_off_during_the_last_day(self) -> None:
        hours = [hour for day in range(40) for hour in range(24 * day + 8, 24 * day + (20 if day < 39 else 12))]
        noon = [datetime.combine(MONDAY, datetime.min.time()) + timedelta(hours=hour) for hour in hours]
        lines = pl.DataFrame({"ordered_at": noon, "quantity": [1] * len(noon), "kind": ["sale"] * len(noon)})
        data = Dataset.build({"transactions": lines}, as_of=noon[-1].date())
        panel = build_panel(data, DemandSpec("quantity", frequency="day"))
        assert panel.frame["y"].to_list() == [12.0] * 39
        assert caveat(panel.caveats, "last_day_cut").params == {"time": "11:00"}
        assert_fact(panel, "1 incomplete period left out")

    def test_of_a_ready_made_series(self) -> None:
        panel = panel_of(series([2.0] * 73, DAY))
        assert panel.frame["y"].to_list() == [14.0] * 10
        assert_fact(panel, "1 incomplete period left out")


class TestHorizon:
    """Over half the history: a warning; over the history: refused."""

    def test_over_half(self) -> None:
        panel = panel_of(series(noisy(30)))
        result = looked_at(panel, ForecastSpec(candidates=("smoothing",), n_origins=4, horizon=20))[1]
        assert result.forecast.height == 20
        params = caveat(result.caveats, "horizon_long").params
        assert (params["horizon"], params["n"]) == (20, 30)

    def test_over_all_of_it(self) -> None:
        with pytest.raises(AnalysisError) as caught:
            forecast_all(panel_of(series(noisy(30))), ForecastSpec(horizon=31))
        assert caught.value.code == "horizon_too_long"
        assert_told("error", "horizon_too_long", dict(caught.value.params))

    def test_the_usual_one_is_at_most_half(self) -> None:
        assert looked_at(panel_of(series(noisy(9))))[1].horizon == 4
