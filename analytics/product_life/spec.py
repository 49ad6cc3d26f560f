"""What is asked about the lives of products, and what is answered."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Annotated, Literal, get_args

import msgspec
import polars as pl

from analytics.errors import AnalysisError, Caveat

Stage = Literal["introduction", "growth", "maturity", "decline", "discontinued"]
STAGES: tuple[Stage, ...] = get_args(Stage)
Reason = Literal[
    "new",  # introduction: first sold a short while ago
    "rising",  # growth
    "steady",  # maturity: the whole interval of its pace is near zero
    "no_direction",  # maturity: the interval allows for some rise or fall, which chance explains as well
    "falling",  # decline
    "nothing_sold",  # discontinued: nothing sold where so much was to be expected
    "few_sales",  # none: too little was sold to say anything
]
Measure = Literal["quantity", "revenue", "orders"]
By = Literal["product", "category"]
Against = Literal["typical", "own"]
MOST_PRODUCTS = 1_000


@dataclass(frozen=True, slots=True)
class ProductLifeSpec:
    """Every choice that changes a figure. The defaults need no tuning.

    by : what has a life: products, or whole categories.
    measure : what is counted; "orders" because one large order is no turn of a life.
    n_products : how many, those with the most revenue first (1-1,000).
    against : "typical" takes out what the typical product of the shop does, so that a shop that grows does not make all
        its products young; "own" compares a product with its own past alone.
    steady_within : what rises or falls by less a month is steady (share, 0.005-0.1).
    compare_months : how long ago the stage is compared with (1-12).
    sure_from : from which probability on a stage counts as sure (0.4-0.95).
    product : the one shown in depth; "" the first that moved.

    Raises ``AnalysisError``: ``product_life_option``.
    """

    by: By = "product"
    measure: Measure = "orders"
    n_products: int = 300
    against: Against = "typical"
    steady_within: float = 0.025
    compare_months: int = 6
    sure_from: float = 0.6
    product: Annotated[str, msgspec.Meta(max_length=200)] = ""

    def __post_init__(self) -> None:
        bounds = {
            "n_products": (1, MOST_PRODUCTS),
            "steady_within": (0.005, 0.1),
            "compare_months": (1, 12),
            "sure_from": (0.4, 0.95),
        }
        for name, (low, high) in bounds.items():
            if not low <= getattr(self, name) <= high:
                raise AnalysisError("product_life_option", field=name, value=getattr(self, name), low=low, high=high)
        for name, allowed in (("by", get_args(By)), ("measure", get_args(Measure)), ("against", get_args(Against))):
            if getattr(self, name) not in allowed:
                raise AnalysisError("product_life_choice", value=str(getattr(self, name))[:40])


@dataclass(frozen=True, slots=True, eq=False)
class Goods:
    """What the data call each product, and which kind it is of.

    frame : unique_id, product (its most frequent name, "" where it has none), category (the most frequent, "").
    """

    frame: pl.DataFrame
    key: str


@dataclass(frozen=True, slots=True, eq=False)
class ProductLifeResult:
    """The stage of every product, how it came there, and where sales come from.

    Periods are four weeks counted back from the last (months where the series are monthly). Rates are in ``unit`` per
    month, on an ordinary calendar and, against the typical product, at the size the shop has today. Intervals are 95
    percent.

    Attributes
    ----------
    products : the most recent sales first. unique_id, product, category; stage (null where too little was sold),
        probability (of that stage, given its sales), sure (Boolean); change_monthly with change_lo, change_hi (share a
        month, null once discontinued); rate_monthly with rate_lo, rate_hi (0 once discontinued); peak_monthly, peak_on
        (Date); peak_share (rate over peak); first_sale_on, last_sale_on (first day of the period of the panel; null
        first where it was sold from the beginning of the data); age_months, silent_months; expected_since (what was to
        be expected since the last sale, at the rate two periods before it); stage_before (``compare_months`` ago, by
        what was known then; "not_launched" before its first sale; null where too little was sold), moved (Boolean),
        since (Date: first period of the present stage); recent_year and year_before (sums of y over the last 364 days
        and the 364 before, null where not observed whole), sales_share (of all revenue of the last 364 days, of
        ``recent_year`` without ``worth``), worth_recent (that revenue); reason (a code of ``Reason``), line (list of
        sums by quarter of a year, at most 12: a sparkline).
    chances : unique_id, stage, chance; five rows a product.
    history : unique_id, ds (first day of the period), y, season (factor), rate (by the end, with the season), rate_lo,
        rate_hi, stage and chance (by the end), stage_then (by what was known then). "not_launched" before the launch.
    stages : stage, n_products, sales_share, recent_year, year_before, change_share (of recent_year over year_before).
        All five, in order.
    over_time : ds, stage, n_products, y, worth: sums by the stage of the time (by the end).
    moves : stage_before, stage, n_products, sales_share.
    hindsight : stage (said then), n (products x periods of the last year that ended ``compare_months`` ago), kept
        (how many of them look the same by the end).
    period_months : length of a period. n_periods. has_season : whether a season could be learned.
    typical_yearly : change of the typical product over the last year that was taken out (share); null where none was.
    """

    products: pl.DataFrame
    chances: pl.DataFrame
    history: pl.DataFrame
    stages: pl.DataFrame
    over_time: pl.DataFrame
    moves: pl.DataFrame
    hindsight: pl.DataFrame
    measure: str
    unit: str
    currency: str
    as_of: date
    first_day: date
    compared_on: date
    period_months: float
    n_periods: int
    has_season: bool
    typical_yearly: float | None
    spec: ProductLifeSpec
    key: str
    caveats: tuple[Caveat, ...] = field(default=())
