"""The verb for one: a series of a PanelForecast in depth, with the packaged Prophet's line and what it is made of."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import NormalDist
from typing import TYPE_CHECKING

import polars as pl

from analytics.demand import DemandPanel
from analytics.errors import AnalysisError, Caveat
from analytics.forecasting.forecast import BOUND_NAMES
from analytics.forecasting.grid import PERIODS_A_YEAR, Grid, read_grid
from analytics.forecasting.intervals import calibrate, standard_normal
from analytics.forecasting.metrics import never_negative, recent_scales
from analytics.forecasting.prophet_model.packaged import Packaged, fit_packaged
from analytics.forecasting.spec import ForecastResult, ForecastSpec, PanelForecast
from analytics.keys import derive_key
from analytics.progress import report

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from analytics.forecasting.block import Floats

Z_95 = 1.96
NOT_FOR_ONE = frozenset({"series_left_out"})


def forecast(panel: DemandPanel, spec: ForecastSpec, everything: PanelForecast) -> ForecastResult:
    """One series of ``everything`` (= ``forecast_all(panel, spec)``) in depth.

    Its components are the packaged Prophet's, whichever model was chosen, and so is Prophet's own line.

    Raises
    ------
    AnalysisError : "series_unknown"; what ``forecast_all`` left this series out for; "fit_failed".
    """
    report(0.0, "fitting_forecast")
    grid = read_grid(panel, everything.spec)
    unique_id = spec.unique_id or grid.block.ids[0]
    if unique_id in grid.left_out:
        raise grid.left_out[unique_id]
    if unique_id not in grid.block.ids:
        raise AnalysisError("series_unknown", unique_id=unique_id)
    row = grid.block.ids.index(unique_id)

    def own(frame: pl.DataFrame) -> pl.DataFrame:
        return frame.filter(pl.col("unique_id") == unique_id).drop("unique_id")

    choice = own(everything.choices).row(0, named=True)
    base = own(everything.forecasts)
    totals = own(everything.totals)
    y, fit = _fit(grid, row, spec)
    ahead = _with_packaged(base, fit, grid, row, choice["model"]) if "prophet" in base.columns else base
    paths = _paths(grid, row, everything, ahead["forecast"].to_numpy(), spec)
    notes = own(everything.notes)
    return ForecastResult(
        unique_id=unique_id,
        frequency=everything.frequency,
        measure=everything.measure,
        unit=everything.unit,
        as_of=everything.as_of,
        spec=spec,
        horizon=everything.horizon,
        season_length=everything.season_length,
        history=_history(grid, row),
        forecast=ahead,
        backtest=own(everything.backtest),
        scores=own(everything.scores),
        final=own(everything.final),
        totals=_totals(totals, ahead, paths) if choice["model"] == "prophet" else totals,
        coverage=_coverage(own(everything.backtest)),
        paths=paths,
        decomposition=_decomposition(y, grid.horizon, fit),
        components=_components(grid, fit),
        mode=fit.mode,
        model=choice["model"],
        reason=choice["reason"],
        compared_by=choice["compared_by"],
        n_origins=choice["n_origins"],
        n_won=choice["n_won"],
        band_source=choice["band_source"],
        key=derive_key("forecast", spec, panel.key, everything.key),
        caveats=(*_of_notes(notes, choice, grid), *_of_all(everything)),
    )


def _fit(grid: Grid, row: int, spec: ForecastSpec) -> tuple[Floats, Packaged]:
    """The series from its own beginning, closed days missing, and the packaged Prophet's fit of it."""
    import numpy as np

    first = int(np.flatnonzero(np.isfinite(grid.y[row]))[0])
    open_days = set(grid.block.ds)
    is_open = np.array([day in open_days for day in grid.ds[first:]])
    y = np.where(is_open, grid.y[row, first:], np.nan)
    return y, fit_packaged(grid.ds[first:], y, grid.ahead, grid.block.frequency, spec)


def _with_packaged(ahead: pl.DataFrame, fit: Packaged, grid: Grid, row: int, model: str) -> pl.DataFrame:
    """Prophet's line by the package itself; the bands move with it where it was chosen."""
    import numpy as np

    floored = bool(never_negative(grid.y[row : row + 1])[0])
    line = fit.line[-grid.horizon :]
    line = np.where(grid.ahead_open, np.maximum(line, 0.0) if floored else line, 0.0)
    shifted = ahead.with_columns(prophet=line)
    if model != "prophet":
        return shifted
    by = line - ahead["prophet"].to_numpy()
    moved = {name: ahead[name].to_numpy() + by for name in BOUND_NAMES}
    if floored:
        moved = {name: np.maximum(values, 0.0) for name, values in moved.items()}
    return shifted.with_columns(forecast=line, **{name: pl.Series(values) for name, values in moved.items()})


def _totals(totals: pl.DataFrame, ahead: pl.DataFrame, paths: npt.NDArray[np.float32]) -> pl.DataFrame:
    """The totals of the packaged line: its sum, and bounds from its own paths."""
    import numpy as np

    total = float(ahead["forecast"].sum())
    sums = paths.sum(axis=1, dtype=float)
    lo_80, hi_80, lo_95, hi_95 = (float(bound) for bound in np.quantile(sums, (0.1, 0.9, 0.025, 0.975)))
    return totals.with_columns(
        total=pl.lit(total),
        lo_80=pl.lit(min(lo_80, total)),
        hi_80=pl.lit(max(hi_80, total)),
        lo_95=pl.lit(min(lo_95, total)),
        hi_95=pl.lit(max(hi_95, total)),
        change_share=pl.when(pl.col("last_year") > 0).then(total / pl.col("last_year") - 1),
    )


def _history(grid: Grid, row: int) -> pl.DataFrame:
    import numpy as np

    first = int(np.flatnonzero(np.isfinite(grid.y[row]))[0])
    frame = pl.DataFrame({"ds": list(grid.ds[first:]), "y": grid.y[row, first:]})
    return frame.with_columns(pl.col("y").fill_nan(None))


def _coverage(backtest: pl.DataFrame) -> pl.DataFrame:
    """As in ``PanelForecast``, of this series alone."""
    rows = []
    for where, in_choice in (("backtest", True), ("final", False)):
        part = backtest.filter(pl.col("in_choice") == in_choice)
        for level, name in ((0.8, "80"), (0.95, "95")):
            seen = part.drop_nulls(["y", f"lo_{name}"])
            slack = 1e-6 * pl.max_horizontal(pl.col("y").abs(), pl.lit(1e-6))
            within = (pl.col("y") >= pl.col(f"lo_{name}") - slack) & (pl.col("y") <= pl.col(f"hi_{name}") + slack)
            rows.append((where, level, len(seen), seen.select(within.mean()).item() if len(seen) else None))
    schema = {"where": pl.String, "level": pl.Float64, "n": pl.Int64, "covered_share": pl.Float64}
    return pl.DataFrame(rows, schema=schema, orient="row")


def _paths(
    grid: Grid, row: int, everything: PanelForecast, line: Floats, spec: ForecastSpec
) -> npt.NDArray[np.float32]:
    """The paths behind the totals, around ``line``."""
    import numpy as np

    calibration = calibrate(_ratios(grid, everything))
    scale = recent_scales(grid.block)
    normal = standard_normal(grid.block.horizon, spec.random_state)
    errors = calibration.paths(row, float(np.nan_to_num(scale[row])), normal)
    paths = line + grid.on_all(errors)
    if never_negative(grid.y[row : row + 1])[0]:
        paths = np.maximum(paths, 0.0)
    return paths.astype(np.float32)


def _ratios(grid: Grid, everything: PanelForecast) -> Floats:
    """The chosen models' scaled errors as ``forecast_all`` had them: (origins, n, h)."""
    import numpy as np

    told = everything.backtest.filter("in_choice").select(
        "unique_id", "cutoff", "ds", error=pl.col("y") - pl.col("forecast")
    )
    cutoffs = told["cutoff"].unique().sort().to_list()
    place = {day: index for index, day in enumerate(grid.block.ds)}
    ratios = np.full((len(cutoffs), len(grid.block.ids), grid.block.horizon), np.nan)
    if not cutoffs:
        return ratios

    def position(column: str, values: Sequence[object]) -> npt.NDArray[np.int64]:
        found = told[column].replace_strict(list(values), range(len(values)), return_dtype=pl.Int64)
        return found.to_numpy()

    origin, row, period = (
        position("cutoff", cutoffs),
        position("unique_id", grid.block.ids),
        position("ds", grid.block.ds),
    )
    seen = np.array([place[cutoff] for cutoff in cutoffs])
    ratios[origin, row, period - seen[origin] - 1] = told["error"].to_numpy()
    for cut, n_seen in enumerate(seen + 1):
        scale = recent_scales(grid.block.until(int(n_seen), grid.block.horizon))
        ratios[cut] /= np.where(scale > 0, scale, np.nan)[:, None]
    return ratios


def _of_notes(notes: pl.DataFrame, choice: dict[str, object], grid: Grid) -> list[Caveat]:
    watched = {"series_ended", "horizon_long", "series_intermittent", "baseline_wins", "forecast_untested"}
    watched |= {"coverage_low", "bands_uncalibrated", "model_abstained"}
    caveats = []
    for note in notes.iter_rows(named=True):
        params: dict[str, str | int | float] = {"n_periods": len(grid.ds), "horizon": grid.horizon}
        params |= {name: note[name] for name in ("n", "percent") if note[name] is not None}
        for name in ("model_error", "baseline_error", "n_won", "n_origins"):
            value = choice[name]
            if isinstance(value, int | float):
                params[name] = value
        caveats.append(Caveat(note["code"], "watch" if note["code"] in watched else "note", params))
    return caveats


def _of_all(everything: PanelForecast) -> list[Caveat]:
    return [caveat for caveat in everything.caveats if caveat.code not in NOT_FOR_ONE]


def _decomposition(y: Floats, horizon: int, fit: Packaged) -> pl.DataFrame:
    import numpy as np

    whole = np.concatenate([y, np.full(horizon, np.nan)])
    columns: dict[str, Floats] = {"y": whole, "fitted": fit.line, "trend": fit.trend}
    columns.update(fit.parts.items())
    frame = pl.DataFrame({"ds": list(fit.days)}).with_columns(
        pl.Series(name, values) for name, values in columns.items()
    )
    return frame.with_columns(pl.col("y").fill_nan(None))


def _components(grid: Grid, fit: Packaged) -> pl.DataFrame:
    """Each component's shape: read off its own values over the last year (week), where every place occurs once."""
    rows: list[tuple[object, ...]] = []
    opened = {day.weekday() for day in (*grid.block.ds, *grid.block.ahead)}
    if "weekly" in fit.parts:
        shape = {day.weekday(): float(effect) for day, effect in zip(fit.days, fit.parts["weekly"], strict=True)}
        rows += [("weekly", place, None, shape[place], *[None] * 4) for place in sorted(shape) if place in opened]
    if "yearly" in fit.parts:
        year = slice(-PERIODS_A_YEAR[grid.block.frequency], None)
        days = [day.timetuple().tm_yday for day in fit.days[year]]
        shape = {day: float(effect) for day, effect in zip(days, fit.parts["yearly"][year], strict=True)}
        rows += [("yearly", place, None, shape[place], *[None] * 4) for place in sorted(shape)]
    effects = sorted(fit.effects, key=lambda event: (-abs(event.effect), event.code))
    clear = _beyond_chance({event.code: (event.effect, event.error) for event in effects})
    for rank, event in enumerate(effects):
        lo, hi = event.effect - Z_95 * event.error, event.effect + Z_95 * event.error
        rows.append(("holidays", rank, event.code, event.effect, lo, hi, event.code in clear, event.n_seen))
    schema: dict[str, type[pl.DataType]] = {"component": pl.String, "position": pl.Int64, "name": pl.String}
    schema |= dict.fromkeys(("effect", "lo_95", "hi_95"), pl.Float64)
    return pl.DataFrame(rows, schema=schema | {"beyond_chance": pl.Boolean, "n_seen": pl.Int64}, orient="row")


def _beyond_chance(estimates: dict[str, tuple[float, float]]) -> set[str]:
    """Events whose effect differs from zero at 5 percent, over all of them together (Holm 1979)."""
    normal = NormalDist()
    p_values = {
        code: 2 * (1 - normal.cdf(abs(effect) / error)) if error > 0 else 1.0
        for code, (effect, error) in estimates.items()
    }
    clear: set[str] = set()
    for rank, code in enumerate(sorted(p_values, key=p_values.__getitem__)):
        if p_values[code] > 0.05 / (len(p_values) - rank):
            break
        clear.add(code)
    return clear
