"""A person's own rules as widgets: each rule a name and conditions; the first rule that a customer meets counts."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import streamlit as st

from analytics.customers import CustomerTable
from analytics.errors import AnalysisError
from analytics.i18n import Words
from analytics.segmentation import Condition, Rule
from analytics.segmentation.presets import rule_columns, rule_levels, starting_condition
from analytics.segmentation.rules import LONGEST_NAME, MOST_CONDITIONS, MOST_RULES
from app_pages.ui import session
from app_pages.ui.compute import compute

TESTS = ("at_least", "below", "between")
Rules = tuple[Rule, ...]


def edit(_: Words, customers: CustomerTable) -> None:
    """Every rule with its conditions, in the order in which they count."""
    rules = session.workspace().segmentation.rules
    st.markdown(
        f":small[:gray[{_('A customer belongs to the first rule that holds; who meets none is in the last segment.')}]]"
    )
    columns = dict(compute(rule_columns, customers))
    for i, rule in enumerate(rules):
        with st.container(border=True, gap="small", key=f"rule-{i}"):
            with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
                session.bind(f"rule-name-{i}", rule.name)
                st.text_input(
                    _("Segment {n}", n=i + 1),
                    key=f"rule-name-{i}",
                    max_chars=LONGEST_NAME,
                    on_change=_named,
                    args=(i,),
                    width=260,
                    disabled=not session.may("change"),
                )
                st.space("stretch")
                if i:
                    _button(_("Earlier"), ":material/arrow_upward:", f"rule-up-{i}", _swapped, i)
                if len(rules) > 1:
                    _button(_("Remove"), ":material/delete:", f"rule-drop-{i}", _without, i)
            for j, condition in enumerate(rule.conditions):
                _condition(_, customers, columns, i, j, condition)
            if len(rule.conditions) < MOST_CONDITIONS:
                _button(_("And"), ":material/add:", f"rule-and-{i}", _with_condition, i, customers, next(iter(columns)))
    if len(rules) < MOST_RULES:
        name = _("Segment {n}", n=len(rules) + 1)
        _button(_("Add a rule"), ":material/add:", "rule-add", _with_rule, name, customers, next(iter(columns)))


def _condition(
    _: Words, customers: CustomerTable, columns: dict[str, str], i: int, j: int, condition: Condition
) -> None:
    key = f"rule-{i}-{j}"
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        labels = {name: _.label("field", name) for name in columns}
        labels.setdefault(condition.field, condition.field)  # data that lack it: it can be seen and changed
        session.bind(f"{key}-field", condition.field)
        st.selectbox(
            _("Field"),
            list(labels),
            format_func=labels.__getitem__,
            key=f"{key}-field",
            on_change=_refielded,
            args=(i, j, customers),
            label_visibility="collapsed",
            width=280,
            disabled=not session.may("change"),
        )
        if columns.get(condition.field) in ("number", "counts"):
            tests = {test: _.phrase(f"option.test.{test}") for test in TESTS}
            session.bind(f"{key}-test", condition.test)
            st.selectbox(
                _("Test"),
                list(tests),
                format_func=tests.__getitem__,
                key=f"{key}-test",
                on_change=_retested,
                args=(i, j),
                label_visibility="collapsed",
                width=150,
                disabled=not session.may("change"),
            )
            for bound in ("low", "high"):
                value = getattr(condition, bound)
                if value is not None:
                    session.bind(f"{key}-{bound}", float(value))
                    st.number_input(
                        _("Value"),
                        key=f"{key}-{bound}",
                        on_change=_rebounded,
                        args=(i, j, bound),
                        label_visibility="collapsed",
                        format="%g",
                        width=140,
                        disabled=not session.may("change"),
                    )
        elif condition.field in columns:
            levels = compute(rule_levels, customers, condition.field)
            offered = {level: _.label("level", level) for level in (*levels, *condition.values)}
            session.bind(f"{key}-values", list(condition.values))
            st.multiselect(
                _("Values"),
                list(offered),
                format_func=offered.__getitem__,
                key=f"{key}-values",
                on_change=_revalued,
                args=(i, j),
                label_visibility="collapsed",
                width=330,
                disabled=not session.may("change"),
            )
        if len(session.workspace().segmentation.rules[i].conditions) > 1:
            _button("", ":material/close:", f"{key}-drop", _without_condition, i, j, help=_("Remove this condition"))


def _button(
    label: str, icon: str, key: str, made: Callable[..., Rules], *args: object, help: str | None = None
) -> None:
    locked = not session.may("change")
    st.button(label, icon=icon, key=key, on_click=_store, args=(made, *args), help=help, disabled=locked)


def _store(made: Callable[..., Rules], *args: object) -> None:
    """Keep the rules that ``made`` makes of the present ones; what is refused is told and changes nothing."""
    try:
        rules = made(session.workspace().segmentation.rules, *args)
    except AnalysisError as error:
        session.tell(error)
        return
    session.change_spec("segmentation", rules=rules)


def _at(rules: Rules, i: int, **changes: object) -> Rules:
    return (*rules[:i], dataclasses.replace(rules[i], **changes), *rules[i + 1 :])


def _condition_at(rules: Rules, i: int, j: int, condition: Condition) -> Rules:
    held = rules[i].conditions
    return _at(rules, i, conditions=(*held[:j], condition, *held[j + 1 :]))


def _swapped(rules: Rules, i: int) -> Rules:
    return (*rules[: i - 1], rules[i], rules[i - 1], *rules[i + 1 :])


def _without(rules: Rules, i: int) -> Rules:
    return (*rules[:i], *rules[i + 1 :])


def _with_rule(rules: Rules, name: str, customers: CustomerTable, column: str) -> Rules:
    taken, free, number = {rule.name for rule in rules}, name, 2
    while free in taken:
        free, number = f"{name} ({number})", number + 1
    return (*rules, Rule(free, (starting_condition(customers, column),)))


def _with_condition(rules: Rules, i: int, customers: CustomerTable, column: str) -> Rules:
    return _at(rules, i, conditions=(*rules[i].conditions, starting_condition(customers, column)))


def _without_condition(rules: Rules, i: int, j: int) -> Rules:
    held = rules[i].conditions
    return _at(rules, i, conditions=(*held[:j], *held[j + 1 :]))


def _named(i: int) -> None:
    _store(lambda rules: _at(rules, i, name=session.widget_value(f"rule-name-{i}")))


def _refielded(i: int, j: int, customers: CustomerTable) -> None:
    field = session.widget_value(f"rule-{i}-{j}-field")
    _store(lambda rules: _condition_at(rules, i, j, starting_condition(customers, field)))


def _retested(i: int, j: int) -> None:
    """Another test keeps the number; "between" gets a second one above it."""
    test = session.widget_value(f"rule-{i}-{j}-test")

    def made(rules: Rules) -> Rules:
        held = rules[i].conditions[j]
        given = held.low if held.low is not None else held.high
        value = given if given is not None else 0.0
        low = None if test == "below" else value
        high = None if test == "at_least" else held.high if test == "below" and held.high is not None else value
        if test == "between":
            high = held.high if held.high is not None and held.high > value else value + max(abs(value), 1.0)
        return _condition_at(rules, i, j, Condition(held.field, test, low, high))

    _store(made)


def _rebounded(i: int, j: int, bound: str) -> None:
    value = session.widget_value(f"rule-{i}-{j}-{bound}")
    _store(lambda rules: _condition_at(rules, i, j, dataclasses.replace(rules[i].conditions[j], **{bound: value})))


def _revalued(i: int, j: int) -> None:
    values = tuple(session.widget_value(f"rule-{i}-{j}-values"))
    _store(lambda rules: _condition_at(rules, i, j, dataclasses.replace(rules[i].conditions[j], values=values)))
