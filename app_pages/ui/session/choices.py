"""Every choice of the session: the Workspace, what came before it, and the share link of a world."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from analytics.errors import AnalysisError
from analytics.i18n import LANGUAGES, Language, Words, words_for
from analytics.workspace import (
    Workspace,
    from_json,
    from_link,
    mappings_from_json,
    remember,
    to_link,
    with_reference,
)
from app_pages.ui.session.held import HISTORY, NOTICE, SHELF, UPLOADS, WORKSPACE
from app_pages.ui.session.notices import tell

LINK_PARAMETER = "s"
MAX_UNDO = 50
WORLDS = {"marketplace": "TWD", "marketplace_dirty": "TWD", "streaming": "TWD"}  # name -> currency
MAX_NAMED = 10  # refused parts of a file that are told by name
OF_THE_PERSON = frozenset({"name", "language", "sources", "remembered"})  # choices that other data do not change


def start() -> None:
    """Once per session: the Workspace from the link, or the defaults in the browser's language."""
    if WORKSPACE in st.session_state:
        return
    st.session_state[HISTORY] = []
    st.session_state[UPLOADS] = {}
    st.session_state[NOTICE] = None
    st.session_state[WORKSPACE] = Workspace(language=_browser_language())
    link = st.query_params.get(LINK_PARAMETER)
    if link:
        _adopt(lambda: from_link(link))
        st.session_state[HISTORY] = []  # nothing came before the link


def workspace() -> Workspace:
    """All choices as they stand."""
    start()
    stored: Workspace = st.session_state[WORKSPACE]
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
        st.session_state[HISTORY] = [*st.session_state[HISTORY][-MAX_UNDO + 1 :], before]
        st.session_state[WORKSPACE] = after


def amend(**changes: Any) -> None:
    """Replace choices as a part of the last change: one undo takes both back."""
    st.session_state[WORKSPACE] = dataclasses.replace(workspace(), **changes)


def choose_world(world: str) -> None:
    """Look at a sample world, or at the person's own files (""), each with the choices that were made for it."""
    change(**choices_for(world))


def choices_for(world: str) -> dict[str, Any]:
    """Sample countries and days say nothing about a person's own files, nor theirs about the sample."""
    before = workspace()
    if _market(world) == _market(before.world):
        return {"world": world}
    shelf: dict[str, Workspace] = st.session_state.get(SHELF, {})
    st.session_state[SHELF] = {**shelf, _market(before.world): before}
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
        st.session_state[NOTICE] = error
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


def can_undo() -> bool:
    return bool(st.session_state.get(HISTORY))


def undo() -> None:
    """Take the last change back. The language is not a change of the work: it stays."""
    history = st.session_state[HISTORY]
    if history:
        language = workspace().language
        st.session_state[WORKSPACE] = dataclasses.replace(history[-1], language=language)
        st.session_state[HISTORY] = history[:-1]


def set_language(language: Language) -> None:
    st.session_state[WORKSPACE] = dataclasses.replace(workspace(), language=language)


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


def link_parameter() -> str:
    """The share link's parameter for the present choices."""
    return to_link(workspace())


def base_url() -> str:
    """The address of the open page without its parameters; "" where the server does not know it (tests)."""
    url = st.context.url or ""
    return url.partition("?")[0]


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
    st.session_state.pop(SHELF, None)


def _fields(whole: Workspace) -> dict[str, Any]:
    return {item.name: getattr(whole, item.name) for item in dataclasses.fields(whole)}


def _browser_language() -> Language:
    """Simplified for zh, Traditional for zh-TW, zh-HK and zh-Hant, else English."""
    locale = (st.context.locale or "en").lower()
    if not locale.startswith("zh"):
        return LANGUAGES[0]
    return "zh_TW" if any(mark in locale for mark in ("tw", "hk", "mo", "hant")) else "zh_CN"
