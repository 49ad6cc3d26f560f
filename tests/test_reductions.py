"""The reductions by hand, and the same functions on a DuckDB relation."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

import duckdb
import narwhals as nw
import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from analytics import reductions
from analytics.dataset import Dataset

if TYPE_CHECKING:
    from analytics.reductions import Lines

LINES = pl.DataFrame(
    [
        ("ann", "o1", datetime(2024, 1, 31, 23), "tea", 2, 100, "sale"),
        ("ann", "o1", datetime(2024, 2, 1, 0), "cup", 1, 50, "sale"),
        ("ann", "o2", datetime(2024, 2, 1, 9), "cup", 1, 50, "sale"),
        ("ann", "o3", datetime(2024, 3, 1, 9), "cup", -1, -50, "return"),
        ("bob", "o4", datetime(2024, 2, 1, 9), "tea", 1, 0, "sale"),
        ("bob", "o5", datetime(2024, 2, 2, 9), "post", 1, 9, "service"),
        (None, "o6", datetime(2024, 2, 2, 9), "tea", 1, 60, "sale"),
    ],
    schema=["customer_id", "order_id", "ordered_at", "category", "quantity", "amount", "kind"],
    orient="row",
)


def build(lines: pl.DataFrame = LINES) -> Dataset:
    return Dataset.build({"transactions": lines}, as_of=date(2024, 12, 31))


def rows(reduced: Lines, *by: str) -> list[tuple[object, ...]]:
    return reductions.collect(reduced).sort(by).rows()


def epoch_day(year: int, month: int, day: int) -> int:
    return (date(year, month, day) - date(1970, 1, 1)).days


JAN_31, FEB_1, FEB_2 = epoch_day(2024, 1, 31), epoch_day(2024, 2, 1), epoch_day(2024, 2, 2)
JAN, FEB, MAR = (2024 * 12 + i for i in range(3))


class TestByHand:
    def test_orders(self) -> None:
        assert rows(reductions.orders(reductions.project(build())), "order_id") == [
            ("ann", "o1", JAN_31, JAN, 150, 3, 2),
            # o2 was sent back whole (o3); o4 was free.
            ("bob", "o4", FEB_1, FEB, 0, 1, 1),
            (None, "o6", FEB_2, FEB, 60, 1, 1),
        ]

    def test_order_days(self) -> None:
        assert rows(reductions.order_days(reductions.project(build())), "day") == [
            ("ann", JAN_31, 1, 150),
            ("bob", FEB_1, 1, 0),
        ]

    def test_order_counts(self) -> None:
        assert rows(reductions.order_counts(reductions.project(build())), "customer_id") == [
            ("ann", 1, 1, JAN_31, JAN_31),
            ("bob", 1, 1, FEB_1, FEB_1),
        ]

    def test_purchase_days(self) -> None:
        assert rows(reductions.purchase_days(reductions.project(build())), "day", "customer_id") == [
            ("ann", JAN_31, 100),
            ("ann", FEB_1, 50),
            ("bob", FEB_1, 0),
        ]

    def test_customer_sums(self) -> None:
        found = reductions.collect(reductions.customer_sums(reductions.project(build()))).sort("customer_id")
        assert found.to_dicts() == [
            {
                "customer_id": "ann", "amount": 150, "sold": 200, "returned": -50, "quantity": 3,
                "n_returned": 1, "discount_ppm": 0, "n_sales": 2, "n_sold": 3,
            },
            {
                "customer_id": "bob", "amount": 0, "sold": 0, "returned": 0, "quantity": 1,
                "n_returned": 0, "discount_ppm": 0, "n_sales": 1, "n_sold": 1,
            },
        ]  # fmt: skip

    def test_pairs_and_preferences(self) -> None:
        assert rows(reductions.pairs(reductions.project(build()), "category"), "customer_id", "category") == [
            ("ann", "cup", 1),
            ("ann", "tea", 1),
            ("bob", "tea", 1),
        ]
        # cup and tea tie: the first by name.
        for lines in (LINES, LINES.filter(pl.col("order_id") != "o2")):
            dataset = build(lines)
            found = reductions.collect(
                reductions.preferences(reductions.project(dataset, encode=["customer_id", "category"]), "category")
            )
            assert found.sort("customer_id").rows() == [(0, 2, 0), (1, 1, 2)]
            assert reductions.values(dataset, "category").to_list() == ["cup", "post", "tea"]

    def test_demand_sums(self) -> None:
        lines = reductions.project(build())
        assert rows(reductions.demand_sums(lines, ("category", "month"), "revenue"), "category", "month") == [
            ("cup", FEB, 100),
            ("cup", MAR, -50),
            ("tea", JAN, 100),
            ("tea", FEB, 60),
        ]
        assert rows(reductions.demand_sums(lines, ("month",), "orders"), "month") == [(JAN, 1), (FEB, 3)]
        assert rows(reductions.demand_sums(lines, ("month",), "customers"), "month") == [(JAN, 1), (FEB, 2)]

    def test_an_anonymous_line_without_order_id_is_an_order_of_its_own(self) -> None:
        lines = LINES.drop("order_id").with_columns(customer_id=pl.lit(None, pl.String))
        assert rows(reductions.demand_sums(reductions.project(build(lines)), ("month",), "orders"), "month") == [
            (JAN, 1),
            (FEB, 3),
        ]

    def test_encoded_customers_are_positions(self) -> None:
        # zoe has service lines only: the codes of the others must not shift.
        more = LINES.vstack(LINES.filter(pl.col("order_id") == "o5").with_columns(customer_id=pl.lit("abe")))
        dataset = build(more)
        ids = reductions.values(dataset, "customer_id")
        assert ids.to_list() == ["abe", "ann", "bob"]
        plain = reductions.collect(reductions.customer_sums(reductions.project(dataset)))
        coded = reductions.collect(reductions.customer_sums(reductions.project(dataset, encode=["customer_id"])))
        decoded = coded.with_columns(ids.gather(coded["customer_id"]).alias("customer_id"))
        assert_frame_equal(plain.sort("customer_id"), decoded.sort("customer_id"))


def made(n_lines: int = 4000) -> pl.DataFrame:
    rng = np.random.default_rng(11)
    order = rng.integers(0, n_lines // 3, n_lines)
    kind = rng.choice(["sale", "return", "cancellation", "service"], n_lines, p=[0.85, 0.06, 0.04, 0.05])
    sign = np.where(np.isin(kind, ["return", "cancellation"]), -1, 1)
    return pl.DataFrame(
        {
            "customer_id": [f"客{o % 200}" if o % 5 else None for o in order],
            "order_id": [f"o{o}" for o in order],
            "ordered_at": [datetime(2023, 1, 1) + timedelta(hours=int(h)) for h in rng.integers(0, 12000, n_lines)],
            "product_id": [f"p{p}" for p in rng.integers(0, 30, n_lines)],
            "category": rng.choice(np.array(["Zoo", "ale", "Éclair", "茶", None]), n_lines).tolist(),
            "quantity": sign * rng.integers(1, 4, n_lines),
            "unit_price": rng.integers(0, 4, n_lines) * 250,
            "discount_amount": sign * rng.integers(0, 100, n_lines),
            "amount": sign * rng.integers(0, 1000, n_lines),
            "kind": kind,
        }
    )


REDUCTIONS: dict[str, Callable[[Lines], Lines]] = {
    "orders": reductions.orders,
    "order_days": reductions.order_days,
    "order_counts": reductions.order_counts,
    "purchase_days": reductions.purchase_days,
    "customer_sums": reductions.customer_sums,
    "pairs": lambda lines: reductions.pairs(lines, "product_id"),
    "preferences": lambda lines: reductions.preferences(lines, "category"),
    "revenue": lambda lines: reductions.demand_sums(lines, ("category", "month"), "revenue"),
    "quantity": lambda lines: reductions.demand_sums(lines, ("category", "month"), "quantity"),
    "orders_by_month": lambda lines: reductions.demand_sums(lines, ("category", "month"), "orders"),
    "customers_by_month": lambda lines: reductions.demand_sums(lines, ("category", "month"), "customers"),
}


@pytest.mark.parametrize(
    ("name", "encode"),
    [*((name, True) for name in REDUCTIONS), *((name, False) for name in REDUCTIONS if name != "preferences")],
)
def test_duckdb_gives_equal_values(name: str, encode: bool) -> None:
    reduce = REDUCTIONS[name]
    coded = ("customer_id", "product_id", "category") if encode else ()
    lines = reductions.project(build(made()), encode=coded)
    in_polars = reductions.collect(reduce(lines))
    table = reductions.collect(lines).to_arrow()
    with duckdb.connect() as connection:
        relation = connection.from_arrow(table)
        in_duckdb = reductions.collect(reduce(nw.from_native(relation)))
    assert in_polars.height > 10
    assert in_duckdb.columns == in_polars.columns
    order = in_polars.columns
    assert_frame_equal(in_polars.sort(order), in_duckdb.sort(order), check_exact=True)
