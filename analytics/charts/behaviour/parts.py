"""What the charts of behaviour share: rows, bars with their figures, a heatmap with text, and names for the rest."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt

from analytics.charts.theme import cell_text_color, chart_of, neutral, plain_axis, ramp_scale
from analytics.i18n import Words

Rows = list[dict[str, Any]]


def space(_: Words) -> str:
    """Between two sentences."""
    return " " if _.language == "en" else ""


def rest(name: str | None, _: Words) -> str:
    """A level's name, or what stands for all levels that have no place of their own."""
    return _("All others") if name is None else name


def share_text(share: float | None, _: Words) -> str:
    """A share without decimals; with one where it is small."""
    if share is not None and 0 < share < 0.0005:
        return "<0.1%"
    return _.percent(share, 1 if share is not None and 0 < share < 0.095 else 0)


def bars(rows: Rows, tooltips: list[alt.Tooltip], *, title: str | None = None) -> Any:
    """Horizontal bars in the rows' order (name, share, text), each with its figures at the end."""
    reach = max((row["share"] for row in rows), default=0.0) or 1.0
    # Room for the figures, more of it on a narrow screen.
    room = alt.ExprRef(f"{reach} * (width < 420 ? 1.9 : 1.35)")
    base = chart_of(rows).encode(
        y=alt.Y(
            "name:N",
            sort=None,
            axis=plain_axis(title, labelLimit=150),
            scale=alt.Scale(paddingInner=0.3, paddingOuter=0.1),
        ),
        x=alt.X("share:Q", axis=None, scale=alt.Scale(domainMin=0, domainMax=room)),
        tooltip=tooltips,
    )
    drawn = base.mark_bar(cornerRadiusEnd=2, color=neutral("accent"))
    return drawn, base.mark_text(align="left", baseline="middle", dx=6, color=neutral("ink")).encode(text="text:N")


def column_axis(names: Sequence[str], title: str | None = None) -> alt.Axis:
    """Names over columns: level where there is room for all, else slanted."""
    widest = max((sum(13 if ord(letter) > 0x2E80 else 6.4 for letter in name) for name in names), default=0.0)
    slanted = f"width < {(widest + 12) * len(names):.0f}"
    return plain_axis(
        title,
        orient="top",
        labelAngle=alt.ExprRef(f"{slanted} ? -40 : 0"),
        labelAlign=alt.ExprRef(f"{slanted} ? 'left' : 'center'"),
        labelBaseline="bottom",
        labelLimit=alt.ExprRef(f"{slanted} ? 96 : 200"),
        labelOverlap=False,
        # A title would lie over slanted names.
        **({"titlePadding": 10} if title else {}),
    )


def heatmap(
    rows: Rows,
    columns: Sequence[str],
    lines: Sequence[str],
    tooltips: list[alt.Tooltip],
    *,
    highest: float,
    title: str | None = None,
) -> Any:
    """Cells (x, y, share, text) coloured by share, with their text; rows with share None stay blank."""
    base = chart_of(rows).encode(
        x=alt.X(
            "x:N",
            sort=list(columns),
            scale=alt.Scale(domain=list(columns), padding=0.02),
            axis=column_axis(columns, title),
        ),
        y=alt.Y(
            "y:N",
            sort=list(lines),
            scale=alt.Scale(domain=list(lines), padding=0.02),
            axis=plain_axis(labelLimit=150, labelOverlap=False),
        ),
        tooltip=tooltips,
    )
    told = base.transform_filter("isValid(datum.share)")
    return alt.layer(
        told.mark_rect().encode(color=alt.Color("share:Q", scale=ramp_scale(0, highest or 0.01), legend=None)),
        told.mark_text(color=cell_text_color("share")).encode(text="text:N"),
    )
