"""The scenarios of a what-if as widgets: which two stand side by side, what each is made of, pin, name, keep, drop."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from datetime import date

import streamlit as st

from analytics.errors import AnalysisError
from analytics.i18n import Words
from analytics.population import choices
from analytics.segmentation import (
    MOST_SCENARIOS,
    Scenario,
    SegmentationResult,
    another_number,
    at_position,
    drop_scenario,
    pin_scenario,
    rename_scenario,
    usable_features,
)
from app_pages.ui import session, walk, widgets
from app_pages.ui.compute import compute

NUMBERS = (2, 3, 4, 5, 6, 7, 8)
METHODS = {"kmeans": "K-means", "rfm": "RFM"}


def left() -> Scenario:
    """Scenario A."""
    workspace = session.workspace()
    return at_position(workspace.scenarios, walk.present(), workspace.what_if.a)


def right(a: Scenario, shown: SegmentationResult) -> Scenario:
    """Scenario B; ``shown`` are the segments of A, whose number another number differs from."""
    workspace = session.workspace()
    at = workspace.what_if.b
    if at is None or at > len(workspace.scenarios):
        return another_number(a, shown.n_segments, workspace.what_if.n_segments)
    return at_position(workspace.scenarios, walk.present(), at)


def called(scenario: Scenario, _: Words) -> str:
    """A scenario's own name; one that has none is the present cut or a passing one."""
    if scenario.name:
        return scenario.name
    if scenario == walk.present():
        return _("The present cut")
    return _("{n} segments", n=scenario.segmentation.n_segments or 0)


def choose(_: Words, a: Scenario, shown: SegmentationResult) -> None:
    """Which two stand side by side; the number that B tries; the list of scenarios."""
    workspace = session.workspace()
    pinned = dict(enumerate((item.name for item in workspace.scenarios), start=1))
    present = {0: _("The present cut")}
    widgets.select("what_if", "a", _("Scenario A"), {**present, **pinned}, width=200)
    widgets.select("what_if", "b", _("Scenario B"), {None: _("A, in another number"), **present, **pinned}, width=220)
    b = right(a, shown)
    if workspace.what_if.b is None:
        number = b.segmentation.n_segments
        session.bind("try-number", number)
        st.select_slider(_("Number of segments in B"), NUMBERS, key="try-number", on_change=_try_number, width=260)
        _button(_("Pin B and change more"), ":material/push_pin:", "pin-b", _pin, b, called(b, _), True)
    with st.popover(_("Scenarios"), icon=":material/layers:", key="scenarios"):
        _list(_)


def edit(_: Words, position: int) -> None:
    """Every choice of one pinned scenario."""
    section = f"scenarios.{position - 1}.segmentation"
    scenario = session.workspace().scenarios[position - 1]
    customers = walk.customers(scenario.population)
    widgets.segmented(section, "method", _("Method"), METHODS)
    if scenario.segmentation.method == "kmeans":
        automatic = {None: _("Auto"), **{n: str(n) for n in NUMBERS}}
        widgets.segmented(section, "n_segments", _("Number of segments"), automatic)
        fields = {name: _.label("field", name) for name in compute(usable_features, customers)}
        widgets.several(section, "features", _("Built from"), fields, width=560, wrap=True)
    _population(_, f"scenarios.{position - 1}.population")


def _population(_: Words, section: str) -> None:
    data = walk.protected()
    offered = compute(choices, data)
    first = min(offered.first_day or date(1990, 1, 1), data.as_of)
    widgets.day(section, "as_of", _("As of"), data.as_of, first, data.as_of, width=150)
    if offered.first_day and offered.last_day:
        earliest, latest = offered.first_day, offered.last_day
        widgets.day(section, "start", _("Orders from"), earliest, earliest, latest, width=150)
    countries, channels = offered.countries["country"], offered.channels["channel"]
    if len(countries) > 1:
        named = {name: name for name in countries}
        widgets.several(section, "countries", _("Countries"), named, placeholder=_("All"), width=220)
    if len(channels) > 1:
        named = {name: _.label("channel", name) for name in channels}
        widgets.several(section, "channels", _("Channels"), named, placeholder=_("All"), width=220)


def _list(_: Words) -> None:
    """The pinned scenarios, each with its name and what can be done with it."""
    workspace = session.workspace()
    for position, scenario in enumerate(workspace.scenarios, start=1):
        with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
            key = f"scenario-name-{position}"
            session.bind(key, scenario.name)
            st.text_input(_("Name"), key=key, on_change=_rename, args=(position,), width=180, max_chars=40)
            _button(_("Make it the present cut"), ":material/check:", f"keep-{position}", _keep, scenario)
            if len(workspace.scenarios) < MOST_SCENARIOS:
                _button(_("Duplicate"), ":material/content_copy:", f"copy-{position}", _pin, scenario, scenario.name)
            _button(_("Drop"), ":material/close:", f"drop-{position}", _drop, position)
    if len(workspace.scenarios) < MOST_SCENARIOS:
        name = _("Scenario {n}", n=len(workspace.scenarios) + 1)
        _button(_("Pin the present cut"), ":material/push_pin:", "pin-present", _pin, walk.present(), name)
    if workspace.reference is not None:
        _button(_("Take colours and names from the present cut"), ":material/palette:", "own-colours", _own_colours)


def _button(label: str, icon: str, key: str, done: Callable[..., None], *args: object) -> None:
    st.button(label, icon=icon, key=key, on_click=done, args=args)


def _attempt(made: Callable[[], Mapping[str, object]]) -> None:
    """Store what is made; what is refused is told and changes nothing."""
    try:
        session.change(**made())
    except AnalysisError as error:
        session.tell(error)


def _try_number() -> None:
    session.change_spec("what_if", n_segments=session.widget_value("try-number"))


def _pin(scenario: Scenario, name: str, beside: bool = False) -> None:
    workspace = session.workspace()

    def made() -> Mapping[str, object]:
        pinned = pin_scenario(workspace.scenarios, scenario, name)
        shown = dataclasses.replace(workspace.what_if, b=len(pinned)) if beside else workspace.what_if
        return {"scenarios": pinned, "what_if": shown}

    _attempt(made)


def _rename(position: int) -> None:
    name = str(session.widget_value(f"scenario-name-{position}"))
    _attempt(lambda: {"scenarios": rename_scenario(session.workspace().scenarios, position, name)})


def _drop(position: int) -> None:
    workspace = session.workspace()
    scenarios, shown = drop_scenario(workspace.scenarios, workspace.what_if, position)
    session.change(scenarios=scenarios, what_if=shown)


def _keep(scenario: Scenario) -> None:
    session.change(segmentation=scenario.segmentation, population=scenario.population)


def _own_colours() -> None:
    session.change(reference=None)
