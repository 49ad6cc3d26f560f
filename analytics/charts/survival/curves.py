"""How long they stay: curves with their bands and the numbers behind them, and which grouping tells who stays."""

from __future__ import annotations

import altair as alt
import numpy as np
import polars as pl

from analytics.charts.survival.parts import (
    Names,
    Rows,
    field_name,
    group_name,
    horizon_text,
    length,
    level_name,
    returns,
    shown_unit,
    space,
    tenure_title,
)
from analytics.charts.theme import BAND_95, Spec, category_scale, chart_of, finish, neutral, tooltip
from analytics.i18n import Words, escape_markdown
from analytics.survival import SurvivalResult

MOST_POINTS = 160  # of one curve
MOST_GROUPS = 8
_ROW = 0.072  # of the height of the curves: one row of numbers
_ALPHA = 0.05


def curves(result: SurvivalResult, names: Names, _: Words) -> Spec:
    """The share still there by tenure, one line a group, with the numbers still seen below."""
    labels = result.labels[:MOST_GROUPS]
    domain = [group_name(result.field, label, names, _) for label in labels]
    unit, by = shown_unit(result.clock, result.unit)
    rows: Rows = []
    for label, name in zip(labels, domain, strict=True):
        for row in _thinned(result.curves.filter(pl.col("label") == label)).iter_rows(named=True):
            rows.append(
                {
                    "group": name,
                    "time": row["time"] / by,
                    "share": row["survival"],
                    "lo": row["lo"],
                    "hi": row["hi"],
                    "at": length(row["time"], result.clock, result.unit, _),
                    "text": _.percent(row["survival"], 1),
                    "interval": "–" if row["lo"] is None else _.span(_.percent(row["lo"], 1), _.percent(row["hi"], 1)),
                    "seen": _.number(row["n_at_risk"]),
                }
            )
    below = -_ROW * (len(labels) + 1.2)
    values = [0, 0.25, 0.5, 0.75, 1]
    y_axis = alt.Axis(title=None, values=values, format=".0%", grid=True)
    y_scale = alt.Scale(domain=[below, 1.02], nice=False)
    x = alt.X("time:Q", axis=alt.Axis(title=tenure_title(result.clock, unit, _), grid=False, tickCount=8))
    color = alt.Color(
        "group:N", scale=category_scale(domain), legend=None if len(labels) == 1 else alt.Legend(columns=0)
    )
    base = chart_of(rows).encode(x=x, color=color)
    tips = [
        tooltip("group", field_name(result.field, _)),
        tooltip("at", _.label("field", "tenure_time")),
        tooltip("text", _share_title(result, _)),
        tooltip("interval", _("{level} interval", level=_.percent(result.spec.level))),
        tooltip("seen", _.label("field", "seen")),
    ]
    y = alt.Y("share:Q", axis=y_axis, scale=y_scale)
    counts: Rows = [
        {
            "group": group_name(result.field, row["label"], names, _),
            "time": row["time"] / by,
            "row": -_ROW * (labels.index(row["label"]) + 1.5),
            "n": _.compact(row["n_at_risk"]),
        }
        for row in result.risk.iter_rows(named=True)
        if row["label"] in labels
    ]
    half = (
        chart_of([{"y": 0.5}])
        .mark_rule(color=neutral("quiet"), strokeDash=[1, 4])
        .encode(y=alt.Y("y:Q", scale=y_scale))
    )
    layers = alt.layer(
        half,
        base.mark_area(opacity=BAND_95, interpolate="step-after").encode(
            y=alt.Y("lo:Q", axis=y_axis, scale=y_scale), y2="hi:Q"
        ),
        base.mark_line(strokeWidth=2, interpolate="step-after").encode(y=y),
        base.mark_point(size=60, opacity=0, filled=True).encode(y=y, tooltip=tips),
        chart_of(counts)
        .mark_text(fontSize=11, opacity=1)
        .encode(x=x, y=alt.Y("row:Q", axis=y_axis, scale=y_scale), text="n:N", color=color),
    )
    return finish(layers, _, height=330 + 20 * len(labels))


def curves_finding(result: SurvivalResult, names: Names, _: Words) -> str:
    """Whether the groups differ, and which two the most."""
    if result.overall is None:
        # The answer card tells the median where there is one: here the share at the horizon.
        return median_sentence(result, None, _)
    told = result.groups.filter(pl.col("label") != "").drop_nulls("survival").sort("survival", "label")
    if not result.overall[2] <= _ALPHA or told.height < 2:
        return _("By {field} no clear difference", field=field_name(result.field, _))
    low, high = told.row(0, named=True), told.row(-1, named=True)
    share = {key: _share(result, row["survival"]) for key, row in (("low", low), ("high", high))}
    first, second = (low, high) if returns(result.clock) else (high, low)
    own = (share["low"], share["high"]) if returns(result.clock) else (share["high"], share["low"])
    return _(
        "{first} {share}, {second} {other} after {horizon}",
        first=escape_markdown(group_name(result.field, first["label"], names, _)),
        share=_.percent(own[0]),
        second=escape_markdown(group_name(result.field, second["label"], names, _)),
        other=_.percent(own[1]),
        horizon=horizon_text(result, _),
    )


def curves_note(result: SurvivalResult, names: Names, _: Words) -> str:
    """What is drawn and how the groups were compared."""
    note = _(
        "Lines: {what}, after Kaplan and Meier; bands: {level} for each time by itself. Below: customers still seen at "
        "that time.",
        what=_share_title(result, _, small=True),
        level=_.percent(result.spec.level),
    )
    if result.overall is None:
        return note
    test = _("Log-rank test of all groups: {p}.", p=chance(result.overall[2], _))
    clear = result.pairs.filter(pl.col("p_holm") <= _ALPHA).height
    if result.pairs.height > 1:
        test += space(_) + _("{n} of {all} pairs differ (Holm).", n=clear, all=result.pairs.height)
    return note + space(_) + test


def median_sentence(result: SurvivalResult, median: float | None, _: Words) -> str:
    """By when half have left, or how many are still there."""
    row = result.groups.filter(pl.col("label") == "").row(0, named=True) if "" in result.groups["label"] else {}
    if median is None:
        share = _share(result, row.get("survival"))
        if share is None:
            return (
                _("Fewer than half have left so far") if not returns(result.clock) else _("Fewer than half came back")
            )
        if returns(result.clock):
            return _("{share} order again within {horizon}", share=_.percent(share), horizon=horizon_text(result, _))
        return _("{share} are still there after {horizon}", share=_.percent(share), horizon=horizon_text(result, _))
    when = length(median, result.clock, result.unit, _)
    if returns(result.clock):
        return _("Half order again within {when}", when=when)
    return _("Half have left after {when}", when=when)


def screen(result: SurvivalResult, _: Words) -> Spec:
    """For each grouping the share still there in the group that stays longest and in that which leaves soonest."""
    shown = result.screen.drop_nulls("difference").head(10)
    rows: Rows = []
    for row in shown.iter_rows(named=True):
        clear = row["p_holm"] is not None and row["p_holm"] <= _ALPHA
        low, high = _share(result, row["lowest_survival"]), _share(result, row["highest_survival"])
        rows.append(
            {
                "name": field_name(row["field"], _),
                "low": low,
                "high": high,
                "best": f"{level_name(row['field'], row['highest'], _)} · {_.percent(high)}",
                "worst": f"{level_name(row['field'], row['lowest'], _)} · {_.percent(low)}",
                "p": chance(row["p_holm"], _),
                "clear": clear,
            }
        )
    scale = alt.Scale(domain=[0, 1])
    axis = alt.Axis(title=None, values=[0, 0.25, 0.5, 0.75, 1], format=".0%", grid=True)
    base = chart_of(rows).encode(
        y=alt.Y("name:N", sort=None, axis=alt.Axis(title=None, grid=False, labelLimit=170)),
        opacity=alt.condition("datum.clear", alt.value(1.0), alt.value(0.4)),
        tooltip=[
            tooltip("name", _.label("field", "grouping")),
            tooltip("best", _.label("field", "stays_longest") if not returns(result.clock) else _("Come back latest")),
            tooltip(
                "worst", _.label("field", "leaves_soonest") if not returns(result.clock) else _("Come back soonest")
            ),
            tooltip("p", _.label("field", "chance_holm")),
        ],
    )
    layers = alt.layer(
        base.mark_rule(strokeWidth=3, color=neutral("quiet")).encode(
            x=alt.X("low:Q", scale=scale, axis=axis), x2="high:Q"
        ),
        base.mark_point(filled=True, size=80, color=neutral("accent")).encode(
            x=alt.X("high:Q", scale=scale, axis=axis)
        ),
        base.mark_point(size=80, color=neutral("accent"), strokeWidth=2).encode(
            x=alt.X("low:Q", scale=scale, axis=axis)
        ),
    )
    return finish(layers, _, height=max(120, 50 + 28 * len(rows)))


def screen_finding(result: SurvivalResult, _: Words) -> str:
    """The grouping that tells most."""
    clear = result.screen.filter(pl.col("p_holm") <= _ALPHA).drop_nulls("difference")
    if clear.is_empty():
        return _("No attribute tells who stays")
    return _(
        "{field} tells most: {points} points between its groups",
        field=escape_markdown(field_name(clear["field"][0], _)),
        points=round(100 * clear["difference"][0]),
    )


def screen_note(result: SurvivalResult, _: Words) -> str:
    what = _("who came back") if returns(result.clock) else _("still there")
    return _(
        "Share {what} after {horizon}: the highest group (dot) and the lowest (ring). Pale: no clear difference "
        "(log-rank, Holm). Attributes are as the file has them today.",
        what=what,
        horizon=horizon_text(result, _),
    )


def chance(p: float | None, _: Words) -> str:
    """A p-value in words: "p = 0.03"."""
    if p is None or np.isnan(p):
        return "–"
    return "p < 0.001" if p < 0.001 else f"p = {p:.3f}"


def _share(result: SurvivalResult, survival: float | None) -> float | None:
    """What is told: who is still there; for orders, who came back."""
    if survival is None:
        return None
    return 1 - survival if returns(result.clock) else survival


def _share_title(result: SurvivalResult, _: Words, *, small: bool = False) -> str:
    if returns(result.clock):
        return _("share without a further order yet") if small else _("Without a further order yet")
    return _("share of customers still there") if small else _.label("field", "share_there")


def _thinned(rows: pl.DataFrame) -> pl.DataFrame:
    """At most so many points of a curve, the first and the last among them, evenly over time."""
    if rows.height <= MOST_POINTS:
        return rows
    times = rows["time"].to_numpy()
    wanted = np.searchsorted(times, np.linspace(times[0], times[-1], MOST_POINTS), side="right") - 1
    return rows[np.unique(np.r_[0, wanted, rows.height - 1])]
