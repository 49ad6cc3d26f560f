"""Errors of forecasts. Arrays of equal length; NaN marks a period that was not observed and is left out."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from analytics.forecasting.models import Array


def seasonal_differences(y: Array, season: int) -> Array:
    """``y[t] - y[t - season]`` wherever both are observed."""
    import numpy as np

    differences = y[season:] - y[:-season]
    return differences[np.isfinite(differences)]


def mase(y: Array, forecast: Array, train: Array, season: int) -> float | None:
    """Mean absolute error over the mean absolute seasonal difference of ``train``; None when that is zero.

    Hyndman & Koehler (2006), "Another look at measures of forecast accuracy".
    """
    import numpy as np

    errors, differences = _errors(y, forecast), seasonal_differences(train, season)
    if not len(errors) or not len(differences) or not np.abs(differences).mean() > 0:
        return None
    return float(np.abs(errors).mean() / np.abs(differences).mean())


def rmsse(y: Array, forecast: Array, train: Array, season: int) -> float | None:
    """Root of the mean squared error over the mean squared seasonal difference of ``train``; None when that is zero.

    Makridakis, Spiliotis & Assimakopoulos (2022), "M5 accuracy competition"; with the season's lag.
    """
    import numpy as np

    errors, differences = _errors(y, forecast), seasonal_differences(train, season)
    if not len(errors) or not len(differences) or not (differences**2).mean() > 0:
        return None
    return float(np.sqrt((errors**2).mean() / (differences**2).mean()))


def wape(y: Array, forecast: Array) -> float | None:
    """Sum of absolute errors as a share of the sum of |y|; None when nothing was sold."""
    import numpy as np

    errors, total = _errors(y, forecast), float(np.nansum(np.abs(y)))
    return float(np.abs(errors).sum() / total) if len(errors) and total > 0 else None


def smape(y: Array, forecast: Array) -> float | None:
    """Mean of ``2 |y - f| / (|y| + |f|)``, 0 to 2; a period where both are zero counts as no error."""
    import numpy as np

    seen = np.isfinite(y) & np.isfinite(forecast)
    if not seen.any():
        return None
    errors, sizes = np.abs(y - forecast)[seen], (np.abs(y) + np.abs(forecast))[seen]
    return float(np.mean(2 * np.divide(errors, sizes, out=np.zeros_like(errors), where=sizes > 0)))


def bias(y: Array, forecast: Array) -> float | None:
    """Sum of (forecast - y) as a share of the sum of |y|: above zero is too much forecast."""
    import numpy as np

    errors, total = _errors(y, forecast), float(np.nansum(np.abs(y)))
    return float(-errors.sum() / total) if len(errors) and total > 0 else None


def coverage(y: Array, lo: Array, hi: Array) -> tuple[float | None, int]:
    """Share of observed periods inside ``[lo, hi]``, and how many had a band; (None, 0) when none had."""
    import numpy as np

    seen = np.isfinite(y) & np.isfinite(lo) & np.isfinite(hi)
    if not seen.any():
        return None, 0
    # A band of a constant series has no width: the last digit of a fit must not decide.
    slack = 1e-6 * np.maximum(np.abs(y[seen]), 1e-6)
    inside = (y[seen] >= lo[seen] - slack) & (y[seen] <= hi[seen] + slack)
    return float(inside.mean()), int(seen.sum())


def _errors(y: Array, forecast: Array) -> Array:
    import numpy as np

    errors = y - forecast
    return errors[np.isfinite(errors)]
