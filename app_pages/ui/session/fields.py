"""What widgets show and hold: the stored choice leads, the widget follows."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

import streamlit as st

from app_pages.ui.session.held import PAGE, TOLD


def bind(key: str, value: Any) -> None:
    """Before a widget with ``key`` is drawn: make it show the stored ``value``, also after a link, undo or return.

    A widget that stands on several pages is a new one in the browser on each of them, where it would show its default
    while its state here is kept: so it is told again on every page.
    """
    page, told = st.session_state.get(PAGE, ""), st.session_state.setdefault(TOLD, {})
    if key not in st.session_state or st.session_state[key] != value or told.get(key) != page:
        st.session_state[key] = value
        told[key] = page


def enter(page: str) -> None:
    """Note which page is open."""
    st.session_state[PAGE] = page


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


def note(key: str, value: Any) -> None:
    """Note what is shown of a page: no choice about data, and gone with the session; for callbacks."""
    st.session_state[key] = value


def noted(key: str) -> Any:
    """What was noted by ``note``."""
    return st.session_state.get(key)


def as_date(value: Any) -> date | None:
    return value if isinstance(value, date) else None


def clear(*keys: str) -> None:
    """Let the widgets with these keys be empty again; for callbacks."""
    for key in keys:
        st.session_state.pop(key, None)
