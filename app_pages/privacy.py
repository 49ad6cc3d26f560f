"""Whose personal data is in here, and what is done to protect it?"""

import streamlit as st

from analytics.charts import privacy as charts
from app_pages.ui import guard, page, session, walk, widgets

NUMBERS = (3, 5, 10, 15, 20, 30, 50)

with page.frame("privacy") as _:
    with page.controls():
        ways = widgets.options("privacy", "identifiers", _)
        widgets.select("privacy", "identifiers", _("Names, e-mails, phones"), ways)
        widgets.select("privacy", "k", _("Smallest group exported"), {n: _("{n} customers", n=n) for n in NUMBERS})
        ids = {False: _("as they are"), True: _("as pseudonyms")}
        widgets.segmented("privacy", "pseudonymise_ids", _("Customer ids"), ids)
    page.lesson(_, "privacy")
    spec, found = session.workspace().privacy, walk.scanned()
    page.answer(page.draw(charts.headline, found, spec, session.n_erased(), _), _)
    if found.columns.height:
        page.evidence(found, _, charts.found_columns, charts.found_columns_finding, charts.found_columns_note)
        page.heading(_("What was found, and what is done"), _("Examples show their form only."))
        rows = page.draw(charts.found_rows, found, _)
        st.table(rows, border="horizontal", hide_index=True, alt=_("What was found, and what is done"))
    page.caveats(found.caveats, _)
    left, right = st.columns(2, gap="large")
    with left:
        guard.owner(_)
    with right:
        guard.erasing(_)
    page.heading(_("What small groups cost"), walk.cost_of_small_groups(_))
    page.how_counted(
        _,
        _(
            "Every text column is read for e-mails, phones of China, Taiwan, Hong Kong and the United States, Chinese "
            "and Taiwan identity numbers and bank cards with their check digits, addresses and names. What is found is "
            "replaced by keyed pseudonyms before any analysis; the key stays on the server. "
            "Digests of the data are taken before that."
        ),
        {"privacy": spec},
        found.key,
    )
    page.take_away(_, "privacy", {})
