"""JSON lines and JSON arrays of records to a table of text cells: numbers stay as they are written."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import polars as pl

from analytics.errors import AnalysisError
from analytics.reading.delimited import LINE_LIMIT
from analytics.reading.header import clean_name

BROKEN_SHARE = 0.2  # of lines: with more of them it is no file of JSON lines
DEPTH = 3  # levels of nested objects that become columns of their own


@dataclass(frozen=True, slots=True)
class Records:
    """``frame``: one row per record; the last column holds the text of ``n_broken`` lines that are no record."""

    frame: pl.DataFrame
    n_broken: int


def looks_like_records(text: bytes) -> bool:
    """Whether ``text`` begins as JSON does: an object, or an array of objects or arrays."""
    start = text[:200].lstrip(b"\xef\xbb\xbf \t\r\n")
    if start.startswith(b"{"):
        return start[1:].lstrip()[:1] in (b'"', b"}")
    return start.startswith(b"[") and start[1:].lstrip()[:1] in (b"{", b"[")


def parse_records(text: bytes, column_limit: int) -> Records:
    """The records of ``text`` (UTF-8).

    Objects become rows, their keys columns in the order of first appearance; "address.city" is a key of a nested
    object; a list is joined by ";". A record may be an array too, its first one then holds the headings.
    Raises ``AnalysisError``: ``json_unreadable``, ``header_only``, ``too_many_columns``, ``line_too_long``.
    """
    whole = _loads(text.decode("utf-8", "replace"))
    rows: Iterator[Any]
    if isinstance(whole, list):
        rows = iter(whole)
    elif isinstance(whole, dict) and (inside := _only_list(whole)) is not None:
        rows = iter(inside)
    elif isinstance(whole, dict):
        rows = iter([whole])
    else:
        rows = _lines(text)
    return _table(rows, column_limit)


class _Broken(str):
    """A line that is no JSON."""


def _lines(text: bytes) -> Iterator[Any]:
    for i, line in enumerate(text.split(b"\n"), start=1):
        if len(line) > LINE_LIMIT:
            raise AnalysisError("line_too_long", line=i, megabytes=round(len(line) / 1e6, 1))
        if line.strip():
            shown = line.decode("utf-8", "replace").strip()
            value = _loads(shown)
            yield _Broken(shown) if value is None else value


def _loads(text: str) -> Any:
    """The value, its numbers as text so that 1.10 and 0.001 stay what they are; None where it is no JSON."""
    try:
        return json.loads(text, parse_float=str, parse_int=str, parse_constant=lambda _name: None)
    except (ValueError, RecursionError):
        return None


def _only_list(whole: dict[str, Any]) -> list[Any] | None:
    """The records of {"data": [...], "count": 3}: the one value that is a list of objects."""
    lists = [value for value in whole.values() if isinstance(value, list) and value and isinstance(value[0], dict)]
    return lists[0] if len(lists) == 1 else None


def _table(rows: Iterator[Any], column_limit: int) -> Records:
    columns: dict[str, list[str | None]] = {}
    broken: dict[int, str] = {}
    headings: list[str] | None = None
    n = 0
    for row in rows:
        if isinstance(row, list) and headings is None and not n:
            headings = [_heading(cell, i) for i, cell in enumerate(row)]
            continue
        cells: dict[str, str | None] = {}
        if isinstance(row, dict):
            _flatten(row, "", cells, DEPTH)
        elif isinstance(row, list) and headings is not None:
            names = headings + [f"column_{i + 1}" for i in range(len(headings), len(row))]
            cells = {name: _text(cell) for name, cell in zip(names, row, strict=False)}
        else:
            broken[n] = str(row) if isinstance(row, _Broken) else _text(row) or ""
        for name, cell in cells.items():
            column = columns.get(name)
            if column is None:
                if len(columns) >= column_limit:
                    raise AnalysisError("too_many_columns", n=len(columns) + 1, limit=column_limit)
                column = columns[name] = []
            column.extend([None] * (n - len(column)))
            column.append(cell)
        n += 1
    if not n:
        raise AnalysisError("header_only")
    if not columns or len(broken) > BROKEN_SHARE * n:
        raise AnalysisError("json_unreadable")
    for column in columns.values():
        column.extend([None] * (n - len(column)))
    frame = pl.DataFrame([pl.Series(name, column, dtype=pl.String) for name, column in columns.items()])
    if broken:
        spare = next(name for i in range(len(columns) + 2) if (name := f"column_{len(columns) + 1 + i}") not in columns)
        frame = frame.with_columns(pl.Series(spare, [broken.get(i) for i in range(n)], dtype=pl.String))
    return Records(frame, len(broken))


def _heading(cell: Any, i: int) -> str:
    return clean_name(_text(cell) or "") or f"column_{i + 1}"


def _flatten(record: dict[str, Any], before: str, cells: dict[str, str | None], depth: int) -> None:
    for key, value in record.items():
        name = before + (_valid(clean_name(key)) or "column")
        while name in cells:
            name += "_2"
        if isinstance(value, dict) and depth > 1 and value:
            _flatten(value, f"{name}.", cells, depth - 1)
        else:
            cells[name] = _text(value)


def _text(value: Any) -> str | None:
    match value:
        case None:
            return None
        case str():
            return _valid(value)
        case bool():
            return "true" if value else "false"
        case float() if not math.isfinite(value):
            return None
        case list() if all(not isinstance(item, dict | list) for item in value):
            return ";".join(_text(item) or "" for item in value)
    return _valid(json.dumps(value, ensure_ascii=False))


def _valid(text: str) -> str:
    """Text without halves of surrogate pairs, which JSON can write and no table can hold."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()
