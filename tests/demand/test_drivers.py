"""Prices and promotions beside quantities: by hand, against a naive loop, invariances."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from analytics.dataset import Dataset
from analytics.demand import DemandSpec, build_drivers, build_panel
from analytics.errors import AnalysisError

MONDAY = date(2024, 1, 1)
COLUMNS = ["order_id", "ordered_at", "product_id", "category", "quantity", "unit_price", "discount_share", "amount"]


def line(day: int, product: str, quantity: int, price: int | None, share: float | None, amount: int) -> tuple[Any, ...]:
    at = datetime.combine(MONDAY, datetime.min.time()) + timedelta(days=day)
    return f"o{day}{product}", at, product, "drinks", quantity, price, share, amount


LINES = [
    line(0, "tea", 2, 500, 0.0, 1000),
    line(1, "tea", 2, 500, 0.2, 800),
    line(3, "tea", 1, 500, None, 500),
    line(4, "tea", 1, None, 0.5, 300),  # no unit price: 300 is half of 600
    ("o4tea", *line(4, "tea", 5, 0, 0.0, 0)[1:]),  # a gift with it: five sold, no price
    line(7, "cup", 1, 700, 0.0, 700),
    line(15, "tea", 10, 400, 0.0, 3000),  # no discount is named, but 1,000 less than the price were paid
    line(20, "tea", 1, 999, 0.001, 998),  # rounding is no promotion
]
RETURN = line(2, "tea", -2, 500, 0.0, -1000)


def build(lines: list[tuple[Any, ...]] = LINES, returns: bool = True, drop: tuple[str, ...] = ()) -> Dataset:
    frame = pl.DataFrame(lines, schema=COLUMNS, orient="row").with_columns(kind=pl.lit("sale"))
    frame = frame.with_columns(customer_id=pl.lit("ann"))
    if returns:
        back = pl.DataFrame([RETURN], schema=COLUMNS, orient="row").with_columns(kind=pl.lit("return"))
        frame = pl.concat([frame, back.with_columns(customer_id=pl.lit("bob"))], how="vertical_relaxed")
    frame = frame.with_columns(pl.col("quantity", "unit_price", "amount").cast(pl.Int64)).drop(drop)
    return Dataset.build({"transactions": frame}, as_of=MONDAY + timedelta(days=20), currency="EUR", money_digits=2)


def row(frame: pl.DataFrame, product: str, week: int) -> tuple[Any, ...]:
    found = frame.filter((pl.col("unique_id") == product) & (pl.col("ds") == MONDAY + timedelta(weeks=week)))
    return found.select(pl.exclude("unique_id", "ds")).row(0)


class TestByHand:
    def test_prices_discounts_and_promotions(self) -> None:
        drivers = build_drivers(build(), DemandSpec(by="product"))
        # quantity, list_price, paid_price, discount_share, promoted_share, n_lines; returns change nothing.
        listed, paid = 1000 + 1000 + 500 + 600, 1000 + 800 + 500 + 300
        assert row(drivers.frame, "tea", 0) == pytest.approx(
            (11.0, listed / 600, paid / 600, 1 - paid / listed, 3 / 6, 5), abs=1e-12
        )
        assert row(drivers.frame, "tea", 1) == (0.0, None, None, None, None, 0)
        assert row(drivers.frame, "tea", 2) == pytest.approx(
            (11.0, 4999 / 1100, 3998 / 1100, 1 - 3998 / 4999, 10 / 11, 2), abs=1e-12
        )
        assert row(drivers.frame, "cup", 1) == (1.0, 7.0, 7.0, 0.0, 0.0, 1)
        assert (drivers.price_source, drivers.n_without_price, drivers.currency) == ("unit_price", 1, "EUR")
        assert drivers.members == ("tea", "cup")

    def test_without_a_unit_price_the_discount_tells(self) -> None:
        drivers = build_drivers(build(drop=("unit_price",)), DemandSpec(by="product"))
        assert drivers.price_source == "discount"
        assert row(drivers.frame, "tea", 0)[1] == pytest.approx((1000 + 1000 + 500 + 600) / 600)
        assert row(drivers.frame, "tea", 2)[1:3] == pytest.approx((3999 / 1100, 3998 / 1100))

    def test_without_either_what_was_paid_is_the_price(self) -> None:
        drivers = build_drivers(build(drop=("unit_price", "discount_share")), DemandSpec(by="product"))
        assert drivers.price_source == "paid"
        assert row(drivers.frame, "tea", 0) == pytest.approx((11.0, 26 / 6, 26 / 6, 0.0, 0.0, 5))
        assert [caveat.code for caveat in drivers.caveats] == ["discounts_unknown"]

    def test_a_unit_price_that_is_discounted_already(self) -> None:
        # 4 x 300 were paid; the discount of 40 percent was off 500.
        drivers = build_drivers(build([*LINES, line(13, "pen", 4, 300, 0.4, 1200)]), DemandSpec(by="product"))
        assert row(drivers.frame, "pen", 1)[1:5] == pytest.approx((5.0, 3.0, 0.4, 1.0))

    def test_sums_have_the_prices_of_all_their_items(self) -> None:
        drivers = build_drivers(build(), DemandSpec(by="product", n_series=1, parents=True))
        assert drivers.members == ("total", "category: drinks", "tea", "rest: drinks")
        assert row(drivers.frame, "total", 0) == row(drivers.frame, "tea", 0)
        assert row(drivers.frame, "total", 1) == row(drivers.frame, "rest: drinks", 1) == (1.0, 7.0, 7.0, 0.0, 0.0, 1)

    @pytest.mark.parametrize("column", ["amount", "quantity"])
    def test_what_is_needed(self, column: str) -> None:
        with pytest.raises(AnalysisError) as caught:
            build_drivers(build(drop=(column,)))
        assert caught.value.code == "fields_missing"


def made(seed: int, n_lines: int = 3000) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    kind = rng.choice(["sale", "return", "service"], n_lines, p=[0.85, 0.1, 0.05])
    price = rng.integers(50, 2000, n_lines)
    share = rng.choice([0.0, 0.0, 0.1, 0.3], n_lines)
    quantity = rng.integers(1, 6, n_lines) * np.where(kind == "return", -1, 1)
    return pl.DataFrame(
        {
            "customer_id": [None] * n_lines,
            "order_id": [f"o{i}" for i in range(n_lines)],
            "ordered_at": [datetime(2023, 5, 1, 8) + timedelta(hours=int(h)) for h in rng.integers(0, 4000, n_lines)],
            "product_id": [f"p{p}" for p in rng.integers(0, 12, n_lines)],
            "quantity": quantity,
            "unit_price": price,
            "discount_share": share,
            "amount": np.round(price * quantity * (1 - share)).astype(int),
            "kind": kind,
        },
        schema_overrides={"customer_id": pl.String},
    )


def dataset(lines: pl.DataFrame) -> Dataset:
    return Dataset.build({"transactions": lines}, as_of=date(2023, 10, 1), currency="EUR", money_digits=2)


def test_a_naive_loop_agrees() -> None:
    lines = made(1)
    found = build_drivers(dataset(lines), DemandSpec("quantity", "product", n_series=20)).frame
    sums: dict[tuple[str, date], list[float]] = defaultdict(lambda: [0.0, 0.0, 0.0, 0.0, 0.0])
    for one in lines.iter_rows(named=True):
        if one["kind"] == "sale":
            day = one["ordered_at"].date()
            at = sums[one["product_id"], day - timedelta(days=day.weekday())]
            listed = one["quantity"] * one["unit_price"]
            for i, value in enumerate(
                (one["quantity"], one["amount"], listed, one["quantity"] * (one["discount_share"] > 0), 1)
            ):
                at[i] += value
    checked = 0
    for unique_id, ds, *told in found.iter_rows():
        if (unique_id, ds) not in sums:
            assert told == [0.0, None, None, None, None, 0]
            continue
        quantity, paid, listed, promoted, n = sums[unique_id, ds]
        # A discounted line's list amount may be recovered to a minor unit only.
        assert told[:4] == pytest.approx(
            [quantity, listed / quantity / 100, paid / quantity / 100, 1 - paid / listed], abs=0.02
        )
        assert told[4:] == pytest.approx([promoted / quantity, n])
        checked += 1
    assert checked > 200


class TestInvariance:
    def test_the_same_series_and_periods_as_the_panel(self) -> None:
        for spec in (
            DemandSpec("quantity", "product", n_series=5),
            DemandSpec("quantity", "product", n_series=3, frequency="day", parents=True),
        ):
            panel, drivers = build_panel(dataset(made(2)), spec), build_drivers(dataset(made(2)), spec)
            assert_frame_equal(panel.frame.select("unique_id", "ds"), drivers.frame.select("unique_id", "ds"))
            assert (panel.members, panel.closed_weekdays) == (drivers.members, drivers.closed_weekdays)

    def test_row_order_changes_nothing_and_currency_only_prices(self) -> None:
        lines, spec = made(3), DemandSpec(by="product")
        first = build_drivers(dataset(lines), spec)
        second = build_drivers(dataset(lines.sample(fraction=1, shuffle=True, seed=1)), spec)
        assert first.key == second.key
        assert_frame_equal(first.frame, second.frame, check_exact=True)
        dear = build_drivers(dataset(lines.with_columns(pl.col("unit_price", "amount") * 100)), spec).frame
        assert_frame_equal(first.frame.with_columns(pl.col("list_price", "paid_price") * 100), dear)
