"""What-if charts: every value drawn is the result's, every sentence is there in every language."""

from __future__ import annotations

import dataclasses
import json
import re
from datetime import date

import numpy as np
import polars as pl
import pytest

from analytics.charts import what_if as charts
from analytics.customers import CustomerLabels, CustomerTable
from analytics.i18n import LANGUAGES, words_for
from analytics.segmentation import (
    PayoffSpec,
    SegmentationSpec,
    align_segments,
    compare,
    expect_payoff,
    migrate,
    segment,
)

EN = words_for("en")


@pytest.fixture(scope="module")
def table() -> CustomerTable:
    rng = np.random.default_rng(0)
    kind = rng.integers(0, 4, 600)
    frame = pl.DataFrame(
        {
            "customer_id": [f"c{i:04d}" for i in range(600)],
            "recency_days": np.round(np.exp(rng.normal(3, 0.5, 600) + (kind % 2) * 1.4)).astype(int),
            "n_orders": 1 + rng.poisson(2 + 10 * (kind // 2)),
            "mean_order_value": np.exp(rng.normal(6, 0.5, 600)),
        }
    ).with_columns(revenue=pl.col("n_orders") * pl.col("mean_order_value"))
    measures = ("recency_days", "n_orders", "mean_order_value", "revenue")
    return CustomerTable(frame, date(2026, 6, 30), "TWD", measures, (), "k")


def cut(table: CustomerTable, n: int = 4, **choices):
    return segment(table, SegmentationSpec(features=("recency_days", "n_orders"), n_segments=n, **choices))


@pytest.fixture(scope="module")
def moves(table):
    a = cut(table)
    return compare(a, align_segments(cut(table, 5), a))


@pytest.fixture(scope="module")
def payoff(table):
    return expect_payoff(cut(table), table, PayoffSpec(0.05, 0.3, 6.5))


@pytest.fixture(scope="module")
def migration(table):
    now = cut(table)
    labels = now.members.select("customer_id", label=pl.col("label").shift(7).fill_null("1"))
    return migrate(now, CustomerLabels(labels, ("1", "2", "3", "4"), "segment", "held"), now)


def rows(spec: dict, column: str) -> list[dict]:
    return next(data for data in spec["datasets"].values() if data and column in data[0])


CHARTS = {
    "moves": ("profile_changes", "borders"),
    "payoff": ("break_even",),
    "migration": ("migration_balance", "people_matrix", "definition_matrix"),
}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(("of", "name"), [(of, name) for of, names in CHARTS.items() for name in names])
def test_every_chart_and_sentence_builds(of: str, name: str, language, request) -> None:
    result, _ = request.getfixturevalue(of), words_for(language)
    assert json.dumps(getattr(charts, name)(result, _))
    for said in (getattr(charts, f"{name}_finding")(result, _), getattr(charts, f"{name}_note")(result, _)):
        assert said
        assert "{" not in said
        assert bool(re.search(r"[\u4e00-\u9fff]", said)) == (language != "en")


def test_the_answer_counts_movers_and_their_revenue(moves, table) -> None:
    card = charts.headline(moves, EN)
    assert card.metrics[0].value == f"{moves.n_moved:,}"
    assert card.metrics[1].value == f"{600 - moves.n_moved:,}"
    assert f"{moves.n_moved:,} customers with NT$" in card.finding
    same = cut(table)
    assert charts.headline(compare(same, same), EN).finding == "Nobody changes segment"
    bare = dataclasses.replace(moves, moved_revenue=None)
    assert charts.headline(bare, EN).finding == f"{moves.n_moved:,} customers change segment"


def test_dumbbells_are_the_largest_changes(moves) -> None:
    drawn = rows(charts.profile_changes(moves, EN), "z_a")
    told = moves.profiles.filter(pl.col("change").abs() >= 0.05).sort(pl.col("change").abs(), descending=True)
    assert len(drawn) == min(10, told.height)
    assert [row["z_b"] for row in drawn] == pytest.approx(told["z_b"].head(10).clip(-4, 4).to_list(), abs=1e-3)


def test_borders_are_the_shares_of_b(moves) -> None:
    drawn = {row["name"][0]: row for row in rows(charts.borders(moves, EN), "share_a")}
    for row in moves.borders.filter((pl.col("scenario") == "b") & (pl.col("n_customers") > 0)).iter_rows(named=True):
        assert drawn[row["label"]]["share"] == pytest.approx(row["border_share"])
        assert drawn[row["label"]]["n"] == row["n_border"]
    listed = charts.border_table(moves, EN)
    assert listed.height == moves.border_customers.height
    assert listed["segment"].null_count() == 0


def test_break_even_bars_and_the_plan(payoff) -> None:
    drawn = rows(charts.break_even(payoff, EN), "assumed")
    assert [row["rate"] for row in drawn] == payoff.segments["break_even_rate"].to_list()
    assert {row["assumed"] for row in drawn} == {0.05}
    pays = int(payoff.segments["pays"].sum())
    assert 0 < pays < 4
    assert charts.break_even_finding(payoff, EN) == f"{pays} of 4 segments pay under these assumptions"
    assert f"Contact {payoff.n_contacted:,} customers" in charts.payoff_sentence(payoff, EN)
    assert charts.payoff_table(payoff, EN)["segment"][0].startswith("1 · ")


def test_migration_bars_and_cells_are_customers(migration) -> None:
    drawn = rows(charts.migration_balance(migration, EN), "reason")
    for name, come, go in (
        ("People moved", "people_in", "people_out"),
        ("Definition moved", "definition_in", "definition_out"),
    ):
        mine = [row for row in drawn if row["reason"] == name]
        assert sum(row["n"] for row in mine if row["n"] > 0) == migration.balance[come].sum()
        assert -sum(row["n"] for row in mine if row["n"] < 0) == migration.balance[go].sum()
    cells = rows(charts.people_matrix(migration, EN), "from")
    assert sum(cell["n"] for cell in cells) == migration.n_common
    by_row = {name: sum(c["share"] for c in cells if c["from"] == name) for name in {c["from"] for c in cells}}
    assert list(by_row.values()) == pytest.approx([1.0] * len(by_row))
