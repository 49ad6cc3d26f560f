"""The recipe of repairs: the ledger, the person's own steps with their order, and one more step."""

from __future__ import annotations

import dataclasses
from typing import Any, get_args

import polars as pl
import streamlit as st

from analytics.charts import recipe as charts
from analytics.errors import AnalysisError
from analytics.i18n import Words, escape_markdown
from analytics.quality import PERSONAL, VALUES_OF, Action, QualitySpec, Step, ValidationResult, Where
from analytics.schema import TABLES
from app_pages.ui import intake, page, session, walk

KINDS = {
    "step": "int",
    "repair": "text",
    "where": "text",
    "rows_touched": "int",
    "rows_left": "text",
    "revenue_left": "text",
}


def recipe(_: Words, result: ValidationResult) -> None:
    """What was done, step by step, and how to change it; its steps name values of the files."""
    if not session.may("see_rows"):
        return
    spec = intake.quality()
    page.heading(
        page.draw(charts.ledger_finding, result, _),
        _(
            "Each goes on from what the one before it left. The recipe is kept with your saved choices: it does the "
            "same to next month's file."
        ),
    )
    ledger = page.draw(charts.ledger, result, spec, _)
    if ledger.height:
        page.table(ledger, _, KINDS, key="ledger", alt=_("Repairs"))
    for i, words in enumerate(page.draw(charts.steps, spec, _)):
        _own_step(_, i, words, len(spec.steps))
    with st.container(horizontal=True, vertical_alignment="center"):
        proposed = page.draw(charts.proposals, result, spec, _)
        if proposed:
            with st.popover(
                _.ngettext("{n} proposed step", "{n} proposed steps", len(proposed)), icon=":material/lightbulb:"
            ):
                for i, (words, step) in enumerate(proposed.items()):
                    st.button(
                        escape_markdown(words),
                        icon=":material/add:",
                        key=f"propose-{i}",
                        type="tertiary",
                        on_click=_add,
                        args=(step,),
                    )
        with st.popover(_("Add a step"), icon=":material/add:"):
            _compose(_, result)


def told() -> QualitySpec:
    """The choices behind the repairs; the person's own steps, which name values, only for who may see rows."""
    chosen = session.workspace().quality
    return chosen if session.may("see_rows") else dataclasses.replace(chosen, steps=())


def downloads(_: Words, result: ValidationResult, aside: pl.DataFrame) -> dict[str, pl.DataFrame]:
    """Validation's tables by their titles: rows of the files for who may see them, the repairs for who may have ids."""
    if not session.may("see_rows"):
        return {}
    tables = {_("Rows set aside"): aside, _("Merged rows"): result.merged}
    if session.may("export_ids"):
        tables[_("Repairs")] = page.draw(charts.ledger, result, intake.quality(), _)
    return tables | {_.phrase(f"table.{name}"): frame for name, frame in walk.cleaned().items()}


def _own_step(_: Words, place: int, words: str, n_steps: int) -> None:
    """One step of the person's: sooner, later, out."""
    with st.container(horizontal=True, vertical_alignment="center", key=f"own-step-{place}"):
        st.markdown(f"**{place + 1}** · {escape_markdown(words)}", width="stretch")
        for name, label, icon, off in (
            ("up", _("Sooner"), ":material/arrow_upward:", place == 0),
            ("down", _("Later"), ":material/arrow_downward:", place == n_steps - 1),
            ("out", _("Remove this step"), ":material/close:", False),
        ):
            st.button(
                "",
                icon=icon,
                help=label,
                key=f"step-{name}-{place}",
                type="tertiary",
                disabled=off,
                on_click=_move,
                args=(name, place),
            )


def _compose(_: Words, result: ValidationResult) -> None:
    """What is done, in which column, for which rows."""
    data = result.dataset
    table = _choice(_("Table"), {name: _.phrase(f"table.{name}") for name in data.tables}, "step-table")
    action = _choice(
        _("What is done"), _words(_, "action", [name for name in get_args(Action) if name != "recode"]), "step-action"
    )
    choice: dict[str, Any] = {"action": action, "table": table}
    if action != "set_aside":
        choice["field"] = _choice(_("Column"), page.draw(charts.columns, data, table, action, _), "step-field") or ""
    if action in ("replace", "scale"):
        label = _("New value") if action == "replace" else _("Factor, such as 0.01")
        choice["to"] = st.text_input(label, key="step-to").strip()
    if action == "strip_start":
        texts = st.text_input(_("Texts to take off, with commas between"), placeholder="C-, 0", key="step-prefixes")
        choice["prefixes"] = tuple(text.strip() for text in texts.split(",") if text.strip())
    conditions = [name for name in get_args(Where) if name != "always" or action != "set_aside"]
    where = _choice(_("Rows"), _words(_, "where", conditions), "step-where")
    choice["where"] = where
    if where == "flagged":
        found = page.draw(charts.findings, result, table, _)
        if not found:
            st.markdown(f":small[:gray[{_('Nothing was found in this table.')}]]")
        choice["of"] = _choice(_("Finding"), found, "step-of-finding") or ""
    elif where != "always":
        fields = page.draw(charts.columns, data, table, "", _)
        if VALUES_OF[where][1]:
            fields = {name: label for name, label in fields.items() if name not in PERSONAL}
        choice["of"] = _choice(_("Column to look at"), fields, "step-of") or ""
        choice["values"] = _values(_, result, table, where, choice["of"])
    st.button(_("Add this step"), type="primary", key="step-add", on_click=_write, args=(choice,))


def _values(_: Words, result: ValidationResult, table: str, where: str, of: str) -> tuple[str, ...]:
    if not VALUES_OF[where][1] or not of:
        return ()
    if where == "one_of":
        known = page.draw(charts.common_values, result.dataset, table, of) if of != "customer_id" else []
        return tuple(st.multiselect(_("Values"), known, accept_new_options=True, key=f"step-values-{table}-{of}"))
    timed = of in TABLES[table] and TABLES[table][of].role == "time"
    text = st.text_input(_("Day (2024-03-05)") if timed else _("Value"), key="step-value").strip()
    return (text,) if text else ()


def _choice(label: str, options: dict[str, str], key: str) -> Any:
    if not options:
        return None
    session.bind_valid(key, list(options))
    return st.selectbox(label, list(options), format_func=options.__getitem__, key=key)


def _words(_: Words, kind: str, codes: Any) -> dict[str, str]:
    return {code: _.phrase(f"option.{kind}.{code}") for code in codes}


def _write(choice: dict[str, Any]) -> None:
    """A new step at the end; what cannot be made is told and changes nothing."""
    try:
        _add(Step(**choice))
    except AnalysisError as error:
        session.tell(error)


def _add(step: Step) -> None:
    session.change_spec("quality", steps=(*session.workspace().quality.steps, step))


def _move(name: str, place: int) -> None:
    steps = list(session.workspace().quality.steps)
    step = steps.pop(place)
    if name != "out":
        steps.insert(place - 1 if name == "up" else place + 1, step)
    session.change_spec("quality", steps=tuple(steps))
