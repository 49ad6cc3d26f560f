"""From daily drivers to what a regression of prices and promotions can use.

The *going price* is the median of the list price over the nearest days with sales: what a single customer paid by
weight or in bulk does not move it. A *promotion* is told from the items sold below it: nearly everything that a product
(or all products related to it) sold in a few days. A customer's own coupon on an ordinary day is none. What was on
offer on a day without a sale is known from the days around it and from related products. Days of one week that are
alike are one row.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import polars as pl

from analytics.calendar import FESTIVALS, CalendarSpec, special_days

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]

DEEP = 0.04  # a smaller discount is none
NEARLY_ALL = 0.75
LEAST_LINES = 4  # of a product in three days; fewer may be coupons by chance
LEAST_LINES_GROUP = 6
LEAST_DAYS_SHARED, LEAST_DAYS_ALONE = 2, 4
PRICE_DAYS = 15  # days with sales over which the going price is a median
USUAL_DAYS = 91
WAVES = 3
WAVES_FROM_DAYS = 500  # from here on a yearly season can be told from a trend
KNOT_DAYS = 42
HELD_DAYS = 10  # a price held for less is no price of its own
GAP_DAYS = 2  # promoted days so near belong to one occasion


@dataclass(frozen=True, slots=True, eq=False)
class Group:
    """Related products on one calendar, as rows of like days.

    rows : unique_id, place (0 to n - 1), middle (mean day number), quantity, exposure (days, each by its weekday),
        log_price (going price over today's), occasion (-1: none), depth, code_0 ... (share of the days touched by each
        event).
    ids : products in the order of ``place``.
    today : unique_id, list_price (going price of the last day), usual_discount (outside promotions, last 91 days),
        recent (quantity of these days), n_prices (held at least ten days), lowest_ratio, highest_ratio (over today's
        price).
    events : codes in the order of the columns. n_days, first : of the calendar.
    depths : occasion, first (Date), last, depth (median of its products), n_products.
    """

    ids: tuple[str, ...]
    rows: pl.DataFrame
    today: pl.DataFrame
    events: tuple[str, ...]
    first: date
    n_days: int
    depths: pl.DataFrame


def controls(calendar: CalendarSpec) -> CalendarSpec:
    """The calendar asked for with the shopping festivals and the Lunar New Year: sales then are not promotions."""
    return CalendarSpec(calendar.countries, True, FESTIVALS, calendar.own)


def event_days(calendar: CalendarSpec, first: date, last: date) -> pl.DataFrame:
    """code, day: every day that an event touches between two days."""
    listed = [
        (event.code, event.ds)
        for event in special_days(controls(calendar), "day", first.year, last.year)
        if first <= event.ds <= last
    ]
    return pl.DataFrame(listed, schema={"code": pl.String, "day": pl.Date}, orient="row").unique(maintain_order=True)


def days_of(daily: pl.DataFrame) -> tuple[date, date]:
    """The first and the last day."""
    first, last = daily["ds"].min(), daily["ds"].max()
    assert isinstance(first, date)
    assert isinstance(last, date)
    return first, last


def group_rows(daily: pl.DataFrame, events: pl.DataFrame) -> Group:
    """``daily``: unique_id, ds, quantity, list_price, paid_price, promoted_share, n_lines of related products."""
    days = daily.sort("unique_id", "ds").with_columns(
        pl.col("quantity").fill_null(0.0).clip(lower_bound=0.0), pl.col("n_lines").fill_null(0)
    )
    first, last = days_of(days)
    n_days = (last - first).days + 1
    priced = _going_price(days)
    touched = events.filter(pl.col("day").is_between(first, last))
    promoted, depths = _promotions(priced, touched)
    today = _today(promoted)
    weekly = _weekday_factor(promoted, touched)
    ids = tuple(today["unique_id"].to_list())
    codes = tuple(touched["code"].unique().sort().to_list())
    marks = touched.with_columns(pl.lit(1.0).alias("there")).pivot("code", index="day", values="there")
    laid = (
        promoted.join(weekly, on="weekday", how="left", maintain_order="left")
        .filter(pl.col("factor") > 0)
        .join(marks, left_on="ds", right_on="day", how="left", maintain_order="left")
        .with_columns(pl.col(codes).fill_null(0.0) if codes else [])
    )
    named = {f"code_{i}": code for i, code in enumerate(codes)}
    laid = laid.select(
        "unique_id",
        "quantity",
        "factor",
        "going",
        "occasion",
        "depth",
        middle=(pl.col("ds") - first).dt.total_days(),
        **{name: pl.col(code) for name, code in named.items()},
    )
    week = (pl.col("middle") // 7).alias("week")
    rows = (
        laid.group_by("unique_id", week, "going", "occasion", "depth", *named, maintain_order=True)
        .agg(pl.col("middle").mean(), pl.col("quantity").sum(), exposure=pl.col("factor").sum())
        .join(today.select("unique_id", "list_price"), on="unique_id", maintain_order="left")
        .with_columns(log_price=(pl.col("going") / pl.col("list_price")).log())
        .with_columns(place=pl.col("unique_id").replace_strict({name: i for i, name in enumerate(ids)}, default=0))
        .sort("place", "middle", "occasion", maintain_order=True)
    )
    return Group(ids, rows, today, codes, first, n_days, depths)


def _going_price(days: pl.DataFrame) -> pl.DataFrame:
    """Adds going: the median list price over the days with sales around, carried over days without; from the first."""
    sold = (
        days.filter(pl.col("list_price") > 0)
        .with_columns(
            going=pl.col("list_price")
            .rolling_median(PRICE_DAYS, min_samples=1, center=True)
            .over("unique_id", order_by="ds")
        )
        .with_columns(going=pl.col("going").round_sig_figs(4))
    )
    joined = days.join(sold.select("unique_id", "ds", "going"), on=["unique_id", "ds"], how="left")
    filled = joined.sort("unique_id", "ds").with_columns(
        pl.col("going").forward_fill().backward_fill().over("unique_id")
    )
    return filled.filter(pl.col("going") > 0).with_columns(
        weekday=pl.col("ds").dt.weekday(),
        off=pl.when(pl.col("quantity") > 0).then(1 - pl.col("paid_price") / pl.col("going")),
    )


def _promotions(days: pl.DataFrame, events: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Adds occasion and depth; and tells each occasion's days, depth and number of products."""
    below = pl.col("off").fill_null(0.0) >= DEEP / 2
    lines = pl.when(below).then(pl.col("n_lines") * pl.col("promoted_share").fill_null(1.0)).otherwise(0.0)
    days = days.with_columns(cheap=lines).with_columns(
        [
            pl.col(name).rolling_sum(3, min_samples=1, center=True).over("unique_id", order_by="ds").alias(f"{name}_3")
            for name in ("cheap", "n_lines")
        ]
    )
    whole = (
        days.group_by("ds", maintain_order=True)
        .agg(pl.col("cheap").sum(), pl.col("n_lines").sum(), n_sold=(pl.col("n_lines") > 0).sum())
        .sort("ds")
        .with_columns(
            pl.col("cheap").rolling_sum(3, min_samples=1, center=True),
            pl.col("n_lines").rolling_sum(3, min_samples=1, center=True).alias("lines"),
            today=pl.col("cheap") / pl.col("n_lines").clip(lower_bound=1),
        )
    )
    group_on = (
        (pl.col("cheap") >= NEARLY_ALL * pl.col("lines"))
        & (pl.col("lines") >= LEAST_LINES_GROUP)
        & (pl.col("today") >= 0.5)
        & (pl.col("n_sold") >= 2)
    )
    days = days.join(whole.select("ds", group_on=group_on), on="ds", how="left", maintain_order="left")
    share_today = pl.col("cheap") / pl.col("n_lines").clip(lower_bound=1)
    contradicts = (pl.col("n_lines") >= 1) & (share_today < 0.5)
    own = (pl.col("cheap_3") >= NEARLY_ALL * pl.col("n_lines_3")) & (pl.col("n_lines_3") >= LEAST_LINES)
    days = days.with_columns(promoted=(own | pl.col("group_on")) & ~contradicts)
    on = days.filter("promoted").group_by("ds").agg(n=pl.len()).sort("ds")
    on = on.with_columns(occasion=(pl.col("ds").diff().dt.total_days().fill_null(99) > GAP_DAYS).cum_sum() - 1)
    # An event's own sale is part of what the event does: it lies around the event and holds a day of its core.
    core = events.filter(~pl.col("code").str.contains("(_before|_after)$|:before:|:after:"))["day"]
    in_event = on.with_columns(
        inside=pl.col("ds").is_in(events["day"].unique().implode()), core=pl.col("ds").is_in(core.unique().implode())
    )
    kept = in_event.group_by("occasion", maintain_order=True).agg(pl.col("inside").mean(), pl.col("core").any())
    kept = kept.filter((pl.col("inside") < 0.8) | ~pl.col("core"))
    on = on.filter(pl.col("occasion").is_in(kept["occasion"].implode()))
    days = days.join(on.select("ds", pl.col("occasion").cast(pl.Int64)), on="ds", how="left", maintain_order="left")
    days = days.with_columns(occasion=pl.when("promoted").then(pl.col("occasion")).fill_null(-1))
    told = days.filter(pl.col("occasion") >= 0)
    each = told.group_by("occasion", "unique_id", maintain_order=True).agg(own=pl.col("off").filter(below).median())
    all_of = told.group_by("occasion", maintain_order=True).agg(usual=pl.col("off").filter(below).median())
    depth = each.join(all_of, on="occasion").select(
        "occasion", "unique_id", depth=pl.coalesce("own", "usual").fill_null(0.0).clip(0.0, 0.9).round(2)
    )
    days = days.join(depth, on=["occasion", "unique_id"], how="left", maintain_order="left").with_columns(
        pl.col("depth").fill_null(0.0)
    )
    shallow = pl.col("depth") < DEEP
    days = days.with_columns(
        occasion=pl.when(shallow).then(-1).otherwise("occasion"), depth=pl.when(shallow).then(0.0).otherwise("depth")
    )
    # By chance a few coupons fall on neighbouring days: one product's own sale has to last, anybody's two days.
    spans = days.filter(pl.col("occasion") >= 0).group_by("occasion", maintain_order=True)
    lasting = spans.agg(n_days=pl.col("ds").n_unique(), n=pl.col("unique_id").n_unique()).filter(
        pl.col("n_days") >= pl.when(pl.col("n") > 1).then(LEAST_DAYS_SHARED).otherwise(LEAST_DAYS_ALONE)
    )
    stays = pl.col("occasion").is_in(lasting["occasion"].implode())
    days = days.with_columns(
        occasion=pl.when(stays).then("occasion").otherwise(-1), depth=pl.when(stays).then("depth").otherwise(0.0)
    )
    depths = (
        days.filter(pl.col("occasion") >= 0)
        .group_by("occasion", maintain_order=True)
        .agg(
            first=pl.col("ds").min(),
            last=pl.col("ds").max(),
            depth=pl.col("depth").median(),
            n_products=pl.col("unique_id").n_unique(),
        )
        .sort("occasion")
    )
    return days, depths


def _today(days: pl.DataFrame) -> pl.DataFrame:
    held = days.group_by("unique_id", "going").len().filter(pl.col("len") >= HELD_DAYS)
    seen = held.group_by("unique_id").agg(
        n_prices=pl.col("going").n_unique(), lowest=pl.col("going").min(), highest=pl.col("going").max()
    )
    recent = pl.col("ds") > pl.col("ds").max() - pl.duration(days=USUAL_DAYS)
    usual = recent & (pl.col("occasion") < 0)
    paid = (pl.col("off") * pl.col("quantity")).filter(usual).sum() / pl.col("quantity").filter(usual).sum()
    return (
        days.group_by("unique_id", maintain_order=True)
        .agg(
            list_price=pl.col("going").sort_by("ds").last(),
            usual_discount=paid.fill_nan(0.0).clip(0.0, 0.9),
            recent=pl.col("quantity").filter(recent).sum(),
            sold=pl.col("quantity").sum(),
        )
        .join(seen, on="unique_id", how="left")
        .select(
            "unique_id",
            "list_price",
            pl.col("usual_discount").fill_null(0.0),
            "recent",
            "sold",
            pl.col("n_prices").fill_null(0).cast(pl.Int64),
            lowest_ratio=(pl.col("lowest") / pl.col("list_price")).fill_null(1.0).clip(upper_bound=1.0),
            highest_ratio=(pl.col("highest") / pl.col("list_price")).fill_null(1.0).clip(lower_bound=1.0),
        )
        .sort("unique_id")
    )


def _weekday_factor(days: pl.DataFrame, events: pl.DataFrame) -> pl.DataFrame:
    """weekday, factor (mean 1) on ordinary days."""
    ordinary = days.filter(pl.col("occasion") < 0, ~pl.col("ds").is_in(events["day"].unique().implode()))
    ordinary = ordinary if ordinary["weekday"].n_unique() == days["weekday"].n_unique() else days
    by_day = (
        ordinary.group_by("weekday", maintain_order=True)
        .agg(factor=pl.col("quantity").sum() / pl.col("ds").n_unique())
        .sort("weekday")
    )
    mean = by_day["factor"].mean() or 1.0
    return by_day.select("weekday", factor=pl.col("factor") / mean)


def hats(middle: Floats, n_days: int, knot_days: int = KNOT_DAYS) -> Floats:
    """Values of the hat functions of knots at equal distances: shape (..., K); every row adds up to one."""
    import numpy as np

    n_knots = max(round(n_days / knot_days), 1) + 1
    at = np.clip(middle / max(n_days - 1, 1), 0, 1) * (n_knots - 1)
    left = np.minimum(at.astype(np.int64), n_knots - 2)
    share = at - left
    basis = np.zeros((*middle.shape, n_knots))
    np.put_along_axis(basis, left[..., None], (1 - share)[..., None], axis=-1)
    np.put_along_axis(basis, left[..., None] + 1, share[..., None], axis=-1)
    return basis


def waves(middle: Floats, first: date, n_days: int) -> Floats:
    """Yearly sine and cosine: shape (..., 2 x WAVES); no columns on a short history."""
    import numpy as np

    if n_days < WAVES_FROM_DAYS:
        return np.zeros((*middle.shape, 0))
    angle = 2 * np.pi * (middle + first.timetuple().tm_yday) / 365.25
    return np.stack([f(k * angle) for k in range(1, WAVES + 1) for f in (np.sin, np.cos)], axis=-1)
