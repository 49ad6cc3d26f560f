"""Which records are one person, and do the tables fit together?"""

import streamlit as st

from analytics.charts import integration as charts
from analytics.integration import orphans
from app_pages.ui import lookups, page, pairs, session, walk, widgets

LIMITS = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.999)

with page.frame("integration") as _:
    settled = walk.settled()
    data = walk.joined()[0]
    downloads = {}
    choices: dict[str, object] = {"joins": session.workspace().joins, "currencies": session.workspace().currencies}
    if walk.can_match():
        with page.controls():
            merges = {False: _("only pairs I accept"), True: _("all proposed pairs")}
            widgets.segmented("matching", "automatic", _("Merge"), merges)
            limits = {limit: _.percent(limit, 1) for limit in LIMITS}
            widgets.select("matching", "accept", _("Propose from a score of"), limits, width=200)
            widgets.select("matching", "review", _("Look from a score of"), limits, width=200)
    page.lesson(_, "integration")
    if walk.can_match():
        matches, merged, shown = walk.matched(), walk.merging(), walk.proposal()
        page.answer(page.draw(charts.headline, matches, merged, shown, _), _)
        left, right = st.columns([5, 7], gap="medium")
        with left:
            page.evidence(matches, _, charts.scores, charts.scores_finding, charts.scores_note)
        if matches.pairs.height and session.may("see_rows"):
            with right:
                page.heading(_("Two records, one person?"), _("The uncertain ones come first."))
                chosen = pairs.review(_, matches, data)
            with left:
                pairs.reason(_, matches, chosen)
        page.caveats((*matches.caveats, *merged.caveats), _)
        page.heading(
            _("What a merge changes"),
            _("As it stands.")
            if walk.is_merging()
            else _("If all proposed pairs are accepted; nothing is merged yet."),
        )
        kinds = {
            "table": "text",
            "n_rows_before": "int",
            "n_rows_after": "int",
            "n_customers_before": "int",
            "n_customers_after": "int",
            "n_rows_moved": "int",
        }
        changes = page.draw(charts.change_table, shown, _)
        page.table(changes, _, kinds, key="changes", alt=_("What a merge changes"))
        downloads = {**pairs.downloads(_, matches, merged), _("What a merge changes"): changes}
        choices["matching"] = pairs.told()
        key = matches.key
    else:
        page.answer(page.draw(charts.headline_without, data, len(walk.joined()[1]), _), _)
        key = data.key
    alone = page.compute(orphans, walk.merged())
    if alone.height:
        page.heading(
            charts.orphan_finding(alone, _),
            _("Both ways: customers that a table names and the customers table lacks, and customers it never names."),
        )
        kinds = {"table": "text", "n_ids": "int", "n_unknown": "int", "n_rows_unknown": "int", "n_absent": "int"}
        page.table(charts.orphan_table(alone, _), _, kinds, key="orphans", alt=_("Customers without a partner"))
        downloads[_("Customers without a partner")] = charts.orphan_table(alone, _)
    lookups.joins(_)
    if settled.by_currency.height > 1:
        lookups.currencies(_, settled)
    page.how_counted(
        _,
        _(
            "Records that share an e-mail, a phone, or a name with year or city are compared. Each field weighs as "
            "much as its agreement is rarer among strangers than within one person (Fellegi and Sunter 1969; "
            "frequencies of the very values from these data). A phone alone merges nobody: name or e-mail must "
            "agree, with one more field. A merged person keeps the smallest number; of each field the record that "
            "joined first speaks."
        ),
        choices,
        key,
    )
    page.take_away(_, "integration", downloads)
