"""Proportional hazards: Cox (1972), ties by Efron (1977), Newton's method, strata, late entry, weights and clusters.

A step costs one pass over the rows per covariate and one matrix product: the part of the information that would need
covariates times covariates at every time is a sum over rows, each weighed by the hazard it has lived through. Robust
standard errors add up the score residuals of each customer (Lin & Wei 1989).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from analytics.errors import AnalysisError
from analytics.survival.kaplan_meier import Durations, Floats, Ints

MOST_STEPS = 40
CONVERGED = 1e-12  # of the Newton decrement
RUNAWAY = 12.0  # a hazard ratio of exp(12) per standard deviation: the likelihood has no maximum there


@dataclass(frozen=True, slots=True, eq=False)
class Baseline:
    """Cumulative hazard of each stratum for a customer with all covariates at 0 (``linear`` 0), where it grows.

    ``stratum``, ``time`` ascending; ``hazard`` cumulative within the stratum (Breslow 1974), ``variance`` the sum of
    d / S0^2, ``mean`` the integral of the mean covariate over the hazard (one column per coefficient).
    """

    stratum: Ints
    time: Floats
    hazard: Floats
    variance: Floats
    mean: Floats


@dataclass(frozen=True, slots=True, eq=False)
class CoxFit:
    """Coefficients per unit of each column of ``x``, their covariance, and what checks and predictions need.

    ``schoenfeld``: one row per event, ``event_time`` its time, ordered by stratum and time.
    """

    coefficients: Floats
    covariance: Floats
    model_covariance: Floats
    log_likelihood: float
    null_log_likelihood: float
    n_events: int
    n_steps: int
    schoenfeld: Floats
    event_time: Floats
    baseline: Baseline


@dataclass(frozen=True, slots=True, eq=False)
class _Arranged:
    """Rows against the event times: row i is at risk at the event times ``first[i]`` to ``place[i]``."""

    stratum: Ints
    time: Floats
    place: Ints
    first: Ints
    ended: Ints  # rows that end at their ``place``
    deaths: Ints  # per event time
    weight: Floats
    mean_weight: Floats  # of those who end at an event time
    tie: Ints  # the event time of each of d terms
    part: Floats  # l / d of each


def fit_cox(
    x: Floats, durations: Durations, stratum: Ints | None = None, penalty: float = 0.0, robust: bool | None = None
) -> CoxFit:
    """Fit by partial likelihood. ``x`` is n x p, finite, without constant or collinear columns.

    ``penalty``: of the squared coefficients per standard deviation, halved (ridge). ``robust``: whether the covariance
    adds up customers' own influences; None: where spells have clusters. Raises ``AnalysisError``:
    ``survival_separation`` (column: the likelihood grows without end along it), ``survival_not_converged``.
    """
    centre, scale = x.mean(axis=0), x.std(axis=0)
    scale = np.where(scale > 0, scale, 1.0)
    columns = (x - centre) / scale
    rows = _arrange(durations, stratum)
    p = x.shape[1]
    beta = np.zeros(p)
    value, gradient, information = _terms(columns, rows, beta, penalty)
    null = value
    for step in range(MOST_STEPS + 1):  # noqa: B007  # told at the end: how many it took
        if p == 0:
            break
        change = _solve(information, gradient)
        if float(gradient @ change) < CONVERGED:
            break
        size = 1.0
        while True:
            moved = beta + size * change
            if np.abs(moved).max() > RUNAWAY:
                raise AnalysisError("survival_separation", column=int(np.argmax(np.abs(moved))))
            new = _terms(columns, rows, moved, penalty)
            if new[0] >= value - 1e-9 * abs(value) or size < 1e-4:
                break
            size /= 2
        beta, (value, gradient, information) = moved, new
    else:
        raise AnalysisError("survival_not_converged", n=MOST_STEPS)
    inverse = np.linalg.pinv(information, hermitian=True) if p else np.zeros((0, 0))
    covariance = inverse
    if p and (durations.cluster is not None if robust is None else robust):
        scores = _scores(columns, rows, beta, durations)
        if durations.cluster is not None:
            codes = np.unique(durations.cluster, return_inverse=True)[1]
            scores = np.column_stack([np.bincount(codes, scores[:, one]) for one in range(p)])
        covariance = inverse @ (scores.T @ scores) @ inverse
    outer = np.outer(1 / scale, 1 / scale)
    residuals = _schoenfeld(columns, rows, beta) * scale
    return CoxFit(
        coefficients=beta / scale,
        covariance=covariance * outer,
        model_covariance=inverse * outer,
        log_likelihood=value + penalty / 2 * float(beta @ beta),
        null_log_likelihood=null,
        n_events=len(rows.ended),
        n_steps=step,
        schoenfeld=residuals,
        event_time=rows.time[np.sort(rows.place[rows.ended], kind="stable")],
        baseline=_baseline(x, rows, beta / scale),
    )


def concordance(score: Floats, durations: Durations, stratum: Ints | None = None) -> float:
    """Harrell's C: of pairs whose order is known, how often who leaves first has the higher score (ties count half).

    Pairs are compared within a stratum. A pair is known where one ended before the other ended or was last seen, or at
    the moment at which the other was last seen. NaN without such a pair. Exact, n log n.
    """
    held = np.zeros(len(score), np.int64) if stratum is None else stratum
    # From the longest to the shortest; at one time who is censored before who ends; then from the highest score down,
    # so that of those who end together none counts as lower.
    order = np.lexsort((-score, durations.ended, -durations.time, held))
    score, ended, time, held = score[order], durations.ended[order], durations.time[order], held[order]
    n = len(score)
    begin = np.flatnonzero(np.r_[True, held[1:] != held[:-1]])
    start = begin[np.cumsum(np.r_[True, held[1:] != held[:-1]]) - 1]
    together = np.r_[True, (held[1:] != held[:-1]) | (time[1:] != time[:-1]) | (ended[1:] != ended[:-1])]
    opening = np.flatnonzero(together)[np.cumsum(together) - 1]
    before = np.where(ended, opening - start, 0)
    ranks = np.unique(score, return_inverse=True)[1].astype(np.int64)
    lower = _lower_before(ranks + held * (int(ranks.max(initial=0)) + 1), held, start)
    level = np.lexsort((np.arange(n), ranks, held))
    fresh = np.r_[True, (ranks[level][1:] != ranks[level][:-1]) | (held[level][1:] != held[level][:-1])]
    twins = np.empty(n, np.int64)
    twins[level] = np.arange(n) - np.flatnonzero(fresh)[np.cumsum(fresh) - 1]
    # Of those with the same score, the ones who ended at the same time are no pair.
    same = np.r_[True, together[1:] | (ranks[1:] != ranks[:-1])]
    equal = twins - (np.arange(n) - np.flatnonzero(same)[np.cumsum(same) - 1])
    known = int(before[ended].sum())
    return float((lower[ended].sum() + equal[ended].sum() / 2) / known) if known else float("nan")


def _lower_before(ranks: Ints, held: Ints, start: Ints) -> Ints:
    """For each position: how many earlier ones of its stratum have a lower rank, bit by bit (a wavelet tree).

    Ranks of a later stratum are higher, and earlier strata stand before: what they add is taken away.
    """
    n = len(ranks)
    found = np.zeros(n, np.int64)
    at, values = np.arange(n), ranks.copy()
    opening = np.zeros(n, np.int64)
    for bit in range(int(ranks.max(initial=0)).bit_length() - 1, -1, -1):
        one = (values >> bit) & 1
        zeros = np.cumsum(1 - one)
        before = zeros - (1 - one)
        inside = before - np.r_[0, zeros][opening]
        found[at] += np.where(one == 1, inside, 0)
        # Stable split of each run by the bit: zeros first.
        code = opening * 2 + one
        order = np.argsort(code, kind="stable")
        at, values, code = at[order], values[order], code[order]
        fresh = np.r_[True, code[1:] != code[:-1]]
        opening = np.flatnonzero(fresh)[np.cumsum(fresh) - 1]
    found -= start
    return found


def _arrange(durations: Durations, stratum: Ints | None) -> _Arranged:
    n = len(durations)
    held = np.zeros(n, np.int64) if stratum is None else stratum.astype(np.int64)
    times, rank = np.unique(durations.time, return_inverse=True)
    key = held * len(times) + rank
    keys = np.unique(key[durations.ended])
    place = np.searchsorted(keys, key, side="right") - 1
    low = np.zeros(n, np.int64) if durations.entry is None else np.searchsorted(times, durations.entry, side="right")
    first = np.searchsorted(keys, held * len(times) + low, side="left")
    ended = np.flatnonzero(durations.ended)
    weight = np.ones(n) if durations.weight is None else durations.weight
    deaths = np.bincount(place[ended], minlength=len(keys)).astype(np.int64)
    total = np.bincount(place[ended], weight[ended], len(keys))
    tie = np.repeat(np.arange(len(keys)), deaths)
    nth = np.arange(len(tie)) - np.repeat(np.cumsum(deaths) - deaths, deaths)
    away = place < first  # never at risk when anybody ends
    weight = np.where(away, 0.0, weight)
    return _Arranged(
        stratum=keys // len(times),
        time=times[keys % len(times)],
        place=np.maximum(place, 0).astype(np.int64),
        first=np.where(away, 0, first).astype(np.int64),
        ended=ended,
        deaths=deaths,
        weight=weight,
        mean_weight=total / deaths,
        tie=tie,
        part=nth / deaths[tie],
    )


def _risk(rows: _Arranged) -> Callable[[Floats], Floats]:
    """What adds a value of each row up over those at risk at each event time."""
    n = len(rows.time)
    late = bool(rows.first.any())

    def summed(values: Floats) -> Floats:
        total = np.cumsum(np.bincount(rows.place, values, n)[::-1])[::-1]
        if late:
            total = total - np.r_[np.cumsum(np.bincount(rows.first, values, n)[::-1])[::-1][1:], 0.0]
        return np.asarray(total)

    return summed


@dataclass(frozen=True, slots=True, eq=False)
class _Sums:
    """At given coefficients: each row's ``risk``, those at risk (s0) and those who end (e0), and sums over ties."""

    risk: Floats
    s0: Floats
    inverse: Floats  # 1 / s of each tie term
    a1: Floats
    b1: Floats
    lived: Floats  # each row's weight in the first part of the information


def _sums(columns: Floats, rows: _Arranged, beta: Floats) -> tuple[_Sums, float]:
    linear = columns @ beta
    top = float(linear.max(initial=0.0))
    risk = rows.weight * np.exp(linear - top)
    n = len(rows.time)
    s0 = _risk(rows)(risk)
    e0 = np.bincount(rows.place[rows.ended], risk[rows.ended], n)
    s = np.maximum(s0[rows.tie] - rows.part * e0[rows.tie], 1e-300)
    inverse = 1 / s
    mean = rows.mean_weight[rows.tie]
    a1 = np.bincount(rows.tie, mean * inverse, n)
    b1 = np.bincount(rows.tie, mean * rows.part * inverse, n)
    grown = np.r_[0.0, np.cumsum(a1)]
    lived = risk * (grown[rows.place + 1] - grown[rows.first])
    lived[rows.ended] -= risk[rows.ended] * b1[rows.place[rows.ended]]
    value = float(rows.weight[rows.ended] @ linear[rows.ended]) - float(mean @ (np.log(s) + top))
    return _Sums(risk, s0, inverse, np.asarray(a1, float), np.asarray(b1, float), lived), value


def _terms(columns: Floats, rows: _Arranged, beta: Floats, penalty: float) -> tuple[float, Floats, Floats]:
    """Penalised log partial likelihood, gradient and information."""
    sums, value = _sums(columns, rows, beta)
    ended = np.zeros(len(columns))
    ended[rows.ended] = rows.weight[rows.ended]
    gradient = columns.T @ (ended - sums.lived) - penalty * beta
    s1, e1 = _first_moments(columns, rows, sums)
    n = len(rows.time)
    square = rows.mean_weight[rows.tie] * sums.inverse**2
    a2, b2, c2 = (np.bincount(rows.tie, square * rows.part**power, n) for power in range(3))
    mixed = (s1 * b2[:, None]).T @ e1
    information = (columns * sums.lived[:, None]).T @ columns
    information -= (s1 * a2[:, None]).T @ s1 - mixed - mixed.T + (e1 * c2[:, None]).T @ e1
    return value - penalty / 2 * float(beta @ beta), gradient, information + penalty * np.eye(len(beta))


def _first_moments(columns: Floats, rows: _Arranged, sums: _Sums) -> tuple[Floats, Floats]:
    """Per event time and covariate: sums over those at risk, and over those who end."""
    n, p = len(rows.time), columns.shape[1]
    summed, at = _risk(rows), rows.place[rows.ended]
    s1, e1 = np.empty((n, p)), np.empty((n, p))
    for one in range(p):
        weighed = sums.risk * columns[:, one]
        s1[:, one], e1[:, one] = summed(weighed), np.bincount(at, weighed[rows.ended], n)
    return s1, e1


def _means(columns: Floats, rows: _Arranged, sums: _Sums) -> Floats:
    """Mean covariates of those at risk at each event time, averaged over its ties."""
    s1, e1 = _first_moments(columns, rows, sums)
    n = len(rows.time)
    a, b = np.bincount(rows.tie, sums.inverse, n), np.bincount(rows.tie, rows.part * sums.inverse, n)
    return np.asarray((s1 * a[:, None] - e1 * b[:, None]) / rows.deaths[:, None])


def _schoenfeld(columns: Floats, rows: _Arranged, beta: Floats) -> Floats:
    """Each event's covariates minus their mean among those at risk; by stratum and time."""
    order = rows.ended[np.argsort(rows.place[rows.ended], kind="stable")]
    means = _means(columns, rows, _sums(columns, rows, beta)[0])
    return np.asarray(columns[order] - means[rows.place[order]])


def _scores(columns: Floats, rows: _Arranged, beta: Floats, durations: Durations) -> Floats:
    """Each row's part of the score: what they add at their own end, minus what they risk at all others'."""
    sums, _value = _sums(columns, rows, beta)
    s1, e1 = _first_moments(columns, rows, sums)
    n = len(rows.time)
    square = rows.mean_weight[rows.tie] * sums.inverse**2
    a2, b2, c2 = (np.bincount(rows.tie, square * rows.part**power, n)[:, None] for power in range(3))
    whole = np.vstack([np.zeros(columns.shape[1]), np.cumsum(s1 * a2 - e1 * b2, axis=0)])
    own = s1 * b2 - e1 * c2
    risked = whole[rows.place + 1] - whole[rows.first]
    risked[rows.ended] -= own[rows.place[rows.ended]]
    scores = sums.risk[:, None] * risked - columns * sums.lived[:, None]
    means = _means(columns, rows, sums)
    at = rows.ended
    scores[at] += rows.weight[at, None] * (columns[at] - means[rows.place[at]])
    return np.asarray(scores)


def _baseline(x: Floats, rows: _Arranged, coefficients: Floats) -> Baseline:
    sums, _value = _sums(x - x.mean(axis=0), rows, coefficients)
    linear = (x - x.mean(axis=0)) @ coefficients
    top = float(linear.max(initial=0.0))
    shift = float(x.mean(axis=0) @ coefficients)  # back from the mean customer to covariates of 0
    died = rows.mean_weight * rows.deaths
    with np.errstate(over="ignore", divide="ignore"):
        s0 = sums.s0 * np.exp(np.clip(top + shift, -600, 600))
    s1 = _first_moments(x, rows, sums)[0]
    step = died / s0
    begin = np.flatnonzero(np.r_[True, rows.stratum[1:] != rows.stratum[:-1]])
    run = np.cumsum(np.r_[True, rows.stratum[1:] != rows.stratum[:-1]]) - 1

    def grown(values: Floats) -> Floats:
        total = np.cumsum(values, axis=0)
        return np.asarray(total - (total - values)[begin][run])

    mean = s1 / sums.s0[:, None]
    return Baseline(rows.stratum, rows.time, grown(step), grown(died / s0**2), grown(mean * step[:, None]))


def _solve(information: Floats, gradient: Floats) -> Floats:
    try:
        return np.asarray(np.linalg.solve(information, gradient))
    except np.linalg.LinAlgError:
        return np.asarray(np.linalg.lstsq(information, gradient, rcond=None)[0])
