"""Prophet's regressors and changepoints for one history: those of the packaged model, shared over a block of series."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from analytics.calendar import CalendarSpec
from analytics.demand import Frequency
from analytics.forecasting.spec import ProphetSpec

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from analytics.forecasting.block import Block, Floats

WEEK, YEAR = 7.0, 365.25
EPOCH = date(1970, 1, 1).toordinal()
WAVES = {"weekly": {"day": 3, "week": 0, "month": 0}, "yearly": {"day": 10, "week": 10, "month": 5}}
# Days between the first and the last period from which on a season has been seen twice.
SEEN_TWICE = {"weekly": {"day": 13, "week": 13, "month": 13}, "yearly": {"day": 729, "week": 721, "month": 699}}


@dataclass(frozen=True, slots=True, eq=False)
class Regressors:
    """What all series of a block share.

    Attributes
    ----------
    days : days since 1970 of each of the T + h periods.
    values : shape (T + h, K): waves of the seasons, then one column of zeros and ones per event.
    components : per column "weekly", "yearly" or "holidays".
    codes : the event of each column of "holidays", in their order.
    scales : shape (K,): standard deviations of the columns' normal priors.
    """

    days: Floats
    values: Floats
    components: tuple[str, ...]
    codes: tuple[str, ...]
    scales: Floats


@dataclass(frozen=True, slots=True, eq=False)
class History:
    """One pattern of observed periods: its clock, its changepoints, the columns it can tell.

    Attributes
    ----------
    seen : shape (T,): which periods are observed.
    t : shape (T + h,): 0 at the first observed period, 1 at the last.
    bends : shape (S,): times of the changepoints.
    active : shape (K,): whether a column is fitted: seasons and events need to have been seen twice.
    """

    seen: npt.NDArray[np.bool_]
    t: Floats
    bends: Floats
    active: npt.NDArray[np.bool_]


def waves_of(season: str, frequency: Frequency, spec: ProphetSpec) -> int:
    """Waves of "weekly" or "yearly": as asked, else Prophet's own number, five a year on months.

    With twelve points a year, more than five waves cannot be told apart.
    """
    if season == "weekly" and frequency != "day":
        return 0
    asked = spec.weekly if season == "weekly" else spec.yearly
    return WAVES[season][frequency] if asked is None else asked


def lay_out(block: Block, spec: ProphetSpec, calendar: CalendarSpec) -> Regressors:
    """The columns of seasons and special days over history and horizon."""
    import numpy as np

    days = np.array([day.toordinal() - EPOCH for day in (*block.ds, *block.ahead)], dtype=float)
    columns: list[Floats] = []
    components: list[str] = []
    for season, length in (("weekly", WEEK), ("yearly", YEAR)):
        for wave in range(1, waves_of(season, block.frequency, spec) + 1):
            angle = 2 * np.pi * wave * days / length
            columns += [np.sin(angle), np.cos(angle)]
            components += [season, season]
    codes: tuple[str, ...] = ()
    scales = [spec.seasonality_prior_scale] * len(columns) + [spec.holidays_prior_scale] * len(codes)
    values = np.column_stack(columns) if columns else np.zeros((len(days), 0))
    return Regressors(days, values, tuple(components), codes, np.array(scales))


def read_history(
    seen: npt.NDArray[np.bool_], regressors: Regressors, frequency: Frequency, spec: ProphetSpec
) -> History:
    """The clock, the changepoints and the active columns of one pattern of observed periods (two at least)."""
    import numpy as np

    days = regressors.days
    observed = days[: len(seen)][seen]
    first, last = observed[0], observed[-1]
    t = (days - first) / (last - first)
    span = last - first
    asked = {"weekly": spec.weekly, "yearly": spec.yearly}
    told = {season for season in asked if asked[season] is not None or span >= SEEN_TWICE[season][frequency]}
    active = np.array([component in told for component in regressors.components], dtype=bool)
    return History(seen, t, _place_bends(t[: len(seen)][seen], spec), active)


def _place_bends(t: Floats, spec: ProphetSpec) -> Floats:
    """Evenly over the observed periods of the first ``changepoint_range`` of the history, as Prophet has them."""
    import numpy as np

    if spec.growth == "flat":
        return np.zeros(0)
    reach = int(np.floor(len(t) * spec.changepoint_range))
    n = min(spec.n_changepoints, reach - 1)
    if n <= 0:
        return np.zeros(0)
    places = np.linspace(0, reach - 1, n + 1).round().astype(int)[1:]
    bends: Floats = t[places]
    return bends
