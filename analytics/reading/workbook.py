"""Workbooks (.xlsx, .xlsm, .xlsb, .xls, .ods) to a grid of text cells, with guards before the parser sees them."""

from __future__ import annotations

import io
import zipfile
from dataclasses import dataclass

import polars as pl

from analytics.errors import AnalysisError
from analytics.reading.archive import checked_entries, refuse_false_sizes
from analytics.reading.delimited import last_filled_row
from analytics.reading.header import Header, find_header

_SAMPLE_ROWS = 200
_MARKS = 10_000  # bytes in which a workbook names its first parts


@dataclass(frozen=True, slots=True)
class Sheet:
    """One sheet as text: numbers as written shortest, dates as ISO text, so that nothing is guessed away."""

    frame: pl.DataFrame
    header: Header
    name: str
    names: tuple[str, ...]


def is_zip_workbook(data: bytes) -> bool:
    """Whether a zip archive holds a workbook; a broken one is judged by what is left of it."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            names = archive.namelist()
    except Exception:  # zipfile raises many kinds on broken archives
        return b"[Content_Types].xml" in data[:_MARKS] or b"xl/" in data[:_MARKS]
    return any(name.startswith("xl/") or name == "content.xml" for name in names)


def guard(data: bytes) -> None:
    """Refuse a protected, broken or exploding workbook before it is parsed.

    Raises ``AnalysisError``: ``workbook_protected``, ``workbook_unreadable``, ``workbook_too_large``.
    """
    if data.startswith(b"PK"):
        refuse_false_sizes(data, checked_entries(data, "workbook"), "workbook")
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
