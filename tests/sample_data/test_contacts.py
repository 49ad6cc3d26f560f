from __future__ import annotations

import polars as pl

from sample_data.marketplace import Marketplace


def test_contacts_use_the_known_words(market: Marketplace) -> None:
    contacts = market.tables["contacts"]
    assert set(contacts["channel"]) == {"call", "chat", "mail"}
    assert len(set(contacts["reason"])) == 6
    assert contacts["wait_s"].min() >= 0
    assert contacts["text"].str.len_chars().min() > 5
    assert not contacts["text"].str.contains("[{}]").any()


def test_nobody_asks_before_the_first_order(market: Marketplace) -> None:
    # those active before the first day may ask about earlier orders; nobody else can
    first = market.tables["transactions"].group_by("customer_id").agg(pl.col("ordered_at").min().alias("first"))
    new = market.truth["customers"].filter(~pl.col("active_before_window")).select("customer_id")
    both = market.tables["contacts"].join(new, on="customer_id").join(first, on="customer_id", how="left")
    assert both.height > 500
    assert (both["contacted_at"] > both["first"]).all()


def test_a_long_wait_leaves_more_unresolved(large: Marketplace) -> None:
    usual = large.tables["contacts"].filter(pl.col("reason") != "complaint")
    step = (pl.col("wait_s") > 120).cast(pl.Int64) + (pl.col("wait_s") > 1200).cast(pl.Int64)
    bins = usual.group_by(step.alias("step")).agg(pl.col("resolved").mean()).sort("step")
    short, middle, long = bins["resolved"].to_list()
    assert short > middle + 0.05 > long + 0.1


def test_complaints_gather_before_a_dropout(large: Marketplace) -> None:
    leaving = large.truth["customers"].filter(pl.col("dropout_on").is_not_null(), pl.col("segment").is_not_null())
    complaints = large.tables["contacts"].filter(pl.col("reason") == "complaint").join(leaving, on="customer_id")
    to_go = (pl.col("dropout_on") - pl.col("contacted_at").dt.date()).dt.total_days()
    last = complaints.filter(to_go.is_between(1, 31))
    earlier = complaints.filter(to_go.is_between(32, 62))
    assert last.height > 5 * earlier.height
    assert abs(last["resolved"].mean() - 0.2) < 0.06
    planted = large.parameters["constants"]["complaint_share_before_dropout"]
    assert 0.7 * planted < last["customer_id"].n_unique() / leaving.height < 1.15 * planted


def test_young_people_chat_and_older_people_call(large: Marketplace) -> None:
    people = large.tables["customers"].select("customer_id", "birth_year").drop_nulls()
    both = large.tables["contacts"].join(people, on="customer_id")
    young = both.filter(pl.col("birth_year") > 1992)["channel"]
    old = both.filter(pl.col("birth_year") < 1974)["channel"]
    assert (young == "chat").mean() > 0.55
    assert (old == "call").mean() > 0.55
