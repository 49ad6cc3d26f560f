"""The profile: segment medians beside those of all customers."""

from __future__ import annotations

import altair as alt
import polars as pl

from analytics.charts.segmentation.wording import field_value, segment_names, short_name
from analytics.charts.theme import (
    MAP,
    Spec,
    cell_text_color,
    diverging_scale,
    finish,
    neutral,
    plain_axis,
    tooltip,
)
from analytics.i18n import Words
from analytics.segmentation import SegmentationResult


def profile(result: SegmentationResult, _: Words) -> Spec:
    """Segment medians; colour = distance from the median of all customers."""
    names = segment_names(result.names, _)
    currency = result.currency
    cells = result.profiles.with_columns(
        pl.col("label").replace_strict(names).alias("name"),
        pl.Series("short", [short_name(field, _) for field in result.profiles["field"]], dtype=pl.String),
        pl.Series("text", _texts(result.profiles, "median", "", _), dtype=pl.String),
        pl.Series("value", _texts(result.profiles, "median", currency, _), dtype=pl.String),
        pl.Series("everyone", _texts(result.profiles, "median_all", currency, _), dtype=pl.String),
        pl.Series("middle", _spans(result.profiles, "q25", "q75", currency, _), dtype=pl.String),
        pl.Series("title", [_.label("field", field) for field in result.profiles["field"]], dtype=pl.String),
        pl.col("z").round(3),
    )
    order = [names[label] for label in cells["label"].unique(maintain_order=True)]
    columns = cells["short"].unique(maintain_order=True).to_list()
    lower, middle, upper = _("2 sd below"), _("median"), _("2 sd above")
    legend = alt.Legend(
        orient="bottom",
        direction="horizontal",
        gradientLength=180,
        gradientThickness=8,
        values=[-2, 0, 2],
        labelExpr=f"datum.value < 0 ? '{lower}' : datum.value > 0 ? '{upper}' : '{middle}'",
        title=None,
    )
    chart = alt.Chart(cells.select("name", "short", "title", "text", "value", "everyone", "middle", "z")).encode(
        x=alt.X(
            "short:N", sort=columns, axis=plain_axis(orient="top", labelAngle=0, labelLimit=80, labelOverlap=False)
        ),
        y=alt.Y("name:N", sort=order, axis=plain_axis(labelLimit=160)),
    )
    heat = chart.mark_rect(stroke=neutral("paper"), strokeWidth=2).encode(
        color=alt.Color("z:Q", scale=diverging_scale(2.0), legend=legend),
        tooltip=[
            tooltip("name", _("Segment")),
            tooltip("title", _("Field")),
            tooltip("value", _("Median")),
            tooltip("middle", _("Middle half")),
            tooltip("everyone", _("All customers")),
        ],
    )
    return finish(heat + chart.mark_text(color=cell_text_color("z")).encode(text="text:N"), _, height=MAP)


def _texts(frame: pl.DataFrame, column: str, currency: str, _: Words) -> list[str]:
    return [field_value(field, value, currency, _) for field, value in frame.select("field", column).iter_rows()]


def _spans(frame: pl.DataFrame, low: str, high: str, currency: str, _: Words) -> list[str]:
    return [
        _.span(a, b) for a, b in zip(_texts(frame, low, currency, _), _texts(frame, high, currency, _), strict=True)
    ]


def _separation(result: SegmentationResult) -> list[str]:
    """Profile fields by how far apart the segments' medians lie, in standard deviations; furthest first."""
    spread = result.profiles.group_by("field", maintain_order=True).agg(
        (pl.col("z").clip(-3, 3).max() - pl.col("z").clip(-3, 3).min()).alias("reach")
    )
    return spread.sort("reach", descending=True, maintain_order=True)["field"].to_list()


def profile_finding(result: SegmentationResult, _: Words) -> str:
    fields = _separation(result)
    if result.profiles["label"].n_unique() < 2:
        return _("One segment holds every customer")
    if len(fields) < 2:
        return _("{field} is what separates the segments", field=_.label("field", fields[0]))
    return _(
        "{field} separates them more than {other}",
        field=short_name(fields[0], _),
        other=short_name(fields[-1], _).lower(),
    )


def profile_note(result: SegmentationResult, _: Words) -> str:
    return _(
        "Segment medians ({unit}). Colour = distance from the median of all customers, in standard deviations.",
        unit=_.listing(
            [*([_.symbol(result.currency).strip()] if _.symbol(result.currency) else []), _("days"), _("counts")]
        ),
    )
