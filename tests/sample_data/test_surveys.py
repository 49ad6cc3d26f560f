from __future__ import annotations

import numpy as np
import polars as pl

from sample_data.marketplace import Marketplace
from sample_data.segments import ATTITUDES


def test_answers_lie_on_their_scales(market: Marketplace) -> None:
    survey = market.tables["survey"]
    assert survey["customer_id"].is_unique().all()
    assert set(survey["nps"]) <= set(range(11))
    for item in ("satisfaction", *ATTITUDES):
        assert set(survey[item]) == {1, 2, 3, 4, 5}, item
    reasons = survey["reasons_to_buy"].drop_nulls().str.split(";")
    assert reasons.list.len().max() > 2
    assert set(reasons.explode(empty_as_null=False)) == {
        "price", "choice", "fast delivery", "easy returns", "brand", "recommendation", "near me",
    }  # fmt: skip


def test_attitudes_follow_the_segment(large: Marketplace) -> None:
    segments = large.parameters["segments"][:5]
    truth = large.truth["customers"].select("customer_id", "segment")
    careful = large.truth["survey"].filter(~pl.col("is_careless"))
    both = large.tables["survey"].join(truth, on="customer_id").join(careful, on="customer_id")
    means = both.group_by("segment").agg(pl.col(a).mean() for a in ATTITUDES)
    for k, attitude in enumerate(ATTITUDES):
        planted = [s["attitudes"][k] for s in segments]
        seen = [means.filter(pl.col("segment") == s["name"])[attitude][0] for s in segments]
        assert np.corrcoef(planted, seen)[0, 1] > 0.97, attitude


def test_people_who_left_recommend_less(large: Marketplace) -> None:
    gone = pl.col("dropout_on") < pl.lit("2026-05-01").str.to_date()
    both = large.tables["survey"].join(large.truth["customers"], on="customer_id")
    left = both.filter(gone).group_by("segment").agg(pl.col("nps").mean())
    stayed = both.filter("alive_at_end").group_by("segment").agg(pl.col("nps").mean())
    difference = left.join(stayed, on="segment").select((pl.col("nps") - pl.col("nps_right")).mean()).item()
    assert -1.7 < difference < -0.9  # the scale ends at 10, which hides a part of the planted 1.5


def test_careless_people_tick_one_box_quickly(market: Marketplace) -> None:
    both = market.tables["survey"].join(market.truth["survey"], on="customer_id")
    assert both.height == market.tables["survey"].height
    items = pl.concat_list("satisfaction", *ATTITUDES).list.n_unique()
    careless = both.filter("is_careless")
    assert careless.height >= 15
    assert (careless.select(items).to_series() == 1).all()
    assert careless["duration_s"].median() < 60 < both.filter(~pl.col("is_careless"))["duration_s"].median()
    assert careless["comment"].is_null().all()


def test_comments_carry_their_truth(market: Marketplace) -> None:
    both = market.tables["survey"].join(market.truth["survey"], on="customer_id")
    assert (both["comment"].is_null() == both["comment_topic"].is_null()).all()
    warm = both.group_by("comment_sentiment").agg(pl.col("nps").mean()).drop_nulls().sort("comment_sentiment")
    assert warm["nps"][1] > warm["nps"][0] + 1
