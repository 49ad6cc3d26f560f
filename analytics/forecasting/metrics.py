"""Errors of forecasts. Arrays of equal length; NaN marks a period that was not observed and is left out."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from analytics.forecasting.block import Block, Floats


def whole(values: Floats) -> npt.NDArray[np.bool_]:
    """Which rows (along the last axis) have no gap."""
    import numpy as np

    found: npt.NDArray[np.bool_] = np.all(np.isfinite(values), axis=-1)
    return found


def never_negative(y: Floats) -> npt.NDArray[np.bool_]:
    """Which rows were never observed below zero."""
    import numpy as np

    found: npt.NDArray[np.bool_] = np.all(np.where(np.isfinite(y), y, 0.0) >= 0, axis=-1)
    return found


def seasonal_differences(y: Floats, season: int) -> Floats:
    """``y[t] - y[t - season]`` wherever both are observed."""
    import numpy as np

    differences = y[season:] - y[:-season]
    return differences[np.isfinite(differences)]


def scales(y: Floats, season: int) -> tuple[Floats, Floats]:
    """Per series (row of ``y``) the mean absolute and the root mean squared seasonal difference.

    A series with fewer than a quarter of a season of differences takes those of neighbouring periods; NaN without any.
    """
    import numpy as np

    n = len(y)
    absolute, squared, found = np.full(n, np.nan), np.full(n, np.nan), np.zeros(n, dtype=bool)
    for lag in (season, 1):
        if y.shape[1] <= lag:
            continue
        differences = y[:, lag:] - y[:, :-lag]
        seen = np.isfinite(differences)
        count = seen.sum(axis=1)
        use = ~found & (count >= max(1, -(-lag // 4)))
        sizes = np.where(seen, np.abs(differences), 0.0)
        many = np.maximum(count, 1)
        absolute = np.where(use, sizes.sum(axis=1) / many, absolute)
        squared = np.where(use, np.sqrt((sizes**2).sum(axis=1) / many), squared)
        found |= use
    return absolute, squared


def recent_scales(block: Block) -> Floats:
    """Per series the mean absolute difference of late, what bands are measured in: how restless sales are changes.

    Over the last eight weeks (sixteen of weekly, eight months of monthly series), of days one season apart, else from
    one period to the next; that of all periods counts as four more. NaN without any.
    """
    import numpy as np

    daily = block.frequency == "day"
    lag = block.season if daily else 1
    last = {"day": 8 * max(block.season, 5), "week": 16, "month": 8}[block.frequency]
    differences = block.y[:, lag:] - block.y[:, :-lag] if block.y.shape[1] > lag else np.zeros((len(block.y), 0))
    seen = np.isfinite(differences)
    sizes = np.where(seen, np.abs(differences), 0.0)
    count, late = seen.sum(axis=1), seen[:, -last:].sum(axis=1)
    whole = sizes.sum(axis=1) / np.maximum(count, 1)
    mixed = (sizes[:, -last:].sum(axis=1) + 4 * whole) / (late + 4)
    return np.where(count >= max(1, -(-lag // 4)), mixed, scales(block.y, block.season)[0])


def mase(y: Floats, forecast: Floats, train: Floats, season: int) -> float | None:
    """Mean absolute error over the mean absolute seasonal difference of ``train``; None when that is zero.

    Hyndman & Koehler (2006), "Another look at measures of forecast accuracy".
    """
    import numpy as np

    errors, differences = _errors(y, forecast), seasonal_differences(train, season)
    if not len(errors) or not len(differences) or not np.abs(differences).mean() > 0:
        return None
    return float(np.abs(errors).mean() / np.abs(differences).mean())


def rmsse(y: Floats, forecast: Floats, train: Floats, season: int) -> float | None:
    """Root of the mean squared error over the mean squared seasonal difference of ``train``; None when that is zero.

    Makridakis, Spiliotis & Assimakopoulos (2022), "M5 accuracy competition"; with the season's lag.
    """
    import numpy as np

    errors, differences = _errors(y, forecast), seasonal_differences(train, season)
    if not len(errors) or not len(differences) or not (differences**2).mean() > 0:
        return None
    return float(np.sqrt((errors**2).mean() / (differences**2).mean()))


def wape(y: Floats, forecast: Floats) -> float | None:
    """Sum of absolute errors as a share of the sum of |y|; None when nothing was sold."""
    import numpy as np

    errors, total = _errors(y, forecast), float(np.nansum(np.abs(y)))
    return float(np.abs(errors).sum() / total) if len(errors) and total > 0 else None


def smape(y: Floats, forecast: Floats) -> float | None:
    """Mean of ``2 |y - f| / (|y| + |f|)``, 0 to 2; a period where both are zero counts as no error."""
    import numpy as np

    seen = np.isfinite(y) & np.isfinite(forecast)
    if not seen.any():
        return None
    errors, sizes = np.abs(y - forecast)[seen], (np.abs(y) + np.abs(forecast))[seen]
    return float(np.mean(2 * np.divide(errors, sizes, out=np.zeros_like(errors), where=sizes > 0)))


def bias(y: Floats, forecast: Floats) -> float | None:
    """Sum of (forecast - y) as a share of the sum of |y|: above zero is too much forecast."""
    import numpy as np

    errors, total = _errors(y, forecast), float(np.nansum(np.abs(y)))
    return float(-errors.sum() / total) if len(errors) and total > 0 else None


def inside(y: Floats, lo: Floats, hi: Floats) -> Floats:
    """1.0 where an observed period lies in ``[lo, hi]``, 0.0 where not, NaN without a value or a band.

    A band of a constant series has no width: the last digit of a fit must not decide.
    """
    import numpy as np

    slack = 1e-6 * np.maximum(np.abs(y), 1e-6)
    held = ((y >= lo - slack) & (y <= hi + slack)).astype(float)
    found: Floats = np.where(np.isfinite(y) & np.isfinite(lo) & np.isfinite(hi), held, np.nan)
    return found


def coverage(y: Floats, lo: Floats, hi: Floats) -> tuple[float | None, int]:
    """Share of observed periods inside ``[lo, hi]``, and how many had a band; (None, 0) when none had."""
    import numpy as np

    held = inside(y, lo, hi)
    n = int(np.isfinite(held).sum())
    return (float(np.nanmean(held)), n) if n else (None, 0)


def weighted_interval_score(y: Floats, forecast: Floats, bounds: dict[float, tuple[Floats, Floats]]) -> Floats:
    """Per period ``(|y - f| / 2 + sum of a/2 IS_a) / (K + 1/2)`` over K central intervals of level 1 - a.

    ``bounds``: level -> (lo, hi). NaN without a value or a band. Bracher, Ray, Gneiting & Reich (2021), "Evaluating
    epidemic forecasts in an interval format"; the interval score IS is Gneiting & Raftery's (2007).
    """
    import numpy as np

    total = 0.5 * np.abs(y - forecast)
    for level, (lo, hi) in bounds.items():
        missed = 1 - level
        score = (hi - lo) + 2 / missed * (np.maximum(lo - y, 0.0) + np.maximum(y - hi, 0.0))
        total = total + missed / 2 * score
    found: Floats = total / (len(bounds) + 0.5)
    return found


def _errors(y: Floats, forecast: Floats) -> Floats:
    import numpy as np

    errors = y - forecast
    return errors[np.isfinite(errors)]
