"""The colleagues of a workspace, in the Share popover: who may open it by signing in, as what; add, change, remove."""

from __future__ import annotations

import streamlit as st

from analytics.errors import AnalysisError
from analytics.i18n import Words
from app_pages.ui import session, visitor
from store import people, workspaces
from store.model import Role
from store.people import Member

ROLES: tuple[Role, ...] = ("view", "edit", "owner")


def is_offered() -> bool:
    """Whether colleagues can be named here: people sign in, and the workspace is one's own."""
    return visitor.signs_in() and session.record() is not None and session.may("share")


def panel(_: Words) -> None:
    """Colleagues by e-mail; nothing where nobody signs in."""
    record = session.record()
    if record is None or not is_offered():
        return
    try:
        members = people.members(session.store(), record.id)
    except AnalysisError:
        return  # the place for saving tells that the store fails
    st.markdown(f"**{_('Colleagues')}**")
    if not members:
        st.markdown(f":small[:gray[{_('Nobody else yet. Who signs in with an address of this list finds the work.')}]]")
    roles = {role: _.phrase(f"role.{role}") for role in ROLES}
    for member in members:
        _row(_, record.id, member, roles)
    with st.form("colleague", border=False, clear_on_submit=True):
        with st.container(horizontal=True, vertical_alignment="bottom"):
            st.text_input(_("E-mail of a colleague"), key="colleague-email", max_chars=people.MAX_EMAIL)
            st.selectbox(_("Role"), ROLES, format_func=roles.__getitem__, key="colleague-role", width=110)
        st.form_submit_button(
            _("Add the colleague"), icon=":material/person_add:", on_click=_add, args=(record.id,), width="stretch"
        )


def _row(_: Words, workspace_id: str, member: Member, roles: dict[Role, str]) -> None:
    key = f"colleague-role.{member.email}"
    session.bind(key, member.role)
    with st.container(horizontal=True, vertical_alignment="center"):
        added = _("Added by {name}", name=visitor.called(_, member.added_by))
        st.text(member.email, help=added, width="stretch")  # in Markdown, an address becomes a link
        st.selectbox(
            _("Role of {email}", email=member.email),
            ROLES,
            format_func=roles.__getitem__,
            key=key,
            label_visibility="collapsed",
            width=110,
            on_change=_change,
            args=(workspace_id, member.email, key),
        )
        st.button(
            "",
            icon=":material/person_remove:",
            type="tertiary",
            help=_("Remove this colleague"),
            key=f"colleague-remove.{member.email}",
            on_click=_remove,
            args=(workspace_id, member.email),
        )


def _add(workspace_id: str) -> None:
    _put(workspace_id, session.widget_value("colleague-email"), session.widget_value("colleague-role"))


def _change(workspace_id: str, email: str, key: str) -> None:
    _put(workspace_id, email, session.widget_value(key))


def _put(workspace_id: str, email: str, role: Role) -> None:
    try:
        by = _allowed(workspace_id)
        people.add_member(session.store(), workspace_id, email, role, by)
        workspaces.log_deed(session.store(), by, workspace_id, "add_colleague", 1)
    except AnalysisError as error:
        session.tell(error)


def _remove(workspace_id: str, email: str) -> None:
    try:
        by = _allowed(workspace_id)
        if people.remove_member(session.store(), workspace_id, email):
            workspaces.log_deed(session.store(), by, workspace_id, "remove_colleague", 1)
    except AnalysisError as error:
        session.tell(error)


def _allowed(workspace_id: str) -> people.Person:
    """Whoever may share this workspace, asked anew at the click: the page may be an old one."""
    session.require("share")
    record, person = session.record(), session.person()
    if person is None or record is None or record.id != workspace_id:
        raise AnalysisError("not_allowed", deed="share")
    return person
