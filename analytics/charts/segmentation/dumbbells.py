"""Dumbbells: one segment against all other customers, trait by trait, with intervals and a rule at zero."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import altair as alt
import polars as pl

from analytics.charts.segmentation.wording import field_value, level_name, segment_names, trait_name
from analytics.charts.theme import BAR_OPACITY, Spec, category_scale, finish, neutral, plain_axis, tooltip
from analytics.i18n import Words
from analytics.segmentation.explaining import Explanation

MOST_ROWS = 12
ROW_HEIGHT, AXIS_HEIGHT = 38, 52
FARTHEST = 2.5  # standard deviations; what lies beyond is drawn at the edge


def dumbbells(explanation: Explanation, label: str, _: Words, n_rows: int = 5) -> Spec:
    """The strongest traits of a segment: distance from the others in standard deviations, 95 % intervals.

    Shares are put on the same scale by Cohen's h. ``n_rows`` keeps the charts of all segments equally high.
    """
    rows = [_row(row, explanation.currency, _) for row in _shown(explanation, label, n_rows).iter_rows(named=True)]
    for row in rows:  # what a person's orders are made of is told by its level alone, unless two would be alike
        short = row["short"]
        row["trait"] = row["trait"] if [other["short"] for other in rows].count(short) > 1 else short
    names = segment_names(explanation.names, _)
    frame = pl.DataFrame(
        [{**row, "name": names[label], "zero": 0.0} for row in rows],
        schema={
            **dict.fromkeys(("trait", "full", "name", "text", "here", "others", "interval"), pl.String),
            **dict.fromkeys(("at", "lo", "hi", "zero"), pl.Float64),
        },
    )
    reach = _reach(explanation, n_rows)
    x = alt.X(
        "at:Q",
        scale=alt.Scale(domain=[-1.12 * reach, 1.12 * reach], nice=False),
        axis=alt.Axis(
            title=_("standard deviations from all other customers"),
            grid=True,
            values=[-2, -1, 0, 1, 2] if reach > 1 else [-1, -0.5, 0, 0.5, 1],
            format="+.1~f",
            labelExpr="datum.value == 0 ? '0' : datum.label",
        ),
    )
    y = alt.Y("trait:N", sort=[row["trait"] for row in rows], axis=plain_axis(labelLimit=150, labelLineHeight=14))
    colour = alt.Color("name:N", scale=category_scale(list(names.values())), legend=None)
    chart = alt.Chart(frame)
    zero = alt.Chart(pl.DataFrame({"x": [0.0]}))
    told = [
        tooltip("full", _("Trait")),
        tooltip("here", _("In this segment")),
        tooltip("others", _("All others")),
        tooltip("interval", _("Distance, 95% interval")),
    ]
    layers = [
        zero.mark_rule(color=neutral("muted"), strokeWidth=1.5).encode(x="x:Q"),
        chart.mark_rule(strokeWidth=2, opacity=0.55).encode(x=alt.X("zero:Q"), x2="at:Q", y=y, color=colour),
        chart.mark_point(filled=True, size=42, opacity=1, fill=neutral("paper"), stroke=neutral("muted")).encode(
            x=alt.X("zero:Q"), y=y
        ),
        chart.mark_bar(height=7, opacity=BAR_OPACITY, cornerRadius=3).encode(
            x=alt.X("lo:Q"), x2="hi:Q", y=y, color=colour
        ),
        chart.mark_point(filled=True, size=80, opacity=1).encode(x=x, y=y, color=colour, tooltip=told),
    ]
    # Values stand over the line from zero, so that they never run out of the chart.
    sides: tuple[tuple[str, Literal["left", "right"], int], ...] = (("<", "left", -9), (">=", "right", 9))
    for sign, align, dx in sides:
        side = chart.transform_filter(f"datum.at {sign} 0").encode(x=x, y=y, text="text:N")
        layers.append(
            side.mark_text(dy=-13, dx=dx, align=align, stroke=neutral("paper"), strokeWidth=4, strokeJoin="round")
        )
        layers.append(side.mark_text(dy=-13, dx=dx, align=align))
    return finish(alt.layer(*layers), _, height=ROW_HEIGHT * max(2, n_rows) + AXIS_HEIGHT)


def n_traits(explanation: Explanation, most: int = 5) -> int:
    """How many rows every panel has room for: those of the fullest one."""
    counts = explanation.contrasts.filter("shown").group_by("label").len()["len"]
    return min(most, MOST_ROWS, int(counts.max() or 0))  # type: ignore[arg-type]  # a scalar: Polars types any literal


def difference_sentence(explanation: Explanation, label: str, _: Words) -> str:
    """The chart's finding: how many traits set the segment apart, and the strongest."""
    rows = _shown(explanation, label, MOST_ROWS)
    if not rows.height:
        return _("Does not differ clearly from the other customers.")
    first = rows.row(0, named=True)
    here, others = _values(first, explanation.currency, _)
    return _(
        "Farthest from the others in {trait}: {here} against {others}",
        trait=trait_name(first["field"], first["level"], _),
        here=here,
        others=others,
    )


def _shown(explanation: Explanation, label: str, n: int) -> pl.DataFrame:
    return explanation.contrasts.filter((pl.col("label") == label) & pl.col("shown")).sort("rank").head(n)


def _row(row: Mapping[str, Any], currency: str, _: Words) -> dict[str, Any]:
    here, others = _values(row, currency, _)
    # d and h are read on one scale (Cohen 1988); a share's interval is stretched as its difference is.
    stretch = 1.0 if row["kind"] == "number" or not row["effect"] else row["size"] / abs(row["effect"])
    at, lo, hi = (max(-FARTHEST, min(FARTHEST, row[name] * stretch)) for name in ("effect", "lo", "hi"))
    full = trait_name(row["field"], row["level"], _)
    return {
        "trait": full,
        "full": full,
        "short": level_name(row["field"], row["level"], _) if row["kind"] == "mix" else full,
        "text": _("{here}, others {others}", here=here, others=others),
        "here": here,
        "others": others,
        "interval": _.span(_.signed(row["lo"] * stretch, 2), _.signed(row["hi"] * stretch, 2)),
        "at": round(at, 3),
        "lo": round(lo, 3),
        "hi": round(hi, 3),
    }


def _values(row: Mapping[str, Any], currency: str, _: Words) -> tuple[str, str]:
    if row["kind"] == "number":
        return tuple(field_value(row["field"], row[name], currency, _) for name in ("value_group", "value_rest"))  # type: ignore[return-value]  # two names, two values
    return _.percent(row["value_group"]), _.percent(row["value_rest"])


def _reach(explanation: Explanation, n_rows: int) -> float:
    """One scale for all segments, so that their panels can be compared."""
    rows = explanation.contrasts.filter(pl.col("shown") & (pl.col("rank") <= n_rows))
    if not rows.height:
        return 1.0
    return min(FARTHEST, max(0.5, float(rows["size"].max() or 0.0) + 0.2))  # type: ignore[arg-type]  # a scalar: Polars types any literal
