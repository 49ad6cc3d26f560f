"""What is timed on the leaving page, as widgets: the clock; for files without dates its columns."""

from __future__ import annotations

import streamlit as st

from analytics.charts.survival import field_name
from analytics.i18n import Words
from analytics.survival import SurvivalResult, available_clocks, propose_columns
from analytics.survival.spec import ClockSpec
from app_pages.ui import session, walk, widgets
from app_pages.ui.compute import compute

CLOCK, NAME = "survival.clock", "survival"
HORIZONS = (30, 90, 180, 365, 730, 1096)
AHEAD = (7, 30, 60, 90, 180, 365)


def clock(_: Words) -> None:
    """Which clock, and the columns of a tenure."""
    data = walk.observed()
    found = compute(available_clocks, data)
    if len(found) > 1 or session.spec(CLOCK).clock not in (None, *found):
        offered = {None: _("{clock} (proposed)", clock=_.phrase(f"option.clock.{found[0]}"))} if found else {}
        offered |= {name: _.phrase(f"option.clock.{name}") for name in found[1:]}
        widgets.select(CLOCK, "clock", _("What is timed"), offered, width=260)
    chosen = session.spec(CLOCK).clock or (found[0] if found else None)
    if chosen == "tenure" or (not found and "customers" in data.tables):
        _columns(_)


def _columns(_: Words) -> None:
    proposed, spec = compute(propose_columns, walk.observed()), session.spec(CLOCK)
    with st.popover(_("Columns"), icon=":material/view_column:"):
        named = {"": _("{column} (proposed)", column=proposed.duration) if proposed.duration else _("none found")}
        widgets.select(
            CLOCK, "duration_column", _.label("field", "duration_column"), {**named, **_own(proposed.durations)}
        )
        named = {"": _("{column} (proposed)", column=proposed.event) if proposed.event else _("none found")}
        widgets.select(
            CLOCK,
            "event_column",
            _.label("field", "event_column"),
            {**named, **_own(proposed.events)},
            resets={CLOCK: {"event_value": ""}},
        )
        column = spec.event_column or proposed.event
        people = walk.observed().tables["customers"]
        if column in people.columns:
            values = people[column].cast(str).drop_nulls().unique().sort().to_list()
            offered = {"": _("as proposed"), **{value: value for value in values[:2]}}
            widgets.select(CLOCK, "event_value", _.label("field", "event_value"), offered)
        units = {None: _("as proposed"), **_units(_)}
        widgets.select(CLOCK, "duration_unit", _.label("field", "duration_unit"), units)


def _own(names: tuple[str, ...]) -> dict[str, str]:
    return {name: name for name in names}


def _units(_: Words) -> dict[str, str]:
    return {unit: _.phrase(f"option.duration_unit.{unit}") for unit in ("day", "week", "month", "year")}


def groups(result: SurvivalResult, _: Words) -> None:
    """By what customers are compared, and at which tenure shares are told."""
    offered = {"": _("nothing: all together"), "segment": _("Segment")}
    if result.clock != "tenure":
        offered["cohort"] = field_name("cohort", _)
    offered |= {name: field_name(name, _) for name in result.screen["field"] if name != "segment"}
    widgets.select(NAME, "group_by", _("Compare by"), offered, width=220)
    years = {365: _("1 year"), 730: _("2 years"), 1096: _("3 years")}
    shown = {n: years.get(n, _("{n} days", n=n)) for n in HORIZONS}
    widgets.select(NAME, "horizon_days", _("Shares after"), shown, width=140)


def covariates(result: SurvivalResult, chosen: tuple[str, ...], _: Words) -> None:
    """Which attributes have a hazard ratio, which a curve of their own, and a penalty."""
    names = {name: field_name(name, _) for name in (*result.screen["field"], "segment")}
    spec = session.workspace().survival
    shown = spec.covariates if spec.covariates is not None else chosen
    key = "survival.covariates"
    session.bind(key, list(shown))
    st.multiselect(
        _("Attributes"),
        list(dict.fromkeys([*names, *shown])),
        format_func=lambda name: names.get(name, name),
        key=key,
        on_change=_take,
        args=(key,),
        placeholder=_("chosen by the data"),
        disabled=not session.may("change"),
    )
    widgets.several(NAME, "stratify", _.label("field", "stratify"), names, placeholder=_("nothing"), width=260)
    penalties = {0.0: _("none"), 1.0: "1", 10.0: "10", 100.0: "100"}
    widgets.select(NAME, "penalty", _.label("field", "penalty"), penalties, width=120)


def _take(key: str) -> None:
    """The attributes as the person left them; none: the data choose again."""
    session.change_specs({NAME: {"covariates": tuple(session.widget_value(key)) or None}})


def ahead(_: Words) -> None:
    """How far ahead is looked."""
    widgets.select(NAME, "outlook_days", _("Look ahead"), {n: _("{n} days", n=n) for n in AHEAD}, width=140)


def definition(result: SurvivalResult, spec: ClockSpec, _: Words) -> str:
    """What was timed, in one or two sentences."""
    match result.clock:
        case "membership":
            first = _("From the day a customer joined to the day they left.")
        case "tenure":
            duration, event, value, unit = result.columns
            first = _(
                "{duration} of each customer ({unit}); left means {event} is {value}.",
                duration=f"`{duration}`",
                unit=_.phrase(f"option.duration_unit.{unit}"),
                event=f"`{event}`",
                value=f"`{value}`",
            )
        case "lapse":
            first = _(
                "From the first order until the silence is longer than {share} of the customer's own next gaps would "
                "be, judged after each order by the gaps so far; the day it got too long is the day of leaving.",
                share=_.percent(spec.lapse_quantile),
            )
        case "second_order":
            first = _("From a customer's first day with an order to the second.")
        case _other:
            first = _(
                "From each day with an order to the next. Each customer counts once, with the mean of their complete "
                "gaps; an open gap counts where there is no complete one (Wang and Chang 1999)."
            )
    return (
        first
        + (" " if _.language == "en" else "")
        + _(
            "Who is still there on the as-of date counts as there until that day: when they will leave is not known "
            "yet. Nothing later is used."
        )
    )
