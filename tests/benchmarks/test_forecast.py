"""The forecasting benchmark at a tiny size: sets kept apart, scores by hand, a line of every kind; never times."""

from __future__ import annotations

import json
from datetime import date, timedelta
from functools import partial
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from analytics.forecasting import ForecastSpec
from benchmarks import forecast, forecast_peer
from benchmarks.forecast_sets import IN_MEAN, SHARED, Task, step, tasks

SETS_THERE = {"world": Path("sample_data"), "world_daily": Path("sample_data")} | {
    name: SHARED / folder
    for name, folder in {
        "m4_weekly": "m4_weekly",
        "online_retail": "online_retail",
        "examples": "prophet_examples",
    }.items()
}


@pytest.mark.parametrize("name", SETS_THERE)
def test_what_is_reported_was_never_used_to_choose(name: str) -> None:
    """Other series, or the same ones at earlier origins; and nothing of a series ahead is among what is known."""
    if not SETS_THERE[name].exists():
        pytest.skip(f"the data of {name!r} are not beside the repository")
    report, tune = list(tasks(name, "report")), list(tasks(name, "tune"))
    assert [task.name for task in report] == [task.name for task in tune]
    for told, chosen_on in zip(report, tune, strict=True):
        series, others = (set(task.frame["unique_id"]) for task in (told, chosen_on))
        last_used = max(step(origin, chosen_on.horizon, chosen_on.frequency) for origin in chosen_on.origins)
        assert not series & others or last_used <= min(told.origins)
        for origin in told.origins:
            known, ahead = told.known(origin), told.ahead(origin)
            assert known["ds"].max() == origin
            assert ahead["ds"].min() == told.frame.filter(pl.col("ds") > origin)["ds"].min()
            assert ahead.group_by("unique_id").len()["len"].max() <= told.horizon
        assert told.frame.select("unique_id", "ds").is_duplicated().sum() == 0


def test_the_sets_are_those_of_the_issue() -> None:
    if not SETS_THERE["m4_weekly"].exists() or not SETS_THERE["online_retail"].exists():
        pytest.skip("the real data are not beside the repository")
    (m4,), (retail,) = tasks("m4_weekly"), tasks("online_retail")
    (whole,) = tasks("m4_weekly", all_m4=True)
    assert (m4.frame["unique_id"].n_unique(), m4.horizon, m4.season) == (60, 13, 1)
    assert whole.frame["unique_id"].n_unique() == 359
    assert whole.frame.height == 366_912 + 4_667
    assert (retail.frame["unique_id"].n_unique(), retail.horizon, retail.closed) == (30, 28, (6,))
    assert 6 not in retail.frame["ds"].dt.weekday().unique()
    assert retail.frame["y"].min() == 0


def _frame() -> pl.DataFrame:
    """One series, one origin, two periods; ours errs by 1 and 3, Prophet by 2 and 4."""
    columns = {
        "task": "a",
        "unique_id": "s",
        "cutoff": date(2024, 1, 1),
        "model": "theta",
        "scale": 2.0,
        "forecast": 10.0,
        "prophet_default": 9.0,
        "seasonal_naive": 12.0,
        "theta": 10.0,
        "tsb": None,
        "median": 11.0,
    }
    bounds = {"lo_80": 8.0, "hi_80": 12.0, "lo_95": 6.0, "hi_95": 14.0}
    return pl.DataFrame({"ds": [date(2024, 1, 2), date(2024, 1, 3)], "y": [11.0, 13.0]}).with_columns(
        *(pl.lit(value, pl.Float64 if value is None else None).alias(name) for name, value in columns.items()),
        *(pl.lit(value).alias(prefix + name) for prefix in ("", "prophet_default_") for name, value in bounds.items()),
    )


def test_scores_by_hand() -> None:
    line = forecast.told("m4_weekly", _frame())
    assert line["mase"] == pytest.approx((1 + 3) / 2 / 2)
    assert line["mase_prophet"] == pytest.approx((2 + 4) / 2 / 2)
    assert line["mase_ratio"] == pytest.approx(2 / 3, abs=1e-3)
    assert line["mase_ratio_median"] == pytest.approx(2 / 3, abs=1e-3)
    # tsb abstains and takes the baseline's place; nobody beats theta, which was chosen.
    assert line["mase_of"] == {"seasonal_naive": 0.5, "theta": 1.0, "tsb": 0.5, "median": 0.5}
    assert (line["best_single"], line["to_best"]) == ("seasonal_naive", 2.0)
    assert line["coverage"] == {"80": 0.5, "95": 1.0}
    # 11: inside both. 13: above the narrower band by one.
    inside = (0.5 * 1 + 0.1 * 4 + 0.025 * 8) / 2.5
    above = (0.5 * 3 + 0.1 * 4 + 1 + 0.025 * 8) / 2.5
    assert line["wis"] == pytest.approx((inside + above) / 2 / 2, abs=1e-3)
    assert line["chosen"] == {"theta": 1}


def test_a_series_without_a_scale_does_not_count_and_one_without_an_answer_is_told() -> None:
    unanswered = _frame().with_columns(unique_id=pl.lit("t"), forecast=pl.lit(None, pl.Float64))
    constant = _frame().with_columns(unique_id=pl.lit("u"), scale=pl.lit(None, pl.Float64))
    line = forecast.told("world", pl.concat([_frame(), unanswered, constant]))
    assert (line["n_series"], line["n_unanswered"], line["retail"]) == (1, 1, True)
    assert line["mase"] == pytest.approx(1.0)


def test_the_mean_of_the_sets_is_geometric() -> None:
    ratios = dict(zip(IN_MEAN, (0.5, 1.0, 1.0, 2.0), strict=True))
    lines = [
        {"set": name, "mase_ratio": ratio, "wis_ratio": 1.0, "to_best": ratio**2} for name, ratio in ratios.items()
    ]
    found = forecast.together([*lines, {"set": "world_daily", "mase_ratio": 9.0}])
    assert found["mase_ratio"] == pytest.approx(1.0)
    assert found["worst_mase_ratio"] == (IN_MEAN[3], 2.0)
    assert found["worst_to_best"] == (IN_MEAN[3], 4.0)


def test_a_small_panel_through_both_sides(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Three related series of weeks, ours by the real verb, the peer played by the last value."""
    rng = np.random.default_rng(4)
    weeks = [date(2023, 1, 2) + timedelta(weeks=week) for week in range(60)]
    y = 50 + np.cumsum(rng.normal(0, 3, (3, 60)), axis=1)
    ids = np.repeat(["a", "b", "c"], 60)
    frame = pl.DataFrame({"unique_id": ids, "ds": weeks * 3, "y": y.ravel()})
    task = Task("tiny", "tiny", "week", 4, 1, frame, (weeks[51], weeks[55]))
    n_asked = []

    def last_value(known: pl.DataFrame, ahead: list[date]) -> dict[str, np.ndarray]:
        n_asked.append(known.height)
        assert known["ds"].max() < min(ahead)
        said = np.full(len(ahead), known["y"][-1])
        return {"forecast": said, "lo_80": said - 5, "hi_80": said + 5, "lo_95": said - 9, "hi_95": said + 9}

    # The verb is the real one; two quick candidates are enough here.
    monkeypatch.setattr("analytics.forecasting.ForecastSpec", partial(ForecastSpec, candidates=("smoothing", "theta")))
    monkeypatch.setattr(forecast_peer, "KEPT", tmp_path)
    monkeypatch.setattr(forecast_peer, "prophet_default", last_value)
    monkeypatch.setattr(forecast, "tasks", lambda *_, **__: [task])
    compared = forecast.compared("tiny", "report")
    assert compared.height == 3 * 2 * 4
    assert compared["forecast"].null_count() == 0
    line = forecast.told("tiny", compared)
    assert line["n_pairs"] == 6
    naive = compared.with_columns(error=(pl.col("y") - pl.col("prophet_default")).abs() / pl.col("scale"))
    assert line["mase_prophet"] == pytest.approx(naive["error"].mean(), abs=1e-3)
    assert 0.3 < float(str(line["mase_ratio"])) < 2
    # What Prophet said is kept: the second time nobody asks it.
    assert len(n_asked) == 6
    forecast.compared("tiny", "report")
    assert len(n_asked) == 6


def test_products_for_speed_are_the_same_every_time_and_the_cost_counts_children() -> None:
    products = forecast.generate(3, 30)
    assert products.equals(forecast.generate(3, 30))
    assert (products.height, products["unique_id"].n_unique()) == (90, 3)
    assert products["y"].min() >= 0
    assert forecast._cpu() > 0


def test_the_line_of_speed(monkeypatch: pytest.MonkeyPatch) -> None:
    class Done:
        def __init__(self, cost: dict[str, float]) -> None:
            self.stdout = json.dumps(cost)

    costs = {
        "regulars": {"cpu_s": 20.0, "wall_s": 25.0, "n_cutoffs": 9},
        "prophet": {"cpu_s": 50.0, "wall_s": 60.0, "n_cutoffs": 9},
        "prophet_without_intervals": {"cpu_s": 40.0, "wall_s": 50.0, "n_cutoffs": 9},
    }
    monkeypatch.setattr(forecast.subprocess, "run", lambda command, **_: Done(costs[command[-1]]))
    line = forecast.speed()
    times = forecast.N_PRODUCTS / forecast.N_OF_PROPHET
    assert line["times_faster_than_prophet"] == pytest.approx(50 * times / 20)
    assert line["times_faster_than_prophet_without_intervals"] == pytest.approx(40 * times / 20)
    assert line["n_fits"] == 10
