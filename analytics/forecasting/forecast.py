"""The verb: a DemandPanel and a ForecastSpec to a ForecastResult."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from statistics import NormalDist
from typing import TYPE_CHECKING, Literal

import polars as pl

from analytics.demand import DemandPanel, Frequency
from analytics.errors import AnalysisError, Caveat
from analytics.forecasting.backtest import (
    FULL_SEASON,
    Origin,
    backtest_frame,
    band_columns,
    baseline_season,
    known_calibration,
    n_origins_won,
    run_backtest,
    score,
)
from analytics.forecasting.intervals import uncalibrated
from analytics.forecasting.models import BASELINE, CANDIDATES, PERIODS_A_YEAR, TWO_YEARS, Fit, Series, next_periods
from analytics.keys import derive_key
from analytics.progress import report

if TYPE_CHECKING:
    from analytics.forecasting.models import Array

DEFAULT_HORIZON = {"day": 28, "week": 12, "month": 6}
MOST_MISSING = 0.3
INTERMITTENT = 0.5
LOW_COVERAGE = 0.7
Z_95 = 1.96
PERIODS = 1_000  # bounds on what a link may ask for
MOST_ORIGINS = 24

Reason = Literal["lower_error", "baseline_wins", "equal", "untested"]


@dataclass(frozen=True, slots=True)
class ForecastSpec:
    """Every choice that changes a forecast.

    unique_id : the series of the panel; "" is the panel's first member.
    horizon : periods ahead; None is 28 days, 12 weeks or 6 months, and at most half of the history.
    holidays : ISO country codes whose public holidays count ("CN", "TW", "HK" bring the Lunar New Year).
    growth : "linear" lets the trend go on as it went last, "flat" has none.
    seasonality_mode : whether swings add to the trend or grow with it; "auto" looks at the history.
    n_origins : back-tests (2-24).
    interval_width : 0.8 or 0.95, the interval named first; both are always computed.
    random_state : seed of the simulated paths behind the total's interval.
    """

    unique_id: str = ""
    horizon: int | None = None
    holidays: tuple[str, ...] = ()
    growth: Literal["linear", "flat"] = "linear"
    seasonality_mode: Literal["auto", "additive", "multiplicative"] = "auto"
    n_origins: int = 8
    interval_width: float = 0.8
    random_state: int = 0

    def __post_init__(self) -> None:
        if self.horizon is not None and not 1 <= self.horizon <= PERIODS:
            raise AnalysisError("horizon_out_of_range", horizon=self.horizon, most=PERIODS)
        if not 2 <= self.n_origins <= MOST_ORIGINS:
            raise AnalysisError("n_origins_out_of_range", n_origins=self.n_origins, most=MOST_ORIGINS)
        if self.interval_width not in (0.8, 0.95):
            raise AnalysisError("interval_width_unknown", interval_width=self.interval_width)
        if not 0 <= self.random_state < 2**32:
            raise AnalysisError("seed_out_of_range", random_state=self.random_state)
        for country in self.holidays:
            if not (len(country) == 2 and country.isascii() and country.isupper()):
                raise AnalysisError("country_unknown", country=country[:20])


@dataclass(frozen=True, slots=True, eq=False)
class ForecastResult:
    """A forecast, what it is made of, and how well the same method did before.

    All values are in ``unit`` (currency units, items, orders or customers) per period unless said otherwise.
    ``<model>`` is "prophet" or "seasonal_naive"; its bounds are ``<model>-lo-80``, ``-hi-80``, ``-lo-95``, ``-hi-95``.

    Attributes
    ----------
    history : ds (Date, first day of the period), y (Float64, null where not observed).
    forecast : ds, last_year (the same period a year before: 364 days or 12 months; null where not observed), and per
        model the forecast and its bounds. Never below zero when the history never was; zero on the panel's closed
        weekdays, which the models do not see.
    backtest : cutoff (Date, last period seen), ds, y (null on closed weekdays, which are not compared), and per model
        the forecast and its bounds, which are null where too few errors were known at the cutoff. A period can belong
        to several cutoffs.
    scores : model, mase, rmsse (means over origins; null for a constant series), wape, smape (0-2), bias (shares; above
        zero is too much), coverage_80, coverage_95 (shares of periods inside the band), n (periods compared),
        n_with_band (periods behind the coverage).
    totals : model, total, lo_80, hi_80, lo_95, hi_95 (sums over the horizon; bounds from simulated paths), last_year
        (sum of the same periods a year before, null unless all are observed), change_share (total against it).
    decomposition : ds (history and horizon), y (null ahead), fitted, trend (in ``unit``), and weekly, yearly, holidays
        where the model has them: in ``unit`` when ``mode`` is "additive" (fitted = their sum), else as shares of the
        trend (fitted = trend x (1 + their sum)). ``fitted`` may lie below zero where ``forecast`` is held at zero.
    components : component, position, name, effect, lo_95, hi_95, beyond_chance; one row per point of a shape.
        weekly: position 0-6 from Monday; yearly: position = day of the year; holidays: position = rank by size,
        name = event code, approximate bounds, and whether the effect differs from zero at 5 percent over all
        holidays together (these three null for the others). Effects as in ``decomposition``.
    horizon, season_length : periods ahead; the baseline's season in periods (1: it repeats the last value).
    mode : "additive" or "multiplicative", as fitted.
    best_model, reason : the model whose total leads, and why: "lower_error" (Prophet below the baseline),
        "baseline_wins", "equal" (no error to compare), "untested" (no back-test was possible: the baseline leads).
    compared_by : the score compared: "mase", "rmsse" (over half of the periods zero), "wape" (neither exists), or "".
    n_origins, n_won : back-tests, and in how many Prophet's absolute error was the smaller.
    calibrated : model names whose bands come from their back-test; the others' are wide fallbacks.
    key, caveats : as everywhere.
    """

    unique_id: str
    frequency: Frequency
    measure: str
    unit: str
    as_of: date
    spec: ForecastSpec
    horizon: int
    season_length: int
    history: pl.DataFrame
    forecast: pl.DataFrame
    backtest: pl.DataFrame
    scores: pl.DataFrame
    totals: pl.DataFrame
    decomposition: pl.DataFrame
    components: pl.DataFrame
    mode: Literal["additive", "multiplicative"]
    best_model: str
    reason: Reason
    compared_by: Literal["mase", "rmsse", "wape", ""]
    n_origins: int
    n_won: int
    calibrated: tuple[str, ...]
    key: str
    caveats: tuple[Caveat, ...]


def forecast(panel: DemandPanel, spec: ForecastSpec) -> ForecastResult:
    """Forecast one series of ``panel`` with Prophet and the seasonal-naive baseline, both back-tested.

    Every candidate sees nothing after its cutoff. Bands are conformal: from the back-test errors known at the time.

    Raises
    ------
    AnalysisError : "series_unknown", "series_too_short" (fewer than two observed periods), "horizon_too_long" (longer
        than the history), "repeated_periods", "irregular_periods", "too_many_gaps" (over 30 percent missing),
        "country_unknown", "fit_failed".

    Sources: Taylor & Letham (2018) for Prophet; Hyndman & Athanasopoulos, "Forecasting: principles and practice", for
    rolling origins and the seasonal naive method.
    """
    import numpy as np

    series, unique_id, found = _read_series(panel, spec)
    n = len(series)
    horizon = spec.horizon or max(1, min(DEFAULT_HORIZON[panel.frequency], n // 2))
    if horizon > n:
        raise AnalysisError("horizon_too_long", horizon=horizon, n_periods=n)
    season = baseline_season(n, horizon, panel.frequency)
    closed = frozenset(weekday - 1 for weekday in panel.closed_weekdays) if panel.frequency == "day" else frozenset()
    observed = series
    is_open = np.array([day.weekday() not in closed for day in series.ds])
    series = Series(series.ds, np.where(is_open, series.y, np.nan), series.frequency, season, closed)

    origins = run_backtest(series, horizon, spec)
    report(1 - 1 / (len(origins) + 2), "fitting_forecast")
    fits = {model: candidate(series, horizon, spec) for model, candidate in CANDIDATES.items()}

    ds = next_periods(series.ds[-1], horizon, series.frequency)
    floor = float(np.nanmin(series.y)) >= 0
    last_year = _last_year(observed, ds)
    columns: dict[str, Array] = {"last_year": last_year}
    totals, calibrated = [], []
    for model, fit in fits.items():
        calibration = known_calibration(origins, model, n, fit)
        if calibration is not None:
            calibrated.append(model)
        calibration = calibration or uncalibrated()
        columns |= band_columns(model, fit, calibration, series)
        errors = calibration.paths(fit.sigma, horizon, spec.random_state) * series.open_ahead(horizon)
        paths = fit.forecast + errors
        totals.append(_total(model, fit, np.maximum(paths, 0.0) if floor else paths, last_year))
    ahead = pl.DataFrame({"ds": list(ds), **columns}).with_columns(pl.col(pl.Float64).fill_nan(None))
    backtest = backtest_frame(series, origins, horizon)
    scores = score(series, origins, backtest)
    compared_by = _compared_by(series, scores)
    best_model, reason = _choose(scores, compared_by)
    n_won, n_origins = n_origins_won(origins, "prophet", BASELINE)
    shown = fits["prophet"]
    caveats = [
        *found,
        *_size_caveats(series, horizon, spec, shown),
        *_backtest_caveats(origins, scores, compared_by, reason, tuple(calibrated), n_won, n_origins),
    ]
    return ForecastResult(
        unique_id=unique_id,
        frequency=panel.frequency,
        measure=panel.measure,
        unit=panel.unit,
        as_of=panel.as_of,
        spec=spec,
        horizon=horizon,
        season_length=season,
        history=pl.DataFrame({"ds": list(observed.ds), "y": observed.y}).with_columns(pl.col("y").fill_nan(None)),
        forecast=ahead,
        backtest=backtest,
        scores=scores,
        totals=pl.DataFrame(totals, schema_overrides={"last_year": pl.Float64, "change_share": pl.Float64}),
        decomposition=_decomposition(series, ds, shown),
        components=_components(series, ds, shown),
        mode=shown.mode,
        best_model=best_model,
        reason=reason,
        compared_by=compared_by,
        n_origins=n_origins,
        n_won=n_won,
        calibrated=tuple(calibrated),
        key=derive_key("forecast", spec, panel.key),
        caveats=tuple(caveats),
    )


def _read_series(panel: DemandPanel, spec: ForecastSpec) -> tuple[Series, str, list[Caveat]]:
    """The series on its grid, up to the panel's last period; what was found on the way."""
    import numpy as np

    ids = panel.frame["unique_id"].unique(maintain_order=True)
    if not len(ids):
        raise AnalysisError("series_too_short", n_periods=0)
    unique_id = spec.unique_id or next((member for member in panel.members if member in ids), str(ids[0]))
    rows = panel.frame.filter(pl.col("unique_id") == unique_id).sort("ds")
    if rows.is_empty():
        raise AnalysisError("series_unknown", unique_id=unique_id)
    repeated = rows.filter(pl.col("ds").is_duplicated())
    if len(repeated):
        count = len(repeated) - repeated["ds"].n_unique()
        raise AnalysisError("repeated_periods", count=count, example=repeated["ds"][0].isoformat())
    observed = rows.filter(pl.col("y").is_finite().fill_null(False))
    if len(observed) < 2:
        raise AnalysisError("series_too_short", n_periods=len(observed))
    first, last = observed["ds"][0], observed["ds"][-1]
    grid = _grid(first, last, panel.frequency)
    place = {ds: index for index, ds in enumerate(grid)}
    strangers = [ds for ds in observed["ds"] if ds not in place]
    if strangers:
        raise AnalysisError("irregular_periods", count=len(strangers), example=strangers[0].isoformat())
    y = np.full(len(grid), np.nan)
    y[[place[ds] for ds in observed["ds"]]] = observed["y"].to_numpy()
    found = []
    n_missing = int(np.isnan(y).sum())
    if n_missing > MOST_MISSING * len(grid):
        raise AnalysisError("too_many_gaps", n_missing=n_missing, n_periods=len(grid))
    if n_missing:
        found.append(Caveat("gaps_left_out", "note", {"n_missing": n_missing, "n_periods": len(grid)}))
    # Other series of the panel go on: this one did not sell any more, and a forecast starts where observation ends.
    panel_end = panel.frame.select(pl.col("ds").max()).item()
    silent = [ds for ds in _grid(last, panel_end, panel.frequency) if ds > last] if panel_end > last else []
    if silent:
        grid, y = (*grid, *silent), np.concatenate([y, np.zeros(len(silent))])
        found.append(Caveat("series_ended", "watch", {"n_periods": len(silent), "last": last.isoformat()}))
    return Series(tuple(grid), y, panel.frequency, 1), unique_id, found


def _grid(first: date, last: date, frequency: Frequency) -> tuple[date, ...]:
    if frequency == "month":
        n = (last.year - first.year) * 12 + last.month - first.month
        return (first, *next_periods(first, n, frequency)) if first.day == 1 else (first,)
    step = 1 if frequency == "day" else 7
    return tuple(first + timedelta(days=step * place) for place in range((last - first).days // step + 1))


def _last_year(series: Series, ds: tuple[date, ...]) -> Array:
    """The value 364 days (the same weekday) or 12 months before each of ``ds``; NaN where not observed."""
    import numpy as np

    observed = dict(zip(series.ds, series.y, strict=True))
    if series.frequency == "month":
        before = [date(day.year - 1, day.month, 1) for day in ds]
    else:
        before = [day - timedelta(days=364) for day in ds]
    return np.array([observed.get(day, np.nan) for day in before])


def _total(model: str, fit: Fit, paths: Array, last_year: Array) -> dict[str, str | float | None]:
    import numpy as np

    total, sums = float(fit.forecast.sum()), paths.sum(axis=1)
    lo_80, hi_80, lo_95, hi_95 = (float(np.quantile(sums, share)) for share in (0.1, 0.9, 0.025, 0.975))
    before = float(last_year.sum()) if np.isfinite(last_year).all() else None
    return {
        "model": model,
        "total": total,
        "lo_80": min(lo_80, total),
        "hi_80": max(hi_80, total),
        "lo_95": min(lo_95, total),
        "hi_95": max(hi_95, total),
        "last_year": before,
        "change_share": total / before - 1 if before is not None and before > 0 else None,
    }


def _compared_by(series: Series, scores: pl.DataFrame) -> Literal["mase", "rmsse", "wape", ""]:
    """On mostly empty series "always zero" wins the absolute error: compare squared errors there."""
    import numpy as np

    first: Literal["rmsse", "mase"] = "rmsse" if float(np.nanmean(series.y == 0)) > INTERMITTENT else "mase"
    if scores[first].null_count() == 0:
        return first
    return "wape" if scores["wape"].null_count() == 0 else ""


def _choose(scores: pl.DataFrame, compared_by: str) -> tuple[str, Reason]:
    if not scores["n"].sum():
        return BASELINE, "untested"
    if not compared_by:
        return BASELINE, "equal"
    errors = dict(zip(scores["model"].to_list(), scores[compared_by].to_list(), strict=True))
    if errors["prophet"] < errors[BASELINE]:
        return "prophet", "lower_error"
    return BASELINE, "equal" if errors[BASELINE] == 0 else "baseline_wins"


def _decomposition(series: Series, ds: tuple[date, ...], fit: Fit) -> pl.DataFrame:
    import numpy as np

    y = np.concatenate([series.y, np.full(len(ds), np.nan)])
    parts = fit.parts or {}
    names = [name for name in ("fitted", "trend", "weekly", "yearly", "holidays") if name in parts]
    frame = pl.DataFrame({"ds": [*series.ds, *ds], "y": y}).with_columns(pl.col("y").fill_nan(None))
    return frame.with_columns(pl.Series(name, parts[name]) for name in names)


def _components(series: Series, ds: tuple[date, ...], fit: Fit) -> pl.DataFrame:
    """Each component's shape: read off its own values over the last year (week), where every place occurs once."""
    rows: list[tuple[str, int, str | None, float, float | None, float | None, bool | None]] = []
    days, parts = [*series.ds, *ds], fit.parts or {}
    if "weekly" in parts:
        shape = {day.weekday(): float(effect) for day, effect in zip(days, parts["weekly"], strict=True)}
        shape = {weekday: effect for weekday, effect in shape.items() if weekday not in series.closed}
        rows += [("weekly", place, None, shape[place], None, None, None) for place in sorted(shape)]
    if "yearly" in parts:
        year = slice(-PERIODS_A_YEAR[series.frequency], None)
        shape = {day.timetuple().tm_yday: float(e) for day, e in zip(days[year], parts["yearly"][year], strict=True)}
        rows += [("yearly", place, None, shape[place], None, None, None) for place in sorted(shape)]
    effects = sorted((fit.event_effects or {}).items(), key=lambda item: (-abs(item[1][0]), item[0]))
    clear = _beyond_chance(fit.event_effects or {})
    for rank, (code, (effect, error)) in enumerate(effects):
        rows.append(("holidays", rank, code, effect, effect - Z_95 * error, effect + Z_95 * error, code in clear))
    schema: dict[str, type[pl.DataType]] = {"component": pl.String, "position": pl.Int64, "name": pl.String}
    numbers = dict.fromkeys(("effect", "lo_95", "hi_95"), pl.Float64)
    return pl.DataFrame(rows, schema={**schema, **numbers, "beyond_chance": pl.Boolean}, orient="row")


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


def _size_caveats(series: Series, horizon: int, spec: ForecastSpec, fit: Fit) -> list[Caveat]:
    import numpy as np

    n, frequency = len(series), series.frequency
    seen = series.y[np.isfinite(series.y)]
    caveats = []
    if n < TWO_YEARS[frequency]:
        caveats.append(Caveat("no_yearly_season", "watch", {"n_periods": n, "n_needed": TWO_YEARS[frequency]}))
    if n < 2 * FULL_SEASON[frequency] and frequency == "day":
        caveats.append(Caveat("no_weekly_season", "watch", {"n_periods": n, "n_needed": 2 * FULL_SEASON[frequency]}))
    if horizon > n / 2:
        caveats.append(Caveat("horizon_long", "watch", {"horizon": horizon, "n_periods": n}))
    if float(seen.min()) == float(seen.max()):
        caveats.append(Caveat("series_constant", "note", {"value": float(seen[0])}))
    elif float((seen == 0).mean()) > INTERMITTENT:
        share = round(float((seen == 0).mean()) * 100)
        caveats.append(Caveat("series_intermittent", "watch", {"zero_percent": share}))
    n_negative = int((seen < 0).sum())
    if n_negative:
        caveats.append(Caveat("values_negative", "note", {"n_periods": n_negative}))
    return caveats


def _backtest_caveats(
    origins: list[Origin],
    scores: pl.DataFrame,
    compared_by: str,
    reason: Reason,
    calibrated: tuple[str, ...],
    n_won: int,
    n_origins: int,
) -> list[Caveat]:
    if reason == "untested":
        return [Caveat("forecast_untested", "watch")]
    caveats = []
    by_model = {row["model"]: row for row in scores.iter_rows(named=True)}
    mine, baseline = by_model["prophet"], by_model[BASELINE]
    if reason == "baseline_wins":
        params = {"prophet_error": mine[compared_by], "baseline_error": baseline[compared_by]}
        caveats.append(Caveat("baseline_wins", "watch", {**params, "n_won": n_won, "n_origins": n_origins}))
    elif reason == "lower_error" and 2 * n_won <= n_origins:
        caveats.append(Caveat("narrow_win", "note", {"n_won": n_won, "n_origins": n_origins}))
    if "prophet" not in calibrated and reason != "equal":
        caveats.append(Caveat("bands_uncalibrated", "watch", {"n_origins": len(origins)}))
    measured = mine["coverage_80"]
    if measured is not None and measured < LOW_COVERAGE:
        caveats.append(Caveat("coverage_low", "watch", {"percent": round(measured * 100), "n": mine["n_with_band"]}))
    return caveats
