"""Sizes: share of customers against share of revenue, and the exact figures."""

from __future__ import annotations

from collections.abc import Sequence

import altair as alt
import polars as pl

from analytics.charts.segmentation.wording import segment_names, spoken_names
from analytics.charts.theme import FONT_SIZE, STANDARD, Spec, category_scale, finish, neutral, tooltip
from analytics.i18n import Words
from analytics.segmentation import SegmentationResult

LINE = 17  # pixels that a label needs
AT_LEFT, AT_RIGHT = 0.34, 0.66  # of the width: where the slopes begin and end


def size_against_value(result: SegmentationResult, _: Words) -> Spec:
    """Slopes from the share of customers to the share of revenue, each labelled at both ends."""
    names = segment_names(result.names, _)
    rows = _held(result).select("label", "customer_share", "revenue_share", "n_customers", "revenue")
    top = max(0.02, float(rows["customer_share"].max() or 0), float(rows["revenue_share"].max() or 0))  # type: ignore[arg-type]  # a scalar: Polars types any literal
    gap = top * 1.06 / STANDARD * LINE
    ends = rows.with_columns(
        pl.col("label").replace_strict(names).alias("name"),
        pl.Series("left_y", spread(rows["customer_share"].to_list(), gap), dtype=pl.Float64),
        pl.Series("right_y", spread(rows["revenue_share"].to_list(), gap), dtype=pl.Float64),
        pl.Series("customers", [_.percent(share) for share in rows["customer_share"]]),
        pl.Series("money", [_.percent(share) for share in rows["revenue_share"]]),
        pl.Series("total", [_.compact(value, result.currency) for value in rows["revenue"]]),
    ).with_columns(
        pl.format("{}  {}", "name", "customers").alias("left"), pl.format("{} · {}", "label", "money").alias("right")
    )
    ends = ends.with_columns(pl.lit(AT_LEFT).alias("x1"), pl.lit(AT_RIGHT).alias("x2"))
    x = alt.X("x1:Q", axis=None, scale=alt.Scale(domain=[0, 1], nice=False))
    domain = [min(0.0, float(ends.select(pl.min_horizontal("left_y", "right_y").min()).item())), top * 1.06]
    y_scale = alt.Scale(domain=domain, nice=False, zero=False)
    colour = alt.Color("name:N", scale=category_scale(list(names.values())), legend=None)
    told = [
        tooltip("name", _("Segment")),
        tooltip("n_customers", _("Customers"), kind="quantitative", format=",d"),
        tooltip("customers", _("Share of customers")),
        tooltip("total", _("Revenue")),
        tooltip("money", _("Share of revenue")),
    ]
    chart = alt.Chart(
        ends.select(
            *("name", "n_customers", "customers", "total", "money", "left", "right", "x1", "x2"),
            *("customer_share", "revenue_share", "left_y", "right_y"),
        )
    )
    left, right = alt.Y("customer_share:Q", axis=None, scale=y_scale), alt.Y("revenue_share:Q", axis=None)
    heads = alt.Chart(
        pl.DataFrame({"x": [AT_LEFT, AT_RIGHT], "said": [_("share of customers"), _("share of revenue")]})
    )
    layers = [
        chart.mark_rule(strokeWidth=3, opacity=0.85, strokeCap="round").encode(
            x=x, x2="x2:Q", y=left, y2="revenue_share:Q", color=colour, tooltip=told
        ),
        chart.mark_point(filled=True, size=70, opacity=1).encode(x=x, y=left, color=colour, tooltip=told),
        chart.mark_point(filled=True, size=70, opacity=1).encode(
            x=alt.X("x2:Q", axis=None), y=right, color=colour, tooltip=told
        ),
        chart.mark_text(align="right", dx=-12).encode(x=x, y=alt.Y("left_y:Q", axis=None), text="left:N"),
        chart.mark_text(align="left", dx=12, fontWeight=600).encode(
            x=alt.X("x2:Q", axis=None), y=alt.Y("right_y:Q", axis=None), text="right:N"
        ),
        heads.transform_filter(f"datum.x < {(AT_LEFT + AT_RIGHT) / 2}")
        .mark_text(align="right", dx=8, color=neutral("muted"), fontSize=FONT_SIZE)
        .encode(x=alt.X("x:Q", axis=None), y=alt.value(-8), text="said:N"),
        heads.transform_filter(f"datum.x > {(AT_LEFT + AT_RIGHT) / 2}")
        .mark_text(align="left", dx=-8, color=neutral("muted"), fontSize=FONT_SIZE)
        .encode(x=alt.X("x:Q", axis=None), y=alt.value(-8), text="said:N"),
    ]
    return finish(alt.layer(*layers), _, height=STANDARD)


def spread(values: Sequence[float], gap: float) -> list[float]:
    """Places for labels at ``values``, at least ``gap`` apart, moved as little as possible (pooled neighbours)."""
    order = sorted(range(len(values)), key=lambda i: values[i])
    blocks: list[tuple[float, int]] = []  # mean of (value - rank x gap), members
    for rank, i in enumerate(order):
        mean, n = values[i] - rank * gap, 1
        while blocks and blocks[-1][0] > mean:
            other, m = blocks.pop()
            mean, n = (mean * n + other * m) / (n + m), n + m
        blocks.append((mean, n))
    flat = [mean for mean, n in blocks for _i in range(n)]
    places = [0.0] * len(values)
    for rank, i in enumerate(order):
        places[i] = flat[rank] + rank * gap
    return places


def size_against_value_finding(result: SegmentationResult, _: Words) -> str:
    """The segment whose share of revenue stands out most above its share of customers."""
    rows = _held(result).with_columns((pl.col("revenue_share") - pl.col("customer_share")).alias("more"))
    if rows.height < 2:
        return _("One segment holds every customer")
    first = rows.sort("more").row(-1, named=True)
    if first["more"] < 0.02:
        return _("Every segment brings about its share")
    return _(
        "{name}: {customers} of customers, {revenue} of revenue",
        name=spoken_names(result.names, _)[first["label"]],
        customers=_.percent(first["customer_share"]),
        revenue=_.percent(first["revenue_share"]),
    )


def size_against_value_note(result: SegmentationResult, _: Words) -> str:
    return _("Left: share of customers. Right: share of revenue. A rising line brings more than its share.")


def has_value(result: SegmentationResult) -> bool:
    """Whether there is any revenue to set sizes against."""
    return bool(result.sizes["revenue_share"].count())


def _held(result: SegmentationResult) -> pl.DataFrame:
    """Segments with customers; without revenue counts as none."""
    return result.sizes.filter(pl.col("n_customers") > 0).with_columns(pl.col("revenue_share").fill_null(0.0))


def sizes_table(result: SegmentationResult, _: Words) -> pl.DataFrame:
    """The sizes for a table: label, segment (shown name) and the columns of ``SegmentationResult.sizes`` with values.

    Segments without customers are left out; those of RFM keep their number and colour.
    """
    names = segment_names(result.names, _)
    frame = result.sizes.filter(pl.col("n_customers") > 0)
    frame = frame.with_columns(pl.col("label").replace_strict(names).alias("segment"))
    kept = [name for name in result.sizes.columns if name not in ("label", "name") and frame[name].count()]
    return frame.select("label", "segment", *kept)


def members_table(result: SegmentationResult, _: Words) -> pl.DataFrame:
    """Each customer with their segment's number and name, and how far from its border: for a download."""
    names = segment_names(result.names, _)
    kept = [name for name in ("customer_id", "label", "margin", "revenue") if name in result.members.columns]
    return result.members.select(kept).with_columns(
        pl.col("label").replace_strict(names, return_dtype=pl.String).alias("segment")
    )
