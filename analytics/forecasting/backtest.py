"""Rolling-origin back-test: what each candidate would have said then, from nothing but the periods up to then."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import polars as pl

from analytics.forecasting import metrics
from analytics.forecasting.intervals import LEVELS, Calibration, OriginErrors, calibrate
from analytics.forecasting.models import CANDIDATES, PERIODS_A_YEAR, TWO_YEARS, Fit, Series, next_periods
from analytics.progress import report

if TYPE_CHECKING:
    from analytics.forecasting.forecast import ForecastSpec
    from analytics.forecasting.models import Array

FULL_SEASON = {"day": 7, "week": 52, "month": 12}


@dataclass(frozen=True, slots=True, eq=False)
class Origin:
    """One cutoff: how many periods each candidate saw, what it said, what came. ``scored`` False: for bands only."""

    n_train: int
    scored: bool
    actual: Array
    fits: dict[str, Fit]


def baseline_season(n: int, horizon: int, frequency: str) -> int:
    """7 days, 52 weeks or 12 months; 1 (the last value) with fewer than two seasons or no room to test one."""
    full = FULL_SEASON[frequency]
    return full if n >= 2 * full and n - horizon >= _least_train(full) else 1


def place_origins(n: int, horizon: int, season: int, frequency: str, n_origins: int) -> tuple[list[int], list[int]]:
    """Numbers of periods that each origin sees: (scored, earlier), both ascending.

    Scored origins spread evenly over the last year, with less than two years over the second half. Earlier ones, before
    them at the same spacing but half a horizon at least, so that long steps are known too, only teach the bands: they
    do not reach back to where a yearly season could not be fitted.
    """
    year, latest = PERIODS_A_YEAR[frequency], n - horizon
    least = _least_train(season)
    if latest < least:
        return [], []
    earliest = min(max(n - year if n >= 2 * year else -(-n // 2), least), latest)
    step = (latest - earliest) / max(n_origins - 1, 1)
    if n_origins == 1:
        return [latest], []
    scored = sorted({round(earliest + place * step) for place in range(n_origins)})
    two_years = TWO_YEARS[frequency]
    floor = two_years if scored[0] >= two_years else max(least, -(-n // 4))
    spacing = max(step, horizon / 2)
    earlier = {round(scored[0] - place * spacing) for place in range(1, n_origins + 1)}
    return scored, sorted(n_train for n_train in earlier if n_train >= floor)


def run_backtest(series: Series, horizon: int, spec: ForecastSpec) -> list[Origin]:
    """Every candidate at every origin, ascending; origins that see fewer than two observed periods are left out."""
    import numpy as np

    scored, earlier = place_origins(len(series), horizon, series.season, series.frequency, spec.n_origins)
    places = sorted([*scored, *earlier])
    origins = []
    for done, n_train in enumerate(places):
        report(done / (len(places) + 1), "backtesting")
        train = series.first(n_train)
        if np.isfinite(train.y).sum() < 2:
            continue
        fits = {name: candidate(train, horizon, spec) for name, candidate in CANDIDATES.items()}
        origins.append(Origin(n_train, n_train in scored, series.y[n_train : n_train + horizon], fits))
    return origins


def known_calibration(origins: Sequence[Origin], model: str, n_known: int, like: Fit) -> Calibration | None:
    """The bands of ``model`` from errors in the first ``n_known`` periods: none that was not yet seen.

    Origins whose fit had the same seasons as ``like`` are preferred when they are enough.
    """
    import numpy as np

    alike, everyone = [], []
    for origin in origins:
        fit = origin.fits[model]
        errors = origin.actual - fit.forecast
        errors = np.where(origin.n_train + np.arange(len(errors)) < n_known, errors, np.nan)
        entry = OriginErrors(errors, fit.sigma)
        everyone.append(entry)
        if fit.seasonalities == like.seasonalities:
            alike.append(entry)
    return calibrate(alike) or calibrate(everyone)


def band_columns(model: str, fit: Fit, calibration: Calibration | None, series: Series) -> dict[str, Array]:
    """``<model>`` and its four bounds as columns, after ``series``; bounds are NaN without a calibration."""
    import numpy as np

    floor = float(np.nanmin(series.y)) >= 0

    horizon = len(fit.forecast)
    columns = {model: fit.forecast}
    for level in LEVELS:
        half = np.full(horizon, np.nan)
        if calibration is not None:
            half = calibration.half_width(fit.sigma, horizon, level) * series.open_ahead(horizon)
        low = fit.forecast - half
        columns[f"{model}-lo-{level * 100:.0f}"] = np.where(low < 0, 0.0, low) if floor else low
        columns[f"{model}-hi-{level * 100:.0f}"] = fit.forecast + half
    return columns


def backtest_frame(series: Series, origins: Sequence[Origin], horizon: int) -> pl.DataFrame:
    """cutoff, ds, y, then each model with its bounds: the scored origins only."""
    pieces = []
    for origin in origins:
        if not origin.scored:
            continue
        cutoff = series.ds[origin.n_train - 1]
        train = series.first(origin.n_train)
        columns: dict[str, Array] = {"y": origin.actual}
        for model, fit in origin.fits.items():
            calibration = known_calibration(origins, model, origin.n_train, fit)
            columns |= band_columns(model, fit, calibration, train)
        ds: list[date] = list(next_periods(cutoff, horizon, series.frequency))
        pieces.append(pl.DataFrame({"cutoff": [cutoff] * horizon, "ds": ds, **columns}))
    if not pieces:
        empty = pl.DataFrame(schema={"cutoff": pl.Date, "ds": pl.Date, "y": pl.Float64})
        names = [name for model in CANDIDATES for name in (model, *bound_names(model))]
        return empty.with_columns(pl.lit(None, pl.Float64).alias(name) for name in names)
    return pl.concat(pieces).with_columns(pl.col(pl.Float64).fill_nan(None))


def bound_names(model: str) -> tuple[str, ...]:
    """The names of a model's four bounds, 80 percent first."""
    return tuple(f"{model}-{side}-{level * 100:.0f}" for level in LEVELS for side in ("lo", "hi"))


def score(series: Series, origins: Sequence[Origin], backtest: pl.DataFrame) -> pl.DataFrame:
    """One row per model, the candidates' order; see ``ForecastResult.scores``."""
    import numpy as np

    rows = []
    for model in CANDIDATES:
        scaled: dict[str, list[float]] = {"mase": [], "rmsse": []}
        for origin in origins:
            if not origin.scored:
                continue
            train, said = series.y[: origin.n_train], origin.fits[model].forecast
            for name, measure in (("mase", metrics.mase), ("rmsse", metrics.rmsse)):
                value = measure(origin.actual, said, train, series.season)
                if value is not None:
                    scaled[name].append(value)
        y, said = backtest["y"].to_numpy(), backtest[model].to_numpy()
        inside = {}
        for level in (80, 95):
            lo, hi = (backtest[f"{model}-{side}-{level}"].to_numpy() for side in ("lo", "hi"))
            inside[f"coverage_{level}"], n_with_band = metrics.coverage(y, lo, hi)
        rows.append(
            {
                "model": model,
                **{name: float(np.mean(values)) if values else None for name, values in scaled.items()},
                "wape": metrics.wape(y, said),
                "smape": metrics.smape(y, said),
                "bias": metrics.bias(y, said),
                **inside,
                "n": int(np.isfinite(y).sum()),
                "n_with_band": n_with_band,
            }
        )
    numbers = ("mase", "rmsse", "wape", "smape", "bias", "coverage_80", "coverage_95")
    schema = {"model": pl.String, **dict.fromkeys(numbers, pl.Float64), "n": pl.Int64, "n_with_band": pl.Int64}
    return pl.DataFrame(rows, schema=schema)


def n_origins_won(origins: Sequence[Origin], model: str, against: str) -> tuple[int, int]:
    """In how many scored origins ``model``'s absolute errors sum to less than ``against``'s, and how many there are."""
    import numpy as np

    won = n = 0
    for origin in origins:
        if origin.scored and np.isfinite(origin.actual).any():
            sums = {name: float(np.nansum(np.abs(origin.actual - fit.forecast))) for name, fit in origin.fits.items()}
            won += sums[model] < sums[against]
            n += 1
    return won, n


def _least_train(season: int) -> int:
    """The fewest periods an origin sees: a season and a quarter, so that no single difference scales the errors."""
    return season + -(-season // 4) if season > 1 else 3
