"""The choices of the lifecycle analysis, the rules they lead to, and its result."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal

import polars as pl

from analytics.customers import CustomerLabels
from analytics.errors import AnalysisError, Caveat

STAGES = ("acquaintance", "first_purchase", "active_use", "loyalty", "lapsed")
OUTSIDE = "outside"  # not yet known, or known only by orders that were wholly reversed


@dataclass(frozen=True, slots=True)
class LifecycleSpec:
    """The stage rules and what is shown of the past.

    Attributes
    ----------
    lapsed_after_days : silence, in days, after which a customer counts as lapsed. None learns it: the
        ``lapsed_quantile`` of the time in which customers who come back do come back (see ``learn_lapsed_after``).
    loyal_min_orders : order days within ``loyal_window_days`` that make a customer loyal. None learns it: the
        ``loyal_quantile`` of these counts over repeat customers who have not lapsed, and at least 3.
    cohort_by : "month" or "quarter" of the first order.
    n_cohorts : cohorts shown (the latest ones that have customers), and periods followed after the first.
    n_months : month ends of history.
    min_cohort_size : cohorts with fewer customers are marked as too small to read.
    """

    lapsed_after_days: int | None = None
    lapsed_quantile: float = 0.9
    loyal_min_orders: int | None = None
    loyal_quantile: float = 0.75
    loyal_window_days: int = 365
    cohort_by: Literal["month", "quarter"] = "month"
    n_cohorts: int = 18
    n_months: int = 24
    min_cohort_size: int = 20

    def __post_init__(self) -> None:
        limits = (
            ("lapsed_after_days", self.lapsed_after_days, 1, 3650),
            ("lapsed_quantile", self.lapsed_quantile, 0.5, 0.99),
            ("loyal_min_orders", self.loyal_min_orders, 2, 1000),
            ("loyal_quantile", self.loyal_quantile, 0.5, 0.99),
            ("loyal_window_days", self.loyal_window_days, 7, 3650),
            ("n_cohorts", self.n_cohorts, 2, 60),
            ("n_months", self.n_months, 2, 120),
            ("min_cohort_size", self.min_cohort_size, 1, 100_000),
        )
        for field, value, low, high in limits:
            if value is not None and not low <= value <= high:
                raise AnalysisError("lifecycle_setting", field=field, value=value, low=low, high=high)
        if self.cohort_by not in ("month", "quarter"):
            raise AnalysisError(
                "lifecycle_setting", field="cohort_by", value=self.cohort_by, low="month", high="quarter"
            )


@dataclass(frozen=True, slots=True)
class LifecycleRules:
    """The rules as applied, and where they come from.

    Attributes
    ----------
    lapsed_after_days : None where it could not be learned: then nobody lapses by silence.
    lapsed_source : "given", "learned" or "not_learned". loyal_source : "given", "learned" or "least" (too few repeat
        customers, so the least count of 3).
    n_gaps, n_returners : completed gaps between order days, and the customers who have at least one.
    n_repeat : repeat customers, not lapsed, from whom ``loyal_min_orders`` was learned.
    """

    lapsed_after_days: int | None
    lapsed_source: Literal["given", "learned", "not_learned"]
    loyal_min_orders: int
    loyal_source: Literal["given", "learned", "least"]
    loyal_window_days: int
    n_gaps: int
    n_returners: int
    n_repeat: int


@dataclass(frozen=True, slots=True, eq=False)
class LifecycleResult:
    """Stages at ``as_of``, their history, and cohorts. Money is Float64 in whole ``currency`` units.

    Attributes
    ----------
    stages : one row per stage in order: stage, observable (False: this data cannot tell; its numbers are null, not
        zero), n_customers, customer_share (0-1, of all known customers), revenue_12m (last 365 days), revenue_share
        (0-1, of revenue_12m), revenue (all time). Revenue is null without amounts.
    history : month (last day of a complete month), stage, observable, n_customers, revenue (in that month, by the
        stage at its end), revenue_12m. At most ``n_months`` months.
    transitions : from_stage, to_stage (also "outside": not yet known, or known no more), n_latest, share_latest
        (latest complete month), n_mean, share_mean (mean and pooled share of the last ``n_transition_months``, at most
        12, leaving out months at whose beginning nobody could yet have lapsed, unless there are no others). Shares are
        of the customers in from_stage a month earlier; null where there were none, and from outside.
    movement : month, n_active_before, n_new, n_retained, n_resurrected, n_lost, n_active, lapse_observable (False:
        nobody could yet have lapsed when the month began). Active means first_purchase, active_use or loyalty at the
        month's end; n_active = n_new + n_retained + n_resurrected, n_active_before = n_retained + n_lost.
    cohorts : cohort (first day of the period of the first order), periods_since (0, 1, ...), n_customers, n_active
        (who ordered in that period), retention (0-1), revenue (in that period), observed (False: the period is not
        over; its numbers are null), enough (n_customers reaches ``min_cohort_size``).
    retention : periods_since, n_cohorts, n_customers, n_active, retention: all observed cohorts that are large enough
        taken together.
    labels : the stage of each known customer.
    first_day : the first day with an order line of a known customer.
    n_customers, n_buyers : known customers; those with an order that stands.
    n_transition_months : month pairs averaged in ``transitions`` (0: no two complete months).
    """

    as_of: date
    first_day: date
    currency: str
    rules: LifecycleRules
    stages: pl.DataFrame
    history: pl.DataFrame
    transitions: pl.DataFrame
    movement: pl.DataFrame
    cohorts: pl.DataFrame
    retention: pl.DataFrame
    labels: CustomerLabels
    cohort_by: Literal["month", "quarter"]
    min_cohort_size: int
    n_customers: int
    n_buyers: int
    n_transition_months: int
    caveats: tuple[Caveat, ...]
    key: str
