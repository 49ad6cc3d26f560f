from __future__ import annotations

import numpy as np
import polars as pl

from sample_data.marketplace import Marketplace


def observe_uplift(market: Marketplace) -> pl.DataFrame:
    """Difference of the response shares with its standard error, by campaign and segment."""
    segments = market.truth["customers"].select("customer_id", "segment")
    arms = (
        market.tables["campaigns"]
        .join(segments, on="customer_id")
        .group_by("campaign", "segment", "arm")
        .agg(pl.col("responded").mean().alias("share"), pl.len().alias("n"))
        .pivot("arm", index=["campaign", "segment"], values=["share", "n"])
    )
    variance = sum(
        pl.col(f"share_{a}") * (1 - pl.col(f"share_{a}")) / pl.col(f"n_{a}") for a in ("treatment", "control")
    )
    return arms.with_columns(
        (pl.col("share_treatment") - pl.col("share_control")).alias("seen"), variance.sqrt().alias("error")
    )


def test_effects_show_by_segment(large: Marketplace) -> None:
    both = observe_uplift(large).join(large.truth["uplift_by_segment"], on=["campaign", "segment"])
    z = ((both["seen"] - both["mean_effect"]) / both["error"]).to_numpy()
    assert both.height == 10
    assert np.abs(z).max() < 3.5
    assert 0.3 < (z**2).mean() < 2.5


def test_one_segment_gains_much_one_nothing_and_one_loses(market: Marketplace) -> None:
    effects = market.truth["uplift_by_segment"].group_by("segment").agg(pl.col("mean_effect").mean())
    by_segment = dict(effects.iter_rows())
    assert by_segment["bargain_hunters"] > 0.06
    assert abs(by_segment["tech_enthusiasts"]) < 0.02
    assert by_segment["household_planners"] < -0.01


def test_the_coin_is_fair_and_recipients_consented(market: Marketplace) -> None:
    sent = market.tables["campaigns"]
    for _, one in sent.group_by("campaign"):
        treated = (one["arm"] == "treatment").mean()
        assert abs(treated - 0.5) < 2 / np.sqrt(one.height)
        assert one["customer_id"].is_unique().all()
    people = sent.join(market.tables["customers"], on="customer_id")
    assert people.height == sent.height
    assert people["marketing_consent"].all()
    assert set(people["account_type"]) == {"consumer"}


def test_outcomes_are_the_orders_of_the_window(market: Marketplace) -> None:
    sold = market.tables["transactions"].filter(pl.col("quantity") > 0)
    for (name,), sent in market.tables["campaigns"].group_by("campaign"):
        day = sent["sent_at"].dt.date()[0]
        days = next(c["outcome_days"] for c in market.parameters["campaigns"] if c["name"] == name)
        inside = (pl.col("ordered_at").dt.date() - pl.lit(day)).dt.total_days().is_between(1, days)
        worth = sold.filter(inside).group_by("customer_id").agg(pl.col("amount").sum().cast(pl.Decimal(12, 2)))
        both = sent.join(worth, on="customer_id", how="left")
        assert (both["responded"] == both["amount"].is_not_null()).all()
        seen = both.filter("responded")
        assert (seen["revenue"] == seen["amount"]).all()
        assert both.filter(~pl.col("responded"))["revenue"].sum() == 0


def test_only_the_treated_cost_money(market: Marketplace) -> None:
    cost = market.tables["campaigns"].group_by("arm", "responded").agg(pl.col("cost").cast(pl.Float64).mean())
    by_arm = {(arm, responded): value for arm, responded, value in cost.iter_rows()}
    assert by_arm["control", True] == by_arm["control", False] == 0
    assert 0 < by_arm["treatment", False] < 5 < 100 < by_arm["treatment", True]


def test_effects_per_recipient_sum_to_their_segment(market: Marketplace) -> None:
    effects = market.truth["campaign_effects"]
    assert effects.height == market.tables["campaigns"].height
    means = effects.group_by("campaign", "segment").agg(pl.col("effect").mean())
    both = means.join(market.truth["uplift_by_segment"], on=["campaign", "segment"])
    assert (both["effect"] - both["mean_effect"]).abs().max() < 1e-5


def test_people_who_dropped_out_do_not_react(market: Marketplace) -> None:
    before = pl.col("dropout_on") < pl.lit("2025-09-01").str.to_date()
    gone = market.truth["campaign_effects"].join(market.truth["customers"].filter(before), on="customer_id", how="semi")
    assert gone.height > 300
    assert (gone["effect"] == 0).all()
