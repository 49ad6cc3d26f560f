"""The scenarios of a what-if as widgets: which two stand side by side, what each is made of, pin, name, keep, drop."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from datetime import date

import polars as pl
import streamlit as st

from analytics.charts.what_if import border_table
from analytics.errors import AnalysisError
from analytics.export.tables import CSV_MIME, to_csv
from analytics.i18n import Words, escape_markdown
from analytics.population import choices
from analytics.segmentation import (
    MOST_SCENARIOS,
    ComparisonResult,
    DrawAgreement,
    MigrationResult,
    PayoffResult,
    Scenario,
    SegmentationResult,
    agree_on_another_draw,
    another_number,
    assign_segments,
    at_earlier_day,
    at_position,
    drop_scenario,
    expect_payoff,
    migrate,
    pin_scenario,
    prepare,
    prepared_by,
    rename_scenario,
    tabulate_payoffs,
    with_assumption,
)
from app_pages.ui import page, segmenting, session, walk, widgets
from app_pages.ui.compute import compute

MOST_LISTED = 200
BORDER_KINDS = {"segment": "text", "customer_id": "text", "margin": "number", "revenue": "int", "other": "text"}
SHARES = frozenset({"response_rate", "margin_share"})
NUMBERS = (2, 3, 4, 5, 6, 7, 8)


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


def agreement(scenario: Scenario, cut: SegmentationResult) -> DrawAgreement:
    """How far another draw agrees where a large table was fitted on one."""
    held = walk.customers(scenario.population)
    return compute(agree_on_another_draw, cut, compute(prepare, held, *prepared_by(held, cut.spec)))


def border_list(_: Words, moves: ComparisonResult) -> None:
    """The customers of B on a border, nearest first, with a download of all of them."""
    with st.expander(_("Customers on a border"), icon=":material/compare_arrows:", type="compact"):
        everybody = walk.shareable(compute(border_table, moves, _), "customer_id")
        page.table(everybody.head(MOST_LISTED), _, BORDER_KINDS, key="border-list", alt=_("Customers on a border"))
        st.download_button(
            _("All {n} as CSV", n=everybody.height),
            data=lambda: to_csv(everybody, _),
            file_name="regulars-border.csv",
            mime=CSV_MIME,
            icon=":material/table:",
            on_click="ignore",
            key="border-download",
        )


def payoff(scenario: Scenario, cut: SegmentationResult) -> PayoffResult:
    """What contacting the segments of a scenario would bring."""
    return compute(expect_payoff, cut, walk.customers(scenario.population), session.workspace().payoff)


def payoffs(_: Words, a: Scenario, cut_a: SegmentationResult, b: Scenario, cut_b: SegmentationResult) -> pl.DataFrame:
    """A, B and the other pinned scenarios side by side, each under the same assumptions."""
    others = [item for item in session.workspace().scenarios if item not in (a, b)]
    named = [(f"A · {called(a, _)}", a, cut_a), (f"B · {called(b, _)}", b, cut_b)]
    named += [(item.name, item, walk.beside(item, cut_a)) for item in others]
    found = [payoff(scenario, cut) for _name, scenario, cut in named]
    return compute(tabulate_payoffs, tuple(name for name, _scenario, _cut in named), *found)


def migration(a: Scenario, now: SegmentationResult) -> MigrationResult:
    """Who moved from the earlier day to that of A, and why."""
    customers = walk.customers(a.population)
    earlier = at_earlier_day(a, customers.as_of, session.workspace().what_if.earlier, now.spec.n_segments)
    before = walk.beside(earlier, now)
    return compute(migrate, before, compute(assign_segments, before, customers), now)


def earlier_day(_: Words, a: Scenario) -> None:
    """The day that migration starts from."""
    offered, as_of = compute(choices, walk.protected()), walk.customers(a.population).as_of
    shown = at_earlier_day(a, as_of, None, None).population.as_of or as_of
    first = min(a.population.start or offered.first_day or shown, as_of)
    widgets.day("what_if", "earlier", _("Compared with"), max(shown, first), first, as_of, width=180)


def assume(_: Words, names: Mapping[str, str], currency: str) -> None:
    """A person's assumptions about a contact: for all segments, and where one differs."""
    money = f" ({_.symbol(currency).strip()})" if _.symbol(currency) else ""
    labels = {
        "response_rate": _("Response rate (%)"),
        "margin_share": _("Margin (%)"),
        "contact_cost": _("Cost of a contact") + money,
    }
    spec = session.workspace().payoff
    for field, label in labels.items():
        _amount(f"payoff-{field}", label, getattr(spec, field), field, _assume, field)
    _amount("payoff-budget", _("Budget") + money, spec.budget, "budget", _assume, "budget", placeholder=_("no limit"))
    with st.popover(_("Different for one segment"), icon=":material/tune:", key="payoff-own"):
        own = {item.label: item for item in spec.own}
        st.markdown(f":small[:gray[{_('Empty: as for all.')}]]")
        for label, name in names.items():
            st.markdown(f"**{escape_markdown(name)}**")
            with st.container(horizontal=True, gap="small"):
                for field, text in labels.items():
                    value = getattr(own[label], field) if label in own else None
                    _amount(f"own-{label}-{field}", text, value, field, _assume_own, label, field)


def _amount(
    key: str, label: str, value: float | None, field: str, store: Callable[..., None], *args: str, placeholder: str = ""
) -> None:
    """A share is typed in percent; empty is None."""
    scale = 100.0 if field in SHARES else 1.0
    session.bind(key, None if value is None else round(value * scale, 6))
    most = 100.0 if field in SHARES else None
    st.number_input(
        label,
        0.0,
        most,
        key=key,
        step=0.5 if field in SHARES else 1.0,
        format="%0.2f" if field == "contact_cost" else "%0.1f",
        on_change=store,
        args=(key, *args),
        disabled=not session.may("change"),
        placeholder=placeholder or "–",
        width=170,
    )


def _typed(key: str, field: str) -> float | None:
    value = session.widget_value(key)
    return None if value is None else float(value) / (100.0 if field in SHARES else 1.0)


def _assume(key: str, field: str) -> None:
    value = _typed(key, field)
    if value is not None or field == "budget":
        session.change_spec("payoff", **{field: value})


def _assume_own(key: str, label: str, field: str) -> None:
    _attempt(lambda: {"payoff": with_assumption(session.workspace().payoff, label, field, _typed(key, field))})


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
    widgets.select("what_if", "a", _("Scenario A"), {**present, **pinned}, width=180)
    widgets.select("what_if", "b", _("Scenario B"), {None: _("A, in another number"), **present, **pinned}, width=190)
    b = right(a, shown)
    if workspace.what_if.b is None:
        number = b.segmentation.n_segments
        session.bind("try-number", number)
        st.select_slider(_("Number of segments in B"), NUMBERS, key="try-number", on_change=_try_number, width=210)
        _button(_("Pin B and change more"), ":material/push_pin:", "pin-b", _pin, b, called(b, _), True)
    with st.popover(_("Scenarios"), icon=":material/layers:", key="scenarios"):
        _list(_)


def edit(_: Words, position: int) -> None:
    """Every choice of one pinned scenario."""
    scenario = session.workspace().scenarios[position - 1]
    segmenting.choose(_, walk.customers(scenario.population), f"scenarios.{position - 1}.segmentation")
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium", key="controls-population"):
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
            name, locked = _("Name"), not session.may("change")
            st.text_input(name, key=key, on_change=_rename, args=(position,), width=180, max_chars=40, disabled=locked)
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
    st.button(label, icon=icon, key=key, on_click=done, args=args, disabled=not session.may("change"))


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
    # Own names belong to the labels of the reference: without it they would stand on other segments.
    session.change(reference=None, segment_names=())
