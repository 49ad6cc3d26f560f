"""How a forecast is looked at: choices that change no figure of it, and whose calendar it has."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class ForecastView:
    """What the page shows.

    cutoff : the back-test in sight, by the last period that it had seen; None is the last one.
    usual_days : whether special days are the usual ones of the data's currency; otherwise ``ForecastSpec.calendar``.
    """

    cutoff: date | None = None
    usual_days: bool = True
