"""How do they browse and use what we offer?"""

import streamlit as st

from analytics.charts import usage as charts
from app_pages.ui import customers, funnel_steps, page, session, walk, widgets

GAPS, RECENT, PERIODS = (10, 20, 30, 60, 120), (30, 60, 90, 120), (30, 90, 180, 365)

with page.frame("usage") as _:
    row = page.controls()
    with row:
        widgets.select(
            "usage", "gap_minutes", _("A session ends after"), {n: _("{n} idle minutes", n=n) for n in GAPS}, width=190
        )
        periods = {None: _("all events"), **{n: _("the last {n} days", n=n) for n in PERIODS}}
        widgets.select("usage", "period_days", _("Period"), periods, width=190)
        recent = {n: _("{n} days", n=n) for n in RECENT}
        widgets.segmented("usage", "recent_days", _("Recent means"), recent)
    page.lesson(_, "usage")
    spec = session.workspace().usage
    result = walk.usage()
    with row:
        funnel_steps.edit(result, _)

    page.answer(page.draw(charts.headline, result, _), _)
    left, right = st.columns([7, 5], gap="medium")
    with left:
        if charts.has_funnel(result):
            page.evidence(result, _, charts.funnel, charts.funnel_finding, charts.funnel_note)
    with right:
        page.evidence(result, _, charts.features, charts.features_finding, charts.features_note)
    page.caveats(result.caveats, _)
    if charts.has_funnel(result):
        left, right = st.columns(2, gap="medium")
        with left:
            page.evidence(result, _, charts.paths_bought, charts.paths_bought_finding, charts.paths_bought_note)
        with right:
            page.evidence(result, _, charts.paths_left, charts.paths_left_finding, charts.paths_left_note)
    left, right = st.columns([5, 7], gap="medium")
    with left:
        if result.wait_curve.height:
            page.evidence(result, _, charts.waits, charts.waits_finding, charts.waits_note)
    with right:
        page.evidence(result, _, charts.weeks, charts.weeks_finding, charts.weeks_note)
    kinds = {
        "channel": "text",
        "n_sessions": "int",
        "n_customers": "int",
        "events_per_session": "number",
        "median_minutes": "number",
        "purchase_share": "bar",
    }
    page.heading(_("Sessions by channel"), _("By the channel of a session's first event."))
    page.table(page.draw(charts.channel_table, result, _), _, kinds, key="channels", alt=_("Sessions by channel"))

    page.heading(charts.decline_count(result, _), charts.decline_method(result, _))
    left, right = st.columns([5, 7], gap="medium")
    with right:
        listed = page.draw(charts.decliners, result)
        if listed.height:
            kinds = {
                "customer_id": "text",
                "before_30": "number",
                "recent_30": "number",
                "p_value": "share",
            }
            page.table(listed, _, kinds, key="decliners", alt=_("Customers who come less than before"))
            customers.open_one(_, listed["customer_id"].to_list(), key="open-decliner")
    # Last, since it waits for the segments; all above stands before they are known.
    labels = walk.labels_if_any()
    grouped = walk.usage(labels) if labels else result
    with left:
        if grouped.decline_groups.height:
            names, finding = walk.names(_), charts.decline_count(grouped, _)
            st.markdown(f":small[:gray[{charts.decline_groups_note(_)}]]")
            st.vega_lite_chart(page.picture(charts.decline, grouped, names, _), key="chart-decline", alt=finding)
    page.how_counted(
        _,
        _(
            "A session is a run of a customer's events with no pause of more than {gap} minutes. A step of the funnel "
            "counts when its event comes after one of the step before, within the same session. A customer comes less "
            "when so few visits in the last {days} days would have at most a {level} chance at their own rhythm "
            "before; who comes too seldom to show that is left out.",
            gap=spec.gap_minutes,
            days=spec.recent_days,
            level=_.percent(spec.level),
        ),
        {"usage": spec},
        result.key,
    )
    page.take_away(
        _,
        "usage",
        {
            _("Customers who come less than before"): listed,
            _("Funnel"): page.draw(charts.funnel_table, result, _),
            _("Paths"): page.draw(charts.path_table, result, _),
            _("Features"): result.features,
            _("Waits for a purchase"): result.wait_curve,
            _("Sessions by week"): result.weeks,
            _("Sessions by channel"): result.channels,
            _("Decline by segment"): grouped.decline_groups,
        },
        csv=_("Customers who come less (CSV)"),
    )
