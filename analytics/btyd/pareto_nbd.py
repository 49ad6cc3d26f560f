"""Pareto/NBD: purchases at a rate of one's own (Poisson, gamma) until an unseen lifetime ends (exponential, gamma).

Schmittlein, Morrison and Colombo (1987), "Counting your customers: who are they and what will they do next?",
Management Science 33(1); written as in Fader and Hardie (2005), "A note on deriving the Pareto/NBD model and related
expressions"; static covariates as in Fader and Hardie (2007), "Incorporating time-invariant covariates into the
Pareto/NBD and BG/NBD models".

Rates of purchase are gamma of shape r and rate alpha, rates of leaving gamma of shape s and rate beta; with covariates
``alpha_i = alpha exp(-z_i g_alpha)`` and ``beta_i = beta exp(-z_i g_beta)``: a positive coefficient buys, or leaves,
faster. Given that a customer is alive at T, the two rates are independent gammas of shapes r + x and s and rates
alpha + T and beta + T; all predictions rest on that.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from analytics.btyd.histories import Floats, Ints
from analytics.btyd.identify import check_histories, check_influence, check_optimum, largest_rows
from analytics.btyd.pareto_likelihood import gather, never_leaving, own_gradients, search
from analytics.btyd.quadrature import integrate_counts, integrate_discounted, integrate_powers
from analytics.errors import AnalysisError

NAMES = ("r", "alpha", "s", "beta")
_AT_ONCE = 131_072  # customers whose distributions are worked on at once


def names_with(k: int) -> tuple[str, ...]:
    """Names of all parameters with k covariates: r, alpha, s, beta, then "alpha_1", ..., "beta_1", ..."""
    return (*NAMES, *(f"{place}_{j}" for place in ("alpha", "beta") for j in range(1, k + 1)))


@dataclass(frozen=True, slots=True, eq=False)
class ParetoNbd:
    """A fitted Pareto/NBD; see ``model.RepeatModel`` for what its methods answer.

    Attributes
    ----------
    parameters : r, alpha, s, beta, then the coefficients of alpha, then those of beta.
    log_covariance : inverse Hessian, of the logarithms of the four and of the coefficients as they are.
    """

    parameters: Floats
    log_covariance: Floats
    log_likelihood: float
    n_customers: int

    @property
    def name(self) -> str:
        return "pareto_nbd"

    @property
    def parameter_names(self) -> tuple[str, ...]:
        return names_with(self._n_covariates)

    @property
    def _n_covariates(self) -> int:
        return (len(self.parameters) - 4) // 2

    def with_parameters(self, parameters: Floats) -> Self:
        return replace(self, parameters=np.asarray(parameters, dtype=np.float64))

    def p_alive(self, x: Ints, t_x: Floats, T: Floats, z: Floats | None = None) -> Floats:
        from scipy.special import expit

        r, alpha, s, beta = self._rates(z)
        t_x, T = np.asarray(t_x, np.float64), np.asarray(T, np.float64)
        c: Floats = r + np.asarray(x, np.float64)
        # Odds of having left: the likelihood of all ways of leaving between t_x and T over that of being there at T.
        left = np.log(s) - np.log(beta + t_x)
        left += c * np.log((alpha + T) / (alpha + t_x)) + s * np.log((beta + T) / (beta + t_x))
        left += integrate_powers(alpha + t_x, c, beta + t_x, np.asarray(s + 1.0), np.maximum(T - t_x, 0.0))
        return np.asarray(expit(-left), dtype=np.float64)

    def expected_purchases(self, x: Ints, t_x: Floats, T: Floats, horizon: float, z: Floats | None = None) -> Floats:
        return self.discounted_purchases(x, t_x, T, horizon, 0.0, z)

    def expected_purchases_new(self, t: Floats | float, z: Floats | None = None) -> Floats:
        r, alpha, s, beta = self._rates(z)
        expected: Floats = r / alpha * _mean_time(beta, s, np.asarray(t, np.float64))
        return expected

    def discounted_purchases(
        self, x: Ints, t_x: Floats, T: Floats, horizon: float, rate_per_unit: float, z: Floats | None = None
    ) -> Floats:
        """As in ``model.RepeatModel``. The horizon may be infinite: with a discount rate this is DERT (continuous)."""
        r, alpha, s, beta = self._rates(z)
        T = np.asarray(T, np.float64)
        pace: Floats = self.p_alive(x, t_x, T, z) * (r + np.asarray(x, np.float64)) / (alpha + T)
        if rate_per_unit > 0 or horizon == np.inf:
            return pace * integrate_discounted(np.broadcast_to(beta + T, pace.shape), s, rate_per_unit, horizon)
        return pace * _mean_time(beta + T, s, np.asarray(horizon, np.float64))

    def purchase_distribution(
        self, x: Ints, t_x: Floats, T: Floats, horizon: float, most: int, z: Floats | None = None
    ) -> Floats:
        """As in ``model.RepeatModel``: negative binomial counts over the Lomax lifetime that is left, by quadrature."""
        r, alpha, s, beta = self._rates(z)
        T = np.asarray(T, np.float64)
        c, a, b = np.broadcast_arrays(r + np.asarray(x, np.float64), alpha + T, beta + T)
        found = np.empty((len(c), most + 1))
        for low in range(0, len(c), _AT_ONCE):
            some = slice(low, low + _AT_ONCE)
            # What a living customer will do depends on x and T (and covariates) alone: once for all who share them.
            alike, back = _distinct(np.stack([c[some], a[some], b[some]]))
            found[some] = _counts_alive(alike[0], alike[1], alike[2], s, horizon, most)[back]
        p_alive = self.p_alive(x, t_x, T, z)
        found *= p_alive[:, None]
        found[:, 0] += 1 - p_alive
        return found

    def p_purchase_by(self, x: Ints, t_x: Floats, T: Floats, t: Floats | float, z: Floats | None = None) -> Floats:
        r, alpha, s, beta = self._rates(z)
        a, b = alpha + np.asarray(T, np.float64), beta + np.asarray(T, np.float64)
        c: Floats = r + np.asarray(x, np.float64)
        within = integrate_powers(a, c + 1.0, b, np.asarray(s), np.asarray(t, np.float64))
        found: Floats = self.p_alive(x, t_x, T, z) * c / a * np.exp(within)
        return found

    def draw_purchases(
        self, x: Ints, t_x: Floats, T: Floats, horizon: float, rng: np.random.Generator, z: Floats | None = None
    ) -> Ints:
        return self._draw(x, t_x, T, horizon, rng, z)[0]

    def draw_times(
        self, x: Ints, t_x: Floats, T: Floats, horizon: float, rng: np.random.Generator, z: Floats | None = None
    ) -> tuple[Ints, Floats]:
        counts, ends = self._draw(x, t_x, T, horizon, rng, z)
        customer = np.repeat(np.arange(len(counts)), counts)
        times = rng.random(len(customer)) * ends[customer]
        return counts, times[np.lexsort((times, customer))]

    def _draw(
        self, x: Ints, t_x: Floats, T: Floats, horizon: float, rng: np.random.Generator, z: Floats | None
    ) -> tuple[Ints, Floats]:
        """Purchases, and until when the customer can buy: exact, alive or not, then both rates, then the lifetime."""
        r, alpha, s, beta = self._rates(z)
        x, T = np.asarray(x), np.asarray(T, np.float64)
        alive = rng.random(len(x)) < self.p_alive(x, t_x, T, z)
        pace = rng.standard_gamma(r + x) / (alpha + T)
        # An exponential lifetime of gamma rate: a ratio, so that a rate too small for a number leaves it endless.
        with np.errstate(divide="ignore", over="ignore"):
            lifetime = (beta + T) * rng.standard_exponential(len(x)) / rng.standard_gamma(s, len(x))
        ends = np.where(alive, np.minimum(lifetime, horizon), 0.0)
        return rng.poisson(pace * ends).astype(np.int64), ends

    def _rates(self, z: Floats | None) -> tuple[float, Any, float, Any]:
        """r, alpha, s, beta; alpha and beta of each customer where there are covariates."""
        r, alpha, s, beta = (float(one) for one in self.parameters[:4])
        if (0 if z is None else z.shape[1]) != self._n_covariates:
            raise AnalysisError("btyd_covariates", n_covariates=self._n_covariates)
        if z is None:
            return r, alpha, s, beta
        of_alpha, of_beta = np.split(self.parameters[4:], 2)
        return r, alpha * np.exp(-z @ of_alpha), s, beta * np.exp(-z @ of_beta)


def _counts_alive(c: Floats, a: Floats, b: Floats, s: float, horizon: float, most: int) -> Floats:
    """n x (most + 1): chances of 0, 1, ... ``most`` or more purchases of customers who are alive."""
    counts = np.zeros((most + 1, len(c)))
    counts[:most] = integrate_counts(a, c, b, s, horizon, most)
    count = np.exp(-s * np.log1p(horizon / b) - c * np.log1p(horizon / a))  # alive all the time, none bought
    for k in range(most):
        counts[k] += count
        count = count * ((c + k) / (k + 1) * (horizon / (a + horizon)))
    counts[most] = np.maximum(1 - counts[:most].sum(axis=0), 0.0)
    return counts.T


def _mean_time(b: Any, s: float, horizon: Floats) -> Floats:
    """Expected time alive within the horizon when the lifetime left is Lomax of shape s and scale b."""
    from scipy.special import exprel

    reach = np.log1p(horizon / b)
    return np.asarray(b * reach * exprel((1 - s) * reach), dtype=np.float64)


def _distinct(rows: Floats) -> tuple[Floats, npt.NDArray[np.intp]]:
    """The different columns of a k x n array, and which of them each column is."""
    order = np.lexsort(rows[::-1])
    ordered = rows[:, order]
    new = np.ones(rows.shape[1], dtype=bool)
    new[1:] = (ordered[:, 1:] != ordered[:, :-1]).any(axis=0)
    back = np.empty(rows.shape[1], dtype=np.intp)
    back[order] = np.cumsum(new) - 1
    return ordered[:, new], back


def fit_pareto_nbd(x: Ints, t_x: Floats, T: Floats, z: Floats | None = None, *, unit_days: float = 7.0) -> ParetoNbd:
    """Maximum likelihood from several starts, tried on a part of the customers and finished on all.

    Parameters
    ----------
    x, t_x, T : one element per customer (see ``histories``); customers with T = 0 say nothing and are kept.
    z : static covariates, n x k; coefficients are in their own units.
    unit_days : days in one unit of time, for what ``btyd_too_short`` tells.

    Raises the codes of ``identify``: ``check_histories``, ``check_optimum`` and ``check_influence``.
    """
    x, t_x, T = np.asarray(x, np.int64), np.asarray(t_x, np.float64), np.asarray(T, np.float64)
    check_histories(x, t_x, T, z, unit_days=unit_days)
    given = np.empty((len(x), 0)) if z is None else np.asarray(z, dtype=np.float64)
    k = given.shape[1]
    middle, spread = given.mean(axis=0), given.std(axis=0)
    scaled = (given - middle) / spread
    rows = gather(x, t_x, T, scaled)
    found = search(rows)
    gain = found.value - never_leaving(rows, found.at[:2])
    covariance = check_optimum(found, names_with(k), gain)
    leading = largest_rows(x)
    for row in leading:
        alone = gather(x[[row]], t_x[[row]], T[[row]], scaled[[row]])
        check_influence(x, leading[leading == row], own_gradients(alone, found.at), covariance)
    # Back to the covariates' own units: log alpha_i = log alpha - g (z - middle) / spread.
    back = np.eye(4 + 2 * k)
    for j in range(k):
        for base, column in ((1, 4 + j), (3, 4 + k + j)):
            back[column, column] = 1 / spread[j]
            back[base, column] = middle[j] / spread[j]
    parameters = back @ found.at
    parameters[:4] = np.exp(parameters[:4])
    return ParetoNbd(parameters, back @ covariance @ back.T, found.value, len(x))
