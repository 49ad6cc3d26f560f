"""Who and what counts: the as-of date, the population and the definitions that hold on every page."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal


@dataclass(frozen=True, slots=True)
class PopulationSpec:
    """Which rows are looked at, and as of which day.

    ``as_of`` None means the data set's own end of observation. ``start`` leaves out what was ordered before it.
    Empty ``countries`` or ``channels`` mean all. ``leave_out`` names account types ("wholesale", "test").
    """

    as_of: date | None = None
    start: date | None = None
    countries: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()
    leave_out: tuple[Literal["wholesale", "test"], ...] = ("test",)


@dataclass(frozen=True, slots=True)
class DefinitionsSpec:
    """What revenue means: after discounts ("net") or before ("gross"); returns subtracted or ignored."""

    revenue: Literal["net", "gross"] = "net"
    returns: Literal["subtract", "ignore"] = "subtract"
