"""Series as the candidates see them: on one grid, open periods only, nothing later than what was known."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from analytics.demand import Frequency

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from analytics.forecasting.spec import ForecastSpec

    Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """n series over the same T open periods, and the h open periods to forecast.

    Weekdays on which nothing is ever sold are not among the periods: six open weekdays are a season of six.

    Attributes
    ----------
    ids : the n series.
    ds : first day of each of the T periods, ascending.
    y : shape (n, T), read-only; NaN where not observed: before a series began, or a gap.
    ahead : first day of each of the h periods to forecast.
    frequency : "day", "week" or "month".
    season : length of the season in open periods (7 days, 52 weeks, 12 months; 6 with one closed weekday); 1: too short
        to learn one.
    """

    ids: tuple[str, ...]
    ds: tuple[date, ...]
    y: Floats
    ahead: tuple[date, ...]
    frequency: Frequency
    season: int

    def until(self, n_periods: int, horizon: int) -> Block:
        """What was known after ``n_periods``, to forecast the next ``horizon`` open periods of this same block."""
        return Block(
            self.ids,
            self.ds[:n_periods],
            self.y[:, :n_periods],
            self.ds[n_periods : n_periods + horizon],
            self.frequency,
            self.season,
        )

    @property
    def horizon(self) -> int:
        return len(self.ahead)


Candidate = Callable[[Block, "ForecastSpec"], "Floats"]
"""``candidate(block, spec)``: forecasts of shape (n, h); a row of NaN where it abstains for that series."""
