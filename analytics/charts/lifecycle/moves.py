"""Steps between stages, and what each month gains and loses."""

from __future__ import annotations

from typing import Any

import altair as alt
import polars as pl

from analytics.charts.lifecycle.parts import (
    BUYING,
    percent,
    quoted,
    short_labels,
    space,
    stage_names,
)
from analytics.charts.theme import (
    STANDARD,
    Spec,
    category_scale,
    cell_text_color,
    chart_of,
    finish,
    label_expr,
    neutral,
    plain_axis,
    ramp_scale,
    tooltip,
)
from analytics.i18n import Words
from analytics.lifecycle import OUTSIDE, LifecycleResult


def transitions(result: LifecycleResult, _: Words) -> Spec:
    """From stage (rows) to stage (columns): mean share a month. The diagonal, who stayed, is neutral."""
    names = stage_names(_, result.rules.kind)
    hidden = set(result.stages.filter(~pl.col("observable"))["stage"])
    rows = []
    for row in result.transitions.iter_rows(named=True):
        start, end, share = row["from_stage"], row["to_stage"], row["share_mean"]
        if OUTSIDE in (start, end) or start in hidden or end in hidden:
            continue
        cell = "blank" if share is None else "stay" if start == end else "move" if row["n_mean"] else "none"
        rows.append(
            {
                "from": names[start],
                "to": names[end],
                "cell": cell,
                "share": share,
                "text": "" if share is None else percent(share, _),
                "mean": _.number(row["n_mean"], 1 if (row["n_mean"] or 0) < 10 else 0),
            }
        )
    shown = [name for stage, name in names.items() if stage not in hidden]
    highest = max((row["share"] for row in rows if row["cell"] == "move"), default=0.0) or 0.01
    base = chart_of(rows).encode(
        x=alt.X(
            "to:N",
            sort=shown,
            scale=alt.Scale(domain=shown, padding=0.03),
            axis=plain_axis(
                _("To, a month later"), orient="top", labelAngle=0, labelOverlap=False, labelExpr=short_labels(shown)
            ),
        ),
        y=alt.Y("from:N", sort=shown, scale=alt.Scale(domain=shown, padding=0.03), axis=plain_axis(labelLimit=160)),
        tooltip=[
            tooltip("from", _.label("field", "from_stage")),
            tooltip("to", _.label("field", "to_stage")),
            tooltip("text", _("Share a month")),
            tooltip("mean", _("Customers a month")),
        ],
    )
    moves = base.transform_filter("datum.cell == 'move'")
    still = base.transform_filter("datum.cell == 'stay'")
    layers = alt.layer(
        still.mark_rect(color=neutral("hair")),
        still.mark_text(color=neutral("ink")).encode(text="text:N"),
        moves.mark_rect().encode(color=alt.Color("share:Q", scale=ramp_scale(0, highest), legend=None)),
        moves.mark_text(color=cell_text_color("share")).encode(text="text:N"),
        base.transform_filter("datum.cell == 'none'").mark_text(text="–", color=neutral("muted")),
    )
    return finish(layers, _, height=STANDARD)


def transitions_finding(result: LifecycleResult, _: Words) -> str:
    """How many first-time buyers order again in a month."""
    if result.rules.kind == "subscription":
        return _leaving_finding(result, _)
    row = result.transitions.filter(pl.col("from_stage") == "first_purchase")
    again = row.filter(pl.col("to_stage").is_in(["active_use", "loyalty"]))["share_mean"]
    if not result.n_transition_months or again.null_count():
        return _("No first-time buyer could be followed for a month")
    return _("{share} of first-time buyers order again each month", share=percent(float(again.sum()), _))


def _leaving_finding(result: LifecycleResult, _: Words) -> str:
    """Of those who were subscribed, how many leave in a month."""
    moves = result.transitions.filter(pl.col("from_stage").is_in(BUYING))
    total = float(moves["n_mean"].sum() or 0)
    if not result.n_transition_months or not total:
        return _("No subscriber could be followed for a month")
    gone = float(moves.filter(to_stage="lapsed")["n_mean"].sum())
    return _("{share} of subscribers leave each month", share=percent(gone / total, _))


def transitions_note(result: LifecycleResult, _: Words) -> str:
    """What the cells are and over how many months."""
    return _.ngettext(
        "Of the customers in a row's stage: share in each stage a month later, {n} month. Gray: stayed.",
        "Of the customers in a row's stage: share in each stage a month later, mean of {n} months. Gray: stayed.",
        result.n_transition_months,
    )


def movement(result: LifecycleResult, _: Words) -> Spec:
    """Each month's gains above zero and losses below; those who stayed are a line of figures in the tooltip."""
    names = stage_names(_, result.rules.kind)
    arrives = {"new": names["first_purchase"], "resurrected": names["active_use"], "lost": names["lapsed"]}
    rows: list[dict[str, Any]] = []
    for row in result.movement.iter_rows(named=True):
        for part, colour in arrives.items():
            n = row[f"n_{part}"]
            rows.append(
                {
                    "month": _.month(row["month"]),
                    "colour": colour,
                    "part": _.label("movement", part),
                    "n": -n if part == "lost" else n,
                    "order": list(arrives).index(part),
                    "text": _.number(n),
                    "stayed": _.number(row["n_retained"]),
                    "active": _.number(row["n_active"]),
                }
            )
    net = [
        {"month": _.month(row["month"]), "n": row["n_active"] - row["n_active_before"]}
        for row in result.movement.iter_rows(named=True)
    ]
    net = [{**row, "text": _.signed(row["n"])} for row in net]
    words = {colour: _.label("movement", part) for part, colour in arrives.items()}
    renamed = "".join(f"datum.label == {quoted(colour)} ? {quoted(word)} : " for colour, word in words.items())
    base = chart_of(rows)
    bars = base.mark_bar().encode(
        x=alt.X("month:O", sort=None, axis=plain_axis(labelAngle=0, labelOverlap="parity")),
        y=alt.Y("n:Q", stack="zero", axis=alt.Axis(title=None, tickCount=5, grid=True, labelExpr=label_expr(_))),
        color=alt.Color(
            "colour:N",
            scale=category_scale(list(names.values())),
            legend=alt.Legend(values=list(words), labelExpr=f"{renamed}datum.label"),
        ),
        order=alt.Order("order:O"),
        tooltip=[
            tooltip("month", _("Month")),
            tooltip("part", _("Movement")),
            tooltip("text", _("Customers")),
            tooltip("stayed", _.label("movement", "retained")),
            tooltip("active", _("Active at the end")),
        ],
    )
    zero = chart_of([{"n": 0}]).mark_rule(color=neutral("muted")).encode(y="n:Q")
    # The difference of the two bars: by how much the number of active customers has changed.
    ticks = chart_of(net).mark_tick(color=neutral("ink"), thickness=2, width=alt.RelativeBandSize(0.9))
    changed = ticks.encode(
        x=alt.X("month:O", sort=None),
        y="n:Q",
        tooltip=[tooltip("month", _("Month")), tooltip("text", _("Change in active customers"))],
    )
    return finish(alt.layer(bars, zero, changed), _)


def movement_finding(result: LifecycleResult, _: Words) -> str:
    """Gains and losses over the last months in which lapsing could be seen."""
    seen = result.movement.filter(pl.col("lapse_observable")).tail(12)
    if seen.is_empty():
        return _("Losses cannot be seen yet")
    gained = int((seen["n_new"] + seen["n_resurrected"]).sum())
    return _.ngettext(
        "{gained} customers gained, {lost} lost in {n} month",
        "{gained} customers gained, {lost} lost in {n} months",
        seen.height,
        gained=gained,
        lost=int(seen["n_lost"].sum()),
    )


def movement_note(result: LifecycleResult, _: Words) -> str:
    """How the month's balance is counted."""
    note = _(
        "Customers a month; the line is the change. Active = stayed + new + came back; active a month earlier = "
        "stayed + lost."
    )
    blind = result.movement.filter(~pl.col("lapse_observable"))
    if blind.is_empty() or blind.height == result.movement.height:
        return note
    first = result.movement.filter(pl.col("lapse_observable"))["month"][0]
    return note + space(_) + _("Losses are complete from {month}.", month=_.month(first))
