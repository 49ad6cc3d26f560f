"""Who are these customers, in a form a colleague can remember?"""

import streamlit as st

from analytics.charts import personas as charts
from app_pages.ui import page, session, walk, widgets


def card(label: str) -> None:
    """One persona: who, how many, what sets it apart, what does not, and on what this rests."""
    with st.container(border=True, height="stretch"):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.badge(names[label], color="gray")
            st.space("stretch")
            st.markdown(f":small[:gray[{page.draw(charts.people, result, label, _)}]]", width="content")
        st.markdown(page.draw(charts.one_line, result, label, _))
        page.metrics(page.draw(charts.card_metrics, result, label, _), columns=2)
        finding = page.draw(charts.traits_finding, result, label, _)
        st.vega_lite_chart(
            page.picture(charts.traits, result, label, names, _), width="stretch", key=f"traits-{label}", alt=finding
        )
        for line in (charts.similar_line, charts.evidence_line):
            st.markdown(f":small[:gray[{page.draw(line, result, label, _)}]]")


with page.frame("personas") as _:
    with page.controls():
        traits = {n: str(n) for n in (3, 4, 5)}
        widgets.segmented("personas", "n_traits", _("Traits on a card"), traits)
        effects = {0.1: _("small, from 0.1"), 0.2: _("usual, from 0.2"), 0.5: _("large, from 0.5")}
        widgets.segmented("personas", "min_effect", _("Least difference shown"), effects)
        least = {n: str(n) for n in (10, 20, 50, 100)}
        widgets.segmented("personas", "min_group", _("Fewest people on a card"), least)
    page.lesson(_, "personas")
    result, names = walk.personas(), walk.names(_)

    page.answer(page.draw(charts.headline, result, names, _), _)
    page.heading(_("The cards"), page.draw(charts.traits_note, result, _))
    with st.grid(min_column_width=330, gap="medium"):
        for label in result.cards["label"]:
            card(label)
    note = page.draw(charts.built_in_note, result, _)
    if note:
        st.markdown(f":small[:gray[{note}]]")
    page.caveats(result.caveats, _)
    page.how_counted(
        _,
        _(
            "Personas are the present segments. Each is compared with everyone else: numbers by their standardised "
            "difference, categories by the difference in share, each with its 95% interval, corrected for the number "
            "of comparisons (Holm). No figure stands for fewer than {limit} people.",
            limit=result.spec.min_group,
        ),
        {"personas": result.spec, "segmentation": session.workspace().segmentation},
        result.key,
    )
    page.take_away(
        _,
        "personas",
        {
            _("Cards"): result.cards,
            _("All comparisons"): result.traits,
            _("Not different"): result.similar,
            _("Coverage"): result.coverage,
        },
    )
