"""What smoothing and Theta begin with: no curve of the year, no spikes, one beginning for all series."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from analytics.forecasting.block import Block
from analytics.forecasting.classical.aligned import Aligned, align
from analytics.forecasting.classical.seasons import short
from analytics.forecasting.classical.spikes import without_spikes
from analytics.forecasting.classical.yearly import Yearly, learn_year

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    import numpy.typing as npt

    from analytics.forecasting.classical.aligned import Floats

LEAST = 6  # observed values below which no level is learned


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """The series that can be forecast, ready, and how to come back from their forecasts to the block's.

    Attributes
    ----------
    series : without the year's curve and spikes; the rows of ``rows`` only.
    rows : (n,), True for series with six observed values or more.
    season : of days in the week or of months; 1 for weeks and short series.
    year : the curve taken out; None where there is none.
    horizon : periods ahead.
    """

    series: Aligned
    rows: npt.NDArray[np.bool_]
    season: int
    year: Yearly | None
    horizon: int

    def forecasts(self, method: Callable[[Aligned, int, int], Floats]) -> Floats:
        """``method(series, season, horizon)`` with the year's curve put back, shape (n, h); NaN for other series."""
        import numpy as np

        said = np.full((len(self.rows), self.horizon), np.nan)
        if self.rows.any():
            said[self.rows] = method(self.series, self.season, self.horizon)
        return said if self.year is None else self.year.restored(said)


@lru_cache(maxsize=1)
def prepare(block: Block) -> Prepared:
    """Made once for the candidates that look at the same block one after the other."""
    year = learn_year(block)
    series = align(block.y if year is None else year.removed(block.y), block.season)
    rows = series.n_observed >= LEAST
    series, season = series.rows(rows), short(block)
    if rows.any():
        series = without_spikes(series, season, block.frequency)
    return Prepared(series, rows, season, year, block.horizon)
