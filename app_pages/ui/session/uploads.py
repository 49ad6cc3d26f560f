"""The files of the work: what the upload widget brings goes to the store; what lies on the server is read there."""

from __future__ import annotations

import dataclasses
import os
import uuid
import weakref
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import streamlit as st
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.runtime.uploaded_file_manager import UploadedFileRec

from analytics.connecting import LocalFile
from analytics.errors import AnalysisError
from analytics.keys import digest_bytes
from analytics.reading import bundle, same_shape
from analytics.workspace import SourceRef
from app_pages.ui.session.access import require, visit
from app_pages.ui.session.choices import change, choices_for, workspace
from app_pages.ui.session.held import FETCHING, STORED, TAKEN, UPLOADER, UPLOADS
from app_pages.ui.session.keeping import is_failure, noting, store
from app_pages.ui.session.notices import tell
from app_pages.ui.session.opening import UNKNOWN
from app_pages.ui.session.saving import stored_record
from store import blobs

SESSION_MB = "600"  # of uploads; the variable REGULARS_SESSION_MB says otherwise


def remember_upload(name: str, data: bytes, needed: Sequence[SourceRef]) -> SourceRef:
    """Put a file into the store, where it stays with this work; equal bytes are kept once.

    While the store fails the bytes stay in this session, and go to the store with the next save that succeeds.

    Raises ``AnalysisError``: ``not_allowed``, ``nobody_uploads`` (nobody would own it), ``session_full`` beyond the
    share of one workspace; files of no ``needed`` source make room first.
    """
    here = visit()
    if here.record is None and not here.access.may("upload") and here.person is None:
        raise AnalysisError("nobody_uploads", name=name)
    if here.person is not UNKNOWN:
        require("upload")
    digest, kept = digest_bytes(data), st.session_state[UPLOADS]
    if digest in kept:
        return SourceRef(name, digest)
    limit = int(os.environ.get("REGULARS_SESSION_MB", SESSION_MB))
    stay = {source.digest for source in needed}
    while (held := sum(map(_size, kept.values()))) + len(data) > limit * 2**20:
        spare = next((old for old in kept if old not in stay), None)
        if spare is None:
            raise AnalysisError("session_full", name=name, megabytes=round(held / 2**20), limit=limit)
        _let_go(spare)
    try:
        kept[digest] = _put(name, data) or data
    except AnalysisError as error:
        if not is_failure(error):
            raise
        here.failure = error
        kept[digest] = data
    return SourceRef(name, digest)


def _put(name: str, data: bytes | Path) -> LocalFile | None:
    """The file in the store, None where this work is not stored."""
    with noting():
        record = stored_record("upload")
        if record is None:
            return None
        upload = blobs.keep(store(), record.id, name, data)
        return LocalFile(str(blobs.path_of(store(), upload.digest)), upload.digest, upload.n_bytes)


def _let_go(digest: str) -> None:
    record = visit().record
    if record is not None and _is_stored(digest):
        with noting():
            blobs.release(store(), record.id, digest)
    del st.session_state[UPLOADS][digest]


def _is_stored(digest: str) -> bool:
    """Whether the store has the bytes behind an upload, not this session alone."""
    return isinstance(st.session_state[UPLOADS].get(digest), LocalFile)


def _size(file: LocalFile | bytes) -> int:
    return len(file) if isinstance(file, bytes) else file.n_bytes


def receive(files: Sequence[Any]) -> None:
    """Take what the upload widget holds into the work: new files join, files taken out of it leave.

    Several new files of one shape are one source; when one of them is taken out, the others make it anew.
    The widget forgets its files when its page is left; the work does not. So it is compared with what it held before.
    Files that it still shows of work that was open before stay with that work.
    """
    before: dict[str, str] = st.session_state.get(UPLOADER, {})
    taken: set[str] = st.session_state.setdefault(TAKEN, set())
    files = [file for file in files if file.file_id in before or file.file_id not in taken]
    taken |= {file.file_id for file in files}
    stay = {file.file_id: before[file.file_id] for file in files if file.file_id in before}
    torn = {digest for file, digest in before.items() if file not in stay} & set(stay.values())
    whole = {file.file_id for file in files if not file.getbuffer()}  # a source by itself: its bytes are in the store
    held = {file: digest for file, digest in stay.items() if digest not in torn or file in whole}
    leaving = set(before.values()) - set(held.values())
    sources = list(workspace().sources)
    heirs = {source.digest: source for source in sources if source.digest in torn}
    for group in _groups([file for file in files if file.file_id not in held]):
        name, data = group[0].name, group[0].getvalue()
        if len(group) > 1:
            name, data = f"{name} (+{len(group) - 1})", bundle([(file.name, file.getvalue()) for file in group])
        twin = digest_bytes(data) in st.session_state[UPLOADS]
        try:
            new = remember_upload(name, data, [source for source in sources if source.digest not in leaving])
        except AnalysisError as error:
            tell(error)
            held |= {file.file_id: "" for file in group}
            continue
        held |= {file.file_id: new.digest for file in group}
        if len(group) == 1 and _is_stored(new.digest):
            _forget_bytes(group[0])
        known = [source for source in sources if source.digest == new.digest]
        heir = heirs.get(before.get(group[0].file_id, ""))
        if known and twin:
            tell(AnalysisError("file_known", name=name, other=known[0].name))
        elif heir is not None:
            reading = dataclasses.replace(heir.reading, sheet="")
            sources.append(dataclasses.replace(heir, name=new.name, digest=new.digest, reading=reading))
        elif not known:
            sources.append(new)
    gone = set(before.values()) - set(held.values())
    st.session_state[UPLOADER] = held
    change(sources=tuple(source for source in sources if source.digest not in gone))


def _forget_bytes(file: Any) -> None:
    """The store has them: Streamlit, which would hold them as long as the page is open, keeps the name alone.

    Not those of several files that are one source: taking one out makes the others anew, from their bytes.
    """
    context = get_script_run_ctx()
    if context is not None and isinstance(context.uploaded_file_mgr, MemoryUploadedFileManager):
        empty = UploadedFileRec(file.file_id, file.name, file.type, b"")
        context.uploaded_file_mgr.add_file(context.session_id, empty)


def _groups(files: Sequence[Any]) -> list[list[Any]]:
    """New files that are one source; a file that repeats another byte by byte stays alone."""
    first: dict[str, Any] = {}
    alone = [[file] for file in files if first.setdefault(digest_bytes(file.getvalue()), file) is not file]
    distinct = list(first.values())
    return [[distinct[i] for i in group] for group in same_shape([(f.name, f.getvalue()) for f in distinct])] + alone


def uploader_holds(files: Sequence[Any]) -> None:
    """Note what the upload widget shows now: nothing, when its page was left and entered again."""
    before: dict[str, str] = st.session_state.get(UPLOADER, {})
    st.session_state[UPLOADER] = {file.file_id: before[file.file_id] for file in files if file.file_id in before}


def is_here(source: SourceRef) -> bool:
    """Whether this session has the file behind a source; one of saved choices must be brought again."""
    return source.digest in st.session_state[UPLOADS] or stored(source) is not None


def uploaded(source: SourceRef) -> LocalFile | bytes:
    """The upload behind a source: in the store, or its bytes; raises ``AnalysisError("source_gone")``."""
    found: LocalFile | bytes | None = st.session_state[UPLOADS].get(source.digest)
    if found is None:
        raise AnalysisError("source_gone", name=source.name)
    return found


def remember_stored(name: str, file: LocalFile, *, temporary: bool = False) -> None:
    """Take a file that lies on the server into the work; it is read there and never held here.

    A ``temporary`` file was made for this session: it goes into the store, and where that fails it leaves with the
    session. Raises ``AnalysisError("not_allowed")``.
    """
    if visit().person is not UNKNOWN:
        require("upload")
    if temporary:
        weakref.finalize(file, Path(file.path).unlink, missing_ok=True)
        with suppress(AnalysisError):
            file = _put(name, Path(file.path)) or file
    sources = workspace().sources
    known = [source for source in sources if source.digest == file.key]
    if known and is_here(known[0]):
        tell(AnalysisError("file_known", name=name, other=known[0].name))
    st.session_state.setdefault(STORED, {})[file.key] = file
    if known:  # saved choices knew it before it was here
        return
    change(**choices_for(""), sources=(*sources, SourceRef(name, file.key)))


def stored(source: SourceRef) -> LocalFile | None:
    """The file on the server behind a source, None for an upload."""
    file: LocalFile | None = st.session_state.get(STORED, {}).get(source.digest)
    return file


def fetching(table: object) -> str:
    """The name of the fetch of ``table`` that is under way, begun now where there is none."""
    if not is_fetching(table):
        st.session_state[FETCHING] = (table, uuid.uuid4().hex)
    return str(st.session_state[FETCHING][1])


def is_fetching(table: object) -> bool:
    return bool(st.session_state.get(FETCHING, (None,))[0] == table and FETCHING in st.session_state)


def fetched() -> None:
    """The fetch has come to its end."""
    st.session_state.pop(FETCHING, None)
