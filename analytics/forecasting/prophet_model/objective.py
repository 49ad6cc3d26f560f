"""Prophet's objective for many series at once: minus the log posterior of the packaged model, and its gradient.

    T log s + |y - f|^2 / 2 s^2 + k^2 / 50 + m^2 / 50 + |delta| / tau + 2 s^2 + sum(beta^2 / 2 scale^2)

with y over its largest absolute value and t from 0 to 1 (Taylor & Letham 2018, "Forecasting at scale"; the priors are
those of its Stan program). The unknowns of a series are offset and slope, the coefficients of its regressors, its bends
and log s, in this order.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from analytics.forecasting.block import Floats
    from analytics.forecasting.prophet_model.climb import Places

BASE_SCALE = 5.0  # of offset and slope
NOISE_SCALE = 0.5


@dataclass(frozen=True, slots=True, eq=False)
class Priors:
    """precision : (p,) of the normal priors, zero for the bends. bends : the bends among the unknowns. tau : theirs."""

    precision: Floats
    bends: slice
    tau: float

    def __call__(self, theta: Floats) -> tuple[Floats, Floats]:
        """Minus the log density and its gradient, of coefficients (m, p)."""
        import numpy as np

        gradient = self.precision * theta
        value = 0.5 * np.einsum("ij,ij->i", gradient, theta)
        bends = theta[:, self.bends]
        value += np.abs(bends).sum(axis=1) / self.tau
        gradient[:, self.bends] += np.sign(bends) / self.tau
        return value, gradient


@dataclass(frozen=True, slots=True, eq=False)
class Linear:
    """f = Z theta: the squared error from the normal equations alone, so that no tick looks at the periods again.

    gram : Z'Z, (1, p, p) shared by all or (m, p, p). cross : Z'y (m, p). squares : y'y (m,). n_seen : T of each (m,).
    """

    gram: Floats
    cross: Floats
    squares: Floats
    n_seen: Floats
    priors: Priors

    def keep(self, places: Places) -> Linear:
        gram = self.gram if len(self.gram) == 1 else self.gram[places]
        return Linear(gram, self.cross[places], self.squares[places], self.n_seen[places], self.priors)

    def __call__(self, x: Floats) -> tuple[Floats, Floats]:
        import numpy as np

        theta = x[:, :-1]
        projected = along(theta, self.gram)  # symmetric
        left = self.squares + np.einsum("ij,ij->i", theta, projected - 2 * self.cross)
        return _posterior(x, left, projected - self.cross, self.n_seen, self.priors)

    def hessian(self, x: Floats) -> Floats:
        """Second derivatives of the smooth part, (m, q, q)."""
        import numpy as np

        theta = x[:, :-1]
        projected = along(theta, self.gram)
        left = self.squares + np.einsum("ij,ij->i", theta, projected - 2 * self.cross)
        gram = np.broadcast_to(self.gram, (len(x), *self.gram.shape[1:]))
        return _curvature(x, gram, left, projected - self.cross, self.priors)


@dataclass(frozen=True, slots=True, eq=False)
class Curved:
    """Any other form, period by period: swings that grow with the trend, or a trend that saturates.

    f = trend + X beta, or trend (1 + X beta); trend = A (m, k, delta), or cap / (1 + exp(-z)) with z = k (t - m) +
    sum(delta_j (t - s_j)+), which is Prophet's logistic trend: its offsets gamma only keep z continuous.

    trend_columns : A, (1, T, 2 + S) shared by all or (m, T, 2 + S). regressors : X, (T, K), shared. active : (m, K),
    1.0 where a series has the column, else 0.0. y, weight : (m, T); weight 1.0 where observed, else 0.0.
    cap : (m,) in the series' scale; None for a linear trend.
    """

    trend_columns: Floats
    regressors: Floats
    active: Floats
    y: Floats
    weight: Floats
    cap: Floats | None
    multiplicative: bool
    priors: Priors

    def keep(self, places: Places) -> Curved:
        return replace(
            self,
            trend_columns=self.trend_columns if len(self.trend_columns) == 1 else self.trend_columns[places],
            active=self.active[places],
            y=self.y[places],
            weight=self.weight[places],
            cap=None if self.cap is None else self.cap[places],
        )

    def __call__(self, x: Floats) -> tuple[Floats, Floats]:
        import numpy as np

        theta = x[:, :-1]
        trend, season, slopes = self._parts(theta)
        factor = 1 + season if self.multiplicative else 1.0
        errors = (trend * factor + (0.0 if self.multiplicative else season) - self.y) * self.weight
        left = np.einsum("ij,ij->i", errors, errors)
        to_trend, to_season = errors * factor, errors * trend if self.multiplicative else errors
        if slopes is not None:
            to_trend = to_trend * slopes
        trend_half = against(to_trend, self.trend_columns)
        if self.cap is not None:  # z depends on offset and slope by their product
            trend_half[:, 1] -= theta[:, 0] * trend_half[:, 0]
            trend_half[:, 0] *= -theta[:, 1]
        half = np.empty_like(theta)
        half[:, :2], half[:, self.priors.bends] = trend_half[:, :2], trend_half[:, 2:]
        half[:, 2 : self.priors.bends.start] = against(to_season, self.regressors[None]) * self.active
        return _posterior(x, left, half, self.weight.sum(axis=1), self.priors)

    def hessian(self, x: Floats) -> Floats:
        """Second derivatives of the smooth part, (m, q, q); of a linear trend only."""
        import numpy as np

        theta = x[:, :-1]
        trend, season, _ = self._parts(theta)
        factor = 1 + season if self.multiplicative else np.ones_like(season)
        errors = (trend * factor + (0.0 if self.multiplicative else season) - self.y) * self.weight
        columns = np.broadcast_to(self.trend_columns, (len(x), *self.trend_columns.shape[1:]))
        swings = self.regressors * self.active[:, None, :]
        by_trend = columns * factor[:, :, None]
        by_season = swings * trend[:, :, None] if self.multiplicative else swings
        slopes = np.concatenate([by_trend[:, :, :2], by_season, by_trend[:, :, 2:]], axis=2)
        weighted = slopes * self.weight[:, :, None]
        gram = np.matmul(weighted.transpose(0, 2, 1), slopes)
        if self.multiplicative:
            mixed = np.matmul((columns * errors[:, :, None]).transpose(0, 2, 1), swings)
            seasons, bends = slice(2, self.priors.bends.start), self.priors.bends
            for rows, part in ((slice(0, 2), mixed[:, :2]), (bends, mixed[:, 2:])):
                gram[:, rows, seasons] += part
                gram[:, seasons, rows] += part.transpose(0, 2, 1)
        half = np.matmul(errors[:, None, :], slopes)[:, 0, :]
        left = np.einsum("ij,ij->i", errors, errors)
        return _curvature(x, gram, left, half, self.priors)

    def _parts(self, theta: Floats) -> tuple[Floats, Floats, Floats | None]:
        """Trend, X beta, and the slope of the trend in z where it saturates."""
        trend, slopes = trend_of(theta, self.trend_columns, self.priors.bends, self.cap)
        season = along(theta[:, 2 : self.priors.bends.start] * self.active, self.regressors[None])
        return trend, season, slopes


def trend_of(theta: Floats, columns: Floats, bends: slice, cap: Floats | None) -> tuple[Floats, Floats | None]:
    """The trend (m, T) of coefficients (m, p), and its slope in z where it saturates."""
    import numpy as np

    line = theta[:, :2].copy()
    if cap is not None:
        line[:, 0] *= -theta[:, 1]
    z = along(np.concatenate([line, theta[:, bends]], axis=1), columns)
    if cap is None:
        return z, None
    share = 1 / (1 + np.exp(-z))
    trend = cap[:, None] * share
    return trend, trend * (1 - share)


def along(coefficients: Floats, columns: Floats) -> Floats:
    """columns @ coefficients: (m, T) from (m, p) and (1 or m, T, p).

    Row by row, not as one product of matrices: a series' last digits must not depend on which others are there.
    """
    import numpy as np

    product: Floats = np.matmul(columns, coefficients[:, :, None])[:, :, 0]
    return product


def against(errors: Floats, columns: Floats) -> Floats:
    """columns' @ errors: (m, p) from (m, T) and (1 or m, T, p)."""
    import numpy as np

    product: Floats = np.matmul(errors[:, None, :], columns)[:, 0, :]
    return product


def _posterior(x: Floats, left: Floats, half_slope: Floats, n_seen: Floats, priors: Priors) -> tuple[Floats, Floats]:
    """Value and gradient from the squared error ``left`` and half its gradient in the coefficients."""
    import numpy as np

    log_s = x[:, -1]
    variance = np.exp(2 * log_s)
    value, gradient = priors(x[:, :-1])
    value += n_seen * log_s + left / (2 * variance) + variance / (2 * NOISE_SCALE**2)
    gradient += half_slope / variance[:, None]
    whole = np.concatenate([gradient, (n_seen - left / variance + variance / NOISE_SCALE**2)[:, None]], axis=1)
    return value, whole


def _curvature(x: Floats, gram: Floats, left: Floats, half_slope: Floats, priors: Priors) -> Floats:
    """Second derivatives of the smooth part from half those of the squared error, and half its slopes."""
    import numpy as np

    m, q = x.shape
    variance = np.exp(2 * x[:, -1])
    whole = np.empty((m, q, q))
    whole[:, :-1, :-1] = gram / variance[:, None, None]
    place = np.arange(q - 1)
    whole[:, place, place] += priors.precision
    whole[:, :-1, -1] = whole[:, -1, :-1] = -2 * half_slope / variance[:, None]
    whole[:, -1, -1] = 2 * left / variance + 2 * variance / NOISE_SCALE**2
    return whole
