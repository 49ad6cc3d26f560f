"""What is asked of a forecast, and what it answers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Annotated, Literal, get_args

import msgspec
import polars as pl

from analytics.calendar import CalendarSpec
from analytics.demand import Frequency
from analytics.errors import AnalysisError, Caveat

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

Model = Literal[
    "seasonal_naive",  # the value one season ago: the baseline
    "smoothing",  # exponential smoothing, its form chosen by information criterion
    "theta",
    "tsb",  # intermittent demand: Teunter, Syntetos & Babai
    "prophet",
    "prophet_level",  # Prophet, and the level of its residual
    "boosting",  # one gradient-boosting model over all series of the panel
    "median",  # the median of four of the above
]
MODELS: tuple[Model, ...] = get_args(Model)
BASELINE: Model = "seasonal_naive"
LEVELS = (0.80, 0.95)
MOST_PERIODS = 1_000  # bounds on what a link may ask for
MOST_ORIGINS = 24

Reason = Literal[
    "lowest_error",  # the smallest error of all in the back-test
    "simpler",  # not clearly worse than the smallest, and simpler or steadier
    "baseline_wins",
    "intermittent",  # mostly zeros: only models for such series were compared
    "asked",  # the person chose it
    "equal",  # no error to compare: constant or all zero
    "untested",  # no back-test was possible: the baseline leads
]


@dataclass(frozen=True, slots=True)
class ProphetSpec:
    """Prophet's own options; the defaults are the packaged ones but for ``seasonality_mode``.

    growth : "linear" lets the trend go on as it went last, "flat" has none, "logistic" saturates at ``cap``.
    cap : ceiling of logistic growth in the series' unit; None is 1.2 times the largest value seen.
    n_changepoints, changepoint_range, changepoint_prior_scale : how many places the trend may bend, in which first
        share of the history, how easily.
    weekly, yearly : waves of the season; None is Prophet's number where the history allows it, 0 none.
    seasonality_mode : whether swings add to the trend or grow with it; "auto" looks at the history.
    seasonality_prior_scale, holidays_prior_scale : how large seasons and events may become.
    """

    growth: Literal["linear", "flat", "logistic"] = "linear"
    cap: float | None = None
    n_changepoints: int = 25
    changepoint_range: float = 0.8
    changepoint_prior_scale: float = 0.05
    weekly: int | None = None
    yearly: int | None = None
    seasonality_mode: Literal["auto", "additive", "multiplicative"] = "auto"
    seasonality_prior_scale: float = 10.0
    holidays_prior_scale: float = 10.0

    def __post_init__(self) -> None:
        scales = (self.changepoint_prior_scale, self.seasonality_prior_scale, self.holidays_prior_scale)
        waves = [n for n in (self.weekly, self.yearly) if n is not None]
        if not (
            all(1e-4 <= scale <= 1e3 for scale in scales)
            and 0 <= self.n_changepoints <= 200
            and 0.1 <= self.changepoint_range <= 1
            and all(0 <= n <= 30 for n in waves)
            and (self.cap is None or 0 < self.cap < 1e15)
        ):
            raise AnalysisError("prophet_option_out_of_range")


@dataclass(frozen=True, slots=True)
class ForecastSpec:
    """Every choice that changes a forecast. The defaults need no tuning.

    unique_id : the series shown; "" is the panel's first member. ``forecast_all`` does not look at it.
    horizon : periods ahead; None is 28 days, 12 weeks or 6 months, and at most half of the history.
    model : "auto" chooses per series by back-test.
    candidates : the models compared; empty is all of them. The baseline is always among them.
    calendar : holidays and events.
    prophet : Prophet's own options.
    n_origins : back-tests (2-24).
    interval_width : 0.8 or 0.95, the interval named first; both are always computed.
    random_state : seed of the simulated paths behind totals and stock.
    """

    unique_id: Annotated[str, msgspec.Meta(max_length=200)] = ""
    horizon: int | None = None
    model: Literal["auto"] | Model = "auto"
    candidates: tuple[Model, ...] = ()
    calendar: CalendarSpec = CalendarSpec()
    prophet: ProphetSpec = ProphetSpec()
    n_origins: int = 8
    interval_width: float = 0.8
    random_state: int = 0

    def __post_init__(self) -> None:
        if self.horizon is not None and not 1 <= self.horizon <= MOST_PERIODS:
            raise AnalysisError("horizon_out_of_range", horizon=self.horizon, most=MOST_PERIODS)
        if not 2 <= self.n_origins <= MOST_ORIGINS:
            raise AnalysisError("n_origins_out_of_range", n_origins=self.n_origins, most=MOST_ORIGINS)
        if self.interval_width not in LEVELS:
            raise AnalysisError("interval_width_unknown", interval_width=self.interval_width)
        if not 0 <= self.random_state < 2**32:
            raise AnalysisError("seed_out_of_range", random_state=self.random_state)


@dataclass(frozen=True, slots=True, eq=False)
class PanelForecast:
    """Every series of a panel forecast by every candidate, each judged on its own past.

    Values are in ``unit`` per period. ``<model>`` is a name of ``Model``. Bounds are ``lo_80``, ``hi_80``, ``lo_95``,
    ``hi_95``. A model that abstains for a series (too short for it, or not of its kind) has nulls and no row in
    ``scores``.

    Attributes
    ----------
    forecasts : unique_id, ds, forecast (of the chosen model) with its four bounds, last_year (the same period a year
        before: 364 days or 12 months; null where not observed), and one column per model.
    backtest : unique_id, cutoff (last period seen), in_choice (Boolean: False for the last horizon, which no choice and
        no band has seen), ds, y, forecast with its bounds (the chosen model; null where too few errors were known at
        the cutoff), and one column per model.
    scores : unique_id, model, mase, rmsse, wape, smape, bias, wis (weighted interval score over the scale of mase),
        coverage_80, coverage_95, n (periods compared), n_with_band; origins of the choice only.
    final : the same columns for the last horizon.
    choices : unique_id, model, reason, compared_by ("mase", "rmsse", "wape", ""), model_error, baseline_error,
        n_origins, n_won (origins in which the model erred less than the baseline), band_source ("own", "pooled",
        "fallback").
    totals : unique_id, total with its four bounds (over the horizon, from simulated paths), last_year (null unless the
        whole is observed), change_share, recent (sum of the last whole horizon of the history), slope_share (yearly
        trend as a share of the level).
    coverage : level (0.8, 0.95), n, covered_share, over all series: of the choice's origins, and of the last horizon
        (column where: "backtest", "final").
    reconciled : unique_id, ds, forecast with its bounds after adding up; empty without a hierarchy. ``incoherence``:
        the largest difference, before and after, between a parent and the sum of its children, over the parent's mean.
    notes : unique_id, code, and the sizes named in the code's words (n, percent): what is particular to one series.
    """

    frequency: Frequency
    measure: str
    unit: str
    as_of: date
    spec: ForecastSpec
    horizon: int
    season_length: int
    models: tuple[Model, ...]
    forecasts: pl.DataFrame
    backtest: pl.DataFrame
    scores: pl.DataFrame
    final: pl.DataFrame
    choices: pl.DataFrame
    totals: pl.DataFrame
    coverage: pl.DataFrame
    reconciled: pl.DataFrame
    incoherence: tuple[float, float]
    notes: pl.DataFrame
    key: str
    caveats: tuple[Caveat, ...]


@dataclass(frozen=True, slots=True, eq=False)
class ForecastResult:
    """One series of a ``PanelForecast`` in depth: its own rows, what it is made of, and paths to plan by.

    Attributes
    ----------
    history : ds, y (null where not observed).
    forecast, backtest, scores, final, totals : as in ``PanelForecast``, without unique_id.
    model, reason, compared_by, n_origins, n_won, band_source : of the chosen model, as in ``choices``.
    paths : shape (2,000, horizon): possible futures of the chosen model, margins as in the bands, dependence between
        periods as in the back-test; zero on closed weekdays.
    decomposition : ds (history and horizon), y (null ahead), fitted, trend (in ``unit``), and weekly, yearly, holidays
        where the packaged Prophet has them: in ``unit`` when ``mode`` is "additive", else as shares of the trend. Shown
        whichever model was chosen.
    components : component, position, name, effect, lo_95, hi_95, beyond_chance, n_seen; one row per point of a shape.
        weekly: position 0-6 from Monday; yearly: day of the year; holidays: rank by size, name = event code, n_seen =
        how often it was seen (these five null for the others). Effects as in ``decomposition``.
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
    final: pl.DataFrame
    totals: pl.DataFrame
    coverage: pl.DataFrame
    paths: npt.NDArray[np.float32]
    decomposition: pl.DataFrame
    components: pl.DataFrame
    mode: Literal["additive", "multiplicative"]
    model: Model
    reason: Reason
    compared_by: Literal["mase", "rmsse", "wape", ""]
    n_origins: int
    n_won: int
    band_source: Literal["own", "pooled", "fallback"]
    key: str
    caveats: tuple[Caveat, ...]
