"""The gaps between orders, and the present silence."""

from __future__ import annotations

from typing import Any

import altair as alt

from analytics.charts.theme import (
    Spec,
    chart_of,
    finish,
    neutral,
    tooltip,
)
from analytics.i18n import Words
from analytics.portrait import Portrait


def rhythm_sentence(portrait: Portrait, _: Words) -> str:
    """The present silence against the customer's own gaps."""
    rhythm = portrait.rhythm
    if rhythm is None:
        return ""
    if rhythm.state == "unknown":
        return _(
            "Silent for {days} days; with {n} gaps between orders there is no rhythm to compare with.",
            days=rhythm.silence_days,
            n=rhythm.n_gaps,
        )
    span = _.span(_.number(rhythm.low_days), _.number(rhythm.high_days))
    if rhythm.state == "overdue":
        return _(
            "Silent for {days} days, longer than each of the {n} gaps before; the usual gap is {span} days.",
            days=rhythm.silence_days,
            n=rhythm.n_gaps,
            span=span,
        )
    if rhythm.state == "late":
        return _(
            "Silent for {days} days, longer than {shorter} of {n} gaps before; the usual gap is {span} days.",
            days=rhythm.silence_days,
            shorter=rhythm.n_shorter,
            n=rhythm.n_gaps,
            span=span,
        )
    return _("Silent for {days} days; the usual gap is {span} days.", days=rhythm.silence_days, span=span)


def has_rhythm(portrait: Portrait) -> bool:
    return portrait.rhythm is not None and portrait.rhythm.state != "unknown"


def rhythm(portrait: Portrait, _: Words) -> Spec:
    """Every gap between order days as a dot, their middle half as a band, the present silence as a rule."""
    held = portrait.rhythm
    if held is None:
        return finish(chart_of([]).mark_point(), _, height=112)
    reach = max([held.silence_days, *portrait.gaps["days"].to_list(), 1])
    scale = alt.Scale(domain=[0, reach * 1.08], nice=False)
    axis = alt.Axis(title=_("Days between orders"), tickCount=6, grid=True)
    x = alt.X("days:Q", scale=scale, axis=axis)
    rows = [
        {"days": row["days"], "day": _.day(row["day"]), "lift": (i * 7919) % 5 - 2}
        for i, row in enumerate(portrait.gaps.iter_rows(named=True))
    ]
    layers: list[Any] = []
    if held.low_days is not None:
        band = {"days": held.low_days, "to": held.high_days}
        layers.append(
            chart_of([band]).mark_rect(color=neutral("accent"), opacity=0.16, cornerRadius=3).encode(x=x, x2="to:Q")
        )
    dots = chart_of(rows).mark_point(filled=True, size=60, color=neutral("accent"), opacity=0.6)
    layers.append(
        dots.encode(
            x=x,
            y=alt.Y("lift:Q", axis=None, scale=alt.Scale(domain=[-4.5, 5.5])),
            tooltip=[tooltip("days", _("Days")), tooltip("day", _("Order of"))],
        )
    )
    now = chart_of([{"days": held.silence_days, "text": _("now: {n} days", n=held.silence_days)}])
    late = held.silence_days > reach * 0.7
    layers += [
        now.mark_rule(color=neutral("ink"), strokeWidth=2).encode(x=x),
        now.mark_text(align="right" if late else "left", dx=-6 if late else 6, baseline="top", fontWeight=600).encode(
            x=x, y=alt.value(2), text="text:N"
        ),
    ]
    return finish(alt.layer(*layers), _, height=150)


def rhythm_finding(portrait: Portrait, _: Words) -> str:
    held = portrait.rhythm
    if held is None:
        return _("No order yet")
    match held.state:
        case "overdue":
            return _("Overdue: silent for longer than ever before")
        case "late":
            return _("Late: silent for longer than usual")
        case "on_time":
            return _("On time: no longer silent than usual")
    return _("Too few orders for a rhythm")


def rhythm_note(portrait: Portrait, _: Words) -> str:
    held = portrait.rhythm
    return _(
        "Each dot is one of {n} gaps between order days, the band their middle half; the line is the silence now.",
        n=held.n_gaps if held is not None else 0,
    )
