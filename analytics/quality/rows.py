"""Checks that hold for every table: cells that are missing or cannot be read, dates, rows that are no rows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import polars as pl

from analytics.mapped import beside, keep, rowwise
from analytics.mapping import MappedTable
from analytics.quality.findings import IssueBook, examples
from analytics.quality.repeats import carries_identity, repeated_rows
from analytics.quality.report import QualitySpec, Remedy, Severity
from analytics.schema import TABLES, Field

UNREADABLE_SHARE = 0.5  # of a column: then the column is the wrong one, and its rows are not to blame
_TOTALS = r"(?i)^\W*(?:grand |sub)?totals?\b|^\W*(?:总计|總計|合计|合計|总额|總額|小计|小計)"
Reason = tuple[pl.Series, str]  # the rows where it holds, and its code
_TAIL = 5  # last rows among which totals are looked for


@dataclass(frozen=True, slots=True)
class Period:
    """First and last day that are really covered (None: not known), and the data set's end of observation."""

    first: date | None
    last: date | None
    as_of: date


def decisive(field: Field, table: str) -> bool:
    """Whether a row is worth nothing when this field cannot be read: its time, its money, its quantity."""
    if table == "customers":
        return False
    return field.name == TABLES[table].time_field or field.role == "amount" or field.name in ("quantity", "y")


def judge(mapped: MappedTable, frame: pl.DataFrame, spec: QualitySpec, period: Period, book: IssueBook) -> pl.DataFrame:
    """``frame`` with ``#reason`` (why a row is set aside, else null) and ``#into`` (the row it repeats, else null)."""
    blank, totals = frame["#blank"], frame["#totals"]
    book.add("blank_rows", "repaired", "", blank, "quarantine")
    book.add("totals_row", "repaired", "", totals, "quarantine", _first_text(mapped))
    reasons = [(blank, "blank_row"), (totals, "totals_row")]
    reasons += _unparsed(mapped, frame, spec, book, frame["#no_row"])
    reasons += _dates(mapped, frame, spec, period, book)
    if mapped.table == "transactions":
        reasons += _order_reasons(frame, spec)
    note_missing(mapped, frame, spec, book)

    repeated = repeated_rows(mapped)
    identity = carries_identity(mapped) & ~frame["#no_row"]
    twice = repeated.is_not_null()
    merge = spec.duplicates == "merge"
    shown = frame["order_id"] if "order_id" in frame.columns else _first_text(mapped)
    book.add(
        "duplicate_rows", "repaired" if merge else "check", "", twice & identity, "merge" if merge else "keep", shown
    )
    book.add("repeated_rows", "note", "", twice & ~identity & ~frame["#no_row"], "keep")
    into = repeated.set(~identity, None) if merge else repeated.set(twice, None)
    return beside(frame, _first_reason(reasons), keep(into.alias("#into")))


def with_no_rows(mapped: MappedTable) -> pl.DataFrame:
    """The mapped frame with ``#blank`` and ``#totals`` rows marked (``#no_row``: either), their values taken out."""
    frame = mapped.frame
    blank = _blank(mapped)
    totals = _totals(mapped, frame, blank)
    frame = beside(frame, blank.alias("#blank"), totals.alias("#totals"), (blank | totals).alias("#no_row"))
    if not totals.any():
        return frame
    return frame.with_columns(
        pl.when(pl.col("#totals")).then(None).otherwise(pl.col(name)).alias(name)
        for name in mapped.frame.columns
        if name != "row_number"
    )


def _order_reasons(frame: pl.DataFrame, spec: QualitySpec) -> list[Reason]:
    """The person's choices to set order lines aside."""
    chosen: list[Reason] = []
    if "unit_price" in frame.columns:
        if spec.negative_price == "quarantine":
            chosen.append((frame["unit_price"] < 0, "negative_price"))
        if spec.zero_price == "quarantine":
            chosen.append((frame["unit_price"] == 0, "zero_price"))
    if spec.service_codes == "quarantine":
        chosen.append((frame["?service"], "service_code"))
    if spec.missing_customer == "quarantine" and "customer_id" in frame.columns:
        chosen.append((frame["customer_id"].is_null(), "missing_customer"))
    return chosen


def _first_reason(reasons: list[Reason]) -> pl.Series:
    """Of each row the first reason that holds."""
    masks = beside(reasons[0][0].alias("0").to_frame(), *(mask.alias(str(i)) for i, (mask, _) in enumerate(reasons)))
    first = pl.coalesce(pl.when(str(i)).then(pl.lit(code)) for i, (_, code) in enumerate(reasons))
    return rowwise(masks, first).alias("#reason")


def _rows_at(row_numbers: pl.Series, n_rows: int) -> pl.Series:
    """A mask of the rows with these numbers (1-based)."""
    return pl.repeat(False, n_rows, eager=True).scatter(row_numbers.unique() - 1, True)


def _blank(mapped: MappedTable) -> pl.Series:
    """Rows in which nothing is written."""
    fields = [field for _, field in mapped.spec.columns]
    candidates = pl.all_horizontal(pl.col(field).is_null() for field in fields) if fields else pl.lit(True)
    empty = rowwise(mapped.frame, candidates.alias("empty"))
    if not empty.any():
        return empty
    text = [
        pl.col(name).cast(pl.String, strict=False).str.strip_chars().fill_null("") == ""
        for name in mapped.raw.frame.columns
    ]
    return empty & rowwise(mapped.raw.frame, pl.all_horizontal(text).alias("empty"))


def _totals(mapped: MappedTable, frame: pl.DataFrame, blank: pl.Series) -> pl.Series:
    """Rows of totals among the last ones: a word for "total" where a name or number should be, and most cells empty."""
    found: list[int] = []
    rows = mapped.raw.frame.tail(_TAIL).rows()
    usual = _usual_fill(mapped.raw.frame)
    for i, row in enumerate(rows, start=frame.height - len(rows)):
        cells = [str(cell).strip() for cell in row if cell is not None and str(cell).strip()]
        words = pl.Series(cells, dtype=pl.String)
        if cells and len(cells) < usual and words.str.contains(_TOTALS).any():
            found += [i] * (not blank[i])
    return pl.repeat(False, frame.height, eager=True).scatter(found, True).alias("totals")


def _usual_fill(source: pl.DataFrame) -> float:
    head = source.head(200)
    return sum(len(column) - column.null_count() for column in head.get_columns()) / head.height if head.height else 0


def _unparsed(
    mapped: MappedTable, frame: pl.DataFrame, spec: QualitySpec, book: IssueBook, no_row: pl.Series
) -> list[Reason]:
    """Issues of cells that could not be read; reasons for the rows whose cell decides."""
    reasons: list[Reason] = []
    skipped = frame["row_number"].filter(no_row)
    cells = mapped.unparsed.filter(~pl.col("row_number").is_in(skipped.implode()))
    for (field, reason), group in sorted(cells.group_by("field", "reason", maintain_order=True)):
        mask = _rows_at(group["row_number"], frame.height)
        n = group.height
        name = str(field)
        wrong_column = n > UNREADABLE_SHARE * frame.height
        decides = not name or decisive(TABLES[mapped.table][name], mapped.table)
        remedy: Remedy = "empty"
        severity: Severity = "check"
        if wrong_column and name:
            remedy, severity = "choose", "block"
        elif decides and spec.unparsed == "quarantine":
            remedy, severity = "quarantine", "repaired"
            reasons.append((mask, str(reason)))
        book.add(str(reason), severity, name, mask, remedy, examples(group["text"]))
    for reading in mapped.readings:
        if reading.n_other:
            forms = tuple(form for form in (reading.format, reading.other_format) if form)
            book.add_count("two_date_formats", "check", reading.field, reading.n_other, "read", forms)
        book.add_count("date_order_mixed", "check", reading.field, reading.n_mixed, "read")
    return reasons


def _dates(
    mapped: MappedTable, frame: pl.DataFrame, spec: QualitySpec, period: Period, book: IssueBook
) -> list[Reason]:
    """Rows without a date where the table has dates, after the end of observation, or far before the beginning."""
    name = TABLES[mapped.table].time_field
    if name is None or name not in frame.columns or mapped.table in ("customers", "survey"):
        return []
    column = frame[name]
    reasons: list[Reason] = []
    day = column.cast(pl.Date)
    if period.last is not None:
        late = (day > period.last).fill_null(False)
        quarantine = spec.future_dates == "quarantine"
        book.add("future_dates", "repaired" if quarantine else "check", name, late, spec.future_dates, day)
        if quarantine:
            reasons.append((late, "future_date"))
    if period.first is not None:
        early = (day < period.first).fill_null(False)
        quarantine = spec.early_dates == "quarantine"
        book.add("early_dates", "repaired" if quarantine else "check", name, early, spec.early_dates, day)
        if quarantine:
            reasons.append((early, "early_date"))
    if mapped.table == "transactions" and column.null_count() < frame.height and spec.missing_date == "quarantine":
        reasons.append((_missing(mapped, frame, name), "missing_date"))
    return reasons


def _missing(mapped: MappedTable, frame: pl.DataFrame, name: str) -> pl.Series:
    """Cells that are empty in the file, not those that could not be read."""
    unread = mapped.unparsed.filter(pl.col("field") == name)["row_number"]
    mask = mapped.frame[name].is_null() & ~frame["#no_row"]
    return mask & ~_rows_at(unread, frame.height) if len(unread) else mask


def note_missing(mapped: MappedTable, frame: pl.DataFrame, spec: QualitySpec, book: IssueBook) -> None:
    """One issue per field with empty cells."""
    n_rows = frame.height - int(frame["#no_row"].sum())
    for _, name in mapped.spec.columns:
        mask = _missing(mapped, frame, name)
        n = int(mask.sum())
        if name == "customer_id":
            if n == n_rows and n:
                severity: Severity = "check" if mapped.table == "transactions" else "block"
                book.add("all_ids_missing", severity, name, mask, "keep")
            else:
                book.add("missing_customer", "check", name, mask, spec.missing_customer)
        elif name == TABLES[mapped.table].time_field and mapped.table == "transactions" and n < n_rows:
            quarantine = spec.missing_date == "quarantine"
            book.add("missing_date", "repaired" if quarantine else "check", name, mask, spec.missing_date)
        elif name == "amount" and "#derived" in frame.columns:
            book.add("amount_filled", "repaired", name, mask & frame["#derived"], "fill")
            book.add("missing", "check", name, mask & ~frame["#derived"], "keep")
        else:
            book.add("missing", "note", name, mask, "keep")


def _first_text(mapped: MappedTable) -> pl.Series:
    return mapped.raw.frame[mapped.raw.columns[0]].cast(pl.String, strict=False)


def empty_impossible(
    mapped: MappedTable, frame: pl.DataFrame, spec: QualitySpec, period: Period, book: IssueBook
) -> pl.DataFrame:
    """Ages, birth years and ratings that cannot be, and addresses that are none: noted, by default emptied."""
    this_year = period.as_of.year if period.last is not None else 2199
    limits: dict[str, tuple[float, float]] = {"age": (0, 120), "birth_year": (this_year - 120, this_year)}
    if mapped.table == "feedback" and "rating" in frame.columns:
        limits["rating"] = _scale(frame["rating"])
    limits |= {"duration_s": (0, 1e9), "wait_s": (0, 1e9)}
    empty = spec.impossible_values == "empty"
    for name, (low, high) in limits.items():
        if name not in frame.columns or name not in TABLES[mapped.table]:
            continue
        column = frame[name]
        outside = (~column.is_between(low, high)).fill_null(False)
        n = book.add(
            f"impossible_{name}" if name in ("age", "birth_year", "rating") else "impossible_value",
            "repaired" if empty else "check",
            name,
            outside,
            "empty" if empty else "keep",
            column,
        )
        if n and empty:
            frame = frame.with_columns(column.set(outside, None).alias(name))
    if "email" in frame.columns and mapped.table == "customers":
        wrong = ~frame["email"].str.contains(r"^[^@\s]+@[^@\s]+\.[^@\s]+$")
        book.add("invalid_email", "check", "email", wrong.fill_null(False), "keep", frame["email"])
    if {"joined_at", "left_at"} <= set(frame.columns) and mapped.table == "customers":
        book.add(
            "left_before_joined", "check", "left_at", frame["left_at"] < frame["joined_at"], "keep", frame["left_at"]
        )
    return frame


def _scale(ratings: pl.Series) -> tuple[float, float]:
    """The scale that holds nearly all ratings: 0-1, 1-5, 0-10 or 0-100."""
    there = ratings.drop_nulls()
    for low, high in ((0.0, 1.0), (0.0, 5.0), (0.0, 10.0), (0.0, 100.0)):
        if len(there) and float(there.is_between(low, high).mean() or 0.0) >= 0.95:  # type: ignore[arg-type]  # a scalar: Polars types any literal
            zeros = float((there == 0).mean() or 0.0)  # type: ignore[arg-type]  # a scalar: Polars types any literal
            return (1.0 if high == 5.0 and zeros < 0.02 else low), high
    return float("-inf"), float("inf")
