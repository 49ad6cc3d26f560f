"""Charts of leaving: every one in three languages for a rich, a grouped, an order and a poor result; what they say."""

from __future__ import annotations

import json
from datetime import date, timedelta
from functools import cache
from typing import Any

import numpy as np
import polars as pl
import pytest

from analytics.charts import survival as charts
from analytics.charts.survival import ahead, curves, headline, months, ratios, tables
from analytics.charts.survival.parts import length, span
from analytics.dataset import Dataset
from analytics.i18n import LANGUAGES, words_for
from analytics.survival import ClockSpec, SurvivalSpec, find_spells, fit_hazards, foresee, study_survival

AS_OF = date(2026, 6, 30)
EN = words_for("en")
CASES = ("alone", "grouped", "orders", "poor")


@cache
def data(case: str) -> Dataset:
    rng = np.random.default_rng(3)
    if case == "orders":
        rows = []
        for i in range(300):
            at = AS_OF - timedelta(days=int(rng.integers(200, 600)))
            for _nth in range(1 + int(rng.integers(0, 9))):
                rows.append((f"c{i}", at, ("app", "web")[i % 2], 100))
                at += timedelta(days=1 + int(rng.exponential(30)))
        schema = {"customer_id": pl.String, "ordered_at": pl.Date, "channel": pl.String, "amount": pl.Int64}
        lines = pl.DataFrame(rows, schema=schema, orient="row").filter(pl.col("ordered_at") <= AS_OF)
        lines = lines.with_columns(pl.col("ordered_at").cast(pl.Datetime("us")))
        return Dataset.build({"transactions": lines}, as_of=AS_OF)
    n = 30 if case == "poor" else 700
    group = rng.integers(0, 3, n)
    joined = [AS_OF - timedelta(days=int(day)) for day in rng.integers(30, 900, n)]
    stay = 30 * rng.geometric(0.02 + 0.03 * group) + 330 * (rng.random(n) < 0.2) * (group == 0)
    left = [first + timedelta(days=int(days)) for first, days in zip(joined, stay, strict=True)]
    frame = pl.DataFrame(
        {
            "customer_id": [f"c{i:03d}" for i in range(n)],
            "joined_at": joined,
            "left_at": [day if day <= AS_OF else None for day in left],
            "tier": [("gold", "silver", "basic")[one] for one in group] if case != "poor" else ["one"] * n,
            "age": rng.integers(20, 70, n),
            "leaving_reason": [None if case == "poor" else ("price", "moved", "_x_")[i % 3] for i in range(n)],
        }
    )
    return Dataset.build({"customers": frame}, as_of=AS_OF)


@cache
def made(case: str) -> tuple[Any, Any, Any]:
    spec = SurvivalSpec(
        clock=ClockSpec(clock="second_order" if case == "orders" else None),
        group_by={"grouped": "tier", "orders": "first_channel"}.get(case, ""),
    )
    spells = find_spells(data(case), spec.clock)
    result = study_survival(spells, data(case), spec)
    hazards = fit_hazards(spells, data(case), spec)
    given = hazards if case != "orders" else None
    return result, hazards, foresee(spells, data(case), spec, given)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("case", CASES)
def test_each_chart_has_its_picture_finding_and_note(case: str, language: Any) -> None:
    _ = words_for(language)
    result, hazards, outlook = made(case)
    names = {"1": "1 · A"}
    drawn = [
        ("curves", curves, (result, names)),
        ("screen", curves, (result,)),
        ("hazard", months, (result,)),
        ("ratios", ratios, (hazards,)),
        ("effect", ratios, (hazards,)),
        ("outlook", ahead, (outlook,)),
    ]
    if result.reasons.height:
        drawn.append(("reasons", months, (result,)))
    for name, module, given in drawn:
        spec = getattr(module, name)(*given, _)
        json.dumps(spec)
        assert spec["config"]["axis"]["domain"] is False
        finding, note = (getattr(module, f"{name}_{part}")(*given, _) for part in ("finding", "note"))
        assert finding
        assert note
        assert len(finding) <= (72 if language == "en" else 40), finding
        assert "{" not in finding + note
    head = headline(result, _)
    assert len(head.finding) <= 60
    assert len(head.metrics) == 4
    assert "{" not in head.finding + head.sentence


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("case", CASES)
def test_every_table_has_names_for_its_columns(case: str, language: Any) -> None:
    _ = words_for(language)
    result, hazards, outlook = made(case)
    all_tables = [
        tables.group_table(result, {}, _),
        tables.curve_table(result, {}, _),
        tables.pair_table(result, {}, _),
        tables.screen_table(result, _),
        tables.hazard_table(result, {}, _),
        tables.reason_table(result, {}, _),
        tables.set_aside_table(result, _),
        tables.ratio_table(hazards, _),
        tables.effect_table(hazards, _),
        tables.left_out_table(hazards, _),
        ahead.outlook_table(outlook),
    ]
    for table in all_tables:
        assert [name for name in table.columns if not _.has_phrase(f"field.{name}")] == []


def test_what_is_said_is_what_is_there() -> None:
    result, hazards, outlook = made("grouped")
    gold = result.groups.filter(label="gold")["survival"][0]
    assert f"{round(100 * gold)}%" in curves.curves_finding(result, {}, EN)
    assert ratios.ratios_finding(hazards, EN).startswith("Tier\\: gold: leave")
    assert str(round(outlook.expected_leaving)) in ahead.outlook_finding(outlook, EN)
    assert len(json.loads(json.dumps(curves.curves(result, {}, EN)))["layer"]) == 5
    assert result.groups["median"][0] / 30.4375 == pytest.approx(tables.group_table(result, {}, EN)["median_time"][0])
    orders, _hazards, coming = made("orders")
    assert "order again" in headline(orders, EN).finding
    assert headline(orders, EN).metrics[0].label == "Back within 1 year"
    assert "will order" in ahead.outlook_finding(coming, EN)
    assert ahead.listed(coming)["p_order"][0] == ahead.listed(coming)["p_order"].max()


def test_reasons_of_a_person_stay_their_own_words_and_cannot_become_markdown() -> None:
    result = made("alone")[0]
    assert "_x_" in json.dumps(months.reasons(result, EN), ensure_ascii=False)
    note = months.reasons_note(result, EN)
    assert "_x_" not in note.replace("\\_x\\_", "")
    assert charts.level_name("leaving_reason", "price", EN) == "Price"
    assert charts.field_name("cohort", EN) == "When they began"


def test_lengths_are_written_in_the_unit_that_is_shown() -> None:
    assert length(456.6, "membership", "day", EN) == "15 months"
    assert length(20.0, "tenure", "month", EN) == "20 months"
    assert length(12.0, "second_order", "day", EN) == "12 days"
    assert span(1.5, "year", EN) == "1.5 years"
    assert span(1, "week", words_for("zh_TW")) == "1 週"
