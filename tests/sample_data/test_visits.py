from __future__ import annotations

from datetime import date, timedelta

import polars as pl

from sample_data.marketplace import Marketplace
from sample_data.seasons import END


def test_events_cover_the_last_half_year(market: Marketplace) -> None:
    times = market.tables["events"]["occurred_at"]
    assert times.dt.date().min() >= END - timedelta(days=180)
    assert times.is_sorted()
    assert set(market.tables["events"]["event"]) == {"view", "search", "add_to_cart", "checkout", "purchase"}


def test_purchases_are_the_online_lines(market: Marketplace) -> None:
    sold = market.tables["transactions"].filter(
        pl.col("quantity") > 0, pl.col("channel").is_in(["web", "app"]), pl.col("customer_id").is_not_null(),
        pl.col("ordered_at").dt.date() > END - timedelta(days=180),
    )  # fmt: skip
    lines = sold.select("customer_id", "ordered_at", "product_id", "channel").sort(pl.all())
    bought = market.tables["events"].filter(pl.col("event") == "purchase")
    bought = bought.select("customer_id", "occurred_at", "item", "channel").sort(pl.all())
    assert bought.rows() == lines.rows()


def test_items_and_durations_stand_where_they_belong(market: Marketplace) -> None:
    events = market.tables["events"]
    with_item = pl.col("event").is_in(["view", "add_to_cart", "purchase"])
    assert events.filter(with_item)["item"].is_not_null().all()
    assert events.filter(~with_item)["item"].is_null().all()
    lasting = pl.col("event").is_in(["view", "search", "checkout"])
    assert events.filter(lasting)["duration_s"].min() >= 1
    assert events.filter(~lasting)["duration_s"].is_null().all()


def test_the_funnel_narrows(market: Marketplace) -> None:
    events = market.tables["events"]
    views, added, bought = (events.filter(pl.col("event") == e).height for e in ("view", "add_to_cart", "purchase"))
    assert views > 1.5 * added > 1.5 * bought
    left = market.tables["events"].group_by("customer_id", pl.col("occurred_at").dt.date()).agg(
        (pl.col("event") == "add_to_cart").any().alias("added"), (pl.col("event") == "purchase").any().alias("bought")
    )  # fmt: skip
    assert 0.1 < left.filter("added").select((~pl.col("bought")).mean()).item() < 0.6


def test_interest_fades_before_a_silent_dropout(large: Marketplace) -> None:
    """Views per latent rate and day, in the fading days against the days before them and against after."""
    leaving = large.truth["customers"].filter(
        pl.col("dropout_on").is_between(date(2026, 4, 10), date(2026, 6, 15)),
        pl.col("active_before_window") | (pl.col("activated_on") < date(2025, 12, 1)),
        pl.col("resurrected_on").is_null(),
    )
    assert leaving.height > 400
    # purchases leave their own views: only days without one are looked at
    events = large.tables["events"].with_columns(pl.col("occurred_at").dt.date().alias("day"))
    bought = events.filter(pl.col("event") == "purchase").select("customer_id", "day").unique()
    views = events.filter(pl.col("event") == "view").join(bought, on=["customer_id", "day"], how="anti")
    to_go = (pl.col("dropout_on") - pl.col("day")).dt.total_days()
    both = views.join(leaving, on="customer_id").with_columns(to_go.alias("to_go"))
    before = both.filter(pl.col("to_go").is_between(50, 94)).height / 45
    fading = both.filter(pl.col("to_go").is_between(1, 44)).height / 44
    after = both.filter(pl.col("to_go").is_between(-15, -1)).height / 15
    planted = large.parameters["constants"]["fade_share"]
    assert abs(fading / before - planted) < 0.1
    assert after < 0.5 * fading
