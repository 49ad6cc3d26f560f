"""Delimited text to a grid of text cells: every record kept, short and long ones counted.

Polars reads the well-formed file. What it returns is checked against the bytes (line ends, quotes at field borders,
number of delimiters); where they disagree, Python's csv reader, which is slower and forgiving, reads it instead.
"""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Protocol

import numpy as np
import polars as pl

from analytics.errors import AnalysisError
from analytics.reading.header import Header, Row, find_header

DELIMITERS = (",", ";", "\t", "|")
BLANKS = " "  # runs of blanks, as in printed tables
LINE_LIMIT = 1_000_000  # bytes: a longer line is not a table's
_SAMPLE_LINES = 200
_LF, _CR, _QUOTE = 10, 13, 34


class _Reader(Protocol):
    """What ``csv.reader`` returns."""

    @property
    def line_num(self) -> int: ...
    def __iter__(self) -> Iterator[list[str]]: ...
    def __next__(self) -> list[str]: ...


@dataclass(frozen=True, slots=True)
class Grid:
    """A table of text cells.

    ``frame`` holds the ``width`` columns of the header and behind them those of records that were longer.
    """

    frame: pl.DataFrame
    header: Header
    width: int
    delimiter: str
    suggested_delimiter: str
    n_short: int
    n_long: int
    quotes_literal: bool


def parse_delimited(
    data: bytes, *, delimiter: str, has_header: bool | None, skip_rows: int | None, column_limit: int
) -> Grid:
    """The grid of a delimited text in UTF-8.

    Raises ``AnalysisError``: ``file_empty``, ``header_only``, ``line_too_long``, ``too_many_columns``.
    """
    data = _unix_line_ends(data)
    _refuse_long_lines(data)
    sniffed = sniff_delimiter(data)
    chosen = sniffed if delimiter == "auto" else delimiter
    if chosen == BLANKS:
        data = re.sub(rb"(?m)^[ \t]+|[ \t]+$", b"", data)
        data = re.sub(rb"[ \t]+", b"\t", data)
    separator = "\t" if chosen == BLANKS else chosen

    literal = _quotes_are_literal(data, separator)
    sample = list(islice(_records(data, separator, literal), _SAMPLE_LINES))
    if not any(any(cell.strip() for cell in row) for row in sample):
        raise AnalysisError("file_empty")
    header = find_header([[cell or None for cell in row] for row in sample], has_header, skip_rows)
    width = max(len(header.names), 1)
    if width > column_limit:
        raise AnalysisError("too_many_columns", n=width, limit=column_limit)

    body = _after_records(data, sample, header.first_row, separator, literal)
    if not body.strip():
        raise AnalysisError("header_only")
    frame, n_short, n_long = _parse_body(body, separator, width, literal, column_limit)
    return Grid(frame, header, width, chosen, sniffed, n_short, n_long, literal)


def sniff_delimiter(data: bytes) -> str:
    """The delimiter whose count per record is most consistent over the first records; quotes are respected."""
    sample = data[:500_000].decode("utf-8", "ignore")
    best, best_score = ",", 0.0
    for delimiter in DELIMITERS:
        rows = [row for row in _safe_reader(sample, delimiter) if any(cell.strip() for cell in row)][:_SAMPLE_LINES]
        if not rows:
            continue
        widths = Counter(len(row) for row in rows)
        # Ragged lists (one basket per line) have no common width: what counts then is how often it splits at all.
        width, n = max(widths.items(), key=lambda item: (item[1] * (item[0] > 1), item[0]))
        split = sum(count for w, count in widths.items() if w > 1) / len(rows)
        score = (n / len(rows)) * (1 - 1 / width) + 0.3 * split * (width > 1 or split > 0.5)
        if score > best_score + 1e-9:
            best, best_score = delimiter, score
    if best_score < 0.2 and _is_printed_table(sample):
        return BLANKS
    return best


def _safe_reader(sample: str, delimiter: str) -> list[list[str]]:
    rows: list[list[str]] = []
    lines = sample.split("\n")[: 2 * _SAMPLE_LINES]
    try:
        rows.extend(csv.reader((line + "\n" for line in lines), delimiter=delimiter))
    except csv.Error:
        rows = [line.split(delimiter) for line in lines]
    return rows


def _is_printed_table(sample: str) -> bool:
    lines = [line.split() for line in sample.split("\n")[:_SAMPLE_LINES] if line.strip()]
    widths = Counter(map(len, lines))
    width, n = widths.most_common(1)[0] if widths else (0, 0)
    return width >= 2 and n >= 0.95 * len(lines) and n >= 2


def _unix_line_ends(data: bytes) -> bytes:
    if b"\r" not in data:
        return data
    if b"\n" not in data:
        return data.replace(b"\r", b"\n")
    # What is left are strays inside lines: no end of a line, and csv.reader refuses them.
    return data.replace(b"\r\n", b"\n").replace(b"\r", b" ")


def _refuse_long_lines(data: bytes) -> None:
    start = 0
    while len(data) - start > LINE_LIMIT:
        # From one line end to the last one that a line of the greatest length can reach: few steps, no array.
        end = data.rfind(b"\n", start, start + LINE_LIMIT + 1)
        if end < 0:
            stop = data.find(b"\n", start)
            length = (stop if stop >= 0 else len(data)) - start
            raise AnalysisError("line_too_long", line=data.count(b"\n", 0, start) + 1, megabytes=round(length / 1e6, 1))
        start = end + 1


def _records(data: bytes, separator: str, literal: bool) -> _Reader:
    csv.field_size_limit(2 * LINE_LIMIT)
    stream = io.TextIOWrapper(io.BytesIO(data), encoding="utf-8", errors="replace", newline="\n")
    if literal:
        return csv.reader(stream, delimiter=separator, quoting=csv.QUOTE_NONE)
    return csv.reader(stream, delimiter=separator)


def _quotes_well_placed(data: bytes, separator: str) -> bool:
    """Whether every quote stands at a field's border or is doubled, looking at the quotes' neighbours only."""
    if b'"' not in data:
        return True
    characters = np.frombuffer(data, dtype=np.uint8)
    at = np.flatnonzero(characters == _QUOTE)
    if len(at) % 2:
        return False
    borders = np.array([_LF, _CR, _QUOTE, ord(separator)], dtype=np.uint8)
    before = characters[at[0::2] - 1]
    after = characters[np.minimum(at[1::2] + 1, len(characters) - 1)]
    opens = np.isin(before, borders) | (at[0::2] == 0)
    closes = np.isin(after, borders) | (at[1::2] == len(characters) - 1)
    return bool(opens.all() and closes.all())


def _quotes_are_literal(data: bytes, separator: str) -> bool:
    """Whether quotes are part of the text: reading them as quotes gives fewer, uneven or overlong records."""
    if _quotes_well_placed(data, separator):
        return False
    n_lines = data.count(b"\n") + (not data.endswith(b"\n"))
    quoted, plain = (Counter(map(len, _try_records(data, separator, literal))) for literal in (False, True))
    if not quoted or not plain:
        return not quoted
    even_quoted = max(quoted.values()) / n_lines
    even_plain = max(plain.values()) / n_lines
    return even_plain > even_quoted + 0.001


def _try_records(data: bytes, separator: str, literal: bool) -> list[list[str]]:
    try:
        return list(_records(data, separator, literal))
    except csv.Error:
        return []


def _after_records(data: bytes, sample: list[list[str]], n: int, separator: str, literal: bool) -> bytes:
    """``data`` without its first ``n`` records, which may hold line ends inside quotes."""
    if not n:
        return data
    reader = _records(data, separator, literal)
    for _ in range(n):
        next(reader)
    position = 0
    for _ in range(reader.line_num):
        position = data.find(b"\n", position) + 1
        if not position:
            return b""
    return data[position:]


def _parse_body(
    body: bytes, separator: str, width: int, literal: bool, column_limit: int
) -> tuple[pl.DataFrame, int, int]:
    if not literal and _quotes_well_placed(body, separator):
        frame = _polars_grid(body, separator, width + 1)
        if frame is not None:
            spare = frame.columns[-1]
            long = frame[spare].null_count() < frame.height
            last = frame.columns[width - 1]
            exact = frame[last].null_count() == 0 or _n_delimiters(body, frame, separator) >= frame.height * (width - 1)
            if not long and exact:
                return _without_blank_end(frame.drop(spare)), 0, 0
    return _forgiving_grid(body, separator, width, literal, column_limit)


def _polars_grid(body: bytes, separator: str, width: int) -> pl.DataFrame | None:
    """The grid as Polars reads it, or None where its number of records does not agree with the bytes."""
    names = separator.join(_column_name(i) for i in range(width))
    try:
        frame = pl.read_csv(
            names.encode() + b"\n" + body,
            separator=separator,
            infer_schema=False,
            truncate_ragged_lines=True,
        )
    except pl.exceptions.PolarsError:
        return None
    expected = body.count(b"\n") + (not body.endswith(b"\n"))
    if frame.height != expected:
        inside = frame.select(pl.all().str.count_matches("\n", literal=True).sum()).sum_horizontal().item()
        if frame.height + (inside or 0) != expected:
            return None
    return frame


def _n_delimiters(body: bytes, frame: pl.DataFrame, separator: str) -> int:
    inside = 0
    if b'"' in body:
        inside = frame.select(pl.all().str.count_matches(separator, literal=True).sum()).sum_horizontal().item() or 0
    # Every record of the file itself; the spare column has no delimiter of its own.
    return body.count(separator.encode()) - inside


def _forgiving_grid(
    body: bytes, separator: str, width: int, literal: bool, column_limit: int
) -> tuple[pl.DataFrame, int, int]:
    rows = _try_records(body, separator, literal) or _try_records(body, separator, True)
    widths = [len(row) for row in rows]
    total = max([width, *widths])
    if total > column_limit:
        raise AnalysisError("too_many_columns", n=total, limit=column_limit)
    n_short = sum(0 < n < width for n in widths)
    n_long = sum(any(row[width:]) for row in rows)
    columns = {
        _column_name(i): pl.Series([row[i] or None if i < len(row) else None for row in rows], dtype=pl.String)
        for i in range(total)
    }
    frame = pl.DataFrame(columns)
    empty = [name for name in frame.columns[width:] if frame[name].null_count() == frame.height]
    return _without_blank_end(frame.drop(empty)), n_short, n_long


def _without_blank_end(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.head(last_filled_row(frame))


def last_filled_row(frame: pl.DataFrame) -> int:
    """Number of rows up to the last one that holds anything."""
    height = frame.height
    while height and all(cell is None or not str(cell).strip() for cell in frame.row(height - 1)):
        height -= 1
    return height


def _column_name(i: int) -> str:
    return f"column_{i + 1}"


__all__ = ["BLANKS", "DELIMITERS", "Grid", "Row", "parse_delimited", "sniff_delimiter"]
