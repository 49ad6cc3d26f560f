"""``read``: the bytes of one file to a ``RawTable``."""

from __future__ import annotations

import io
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

import polars as pl

from analytics.errors import AnalysisError, Caveat, is_panic
from analytics.keys import derive_key, digest_bytes
from analytics.progress import report
from analytics.reading.archive import Member, contents, gunzip, is_gzip, is_zip, members_of
from analytics.reading.delimited import BLANKS, Grid, last_filled_row, parse_delimited
from analytics.reading.encoding import decode
from analytics.reading.header import clean_name
from analytics.reading.layout import (
    LAST_DAY,
    Layout,
    SeriesStep,
    baskets,
    has_dates,
    looks_like_baskets,
    looks_like_wide_series,
    step_named,
    wide_series,
)
from analytics.reading.records import looks_like_records, parse_records
from analytics.reading.workbook import is_zip_workbook, parse_workbook

Format = Literal["auto", "csv", "xlsx", "parquet", "json"]

COLUMN_LIMIT = 1000
WIDE_LIMIT = 10_000  # values of one series in one line
MANY_COLUMNS = 200
PARQUET_LIMIT = 8_000_000_000  # bytes once unpacked
_SHAPE_BYTES = 1 << 16  # of a file in an archive: enough to see its headings
_COUNTED = frozenset({"ragged_rows", "bytes_replaced", "records_broken", "baskets_split", "series_split"})
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_NOT_TABLES = (
    (b"\x89PNG", "PNG"),
    (b"\xff\xd8\xff", "JPEG"),
    (b"GIF8", "GIF"),
    (b"%PDF", "PDF"),
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
)


@dataclass(frozen=True, slots=True)
class ReadSpec:
    """How to read a file; "auto" and None are decided from its content.

    Attributes
    ----------
    format : by content, never by the name's ending. "xlsx" stands for every workbook, "json" for JSON lines and arrays.
        For an archive it is the format of the files in it.
    encoding : a codec's name, for delimited text.
    delimiter : one character; " " means runs of blanks.
    sheet : a workbook's sheet, or an archive's files of one shape; "" takes the first that holds anything.
    has_header : whether the first row names the columns.
    skip_rows : lines above the header (a report's title).
    layout : "baskets": every line lists the products of one order; "wide_series": every line is a series of values.
    series_step : how far apart the values of a series without dates are.
    """

    format: Format = "auto"
    encoding: str = "auto"
    delimiter: str = "auto"
    sheet: str = ""
    has_header: bool | None = None
    skip_rows: int | None = None
    layout: Layout = "auto"
    series_step: SeriesStep = "auto"

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
        lines above it not counted; blank lines are, except at the end) unless ``origin`` says otherwise.
    name, digest : the file's name and the SHA-256 of its bytes.
    n_rows : rows of the frame.
    columns : the source columns that can be mapped.
    overflow : columns that hold the cells of records longer than the header; a row with any is quarantined.
    decided : the spec with everything that was decided.
    sheets : names of a workbook's sheets, or of an archive's shapes.
    members : names of an archive's files in the order of their rows.
    origin : member (UInt32, position in ``members``) and row_number (UInt32, 1-based in that file), one row per row of
        ``frame``; None where the file's rows are the frame's.
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
    members: tuple[str, ...] = ()
    origin: pl.DataFrame | None = None

    def origins(self, row_numbers: pl.Series) -> pl.DataFrame:
        """Where rows of ``frame`` (1-based) stand: source (String, a file's name) and row_number (UInt32) in it."""
        if self.origin is None:
            named = pl.Series("source", [self.name], dtype=pl.String).new_from_index(0, len(row_numbers))
            return pl.DataFrame([named, row_numbers.cast(pl.UInt32).alias("row_number")])
        found = self.origin[(row_numbers.cast(pl.Int64) - 1).to_list()]
        names = pl.Series("source", self.members or (self.name,), dtype=pl.String)
        return pl.DataFrame([names.gather(found["member"]), found["row_number"]])


def read(data: bytes, name: str, spec: ReadSpec | None = None) -> RawTable:
    """The table in ``data``.

    An archive's files of one shape become one table. Raises ``AnalysisError``: ``file_empty``, ``header_only``,
    ``not_a_table``, ``too_many_columns``, ``line_too_long``, ``encoding_wrong``, ``encoding_unknown``,
    ``workbook_protected``, ``workbook_unreadable``, ``workbook_too_large``, ``sheet_missing``, ``parquet_unreadable``,
    ``parquet_too_large``, ``json_unreadable``, ``archive_unreadable``, ``archive_too_large``, ``archive_protected``,
    ``nested_archive``, ``file_unreadable``, ``memory_short``.
    """
    spec = spec or ReadSpec()
    report(0.0, "read")
    digest = digest_bytes(data)
    try:
        content = _container(data, name, spec)
    except MemoryError as problem:
        raise AnalysisError("memory_short") from problem
    except BaseException as problem:
        if is_panic(problem):  # a parser written in Rust gave up on what it met
            raise AnalysisError("file_unreadable") from None
        raise
    caveats = content.caveats
    if len(content.columns) >= MANY_COLUMNS:
        caveats = (*caveats, Caveat("many_columns", "note", {"n": len(content.columns)}))
    report(1.0, "read")
    return RawTable(
        content.frame,
        name,
        digest,
        content.frame.height,
        content.columns,
        content.overflow,
        content.decided,
        content.sheets,
        caveats,
        derive_key("read", spec, digest, name),
        content.members,
        content.origin,
    )


class _Content(NamedTuple):
    frame: pl.DataFrame
    columns: tuple[str, ...]
    overflow: tuple[str, ...]
    decided: ReadSpec
    sheets: tuple[str, ...] = ()
    caveats: tuple[Caveat, ...] = ()
    members: tuple[str, ...] = ()
    origin: pl.DataFrame | None = None


def _container(data: bytes, name: str, spec: ReadSpec) -> _Content:
    if is_gzip(data):
        return _file(gunzip(data, name), name, spec)
    if is_zip(data) and not is_zip_workbook(data):
        return _archive(data, spec)
    return _file(data, name, spec)


def _file(data: bytes, name: str, spec: ReadSpec) -> _Content:
    if not data.strip(b" \t\r\n\0\xef\xbb\xbf\xff\xfe"):
        raise AnalysisError("file_empty")
    match spec.format if spec.format != "auto" else _format(data):
        case "parquet":
            return _parquet(data, spec)
        case "xlsx":
            return _workbook(data, spec)
        case "json":
            return _records(decode(data, spec.encoding).data, spec)
        case _:
            return _delimited(data, name, spec)


def _format(data: bytes) -> Format:
    if data.startswith(b"PAR1"):
        return "parquet"
    if data.startswith(_OLE) or is_zip(data):
        return "xlsx"
    start = data[:512].lstrip(b"\xef\xbb\xbf \t\r\n")
    for mark, kind in _NOT_TABLES:
        if start.startswith(mark):
            raise AnalysisError("not_a_table", kind=kind)
    return "csv"


def _archive(data: bytes, spec: ReadSpec) -> _Content:
    """The files of one shape (format and headings) as one table; the shape with the most bytes unless one is chosen."""
    members = members_of(data)
    shapes, refused = _shapes(data, members, spec)
    if not shapes:
        raise refused[0] if len(refused) == 1 else AnalysisError("not_a_table", kind="ZIP")
    ranked = sorted(shapes, key=lambda group: (-sum(member.size for member in group), group[0].name))
    named = {group[0].name if len(group) == 1 else f"{group[0].name} (+{len(group) - 1})": group for group in ranked}
    if spec.sheet and spec.sheet not in named:
        raise AnalysisError("sheet_missing", sheet=spec.sheet, sheets=", ".join(list(named)[:10]))
    chosen = spec.sheet or next(iter(named))
    wanted = named[chosen]

    inside = replace(spec, sheet="")
    parts: list[_Content] = []
    for i, content in enumerate(contents(data, wanted)):
        report(0.1 + 0.8 * i / len(wanted), "read")
        parts.append(_file(content, wanted[i].name, inside))
    frame = pl.concat([part.frame for part in parts], how="diagonal_relaxed")
    columns = tuple(dict.fromkeys(name for part in parts for name in part.columns))
    overflow = tuple(dict.fromkeys(name for part in parts for name in part.overflow if name not in columns))
    own = [part.origin["row_number"] if part.origin is not None else _numbered(part.frame.height) for part in parts]
    index = [pl.Series([i], dtype=pl.UInt32).new_from_index(0, len(rows)) for i, rows in enumerate(own)]
    origin = pl.DataFrame([pl.concat(index).alias("member"), pl.concat(own).alias("row_number")])
    caveats = list(_together([part.caveats for part in parts]))
    if len(wanted) > 1:
        caveats.append(Caveat("files_together", "note", {"n": len(wanted), "n_rows": frame.height}))
    if len(named) > 1 and not spec.sheet:
        caveats.append(Caveat("one_shape_of_many", params={"sheet": chosen, "n": len(named)}))
    if refused:
        caveats.append(Caveat("archive_skipped", params={"n": len(refused), "n_files": len(members)}))
    n_twice = len(wanted) - len({(member.crc, member.size) for member in wanted})
    if n_twice:
        caveats.append(Caveat("archive_repeats", params={"n": n_twice}))
    return _Content(
        frame.select([*columns, *overflow]),
        columns,
        overflow,
        replace(parts[0].decided, sheet=chosen),
        tuple(named),
        tuple(caveats),
        tuple(member.name for member in wanted),
        origin,
    )


def _numbered(n: int) -> pl.Series:
    return pl.int_range(1, n + 1, dtype=pl.UInt32, eager=True)


def _shapes(data: bytes, members: list[Member], spec: ReadSpec) -> tuple[list[list[Member]], list[AnalysisError]]:
    """Members by format and headings, seen on their beginnings; and why others are no tables."""
    groups: dict[tuple[str, ...], list[Member]] = {}
    known: dict[bytes, tuple[str, ...]] = {}
    refused: list[AnalysisError] = []
    for member, start in zip(members, contents(data, members, _SHAPE_BYTES), strict=True):
        report(0.1 * len(groups) / len(members), "read")
        first = start[: start.find(b"\n") + 1]
        try:
            shape = known.get(first)
            if shape is None or not start[len(first) :].strip():
                whole_lines = (
                    start[: start.rfind(b"\n") + 1] if member.size > len(start) and b"\0" not in start else start
                )
                shape = _shape(data, member, whole_lines or start, spec)
                if first.strip():
                    known[first] = shape
        except AnalysisError as problem:
            refused.append(problem)
            continue
        groups.setdefault(shape, []).append(member)
    return list(groups.values()), refused


def _shape(data: bytes, member: Member, start: bytes, spec: ReadSpec) -> tuple[str, ...]:
    if start.startswith(b"PAR1"):
        (start,) = contents(data, [member])
    part = _file(start, member.name, replace(spec, sheet=""))
    if part.decided.format == "json":
        return ("json",)  # records may lack any of their keys
    return part.decided.format, part.decided.layout, *part.columns


def _together(said: list[tuple[Caveat, ...]]) -> list[Caveat]:
    """Caveats of many files, each code once, its counts summed."""
    found: dict[str, Caveat] = {}
    for caveat in (caveat for caveats in said for caveat in caveats):
        before = found.get(caveat.code)
        if before is None:
            found[caveat.code] = caveat
        elif caveat.code in _COUNTED:
            summed = {name: _sum(before.params[name], value) for name, value in caveat.params.items()}
            found[caveat.code] = Caveat(caveat.code, caveat.severity, summed)
    return list(found.values())


def _sum(left: object, right: object) -> int:
    return (left if isinstance(left, int) else 0) + (right if isinstance(right, int) else 0)


def _records(text: bytes, spec: ReadSpec) -> _Content:
    records = parse_records(text, COLUMN_LIMIT)
    names = _unique([name or f"column_{i + 1}" for i, name in enumerate(records.frame.columns)])
    frame = records.frame.rename(dict(zip(records.frame.columns, names, strict=True)))
    kept = len(names) - (records.n_broken > 0)
    caveats = (Caveat("records_broken", params={"n": records.n_broken}),) if records.n_broken else ()
    decided = replace(spec, format="json", has_header=True, skip_rows=0, layout="table")
    return _Content(frame, names[:kept], names[kept:], decided, (), caveats)


def _delimited(data: bytes, name: str, spec: ReadSpec) -> _Content:
    text = decode(data, spec.encoding)
    report(0.3, "read")
    if spec.format == "auto" and looks_like_records(text.data):
        return _records(text.data, replace(spec, encoding=text.encoding))
    grid = parse_delimited(
        text.data,
        delimiter=spec.delimiter,
        has_header=False if spec.layout == "baskets" and spec.has_header is None else spec.has_header,
        skip_rows=spec.skip_rows,
        column_limit=WIDE_LIMIT,
    )
    names = _all_names(grid.header.names, grid.frame.width)
    n_overflow = grid.frame.width - grid.width
    if not grid.header.present or grid.n_long > 0.2 * grid.frame.height:
        n_overflow = 0  # no header to be longer than, or too many to be accidents: columns without a heading
    frame = grid.frame.rename(dict(zip(grid.frame.columns, names, strict=True)))
    if not frame.height:
        raise AnalysisError("header_only")
    layout = spec.layout if spec.layout != "auto" else _layout(frame, names, grid)
    decided = replace(
        spec,
        format="csv",
        encoding=text.encoding,
        delimiter=grid.delimiter,
        has_header=grid.header.present,
        skip_rows=grid.header.n_skipped,
        layout=layout,
    )
    if layout != "table":
        return _lengthened(frame, names, name, decided, text.caveats)
    if len(names) > COLUMN_LIMIT:
        raise AnalysisError("too_many_columns", n=len(names), limit=COLUMN_LIMIT)
    kept = len(names) - n_overflow
    caveats = (*text.caveats, *_grid_caveats(grid))
    return _Content(frame, names[:kept], names[kept:], decided, (), caveats)


def _layout(frame: pl.DataFrame, names: tuple[str, ...], grid: Grid) -> Layout:
    if not grid.header.present and looks_like_baskets(frame):
        return "baskets"
    return "wide_series" if looks_like_wide_series(frame, names) else "table"


def _lengthened(
    frame: pl.DataFrame, names: tuple[str, ...], name: str, decided: ReadSpec, caveats: tuple[Caveat, ...]
) -> _Content:
    """One row per item of a basket, or per value of a series."""
    said = list(caveats)
    if decided.layout == "baskets":
        long = baskets(frame)
        said.append(Caveat("baskets_split", "note", {"n_lines": frame.height, "n_rows": long.frame.height}))
    else:
        step = decided.series_step if decided.series_step != "auto" else step_named(name)
        long = wide_series(frame, names, step)
        said.append(Caveat("series_split", "note", {"n_lines": frame.height, "n_rows": long.frame.height}))
        if not has_dates(names):
            decided = replace(decided, series_step=step)
            said.append(Caveat(f"series_undated_{step}", params={"last": LAST_DAY.isoformat()}))
    if not long.frame.height:
        raise AnalysisError("header_only")
    origin = pl.DataFrame({"member": pl.zeros(long.frame.height, pl.UInt32, eager=True), "row_number": long.lines})
    return _Content(long.frame, tuple(long.frame.columns), (), decided, (), tuple(said), (), origin)


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
    return _unique([*names, *(f"column_{i + 1}" for i in range(len(names), width))])


def _workbook(data: bytes, spec: ReadSpec) -> _Content:
    sheet = parse_workbook(
        data, sheet=spec.sheet, has_header=spec.has_header, skip_rows=spec.skip_rows, column_limit=COLUMN_LIMIT
    )
    header = sheet.header
    names = _all_names(header.names, sheet.frame.width)
    frame = sheet.frame.rename(dict(zip(sheet.frame.columns, names, strict=True)))
    decided = replace(
        spec, format="xlsx", sheet=sheet.name, has_header=header.present, skip_rows=header.n_skipped, layout="table"
    )
    caveats = []
    if len(sheet.names) > 1 and not spec.sheet:
        caveats.append(Caveat("one_sheet_of_many", params={"sheet": sheet.name, "n": len(sheet.names)}))
    if not header.present:
        caveats.append(Caveat("no_header", params={"n": len(header.names)}))
    if header.n_skipped:
        caveats.append(Caveat("lines_above_header", "note", {"n": header.n_skipped}))
    if header.n_repeated:
        caveats.append(Caveat("repeated_headings", params={"n": header.n_repeated}))
    return _Content(frame, names, (), decided, sheet.names, tuple(caveats))


def _parquet(data: bytes, spec: ReadSpec) -> _Content:
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
    return _Content(frame, names, (), replace(spec, format="parquet", has_header=True, skip_rows=0, layout="table"))


def _joined(name: str, dtype: pl.DataType) -> pl.Expr:
    """A list as text joined by ";" (a survey's multiple choice); other nested values as JSON."""
    if isinstance(dtype, pl.List) and not dtype.inner.is_nested():
        return pl.col(name).cast(pl.List(pl.String)).list.join(";")
    return pl.col(name).struct.json_encode() if isinstance(dtype, pl.Struct) else pl.lit(None, pl.String).alias(name)


def _unique(names: list[str]) -> tuple[str, ...]:
    taken: dict[str, None] = {}
    for wanted in names:
        name, n = wanted, 2
        while name in taken:
            name, n = f"{wanted}_{n}", n + 1
        taken[name] = None
    return tuple(taken)
