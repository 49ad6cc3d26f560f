"""The choices of the forecast pages as widgets: which series, special days, the models and Prophet's own options."""

from __future__ import annotations

import dataclasses
from datetime import date
from typing import Any, get_args

import streamlit as st

from analytics.calendar import FESTIVALS, OFFERED_COUNTRIES, CalendarSpec, OwnEvent, usual_calendar
from analytics.charts import forecasting as charts
from analytics.charts.panel import panel_facts
from analytics.demand import TOTAL, DemandPanel, Measure
from analytics.errors import AnalysisError
from analytics.forecasting import ForecastResult, ForecastSpec, ProphetSpec
from analytics.forecasting.spec import MODELS
from analytics.i18n import Words, escape_markdown
from app_pages.ui import demand, page, session, walk, widgets

HORIZONS = {"day": (7, 14, 28, 56, 91), "week": (4, 8, 12, 26, 52), "month": (3, 6, 12)}
LENIENCE = (0.001, 0.01, 0.05, 0.2, 0.5)  # how easily the trend bends
STRENGTH = (0.1, 1.0, 10.0)  # how large seasons and events may become
WAVES = {"weekly": (0, 1, 2, 3), "yearly": (0, 3, 6, 10, 15)}
ORIGINS = (3, 5, 8, 12, 18)
BENDS = (0, 5, 10, 25, 50)
AUTOMATIC = "auto"
OTHER_SERIES = {"forecast": {"unique_id": ""}, "forecast_view": {"cutoff": None}}
OTHER_PERIODS = {"forecast": {"horizon": None}, "forecast_view": {"cutoff": None}}
EVENT = "forecast.event"
Row = dict[str, Any]
ROW: Row = {"horizontal": True, "vertical_alignment": "bottom", "gap": "medium"}


# ---- which series


def series(_: Words, *, outlook: bool = False) -> None:
    """What is measured, of what, by which period, how far ahead; of which one, where one is looked at."""
    with page.controls():
        if demand.is_ready_made():
            _ready_made(_)
        else:
            measures = {name: _.phrase(f"option.measure.{name}") for name in get_args(Measure)}
            widgets.select("demand", "measure", _("What"), measures, width=150)
            _split(_, outlook)
        if not outlook and (demand.is_ready_made() or session.workspace().demand.by != TOTAL):
            widgets.select("forecast", "unique_id", _("Which one"), demand.members(_), width=240)
        lengths = {"day": _("Day"), "week": _("Week"), "month": _("Month")}
        widgets.segmented("demand", "frequency", _("By"), lengths, resets=OTHER_PERIODS)
        frequency = session.workspace().demand.frequency
        ahead = {n: walk.periods(n, frequency, _) for n in HORIZONS[frequency]}
        widgets.select("forecast", "horizon", _("Ahead"), {None: _("as usual"), **ahead}, width=150)
        if not outlook:
            widths = {0.8: "80%", 0.95: "95%"}
            widgets.segmented("forecast", "interval_width", _("Interval"), widths)


def _split(_: Words, outlook: bool) -> None:
    """What demand is split by; all series at once are never the total alone."""
    offered = [by for by in demand.splits() if by != TOTAL or not outlook]
    shown = demand.outlook_by() if outlook else session.workspace().demand.by
    named = {by: _("Everything") if by == TOTAL else _.phrase(f"option.by.{by}") for by in {*offered, shown}}
    key = "demand.by.outlook" if outlook else "demand.by"
    session.bind(key, shown)
    st.selectbox(
        _("Split by"),
        offered if shown in offered else [*offered, shown],
        format_func=named.__getitem__,
        key=key,
        on_change=_take_split,
        args=(key,),
        width=180,
        disabled=not session.may("change"),
    )


def _take_split(key: str) -> None:
    session.change_specs({"demand": {"by": session.widget_value(key), "members": ()}, **OTHER_SERIES})


def _ready_made(_: Words) -> None:
    """What a ready-made series leaves open: repeated periods, missing ones, values below zero."""
    with st.popover(_("This series"), icon=":material/tune:"):
        for field in ("repeated", "gaps", "negative"):
            widgets.select("demand", field, _.label("field", field), widgets.options("demand", field, _))


def facts(panel: DemandPanel, _: Words) -> None:
    """What was done to make regular series of the rows, in one quiet line."""
    told = page.draw(panel_facts, panel, _)
    if told:
        st.markdown(f":small[:gray[{escape_markdown(' · '.join(told))}]]")


# ---- special days


def special_days(_: Words) -> None:
    """Holidays, festivals and own events; as long as nothing was chosen, the usual ones of the currency."""
    held, usual = demand.spec().calendar, session.workspace().forecast_view.usual_days
    n = len(held.countries) + len(held.festivals) + len(held.own) + held.lunar_new_year
    title = _("Special days: the usual ones") if usual else _.ngettext("Special days: {n}", "Special days: {n}", n)
    with st.expander(title, icon=":material/event:", type="compact"):
        places = {code: _.label("country", code) for code in dict.fromkeys((*held.countries, *OFFERED_COUNTRIES))}
        with st.container(**ROW):
            _several("countries", _("Public holidays of"), places, held.countries)
            named = {code: _.label("event", code) for code in FESTIVALS}
            _several("festivals", _("Shopping festivals"), named, held.festivals)
            key = "forecast.calendar.lunar_new_year"
            session.bind(key, held.lunar_new_year)
            st.toggle(
                _("Lunar New Year"),
                key=key,
                on_change=_take_days,
                args=("lunar_new_year", key),
                help=_("Countries that keep it have it anyway."),
                disabled=not session.may("change"),
            )
            if not usual and usual_calendar(walk.observed().currency) != CalendarSpec():
                label, locked = _("The usual ones"), not session.may("change")
                st.button(label, icon=":material/undo:", key="usual-days", on_click=_usual, disabled=locked)
        st.markdown(f":small[:gray[{_('An effect is learned only of days seen twice or more in the history.')}]]")
        _own_events(held.own, _)


def _several(field: str, label: str, options: dict[Any, str], chosen: tuple[str, ...]) -> None:
    key = f"forecast.calendar.{field}"
    session.bind(key, list(chosen))
    st.multiselect(
        label,
        list(options),
        format_func=options.__getitem__,
        key=key,
        on_change=_take_days,
        args=(field, key),
        placeholder="–",
        width=300,
        disabled=not session.may("change"),
    )


def _take_days(field: str, key: str) -> None:
    value = session.widget_value(key)
    _store_days({field: value if isinstance(value, bool) else tuple(value)})


def _store_days(changes: dict[str, Any]) -> None:
    """What was in sight, with the changes, becomes the calendar of one's own."""
    try:
        calendar = dataclasses.replace(demand.spec().calendar, **changes)
    except AnalysisError as error:
        session.tell(error)
        return
    session.change_specs({"forecast": {"calendar": calendar}, "forecast_view": {"usual_days": False}})


def _usual() -> None:
    session.change_specs({"forecast": {"calendar": CalendarSpec()}, "forecast_view": {"usual_days": True}})


def _own_events(own: tuple[OwnEvent, ...], _: Words) -> None:
    locked = not session.may("change")
    for i, event in enumerate(own):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            days = _.listing(_.day(day) for day in event.days)
            felt = _("{before} before, {after} after", before=event.before_days, after=event.after_days)
            st.markdown(f"**{escape_markdown(event.name)}** · {days} · :gray[{felt}]")
            icon = ":material/close:"
            st.button(_("Remove"), icon=icon, key=f"event-{i}", on_click=_drop, args=(i,), disabled=locked)
    with st.form("own-event", border=False, clear_on_submit=True), st.container(**ROW):
        st.text_input(_("Own event"), key=f"{EVENT}.name", max_chars=60, width=200, disabled=locked)
        first = walk.observed().as_of
        st.date_input(
            _("Its day"),
            value=first,
            min_value=min(first, date(1900, 1, 1)),
            max_value=max(first, date(2100, 1, 1)),
            key=f"{EVENT}.day",
            format="YYYY/MM/DD",
            width=150,
            disabled=locked,
        )
        st.number_input(_("Days before"), 0, 30, 0, key=f"{EVENT}.before", width=120, disabled=locked)
        st.number_input(_("Days after"), 0, 30, 0, key=f"{EVENT}.after", width=120, disabled=locked)
        st.form_submit_button(_("Add"), icon=":material/add:", key="event-add", on_click=_add, disabled=locked)
    note = _("The same name again adds a day to the event. A day ahead of the as-of date is a plan.")
    st.markdown(f":small[:gray[{note}]]")


def _add() -> None:
    name, day = session.widget_value(f"{EVENT}.name").strip(), session.widget_value(f"{EVENT}.day")
    before, after = (int(session.widget_value(f"{EVENT}.{side}")) for side in ("before", "after"))
    own = demand.spec().calendar.own
    earlier = next((event.days for event in own if event.name == name), ())
    try:
        event = OwnEvent(name, tuple(sorted({*earlier, *([day] if day else [])})), before, after)
    except AnalysisError as error:
        session.tell(error)
        return
    _store_days({"own": (*(other for other in own if other.name != name), event)})


def _drop(at: int) -> None:
    own = demand.spec().calendar.own
    _store_days({"own": (*own[:at], *own[at + 1 :])})


# ---- models, and Prophet's own options


def models(_: Words) -> None:
    """Which models are compared, which leads, how often they are tested; Prophet's options. One button takes all."""
    spec, locked = session.workspace().forecast, not session.may("change")
    default = ForecastSpec()
    changed = (spec.model, spec.candidates, spec.n_origins, spec.prophet) != (
        default.model,
        default.candidates,
        default.n_origins,
        default.prophet,
    )
    title = _("For experts: models, Prophet's options (changed)") if changed else _("For experts: models, Prophet")
    with st.expander(title, icon=":material/tune:", type="compact"), st.form("models-form", border=False):
        named = {model: charts.model_title(model, _) for model in MODELS}
        with st.container(**ROW):
            _pick("model", _("Model"), (AUTOMATIC, *MODELS), {AUTOMATIC: _("the back-test decides"), **named}, 220)
            key = "forecast.candidates"
            session.bind(key, list(spec.candidates))
            st.multiselect(
                _("Compared"),
                MODELS,
                format_func=named.__getitem__,
                key=key,
                placeholder=_("all of them"),
                width=360,
                disabled=locked,
            )
            counts = sorted({*ORIGINS, spec.n_origins})
            _pick("n_origins", _("Back-tests"), counts, {n: str(n) for n in counts}, 110)
        st.markdown(f"**{_('Prophet')}**")
        with st.container(**ROW):
            growth = {name: _.phrase(f"option.growth.{name}") for name in ("linear", "flat", "logistic")}
            _pick("growth", _("Trend"), list(growth), growth, 210, spec.prophet)
            session.bind("forecast.prophet.cap", spec.prophet.cap)
            st.number_input(
                _("Ceiling"),
                min_value=0.0,
                value=None,
                format="%g",
                key="forecast.prophet.cap",
                width=220,
                placeholder=_("1.2 × the highest"),
                disabled=locked,
            )
            bends = sorted({*BENDS, spec.prophet.n_changepoints})
            _pick("n_changepoints", _("Bends at most"), bends, {n: str(n) for n in bends}, 130, spec.prophet)
            ease = sorted({*LENIENCE, spec.prophet.changepoint_prior_scale})
            _pick(
                "changepoint_prior_scale",
                _("How easily it bends"),
                ease,
                {x: f"{x:g}" for x in ease},
                160,
                spec.prophet,
            )
        with st.container(**ROW):
            modes = {x: _.phrase(f"option.seasonality_mode.{x}") for x in ("auto", "additive", "multiplicative")}
            _pick("seasonality_mode", _("Seasonal swings"), list(modes), modes, 220, spec.prophet)
            for field, label in (("weekly", _("Waves a week")), ("yearly", _("Waves a year"))):
                now = getattr(spec.prophet, field)
                counts = sorted({*WAVES[field], *([] if now is None else [now])})
                offered = {AUTOMATIC: _("as usual"), **{n: str(n) for n in counts}}
                _pick(field, label, list(offered), offered, 120, spec.prophet)
            for field, label in (
                ("seasonality_prior_scale", _("Size of seasons")),
                ("holidays_prior_scale", _("Size of events")),
            ):
                sizes = sorted({*STRENGTH, getattr(spec.prophet, field)})
                _pick(field, label, sizes, {x: f"{x:g}" for x in sizes}, 140, spec.prophet)
        with st.container(horizontal=True):
            for key, label, icon, done in (
                ("models-apply", _("Apply"), ":material/check:", _take_models),
                ("models-reset", _("As it was"), ":material/undo:", _reset_models),
            ):
                st.form_submit_button(label, icon=icon, key=key, on_click=done, disabled=locked)


def _pick(field: str, label: str, options: Any, named: dict[Any, str], width: int, spec: Any = None) -> None:
    holder, key = (session.workspace().forecast, f"forecast.{field}") if spec is None else (spec, f"prophet.{field}")
    stored = getattr(holder, field)
    session.bind(key, AUTOMATIC if stored is None else stored)
    locked = not session.may("change")
    st.selectbox(label, options, format_func=named.__getitem__, key=key, width=width, disabled=locked)


def _take_models() -> None:
    """All choices of the form at once: one change, which one undo takes back."""
    own: dict[str, Any] = {"cap": session.widget_value("forecast.prophet.cap") or None}
    for item in dataclasses.fields(ProphetSpec):
        if item.name not in ("cap", "changepoint_range"):
            value = session.widget_value(f"prophet.{item.name}")
            keeps = item.name == "seasonality_mode"
            own[item.name] = None if value == AUTOMATIC and not keeps else value
    changes = {
        "model": session.widget_value("forecast.model"),
        "candidates": tuple(model for model in MODELS if model in session.widget_value("forecast.candidates")),
        "n_origins": session.widget_value("forecast.n_origins"),
    }
    session.change_specs({"forecast": changes, "forecast.prophet": own})


def _reset_models() -> None:
    default = ForecastSpec()
    names = ("model", "candidates", "n_origins", "prophet")
    session.change_specs({"forecast": {name: getattr(default, name) for name in names}})


# ---- what we would have said then


def backtest(result: ForecastResult, _: Words) -> None:
    """One cutoff in sight, chosen by sliding, beside all of them."""
    held = charts.cutoffs(result)
    at = charts.cutoff_or_last(result, session.workspace().forecast_view.cutoff)
    left, right = st.columns([7, 5], gap="medium")
    with left:
        finding, note = (page.draw(part, result, at, _) for part in (charts.backtest_finding, charts.backtest_note))
        page.chart(finding, note, page.picture(charts.backtest_chart, result, at, _), key="chart-backtest")
        if len(held) > 1:
            session.bind("forecast.cutoff", at)
            st.select_slider(
                _("What would we have said, knowing only what was known on"),
                held,
                format_func=lambda day: charts.cutoff_words(result, day, _),
                key="forecast.cutoff",
                on_change=_look,
            )
        page.metrics(page.draw(charts.backtest_metrics, result, at, _), columns=3)
    with right:
        page.evidence(result, _, charts.origins_chart, charts.origins_finding, charts.origins_note)


def _look() -> None:
    session.change_spec("forecast_view", cutoff=session.widget_value("forecast.cutoff"))


def components(result: ForecastResult, _: Words) -> None:
    """What Prophet sees in the series, a chart each."""
    names = charts.component_names(result)
    page.heading(_("What the series is made of"), _("As Prophet takes it apart, whichever model leads."))
    with st.grid(min_column_width=320, gap="medium"):
        for name in names:
            page.chart(
                page.draw(charts.component_finding, result, name, _),
                page.draw(charts.component_note, result, name, _),
                page.picture(charts.component_chart, result, name, _),
                key=f"component-{name}",
            )


# ---- all series


def shown(_: Words, held: tuple[Any, ...], drawn: Any, finding: Any, note: Any) -> None:
    """One claim about a panel (panel, its forecast, names) and the chart that shows it."""
    said, told = (page.draw(part, *held, _) for part in (finding, note))
    page.chart(said, told, page.picture(drawn, *held, _), key=f"chart-outlook-{drawn.__name__}")


def how_many(n_there: int, panel: DemandPanel, _: Words) -> None:
    """A button that forecasts every series, where only the largest were."""
    n_shown = min(session.workspace().demand.n_series, n_there)
    if n_shown >= n_there or not panel.members:
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        st.markdown(f":gray[{_('The {n} largest of {all} series are forecast.', n=n_shown, all=n_there)}]")
        st.button(
            _("Forecast all {n}", n=n_there),
            icon=":material/library_add:",
            key="forecast-all",
            on_click=session.change_spec,
            args=("demand",),
            kwargs={"n_series": n_there},
            disabled=not session.may("change"),
        )


def look_deeper(ids: list[str], names: dict[str, str], _: Words) -> None:
    """Choose one of the series and open the page that looks at it alone."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        key = "outlook.series"
        session.bind_valid(key, ids)
        by = demand.outlook_by()
        locked = by != session.workspace().demand.by and not session.may("change")  # another split is a change
        named = names.__getitem__
        chosen = st.selectbox(_("Series"), ids, format_func=named, key=key, width=260, disabled=locked)
        if st.button(_("Look at this series alone"), icon=":material/search:", key="outlook-open", disabled=locked):
            session.change_specs(
                {"demand": {"by": by}, "forecast": {"unique_id": chosen}, "forecast_view": {"cutoff": None}}
            )
            st.switch_page("app_pages/forecasting.py")
