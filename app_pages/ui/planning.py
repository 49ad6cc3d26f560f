"""Planning: its cached steps, and its scenarios and stock as widgets."""

from __future__ import annotations

import dataclasses
from contextlib import suppress
from typing import Any

import streamlit as st

from analytics.charts import planning as charts
from analytics.charts.headline import Headline
from analytics.demand import TOTAL, DemandPanel, DemandSpec, DriverPanel, build_drivers
from analytics.errors import AnalysisError
from analytics.forecasting import ForecastResult
from analytics.forecasting.planning import (
    MOST_SCENARIOS,
    DemandScenario,
    PriceToday,
    ResponseResult,
    ScenarioResult,
    Scope,
    StockResult,
    learn_response,
    plan_stock,
    play_scenarios,
    price_today,
    related_products,
)
from analytics.i18n import Words, escape_markdown
from app_pages.ui import demand, forecasting, page, session, walk, widgets
from app_pages.ui.compute import compute

MOST_PRODUCTS = 120  # the response is learned from the largest
PRICES = (-0.3, -0.25, -0.2, -0.15, -0.1, -0.075, -0.05, -0.025, 0.0, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.25, 0.3)
DISCOUNTS = (0.0, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5)
LEVELS = (0.8, 0.85, 0.9, 0.95, 0.975, 0.99, 0.995)
ROW: dict[str, Any] = {"horizontal": True, "vertical_alignment": "bottom", "gap": "medium"}
SPLITS: dict[str, Scope] = {"product": "product", "category": "group"}


# ---- steps ---------------------------------------------------------------------------------------------------------


def items() -> DemandPanel:
    """The series that demand asks for, counted in items: that is what prices move and shelves hold."""
    return demand.panel("quantity")


def response() -> ResponseResult:
    """What price, promotion and events go with, learned from the largest products day by day.

    Raises ``AnalysisError`` where these data cannot tell.
    """
    if demand.is_ready_made():
        raise AnalysisError("response_not_daily")
    data = walk.observed()
    by = next(by for by in ("product", "category", TOTAL) if by == TOTAL or by in demand.splits())
    asked = DemandSpec(measure="quantity", by=by, frequency="day", n_series=MOST_PRODUCTS)
    drivers = compute(build_drivers, data, asked, heavy=True)
    spec = session.workspace().planning.response
    return compute(learn_response, drivers, compute(related_products, data), demand.spec().calendar, spec, heavy=True)


def price(result: ForecastResult) -> PriceToday | None:
    """What an item of the series in sight is sold for; None where that is not known."""
    with suppress(AnalysisError):
        return compute(price_today, _drivers(), result.unique_id)
    return None


def _drivers() -> DriverPanel:
    spec = session.workspace().demand
    wanted = session.workspace().forecast.unique_id
    asked = DemandSpec(
        measure="quantity",
        by=spec.by,
        members=(wanted,) if wanted and spec.by != TOTAL else (),
        n_series=spec.n_series,
        frequency="week",
        parents=spec.by != TOTAL and not wanted,
    )
    return compute(build_drivers, walk.observed(), asked, *walk.demand_labels(spec.by))


def scenarios(result: ForecastResult, known: ResponseResult | None) -> ScenarioResult:
    """Every scenario of the page on the forecast in sight."""
    by = session.workspace().demand.by
    scope: Scope = SPLITS.get(by, "all")
    unit = "" if by == TOTAL or demand.is_ready_made() else result.unique_id
    sold_at = None if demand.is_ready_made() else price(result)
    return compute(play_scenarios, result, known, session.workspace().planning, scope, unit, sold_at)


def stock(result: ForecastResult) -> StockResult:
    """The stock for the series in sight. Raises ``AnalysisError("stock_horizon_short")``."""
    return compute(plan_stock, result, session.workspace().planning.stock)


def stock_if_any(result: ForecastResult) -> StockResult | None:
    with suppress(AnalysisError):
        return stock(result)
    return None


def answer(played: ScenarioResult, held: StockResult | None, _: Words) -> Headline:
    """The answer card."""
    return page.draw(charts.headline, played, held, _)


# ---- which series --------------------------------------------------------------------------------------------------


def series(_: Words) -> None:
    """Of what, which one, by which period, how far ahead; always in items."""
    with page.controls():
        if not demand.is_ready_made():
            named = {by: _("Everything") if by == TOTAL else _.phrase(f"option.by.{by}") for by in demand.splits()}
            widgets.select("demand", "by", _("Split by"), named, resets=forecasting.OTHER_SERIES, width=180)
        if demand.is_ready_made() or session.workspace().demand.by != TOTAL:
            widgets.select("forecast", "unique_id", _("Which one"), demand.members(_), width=240)
        lengths = {"day": _("Day"), "week": _("Week"), "month": _("Month")}
        widgets.segmented("demand", "frequency", _("By"), lengths, resets=forecasting.OTHER_PERIODS)
        frequency = session.workspace().demand.frequency
        ahead = {n: walk.periods(n, frequency, _) for n in forecasting.HORIZONS[frequency]}
        widgets.select("forecast", "horizon", _("Ahead"), {None: _("as usual"), **ahead}, width=150)


# ---- scenarios -----------------------------------------------------------------------------------------------------


def choose(_: Words) -> None:
    """Which two are set against each other, and what margin is assumed."""
    spec = session.workspace().planning
    named = page.draw(charts.scenario_names, spec, _)
    with st.container(**ROW, key="controls-versus"):
        widgets.select("planning", "left", _("Scenario A"), named, width=230)
        first = {None: _("the first that can be told")}
        widgets.select("planning", "right", _("Scenario B"), {**first, **named}, width=230)
        key = "planning.margin"
        session.bind(key, None if spec.margin_share is None else round(spec.margin_share * 100, 6))
        st.number_input(
            _("Assumed margin, %"),
            0.0,
            99.0,
            step=1.0,
            format="%g",
            key=key,
            on_change=_take_margin,
            placeholder=_("none"),
            help=_("Of what is paid today. With it, scenarios are told in profit too."),
            width=160,
            disabled=not session.may("change"),
        )


def _take_margin() -> None:
    value = session.widget_value("planning.margin")
    session.change_spec("planning", margin_share=None if value is None else float(value) / 100)


def edit(known: ResponseResult | None, played: ScenarioResult, _: Words) -> None:
    """Every scenario with its choices, inside what was seen; add one, drop one."""
    spec = session.workspace().planning
    named = page.draw(charts.scenario_names, spec, _)
    events = {"": _("none")}
    if known is not None:
        events |= page.draw(charts.event_names, known, played.scope, played.unit_id, _)
    title = _.ngettext("Change the {n} scenario", "Change the {n} scenarios", len(spec.scenarios))
    with st.expander(title, icon=":material/tune:", type="compact"):
        for i, scenario in enumerate(spec.scenarios):
            _one(i, scenario, named[i + 1], played, events, _)
        if len(spec.scenarios) < MOST_SCENARIOS:
            label, locked = _("Add a scenario"), not session.may("change")
            st.button(label, icon=":material/add:", key="scenario-add", on_click=_add, disabled=locked)


def _one(i: int, scenario: DemandScenario, name: str, played: ScenarioResult, events: dict[str, str], _: Words) -> None:
    section = f"planning.scenarios.{i}"
    prices = charts.inside(PRICES, played.price_curve["change"].to_list(), scenario.price_change)
    depths = charts.inside(DISCOUNTS, played.promotion_curve["depth"].to_list(), scenario.discount)
    with st.container(border=True, gap="small"):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"**{escape_markdown(name)}**")
            st.space("stretch")
            key, locked = f"scenario-drop-{i}", not session.may("change")
            st.button(_("Remove"), icon=":material/close:", key=key, on_click=_drop, args=(i,), disabled=locked)
        with st.container(**ROW):
            changes = {share: charts.price_option(share, _) for share in prices}
            widgets.select(section, "price_change", _("List price"), changes, width=120)
            off = {share: _.percent(share) if share else _("none") for share in depths}
            widgets.select(section, "discount", _("Promotion"), off, width=120)
            if scenario.discount:
                widgets.number(section, "promotion_from", _("from day"), 1, 400, width=115)
                widgets.number(section, "promotion_days", _("for days"), 1, 400, width=115)
            widgets.select(section, "event", _("Event"), events, width=190)
            if scenario.event:
                widgets.number(section, "event_from", _("from day"), 1, 400, width=115)
                widgets.number(section, "event_days", _("for days"), 1, 400, width=115)


def _add() -> None:
    spec = session.workspace().planning
    made = (*spec.scenarios, DemandScenario())
    session.change_spec("planning", scenarios=made, right=len(made))


def _drop(at: int) -> None:
    spec = session.workspace().planning
    left = tuple(item for i, item in enumerate(spec.scenarios) if i != at)
    place = at + 1

    def moved(chosen: int) -> int:
        return 0 if chosen == place else chosen - (chosen > place)

    right = None if spec.right is None or spec.right == place else moved(spec.right)
    session.change_spec("planning", scenarios=left, left=moved(spec.left), right=right)


def compare(played: ScenarioResult, _: Words) -> None:
    """The two scenarios period by period, and all of them in total."""
    if not charts.has_changes(played):
        page.evidence(played, _, charts.periods, charts.periods_finding, charts.periods_note)
        return
    left, right = st.columns([7, 5], gap="medium")
    with left:
        page.evidence(played, _, charts.periods, charts.periods_finding, charts.periods_note)
    with right:
        page.evidence(played, _, charts.changes, charts.changes_finding, charts.changes_note)


# ---- effects -------------------------------------------------------------------------------------------------------


def effects(played: ScenarioResult, known: ResponseResult, _: Words) -> None:
    """What price, promotion and events go with; a sentence for what cannot be told."""
    who = (played.scope, played.unit_id)
    shown = []
    if charts.has_prices(played):
        shown.append((charts.price_curve, charts.price_curve_finding, charts.price_curve_note))
    left, right = st.columns(2, gap="medium")
    places = [left, right]
    if shown:
        with places.pop(0):
            page.chart(
                page.draw(charts.price_curve_finding, played, known, _),
                page.draw(charts.price_curve_note, played, known, _),
                page.picture(charts.price_curve, played, _),
                key="chart-price",
            )
    if charts.has_promotions(played):
        with places.pop(0):
            page.chart(
                page.draw(charts.promotion_curve_finding, played, _),
                page.draw(charts.promotion_curve_note, played, known, _),
                page.picture(charts.promotion_curve, played, _),
                key="chart-promotion",
            )
    missing = page.draw(charts.untold, known, *who, _)
    if missing:
        st.info("\n".join(f"- {line}" for line in missing), icon=":material/info:")
    if charts.has_events(known, *who):
        page.chart(
            page.draw(charts.events_finding, known, *who, _),
            page.draw(charts.events_note, known, *who, _),
            page.picture(charts.events, known, *who, _),
            key="chart-events",
        )


# ---- stock ---------------------------------------------------------------------------------------------------------


def stock_rules(_: Words) -> None:
    """The rules of the stock as widgets."""
    spec, section = session.workspace().planning.stock, "planning.stock"
    with st.container(**ROW, key="controls-stock"):
        widgets.select(section, "goal", _("Service"), widgets.options(section, "goal", _), width=190)
        levels = {level: _.percent(level, 1 if level * 1000 % 10 else 0) for level in LEVELS}
        levels = dict(sorted({spec.level: _.percent(spec.level, 1), **levels}.items()))
        widgets.select(section, "level", _("Level"), levels, width=100)
        widgets.number(section, "lead_time_days", _("Lead time, days"), 0, 400, width=130)
        widgets.number(section, "review_days", _("Order every, days"), 1, 400, width=130)
        widgets.number(section, "on_hand", _("On hand"), 0.0, 1e9, format="%g", width=125)
        widgets.number(section, "on_order", _("On order"), 0.0, 1e9, format="%g", width=125)


def stock_view(result: ForecastResult, _: Words) -> StockResult | None:
    """The stock, or why there is none. What it found is there for the download."""
    stock_rules(_)
    try:
        held = stock(result)
    except AnalysisError as error:
        page.message(error, _, tone="watch")
        return None
    page.metrics(page.draw(charts.stock_metrics, held, _))
    left, right = st.columns(2, gap="medium")
    with left:
        page.evidence(held, _, charts.projection, charts.projection_finding, charts.projection_note)
    with right:
        page.evidence(held, _, charts.levels, charts.levels_finding, charts.levels_note)
    page.caveats(held.caveats, _)
    return held


def tables(played: ScenarioResult, known: ResponseResult | None, held: StockResult | None, _: Words) -> dict[str, Any]:
    """Everything to take away."""
    found = dict(page.draw(charts.scenario_tables, played, _))
    if held is not None:
        found |= page.draw(charts.stock_tables, held, _)
    if known is not None:
        found |= page.draw(charts.response_tables, known, _)
    return found


def spec_of() -> dict[str, object]:
    """The choices behind the page."""
    workspace = session.workspace()
    return {
        "demand": dataclasses.replace(workspace.demand, measure="quantity"),
        "forecast": demand.spec(),
        "planning": workspace.planning,
    }
