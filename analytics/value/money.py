"""What an order is worth: the Gamma-Gamma model where it can be told, else one value for all."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analytics.btyd.gamma_gamma import GammaGamma, fit_gamma_gamma
from analytics.errors import AnalysisError
from analytics.value.holdout import rank_correlation
from analytics.value.purchases import Purchases, Seen

Floats = npt.NDArray[np.float64]

DOUBTFUL = 0.2  # absolute rank correlation of number and mean value of repeats from which independence is doubtful


@dataclass(frozen=True, slots=True, eq=False)
class Money:
    """model : Gamma-Gamma, None where it failed. flat : mean value of a purchase day (None without amounts), which
    stands in then. failed : why. correlation, p_value : Spearman's, of x and mean value among repeat customers."""

    model: GammaGamma | None
    flat: float | None
    failed: AnalysisError | None
    correlation: float | None
    p_value: float | None

    @property
    def mean(self) -> float | None:
        """Expected value of an order of a customer of whom nothing is known."""
        if self.model is None:
            return self.flat
        return float(self.model.expected_value(np.zeros(1, dtype=np.int64), np.full(1, np.nan))[0])

    def expected(self, seen: Seen) -> Floats | None:
        """Expected value of the next orders of each customer."""
        if self.model is not None and seen.mean_value is not None:
            return self.model.expected_value(seen.x, seen.mean_value)
        return None if self.flat is None else np.full(len(seen.x), self.flat)


def learn_money(purchases: Purchases, seen: Seen) -> Money:
    """Fit on the repeat days of what was seen."""
    if seen.mean_value is None or purchases.amount is None:
        return Money(None, None, None, None, None)
    known = purchases.day <= seen.until
    total, n = float(purchases.amount[known].sum()), int(known.sum())
    flat = total / n / purchases.scale
    correlation, p_value = _correlation(seen)
    try:
        return Money(fit_gamma_gamma(seen.x, seen.mean_value), flat, None, correlation, p_value)
    except AnalysisError as error:
        return Money(None, flat, error, correlation, p_value)


def _correlation(seen: Seen) -> tuple[float | None, float | None]:
    from scipy.stats import norm

    assert seen.mean_value is not None
    again = seen.x > 0
    value = rank_correlation(seen.x[again].astype(np.float64), seen.mean_value[again])
    n = int(again.sum())
    if value is None or n < 10:
        return value, None
    # Fisher's z with the variance for ranks (Bonett & Wright 2000).
    score = np.arctanh(np.clip(value, -0.999999, 0.999999)) / np.sqrt((1 + value**2 / 2) / (n - 3))
    return value, float(2 * norm.sf(abs(score)))
