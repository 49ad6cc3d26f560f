from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise

import numpy as np
import polars as pl
import pytest

from sample_data.marketplace import Marketplace
from sample_data.promotions import draw_promotions
from sample_data.seasons import N_DAYS
from sample_data.seasons import START as FIRST


def window(promotion: dict[str, object]) -> tuple[date, date]:
    return date.fromisoformat(str(promotion["first_day"])), date.fromisoformat(str(promotion["last_day"]))


def consumer_units(sales: pl.DataFrame) -> pl.DataFrame:
    return (
        sales.filter(pl.col("kind").fill_null("") != "wholesale")
        .group_by("date", "category")
        .agg(pl.col("quantity").sum())
    )


def test_promotions_lift_their_categories_as_planted(large: Marketplace, large_sales: pl.DataFrame) -> None:
    """Against the other categories of the same days and the three weeks before: what a person could see."""
    units = consumer_units(large_sales)
    seen, planted = [], []
    for promotion in large.parameters["promotions"]:
        first, last = window(promotion)
        before = first - timedelta(days=21)
        if before < FIRST:
            continue
        others = ~pl.col("category").is_in(promotion["categories"])
        inside, earlier = (
            pl.col("date").is_between(first, last),
            pl.col("date").is_between(before, first - timedelta(days=1)),
        )
        for category in promotion["categories"]:
            own = pl.col("category") == category
            count = {
                k: units.filter(a & b)["quantity"].sum()
                for k, (a, b) in {
                    "own": (own, inside),
                    "own_before": (own, earlier),
                    "rest": (others, inside),
                    "rest_before": (others, earlier),
                }.items()
            }
            seen.append(np.log(count["own"] / count["own_before"] * count["rest_before"] / count["rest"]))
            planted.append(np.log(promotion["lift"]))
    assert len(seen) > 15
    assert min(seen) > 0.1
    # bargain hunters answer more strongly than the plain lift, so the mean sits a little above it
    assert np.mean(seen) == pytest.approx(np.mean(planted), abs=0.15)
    assert np.corrcoef(seen, planted)[0, 1] > 0.8


def test_expected_units_count_the_lift(large: Marketplace, large_sales: pl.DataFrame) -> None:
    units = large_sales.group_by("date", "category").agg(pl.col("quantity").sum())
    both = large.truth["demand_by_category_day"].join(units, on=["date", "category"], how="left").fill_null(0)
    ratio = both.group_by(pl.col("promotion_lift") > 1.0).agg(
        (pl.col("quantity").sum() / pl.col("expected_units").sum()).alias("r")
    )
    assert all(abs(r - 1) < 0.04 for r in ratio["r"])


def test_expected_lift_lies_near_the_planted_one(market: Marketplace) -> None:
    for promotion in market.parameters["promotions"]:
        for lift in promotion["expected_lift"].values():
            assert 0.9 * promotion["lift"] < lift < 1.4 * promotion["lift"]


def test_lines_in_a_promotion_are_reduced(market: Marketplace) -> None:
    sold = (
        market.tables["transactions"]
        .filter(pl.col("quantity") > 0)
        .with_columns(pl.col("ordered_at").dt.date().alias("date"))
    )
    for promotion in market.parameters["promotions"]:
        first, last = window(promotion)
        lines = sold.filter(pl.col("date").is_between(first, last) & pl.col("category").is_in(promotion["categories"]))
        share = lines.select(
            pl.col("discount_amount").cast(pl.Float64) / (pl.col("quantity") * pl.col("unit_price").cast(pl.Float64))
        ).to_series()
        assert lines.height > 5
        assert share.min() > promotion["discount_share"] - 0.001


def test_windows_touch_neither_each_other_nor_a_holiday() -> None:
    for seed in range(8):
        promotions = draw_promotions(seed)
        assert 8 <= len(promotions) <= 25
        for one, two in pairwise(promotions):
            assert one.last_day + 7 < two.first_day
        assert promotions[-1].last_day < N_DAYS
        for promotion in promotions:
            for day in range(promotion.first_day, promotion.last_day + 1):
                when = FIRST + timedelta(days=day)
                assert (when.month, when.day) not in {(11, 11), (6, 18), (12, 25)}
