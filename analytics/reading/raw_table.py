"""``read``: the bytes of one file to a ``RawTable``."""

from __future__ import annotations

import io
from dataclasses import dataclass, replace
from typing import Literal

import polars as pl

from analytics.errors import AnalysisError, Caveat
from analytics.keys import derive_key, digest_bytes
from analytics.progress import report
from analytics.reading.delimited import BLANKS, Grid, last_filled_row, parse_delimited
from analytics.reading.encoding import decode
from analytics.reading.header import clean_name
from analytics.reading.workbook import guard, is_zip_workbook, parse_workbook

Format = Literal["auto", "csv", "xlsx", "parquet"]

COLUMN_LIMIT = 1000
MANY_COLUMNS = 200
PARQUET_LIMIT = 8_000_000_000  # bytes once unpacked
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_NOT_TABLES = (
    (b"\x89PNG", "PNG"),
    (b"\xff\xd8\xff", "JPEG"),
    (b"GIF8", "GIF"),
    (b"%PDF", "PDF"),
    (b"\x1f\x8b", "gzip"),
    (b"7z\xbc\xaf", "7z"),
    (b"Rar!", "RAR"),
    (b"SQLite format 3", "SQLite"),
    (b"\x7fELF", "binary"),
    (b"RIFF", "binary"),
    (b"<!DOCTYPE", "HTML"),
    (b"<!doctype", "HTML"),
    (b"<html", "HTML"),
    (b"<HTML", "HTML"),
    (b"<?xml", "XML"),
    (b'{"', "JSON"),
    (b"[{", "JSON"),
    (b"{\n", "JSON"),
    (b"{\r\n", "JSON"),
)


@dataclass(frozen=True, slots=True)
class ReadSpec:
    """How to read a file; "auto" and None are decided from its content.

    Attributes
    ----------
    format : by content, never by the name's ending. "xlsx" stands for every workbook.
    encoding : a codec's name, for delimited text.
    delimiter : one character; " " means runs of blanks.
    sheet : a workbook's sheet; "" takes the first that holds anything.
    has_header : whether the first row names the columns.
    skip_rows : lines above the header (a report's title).
    """

    format: Format = "auto"
    encoding: str = "auto"
    delimiter: str = "auto"
    sheet: str = ""
    has_header: bool | None = None
    skip_rows: int | None = None

    def __post_init__(self) -> None:
        if self.delimiter != "auto" and (len(self.delimiter) != 1 or self.delimiter in '"\n\r'):
            raise AnalysisError("delimiter_invalid", delimiter=self.delimiter)
        if self.skip_rows is not None and not 0 <= self.skip_rows <= 1000:
            raise AnalysisError("skip_rows_invalid", n=self.skip_rows)


@dataclass(frozen=True, slots=True, eq=False)
class RawTable:
    """A file's rows as they stand in it.

    Attributes
    ----------
    frame : the source columns under their own headings (made unique); text for delimited files and workbooks, typed
        for Parquet; then the ``overflow`` columns. Row *i* of the frame is data row *i* + 1 of the file (header and
        lines above it not counted; blank lines are, except at the end).
    name, digest : the file's name and the SHA-256 of its bytes.
    n_rows : rows of the frame.
    columns : the source columns that can be mapped.
    overflow : columns that hold the cells of records longer than the header; a row with any is quarantined.
    decided : the spec with everything that was decided.
    sheets : names of a workbook's sheets.
    """

    frame: pl.DataFrame
    name: str
    digest: str
    n_rows: int
    columns: tuple[str, ...]
    overflow: tuple[str, ...]
    decided: ReadSpec
    sheets: tuple[str, ...]
    caveats: tuple[Caveat, ...]
    key: str


def read(data: bytes, name: str, spec: ReadSpec | None = None) -> RawTable:
    """The table in ``data``.

    Raises ``AnalysisError``: ``file_empty``, ``header_only``, ``not_a_table``, ``too_many_columns``,
    ``line_too_long``, ``encoding_wrong``, ``encoding_unknown``, ``workbook_protected``, ``workbook_unreadable``,
    ``workbook_too_large``, ``sheet_missing``, ``parquet_unreadable``, ``parquet_too_large``.
    """
    spec = spec or ReadSpec()
    report(0.0, "read")
    if not data.strip(b" \t\r\n\0\xef\xbb\xbf\xff\xfe"):
        raise AnalysisError("file_empty")
    kind = spec.format if spec.format != "auto" else _format(data)
    digest = digest_bytes(data)
    key = derive_key("read", spec, digest, name)
    match kind:
        case "parquet":
            table = _parquet(data, spec)
        case "xlsx":
            table = _workbook(data, spec)
        case _:
            table = _delimited(data, spec)
    frame, columns, overflow, decided, sheets, caveats = table
    if len(columns) >= MANY_COLUMNS:
        caveats = (*caveats, Caveat("many_columns", "note", {"n": len(columns)}))
    report(1.0, "read")
    return RawTable(frame, name, digest, frame.height, columns, overflow, decided, sheets, caveats, key)


_Read = tuple[pl.DataFrame, tuple[str, ...], tuple[str, ...], ReadSpec, tuple[str, ...], tuple[Caveat, ...]]


def _format(data: bytes) -> Format:
    if data.startswith(b"PAR1"):
        return "parquet"
    if data.startswith(_OLE):
        return "xlsx"
    if data.startswith(b"PK"):
        if is_zip_workbook(data):
            return "xlsx"
        guard(data)
        raise AnalysisError("not_a_table", kind="ZIP")
    start = data[:512].lstrip(b"\xef\xbb\xbf \t\r\n")
    for mark, kind in _NOT_TABLES:
        if start.startswith(mark):
            raise AnalysisError("not_a_table", kind=kind)
    return "csv"


def _delimited(data: bytes, spec: ReadSpec) -> _Read:
    text = decode(data, spec.encoding)
    report(0.3, "read")
    grid = parse_delimited(
        text.data,
        delimiter=spec.delimiter,
        has_header=spec.has_header,
        skip_rows=spec.skip_rows,
        column_limit=COLUMN_LIMIT,
    )
    names = _all_names(grid.header.names, grid.frame.width)
    n_overflow = grid.frame.width - grid.width
    if not grid.header.present or grid.n_long > 0.2 * grid.frame.height:
        n_overflow = 0  # no header to be longer than, or too many to be accidents: columns without a heading
    frame = grid.frame.rename(dict(zip(grid.frame.columns, names, strict=True)))
    if not frame.height:
        raise AnalysisError("header_only")
    decided = replace(
        spec,
        format="csv",
        encoding=text.encoding,
        delimiter=grid.delimiter,
        has_header=grid.header.present,
        skip_rows=grid.header.n_skipped,
    )
    kept = len(names) - n_overflow
    return frame, names[:kept], names[kept:], decided, (), (*text.caveats, *_grid_caveats(grid))


def _grid_caveats(grid: Grid) -> list[Caveat]:
    caveats = []
    header = grid.header
    if grid.width == 1:
        other = grid.suggested_delimiter if grid.suggested_delimiter != grid.delimiter else ""
        shown = {"\t": "tab", BLANKS: "blanks"}
        caveats.append(
            Caveat("one_column", params={"delimiter": shown.get(grid.delimiter, grid.delimiter)})
            if not other
            else Caveat(
                "one_column_other_delimiter",
                params={"delimiter": shown.get(grid.delimiter, grid.delimiter), "suggested": shown.get(other, other)},
            )
        )
    if grid.n_short or grid.n_long:
        caveats.append(Caveat("ragged_rows", params={"n_short": grid.n_short, "n_long": grid.n_long}))
    if grid.quotes_literal:
        caveats.append(Caveat("quotes_literal", "note"))
    if not header.present:
        caveats.append(Caveat("no_header", params={"n": len(header.names)}))
    if header.n_skipped:
        caveats.append(Caveat("lines_above_header", "note", {"n": header.n_skipped}))
    if header.n_repeated:
        caveats.append(Caveat("repeated_headings", params={"n": header.n_repeated}))
    return caveats


def _all_names(names: tuple[str, ...], width: int) -> tuple[str, ...]:
    taken = list(names)
    for i in range(len(names), width):
        name, n = f"column_{i + 1}", 2
        while name in taken:
            name, n = f"column_{i + 1}_{n}", n + 1
        taken.append(name)
    return tuple(taken)


def _workbook(data: bytes, spec: ReadSpec) -> _Read:
    sheet = parse_workbook(
        data, sheet=spec.sheet, has_header=spec.has_header, skip_rows=spec.skip_rows, column_limit=COLUMN_LIMIT
    )
    header = sheet.header
    names = _all_names(header.names, sheet.frame.width)
    frame = sheet.frame.rename(dict(zip(sheet.frame.columns, names, strict=True)))
    decided = replace(spec, format="xlsx", sheet=sheet.name, has_header=header.present, skip_rows=header.n_skipped)
    caveats = []
    if len(sheet.names) > 1 and not spec.sheet:
        caveats.append(Caveat("one_sheet_of_many", params={"sheet": sheet.name, "n": len(sheet.names)}))
    if not header.present:
        caveats.append(Caveat("no_header", params={"n": len(header.names)}))
    if header.n_skipped:
        caveats.append(Caveat("lines_above_header", "note", {"n": header.n_skipped}))
    if header.n_repeated:
        caveats.append(Caveat("repeated_headings", params={"n": header.n_repeated}))
    return frame, names, (), decided, sheet.names, tuple(caveats)


def _parquet(data: bytes, spec: ReadSpec) -> _Read:
    import pyarrow.parquet as parquet

    try:
        meta = parquet.read_metadata(io.BytesIO(data))
        unpacked = sum(meta.row_group(i).total_byte_size for i in range(meta.num_row_groups))
        if meta.num_columns > COLUMN_LIMIT:
            raise AnalysisError("too_many_columns", n=meta.num_columns, limit=COLUMN_LIMIT)
        if unpacked > PARQUET_LIMIT:
            raise AnalysisError("parquet_too_large", megabytes=round(unpacked / 1e6), limit=round(PARQUET_LIMIT / 1e6))
        frame = pl.read_parquet(io.BytesIO(data))
    except AnalysisError:
        raise
    except Exception as problem:  # pyarrow and Polars raise many kinds on broken files; all mean the same here
        raise AnalysisError("parquet_unreadable") from problem
    if not frame.height:
        raise AnalysisError("header_only")
    nested = [name for name, dtype in frame.schema.items() if dtype.is_nested()]
    frame = frame.with_columns(_joined(name, frame.schema[name]) for name in nested)
    names = _unique([clean_name(name) or f"column_{i + 1}" for i, name in enumerate(frame.columns)])
    frame = frame.rename(dict(zip(frame.columns, names, strict=True)))
    frame = frame.head(last_filled_row(frame))
    return frame, names, (), replace(spec, format="parquet", has_header=True, skip_rows=0), (), ()


def _joined(name: str, dtype: pl.DataType) -> pl.Expr:
    """A list as text joined by ";" (a survey's multiple choice); other nested values as JSON."""
    if isinstance(dtype, pl.List) and not dtype.inner.is_nested():
        return pl.col(name).cast(pl.List(pl.String)).list.join(";")
    return pl.col(name).struct.json_encode() if isinstance(dtype, pl.Struct) else pl.lit(None, pl.String).alias(name)


def _unique(names: list[str]) -> tuple[str, ...]:
    taken: list[str] = []
    for wanted in names:
        name, n = wanted, 2
        while name in taken:
            name, n = f"{wanted}_{n}", n + 1
        taken.append(name)
    return tuple(taken)
