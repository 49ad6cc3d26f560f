"""How the range ages: sales by stage over time, and who changed stage."""

from __future__ import annotations

from typing import Any

import altair as alt
import polars as pl

from analytics.charts.alluvial import EDGE, HEIGHT, bars, ribbons, stack
from analytics.charts.behaviour.parts import share_text
from analytics.charts.product_life.wording import ALL, bare, months_words, stage_name, stage_names, things, worth
from analytics.charts.theme import (
    STANDARD,
    Spec,
    category_scale,
    chart_of,
    finish,
    neutral,
    time_axis,
    tooltip,
    value_axis,
)
from analytics.i18n import Words
from analytics.product_life import STAGES, ProductLifeResult

SELLING = STAGES[:4]


def over_time(result: ProductLifeResult, _: Words) -> Spec:
    """Shares of sales by the stage that products were in at the time."""
    names = stage_names(_)
    held = result.over_time.filter(pl.col("stage").is_in(SELLING)).with_columns(total=pl.col("worth").sum().over("ds"))
    rows = [
        {
            "ds": row["ds"].isoformat(),
            "stage": names[row["stage"]],
            "order": SELLING.index(row["stage"]),
            "share": row["worth"] / row["total"] if row["total"] else 0.0,
            "n": _.number(row["n_products"]),
            "text": share_text(row["worth"] / row["total"] if row["total"] else 0.0, _),
            "worth": worth(result, row["worth"], _),
            "day": _.day(row["ds"]),
        }
        for row in held.iter_rows(named=True)
    ]
    shown = list(names.values())
    areas = (
        chart_of(rows)
        .mark_area(opacity=0.78, interpolate="monotone")
        .encode(
            x=alt.X("ds:T", axis=time_axis(_), scale=alt.Scale(nice=False)),
            y=alt.Y("share:Q", stack="zero", scale=alt.Scale(domain=[0, 1]), axis=value_axis(_, percent=True)),
            color=alt.Color(
                "stage:N",
                scale=category_scale(shown),
                legend=alt.Legend(values=shown[:4], symbolOpacity=1, columns=alt.ExprRef("width < 420 ? 2 : 4")),
            ),
            order="order:Q",
            tooltip=[
                tooltip("day", _("Period from")),
                tooltip("stage", _("Stage")),
                tooltip("text", _.label("field", "life_sales_share")),
                tooltip("worth", _("Sold")),
                tooltip("n", _("Products")),
            ],
        )
    )
    return finish(areas, _, height=STANDARD)


def over_time_finding(result: ProductLifeResult, _: Words) -> str:
    """What growing products hold now, and a year ago."""
    now, then = (_share(result, back) for back in (0, 1))
    if then is None or now is None:
        return _("Sales by stage")
    return _("Young products: {then} of sales a year ago, {now} now", then=_.percent(then), now=_.percent(now))


def _share(result: ProductLifeResult, years: int) -> float | None:
    """Share of introductions and growth over a quarter of a year, ``years`` ago."""
    days = result.over_time["ds"].unique().sort()
    end = len(days) - round(12 * years / result.period_months)
    part = days[max(0, end - 3) : end]
    if end < 3 or part.is_empty():
        return None
    held = result.over_time.filter(pl.col("ds").is_in(part.implode()))
    total = float(held["worth"].sum())
    young = held.filter(pl.col("stage").is_in(["introduction", "growth"]))
    return float(young["worth"].sum()) / total if total else None


def over_time_note(result: ProductLifeResult, _: Words) -> str:
    return _(
        "Each period's sales by the stage that products were in at the time, as it looks today. Young: introduction "
        "and growth, over three periods."
    )


# ---- who moved ---------------------------------------------------------------------------------------------------


def stage_flow(result: ProductLifeResult, _: Words) -> Spec:
    """Left: stages then. Right: now. The width of a band is its products."""
    names = {stage: stage_name(stage, _) for stage in ALL}
    flows = result.moves.rename({"stage_before": "label_a", "stage": "label_b", "n_products": "n_customers"})
    flows = flows.drop_nulls()
    total = max(int(flows["n_customers"].sum()), 1)
    starts_a, nodes_a = stack(flows, "label_a", list(ALL), 0.03 * total)
    starts_b, nodes_b = stack(flows, "label_b", list(ALL), 0.03 * total)
    tall = max([1.0, *nodes_a["y2"].to_list(), *nodes_b["y2"].to_list()])
    points = ribbons(
        flows,
        starts_a,
        starts_b,
        lambda row: {
            "stage": names[row["label_a"]],
            "to": names[row["label_b"]],
            "n": _.number(row["n_customers"]),
            "share": share_text(row["sales_share"], _),
            "same": row["label_a"] == row["label_b"],
        },
    )
    x = alt.X("x:Q", axis=None, scale=alt.Scale(domain=list(EDGE), nice=False))
    scale = alt.Scale(domain=[tall, 0], nice=False)
    known = [names[stage] for stage in STAGES]
    colour = alt.Color("to:N", scale=category_scale(known), legend=None)
    drawn = chart_of(points).encode(
        x=x,
        y=alt.Y("y:Q", axis=None, scale=scale),
        y2="y2:Q",
        detail="flow:N",
        color=colour,
        tooltip=[
            tooltip("stage", _("From")),
            tooltip("to", _("To")),
            tooltip("n", _("Products")),
            tooltip("share", _.label("field", "life_sales_share")),
        ],
    )
    layers: list[Any] = [
        drawn.transform_filter("datum.same").mark_area(opacity=0.2, strokeWidth=0),
        drawn.transform_filter("!datum.same").mark_area(opacity=0.6, strokeWidth=0),
    ]
    for nodes, side, day in ((nodes_a, -1, result.compared_on), (nodes_b, 1, result.as_of)):
        at, align = (0.0, "right") if side < 0 else (1.0, "left")
        head = chart_of([{"x": at + 0.03 * side, "text": _.day(day)}])
        layers.append(
            head.mark_text(align=align, color=neutral("muted")).encode(  # type: ignore[arg-type]  # one of Altair's own words
                x=alt.X("x:Q", axis=None), y=alt.value(-14), text="text:N"
            )
        )
        frame = bars(nodes, names, side, tall, _).rename({"name": "to"})
        placed = chart_of(frame.to_dicts())
        where = {"x": x, "x2": alt.X2("x2:Q"), "y": alt.Y("y:Q", axis=None, scale=scale), "y2": alt.Y2("y2:Q")}
        layers.append(placed.mark_rect(strokeWidth=0).encode(color=colour, **where))
        layers.append(
            placed.mark_text(align=align, fontWeight=600).encode(  # type: ignore[arg-type]  # one of Altair's own words
                x=alt.X("at:Q", axis=None), y=alt.Y("place:Q", axis=None, scale=scale), text="both:N"
            )
        )
    return finish(alt.layer(*layers), _, height=HEIGHT)


def stage_flow_finding(result: ProductLifeResult, _: Words) -> str:
    """How many changed stage, and what they sell."""
    moved = result.products.filter("moved")
    if moved.is_empty():
        return _("Nothing changed stage in {months}", months=months_words(result, _))
    return _(
        "{products} with {share} of sales changed stage",
        products=things(result, moved.height, _),
        share=share_text(float(moved["sales_share"].sum()), _),
    )


def stage_flow_note(result: ProductLifeResult, _: Words) -> str:
    return _(
        "Left the stages as they were told in the period from {day}, right those of today; width = products.",
        day=result.compared_on,
    )


def movers_rows(result: ProductLifeResult, _: Words, most: int = 10) -> list[dict[str, str]]:
    """Who changed stage, the most sales first."""
    moved = result.products.filter("moved").head(most)
    return [
        {
            _.label("field", "product"): bare(row["product"]),
            _("Before"): stage_name(row["stage_before"], _),
            _("Now"): f"**{stage_name(row['stage'], _)}**",
            _("Certainty"): _.percent(row["probability"]),
            _.label("field", "life_sales_share"): share_text(row["sales_share"], _),
        }
        for row in moved.iter_rows(named=True)
    ]
