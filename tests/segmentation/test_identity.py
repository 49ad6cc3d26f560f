"""Segments keep label, colour and name: permuted labels are matched back, and a number left is found again."""

from __future__ import annotations

import dataclasses
from datetime import date

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.customers import CustomerTable
from analytics.segmentation import SegmentationResult, SegmentationSpec, align_segments, segment
from analytics.segmentation.identity import LEAST_OVERLAP, match_segments, shared_customers

FEATURES = ("recency_days", "n_orders", "mean_order_value")


def customers(n: int = 900, seed: int = 0, prefix: str = "c") -> CustomerTable:
    """Five kinds of customer, not quite apart."""
    rng = np.random.default_rng(seed)
    kind = rng.integers(0, 5, n)
    centres = np.array([[3.0, 3.5, 4.5], [4.5, 1.5, 4.0], [2.5, 0.7, 5.5], [5.8, 2.5, 3.5], [4.0, 2.8, 6.0]])
    logs = centres[kind] + rng.normal(0, 0.35, (n, 3))
    frame = pl.DataFrame(
        {
            "customer_id": [f"{prefix}{i:05d}" for i in range(n)],
            "recency_days": np.round(np.exp(logs[:, 0])).astype(int),
            "n_orders": np.maximum(1, np.round(np.exp(logs[:, 1]))).astype(int),
            "mean_order_value": np.round(np.exp(logs[:, 2]), 2),
        }
    ).with_columns(revenue=pl.col("n_orders") * pl.col("mean_order_value"))
    return CustomerTable(frame, date(2026, 6, 30), "TWD", (*FEATURES, "revenue"), (), f"{prefix}{n}-{seed}")


def cut(n_segments: int | None = 4, table: CustomerTable | None = None, **choices) -> SegmentationResult:
    spec = SegmentationSpec(features=FEATURES, n_segments=n_segments, **choices)
    return segment(table or customers(), spec)


def permuted(result: SegmentationResult, order: list[int]) -> SegmentationResult:
    """The same segments under other labels, as if they had been displayed in another order."""
    to = {label: result.names[at][0] for (label, _), at in zip(result.names, order, strict=True)}
    frames = {}
    for item in dataclasses.fields(result):
        frame = getattr(result, item.name)
        if isinstance(frame, pl.DataFrame) and "label" in frame.columns:
            frames[item.name] = frame.with_columns(pl.col("label").replace_strict(to, return_dtype=pl.String))
    codes = {to[label]: code for label, code in result.names}
    names = tuple((label, codes[label]) for label, _ in result.names)
    return dataclasses.replace(result, **frames, names=names, key=f"{result.key}-{order}")


def labels(result: SegmentationResult) -> dict[str, str]:
    return dict(result.members.select("customer_id", "label").iter_rows())


@pytest.mark.parametrize("order", [[1, 0, 3, 2], [3, 2, 1, 0], [1, 2, 3, 0], [0, 1, 2, 3]])
def test_permuted_labels_are_matched_back(order: list[int]) -> None:
    reference = cut(4)
    again = align_segments(permuted(reference, order), reference)
    assert labels(again) == labels(reference)
    assert again.names == reference.names
    assert again.sizes.equals(reference.sizes)
    assert again.profiles.equals(reference.profiles)
    assert again.map_cells.equals(reference.map_cells)


def test_four_five_and_back_to_four_gives_the_same_labels() -> None:
    four = cut(4)
    five = align_segments(cut(5), four)
    back = align_segments(cut(4), four)
    assert (labels(back), back.names) == (labels(four), four.names)
    assert [label for label, _ in five.names] == ["1", "2", "3", "4", "5"]
    assert dict(five.names) | dict(four.names) == dict(five.names), "what is kept keeps its name"
    table = shared_customers(four, five)
    for i in range(4):
        assert table[i].argmax() in (i, 4), "a segment keeps its label, or its larger part is the new one"


def test_a_segment_that_has_gone_keeps_its_label_without_customers() -> None:
    four = cut(4)
    three = align_segments(cut(3), four)
    assert [label for label, _ in three.names] == ["1", "2", "3", "4"]
    assert sorted(three.sizes["n_customers"])[0] == 0
    assert three.n_segments == 3
    assert three.sizes["n_customers"].sum() == three.members.height
    assert three.sizes.columns == four.sizes.columns


def test_without_a_common_customer_nothing_is_aligned() -> None:
    here, elsewhere = cut(4), cut(4, customers(prefix="x"))
    assert align_segments(elsewhere, here) is elsewhere


def test_segments_named_by_rule_go_by_their_names() -> None:
    rfm = cut(None, method="rfm")
    moved = permuted(rfm, [1, 2, 3, 4, 5, 6, 7, 0])
    assert labels(align_segments(moved, rfm)) == labels(rfm)
    beside = align_segments(rfm, cut(4))
    assert {code for _, code in beside.names} >= {code for _, code in rfm.names}, "a rule's name is its meaning"


def test_too_small_an_overlap_is_no_identity() -> None:
    assert match_segments(np.array([[10, 0], [0, 10]])) == {0: 0, 1: 1}
    assert match_segments(np.array([[100, 0], [0, 1], [0, 99]])) == {0: 0, 2: 1}
    spread = np.array([[20, 20, 20, 20, 20, 20]])
    assert LEAST_OVERLAP * 120 > 20
    assert match_segments(spread) == {}


@given(st.lists(st.lists(st.integers(0, 60), min_size=4, max_size=4), min_size=3, max_size=3))
def test_the_match_is_the_best_of_all(rows: list[list[int]]) -> None:
    from itertools import permutations

    table = np.array(rows)
    together = table.sum(axis=1)[:, None] + table.sum(axis=0)[None, :] - table
    allowed = np.where(table >= LEAST_OVERLAP * np.maximum(together, 1), table, 0)
    best = max(sum(allowed[i, j] for i, j in enumerate(columns)) for columns in permutations(range(4), 3))
    found = match_segments(table)
    assert sum(table[i, j] for i, j in found.items()) == best
    assert len(set(found.values())) == len(found)
    assert all(table[i, j] > 0 for i, j in found.items())
