"""Whom to save: four groups by risk and value, how risks spread, and the list with reasons."""

from __future__ import annotations

from typing import Any

import altair as alt
import polars as pl

from analytics.charts.early_warning.card import worth
from analytics.charts.early_warning.wording import feature_name, level_name, small_share, space
from analytics.charts.theme import BAR_OPACITY, Spec, chart_of, finish, neutral, plain_axis, tooltip, value_axis
from analytics.churn import ChurnResult
from analytics.i18n import Words

MOST_LISTED = 2000
Rows = list[dict[str, Any]]


def has_value(result: ChurnResult) -> bool:
    return result.value_at_risk is not None


# --- groups ----------------------------------------------------------------------------------------------------------


def groups(result: ChurnResult, _: Words) -> Spec:
    """Each group's share of the value at risk (full) and of the customers (pale); without value only the latter."""
    part, whole = _("Value at risk"), _("Customers")
    total_n = max(int(result.groups["n_customers"].sum()), 1)
    total = float(result.groups["value_at_risk"].sum() or 0.0)
    rows: Rows = []
    for row in result.groups.iter_rows(named=True):
        shown = {
            "group": _.phrase(f"save_group.{row['group']}"),
            "n": _.number(row["n_customers"]),
            "risk": small_share(row["mean_risk"], _),
            "gone": _.number(row["expected_gone"], 1),
            "money": _.compact(row["value_at_risk"], result.currency) if has_value(result) else "–",
        }
        if has_value(result):
            share = row["value_at_risk"] / total if total else 0.0
            rows.append({**shown, "kind": part, "share": share, "text": f"{shown['money']} · {_.percent(share)}"})
        share = row["n_customers"] / total_n
        text = _.ngettext("{n} customer", "{n} customers", row["n_customers"])
        rows.append({**shown, "kind": whole, "share": share, "text": f"{text} · {_.percent(share)}"})
    kinds = [part, whole] if has_value(result) else [whole]
    reach = max((row["share"] for row in rows), default=1.0)
    base = chart_of(rows).encode(
        y=alt.Y("group:N", sort=None, axis=plain_axis(labelLimit=150), scale=alt.Scale(paddingInner=0.26)),
        yOffset=alt.YOffset("kind:N", sort=kinds, scale=alt.Scale(paddingInner=0.1)),
        x=alt.X(
            "share:Q",
            axis=None,
            scale=alt.Scale(domainMin=0, domainMax=alt.ExprRef(f"{reach} * (width < 420 ? 2.2 : 1.55)")),
        ),
        tooltip=[
            tooltip("group", _.label("field", "group")),
            tooltip("n", _("Customers")),
            tooltip("risk", _("Mean risk")),
            tooltip("gone", _("Expected to go")),
            tooltip("money", _("Value at risk")),
        ],
    )
    opacity = alt.Opacity(
        "kind:N",
        scale=alt.Scale(domain=kinds, range=[1, BAR_OPACITY][: len(kinds)]),
        legend=alt.Legend(symbolType="square", symbolFillColor=neutral("accent"), symbolStrokeWidth=0),
    )
    bars = base.mark_bar(cornerRadiusEnd=2, color=neutral("accent")).encode(opacity=opacity)
    text = base.mark_text(align="left", baseline="middle", dx=6, color=neutral("ink")).encode(text="text:N")
    return finish(alt.layer(bars, text), _, height=max(150, 62 * result.groups.height + 40))


def groups_finding(result: ChurnResult, _: Words) -> str:
    first = result.groups.filter(group="save_first")
    if first.is_empty():
        return _("Nobody is at high risk")
    row = first.row(0, named=True)
    if has_value(result) and result.value_at_risk:
        return _.ngettext(
            "Save first: {n} customer with {money} at risk",
            "Save first: {n} customers with {money} at risk",
            row["n_customers"],
            money=_.compact(row["value_at_risk"], result.currency),
        )
    return _.ngettext("Save first: {n} customer", "Save first: {n} customers", row["n_customers"])


def groups_note(result: ChurnResult, _: Words) -> str:
    high = _("High risk: on the list, or at least twice the mean.")
    if not has_value(result):
        return high
    rich = _("High value: above the median {of}. Value at risk: risk × value.", of=worth(result, _))
    return high + space(_) + rich


# --- how risks spread ------------------------------------------------------------------------------------------------


def risks(result: ChurnResult, _: Words) -> Spec:
    """Customers by risk; full: on the list."""
    rows: Rows = [
        {
            "low": row["low"],
            "high": row["high"],
            "n": row["n_customers"],
            "span": _.span(small_share(row["low"], _), small_share(row["high"], _)),
            "text": _.number(row["n_customers"]),
            "listed": (row["low"] + row["high"]) / 2 >= result.threshold,
            "money": _.compact(row["value_at_risk"], result.currency) if row["value_at_risk"] is not None else "–",
        }
        for row in result.risks.iter_rows(named=True)
    ]
    axis = value_axis(_, _("Risk"), percent=True)
    bars = (
        chart_of(rows)
        .mark_bar(color=neutral("accent"), stroke=neutral("paper"), strokeWidth=1)
        .encode(
            x=alt.X("low:Q", bin="binned", axis=axis, scale=alt.Scale(nice=False)),
            x2="high:Q",
            y=alt.Y("n:Q", axis=value_axis(_)),
            opacity=alt.condition("datum.listed", alt.value(1), alt.value(BAR_OPACITY)),
            tooltip=[
                tooltip("span", _("Risk")),
                tooltip("text", _("Customers")),
                tooltip("money", _("Value at risk")),
            ],
        )
    )
    rule = chart_of([{"at": result.threshold}]).mark_rule(color=neutral("ink")).encode(x=alt.X("at:Q", axis=axis))
    return finish(alt.layer(bars, rule), _, height=max(150, 62 * result.groups.height + 40))


def risks_finding(result: ChurnResult, _: Words) -> str:
    return _(
        "The list begins at a risk of {risk}: {n} customers",
        risk=small_share(result.threshold, _),
        n=_.number(result.n_flagged),
    )


def risks_note(result: ChurnResult, _: Words) -> str:
    return _("Customers by their risk; full colour and line: as many as there is time for.")


# --- the list --------------------------------------------------------------------------------------------------------


def customer_table(result: ChurnResult, _: Words) -> pl.DataFrame:
    """The customers on the list, highest value at risk first: risk with interval, value, reasons, group."""
    return _written(result, result.customers.filter("flagged").head(MOST_LISTED), _)


def all_customers(result: ChurnResult, _: Words) -> pl.DataFrame:
    """Every scored customer, for the download."""
    return _written(result, result.customers, _).with_columns(flagged=result.customers["flagged"])


def _written(result: ChurnResult, held: pl.DataFrame, _: Words) -> pl.DataFrame:
    features = {name for k in (1, 2, 3) for name in held[f"reason_{k}"].drop_nulls().unique()}
    names = {name: feature_name(name, _) for name in sorted(features)}
    group_names = {name: _.phrase(f"save_group.{name}") for name in held["group"].unique()}
    reasons = [
        pl.col(f"reason_{k}").replace(names) + pl.format(" ×{}", pl.col(f"push_{k}").round(1)) for k in (1, 2, 3)
    ]
    spans = [_.span(_.percent(low), _.percent(high)) for low, high in held.select("lo", "hi").iter_rows()]
    value = {"last_year": "value_last_year", "column": result.spec.value_column}.get(
        result.value_unit, "expected_value"
    )
    frame = held.with_columns(
        pl.Series("risk_span", spans, pl.String),
        risk_reasons=pl.concat_str(reasons, separator="; " if _.language == "en" else "；", ignore_nulls=True),
        group=pl.col("group").replace(group_names),
    ).rename({"lo": "risk_lo", "hi": "risk_hi", "expected_value": value})
    columns = ["customer_id", "risk", "risk_span", "value_at_risk", value, "risk_reasons", "group", "last_seen_on"]
    if not has_value(result):
        columns = [name for name in columns if name not in ("value_at_risk", value)]
    if not frame["last_seen_on"].count():
        columns.remove("last_seen_on")
    return frame.select(*columns, "risk_lo", "risk_hi")


def list_title(result: ChurnResult, _: Words) -> str:
    return _.ngettext("Whom to save: {n} customer", "Whom to save: {n} customers", result.n_flagged)


def list_note(result: ChurnResult, _: Words) -> str:
    said = [
        _("Risk with its {level} interval.", level=level_name(result, _)),
        _("Reasons: what raises this customer's risk most against a typical one, and how many times the odds."),
    ]
    if has_value(result):
        said.insert(0, _("Highest value at risk first."))
    if result.n_flagged > MOST_LISTED:
        said.append(_("The first {n}; the download has all.", n=_.number(MOST_LISTED)))
    return space(_).join(said)
