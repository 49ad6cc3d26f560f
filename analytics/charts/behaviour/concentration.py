"""How much of the revenue comes from how few customers."""

from __future__ import annotations

import altair as alt

from analytics.behaviour import ConcentrationResult
from analytics.charts.behaviour.parts import Rows, space
from analytics.charts.theme import (
    BAR_OPACITY,
    BASELINE_DASH,
    STANDARD,
    Spec,
    chart_of,
    finish,
    neutral,
    plain_axis,
    tooltip,
    value_axis,
)
from analytics.i18n import Words


def curve(result: ConcentrationResult, _: Words) -> Spec:
    """Revenue of the largest customers, from the largest on; dotted: if all brought the same."""
    rows: Rows = [
        {
            "customers": row["customer_share"],
            "revenue": row["revenue_share"],
            "text": _(
                "{customers} of customers: {revenue}",
                customers=_.percent(row["customer_share"]),
                revenue=_.percent(row["revenue_share"], 1),
            ),
        }
        for row in result.curve.iter_rows(named=True)
    ]
    axis = alt.Axis(title=_("Share of customers, the largest first"), grid=False, tickCount=5, format=".0%")
    base = chart_of(rows).encode(
        x=alt.X("customers:Q", axis=axis, scale=alt.Scale(domain=[0, 1])),
        y=alt.Y("revenue:Q", axis=value_axis(_, percent=True), scale=alt.Scale(domain=[0, 1])),
        tooltip=[tooltip("text", _("Share of revenue"))],
    )
    alike = chart_of([{"x": 0, "y": 0}, {"x": 1, "y": 1}]).mark_line(color=neutral("muted"), strokeDash=BASELINE_DASH)
    marks: Rows = [
        {
            "x": row["top"],
            "y": row["share"],
            "text": _("{top}: {share}", top=_.percent(row["top"]), share=_.percent(row["share"])),
        }
        for row in result.tops.iter_rows(named=True)
        if row["top"] in (0.01, 0.05, 0.2)
    ]
    points = chart_of(marks).encode(x="x:Q", y="y:Q")
    return finish(
        alt.layer(
            base.mark_area(color=neutral("accent"), opacity=0.16),
            base.mark_line(color=neutral("accent"), strokeWidth=2),
            alike.encode(x="x:Q", y="y:Q"),
            points.mark_point(filled=True, size=60, opacity=1, color=neutral("accent")),
            points.mark_text(align="left", dx=9, dy=9, color=neutral("ink")).encode(text="text:N"),
        ),
        _,
        height=STANDARD,
    )


def curve_finding(result: ConcentrationResult, _: Words) -> str:
    return _(
        "{few} of customers bring 80% of revenue", few=_.percent(result.most_share, 1 if result.most_share < 0.1 else 0)
    )


def curve_note(result: ConcentrationResult, _: Words) -> str:
    return _(
        "Revenue of {n} customers with an order, returns subtracted, from the largest on. Dotted: if all brought the "
        "same.",
        n=result.n_customers,
    )


def tops(result: ConcentrationResult, _: Words) -> Spec:
    """What the largest 1, 5, 10 and 20 % bring, with intervals."""
    rows: Rows = [
        {
            "name": _("top {share}", share=_.percent(row["top"])),
            "share": row["share"],
            "lo": row["lo"],
            "hi": row["hi"],
            "text": _.percent(row["share"]),
            "interval": "–" if row["lo"] is None else _.span(_.percent(row["lo"], 1), _.percent(row["hi"], 1)),
            "revenue": _.money(row["revenue"], result.currency, 0),
            "customers": _.number(row["n"]),
        }
        for row in result.tops.iter_rows(named=True)
    ]
    base = chart_of(rows).encode(
        y=alt.Y("name:N", sort=None, axis=plain_axis()),
        tooltip=[
            tooltip("name", _("Customers")),
            tooltip("text", _("Share of revenue")),
            tooltip("interval", _("95% interval")),
            tooltip("revenue", _.label("field", "revenue")),
            tooltip("customers", _("Number")),
        ],
    )
    axis = value_axis(_, percent=True)
    reach = base.transform_filter("isValid(datum.lo)").mark_bar(height=7, opacity=BAR_OPACITY, color=neutral("accent"))
    dots = base.mark_point(filled=True, size=70, opacity=1, color=neutral("accent"))
    scale = alt.Scale(domain=[0, 1])
    return finish(
        alt.layer(
            reach.encode(x=alt.X("lo:Q", axis=axis, scale=scale), x2="hi:Q"),
            dots.encode(x=alt.X("share:Q", axis=axis, scale=scale)),
            base.mark_text(dy=-13, color=neutral("ink")).encode(x="share:Q", text="text:N"),
        ),
        _,
        height=STANDARD,
    )


def tops_finding(result: ConcentrationResult, _: Words) -> str:
    top = result.tops.row(0, named=True)
    return _("The top 1% alone bring {share} of revenue", share=_.percent(top["share"]))


def tops_note(result: ConcentrationResult, _: Words) -> str:
    if result.gini_lo is None or result.gini_hi is None:
        return _("Gini coefficient {gini}: 0 = all alike, 1 = one brings all.", gini=_.number(result.gini, 2))
    told = _(
        "Gini coefficient {gini} (95%: {interval}): 0 = all alike, 1 = one brings all.",
        gini=_.number(result.gini, 2),
        interval=_.span(_.number(result.gini_lo, 2), _.number(result.gini_hi, 2)),
    )
    return told + space(_) + _("Bars: 95% interval.")
