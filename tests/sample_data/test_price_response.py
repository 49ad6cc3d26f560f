"""The planted price response: what is drawn is what the module says, and it is hard in the way that it says."""

from __future__ import annotations

import numpy as np
import polars as pl

from sample_data.price_response import EVENT_DISCOUNT, draw_priced_sales


def test_the_same_seed_draws_the_same_sales_and_another_seed_others() -> None:
    one, two, other = (draw_priced_sales(seed, n_products=3, n_days=200) for seed in (4, 4, 5))
    assert one.frame.equals(two.frame)
    assert not one.frame.equals(other.frame)
    assert one.elasticities == two.elasticities
    assert one.frame.height == 3 * 200


def test_a_common_elasticity_is_in_the_sales() -> None:
    """Products that differ in their price moves alone: over many, quantity follows price to the planted power."""
    sales = draw_priced_sales(11, n_products=300, n_days=400, per_day=40, elasticity=-1.5, n_promotions=0)
    halves = (
        sales.frame.with_columns(late=pl.col("day").rank("dense") > 200)
        .group_by("product_id", "late")
        .agg(pl.col("quantity").sum().log(), price=pl.col("list_price").cast(pl.Float64).log().mean())
        .sort("product_id", "late")
        .group_by("product_id", maintain_order=True)
        .agg(
            change=pl.col("quantity").last() - pl.col("quantity").first(),
            price=pl.col("price").last() - pl.col("price").first(),
        )
    )
    slope, _level = np.polyfit(halves["price"].to_numpy(), halves["change"].to_numpy(), 1)
    assert abs(slope + 1.5) < 0.25, "the season is common to all products and cannot bend the slope"


def test_promotions_stand_in_high_season_and_the_event_at_a_discount() -> None:
    high = []
    for seed in range(12):
        sales = draw_priced_sales(seed, n_products=2, n_days=730, n_promotions=10)
        day = sales.frame.group_by("day").agg(
            pl.col("quantity").sum(), share=1 - pl.col("paid").sum() / (pl.col("list_price") * pl.col("quantity")).sum()
        )
        event = day.filter(pl.col("day").is_in(sales.event_days))
        assert (event["share"].drop_nans() > EVENT_DISCOUNT - 1e-9).all()
        promoted = day.filter(pl.col("share") > 0.05, ~pl.col("day").is_in(sales.event_days))
        high.append(promoted["quantity"].mean() / day["quantity"].mean())
    assert np.mean(high) > 1.4, "lift and season together"
    assert sales.lift(0.2) == float(np.exp(sales.jump - sales.slope * np.log(0.8)))
