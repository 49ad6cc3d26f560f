"""Axes, data and tooltips that the forecast's charts share."""

from __future__ import annotations

from typing import Any

import altair as alt
import polars as pl

from analytics.charts.forecasting.wording import currency_of
from analytics.charts.theme import time_axis, tooltip, value_axis
from analytics.forecasting import ForecastResult
from analytics.i18n import Words

MOST_POINTS = 400
FEW_DAYS = 150


def values(frame: pl.DataFrame) -> Any:
    """A small frame as chart data, its dates as ISO text."""
    dates = [name for name, dtype in frame.schema.items() if dtype == pl.Date]
    rows = frame.with_columns(pl.col(dates).dt.strftime("%Y-%m-%d")) if dates else frame
    return alt.Data(values=rows.to_dicts())  # type: ignore[no-untyped-call]


def time_channel(result: ForecastResult, _: Words, n_periods: int) -> alt.X:
    """``ds`` along the bottom over ``n_periods``: days where they are few, else months, none of them twice."""
    n_days = n_periods * {"day": 1, "week": 7, "month": 30}[result.frequency]
    by_day = result.frequency != "month" and n_days <= FEW_DAYS
    axis = time_axis(_, "day" if by_day else "month")
    if not by_day and n_days <= 8 * 30:
        axis["tickCount"] = {"interval": "month", "step": 1}
    return alt.X("ds:T", axis=axis)


def value_channel(result: ForecastResult, _: Words, field: str = "value", *, n_ticks: int = 5) -> alt.Y:
    """A value in the panel's unit; the axis need not start at zero, since it carries lines."""
    axis = value_axis(_, currency=currency_of(result) or None)
    axis["tickCount"] = n_ticks
    return alt.Y(f"{field}:Q", axis=axis, scale=alt.Scale(zero=False), title=None)


def effect_axis(result: ForecastResult, _: Words) -> alt.Axis:
    """Effects in the panel's unit, or as shares of the trend; few ticks, for small charts."""
    percent = result.mode == "multiplicative"
    axis = value_axis(_, percent=percent, currency=None if percent else currency_of(result) or None)
    axis["tickCount"] = 4
    return axis


def day_tip(field: str, title: str, _: Words) -> alt.Tooltip:
    """A date in a tooltip."""
    return tooltip(field, title, kind="temporal", format="%-d %b %Y" if _.language == "en" else "%Y/%-m/%-d")


def number_tip(result: ForecastResult, field: str, title: str) -> alt.Tooltip:
    """A value in a tooltip: whole numbers where values are large."""
    return tooltip(field, title, kind="quantitative", format=",.0f" if is_large(result) else ",.1f")


def effect_tip(result: ForecastResult, _: Words) -> alt.Tooltip:
    """An effect in a tooltip, with its sign."""
    share = "+.1%" if result.mode == "multiplicative" else "+,.0f" if is_large(result) else "+,.1f"
    return tooltip("effect", _("Effect"), kind="quantitative", format=share)


def is_large(result: ForecastResult) -> bool:
    """Whether a decimal would be noise."""
    mean = result.history["y"].abs().mean()
    return isinstance(mean, float) and mean >= 100
