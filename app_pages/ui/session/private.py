"""What protects the people in the data: the key of the pseudonyms, and who was erased."""

from __future__ import annotations

import dataclasses
import hashlib
import secrets

import streamlit as st

from analytics.privacy import Secret
from analytics.workspace import Workspace
from app_pages.ui.session.access import require, visit
from app_pages.ui.session.choices import amend, workspace
from app_pages.ui.session.fields import clear
from app_pages.ui.session.held import ERASED, HISTORY, SECRET, SHELF
from app_pages.ui.session.keeping import noting, store
from store import workspaces
from store.model import Erasure

# Sample people are nobody: all sessions share their results, and who was erased among them stays so after a restart.
_SAMPLE_SECRET = Secret(hashlib.sha256(b"the sample worlds of Regulars").digest())


def secret(*, own: bool = False) -> Secret:
    """The key of this work's pseudonyms. It is in the store and here: never in the Workspace, a link or a file.

    ``own`` asks for that of the person's own files while a sample world is in sight.
    """
    if workspace().world and not own:
        return _SAMPLE_SECRET
    if SECRET not in st.session_state:
        st.session_state[SECRET] = Secret(secrets.token_bytes(32))
    made: Secret = st.session_state[SECRET]
    return made


def scope() -> str:
    """What keeps the stored results of a person's own files apart from those of other work: "" for sample data."""
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
    """Erase a customer for good; neither undo nor an older version brings them back.

    Raises ``AnalysisError``: ``not_allowed``, and those of the store, when it could not be written down.
    """
    from app_pages.ui.session.saving import stored_record

    require("erase")
    record, here = stored_record(), visit()
    if record is not None and here.person is not None:
        with noting():
            workspaces.erase(store(), record.id, Erasure(workspace().world, digests, headings), here.person)
    held = st.session_state.get(ERASED, {})
    st.session_state[ERASED] = {**held, workspace().world: (*_erasures(), (digests, headings))}
    # The customer whose page was open may be this one: neither choices nor widgets may go on naming them.
    amend(customer="")
    st.session_state[HISTORY] = [dataclasses.replace(before, customer="") for before in st.session_state[HISTORY]]
    shelf: dict[str, Workspace] = st.session_state.get(SHELF, {})
    st.session_state[SHELF] = {market: dataclasses.replace(held, customer="") for market, held in shelf.items()}
    clear(*(key for key in st.session_state if isinstance(key, str) and key.startswith("customer.")))


def _erasures() -> tuple[tuple[tuple[str, ...], tuple[str, ...]], ...]:
    stored: dict[str, tuple[tuple[tuple[str, ...], tuple[str, ...]], ...]] = st.session_state.get(ERASED, {})
    return stored.get(workspace().world, ())
