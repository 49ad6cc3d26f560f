"""How far visits get."""

from __future__ import annotations

import altair as alt
import polars as pl

from analytics.charts.theme import (
    Spec,
    chart_of,
    finish,
    neutral,
    plain_axis,
    tooltip,
)
from analytics.charts.usage.wording import step_name
from analytics.i18n import Words
from analytics.usage import UsageResult


def funnel(result: UsageResult, _: Words) -> Spec:
    """Two bars a step: sessions, and paler customers, as a share of those at the first step."""
    order = [f"{i + 1} · {step_name(result, i, _)}" for i in range(len(result.steps))]
    units = {"session": _("Sessions"), "customer": _("Customers")}
    rows = []
    for row in result.funnel.iter_rows(named=True):
        number = _.number(row["n_reached"])
        step = _("{share} of the step before", share=_.percent(row["conversion"])) if row["step"] else ""
        rows.append(
            {
                "step": order[row["step"]],
                "unit": units[row["unit"]],
                "share": row["overall"] or 0.0,
                "text": f"{number} · {step}" if step else number,
                "short": f"{number} · {_.percent(row['conversion'])}" if step else number,
                "interval": _.span(_.percent(row["lo"], 1), _.percent(row["hi"], 1)) if step else "–",
                "any": _.number(row["n_any"]),
            }
        )
    room = alt.ExprRef("width < 420 ? 1.75 : 1.5")
    base = chart_of(rows).encode(
        y=alt.Y("step:N", sort=order, axis=plain_axis(labelLimit=170), scale=alt.Scale(paddingInner=0.26)),
        yOffset=alt.YOffset("unit:N", sort=list(units.values()), scale=alt.Scale(paddingInner=0.1)),
        x=alt.X("share:Q", axis=None, scale=alt.Scale(domainMin=0, domainMax=room)),
        tooltip=[
            tooltip("step", _("Step")),
            tooltip("text", _.label("field", "n_reached")),
            tooltip("interval", _("95% interval")),
            tooltip("any", _.label("field", "n_any")),
        ],
    )
    opacity = alt.Opacity(
        "unit:N",
        scale=alt.Scale(domain=list(units.values()), range=[1, 0.5]),
        legend=alt.Legend(symbolType="square", symbolFillColor=neutral("accent"), symbolStrokeWidth=0),
    )
    bars = base.mark_bar(cornerRadiusEnd=2, color=neutral("accent")).encode(opacity=opacity)
    text = base.transform_calculate(shown="width < 420 ? datum.short : datum.text")
    labels = text.mark_text(align="left", baseline="middle", dx=6, color=neutral("ink")).encode(text="shown:N")
    return finish(alt.layer(bars, labels), _, height=max(160, 40 + 66 * len(order)))


def funnel_finding(result: UsageResult, _: Words) -> str:
    """Where most sessions are lost."""
    part = result.funnel.filter(pl.col("unit") == "session", pl.col("conversion").is_not_null())
    if part.is_empty():
        return _("No session takes the first step")
    worst = part.sort("conversion", "step").row(0, named=True)
    return _(
        "Most are lost before {step}: {share} go on",
        step=_.quote(step_name(result, worst["step"], _)),
        share=_.percent(worst["conversion"]),
    )


def funnel_note(result: UsageResult, _: Words) -> str:
    """What counts as passing a step."""
    return _(
        "Sessions that took every step up to here, in this order and within one session; paler: customers with at "
        "least one such session. Bars are shares of the first step."
    )


def funnel_table(result: UsageResult, _: Words) -> pl.DataFrame:
    """The funnel with its steps by name."""
    names = [step_name(result, step, _) for step in result.funnel["step"]]
    units = {"session": _("Sessions"), "customer": _("Customers")}
    return result.funnel.with_columns(
        step=pl.Series(names, dtype=pl.String), unit=pl.col("unit").replace_strict(units, return_dtype=pl.String)
    )
