"""What demand is asked for, and the panels that answer."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Annotated, Literal, get_args

import msgspec
import polars as pl

from analytics.errors import AnalysisError, Caveat

Frequency = Literal["day", "week", "month"]
Measure = Literal["revenue", "quantity", "orders", "customers"]
By = Literal["total", "category", "product", "channel", "country", "city", "segment", "persona", "stage"]
LABELLED: tuple[By, ...] = ("segment", "persona", "stage")  # a line belongs to its customer's label
ADDITIVE: tuple[Measure, ...] = ("revenue", "quantity")  # an order of two categories is one order in total

TOTAL = "total"
MIN_PERIODS = 2
MOST_SERIES = 1_000
EVERY = {"day": "1d", "week": "1w", "month": "1mo"}
FREQUENCIES: tuple[Frequency, ...] = get_args(Frequency)

NO_PARENTS = pl.DataFrame(schema={"unique_id": pl.String, "parent": pl.String})
NO_ABOVE = pl.DataFrame(schema={"member": pl.String, "above": pl.String})
NO_NAMES = pl.DataFrame(schema={"unique_id": pl.String, "level": pl.String, "name": pl.String})


@dataclass(frozen=True, slots=True)
class DemandSpec:
    """Which series: what is measured, split by what, how often.

    members : the series wanted; empty means the ``n_series`` with the most revenue (most lines where there is no
        revenue). Neither matters for the total.
    parents : also the sums of the series: the total, and between them the category of a product and the country of a
        city; what belongs to none of the members is a series of its own, so that all add up.
    repeated, gaps, negative : of a ready-made series. Rows that repeat a period are refused until it is said that they
        are to be summed; periods without a row are missing unless it is said that nothing was sold in them; values
        below zero are clipped unless it is said that they are meant.

    Raises ``AnalysisError``: ``demand_option_unknown``, ``n_series_out_of_range``.
    """

    measure: Measure = "revenue"
    by: By = "total"
    members: tuple[Annotated[str, msgspec.Meta(max_length=200)], ...] = ()
    n_series: int = 12
    frequency: Frequency = "week"
    parents: bool = False
    repeated: Literal["refuse", "sum"] = "refuse"
    gaps: Literal["missing", "zero"] = "missing"
    negative: Literal["clip", "keep"] = "clip"

    def __post_init__(self) -> None:
        options = (
            (self.measure, get_args(Measure)),
            (self.by, get_args(By)),
            (self.frequency, FREQUENCIES),
            (self.repeated, ("refuse", "sum")),
            (self.gaps, ("missing", "zero")),
            (self.negative, ("clip", "keep")),
        )
        for value, allowed in options:
            if value not in allowed:
                raise AnalysisError("demand_option_unknown", value=str(value))
        if not 1 <= self.n_series <= MOST_SERIES:
            raise AnalysisError("n_series_out_of_range", n=self.n_series)


DEFAULT = DemandSpec()


@dataclass(frozen=True, slots=True, eq=False)
class DemandPanel:
    """Regular series in the long format of the forecasting literature.

    Every series runs from the period of its first line (the panel's first period if that was earlier) to the panel's
    last, the same for all: a product that is no longer sold ends in zeros. Only whole periods are in the frame. The
    last is whole when its last day is not after ``as_of`` and was observed to its end; the first when observation (the
    first order line of all) began on its first day, or when only closed weekdays came before it. Goods only; anonymous
    lines count.

    Attributes
    ----------
    frame : unique_id (String), ds (Date, first day of the period; weeks start on Monday), y (Float64, in ``unit``; null
        only where a ready-made series was not observed); sorted by unique_id, ds, without gaps in ds.
    frequency : "day", "week" or "month".
    measure : "revenue" (currency units), "quantity" (items), "orders" or "customers" (counts); "value" for a
        ready-made series.
    unit : currency code for revenue, else "items", "orders", "customers"; "" for a ready-made series.
    as_of : last observed day; a period that ends later is not in the frame.
    n_clipped : values of the frame below zero (more returned than sold) that were set to zero.
    n_filled : values of the frame without a line of their own, zero.
    n_dropped_partial : incomplete periods left out: the first, the last, or both.
    by : what the series are split by; "series" for a ready-made one.
    members : the unique_ids, most revenue first; the sums of ``parents`` first of all, from the top down.
    parents : unique_id, parent (both in ``members``): every series but the top has one row, and every parent is the
        exact sum of its children in every period. Empty unless asked for.
    names : unique_id, level (what it is one of: "total", a value of ``By``, "rest" for what is left over, "series"),
        name (as the data call it: a product's name for its id; "" for the total and the rest of all, the parent's name
        for the rest of a parent); one row per member.
    closed_weekdays : weekdays (1 Monday to 7 Sunday) on which nothing was ever sold in at least eight weeks; their
        zeros are in a daily frame (nulls where the series is ready-made).
    n_without_member : lines that belong to no series because the column split by is empty there.
    n_service_lines : order lines that are no goods, left out.
    n_returns : return and cancellation lines of the series in the periods of the frame.
    returned : what they took off y (in ``unit``, positive); 0 for orders and customers, which only an order undone as
        a whole lowers.
    n_missing : values of the frame that are null.
    caveats : ``panel_quiet_end`` (no line in the last n periods, longer than ever before), ``panel_sparse`` (more than
        half of the values are zero in n of n_series), ``members_absent`` (n asked for have no line), ``last_day_cut``
        (the rows break off at ``time`` of the last day, which is left out),
        ``frequency_coarser`` (a ready-made series is rarer than asked for), ``series_gaps`` (n of n_values of a
        ready-made series have no row, percent), ``dates_snapped`` (n of n_values moved by a few days to the grid that
        the others keep), ``dates_irregular`` (no grid; added up by the next coarser period), ``repeated_summed`` (n
        rows were added to another of the same period).
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
    by: str = TOTAL
    members: tuple[str, ...] = (TOTAL,)
    closed_weekdays: tuple[int, ...] = ()
    n_without_member: int = 0
    n_service_lines: int = 0
    caveats: tuple[Caveat, ...] = ()
    parents: pl.DataFrame = field(default_factory=lambda: NO_PARENTS)
    names: pl.DataFrame = field(default_factory=lambda: NO_NAMES)
    n_returns: int = 0
    returned: float = 0.0
    n_missing: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class DriverPanel:
    """What was asked for the goods of each series in each period, beside how many were sold.

    Sale lines of orders that stand, returns left out; the same series and periods as ``build_panel`` of the same spec.

    Attributes
    ----------
    frame : unique_id, ds, quantity (Float64, items sold), list_price (Float64, mean undiscounted price of an item,
        weighted by quantity), paid_price (Float64, amount over quantity), discount_share (Float64, 0-1, what was taken
        off over the undiscounted amount), promoted_share (Float64, 0-1, share of the items sold at a discount),
        n_lines (Int64); the four in the middle null where nothing was sold. Money in whole currency units.
    frequency, as_of, members : as in ``DemandPanel``.
    currency : ISO code, "" where unknown.
    price_source : where list_price comes from: "unit_price" (its own column), "discount" (amount and discount), "paid"
        (nothing is known of discounts: what was paid).
    n_without_price : sale lines left out of the prices: no amount, no quantity or neither above zero.
    closed_weekdays : as in ``DemandPanel``.
    """

    frame: pl.DataFrame
    frequency: Frequency
    as_of: date
    currency: str
    members: tuple[str, ...]
    price_source: Literal["unit_price", "discount", "paid"]
    n_without_price: int
    key: str
    closed_weekdays: tuple[int, ...] = ()
    caveats: tuple[Caveat, ...] = ()
