"""What if the price, a promotion or an event were another, and how much should be in stock?"""

import streamlit as st

from analytics.charts import planning as charts
from analytics.errors import AnalysisError
from app_pages.ui import demand, forecasting, page, planning

with page.frame("planning") as _:
    planning.series(_)
    forecasting.special_days(_)
    page.lesson(_, "planning")
    panel = planning.items()
    result = demand.in_sight(panel)
    known, why_not = None, None
    try:
        known = planning.response()
    except AnalysisError as error:
        why_not = error
    played = planning.scenarios(result, known)

    page.answer(planning.answer(played, planning.stock_if_any(result), _), _)
    planning.choose(_)
    planning.edit(known, played, _)
    planning.compare(played, _)
    st.table(
        page.draw(charts.scenario_rows, played, _),
        border="horizontal",
        hide_index=True,
        alt=_("Scenarios side by side"),
    )
    if why_not is not None:
        page.message(why_not, _, tone="watch")
    if known is not None:
        planning.effects(played, known, _)
        page.caveats((*played.caveats, *known.caveats), _)

    page.heading(_("How much should be in stock?"), page.draw(charts.stock_note, result, _))
    held = planning.stock_view(result, _)
    page.caveats((*panel.caveats, *result.caveats), _)

    page.how_counted(
        _,
        _(
            "Every possible future of the forecast is multiplied by a ratio drawn from what is known of the response, "
            "so the intervals hold both doubts. The response is a regression of daily sales per group of related "
            "products: level, season, weekday and events are taken out, each product has its own elasticity drawn "
            "towards its group's. It is shown only where it made parts of the history that were left out easier to "
            "foretell. The stock must last through one review and one lead time; demand over them comes from the "
            "forecast's paths."
        ),
        planning.spec_of(),
        played.key,
    )
    page.take_away(_, "planning", planning.tables(played, known, held, _), csv=_("Scenarios (CSV)"))
