"""One series in depth: its own rows, the packaged Prophet's components, paths to plan by."""

from __future__ import annotations

import pickle
import warnings
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import msgspec
import numpy as np
import polars as pl
import pytest

from analytics.calendar import CalendarSpec
from analytics.demand import DemandPanel
from analytics.errors import AnalysisError
from analytics.forecasting import ForecastResult, ForecastSpec, ProphetSpec, forecast, forecast_all
from analytics.forecasting.shown import _beyond_chance
from analytics.i18n import phrases

Panels = Callable[..., DemandPanel]
Planted = Callable[..., np.ndarray]
FEW = ForecastSpec(n_origins=3, candidates=("theta", "prophet"))


@pytest.fixture(autouse=True)
def _no_warning_leaks() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def in_depth(panel: DemandPanel, spec: ForecastSpec) -> ForecastResult:
    return forecast(panel, spec, forecast_all(panel, spec))


@pytest.fixture(scope="module")
def weekly(make_panel: Panels, planted: Planted) -> ForecastResult:
    spec = replace(FEW, model="prophet", calendar=CalendarSpec(countries=("TW",)))
    return in_depth(make_panel(planted(167)), spec)


def test_frames_have_their_columns(weekly: ForecastResult) -> None:
    bounds = ["lo_80", "hi_80", "lo_95", "hi_95"]
    assert weekly.history.columns == ["ds", "y"]
    assert weekly.forecast.columns[:7] == ["ds", "forecast", *bounds, "last_year"]
    assert weekly.backtest.columns[:4] == ["cutoff", "in_choice", "ds", "y"]
    assert weekly.components.columns == [
        *("component", "position", "name", "effect"),
        *("lo_95", "hi_95", "beyond_chance", "n_seen"),
    ]
    assert "unique_id" not in {*weekly.scores.columns, *weekly.final.columns, *weekly.totals.columns}
    assert weekly.paths.shape == (2_000, 12)
    assert weekly.paths.dtype == np.float32
    assert (weekly.model, weekly.reason, weekly.band_source) == ("prophet", "asked", "own")


def test_prophets_line_is_the_packages(weekly: ForecastResult) -> None:
    ahead = weekly.decomposition.tail(12)
    assert ahead["fitted"].to_numpy() == pytest.approx(weekly.forecast["prophet"].to_numpy())
    assert weekly.forecast["forecast"].to_list() == weekly.forecast["prophet"].to_list()
    assert (weekly.forecast["lo_80"] < weekly.forecast["prophet"]).all()


def test_the_total_and_the_paths_are_about_the_line(weekly: ForecastResult) -> None:
    total = weekly.totals.row(0, named=True)
    assert total["total"] == pytest.approx(weekly.forecast["forecast"].sum())
    sums = weekly.paths.sum(axis=1, dtype=float)
    assert total["lo_80"] == pytest.approx(np.quantile(sums, 0.1))
    assert total["lo_95"] < total["lo_80"] < total["total"] < total["hi_80"] < total["hi_95"]
    inside = (weekly.paths >= weekly.forecast["lo_80"].to_numpy()) & (
        weekly.paths <= weekly.forecast["hi_80"].to_numpy()
    )
    assert inside.mean() == pytest.approx(0.8, abs=0.03)


def test_another_models_paths_are_those_of_the_panel(make_panel: Panels, planted: Planted) -> None:
    panel = make_panel({"tea": planted(90), "cake": planted(90, seed=2), "new": [None] * 87 + [5.0, 6.0, 5.0]})
    everything = forecast_all(panel, replace(FEW, model="theta"))
    for unique_id in ("tea", "new"):
        found = forecast(panel, replace(FEW, model="theta", unique_id=unique_id), everything)
        total = found.totals.row(0, named=True)
        sums = found.paths.sum(axis=1, dtype=float)
        assert np.quantile(sums, [0.1, 0.9]) == pytest.approx([total["lo_80"], total["hi_80"]], rel=1e-4)
        row = everything.choices.row(by_predicate=pl.col("unique_id") == unique_id, named=True)
        assert (found.model, found.reason, found.band_source) == (row["model"], row["reason"], row["band_source"])


def test_components_are_shapes(weekly: ForecastResult) -> None:
    kinds = weekly.components.group_by("component").len().sort("component")
    assert kinds["component"].to_list() == ["holidays", "yearly"]
    yearly = weekly.components.filter(pl.col("component") == "yearly")
    assert len(yearly) == 52
    assert yearly["position"].is_between(1, 366).all()
    assert yearly["effect"].max() == pytest.approx(60, abs=25)
    assert yearly["lo_95"].null_count() == yearly["n_seen"].null_count() == 52
    holidays = weekly.components.filter(pl.col("component") == "holidays")
    assert holidays["name"].n_unique() == len(holidays) >= 8
    assert holidays["position"].to_list() == list(range(len(holidays)))
    assert (holidays["n_seen"] >= 2).all()
    assert (holidays["lo_95"] < holidays["effect"]).all()
    assert not holidays["beyond_chance"].any()  # none was planted
    whole = weekly.decomposition.select(pl.sum_horizontal("trend", "yearly", "holidays")).to_series()
    assert whole.to_numpy() == pytest.approx(weekly.decomposition["fitted"].to_numpy())


def test_effects_beyond_chance_by_hand() -> None:
    # p: .0027, .0214, .0455, .3173. Holm at .05 of four: .0125 passes, .0167 does not, and there it ends.
    estimates = {"a": (3.0, 1.0), "b": (-2.3, 1.0), "c": (2.0, 1.0), "d": (1.0, 1.0), "e": (0.0, 0.0)}
    assert _beyond_chance({name: estimates[name] for name in "abcd"}) == {"a"}
    assert _beyond_chance({name: estimates[name] for name in "ab"}) == {"a", "b"}
    assert _beyond_chance({"e": estimates["e"]}) == set()
    assert _beyond_chance({}) == set()


def test_closed_weekdays_stay_empty(make_panel: Panels, planted: Planted) -> None:
    y = planted(120, "day")
    y[5::7] = 0.0  # Saturdays
    panel = replace(make_panel(y, "day"), closed_weekdays=(6,))
    found = in_depth(panel, FEW)
    assert found.history["y"].null_count() == 0
    assert found.components.filter(pl.col("component") == "weekly")["position"].to_list() == [0, 1, 2, 3, 4, 6]
    shut = [place for place, day in enumerate(found.forecast["ds"]) if day.weekday() == 5]
    assert len(shut) == 4
    assert not found.paths[:, shut].any()
    assert not found.forecast["prophet"].to_numpy()[shut].any()


def test_gaps_stay_missing(make_panel: Panels, planted: Planted) -> None:
    y = [None if place in (20, 21, 50) else value for place, value in enumerate(planted(60))]
    found = in_depth(make_panel(y), FEW)
    told = {caveat.code: caveat.params for caveat in found.caveats}
    assert (told["gaps_left_out"]["n"], told["gaps_left_out"]["percent"]) == (3, 5)
    assert found.history["y"].null_count() == 3
    assert found.forecast["prophet"].is_finite().all()


def test_a_series_that_ended_and_one_that_is_unknown(make_panel: Panels, planted: Planted) -> None:
    panel = make_panel({"cake": planted(60), "tea": planted(50), "new": [None] * 59 + [1.0]})
    everything = forecast_all(panel, FEW)
    tea = forecast(panel, replace(FEW, unique_id="tea"), everything)
    assert "series_ended" in {caveat.code for caveat in tea.caveats}
    assert tea.history["y"].to_list()[50:] == [0.0] * 10
    assert "series_left_out" not in {caveat.code for caveat in tea.caveats}
    assert forecast(panel, FEW, everything).unique_id == "cake"
    for unique_id, code in (("coffee", "series_unknown"), ("new", "series_too_short")):
        with pytest.raises(AnalysisError) as raised:
            forecast(panel, replace(FEW, unique_id=unique_id), everything)
        assert raised.value.code == code
        assert phrases.load()[f"error.{code}.remedy"].format_map(dict(raised.value.params))


def test_caveats_have_words_that_can_be_filled(make_panel: Panels, planted: Planted) -> None:
    rare = np.where(np.random.default_rng(0).random(120) < 0.2, 5.0, 0.0)
    panels = (make_panel(rare, "day"), make_panel([3.0, 5.0, 4.0, 6.0]), make_panel(planted(60) - 660))
    words, codes = phrases.load(), set()
    for panel in panels:
        for caveat in in_depth(panel, FEW).caveats:
            assert words[f"caveat.{caveat.code}"]
            assert words[f"caveat.{caveat.code}.body"].format_map(dict(caveat.params))
            codes.add(caveat.code)
    assert codes >= {"series_intermittent", "forecast_untested", "values_negative", "no_yearly_season"}


# ---- specs and processes


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"horizon": 0}, "horizon_out_of_range"),
        ({"horizon": 1001}, "horizon_out_of_range"),
        ({"n_origins": 1}, "n_origins_out_of_range"),
        ({"interval_width": 0.5}, "interval_width_unknown"),
        ({"random_state": -1}, "seed_out_of_range"),
    ],
)
def test_specs_refuse_themselves(wrong: dict[str, object], code: str) -> None:
    with pytest.raises(AnalysisError) as raised:
        ForecastSpec(**wrong)
    assert raised.value.code == code
    assert f"error.{code}" in phrases.load()


@pytest.mark.parametrize(
    "wrong", [{"cap": 0.0}, {"n_changepoints": 201}, {"changepoint_range": 0.0}, {"weekly": 31}, {"yearly": -1}]
)
def test_prophets_options_have_bounds(wrong: dict[str, float]) -> None:
    with pytest.raises(AnalysisError) as raised:
        ProphetSpec(**wrong)
    assert raised.value.code == "prophet_option_out_of_range"


def test_specs_round_trip() -> None:
    spec = ForecastSpec(
        "tea", 8, "theta", ("theta", "tsb"), CalendarSpec(("TW", "GB-ENG")), ProphetSpec("flat", weekly=2), 5, 0.95, 3
    )
    assert msgspec.convert(msgspec.json.decode(msgspec.json.encode(spec)), ForecastSpec, strict=True) == spec
    assert hash(spec) == hash(replace(spec))


def test_results_cross_a_process_boundary(weekly: ForecastResult) -> None:
    back = pickle.loads(pickle.dumps(weekly))
    assert back.forecast.equals(weekly.forecast)
    assert np.array_equal(back.paths, weekly.paths)
    assert back.key == weekly.key


# ---- published


def test_airline_passengers(shared_data: Callable[[str], Path], make_panel: Panels) -> None:
    """Box & Jenkins' series G: growth of 2 to 3 a year in thousands a month, swings that grow with it, summer high."""
    lines = (shared_data("prophet_examples") / "example_air_passengers.csv").read_text().splitlines()[1:]
    passengers = [float(line.split(",")[1]) for line in lines]
    assert len(passengers) == 144
    found = in_depth(make_panel(passengers, "month", date(1949, 1, 1)), ForecastSpec(horizon=12))
    assert found.mode == "multiplicative"
    yearly = found.components.filter(pl.col("component") == "yearly").sort("effect")
    assert len(yearly) == 12
    assert set(yearly["position"][-2:].to_list()) <= {182, 183, 213, 214}  # July, August
    assert yearly["effect"][-1] > 0.15
    parts = found.decomposition
    assert (parts["trend"] * (1 + parts["yearly"])).to_numpy() == pytest.approx(parts["fitted"].to_numpy())
    chosen, baseline = (
        found.final.row(by_predicate=pl.col("model") == name, named=True) for name in (found.model, "seasonal_naive")
    )
    assert found.n_won >= found.n_origins - 1
    assert chosen["wape"] < 0.08 < baseline["wape"]
