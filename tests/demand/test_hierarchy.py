"""Series that add up: every parent is exactly the sum of its children, and nothing is lost or counted twice."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from analytics.dataset import Dataset
from analytics.demand import DemandPanel, DemandSpec, build_panel
from analytics.errors import AnalysisError

START = datetime(2024, 1, 1, 12)
LINES = pl.DataFrame(
    [
        ("o1", 0, "p1", "tea", "Taipei", "TW", 3, 900),
        ("o1", 0, "p2", "tea", "Taipei", "TW", 1, 400),
        ("o2", 8, "p3", "cup", "Tainan", "TW", 2, 600),
        ("o3", 9, "p1", "cup", "Berlin", "DE", 1, 300),  # filed wrongly once
        ("o4", 15, "p4", None, "Berlin", None, 1, 100),
        ("o5", 16, None, "tea", None, "FR", 1, 50),
        ("o6", 20, "p2", "tea", "Taipei", "TW", 1, 400),
        ("o7", 20, "p1", "tea", "Taipei", "TW", 1, 300),
    ],
    schema=["order_id", "day", "product_id", "category", "city", "country", "quantity", "amount"],
    orient="row",
).with_columns(ordered_at=pl.lit(START) + pl.duration(days="day"), kind=pl.lit("sale"))


def build(lines: pl.DataFrame = LINES) -> Dataset:
    return Dataset.build({"transactions": lines}, as_of=date(2024, 1, 21), currency="EUR", money_digits=2)


def values(panel: DemandPanel, unique_id: str) -> list[float]:
    return panel.frame.filter(pl.col("unique_id") == unique_id)["y"].to_list()


def assert_adds_up(panel: DemandPanel) -> None:
    """Exactly but for the last bits of a division by 100."""
    children = panel.frame.join(panel.parents, on="unique_id").group_by("parent", "ds").agg(pl.col("y").sum())
    parents = panel.frame.filter(pl.col("unique_id").is_in(panel.parents["parent"].implode()))
    assert_frame_equal(
        children.rename({"parent": "unique_id"}).sort("unique_id", "ds"),
        parents.sort("unique_id", "ds"),
        rel_tol=1e-14,
        abs_tol=1e-9,
    )
    tops = set(panel.parents["parent"]) - set(panel.parents["unique_id"])
    assert len(tops) == 1
    assert set(panel.members) == set(panel.frame["unique_id"]) == set(panel.parents["unique_id"]) | tops
    assert panel.members[0] in tops


class TestByHand:
    def test_products_their_category_and_the_total(self) -> None:
        panel = build_panel(build(), DemandSpec(by="product", n_series=2, parents=True))
        assert panel.members == ("total", "category: tea", "p1", "p2", "rest")
        # p1 is tea, where most of its lines are.
        assert panel.parents.rows() == [
            ("category: tea", "total"),
            ("p1", "category: tea"),
            ("p2", "category: tea"),
            ("rest", "total"),
        ]

    def test_what_is_left_of_a_category(self) -> None:
        panel = build_panel(build(), DemandSpec("quantity", "product", ("p2",), parents=True))
        assert panel.members == ("total", "category: tea", "p2", "rest: tea", "rest")
        assert values(panel, "p2") == [1.0, 0.0, 1.0]
        assert values(panel, "rest: tea") == [3.0, 1.0, 1.0]  # all of p1, as it is mostly tea
        assert values(panel, "rest") == [2.0, 2.0]  # p3, p4 and the line without a product, from the second week
        assert values(panel, "category: tea") == [4.0, 1.0, 2.0]
        assert values(panel, "total") == [4.0, 3.0, 4.0]
        assert_adds_up(panel)

    def test_names_say_what_each_is(self) -> None:
        named = build(LINES.with_columns(product=pl.col("product_id").replace({"p2": "Oolong"})))
        panel = build_panel(named, DemandSpec(by="product", members=("p2",), parents=True))
        assert panel.names.rows() == [
            ("total", "total", ""),
            ("category: tea", "category", "tea"),
            ("p2", "product", "Oolong"),
            ("rest: tea", "rest", "tea"),
            ("rest", "rest", ""),
        ]

    def test_cities_and_their_country(self) -> None:
        panel = build_panel(build(), DemandSpec(by="city", n_series=2, parents=True))
        assert panel.members == ("total", "country: TW", "Taipei", "Tainan", "rest")
        assert values(panel, "country: TW") == [13.0, 6.0, 7.0]
        assert values(panel, "rest") == [3.0, 1.5]
        assert_adds_up(panel)

    def test_categories_have_only_the_total_above(self) -> None:
        panel = build_panel(build(), DemandSpec(by="category", n_series=1, parents=True))
        assert panel.members == ("total", "tea", "rest")
        assert_adds_up(panel)

    def test_a_member_called_like_a_sum_keeps_its_name(self) -> None:
        lines = LINES.with_columns(product_id=pl.col("product_id").replace({"p1": "total", "p2": "rest"}))
        panel = build_panel(build(lines), DemandSpec(by="product", n_series=2, parents=True))
        assert panel.members == ("total·", "category: tea", "total", "rest", "rest·")
        assert_adds_up(panel)

    def test_without_parents_there_are_none(self) -> None:
        panel = build_panel(build(), DemandSpec(by="product"))
        assert panel.parents.is_empty()
        assert panel.names["level"].unique().to_list() == ["product"]
        assert build_panel(build(), DemandSpec(parents=True)).parents.is_empty()

    @pytest.mark.parametrize("measure", ["orders", "customers"])
    def test_what_does_not_add_up_is_refused(self, measure: str) -> None:
        with pytest.raises(AnalysisError) as caught:
            build_panel(build(), DemandSpec(measure=measure, by="category", parents=True))
        assert caught.value.code == "parents_not_additive"


def made(seed: int, n_lines: int = 4000) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    product = rng.integers(0, 40, n_lines)
    sign = np.where(rng.random(n_lines) < 0.2, -1, 1)
    return pl.DataFrame(
        {
            "order_id": [f"o{i // 3}" for i in range(n_lines)],
            "ordered_at": [START + timedelta(hours=int(h)) for h in rng.integers(0, 24 * 120, n_lines)],
            "product_id": [f"p{p}" if p else None for p in product],
            "category": [f"c{p % 7}" if p % 7 else None for p in product],
            "quantity": sign * rng.integers(1, 9, n_lines),
            "amount": sign * rng.integers(1, 9999, n_lines),
            "kind": np.where(sign < 0, "return", "sale"),
        }
    )


@pytest.mark.parametrize(
    "spec",
    [
        DemandSpec(by="product", n_series=6, parents=True),
        DemandSpec("quantity", "product", n_series=100, parents=True, frequency="day"),
        DemandSpec(by="category", n_series=3, parents=True, frequency="month"),
    ],
    ids=["few", "all", "categories"],
)
def test_every_parent_is_the_sum_of_its_children(spec: DemandSpec) -> None:
    data = Dataset.build({"transactions": made(7)}, as_of=date(2024, 4, 29), currency="EUR", money_digits=2)
    panel = build_panel(data, spec)
    assert_adds_up(panel)
    # Clipped values apart, the total is the total of all lines.
    lines = data.tables["transactions"].filter(pl.col("ordered_at").dt.date() <= date(2024, 4, 28))
    net = lines["quantity"].sum() if spec.measure == "quantity" else lines["amount"].sum() / 100
    top = panel.frame.filter(pl.col("unique_id") == "total")["y"].sum()
    assert top >= net if panel.n_clipped else True
    sales_only = Dataset.build(
        {"transactions": made(7).filter(pl.col("kind") == "sale")}, as_of=date(2024, 4, 29), money_digits=2
    )
    whole = build_panel(sales_only, spec)
    assert_adds_up(whole)
    alone = build_panel(sales_only, DemandSpec(spec.measure, frequency=spec.frequency)).frame
    assert whole.n_clipped == 0
    assert_frame_equal(whole.frame.filter(pl.col("unique_id") == "total"), alone, rel_tol=1e-12)


def test_ready_made_series_add_up_too() -> None:
    days = [date(2024, 1, 1) + timedelta(days=i) for i in range(60)]
    rng = np.random.default_rng(1)
    series = pl.DataFrame(
        {
            "unique_id": [f"s{i}" for i in range(5) for _ in days],
            "ds": days * 5,
            "y": rng.integers(0, 50, 300).astype(float),
        }
    )
    data = Dataset.build({"series": series}, as_of=days[-1])
    panel = build_panel(data, DemandSpec(frequency="week", n_series=2, parents=True))
    assert len(panel.members) == 4
    assert_adds_up(panel)
    assert (
        panel.frame.filter(pl.col("unique_id") == "total")["y"].sum()
        == series.filter(pl.col("ds") < date(2024, 2, 26))["y"].sum()
    )
    # Where a part was not observed, neither was the sum.
    gap = Dataset.build(
        {"series": series.filter((pl.col("unique_id") != "s4") | (pl.col("ds") != days[20]))}, as_of=days[-1]
    )
    daily = build_panel(gap, DemandSpec(frequency="day", n_series=2, parents=True))
    missing = daily.frame.filter(pl.col("y").is_null())
    assert missing["ds"].unique().to_list() == [days[20]]
    assert "total" in missing["unique_id"].to_list()
