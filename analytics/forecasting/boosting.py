"""One gradient-boosting model over all series of a panel: what they share, each in its own scale.

Every row is a series, an origin of the past and a step ahead. It tells what was known at the origin: means of the last
periods and how they change, the values of the same place in the season, the same time a year before, the day of the
week and of the year; all in units of the series' own level then, so that one model serves small and large series. What
special days did to all series the last times is taken out before and put on afterwards. The target is the value at that
step in the same unit: one direct model for all steps (Ben Taieb, Bontempi, Atiya & Sorjamaa 2012, "A review and
comparison of strategies for multi-step ahead time series forecasting"; one model over many series: Montero-Manso &
Hyndman 2021, "Principles and algorithms for forecasting groups of time series").
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from analytics.calendar import special_days
from analytics.forecasting.remembered import Remembered

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    import numpy as np
    import numpy.typing as npt
    from sklearn.ensemble import HistGradientBoostingRegressor

    from analytics.calendar import CalendarSpec
    from analytics.forecasting.block import Block, Floats
    from analytics.forecasting.spec import ForecastSpec

    Ints = npt.NDArray[np.int64]

LEAST_SERIES = 20
LEAST_ROWS = 2_000
MOST_ROWS = 24_000
INTERMITTENT = 0.5
MOST_LIFT = 10.0
SHARED_BY = 3  # cutoffs of a back-test


def boosting(block: Block, spec: ForecastSpec) -> Floats:
    """Forecasts (n, h). All rows abstain under 20 series or where there is too little to learn from; a single one where
    less than two windows of it have been seen.

    Series that sell in most periods are forecast by their median, which no single bulk order moves; series that are
    mostly empty, whose median is nothing, by their mean.
    """
    import numpy as np

    found = np.full((len(block.y), block.horizon), np.nan)
    past = Past.of(block, spec.calendar)
    lesson = _lessons.find(block, spec.calendar) or _learn(past)
    old_enough = np.flatnonzero(past.n_seen[:, -1] >= 2 * past.short)
    if lesson is None or not block.horizon or not len(old_enough):
        return found
    which = np.repeat(old_enough, block.horizon)
    origin = np.full(len(which), block.y.shape[1] - 1)
    ahead = np.tile(np.arange(1, block.horizon + 1), len(old_enough))
    asked = past.features(which, origin, ahead)[:, lesson.told]
    unit = past.level(which, origin) * past.lift(origin, origin + ahead)
    sparse = past.zero_share[which] > INTERMITTENT
    said = np.zeros(len(which))
    for loss, of in (("absolute_error", ~sparse), ("squared_error", sparse)):
        if of.any():
            said[of] = lesson.model(loss).predict(asked[of])
    found[past.order[old_enough]] = (said * unit).reshape(len(old_enough), block.horizon)
    seen = np.isfinite(block.y)
    # What never changed is forecast as itself.
    least, most = (
        np.min(block.y, axis=1, initial=np.inf, where=seen),
        np.max(block.y, axis=1, initial=-np.inf, where=seen),
    )
    return np.where((least == most)[:, None] & np.isfinite(found), most[:, None], found)


def prepare(blocks: Sequence[Block], spec: ForecastSpec) -> None:
    """Let the cutoffs of a back-test (ascending) share what is learned: three in a row know what the first of them
    could know. The last two, the final check and today, learn anew. ``boosting`` finds it there.
    """
    lesson = None
    for place, block in enumerate(blocks):
        if place % SHARED_BY == 0 or place >= len(blocks) - 2:
            lesson = _learn(Past.of(block, spec.calendar))
        if lesson is not None:
            _lessons.keep(block, spec.calendar, lesson)


class Lesson:
    """What a panel taught up to some day: rows to learn from, and a model per loss, fitted when first asked for."""

    def __init__(self, rows: Floats, target: Floats) -> None:
        import numpy as np

        self.told = np.isfinite(rows).any(axis=0)
        self._rows, self._target = rows[:, self.told], target
        self._models: dict[str, HistGradientBoostingRegressor] = {}

    def model(self, loss: str) -> HistGradientBoostingRegressor:
        if loss not in self._models:
            self._models[loss] = _learned(loss, self._rows, self._target)
        return self._models[loss]


_lessons: Remembered[Lesson] = Remembered()


def _learn(past: Past) -> Lesson | None:
    """None where there is too little to learn from."""
    if len(past.order) < LEAST_SERIES or not past.horizon:
        return None
    which, origin, ahead = past.pairs(MOST_ROWS)
    if len(which) < LEAST_ROWS:
        return None
    # What events did the last times is taken out of what is learned, and put on where they come again.
    unit = past.level(which, origin) * past.lift(origin, origin + ahead)
    return Lesson(past.features(which, origin, ahead), past.y[which, origin + ahead] / unit)


def _learned(loss: str, rows: Floats, target: Floats) -> HistGradientBoostingRegressor:
    from sklearn.ensemble import HistGradientBoostingRegressor

    # A mean follows single large values where a median does not: it is learned more slowly, from larger leaves.
    of_loss = {"absolute_error": (0.1, 80, 8, 200), "squared_error": (0.05, 40, 8, 400)}
    learning_rate, max_iter, max_leaf_nodes, min_samples_leaf = of_loss[loss]
    # Without sample weights: weighted quantiles of the columns would cost four times as much as the trees.
    model = HistGradientBoostingRegressor(
        loss=loss,
        learning_rate=learning_rate,
        max_iter=max_iter,
        max_leaf_nodes=max_leaf_nodes,
        min_samples_leaf=min(min_samples_leaf, len(rows) // 20),
        l2_regularization=1.0,
        early_stopping=False,
        random_state=0,
    )
    return model.fit(rows, target)


class Past:
    """What can be told of any series at any origin, from running totals."""

    @classmethod
    def of(cls, block: Block, calendar: CalendarSpec) -> Past:
        """Neither names nor the order of series have a say in which rows are learned from."""
        import numpy as np

        return cls(block, np.lexsort((np.nansum(block.y**2, axis=1), np.nansum(block.y, axis=1))), calendar)

    def __init__(self, block: Block, order: Ints, calendar: CalendarSpec) -> None:
        import numpy as np

        self.order = order
        self.frequency, self.horizon = block.frequency, block.horizon
        # Of days the open week, of weeks and months, whose season is the year, a month and a quarter.
        self.short = {"week": 4, "month": 3}.get(block.frequency, max(block.season, 5))
        # Closed weekdays leave fewer open periods to a year.
        self.year = {"week": 52, "month": 12}.get(block.frequency, 52 * max(block.season, 5))
        y = block.y[order]
        self.seen = np.isfinite(y)
        self.y = np.where(self.seen, y, 0.0)
        self.n_periods = y.shape[1]
        self.total, self.squares = _running(self.y), _running(self.y**2)
        self.count = _running(self.seen)
        self.zeros = _running(self.seen & (self.y == 0))
        self.n_seen = self.count[:, 1:]
        self.first = np.where(self.seen.any(axis=1), self.seen.argmax(axis=1), self.n_periods)
        self.zero_share = self.zeros[:, -1] / np.maximum(self.count[:, -1], 1)
        days = [*block.ds, *block.ahead]
        self.weekday = np.array([day.weekday() for day in days], float)
        self.day_of_year = np.array([day.timetuple().tm_yday for day in days], float)
        self.day_of_month = np.array([day.day for day in days], float)
        self.events = self._events(calendar, days)

    def _events(self, calendar: CalendarSpec, days: list[date]) -> list[tuple[Ints, Floats]]:
        """Per kind of event its periods, ascending, and how many times as much as usual all series together sold then:
        the running mean over the first none, one, two ... of those that are past. Empty without any event. Usual is the
        mean of the same weekday in the four weeks before, of weeks and months that of the eight or six before.
        """
        import numpy as np

        place = {day: at for at, day in enumerate(days)}
        kinds: dict[str, list[int]] = {}
        for code, ds in special_days(calendar, self.frequency, days[0].year, days[-1].year):
            if ds in place:
                kinds.setdefault(code, []).append(place[ds])
        if not kinds:
            return []
        grid = np.indices(self.y.shape)
        which: Ints = grid[0]
        at: Ints = grid[1]
        if self.frequency == "day":
            before = _mean_seen(np.array([self.mean(which, at - self.short * turn, 1) for turn in range(1, 5)]))
        else:
            before = self.mean(which, at - 1, 2 * self.short)
        both = self.seen & np.isfinite(before)
        usual, sold = (np.where(both, values, 0.0).sum(axis=0) for values in (before, self.y))
        lift = np.divide(sold, usual, out=np.ones(self.n_periods), where=usual > 0)
        found = []
        for places in kinds.values():
            past = [lift[at] for at in places if at < self.n_periods]
            mean = np.cumsum([0.0, *past]) / np.maximum(np.arange(len(past) + 1), 1)
            mean[0] = 1.0  # nobody knows yet
            found.append((np.array(places), mean))
        return found

    def lift(self, origin: Ints, period: Ints) -> Floats:
        """What the events of a period did the last times, as known at the origin: 1 without an event."""
        import numpy as np

        found = np.ones(len(period))
        for places, mean in self.events:
            there = np.isin(period, places)
            n_known = np.searchsorted(places, origin[there], side="right")
            found[there] *= mean[np.minimum(n_known, len(mean) - 1)]
        return np.clip(found, 1 / MOST_LIFT, MOST_LIFT)

    def pairs(self, most: int) -> tuple[Ints, Ints, Ints]:
        """Series, origin and step of rows to learn from, spread evenly (a two-dimensional Kronecker sequence)."""
        import numpy as np

        n, n_periods = self.y.shape
        earliest = 2 * self.short
        if n_periods < earliest + self.horizon + self.short:
            nothing = np.zeros(0, np.int64)
            return nothing, nothing, nothing
        # Half of the places fall where nothing is known yet; none is asked for more often than it is there.
        place = np.arange(min(2 * most, n * (n_periods - earliest) * self.horizon))
        which = place % n
        u, v = (place * 0.7548776662466927) % 1, (place * 0.5698402909980532) % 1
        origin = (earliest + u * (n_periods - 1 - earliest)).astype(np.int64)
        ahead = 1 + (v * self.horizon).astype(np.int64)
        fits = (origin + ahead < n_periods) & (origin - self.first[which] >= earliest)
        fits &= self.seen[which, np.minimum(origin + ahead, n_periods - 1)]
        fits = np.flatnonzero(fits)[:most]
        return which[fits], origin[fits], ahead[fits]

    def mean(self, which: Ints, until: Ints, length: int) -> Floats:
        """Mean of the ``length`` periods that end with ``until``; NaN where nothing was observed in them."""
        return self.ratio(self.total, which, until, length)

    def ratio(self, running: Floats, which: Ints, until: Ints, length: int) -> Floats:
        import numpy as np

        high = np.clip(until + 1, 0, self.n_periods)
        low = np.clip(until + 1 - length, 0, self.n_periods)
        number = self.count[which, high] - self.count[which, low]
        amount = running[which, high] - running[which, low]
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.where(number > 0, amount / number, np.nan)

    def level(self, which: Ints, origin: Ints) -> Floats:
        """The unit of a series at an origin: the mean of its last eight windows, a little of its whole past in it."""
        import numpy as np

        recent = np.nan_to_num(self.mean(which, origin, 8 * self.short))
        whole = np.nan_to_num(self.mean(which, origin, self.n_periods))
        level = 0.95 * recent + 0.05 * whole
        return np.where(np.abs(level) > 1e-9, level, 1.0)

    def features(self, which: Ints, origin: Ints, ahead: Ints) -> Floats:
        import numpy as np

        short, year = self.short, self.year
        level = self.level(which, origin)
        target = origin + ahead
        columns = [ahead.astype(float)]
        columns += [self.mean(which, origin, length) / level for length in (1, short, 2 * short, 4 * short)]
        columns.append(self.mean(which, origin, self.n_periods) / level)
        columns.append(
            self.mean(which, origin, 2 * short) / level - self.mean(which, origin - 2 * short, 2 * short) / level
        )
        columns.append(self.ratio(self.zeros, which, origin, 8 * short))
        spread = self.ratio(self.squares, which, origin, 8 * short) - self.mean(which, origin, 8 * short) ** 2
        columns.append(np.sqrt(np.maximum(spread, 0)) / np.abs(level))
        if self.frequency == "day":
            back = short * ((ahead + short - 1) // short)
            same = [self.mean(which, target - back - short * turn, 1) / level for turn in range(8)]
            with np.errstate(invalid="ignore"):
                four, eight = np.array(same[:4]), np.array(same)
                columns += [same[0], _mean_seen(four), _mean_seen(eight)]
        half = max(short // 2, 1) if self.frequency != "month" else 0
        # As many years back as lie before the origin: a longer horizon must not see what it is to foretell.
        back = year * ((ahead + half + year - 1) // year)
        before = self.mean(which, target - back + half, 2 * half + 1)
        at_that_time = self.mean(which, origin - back, 8 * short)
        columns += [self.mean(which, target - back, 1) / level, before / level]
        with np.errstate(invalid="ignore", divide="ignore"):
            columns.append(np.where(at_that_time > 0, before / at_that_time, np.nan))
        columns.append(np.minimum(self.n_seen[which, origin], 3.0 * year))
        columns.append(self.day_of_year[target])
        if self.frequency == "day":
            columns += [self.weekday[target], self.day_of_month[target]]
        return np.column_stack(columns)


def _running(values: Floats) -> Floats:
    import numpy as np

    return np.concatenate([np.zeros((len(values), 1)), np.cumsum(values, axis=1)], axis=1)


def _mean_seen(values: Floats) -> Floats:
    import numpy as np

    seen = np.isfinite(values)
    number = seen.sum(axis=0)
    return np.where(number > 0, np.where(seen, values, 0.0).sum(axis=0) / np.maximum(number, 1), np.nan)
