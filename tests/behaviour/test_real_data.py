"""Real data: what was found on Online Retail and Superstore, recorded, against plain sums over the same tables.

Reviews of deliveries (waimai) hold neither customers nor orders, so there is nothing of behaviour in them.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from analytics.behaviour import (
    BehaviourSpec,
    describe_preferences,
    describe_spending,
    measure_concentration,
    method_kinds,
    preference_kinds,
)
from analytics.dataset import Dataset
from analytics.mapping import apply_mapping, suggest_mapping
from analytics.population import observe
from analytics.quality import QualitySpec, validate
from analytics.reading import read
from tests.test_reversals import naive_standing


def load(path: Path, currency: str) -> Dataset:
    raw = read(path.read_bytes(), path.name)
    mapped = apply_mapping(raw, suggest_mapping(raw, "transactions").spec)
    return observe(validate((mapped,), QualitySpec(currency=currency)).dataset)


@pytest.fixture(scope="module")
def retail(shared_data: Callable[[str], Path]) -> Dataset:
    return load(shared_data("online_retail") / "derived_online_retail.parquet", "GBP")


@pytest.fixture(scope="module")
def superstore(shared_data: Callable[[str], Path]) -> Dataset:
    return load(shared_data("superstore") / "Sample - Superstore.csv", "USD")


def ordered(data: Dataset) -> pl.DataFrame:
    """The sale lines of orders that stand, and of anonymous ones that cost something, looked up one by one."""
    lines = data.tables["transactions"].filter(pl.col("kind") != "service")
    stand = naive_standing(lines.filter(pl.col("customer_id").is_not_null()).iter_rows(named=True), data.as_of)
    known = pl.DataFrame(sorted(stand), schema=["customer_id", "order_id"], orient="row")
    sales = lines.filter(pl.col("kind") == "sale")
    nobody = sales.filter(pl.col("customer_id").is_null(), pl.col("amount") > 0)
    return pl.concat([sales.join(known, on=["customer_id", "order_id"], how="semi"), nobody])


def test_online_retail_habits(retail: Dataset) -> None:
    result = describe_spending(retail)
    value, _items, _lines, gap = result.summary.to_dicts()
    lines = ordered(retail)
    known = lines.filter(pl.col("customer_id").is_not_null())
    orders = lines.group_by("customer_id", "order_id").agg(pl.col("amount").sum())
    assert result.n_orders == orders.height == 19_643
    assert value["p50"] == pytest.approx(float(np.median(orders["amount"].to_numpy())) / 1000) == 302.4
    assert result.n_customers == known["customer_id"].n_unique() == 4324
    assert (result.n_one_day, gap["n_values"], gap["p50"]) == (1555, 2769, 53.0)
    assert result.has_times
    # Closed on Saturdays; 373 days are less than two seasons.
    assert int(result.week.filter(weekday=6)["n_orders"].sum()) == 0
    assert result.season.is_empty()
    assert result.returning.filter(day=90)["share"][0] == pytest.approx(0.456, abs=0.001)


def test_online_retail_concentration(retail: Dataset) -> None:
    result = measure_concentration(retail)
    goods = retail.tables["transactions"].filter(pl.col("kind") != "service", pl.col("customer_id").is_not_null())
    buyers = ordered(retail)["customer_id"].drop_nulls().unique()
    sums = goods.group_by("customer_id").agg(pl.col("amount").sum())
    x = sums.filter(pl.col("customer_id").is_in(buyers.implode()))["amount"].to_numpy()
    assert (result.n_customers, result.n_zero, result.n_negative) == (len(x), int((x == 0).sum()), int((x < 0).sum()))
    x = np.sort(np.maximum(x, 0)).astype(float)
    n = len(x)
    assert result.gini == pytest.approx(((2 * np.arange(1, n + 1) - n - 1) * x).sum() / ((n - 1) * x.sum()))
    assert (result.gini, result.gini_lo, result.gini_hi) == pytest.approx((0.706, 0.669, 0.741), abs=0.001)
    assert result.tops["share"].to_list() == pytest.approx([0.302, 0.489, 0.602, 0.738], abs=0.001)
    assert preference_kinds(retail) == ()
    assert method_kinds(retail) == ()


def test_superstore(superstore: Dataset) -> None:
    """Four years of orders by day: a strong season, an even crowd of customers, and tastes that hardly differ."""
    result = describe_spending(superstore)
    assert (result.n_orders, result.n_customers, result.n_one_day) == (5117, 804, 12)
    assert not result.has_times
    assert result.season_p is not None
    assert result.season_p < 1e-15
    top = result.season.sort("index", descending=True).row(0, named=True)
    assert (top["month_of_year"], top["index"]) == (11, pytest.approx(1.847, abs=0.001))
    found = measure_concentration(superstore)
    assert (found.gini, found.most_share) == pytest.approx((0.449, 0.493), abs=0.001)
    tastes = describe_preferences(superstore, BehaviourSpec())
    assert tastes.levels["n_fans"].to_list() == [0, 0, 0]
    assert tastes.concentration is not None
    assert tastes.concentration > 50
