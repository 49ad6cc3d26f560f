"""One customer: found by id, picked from a list, stepped through, and portrayed; and the way there from other pages."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import polars as pl
import streamlit as st

from analytics.behaviour import BehaviourSpec, favourites
from analytics.charts import portrait as charts
from analytics.customers import CustomerScores, CustomerTable
from analytics.errors import AnalysisError
from analytics.export.tables import CSV_MIME, to_csv
from analytics.i18n import Words, escape_markdown
from analytics.lifecycle import LifecycleResult
from analytics.lifecycle.history import stage_history
from analytics.portrait import (
    LISTS,
    CustomerList,
    Portrait,
    Rows,
    list_customers,
    portray,
    rows_of,
    search_customers,
)
from app_pages.ui import page, session, walk, widgets
from app_pages.ui.compute import compute

MOST_OFFERED = 200
SEARCH, FOUND, LISTED = "customer.search", "customer.found", "customer.listed"
PERIODS = (180, 365, 730)


def open_one(_: Words, ids: Sequence[str], *, key: str) -> None:
    """Choose one of ``ids`` and look at everything about this customer."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        offered = list(ids[:MOST_OFFERED])
        key = f"customer.{key}"
        session.bind_valid(key, offered)
        chosen = st.selectbox(_("Customer"), offered, key=key, width=220)
        if st.button(_("See this customer"), icon=":material/person_search:", key=f"{key}.go"):
            session.change(customer=chosen)
            st.switch_page("app_pages/customer.py")


def choose(_: Words) -> str:
    """Search, list and steps; gives the customer that is shown, "" for nobody.

    Raises ``AnalysisError`` ("table_missing", "fields_missing") where the data know no customers at all.
    """
    spec, listed = session.workspace().portrait, listing()
    ids = listed.frame["customer_id"].to_list()
    if not ids and not session.workspace().customer:
        walk.customers()
    chosen = session.workspace().customer or (ids[0] if ids else "")
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small", key="controls"):
        st.text_input(
            _("Find by id"),
            key=SEARCH,
            placeholder=_("id or its beginning"),
            autocomplete="off",
            icon=":material/search:",
            width=165,
            on_change=_search,
        )
        widgets.select("portrait", "pick", _("Pick from"), {name: _.label("list", name) for name in LISTS}, width=170)
        if ids:
            named = charts.list_labels(listed, walk.observed().currency, _)
            offered = ids if chosen in named else [chosen, *ids]
            session.bind(LISTED, chosen)
            st.selectbox(
                _("Customer"),
                offered,
                format_func=lambda one: named.get(one, one),
                key=LISTED,
                width=215,
                on_change=_take,
                args=(LISTED,),
            )
        at = ids.index(chosen) if chosen in ids else -1
        _step(_("One before"), ":material/chevron_left:", "previous", ids[at - 1] if at > 0 else None)
        after = ids[at + 1] if at + 1 < len(ids) else None
        _step(_("One after"), ":material/chevron_right:", "next-one", after)
        if spec.pick == "random":
            st.button(
                _("Draw others"),
                icon=":material/casino:",
                key="customer.draw",
                on_click=session.change,
                kwargs={"portrait": dataclasses.replace(spec, random_state=spec.random_state + 1), "customer": ""},
                disabled=not session.may("change"),
            )
        days = {None: _("all of it"), **{n: _("the last {n} days", n=n) for n in PERIODS}}
        widgets.select("portrait", "timeline_days", _("Timeline"), days, width=150)
    _found(_)
    return chosen


def _found(_: Words) -> None:
    """Who else has an id like the one that was searched for."""
    asked = session.widget_value(SEARCH)
    if not asked:
        return
    others = compute(search_customers, walk.observed(), asked)
    if not others:
        st.markdown(f":small[:gray[{_('No customer has an id like this.')}]]")
    elif len(others) > 1:
        session.bind(FOUND, session.workspace().customer if session.workspace().customer in others else None)
        st.pills(_("Ids like this"), others, format_func=escape_markdown, key=FOUND, on_change=_take, args=(FOUND,))


def _step(label: str, icon: str, key: str, target: str | None) -> None:
    st.button(
        label,
        icon=icon,
        key=f"customer.{key}",
        disabled=target is None,
        on_click=session.change,
        kwargs={"customer": target or ""},
    )


def _search() -> None:
    found = compute(search_customers, walk.observed(), session.widget_value(SEARCH))
    if found:
        session.change(customer=found[0])


def _take(key: str) -> None:
    chosen = session.widget_value(key)
    if chosen:
        session.change(customer=chosen)


def table() -> CustomerTable | None:
    """All customers; None where there are no orders to make the table of."""
    try:
        return walk.customers()
    except AnalysisError:
        return None


def margins() -> CustomerScores | None:
    """How far each customer is from another segment; None where these data cannot be cut."""
    try:
        cut = walk.segments()
    except AnalysisError:
        return None
    nothing = pl.lit(None, pl.Float64)
    frame = cut.members.select("customer_id", value="margin", lo=nothing, hi=nothing)
    return CustomerScores(frame, "", "segment", cut.key)


def lifecycle() -> LifecycleResult | None:
    """The stages of all customers; None where these data have none."""
    try:
        return walk.lifecycle()
    except AnalysisError:
        return None


def listing() -> CustomerList:
    """The list to pick from."""
    spec = session.workspace().portrait
    border = margins() if spec.pick == "border" else None
    return compute(list_customers, walk.observed(), table(), spec, border)


def portrait(customer_id: str) -> Portrait:
    """Everything about one customer. Raises ``AnalysisError`` ("customer_unknown", "customer_not_chosen")."""
    data, spec = walk.observed(), session.workspace().portrait
    stages = lifecycle()
    history = None if stages is None else compute(stage_history, data, customer_id, stages.rules)
    liked = compute(favourites, data, BehaviourSpec(), heavy=True) if data.has("transactions.customer_id") else None
    given = (walk.labels_if_any(), margins(), None if stages is None else stages.labels, history, liked)
    return compute(portray, data, table(), customer_id, spec, *given)


def rows(customer_id: str, behind: Rows) -> pl.DataFrame:
    """The rows behind a figure."""
    return compute(rows_of, walk.observed(), customer_id, behind)


def behind(_: Words, result: Portrait) -> None:
    """The rows of one figure, how many they are and which, and a download of exactly these."""
    made = dict(result.rows)
    if not made:
        st.markdown(_("No figure of this customer can be counted from these data."))
        return
    session.bind_valid("customer.figure", list(made))
    name = st.selectbox(
        _("Rows behind"), list(made), format_func=lambda one: _.label("field", one), key="customer.figure", width=280
    )
    found = rows(result.customer_id, made[name])
    count = _.ngettext("{n} row", "{n} rows", found.height)
    st.markdown(f"**{count}** · {charts.rows_note(made[name], _)}")
    if found.height:
        shown = found.drop("customer_id", strict=False)
        page.table(shown, _, charts.row_kinds(shown), key="rows", alt=count, currency=result.currency)
        st.download_button(
            _("These rows (CSV)"),
            data=to_csv(found, _),
            file_name="regulars-rows.csv",
            mime=CSV_MIME,
            icon=":material/table:",
            on_click="ignore",
            key="customer.rows",
        )
