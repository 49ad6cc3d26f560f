"""The verb for many: a DemandPanel and a ForecastSpec to a PanelForecast."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import polars as pl

from analytics.demand import DemandPanel
from analytics.errors import Caveat
from analytics.forecasting.adding_up import AddedUp, add_up
from analytics.forecasting.backtest import Backtest, Bounds, Scores, bounds, past_bounds, run_backtest, score
from analytics.forecasting.candidates import asked_for
from analytics.forecasting.choosing import Choice, choose
from analytics.forecasting.grid import PERIODS_A_YEAR, TWO_YEARS, Grid, Note, last_year, read_grid
from analytics.forecasting.intervals import SOURCES, Calibration, calibrate, standard_normal
from analytics.forecasting.metrics import inside, never_negative, whole
from analytics.forecasting.spec import BASELINE, LEVELS, ForecastSpec, Model, PanelForecast
from analytics.keys import derive_key
from analytics.progress import report

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from analytics.forecasting.block import Floats

BOUND_NAMES = ("lo_80", "hi_80", "lo_95", "hi_95")
SCORE_NAMES = ("mase", "rmsse", "wape", "smape", "bias", "wis", "coverage_80", "coverage_95")
LOW_COVERAGE = 0.7
LEAST_WITH_BAND = 20


def forecast_all(panel: DemandPanel, spec: ForecastSpec) -> PanelForecast:
    """Forecast every series of ``panel`` with every candidate, back-test all of them, choose one per series.

    ``unique_id`` and ``interval_width`` of the spec are not looked at. No candidate sees anything after its cutoff; no
    choice and no band sees the last horizon, which is reported as ``final``. Bands are conformal: from the back-test
    errors known at the time, a series' own or, where these are too few, those of all series.

    Raises
    ------
    AnalysisError : "series_too_short" (fewer than two observed periods), "horizon_too_long" (longer than the history),
        "repeated_periods", "irregular_periods", "too_many_gaps" (over 30 percent missing); the first and the last only
        when no series of the panel is better. "country_unknown", "fit_failed".

    Sources: Hyndman & Athanasopoulos, "Forecasting: principles and practice", for rolling origins; see the candidates
    for theirs.
    """
    spec = replace(spec, unique_id="", interval_width=LEVELS[0])
    grid = read_grid(panel, spec)
    block, models = grid.block, asked_for(spec)
    told, ahead = run_backtest(block, spec, models)
    floored = never_negative(block.y)
    past = {model: past_bounds(told, said, floored) for model, said in told.said.items()}
    choice_places, final_places = slice(0, told.n_choice), slice(told.n_choice, len(told.places))
    scores = {model: score(told, said, past[model], choice_places) for model, said in told.said.items()}
    final = {model: score(told, said, past[model], final_places) for model, said in told.said.items()}
    choices, abstained = choose(block, told, scores, ahead, spec)
    report(0.97, "fitting_forecast")

    chosen = [choice.model for choice in choices]
    line, calibration, scale = _line(told, ahead, chosen, grid)
    future = bounds(line, calibration, scale, floored)
    past_line, past_bands = _past_line(told, chosen, past)
    totals = _totals(grid, line, calibration, scale, floored, spec)
    notes = [*grid.notes, *(Note(unique_id, "model_abstained") for unique_id in abstained)]
    notes += [Note(unique_id, f"left_out_{error.code}") for unique_id, error in grid.left_out.items()]
    notes += _choice_notes(grid, choices, scores, calibration)
    added = add_up(grid, told, line, past_line, scale, floored, panel.parents)
    source = [SOURCES[place] for place in calibration.source]
    return PanelForecast(
        frequency=panel.frequency,
        measure=panel.measure,
        unit=panel.unit,
        as_of=panel.as_of,
        spec=spec,
        horizon=grid.horizon,
        season_length=block.season,
        models=models,
        forecasts=_forecasts_frame(grid, ahead, line, future),
        backtest=_backtest_frame(grid, told, past_line, past_bands),
        scores=_scores_frame(block.ids, scores),
        final=_scores_frame(block.ids, final),
        choices=_choices_frame(block.ids, choices, source),
        totals=totals,
        coverage=_coverage_frame(told, past_bands),
        reconciled=_reconciled_frame(grid, added),
        incoherence=added.incoherence if added else (0.0, 0.0),
        notes=_notes_frame(grid, notes),
        key=derive_key("forecast_all", spec, panel.key),
        caveats=tuple(_caveats(grid, told)),
    )


def _line(
    told: Backtest, ahead: dict[Model, Floats], chosen: Sequence[Model], grid: Grid
) -> tuple[Floats, Calibration, Floats]:
    """The chosen model's forecast of each series, what its errors taught, and their scale today."""
    import numpy as np

    from analytics.forecasting.metrics import recent_scales

    rows = range(len(chosen))
    line = np.array([ahead[model][row] for row, model in zip(rows, chosen, strict=True)])
    said = np.full(told.actual.shape, np.nan)
    for row, model in zip(rows, chosen, strict=True):
        said[:, row] = told.said[model][:, row]
    n_periods = grid.block.y.shape[1]
    scale = recent_scales(grid.block)
    if not told.places:
        return line, calibrate(np.full((0, len(chosen), line.shape[1]), np.nan)), scale
    return line, told.calibration(said, n_periods), scale


def _past_line(told: Backtest, chosen: Sequence[Model], past: dict[Model, Bounds]) -> tuple[Floats, Bounds]:
    """What the chosen models said at each cutoff, with their bounds."""
    import numpy as np

    line = np.full(told.actual.shape, np.nan)
    lo, hi = (np.full((len(LEVELS), *told.actual.shape), np.nan) for _ in range(2))
    for row, model in enumerate(chosen):
        line[:, row] = told.said[model][:, row]
        lo[:, :, row], hi[:, :, row] = past[model].lo[:, :, row], past[model].hi[:, :, row]
    return line, Bounds(lo, hi)


def _bound_columns(found: Bounds) -> dict[str, Floats]:
    """``lo_80`` and so on, each with the levels taken off."""
    return {
        name: (found.lo if name.startswith("lo") else found.hi)[place]
        for place, level in enumerate(LEVELS)
        for name in (f"lo_{level * 100:.0f}", f"hi_{level * 100:.0f}")
    }


def _forecasts_frame(grid: Grid, ahead: dict[Model, Floats], line: Floats, found: Bounds) -> pl.DataFrame:
    import numpy as np

    columns: dict[str, Floats] = {"forecast": line, **_bound_columns(found)}
    laid = {name: grid.on_all(values).ravel() for name, values in columns.items()}
    laid["last_year"] = last_year(grid).ravel()
    for model, values in ahead.items():
        on_all = grid.on_all(values)
        laid[model] = np.where(whole(values)[:, None], on_all, np.nan).ravel()
    n, horizon = len(grid.block.ids), grid.horizon
    keys = {"unique_id": np.repeat(np.array(grid.block.ids, dtype=object), horizon).tolist()}
    return pl.DataFrame({**keys, "ds": list(grid.ahead) * n, **laid}).with_columns(pl.col(pl.Float64).fill_nan(None))


def _reconciled_frame(grid: Grid, added: AddedUp | None) -> pl.DataFrame:
    """Empty without a hierarchy."""
    names = ("forecast", *BOUND_NAMES)
    if added is None:
        return pl.DataFrame(schema={"unique_id": pl.String, "ds": pl.Date, **dict.fromkeys(names, pl.Float64)})
    laid = {"forecast": added.line, **_bound_columns(added.bands)}
    columns = {name: grid.on_all(values).ravel() for name, values in laid.items()}
    ids = [unique_id for unique_id in grid.block.ids for _ in grid.ahead]
    return pl.DataFrame({"unique_id": ids, "ds": list(grid.ahead) * len(grid.block.ids), **columns})


def _backtest_frame(grid: Grid, told: Backtest, line: Floats, bands: Bounds) -> pl.DataFrame:
    """Sorted as the series stand, then by cutoff; only open periods, and no cutoff at which a series was not there."""
    import numpy as np

    block = grid.block
    n, horizon, n_places = len(block.ids), block.horizon, len(told.places)
    ds = [block.ds[seen + step] for seen in told.places for step in range(horizon)]
    cutoffs = [block.ds[seen - 1] for seen in told.places for _ in range(horizon)]
    in_choice = [place < told.n_choice for place in range(n_places) for _ in range(horizon)]
    values: dict[str, Floats] = {"y": told.actual, "forecast": line, **_bound_columns(bands)}
    values.update(told.said.items())
    laid = {name: np.moveaxis(array, 1, 0).ravel() for name, array in values.items()}
    frame = pl.DataFrame(
        {
            "unique_id": np.repeat(np.array(block.ids, dtype=object), n_places * horizon).tolist(),
            "cutoff": cutoffs * n,
            "in_choice": in_choice * n,
            "ds": ds * n,
            **laid,
        },
        schema_overrides={
            "unique_id": pl.String,
            "cutoff": pl.Date,
            "in_choice": pl.Boolean,
            "ds": pl.Date,
        },
    ).with_columns(pl.col(pl.Float64).fill_nan(None))
    return frame.filter(pl.col(BASELINE).is_not_null())


def _scores_frame(ids: tuple[str, ...], scores: dict[Model, Scores]) -> pl.DataFrame:
    schema = {
        "unique_id": pl.String,
        "model": pl.String,
        **dict.fromkeys(SCORE_NAMES, pl.Float64),
        "n": pl.Int64,
        "n_with_band": pl.Int64,
    }
    frames = [
        pl.DataFrame(
            {
                "unique_id": list(ids),
                "model": [model] * len(ids),
                **found.values,
                "n": found.n,
                "n_with_band": found.n_with_band,
            },
            schema=schema,
        ).with_columns(place=pl.int_range(pl.len()))
        for model, found in scores.items()
    ]
    together = pl.concat(frames).filter(pl.col("n") > 0).with_columns(pl.col(pl.Float64).fill_nan(None))
    return together.sort("place", maintain_order=True).drop("place")


def _choices_frame(ids: tuple[str, ...], choices: Sequence[Choice], source: Sequence[str]) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "unique_id": list(ids),
            "model": [choice.model for choice in choices],
            "reason": [choice.reason for choice in choices],
            "compared_by": [choice.compared_by for choice in choices],
            "model_error": [choice.model_error for choice in choices],
            "baseline_error": [choice.baseline_error for choice in choices],
            "n_origins": [choice.n_origins for choice in choices],
            "n_won": [choice.n_won for choice in choices],
            "band_source": list(source),
        },
        schema_overrides={"model_error": pl.Float64, "baseline_error": pl.Float64},
    )


def _totals(
    grid: Grid,
    line: Floats,
    calibration: Calibration,
    scale: Floats,
    floored: npt.NDArray[np.bool_],
    spec: ForecastSpec,
) -> pl.DataFrame:
    import numpy as np

    n_open = int(grid.ahead_open.sum())
    normal = standard_normal(line.shape[1], spec.random_state)
    before, recent, slope = last_year(grid), _recent(grid), _slope_shares(grid)
    rows = []
    for row, unique_id in enumerate(grid.block.ids):
        total = float(line[row, :n_open].sum())
        paths = line[row] + calibration.paths(row, _size(scale[row]), normal)
        if floored[row]:
            paths = np.maximum(paths, 0.0)
        sums = paths[:, :n_open].sum(axis=1)
        lo_80, hi_80, lo_95, hi_95 = (float(q) for q in np.quantile(sums, (0.1, 0.9, 0.025, 0.975)))
        whole = float(before[row].sum()) if np.isfinite(before[row]).all() else None
        rows.append(
            {
                "unique_id": unique_id,
                "total": total,
                "lo_80": min(lo_80, total),
                "hi_80": max(hi_80, total),
                "lo_95": min(lo_95, total),
                "hi_95": max(hi_95, total),
                "last_year": whole,
                "change_share": total / whole - 1 if whole is not None and whole > 0 else None,
                "recent": recent[row],
                "slope_share": slope[row],
            }
        )
    numbers = ("total", *BOUND_NAMES, "last_year", "change_share", "recent", "slope_share")
    return pl.DataFrame(rows, schema={"unique_id": pl.String, **dict.fromkeys(numbers, pl.Float64)})


def _size(scale: float) -> float:
    import math

    return float(scale) if math.isfinite(scale) else 0.0


def _recent(grid: Grid) -> list[float | None]:
    """Sums of the last whole horizon of the history; None where a period of it is missing."""
    import numpy as np

    sums = grid.y[:, -grid.horizon :].sum(axis=1)
    return [float(value) if np.isfinite(value) else None for value in sums]


def _slope_shares(grid: Grid) -> list[float | None]:
    """The yearly trend as a share of the level.

    From two whole years on, last year against the one before, so that the season drops out; else the slope of least
    squares through what is observed, over its mean.
    """
    import numpy as np

    year = 364 if grid.block.frequency == "day" else PERIODS_A_YEAR[grid.block.frequency]
    found: list[float | None] = []
    for y in grid.y:
        seen = np.flatnonzero(np.isfinite(y))
        level = float(y[seen].mean())
        if len(y) >= 2 * year and np.isfinite(y[-2 * year]):
            this, previous = float(np.nanmean(y[-year:])), float(np.nanmean(y[-2 * year : -year]))
            found.append(this / previous - 1 if previous > 0 else None)
        elif level > 0 and len(seen) >= 3:
            x = (seen - seen.mean()) / PERIODS_A_YEAR[grid.block.frequency]
            found.append(float((x * (y[seen] - level)).sum() / (x**2).sum() / level))
        else:
            found.append(None)
    return found


def _coverage_frame(told: Backtest, bands: Bounds) -> pl.DataFrame:
    import numpy as np

    rows = []
    for where, places in (("backtest", slice(0, told.n_choice)), ("final", slice(told.n_choice, len(told.places)))):
        for place, level in enumerate(LEVELS):
            held = inside(told.actual[places], bands.lo[place][places], bands.hi[place][places])
            n = int(np.isfinite(held).sum())
            rows.append((where, level, n, float(np.nanmean(held)) if n else None))
    schema = {"where": pl.String, "level": pl.Float64, "n": pl.Int64, "covered_share": pl.Float64}
    return pl.DataFrame(rows, schema=schema, orient="row")


def _choice_notes(
    grid: Grid, choices: Sequence[Choice], scores: dict[Model, Scores], calibration: Calibration
) -> list[Note]:
    import numpy as np

    notes = []
    for row, (unique_id, choice) in enumerate(zip(grid.block.ids, choices, strict=True)):
        if choice.reason == "untested":
            notes.append(Note(unique_id, "forecast_untested"))
        elif choice.reason == "baseline_wins":
            notes.append(Note(unique_id, "baseline_wins", choice.n_origins))
        elif choice.model != BASELINE and 2 * choice.n_won <= choice.n_origins:
            notes.append(Note(unique_id, "narrow_win", choice.n_won))
        if choice.reason != "equal":
            if calibration.source[row] == 1:
                notes.append(Note(unique_id, "bands_pooled", len(grid.block.ids)))
            elif calibration.source[row] == 2:
                notes.append(Note(unique_id, "bands_uncalibrated"))
        found = scores[choice.model]
        covered = found.values["coverage_80"][row]
        if np.isfinite(covered) and covered < LOW_COVERAGE and found.n_with_band[row] >= LEAST_WITH_BAND:
            notes.append(Note(unique_id, "coverage_low", int(found.n_with_band[row]), round(float(covered) * 100)))
    return notes


def _notes_frame(grid: Grid, notes: Sequence[Note]) -> pl.DataFrame:
    place = {unique_id: row for row, unique_id in enumerate((*grid.block.ids, *grid.left_out))}
    rows = [
        (note.unique_id, note.code, note.n, note.percent) for note in sorted(notes, key=lambda n: place[n.unique_id])
    ]
    schema = {"unique_id": pl.String, "code": pl.String, "n": pl.Int64, "percent": pl.Int64}
    return pl.DataFrame(rows, schema=schema, orient="row")


def _caveats(grid: Grid, told: Backtest) -> list[Caveat]:
    n, frequency = len(grid.ds), grid.block.frequency
    caveats = []
    if n < TWO_YEARS[frequency]:
        caveats.append(Caveat("no_yearly_season", "watch", {"n_periods": n, "n_needed": TWO_YEARS[frequency]}))
    if frequency == "day" and n < 14:
        caveats.append(Caveat("no_weekly_season", "watch", {"n_periods": n, "n_needed": 14}))
    if told.places and not told.has_final:
        caveats.append(Caveat("no_final_check", "note", {"n_periods": n, "horizon": grid.horizon}))
    if grid.left_out:
        n_series = len(grid.left_out) + len(grid.block.ids)
        caveats.append(Caveat("series_left_out", "watch", {"n": len(grid.left_out), "n_series": n_series}))
    return caveats
