"""Where customers of one day stand on another, as an alluvial chart."""

from __future__ import annotations

from typing import Any

import altair as alt
import polars as pl

from analytics.charts.alluvial import EDGE, bars, ribbons, stack
from analytics.charts.lifecycle.parts import percent, quoted, space, stage_name
from analytics.charts.theme import Spec, category_scale, finish, neutral, tooltip
from analytics.i18n import Words
from analytics.lifecycle import OUTSIDE, STAGES, FlowResult

HEIGHT = 360


def flow(result: FlowResult, kind: str, _: Words) -> Spec:
    """Left: stages on the first day. Right: on the second. The width of a band is its customers."""
    names = {stage: stage_name(stage, _, kind) for stage in STAGES} | {OUTSIDE: _.label("stage", OUTSIDE)}
    flows = result.frame.rename({"from_stage": "label_a", "to_stage": "label_b"})
    order = [*STAGES, OUTSIDE]
    total = max(result.n_customers, 1)
    starts_a, nodes_a = stack(flows, "label_a", order, 0.03 * total)
    # On the right the bands of one stage lie in the order in which they come from the left.
    starts_b, nodes_b = stack(flows, "label_b", order, 0.03 * total)
    tall = max([1.0, *nodes_a["y2"].to_list(), *nodes_b["y2"].to_list()])
    points = ribbons(
        flows,
        starts_a,
        starts_b,
        lambda row: {
            "name": names[row["label_a"]],
            "to": names[row["label_b"]],
            "n": _.number(row["n_customers"]),
            "share": "–" if row["share"] is None else percent(row["share"], _),
            "revenue": _.compact(row["revenue_12m"], result.currency),
        },
    )
    x = alt.X("x:Q", axis=None, scale=alt.Scale(domain=list(EDGE), nice=False))
    scale = alt.Scale(domain=[tall, 0], nice=False)
    # The five stages keep their colours; who was not yet known has none.
    layers: list[Any] = []
    known = [names[stage] for stage in STAGES]
    known_expr = f"datum.name !== {quoted(names[OUTSIDE])}"
    colour = alt.Color("name:N", scale=category_scale(known), legend=None)
    if points:
        drawn_flows = alt.Chart(pl.DataFrame(points)).encode(
            x=x,
            y=alt.Y("y:Q", axis=None, scale=scale),
            y2="y2:Q",
            detail="flow:N",
            tooltip=[
                tooltip("name", _("From")),
                tooltip("to", _("To")),
                tooltip("n", _("Customers")),
                tooltip("share", _("Share of those in the stage")),
                *([tooltip("revenue", _("Revenue, last 12 months"))] if result.frame["revenue_12m"].count() else []),
            ],
        )
        layers += [
            drawn_flows.transform_filter(known_expr).mark_area(opacity=0.45, strokeWidth=0).encode(color=colour),
            drawn_flows.transform_filter(f"!({known_expr})").mark_area(
                opacity=0.6, strokeWidth=0, color=neutral("quiet")
            ),
        ]
    for nodes, side, day in ((nodes_a, -1, result.from_day), (nodes_b, 1, result.to_day)):
        at = 0.0 if side < 0 else 1.0
        align: Any = "right" if side < 0 else "left"
        head = alt.Chart(pl.DataFrame({"x": [at + 0.03 * side], "text": [_("End of {day}", day=day)]}))
        layers.append(
            head.mark_text(align=align, color=neutral("muted")).encode(
                x=alt.X("x:Q", axis=None), y=alt.value(-18), text="text:N"
            )
        )
        drawn = bars(nodes, names, side, tall, _)
        blocks = alt.Chart(drawn).encode(
            x=x,
            x2=alt.X2("x2:Q"),
            y=alt.Y("y:Q", axis=None, scale=scale),
            y2=alt.Y2("y2:Q"),
        )
        layers += [
            blocks.transform_filter(known_expr).mark_rect(strokeWidth=0).encode(color=colour),
            blocks.transform_filter(f"!({known_expr})").mark_rect(strokeWidth=0, color=neutral("quiet")),
        ]
        words = alt.Chart(drawn)
        layers.append(
            words.mark_text(align=align, fontWeight=600).encode(
                x=alt.X("at:Q", axis=None), y=alt.Y("place:Q", axis=None, scale=scale), text="both:N"
            )
        )
    return finish(alt.layer(*layers), _, height=HEIGHT)


def flow_finding(result: FlowResult, kind: str, _: Words) -> str:
    """How many of those known on both days stand elsewhere; of loyal customers, how many still are."""
    loyal = result.frame.filter(from_stage="loyalty")
    if loyal["n_customers"].sum():
        kept = loyal.filter(to_stage="loyalty")["share"]
        share = percent(kept.item() if len(kept) else 0.0, _)
        return _("{share} of those loyal on {day} still are", share=share, day=result.from_day)
    if not result.n_moved:
        return _("Nobody changes stage between the two days")
    return _("{n} customers change stage between the two days", n=result.n_moved)


def flow_note(result: FlowResult, kind: str, _: Words) -> str:
    """What bands are, and what could not be seen on the first day."""
    note = _(
        "All customers known on either day; width = customers. Each day by what was known then, by the rules above."
    )
    if "lapsed" in result.hidden:
        return note + space(_) + _("On the first day nobody could have lapsed yet.")
    return note
