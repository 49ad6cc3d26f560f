"""The forecast's charts: every language, normal and degenerate results, figures that the result holds, no bare word."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest

from analytics.charts import forecasting as charts
from analytics.demand import DemandPanel, Frequency
from analytics.forecasting import ForecastResult, ForecastSpec, forecast
from analytics.forecasting.models import next_periods
from analytics.i18n import phrases
from analytics.i18n.words import LANGUAGES, Words, words_for


def panel(y: Any, frequency: Frequency, measure: str = "revenue", unit: str = "TWD") -> DemandPanel:
    start = date(2023, 1, 1) if frequency == "month" else date(2023, 1, 2)
    ds = [start, *next_periods(start, len(y) - 1, frequency)]
    frame = pl.DataFrame({"unique_id": ["total"] * len(y), "ds": ds, "y": [float(value) for value in y]})
    as_of = ds[-1] + timedelta(days={"day": 0, "week": 6, "month": 27}[frequency])
    return DemandPanel(frame, frequency, measure, unit, as_of, 0, 0, 0, "panel")


def swinging(n: int, length: float, level: float) -> np.ndarray:
    t = np.arange(n)
    noise = np.random.default_rng(2).normal(0, 0.03, n)
    return level * (1 + 0.003 * t + 0.2 * np.sin(2 * np.pi * t / length) + noise)


@pytest.fixture(scope="module")
def results() -> dict[str, ForecastResult]:
    spec = ForecastSpec(n_origins=3, holidays=("TW",))
    weekly = swinging(150, 52.18, 700_000)
    daily = swinging(760, 7, 60)
    wandering = 800 + np.random.default_rng(0).normal(0, 20, 90).cumsum()
    return {
        "weekly": forecast(panel(weekly, "week"), spec),
        "daily": forecast(panel(daily, "day", "orders", "orders"), spec),
        "monthly": forecast(
            panel(swinging(40, 12, 9_000), "month", "customers", "customers"), ForecastSpec(n_origins=2)
        ),
        "wandering": forecast(panel(wandering, "week", "value", ""), ForecastSpec(n_origins=6, interval_width=0.95)),
        "short": forecast(panel([3, 5, 4, 6], "month", "quantity", "items"), ForecastSpec()),
        "constant": forecast(panel([0.0] * 40, "week"), ForecastSpec(n_origins=2)),
    }


KINDS = ("weekly", "daily", "monthly", "wandering", "short", "constant")


def specs_of(result: ForecastResult, _: Words) -> dict[str, dict[str, Any]]:
    components = {name: charts.component_chart(result, name, _) for name in charts.component_names(result)}
    return {"forecast": charts.forecast_chart(result, _), "backtest": charts.backtest_chart(result, _), **components}


def sentences_of(result: ForecastResult, _: Words) -> list[str]:
    card = charts.headline(result, _)
    found = [card.finding, card.sentence, *(metric.label for metric in card.metrics)]
    found += [metric.note for metric in card.metrics if metric.note]
    for words in (
        charts.forecast_chart_finding,
        charts.forecast_chart_note,
        charts.backtest_chart_finding,
        charts.backtest_chart_note,
        charts.score_note,
    ):
        found.append(words(result, _))
    for name in charts.component_names(result):
        found += [charts.component_finding(result, name, _), charts.component_note(result, name, _)]
    return found


def rows_of(spec: dict[str, Any]) -> list[list[dict[str, Any]]]:
    found = [data["values"] for data in walk(spec, "data") if isinstance(data, dict) and "values" in data]
    return [*found, *spec.get("datasets", {}).values()]


def walk(node: Any, key: str) -> Iterator[Any]:
    if isinstance(node, dict):
        if key in node:
            yield node[key]
        for child in node.values():
            yield from walk(child, key)
    elif isinstance(node, list):
        for child in node:
            yield from walk(child, key)


def marks_of(spec: dict[str, Any]) -> list[str]:
    return [mark["type"] if isinstance(mark, dict) else mark for mark in walk(spec, "mark")]


# ---- every language, every result


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", KINDS)
def test_everything_builds(kind: str, language: Any, results: dict[str, ForecastResult]) -> None:
    _ = words_for(language)
    for spec in specs_of(results[kind], _).values():
        json.dumps(spec, allow_nan=False)
        assert sum(len(rows) for rows in rows_of(spec)) <= 2_000
    for sentence in sentences_of(results[kind], _):
        assert sentence
        assert "None" not in sentence
        assert "nan" not in sentence
        assert "{" not in sentence
    assert len(charts.score_rows(results[kind], _)) == 2


@pytest.mark.parametrize("kind", KINDS)
def test_headings_and_labels_are_short(kind: str, results: dict[str, ForecastResult]) -> None:
    _ = words_for("en")
    card = charts.headline(results[kind], _)
    assert len(card.metrics) == 4
    assert all(len(metric.label) <= 20 for metric in card.metrics)
    headings = [card.finding, charts.forecast_chart_finding(results[kind], _)]
    headings += [charts.backtest_chart_finding(results[kind], _)]
    headings += [charts.component_finding(results[kind], n, _) for n in charts.component_names(results[kind])]
    assert [heading for heading in headings if len(heading) > 65] == []


class Marked(dict[str, str]):
    """A catalogue that has every message, between brackets."""

    def get(self, message: str, default: Any = None) -> str:
        return f"⟦{message}⟧"


@pytest.mark.parametrize("kind", KINDS)
def test_no_word_escapes_translation(kind: str, results: dict[str, ForecastResult]) -> None:
    _ = Words("zh_TW", Marked(), phrases.load())
    result = results[kind]
    shown: list[str] = sentences_of(result, _)
    for row in charts.score_rows(result, _):
        shown += [*row, row[next(iter(row))]]
    for spec in specs_of(result, _).values():
        for tips in walk(spec, "tooltip"):
            shown += [tip["title"] for tip in tips]
        for legend in walk(spec, "legend"):
            shown += legend.get("values", []) if isinstance(legend, dict) else []
        shown += [text["value"] for text in walk(spec, "text") if isinstance(text, dict) and "value" in text]
        for rows in rows_of(spec):
            shown += [row[name] for row in rows for name in ("series", "label") if name in row]
    assert len(shown) > 20
    for text in shown:
        bare = text
        while "⟦" in bare:  # innermost brackets first: a translated word inside a translated sentence
            bare = re.sub(r"⟦[^⟦⟧]*⟧", "", bare)
        assert not re.search(r"[A-Za-z]{2,}", bare), text


# ---- what the figures are


def test_the_card_says_what_the_result_holds(results: dict[str, ForecastResult]) -> None:
    _, result = words_for("en"), results["weekly"]
    total = result.totals.row(by_predicate=pl.col("model") == "prophet", named=True)
    scores = result.scores.row(by_predicate=pl.col("model") == "prophet", named=True)
    card = charts.headline(result, _)
    amount, change = _.compact(total["total"], "TWD"), _.signed(total["change_share"] * 100) + "%"
    assert card.finding == f"12 weeks: {amount} expected, {change} on last year"
    assert [metric.label for metric in card.metrics] == [
        "Next 12 weeks",
        "80% interval",
        "Back-test error",
        "Interval held",
    ]
    assert card.metrics[0].value == amount
    assert card.metrics[1].value == f"{_.compact(total['lo_80'], 'TWD')}–{_.compact(total['hi_80'])}"
    assert card.metrics[2].value == _.percent(scores["wape"], 1)
    assert card.metrics[2].tone == "good"
    assert card.metrics[3].value == _.percent(scores["coverage_80"])
    assert card.metrics[3].note == "target 80%"


def test_in_chinese_the_unit_is_in_the_label(results: dict[str, ForecastResult]) -> None:
    card = charts.headline(results["weekly"], words_for("zh_TW"))
    assert "NT$ 萬" in card.metrics[0].label
    assert "NT$ 萬" in card.metrics[1].label
    assert re.fullmatch(r"[\d,.]+", card.metrics[0].value)
    assert re.fullmatch(r"[\d,.]+–[\d,.]+", card.metrics[1].value)


def test_the_card_is_plain_when_the_baseline_wins(results: dict[str, ForecastResult]) -> None:
    _, result = words_for("en"), results["wandering"]
    assert result.reason == "baseline_wins"
    card = charts.headline(result, _)
    assert card.finding.endswith("if the level stays")
    assert "the baseline leads" in card.sentence
    assert card.metrics[1].label == "95% interval"
    assert card.metrics[2].tone == "watch"
    assert card.metrics[2].note.startswith("Prophet ")
    assert charts.score_rows(result, _)[0]["Model"] == "Last value repeated"
    assert "Dotted: Prophet." in charts.forecast_chart_note(result, _)


def test_degenerate_cards(results: dict[str, ForecastResult]) -> None:
    _ = words_for("en")
    short, constant = charts.headline(results["short"], _), charts.headline(results["constant"], _)
    assert short.sentence == "The history is too short for a back-test, so the interval is wide."
    assert short.metrics[3].value == "–"
    assert constant.sentence == "Prophet and the baseline say the same: the series does not vary."
    assert charts.forecast_chart_finding(results["constant"], _).endswith(": NT$0")
    assert charts.backtest_chart_finding(results["short"], _) == "No back-test was possible"


# ---- what is drawn


def test_the_forecast_chart_has_its_layers(results: dict[str, ForecastResult]) -> None:
    _, result = words_for("en"), results["weekly"]
    spec = charts.forecast_chart(result, _)
    assert marks_of(spec) == ["area", "area", "line", "point", "point", "rule", "text"]
    assert [mark["opacity"] for mark in walk(spec, "mark") if mark["type"] == "area"] == [0.16, 0.26]
    lines = next(rows for rows in rows_of(spec) if rows and "series" in rows[0])
    drawn = {name: [row for row in lines if row["series"] == name] for name in {row["series"] for row in lines}}
    assert set(drawn) == {"Actual", "Back-test", "Forecast", "Last year repeated"}
    assert [row["value"] for row in drawn["Actual"]] == result.history["y"].tail(104).to_list()
    assert [row["value"] for row in drawn["Forecast"][1:]] == result.forecast["prophet"].to_list()
    assert drawn["Forecast"][0]["value"] == result.history["y"][-1]
    assert [row["value"] for row in drawn["Last year repeated"]] == result.forecast["seasonal_naive"].to_list()
    scales = [encoding["scale"]["range"] for encoding in walk(spec, "strokeDash")]
    assert scales == [[[1, 0], [5, 3], [1, 0], [1, 4]]]
    assert [text["value"] for text in walk(spec, "text") if "value" in text] == [f"As of {_.day(result.as_of)}"]


def test_each_origin_starts_at_its_dot(results: dict[str, ForecastResult]) -> None:
    result = results["weekly"]
    spec = charts.backtest_chart(result, words_for("en"))
    lines = next(rows for rows in rows_of(spec) if rows and "series" in rows[0])
    cutoffs = [day.isoformat() for day in result.backtest["cutoff"].unique().sort()]
    history = {day.isoformat(): y for day, y in result.history.iter_rows()}
    for cutoff in cutoffs:
        said = [row for row in lines if row["part"] == cutoff]
        assert len(said) == 13
        assert (said[0]["ds"], said[0]["value"]) == (cutoff, history[cutoff])
    assert {row["ds"] for rows in rows_of(spec) if rows and set(rows[0]) == {"ds", "y"} for row in rows} == set(cutoffs)


def test_daily_back_tests_are_means_over_seven_days(results: dict[str, ForecastResult]) -> None:
    result = results["daily"]
    spec = charts.backtest_chart(result, words_for("en"))
    lines = next(rows for rows in rows_of(spec) if rows and "series" in rows[0])
    last = [row for row in lines if row["series"] == "Actual"][-1]
    assert last["value"] == pytest.approx(result.history["y"].tail(7).mean())
    cutoff = result.backtest["cutoff"].max()
    said = [row for row in lines if row["part"] == cutoff.isoformat()]
    whole = result.backtest.filter(pl.col("cutoff") == cutoff)["prophet"]
    assert said[-1]["value"] == pytest.approx(whole.tail(7).mean())
    assert len(said) == 29


def test_components_have_a_chart_each(results: dict[str, ForecastResult]) -> None:
    _ = words_for("en")
    assert charts.component_names(results["weekly"]) == ("trend", "yearly", "holidays")
    assert charts.component_names(results["daily"]) == ("trend", "weekly", "yearly", "holidays")
    assert charts.component_names(results["short"]) == ("trend",)
    bars = rows_of(charts.component_chart(results["daily"], "weekly", _))[0]
    assert [row["label"] for row in bars] == ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
    holidays = charts.component_chart(results["weekly"], "holidays", _)
    assert marks_of(holidays) == ["bar", "rule", "point"]
    assert "Lunar New Year" in {row.get("label") for rows in rows_of(holidays) for row in rows}
    trend = rows_of(charts.component_chart(results["daily"], "trend", _))
    assert max(len(rows) for rows in trend) <= 400


def test_component_findings_name_peak_and_trough(results: dict[str, ForecastResult]) -> None:
    _ = words_for("en")
    yearly = results["weekly"].components.filter(pl.col("component") == "yearly").sort("effect")
    finding = charts.component_finding(results["weekly"], "yearly", _)
    peak = (date(2000, 12, 31) + timedelta(days=yearly["position"][-1])).strftime("%b")
    assert finding.startswith(f"Highest {peak} (+")
    assert charts.component_finding(results["weekly"], "trend", _).startswith("The trend grew ")
