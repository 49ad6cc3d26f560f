"""The log-likelihood of BG/NBD and MBG/NBD with its exact gradient and Hessian, in logarithms of the parameters.

A customer buys at rate lambda ~ Gamma(r, alpha) and leaves after a purchase with probability p ~ Beta(a, b); in the
MBG/NBD (``chances = 1``) already after the first purchase, in the BG/NBD (``chances = 0``) only after a repeat. With
m = x + chances tosses survived by who is still there (Fader, Hardie and Lee 2005; Batislam et al. 2007):

    log L = log G(r+x)/G(r) + r log alpha + log B(a, b+m)/B(a, b) - (r+x) log(alpha+T) + log(1 + exp D),
    D = log a - log(b+m-1) + (r+x) log((alpha+T) / (alpha+t_x))      (no last term where m = 0)

x is a whole number, so that the gamma functions are sums of logarithms over counts: ``log G(r+x)/G(r)`` of all
customers is ``sum_k n_k log(r+k)`` with n_k customers of x > k. Terms of T alone are grouped by T, and customers
without a repeat have no other. What remains is one pass over the others, by pieces that stay in the processor's cache.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from analytics.btyd.histories import Floats, Ints

_PIECE = 8_192
_WORTH_HASHING = 30_000  # customers; fewer are sorted


@dataclass(frozen=True, slots=True, eq=False)
class Counted:
    """Histories, grouped as far as the likelihood allows.

    Attributes
    ----------
    survived_x, survived_m : number of customers with x (and m) above k, k = 0, 1, ...
    ends, n_by_end, x_by_end : distinct T, customers and repeat purchases of each.
    x, t, end, weight : customers who may have left: their x, t_x and T; how many each row stands for (None: one).
    """

    n: int
    chances: int
    survived_x: Floats
    survived_m: Floats
    ends: Floats
    n_by_end: Floats
    x_by_end: Floats
    x: Ints
    t: Floats
    end: Floats
    weight: Floats | None


def count(x: Ints, t_x: Floats, T: Floats, chances: int) -> Counted:
    """Group histories for ``log_likelihood``."""
    again = x > 0
    repeats = x[again]
    by_x = np.bincount(repeats, minlength=1)
    n = len(x)
    survived_x = (n - np.cumsum(np.concatenate([[n - len(repeats)], by_x[1:]])))[:-1].astype(np.float64)
    survived_m = np.concatenate([[float(n)] * chances, survived_x])
    by_end = _by_end(T, x)
    t, end = t_x[again], T[again]
    weight = None
    if chances:
        once = _by_end(T[~again], x[~again])
        t = np.concatenate([t, np.zeros(len(once[0]))])
        end = np.concatenate([end, once[0]])
        weight = np.concatenate([np.ones(len(repeats)), once[1]])
        repeats = np.concatenate([repeats, np.zeros(len(once[0]), np.int64)])
    return Counted(n, chances, survived_x, survived_m, *by_end, repeats, t, end, weight)


def _by_end(T: Floats, x: Ints) -> tuple[Floats, Floats, Floats]:
    if len(T) < _WORTH_HASHING:
        ends, of = np.unique(T, return_inverse=True)
        return ends, np.bincount(of).astype(np.float64), np.bincount(of, x).astype(np.float64)
    grouped = pl.DataFrame({"T": T, "x": x}).group_by("T").agg(pl.len().alias("n"), pl.col("x").sum()).sort("T")
    return grouped["T"].to_numpy(), grouped["n"].to_numpy().astype(np.float64), grouped["x"].to_numpy().astype(float)


def log_likelihood(logs: Floats, counted: Counted) -> tuple[float, Floats, Floats]:
    """Value, gradient and Hessian at the logarithms of (r, alpha, a, b)."""
    r, alpha, a, b = np.exp(logs)
    value, gradient, hessian = _still_there(r, alpha, a, b, counted)
    left_value, left_gradient, left_hessian = _may_have_left(r, alpha, a, b, counted)
    return value + left_value, gradient + left_gradient, hessian + left_hessian


def log_likelihood_nbd(logs: Floats, counted: Counted) -> tuple[float, Floats, Floats]:
    """The same of (r, alpha) where nobody ever leaves: the NBD, against which a model of leaving has to gain."""
    r, alpha = np.exp(logs)
    return _rates(r, alpha, counted)


def _rates(r: float, alpha: float, counted: Counted) -> tuple[float, Floats, Floats]:
    steps = 1 / (r + np.arange(len(counted.survived_x)))
    size = alpha + counted.ends
    logs, inverse = np.log(size), 1 / size
    shape = r * counted.n_by_end + counted.x_by_end
    value = -counted.survived_x @ np.log(steps) + counted.n * r * np.log(alpha) - shape @ logs
    by_r = counted.survived_x @ steps + counted.n * np.log(alpha) - counted.n_by_end @ logs
    by_alpha = counted.n * r / alpha - shape @ inverse
    gradient = np.array([r * by_r, alpha * by_alpha])
    hessian = np.diag(gradient)
    hessian[0, 0] -= r * r * (counted.survived_x @ steps**2)
    hessian[1, 1] += alpha * alpha * (shape @ inverse**2 - counted.n * r / alpha**2)
    hessian[0, 1] = hessian[1, 0] = r * alpha * (counted.n / alpha - counted.n_by_end @ inverse)
    return float(value), gradient, hessian


def _still_there(r: float, alpha: float, a: float, b: float, counted: Counted) -> tuple[float, Floats, Floats]:
    gradient, hessian = np.zeros(4), np.zeros((4, 4))
    value, gradient[:2], hessian[:2, :2] = _rates(r, alpha, counted)
    tosses = np.arange(len(counted.survived_m))
    stay, either = 1 / (b + tosses), 1 / (a + b + tosses)
    value += float(counted.survived_m @ (np.log(either) - np.log(stay)))
    by_b, by_both = counted.survived_m @ stay, -counted.survived_m @ either
    by_bb, by_both_both = -counted.survived_m @ stay**2, counted.survived_m @ either**2
    gradient[2:] = a * by_both, b * (by_b + by_both)
    hessian[2, 2] = gradient[2] + a * a * by_both_both
    hessian[3, 3] = gradient[3] + b * b * (by_bb + by_both_both)
    hessian[2, 3] = hessian[3, 2] = a * b * by_both_both
    return value, gradient, hessian


def _may_have_left(r: float, alpha: float, a: float, b: float, counted: Counted) -> tuple[float, Floats, Floats]:
    """The sum of log(1 + exp D) over customers who may have left."""
    # Looked up by x: the logarithm is dearer than a table that stays in the cache.
    tosses = b + np.arange(len(counted.survived_x) + 1) + (counted.chances - 1.0)
    if not counted.chances:
        tosses[0] = 1.0  # x = 0: not among them
    log_odds, inverse = np.log(a) - np.log(tosses), 1 / tosses
    value, totals = 0.0, np.zeros(7)
    outer = np.zeros((4, 4))
    for begin in range(0, len(counted.x), _PIECE):
        piece = slice(begin, begin + _PIECE)
        x = counted.x[piece]
        shape = r + x
        to_end, to_last = 1 / (alpha + counted.end[piece]), 1 / (alpha + counted.t[piece])
        silence = np.log(to_last / to_end)
        apart = to_end - to_last
        by = inverse[x]
        D = log_odds[x] + shape * silence
        shrunk = np.exp(-np.abs(D))
        plus = np.maximum(D, 0.0) + np.log1p(shrunk)
        shrunk /= 1 + shrunk
        left = np.where(D >= 0, 1 - shrunk, shrunk)
        weight = left * (1 - left)
        if counted.weight is not None:
            times = counted.weight[piece]
            plus, left, weight = plus * times, left * times, weight * times
        value += plus.sum()
        moving = np.empty((4, len(x)))
        moving[0], moving[1], moving[2], moving[3] = silence, shape * apart, 1.0, by
        # One product for both: of the library's products it is the one that stays on one thread at this size.
        by_weight = np.empty((5, len(x)))
        np.multiply(moving, weight, out=by_weight[:4])
        by_weight[4] = left
        products = moving @ by_weight.T
        outer += products[:, :4]
        totals[:4] += products[:, 4]
        totals[4] += left @ apart
        totals[5] += left @ (moving[1] * (to_end + to_last))
        totals[6] += left @ (by * by)
    scale = np.array([r, alpha, 1.0, -b])
    gradient = scale * totals[:4]
    hessian = outer * np.outer(scale, scale)
    hessian[0, 0] += gradient[0]
    hessian[0, 1] += r * alpha * totals[4]
    hessian[1, 0] = hessian[0, 1]
    hessian[1, 1] += gradient[1] - alpha * alpha * totals[5]
    hessian[3, 3] += gradient[3] + b * b * totals[6]
    return float(value), gradient, hessian


# ---- with covariates: every customer has parameters of their own ----------------------------------------------------


def spread(parameters: Floats, z: Floats) -> tuple[float, Floats, Floats, Floats]:
    """r and each customer's alpha, a, b: alpha_i = alpha exp(-z g1), a_i = a exp(z g2), b_i = b exp(z g3)."""
    k = z.shape[1]
    on_alpha, on_a, on_b = parameters[4 : 4 + k], parameters[4 + k : 4 + 2 * k], parameters[4 + 2 * k :]
    r, alpha, a, b = parameters[:4]
    return float(r), alpha * np.exp(-z @ on_alpha), a * np.exp(z @ on_a), b * np.exp(z @ on_b)


def log_likelihood_covariates(
    at: Floats, x: Ints, t_x: Floats, T: Floats, z: Floats, chances: int
) -> tuple[float, Floats, Floats]:
    """Value, gradient and Hessian at (log r, log alpha, log a, log b, coefficients on alpha, a, b)."""
    k = z.shape[1]
    value, gradient, hessian = 0.0, np.zeros(4 + 3 * k), np.zeros((4 + 3 * k, 4 + 3 * k))
    parameters = np.concatenate([np.exp(at[:4]), at[4:]])
    places = [slice(0, 1), *(np.r_[i, 4 + (i - 1) * k : 4 + i * k] for i in (1, 2, 3))]
    for begin in range(0, len(x), _PIECE):
        piece = slice(begin, begin + _PIECE)
        own = spread(parameters, z[piece])
        values, slopes, bends = per_customer(x[piece], t_x[piece], T[piece], *own, chances)
        ones = np.ones((len(values), 1))
        designs = [ones, np.hstack([ones, -z[piece]]), np.hstack([ones, z[piece]]), np.hstack([ones, z[piece]])]
        value += values.sum()
        for i in range(4):
            gradient[places[i]] += designs[i].T @ slopes[i]
            for j in range(4):
                block = designs[i].T @ (designs[j] * bends[i][j][:, None])
                hessian[np.ix_(np.arange(4 + 3 * k)[places[i]], np.arange(4 + 3 * k)[places[j]])] += block
    return float(value), gradient, hessian


def per_customer(
    x: Ints,
    t_x: Floats,
    T: Floats,
    r: float | Floats,
    alpha: float | Floats,
    a: float | Floats,
    b: float | Floats,
    chances: int,
) -> tuple[Floats, list[Floats], list[list[Floats]]]:
    """Each customer's log-likelihood with first and second derivatives by (log r, log alpha, log a, log b)."""
    from scipy.special import gammaln, psi, zeta

    m = (x + chances).astype(np.float64)
    ones = np.ones(len(x))
    r, alpha, a, b = r * ones, alpha * ones, a * ones, b * ones
    shape, both, tosses = r + x, a + b, np.where(m > 0, b + m - 1, 1.0)
    end, last = 1 / (alpha + T), 1 / (alpha + t_x)
    silence, apart = np.log(last / end), end - last
    D = np.where(m > 0, np.log(a / tosses) + shape * silence, -np.inf)
    values = gammaln(shape) - gammaln(r) + r * np.log(alpha) + shape * np.log(end)
    values += gammaln(b + m) - gammaln(b) - gammaln(both + m) + gammaln(both) + np.logaddexp(0.0, D)
    left = np.where(D > -700, 1 / (1 + np.exp(-np.maximum(D, -700))), 0.0)
    turn = left * (1 - left)
    stays, leaves = psi(b + m) - psi(b), psi(both) - psi(both + m)
    stays2, leaves2 = zeta(2, b + m) - zeta(2, b), zeta(2, both) - zeta(2, both + m)
    moving = [r * silence, shape * alpha * apart, ones, -b / tosses]
    slopes = [
        r * (psi(shape) - psi(r) + np.log(alpha * end)) + left * moving[0],
        r - shape * alpha * end + left * moving[1],
        a * leaves + left,
        b * (stays + leaves) + left * moving[3],
    ]
    bends = [[turn * moving[i] * moving[j] for j in range(4)] for i in range(4)]
    bends[0][0] += slopes[0] + r * r * (zeta(2, shape) - zeta(2, r))
    bends[0][1] += r * (1 - alpha * end) + left * r * alpha * apart
    bends[1][0] = bends[0][1]
    bends[1][1] += -shape * alpha * end * (1 - alpha * end) + left * shape * alpha * apart * (1 - alpha * (end + last))
    bends[2][2] += a * leaves + a * a * leaves2
    bends[2][3] += a * b * leaves2
    bends[3][2] = bends[2][3]
    bends[3][3] += b * (stays + leaves) + b * b * (stays2 + leaves2) + left * (moving[3] + moving[3] ** 2)
    return values, slopes, bends
