"""Where each figure stands among all customers."""

from __future__ import annotations

import altair as alt
import polars as pl

from analytics.charts.portrait.wording import figure_text
from analytics.charts.theme import (
    BAR_OPACITY,
    Spec,
    chart_of,
    finish,
    neutral,
    plain_axis,
    tooltip,
)
from analytics.i18n import Words
from analytics.portrait import Portrait

MOST_FIGURES = 8


def places(portrait: Portrait, _: Words) -> Spec:
    """Each figure's place: the share of customers with less. Customers with the very same figure are a bar."""
    rows = [
        {
            "name": _.label("field", row["name"]),
            "below": row["below"],
            "at_most": row["at_most"],
            "place": (row["below"] + row["at_most"]) / 2,
            "text": figure_text(row["name"], row["value"], portrait.currency, _),
            "less": _.percent(row["below"]),
            "more": _.percent(1 - row["at_most"]),
            "end": 1.03,
            "zero": 0.0,
            "one": 1.0,
        }
        for row in _placed(portrait).iter_rows(named=True)
    ]
    scale = alt.Scale(domain=[0, 1.3], nice=False)
    axis = alt.Axis(title=None, values=[0, 0.25, 0.5, 0.75, 1], format=".0%", grid=True)
    base = chart_of(rows).encode(
        y=alt.Y("name:N", sort=None, axis=plain_axis(labelLimit=170)),
        tooltip=[
            tooltip("name", _("Figure")),
            tooltip("text", _("Value")),
            tooltip("less", _("Customers with less")),
            tooltip("more", _("Customers with more")),
        ],
    )
    layers = alt.layer(
        base.mark_bar(height=6, color=neutral("hair"), cornerRadius=3).encode(
            x=alt.X("zero:Q", scale=scale, axis=axis), x2="one:Q"
        ),
        base.mark_bar(height=6, color=neutral("accent"), opacity=BAR_OPACITY, cornerRadius=3).encode(
            x=alt.X("below:Q", scale=scale, axis=axis), x2="at_most:Q"
        ),
        base.mark_point(
            filled=True, size=110, color=neutral("accent"), opacity=1, stroke=neutral("paper"), strokeWidth=1.5
        ).encode(x=alt.X("place:Q", scale=scale, axis=axis)),
        base.mark_text(align="left", color=neutral("ink")).encode(
            x=alt.X("end:Q", scale=scale, axis=axis), text="text:N"
        ),
    )
    return finish(layers, _, height=48 + 36 * max(len(rows), 1))


def _placed(portrait: Portrait) -> pl.DataFrame:
    return portrait.figures.filter(pl.col("below").is_not_null()).head(MOST_FIGURES)


def has_places(portrait: Portrait) -> bool:
    return _placed(portrait).height > 0


def places_finding(portrait: Portrait, _: Words) -> str:
    """The figure in which this customer stands out most."""
    far = (0.5 - (pl.col("below") + pl.col("at_most")) / 2).abs()
    row = _placed(portrait).sort(far, descending=True, maintain_order=True).row(0, named=True)
    if row["below"] + row["at_most"] >= 1:
        return _(
            "Stands out by {figure}: more than {share} of customers",
            figure=_.quote(_.label("field", row["name"])),
            share=short_of_all(row["below"], _),
        )
    return _(
        "Stands out by {figure}: less than {share} of customers",
        figure=_.quote(_.label("field", row["name"])),
        share=short_of_all(1 - row["at_most"], _),
    )


def short_of_all(share: float, _: Words) -> str:
    """A share that is not quite all never reads as all."""
    return _.percent(min(share, 0.99)) if share < 1 else _.percent(share)


def places_note(portrait: Portrait, _: Words) -> str:
    return _(
        "Dot: share of {n} customers with less. Pale bar: customers with the very same figure.", n=portrait.n_customers
    )


def figure_table(portrait: Portrait, _: Words) -> pl.DataFrame:
    """Every figure with its value as people read it, its place and the number of its rows."""
    return portrait.figures.with_columns(
        figure=pl.Series([_.label("field", name) for name in portrait.figures["name"]], dtype=pl.String),
        figure_value=pl.Series(
            [
                figure_text(row["name"], row["value"], portrait.currency, _)
                for row in portrait.figures.iter_rows(named=True)
            ],
            dtype=pl.String,
        ),
    )


def figures_of(portrait: Portrait, _: Words) -> pl.DataFrame:
    """The figures for a download, with whose they are."""
    return portrait.figures.select(pl.lit(portrait.customer_id).alias("customer_id"), pl.all()).with_columns(
        name=pl.Series([_.label("field", name) for name in portrait.figures["name"]], dtype=pl.String),
        table=pl.Series([_.label("table", name) for name in portrait.figures["table"]], dtype=pl.String),
    )
