"""Which events are which step of the funnel, as a person sees it."""

from __future__ import annotations

import dataclasses

import streamlit as st

from analytics.charts.usage import event_name
from analytics.errors import AnalysisError
from analytics.i18n import Words
from analytics.usage import UsageResult
from app_pages.ui import session

Steps = tuple[tuple[str, ...], ...]


def edit(result: UsageResult, _: Words) -> None:
    """One list of event types a step; stored as soon as it makes a funnel."""
    steps: Steps = tuple(step.events for step in result.steps)
    with st.popover(_("Steps"), icon=":material/filter_list:", key="usage-steps"):
        for i, events in enumerate(steps):
            key = f"usage.steps.{i}"
            session.bind(key, list(events))
            st.multiselect(
                _("Step {n}", n=i + 1),
                list(dict.fromkeys((*result.event_types, *events))),
                format_func=lambda event: event_name(event, _),
                key=key,
                on_change=_change,
                args=(i, steps),
                disabled=not session.may("change"),
            )
        free = [event for event in result.event_types if not any(event in step for step in steps)]
        if free:
            session.bind_valid("usage.steps.new", [None, *free])
            st.selectbox(
                _("One more step"),
                [None, *free],
                format_func=lambda event: _("none") if event is None else event_name(event, _),
                key="usage.steps.new",
                on_change=_add,
                args=(steps,),
                disabled=not session.may("change"),
            )
        st.button(
            _("As recognised"),
            icon=":material/restart_alt:",
            key="usage-steps-reset",
            disabled=not (session.workspace().usage.steps and session.may("change")),
            on_click=_store,
            args=((),),
        )


def _change(at: int, steps: Steps) -> None:
    chosen = tuple(session.widget_value(f"usage.steps.{at}"))
    # A type belongs to one step: chosen here, it leaves the others; a step without any leaves the funnel.
    others = tuple(tuple(event for event in step if event not in chosen) for step in steps)
    _store(tuple(step for step in (*others[:at], chosen, *others[at + 1 :]) if step))


def _add(steps: Steps) -> None:
    chosen = session.widget_value("usage.steps.new")
    if chosen is not None:
        _store((*steps, (chosen,)))


def _store(steps: Steps) -> None:
    try:
        usage = dataclasses.replace(session.workspace().usage, steps=steps)
    except AnalysisError as error:
        session.tell(error)
        return
    session.change(usage=usage)
