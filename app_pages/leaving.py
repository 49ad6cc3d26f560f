"""When do they leave, why, and who is next?"""

import streamlit as st

from analytics.charts import survival as charts
from app_pages.ui import customers, page, session, timing, walk

NAME = "leaving"


def side(module, name, result, _, *given):
    """One claim of a module with its finding and note."""
    finding, note = (page.draw(getattr(module, f"{name}_{part}"), result, *given, _) for part in ("finding", "note"))
    page.chart(finding, note, page.picture(getattr(module, name), result, *given, _), key=f"chart-{name}")


def groups_table(result, names, _):
    """Medians and shares of each group, exactly."""
    kinds = {
        "group_name": "text",
        "n_customers": "int",
        "n_over": "int",
        "median_time": "number",
        "share_there": "share",
        "there_lo": "share",
        "there_hi": "share",
        "restricted_mean": "number",
    }
    table = page.draw(charts.tables.group_table, result, names, _)
    page.table(table, _, kinds, key="groups", alt=_("Groups"))


def groupings_table(result, _):
    """What each grouping tells, exactly."""
    kinds = {
        "grouping": "text",
        "stays_longest": "text",
        "longest_there": "share",
        "leaves_soonest": "text",
        "soonest_there": "share",
        "chance_holm": "number",
    }
    page.table(page.draw(charts.tables.screen_table, result, _), _, kinds, key="groupings", alt=_("Groupings"))


def show_hazards(result, _):
    """What goes with leaving; without it the rest of the page stands."""
    page.heading(_("What goes with leaving sooner"))
    row = page.controls("controls-hazards")
    shown, tables = None, {}
    with page.section(_, NAME):
        shown = walk.hazards()
    with row:
        timing.covariates(result, shown.used if shown else (), _)
    if shown:
        left, right = st.columns([7, 5] if shown.over_time.height else [1, 0.01], gap="medium")
        with left:
            side(charts.ratios, "ratios", shown, _)
        if shown.over_time.height:
            with right:
                side(charts.ratios, "effect", shown, _)
        page.caveats([item for item in shown.caveats if item not in result.caveats], _)
        tables[_("Hazard ratios")] = page.draw(charts.tables.ratio_table, shown, _)
        tables[_("Ratios over tenure")] = page.draw(charts.tables.effect_table, shown, _)
        tables[_("Left out")] = page.draw(charts.tables.left_out_table, shown, _)
        if shown.left_out.height:
            with st.expander(_("What is not in the model, and why"), type="compact"):
                kinds = {"covariate": "text", "attribute_value": "text", "why_left_out": "text"}
                page.table(tables[_("Left out")], _, kinds, key="left-out", alt=_("Left out"))
    return tables


def show_outlook(_):
    """Who is probably next."""
    tables = {}
    with page.controls("controls-outlook"):
        timing.ahead(_)
    with page.section(_, NAME):
        ahead = walk.survival_outlook()
        left, right = st.columns([5, 7], gap="medium")
        with left:
            side(charts.ahead, "outlook", ahead, _)
        with right:
            kinds = {
                "customer_id": "text",
                "p_leave": "bar",
                "p_leave_lo": "share",
                "p_leave_hi": "share",
                "likely_from_days": "int",
                "likely_days": "int",
                "likely_until_days": "int",
                "p_order": "bar",
                "order_from_days": "int",
                "order_days": "int",
                "order_until_days": "int",
                "silence_days": "int",
                "overdue_on": "day",
                "p_overdue": "share",
            }
            listed = page.draw(charts.ahead.listed, ahead)
            page.table(listed, _, kinds, key="outlook", alt=_("Customers and what is ahead"))
            customers.open_one(_, listed["customer_id"].to_list(), key="open-outlook")
        page.caveats(ahead.caveats, _)
        tables[_("Outlook")] = walk.shareable(page.draw(charts.ahead.outlook_table, ahead), "customer_id")
    return tables


with page.frame(NAME) as _:
    row = page.controls()
    with row:
        timing.clock(_)
    page.lesson(_, NAME)
    result = walk.survival()
    with row:
        timing.groups(result, _)
    spec = session.workspace().survival
    names = walk.names(_) if result.field == "segment" else {}
    page.answer(page.draw(charts.headline, result, _), _)
    left, right = st.columns([7, 5], gap="medium")
    with left:
        side(charts.curves, "curves", result, _, names)
    with right:
        side(charts.months, "hazard", result, _)
    page.caveats(result.caveats, _)
    if result.field:
        groups_table(result, names, _)
    left, right = st.columns(2, gap="medium")
    with left:
        side(charts.curves, "screen", result, _)
    with right:
        if result.reasons.height:
            side(charts.months, "reasons", result, _)
        else:
            groupings_table(result, _)
    tables = {
        **show_hazards(result, _),
        **show_outlook(_),
        _("Curves"): page.draw(charts.tables.curve_table, result, names, _),
        _("Groups"): page.draw(charts.tables.group_table, result, names, _),
        _("Pairs of groups"): page.draw(charts.tables.pair_table, result, names, _),
        _("Groupings"): page.draw(charts.tables.screen_table, result, _),
        _("By period"): page.draw(charts.tables.hazard_table, result, names, _),
        _("Reasons"): page.draw(charts.tables.reason_table, result, names, _),
        _("Set aside"): page.draw(charts.tables.set_aside_table, result, _),
    }
    page.how_counted(_, timing.definition(result, spec.clock, _), {"survival": spec}, result.key)
    first = _("Outlook") if _("Outlook") in tables else _("Curves")
    page.take_away(_, NAME, {first: tables[first], **tables}, csv=_("{table} (CSV)", table=first))
