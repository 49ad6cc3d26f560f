"""Whose use declines."""

from __future__ import annotations

import altair as alt
import polars as pl

from analytics.charts.theme import (
    BAR_OPACITY,
    Spec,
    category_scale,
    chart_of,
    finish,
    neutral,
    plain_axis,
    tooltip,
)
from analytics.charts.usage.wording import Names, space
from analytics.i18n import Words
from analytics.usage import UsageResult

DIFFERENT = 1.3  # as many decliners as chance brings, times this, are worth a heading


def decline(result: UsageResult, names: Names, _: Words) -> Spec:
    """Each segment's visits of the recent days against before, with its interval; the rule is no change."""
    rows = []
    for row in result.decline_groups.filter(pl.col("rate_ratio").is_not_null()).iter_rows(named=True):
        rows.append(
            {
                "name": names.get(row["label"], row["label"]),
                "ratio": row["rate_ratio"],
                "lo": row["ratio_lo"],
                "hi": row["ratio_hi"],
                "text": _.signed(100 * (row["rate_ratio"] - 1)) + "%",
                "interval": "–"
                if row["ratio_lo"] is None
                else _.span(_.number(row["ratio_lo"], 2), _.number(row["ratio_hi"], 2)),
                "n": _("{n} of {total}", n=row["n_declining"], total=row["n_customers"]),
                "chance": _.number(row["n_by_chance"], 1),
            }
        )
    domain = [names.get(label, label) for label in result.labels]
    base = chart_of(rows).encode(
        y=alt.Y("name:N", sort=domain, axis=plain_axis(labelLimit=180)),
        color=alt.Color("name:N", scale=category_scale(domain), legend=None),
        tooltip=[
            tooltip("name", _("Segment")),
            tooltip("text", _("Change")),
            tooltip("interval", _("95% interval")),
            tooltip("n", _.label("field", "n_declining")),
            tooltip("chance", _.label("field", "n_by_chance")),
        ],
    )
    high = max([1.3, *(row["hi"] or row["ratio"] for row in rows)])
    scale = alt.Scale(domain=[0, min(high, 3) * 1.06], clamp=True)
    axis = alt.Axis(
        title=None, tickCount=5, grid=True, labelExpr="datum.value == 1 ? '1' : format(datum.value, '.2~f')"
    )
    rule = chart_of([{"x": 1}]).mark_rule(color=neutral("muted")).encode(x=alt.X("x:Q", scale=scale, axis=axis))
    x = alt.X("ratio:Q", scale=scale, axis=axis)
    layers = alt.layer(
        rule,
        base.mark_bar(height=7, opacity=BAR_OPACITY).encode(x=alt.X("lo:Q", scale=scale, axis=axis), x2="hi:Q"),
        base.mark_point(size=80, filled=True, opacity=1).encode(x=x),
        base.mark_text(dy=-13, color=neutral("ink")).encode(x=x, text="text:N"),
    )
    return finish(layers, _, height=max(150, 60 + 44 * len(rows)))


def decline_count(result: UsageResult, _: Words) -> str:
    """How many come less than before, beside what chance alone brings."""
    if result.decline.is_empty():
        return _("Nobody can show a decline yet")
    if result.n_declining <= DIFFERENT * result.n_by_chance:
        return _("No more customers come less than chance brings")
    return _(
        "{n} customers come less than before, {chance} by chance alone",
        n=result.n_declining,
        chance=round(result.n_by_chance),
    )


def decline_method(result: UsageResult, _: Words) -> str:
    """What is compared, and who can be compared at all."""
    text = _(
        "Visits in the last {days} days against each customer's own rhythm before them; {n} customers come often "
        "enough to show a change.",
        days=result.spec.recent_days,
        n=result.decline.height,
    )
    if result.decline_ratio is not None:
        change = _.signed(100 * (result.decline_ratio - 1)) + "%"
        text += space(_) + _("All of them together: {change}.", change=change)
    if not result.n_sure:
        return text + space(_) + _("Nobody is sure by themselves: treat the list as one to look into.")
    return (
        text
        + space(_)
        + _.ngettext(
            "{n} is sure: of such a list at most one in ten is wrong.",
            "{n} are sure: of such a list at most one in ten is wrong.",
            result.n_sure,
        )
    )


def decline_groups_note(_: Words) -> str:
    """What the points of the segments are."""
    return _("Points: each segment's ratio of recent to earlier visits, with its 95% interval.")


def decliners(result: UsageResult) -> pl.DataFrame:
    """The customers who come less than before, the least likely by chance first."""
    return result.decline.filter("declines").drop("declines")
