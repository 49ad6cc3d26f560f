"""How long a purchase takes, and visits by week."""

from __future__ import annotations

import altair as alt

from analytics.charts.theme import (
    BAND_95,
    Spec,
    category_scale,
    chart_of,
    finish,
    neutral,
    plain_axis,
    time_axis,
    tooltip,
    value_axis,
)
from analytics.charts.usage.wording import space
from analytics.i18n import Words
from analytics.usage import UsageResult


def waits(result: UsageResult, _: Words) -> Spec:
    """Share who have bought by each session since they came or last bought, with its band."""
    names = {"first": _("A first purchase"), "next": _("Next purchase")}
    held = result.wait_curve.filter(unit="sessions")
    rows = [
        {
            "kind": names[row["kind"]],
            "value": row["value"],
            "share": row["share"],
            "lo": row["lo"],
            "hi": row["hi"],
            "text": _.percent(row["share"]),
            "interval": _.span(_.percent(row["lo"]), _.percent(row["hi"])),
            "n": _.number(row["n_at_risk"]),
        }
        for row in held.iter_rows(named=True)
    ]
    base = chart_of(rows).encode(
        x=alt.X("value:O", axis=plain_axis(_("Session"), labelAngle=0)),
        color=alt.Color(
            "kind:N",
            scale=category_scale(list(names.values())),
            legend=alt.Legend(symbolOpacity=1, symbolType="circle"),
        ),
        tooltip=[
            tooltip("kind", _("Purchase")),
            tooltip("value", _("Session")),
            tooltip("text", _("Bought by then")),
            tooltip("interval", _("95% interval")),
            tooltip("n", _.label("field", "n_at_risk")),
        ],
    )
    y = alt.Y("share:Q", axis=value_axis(_, percent=True), scale=alt.Scale(domain=[0, 1]))
    layers = alt.layer(
        base.mark_area(opacity=BAND_95).encode(y=alt.Y("lo:Q", axis=value_axis(_, percent=True)), y2="hi:Q"),
        base.mark_line(strokeWidth=2).encode(y=y),
        base.mark_point(filled=True, size=42, opacity=1).encode(y=y),
    )
    return finish(layers, _)


def waits_finding(result: UsageResult, _: Words) -> str:
    row = next(iter(result.waits.filter(kind="next").to_dicts()), None)
    if row is None or row["median_sessions"] is None:
        return _("Fewer than half have bought again so far")
    return _.ngettext(
        "Half buy again within {n} session",
        "Half buy again within {n} sessions",
        row["median_sessions"],
    )


def waits_note(result: UsageResult, _: Words) -> str:
    """What is counted and who is not in it."""
    parts = [
        _(
            "Share who have bought by their n-th session: after coming new, and after a purchase. Visits that have led "
            "to no purchase yet count for as long as they were seen. Band: 95%."
        )
    ]
    row = next(iter(result.waits.filter(kind="next").to_dicts()), None)
    if row is not None and row["median_days"] is not None:
        parts.append(
            _.ngettext(
                "From the first of these sessions, the median is {n} day.",
                "From the first of these sessions, the median is {n} days.",
                row["median_days"],
            )
        )
    return space(_).join(parts)


def weeks(result: UsageResult, _: Words) -> Spec:
    """Sessions a week; weeks that the period cuts are pale."""
    rows = [
        {
            "at": f"{row['week'].isoformat()}T00:00:00",
            "week": _.day(row["week"]),
            "n": row["n_sessions"],
            "text": _.number(row["n_sessions"]),
            "customers": _.number(row["n_customers"]),
            "whole": row["complete"],
        }
        for row in result.weeks.iter_rows(named=True)
    ]
    base = chart_of(rows).encode(
        x=alt.X("at:T", axis=time_axis(_)),
        y=alt.Y("n:Q", axis=value_axis(_), scale=alt.Scale(zero=True)),
        tooltip=[
            tooltip("week", _.label("field", "week")),
            tooltip("text", _("Sessions")),
            tooltip("customers", _("Customers")),
        ],
    )
    whole = base.transform_filter("datum.whole")
    layers = alt.layer(
        whole.mark_area(opacity=0.14, color=neutral("accent"), interpolate="monotone"),
        whole.mark_line(color=neutral("accent"), strokeWidth=2, interpolate="monotone"),
        base.transform_filter("!datum.whole").mark_point(color=neutral("muted"), size=40),
    )
    return finish(layers, _, height=260)


def weeks_finding(result: UsageResult, _: Words) -> str:
    whole = result.weeks.filter("complete")
    if whole.is_empty():
        return _("No whole week yet")
    return _("{n} sessions in a usual week", n=round(float(whole["n_sessions"].median())))  # type: ignore[arg-type]  # a scalar: Polars types any literal


def weeks_note(result: UsageResult, _: Words) -> str:
    return _("Sessions a week; a ring is a week that is not whole.")
