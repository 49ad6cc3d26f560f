"""Which products are growing, steady, fading or gone?"""

import streamlit as st

from analytics.charts import product_life as charts
from app_pages.ui import page, product_lives, session

KINDS = {
    "product": "text",
    "life_course": "line",
    "life_stage": "text",
    "life_certainty": "bar",
    "life_stage_before": "text",
    "change_monthly": "share",
    "life_best_share": "bar",
    "life_sales_share": "share",
    "worth_recent_year": "money",
    "sold_recent_year": "int",
    "sold_year_before": "int",
    "level_monthly": "number",
    "last_sold_from": "day",
    "category": "text",
    "life_id": "text",
}

with page.frame("product_life") as _:
    product_lives.choose(_)
    page.lesson(_, "product_life")
    result = product_lives.traced()

    page.answer(page.draw(charts.headline, result, _), _)
    page.evidence(result, _, charts.life_curve, charts.life_curve_finding, charts.life_curve_note)
    page.caveats(result.caveats, _)
    left, right = st.columns([7, 5], gap="medium")
    with left:
        if charts.has_map(result):
            page.evidence(result, _, charts.portfolio_map, charts.portfolio_map_finding, charts.portfolio_map_note)
    with right:
        page.evidence(result, _, charts.stage_flow, charts.stage_flow_finding, charts.stage_flow_note)
    left, right = st.columns([5, 7], gap="medium")
    with left:
        page.evidence(result, _, charts.over_time, charts.over_time_finding, charts.over_time_note)
    with right:
        product_lives.movers(result, _)

    found = product_lives.evidence(result)
    product_lives.one_product(result, found, _)
    product_lives.what_happened(result, found, _)
    rated = product_lives.feedback(result)
    left, right = st.columns(2, gap="medium")
    with left:
        if charts.has_ratings(rated):
            page.evidence(rated, _, charts.ratings, charts.ratings_finding, charts.ratings_note)
    with right:
        product_lives.hindsight(result, _)
    listed = page.draw(charts.product_table, result, _)
    page.heading(_("All products, the most sales first"), page.draw(charts.table_note, result, _))
    page.table(listed, _, KINDS, key="product-life", alt=_("All products"), currency=result.currency)
    page.how_counted(
        _,
        _(
            "Sales by periods of four weeks, counted back from the last whole week (months where the series are "
            "monthly). Season and, if so chosen, the trend of the typical product are taken out. Stage, pace and level "
            "are a hidden path that is read from these sales period by period (a hidden Markov model: mostly from one "
            "stage to the next, rarely otherwise); the stage is the most likely one given everything sold so far. What "
            "changes by less than {share} a month is steady. One period in twenty may be an outlier, and is no turn.",
            share=_.percent(result.spec.steady_within, 1),
        ),
        {"product_life": session.workspace().product_life},
        result.key,
    )
    tables = {
        _("Products"): page.draw(charts.flat_table, result, _),
        _("Stages"): page.draw(charts.stage_table, result, _),
        _("Changes of stage"): page.draw(charts.flow_table, result, _),
        _("Odd weeks"): page.draw(charts.odd_table, result, found, _),
        _("Turns"): page.draw(charts.turn_table, result, found, _),
        _("Course by period"): page.draw(charts.history_table, result, _),
    }
    if charts.has_ratings(rated):
        tables[_("Ratings by stage")] = page.draw(charts.feedback_table, rated, _)
    page.take_away(_, "product_life", tables, csv=_("Products with their stage (CSV)"))
