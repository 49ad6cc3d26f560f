"""Panels written down in the test."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from analytics.demand import DemandPanel, Frequency
from analytics.forecasting.grid import next_periods

LAST_DAY = {"day": 0, "week": 6, "month": 27}


@pytest.fixture(scope="session")
def make_panel() -> Callable[..., DemandPanel]:
    """``make_panel(values, frequency, start)``: a panel of one series, or of several from a dictionary."""

    def panel(
        values: Sequence[float | None] | dict[str, Sequence[float | None]],
        frequency: Frequency = "week",
        start: date = date(2023, 1, 2),
        key: str = "panel",
    ) -> DemandPanel:
        named = values if isinstance(values, dict) else {"total": values}
        frames = []
        end = start
        for name, y in named.items():
            ds = [start, *next_periods(start, len(y) - 1, frequency)][: len(y)]
            end = max([end, *ds])
            schema = {"unique_id": pl.String, "ds": pl.Date, "y": pl.Float64}
            numbers = [None if v is None else float(v) for v in y]
            frames.append(pl.DataFrame({"unique_id": [name] * len(y), "ds": ds, "y": numbers}, schema=schema))
        as_of = end + timedelta(days=LAST_DAY[frequency])
        return DemandPanel(pl.concat(frames), frequency, "revenue", "TWD", as_of, 0, 0, 0, key, members=tuple(named))

    return panel


@pytest.fixture(scope="session")
def planted() -> Callable[..., np.ndarray]:
    """``planted(n, frequency, seed)``: trend 500 to 700, a yearly swing of +-60, a weekday pattern, noise of 25."""

    def values(n: int, frequency: Frequency = "week", seed: int = 1, noise: float = 25.0) -> np.ndarray:
        t = np.arange(n)
        y = 500 + 200 * t / n + 60 * np.sin(2 * np.pi * t / {"day": 365.25, "week": 52.18, "month": 12}[frequency])
        if frequency == "day":
            y = y + np.array([0.0, 5.0, 10.0, 20.0, 60.0, 80.0, -40.0])[t % 7]
        return y + np.random.default_rng(seed).normal(0, noise, n)

    return values
