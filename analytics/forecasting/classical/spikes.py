"""Single large orders held down before a level is learned: they say little of the days after them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from analytics.demand import Frequency
from analytics.forecasting.classical.seasons import adjust

if TYPE_CHECKING:
    from analytics.forecasting.classical.aligned import Aligned, Floats

LIMIT = 6.0  # robust standard deviations above the periods around
NORMAL = 1.4826  # standard deviation of normal values over their median size
AROUND = 13  # periods of which the median is taken; of days four weeks and one


def without_spikes(series: Aligned, season: int, frequency: Frequency) -> Aligned:
    """Values far above the median of the periods around them are set to the limit; the season is kept.

    Far is six robust standard deviations of what is left without season and local median, so that neither a trend nor a
    level that stays higher is touched. Downward nothing is: zeros and losses of level are real. What spikes bring is
    then not expected again, as little of it comes: on daily goods of a wholesaler this lowers absolute and squared
    errors, and the total by as much as the spikes were.

    After Gelper, Fried & Croux (2010), "Robust forecasting with exponential and Holt-Winters smoothing", with the
    cleaning before the smoothing.
    """
    import numpy as np

    adjusted = adjust(series, season)
    width = 4 * season + 1 if frequency == "day" and season > 1 else AROUND
    width += 1 - width % 2
    y = adjusted.series.y
    enough = series.length > width + 1
    if not enough.any():
        return series
    around = y.copy()
    for row in np.flatnonzero(enough):
        length = int(series.length[row])
        around[row, :length] = _around(y[row, :length], width)
    away = np.where(series.inside, np.abs(y - around), np.nan)
    spread = np.zeros(len(y))
    spread[enough] = NORMAL * np.nanmedian(away[enough], axis=1)
    # More than half of the values exactly at the median: their mean size says how far the others are.
    mean = np.where(series.inside, away, 0.0).sum(axis=1) / np.maximum(series.length, 1)
    spread = np.where(spread > 0, spread, 1.25 * mean)
    limit = np.where(enough, LIMIT * spread, np.inf)[:, None] + around
    cut = np.minimum(y, limit)
    index = adjusted.index[:, np.arange(y.shape[1]) % adjusted.index.shape[1]]
    back = np.where(adjusted.multiplicative[:, None], cut * index, cut + index)
    return series.replaced(np.where(cut < y, back, series.y))


def _around(y: Floats, width: int) -> Floats:
    """The running median; near either end a line through the medians of the window's two halves."""
    import numpy as np
    from scipy.ndimage import median_filter

    found = np.asarray(median_filter(y, size=width))
    half = width // 2
    for values, around in ((y, found), (y[::-1], found[::-1])):
        window = values[-width:]
        outer = np.median(window[-half:])
        slope = (outer - np.median(window[:half])) / (half + 1)
        # A level that has just fallen is no reason to cut what is left of it.
        around[-half:] = np.maximum(np.median(window) + slope * np.arange(1, half + 1), outer)
    return found
