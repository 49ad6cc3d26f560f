"""Which kinds of customer do we have, and how different are they?"""

import streamlit as st

from analytics.charts import segmentation as charts
from analytics.segmentation import usable_features
from app_pages.ui import page, session, walk, widgets

NUMBERS = (2, 3, 4, 5, 6, 7, 8)
METHODS = {"kmeans": "K-means", "rfm": "RFM"}


def choose(section: str, fields: dict[str, str]) -> None:
    """The choices of one scenario."""
    widgets.segmented(section, "method", _("Method"), METHODS)
    if getattr(session.workspace(), section).method == "kmeans":
        automatic = {None: _("Auto"), **{n: str(n) for n in NUMBERS}}
        widgets.segmented(section, "n_segments", _("Number of segments"), automatic)
        widgets.several(section, "features", _("Built from"), fields, width=560, wrap=True)


with page.frame("segmentation") as _:
    customers = walk.customers()
    fields = {name: _.label("field", name) for name in page.compute(usable_features, customers)}
    with page.controls():
        choose("segmentation", fields)
    page.lesson(_, "segmentation")
    result = walk.segments()

    page.answer(page.draw(charts.headline, result, _), _)
    left, right = st.columns([7, 5], gap="medium")
    with left:
        page.evidence(result, _, charts.segment_map, charts.segment_map_finding, charts.segment_map_note)
    with right:
        page.evidence(result, _, charts.profile, charts.profile_finding, charts.profile_note)
    page.caveats(result.caveats, _)
    left, right = st.columns([5, 7], gap="medium")
    with left:
        page.evidence(result, _, charts.difference, charts.difference_finding, charts.difference_note)
    with right:
        if result.evidence.is_empty():
            rules = _("RFM cuts by rule: recency, number of orders and revenue in fifths")
            page.heading(rules, _("There is no number of segments to choose."))
        else:
            page.evidence(
                result,
                _,
                charts.number_of_segments,
                charts.number_of_segments_finding,
                charts.number_of_segments_note,
            )

    page.heading(_("All segments"))
    kinds = {
        "segment": "text",
        "n_customers": "int",
        "customer_share": "bar",
        "revenue_share": "bar",
        "mean_order_value": "money",
        "recency_days": "int",
        "n_orders": "int",
    }
    sizes = page.draw(charts.sizes_table, result, _)
    page.table(sizes, _, kinds, key="sizes", alt=_("All segments"), currency=result.currency)
    page.how_counted(
        _,
        _(
            "One row per customer with at least one order. Skewed features are taken as logarithms, extremes are "
            "capped, all are put on one scale. The number of segments is the one with the clearest separation among "
            "those that hold together when customers are resampled and leave no segment under 5% of customers."
        ),
        {"segmentation": session.workspace().segmentation},
        result.key,
    )
    page.take_away(
        _,
        "segmentation",
        {
            _("Segments"): result.sizes,
            _("Segment of each customer"): result.members,
            _("Profiles"): result.profiles,
            _("Evidence"): result.evidence,
        },
    )
