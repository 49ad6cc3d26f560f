"""RFM beside value: the grid of recency and frequency, iso-value curves, and the Pareto curve of future value."""

from __future__ import annotations

import itertools
import math
from typing import Any

import altair as alt
import polars as pl

from analytics.charts.behaviour.parts import Rows
from analytics.charts.theme import (
    BASELINE_DASH,
    MAP,
    Spec,
    cell_text_color,
    chart_of,
    finish,
    neutral,
    plain_axis,
    ramp_scale,
    tooltip,
    value_axis,
)
from analytics.charts.value.portfolio import top_share
from analytics.charts.value.wording import amount, each, months, round_amount, source_name, worth_title
from analytics.contrasts import PRIVACY_LIMIT
from analytics.i18n import Words
from analytics.value import ValueResult

MOST_CURVES = 5
MOST_LINES, MOST_COLUMNS = 30, 48
NICE = (1.0, 2.0, 5.0)
FLAT = 0.02  # of the highest value


# --- the grid --------------------------------------------------------------------------------------------------------


def value_grid(result: ValueResult, _: Words) -> Spec:
    """Recency (columns) by frequency (rows): mean value of a customer, and customers. Small cells tell neither."""
    cells = result.rfm_grid.sort("recency_group", "frequency_group")
    worth, held = "clv_mean" if result.has_values else "p_alive", cells.to_dicts()
    recent = {row["recency_group"]: _range(row["recency_from_days"], row["recency_to_days"], _) for row in held}
    often = {row["frequency_group"]: _range(row["frequency_from"], row["frequency_to"], _) for row in held}
    rows: Rows = []
    for row in cells.iter_rows(named=True):
        enough = row["n_customers"] >= PRIVACY_LIMIT
        rows.append(
            {
                "recent": recent[row["recency_group"]],
                "often": often[row["frequency_group"]],
                "value": row[worth] if enough else None,
                "worth": _worth(result, row, _) if enough else "–",
                "count": _.number(row["n_customers"]) if enough else f"<{PRIVACY_LIMIT}",
                "alive": _.percent(row["p_alive"]) if enough else "–",
                "total": amount(result, row["clv_total"], _) if enough and result.has_values else "–",
            }
        )
    columns = [recent[group] for group in sorted(recent, reverse=True)]
    lines = [often[group] for group in sorted(often, reverse=True)]
    base = chart_of(rows).encode(
        x=alt.X(
            "recent:N",
            sort=columns,
            axis=plain_axis(_("Days since the last order"), labelAngle=0, labelLimit=90, orient="bottom"),
            scale=alt.Scale(domain=columns, paddingInner=0.04, paddingOuter=0),
        ),
        y=alt.Y(
            "often:N",
            sort=lines,
            axis=plain_axis(_("Purchase days")),
            scale=alt.Scale(domain=lines, paddingInner=0.05, paddingOuter=0),
        ),
        tooltip=[
            tooltip("count", _("Customers")),
            tooltip("worth", _("Mean value") if result.has_values else _("Probably active")),
            tooltip("total", _("Of the whole cell")),
            tooltip("alive", _("Probably active")),
        ],
    )
    most = max((row["value"] for row in rows if row["value"] is not None), default=1.0) or 1.0
    filled, blank = base.transform_filter("isValid(datum.value)"), base.transform_filter("!isValid(datum.value)")
    ink, size = cell_text_color("value"), alt.ExprRef("width < 420 ? 11 : 15")
    layers = [
        filled.mark_rect(cornerRadius=3).encode(color=alt.Color("value:Q", scale=ramp_scale(0, most), legend=None)),
        blank.mark_rect(cornerRadius=3, color=neutral("hair")),
        blank.mark_text(color=neutral("muted")).encode(text="count:N"),
        filled.mark_text(dy=-9, fontSize=size, fontWeight=600, color=ink).encode(text="worth:N"),
        filled.mark_text(dy=11, color=ink).encode(text="count:N"),
    ]
    return finish(alt.layer(*layers), _, height=MAP)


def _worth(result: ValueResult, row: dict[str, Any], _: Words) -> str:
    return each(result, row["clv_mean"], _) if result.has_values else _.percent(row["p_alive"])


def _range(low: float | None, high: float | None, _: Words) -> str:
    if low is None or high is None:
        return _("up to {n}", n=_.number(high)) if low is None else _("over {n}", n=_.number(low))
    return _.number(low) if low == high else _.span(_.number(low), _.number(high))


def value_grid_finding(result: ValueResult, _: Words) -> str:
    """The cell that holds most of what is to come."""
    held = result.rfm_grid.filter(pl.col("n_customers") >= PRIVACY_LIMIT)
    if held.is_empty() or not result.has_values or not (result.total_clv or 0) > 0:
        return _("Recent and frequent customers are the likeliest to stay")
    first = held.sort("clv_total", descending=True).row(0, named=True)
    return _(
        "{few} of customers in one cell hold {share} of the future",
        few=_.percent(first["n_customers"] / result.n_customers),
        share=_.percent(first["clv_total"] / result.total_clv),
    )


def value_grid_note(result: ValueResult, _: Words) -> str:
    if not result.has_values:
        return _(
            "In each cell the share probably active, and customers. Cells under {k} tell neither.", k=PRIVACY_LIMIT
        )
    return _(
        "In each cell the mean value of a customer over {months}, and how many they are. Cells of fewer than {k} "
        "customers tell neither.",
        months=months(result.horizon_days, _),
        k=PRIVACY_LIMIT,
    )


# --- iso-value curves ------------------------------------------------------------------------------------------------


def has_surface(result: ValueResult) -> bool:
    """Whether the model tells the value of any recency and frequency."""
    return result.iso_value.height > 0


def iso_value(result: ValueResult, _: Words) -> Spec:
    """Value by weeks of silence and number of purchases for the same time as a customer; lines of equal value."""
    worth = _worth_column(result)
    surface = _surface(result)
    xs = surface["x"].unique().sort().to_list()
    steps = surface["silence"].unique().sort().to_list()
    width = max((high - low for low, high in itertools.pairwise(steps)), default=1.0)
    tall = max((high - low for low, high in itertools.pairwise(xs)), default=1.0)
    rows: Rows = [
        {
            "x": max(row["silence"] - width / 2, 0.0),
            "x2": row["silence"] + width / 2,
            "y": row["x"] - tall / 2,
            "y2": row["x"] + tall / 2,
            "value": row[worth],
            "worth": each(result, row[worth], _),
            "silence": _.number(row["silence"], 1),
            "repeats": _.number(row["x"]),
            "alive": _.percent(row["p_alive"]),
        }
        for row in surface.iter_rows(named=True)
    ]
    span = [0, max(steps, default=1.0)]
    x = alt.X(
        "x:Q",
        axis=alt.Axis(title=_("Weeks since the last purchase"), grid=False, tickCount=6),
        scale=alt.Scale(domain=span, nice=False, clamp=True),
    )
    y = alt.Y(
        "y:Q",
        axis=alt.Axis(title=_("Repeat purchases"), grid=False, tickCount=6),
        scale=alt.Scale(domain=[xs[0] - tall / 2, xs[-1] + tall / 2], nice=False),
    )
    cells = chart_of(rows).encode(
        x=x,
        x2="x2:Q",
        y=y,
        y2="y2:Q",
        tooltip=[
            tooltip("worth", worth_title(result, _)),
            tooltip("repeats", _("Repeat purchases")),
            tooltip("silence", _("Weeks since the last purchase")),
            tooltip("alive", _.label("field", "p_alive")),
        ],
    )
    most = max((row["value"] for row in rows), default=1.0) or 1.0
    curves, ends = _curves(result, surface)
    written: Rows = [{**end, "text": round_amount(result, end["level"], _)} for end in ends]
    line = chart_of(curves).encode(x=x, y=y, detail="level:N", order="y:Q")
    label = chart_of(written).encode(x=x, y=y, text="text:N")
    layers = [
        cells.mark_rect().encode(color=alt.Color("value:Q", scale=ramp_scale(0, most), legend=None)),
        line.mark_line(color=neutral("paper"), strokeWidth=3.5, opacity=0.7, interpolate="monotone"),
        line.mark_line(color=neutral("ink"), strokeWidth=1.6, interpolate="monotone"),
        label.mark_text(align="left", dx=5, dy=-7, fontWeight=600, stroke=neutral("paper"), strokeWidth=3),
        label.mark_text(align="left", dx=5, dy=-7, fontWeight=600, color=neutral("ink")),
    ]
    return finish(alt.layer(*layers), _, height=MAP)


def _worth_column(result: ValueResult) -> str:
    return "clv" if result.has_values else "expected_orders"


def _surface(result: ValueResult) -> pl.DataFrame:
    """The surface by weeks of silence, with no more cells than can be told apart."""
    held = result.iso_value.filter(pl.col("x") > 0).with_columns(silence=pl.col("T_weeks") - pl.col("t_x_weeks"))
    # What is worth next to nothing whatever happened before needs no room.
    reach = held.group_by("silence").agg(pl.col(_worth_column(result)).max().alias("best")).sort("silence")
    far = reach.filter(pl.col("best") > FLAT * float(reach["best"].max() or 0.0))["silence"].max()  # type: ignore[arg-type]  # a scalar: Polars types any literal
    held = held.filter(pl.col("silence") <= far)
    xs, steps = held["x"].unique().sort(), held["silence"].unique().sort()
    xs = xs.gather_every(max(1, -(-xs.len() // MOST_LINES)))
    steps = steps.gather_every(max(1, -(-steps.len() // MOST_COLUMNS)))
    return held.filter(pl.col("x").is_in(xs.implode()), pl.col("silence").is_in(steps.implode())).sort("x", "silence")


def levels(low: float, high: float) -> list[float]:
    """At most ``MOST_CURVES`` round values between ``low`` and ``high``, the largest first."""
    if not high > 0:
        return []
    exponent = math.floor(math.log10(high))
    found = [step * 10.0**power for power in range(exponent, exponent - 4, -1) for step in reversed(NICE)]
    return [value for value in found if max(low, 0.0) < value < high * 0.98][:MOST_CURVES]


def _curves(result: ValueResult, surface: pl.DataFrame) -> tuple[Rows, Rows]:
    """Points of equal value, one per number of purchases (value only falls with silence), and where to write each."""
    worth = _worth_column(result)
    curves: Rows = []
    ends: Rows = []
    lowest = float(surface[worth].min() or 0.0)  # type: ignore[arg-type]  # a scalar: Polars types any literal
    for value in levels(lowest, float(surface[worth].max() or 0.0)):  # type: ignore[arg-type]  # a scalar: Polars types any literal
        points: Rows = []
        for (x,), row in surface.group_by("x", maintain_order=True):
            silence, heights = row["silence"].to_list(), row[worth].to_list()
            for i in range(len(silence) - 1):
                above, below = heights[i], heights[i + 1]
                if above >= value > below:
                    # Value falls about exponentially with silence.
                    part = math.log(above / value) / math.log(above / max(below, 1e-12))
                    at = silence[i] + part * (silence[i + 1] - silence[i])
                    points.append({"x": at, "y": float(x), "level": value})
                    break
        if len(points) > 1:
            curves += points
            ends.append(max(points, key=lambda point: point["x"]))
    return curves, ends


def iso_value_finding(result: ValueResult, _: Words) -> str:
    """Where much buying and then silence is worth less than little buying."""
    worth = _worth_column(result)
    surface = _surface(result)
    for (silence,), row in surface.sort("silence", "x").group_by("silence", maintain_order=True):
        best = row.sort(worth, descending=True).row(0, named=True)
        last = row.sort("x").row(-1, named=True)
        if best["x"] < last["x"] and last[worth] < 0.7 * best[worth]:
            return _(
                "After {weeks} quiet weeks {few} repeats are worth more than {many}",
                weeks=_.number(silence),
                few=best["x"],
                many=last["x"],
            )
    return _("More purchases, and more recent ones, are worth more")


def iso_value_note(result: ValueResult, _: Words) -> str:
    held = result.iso_value["T_weeks"]
    return _(
        "First purchase {weeks} weeks ago, mean order value, as {model} sees it. Lines join equal value; where they "
        "bend back, frequent buyers who fell silent are worth less.",
        weeks=_.number(held[0]),
        model=source_name(result, _),
    )


# --- the Pareto of future value --------------------------------------------------------------------------------------


def pareto(result: ValueResult, _: Words) -> Spec:
    """Share of future value held by the most valuable customers; dotted: if all were worth the same."""
    held = result.pareto.sort("customer_share")
    rows: Rows = [
        {
            "customers": row["customer_share"],
            "value": row["value_share"],
            "text": _(
                "{customers} of customers: {revenue}",
                customers=_.percent(row["customer_share"]),
                revenue=_.percent(row["value_share"], 1),
            ),
        }
        for row in held.iter_rows(named=True)
    ]
    marks: Rows = []
    for top in (0.05, 0.2, 0.5):
        reached = held.filter(pl.col("customer_share") >= top - 1e-9)
        if not reached.is_empty():
            share = float(reached["value_share"][0])
            text = _("{top}: {share}", top=_.percent(top), share=_.percent(share))
            marks.append({"x": top, "y": share, "text": text})
    axis = alt.Axis(title=_("Share of customers, the most valuable first"), grid=False, tickCount=5, format=".0%")
    base = chart_of(rows).encode(
        x=alt.X("customers:Q", axis=axis, scale=alt.Scale(domain=[0, 1])),
        y=alt.Y("value:Q", axis=value_axis(_, percent=True), scale=alt.Scale(domain=[0, 1])),
        tooltip=[tooltip("text", _("Share of future value"))],
    )
    alike = chart_of([{"x": 0, "y": 0}, {"x": 1, "y": 1}]).mark_line(color=neutral("muted"), strokeDash=BASELINE_DASH)
    points = chart_of(marks).encode(x="x:Q", y="y:Q")
    layers = [
        base.mark_area(color=neutral("accent"), opacity=0.16),
        base.mark_line(color=neutral("accent"), strokeWidth=2),
        alike.encode(x="x:Q", y="y:Q"),
        points.mark_point(filled=True, size=60, opacity=1, color=neutral("accent")),
        points.mark_text(align="left", dx=9, dy=9, color=neutral("ink")).encode(text="text:N"),
    ]
    return finish(alt.layer(*layers), _, height=MAP)


def pareto_finding(result: ValueResult, _: Words) -> str:
    few = top_share(result)
    if few is None:
        return _("No value is expected from anybody")
    return _("A fifth of customers hold {share} of the future", share=_.percent(few))


def pareto_note(result: ValueResult, _: Words) -> str:
    return _(
        "Expected value over {months}, added up from the most valuable customer on. Expectations differ less than what "
        "happens: luck adds to it.",
        months=months(result.horizon_days, _),
    )
