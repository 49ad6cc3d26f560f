"""How much customers spend at a time, how much is in a basket, and how long until the next order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from analytics.behaviour.calendar import EPOCH, season_of, week_of
from analytics.behaviour.orders import anonymous, read_orders
from analytics.dataset import Dataset
from analytics.errors import Caveat
from analytics.keys import derive_key
from analytics.progress import report

Numbers = npt.NDArray[np.float64]
Bins = tuple[Sequence[float], Sequence[float | None], Sequence[int]]  # lower ends, upper ends, values

_QUANTILES = (0.1, 0.25, 0.5, 0.75, 0.9)
_N_BINS = 24
_GAP_EDGES = (1, 2, 4, 8, 15, 31, 61, 91, 181, 366)  # days; the last is open
_COUNT_EDGES = (*range(1, 13), 16, 24, 32, 48, 64, 96, 128, 192, 256, 512, 1024)
_OUTER = 0.005  # of the orders at each end stand in the outermost bins
_LEAST_AT_RISK = 10
_Z = 1.959963984540054


@dataclass(frozen=True, slots=True, eq=False)
class SpendingResult:
    """Spending habits up to the as-of date; money is Float64 in whole ``currency`` units.

    Attributes
    ----------
    summary : one row per measure that the data give: measure ("order_value", "order_items", "order_lines": over all
        orders; "gap_days": over the customers with at least two order days, each with the median of their own gaps),
        n_values, mean, p10, p25, p50, p75, p90, largest.
    distribution : measure, low, high (Float64: from ``low`` up to but without ``high``, the last with it; high null:
        open end), n_values (Int64), share (0-1). Order values have equal bins on a log scale where ``is_log``, the
        outermost ones holding the ends; the others have bins of whole numbers.
    returning : of customers with an order: day (days since the first order day), n_at_risk, share (0-1, who had ordered
        on a second day by then), lo, hi (95 %). Customers who may still return are censored at the as-of date
        (Kaplan & Meier 1958; Greenwood's variance on the log-log scale). Ends where fewer than 10 are left.
    week : weekday (1 = Monday), hour (0-23, as in the file; null throughout without times of day), n_orders, share
        (0-1, of orders). Every combination is there.
    months : month (first day), n_orders, whole (Boolean: the data cover all of it).
    season : month_of_year (1-12), index (orders a day against the mean month, trend taken out), lo, hi (95 %). Empty
        under two years of whole months.
    season_p : of the test that all months are alike; None without ``season``.
    n_orders, n_customers, n_one_day : orders; known customers; those with one order day, who have no gap.
    """

    summary: pl.DataFrame
    distribution: pl.DataFrame
    returning: pl.DataFrame
    week: pl.DataFrame
    months: pl.DataFrame
    season: pl.DataFrame
    season_p: float | None
    is_log: bool
    has_times: bool
    n_orders: int
    n_customers: int
    n_one_day: int
    currency: str
    caveats: tuple[Caveat, ...]
    key: str


def describe_spending(dataset: Dataset) -> SpendingResult:
    """Order values, baskets, gaps between orders, time of week and season.

    Raises ``AnalysisError``: table_missing, fields_missing (ordered_at), no_orders.
    """
    report(0.0, "behaviour_orders")
    orders = read_orders(dataset)
    scale = 10**dataset.money_digits
    frame = orders.frame
    caveats = list(anonymous(orders, scale))

    report(0.5, "behaviour_habits")
    measures: dict[str, Numbers] = {}
    if orders.has_amounts:
        measures["order_value"] = frame["amount"].to_numpy() / scale
    else:
        caveats.append(Caveat("behaviour_no_amounts"))
    if orders.has_items:
        measures["order_items"] = frame["n_items"].cast(pl.Float64).to_numpy()
    measures["order_lines"] = frame["n_lines"].cast(pl.Float64).to_numpy()
    days = frame.select("customer", "day").drop_nulls().unique().sort("customer", "day")
    gaps, first_gap, followed = _gaps(days, (dataset.as_of - EPOCH).days)
    measures["gap_days"] = gaps
    is_log = "order_value" in measures and _is_skewed(measures["order_value"])
    n_customers = len(first_gap)
    n_one_day = int((~followed).sum())
    if n_one_day and n_customers:
        share = round(100 * n_one_day / n_customers)
        caveats.append(Caveat("behaviour_gaps", "note", {"n": n_one_day, "percent": share}))

    week, has_times = week_of(frame)
    season = season_of(frame["day"], dataset.as_of)
    if season.by_month.is_empty():
        caveats.append(Caveat("season_too_short", "note", {"n": season.n_whole}))
    return SpendingResult(
        summary=_summary(measures),
        distribution=pl.concat([_distribution(name, values, is_log) for name, values in measures.items()]),
        returning=_returning(first_gap, followed),
        week=week,
        months=season.months,
        season=season.by_month,
        season_p=season.p,
        is_log=is_log,
        has_times=has_times,
        n_orders=frame.height,
        n_customers=n_customers,
        n_one_day=n_one_day,
        currency=dataset.currency,
        caveats=tuple(caveats),
        key=derive_key("describe_spending", None, dataset.key),
    )


def _gaps(days: pl.DataFrame, as_of: int) -> tuple[Numbers, Numbers, npt.NDArray[np.bool_]]:
    """Each returning customer's median gap; each customer's days from the first order day to the second, or so far."""
    steps = days.with_columns(gap=pl.col("day").diff().over("customer")).group_by("customer", maintain_order=True)
    each = steps.agg(
        pl.col("gap").median(),
        pl.col("gap").drop_nulls().first().alias("first"),
        (as_of - pl.col("day").first()).alias("so_far"),
    )
    followed = each["first"].is_not_null().to_numpy()
    first = each.select(pl.coalesce("first", "so_far").cast(pl.Float64)).to_series().to_numpy()
    return each["gap"].drop_nulls().cast(pl.Float64).to_numpy(), first, followed


def _summary(measures: dict[str, Numbers]) -> pl.DataFrame:
    rows: list[tuple[Any, ...]] = []
    for name, values in measures.items():
        if not len(values):
            continue
        ordered = np.sort(values)  # the mean, too, of ordered values: it must not depend on ids
        rows.append((name, len(values), ordered.mean(), *np.quantile(ordered, _QUANTILES), ordered[-1]))
    numbers = ("mean", *(f"p{100 * q:.0f}" for q in _QUANTILES), "largest")
    schema = {"measure": pl.String, "n_values": pl.Int64, **dict.fromkeys(numbers, pl.Float64)}
    return pl.DataFrame([tuple(map(_plain, row)) for row in rows], schema=schema, orient="row")


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value


def _is_skewed(values: Numbers) -> bool:
    """Whether order values are more even on a log scale."""
    if values.min() <= 0 or values.max() == values.min():
        return False
    return abs(_skew(np.log(values))) < abs(_skew(values))


def _skew(values: Numbers) -> float:
    centred = values - values.mean()
    spread = float(np.sqrt((centred**2).mean()))
    return float((centred**3).mean() / spread**3) if spread > 0 else 0.0


def _distribution(name: str, values: Numbers, is_log: bool) -> pl.DataFrame:
    if name == "order_value":
        bins = _equal_bins(values, is_log)
    else:
        bins = _whole_bins(values, _GAP_EDGES if name == "gap_days" else _COUNT_EDGES)
    lows, highs, counts = bins
    frame = pl.DataFrame(
        {"low": list(lows), "high": list(highs), "n_values": [int(n) for n in counts]},
        schema={"low": pl.Float64, "high": pl.Float64, "n_values": pl.Int64},
    )
    share = pl.col("n_values") / max(len(values), 1)
    return frame.select(pl.lit(name).alias("measure"), pl.all(), share=share)


def _equal_bins(values: Numbers, is_log: bool) -> Bins:
    low, high = (float(q) for q in np.quantile(values, (_OUTER, 1 - _OUTER)))
    if low == high:
        return [low], [high], [len(values)]
    edges = np.geomspace(low, high, _N_BINS + 1) if is_log else np.linspace(low, high, _N_BINS + 1)
    counts = np.histogram(np.clip(values, edges[0], edges[-1]), edges)[0]
    return edges[:-1].tolist(), edges[1:].tolist(), counts.tolist()


def _whole_bins(values: Numbers, edges: tuple[int, ...]) -> Bins:
    """Bins of whole numbers; a last open one from where fewer than 1 in 200 values are left."""
    if not len(values):
        return [], [], []
    last = max(float(np.quantile(values, 1 - _OUTER)), float(edges[1]))
    kept = [float(edge) for edge in edges if edge <= last]
    counts = np.histogram(np.maximum(values, kept[0]), [*kept, np.inf])[0]
    return kept, [*kept[1:], None], counts.tolist()


def _returning(durations: Numbers, returned: npt.NDArray[np.bool_]) -> pl.DataFrame:
    """Kaplan-Meier's share who had ordered again, by days since the first order."""
    n = len(durations)
    length = int(durations.max()) + 1 if n else 0
    events = np.bincount(durations[returned].astype(np.int64), minlength=length)
    leaving = np.bincount(durations.astype(np.int64), minlength=length)
    at_risk = n - np.concatenate([[0], np.cumsum(leaving)[:-1]]) if n else np.zeros(0)
    kept = at_risk >= _LEAST_AT_RISK
    events, at_risk = events[kept], at_risk[kept]
    with np.errstate(divide="ignore", invalid="ignore"):
        stayed_away = np.cumprod(1 - events / at_risk)
        variance = np.cumsum(np.where(at_risk > events, events / (at_risk * (at_risk - events)), np.inf))
        error = np.sqrt(variance) / np.abs(np.log(stayed_away))
        low, high = (1 - stayed_away ** np.exp(sign * _Z * error) for sign in (-1, 1))
    inside = (stayed_away > 0) & (stayed_away < 1)
    share = 1 - stayed_away
    return pl.DataFrame(
        {
            "day": np.arange(len(at_risk)),
            "n_at_risk": at_risk.astype(np.int64),
            "share": share,
            "lo": np.where(inside, low, share),
            "hi": np.where(inside, high, share),
        },
        schema={"day": pl.Int64, "n_at_risk": pl.Int64, **dict.fromkeys(("share", "lo", "hi"), pl.Float64)},
    )
