"""Mapped tables to a Dataset: every row accounted for, every finding counted as it stands in the file."""

from __future__ import annotations

import io
import json
import pickle
import random
import re
import zipfile
from collections.abc import Callable
from datetime import date, datetime
from functools import cache
from pathlib import Path

import msgspec
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.errors import AnalysisError
from analytics.i18n.phrases import load
from analytics.keys import digest_frame
from analytics.mapping import MappedTable, MappingSpec, apply_mapping, suggest_mapping
from analytics.quality import QualitySpec, ValidationResult, validate
from analytics.quality.calendar import covered_days
from analytics.quality.meaning import CODES
from analytics.reading import read
from analytics.schema import TABLES

ROOT = Path(__file__).parent.parent
ORDERS = (
    ("order", "order_id"),
    ("customer", "customer_id"),
    ("at", "ordered_at"),
    ("item", "product"),
    ("n", "quantity"),
    ("price", "unit_price"),
)


def orders(text: str, *more: tuple[str, str], name: str = "orders.csv") -> MappedTable:
    raw = read(text.encode(), name)
    known = [pair for pair in (*ORDERS, *more) if pair[0] in raw.columns]
    return apply_mapping(raw, MappingSpec("transactions", tuple(known)))


def own(data: bytes, name: str, table: str | None = None) -> MappedTable:
    raw = read(data, name)
    return apply_mapping(raw, suggest_mapping(raw, table).spec)


def counts(result: ValidationResult, table: str = "transactions") -> dict[tuple[str, str], int]:
    found: dict[tuple[str, str], int] = {}
    for issue in result.report.issues:
        if issue.table == table:
            found[issue.code, issue.field] = found.get((issue.code, issue.field), 0) + issue.n_rows
    return found


def said(result: ValidationResult) -> list[str]:
    return [caveat.code for caveat in result.caveats]


def every_word_is_there(result: ValidationResult) -> None:
    words = load()
    for issue in result.report.issues:
        for key in (f"issue.{issue.code}", f"issue.{issue.code}.body", f"severity.{issue.severity}"):
            assert key in words
        assert f"remedy.{issue.remedy}" in words
        assert issue.field not in TABLES[issue.table] or f"field.{issue.field}" in words
        assert issue.code in CODES
    for reason in result.quarantine["reason"].unique():
        assert f"reason.{reason}" in words
    for caveat in result.caveats:
        assert words[f"caveat.{caveat.code}"].format(**caveat.params)
        assert words[f"caveat.{caveat.code}.body"].format(**caveat.params)


# --- by hand

SIX = """order,customer,at,item,n,price
1,ann,2024-01-01 10:00:00,Tea,2,1.50
1,ann,2024-01-01 10:00:00,Tea,2,1.50
2,bob,2024-01-02 10:00:00,tea ,1,1.50
C2,bob,2024-01-03 10:00:00,Tea,-1,1.50
3,,2024-01-04 10:00:00,Pot,1,20
4,cid,2024-01-05 10:00:00,Pot,three,20
5,dan,2024-02-30 10:00:00,Pot,1,20
6,eve,2024-01-06 10:00:00,Pot,1,-20
7,fay,2024-01-07 10:00:00,Pot,5,0
8,fay,2024-01-08 10:00:00,Postage,1,4.95
,,,,,
Total,,,,12,
"""


def test_orders_without_number_quantity_or_amount_are_sales() -> None:
    raw = read(b"who,when,what\nann,2024-01-01,Tea\nbob,2024-01-02,Pot\nbob,2024-01-03,Tea\n", "baskets.csv")
    columns = (("who", "customer_id"), ("when", "ordered_at"), ("what", "product"))
    result = validate([apply_mapping(raw, MappingSpec("transactions", columns))])
    assert result.dataset.tables["transactions"]["kind"].to_list() == ["sale"] * 3


def test_six_customers_by_hand() -> None:
    result = validate([orders(SIX)])
    assert result.dataset.tables["transactions"].rows() == [
        ("ann", "1", datetime(2024, 1, 1, 10), "Tea", 2, 150, 300, "sale"),
        ("bob", "2", datetime(2024, 1, 2, 10), "Tea", 1, 150, 150, "sale"),
        ("bob", "C2", datetime(2024, 1, 3, 10), "Tea", -1, 150, -150, "cancellation"),
        ("fay", "7", datetime(2024, 1, 7, 10), "Pot", 5, 0, 0, "service"),
        ("fay", "8", datetime(2024, 1, 8, 10), "Postage", 1, 495, 495, "service"),
        (None, "3", datetime(2024, 1, 4, 10), "Pot", 1, 2000, 2000, "sale"),
    ]
    assert result.dataset.tables["transactions"].columns == [
        "customer_id",
        "order_id",
        "ordered_at",
        "product",
        "quantity",
        "unit_price",
        "amount",
        "kind",
    ]
    assert (result.dataset.as_of, result.dataset.money_digits, result.dataset.currency) == (date(2024, 1, 8), 2, "")
    assert result.quarantine.select("row_number", "reason").rows() == [
        (6, "not_a_number"),
        (7, "impossible_date"),
        (8, "negative_price"),
        (11, "blank_row"),
        (12, "totals_row"),
    ]
    assert result.quarantine.filter(pl.col("row_number") == 6)["n"].to_list() == ["three"]
    assert result.merged.rows() == [("transactions", "orders.csv", 2, 1)]
    (balance,) = result.report.balances
    assert (balance.rows_in, balance.kept, balance.quarantined, balance.merged) == (12, 6, 5, 1)
    assert counts(result) == {
        ("not_a_number", "quantity"): 1,
        ("impossible_date", "ordered_at"): 1,
        ("negative_price", "unit_price"): 1,
        ("zero_price", "unit_price"): 1,
        ("quantity_not_positive", "quantity"): 1,
        ("cancellations", "order_id"): 1,
        ("reversals_matched", "order_id"): 1,
        ("service_codes", "product_id"): 1,
        ("missing_customer", "customer_id"): 1,
        ("duplicate_rows", ""): 1,
        ("spelling_variants", "product"): 1,
        ("blank_rows", ""): 1,
        ("totals_row", ""): 1,
    }
    every_word_is_there(result)


def test_every_repair_can_be_chosen() -> None:
    spec = QualitySpec(
        duplicates="keep",
        missing_customer="quarantine",
        negative_price="keep",
        zero_price="quarantine",
        unparsed="empty",
        service_codes="quarantine",
        spelling_variants="keep",
        missing_date="keep",
    )
    result = validate([orders(SIX)], spec)
    assert result.quarantine.select("row_number", "reason").rows() == [
        (5, "missing_customer"),
        (9, "zero_price"),
        (10, "service_code"),
        (11, "blank_row"),
        (12, "totals_row"),
    ]
    assert result.report.balances[0].merged == 0
    frame = result.dataset.tables["transactions"]
    assert frame.filter(pl.col("order_id") == "4")["quantity"].to_list() == [None]
    assert frame["product"].n_unique() == 3


def test_kinds_of_lines() -> None:
    text = "order,customer,at,item,n,price\n" + "".join(
        f"{i},c{i},2024-01-0{1 + i % 9} 09:00:00,Pot,{-1 if i % 10 == 9 else 1},5\n" for i in range(1, 31)
    )
    result = validate([orders(text + "R5,c5,2024-01-09 10:00:00,Pot,-1,5\nC6,c6,2024-01-09 10:00:00,Pot,-1,5\n")])
    kinds = dict(result.dataset.tables["transactions"]["kind"].value_counts().rows())
    assert kinds == {"sale": 27, "return": 4, "cancellation": 1}
    # A shop whose order numbers all begin with C has no cancellations.
    plain = text.replace("\n", "\nC").removesuffix("C")
    kinds = dict(validate([orders(plain)]).dataset.tables["transactions"]["kind"].value_counts().rows())
    assert kinds == {"sale": 27, "return": 3}


def test_amounts_are_derived_exactly_and_said() -> None:
    text = "order,customer,at,item,n,price,off\n1,a,2024-01-01,x,3,0.335,10%\n2,a,2024-01-02,x,-2,1.005,50%\n"
    result = validate([orders(text, ("off", "discount_share"))])
    frame = result.dataset.tables["transactions"].sort("order_id")
    assert result.dataset.money_digits == 3
    assert frame["amount"].to_list() == [905, -1005]  # 904.5 and -1005 thousandths, half away from zero
    assert "amount_derived" in said(result)
    given = text.replace("off\n", "off,total\n").replace("10%", "10%,0.90").replace("50%", "50%,")
    filled = validate([orders(given, ("off", "discount_share"), ("total", "amount"))])
    assert filled.dataset.tables["transactions"].sort("order_id")["amount"].to_list() == [900, -1005]
    assert counts(filled)["amount_filled", "amount"] == 1


def test_money_of_two_files_meets_at_the_finer_scale() -> None:
    one = orders("order,customer,at,item,n,price\n1,a,2024-01-01,x,1,12\n", name="one.csv")
    two = orders("order,customer,at,item,n,price\n2,b,2024-01-02,x,1,0.125\n", name="two.csv")
    result = validate([one, two])
    assert result.dataset.money_digits == 3
    assert result.dataset.tables["transactions"].sort("order_id")["amount"].to_list() == [12_000, 125]
    assert [balance.kept for balance in result.report.balances] == [1, 1]
    assert [source.name for source in result.dataset.sources] == ["one.csv", "two.csv"]


# --- bad input


def test_all_ids_missing() -> None:
    result = validate([orders("order,customer,at,item,n,price\n1,,2024-01-01,x,1,2\n2,NULL,2024-01-02,x,1,2\n")])
    assert result.report.find("all_ids_missing")[0].n_rows == 2
    assert "all_ids_missing" in said(result)
    assert result.dataset.tables["transactions"].height == 2
    assert not result.dataset.has("transactions.customer_id")
    every_word_is_there(result)


def test_dates_in_two_formats() -> None:
    rows = [f"{i},a,2024-01-{i:02d},x,1,2" for i in range(1, 21)] + [f"{i},a,{i}/02/2024,x,1,2" for i in range(21, 27)]
    result = validate([orders("order,customer,at,item,n,price\n" + "\n".join(rows))])
    (issue,) = result.report.find("two_date_formats")
    assert (issue.n_rows, issue.examples, issue.severity) == (6, ("ymd", "dmy"), "check")
    assert (result.dataset.as_of, result.quarantine.height) == (date(2024, 2, 26), 0)
    every_word_is_there(result)


def test_text_in_the_amount_column() -> None:
    text = "order,customer,at,total\n1,a,2024-01-01,12.50\n2,b,2024-01-02,call us\n3,c,2024-01-03,7\n"
    result = validate([orders(text, ("total", "amount"))])
    assert result.quarantine.select("row_number", "reason", "total").rows() == [(2, "not_a_number", "call us")]
    assert result.report.find("not_a_number")[0].examples == ("call us",)
    every_word_is_there(result)


def test_a_column_of_nothing_but_text_blames_the_mapping_not_the_rows() -> None:
    text = "order,customer,at,total\n1,a,2024-01-01,x\n2,b,2024-01-02,y\n3,c,2024-01-03,z\n"
    result = validate([orders(text, ("total", "amount"))])
    (issue,) = result.report.find("not_a_number")
    assert (issue.severity, issue.remedy, result.quarantine.height) == ("block", "choose", 0)


def test_one_customer_and_one_order() -> None:
    one = validate([orders("order,customer,at,item,n,price\n1,a,2024-01-01,x,1,2\n1,a,2024-01-01,y,1,2\n")])
    assert {"one_customer", "one_order"} <= set(said(one))
    assert one.dataset.tables["transactions"].height == 2
    every_word_is_there(one)


def test_refusals() -> None:
    table = orders("order,customer,at,item,n,price\n1,a,2024-01-01,x,1,2\n")
    cases: list[tuple[list[MappedTable], str]] = [
        ([], "nothing_to_validate"),
        ([table, table], "same_file_twice"),
    ]
    words = load()
    for tables, code in cases:
        with pytest.raises(AnalysisError) as caught:
            validate(tables)
        assert caught.value.code == code
        assert words[f"error.{code}"].format(**caught.value.params)
    with pytest.raises(AnalysisError):
        QualitySpec(currency="pounds")


def test_no_dates_at_all() -> None:
    result = validate([orders("order,customer,item\n1,a,x\n2,b,y\n")])
    assert (result.dataset.as_of, said(result)) == (date(1970, 1, 1), ["as_of_unknown"])
    told = validate([orders("order,customer,item\n1,a,x\n2,b,y\n")], QualitySpec(as_of=date(2024, 5, 1)))
    assert (told.dataset.as_of, said(told)) == (date(2024, 5, 1), [])


# --- dates, repeats, customers, spellings, orphans


def test_the_end_of_observation_ignores_mistyped_years() -> None:
    days = [date.fromordinal(date(2023, 1, 1).toordinal() + i // 3) for i in range(900)]
    assert covered_days(pl.Series(days)) == (days[0], days[-1])
    wrong = [date(2032, 3, 1), date(2026, 1, 1), date(1900, 1, 1)]
    assert covered_days(pl.Series(days + wrong)) == (days[0], days[-1])
    # A shop that fades away is no error, nor is one with few orders.
    fading = [day for i, day in enumerate(days) if i % (1 + i // 60) == 0]
    assert covered_days(pl.Series(fading)) == (fading[0], fading[-1])
    few = [date(2020, 1, 1), date(2021, 6, 1), date(2024, 1, 1)]
    assert covered_days(pl.Series(few)) == (few[0], few[-1])
    assert covered_days(pl.Series([None], dtype=pl.Date)) == (None, None)


def test_a_chosen_as_of_sets_later_rows_aside() -> None:
    text = "order,customer,at,item,n,price\n" + "".join(f"{i},a,2024-01-{i:02d},x,1,2\n" for i in range(1, 11))
    result = validate([orders(text)], QualitySpec(as_of=date(2024, 1, 7)))
    assert result.dataset.as_of == date(2024, 1, 7)
    assert result.quarantine["reason"].to_list() == ["future_date"] * 3
    kept = validate([orders(text)], QualitySpec(as_of=date(2024, 1, 7), future_dates="keep"))
    assert kept.dataset.tables["transactions"].height == 10


def test_equal_purchases_without_order_or_time_are_two_purchases() -> None:
    text = "customer,at,total\na,2024-01-01,5\na,2024-01-01,5\nb,2024-01-01 10:30:00,5\nb,2024-01-01 10:30:00,5\n"
    result = validate([orders(text, ("total", "amount"))])
    assert counts(result)["repeated_rows", ""] == 1
    assert counts(result)["duplicate_rows", ""] == 1
    assert result.merged["row_number"].to_list() == [4]


def test_one_row_per_customer() -> None:
    text = "id,city,joined,tier\na,Taipei,2020-01-01,\na,Taipei,2021-01-01,gold\nb,,2020-01-01,\nb,,2020-01-01,\n"
    people = own(text.encode(), "customers.csv", "customers")
    result = validate([people])
    frame = result.dataset.tables["customers"]
    assert frame["customer_id"].to_list() == ["a", "b"]
    assert frame["tier"].to_list() == ["gold", None]
    assert sorted(result.merged.select("row_number", "into_row_number").rows()) == [(1, 2), (4, 3)]
    assert validate([people], QualitySpec(same_customer="keep")).dataset.tables["customers"].height == 3


def test_spellings_and_scripts() -> None:
    cities = ["Taipei"] * 5 + ["taipei ", "TAIPEI", "台北", "臺北", "Tainan"]
    text = "order,customer,at,n,price,city\n" + "".join(
        f"{i},c{i},2024-01-01,1,5,{city}\n" for i, city in enumerate(cities)
    )
    result = validate([orders(text, ("city", "city"))])
    assert counts(result)["spelling_variants", "city"] == 2
    (issue,) = result.report.find("other_spellings")
    assert (issue.n_rows, issue.examples) == (2, ("Taipei / 台北 / 臺北",))
    assert sorted(result.dataset.tables["transactions"]["city"].unique()) == ["Tainan", "Taipei", "台北", "臺北"]


def test_orphans_both_ways_and_test_accounts() -> None:
    people = own(b"customer_id,name,gender\na,Ann,F\nb,Bob,M\nTEST01,Test,M\n", "customers.csv", "customers")
    lines = orders(
        "order,customer,at,item,n,price\n1,a,2024-01-01,x,1,2\n2,z,2024-01-02,x,1,2\n3,TEST01,2024-01-02,x,1,2\n"
    )
    result = validate([people, lines])
    assert counts(result)["orphans", "customer_id"] == 1
    assert counts(result)["test_accounts", "customer_id"] == 1
    assert counts(result, "customers")["customers_without_orders", "customer_id"] == 1
    types = dict(result.dataset.tables["customers"].select("customer_id", "account_type").rows())
    assert types == {"a": None, "b": None, "TEST01": "test"}
    away = validate([people, lines], QualitySpec(test_accounts="quarantine"))
    assert away.quarantine["reason"].to_list() == ["test_account"] * 2
    every_word_is_there(result)


def test_impossible_people_and_ratings() -> None:
    people = own(
        b"customer_id,birth_year,email,joined_at,left_at\na,1850,x@y.org,2024-01-01,2023-01-01\nb,1990,x#y,2024-01-01,\n",
        "customers.csv",
        "customers",
    )
    reviews = own(
        ("customer_id,written_at,rating,text\n" + "a,2024-01-01,5,good enough\n" * 1 + "".join(
            f"c{i},2024-01-0{1 + i % 9},{1 + i % 5},fine number {i}\n" for i in range(40)
        ) + "z,2024-01-02,9,too many stars\n").encode(),
        "reviews.csv",
        "feedback",
    )  # fmt: skip
    result = validate([people, reviews])
    assert counts(result, "customers") == {
        ("impossible_birth_year", "birth_year"): 1,
        ("invalid_email", "email"): 1,
        ("left_before_joined", "left_at"): 1,
        ("missing", "left_at"): 1,
    }
    assert counts(result, "feedback")[("impossible_rating", "rating")] == 1
    assert result.dataset.tables["customers"]["birth_year"].to_list() == [None, 1990]
    every_word_is_there(result)


# --- invariance and balance


def test_order_of_rows_changes_nothing() -> None:
    lines = SIX.splitlines()
    header, body, tail = lines[0], lines[1:-2], lines[-2:]
    shuffled = random.Random(3).sample(body, len(body))
    one = validate([orders(SIX)]).dataset
    two = validate([orders("\n".join([header, *shuffled, *tail]))]).dataset
    assert digest_frame(one.tables["transactions"]) == digest_frame(two.tables["transactions"])
    assert one.key == two.key


def test_currency_times_a_hundred_finds_the_same() -> None:
    dear = re.sub(r"(?m)(-?\d+(?:\.\d+)?)$", lambda price: f"{float(price[1]) * 100:.2f}", SIX)
    assert "150.00" in dear
    one, two = validate([orders(SIX)]), validate([orders(dear)])
    assert counts(one) == counts(two)
    shares = [[issue.revenue_share for issue in result.report.issues] for result in (one, two)]
    assert shares[0] == pytest.approx(shares[1])


def test_spec_and_result_cross_borders() -> None:
    spec = QualitySpec(as_of=date(2024, 1, 8), currency="TWD", zero_price="keep")
    assert msgspec.convert(msgspec.json.decode(msgspec.json.encode(spec)), QualitySpec, strict=True) == spec
    result = validate([orders(SIX)])
    again = pickle.loads(pickle.dumps(result))
    assert again.dataset.key == result.dataset.key
    assert again.report == result.report
    assert result.key == validate([orders(SIX)]).key != validate([orders(SIX)], spec).key


_CELL = {
    "order": st.sampled_from(["1", "2", "C2", "R1", "", "Total"]),
    "customer": st.sampled_from(["a", "b", "", "guest", "TEST1", "17850.0"]),
    "at": st.sampled_from(["2024-01-01", "2024-02-30", "2/13/2024", "03/02/2024", "", "soon", "2024-01-05 10:00:00"]),
    "item": st.sampled_from(["Tea", "tea", "POST", "", '"two, words"']),
    "n": st.sampled_from(["1", "-1", "0", "0.5", "", "x"]),
    "price": st.sampled_from(["1.50", "0", "-2", "", "free", '"1,234.5"', "£3", "€4"]),
}


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.tuples(*_CELL.values()), min_size=1, max_size=15),
    st.lists(st.integers(0, 14), max_size=3),
    st.sampled_from([QualitySpec(), QualitySpec(duplicates="keep", unparsed="empty", missing_customer="quarantine")]),
)
def test_rows_in_are_kept_or_quarantined_or_merged(
    rows: list[tuple[str, ...]], long: list[int], spec: QualitySpec
) -> None:
    lines = [",".join(row) + (",extra" if i in long else "") for i, row in enumerate(rows)]
    table = orders(",".join(_CELL) + "\n" + "\n".join(lines) + "\nend,z,2024-01-09,Pot,1,9\n")
    result = validate([table], spec)
    (balance,) = result.report.balances
    assert balance.rows_in == table.raw.n_rows == balance.kept + balance.quarantined + balance.merged
    assert balance.kept == result.dataset.tables["transactions"].height
    assert balance.quarantined == result.quarantine.height
    assert balance.merged == result.merged.height
    touched = [*result.quarantine["row_number"], *result.merged["row_number"]]
    assert len(touched) == len(set(touched))


# --- published


@cache
def online_retail(archive: Path) -> ValidationResult:
    with zipfile.ZipFile(archive) as zipped:
        days = [zipped.read(name) for name in sorted(zipped.namelist()) if name.endswith(".csv")]
    data = days[0].rstrip(b"\n") + b"\n" + b"".join(day.split(b"\n", 1)[1].rstrip(b"\n") + b"\n" for day in days[1:])
    raw = read(data, "online_retail.csv")
    return validate([apply_mapping(raw, suggest_mapping(raw).spec)])


def test_online_retail_has_its_published_counts(shared_data: Callable[[str], Path]) -> None:
    result = online_retail(shared_data("online_retail") / "by-day.zip")
    found = counts(result)
    assert found["missing_customer", "customer_id"] == 135_080
    assert found["cancellations", "order_id"] == 9_288
    assert found["duplicate_rows", ""] == 5_268
    assert found["quantity_not_positive", "quantity"] == 10_624
    assert found["zero_price", "unit_price"] == 2_515
    assert found["negative_price", "unit_price"] == 2
    assert found["missing", "product"] == 1_454
    (balance,) = result.report.balances
    assert (balance.rows_in, balance.kept, balance.quarantined, balance.merged) == (541_909, 536_639, 2, 5_268)
    assert round(result.report.find("missing_customer")[0].revenue_share or 0, 2) == 0.16
    every_word_is_there(result)


def test_online_retail_is_exact_to_the_thousandth(shared_data: Callable[[str], Path]) -> None:
    archive = shared_data("online_retail") / "by-day.zip"
    dataset = online_retail(archive).dataset
    assert (dataset.as_of, dataset.money_digits) == (date(2011, 12, 9), 3)
    frame = dataset.tables["transactions"]
    assert frame["customer_id"].drop_nulls().n_unique() == 4_372
    assert frame["country"].n_unique() == 38
    raw = pl.read_parquet(archive.parent / "derived_online_retail.parquet")
    thousandths = (pl.col("UnitPrice") * 1000).round().cast(pl.Int64) * pl.col("Quantity")
    assert raw.select(thousandths.sum()).item() == 9_747_747_934
    everything = raw.unique().filter(pl.col("UnitPrice") >= 0).select(thousandths.sum()).item()
    assert frame["amount"].sum() == everything


def test_files_without_identity_lose_no_row(shared_data: Callable[[str], Path]) -> None:
    hillstrom = shared_data("hillstrom") / "hillstrom.csv"
    result = validate([own(hillstrom.read_bytes(), "hillstrom.csv")])
    assert result.dataset.tables["campaigns"].height == 64_000
    assert result.report.find("repeated_rows")[0].n_rows == 6_562
    cdnow = validate([own((shared_data("cdnow") / "CDNOW_master.txt").read_bytes(), "cdnow.txt")])
    frame = cdnow.dataset.tables["transactions"]
    assert (frame.height, frame["amount"].sum(), frame["quantity"].sum()) == (69_659, 250_031_563, 167_881)
    assert cdnow.report.find("repeated_rows")[0].n_rows == 255
    assert cdnow.report.find("zero_amount")[0].n_rows == 80


# --- planted


def world(folder: str, pattern: str) -> list[Path]:
    return sorted((ROOT / "sample_data" / folder).glob(pattern))


def test_the_sample_world_raises_no_false_alarm() -> None:
    tables = [own(path.read_bytes(), path.name) for path in world("marketplace", "*.parquet")]
    assert len(tables) == 7
    result = validate(tables)
    assert {issue.code for issue in result.report.issues if issue.severity != "note"} == {"missing_customer"}
    assert result.caveats == ()
    assert result.quarantine.height == result.merged.height == 0
    source = pl.read_parquet(ROOT / "sample_data" / "marketplace" / "transactions.parquet")
    frame = result.dataset.tables["transactions"]
    assert frame["amount"].sum() == int(source["amount"].sum() * 100)
    prefix = dict(source["order_id"].str.extract(r"^([A-Z])").alias("p").value_counts().rows())
    kinds = dict(frame["kind"].value_counts().rows())
    assert kinds == {"sale": prefix[None], "return": prefix["R"], "cancellation": prefix["C"]}
    assert result.dataset.as_of == source["ordered_at"].max().date()


def test_every_defect_of_the_dirty_world_is_found() -> None:
    truth = json.loads((ROOT / "sample_data" / "truth" / "marketplace_dirty" / "defects.json").read_text("utf-8"))
    tables = [own(path.read_bytes(), path.name) for path in world("marketplace_dirty", "*.csv")]
    for table in tables:
        told = truth["files"][table.raw.name]
        assert table.raw.decided.encoding.removesuffix("hkscs") == told["encoding"]
        assert table.raw.decided.delimiter == told["delimiter"]
        assert table.raw.n_rows == told["rows"]
        assert {field: column for column, field in table.spec.columns}.items() <= told["headers"].items()
    result = validate(tables)
    planted = {(d["file"], d["code"]): d["rows"] for d in truth["defects"]}
    orders_file, members, reviews = "orders_export.csv", "members_big5.csv", "reviews_gb18030.csv"
    second, calls = "orders_june_export.csv", "calls_export.csv"

    def n_lines(code: str) -> int:
        return len(planted.get((orders_file, code), [])) + len(planted.get((second, code), []))

    set_aside = {
        (orders_file, "future_date"): "future_date",
        (orders_file, "impossible_date"): "impossible_date",
        (orders_file, "negative_price"): "negative_price",
        (orders_file, "blank_row"): "blank_row",
        (orders_file, "totals_row"): "totals_row",
        (reviews, "impossible_date"): "impossible_date",
    }
    for (file, code), reason in set_aside.items():
        rows = result.quarantine.filter((pl.col("source") == file) & (pl.col("reason") == reason))["row_number"]
        assert sorted(rows) == sorted(planted[file, code]), code
    assert result.quarantine.height == sum(len(planted[key]) for key in set_aside)
    pairs = {(d["file"], d["code"]): zip(d["rows"], d.get("of_rows", []), strict=False) for d in truth["defects"]}
    merged = result.merged.with_columns(pl.col("into_source").fill_null(pl.col("source")))
    for file, code, into in (
        (orders_file, "duplicate_line", orders_file),
        (reviews, "duplicate_review", reviews),
        (second, "overlapping_line", orders_file),
    ):
        rows = merged.filter((pl.col("source") == file) & (pl.col("into_source") == into))
        found = set(rows.select("row_number", "into_row_number").rows())
        wanted = set(pairs[file, code]) if into != file else {(max(pair), min(pair)) for pair in pairs[file, code]}
        assert found == wanted, code
    assert merged.height == sum(
        len(planted[key]) for key in planted if key[1] in ("duplicate_line", "duplicate_review", "overlapping_line")
    )

    lines = counts(result)
    for code, issue in (
        ("missing_customer", ("missing_customer", "customer_id")),
        ("second_date_format", ("two_date_formats", "ordered_at")),
        ("amount_not_a_number", ("amount_filled", "amount")),
        ("zero_price", ("zero_price", "unit_price")),
        ("unit_jump", ("unit_jump", "unit_price")),
        ("outlier_quantity", ("outlier_quantity", "quantity")),
        ("orphan_customer", ("orphans", "customer_id")),
        ("duplicate_order", ("order_twice", "order_id")),
        ("test_account", ("test_accounts", "customer_id")),
        ("service_code", ("service_codes", "product_id")),
        ("cancellation_without_original", ("cancellation_without_original", "order_id")),
    ):
        assert lines[issue] == n_lines(code), code
    spellings = lines["spelling_variants", "city"] + lines["other_spellings", "city"]
    assert spellings == pytest.approx(n_lines("city_variant"), rel=0.05)  # blanks are trimmed
    (gap,) = result.report.find("days_missing")
    days = truth["lost"]["days"]
    assert (gap.n_days, gap.examples) == (len(days), (f"{days[0]} – {days[-1]}",))
    assert result.report.find("days_closed") == ()
    gone = {
        (file, row)
        for frame in (result.quarantine, result.merged)
        for file, row in frame.select("source", "row_number").rows()
    }
    for code, issue, field, change in (
        ("channel_renamed", "category_renamed", "channel", "web → online shop (2026-02-0"),
        ("id_form_changed", "id_form_changes", "product_id", "P0001 → P-0001 (2026-04-15)"),
    ):
        rows = {(file, row) for file in (orders_file, second) for row in planted[file, code]}
        (drift,) = result.report.find(issue)
        assert (drift.field, drift.n_rows, len(drift.examples)) == (field, len(rows - gone), 1)
        assert drift.examples[0].startswith(change)
    (strange,) = result.report.find("ids_written_otherwise")
    assert (strange.table, strange.source, strange.n_rows) == (
        "contacts",
        calls,
        len(planted[calls, "id_written_otherwise"]),
    )
    assert {(i.table, i.field) for i in result.report.find("nearly_unique_column")} == {
        ("customers", "卡號"),
        ("feedback", "评论编号"),
    }
    assert [(i.table, i.field) for i in result.report.find("constant_column")] == [("customers", "狀態")]
    people = counts(result, "customers")
    assert people["impossible_birth_year", "birth_year"] == len(planted[members, "impossible_birth_year"])
    assert people["invalid_email", "email"] == len(planted[members, "invalid_email"])
    assert people["test_accounts", "customer_id"] == len(planted[members, "test_account"])
    told = counts(result, "feedback")
    assert told["impossible_rating", "rating"] == len(planted[reviews, "rating_out_of_range"])
    assert told["missing", "text"] == len(planted[reviews, "empty_text"])
    assert told["orphans", "customer_id"] == len(planted[reviews, "orphan_customer"])
    assert result.dataset.currency == "TWD"
    every_word_is_there(result)


def test_marketplace_reads_the_same_from_csv_as_from_parquet() -> None:
    path = ROOT / "sample_data" / "marketplace" / "transactions.parquet"
    out = io.BytesIO()
    pl.read_parquet(path).write_csv(out)
    one = validate([own(path.read_bytes(), path.name)]).dataset
    two = validate([own(out.getvalue(), "transactions.csv")]).dataset
    assert one.key == two.key
