"""Days without any row although their weekday usually has some."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date, timedelta

import polars as pl

from analytics.mapped import count_values

_LEAST_WEEKS = 4  # with fewer nothing is usual yet
_AROUND = 13  # same weekdays before and behind a day: its season
_LIKELY = 0.05  # empty days that chance alone may leave in the whole period
_SAME_SEASON = 20  # days by which a yearly holiday may move, the Lunar New Year among them


@dataclass(frozen=True, slots=True)
class Gap:
    """Consecutive days without rows; ``n_open`` of them usually have some. ``yearly``: most years have it."""

    first: date
    last: date
    n_days: int
    n_open: int
    yearly: bool


def find_gaps(days: pl.Series, *, first: date, last: date, rows_per_event: float, open_share: float) -> list[Gap]:
    """Gaps between ``first`` and ``last``, in order.

    A weekday is usually open where at least ``open_share`` of the same weekdays around have rows. An empty day of a
    quiet shop is chance: how likely it is follows from mean and variance of the same weekdays around (negative
    binomial), and a gap is told only where fewer than one in twenty such periods would have one like it.

    Parameters
    ----------
    days : Date per row.
    rows_per_event : rows that come together (lines of an order).
    """
    n_days = (last - first).days + 1
    if n_days < 7 * _LEAST_WEEKS:
        return []
    counted = count_values(days)
    counts = [0] * n_days
    for day, n in counted.filter(pl.col("value").is_between(first, last)).iter_rows():
        counts[(day - first).days] = n
    gaps: list[Gap] = []
    day = 0
    while day < n_days:
        if counts[day]:
            day += 1
            continue
        end = day
        while end < n_days and not counts[end]:
            end += 1
        found = _judge(counts, day, end, first, rows_per_event, open_share)
        gaps += [found] if found else []
        day = end
    return [_with_years(gap, gaps, n_days) for gap in gaps]


def _judge(
    counts: list[int], start: int, end: int, first: date, rows_per_event: float, open_share: float
) -> Gap | None:
    """The gap of the empty days ``start`` to ``end - 1``, if they are more than closing days and chance."""
    quiet = 0.0
    usual: list[int] = []
    for day in range(start, end):
        weeks = range(1, _AROUND + 1)
        # The gap's own weeks say nothing about what is usual.
        around = [day + 7 * k for k in (*(-w for w in reversed(weeks)), *weeks)]
        around = [other for other in around if 0 <= other < len(counts) and not start <= other < end]
        n_open = sum(counts[other] > 0 for other in around)
        if len(around) < _LEAST_WEEKS - 1 or n_open < open_share * len(around):
            continue
        usual.append(day)
        quiet += _surprise([counts[other] / rows_per_event for other in around])
    if not usual or len(counts) * math.exp(-quiet) > _LIKELY:
        return None
    low, high = usual[0], usual[-1]
    return Gap(first + timedelta(days=low), first + timedelta(days=high), high - low + 1, len(usual), False)


def _surprise(events: list[float]) -> float:
    """-log of the chance of an empty day beside days with so many events: negative binomial, else Poisson."""
    usual = sorted(events)[len(events) // 2]
    within = [min(n, 3 * usual + 3) for n in events]  # a promotion's day says nothing about quiet ones
    mean = sum(within) / len(within)
    variance = sum((n - mean) ** 2 for n in within) / max(1, len(within) - 1)
    if variance <= mean:
        return mean
    size = mean * mean / (variance - mean)
    return size * math.log1p(mean / size)


def _with_years(gap: Gap, gaps: list[Gap], n_days: int) -> Gap:
    """Whether another year of the period has a gap at the same time of year: then it is a holiday."""

    def season(other: Gap) -> bool:
        apart = abs((other.first - gap.first).days)
        years = round(apart / 365.25)
        return years > 0 and abs(apart - 365.25 * years) <= _SAME_SEASON and other.n_open * 3 >= gap.n_open

    yearly = n_days > 365 and any(season(other) for other in gaps)
    return Gap(gap.first, gap.last, gap.n_days, gap.n_open, yearly)
