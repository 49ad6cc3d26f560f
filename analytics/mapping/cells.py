"""Cells that hold nothing although something is written in them."""

from __future__ import annotations

import polars as pl

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
    words = [*_ALWAYS]
    if role not in ("category", "text"):
        words += _UNLESS_WORDS
    if nobody:
        words += _NOBODY
    counted = column.alias("text").drop_nulls().unique()
    clean = counted.str.strip_chars().str.strip_chars(" \u3000\u200b\ufeff")
    nothing = clean.str.to_lowercase().is_in(words)
    known = pl.DataFrame([counted, clean.alias("clean").set(nothing, None)])
    if bool(known["text"].eq_missing(known["clean"]).all()):
        return column
    joined = column.alias("text").to_frame().join(known, on="text", how="left", maintain_order="left")
    return joined["clean"].alias(column.name)
