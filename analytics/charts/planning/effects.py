"""What price, promotion and events go with: curves inside what was seen, and why an effect is not told."""

from __future__ import annotations

import altair as alt
import polars as pl

from analytics.charts.forecasting.wording import event_name
from analytics.charts.planning.wording import MEASURES, change_span, measure_name, percent_change, sentence
from analytics.charts.theme import (
    BAND_80,
    BAR_OPACITY,
    Spec,
    chart_of,
    finish,
    neutral,
    plain_axis,
    tooltip,
    value_axis,
)
from analytics.forecasting.planning import ResponseResult, ScenarioResult, Scope
from analytics.i18n import Words

HEIGHT = 300
MOST_EVENTS = 12


def has_prices(result: ScenarioResult) -> bool:
    """Whether the response to price is told."""
    return result.price_curve.height > 1


def has_promotions(result: ScenarioResult) -> bool:
    """Whether the response to promotions is told."""
    return result.promotion_curve.height > 0


def has_events(response: ResponseResult, scope: Scope, unit_id: str) -> bool:
    """Whether any event was seen often enough."""
    return _events(response, scope, unit_id).height > 0


def _row(response: ResponseResult, table: str, scope: Scope, unit_id: str) -> dict[str, object] | None:
    held: pl.DataFrame = getattr(response, table)
    found = held.filter(scope=scope, unit_id=unit_id)
    return found.row(0, named=True) if found.height else None


def untold(response: ResponseResult, scope: Scope, unit_id: str, _: Words) -> list[str]:
    """Why effects are not shown, a sentence each; empty where all are."""
    said = []
    for table, title in (("prices", _("Price")), ("promotions", _("Promotions"))):
        row = _row(response, table, scope, unit_id)
        code = "few_promotions" if row is None else str(row["told"])
        if code:
            said.append(_("{effect}: {reason}", effect=title, reason=_.phrase(f"planning_untold.{code}")))
    return said


# --- price ----------------------------------------------------------------------------------------------------------


def price_curve(result: ScenarioResult, _: Words) -> Spec:
    """Items, revenue and profit over the prices that were seen, as changes against today's price."""
    return _curve(result, result.price_curve, "change", _("Change of the list price"), _)


def promotion_curve(result: ScenarioResult, _: Words) -> Spec:
    """Items, revenue and profit of a promoted day over the depths that were seen."""
    return _curve(result, result.promotion_curve, "depth", _("Discount"), _)


def _curve(result: ScenarioResult, held: pl.DataFrame, at: str, title: str, _: Words) -> Spec:
    shown = [name for name in MEASURES if held[name].null_count() == 0]
    names = [measure_name(name, _) for name in shown]
    rows = [
        {
            "at": row[at],
            "measure": measure_name(name, _),
            "change": row[name] - 1,
            "lo": row[f"{name}_lo"] - 1,
            "hi": row[f"{name}_hi"] - 1,
            "where": percent_change(row[at], _) if at == "change" else _.percent(row[at]),
            "said": percent_change(row[name] - 1, _),
            "span": change_span(row[f"{name}_lo"] - 1, row[f"{name}_hi"] - 1, _),
        }
        for row in held.iter_rows(named=True)
        for name in shown
    ]
    colors = {"quantity": neutral("ink"), "revenue": neutral("accent"), "profit": neutral("muted")}
    dashes = {"quantity": [1, 0], "revenue": [1, 0], "profit": [5, 3]}
    scale = alt.Scale(domain=names, range=[colors[name] for name in shown])
    dash = alt.Scale(domain=names, range=[dashes[name] for name in shown])
    axis = value_axis(_, title, percent=True)
    axis["grid"] = False
    x = alt.X("at:Q", axis=axis, scale=alt.Scale(nice=False, zero=False))
    y = value_axis(_, percent=True)
    legend = alt.Legend(symbolType="stroke", symbolStrokeWidth=3, symbolOpacity=1)
    base = chart_of(rows).encode(x=x)
    color = alt.Color("measure:N", scale=scale, sort=names, legend=legend)
    tips = [
        tooltip("where", title),
        tooltip("measure", _("Measure")),
        tooltip("said", _("Against as now")),
        tooltip("span", _("{level} interval", level=_.percent(result.spec.response.interval))),
    ]
    zero = chart_of([{"y": 0}]).mark_rule(color=neutral("muted"), strokeDash=[4, 3]).encode(y=alt.Y("y:Q", axis=y))
    layers = [
        zero,
        base.mark_area(opacity=BAND_80 / 2).encode(y=alt.Y("lo:Q", axis=y), y2="hi:Q", color=color),
        base.mark_line(strokeWidth=2).encode(
            y=alt.Y("change:Q", axis=y),
            color=color,
            strokeDash=alt.StrokeDash("measure:N", scale=dash, sort=names, legend=legend),
        ),
        base.mark_point(opacity=0, size=120).encode(y=alt.Y("change:Q", axis=y), tooltip=tips),
    ]
    if at == "change":
        now = chart_of([{"x": 0}]).mark_rule(color=neutral("muted")).encode(x=alt.X("x:Q", axis=axis))
        layers.append(now)
    return finish(alt.layer(*layers), _, height=HEIGHT)


def price_curve_finding(result: ScenarioResult, response: ResponseResult, _: Words) -> str:
    """What a price higher by a tenth goes with."""
    row = _row(response, "prices", result.scope, result.unit_id)
    assert row is not None
    elasticity = float(row["elasticity"])  # type: ignore[arg-type]  # a value of a named row
    change = percent_change(1.1**elasticity - 1, _)
    return _("A price 10% higher goes with {change} items", change=change)


def price_curve_note(result: ScenarioResult, response: ResponseResult, _: Words) -> str:
    row = _row(response, "prices", result.scope, result.unit_id)
    assert row is not None
    return sentence(
        _(
            "Price elasticity {value} ({low} to {high}), inside the prices that were seen.",
            value=_.signed(float(row["elasticity"]), 2),  # type: ignore[arg-type]  # a value of a named row
            low=_.signed(float(row["lo"]), 2),  # type: ignore[arg-type]  # a value of a named row
            high=_.signed(float(row["hi"]), 2),  # type: ignore[arg-type]  # a value of a named row
        ),
        _("What goes together in the past need not be caused by it."),
        _=_,
    )


def promotion_curve_finding(result: ScenarioResult, _: Words) -> str:
    """What the middle depth goes with."""
    held = result.promotion_curve
    row = held.row(held.height // 2, named=True)
    return _(
        "{share} off goes with {change} items on its days",
        share=_.percent(row["depth"]),
        change=percent_change(row["quantity"] - 1, _),
    )


def promotion_curve_note(result: ScenarioResult, response: ResponseResult, _: Words) -> str:
    row = _row(response, "promotions", result.scope, result.unit_id)
    n = int(row["n_occasions"]) if row is not None else 0  # type: ignore[call-overload]  # a value of a named row
    return sentence(
        _.ngettext(
            "From {n} promotion of the past; the band holds that the next one differs.",
            "From {n} promotions of the past; the band holds that the next one differs.",
            n,
        ),
        _("Sales brought forward from later days are not taken off."),
        _=_,
    )


# --- events ---------------------------------------------------------------------------------------------------------


def _events(response: ResponseResult, scope: Scope, unit_id: str) -> pl.DataFrame:
    if scope == "product":
        groups = response.products.filter(unit_id=unit_id)["group"].to_list()
        scope, unit_id = ("group", groups[0]) if groups else ("all", "")
    return response.events.filter(scope=scope, unit_id=unit_id, told="")


def event_names(response: ResponseResult, scope: Scope, unit_id: str, _: Words) -> dict[str, str]:
    """Events whose effect is told: code -> name, the largest effect first."""
    held = _events(response, scope, unit_id).sort(pl.col("ratio").log().abs(), descending=True)
    return {code: event_name(code, _) for code in held["event"]}


def events(response: ResponseResult, scope: Scope, unit_id: str, _: Words) -> Spec:
    """Each event's effect on its days with its interval; the largest first."""
    held = _events(response, scope, unit_id).sort(pl.col("ratio").log().abs(), descending=True).head(MOST_EVENTS)
    rows = [
        {
            "event": event_name(row["event"], _),
            "change": row["ratio"] - 1,
            "lo": row["lo"] - 1,
            "hi": row["hi"] - 1,
            "said": percent_change(row["ratio"] - 1, _),
            "span": change_span(row["lo"] - 1, row["hi"] - 1, _),
            "n": row["n_seen"],
        }
        for row in held.iter_rows(named=True)
    ]
    names = [row["event"] for row in rows]
    tips = [
        tooltip("event", _("Event")),
        tooltip("said", _("Items on its days")),
        tooltip("span", _("{level} interval", level=_.percent(response.spec.interval))),
        tooltip("n", _("Times seen")),
    ]
    base = chart_of(rows).encode(y=alt.Y("event:N", sort=names, axis=plain_axis(labelLimit=170)), tooltip=tips)
    x = value_axis(_, percent=True)
    zero = chart_of([{"x": 0}]).mark_rule(color=neutral("muted"), strokeDash=[4, 3]).encode(x=alt.X("x:Q", axis=x))
    return finish(
        alt.layer(
            zero,
            base.mark_bar(height=7, opacity=BAR_OPACITY, cornerRadius=3, color=neutral("accent")).encode(
                x=alt.X("lo:Q", axis=x), x2="hi:Q"
            ),
            base.mark_point(filled=True, size=60, opacity=1, color=neutral("accent")).encode(
                x=alt.X("change:Q", axis=x)
            ),
        ),
        _,
        height=max(120, 26 * len(rows) + 40),
    )


def events_finding(response: ResponseResult, scope: Scope, unit_id: str, _: Words) -> str:
    held = _events(response, scope, unit_id)
    clear = held.filter((pl.col("lo") > 1) | (pl.col("hi") < 1))
    if clear.is_empty():
        return _("No event goes clearly with other sales")
    row = clear.sort(pl.col("ratio").log().abs(), descending=True).row(0, named=True)
    return _(
        "{event} goes with {change} items a day",
        event=event_name(row["event"], _),
        change=percent_change(row["ratio"] - 1, _),
    )


def events_note(response: ResponseResult, scope: Scope, unit_id: str, _: Words) -> str:
    return _(
        "Items on the days of each event against ordinary days; events seen at least twice. Bar: {level} interval.",
        level=_.percent(response.spec.interval),
    )
