"""Earlier work on the Upload page: saved choices, remembered mappings, and files that are known but not here."""

from __future__ import annotations

import streamlit as st

from analytics.i18n import Words, escape_markdown
from analytics.workspace import RememberedMapping, SourceRef, mappings_to_json
from app_pages.ui import intake, page, session
from app_pages.ui.version import APP_VERSION

MAX_MB = 4  # a file of choices is small
MANY, LIST_HEIGHT = 6, 200  # a longer list scrolls


def choose(_: Words) -> None:
    """Load saved choices; see, save and load what is remembered of files by their headings."""
    if not session.may("change"):
        return
    with st.popover(_("Load saved choices"), icon=":material/folder_open:", type="tertiary"):
        st.file_uploader(_("A JSON file saved by Share"), key="choices", on_change=_load, max_upload_size=MAX_MB)
    workspace = session.workspace()
    if not workspace.world:
        with st.popover(_("Mappings"), icon=":material/history:", type="tertiary"):
            _mappings(_, workspace.remembered)


def _mappings(_: Words, remembered: tuple[RememberedMapping, ...]) -> None:
    """What is remembered of earlier files, and the same as a file for colleagues."""
    st.markdown(_("What you change or confirm is remembered for files with the same headings, such as next month's."))
    with st.container(height=LIST_HEIGHT if len(remembered) > MANY else "content", border=False):
        st.markdown("\n".join(_line(_, item) for item in reversed(remembered)))
    st.download_button(
        _("Mappings (JSON)"),
        data=mappings_to_json(remembered, app_version=APP_VERSION),
        file_name="regulars-mappings.json",
        mime="application/json",
        icon=":material/save:",
        on_click="ignore",
        disabled=not remembered,
        key="save-mappings",
    )
    st.file_uploader(
        _("Load mappings, your own or a colleague's"), key="mappings", on_change=_load_mappings, max_upload_size=MAX_MB
    )


def _line(_: Words, item: RememberedMapping) -> str:
    known = item.mapping
    holds = [_("how it is read")]
    if known is not None:
        holds = [_.phrase(f"table.{known.table}"), _.ngettext("{n} column", "{n} columns", len(known.columns))]
    return f"- {escape_markdown(item.name) or '–'} :small[:gray[{' · '.join(holds)}]]"


def missing(_: Words, gone: list[SourceRef]) -> None:
    """Files that saved choices know and this session does not have."""
    with st.container(border=True, key="missing"):
        names = _.listing(dict.fromkeys(escape_markdown(intake.title(source)) for source in gone))
        page.heading(_("These choices belong to files that are not here"), names)
        st.markdown(
            _(
                "Bring them again, or others with the same headings, such as next month's: mapping, repairs and "
                "all other choices then hold for those."
            )
        )
        st.button(_("Go on without them"), icon=":material/close:", key="go-on", on_click=_go_on, args=(gone,))


def _load() -> None:
    file = session.widget_value("choices")
    if file is not None:
        session.open_saved(file.getvalue())


def _load_mappings() -> None:
    file = session.widget_value("mappings")
    if file is not None:
        session.open_mappings(file.getvalue())


def _go_on(gone: list[SourceRef]) -> None:
    session.change(sources=tuple(item for item in session.workspace().sources if item not in gone))
