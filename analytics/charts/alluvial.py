"""The geometry of an alluvial chart: where bars stand, and the curves that lead from one side to the other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import polars as pl

from analytics.i18n import Words

POINTS, HEIGHT = 22, 340
TWO_LINES = 5  # bars up to here have name and count on two lines
EDGE = (-0.38, 1.38)  # bars stand at 0 and 1; the rest is for their names


def ribbons(
    flows: pl.DataFrame,
    starts_a: dict[tuple[str, str], float],
    starts_b: dict[tuple[str, str], float],
    tell: Callable[[dict[str, Any]], dict[str, Any]],
) -> list[dict[str, Any]]:
    """Points of every flow's two edges: flow, x (0-1), y, y2, and what ``tell`` says of the flow's row."""
    points: list[dict[str, Any]] = []
    for i, row in enumerate(flows.iter_rows(named=True)):
        a, b, n = row["label_a"], row["label_b"], row["n_customers"]
        top_a, top_b, told = starts_a[(a, b)], starts_b[(a, b)], tell(row)
        for step in range(POINTS):
            t = step / (POINTS - 1)
            y = top_a + (top_b - top_a) * t * t * (3 - 2 * t)
            points.append({"flow": i, "x": round(t, 4), "y": round(y, 3), "y2": round(y + n, 3), **told})
    return points


def bars(nodes: pl.DataFrame, names: dict[str, str], side: int, tall: float, _: Words) -> pl.DataFrame:
    """The bars of one side (-1 left, 1 right): x, x2, y, y2, and their words: name, count, both, standing at, place."""
    at = 0.0 if side < 0 else 1.0
    return nodes.with_columns(
        pl.col("label").replace_strict(names, return_dtype=pl.String).alias("name"),
        pl.lit(min(at, at + 0.016 * side)).alias("x"),
        pl.lit(max(at, at + 0.016 * side)).alias("x2"),
        pl.lit(at + 0.03 * side).alias("at"),
        pl.Series("count", [_.number(n) for n in nodes["n"]], dtype=pl.String),
        label_places(nodes, tall),
    ).with_columns(pl.format("{}  {}", "name", "count").alias("both"))


def stack(
    flows: pl.DataFrame, by: str, labels: list[str], gap: float
) -> tuple[dict[tuple[str, str], float], pl.DataFrame]:
    """Where each flow starts on one side, and that side's bars: label, n, y, y2."""
    at, starts, rows = 0.0, {}, []
    for label in labels:
        mine = flows.filter(pl.col(by) == label)
        if not mine.height:
            continue
        top = at
        for a, b, n in mine.select("label_a", "label_b", "n_customers").iter_rows():
            starts[(a, b)] = at
            at += n
        rows.append((label, int(mine["n_customers"].sum()), top, at))
        at += gap
    schema = {"label": pl.String, "n": pl.Int64, "y": pl.Float64, "y2": pl.Float64}
    return starts, pl.DataFrame(rows, schema=schema, orient="row")


def label_places(nodes: pl.DataFrame, tall: float) -> pl.Series:
    """The middle of each bar, moved apart so that two lines of text fit."""
    least = (34 if nodes.height <= TWO_LINES else 18) / HEIGHT * tall
    places = ((nodes["y"] + nodes["y2"]) / 2).to_list()
    for i in range(1, len(places)):
        places[i] = max(places[i], places[i - 1] + least)
    end = tall - least / 2
    for i in range(len(places) - 1, -1, -1):
        places[i] = min(places[i], end)
        end = places[i] - least
    return pl.Series("place", places, dtype=pl.Float64)
