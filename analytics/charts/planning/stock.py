"""The stock: what to order, how long it lasts, what more service costs."""

from __future__ import annotations

import altair as alt
import polars as pl

from analytics.charts.forecasting.marks import day_tip, values
from analytics.charts.forecasting.wording import model_name
from analytics.charts.headline import Metric
from analytics.charts.planning.wording import days, items, sentence
from analytics.charts.theme import (
    BAND_80,
    Spec,
    chart_of,
    finish,
    neutral,
    time_axis,
    tooltip,
    value_axis,
)
from analytics.forecasting.planning import StockResult
from analytics.forecasting.spec import ForecastResult
from analytics.i18n import Words

HEIGHT = 280


def _has_stock(result: StockResult) -> bool:
    return result.spec.on_hand + result.spec.on_order > 0


def stock_metrics(result: StockResult, _: Words) -> tuple[Metric, ...]:
    """Order now, order up to, safety stock, reorder point."""
    wait = days(result.spec.lead_time_days, _)
    return (
        Metric(_("Order now"), items(result.order_now, _, up=True), _("items at this review")),
        Metric(
            _("Order up to"),
            items(result.order_up_to, _, up=True),
            _("lasts {days}", days=days(result.spec.lead_time_days + result.spec.review_days, _)),
        ),
        Metric(
            _("Safety stock"),
            items(result.safety_stock, _, up=True),
            _("textbook rule: {n}", n=items(result.textbook_stock, _, up=True)),
        ),
        Metric(_("Reorder point"), items(result.reorder_point, _, up=True), _("enough for {days}", days=wait)),
    )


def stock_note(result: ForecastResult, _: Words) -> str:
    """Which forecast the stock is planned from."""
    return _(
        "From the paths of the forecast as it is now, in items, by {model}.",
        model=model_name(result, result.model, _),
    )


def stock_sentence(result: StockResult, _: Words) -> str:
    """The finding over the stock."""
    if not _has_stock(result):
        return _("For {level} service bring stock up to {n}", level=_goal(result, _), n=_up(result.order_up_to, _))
    if result.order_now > 0:
        return _("Order {n} items now", n=_up(result.order_now, _))
    return _("Nothing needs to be ordered at this review")


def _up(value: float, _: Words) -> str:
    return items(value, _, up=True)


def _goal(result: StockResult, _: Words) -> str:
    return _.percent(result.spec.level, 1 if round(result.spec.level * 1000) % 10 else 0)


def checks_sentence(result: StockResult, _: Words) -> str:
    """How the rule would have fared in the back-test."""
    if not result.n_checks:
        return _("No back-test reaches as far as review and lead time.")
    last = result.checks.filter(~pl.col("in_choice"))
    said = _.ngettext(
        "Had the rule been followed, the stock would have sufficed after {enough} of {n} earlier date.",
        "Had the rule been followed, the stock would have sufficed after {enough} of {n} earlier dates.",
        result.n_checks,
        enough=result.n_enough,
    )
    if last.is_empty():
        return said
    held = _("The last of them, kept away from every choice, is among those that it would have held.")
    short = _("The last of them, kept away from every choice, is among those where it would have been short.")
    return sentence(said, held if last["enough"].all() else short, _=_)


# --- what would be left ---------------------------------------------------------------------------------------------


def projection(result: StockResult, _: Words) -> Spec:
    """What would be left without a new order, with its 80 percent band, and the reorder point."""
    first = {"ds": result.as_of, **dict.fromkeys(("left", "lo_80", "hi_80"), result.starts_from), "gone_chance": 0.0}
    over = (
        result.projection.select((pl.col("hi_80") <= 0).arg_max()).item()
        if result.projection["hi_80"][-1] <= 0
        else None
    )
    held = result.projection.select(list(first)).head(result.projection.height if over is None else over + 1)
    start = pl.DataFrame([first], schema=held.schema)
    shown = pl.concat([start, held]).with_columns(
        said=pl.concat([start, held])["left"].map_elements(lambda one: items(one, _), return_dtype=pl.String),
        chance=pl.concat([start, held])["gone_chance"].map_elements(lambda one: _.percent(one), return_dtype=pl.String),
    )
    by_day = (shown["ds"][-1] - shown["ds"][0]).days <= 150
    base = alt.Chart(values(shown)).encode(x=alt.X("ds:T", axis=time_axis(_, "day" if by_day else "month")))
    y = value_axis(_)
    tips = [
        day_tip("ds", _("Until"), _),
        tooltip("said", _("Left, in half of the futures")),
        tooltip("chance", _("Chance that it is gone")),
    ]
    line = chart_of([{"y": result.reorder_point, "text": _("reorder point")}])
    return finish(
        alt.layer(
            base.mark_area(opacity=BAND_80, color=neutral("accent")).encode(y=alt.Y("lo_80:Q", axis=y), y2="hi_80:Q"),
            base.mark_line(strokeWidth=2, color=neutral("accent")).encode(y=alt.Y("left:Q", axis=y)),
            base.mark_point(opacity=0, size=140).encode(y=alt.Y("left:Q", axis=y), tooltip=tips),
            line.mark_rule(color=neutral("muted"), strokeDash=[4, 3]).encode(y=alt.Y("y:Q", axis=y)),
            line.mark_text(align="right", baseline="bottom", dy=-3, color=neutral("muted")).encode(
                y=alt.Y("y:Q", axis=y), x=alt.value(alt.ExprRef("width")), text="text:N"
            ),
        ),
        _,
        height=HEIGHT,
    )


def projection_finding(result: StockResult, _: Words) -> str:
    """How long the stock lasts."""
    if not _has_stock(result) and result.lasts_early_days is not None:
        least = days(result.lasts_early_days, _)
        return _("Brought up to {n}, the stock lasts at least {days}", n=_up(result.starts_from, _), days=least)
    if result.lasts_early_days is None:
        return _("The stock lasts beyond the horizon")
    if result.lasts_days is None:
        return _("The stock lasts at least {days}, probably longer", days=days(result.lasts_early_days, _))
    return _(
        "The stock lasts about {days}, at least {least}",
        days=days(result.lasts_days, _),
        least=days(result.lasts_early_days, _),
    )


def projection_note(result: StockResult, _: Words) -> str:
    return sentence(
        _("What is left of the stock on hand and on order without a new order.")
        if _has_stock(result)
        else _("What would be left if stock were brought up today, as long as nothing on hand is given."),
        _("Line: half of the futures; band: 80% of them; at least: nine in ten."),
        _(
            "Chance of running out before an order of today arrives: {share}.",
            share=_.percent(result.short_chance),
        )
        if _has_stock(result)
        else "",
        _=_,
    )


# --- what more service costs ----------------------------------------------------------------------------------------


def levels(result: StockResult, _: Words) -> Spec:
    """Order-up-to over the service level; the chosen one marked."""
    rows = [
        {**row, "said": items(row["order_up_to"], _, up=True), "safety": items(row["safety_stock"], _, up=True)}
        for row in result.levels.iter_rows(named=True)
    ]
    title = _("Chance of no shortage in a cycle") if result.spec.goal == "cycle" else _("Demand met from stock")
    axis = value_axis(_, title, percent=True)
    axis["grid"] = False
    y = value_axis(_)
    tips = [
        tooltip("level", title, kind="quantitative", format=".1%"),
        tooltip("said", _("Order up to")),
        tooltip("safety", _("Safety stock")),
    ]
    x = alt.X("level:Q", axis=axis, scale=alt.Scale(domain=[0.5, 1.0], nice=False))
    room = 0.08 * (rows[-1]["order_up_to"] - result.cover_demand)
    scale = alt.Scale(zero=False, domainMin=max(min(rows[0]["order_up_to"], result.cover_demand) - room, 0), nice=False)
    base = chart_of(rows).encode(x=x, tooltip=tips)
    mean = chart_of([{"y": result.cover_demand, "text": _("expected demand")}])
    chosen = base.transform_filter(f"abs(datum.level - {result.spec.level}) < 1e-9")
    return finish(
        alt.layer(
            mean.mark_rule(color=neutral("muted"), strokeDash=[4, 3]).encode(y=alt.Y("y:Q", axis=y, scale=scale)),
            mean.mark_text(align="right", baseline="bottom", dy=-3, color=neutral("muted")).encode(
                y=alt.Y("y:Q", axis=y, scale=scale), x=alt.value(alt.ExprRef("width")), text="text:N"
            ),
            base.mark_line(strokeWidth=2, color=neutral("accent")).encode(
                y=alt.Y("order_up_to:Q", axis=y, scale=scale)
            ),
            base.mark_point(filled=True, size=30, opacity=1, color=neutral("accent")).encode(
                y=alt.Y("order_up_to:Q", axis=y, scale=scale)
            ),
            chosen.mark_point(filled=True, size=140, opacity=1, color=neutral("ink")).encode(
                y=alt.Y("order_up_to:Q", axis=y, scale=scale)
            ),
        ),
        _,
        height=HEIGHT,
    )


def levels_finding(result: StockResult, _: Words) -> str:
    """What the next step of service costs."""
    higher = result.levels.filter(pl.col("level") > result.spec.level)
    if higher.is_empty():
        return _("Order up to {n} for {level}", n=_up(result.order_up_to, _), level=_goal(result, _))
    near = higher.row(by_predicate=pl.col("level") == _next_level(result), named=True)
    return _(
        "From {level} to {next} takes {n} more items in stock",
        level=_goal(result, _),
        next=_.percent(near["level"], 1 if round(near["level"] * 1000) % 10 else 0),
        n=_up(near["order_up_to"] - result.order_up_to, _),
    )


def _next_level(result: StockResult) -> float:
    """The next level worth a sentence: 90, 95, 99 percent, else the highest."""
    steps = [level for level in (0.9, 0.95, 0.99) if level > result.spec.level + 0.005]
    highest: float = result.levels["level"].max()  # type: ignore[assignment]  # a scalar: Polars types any literal
    return steps[0] if steps else highest


def levels_note(result: StockResult, _: Words) -> str:
    return sentence(
        _("What stock on hand and on order is brought up to, over the service asked for."),
        checks_sentence(result, _),
        _=_,
    )
