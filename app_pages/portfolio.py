"""Whom to protect, grow, win back, let go?"""

import streamlit as st

from analytics.charts import value as charts
from app_pages.ui import page, session, valuing, walk

KINDS = {
    "group": "text",
    "n_customers": "int",
    "customer_share": "bar",
    "clv": "money",
    "clv_lo": "money",
    "clv_hi": "money",
    "clv_share": "bar",
    "value_last_year": "money",
    "p_alive": "share",
}

with page.frame("portfolio") as _:
    valuing.thresholds(_)
    page.lesson(_, "portfolio")
    result = walk.value()

    page.answer(page.draw(charts.portfolio_headline, result, _), _)
    valuing.fallback(result, _)
    grid = (charts.value_grid, charts.value_grid_finding, charts.value_grid_note)
    doubtful = charts.doubts_alive(result)
    left, right = st.columns([7, 5], gap="medium")
    with left:
        parts = (charts.groups_map, charts.groups_map_finding, charts.groups_map_note) if doubtful else grid
        page.evidence(result, _, *parts)
    with right:
        page.evidence(result, _, charts.pareto, charts.pareto_finding, charts.pareto_note)
    valuing.group_cards(result, _)
    valuing.caveats(result, _)
    if doubtful:
        left, right = st.columns(2, gap="medium")
        with left:
            page.evidence(result, _, *grid)
        with right:
            if charts.has_surface(result):
                page.evidence(result, _, charts.iso_value, charts.iso_value_finding, charts.iso_value_note)
    page.heading(_("The four groups"), page.draw(charts.groups_note, result, _))
    groups = page.draw(charts.group_table, result, _)
    page.table(groups, _, KINDS, key="groups", alt=_("The four groups"), currency=result.currency)
    page.how_counted(
        _,
        _(
            "Value as on the value page. A customer counts as active from a probability of {share}; as of much value "
            "if their value, were they certainly still customers, is among the top 20%. Rows and columns of the "
            "grid hold a fifth of customers each, as far as equal numbers allow.",
            share=_.percent(result.p_alive_threshold),
        ),
        {"value": session.workspace().value},
        result.key,
    )
    page.take_away(
        _,
        "portfolio",
        {
            _("Group of each customer"): walk.shareable(page.draw(charts.all_groups, result, _), "customer_id"),
            _("Groups"): groups,
            _("Grid"): result.rfm_grid,
            _("Pareto"): result.pareto,
            _("Iso-value"): result.iso_value,
        },
        csv=_("Group of each customer (CSV)"),
    )
