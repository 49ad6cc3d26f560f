"""The choice of language, in the context bar and before the door."""

from __future__ import annotations

import streamlit as st

from analytics.i18n import LANGUAGES, Words
from app_pages.ui import session

LANGUAGE_NAMES = {"en": "English", "zh_CN": "简体中文", "zh_TW": "繁體中文"}


def choose(_: Words) -> None:
    """The session's language; it says nothing about anybody else's."""
    session.bind("language", session.workspace().language)
    st.selectbox(
        _("Language"),
        LANGUAGES,
        format_func=LANGUAGE_NAMES.__getitem__,
        key="language",
        label_visibility="collapsed",
        width=108,
        on_change=lambda: session.set_language(session.widget_value("language")),
    )
