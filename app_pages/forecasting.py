"""How much will be sold, and how sure are we?"""

import streamlit as st

from analytics.charts import forecasting as charts
from app_pages.ui import demand, forecasting, page, session

with page.frame("forecasting") as _:
    forecasting.series(_)
    forecasting.special_days(_)
    forecasting.models(_)
    page.lesson(_, "forecasting")
    panel = demand.panel()
    result = demand.in_sight(panel)

    page.answer(page.draw(charts.headline, result, _), _)
    page.evidence(result, _, charts.forecast_chart, charts.forecast_chart_finding, charts.forecast_chart_note)
    forecasting.facts(panel, _)
    page.caveats((*panel.caveats, *result.caveats), _)
    if charts.has_models(result):
        forecasting.backtest(result, _)
        left, right = st.columns([7, 5], gap="medium")
        with left:
            page.evidence(result, _, charts.models_chart, charts.models_finding, charts.models_note)
        with right:
            page.evidence(result, _, charts.coverage_chart, charts.coverage_finding, charts.coverage_note)
        with st.expander(_("The models side by side"), icon=":material/table:", type="compact"):
            st.markdown(f":small[:gray[{page.draw(charts.score_note, result, _)}]]")
            rows = page.draw(charts.score_rows, result, _)
            st.table(rows, border="horizontal", hide_index=True, alt=_("The models side by side"))
    forecasting.components(result, _)
    page.how_counted(
        _,
        _(
            "Order lines are summed by period; returns are taken off, anonymous lines count; the incomplete last "
            "period is left out. Every model is taken back to {n} earlier dates and forecasts from nothing but what "
            "was known then. The model with the least error leads, a simpler one where the difference is not clear. "
            "The bands are as wide as those errors require; the last periods were kept away from all of this.",
            n=result.n_origins,
        ),
        {"demand": session.workspace().demand, "forecast": demand.spec()},
        result.key,
    )
    page.take_away(
        _,
        "forecasting",
        {
            _("Forecast"): result.forecast,
            _("History"): result.history,
            _("Back-test"): result.backtest,
            _("Scores"): page.draw(charts.score_table, result, _),
            _("Total"): result.totals,
            _("Components"): result.decomposition,
            _("Effects"): page.draw(charts.effects_table, result, _),
        },
        csv=_("Forecast (CSV)"),
    )
