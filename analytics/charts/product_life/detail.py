"""One product in depth: its sales, level and stages, what was odd; and how sure its stage is."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import altair as alt
import polars as pl

from analytics.charts.behaviour.parts import space
from analytics.charts.headline import Metric
from analytics.charts.product_life.evidence import cause_text
from analytics.charts.product_life.wording import bare, change, reason, stage_name, stage_names, unit_name
from analytics.charts.theme import (
    BAND_95,
    STANDARD,
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
from analytics.i18n import Words
from analytics.product_life import STAGES, EvidenceResult, ProductLifeResult

MOST_OFFERED = 300


def offered(result: ProductLifeResult) -> dict[str, str]:
    """Products to look at, those that moved first, then by sales: unique_id -> name."""
    told = result.products.sort("moved", descending=True, maintain_order=True).head(MOST_OFFERED)
    pairs = told.select("unique_id", "product").iter_rows()
    return {unique_id: name if name == unique_id else f"{name} · {unique_id}" for unique_id, name in pairs}


def chosen(result: ProductLifeResult, wanted: str) -> str:
    """The product asked for where it is there, else the first that is offered."""
    if wanted and result.products.filter(unique_id=wanted).height:
        return wanted
    return next(iter(offered(result)))


def _row(result: ProductLifeResult, unique_id: str) -> dict[str, Any]:
    return result.products.filter(unique_id=unique_id).row(0, named=True)


def life_finding(result: ProductLifeResult, evidence: EvidenceResult, unique_id: str, _: Words) -> str:
    row = _row(result, unique_id)
    if row["stage"] is None:
        return _("{product}: too little to tell", product=bare(row["product"]))
    return _("{product}: {stage}", product=bare(row["product"]), stage=stage_name(row["stage"], _))


def life_note(result: ProductLifeResult, evidence: EvidenceResult, unique_id: str, _: Words) -> str:
    said = reason(_row(result, unique_id), result, _)
    unit = unit_name(result, _)
    if abs(result.period_months - 1) < 0.01:
        note = _("Dots: {unit} per month. Line: level with the season, and its 95% band, by stage.", unit=unit)
    else:
        note = _("Dots: {unit} per four weeks. Line: level with the season, and its 95% band, by stage.", unit=unit)
    odd = evidence.odd.filter(unique_id=unique_id).height
    marks = space(_) + _("Shaded: odd weeks.") if odd else ""
    return said + space(_) + note + marks


def life_metrics(result: ProductLifeResult, unique_id: str, _: Words) -> tuple[Metric, ...]:
    """Stage with its chance, pace, level, share of the best."""
    row = _row(result, unique_id)
    pace = _("{low} to {high}", low=change(row["change_lo"], _), high=change(row["change_hi"], _))
    known = row["stage"] is not None
    return (
        Metric(
            _("Stage"),
            stage_name(row["stage"], _),
            _("{share} sure", share=_.percent(row["probability"])) if known else "",
            "gray" if row["sure"] else "watch",
        ),
        Metric(_("Change a month"), change(row["change_monthly"], _), pace if row["change_lo"] is not None else ""),
        Metric(
            _("Level a month"),
            _.number(row["rate_monthly"], 1 if row["rate_monthly"] < 10 else 0),
            _.span(_.number(row["rate_lo"], 0), _.number(row["rate_hi"], 0)),
        ),
        Metric(_("Of its best"), _.percent(row["peak_share"]), _.month(row["peak_on"])),
    )


def life(result: ProductLifeResult, evidence: EvidenceResult, unique_id: str, _: Words) -> Spec:
    """Sales as dots, the level as a line in the colours of the stages, odd weeks shaded."""
    names = stage_names(_)
    path = result.history.filter(unique_id=unique_id).sort("ds")
    middle = timedelta(days=round(result.period_months * 15))
    known = path.filter(pl.col("stage") != "not_launched")
    rows: list[dict[str, Any]] = [
        {
            "ds": (row["ds"] + middle).isoformat(),
            "y": row["y"],
            "rate": row["rate"],
            "lo": row["rate_lo"],
            "hi": row["rate_hi"],
            "stage": names[row["stage"]],
            "day": _.day(row["ds"]),
            "sold": _.number(row["y"]),
            "expected": _.number(row["rate"], 1),
            "chance": _.percent(row["chance"]),
        }
        for row in known.iter_rows(named=True)
    ]
    # A stretch of one colour reaches to the first point of the next, so that the line has no gaps.
    runs, part = [], 0
    for i, row in enumerate(rows):
        runs.append({**row, "part": part})
        if i + 1 < len(rows) and rows[i + 1]["stage"] != row["stage"]:
            runs.append({**rows[i + 1], "stage": row["stage"], "part": part})
            part += 1
    x = alt.X("ds:T", axis=time_axis(_), scale=alt.Scale(nice=False))
    y_axis = value_axis(_, currency=result.unit if result.measure == "revenue" else None)
    colour = alt.Color(
        "stage:N",
        scale=category_scale(list(names.values())),
        legend=alt.Legend(
            values=[names[stage] for stage in STAGES if stage in set(known["stage"])],
            symbolType="stroke",
            symbolStrokeWidth=3,
            symbolOpacity=1,
        ),
    )
    line = chart_of(runs).encode(x=x, detail="part:N")
    points = chart_of(rows).encode(
        x=x,
        y=alt.Y("y:Q", axis=y_axis, scale=alt.Scale(domainMin=0)),
        tooltip=[
            tooltip("day", _("Period from")),
            tooltip("sold", _("Sold")),
            tooltip("expected", _("Level with season")),
            tooltip("stage", _("Stage")),
            tooltip("chance", _("Certainty")),
        ],
    )
    layers: list[Any] = []
    odd = [
        {
            "from": row["first_on"].isoformat(),
            "until": (row["last_on"] + timedelta(days=1)).isoformat(),
            "when": _("{first} to {last}", first=row["first_on"], last=row["last_on"]),
            "sold": _.number(row["sold"]),
            "expected": _.number(row["expected"], 1),
            "why": cause_text(row, _),
        }
        for row in evidence.odd.filter(unique_id=unique_id).iter_rows(named=True)
    ]
    if odd:
        layers.append(
            chart_of(odd)
            .mark_rect(color=neutral("bad"), opacity=0.16)
            .encode(
                x=alt.X("from:T", axis=time_axis(_)),
                x2="until:T",
                tooltip=[
                    tooltip("when", _("When")),
                    tooltip("sold", _("Sold")),
                    tooltip("expected", _("Expected")),
                    tooltip("why", _("Coincides with")),
                ],
            )
        )
    layers += [
        line.mark_area(opacity=BAND_95 + 0.06).encode(y=alt.Y("lo:Q", axis=y_axis), y2="hi:Q", color=colour),
        line.mark_line(strokeWidth=2.6).encode(y=alt.Y("rate:Q", axis=y_axis), color=colour),
        points.mark_point(filled=True, size=26, opacity=0.85, color=neutral("ink")),
    ]
    return finish(alt.layer(*layers), _, height=STANDARD)


def chances(result: ProductLifeResult, unique_id: str, _: Words) -> Spec:
    """How likely each stage is, given what was sold so far."""
    names = stage_names(_)
    held = dict(result.chances.filter(unique_id=unique_id).select("stage", "chance").iter_rows())
    rows = [
        {"stage": names[stage], "chance": held.get(stage, 0.0), "text": _.percent(held.get(stage, 0.0))}
        for stage in STAGES
    ]
    base = chart_of(rows).encode(
        y=alt.Y("stage:N", sort=None, axis=plain_axis(), scale=alt.Scale(paddingInner=0.35)),
        x=alt.X("chance:Q", axis=None, scale=alt.Scale(domain=[0, 1.18])),
        tooltip=[tooltip("stage", _("Stage")), tooltip("text", _("Certainty"))],
    )
    drawn = base.mark_bar(cornerRadiusEnd=2).encode(
        color=alt.Color("stage:N", scale=category_scale(list(names.values())), legend=None)
    )
    words = base.mark_text(align="left", dx=6, color=neutral("ink")).encode(text="text:N")
    return finish(alt.layer(drawn, words), _, height=190)


def chances_finding(result: ProductLifeResult, unique_id: str, _: Words) -> str:
    row = _row(result, unique_id)
    if row["stage"] is None:
        return _("No stage is told")
    return _("{share} sure of {stage}", share=_.percent(row["probability"]), stage=_.quote(stage_name(row["stage"], _)))


def chances_note(result: ProductLifeResult, unique_id: str, _: Words) -> str:
    return _("How likely each stage is, given everything sold until {day}.", day=result.as_of)
