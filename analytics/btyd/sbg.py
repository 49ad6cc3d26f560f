"""Shifted-beta-geometric: how long subscriptions last when each customer has an own, unseen chance of not renewing.

Fader and Hardie (2007), "How to project customer retention", Journal of Interactive Marketing 21(1); what the renewals
to come are worth: Fader and Hardie (2010), "Customer-base valuation in a contractual setting: the perils of ignoring
heterogeneity", Marketing Science 29(1).

In every period a customer leaves with the same probability theta, and theta is beta(alpha, beta) over customers. Among
those who come into period t, the share that leaves is then ``alpha / (alpha + beta + t - 1)``: retention rises with
tenure though nobody becomes more loyal, because those who stay are the loyal ones. The likelihood is a product of these
shares over periods, so whoever is censored, or seen only from a later period on, enters just where observed.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import numpy.typing as npt

from analytics.btyd.histories import Floats
from analytics.btyd.identify import check_optimum
from analytics.btyd.maximise import Optimum, best_of
from analytics.errors import AnalysisError

FEWEST_CUSTOMERS = 20
FEWEST_LEAVING = 5
_EDGE = np.log(1e4)  # beyond it customers are alike (both parameters large) or of two kinds (both small)
_STARTS = ((0.5, 1.0), (1.0, 5.0), (5.0, 20.0))


@dataclass(frozen=True, slots=True, eq=False)
class Sbg:
    """A fitted shifted-beta-geometric; times are counted in periods since the customer began.

    Attributes
    ----------
    parameters : alpha, beta.
    log_covariance : 2 x 2, of their logarithms: inverse Hessian.
    n_customers, n_left : customers, and those who left while observed.
    n_periods : the longest tenure observed; what lies beyond is projected.
    """

    parameters: Floats
    log_covariance: Floats
    log_likelihood: float
    n_customers: float
    n_left: float
    n_periods: int

    @property
    def name(self) -> str:
        return "sbg"

    @property
    def parameter_names(self) -> tuple[str, ...]:
        return ("alpha", "beta")

    def with_parameters(self, parameters: Floats) -> Self:
        return replace(self, parameters=np.asarray(parameters, dtype=np.float64))

    def survival(self, t: npt.ArrayLike, survived: npt.ArrayLike = 0) -> Floats:
        """Probability of staying t periods more, given that ``survived`` have been stayed."""
        return np.asarray(np.exp(self._log_survival(t, survived)[0]), dtype=np.float64)

    def retention(self, t: npt.ArrayLike) -> Floats:
        """Share of those who come into period t (1 is the first) that stay through it."""
        alpha, beta = self.parameters
        before = np.asarray(t, np.float64) - 1
        return np.asarray((beta + before) / (alpha + beta + before), dtype=np.float64)

    def survival_interval(
        self, t: npt.ArrayLike, level: float = 0.9, survived: npt.ArrayLike = 0
    ) -> tuple[Floats, Floats]:
        """Where ``survival`` lies at this level: delta method on log(-log S), so that it stays between 0 and 1."""
        log_s, by = self._log_survival(t, survived)
        with np.errstate(divide="ignore", invalid="ignore"):
            spread = _z(level) * self._spread(by / log_s)
            ends = np.exp(log_s * np.exp(spread)), np.exp(log_s * np.exp(-spread))
        certain = log_s == 0  # no period to come
        return np.where(certain, 1.0, ends[0]), np.where(certain, 1.0, ends[1])

    def retention_interval(self, t: npt.ArrayLike, level: float = 0.9) -> tuple[Floats, Floats]:
        """Where ``retention`` lies at this level: delta method on its logit, log(beta + t - 1) - log(alpha)."""
        from scipy.special import expit

        alpha, beta = self.parameters
        before = np.asarray(t, np.float64) - 1
        middle = np.log(beta + before) - np.log(alpha)
        spread = _z(level) * self._spread(np.stack([-np.ones_like(middle), beta / (beta + before)]))
        return np.asarray(expit(middle - spread)), np.asarray(expit(middle + spread))

    def derl(self, rate: float, survived: npt.ArrayLike = 0) -> Floats:
        """Discounted expected residual lifetime: renewals to come, the next one undiscounted, in periods.

        ``rate`` is the interest of one period; ``survived`` are the periods stayed until just before the next renewal
        (n - 1 in the paper's notation). The first payment of a new customer is not in it: ``1 + derl(rate) / (1 +
        rate)`` is the discounted expected lifetime with it. Infinite without discount where alpha is at most 1.
        """
        from scipy.special import hyp2f1

        alpha, beta = self.parameters
        n = np.asarray(survived, np.float64)
        stays = (beta + n) / (alpha + beta + n)
        if rate <= 0:
            total = (alpha + beta + n) / (alpha - 1) if alpha > 1 else np.full(n.shape, np.inf)
            return np.asarray(stays * total, dtype=np.float64)
        later = hyp2f1(1.0, beta + n + 1, alpha + beta + n + 1, 1 / (1 + rate))
        return np.asarray(stays * later, dtype=np.float64)

    def expected_renewals(self, horizon: int, rate: float = 0.0, survived: npt.ArrayLike = 0) -> Floats:
        """The first ``horizon`` terms of ``derl``: renewals within so many periods, the next one undiscounted."""
        n = np.asarray(survived, np.float64)
        ahead = np.arange(1, horizon + 1, dtype=np.float64)
        each = self.survival(ahead, n[..., None]) * (1 + rate) ** -(ahead - 1)
        return np.asarray(each.sum(axis=-1), dtype=np.float64)

    def _log_survival(self, t: npt.ArrayLike, survived: npt.ArrayLike) -> tuple[Floats, Floats]:
        """Logarithm of ``survival`` and its derivatives by log alpha and log beta."""
        from scipy.special import digamma, gammaln

        alpha, beta = self.parameters
        n, t = np.broadcast_arrays(np.asarray(survived, np.float64), np.asarray(t, np.float64))
        begin, end, both = beta + n, beta + n + t, alpha + beta + n
        log_s = gammaln(end) - gammaln(begin) + gammaln(both) - gammaln(both + t)
        falls = digamma(both) - digamma(both + t)
        by = np.stack([alpha * falls, beta * (digamma(end) - digamma(begin) + falls)])
        return np.where(t == 0, 0.0, log_s), by

    def _spread(self, by: Floats) -> Floats:
        """Standard error of what has these derivatives (2 x ...) by the logarithms of the parameters."""
        variance = np.einsum("i...,ij,j...->...", by, self.log_covariance, by)
        return np.asarray(np.sqrt(np.maximum(variance, 0.0)), dtype=np.float64)


def fit_sbg(
    periods: npt.ArrayLike,
    left: npt.ArrayLike,
    entered: npt.ArrayLike | None = None,
    weight: npt.ArrayLike | None = None,
) -> Sbg:
    """Maximum likelihood from individual customers who began at different times.

    Parameters
    ----------
    periods : whole periods; the period in which the customer left (at least 1), or those fully stayed until now.
    left : whether the customer has left; those who have not are censored.
    entered : periods already stayed when observation began (0 unless told): what was before is not known of others.
    weight : customers that a row stands for.

    Raises the codes of ``fit_sbg_counts``.
    """
    periods, left = np.asarray(periods, np.int64), np.asarray(left, np.bool_)
    begun = np.zeros_like(periods) if entered is None else np.asarray(entered, np.int64)
    each = np.ones(len(periods)) if weight is None else np.asarray(weight, np.float64)
    seen = periods > begun
    longest = int(periods[seen].max(initial=0))
    n_left = np.bincount(periods[seen & left] - 1, each[seen & left], longest).astype(np.float64)
    comes = np.bincount(begun[seen], each[seen], longest + 1)
    goes = np.bincount(periods[seen], each[seen], longest + 1)
    at_risk: Floats = np.cumsum(comes - goes)[:longest].astype(np.float64)
    return fit_sbg_counts(at_risk, n_left, n_customers=float(each.sum()))


def fit_sbg_survivors(survivors: npt.ArrayLike) -> Sbg:
    """Maximum likelihood from one cohort: customers at the start, and how many were left after each period.

    Raises the codes of ``fit_sbg_counts``, and ``sbg_not_falling`` where the counts rise.
    """
    counts = np.asarray(survivors, np.float64)
    if len(counts) and (not np.isfinite(counts).all() or (np.diff(counts) > 0).any() or counts[-1] < 0):
        raise AnalysisError("sbg_not_falling", n_periods=len(counts) - 1)
    return fit_sbg_counts(counts[:-1], -np.diff(counts), n_customers=float(counts[0]) if len(counts) else 0.0)


def fit_sbg_counts(at_risk: Floats, left: Floats, *, n_customers: float) -> Sbg:
    """Maximum likelihood from the customers who came into each period and those of them who left in it.

    Raises ``sbg_too_few`` (n_customers, n_left and what is needed), ``sbg_nobody_leaves`` (n_customers),
    ``sbg_one_period`` (only one tenure observed, or all left in it: retention cannot rise), ``sbg_alike`` (percent that
    leaves per period: it does not fall with tenure, so customers do not differ visibly), ``sbg_two_kinds`` (percent: of
    those leave at once and the others never), ``btyd_flat``, ``btyd_not_converged`` (see ``identify.check_optimum``).
    """
    keep = np.flatnonzero(at_risk > 0)
    at_risk, left, before = at_risk[keep], left[keep], keep.astype(np.float64)
    n_left = float(left.sum())
    if n_customers >= FEWEST_CUSTOMERS and n_left == 0:
        raise AnalysisError("sbg_nobody_leaves", n_customers=int(n_customers))
    if n_customers < FEWEST_CUSTOMERS or n_left < FEWEST_LEAVING:
        raise AnalysisError(
            "sbg_too_few",
            n_customers=int(n_customers),
            n_left=int(n_left),
            needed=FEWEST_CUSTOMERS,
            needed_left=FEWEST_LEAVING,
        )
    if len(keep) < 2:
        raise AnalysisError("sbg_one_period", n_customers=int(n_customers), n_left=int(n_left))
    stayed = at_risk - left

    def value(at: Floats) -> tuple[float, Floats, Floats]:
        alpha, beta = np.exp(at)
        begin, both = beta + before, alpha + beta + before
        log_likelihood = n_left * at[0] + stayed @ np.log(begin) - at_risk @ np.log(both)
        a, b, c = alpha / both, beta / begin, beta / both
        gradient = np.array([n_left - at_risk @ a, stayed @ b - at_risk @ c])
        across = at_risk @ (a * c)
        hessian = np.array(
            [
                [-(at_risk @ (a * (1 - a))), across],
                [across, stayed @ (b * (1 - b)) - at_risk @ (c * (1 - c))],
            ]
        )
        return float(log_likelihood), gradient, hessian

    edge = np.full(2, _EDGE)
    found = best_of(value, [np.log(start) for start in _STARTS], -edge, edge)
    share = n_left / float(at_risk.sum())
    if found.at.max() > _EDGE - 0.1 or _no_better_than_alike(found, at_risk, left):
        raise AnalysisError("sbg_alike", percent=round(100 * share, 1))
    if found.at.min() < 0.1 - _EDGE:
        raise AnalysisError("sbg_two_kinds", percent=round(100 * float(left[0] / at_risk[0]), 1))
    covariance = check_optimum(found, ("alpha", "beta"), gain=np.inf)
    return Sbg(np.exp(found.at), covariance, found.value, n_customers, n_left, int(keep[-1]) + 1)


def _no_better_than_alike(found: Optimum, at_risk: Floats, left: Floats) -> bool:
    """Whether one share for all customers and periods is as likely: the limit of large parameters."""
    share = left.sum() / at_risk.sum()
    alike = left.sum() * np.log(share) + (at_risk - left).sum() * np.log1p(-share) if share < 1 else 0.0
    return bool(found.value <= alike + 1e-9)


def _z(level: float) -> float:
    from scipy.special import ndtri

    return float(ndtri((1 + level) / 2))
