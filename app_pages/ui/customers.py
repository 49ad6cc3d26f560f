"""From a list of customers to the page of one of them."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from analytics.i18n import Words
from app_pages.ui import session

MOST_OFFERED = 200


def open_one(_: Words, ids: Sequence[str], *, key: str) -> None:
    """Choose one of ``ids`` and look at everything about this customer."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        offered = list(ids[:MOST_OFFERED])
        session.bind_valid(key, offered)
        chosen = st.selectbox(_("Customer"), offered, key=key, width=220)
        if st.button(_("See this customer"), icon=":material/person_search:", key=f"{key}-go"):
            session.change(customer=chosen)
            st.switch_page("app_pages/customer.py")
