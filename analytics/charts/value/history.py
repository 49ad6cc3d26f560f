"""One customer: how raw rows become repeat days x, their last time t_x and the time since the first T."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

import altair as alt
import numpy as np
import polars as pl

from analytics.btyd.bg_nbd import BgNbd
from analytics.btyd.mbg_nbd import MbgNbd
from analytics.btyd.model import RepeatModel
from analytics.btyd.pareto_nbd import ParetoNbd
from analytics.charts.behaviour.parts import Rows
from analytics.charts.headline import Metric
from analytics.charts.theme import SMALL, Spec, chart_of, finish, neutral, time_axis, tooltip, value_axis
from analytics.charts.value.wording import each, level, months
from analytics.i18n import Words
from analytics.value import CustomerTrace, ValueResult

HEIGHT = 170
MARGIN = 40  # pixels at the left
N_POINTS, FEW_DAYS = 90, 150
MODELS: dict[str, Callable[..., RepeatModel]] = {"bg_nbd": BgNbd, "mbg_nbd": MbgNbd, "pareto_nbd": ParetoNbd}
LEVELS = {"days": 0.0, "t_x": 1.0, "T": 2.0}
SHOWN = ("ordered_at", "order_id", "product", "category", "quantity", "amount", "kind")
MOST_OFFERED, MOST_OF_A_KIND = 100, 20
TEXTS = ("order_id", "product_id", "category", "kind", "role", "counted")


def timeline(trace: CustomerTrace, result: ValueResult, _: Words) -> Spec:
    """The customer's purchase days on a line of time, and over them what x, t_x and T measure."""
    days = trace.days.sort("day")
    first, last = days["day"][0], days["day"][-1]
    roles = {"first": _("First purchase"), "repeat": _("Repeat purchase")}
    marks: Rows = [
        {
            "day": row["day"].isoformat(),
            "role": roles[row["role"]],
            "first": row["role"] == "first",
            "y": LEVELS["days"],
            "size": 90,
            "value": "–" if row["value"] is None else _.money(row["value"], result.currency),
            "weeks": _.number(row["weeks"], 1),
        }
        for row in days.iter_rows(named=True)
    ]
    spans: Rows = [
        {"from": first.isoformat(), "to": result.as_of.isoformat(), "y": LEVELS["T"], "text": since(trace, _)},
        {"from": first.isoformat(), "to": last.isoformat(), "y": LEVELS["t_x"], "text": until_last(trace, _)},
    ]
    ends: Rows = [{"day": span[side], "y": span["y"]} for span in spans for side in ("from", "to")]
    # The same room at the left as the chart below, so that days stand over days.
    blank = alt.Axis(title=None, labels=False, grid=False, minExtent=MARGIN, maxExtent=MARGIN)
    y = alt.Y("y:Q", axis=blank, scale=alt.Scale(domain=[-0.5, 2.6], nice=False))
    axis = time_axis(_, "day" if (result.as_of - first).days <= FEW_DAYS else "month")
    scale = alt.Scale(domain=[_around(first, -6).isoformat(), _around(result.as_of, 6).isoformat()], nice=False)
    held = chart_of(marks).encode(
        x=alt.X("day:T", axis=axis, scale=scale),
        y=y,
        tooltip=[
            tooltip("day", _("Day"), kind="temporal", format="%-d %b %Y" if _.language == "en" else "%Y/%-m/%-d"),
            tooltip("role", _("Counts as")),
            tooltip("value", _("Value")),
            tooltip("weeks", _("Weeks since the first")),
        ],
    )
    over = chart_of(spans).encode(x=alt.X("from:T", scale=scale), y=y)
    known = chart_of([{"day": result.as_of.isoformat(), "text": _("as-of date")}])
    layers = [
        chart_of([{"from": first.isoformat(), "to": result.as_of.isoformat(), "y": 0.0}])
        .mark_rule(color=neutral("quiet"), strokeWidth=1)
        .encode(x="from:T", x2="to:T", y=y),
        over.mark_rule(color=neutral("muted"), strokeWidth=2).encode(x2="to:T"),
        chart_of(ends).mark_tick(orient="vertical", size=9, thickness=2, color=neutral("muted")).encode(x="day:T", y=y),
        over.mark_text(align="left", dy=-11, color=neutral("ink")).encode(text="text:N"),
        known.mark_rule(color=neutral("muted"), strokeDash=[4, 3]).encode(x="day:T"),
        held.transform_filter("datum.first").mark_point(
            filled=False, size=110, strokeWidth=2, opacity=1, color=neutral("accent")
        ),
        held.transform_filter("!datum.first").mark_point(filled=True, size=90, opacity=0.85, color=neutral("accent")),
    ]
    return finish(alt.layer(*layers), _, height=HEIGHT)


def _around(day: date, n: int) -> date:
    return day + timedelta(days=n)


def since(trace: CustomerTrace, _: Words) -> str:
    return _("T = {weeks} weeks since the first purchase", weeks=_.number(trace.T_weeks, 1))


def until_last(trace: CustomerTrace, _: Words) -> str:
    return _("t_x = {weeks} weeks up to the last", weeks=_.number(trace.t_x_weeks, 1))


def timeline_finding(trace: CustomerTrace, result: ValueResult, _: Words) -> str:
    """What follows for this customer."""
    if trace.p_alive is None:
        return _.ngettext("{n} repeat purchase day", "{n} repeat purchase days", trace.x)
    if result.has_values and trace.clv is not None:
        return _(
            "Active with {share}, worth {amount} in {months}",
            share=_.percent(trace.p_alive),
            amount=each(result, trace.clv, _),
            months=months(result.horizon_days, _),
        )
    return _(
        "Active with {share}, {n} purchases in {months}",
        share=_.percent(trace.p_alive),
        n=_.number(trace.expected_orders, 1),
        months=months(result.horizon_days, _),
    )


def timeline_note(trace: CustomerTrace, result: ValueResult, _: Words) -> str:
    if result.basis == "subscription":
        return _(
            "{rows} rows make {days} days with a payment: the first (ring) and {x} more (dots). The model sees how "
            "many periods they have stayed, whether they have left, and what they pay.",
            rows=trace.rows.height,
            days=trace.days.height,
            x=trace.x,
        )
    return _(
        "{rows} rows make {days} purchase days: the first (ring) and {x} repeats (dots). The model sees only x, t_x, T "
        "and the mean value of the repeats.",
        rows=trace.rows.height,
        days=trace.days.height,
        x=trace.x,
    )


def has_path(trace: CustomerTrace, result: ValueResult) -> bool:
    """Whether P(alive) of earlier days follows from what is known here: neither covariates nor a clock of demand."""
    return result.model in MODELS and not result.covariates and not result.calendar and trace.days.height > 0


def alive_path(trace: CustomerTrace, result: ValueResult, _: Words) -> Spec:
    """P(alive) as it stood on each day since the first purchase, the model being that of today."""
    days = trace.days.sort("day")["day"].to_list()
    first = days[0]
    length = max((result.as_of - first).days, 1)
    # Each purchase lifts it at once: the day itself is a point, and so is the day before.
    at = {round(i * length / N_POINTS) for i in range(N_POINTS + 1)}
    for day in days:
        at |= {(day - first).days, max((day - first).days - 1, 0)}
    moments = sorted(moment for moment in at if moment <= length)
    gone = [(day - first).days for day in days]
    seen = [[day for day in gone if day <= moment] for moment in moments]
    unit = result.spec.unit_days
    held = result.parameters.filter(pl.col("model") == result.model)["estimate"].to_numpy()[:4]
    model = MODELS[result.model](held, np.zeros((4, 4)), 0.0, result.n_customers)
    alive = model.p_alive(
        np.array([len(before) - 1 for before in seen]),
        np.array([before[-1] / unit for before in seen]),
        np.array([moment / unit for moment in moments]),
    )
    rows: Rows = [
        {"day": (first + timedelta(days=moment)).isoformat(), "alive": float(value), "text": _.percent(float(value))}
        for moment, value in zip(moments, alive, strict=True)
    ]
    axis = time_axis(_, "day" if length <= FEW_DAYS else "month")
    domain = [_around(first, -6).isoformat(), _around(result.as_of, 6).isoformat()]
    shares = value_axis(_, percent=True)
    shares["tickCount"], shares["minExtent"], shares["maxExtent"] = 2, MARGIN, MARGIN
    base = chart_of(rows).encode(
        x=alt.X("day:T", axis=axis, scale=alt.Scale(domain=domain, nice=False)),
        y=alt.Y("alive:Q", axis=shares, scale=alt.Scale(domain=[0, 1])),
        tooltip=[
            tooltip("day", _("Day"), kind="temporal", format="%-d %b %Y" if _.language == "en" else "%Y/%-m/%-d"),
            tooltip("text", _.label("field", "p_alive")),
        ],
    )
    layers = [
        base.mark_area(color=neutral("accent"), opacity=0.16),
        base.mark_line(color=neutral("accent"), strokeWidth=2),
    ]
    return finish(alt.layer(*layers), _, height=SMALL)


def alive_path_note(trace: CustomerTrace, result: ValueResult, _: Words) -> str:
    return _(
        "Probability of being active as it stood on each day: it sinks with silence, the faster the denser the days."
    )


def figures(trace: CustomerTrace, result: ValueResult, _: Words) -> tuple[Metric, ...]:
    """What goes into the model, then what comes out of it."""
    found = [
        Metric(_("x, repeat days"), _.number(trace.x)),
        Metric(_("t_x, weeks"), _.number(trace.t_x_weeks, 1)),
        Metric(_("T, weeks"), _.number(trace.T_weeks, 1)),
    ]
    if result.has_values:
        found.append(Metric(_("m, mean repeat value"), _.money(trace.mean_repeat_value, result.currency, 0)))
    held = result.customers.filter(customer_id=trace.customer_id)
    if trace.p_alive is None or held.is_empty():
        return tuple(found)
    row, sure = held.row(0, named=True), level(result, _)
    span = _.span(_.number(row["expected_orders_lo"]), _.number(row["expected_orders_hi"]))
    found += [
        Metric(_("P(alive)"), _.percent(trace.p_alive)),
        Metric(
            _("Expected purchases"),
            _.number(trace.expected_orders, 1),
            _("{level}: {span}", level=sure, span=span),
        ),
    ]
    if result.has_values:
        span = _.span(each(result, row["clv_lo"], _), each(result, row["clv_hi"], _))
        found += [
            Metric(_("Expected order value"), _.money(trace.expected_order_value, result.currency, 0)),
            Metric(_("Lifetime value"), each(result, trace.clv, _), _("{level}: {span}", level=sure, span=span)),
        ]
    return tuple(found)


def examples(result: ValueResult) -> list[str]:
    """Customers worth a look: one in doubt, the most valuable, valuable ones who fell silent, one-time buyers."""
    worth = "clv" if result.has_values else "expected_orders"
    held = result.customers.sort([worth, "customer_id"], descending=[True, False], nulls_last=True)
    silent = held.filter(group="win_back").head(MOST_OF_A_KIND)
    once = held.filter(x=0).head(MOST_OF_A_KIND)
    doubt = held.filter(pl.col("x").is_between(4, 15), pl.col("p_alive").is_between(0.1, 0.9))
    doubt = doubt.sort((pl.col("p_alive") - 0.6).abs(), "customer_id").head(1)
    return (
        pl.concat([doubt, held.head(MOST_OFFERED), silent, once])["customer_id"].unique(maintain_order=True).to_list()
    )


def is_known(result: ValueResult, customer_id: str) -> bool:
    """Whether a customer has a counted purchase."""
    return not result.customers.filter(customer_id=customer_id).is_empty()


def row_table(trace: CustomerTrace, _: Words) -> pl.DataFrame:
    """The customer's raw rows, each with what it counts as."""
    held = trace.rows.select(*(name for name in SHOWN if name in trace.rows.columns), "counted", "role")
    roles = {code: _.label("value_role", code) for code in held["role"].drop_nulls().unique()}
    counted = pl.when("counted").then(pl.lit("✓")).otherwise(pl.lit("–"))
    return held.with_columns(pl.col("role").replace(roles), counted=counted)


def row_kinds(rows: pl.DataFrame) -> dict[str, str]:
    """How each column of ``row_table`` is shown."""
    kinds = {"ordered_at": "day", "quantity": "int", "amount": "money"}
    return {name: kinds.get(name, "text") for name in rows.columns}
