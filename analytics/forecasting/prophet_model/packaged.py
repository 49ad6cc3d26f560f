"""The packaged Prophet, for the one series that is shown: its line, what it is made of, what each event does."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from analytics.calendar import occurrences
from analytics.errors import AnalysisError
from analytics.forecasting.block import Block
from analytics.forecasting.prophet_model.design import History, Regressors, lay_out, read_history, swings_grow, waves_of
from analytics.forecasting.prophet_model.fit import OVER_HIGHEST

if TYPE_CHECKING:
    from analytics.demand import Frequency
    from analytics.forecasting.block import Floats
    from analytics.forecasting.spec import ForecastSpec

MOST_LASTING = 0.95  # correlation of neighbouring errors


class EventEffect(NamedTuple):
    """What an event does, in the series' unit or as a share of the trend; its standard error; how often it was seen."""

    code: str
    effect: float
    error: float
    n_seen: int


@dataclass(frozen=True, slots=True, eq=False)
class Packaged:
    """Prophet's line over ``days`` (history and horizon), not held at zero, and what it is made of.

    parts : "weekly", "yearly" and "holidays" where the model has them: in the series' unit when ``mode`` is "additive"
        (line = trend + their sum), else as shares of the trend (line = trend x (1 + their sum)).
    effects : one per event that was seen at least twice, by code.
    """

    days: tuple[date, ...]
    line: Floats
    trend: Floats
    parts: dict[Literal["weekly", "yearly", "holidays"], Floats]
    mode: Literal["additive", "multiplicative"]
    effects: tuple[EventEffect, ...]


def fit_packaged(
    ds: Sequence[date], y: Floats, ahead: Sequence[date], frequency: Frequency, spec: ForecastSpec
) -> Packaged:
    """Prophet at its maximum a posteriori: piecewise linear or logistic trend, seasons, events.

    Taylor & Letham (2018), "Forecasting at scale". ``y`` is NaN where not observed. Seasons and events are those of the
    candidate ``prophet``: fitted from two of their lengths, or two occurrences, on.

    Raises ``AnalysisError``: ``series_too_short`` (fewer than two observed periods), ``country_unknown``,
    ``fit_failed``.
    """
    import numpy as np

    seen = np.isfinite(y)
    if seen.sum() < 2:
        raise AnalysisError("series_too_short", n_periods=int(seen.sum()), n_needed=2)
    days = (*ds, *ahead)
    regressors = lay_out(days, frequency, spec.prophet, spec.calendar)
    history = read_history(seen, regressors, len(ahead), frequency, spec.prophet)
    mode = _mode(ds, y, frequency, spec)
    with _quiet():
        table = _fit_and_predict(days, y, frequency, spec, mode, regressors, history)
    active = {component for component, on in zip(regressors.components, history.active, strict=True) if on}
    parts = {name: table[name] for name in ("weekly", "yearly", "holidays") if name in active}
    effects = _effects(days, y, table, mode, regressors, history)
    return Packaged(days, table["yhat"], table["trend"], parts, mode, effects)


def _mode(
    ds: Sequence[date], y: Floats, frequency: Frequency, spec: ForecastSpec
) -> Literal["additive", "multiplicative"]:
    import numpy as np

    asked = spec.prophet.seasonality_mode
    if asked == "additive" or float(np.nanmin(y)) < 0:
        return "additive"
    if asked == "multiplicative":
        return "multiplicative"
    # Weekdays on which nothing is ever sold are no part of a week, as in the blocks of the candidates.
    opened = {day.weekday() for day, value in zip(ds, y, strict=True) if not np.isnan(value)}
    kept = [place for place, day in enumerate(ds) if frequency != "day" or day.weekday() in opened]
    grows = swings_grow(Block(("",), tuple(ds[place] for place in kept), y[None, kept], (), frequency, 1))
    return "multiplicative" if grows[0] else "additive"


def _fit_and_predict(
    days: tuple[date, ...],
    y: Floats,
    frequency: Frequency,
    spec: ForecastSpec,
    mode: Literal["additive", "multiplicative"],
    regressors: Regressors,
    history: History,
) -> dict[str, Floats]:
    import numpy as np
    import pandas as pd
    from prophet import Prophet

    options = spec.prophet
    active = {component for component, on in zip(regressors.components, history.active, strict=True) if on}
    # The package keeps some names for itself, and an own event may be called anything.
    touched = _touched(regressors, history)
    rows = [(f"event {number}", days[place]) for number, column in touched.items() for place in np.flatnonzero(column)]
    holidays = pd.DataFrame({"holiday": [name for name, _ in rows], "ds": pd.to_datetime([day for _, day in rows])})
    model = Prophet(
        growth=options.growth,
        n_changepoints=options.n_changepoints,
        changepoint_range=options.changepoint_range,
        changepoint_prior_scale=options.changepoint_prior_scale,
        weekly_seasonality=waves_of("weekly", frequency, options) if "weekly" in active else 0,
        yearly_seasonality=waves_of("yearly", frequency, options) if "yearly" in active else 0,
        daily_seasonality=False,
        seasonality_mode=mode,
        seasonality_prior_scale=options.seasonality_prior_scale,
        holidays=holidays if rows else None,
        holidays_prior_scale=options.holidays_prior_scale,
        uncertainty_samples=0,  # bands come from the back-test, so nothing here is random
    )
    n, seen = len(y), history.seen
    table = pd.DataFrame({"ds": pd.to_datetime(list(days))})
    if options.growth == "logistic":
        table["cap"] = options.cap or OVER_HIGHEST * float(np.nanmax(np.abs(y)))
    try:
        model.fit(table[:n][seen].assign(y=y[seen]), seed=1)
        found = model.predict(table)
    except RuntimeError as error:
        raise AnalysisError("fit_failed", n_periods=int(seen.sum())) from error
    finally:
        if model.stan_backend is not None:
            model.stan_backend.cleanup()
    return {str(name): found[name].to_numpy(dtype=float) for name in found.columns if name != "ds"}


def _touched(regressors: Regressors, history: History) -> dict[int, Floats]:
    """Per fitted event, by its number among the codes: 1.0 where it touches a period."""
    first = len(regressors.components) - len(regressors.codes)
    return {
        number: regressors.values[:, first + number]
        for number in range(len(regressors.codes))
        if history.active[first + number]
    }


def _effects(
    days: tuple[date, ...],
    y: Floats,
    table: dict[str, Floats],
    mode: Literal["additive", "multiplicative"],
    regressors: Regressors,
    history: History,
) -> tuple[EventEffect, ...]:
    """Each event's effect with the standard error of least squares beside a straight trend and the same seasons.

    An event that a season could explain as well has a large one, and so has one of many days in a row where errors
    last from one period to the next. Prophet's own point estimate has none.
    """
    import numpy as np

    touched = _touched(regressors, history)
    if not touched:
        return ()
    n, seen = len(y), history.seen
    n_codes = len(regressors.codes)
    waves = regressors.values[:n, : regressors.values.shape[1] - n_codes]
    waves = waves[:, history.active[: waves.shape[1]]]
    events = np.column_stack([column[:n] for column in touched.values()])
    unit = table["trend"][:n, None] if mode == "multiplicative" else 1.0
    trend = np.column_stack([np.ones(n), history.t[:n]])
    design = np.column_stack([trend, waves * unit, events * unit])[seen]
    errors = (y - table["yhat"][:n])[seen]
    inverse = np.linalg.pinv(design.T @ design)
    freedom = max(len(errors) - int(np.linalg.matrix_rank(design)), 1)
    spread = inverse @ design.T @ _correlated(design, _lasting(errors)) @ inverse
    found = np.sqrt(np.maximum(np.diag(spread)[-len(touched) :], 0.0) * float(errors @ errors) / freedom)
    effects = []
    for (number, column), error in zip(touched.items(), found, strict=True):
        places = np.flatnonzero((column[:n] > 0) & seen)
        effect = float(table[f"event {number}"][places].mean())
        n_seen = occurrences([days[place] for place in places])
        effects.append(EventEffect(regressors.codes[number], effect, float(error), n_seen))
    return tuple(effects)


def _lasting(errors: Floats) -> float:
    """Correlation of an error with the one before, between 0 and .95."""
    squares = float(errors @ errors)
    share = float(errors[1:] @ errors[:-1]) / squares if squares > 0 else 0.0
    return min(max(share, 0.0), MOST_LASTING)


def _correlated(columns: Floats, lasting: float) -> Floats:
    """R @ columns, R the correlations ``lasting ** |i - j|`` of errors that each keep that share of the one before."""
    product = columns.copy()
    for way in (slice(None), slice(None, None, -1)):
        kept = columns[way][0] * 0.0
        for row, added in zip(columns[way], product[way], strict=True):
            kept *= lasting
            added += kept  # a view: what comes from all rows before, then from all after
            kept += row
    return product


@contextmanager
def _quiet() -> Iterator[None]:
    """Prophet's own deprecation warnings and log lines stay inside."""
    loggers = [logging.getLogger(name) for name in ("prophet", "prophet.plot", "prophet.models", "cmdstanpy")]
    before: list[tuple[Any, bool]] = [(logger, logger.disabled) for logger in loggers]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for logger in loggers:
            logger.disabled = True
        try:
            yield
        finally:
            for logger, disabled in before:
                logger.disabled = disabled
