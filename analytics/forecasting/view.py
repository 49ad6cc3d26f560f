"""How a forecast is looked at: choices that change no figure of it, and whose calendar it has."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from datetime import date

from analytics.forecasting.spec import ForecastResult
from analytics.keys import derive_key


@dataclass(frozen=True, slots=True)
class ForecastView:
    """What the page shows.

    cutoff : the back-test in sight, by the last period that it had seen; None is the last one.
    usual_days : whether special days are the usual ones of the data's currency; otherwise ``ForecastSpec.calendar``.
    """

    cutoff: date | None = None
    usual_days: bool = True


def name_interval(result: ForecastResult, interval_width: float) -> ForecastResult:
    """The same forecast with its other interval named first: both are in it already."""
    spec = dataclasses.replace(result.spec, interval_width=interval_width)
    return dataclasses.replace(result, spec=spec, key=derive_key("name_interval", spec, result.key))
