"""What goes with leaving: hazard ratios with their intervals, and whether each is the same all the time."""

from __future__ import annotations

import math

import altair as alt
import polars as pl

from analytics.charts.survival.curves import chance
from analytics.charts.survival.parts import (
    Rows,
    field_name,
    length,
    level_name,
    returns,
    shown_unit,
    space,
    tenure_title,
)
from analytics.charts.theme import BAND_95, BAR_OPACITY, Spec, category_scale, chart_of, finish, neutral, tooltip
from analytics.i18n import Words, escape_markdown
from analytics.survival import HazardsResult

MOST_TERMS = 16
MOST_LINES = 2
_ALPHA = 0.05


def ratios(result: HazardsResult, _: Words) -> Spec:
    """Each hazard ratio as a dot with its interval on a scale of doublings; a ring where it changes with tenure."""
    rows: Rows = []
    for row in result.terms.head(MOST_TERMS).iter_rows(named=True):
        rows.append(
            {
                "name": term_name(row, _),
                "ratio": row["hazard_ratio"],
                "lo": max(row["lo"], 0.02),
                "hi": min(row["hi"], 50.0),
                "changes": row["changes"],
                "text": f"×{_.number(row['hazard_ratio'], 2)}",
                "interval": _.span(_.number(row["lo"], 2), _.number(row["hi"], 2)),
                "against": _against(row, _),
                "p": chance(row["p_holm"], _),
                "check": chance(row["ph_p"], _),
            }
        )
    low = min([0.5, *(row["lo"] for row in rows)])
    high = max([2.0, *(row["hi"] for row in rows)])
    values = [value for value in (0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50) if low * 0.9 <= value <= high * 1.1]
    scale = alt.Scale(type="log", domain=[low * 0.92, high * 1.25])
    axis = alt.Axis(title=None, values=values, grid=True, labelExpr="'×' + format(datum.value, '.3~g')")
    base = chart_of(rows).encode(
        y=alt.Y("name:N", sort=None, axis=alt.Axis(title=None, grid=False, labelLimit=230)),
        tooltip=[
            tooltip("name", _.label("field", "covariate")),
            tooltip("against", _.label("field", "reference")),
            tooltip("interval", _("{level} interval", level=_.percent(result.spec.level))),
            tooltip("p", _.label("field", "chance_holm")),
            tooltip("check", _.label("field", "ph_p")),
        ],
    )
    x = alt.X("ratio:Q", scale=scale, axis=axis)
    rule = chart_of([{"x": 1}]).mark_rule(color=neutral("muted")).encode(x=alt.X("x:Q", scale=scale, axis=axis))
    layers = alt.layer(
        rule,
        base.mark_bar(height=7, color=neutral("accent"), opacity=BAR_OPACITY).encode(
            x=alt.X("lo:Q", scale=scale, axis=axis), x2="hi:Q"
        ),
        base.mark_point(size=80, filled=True, color=neutral("accent"), opacity=1)
        .encode(x=x)
        .transform_filter("!datum.changes"),
        base.mark_point(size=80, filled=True, fill=neutral("paper"), stroke=neutral("accent"), strokeWidth=2, opacity=1)
        .encode(x=x)
        .transform_filter("datum.changes"),
        base.mark_text(dy=-12, color=neutral("ink"), fontSize=11).encode(x=x, text="text:N"),
    )
    return finish(layers, _, height=max(150, 60 + 34 * len(rows)))


def ratios_finding(result: HazardsResult, _: Words) -> str:
    """The strongest ratio that is sure."""
    sure = result.terms.filter(pl.col("p_holm") <= _ALPHA)
    if sure.is_empty():
        return (
            _("No attribute goes with leaving for sure")
            if not returns(result.clock)
            else _("Nothing tells who returns")
        )
    row = max(sure.iter_rows(named=True), key=lambda row: (abs(math.log(row["hazard_ratio"])), row["field"]))
    name, value = escape_markdown(term_name(row, _)), row["hazard_ratio"]
    times = _.number(value if value >= 1 else 1 / value, 1)
    if returns(result.clock):
        return (
            _("{name}: return {times} times as often", name=name, times=times)
            if value >= 1
            else _("{name}: return {times} times more rarely", name=name, times=times)
        )
    if value >= 1:
        return _("{name}: leave {times} times as often", name=name, times=times)
    return _("{name}: leave {times} times more rarely", name=name, times=times)


def ratios_note(result: HazardsResult, _: Words) -> str:
    """What a dot is, how well the model sorts customers, and what the rings are."""
    note = _(
        "How many times the hazard at the same tenure, the other attributes held equal (Cox; an association, no proof "
        "of a cause). Bars: {level}. Concordance {c}.",
        level=_.percent(result.spec.level),
        c=_.number(result.concordance, 2),
    )
    if result.stratified:
        fields = _.listing(field_name(name, _) for name in result.stratified)
        note += space(_) + _("Stratified by {fields}.", fields=escape_markdown(fields))
    if result.terms["changes"].any():
        note += space(_) + _("Ring: the ratio changes with tenure, so this is its average.")
    return note


def effect(result: HazardsResult, _: Words) -> Spec:
    """How the ratio of the attribute that changes most moves with tenure, beside the one ratio of the model."""
    field = changing_field(result)
    unit, by = shown_unit(result.clock, result.unit)
    part = result.over_time.filter(pl.col("field") == field)
    # The values with the most leavings: a line of a few would hide them.
    most = result.terms.filter(pl.col("field") == field).sort("n_ended", descending=True, maintain_order=True)
    levels = most["level"].to_list()[:MOST_LINES]
    terms = {row["level"]: row for row in result.terms.filter(pl.col("field") == field).iter_rows(named=True)}
    domain = [term_name(terms[level], _, short=True) for level in levels]
    rows: Rows = []
    means: Rows = []
    for level, name in zip(levels, domain, strict=True):
        own = part.filter(pl.col("level").is_null() if level is None else pl.col("level") == level)
        for row in own.iter_rows(named=True):
            rows.append(
                {
                    "name": name,
                    "time": row["time"] / by,
                    "ratio": _bounded(math.exp(min(row["coefficient"], 6.0))),
                    "lo": _bounded(math.exp(max(row["lo"], -6.0))),
                    "hi": _bounded(math.exp(min(row["hi"], 6.0))),
                    "at": _.span(
                        _.number(row["first"] / by, 1 if by > 1 else 0),
                        length(row["last"], result.clock, result.unit, _),
                    ),
                    "text": f"×{_.number(math.exp(row['coefficient']), 2)}",
                    "interval": _.span(_.number(math.exp(row["lo"]), 2), _.number(math.exp(row["hi"]), 2)),
                    "n": _.number(row["n_ended"]),
                }
            )
        means.append({"name": name, "ratio": _bounded(terms[level]["hazard_ratio"])})
    low = min([0.5, *(row["lo"] for row in rows)])
    high = max([2.0, *(row["hi"] for row in rows)])
    values = [value for value in (0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50) if low <= value <= high]
    scale = alt.Scale(type="log", domain=[low, high])
    axis = alt.Axis(title=None, values=values, grid=True, labelExpr="'×' + format(datum.value, '.3~g')")
    color = alt.Color("name:N", scale=category_scale(domain))
    base = chart_of(rows).encode(
        x=alt.X("time:Q", axis=alt.Axis(title=tenure_title(result.clock, unit, _), grid=False, tickCount=8)),
        color=color,
        tooltip=[
            tooltip("name", field_name(field, _)),
            tooltip("at", _.label("field", "tenure_time")),
            tooltip("text", _.label("field", "hazard_ratio")),
            tooltip("interval", _("{level} interval", level=_.percent(result.spec.level))),
            tooltip("n", _.label("field", "n_over")),
        ],
    )
    y = alt.Y("ratio:Q", scale=scale, axis=axis)
    layers = alt.layer(
        chart_of([{"y": 1}]).mark_rule(color=neutral("muted")).encode(y=alt.Y("y:Q", scale=scale, axis=axis)),
        chart_of(means).mark_rule(strokeDash=[5, 3], opacity=0.8).encode(y=y, color=color),
        base.mark_area(opacity=BAND_95).encode(y=alt.Y("lo:Q", scale=scale, axis=axis), y2="hi:Q"),
        base.mark_line(strokeWidth=2).encode(y=y),
        base.mark_point(size=50, filled=True, opacity=1).encode(y=y),
    )
    return finish(layers, _, height=320)


def effect_finding(result: HazardsResult, _: Words) -> str:
    field = changing_field(result)
    changes = result.checks.filter(pl.col("field") == field)["changes"]
    name = escape_markdown(field_name(field, _))
    if changes.len() and changes[0]:
        return _("The effect of {field} changes with tenure", field=name)
    return _("All ratios hold the whole time")


def effect_note(result: HazardsResult, _: Words) -> str:
    """What is drawn, and the test."""
    field = changing_field(result)
    row = result.checks.filter(pl.col("field") == field).row(0, named=True)
    return _(
        "{field}: its ratio among the leavings of each stretch of tenure (scaled Schoenfeld residuals, Grambsch and "
        "Therneau), the dashed line is the one ratio of the model. {p} that it never changes.",
        field=escape_markdown(field_name(field, _)),
        p=chance(row["p_holm"], _),
    )


def changing_field(result: HazardsResult) -> str:
    """The attribute whose ratio changes most surely."""
    told = result.checks.filter(pl.col("field") != "").drop_nulls("p").sort("p", "field")
    return str(told["field"][0]) if told.height else str(result.used[0])


def term_name(row: dict[str, object], _: Words, *, short: bool = False) -> str:
    """ "Contract: two year", "Age, per 10"."""
    field = field_name(str(row["field"]), _)
    if row["level"] is None:
        return _("{field}, per {step} more", field=field, step=_.number(float(str(row["step"])), _digits(row["step"])))
    level = level_name(str(row["field"]), str(row["level"]), _)
    return level if short else _("{field}: {level}", field=field, level=level)


def _against(row: dict[str, object], _: Words) -> str:
    return "–" if row["reference"] is None else level_name(str(row["field"]), str(row["reference"]), _)


def _digits(step: object) -> int:
    value = float(str(step))
    return 0 if value >= 1 else max(0, math.ceil(-math.log10(value)))


def _bounded(ratio: float) -> float:
    return min(max(ratio, 0.02), 50.0)
