"""A forecast and a response made up by hand, whose consequences can be written down."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl

from analytics.forecasting.planning import PriceToday, ResponseResult, ResponseSpec
from analytics.forecasting.planning.told import Posterior
from analytics.forecasting.spec import ForecastResult, ForecastSpec

START = date(2026, 3, 2)
PRICE = PriceToday("p", 100.0, 0.0, "TWD", "price")


def made(paths: Any, *, frequency: Any = "day", measure: str = "quantity", start: date = START) -> ForecastResult:
    """A forecast with these paths; history and back-test are 10 a period throughout."""
    paths = np.asarray(paths, dtype=np.float32)
    horizon = paths.shape[1]
    step = {"day": timedelta(days=1), "week": timedelta(days=7)}.get(frequency)
    if step is None:
        ahead = [date(2026 + (2 + i) // 12, (2 + i) % 12 + 1, 1) for i in range(horizon)]
        past = [date(2024 + i // 12, i % 12 + 1, 1) for i in range(24)]
    else:
        ahead = [start + step * i for i in range(horizon)]
        past = [start - step * i for i in range(60, 0, -1)]
    mean = paths.mean(axis=0).astype(float)
    rows = [(past[-1 - k], k == 2, ds, 10.0 + 5 * k, 10.0) for k in range(3) for ds in ahead]
    backtest = pl.DataFrame(rows, schema=["cutoff", "in_choice", "ds", "y", "forecast"], orient="row")
    empty = pl.DataFrame()
    return ForecastResult(
        unique_id="p",
        frequency=frequency,
        measure=measure,
        unit="items",
        as_of=past[-1],
        spec=ForecastSpec(),
        horizon=horizon,
        season_length=7,
        history=pl.DataFrame({"ds": past, "y": [8.0, 12.0] * (len(past) // 2)}),
        forecast=pl.DataFrame({"ds": ahead, "forecast": mean}),
        backtest=backtest,
        scores=empty,
        final=empty,
        totals=empty,
        coverage=empty,
        paths=paths,
        decomposition=empty,
        components=empty,
        mode="additive",
        model="seasonal_naive",
        reason="baseline_wins",
        compared_by="mase",
        n_origins=3,
        n_won=0,
        band_source="own",
        key="made",
        caveats=(),
    )


def response(
    *, told: str = "", spread: float = 0.0, mean: tuple[float, float, float, float] = (-2.0, 0.1, 1.5, 0.5)
) -> ResponseResult:
    """All products: elasticity -2, promotions exp(.1) x (1 - d) ** -1.5, an event exp(.5); known exactly by default."""
    who = {"scope": ["all"], "unit_id": [""]}
    names = ("price", "jump", "slope", "double_11")
    cov = tuple(tuple(spread**2 if i == j else 0.0 for j in range(4)) for i in range(4))
    seen = {"n_prices": [4], "lowest_ratio": [0.8], "highest_ratio": [1.25], "gain_share": [0.1], "told": [told]}
    depths = [0.1, 0.2, 0.3]
    return ResponseResult(
        spec=ResponseSpec(),
        prices=pl.DataFrame({**who, "elasticity": [mean[0]], "lo": [-2.5], "hi": [-1.5], **seen}),
        promotions=pl.DataFrame(
            {"scope": ["all"] * 3, "unit_id": [""] * 3, "depth": depths, "ratio": [1.0] * 3, "told": [told] * 3}
        ),
        events=pl.DataFrame({**who, "event": ["double_11"], "ratio": [1.6], "n_seen": [2], "told": [told]}),
        today=pl.DataFrame(),
        products=pl.DataFrame(schema={"unit_id": pl.String, "group": pl.String}),
        posteriors=(Posterior("all", "", names, mean, cov, 0.0),),
        occasions=pl.DataFrame(),
        n_days=900,
        key="response",
        caveats=(),
    )
