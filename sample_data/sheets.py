"""A table of text cells that remembers, per row, what was done to it.

Damage is planted row by row while rows still move; the row numbers that the truth names are counted only when the
sheet is complete, so they are right by construction.
"""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass, field
from typing import Any

import polars as pl


@dataclass(slots=True, eq=False)
class Row:
    """One row: cells by field, the codes of its defects, and the row it copies, if any."""

    cells: dict[str, str]
    marks: set[str] = field(default_factory=set)
    copy_of: Row | None = None

    def copy(self, mark: str) -> Row:
        """Return a copy that is marked as one."""
        return Row(dict(self.cells), {mark}, self)


@dataclass(slots=True, eq=False)
class Sheet:
    """One file to be: rows, and the header under which each field is written."""

    file: str
    headers: dict[str, str]
    encoding: str
    delimiter: str
    rows: list[Row] = field(default_factory=list)
    waiting: list[tuple[Row, int, Row]] = field(default_factory=list)  # anchor, distance, new row

    @classmethod
    def from_frame(
        cls, frame: pl.DataFrame, file: str, headers: dict[str, str], encoding: str, delimiter: str
    ) -> Sheet:
        """Make a sheet from a frame whose columns are all text; nulls become empty cells."""
        columns = list(headers)
        rows = [
            Row({c: v or "" for c, v in zip(columns, values, strict=True)})
            for values in frame.select(columns).iter_rows()
        ]
        return cls(file, headers, encoding, delimiter, rows)

    def insert_later(self, anchor: Row, distance: int, new: Row) -> None:
        """Ask for a new row some rows after another one; it appears when the sheet is settled."""
        self.waiting.append((anchor, distance, new))

    def settle(self) -> None:
        """Put all waiting rows in their places at once; those that share a place keep their order."""
        place = {id(row): k for k, row in enumerate(self.rows)}
        keyed = [(k, -1, row) for k, row in enumerate(self.rows)]
        keyed += [(place[id(a)] + d, n, row) for n, (a, d, row) in enumerate(self.waiting)]
        self.rows = [row for _, _, row in sorted(keyed, key=lambda item: item[:2])]
        self.waiting.clear()

    def encode(self) -> bytes:
        """Return the file's bytes: header, rows, Windows line ends as office programs write them."""
        text = io.StringIO()
        writer = csv.writer(text, delimiter=self.delimiter, lineterminator="\r\n")
        writer.writerow(self.headers.values())
        for row in self.rows:
            writer.writerow([row.cells.get(name, "") for name in self.headers])
        return text.getvalue().encode(self.encoding)

    def list_defects(self, descriptions: dict[str, tuple[str | None, str]]) -> list[dict[str, Any]]:
        """Return each code with its 1-based data row numbers (the header is not counted).

        `descriptions` gives field and words per code; a copy also names the rows it copies, in the same order.
        """
        number = {id(row): k for k, row in enumerate(self.rows, start=1)}
        out: list[dict[str, Any]] = []
        for code, (field_name, words) in descriptions.items():
            marked = [row for row in self.rows if code in row.marks]
            if not marked:
                continue
            entry: dict[str, Any] = {"code": code, "file": self.file}
            if field_name is not None:
                entry["column"] = self.headers[field_name]
            entry |= {"description": words, "rows": [number[id(row)] for row in marked]}
            if all(id(row.copy_of) in number for row in marked):
                entry["of_rows"] = [number[id(row.copy_of)] for row in marked]
            out.append(entry)
        return out
