"""The likelihood of the Pareto/NBD: value, gradient and Hessian of every customer at once, and Newton's search.

The likelihood of one customer (Fader and Hardie 2005) is, but for ``Gamma(r + x) / Gamma(r) alpha^r beta^s``, what it
is to be alive at T plus what it is to have left at some moment between t_x and T:
``(alpha + T)^-(r+x) (beta + T)^-s + s integral (alpha + u)^-(r+x) (beta + u)^-(s+1) du``.
All sums are in logarithms; derivatives are by the logarithms of the parameters and taken under the integral.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analytics.btyd.histories import Floats, Ints
from analytics.btyd.maximise import ROUGHLY, Optimum, best_of, maximise
from analytics.btyd.quadrature import PAIRS, integrate_moments

_AT_ONCE = 8_192  # customers whose derivatives are held at once: they stay in the processor's cache
# Rows on which the starts are tried, and on which the best of them is carried on before all rows are.
_SAMPLES = (2_000, 50_000)
# Where the search begins: r and s as they are, alpha and beta as multiples of what the data's own times suggest.
_STARTS = ((0.5, 0.5, 0.5, 0.5), (1.0, 1.0, 1.0, 1.0), (2.0, 1.0, 0.2, 1.0))


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """What the likelihood is summed over: sorted, customers without a repeat and with equal T and z made one row.

    ``at`` says which of ``values`` (the different x) each row has; ``z`` is standardised, or has no column.
    """

    x: Floats
    t_x: Floats
    T: Floats
    z: Floats
    weight: Floats
    values: Floats
    at: npt.NDArray[np.intp]

    def __len__(self) -> int:
        return len(self.x)

    def part(self, of: slice | npt.NDArray[np.intp], weight: Floats | None = None) -> Rows:
        kept = self.weight[of] if weight is None else weight
        return Rows(self.x[of], self.t_x[of], self.T[of], self.z[of], kept, self.values, self.at[of])


def gather(x: Ints, t_x: Floats, T: Floats, z: Floats) -> Rows:
    """The rows of these customers."""
    n_repeats, t_x, T = (np.asarray(one, dtype=np.float64) for one in (x, t_x, T))
    never = np.flatnonzero(n_repeats == 0)
    again = np.flatnonzero(n_repeats > 0)
    never = never[np.lexsort((*z[never].T, T[never]))]
    again = again[np.lexsort((*z[again].T, T[again], t_x[again], n_repeats[again]))]
    new = np.ones(len(never), dtype=bool)
    new[1:] = (np.diff(T[never]) != 0) | (np.diff(z[never], axis=0) != 0).any(axis=1)
    starts = np.flatnonzero(new)
    counts = np.diff(starts, append=len(never)).astype(np.float64)
    order = np.concatenate([never[starts], again])
    values, at = np.unique(n_repeats[order], return_inverse=True)
    weight = np.concatenate([counts, np.ones(len(again))])
    return Rows(n_repeats[order], t_x[order], T[order], z[order], weight, values, at)


def thinned(rows: Rows, most: int) -> Rows:
    """About ``most`` rows, every k-th of those without and with a repeat; what is left out is weighed in."""
    never = int((rows.x == 0).sum())
    kept, weight = [], []
    for low, high in ((0, never), (never, len(rows))):
        step = max((high - low) * 2 // most, 1)
        at = np.arange(low + (high - low - 1) % step // 2, high, step)
        if len(at):
            kept.append(at)
            weight.append(rows.weight[at] * (rows.weight[low:high].sum() / rows.weight[at].sum()))
    return rows.part(np.concatenate(kept), np.concatenate(weight))


def derivatives(rows: Rows, r: float, alpha: Floats, s: float, beta: Floats) -> tuple[Floats, Floats, Floats]:
    """Per row the log-likelihood (n), its gradient (4 x n) and its Hessian (4 x 4 x n) by log r, alpha, s, beta.

    ``alpha`` and ``beta`` are of one customer each, or of all (one element).
    """
    from scipy.special import digamma, expit, gammaln, zeta

    x, t_x, T, at = rows.x, rows.t_x, rows.T, rows.at
    c = r + x
    table = r + rows.values
    log_alpha, log_beta = np.log(alpha), np.log(beta)
    common = (gammaln(table) - gammaln(r))[at] + r * log_alpha + s * log_beta
    by_r = r * ((digamma(table) - digamma(r))[at] + log_alpha)
    by_r_twice = by_r + r * r * (zeta(2, table) - zeta(2, r))[at]

    # Alive at T.
    a, b = alpha + T, beta + T
    log_a, log_b, of_alpha, of_beta = np.log(a), np.log(b), alpha / a, beta / b
    alive = -c * log_a - s * log_b
    alive_by = np.stack([-r * log_a, -c * of_alpha, -s * log_b, -s * of_beta])

    # Left between t_x and T: means under the density of the moment of leaving.
    a, b = alpha + t_x, beta + t_x
    log_integral, first, second = integrate_moments(a, c, b, np.asarray(s + 1.0), np.maximum(T - t_x, 0.0))
    near_a, near_b = np.log(a), np.log(b)
    left = np.log(s) - c * near_a - (s + 1) * near_b + log_integral
    shares = (alpha * first[2], beta * first[3])
    left_by = np.stack([-r * (near_a + first[0]), -c * shares[0], 1 - s * (near_b + first[1]), -(s + 1) * shares[1]])

    gone = expit(left - alive)
    value = common + np.logaddexp(alive, left)
    gradient = alive_by + gone * (left_by - alive_by)
    hessian = np.empty((4, 4, len(x)))
    apart = left_by - alive_by
    factor = (-r, -s, -c * alpha, -(s + 1) * beta)  # of log(alpha+u), log(beta+u), 1/(alpha+u), 1/(beta+u)
    place = (0, 2, 1, 3)
    spread = gone * (1 - gone)
    for k, (i, j) in enumerate(PAIRS):
        m, n = place[i], place[j]
        moved = factor[i] * factor[j] * (second[k] - first[i] * first[j])
        hessian[m, n] = gone * moved + spread * apart[m] * apart[n]
        hessian[n, m] = hessian[m, n]
    stays = 1 - gone
    hessian[0, 0] += stays * alive_by[0] + gone * left_by[0] + by_r_twice
    hessian[2, 2] += stays * alive_by[2] + gone * (left_by[2] - 1) + s * log_beta
    hessian[1, 1] += stays * (-c * of_alpha * (1 - of_alpha)) + gone * -c * (shares[0] - alpha * alpha * second[7])
    hessian[3, 3] += stays * (-s * of_beta * (1 - of_beta)) + gone * -(s + 1) * (shares[1] - beta * beta * second[9])
    hessian[0, 1] += r - r * (stays * of_alpha + gone * shares[0])
    hessian[1, 0] = hessian[0, 1]
    hessian[2, 3] += s - s * (stays * of_beta + gone * shares[1])
    hessian[3, 2] = hessian[2, 3]
    gradient[0] += by_r
    gradient[1] += r
    gradient[2] += s * log_beta
    gradient[3] += s
    return value, gradient, hessian


def log_likelihood(rows: Rows, at: Floats) -> tuple[float, Floats, Floats]:
    """Sum over the rows, its gradient and Hessian by log r, log alpha, log s, log beta and the coefficients."""
    k = rows.z.shape[1]
    size = 4 + 2 * k
    place = _place(k)
    value, gradient, hessian = 0.0, np.zeros(size), np.zeros((size, size))
    for low in range(0, len(rows), _AT_ONCE):
        some = rows.part(slice(low, low + _AT_ONCE))
        each, by, by_twice = _at_point(some, at)
        value += float(some.weight @ each)
        if not k:
            gradient += by @ some.weight
            hessian += by_twice @ some.weight
            continue
        moves = _moves(some)
        gradient += (by[place] * moves) @ some.weight
        for i in range(size):
            weighed = moves[i] * some.weight
            for j in range(i, size):
                hessian[i, j] += float((by_twice[place[i], place[j]] * moves[j]) @ weighed)
    return value, gradient, np.triu(hessian) + np.triu(hessian, 1).T


def own_gradients(rows: Rows, at: Floats) -> Floats:
    """Each row's gradient (n x parameters) at a point: by how much it alone pulls at the estimates."""
    scores: Floats = (_at_point(rows, at)[1][_place(rows.z.shape[1])] * _moves(rows)).T
    return scores


def _at_point(rows: Rows, at: Floats) -> tuple[Floats, Floats, Floats]:
    """``derivatives`` at logarithms of r, alpha, s, beta and coefficients."""
    k = rows.z.shape[1]
    r, alpha, s, beta = np.exp(at[:4])
    own_alpha = alpha * np.exp(-rows.z @ at[4 : 4 + k]) if k else np.array([alpha])
    own_beta = beta * np.exp(-rows.z @ at[4 + k :]) if k else np.array([beta])
    return derivatives(rows, float(r), own_alpha, float(s), own_beta)


def _place(k: int) -> npt.NDArray[np.intp]:
    """Which of the four logarithms each variable moves: a coefficient that of alpha, or of beta."""
    return np.array([0, 1, 2, 3, *[1] * k, *[3] * k], dtype=np.intp)


def _moves(rows: Rows) -> Floats:
    """By how much: the first four by 1, a coefficient by -z."""
    return np.concatenate([np.ones((4, len(rows))), -rows.z.T, -rows.z.T])


def search(rows: Rows) -> Optimum:
    """The highest maximum uphill of the starts (on a part of the rows), and from there on all rows."""
    k = rows.z.shape[1]
    few = thinned(rows, _SAMPLES[0])
    mean_T = float(few.weight @ few.T) / float(few.weight.sum())
    pace = float(few.weight @ few.x) / float(few.weight @ few.T)
    times = np.array([0.0, np.log(mean_T), 0.0, np.log(mean_T)])
    wide = np.array([9.0, 14.0, 9.0, 14.0])
    lower = np.concatenate([times - wide, np.full(2 * k, -10.0)])
    upper = np.concatenate([times + wide, np.full(2 * k, 10.0)])
    starts = [
        np.concatenate([np.log([r, of_alpha * r / pace, s, of_beta * mean_T]), np.zeros(2 * k)])
        for r, of_alpha, s, of_beta in _STARTS
    ]
    near = best_of(lambda at: log_likelihood(few, at), starts, lower, upper, enough=ROUGHLY)
    if len(rows) > 3 * _SAMPLES[1]:
        more = thinned(rows, _SAMPLES[1])
        near = maximise(lambda at: log_likelihood(more, at), near.at, lower, upper, enough=ROUGHLY)
    return maximise(lambda at: log_likelihood(rows, at), near.at, lower, upper)


def never_leaving(rows: Rows, start: Floats) -> float:
    """The highest log-likelihood if nobody ever leaves: counts over T are then negative binomial."""
    from scipy.special import digamma, gammaln, zeta

    k = rows.z.shape[1]
    moves = np.concatenate([np.ones((1, len(rows))), -rows.z.T])

    def value(at: Floats) -> tuple[float, Floats, Floats]:
        r = float(np.exp(at[0]))
        log_alpha = at[1:] @ moves
        alpha = np.exp(log_alpha)
        table, c = r + rows.values, r + rows.x
        log_all, of_alpha = np.log(alpha + rows.T), alpha / (alpha + rows.T)
        each = (gammaln(table) - gammaln(r))[rows.at] + r * log_alpha - c * log_all
        by_r = r * ((digamma(table) - digamma(r))[rows.at] + log_alpha - log_all)
        by_r_twice = by_r + r * r * (zeta(2, table) - zeta(2, r))[rows.at]
        by_alpha = (r - c * of_alpha) * rows.weight
        across = moves @ (r * (1 - of_alpha) * rows.weight)
        hessian = np.empty((2 + k, 2 + k))
        hessian[0, 0] = rows.weight @ by_r_twice
        hessian[0, 1:] = hessian[1:, 0] = across
        hessian[1:, 1:] = (moves * (-c * of_alpha * (1 - of_alpha) * rows.weight)) @ moves.T
        return float(rows.weight @ each), np.concatenate([[rows.weight @ by_r], moves @ by_alpha]), hessian

    begin = np.concatenate([start, np.zeros(k)])
    return maximise(value, begin, begin - 30, begin + 30).value
