from __future__ import annotations

import numpy as np
import polars as pl

from sample_data.marketplace import Marketplace


def count_by_day(sales: pl.DataFrame) -> pl.DataFrame:
    return sales.group_by("date").agg(pl.col("order_id").n_unique().alias("orders"))


def test_orders_per_day_are_poisson_around_their_expectation(large: Marketplace, large_sales: pl.DataFrame) -> None:
    days = large.truth["demand_by_day"].join(count_by_day(large_sales), on="date", how="left")
    expected = (days["expected_orders"] + days["expected_walk_in_orders"]).to_numpy()
    observed = days["orders"].fill_null(0).to_numpy()
    assert abs(observed.sum() / expected.sum() - 1) < 0.01
    dispersion = ((observed - expected) ** 2 / expected).mean()
    assert 0.85 < dispersion < 1.15


def test_segments_order_as_often_as_planted(large: Marketplace, large_sales: pl.DataFrame) -> None:
    # orders of the fully observed last year of customers alive throughout it, per latent rate
    year = large_sales.filter(pl.col("date") >= pl.lit("2025-07-01").str.to_date())
    counts = year.group_by("customer_id").agg(pl.col("order_id").n_unique().alias("n"))
    through = large.truth["customers"].filter(
        pl.col("alive_at_end") & pl.col("resurrected_on").is_null() & pl.col("segment").is_not_null(),
        pl.col("active_before_window") | (pl.col("activated_on") < pl.lit("2025-07-01").str.to_date()),
    )
    by_segment = (
        through.join(counts, on="customer_id", how="left")
        .group_by("segment")
        .agg(pl.col("n").fill_null(0).mean(), pl.col("orders_per_year").mean())
    )
    counts, rates = by_segment.sort("orders_per_year").select("n", "orders_per_year").to_numpy().T
    # the year's calendar and the campaigns move all of them, but never past a segment whose rate is 30 percent higher
    clearly_more = rates[None, :] > 1.3 * rates[:, None]
    assert clearly_more.sum() >= 7
    assert (counts[None, :] > 1.15 * counts[:, None])[clearly_more].all()
    names = by_segment.sort("n")["segment"].to_list()
    assert (names[0], names[-1]) == ("occasional_gifters", "household_planners")


def test_walk_ins_are_about_an_eighth_of_the_lines(market: Marketplace) -> None:
    lines = market.tables["transactions"]
    assert abs(lines["customer_id"].is_null().mean() - 0.12) < 0.02


def test_channel_and_payment_follow_the_segment(large: Marketplace, large_sales: pl.DataFrame) -> None:
    channels = large.parameters["orders_of_share_columns"]["channels"]
    orders = large_sales.unique("order_id")
    for segment in large.parameters["segments"][:5]:
        own = dict(orders.filter(pl.col("kind") == segment["name"])["channel"].value_counts(normalize=True).iter_rows())
        planted = dict(zip(channels, segment["channel_mix"], strict=True))
        assert all(abs(own.get(c, 0) - planted[c]) < 0.05 for c in channels), segment["name"]


def test_impossible_payments_do_not_occur(large_sales: pl.DataFrame) -> None:
    orders = large_sales.group_by("order_id").agg(pl.col("amount").sum(), pl.col("payment_method", "channel").first())
    assert orders.filter(pl.col("payment_method") == "instalment")["amount"].min() >= 3000
    in_store = orders.filter(pl.col("channel") == "store")
    assert "cash_on_delivery" not in set(in_store["payment_method"])


def test_stores_sell_in_opening_hours(large_sales: pl.DataFrame) -> None:
    hours = large_sales.filter(pl.col("channel") == "store")["ordered_at"].dt.hour()
    assert hours.min() >= 10
    assert hours.max() <= 21


def test_segments_can_be_told_apart_but_not_trivially(large: Marketplace, large_sales: pl.DataFrame) -> None:
    """Guess the segment from categories alone, with the planted mixes: well above chance, below certainty."""
    names = [s["name"] for s in large.parameters["segments"][:5]]
    categories = large.parameters["orders_of_share_columns"]["categories"]
    mixes = np.log([s["category_mix"] for s in large.parameters["segments"][:5]])
    wide = (
        large_sales.filter(pl.col("kind").is_in(names))
        .group_by("customer_id", "kind", "category")
        .len()
        .pivot("category", index=["customer_id", "kind"], values="len")
        .fill_null(0)
        .sort("customer_id")
    )
    score = wide.select(categories).to_numpy() @ mixes.T
    score += np.log([s["size_share"] for s in large.parameters["segments"][:5]])
    right = np.array(names)[score.argmax(axis=1)] == wide["kind"].to_numpy()
    assert 0.6 < right.mean() < 0.9
