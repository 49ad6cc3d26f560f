"""The time that the models run on: days as they are, or days weighed by the season and the level of all demand."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Days = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Clock:
    """Day -> units of model time at its end.

    ``pace`` holds the speed of each day from ``start`` on (1 = as the calendar); before and after it the clock runs as
    the calendar. A customer who buys at rate lambda on this clock buys at rate lambda x pace by the calendar: all
    models stay as they are, on another time.
    """

    unit_days: float
    start: int = 0
    pace: Floats | None = None

    def at(self, day: Days | int) -> Floats:
        """Units at the end of each ``day`` (since 1970-01-01)."""
        days = np.asarray(day, dtype=np.float64)
        if self.pace is None:
            return days / self.unit_days
        run = np.concatenate([[0.0], np.cumsum(self.pace)])
        inside = np.clip(days - self.start, 0, len(self.pace))
        steps = run[inside.astype(np.int64)]
        return (self.start + steps + (days - self.start - inside)) / self.unit_days

    def between(self, after: Days, until: Days | int) -> Floats:
        """Units from the end of each day ``after`` to the end of day ``until``."""
        if self.pace is None:  # equal stretches are equal to the last digit
            return np.asarray((until - after) / self.unit_days, dtype=np.float64)
        return self.at(until) - self.at(after)

    def span(self, after: int, until: int) -> float:
        """The same of one stretch."""
        return float(self.between(np.asarray(after), until))
