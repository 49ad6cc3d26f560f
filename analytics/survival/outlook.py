"""What is ahead for each customer who is there on the as-of date: when they probably leave, when they next order.

Leaving: the survival curve of customers like them (Cox), given that they stayed until now; nothing is said beyond the
longest time of which at least ten were seen. Ordering: each customer's own rhythm and the chance that they have left
(MBG/CNBD-k, ``analytics.rhythm``), inverted exactly.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import polars as pl

from analytics import reductions
from analytics.customers import CustomerScores
from analytics.dataset import Dataset
from analytics.errors import AnalysisError, Caveat
from analytics.keys import derive_key
from analytics.progress import report
from analytics.rhythm import learn_rhythm
from analytics.survival.cox import Baseline, fit_cox
from analytics.survival.groups import known_at_start
from analytics.survival.kaplan_meier import Floats, Ints, count, normal_quantile
from analytics.survival.regress import Design, Predictor
from analytics.survival.spec import DAYS_IN, FEWEST, HazardsResult, OutlookResult, Spells, SurvivalSpec
from analytics.survival.study import settle

ORDER_EDGES = (0, 7, 14, 30, 60, 90, 180, 365)
LEAVE_EDGES = (0.0, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 1.0)
SHARES = (0.1, 0.5, 0.9)
LONGEST_DAYS = 3 * 365  # an order later than this is as good as none
_LEAVING = {
    "customer_id": pl.String,
    **dict.fromkeys(
        ("tenure", "p_leave", "lo", "hi", "likely_from_days", "likely_days", "likely_until_days"), pl.Float64
    ),
}
_ORDERING = {
    "customer_id": pl.String,
    "silence_days": pl.Int64,
    **dict.fromkeys(("p_alive", "p_order", "order_from_days", "order_days", "order_until_days"), pl.Float64),
    "overdue_on": pl.Date,
    "p_overdue": pl.Float64,
}
_ORDER_BINS = {"first_day": pl.Int64, "last_day": pl.Int64, "n_customers": pl.Int64}
_LEAVE_BINS = {"low": pl.Float64, "high": pl.Float64, "n_customers": pl.Int64}


def foresee(
    spells: Spells, dataset: Dataset, spec: SurvivalSpec, hazards: HazardsResult | None = None
) -> OutlookResult:
    """The outlook of customers who are there. With ``hazards`` leaving depends on the covariates, else on tenure alone.

    For the clocks of orders the silence of each customer is looked at instead (``ordering``). Raises ``AnalysisError``:
    what ``study_survival`` raises, ``survival_nobody_there`` (n: everybody has left), ``survival_no_rhythm``.
    """
    if spells.clock in ("membership", "tenure"):
        return _leaving(spells, dataset, spec, hazards)
    return _ordering(spells, dataset, spec)


# ---- leaving


def _leaving(spells: Spells, dataset: Dataset, spec: SurvivalSpec, hazards: HazardsResult | None) -> OutlookResult:
    report(0.1, "survival_outlook")
    timed, _start = settle(spells)
    there = np.flatnonzero(~spells.frame["ended"].to_numpy())
    if not len(there):
        raise AnalysisError("survival_nobody_there", n=spells.n_customers)
    table = count(timed)
    enough = np.flatnonzero(table.at_risk >= FEWEST)
    longest = float(table.time[enough[-1]]) if len(enough) else float(table.time[-1])
    scale = DAYS_IN[spells.unit]
    ahead = spec.outlook_days / scale
    now = spells.frame["time"].to_numpy()[there]
    alone = fit_cox(np.zeros((len(timed), 0)), timed)
    simple = Predictor(alone, Design((), (), (), ()))
    figures = _conditional(simple, np.zeros((len(there), 0)), np.zeros(len(there), np.int64), now, ahead, longest)
    parts: list[tuple[Predictor, Floats, Ints, Floats]] = []
    by_tenure = np.ones(len(there), dtype=bool)
    caveats: list[Caveat] = []
    if hazards is not None and isinstance(hazards.predictor, Predictor):
        report(0.4, "survival_outlook")
        known = known_at_start(dataset, spells).frame[there]
        fields = {column.field for column in hazards.predictor.design.columns} | set(hazards.stratified)
        if fields <= set(known.columns):
            x, stratum, usable = hazards.predictor.design.encode(known)
            own = _conditional(hazards.predictor, x[usable], stratum[usable], now[usable], ahead, longest)
            for name, values in own.items():
                figures[name][usable] = values
            by_tenure = ~usable
            parts.append((hazards.predictor, x[usable], stratum[usable], now[usable]))
    if by_tenure.any():
        n = int(by_tenure.sum())
        parts.append((simple, np.zeros((n, 0)), np.zeros(n, np.int64), now[by_tenure]))
    frame = pl.DataFrame(
        {
            "customer_id": spells.frame["customer_id"][there],
            "tenure": now,
            **{name: figures[name] for name in ("p_leave", "lo", "hi")},
            **{name: figures[name] * scale for name in ("likely_from_days", "likely_days", "likely_until_days")},
        },
        schema=_LEAVING,
    ).with_columns(pl.col(pl.Float64).fill_nan(None))
    n_beyond = frame["p_leave"].null_count()
    if n_beyond:
        caveats.append(
            Caveat("survival_beyond", "note", {"n": n_beyond, "months": round(longest * scale / DAYS_IN["month"], 1)})
        )
    total = _total(parts, ahead, longest)
    key = derive_key("foresee", spec, spells.key, dataset.key, *([hazards.key] if hazards else []))
    scores = frame.drop_nulls("p_leave").select("customer_id", value="p_leave", lo="lo", hi="hi")
    return OutlookResult(
        horizon_days=spec.outlook_days,
        unit=spells.unit,
        leaving=frame.sort("p_leave", "customer_id", descending=[True, False], nulls_last=True),
        ordering=pl.DataFrame(schema=_ORDERING),
        order_bins=pl.DataFrame(schema=_ORDER_BINS),
        leave_bins=_binned(frame["p_leave"].drop_nulls().to_numpy()),
        expected_leaving=total[0],
        expected_lo=total[1],
        expected_hi=total[2],
        longest=longest,
        scores=CustomerScores(scores, "", "foresee", key),
        caveats=tuple(caveats),
        key=key,
    )


def _conditional(
    predictor: Predictor, x: Floats, stratum: Ints, now: Floats, ahead: float, longest: float
) -> dict[str, Floats]:
    """p_leave with its 95 % interval (Tsiatis 1981) and the quantiles of the time left; NaN beyond ``longest``."""
    risk, grown, squared, shifted = _increments(predictor, x, stratum, now, now + ahead)
    hazard = risk * grown
    error = np.sqrt(risk**2 * squared + np.einsum("ij,jk,ik->i", shifted, predictor.fit.covariance, shifted))
    z = normal_quantile(0.95)
    with np.errstate(divide="ignore", invalid="ignore"):
        spread = z * error / hazard
        lo, hi = -np.expm1(-hazard * np.exp(-spread)), -np.expm1(-hazard * np.exp(spread))
    known = now + ahead <= longest + 1e-9
    out = {
        "p_leave": np.where(known, -np.expm1(-hazard), np.nan),
        "lo": np.where(known & (hazard > 0), lo, np.nan),
        "hi": np.where(known & (hazard > 0), hi, np.nan),
    }
    names = ("likely_from_days", "likely_days", "likely_until_days")
    base = predictor.fit.baseline
    for name in names:
        out[name] = np.full(len(now), np.nan)
    for code in np.unique(stratum):
        rows = np.flatnonzero(stratum == code)
        inside = base.stratum == code
        times, total = base.time[inside], base.hazard[inside]
        begun = _value_at(times, total, now[rows])
        for name, share in zip(names, SHARES, strict=True):
            wanted = begun - np.log(1 - share) / risk[rows]
            place = np.searchsorted(total, wanted * (1 - 1e-12), side="left")
            found = np.where(place < len(times), times[np.minimum(place, len(times) - 1)], np.nan)
            out[name][rows] = np.where(found <= longest, found - now[rows], np.nan)
    return out


def _increments(
    predictor: Predictor, x: Floats, stratum: Ints, begin: Floats, end: Floats
) -> tuple[Floats, Floats, Floats, Floats]:
    """Risk, growth of the cumulative baseline hazard and of its variance, what the coefficients' errors do to it."""
    base, beta = predictor.fit.baseline, predictor.fit.coefficients
    risk = np.exp(x @ beta) if len(beta) else np.ones(len(begin))
    grown, squared = np.zeros(len(begin)), np.zeros(len(begin))
    moved = np.zeros((len(begin), len(beta)))
    for code in np.unique(stratum):
        rows = np.flatnonzero(stratum == code)
        inside = base.stratum == code
        times = base.time[inside]
        first = np.searchsorted(times, begin[rows], side="right")
        last = np.searchsorted(times, end[rows], side="right")

        def between(values: Floats, first: Ints = first, last: Ints = last) -> Floats:
            total = np.r_[0.0, values]
            return np.asarray(total[last] - total[first])

        grown[rows], squared[rows] = between(base.hazard[inside]), between(base.variance[inside])
        for one in range(len(beta)):
            moved[rows, one] = between(base.mean[inside, one])
    shifted = risk[:, None] * (x * grown[:, None] - moved)
    return risk, grown, squared, shifted


def _value_at(times: Floats, values: Floats, when: Floats) -> Floats:
    """A step function that begins at 0, just after each ``when``."""
    return np.asarray(np.r_[0.0, values][np.searchsorted(times, when, side="right")])


def _total(
    parts: list[tuple[Predictor, Floats, Ints, Floats]], ahead: float, longest: float
) -> tuple[float | None, float | None, float | None]:
    """Expected number who leave, with the interval of what chance and the estimate leave open."""
    expected, chance, estimated = 0.0, 0.0, 0.0
    n = 0
    for predictor, x, stratum, now in parts:
        rows = np.flatnonzero(now + ahead <= longest + 1e-9)
        if not len(rows):
            continue
        x, stratum, now = x[rows], stratum[rows], now[rows]
        risk, grown, _squared, shifted = _increments(predictor, x, stratum, now, now + ahead)
        stay = np.exp(-risk * grown)
        n += len(rows)
        expected += float((1 - stay).sum())
        chance += float((stay * (1 - stay)).sum())
        moved = stay @ shifted
        estimated += float(moved @ predictor.fit.covariance @ moved)
        estimated += _shared(predictor.fit.baseline, stratum, now, now + ahead, stay * risk)
    if not n:
        return None, None, None
    half = normal_quantile(0.95) * np.sqrt(chance + estimated)
    return expected, max(expected - half, 0.0), min(expected + half, float(n))


def _shared(base: Baseline, stratum: Ints, begin: Floats, end: Floats, weight: Floats) -> float:
    """Variance from the baseline's own error, which all customers share: by event time, who lives through it."""
    total = 0.0
    for code in np.unique(stratum):
        rows = stratum == code
        inside = base.stratum == code
        times = base.time[inside]
        steps = np.diff(np.r_[0.0, base.variance[inside]])
        first = np.searchsorted(times, begin[rows], side="right")
        last = np.searchsorted(times, end[rows], side="right")
        through = np.bincount(first, weight[rows], len(times) + 1) - np.bincount(last, weight[rows], len(times) + 1)
        total += float((np.cumsum(through)[:-1] ** 2 * steps).sum())
    return total


def _binned(values: Floats) -> pl.DataFrame:
    counts = np.histogram(values, LEAVE_EDGES)[0]
    rows = list(zip(LEAVE_EDGES[:-1], LEAVE_EDGES[1:], counts.tolist(), strict=True))
    return pl.DataFrame(rows, schema=_LEAVE_BINS, orient="row")


# ---- the next order


def _ordering(spells: Spells, dataset: Dataset, spec: SurvivalSpec) -> OutlookResult:
    report(0.1, "survival_outlook")
    lines = reductions.project(dataset, encode=("customer_id",))
    days = reductions.collect(reductions.order_days(lines)).select(customer="customer_id", day="day")
    rhythm = learn_rhythm(days, dataset.as_of, spec.clock.lapse_quantile)
    if rhythm is None:
        raise AnalysisError("survival_no_rhythm", n=days.group_by("customer").len().filter(pl.col("len") > 1).height)
    report(0.5, "survival_outlook")
    own = (
        days.group_by("customer")
        .agg(n=pl.len().cast(pl.Int64) - 1, first=pl.col("day").min(), last=pl.col("day").max())
        .sort("customer")
    )
    as_of = dataset.as_of.toordinal() - 719_163
    gaps, span = own["n"].to_numpy(), (own["last"] - own["first"]).cast(pl.Int64).to_numpy()
    silence = as_of - own["last"].cast(pl.Int64).to_numpy()
    stayed = rhythm.p_stayed(gaps, span, silence)
    limit = rhythm.lapsed_after_days(gaps, span)
    times = {share: _order_after(rhythm, gaps, span, silence, stayed, share) for share in SHARES}
    left = np.maximum(limit + 1 - silence, 0)
    overdue_in = own["last"].cast(pl.Int32) + pl.Series(limit).cast(pl.Int32) + 1
    frame = pl.DataFrame(
        {
            "customer_id": reductions.values(dataset, "customer_id").gather(own["customer"]),
            "silence_days": silence,
            "p_alive": stayed,
            "p_order": _p_order(rhythm, gaps, span, silence, stayed, float(spec.outlook_days)),
            "order_from_days": times[SHARES[0]],
            "order_days": times[SHARES[1]],
            "order_until_days": times[SHARES[2]],
            "overdue_on": overdue_in.cast(pl.Int32).cast(pl.Date),
            # Within the days that are left: an order before then ends the silence.
            "p_overdue": 1 - _p_order(rhythm, gaps, span, silence, stayed, left.astype(float)),
        },
        schema=_ORDERING,
    ).with_columns(pl.col(pl.Float64).fill_nan(None))
    median = frame["order_days"]
    edges = [*ORDER_EDGES]
    rows: list[tuple[int | None, int | None, int]] = [
        (low, high - 1, int(((median >= low) & (median < high)).sum())) for low, high in pairwise(edges)
    ]
    rows.append((edges[-1], None, int((median >= edges[-1]).sum())))
    rows.append((None, None, median.null_count()))
    return OutlookResult(
        horizon_days=spec.outlook_days,
        unit=spells.unit,
        leaving=pl.DataFrame(schema=_LEAVING),
        ordering=frame.sort("p_order", "customer_id", descending=[True, False], nulls_last=True),
        order_bins=pl.DataFrame(rows, schema=_ORDER_BINS, orient="row"),
        leave_bins=pl.DataFrame(schema=_LEAVE_BINS),
        expected_leaving=None,
        expected_lo=None,
        expected_hi=None,
        longest=None,
        scores=None,
        caveats=(),
        key=derive_key("foresee", spec, spells.key, dataset.key),
    )


def _p_order(rhythm: Any, gaps: Ints, span: Ints, silence: Ints, stayed: Floats, within: Any) -> Floats:
    now, then = rhythm.p_longer(gaps, span, silence), rhythm.p_longer(gaps, span, silence + within)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.where(now > 0, stayed * (1 - then / now), 0.0))


def _order_after(rhythm: Any, gaps: Ints, span: Ints, silence: Ints, stayed: Floats, share: float) -> Floats:
    """Days until ``share`` of what may happen has brought an order; NaN where an order is not that likely at all, or
    only after ``LONGEST_DAYS``."""
    from scipy.special import betainccinv

    scale, second = rhythm.prior_days + span, rhythm.prior_gaps + rhythm.shape * gaps
    now = rhythm.p_longer(gaps, span, silence)
    with np.errstate(divide="ignore", invalid="ignore"):
        wanted = now * (1 - share / stayed)
        at = betainccinv(rhythm.shape, second, np.clip(wanted, 0, 1))
        days = scale * at / (1 - at) - silence
    known = (stayed > share) & (days <= LONGEST_DAYS) & (now > 0)
    return np.where(known, np.maximum(days, 0.0), np.nan)
