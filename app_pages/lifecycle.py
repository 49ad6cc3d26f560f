"""At what stage is each customer, and who comes back?"""

import streamlit as st

from analytics.charts import lifecycle as charts
from app_pages.ui import page, session, stages, walk

NAME = "lifecycle"

with page.frame(NAME) as _:
    with page.controls():
        stages.rules(_)
    page.lesson(_, NAME)
    spec, view = session.workspace().lifecycle, session.workspace().cohort_view
    result = walk.lifecycle()
    kind = result.rules.kind

    page.answer(page.draw(charts.headline, result, _), _)
    left, right = st.columns([7, 5], gap="medium")
    with left:
        page.evidence(result, _, charts.stages, charts.stages_finding, charts.stages_note)
    with right:
        page.evidence(result, _, charts.transitions, charts.transitions_finding, charts.transitions_note)
    page.caveats(result.caveats, _)
    with page.controls("flow-days"):
        stages.flow_days(_, result)
    flow = walk.stage_flow(result.rules)
    told = [page.draw(part, flow, kind, _) for part in (charts.flow_finding, charts.flow_note)]
    page.chart(*told, page.picture(charts.flow, flow, kind, _), key="chart-flow")
    left, right = st.columns([5, 7], gap="medium")
    with left:
        page.evidence(result, _, charts.movement, charts.movement_finding, charts.movement_note)
    with right:
        page.evidence(result, _, charts.history, charts.history_finding, charts.history_note)
    with page.controls("cohorts"):
        stages.cohort_view(_, result)
    grid = page.picture(charts.cohort_grid, result, view, _)
    note = page.draw(charts.cohort_grid_note, result, view, _)
    page.chart(page.draw(charts.cohorts_finding, result, _), note, grid, key="chart-cohorts")
    lines = page.picture(charts.cohort_lines, result, view, _)
    told = [page.draw(part, result, view, _) for part in (charts.cohort_lines_finding, charts.cohort_lines_note)]
    page.chart(*told, lines, key="chart-cohort-lines")
    if charts.has_projection(result):
        page.evidence(result, _, charts.projection, charts.projection_finding, charts.projection_note)
    page.evidence(result, _, charts.spells, charts.spells_finding, charts.spells_note)
    page.heading(_("All stages"))
    page.table(result.stages, _, stages.COLUMNS, key="stages", alt=_("All stages"), currency=result.currency)
    page.how_counted(
        _,
        stages.counted(result, _),
        {"lifecycle": spec, "stage_flow": session.workspace().stage_flow},
        result.key,
    )
    page.take_away(
        _,
        NAME,
        {
            _("Cohorts"): result.cohorts,
            _("Stages"): result.stages,
            _("Month by month"): result.movement,
            _("Stages over time"): result.history,
            _("Transitions"): result.transitions,
            _("Between two days"): flow.frame,
            _("All cohorts together"): result.retention,
            _("Time in a stage"): result.spells,
            **({_("Projected retention"): result.projection.frame} if result.projection else {}),
            _("Stage of each customer"): result.labels.frame,
        },
    )
