"""What is to be expected of every series, which will move, and can all of it be trusted?"""

import streamlit as st

from analytics.charts import demand_outlook as charts
from app_pages.ui import demand, forecasting, page, session

KINDS = {
    "demand_series": "text",
    "demand_course": "line",
    "demand_expected": "money",
    "demand_lo": "money",
    "demand_hi": "money",
    "demand_before": "money",
    "demand_change_share": "share",
    "trend_yearly_share": "share",
    "demand_model": "text",
    "error_of_baseline": "share",
    "band_held_share": "share",
    "demand_notes": "text",
}

with page.frame("demand_outlook") as _:
    forecasting.series(_, outlook=True)
    forecasting.special_days(_)
    page.lesson(_, "demand_outlook")
    panel = demand.outlook_panel()
    forecasting.how_many(demand.n_series(), panel, _)
    result = demand.forecasts(panel)
    names = demand.names(panel, _)

    page.answer(page.draw(charts.headline, panel, result, _), _)
    page.caveats((*panel.caveats, *result.caveats), _)
    everything = (panel, result, names)
    forecasting.shown(_, everything, charts.movers_chart, charts.movers_finding, charts.movers_note)
    listed = page.draw(charts.series_table, panel, result, names, _)
    page.heading(_("All series, the largest first"), page.draw(charts.table_note, result, _))
    page.table(listed, _, KINDS, key="outlook", alt=_("All series"), currency=demand.currency(panel))
    forecasting.facts(panel, _)
    forecasting.look_deeper(listed["unique_id"].to_list(), names, _)

    left, right = st.columns(2, gap="medium")
    with left:
        forecasting.shown(_, everything, charts.leading_chart, charts.leading_finding, charts.leading_note)
    with right:
        forecasting.shown(_, everything, charts.coverage_chart, charts.coverage_finding, charts.coverage_note)
    if charts.adds_up(result):
        forecasting.shown(_, everything, charts.wholes_chart, charts.wholes_finding, charts.wholes_note)
    page.how_counted(
        _,
        _(
            "Every series is forecast by every model and taken back to {n} earlier dates, each time with nothing but "
            "what was known then; each keeps the model that its own errors speak for. Bands come from these errors. "
            "Where series are parts of others, all forecasts are reconciled by the size of their errors.",
            n=result.spec.n_origins,
        ),
        {"demand": session.workspace().demand, "forecast": demand.spec()},
        result.key,
    )
    tables = {
        _("All series"): page.draw(charts.flat_table, listed),
        _("Forecast by period"): page.draw(charts.forecast_table, panel, result, names),
        _("Scores"): page.draw(charts.models_of, result, names, _),
    }
    if charts.adds_up(result):
        tables[_("Parts and wholes")] = page.draw(charts.wholes_table, panel, result, names)
    page.take_away(_, "demand_outlook", tables, csv=_("All series (CSV)"))
