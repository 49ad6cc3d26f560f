"""The only file that touches session state and the URL: Workspace, undo history, uploads and share link."""

from __future__ import annotations

import dataclasses
import os
import secrets
import uuid
import weakref
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import streamlit as st
from streamlit import runtime
from streamlit.runtime.scriptrunner import get_script_run_ctx

from analytics.connecting import LocalFile
from analytics.errors import AnalysisError
from analytics.i18n import LANGUAGES, Language, Words, words_for
from analytics.keys import digest_bytes
from analytics.privacy import Secret
from analytics.reading import bundle, same_shape
from analytics.workspace import (
    SourceRef,
    Workspace,
    from_json,
    from_link,
    mappings_from_json,
    remember,
    to_link,
    with_reference,
)

LINK_PARAMETER = "s"
MAX_UNDO = 50
SESSION_MB = "600"  # of uploads; the variable REGULARS_SESSION_MB says otherwise
WORLDS = {"marketplace": "TWD", "marketplace_dirty": "TWD", "streaming": "TWD"}  # name -> currency
MAX_NAMED = 10  # refused parts of a file that are told by name
OF_THE_PERSON = frozenset({"name", "language", "sources", "remembered"})  # choices that other data do not change

_WORKSPACE, _HISTORY, _UPLOADS, _NOTICE, _REFUSED = "workspace", "history", "uploads", "notice", "refused"
_STOPPED = "stopped"
_PAGE, _TOLD = "page", "told"
_STORED, _FETCHING = "stored", "fetching"  # files on the server: digest -> LocalFile; the fetch under way
_SHELF = "shelf"  # the choices for each sample market and for the person's own data, while another is looked at
_UPLOADER = "uploader"  # what the upload widget held when it was last drawn: id of the file -> digest


_SECRET, _ERASED = "secret", "erased"
_SAMPLE_SECRET = Secret(secrets.token_bytes(32))  # sample people are nobody: all sessions share their results


def start() -> None:
    """Once per session: the Workspace from the link, or the defaults in the browser's language."""
    if _WORKSPACE in st.session_state:
        return
    st.session_state[_HISTORY] = []
    st.session_state[_UPLOADS] = {}
    st.session_state[_NOTICE] = None
    st.session_state[_WORKSPACE] = Workspace(language=_browser_language())
    link = st.query_params.get(LINK_PARAMETER)
    if link:
        _adopt(lambda: from_link(link))
        st.session_state[_HISTORY] = []  # nothing came before the link


def workspace() -> Workspace:
    """All choices as they stand."""
    start()
    stored: Workspace = st.session_state[_WORKSPACE]
    return stored


def words() -> Words:
    """The session's words."""
    return words_for(workspace().language)


def change(**changes: Any) -> None:
    """Replace choices of the Workspace; the state before can be had back by ``undo``."""
    before = workspace()
    after = dataclasses.replace(before, **changes)
    if "reference" not in changes:
        after = with_reference(before, after)
    if after != before:
        st.session_state[_HISTORY] = [*st.session_state[_HISTORY][-MAX_UNDO + 1 :], before]
        st.session_state[_WORKSPACE] = after


def amend(**changes: Any) -> None:
    """Replace choices as a part of the last change: one undo takes both back."""
    st.session_state[_WORKSPACE] = dataclasses.replace(workspace(), **changes)


def choose_world(world: str) -> None:
    """Look at a sample world, or at the person's own files (""), each with the choices that were made for it."""
    change(**_choices_for(world))


def _choices_for(world: str) -> dict[str, Any]:
    """Sample countries and days say nothing about a person's own files, nor theirs about the sample."""
    before = workspace()
    if _market(world) == _market(before.world):
        return {"world": world}
    shelf: dict[str, Workspace] = st.session_state.get(_SHELF, {})
    st.session_state[_SHELF] = {**shelf, _market(before.world): before}
    found = shelf.get(_market(world), Workspace())
    fields = [item.name for item in dataclasses.fields(Workspace) if item.name not in OF_THE_PERSON]
    return {**{name: getattr(found, name) for name in fields}, "world": world}


def _market(world: str) -> str:
    """What a world is about: a world and its dirty variant have the same countries and days. "" for own files."""
    return world.removesuffix("_dirty")


def change_spec(section: str, **changes: Any) -> None:
    """Replace fields of one spec of the Workspace. A refused value is told to the person and changes nothing."""
    change_specs({section: changes})


def change_specs(changes: Mapping[str, Mapping[str, Any]]) -> None:
    """As ``change_spec`` for several specs, in one step that one undo takes back."""
    after = before = workspace()
    try:
        for section, new in changes.items():
            after = _replaced(after, _path(section), new)
    except AnalysisError as error:
        st.session_state[_NOTICE] = error
        return
    old, now = _fields(before), _fields(after)
    change(**{name: value for name, value in now.items() if value != old[name]})


def spec(section: str) -> Any:
    """The spec at a path of the Workspace: "demand", "segmentation.rfm", "scenarios.0.population"; "" is all of it."""
    found: Any = workspace()
    for part in _path(section):
        found = found[int(part)] if part.isdecimal() else getattr(found, part)
    return found


def _path(section: str) -> list[str]:
    return section.split(".") if section else []


def _replaced(whole: Any, path: Sequence[str], new: Mapping[str, Any]) -> Any:
    """``whole`` with the fields ``new`` of the spec at ``path`` replaced; an item of a tuple goes by its position."""
    if not path:
        return dataclasses.replace(whole, **new)
    first, *rest = path
    if first.isdecimal():
        at = int(first)
        return (*whole[:at], _replaced(whole[at], rest, new), *whole[at + 1 :])
    return dataclasses.replace(whole, **{first: _replaced(getattr(whole, first), rest, new)})


def still_there() -> Callable[[], bool]:
    """What tells, from any thread and at any later time, whether this session's browser is still connected."""
    context = get_script_run_ctx()
    if context is None or not runtime.exists():
        return lambda: True
    session_id = context.session_id
    return lambda: runtime.exists() and runtime.get_instance().is_active_session(session_id)


def stop(key: str) -> None:
    """The person stopped this step: it stays stopped until they run it again, whoever asks for it on the page."""
    st.session_state[_STOPPED] = {*st.session_state.get(_STOPPED, set()), key}


def is_stopped(key: str) -> bool:
    return key in st.session_state.get(_STOPPED, set())


def run_again() -> None:
    """Every stopped step may run again."""
    st.session_state[_STOPPED] = set()


def can_undo() -> bool:
    return bool(st.session_state.get(_HISTORY))


def undo() -> None:
    """Take the last change back. The language is not a change of the work: it stays."""
    history = st.session_state[_HISTORY]
    if history:
        language = workspace().language
        st.session_state[_WORKSPACE] = dataclasses.replace(history[-1], language=language)
        st.session_state[_HISTORY] = history[:-1]


def set_language(language: Language) -> None:
    st.session_state[_WORKSPACE] = dataclasses.replace(workspace(), language=language)


def open_saved(data: bytes) -> None:
    """Adopt the choices of a saved JSON file; the language, and what is remembered of other files, stay."""
    language = workspace().language
    _adopt(lambda: from_json(data))
    set_language(language)


def open_mappings(data: bytes) -> None:
    """Remember the mappings of a JSON file beside those of this session."""
    try:
        found, refused = mappings_from_json(data)
    except AnalysisError as error:
        tell(error)
        return
    if refused:
        tell(AnalysisError("mappings_partial", names=", ".join(refused[:MAX_NAMED])))
    change(remembered=remember(workspace().remembered, *found))


def take_notice() -> AnalysisError | None:
    """A message for the next page to show once."""
    notice: AnalysisError | None = st.session_state.get(_NOTICE)
    st.session_state[_NOTICE] = None
    return notice


def tell(error: AnalysisError) -> None:
    """Leave a message for the next page to show once."""
    st.session_state[_NOTICE] = error


def link_parameter() -> str:
    """The share link's parameter for the present choices."""
    return to_link(workspace())


def base_url() -> str:
    """The address of the open page without its parameters; "" where the server does not know it (tests)."""
    url = st.context.url or ""
    return url.partition("?")[0]


def remember_upload(name: str, data: bytes, needed: Sequence[SourceRef]) -> SourceRef:
    """Keep the bytes for as long as the session lives; equal bytes are kept once.

    Raises ``AnalysisError("session_full")`` beyond the session's share; bytes of no ``needed`` source make room first.
    """
    digest, kept = digest_bytes(data), st.session_state[_UPLOADS]
    if digest not in kept:
        limit = int(os.environ.get("REGULARS_SESSION_MB", SESSION_MB))
        stay = {source.digest for source in needed}
        while (held := sum(map(len, kept.values()))) + len(data) > limit * 2**20:
            spare = next((old for old in kept if old not in stay), None)
            if spare is None:
                raise AnalysisError("session_full", name=name, megabytes=round(held / 2**20), limit=limit)
            del kept[spare]
        kept[digest] = data
    return SourceRef(name, digest)


def receive(files: Sequence[Any]) -> None:
    """Take what the upload widget holds into the work: new files join, files taken out of it leave.

    Several new files of one shape are one source; when one of them is taken out, the others make it anew.
    The widget forgets its files when its page is left; the work does not. So it is compared with what it held before.
    """
    before: dict[str, str] = st.session_state.get(_UPLOADER, {})
    stay = {file.file_id: before[file.file_id] for file in files if file.file_id in before}
    torn = {digest for file, digest in before.items() if file not in stay} & set(stay.values())
    held = {file: digest for file, digest in stay.items() if digest not in torn}
    leaving = set(before.values()) - set(held.values())
    sources = list(workspace().sources)
    heirs = {source.digest: source for source in sources if source.digest in torn}
    for group in _groups([file for file in files if file.file_id not in held]):
        name, data = group[0].name, group[0].getvalue()
        if len(group) > 1:
            name, data = f"{name} (+{len(group) - 1})", bundle([(file.name, file.getvalue()) for file in group])
        twin = digest_bytes(data) in st.session_state[_UPLOADS]
        try:
            new = remember_upload(name, data, [source for source in sources if source.digest not in leaving])
        except AnalysisError as error:
            tell(error)
            held |= {file.file_id: "" for file in group}
            continue
        held |= {file.file_id: new.digest for file in group}
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
    st.session_state[_UPLOADER] = held
    change(sources=tuple(source for source in sources if source.digest not in gone))


def _groups(files: Sequence[Any]) -> list[list[Any]]:
    """New files that are one source; a file that repeats another byte by byte stays alone."""
    first: dict[str, Any] = {}
    alone = [[file] for file in files if first.setdefault(digest_bytes(file.getvalue()), file) is not file]
    distinct = list(first.values())
    return [[distinct[i] for i in group] for group in same_shape([(f.name, f.getvalue()) for f in distinct])] + alone


def uploader_holds(files: Sequence[Any]) -> None:
    """Note what the upload widget shows now: nothing, when its page was left and entered again."""
    before: dict[str, str] = st.session_state.get(_UPLOADER, {})
    st.session_state[_UPLOADER] = {file.file_id: before[file.file_id] for file in files if file.file_id in before}


def is_here(source: SourceRef) -> bool:
    """Whether this session has the file behind a source; one of saved choices must be brought again."""
    return source.digest in st.session_state[_UPLOADS] or stored(source) is not None


def uploaded(source: SourceRef) -> bytes:
    """The bytes of a source; raises ``AnalysisError("source_gone")``."""
    data: bytes | None = st.session_state[_UPLOADS].get(source.digest)
    if data is None:
        raise AnalysisError("source_gone", name=source.name)
    return data


def remember_stored(name: str, file: LocalFile, *, temporary: bool = False) -> None:
    """Take a file that lies on the server into the work; it is read there and never held here.

    A ``temporary`` file was made for this session and leaves with it.
    """
    if temporary:
        weakref.finalize(file, Path(file.path).unlink, missing_ok=True)
    sources = workspace().sources
    known = [source for source in sources if source.digest == file.key]
    if known and is_here(known[0]):
        tell(AnalysisError("file_known", name=name, other=known[0].name))
    st.session_state.setdefault(_STORED, {})[file.key] = file
    if known:  # saved choices knew it before it was here
        return
    change(**_choices_for(""), sources=(*sources, SourceRef(name, file.key)))


def stored(source: SourceRef) -> LocalFile | None:
    """The file on the server behind a source, None for an upload."""
    file: LocalFile | None = st.session_state.get(_STORED, {}).get(source.digest)
    return file


def fetching(table: object) -> str:
    """The name of the fetch of ``table`` that is under way, begun now where there is none."""
    if not is_fetching(table):
        st.session_state[_FETCHING] = (table, uuid.uuid4().hex)
    return str(st.session_state[_FETCHING][1])


def is_fetching(table: object) -> bool:
    return bool(st.session_state.get(_FETCHING, (None,))[0] == table and _FETCHING in st.session_state)


def fetched() -> None:
    """The fetch has come to its end."""
    st.session_state.pop(_FETCHING, None)


def bind(key: str, value: Any) -> None:
    """Before a widget with ``key`` is drawn: make it show the stored ``value``, also after a link, undo or return.

    A widget that stands on several pages is a new one in the browser on each of them, where it would show its default
    while its state here is kept: so it is told again on every page.
    """
    page, told = st.session_state.get(_PAGE, ""), st.session_state.setdefault(_TOLD, {})
    if key not in st.session_state or st.session_state[key] != value or told.get(key) != page:
        st.session_state[key] = value
        told[key] = page


def enter(page: str) -> None:
    """Note which page is open."""
    st.session_state[_PAGE] = page


def bind_valid(key: str, options: Sequence[Any]) -> None:
    """Before a widget with ``key`` is drawn: let it show the first of ``options`` when its own choice is gone."""
    if st.session_state.get(key) not in options:
        st.session_state[key] = options[0]


def bind_first(key: str, value: Any) -> None:
    """Before a widget with ``key`` is drawn for the first time: let it show ``value``."""
    if key not in st.session_state:
        st.session_state[key] = value


def widget_value(key: str) -> Any:
    """What the person has just set the widget with ``key`` to; for its callback."""
    return st.session_state[key]


def as_date(value: Any) -> date | None:
    return value if isinstance(value, date) else None


def _adopt(decode: Any) -> None:
    before = workspace()
    try:
        adopted, refused = decode()
    except AnalysisError as error:
        tell(error)
        return
    if adopted.world and adopted.world not in WORLDS:
        tell(AnalysisError("world_unknown", world=adopted.world[:40]))
        adopted = dataclasses.replace(adopted, world=next(iter(WORLDS)))
    elif refused:
        tell(AnalysisError("link_partial", fields=", ".join(refused[:MAX_NAMED])))
    change(**_fields(dataclasses.replace(adopted, remembered=remember(before.remembered, *adopted.remembered))))
    st.session_state.pop(_SHELF, None)


def _fields(whole: Workspace) -> dict[str, Any]:
    return {item.name: getattr(whole, item.name) for item in dataclasses.fields(whole)}


def _browser_language() -> Language:
    """Simplified for zh, Traditional for zh-TW, zh-HK and zh-Hant, else English."""
    locale = (st.context.locale or "en").lower()
    if not locale.startswith("zh"):
        return LANGUAGES[0]
    return "zh_TW" if any(mark in locale for mark in ("tw", "hk", "mo", "hant")) else "zh_CN"


def secret() -> Secret:
    """The key of this session's pseudonyms. It lives here alone: never in the Workspace, a link or a file."""
    if workspace().world:
        return _SAMPLE_SECRET
    if _SECRET not in st.session_state:
        st.session_state[_SECRET] = Secret(secrets.token_bytes(32))
    made: Secret = st.session_state[_SECRET]
    return made


def scope() -> str:
    """What keeps the stored results of a person's own files apart from those of other sessions: "" for sample data."""
    return "" if workspace().world else secret().key[:16]


def erased() -> tuple[str, ...]:
    """The keyed digests of the ids of all who were erased from the present data, never the ids."""
    return tuple(digest for digests, _headings in _erasures() for digest in digests)


def n_erased() -> int:
    """How many customers were erased from the present data."""
    return len(_erasures())


def id_headings() -> tuple[str, ...]:
    """The headings under which the ids of customers stood when somebody was erased."""
    return tuple(sorted({heading for _digests, headings in _erasures() for heading in headings}))


def erase(digests: tuple[str, ...], headings: tuple[str, ...]) -> None:
    """Erase a customer for as long as the session lives; no undo brings them back."""
    stored = st.session_state.get(_ERASED, {})
    st.session_state[_ERASED] = {**stored, workspace().world: (*_erasures(), (digests, headings))}
    # The customer whose page was open may be this one: neither choices nor widgets may go on naming them.
    amend(customer="")
    st.session_state[_HISTORY] = [dataclasses.replace(before, customer="") for before in st.session_state[_HISTORY]]
    shelf: dict[str, Workspace] = st.session_state.get(_SHELF, {})
    st.session_state[_SHELF] = {market: dataclasses.replace(held, customer="") for market, held in shelf.items()}
    clear(*(key for key in st.session_state if isinstance(key, str) and key.startswith("customer.")))


def _erasures() -> tuple[tuple[tuple[str, ...], tuple[str, ...]], ...]:
    stored: dict[str, tuple[tuple[tuple[str, ...], tuple[str, ...]], ...]] = st.session_state.get(_ERASED, {})
    return stored.get(workspace().world, ())


def clear(*keys: str) -> None:
    """Let the widgets with these keys be empty again; for callbacks."""
    for key in keys:
        st.session_state.pop(key, None)
