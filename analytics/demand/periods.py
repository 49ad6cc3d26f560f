"""Days, weeks and months: where a day belongs, which periods were observed whole, which weekdays are closed."""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl

from analytics.demand.spec import EVERY, MIN_PERIODS, Frequency
from analytics.errors import AnalysisError, Caveat

# A weekday that never sells is closed only once it had this many chances.
_WEEKS_TO_CALL_CLOSED = 8
_DAYS_BEFORE = 28
_MINUTES_A_DAY = 24 * 60


def period(day: pl.Expr, frequency: Frequency) -> pl.Expr:
    """The first day of the period a day is in; weeks start on Monday."""
    return day.dt.truncate(EVERY[frequency])


def period_of(day: date, frequency: Frequency) -> date:
    """``period`` of one day."""
    if frequency == "week":
        return day - timedelta(days=day.weekday())
    return day.replace(day=1) if frequency == "month" else day


def next_period(start: date, frequency: Frequency) -> date:
    """The first day of the period after the one that begins on ``start``."""
    if frequency == "month":
        return (start + timedelta(days=31)).replace(day=1)
    return start + timedelta(days=7 if frequency == "week" else 1)


def earliest(days: pl.Series) -> date:
    """The first of some days."""
    first = days.min()
    assert isinstance(first, date)
    return first


def latest(days: pl.Series) -> date:
    """The last of some days."""
    last = days.max()
    assert isinstance(last, date)
    return last


def closed_weekdays(days: pl.Series, as_of: date) -> tuple[int, ...]:
    """Weekdays (1 Monday) not among ``days``, where chance is no explanation at the pace of the other weekdays."""
    first = earliest(days)
    n_weeks = ((as_of - first).days + 1) // 7
    if n_weeks < _WEEKS_TO_CALL_CLOSED:
        return ()
    sold = days.unique()
    opened = set(sold.dt.weekday().unique())
    pace = min(len(sold) / (len(opened) * n_weeks), 1.0)
    if (1 - pace) ** n_weeks > 0.01:
        return ()
    return tuple(weekday for weekday in range(1, 8) if weekday not in opened)


def whole_periods(
    first_day: date, last_day: date, frequency: Frequency, closed: tuple[int, ...]
) -> tuple[pl.Series, int]:
    """The first days ("ds") of the periods that were observed whole, and how many at the ends were not.

    Raises ``AnalysisError("panel_too_short")``: fewer than two.
    """
    start, n_dropped = period_of(first_day, frequency), 0
    before = [start + timedelta(days=i) for i in range((first_day - start).days)]
    if any(day.isoweekday() not in closed for day in before):
        start, n_dropped = next_period(start, frequency), 1
    end = period_of(last_day, frequency)
    if next_period(end, frequency) - timedelta(days=1) > last_day:
        end, n_dropped = period_of(end - timedelta(days=1), frequency), n_dropped + (end >= start)
    starts = pl.date_range(start, end, EVERY[frequency], eager=True) if end >= start else pl.Series([], dtype=pl.Date)
    if len(starts) < MIN_PERIODS:
        raise AnalysisError("panel_too_short", n=len(starts), needed=MIN_PERIODS)
    return starts.alias("ds"), n_dropped


def last_whole_day(by_day: pl.DataFrame, as_of: date) -> tuple[date, list[Caveat]]:
    """The last day that was observed to its end: ``as_of``, or the day before where the rows break off during it.

    They do when the last day ends over an hour before any of the 28 days with lines before it did. ``by_day`` : day,
    n (lines), minute (of the last line, since 1970), sorted; days of few lines end at any time and prove nothing.
    """
    before = by_day.filter(pl.col("day") < as_of).tail(_DAYS_BEFORE)
    if by_day["day"][-1] != as_of or before.height < _DAYS_BEFORE or float(before["n"].sort()[_DAYS_BEFORE // 2]) < 10:
        return as_of, []
    ends = (before["minute"] % _MINUTES_A_DAY).min()
    end = int(by_day["minute"][-1]) % _MINUTES_A_DAY
    if not isinstance(ends, int) or end >= ends - 60:
        return as_of, []
    return as_of - timedelta(days=1), [Caveat("last_day_cut", "note", {"time": f"{end // 60:02d}:{end % 60:02d}"})]


def on_grid(first: pl.DataFrame, starts: pl.Series) -> pl.DataFrame:
    """member, ds: the periods of every series from its ``first`` to the last of all."""
    grid = first.join(starts.to_frame(), how="cross").filter(pl.col("ds") >= pl.col("first"))
    if grid.is_empty():
        raise AnalysisError("panel_empty")
    return grid.select("member", "ds").sort("member", "ds")


def quiet_end(periods: pl.Series, starts: pl.Series, frequency: Frequency, closed: tuple[int, ...]) -> list[Caveat]:
    """Whether the end is quiet for longer than the data ever were before: a sign that as-of lies past the data."""
    open_starts = starts.filter(~starts.dt.weekday().is_in(list(closed))) if frequency == "day" else starts
    sold = open_starts.is_in(periods.unique().implode()).to_list()
    runs = [0]
    for has_sale in sold:
        runs = [*runs, 0] if has_sale else [*runs[:-1], runs[-1] + 1]
    n_quiet = runs[-1]
    return [Caveat("panel_quiet_end", "watch", {"n": n_quiet})] if n_quiet > max(runs[:-1], default=0) else []


def sparse(frame: pl.DataFrame) -> list[Caveat]:
    """Whether some series are mostly zeros."""
    zeros = frame.group_by("unique_id").agg(share=(pl.col("y") == 0).mean())
    n_sparse = int((zeros["share"] > 0.5).sum())
    return [Caveat("panel_sparse", "note", {"n": n_sparse, "n_series": zeros.height})] if n_sparse else []
