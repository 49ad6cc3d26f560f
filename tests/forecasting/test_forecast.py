"""All series at once: frames, honest choice, bands that hold, what is said of single series."""

from __future__ import annotations

import pickle
import warnings
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta

import numpy as np
import polars as pl
import pytest

from analytics.demand import DemandPanel
from analytics.forecasting import ForecastSpec, PanelForecast, forecast_all
from analytics.i18n import phrases
from analytics.keys import derive_key
from analytics.progress import listening

Panels = Callable[..., DemandPanel]
Planted = Callable[..., np.ndarray]
BOUNDS = ["lo_80", "hi_80", "lo_95", "hi_95"]
SCORES = ["mase", "rmsse", "wape", "smape", "bias", "wis", "coverage_80", "coverage_95"]


@pytest.fixture(autouse=True)
def _no_warning_leaks() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


@pytest.fixture(scope="module")
def panel(make_panel: Panels, planted: Planted) -> DemandPanel:
    """Two steady series, a rare one, a constant one, one that is three weeks old."""
    rare = np.where(np.random.default_rng(0).random(167) < 0.3, np.random.default_rng(1).integers(1, 9, 167), 0)
    return make_panel(
        {
            "steady": planted(167),
            "other": 0.5 * planted(167, seed=2),
            "rare": rare.astype(float),
            "flat": np.full(167, 40.0),
            "young": [None] * 164 + [20.0, 22.0, 21.0],
        }
    )


@pytest.fixture(scope="module")
def found(panel: DemandPanel) -> PanelForecast:
    return forecast_all(panel, ForecastSpec(n_origins=5))


def of(frame: pl.DataFrame, unique_id: str) -> dict[str, object]:
    return frame.row(by_predicate=pl.col("unique_id") == unique_id, named=True)


def notes(found: PanelForecast, unique_id: str) -> set[str]:
    return set(found.notes.filter(pl.col("unique_id") == unique_id)["code"])


# ---- what comes back


def test_frames_have_their_columns(found: PanelForecast, panel: DemandPanel) -> None:
    models = list(found.models)
    assert found.forecasts.columns == ["unique_id", "ds", "forecast", *BOUNDS, "last_year", *models]
    assert found.backtest.columns == ["unique_id", "cutoff", "in_choice", "ds", "y", "forecast", *BOUNDS, *models]
    assert found.scores.columns == found.final.columns == ["unique_id", "model", *SCORES, "n", "n_with_band"]
    assert found.coverage.columns == ["where", "level", "n", "covered_share"]
    assert found.totals.columns[:6] == ["unique_id", "total", *BOUNDS]
    assert found.choices["unique_id"].to_list() == list(panel.members)
    assert found.totals["unique_id"].to_list() == list(panel.members)
    assert found.forecasts["unique_id"].unique(maintain_order=True).to_list() == list(panel.members)
    assert len(found.forecasts) == 5 * found.horizon == 60
    assert found.forecasts["forecast"].null_count() == 0
    for low, high in (("lo_95", "lo_80"), ("lo_80", "forecast"), ("forecast", "hi_80"), ("hi_80", "hi_95")):
        assert (found.forecasts[low] <= found.forecasts[high] + 1e-9).all()
    assert found.reconciled.is_empty()
    assert found.incoherence == (0.0, 0.0)
    assert found.key == derive_key("forecast_all", ForecastSpec(n_origins=5), panel.key)


def test_the_chosen_models_line_is_the_forecast(found: PanelForecast) -> None:
    chosen = dict(found.choices.select("unique_id", "model").iter_rows())
    for frame in (found.forecasts, found.backtest):
        for unique_id, model in chosen.items():
            part = frame.filter(pl.col("unique_id") == unique_id)
            assert part["forecast"].to_list() == part[model].to_list()


def test_the_last_horizon_is_kept_from_the_choice(found: PanelForecast, panel: DemandPanel) -> None:
    steady = found.backtest.filter(pl.col("unique_id") == "steady")
    kept = steady.filter(~pl.col("in_choice"))
    assert kept["ds"].to_list() == steady["ds"].unique().sort().tail(12).to_list()
    assert steady.filter("in_choice")["ds"].max() < kept["ds"].min()
    assert set(found.final.filter(pl.col("unique_id") == "steady")["n"]) == {12}
    assert set(found.scores.filter(pl.col("unique_id") == "steady")["n"]) == {60}
    altered = panel.frame.with_columns(
        y=pl.when(pl.col("ds") >= kept["ds"].min()).then(pl.col("y") * 3).otherwise(pl.col("y"))
    )
    # Only what happened in the last horizon is another: neither the choice nor any band's rank may know.
    other = forecast_all(replace(panel, frame=altered, key="altered"), ForecastSpec(n_origins=5))
    assert other.choices.drop("band_source").equals(found.choices.drop("band_source"))
    assert other.scores.equals(found.scores)
    assert not other.final.equals(found.final)
    assert other.backtest.filter("in_choice").equals(found.backtest.filter("in_choice"))


def test_scores_from_the_back_test_by_hand(found: PanelForecast) -> None:
    part = found.backtest.filter(pl.col("unique_id") == "steady", "in_choice")
    model = of(found.choices, "steady")["model"]
    row = found.scores.row(by_predicate=(pl.col("unique_id") == "steady") & (pl.col("model") == model), named=True)
    errors = (part["forecast"] - part["y"]).to_numpy()
    assert row["wape"] == pytest.approx(np.abs(errors).sum() / part["y"].sum())
    assert row["bias"] == pytest.approx(errors.sum() / part["y"].sum())
    banded = part.drop_nulls("lo_80")
    assert row["n_with_band"] == len(banded)
    assert row["coverage_80"] == pytest.approx(
        ((banded["y"] >= banded["lo_80"]) & (banded["y"] <= banded["hi_80"])).mean()
    )


# ---- honest numbers


def test_what_was_planted_is_found(found: PanelForecast) -> None:
    steady = of(found.choices, "steady")
    assert steady["model"] not in ("seasonal_naive", "tsb")
    assert steady["model_error"] < 0.8 * steady["baseline_error"]
    assert steady["n_won"] >= 4
    rare = of(found.choices, "rare")
    assert (rare["reason"], rare["compared_by"]) == ("intermittent", "rmsse")
    assert "series_intermittent" in notes(found, "rare")
    assert of(found.choices, "flat")["reason"] == "equal"
    assert "series_constant" in notes(found, "flat")
    flat = found.forecasts.filter(pl.col("unique_id") == "flat")
    assert flat.select("forecast", *BOUNDS).to_numpy() == pytest.approx(np.full((12, 5), 40.0))
    young = of(found.choices, "young")
    assert (young["model"], young["reason"], young["band_source"]) == ("seasonal_naive", "untested", "pooled")
    assert {"forecast_untested", "bands_pooled", "horizon_long"} <= notes(found, "young")


def test_a_constant_has_no_scaled_error(found: PanelForecast) -> None:
    flat = found.scores.filter(pl.col("unique_id") == "flat")
    assert flat["mase"].null_count() == flat["rmsse"].null_count() == len(flat) > 0
    assert flat["wape"].to_numpy() == pytest.approx(np.zeros(len(flat)), abs=1e-12)


def test_a_wandering_level_is_not_given_a_trend(make_panel: Panels) -> None:
    walks = {f"w{seed}": 800 + np.random.default_rng(seed).normal(0, 20, 90).cumsum() for seed in range(6)}
    found = forecast_all(make_panel(walks), ForecastSpec(n_origins=5))
    scores = found.scores.pivot("model", index="unique_id", values="mase")
    assert "prophet" not in set(found.choices["model"])
    assert scores.select((pl.col("prophet") > pl.col("smoothing")).sum()).item() >= 4


def test_bands_and_totals_cover_a_future_that_was_held_back(make_panel: Panels, planted: Planted) -> None:
    whole = {f"s{seed}": planted(179, seed=seed) for seed in range(12)}
    found = forecast_all(make_panel({name: y[:167] for name, y in whole.items()}), ForecastSpec(n_origins=5))
    truth = np.concatenate([y[167:] for y in whole.values()])
    lines = found.forecasts
    inside = {
        level: np.mean((truth >= lines[f"lo_{level}"].to_numpy()) & (truth <= lines[f"hi_{level}"].to_numpy()))
        for level in (80, 95)
    }
    assert 0.70 <= inside[80] <= 0.92
    assert inside[95] >= 0.90
    sums = np.array([y[167:].sum() for y in whole.values()])
    held = (sums >= found.totals["lo_95"].to_numpy()) & (sums <= found.totals["hi_95"].to_numpy())
    assert held.sum() >= 10
    told = dict(found.coverage.filter(pl.col("where") == "final").select("level", "covered_share").iter_rows())
    assert told[0.8] == pytest.approx(0.80, abs=0.12)
    assert told[0.95] == pytest.approx(0.95, abs=0.06)


def test_totals(found: PanelForecast, panel: DemandPanel) -> None:
    steady = of(found.totals, "steady")
    line = found.forecasts.filter(pl.col("unique_id") == "steady")
    history = panel.frame.filter(pl.col("unique_id") == "steady")["y"]
    assert steady["total"] == pytest.approx(line["forecast"].sum())
    assert steady["lo_95"] < steady["lo_80"] < steady["total"] < steady["hi_80"] < steady["hi_95"]
    assert steady["hi_80"] - steady["lo_80"] < (line["hi_80"] - line["lo_80"]).sum()
    assert steady["last_year"] == pytest.approx(history[-52:-40].sum())
    assert steady["change_share"] == pytest.approx(steady["total"] / steady["last_year"] - 1)
    assert steady["recent"] == pytest.approx(history[-12:].sum())
    assert steady["slope_share"] == pytest.approx(history[-52:].mean() / history[-104:-52].mean() - 1)
    young = of(found.totals, "young")
    assert young["last_year"] is None
    assert young["change_share"] is None


# ---- invariance


def test_currency_times_100_and_row_order(make_panel: Panels, planted: Planted) -> None:
    spec = ForecastSpec(n_origins=3)
    values = {"tea": planted(80), "cake": planted(80, seed=2)}
    one = forecast_all(make_panel(values), spec)
    hundred = forecast_all(make_panel({name: 100 * y for name, y in values.items()}), spec)
    base = make_panel(values, key="other")
    again = forecast_all(replace(base, frame=base.frame.sample(fraction=1.0, shuffle=True, seed=3)), spec)
    for name in one.forecasts.columns[2:]:
        left, right = hundred.forecasts[name].to_numpy(), one.forecasts[name].to_numpy()
        assert left == pytest.approx(100 * right, rel=1e-3, nan_ok=True), name
    for name in ("mase", "rmsse", "wape", "wis", "coverage_80"):
        assert hundred.scores[name].to_numpy() == pytest.approx(one.scores[name].to_numpy(), rel=1e-3, nan_ok=True)
    assert again.forecasts.equals(one.forecasts)
    assert again.totals.equals(one.totals)
    assert again.key != one.key


def test_names_and_order_of_series_change_nothing(make_panel: Panels, planted: Planted) -> None:
    values = {name: planted(60, seed=seed) for seed, name in enumerate("abcdef")}
    spec = ForecastSpec(n_origins=2)
    one = forecast_all(make_panel(values), spec)
    other = forecast_all(make_panel({f"x{name}": values[name] for name in reversed(values)}), spec)
    renamed = other.forecasts.with_columns(pl.col("unique_id").str.slice(1)).sort("unique_id", "ds")
    assert renamed.select("unique_id", "ds").equals(one.forecasts.select("unique_id", "ds"))
    for column in ("forecast", *BOUNDS):
        assert renamed[column].to_numpy() == pytest.approx(one.forecasts[column].to_numpy(), rel=1e-9)


def test_the_series_in_sight_and_the_interval_named_cost_nothing(make_panel: Panels, planted: Planted) -> None:
    panel = make_panel({"tea": planted(30), "cake": planted(30)})
    keys = {
        forecast_all(panel, ForecastSpec(unique_id=name, interval_width=width, n_origins=2, candidates=("theta",))).key
        for name in ("", "cake")
        for width in (0.8, 0.95)
    }
    assert len(keys) == 1


# ---- bad input and edges


def test_short_history_says_so(make_panel: Panels) -> None:
    found = forecast_all(make_panel([3.0, 5.0, 4.0, 6.0]), ForecastSpec())
    assert (found.horizon, found.season_length) == (2, 1)  # half of the history
    assert found.choices["reason"].to_list() == ["untested"]
    assert found.backtest.is_empty()
    assert found.scores.is_empty()
    assert {caveat.code for caveat in found.caveats} == {"no_yearly_season"}
    assert notes(found, "total") == {"forecast_untested", "bands_uncalibrated"}
    assert forecast_all(make_panel([3.0, 5.0], "day"), ForecastSpec()).forecasts["forecast"].to_list() == [5.0]


def test_without_room_for_a_final_check_it_is_said(make_panel: Panels, planted: Planted) -> None:
    found = forecast_all(make_panel(planted(20)), ForecastSpec(horizon=9, n_origins=3))
    assert found.final.is_empty()
    assert found.backtest["in_choice"].all()
    assert "no_final_check" in {caveat.code for caveat in found.caveats}
    assert found.coverage.filter(pl.col("where") == "final")["covered_share"].null_count() == 2


def test_what_cannot_be_forecast_is_listed(make_panel: Panels, planted: Planted) -> None:
    found = forecast_all(
        make_panel({"tea": planted(40), "new": [None] * 39 + [4.0]}), ForecastSpec(n_origins=2, candidates=("theta",))
    )
    assert notes(found, "new") == {"left_out_series_too_short"}
    (left_out,) = (caveat for caveat in found.caveats if caveat.code == "series_left_out")
    assert left_out.params == {"n": 1, "n_series": 2}
    assert found.choices["unique_id"].to_list() == ["tea"]


def test_nothing_is_forecast_on_closed_weekdays(make_panel: Panels, planted: Planted) -> None:
    y = planted(200, "day")
    y[5::7] = 0.0  # Saturdays
    panel = replace(make_panel(y, "day"), closed_weekdays=(6,))
    found = forecast_all(panel, ForecastSpec(n_origins=3))
    saturdays = found.forecasts.filter(pl.col("ds").dt.weekday() == 6)
    assert len(saturdays) == 4
    assert not saturdays.select("forecast", *BOUNDS, "seasonal_naive", "theta").to_numpy().any()
    assert found.forecasts.filter(pl.col("ds").dt.weekday() != 6)["lo_80"].min() > 0
    assert set(found.scores["n"]) == {3 * 24}
    assert found.season_length == 6
    assert "series_intermittent" not in notes(found, "total")


def test_negative_values_are_kept(make_panel: Panels, planted: Planted) -> None:
    found = forecast_all(make_panel(planted(60) - 660), ForecastSpec(n_origins=2))
    assert "values_negative" in notes(found, "total")
    assert found.forecasts["lo_95"].min() < 0


def test_a_horizon_over_half_of_the_history_is_warned_of(make_panel: Panels, planted: Planted) -> None:
    for horizon, warned in ((20, True), (15, False)):
        spec = ForecastSpec(horizon=horizon, n_origins=2, candidates=("theta",))
        assert ("horizon_long" in notes(forecast_all(make_panel(planted(30)), spec), "total")) is warned


def test_a_model_that_cannot_is_replaced_and_it_is_said(make_panel: Panels, planted: Planted) -> None:
    found = forecast_all(make_panel(planted(60)), ForecastSpec(model="boosting", n_origins=2, candidates=("theta",)))
    assert "model_abstained" in notes(found, "total")
    assert found.choices["model"][0] in ("theta", "seasonal_naive")
    assert "boosting" not in set(found.scores["model"])


def test_a_hierarchy_adds_up(make_panel: Panels, planted: Planted) -> None:
    tea, cake = planted(60), planted(60, seed=5)
    panel = replace(
        make_panel({"all": tea + cake, "tea": tea, "cake": cake}),
        parents=pl.DataFrame({"unique_id": ["tea", "cake"], "parent": ["all", "all"]}),
    )
    found = forecast_all(panel, ForecastSpec(n_origins=3, candidates=("theta",)))
    wide = found.reconciled.pivot("unique_id", index="ds", values="forecast")
    assert (wide["tea"] + wide["cake"]).to_numpy() == pytest.approx(wide["all"].to_numpy(), rel=1e-9)
    assert found.incoherence[1] <= 1e-6
    assert (found.reconciled["lo_80"] < found.reconciled["hi_80"]).all()


def test_every_note_and_caveat_has_words(found: PanelForecast) -> None:
    words = phrases.load()
    given = {"n": 1, "percent": 2, "n_periods": 3, "horizon": 4, "n_origins": 5}
    for code in found.notes["code"].unique():
        assert words[f"caveat.{code}"]
        assert words[f"caveat.{code}.body"].format_map(given)
    for caveat in found.caveats:
        assert words[f"caveat.{caveat.code}.body"].format_map(dict(caveat.params))


# ---- processes


def test_results_cross_a_process_boundary(found: PanelForecast) -> None:
    back = pickle.loads(pickle.dumps(found))
    assert back.forecasts.equals(found.forecasts)
    assert back.key == found.key


def test_progress_is_told(make_panel: Panels, planted: Planted) -> None:
    told: list[tuple[float, str]] = []
    with listening(lambda fraction, step: told.append((fraction, step))):
        forecast_all(make_panel(planted(40)), ForecastSpec(n_origins=2, candidates=("theta",)))
    assert told[0] == (0.0, "backtesting")
    assert told[-1][1] == "fitting_forecast"
    assert {f"progress.{step}" for _, step in told} <= phrases.load().keys()


def test_ahead_begins_where_history_ends(found: PanelForecast, panel: DemandPanel) -> None:
    assert found.forecasts["ds"].min() == panel.frame["ds"].max() + timedelta(weeks=1)
