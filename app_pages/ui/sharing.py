"""The Share popover of the context bar: links, and the choices as a file."""

from __future__ import annotations

import streamlit as st

from analytics.i18n import Words
from analytics.workspace import to_json
from app_pages.ui import remembering, session
from app_pages.ui.version import APP_VERSION


def panel(_: Words, name: str) -> None:
    """What can be given to others from the page ``name``."""
    workspace = session.workspace()
    if workspace.world:
        st.markdown(_("Whoever opens this link sees this page with the same data, choices and language."))
        st.code(
            f"{session.base_url() or '/' + name}?{session.LINK_PARAMETER}={session.link_parameter()}",
            language=None,
            wrap_lines=True,
        )
    else:
        st.markdown(_("Your own files stay private: no link leads to them. Save the choices and load them again here."))
    st.download_button(
        _("Save the choices (JSON)"),
        data=to_json(remembering.to_save(), app_version=APP_VERSION),
        file_name="regulars-choices.json",
        mime="application/json",
        icon=":material/save:",
        on_click="ignore",
        key="save-choices",
    )
