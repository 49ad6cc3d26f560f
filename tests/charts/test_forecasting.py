"""The forecast's charts: every language, normal and degenerate results, figures that the result holds, no bare word."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest

from analytics.calendar import CalendarSpec, OwnEvent
from analytics.charts import forecasting as charts
from analytics.charts.forecasting.wording import event_name
from analytics.forecasting import ForecastResult, ForecastSpec
from analytics.forecasting.spec import BASELINE
from analytics.i18n import phrases
from analytics.i18n.words import LANGUAGES, Words, words_for
from tests.charts.made_forecasts import one, swinging

OWN = CalendarSpec(("TW",), festivals=("618",), own=(OwnEvent("Fair", (date(2025, 5, 20),), 3, 1),))
RESULTS: dict[str, ForecastResult] = {
    "weekly": one(swinging(120, 52, 700_000), spec=ForecastSpec(calendar=OWN)),
    "daily": one(swinging(400, 7, 60), "day", "orders", "orders", horizon=14),
    "monthly": one(swinging(60, 12, 9_000), "month", "customers", "customers", reason="simpler"),
    "wandering": one(
        800 + np.random.default_rng(0).normal(0, 20, 90).cumsum(),
        "week",
        "value",
        "",
        model=BASELINE,
        reason="baseline_wins",
        season_length=1,
        spec=ForecastSpec(interval_width=0.95),
        band_source="pooled",
    ),
    "rare": one(np.tile([0.0, 0, 0, 5], 30), "day", "quantity", "items", reason="intermittent", model="theta"),
    "asked": one(swinging(60, 12, 9_000), "month", reason="asked", model="prophet"),
    "short": one(
        [3, 5, 4, 6], "month", "quantity", "items", horizon=2, n_origins=0, reason="untested", band_source="fallback"
    ),
    "constant": one([0.0] * 40, reason="equal", model=BASELINE),
}
KINDS = tuple(RESULTS)


def specs_of(result: ForecastResult, _: Words) -> dict[str, dict[str, Any]]:
    found = {name: charts.component_chart(result, name, _) for name in charts.component_names(result)}
    found["forecast"] = charts.forecast_chart(result, _)
    if charts.has_models(result):
        found |= {"models": charts.models_chart(result, _), "coverage": charts.coverage_chart(result, _)}
        found["origins"] = charts.origins_chart(result, _)
        found["then"] = charts.backtest_chart(result, charts.cutoffs(result)[-1], _)
    return found


def sentences_of(result: ForecastResult, _: Words) -> list[str]:
    card = charts.headline(result, _)
    found = [card.finding, card.sentence, *(metric.label for metric in card.metrics)]
    found += [metric.note for metric in card.metrics if metric.note]
    spoken = [charts.forecast_chart_finding, charts.forecast_chart_note]
    if charts.has_models(result):
        spoken += [charts.models_finding, charts.models_note, charts.coverage_finding, charts.coverage_note]
        spoken += [charts.origins_finding, charts.origins_note, charts.score_note]
        for day in charts.cutoffs(result):
            found += [charts.backtest_finding(result, day, _), charts.backtest_note(result, day, _)]
            for metric in charts.backtest_metrics(result, day, _):
                found += [metric.label, metric.note or metric.label]
    found += [words(result, _) for words in spoken]
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


def lines_of(spec: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    rows = next(rows for rows in rows_of(spec) if rows and "part" in rows[0])
    return {name: [row for row in rows if row["series"] == name] for name in {row["series"] for row in rows}}


def marks_of(spec: dict[str, Any]) -> list[str]:
    return [mark["type"] if isinstance(mark, dict) else mark for mark in walk(spec, "mark")]


# ---- every language, every result


@pytest.mark.parametrize("kind", KINDS)
def test_everything_builds(kind: str) -> None:
    result = RESULTS[kind]
    for spec in specs_of(result, words_for("zh_CN")).values():
        json.dumps(spec, allow_nan=False)
        assert sum(len(rows) for rows in rows_of(spec)) <= 2_000
    for language in LANGUAGES:
        for sentence in sentences_of(result, words_for(language)):
            assert sentence
            assert not re.search(r"None|nan|inf(?![a-z])|[{}]", sentence), sentence
    assert len(charts.score_rows(result, words_for("en"))) == (5 if result.n_origins else 0)


@pytest.mark.parametrize("kind", KINDS)
def test_headings_and_labels_are_short(kind: str) -> None:
    _, result = words_for("en"), RESULTS[kind]
    card = charts.headline(result, _)
    assert len(card.metrics) == 4
    labels = [metric.label for metric in card.metrics]
    headings = [card.finding, charts.forecast_chart_finding(result, _)]
    headings += [charts.component_finding(result, n, _) for n in charts.component_names(result)]
    if charts.has_models(result):
        headings += [part(result, _) for part in (charts.models_finding, charts.coverage_finding)]
        headings += [charts.origins_finding(result, _), charts.backtest_finding(result, charts.cutoffs(result)[0], _)]
        labels += [metric.label for metric in charts.backtest_metrics(result, charts.cutoffs(result)[0], _)]
    assert [label for label in labels if len(label) > 20] == []
    assert [heading for heading in headings if len(heading) > 65] == []


class Marked(dict[str, str]):
    """A catalogue that has every message, between brackets."""

    def get(self, message: str, default: Any = None) -> str:
        return f"⟦{message}⟧"


@pytest.mark.parametrize("kind", ["weekly", "daily", "wandering", "short"])
def test_no_word_escapes_translation(kind: str) -> None:
    _ = Words("zh_TW", Marked(), phrases.load())
    result = RESULTS[kind]
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
        bare = text.replace("Fair", "")  # the person's own event
        while "⟦" in bare:  # innermost brackets first: a translated word inside a translated sentence
            bare = re.sub(r"⟦[^⟦⟧]*⟧", "", bare)
        assert not re.search(r"[A-Za-z]{2,}", bare), text


# ---- what the figures are


def test_the_card_says_what_the_result_holds() -> None:
    _, result = words_for("en"), RESULTS["weekly"]
    total = result.totals.row(0, named=True)
    card = charts.headline(result, _)
    amount = _.compact(total["total"], "TWD")
    assert card.finding == f"6 weeks: {amount} expected, +25% on last year"
    assert card.sentence == (
        "Median of four came nearest in 3 back-tests: off by 6.0%, repeating last year by 10.0%; it was nearer than "
        "the baseline in 2 of 3."
    )
    said = [(metric.label, metric.value, metric.note, metric.tone) for metric in card.metrics]
    assert said == [
        ("Next 6 weeks", amount, "+25% on last year", "gray"),
        ("80% interval, NT$", f"{_.compact(total['lo_80'])}–{_.compact(total['hi_80'])}", "", "gray"),
        ("Back-test error", "6.0%", "baseline 10.0%", "good"),
        ("Interval held", "79%", "target 80%", "good"),
    ]


def test_errors_are_told_in_the_unit_that_tells_the_same_story() -> None:
    """Where shares of sales would name another winner, the scaled errors are shown."""
    result = RESULTS["weekly"]
    swapped = pl.when(pl.col("model") == "median").then(0.2).otherwise(pl.col("wape"))
    told = charts.headline(replace(result, scores=result.scores.with_columns(wape=swapped)), words_for("en"))
    assert (told.metrics[2].value, told.metrics[2].note) == ("0.60", "baseline 1.00")


def test_in_chinese_the_unit_is_in_the_label() -> None:
    card = charts.headline(RESULTS["weekly"], words_for("zh_TW"))
    assert "NT$ 萬" in card.metrics[0].label
    assert "NT$ 萬" in card.metrics[1].label
    assert re.fullmatch(r"[\d,.]+", card.metrics[0].value)
    assert re.fullmatch(r"[\d,.]+–[\d,.]+", card.metrics[1].value)


def test_the_card_is_plain_when_the_baseline_wins() -> None:
    _, result = words_for("en"), RESULTS["wandering"]
    card = charts.headline(result, _)
    assert card.finding.endswith("if the level stays")
    assert card.sentence == (
        "In 3 back-tests no model was clearly better than repeating the last value, which was off by 10.0%."
    )
    assert card.metrics[0].note == ""
    assert card.metrics[1].label == "95% interval"
    assert (card.metrics[2].note, card.metrics[2].tone) == ("the baseline leads", "watch")
    assert "Dotted: Prophet." in charts.forecast_chart_note(result, _)
    assert charts.models_finding(result, _) == "Last value repeated leads"
    assert "pooled" in charts.coverage_note(result, _)


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("monthly", "less simple"),
        ("rare", "Most periods have no sale"),
        ("asked", "Prophet was asked for."),
        ("short", "too short for a back-test"),
        ("constant", "does not vary"),
    ],
)
def test_every_reason_has_its_sentence(kind: str, words: str) -> None:
    assert words in charts.why(RESULTS[kind], words_for("en"))


def test_without_a_back_test_nothing_is_claimed() -> None:
    _ = words_for("en")
    card = charts.headline(RESULTS["short"], _)
    assert [metric.value for metric in card.metrics[2:]] == ["–", "–"]
    assert "wide because they could not be calibrated" in charts.forecast_chart_note(RESULTS["short"], _)
    assert not charts.has_models(RESULTS["short"])
    assert charts.cutoffs(RESULTS["short"]) == ()
    assert charts.forecast_chart_finding(RESULTS["constant"], _).endswith(": NT$0")


# ---- what is drawn


def test_the_forecast_chart_has_its_layers() -> None:
    _, result = words_for("en"), RESULTS["weekly"]
    spec = charts.forecast_chart(result, _)
    assert marks_of(spec) == ["area", "area", "line", "point", "point", "point", "rule", "text"]
    assert [mark["opacity"] for mark in walk(spec, "mark") if mark["type"] == "area"] == [0.16, 0.26]
    drawn = lines_of(spec)
    assert set(drawn) == {"Actual", "Forecast", "Last year repeated"}
    assert [row["value"] for row in drawn["Actual"]] == result.history["y"].tail(104).to_list()
    assert [row["value"] for row in drawn["Forecast"][1:]] == result.forecast["forecast"].to_list()
    assert drawn["Forecast"][0]["value"] == result.history["y"][-1]
    assert [row["value"] for row in drawn["Last year repeated"]] == result.forecast["seasonal_naive"].to_list()
    assert [text["value"] for text in walk(spec, "text") if "value" in text] == [f"As of {_.day(result.as_of)}"]
    assert "in the back-test they held 79% and 94%" in charts.forecast_chart_note(result, _)


def test_special_days_ahead_are_marked_under_their_names() -> None:
    _, result = words_for("en"), RESULTS["weekly"]
    ahead = charts.special_days_ahead(result, _)
    named = " ".join(ahead["label"])
    assert "Fair" in named
    assert ahead["ds"].is_between(result.forecast["ds"][0], result.forecast["ds"][-1]).all()
    assert ahead["ds"].is_unique().all()
    spec = charts.forecast_chart(result, _)
    held = next(rows for rows in rows_of(spec) if rows and set(rows[0]) == {"ds", "label"})
    assert [row["label"] for row in held] == ahead["label"].to_list()
    assert charts.special_days_ahead(RESULTS["daily"], _).is_empty(), "no calendar, no days"


def test_events_are_called_by_their_words() -> None:
    _ = words_for("en")
    assert event_name("lunar_new_year", _) == "Lunar New Year"
    assert event_name("own:on:Fair", _) == "Fair"
    assert event_name("own:before:Fair", _) == "before Fair"
    assert event_name("Labor Day @ US", _) == "Labor Day (US)"


def test_a_back_test_shows_what_was_known_said_and_came() -> None:
    _, result = words_for("en"), RESULTS["weekly"]
    at = charts.cutoffs(result)[1]
    drawn = lines_of(charts.backtest_chart(result, at, _))
    assert set(drawn) == {"Known then", "Said then", "What came", "Last year repeated"}
    assert drawn["Known then"][-1]["ds"] == at.isoformat()
    assert all(row["ds"] <= at.isoformat() for row in drawn["Known then"])
    rows = result.backtest.filter(pl.col("cutoff") == at)
    assert [row["value"] for row in drawn["Said then"][1:]] == rows["forecast"].to_list()
    assert [row["value"] for row in drawn["What came"][1:]] == rows["y"].to_list()
    assert [row["value"] for row in drawn["Last year repeated"]] == rows[BASELINE].to_list()
    said, came = (_.compact(rows[name].sum(), "TWD") for name in ("forecast", "y"))
    assert charts.backtest_finding(result, at, _) == f"{said} said, {came} came: off by +6%"
    shown = {metric.label: metric.value for metric in charts.backtest_metrics(result, at, _)}
    assert shown == {"In the 80% band": "6 of 6", "Off per period": "6.0%", "Baseline off": "10.0%"}


def test_the_last_cutoff_is_the_one_that_no_choice_had_seen() -> None:
    _, result = words_for("en"), RESULTS["weekly"]
    held = charts.cutoffs(result)
    assert len(held) == 4
    assert charts.cutoff_or_last(result, None) == held[-1]
    assert charts.cutoff_or_last(result, held[0] + timedelta(days=3)) == held[0]
    assert "Neither the choice" in charts.backtest_note(result, held[-1], _)
    assert "helped to choose" in charts.backtest_note(result, held[0], _)
    assert charts.cutoff_words(result, held[0], _) == _.day(held[0] + timedelta(days=6)), "the last day that was known"


def test_all_cutoffs_stand_side_by_side() -> None:
    _, result = words_for("en"), RESULTS["weekly"]
    spec = charts.origins_chart(result, _)
    assert marks_of(spec) == ["rule", "point"]
    dots = next(rows for rows in rows_of(spec) if rows and "series" in rows[0])
    came = [row["value"] for row in dots if row["series"] == "What came"]
    whole = result.backtest.group_by("cutoff").agg(pl.col("y").sum()).sort("cutoff")["y"].to_list()
    assert came == pytest.approx(whole)
    assert charts.origins_finding(result, _) == "Nearer than the baseline in 2 of 3 back-tests"


def test_models_stand_by_their_error_the_chosen_one_marked() -> None:
    _, result = words_for("en"), RESULTS["weekly"]
    rows = next(rows for rows in rows_of(charts.models_chart(result, _)) if rows and "chosen" in rows[0])
    assert [row["label"] for row in rows] == [
        "Median of four",
        "Theta",
        "Exponential smoothing",
        "Prophet",
        "Last year repeated",
    ]
    assert [row["chosen"] for row in rows] == [True, False, False, False, False]
    assert charts.models_finding(result, _) == "Median of four: 40% less error than the baseline"
    note = charts.models_note(result, _)
    assert "Gradient boosting" in note
    assert "TSB" in note
    table = charts.score_rows(result, _)
    assert table[0]["Model"] == "● Median of four"
    assert (table[0]["Scaled error"], table[-1]["Scaled error"]) == ("0.60", "1.00")
    assert table[0]["Off in the untouched last"] == "12.0%"
    few = replace(result, spec=ForecastSpec(candidates=("theta", "prophet")))
    assert "Did not take part" not in charts.models_note(few, _), "who was not asked is not missed"


def test_coverage_stands_beside_its_promise() -> None:
    _, result = words_for("en"), RESULTS["weekly"]
    rows = next(rows for rows in rows_of(charts.coverage_chart(result, _)) if rows and "level" in rows[0])
    assert [(row["label"], row["covered_share"]) for row in rows] == [
        ("80%: Back-test", 0.81),
        ("80%: Last periods", 0.77),
        ("95%: Back-test", 0.955),
        ("95%: Last periods", 0.93),
    ]
    assert charts.coverage_finding(result, _) == "The bands held 79% and 94%"


def test_components_have_a_chart_each() -> None:
    _ = words_for("en")
    assert charts.component_names(RESULTS["weekly"]) == ("trend", "yearly", "holidays")
    assert charts.component_names(RESULTS["daily"]) == ("trend", "weekly", "yearly", "holidays")
    bars = rows_of(charts.component_chart(RESULTS["daily"], "weekly", _))[0]
    assert [row["label"] for row in bars] == ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
    holidays = charts.component_chart(RESULTS["weekly"], "holidays", _)
    assert marks_of(holidays) == ["bar", "rule", "point"]
    assert "Lunar New Year" in {row.get("label") for rows in rows_of(holidays) for row in rows}
    assert "Times seen" in {tip["title"] for tips in walk(holidays, "tooltip") for tip in tips}
    trend = rows_of(charts.component_chart(RESULTS["daily"], "trend", _))
    assert max(len(rows) for rows in trend) <= 400


def test_component_findings_name_peak_and_trough() -> None:
    _, result = words_for("en"), RESULTS["weekly"]
    assert charts.component_finding(result, "yearly", _) == "Highest Apr (+20%), lowest Sep (−20%)"
    assert charts.component_finding(result, "holidays", _) == "Lunar New Year moves demand most: −40%"
    assert charts.component_finding(result, "trend", _).startswith("The trend grew ")
