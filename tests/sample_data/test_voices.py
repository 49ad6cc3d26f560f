from __future__ import annotations

import string

import numpy as np
import polars as pl
import pytest

from sample_data.marketplace import Marketplace
from sample_data.names import LANGUAGES
from sample_data.segments import CATEGORIES, TOPICS
from sample_data.voices import read_clauses

WORDS = (*TOPICS, "quality_food", "quality_care")


def slots_of(clause: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(clause) if name}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_topic_has_enough_clauses(language: str) -> None:
    bank = read_clauses(language)
    for topic in WORDS:
        for side in ("positive", "negative"):
            assert len(bank[topic][side]) >= 12, (topic, side)
            assert len(set(bank[topic][side])) == len(bank[topic][side]), (topic, side)
    assert set(bank["things"]) == set(CATEGORIES)
    assert min(len(v) for v in bank["contact"].values()) >= 4


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_slot_can_be_filled(language: str) -> None:
    bank = read_clauses(language)
    known = set(bank["slots"]) | {"thing"}
    clauses = [c for topic in WORDS for side in bank[topic].values() for c in side]
    clauses += [c for reason in bank["contact"].values() for c in reason]
    assert set().union(*map(slots_of, clauses)) == known
    assert all(slots_of(f) == {"a", "b"} for kind in ("same", "opposite") for f in bank["frames"][kind])


def test_each_script_keeps_to_its_own_characters() -> None:
    def letters(language: str) -> str:
        bank = read_clauses(language)
        parts = [c for topic in WORDS for side in bank[topic].values() for c in side]
        for table in ("slots", "things", "frames", "contact"):
            parts += [c for v in bank[table].values() for c in v]
        return "".join(parts)

    assert letters("zh_TW").encode("big5")
    assert letters("zh_CN").encode("gb2312")
    assert letters("en").isascii()


def test_no_clause_says_both_good_and_bad() -> None:
    for language in LANGUAGES:
        bank = read_clauses(language)
        good = {c for topic in WORDS for c in bank[topic]["positive"]}
        bad = {c for topic in WORDS for c in bank[topic]["negative"]}
        assert not good & bad


def test_texts_are_finished_and_vary(market: Marketplace) -> None:
    feedback = market.tables["feedback"]
    assert feedback.height > 2000
    assert not feedback["text"].str.contains("[{}]").any()
    assert feedback["text"].n_unique() > 0.8 * feedback.height
    assert feedback.filter(pl.col("language") == "en")["text"].str.contains("^[A-Z]").all()
    counts = dict(feedback["language"].value_counts().iter_rows())
    assert set(counts) == set(LANGUAGES)
    assert min(counts.values()) > 150
    chinese = feedback.filter(pl.col("language") != "en")["text"].str.contains(r"\p{Han}")
    assert chinese.all()


def test_texts_hold_the_planted_clauses(market: Marketplace) -> None:
    both = market.truth["feedback"].join(market.tables["feedback"], on="feedback_id").head(1500)
    for topic, sentiment, text, language in both.select("topic", "sentiment", "text", "language").iter_rows():
        bank = read_clauses(language)
        words = ("quality", "quality_food", "quality_care") if topic == "quality" else (topic,)
        clauses = [c for w in words for c in bank[w]["positive" if sentiment > 0 else "negative"]]
        longest = [max((part for part, *_ in string.Formatter().parse(c)), key=len) for c in clauses]
        assert any(piece.strip().lower() in text.lower() for piece in longest), (topic, sentiment, text)


def test_social_posts_alone_have_no_stars(market: Marketplace) -> None:
    feedback = market.tables["feedback"]
    assert (feedback["rating"].is_null() == (feedback["source"] == "social")).all()
    assert set(feedback["rating"].drop_nulls()) == {1, 2, 3, 4, 5}


def test_stars_follow_the_planted_weights(large: Marketplace) -> None:
    topics = list(large.parameters["topics"])
    clauses = large.truth["feedback"].pivot("topic", index="feedback_id", values="sentiment", aggregate_function="sum")
    both = clauses.join(large.tables["feedback"].select("feedback_id", "rating"), on="feedback_id").drop_nulls("rating")
    design = np.column_stack([np.ones(both.height), both.select(topics).fill_null(0).to_numpy()])
    slopes = np.linalg.lstsq(design, both["rating"].to_numpy().astype(float), rcond=None)[0][1:]
    planted = np.array([large.parameters["topics"][t]["star_weight"] for t in topics])
    assert np.corrcoef(slopes, planted)[0, 1] > 0.97
    assert np.abs(slopes - planted).max() < 0.3  # stars end at 1 and 5, which bends the large weights


def test_complaints_are_as_frequent_as_planted(large: Marketplace) -> None:
    shares = large.truth["feedback"].group_by("topic").agg((pl.col("sentiment") < 0).mean().alias("share"))
    for topic, share in shares.iter_rows():
        # a little above the plain share: people about to leave complain more
        assert -0.02 < share - large.parameters["topics"][topic]["complaint_share"] < 0.06, topic


def test_sizes_are_written_about_things_one_wears_or_handles(large: Marketplace) -> None:
    about_size = large.truth["feedback"].filter(pl.col("topic") == "size")
    styles = large.truth["customers"].select("customer_id", "segment")
    writers = about_size.join(large.tables["feedback"], on="feedback_id").join(styles, on="customer_id")
    assert writers["segment"].value_counts(sort=True)["segment"][0] == "style_seekers"


def test_people_about_to_leave_sound_sour(large: Marketplace) -> None:
    rows = large.truth["feedback"].join(large.tables["feedback"], on="feedback_id")
    rows = rows.join(large.truth["customers"].filter(pl.col("resurrected_on").is_null()), on="customer_id")
    to_go = (pl.col("first_dropout_on") - pl.col("written_at").dt.date()).dt.total_days()
    sour = rows.filter(to_go.is_between(1, 59)).select((pl.col("sentiment") < 0).mean()).item()
    usual = rows.filter(to_go > 90).select((pl.col("sentiment") < 0).mean()).item()
    assert 0.18 < sour - usual < 0.32
