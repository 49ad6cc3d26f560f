"""A table of series that somebody else made: its grid, its gaps, its repetitions."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta

import polars as pl

from analytics.dataset import Dataset
from analytics.demand import periods
from analytics.demand.hierarchy import Tree, added_up, flat, grown, with_sums
from analytics.demand.lines import chosen, in_rank
from analytics.demand.spec import EVERY, FREQUENCIES, MIN_PERIODS, NO_ABOVE, TOTAL, DemandPanel, DemandSpec, Frequency
from analytics.errors import AnalysisError, Caveat

# So many of the dates must lie on a grid for the others to be moved to it.
_ON_GRID = 0.9
_MANY_GAPS = 0.3
_EXAMPLES = 3
# Median days from one value to the next: up to here daily, weekly; from here on monthly.
_DAILY, _WEEKLY, _MONTHLY = 1, (5, 9), 26


def is_ready_made(dataset: Dataset) -> bool:
    """Whether there are no order lines, but a table of series."""
    return "transactions" not in dataset.tables and "series" in dataset.tables


def given_series(dataset: Dataset) -> pl.DataFrame:
    """member, ds, y up to as-of, where there is a number; one series, ``TOTAL``, in a table without names of series.

    Raises ``AnalysisError``: ``table_missing``, ``fields_missing``.
    """
    table = dataset.table("series", "ds", "y")
    named = pl.col("unique_id") if dataset.has("series.unique_id") else pl.lit(TOTAL)
    rows = table.select(named.alias("member"), "ds", "y")
    return rows.filter((pl.col("ds") <= dataset.as_of) & pl.col("y").is_finite())


def from_series(dataset: Dataset, spec: DemandSpec, key: str) -> DemandPanel:
    """The panel of a ready-made table; see ``build_panel``."""
    given = given_series(dataset)
    n_without = given["member"].null_count()
    given = given.drop_nulls("member")
    if given.is_empty():
        raise AnalysisError("panel_empty")
    rank = in_rank(given.group_by("member").agg(revenue=pl.col("y").sum(), n_lines=pl.len()))
    members, caveats = chosen(rank["member"].to_list(), spec, "series")
    adds_up = spec.parents and rank.height > 1
    level = "series" if dataset.has("series.unique_id") else TOTAL
    tree = grown(members, level, {}, NO_ABOVE, None) if adds_up else flat(members, level, {})
    wanted = given if adds_up else given.filter(pl.col("member").is_in(list(members)))
    once, n_summed = _once(wanted, spec)
    grid = _find_grid(once, spec)
    moved = once.with_columns(ds=grid.placed)
    n_moved = int(once.select(grid.off.sum()).item())
    moved, n_more = _once(moved, spec) if not grid.irregular else (_added(moved), 0)
    if n_summed + n_more:
        caveats.append(Caveat("repeated_summed", "note", {"n": n_summed + n_more}))
    if grid.irregular:
        caveats.append(Caveat("dates_irregular", "watch", {}))
    elif n_moved:
        caveats.append(Caveat("dates_snapped", "note", {"n": n_moved, "n_values": once.height}))
    own = grid.frequency
    coarser = FREQUENCIES.index(own) > FREQUENCIES.index(spec.frequency)
    frequency = own if coarser else spec.frequency
    if coarser:
        caveats.append(Caveat("frequency_coarser", "note", {}))
    closed = periods.closed_weekdays(once["ds"], periods.latest(once["ds"])) if own == "day" else ()
    slots = _slots(moved, own, closed)
    n_gaps = slots["y"].null_count()
    if n_gaps:
        share = n_gaps / slots.height
        sizes = {"n": n_gaps, "n_values": slots.height, "percent": round(100 * share)}
        filled = "series_gaps_zero" if spec.gaps == "zero" else "series_gaps"
        caveats.append(Caveat(filled, "watch" if share > _MANY_GAPS else "note", sizes))
    if spec.gaps == "zero":
        slots = slots.with_columns(pl.col("y").fill_null(0.0))
    first_day, last_day = _observed(once, moved, grid, dataset.as_of)
    starts, n_dropped = periods.whole_periods(first_day, last_day, frequency, closed)
    laid = _coarsened(slots, own, frequency).join(starts.to_frame(), on="ds", how="semi")
    if laid.is_empty():
        raise AnalysisError("panel_empty")
    laid = laid.join(_every(laid, starts), on=["member", "ds"], how="right").sort("member", "ds")
    n_clipped = int((laid["y"] < 0).sum()) if spec.negative == "clip" else 0
    if spec.negative == "clip":
        laid = laid.with_columns(pl.col("y").clip(lower_bound=0.0))
    if tree.rest:
        laid = _into(laid, tree)
    parents, names = tree.kept(set(laid["member"].unique()))
    frame = with_sums(laid, parents).select(unique_id="member", ds="ds", y="y").sort("unique_id", "ds")
    is_open = ~frame["ds"].dt.weekday().is_in(list(closed)) if frequency == "day" else pl.lit(True)
    return DemandPanel(
        frame=frame,
        frequency=frequency,
        measure="value",
        unit="",
        as_of=dataset.as_of,
        n_clipped=n_clipped,
        n_filled=n_gaps if spec.gaps == "zero" else 0,
        n_dropped_partial=n_dropped,
        key=key,
        by="series",
        members=tuple(names["unique_id"]),
        closed_weekdays=closed,
        n_without_member=n_without,
        caveats=tuple(caveats + periods.sparse(frame)),
        parents=parents,
        names=names,
        n_missing=frame.filter(is_open)["y"].null_count(),
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Grid:
    """How often, the first day of each row's period, which rows are off the grid, and whether there is none at all."""

    frequency: Frequency
    placed: pl.Expr
    off: pl.Expr = field(default_factory=lambda: pl.lit(False))
    irregular: bool = False


def _find_grid(rows: pl.DataFrame, spec: DemandSpec) -> _Grid:
    """How often the values come, from the days between them and the weekday or day of the month they fall on.

    Where nine in ten fall on one weekday or day of the month, the others belong to the nearest of these days; where
    nine in ten have a week or month of their own, each belongs to the period it lies in. Else there is no grid, and the
    next coarser period takes them.
    """
    dates, ds = rows.select("member", "ds").unique().sort("member", "ds"), pl.col("ds")
    steps = dates.select(ds.diff().over("member").dt.total_days()).to_series().drop_nulls()
    if steps.is_empty():
        raise AnalysisError("panel_too_short", n=1, needed=MIN_PERIODS)
    ordered = steps.sort()
    step, least = int(ordered[(len(ordered) - 1) // 2]), int(ordered[0])
    if spec.gaps == "zero" and least < _WEEKLY[0]:
        step = _DAILY  # rows are missing because nothing was sold, not because nobody looked
    if step >= _MONTHLY:
        day = int(dates["ds"].dt.day().mode().sort()[0])
        if _share(dates, ds == ds.dt.month_end()) >= _ON_GRID:
            # The first days of a month are the last one's.
            return _Grid("month", _month(ds - timedelta(days=15)), ds != ds.dt.month_end())
        if _share(dates, ds.dt.day() == day) >= _ON_GRID:
            return _Grid("month", _month(ds + timedelta(days=15 - day)), ds.dt.day() != day)
        return _Grid("month", _month(ds), irregular=_crowded(dates, "month"))
    if _WEEKLY[0] <= step <= _WEEKLY[1]:
        weekday = int(dates["ds"].dt.weekday().mode().sort()[0])
        if _share(dates, ds.dt.weekday() == weekday) >= _ON_GRID:
            off = (ds.dt.weekday().cast(pl.Int32) - weekday + 10) % 7 - 3  # days from the nearest such weekday
            return _Grid("week", periods.period(ds - pl.duration(days=off), "week"), off != 0)
        if not _crowded(dates, "week"):
            return _Grid("week", periods.period(ds, "week"))
    if step <= _DAILY:
        return _Grid("day", ds)
    coarser: Frequency = "week" if step < _WEEKLY[0] else "month"
    return _Grid(coarser, periods.period(ds, coarser), irregular=True)


def _observed(rows: pl.DataFrame, moved: pl.DataFrame, grid: _Grid, as_of: date) -> tuple[date, date]:
    """The first and last day that the values tell of.

    A value stands for the whole of its own period, whichever day of it is its date; unless as-of lies between that day
    and the end of the period, when nobody could know it yet. Values without a grid tell of their own days alone.
    """
    last_row, last = periods.latest(rows["ds"]), periods.latest(moved["ds"])
    until = periods.next_period(last, grid.frequency) - timedelta(days=1)
    if grid.irregular:
        return periods.earliest(rows["ds"]), min(until, as_of)
    return periods.earliest(moved["ds"]), as_of if last_row < as_of < until else until


def _month(day: pl.Expr) -> pl.Expr:
    return periods.period(day, "month")


def _share(dates: pl.DataFrame, holds: pl.Expr) -> float:
    return float(dates.select(holds.mean()).item())


def _crowded(dates: pl.DataFrame, frequency: Frequency) -> bool:
    """Whether more than one in ten share their period with another of their series."""
    alone = pl.len().over("member", periods.period(pl.col("ds"), frequency)) == 1
    return _share(dates, alone) < _ON_GRID


def _once(rows: pl.DataFrame, spec: DemandSpec) -> tuple[pl.DataFrame, int]:
    """One row per series and date, and how many were added to another. Raises unless that was asked for."""
    n_repeated = rows.height - rows.select("member", "ds").n_unique()
    if n_repeated and spec.repeated == "refuse":
        twice = rows.group_by("member", "ds").len().filter(pl.col("len") > 1).sort("member", "ds")
        first = twice.head(_EXAMPLES).select("member", "ds").iter_rows()
        # A table without names of series has only its dates to show.
        examples = [str(ds) if member == TOTAL else f"{member}, {ds}" for member, ds in first]
        n_series = twice["member"].n_unique()
        raise AnalysisError("series_repeated", count=n_repeated, n_series=n_series, examples="; ".join(examples))
    return (_added(rows) if n_repeated else rows), n_repeated


def _added(rows: pl.DataFrame) -> pl.DataFrame:
    # Sorted first: a sum of floats depends on its order.
    return rows.sort("member", "ds", "y").group_by("member", "ds", maintain_order=True).agg(pl.col("y").sum())


def _slots(rows: pl.DataFrame, own: Frequency, closed: tuple[int, ...]) -> pl.DataFrame:
    """member, ds, y: every open period of the values' own frequency from a series' first to the last of all."""
    first, last = periods.earliest(rows["ds"]), periods.latest(rows["ds"])
    starts = pl.date_range(first, last, EVERY[own], eager=True).alias("ds")
    if closed:
        starts = starts.filter(~starts.dt.weekday().is_in(list(closed)))
    began = rows.group_by("member").agg(first=pl.col("ds").min())
    return periods.on_grid(began, starts).join(rows, on=["member", "ds"], how="left").select("member", "ds", "y")


def _coarsened(slots: pl.DataFrame, own: Frequency, frequency: Frequency) -> pl.DataFrame:
    """member, ds, y by ``frequency``: added up where at least half of a period was observed, else null.

    A week that lies in two months is parted by its days.
    """
    if own == frequency:
        return slots
    if own == "week":
        days = slots.with_columns(ds=pl.date_ranges("ds", pl.col("ds") + timedelta(days=6), "1d"), y=pl.col("y") / 7)
        slots = days.explode("ds")
    placed = slots.with_columns(ds=periods.period(pl.col("ds"), frequency))
    observed = 2 * pl.col("y").count() >= pl.len()
    sums = placed.group_by("member", "ds", maintain_order=True)
    return sums.agg(y=pl.when(observed).then(pl.col("y").sum()))


def _every(laid: pl.DataFrame, starts: pl.Series) -> pl.DataFrame:
    return periods.on_grid(laid.group_by("member").agg(first=pl.col("ds").min()), starts)


def _into(laid: pl.DataFrame, tree: Tree) -> pl.DataFrame:
    """What is not among the members, added up as the rest."""
    own = set(tree.leaf_of["leaf"])
    kept = laid.filter(pl.col("member").is_in(list(own)))
    rest = laid.filter(~pl.col("member").is_in(list(own)))
    summed = rest.group_by("ds").agg(added_up("y")).select(pl.lit(tree.rest).alias("member"), "ds", "y")
    return pl.concat([kept.select("member", "ds", "y"), summed])
