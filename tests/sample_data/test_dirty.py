from __future__ import annotations

import csv
import io
import json
import re
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest

from sample_data.changes import CALL_DEFECTS, FIRST_TO, IDS_CHANGED_ON, LOST_DAYS, RENAMED, RENAMED_ON, SECOND_FROM
from sample_data.dirty import CITY_VARIANTS, MEMBER_DEFECTS, ORDER_DEFECTS, REVIEW_DEFECTS, make_dirty, write_dirty
from sample_data.names import CITIES

DIRTY_CUSTOMERS, DIRTY_SEED = 700, 7

ISO = re.compile(r"^\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}$")
NUMBER = re.compile(r"^-?\d+(\.\d+)?$")


class Export:
    """One committed file, read with nothing but the csv module."""

    def __init__(self, folder: Path, truth: dict[str, Any], file: str) -> None:
        described = truth["files"][file]
        text = (folder / "marketplace_dirty" / file).read_bytes().decode(described["encoding"])
        header, *body = csv.reader(io.StringIO(text), delimiter=described["delimiter"])
        assert header == list(described["headers"].values())
        self.rows = [dict(zip(described["headers"], cells, strict=True)) for cells in body]
        assert len(self.rows) == described["rows"]
        self.defects = {e["code"]: e for e in truth["defects"] if e["file"] == file}

    def named(self, code: str) -> list[dict[str, str]]:
        return [self.rows[k - 1] for k in self.defects[code]["rows"]]

    def originals(self, code: str) -> list[dict[str, str]]:
        return [self.rows[k - 1] for k in self.defects[code]["of_rows"]]

    def numbers(self, *codes: str) -> set[int]:
        return {k for code in codes for k in self.defects[code]["rows"]}


@pytest.fixture(scope="module")
def truth(folder: Path) -> dict[str, Any]:
    path = folder / "truth" / "marketplace_dirty" / "defects.json"
    return json.loads(path.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def orders(folder: Path, truth: dict[str, Any]) -> Export:
    return Export(folder, truth, "orders_export.csv")


@pytest.fixture(scope="module")
def second(folder: Path, truth: dict[str, Any]) -> Export:
    return Export(folder, truth, "orders_june_export.csv")


@pytest.fixture(scope="module")
def calls(folder: Path, truth: dict[str, Any]) -> Export:
    return Export(folder, truth, "calls_export.csv")


@pytest.fixture(scope="module")
def members(folder: Path, truth: dict[str, Any]) -> Export:
    return Export(folder, truth, "members_big5.csv")


@pytest.fixture(scope="module")
def reviews(folder: Path, truth: dict[str, Any]) -> Export:
    return Export(folder, truth, "reviews_gb18030.csv")


def is_date(text: str, form: str) -> bool:
    try:
        datetime.strptime(text, form)
    except ValueError:
        return False
    return True


def test_committed_files_come_from_the_generator(folder: Path, truth: dict[str, Any]) -> None:
    files, made = make_dirty(DIRTY_CUSTOMERS, DIRTY_SEED)
    assert json.loads(json.dumps(made)) == truth
    assert {p.name for p in (folder / "marketplace_dirty").iterdir()} == set(files)
    for name, content in files.items():
        assert (folder / "marketplace_dirty" / name).read_bytes() == content, name


def test_every_planned_defect_is_there(
    orders: Export, second: Export, members: Export, reviews: Export, calls: Export
) -> None:
    assert set(orders.defects) == set(ORDER_DEFECTS)
    assert set(members.defects) == set(MEMBER_DEFECTS)
    assert set(reviews.defects) == set(REVIEW_DEFECTS)
    assert set(second.defects) <= {*ORDER_DEFECTS, "overlapping_line"}
    assert set(calls.defects) == set(CALL_DEFECTS)
    for export in (orders, second, members, reviews, calls):
        for entry in export.defects.values():
            assert entry["rows"] == sorted(set(entry["rows"]))
            assert 1 <= entry["rows"][0] <= entry["rows"][-1] <= len(export.rows)
            assert entry["description"]


def test_headers_mix_languages(truth: dict[str, Any]) -> None:
    headers = "".join(truth["files"]["orders_export.csv"]["headers"].values())
    assert "訂單編號" in headers
    assert "Customer No." in headers


def test_duplicate_lines_repeat_a_row_cell_by_cell(orders: Export, reviews: Export) -> None:
    assert orders.named("duplicate_line") == orders.originals("duplicate_line")
    assert reviews.named("duplicate_review") == reviews.originals("duplicate_review")
    seen: set[tuple[str, ...]] = set()
    repeated = set()
    for k, row in enumerate(orders.rows, start=1):
        key = tuple(row.values())
        if key in seen and any(key):
            repeated.add(k)
        seen.add(key)
    assert repeated == orders.numbers("duplicate_line")


def test_duplicate_orders_differ_in_number_and_seconds_only(orders: Export) -> None:
    for row, original in zip(orders.named("duplicate_order"), orders.originals("duplicate_order"), strict=True):
        same = set(row) - {"order_id", "ordered_at"}
        assert all(row[c] == original[c] for c in same)
        assert row["order_id"] != original["order_id"]
        assert row["ordered_at"][:17] == original["ordered_at"][:17] != ""
        assert row["ordered_at"] != original["ordered_at"]


def test_customers_missing_unknown_or_test(orders: Export, members: Export, reviews: Export) -> None:
    known = {row["customer_id"] for row in members.rows}
    missing, orphan, test = set(), set(), set()
    for k, row in enumerate(orders.rows, start=1):
        if k in orders.numbers("blank_row", "totals_row"):
            continue
        customer = row["customer_id"]
        if not customer:
            missing.add(k)
        elif customer.startswith("TEST"):
            test.add(k)
        elif customer not in known:
            orphan.add(k)
    assert missing == orders.numbers("missing_customer")
    assert orphan == orders.numbers("orphan_customer")
    assert test == orders.numbers("test_account")
    assert {row["customer_id"] for row in orders.named("test_account")} == {"TEST001", "TEST002"}
    assert {row["customer_id"] for row in members.named("test_account")} == {"TEST001", "TEST002"}
    assert all(row["customer_id"] not in known for row in reviews.named("orphan_customer"))


def test_dates(orders: Export) -> None:
    for row in orders.named("future_date"):
        assert date.fromisoformat(row["ordered_at"][:10]) > date(2026, 6, 30)
    for row in orders.named("impossible_date"):
        assert ISO.match(row["ordered_at"])
        assert not is_date(row["ordered_at"], "%Y-%m-%d %H:%M:%S")
    second = orders.named("second_date_format")
    assert all(is_date(row["ordered_at"], "%d/%m/%Y %H:%M") for row in second)
    assert any(int(row["ordered_at"][:2]) <= 12 for row in second)  # some could be read as month first


def test_amounts_and_prices(orders: Export) -> None:
    assert {row["amount"] for row in orders.named("amount_not_a_number")} == {"N/A"}
    assert all(re.match(r"^NT\$[\d,]+$", row["amount"]) for row in orders.named("amount_with_symbol"))
    assert any("," in row["amount"] for row in orders.named("amount_with_symbol"))
    assert all(float(row["unit_price"]) < 0 for row in orders.named("negative_price"))
    assert all(float(row["unit_price"]) == 0 for row in orders.named("zero_price"))
    assert all(int(row["quantity"]) >= 999 for row in orders.named("outlier_quantity"))


def test_the_unit_jump_is_one_stretch_of_cents(orders: Export) -> None:
    usual: dict[str, float] = {}
    jumped = orders.numbers("unit_jump")
    for k, row in enumerate(orders.rows, start=1):
        if k not in jumped and NUMBER.match(row["unit_price"]) and row["order_id"][:1].isdigit():
            usual[row["product_id"]] = max(usual.get(row["product_id"], 0), float(row["unit_price"]))
    sold = [row for row in orders.named("unit_jump") if int(row["quantity"]) > 0]
    assert len(sold) > 50
    assert all(float(row["unit_price"]) > 20 * usual[row["product_id"]] for row in sold)
    # nothing but inserted rows stands inside the stretch
    inside = set(range(min(jumped), max(jumped) + 1)) - jumped
    assert inside <= orders.numbers("duplicate_line", "duplicate_order", "service_code", "test_account", "blank_row",
        "cancellation_without_original")  # fmt: skip


def test_cities_are_spelled_in_variants(orders: Export, members: Export) -> None:
    variants = {v for spellings in CITY_VARIANTS.values() for v in spellings}
    for export in (orders, members):
        found = {k for k, row in enumerate(export.rows, start=1) if row["city"] in variants}
        assert found == export.numbers("city_variant")
    assert {"taipei ", "台北", "臺北", "Taibei"} <= {row["city"] for row in orders.named("city_variant")}


def test_service_codes_stand_among_the_products(orders: Export) -> None:
    found = {k for k, row in enumerate(orders.rows, start=1) if row["product_id"] in ("POST", "FEE")}
    assert found == orders.numbers("service_code")
    assert {row["product_id"] for row in orders.named("service_code")} == {"POST", "FEE"}


def test_cancellations_without_an_original(orders: Export) -> None:
    numbers = {row["order_id"] for row in orders.rows}
    back = [(k, row["order_id"]) for k, row in enumerate(orders.rows, start=1) if row["order_id"][:1] in ("R", "C")]
    found = {k for k, number in back if number[1:] not in numbers}
    assert found == orders.numbers("cancellation_without_original")
    assert {row["order_id"][0] for row in orders.named("cancellation_without_original")} == {"R", "C"}
    assert all(int(row["quantity"]) < 0 for row in orders.named("cancellation_without_original"))


def test_blank_rows_and_the_totals_row(orders: Export) -> None:
    assert all(not any(row.values()) for row in orders.named("blank_row"))
    (last,) = orders.defects["totals_row"]["rows"]
    assert last == len(orders.rows)
    total = sum(float(row["amount"]) for row in orders.rows[:-1] if NUMBER.match(row["amount"]))
    assert float(orders.rows[-1]["amount"]) == pytest.approx(total, abs=0.01)


def test_rows_without_a_named_defect_are_sound(orders: Export) -> None:
    cities = {name for name, _, _ in CITIES}
    still_sound = {"missing_customer", "orphan_customer", "duplicate_line", "duplicate_order", "channel_renamed"}
    still_sound.add("id_form_changed")
    touched = orders.numbers(*(set(orders.defects) - still_sound))
    sound = [row for k, row in enumerate(orders.rows, start=1) if k not in touched]
    assert len(sound) > 4000
    for row in sound:
        assert is_date(row["ordered_at"], "%Y-%m-%d %H:%M:%S")
        assert "2025-01-01" <= row["ordered_at"][:10] <= "2026-06-30"
        quantity, price, discount, amount = (
            round(float(row[c]) * 100) for c in ("quantity", "unit_price", "discount_amount", "amount")
        )
        assert amount * 100 == quantity * price - discount * 100
        assert price > 0
        assert row["city"] in cities
        assert re.match(r"^P-?\d{4}$", row["product_id"])


def test_before_damage_counts_the_same_lines(orders: Export, second: Export, truth: dict[str, Any]) -> None:
    added = {"duplicate_line", "duplicate_order", "service_code", "blank_row", "totals_row", "overlapping_line"}
    n = truth["lost"]["order_lines"]
    for export in (orders, second):
        inserted = export.numbers(*(added & set(export.defects)))
        doubtful = {"test_account", "cancellation_without_original"} & set(export.defects)
        inserted |= {k for k in export.numbers(*doubtful) if _is_made_up(export.rows[k - 1])}
        n += len(export.rows) - len(inserted)
    assert n == truth["before_damage"]["order_lines"]


def test_the_lost_days_have_no_line(orders: Export, truth: dict[str, Any]) -> None:
    lost = [date.fromisoformat(day) for day in truth["lost"]["days"]]
    assert [(day - lost[0]).days for day in lost] == list(range(LOST_DAYS))
    days = {row["ordered_at"][:10] for row in orders.rows}
    assert not days & set(truth["lost"]["days"])
    assert {"2025-05-24", "2025-05-31"} <= days


def test_names_and_ids_change_on_a_day(orders: Export, second: Export) -> None:
    for export in (orders, second):
        sound = (row for row in export.rows if is_date(row["ordered_at"], "%Y-%m-%d %H:%M:%S"))
        dated = [row for row in sound if row["ordered_at"] < "2026-07"]
        later = [row for row in dated if row["ordered_at"] >= RENAMED_ON]
        assert RENAMED[0] not in {row["channel"] for row in later}
        assert RENAMED[1] not in {row["channel"] for row in dated if row["ordered_at"] < RENAMED_ON}
        named = {k for k, row in enumerate(export.rows, start=1) if row["channel"] == RENAMED[1]}
        assert named == export.numbers("channel_renamed")
        dashed = {k for k, row in enumerate(export.rows, start=1) if row["product_id"].startswith("P-")}
        assert dashed == export.numbers("id_form_changed")
        plain = [row for row in dated if re.match(r"^P\d", row["product_id"])]
        assert all(row["ordered_at"] < IDS_CHANGED_ON for row in plain)


def test_the_second_export_repeats_and_continues_the_first(orders: Export, second: Export) -> None:
    entry = second.defects["overlapping_line"]
    assert entry["of_file"] == "orders_export.csv"
    assert len(entry["rows"]) > 50
    for k, of in zip(entry["rows"], entry["of_rows"], strict=True):
        assert second.rows[k - 1] == orders.rows[of - 1]
        assert SECOND_FROM <= second.rows[k - 1]["ordered_at"][:10] <= FIRST_TO
    others = [row for k, row in enumerate(second.rows, start=1) if k not in set(entry["rows"])]
    assert len(others) > 50
    assert all(row["ordered_at"][:10] > FIRST_TO for row in others)


def test_calls_know_members_by_their_number(calls: Export, members: Export) -> None:
    known = {row["customer_id"] for row in members.rows}
    assert all(re.match(r"^[1-9]\d*$", row["customer_id"]) for row in calls.rows if row["customer_id"])
    found = {k for k, row in enumerate(calls.rows, start=1) if f"C{row['customer_id']:0>7}" in known}
    assert found == calls.numbers("id_written_otherwise")


def _is_made_up(row: dict[str, str]) -> bool:
    number = row["order_id"].lstrip("RC")
    return number[6:8] in ("77", "88")


def test_members(members: Export, truth: dict[str, Any]) -> None:
    for row, original in zip(members.named("duplicate_person"), members.originals("duplicate_person"), strict=True):
        assert row["phone"] == original["phone"]
        assert row["name"] != original["name"]
        assert row["customer_id"] != original["customer_id"]
    assert all(not 1900 < int(row["birth_year"]) < 2015 for row in members.named("impossible_birth_year"))
    odd = {k for k, row in enumerate(members.rows, start=1) if "@" not in row["email"]}
    assert odd == members.numbers("invalid_email")
    years = [row["joined_at"] for row in members.rows if row["joined_at"]]
    assert all(re.match(r"^1\d\d/\d\d/\d\d$", y) for y in years)  # years of the Republic
    assert len(members.rows) < truth["before_damage"]["members"]
    assert len({row["card_no"] for row in members.rows}) == len(members.rows)
    assert len({row["status"] for row in members.rows}) == 1


def test_reviews(reviews: Export) -> None:
    assert all(not 1 <= int(row["rating"]) <= 5 for row in reviews.named("rating_out_of_range"))
    assert all(re.match(r"^[1-5]星$", row["rating"]) for row in reviews.named("rating_text"))
    assert {k for k, row in enumerate(reviews.rows, start=1) if not row["text"]} == reviews.numbers("empty_text")
    assert {
        k for k, row in enumerate(reviews.rows, start=1) if not is_date(row["written_at"], "%Y/%m/%d")
    } == reviews.numbers("impossible_date")


def test_same_seed_gives_the_same_bytes_and_another_seed_does_not() -> None:
    first, second, other = (make_dirty(80, seed) for seed in (4, 4, 5))
    assert first == second
    assert first[0] != other[0]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_small_exports_work(tmp_path: Path, seed: int) -> None:
    written = write_dirty(50, seed, tmp_path)
    assert [p.name for p in written] == [
        "orders_export.csv",
        "orders_june_export.csv",
        "members_big5.csv",
        "reviews_gb18030.csv",
        "calls_export.csv",
        "defects.json",
    ]
    assert len(json.loads(written[-1].read_text(encoding="utf-8"))["defects"]) >= 25


def test_too_many_customers_are_refused() -> None:
    with pytest.raises(ValueError, match="at most"):
        make_dirty(60_000, 1)
