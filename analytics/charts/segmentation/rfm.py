"""The RFM grid: how recent against how much, each cell in the colour of its segment."""

from __future__ import annotations

import altair as alt
import polars as pl

from analytics.charts.segmentation.wording import segment_names, spoken_names
from analytics.charts.theme import MAP, Spec, category_scale, cell_text_color, finish, plain_axis, tooltip
from analytics.contrasts import PRIVACY_LIMIT
from analytics.i18n import Words
from analytics.segmentation import SegmentationResult


def rfm_grid(result: SegmentationResult, _: Words) -> Spec:
    """Recency score (columns) by the mean of frequency and value scores (rows): customers, and share of revenue.

    A cell of one to nine customers tells neither number.
    """
    names = segment_names(result.names, _)
    cells = grid_cells(result)
    total = float(cells["revenue"].sum())
    told = cells["n_customers"] >= PRIVACY_LIMIT
    shares = [
        _.percent(revenue / total) if total > 0 and enough else "–"
        for revenue, enough in zip(cells["revenue"], told, strict=True)
    ]
    counts = [
        _.number(n) if enough else f"<{PRIVACY_LIMIT}" for n, enough in zip(cells["n_customers"], told, strict=True)
    ]
    drawn = cells.with_columns(
        pl.col("label").replace_strict(names, return_dtype=pl.String).alias("name"),
        pl.Series("count", counts, dtype=pl.String),
        pl.Series("share", shares, dtype=pl.String),
        pl.Series("recent", _recencies(result, _, cells["r"].to_list()), dtype=pl.String),
    )
    columns = _recencies(result, _, sorted(cells["r"].unique().to_list(), reverse=True))
    order = sorted(cells["worth"].unique().to_list(), reverse=True)
    chart = alt.Chart(drawn.select("recent", "worth", "name", "count", "share")).encode(
        x=alt.X(
            "recent:N",
            sort=columns,
            axis=plain_axis(_("Days since the last order"), labelAngle=0, labelLimit=90, orient="bottom"),
            scale=alt.Scale(paddingInner=0.04, paddingOuter=0),
        ),
        y=alt.Y(
            "worth:O",
            sort=order,
            axis=plain_axis(_("Orders and revenue, score")),
            scale=alt.Scale(paddingInner=0.05, paddingOuter=0),
        ),
    )
    colour = alt.Color("name:N", scale=category_scale(list(names.values())), legend=None)
    lines = [
        tooltip("name", _("Segment")),
        tooltip("recent", _("Days since the last order")),
        tooltip("count", _("Customers")),
        tooltip("share", _("Share of revenue")),
    ]
    layers = [
        chart.mark_rect(cornerRadius=3).encode(color=colour, tooltip=lines),
        chart.mark_text(dy=-18, fontWeight=600, color=cell_text_color("name")).encode(text="name:N"),
        chart.mark_text(dy=0, fontSize=15, fontWeight=600, color=cell_text_color("name")).encode(text="count:N"),
        chart.mark_text(dy=18, color=cell_text_color("name")).encode(text="share:N"),
    ]
    return finish(alt.layer(*layers), _, height=MAP)


def grid_cells(result: SegmentationResult) -> pl.DataFrame:
    """r, worth (1-5), label, n_customers, revenue: the three scores folded into two, as the segments are cut."""
    n_scores = result.spec.rfm.n_scores
    stretched = {score: round(1 + 4 * (score - 1) / (n_scores - 1)) for score in range(1, n_scores + 1)}
    worth = (pl.col("f").replace_strict(stretched) + pl.col("m").replace_strict(stretched) + 1) // 2
    return (
        result.rfm_cells.with_columns(worth.alias("worth"))
        .group_by("r", "worth", "label")
        .agg(pl.col("n_customers").sum(), pl.col("revenue").sum())
        .sort("r", "worth", "label")
    )


def _recencies(result: SegmentationResult, _: Words, scores: list[int]) -> list[str]:
    """What a recency score means in days; recency cuts are inclusive above."""
    cuts = result.rfm_cuts.filter(pl.col("field") == "recency_days")
    bounds = {score: (low, high) for score, low, high in cuts.select("score", "low", "high").iter_rows()}
    said = []
    for score in scores:
        low, high = bounds.get(score, (None, None))
        if low is None and high is None:
            said.append(_.number(score))
        elif low is None:
            said.append(_("up to {n}", n=_.number(high)))
        elif high is None:
            said.append(_("over {n}", n=_.number(low)))
        else:
            said.append(_.span(_.number(low + 1), _.number(high)))
    return said


def rfm_grid_finding(result: SegmentationResult, _: Words) -> str:
    """The segment with the most revenue, and how much."""
    held = result.sizes.filter(pl.col("revenue_share").is_not_null())
    if not held.height:
        return _("RFM sorts customers into {n} segments", n=result.n_segments)
    first = held.sort("revenue_share", descending=True).row(0, named=True)
    return _(
        "{name} bring {share} of revenue",
        name=spoken_names(result.names, _)[first["label"]],
        share=_.percent(first["revenue_share"]),
    )


def rfm_grid_note(result: SegmentationResult, _: Words) -> str:
    return _(
        "Columns: how recent. Rows: mean of the scores for orders and revenue. In each cell its segment, customers and "
        "share of revenue. Cells of fewer than {k} customers tell neither.",
        k=PRIVACY_LIMIT,
    )
