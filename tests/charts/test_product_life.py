"""Charts of the product life cycle: every one in three languages, for a full and for a bare result; what they say."""

from __future__ import annotations

import dataclasses
import json
from datetime import date, timedelta
from functools import cache
from typing import Any

import numpy as np
import polars as pl
import pytest

from analytics.charts import product_life as charts
from analytics.i18n import LANGUAGES, words_for
from analytics.i18n.phrases import load
from analytics.product_life import (
    STAGES,
    EvidenceResult,
    Goods,
    ProductLifeResult,
    ProductLifeSpec,
    StageFeedback,
    trace_products,
)
from analytics.product_life.evidence import ODD, TURNS
from analytics.product_life.feedback import EMPTY
from tests.product_life.test_product_life import MONDAY, WEEKS, panel_of, plain

EN = words_for("en")
WITH_FINDING = ("life_curve", "portfolio_map", "over_time", "stage_flow")
OF_ONE = ("life", "chances")


@cache
def rich() -> ProductLifeResult:
    """Plain lives under names that Markdown would read, with revenue."""
    lives = plain()
    names = pl.DataFrame(
        {
            "unique_id": list(lives),
            "product": [f"*{name}* [tea](x)" if name == "rising" else name.title() for name in lives],
            "category": ["tea", "tea", "cups", "cups", "hats", ""],
        }
    )
    worth = {name: values * 120 for name, values in lives.items()}
    spec = ProductLifeSpec(against="own", compare_months=6)
    return trace_products(panel_of(lives), spec, Goods(names, "g"), panel_of(worth, "TWD"))


@cache
def bare_result() -> ProductLifeResult:
    """One product of eight months: no season, no year before, nothing that moved."""
    return trace_products(panel_of({"only": np.full(34, 9.0)}), ProductLifeSpec(compare_months=3))


def found() -> EvidenceResult:
    """One odd stretch and one turn of every cause."""
    first = MONDAY + timedelta(weeks=100)
    common = {
        "unique_id": "steady",
        "first_on": first,
        "last_on": first + timedelta(days=13),
        "sold": 3.0,
        "expected": 30.0,
        "ratio": 0.1,
        "p_value": 1e-9,
        "q_value": 1e-6,
        "event": "",
        "event_ratio": None,
        "order_share": 0.8,
        "promoted_share": 0.9,
        "usual_promoted": 0.2,
        "price_change": -0.12,
        "none_from": None,
        "none_until": None,
    }
    causes: list[dict[str, Any]] = [
        {"cause": "no_sale", "direction": "low", "none_from": first, "none_until": first + timedelta(days=10)},
        {"cause": "no_sale", "direction": "low"},
        {"cause": "one_order", "direction": "high"},
        {"cause": "promotion", "direction": "high"},
        {"cause": "price_down", "direction": "high"},
        {"cause": "event", "direction": "high", "event": "double_11", "event_ratio": 2.0},
        {"cause": "unexplained", "direction": "low", "event": "own:on:fair"},
        {"cause": "unexplained", "direction": "low"},
    ]
    turn = {"unique_id": "rising", "turn_on": first, "stage_before": "maturity", "stage": "growth", "chance": 0.9}
    turns = [turn | {"cause": "price_down", "price_change": -0.1}, turn | {"cause": "unexplained"}]
    return EvidenceResult(
        pl.DataFrame([common | cause for cause in causes], schema=ODD),
        pl.DataFrame(turns, schema=TURNS),
        True,
        9000,
        "e",
    )


NOTHING = EvidenceResult(pl.DataFrame(schema=ODD), pl.DataFrame(schema=TURNS), False, 0, "n")


def rated(difference: float) -> StageFeedback:
    told = pl.col("stage").is_in(["growth", "maturity"])
    frame = EMPTY.with_columns(
        n_ratings=pl.when(told).then(50.0).otherwise(0.0),
        mean_rating=pl.when(told).then(pl.when(pl.col("stage") == "growth").then(3.5 + difference).otherwise(3.5)),
    ).with_columns(
        rating_lo=pl.col("mean_rating") - 0.1,
        rating_hi=pl.col("mean_rating") + 0.1,
        rating_difference=pl.col("mean_rating") - 3.5,
        rating_difference_lo=pl.col("mean_rating") - 3.6,
        rating_difference_hi=pl.col("mean_rating") - 3.4,
    )
    return StageFeedback(frame, 3.5, 100, 120, 60, "f")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("make", [rich, bare_result])
def test_every_chart_is_drawn_with_its_finding_and_note(make: Any, language: Any) -> None:
    result, _ = make(), words_for(language)
    for name in WITH_FINDING:
        spec = getattr(charts, name)(result, _)
        assert json.dumps(spec)
        finding, note = getattr(charts, f"{name}_finding")(result, _), getattr(charts, f"{name}_note")(result, _)
        assert 3 < len(finding) <= 70
        assert len(note) > 10
        assert "{" not in finding + note
    for evidence, offered in ((found(), ["rare", "steady", "only"]), (NOTHING, ["gone"])):
        for unique_id in [name for name in offered if name in charts.offered(result)]:
            given = (result, unique_id, _)
            assert json.dumps(charts.life(result, evidence, unique_id, _))
            assert json.dumps(charts.chances(*given))
            assert charts.chances_finding(*given)
            assert len(charts.life_metrics(*given)) == 4
            assert charts.life_finding(result, evidence, unique_id, _)
            assert "{" not in charts.life_note(result, evidence, unique_id, _) + charts.chances_note(*given)
        for finding in (charts.odd_finding, charts.turn_finding, charts.odd_note, charts.turn_note):
            assert finding(result, evidence, _)
    headline = charts.headline(result, _)
    assert 3 <= len(headline.metrics) <= 4
    assert len(headline.finding) <= 60
    assert json.dumps(charts.ratings(rated(0.4), _))
    for difference in (0.0, 0.4, -0.4):
        assert charts.ratings_finding(rated(difference), _)
        assert charts.ratings_note(rated(difference), _)


def test_the_curve_holds_every_product_once_in_its_stage() -> None:
    spec = charts.life_curve(rich(), EN)
    layers = spec["layer"]
    dots = next(layer for layer in layers if layer["mark"].get("type") == "circle")["data"]["values"]
    told = rich().products.drop_nulls("stage")
    assert len(dots) == told.height == 5
    names = charts.stage_names(EN)
    for row in told.iter_rows(named=True):
        dot = next(dot for dot in dots if dot["product"] == row["product"])
        assert dot["stage"] == names[row["stage"]]
        low, high = ends(row["stage"])
        assert low < dot["x"] < high
        assert 0 < dot["y"] < 1
    heads = next(layer for layer in layers if layer["mark"].get("type") == "text")["data"]["values"]
    assert [head["count"] for head in heads] == ["1"] * 5


def ends(stage: str) -> tuple[float, float]:
    from analytics.charts.product_life.portfolio import ends as places

    return places(stage)


def test_colour_i_is_stage_i_everywhere() -> None:
    def domains(node: Any) -> list[list[str]]:
        if isinstance(node, dict):
            mine = (
                [node["scale"]["domain"]] if node.get("scale", {}) and node["scale"].get("range") == "category" else []
            )
            return mine + [d for value in node.values() for d in domains(value)]
        return [d for value in node for d in domains(value)] if isinstance(node, list) else []

    expected = list(charts.stage_names(EN).values())
    drawn = [getattr(charts, name)(rich(), EN) for name in WITH_FINDING]
    drawn += [
        charts.life(rich(), found(), "rising", EN),
        charts.chances(rich(), "rising", EN),
        charts.ratings(rated(0), EN),
    ]
    for spec in drawn:
        held = domains(spec)
        assert held
        assert all(domain == expected for domain in held)


def test_what_is_said_is_what_was_found() -> None:
    result = rich()
    growing = result.stages.filter(stage="growth").row(0, named=True)
    assert charts.headline(result, EN).metrics[0].value == "1"
    assert EN.percent(result.stages["sales_share"].max()) in charts.life_curve_finding(result, EN)
    assert "rising" in charts.portfolio_map_finding(result, EN)
    moved = result.products.filter("moved").height
    assert charts.stage_flow_finding(result, EN).startswith(f"{moved} product")
    assert len(charts.movers_rows(result, EN)) == moved
    assert growing["n_products"] == 1
    assert charts.over_time_finding(result, EN).startswith("Young products: ")
    held = charts.held_share(result)
    assert held is not None
    assert EN.percent(held) in charts.hindsight_finding(result, EN)
    assert len(charts.hindsight_rows(result, EN)) == 5
    assert charts.held_share(bare_result()) is not None


def test_reasons_name_their_sizes() -> None:
    rows = {row["unique_id"]: row for row in rich().products.iter_rows(named=True)}
    said = {name: charts.reason(row, rich(), EN) for name, row in rows.items()}
    assert said["new"].startswith("First sold in the period from ")
    assert said["rising"].startswith("Rising: +")
    assert said["falling"].startswith("Falling: −")
    assert "of its best" in said["falling"]
    assert said["gone"].startswith("Nothing sold for ")
    assert "items were to be expected" in said["gone"]
    assert said["rare"] == "Too little was sold to tell."


def test_causes_are_told_with_their_sizes() -> None:
    said = [charts.cause_text(row, EN) for row in found().odd.iter_rows(named=True)]
    assert said[0].startswith("No sale at all from ")
    assert said[1] == "No sale at all: out of stock?"
    assert "80%" in said[2]
    assert said[3] == "90% sold at a discount, 20% as a rule"
    assert said[4] == "List price −12%"
    assert said[5].endswith("as at other times")
    assert "fair" in said[6]
    assert said[7] == "Nothing known"
    assert len(charts.odd_rows(rich(), found(), EN)) == 8
    assert "7" not in charts.odd_finding(rich(), NOTHING, EN)
    assert charts.odd_finding(rich(), found(), EN) == "8 odd stretches of weeks; for 6 something coincides"


def test_a_products_own_name_is_no_markdown() -> None:
    told = charts.life_finding(rich(), NOTHING, "rising", EN)
    assert "[tea](x)" not in told
    assert "\\[tea\\]" in told
    rows = [row["Product"] for row in charts.movers_rows(rich(), EN)] + [
        row["Product"] for row in charts.turn_rows(rich(), found(), EN)
    ]
    assert not any("](" in name.replace("\\]\\(", "") for name in rows)


@pytest.mark.parametrize("language", LANGUAGES)
def test_tables_have_words_for_every_column(language: Any) -> None:
    result, evidence, _ = rich(), found(), words_for(language)
    phrases = load()
    tables = [
        charts.product_table(result, _),
        charts.flat_table(result, _),
        charts.stage_table(result, _),
        charts.flow_table(result, _),
        charts.history_table(result, _),
        charts.odd_table(result, evidence, _),
        charts.turn_table(result, evidence, _),
        charts.feedback_table(rated(0), _),
    ]
    for table in tables:
        assert [name for name in table.columns if f"field.{name}" not in phrases] == []
        assert len(set(table.columns)) == len(table.columns)
    assert tables[0].height == result.products.height
    assert tables[0]["life_stage"].drop_nulls().is_in(list(charts.stage_names(_).values())).all()
    assert tables[4].height == result.history.height


def test_a_bare_result_leaves_out_what_it_does_not_know() -> None:
    table = charts.product_table(bare_result(), EN)
    assert "category" not in table.columns
    assert "sold_year_before" not in table.columns
    assert charts.has_map(bare_result())
    assert not charts.has_ratings(StageFeedback(EMPTY, None, 0, 0, 60, "f"))


def test_one_product_is_offered_and_an_unknown_one_is_not() -> None:
    result = rich()
    offered = charts.offered(result)
    assert set(offered) == set(result.products["unique_id"])
    assert charts.chosen(result, "gone") == "gone"
    assert charts.chosen(result, "nobody") == charts.chosen(result, "") == next(iter(offered))


def test_categories_and_months_are_called_so() -> None:
    months = pl.date_range(date(2022, 1, 1), date(2024, 12, 1), "1mo", eager=True)
    frame = pl.DataFrame({"unique_id": ["a"] * 36, "ds": months, "y": [20.0] * 36})
    panel = dataclasses.replace(panel_of({"a": np.ones(3)}), frame=frame, frequency="month", as_of=date(2024, 12, 31))
    result = trace_products(panel, ProductLifeSpec(by="category"))
    assert "1 category" in charts.life_curve_finding(result, EN)
    assert "per month" in charts.life_note(result, NOTHING, "a", EN)
    assert len(STAGES) == 5
    assert WEEKS == 156
