"""The cached steps of the product life cycle, its inputs, and the parts of its page that hold several widgets."""

from __future__ import annotations

import dataclasses
from contextlib import suppress

import streamlit as st

from analytics.charts import product_life as charts
from analytics.demand import DemandPanel, DemandSpec, DriverPanel, Measure, build_drivers, build_panel
from analytics.errors import AnalysisError
from analytics.i18n import Words
from analytics.product_life import (
    EvidenceResult,
    ProductLifeResult,
    StageFeedback,
    describe_goods,
    find_evidence,
    rate_stages,
    trace_products,
)
from app_pages.ui import demand, page, session, walk, widgets
from app_pages.ui.compute import compute

NUMBERS = (50, 100, 300, 1000)
WITHIN = (0.015, 0.02, 0.025, 0.03, 0.04, 0.05)
MONTHS = (3, 6, 12)
SHOWN = "product_life.shown"


def choose(_: Words) -> None:
    """What has a life, what is counted, and against what."""
    with page.controls():
        if not demand.is_ready_made():
            kinds = {"product": _("Products"), "category": _("Categories")}
            widgets.segmented("product_life", "by", _("Of what"), kinds)
            measures = {"orders": _("Orders"), "quantity": _("Items"), "revenue": _("Revenue")}
            widgets.select("product_life", "measure", _("Counted by"), measures, width=120)
        numbers = {n: _.number(n) for n in NUMBERS}
        widgets.select("product_life", "n_products", _("How many"), numbers, width=90)
        against = widgets.options("product_life", "against", _)
        widgets.select("product_life", "against", _("Measured against"), against, width=180)
        within = {share: _.percent(share, 1) for share in WITHIN}
        widgets.select("product_life", "steady_within", _("Steady within, a month"), within, width=150)
        back = {n: _.ngettext("{n} month", "{n} months", n) for n in MONTHS}
        widgets.select("product_life", "compare_months", _("Stage before"), back, width=120)


def _panel(measure: Measure) -> DemandSpec:
    spec = session.workspace().product_life
    given = session.workspace().demand
    asked = DemandSpec(measure, spec.by, (), spec.n_products, "week")
    return dataclasses.replace(asked, repeated=given.repeated, gaps=given.gaps, negative=given.negative)


def series() -> DemandPanel:
    """Weekly series, one a product; a ready-made series that is rarer as it is."""
    return compute(build_panel, walk.observed(), _panel(session.workspace().product_life.measure))


def worth() -> DemandPanel | None:
    """Revenue of the same products, where amounts are known."""
    if demand.is_ready_made():
        return None
    with suppress(AnalysisError):
        return compute(build_panel, walk.observed(), _panel("revenue"))
    return None


def drivers() -> DriverPanel | None:
    """Prices and discounts of the same products, where they are known."""
    if demand.is_ready_made():
        return None
    with suppress(AnalysisError):
        return compute(build_drivers, walk.observed(), _panel("quantity"))
    return None


def traced() -> ProductLifeResult:
    """The stage of every product. Which one is looked at is no part of it."""
    spec = dataclasses.replace(session.workspace().product_life, product="")
    goods = compute(describe_goods, walk.observed())
    return compute(trace_products, series(), spec, goods, worth(), heavy=True)


def evidence(result: ProductLifeResult) -> EvidenceResult:
    """Odd weeks and turns, with the special days of the forecast's calendar."""
    return compute(find_evidence, result, series(), demand.spec().calendar, drivers(), walk.observed(), heavy=True)


def feedback(result: ProductLifeResult) -> StageFeedback:
    return compute(rate_stages, walk.observed(), result)


def one_product(result: ProductLifeResult, found: EvidenceResult, _: Words) -> None:
    """One product in depth, chosen from a list."""
    known = page.draw(charts.offered, result)  # belongs to all sessions: never changed
    shown = page.draw(charts.chosen, result, session.workspace().product_life.product)
    offered = {**known, shown: known.get(shown, shown)}
    page.heading(_("One product in depth"), _("Those that changed stage first, then by sales."))
    session.bind(SHOWN, shown)
    st.selectbox(
        _("Product") if result.spec.by == "product" else _("Category"),
        list(offered),
        format_func=offered.__getitem__,
        key=SHOWN,
        width=420,
        on_change=_look,
    )
    page.metrics(page.draw(charts.life_metrics, result, shown, _), narrowest=150)
    left, right = st.columns([8, 4], gap="medium")
    with left:
        page.chart(
            page.draw(charts.life_finding, result, found, shown, _),
            page.draw(charts.life_note, result, found, shown, _),
            page.picture(charts.life, result, found, shown, _),
            key="chart-life",
        )
    with right:
        page.chart(
            page.draw(charts.chances_finding, result, shown, _),
            page.draw(charts.chances_note, result, shown, _),
            page.picture(charts.chances, result, shown, _),
            key="chart-chances",
        )


def _look() -> None:
    session.change_specs({"product_life": {"product": session.widget_value(SHOWN)}})


def what_happened(result: ProductLifeResult, found: EvidenceResult, _: Words) -> None:
    """Odd weeks and turns as rows."""
    for name, finding, note, rows in (
        ("odd", charts.odd_finding, charts.odd_note, charts.odd_rows),
        ("turns", charts.turn_finding, charts.turn_note, charts.turn_rows),
    ):
        listed = page.draw(rows, result, found, _)
        title = page.draw(finding, result, found, _)
        with st.container(key=f"life-{name}"):
            page.heading(title, page.draw(note, result, found, _) if listed else "")
            if listed:
                st.table(listed, border="horizontal", hide_index=True, alt=title)


def movers(result: ProductLifeResult, _: Words) -> None:
    """Who changed stage, as rows."""
    listed = page.draw(charts.movers_rows, result, _)
    title = _("Who changed stage")
    page.heading(title, _("The most sales first; stages as they were told then and as they are told now."))
    if listed:
        st.table(listed, border="horizontal", hide_index=True, alt=title)
    else:
        st.markdown(f":gray[{page.draw(charts.stage_flow_finding, result, _)}]")


def hindsight(result: ProductLifeResult, _: Words) -> None:
    """How much of what was said then still holds."""
    title = page.draw(charts.hindsight_finding, result, _)
    page.heading(title, page.draw(charts.hindsight_note, result, _))
    st.table(page.draw(charts.hindsight_rows, result, _), border="horizontal", hide_index=True, alt=title)
