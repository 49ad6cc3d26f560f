"""The seasonal pattern taken out before, and put back after, a method that knows none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from analytics.forecasting.block import Block
from analytics.forecasting.classical.aligned import Aligned

if TYPE_CHECKING:
    from analytics.forecasting.classical.aligned import Bools, Floats, Ints

TEST_AT_90_PERCENT = 1.645
LEAST_INDEX = 0.05  # dividing by less than this would magnify noise


def short(block: Block) -> int:
    """The season of days in a week or of months; weeks have a curve through the year instead, and so 1."""
    return 1 if block.frequency == "week" else block.season


@dataclass(frozen=True, slots=True, eq=False)
class Adjusted:
    """Series without their season. ``index`` has shape (n, m): by position counted from each series' own beginning."""

    series: Aligned
    index: Floats
    multiplicative: Bools
    seasonal: Bools

    def rows(self, chosen: Ints) -> Adjusted:
        """Some of the series."""
        return Adjusted(
            self.series.rows(chosen), self.index[chosen], self.multiplicative[chosen], self.seasonal[chosen]
        )

    def restore(self, forecasts: Floats) -> Floats:
        """The season put back on what follows the end of each series, shape (n, h)."""
        import numpy as np

        season = self.index.shape[1]
        places = (self.series.length[:, None] + np.arange(forecasts.shape[1])) % season
        ahead = np.take_along_axis(self.index, places, axis=1)
        return np.where(self.multiplicative[:, None], forecasts * ahead, forecasts + ahead)


def adjust(series: Aligned, season: int) -> Adjusted:
    """Divide by, or subtract, the classical seasonal index where the test finds a season.

    Multiplicative where no value is negative and no index is near zero. Other series stay as they are, and so do those
    of fewer than three seasons.
    """
    import numpy as np

    n = len(series.y)
    if season <= 1:
        return Adjusted(series, np.zeros((n, 1)), np.zeros(n, dtype=bool), np.zeros(n, dtype=bool))
    found = is_seasonal(series, season)
    ratio, level = seasonal_index(series, season, multiplicative=True)
    difference, _ = seasonal_index(series, season, multiplicative=False)
    times = found & level & (series.y.min(axis=1) >= 0) & (ratio.min(axis=1) > LEAST_INDEX)
    index = np.where(times[:, None], ratio, np.where(found[:, None], difference, 0.0))
    whole = index[:, np.arange(series.y.shape[1]) % season]
    divided = series.y / np.where(times[:, None], whole, 1.0)
    values = np.where(times[:, None], divided, series.y - whole)
    return Adjusted(series.replaced(values), index, times, found)


def is_seasonal(series: Aligned, season: int) -> Bools:
    """Whether the autocorrelation at one season is beyond chance at 90 percent, given those at shorter lags.

    False for fewer than three seasons. The test of the M4 competition's benchmarks (Makridakis, Spiliotis &
    Assimakopoulos 2020).
    """
    import numpy as np

    mean = series.y.sum(axis=1) / np.maximum(series.length, 1)
    centred = np.where(series.inside, series.y - mean[:, None], 0.0)
    power = (centred**2).sum(axis=1)
    width = centred.shape[1]
    if width <= season:
        return np.zeros(len(centred), dtype=bool)
    lags = np.array([(centred[:, lag:] * centred[:, : width - lag]).sum(axis=1) for lag in range(1, season + 1)])
    lags = lags / np.where(power > 0, power, 1.0)
    # The benchmark program counts the first lag once and the others, up to one before the season, twice.
    spread = 1 + 2 * (lags[:-1] ** 2).sum(axis=0)
    limit = TEST_AT_90_PERCENT * np.sqrt(spread / np.maximum(series.length, 1))
    return np.asarray((np.abs(lags[-1]) > limit) & (series.length >= 3 * season) & (power > 0))


def seasonal_index(series: Aligned, season: int, multiplicative: bool) -> tuple[Floats, Bools]:
    """Classical decomposition: the mean ratio to (difference from) a centred moving average, by place in the season.

    Returns the index, shape (n, season), of mean one (zero), and whether it could be had everywhere.
    """
    import numpy as np

    n, width = series.y.shape
    neutral = 1.0 if multiplicative else 0.0
    half = season // 2
    if width < 2 * half + 1:
        return np.full((n, season), neutral), np.zeros(n, dtype=bool)
    running = np.concatenate([np.zeros((n, 1)), np.cumsum(series.y, axis=1)], axis=1)
    if season % 2:
        centre = (running[:, season:] - running[:, :-season]) / season
    else:
        plain = (running[:, season:] - running[:, :-season]) / season
        centre = (plain[:, 1:] + plain[:, :-1]) / 2
    middle = series.y[:, half : half + centre.shape[1]]
    usable = np.arange(half, half + centre.shape[1]) < (series.length - half)[:, None]
    if multiplicative:
        usable = usable & (centre > 0)
        against = middle / np.where(usable, centre, 1.0)
    else:
        against = middle - centre
    place = np.arange(half, half + centre.shape[1]) % season
    index, counted = np.empty((n, season)), np.empty((n, season))
    for position in range(season):
        here = usable & (place == position)
        counted[:, position] = here.sum(axis=1)
        index[:, position] = np.where(here, against, 0.0).sum(axis=1) / np.maximum(counted[:, position], 1)
    good: Bools = np.asarray((counted > 0).all(axis=1))
    mean = index.mean(axis=1, keepdims=True)
    if multiplicative:
        good = good & (mean[:, 0] > 0)
        index = index / np.where(mean > 0, mean, 1.0)
    else:
        index = index - mean
    return np.where(good[:, None], index, neutral), good
