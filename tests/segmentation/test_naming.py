"""Names: each code once, what made the segments speaks first, and a person's own names stay with their labels."""

from __future__ import annotations

from datetime import date

import msgspec
import numpy as np
import polars as pl
import pytest

from analytics.customers import CustomerTable, Trait
from analytics.errors import AnalysisError
from analytics.segmentation import SegmentationSpec, segment
from analytics.segmentation.naming import (
    JOINED,
    LONGEST_NAME,
    OwnNames,
    propose_names,
    rename_segments,
    tidy_name,
    with_name,
)
from analytics.segmentation.result import SegmentationResult

FEATURES = ("recency_days", "n_orders", "mean_order_value", "tenure_days")


def behaviour(*kinds: tuple[float, float, float, float], n: int = 60) -> pl.DataFrame:
    """``n`` customers of each kind around (recency, orders, order value, tenure)."""
    rng = np.random.default_rng(0)
    rows = [
        (str(i), *(max(1.0, value * rng.uniform(0.9, 1.1)) for value in kind))
        for i, kind in enumerate(kinds, start=1)
        for _ in range(n)
    ]
    return pl.DataFrame(rows, schema=["label", *FEATURES], orient="row")


def test_the_usual_segments_get_their_usual_names() -> None:
    frame = behaviour((10, 20, 500, 900), (400, 2, 480, 800), (15, 2, 490, 40), (120, 5, 900, 500))
    assert propose_names(frame, ["1", "2", "3", "4"]) == ("champions", "lapsed", "new", "big_baskets")


def test_no_name_stands_twice_and_the_second_is_told_by_what_it_differs_in() -> None:
    lapsed = [(400 + 3 * i, 1, 500 + 10 * i, 800) for i in range(4)]
    frame = behaviour((5, 30, 500, 900), (6, 29, 510, 900), (7, 28, 505, 900), *lapsed)
    labels = [str(i) for i in range(1, 8)]
    names = propose_names(frame, labels)
    assert len(set(names)) == 7
    assert not any(name == "group" for name in names)
    joined = [name for name in names if JOINED in name]
    assert joined
    for name in joined:
        base, tone = name.split(JOINED)
        assert base in {"champions", "loyal", "lapsed", "fading", "one_time", "at_risk", "typical", "group"}
        assert tone


def fans(n: int = 120) -> tuple[pl.DataFrame, Trait]:
    rng = np.random.default_rng(1)
    one = np.arange(n) < n // 2
    frame = behaviour((50, 5, 500, 400), (52, 5, 505, 405), n=n // 2).with_columns(
        pl.Series("category_mix: label", rng.poisson(np.where(one, 6, 1))),
        pl.Series("category_mix: Garden", rng.poisson(np.where(one, 1, 6))),
        pl.Series("category_mix: ", rng.poisson(1, n)),
    )
    columns = ("category_mix: label", "category_mix: Garden", "category_mix: ")
    # A category may be called anything, "label" too.
    return frame, Trait("category_mix", "needs", "counts", columns, ("label", "Garden", ""))


def test_what_a_segment_buys_gives_it_its_name() -> None:
    frame, mix = fans()
    assert propose_names(frame, ["1", "2"], (mix,), ("category_mix",)) == ("prefers:label", "prefers:Garden")


def test_a_weak_preference_is_no_name_in_place_of_two_strong_ones() -> None:
    rng = np.random.default_rng(3)
    n = 200
    web = np.repeat([9, 9, 0, 0], n // 4)
    card = np.repeat([9, 0, 9, 0], n // 4)
    books = rng.poisson(np.repeat([3, 1, 1, 1], n // 4))
    frame = pl.DataFrame(
        {
            "label": np.repeat(["1", "2", "3", "4"], n // 4),
            "c: web": web,
            "c: app": 9 - web,
            "p: card": card,
            "p: cash": 9 - card,
            "k: Books": books,
            "k: Food": rng.poisson(4, n),
        }
    )
    traits = (
        Trait("channel_mix", "needs", "counts", ("c: web", "c: app"), ("web", "app")),
        Trait("payment_mix", "needs", "counts", ("p: card", "p: cash"), ("card", "cash")),
        Trait("category_mix", "needs", "counts", ("k: Books", "k: Food"), ("Books", "Food")),
    )
    frame = frame.with_columns(recency_days=pl.lit(10), n_orders=pl.lit(9))
    names = propose_names(frame, ["1", "2", "3", "4"], traits, ("channel_mix", "payment_mix", "category_mix"))
    assert len(set(names)) == 4
    assert not any(name.startswith("prefers:") for name in names)


def test_segments_made_from_attributes_are_named_after_them() -> None:
    rng = np.random.default_rng(2)
    frame = behaviour((50, 5, 500, 400), (52, 5, 505, 405)).with_columns(
        pl.Series("age", [*rng.normal(25, 2, 60), *rng.normal(60, 2, 60)]),
        pl.Series("gender", ["female"] * 55 + ["male"] * 65),
    )
    traits = (
        Trait("age", "demographics", "number", ("age",)),
        Trait("gender", "demographics", "category", ("gender",)),
    )
    assert propose_names(frame, ["1", "2"], traits, ("age",)) == ("less:age", "more:age")
    assert propose_names(frame, ["1", "2"], traits, ("gender",)) == ("mostly:female", "mostly:male")


def test_a_segment_without_customers_and_a_table_without_behaviour_still_get_a_name() -> None:
    frame = behaviour((10, 20, 500, 900))
    assert propose_names(frame, ["1", "2"])[1] == "group"
    assert propose_names(pl.DataFrame({"label": ["1", "2"]}), ["1", "2"]) == ("group", "group")


# ---- a person's own


@pytest.fixture(scope="module")
def result() -> SegmentationResult:
    frame = behaviour((10, 20, 500, 900), (400, 2, 480, 800), (15, 2, 490, 40)).drop("label")
    frame = frame.with_columns(customer_id=pl.int_range(pl.len()).cast(pl.String))
    customers = CustomerTable(frame, date(2026, 6, 30), "TWD", FEATURES, (), "k")
    return segment(customers, SegmentationSpec(n_segments=3))


def test_own_names_take_the_place_of_proposed_ones_and_nothing_else_changes(result) -> None:
    renamed = rename_segments(result, (("2", "  Friends of\nthe house "),))
    assert dict(renamed.names)["2"] == "own:Friends of the house"
    assert [pair for pair in renamed.names if pair[0] != "2"] == [pair for pair in result.names if pair[0] != "2"]
    assert renamed.sizes.filter(pl.col("label") == "2")["name"].to_list() == ["own:Friends of the house"]
    assert renamed.sizes.drop("name").equals(result.sizes.drop("name"))
    assert renamed.members.equals(result.members)
    assert renamed.key != result.key
    assert rename_segments(result, ()) is result
    assert rename_segments(result, (("2", "   "),)) is result


def test_a_name_of_a_label_that_is_not_there_waits_for_it(result) -> None:
    assert rename_segments(result, (("7", "Later"),)) is result
    more = rename_segments(result, (("7", "Later"), ("1", "Now")))
    assert dict(more.names)["1"] == "own:Now"
    assert "7" not in dict(more.names)


def test_names_are_one_line_short_and_different(result) -> None:
    assert tidy_name(" a\tb\u0000c\n ") == "a b c"
    with pytest.raises(AnalysisError) as refused:
        tidy_name("x" * (LONGEST_NAME + 1))
    assert refused.value.code == "segment_name_long"
    names = with_name((), "1", "Ours")
    assert names == (("1", "Ours"),)
    with pytest.raises(AnalysisError) as refused:
        with_name(names, "2", " Ours ")
    assert refused.value.code == "segment_name_twice"
    with pytest.raises(AnalysisError) as refused:
        rename_segments(result, (("1", "Ours"), ("2", "Ours")))
    assert refused.value.code == "segment_name_twice"
    assert with_name(names, "1", "") == ()


def test_own_names_travel_as_json_and_hostile_ones_are_refused() -> None:
    names = (("1", "Ours"), ("2", "常客"))
    assert msgspec.convert(msgspec.json.decode(msgspec.json.encode(names)), OwnNames, strict=True) == names
    for hostile in ([["1", "x" * 41]], [["1", ""]], [["1"]], [["1" * 13, "x"]], [[1, "x"]]):
        with pytest.raises(msgspec.ValidationError):
            msgspec.convert(hostile, OwnNames, strict=True)
