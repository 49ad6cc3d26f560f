"""How much to keep in stock: from possible futures of demand to a reorder point, a safety stock and an order.

The policy is (R, S) (Silver, Pyke & Thomas 2017, chapter 6): every R days the stock on hand and on order is brought up
to S, which must last until the delivery of the *next* order, R days and one lead time later. Demand over that time
comes from the forecast's paths, so that seasons, trend and the dependence between periods are in it; the textbook rule
(normal demand, equal and independent days) stands beside it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from statistics import NormalDist
from typing import TYPE_CHECKING

import polars as pl

from analytics.errors import AnalysisError, Caveat
from analytics.forecasting.planning.spec import StockSpec
from analytics.forecasting.spec import ForecastResult
from analytics.keys import derive_key

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]

LEVELS = (0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 0.925, 0.95, 0.97, 0.98, 0.99, 0.995)
EARLY = 0.1
DEFAULT = StockSpec()


@dataclass(frozen=True, slots=True, eq=False)
class StockResult:
    """Quantities are in ``unit`` (items), not rounded.

    Attributes
    ----------
    reorder_point : stock on hand and on order at which an order cannot wait: enough for one lead time at the goal.
    order_up_to : what stock on hand and on order is brought up to at each review.
    safety_stock : ``order_up_to`` less the demand expected over review and lead time.
    textbook_stock : the safety stock of the textbook rule, from last year's periods.
    lead_demand, cover_demand : demand expected over the lead time, and over review and lead time.
    order_now : what to order at this review.
    short_chance : chance that what is on hand and on order is gone before an order of today arrives.
    starts_from : what is on hand and on order; where that is nothing, ``order_up_to``.
    lasts_days, lasts_early_days : days until ``starts_from`` is gone, in half and in all but a tenth of the futures;
        null beyond the horizon.
    levels : level (of the goal), order_up_to, safety_stock, reorder_point.
    projection : ds (end of the day or period), day (number), left with lo_80, hi_80 (what would be left without a new
        order), gone_chance (that nothing would be).
    checks : cutoff, in_choice, demand (what was sold over review and lead time after it), order_up_to (what the rule
        would have said there: the forecast of then and today's safety stock), enough (Boolean). n_enough, n_checks.
    """

    spec: StockSpec
    unit: str
    as_of: date
    unique_id: str
    reorder_point: float
    order_up_to: float
    safety_stock: float
    textbook_stock: float
    lead_demand: float
    cover_demand: float
    order_now: float
    short_chance: float
    starts_from: float
    lasts_days: int | None
    lasts_early_days: int | None
    levels: pl.DataFrame
    projection: pl.DataFrame
    checks: pl.DataFrame
    n_enough: int
    n_checks: int
    key: str
    caveats: tuple[Caveat, ...]


def plan_stock(result: ForecastResult, spec: StockSpec = DEFAULT) -> StockResult:
    """The stock that ``spec`` asks for, from the paths of a forecast in items.

    Raises ``AnalysisError``: ``stock_horizon_short`` (review and lead time reach beyond the forecast),
    ``stock_not_items`` (the forecast is of money, orders or customers).
    """
    import numpy as np

    if result.measure not in ("quantity", "value"):
        raise AnalysisError("stock_not_items", measure=result.measure)
    lengths = [_length(ds, result.frequency) for ds in result.forecast["ds"]]
    cover = spec.lead_time_days + spec.review_days
    if cover > sum(lengths):
        raise AnalysisError("stock_horizon_short", needed=cover, days=sum(lengths))
    paths = np.asarray(result.paths, dtype=np.float64).clip(min=0.0)
    lead = demand_over(paths, lengths, spec.lead_time_days)
    whole = demand_over(paths, lengths, cover)
    rows = []
    for level in sorted({*LEVELS, spec.level}):
        up_to, point = _up_to(whole, lead, spec.goal, level), _point(lead, whole, spec.goal, level)
        rows.append((level, up_to, up_to - float(whole.mean()), point))
    levels = pl.DataFrame(rows, schema=["level", "order_up_to", "safety_stock", "reorder_point"], orient="row")
    chosen = levels.row(by_predicate=pl.col("level") == spec.level, named=True)
    there = spec.on_hand + spec.on_order
    starts_from = there if there > 0 else chosen["order_up_to"]
    projection, lasts = _projection(result, paths, lengths, starts_from)
    checks = _checks(result, lengths, cover, chosen["safety_stock"])
    return StockResult(
        spec=spec,
        unit=result.unit,
        as_of=result.as_of,
        unique_id=result.unique_id,
        reorder_point=chosen["reorder_point"],
        order_up_to=chosen["order_up_to"],
        safety_stock=chosen["safety_stock"],
        textbook_stock=_textbook(result, cover, spec.level),
        lead_demand=float(lead.mean()),
        cover_demand=float(whole.mean()),
        order_now=max(chosen["order_up_to"] - there, 0.0),
        short_chance=float((lead > there).mean()),
        starts_from=starts_from,
        lasts_days=lasts[0],
        lasts_early_days=lasts[1],
        levels=levels,
        projection=projection,
        checks=checks,
        n_enough=int(checks["enough"].sum()),
        n_checks=checks.height,
        key=derive_key("plan_stock", spec, result.key),
        caveats=(Caveat("stock_without_forecast_test", "watch", {}),) if not result.n_origins else (),
    )


def demand_over(paths: Floats, lengths: list[int], days: int) -> Floats:
    """Demand of each path over the first ``days`` days; of a period begun, the share of its days."""
    import numpy as np

    ends = np.cumsum(lengths)
    share = np.clip((days - (ends - lengths)) / np.array(lengths), 0.0, 1.0)
    return np.asarray(paths @ share)


def _length(ds: date, frequency: str) -> int:
    if frequency == "month":
        return ((ds + timedelta(days=31)).replace(day=1) - ds).days
    return 7 if frequency == "week" else 1


def _up_to(whole: Floats, lead: Floats, goal: str, level: float) -> float:
    """S: the quantile of demand over review and lead time; for the fill rate, where shortage of a cycle is small."""
    import numpy as np

    if goal == "cycle":
        return float(np.quantile(whole, level))
    allowed = (1 - level) * float((whole - lead).mean())

    def short(stock: float) -> float:
        return float(np.maximum(whole - stock, 0).mean() - np.maximum(lead - stock, 0).mean())

    return _least(short, allowed, float(whole.max()))


def _point(lead: Floats, whole: Floats, goal: str, level: float) -> float:
    import numpy as np

    if goal == "cycle":
        return float(np.quantile(lead, level))
    allowed = (1 - level) * float((whole - lead).mean())
    return _least(lambda stock: float(np.maximum(lead - stock, 0).mean()), allowed, float(lead.max()))


def _least(short: Callable[[float], float], allowed: float, most: float) -> float:
    """The least stock whose expected shortage is allowed, by halving."""
    low, high = 0.0, most
    if short(low) <= allowed:
        return 0.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (low, middle) if short(middle) <= allowed else (middle, high)
    return high


def _textbook(result: ForecastResult, cover: int, level: float) -> float:
    """z times the standard deviation of last year's periods times the root of their number in the time to cover."""
    periods = {"day": 365, "week": 52, "month": 12}[result.frequency]
    length = {"day": 1.0, "week": 7.0, "month": 30.4375}[result.frequency]
    spread = result.history["y"].drop_nulls().tail(periods).std()
    if not isinstance(spread, float):
        return 0.0
    return NormalDist().inv_cdf(level) * spread * float((cover / length) ** 0.5)


def _projection(
    result: ForecastResult, paths: Floats, lengths: list[int], there: float
) -> tuple[pl.DataFrame, tuple[int | None, int | None]]:
    """What would be left at the end of each period, and after how many days nothing is."""
    import numpy as np

    left = there - np.cumsum(paths, axis=1)
    ends = np.cumsum(lengths)
    low, middle, high = np.quantile(left, (0.1, 0.5, 0.9), axis=0).clip(min=0.0)
    starts = result.forecast["ds"].to_list()
    last = [ds + timedelta(days=length - 1) for ds, length in zip(starts, lengths, strict=True)]
    frame = pl.DataFrame(
        {
            "ds": last,
            "day": ends,
            "left": middle,
            "lo_80": low,
            "hi_80": high,
            "gone_chance": (left <= 0).mean(axis=0),
        }
    )
    # Within the period in which the stock ends, demand is even.
    gone = left <= 0
    first = np.where(gone.any(axis=1), gone.argmax(axis=1), -1)
    days = np.full(len(paths), np.inf)
    for i in np.flatnonzero(first >= 0):
        at = first[i]
        before = there if at == 0 else left[i, at - 1]
        share = before / paths[i, at] if paths[i, at] > 0 else 0.0
        days[i] = ends[at] - lengths[at] + share * lengths[at]
    half, early = np.quantile(days, (0.5, EARLY), method="lower")
    return frame, tuple(int(day) if np.isfinite(day) else None for day in (half, early))  # type: ignore[return-value]  # two days, two values


def _checks(result: ForecastResult, lengths: list[int], cover: int, safety: float) -> pl.DataFrame:
    """Whether the rule would have sufficed after each cutoff of the back-test, the last horizon among them."""
    import numpy as np

    rows = []
    for part in result.backtest.sort("cutoff", "ds").partition_by("cutoff", maintain_order=True):
        n = min(part.height, len(lengths))
        if cover > sum(lengths[:n]):
            continue
        there = part.head(n).select(pl.col("y").cast(pl.Float64), pl.col("forecast").cast(pl.Float64))
        if there["y"].null_count() or there["forecast"].null_count():
            continue
        demand, expected = (
            float(demand_over(np.asarray([there[name].to_numpy()]), lengths[:n], cover)[0])
            for name in ("y", "forecast")
        )
        rows.append((part["cutoff"][0], part["in_choice"][0], demand, expected + safety, demand <= expected + safety))
    schema = {
        "cutoff": pl.Date,
        "in_choice": pl.Boolean,
        "demand": pl.Float64,
        "order_up_to": pl.Float64,
        "enough": pl.Boolean,
    }
    return pl.DataFrame(rows, schema=schema, orient="row")
