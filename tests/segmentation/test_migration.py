"""Two days: people moved, the definition moved, newcomers and leavers apart, and everything adds up."""

from __future__ import annotations

import dataclasses
from collections import Counter

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.customers import CustomerLabels
from analytics.segmentation import SegmentationResult, migrate

from .test_identity import customers, cut

BASE = cut(3, customers(60))


def day(labels: dict[str, str], key: str) -> SegmentationResult:
    members = pl.DataFrame(
        {"customer_id": list(labels), "label": list(labels.values()), "revenue": [10.0] * len(labels)},
        schema={"customer_id": pl.String, "label": pl.String, "revenue": pl.Float64},
    )
    return dataclasses.replace(BASE, members=members, names=tuple((x, "group") for x in "123"), key=key)


def held(labels: dict[str, str]) -> CustomerLabels:
    frame = pl.DataFrame(
        {"customer_id": list(labels), "label": list(labels.values())},
        schema={"customer_id": pl.String, "label": pl.String},
    )
    return CustomerLabels(frame, tuple("123"), "segment", "held")


def test_six_customers_by_hand() -> None:
    before = day({"stays": "1", "walks": "1", "redrawn": "1", "both": "1", "back": "1", "gone": "2"}, "before")
    now = held({"stays": "1", "walks": "2", "redrawn": "1", "both": "2", "back": "2", "new": "3"})
    after = day({"stays": "1", "walks": "2", "redrawn": "2", "both": "3", "back": "1", "new": "3"}, "after")
    found = migrate(before, now, after)
    assert dict(found.ways.select("way", "n_customers").iter_rows()) == dict.fromkeys(
        ("stayed", "people", "definition", "both", "back"), 1
    )
    assert (found.n_common, found.n_new, found.n_left) == (5, 1, 1)
    assert found.balance.rows() == [
        # label, before, left, people out and in, definition out and in, new, after
        ("1", 5, 0, 3, 0, 1, 1, 0, 2),
        ("2", 1, 1, 0, 3, 2, 1, 0, 2),
        ("3", 0, 0, 0, 0, 0, 1, 1, 2),
    ]
    people = found.moves.filter(pl.col("part") == "people")
    assert people.select("label_from", "label_to", "n_customers").rows() == [("1", "1", 2), ("1", "2", 3)]


label = st.sampled_from("123")
people = st.dictionaries(
    st.integers(0, 40).map(lambda i: f"c{i:02d}"), st.tuples(label | st.none(), label, label | st.none()), max_size=40
)


@settings(max_examples=60)
@given(people)
def test_stayers_and_both_parts_add_up_and_each_segment_balances(rows: dict[str, tuple]) -> None:
    before = {name: first for name, (first, _, _) in rows.items() if first}
    after = {name: last for name, (_, _, last) in rows.items() if last}
    now = {name: middle for name, (_, middle, last) in rows.items() if last}
    found = migrate(day(before, "before"), held(now), day(after, "after"))
    ways = dict(found.ways.select("way", "n_customers").iter_rows())
    assert sum(ways.values()) == found.n_common == len(before.keys() & after.keys())
    assert found.n_common + found.n_left == len(before)
    assert found.n_common + found.n_new == len(after)
    for row in found.balance.iter_rows(named=True):
        moved = row["people_in"] - row["people_out"] + row["definition_in"] - row["definition_out"]
        assert row["n_earlier"] - row["n_left"] + moved + row["n_new"] == row["n_now"]
    for part in ("people", "definition"):
        assert found.balance[f"{part}_in"].sum() == found.balance[f"{part}_out"].sum()
    moves = {part: found.moves.filter(pl.col("part") == part) for part in ("people", "definition", "net")}
    assert all(part["n_customers"].sum() == found.n_common for part in moves.values())
    moved = {
        part: int(frame.filter(pl.col("label_from") != pl.col("label_to"))["n_customers"].sum())
        for part, frame in moves.items()
    }
    assert moved["people"] == ways["people"] + ways["both"] + ways["back"]
    assert moved["definition"] == ways["definition"] + ways["both"] + ways["back"]
    assert moved["net"] == ways["people"] + ways["definition"] + ways["both"]
    pairs = Counter((before[name], after[name]) for name in before.keys() & after.keys())
    assert {(a, b): n for _, a, b, n, _ in moves["net"].iter_rows()} == pairs


def test_the_same_day_twice_moves_nobody() -> None:
    now = day({"a": "1", "b": "2"}, "k")
    found = migrate(now, held({"a": "1", "b": "2"}), now)
    assert found.ways["n_customers"].to_list() == [2, 0, 0, 0, 0]
    assert found.ways["share"].to_list() == [1.0, 0.0, 0.0, 0.0, 0.0]
    nothing = migrate(day({}, "x"), held({}), day({}, "y"))
    assert nothing.ways["share"].null_count() == 5
    assert [item.code for item in nothing.caveats] == ["no_common_customers"]
