"""Scenarios side by side: nobody moves without a difference, borders and changed profiles are what they say."""

from __future__ import annotations

import dataclasses

import numpy as np
import polars as pl
import pytest

from analytics.segmentation import BORDER, align_segments, compare

from .test_identity import customers, cut, labels, permuted


def test_a_scenario_beside_itself_moves_nobody_in_whatever_order_its_rows_are() -> None:
    table = customers()
    shuffled = dataclasses.replace(table, frame=table.frame.sample(fraction=1, shuffle=True, seed=5), key="shuffled")
    for method in ("kmeans", "rfm"):
        a, again = cut(4, table, method=method), cut(4, shuffled, method=method)
        for b in (a, again, permuted(a, list(range(len(a.names)))[::-1])):
            moves = compare(a, b)
            assert (moves.n_moved, moves.moved_share, moves.moved_revenue) == (0, 0.0, 0.0)
            assert moves.n_common == table.frame.height
            assert moves.flows["stays"].all()
            assert moves.profiles["change"].abs().max() == 0


def test_every_customer_of_both_is_in_one_flow_and_the_others_are_counted_apart() -> None:
    table = customers()
    part = dataclasses.replace(table, frame=table.frame.head(600), key="part")
    a, b = cut(4, table), align_segments(cut(5, part), cut(4, table))
    moves = compare(a, b)
    assert (moves.n_common, moves.n_only_a, moves.n_only_b) == (600, 300, 0)
    assert moves.flows["n_customers"].sum() == 600
    here, there = labels(a), labels(b)
    match = dict(moves.kept.select("label_a", "label_b").iter_rows())
    assert moves.n_moved == sum(there[name] != match[here[name]] for name in there)
    assert moves.movers.height == moves.n_moved
    assert all(there[name] == b and here[name] == a for name, a, b, _ in moves.movers.iter_rows())
    assert moves.kept["n_customers"].sum() == 600
    assert moves.kept["n_stay"].sum() == 600 - moves.n_moved


def test_changed_profiles_hold_both_medians_on_one_scale() -> None:
    a = cut(4)
    b = align_segments(cut(3), a)
    rows = compare(a, b).profiles
    for row in rows.iter_rows(named=True):
        for side, result in (("a", a), ("b", b)):
            told = result.profiles.filter((pl.col("label") == row[f"label_{side}"]) & (pl.col("field") == row["field"]))
            assert row[f"median_{side}"] == told["median"].item()
        if row["median_a"] == row["median_b"]:
            assert row["change"] == 0
        else:
            more = row["median_b"] > row["median_a"]
            assert (row["change"] > 0) == more
    z = a.profiles.select(label_a="label", field="field", z="z")
    assert np.allclose(*rows.join(z, on=["label_a", "field"]).select("z_a", "z").get_columns())


def test_who_stands_on_a_border_is_near_two_segments() -> None:
    a = cut(4)
    b = align_segments(cut(5), a)
    moves = compare(a, b)
    near = b.members.filter(pl.col("margin") < BORDER)
    counted = moves.borders.filter(pl.col("scenario") == "b")
    assert counted["n_border"].sum() == near.height == moves.border_customers.height > 0
    assert counted["n_customers"].sum() == b.n_customers
    assert moves.border_customers["margin"].is_sorted()
    for row in counted.iter_rows(named=True):
        mine = near.filter(pl.col("label") == row["label"])
        assert row["n_border"] == mine.height
        assert row["border_revenue"] == pytest.approx(mine["revenue"].sum())
    told = dict(moves.border_customers.select("customer_id", "other_label").iter_rows())
    assert told.items() <= labels(a).items()
