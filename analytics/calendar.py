"""Days on which people buy otherwise: public holidays, shopping festivals, own events."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Annotated, Literal

import msgspec

from analytics.errors import AnalysisError

Festival = Literal["618", "double_11", "double_12", "black_friday"]
MOST_EVENTS = 40


@dataclass(frozen=True, slots=True)
class OwnEvent:
    """An event of one's own: its days, and how many days before and after each it is felt."""

    name: Annotated[str, msgspec.Meta(max_length=60)]
    days: Annotated[tuple[date, ...], msgspec.Meta(max_length=60)]
    before_days: int = 0
    after_days: int = 0

    def __post_init__(self) -> None:
        if not (self.name.strip() and self.days and 0 <= self.before_days <= 30 and 0 <= self.after_days <= 30):
            raise AnalysisError("event_out_of_range", name=self.name[:60])


@dataclass(frozen=True, slots=True)
class CalendarSpec:
    """Which special days count.

    countries : ISO codes, with a subdivision where it matters: "TW", "US", "GB-ENG".
    lunar_new_year : added to whatever country.
    festivals : shopping festivals with their windows.
    own : own events.
    """

    countries: tuple[Annotated[str, msgspec.Meta(max_length=10)], ...] = ()
    lunar_new_year: bool = False
    festivals: tuple[Festival, ...] = ()
    own: Annotated[tuple[OwnEvent, ...], msgspec.Meta(max_length=MOST_EVENTS)] = ()
