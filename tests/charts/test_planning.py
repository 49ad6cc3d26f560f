"""Planning charts: every one in three languages, for rich and for poor results; what they say."""

from __future__ import annotations

import dataclasses
import json
from functools import cache
from typing import Any

import numpy as np
import polars as pl
import pytest

from analytics.charts import planning as charts
from analytics.forecasting.planning import (
    DemandScenario,
    PlanningSpec,
    ResponseResult,
    ScenarioResult,
    StockResult,
    StockSpec,
    plan_stock,
    play_scenarios,
)
from analytics.i18n import LANGUAGES, words_for
from sample_data.price_response import draw_priced_sales
from tests.forecasting.made_plans import PRICE, made, response
from tests.forecasting.planted_prices import learned

EN = words_for("en")
PLAN = PlanningSpec(
    scenarios=(
        DemandScenario(price_change=-0.05),
        DemandScenario(discount=0.2, promotion_days=4),
        DemandScenario("Our <b>own</b> week", event="double_11", event_from=2, event_days=1),
    ),
    right=2,
    margin_share=0.4,
)


@cache
def paths() -> Any:
    return np.random.default_rng(3).gamma(20, 5, (500, 28))


@cache
def played(told: str = "", spread: float = 0.1) -> ScenarioResult:
    return play_scenarios(made(paths()), response(told=told, spread=spread), PLAN, price=PRICE)


@cache
def stock(on_hand: float = 1500) -> StockResult:
    return plan_stock(made(paths()), StockSpec(on_hand=on_hand))


@cache
def known() -> ResponseResult:
    return learned(draw_priced_sales(7, n_products=4, n_days=800))


def rows(spec: Any) -> list[dict[str, Any]]:
    """All rows of a chart's data."""
    found = []

    def walk(part: Any) -> None:
        if isinstance(part, dict):
            found.extend(part["values"] if isinstance(part.get("values"), list) else [])
            for value in part.values():
                walk(value)
        elif isinstance(part, list):
            for value in part:
                walk(value)

    walk({"layer": spec.get("layer", []), "data": spec.get("data", {})})
    found += [row for values in spec.get("datasets", {}).values() for row in values]
    return [json.loads(text) for text in dict.fromkeys(json.dumps(row) for row in found)]  # layers share their rows


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_chart_stands_in_every_language(language: Any) -> None:
    _ = words_for(language)
    who = ("all", "")
    for result in (played(), played(told="no_gain"), dataclasses.replace(played(), left=1, right=3)):
        for drawn in (charts.periods(result, _), charts.changes(result, _)):
            assert json.dumps(drawn)
        for said in (charts.periods_finding, charts.periods_note, charts.changes_finding, charts.versus_sentence):
            said(result, _)
        for held in (stock(), None):
            head = charts.headline(result, held, _)
            assert head.finding
            assert head.sentence
            assert 1 <= len(head.metrics) <= 4
    for spec in (charts.price_curve(played(), _), charts.promotion_curve(played(), _), charts.events(known(), *who, _)):
        assert len(rows(spec)) > 3
    for text in (
        charts.price_curve_finding(played(), response_of(), _),
        charts.price_curve_note(played(), response_of(), _),
        charts.promotion_curve_finding(played(), _),
        charts.promotion_curve_note(played(), known(), _),
        charts.events_finding(known(), *who, _),
        charts.events_note(known(), *who, _),
        charts.stock_note(made(paths()), _),
    ):
        assert text
        assert "{" not in text
    for plan in (stock(), stock(0), stock(1e6)):
        for spec in (charts.projection(plan, _), charts.levels(plan, _)):
            assert json.dumps(spec)
        assert charts.projection_finding(plan, _)
        assert charts.levels_finding(plan, _)
        assert len(charts.stock_metrics(plan, _)) == 4
    assert len(charts.scenario_tables(played(), _)) == 2
    assert len(charts.response_tables(known(), _)) == 4
    assert len(charts.stock_tables(stock(), _)) == 3


def response_of() -> ResponseResult:
    return response(spread=0.1)


def test_the_answer_names_the_scenario_and_its_consequences() -> None:
    head = charts.headline(played(), stock(), EN)
    assert head.finding.startswith("20% off for 4 days: +")
    assert "As now" in head.sentence
    assert "Profit" in head.sentence
    metrics = {metric.label: metric for metric in head.metrics}
    assert list(metrics) == ["Items", "Revenue", "Profit", "Order up to"]
    silent = charts.headline(played(told="no_gain"), None, EN)
    assert silent.finding == "20% off for 4 days: cannot be told"
    assert silent.sentence == EN.phrase("planning_untold.no_gain")


def test_profit_is_good_or_bad_only_where_its_whole_interval_is() -> None:
    sure = charts.headline(played(spread=0.0), None, EN).metrics[2]
    row = played(spread=0.0).scenarios.row(2, named=True)
    assert (row["profit_change"] < 0) == (sure.tone == "bad")
    assert charts.headline(played(spread=2.0), None, EN).metrics[2].tone == "watch"
    assert {metric.tone for metric in charts.headline(played(), None, EN).metrics[:1]} == {"gray"}


def test_what_is_drawn_is_what_the_result_says() -> None:
    drawn = [row for row in rows(charts.changes(played(), EN)) if "measure" in row]
    assert len(drawn) == 9
    listed = {(row["scenario"], row["measure"]): row["change"] for row in drawn}
    assert listed["Price −5%", "Items"] == played().scenarios["quantity_change"][1]
    assert listed["Our <b>own</b> week", "Profit"] == played().scenarios["profit_change"][3]
    lines = [row for row in rows(charts.periods(played(), EN)) if "scenario" in row]
    assert {row["scenario"] for row in lines} == {"As now", "20% off for 4 days"}
    assert len(lines) == 2 * 28
    left = [row for row in rows(charts.projection(stock(), EN)) if "left" in row]
    assert left[0]["left"] == 1500
    assert 10 < len(left) < 29, "nothing is drawn after it is gone"
    table = charts.scenario_rows(played(), EN)
    assert [row["Scenario"] for row in table] == ["As now", "Price −5%", "20% off for 4 days", "Our <b>own</b> week"]
    untold = charts.scenario_rows(played(told="no_gain"), EN)
    assert untold[1]["Items"] == EN.phrase("planning_untold.no_gain")
    assert untold[1]["Revenue"] == "–"


def test_names_of_scenarios() -> None:
    same = PlanningSpec(
        scenarios=(DemandScenario(price_change=0.1), DemandScenario(price_change=0.1), DemandScenario())
    )
    assert charts.scenario_names(same, EN) == {0: "As now", 1: "Price +10%", 2: "2 · Price +10%", 3: "No change"}
    both = DemandScenario(price_change=-0.025, discount=0.3, promotion_days=1, event="double_11", event_days=2)
    named = charts.scenario_names(PlanningSpec(scenarios=(both,)), EN)[1]
    assert named == "Price −2.5% · 30% off for 1 day · Double 11 for 2 days"


def test_how_long_the_stock_lasts_in_words() -> None:
    assert charts.projection_finding(stock(), EN).startswith("The stock lasts about 14 days, at least 1")
    assert charts.projection_finding(stock(0), EN).startswith("Brought up to 2,")
    assert charts.projection_finding(stock(1e6), EN) == "The stock lasts beyond the horizon"
    assert charts.stock_metrics(stock(1e6), EN)[0].value == "0"
    assert "after 0 of 3 earlier dates" in charts.checks_sentence(plan_short(), EN) or plan_short().n_enough


def plan_short() -> StockResult:
    return plan_stock(made(np.full((50, 28), 10.0)), StockSpec())


def test_only_events_that_are_told_are_offered() -> None:
    offered = charts.event_names(known(), "all", "", EN)
    assert "double_11" in offered
    told = known().events.filter(pl.col("told") == "", scope="all")
    assert set(offered) == set(told["event"])
    assert charts.event_names(known(), "product", "A001", EN) == charts.event_names(known(), "group", "A", EN)


def test_what_is_offered_lies_inside_what_was_seen() -> None:
    assert charts.inside((-0.3, -0.1, 0.1), (-0.15, 0.2), 0.0) == [-0.1, 0.0, 0.1]
    assert charts.inside((-0.3, -0.1, 0.1), (), 0.25) == [0.0, 0.25]


def test_reasons_are_said() -> None:
    quiet = learned(draw_priced_sales(3, n_products=4, n_days=400, n_price_moves=0, n_promotions=0))
    said = charts.untold(quiet, "all", "", EN)
    assert said == [
        f"Price: {EN.phrase('planning_untold.few_prices')}",
        f"Promotions: {EN.phrase('planning_untold.few_promotions')}",
    ]
    assert not charts.has_prices(played(told="no_gain"))
    assert not charts.has_promotions(played(told="no_gain"))
    assert charts.has_prices(played())
