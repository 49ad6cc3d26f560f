"""Which kinds of customer do we have, and how different are they?"""

import streamlit as st

from analytics.charts import segmentation as charts
from analytics.segmentation.evidence import weigh_cut
from app_pages.ui import customers as one_customer
from app_pages.ui import page, segmenting, session, walk

KINDS = {
    "segment": "text",
    "n_customers": "int",
    "customer_share": "bar",
    "revenue_share": "bar",
    "mean_order_value": "money",
    "recency_days": "int",
    "n_orders": "int",
}
EXAMPLE_KINDS = {"revenue": "money", "mean_order_value": "money"}
NUMBER_KINDS = {
    "n_segments": "text",
    "separation": "number",
    "silhouette": "number",
    "calinski_harabasz": "int",
    "bic": "int",
    "stability": "number",
    "min_share": "share",
    "qualifies": "text",
}

with page.frame("segmentation") as _:
    customers = walk.customers()
    segmenting.choose(_, customers)
    page.lesson(_, "segmentation")
    result, evidence = walk.segments(), walk.evidence()

    page.answer(page.draw(charts.headline, result, evidence, _), _)
    left, right = st.columns([7, 5], gap="medium")
    with left:
        page.evidence(result, _, charts.segment_map, charts.segment_map_finding, charts.segment_map_note)
    with right:
        if charts.has_value(result):
            page.evidence(
                result,
                _,
                charts.size_against_value,
                charts.size_against_value_finding,
                charts.size_against_value_note,
            )
    page.caveats((*result.caveats, *page.compute(weigh_cut, evidence, result).caveats), _)

    left, right = st.columns([7, 5] if result.rfm_cells.height else [5, 7], gap="medium")
    with left:
        if evidence.structure:
            finding = page.draw(charts.number_of_segments_finding, result, evidence, _)
            note = page.draw(charts.number_of_segments_note, result, evidence, _)
            page.chart(finding, note, page.picture(charts.number_of_segments, result, evidence, _), key="chart-number")
        elif result.rfm_cells.height:
            page.evidence(result, _, charts.rfm_grid, charts.rfm_grid_finding, charts.rfm_grid_note)
    with right:
        page.evidence(result, _, charts.profile, charts.profile_finding, charts.profile_note)
    if evidence.structure:
        with st.expander(_("Every figure for each number of segments"), icon=":material/table:", type="compact"):
            st.markdown(charts.reason_sentence(evidence, _))
            figures = page.draw(charts.numbers_table, evidence, _)
            page.table(figures, _, NUMBER_KINDS, key="numbers", alt=_("Every figure for each number of segments"))

    left, right = st.columns([9, 3], vertical_alignment="bottom")
    with left:
        page.heading(
            _("What sets each segment apart"),
            _("Each against all other customers: the strongest differences with their 95% intervals."),
        )
    with right, st.container(horizontal_alignment="right"):
        segmenting.names(_, result)
    explanation = walk.explanation()
    rows = charts.n_traits(explanation)
    with st.grid(min_column_width=440):
        for label, name in walk.names(_).items():
            if label in charts.explained(explanation):
                with st.container(border=True, key=f"segment-{label}"):
                    page.heading(charts.card_title(result, label, _), charts.card_note(result, label, _))
                    finding = page.draw(charts.difference_sentence, explanation, label, _)
                    drawn = page.picture(charts.dumbbells, explanation, label, _, rows)
                    st.vega_lite_chart(drawn, width="stretch", key=f"chart-apart-{label}", alt=f"{name}: {finding}")
                    st.markdown(page.draw(charts.rule_card, explanation, label, _))

    page.heading(page.draw(charts.rules_finding, explanation, _), page.draw(charts.rules_note, explanation, _))
    if explanation.rules.height:
        with st.expander(_("Short rules with their intervals"), icon=":material/table:", type="compact"):
            rules = page.draw(charts.rules_table, explanation, _)
            st.table(rules, border="horizontal", hide_index=True, alt=_("Short rules"))
    page.caveats(explanation.caveats, _)

    kinds = {name: EXAMPLE_KINDS.get(name, kind) for name, kind in charts.example_kinds(explanation).items()}
    left, right = st.columns(2, gap="medium")
    with left:
        page.heading(_("Typical customers"), _("Those nearest the centre of each segment."))
        typical = page.draw(charts.typical_table, explanation, _)
        shown = {"segment": "text", "customer_id": "text", **kinds}
        page.table(typical, _, shown, key="typical", alt=_("Typical customers"), currency=result.currency)
        one_customer.open_one(_, typical["customer_id"].to_list(), key="open-typical")
    with right:
        page.heading(
            page.draw(charts.border_finding, explanation, _),
            _("Those with hardly any margin: another look at the data could move them."),
        )
        border = page.draw(charts.border_table, explanation, _)
        if border.height:
            shown = {"segment": "text", "near": "text", "customer_id": "text", **kinds}
            page.table(border, _, shown, key="border", alt=_("Border customers"), currency=result.currency)
            one_customer.open_one(_, border["customer_id"].to_list(), key="open-border")

    page.heading(_("All segments"))
    sizes = page.draw(charts.sizes_table, result, _)
    page.table(sizes, _, KINDS, key="sizes", alt=_("All segments"), currency=result.currency)
    page.how_counted(
        _,
        _(
            "One row per customer with at least one order. Skewed features are taken as logarithms, extremes are "
            "capped, all are put on one scale; what people buy counts by its shares, drawn to those of all where "
            "orders are few. The recommended number is one that holds together when customers are resampled, leaves "
            "no segment under 5% of customers and separates better than data without clusters would."
        ),
        {"segmentation": segmenting.counted(), "names": session.workspace().segment_names},
        result.key,
    )
    page.take_away(
        _,
        "segmentation",
        {
            _("Segments"): sizes,
            _("Segment of each customer"): walk.shareable(charts.members_table(result, _), "customer_id"),
            _("Profiles"): result.profiles,
            _("Differences"): explanation.contrasts,
            _("Short rules"): explanation.rules,
            _("Evidence"): evidence.numbers,
        },
    )
