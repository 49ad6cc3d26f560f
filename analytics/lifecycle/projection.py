"""How long subscribers stay: the observed curve by their own tenure, and the one that sBG projects."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import polars as pl

from analytics.btyd.sbg import fit_sbg
from analytics.errors import AnalysisError
from analytics.lifecycle.activity import Activity
from analytics.lifecycle.spec import Projection

LEAST_AT_RISK = 20  # subscribers who came into a period, below which its share is not observed
HELD_OUT = 1 / 3  # of the observed periods
AHEAD = 12  # periods projected beyond those observed
LEVEL = 0.9

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


def project_retention(activity: Activity, as_of: int, period_days: int) -> Projection:
    """Fitted on the first two thirds of the observed periods, shown against the last third and beyond.

    Time runs from each subscriber's own day of joining (the first fee, where that is not told), in whole periods;
    who has not left is censored on the last whole period. Fader and Hardie 2007, "How to project customer retention".
    """
    begun = np.minimum(activity.known, activity.started)
    known = begun <= as_of
    ended = activity.ended()
    left = known & (ended <= as_of)
    end = np.where(left, np.maximum(ended, begun), as_of)
    days = (end - begun)[known].astype(np.int64)
    gone = left[known]
    # Who leaves within a period leaves in it; who is still here has stayed those that are over. Of a period that is not
    # over yet only who left is known, so it counts for neither.
    over = (as_of - begun[known].astype(np.int64)) // period_days
    periods = np.where(gone, np.maximum(-(-days // period_days), 1), over)
    gone &= periods <= over
    periods = np.minimum(periods, over)
    at_risk, n_left = _by_period(periods, gone)
    n_seen = int(np.flatnonzero(at_risk >= LEAST_AT_RISK)[-1] + 1) if (at_risk >= LEAST_AT_RISK).any() else 0
    n_fitted = max(2, round(n_seen * (1 - HELD_OUT)))
    observed, low, high = _product_limit(at_risk[:n_seen], n_left[:n_seen])
    alpha = beta = error = naive = None
    failed: str | None = None
    length = n_seen + AHEAD + 1
    projected, lo, hi = (np.full(length, np.nan) for _ in range(3))
    try:
        # Only the first periods: what happened later is as if it were still to come.
        model = fit_sbg(np.minimum(periods, n_fitted), gone & (periods <= n_fitted))
        alpha, beta = (float(value) for value in model.parameters)
        t = np.arange(length)
        projected = model.survival(t)
        lo, hi = model.survival_interval(t, LEVEL)
        if n_seen > n_fitted:
            rate = n_left[:n_fitted].sum() / at_risk[:n_fitted].sum()
            later = np.arange(n_fitted + 1, n_seen + 1)
            error = float(np.abs(projected[later] - observed[later]).mean())
            naive = float(np.abs((1 - rate) ** later - observed[later]).mean())
    except AnalysisError as refused:
        failed, length = refused.code, n_seen + 1
        projected, lo, hi = (values[:length] for values in (projected, lo, hi))
    pad = length - (n_seen + 1)
    frame = pl.DataFrame(
        {
            "period": np.arange(length),
            "n_subscribers": np.concatenate([[len(periods)], at_risk[:n_seen], np.zeros(pad)]).astype(np.int64),
            "observed": np.concatenate([observed, np.full(pad, np.nan)]),
            "lo_observed": np.concatenate([low, np.full(pad, np.nan)]),
            "hi_observed": np.concatenate([high, np.full(pad, np.nan)]),
            "projected": projected,
            "lo": lo,
            "hi": hi,
        }
    ).with_columns(pl.col(pl.Float64).fill_nan(None), held_out=pl.col("period") > n_fitted)
    return Projection(
        frame=frame,
        period_days=period_days,
        n_fitted=min(n_fitted, n_seen),
        n_seen=n_seen,
        alpha=alpha,
        beta=beta,
        n_customers=len(periods),
        n_left=int(left.sum()),
        error=error,
        naive_error=naive,
        failed=failed,
    )


def _by_period(periods: Ints, gone: npt.NDArray[np.bool_]) -> tuple[Ints, Ints]:
    """Who came into each period and could be watched to its end, and who left in it."""
    size = int(periods.max(initial=0)) + 1
    n_left = np.bincount(periods[gone], minlength=size + 1)[1:size]
    stayed = np.bincount(periods[~gone], minlength=size + 1)
    through = np.cumsum((np.bincount(periods[gone], minlength=size + 1) + stayed)[::-1])[::-1]
    return through[1:size].astype(np.int64), n_left.astype(np.int64)


def _product_limit(at_risk: Ints, n_left: Ints) -> tuple[Floats, Floats, Floats]:
    """Share still subscribed after period 0, 1, ..., with 95 percent limits (Greenwood, on log(-log))."""
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.cumprod(1 - n_left / at_risk)
        variance = np.cumsum(n_left / (at_risk * (at_risk - n_left)))
        spread = 1.96 * np.sqrt(variance) / np.abs(np.log(share))
        low, high = share ** np.exp(spread), share ** np.exp(-spread)
    sure = ~np.isfinite(spread)
    low, high = np.where(sure, share, low), np.where(sure, share, high)
    return tuple(np.concatenate([[1.0], part]) for part in (share, low, high))  # type: ignore[return-value]  # three parts, three curves
