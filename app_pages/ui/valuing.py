"""The choices of customer value in one form, and the parts of its pages that hold several widgets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import polars as pl
import streamlit as st

from analytics.charts import value as charts
from analytics.errors import AnalysisError
from analytics.export.tables import CSV_MIME, to_csv
from analytics.i18n import Words
from analytics.value import CustomerTrace, ValueResult, covariate_choices, explain_history, value_by
from app_pages.ui import page, session, walk, widgets
from app_pages.ui.compute import compute

MONTHS = {91: 3, 183: 6, 365: 12, 730: 24, 1095: 36, 1825: 60}  # days -> months
HOLDOUTS = (60, 90, 120, 180, 270, 365)
MODELS = ("auto", "bg_nbd", "mbg_nbd", "pareto_nbd")
AUTOMATIC = "auto"
TOLD = frozenset({"value_subscription", "value_rule"})
ALIVE_FROM = (0.3, 0.4, 0.5, 0.6, 0.7)
LOOKED_AT = "value.customer"
MOST_OFFERED, MOST_OF_A_KIND = 100, 20


def choose(_: Words) -> None:
    """All choices that cost a computation; it begins with the button."""
    spec, offered = session.workspace().value, compute(covariate_choices, walk.observed())
    row = {"horizontal": True, "vertical_alignment": "bottom", "gap": "medium"}
    with st.form("value-form", border=False), st.container(**row):
        ahead = {days: _.ngettext("{n} month", "{n} months", n) for days, n in MONTHS.items()}
        ahead.setdefault(spec.horizon_days, charts.months(spec.horizon_days, _))
        _select("horizon_days", _("Ahead"), sorted(ahead), ahead, 130)
        _number("discount_rate_yearly", _("Discount, % a year"), 0.0, 100.0, 150)
        _number("margin_share", _("Margin, %"), 0.1, 100.0, 130)
        named = {AUTOMATIC: _("best in the holdout"), **{code: charts.model_name(code, _) for code in MODELS[1:]}}
        _select("model", _("Model"), list(MODELS), named, 170)
        held: dict[Any, str] = {AUTOMATIC: _("a third of the history")}
        held |= {n: _("the last {n} days", n=n) for n in sorted({*HOLDOUTS, spec.holdout_days or HOLDOUTS[0]})}
        _select("holdout_days", _("Tested on"), list(held), held, 190)
        if offered:
            key, now = "value.covariates", [name for name in spec.covariates if name in offered]
            session.bind(key, now)
            st.multiselect(
                _("What may shift the rate"),
                offered,
                format_func=lambda name: _.label("field", name),
                key=key,
                placeholder=_("nothing"),
                width=220,
                disabled=not session.may("change"),
            )
        st.form_submit_button(
            _("Calculate"),
            icon=":material/calculate:",
            key="value-calculate",
            on_click=_take,
            args=(bool(offered),),
            disabled=not session.may("change"),
        )


def _select(field: str, label: str, options: Sequence[Any], named: dict[Any, str], width: int) -> None:
    stored = getattr(session.workspace().value, field)
    session.bind(f"value.{field}", AUTOMATIC if stored is None else stored)
    key, locked = f"value.{field}", not session.may("change")
    st.selectbox(label, options, format_func=named.__getitem__, key=key, width=width, disabled=locked)


def _number(field: str, label: str, low: float, high: float, width: int) -> None:
    """A share as a percentage."""
    session.bind(f"value.{field}", round(getattr(session.workspace().value, field) * 100, 6))
    key, locked = f"value.{field}", not session.may("change")
    st.number_input(label, low, high, step=1.0, format="%g", key=key, width=width, disabled=locked)


def _take(covariates: bool) -> None:
    """All choices of the form at once: one change, which one undo takes back."""
    holdout = session.widget_value("value.holdout_days")
    changes = {
        "horizon_days": session.widget_value("value.horizon_days"),
        "discount_rate_yearly": round(session.widget_value("value.discount_rate_yearly") / 100, 6),
        "margin_share": round(session.widget_value("value.margin_share") / 100, 6),
        "model": session.widget_value("value.model"),
        "holdout_days": None if holdout == AUTOMATIC else holdout,
    }
    if covariates:
        changes["covariates"] = tuple(session.widget_value("value.covariates"))
    session.change_specs({"value": changes})


def thresholds(_: Words) -> None:
    """From which probability on a customer counts as active."""
    with page.controls():
        shares = {share: _.percent(share) for share in ALIVE_FROM}
        widgets.segmented("value", "p_alive_threshold", _("Active from"), shares)


# ---- what stands in for a model


def fallback(result: ValueResult, _: Words) -> None:
    """Why no model of repeat buying stands behind the figures, and what does."""
    if result.basis == "repeat":
        return
    page.heading(charts.fallback_title(result, _), charts.fallback_body(result, _))
    if result.fallback_code and result.basis == "rule":
        page.message(AnalysisError(result.fallback_code, **dict(result.fallback_params)), _, tone="watch")


def caveats(result: ValueResult, _: Words) -> None:
    """What the result says about itself, but for what ``fallback`` has said."""
    page.caveats([item for item in result.caveats if item.code not in TOLD], _)


# ---- how far to trust it


def trust(result: ValueResult, _: Words) -> None:
    """The grade with its rule, the models side by side, and the simple rules beside the model."""
    if result.grade_rule.height:
        page.heading(page.draw(charts.grade_finding, result, _), page.draw(charts.grade_note, result, _))
        _rows(page.draw(charts.grade_rows, result, _), charts.grade_finding(result, _))
    if result.rules.height:
        page.heading(page.draw(charts.winner_sentence, result, _), page.draw(charts.rules_note, result, _))
        _rows(page.draw(charts.rule_rows, result, _), _("Simple rules beside the model"))
    if result.models.height:
        with st.expander(_("The models side by side"), icon=":material/table:", type="compact"):
            st.markdown(f":small[:gray[{page.draw(charts.models_note, result, _)}]]")
            _rows(page.draw(charts.model_rows, result, _), _("The models side by side"))


def parameters(result: ValueResult, _: Words) -> None:
    """Every parameter with its interval and its meaning."""
    rows = page.draw(charts.parameter_rows, result, _)
    if rows:
        with st.expander(_("What the model's numbers mean"), icon=":material/function:", type="compact"):
            _rows(rows, _("What the model's numbers mean"))


def _rows(rows: list[dict[str, str]], alt: str) -> None:
    st.table(rows, border="horizontal", hide_index=True, alt=alt)


# ---- by segment


def by_segment(result: ValueResult, _: Words) -> pl.DataFrame | None:
    """Value by present segment with its picture; None where these data cannot be cut."""
    labels = walk.labels_if_any()
    if labels is None:
        return None
    held, names = compute(value_by, result, labels), walk.names(_)
    finding, note = (
        page.draw(part, result, held, names, _) for part in (charts.segments_finding, charts.segments_note)
    )
    page.chart(finding, note, page.picture(charts.segments, result, held, names, _), key="chart-value-segments")
    return held


# ---- one customer


def one_customer(result: ValueResult, _: Words) -> CustomerTrace:
    """How one customer's rows become the numbers of the model, and what follows."""
    offered = compute(charts.examples, result)
    wanted = session.workspace().customer
    there = wanted and compute(charts.is_known, result, wanted)
    chosen = wanted if there else offered[0]
    page.heading(
        _("From rows to value: one customer"),
        _("One in doubt, then the most valuable, those who fell silent, and one-time buyers."),
    )
    ids = offered if chosen in offered else [chosen, *offered]
    session.bind(LOOKED_AT, chosen)
    st.selectbox(_("Customer"), ids, key=LOOKED_AT, width=240, on_change=_look)
    trace = compute(explain_history, walk.observed(), chosen, session.workspace().value, result)
    page.chart(
        page.draw(charts.timeline_finding, trace, result, _),
        page.draw(charts.timeline_note, trace, result, _),
        page.picture(charts.timeline, trace, result, _),
        key="chart-timeline",
    )
    if charts.has_path(trace, result):
        note = page.draw(charts.alive_path_note, trace, result, _)
        st.markdown(f":small[:gray[{note}]]")
        st.vega_lite_chart(page.picture(charts.alive_path, trace, result, _), key="chart-alive-path", alt=note)
    page.metrics(page.draw(charts.figures, trace, result, _), narrowest=128)
    with st.expander(_("The rows and what each counts as"), icon=":material/table_rows:", type="compact"):
        rows = page.draw(charts.row_table, trace, _)
        page.table(rows, _, charts.row_kinds(rows), key="trace", alt=_("The rows"), currency=result.currency)
    return trace


def _look() -> None:
    session.change(customer=session.widget_value(LOOKED_AT))


# ---- the four groups


def group_cards(result: ValueResult, _: Words) -> None:
    """One card a group: what it is, its money, and its list as a download."""
    held = charts.by_group(result)
    with st.grid(2, min_column_width=400):
        for code in charts.group_names(_):
            if code in held:
                with st.container(border=True, key=f"group-{code}"):
                    page.heading(page.draw(charts.group_title, result, code, _), charts.group_advice(code, _))
                    page.metrics(page.draw(charts.group_metrics, result, code, _), columns=2, narrowest=120)
                    listed = walk.shareable(compute(charts.group_list, result, code), "customer_id")
                    st.download_button(
                        _("This list (CSV)"),
                        data=lambda frame=listed: to_csv(frame, _),
                        file_name=f"regulars-{code}.csv",
                        mime=CSV_MIME,
                        icon=":material/download:",
                        on_click="ignore",
                        key=f"list-{code}",
                    )
