"""Ratings by stage: by hand, and what is told where there are none."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
import polars as pl
import pytest

from analytics.dataset import Dataset
from analytics.product_life import STAGES, describe_goods, rate_stages, trace_products
from tests.product_life.test_product_life import MONDAY, OWN, panel_of, plain

NOON = timedelta(hours=12)


def dataset(ratings: list[tuple[str, int, float]], orders: list[tuple[str, int, str]]) -> Dataset:
    """Ratings and orders as (customer, days after the first Monday, stars or product)."""
    start = datetime.combine(MONDAY, datetime.min.time()) + NOON
    lines = pl.DataFrame(
        [(c, f"{c}-{day}", start + timedelta(days=day), product, 1, 100) for c, day, product in orders],
        schema=["customer_id", "order_id", "ordered_at", "product_id", "quantity", "amount"],
        orient="row",
    )
    given = pl.DataFrame(
        [(c, start + timedelta(days=day), float(stars)) for c, day, stars in ratings],
        schema=["customer_id", "written_at", "rating"],
        orient="row",
    )
    as_of = MONDAY + timedelta(weeks=156)
    return Dataset.build({"transactions": lines, "feedback": given}, as_of=as_of, currency="TWD", money_digits=2)


def test_a_rating_goes_to_what_its_author_bought_last() -> None:
    result = trace_products(panel_of(plain()), OWN)
    late = 150 * 7  # "falling" is in decline by then, "steady" as ever
    ratings = [(f"a{i}", late + 5, 2) for i in range(20)] + [(f"b{i}", late + 5, 4 + i % 2) for i in range(30)]
    orders = [(f"a{i}", late, "falling") for i in range(20)] + [(f"a{i}", late - 90, "steady") for i in range(20)]
    orders += [(f"b{i}", late, "steady") for i in range(30)]
    ratings += [("late", late, 1)]
    orders += [("late", late - 61, "steady")]  # too long ago
    data = dataset(ratings, orders)
    told = rate_stages(data, result)
    assert (told.n_placed, told.n_ratings) == (50, 51)
    assert told.mean_rating == pytest.approx((20 * 2 + 30 * 4.5) / 50)
    rows = {row["stage"]: row for row in told.frame.iter_rows(named=True)}
    assert list(rows) == list(STAGES)
    assert rows["decline"]["mean_rating"] == 2
    assert rows["decline"]["n_ratings"] == 20
    assert rows["maturity"]["mean_rating"] == 4.5
    assert rows["maturity"]["rating_hi"] - 4.5 == pytest.approx(1.96 * 0.5 / np.sqrt(30))
    assert rows["maturity"]["rating_difference_lo"] > 0
    assert rows["growth"]["mean_rating"] is None


def test_a_rating_of_two_products_counts_half_for_each() -> None:
    result = trace_products(panel_of(plain()), OWN)
    late = 150 * 7
    ratings = [(f"a{i}", late + 1, 3) for i in range(24)]
    orders = [(f"a{i}", late, product) for i in range(24) for product in ("falling", "steady")]
    told = rate_stages(dataset(ratings, orders), result)
    rows = {row["stage"]: row for row in told.frame.iter_rows(named=True)}
    assert rows["decline"]["n_ratings"] == rows["maturity"]["n_ratings"] == 12
    assert rows["decline"]["rating_difference"] == pytest.approx(0)


def test_few_ratings_and_none_are_not_told() -> None:
    result = trace_products(panel_of(plain()), OWN)
    told = rate_stages(dataset([("a", 1051, 5)], [("a", 1050, "steady")]), result)
    assert told.n_placed == 1
    assert told.frame["mean_rating"].null_count() == 5
    data = dataset([("a", 1051, 5)], [("a", 1050, "steady")])
    without = Dataset.build({"transactions": data.tables["transactions"]}, as_of=data.as_of, currency="TWD")
    assert rate_stages(without, result).n_ratings == 0


def test_goods_have_their_most_frequent_name_and_kind() -> None:
    data = dataset([("a", 1, 5)], [("a", day, "p1") for day in range(5)] + [("a", 9, "p2")])
    named = data.tables["transactions"].with_columns(
        product=pl.Series(["Tea"] * 3 + ["Green tea"] * 2 + [None], dtype=pl.String), category=pl.lit("drinks")
    )
    goods = describe_goods(Dataset.build({"transactions": named}, as_of=data.as_of, currency="TWD")).frame
    assert goods.rows() == [("p1", "Tea", "drinks"), ("p2", "", "drinks")]
    assert describe_goods(data).frame.rows() == [("p1", "", ""), ("p2", "", "")]
    assert describe_goods(
        Dataset.build({"feedback": data.tables["feedback"]}, as_of=data.as_of, currency="TWD")
    ).frame.is_empty()
