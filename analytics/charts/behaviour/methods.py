"""Payment methods or channels: shares, steps between them, segments, and customers who use several."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import altair as alt
import polars as pl

from analytics.behaviour import MethodsResult
from analytics.charts.behaviour.parts import Rows, bars, heatmap, rest, share_text, space
from analytics.charts.theme import STANDARD, Spec, chart_of, finish, neutral, plain_axis, tooltip
from analytics.i18n import Words

_ROW = 30
_MOST_LABELS = 8


def shares(result: MethodsResult, _: Words) -> Spec:
    """Two bars a method: its share of orders with the interval, and paler its share of their value."""
    rows: Rows = []
    for row in result.shares.iter_rows(named=True):
        common = {
            "name": rest(row["method"], _),
            "customers": _("{n}, usual method of {main}", n=row["n"], main=row["n_main"]),
            "interval": _.span(_.percent(row["lo"], 1), _.percent(row["hi"], 1)),
        }
        text = f"{_.number(row['n_orders'])} · {share_text(row['share'], _)}"
        rows.append(
            {
                **common,
                "measure": "orders",
                "share": row["share"],
                "lo": row["lo"],
                "hi": row["hi"],
                "end": row["hi"],
                "text": text,
            }
        )
        if row["revenue_share"] is not None:
            text = f"{_.compact(row['revenue'], result.currency)} · {share_text(row['revenue_share'], _)}"
            share = max(row["revenue_share"], 0.0)
            rows.append({**common, "measure": "revenue", "share": share, "end": share, "text": text})
    reach = max((row.get("hi") or row["share"] for row in rows), default=1.0) or 1.0
    room = alt.ExprRef(f"{reach} * (width < 420 ? 2 : 1.4)")
    scale = alt.Scale(domainMin=0, domainMax=room)
    shown = [measure for measure in ("orders", "revenue") if any(row["measure"] == measure for row in rows)]
    base = chart_of(rows).encode(
        y=alt.Y("name:N", sort=None, axis=plain_axis(labelLimit=150), scale=alt.Scale(paddingInner=0.28)),
        yOffset=alt.YOffset("measure:N", sort=None, scale=alt.Scale(domain=shown, paddingInner=0.1)),
        tooltip=[
            tooltip("name", _kind(result, _)),
            tooltip("text", _("Number and share")),
            tooltip("interval", _("Of orders, 95% interval")),
            tooltip("customers", _("Customers")),
        ],
    )
    drawn = base.mark_bar(cornerRadiusEnd=2, color=neutral("accent")).encode(
        x=alt.X("share:Q", axis=None, scale=scale),
        opacity=alt.Opacity("measure:N", scale=alt.Scale(domain=["orders", "revenue"], range=[1, 0.5]), legend=None),
    )
    reach_marks = base.transform_filter("datum.measure == 'orders'").mark_rule(color=neutral("ink"), strokeWidth=1.5)
    labels = base.mark_text(align="left", baseline="middle", dx=6, color=neutral("ink"))
    layers = alt.layer(
        drawn,
        reach_marks.encode(x=alt.X("lo:Q", axis=None, scale=scale), x2="hi:Q"),
        labels.encode(x=alt.X("end:Q", axis=None, scale=scale), text="text:N"),
    )
    return finish(layers, _, height=60 + 46 * result.shares.height)


def shares_finding(result: MethodsResult, _: Words) -> str:
    top = result.shares.row(0, named=True)
    share = _.percent(top["share"])
    if result.by == "channel":
        return _("{method} is the main channel: {share} of orders", method=rest(top["method"], _), share=share)
    if result.by == "payment_method":
        return _("{method} is the usual payment: {share} of orders", method=rest(top["method"], _), share=share)
    return _("{method} comes first: {share} of orders", method=rest(top["method"], _), share=share)


def shares_note(result: MethodsResult, _: Words) -> str:
    if result.shares["revenue_share"].null_count() == result.shares.height:
        return _("Share of orders; rule: 95% interval, customers drawn whole.")
    return _("Full bar: orders; rule: 95% interval, customers drawn whole. Pale bar: their value, before returns.")


def switching(result: MethodsResult, _: Words) -> Spec:
    """From the method of one order (rows) to that of the same customer's next (columns)."""
    names = [rest(name, _) for name in result.switching["from_method"].unique(maintain_order=True)]
    rows: Rows = [
        {
            "y": rest(row["from_method"], _),
            "x": rest(row["to_method"], _),
            "share": row["share"],
            "text": share_text(row["share"], _) if row["n_steps"] else "–",
            "steps": _.number(row["n_steps"]),
            "chance": _.percent(row["chance"], 1),
        }
        for row in result.switching.iter_rows(named=True)
    ]
    tips = [
        tooltip("y", _.label("field", "from_method")),
        tooltip("x", _.label("field", "to_method")),
        tooltip("text", _("Share of the steps")),
        tooltip("chance", _.label("field", "chance")),
        tooltip("steps", _.label("field", "n_steps")),
    ]
    highest = max((row["share"] or 0.0 for row in rows), default=0.0)
    layers = heatmap(rows, names, names, tips, highest=highest, title=_("Next order"))
    return finish(layers, _, height=max(STANDARD - 60, 90 + _ROW * len(names)))


def switching_finding(result: MethodsResult, _: Words) -> str:
    if result.stay is None or result.chance is None:
        return _("No customer could be followed to a next order")
    return _(
        "{stay} stay with it at the next order; chance would give {chance}",
        stay=_.percent(result.stay.value),
        chance=_.percent(result.chance.value),
    )


def switching_note(result: MethodsResult, _: Words) -> str:
    told = _.ngettext(
        "Of {n} step between orders of one customer.", "Of {n} steps between orders of one customer.", result.n_steps
    )
    if result.stay is None:
        return told
    interval = _.span(_.percent(result.stay.lo, 1), _.percent(result.stay.hi, 1))
    return told + space(_) + _("Those who stay, 95% interval over customers: {interval}.", interval=interval)


def segments(result: MethodsResult, names: Mapping[str, str], _: Words) -> Spec:
    """The usual method of the customers of each segment."""
    shown = [label for label in result.labels if label in set(result.by_label["label"])][:_MOST_LABELS]
    columns = [names.get(label, label) for label in shown]
    lines = [rest(method, _) for method in result.by_label["method"].unique(maintain_order=True)]
    rows: Rows = []
    for row in result.by_label.filter(pl.col("label").is_in(shown)).iter_rows(named=True):
        # One to nine people are never told of.
        few = 0 < row["n"] < 10
        known = row["lo"] is not None
        rows.append(
            {
                "x": names.get(row["label"], row["label"]),
                "y": rest(row["method"], _),
                "share": None if few else row["share"],
                "text": share_text(row["share"], _),
                "n": _("{n} of {total}", n=row["n"], total=row["n_label"]),
                "difference": _(
                    "{low} to {high} points", low=_.signed(100 * row["lo"], 1), high=_.signed(100 * row["hi"], 1)
                )
                if known
                else "–",
            }
        )
    tips = [
        tooltip("x", _.label("field", "segment")),
        tooltip("y", _kind(result, _)),
        tooltip("n", _("Customers")),
        tooltip("text", _("Share")),
        tooltip("difference", _("Against the others, 95% interval")),
    ]
    highest = max((row["share"] or 0.0 for row in rows), default=0.0)
    layers = heatmap(rows, columns, lines, tips, highest=highest)
    return finish(layers, _, height=90 + _ROW * max(len(lines), 2))


def segments_finding(result: MethodsResult, names: Mapping[str, str], _: Words) -> str:
    found = result.association
    if found is None:
        return _("Too little to compare segments by this")
    verdict = _.label("association", found.strength)
    return _("{kind}: {verdict}", kind=_kind(result, _), verdict=verdict)


def segments_note(result: MethodsResult, names: Mapping[str, str], _: Words) -> str:
    told = _("Share of each segment's customers by their usual method. Blank: one to nine people.")
    found = result.association
    if found is None:
        return told
    test = _(
        "Cramér's V {v} (95%: {interval}; 0 = none, 1 = full), chi-square {chi}, p {p}; {n} customers, each once.",
        v=_.number(found.v, 2),
        interval=_.span(_.number(found.lo, 2), _.number(found.hi, 2)),
        chi=_.number(found.chi2, 1),
        p="< 0.001" if found.p < 0.001 else _.number(found.p, 3),
        n=found.n,
    )
    return told + space(_) + test


def several(result: MethodsResult, _: Words) -> Spec:
    """Customers with two orders or more by how many methods they have used, and what they spent."""
    rows: Rows = []
    for row in result.several.iter_rows(named=True):
        n = row["n_methods"]
        text = _.percent(row["share"])
        if row["mean_revenue"] is not None:
            mean = _.compact(row["mean_revenue"], result.currency)
            text = _("{share} · {mean} each", share=text, mean=mean)
        rows.append(
            {
                "name": _("one") if n == 1 else _("two") if n == 2 else _("three or more"),
                "share": row["share"],
                "text": text,
                "customers": _.number(row["n"]),
                "orders": _.number(row["mean_orders"], 1),
                "median": _.money(row["median_revenue"], result.currency, 0),
            }
        )
    tips = [
        tooltip("name", _("Methods used")),
        tooltip("customers", _("Customers")),
        tooltip("orders", _.label("field", "mean_orders")),
        tooltip("median", _.label("field", "median_revenue")),
    ]
    drawn, labels = bars(rows, tips)
    return finish(alt.layer(drawn, labels), _, height=60 + 40 * max(len(rows), 1))


def several_finding(result: MethodsResult, _: Words) -> str:
    if result.several.is_empty():
        return _("Nobody has ordered twice yet")
    share = _.percent(float(result.several.filter(pl.col("n_methods") > 1)["share"].sum()))
    if result.by == "channel":
        return _("{share} of repeat customers use several channels", share=share)
    return _("{share} of repeat customers use several methods", share=share)


def several_note(result: MethodsResult, _: Words) -> str:
    told = _("Customers with at least two orders, and the mean of what they spent.")
    if result.matched is None:
        return told
    matched: Any = result.matched
    return (
        told
        + space(_)
        + _(
            "Who orders more often has more chances to use several; at equal numbers of orders they spend {ratio} "
            "times as much as those with one (95%: {interval}). That is no proof of a cause.",
            ratio=_.number(matched.value, 2),
            interval=_.span(_.number(matched.lo, 2), _.number(matched.hi, 2)),
        )
    )


def _kind(result: MethodsResult, _: Words) -> str:
    return _.label("behaviour_kind", result.by)
