"""Prophet fitted to every series of many blocks at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

from analytics.forecasting.prophet_model.climb import minimise
from analytics.forecasting.prophet_model.design import History, Regressors, lay_out, read_history, swings_grow
from analytics.forecasting.prophet_model.objective import BASE_SCALE, Curved, Linear, Priors, along, trend_of

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from analytics.forecasting.block import Block, Floats
    from analytics.forecasting.spec import ForecastSpec, ProphetSpec

    Bools = npt.NDArray[np.bool_]

LEAST_PERIODS = 2
OVER_HIGHEST = 1.2  # the ceiling of logistic growth, where none is given
MOST_NUMBERS = 1_500_000  # of the arrays that one climb looks at in every tick


class Task(NamedTuple):
    """One series to fit: its block, its row there, its history, and whether swings grow with the trend."""

    block: int
    row: int
    history: History
    multiplicative: bool


@dataclass(frozen=True, slots=True, eq=False)
class _Setting:
    """What all fits have in common. Unknowns: offset, slope, K regressors, bends, log of the noise."""

    options: ProphetSpec
    priors: Priors
    n_bends: int

    @property
    def n_unknowns(self) -> int:
        return int(self.priors.bends.stop) + 1


def fit_blocks(blocks: Sequence[Block], spec: ForecastSpec) -> list[Floats]:
    """Fitted values and forecasts of every series, one array (n, T + h) per block; NaN below two observed periods.

    Blocks are of one grid and one frequency, such as all cutoffs of a back-test. Constant series go on as they are.

    Raises ``AnalysisError("country_unknown")``.
    """
    import numpy as np

    days = sorted({day for block in blocks for day in (*block.ds, *block.ahead)})
    place = {day: index for index, day in enumerate(days)}
    everywhere = lay_out(days, blocks[0].frequency, spec.prophet, spec.calendar)
    regressors = [_at(everywhere, [place[day] for day in (*block.ds, *block.ahead)]) for block in blocks]
    setting = _set(spec.prophet, everywhere)
    lines = [np.full((len(block.ids), len(block.ds) + block.horizon), np.nan) for block in blocks]
    tasks: list[Task] = []
    for index, block in enumerate(blocks):
        highest, lowest = _extremes(block.y)
        enough = np.isfinite(block.y).sum(axis=1) >= LEAST_PERIODS
        constant = enough & (highest == lowest)
        lines[index][constant] = highest[constant, None]
        tasks += _tasks(index, block, regressors[index], spec.prophet, np.flatnonzero(enough & ~constant), lowest)
    logistic = spec.prophet.growth == "logistic"
    for piece in _pieces([t for t in tasks if not (t.multiplicative or logistic)], setting.n_unknowns**2):
        _fit_linear(piece, blocks, regressors, setting, lines)
    for index, block in enumerate(blocks):
        for multiplicative in (False, True):
            curved = [t for t in tasks if t.block == index and t.multiplicative == multiplicative]
            if multiplicative or logistic:
                for piece in _pieces(curved, len(block.ds) * setting.n_bends):
                    _fit_curved(piece, block, regressors[index], setting, lines[index])
    return lines


def _set(options: ProphetSpec, regressors: Regressors) -> _Setting:
    import numpy as np

    n_bends = 1 if options.growth == "flat" else max(options.n_changepoints, 1)
    n_columns = len(regressors.scales)
    precision = np.concatenate([np.full(2, 1 / BASE_SCALE**2), 1 / regressors.scales**2, np.zeros(n_bends)])
    bends = slice(2 + n_columns, 2 + n_columns + n_bends)
    return _Setting(options, Priors(precision, bends, options.changepoint_prior_scale), n_bends)


def _at(regressors: Regressors, places: list[int]) -> Regressors:
    return replace(regressors, days=regressors.days[places], values=regressors.values[places])


def _extremes(y: Floats) -> tuple[Floats, Floats]:
    import numpy as np

    seen = np.isfinite(y)
    highest: Floats = np.where(seen, y, -np.inf).max(axis=1, initial=-np.inf)
    lowest: Floats = np.where(seen, y, np.inf).min(axis=1, initial=np.inf)
    return highest, lowest


def _tasks(
    index: int,
    block: Block,
    regressors: Regressors,
    options: ProphetSpec,
    rows: npt.NDArray[np.intp],
    lowest: Floats,
) -> list[Task]:
    """The fits of one block, series of one pattern of observed periods after one another."""
    import numpy as np

    if not len(rows):
        return []
    if options.seasonality_mode == "auto":
        multiplicative = swings_grow(block)
    else:
        multiplicative = np.full(len(block.ids), options.seasonality_mode == "multiplicative")
    multiplicative &= lowest >= 0  # a negative level would turn the seasons round
    patterns, member = np.unique(np.isfinite(block.y[rows]), axis=0, return_inverse=True)
    member = member.ravel()
    tasks = []
    for number, seen in enumerate(patterns):
        history = read_history(seen, regressors, block.horizon, block.frequency, options)
        tasks += [Task(index, int(row), history, bool(multiplicative[row])) for row in rows[member == number]]
    return tasks


def _pieces(tasks: list[Task], n_numbers: int) -> Iterator[list[Task]]:
    size = max(1, MOST_NUMBERS // n_numbers)
    for begin in range(0, len(tasks), size):
        yield tasks[begin : begin + size]


def _fit_linear(
    piece: list[Task],
    blocks: Sequence[Block],
    regressors: Sequence[Regressors],
    setting: _Setting,
    lines: list[Floats],
) -> None:
    import numpy as np

    m, p = len(piece), setting.n_unknowns - 1
    gram, cross = np.empty((m, p, p)), np.empty((m, p))
    squares, n_seen = np.empty(m), np.empty(m)
    x = np.zeros((m, p + 1))
    scale = np.empty(m)
    before: Task | None = None
    for place, task in enumerate(piece):
        history = task.history
        if before is None or before.history is not history:
            observed = _design(history, regressors[task.block], setting)[: len(history.seen)][history.seen]
            normal = observed.T @ observed
            before = task
        y = blocks[task.block].y[task.row, history.seen]
        scale[place] = np.abs(y).max()
        y = y / scale[place]
        gram[place], cross[place], squares[place], n_seen[place] = normal, y @ observed, y @ y, len(y)
        x[place, :2] = _first_line(y, setting.options)
    shared = all(task.history is piece[0].history for task in piece)
    theta = minimise(Linear(gram[:1] if shared else gram, cross, squares, n_seen, setting.priors), x)[:, :-1]
    for place, task in enumerate(piece):
        if before is None or before.history is not task.history:
            before = task
        design = _design(task.history, regressors[task.block], setting)
        lines[task.block][task.row] = (design @ theta[place]) * scale[place]


def _fit_curved(piece: list[Task], block: Block, regressors: Regressors, setting: _Setting, lines: Floats) -> None:
    """Fits of one mode in one block."""
    import numpy as np

    options, n_periods = setting.options, len(block.ds)
    rows = [task.row for task in piece]
    seen = np.isfinite(block.y[rows])
    y = np.where(seen, block.y[rows], 0.0)
    scale = np.abs(y).max(axis=1)
    y = y / scale[:, None]
    shared = all(task.history is piece[0].history for task in piece)
    trend_columns = np.array([t.history.trend_columns(setting.n_bends) for t in (piece[:1] if shared else piece)])
    if options.growth == "flat":
        trend_columns[:, :, 1:] = 0.0
    active = np.array([task.history.active for task in piece], dtype=float)
    cap = None
    if options.growth == "logistic":
        cap = np.full(len(piece), options.cap) / scale if options.cap else OVER_HIGHEST * np.ones(len(piece))
    x = np.zeros((len(piece), setting.n_unknowns))
    for place, task in enumerate(piece):
        ceiling = None if cap is None else float(cap[place])
        x[place, :2] = _first_line(y[place, task.history.seen], options, ceiling)
    objective = Curved(
        trend_columns[:, :n_periods],
        regressors.values[:n_periods],
        active,
        y,
        seen.astype(float),
        cap,
        piece[0].multiplicative,
        setting.priors,
    )
    theta = minimise(objective, x)[:, :-1]
    trend, _ = trend_of(theta, trend_columns, setting.priors.bends, cap)
    season = along(theta[:, 2 : setting.priors.bends.start] * active, regressors.values[None])
    whole = trend * (1 + season) if piece[0].multiplicative else trend + season
    lines[rows] = whole * scale[:, None]


def _design(history: History, regressors: Regressors, setting: _Setting) -> Floats:
    """All columns of one history over all periods."""
    import numpy as np

    trend = history.trend_columns(setting.n_bends)
    if setting.options.growth == "flat":
        trend[:, 1:] = 0.0
    return np.concatenate([trend[:, :2], regressors.values * history.active, trend[:, 2:]], axis=1)


def _first_line(y: Floats, options: ProphetSpec, cap: float | None = None) -> tuple[float, float]:
    """Offset and slope to begin with: through the first and the last value, as Prophet begins."""
    import numpy as np

    if options.growth == "flat":
        return float(y.mean()), 0.0
    if cap is None:
        return float(y[0]), float(y[-1] - y[0])
    first, last = (cap / float(np.clip(value, 0.01 * cap, 0.99 * cap)) for value in (y[0], y[-1]))
    if abs(first - last) <= 0.01:
        first *= 1.05
    before, after = float(np.log(first - 1)), float(np.log(last - 1))
    return before / (before - after), before - after
