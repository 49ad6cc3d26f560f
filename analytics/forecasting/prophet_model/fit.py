"""Prophet fitted to every series of many blocks at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import TYPE_CHECKING, NamedTuple

from analytics.forecasting.prophet_model.climb import minimise
from analytics.forecasting.prophet_model.design import History, Regressors, lay_out, read_history, swings_grow
from analytics.forecasting.prophet_model.newton import FEWER_PERIODS, minimise_newton
from analytics.forecasting.prophet_model.objective import BASE_SCALE, Curved, Linear, Priors, trend_of

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from analytics.forecasting.block import Block, Floats
    from analytics.forecasting.spec import ForecastSpec, ProphetSpec

    Bools = npt.NDArray[np.bool_]

LEAST_PERIODS = 2
OVER_HIGHEST = 1.2  # the ceiling of logistic growth, where none is given
STRIDE = 64
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


def fit_blocks(
    blocks: Sequence[Block], spec: ForecastSpec, tell: Callable[[float], None] | None = None
) -> list[Floats]:
    """Fitted values and forecasts of every series, one array (n, T + h) per block; NaN below two observed periods.

    Blocks are of one grid and one frequency, such as all cutoffs of a back-test. Constant series go on as they are.
    ``tell`` hears, from time to time, which share is done.

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
    n_done = 0

    def count(n_fitted: int) -> None:
        nonlocal n_done
        n_done += n_fitted
        if tell is not None:
            tell(n_done / len(tasks))

    long = [task for task in tasks if not _is_short(task)]
    _fit_all(long, blocks, regressors, _set(spec.prophet, everywhere), lines, count)
    for alike in _alike([task for task in tasks if _is_short(task)]):
        # Newton's method solves for all columns at every step: those that are zero are left out.
        columns = np.flatnonzero(alike[0].history.active)
        fewer = [_of(each, columns) for each in regressors]
        setting = _set(spec.prophet, fewer[0], n_bends=len(alike[0].history.bends))
        _fit_all(_narrowed(alike), blocks, fewer, setting, lines, count)
    return lines


def _fit_all(
    tasks: list[Task],
    blocks: Sequence[Block],
    regressors: Sequence[Regressors],
    setting: _Setting,
    lines: list[Floats],
    count: Callable[[int], None],
) -> None:
    logistic = setting.options.growth == "logistic"
    for piece in _pieces([t for t in tasks if not (t.multiplicative or logistic)], setting.n_unknowns**2):
        _fit_linear(piece, blocks, regressors, setting, lines)
        count(len(piece))
    for multiplicative, chain in product((False, True), _chains(blocks)):
        if multiplicative or logistic:
            curved = [task for task in tasks if task.block in chain and task.multiplicative == multiplicative]
            for piece in _pieces(curved, max(len(blocks[index].ds) for index in chain) * setting.n_bends):
                _fit_curved(piece, blocks, regressors, setting, lines)
                count(len(piece))


def _chains(blocks: Sequence[Block]) -> list[list[int]]:
    """Blocks that are one history cut at several places, by their numbers; otherwise each by itself."""
    longest = max(blocks, key=lambda block: len(block.ds))
    if all(block.ds == longest.ds[: len(block.ds)] for block in blocks):
        return [list(range(len(blocks)))]
    return [[index] for index in range(len(blocks))]


def _is_short(task: Task) -> bool:
    return int(task.history.seen.sum()) < FEWER_PERIODS


def _alike(tasks: list[Task]) -> list[list[Task]]:
    """Tasks by the columns that they have, so that no series' numbers depend on which others are there."""
    groups: dict[tuple[bytes, int], list[Task]] = defaultdict(list)
    for task in tasks:
        groups[task.history.active.tobytes(), len(task.history.bends)].append(task)
    return list(groups.values())


def _narrowed(tasks: list[Task]) -> list[Task]:
    """The same tasks over their active columns alone; what shared a history still does."""
    import numpy as np

    histories = {id(task.history): task.history for task in tasks}
    fewer = {
        key: replace(history, active=np.ones(int(history.active.sum()), dtype=bool))
        for key, history in histories.items()
    }
    return [task._replace(history=fewer[id(task.history)]) for task in tasks]


def _set(options: ProphetSpec, regressors: Regressors, n_bends: int | None = None) -> _Setting:
    import numpy as np

    if n_bends is None:
        n_bends = 1 if options.growth == "flat" else max(options.n_changepoints, 1)
    n_columns = len(regressors.scales)
    precision = np.concatenate([np.full(2, 1 / BASE_SCALE**2), 1 / regressors.scales**2, np.zeros(n_bends)])
    bends = slice(2 + n_columns, 2 + n_columns + n_bends)
    return _Setting(options, Priors(precision, bends, options.changepoint_prior_scale), n_bends)


def _at(regressors: Regressors, places: list[int]) -> Regressors:
    return replace(regressors, days=regressors.days[places], values=regressors.values[places])


def _of(regressors: Regressors, columns: npt.NDArray[np.intp]) -> Regressors:
    return replace(regressors, values=regressors.values[:, columns], scales=regressors.scales[columns])


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
    objective = Linear(gram[:1] if shared else gram, cross, squares, n_seen, setting.priors)
    theta = (minimise_newton(objective, x) if _is_short(piece[0]) else minimise(objective, x))[:, :-1]
    for place, task in enumerate(piece):
        if before is None or before.history is not task.history:
            before = task
        design = _design(task.history, regressors[task.block], setting)
        lines[task.block][task.row] = (design @ theta[place]) * scale[place]


def _fit_curved(
    piece: list[Task],
    blocks: Sequence[Block],
    regressors: Sequence[Regressors],
    setting: _Setting,
    lines: list[Floats],
) -> None:
    """Fits of one mode in blocks of one chain: shorter histories end in periods of no weight."""
    import numpy as np

    if not piece:
        return
    options, priors = setting.options, setting.priors
    longest = max({task.block for task in piece}, key=lambda index: len(blocks[index].ds))
    # Whole strides, so that sums over more periods of no weight come out the same to the last digit.
    m, n_periods = len(piece), -(-len(blocks[longest].ds) // STRIDE) * STRIDE
    y, weight = np.zeros((m, n_periods)), np.zeros((m, n_periods))
    scale = np.empty(m)
    cap = np.full(m, OVER_HIGHEST) if options.growth == "logistic" else None
    shared = all(task.history is piece[0].history for task in piece)
    columns = np.zeros((1 if shared else m, n_periods, 2 + setting.n_bends))
    x = np.zeros((m, setting.n_unknowns))
    for place, task in enumerate(piece):
        seen = task.history.seen
        values = blocks[task.block].y[task.row, seen]
        scale[place] = np.abs(values).max()
        y[place, : len(seen)][seen] = values / scale[place]
        weight[place, : len(seen)] = seen
        if cap is not None and options.cap:
            cap[place] = options.cap / scale[place]
        x[place, :2] = _first_line(values / scale[place], options, None if cap is None else float(cap[place]))
        if place < len(columns):
            columns[place, : len(seen)] = _trend_columns(task.history, setting)[: len(seen)]
    active = np.array([task.history.active for task in piece], dtype=float)
    swings = np.zeros((n_periods, regressors[longest].values.shape[1]))
    swings[: len(blocks[longest].ds)] = regressors[longest].values[: len(blocks[longest].ds)]
    objective = Curved(columns, swings, active, y, weight, cap, piece[0].multiplicative, priors)
    # The second derivatives of a trend that saturates are not written down: L-BFGS serves short ones too.
    newton = cap is None and _is_short(piece[0])
    theta = (minimise_newton(objective, x) if newton else minimise(objective, x))[:, :-1]
    for place, task in enumerate(piece):
        own = slice(place, place + 1)
        trend, _ = trend_of(
            theta[own], _trend_columns(task.history, setting)[None], priors.bends, None if cap is None else cap[own]
        )
        season = regressors[task.block].values @ (theta[place, 2 : priors.bends.start] * active[place])
        whole = trend[0] * (1 + season) if task.multiplicative else trend[0] + season
        lines[task.block][task.row] = whole * scale[place]


def _trend_columns(history: History, setting: _Setting) -> Floats:
    columns = history.trend_columns(setting.n_bends)
    if setting.options.growth == "flat":
        columns[:, 1:] = 0.0
    return columns


def _design(history: History, regressors: Regressors, setting: _Setting) -> Floats:
    """All columns of one history over all periods."""
    import numpy as np

    trend = _trend_columns(history, setting)
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
