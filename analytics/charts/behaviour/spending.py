"""Order values, baskets, gaps, who returns, the week and the season."""

from __future__ import annotations

import math
from typing import Any

import altair as alt
import polars as pl

from analytics.behaviour import SpendingResult
from analytics.charts.behaviour.parts import Rows, share_text, space
from analytics.charts.theme import (
    BAND_95,
    BAR_OPACITY,
    Spec,
    chart_of,
    finish,
    label_expr,
    neutral,
    plain_axis,
    ramp_scale,
    tooltip,
    value_axis,
)
from analytics.i18n import Words

_HORIZON = 90  # days after the first order that the finding tells of
_HEIGHT = 260
_LATER = 365  # days drawn


# --- order values ----------------------------------------------------------------------------------------------------


def order_value(result: SpendingResult, _: Words) -> Spec:
    """How many orders are worth how much; the middle half in full colour, the median as a rule."""
    told = _summary(result, "order_value")
    rows: Rows = []
    for row in result.distribution.filter(measure="order_value").iter_rows(named=True):
        middle = (row["low"] * row["high"]) ** 0.5 if result.is_log else (row["low"] + row["high"]) / 2
        rows.append(
            {
                "low": row["low"],
                "high": row["high"] if row["high"] > row["low"] else row["low"] * 1.01 + 1,
                "share": row["share"],
                "inside": told["p25"] <= middle <= told["p75"],
                "range": _.span(_.money(row["low"], result.currency, 0), _.money(row["high"], result.currency, 0)),
                "text": f"{_.number(row['n_values'])} · {share_text(row['share'], _)}",
            }
        )
    highest = max(row["share"] for row in rows)
    scale = alt.Scale(type="log", nice=False) if result.is_log else alt.Scale(zero=False, nice=False)
    money = label_expr(_, currency=result.currency)
    ticks = _round_values(rows[0]["low"], rows[-1]["high"]) if result.is_log else None
    axis = alt.Axis(
        title=None,
        grid=False,
        labelExpr=money,
        labelOverlap="greedy",
        **({"values": ticks} if ticks else {"tickCount": 5}),
    )
    bars = (
        chart_of(rows)
        .mark_bar(binSpacing=1, color=neutral("accent"))
        .encode(
            x=alt.X("low:Q", scale=scale, axis=axis, bin="binned"),
            x2="high:Q",
            y=alt.Y("share:Q", axis=value_axis(_, percent=True), scale=alt.Scale(domainMax=1.18 * highest)),
            opacity=alt.condition("datum.inside", alt.value(1), alt.value(0.45)),
            tooltip=[tooltip("range", _.label("measure", "order_value")), tooltip("text", _("Orders"))],
        )
    )
    median = chart_of([{"x": told["p50"], "text": _("median {value}", value=_.money(told["p50"], result.currency, 0))}])
    rule = median.mark_rule(color=neutral("ink")).encode(x="x:Q")
    label = median.mark_text(align="left", dx=6, y=2, baseline="top", color=neutral("ink")).encode(
        x="x:Q", text="text:N"
    )
    return finish(alt.layer(bars, rule, label), _, height=_HEIGHT)


def order_value_finding(result: SpendingResult, _: Words) -> str:
    told = _summary(result, "order_value")
    return _(
        "Half of the orders are worth {low} to {high}",
        low=_.money(told["p25"], result.currency, 0),
        high=_.money(told["p75"], result.currency, 0),
    )


def order_value_note(result: SpendingResult, _: Words) -> str:
    told = _("Share of {n} orders by their value, before returns.", n=result.n_orders)
    half = _("Full colour: the middle half.")
    if not result.is_log:
        return told + space(_) + half
    return told + space(_) + half + space(_) + _("The scale is logarithmic; the outermost bars hold what lies beyond.")


# --- baskets ---------------------------------------------------------------------------------------------------------


def baskets(result: SpendingResult, _: Words) -> Spec:
    """Orders by the number of items in them, of lines where there are no quantities."""
    return _counted(result, _basket(result), _("Orders"), _)


def baskets_finding(result: SpendingResult, _: Words) -> str:
    told = _summary(result, _basket(result))
    if _basket(result) == "order_items":
        return _("Half of the orders hold at most {n} items", n=_.number(told["p50"]))
    return _("Half of the orders hold at most {n} lines", n=_.number(told["p50"]))


def baskets_note(result: SpendingResult, _: Words) -> str:
    lines = _.number(_summary(result, "order_lines")["mean"], 1)
    if _basket(result) == "order_lines":
        return _("Orders by the number of their lines; there are no quantities. Mean {mean}.", mean=lines)
    items = _.number(_summary(result, "order_items")["mean"], 1)
    return _("Orders by the number of items. Mean: {items} items on {lines} lines.", items=items, lines=lines)


# --- gaps ------------------------------------------------------------------------------------------------------------


def gaps(result: SpendingResult, _: Words) -> Spec:
    """Customers by the median of their own gaps between order days."""
    return _counted(result, "gap_days", _("Customers"), _)


def gaps_finding(result: SpendingResult, _: Words) -> str:
    if result.summary.filter(measure="gap_days").is_empty():
        return _("Nobody has ordered on two days yet")
    told = _summary(result, "gap_days")
    return _("Half of returning customers order every {days} days or sooner", days=_.number(told["p50"]))


def gaps_note(result: SpendingResult, _: Words) -> str:
    return _(
        "Customers by the usual days between their orders (the median of each one's own). {n} with one order day have "
        "none.",
        n=result.n_one_day,
    )


# --- who returns -----------------------------------------------------------------------------------------------------


def returning(result: SpendingResult, _: Words) -> Spec:
    """Share who had ordered again, by days since the first order, with its interval."""
    kept = result.returning.filter(pl.col("day") <= _LATER)
    every = max(kept.height // 120, 1)
    rows = [
        {
            "day": row["day"],
            "share": row["share"],
            "lo": row["lo"],
            "hi": row["hi"],
            "text": _.percent(row["share"], 1),
            "interval": _.span(_.percent(row["lo"], 1), _.percent(row["hi"], 1)),
            "n": _.number(row["n_at_risk"]),
        }
        for row in kept.gather_every(every).iter_rows(named=True)
    ]
    base = chart_of(rows).encode(
        x=alt.X(
            "day:Q",
            axis=alt.Axis(title=_("Days since the first order"), grid=False, tickCount=6),
            scale=alt.Scale(nice=False),
        ),
        tooltip=[
            tooltip("day", _("Days"), kind="quantitative"),
            tooltip("text", _("Ordered again")),
            tooltip("interval", _("95% interval")),
            tooltip("n", _("Still followed")),
        ],
    )
    band = base.mark_area(opacity=BAND_95, color=neutral("accent"), interpolate="step-after").encode(
        y=alt.Y("lo:Q", axis=value_axis(_, percent=True), scale=alt.Scale(domainMin=0)), y2="hi:Q"
    )
    line = base.mark_line(color=neutral("accent"), interpolate="step-after", strokeWidth=2).encode(y="share:Q")
    return finish(alt.layer(band, line), _, height=_HEIGHT)


def returning_finding(result: SpendingResult, _: Words) -> str:
    at = result.returning.filter(day=_HORIZON)
    if at.is_empty():
        return _("Too few customers to follow for {days} days", days=_HORIZON)
    return _("{share} of customers order again within {days} days", share=_.percent(at["share"][0]), days=_HORIZON)


def returning_note(result: SpendingResult, _: Words) -> str:
    return _(
        "Share of {n} customers who had ordered on a second day, with its 95% interval. Those who may still return are "
        "followed up to the as-of date and no longer.",
        n=result.n_customers,
    )


# --- the week --------------------------------------------------------------------------------------------------------


def week(result: SpendingResult, _: Words) -> Spec:
    """Orders by day and hour; by day alone where the data hold no times."""
    days = [_.label("day_of_week", str(day)) for day in range(1, 8)]
    if not result.has_times:
        rows: Rows = [
            {
                "day": days[row["weekday"] - 1],
                "share": row["share"],
                "text": f"{_.number(row['n_orders'])} · {share_text(row['share'], _)}",
            }
            for row in result.week.iter_rows(named=True)
        ]
        plain = (
            chart_of(rows)
            .mark_bar(color=neutral("accent"), cornerRadiusEnd=2)
            .encode(
                x=alt.X("day:N", sort=days, axis=plain_axis(labelAngle=0)),
                y=alt.Y("share:Q", axis=value_axis(_, percent=True)),
                tooltip=[tooltip("day", _.label("field", "weekday")), tooltip("text", _("Orders"))],
            )
        )
        return finish(plain, _, height=_HEIGHT)
    rows = [
        {
            "hour": row["hour"],
            "day": days[row["weekday"] - 1],
            "share": row["share"],
            "when": f"{days[row['weekday'] - 1]} {row['hour']:02d}:00",
            "text": f"{_.number(row['n_orders'])} · {_.percent(row['share'], 2)}",
        }
        for row in result.week.iter_rows(named=True)
    ]
    highest = max(row["share"] for row in rows)
    hours = alt.Axis(
        title=None,
        grid=False,
        orient="bottom",
        labelAngle=0,
        values=list(range(0, 24, 3)),
        labelExpr="datum.label + ':00'",
    )
    cells = (
        chart_of(rows)
        .mark_rect()
        .encode(
            x=alt.X("hour:O", axis=hours, scale=alt.Scale(padding=0.04)),
            y=alt.Y("day:N", sort=days, axis=plain_axis(), scale=alt.Scale(padding=0.05)),
            color=alt.Color("share:Q", scale=ramp_scale(0, highest), legend=None),
            tooltip=[tooltip("when", _("From")), tooltip("text", _("Orders"))],
        )
    )
    return finish(cells, _, height=_HEIGHT)


def week_finding(result: SpendingResult, _: Words) -> str:
    top = result.week.sort("n_orders", "weekday", "hour", descending=[True, False, False]).row(0, named=True)
    day = _.label("day_of_week", str(top["weekday"]))
    if not result.has_times:
        return _("{day} is the busiest day: {share} of orders", day=day, share=_.percent(top["share"]))
    times = top["share"] * 7 * 24
    return _(
        "The busiest hour is {day} {hour}:00, {times} times the mean",
        day=day,
        hour=f"{top['hour']:02d}",
        times=_.number(times, 1),
    )


def week_note(result: SpendingResult, _: Words) -> str:
    if not result.has_times:
        return _("Share of orders by day of the week. The data hold no times of day.")
    return _("Share of orders by day and hour, in the time zone of the file. The stronger the colour, the more.")


# --- the season ------------------------------------------------------------------------------------------------------


def season(result: SpendingResult, _: Words) -> Spec:
    """Each month of the year against the mean one with its interval; without two years, the months as they were."""
    if result.season.is_empty():
        rows: Rows = [
            {
                "month": _.month(row["month"]),
                "n": row["n_orders"],
                "text": _.number(row["n_orders"]),
                "whole": row["whole"],
            }
            for row in result.months.tail(36).iter_rows(named=True)
        ]
        plain = (
            chart_of(rows)
            .mark_bar(color=neutral("accent"), cornerRadiusEnd=2)
            .encode(
                x=alt.X("month:O", sort=None, axis=plain_axis(labelAngle=0, labelOverlap="parity")),
                y=alt.Y("n:Q", axis=value_axis(_)),
                opacity=alt.condition("datum.whole", alt.value(1), alt.value(0.45)),
                tooltip=[tooltip("month", _("Month")), tooltip("text", _("Orders"))],
            )
        )
        return finish(plain, _, height=_HEIGHT)
    names = [_.label("month_of_year", str(month)) for month in range(1, 13)]
    rows = [
        {
            "month": names[row["month_of_year"] - 1],
            "index": row["index"] - 1,
            "lo": row["lo"] - 1,
            "hi": row["hi"] - 1,
            "clear": row["lo"] > 1 or row["hi"] < 1,
            "text": _change(row["index"] - 1, _),
            "interval": _("{low} to {high}", low=_change(row["lo"] - 1, _), high=_change(row["hi"] - 1, _)),
        }
        for row in result.season.iter_rows(named=True)
    ]
    base = chart_of(rows).encode(
        x=alt.X("month:N", sort=names, axis=plain_axis(labelAngle=0, labelOverlap="parity")),
        tooltip=[
            tooltip("month", _("Month")),
            tooltip("text", _("Against the mean month")),
            tooltip("interval", _("95% interval")),
        ],
    )
    zero = chart_of([{"y": 0}]).mark_rule(color=neutral("muted")).encode(y="y:Q")
    axis = alt.Axis(
        title=None, tickCount=5, grid=True, labelExpr="(datum.value > 0 ? '+' : '') + format(datum.value, '.0%')"
    )
    reach = base.mark_bar(width=7, opacity=BAR_OPACITY, color=neutral("accent")).encode(
        y=alt.Y("lo:Q", axis=axis), y2="hi:Q"
    )
    dots = base.mark_point(filled=True, size=60, opacity=1).encode(
        y="index:Q",
        color=alt.condition("datum.clear", alt.value(alt.ExprRef("accent")), alt.value(alt.ExprRef("muted"))),
    )
    return finish(alt.layer(zero, reach, dots), _, height=_HEIGHT)


def season_finding(result: SpendingResult, _: Words) -> str:
    if result.season.is_empty():
        return _("Too short for a season: two whole years are needed")
    if result.season_p is not None and result.season_p >= 0.05:
        return _("No season shows in the orders")
    top = result.season.sort("index", descending=True).row(0, named=True)
    return _(
        "{month} is the strongest month: {change} against the mean",
        month=_.label("month_of_year", str(top["month_of_year"])),
        change=_change(top["index"] - 1, _),
    )


def season_note(result: SpendingResult, _: Words) -> str:
    n = int(result.months["whole"].sum())
    if result.season.is_empty():
        return _("Orders by month; {n} whole months. Pale: not covered from end to end.", n=n)
    return _("Orders a day against the mean month, over {n} whole months, trend taken out. Bars: 95% interval.", n=n)


# --- small parts -----------------------------------------------------------------------------------------------------


def _summary(result: SpendingResult, measure: str) -> dict[str, Any]:
    return result.summary.filter(measure=measure).row(0, named=True)


def _basket(result: SpendingResult) -> str:
    return "order_items" if not result.summary.filter(measure="order_items").is_empty() else "order_lines"


def _round_values(low: float, high: float) -> list[float]:
    """1, 2 and 5 times powers of ten within a range; the powers alone where that is many."""
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    found = [step * 10.0**power for power in powers for step in (1, 2, 5)]
    inside = [value for value in found if low <= value <= high]
    return inside if len(inside) <= 9 else [value for value in inside if math.log10(value) % 1 < 1e-9]


def _counted(result: SpendingResult, measure: str, title: str, _: Words) -> Spec:
    rows: Rows = []
    for row in result.distribution.filter(measure=measure).iter_rows(named=True):
        low, high = int(row["low"]), row["high"]
        name = (
            f"{_.number(low)}+"
            if high is None
            else _.number(low)
            if high == low + 1
            else _.span(_.number(low), _.number(high - 1))
        )
        rows.append(
            {
                "name": name,
                "share": row["share"],
                "text": f"{_.number(row['n_values'])} · {share_text(row['share'], _)}",
            }
        )
    drawn = (
        chart_of(rows)
        .mark_bar(color=neutral("accent"), cornerRadiusEnd=2)
        .encode(
            x=alt.X("name:N", sort=None, axis=plain_axis(labelAngle=0, labelOverlap="parity")),
            y=alt.Y("share:Q", axis=value_axis(_, percent=True)),
            tooltip=[tooltip("name", _.label("measure", measure)), tooltip("text", title)],
        )
    )
    return finish(drawn, _, height=_HEIGHT)


def _change(change: float, _: Words) -> str:
    return f"{_.signed(100 * change)}%"
