"""Who is here, what is open to them, and what they may do: ``store.access`` decides, the session asks."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

import streamlit as st

from analytics.errors import AnalysisError
from analytics.workspace import Workspace
from app_pages.ui import visitor
from app_pages.ui.session.held import VISIT
from app_pages.ui.session.keeping import is_failure, noting, store
from store import links, people
from store.access import decide
from store.model import Access, Conflict, Deed, Link, Person, Record


@dataclass(slots=True)
class Visit:
    """One session's stay.

    Attributes
    ----------
    person : None for nobody in particular: a browser without cookies, somebody signed out.
    record : the stored workspace that is open, at the version that this session knows; None: not stored (yet).
    link, token, shared, shared_page : the private link that led here, and what its maker shared.
    shut : why nothing can be shown, for example a link that was revoked.
    began : the choices that a session which is not stored yet began with; from the first other one on it is stored.
    sent : the choices as they were last saved.
    failure : why the last save failed. conflict : somebody else saved first.
    is_shared : whether anybody else may have this workspace open.
    turn : a click starts the next run while the last one has not stopped yet; both would save, and the second take the
        first for somebody else.
    """

    person: Person | None
    access: Access
    began: Workspace
    record: Record | None = None
    link: Link | None = None
    token: str = ""
    shared: Workspace | None = None
    shared_page: str = ""
    shut: AnalysisError | None = None
    sent: Workspace | None = None
    failure: AnalysisError | None = None
    conflict: Conflict | None = None
    is_shared: bool = False
    turn: threading.RLock = field(default_factory=threading.RLock, repr=False)


def visit() -> Visit:
    """The session's stay, begun now where it was not."""
    if VISIT not in st.session_state:
        from app_pages.ui.session.opening import begin  # it opens what it finds by means of this module

        begin()
    found: Visit = st.session_state[VISIT]
    return found


def person() -> Person | None:
    """Who is here, as far as it is known."""
    return visit().person


def known_as(named: Person) -> None:
    """The person as they are called from now on."""
    visit().person = named


def record() -> Record | None:
    """The stored workspace that is open."""
    return visit().record


def link() -> Link | None:
    """The private link by which somebody came."""
    return visit().link


def shut() -> AnalysisError | None:
    """Why there is nothing to see here, if so."""
    return visit().shut


def access() -> Access:
    """What may be done here, as it was found at the beginning of this run."""
    return visit().access


def may(deed: Deed) -> bool:
    """Whether a deed is offered; ``require`` asks again before it is done."""
    return visit().shut is None and visit().access.may(deed)


def require(deed: Deed) -> None:
    """Raise ``AnalysisError`` unless ``deed`` is allowed at this very moment: "not_allowed", or why all is shut."""
    here = visit()
    ask_again(here)
    if here.shut is not None:
        raise here.shut
    if not here.access.may(deed):
        raise AnalysisError("not_allowed", deed=deed)


def still_allowed(deed: Deed) -> Callable[[], None]:
    """What raises unless ``deed`` is still allowed, asked outside the session: by the click on a download."""
    here = visit()
    token, found, who, kept = here.token, here.record, here.person, here.access

    def ask() -> None:
        if token and not links.is_open(store(), token):
            raise AnalysisError("link_revoked")
        now_allowed = kept
        if not token and found is not None and who is not None and who.kind == "member":
            now_allowed = _decide(who, found, None)
        if not now_allowed.may(deed):
            raise AnalysisError("not_allowed", deed=deed)

    return ask


def ask_again(here: Visit) -> None:
    """Ask whether the link or the membership still holds; nothing is shown when that cannot be told."""
    try:
        with noting():
            if here.token:
                if not links.is_open(store(), here.token):
                    links.open_link(store(), here.token)  # tells why not
            elif here.record is None or here.person is None or here.person.kind != "member":
                return
            here.access = _decide(here.person, here.record, here.link)
            here.shut = AnalysisError("workspace_unknown") if here.access.role == "out" else None
    except AnalysisError as error:
        here.shut = error


def decided(who: Person | None, found: Record | None, by: Link | None) -> Access:
    """What ``who`` may do with ``found``; nothing of anybody's while the store cannot tell."""
    try:
        with noting():
            return _decide(who, found, by)
    except AnalysisError as error:
        if found is not None or not is_failure(error):
            raise
        return decide(who, None, None, None, sign_in=visitor.signs_in(), owners=visitor.owners())


def _decide(who: Person | None, found: Record | None, by: Link | None) -> Access:
    role = people.role_of(store(), found.id, who) if found is not None and by is None else None
    return decide(who, found, by, role, sign_in=visitor.signs_in(), owners=visitor.owners())
