"""Two classifiers of the same columns, both calibrated afterwards: a regularised logistic one and boosted trees.

The logistic one sees every number standardised, with one bend at its median, and a column for "unknown"; trees see the
numbers as they are. Sources: Friedman (2001) for boosting; Platt (1999) for calibration by a line on the logit.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from analytics.churn.spec import Method

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Matrix = npt.NDArray[np.float32]

MOST_ROWS = 60_000  # rows that a model is fitted on
_PENALTY = 10.0
_HELD = 12.0  # logits beyond this are held there


@dataclass(frozen=True, slots=True, eq=False)
class Encoding:
    """How columns become the logistic model's: per column limits, logarithm, centre, spread, bend, unknown share."""

    low: Floats
    high: Floats
    logs: npt.NDArray[np.bool_]
    centre: Floats
    spread: Floats
    bends: npt.NDArray[np.bool_]
    unknown: npt.NDArray[np.bool_]

    @classmethod
    def learn(cls, values: Matrix) -> Encoding:
        """From n x k values, NaN unknown."""
        k = values.shape[1]
        low, high, centre, spread = np.zeros(k), np.zeros(k), np.zeros(k), np.ones(k)
        logs, bends, unknown = (np.zeros(k, bool) for _ in range(3))
        for j in range(k):
            given = values[:, j]
            known = given[np.isfinite(given)].astype(np.float64)
            unknown[j] = 0.005 < 1 - len(known) / max(len(given), 1) < 0.995
            if not len(known):
                continue
            low[j], middle, high[j] = np.quantile(known, [0.005, 0.5, 0.995])
            logs[j] = low[j] >= 0 and high[j] > 5 * max(middle, 0.2)
            inside = np.clip(known, low[j], high[j])
            inside = np.log1p(inside) if logs[j] else inside
            centre[j] = np.median(inside)
            spread[j] = inside.std() or 1.0
            bends[j] = len(np.unique(known[:2000])) > 4
        return cls(low, high, logs, centre, spread, bends, unknown)

    def encode(self, values: Matrix) -> Floats:
        """n x (columns, bends, unknowns)."""
        inside = np.clip(values.astype(np.float64), self.low, self.high)
        inside[:, self.logs] = np.log1p(inside[:, self.logs])
        scaled = (inside - self.centre) / self.spread
        missing = ~np.isfinite(scaled)
        scaled[missing] = 0.0
        bent = np.maximum(scaled[:, self.bends], 0.0)
        return np.concatenate([scaled, bent, missing[:, self.unknown].astype(np.float64)], axis=1)


@dataclass(frozen=True, slots=True, eq=False)
class Classifier:
    """A fitted classifier: ``logits`` of rows, not yet calibrated."""

    method: Method
    encoding: Encoding | None
    model: Any

    def logits(self, values: Matrix) -> Floats:
        """Log odds of being gone, n."""
        from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # it has no types

        if not len(values):
            return np.zeros(0)
        if self.encoding is not None:
            coefficients, intercept = self.model
            parts = [values[at : at + 50_000] for at in range(0, len(values), 50_000)]
            # Summed column by column: a product of matrices may round a row by where it stands.
            found = np.concatenate([_dot(self.encoding.encode(part), coefficients) for part in parts]) + intercept
        else:
            with threadpool_limits(1):
                found = np.asarray(self.model.decision_function(values.astype(np.float64)), float)
        return np.asarray(np.clip(found, -_HELD, _HELD), float)


def fit_classifier(method: Method, values: Matrix, gone: Ints, seed: int) -> Classifier:
    """Fit on n x k values (NaN unknown) and 0/1; rows in an order that neither ids nor files decide."""
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.linear_model import LogisticRegression
    from threadpoolctl import threadpool_limits

    if len(gone) > MOST_ROWS:
        chosen = np.sort(np.random.default_rng(seed).choice(len(gone), MOST_ROWS, replace=False))
        values, gone = values[chosen], gone[chosen]
    with threadpool_limits(1):
        if method == "logistic":
            encoding = Encoding.learn(values)
            model = LogisticRegression(C=1 / _PENALTY, solver="newton-cholesky", max_iter=50, tol=1e-6)
            model.fit(encoding.encode(values), gone)
            return Classifier(method, encoding, (model.coef_[0].copy(), float(model.intercept_[0])))
        small = len(gone) < 5_000
        trees = HistGradientBoostingClassifier(
            learning_rate=0.06,
            max_iter=80 if small else 140,
            max_leaf_nodes=6 if small else 12,
            min_samples_leaf=max(20, min(200, len(gone) // 200)),
            l2_regularization=5.0,
            max_features=0.5,
            early_stopping=False,
            random_state=seed,
        )
        numbers = values.astype(np.float64)
        numbers[:, ~np.isfinite(numbers).any(axis=0)] = 0.0  # not known of anybody yet: the bins need a number
        trees.fit(numbers, gone)
        return Classifier(method, None, trees)


@dataclass(frozen=True, slots=True)
class Calibration:
    """Risk = logistic(slope x logit + shift), with the covariance of the two."""

    slope: float = 1.0
    shift: float = 0.0
    covariance: tuple[float, float, float] = (0.0, 0.0, 0.0)  # var slope, cov, var shift

    def risk(self, logits: Floats) -> Floats:
        """Calibrated risk, 0-1."""
        from scipy.special import expit

        return np.asarray(expit(self.slope * logits + self.shift), float)

    def deviation(self, logits: Floats) -> Floats:
        """Standard error of the calibrated logit that comes from the calibration alone."""
        a, ab, b = self.covariance
        return np.asarray(np.sqrt(np.maximum(a * logits**2 + 2 * ab * logits + b, 0.0)), float)


def fit_calibration(logits: Floats, gone: Ints) -> Calibration:
    """Platt's line by maximum likelihood, held towards "as it is" where there is little to learn from.

    The prior (normal, standard deviation .5 around slope 1 and shift 0) is nothing beside a few hundred gone.
    """
    from scipy.special import expit

    at = np.array([1.0, 0.0])
    prior = np.eye(2) / 0.25
    hessian = prior
    columns = np.stack([logits, np.ones(len(logits))], axis=1)
    for _ in range(50):
        p = expit(columns @ at)
        gradient = columns.T @ (gone - p) - prior @ (at - np.array([1.0, 0.0]))
        hessian = (columns * (p * (1 - p))[:, None]).T @ columns + prior
        step = np.linalg.solve(hessian, gradient)
        at = at + np.clip(step, -1, 1)
        if np.abs(step).max() < 1e-10:
            break
    covariance = np.linalg.inv(hessian)
    slope = max(float(at[0]), 0.05)
    return Calibration(slope, float(at[1]), (float(covariance[0, 0]), float(covariance[0, 1]), float(covariance[1, 1])))


def _dot(columns: Floats, coefficients: Floats) -> Floats:
    total = np.zeros(len(columns))
    for j, coefficient in enumerate(coefficients):
        total += columns[:, j] * coefficient
    return total
