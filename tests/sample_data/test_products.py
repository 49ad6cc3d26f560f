from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl
import pytest

from sample_data.marketplace import Marketplace
from sample_data.products import STAGES, compute_life_weights, draw_range


def test_the_range_is_complete(market: Marketplace) -> None:
    products = market.truth["products"]
    assert products["category"].value_counts()["count"].to_list() == [15] * 8
    assert products["product"].is_unique().all()
    assert set(market.truth["product_stages"]["stage"]) == set(STAGES)
    assert market.truth["product_stages"].height == 120 * 42


def test_stages_run_in_order(market: Marketplace) -> None:
    rank = {stage: k for k, stage in enumerate(STAGES)}
    ranks = (
        market.truth["product_stages"].sort("product_id", "month").with_columns(pl.col("stage").replace_strict(rank))
    )
    steps = ranks.group_by("product_id", maintain_order=True).agg(pl.col("stage").diff().min())
    assert steps["stage"].min() >= 0


def test_weights_follow_the_stages() -> None:
    goods = draw_range(4)
    weights = compute_life_weights(goods.products)
    assert weights.max() == pytest.approx(1)
    for product, weight in zip(goods.products, weights, strict=True):
        launch, _, _, _, end = product.life
        months = np.arange(len(weight)) * 12 / 365.25
        assert (weight[(months < launch) | (months >= end)] == 0).all()
        alive = weight[(months >= launch) & (months < end)]
        assert alive.size == 0 or alive.min() >= 0.049


def test_nothing_sells_before_launch_or_after_the_end(market: Marketplace) -> None:
    sold = market.tables["transactions"].filter(pl.col("quantity") > 0)
    # the stage is that of the month's middle: only months between two empty ones are empty throughout
    weight = pl.col("weight")
    neighbours = [weight.shift(k).over("product_id").fill_null(0) for k in (-1, 1)]
    stages = market.truth["product_stages"].sort("product_id", "month")
    gone = stages.filter(weight == 0, *(n == 0 for n in neighbours))
    sales = sold.with_columns(pl.col("ordered_at").dt.date().dt.truncate("1mo").alias("month"))
    assert gone.height > 300
    assert sales.join(gone, on=["product_id", "month"], how="semi").height == 0


def test_lives_show_in_the_sales(large: Marketplace, large_sales: pl.DataFrame) -> None:
    monthly = large_sales.group_by("product_id", pl.col("date").dt.truncate("1mo").alias("month")).agg(
        pl.len().alias("lines")
    )
    stages = large.truth["product_stages"].join(monthly, on=["product_id", "month"], how="left").fill_null(0)
    changing = stages.filter(pl.col("stage").n_unique().over("product_id") > 2)
    by_stage = dict(changing.group_by("stage").agg(pl.col("lines").mean()).iter_rows())
    assert by_stage["introduction"] < by_stage["growth"] < by_stage["peak"]
    assert by_stage["discontinued"] < by_stage["decline"] < by_stage["peak"]


def test_the_stock_out_is_a_hole(large: Marketplace, large_sales: pl.DataFrame) -> None:
    gone = large.parameters["stock_out"]
    own = large_sales.filter(pl.col("product_id") == gone["product_id"])
    first, last = date.fromisoformat(gone["first_day"]), date.fromisoformat(gone["last_day"])
    assert own.filter(pl.col("date").is_between(first, last)).height == 0
    assert own.height / own["date"].n_unique() > 3
    assert 13 <= (last - first).days <= 20


def test_demand_answers_prices_with_the_planted_elasticity(large: Marketplace, large_sales: pl.DataFrame) -> None:
    """Evergreen products of one category share all that varies by day: what is left between them is the price."""
    evergreen = large.truth["products"].filter("is_evergreen")
    stock_out = large.parameters["stock_out"]["product_id"]
    partners = [p for a in large.parameters["affinities"] for p in a["products"][1:]]
    evergreen = evergreen.filter(~pl.col("product_id").is_in([*partners, stock_out]))
    estimates = {}
    for category, elasticity in large.parameters["elasticities"].items():
        ids = evergreen.filter(pl.col("category") == category)["product_id"].to_list()
        own = large_sales.filter(pl.col("product_id").is_in(ids), pl.col("kind").fill_null("") != "wholesale")
        prices = large.truth["prices"].filter(pl.col("product_id").is_in(ids))
        breaks = sorted(set(prices["from_date"]))
        period = pl.Series(breaks).search_sorted(own["date"], side="right")
        cells = own.with_columns(period=period).group_by("product_id", "period").agg(
            pl.len().alias("n"), pl.col("unit_price").first().cast(pl.Float64)
        ).sort("product_id", "period")  # fmt: skip
        estimates[category] = (_fit(cells), elasticity)
    errors = np.array([a - b for a, b in estimates.values()])
    assert np.abs(errors).max() < 0.45, estimates
    assert abs(errors.mean()) < 0.12, estimates


def _fit(cells: pl.DataFrame) -> float:
    """Weighted least squares of log sales on product, period and log price; return the slope."""
    product = cells["product_id"].rank("dense").to_numpy() - 1
    period = cells["period"].rank("dense").to_numpy() - 1
    columns = [np.log(cells["unit_price"].to_numpy())[:, None], np.eye(int(product.max()) + 1)[product.astype(int)]]
    columns.append(np.eye(int(period.max()) + 1)[period.astype(int)])
    weight = np.sqrt(cells["n"].to_numpy())[:, None]
    target = np.log(cells["n"].to_numpy())
    slope = np.linalg.lstsq(np.hstack(columns) * weight, target * weight[:, 0], rcond=None)[0]
    return float(slope[0])
