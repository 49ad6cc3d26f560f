"""BG/NBD and MBG/NBD as they are defined, integrated by brute force over lambda and p: the oracle of the predictions.

Nothing here is a formula of the package: the likelihood of a history given lambda and p, what happens afterwards given
lambda and p, and the trapezoid rule on log lambda and logit p.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from scipy.special import betaln, gammainc, gammaln

Floats = npt.NDArray[np.float64]


class Customer:
    """The posterior of lambda and p of one history on a grid, in which the customer has not left."""

    def __init__(self, parameters: Floats, chances: int, x: int, t_x: float, T: float) -> None:
        r, alpha, a, b = (float(each) for each in parameters)
        # A gamma falls like exp(shape y) on the logarithmic scale, a beta like exp(a y), exp(-b y) on the logistic one.
        width = 1 / np.sqrt(r + x)
        lowest, highest = np.log((r + x) / (alpha + T)), np.log((r + x) / (alpha + t_x))
        beyond = (38 / (r + x) + 9 * width, min(6.0, 9 * width + 1))
        log_rate, rate_step = self._grid(lowest - beyond[0], highest + beyond[1], width / 6)
        logit, logit_step = self._grid(-45 / a - 9, 45 / b + 9, 1 / np.sqrt(min(a, b + x) + x) / 6)
        self.rate, self.p = np.exp(log_rate)[:, None], (1 / (1 + np.exp(-logit)))[None, :]
        log_p, log_q = -np.logaddexp(0, -logit)[None, :], -np.logaddexp(0, logit)[None, :]
        prior = r * log_rate[:, None] - alpha * self.rate + a * log_p + b * log_q
        there = prior + x * log_rate[:, None] - self.rate * T + (x + chances) * log_q
        top = there.max()
        self.here = np.exp(there - top) * (rate_step * logit_step)
        self.gone = np.zeros(())
        if x + chances:
            gone = prior + x * log_rate[:, None] - self.rate * t_x + log_p + (x + chances - 1) * log_q
            self.gone = np.exp(gone - top) * (rate_step * logit_step)
        self.total = self.here.sum() + self.gone.sum()
        self.scale = top + r * np.log(alpha) - gammaln(r) - betaln(a, b)

    @staticmethod
    def _grid(low: float, high: float, step: float) -> tuple[Floats, float]:
        grid, step = np.linspace(low, high, 2 + int((high - low) / min(step, 0.12)), retstep=True)
        return grid, float(step)

    def log_likelihood(self) -> float:
        """Of the history, lambda and p unknown."""
        return float(np.log(self.total) + self.scale)

    def expect(self, of: Callable[[Floats, Floats], Floats]) -> float:
        """The mean of ``of(lambda, p)`` over the posterior, nothing coming from who has left."""
        return float((self.here * of(self.rate, self.p)).sum() / self.total)

    def alive(self) -> float:
        return float(self.here.sum() / self.total)

    def purchases(self, horizon: float) -> float:
        return self.expect(lambda rate, p: -np.expm1(-rate * p * horizon) / p)

    def discounted(self, horizon: float, d: float) -> float:
        return self.expect(lambda rate, p: rate * -np.expm1(-(d + rate * p) * horizon) / (d + rate * p))

    def by(self, t: float) -> float:
        return self.expect(lambda rate, p: -np.expm1(-rate * t))

    def exactly(self, k: int, horizon: float) -> float:
        """P(k purchases): not left and k came, or left with the k-th while at least k would have come."""

        def given(rate: Floats, p: Floats) -> Floats:
            mean = rate * horizon
            came = np.exp(k * np.log(mean) - mean - gammaln(k + 1)) * (1 - p) ** k
            return came + p * (1 - p) ** (k - 1) * gammainc(k, mean) if k else came

        return self.expect(given) + (1 - self.alive() if k == 0 else 0.0)
