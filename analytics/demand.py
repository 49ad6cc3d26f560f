"""DemandPanel: regular long series of what was sold."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal

import polars as pl

Frequency = Literal["day", "week", "month"]


@dataclass(frozen=True, slots=True, eq=False)
class DemandPanel:
    """Regular series in the long format of the forecasting literature.

    Attributes
    ----------
    frame : unique_id (String), ds (Date, first day of the period; weeks start on Monday), y (Float64, in ``unit``);
        sorted by unique_id, ds, without gaps between a series' first and last period.
    frequency : "day", "week" or "month".
    measure : "revenue" (currency units), "quantity" (items), "orders" or "customers" (counts).
    unit : currency code for revenue, else "items", "orders", "customers".
    as_of : last observed day; a period that ends later is not in the frame.
    n_clipped : periods whose negative total (more returned than sold) was set to zero.
    n_filled : periods without a sale between first and last that were filled with zero.
    n_dropped_partial : incomplete last periods left out.
    """

    frame: pl.DataFrame
    frequency: Frequency
    measure: str
    unit: str
    as_of: date
    n_clipped: int
    n_filled: int
    n_dropped_partial: int
    key: str
