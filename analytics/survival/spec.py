"""The choices of the survival analysis and its results."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Literal

import polars as pl

from analytics.customers import CustomerScores
from analytics.errors import AnalysisError, Caveat

Clock = Literal["membership", "tenure", "lapse", "second_order", "next_order"]
Unit = Literal["day", "week", "month", "year"]
CLOCKS: tuple[Clock, ...] = ("membership", "tenure", "lapse", "second_order", "next_order")
RETURNS: frozenset[str] = frozenset({"second_order", "next_order"})  # clocks whose event is welcome
DAYS_IN: dict[str, float] = {"day": 1.0, "week": 7.0, "month": 30.4375, "year": 365.25}
FEWEST = 10  # customers of whom anything is told


@dataclass(frozen=True, slots=True)
class ClockSpec:
    """What begins a spell and what ends it.

    Attributes
    ----------
    clock : "membership" (customers.joined_at to left_at), "tenure" (a number of the customers table and a column that
        says who left), "lapse" (first order until the silence exceeds the customer's own rhythm), "second_order" (first
        to second day with an order), "next_order" (any to the next); None: the first of these that the data allow.
    duration_column, event_column, event_value : the columns of "tenure" and the value that means left; "": proposed.
    duration_unit : of that number; None: proposed.
    late_entry : who had joined before the data begin is counted from then on.
    observed_from : the day on which the data begin; None: found from the data.
    lapse_quantile : share of returns that come before a customer is overdue.
    """

    clock: Clock | None = None
    duration_column: str = ""
    event_column: str = ""
    event_value: str = ""
    duration_unit: Unit | None = None
    late_entry: bool = True
    observed_from: date | None = None
    lapse_quantile: float = 0.9

    def __post_init__(self) -> None:
        _within("lapse_quantile", self.lapse_quantile, 0.5, 0.99)


@dataclass(frozen=True, slots=True)
class SurvivalSpec:
    """How long customers stay, compared and explained.

    Attributes
    ----------
    clock : what is timed.
    group_by : "" (all together), "segment" (the labels given), "cohort" (year of the beginning), or a column of the
        customers table (numbers by their quartiles).
    horizon_days : the day of tenure at which shares and restricted means are told.
    level : of all intervals.
    covariates : of the Cox regression; None: those that go with leaving most, as many as the leavings carry.
    stratify : those of them that have a baseline of their own instead of a hazard ratio.
    penalty : ridge penalty of the coefficients per standard deviation; 0: none.
    outlook_days : ahead from as-of, for the probability of leaving and of the next order.
    """

    clock: ClockSpec = field(default_factory=ClockSpec)
    group_by: str = ""
    horizon_days: int = 365
    level: float = 0.95
    covariates: tuple[str, ...] | None = None
    stratify: tuple[str, ...] = ()
    penalty: float = 0.0
    outlook_days: int = 90

    def __post_init__(self) -> None:
        _within("horizon_days", self.horizon_days, 7, 3653)
        _within("level", self.level, 0.5, 0.999)
        _within("penalty", self.penalty, 0, 1e6)
        _within("outlook_days", self.outlook_days, 1, 730)


def _within(name: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:
        raise AnalysisError("survival_setting", field=name, value=value, low=low, high=high)


@dataclass(frozen=True, slots=True, eq=False)
class Spells:
    """How long each customer stayed, as far as it was seen. Nothing after ``as_of`` is known; who is there then is
    censored then, never at what they did last.

    Attributes
    ----------
    clock, clocks : the one that was timed, and all that these data allow, the proposed one first.
    unit : of ``time``: "day", or the unit of a tenure number.
    frame : customer_id, start (Date, null for "tenure"), time (Float64, from the beginning to the end or to ``as_of``),
        months (Float64: the same in completed calendar months and the share of the next; for "tenure" the number as it
        is), ended (Boolean), entry, entry_months (Float64: seen from this time on, 0 for most), reason (String, null
        where none is given), weight (Float64). One row per customer, sorted by it; for "next_order" one per gap, and a
        customer's weights add up to 1.
    n_customers : with a spell. n_ended : spells that ended. n_late : entered late.
    columns : duration, event, value, unit of "tenure" as applied; empty texts for the other clocks.
    observed_from : the day from which leavings are known; None: always.
    set_aside : reason (code), n (Int64): rows that could not be timed.
    """

    clock: Clock
    clocks: tuple[Clock, ...]
    unit: Unit
    as_of: date
    frame: pl.DataFrame
    n_customers: int
    n_ended: int
    n_late: int
    columns: tuple[str, str, str, str]
    observed_from: date | None
    set_aside: pl.DataFrame
    caveats: tuple[Caveat, ...]
    key: str


@dataclass(frozen=True, slots=True, eq=False)
class SurvivalResult:
    """How long customers stay. Times are in ``unit``; shares 0-1; lo, hi at ``spec.level``, pointwise; null: unknown.

    Attributes
    ----------
    horizon : of shares and restricted means, in ``unit``; ``period_unit`` : of ``hazard``.
    labels : the groups in display order; ("",) without grouping. ``field`` : what they are groups of.
    curves : label, time, survival, lo, hi, n_at_risk, n_ended, n_censored. Begins with time 0.
    groups : label, n_customers, n_ended, median, median_lo, median_hi (null: not reached), survival (at the horizon),
        survival_lo, survival_hi, restricted_mean, mean_lo, mean_hi, mean_until (the horizon, or the end of the group's
        own curve before it). The row "" is all customers.
    risk : label, time, n_at_risk: at about seven round times.
    overall : statistic, df, p of the log-rank test of all groups; null with one group.
    pairs : label, other, statistic, p, p_holm.
    screen : field, n_groups, n_customers, statistic, df, p, p_holm, highest, highest_survival, lowest, lowest_survival,
        difference (survival at the horizon): every grouping at hand, strongest first.
    hazard : label ("": all customers, then each group), period (completed units of tenure), n_at_risk, n_ended, hazard,
        lo, hi, expected (from its neighbours), p, p_holm, peak (Boolean).
    reasons : reason, n, share (of those who left); most frequent first. incidence : label ("": all), reason,
        time, share, lo, hi.
    """

    spec: SurvivalSpec
    clock: Clock
    clocks: tuple[Clock, ...]
    unit: Unit
    period_unit: Unit
    as_of: date
    n_customers: int
    n_ended: int
    horizon: float
    labels: tuple[str, ...]
    field: str
    curves: pl.DataFrame
    groups: pl.DataFrame
    risk: pl.DataFrame
    overall: tuple[float, int, float] | None
    pairs: pl.DataFrame
    screen: pl.DataFrame
    hazard: pl.DataFrame
    reasons: pl.DataFrame
    incidence: pl.DataFrame
    set_aside: pl.DataFrame
    columns: tuple[str, str, str, str]
    caveats: tuple[Caveat, ...]
    key: str


@dataclass(frozen=True, slots=True, eq=False)
class HazardsResult:
    """A Cox regression, its check, and what a prediction needs.

    Attributes
    ----------
    terms : field, level (null: a number), reference (level compared with; null), step (of a number: what one hazard
        ratio is for), n, n_ended, coefficient, se (per step), hazard_ratio, lo, hi, p, p_holm, ph_statistic, ph_p,
        changes (Boolean: the ratio is not the same all the time, Holm over all terms).
    checks : field, statistic, df, p, p_holm, changes; and field "" for all together (p_holm null).
    over_time : field, level, time, first, last, n_ended, coefficient, lo, hi: per step, in stretches of equal events.
    used, stratified, chosen : covariates in the model, those stratified by, and whether they were chosen by strength.
    left_out : field, level (null: all of it), reason (code), value.
    concordance : Harrell's C within strata. likelihood_ratio : statistic, df, p.
    n_customers, n_ended : with all covariates known. robust : standard errors with customers as units.
    baseline : stratum (String), time, hazard (cumulative, for all covariates at their reference, 0 for numbers).
    predictor : what ``foresee`` needs.
    """

    spec: SurvivalSpec
    clock: Clock
    unit: Unit
    terms: pl.DataFrame
    checks: pl.DataFrame
    over_time: pl.DataFrame
    used: tuple[str, ...]
    stratified: tuple[str, ...]
    chosen: bool
    left_out: pl.DataFrame
    concordance: float
    likelihood_ratio: tuple[float, int, float]
    n_customers: int
    n_ended: int
    robust: bool
    baseline: pl.DataFrame
    predictor: object
    caveats: tuple[Caveat, ...]
    key: str


@dataclass(frozen=True, slots=True, eq=False)
class OutlookResult:
    """What is probable for each customer who is there on ``as_of``. Days from ``as_of``; null: beyond what was ever
    observed, so nothing is said.

    Attributes
    ----------
    leaving : customer_id, tenure (in ``unit``), p_leave (within ``horizon_days``), lo, hi (95 %: of the estimate),
        likely_from_days, likely_days, likely_until_days (10, 50 and 90 % of the time that is left).
    ordering : customer_id, silence_days, p_alive, p_order (within ``horizon_days``), order_from_days, order_days,
        order_until_days (10, 50 and 90 % of the time to the next order, never included), overdue_on (Date: the day on
        which the silence exceeds their own rhythm), p_overdue (the chance that nothing is ordered before it).
    order_bins : first_day, last_day, n_customers: by the median; a null first_day: beyond ``horizon`` or never.
    leave_bins : low, high (of p_leave), n_customers.
    expected_leaving, expected_lo, expected_hi : customers leaving within the horizon (process and estimate, 95 %).
    longest : the longest time that can be told, in ``unit``.
    scores : p_leave as CustomerScores.
    """

    horizon_days: int
    unit: Unit
    leaving: pl.DataFrame
    ordering: pl.DataFrame
    order_bins: pl.DataFrame
    leave_bins: pl.DataFrame
    expected_leaving: float | None
    expected_lo: float | None
    expected_hi: float | None
    longest: float | None
    scores: CustomerScores | None
    caveats: tuple[Caveat, ...]
    key: str
