"""When customers order: the hours of the week and the months of the year."""

from __future__ import annotations

from datetime import date, timedelta
from typing import NamedTuple

import numpy as np
import polars as pl

from analytics.behaviour.orders import MINUTES_A_DAY

EPOCH = date(1970, 1, 1)
_TIMES_FROM = 0.05  # of the orders must tell a time of day other than midnight
_SEASON_MONTHS = 24
_MONTHS = 12
_FIRST_DAYS = 3  # a first order so early in a month: the month is taken as whole


class Season(NamedTuple):
    """``months``, ``season`` (by_month) and ``season_p`` of ``SpendingResult``; n_whole: months covered end to end."""

    months: pl.DataFrame
    by_month: pl.DataFrame
    p: float | None
    n_whole: int


def week_of(orders: pl.DataFrame) -> tuple[pl.DataFrame, bool]:
    """Orders by weekday (1 = Monday) and hour, every combination; hour is null where the data hold days only."""
    minute = orders["minute"]
    has_times = int((minute % MINUTES_A_DAY != 0).sum()) > _TIMES_FROM * len(minute)
    weekday = (orders["day"].cast(pl.Int64) + 3) % 7 + 1
    hour = (
        (minute.cast(pl.Int64) % MINUTES_A_DAY // 60) if has_times else pl.Series([None] * len(minute), dtype=pl.Int64)
    )
    counted = (
        pl.DataFrame({"weekday": weekday, "hour": hour})
        .group_by("weekday", "hour")
        .agg(n_orders=pl.len().cast(pl.Int64))
    )
    hours = pl.DataFrame({"hour": range(24) if has_times else [None]}, schema={"hour": pl.Int64})
    grid = pl.DataFrame({"weekday": range(1, 8)}, schema={"weekday": pl.Int64}).join(hours, how="cross")
    every = grid.join(counted, on=["weekday", "hour"], how="left", nulls_equal=True, maintain_order="left")
    n = pl.col("n_orders").fill_null(0)
    return every.select("weekday", "hour", n_orders=n, share=n / orders.height), has_times


def season_of(days: pl.Series, as_of: date) -> Season:
    """Orders by month, and each month of the year against the mean one.

    The log of orders a day over whole months is a straight trend, a level for each month of the year and noise, by
    least squares; the index is exp(level - mean level), its interval Student's. Noise covers what differs from one year
    to the next, so that two years cannot pretend to be many. ``p`` is of the F test that the twelve levels are one.
    """
    first = EPOCH + timedelta(days=int(days.min()))  # type: ignore[arg-type]  # a scalar: Polars types any literal
    starts = pl.date_range(first.replace(day=1), as_of.replace(day=1), "1mo", eager=True)
    counted = days.cast(pl.Date).dt.truncate("1mo").value_counts().rename({days.name: "month"})
    months = pl.DataFrame({"month": starts}).join(counted, on="month", how="left", maintain_order="left")
    ends = pl.col("month").dt.offset_by("1mo") - timedelta(days=1)
    begin = first.replace(day=1) if first.day <= _FIRST_DAYS else first
    whole = (pl.col("month") >= begin) & (ends <= as_of)
    months = months.select("month", n_orders=pl.col("count").fill_null(0).cast(pl.Int64), whole=whole)
    used = months.filter("whole")
    if used.height < _SEASON_MONTHS:
        return Season(months, _no_index(), None, used.height)
    index, p = _fit(used)
    return Season(months, index, p, used.height)


def _fit(months: pl.DataFrame) -> tuple[pl.DataFrame, float]:
    from scipy.special import fdtrc, stdtrit

    which = months["month"].dt.month().to_numpy() - 1
    length = months.select(pl.col("month").dt.days_in_month()).to_series().to_numpy()
    rate = np.log((months["n_orders"].to_numpy() + 0.5) / length)
    time = np.arange(len(rate), dtype=np.float64)
    trend = np.column_stack([np.ones(len(rate)), time - time.mean()])
    design = np.column_stack([np.eye(_MONTHS)[which], trend[:, 1]])
    levels, left = _least_squares(design, rate)
    freedom = len(rate) - design.shape[1]
    noise = left / freedom
    # Each level against the mean of all twelve.
    contrast = np.column_stack([np.eye(_MONTHS) - 1 / _MONTHS, np.zeros(_MONTHS)])
    effect = contrast @ levels
    spread = contrast @ np.linalg.inv(design.T @ design) @ contrast.T
    reach = float(stdtrit(freedom, 0.975)) * np.sqrt(np.maximum(np.diag(spread) * noise, 0.0))
    without = _least_squares(trend, rate)[1]
    if noise <= 1e-12:
        p = 0.0 if without > 1e-9 else 1.0
    else:
        p = float(fdtrc(_MONTHS - 1, freedom, (without - left) / (_MONTHS - 1) / noise))
    return (
        pl.DataFrame(
            {
                "month_of_year": np.arange(1, _MONTHS + 1),
                "index": np.exp(effect),
                "lo": np.exp(effect - reach),
                "hi": np.exp(effect + reach),
            }
        ),
        p,
    )


def _least_squares(design: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, float]:
    found = np.linalg.lstsq(design, values, rcond=None)[0]
    return found, float(((values - design @ found) ** 2).sum())


def _no_index() -> pl.DataFrame:
    return pl.DataFrame(schema={"month_of_year": pl.Int64, **dict.fromkeys(("index", "lo", "hi"), pl.Float64)})
