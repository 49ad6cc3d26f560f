"""Gamma-Gamma: what a customer spends per purchase, from the mean of the repeat purchases seen so far.

The value of a purchase is Gamma(p, nu) with the customer's own nu ~ Gamma(q, gamma), independent of how often they buy.
A customer's expected value lies between the own mean and that of all, nearer to the own the more purchases there were:

    E[M | x, m] = p (gamma + x m) / (p x + q - 1).

P. S. Fader and B. G. S. Hardie, The Gamma-Gamma model of monetary value, 2013. In the likelihood the gamma functions
depend on x alone, which takes few values; one logarithm per customer is left.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar, Self

import numpy as np

from analytics.btyd.histories import Floats, Ints
from analytics.btyd.identify import MOST_INFLUENCE, check_optimum, largest_influence, largest_rows
from analytics.btyd.maximise import ROUGHLY, best_of
from analytics.errors import AnalysisError

FEWEST_VALUES = 10
NAMES = ("p", "q", "gamma")
_STARTS = ((4.0, 3.0), (1.0, 2.0), (12.0, 6.0))  # p, q; gamma follows from the mean
_SMALL = 500  # customers among whom the starts are tried where there are many
_LOWER = np.log([1e-3, 1e-2, 1e-5])  # gamma in units of the mean value
_UPPER = np.log([1e4, 1e3, 1e5])
_DIAGONAL = np.arange(3), np.arange(3)
_PIECE = 8_192  # rows that stay in the cache, in arrays below what the system maps page by page


@dataclass(frozen=True, slots=True, eq=False)
class GammaGamma:
    """A fitted model of the value of a purchase, in whole currency units.

    Attributes
    ----------
    parameters : p, q, gamma (currency).
    log_covariance : of their logarithms, 3 x 3; inverse Hessian.
    n_customers : those with a positive mean value of repeat purchases, on whom it was fitted.
    correlation : Pearson's, of x and mean value over them. The model takes it for zero: far from it, who buys often
        spends otherwise per purchase than the model says.
    """

    name: ClassVar[str] = "gamma_gamma"
    parameter_names: ClassVar[tuple[str, ...]] = NAMES

    parameters: Floats
    log_covariance: Floats
    log_likelihood: float
    n_customers: int
    correlation: float

    def with_parameters(self, parameters: Floats) -> Self:
        """The same model with other parameters: one draw of parameter uncertainty."""
        return replace(self, parameters=np.asarray(parameters, np.float64))

    def expected_value(self, x: Ints, mean_value: Floats) -> Floats:
        """Expected mean value of the customer's purchases; where x is 0 (whatever the mean value) that of everybody.

        Infinite where q is at most 1 and x is 0; a fitted model has q above 1, a draw of its parameters may not.
        """
        p, q, gamma = self.parameters
        below = p * x + q - 1
        value = p * (gamma + _total(x, mean_value))
        expected: Floats = np.divide(value, below, out=np.full(len(value), np.inf), where=below > 0)
        return expected

    def draw_value(self, x: Ints, mean_value: Floats, n_purchases: Ints, rng: np.random.Generator) -> Floats:
        """One draw per customer of the sum of the next ``n_purchases`` values."""
        p = self.parameters[0]
        total: Floats = rng.standard_gamma(p * np.asarray(n_purchases, np.float64))
        return total / self._draw_nu(x, mean_value, rng)

    def draw_values(self, x: Ints, mean_value: Floats, n_purchases: Ints, rng: np.random.Generator) -> Floats:
        """One draw of every single value, customer by customer, as ``RepeatModel.draw_times`` tells their times."""
        nu = np.repeat(self._draw_nu(x, mean_value, rng), n_purchases)
        return rng.standard_gamma(self.parameters[0], len(nu)) / nu

    def _draw_nu(self, x: Ints, mean_value: Floats, rng: np.random.Generator) -> Floats:
        p, q, gamma = self.parameters
        nu: Floats = rng.standard_gamma(p * x + q) / (gamma + _total(x, mean_value))
        return np.maximum(nu, 1e-300)


def fit_gamma_gamma(x: Ints, mean_value: Floats) -> GammaGamma:
    """Maximum likelihood on the customers with a repeat purchase of positive mean value; the others are left out.

    Raises ``AnalysisError``: ``btyd_no_values`` (n_customers, needed), ``btyd_values_equal`` (n_customers: nobody
    differs), ``btyd_value_heavy_tail`` (q at most 1: the mean over customers is infinite),
    ``btyd_values_dominated`` (value: one customer's moves the estimates by itself), ``btyd_boundary``, ``btyd_flat``,
    ``btyd_not_converged`` as ``identify.check_optimum`` tells.
    """
    x, mean_value = np.asarray(x, np.int64), np.asarray(mean_value, np.float64)
    with np.errstate(invalid="ignore"):
        kept = (x > 0) & (mean_value > 0) & np.isfinite(mean_value)
    x, mean_value = x[kept], mean_value[kept]
    n = len(x)
    if n < FEWEST_VALUES:
        raise AnalysisError("btyd_no_values", n_customers=n, needed=FEWEST_VALUES)
    mean = float(mean_value.mean())
    if mean_value.max() - mean_value.min() <= 1e-9 * mean:
        raise AnalysisError("btyd_values_equal", n_customers=n)
    # In units of the mean, so that the currency has no influence on the climb.
    values = _count(x, mean_value / mean)
    starts = [np.log([p, q, max(q - 1, 0.5) / p]) for p, q in _STARTS]
    if n > 4 * _SMALL:
        part = slice(None, None, n // _SMALL)
        few = _count(x[part], mean_value[part] / mean)
        near = best_of(lambda logs: _log_likelihood(logs, few), starts, _LOWER, _UPPER, enough=ROUGHLY)
        starts = [near.at] if near.converged and not near.edges else starts
    found = best_of(lambda logs: _log_likelihood(logs, values), starts, _LOWER, _UPPER)
    covariance = check_optimum(found, NAMES, np.inf)
    p, q, gamma = np.exp(found.at)
    largest = largest_rows(mean_value)
    own = _own_gradients(found.at, x[largest], mean_value[largest] / mean)
    moved = largest_influence(own, covariance)
    if moved.max() > MOST_INFLUENCE:
        raise AnalysisError("btyd_values_dominated", value=round(float(mean_value[largest[moved.argmax()]])))
    if q <= 1:
        raise AnalysisError("btyd_value_heavy_tail", q=round(float(q), 2))
    return GammaGamma(
        parameters=np.array([p, q, gamma * mean]),
        log_covariance=covariance,
        log_likelihood=found.value - n * float(np.log(mean)),
        n_customers=n,
        correlation=_correlation(values),
    )


def _total(x: Ints, mean_value: Floats) -> Floats:
    """The sum of the values seen; 0 where there were none."""
    return np.multiply(x, mean_value, out=np.zeros(len(x)), where=np.asarray(x) > 0)


@dataclass(frozen=True, slots=True, eq=False)
class _Values:
    """What the likelihood needs: distinct x and how many, each customer's x and total, and two sums."""

    different: Floats
    n_of: Floats
    x: Floats
    total: Floats
    sum_x_log_total: float
    sum_log_mean: float


def _count(x: Ints, mean_value: Floats) -> _Values:
    by_x = np.bincount(x)
    different = np.flatnonzero(by_x)
    total = x * mean_value
    logs = np.log(total)
    repeats = x.astype(np.float64)
    log_mean = float(logs.sum() - by_x[different] @ np.log(different))
    return _Values(
        different.astype(np.float64),
        by_x[different].astype(np.float64),
        repeats,
        total,
        float((repeats * logs).sum()),
        log_mean,
    )


def _correlation(values: _Values) -> float:
    """Pearson's, of x and the mean value; 0 where nobody differs in x."""
    n, mean = len(values.x), values.total / values.x
    with_x = float((values.x * mean).sum()) / n - values.x.mean() * mean.mean()
    spread = float(values.x.std() * mean.std())
    return float(with_x) / spread if spread > 0 else 0.0


def _own_gradients(logs: Floats, x: Ints, mean_value: Floats) -> Floats:
    """Each customer's gradient (n x 3) at the logarithms of (p, q, gamma)."""
    from scipy import special

    p, q, gamma = np.exp(logs)
    both, size, psi_both = p * x + q, gamma + x * mean_value, special.psi(p * x + q)
    by_p = p * x * (psi_both - special.psi(p * x) + np.log(x * mean_value / size))
    by_q = q * (psi_both - special.psi(q) + np.log(gamma / size))
    return np.stack([by_p, by_q, q - gamma * both / size], axis=1)


def _log_likelihood(logs: Floats, values: _Values) -> tuple[float, Floats, Floats]:
    """Value, gradient and Hessian at the logarithms of (p, q, gamma)."""
    from scipy import special

    p, q, gamma = np.exp(logs)
    n, x, of = len(values.x), values.different, values.n_of
    # Sums of log(gamma + total), its inverse and inverse square, plain and weighted by x.
    sums = np.zeros((3, 2))
    for begin in range(0, n, _PIECE):
        size = gamma + values.total[begin : begin + _PIECE]
        own = values.x[begin : begin + _PIECE]
        inverse = 1 / size
        for i, each in enumerate((np.log(size), inverse, inverse * inverse)):
            sums[i] += each.sum(), each @ own
    (log_n, log_x), (inverse_n, inverse_x), (square_n, square_x) = sums
    both, alone = p * x + q, p * x
    value = of @ (special.gammaln(both) - special.gammaln(alone)) + n * (q * np.log(gamma) - special.gammaln(q))
    value += p * values.sum_x_log_total - values.sum_log_mean - p * log_x - q * log_n
    psi_both, bend_both = special.psi(both), special.zeta(2, both)
    slope = np.array(
        [
            of @ (x * (psi_both - special.psi(alone))) + values.sum_x_log_total - log_x,
            of @ psi_both - n * special.psi(q) + n * np.log(gamma) - log_n,
            n * q / gamma - p * inverse_x - q * inverse_n,
        ]
    )
    bend = np.empty((3, 3))
    bend[0, 0] = of @ (x * x * (bend_both - special.zeta(2, alone)))
    bend[1, 1] = of @ bend_both - n * special.zeta(2, q)
    bend[2, 2] = p * square_x + q * square_n - n * q / gamma**2
    bend[0, 1] = bend[1, 0] = of @ (x * bend_both)
    bend[0, 2] = bend[2, 0] = -inverse_x
    bend[1, 2] = bend[2, 1] = n / gamma - inverse_n
    scale = np.array([p, q, gamma])
    slope *= scale
    bend *= scale[:, None] * scale
    bend[_DIAGONAL] += slope
    return float(value), slope, bend
