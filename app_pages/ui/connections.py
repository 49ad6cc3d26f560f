"""Data that are on the server's side: files of its folder and tables of its databases, as its operator allows.

What is allowed comes from configuration alone: the secret ``[sources] folder`` or the variable
``REGULARS_DATA_FOLDER``, and the secrets ``[connections.<name>] url``. Nothing of it can be typed into the page.
"""

from __future__ import annotations

import os
from typing import Any

import streamlit as st

from analytics.connecting import (
    Credentials,
    FolderFile,
    LocalFile,
    TableName,
    digest_file,
    fetch_table,
    list_files,
    list_tables,
    locate,
)
from analytics.errors import AnalysisError
from analytics.i18n import Words
from app_pages.ui import crossing, page, session
from app_pages.ui.compute import compute

FETCH_SECONDS = 300


def choose(_: Words) -> None:
    """A panel with what the server offers; nothing where it offers nothing."""
    folder, connections = _folder(), _connections()
    if not folder and not connections:
        return
    with st.expander(_("From the server"), icon=":material/dns:", expanded=False):
        left, right = st.columns(2, gap="medium")
        with left:
            if folder:
                _files(_, folder)
        with right if folder else left:
            if connections:
                _tables(_, connections)


def _folder() -> str:
    return os.environ.get("REGULARS_DATA_FOLDER") or str(_secrets("sources").get("folder", ""))


def _connections() -> dict[str, Credentials]:
    found = {}
    for name, settings in _secrets("connections").items():
        url = str(settings.get("url", "")) if hasattr(settings, "get") else ""
        if url.startswith(("postgresql://", "postgres://")):
            found[name] = Credentials(name, url)
    return found


def _secrets(section: str) -> dict[str, Any]:
    if not st.secrets.load_if_toml_exists():
        return {}
    return dict(st.secrets.get(section, {}))


def _files(_: Words, folder: str) -> None:
    try:
        offered = {file.name: file for file in list_files(folder)}
    except AnalysisError as error:
        page.message(error, _)
        return
    chosen = st.selectbox(
        _("From the server's folder"),
        list(offered),
        index=None,
        format_func=lambda name: f"{name} · {_size(_, offered[name])}" if name in offered else name,
        placeholder=_("Choose a file"),
        key="folder-file",
    )
    st.button(
        _("Use this file"),
        icon=":material/add:",
        key="folder-use",
        disabled=chosen is None,
        on_click=_use,
        args=(folder, chosen),
    )


def _size(_: Words, file: FolderFile) -> str:
    return f"{_.number(max(file.n_bytes / 1e6, 0.1), 1)} MB"


def _use(folder: str, name: str) -> None:
    try:
        path = locate(folder, name)
        session.remember_stored(name, LocalFile(str(path), digest_file(path), path.stat().st_size))
    except (AnalysisError, OSError) as problem:
        session.tell(problem if isinstance(problem, AnalysisError) else AnalysisError("file_gone", name=name))


def _tables(_: Words, connections: dict[str, Credentials]) -> None:
    name = st.selectbox(
        _("From a database"), list(connections), index=None, placeholder=_("Choose a connection"), key="connection"
    )
    if name is None:
        return
    try:
        offered = {(item.schema, item.table): item for item in compute(list_tables, connections[name], heavy=True)}
    except AnalysisError as error:
        page.message(error, _)
        return
    chosen = st.selectbox(
        _("Table"),
        list(offered),
        index=None,
        format_func=".".join,
        placeholder=_("Choose a table"),
        key=f"table-of-{name}",
    )
    asked = st.button(_("Fetch this table"), icon=":material/download:", key=f"fetch-{name}", disabled=chosen is None)
    if asked or session.is_fetching((name, chosen)):
        _fetch(_, connections[name], offered[chosen])


def _fetch(_: Words, credentials: Credentials, table: TableName) -> None:
    """Fetch in a worker, with progress and a way to stop; a rerun meanwhile goes on watching the same fetch."""
    request = session.fetching((credentials.name, (table.schema, table.table)))
    try:
        found = compute(fetch_table, credentials, table, crossing.folder(), FETCH_SECONDS, request, heavy=True)
    except AnalysisError as error:
        session.fetched()
        page.message(error, _)
        return
    session.fetched()
    file = LocalFile(found.path, found.digest, found.n_bytes)
    session.remember_stored(f"{credentials.name}.{table.table}", file, temporary=True)
    st.rerun()
