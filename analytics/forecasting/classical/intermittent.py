"""Demand that is mostly zero: how often there is any, times how much there is then."""

from __future__ import annotations

from typing import TYPE_CHECKING

from analytics.forecasting.block import Block

if TYPE_CHECKING:
    from analytics.forecasting.classical.aligned import Aligned, Bools, Floats
    from analytics.forecasting.spec import ForecastSpec

MEAN_INTERVAL = 1.32  # periods from one demand to the next above which demand is intermittent (Syntetos & Boylan)
LEAST = 6
SIZE_GAINS = (0.0, 0.03, 0.1, 0.2, 0.35)
CHANCE_GAINS = (0.0, 0.01, 0.03, 0.07, 0.15, 0.3)


def tsb(block: Block, spec: ForecastSpec) -> Floats:
    """Forecasts of shape (n, h): the chance of any demand times its size, both smoothed; one value for all h periods.

    NaN for series that are not intermittent, are ever negative, or have fewer than six observed values. The chance
    falls with every period without demand, so what is no longer sold is forecast to end (Croston's method never learns
    that). Smoothing parameters by the least squared one-step error.

    Teunter, Syntetos & Babai (2011), "Intermittent demand: linking forecasting to inventory obsolescence".
    """
    import numpy as np

    from analytics.forecasting.classical.aligned import align

    said = np.full((len(block.y), block.horizon), np.nan)
    if not block.y.shape[1]:
        return said
    series = align(block.y, block.season)
    suited = is_intermittent(series)
    if suited.any():
        said[suited] = expected(series.rows(suited))[:, None]
    return said


def is_intermittent(series: Aligned) -> Bools:
    """At least 1.32 periods from one demand to the next, nothing negative, six values or more."""
    import numpy as np

    demands = (series.y > 0).sum(axis=1)
    sparse = series.length >= MEAN_INTERVAL * demands
    return np.asarray(sparse & (series.n_observed >= LEAST) & (series.y.min(axis=1) >= 0))


def expected(series: Aligned) -> Floats:
    """Chance times size after the last period, shape (n,)."""
    import numpy as np

    some = series.y > 0
    count = np.maximum(some.sum(axis=1), 1)
    size = np.repeat((series.y.sum(axis=1) / count)[:, None], len(SIZE_GAINS), axis=1)
    chance = np.repeat((some.sum(axis=1) / np.maximum(series.length, 1))[:, None], len(CHANCE_GAINS), axis=1)
    size_gains, chance_gains = np.array(SIZE_GAINS), np.array(CHANCE_GAINS)
    sse = np.zeros((len(series.y), len(SIZE_GAINS), len(CHANCE_GAINS)))
    for value, any_demand, inside in zip(series.y.T, some.T, series.inside.T, strict=True):
        error = value[:, None, None] - size[:, :, None] * chance[:, None, :]
        sse += np.where(inside[:, None, None], error**2, 0.0)
        size += np.where(any_demand[:, None], size_gains * (value[:, None] - size), 0.0)
        chance += np.where(inside[:, None], chance_gains * (any_demand[:, None] - chance), 0.0)
    best = sse.reshape(len(sse), -1).argmin(axis=1)
    rows = np.arange(len(sse))
    return np.asarray(size[rows, best // len(CHANCE_GAINS)] * chance[rows, best % len(CHANCE_GAINS)])
