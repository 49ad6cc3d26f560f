"""At what stage is each customer, and who comes back?"""

import streamlit as st

from analytics.charts import lifecycle as charts
from analytics.lifecycle import trace_lifecycle
from app_pages.ui import page, session, walk, widgets

with page.frame("lifecycle") as _:
    with page.controls():
        automatic = {None: _("learned from the data")}
        lapsed = {**automatic, **{n: _("{n} days", n=n) for n in (30, 60, 90, 120, 180, 270, 365, 540)}}
        loyal = {**automatic, **{n: _("{n} order days a year", n=n) for n in (2, 3, 4, 5, 6, 8, 10, 12, 24)}}
        widgets.select("lifecycle", "lapsed_after_days", _("Lapsed after"), lapsed, width=220)
        widgets.select("lifecycle", "loyal_min_orders", _("Loyal from"), loyal, width=220)
        cohorts = {"month": _("Month"), "quarter": _("Quarter")}
        widgets.segmented("lifecycle", "cohort_by", _("Cohorts by"), cohorts)
    page.lesson(_, "lifecycle")
    spec = session.workspace().lifecycle
    result = page.compute(trace_lifecycle, walk.observed(), spec, heavy=True)

    page.answer(page.draw(charts.headline, result, _), _)
    left, right = st.columns([7, 5], gap="medium")
    with left:
        page.evidence(result, _, charts.stages, charts.stages_finding, charts.stages_note)
    with right:
        page.evidence(result, _, charts.transitions, charts.transitions_finding, charts.transitions_note)
    page.caveats(result.caveats, _)
    page.evidence(result, _, charts.cohorts, charts.cohorts_finding, charts.cohorts_note)
    left, right = st.columns([5, 7], gap="medium")
    with left:
        page.evidence(result, _, charts.movement, charts.movement_finding, charts.movement_note)
    with right:
        page.evidence(result, _, charts.history, charts.history_finding, charts.history_note)
    page.heading(_("All stages"))
    kinds = {
        "stage": "text",
        "n_customers": "int",
        "customer_share": "bar",
        "revenue_12m": "money",
        "revenue_share": "bar",
    }
    page.table(result.stages, _, kinds, key="stages", alt=_("All stages"), currency=result.currency)
    page.how_counted(
        _,
        _(
            "On every date each customer is in exactly one stage, by what was known on that date alone. An order "
            "counts unless all of it was returned or cancelled. A customer lapses after {lapsed} days of silence and "
            "is loyal with at least {loyal} order days within {window} days.",
            lapsed=result.rules.lapsed_after_days,
            loyal=result.rules.loyal_min_orders,
            window=result.rules.loyal_window_days,
        ),
        {"lifecycle": spec},
        result.key,
    )
    page.take_away(
        _,
        "lifecycle",
        {
            _("Cohorts"): result.cohorts,
            _("Stages"): result.stages,
            _("Month by month"): result.movement,
            _("Transitions"): result.transitions,
            _("Stage of each customer"): result.labels.frame,
        },
    )
