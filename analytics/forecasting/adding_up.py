"""The chosen forecasts of a panel with parents made to add up, with bands from its errors in the back-test."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from analytics.forecasting.backtest import Backtest, Bounds, bounds
from analytics.forecasting.grid import Grid
from analytics.forecasting.reconcile import Method, incoherence, read_tree, reconcile, spread

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from analytics.forecasting.block import Floats

METHOD: Method = "wls"


@dataclass(frozen=True, slots=True, eq=False)
class AddedUp:
    """Forecasts that add up: ``line`` (n, open periods ahead), its bands, ``past`` as they would have stood at each
    cutoff (K, n, h), and the incoherence before and after (share of a parent's mean)."""

    line: Floats
    bands: Bounds
    past: Floats
    incoherence: tuple[float, float]


def add_up(
    grid: Grid,
    told: Backtest,
    line: Floats,
    past: Floats,
    scale: Floats,
    floored: npt.NDArray[np.bool_],
    parents: pl.DataFrame,
) -> AddedUp | None:
    """``line`` (n, h) and ``past`` (K, n, h) reconciled over ``parents``; None where there is no hierarchy.

    Weights come from the errors of the choice's origins, and so do the bands: from the errors that the reconciled
    forecasts made there, known by now. The last horizon teaches neither.
    """
    import numpy as np

    tree = read_tree(grid.block.ids, parents)
    if tree is None:
        return None
    covariance = _covariance(told, past, scale)
    said = reconcile(tree, line, covariance, floored)
    would = reconcile(tree, past, covariance, floored) if len(past) else past
    would = np.where(np.isfinite(past), would, np.nan)
    found = bounds(said, told.calibration(would, grid.block.y.shape[1]), scale, floored)
    levels = np.abs(_means(grid.block.y))
    return AddedUp(said, found, would, (incoherence(tree, line, levels), incoherence(tree, said, levels)))


def _covariance(told: Backtest, past: Floats, scale: Floats) -> Floats:
    """Of the choice's errors; without a back-test the squared scale of each series stands in."""
    import numpy as np

    errors = (told.actual - past)[: told.n_choice]
    errors = np.moveaxis(errors, 1, 2).reshape(-1, errors.shape[1])
    if np.isfinite(errors).any():
        return spread(errors, METHOD)
    return spread(np.where(np.isfinite(scale), scale, np.nan)[None], "wls")


def _means(y: Floats) -> Floats:
    import numpy as np

    seen = np.isfinite(y)
    return np.asarray(np.where(seen, y, 0.0).sum(axis=1) / np.maximum(seen.sum(axis=1), 1))
