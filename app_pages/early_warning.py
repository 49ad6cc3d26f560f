"""Who is about to leave?"""

import streamlit as st

from analytics.charts import early_warning as charts
from app_pages.ui import customers, page, session, walk, widgets

HORIZONS, CUTS, LISTS = (14, 30, 60, 90, 180, 365), (4, 6, 8, 12, 18, 24), (25, 50, 100, 200, 500, 1000, 5000)
SHARES = (0.01, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5)
KINDS = {
    "customer_id": "text",
    "risk": "bar",
    "risk_span": "text",
    "value_at_risk": "money",
    "value_last_year": "money",
    "risk_reasons": "text",
    "group": "text",
    "last_seen_on": "day",
}

with page.frame("early_warning") as _:
    spec = session.workspace().churn
    row = page.controls()
    with row:
        widgets.select("churn", "target", _("Gone means"), widgets.options("churn", "target", _), width=230)
        if spec.target == "given":
            columns = walk.few_valued()
            proposed = {"": _("as proposed")}
            named = {**proposed, **{name: _.label("field", name) for name in columns}}
            widgets.select("churn", "column", _("Column"), named, resets={"churn": {"gone_value": ""}}, width=190)
            values = {**proposed, **{value: value for value in columns.get(spec.column, [])}}
            widgets.select("churn", "gone_value", _("Value that means gone"), values, width=170)
        else:
            days = {None: _("learned from the data"), **{n: _("{n} days", n=n) for n in HORIZONS}}
            widgets.select("churn", "horizon_days", _("Looking ahead"), days, width=200)
            cuts = {n: _("{n} at most", n=n) for n in CUTS}
            widgets.select("churn", "n_cuts", _("Past cut-offs"), cuts, width=130)
        lists = {None: _("a share of them"), **{n: _("{n} customers", n=n) for n in LISTS}}
        widgets.select("churn", "capacity", _("There is time for"), lists, width=170)
        if spec.capacity is None:
            shares = {share: _.percent(share) for share in SHARES}
            widgets.slider("churn", "capacity_share", _("Share that can be contacted"), shares, width=230)
    page.lesson(_, "early_warning")
    result = walk.warning()

    page.answer(page.draw(charts.headline, result, _), _)
    left, right = st.columns([7, 5], gap="medium")
    with left:
        page.evidence(result, _, charts.gains, charts.gains_finding, charts.gains_note)
    with right:
        page.evidence(result, _, charts.calibration, charts.calibration_finding, charts.calibration_note)
    page.caveats(result.caveats, _)

    left, right = st.columns([7, 5], gap="medium")
    with left:
        page.evidence(result, _, charts.groups, charts.groups_finding, charts.groups_note)
    with right:
        page.evidence(result, _, charts.risks, charts.risks_finding, charts.risks_note)
    listed = page.draw(charts.customer_table, result, _)
    page.heading(charts.list_title(result, _), page.draw(charts.list_note, result, _))
    page.table(listed, _, KINDS, key="listed", alt=charts.list_title(result, _), currency=result.currency)
    customers.open_one(_, listed["customer_id"].to_list(), key="open-listed")

    if charts.has_backtest(result):
        left, right = st.columns([7, 5], gap="medium")
        with left:
            page.evidence(result, _, charts.timeline, charts.timeline_finding, charts.timeline_note)
        with right:
            page.evidence(result, _, charts.lead, charts.lead_finding, charts.lead_note)
    left, right = st.columns([7, 5], gap="medium")
    with left:
        page.evidence(result, _, charts.drivers, charts.drivers_finding, charts.drivers_note)
    with right:
        page.evidence(result, _, charts.contest, charts.contest_finding, charts.contest_note)
        page.heading(charts.guard_finding(result, _), page.draw(charts.guard_note, result, _))
        refused = page.draw(charts.refusals, result, _)
        if refused:
            st.table(refused, border="horizontal")
        st.markdown(f":small[:gray[{page.draw(charts.unused, result, _)}]]")
    used = page.draw(charts.used_features, result, _)
    widgets.several("churn", "leave_out", _("Leave out"), used, placeholder=_("nothing"))
    page.how_counted(
        _,
        _(
            "A cut-off is a day: what describes a customer is counted from rows up to it, what became of them from the "
            "days after it. Every past cut-off was predicted by a model, a choice of model and a calibration that had "
            "seen only windows that had ended by then. Customers who are active on the as-of date get a risk."
        ),
        {"churn": spec},
        result.key,
    )
    page.take_away(
        _,
        "early_warning",
        {
            _("Whom to save"): listed,
            _("All risks"): page.draw(charts.all_customers, result, _),
            _("Cut-offs"): result.cuts,
            _("Models and simple rules"): page.draw(charts.model_table, result, _),
            _("Calibration"): result.calibration,
            _("What goes with leaving"): page.draw(charts.driver_table, result, _),
            _("All that was counted"): page.draw(charts.feature_table, result, _),
            _("Warnings of those who went"): result.warnings,
        },
        csv=_("Whom to save (CSV)"),
    )
