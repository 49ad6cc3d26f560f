"""Heavy steps of this session: which of them a person stopped, and whether anybody still waits."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st
from streamlit import runtime
from streamlit.runtime.scriptrunner import get_script_run_ctx

from app_pages.ui.session.held import STOPPED


def still_there() -> Callable[[], bool]:
    """What tells, from any thread and at any later time, whether this session's browser is still connected."""
    context = get_script_run_ctx()
    if context is None or not runtime.exists():
        return lambda: True
    session_id = context.session_id
    return lambda: runtime.exists() and runtime.get_instance().is_active_session(session_id)


def stop(key: str) -> None:
    """The person stopped this step: it stays stopped until they run it again, whoever asks for it on the page."""
    st.session_state[STOPPED] = {*st.session_state.get(STOPPED, set()), key}


def is_stopped(key: str) -> bool:
    return key in st.session_state.get(STOPPED, set())


def run_again() -> None:
    """Every stopped step may run again."""
    st.session_state[STOPPED] = set()
