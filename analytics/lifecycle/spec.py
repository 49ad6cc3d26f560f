"""The choices of the lifecycle analysis, the rules they lead to, and its result."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal

import polars as pl

from analytics.customers import CustomerLabels
from analytics.errors import AnalysisError, Caveat
from analytics.rhythm import Rhythm

STAGES = ("acquaintance", "first_purchase", "active_use", "loyalty", "lapsed")
OUTSIDE = "outside"  # not yet known, or known only by orders that were wholly reversed


Kind = Literal["orders", "subscription"]
KindReason = Literal["chosen", "leaving_and_fees", "leaving_and_no_orders", "no_leaving", "orders_at_will"]


@dataclass(frozen=True, slots=True)
class LifecycleSpec:
    """The stage rules and what is shown of the past.

    Attributes
    ----------
    business : "orders" (silence tells of leaving), "subscription" (``joined_at`` and ``left_at`` tell), "auto" proposes
        one of them (see ``propose_kind``).
    lapsed_after_days : silence, in days, after which a customer counts as lapsed. "own": each customer's own rhythm,
        the ``lapsed_quantile`` of the next gap given the gaps so far (``analytics.rhythm``). None: one threshold for
        all, the ``lapsed_quantile`` of the time in which customers who come back do come back (``learn_lapsed_after``).
        Orders only.
    loyal_min_orders : order days within ``loyal_window_days`` that make a customer loyal. None learns it: the
        ``loyal_quantile`` of these counts over repeat customers who have not lapsed, and at least 3. Orders only.
    loyal_tenure_days : days since the first use or fee that make a subscriber loyal. None learns it: the
        ``loyal_quantile`` of present subscribers, and at least two periods. Subscriptions only.
    cohort_by : "month" or "quarter" of the first order (of joining).
    n_cohorts : cohorts shown (the latest ones that have customers), and periods followed after the first.
    n_months : month ends of history.
    min_cohort_size : cohorts with fewer customers are marked as too small to read.
    """

    business: Literal["auto", "orders", "subscription"] = "auto"
    lapsed_after_days: int | Literal["own"] | None = "own"
    lapsed_quantile: float = 0.9
    loyal_min_orders: int | None = None
    loyal_quantile: float = 0.75
    loyal_window_days: int = 365
    loyal_tenure_days: int | None = None
    cohort_by: Literal["month", "quarter"] = "month"
    n_cohorts: int = 18
    n_months: int = 24
    min_cohort_size: int = 20

    def __post_init__(self) -> None:
        days = None if self.lapsed_after_days == "own" else self.lapsed_after_days
        limits = (
            ("lapsed_after_days", days, 1, 3650),
            ("lapsed_quantile", self.lapsed_quantile, 0.5, 0.99),
            ("loyal_min_orders", self.loyal_min_orders, 2, 1000),
            ("loyal_quantile", self.loyal_quantile, 0.5, 0.99),
            ("loyal_window_days", self.loyal_window_days, 7, 3650),
            ("loyal_tenure_days", self.loyal_tenure_days, 7, 3650),
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
class CohortView:
    """How the cohort grid is looked at; no figure depends on it.

    Attributes
    ----------
    measure : "retention" (share of the cohort), "revenue" (in the period, per customer of the cohort), "value" (revenue
        from the first period to the end of this one, per customer).
    rows : cohorts (their first day) drawn as lines beside the mean of all.
    """

    measure: Literal["retention", "revenue", "value"] = "retention"
    rows: tuple[date, ...] = ()

    def __post_init__(self) -> None:
        if self.measure not in ("retention", "revenue", "value"):
            raise AnalysisError("lifecycle_setting", field="measure", value=self.measure, low="retention", high="value")


@dataclass(frozen=True, slots=True)
class LifecycleRules:
    """The rules as applied, and where they come from.

    Attributes
    ----------
    kind : "orders" or "subscription".
    lapsed_source : "own" (each customer's rhythm), "given", "learned" (one threshold for all), "not_learned" (too few
        came back: nobody lapses by silence), "left" (a subscription: by its date).
    lapsed_after_days : the one threshold, None where there is none.
    rhythm : with "own": from which each customer's threshold follows. short_days, typical_days, long_days : the 10th,
        50th and 90th percentile of the buyers' thresholds on the day they were learned.
    loyal_min_orders, loyal_window_days : of orders. loyal_tenure_days : of subscriptions, else None. loyal_source :
        "given", "learned" or "least" (too few repeat customers: 3 order days; too few subscribers: two periods).
    period_days : of subscriptions: the usual days between two fees, 30 where they are not told; else 0.
    use_recorded : of subscriptions: whether events tell of use; then who is loyal has used it within the last period.
    n_gaps, n_returners : completed gaps between order days, and the customers who have at least one.
    n_repeat : repeat customers, not lapsed (present subscribers), from whom the loyal rule was learned.
    """

    lapsed_after_days: int | None
    lapsed_source: Literal["own", "given", "learned", "not_learned", "left"]
    loyal_min_orders: int
    loyal_source: Literal["given", "learned", "least"]
    loyal_window_days: int
    n_gaps: int
    n_returners: int
    n_repeat: int
    kind: Kind = "orders"
    rhythm: Rhythm | None = None
    short_days: int | None = None
    typical_days: int | None = None
    long_days: int | None = None
    loyal_tenure_days: int | None = None
    period_days: int = 0
    use_recorded: bool = False

    @property
    def silence_days(self) -> int | None:
        """Days of silence after which a customer (with their own rhythm: the typical one) has lapsed."""
        return self.typical_days if self.lapsed_source == "own" else self.lapsed_after_days


@dataclass(frozen=True, slots=True, eq=False)
class Projection:
    """Retention of subscribers by their own tenure, observed and projected by shifted-beta-geometric (sBG).

    Attributes
    ----------
    frame : period (0, 1, ... whole periods since joining), n_subscribers (who came into it), observed (share
        still subscribed after it, by product limit; null beyond what was seen), lo_observed, hi_observed (95 percent,
        Greenwood on log(-log)), projected, lo, hi (90 percent of the curve: parameters alone), held_out (True: beyond
        the periods that the model was fitted on).
    period_days : days in a period.
    n_fitted : periods the model was fitted on. n_seen : periods observed (at least 20 subscribers at risk).
    alpha, beta : its parameters. n_customers, n_left : subscribers, and those who left.
    error, naive_error : mean absolute difference of projected and observed shares over the held-out periods, and that
        of a constant rate of leaving fitted on the same periods; None without held-out periods.
    failed : why there is no projection (a code of ``analytics.btyd``), None where there is one.
    """

    frame: pl.DataFrame
    period_days: int
    n_fitted: int
    n_seen: int
    alpha: float | None
    beta: float | None
    n_customers: int
    n_left: int
    error: float | None
    naive_error: float | None
    failed: str | None


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
    cohorts : cohort (first day of the period of the first order, of joining for subscriptions), periods_since (0, 1,
        ...), n_customers, n_active (who ordered in that period; whose subscription ran at its end), retention (0-1),
        revenue (in that period), revenue_per_customer (that, per customer of the cohort), value_per_customer (the same
        from the first period to the end of this one), observed (False: the period is not over; its
        numbers are null), enough (n_customers reaches ``min_cohort_size``).
    retention : periods_since, n_cohorts, n_customers, n_active, retention, revenue_per_customer, value_per_customer (of
        each period's mean revenue per customer, summed): all observed cohorts that are large enough taken together.
    spells : stage, n_completed, n_current, months_p25, months_p50, months_p75 (months from coming into the stage to
        leaving it, by product limit over spells whose beginning was seen; null where the curve does not fall so far),
        median_current_months (how long those who are in it have been, among spells whose beginning was seen),
        n_unseen (spells that had begun before the months at hand).
    projection : for subscriptions, retention by the subscriber's own tenure; None for orders.
    kind_reason : "chosen", or what ``propose_kind`` saw.
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
    spells: pl.DataFrame
    projection: Projection | None
    kind_reason: KindReason
    labels: CustomerLabels
    cohort_by: Literal["month", "quarter"]
    min_cohort_size: int
    n_customers: int
    n_buyers: int
    n_transition_months: int
    caveats: tuple[Caveat, ...]
    key: str
