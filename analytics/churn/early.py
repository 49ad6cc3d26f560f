"""How early each later leaver was first flagged, and at the price of how many false alarms."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import polars as pl

from analytics.churn.evaluation import Evaluation, wilson_at
from analytics.churn.features import rhythm_at
from analytics.churn.ledger import Floats
from analytics.churn.rolling import Learned
from analytics.churn.spec import ChurnSpec
from analytics.churn.windows import Study, seen_dates

LEAST_LOOK = 90  # days before leaving in which a flag counts as a warning of it; two horizons where that is more


def gone_days(study: Study, end: int) -> Floats:
    """The day on which each customer (by position) was gone, NaN: is not.

    "left": the leaving date. "no_order": the day on which the silence, still unbroken, exceeded the own rhythm.
    """
    ledgers = study.ledgers
    if study.aim.target == "left":
        return np.where(ledgers.left <= end, ledgers.left, np.nan)
    assert ledgers.orders is not None
    assert study.aim.horizon_days is not None
    last = ledgers.orders.last(end)
    known = np.isfinite(last)
    rhythm = rhythm_at(ledgers, end)
    allowed = np.full(len(last), 2.0 * study.aim.horizon_days)
    if rhythm is not None:
        n_gaps = np.maximum(ledgers.orders.ever("n_days", end) - 1, 0).astype(np.int64)
        span = np.where(known, last - ledgers.orders.first(end), 0).astype(np.int64)
        allowed = rhythm.lapsed_after_days(n_gaps, span).astype(np.float64)
    over = last + allowed + 1
    return np.where(known & (over <= end), over, np.nan)


def measure_earliness(
    study: Study, learned: Learned, evaluation: Evaluation, end: int, spec: ChurnSpec
) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """``early``, ``warnings``, ``lead`` of ``ChurnResult``; empty without a horizon."""
    horizon = study.aim.horizon_days
    if horizon is None or not learned.predictions:
        return pl.DataFrame(schema=_EARLY), pl.DataFrame(schema=_WARNINGS), pl.DataFrame(schema=_LEAD)
    look = max(LEAST_LOOK, 2 * horizon)
    gone_on = gone_days(study, end)
    n = len(gone_on)
    seen = np.zeros(n, bool)  # active at a test cut-off within reach of the leaving
    for one in learned.predictions:
        ahead = gone_on[one.window.customers] - one.window.day
        seen[one.window.customers[(ahead > 0) & (ahead <= look)]] = True
    leavers = np.flatnonzero(seen)
    names = [rule.name for rule in evaluation.rules if rule.name in {"chosen", "recency", evaluation.best_baseline}]
    names = [name for name in names if name != "base_rate"]
    first: dict[str, Floats] = {}
    times = np.zeros(n, np.int64)
    rows = []
    for name in names:
        at = np.full(n, np.nan)
        n_alarms = n_false = n_stayed = 0
        for one, flagged in zip(learned.predictions, evaluation.flags[name], strict=True):
            who = one.window.customers
            ahead = gone_on[who] - one.window.day
            hit = who[flagged & (ahead > 0) & (ahead <= look)]
            at[hit] = np.where(np.isnan(at[hit]), one.window.day, at[hit])
            if name == "chosen":
                times[hit] += 1
            n_alarms += int(flagged.sum())
            n_false += int((flagged & (one.window.gone == 0)).sum())
            n_stayed += int((one.window.gone == 0).sum())
        first[name] = gone_on - at
        rows.append(_summed(name, first[name][leavers], (n_alarms, n_false, n_stayed), spec))
    ahead = first["chosen"][leavers]
    recency = first.get("recency", np.full(n, np.nan))[leavers]
    warnings = pl.DataFrame(
        {
            "customer_id": study.ledgers.ids.gather(leavers),
            "gone_on": seen_dates(gone_on[leavers]),
            "first_flagged_on": seen_dates(gone_on[leavers] - ahead),
            "days_before": _whole(ahead),
            "n_flags": times[leavers],
            "recency_days_before": _whole(recency),
        },
        schema=_WARNINGS,
    ).sort("gone_on", "customer_id")
    steps = np.arange(0, look + 1, max(1, min(7, horizon // 4)))
    lead = pl.DataFrame(
        {
            "days_before": steps,
            "flagged_share": [_share(ahead, int(step)) for step in steps],
            "recency_share": [_share(recency, int(step)) if "recency" in first else None for step in steps],
        },
        schema=_LEAD,
    )
    return pl.DataFrame(rows, schema=_EARLY), warnings, lead


def _share(ahead: Floats, least: int) -> float:
    return float((ahead >= max(least, 1)).mean()) if len(ahead) else 0.0


def _summed(name: str, ahead: Floats, counts: tuple[int, int, int], spec: ChurnSpec) -> dict[str, object]:
    n_alarms, n_false, n_stayed = counts
    flagged = ahead[np.isfinite(ahead)]
    n = len(ahead)
    lo, hi = wilson_at(len(flagged) / n, n, spec.level) if n else (None, None)
    quartiles = np.quantile(flagged, [0.5, 0.25, 0.75]) if len(flagged) else [None] * 3
    return {
        "model": name,
        "n_gone": n,
        "n_flagged_before": len(flagged),
        "flagged_share": len(flagged) / n if n else None,
        "lo": lo,
        "hi": hi,
        **dict(zip(("median_days_before", "lower_days_before", "upper_days_before"), quartiles, strict=True)),
        "n_alarms": n_alarms,
        "n_false": n_false,
        "false_per_true": n_false / (n_alarms - n_false) if n_alarms > n_false else None,
        "false_share": n_false / n_stayed if n_stayed else None,
    }


def _whole(days: npt.NDArray[np.float64]) -> pl.Series:
    return pl.Series(days).fill_nan(None).cast(pl.Int64)


_EARLY = {
    "model": pl.String,
    "n_gone": pl.Int64,
    "n_flagged_before": pl.Int64,
    **dict.fromkeys(
        ("flagged_share", "lo", "hi", "median_days_before", "lower_days_before", "upper_days_before"), pl.Float64
    ),
    "n_alarms": pl.Int64,
    "n_false": pl.Int64,
    "false_per_true": pl.Float64,
    "false_share": pl.Float64,
}
_WARNINGS = {
    "customer_id": pl.String,
    "gone_on": pl.Date,
    "first_flagged_on": pl.Date,
    "days_before": pl.Int64,
    "n_flags": pl.Int64,
    "recency_days_before": pl.Int64,
}
_LEAD = {"days_before": pl.Int64, "flagged_share": pl.Float64, "recency_share": pl.Float64}
