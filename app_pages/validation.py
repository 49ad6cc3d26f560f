"""Can these data be trusted, and what happened to the rest?"""

import streamlit as st

from analytics.charts import quality as charts
from app_pages.ui import page, session, walk, widgets

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
)

with page.frame("validation") as _:
    page.lesson(_, "validation")
    result = walk.validated()
    page.answer(page.draw(charts.headline, result, _), _)
    page.caveats(result.caveats, _)
    if result.report.issues:
        page.evidence(result, _, charts.findings, charts.findings_finding, charts.findings_note)
        page.heading(_("All findings"), _("Counted in the files as they came, before any repair."))
        st.table(page.draw(charts.issue_rows, result, _), border="horizontal", hide_index=True, alt=_("All findings"))
    repairs = st.expander(_("Repairs: choose what is done with each kind of finding"), icon=":material/build:")
    with repairs, st.grid(min_column_width=260, gap="medium"):
        for field in REPAIRS:
            widgets.select("quality", field, _.phrase(f"repair.{field}"), widgets.options("quality", field, _))
    page.heading(_("Where every row went"), _("Rows in = kept + quarantined + merged, for every file."))
    kinds = {"source": "text", "rows_in": "int", "kept": "int", "quarantined": "int", "merged": "int"}
    page.table(walk.balances(), _, kinds, key="balances", alt=_("Where every row went"))
    page.how_counted(
        _,
        _(
            "Every finding is counted in the file as it came. A quarantined row keeps its number in the file and its "
            "reason; a merged row says into which row it went. Rows without a customer stay for demand and baskets."
        ),
        {"quality": session.workspace().quality},
        result.key,
    )
    page.take_away(
        _,
        "validation",
        {
            _("Quarantine"): result.quarantine,
            _("Merged rows"): result.merged,
            **{_.phrase(f"table.{name}"): frame for name, frame in walk.cleaned().items()},
        },
    )
