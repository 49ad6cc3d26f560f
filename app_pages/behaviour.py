"""How do customers behave, and what do they prefer?"""

import streamlit as st

from analytics.charts import behaviour as charts
from app_pages.ui import behaving, page, session, widgets

NAME = "behaviour"
WIDE_LEFT, WIDE_RIGHT = [7, 5], [5, 7]


def choose(where, _):
    """All customers or one segment."""
    with where:
        names = {"": _("All customers"), **behaving.names(_)}
        widgets.select(NAME, "segment", _("Whose behaviour"), names, width=280)


def side_by_side(widths, left, right, result, _):
    """Two claims beside each other, each a chart with its finding and note; None is left out."""
    pairs = [(width, item) for width, item in zip(widths, (left, right), strict=True) if item]
    columns = st.columns([width for width, _item in pairs], gap="medium") if pairs else []
    for column, (_width, (module, name)) in zip(columns, pairs, strict=True):
        with column:
            parts = (getattr(module, part) for part in (name, f"{name}_finding", f"{name}_note"))
            page.evidence(result, _, *parts)


def by_segment(module, result, _):
    """What segments differ in; nothing where there are none to compare."""
    if result.labels:
        names = behaving.names(_)
        finding, note = (page.draw(part, result, names, _) for part in (module.segments_finding, module.segments_note))
        if result.by_label.is_empty():
            page.heading(finding)
        else:
            page.chart(finding, note, page.picture(module.segments, result, names, _), key=f"segments-{result.by}")


def show_spending(_):
    result, here = behaving.spending(), charts.spending
    priced = "order_value" in result.summary["measure"]
    side_by_side(WIDE_LEFT, (here, "order_value") if priced else None, (here, "baskets"), result, _)
    gaps = (here, "gaps") if "gap_days" in result.summary["measure"] else None
    side_by_side(WIDE_RIGHT, gaps, None if result.returning.is_empty() else (here, "returning"), result, _)
    side_by_side(WIDE_LEFT, (here, "week"), (here, "season"), result, _)
    page.caveats(result.caveats, _)
    definition = _(
        "An order counts with its sale lines of goods, before returns. A customer's gaps are between their own days "
        "with an order. Times are those of the file."
    )
    tables = {
        _("Spending"): result.summary,
        _("Distribution"): result.distribution,
        _("Who returns"): result.returning,
        _("Week"): result.week,
        _("Months"): result.months,
        _("Season"): result.season,
    }
    return result, definition, tables


def show_preferences(_):
    kinds = {kind: _.label("behaviour_kind", kind) for kind in behaving.preferred()}
    if len(kinds) > 1:
        with page.controls("controls-preferences"):
            widgets.segmented(NAME, "affinity_by", _("Preferences for"), kinds)
            widgets.number(NAME, "min_orders", _("Least orders for a verdict"), 2, 20, width=220)
    result, here = behaving.preferences(), charts.preferences
    side_by_side(WIDE_LEFT, (here, "levels"), (here, "states"), result, _)
    by_segment(here, result, _)
    page.caveats(result.caveats, _)
    spec = session.workspace().behaviour
    definition = _(
        "A fan has at least {orders} orders, and is {sure} sure to have odds of this value at least {odds} times those "
        "of all customers: posterior of a beta-binomial model whose spread is learned from the data, value by value.",
        orders=spec.min_orders,
        sure=_.percent(spec.fan_probability),
        odds=_.number(spec.fan_odds, 1),
    )
    tables = {_("Preferences"): result.levels, _("Customers"): result.states, _("By segment"): result.by_label}
    return result, definition, tables


def show_methods(_):
    kinds = {kind: _.label("behaviour_kind", kind) for kind in behaving.used()}
    if len(kinds) > 1:
        with page.controls("controls-methods"):
            widgets.segmented(NAME, "method_by", _("Methods of"), kinds)
    result, here = behaving.methods(), charts.methods
    side_by_side(WIDE_RIGHT, (here, "shares"), (here, "switching") if result.n_steps else None, result, _)
    by_segment(here, result, _)
    side_by_side(WIDE_LEFT, (here, "several") if result.several.height else None, None, result, _)
    page.caveats(result.caveats, _)
    definition = _(
        "Each order has one method, that on most of its amount. Customers, not orders, are the independent units: "
        "intervals draw them whole, and segments are compared by each customer's usual method."
    )
    tables = {
        _("Shares"): result.shares,
        _("Switching"): result.switching,
        _("By segment"): result.by_label,
        _("Several methods"): result.several,
    }
    return result, definition, tables


def show_concentration(_):
    result = behaving.concentration()
    side_by_side(WIDE_LEFT, (charts.concentration, "curve"), (charts.concentration, "tops"), result, _)
    page.caveats(result.caveats, _)
    definition = _(
        "Revenue of each known customer with an order, returns subtracted, summed exactly. Who returned more than they "
        "bought counts with nothing. Intervals: jackknife of the Gini coefficient, Beach & Davidson for shares."
    )
    return result, definition, {_("Top customers"): result.tops, _("Curve"): result.curve}


SECTIONS = {
    "spending": show_spending,
    "preferences": show_preferences,
    "methods": show_methods,
    "concentration": show_concentration,
}

with page.frame(NAME) as _:
    chosen, alone = page.controls(), session.workspace().behaviour.segment
    if alone:
        choose(chosen, _)
    page.lesson(_, NAME)
    spending, concentration = behaving.spending(), behaving.concentration_if_any()
    page.answer(page.draw(charts.headline, spending, concentration, _), _)
    widgets.segmented(NAME, "section", _("Section"), widgets.options(NAME, "section", _), label_visibility="collapsed")
    shown = {}
    # Only the open section does any work.
    with page.section(_, NAME):
        result, definition, shown = SECTIONS[session.workspace().behaviour.section](_)
        page.how_counted(_, definition, {NAME: session.workspace().behaviour}, result.key)
    page.take_away(_, NAME, shown)
    if not alone:
        # Last: weighing segments for the first time takes longer than all of the above.
        choose(chosen, _)
