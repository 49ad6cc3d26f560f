"""From a DemandPanel to one Block: all series on one grid, closed weekdays taken out, what was met on the way noted."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

import polars as pl

from analytics.demand import DemandPanel, Frequency
from analytics.errors import AnalysisError
from analytics.forecasting.block import Block

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from analytics.forecasting.block import Floats
    from analytics.forecasting.spec import ForecastSpec

PERIODS_A_YEAR = {"day": 365, "week": 52, "month": 12}
TWO_YEARS = {"day": 730, "week": 104, "month": 24}
FULL_SEASON = {"day": 7, "week": 52, "month": 12}
DEFAULT_HORIZON = {"day": 28, "week": 12, "month": 6}
MOST_MISSING = 0.3
INTERMITTENT = 0.5
LEAST_OBSERVED = 2


@dataclass(frozen=True, slots=True)
class Note:
    """What is particular to one series: a code and the sizes its words name."""

    unique_id: str
    code: str
    n: int | None = None
    percent: int | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Grid:
    """The panel as arrays.

    Attributes
    ----------
    block : what the candidates see: open periods only, and the open ones of the periods ahead.
    ds, y : every period, and shape (n, all periods), NaN where not observed; closed weekdays included.
    ahead, ahead_open : the horizon's periods, and which of them are open.
    notes : what was met in single series.
    left_out : series that cannot be forecast, with the error of each.
    """

    block: Block
    ds: tuple[date, ...]
    y: Floats
    ahead: tuple[date, ...]
    ahead_open: npt.NDArray[np.bool_]
    notes: tuple[Note, ...]
    left_out: dict[str, AnalysisError]

    @property
    def horizon(self) -> int:
        return len(self.ahead)

    def on_all(self, values: Floats, closed: float = 0.0) -> Floats:
        """Values of the open periods ahead (last axis) on all periods ahead."""
        import numpy as np

        laid = np.full((*values.shape[:-1], self.horizon), closed)
        n_open = int(self.ahead_open.sum())
        laid[..., self.ahead_open] = values[..., :n_open]
        return laid


def next_periods(last: date, horizon: int, frequency: Frequency) -> tuple[date, ...]:
    """The ``horizon`` periods that follow the one starting on ``last``."""
    if frequency == "month":
        months = [last.year * 12 + last.month - 1 + step for step in range(1, horizon + 1)]
        return tuple(date(month // 12, month % 12 + 1, 1) for month in months)
    days = 1 if frequency == "day" else 7
    return tuple(last + timedelta(days=days * step) for step in range(1, horizon + 1))


def read_grid(panel: DemandPanel, spec: ForecastSpec) -> Grid:
    """Every series of ``panel`` on the panel's grid.

    A series that ended before the others goes on with zeros; one with fewer than two observed periods or with over 30
    percent missing is left out, unless it is the only one: then its error is raised.

    Raises ``AnalysisError``: "series_too_short", "repeated_periods", "irregular_periods", "too_many_gaps",
    "horizon_too_long".
    """
    import numpy as np

    frame = panel.frame.filter(pl.col("y").is_finite().fill_null(False)).sort("unique_id", "ds")
    ids = _in_order(panel)
    if frame.is_empty():
        raise AnalysisError("series_too_short", n_periods=0)
    repeated = panel.frame.filter(pl.struct("unique_id", "ds").is_duplicated())
    if len(repeated):
        count = len(repeated) - repeated.select(pl.struct("unique_id", "ds").n_unique()).item()
        raise AnalysisError("repeated_periods", count=count, example=repeated["ds"].sort()[0].isoformat())
    ds = _grid(frame["ds"].min(), frame["ds"].max(), panel.frequency)  # type: ignore[arg-type]  # a scalar: Polars types any literal
    strangers = frame.filter(~pl.col("ds").is_in(list(ds)))
    if len(strangers):
        raise AnalysisError("irregular_periods", count=len(strangers), example=strangers["ds"].sort()[0].isoformat())
    y = np.full((len(ids), len(ds)), np.nan)
    rows = frame["unique_id"].replace_strict(ids, range(len(ids)), return_dtype=pl.Int64).to_numpy()
    places = frame["ds"].replace_strict(list(ds), range(len(ds)), return_dtype=pl.Int64).to_numpy()
    y[rows, places] = frame["y"].to_numpy()

    notes: list[Note] = []
    left_out: dict[str, AnalysisError] = {}
    for row, unique_id in enumerate(ids):
        error = _settle(unique_id, y[row], notes)
        if error is not None:
            left_out[unique_id] = error
    kept = [row for row, unique_id in enumerate(ids) if unique_id not in left_out]
    if not kept:
        raise left_out[ids[0]]
    y, ids = y[kept], tuple(ids[row] for row in kept)
    first = int(np.flatnonzero(np.isfinite(y).any(axis=0))[0])
    ds, y = ds[first:], y[:, first:]

    n = len(ds)
    horizon = spec.horizon or max(1, min(DEFAULT_HORIZON[panel.frequency], n // 2))
    if horizon > n:
        raise AnalysisError("horizon_too_long", horizon=horizon, n_periods=n)
    closed = frozenset(weekday - 1 for weekday in panel.closed_weekdays) if panel.frequency == "day" else frozenset()
    opened = np.array([day.weekday() not in closed for day in ds])
    if not opened.any():
        closed, opened = frozenset(), np.ones(n, dtype=bool)
    ahead = next_periods(ds[-1], horizon, panel.frequency)
    ahead_open = np.array([day.weekday() not in closed for day in ahead])
    # The candidates always have a period to forecast, also where the horizon falls on closed days alone.
    open_ahead = tuple(day for day in ahead if day.weekday() not in closed) or next(
        (day,) for day in next_periods(ahead[-1], 7, panel.frequency) if day.weekday() not in closed
    )
    open_ds = tuple(day for day, is_open in zip(ds, opened, strict=True) if is_open)
    open_y = np.ascontiguousarray(y[:, opened])
    open_y.setflags(write=False)
    season = _season(len(open_ds), len(open_ahead), FULL_SEASON[panel.frequency] - len(closed))
    block = Block(ids, open_ds, open_y, open_ahead, panel.frequency, season)
    notes += _size_notes(block, horizon, n)
    y.setflags(write=False)
    return Grid(block, ds, y, ahead, ahead_open, tuple(notes), left_out)


def least_train(season: int) -> int:
    """The fewest periods an origin sees: a season and a quarter, so that no single difference scales the errors."""
    return season + -(-season // 4) if season > 1 else 3


def last_year(grid: Grid) -> Floats:
    """Shape (n, horizon): the value 364 days (the same weekday) or 12 months before; NaN where not observed."""
    import numpy as np

    place = {day: index for index, day in enumerate(grid.ds)}
    if grid.block.frequency == "month":
        before = [place.get(date(day.year - 1, day.month, 1), -1) for day in grid.ahead]
    else:
        before = [place.get(day - timedelta(days=364), -1) for day in grid.ahead]
    found = np.array(before)
    return np.where(found >= 0, grid.y[:, found], np.nan)


def _in_order(panel: DemandPanel) -> tuple[str, ...]:
    there = panel.frame["unique_id"].unique(maintain_order=True).to_list()
    known = set(there)
    named = [member for member in panel.members if member in known]
    return (*named, *(unique_id for unique_id in there if unique_id not in set(named)))


def _grid(first: date, last: date, frequency: Frequency) -> tuple[date, ...]:
    if frequency == "month":
        n = (last.year - first.year) * 12 + last.month - first.month
        return (first, *next_periods(first, n, frequency)) if first.day == 1 else (first,)
    step = 1 if frequency == "day" else 7
    return tuple(first + timedelta(days=step * place) for place in range((last - first).days // step + 1))


def _settle(unique_id: str, y: Floats, notes: list[Note]) -> AnalysisError | None:
    """One row, in place: zeros after its end. Its error if it cannot be forecast."""
    import numpy as np

    seen = np.flatnonzero(np.isfinite(y))
    if len(seen) < LEAST_OBSERVED:
        return AnalysisError("series_too_short", n_periods=len(seen))
    first, last = int(seen[0]), int(seen[-1])
    n_missing, n_periods = last - first + 1 - len(seen), last - first + 1
    if n_missing > MOST_MISSING * n_periods:
        return AnalysisError("too_many_gaps", n_missing=n_missing, n_periods=n_periods)
    if n_missing:
        notes.append(Note(unique_id, "gaps_left_out", n_missing, round(100 * n_missing / n_periods)))
    if last + 1 < len(y):  # the others go on: this one did not sell any more
        y[last + 1 :] = 0.0
        notes.append(Note(unique_id, "series_ended", len(y) - last - 1))
    return None


def _season(n: int, horizon: int, full: int) -> int:
    """The frequency's season; 1 with fewer than two of them, or no room to test one."""
    return full if full > 1 and n >= 2 * full and n - horizon >= least_train(full) else 1


def _size_notes(block: Block, horizon: int, n_all: int) -> list[Note]:
    import numpy as np

    notes = []
    for unique_id, row in zip(block.ids, block.y, strict=True):
        seen = row[np.isfinite(row)]
        if not len(seen):
            continue
        n = block.y.shape[1] - int(np.flatnonzero(np.isfinite(row))[0])
        if horizon > n * n_all / block.y.shape[1] / 2:
            notes.append(Note(unique_id, "horizon_long", n))
        zero = float((seen == 0).mean())
        if float(seen.min()) == float(seen.max()):
            notes.append(Note(unique_id, "series_constant"))
        elif zero > INTERMITTENT:
            notes.append(Note(unique_id, "series_intermittent", None, round(zero * 100)))
        if float(seen.min()) < 0:
            notes.append(Note(unique_id, "values_negative", int((seen < 0).sum())))
    return notes
