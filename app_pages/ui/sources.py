"""The Upload page's panels: choose the data, and see and correct how each file was read and which column is what."""

from __future__ import annotations

import dataclasses
from typing import Any

import polars as pl
import streamlit as st

from analytics.charts.mapping import is_unsure
from analytics.errors import AnalysisError, Caveat
from analytics.i18n import Words, escape_markdown
from analytics.mapping import ColumnMatch, MappedTable, MappingSpec
from analytics.reading import RawTable
from analytics.schema import TABLES
from analytics.workspace import SourceRef
from app_pages.ui import connections, context, earlier, intake, page, questionnaire, remembering, session, widgets
from store import retention

ENCODINGS = ("auto", "utf-8", "gb18030", "big5hkscs", "utf-16", "cp1252")
DELIMITERS = ("auto", ",", ";", "\t", "|", " ")
HEADERS = ("auto", "yes", "no")
LAYOUTS = ("auto", "table", "baskets", "wide_series")
STEPS = ("auto", "day", "week", "month", "quarter", "year")
DECIMAL_MARKS = ("auto", ".", ",")
CURRENCIES = ("TWD", "CNY", "HKD", "USD", "GBP", "EUR", "JPY")
ASKED = {"date_order_assumed_day", "date_order_assumed_month", "decimal_mark_assumed"}
# Errors that no encoding can mend.
NO_TEXT = ("workbook_", "parquet_", "archive_", "nested_", "not_a_table", "sheet_", "source_gone")
PREVIEW_ROWS = 8
OWN = "own"


def choose(_: Words) -> None:
    """The sample world or the person's own files; a saved set of choices."""
    workspace = session.workspace()
    options = {**{world: _(name) for world, name in context.WORLD_NAMES.items()}, OWN: _("My own files")}
    session.bind("source", workspace.world or OWN)
    with page.controls():
        st.segmented_control(
            _("Data"),
            list(options),
            format_func=options.__getitem__,
            key="source",
            required=True,
            on_change=_choose,
            wrap=True,
            disabled=not session.may("change"),
        )
        earlier.choose(_)
    if workspace.world:
        return
    if not session.may("upload"):
        if session.person() is None and session.link() is None:
            st.markdown(_where_files_stay(_))
        return
    left, right = st.columns([3, 1], gap="medium")
    with left:
        files = st.file_uploader(
            _("Drop CSV, XLSX, JSON, Parquet or ZIP files here"),
            accept_multiple_files=True,
            key="files",
            on_change=_receive,
        )
        st.markdown(f":small[:gray[{_where_files_stay(_)}]]")
        connections.choose(_)
    session.uploader_holds(files or [])
    with right:
        labels = {code: f"{code} · {_.symbol(code)}" for code in CURRENCIES}
        widgets.select("quality", "currency", _("Currency"), {"": _("as the amounts show"), **labels})


def _where_files_stay(_: Words) -> str:
    """What becomes of a file that is brought here."""
    if session.person() is None:
        return _("This browser keeps no cookie: files cannot be taken. Allow cookies for this site and load it again.")
    return _.ngettext(
        "Files stay on this server, seen only by you and whom you share this work with. They are deleted {n} day after "
        "the work was last open, unless you name it or keep it.",
        "Files stay on this server, seen only by you and whom you share this work with. They are deleted {n} days "
        "after the work was last open, unless you name it or keep it.",
        retention.keep_days(),
    )


def panels(_: Words) -> list[SourceRef]:
    """One panel per file; gives the sources that can be read. Who may not see rows is told what the files are."""
    if not session.may("see_rows"):
        return _told(_)
    readable = []
    missing = [source for source in intake.sources() if not session.workspace().world and not session.is_here(source)]
    if missing:
        earlier.missing(_, missing)
    for source in intake.sources():
        if source in missing:
            continue
        try:
            intake.mapped(source)
        except AnalysisError as error:
            _refused(_, source, error)
        else:
            readable.append(source)
    if not readable:
        return []
    titles = {_id(source): escape_markdown(intake.title(source)) + _mark(source) for source in readable}
    shown = next(iter(titles))
    if len(titles) > 1:
        session.bind_valid("shown-file", list(titles))
        shown = st.segmented_control(
            _("File"), list(titles), format_func=titles.__getitem__, required=True, key="shown-file"
        )
    _panel(_, next(source for source in readable if _id(source) == shown))
    return readable


def _told(_: Words) -> list[SourceRef]:
    """The files by name, table and number of rows: nothing of what stands in them."""
    rows, readable = [], []
    for source in intake.sources():
        try:
            table, n = _.phrase(f"table.{intake.mapping(source).table}"), intake.raw(source).n_rows
        except AnalysisError as error:
            table, n = _.phrase(f"error.{error.code}", **error.params), 0
        else:
            readable.append(source)
        rows.append({"source": intake.title(source), "table": table, "rows_in": n})
    page.heading(_("The files"), _("What stands in them is seen by those who work with them."))
    kinds = {"source": "text", "table": "text", "rows_in": "int"}
    page.table(pl.DataFrame(rows), _, kinds, key="files-told", alt=_("The files"))
    return readable


def _refused(_: Words, source: SourceRef, error: AnalysisError) -> None:
    """A file that cannot be read: what is wrong, other ways to read it, and the way out."""
    with st.container(border=True, gap="small", key=f"refused-{_id(source)}"):
        st.markdown(f"**{escape_markdown(intake.title(source))}**")
        page.message(error, _)
        if session.workspace().world:
            return
        if not error.code.startswith(NO_TEXT):
            _reading(_, source)
        _remove(_, source)


def _panel(_: Words, source: SourceRef) -> None:
    raw, spec, mapped = intake.raw(source), intake.mapping(source), intake.mapped(source)
    own = not session.workspace().world
    if own:
        _questions(_, source, mapped)
    left, right = st.columns([2, 3], gap="medium")
    with left:
        page.heading(
            _(
                "{name} holds {table}",
                name=escape_markdown(intake.title(source)),
                table=_.phrase(f"table.{spec.table}"),
            ),
            _("First rows as they stand in the file; {n} rows in all.", n=raw.n_rows)
            if raw.decided.layout == "table"
            else _("First rows after every line was taken apart; {n} rows in all.", n=raw.n_rows),
        )
        if own:
            _sheets(_, source, raw)
        st.dataframe(
            raw.frame.head(PREVIEW_ROWS),
            column_config={name: st.column_config.Column(_heading(_, raw, name)) for name in raw.frame.columns},
            hide_index=True,
            key=f"preview-{_id(source)}",
            alt=source.name,
            placeholder="–",
        )
        if own:
            _reading(_, source, raw)
            _remove(_, source)
    with right:
        correctable = _("Where a meaning is wrong, choose another. ▲ marks what is uncertain.")
        page.heading(
            _("{n} of {all} columns are used", n=len(spec.columns), all=len(raw.columns)),
            correctable if own else _("Meanings of sample data stand as they are. ▲ marks what is uncertain."),
        )
        if own:
            _word(_, source)
            _table_choice(_, source, spec)
        _columns(_, source, spec, editable=own)
        if own and _n_unsure(source):
            st.button(
                _("These meanings are right"),
                icon=":material/check:",
                key=f"confirm-{_id(source)}",
                on_click=_confirm,
                args=(source,),
            )
    page.caveats([item for item in mapped.caveats if not (own and _is_question(item))], _)
    if spec.table == "survey":
        questionnaire.panel(_, mapped)


def _questions(_: Words, source: SourceRef, mapped: MappedTable) -> None:
    """What the file itself does not tell: the order of day and month, and what a mark between digits means."""
    spec = mapped.spec
    open_ones = [item for item in mapped.caveats if _is_question(item)]
    dates = spec.day_first is not None or any(item.code.startswith("date_order") for item in open_ones)
    marks = spec.decimal_mark != "auto" or any(item.code == "decimal_mark_assumed" for item in open_ones)
    if not dates and not marks:
        return
    with st.container(border=True, key=f"questions-{_id(source)}"):
        page.caveats(open_ones, _)
        if dates:
            # Nothing is chosen until the person chooses: what is assumed can then be confirmed by a click too.
            orders = {True: _("3 April: day first"), False: _("4 March: month first")}
            _choice(_("3/4 is"), orders, spec.day_first, "day_first", source)
        if marks:
            marked = {mark: _.phrase(f"option.decimal_mark.{mark}") for mark in DECIMAL_MARKS}
            _choice(_.label("field", "decimal_mark"), marked, spec.decimal_mark, "decimal_mark", source, required=True)


def _choice(
    label: str, options: dict[Any, str], value: Any, field: str, source: SourceRef, *, required: bool = False
) -> None:
    key = f"{field}-{_id(source)}"
    session.bind(key, value)
    st.segmented_control(
        label,
        list(options),
        format_func=options.__getitem__,
        key=key,
        required=required,
        on_change=_settle,
        args=(source, field, key),
    )


def _heading(_: Words, raw: RawTable, column: str) -> str:
    """A column's own heading; lines that were taken apart never had any, so theirs are told in words."""
    return column if raw.decided.layout == "table" else _.label("field", column)


def _columns(_: Words, source: SourceRef, spec: MappingSpec, *, editable: bool) -> None:
    raw, chosen = intake.raw(source), dict(spec.columns)
    fields = ["", *TABLES[spec.table].names]
    kept = set(intake.mapped(source).attributes)
    rows = []
    for match in _matches(source):
        example = next((str(value) for value in raw.frame[match.column].head(200) if value not in (None, "")), "")
        unsure = not intake.is_settled(source) and is_unsure(match, spec)
        meaning = chosen.get(match.column, "")
        corrected = intake.is_settled(source) and bool(meaning) and meaning != match.field
        reason = _.phrase(f"match.{match.reason}")
        if corrected:
            reason = _("your choice") if source.mapping is not None else _("as in the earlier file")
        elif match.column in kept:
            reason = _("kept as it is")
        rows.append(
            {
                "column": ("▲ " if unsure else "") + _heading(_, raw, match.column),
                "example": example[:60],
                "meaning": meaning or None,
                "confidence": None if corrected or not match.confidence else match.confidence * 100,
                "reason": reason,
            }
        )
    key = f"columns-{_id(source)}-{hash(spec)}"
    st.data_editor(
        rows,
        hide_index=True,
        key=key,
        disabled=["column", "example", "confidence", "reason"] if editable else True,
        placeholder="–",
        column_config={
            "column": st.column_config.TextColumn(_("Column in the file"), pinned=True),
            "example": st.column_config.TextColumn(_("Example"), width=100),
            "meaning": st.column_config.SelectboxColumn(
                _("Meaning"),
                options=fields,
                format_func=lambda name: _.label("field", name) if name else "–",
                width=130,
            ),
            "confidence": st.column_config.ProgressColumn(
                _("Confidence"), format="%d%%", min_value=0, max_value=100, width=95
            ),
            "reason": st.column_config.TextColumn(_("Why")),
        },
        on_change=_correct,
        args=(source, key),
    )


def _word(_: Words, source: SourceRef) -> None:
    """Whose word stands on the columns, and the way to the other one."""
    known = intake.recalled(source)
    if known is None and source.mapping is None:
        return
    if known is not None and known.name:
        said = _("Mapping taken from {name}, which has the same headings.", name=escape_markdown(known.name))
    elif known is not None:
        said = _("Mapping taken from an earlier file with the same headings.")
    elif intake.signature(source):
        said = _("Your choice. It is remembered for files with the same headings.")
    else:
        said = _("Your choice for this file.")
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(f":small[:material/history: {said}]", width="content")
        st.button(
            _("Back to the suggestion"),
            icon=":material/undo:",
            type="tertiary",
            key=f"suggestion-{_id(source)}",
            on_click=_back,
            args=(source,),
        )


def _matches(source: SourceRef) -> list[ColumnMatch]:
    """How each column was recognised, for the table that the file holds: the uncertain ones come first."""
    spec = intake.mapping(source)
    matches = intake.suggestion_for(source, spec.table).matches
    return sorted(matches, key=lambda match: not (not intake.is_settled(source) and is_unsure(match, spec)))


def _n_unsure(source: SourceRef) -> int:
    spec = intake.mapping(source)
    return 0 if intake.is_settled(source) else sum(is_unsure(match, spec) for match in _matches(source))


def _mark(source: SourceRef) -> str:
    n = _n_unsure(source) + n_questions(source)
    return f" ▲ {n}" if n else ""


def _table_choice(_: Words, source: SourceRef, spec: MappingSpec) -> None:
    key = f"table-{_id(source)}"
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


def _sheets(_: Words, source: SourceRef, raw: RawTable) -> None:
    """Which sheets of a workbook are read; each is a table of its own."""
    if len(raw.sheets) < 2:
        return
    key = f"sheets-{source.digest}"
    session.bind(key, [_sheet(item) for item in session.workspace().sources if item.digest == source.digest])
    st.multiselect(_("Sheets that are read"), raw.sheets, key=key, on_change=_take_sheets, args=(source, key))


def _reading(_: Words, source: SourceRef, raw: RawTable | None = None) -> None:
    """How the file was read, and other ways to read it."""
    reading = intake.reading(source)
    shown: dict[str, tuple[str, dict[str, str]]] = {}
    if raw is None or raw.decided.format == "csv":
        shown["encoding"] = reading.encoding, _options(_, "encoding", ENCODINGS)
        named = {mark: _.phrase(f"option.delimiter.{mark}") for mark in DELIMITERS}
        shown["delimiter"] = reading.delimiter, {**named, reading.delimiter: named.get(reading.delimiter, "")}
        shown["layout"] = reading.layout, _options(_, "layout", LAYOUTS)
    if raw is not None and raw.decided.series_step != "auto":
        shown["series_step"] = reading.series_step, _options(_, "series_step", STEPS)
    header = "auto" if reading.has_header is None else "yes" if reading.has_header else "no"
    shown["has_header"] = header, dict(zip(HEADERS, ("", _("Yes"), _("No")), strict=True))
    with st.expander(_("How this file was read"), icon=":material/tune:", type="compact"):
        for field, (value, options) in shown.items():
            key = f"{field}-{_id(source)}"
            session.bind(key, value)
            found = getattr(raw.decided, field) if raw is not None else None
            labels = {code: label or code for code, label in options.items()}
            labels["auto"] = _automatic(_, labels, found)
            st.selectbox(
                _.label("field", field),
                list(labels),
                # A character that nobody offered is typed in.
                format_func=lambda code, labels=labels: labels.get(code, code),
                key=key,
                accept_new_options=field == "delimiter",
                on_change=_read_otherwise,
                args=(source, field, key),
            )


def _options(_: Words, field: str, codes: tuple[str, ...]) -> dict[str, str]:
    return {code: _.phrase(f"option.{field}.{code}") for code in codes}


def _automatic(_: Words, labels: dict[str, str], found: Any) -> str:
    """What deciding from the content has come to."""
    if found is None:
        return _("decide from the content")
    code = {True: "yes", False: "no"}.get(found, found) if isinstance(found, bool) else str(found).removesuffix("-sig")
    return _("decide from the content ({found})", found=labels.get(code, code))


def _remove(_: Words, source: SourceRef) -> None:
    st.button(
        _("Remove this file"),
        icon=":material/delete:",
        type="tertiary",
        key=f"drop-{_id(source)}",
        on_click=_drop,
        args=(source,),
    )


def n_questions(source: SourceRef) -> int:
    """What a person is asked about a file of their own."""
    return 0 if session.workspace().world else sum(map(_is_question, intake.mapped(source).caveats))


def _is_question(item: Caveat) -> bool:
    return item.code in ASKED


def _id(source: SourceRef) -> str:
    return f"{source.digest}-{source.reading.sheet}" if source.reading.sheet else source.digest


def _sheet(source: SourceRef) -> str:
    try:
        return source.reading.sheet or intake.raw(source).decided.sheet
    except AnalysisError:
        return source.reading.sheet


def _choose() -> None:
    chosen = session.widget_value("source")
    session.choose_world("" if chosen == OWN else chosen)


def _receive() -> None:
    session.receive(session.widget_value("files") or [])


def _back(source: SourceRef) -> None:
    remembering.settle(source, None, source.reading)


def _drop(source: SourceRef) -> None:
    session.change(sources=tuple(item for item in session.workspace().sources if item != source))


def _confirm(source: SourceRef) -> None:
    """The suggestion becomes the person's word."""
    remembering.settle(source, intake.mapping(source))


def _settle(source: SourceRef, field: str, key: str) -> None:
    remembering.settle(source, dataclasses.replace(intake.mapping(source), **{field: session.widget_value(key)}))


def _correct(source: SourceRef, key: str) -> None:
    """Store changed meanings; a meaning that is given to a second column leaves the first."""
    spec, matches = intake.mapping(source), _matches(source)
    chosen = dict(spec.columns)
    for row, edit in session.widget_value(key)["edited_rows"].items():
        column, field = matches[int(row)].column, edit.get("meaning")
        chosen = {name: other for name, other in chosen.items() if other != field and name != column}
        if field:
            chosen[column] = field
    remembering.settle(source, dataclasses.replace(spec, columns=tuple(chosen.items())))


def _hold(source: SourceRef, key: str) -> None:
    suggestion = intake.suggestion_for(source, session.widget_value(key))
    remembering.settle(source, suggestion.spec)


def _take_sheets(source: SourceRef, key: str) -> None:
    """One source for each chosen sheet; a sheet that was there keeps its mapping."""
    known = {_sheet(item): item for item in session.workspace().sources if item.digest == source.digest}
    wanted = session.widget_value(key) or list(known)
    sheets = [
        known.get(name) or SourceRef(source.name, source.digest, dataclasses.replace(source.reading, sheet=name))
        for name in wanted
    ]
    named = [
        item if item.reading.sheet else dataclasses.replace(item, reading=dataclasses.replace(item.reading, sheet=name))
        for name, item in zip(wanted, sheets, strict=True)
    ]
    others = [item for item in session.workspace().sources if item.digest != source.digest]
    at = next(i for i, item in enumerate(session.workspace().sources) if item.digest == source.digest)
    session.change(sources=(*others[:at], *named, *others[at:]))


def _read_otherwise(source: SourceRef, field: str, key: str) -> None:
    value = session.widget_value(key)
    if field == "has_header":
        value = {"auto": None, "yes": True, "no": False}[value]
    try:
        remembering.set_reading(source, dataclasses.replace(intake.reading(source), **{field: value}))
    except AnalysisError as error:
        session.tell(error)
