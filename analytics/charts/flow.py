"""Who moves between two scenarios, as an alluvial chart. What is the same segment in both has one colour."""

from __future__ import annotations

from typing import Any, Literal

import altair as alt
import polars as pl

from analytics.charts.alluvial import EDGE, HEIGHT, TWO_LINES, bars, ribbons, stack
from analytics.charts.segmentation import segment_names, spoken_names
from analytics.charts.theme import Spec, category_scale, finish, neutral, tooltip
from analytics.i18n import Words
from analytics.segmentation import ComparisonResult


def flow(result: ComparisonResult, _: Words) -> Spec:
    """Alluvial chart: customers of scenario A on the left, of B on the right; width is their number."""
    left, right = segment_names(result.names_a, _), segment_names(result.names_b, _)
    total = max(result.n_common, 1)
    gap = 0.03 * total
    starts_a, nodes_a = stack(result.flows, "label_a", [label for label, _code in result.names_a], gap)
    starts_b, nodes_b = stack(result.flows, "label_b", [label for label, _code in result.names_b], gap)
    tall = max([1.0, *nodes_a["y2"].to_list(), *nodes_b["y2"].to_list()])
    points = ribbons(
        result.flows,
        starts_a,
        starts_b,
        lambda row: {
            "label": row["label_a"],
            "name": left[row["label_a"]],
            "to": right[row["label_b"]],
            "n": row["n_customers"],
            "revenue": _.compact(row["revenue"], result.currency),
        },
    )
    x = alt.X("x:Q", axis=None, scale=alt.Scale(domain=list(EDGE), nice=False))
    scale = alt.Scale(domain=[tall, 0], nice=False)
    # Colour i belongs to label i, in A and in B.
    colours = category_scale([*left, *(label for label in right if label not in left)])
    layers: list[Any] = []
    if points:
        drawn_flows = alt.Chart(pl.DataFrame(points)).encode(
            x=x,
            y=alt.Y("y:Q", axis=None, scale=scale),
            y2="y2:Q",
            detail="flow:N",
            color=alt.Color("label:N", scale=colours, legend=None),
            tooltip=[
                tooltip("name", _("Scenario A")),
                tooltip("to", _("Scenario B")),
                tooltip("n", _("Customers"), kind="quantitative", format=",d"),
                *([tooltip("revenue", _("Revenue"))] if result.flows["revenue"].count() else []),
            ],
        )
        layers.append(drawn_flows.mark_area(opacity=0.42, strokeWidth=0))
    sides: tuple[tuple[pl.DataFrame, dict[str, str], int, Literal["left", "right"]], ...] = (
        (nodes_a, left, -1, "right"),
        (nodes_b, right, 1, "left"),
    )
    for nodes, names, side, align in sides:
        at = 0.0 if side < 0 else 1.0
        scenario = "A" if side < 0 else "B"
        title = _("{scenario} · {n} segments", scenario=scenario, n=nodes.height)
        head = alt.Chart(pl.DataFrame({"x": [at + 0.03 * side], "text": [title]}))
        layers.append(
            head.mark_text(align=align, color=neutral("muted")).encode(
                x=alt.X("x:Q", axis=None), y=alt.value(-10), text="text:N"
            )
        )
        chart = alt.Chart(bars(nodes, names, side, tall, _))
        where = {"x": x, "x2": alt.X2("x2:Q"), "y": alt.Y("y:Q", axis=None, scale=scale), "y2": alt.Y2("y2:Q")}
        layers.append(
            chart.mark_rect(strokeWidth=0).encode(color=alt.Color("label:N", scale=colours, legend=None), **where)
        )
        words = chart.encode(x=alt.X("at:Q", axis=None), y=alt.Y("place:Q", axis=None, scale=scale))
        if nodes.height <= TWO_LINES:
            layers += [
                words.mark_text(align=align, dy=-7, fontWeight=600).encode(text="name:N"),
                words.mark_text(align=align, dy=8, color=neutral("muted")).encode(text="count:N"),
            ]
        else:
            layers.append(words.mark_text(align=align, fontWeight=600).encode(text="both:N"))
    return finish(alt.layer(*layers), _, height=HEIGHT)


def flow_finding(result: ComparisonResult, _: Words) -> str:
    if not result.n_common:
        return _("The two scenarios share no customer")
    if not result.n_moved:
        return _("Nobody changes segment")
    share = _.percent(result.moved_share) if result.moved_share >= 0.01 else _.number(result.n_moved)
    gone = result.kept.filter(pl.col("label_b").is_null() & (pl.col("n_customers") > 0))
    if gone.height == 1:
        a = gone["label_a"].item()
        target, n_there = (
            result.flows.filter(pl.col("label_a") == a)
            .sort("n_customers", descending=True)
            .select("label_b", "n_customers")
            .row(0)
        )
        host = result.kept.filter(pl.col("label_b") == target)["label_a"].to_list()
        bare = spoken_names(result.names_a, _)
        if host and n_there > 0.6 * gone["n_customers"].item():
            return _("{a} joins {b}; {share} change segment", a=bare[a], b=bare[host[0]], share=share)
    return _("{share} of customers change segment", share=share)


def flow_note(result: ComparisonResult, _: Words) -> str:
    said = _(
        "Customers from scenario A ({a} segments) to scenario B ({b} segments); width = number of customers.",
        a=result.flows["label_a"].n_unique(),
        b=result.flows["label_b"].n_unique(),
    )
    alone = result.n_only_a + result.n_only_b
    return said + (" " if _.language == "en" else "") + _("{n} are in one scenario only.", n=alone) if alone else said
