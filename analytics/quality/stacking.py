"""One frame of a table's files, also where an attribute is a number in one file and text in another."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from analytics.quality.findings import IssueBook, examples
from analytics.quality.report import Issue


def stack(table: str, frames: Sequence[pl.DataFrame], files: Sequence[str]) -> tuple[pl.DataFrame, list[Issue]]:
    """The rows of all files below each other, and the attributes whose type differs from file to file.

    Numbers of two kinds become Float64; anything else that differs is read as text. ``files``: name per ``#source``.
    """
    types: dict[str, list[pl.DataType]] = {}
    for frame in frames:
        for name, dtype in frame.schema.items():
            types.setdefault(name, []).append(dtype)
    differing = {name: found for name, found in types.items() if any(dtype != found[0] for dtype in found)}
    if not differing:
        return pl.concat(frames, how="diagonal"), []
    common = {
        name: pl.Float64() if all(dtype.is_numeric() for dtype in found) else pl.String()
        for name, found in differing.items()
    }
    alike = [
        frame.with_columns(pl.col(name).cast(dtype) for name, dtype in common.items() if name in frame.columns)
        for frame in frames
    ]
    together = pl.concat(alike, how="diagonal")
    book = IssueBook(table, "", together)
    for name in sorted(name for name, dtype in common.items() if dtype == pl.String):
        told = tuple(
            f"{files[frame['#source'][0]]}: {', '.join(examples(frame[name])[:3])}"
            for frame in frames
            if name in frame.columns and frame.height
        )
        book.add("column_type_differs", "check", name, together[name].is_not_null(), "keep", told[:5])
    return together, book.issues
