"""One customer's timeline: a lane for each kind of thing that happened, the stages above, the as-of day as a rule."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any

import altair as alt
import polars as pl

from analytics.charts.portrait import word
from analytics.charts.theme import (
    Spec,
    category_scale,
    chart_of,
    finish,
    neutral,
    plain_axis,
    time_axis,
    tooltip,
)
from analytics.i18n import Words
from analytics.portrait import LANES, Portrait

MOST_MOMENTS = 1500
# Stages in their order: as on every chart, stage i has colour i.
STAGES = ("acquaintance", "first_purchase", "active_use", "loyalty", "lapsed")
_LANE_HEIGHT = 46
TABLES = {"orders": "transactions", "returns": "transactions", "visits": "events"} | {
    lane: lane for lane in ("contacts", "feedback", "campaigns", "survey")
}


def timeline(portrait: Portrait, _: Words) -> Spec:
    """All that happened on one time axis, a lane for each kind; the stages above, the as-of day as a rule."""
    begin, end = _span(portrait)
    moments = _shown(portrait)
    lanes = [lane for lane in LANES if moments.filter(lane=lane).height]
    spells = portrait.spells.filter(pl.col("end") >= begin)
    stage_lane = _("Stage")
    named = {lane: _.label("lane", lane) for lane in lanes}
    since = {row["table"]: row["since"].date() for row in portrait.tables.to_dicts() if row["since"] is not None}
    order = ([stage_lane] if spells.height else []) + list(named.values())
    x = alt.X("at:T", axis=time_axis(_), scale=alt.Scale(domain=[_at(begin), _at(end)]))
    y = alt.Y(
        "lane:N",
        sort=order,
        scale=alt.Scale(domain=order, paddingInner=0.3, paddingOuter=0.36),
        axis=plain_axis(labelLimit=150, labelPadding=12),
    )
    layers: list[Any] = [
        chart_of(
            [
                {"lane": name, "at": _at(max(begin, since.get(TABLES[lane], begin))), "to": _at(end)}
                for lane, name in named.items()
            ]
        )
        .mark_rule(color=neutral("quiet"), strokeWidth=1)
        .encode(x=x, x2="to:T", y=y)
    ]
    if spells.height:
        layers.append(_stages(spells, begin, stage_lane, x, y, _))
    layers += _due(portrait, begin, end, named, x, y, _)
    for lane in lanes:
        rows = [_moment(row, named[lane], portrait, _) for row in moments.filter(lane=lane).iter_rows(named=True)]
        layers += _lane(lane, rows, x, y, _)
    layers += _as_of(portrait, x, _)
    chart = alt.layer(*layers).resolve_scale(color="independent", shape="independent")
    return finish(chart, _, height=64 + _LANE_HEIGHT * max(len(order), 1))


def _span(portrait: Portrait) -> tuple[date, date]:
    begin = portrait.first_day or portrait.as_of
    if portrait.spells.height:
        begin = min(begin, portrait.spells["start"][0])
    if portrait.spec.timeline_days is not None:
        begin = max(begin, portrait.as_of - timedelta(days=portrait.spec.timeline_days))
    due = portrait.rhythm.due_to if portrait.rhythm is not None else None
    end = max(portrait.as_of, due) if due is not None else portrait.as_of
    room = max((end - begin).days // 40, 3)
    return begin - timedelta(days=room), end + timedelta(days=room)


def _shown(portrait: Portrait) -> pl.DataFrame:
    begin = datetime.combine(_span(portrait)[0], datetime.min.time())
    return portrait.moments.filter(pl.col("at") >= begin).tail(MOST_MOMENTS)


def _moment(row: dict[str, Any], lane: str, portrait: Portrait, _: Words) -> dict[str, Any]:
    """One mark: where, its size or colour, and what its tooltip says."""
    at, value = row["at"], row["value"]
    what = "" if row["what"] is None else word(row["what"], _)
    detail = row["detail"] or ""
    kind = row["lane"]
    figure = ""
    if kind in ("orders", "returns"):
        figure = "" if value is None else _.money(value, portrait.currency)
    elif kind == "visits":
        figure = _.ngettext("{n} visit this week", "{n} visits this week", round(value))
    elif kind == "feedback" and value is not None:
        figure = _("rating {n}", n=_.number(value, 0 if float(value).is_integer() else 1))
    elif kind == "contacts" and value is not None:
        figure = _("resolved") if value else _("not resolved")
    elif kind == "campaigns" and value is not None:
        figure = _("responded") if value else _("no response")
    if kind in ("contacts", "campaigns"):
        detail = word(detail, _) if detail else ""
    elif kind == "feedback":
        detail = ""
    return {
        "lane": lane,
        "at": at.isoformat(),
        "to": (at + timedelta(days=7)).isoformat(),
        "day": _.day(at.date()),
        "value": value,
        "flag": bool(value) if value is not None else None,
        "rating": _.number(value, 0 if value is not None and float(value).is_integer() else 1),
        "figure": figure or what or lane,
        "what": what,
        "detail": detail,
        "n": row["n"],
    }


def _lane(kind: str, rows: list[dict[str, Any]], x: alt.X, y: alt.Y, _: Words) -> list[Any]:
    tips = [
        tooltip("lane", _("What")),
        tooltip("day", _("Day") if kind != "visits" else _.label("field", "week")),
        tooltip("figure", _("How much")),
    ]
    if any(row["what"] for row in rows):
        tips.append(tooltip("what", _("Which")))
    if any(row["detail"] for row in rows):
        tips.append(tooltip("detail", _("More")))
    largest = max((abs(row["value"] or 0.0) for row in rows), default=0.0) or 1.0
    for row in rows:
        # The area is the amount: a circle of twice the money has twice the area.
        row["size"] = 36 + 560 * abs(row["value"] or 0.0) / largest if kind in ("orders", "returns") else 110
        row["depth"] = 0.25 + 0.7 * abs(row["value"] or 0.0) / largest
    base = chart_of(rows).encode(x=x, y=y, tooltip=tips)
    size = alt.Size("size:Q", scale=None)
    match kind:
        case "orders":
            return [
                base.mark_point(
                    filled=True, color=neutral("accent"), opacity=0.72, stroke=neutral("paper"), strokeWidth=1
                ).encode(size=size)
            ]
        case "returns":
            return [base.mark_point(filled=False, color=neutral("muted"), opacity=1, strokeWidth=1.6).encode(size=size)]
        case "visits":
            bars = base.mark_bar(height=16, color=neutral("accent"), cornerRadius=1)
            return [bars.encode(x2="to:T", opacity=alt.Opacity("depth:Q", scale=None))]
        case "contacts":
            done = base.transform_filter("datum.flag !== false")
            open_ = base.transform_filter("datum.flag === false")
            return [
                done.mark_point(filled=True, shape="diamond", color=neutral("muted"), size=110, opacity=1),
                open_.mark_point(filled=True, shape="diamond", color=neutral("bad"), size=130, opacity=1),
            ]
        case "feedback":
            most = max((row["value"] for row in rows if row["value"] is not None), default=5.0)
            low, high = (2, 4) if most <= 5 else (4, 8)
            tones = {
                "bad": f"datum.value !== null && datum.value <= {low}",
                "muted": f"datum.value === null || (datum.value > {low} && datum.value < {high})",
                "accent": f"datum.value >= {high}",
            }
            rings = [
                base.transform_filter(holds).mark_point(
                    filled=True, size=300, opacity=1, fill=neutral("paper"), stroke=neutral(tone), strokeWidth=2
                )
                for tone, holds in tones.items()
            ]
            return [*rings, base.transform_filter("datum.value !== null").mark_text().encode(text="rating:N")]
        case "campaigns":
            yes = base.transform_filter("datum.flag === true")
            no = base.transform_filter("datum.flag !== true")
            return [
                no.mark_point(filled=False, shape="triangle-right", color=neutral("muted"), size=110, opacity=1),
                yes.mark_point(filled=True, shape="triangle-right", color=neutral("accent"), size=150, opacity=1),
            ]
    return [base.mark_point(filled=True, shape="square", color=neutral("muted"), size=90, opacity=1)]


def _stages(spells: pl.DataFrame, begin: date, lane: str, x: alt.X, y: alt.Y, _: Words) -> Any:
    names = {stage: f"{i} · {_.label('stage', stage)}" for i, stage in enumerate(STAGES, start=1)}
    rows = [
        {
            "lane": lane,
            "at": _at(max(row["start"], begin)),
            "to": _at(row["end"]),
            "stage": names.get(row["stage"], row["stage"]),
            "day": _("{start} to {end}", start=row["start"], end=row["end"]),
        }
        for row in spells.iter_rows(named=True)
    ]
    shown = [name for name in names.values() if any(row["stage"] == name for row in rows)]
    return (
        chart_of(rows)
        .mark_bar(height=18, cornerRadius=2)
        .encode(
            x=x,
            x2="to:T",
            y=y,
            color=alt.Color(
                "stage:N",
                scale=category_scale(list(names.values())),
                legend=alt.Legend(values=shown, columns=alt.ExprRef("width < 420 ? 2 : 5"), symbolType="square"),
            ),
            tooltip=[tooltip("stage", _("Stage")), tooltip("day", _("From and to"))],
        )
    )


def _due(
    portrait: Portrait, begin: date, end: date, named: Mapping[str, str], x: alt.X, y: alt.Y, _: Words
) -> list[Any]:
    """When the next order would come at the customer's own rhythm: a pale window in the lane of orders."""
    rhythm = portrait.rhythm
    if rhythm is None or rhythm.due_from is None or rhythm.due_to is None or "orders" not in named:
        return []
    if rhythm.due_to < begin:
        return []
    row = {
        "lane": named["orders"],
        "at": _at(max(rhythm.due_from, begin)),
        "to": _at(rhythm.due_to + timedelta(days=1)),
        "text": _("{start} to {end}", start=rhythm.due_from, end=rhythm.due_to),
    }
    window = chart_of([row]).mark_bar(height=30, cornerRadius=4, color=neutral("accent"), opacity=0.2)
    return [window.encode(x=x, x2="to:T", y=y, tooltip=[tooltip("text", _("Next order at this rhythm"))])]


def _as_of(portrait: Portrait, x: alt.X, _: Words) -> list[Any]:
    row = {"at": _at(portrait.as_of), "text": _("as of {day}", day=portrait.as_of)}
    base = chart_of([row]).encode(x=x)
    return [
        base.mark_rule(color=neutral("ink"), strokeDash=[2, 3], strokeWidth=1),
        base.mark_text(align="right", baseline="bottom", dx=-5, color=neutral("muted")).encode(
            y=alt.value(alt.ExprRef("height - 1")), text="text:N"
        ),
    ]


def timeline_finding(portrait: Portrait, _: Words) -> str:
    """How much happened in how long."""
    begin = portrait.first_day
    n = int(portrait.moments.filter(lane="orders").height)
    if begin is None:
        return _("Nothing with a date is known")
    months = max(round((portrait.as_of - begin).days / 30.4), 1)
    if not n:
        return _.ngettext("No order in {n} month", "No order in {n} months", months)
    return _.ngettext("{orders} orders in {n} month", "{orders} orders in {n} months", months, orders=n)


def timeline_note(portrait: Portrait, _: Words) -> str:
    """What the marks are; only those that are there are told."""
    held = set(portrait.moments["lane"])
    parts = []
    if "orders" in held:
        parts.append(_("Orders: the area is the amount."))
        if portrait.rhythm is not None and portrait.rhythm.due_from is not None:
            parts.append(_("Pale window: the next order at the customer's own rhythm (middle half of the gaps)."))
    if "visits" in held:
        parts.append(_("Visits by week, darker for more."))
    starts = {row["since"].date() for row in portrait.tables.to_dicts() if row["since"] is not None and row["n_rows"]}
    if len(starts) > 1:
        parts.append(_("A lane's line begins where its data do."))
    if "contacts" in held:
        parts.append(_("Red: a contact that was not resolved."))
    if "campaigns" in held:
        parts.append(_("Filled triangle: responded."))
    if portrait.moments.height > MOST_MOMENTS:
        parts.append(_("The latest {n} are drawn.", n=MOST_MOMENTS))
    return _space(_).join(parts)


def _at(day: date) -> str:
    return f"{day.isoformat()}T00:00:00"


def _space(_: Words) -> str:
    return " " if _.language == "en" else ""
