"""The dirty variant: the same market as a person would export it, with every defect written down.

Five files: two exports of order lines since 2025 that overlap (UTF-8 with a mark, commas), members (Big5, semicolons,
dates in years of the Republic), reviews (GB18030, tabs), calls (UTF-8, commas). Headers mix Chinese and English.
`defects.json` names every defect with the 1-based data row numbers of the file as written. Defects that touch the same
cell never meet in one row.
"""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from sample_data.changes import (
    CALL_DEFECTS,
    call_sheet,
    list_overlap,
    mark_renamed,
    number_members,
    rename,
    split,
    without_days,
)
from sample_data.marketplace import GENERATOR_VERSION, Marketplace, generate
from sample_data.seeds import Part, stream
from sample_data.sheets import Row, Sheet

MOST_CUSTOMERS = 50_000  # a person's export is made of text in memory
SINCE = date(2025, 1, 1)

ORDER_HEADERS = {
    "order_id": "訂單編號",
    "customer_id": "Customer No.",
    "ordered_at": "下單日期",
    "product_id": "Item No.",
    "product": "商品名稱",
    "category": "Category 分類",
    "brand": "品牌",
    "quantity": "數量 Qty",
    "unit_price": "單價(NT$)",
    "discount_amount": "Discount 折扣",
    "amount": "小計",
    "channel": "通路",
    "payment_method": "付款方式",
    "city": "寄送城市 City",
    "country": "國家",
}
MEMBER_HEADERS = {
    "customer_id": "會員編號",
    "name": "姓名",
    "email": "E-mail",
    "phone": "手機",
    "gender": "性別",
    "birth_year": "出生年 (西元)",
    "city": "居住城市",
    "country": "國別",
    "joined_at": "加入日期",
    "acquisition_channel": "來源 Source",
    "tier": "會員等級",
    "card_no": "卡號",
    "status": "狀態",
    "marketing_consent": "同意行銷",
}
REVIEW_HEADERS = {
    "feedback_id": "评论编号",
    "customer_id": "客户号",
    "written_at": "Date 日期",
    "source": "来源",
    "rating": "星级",
    "text": "内容 Content",
}

ORDER_DEFECTS: dict[str, tuple[str | None, str]] = {
    "duplicate_line": (None, "the same line exported twice, cell by cell"),
    "duplicate_order": ("order_id", "an order submitted twice: same lines under another number, seconds later"),
    "missing_customer": ("customer_id", "no customer number"),
    "future_date": ("ordered_at", "a date after the export"),
    "impossible_date": ("ordered_at", "a day that no calendar has"),
    "second_date_format": ("ordered_at", "day/month/year where the rest is year-month-day"),
    "amount_not_a_number": ("amount", "no number in the amount (N/A)"),
    "amount_with_symbol": ("amount", "currency symbol and thousands separator in the amount"),
    "negative_price": ("unit_price", "a price below zero"),
    "zero_price": ("unit_price", "a price of zero"),
    "unit_jump": ("unit_price", "a stretch in which prices, discounts and amounts are in cents: 100 times too high"),
    "outlier_quantity": ("quantity", "a quantity far outside the usual"),
    "orphan_customer": ("customer_id", "a customer number that the members file does not know"),
    "city_variant": ("city", "another spelling of a city"),
    "test_account": ("customer_id", "an order of a test account"),
    "service_code": ("product_id", "postage or fee booked as a product"),
    "cancellation_without_original": ("order_id", "a return or cancellation whose order is not in the file"),
    "channel_renamed": ("channel", "the same channel under a new name from one day on"),
    "id_form_changed": ("product_id", "item numbers with a dash from one day on: P-0024 for P0024"),
    "blank_row": (None, "a row of empty cells"),
    "totals_row": (None, "a row of totals at the end"),
}
MEMBER_DEFECTS: dict[str, tuple[str | None, str]] = {
    "duplicate_person": (None, "a second account of the same person, spelled a little differently"),
    "impossible_birth_year": ("birth_year", "a birth year that nobody alive has"),
    "invalid_email": ("email", "no @ in the address"),
    "city_variant": ("city", "another spelling of a city"),
    "test_account": ("customer_id", "a test account"),
    "nearly_unique": ("card_no", "a number of everybody's own, no group"),
    "constant": ("status", "the same for everybody"),
}
REVIEW_DEFECTS: dict[str, tuple[str | None, str]] = {
    "duplicate_review": (None, "the same review exported twice, cell by cell"),
    "rating_out_of_range": ("rating", "stars outside 1-5"),
    "rating_text": ("rating", "stars written as text"),
    "empty_text": ("text", "no text"),
    "impossible_date": ("written_at", "a day that no calendar has"),
    "orphan_customer": ("customer_id", "a customer number that the members file does not know"),
}
CITY_VARIANTS = {
    "Taipei": ("taipei ", "台北", "臺北", "Taibei", "TAIPEI", "台北市"),
    "New Taipei": ("新北", "New Taipei City", "new taipei"),
    "Taichung": ("台中", "臺中", "Taizhong", "taichung"),
    "Kaohsiung": ("高雄", "Gaoxiong", "KAOHSIUNG"),
    "Tainan": ("台南", "臺南", " Tainan"),
    "Taoyuan": ("桃園", "Tao-Yuan"),
}
_IMPOSSIBLE = ("2025-02-30", "2025-13-05", "2025-06-31", "2025-00-12", "2025-04-31")


def write_dirty(customers: int, seed: int, out: Path) -> list[Path]:
    """Write the dirty variant under `out`: `marketplace_dirty/` and `truth/marketplace_dirty/defects.json`."""
    files, truth = make_dirty(customers, seed)
    served, apart = out / "marketplace_dirty", out / "truth" / "marketplace_dirty"
    for folder in (served, apart):
        folder.mkdir(parents=True, exist_ok=True)
    written = [served / name for name in files]
    for path, content in zip(written, files.values(), strict=True):
        path.write_bytes(content)
    written.append(apart / "defects.json")
    written[-1].write_text(_to_json(truth), encoding="utf-8")
    return written


def make_dirty(customers: int, seed: int) -> tuple[dict[str, bytes], dict[str, Any]]:
    """Return the files by name and the truth about them."""
    if customers > MOST_CUSTOMERS:
        raise ValueError(f"the dirty variant holds at most {MOST_CUSTOMERS} customers, got {customers}")
    market = generate(customers, seed)
    rng = stream(seed, Part.DAMAGE)
    recent = market.tables["transactions"].filter(pl.col("ordered_at") >= SINCE)
    later = stream(seed, Part.DAMAGE, 1)
    exported, lost_days = without_days(recent, later)
    lines = rename(_spell_orders(exported))
    orders = Sheet.from_frame(lines, "orders_export.csv", ORDER_HEADERS, "utf-8-sig", ",")
    members = Sheet.from_frame(_spell_members(market), "members_big5.csv", MEMBER_HEADERS, "big5", ";")
    reviews = Sheet.from_frame(_spell_reviews(market), "reviews_gb18030.csv", REVIEW_HEADERS, "gb18030", "\t")
    _damage_members(members, rng, market)
    number_members(members, later)
    _damage_orders(orders, rng, market, members)
    second = split(orders, "orders_june_export.csv")
    _total(orders)
    _damage_reviews(reviews, rng, members)
    calls = call_sheet(market.tables["contacts"], members, "calls_export.csv")
    sheets = (
        (orders, ORDER_DEFECTS),
        (second, ORDER_DEFECTS),
        (members, MEMBER_DEFECTS),
        (reviews, REVIEW_DEFECTS),
        (calls, CALL_DEFECTS),
    )
    truth = {
        "world": "marketplace",
        "variant": "dirty",
        "generator_version": GENERATOR_VERSION,
        "seed": seed,
        "customers": customers,
        "files": {
            s.file: {"encoding": s.encoding, "delimiter": s.delimiter, "rows": len(s.rows), "headers": s.headers}
            for s, _ in sheets
        },
        "before_damage": {
            "order_lines": recent.height,
            "orders": recent["order_id"].n_unique(),
            "amount": str(recent["amount"].sum()),
            "members": market.tables["customers"].height,
            "reviews": market.tables["feedback"].height,
        },
        "lost": {"days": [day.isoformat() for day in lost_days], "order_lines": recent.height - exported.height},
        "defects": [entry for s, words in sheets for entry in s.list_defects(words)] + list_overlap(orders, second),
    }
    return {s.file: s.encode() for s, _ in sheets}, truth


def _spell_orders(transactions: pl.DataFrame) -> pl.DataFrame:
    """Return the order lines as text cells, as a shop system would print them."""
    return transactions.with_columns(
        pl.col("ordered_at").dt.strftime("%Y-%m-%d %H:%M:%S"),
        pl.col("quantity", "unit_price", "discount_amount", "amount").cast(pl.String),
    )


def _spell_members(market: Marketplace) -> pl.DataFrame:
    """Return the members as text cells; dates in years of the Republic, names that Big5 can hold."""
    gender = {"female": "女", "male": "男", "other": "其他"}
    local = pl.col("email").str.extract(r"^([a-z.]+)").str.replace_all(".", " ", literal=True).str.to_titlecase()
    year = (pl.col("joined_at").dt.year() - 1911).cast(pl.String)
    return market.tables["customers"].with_columns(
        pl.lit("").alias("card_no"),
        pl.lit("").alias("status"),
        pl.when(pl.col("country") == "CN").then(local).otherwise("name").alias("name"),
        pl.col("gender").replace_strict(gender, default=None),
        pl.col("birth_year").cast(pl.String),
        pl.concat_str(year, pl.col("joined_at").dt.strftime("/%m/%d")).alias("joined_at"),
        pl.when("marketing_consent").then(pl.lit("Y")).otherwise(pl.lit("N")).alias("marketing_consent"),
    )


def _spell_reviews(market: Marketplace) -> pl.DataFrame:
    """Return the feedback as text cells."""
    return market.tables["feedback"].with_columns(
        pl.col("written_at").dt.strftime("%Y/%m/%d"), pl.col("rating").cast(pl.String)
    )


def _damage_orders(sheet: Sheet, rng: np.random.Generator, market: Marketplace, members: Sheet) -> None:
    test_ids = {old: new for new, old in _name_test_accounts(market).items() if old}
    for row in sheet.rows:
        if row.cells["customer_id"] in test_ids:
            row.cells["customer_id"] = test_ids[row.cells["customer_id"]]
    _jump_units(sheet, rng)
    _change_date_format(sheet, rng)
    # damaged and copied rows are taken from sales that nothing else has touched
    free = [r for r in sheet.rows if not r.marks and r.cells["order_id"][0].isdigit() and r.cells["customer_id"]]
    pool = [free[k] for k in rng.permutation(len(free))]
    n = len(sheet.rows)

    def take(share: float, least: int) -> list[Row]:
        return [pool.pop() for _ in range(min(max(least, round(n * share)), max(len(pool) // 4, 1)))]

    for k, row in enumerate(take(0.002, 5)):
        row.marks.add("impossible_date")
        row.cells["ordered_at"] = _IMPOSSIBLE[k % len(_IMPOSSIBLE)] + row.cells["ordered_at"][10:]
    for row in take(0.002, 5):
        row.marks.add("future_date")
        row.cells["ordered_at"] = f"{2027 + int(rng.integers(0, 5))}{row.cells['ordered_at'][4:]}".replace(
            "-02-29", "-02-28"
        )
    for row in take(0.002, 5):
        row.marks.add("amount_not_a_number")
        row.cells["amount"] = "N/A"
    for row in take(0.004, 8):
        row.marks.add("amount_with_symbol")
        row.cells["amount"] = f"NT${float(row.cells['amount']):,.0f}"
    for row in take(0.001, 4):
        row.marks.add("negative_price")
        row.cells["unit_price"] = "-" + row.cells["unit_price"]
    for row in take(0.001, 4):
        row.marks.add("zero_price")
        row.cells |= {"unit_price": "0.00", "discount_amount": "0.00", "amount": "0.00"}
    for row in take(0.001, 4):
        row.marks.add("outlier_quantity")
        units = int(rng.choice([999, 2400, 5000, 9999]))
        row.cells |= {
            "quantity": str(units),
            "discount_amount": "0.00",
            "amount": f"{float(row.cells['unit_price']) * units:.2f}",
        }
    for row in take(0.005, 10):
        sheet.insert_later(row, int(rng.integers(1, 40)), row.copy("duplicate_line"))
    by_number: dict[str, list[Row]] = {}
    for row in sheet.rows:
        by_number.setdefault(row.cells["order_id"], []).append(row)
    for number in dict.fromkeys(row.cells["order_id"] for row in take(0.001, 4)):
        _repeat_order(sheet, [line for line in by_number[number] if not line.marks])
    # one booking per order, or the second would look like an exported-twice line
    for row in {row.cells["order_id"]: row for row in take(0.01, 12)}.values():
        _book_service(sheet, row, str(rng.choice(["POST", "FEE"])))
    for row in take(0.001, 4):
        _cancel_nothing(sheet, row)
    for k, row in enumerate(take(0.001, 3)):
        _order_for_test(sheet, row, f"TEST{k % 2 + 1:03d}")
    sheet.settle()
    _respell_cities(sheet, rng)
    for _ in range(3):
        blank = Row(dict.fromkeys(sheet.headers, ""), {"blank_row"})
        sheet.rows.insert(int(rng.integers(len(sheet.rows) // 2, len(sheet.rows))), blank)
    mark_renamed(sheet)
    _mark_what_follows(sheet, members)


def _total(sheet: Sheet) -> None:
    """A row of totals at the end."""
    total = sum(float(r.cells["amount"]) for r in sheet.rows if _is_number(r.cells["amount"]))
    sheet.rows.append(Row({"order_id": "合計 Total", "amount": f"{total:.2f}"}, {"totals_row"}))


def _damage_members(sheet: Sheet, rng: np.random.Generator, market: Marketplace) -> None:
    by_id = {row.cells["customer_id"]: row for row in sheet.rows}
    for second, first in market.truth["duplicates"].iter_rows():
        by_id[second].marks.add("duplicate_person")
        by_id[second].copy_of = by_id[first]
    for new, old in _name_test_accounts(market).items():
        if old in by_id:
            row = by_id[old]
        else:
            row = Row(dict.fromkeys(sheet.headers, ""))
            sheet.rows.insert(int(rng.integers(len(sheet.rows))), row)
        row.cells |= {"customer_id": new, "name": "測試帳號", "email": f"{new.lower()}@example.com"}
        row.marks.add("test_account")
    originals = {id(row.copy_of) for row in sheet.rows}
    free = [row for row in sheet.rows if not row.marks and id(row) not in originals]
    pool = [free[k] for k in rng.permutation(len(free))]
    for row in pool[:4]:
        row.marks.add("impossible_birth_year")
        row.cells["birth_year"] = str(rng.choice(["1850", "2035", "0", "19"]))
    for row in pool[4:8]:
        row.marks.add("invalid_email")
        row.cells["email"] = row.cells["email"].replace("@", "#")
    # these members are lost from the file: their orders become orphans
    lost = {id(row) for row in pool[8 : 8 + max(4, len(pool) // 100)]}
    sheet.rows = [row for row in sheet.rows if id(row) not in lost]
    _respell_cities(sheet, rng)


def _damage_reviews(sheet: Sheet, rng: np.random.Generator, members: Sheet) -> None:
    rated = [row for row in sheet.rows if row.cells["rating"]]
    pool = [rated[k] for k in rng.permutation(len(rated))]
    size = max(1, min(6, len(pool) // 6))
    parts = [pool[k * size : (k + 1) * size] for k in range(5)]
    for row in parts[0]:
        row.marks.add("rating_out_of_range")
        row.cells["rating"] = str(rng.choice(["0", "6", "10", "-1"]))
    for row in parts[1]:
        row.marks.add("rating_text")
        row.cells["rating"] = row.cells["rating"] + "星"
    for row in parts[2]:
        row.marks.add("empty_text")
        row.cells["text"] = ""
    for row in parts[3]:
        row.marks.add("impossible_date")
        row.cells["written_at"] = "2025/02/30"
    for row in parts[4]:
        sheet.insert_later(row, int(rng.integers(1, 20)), row.copy("duplicate_review"))
    sheet.settle()
    known = {row.cells["customer_id"] for row in members.rows}
    for row in sheet.rows:
        if row.cells["customer_id"] not in known:
            row.marks.add("orphan_customer")


def _name_test_accounts(market: Marketplace) -> dict[str, str]:
    """Return TEST001, TEST002 ... by the customer ids they replace; the second one never had an account."""
    tests = market.tables["customers"].filter(pl.col("account_type") == "test")["customer_id"].to_list()
    names = {f"TEST{k:03d}": old for k, old in enumerate(tests, start=1)}
    return names | ({"TEST002": ""} if len(names) < 2 else {})


def _jump_units(sheet: Sheet, rng: np.random.Generator) -> None:
    length = max(10, len(sheet.rows) // 70)
    start = int(rng.integers(len(sheet.rows) // 3, len(sheet.rows) // 2))
    for row in sheet.rows[start : start + length]:
        row.marks.add("unit_jump")
        for name in ("unit_price", "discount_amount", "amount"):
            row.cells[name] = f"{round(float(row.cells[name]) * 100)}.00"


def _change_date_format(sheet: Sheet, rng: np.random.Generator) -> None:
    length = max(10, len(sheet.rows) // 8)
    start = int(rng.integers(len(sheet.rows) * 3 // 5, len(sheet.rows) * 4 // 5))
    for row in sheet.rows[start : start + length]:
        row.marks.add("second_date_format")
        year, month, day = row.cells["ordered_at"][:10].split("-")
        row.cells["ordered_at"] = f"{day}/{month}/{year}{row.cells['ordered_at'][10:16]}"


def _respell_cities(sheet: Sheet, rng: np.random.Generator) -> None:
    for row in sheet.rows:
        variants = CITY_VARIANTS.get(row.cells["city"])
        # copies stay equal to what they copy, so they and their originals keep the usual spelling
        if variants and not row.marks and rng.random() < 0.12:
            row.cells["city"] = str(rng.choice(variants))
            row.marks.add("city_variant")
    originals = {id(row.copy_of): row.copy_of for row in sheet.rows if row.copy_of is not None}
    for row in sheet.rows:
        if row.copy_of is not None and id(row.copy_of) in originals and "city_variant" in row.copy_of.marks:
            row.cells["city"] = row.copy_of.cells["city"]
            row.marks.add("city_variant")


def _repeat_order(sheet: Sheet, lines: list[Row]) -> None:
    """Book an order's lines again, under another number and within the same minute."""
    for line in lines:
        copied = line.copy("duplicate_order")
        number, moment = line.cells["order_id"], line.cells["ordered_at"]
        seconds = "59" if moment[-2:] < "59" else "58"
        copied.cells |= {"order_id": number[:6] + "9" + number[7:], "ordered_at": moment[:-2] + seconds}
        sheet.insert_later(lines[-1], 0, copied)


def _book_service(sheet: Sheet, row: Row, code: str) -> None:
    price, name = ("80.00", "運費 Postage") if code == "POST" else ("15.00", "手續費 Handling fee")
    cells = dict(row.cells) | {"product_id": code, "product": name, "category": "", "brand": "", "quantity": "1"}
    cells |= {"unit_price": price, "discount_amount": "0.00", "amount": price}
    sheet.insert_later(row, 0, Row(cells, {"service_code"}))


def _cancel_nothing(sheet: Sheet, row: Row) -> None:
    cells = dict(row.cells) | {"order_id": "C" + row.cells["order_id"][:6] + "88" + row.cells["order_id"][8:]}
    for name in ("quantity", "amount"):
        cells[name] = "-" + cells[name]
    if float(cells["discount_amount"]) > 0:  # a cancellation pays back the list price here
        cells["discount_amount"] = "0.00"
        cells["amount"] = f"{float(cells['quantity']) * float(cells['unit_price']):.2f}"
    sheet.insert_later(row, 5, Row(cells))


def _order_for_test(sheet: Sheet, row: Row, customer: str) -> None:
    cells = dict(row.cells) | {"customer_id": customer, "quantity": "1", "discount_amount": "0.00"}
    cells |= {"order_id": row.cells["order_id"][:6] + "77" + row.cells["order_id"][8:], "amount": cells["unit_price"]}
    sheet.insert_later(row, 2, Row(cells))


def _mark_what_follows(sheet: Sheet, members: Sheet) -> None:
    """Mark what can be read off the finished file: missing and unknown customers, returns of nothing."""
    known = {row.cells["customer_id"] for row in members.rows}
    numbers = {row.cells["order_id"] for row in sheet.rows}
    for row in sheet.rows:
        customer, number = row.cells["customer_id"], row.cells["order_id"]
        if "blank_row" in row.marks:
            continue
        if not customer:
            row.marks.add("missing_customer")
        elif customer.startswith("TEST"):
            row.marks.add("test_account")
        elif customer not in known:
            row.marks.add("orphan_customer")
        if number[0] in "RC" and number[1:] not in numbers:
            row.marks.add("cancellation_without_original")


def _is_number(cell: str) -> bool:
    return bool(cell) and cell.lstrip("-").replace(".", "", 1).isdigit()


def _to_json(truth: dict[str, Any]) -> str:
    """Return readable JSON with each list of row numbers on one line."""
    head = {k: v for k, v in truth.items() if k != "defects"}
    text = json.dumps(head, indent=1, ensure_ascii=False)
    entries = ",\n".join("  " + json.dumps(entry, ensure_ascii=False) for entry in truth["defects"])
    return text[:-2] + ',\n "defects": [\n' + entries + "\n ]\n}\n"
