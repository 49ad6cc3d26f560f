"""How well a model foretells the days that it has not seen."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analytics.btyd.model import RepeatModel
from analytics.value.purchases import Seen

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

MOST_CELLS = 4_000_000  # of a table of probabilities, held at once
LEAST_PROBABILITY = 1e-12  # a log score is never worse than its logarithm
# Three-point Gauss-Hermite: a period better or worse than foretold by a log-normal factor.
_NODES = np.array([-np.sqrt(3.0), 0.0, np.sqrt(3.0)])
_WEIGHTS = np.array([1.0, 4.0, 1.0]) / 6.0


@dataclass(frozen=True, slots=True, eq=False)
class Foretold:
    """One entry per customer.

    Attributes
    ----------
    expected : purchases in the holdout. actual : what came.
    below, at : P(fewer than actual), P(exactly actual): what log score, intervals and PIT are made of.
    """

    expected: Floats
    actual: Ints
    below: Floats
    at: Floats

    @property
    def log_score(self) -> Floats:
        """The logarithm of the probability given to what came: a proper score."""
        return np.log(np.maximum(self.at, LEAST_PROBABILITY))

    def covered(self, level: float) -> npt.NDArray[np.bool_]:
        """Whether what came lies in the equal-tailed interval. Counts are discrete: it covers more than ``level``."""
        tail = (1 - level) / 2
        return (self.below + self.at >= tail - 1e-12) & (self.below < 1 - tail + 1e-12)

    def pit(self, rng: np.random.Generator) -> Floats:
        """Randomised probability integral transform: uniform where the model is right (Czado, Gneiting & Held 2009)."""
        return self.below + rng.uniform(size=len(self.at)) * self.at


def foretell(
    model: RepeatModel, seen: Seen, horizon: float, actual: Ints, z: Floats | None = None, common: float = 0.0
) -> Foretold:
    """The model's word about ``horizon`` units after the cut, held against what came.

    ``common`` is the relative standard deviation of what a whole period may do beyond the model.
    """
    n = len(actual)
    expected, below, at = np.zeros(n), np.zeros(n), np.zeros(n)
    factors = np.exp(np.sqrt(np.log1p(common**2)) * _NODES - np.log1p(common**2) / 2) if common else np.ones(1)
    weights = _WEIGHTS if common else np.ones(1)
    # Customers with like counts together: a table is as wide as its largest one.
    order = np.lexsort((seen.T, seen.t_x, seen.x, actual))
    start = 0
    while start < n:
        size = max(1, MOST_CELLS // (int(actual[order[min(start + 50_000, n - 1)]]) + 3))
        part = order[start : start + min(size, 50_000)]
        start += len(part)
        most = int(actual[part].max()) + 1
        given = (seen.x[part], seen.t_x[part], seen.T[part])
        covariates = None if z is None else z[part]
        for factor, weight in zip(factors, weights, strict=True):
            table = model.purchase_distribution(*given, horizon * factor, most, covariates)
            run = np.cumsum(table, axis=1)
            own = np.arange(len(part)), actual[part]
            at[part] += weight * table[own]
            below[part] += weight * (run[own] - table[own])
        expected[part] = model.expected_purchases(*given, horizon, covariates)
    return Foretold(expected, actual, np.clip(below, 0, 1), np.clip(at, 0, 1))


def rank_correlation(one: Floats, other: Floats) -> float | None:
    """Spearman's, ties averaged; None where one of them does not vary."""
    from scipy.stats import rankdata

    if len(one) < 3:
        return None
    a, b = rankdata(one), rankdata(other)
    spread = float(a.std() * b.std())
    return float(((a - a.mean()) * (b - b.mean())).mean() / spread) if spread > 0 else None


def captured(scores: Floats, actual: Floats, share: float = 0.2) -> float | None:
    """Share of the total of ``actual`` held by the ``share`` ranked highest; ties share their places."""
    total = float(actual.sum())
    if total <= 0:
        return None
    places = share * len(scores)
    order = np.sort(scores)[::-1]
    edge = order[min(int(np.ceil(places)), len(order)) - 1]
    above, level = scores > edge, scores == edge
    part = (places - above.sum()) / max(int(level.sum()), 1)
    return float((actual[above].sum() + part * actual[level].sum()) / total)
