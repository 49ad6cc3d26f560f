"""How many purchases a customer who has not left will make: sums of positive terms, without special functions.

Given the history the rate is lambda ~ Gamma(s, A) and the chance to leave after a purchase p ~ Beta(a, c), independent
(s = r + x, A = alpha + T, c = b + tosses survived). Were there no leaving, N purchases would come within h: negative
binomial with s and z = h / (A + h). At least k of them are made when N >= k and k - 1 tosses are survived:

    P(X >= k) = P(N >= k) e_(k-1),   e_j = E[(1-p)^j] = (c)_j / (a+c)_j,   E[X] = sum over k >= 1 of P(X >= k).

This is the hypergeometric function of the literature (Fader, Hardie and Lee 2005, eq. 10) without its pole at a = 1 and
without the cancellation between its two halves. Sorted by powers, ``E[X] = (1-z)^s sum_n (s)_n/n! C_n z^n`` with
``C_n = e_0 + ... + e_(n-1)``: for customers of equal x one polynomial in z with positive coefficients.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from analytics.btyd.histories import Floats, Ints

# A power series in z needs about 37 / -log z terms: many customers are summed with others of like z. Above the last
# limit an integral takes fewer steps.
_LIMITS = (0.5, 0.7, 0.85, 0.93)
_CLOSE = 0.97
_MANY = 1_000
_FEW = 128  # up to it, a table of powers is cheaper than a loop over coefficients
_PIECE = 8_192
_MOST_TERMS = 100_000
_WIDEST = 300.0  # logarithms between the largest and the smallest (1-z)^s that share coefficients


def expected_counts(x: Ints, s: float, A: Floats, a: float, c: float, horizon: float) -> Floats:
    """E[X] within ``horizon`` of customers who have not left; ``s`` and ``c`` of x = 0, to which each adds its x."""
    counts = np.zeros(len(x))
    if horizon == 0 or not len(x):
        return counts
    z = horizon / (A + horizon)
    kind = 2 * x.astype(np.int64) + (z > _CLOSE)
    order = np.argsort(kind.astype(np.uint16) if kind.max() < 2**16 else kind, kind="stable")
    sorted_kind, sorted_z = kind[order], z[order]
    begins = np.flatnonzero(np.concatenate([[True], sorted_kind[1:] != sorted_kind[:-1]]))
    found = np.empty(len(x))
    for begin, end in zip(begins, np.append(begins[1:], len(x)), strict=True):
        repeats, close = divmod(int(sorted_kind[begin]), 2)
        found[begin:end] = (_integral if close else _series)(sorted_z[begin:end], s + repeats, a, c + repeats)
    counts[order] = found
    return counts


def _series(z: Floats, s: float, a: float, c: float) -> Floats:
    """E[X] of customers of one s, a, c by powers of z."""
    low, high = float(z.min()), float(z.max())
    if s * (np.log1p(-low) - np.log1p(-high)) > _WIDEST:
        return _parted(z, (low + high) / 2, s, a, c)
    if len(z) > _MANY:
        between = [limit for limit in _LIMITS if low <= limit < high]
        if between:
            return _parted(z, between[-1], s, a, c)
    terms = _terms(high, s, a, c)
    counts = np.empty(len(z))
    for begin in range(0, len(z), _PIECE):
        piece = z[begin : begin + _PIECE]
        powers = piece / high
        if len(piece) <= _FEW:
            table = np.repeat(powers[:, None], len(terms), axis=1)
            table[:, 0] = 1.0
            np.multiply.accumulate(table, axis=1, out=table)
            sums = np.einsum("ij,j->i", table, terms)  # on this thread: the product by matrix would start others
        else:
            sums = np.full(len(piece), terms[-1])
            for term in terms[-2::-1].tolist():
                sums *= powers
                sums += term
        counts[begin : begin + _PIECE] = sums * np.exp(s * (np.log1p(-piece) - np.log1p(-high)))
    return counts


def _parted(z: Floats, limit: float, s: float, a: float, c: float) -> Floats:
    above = z > limit
    counts = np.empty(len(z))
    counts[above], counts[~above] = _series(z[above], s, a, c), _series(z[~above], s, a, c)
    return counts


def _terms(z: float, s: float, a: float, c: float) -> Floats:
    """P(N = n) C_n at z, n = 0, 1, ... until the rest is below 1e-17 of the sum."""
    mean = s * z / (1 - z)
    log_none = s * float(np.log1p(-z))
    n = np.arange(40.0 + int(mean + 9 * np.sqrt(mean / (1 - z)) + 40 / -np.log(z)))
    if log_none > -_WIDEST:
        steps = (s - 1 + n) / np.maximum(n, 1.0) * z
        steps[0] = np.exp(log_none)
        weights = np.cumprod(steps)
    else:
        from scipy.special import gammaln

        weights = np.exp(gammaln(s + n) - gammaln(s) - gammaln(n + 1) + n * np.log(z) + log_none)
    survived = (c - 1 + n) / (a + c - 1 + n)
    survived[0] = 1.0
    terms: Floats = weights
    terms[1:] *= np.cumsum(np.cumprod(survived))[:-1]
    terms[0] = 0.0
    rest = np.cumsum(terms[::-1])[::-1]
    return terms[: max(int(np.searchsorted(-rest, -1e-17 * rest[0])), 2)]


def _integral(z: Floats, s: float, a: float, c: float) -> Floats:
    """E[X] of customers of one s, a, c as an integral over p, on the logistic scale: for z near 1."""
    different, which = np.unique(z, return_inverse=True)
    p, density = _nodes(a, c)
    counts = np.empty(len(different))
    for begin in range(0, len(different), 1024):
        odds = different[begin : begin + 1024] / (1 - different[begin : begin + 1024])
        counts[begin : begin + 1024] = -np.expm1(-s * np.log1p(odds[:, None] * p)) @ (density / p)
    return counts[which]


def _nodes(a: float, c: float) -> tuple[Floats, Floats]:
    """p and weights of Beta(a, c): the trapezoid rule in tau, logit p = log(a/c) + width sinh tau."""
    from scipy.special import betaln, expit

    width = min(1.0, float(np.sqrt(1 / a + 1 / c)))
    low, high = -np.arcsinh(50 * max(1.0, 1 / a) / width), np.arcsinh(50 * max(1.0, 1 / c) / width)
    tau = np.linspace(low, high, int((high - low) / 0.03))
    y = np.log(a / c) + width * np.sinh(tau)
    log_density = -a * np.logaddexp(0, -y) - c * np.logaddexp(0, y) - betaln(a, c)
    weights = np.exp(log_density) * width * np.cosh(tau) * (tau[1] - tau[0])
    return np.maximum(expit(y), 1e-300), weights


def expected_counts_each(s: Floats, A: Floats, a: Floats, c: Floats, horizon: float) -> Floats:
    """E[X] within ``horizon`` where every customer has an s, A, a and c of their own (covariates)."""
    z = horizon / (A + horizon)
    counts = np.zeros(len(z))
    if horizon == 0:
        return counts
    by_series = (z <= _CLOSE) & (-s * np.log1p(-z) < _WIDEST)
    order = np.flatnonzero(by_series)
    order = order[np.argsort(s[order] * z[order] / (1 - z[order]))]
    for begin in range(0, len(order), _PIECE):
        rows = order[begin : begin + _PIECE]
        counts[rows] = _sum_each(z[rows], s[rows], a[rows], c[rows])
    for row in np.flatnonzero(~by_series):
        counts[row] = _integral(z[row : row + 1], float(s[row]), float(a[row]), float(c[row]))[0]
    return counts


def _sum_each(z: Floats, s: Floats, a: Floats, c: Floats) -> Floats:
    """The same series as ``_series``, term by term, all customers at once."""
    chance = np.exp(s * np.log1p(-z))  # P(N = n)
    survived, sums = np.ones(len(z)), np.zeros(len(z))  # e_n and C_n
    counts = np.zeros(len(z))
    for n in range(_MOST_TERMS):
        gained = chance * sums
        counts += gained
        # Past the middle of N the terms fall by about z from one to the next.
        if n % 8 == 7 and ((gained <= 1e-17 * (1 - z) * counts) & (n * (1 - z) > s * z)).all():
            break
        chance *= (s + n) / (n + 1) * z
        sums += survived
        survived *= (c + n) / (a + c + n)
    return counts


def at_least(s: Floats, A: Floats, a: Floats | float, c: Floats, horizon: float, most: int) -> Floats:
    """n x (most + 1): P(X >= k) of customers who have not left, k = 0 ... most."""
    from scipy.special import betainc

    z = horizon / (A + horizon)
    log_none = s * np.log1p(-z)
    chance, more = np.exp(log_none), -np.expm1(log_none)
    result = np.ones((len(z), most + 1))
    survived = np.ones(len(z))
    far = log_none < -_WIDEST
    for k in range(1, most + 1):
        result[:, k] = more * survived
        if far.any():
            result[far, k] = betainc(float(k), s[far], z[far]) * survived[far]
        chance = chance * ((s + k - 1) / k * z)
        more = np.maximum(more - chance, 0.0)
        survived = survived * ((c + k - 1) / (a + c + k - 1))
    return result


def draw_counts(
    s: Floats, A: Floats, a: Floats | float, c: Floats, alive: Floats, horizon: float, rng: np.random.Generator
) -> tuple[Ints, Ints]:
    """One draw per customer: purchases made within ``horizon``, and those that would come without any leaving."""
    there = rng.random(len(s)) < alive
    without_leaving = rng.poisson(rng.standard_gamma(s) / A * horizon)
    chance = np.clip(rng.beta(a, c), 1e-12, 1.0)
    made = np.minimum(without_leaving, rng.geometric(chance))
    return np.where(there, made, 0).astype(np.int64), without_leaving.astype(np.int64)


def draw_first_times(made: Ints, of: Ints, horizon: float, rng: np.random.Generator) -> Floats:
    """The first ``made`` of ``of`` times spread evenly over ``horizon``, ascending, customer by customer."""
    of = np.where(made > 0, of, 0)
    customer = np.repeat(np.arange(len(of)), of)
    times = rng.random(len(customer))
    times = times[np.lexsort((times, customer))]
    rank = np.arange(len(customer)) - np.repeat(np.cumsum(of) - of, of)
    kept: npt.NDArray[np.bool_] = rank < made[customer]
    return times[kept] * horizon
