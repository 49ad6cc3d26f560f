"""What is each customer worth?"""

import streamlit as st

from analytics.charts import value as charts
from app_pages.ui import customers, page, session, valuing, walk

KINDS = {
    "customer_id": "text",
    "clv": "money",
    "clv_lo": "money",
    "clv_hi": "money",
    "p_alive": "bar",
    "expected_orders": "number",
    "expected_order_value": "money",
    "n_purchases": "int",
    "last_purchase_on": "day",
    "value_last_year": "money",
}

with page.frame("value") as _:
    valuing.choose(_)
    page.lesson(_, "value")
    result = walk.value()

    page.answer(page.draw(charts.headline, result, _), _)
    valuing.fallback(result, _)
    left, right = st.columns([7, 5], gap="medium")
    place = left.container()
    cohorts = (charts.cohorts, charts.cohorts_finding, charts.cohorts_note)
    doubtful = charts.doubts_alive(result)
    with right:
        parts = (charts.alive, charts.alive_finding, charts.alive_note) if doubtful else cohorts
        page.evidence(result, _, *parts)
    valuing.caveats(result, _)
    if doubtful:
        page.evidence(result, _, *cohorts)

    if charts.has_holdout(result):
        left, right = st.columns([7, 5], gap="medium")
        with left:
            page.evidence(result, _, charts.tracking, charts.tracking_finding, charts.tracking_note)
        with right:
            page.evidence(result, _, charts.weekly, charts.weekly_finding, charts.weekly_note)
        left, right = st.columns([5, 7], gap="medium")
        with left:
            page.evidence(result, _, charts.by_frequency, charts.by_frequency_finding, charts.by_frequency_note)
        with right:
            page.evidence(result, _, charts.deciles, charts.deciles_finding, charts.deciles_note)
    valuing.trust(result, _)

    if charts.has_model(result):
        left, right = st.columns(2, gap="medium")
        with left:
            page.evidence(result, _, charts.rates, charts.rates_finding, charts.rates_note)
        with right:
            page.evidence(result, _, charts.leaving, charts.leaving_finding, charts.leaving_note)
    if charts.has_renewals(result):
        left, right = st.columns(2, gap="medium")
        with left:
            page.evidence(result, _, charts.renewals, charts.renewals_finding, charts.renewals_note)
        with right:
            page.evidence(result, _, charts.leavers, charts.leavers_finding, charts.leavers_note)
    valuing.parameters(result, _)
    valuing.one_customer(result, _)

    listed = page.draw(charts.customer_table, result)
    page.heading(_("All customers, the most valuable first"), page.draw(charts.customers_note, result, _))
    page.table(listed, _, KINDS, key="value-customers", alt=_("All customers"), currency=result.currency)
    customers.open_one(_, listed["customer_id"].head(200).to_list(), key="open-value")
    with place:
        # Last, since it waits for the segments; all above stands before they are known.
        by_segment = valuing.by_segment(result, _)
    page.how_counted(
        _,
        _(
            "A purchase is a day on which a customer bought and did not give everything back. x: such days after the "
            "first; t_x: time from the first to the last; T: time from the first to the as-of date. Expected purchases "
            "over {days} days, each discounted by {rate} a year, times the expected value of an order, times {margin} "
            "of margin. Intervals: draws of the model's parameters and of each customer's future.",
            days=result.horizon_days,
            rate=_.percent(result.spec.discount_rate_yearly, 1),
            margin=_.percent(result.spec.margin_share),
        ),
        {"value": session.workspace().value},
        result.key,
    )
    tables = {
        _("Value of each customer"): walk.shareable(listed, "customer_id"),
        _("Models"): result.models,
        _("Simple rules"): result.rules,
        _("Parameters"): result.parameters,
        _("Tracking"): result.tracking,
        _("By frequency"): result.by_frequency,
        _("Deciles"): result.deciles,
        _("Cohorts"): result.cohorts,
        _("Grade"): result.grade_rule,
    }
    if by_segment is not None:
        tables[_("By segment")] = by_segment
    page.take_away(_, "value", tables, csv=_("Value of each customer (CSV)"))
