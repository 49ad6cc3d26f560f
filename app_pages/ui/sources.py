"""The Upload page's panels: choose the data, and see and correct how each file was read and which column is what."""

from __future__ import annotations

import dataclasses

import streamlit as st

from analytics.errors import AnalysisError
from analytics.i18n import Words, escape_markdown
from analytics.mapping import MappingSpec
from analytics.schema import TABLES
from analytics.workspace import SourceRef
from app_pages.ui import context, page, session, walk

ENCODINGS = ("auto", "utf-8", "gb18030", "big5hkscs", "utf-16", "cp1252")
DELIMITERS = ("auto", ",", ";", "\t", "|")
CURRENCIES = ("TWD", "CNY", "HKD", "USD", "GBP", "EUR", "JPY")
PREVIEW_ROWS = 8
OWN = "own"


def choose(_: Words) -> None:
    """The sample world or the person's own files; a saved set of choices."""
    workspace = session.workspace()
    options = {**{world: _(name) for world, name in context.WORLD_NAMES.items()}, OWN: _("My own files")}
    session.bind("source", workspace.world or OWN)
    st.segmented_control(
        _("Data"), list(options), format_func=options.__getitem__, key="source", required=True, on_change=_choose
    )
    if not workspace.world:
        st.file_uploader(
            _("Drop CSV, XLSX or Parquet files here. They stay in this session and leave with it."),
            accept_multiple_files=True,
            key="files",
            on_change=_receive,
        )
    with st.popover(_("Load saved choices"), icon=":material/folder_open:", type="tertiary"):
        st.file_uploader(_("A JSON file saved by Share"), key="choices", on_change=_load)


def panels(_: Words) -> list[SourceRef]:
    """One panel per file; gives the sources that can be read."""
    readable = []
    sources = walk.sources()
    names = {source.digest: source.name for source in sources}
    shown = next(iter(names))
    if len(names) > 1:
        shown = st.segmented_control(
            _("File"), list(names), format_func=names.__getitem__, default=shown, required=True, key="shown-file"
        )
    for source in sources:
        try:
            walk.mapped(source)
            readable.append(source)
            if source.digest == shown:
                _panel(_, source)
        except AnalysisError as error:
            st.markdown(f"**{escape_markdown(source.name)}**")
            page.message(error, _)
            if not session.workspace().world:
                _reading(_, source)
                st.button(_("Set this file aside"), key=f"drop-{source.digest}", on_click=_drop, args=(source.digest,))
    return readable


def _panel(_: Words, source: SourceRef) -> None:
    raw, spec = walk.raw(source), walk.mapping(source)
    own = not session.workspace().world
    left, right = st.columns([5, 7], gap="medium")
    with left:
        page.heading(
            _("{name} holds {table}", name=escape_markdown(source.name), table=_.phrase(f"table.{spec.table}")),
            _("First rows as they stand in the file; {n} rows in all.", n=raw.n_rows),
        )
        st.dataframe(raw.frame.head(PREVIEW_ROWS), hide_index=True, key=f"preview-{source.digest}", alt=source.name)
        if own:
            _reading(_, source)
    with right:
        page.heading(
            _("{n} of {all} columns are used", n=len(spec.columns), all=len(raw.columns)),
            _("Choose another meaning where one is wrong. Columns without a meaning are kept as attributes."),
        )
        if own:
            _table_choice(_, source, spec)
        _columns(_, source, spec, editable=own)
    page.caveats(raw.caveats, _)
    page.caveats(walk.mapped(source).caveats, _)


def _columns(_: Words, source: SourceRef, spec: MappingSpec, *, editable: bool) -> None:
    suggestion, raw, chosen = walk.suggestion(source), walk.raw(source), dict(spec.columns)
    fields = ["", *TABLES[spec.table].names]
    rows = []
    for match in suggestion.matches:
        example = next((str(value) for value in raw.frame[match.column].head(200) if value not in (None, "")), "")
        rows.append(
            {
                "column": match.column,
                "meaning": chosen.get(match.column, ""),
                "confidence": match.confidence * 100,
                "reason": _.phrase(f"match.{match.reason}"),
                "example": example[:60],
            }
        )
    key = f"columns-{source.digest}-{hash(spec)}"
    st.data_editor(
        rows,
        hide_index=True,
        key=key,
        disabled=["column", "confidence", "reason", "example"] if editable else True,
        column_config={
            "column": st.column_config.TextColumn(_("Column in the file"), pinned=True),
            "meaning": st.column_config.SelectboxColumn(
                _("Meaning"), options=fields, format_func=lambda name: _.label("field", name) if name else "–"
            ),
            "confidence": st.column_config.ProgressColumn(_("Confidence"), format="%d%%", min_value=0, max_value=100),
            "reason": st.column_config.TextColumn(_("Why")),
            "example": st.column_config.TextColumn(_("Example")),
        },
        on_change=_correct,
        args=(source, key),
    )


def _table_choice(_: Words, source: SourceRef, spec: MappingSpec) -> None:
    key = f"table-{source.digest}"
    session.bind(key, spec.table)
    labels = {name: _.phrase(f"table.{name}") for name in TABLES}
    st.selectbox(
        _("This file holds"),
        list(labels),
        format_func=labels.__getitem__,
        key=key,
        on_change=_hold,
        args=(source, key),
    )


def _reading(_: Words, source: SourceRef) -> None:
    """How the file was read, and other ways to read it."""
    with st.expander(_("How this file was read"), icon=":material/tune:", type="compact"):
        automatic = _("decide from the content")
        for field, label, options in (
            ("encoding", _("Encoding"), {name: name for name in ENCODINGS}),
            ("delimiter", _("Delimiter"), {mark: {"\t": "Tab"}.get(mark, mark) for mark in DELIMITERS}),
        ):
            key = f"{field}-{source.digest}"
            session.bind(key, getattr(source.reading, field))
            labels = {**options, "auto": automatic}
            st.selectbox(
                label,
                list(labels),
                format_func=labels.__getitem__,
                key=key,
                on_change=_read_otherwise,
                args=(source, field, key),
            )
        try:
            sheets = walk.raw(source).sheets
        except AnalysisError:
            return
        if len(sheets) > 1:
            key = f"sheet-{source.digest}"
            session.bind(key, source.reading.sheet or walk.raw(source).decided.sheet)
            st.selectbox(_("Sheet"), sheets, key=key, on_change=_read_otherwise, args=(source, "sheet", key))


def _choose() -> None:
    chosen = session.widget_value("source")
    session.change(world="" if chosen == OWN else chosen)


def _receive() -> None:
    """Take new files in; a file that was taken out of the uploader leaves the work."""
    received = [session.remember_upload(file.name, file.getvalue()) for file in session.widget_value("files") or []]
    known = {source.digest: source for source in session.workspace().sources}
    unique = {source.digest: known.get(source.digest, source) for source in received}
    session.change(sources=tuple(unique.values()))


def _load() -> None:
    file = session.widget_value("choices")
    if file is not None:
        session.open_saved(file.getvalue())


def _drop(digest: str) -> None:
    session.change(sources=tuple(item for item in session.workspace().sources if item.digest != digest))


def _correct(source: SourceRef, key: str) -> None:
    """Store changed meanings; a meaning that is given to a second column leaves the first."""
    spec, suggestion = walk.mapping(source), walk.suggestion(source)
    chosen = dict(spec.columns)
    for row, edit in session.widget_value(key)["edited_rows"].items():
        column, field = suggestion.matches[int(row)].column, edit.get("meaning")
        chosen = {name: other for name, other in chosen.items() if other != field and name != column}
        if field:
            chosen[column] = field
    walk.replace_source(source, mapping=dataclasses.replace(spec, columns=tuple(chosen.items())))


def _hold(source: SourceRef, key: str) -> None:
    suggestion = walk.suggestion_for(source, session.widget_value(key))
    walk.replace_source(source, mapping=suggestion.spec)


def _read_otherwise(source: SourceRef, field: str, key: str) -> None:
    walk.set_reading(source, dataclasses.replace(source.reading, **{field: session.widget_value(key)}))
