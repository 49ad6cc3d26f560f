"""What protects the people in the data: the key of the pseudonyms, and who was erased."""

from __future__ import annotations

import dataclasses
import secrets

import streamlit as st

from analytics.privacy import Secret
from analytics.workspace import Workspace
from app_pages.ui.session.choices import amend, workspace
from app_pages.ui.session.fields import clear
from app_pages.ui.session.held import ERASED, HISTORY, SECRET, SHELF

_SAMPLE_SECRET = Secret(secrets.token_bytes(32))  # sample people are nobody: all sessions share their results


def secret() -> Secret:
    """The key of this session's pseudonyms. It lives here alone: never in the Workspace, a link or a file."""
    if workspace().world:
        return _SAMPLE_SECRET
    if SECRET not in st.session_state:
        st.session_state[SECRET] = Secret(secrets.token_bytes(32))
    made: Secret = st.session_state[SECRET]
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
    stored = st.session_state.get(ERASED, {})
    st.session_state[ERASED] = {**stored, workspace().world: (*_erasures(), (digests, headings))}
    # The customer whose page was open may be this one: neither choices nor widgets may go on naming them.
    amend(customer="")
    st.session_state[HISTORY] = [dataclasses.replace(before, customer="") for before in st.session_state[HISTORY]]
    shelf: dict[str, Workspace] = st.session_state.get(SHELF, {})
    st.session_state[SHELF] = {market: dataclasses.replace(held, customer="") for market, held in shelf.items()}
    clear(*(key for key in st.session_state if isinstance(key, str) and key.startswith("customer.")))


def _erasures() -> tuple[tuple[tuple[str, ...], tuple[str, ...]], ...]:
    stored: dict[str, tuple[tuple[tuple[str, ...], tuple[str, ...]], ...]] = st.session_state.get(ERASED, {})
    return stored.get(workspace().world, ())
