"""The baseline: what was seen one season ago."""

from __future__ import annotations

from typing import TYPE_CHECKING

from analytics.forecasting.block import Block

if TYPE_CHECKING:
    from analytics.forecasting.classical.aligned import Floats
    from analytics.forecasting.spec import ForecastSpec


def seasonal_naive(block: Block, spec: ForecastSpec) -> Floats:
    """The value one season ago; where that is missing, the last one seen at that place in the season, or the nearest.

    Shape (n, h). A series shorter than one season repeats its last value. NaN where nothing was observed.
    """
    import numpy as np

    from analytics.forecasting.classical.aligned import fill_gaps

    n, width = block.y.shape
    if not width:
        return np.full((n, block.horizon), np.nan)
    filled = fill_gaps(block.y, block.season)
    season = min(block.season, width)
    places = width - season + np.arange(block.horizon) % season
    said = filled[:, places]
    last = np.broadcast_to(filled[:, -1:], said.shape)
    whole = np.isfinite(filled[:, width - season])[:, None] & (width >= block.season)
    return np.where(whole, said, last)
