"""Checks over whole tables: gaps, drift, forms of ids, idle columns, reversals, overlapping files, what they mean."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, get_args

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.customers import summarise_customers
from analytics.errors import AnalysisError
from analytics.i18n.phrases import load
from analytics.integration import settle_currency
from analytics.keys import digest_frame
from analytics.mapping import MappedTable, MappingSpec, apply_mapping
from analytics.population import observe
from analytics.quality import QualitySpec, Step, proposed_steps, validate
from analytics.quality.checks import note_tables
from analytics.quality.columns import is_constant, is_nearly_unique
from analytics.quality.drift import Change, find_changes
from analytics.quality.gaps import Gap, find_gaps
from analytics.quality.identifiers import find_new_forms, known_by_number, numbers, shapes
from analytics.quality.meaning import CODES, meaning
from analytics.quality.recipe import Action
from analytics.quality.report import THRESHOLDS
from analytics.quality.reversals import match_reversals
from analytics.reading import read
from analytics.workspace import Workspace
from tests.test_quality import counts, every_word_is_there, online_retail, orders

ROOT = Path(__file__).parent.parent
HEAD = "order,customer,at,item,n,price\n"


def people(text: str, *attributes: str, name: str = "people.csv") -> MappedTable:
    columns = [("id", "customer_id"), ("city", "city"), ("joined", "joined_at")]
    raw = read(text.encode(), name)
    return apply_mapping(raw, MappingSpec("customers", tuple(pair for pair in columns if pair[0] in raw.columns)))


# --- days without orders

MONDAY = date(2023, 1, 2)


def shop(n_days: int, closed: Callable[[date], bool], rows: int = 30) -> pl.Series:
    days = [MONDAY + timedelta(days=k) for k in range(n_days)]
    return pl.Series([day for day in days if not closed(day) for _ in range(rows)], dtype=pl.Date)


def gaps(days: pl.Series, rows_per_event: float = 3.0) -> list[Gap]:
    first, last = days.min(), days.max()
    assert isinstance(first, date)
    assert isinstance(last, date)
    return find_gaps(days, first=first, last=last, rows_per_event=rows_per_event, open_share=0.8)


def test_closed_sundays_are_no_gap_but_a_lost_week_is() -> None:
    sundays = lambda day: day.weekday() == 6  # noqa: E731  # a rule in one line, read beside its use
    assert gaps(shop(300, sundays)) == []
    lost = {date(2023, 5, 10) + timedelta(days=k) for k in range(7)}
    (gap,) = gaps(shop(300, lambda day: sundays(day) or day in lost))
    assert gap == Gap(date(2023, 5, 10), date(2023, 5, 16), 7, 6, False)
    # A single closed day of a busy shop is told as well.
    (holiday,) = gaps(shop(300, lambda day: sundays(day) or day == date(2023, 4, 7)))
    assert (holiday.first, holiday.n_open) == (date(2023, 4, 7), 1)
    assert gaps(shop(20, lambda day: day == date(2023, 1, 10))) == []  # nothing is usual yet


def test_the_same_time_every_year_is_a_holiday() -> None:
    new_year = {2024: date(2024, 2, 8), 2025: date(2025, 1, 27)}  # the Lunar New Year moves

    def closed(day: date) -> bool:
        start = new_year.get(day.year)
        return start is not None and 0 <= (day - start).days < 6

    found = gaps(shop(1000, closed))
    assert [(gap.first, gap.n_open, gap.yearly) for gap in found] == [
        (date(2024, 2, 8), 6, True),
        (date(2025, 1, 27), 6, True),
    ]


@pytest.mark.parametrize("orders_per_day", [0.5, 2.0, 8.0, 40.0])
def test_empty_days_of_a_quiet_shop_are_chance(orders_per_day: float) -> None:
    rng = np.random.default_rng(int(orders_per_day * 10))
    false_alarms = 0
    for _ in range(40):
        n = int(rng.integers(150, 700))
        n_orders = rng.poisson(orders_per_day * rng.gamma(5, 0.2, n))
        days = pl.Series([MONDAY + timedelta(days=k) for k in range(n)]).gather(np.repeat(np.arange(n), 3 * n_orders))
        false_alarms += len(gaps(days))
    assert false_alarms <= 2


def test_gaps_become_findings_by_their_length() -> None:
    lost = {date(2023, 5, 10) + timedelta(days=k) for k in range(5)} | {date(2023, 3, 1)}
    days = [MONDAY + timedelta(days=k) for k in range(200)]
    lines = [f"{d}{k},c{k},{d}T10:00:00,Tea,1,2" for d in days if d not in lost for k in range(12)]
    table = orders(HEAD + "\n".join(lines))
    result = validate([table])
    (long,) = result.report.find("days_missing")
    (short,) = result.report.find("days_closed")
    assert (long.severity, long.n_days, long.examples, long.n_rows) == ("check", 5, ("2023-05-10 – 2023-05-14",), 0)
    assert (short.severity, short.n_days, short.examples) == ("note", 1, ("2023-03-01",))
    every_word_is_there(result)
    wider = validate([table], QualitySpec(gap_days=6)).report
    assert wider.find("days_missing") == ()
    assert wider.find("days_closed")[0].n_days == 6


# --- categories over time


def months(values: Callable[[int, int], str], n_months: int = 12, per_month: int = 100) -> tuple[pl.Series, pl.Series]:
    rows = [
        (values(month, k), date(2024 + month // 12, month % 12 + 1, k % 28 + 1))
        for month in range(n_months)
        for k in range(per_month)
    ]
    return pl.Series([value for value, _ in rows]), pl.Series([day for _, day in rows])


def changes(values: Callable[[int, int], str], least_share: float = 0.05, **shape: int) -> list[Change]:
    return find_changes(*months(values, **shape), least_share)


def test_a_renamed_value_is_found_with_its_day() -> None:
    found = changes(lambda month, k: ("Online" if month >= 7 else "Web") if k % 3 == 0 else "Shop")
    assert found == [Change("renamed", "Web", "Online", date(2024, 8, 1))]
    in_the_month = changes(lambda month, k: ("B" if (month, k % 28) >= (6, 14) else "A") if k % 2 else "Shop")
    assert in_the_month == [Change("renamed", "A", "B", date(2024, 7, 16))]


def test_values_that_come_or_go() -> None:
    assert changes(lambda month, k: "Wallet" if month >= 4 and k % 5 == 0 else "Card") == [
        Change("appears", "", "Wallet", date(2024, 5, 1))
    ]
    assert changes(lambda month, k: "Cheque" if month < 5 and k % 5 == 0 else "Card") == [
        Change("vanishes", "Cheque", "", date(2024, 5, 28))
    ]
    # Another share is another value, not a new name.
    assert {c.what for c in changes(lambda m, k: ("B" if k < 60 else "S") if m >= 6 else ("A" if k < 10 else "S"))} == {
        "appears",
        "vanishes",
    }


def test_what_is_no_drift() -> None:
    assert changes(lambda month, k: "Tree" if month % 12 == 11 and k % 2 else "Card", n_months=24) == []  # December
    assert changes(lambda month, k: "Wallet" if k < 2 * month else "Card") == []  # grows slowly
    assert changes(lambda month, k: "Rare" if month >= 6 and k < 3 else "Card") == []  # three of a hundred
    assert changes(lambda month, k: "Web" if k % 2 else "Shop") == []
    assert changes(lambda month, k: "Online" if month else "Web", n_months=2, per_month=20) == []  # too few


def test_a_mistyped_date_hides_nothing_and_order_of_rows_neither() -> None:
    values, days = months(lambda month, k: ("Online" if month >= 7 else "Web") if k % 3 == 0 else "Shop", per_month=300)
    values, days = pl.concat([values, pl.Series(["Online"])]), pl.concat([days, pl.Series([date(2024, 2, 3)])])
    found = find_changes(values, days, 0.05)
    assert found == [Change("renamed", "Web", "Online", date(2024, 8, 1))]
    places = random.Random(5).sample(range(len(values)), len(values))
    assert find_changes(values.gather(places), days.gather(places), 0.05) == found


def test_weekly_where_a_period_is_short() -> None:
    days = [MONDAY + timedelta(days=k // 10) for k in range(800)]
    values = ["new" if day >= date(2023, 2, 15) else "old" for day in days]
    assert find_changes(pl.Series(values), pl.Series(days), 0.05) == [
        Change("renamed", "old", "new", date(2023, 2, 15))
    ]


def channel_orders(rename: bool, name: str = "orders.csv") -> MappedTable:
    days = [MONDAY + timedelta(days=k) for k in range(300)]
    web = lambda day: "Online" if rename and day >= date(2023, 7, 1) else "Web"  # noqa: E731  # a rule in one line, read beside its use
    lines = [f"{d:%y%m%d}{k},c{k},{d} 10:00:00,Tea,1,2,{web(d) if k % 2 else 'Shop'}" for d in days for k in range(4)]
    return orders(HEAD.strip() + ",way\n" + "\n".join(lines), ("way", "channel"), name=name)


def test_a_renamed_channel_is_a_finding_with_its_repair() -> None:
    assert validate([channel_orders(rename=False)]).report.find("category_renamed") == ()
    result = validate([channel_orders(rename=True)])
    (issue,) = result.report.find("category_renamed")
    n = (300 - (date(2023, 7, 1) - MONDAY).days) * 2
    assert (issue.severity, issue.field, issue.n_rows) == ("check", "channel", n)
    assert issue.examples == ("Web → Online (2023-07-01)",)
    assert issue.revenue_share == pytest.approx(n / 1200)
    every_word_is_there(result)
    (step,) = (step for step in proposed_steps(result.report) if step.field == "channel")
    mended = validate([channel_orders(rename=True)], QualitySpec(steps=(step,)))
    assert mended.report.find("category_renamed") == ()
    assert sorted(mended.dataset.tables["transactions"]["channel"].unique()) == ["Online", "Shop"]


def test_files_with_other_values() -> None:
    def file(name: str, first: int, values: tuple[str, ...]) -> MappedTable:
        rows = [f"{first + k},{values[k % len(values)]},2024-01-01" for k in range(40)]
        return people("id,city,joined\n" + "\n".join(rows), name=name)

    result = validate([file("a.csv", 0, ("Taipei", "Tainan")), file("b.csv", 100, ("TPE", "TNN"))])
    (issue,) = result.report.find("category_sets_differ")
    assert (issue.field, issue.n_rows) == ("city", 40)
    assert issue.examples == ("a.csv: Tainan, Taipei", "b.csv: TNN, TPE")
    every_word_is_there(result)
    # A file per value, or one common value, is another matter.
    for other in (("Kaohsiung",), ("Taipei", "Keelung")):
        found = validate([file("a.csv", 0, ("Taipei", "Tainan")), file("b.csv", 100, other)]).report
        assert found.find("category_sets_differ") == ()


# --- ids


def test_shapes_of_ids() -> None:
    ids = pl.Series(["12345", "00042", "C-012345", "C536379", "85123A", "POST", "R-9", "é7"])
    assert shapes(ids).to_list() == ["9", "0", "A-0", "A9", "9A", "A", "A-9", "A9"]
    assert shapes(ids.alias("order_id")).to_list() == ["9", "0", "0", "9", "9A", "A", "9", "A9"]
    assert numbers(ids).to_list() == ["12345", "42", "12345", "536379", "85123A", None, "9", "7"]


def test_ids_that_change_their_form() -> None:
    days = pl.Series([MONDAY + timedelta(days=k // 5) for k in range(2000)])
    change = (date(2023, 9, 1) - MONDAY).days * 5

    def forms(
        old: Callable[[int], str], new: Callable[[int], str], name: str = "customer_id"
    ) -> list[tuple[str, str, str]]:
        ids = pl.Series(name, [old(k % 300) if k < change else new(k % 300) for k in range(2000)])
        return [(form.old, form.new, form.day) for form in find_new_forms(ids, days, 0.05)]

    assert forms(lambda k: f"{k + 10_000}", lambda k: f"C-{k + 10_000}") == [("10000", "C-10000", "2023-09-01")]
    assert forms(lambda k: f"{k + 100:06d}", lambda k: f"{k + 100}") == [("000100", "100", "2023-09-01")]
    assert forms(lambda k: f"C{k}", lambda k: f"C{k}") == []
    assert (
        forms(lambda k: f"{k + 9_000_000}", lambda k: f"C{k + 9_000_000}", "order_id") == []
    )  # a cancellation's letter
    growing = pl.Series([f"{k + 97_000:06d}" for k in range(0, 6000, 3)])  # 097000 ... 102997
    assert find_new_forms(growing, days, 0.05) == []


def test_ids_that_only_their_numbers_connect() -> None:
    known = pl.Series([f"C{k:07d}" for k in range(1, 200)])
    pairs = known_by_number(pl.Series([str(k) for k in range(1, 60)]), known)
    assert pairs.height == 59
    assert pairs.filter(pl.col("id") == "42").row(0) == ("42", "C0000042")
    assert known_by_number(known.head(50), known).height == 0
    # Where letters tell ids apart, numbers connect nothing.
    two = pl.Series([f"{letter}{k}" for k in range(100) for letter in "AB"])
    assert known_by_number(pl.Series([str(k) for k in range(60)]), two).height == 0
    # Nor where few of the strangers are known by number.
    assert known_by_number(pl.Series([str(k) for k in range(190, 400)]), known).height == 0


def test_a_file_whose_ids_lost_their_zeros() -> None:
    members = people("id,city,joined\n" + "".join(f"{k:05d},Taipei,2024-01-01\n" for k in range(1, 41)))
    lines = orders(HEAD + "".join(f"{k},{k},2024-01-01 10:00:00,Tea,1,2\n" for k in range(1, 31)), name="shop.csv")
    result = validate([members, lines])
    (issue,) = result.report.find("ids_written_otherwise")
    assert (issue.table, issue.field, issue.n_rows, issue.source) == ("transactions", "customer_id", 30, "shop.csv")
    assert issue.examples[0] == "1 → 00001"
    every_word_is_there(result)
    steps = tuple(
        Step("strip_start", table, "customer_id", "always", prefixes=("0",)) for table in ("customers", "transactions")
    )
    mended = validate([members, lines], QualitySpec(steps=steps)).report
    assert mended.find("ids_written_otherwise") == mended.find("orphans") == ()


def test_two_files_of_one_table_with_other_ids() -> None:
    old = orders(
        HEAD + "".join(f"{k},c{k},2024-01-{1 + k % 28} 10:00:00,x{k:04d},1,2\n" for k in range(40)), name="a.csv"
    )
    new = orders(HEAD + "".join(f"n{k},c{k},2024-02-{1 + k % 28} 10:00:00,{k},1,2\n" for k in range(40)), name="b.csv")
    columns = (("order", "order_id"), ("customer", "customer_id"), ("at", "ordered_at"), ("item", "product_id"))
    tables = [apply_mapping(table.raw, MappingSpec("transactions", columns)) for table in (old, new)]
    issues = validate(tables).report.find("ids_written_otherwise", "transactions", "product_id")
    assert [(issue.source, issue.n_rows) for issue in issues] == [("b.csv", 39)]  # x0000 has no number but zero


# --- columns


def test_constant_and_nearly_unique_columns() -> None:
    assert is_constant(pl.Series(["a"] * 30 + [None]))
    assert not is_constant(pl.Series(["a"] * 5000 + ["b"]))
    assert not is_constant(pl.Series(["a"] * 10))
    assert not is_constant(pl.Series([None] * 40, dtype=pl.String))
    codes = pl.Series([f"K{k}" for k in range(100)])
    assert is_nearly_unique(codes, 0.95)
    assert not is_nearly_unique(pl.concat([codes, codes.head(10)]), 0.95)
    assert is_nearly_unique(pl.concat([codes, codes.head(10)]), 0.9)
    assert is_nearly_unique(pl.Series(range(100)), 0.95)
    assert not is_nearly_unique(pl.Series([*range(99), 98]), 0.95)  # incomes may nearly all differ
    assert not is_nearly_unique(pl.Series([k / 7 for k in range(100)]), 0.95)
    assert not is_nearly_unique(pl.Series([f"I liked number {k}" for k in range(100)]), 0.95)
    rows = "".join(f"{k},Taipei{k},2024-01-01,yes,V{k}\n" for k in range(80))
    result = validate([people("id,city,joined,active,card\n" + rows)])
    found = {(issue.code, issue.field): issue.severity for issue in result.report.issues}
    assert found == {
        ("constant_column", "active"): "note",
        ("nearly_unique_column", "card"): "note",
        ("nearly_unique_column", "city"): "check",  # somebody mapped it as a category
    }
    every_word_is_there(result)


def test_an_attribute_of_two_types_is_read_as_text() -> None:
    one = people("id,joined,score,points\n1,2024-01-01,5,1\n2,2024-01-02,6,2\n", name="a.csv")
    two = people("id,joined,score,points\n3,2024-01-03,high,1.5\n", name="b.csv")
    result = validate([one, two])
    assert result.dataset.tables["customers"].select("customer_id", "score", "points").rows() == [
        ("1", "5", 1.0),
        ("2", "6", 2.0),
        ("3", "high", 1.5),
    ]
    (issue,) = result.report.find("column_type_differs")
    assert (issue.field, issue.n_rows, issue.examples) == ("score", 3, ("a.csv: 5, 6", "b.csv: high"))
    every_word_is_there(result)


# --- cancellations and returns


def bought(*rows: tuple[str, str | None, int, str, int]) -> pl.DataFrame:
    """Rows of (order, customer, day, product, quantity)."""
    frame = pl.DataFrame(rows, schema=["order_id", "customer_id", "day", "product", "quantity"], orient="row")
    return frame.with_columns(
        ordered_at=pl.lit(datetime(2024, 1, 1)) + pl.duration(days=pl.col("day")),
        amount=pl.col("quantity") * 100,
        kind=pl.when(pl.col("quantity") < 0).then(pl.lit("return")).otherwise(pl.lit("sale")),
    )


def test_returns_find_their_order_by_number() -> None:
    found = match_reversals(
        bought(("1", "a", 0, "Tea", 2), ("R1", "a", 1, "Tea", -1), ("C2", "b", 1, "Pot", -3), ("2", "b", 0, "Pot", 3))
    )
    assert found is not None
    assert found.by_number
    assert found.lines.rows() == [(1, "1"), (2, "2")]
    assert (found.value, found.value_matched) == (400, 400)
    assert match_reversals(bought(("1", "a", 0, "Tea", 2))) is None


def test_returns_find_a_purchase_of_at_least_as_much() -> None:
    found = match_reversals(
        bought(
            ("1", "a", 0, "Tea", 5),
            ("C9", "a", 1, "Tea", -3),  # of order 1
            ("C8", "a", 2, "Tea", -3),  # only 2 are left
            ("2", "a", 3, "Tea", 4),
            ("C7", "a", 4, "Tea", -4),  # of order 2
            ("C6", "b", 4, "Tea", -1),  # somebody else
            ("C5", None, 4, "Tea", -1),  # nobody known
            ("3", "b", 5, "Tea", 1),  # bought later
        )
    )
    assert found is not None
    assert not found.by_number
    assert found.lines.rows() == [(1, "1"), (2, None), (4, "2"), (5, None), (6, None)]
    assert (found.lines["original"].count(), found.value, found.value_matched) == (2, 1200, 700)


_TRADE = st.tuples(
    st.sampled_from("ab"), st.integers(0, 6), st.sampled_from(["Tea", "Pot"]), st.sampled_from([1, 2, 5, -1, -2, -4])
)


@settings(max_examples=60, deadline=None)
@given(st.lists(_TRADE, min_size=1, max_size=25))
def test_matching_equals_a_naive_walk(rows: list[tuple[str, int, str, int]]) -> None:
    frame = bought(*((f"X{i}", who, day, what, n) for i, (who, day, what, n) in enumerate(rows)))
    found = match_reversals(frame)
    order = sorted(range(len(rows)), key=lambda i: (rows[i][1], rows[i][3] < 0, abs(rows[i][3]), f"X{i}", i))
    left: dict[tuple[str, str], int] = {}
    last: dict[tuple[str, str], str] = {}
    expected: dict[int, str | None] = {}
    for i in order:
        who, _day, what, n = rows[i]
        key = (who, what)
        if n > 0:
            left[key], last[key] = left.get(key, 0) + n, f"X{i}"
        else:
            expected[i] = last[key] if left.get(key, 0) >= -n else None
            left[key] = max(0, left.get(key, 0) + n)
    assert (dict(found.lines.rows()) if found else {}) == expected


def test_online_retail_cancellations_have_their_purchases(shared_data: Callable[[str], Path]) -> None:
    result = online_retail(shared_data("online_retail") / "by-day.zip")
    found = match_reversals(result.dataset.tables["transactions"])
    assert found is not None
    assert (found.by_number, found.lines.height) == (False, 8_668)
    assert found.value == 475_901_160  # thousandths of a pound
    assert found.lines["original"].count() / found.lines.height == pytest.approx(0.8535, abs=0.001)
    assert (found.value_matched or 0) / found.value == pytest.approx(0.9387, abs=0.001)
    (matched,) = result.report.find("reversals_of_purchases")
    (alone,) = result.report.find("reversal_without_purchase")
    assert matched.n_rows + alone.n_rows == 8_668
    # Every gap is the Christmas break or an English bank holiday.
    (christmas,) = result.report.find("days_missing")
    assert christmas.examples == ("2010-12-24 – 2011-01-03",)
    (holidays,) = result.report.find("days_closed")
    assert holidays.examples == ("2011-04-22 – 2011-04-25", "2011-04-29", "2011-05-02", "2011-05-30", "2011-08-29")
    drift = [i for i in result.report.issues if i.code.startswith(("category_", "id", "constant", "nearly"))]
    assert drift == []


# --- exports that overlap

JANUARY = """1,ann,2024-01-30 10:00:00,Tea,2,1.50
2,bob,2024-01-31 10:00:00,Pot,1,20
2,bob,2024-01-31 10:00:00,Tea,1,1.50
,,2024-01-31,Pot,1,20
"""
FEBRUARY = """2,bob,2024-01-31 10:00:00,Tea,1,1.50
2,bob,2024-01-31 10:00:00,Pot,1,20
2,bob,2024-01-31 10:00:00,Pot,2,20
,,2024-01-31,Pot,1,20
3,eve,2024-02-01 10:00:00,Pot,1,20
"""


def test_a_row_of_two_exports_counts_once() -> None:
    one, two = orders(HEAD + JANUARY, name="january.csv"), orders(HEAD + FEBRUARY, name="february.csv")
    result = validate([one, two])
    assert result.merged.rows() == [
        ("transactions", "february.csv", 1, 3, "january.csv"),
        ("transactions", "february.csv", 2, 2, "january.csv"),
    ]
    assert [(b.rows_in, b.kept, b.merged) for b in result.report.balances] == [(4, 4, 0), (5, 3, 2)]
    assert counts(result)["overlapping_files", ""] == 2
    assert counts(result)["repeated_rows", ""] == 1  # no order, no time of day: perhaps two sales
    assert result.dataset.tables["transactions"].height == 7
    every_word_is_there(result)
    turned = validate([two, one]).dataset
    assert digest_frame(turned.tables["transactions"]) == digest_frame(result.dataset.tables["transactions"])
    kept = validate([one, two], QualitySpec(overlaps="keep"))
    assert kept.merged.height == 0
    assert kept.report.find("overlapping_files")[0].severity == "check"


def test_lines_that_rightly_stand_twice_stay_twice() -> None:
    def lines(n: int, *, day: str = "2024-01-31") -> str:
        return HEAD.strip() + ",line\n" + "".join(f"7,ann,{day} 10:00:00,Tea,1,2,{k}\n" for k in range(n))

    for n_one, n_two in ((2, 2), (1, 3), (3, 1)):
        result = validate([orders(lines(n_one), name="a.csv"), orders(lines(n_two) + " ", name="b.csv")])
        assert result.dataset.tables["transactions"].height == max(n_one, n_two)
        assert result.report.balances[1].merged == min(n_one, n_two)
    apart = validate([orders(lines(2), name="a.csv"), orders(lines(2, day="2024-02-01"), name="b.csv")])
    assert apart.dataset.tables["transactions"].height == 4


def test_columns_that_only_one_file_has_do_not_hide_a_repeat() -> None:
    one = orders(HEAD + JANUARY, name="a.csv")
    text = HEAD.strip() + ",place\n" + "".join(line + ",Taipei\n" for line in FEBRUARY.splitlines())
    result = validate([one, orders(text, ("place", "city"), name="b.csv")])
    assert counts(result)["overlapping_files", ""] == 2


def test_a_customer_of_two_files_names_the_file_that_is_kept() -> None:
    one = people("id,city,joined\na,,2020-01-01\nb,Taipei,2020-01-01\n", name="old.csv")
    two = people("id,city,joined\na,Tainan,2020-01-01\n", name="new.csv")
    result = validate([one, two])
    assert result.merged.rows() == [("customers", "old.csv", 1, 1, "new.csv")]


_FIELDS = (
    st.sampled_from(["1", "2", "C2", ""]),
    st.sampled_from(["a", "b", ""]),
    st.sampled_from(["2024-01-01 10:00:00", "2024-01-01", "2024-01-02 10:00:00", "2024-02-30", ""]),
    st.sampled_from(["Tea", "Pot"]),
    st.sampled_from(["1", "-1", "x"]),
    st.sampled_from(["1.50", "-2", ""]),
)
_FILE = st.lists(st.tuples(*_FIELDS), min_size=1, max_size=10)


@settings(max_examples=20, deadline=None)
@given(st.lists(_FILE, min_size=2, max_size=3), st.sampled_from([QualitySpec(), QualitySpec(duplicates="keep")]))
def test_rows_of_overlapping_files_are_kept_or_set_aside_or_merged(
    files: list[list[tuple[str, ...]]], spec: QualitySpec
) -> None:
    tables = [
        orders(HEAD + "".join(",".join(row) + "\n" for row in rows) + f"end{i},z,2024-01-03,Pot,1,9\n", name=f"{i}.csv")
        for i, rows in enumerate(files)
    ]
    result = validate(tables, spec)
    for i, (table, balance) in enumerate(zip(tables, result.report.balances, strict=True)):
        assert balance.rows_in == table.raw.n_rows == balance.kept + balance.quarantined + balance.merged
        assert result.quarantine.filter(pl.col("source") == f"{i}.csv").height == balance.quarantined
        assert result.merged.filter(pl.col("source") == f"{i}.csv").height == balance.merged
    assert result.dataset.tables["transactions"].height == sum(b.kept for b in result.report.balances)
    merged = result.merged.with_columns(
        into=pl.coalesce("into_source", "source") if "into_source" in result.merged.columns else "source"
    )
    gone = set(merged.select("source", "row_number").rows()) | set(
        result.quarantine.select("source", "row_number").rows()
    )
    assert len(gone) == merged.height + result.quarantine.height
    across = merged.filter(pl.col("into") != pl.col("source"))
    assert not gone & set(across.select("into", "into_row_number").rows())  # what others went into is still there
    assert result.report.balances[0].merged == merged.filter(pl.col("source") == "0.csv").height
    turned = validate(tables[::-1], spec).dataset
    assert digest_frame(turned.tables["transactions"]) == digest_frame(result.dataset.tables["transactions"])


# --- a table without rows, thresholds, meaning


def test_a_table_none_of_whose_rows_can_be_used_blocks_and_says_why() -> None:
    result = validate([orders(HEAD + "1,a,2024-01-01,x,1,-2\n2,a,2024-02-30,x,1,2\n3,a,2024-01-02,x,1,-2\n")])
    (issue,) = result.report.find("no_rows_left")
    assert (issue.severity, issue.n_rows, issue.examples) == ("block", 3, ("negative_price", "impossible_date"))
    assert result.quarantine.height == 3
    assert dict(result.dataset.tables) == {}
    every_word_is_there(result)
    choices = Workspace()
    empty = observe(
        settle_currency(result.dataset, choices.currencies).dataset, choices.population, choices.definitions
    )
    with pytest.raises(AnalysisError, match="table_missing"):
        summarise_customers(empty)
    # The other tables do not wait for it.
    both = validate([orders(HEAD + "1,a,2024-01-01,x,1,-2\n"), people("id,city\na,Taipei\n")])
    assert list(both.dataset.tables) == ["customers"]


def test_thresholds_are_refused_outside_their_range() -> None:
    words = load()
    for field, (low, high) in THRESHOLDS.items():
        assert f"field.{field}" in words
        default = getattr(QualitySpec(), field)
        assert low <= default <= high
        for value in (low, high):
            assert getattr(QualitySpec(**{field: type(default)(value)}), field) == value
        wrong: dict[str, Any] = {field: type(default)(high * 2)}
        with pytest.raises(AnalysisError, match="threshold_invalid") as caught:
            QualitySpec(**wrong)
        assert words["error.threshold_invalid.remedy"].format(**caught.value.params)


def test_without_quantities_amounts_far_beyond_the_usual_are_told() -> None:
    rows = "".join(f"{k},c{k % 40},2024-01-{1 + k % 28:02d},{10 + k % 9}.00\n" for k in range(300))
    text = "order,customer,at,total\n" + rows + "900,z,2024-01-09,9000.00\n"
    columns = (("order", "order_id"), ("customer", "customer_id"), ("at", "ordered_at"), ("total", "amount"))
    table = apply_mapping(read(text.encode(), "a.csv"), MappingSpec("transactions", columns))
    (found,) = validate([table]).report.find("outlier_amount")
    assert (found.n_rows, found.examples) == (1, ("9000.0",))
    assert not validate([table], QualitySpec(outlier_times_usual=600.0)).report.find("outlier_amount")


def test_thresholds_decide() -> None:
    rows = "".join(f"{k},c{k},2024-01-{1 + k % 28:02d} 10:0{k % 10}:00,Tea,{1 + k % 5},2\n" for k in range(300))
    table = orders(HEAD + rows + "900,z,2024-01-09 10:00:00,Tea,120,2\n901,z,2024-01-09 10:30:00,Tea,120,2\n")
    assert counts(validate([table]))["outlier_quantity", "quantity"] == 2
    assert validate([table], QualitySpec(outlier_times_usual=200.0)).report.find("outlier_quantity") == ()
    assert validate([table]).report.find("order_twice") == ()
    assert counts(validate([table], QualitySpec(order_twice_minutes=30)))["order_twice", "order_id"] == 1


def test_every_finding_has_its_meaning_and_every_meaning_its_words() -> None:
    words = load()
    named = {key.removeprefix("issue.") for key in words if key.startswith("issue.") and not key.endswith(".body")}
    assert named == set(CODES)
    choices = set(QualitySpec.__dataclass_fields__)
    for code in CODES:
        assert meaning(code).pages
        assert all((ROOT / "app_pages" / f"{page}.py").exists() for page in meaning(code).pages)
        assert set(meaning(code).choices) <= choices
        assert set(meaning(code).actions) <= set(get_args(Action))
        assert f"why.{meaning(code).reason}" in words
    assert {key.removeprefix("why.") for key in words if key.startswith("why.")} == {meaning(c).reason for c in CODES}
    for code in ("duplicate_rows", "overlapping_files", "zero_price", "spelling_variants"):
        assert meaning(code).choices
    with pytest.raises(KeyError):
        meaning("nothing_like_it")


def test_no_check_minds_the_order_of_rows() -> None:
    table = channel_orders(rename=True)
    result = validate([table])
    frame = result.dataset.tables["transactions"].with_columns(
        pl.lit(0, pl.UInt16).alias("#source"),
        pl.lit(None, pl.String).alias("#reason"),
        pl.lit(None, pl.UInt32).alias("#into"),
    )
    covered = {"transactions": (MONDAY, MONDAY + timedelta(days=299))}
    places = random.Random(2).sample(range(frame.height), frame.height)
    one, two = ({"transactions": other} for other in (frame, frame[places]))
    spec = QualitySpec()
    assert note_tables(one, one, covered, ["a.csv"], spec) == note_tables(two, two, covered, ["a.csv"], spec) != []


def test_a_large_table_is_sampled_by_content(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("analytics.quality.checks._SAMPLE", 200)
    (issue,) = validate([channel_orders(rename=True)]).report.find("category_renamed")
    assert (issue.field, issue.n_rows) == ("channel", 240)
