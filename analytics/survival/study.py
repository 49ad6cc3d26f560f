"""How long customers stay: curves by group, their comparison, the months that stand out, reasons."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from analytics.customers import CustomerLabels
from analytics.dataset import Dataset
from analytics.errors import AnalysisError, Caveat
from analytics.keys import derive_key
from analytics.progress import report
from analytics.survival.comparing import compare, holm, pairs
from analytics.survival.groups import Grouped, Known, group_spells, known_at_start
from analytics.survival.hazard import hazard_by_period
from analytics.survival.incidence import incidences
from analytics.survival.kaplan_meier import Curve, Durations, begins, estimate, normal_quantile
from analytics.survival.spec import DAYS_IN, FEWEST, RETURNS, Spells, SurvivalResult, SurvivalSpec, Unit
from analytics.survival.spells import durations

ROUND_TICKS = 6
ALPHA = 0.05  # of a grouping that tells who stays, Holm-corrected over all of them
MOST_REASONS = 7
UNKNOWN_REASON = "unknown"
OTHER_REASONS = "other"
_CURVES = {
    "label": pl.String,
    "time": pl.Float64,
    "survival": pl.Float64,
    "lo": pl.Float64,
    "hi": pl.Float64,
    "n_at_risk": pl.Float64,
    "n_ended": pl.Float64,
    "n_censored": pl.Float64,
}
_GROUPS = {
    "label": pl.String,
    "n_customers": pl.Int64,
    "n_ended": pl.Int64,
    **dict.fromkeys(
        (
            *("median", "median_lo", "median_hi", "survival", "survival_lo", "survival_hi"),
            *("restricted_mean", "mean_lo", "mean_hi", "mean_until"),
        ),
        pl.Float64,
    ),
}
_PAIRS = {"label": pl.String, "other": pl.String, "statistic": pl.Float64, "p": pl.Float64, "p_holm": pl.Float64}
_SCREEN = {
    "field": pl.String,
    "n_groups": pl.Int64,
    "n_customers": pl.Int64,
    "statistic": pl.Float64,
    "df": pl.Int64,
    "p": pl.Float64,
    "p_holm": pl.Float64,
    "highest": pl.String,
    "highest_survival": pl.Float64,
    "lowest": pl.String,
    "lowest_survival": pl.Float64,
    "difference": pl.Float64,
}
_INCIDENCE = {
    "label": pl.String,
    "reason": pl.String,
    "time": pl.Float64,
    "share": pl.Float64,
    "lo": pl.Float64,
    "hi": pl.Float64,
}


def study_survival(
    spells: Spells, dataset: Dataset, spec: SurvivalSpec, labels: CustomerLabels | None = None
) -> SurvivalResult:
    """Curves, medians, tests, hazard and reasons of the spells of ``dataset``.

    ``labels`` are needed where ``group_by`` is "segment". Raises ``AnalysisError``: ``survival_too_few`` (n: fewer than
    ten customers), ``survival_all_censored`` (n: nobody has left), ``survival_at_once`` (n: everybody left at time 0),
    ``survival_no_time`` (no spell has any length), ``survival_group_unknown`` (field).
    """
    timed, start = settle(spells)
    horizon = horizon_in(spec, spells.unit)
    report(0.3, "survival_curves")
    known = known_at_start(dataset, spells)
    grouped = group_spells(spells, known, spec.group_by, labels)
    caveats = [*spells.caveats, *_grouping_caveats(grouped, spec.group_by)]
    if start > 0:
        caveats.append(Caveat("survival_begins_late", "watch", {"months": _months(start, spells.unit), "n": FEWEST}))
    curves, groups = [], []
    whole = estimate(timed, spec.level)
    shown = [(label, np.flatnonzero(grouped.codes == i)) for i, label in enumerate(grouped.labels)]
    several = len(shown) > 1
    for label, rows in shown:
        part = timed.take(rows) if spec.group_by else timed
        curve = estimate(part, spec.level) if spec.group_by else whole
        held = spells.frame[rows] if spec.group_by else spells.frame
        curves.append(_curve_frame(label, curve, start))
        groups.append(_summary(label, curve, held, horizon, spec.level, start))
    if spec.group_by:
        groups.append(_summary("", whole, spells.frame, horizon, spec.level, start))
    if spec.group_by and not several:
        caveats.append(Caveat("survival_one_group", "note", {"field": spec.group_by}))
    if whole.time[-1] < horizon:
        longest = _months(float(whole.time[-1]), spells.unit)
        caveats.append(Caveat("survival_horizon_beyond", "note", {"months": longest}))
    report(0.5, "survival_tests")
    inside = np.flatnonzero(grouped.codes >= 0)
    compared = timed.take(inside)
    overall = compare(compared, grouped.codes[inside], len(grouped.labels)) if several else None
    report(0.6, "survival_tests")
    screen = _screen(spells, timed, known, horizon, labels)
    report(0.8, "survival_hazard")
    by_reason, incidence = _incidence(spells, timed, shown, spec)
    return SurvivalResult(
        spec=spec,
        clock=spells.clock,
        clocks=spells.clocks,
        unit=spells.unit,
        period_unit=period_unit(spells),
        as_of=spells.as_of,
        n_customers=spells.n_customers,
        n_ended=spells.n_ended,
        horizon=horizon,
        labels=grouped.labels,
        field=spec.group_by,
        curves=pl.concat(curves) if curves else pl.DataFrame(schema=_CURVES),
        groups=pl.DataFrame(groups, schema=_GROUPS, orient="row"),
        risk=_risk(timed, shown, bool(spec.group_by)),
        overall=None if overall is None else (overall.statistic, overall.df, overall.p),
        pairs=_pairs(compared, grouped, inside) if several else pl.DataFrame(schema=_PAIRS),
        screen=screen,
        hazard=_hazard(spells, shown if spec.group_by else [], spec.level),
        reasons=by_reason,
        incidence=incidence,
        set_aside=spells.set_aside,
        columns=spells.columns,
        caveats=tuple(caveats),
        key=derive_key("study_survival", spec, spells.key, dataset.key, *([labels.key] if labels else [])),
    )


def settle(spells: Spells) -> tuple[Durations, float]:
    """The spells as arrays, and the time from which enough are seen; raises what makes a curve impossible."""
    timed = durations(spells.frame)
    if spells.n_customers < FEWEST:
        raise AnalysisError("survival_too_few", n=spells.n_customers, fewest=FEWEST)
    if not spells.n_ended:
        kind = "survival_none_returned" if spells.clock in RETURNS else "survival_all_censored"
        raise AnalysisError(kind, n=spells.n_customers)
    if not timed.time.max() > 0:
        raise AnalysisError("survival_at_once" if timed.ended.all() else "survival_no_time", n=spells.n_customers)
    start = 0.0
    if timed.entry is not None:
        from analytics.survival.kaplan_meier import count

        start = begins(count(timed), FEWEST)
        if start > 0:
            # The curve is of those who stay beyond this time: before it hardly anybody is seen.
            rows = np.flatnonzero(timed.time > start)
            kept = timed.take(rows)
            assert kept.entry is not None
            timed = Durations(
                np.where(timed.time > start, timed.time, 0.0),
                timed.ended & (timed.time > start),
                np.maximum(timed.entry, start),
            )
    return timed, start


def horizon_in(spec: SurvivalSpec, unit: Unit) -> float:
    """The horizon in the unit of the times; whole where they are counted in weeks, months or years."""
    days = DAYS_IN[unit]
    return float(spec.horizon_days) if unit == "day" else float(max(1, round(spec.horizon_days / days)))


def _months(time: float, unit: Unit) -> float:
    return round(time * DAYS_IN[unit] / DAYS_IN["month"], 1)


def period_unit(spells: Spells) -> Unit:
    """In what the hazard is told: weeks for orders, else months (of a tenure number its own unit)."""
    if spells.clock in RETURNS:
        return "week"
    return spells.unit if spells.clock == "tenure" and spells.unit != "day" else "month"


def _curve_frame(label: str, curve: Curve, start: float) -> pl.DataFrame:
    table = curve.table
    kept = curve.time > start if start else np.ones(len(curve.time), dtype=bool)
    first = {"time": start, "survival": 1.0, "lo": 1.0, "hi": 1.0, "n_ended": 0.0, "n_censored": 0.0}
    at_first = float(table.at_risk[kept][0]) if kept.any() else 0.0
    if kept.any() and curve.time[kept][0] > 0:
        head = {**first, "label": label, "n_at_risk": at_first}
        rows = [pl.DataFrame([head], schema=_CURVES)]
    else:
        rows = []
    rows.append(
        pl.DataFrame(
            {
                "label": pl.Series([label] * int(kept.sum()), dtype=pl.String),
                "time": curve.time[kept],
                "survival": curve.survival[kept],
                "lo": curve.lo[kept],
                "hi": curve.hi[kept],
                "n_at_risk": table.at_risk[kept],
                "n_ended": table.ended[kept],
                "n_censored": table.censored[kept],
            },
            schema=_CURVES,
        )
    )
    return pl.concat(rows).with_columns(pl.col("lo", "hi").fill_nan(None))


def _summary(
    label: str, curve: Curve, held: pl.DataFrame, horizon: float, level: float, start: float
) -> dict[str, Any]:
    median = curve.quantile(0.5)
    at = curve.at(horizon)
    # Where the last one seen has ended, the curve stays at nothing: it is known beyond.
    over = len(curve.survival) > 0 and curve.survival[-1] == 0
    if over and horizon > curve.time[-1]:
        at = (0.0, float("nan"), float("nan"))
    until = horizon if over else min(horizon, float(curve.time[-1]))
    mean, error = curve.restricted_mean(until)
    half = normal_quantile(level) * error
    values = {
        "median": median[0],
        "median_lo": median[1],
        "median_hi": median[2],
        "survival": at[0],
        "survival_lo": at[1],
        "survival_hi": at[2],
        "restricted_mean": mean,
        "mean_lo": max(mean - half, 0.0),
        "mean_hi": min(mean + half, until),
        "mean_until": until,
    }
    known = {name: None if np.isnan(value) else value for name, value in values.items()}
    n = held["customer_id"].n_unique()
    return {"label": label, "n_customers": n, "n_ended": int(held["ended"].sum()), **known}


def _grouping_caveats(grouped: Grouped, field: str) -> list[Caveat]:
    found = []
    if grouped.n_small:
        small = {"n": grouped.n_small, "customers": grouped.n_in_small, "fewest": FEWEST}
        found.append(Caveat("survival_small_groups", "note", {**small, "field": field}))
    if grouped.n_unknown:
        found.append(Caveat("survival_unknown_group", "note", {"n": grouped.n_unknown, "field": field}))
    return found


def _risk(timed: Durations, shown: list[tuple[str, Any]], parted: bool) -> pl.DataFrame:
    """Numbers at risk at round times: those seen just before it who have not ended."""
    ticks = _round_ticks(float(timed.time.max()))
    rows = []
    for label, members in shown:
        part = timed.take(members) if parted else timed
        weight = np.ones(len(part)) if part.weight is None else part.weight
        entry = np.zeros(len(part)) if part.entry is None else part.entry
        for tick in ticks:
            inside = (part.time >= tick) & ((entry < tick) | (entry == 0))
            rows.append((label, tick, float(weight[inside].sum())))
    return pl.DataFrame(rows, schema={"label": pl.String, "time": pl.Float64, "n_at_risk": pl.Float64}, orient="row")


def _round_ticks(longest: float) -> list[float]:
    rough = longest / ROUND_TICKS
    steps = [1, 2, 3, 6, 12, 24, 30, 60, 90, 182, 365, 730, 1461]
    step = next((one for one in steps if one >= rough), steps[-1])
    if longest > 6 and step < 1:
        step = 1
    return [float(tick) for tick in np.arange(0, longest + 1e-9, step)]


def _pairs(compared: Durations, grouped: Grouped, inside: Any) -> pl.DataFrame:
    found = pairs(compared, grouped.codes[inside], len(grouped.labels))
    corrected = holm(np.array([test.p for _a, _b, test in found]))
    rows = [
        (grouped.labels[a], grouped.labels[b], test.statistic, test.p, float(p))
        for (a, b, test), p in zip(found, corrected, strict=True)
    ]
    frame = pl.DataFrame(rows, schema=_PAIRS, orient="row").with_columns(pl.col(pl.Float64).fill_nan(None))
    return frame.sort("p", "label", "other", nulls_last=True, maintain_order=True)


def _screen(
    spells: Spells, timed: Durations, known: Known, horizon: float, labels: CustomerLabels | None
) -> pl.DataFrame:
    """Each grouping by itself: does it tell who stays?"""
    fields = [*(["segment"] if labels is not None else []), *known.fields]
    rows = []
    for done, field in enumerate(fields):
        report(0.6 + 0.2 * done / len(fields), "survival_tests")
        grouped = group_spells(spells, known, field, labels)
        if len(grouped.labels) < 2:
            continue
        inside = np.flatnonzero(grouped.codes >= 0)
        codes = grouped.codes[inside]
        part = timed.take(inside)
        test = compare(part, codes, len(grouped.labels))
        there = []
        for i, label in enumerate(grouped.labels):
            share = estimate(part.take(np.flatnonzero(codes == i))).at(horizon)[0]
            there.append((share, label))
        told = sorted((share, label) for share, label in there if not np.isnan(share))
        low, high = (told[0], told[-1]) if told else ((None, None), (None, None))
        rows.append(
            {
                "field": field,
                "n_groups": len(grouped.labels),
                "n_customers": int(spells.frame[inside]["customer_id"].n_unique()),
                "statistic": test.statistic,
                "df": test.df,
                "p": test.p,
                "highest": high[1],
                "highest_survival": high[0],
                "lowest": low[1],
                "lowest_survival": low[0],
                "difference": None if high[0] is None or low[0] is None else high[0] - low[0],
            }
        )
    frame = pl.DataFrame(rows, schema={name: dtype for name, dtype in _SCREEN.items() if name != "p_holm"})
    frame = frame.with_columns(pl.Series("p_holm", holm(frame["p"].to_numpy()), dtype=pl.Float64))
    frame = frame.with_columns(pl.col("statistic", "p", "p_holm").fill_nan(None)).select(list(_SCREEN))
    clear = (pl.col("p_holm") <= ALPHA).fill_null(False)
    return frame.sort(
        clear, "difference", "field", descending=[True, True, False], nulls_last=True, maintain_order=True
    )


def _hazard(spells: Spells, shown: list[tuple[str, Any]], level: float) -> pl.DataFrame:
    """Of all customers (label ""), then of each group."""
    unit = period_unit(spells)
    if unit == "month":
        timed = durations(spells.frame, months=True)
        if spells.clock == "tenure" and spells.unit == "day":
            timed = _scaled(timed, DAYS_IN["month"])
    elif unit == spells.unit:
        timed = durations(spells.frame)
    else:
        timed = _scaled(durations(spells.frame), DAYS_IN[unit] / DAYS_IN[spells.unit])
    parts = []
    for label, members in [("", None), *shown]:
        found = hazard_by_period(timed if members is None else timed.take(members), FEWEST, level)
        columns = {
            "period": found.period,
            "n_at_risk": found.at_risk,
            "n_ended": found.ended,
            "hazard": found.hazard,
            "lo": found.lo,
            "hi": found.hi,
            "expected": found.expected,
            "p": found.p,
            "p_holm": found.p_holm,
            # Who ordered once lapses after one and the same silence: that month stands out by definition.
            "peak": (found.peak > 0) & (spells.clock != "lapse"),
        }
        parts.append(pl.DataFrame(columns).select(pl.lit(label).alias("label"), pl.all()))
    return pl.concat(parts).with_columns(pl.col("expected", "p", "p_holm").fill_nan(None))


def _scaled(timed: Durations, by: float) -> Durations:
    entry = None if timed.entry is None else timed.entry / by
    return Durations(timed.time / by, timed.ended, entry, timed.weight, timed.cluster)


def _incidence(
    spells: Spells, timed: Durations, shown: list[tuple[str, Any]], spec: SurvivalSpec
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Reasons by frequency, and the incidence of each; nothing where no leaving has a reason."""
    schema = {"reason": pl.String, "n": pl.Int64, "share": pl.Float64}
    ended = spells.frame.filter("ended")["reason"]
    if not ended.drop_nulls().len():
        return pl.DataFrame(schema=schema), pl.DataFrame(schema=_INCIDENCE)
    counts = ended.fill_null(UNKNOWN_REASON).value_counts().sort("count", "reason", descending=[True, False])
    names = counts["reason"].to_list()
    kept = names if len(names) <= MOST_REASONS + 1 else [*names[:MOST_REASONS], OTHER_REASONS]
    place = {name: min(i, len(kept) - 1) for i, name in enumerate(names)}
    cause = spells.frame["reason"].fill_null(UNKNOWN_REASON).replace_strict(place, default=0, return_dtype=pl.Int64)
    codes = cause.to_numpy()
    parts = []
    for label, members in [("", None), *(shown if spec.group_by else [])]:
        part = timed if members is None else timed.take(members)
        own = codes if members is None else codes[members]
        for reason, found in zip(kept, incidences(part, own, len(kept), spec.level), strict=True):
            steps = np.r_[True, np.diff(found.share) > 0] | (np.arange(len(found.time)) == len(found.time) - 1)
            frame = {
                "label": pl.Series([label] * int(steps.sum()), dtype=pl.String),
                "reason": pl.Series([reason] * int(steps.sum()), dtype=pl.String),
                "time": found.time[steps],
                "share": found.share[steps],
                "lo": found.lo[steps],
                "hi": found.hi[steps],
            }
            parts.append(pl.DataFrame(frame, schema=_INCIDENCE).with_columns(pl.col("lo", "hi").fill_nan(None)))
    reasons = counts.select("reason", n=pl.col("count").cast(pl.Int64)).with_columns(
        share=pl.col("n") / pl.col("n").sum()
    )
    return reasons.cast(schema), pl.concat(parts)  # type: ignore[arg-type]  # Polars takes any mapping of types; its own alias is invariant
