"""Files whose lines are no rows: one basket per line, and one series per line. They become long tables.

Both are decided from the content and can be told otherwise by ``ReadSpec.layout``.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from typing import Literal, get_args

import polars as pl

Layout = Literal["auto", "table", "baskets", "wide_series"]
SeriesStep = Literal["auto", "day", "week", "month", "quarter", "year"]
STEPS: tuple[str, ...] = get_args(SeriesStep)[1:]

# Series without dates end here by convention: a fixed Monday and the first of a month, a quarter and a year.
LAST_DAY = date(2001, 1, 1)
_SAMPLE_ROWS = 2_000
_LEAST_BASKETS = 10
_LEAST_PERIODS = 8
_NUMBER = r"^[+-]?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]{1,3})?$"
_NUMBERED = re.compile(r"^(?:v|x|y|t|col|column|period|day|week|month|d|w|m)?[ _-]?(\d{1,5})$", re.IGNORECASE)
_DATED = re.compile(r"^\d{4}[-/.年]\d{1,2}(?:[-/.月]\d{0,2}日?)?$|^\d{1,2}[-/.]\d{1,2}[-/.]\d{4}$")
_STEP_WORDS: tuple[tuple[str, SeriesStep], ...] = (
    ("week", "week"),
    ("周", "week"),
    ("週", "week"),
    ("month", "month"),
    ("月", "month"),
    ("quarter", "quarter"),
    ("季", "quarter"),
    ("year", "year"),
    ("annual", "year"),
    ("年", "year"),
)


@dataclass(frozen=True, slots=True)
class Long:
    """A long ``frame`` of text cells and, for each of its rows, the 1-based ``lines`` row of the grid it came from."""

    frame: pl.DataFrame
    lines: pl.Series


def looks_like_baskets(grid: pl.DataFrame) -> bool:
    """Whether every line of a grid without a header is a basket: lists of different length over one vocabulary."""
    sample = grid.head(_SAMPLE_ROWS)
    if sample.width < 3 or sample.height < _LEAST_BASKETS or not _filled_from_the_left(sample):
        return False
    lengths = Counter(sample.select(pl.sum_horizontal(pl.all().is_not_null()).alias("n"))["n"].to_list())
    if len(lengths) < 3 or max(lengths.values()) > 0.8 * sample.height:
        return False
    cells = pl.concat([column.drop_nulls().alias("cell") for column in sample.get_columns()])
    if cells.n_unique() > 0.5 * len(cells) or float(cells.str.contains(r"\d").mean() or 0.0) > 0.2:  # type: ignore[arg-type]  # a scalar: Polars types any literal
        return False
    first, second = (set(sample.to_series(i).drop_nulls().to_list()) for i in (0, 1))
    return len(first & second) >= 0.3 * max(1, min(len(first), len(second)))


def baskets(grid: pl.DataFrame) -> Long:
    """order_id (the number of the line) and product, one row per item, in the file's order."""
    long = (
        grid.with_columns(pl.int_range(1, pl.len() + 1, dtype=pl.UInt32).alias("#line"))
        .unpivot(index="#line", variable_name="#at", value_name="product")
        .with_columns(pl.col("product").str.strip_chars())
        .filter(pl.col("product").is_not_null() & (pl.col("product") != ""))
        .sort("#line", maintain_order=True)
    )
    return Long(long.select(order_id=pl.col("#line").cast(pl.String), product="product"), long["#line"])


def looks_like_wide_series(grid: pl.DataFrame, names: tuple[str, ...]) -> bool:
    """Whether every line is a series: a name that is no number, then numbers under numbered or dated headings."""
    if grid.width - 1 < _LEAST_PERIODS or grid.height < 2:
        return False
    ids, values = grid.to_series(0), grid.drop(grid.columns[0]).head(_SAMPLE_ROWS)
    if ids.null_count() or ids.n_unique() < len(ids) or bool(ids.str.contains(_NUMBER).any()):
        return False
    dated = _are_dates(names[1:])
    if not dated and not (_are_numbered(names[1:]) and _filled_from_the_left(values)):
        return False
    cells = pl.concat([column.drop_nulls().alias("cell") for column in values.get_columns()])
    if not len(cells) or not bool(cells.str.contains(_NUMBER).all()):
        return False
    # Answers on a scale under numbered headings are a questionnaire.
    return dated or float(cells.cast(pl.Float64).abs().max() or 0.0) > 10  # type: ignore[arg-type]  # a scalar: Polars types any literal


def wide_series(grid: pl.DataFrame, names: tuple[str, ...], step: str) -> Long:
    """unique_id, position, ds and y, one row per value: ds from dated headings, else counted back from ``LAST_DAY``.

    Without dates every series is taken to end on the same day: position and step decide the rest.
    """
    index = grid.columns[0]
    headings = dict(zip(grid.columns, names, strict=True))
    long = (
        grid.with_columns(pl.int_range(1, pl.len() + 1, dtype=pl.UInt32).alias("#line"))
        .unpivot(index=[index, "#line"], variable_name="#at", value_name="y")
        .with_columns(position=pl.col("#at").cum_count().over("#line"))
        .filter(pl.col("y").is_not_null() & (pl.col("y").str.strip_chars() != ""))
        .sort("#line", "position")
    )
    if _are_dates(names[1:]):
        long = long.with_columns(ds=pl.col("#at").replace_strict(headings, return_dtype=pl.String))
    else:
        long = long.with_columns(back=pl.col("position").max().over("#line") - pl.col("position"))
        days = [_counted_back(n, step).isoformat() for n in range(int(long["back"].max() or 0) + 1)]  # type: ignore[arg-type]  # a scalar: Polars types any literal
        long = long.with_columns(ds=pl.Series(days)[long["back"]])
    frame = long.select(
        unique_id=pl.col(index).cast(pl.String), position=pl.col("position").cast(pl.String), ds="ds", y="y"
    )
    return Long(frame, long["#line"])


def has_dates(names: tuple[str, ...]) -> bool:
    """Whether the headings of a wide table of series are dates."""
    return _are_dates(names[1:])


def step_named(name: str) -> SeriesStep:
    """The step between values that the file's name tells, else "day"."""
    lower = name.casefold()
    return next((step for word, step in _STEP_WORDS if word in lower), "day")


def _counted_back(n: int, step: str) -> date:
    if step in ("day", "week"):
        return LAST_DAY - timedelta(days=n * (7 if step == "week" else 1))
    months = LAST_DAY.year * 12 + LAST_DAY.month - 1 - n * {"month": 1, "quarter": 3, "year": 12}[step]
    return date(max(months // 12, 1), months % 12 + 1, 1)


def _are_dates(names: tuple[str, ...]) -> bool:
    return len(names) > 0 and all(_DATED.match(name.strip()) for name in names)


def _are_numbered(names: tuple[str, ...]) -> bool:
    found = [_NUMBERED.match(name.strip()) for name in names]
    numbers = [int(match.group(1)) for match in found if match]
    return len(numbers) == len(names) and all(b - a == 1 for a, b in pairwise(numbers))


def _filled_from_the_left(grid: pl.DataFrame) -> bool:
    """Whether no empty cell stands before a filled one, but for a few lines."""
    columns = grid.columns
    gaps = pl.any_horizontal(pl.col(left).is_null() & pl.col(right).is_not_null() for left, right in pairwise(columns))
    return int(grid.select(gaps.sum()).item() or 0) <= 0.01 * grid.height
