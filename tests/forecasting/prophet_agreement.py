"""Our solver of Prophet's objective against the packaged Prophet: how far apart, and how much cheaper.

``python -m tests.forecasting.prophet_agreement [SET ...]`` prints one line per set of the forecasting benchmark. Both
see the same series with the same options at every origin of the set.
"""

from __future__ import annotations

import logging
import os
import sys
import time
from collections.abc import Iterator
from datetime import date
from typing import Literal, NamedTuple

import numpy as np
import polars as pl

from analytics.forecasting.block import Block
from analytics.forecasting.prophet_model import fit_packaged
from analytics.forecasting.prophet_model.fit import fit_blocks
from analytics.forecasting.spec import ForecastSpec, ProphetSpec
from benchmarks.forecast_sets import Task, tasks

SETS = ("online_retail", "examples", "world", "world_daily", "m4_weekly")
Mode = Literal["additive", "multiplicative"]


class Pair(NamedTuple):
    """One series at one origin: mean absolute difference of the two forecasts over mean |y|, and processor seconds."""

    set_name: str
    unique_id: str
    n_periods: int
    difference: float
    seconds: float
    packaged_seconds: float


def pairs(set_name: str, mode: Mode = "additive", most_series: int | None = None) -> Iterator[Pair]:
    """Every series of a set at every origin; ours all together, as in a back-test."""
    spec = ForecastSpec(prophet=ProphetSpec(seasonality_mode=mode))
    for task in tasks(set_name):
        blocks = [_block(task, origin, most_series) for origin in task.origins]
        started = _processor()
        found = fit_blocks(blocks, spec)
        seconds = (_processor() - started) / sum(len(block.ids) for block in blocks)
        for block, lines in zip(blocks, found, strict=True):
            for row, unique_id in enumerate(block.ids):
                y = block.y[row]
                if np.isfinite(y).sum() < 2:
                    continue
                started = _processor()
                packaged = fit_packaged(block.ds, y, block.ahead, block.frequency, spec)
                packaged_seconds = _processor() - started
                apart = np.abs(lines[row] - packaged.line)[len(y) :].mean() / np.nanmean(np.abs(y))
                n_periods = int(np.isfinite(y).sum())
                yield Pair(set_name, unique_id, n_periods, float(apart), seconds, packaged_seconds)


def _block(task: Task, origin: date, most_series: int | None) -> Block:
    known = task.frame.filter(pl.col("ds") <= origin)
    ids = tuple(known["unique_id"].unique(maintain_order=True).to_list()[:most_series])
    ds = known["ds"].unique().sort().to_list()
    ahead = task.frame.filter(pl.col("ds") > origin)["ds"].unique().sort().to_list()[: task.horizon]
    place = {day: index for index, day in enumerate(ds)}
    y = np.full((len(ids), len(ds)), np.nan)
    for row, unique_id in enumerate(ids):
        series = known.filter(pl.col("unique_id") == unique_id)
        y[row, [place[day] for day in series["ds"]]] = series["y"].to_numpy()
    return Block(ids, tuple(ds), y, tuple(ahead), task.frequency, task.season)


def _processor() -> float:
    """Processor seconds of this process and of those that it started and that ended."""
    return sum(os.times()[:4])


def line(set_name: str, mode: Mode) -> dict[str, object]:
    """Median, mean and largest difference of a set, and the mean cost of a fit."""
    found = list(pairs(set_name, mode))
    apart = np.array([pair.difference for pair in found])
    ours, packaged = (np.mean([getattr(pair, name) for pair in found]) for name in ("seconds", "packaged_seconds"))
    return {
        "set": set_name,
        "mode": mode,
        "n": len(found),
        "median": round(float(np.median(apart)), 4),
        "mean": round(float(apart.mean()), 4),
        "p90": round(float(np.quantile(apart, 0.9)), 4),
        "ms": round(1000 * float(ours), 1),
        "packaged_ms": round(1000 * float(packaged), 1),
        "times_faster": round(float(packaged / ours), 1),
    }


if __name__ == "__main__":
    logging.disable(logging.WARNING)
    begun = time.perf_counter()
    for mode in ("additive", "multiplicative"):
        for name in sys.argv[1:] or SETS:
            print(line(name, mode), f"{time.perf_counter() - begun:.0f} s", flush=True)
