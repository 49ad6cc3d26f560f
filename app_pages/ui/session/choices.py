"""Every choice of the session: the Workspace, what came before it, and the share link of a world."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import streamlit as st

from analytics.errors import AnalysisError
from analytics.i18n import LANGUAGES, Language, Words, words_for
from analytics.workspace import (
    Workspace,
    from_json,
    mappings_from_json,
    remember,
    to_link,
    with_reference,
)
from app_pages.ui.session.access import require, visit
from app_pages.ui.session.held import HISTORY, NOTICE, SHELF, WORKSPACE
from app_pages.ui.session.notices import tell
from store.model import Access

LINK_PARAMETER = "s"
MAX_UNDO = 50
WORLDS = {"marketplace": "TWD", "marketplace_dirty": "TWD", "streaming": "TWD"}  # name -> currency
MAX_NAMED = 10  # refused parts of a file that are told by name
# Choices of what is looked at, whole sections and single fields: also who came by a link for looking may change them.
LOOKED_AT = ("cohort_view", "forecast_view", "what_if")
LOOKED_AT_FIELDS = (
    ("forecast", "unique_id"),
    ("behaviour", "section"),
    ("portrait", "pick"),
    ("product_life", "product"),
)
OF_THE_PERSON = frozenset({"name", "language", "sources", "remembered"})  # choices that other data do not change


def workspace() -> Workspace:
    """All choices as they stand."""
    if WORKSPACE not in st.session_state:
        visit()
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
    after = as_seen(after, visit().access)
    if after != before and _allowed(before, after):
        st.session_state[HISTORY] = [*st.session_state[HISTORY][-MAX_UNDO + 1 :], before]
        st.session_state[WORKSPACE] = after


def change_all(after: Workspace) -> None:
    """Replace every choice in one step; the language stays."""
    change(**{**_fields(after), "language": workspace().language})


def amend(**changes: Any) -> None:
    """Replace choices as a part of the last change: one undo takes both back."""
    after = as_seen(dataclasses.replace(workspace(), **changes), visit().access)
    if _allowed(workspace(), after):
        st.session_state[WORKSPACE] = after


def _allowed(before: Workspace, after: Workspace) -> bool:
    """Whether the choices may become these: who only looks may look at what they like. A refusal is told."""
    if same_but_seen(before, after):
        return True
    try:
        require("change")
    except AnalysisError as error:
        tell(error)
        return False
    return True


def same_but_seen(one: Workspace, other: Workspace) -> bool:
    """Whether two differ only in what is looked at: the language, which part of a page, customer, product, series,
    back-test or cut."""
    return one == other or _work(one) == _work(other)


def is_looked_at(section: str, field: str) -> bool:
    """Whether a choice is one of what is looked at, which everybody makes for themselves."""
    return section.partition(".")[0] in LOOKED_AT or (section, field) in LOOKED_AT_FIELDS


def _work(seen: Workspace) -> Workspace:
    usual = Workspace()
    plain: dict[str, Any] = {name: getattr(usual, name) for name in ("name", "language", "customer", *LOOKED_AT)}
    for section, field in LOOKED_AT_FIELDS:
        plain[section] = dataclasses.replace(getattr(seen, section), **{field: getattr(getattr(usual, section), field)})
    return dataclasses.replace(seen, **plain)


def as_seen(shown: Workspace, access: Access) -> Workspace:
    """The choices for somebody with this access: who may not have original ids sees pseudonyms in their place."""
    if access.may("export_ids") or access.role in ("out", "world"):
        return shown
    return dataclasses.replace(shown, privacy=dataclasses.replace(shown.privacy, pseudonymise_ids=True))


def as_saved(seen: Workspace, access: Access, before: Workspace) -> Workspace:
    """The other way round: what was only shown so is no choice of theirs."""
    if access.may("export_ids"):
        return seen
    held = dataclasses.replace(seen.privacy, pseudonymise_ids=before.privacy.pseudonymise_ids)
    return dataclasses.replace(seen, privacy=held)


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
        before = dataclasses.replace(history[-1], language=workspace().language)
        if _allowed(workspace(), before):
            st.session_state[WORKSPACE] = before
            st.session_state[HISTORY] = history[:-1]


def set_language(language: Language) -> None:
    st.session_state[WORKSPACE] = dataclasses.replace(workspace(), language=language)


def open_saved(data: bytes) -> None:
    """Adopt the choices of a saved JSON file; the language, and what is remembered of other files, stay."""
    language = workspace().language
    adopt(lambda: from_json(data))
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


def time_zone() -> str:
    """The browser's time zone by its name; "UTC" where it tells none."""
    return st.context.timezone or "UTC"


def link_parameter() -> str:
    """The share link's parameter for the present choices."""
    return to_link(workspace())


def base_url() -> str:
    """The address of the open page without its parameters; "" where the server does not know it (tests)."""
    url = st.context.url or ""
    return url.partition("?")[0]


def adopt(decode: Callable[[], tuple[Workspace, tuple[str, ...]]]) -> None:
    """Take over choices that come from outside; what was refused of them is told."""
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


def browser_language() -> Language:
    """Simplified for zh, Traditional for zh-TW, zh-HK and zh-Hant, else English."""
    locale = (st.context.locale or "en").lower()
    if not locale.startswith("zh"):
        return LANGUAGES[0]
    return "zh_TW" if any(mark in locale for mark in ("tw", "hk", "mo", "hant")) else "zh_CN"
