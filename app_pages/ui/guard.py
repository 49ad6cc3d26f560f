"""The Privacy page's two rights: the owner's way back to the original ids, and the erasing of a customer."""

from __future__ import annotations

import logging
from contextlib import suppress

import streamlit as st

from analytics.errors import AnalysisError
from analytics.export.tables import CSV_MIME, to_csv
from analytics.i18n import Words
from app_pages.ui import page, session, walk
from store import workspaces

LOG = logging.getLogger("regulars")
ASKED = "erase-id"


def owner(_: Words) -> None:
    """The list with original ids: only for the session that brought the files, and only when it asks."""
    page.heading(
        _("Back to the original ids"),
        _("For the person who uploaded the files and must act on a list. Each export is logged."),
    )
    if session.workspace().world:
        st.markdown(_("Sample data belong to nobody: there is no such list."))
        return
    if not session.may("export_ids"):
        st.markdown(_("Only the owner of the work can have it."))
        return
    if not st.toggle(_("Prepare the list with original ids"), key="prepare-owner"):
        return
    listed, asked = walk.owner_list(), session.still_allowed("export_ids")

    def made() -> bytes:
        asked()
        return to_csv(listed, _)

    st.download_button(
        _("Customers with original ids (CSV)"),
        data=made,
        file_name="regulars-original-ids.csv",
        mime=CSV_MIME,
        icon=":material/key:",
        key="owner-list",
        on_click=_log_export,
        args=(listed.height,),
    )
    st.markdown(f":small[:gray[{_('This file names real people. Keep it where the originals are kept.')}]]")


def erasing(_: Words) -> None:
    """Take one customer out of everything; final."""
    page.heading(
        _("Erase a customer"),
        _("From every table, page and download of this work, in all its versions. No Undo brings them back."),
    )
    if not session.may("erase"):
        st.markdown(_("Only the owner of the work can erase somebody."))
        return
    st.text_input(_("Customer id or pseudonym"), key=ASKED, autocomplete="off")
    sure = st.checkbox(_("I know that this is final"), key="erase-sure")
    st.button(_("Erase"), icon=":material/person_remove:", key="erase", disabled=not sure, on_click=_erase)
    n = session.n_erased()
    if n:
        st.markdown(_.ngettext("{n} customer was erased in this work.", "{n} customers were erased in this work.", n))
    note = _("The uploaded file itself stays as it is on this server until it is deleted: erase at the source too.")
    st.markdown(f":small[:gray[{note}]]")


def _erase() -> None:
    try:
        walk.erase(session.widget_value(ASKED))
    except AnalysisError as error:
        session.tell(error)
        return
    session.clear(ASKED, "erase-sure")
    LOG.info("a customer was erased on request; %d in this work", session.n_erased())


def _log_export(n: int) -> None:
    LOG.info("list with original ids exported by its owner: %d customers, session %s", n, session.secret().key[:12])
    record, person = session.record(), session.person()
    if record is not None and person is not None:
        with suppress(AnalysisError):  # a store that is away: the log has it
            workspaces.log_deed(session.store(), person, record.id, "exported_ids", n)
