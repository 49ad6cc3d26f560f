"""Dates outside the period that a table really covers."""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl

_WINDOW = 7  # days looked back from each day
_THIN = 0.05  # of the usual number of rows in such a window
_MOST = 0.01  # of all rows may be outliers; more of them are data
_FAR = timedelta(days=365)
_VERY_FAR = timedelta(days=730)


def covered_days(days: pl.Series) -> tuple[date | None, date | None]:
    """First and last day of the period that is really covered; dates outside are outliers (a mistyped year).

    The end is the last day behind which the stream of rows is not yet thin; where rows are few, only a lone date
    beyond a gap of a year and of the covered period counts as an outlier. The beginning needs a gap of two years
    (1900-01-01, 1970-01-01), because a slow start is no error.
    """
    counts = days.drop_nulls().cast(pl.Date).alias("day").value_counts(name="n").sort("day")
    if not counts.height:
        return None, None
    each: list[date] = counts["day"].to_list()
    rows: list[int] = counts["n"].to_list()
    most = max(1, int(_MOST * sum(rows))) if sum(rows) >= 20 else 0
    last = _end(counts, each, rows, most)
    first = 0
    before = 0
    for i in range(len(each) - 1):
        before += rows[i]
        if before > most:
            break
        if each[i + 1] - each[i] > _VERY_FAR:
            first = i + 1
    return each[first], each[last]


def _end(counts: pl.DataFrame, each: list[date], rows: list[int], most: int) -> int:
    window = counts.rolling("day", period=f"{_WINDOW}d").agg(pl.col("n").sum())["n"]
    usual = float(window.median() or 0.0)  # type: ignore[arg-type]  # a scalar: Polars types any literal
    floor = _THIN * usual
    last = len(each) - 1
    tail = 0
    while last > 0 and window[last] < floor and tail + rows[last] <= most:
        tail += rows[last]
        last -= 1
    if last < len(each) - 1 and (each[-1] - each[last]) > timedelta(days=30):
        return last
    tail = 0
    for i in range(len(each) - 1, 0, -1):
        tail += rows[i]
        if tail > most:
            break
        gap = each[i] - each[i - 1]
        if gap > _FAR and gap > each[i - 1] - each[0]:
            return i - 1
    return len(each) - 1
