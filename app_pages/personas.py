"""Who are these customers, in a form a colleague can remember?"""

import streamlit as st

from analytics.charts import personas as charts
from analytics.segmentation import usable_features
from app_pages.ui import page, persona_cards, session, walk, widgets

with page.frame("personas") as _:
    chosen = session.workspace().personas
    with page.controls():
        sources = widgets.options("personas", "source", _)
        widgets.segmented("personas", "source", _("Groups"), sources)
        if chosen.source == "own":
            numbers = {None: _("recommended"), **{n: str(n) for n in range(2, 9)}}
            widgets.select("personas", "own_number", _("Number of groups"), numbers, width=220)
            fields = {name: _.label("field", name) for name in page.compute(usable_features, walk.customers())}
            usual = _("what people order, and who they are")
            widgets.several("personas", "own_features", _("Built from"), fields, placeholder=usual, width=420)
        traits = {n: str(n) for n in (3, 4, 5)}
        widgets.segmented("personas", "n_traits", _("Traits on a card"), traits)
        effects = {0.1: _("small, from 0.1"), 0.2: _("usual, from 0.2"), 0.5: _("large, from 0.5")}
        widgets.segmented("personas", "min_effect", _("Least difference shown"), effects)
        least = {n: str(n) for n in (10, 20, 50, 100)}
        widgets.segmented("personas", "min_group", _("Fewest people on a card"), least)
    page.lesson(_, "personas")
    groups, result, names = walk.persona_groups(), walk.personas(), walk.persona_names(_)
    cards = walk.persona_cards(_)
    called = {**names, **{card.label: card.name for card in cards}}

    page.answer(page.draw(charts.headline, result, called, walk.persona_stability(), _), _)
    one_by_one, together = st.tabs([_("The cards"), _("Side by side")])
    with one_by_one:
        page.heading(page.draw(charts.cards_finding, result, _), page.draw(charts.traits_note, result, _))
        with st.grid(min_column_width=300, gap="medium"):
            for card in cards:
                persona_cards.show(result, card, called, _)
        note = page.draw(charts.built_in_note, result, _)
        if note:
            st.markdown(f":small[:gray[{note}]]")
    with together:
        finding = page.draw(charts.comparison_finding, result, _)
        page.heading(finding, page.draw(charts.comparison_note, result, _))
        st.table(page.draw(charts.comparison, result, called, _), border="horizontal", hide_index=True, alt=finding)
    page.caveats(result.caveats, _)
    page.how_counted(
        _,
        _(
            "Each group is compared with everyone else: numbers by their standardised difference, categories by the "
            "difference in share, purchases by their mean share among each person's own orders, each with its 95% "
            "interval, all {tests} comparisons corrected together (Holm). No figure stands for fewer than {limit} "
            "people, nor can one be had by subtraction. Quotes come from groups with at least 5 authors; texts with "
            "anything personal in them are left out; of the rest the most typical are drawn. Pains count people: who "
            "orders more has more occasions for them.",
            tests=result.n_tests,
            limit=result.spec.min_group,
        ),
        {"personas": result.spec, "groups": groups.spec},
        result.key,
    )
    persona_cards.sheets(result, cards, called, _)
    page.take_away(
        _,
        "personas",
        {
            _("Cards"): result.cards,
            _("All comparisons"): result.traits,
            _("Needs"): result.needs,
            _("Pains"): result.pains,
            _("Not different"): result.similar,
            _("Coverage"): result.coverage,
            _("Who belongs where"): walk.persona_list(_),
        },
    )
