"""The choices of the early warning, and its result."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal

import polars as pl

from analytics.customers import CustomerScores
from analytics.errors import AnalysisError, Caveat

Target = Literal["left", "no_order", "given"]
Method = Literal["logistic", "boosting"]

# What a refused feature did. "target_defined": the target is a threshold or a formula of it. "after_cut": it holds what
# happened after the cut-off. "only_gone": one of its values (or its being filled in) is all but reserved for one
# outcome. "id_like", "order_of_time": it names or numbers rows. "near_perfect": alone, it all but knows the outcome.
# "near_perfect_group": several together do.
LEAKS = (
    "target_defined",
    "after_cut",
    "only_gone",
    "id_like",
    "order_of_time",
    "near_perfect",
    "near_perfect_group",
)
BASELINES = ("recency", "overdue", "p_alive", "decline", "single", "base_rate")
GROUPS = ("save_first", "save_gently", "keep_warm", "leave_alone")


@dataclass(frozen=True, slots=True)
class ChurnSpec:
    """What is predicted, when, and for how many customers there is time.

    Attributes
    ----------
    target : "left" (a leaving date within ``horizon_days`` after the cut-off), "no_order" (no order within them),
        "given" (a column of the customers table without dates); "auto": the first of these that the data allow.
    column : for "given": the column; "" the one proposed. gone_value : its value that means gone; "" the one proposed.
    horizon_days : length of the window after the cut-off; None: learned from the customers' rhythm, 30 for "left".
    every_days : days between cut-offs; None: half the horizon.
    n_cuts : earlier cut-offs at most.
    method : "auto": whichever had the smaller log loss on later cut-offs.
    leave_out : features that are not used.
    capacity_share : the share of the scored customers who can be contacted, unless ``capacity`` says how many.
    value_column : a number of the customers table that says what a customer is worth; "": the value of the last 365
        days, where there are amounts. Scores of customer value given to ``warn`` come before both.
    level : of all intervals.
    """

    target: Literal["auto", "left", "no_order", "given"] = "auto"
    column: str = ""
    gone_value: str = ""
    horizon_days: int | None = None
    every_days: int | None = None
    n_cuts: int = 12
    method: Literal["auto", "logistic", "boosting"] = "auto"
    leave_out: tuple[str, ...] = ()
    capacity_share: float = 0.1
    capacity: int | None = None
    value_column: str = ""
    level: float = 0.9
    random_state: int = 0

    def __post_init__(self) -> None:
        limits = (
            ("horizon_days", self.horizon_days, 7, 730),
            ("every_days", self.every_days, 1, 365),
            ("n_cuts", self.n_cuts, 2, 48),
            ("capacity_share", self.capacity_share, 0.001, 0.9),
            ("capacity", self.capacity, 1, 100_000_000),
            ("level", self.level, 0.5, 0.99),
            ("random_state", self.random_state, 0, 2**31 - 1),
        )
        for field, value, low, high in limits:
            if value is not None and not low <= value <= high:
                raise AnalysisError("churn_setting", field=field, value=value, low=low, high=high)
        if self.target not in ("auto", "left", "no_order", "given"):
            raise AnalysisError("churn_choice", field="target", value=str(self.target))
        if self.method not in ("auto", "logistic", "boosting"):
            raise AnalysisError("churn_choice", field="method", value=str(self.method))


@dataclass(frozen=True, slots=True, eq=False)
class ChurnResult:
    """Who is about to leave, how well that is known, and what it was learned from.

    Shares, risks and AUC are 0-1; ``lo``, ``hi`` are intervals of ``spec.level``; money is Float64 in whole units of
    ``currency``; counts are Int64. "Gone" means that the target came true. A day c as cut-off: features know days up to
    and including c, the label window is c + 1 ... c + horizon_days. All measures but those of "given" are rolling:
    at each cut-off everything (model, choice of method, calibration) was learned from label windows that had ended.

    Attributes
    ----------
    target, column, gone_value : as used ("" where they do not apply). horizon_days : None for "given".
    as_of, currency : of the data.
    validation : "cutoffs" (rolling back-test) or "folds" (ten-fold cross-validation: "given", as of the file).
    method : the chosen classifier, "logistic" or "boosting".
    n_scored : customers who are active at ``as_of`` (for "given": who are not gone) and have a risk.
    n_flagged : those within the capacity. threshold : the smallest risk among them.
    expected_gone, expected_gone_lo, expected_gone_hi : how many of the scored will be gone (sum of risks; the interval
        holds chance and the calibration's uncertainty).
    value_at_risk : sum over the scored of risk x expected value; None where there is no value. flagged_value_at_risk :
        of the flagged. value_unit : "clv" (scores given), "last_year" (value of the last 365 days), "column" (an amount
        of the customers table), "" none.
    auc, auc_lo, auc_hi, average_precision, brier, log_loss, calibration_error : of the chosen model, out of sample.
        calibration_error: expected calibration error over ten bins of equal numbers.
    best_baseline : the code in ``models`` of the baseline with the highest AUC. beats_baseline : whether the interval
        of the difference in AUC lies above 0. auc_gain, auc_gain_lo, auc_gain_hi : that difference.
    options : target, column, gone_value, n_gone (by the file), possible (Boolean), code (why not, an error code or
        null), proposed (Boolean). What can be predicted from these data.
    cuts : cut_on, until (Date; last day of its label window, null for "as_of"), role ("learn": trained on only,
        "test": also predicted beforehand, "score": as_of), n_customers (active then), n_gone, share_gone (null for
        "score").
    features : feature, family ("orders", "use", "contact", "feedback", "tenure", "attribute", "campaign"), source
        ("rows": counted up to the cut-off, "file": column of the customers table), known_share, used (Boolean), refused
        (code of LEAKS, "as_of_file", "left_out", "constant" or null), auc (alone, best direction; null if constant).
    guard : feature (names joined by " + " for a group), code (of LEAKS), auc, lo, hi (alone, cross-validated),
        share, n, threshold (Float64, null where they do not apply), value (String; the level or range that gives it
        away), limit (Float64, the figure that was passed). One row per refusal.
        share: of the customers with that value who share one outcome (only_gone); agreement of target and rule
        (target_defined); of the column explained by days after the cut-off (after_cut); of unequal values (id_like);
        rank correlation with time (order_of_time). n: customers it is counted over.
    guard_checked : features looked at. audit : rows after a cut-off were deleted and the features built anew:
        n_values compared, n_changed (always 0 where the features are honest), cut_on.
    models : model ("logistic", "boosting", "chosen" and the codes of BASELINES that the data allow), kind ("model",
        "baseline"), auc, auc_lo, auc_hi, average_precision, ap_lo, ap_hi, brier, log_loss, calibration_error (null for
        a baseline that is no probability), chosen (Boolean). Over all test cut-offs, one AUC per cut-off averaged by
        its pairs; intervals by resampling customers.
    calibration : model, bin (0-9), n, predicted (mean risk), observed (share gone), lo, hi (Wilson). Models
        "chosen" and "uncalibrated".
    roc : model, false_share, found_share: points of the curve, for the chosen model and the best baselines.
    lift : model, share (of customers contacted, best first), n_contacted (per cut-off, mean), found_share (of the gone)
        with lo, hi, precision, lift (precision / share gone), at_capacity (Boolean). "chosen", "recency", baselines.
    drivers : feature, group (Int64; features that go together share one), direction (1: high goes with leaving, -1:
        with staying, 0: neither is clear), effect (standardised difference of normal scores, gone - stayed) with lo,
        hi, importance (loss of AUC when the group is shuffled) with importance_lo, importance_hi, low_value, high_value
        (the lower and upper quartile; null for categories), low_share, high_share (share gone in the lowest and highest
        quarter), level (String, of a category), n. Sorted by importance. Association, not cause.
    timeline : cut_on, model ("chosen", "recency", best baseline), n_customers, n_gone, n_flagged, n_true, n_false,
        auc, found_share. Flags at the capacity at each test cut-off; baselines at the same number of false alarms.
    early : model, n_gone (left after the first test cut-off up to as_of and were active at a test cut-off before),
        n_flagged_before, flagged_share, lo, hi, median_days_before, lower_days_before, upper_days_before (quartiles,
        among the flagged), n_alarms, n_false, false_per_true, false_share (false alarms / customers who stayed).
        Baselines at the chosen model's false alarms. Empty for "given".
    warnings : customer_id, gone_on, first_flagged_on, days_before (null: never flagged before), n_flags,
        recency_days_before (the same by recency alone). One row per gone customer of ``early``. For "no_order",
        gone_on is the day on which the unbroken silence exceeded the customer's own rhythm. A flag counts as a warning
        within 90 days (two horizons where that is more) before.
    lead : days_before (Int64, 0, step, 2 step ...), flagged_share (of the gone flagged at least so many days before),
        recency_share.
    customers : customer_id, risk, lo, hi, rank (1 = highest value at risk, by risk where there is no value),
        flagged (Boolean, within capacity by risk), expected_value, value_at_risk (null without value), reason_1,
        reason_2, reason_3 (features that raise this customer's risk most, against a typical customer; null if none
        does), push_1..push_3 (how many times they multiply the odds), group (code of GROUPS), last_seen_on. Sorted by
        rank. Reasons for the first 20,000.
    groups : group (in the order of GROUPS), n_customers, mean_risk, expected_gone, expected_value, value_at_risk.
        save_first: high risk and high value; save_gently: high risk, low value; keep_warm: low risk, high value;
        leave_alone: neither. High risk: within capacity or at least twice the mean; high value: above the median.
    risks : distribution for a chart: low, high (bounds of risk), n_customers, value_at_risk.
    scores : risk with lo, hi per customer, unit "risk".
    key, caveats : as everywhere.
    """

    spec: ChurnSpec
    target: Target
    column: str
    gone_value: str
    horizon_days: int | None
    as_of: date
    currency: str
    validation: Literal["cutoffs", "folds"]
    method: Method
    n_scored: int
    n_flagged: int
    threshold: float
    expected_gone: float
    expected_gone_lo: float
    expected_gone_hi: float
    value_at_risk: float | None
    flagged_value_at_risk: float | None
    value_unit: str
    auc: float
    auc_lo: float
    auc_hi: float
    average_precision: float
    brier: float
    log_loss: float
    calibration_error: float
    best_baseline: str
    beats_baseline: bool
    auc_gain: float
    auc_gain_lo: float
    auc_gain_hi: float
    options: pl.DataFrame
    cuts: pl.DataFrame
    features: pl.DataFrame
    guard: pl.DataFrame
    guard_checked: int
    audit: pl.DataFrame
    models: pl.DataFrame
    calibration: pl.DataFrame
    roc: pl.DataFrame
    lift: pl.DataFrame
    drivers: pl.DataFrame
    timeline: pl.DataFrame
    early: pl.DataFrame
    warnings: pl.DataFrame
    lead: pl.DataFrame
    customers: pl.DataFrame
    groups: pl.DataFrame
    risks: pl.DataFrame
    scores: CustomerScores
    caveats: tuple[Caveat, ...]
    key: str
