"""Where a grid of text cells has its header, and what its columns are called."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

Row = Sequence[str | None]

_NUMBER_OR_DATE = re.compile(
    r"""^[(\-+]?\s*(?:NT\$|US\$|HK\$|[$€£¥￥])?\s*[\d.,]*\d\s*[)%]?$   # 1,234.56 (12.5) ￥30 15%
    |^\d{1,4}[-/.年]\d{1,2}[-/.月]\d{1,4}日?(?:[\sT].*)?$                # a date
    |^\d{1,2}:\d{2}""",
    re.VERBOSE,
)
_MAX_PREAMBLE = 30


@dataclass(frozen=True, slots=True)
class Header:
    """``names`` of the columns (unique, never empty), and the index of the ``first_row`` of data behind them."""

    names: tuple[str, ...]
    present: bool
    n_skipped: int
    first_row: int
    n_repeated: int


def find_header(sample: Sequence[Row], has_header: bool | None, skip_rows: int | None) -> Header:
    """The header of the grid whose first rows are ``sample``.

    Lines above it that fill at most one cell of a wider table (a report's title) are skipped. The first row is no
    header when it holds a number or a date, or when its own values come back further down.
    """
    skipped = _preamble(sample) if skip_rows is None else skip_rows
    rows = list(sample[skipped:])
    first = rows[0] if rows else []
    present = _is_header(first, rows[1:]) if has_header is None else has_header
    width = max(_last_filled(first), 1) if present else max([_last_filled(row) for row in rows] or [1])
    names, n_repeated = _names(list(first[:width]) if present else [None] * width)
    return Header(names, present, skipped, skipped + (1 if present else 0), n_repeated)


def _preamble(sample: Sequence[Row]) -> int:
    filled = [sum(bool(cell and cell.strip()) for cell in row) for row in sample]
    usual = sorted(filled)[len(filled) // 2] if filled else 0
    if usual < 3:
        return 0 if not filled or filled[0] else next((i for i, n in enumerate(filled) if n), 0)
    return next((i for i, n in enumerate(filled[:_MAX_PREAMBLE]) if n > 1), 0)


def _is_header(first: Row, below: Sequence[Row]) -> bool:
    cells = [cell.strip() if cell else "" for cell in first]
    if any(_NUMBER_OR_DATE.match(cell) for cell in cells if cell):
        # Periods as headings ("2023", "2024") are numbers too: a header when the cells below differ in kind.
        return sum(bool(cell) and not _NUMBER_OR_DATE.match(cell) for cell in cells) > 0.5 * len(cells) and not any(
            _NUMBER_OR_DATE.match((row[i] or "").strip())
            for row in below[:20]
            for i, cell in enumerate(cells)
            if i < len(row) and not _NUMBER_OR_DATE.match(cell) and cell and row[i]
        )
    repeats = sum(
        1
        for i, cell in enumerate(cells)
        if cell and any(i < len(row) and (row[i] or "").strip() == cell for row in below)
    )
    has_numbers = any(_NUMBER_OR_DATE.match((cell or "").strip()) for row in below[:50] for cell in row)
    return repeats == 0 if not has_numbers else repeats < max(1, len(cells) / 2)


def _last_filled(row: Row) -> int:
    return max((i + 1 for i, cell in enumerate(row) if cell and cell.strip()), default=0)


def _names(cells: Sequence[str | None]) -> tuple[tuple[str, ...], int]:
    names: list[str] = []
    taken: set[str] = set()
    n_repeated = 0
    for i, cell in enumerate(cells):
        wanted = clean_name(cell or "") or f"column_{i + 1}"
        name, n = wanted, 2
        while name in taken:
            name, n = f"{wanted}_{n}", n + 1
        n_repeated += name != wanted
        taken.add(name)
        names.append(name)
    return tuple(names), n_repeated


def clean_name(text: str) -> str:
    """A heading as people read it: no control or zero-width characters, blanks collapsed."""
    visible = "".join(" " if c.isspace() else c for c in text if c.isspace() or unicodedata.category(c)[0] != "C")
    return re.sub(r" +", " ", visible).strip()
