"""What one part of the app has to tell on the page that is drawn next."""

from __future__ import annotations

import streamlit as st

from analytics.errors import AnalysisError
from app_pages.ui.session.held import NOTICE


def take_notice() -> AnalysisError | None:
    """A message for the next page to show once."""
    notice: AnalysisError | None = st.session_state.get(NOTICE)
    st.session_state[NOTICE] = None
    return notice


def tell(error: AnalysisError) -> None:
    """Leave a message for the next page to show once."""
    st.session_state[NOTICE] = error
