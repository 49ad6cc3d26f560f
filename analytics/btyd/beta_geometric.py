"""What BG/NBD and MBG/NBD share: the fit from several starts, and predictions from r, alpha, a, b.

The two differ in one place, ``chances``: whether a customer may leave right after the first purchase.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Self

import numpy as np

from analytics.btyd import counts, likelihood
from analytics.btyd.histories import Floats, Ints
from analytics.btyd.identify import check_histories, check_influence, check_optimum, largest_rows
from analytics.btyd.maximise import ENOUGH, ROUGHLY, Optimum, best_of, maximise
from analytics.errors import AnalysisError

NAMES = ("r", "alpha", "a", "b")
# r, a, b; alpha follows from r and the mean rate of purchase.
_STARTS = ((0.5, 0.6, 2.0), (1.5, 1.0, 8.0), (0.2, 3.0, 3.0))
_PARTS = (1_000, 30_000)  # customers among whom the starts are tried where there are many
# Bounds of the logarithms of r, alpha (in units of the mean T), a, b.
_LOWER = np.log([1e-3, 1e-4, 1e-3, 1e-3])
_UPPER = np.log([1e3, 1e5, 1e3, 1e4])
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(16)


@dataclass(frozen=True, slots=True, eq=False)
class BetaGeometric:
    """A fitted model; see ``model.RepeatModel`` for what it tells.

    Attributes
    ----------
    parameters : r, alpha (units of time), a, b, then with k covariates the coefficients on alpha, a and b, k each.
    log_covariance : of log r, log alpha, log a, log b and the coefficients.
    """

    name: ClassVar[str]
    chances: ClassVar[int]

    parameters: Floats
    log_covariance: Floats
    log_likelihood: float
    n_customers: int

    @property
    def parameter_names(self) -> tuple[str, ...]:
        return names_with(self._n_covariates)

    @property
    def _n_covariates(self) -> int:
        return (len(self.parameters) - 4) // 3

    def with_parameters(self, parameters: Floats) -> Self:
        return replace(self, parameters=np.asarray(parameters, np.float64))

    def p_alive(self, x: Ints, t_x: Floats, T: Floats, z: Floats | None = None) -> Floats:
        r, alpha, a, b = self._own(z)
        tosses = b + x + (self.chances - 1)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            odds = a / tosses * np.exp((r + x) * np.log((alpha + T) / (alpha + t_x)))
            alive: Floats = 1 / (1 + odds)
        if not self.chances:
            alive[np.asarray(x) == 0] = 1.0
        return alive

    def expected_purchases(self, x: Ints, t_x: Floats, T: Floats, horizon: float, z: Floats | None = None) -> Floats:
        return self.p_alive(x, t_x, T, z) * self._expected_alive(x, T, horizon, z)

    def expected_purchases_new(self, t: Floats | float, z: Floats | None = None) -> Floats:
        n = max(np.size(t), 1 if z is None else len(z))
        times = np.broadcast_to(np.asarray(t, np.float64), n)
        zero, none = np.zeros(n), np.zeros(n, np.int64)
        expected = np.empty(n)
        for each in np.unique(times):
            of = times == each
            own = None if z is None else z[of]
            expected[of] = self.expected_purchases(none[of], zero[of], zero[of], float(each), own)
        return expected

    def purchase_distribution(
        self, x: Ints, t_x: Floats, T: Floats, horizon: float, most: int, z: Floats | None = None
    ) -> Floats:
        s, A, a, c = self._posterior(x, T, z)
        at_least = counts.at_least(s, A, a, c, horizon, most) * self.p_alive(x, t_x, T, z)[:, None]
        at_least[:, 0] = 1.0
        result = at_least.copy()
        result[:, :-1] -= at_least[:, 1:]
        return result

    def p_purchase_by(self, x: Ints, t_x: Floats, T: Floats, t: Floats | float, z: Floats | None = None) -> Floats:
        r, alpha, _, _ = self._own(z)
        soon: Floats = -np.expm1(-(r + x) * np.log1p(t / (alpha + T)))
        return self.p_alive(x, t_x, T, z) * soon

    def discounted_purchases(
        self, x: Ints, t_x: Floats, T: Floats, horizon: float, rate_per_unit: float, z: Floats | None = None
    ) -> Floats:
        # By parts: exp(-dh) E(h) + d * integral of exp(-dt) E(t) dt. E bends most at its beginning, hence the
        # logarithmic scale of time.
        total = np.exp(-rate_per_unit * horizon) * self._expected_alive(x, T, horizon, z)
        if rate_per_unit:
            scale = float(np.median(np.atleast_1d(self._own(z)[1])))
            stretch = np.log1p(horizon / scale)
            for node, weight in zip((_NODES + 1) / 2, _WEIGHTS / 2, strict=True):
                t = scale * np.expm1(stretch * node)
                width = weight * stretch * (scale + t) * rate_per_unit * np.exp(-rate_per_unit * t)
                total += width * self._expected_alive(x, T, t, z)
        result: Floats = total * self.p_alive(x, t_x, T, z)
        return result

    def draw_purchases(
        self, x: Ints, t_x: Floats, T: Floats, horizon: float, rng: np.random.Generator, z: Floats | None = None
    ) -> Ints:
        return counts.draw_counts(*self._posterior(x, T, z), self.p_alive(x, t_x, T, z), horizon, rng)[0]

    def draw_times(
        self, x: Ints, t_x: Floats, T: Floats, horizon: float, rng: np.random.Generator, z: Floats | None = None
    ) -> tuple[Ints, Floats]:
        made, of = counts.draw_counts(*self._posterior(x, T, z), self.p_alive(x, t_x, T, z), horizon, rng)
        return made, counts.draw_first_times(made, of, horizon, rng)

    def _expected_alive(self, x: Ints, T: Floats, horizon: float, z: Floats | None) -> Floats:
        """Expected purchases of a customer who has not left by T."""
        x = np.asarray(x)
        if z is None:
            r, alpha, a, b = (float(each) for each in self.parameters[:4])
            return counts.expected_counts(x, r, alpha + T, a, b + self.chances, horizon)
        return counts.expected_counts_each(*self._posterior(x, T, z), horizon)

    def _posterior(self, x: Ints, T: Floats, z: Floats | None) -> tuple[Floats, Floats, Floats, Floats]:
        """Shape and rate of lambda, a and b of p, given the history and that the customer has not left."""
        r, alpha, a, b = self._own(z)
        made = np.asarray(x, np.float64)
        return made + r, T + alpha, np.array(np.broadcast_to(a, len(made))), made + b + self.chances

    def _own(self, z: Floats | None) -> tuple[float, Floats, Floats, Floats]:
        if (0 if z is None else z.shape[1]) != self._n_covariates:
            raise AnalysisError("btyd_covariates", n_covariates=self._n_covariates)
        if z is None:
            return float(self.parameters[0]), *self.parameters[1:, None]
        return likelihood.spread(self.parameters, z)


def names_with(n_covariates: int) -> tuple[str, ...]:
    """Names of all parameters: r, alpha, a, b, then "alpha_1", ... , "a_1", ..., "b_1", ... per covariate."""
    return NAMES + tuple(f"{name}_{i + 1}" for name in NAMES[1:] for i in range(n_covariates))


def fit(
    x: Ints, t_x: Floats, T: Floats, z: Floats | None, chances: int, unit_days: float
) -> tuple[Floats, Floats, float, int]:
    """The fields of a ``BetaGeometric``, by maximum likelihood. Raises what ``identify`` raises."""
    x = np.asarray(x, np.int64)
    t_x, T = np.asarray(t_x, np.float64), np.asarray(T, np.float64)
    check_histories(x, t_x, T, z, unit_days=unit_days)
    lower, upper = _LOWER.copy(), _UPPER.copy()
    unit = np.log(T.mean())
    lower[1], upper[1] = lower[1] + unit, upper[1] + unit
    found, counted = _without_covariates(x, t_x, T, chances, lower, upper)
    nobody_leaves = maximise(
        lambda logs: likelihood.log_likelihood_nbd(logs, counted), found.at[:2], lower[:2], upper[:2]
    )
    gain = found.value - nobody_leaves.value
    covariance = check_optimum(found, NAMES, gain)
    rows = largest_rows(x)
    r, alpha, a, b = (float(each) for each in np.exp(found.at))
    own = likelihood.per_customer(x[rows], t_x[rows], T[rows], r, alpha, a, b, chances)[1]
    check_influence(x, rows, np.stack(own, axis=1), covariance)
    if z is None:
        return np.exp(found.at), covariance, found.value, len(x)
    return _with_covariates(x, t_x, T, z, chances, found, lower, upper, gain)


def _without_covariates(
    x: Ints, t_x: Floats, T: Floats, chances: int, lower: Floats, upper: Floats
) -> tuple[Optimum, likelihood.Counted]:
    rate = x.sum() / T.sum()
    starts = [np.log([r, r / rate, a, b]) for r, a, b in _STARTS]
    counted = likelihood.count(x, t_x, T, chances)

    def near(n: int, from_: Sequence[Floats], enough: float) -> Optimum:
        part = slice(None, None, max(len(x) // n, 1))
        few = likelihood.count(x[part], t_x[part], T[part], chances) if n < len(x) else counted
        return best_of(lambda logs: likelihood.log_likelihood(logs, few), from_, lower, upper, enough=enough)

    # The maximum of a part of the customers is next to that of all; the climb from it takes few steps.
    begin = starts
    for n in _PARTS:
        if len(x) > 4 * n:
            found = near(n, begin, ROUGHLY)
            begin = [found.at] if found.converged and not found.edges else starts
    found = near(len(x), begin, ENOUGH)
    if len(begin) == 1 and (found.edges or not found.converged):
        found = near(len(x), starts, ENOUGH)
    return found, counted


def _with_covariates(
    x: Ints,
    t_x: Floats,
    T: Floats,
    z: Floats,
    chances: int,
    without: Optimum,
    lower: Floats,
    upper: Floats,
    gain: float,
) -> tuple[Floats, Floats, float, int]:
    """Fitted on standardised covariates from the maximum without them; told in the covariates' own units."""
    k = z.shape[1]
    centre, width = z.mean(axis=0), z.std(axis=0)
    scaled = (z - centre) / width
    reach = np.full(3 * k, 8.0)
    found = maximise(
        lambda at: likelihood.log_likelihood_covariates(at, x, t_x, T, scaled, chances),
        np.concatenate([without.at, np.zeros(3 * k)]),
        np.concatenate([lower, -reach]),
        np.concatenate([upper, reach]),
    )
    covariance = check_optimum(found, names_with(k), gain + found.value - without.value)
    # alpha exp(-g'(z - centre) / width) = alpha exp(g' centre / width) exp(-(g / width)' z), and the like for a and b.
    back = np.eye(4 + 3 * k)
    for i, sign in ((1, 1.0), (2, -1.0), (3, -1.0)):
        place = slice(4 + (i - 1) * k, 4 + i * k)
        back[i, place] = sign * centre / width
        back[place, place] = np.diag(1 / width)
    at = back @ found.at
    return np.concatenate([np.exp(at[:4]), at[4:]]), back @ covariance @ back.T, found.value, len(x)
