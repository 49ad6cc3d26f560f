"""How much will be sold, and how sure are we?"""

import streamlit as st

from analytics.charts import forecasting as charts
from analytics.forecasting import forecast
from app_pages.ui import page, session, walk, widgets

HORIZONS = {"day": (7, 14, 28, 56, 91), "week": (4, 8, 12, 26, 52), "month": (3, 6, 12)}
COUNTRIES = ("TW", "CN", "HK", "US", "GB")

with page.frame("forecasting") as _:
    with page.controls():
        measures = {
            "revenue": _("Revenue"),
            "quantity": _("Items"),
            "orders": _("Orders"),
            "customers": _("Customers"),
        }
        splits = {
            "total": _("Everything"),
            "category": _("One category"),
            "product": _("One product"),
            "segment": _("One segment"),
            "channel": _("One channel"),
            "country": _("One country"),
        }
        periods = {"day": _("Day"), "week": _("Week"), "month": _("Month")}
        series = {"forecast": {"unique_id": ""}}
        widgets.select("demand", "measure", _("What"), measures, width=150)
        widgets.select("demand", "by", _("Of what"), splits, width=180, resets=series)
        if session.workspace().demand.by != "total":
            members = walk.demand_members(_)
            widgets.select("forecast", "unique_id", _("Which one"), members, width=240)
        widgets.segmented("demand", "frequency", _("By"), periods, resets={"forecast": {"horizon": None}})
        frequency = session.workspace().demand.frequency
        ahead = {n: walk.periods(n, frequency, _) for n in HORIZONS[frequency]}
        widgets.select("forecast", "horizon", _("Ahead"), {None: _("as usual"), **ahead}, width=150)
        countries = {code: _.phrase(f"country.{code}") for code in COUNTRIES}
        widgets.several("forecast", "holidays", _("Holidays of"), countries, width=220, placeholder=_("none"))
    page.lesson(_, "forecasting")
    workspace = session.workspace()
    panel = walk.demand()
    result = page.compute(forecast, panel, workspace.forecast, heavy=True)

    page.answer(page.draw(charts.headline, result, _), _)
    page.evidence(result, _, charts.forecast_chart, charts.forecast_chart_finding, charts.forecast_chart_note)
    page.caveats((*panel.caveats, *result.caveats), _)
    if result.n_origins:
        left, right = st.columns([7, 5], gap="medium")
        with left:
            page.evidence(result, _, charts.backtest_chart, charts.backtest_chart_finding, charts.backtest_chart_note)
        with right:
            page.heading(_("The models side by side"), page.draw(charts.score_note, result, _))
            st.table(
                page.transposed(page.draw(charts.score_rows, result, _)),
                border="horizontal",
                alt=_("The models side by side"),
            )
    names = charts.component_names(result)
    if names:
        page.heading(_("What the forecast is made of"))
        with st.grid(min_column_width=320, gap="medium"):
            for name in names:
                page.chart(
                    page.draw(charts.component_finding, result, name, _),
                    page.draw(charts.component_note, result, name, _),
                    page.picture(charts.component_chart, result, name, _),
                    key=f"component-{name}",
                )
    page.how_counted(
        _,
        _(
            "Orders are summed by period; lines without a customer count; the incomplete last period is left out. "
            "Prophet is fitted to what was known by the as-of date. Both models are tested on {n} earlier dates, each "
            "time with only what was known then; their bands are as wide as these tests require.",
            n=result.n_origins,
        ),
        {"demand": workspace.demand, "forecast": workspace.forecast},
        result.key,
    )
    page.take_away(
        _,
        "forecasting",
        {
            _("Forecast"): result.forecast,
            _("History"): result.history,
            _("Back-test"): result.backtest,
            _("Scores"): result.scores,
            _("Components"): result.decomposition,
        },
    )
