from __future__ import annotations

import numpy as np
import polars as pl

from sample_data.marketplace import Marketplace

CONSUMERS = pl.col("account_type") == "consumer"


def test_segments_have_their_planted_sizes(large: Marketplace) -> None:
    consumers = large.truth["customers"].filter(CONSUMERS)
    shares = dict(consumers["segment"].value_counts(normalize=True).iter_rows())
    for segment in large.parameters["segments"][:5]:
        assert abs(shares[segment["name"]] - segment["size_share"]) < 0.015, segment["name"]


def test_latent_rates_follow_their_gamma(large: Marketplace) -> None:
    truth = large.truth["customers"].filter(CONSUMERS)
    for segment in large.parameters["segments"][:5]:
        rates = truth.filter(pl.col("segment") == segment["name"])["orders_per_year"].to_numpy()
        assert abs(rates.mean() / segment["orders_per_year"] - 1) < 0.05
        cv = rates.std() / rates.mean()
        assert abs(cv * np.sqrt(segment["rate_shape"]) - 1) < 0.08


def test_wholesale_and_test_accounts_are_no_consumers(market: Marketplace) -> None:
    truth = market.truth["customers"]
    assert truth.filter(~CONSUMERS)["segment"].is_null().all()
    assert truth.filter(CONSUMERS)["segment"].is_not_null().all()
    counts = dict(truth["account_type"].value_counts().iter_rows())
    assert counts["wholesale"] == 8
    assert counts["test"] == 2


def test_acquaintances_never_order(market: Marketplace) -> None:
    never = market.truth["customers"].filter(~pl.col("is_buyer"))["customer_id"]
    assert 200 < len(never) < 450
    assert market.tables["transactions"]["customer_id"].is_in(never.implode()).sum() == 0


def test_accounts_are_opened_before_the_first_order(market: Marketplace) -> None:
    first = (
        market.tables["transactions"].group_by("customer_id").agg(pl.col("ordered_at").min().dt.date().alias("first"))
    )
    both = market.tables["customers"].join(first, on="customer_id")
    assert (both["joined_at"] <= both["first"]).all()
    earlier = (both["joined_at"] < both["first"]).mean()
    assert earlier > 0.5


def test_orders_lie_between_first_order_and_dropout(market: Marketplace) -> None:
    sold = market.tables["transactions"].filter(pl.col("quantity") > 0).with_columns(pl.col("ordered_at").dt.date())
    both = sold.join(market.truth["customers"], on="customer_id")
    assert both.filter(pl.col("ordered_at") < pl.col("activated_on")).height == 0
    assert both.filter(pl.col("ordered_at") > pl.col("dropout_on")).height == 0
    silent = (pl.col("ordered_at") > pl.col("first_dropout_on")) & (pl.col("ordered_at") < pl.col("resurrected_on"))
    assert both.filter(silent).height == 0


def test_the_first_order_comes_for_certain(market: Marketplace) -> None:
    sold = market.tables["transactions"].filter(pl.col("quantity") > 0)
    first = sold.group_by("customer_id").agg(pl.col("ordered_at").min().dt.date().alias("first"))
    new = (
        market.truth["customers"].filter(pl.col("activated_on").is_not_null()).join(first, on="customer_id", how="left")
    )
    assert new.height > 2000
    assert (new["first"] == new["activated_on"]).all()


def test_comebacks_follow_a_long_silence_and_order_at_once(large: Marketplace) -> None:
    back = large.truth["customers"].filter(pl.col("resurrected_on").is_not_null())
    assert back.height > 500
    gap = (back["resurrected_on"] - back["first_dropout_on"]).dt.total_days()
    assert gap.min() >= large.parameters["constants"]["comeback_gap_min_days"] - 1
    days = large.tables["transactions"].select("customer_id", pl.col("ordered_at").dt.date().alias("resurrected_on"))
    assert back.join(days.unique(), on=["customer_id", "resurrected_on"], how="semi").height == back.height


def test_dropout_follows_the_hazard(large: Marketplace) -> None:
    # given the hazard, hazard x time alive is a unit exponential: events / exposure has mean 1
    truth = large.truth["customers"].filter(CONSUMERS & pl.col("activated_on").is_not_null())
    end = pl.lit("2026-07-01").str.to_date()
    years = (pl.min_horizontal(pl.col("first_dropout_on").fill_null(end), end) - pl.col("activated_on")).dt.total_days()
    exposure = truth.select((pl.col("dropouts_per_year") * years / 365.25).sum()).item()
    events = truth["first_dropout_on"].is_not_null().sum()
    assert abs(events / exposure - 1) < 0.03


def test_alive_means_no_dropout_inside_the_window(market: Marketplace) -> None:
    truth = market.truth["customers"]
    assert (truth.filter("alive_at_end")["dropout_on"].is_null()).all()
    assert truth.filter(~pl.col("alive_at_end") & pl.col("is_buyer"))["dropout_on"].is_not_null().all()


def test_duplicates_are_the_same_person_spelled_otherwise(market: Marketplace) -> None:
    pairs = market.truth["duplicates"]
    assert pairs.height == 16
    people = market.tables["customers"]
    both = pairs.join(people, on="customer_id").join(
        people, left_on="duplicate_of", right_on="customer_id", suffix="_1"
    )
    assert both.height == pairs.height
    for same in ("phone", "gender", "birth_year", "city", "country"):
        assert both[same].eq_missing(both[f"{same}_1"]).all(), same
    for other in ("name", "email"):
        assert (both[other] != both[f"{other}_1"]).all(), other


def test_people_are_clearly_made_up(market: Marketplace) -> None:
    people = market.tables["customers"]
    assert people["email"].str.ends_with("@example.com").all()
    assert people["phone"].str.contains(r"^\+\d{1,3}-000-\d{6}$").all()
    assert people["email"].is_unique().all()


def test_segments_differ_in_age_gender_and_city(large: Marketplace) -> None:
    truth = large.truth["customers"].select("customer_id", "segment")
    people = large.tables["customers"].join(truth, on="customer_id").filter(CONSUMERS)
    for segment in large.parameters["segments"][:5]:
        own = people.filter(pl.col("segment") == segment["name"])
        told = own.filter(pl.col("gender").is_in(["female", "male"]))
        assert abs((told["gender"] == "female").mean() - segment["female_share"]) < 0.03
        assert abs(2026 - own["birth_year"].mean() - segment["age_mean"]) < 1.0
