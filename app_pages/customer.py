"""Who is this customer, and what did they do?"""

import streamlit as st

from analytics.charts import portrait as charts
from analytics.charts import timeline
from app_pages.ui import customers, page, session, walk

with page.frame("customer") as _:
    chosen = customers.choose(_)
    page.lesson(_, "customer")
    result = customers.portrait(chosen)
    names = walk.names(_) if result.label is not None else {}

    page.answer(page.draw(charts.headline, result, names, _), _)
    page.evidence(result, _, timeline.timeline, timeline.timeline_finding, timeline.timeline_note)
    page.caveats(result.caveats, _)
    left, right = st.columns([7, 5], gap="medium")
    with left:
        if charts.has_places(result):
            page.evidence(result, _, charts.places, charts.places_finding, charts.places_note)
        if charts.has_habits(result):
            page.evidence(result, _, charts.habits_bought, charts.habits_bought_finding, charts.habits_bought_note)
    with right:
        if charts.has_rhythm(result):
            page.evidence(result, _, charts.rhythm, charts.rhythm_finding, charts.rhythm_note)
        if charts.has_habits(result):
            page.evidence(result, _, charts.habits_ways, charts.habits_ways_finding, charts.habits_ways_note)
        if result.attributes.height:
            page.heading(_("What is known about the person"))
            about = page.draw(charts.person_rows, result, _)
            st.table(about, border="horizontal", hide_index=True, hide_header=True, alt=_("About the person"))
    if result.texts.height:
        page.heading(
            charts.texts_finding(result, _), _("The customer's own words, latest first; personal data are taken out.")
        )
        st.table(page.draw(charts.text_rows, result, _), border="horizontal", hide_index=True, alt=_("Own words"))
    if result.campaigns.height:
        page.heading(charts.campaigns_finding(result, _))
        kinds = {"campaign": "text", "day": "day", "channel": "text", "arm": "text", "answer": "text"}
        kinds["revenue"] = "money"
        listed = page.draw(charts.campaign_table, result, _)
        page.table(listed, _, kinds, key="campaigns", alt=_("Campaigns"), currency=result.currency)
    figures = page.draw(charts.figure_table, result, _)
    with st.expander(_("The rows behind each figure"), icon=":material/table_rows:", type="compact"):
        kinds = {"figure": "text", "figure_value": "text", "below": "share", "n_all": "int", "n_rows": "int"}
        page.table(figures, _, kinds, key="figures", alt=_("All figures"))
        if session.may("see_rows"):
            customers.behind(_, result)
    page.how_counted(
        _,
        _(
            "Figures are those of the customer table that all analyses start from; each is made of the rows shown "
            "above. A place is the share of all {n} customers with less. The rhythm compares the days since the last "
            "order with the customer's own earlier gaps; it is no forecast.",
            n=result.n_customers,
        ),
        {"portrait": session.workspace().portrait},
        result.key,
    )
    page.take_away(
        _,
        "customer",
        {
            _("All figures"): page.draw(charts.figures_of, result, _),
            _("Timeline"): page.draw(charts.moments_of, result, _),
            _("Habits"): page.draw(charts.habits_of, result),
        },
        csv=_("This customer's figures (CSV)"),
    )
