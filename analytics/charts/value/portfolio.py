"""Whom to protect, grow, win back or let go: the answer card, the map of the four groups, their cards and lists."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import altair as alt
import polars as pl

from analytics.charts.behaviour.parts import Rows, share_text
from analytics.charts.headline import Headline, Metric
from analytics.charts.theme import MAP, Spec, category_scale, chart_of, finish, label_expr, neutral, tooltip
from analytics.charts.value.card import amount_metric
from analytics.charts.value.wording import amount, between, each, group_name, group_names, level, months
from analytics.contrasts import PRIVACY_LIMIT
from analytics.customers import CustomerLabels
from analytics.i18n import Words
from analytics.value import ValueResult
from analytics.value.spec import GROUPS

COLUMNS, LINES = 40, 24  # cells of the map
LIST = (
    *("customer_id", "p_alive", "clv", "clv_lo", "clv_hi", "expected_orders", "expected_order_value"),
    *("value_last_year", "last_purchase_on", "n_purchases"),
)


# --- the answer card -------------------------------------------------------------------------------------------------


def portfolio_headline(result: ValueResult, _: Words) -> Headline:
    """How much of the future few customers hold, and the four groups with their money."""
    held = by_group(result)
    few = top_share(result)
    finding = (
        _("The top 20% of customers hold {share} of the future", share=_.percent(few))
        if few is not None
        else _("{n} customers in four groups", n=result.n_customers)
    )
    metrics = []
    for code in GROUPS:
        row = held.get(code)
        note = "" if row is None or row["clv"] is None else _("{amount} ahead", amount=amount(result, row["clv"], _))
        metrics.append(Metric(group_name(code, _), _.number(0 if row is None else row["n_customers"]), note))
    return Headline(finding, _sentence(result, held, _), tuple(metrics))


def _sentence(result: ValueResult, held: Mapping[str, Mapping[str, Any]], _: Words) -> str:
    ahead = months(result.horizon_days, _)
    silent = held.get("win_back")
    if silent is None or silent["value_last_year"] is None:
        return _("Expected over the next {months}, from the value page.", months=ahead)
    return _(
        "Expected over the next {months}. {n} valuable customers have probably gone silent: they brought {amount} in "
        "the last year.",
        months=ahead,
        n=silent["n_customers"],
        amount=amount(result, silent["value_last_year"], _),
    )


def by_group(result: ValueResult) -> dict[str, dict[str, Any]]:
    """The four groups that hold anybody: code -> row."""
    return {row["group"]: row for row in result.groups.iter_rows(named=True) if row["n_customers"]}


def top_share(result: ValueResult) -> float | None:
    """Share of all future value that the top fifth of customers holds."""
    held = result.pareto.sort("customer_share").filter(pl.col("customer_share") >= 0.2 - 1e-9)
    return None if held.is_empty() else float(held["value_share"][0])


# --- the map of the groups -------------------------------------------------------------------------------------------


def groups_map(result: ValueResult, _: Words) -> Spec:
    """Customers by P(alive) and expected value, in cells of the colour of their group; the lines part the groups."""
    names = group_names(_)
    held = result.customers.select("p_alive", "group", clv=pl.col("worth_if_active").fill_nan(None)).drop_nulls()
    bottom, tall = _heights(held.filter(pl.col("clv") > 0)["clv"], result.worth_threshold)
    top = bottom + LINES * tall
    across = (pl.col("p_alive") * COLUMNS).floor().clip(0, COLUMNS - 1).cast(pl.Int32)
    up = ((pl.col("clv").clip(10.0**bottom).log10() - bottom) / tall).floor().clip(0, LINES - 1).cast(pl.Int32)
    cells = (
        held.with_columns(i=across, j=up)
        .group_by("i", "j", "group")
        .agg(n=pl.len(), clv=pl.col("clv").mean())
        .sort("i", "j", "n", "group")
    )
    dense = math.sqrt(max(float(cells["n"].quantile(0.97) or 1), 1.0))  # one heap must not make all others pale
    rows: Rows = [
        {
            "x": row["i"] / COLUMNS,
            "x2": (row["i"] + 1) / COLUMNS,
            "y": bottom + row["j"] * tall,
            "y2": bottom + (row["j"] + 1) * tall,
            "group": names[row["group"]],
            "weight": min(1.0, 0.2 + 0.8 * math.sqrt(row["n"]) / dense),
            "count": _.number(row["n"]) if row["n"] >= PRIVACY_LIMIT else f"<{PRIVACY_LIMIT}",
            "worth": each(result, row["clv"], _) if row["n"] >= PRIVACY_LIMIT else "–",
        }
        for row in cells.iter_rows(named=True)
    ]
    expression = label_expr(_, currency=result.currency if result.has_values else None, datum="pow(10, datum.value)")
    y_axis = alt.Axis(title=_if_active(result, _), values=_ticks(bottom, top), grid=False, labelExpr=expression)
    x_axis = alt.Axis(title=_.label("field", "p_alive"), grid=False, tickCount=5, format=".0%")
    y = alt.Y("y:Q", axis=y_axis, scale=alt.Scale(domain=[bottom, top], nice=False, zero=False))
    x = alt.X("x:Q", axis=x_axis, scale=alt.Scale(domain=[0, 1], nice=False))
    base = chart_of(rows).encode(
        x=x,
        x2="x2:Q",
        y=y,
        y2="y2:Q",
        tooltip=[
            tooltip("group", _("Group")),
            tooltip("count", _("Customers")),
            tooltip("worth", _if_active(result, _)),
        ],
    )
    layers: list[Any] = [
        base.mark_rect().encode(
            color=alt.Color("group:N", scale=category_scale(list(names.values()))),
            opacity=alt.Opacity("weight:Q", scale=None),
        ),
        chart_of([{"x": result.p_alive_threshold}]).mark_rule(color=neutral("muted"), strokeDash=[4, 3]).encode(x=x),
    ]
    if bottom < math.log10(max(result.worth_threshold, 1e-9)) < top:
        line = chart_of([{"y": math.log10(result.worth_threshold)}])
        layers.append(line.mark_rule(color=neutral("muted"), strokeDash=[4, 3]).encode(y=y))
    return finish(alt.layer(*layers), _, height=MAP)


def _heights(worth: pl.Series, threshold: float) -> tuple[float, float]:
    """Logarithm at the bottom of the map and the height of a cell; the threshold lies between two cells."""
    if worth.is_empty():
        return 0.0, 1.0 / LINES
    low = math.log10(float(worth.quantile(0.02) or 1.0))
    tall = max(math.log10(float(worth.max()) * 1.001) - low, 0.1) / LINES  # type: ignore[arg-type]  # a scalar: Polars types any literal
    if not threshold > 0:
        return low, tall
    tall *= LINES / (LINES - 1)
    steps = math.ceil((math.log10(threshold) - low) / tall)
    return math.log10(threshold) - steps * tall, tall


def _ticks(bottom: float, top: float) -> list[float]:
    """Logarithms of round amounts between two logarithms, about five."""
    steps = (1.0, 3.0) if top - bottom < 3 else (1.0,)
    values = [step * 10.0**power for power in range(math.floor(bottom), math.ceil(top) + 1) for step in steps]
    return [math.log10(value) for value in values if bottom <= math.log10(value) <= top]


def _worth(result: ValueResult) -> str:
    return "clv" if result.has_values else "expected_orders"


def _if_active(result: ValueResult, _: Words) -> str:
    return _("Value if still a customer") if result.has_values else _("Purchases if still a customer")


def groups_map_finding(result: ValueResult, _: Words) -> str:
    """What those to protect hold."""
    held = by_group(result).get("protect")
    if held is None or held["clv_share"] is None:
        return _("Nobody is both active and of much value")
    return _(
        "{few} of customers to protect hold {share} of the future",
        few=_.percent(held["customer_share"]),
        share=_.percent(held["clv_share"]),
    )


def groups_map_note(result: ValueResult, _: Words) -> str:
    return _(
        "Each cell: customers of like prospects; the denser, the more. Up: their value were they certainly still "
        "customers. Dashed: what parts the groups, {share} and {amount}.",
        share=_.percent(result.p_alive_threshold),
        amount=each(result, result.worth_threshold, _),
    )


# --- one card a group ------------------------------------------------------------------------------------------------


def group_title(result: ValueResult, code: str, _: Words) -> str:
    """``1 · Protect: 412 customers``."""
    n = by_group(result)[code]["n_customers"]
    return _("{name}: {customers}", name=group_names(_)[code], customers=_.ngettext("{n} customer", "{n} customers", n))


def group_advice(code: str, _: Words) -> str:
    """What the group is, and what is usual for it."""
    return {
        "protect": _("Active and valuable: keep them content. Service, first notice, no needless discounts."),
        "grow": _("Active, of little value so far: one more category, a larger basket, a shorter gap."),
        "win_back": _("Once good, now probably silent: worth a personal message or an offer, tested on a part first."),
        "let_go": _("Silent and of little value: no extra spending. They still hear what everybody hears."),
    }[code]


def group_metrics(result: ValueResult, code: str, _: Words) -> tuple[Metric, ...]:
    """Money ahead with its interval, money of the last year, and how many are alive."""
    row = by_group(result)[code]
    metrics = []
    if row["clv"] is not None:
        span = between(result, row["clv_lo"], row["clv_hi"], _)
        note = _("{level}: {span}", level=level(result, _), span=span)
        metrics.append(replace(amount_metric(_("Expected value"), row["clv"], result, _), note=note))
        metrics.append(Metric(_("Share of the future"), share_text(row["clv_share"], _)))
    if row["value_last_year"] is not None:
        metrics.append(amount_metric(_("Last 12 months"), row["value_last_year"], result, _))
    if row["p_alive"] is not None:
        metrics.append(Metric(_("Probably active"), _.percent(row["p_alive"])))
    return tuple(metrics)


def group_table(result: ValueResult, _: Words) -> pl.DataFrame:
    """The four groups with counts, money and intervals."""
    names = group_names(_)
    return result.groups.with_columns(pl.col("group").replace(names))


def groups_note(result: ValueResult, _: Words) -> str:
    return _(
        "Expected over {months}, with {level} intervals.", months=months(result.horizon_days, _), level=level(result, _)
    )


def group_list(result: ValueResult, code: str) -> pl.DataFrame:
    """The customers of one group, the most valuable first."""
    held = result.customers.filter(group=code)
    held = held.sort([_worth(result), "customer_id"], descending=[True, False], nulls_last=True)
    return held.select(name for name in LIST if held.schema[name] != pl.Null)


def all_groups(result: ValueResult, _: Words) -> pl.DataFrame:
    """Every customer with the name of their group, the most valuable first."""
    held = result.customers.with_columns(pl.col("group").replace(group_names(_)))
    held = held.sort([_worth(result), "customer_id"], descending=[True, False], nulls_last=True)
    return held.select("customer_id", "group", *LIST[1:])


def group_labels(result: ValueResult) -> CustomerLabels:
    """Who is in which of the four groups, for later pages."""
    frame = result.customers.select("customer_id", label="group")
    return CustomerLabels(frame, GROUPS, "estimate_value", result.key)
