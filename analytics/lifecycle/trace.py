"""The verb: stages now, at each past month end, and the flows between them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from analytics.customers import CustomerLabels
from analytics.dataset import Dataset
from analytics.errors import AnalysisError, Caveat
from analytics.keys import derive_key
from analytics.lifecycle.activity import EPOCH, Activity, read_activity
from analytics.lifecycle.cohorts import pool_retention, trace_cohorts
from analytics.lifecycle.projection import project_retention
from analytics.lifecycle.proposal import settle_kind
from analytics.lifecycle.rules import (
    ACQUAINTANCE,
    CODES,
    FIRST,
    LAPSED,
    LEAST_LEARNED,
    LOYAL,
    Codes,
    observable,
    settle_rules,
    stage_codes,
)
from analytics.lifecycle.spec import STAGES, LifecycleResult, LifecycleRules, LifecycleSpec
from analytics.lifecycle.spells import Spells
from analytics.progress import report
from analytics.reversals import NEVER

_YEAR_DAYS = 365
_AVERAGED_MONTHS = 12
_MIXED = 1.5  # a first cohort this many times the median of the later ones likely holds earlier customers


@dataclass(frozen=True, slots=True, eq=False)
class Flow:
    """One month: counts[i, j] customers were in stage ``CODES[i]`` at the end of the month before, in j at its end."""

    month_end: date
    counts: npt.NDArray[np.int64]
    lapse_observable: bool


def trace_lifecycle(dataset: Dataset, spec: LifecycleSpec) -> LifecycleResult:
    """The stage of each customer, the months behind it, and how cohorts of new customers stay.

    Rules left open in ``spec`` are learned from what is known at ``dataset.as_of`` and then held for the whole
    history; the stages of a past month end use only rows up to it.

    Raises ``AnalysisError``: table_missing, fields_missing (needs transactions.customer_id, ordered_at),
    lifecycle_no_orders (no order that stands).
    """
    key = derive_key("trace_lifecycle", spec, dataset.key)
    as_of = (dataset.as_of - EPOCH).days
    kind, reason = settle_kind(dataset, spec)
    activity, caveats = read_activity(dataset, kind)
    report(0.3, "lifecycle_rules")
    rules = settle_rules(activity, as_of, spec)

    report(0.4, "lifecycle_history")
    codes, n_orders = stage_codes(activity, as_of, rules)
    if kind == "orders" and not (n_orders > 0).any():
        raise AnalysisError("lifecycle_no_orders", as_of=dataset.as_of.isoformat())
    month_ends = _month_ends(activity.first_day, dataset.as_of)[-(spec.n_months + 1) :]
    history: list[pl.DataFrame] = []
    flows: list[Flow] = []
    before: Codes | None = None
    spells = Spells(len(activity.ids), len(month_ends))
    for month_end in month_ends:
        then = (month_end - EPOCH).days
        now, _ = stage_codes(activity, then, rules)
        month = _by_stage(activity, now, then, rules, {"revenue": month_end.day, "revenue_12m": _YEAR_DAYS})
        history.append(month.select(pl.lit(month_end).alias("month"), pl.all()))
        if before is not None:
            size = len(CODES)
            pairs = np.bincount(before.astype(np.int64) * size + now, minlength=size * size)
            # Who lapsed in the month is known only if silence could be long enough when it began.
            lapse = observable(activity, then - month_end.day, rules)[-1]
            flows.append(Flow(month_end, pairs.reshape(size, size), lapse))
        before = now
        spells.add(now)

    averaged = [flow for flow in flows if flow.lapse_observable] or flows
    averaged = averaged[-_AVERAGED_MONTHS:]

    report(0.8, "lifecycle_cohorts")
    cohorts = trace_cohorts(activity, dataset.as_of, spec)
    inside = codes > 0
    frame = pl.DataFrame({"customer_id": activity.ids, "code": codes}).filter(pl.Series(inside))
    label = pl.col("code").cast(pl.Int64).replace_strict(dict(enumerate(CODES)), return_dtype=pl.String)
    stages = _by_stage(
        activity, codes, as_of, rules, {"revenue_12m": _YEAR_DAYS, "revenue": as_of - activity.first_day + 1}
    )
    return LifecycleResult(
        as_of=dataset.as_of,
        first_day=EPOCH + timedelta(days=activity.first_day),
        currency=dataset.currency,
        rules=rules,
        stages=_with_shares(stages),
        history=pl.concat(history[-spec.n_months :]) if history else _no_history(),
        transitions=_transitions(flows[-1:], averaged),
        movement=_movement(flows),
        cohorts=cohorts,
        retention=pool_retention(cohorts),
        spells=spells.table(),
        projection=project_retention(activity, as_of, rules.period_days) if kind == "subscription" else None,
        kind_reason=reason,
        labels=CustomerLabels(frame.select("customer_id", label=label), STAGES, "trace_lifecycle", key),
        cohort_by=spec.cohort_by,
        min_cohort_size=spec.min_cohort_size,
        n_customers=int(inside.sum()),
        n_buyers=int((activity.started <= as_of).sum() if kind == "subscription" else (n_orders > 0).sum()),
        n_transition_months=len(averaged),
        caveats=(*caveats, *_caveats(activity, dataset.as_of, rules, n_orders, codes, cohorts, len(month_ends))),
        key=key,
    )


def _by_stage(
    activity: Activity, codes: Codes, then: int, rules: LifecycleRules, spans: dict[str, int]
) -> pl.DataFrame:
    """stage, observable, n_customers, and per entry of ``spans`` the revenue of that many days up to ``then``."""
    counts = np.bincount(codes, minlength=len(CODES))[1:]
    columns: dict[str, Any] = {
        "stage": pl.Series(STAGES, dtype=pl.String),
        "observable": pl.Series(observable(activity, then, rules), dtype=pl.Boolean),
        "n_customers": pl.Series(counts, dtype=pl.Int64),
    }
    for name, n_days in spans.items():
        columns[name] = pl.Series(_revenue(activity, codes, then, n_days), dtype=pl.Float64)
    masked = pl.when(pl.col("observable")).then(pl.exclude("stage", "observable")).name.keep()
    return pl.DataFrame(columns).select("stage", "observable", masked)


def _revenue(activity: Activity, codes: Codes, then: int, n_days: int) -> list[float | None]:
    by_code = revenue_of(activity, codes, then, n_days)
    if by_code is None:
        return [None] * len(STAGES)
    return [by_code.get(code, 0) / activity.scale for code in range(1, len(CODES))]


def revenue_of(activity: Activity, groups: npt.NDArray[Any], then: int, n_days: int) -> dict[int, int] | None:
    """Revenue (minor units) of ``n_days`` up to ``then``, by the customers' ``groups``; None without amounts."""
    if activity.amounts is None:
        return None
    days = activity.amounts["day"]
    start, stop = (int(days.search_sorted(day, side="right")) for day in (then - n_days, then))
    part = activity.amounts.slice(start, stop - start)
    grouped = pl.DataFrame({"group": groups[part["customer"].to_numpy()], "amount": part["amount"]}).group_by("group")
    return dict(grouped.agg(pl.col("amount").sum()).iter_rows())


def _with_shares(stages: pl.DataFrame) -> pl.DataFrame:
    revenue = pl.col("revenue_12m")
    return stages.select(
        "stage",
        "observable",
        "n_customers",
        customer_share=pl.col("n_customers") / pl.col("n_customers").sum(),
        revenue_12m=revenue,
        # With more returned than sold there is nothing to share.
        revenue_share=pl.when(revenue.sum() > 0).then(revenue / revenue.sum()),
        revenue="revenue",
    )


def _no_history() -> pl.DataFrame:
    schema = {"month": pl.Date, "stage": pl.String, "observable": pl.Boolean, "n_customers": pl.Int64}
    return pl.DataFrame(schema={**schema, "revenue": pl.Float64, "revenue_12m": pl.Float64})


def _transitions(latest: list[Flow], averaged: list[Flow]) -> pl.DataFrame:
    size = len(CODES)
    last, pooled = (
        sum((flow.counts for flow in part), np.zeros((size, size), np.int64)) for part in (latest, averaged)
    )
    rows = []
    for start in range(size):
        for end in (*range(1, size), 0):
            if start == end == 0:
                continue
            shares = [
                float(table[start, end] / table[start].sum()) if start and table[start].sum() else None
                for table in (last, pooled)
            ]
            mean = float(pooled[start, end] / len(averaged)) if averaged else None
            number = int(last[start, end]) if latest else None
            rows.append((CODES[start], CODES[end], number, shares[0], mean, shares[1]))
    schema = {"from_stage": pl.String, "to_stage": pl.String, "n_latest": pl.Int64, "share_latest": pl.Float64}
    return pl.DataFrame(rows, schema={**schema, "n_mean": pl.Float64, "share_mean": pl.Float64}, orient="row")


def _movement(flows: list[Flow]) -> pl.DataFrame:
    active, silent = slice(FIRST, LOYAL + 1), [0, ACQUAINTANCE, LAPSED]
    rows = [
        (
            flow.month_end,
            int(flow.counts[active].sum()),
            int(flow.counts[[0, ACQUAINTANCE], active].sum()),
            int(flow.counts[active, active].sum()),
            int(flow.counts[LAPSED, active].sum()),
            int(flow.counts[active, silent].sum()),
            int(flow.counts[:, active].sum()),
            flow.lapse_observable,
        )
        for flow in flows
    ]
    counts = ("n_active_before", "n_new", "n_retained", "n_resurrected", "n_lost", "n_active")
    schema = {"month": pl.Date, **dict.fromkeys(counts, pl.Int64), "lapse_observable": pl.Boolean}
    return pl.DataFrame(rows, schema=schema, orient="row")


def _month_ends(first_day: int, as_of: date) -> list[date]:
    """The last days of the complete months from ``first_day`` to ``as_of``."""
    first = (EPOCH + timedelta(days=first_day)).replace(day=1)
    starts = pl.date_range(first, as_of + timedelta(days=1), "1mo", eager=True).to_list()
    return [start - timedelta(days=1) for start in starts[1:]]


def _of_orders(
    activity: Activity, as_of: date, rules: LifecycleRules, n_orders: npt.NDArray[np.int64], n_month_ends: int
) -> list[Caveat]:
    said = []
    n_days = (as_of - EPOCH).days - activity.first_day + 1
    silence = rules.silence_days
    if n_orders.max() == 1:
        said.append(Caveat("one_order_each", params={"n": int((n_orders > 0).sum())}))
    elif silence is None:
        said.append(Caveat("lapse_not_learned", params={"n": rules.n_returners, "least": LEAST_LEARNED}))
    if silence is not None and n_days < 2 * silence:
        said.append(Caveat("short_history", params={"days": n_days, "lapsed_after_days": silence}))
    elif n_month_ends < 3:
        said.append(Caveat("few_months", params={"days": n_days, "n": n_month_ends}))
    return said


def _caveats(
    activity: Activity,
    as_of: date,
    rules: LifecycleRules,
    n_orders: npt.NDArray[np.int64],
    codes: Codes,
    cohorts: pl.DataFrame,
    n_month_ends: int,
) -> list[Caveat]:
    said = [] if activity.kind == "subscription" else _of_orders(activity, as_of, rules, n_orders, n_month_ends)
    if activity.kind == "subscription":
        n_unstarted = int(((codes > 0) & (activity.started == NEVER)).sum())
        if not (activity.left <= (as_of - EPOCH).days).any():
            said.append(Caveat("nobody_left"))
        if n_unstarted == (codes > 0).sum():
            said.append(Caveat("nobody_started"))
    n_outside = int((codes == 0).sum())
    if n_outside:
        said.append(Caveat("orders_reversed", "note", {"n": n_outside}))
    n_small = cohorts.filter(~pl.col("enough"))["cohort"].n_unique()
    if n_small:
        said.append(Caveat("small_cohorts", "note", {"n": n_small, "of": cohorts["cohort"].n_unique()}))
    sizes = cohorts.filter(pl.col("periods_since") == 0).sort("cohort").select("cohort", "n_customers").rows()
    begins = bool(sizes) and (sizes[0][0] - EPOCH).days <= activity.first_day
    usual = float(np.median([n for _, n in sizes[1:]])) if len(sizes) > 3 else float("inf")
    if begins and sizes[0][1] > _MIXED * usual:
        said.append(Caveat("first_cohort_mixed", "note", {"n": sizes[0][1], "median": usual}))
    if (as_of + timedelta(days=1)).day != 1:
        said.append(Caveat("partial_month", "note", {"as_of": as_of.isoformat()}))
    return said
