"""Forecast results made by hand: their figures are known, no model is fitted."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl

from analytics.demand import Frequency
from analytics.forecasting.spec import BASELINE, ForecastResult, ForecastSpec, Model, PanelForecast

BOUNDS = ("lo_80", "hi_80", "lo_95", "hi_95")
SHOWN: tuple[Model, ...] = ("seasonal_naive", "smoothing", "theta", "prophet", "median")
ERRORS = {"seasonal_naive": 1.0, "smoothing": 0.8, "theta": 0.7, "prophet": 0.9, "median": 0.6}


def periods(start: date, n: int, frequency: Frequency) -> list[date]:
    """The first days of ``n`` periods from ``start`` on."""
    if frequency == "month":
        return [date(start.year + (start.month - 1 + i) // 12, (start.month - 1 + i) % 12 + 1, 1) for i in range(n)]
    return [start + timedelta(days=i * (7 if frequency == "week" else 1)) for i in range(n)]


def swinging(n: int, length: float, level: float) -> np.ndarray:
    """A level with a slow trend and one season."""
    t = np.arange(n)
    return level * (1 + 0.002 * t + 0.2 * np.sin(2 * np.pi * t / length))


def banded(values: np.ndarray, width: float) -> dict[str, np.ndarray]:
    """A forecast with bands of ``width`` and twice that."""
    sides = {"lo_80": -width, "hi_80": width, "lo_95": -2 * width, "hi_95": 2 * width}
    return {"forecast": values, **{name: np.maximum(values + side, 0) for name, side in sides.items()}}


def one(
    y: Any,
    frequency: Frequency = "week",
    measure: str = "revenue",
    unit: str = "TWD",
    *,
    horizon: int = 6,
    n_origins: int = 3,
    model: Model = "median",
    reason: Any = "lowest_error",
    season_length: int | None = None,
    spec: ForecastSpec | None = None,
    band_source: Any = "own",
) -> ForecastResult:
    """One series whose last ``n_origins`` + 1 horizons are back-tested; every model adds its own error."""
    spec = spec or ForecastSpec()
    y = np.asarray(y, float)
    n, width = len(y), 0.1 * float(np.abs(y).mean())
    ds = periods(date(2023, 1, 1) if frequency == "month" else date(2023, 1, 2), n + horizon, frequency)
    known, ahead = ds[:n], ds[n:]
    said = {name: y[-1] * (1 + ERRORS[name] / 10) * np.ones(horizon) for name in SHOWN}
    forecast = pl.DataFrame({"ds": ahead, **banded(said[model], width), "last_year": y[-horizon:], **said})
    pieces = []
    for k in range(n_origins + 1 if n_origins else 0):
        end = n - horizon * (n_origins + 1 - k)
        rows = slice(end, end + horizon)
        then = {name: y[rows] * (1 + ERRORS[name] / 10) for name in SHOWN}
        pieces.append(
            pl.DataFrame(
                {
                    "cutoff": [known[end - 1]] * horizon,
                    "in_choice": [k < n_origins] * horizon,
                    "ds": known[rows],
                    "y": y[rows],
                    **banded(then[model], width),
                    **then,
                }
            )
        )
    backtest = pl.concat(pieces) if pieces else empty_backtest()
    scores = pl.DataFrame(
        [
            {
                "model": name,
                "mase": error,
                "rmsse": error + 0.1,
                "wape": error / 10,
                "smape": error / 10,
                "bias": error / 10,
                "wis": error * 2,
                "coverage_80": 0.78 + error / 100,
                "coverage_95": 0.94,
                "n": horizon * n_origins,
                "n_with_band": horizon * n_origins,
            }
            for name, error in ERRORS.items()
            if n_origins
        ],
        schema=SCORES,
    )
    total = float(said[model].sum())
    trend = np.linspace(y[0], y[-1], n + horizon)
    return ForecastResult(
        unique_id="total",
        frequency=frequency,
        measure=measure,
        unit=unit,
        as_of=known[-1] + timedelta(days={"day": 0, "week": 6, "month": 27}[frequency]),
        spec=spec,
        horizon=horizon,
        season_length={"day": 7, "week": 52, "month": 12}[frequency] if season_length is None else season_length,
        history=pl.DataFrame({"ds": known, "y": y}),
        forecast=forecast,
        backtest=backtest,
        scores=scores,
        final=scores.with_columns(pl.col("wape") * 2),
        totals=pl.DataFrame(
            {
                "total": [total],
                "lo_80": [total * 0.9],
                "hi_80": [total * 1.1],
                "lo_95": [total * 0.8],
                "hi_95": [total * 1.2],
                "last_year": [total / 1.25],
                "change_share": [0.25],
                "recent": [float(y[-horizon:].sum())],
                "slope_share": [0.1],
            }
        ),
        coverage=coverage(),
        paths=np.tile(said[model].astype(np.float32), (20, 1)),
        decomposition=pl.DataFrame(
            {"ds": ds, "y": [*y.tolist(), *[None] * horizon], "fitted": trend, "trend": trend, "weekly": trend * 0}
        ),
        components=shapes(frequency),
        mode="multiplicative",
        model=model,
        reason=reason,
        compared_by="mase" if n_origins and reason != "equal" else "",
        n_origins=n_origins,
        n_won=max(n_origins - 1, 0),
        band_source=band_source,
        key="made",
        caveats=(),
    )


SCORES = {
    "model": pl.String,
    **dict.fromkeys(("mase", "rmsse", "wape", "smape", "bias", "wis", "coverage_80", "coverage_95"), pl.Float64),
    "n": pl.Int64,
    "n_with_band": pl.Int64,
}


def empty_backtest() -> pl.DataFrame:
    """No origin at all."""
    numbers = dict.fromkeys(("y", "forecast", *BOUNDS, *SHOWN), pl.Float64)
    return pl.DataFrame(schema={"cutoff": pl.Date, "in_choice": pl.Boolean, "ds": pl.Date, **numbers})


def coverage() -> pl.DataFrame:
    """Over all series."""
    return pl.DataFrame(
        {
            "where": ["backtest", "backtest", "final", "final"],
            "level": [0.8, 0.95, 0.8, 0.95],
            "n": [400, 400, 100, 100],
            "covered_share": [0.81, 0.955, 0.77, 0.93],
        }
    )


def shapes(frequency: Frequency) -> pl.DataFrame:
    """Weekdays for days, a year, and two events of which one is beyond chance."""
    rows: list[dict[str, Any]] = []
    if frequency == "day":
        rows += [{"component": "weekly", "position": i, "effect": 0.05 * (i - 3)} for i in range(7)]
    rows += [
        {"component": "yearly", "position": i, "effect": 0.2 * float(np.sin(2 * np.pi * i / 365))}
        for i in range(1, 366, 4)
    ]
    for rank, (name, effect) in enumerate((("lunar_new_year", -0.4), ("Christmas Day", 0.05))):
        held = {"lo_95": effect - 0.1, "hi_95": effect + 0.1, "beyond_chance": abs(effect) > 0.1, "n_seen": 3}
        rows.append({"component": "holidays", "position": rank, "name": name, "effect": effect, **held})
    schema = {
        "component": pl.String,
        "position": pl.Int64,
        "name": pl.String,
        "effect": pl.Float64,
        "lo_95": pl.Float64,
        "hi_95": pl.Float64,
        "beyond_chance": pl.Boolean,
        "n_seen": pl.Int64,
    }
    return pl.DataFrame(rows, schema=schema)


def panel(n_series: int = 4, *, frequency: Frequency = "week", horizon: int = 6) -> PanelForecast:
    """``n_series`` series "s0", "s1" ... of falling size, each forecast as ``one`` does; s0 grows, the last falls."""
    made = {f"s{i}": one(swinging(120, 52, 1_000.0 / (i + 1)), frequency, horizon=horizon) for i in range(n_series)}

    def whole(name: str) -> pl.DataFrame:
        frames = [getattr(item, name).select(pl.lit(key).alias("unique_id"), pl.all()) for key, item in made.items()]
        return pl.concat(frames)

    first = next(iter(made.values()))
    changes = np.linspace(0.3, -0.3, n_series)
    totals = whole("totals").with_columns(change_share=pl.Series(changes))
    choices = pl.DataFrame(
        {
            "unique_id": list(made),
            "model": ["median"] * (n_series - 1) + [BASELINE],
            "reason": ["lowest_error"] * (n_series - 1) + ["baseline_wins"],
            "compared_by": ["mase"] * n_series,
            "model_error": [0.6] * (n_series - 1) + [1.0],
            "baseline_error": [1.0] * n_series,
            "n_origins": [3] * n_series,
            "n_won": [2] * n_series,
            "band_source": ["own"] * n_series,
        }
    )
    return PanelForecast(
        frequency=frequency,
        measure="revenue",
        unit="TWD",
        as_of=first.as_of,
        spec=ForecastSpec(),
        horizon=horizon,
        season_length=52,
        models=SHOWN,
        forecasts=whole("forecast"),
        backtest=whole("backtest"),
        scores=whole("scores"),
        final=whole("final"),
        choices=choices,
        totals=totals,
        coverage=coverage(),
        reconciled=pl.DataFrame(),
        incoherence=(0.0, 0.0),
        notes=pl.DataFrame(schema={"unique_id": pl.String, "code": pl.String, "n": pl.Int64, "percent": pl.Int64}),
        key="made-panel",
        caveats=(),
    )
