"""Checks of whole tables over all their files: gaps, drifting categories, forms of ids, idle columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

import polars as pl

from analytics.mapped import let_go, rowwise, where
from analytics.quality.columns import is_constant, is_nearly_unique, told_apart
from analytics.quality.drift import find_changes
from analytics.quality.findings import IssueBook
from analytics.quality.gaps import Gap, find_gaps
from analytics.quality.identifiers import find_new_forms, known_by_number, shapes
from analytics.quality.ledger import Tables
from analytics.quality.report import Issue, QualitySpec
from analytics.schema import TABLES, TableSchema

Covered = Mapping[str, tuple[date | None, date | None]]
_SAMPLE = 30_000  # rows on which a change of values is looked for: drawn by content, so the order of rows is nothing
_EXAMPLES = 5
_MOST_FILES = 20  # that are compared with each other
# Products, campaigns and reasons come and go; that is no drift.
_COME_AND_GO = frozenset({"product", "campaign", "leaving_reason"})


def note_tables(tables: Tables, kept: Tables, covered: Covered, files: Sequence[str], spec: QualitySpec) -> list[Issue]:
    """Findings on the rows that are ``kept``; on all rows where a day must not look empty because they are not.

    ``covered``: first and last day per table; ``files``: name per ``#source``.
    """
    issues: list[Issue] = []
    people = kept.get("customers")
    known = people["customer_id"] if people is not None and "customer_id" in people.columns else None
    for name, frame in kept.items():
        if not frame.height:
            continue
        schema = TABLES[name]
        book = IssueBook(name, "", frame)
        if name == "transactions":
            _note_gaps(book, tables[name], covered.get(name, (None, None)), spec)
            let_go()
        _note_drift(book, frame, schema, spec)
        _note_columns(book, frame, schema, spec)
        if name != "customers" and known is not None and "customer_id" in frame.columns:
            _note_strangers(book, frame, "customer_id", known, files)
        if len(files) > 1:
            _note_files(book, frame, schema, files, spec)
        issues += book.issues
    return issues


def _note_gaps(
    book: IssueBook, frame: pl.DataFrame, covered: tuple[date | None, date | None], spec: QualitySpec
) -> None:
    first, last = covered
    if first is None or last is None or "ordered_at" not in frame.columns:
        return
    days = rowwise(frame, pl.col("ordered_at").cast(pl.Date))
    together = 1.0
    if "order_id" in frame.columns:
        some = frame["order_id"].head(_SAMPLE).drop_nulls()
        together = len(some) / max(1, some.n_unique())
    gaps = find_gaps(days, first=first, last=last, rows_per_event=together, open_share=spec.gap_open_share)
    long = [gap for gap in gaps if gap.n_open >= spec.gap_days and not gap.yearly]
    for code, severity, found in (
        ("days_missing", "check", long),
        ("days_closed", "note", [gap for gap in gaps if gap not in long]),
    ):
        ranked = sorted(found, key=lambda gap: (-gap.n_open, gap.first))
        if ranked:
            book.add_days(code, severity, "ordered_at", sum(gap.n_open for gap in ranked), [_days(g) for g in ranked])  # type: ignore[arg-type]  # one of the literals of the table above


def _days(gap: Gap) -> str:
    return gap.first.isoformat() if gap.first == gap.last else f"{gap.first} – {gap.last}"


def _sampled(frame: pl.DataFrame, time: str) -> pl.DataFrame:
    """About ``_SAMPLE`` rows, whole orders where there are any, chosen by what they hold."""
    n = frame.height // _SAMPLE
    if n < 2:
        return frame
    by = "order_id" if "order_id" in frame.columns and not frame["order_id"].null_count() else time
    chosen = where(frame, rowwise(frame, pl.col(by).hash() % n == 0))
    return chosen if chosen.height > _SAMPLE // 4 else frame


def _note_drift(book: IssueBook, frame: pl.DataFrame, schema: TableSchema, spec: QualitySpec) -> None:
    time = schema.time_field
    if time is None or time not in frame.columns:
        return
    ids_and_categories = [f.name for f in schema.fields if f.role in ("id", "category") and f.name not in _COME_AND_GO]
    needed = [name for name in frame.columns if name == time or name in ids_and_categories]
    sample = _sampled(frame.select(needed), time)
    days = sample[time].cast(pl.Date)
    for field in schema.fields:
        if field.name not in sample.columns or frame[field.name].null_count() == frame.height:
            continue
        if field.role == "category" and field.name not in _COME_AND_GO:
            _note_changes(book, frame[field.name], sample[field.name], days, spec)
        elif field.role == "id":
            column = sample[field.name]
            forms = find_new_forms(column, days, spec.drift_share)
            if forms:
                seen = shapes(frame[field.name])
                mask = seen.is_in([form.shape for form in forms]) & (frame[time].cast(pl.Date) >= _day(forms[0].day))
                told = tuple(f"{form.old} → {form.new} ({form.day})" for form in forms[:_EXAMPLES])
                book.add("id_form_changes", "check", field.name, mask, "keep", told)


def _day(text: str) -> date:
    return date.fromisoformat(text)


def _note_changes(book: IssueBook, column: pl.Series, sample: pl.Series, days: pl.Series, spec: QualitySpec) -> None:
    changes = find_changes(sample, days, spec.drift_share)
    for what, code, severity in (
        ("renamed", "category_renamed", "check"),
        ("appears", "category_appears", "note"),
        ("vanishes", "category_vanishes", "note"),
    ):
        found = [change for change in changes if change.what == what]
        if found:
            mask = column.is_in([change.new or change.old for change in found]).fill_null(False)
            told = (" → ".join(filter(None, (c.old, c.new))) + f" ({c.day})" for c in found[:_EXAMPLES])
            book.add(code, severity, column.name, mask, "keep", tuple(told))  # type: ignore[arg-type]  # one of the literals of the table above


def _note_columns(book: IssueBook, frame: pl.DataFrame, schema: TableSchema, spec: QualitySpec) -> None:
    attributes = [
        name for name in frame.columns if not name.startswith(("#", "?", "!")) and name not in schema
        and name not in ("row_number", "kind", "quantity_exact")
    ]  # fmt: skip
    constant, unique = told_apart(schema, attributes)
    for name in constant:
        if name in frame.columns and is_constant(frame[name]):
            column = frame[name]
            book.add("constant_column", "note", name, column.is_not_null(), "keep", column)
    for name in unique:
        if name in frame.columns and is_nearly_unique(frame[name], spec.near_unique_share):
            column = frame[name]
            # A column that somebody has called a category is probably the wrong one.
            severity = "check" if name in schema and name != "product" else "note"
            book.add("nearly_unique_column", severity, name, column.is_not_null(), "keep", column)  # type: ignore[arg-type]  # one of the literals, by the line above


def _note_strangers(book: IssueBook, frame: pl.DataFrame, field: str, known: pl.Series, files: Sequence[str]) -> None:
    """Files whose ids another table does not know as they are written, but by their numbers."""
    for i in frame["#source"].unique().sort():
        own = frame["#source"] == i
        ids = frame[field].filter(own)
        if float(ids.head(_SAMPLE).is_in(known.implode()).mean() or 0.0) > 0.9:  # type: ignore[arg-type]  # a scalar: Polars types any literal
            continue
        _add_pairs(book, frame, field, own, known_by_number(ids, known), files[i])


def _add_pairs(
    book: IssueBook, frame: pl.DataFrame, field: str, own: pl.Series, pairs: pl.DataFrame, file: str
) -> None:
    if pairs.height:
        mask = own & frame[field].is_in(pairs["id"].implode()).fill_null(False)
        told = tuple(f"{id_} → {known}" for id_, known in pairs.head(_EXAMPLES).rows())
        book.add("ids_written_otherwise", "check", field, mask, "keep", told, source=file)


def _note_files(
    book: IssueBook, frame: pl.DataFrame, schema: TableSchema, files: Sequence[str], spec: QualitySpec
) -> None:
    """Files of one table that write the same ids or categories in other ways."""
    places = frame["#source"].unique().sort().to_list()
    if not 1 < len(places) <= _MOST_FILES:
        return
    time = schema.time_field
    drifted = {issue.field for issue in book.issues if issue.code in ("category_renamed", "id_form_changes")}
    strange = {issue.source for issue in book.issues if issue.code == "ids_written_otherwise"}
    for field in schema.fields:
        if field.name not in frame.columns or field.name in drifted or field.name == time:
            continue
        if field.role == "id" and field.name in ("customer_id", "product_id", "item"):
            first = frame[field.name].filter(frame["#source"] == places[0])
            for i in places[1:]:
                own = frame["#source"] == i
                if files[i] not in strange:
                    pairs = known_by_number(frame[field.name].filter(own), first)
                    _add_pairs(book, frame, field.name, own, pairs, files[i])
        elif field.role == "category" and field.name not in _COME_AND_GO:
            _note_sets(book, frame, field.name, places, files, spec)


def _note_sets(
    book: IssueBook, frame: pl.DataFrame, field: str, places: list[int], files: Sequence[str], spec: QualitySpec
) -> None:
    """Files whose values of a category have nothing in common, each with two or more: not a file per value."""
    counted = frame.lazy().group_by("#source", field).len("n").drop_nulls().collect()
    large = counted.filter(pl.col("n") >= spec.drift_share * pl.col("n").sum().over("#source"))
    values = {i: large.filter(pl.col("#source") == i).sort("n", field, descending=[True, False])[field] for i in places}
    first = next((i for i in places if len(values[i]) > 1), None)
    if first is None:
        return
    every = set(counted.filter(pl.col("#source") == first)[field])
    other = [i for i in places if i > first and len(values[i]) > 1 and not every & set(values[i])]
    if other:
        told = tuple(f"{files[i]}: {', '.join(values[i].head(3))}" for i in (first, *other[: _EXAMPLES - 1]))
        mask = frame["#source"].is_in(other) & frame[field].is_not_null()
        book.add("category_sets_differ", "check", field, mask, "keep", told)
