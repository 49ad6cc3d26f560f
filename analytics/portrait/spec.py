"""The choices of a portrait, and the portrait."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal

import polars as pl

from analytics.errors import AnalysisError, Caveat
from analytics.portrait.rows import Rows

# What happens to a customer, one lane of the timeline each, from top to bottom.
LANES = ("orders", "returns", "visits", "contacts", "feedback", "campaigns", "survey")
ListName = Literal["value", "decline", "border", "random"]


@dataclass(frozen=True, slots=True)
class PortraitSpec:
    """From which list a customer is picked, and how visits are told apart.

    Attributes
    ----------
    pick : "value" (most revenue), "decline" (most revenue lost of late), "border" (nearly in another segment),
        "random".
    n_listed : customers in a list.
    recent_days : the days at the end that "decline" holds against the year before them.
    timeline_days : the days of the timeline up to as-of; None: all.
    gap_minutes : a pause that ends a visit.
    random_state : seed of "random".
    """

    pick: ListName = "value"
    n_listed: int = 50
    recent_days: int = 90
    timeline_days: int | None = None
    gap_minutes: int = 30
    random_state: int = 0

    def __post_init__(self) -> None:
        limits = (
            ("n_listed", self.n_listed, 1, 1000),
            ("recent_days", self.recent_days, 7, 365),
            ("timeline_days", self.timeline_days, 7, 3650),
            ("gap_minutes", self.gap_minutes, 1, 1440),
        )
        for field, value, low, high in limits:
            if value is not None and not low <= value <= high:
                raise AnalysisError("portrait_setting", field=field, value=value, low=low, high=high)


@dataclass(frozen=True, slots=True)
class Rhythm:
    """The customer's own gaps between order days, in days, against the present silence.

    ``state``: "unknown" (fewer than three gaps), "on_time" (silent for no longer than the median gap), "late" (longer,
    but some gap was at least as long), "overdue" (longer than every gap so far). ``n_shorter``: gaps shorter than the
    silence. ``due_from``, ``due_to``: when the next order would follow the middle half of the gaps.
    """

    state: Literal["unknown", "on_time", "late", "overdue"]
    n_gaps: int
    n_shorter: int
    silence_days: int
    median_days: float | None
    low_days: float | None
    high_days: float | None
    longest_days: int | None
    due_from: date | None
    due_to: date | None


@dataclass(frozen=True, slots=True, eq=False)
class Portrait:
    """One customer as of a day. Money is Float64 in whole ``currency`` units; shares are 0-1.

    Attributes
    ----------
    tables : table, n_rows (of this customer), first, last (moments), since (the table's first moment of anybody).
    figures : name, value (Float64), below, at_most (shares of all customers with less, and with no more; null where
        nobody can be compared), n_all, table, n_rows (rows it is made of). ``rows``: name -> those rows.
    attributes : name, value (String): what is known about the person, never who it is.
    habits : kind ("category", "brand", "product", "channel", "payment_method"), level, n (orders that hold it), n_of
        (orders that say something of the kind), share (n / n_of), known (enough orders to speak of a habit), base_share
        (that of all customers) and favourite (clearly above it); both null unless given.
    moments : lane, at, value (amount, visits of the week, rating; null where there is none), n (rows), what, detail
        (codes or the data's own words). In time order.
    gaps : day (of an order), days since the order day before. ``rhythm`` sums them up; None without an order.
    texts : at, table, what, value (rating), text (scrubbed); latest first.
    campaigns : at, campaign, channel, arm, responded, revenue.
    label, margin : segment and how far it is from the next (0-1). stage : present stage. spells : stage, start, end
        (days), the stages behind it. Null or empty unless given.
    n_customers : all customers the figures are compared with.
    """

    customer_id: str
    spec: PortraitSpec
    as_of: date
    currency: str
    first_day: date | None
    tables: pl.DataFrame
    figures: pl.DataFrame
    rows: tuple[tuple[str, Rows], ...]
    attributes: pl.DataFrame
    habits: pl.DataFrame
    moments: pl.DataFrame
    gaps: pl.DataFrame
    rhythm: Rhythm | None
    texts: pl.DataFrame
    campaigns: pl.DataFrame
    label: str | None
    margin: float | None
    stage: str | None
    spells: pl.DataFrame
    n_customers: int
    caveats: tuple[Caveat, ...]
    key: str

    def figure(self, name: str) -> float | None:
        """A figure by name; None where these data do not give it."""
        return next((row["value"] for row in self.figures.filter(name=name).to_dicts()), None)
