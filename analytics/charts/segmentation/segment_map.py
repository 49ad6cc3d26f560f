"""The map: who is near whom, as binned density. Colour i belongs to segment i."""

from __future__ import annotations

from typing import Any, Literal

import altair as alt
import polars as pl

from analytics.charts.segmentation.wording import segment_name, segment_names
from analytics.charts.theme import FONT_SIZE, MAP, Spec, category_scale, finish, neutral, tooltip
from analytics.i18n import Words
from analytics.segmentation import SegmentationResult

MAP_COLUMNS, MAP_ROWS = 48, 26
ON_BORDER = 0.1  # of the margin


def segment_map(result: SegmentationResult, _: Words) -> Spec:
    """Binned customers on two principal components: colour of the majority, depth by the root of the count."""
    names = segment_names(result.names, _)
    most = result.map_cells["n"].max() or 1
    cells = result.map_cells.with_columns(
        pl.col("label").replace_strict(names).alias("name"),
        (0.16 + 0.84 * (pl.col("n") / most).sqrt()).round(3).alias("depth"),
        (pl.col("x") + 1).alias("x2"),
        (pl.col("y") + 1).alias("y2"),
        pl.col("purity").map_elements(_.percent, return_dtype=pl.String).alias("share"),
    )
    x = alt.X("x:Q", axis=None, scale=alt.Scale(domain=[0, MAP_COLUMNS], nice=False))
    y = alt.Y("y:Q", axis=None, scale=alt.Scale(domain=[-1.6, MAP_ROWS + 1.6], nice=False))
    rects = (
        alt.Chart(cells.select("x", "y", "x2", "y2", "name", "n", "depth", "share"))
        .mark_rect(strokeWidth=0)
        .encode(
            x=x,
            y=y,
            x2="x2:Q",
            y2="y2:Q",
            color=alt.Color("name:N", scale=category_scale(list(names.values())), legend=None),
            opacity=alt.Opacity("depth:Q", scale=None),
            tooltip=[
                tooltip("name", _("Majority")),
                tooltip("share", _("Share of the majority")),
                tooltip("n", _("Customers"), kind="quantitative", format=",d"),
            ],
        )
    )
    bare = {label: segment_name(code, _) for label, code in result.names}
    places = _spread_centres(result.map_centres).with_columns(
        pl.col("label").replace_strict(bare).alias("name"), (pl.col("x") > 0.8 * MAP_COLUMNS).alias("left")
    )
    spot = alt.Chart(places).encode(x=x, y=alt.Y("y:Q", axis=None))
    layers = [
        rects,
        spot.mark_point(
            shape="circle",
            size=230,
            filled=True,
            opacity=1,
            fill=neutral("paper"),
            stroke=neutral("ink"),
            strokeWidth=1.2,
        ),
        spot.mark_text(fontSize=11, fontWeight=600).encode(text="label:N"),
    ]
    sides: tuple[tuple[bool, Literal["left", "right"], int], ...] = ((False, "left", 14), (True, "right", -14))
    for left, align, dx in sides:
        side = alt.Chart(places.filter(pl.col("left") == left)).encode(x=x, y=alt.Y("y:Q", axis=None), text="name:N")
        text: dict[str, Any] = {"align": align, "dx": dx, "fontWeight": 600, "fontSize": FONT_SIZE}
        layers += [
            side.mark_text(**text, stroke=neutral("paper"), strokeWidth=4, strokeJoin="round", color=neutral("paper")),
            side.mark_text(**text, color=neutral("ink")),
        ]
    corners: list[tuple[str, int, float, Literal["left", "right"]]] = [
        ("↑ " + _towards(result, "y", _), 0, MAP_ROWS + 1.0, "left"),
        ("→ " + _towards(result, "x", _), MAP_COLUMNS, -1.0, "right"),
    ]
    for said, at_x, at_y, edge in corners[1 if len(result.features) < 2 else 0 :]:
        corner = alt.Chart(pl.DataFrame({"x": [float(at_x)], "y": [at_y], "said": [said]}))
        layers.append(
            corner.mark_text(align=edge, color=neutral("muted"), fontSize=FONT_SIZE).encode(
                x=x, y=alt.Y("y:Q", axis=None), text="said:N"
            )
        )
    return finish(alt.layer(*layers), _, height=MAP)


def _spread_centres(centres: pl.DataFrame) -> pl.DataFrame:
    """Centres moved apart up and down where their labels would cover each other."""
    placed: list[tuple[str, float, float]] = []
    for label, x, y in sorted(centres.iter_rows(), key=lambda row: -row[2]):
        clash = [other for _, at, other in placed if abs(at - x) < 9 and other - y < 1.9]
        y = min(y, min(clash) - 1.9) if clash else y
        placed.append((label, x, max(y, 0.8)))
    return pl.DataFrame(placed, schema=centres.schema, orient="row")


def _towards(result: SegmentationResult, axis: str, _: Words) -> str:
    strong = result.map_axes.filter((pl.col("axis") == axis) & (pl.col("loading").abs() >= 0.4)).head(2)
    words = []
    for feature, loading in strong.select("feature", "loading").iter_rows():
        more = (loading > 0) != (feature == "recency_days")
        phrase = f"towards.{feature}" if more else f"towards.{feature}.less"
        if _.has_phrase(phrase):
            words.append(_.phrase(phrase))
        else:
            field = _.label("field", feature)
            words.append(_("higher: {field}", field=field) if loading > 0 else _("lower: {field}", field=field))
    return _.listing(words)


def segment_map_finding(result: SegmentationResult, _: Words) -> str:
    """How many customers could as well be in the next segment."""
    near = float((result.members["margin"] < ON_BORDER).mean() or 0.0)  # type: ignore[arg-type]  # a scalar: Polars types any literal
    if near < 0.01:
        return _("The segments lie apart: hardly anybody is between")
    return _("{share} of customers stand on a border", share=_.percent(near))


def segment_map_note(result: SegmentationResult, _: Words) -> str:
    return _(
        "Each cell: customers with a similar profile. Colour = majority segment, depth = how many. "
        "The first two principal components keep {share} of the variance.",
        share=_.percent(sum(result.map_shares)),
    )
