"""Can these data be trusted, and what happened to the rest?"""

import streamlit as st

from analytics.charts import coverage as times
from analytics.charts import quality as charts
from analytics.quality import THRESHOLDS
from app_pages.ui import intake, page, session, walk, widgets
from app_pages.ui.recipe import downloads, recipe, told

REPAIRS = (
    "duplicates",
    "same_customer",
    "missing_customer",
    "missing_date",
    "negative_price",
    "zero_price",
    "unparsed",
    "future_dates",
    "early_dates",
    "service_codes",
    "test_accounts",
    "spelling_variants",
    "impossible_values",
    "overlaps",
)
MOST_SHOWN = 200

with page.frame("validation") as _:
    page.lesson(_, "validation")
    result, rows_seen = intake.validated(), session.may("see_rows")
    page.answer(page.draw(charts.headline, result, _), _)
    left, right = st.columns([7, 5], gap="medium")
    with left:
        if result.report.issues:
            page.evidence(result, _, charts.findings, charts.findings_finding, charts.findings_note)
        else:
            page.heading(page.draw(charts.findings_finding, result, _))
    with right:
        page.heading(_("Where every row went"), _("Rows in = kept + set aside + merged, for every file."))
        kinds = {
            "source": "text",
            "rows_in": "int",
            "kept": "int",
            "quarantined": "int",
            "merged": "int",
            "erased": "int",
        }
        page.table(intake.balances(), _, kinds, key="balances", alt=_("Where every row went"))
        reasons = page.draw(charts.reason_rows, result, _)
        if reasons:
            st.table(reasons, border="horizontal", hide_index=True, alt=_("Why rows were set aside"))
    if page.draw(times.has_coverage, result.dataset):
        page.evidence(result.dataset, _, times.coverage, times.coverage_finding, times.coverage_note)
    page.caveats(result.caveats, _)
    found = page.draw(charts.severities, result, _)
    if found:
        page.heading(
            _("All findings"),
            _("Each file is counted as it came; what is compared across tables, after your own steps."),
        )
        for severity, tab in zip(found, st.tabs(list(found.values())), strict=True):
            rows = page.draw(charts.issue_rows if rows_seen else charts.issue_rows_told, result, severity, _)
            tab.table(rows, border="horizontal", hide_index=True, alt=found[severity])
    recipe(_, result)
    repairs = st.expander(_("Standing repairs: what is done with each kind of finding"), icon=":material/build:")
    with repairs, st.grid(min_column_width=260, gap="medium"):
        for field in REPAIRS:
            widgets.select("quality", field, _.label("field", field), widgets.options("quality", field, _))
    checks = st.expander(_("Thresholds: from where on something is a finding"), icon=":material/tune:")
    with checks, st.grid(min_column_width=260, gap="medium"):
        for field, (low, high) in THRESHOLDS.items():
            widgets.number("quality", field, _.label("field", field), low, high)
    aside = page.draw(charts.quarantined, walk.set_aside(), _)
    aside = aside if rows_seen else aside.clear()
    page.heading(
        page.draw(charts.quarantined_finding, result, _),
        page.draw(charts.quarantined_note, result, MOST_SHOWN, _) if aside.height else "",
    )
    if aside.height:
        own = aside.columns[4:]  # the files' own headings stand as they are
        lead = {"source": "text", "row_number": "int", "table": "text", "reason": "text"}
        page.table(
            aside.head(MOST_SHOWN), _, {**lead, **dict.fromkeys(own, "own")}, key="quarantine", alt=_("Set aside")
        )
    page.how_counted(
        _,
        _(
            "Every finding is counted in the file as it came. A quarantined row keeps its number in the file and its "
            "reason; a merged row says into which row it went. Rows without a customer stay for demand and baskets."
        ),
        {"quality": told()},
        result.key,
    )
    page.take_away(
        _,
        "validation",
        downloads(_, result, aside),
        csv=_("Rows set aside (CSV)"),
        xlsx=_("Cleaned tables (XLSX)"),
    )
