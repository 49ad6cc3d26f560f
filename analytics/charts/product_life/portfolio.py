"""Where all products stand: on the curve of a life, and by size and pace."""

from __future__ import annotations

import math
from typing import Any

import altair as alt
import polars as pl

from analytics.charts.behaviour.parts import share_text, space
from analytics.charts.product_life.wording import change, stage_name, stage_names, things, worth
from analytics.charts.theme import (
    MAP,
    Spec,
    category_scale,
    chart_of,
    finish,
    label_expr,
    neutral,
    tooltip,
    value_axis,
)
from analytics.i18n import Words
from analytics.product_life import STAGES, ProductLifeResult

CURVE_HEIGHT = 300
# Where each stage begins on the curve of a life, from 0 to 1; the last ends at 1.
PLACES = {"introduction": 0.0, "growth": 0.17, "maturity": 0.40, "decline": 0.70, "discontinued": 0.88}
MOST_DOTS = 300
FASTEST = 0.30  # change a month beyond which a product is drawn at the edge
GOLDEN = 0.618033988749895
NAMED = 7


def height_at(x: float) -> float:
    """The curve of a life: slow, steep, level, falling, gone."""
    if x < PLACES["growth"]:
        return 0.10 + 0.08 * x / PLACES["growth"]
    if x < PLACES["maturity"]:
        t = (x - PLACES["growth"]) / (PLACES["maturity"] - PLACES["growth"])
        return 0.18 + 0.72 * t * t * (3 - 2 * t)
    if x < PLACES["decline"]:
        t = (x - PLACES["maturity"]) / (PLACES["decline"] - PLACES["maturity"])
        return 0.90 + 0.05 * math.sin(math.pi * t)
    if x < PLACES["discontinued"]:
        t = (x - PLACES["decline"]) / (PLACES["discontinued"] - PLACES["decline"])
        return 0.90 - 0.80 * t * t * (3 - 2 * t)
    return 0.10


def ends(stage: str) -> tuple[float, float]:
    """Where a stage begins and ends on the curve."""
    order = [*PLACES.values(), 1.0]
    i = list(PLACES).index(stage)
    return order[i], order[i + 1]


def life_curve(result: ProductLifeResult, _: Words) -> Spec:
    """Every product a dot under the curve of a life, in its stage; the larger, the more it sells."""
    names = stage_names(_)
    area = []
    for stage in STAGES:
        low, high = ends(stage)
        for i in range(13):
            place = low + (high - low) * i / 12
            curve = height_at(min(place, high - 1e-9))
            area.append({"x": round(place, 4), "y": round(curve, 4), "stage": names[stage]})
    heads = []
    counts = {row["stage"]: row for row in result.stages.iter_rows(named=True)}
    for stage in STAGES:
        low, high = ends(stage)
        row = counts[stage]
        heads.append(
            {
                "x": (low + high) / 2,
                "name": names[stage],
                "count": _.number(row["n_products"]),
                "share": _("{share} of sales", share=share_text(row["sales_share"], _)) if row["n_products"] else "",
            }
        )
    x = alt.X("x:Q", axis=None, scale=alt.Scale(domain=[0, 1], nice=False))
    up = alt.Scale(domain=[0, 1.32], nice=False)
    y = alt.Y("y:Q", axis=None, scale=up)
    colour = alt.Color("stage:N", scale=category_scale(list(names.values())), legend=None)
    height = alt.Y("y:Q", axis=None, scale=up, stack=None)
    ground = chart_of(area).mark_area(opacity=0.13).encode(x=x, y=height, color=colour)
    line = chart_of(area).mark_line(strokeWidth=2).encode(x=x, y=y, color=colour)
    dots = (
        chart_of(_dots(result, names, _))
        .mark_circle(opacity=0.72, stroke=neutral("paper"), strokeWidth=1)
        .encode(
            x=x,
            y=y,
            color=colour,
            size=alt.Size(
                "share:Q",
                scale=alt.Scale(
                    type="sqrt",
                    domain=[0, _largest(result)],
                    rangeMin=14,
                    rangeMax=alt.ExprRef("width < 520 ? 240 : 700"),
                ),
                legend=None,
            ),
            tooltip=[
                tooltip("product", _.label("field", "product")),
                tooltip("stage", _("Stage")),
                tooltip("sales", _.label("field", "life_sales_share")),
                tooltip("pace", _.label("field", "change_monthly")),
            ],
        )
    )
    above = chart_of(heads).encode(x=x)
    narrow = "width < 520"
    words = [
        above.mark_text(fontWeight=600, fontSize=alt.ExprRef(f"{narrow} ? 9.5 : 12"), color=neutral("ink")).encode(
            y=alt.value(8), text="name:N"
        ),
        above.mark_text(fontSize=alt.ExprRef(f"{narrow} ? 15 : 20"), fontWeight=600, color=neutral("ink")).encode(
            y=alt.value(30), text="count:N"
        ),
        above.mark_text(color=neutral("muted"), fontSize=alt.ExprRef(f"{narrow} ? 8.5 : 12")).encode(
            y=alt.value(50), text="share:N"
        ),
    ]
    return finish(alt.layer(ground, line, dots, *words), _, height=CURVE_HEIGHT)


def _largest(result: ProductLifeResult) -> float:
    return float(result.products["sales_share"].max() or 1.0) or 1.0  # type: ignore[arg-type]  # a scalar: Polars types any literal


def _dots(result: ProductLifeResult, names: dict[str, str], _: Words) -> list[dict[str, Any]]:
    """Products spread evenly over their stage: what rises fastest left in growth, what has fallen furthest right."""
    held = result.products.drop_nulls("stage").head(MOST_DOTS)
    order = {"introduction": "age_months", "decline": "peak_share", "discontinued": "silent_months"}
    rows = []
    for stage in STAGES:
        part = held.filter(stage=stage)
        by = order.get(stage, "change_monthly")
        descending = stage in ("growth", "maturity", "decline")
        part = part.sort(by, "unique_id", descending=[descending, False], nulls_last=True)
        low, high = ends(stage)
        for i, row in enumerate(part.iter_rows(named=True)):
            x = low + (high - low) * (0.06 + 0.88 * (i + 0.5) / part.height)
            # Heights that fill the ground evenly without any order of their own.
            y = height_at(x) * (0.12 + 0.80 * ((i + 1) * GOLDEN % 1))
            rows.append(
                {
                    "x": round(x, 4),
                    "y": round(y, 4),
                    "stage": names[stage],
                    "share": row["sales_share"],
                    "product": row["product"],
                    "sales": share_text(row["sales_share"], _),
                    "pace": change(row["change_monthly"], _),
                }
            )
    return sorted(rows, key=lambda row: -float(row["share"]))


def life_curve_finding(result: ProductLifeResult, _: Words) -> str:
    """The stage that holds the most sales."""
    most = result.stages.sort("sales_share", descending=True).row(0, named=True)
    return _(
        "{stage}: {products} with {share} of sales",
        stage=stage_name(most["stage"], _),
        products=things(result, most["n_products"], _),
        share=_.percent(most["sales_share"]),
    )


def life_curve_note(result: ProductLifeResult, _: Words) -> str:
    said = _(
        "One dot a product, the larger the more it sold in the last 12 months. Within a stage: the newest and the "
        "fastest on the left, what has fallen furthest or is gone longest on the right."
    )
    if result.products.drop_nulls("stage").height > MOST_DOTS:
        said += space(_) + _("The {n} largest are drawn.", n=MOST_DOTS)
    return said


# ---- size and pace -----------------------------------------------------------------------------------------------


def portfolio_map(result: ProductLifeResult, _: Words) -> Spec:
    """Products by what they sell and by how fast that changes, with the largest and fastest named."""
    names = stage_names(_)
    held = _moving(result).head(MOST_DOTS)
    weight = pl.col("worth_recent") * pl.col("change_monthly").abs()
    named = held.sort(weight, "unique_id", descending=[True, False])["unique_id"].head(NAMED).to_list()
    rows = [
        {
            "worth": row["worth_recent"],
            "change": min(max(row["change_monthly"], -FASTEST), FASTEST),
            "lo": min(max(row["change_lo"], -FASTEST), FASTEST),
            "hi": min(max(row["change_hi"], -FASTEST), FASTEST),
            "stage": names[row["stage"]],
            "sure": row["sure"],
            "product": row["product"],
            "label": _short(row["product"]) if row["unique_id"] in named else "",
            "sales": worth(result, row["worth_recent"], _),
            "pace": _(
                "{change} ({low} to {high})",
                change=change(row["change_monthly"], _),
                low=change(row["change_lo"], _),
                high=change(row["change_hi"], _),
            ),
            "chance": _.percent(row["probability"]),
        }
        for row in held.iter_rows(named=True)
    ]
    x = alt.X(
        "worth:Q",
        scale=alt.Scale(type="log", nice=False, padding=18),
        axis=alt.Axis(
            title=_("Sold in the last 12 months"),
            grid=False,
            tickCount=4,
            labelExpr=label_expr(_, currency=result.currency),
            labelOverlap="greedy",
        ),
    )
    y = alt.Y(
        "change:Q",
        scale=alt.Scale(domain=[-FASTEST * 1.08, FASTEST * 1.08], nice=False),
        axis=value_axis(_, _("Change a month"), percent=True),
    )
    colour = alt.Color(
        "stage:N",
        scale=category_scale(list(names.values())),
        legend=alt.Legend(values=list(names.values())[:4], symbolOpacity=1, columns=alt.ExprRef("width < 420 ? 2 : 4")),
    )
    steady = result.spec.steady_within
    zone = chart_of([{"low": -steady, "high": steady}])
    base = chart_of(rows).encode(
        x=x,
        y=y,
        tooltip=[
            tooltip("product", _.label("field", "product")),
            tooltip("stage", _("Stage")),
            tooltip("chance", _("Certainty")),
            tooltip("sales", _("Sold in the last 12 months")),
            tooltip("pace", _.label("field", "change_monthly")),
        ],
    )
    layers = [
        zone.mark_rect(opacity=0.5, color=neutral("hair")).encode(y=alt.Y("low:Q"), y2="high:Q"),
        base.transform_filter("datum.label !== ''")
        .mark_rule(strokeWidth=5, opacity=0.28)
        .encode(y=alt.Y("lo:Q"), y2="hi:Q", color=colour),
        base.transform_filter("datum.sure").mark_circle(size=70, opacity=0.85).encode(color=colour),
        base.transform_filter("!datum.sure").mark_point(size=60, strokeWidth=1.6, opacity=0.85).encode(color=colour),
        base.mark_text(align="left", dx=8, dy=-7, color=neutral("ink"), limit=130).encode(text="label:N"),
    ]
    return finish(alt.layer(*layers), _, height=MAP)


def _moving(result: ProductLifeResult) -> pl.DataFrame:
    """Products on sale that sold something in the last year."""
    return result.products.drop_nulls(["stage", "change_monthly"]).filter(pl.col("worth_recent") > 0)


def has_map(result: ProductLifeResult) -> bool:
    return _moving(result).height > 0


def _short(name: str) -> str:
    return name if len(name) <= 24 else name[:22].rstrip(" ,") + "…"


def portfolio_map_finding(result: ProductLifeResult, _: Words) -> str:
    """How much of the sales falls or rises so that chance is no explanation."""
    held = _moving(result)
    down, up = held.filter(pl.col("change_hi") < 0), held.filter(pl.col("change_lo") > 0)
    if down.is_empty() and up.is_empty():
        return _("No product rises or falls beyond chance")
    return _("Beyond chance: {up} rising, {down} falling", up=up.height, down=down.height)


def portfolio_map_note(result: ProductLifeResult, _: Words) -> str:
    return _(
        "Change a month without season; bars: 95% of those named. Shaded: steady, within {share} a month. Hollow: "
        "stage less sure than {sure}. Beyond {most} a month at the edge.",
        share=_.percent(result.spec.steady_within, 1),
        sure=_.percent(result.spec.sure_from),
        most=_.percent(FASTEST),
    )
