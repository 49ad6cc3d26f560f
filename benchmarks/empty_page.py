"""The app's frame around nothing: what a rerun costs before a page has done anything. For the ``rerun`` benchmark."""

if __name__ == "__main__":
    import pandas  # noqa: F401  # what every page loads, drawn or not
    import streamlit as st

    from app_pages.ui import session
    from app_pages.ui.page import frame

    session.start()
    st.set_page_config(layout="wide", initial_sidebar_state=248)
    with frame("upload"):
        pass
