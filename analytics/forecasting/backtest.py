"""Rolling-origin back-test: what each candidate would have said then, from nothing but the periods up to then."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from analytics.forecasting import metrics
from analytics.forecasting.candidates import prepare_candidates, run_candidates
from analytics.forecasting.grid import FULL_SEASON, PERIODS_A_YEAR, least_train
from analytics.forecasting.intervals import Calibration, calibrate
from analytics.forecasting.spec import LEVELS, Model
from analytics.progress import report

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from analytics.forecasting.block import Block, Floats
    from analytics.forecasting.spec import ForecastSpec

PREPARED = 0.4  # of the progress: about what Prophet takes at all cutoffs


@dataclass(frozen=True, slots=True, eq=False)
class Bounds:
    """Bounds of one level each, shape (2 levels, n, h); NaN without a band."""

    lo: Floats
    hi: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Backtest:
    """What every model said at K cutoffs, and what came.

    Attributes
    ----------
    places : numbers of periods seen, ascending; the last is the final one where ``has_final``.
    has_final : whether the last horizon was kept from the choice.
    actual : (K, n, h), NaN where not observed.
    said : per model (K, n, h), NaN where it abstained or the series was not there yet.
    scale, root_scale : (K, n) mean absolute and root mean squared seasonal difference known at each cutoff.
    restless : (K, n) what bands are measured in: the mean absolute difference of late; without it they take ``scale``.
    """

    places: tuple[int, ...]
    has_final: bool
    actual: Floats
    said: dict[Model, Floats]
    scale: Floats
    root_scale: Floats
    restless: Floats | None = None

    @property
    def n_choice(self) -> int:
        """How many cutoffs the choice looks at."""
        return len(self.places) - self.has_final

    @property
    def band_scale(self) -> Floats:
        """(K, n): what bands are measured in at each cutoff."""
        return self.scale if self.restless is None else self.restless

    def ratios(self, model_said: Floats, n_known: int) -> Floats:
        """Scaled errors of the choice's origins, (n_choice, n, h): those of the first ``n_known`` periods, else NaN."""
        import numpy as np

        k, horizon = self.n_choice, self.actual.shape[2]
        errors = self.actual[:k] - model_said[:k]
        known = np.array(self.places[:k], dtype=int)[:, None] + np.arange(horizon) < n_known
        scale = np.where(self.band_scale[:k] > 0, self.band_scale[:k], np.nan)
        return np.where(known[:, None, :], errors / scale[:, :, None], np.nan)

    def calibration(self, model_said: Floats, n_known: int) -> Calibration:
        """What the errors known after ``n_known`` periods teach about the next ones."""
        return calibrate(self.ratios(model_said, n_known))


def place_origins(n: int, horizon: int, season: int, year: int, n_origins: int) -> tuple[tuple[int, ...], bool]:
    """Numbers of periods that each origin sees, ascending, and whether the last of them is the final one.

    The last horizon is kept from the choice, which looks at ``n_origins`` cutoffs spread evenly over the year before
    (of less than two years: the second half). Where the history leaves room for only one of the two, it goes to the
    choice: the last horizon then belongs to it.
    """
    least = least_train(season)
    latest = n - 2 * horizon
    has_final = latest >= least + (season > 1)
    if not has_final:
        latest = n - horizon
        if latest < least:
            return (), False
    earliest = min(max(n - year if n >= 2 * year else -(-n // 2), least), latest)
    step = (latest - earliest) / max(n_origins - 1, 1)
    places = sorted({round(latest - back * step) for back in range(n_origins)})
    return ((*places, n - horizon) if has_final else tuple(places)), has_final


def open_periods_a_year(block: Block) -> int:
    full = FULL_SEASON[block.frequency]
    closed = full - block.season if block.frequency == "day" and block.season > 1 else 0
    return round(PERIODS_A_YEAR[block.frequency] * (full - closed) / full)


def run_backtest(block: Block, spec: ForecastSpec, models: tuple[Model, ...]) -> tuple[Backtest, dict[Model, Floats]]:
    """Every candidate at every origin, and its forecast of the periods ahead, shape (n, h)."""
    import numpy as np

    n, n_periods, horizon = len(block.ids), block.y.shape[1], block.horizon
    places, has_final = place_origins(n_periods, horizon, block.season, open_periods_a_year(block), spec.n_origins)
    shape = (len(places), n, horizon)
    said = {model: np.full(shape, np.nan) for model in models}
    actual = np.full(shape, np.nan)
    scale, root_scale, restless = (np.full(shape[:2], np.nan) for _ in range(3))
    report(0.0, "backtesting")
    trains = [block.until(n_seen, horizon) for n_seen in places]
    prepare_candidates([*trains, block], spec, models, lambda share: report(PREPARED * share, "backtesting"))
    for place, (n_seen, train) in enumerate(zip(places, trains, strict=True)):
        report(PREPARED + (1 - PREPARED) * place / (len(places) + 1.5), "backtesting")
        actual[place] = block.y[:, n_seen : n_seen + horizon]
        scale[place], root_scale[place] = metrics.scales(train.y, block.season)
        restless[place] = metrics.recent_scales(train)
        there = np.isfinite(train.y).sum(axis=1) >= 2
        actual[place, ~there] = np.nan
        for model, forecasts in run_candidates(train, spec, models).items():
            said[model][place] = np.where(there[:, None], forecasts, np.nan)
    report(PREPARED + (1 - PREPARED) * len(places) / (len(places) + 1.5), "fitting_forecast")
    ahead = run_candidates(block, spec, models)
    told = Backtest(places, has_final, actual, said, scale, root_scale, restless)
    return told, {model: ahead.get(model, np.full((n, horizon), np.nan)) for model in models}


def bounds(forecast: Floats, calibration: Calibration, scale: Floats, never_negative: npt.NDArray[np.bool_]) -> Bounds:
    """The bands around ``forecast`` (n, h): never below zero where demand never was."""
    import numpy as np

    halves = calibration.half_widths(np.where(np.isfinite(scale), scale, 0.0), forecast.shape[1])
    lo, hi = forecast - halves, forecast + halves
    return Bounds(np.where(never_negative[:, None], np.maximum(lo, 0.0), lo), hi)


def past_bounds(told: Backtest, model_said: Floats, never_negative: npt.NDArray[np.bool_]) -> Bounds:
    """The bands at each cutoff from the errors known then, shape (2, K, n, h); NaN where too few were known."""
    import numpy as np

    shape = (len(LEVELS), *told.actual.shape)
    lo, hi = np.full(shape, np.nan), np.full(shape, np.nan)
    for place, n_seen in enumerate(told.places):
        calibration = told.calibration(model_said, n_seen)
        found = bounds(model_said[place], calibration, told.band_scale[place], never_negative)
        known = (calibration.source < 2)[None, :, None]
        lo[:, place], hi[:, place] = np.where(known, found.lo, np.nan), np.where(known, found.hi, np.nan)
    return Bounds(lo, hi)


@dataclass(frozen=True, slots=True, eq=False)
class Scores:
    """One model's scores per series, each (n,); NaN where there is none. See ``PanelForecast.scores``."""

    values: dict[str, Floats]
    n: npt.NDArray[np.int64]
    n_with_band: npt.NDArray[np.int64]


def score(told: Backtest, model_said: Floats, bands: Bounds, places: slice) -> Scores:
    """Errors and coverage of one model over the origins in ``places``."""
    import numpy as np

    y, said = told.actual[places], model_said[places]
    errors = said - y
    seen = np.isfinite(errors)
    count = seen.sum(axis=2)
    many = np.maximum(count, 1)
    absolute, squared = np.where(seen, np.abs(errors), 0.0), np.where(seen, errors**2, 0.0)
    scale, root = told.scale[places], told.root_scale[places]
    mase = np.where((count > 0) & (scale > 0), absolute.sum(axis=2) / many / np.where(scale > 0, scale, 1), np.nan)
    mean_square = squared.sum(axis=2) / many
    rmsse = np.where((count > 0) & (root > 0), np.sqrt(mean_square) / np.where(root > 0, root, 1), np.nan)
    volume = np.where(seen, np.abs(y), 0.0).sum(axis=(0, 2))
    sold = np.where(volume > 0, volume, np.nan)
    both = np.where(seen, np.abs(y) + np.abs(said), 0.0)
    halves = np.where(both > 0, 2 * absolute / np.where(both > 0, both, 1), 0.0)
    n = count.sum(axis=0)
    levels = {level: (bands.lo[place][places], bands.hi[place][places]) for place, level in enumerate(LEVELS)}
    held = [metrics.inside(y, lo, hi) for lo, hi in levels.values()]
    wis = metrics.weighted_interval_score(y, said, levels) / np.where(scale > 0, scale, np.nan)[:, :, None]
    values = {
        "mase": _mean(mase, 0),
        "rmsse": _mean(rmsse, 0),
        "wape": np.where(n > 0, absolute.sum(axis=(0, 2)) / sold, np.nan),
        "smape": np.where(n > 0, halves.sum(axis=(0, 2)) / np.maximum(n, 1), np.nan),
        "bias": np.where(n > 0, np.where(seen, errors, 0.0).sum(axis=(0, 2)) / sold, np.nan),
        "wis": _mean(wis, (0, 2)),
        "coverage_80": _mean(held[0], (0, 2)),
        "coverage_95": _mean(held[1], (0, 2)),
    }
    return Scores(values, n, np.isfinite(held[0]).sum(axis=(0, 2)))


def origin_errors(told: Backtest, model_said: Floats) -> Floats:
    """(n_choice, n): sums of absolute errors; NaN where nothing could be compared."""
    import numpy as np

    errors = np.abs(told.actual - model_said)[: told.n_choice]
    seen = np.isfinite(errors)
    return np.where(seen.any(axis=2), np.where(seen, errors, 0.0).sum(axis=2), np.nan)


def pieces(n: int, size: int) -> Iterator[slice]:
    """0 to n in slices."""
    yield from (slice(start, min(start + size, n)) for start in range(0, n, size))


def _mean(values: Floats, axis: int | tuple[int, ...]) -> Floats:
    import numpy as np

    seen = np.isfinite(values)
    count = seen.sum(axis=axis)
    return np.where(count > 0, np.where(seen, values, 0.0).sum(axis=axis) / np.maximum(count, 1), np.nan)
