"""Prophet's regressors, clock and changepoints: those of the packaged model, shared over a block of series."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Literal

from analytics.calendar import CalendarSpec, special_days
from analytics.demand import Frequency
from analytics.forecasting.spec import ProphetSpec

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from analytics.forecasting.block import Block, Floats

    Bools = npt.NDArray[np.bool_]

Season = Literal["weekly", "yearly"]
LENGTH: dict[Season, float] = {"weekly": 7.0, "yearly": 365.25}
# With twelve points a year, more than five waves cannot be told apart.
WAVES: dict[Season, dict[Frequency, int]] = {
    "weekly": {"day": 3, "week": 0, "month": 0},
    "yearly": {"day": 10, "week": 10, "month": 5},
}
# Days between the first and the last period from which on a season has been seen twice.
SEASON_SEEN: dict[Season, dict[Frequency, int]] = {
    "weekly": {"day": 13, "week": 13, "month": 13},
    "yearly": {"day": 729, "week": 721, "month": 699},
}
# On series held out from the benchmark: adding is the safer error where both vary about as much.
CLEARLY = 0.7
APART_DAYS = 14  # two days of an event so far apart are two occurrences, as in ``calendar.seen_twice``
SEASON_IN_PERIODS: dict[Frequency, int] = {"day": 7, "week": 52, "month": 12}
EPOCH = date(1970, 1, 1).toordinal()


@dataclass(frozen=True, slots=True, eq=False)
class Regressors:
    """What all series share, over every period of history and horizon.

    Attributes
    ----------
    days : (N,) days since 1970.
    values : (N, K): waves of the seasons, then one column of zeros and ones per event.
    components : per column "weekly", "yearly" or "holidays".
    codes : the event of each column of "holidays", in their order.
    scales : (K,) standard deviations of the columns' normal priors.
    """

    days: Floats
    values: Floats
    components: tuple[str, ...]
    codes: tuple[str, ...]
    scales: Floats


@dataclass(frozen=True, slots=True, eq=False)
class History:
    """One pattern of observed periods: its clock, its changepoints, the columns that it can tell.

    Attributes
    ----------
    seen : (T,) which periods are observed.
    t : (T + h,) 0 at the first observed period, 1 at the last.
    bends : (S,) times of the changepoints.
    active : (K,) which columns are fitted: seasons and events have to have been seen twice.
    """

    seen: Bools
    t: Floats
    bends: Floats
    active: Bools

    def trend_columns(self, n_bends: int) -> Floats:
        """1, t and (t - s)+ of each changepoint, (T + h, 2 + n_bends); zeros where there are fewer changepoints."""
        import numpy as np

        columns = np.zeros((len(self.t), 2 + n_bends))
        columns[:, 0], columns[:, 1] = 1.0, self.t
        np.maximum(self.t[:, None] - self.bends, 0.0, out=columns[:, 2 : 2 + len(self.bends)])
        return columns


def waves_of(season: Season, frequency: Frequency, spec: ProphetSpec) -> int:
    """How many waves: as asked, else Prophet's own number, and five a year on months."""
    if season == "weekly" and frequency != "day":
        return 0
    asked = spec.weekly if season == "weekly" else spec.yearly
    return WAVES[season][frequency] if asked is None else asked


def lay_out(days: Sequence[date], frequency: Frequency, spec: ProphetSpec, calendar: CalendarSpec) -> Regressors:
    """The columns of seasons and special days over ``days``, ascending.

    Raises ``AnalysisError("country_unknown")``.
    """
    import numpy as np

    at = np.array([day.toordinal() - EPOCH for day in days], dtype=float)
    columns: list[Floats] = []
    components: list[str] = []
    for season, length in LENGTH.items():
        for wave in range(1, waves_of(season, frequency, spec) + 1):
            angle = 2 * np.pi * wave * at / length
            columns += [np.sin(angle), np.cos(angle)]
            components += [season, season]
    scales = [spec.seasonality_prior_scale] * len(columns)
    touched = _touched(days, frequency, calendar)
    for places in touched.values():
        column = np.zeros(len(days))
        column[places] = 1.0
        columns.append(column)
    scales += [spec.holidays_prior_scale] * len(touched)
    components += ["holidays"] * len(touched)
    values = np.column_stack(columns) if columns else np.zeros((len(days), 0))
    return Regressors(at, values, tuple(components), tuple(touched), np.array(scales))


def _touched(days: Sequence[date], frequency: Frequency, calendar: CalendarSpec) -> dict[str, list[int]]:
    """Places of the periods that each event touches; events that touch fewer than two are left out."""
    if calendar == CalendarSpec():
        return {}
    place = {day: index for index, day in enumerate(days)}
    touched: dict[str, list[int]] = defaultdict(list)
    for code, ds in special_days(calendar, frequency, days[0].year, days[-1].year):
        if ds in place:
            touched[code].append(place[ds])
    return {code: places for code, places in sorted(touched.items()) if len(places) > 1}


def read_history(seen: Bools, regressors: Regressors, n_ahead: int, frequency: Frequency, spec: ProphetSpec) -> History:
    """The clock, changepoints and active columns of one pattern of observed periods (two at least).

    ``seen`` covers the first T periods of ``regressors``; t goes on for ``n_ahead`` more.
    """
    import numpy as np

    n = len(seen)
    days = regressors.days[: n + n_ahead]
    observed = days[:n][seen]
    first, last = observed[0], observed[-1]
    active = np.ones(len(regressors.components), dtype=bool)
    asked = {"weekly": spec.weekly, "yearly": spec.yearly}
    for season in LENGTH:
        if asked[season] is None and last - first < SEASON_SEEN[season][frequency]:
            active &= np.array([component != season for component in regressors.components], dtype=bool)
    n_codes = len(regressors.codes)
    if n_codes:
        touched = regressors.values[:n, -n_codes:][seen] > 0
        active[-n_codes:] = [(np.diff(observed[column]) >= APART_DAYS).any() for column in touched.T]
    t = (days - first) / (last - first)
    return History(seen, t, _place_bends(t[:n][seen], spec), active)


def _place_bends(t: Floats, spec: ProphetSpec) -> Floats:
    """Evenly over the observed periods of the first ``changepoint_range`` of the history, as Prophet has them.

    Where there is none, Prophet still has one at 0: a second slope.
    """
    import numpy as np

    reach = int(np.floor(len(t) * spec.changepoint_range))
    n = min(spec.n_changepoints, reach - 1)
    if n <= 0 or spec.growth == "flat":
        return np.zeros(1)
    places = np.linspace(0, reach - 1, n + 1).round().astype(int)[1:]
    bends: Floats = t[places]
    return bends


def swings_grow(block: Block) -> Bools:
    """Per series, whether its swings grow with its level: Guerrero's choice between the Box-Cox exponents 1 and 0.

    Over stretches of one season from the end, true when the swing divided by the level varies clearly less than the
    swing itself. False with fewer than three stretches, a value of zero or below, or a stretch of fewer than two
    observed periods.

    Guerrero (1993), "Time-series analysis supported by power transformations".
    """
    import numpy as np

    season = len({day.weekday() for day in block.ds[-14:]}) if block.frequency == "day" else None
    season = season or SEASON_IN_PERIODS[block.frequency]
    n, n_periods = block.y.shape
    n_stretches = n_periods // season
    grows = np.zeros(n, dtype=bool)
    seen = np.isfinite(block.y)
    positive = np.where(seen, block.y, 1.0).min(axis=1, initial=1.0) > 0
    if season < 2 or n_stretches < 3 or not positive.any():
        return grows
    begin = np.where(seen.any(axis=1), seen.argmax(axis=1), n_periods)
    first = n_periods - n_stretches * season
    stretches = block.y[:, first:].reshape(n, n_stretches, season)
    counts = np.isfinite(stretches).sum(axis=2)
    whole = first + np.arange(n_stretches) * season >= begin[:, None]
    usable = positive & (whole.sum(axis=1) >= 3) & ((counts >= 2) | ~whole).all(axis=1)
    for row in np.flatnonzero(usable):
        mine = stretches[row, whole[row]]
        level, swing = np.nanmean(mine, axis=1), np.nanstd(mine, axis=1)
        if swing.mean() > 0:
            share = swing / level
            grows[row] = share.std() / share.mean() < CLEARLY * swing.std() / swing.mean()
    return grows
