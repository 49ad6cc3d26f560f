"""The customer base as a portfolio: groups to act on, RFM by value, how concentrated the future is."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import polars as pl

from analytics.value.spec import GROUPS, Spread
from analytics.value.spreads import totals

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

HIGH_PLACES = 0.2  # of customers count as of high value
N_FIFTHS = 5
MOST_POINTS = 101


def decide(p_alive: Floats, worth: Floats, threshold: float) -> tuple[Ints, float]:
    """Position in ``GROUPS`` of each customer, and the worth from which it is high.

    ``worth`` is what the customer is worth if still active: a customer worth winning back is one who would be worth
    much, not one who is likely to come. High is the worth of the top fifth of customers, ties included.
    """
    places = max(1, int(np.ceil(HIGH_PLACES * len(worth))))
    high_from = float(np.sort(worth)[::-1][places - 1])
    high, alive = (worth >= high_from) & (worth > 0), p_alive >= threshold
    codes = np.select([alive & high, alive & ~high, ~alive & high], [0, 1, 2], 3)
    return codes.astype(np.int64), high_from


def group_table(
    codes: Ints, p_alive: Floats, value: Floats, last_year: Floats | None, spread: Spread, level: float, measure: str
) -> pl.DataFrame:
    """See ``ValueResult.groups``: every group, those without a customer too."""
    n_groups = len(GROUPS)
    n = np.bincount(codes, minlength=n_groups)
    total, lo, hi = totals(codes, n_groups, value, spread, level, measure)
    before = None if last_year is None else np.bincount(codes, last_year, n_groups)
    alive = np.bincount(codes, p_alive, n_groups)
    all_value = float(total.sum())
    frame = pl.DataFrame(
        {
            "group": list(GROUPS),
            "n_customers": n,
            "customer_share": n / max(len(codes), 1),
            "p_alive": np.divide(alive, n, out=np.full(n_groups, np.nan), where=n > 0),
            "clv": total,
            "clv_lo": lo,
            "clv_hi": hi,
            "value_last_year": pl.Series([None] * n_groups, dtype=pl.Float64) if before is None else before,
            "clv_share": total / all_value if all_value > 0 else np.full(n_groups, np.nan),
        }
    )
    return frame.with_columns(pl.col("p_alive", "clv_share").fill_nan(None))


def fifths(values: Floats) -> tuple[Ints, list[tuple[float, float]]]:
    """Group 1 (lowest) to 5 of each value and the bounds of the groups; equal values are never torn apart."""
    order = np.sort(values)
    cuts = np.unique([order[max(int(np.ceil(len(order) * i / N_FIFTHS)) - 1, 0)] for i in range(1, N_FIFTHS)])
    codes = np.searchsorted(cuts, values, side="left")
    # Where values repeat so much that cuts fall together, there are fewer groups; the highest stays the fifth.
    present = np.unique(codes)
    number = {int(code): N_FIFTHS - len(present) + 1 + i for i, code in enumerate(present)}
    bounds = [(float(values[codes == code].min()), float(values[codes == code].max())) for code in present]
    return np.array([number[int(code)] for code in codes], dtype=np.int64), bounds


def rfm_grid(days_since: Ints, n_purchases: Ints, p_alive: Floats, value: Floats | None) -> pl.DataFrame:
    """Recency by frequency, each in five groups with about as many customers; 5 is most recent, most often."""
    recency, _ = fifths(-days_since.astype(np.float64))
    frequency, _ = fifths(n_purchases.astype(np.float64))
    frame = pl.DataFrame(
        {
            "recency_group": recency,
            "frequency_group": frequency,
            "days": days_since,
            "n": n_purchases,
            "p_alive": p_alive,
            "clv": pl.Series([None] * len(recency), dtype=pl.Float64) if value is None else value,
        }
    )
    by_recency = frame.group_by("recency_group").agg(
        recency_from_days=pl.col("days").min(), recency_to_days=pl.col("days").max()
    )
    by_frequency = frame.group_by("frequency_group").agg(
        frequency_from=pl.col("n").min(), frequency_to=pl.col("n").max()
    )
    clv = pl.col("clv").sort()  # so that the order of customers cannot move the last digit
    cells = frame.group_by("recency_group", "frequency_group").agg(
        n_customers=pl.len().cast(pl.Int64),
        p_alive=pl.col("p_alive").sort().mean(),
        clv_mean=clv.mean(),
        clv_total=pl.when(pl.col("clv").count() > 0).then(clv.sum()),
    )
    bounds = ("recency_from_days", "recency_to_days", "frequency_from", "frequency_to")
    return (
        cells.join(by_recency, on="recency_group")
        .join(by_frequency, on="frequency_group")
        .select("recency_group", "frequency_group", *bounds, "n_customers", "p_alive", "clv_mean", "clv_total")
        .sort("recency_group", "frequency_group")
    )


def pareto(value: Floats) -> pl.DataFrame:
    """Share of customers, by falling value, against the share of all value that they hold."""
    order = np.sort(value)[::-1]
    total = float(order.sum())
    if total <= 0:
        return pl.DataFrame(schema={"customer_share": pl.Float64, "value_share": pl.Float64})
    run = np.concatenate([[0.0], np.cumsum(order)]) / total
    at = np.unique(np.linspace(0, len(order), MOST_POINTS).round().astype(np.int64))
    return pl.DataFrame({"customer_share": at / len(order), "value_share": np.minimum(run[at], 1.0)})


def iso_value(
    x: Ints, T_units: Floats, unit_weeks: float, answer: Callable[[Ints, Floats, Floats], tuple[Floats, Floats, Floats]]
) -> pl.DataFrame:
    """p_alive, expected orders and value over a grid of x and t_x, for customers who have been there long.

    T is that of the customer with whom nine in ten came later or on the same day; x runs up to what 99 in 100 do not
    exceed (at most 20 steps). ``answer`` takes x, t_x and T in model units.
    """
    long = float(np.quantile(T_units, 0.9)) if len(T_units) else 0.0
    if long <= 0:
        return no_surface()
    most = max(3, int(np.quantile(x, 0.99)))
    counts = np.unique(np.linspace(1, most, min(most, 20)).round().astype(np.int64))
    times = np.linspace(0, long, 21)[1:]
    grid_x = np.concatenate([[0], np.repeat(counts, len(times))])
    grid_t = np.concatenate([[0.0], np.tile(times, len(counts))])
    p_alive, orders, value = answer(grid_x, grid_t, np.full(len(grid_x), long))
    return pl.DataFrame(
        {
            "x": grid_x,
            "t_x_weeks": grid_t * unit_weeks,
            "T_weeks": np.full(len(grid_x), long * unit_weeks),
            "p_alive": p_alive,
            "expected_orders": orders,
            "clv": value,
        }
    ).with_columns(pl.col("clv").fill_nan(None))


def no_surface() -> pl.DataFrame:
    names = ("t_x_weeks", "T_weeks", "p_alive", "expected_orders", "clv")
    return pl.DataFrame(schema={"x": pl.Int64} | dict.fromkeys(names, pl.Float64))
