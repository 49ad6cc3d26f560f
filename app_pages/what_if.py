"""What if customers were cut another way: who would move, and what would it bring?"""

import streamlit as st

from analytics.charts import flow
from analytics.charts import what_if as charts
from analytics.segmentation import compare
from app_pages.ui import page, scenarios, session, walk

with page.frame("what_if") as _:
    a = scenarios.left()
    cut_a = walk.scenario_segments(a)
    with page.controls():
        scenarios.choose(_, a, cut_a)
    workspace = session.workspace()
    if workspace.what_if.b in range(1, len(workspace.scenarios) + 1):
        with page.controls("controls-b"):
            scenarios.edit(_, workspace.what_if.b)
    page.lesson(_, "what_if")
    cut_b = walk.beside(scenarios.right(a, cut_a), cut_a)
    moves = page.compute(compare, cut_a, cut_b)

    page.answer(page.draw(charts.headline, moves, _), _)
    left, right = st.columns([7, 5], gap="medium")
    with left:
        page.evidence(moves, _, flow.flow, flow.flow_finding, flow.flow_note)
    with right:
        page.evidence(moves, _, charts.borders, charts.borders_finding, charts.borders_note)
    page.evidence(moves, _, charts.profile_changes, charts.profile_changes_finding, charts.profile_changes_note)
    page.caveats(moves.caveats, _)

    page.how_counted(
        _,
        _(
            "Segments of B are matched to those of A by the customers they share, so that as many as possible keep "
            "their segment; two segments with less than a fifth of their customers in common are not the same. "
            "Customers in one scenario only are counted apart and are no movers."
        ),
        {"a": a, "b": cut_b.spec, "what_if": workspace.what_if},
        moves.key,
    )
    page.take_away(
        _,
        "what_if",
        {
            _("Moves"): moves.flows,
            _("What stays"): moves.kept,
            _("Changed profiles"): moves.profiles,
            _("Borders"): moves.borders,
        },
    )
