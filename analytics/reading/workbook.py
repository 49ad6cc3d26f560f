"""Workbooks (.xlsx, .xlsm, .xlsb, .xls, .ods) to a grid of text cells, with guards before the parser sees them."""

from __future__ import annotations

import io
import zipfile
from dataclasses import dataclass

import polars as pl

from analytics.errors import AnalysisError
from analytics.reading.delimited import last_filled_row
from analytics.reading.header import Header, find_header

EXPANDED_LIMIT = 1_500_000_000  # bytes: a workbook that unpacks to more is refused unread
ENTRY_LIMIT = 5_000
_SAMPLE_ROWS = 200


@dataclass(frozen=True, slots=True)
class Sheet:
    """One sheet as text: numbers as written shortest, dates as ISO text, so that nothing is guessed away."""

    frame: pl.DataFrame
    header: Header
    name: str
    names: tuple[str, ...]


def is_zip_workbook(data: bytes) -> bool:
    """Whether a zip archive holds a workbook."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            names = archive.namelist()
    except zipfile.BadZipFile:
        return False
    return any(name.startswith("xl/") or name == "content.xml" for name in names)


def guard(data: bytes) -> None:
    """Refuse a protected, broken or exploding workbook before it is parsed.

    Raises ``AnalysisError``: ``workbook_protected``, ``workbook_unreadable``, ``workbook_too_large``.
    """
    if data.startswith(b"PK"):
        try:
            with zipfile.ZipFile(io.BytesIO(data)) as archive:
                entries = archive.infolist()
        except zipfile.BadZipFile as problem:
            raise AnalysisError("workbook_unreadable") from problem
        expanded = sum(entry.file_size for entry in entries)
        if expanded > EXPANDED_LIMIT or len(entries) > ENTRY_LIMIT:
            raise AnalysisError(
                "workbook_too_large", megabytes=round(expanded / 1e6), limit=round(EXPANDED_LIMIT / 1e6)
            )
        if any(entry.flag_bits & 1 for entry in entries):
            raise AnalysisError("workbook_protected")
    elif "EncryptedPackage".encode("utf-16-le") in data:
        raise AnalysisError("workbook_protected")


def parse_workbook(
    data: bytes, *, sheet: str, has_header: bool | None, skip_rows: int | None, column_limit: int
) -> Sheet:
    """The chosen sheet; without a choice the first that holds anything.

    Raises ``AnalysisError``: those of ``guard``, and ``sheet_missing``, ``file_empty``, ``header_only``,
    ``too_many_columns``.
    """
    import fastexcel

    guard(data)
    try:
        workbook = fastexcel.read_excel(data)
        names = tuple(workbook.sheet_names)
        if sheet and sheet not in names:
            raise AnalysisError("sheet_missing", sheet=sheet, sheets=", ".join(names[:10]))
        frame, name = pl.DataFrame(), sheet or (names[0] if names else "")
        for candidate in (sheet,) if sheet else names:
            loaded = workbook.load_sheet(candidate, header_row=None, dtypes="string").to_polars()
            filled = last_filled_row(loaded)
            if filled:
                frame, name = loaded.head(filled), candidate
                break
    except fastexcel.FastExcelError as problem:
        code = "workbook_protected" if "password" in str(problem).lower() else "workbook_unreadable"
        raise AnalysisError(code) from problem
    if not frame.height:
        raise AnalysisError("file_empty")

    header = find_header([list(row) for row in frame.head(_SAMPLE_ROWS).rows()], has_header, skip_rows)
    if frame.width > column_limit:
        raise AnalysisError("too_many_columns", n=frame.width, limit=column_limit)
    if header.first_row >= frame.height:
        raise AnalysisError("header_only")
    body = frame.slice(header.first_row)
    width = len(header.names)
    filled_beyond = [c for c in body.columns[width:] if body[c].null_count() < body.height]
    body = body.select([*body.columns[:width], *filled_beyond])
    return Sheet(body, header, name, names)
