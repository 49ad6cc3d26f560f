"""The candidates: each is a function ``(series, horizon, spec) -> Fit`` that sees only the series it is given."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, Literal

from analytics.demand import Frequency
from analytics.errors import AnalysisError
from analytics.forecasting.calendar_events import Event, events, seen_twice

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from analytics.forecasting.spec import ForecastSpec

    Array = npt.NDArray[np.float64]

PERIODS_A_YEAR = {"day": 365, "week": 52, "month": 12}
TWO_YEARS = {"day": 730, "week": 104, "month": 24}
Mode = Literal["additive", "multiplicative"]
Growth = Literal["linear", "flat"]


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """A regular series: first day of each period, value (NaN where not observed), the baseline's season in periods.

    ``closed`` are weekdays (0 Monday) on which nothing is ever sold: NaN here, forecast as zero and not compared.
    """

    ds: tuple[date, ...]
    y: Array
    frequency: Frequency
    season: int
    closed: frozenset[int] = frozenset()

    def first(self, n: int) -> Series:
        """The first ``n`` periods: all that an origin may see."""
        return Series(self.ds[:n], self.y[:n].copy(), self.frequency, self.season, self.closed)

    def open_ahead(self, horizon: int) -> Array:
        """1.0 for each of the next periods, 0.0 for those on closed weekdays."""
        import numpy as np

        ahead = next_periods(self.ds[-1], horizon, self.frequency)
        return np.array([float(day.weekday() not in self.closed) for day in ahead])

    def __len__(self) -> int:
        return len(self.ds)


@dataclass(frozen=True, slots=True, eq=False)
class Fit:
    """Forecasts of the next periods, the in-sample standard error, and what the model was made of.

    ``parts`` (Prophet only) holds one array per component over history and horizon, in ``y``'s unit or, for seasons and
    holidays of a multiplicative model, as a share of the trend; ``event_effects`` per holiday its mean effect and the
    standard error of that, as least squares would have it beside the same seasons.
    """

    forecast: Array
    sigma: float
    seasonalities: tuple[str, ...] = ()
    mode: Mode = "additive"
    parts: dict[str, Array] | None = None
    event_effects: dict[str, tuple[float, float]] | None = None


def next_periods(last: date, horizon: int, frequency: Frequency) -> tuple[date, ...]:
    """The ``horizon`` periods that follow the one starting on ``last``."""
    if frequency == "month":
        months = [last.year * 12 + last.month - 1 + step for step in range(1, horizon + 1)]
        return tuple(date(month // 12, month % 12 + 1, 1) for month in months)
    days = 1 if frequency == "day" else 7
    return tuple(last + timedelta(days=days * step) for step in range(1, horizon + 1))


def seasonal_naive(series: Series, horizon: int, spec: ForecastSpec) -> Fit:
    """The baseline: the value one season ago (the last observed one of that place in the season)."""
    import numpy as np

    from analytics.forecasting.metrics import seasonal_differences

    filled = np.concatenate([series.y, np.full(horizon, np.nan)])
    filled[: len(series)] = _carry_forward(series.y, series.season)
    for step in range(len(series), len(filled)):
        filled[step] = filled[step - series.season]
    differences = seasonal_differences(series.y, series.season)
    sigma = float(np.sqrt((differences**2).mean())) if len(differences) else 0.0
    return Fit(_possible(filled[len(series) :], series), sigma)


def prophet(series: Series, horizon: int, spec: ForecastSpec) -> Fit:
    """Prophet at its maximum a posteriori: piecewise linear trend, weekly and yearly season, holidays.

    Taylor & Letham (2018), "Forecasting at scale". A season is fitted from two of its lengths on; a holiday from two
    occurrences on. Raises ``AnalysisError("fit_failed")``.
    """
    import numpy as np

    seasonalities = _seasonalities(series)
    mode: Mode = season_mode(series) if spec.prophet.seasonality_mode == "auto" else spec.prophet.seasonality_mode
    if mode == "multiplicative" and float(np.nanmin(series.y)) < 0:
        mode = "additive"
    known = _events_for(series, horizon, spec.calendar.countries)
    days = series.ds + next_periods(series.ds[-1], horizon, series.frequency)
    growth: Growth = "flat" if spec.prophet.growth == "flat" else "linear"
    with _quiet():
        table = _fit_and_predict(series, days, growth, mode, seasonalities, known)
    parts = {"trend": table["trend"], **{name: table[name] for name in seasonalities}}
    if known:
        parts["holidays"] = table["holidays"]
    fitted = table["yhat"]
    errors = series.y - fitted[: len(series)]
    # Degrees of freedom are not counted: the scale is calibrated on the back-test anyway.
    sigma = float(np.sqrt(np.nanmean(errors**2)))
    sigma = sigma if sigma > 1e-6 * float(np.nanmax(np.abs(series.y))) else 0.0
    level = float(np.abs(table["trend"][: len(series)]).mean()) if mode == "multiplicative" else 1.0
    effects = {
        code: (float(table[code][: len(series)][touched].mean()), error / level)
        for code, touched, error in _event_errors(series, known, seasonalities, errors)
    }
    return Fit(
        _possible(fitted[len(series) :], series),
        sigma,
        (*seasonalities, *(("holidays",) if known else ())),
        mode,
        {**parts, "fitted": fitted},
        effects,
    )


CANDIDATES = {"prophet": prophet, "seasonal_naive": seasonal_naive}
BASELINE = "seasonal_naive"


def season_mode(series: Series) -> Mode:
    """Whether swings grow with the level: Guerrero's choice between the Box-Cox exponents 1 and 0.

    Over blocks of one season, "multiplicative" when the swing divided by the level varies less than the swing itself.
    Additive with fewer than three blocks, a value of zero or below, or no difference between the two.

    Guerrero (1993), "Time-series analysis supported by power transformations".
    """
    import numpy as np

    season = 7 if series.frequency == "day" else PERIODS_A_YEAR[series.frequency]
    n_blocks = len(series) // season
    if n_blocks < 3 or not float(np.nanmin(series.y)) > 0:
        return "additive"
    blocks = series.y[len(series) - n_blocks * season :].reshape(n_blocks, season)
    if (np.isfinite(blocks).sum(axis=1) < 2).any():
        return "additive"
    level, swing = np.nanmean(blocks, axis=1), np.nanstd(blocks, axis=1)
    if not swing.mean() > 0:
        return "additive"
    share = swing / level
    additive, multiplicative = swing.std() / swing.mean(), share.std() / share.mean()
    return "multiplicative" if multiplicative < additive else "additive"


def _seasonalities(series: Series) -> tuple[str, ...]:
    n = len(series)
    found = []
    if series.frequency == "day" and n >= 14:
        found.append("weekly")
    if n >= TWO_YEARS[series.frequency]:
        found.append("yearly")
    return tuple(found)


def _events_for(series: Series, horizon: int, countries: tuple[str, ...]) -> tuple[Event, ...]:
    if not countries:
        return ()
    last = next_periods(series.ds[-1], horizon, series.frequency)[-1]
    found = events(countries, series.frequency, series.ds[0].year - 1, last.year + 1)
    known = seen_twice(found, series.ds[0], series.ds[-1])
    return tuple(event for event in known if series.ds[0] <= event.ds <= last)


def _fit_and_predict(
    series: Series,
    days: tuple[date, ...],
    growth: Growth,
    mode: Mode,
    seasonalities: tuple[str, ...],
    known: tuple[Event, ...],
) -> dict[str, Array]:
    import numpy as np
    import pandas as pd
    from prophet import Prophet

    # With twelve points a year, more than five waves cannot be told apart.
    yearly: bool | int = "yearly" in seasonalities and (5 if series.frequency == "month" else True)
    holidays = pd.DataFrame({"holiday": [e.code for e in known], "ds": pd.to_datetime([e.ds for e in known])})
    model = Prophet(
        growth=growth,
        seasonality_mode=mode,
        weekly_seasonality="weekly" in seasonalities,
        yearly_seasonality=yearly,
        daily_seasonality=False,
        holidays=holidays if known else None,
        uncertainty_samples=0,  # bands come from the back-test, so nothing here is random
    )
    seen = np.isfinite(series.y)
    ds = pd.to_datetime(list(days))
    try:
        model.fit(pd.DataFrame({"ds": ds[: len(series)][seen], "y": series.y[seen]}), seed=1)
    except RuntimeError as error:
        raise AnalysisError("fit_failed", n_periods=len(series)) from error
    table = model.predict(pd.DataFrame({"ds": ds}))
    return {str(name): table[name].to_numpy(dtype=float) for name in table.columns if name != "ds"}


def _event_errors(
    series: Series, known: tuple[Event, ...], seasonalities: tuple[str, ...], errors: Array
) -> list[tuple[str, npt.NDArray[np.bool_], float]]:
    """Per event: its code, the periods it touched, its effect's standard error.

    That of least squares on a level, a slope, the seasons' waves and the events, so that an event which a season could
    explain as well has a large one. Prophet's own point estimate has none.
    """
    import numpy as np

    codes = sorted({event.code for event in known})
    if not codes:
        return []
    days = {code: {event.ds for event in known if event.code == code} for code in codes}
    touched = {code: np.array([ds in days[code] for ds in series.ds]) for code in codes}
    at = np.array([ds.toordinal() for ds in series.ds], dtype=float)
    columns = [np.ones(len(at)), (at - at[0]) / max(at[-1] - at[0], 1.0)]
    waves = {"weekly": (7.0, 3), "yearly": (365.25, 5 if series.frequency == "month" else 10)}  # as Prophet has them
    for name in seasonalities:
        length, n_waves = waves[name]
        for wave in range(1, n_waves + 1):
            columns += [np.sin(2 * np.pi * wave * at / length), np.cos(2 * np.pi * wave * at / length)]
    seen = np.isfinite(series.y)
    design = np.column_stack([*columns, *(touched[code].astype(float) for code in codes)])[seen]
    freedom = max(int(seen.sum()) - int(np.linalg.matrix_rank(design)), 1)
    variance = np.diag(np.linalg.pinv(design.T @ design)) * float((errors[seen] ** 2).sum()) / freedom
    found = np.sqrt(variance[len(columns) :])
    return [(code, touched[code], float(error)) for code, error in zip(codes, found, strict=True)]


@contextmanager
def _quiet() -> Iterator[None]:
    """Prophet's own deprecation warnings and log lines stay inside."""
    loggers = [logging.getLogger(name) for name in ("prophet", "prophet.plot", "cmdstanpy")]
    before: list[Any] = [(logger, logger.disabled) for logger in loggers]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for logger in loggers:
            logger.disabled = True
        try:
            yield
        finally:
            for logger, disabled in before:
                logger.disabled = disabled


def _carry_forward(y: Array, season: int) -> Array:
    """Missing values replaced by the one a season before, then by the nearest observed one."""
    import numpy as np

    filled = y.copy()
    for place in np.flatnonzero(np.isnan(filled)):
        if place >= season:
            filled[place] = filled[place - season]
    left = np.flatnonzero(np.isnan(filled))
    if len(left):
        known = np.flatnonzero(np.isfinite(filled))
        filled[left] = filled[known[np.abs(known[:, None] - left).argmin(axis=0)]]
    return filled


def _possible(forecast: Array, series: Series) -> Array:
    """Demand that was never negative is not forecast to be, and nothing is sold on closed days."""
    import numpy as np

    floored = np.maximum(forecast, 0.0) if float(np.nanmin(series.y)) >= 0 else forecast
    return np.where(series.open_ahead(len(forecast)) > 0, floored, 0.0)
