"""When and why they leave: the hazard of each month with what stands out, and the reasons as they add up."""

from __future__ import annotations

import altair as alt
import polars as pl

from analytics.charts.survival.parts import (
    Rows,
    group_name,
    horizon_text,
    reason_name,
    returns,
    shown_unit,
    space,
    span,
    tenure_title,
)
from analytics.charts.theme import Spec, category_scale, chart_of, finish, neutral, tooltip, value_axis
from analytics.i18n import Words, escape_markdown
from analytics.survival import SurvivalResult

MOST_PERIODS = 75
MOST_NAMED = 3


def hazard(result: SurvivalResult, _: Words) -> Spec:
    """The share that leaves in each month, with its interval; those that stand out are filled."""
    shown = _all(result).head(MOST_PERIODS)
    rows: Rows = []
    for row in shown.iter_rows(named=True):
        rows.append(
            {
                "period": row["period"],
                "share": row["hazard"],
                "lo": row["lo"],
                "hi": row["hi"],
                "expected": row["expected"],
                "peak": row["peak"],
                "name": span(row["period"], result.period_unit, _) if row["peak"] else "",
                "at": _("After {time}", time=span(row["period"], result.period_unit, _)),
                "text": _.percent(row["hazard"], 1),
                "interval": _.span(_.percent(row["lo"], 1), _.percent(row["hi"], 1)),
                "usual": _.percent(row["expected"], 1),
                "n": _("{n} of {total}", n=round(row["n_ended"]), total=round(row["n_at_risk"])),
            }
        )
    top = max((row["share"] for row in rows), default=0.1) or 0.1
    reach = min(max((min(row["hi"], 2.2 * top) for row in rows), default=0.1) * 1.08, 1.0)
    scale = alt.Scale(domain=[0, reach], clamp=True)
    axis = value_axis(_)
    axis.labelExpr = "format(datum.value, datum.value < 0.095 ? '.1~%' : '.0%')"
    titles = {"week": _("Completed weeks"), "year": _("Completed years"), "day": _("Completed days")}
    x = alt.X(
        "period:Q",
        scale=alt.Scale(domain=[-0.7, len(rows) - 0.3 + (rows[0]["period"] if rows else 0)], nice=False),
        axis=alt.Axis(
            title=titles.get(result.period_unit, _("Completed months")), grid=False, tickMinStep=1, tickCount=12
        ),
    )
    base = chart_of(rows).encode(
        x=x,
        tooltip=[
            tooltip("at", _.label("field", "period")),
            tooltip("text", _("Come back then") if returns(result.clock) else _("Leave then")),
            tooltip("interval", _("{level} interval", level=_.percent(result.spec.level))),
            tooltip("n", _("Of those still there")),
            tooltip("usual", _.label("field", "expected_hazard")),
        ],
    )
    y = alt.Y("share:Q", axis=axis, scale=scale)
    layers = alt.layer(
        base.mark_rule(color=neutral("muted"), opacity=0.55).encode(y=alt.Y("lo:Q", axis=axis, scale=scale), y2="hi:Q"),
        base.mark_line(color=neutral("quiet"), strokeWidth=1.5).encode(y=y),
        base.mark_point(size=46, filled=True, color=neutral("muted"), opacity=1)
        .encode(y=y)
        .transform_filter("!datum.peak"),
        base.mark_point(size=110, filled=True, color=neutral("accent"), opacity=1)
        .encode(y=y)
        .transform_filter("datum.peak"),
        base.mark_text(align="left", dx=9, dy=-9, fontWeight=600, color=neutral("ink"))
        .encode(y=y, text="name:N")
        .transform_filter("datum.peak"),
    )
    return finish(layers, _, height=300)


def hazard_finding(result: SurvivalResult, _: Words) -> str:
    """The months that stand out, else the one with the highest hazard."""
    named = peak_names(result, _)
    if named:
        if returns(result.clock):
            return _("Most come back after {times}", times=named)
        return _("Leaving peaks after {times}", times=named)
    shown = _all(result)
    if result.clock == "lapse":
        return _("Who ordered once lapses together")
    if shown.is_empty():
        return _("Too few were seen for any single month")
    return _("No single month stands out")


def hazard_note(result: SurvivalResult, _: Words) -> str:
    """What a dot is and how a peak is found."""
    if returns(result.clock):
        note = _("Share of those still waiting that orders in each week.")
    else:
        note = _("Share of those still there that leaves in each period of tenure.")
    note += space(_) + _(
        "Bars: {level} intervals. Filled: a quarter or more above what its neighbours let expect, Holm-corrected over "
        "all.",
        level=_.percent(result.spec.level),
    )
    own = result.hazard.filter(pl.col("peak") & (pl.col("label") != ""))
    if own.height:
        parts = []
        for label in result.labels:
            periods = own.filter(pl.col("label") == label)["period"].to_list()
            if periods:
                parts.append((label, _.listing(_.number(one) for one in periods)))
        told = _.listing(
            _("{group}: {periods}", group=escape_markdown(group_name(result.field, label, {}, _)), periods=periods)
            for label, periods in parts
        )
        note += space(_) + _("In groups: {told}.", told=told)
    return note


def peak_names(result: SurvivalResult, _: Words) -> str:
    """The periods that stand out most, in their order: "1 and 12 months"; empty where none does."""
    peaks = _all(result).filter("peak").sort("p").head(MOST_NAMED).sort("period")["period"].to_list()
    if not peaks:
        return ""
    *first, last = peaks
    end = span(last, result.period_unit, _)
    return _.listing([*(_.number(one) for one in first), end])


def riskiest(result: SurvivalResult) -> tuple[int, float] | None:
    """The period with the highest hazard of which enough is known."""
    shown = _all(result).filter(pl.col("n_ended") > 0)
    if shown.is_empty():
        return None
    row = shown.filter(pl.col("n_at_risk") >= 0.05 * pl.col("n_at_risk").max()).sort("hazard", descending=True)
    return int(row["period"][0]), float(row["hazard"][0])


def reasons(result: SurvivalResult, _: Words) -> Spec:
    """The share that has left by each time, by reason, one on the other."""
    own = result.incidence.filter(pl.col("label") == "")
    order = [reason for reason in result.reasons["reason"] if reason in set(own["reason"])]
    order += [reason for reason in own["reason"].unique(maintain_order=True) if reason not in order]
    domain = [reason_name(reason, _) for reason in order]
    unit, by = shown_unit(result.clock, result.unit)
    ends = result.curves["time"].max()
    grid = pl.Series([float(ends) * i / 80 for i in range(81)])  # type: ignore[arg-type]  # a scalar: Polars types any literal
    rows: Rows = []
    for place, reason in enumerate(order):
        part = own.filter(pl.col("reason") == reason).sort("time")
        steps = pl.DataFrame({"time": grid}).join_asof(part, on="time", strategy="backward")
        for row in steps.iter_rows(named=True):
            share = row["share"] or 0.0
            known = row["lo"] is not None
            rows.append(
                {
                    "reason": domain[place],
                    "place": place,
                    "time": row["time"] / by,
                    "share": share,
                    "at": span(row["time"] / by, unit, _),
                    "text": _.percent(share, 1),
                    "interval": _.span(_.percent(row["lo"], 1), _.percent(row["hi"], 1)) if known else "–",
                }
            )
    color = alt.Color("reason:N", scale=category_scale(domain))
    base = chart_of(rows).encode(
        x=alt.X("time:Q", axis=alt.Axis(title=tenure_title(result.clock, unit, _), grid=False, tickCount=8)),
        y=alt.Y("share:Q", stack="zero", axis=value_axis(_, percent=True)),
        color=color,
        order=alt.Order("place:Q"),
        tooltip=[
            tooltip("reason", _.label("field", "left_for")),
            tooltip("at", _.label("field", "tenure_time")),
            tooltip("text", _.label("field", "share_left")),
            tooltip("interval", _("{level} interval", level=_.percent(result.spec.level))),
        ],
    )
    return finish(base.mark_area(opacity=0.85, interpolate="step-after", strokeWidth=0), _, height=300)


def reasons_finding(result: SurvivalResult, _: Words) -> str:
    """The most frequent reason, and how many have left for it by the horizon."""
    named = result.reasons.filter(pl.col("reason") != "unknown")
    if named.is_empty():
        return _("No reason is known")
    return _(
        "{reason}: {share} of all leavings",
        reason=escape_markdown(reason_name(named["reason"][0], _)),
        share=_.percent(named["share"][0]),
    )


def reasons_note(result: SurvivalResult, _: Words) -> str:
    own = result.incidence.filter((pl.col("label") == "") & (pl.col("time") <= result.horizon))
    note = _(
        "Share of all customers who have left for each reason, one on the other (Aalen-Johansen): who leaves for one "
        "can no longer leave for another."
    )
    if own.is_empty():
        return note
    at = own.group_by("reason", maintain_order=True).last().sort("share", descending=True).head(2)
    told = _.listing(
        _(
            "{reason} {share} ({interval})",
            reason=escape_markdown(reason_name(row["reason"], _)),
            share=_.percent(row["share"]),
            interval=_.span(_.percent(row["lo"]), _.percent(row["hi"])),
        )
        for row in at.iter_rows(named=True)
    )
    return note + space(_) + _("After {horizon}: {told}.", horizon=horizon_text(result, _), told=told)


def _all(result: SurvivalResult) -> pl.DataFrame:
    return result.hazard.filter(pl.col("label") == "")
