"""How many segments, and are they real: what was seen against what customers without any clusters would show."""

from __future__ import annotations

from typing import Any

import altair as alt
import polars as pl

from analytics.charts.theme import (
    BAND_80,
    BASELINE_DASH,
    STANDARD,
    Spec,
    finish,
    neutral,
    plain_axis,
    tooltip,
    value_axis,
)
from analytics.i18n import Words
from analytics.segmentation import SegmentationResult
from analytics.segmentation.evidence import EvidenceResult

STABLE = 0.7


def number_of_segments(result: SegmentationResult, evidence: EvidenceResult, _: Words) -> Spec:
    """Separation and stability for each number; the band is what data without clusters show."""
    separation, stability = _("Separation (silhouette)"), _("Stability")
    measures = {"separation": separation, "stability": stability}
    long = (
        evidence.numbers.select("n_segments", "min_share", *measures)
        .unpivot(index=["n_segments", "min_share"], variable_name="code", value_name="value")
        .drop_nulls("value")
        .with_columns(
            pl.col("code").replace_strict(measures).alias("measure"),
            pl.col("min_share").map_elements(_.percent, return_dtype=pl.String).alias("least"),
        )
    )
    low = min(0.0, float(long["value"].min() or 0.0))  # type: ignore[arg-type]  # a scalar: Polars types any literal
    x = alt.X("n_segments:O", axis=plain_axis(_("Number of segments"), labelAngle=0))
    y = alt.Y("value:Q", axis=value_axis(_), scale=alt.Scale(domain=[low, 1.02], nice=False))
    colour = alt.Color(
        "measure:N",
        scale=alt.Scale(domain=[separation, stability], range=[neutral("accent"), neutral("muted")]),
        legend=alt.Legend(symbolType="stroke", symbolStrokeWidth=2),
    )
    chart = alt.Chart(long.select("n_segments", "value", "measure", "least")).encode(x=x, y=y, color=colour)
    told = [
        tooltip("n_segments", _("Segments"), kind="ordinal"),
        tooltip("measure", _("Measure")),
        tooltip("value", _("Value"), kind="quantitative", format=".2f"),
        tooltip("least", _("Smallest segment")),
    ]
    known = evidence.numbers["n_segments"].to_list()
    said = {result.n_segments: _("shown")}
    if evidence.recommended is not None:
        both = evidence.recommended == result.n_segments
        said[evidence.recommended] = _("shown, recommended") if both else _("recommended")
    marks = pl.DataFrame(
        [(n, text) for n, text in said.items() if n in known],
        schema={"n_segments": pl.Int64, "text": pl.String},
        orient="row",
    )
    chosen = alt.Chart(marks).encode(x=alt.X("n_segments:O"))
    least = alt.Chart(pl.DataFrame({"y": [STABLE]}))
    layers: list[Any] = [
        chosen.mark_rule(color=neutral("quiet"), strokeWidth=1.5),
        chosen.mark_text(color=neutral("muted"), align="center").encode(text="text:N", y=alt.value(-8)),
        least.mark_rule(color=neutral("muted"), strokeDash=BASELINE_DASH, strokeWidth=1.5).encode(y="y:Q"),
    ]
    band = _band(evidence)
    if band.height:
        area = alt.Chart(band.with_columns(pl.lit(_("without clusters")).alias("said")))
        layers.append(
            area.mark_area(opacity=BAND_80, color=neutral("muted")).encode(
                x=alt.X("n_segments:O"), y=alt.Y("low:Q"), y2="high:Q"
            )
        )
        layers.append(
            area.transform_filter(f"datum.n_segments == {known[-1]}")
            .mark_text(align="right", dy=12, dx=4, color=neutral("muted"))
            .encode(x=alt.X("n_segments:O"), y=alt.Y("low:Q"), text="said:N")
        )
    layers += [chart.mark_line(strokeWidth=2), chart.mark_point(filled=True, size=55, opacity=1).encode(tooltip=told)]
    return finish(alt.layer(*layers), _, height=STANDARD)


def _band(evidence: EvidenceResult) -> pl.DataFrame:
    """n_segments, low, high: from the lowest to the highest that any family of references shows (5 to 95 %)."""
    return (
        evidence.references.group_by("n_segments")
        .agg(pl.col("low").min(), pl.col("high").max())
        .sort("n_segments")
        .filter(pl.col("n_segments").is_in(evidence.numbers["n_segments"].implode()))
    )


def number_of_segments_finding(result: SegmentationResult, evidence: EvidenceResult, _: Words) -> str:
    if not evidence.structure:
        return _("The cuts are set by rule, not found")
    if evidence.structure == "none":
        return _("No cluster structure: any number is a convenience")
    if evidence.recommended != result.n_segments:
        return _("The evidence speaks for {n}; {shown} are shown", n=evidence.recommended or 0, shown=result.n_segments)
    if evidence.structure == "too_few":
        return _("{n} segments hold best; too few customers to test", n=result.n_segments)
    row = evidence.row(result.n_segments)
    stability = row.get("stability")
    return _(
        "{n} segments are real and stable ({s})",
        n=result.n_segments,
        s=_.number(stability if isinstance(stability, float) else None, 2),
    )


def number_of_segments_note(result: SegmentationResult, evidence: EvidenceResult, _: Words) -> str:
    said = [
        _(
            "Separation: how much nearer customers are to their own segment. Stability: agreement (adjusted Rand) with "
            "cuts of resampled data; dotted = {least}, the least asked for.",
            least=_.number(STABLE, 2),
        )
    ]
    if evidence.references.height:
        said.append(
            _(
                "Band: 5 to 95% of {n} data sets of each of {families} kinds without clusters.",
                n=evidence.n_references,
                families=evidence.references["family"].n_unique(),
            )
        )
    return (" " if _.language == "en" else "").join(said)


def reason_sentence(evidence: EvidenceResult, _: Words) -> str:
    """Why this number is recommended."""
    return _.phrase(f"number.{evidence.reason}", n=evidence.recommended or 0) if evidence.reason else ""


def numbers_table(evidence: EvidenceResult, _: Words) -> pl.DataFrame:
    """Every figure for each number of segments: for a table; columns that hold nothing are left out."""
    kept = ("n_segments", "separation", "silhouette", "calinski_harabasz", "bic", "stability", "min_share", "qualifies")
    frame = evidence.numbers.select(kept)
    if frame["silhouette"].equals(frame["separation"], null_equal=True):
        frame = frame.drop("separation")
    return frame.select(name for name in frame.columns if frame[name].count()).with_columns(
        pl.col("n_segments").cast(pl.String)
    )
