"""The beginning of a session and what it opens: a private link, a stored workspace, a sample world, or nothing yet."""

from __future__ import annotations

import dataclasses
from contextlib import suppress

import streamlit as st

from analytics.connecting import LocalFile
from analytics.errors import AnalysisError
from analytics.privacy import Secret
from analytics.workspace import Workspace, from_link
from app_pages.ui import visitor
from app_pages.ui.session import presence
from app_pages.ui.session.access import Visit, ask_again, decided, visit
from app_pages.ui.session.choices import (
    LINK_PARAMETER,
    MAX_NAMED,
    adopt,
    as_seen,
    browser_language,
    change_all,
    same_but_seen,
    workspace,
)
from app_pages.ui.session.held import (
    ERASED,
    HISTORY,
    NOTICE,
    SECRET,
    SHELF,
    STOPPED,
    STORED,
    UPLOADER,
    UPLOADS,
    VISIT,
    WORKSPACE,
)
from app_pages.ui.session.keeping import is_failure, noting, store
from app_pages.ui.session.notices import tell
from store import blobs, links, people, workspaces
from store.model import Erasure, Listed, Person, Record

WORKSPACE_PARAMETER, TOKEN_PARAMETER = "w", "k"
UNKNOWN = Person("", "browser")  # somebody, while the store cannot say who


def start() -> None:
    """At the beginning of each run: open what the address names, or see whether what is open still is."""
    here = visit()
    if visitor.signs_in() and _is_another(here):
        begin()  # signed out, or somebody else signed in: nothing of the first one stays
        here = visit()
    if here.person is UNKNOWN or (here.shut is not None and is_failure(here.shut)):
        _reopen(here)
        here = visit()
    ask_again(here)
    if here.record is not None and here.shut is None:
        _see_others(here)
    show_address()


def begin() -> None:
    """Once per session: who is here, and what the address opens."""
    _clean(Workspace(language=browser_language()))
    st.session_state[NOTICE] = None
    here = Visit(None, decided(None, None, None), workspace())
    st.session_state[VISIT] = here
    here.person = _who()
    here.access = decided(here.person, None, None)
    token, wanted = st.query_params.get(TOKEN_PARAMETER), st.query_params.get(WORKSPACE_PARAMETER)
    if token:
        _open_link(here, token)
    elif wanted:
        try:
            open_workspace(wanted)
        except AnalysisError as error:
            here.shut = error if is_failure(error) else None
            if here.shut is None:
                del st.query_params[WORKSPACE_PARAMETER]
                tell(error)
    else:
        shared = st.query_params.get(LINK_PARAMETER)
        if shared:
            adopt(lambda: from_link(shared))
            st.session_state[HISTORY] = []  # nothing came before the link
            here.shared = workspace()
    here.began = workspace()


def open_workspace(workspace_id: str) -> Record:
    """Leave what is open for a stored workspace.

    Raises ``AnalysisError("workspace_unknown")``, the same for another's workspace as for none.
    """
    here = visit()
    with noting():
        found = workspaces.load(store(), workspace_id)
        access = decided(here.person, found, None)
        if access.role in ("out", "world"):
            raise AnalysisError("workspace_unknown")
        fresh = Visit(here.person, access, found.workspace, found)
        _hold(fresh, found.workspace, keep_language=False)
    st.session_state[VISIT] = fresh
    if found.refused:
        tell(AnalysisError("link_partial", fields=", ".join(found.refused[:MAX_NAMED])))
    return found


def adopt_record(found: Record) -> None:
    """Go on with the newest state of what is open, or with a copy of it; Undo leads back to one's own."""
    here, mine, history = visit(), workspace(), st.session_state[HISTORY]
    fresh = Visit(here.person, decided(here.person, found, here.link), found.workspace, found)
    fresh.link, fresh.token, fresh.shared, fresh.shared_page = here.link, here.token, here.shared, here.shared_page
    if here.record is not None and here.record.id != found.id:
        fresh.link, fresh.token, fresh.shared, fresh.shared_page = None, "", None, ""
        fresh.access = decided(here.person, found, None)
    st.session_state[VISIT] = fresh
    _hold(fresh, found.workspace, keep_language=True)
    if not same_but_seen(mine, workspace()):
        st.session_state[HISTORY] = [*history, mine]


def leave() -> None:
    """Leave what is open for a fresh session in the same language."""
    here, language = visit(), workspace().language
    _clean(Workspace(language=language))
    st.session_state[VISIT] = Visit(here.person, decided(here.person, None, None), workspace())


def reset_to_shared() -> None:
    """Back to what the maker of the link shared, undoably; for a button's callback."""
    here = visit()
    if here.shared is not None:
        change_all(as_seen(here.shared, here.access))


def last_workspace() -> Listed | None:
    """The person's own work that was changed last, to go on with; None where there is none, or some is open."""
    here = visit()
    if here.record is not None or here.person in (None, UNKNOWN) or here.token or here.shut is not None:
        return None
    assert here.person is not None
    with suppress(AnalysisError), noting():
        listed = workspaces.listing(store(), here.person)
        return listed[0] if listed else None
    return None


def _is_another(here: Visit) -> bool:
    found = visitor.signed_in()
    return (found and found.id) != (here.person and here.person.id)


def _who() -> Person | None:
    if visitor.signs_in():
        return visitor.signed_in()
    try:
        with noting():
            return visitor.who(store())
    except AnalysisError:
        return UNKNOWN


def _reopen(here: Visit) -> None:
    """The store failed when the session began: try again."""
    was_shut = here.shut is not None
    who = _who()
    if who is UNKNOWN:
        return
    here.person = who
    if was_shut and here.record is None:
        begin()
    elif here.record is None:
        here.access = decided(who, None, None)


def _open_link(here: Visit, token: str) -> None:
    try:
        with noting():
            opened = links.open_link(store(), token)
            access = decided(here.person, opened.record, opened.link)
    except AnalysisError as error:
        here.shut, here.token = error, token
        return
    here.link, here.token, here.record, here.access = opened.link, token, opened.record, access
    here.shared, here.shared_page = opened.workspace, opened.page
    if access.role == "out":
        here.shut = AnalysisError("sign_in_first")
        return
    # Who only looks sees what was shared; who works on it sees how it stands now.
    shown = opened.record.workspace if access.may("save") else opened.workspace
    try:
        with noting():
            _hold(here, dataclasses.replace(shown, language=opened.workspace.language), keep_language=False)
    except AnalysisError as error:
        here.shut = error


def _clean(fresh: Workspace) -> None:
    st.session_state[WORKSPACE] = fresh
    st.session_state[HISTORY] = []
    st.session_state[UPLOADS] = {}
    st.session_state[ERASED] = {}
    for name in (SHELF, SECRET, STOPPED, STORED, UPLOADER):
        st.session_state.pop(name, None)


def _hold(here: Visit, shown: Workspace, *, keep_language: bool) -> None:
    """Take a record's choices, files, key and erasures into the session. All of them, or none."""
    found = here.record
    assert found is not None
    secret = Secret(workspaces.secret_of(store(), found.id))
    erased = _by_world(workspaces.erasures(store(), found.id))
    files = _files(found.id)
    language = workspace().language if keep_language else shown.language
    _clean(as_seen(dataclasses.replace(shown, language=language), here.access))
    st.session_state[SECRET] = secret
    st.session_state[ERASED] = erased
    st.session_state[UPLOADS] = files
    here.sent = workspace()
    presence.note(found.id)


def _files(workspace_id: str) -> dict[str, LocalFile | bytes]:
    """The files of a workspace that are still there."""
    files: dict[str, LocalFile | bytes] = {}
    for upload in blobs.uploads(store(), workspace_id):
        with suppress(AnalysisError):
            path = blobs.path_of(store(), upload.digest)
            files[upload.digest] = LocalFile(str(path), upload.digest, upload.n_bytes)
    return files


def _by_world(erasures: tuple[Erasure, ...]) -> dict[str, tuple[tuple[tuple[str, ...], tuple[str, ...]], ...]]:
    held: dict[str, tuple[tuple[tuple[str, ...], tuple[str, ...]], ...]] = {}
    for item in erasures:
        held[item.world] = (*held.get(item.world, ()), (item.digests, item.headings))
    return held


def _see_others(here: Visit) -> None:
    """What other sessions did to this workspace that holds at once: who was erased, and whether it is shared."""
    assert here.record is not None
    presence.note(here.record.id)
    with suppress(AnalysisError), noting():
        st.session_state[ERASED] = _by_world(workspaces.erasures(store(), here.record.id))
        here.is_shared = bool(here.token) or _is_shared(here.record.id)


def _is_shared(workspace_id: str) -> bool:
    if presence.is_elsewhere(workspace_id) or people.members(store(), workspace_id):
        return True
    return any(link.revoked_at is None for link in links.links(store(), workspace_id))


def show_address() -> None:
    """Make the address lead back here: navigation between pages takes its parameters away."""
    here, wanted = visit(), {}
    if here.token:
        wanted = {TOKEN_PARAMETER: here.token}
    elif here.record is not None:
        wanted = {WORKSPACE_PARAMETER: here.record.id}
    if here.shut is not None and not here.token:
        return  # what could not be opened may be tried again
    ours = (TOKEN_PARAMETER, WORKSPACE_PARAMETER, *([LINK_PARAMETER] if wanted else []))
    for name in ours:
        if name in wanted and st.query_params.get(name) != wanted[name]:
            st.query_params[name] = wanted[name]
        elif name not in wanted and name in st.query_params:
            del st.query_params[name]
