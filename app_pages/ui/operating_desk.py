"""The buttons of the Operations page: sweep, empty the cache, close links, and erase for good."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from analytics.charts import operations as charts
from analytics.errors import AnalysisError
from analytics.i18n import Words
from app_pages.ui import operating_tables as tables
from app_pages.ui import page, session
from app_pages.ui.compute import engine
from store import database, erasing, holdings, retention, workspaces
from store.holdings import Holding

WHAT, WHICH, SURE = "operate-what", "operate-which", "operate-sure"


def sweeping(_: Words, items: tuple[Holding, ...]) -> None:
    """Sweep now, with what would go; and empty the cache."""
    due = retention.leaving(items, database.now())
    with st.container(horizontal=True, vertical_alignment="center"):
        with st.popover(_("Sweep now"), icon=":material/cleaning_services:", key="sweep"):
            if due:
                size = charts.in_bytes(sum(item.n_bytes for item in due), _)
                st.markdown(
                    _.ngettext(
                        "{n} workspace is over its days and would go, with {size} of files:",
                        "{n} workspaces are over their days and would go, with {size} of files:",
                        len(due),
                        size=size,
                    )
                )
                page.table(
                    tables.leaving_frame(due, _, session.time_zone()), _, tables.LEAVING_KINDS, key="due", alt=size
                )
            else:
                st.markdown(_("No workspace is over its days. Files that nobody has any more would go."))
            st.button(
                _("Let them go") if due else _("Sweep"),
                icon=":material/delete_sweep:",
                key="sweep-now",
                on_click=_act,
                args=(_sweep, _),
            )
        st.button(
            _("Empty the cache"),
            icon=":material/mop:",
            key="empty-cache",
            on_click=_act,
            args=(_empty, _),
            help=_("Results are computed again when they are asked for. What runs or waits is not stopped."),
        )


def erasing_for_good(_: Words, items: tuple[Holding, ...]) -> None:
    """Close the links of a workspace; erase a workspace, a person or a file."""
    page.heading(
        _("Erase for good"),
        _("At once and everywhere in the store. Back-ups made before still hold it: let them go as well."),
    )
    kinds = {"workspace": _("A workspace"), "person": _("A person"), "file": _("A file")}
    session.bind_first(WHAT, "workspace")
    what = st.segmented_control(
        _("What to erase"), list(kinds), format_func=kinds.__getitem__, key=WHAT, required=True, on_change=_unsure
    )
    offered = {"workspace": lambda: _workspaces(items, _), "person": lambda: _people(_), "file": lambda: _files(_)}[
        str(what)
    ]()
    if not offered:
        st.markdown(_("There is nothing of this kind."))
        return
    key = f"{WHICH}-{what}"
    session.bind_valid(key, list(offered))
    chosen = st.selectbox(
        _("Which one"), list(offered), format_func=offered.__getitem__, key=key, on_change=_unsure, width=640
    )
    sure = st.checkbox(_("I know that this is final"), key=SURE)
    with st.container(horizontal=True):
        st.button(
            _("Erase for good"),
            icon=":material/delete_forever:",
            key="erase-for-good",
            disabled=not sure,
            on_click=_act,
            args=({"workspace": _workspace, "person": _person, "file": _file}[str(what)], _, chosen),
        )
        n_links = next((item.n_links for item in items if item.workspace_id == chosen), 0)
        if n_links:
            st.button(
                _.ngettext("Revoke its {n} link", "Revoke its {n} links", n_links),
                icon=":material/link_off:",
                key="close-links",
                on_click=_act,
                args=(_close, _, chosen),
            )


def _workspaces(items: tuple[Holding, ...], _: Words) -> dict[str, str]:
    return {
        item.workspace_id: _line(
            tables.workspace_name(item, _),
            tables.who(item.owner, _),
            charts.in_bytes(item.n_bytes, _) if item.n_uploads else "",
            _("deleted") if item.deleted else "",
        )
        for item in items
    }


def _people(_: Words) -> dict[str, str]:
    found = holdings.persons(session.store())
    return {
        item.person.id: _line(
            _("{who} ({id})", who=tables.who(item.person, _), id=item.person.id[:6]),
            _.ngettext("{n} workspace", "{n} workspaces", item.n_workspaces),
            _("last here {when}", when=tables.moment(item.seen_at, session.time_zone(), _)),
        )
        for item in found
    }


def _files(_: Words) -> dict[str, str]:
    return {
        item.digest: _line(
            item.name,
            charts.in_bytes(item.n_bytes, _),
            _.ngettext("{n} workspace", "{n} workspaces", item.n_workspaces),
        )
        for item in holdings.files(session.store())
    }


def _line(*parts: str) -> str:
    return " · ".join(part for part in parts if part)


# ---- deeds -------------------------------------------------------------------------------------------------------


def _act(deed: Callable[..., str], _: Words, *what: str) -> None:
    """Do what a button says, asked again whether it may; tell what came of it."""
    try:
        session.require("operate")
        told = deed(_, *what)
    except AnalysisError as error:
        session.tell(error)
        return
    _unsure()
    st.toast(told, icon=":material/check:")


def _unsure() -> None:
    session.clear(SURE)


def _by() -> str:
    person = session.person()
    return person.id if person is not None else retention.NOBODY


def _sweep(_: Words) -> str:
    swept = retention.sweep_now(session.store(), retention.keep_days(), database.now(), _by())
    return _.ngettext(
        "{n} workspace is gone, {size} are free again",
        "{n} workspaces are gone, {size} are free again",
        swept.n_workspaces,
        size=charts.in_bytes(swept.n_bytes, _),
    )


def _empty(_: Words) -> str:
    held = charts.in_bytes(engine().held_bytes, _)
    engine().empty()
    person = session.person()
    if person is not None:
        workspaces.log_deed(session.store(), person, "", "cache_emptied")
    return _("{size} of results let go", size=held)


def _close(_: Words, workspace_id: str) -> str:
    n = erasing.close_links(session.store(), workspace_id, _by())
    return _.ngettext("{n} link is revoked", "{n} links are revoked", n)


def _workspace(_: Words, workspace_id: str) -> str:
    return _told(erasing.erase_workspace(session.store(), workspace_id, _by()), _)


def _person(_: Words, person_id: str) -> str:
    return _told(erasing.erase_person(session.store(), person_id, _by()), _)


def _file(_: Words, digest: str) -> str:
    return _told(erasing.erase_upload(session.store(), digest, _by()), _)


def _told(erased: erasing.Erased, _: Words) -> str:
    engine().empty()  # nothing that was computed from it stays
    gone = _("Erased, with {size} of files.", size=charts.in_bytes(erased.n_bytes, _))
    if erased.scrubbed:
        return gone
    return gone + " " + _("The database was busy: old pages of it are written over with the next erasing.")
