"""Regulars (常客): the frame around the pages, run for each visitor. ``app.py`` starts the server."""

# A worker process that is spawned while this script runs imports it under another name: it must do nothing then.
if __name__ == "__main__":
    from app_pages.ui.threads import bound

    bound()  # before numpy and Polars are loaded
    # Thirty sessions that open a fresh process at once race through the first import of pandas: it comes first.
    import pandas  # noqa: F401, I001  # loaded here, before all else
    import polars  # noqa: F401  # as above
    import altair  # noqa: F401  # as above

    from pathlib import Path

    import streamlit as st

    from app_pages.ui import audience, compute, session
    from app_pages.ui.steps import PAGES

    brand = Path(__file__).parent / "app_pages" / "ui" / "brand"
    session.start()
    audience.note()
    _ = session.words()
    st.set_page_config(
        page_title="Regulars 常客",
        page_icon=brand / "seal.svg",  # a local icon, before navigation: page icons then ask no font host
        layout="wide",
        initial_sidebar_state=248,
        menu_items={"About": _("Regulars (常客): from scattered customer data to decisions.")},
    )
    st.logo(str(brand / "wordmark.svg"), icon_image=str(brand / "seal.svg"), size="large")
    compute.begin()  # starts the workers in the background at the first session

    sections: dict[str, list[st.Page]] = {}
    for step in PAGES:
        shown = st.Page(
            f"app_pages/{step.name}.py",
            title=_(step.title),
            icon=step.icon,
            url_path=step.name,
            default=step is PAGES[0],
            # Whoever types the address of a page that is not theirs gets a refusal there.
            visibility="visible" if not step.deed or session.may(step.deed) else "hidden",
        )
        sections.setdefault(_(step.section), []).append(shown)
    st.navigation(sections).run()
