"""The choices of customer value, and its results."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt
import polars as pl

from analytics.errors import AnalysisError, Caveat

Floats = npt.NDArray[np.float64]
ModelName = Literal["bg_nbd", "mbg_nbd", "pareto_nbd"]
MODELS: tuple[ModelName, ...] = get_args(ModelName)  # simplest first: where two are equally good, the first is taken
RULES = ("last_year", "frequency", "constant")
GROUPS = ("protect", "grow", "win_back", "let_go")
GRADES = ("A", "B", "C", "D")
MOST_COVARIATES = 6


@dataclass(frozen=True, slots=True)
class ValueSpec:
    """How the future value of customers is estimated.

    Attributes
    ----------
    model : "auto" takes the one that foretells the holdout best (mean log score); else the one named.
    unit_days : the unit of time inside the models; 7 is a week. Figures come back in days and weeks whatever it is.
    horizon_days : how far ahead purchases and value are counted, from the day after as-of.
    discount_rate_yearly : effective rate per 365 days; a purchase t days ahead counts 1 / (1 + rate) ** (t / 365).
    margin_share : share of an order's value that is kept (0-1]; 1 makes value revenue.
    holdout_days : the days at the end that the models do not see while they are compared; None: a third of the history.
    covariates : columns of the customers table known from a customer's beginning, that may shift how often one buys.
    use_covariates : "auto" keeps them only if they foretell the holdout better; "always" keeps them.
    calendar : "auto" lets the clock run with the seasons and the level of all demand if that foretells the holdout
        better; "on", "off".
    level : of every interval.
    p_alive_threshold : from here on a customer counts as likely to come back.
    n_draws : futures drawn per customer for the intervals.
    random_state : seed of these draws.
    """

    model: Literal["auto", "bg_nbd", "mbg_nbd", "pareto_nbd"] = "auto"
    unit_days: int = 7
    horizon_days: int = 365
    discount_rate_yearly: float = 0.10
    margin_share: float = 1.0
    holdout_days: int | None = None
    covariates: tuple[str, ...] = ()
    use_covariates: Literal["auto", "always"] = "auto"
    calendar: Literal["auto", "on", "off"] = "auto"
    level: float = 0.8
    p_alive_threshold: float = 0.5
    n_draws: int = 200
    random_state: int = 0

    def __post_init__(self) -> None:
        limits = (
            ("unit_days", self.unit_days, 1, 31),
            ("horizon_days", self.horizon_days, 7, 3650),
            ("discount_rate_yearly", self.discount_rate_yearly, 0.0, 1.0),
            ("margin_share", self.margin_share, 0.001, 1.0),
            ("holdout_days", self.holdout_days, 7, 3650),
            ("level", self.level, 0.5, 0.99),
            ("p_alive_threshold", self.p_alive_threshold, 0.05, 0.95),
            ("n_draws", self.n_draws, 50, 2000),
        )
        for field, value, low, high in limits:
            if value is not None and not low <= value <= high:
                raise AnalysisError("value_setting", field=field, value=value, low=low, high=high)
        for field, choice, allowed in (
            ("model", self.model, ("auto", *MODELS)),
            ("use_covariates", self.use_covariates, ("auto", "always")),
            ("calendar", self.calendar, ("auto", "on", "off")),
        ):
            if choice not in allowed:
                raise AnalysisError("value_choice", field=field, value=str(choice))
        if len(self.covariates) > MOST_COVARIATES or len(set(self.covariates)) < len(self.covariates):
            raise AnalysisError("value_covariates", n=len(self.covariates), most=MOST_COVARIATES)


@dataclass(frozen=True, slots=True, eq=False)
class Spread:
    """What a total of customers needs beyond their sums: how their errors go together.

    The variance of a group's total is the sum of the customers' own variances (columns orders_variance and
    clv_variance of ``moments``), plus g' V g with g the group's summed sensitivities, plus
    ``common ** 2`` x total ** 2 (what a whole period does), plus ``cell ** 2`` x the sum over cells of
    (total in the cell) ** 2 (what a model gets wrong about customers of like recency and frequency).

    Attributes
    ----------
    moments : customer_id, cell (Int32), orders_variance, clv_variance (squared orders, squared currency).
    orders_sensitivity, clv_sensitivity : n x k (float32), change of a customer's expected orders and value per unit of
        the log of each parameter (purchase model first, then Gamma-Gamma).
    covariance : k x k, of these.
    common, cell : relative standard deviations, estimated from earlier cuts of the same history.
    n_cuts : how many separate windows of the past they were estimated from.
    """

    moments: pl.DataFrame
    orders_sensitivity: npt.NDArray[np.float32]
    clv_sensitivity: npt.NDArray[np.float32]
    covariance: Floats
    common: float
    cell: float
    n_cuts: int


@dataclass(frozen=True, slots=True, eq=False)
class ValueResult:
    """What customers are likely to buy and to be worth over ``spec.horizon_days`` after ``as_of``.

    Money is Float64 in whole units of ``currency`` times ``spec.margin_share``, discounted; all money columns are null
    where ``has_values`` is False. lo and hi bound intervals of ``spec.level``. Shares and probabilities are 0-1. A
    purchase is a day on which a customer bought; the first one is not a repeat.

    Attributes
    ----------
    basis : "repeat" (a model of repeat buying), "subscription" (sBG: remaining life times fee), "rule" (a simple rule).
    model : the one in use ("bg_nbd", "mbg_nbd", "pareto_nbd", "sbg"), "" where a simple rule stands in.
    choice : why this model: "best" (foretells best, clearly), "simplest" (as good as the best and simpler), "asked",
        "only" (the only one that could be fitted), "" without one.
    fallback : the simple rule that stands in for a model ("last_year", "frequency", "constant"), else None.
    fallback_code : why no model of repeat buying: a code with words under ``error.<code>``, else None.
    calendar, covariates : whether the clock runs with demand; the covariates in use (dummies as "column: level").
    first_day, calibration_until, as_of : first purchase; last day of the calibration; end of observation.
    holdout_days, horizon_days : lengths in days; ``holdout_days`` is 0 where there is no holdout.
    n_customers, n_repeat, n_without_purchase : customers; those with a repeat; known customers without one.
    correlation, independence_p : of the number of repeats and their mean value (Spearman), among customers with
        repeats, and its p-value; None without amounts.
    mean_order_value : prior mean of an order's value, before margin; None without amounts.
    total_clv, total_lo, total_hi, total_orders, orders_lo, orders_hi : of all customers over the horizon.
    grade : "A".."D", the weakest of the criteria; None where there is no holdout.
    grade_rule : criterion ("total_error", "against_rules", "coverage", "calibration"), value, a_up_to, b_up_to, c_up_to
        (the worst value that still earns the grade), grade.
    customers : customer_id, n_purchases, x (repeats), t_x_weeks, T_weeks, first_purchase_on, last_purchase_on,
        mean_repeat_value (null without repeats), p_alive, expected_orders, expected_orders_lo, expected_orders_hi,
        expected_order_value (margin not applied), clv, clv_lo, clv_hi, worth_if_active (the clv were
        the customer certainly active), value_last_year (revenue of the last 365 days),
        group (of ``GROUPS``), cohort (Date, first day of the quarter of the first purchase). Sorted by customer_id.
        Under "subscription" x counts payments after the first, p_alive is 1 for who has not left, 0 for who has.
    parameters : model, parameter, estimate, lo, hi, se_log (of the logarithm), of the model in use and "gamma_gamma".
    models : model, log_likelihood, aic (calibration), holdout_mae, holdout_rmse, holdout_log_score (mean per customer,
        the higher the better), log_score_se (of its difference to the best one), total_error (expected to actual
        purchases, less 1), coverage (customers inside their interval), chosen (Boolean), failed (code or null).
    tracking : week (its last day), in_holdout, n_actual, n_expected, lo, hi (repeat purchases of this week),
        actual_cumulative, expected_cumulative, lo_cumulative, hi_cumulative. Complete weeks from the first purchase;
        the model as fitted on the calibration only.
    by_frequency : n_repeat (Int64 0-7, 7 means 7 or more), n_customers, actual, expected (mean purchases in the
        holdout), lo, hi (of the mean actual, were the model right).
    deciles : decile (1 = highest expected), n_customers, actual, expected (mean purchases in the holdout),
        actual_value, expected_value (mean revenue), gain (cumulative share of all holdout purchases).
    rules : rule ("model", "last_year", "frequency", "constant"), measure ("orders", "value"), mae, rmse, spearman,
        top_share_captured (of the holdout's total, by the 20 % ranked highest), best_share (the same, had one known),
        total_error.
    cohorts : cohort (Date), n_customers, p_alive, expected_orders, clv, clv_lo, clv_hi, actual, expected, total_error
        (purchases in the holdout of those in the calibration; null for later cohorts).
    pareto : customer_share, value_share, at most 101 rows, by falling clv.
    rfm_grid : recency_group, frequency_group (1 lowest - 5), recency_from_days, recency_to_days, frequency_from,
        frequency_to (purchases), n_customers, p_alive, clv_mean, clv_total. All 25 cells that hold anybody.
    iso_value : x, t_x_weeks, T_weeks (the same in all rows), p_alive, expected_orders, clv: the surface at the mean
        order value. Fader, Hardie & Lee (2005), "RFM and CLV: using iso-value curves for customer base analysis".
    groups : group, n_customers, customer_share, p_alive, clv, clv_lo, clv_hi, value_last_year, clv_share.
    p_alive_threshold, worth_threshold : of the groups: protect (p_alive and worth_if_active high), grow (p_alive high,
        worth low), win_back (p_alive low, worth high), let_go (both low). High worth is that of the top fifth.
    spread : what ``value_by`` needs.
    """

    spec: ValueSpec
    basis: Literal["repeat", "subscription", "rule"]
    model: str
    choice: str
    fallback: str | None
    fallback_code: str | None
    fallback_params: tuple[tuple[str, str | int | float | None], ...]
    calendar: bool
    covariates: tuple[str, ...]
    has_values: bool
    currency: str
    first_day: date
    calibration_until: date
    as_of: date
    holdout_days: int
    horizon_days: int
    n_customers: int
    n_repeat: int
    n_without_purchase: int
    correlation: float | None
    independence_p: float | None
    mean_order_value: float | None
    total_clv: float | None
    total_lo: float | None
    total_hi: float | None
    total_orders: float
    orders_lo: float
    orders_hi: float
    grade: str | None
    grade_rule: pl.DataFrame
    customers: pl.DataFrame
    parameters: pl.DataFrame
    models: pl.DataFrame
    tracking: pl.DataFrame
    by_frequency: pl.DataFrame
    deciles: pl.DataFrame
    rules: pl.DataFrame
    cohorts: pl.DataFrame
    pareto: pl.DataFrame
    rfm_grid: pl.DataFrame
    iso_value: pl.DataFrame
    groups: pl.DataFrame
    p_alive_threshold: float
    worth_threshold: float
    spread: Spread
    caveats: tuple[Caveat, ...]
    key: str


@dataclass(frozen=True, slots=True, eq=False)
class CustomerTrace:
    """How one customer's raw rows become what the models see.

    Attributes
    ----------
    rows : the customer's rows of transactions, by time, with counted (Boolean) and role: "first" (makes the first
        purchase day), "repeat" (makes a later one), "same_day" (joins one that is there), "reversed" (an order wholly
        taken back), "return", "service", "undated".
    days : day, role ("first", "repeat"), value (whole currency units, null without amounts), weeks (since the first).
    x, t_x_weeks, T_weeks, mean_repeat_value : repeats, time from first to last purchase, from first to as-of, and the
        mean of the repeat days' values (None without repeats or amounts).
    p_alive, expected_orders, expected_order_value, clv : as in the result, None where there is no result of the model.
    """

    customer_id: str
    rows: pl.DataFrame
    days: pl.DataFrame
    x: int
    t_x_weeks: float
    T_weeks: float
    mean_repeat_value: float | None
    p_alive: float | None
    expected_orders: float | None
    expected_order_value: float | None
    clv: float | None
    key: str
