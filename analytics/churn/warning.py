"""The verb of the early warning."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from analytics.churn.drivers import describe_drivers, group_columns
from analytics.churn.early import measure_earliness
from analytics.churn.evaluation import Evaluation, evaluate
from analytics.churn.folds import cross_validate
from analytics.churn.guard import refusals_frame
from analytics.churn.ledger import Ints, as_date, day_number, read_ledgers
from analytics.churn.listing import (
    Risks,
    expected_values,
    group_customers,
    list_customers,
    score_today,
    spread_risks,
)
from analytics.churn.rolling import Learned, roll
from analytics.churn.spec import ChurnResult, ChurnSpec
from analytics.churn.targets import settle_target
from analytics.churn.windows import Study, build_study
from analytics.customers import CustomerScores
from analytics.dataset import Dataset
from analytics.errors import AnalysisError, Caveat
from analytics.keys import derive_key
from analytics.progress import report

GOOD_CALIBRATION = 0.03
FEW_GONE = 100  # in the test windows, below which figures are called rough


def warn(dataset: Dataset, spec: ChurnSpec, value: CustomerScores | None = None) -> ChurnResult:
    """Who is about to leave, how well that could be known, how early, and whom to save first.

    ``value``: what each customer is worth over the time to come, such as the ``clv`` of the value analysis.

    Raises ``AnalysisError``: churn_no_target, churn_no_leavings, churn_no_orders, churn_no_repeat, churn_no_column,
    churn_column_unknown, churn_column_values, churn_few_gone, churn_few_stayed (fewer than 30 of either),
    churn_short_history (no cut-off whose window ends before another begins), churn_no_test, churn_nobody_active,
    churn_no_features, churn_target_defined, churn_target_by_rule (the target repeats a rule about its own features).
    """
    return judge(dataset, learn_churn(dataset, learning(spec)), spec, value)


@dataclass(frozen=True, slots=True, eq=False)
class Lessons:
    """What ``learn_churn`` made of the data, for ``judge`` alone: windows, predictions beforehand, risks of today.

    ``groups``: which columns go together. ``drivers``: as in ``ChurnResult``.
    """

    study: Study
    learned: Learned
    risks: Risks
    groups: Ints
    drivers: pl.DataFrame
    key: str


def learning(spec: ChurnSpec) -> ChurnSpec:
    """The spec without the choices that only ``judge`` looks at: how many can be contacted, and what they are worth."""
    usual = ChurnSpec()
    return replace(spec, capacity_share=usual.capacity_share, capacity=usual.capacity, value_column=usual.value_column)


def learn_churn(dataset: Dataset, spec: ChurnSpec) -> Lessons:
    """The long part of ``warn``, the same for any capacity (``spec`` as ``learning`` gives it). Raises as ``warn``."""
    report(0.0, "churn_reading")
    ledgers = read_ledgers(dataset)
    aim = settle_target(dataset, ledgers, spec)
    study = build_study(dataset, ledgers, aim, spec)
    if aim.target == "given":
        learned = cross_validate(study.today, spec)
    else:
        assert aim.horizon_days is not None
        learned = roll(study.windows, aim.horizon_days, day_number(dataset.as_of), spec)
    if not learned.predictions:
        n_gone = sum(int(window.gone.sum()) for window in study.windows)
        raise AnalysisError("churn_no_test", n=n_gone, n_cuts=len(study.windows))
    risks, groups = score_today(study, learned, spec), group_columns(study)
    drivers = describe_drivers(study, learned, groups, spec)
    return Lessons(study, learned, risks, groups, drivers, derive_key("learn_churn", spec, dataset.key))


def judge(dataset: Dataset, lessons: Lessons, spec: ChurnSpec, value: CustomerScores | None = None) -> ChurnResult:
    """The quick part of ``warn``: what the lessons say for a capacity and for what customers are worth."""
    study, learned, risks = lessons.study, lessons.learned, lessons.risks
    aim = study.aim
    evaluation = evaluate(study, learned, spec)
    early, warnings, lead = measure_earliness(study, learned, evaluation, day_number(dataset.as_of), spec)
    worth, unit = expected_values(study, None if value is None else value.frame, dataset.tables.get("customers"), spec)
    customers = list_customers(study, learned, risks, lessons.groups, worth, spec)
    parents = (dataset.key,) if value is None else (dataset.key, value.key)
    key = derive_key("warn", spec, *parents)
    best = evaluation.models.filter(model="chosen").row(0, named=True)
    at_risk = None if worth is None else float(customers["value_at_risk"].sum())
    flagged = customers.filter("flagged")
    return ChurnResult(
        spec=spec,
        target=aim.target,
        column=aim.column,
        gone_value=aim.gone_value,
        horizon_days=aim.horizon_days,
        as_of=dataset.as_of,
        currency=dataset.currency,
        validation="folds" if aim.target == "given" else "cutoffs",
        method=learned.chosen,
        n_scored=customers.height,
        n_flagged=flagged.height,
        threshold=float(flagged["risk"].min()),  # type: ignore[arg-type]  # a scalar: Polars types any literal
        expected_gone=risks.expected[0],
        expected_gone_lo=risks.expected[1],
        expected_gone_hi=risks.expected[2],
        value_at_risk=at_risk,
        flagged_value_at_risk=None if worth is None else float(flagged["value_at_risk"].sum()),
        value_unit=unit,
        auc=best["auc"],
        auc_lo=best["auc_lo"],
        auc_hi=best["auc_hi"],
        average_precision=best["average_precision"],
        brier=best["brier"],
        log_loss=best["log_loss"],
        calibration_error=best["calibration_error"],
        best_baseline=evaluation.best_baseline,
        beats_baseline=evaluation.gain[1] > 0,
        auc_gain=evaluation.gain[0],
        auc_gain_lo=evaluation.gain[1],
        auc_gain_hi=evaluation.gain[2],
        options=aim.options,
        cuts=_cuts(study, learned),
        features=study.described,
        guard=refusals_frame(study.refusals),
        guard_checked=study.n_checked,
        audit=study.audit,
        models=evaluation.models,
        calibration=evaluation.calibration,
        roc=evaluation.roc,
        lift=evaluation.lift,
        drivers=lessons.drivers,
        timeline=evaluation.timeline,
        early=early,
        warnings=warnings,
        lead=lead,
        customers=customers,
        groups=group_customers(customers),
        risks=spread_risks(customers),
        scores=CustomerScores(
            customers.select("customer_id", "lo", "hi", value="risk")
            .select("customer_id", "value", "lo", "hi")
            .sort("customer_id"),
            "risk",
            "warn",
            key,
        ),
        caveats=_caveats(study, learned, evaluation, risks),
        key=key,
    )


def _cuts(study: Study, learned: Learned) -> pl.DataFrame:
    tested = {one.window.day for one in learned.predictions}
    horizon = study.aim.horizon_days
    rows: list[dict[str, object]] = []
    for window in study.windows:
        rows.append(
            {
                "cut_on": as_date(window.day),
                "until": as_date(window.day + horizon) if horizon else None,
                "role": "test" if window.day in tested else "learn",
                "n_customers": len(window.gone),
                "n_gone": int(window.gone.sum()),
                "share_gone": float(window.gone.mean()) if len(window.gone) else None,
            }
        )
    if horizon:
        today = {"cut_on": as_date(study.today.day), "role": "score", "n_customers": len(study.today.customers)}
        rows.append({**dict.fromkeys(("until", "n_gone", "share_gone")), **today})
    return pl.DataFrame(rows, schema=_CUTS)


def _caveats(study: Study, learned: Learned, evaluation: Evaluation, risks: Risks) -> tuple[Caveat, ...]:
    found = []
    chosen = evaluation.models.filter(model="chosen").row(0, named=True)
    n_gone = sum(int(one.window.gone.sum()) for one in learned.predictions)
    if study.refusals:
        names = ", ".join(one.feature for one in study.refusals[:5])
        found.append(Caveat("churn_refused", "watch", {"n": len(study.refusals), "features": names}))
    if evaluation.gain[1] <= 0:
        found.append(
            Caveat(
                "churn_baseline_as_good",
                "watch",
                {"gain": round(evaluation.gain[0], 3), "auc": round(chosen["auc"], 3)},
            )
        )
    if chosen["calibration_error"] > GOOD_CALIBRATION:
        found.append(Caveat("churn_calibration", "watch", {"error": round(100 * chosen["calibration_error"], 1)}))
    if n_gone < FEW_GONE:
        found.append(Caveat("churn_few_tested", "watch", {"n": n_gone}))
    if study.aim.target == "given":
        found.append(Caveat("churn_as_of_file", "note", {"column": study.aim.column}))
    else:
        used = study.described.filter(pl.col("used") & (pl.col("source") == "file"))["feature"].to_list()
        if used:
            found.append(Caveat("churn_file_columns", "note", {"n": len(used), "features": ", ".join(used[:6])}))
        if len(learned.predictions) < 3:
            found.append(Caveat("churn_few_cuts", "watch", {"n": len(learned.predictions)}))
    changed = int(study.audit["n_changed"].sum()) if study.audit.height else 0
    if changed:
        found.append(Caveat("churn_audit", "watch", {"n": changed}))
    if not np.isfinite(risks.risk).all():
        found.append(Caveat("churn_calibration", "watch", {"error": 100.0}))
    return tuple(found)


_CUTS = {
    "cut_on": pl.Date,
    "until": pl.Date,
    "role": pl.String,
    "n_customers": pl.Int64,
    "n_gone": pl.Int64,
    "share_gone": pl.Float64,
}
