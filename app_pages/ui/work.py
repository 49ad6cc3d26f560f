"""The Workspaces page: the list of all stored work, and for one of them its name, its copies and its older versions."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import streamlit as st

from analytics.errors import AnalysisError
from analytics.i18n import Words, escape_markdown
from app_pages.ui import context, page, saving, session, visitor, walk
from app_pages.ui.version import APP_VERSION
from store import exchange, retention, workspaces
from store.model import Listed, Version

MIME = "application/zip"
SHOWN = 12  # of the list, and of a history, before the rest is asked for
CHOSEN = "chosen-workspace"


def choose(_: Words) -> None:
    """A new workspace, or one from a file."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(_("New workspace"), icon=":material/add:", key="new-workspace", on_click=_begin)
        with st.popover(_("Import a file"), icon=":material/upload_file:", key="import"):
            st.file_uploader(
                _("A file that Regulars exported (.regulars), or choices alone (.json)"),
                type=["regulars", "json", "zip"],
                key="import-file",
                on_change=_bring,
            )


def shelf(_: Words) -> None:
    """All work of this person, the last changed first; what to do where there is none."""
    listed = session.listing()
    if not listed:
        _empty(_)
    else:
        n = session.noted("workspaces-shown") or SHOWN
        for item in listed[:n]:
            _row(_, item)
        if len(listed) > n:
            st.button(
                _.ngettext("Show {n} more", "Show {n} more", len(listed) - n),
                icon=":material/expand_more:",
                key="more-workspaces",
                on_click=session.note,
                args=("workspaces-shown", len(listed)),
            )
    _deleted(_)


def _empty(_: Words) -> None:
    with st.container(border=True, horizontal_alignment="center", gap="small", key="empty"):
        st.image(str(page.SEAL), width=44)
        if session.person() is None:
            st.subheader(_("Nothing is saved for this browser"), anchor=False, text_alignment="center")
            told = _("It keeps no cookie, so its work cannot be found again. Allow cookies for this site and reload.")
            st.markdown(f":gray[{told}]", text_alignment="center")
            return
        st.subheader(_("No saved work yet"), anchor=False, text_alignment="center")
        told = _("Bring a file, or change anything on any page: from then on the work saves itself and is listed here.")
        st.markdown(f":gray[{told}]", text_alignment="center")
        if st.button(_("Go to Upload"), icon=":material/upload_file:", type="primary", key="to-upload"):
            st.switch_page("app_pages/upload.py")


def _row(_: Words, item: Listed) -> None:
    record = session.record()
    is_open = record is not None and record.id == item.id
    chosen = session.noted(CHOSEN) == item.id
    with st.container(border=True, gap="small", key=f"workspace-{item.id}"):
        with st.container(horizontal=True, vertical_alignment="center"):
            with st.container(gap="xxsmall", width="stretch"):
                marks = [f":blue-badge[{_('open now')}]"] if is_open else []
                marks += [f":gray-badge[{_('shared')}]"] if item.shared else []
                marks += [f":gray-badge[{_.phrase(f'role.{item.role}')}]"] if item.role != "owner" else []
                st.markdown(" ".join([f"**{saving.title(_, item.name)}**", *marks]))
                st.markdown(f":small[:gray[{_about(_, item)}]]")
            if not is_open and st.button(_("Open"), icon=":material/open_in_new:", key=f"open-{item.id}"):
                _open(item)
            st.button(
                _("Less") if chosen else _("More"),
                icon=":material/expand_less:" if chosen else ":material/expand_more:",
                type="tertiary",
                key=f"more-{item.id}",
                on_click=session.note,
                args=(CHOSEN, "" if chosen else item.id),
            )
        if chosen:
            _details(_, item, is_open=is_open)


def _about(_: Words, item: Listed) -> str:
    """Which data, who changed it when, how much it holds, and until when it stays."""
    parts = [_(context.WORLD_NAMES[item.world]) if item.world in context.WORLD_NAMES else _("Own files")]
    who = visitor.called(_, item.changed_by) if item.changed_by.id != item.owner.id or item.role != "owner" else ""
    when = saving.ago(_, item.changed_at)
    parts.append(_("changed {ago} by {who}", ago=when, who=who) if who else _("changed {ago}", ago=when))
    if item.n_uploads:
        size = _.number(max(item.n_bytes / 1e6, 0.1), 1)
        parts.append(_.ngettext("{n} file, {size} MB", "{n} files, {size} MB", item.n_uploads, size=size))
    if item.n_links:
        parts.append(_.ngettext("{n} open link", "{n} open links", item.n_links))
    if item.n_members:
        parts.append(_.ngettext("{n} colleague", "{n} colleagues", item.n_members))
    if not item.kept and item.role == "owner":
        day = saving.local(item.opened_at + timedelta(days=retention.keep_days())).date()
        parts.append(_("deleted after {day} unless you name or keep it", day=day))
    return " · ".join(parts)


def _details(_: Words, item: Listed, *, is_open: bool) -> None:
    own = item.role == "owner"
    if own:
        name, kept = f"name-{item.id}", f"kept-{item.id}"
        session.bind(name, item.name)
        session.bind(kept, item.kept)
        with st.container(horizontal=True, vertical_alignment="bottom"):
            st.text_input(
                _("Name"),
                key=name,
                max_chars=workspaces.MOST_NAME,
                placeholder=_("Give it a name to keep it"),
                on_change=lambda: session.rename_one(item.id, session.widget_value(name)),
            )
            st.toggle(
                _("Keep"),
                key=kept,
                help=_("What is not kept is deleted some days after its last use."),
                on_change=lambda: session.keep_one(item.id, session.widget_value(kept)),
            )
    with st.container(horizontal=True):
        st.button(
            _("Duplicate"),
            icon=":material/content_copy:",
            key=f"copy-{item.id}",
            on_click=session.duplicate_one,
            args=(item.id, _("Copy of {name}", name=item.name or _("work without a name"))),
        )
        st.download_button(
            _("Export the choices"),
            data=session.export_one(item.id, APP_VERSION),
            file_name="workspace.regulars",
            mime=MIME,
            icon=":material/download:",
            on_click="ignore",
            key=f"export-{item.id}",
        )
        if own:
            st.button(
                _("Delete"),
                icon=":material/delete:",
                key=f"delete-{item.id}",
                on_click=session.delete_one,
                args=(item.id,),
                help=_("It can be had back from the list of deleted work below."),
            )
    if is_open and session.may("export") and not session.workspace().world:
        _with_data(_)
    files = session.files_of(item.id) if item.role != "view" and item.n_uploads else ()
    if files:
        lines = [f"- {escape_markdown(file.name)} :small[:gray[{_megabytes(_, file.n_bytes)}]]" for file in files]
        page.heading(_("Files"))
        st.markdown("\n".join(lines))
    _history(_, item)


def _with_data(_: Words) -> None:
    """One file with the cleaned tables in it, every customer id a pseudonym."""
    if not st.toggle(_("Prepare one file with the data, pseudonymised"), key="export-data"):
        return
    data = walk.protected()
    given = exchange.export_workspace(
        session.workspace(),
        tables=walk.given_away(),
        currency=data.currency,
        as_of=walk.known_day(),
        pseudonymised=True,
        app_version=APP_VERSION,
    )
    st.download_button(
        _("Export with data"),
        data=given,
        file_name="workspace.regulars",
        mime=MIME,
        icon=":material/download:",
        on_click="ignore",
        key="export-with-data",
    )


def _history(_: Words, item: Listed) -> None:
    versions = session.history(item.id)
    page.heading(_("History"), _("Saves by one person within ten minutes are one entry."))
    n = SHOWN if session.noted("history-of") != item.id else len(versions)
    for i, version in enumerate(versions[:n]):
        with st.container(horizontal=True, vertical_alignment="center"):
            with st.container(gap="xxsmall", width="stretch"):
                st.markdown(_version(_, version))
            if i == 0:
                st.markdown(f":small[:gray[{_('newest')}]]", width="content")
            elif item.role != "view":
                st.button(
                    _("Restore"),
                    icon=":material/history:",
                    type="tertiary",
                    key=f"restore-{item.id}-{version.number}",
                    on_click=session.restore_one,
                    args=(item.id, version.number),
                )
    if len(versions) > n:
        st.button(
            _.ngettext("Show {n} more", "Show {n} more", len(versions) - n),
            type="tertiary",
            key=f"older-{item.id}",
            on_click=session.note,
            args=("history-of", item.id),
        )


def _version(_: Words, version: Version) -> str:
    """When, who, and what changed."""
    steps = tuple(dict.fromkeys(saving.step_of(field) for field in version.changed))
    here = session.person()
    parts = [_("You") if here is not None and version.by.id == here.id else visitor.called(_, version.by)]
    if steps:
        parts.append(saving.steps_told(_, steps))
    if version.note:
        parts.append(_note(_, version.note))
    return f"{saving.clock(_, version.at)} :small[:gray[{' · '.join(parts)}]]"


def _note(_: Words, note: str) -> str:
    """A person's own name for a version, or what made it."""
    if note.startswith(workspaces.RESTORED):
        return _.phrase("note.restored", number=note.removeprefix(workspaces.RESTORED))
    return _.phrase("note.older_app") if note == workspaces.OLDER_APP else escape_markdown(note)


def _deleted(_: Words) -> None:
    gone = session.deleted_listing()
    if not gone:
        return
    with st.expander(_.ngettext("{n} deleted", "{n} deleted", len(gone)), icon=":material/delete:", type="compact"):
        told = _.ngettext(
            "Deleted work can be had back for {n} day.",
            "Deleted work can be had back for {n} days.",
            retention.keep_days(),
        )
        st.markdown(f":small[:gray[{told}]]")
        for item in gone[:SHOWN]:
            with st.container(horizontal=True, vertical_alignment="center"):
                st.markdown(f"{saving.title(_, item.name)} :small[:gray[{_about_deleted(_, item)}]]", width="stretch")
                st.button(
                    _("Have it back"),
                    icon=":material/restore_from_trash:",
                    type="tertiary",
                    key=f"undelete-{item.id}",
                    on_click=session.undelete_one,
                    args=(item.id,),
                )


def _about_deleted(_: Words, item: Listed) -> str:
    return _("deleted {ago}", ago=saving.ago(_, item.deleted_at or item.changed_at))


def _megabytes(_: Words, n_bytes: int) -> str:
    return f"{_.number(max(n_bytes / 1e6, 0.1), 1)} MB"


def _open(item: Listed) -> None:
    try:
        record = session.open_workspace(item.id)
    except AnalysisError as error:
        session.tell(error)
        st.rerun()
    known = {one.name for one in saving.PAGES}
    st.switch_page(f"app_pages/{record.page if record.page in known else 'upload'}.py")


def _begin() -> None:
    session.leave()


def _bring() -> None:
    file: Any = session.widget_value("import-file")
    if file is not None:
        session.bring(file.name, file.getvalue())


def go_on(_: Words) -> None:
    """On a fresh session: the way back to where the person was last."""
    last = session.last_workspace()
    if last is None:
        return
    with st.container(border=True, horizontal=True, vertical_alignment="center", key="go-on-last"):
        with st.container(gap="xxsmall", width="stretch"):
            name = saving.title(_, last.name)
            st.markdown(_("Go on where you were: **{name}**", name=name))
            st.markdown(f":small[:gray[{_about(_, last)}]]")
        if st.button(_("Go on"), icon=":material/arrow_forward:", icon_position="right", key="go-on-open"):
            _open(last)
