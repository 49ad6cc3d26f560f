"""Behaviour charts: what they draw, in three languages, for an ordinary and for a poor result."""

from __future__ import annotations

import json
from datetime import date
from functools import cache
from typing import Any

import polars as pl
import pytest

from analytics.behaviour import (
    BehaviourSpec,
    describe_methods,
    describe_preferences,
    describe_spending,
    measure_concentration,
)
from analytics.charts import behaviour as charts
from analytics.charts.behaviour.spending import _round_values
from analytics.customers import CustomerLabels
from analytics.i18n import LANGUAGES, phrases, words_for
from tests.behaviour.conftest import SIX, build, made
from tests.charts.test_lifecycle import rows_of as all_rows_of

EN = words_for("en")
NAMES = {"1": "1 · Loyal", "2": "2 · New"}
PARTS: dict[str, tuple[str, ...]] = {
    "spending": ("order_value", "baskets", "gaps", "returning", "week", "season"),
    "preferences": ("levels", "states"),
    "methods": ("shares", "switching", "several"),
    "concentration": ("curve", "tops"),
}
ALL = [(section, name) for section, names in PARTS.items() for name in names]


@cache
def ordinary(section: str) -> Any:
    """Two years, labels whose tastes differ."""
    lines = made(600, n_days=1090)
    ids = [f"c{i:05d}" for i in range(600)]
    labels = CustomerLabels(pl.DataFrame({"customer_id": ids, "label": ["1", "2"] * 300}), ("1", "2"), "segment", "k")
    tea = pl.col("customer_id").str.slice(-1).cast(pl.Int64) % 2 == 0
    lines = lines.with_columns(
        category=pl.when(tea & (pl.col("category") == "home")).then(pl.lit("read")).otherwise("category")
    )
    dataset, spec = build(lines, date(2025, 12, 31)), BehaviourSpec()
    match section:
        case "spending":
            return describe_spending(dataset)
        case "preferences":
            return describe_preferences(dataset, spec, labels)
        case "methods":
            return describe_methods(dataset, spec, labels)
        case _:
            return measure_concentration(dataset)


@cache
def poor(section: str) -> Any:
    """Six customers, days without times; nothing to compare."""
    dataset, spec = build(SIX.with_columns(pl.col("ordered_at").dt.truncate("1d"))), BehaviourSpec()
    match section:
        case "spending":
            return describe_spending(dataset)
        case "preferences":
            return describe_preferences(dataset, spec)
        case "methods":
            return describe_methods(dataset, spec)
        case _:
            return measure_concentration(dataset)


def rows_of(spec: dict[str, Any]) -> list[dict[str, Any]]:
    """The rows of a chart, once each, whatever number of layers draws them."""
    return list({json.dumps(row): row for row in all_rows_of(spec)}.values())


def draw(section: str, name: str, result: Any, language: Any = "en") -> dict[str, Any]:
    spec: dict[str, Any] = getattr(getattr(charts, section), name)(result, words_for(language))
    json.dumps(spec)
    return spec


def told(section: str, name: str, result: Any, language: Any = "en") -> str:
    text: str = getattr(getattr(charts, section), name)(result, words_for(language))
    return text


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(("section", "name"), ALL)
def test_each_chart_of_an_ordinary_and_a_poor_result(section: str, name: str, language: Any) -> None:
    for result in (ordinary(section), poor(section)):
        drawn = rows_of(draw(section, name, result, language))
        # With fewer than ten customers nobody can be followed: the page leaves that chart out.
        assert drawn or (result is poor(section) and name == "returning")
        for part in ("finding", "note"):
            text = told(section, f"{name}_{part}", result, language)
            assert text
            assert "{" not in text
            assert "None" not in text


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("section", ["preferences", "methods"])
def test_segments_side_by_side(section: str, language: Any) -> None:
    module, words = getattr(charts, section), words_for(language)
    rows = rows_of(module.segments(ordinary(section), NAMES, words))
    assert {row["x"] for row in rows} == set(NAMES.values())
    for result in (ordinary(section), poor(section)):
        assert "{" not in module.segments_finding(result, NAMES, words)
        assert "{" not in module.segments_note(result, NAMES, words)


class TestWhatIsDrawn:
    def test_order_values(self) -> None:
        result = ordinary("spending")
        rows = [row for row in rows_of(draw("spending", "order_value", result)) if "share" in row]
        assert sum(row["share"] for row in rows) == pytest.approx(1)
        # The middle half, drawn in full, holds about half of the orders.
        assert sum(row["share"] for row in rows if row["inside"]) == pytest.approx(0.5, abs=0.12)

    def test_ticks_of_a_log_axis_are_round(self) -> None:
        assert _round_values(81, 4000) == [100, 200, 500, 1000, 2000]
        assert _round_values(0.5, 3e6) == [1, 10, 100, 1000, 10_000, 100_000, 1_000_000]

    def test_the_week_has_all_its_hours_or_days(self) -> None:
        assert len(rows_of(draw("spending", "week", ordinary("spending")))) == 7 * 24
        days = rows_of(draw("spending", "week", poor("spending")))
        assert [row["day"] for row in days] == ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
        assert told("spending", "week_finding", poor("spending")) == "Thu is the busiest day: 44% of orders"

    def test_a_season_or_the_months_as_they_were(self) -> None:
        months = [row for row in rows_of(draw("spending", "season", ordinary("spending"))) if "month" in row]
        assert len(months) == 12
        assert all(row["lo"] <= row["index"] <= row["hi"] for row in months)
        assert len(rows_of(draw("spending", "season", poor("spending")))) == 12
        assert told("spending", "season_finding", poor("spending")).startswith("Too short")

    def test_levels_and_their_fans(self) -> None:
        result = ordinary("preferences")
        rows = rows_of(draw("preferences", "levels", result))
        assert [row["name"] for row in rows] == result.levels["level"].to_list()
        assert sum(row["share"] for row in rows) == pytest.approx(1)
        assert any(" fans" in row["text"] for row in rows)

    def test_only_clear_differences_have_colour(self) -> None:
        result = ordinary("preferences")
        rows = rows_of(charts.preferences.segments(result, NAMES, EN))
        clear = {(row["x"][0], row["y"]) for row in rows if row["clear"]}
        found = result.by_label.filter(pl.col("verdict") == "different")
        assert clear == set(found.select("label", "level").iter_rows())
        assert ("1", "read") in clear
        assert "read takes" in charts.preferences.segments_finding(result, NAMES, EN)

    def test_shares_of_methods_stay_in_their_intervals(self) -> None:
        rows = rows_of(draw("methods", "shares", ordinary("methods")))
        orders = [row for row in rows if row["measure"] == "orders"]
        assert all(row["lo"] < row["share"] < row["hi"] for row in orders)
        assert {row["measure"] for row in rows} == {"orders", "revenue"}

    def test_each_row_of_the_switching_matrix_is_a_whole(self) -> None:
        rows = rows_of(draw("methods", "switching", ordinary("methods")))
        for name in {row["y"] for row in rows}:
            assert sum(row["share"] for row in rows if row["y"] == name) == pytest.approx(1)

    def test_one_to_nine_people_are_left_blank(self) -> None:
        result = ordinary("methods")
        rows = rows_of(charts.methods.segments(result, NAMES, EN))
        few = result.by_label.filter((pl.col("n") > 0) & (pl.col("n") < 10)).height
        assert sum(row["share"] is None for row in rows) == few

    def test_the_curve_ends_at_all_of_it(self) -> None:
        rows = [row for row in rows_of(draw("concentration", "curve", ordinary("concentration"))) if "customers" in row]
        assert (rows[0]["revenue"], rows[-1]["revenue"]) == pytest.approx((0, 1))
        shares = [row["revenue"] for row in rows]
        assert shares == sorted(shares)


class TestAnswerCard:
    def test_four_figures(self) -> None:
        head = charts.headline(ordinary("spending"), ordinary("concentration"), EN)
        assert [metric.label for metric in head.metrics] == [
            "Usual order value",
            "Usual items per order",
            "Usual gap, days",
            "Top 20% bring",
        ]
        assert "a fifth of them bring" in head.finding
        assert all(len(metric.label) <= 22 for metric in head.metrics)

    @pytest.mark.parametrize("language", LANGUAGES)
    def test_without_amounts_or_a_second_order(self, language: Any) -> None:
        alone = describe_spending(build(SIX.filter(pl.col("customer_id") == "cai").drop("amount", "quantity")))
        head = charts.headline(alone, None, words_for(language))
        assert len(head.metrics) == 1
        assert "{" not in head.finding + head.sentence

    def test_every_word_for_a_code_is_there(self) -> None:
        book = phrases.load()
        for verdict in ("none", "unclear", "negligible", "weak", "moderate", "strong"):
            assert f"association.{verdict}" in book
        assert all(f"day_of_week.{day}" in book for day in range(1, 8))
        assert all(f"month_of_year.{month}" in book for month in range(1, 13))
