"""Saving by itself: what a run left is in the store, else it is known what stood in the way; and what others saved."""

from __future__ import annotations

import dataclasses
from contextlib import suppress
from typing import Literal

import streamlit as st

from analytics.connecting import LocalFile
from analytics.errors import AnalysisError
from analytics.workspace import Workspace
from app_pages.ui.session import presence
from app_pages.ui.session.access import Visit, ask_again, decided, require, visit
from app_pages.ui.session.choices import as_saved, same_but_seen, workspace
from app_pages.ui.session.held import ERASED, UPLOADS
from app_pages.ui.session.keeping import last_failure, noting, store
from app_pages.ui.session.notices import tell
from app_pages.ui.session.opening import UNKNOWN, adopt_record, show_address
from app_pages.ui.session.private import secret
from store import blobs, merging, workspaces
from store.merging import Merge, Side
from store.model import Conflict, Erasure, Record

State = Literal["saved", "sample", "nobody", "view", "failed", "conflict"]


def save(page: str) -> None:
    """Put what changed into the store; a failure takes nothing away and is tried again at the next run."""
    here = visit()
    with here.turn:
        if here.shut is not None or here.conflict is not None or not here.access.may("save") or here.person is UNKNOWN:
            return
        if not _is_due(here):
            return
        try:
            _save(here, page)
        except AnalysisError as error:
            here.failure = error
            if error.code == "workspace_unknown":  # deleted meanwhile, elsewhere
                _lost(here)


def state() -> State:
    """How the work stands with saving."""
    here = visit()
    if here.conflict is not None:
        return "conflict"
    if here.record is not None and not here.access.may("save"):
        return "view"
    if here.failure is not None or here.person is UNKNOWN:
        return "failed"
    if here.record is None:
        return "sample" if here.access.may("save") else "nobody"
    return "saved"


def failure() -> AnalysisError | None:
    """Why saving failed."""
    here = visit()
    return here.failure or (last_failure() if here.person is UNKNOWN else None)


def conflict() -> Conflict | None:
    """Whose save came first, and what both had started from."""
    return visit().conflict


def stored_record(page: str = "") -> Record | None:
    """The record of this work, made now where there is none; None where nobody can be its owner.

    Raises ``AnalysisError("store_...")``.
    """
    here = visit()
    with here.turn:
        if here.record is None and here.access.may("save") and here.person not in (None, UNKNOWN):
            _create(here, page)
    return here.record


def others_saved() -> bool:
    """Ask whether somebody else saved a newer version; it is then told as a conflict. Cheap."""
    here = visit()
    if here.record is None or here.conflict is not None or not here.access.may("save"):
        return False
    with here.turn, suppress(AnalysisError), noting():
        number, _by, _at = workspaces.version_of(store(), here.record.id)
        if number == here.record.version:
            return False
        theirs = workspaces.load(store(), here.record.id)
        if merging.changed_fields(here.record.workspace, theirs.workspace):
            here.conflict = Conflict(here.record.workspace, theirs)
            return True
        here.record = theirs
    return False


def rename(name: str) -> None:
    """Give the work a name, which also keeps it; for a callback: a refusal is told."""
    here = visit()
    if here.record is None or here.person is None or name.strip() == here.record.name:
        return
    try:
        require("delete")
        with here.turn, noting():
            renamed = workspaces.rename(store(), here.record.id, name, here.person)
    except AnalysisError as error:
        tell(error)
        return
    # Others may have saved since: their version is not the one that this session started from.
    workspace = dataclasses.replace(here.record.workspace, name=renamed.name)
    here.record = dataclasses.replace(here.record, name=renamed.name, kept=renamed.kept, workspace=workspace)


def is_shared() -> bool:
    """Whether anybody else may have this work open."""
    here = visit()
    return here.shut is None and here.record is not None and here.is_shared


def is_closed() -> bool:
    """Ask whether what is open was closed to this session since its run began."""
    here = visit()
    ask_again(here)
    return here.shut is not None


def take_theirs() -> None:
    """Go on with what is stored now."""
    here = visit()
    if here.record is None:
        return
    try:
        with noting():
            adopt_record(workspaces.load(store(), here.record.id))
    except AnalysisError as error:
        tell(error)


def keep_copy() -> None:
    """Go on with one's own choices in a copy; with the files where they are one's own."""
    here = visit()
    if here.record is None or here.person is None:
        return
    mine, own = workspace(), here.record.owner.id == here.person.id
    try:
        with noting():
            copy = workspaces.duplicate(store(), here.record.id, here.person, with_uploads=own)
            if not own:  # the names of others' files stay where the files are
                kept = {name: getattr(copy.workspace, name) for name in ("sources", "joins", "remembered", "matching")}
                mine = dataclasses.replace(mine, **(kept if not mine.world else {}))
            saved = workspaces.save(store(), copy.id, copy.version, mine, here.record.page, here.person)
            adopt_record(saved if isinstance(saved, Record) else copy)
    except AnalysisError as error:
        tell(error)


def merged(take: dict[str, Side]) -> Merge | None:
    """What both make together."""
    here = visit()
    if here.conflict is None:
        return None
    return merging.merge(here.conflict.base, _mine(here), here.conflict.theirs.workspace, take)


def take_merged(take: dict[str, Side]) -> None:
    """Save what both make together, and go on with it."""
    here, both = visit(), merged(take)
    if both is None or here.conflict is None or here.person is None:
        return
    theirs = here.conflict.theirs
    try:
        with here.turn, noting():
            saved = workspaces.save(store(), theirs.id, theirs.version, both.workspace, theirs.page, here.person)
            if isinstance(saved, Conflict):  # and again somebody was first
                here.conflict = dataclasses.replace(saved, base=here.conflict.base)
                return
            adopt_record(saved)
    except AnalysisError as error:
        tell(error)


def _is_due(here: Visit) -> bool:
    mine = _mine(here)
    if here.record is None:
        return not _untouched(here.began, mine) or _holds_anything()
    if here.sent == mine and not _in_memory():
        here.failure = None
        return False
    return True


def _untouched(began: Workspace, mine: Workspace) -> bool:
    """Whether nothing but the sample world in sight differs from the beginning."""
    plain = Workspace(world=mine.world)
    return same_but_seen(dataclasses.replace(began, world=mine.world), mine) or same_but_seen(plain, mine)


def _holds_anything() -> bool:
    return bool(st.session_state[UPLOADS]) or any(st.session_state[ERASED].values())


def _in_memory() -> list[str]:
    return [digest for digest, file in st.session_state[UPLOADS].items() if isinstance(file, bytes)]


def _mine(here: Visit) -> Workspace:
    before = here.record.workspace if here.record is not None else here.began
    return as_saved(workspace(), here.access, before)


def _save(here: Visit, page: str) -> None:
    with noting():
        if here.record is None:
            _create(here, page)
        assert here.record is not None
        assert here.person is not None
        _bring_files(here.record)
        mine = _mine(here)
        if here.sent != mine:
            result = workspaces.save(store(), here.record.id, here.record.version, mine, page, here.person)
            if isinstance(result, Conflict):
                here.conflict = result
                return
            here.record, here.sent = result, mine
        here.failure = None


def _create(here: Visit, page: str) -> None:
    assert here.person is not None
    with noting():
        mine = _mine(here)
        here.record = workspaces.create(store(), here.person, mine, page, secret=secret(own=True).value)
        here.sent, here.failure = mine, None
        here.access = decided(here.person, here.record, None)
        for world, erasures in st.session_state[ERASED].items():
            for digests, headings in erasures:
                workspaces.erase(store(), here.record.id, Erasure(world, digests, headings), here.person)
    presence.note(here.record.id)
    show_address()


def _bring_files(record: Record) -> None:
    """Files that stayed in memory while the store failed go there now."""
    held = st.session_state[UPLOADS]
    names = {source.digest: source.name for source in workspace().sources}
    for digest in _in_memory():
        kept = blobs.keep(store(), record.id, names.get(digest, digest[:12]), held[digest])
        held[digest] = LocalFile(str(blobs.path_of(store(), digest)), digest, kept.n_bytes)


def _lost(here: Visit) -> None:
    """What was open is gone: the choices stay in sight, and the next change makes a new workspace of them."""
    here.record = here.sent = None
    here.access = decided(here.person, None, here.link)
    here.began = workspace()
    st.session_state[UPLOADS] = {}
