"""Cells that hold nothing although something is written in them."""

from __future__ import annotations

import polars as pl

from analytics.mapping.distinct import Distinct, distinct

_ALWAYS = (
    "",
    "null",
    "n/a",
    "#n/a",
    "nan",
    "<na>",
    "\\n",
    "#null!",
    "#value!",
    "#ref!",
    "(null)",
    "[null]",
    "(空)",
    "（空）",
    "(跳过)",
    "（跳过）",
    "(跳過)",
)
# Words that are an answer in a category or a text, and nothing in an id, a time or a number.
_UNLESS_WORDS = (
    "none",
    "na",
    "-",
    "--",
    "---",
    "nil",
    "?",
    ".",
    "/",
    "無",
    "无",
    "沒有",
    "没有",
    "nat",
    "undefined",
    "空",
)
_NOBODY = (
    "guest",
    "anonymous",
    "unknown",
    "匿名",
    "訪客",
    "访客",
    "散客",
    "非會員",
    "非会员",
    "未知",
    "walk-in",
    "walk in",
)


def without_missing(column: pl.Series, role: str = "category", *, nobody: bool = False) -> pl.Series:
    """Text stripped of blanks, with cells that mean "nothing" made null; other types as they are.

    ``nobody``: also words for a customer who is not known.
    """
    if column.dtype != pl.String:
        return column.fill_nan(None) if column.dtype.is_float() else column
    return clean_cells(distinct(column), role, nobody=nobody).column().alias(column.name)


def clean_cells(cells: Distinct, role: str = "category", *, nobody: bool = False) -> Distinct:
    """As ``without_missing``, for a column of text taken apart."""
    words = [*_ALWAYS]
    if role not in ("category", "text"):
        words += _UNLESS_WORDS
    if nobody:
        words += _NOBODY
    clean = cells.values.str.strip_chars().str.strip_chars(" \u3000\u200b\ufeff")
    clean = clean.set(clean.str.to_lowercase().is_in(words), None)
    return cells if clean.equals(cells.values) else cells.changed(clean)
