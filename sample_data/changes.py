"""Damage that shows only over time or between files: lost days, new names, other forms of ids, exports that overlap."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl

from sample_data.sheets import Row, Sheet

LOST_DAYS = 6
RENAMED_ON = "2026-02-01"
RENAMED = ("web", "online shop")  # channel
IDS_CHANGED_ON = "2026-04-15"
SECOND_FROM, FIRST_TO = "2026-06-16", "2026-06-22"  # first day of the second export, last day of the first
CALLS_SINCE = date(2025, 1, 1)
STATUS = "啟用"

CALL_HEADERS = {
    "customer_id": "Customer",
    "contacted_at": "Contacted at 聯絡時間",
    "channel": "Channel 管道",
    "reason": "Reason 原因",
    "resolved": "Resolved 已解決",
    "text": "Note 內容",
}
CALL_DEFECTS: dict[str, tuple[str | None, str]] = {
    "id_written_otherwise": ("customer_id", "the member's number without letter and leading zeros: 377 for C0000377"),
}
SECOND_DEFECTS: dict[str, tuple[str | None, str]] = {
    "overlapping_line": (None, "a line that the first export holds as well"),
}
# A copied line must be alike in both exports and stay in the data.
_COPIED = {
    "missing_customer",
    "orphan_customer",
    "test_account",
    "city_variant",
    "service_code",
    "channel_renamed",
    "id_form_changed",
    "cancellation_without_original",
}


def without_days(transactions: pl.DataFrame, rng: np.random.Generator) -> tuple[pl.DataFrame, list[date]]:
    """Order lines without those of some days in a row, and the days."""
    first: date = transactions["ordered_at"].min().date()
    last: date = transactions["ordered_at"].max().date()
    span = (last - first).days
    start = first + timedelta(days=int(rng.integers(span // 4, span // 3)))
    days = [start + timedelta(days=k) for k in range(LOST_DAYS)]
    return transactions.filter(~pl.col("ordered_at").dt.date().is_in(days)), days


def rename(lines: pl.DataFrame) -> pl.DataFrame:
    """From one day on a channel has another name, from another on item numbers have a dash (text cells)."""
    old, new = RENAMED
    renamed = (pl.col("channel") == old) & (pl.col("ordered_at") >= RENAMED_ON)
    return lines.with_columns(
        pl.when(renamed).then(pl.lit(new)).otherwise("channel").alias("channel"),
        pl.when(pl.col("ordered_at") >= IDS_CHANGED_ON)
        .then(pl.col("product_id").str.replace("P", "P-", literal=True))
        .otherwise("product_id")
        .alias("product_id"),
    )


def mark_renamed(sheet: Sheet) -> None:
    """Mark the lines under the new names, once all lines are there."""
    for row in sheet.rows:
        if row.cells.get("channel") == RENAMED[1]:
            row.marks.add("channel_renamed")
        if row.cells.get("product_id", "").startswith("P-"):
            row.marks.add("id_form_changed")


def number_members(sheet: Sheet, rng: np.random.Generator) -> None:
    """A card number of everybody's own, and a status that is the same for all."""
    numbers = rng.choice(16**6, len(sheet.rows), replace=False)
    for row, number in zip(sheet.rows, numbers, strict=True):
        row.cells |= {"card_no": f"VC-{number:06X}", "status": STATUS}
        row.marks |= {"nearly_unique", "constant"}


def split(sheet: Sheet, file: str) -> Sheet:
    """The second export: takes the last days' lines over, and repeats those of the days before."""
    second = Sheet(file, sheet.headers, sheet.encoding, sheet.delimiter)
    stay = []
    for row in sheet.rows:
        day = row.cells.get("ordered_at", "")[:10]
        recent = day.startswith("2026") and day >= SECOND_FROM
        if recent and day > FIRST_TO:
            second.rows.append(row)
            continue
        stay.append(row)
        if recent and row.marks <= _COPIED:
            second.rows.append(Row(dict(row.cells), row.marks | {"overlapping_line"}, row))
    sheet.rows = stay
    return second


def list_overlap(first: Sheet, second: Sheet) -> list[dict[str, Any]]:
    """The truth about the repeated lines: their row numbers in both files."""
    number = {id(row): k for k, row in enumerate(first.rows, start=1)}
    twins = [(k, row) for k, row in enumerate(second.rows, start=1) if "overlapping_line" in row.marks]
    return [
        {
            "code": code,
            "file": second.file,
            "description": words,
            "rows": [k for k, _ in twins],
            "of_file": first.file,
            "of_rows": [number[id(row.copy_of)] for _, row in twins],
        }
        for code, (_, words) in SECOND_DEFECTS.items()
        if twins
    ]


def call_sheet(contacts: pl.DataFrame, members: Sheet, file: str) -> Sheet:
    """What the call centre kept: customers by their bare numbers."""
    known = {row.cells["customer_id"] for row in members.rows}
    text = contacts.filter(pl.col("contacted_at") >= CALLS_SINCE).with_columns(
        pl.col("contacted_at").dt.strftime("%Y-%m-%d %H:%M"),
        pl.when("resolved").then(pl.lit("Y")).otherwise(pl.lit("N")).alias("resolved"),
    )
    sheet = Sheet.from_frame(text, file, CALL_HEADERS, "utf-8", ",")
    for row in sheet.rows:
        customer = row.cells["customer_id"]
        if customer in known:
            row.marks.add("id_written_otherwise")
        row.cells["customer_id"] = customer.lstrip("C0")
    return sheet
