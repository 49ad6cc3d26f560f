"""The Share popover of the context bar: links to a world, private links, colleagues, the choices as a file."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import segno
import streamlit as st

from analytics.errors import AnalysisError
from analytics.i18n import N_, Words, escape_markdown
from analytics.workspace import to_json
from app_pages.ui import colleagues, remembering, saving, session, visitor
from app_pages.ui.session.access import visit
from app_pages.ui.session.opening import TOKEN_PARAMETER
from app_pages.ui.version import APP_VERSION
from store import database, links
from store.access import is_valid
from store.model import Link, Role

ROLES: tuple[Role, ...] = ("view", "edit")
GIVES = {
    "view": N_(
        "Sees every page as it is now, with pseudonyms in the place of ids. Changes nothing; no row of the files, no "
        "original id, no key."
    ),
    "edit": N_(
        "Works here together with you, always on the newest state: changes choices, brings files, sees their rows. "
        "Takes no original id away."
    ),
}
PLACE = "share"  # the popover's own key
GIVEN, SHOWN = "role-given", "link-shown"
WIDTH = 400
QR_WIDTH = 560  # wide enough to be read from the back of a room
MOST_SHOWN = 8


def panel(_: Words, name: str) -> None:
    """What can be given to others from the page ``name``."""
    shown = session.noted(SHOWN)
    if shown is not None:
        session.note(SHOWN, None)  # told once: nothing keeps a token
        _show(_, *shown)
    with st.container(width=WIDTH, gap="small"):
        _came_by(_)
        if session.workspace().world and session.link() is None:
            _open_link(_, name)
            if session.may("share"):
                with st.expander(_("Work on it together"), icon=":material/group:", type="compact"):
                    _private(_, name)
        elif session.may("share"):
            st.markdown(f"**{_('Private links')}**")
            _private(_, name)
        elif session.record() is None:
            st.markdown(_("Private links lead to saved work, and this is not saved."))
        if colleagues.is_offered():
            colleagues.panel(_)
        if session.may("export_ids"):  # the choices may name customers: in repairs, and in pairs that were decided
            st.download_button(
                _("Save the choices (JSON)"),
                data=to_json(remembering.to_save(), app_version=APP_VERSION),
                file_name="regulars-choices.json",
                mime="application/json",
                icon=":material/save:",
                on_click="ignore",
                key="save-choices",
            )


def _came_by(_: Words) -> None:
    """By which link somebody came, what it gives, and the way back to what was shared."""
    link = session.link()
    if link is not None:
        maker = link.created_by
        by = visitor.called(_, maker) if maker.name or maker.email else ""
        ends = f" {_('It ends {when}.', when=_last_day(_, link))}" if link.until else ""
        came = _("You came by a private link of {name}.", name=by) if by else _("You came by a private link.")
        st.markdown(came + ends)
        st.markdown(f":small[:gray[{_(_given(session.access().role))}]]")
    if visit().shared is not None and (link is not None or session.workspace().world):
        st.button(
            _("Back to the shared state"),
            icon=":material/restart_alt:",
            key="share-reset",
            on_click=session.reset_to_shared,
            width="stretch",
        )


def _given(role: str) -> str:
    if role == "edit":
        return N_("You work on the newest state, together with whoever else has it open.")
    return N_("You see what was shared. You can look around and change nothing.")


def _open_link(_: Words, name: str) -> None:
    st.markdown(_("Whoever opens this link sees this page with the same data, choices and language."))
    address = f"{_address(name)}?{session.LINK_PARAMETER}={session.link_parameter()}"
    st.code(address, language=None, wrap_lines=True)
    st.button(
        _("QR code"),
        icon=":material/qr_code_2:",
        key="share-qr",
        width="stretch",
        on_click=_tell,
        args=(address, _("For everybody in the room"), ""),
    )


def _private(_: Words, name: str) -> None:
    """Make a private link; the links that there are."""
    labels = {role: _.phrase(f"role.{role}") for role in ROLES}
    role: Role = session.noted(GIVEN) or "view"
    session.bind("share-role", role)
    st.segmented_control(
        _("Whoever has the link may"),
        ROLES,
        format_func=labels.__getitem__,
        key="share-role",
        required=True,
        width="stretch",
        on_change=lambda: session.note(GIVEN, session.widget_value("share-role")),
    )
    st.markdown(f":small[:gray[{_(GIVES[role])}]]")
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        st.text_input(_("For whom (only you see it)"), key="share-label", max_chars=links.MOST_LABEL, width="stretch")
        st.date_input(_("Last day"), value=None, min_value=_today(), key="share-until", width=140, format="YYYY/MM/DD")
    st.button(
        _("Make a private link"),
        icon=":material/add_link:",
        key="share-make",
        width="stretch",
        on_click=_make,
        args=(_, name, role),
    )
    _listed(_)


def _make(_: Words, name: str, role: Role) -> None:
    """A new link, shown this once."""
    label, until = session.widget_value("share-label"), session.as_date(session.widget_value("share-until"))
    try:
        session.require("share")
        record, person = session.stored_record(name), session.person()
        if record is None or person is None:
            raise AnalysisError("not_allowed", deed="share")
        _made, token = links.create_link(
            session.store(),
            record.id,
            role,
            person,
            workspace=session.workspace(),
            page=name,
            until=None if until is None else _midnight_after(until),
            label=label,
        )
    except AnalysisError as error:
        session.tell(error)
        return
    session.note("share-label", "")
    session.note("share-until", None)
    note = _("Copy it now: it is stored as a digest only and cannot be shown again. It can be revoked at any time.")
    _tell(f"{_address(name)}?{TOKEN_PARAMETER}={token}", _.phrase(f"role.{role}"), note)


def _tell(address: str, kind: str, note: str) -> None:
    """Close the popover and show an address in the run that follows."""
    session.note(SHOWN, (address, kind, note))
    session.note(PLACE, False)


def _show(_: Words, address: str, kind: str, note: str) -> None:
    """An address large enough for a room, and to copy."""

    @st.dialog(f"{_('Link')} · {kind}", width="large", icon=":material/qr_code_2:")
    def shown() -> None:
        with st.container(horizontal_alignment="center"):
            st.image(qr_code(address), width=QR_WIDTH, alt=_("QR code of the link"))
        st.code(address, language=None, wrap_lines=True)
        if note:
            st.markdown(f":small[:gray[{note}]]")

    shown()


def qr_code(address: str) -> str:
    """The address as an SVG picture on a white ground of its own: cameras want it so, in the dark theme too."""
    drawn: str = segno.make(address, error="m" if len(address) < 300 else "l", micro=False).svg_inline(
        border=4, dark="#101B26", light="#FFFFFF", omitsize=True
    )
    return drawn


def _listed(_: Words) -> None:
    """The links of this work that open, the newest first; how many do not any more."""
    record = session.record()
    found = () if record is None else links.links(session.store(), record.id)
    moment = database.now()
    live = [link for link in found if is_valid(link, moment)]
    for link in live[:MOST_SHOWN]:
        _row(_, link)
    rest = len(live) - MOST_SHOWN
    if rest > 0:
        with st.expander(_.ngettext("{n} more link", "{n} more links", rest), type="compact"):
            for link in live[MOST_SHOWN:]:
                _row(_, link)
    closed = len(found) - len(live)
    if closed:
        told = _.ngettext("{n} link was revoked or has ended.", "{n} links were revoked or have ended.", closed)
        st.markdown(f":small[:gray[{told}]]")


def _row(_: Words, link: Link) -> None:
    opened = _("never opened") if link.opened_at is None else _("opened {ago}", ago=saving.ago(_, link.opened_at))
    parts = [_.phrase(f"role.{link.role}")]
    parts += [_("until {when}", when=_last_day(_, link))] if link.until else []
    parts.append(opened)
    title = escape_markdown(link.label) or _("Made {ago}", ago=saving.ago(_, link.created_at))
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(f"**{title}**  \n:small[:gray[{' · '.join(parts)}]]", width="stretch")
        st.button(_("Revoke"), icon=":material/link_off:", key=f"revoke-{link.id}", on_click=_revoke, args=(link.id,))


def _revoke(link_id: str) -> None:
    """Close a link; whoever has it open is refused at their next step."""
    try:
        session.require("share")
        person = session.person()
        if person is None:
            raise AnalysisError("not_allowed", deed="share")
        links.revoke(session.store(), link_id, person)
    except AnalysisError as error:
        session.tell(error)


def _address(name: str) -> str:
    return session.base_url() or f"/{name}"


def _zone() -> ZoneInfo:
    """The zone of the person's own clock: a day ends when it ends for them."""
    try:
        return ZoneInfo(session.time_zone())
    except (ValueError, OSError, KeyError):
        return ZoneInfo("UTC")


def _today() -> date:
    return database.now().astimezone(_zone()).date()


def _midnight_after(day: date) -> datetime:
    return datetime.combine(day + timedelta(days=1), time.min, _zone())


def _last_day(_: Words, link: Link) -> str:
    assert link.until is not None
    return _.day((link.until - timedelta(seconds=1)).astimezone(_zone()).date())
