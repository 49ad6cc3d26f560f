"""The back-test over past cut-offs: who was on the list before they went, how early, and how many alarms were false."""

from __future__ import annotations

from typing import Any

import altair as alt

from analytics.charts.early_warning.wording import days, level_name, model_name, small_share, space
from analytics.charts.theme import Spec, chart_of, finish, neutral, plain_axis, tooltip, value_axis
from analytics.churn import ChurnResult
from analytics.i18n import Words

Rows = list[dict[str, Any]]


def has_backtest(result: ChurnResult) -> bool:
    return result.timeline.height > 0 and result.early.height > 0


def timeline(result: ChurnResult, _: Words) -> Spec:
    """Those who went after each cut-off: on the list, or not; a tick for the best simple rule."""
    found, missed = _("On the list"), _("Not on the list")
    other = result.timeline.filter(model=result.best_baseline).select("cut_on", rule="n_true")
    held = result.timeline.filter(model="chosen").join(other, on="cut_on", how="left").sort("cut_on")
    rows: Rows = []
    for row in held.iter_rows(named=True):
        shown = {
            "day": _.day(row["cut_on"]),
            "gone": _.number(row["n_gone"]),
            "found": _("{n} of {all}", n=row["n_true"], all=row["n_flagged"]),
            "rule": row["rule"],
            "ruled": _.number(row["rule"]),
        }
        rows.append({**shown, "part": found, "order": 0, "n": row["n_true"]})
        rows.append({**shown, "part": missed, "order": 1, "n": row["n_gone"] - row["n_true"]})
    base = chart_of(rows).encode(
        x=alt.X("day:N", sort=None, axis=plain_axis(_("Cut-off"), labelAngle=-40, labelOverlap="greedy")),
        tooltip=[
            tooltip("day", _("Cut-off")),
            tooltip("gone", _("Went afterwards")),
            tooltip("found", _("Went, of the list")),
            tooltip("ruled", _("By the simple rule")),
        ],
    )
    bars = base.mark_bar().encode(
        y=alt.Y("n:Q", axis=value_axis(_), stack=True),
        order=alt.Order("order:Q"),
        color=alt.Color(
            "part:N",
            scale=alt.Scale(domain=[found, missed], range=[neutral("accent"), neutral("quiet")]),
            legend=alt.Legend(symbolType="square"),
        ),
    )
    ticks = base.transform_filter("datum.order == 0").mark_tick(thickness=2, color=neutral("ink"), orient="horizontal")
    return finish(alt.layer(bars, ticks.encode(y=alt.Y("rule:Q", axis=value_axis(_)))), _)


def timeline_finding(result: ChurnResult, _: Words) -> str:
    row = result.early.filter(model="chosen").row(0, named=True)
    if row["false_per_true"] is None:
        return _("No alarm came true")
    return _(
        "{n} false alarms for each true one",
        n=_.number(row["false_per_true"], 1 if row["false_per_true"] < 10 else 0),
    )


def timeline_note(result: ChurnResult, _: Words) -> str:
    rule = _.quote(model_name(result.best_baseline, _))
    said = [
        _(
            "Who went within the window after each cut-off. Tick: how many of them {rule} found with as many false "
            "alarms.",
            rule=rule,
        )
    ]
    other = result.early.filter(model=result.best_baseline)
    if other.height and other["false_per_true"][0] is not None:
        n = other["false_per_true"][0]
        said.append(_("Its false alarms for each true one: {n}.", n=_.number(n, 1 if n < 10 else 0)))
    return space(_).join(said)


def lead(result: ChurnResult, _: Words) -> Spec:
    """Share of the gone who were flagged at least so many days before; dashed: by recency alone."""
    names = {"flagged_share": model_name("chosen", _), "recency_share": model_name("recency", _)}
    rows: Rows = [
        {
            "model": name,
            "days": row["days_before"],
            "share": row[column],
            "text": _.percent(row[column]),
            "before": days(row["days_before"], _),
        }
        for column, name in names.items()
        for row in result.lead.iter_rows(named=True)
        if row[column] is not None
    ]
    order = list(names.values())
    base = chart_of(rows).encode(
        x=alt.X("days:Q", axis=value_axis(_, _("Days before"))),
        y=alt.Y("share:Q", axis=value_axis(_, percent=True), scale=alt.Scale(domainMin=0)),
        color=alt.Color(
            "model:N",
            scale=alt.Scale(domain=order, range=[neutral("accent"), neutral("muted")]),
            legend=alt.Legend(symbolType="stroke"),
        ),
        tooltip=[
            tooltip("model", _("Ranked by")),
            tooltip("before", _("At least so long before")),
            tooltip("text", _("Flagged, of those who went")),
        ],
    )
    dashes = alt.StrokeDash("model:N", legend=None, scale=alt.Scale(domain=order, range=[[1, 0], [5, 3]]))
    return finish(
        alt.layer(
            base.mark_line(strokeWidth=2).encode(strokeDash=dashes), base.mark_point(filled=True, size=36, opacity=1)
        ),
        _,
    )


def lead_finding(result: ChurnResult, _: Words) -> str:
    row = result.early.filter(model="chosen").row(0, named=True)
    share = _.percent(row["flagged_share"])
    if row["median_days_before"] is None:
        return _("{share} were flagged before they went", share=share)
    return _(
        "{share} were flagged before they went, half of these {days} ahead or more",
        share=share,
        days=days(round(row["median_days_before"]), _),
    )


def lead_note(result: ChurnResult, _: Words) -> str:
    held = {row["model"]: row for row in result.early.iter_rows(named=True)}
    row = held["chosen"]
    interval = _.span(_.percent(row["lo"]), _.percent(row["hi"]))
    said = [
        _(
            "Share of {n} customers who went and had been on a list at least so many days before ({level}: {span}).",
            n=row["n_gone"],
            level=level_name(result, _),
            span=interval,
        )
    ]
    if "recency" in held:
        said.append(
            _(
                "{rule} flagged {share} with as many false alarms.",
                rule=_.quote(model_name("recency", _)),
                share=small_share(held["recency"]["flagged_share"], _),
            )
        )
    if result.target == "no_order":
        said.append(_("Here someone has gone on the day on which the silence exceeds the own rhythm."))
    return space(_).join(said)
