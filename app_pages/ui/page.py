"""The frame of every page: context bar, title, lesson, answer card, evidence, caveats, how it was counted, take-away.

A page calls these in the order of its story; whatever goes wrong inside ``frame`` becomes a message in the person's
language with what to do about it, never a stack trace.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import polars as pl
import streamlit as st

from analytics.charts.headline import Headline, Metric
from analytics.charts.theme import Spec
from analytics.errors import AnalysisError, Caveat
from analytics.export.tables import CSV_MIME, XLSX_MIME, labelled, to_csv, to_xlsx
from analytics.i18n import Words, escape_markdown, unlinked
from app_pages.ui import context, intake, languages, remembering, saving, session, signing_in, walk
from app_pages.ui.compute import PASSING, compute, draw, one_run, picture, run_again
from app_pages.ui.steps import STEPS, step
from app_pages.ui.version import APP_VERSION
from serving.inline import language_script

# What is not there yet gets an inviting place; what is too little gets a caution; everything else is an error.
NEEDED = frozenset({"churn_no_target", "fields_missing", "table_missing", "nothing_loaded"})
TOO_LITTLE = frozenset(
    {
        "as_of_too_early",
        "churn_column_unknown",
        "churn_column_values",
        "churn_few_gone",
        "churn_few_stayed",
        "churn_no_column",
        "churn_no_features",
        "churn_no_leavings",
        "churn_no_orders",
        "churn_no_repeat",
        "churn_no_test",
        "churn_nobody_active",
        "churn_short_history",
        "churn_target_by_rule",
        "churn_target_defined",
        "concentration_nothing",
        "customer_not_chosen",
        "customer_unknown",
        "features_without_spread",
        "horizon_too_long",
        "irregular_periods",
        "lifecycle_no_orders",
        "no_orders",
        "panel_empty",
        "panel_too_short",
        "parents_not_additive",
        "personas_all_small",
        "population_empty",
        "product_life_too_short",
        "price_unknown",
        "response_few_sales",
        "response_not_daily",
        "response_too_short",
        "rfm_fields_missing",
        "segment_unknown",
        "series_repeated",
        "series_too_short",
        "step_cancelled",
        "stock_horizon_short",
        "stock_not_items",
        "survival_all_censored",
        "survival_at_once",
        "survival_column",
        "survival_columns",
        "survival_few_ended_model",
        "survival_group_unknown",
        "survival_no_clock",
        "survival_no_covariates",
        "survival_no_rhythm",
        "survival_no_time",
        "survival_nobody_there",
        "survival_none_returned",
        "survival_not_converged",
        "survival_nothing",
        "survival_separation",
        "survival_too_few",
        "survival_value",
        "too_few_to_segment",
        "too_many_gaps",
        "usage_no_events",
        "value_no_purchase",
        "value_too_short",
    }
)
LOG = logging.getLogger("regulars")
SEAL = Path(__file__).parent / "brand" / "seal.svg"
WIDTH = 1240
DAY_FORMATS = ("YYYY/M/D", "D\u00a0MMM\u00a0YYYY")  # Chinese, English


@contextmanager
def frame(name: str) -> Iterator[Words]:
    """Everything around a page's own content; gives the session's words."""
    session.enter(name)
    remembering.take_places()
    session.save(name)  # before anything takes long; what a page itself changes is saved at its end
    _ = session.words()
    here = step(name)
    # Chinese glyphs and punctuation are chosen by the document's language; the headers allow this script alone.
    st.html(f"<script>{language_script(_.html_language)}</script>", unsafe_allow_javascript=True)
    with st.container(horizontal_alignment="center"), st.container(width=WIDTH, key=f"page-{name}"), one_run():
        _open_or_stop(_)
        session.others_saved()
        try:
            context.bar(_, here.name)
        except Exception:
            LOG.exception("context bar of %s failed", name)  # the page below tells what is wrong
        saving.watch(_)
        with st.container(gap="xxsmall"):
            st.title(_(here.title), anchor=False)
            st.markdown(f":gray[{_(here.question)}]")
        notice = session.take_notice()
        if notice is not None:
            message(notice, _, tone="watch")
        try:
            if here in STEPS and here.name != "upload":
                _left_out(_)
            if here.needs:
                context.require(here.needs)
        except AnalysisError as error:
            _refuse_and_stop(error, _, name)
        except Exception:
            LOG.exception("data of page %s failed", name)
            _refuse_and_stop(AnalysisError("unexpected", reference=name), _, name)
        try:
            yield _
        except AnalysisError as error:
            refusal(error, _, here.name)
        except Exception:
            LOG.exception("page %s failed", name)
            refusal(AnalysisError("unexpected", reference=name), _, here.name)
        finally:
            session.save(name)


def _refuse_and_stop(error: AnalysisError, _: Words, name: str) -> None:
    refusal(error, _, name)
    session.save(name)
    st.stop()


def _open_or_stop(_: Words) -> None:
    """Nothing more is shown of what is not open to this visitor: sign in first, or why a link does not open."""
    if signing_in.is_asked():
        signing_in.page(_)
        st.stop()
    shut = session.shut()
    if shut is None:
        return
    with st.container(border=True, horizontal_alignment="center", gap="small", key="shut"):
        st.image(str(SEAL), width=44)
        safe = _safe(shut.params, _)
        st.subheader(_.phrase(f"error.{shut.code}", **safe), anchor=False, text_alignment="center")
        if _.has_phrase(f"error.{shut.code}.remedy"):
            st.markdown(f":gray[{_.phrase(f'error.{shut.code}.remedy', **safe)}]", text_alignment="center")
        with st.container(horizontal=True, horizontal_alignment="center"):
            st.button(_("Try again"), icon=":material/refresh:", key="open-again")
            st.button(_("Go on without it"), icon=":material/storefront:", key="leave", on_click=session.leave)
            languages.choose(_)
    st.stop()


def controls(key: str = "controls") -> Any:
    """A row of inputs."""
    return st.container(horizontal=True, vertical_alignment="bottom", gap="medium", key=key)


@contextmanager
def section(_: Words, name: str) -> Iterator[None]:
    """A part of a page that may have too little to go on, without taking the rest of the page with it."""
    try:
        yield
    except AnalysisError as error:
        refusal(error, _, name)


def place() -> Any:
    """Room kept here for something that is known only further down."""
    return st.container()


def lesson(_: Words, name: str) -> None:
    """How to read the page, folded away."""
    with st.expander(_("How to read this page"), icon=":material/menu_book:", type="compact"):
        st.markdown(_.lesson(name))


def answer(headline: Headline, _: Words) -> None:
    """The answer card."""
    with st.container(border=True, key="answer"):
        with st.container(gap="xxsmall"):
            st.header(unlinked(headline.finding), anchor=False)
            st.markdown(unlinked(headline.sentence))
        metrics(headline.metrics)


def metrics(items: Sequence[Metric], *, columns: int = 4, narrowest: int = 140) -> None:
    """Figures side by side; fewer in a row where the place is narrow."""
    with st.grid(columns, min_column_width=narrowest):
        for metric in items:
            with st.container(gap="xxsmall"):
                st.metric(unlinked(metric.label), unlinked(metric.value))
                if metric.note:
                    color = {"gray": "gray", "good": "green", "watch": "orange", "bad": "red"}[metric.tone]
                    st.badge(unlinked(metric.note), color=color)


def heading(finding: str, note: str = "") -> None:
    """A finding over its evidence, with a note of what is drawn."""
    with st.container(gap="xxsmall"):
        st.subheader(unlinked(finding), anchor=False)
        if note:
            st.markdown(f":small[:gray[{unlinked(note)}]]")


def chart(finding: str, note: str, spec: Spec, *, key: str) -> None:
    """One claim and the chart that shows it."""
    with st.container(gap="small"):
        heading(finding, note)
        st.vega_lite_chart(spec, width="stretch", key=key, alt=finding)


def evidence(
    result: Any,
    _: Words,
    drawn: Callable[..., Spec],
    finding: Callable[..., str],
    note: Callable[..., str],
    *,
    place: str = "",
) -> None:
    """One claim of a result: its finding, note and chart, each cached. ``place`` tells twins on a page apart."""
    key = f"chart-{drawn.__name__}{place}"
    chart(draw(finding, result, _), draw(note, result, _), picture(drawn, result, _), key=key)


def table(frame: pl.DataFrame, _: Words, kinds: Mapping[str, str], *, key: str, alt: str, currency: str = "") -> None:
    """Exact values. ``kinds``: column -> text, int, number, money, share, bar (a share as a bar), day, own or
    line.

    A column that these data do not give is left out.
    """
    kinds = {name: kind for name, kind in kinds.items() if name in frame.columns}
    shown = labelled(frame.select(list(kinds)), _)
    columns: dict[str, Any] = {}
    for i, (name, kind) in enumerate(kinds.items()):
        label, pinned = _.label("field", name), i == 0
        match kind:
            case "int":
                shown = shown.with_columns(pl.col(name).round(0))
                columns[name] = st.column_config.NumberColumn(label, format="localized", pinned=pinned)
            case "number":
                columns[name] = st.column_config.NumberColumn(label, format="%.2f", pinned=pinned)
            case "money":
                symbol = _.symbol(currency).strip()
                named = f"{label} ({symbol})" if symbol and _.language == "en" else label
                if symbol and _.language != "en":
                    named = f"{label}（{symbol}）"
                shown = shown.with_columns(pl.col(name).round(0))
                columns[name] = st.column_config.NumberColumn(named, format="localized", pinned=pinned)
            case "share":
                shown = shown.with_columns(pl.col(name) * 100)
                columns[name] = st.column_config.NumberColumn(label, format="%.1f%%", pinned=pinned)
            case "bar":
                shown = shown.with_columns(pl.col(name) * 100)
                columns[name] = st.column_config.ProgressColumn(label, format="%.1f%%", min_value=0, max_value=100)
            case "day":
                form = DAY_FORMATS[_.language == "en"]
                columns[name] = st.column_config.DateColumn(label, format=form, pinned=pinned)
            case "own":  # a column of the person's own file, under its own heading
                columns[name] = st.column_config.TextColumn(name)
            case "line":
                columns[name] = st.column_config.LineChartColumn(label)
            case _kind:
                columns[name] = st.column_config.TextColumn(label, pinned=pinned)
    st.dataframe(shown, column_config=columns, hide_index=True, key=key, alt=alt, placeholder="–")


def caveats(items: Sequence[Caveat], _: Words) -> None:
    """What a result says about itself: at most two boxes, more become one list."""
    if len(items) > 2:
        lines = [f"- **{_.phrase(f'caveat.{item.code}', **_safe(item.params, _))}** {_body(item, _)}" for item in items]
        st.warning("\n".join(lines), icon=":material/warning:")
        return
    for item in items:
        text = f"**{_.phrase(f'caveat.{item.code}', **_safe(item.params, _))}**\n\n{_body(item, _)}"
        if item.severity == "note":
            st.info(text, icon=":material/info:")
        else:
            st.warning(text, icon=":material/warning:")


def how_counted(_: Words, definition: str, specs: Mapping[str, object], key: str) -> None:
    """Definition, rows, filters, choices, key and version of a headline."""
    with st.expander(_("How this was counted"), icon=":material/functions:", type="compact"):
        st.markdown(definition)
        st.markdown(context.described(_))
        choices = {name: msgspec.to_builtins(spec) for name, spec in specs.items()}
        st.code(msgspec.json.format(msgspec.json.encode(choices), indent=2).decode(), language="json")
        st.markdown(f":small[:gray[{_('Result {key} · Regulars {version}', key=key[:12], version=APP_VERSION)}]]")


def take_away(_: Words, name: str, tables: Mapping[str, pl.DataFrame], *, csv: str = "", xlsx: str = "") -> None:
    """Downloads left, the next step right. ``tables``: translated title -> frame; the first is the CSV.

    ``csv`` and ``xlsx`` name the two downloads where the usual names would not tell what they hold.
    """
    st.divider()
    here = step(name)
    safe = walk.safe_tables(tables)
    if safe.n_hidden:
        st.markdown(f":small[:gray[{_('In the downloads:')} {walk.small_groups(safe, _)}]]")
    with st.container(horizontal=True, vertical_alignment="center"):
        if tables and session.may("export"):
            tables = safe.tables
            first = next(iter(tables.values()))
            if first.height:
                st.download_button(
                    csv or _("Table (CSV)"),
                    data=_deferred(to_csv, first, _),
                    file_name=f"regulars-{name}.csv",
                    mime=CSV_MIME,
                    icon=":material/table:",
                    on_click="ignore",
                )
            st.download_button(
                xlsx or _("Workbook (XLSX)"),
                data=_deferred(to_xlsx, dict(tables), _),
                file_name=f"regulars-{name}.xlsx",
                mime=XLSX_MIME,
                icon=":material/grid_on:",
                on_click="ignore",
            )
        st.space("stretch")
        if here.next and st.button(
            _(here.next_label), type="primary", icon=":material/arrow_forward:", icon_position="right", key="next"
        ):
            st.switch_page(f"app_pages/{here.next}.py")


def message(error: AnalysisError, _: Words, *, tone: str = "bad") -> None:
    """What was found and what to do; the code last."""
    safe = _safe(error.params, _)
    text = f"**{_.phrase(f'error.{error.code}', **safe)}**"
    if _.has_phrase(f"error.{error.code}.remedy"):
        text += f"\n\n{_.phrase(f'error.{error.code}.remedy', **safe)}"
    box = st.error if tone == "bad" else st.warning
    box(text, icon=":material/error:" if tone == "bad" else ":material/warning:")
    st.markdown(f":small[:gray[{_('code: {code}', code=error.code)}]]")


def refusal(error: AnalysisError, _: Words, name: str) -> None:
    """A page that cannot answer: why, and the buttons that help."""
    if error.code in NEEDED:
        with st.container(border=True, horizontal_alignment="center", gap="small", key="empty"):
            st.image(str(SEAL), width=44)
            safe = _safe(error.params, _)
            st.subheader(_.phrase(f"error.{error.code}", **safe), anchor=False, text_alignment="center")
            remedy = _.phrase(f"error.{error.code}.remedy", **safe)
            if name == "upload" and error.code == "nothing_loaded":
                remedy = _(
                    "Drop a file above. A customer number, a date and an amount on each line are enough, under English "
                    "or Chinese headings."
                )
            st.markdown(f":gray[{remedy}]", text_alignment="center")
            _ways_on(error, _, name)
        return
    message(error, _, tone="watch" if error.code in TOO_LITTLE or error.code.startswith("btyd_") else "bad")
    _ways_on(error, _, name)


def _ways_on(error: AnalysisError, _: Words, name: str) -> None:
    """The buttons that help after a refusal."""
    with st.container(horizontal=True, horizontal_alignment="center" if error.code in NEEDED else "left"):
        if name != "upload" and st.button(
            _("Go to Upload"),
            icon=":material/upload_file:",
            key="to-upload",
            type="primary" if error.code in NEEDED else "secondary",
        ):
            st.switch_page("app_pages/upload.py")
        if not session.workspace().world:
            st.button(
                _("Try the sample world"),
                icon=":material/storefront:",
                key="to-world",
                on_click=session.choose_world,
                args=(next(iter(session.WORLDS)),),
                disabled=not session.may("change"),
            )
        if error.code in {*PASSING, "reading_failed", "reading_too_long"}:
            st.button(_("Run again"), icon=":material/refresh:", key="run-again", on_click=run_again)


def _left_out(_: Words) -> None:
    """A file that cannot be read is left out by name; the other files go on."""
    refused = intake.left_out()
    if len(refused) == len(intake.sources()):
        return  # the page itself tells why there is nothing
    for source, error in refused:
        problem = _.phrase(f"error.{error.code}", **_safe(error.params, _))
        name = escape_markdown(source.name)
        st.warning(
            f"**{_('{name} is left out', name=name)}**\n\n{problem}\n\n{_('Upload tells what to do.')}",
            icon=":material/warning:",
        )


def _deferred(make: Callable[..., bytes], *inputs: Any) -> Callable[[], bytes]:
    """The bytes are made when they are asked for: outside the session, so nothing here may touch it.

    A page that is still open gives nothing once its link was revoked.
    """
    allowed = session.still_allowed("export")

    def made() -> bytes:
        allowed()
        return make(*inputs)

    return made


def _body(item: Caveat, _: Words) -> str:
    code = f"caveat.{item.code}.body"
    return _.phrase(code, **_safe(item.params, _)) if _.has_phrase(code) else ""


def _safe(params: Mapping[str, Any], _: Words) -> dict[str, Any]:
    """A message's values: fields and tables by their names; a person's own text cannot become Markdown."""
    shown: dict[str, Any] = {}
    for name, value in params.items():
        if not isinstance(value, str):
            shown[name] = value
        elif name == "table":
            shown[name] = _.label("table", value)
        elif name.startswith(("field", "feature")):
            parts = [_.label("field", part.rpartition(".")[2]) for part in value.split(", ")]
            shown[name] = escape_markdown(_.listing(parts))
        else:
            shown[name] = escape_markdown(value)
    return shown


__all__ = [
    "answer",
    "caveats",
    "chart",
    "compute",
    "draw",
    "frame",
    "heading",
    "how_counted",
    "lesson",
    "message",
    "picture",
    "step",
    "table",
    "take_away",
]
