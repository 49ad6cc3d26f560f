"""Which orders stand: by hand, against a naive loop, invariance, and one count of buyers in every room."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from analytics import reductions
from analytics.customers import summarise_customers
from analytics.dataset import Dataset
from analytics.lifecycle import LifecycleSpec, trace_lifecycle
from analytics.mapping import apply_mapping, suggest_mapping
from analytics.population import PopulationSpec, observe
from analytics.quality import QualitySpec, validate
from analytics.reading import read
from analytics.reversals import NEVER, is_sale, undone_lines, undone_orders

WORLD = Path(__file__).parent.parent / "sample_data" / "marketplace"

SCHEMA = {
    "customer_id": pl.String,
    "order_id": pl.String,
    "ordered_at": pl.Datetime("us"),
    "product_id": pl.String,
    "quantity": pl.Int64,
    "amount": pl.Int64,
    "kind": pl.String,
}


def day(n: int, hour: int = 9) -> datetime:
    return datetime(2024, 1, 1, hour) + timedelta(days=n)


def epoch(n: int) -> int:
    return (date(2024, 1, 1) - date(1970, 1, 1)).days + n


def frame(*rows: tuple[Any, ...]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def undone(lines: pl.DataFrame) -> list[tuple[int, int, int | None]]:
    """row, day on which it was undone, day on which its order was (None: it stands), counted from the first of 2024."""
    return [
        (row, until - epoch(0), None if order == NEVER else order - epoch(0))
        for row, until, order in undone_lines(lines).filter(pl.col("until") < NEVER).iter_rows()
    ]


# --- by hand ---------------------------------------------------------------------------------------------------------


def test_an_order_stands_while_one_of_its_lines_does() -> None:
    sold = [("a", "1", day(0), "tea", 2, 200, "sale"), ("a", "1", day(0), "cup", 1, 90, "sale")]
    assert undone(frame(*sold)) == []
    assert undone(frame(*sold, ("a", "1", day(3), "tea", -1, -100, "return"))) == []
    assert undone(frame(*sold, ("a", "1", day(3), "tea", -2, -200, "return"))) == [(0, 3, None)]
    both = frame(
        *sold, ("a", "1", day(3), "tea", -2, -200, "return"), ("a", "9", day(5), "cup", -1, -90, "cancellation")
    )
    assert undone(both) == [(0, 3, 5), (1, 5, 5)]
    assert undone_orders(both, epoch(4)).to_list() == []
    assert undone_orders(both, epoch(5)).to_list() == [0, 1]


def test_a_reversal_goes_to_its_number_then_to_its_name_then_to_the_latest_earlier_sale() -> None:
    sold = [("a", str(1000 + i), day(i), "tea", 1, 100, "sale") for i in range(3)]
    for number, row in (("1000", 0), ("R1001", 1), ("C-1001", 1), ("x", 2), (None, 2)):
        assert undone(frame(*sold, ("a", number, day(9), "tea", -1, -100, "return"))) == [(row, 9, 9)], number
    assert undone(frame(*sold, ("a", "x", day(1), "tea", -1, -100, "return"))) == [
        (1, 1, 1)
    ]  # later sales are not meant
    assert undone(frame(*sold, ("b", "1000", day(9), "tea", -1, -100, "return"))) == []  # another customer's
    assert undone(frame(*sold, ("a", "1000", day(9), "cup", -1, -100, "return"))) == []  # another product
    assert undone(frame(*sold, (None, "1000", day(9), "tea", -1, -100, "return"))) == []


def test_several_reversals_add_up() -> None:
    lines = frame(
        ("a", "1", day(0), "tea", 3, 300, "sale"),
        ("a", "1", day(2), "tea", -1, -100, "return"),
        ("a", "1", day(4), "tea", -2, -200, "return"),
    )
    assert undone(lines) == [(0, 4, 4)]


def test_without_numbers_a_day_is_an_order_and_without_products_amounts_tell() -> None:
    lines = frame(
        ("a", None, day(0, 9), "tea", 1, 100, "sale"),
        ("a", None, day(0, 17), "cup", 1, 90, "sale"),
        ("a", None, day(2), "tea", -1, -100, "return"),
        ("a", None, day(3), "cup", -1, -90, "return"),
    )
    assert undone(lines) == [(0, 2, 3), (1, 3, 3)]
    later = pl.concat([lines, frame(("a", None, day(9), "tin", 1, 80, "sale"))])
    assert undone(later) == [(0, 2, 3), (1, 3, 3)]
    bare = frame(("a", "1", day(0), None, 1, 100, "sale"), ("a", "9", day(2), None, -1, -40, "return"))
    assert undone(bare) == []  # one item back, but not for what was paid
    assert undone(bare.drop("amount")) == [(0, 2, 2)]
    assert undone(bare.drop("amount", "quantity")) == [(0, 2, 2)]


def test_a_later_part_of_an_order_does_not_undo_that_it_was_undone() -> None:
    lines = frame(
        ("a", "1", day(0), "tea", 1, 100, "sale"),
        ("a", "1", day(2), "tea", -1, -100, "return"),
        ("a", "1", day(5), "cup", 1, 90, "sale"),
    )
    assert undone(lines) == [(0, 2, None)]


def test_free_lines_count_where_the_customer_is_known() -> None:
    lines = frame(
        ("a", "1", day(0), "tea", 1, 0, "sale"),
        ("a", "2", day(0), "tea", 1, None, "sale"),
        (None, "3", day(0), "tea", 1, 0, "sale"),
        (None, "4", day(0), "tea", 1, 5, "sale"),
        ("a", "5", day(0), "tea", 1, -5, "sale"),
        ("a", "6", day(0), "post", 1, 5, "service"),
        ("a", "7", day(0), "tea", 1, 5, None),
        ("a", "8", None, "tea", 1, 5, "sale"),
    )
    assert lines.select(is_sale(lines)).to_series().to_list() == [True, True, False, True, False, False, False, False]
    assert lines.drop("kind", "amount").select(is_sale(lines.drop("kind", "amount"))).to_series().to_list() == [
        *[True] * 7,
        False,
    ]


# --- against a naive loop --------------------------------------------------------------------------------------------


def naive_standing(rows: Iterable[dict[str, Any]], then: date) -> set[tuple[str, str]]:
    """(customer, order) of known customers that stand at the end of ``then``: rows looked up one by one."""
    seen = [row for row in rows if row["customer_id"] is not None and row["ordered_at"].date() <= then]
    sold: dict[tuple[str, date, str, str], int] = defaultdict(int)
    first: dict[tuple[str, date, str, str], datetime] = {}
    for row in seen:
        if row["kind"] == "sale" and row["amount"] >= 0:
            key = (row["customer_id"], row["ordered_at"].date(), row["order_id"], row["product_id"])
            sold[key] += abs(row["quantity"])
            first[key] = min(row["ordered_at"], first.get(key, row["ordered_at"]))
    left = dict(sold)
    of_pair = defaultdict(list)
    for key in sold:
        of_pair[key[0], key[3]].append(key)
    for row in seen:
        if row["kind"] not in ("return", "cancellation"):
            continue
        mine = [key for key in of_pair[row["customer_id"], row["product_id"]] if first[key] <= row["ordered_at"]]
        numbered = [key for key in mine if key[2] == row["order_id"]]
        named = [key for key in mine if row["order_id"] == f"R{key[2]}"]
        if mine:
            left[max(numbered or named or mine, key=lambda key: (first[key], key[2]))] -= abs(row["quantity"])
    return {(customer, order) for (customer, _, order, _), n in left.items() if n > 0}


def random_lines(seed: int) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    rows: list[tuple[Any, ...]] = []
    for order in range(250):
        customer, at = f"c{rng.integers(0, 60)}", int(rng.integers(0, 300))
        for product in rng.choice(["tea", "cup", "pot", "tin"], int(rng.integers(1, 4)), replace=False):
            n = int(rng.integers(1, 4))
            rows.append((customer, str(1000 + order), day(at), str(product), n, n * int(rng.integers(0, 3)), "sale"))
            if rng.random() < 0.45:
                number = (str(1000 + order), f"R{1000 + order}", f"x{order}")[rng.integers(0, 3)]
                back = n if rng.random() < 0.85 else 1
                kind = "return" if rng.random() < 0.5 else "cancellation"
                rows.append(
                    (customer, number, day(at + int(rng.integers(0, 40)), 12), str(product), -back, -back, kind)
                )
    return frame(*rows)


@pytest.mark.parametrize("seed", range(4))
def test_orders_that_stand_equal_a_naive_loop_on_any_day(seed: int) -> None:
    lines = random_lines(seed)
    rows = list(lines.iter_rows(named=True))
    for n in (40, 120, 200, 400):
        then = date(2024, 1, 1) + timedelta(days=n)
        expected = naive_standing(rows, then)
        held = Dataset.build({"transactions": lines}, as_of=date(2026, 1, 1))
        found = reductions.collect(reductions.orders(reductions.project(held, until=then)))
        assert set(found.select("customer_id", "order_id").iter_rows()) == expected
        cut = lines.filter(pl.col("ordered_at").dt.date() <= then)
        alone = reductions.orders(reductions.project(Dataset.build({"transactions": cut}, as_of=then)))
        assert set(reductions.collect(alone).select("customer_id", "order_id").iter_rows()) == expected
    assert 0 < len(expected) < 250


def test_the_order_of_rows_changes_nothing() -> None:
    lines = random_lines(5).with_row_index("line")
    ends = undone_lines(lines).with_columns(lines["line"].gather(undone_lines(lines)["row"]))
    mixed = lines.sample(fraction=1, shuffle=True, seed=2)
    others = undone_lines(mixed).with_columns(mixed["line"].gather(undone_lines(mixed)["row"]))
    assert ends.drop("row").sort("line").equals(others.drop("row").sort("line"))
    assert ends.height > 50


# --- one definition in every room ------------------------------------------------------------------------------------


def same_buyers(dataset: Dataset) -> int:
    """Customers and lifecycle count the same buyers, orders and last days; how many buyers that is."""
    table = summarise_customers(dataset).frame
    result = trace_lifecycle(dataset, LifecycleSpec())
    days = reductions.collect(reductions.order_counts(reductions.project(dataset)))
    assert result.n_buyers == table.height == days.height
    inside = result.labels.frame.filter(pl.col("label") != "acquaintance")["customer_id"]
    assert set(inside) == set(table["customer_id"])
    return table.height


def test_customers_and_lifecycle_count_the_same_buyers_on_online_retail(online_retail: Dataset) -> None:
    """Of 4,372 customers 4,339 have a sale line (one of them only a free one), and 11 of these sent all of it back."""
    assert same_buyers(online_retail) == 4328


def test_customers_and_lifecycle_count_the_same_buyers_on_the_sample_world() -> None:
    tables = []
    for path in sorted(WORLD.glob("*.parquet")):
        raw = read(path.read_bytes(), path.name)
        tables.append(apply_mapping(raw, suggest_mapping(raw, path.stem).spec))
    full = validate(tuple(tables), QualitySpec(currency="TWD")).dataset
    for as_of in (None, date(2025, 7, 14)):
        assert same_buyers(observe(full, PopulationSpec(as_of=as_of))) > 500


def test_a_free_order_makes_a_buyer_and_an_undone_one_does_not() -> None:
    lines = frame(
        ("free", "1", day(0), "tea", 1, 0, "sale"),
        ("back", "2", day(0), "tea", 1, 5, "sale"),
        ("back", "2", day(4), "tea", -1, -5, "return"),
        ("kept", "3", day(0), "tea", 1, 5, "sale"),
    )
    for n, buyers in ((3, 3), (4, 2)):
        assert (
            same_buyers(
                Dataset.build({"transactions": lines[[0, 1, 3] if n < 4 else [0, 1, 2, 3]]}, as_of=day(n).date())
            )
            == buyers
        )
