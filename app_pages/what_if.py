"""What if customers were cut another way: who would move, and what would it bring?"""

import streamlit as st

from analytics.charts import flow
from analytics.charts import what_if as charts
from analytics.segmentation import compare
from app_pages.ui import page, scenarios, session, walk

PLAN = {
    "segment": "text",
    "n_contacted": "int",
    "return_per_contact": "number",
    "expected_return": "money",
}
SIDE = {
    "scenario": "text",
    "n_contacted": "int",
    "contact_costs": "money",
    "expected_return": "money",
    "expected_lo": "money",
    "expected_hi": "money",
    "everybody_return": "money",
}

with page.frame("what_if") as _:
    a = scenarios.left()
    cut_a = walk.scenario_segments(a)
    with page.controls():
        scenarios.choose(_, a, cut_a)
    workspace = session.workspace()
    if workspace.what_if.b in range(1, len(workspace.scenarios) + 1):
        scenarios.edit(_, workspace.what_if.b)
    page.lesson(_, "what_if")
    b = scenarios.right(a, cut_a)
    cut_b = walk.beside(b, cut_a)
    moves = page.compute(compare, cut_a, cut_b)

    page.answer(page.draw(charts.headline, moves, _), _)
    left, right = st.columns([7, 5], gap="medium")
    with left:
        page.evidence(moves, _, flow.flow, flow.flow_finding, flow.flow_note)
    with right:
        page.evidence(moves, _, charts.borders, charts.borders_finding, charts.borders_note)
    page.evidence(moves, _, charts.profile_changes, charts.profile_changes_finding, charts.profile_changes_note)
    scenarios.border_list(_, moves)
    page.caveats((*moves.caveats, *scenarios.agreement(b, cut_b).caveats), _)

    page.heading(
        _("What would contacting them bring?"),
        _("These figures are your assumptions: nothing in the data measures them. Order values are measured."),
    )
    with page.controls("controls-payoff"):
        scenarios.assume(_, charts.named(cut_b, _), cut_b.currency)
    payoff = scenarios.payoff(b, cut_b)
    left, right = st.columns([7, 5], gap="medium")
    with left:
        page.evidence(payoff, _, charts.break_even, charts.break_even_finding, charts.break_even_note)
    with right:
        page.heading(page.draw(charts.payoff_sentence, payoff, _), _("Scenario B, the best segments first."))
        plan = page.draw(charts.payoff_table, payoff, _)
        page.table(plan, _, PLAN, key="plan", alt=_("Whom to contact"), currency=payoff.currency)
    side = scenarios.payoffs(_, a, cut_a, b, cut_b)
    page.heading(_("Scenarios side by side"), _("Each under the same assumptions; from and to are the 95% interval."))
    page.table(side, _, SIDE, key="payoffs", alt=_("Scenarios side by side"), currency=payoff.currency)
    page.caveats(payoff.caveats, _)

    page.heading(_("Who moved since then, and why?"), _("Scenario A, cut on an earlier day and now."))
    with page.controls("controls-migration"):
        scenarios.earlier_day(_, a)
    moved = scenarios.migration(a, cut_a)
    page.evidence(moved, _, charts.migration_balance, charts.migration_balance_finding, charts.migration_balance_note)
    left, right = st.columns(2, gap="medium")
    with left:
        page.evidence(moved, _, charts.people_matrix, charts.people_matrix_finding, charts.people_matrix_note)
    with right:
        page.evidence(
            moved, _, charts.definition_matrix, charts.definition_matrix_finding, charts.definition_matrix_note
        )
    page.caveats(moved.caveats, _)

    page.how_counted(
        _,
        _(
            "Segments of B are matched to those of A by the customers they share, so that as many as possible keep "
            "their segment; two segments with less than a fifth of their customers in common are not the same. "
            "Customers in one scenario only are counted apart and are no movers."
        ),
        {"a": a, "b": b, "payoff": payoff.spec},
        moves.key,
    )
    page.take_away(
        _,
        "what_if",
        {
            _("Moves"): moves.flows,
            _("Who moves"): walk.shareable(moves.movers, "customer_id"),
            _("What stays"): moves.kept,
            _("Changed profiles"): moves.profiles,
            _("Borders"): moves.borders,
            _("Customers on a border"): walk.shareable(moves.border_customers, "customer_id"),
            _("Payoff"): payoff.segments,
            _("Scenarios side by side"): side,
            _("Migration"): moved.balance,
            _("Migration, from and to"): moved.moves,
        },
    )
