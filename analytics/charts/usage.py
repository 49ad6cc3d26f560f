"""Product usage: the funnel, paths, waits for a purchase, sessions by week, features and decline.

An event type has one colour on every chart here: types of the funnel first, in its order, then by how often they occur.
``names``: label of a segment -> the name people read.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import altair as alt
import polars as pl

from analytics.charts.headline import Headline, Metric
from analytics.charts.theme import (
    BAND_95,
    BAR_OPACITY,
    Spec,
    category_scale,
    cell_text_color,
    chart_of,
    finish,
    neutral,
    plain_axis,
    time_axis,
    tooltip,
    value_axis,
)
from analytics.i18n import Words, escape_markdown
from analytics.usage import UsageResult

MOST_FEATURES = 12
MOST_COLOURS = 8
DIFFERENT = 1.3  # as many decliners as chance brings, times this, are worth a heading
Names = Mapping[str, str]


def event_name(event: str, _: Words) -> str:
    """What people read for an event type: a word of ours, or the data set's own."""
    return _.label("event", event)


def step_name(result: UsageResult, step: int, _: Words) -> str:
    """What people read for a step of the funnel."""
    held = result.steps[step]
    if held.name:
        return _.label("funnel", held.name)
    return _.listing(event_name(event, _) for event in held.events)


def has_funnel(result: UsageResult) -> bool:
    return result.funnel.height > 0


# --- the answer card -------------------------------------------------------------------------------------------------


def headline(result: UsageResult, _: Words) -> Headline:
    """How often a session ends in a purchase, how much is seen, and four figures."""
    bought = _bought(result)
    if bought:
        finding = _("{share} of sessions end in a purchase", share=_.percent(bought / result.n_sessions))
    else:
        finding = _("{n} sessions by {customers} customers", n=result.n_sessions, customers=result.n_customers)
    sentence = _(
        "{n} sessions by {customers} of {known} known customers since {day}.",
        n=result.n_sessions,
        customers=result.n_customers,
        known=result.n_known,
        day=result.first_day,
    )
    metrics = [
        Metric(
            _("Sessions"), _.number(result.n_sessions), _("{n} a customer", n=_.number(result.sessions_per_customer, 1))
        ),
        Metric(
            _("Minutes a session"),
            _.number(result.median_minutes, 1),
            _("{n} events on average", n=_.number(result.events_per_session, 1)),
        ),
    ]
    if has_funnel(result):
        last = result.funnel.filter(unit="customer").row(-1, named=True)
        metrics.append(
            Metric(_("Customers who got through"), _.percent(last["overall"]), _("{n} customers", n=last["n_reached"]))
        )
    if result.decline.height:
        note = _("{n} by chance alone", n=round(result.n_by_chance))
        metrics.append(Metric(_("Come less than before"), _.number(result.n_declining), note))
    return Headline(finding, sentence, tuple(metrics))


def _bought(result: UsageResult) -> int:
    """Sessions with a purchase."""
    total = result.channels.select((pl.col("purchase_share") * pl.col("n_sessions")).sum()).item()
    return round(total or 0)


# --- the funnel ------------------------------------------------------------------------------------------------------


def funnel(result: UsageResult, _: Words) -> Spec:
    """Two bars a step: sessions, and paler customers, as a share of those at the first step."""
    order = [f"{i + 1} · {step_name(result, i, _)}" for i in range(len(result.steps))]
    units = {"session": _("Sessions"), "customer": _("Customers")}
    rows = []
    for row in result.funnel.iter_rows(named=True):
        number = _.number(row["n_reached"])
        step = _("{share} of the step before", share=_.percent(row["conversion"])) if row["step"] else ""
        rows.append(
            {
                "step": order[row["step"]],
                "unit": units[row["unit"]],
                "share": row["overall"] or 0.0,
                "text": f"{number} · {step}" if step else number,
                "short": f"{number} · {_.percent(row['conversion'])}" if step else number,
                "interval": _.span(_.percent(row["lo"], 1), _.percent(row["hi"], 1)) if step else "–",
                "any": _.number(row["n_any"]),
            }
        )
    room = alt.ExprRef("width < 420 ? 1.75 : 1.5")
    base = chart_of(rows).encode(
        y=alt.Y("step:N", sort=order, axis=plain_axis(labelLimit=170), scale=alt.Scale(paddingInner=0.26)),
        yOffset=alt.YOffset("unit:N", sort=list(units.values()), scale=alt.Scale(paddingInner=0.1)),
        x=alt.X("share:Q", axis=None, scale=alt.Scale(domainMin=0, domainMax=room)),
        tooltip=[
            tooltip("step", _("Step")),
            tooltip("text", _.label("field", "n_reached")),
            tooltip("interval", _("95% interval")),
            tooltip("any", _.label("field", "n_any")),
        ],
    )
    opacity = alt.Opacity(
        "unit:N",
        scale=alt.Scale(domain=list(units.values()), range=[1, 0.5]),
        legend=alt.Legend(symbolType="square", symbolFillColor=neutral("accent"), symbolStrokeWidth=0),
    )
    bars = base.mark_bar(cornerRadiusEnd=2, color=neutral("accent")).encode(opacity=opacity)
    text = base.transform_calculate(shown="width < 420 ? datum.short : datum.text")
    labels = text.mark_text(align="left", baseline="middle", dx=6, color=neutral("ink")).encode(text="shown:N")
    return finish(alt.layer(bars, labels), _, height=max(160, 40 + 66 * len(order)))


def funnel_finding(result: UsageResult, _: Words) -> str:
    """Where most sessions are lost."""
    part = result.funnel.filter(pl.col("unit") == "session", pl.col("conversion").is_not_null())
    if part.is_empty():
        return _("No session takes the first step")
    worst = part.sort("conversion", "step").row(0, named=True)
    return _(
        "Most are lost before {step}: {share} go on",
        step=_.quote(step_name(result, worst["step"], _)),
        share=_.percent(worst["conversion"]),
    )


def funnel_note(result: UsageResult, _: Words) -> str:
    """What counts as passing a step."""
    return _(
        "Sessions that took every step up to here, in this order and within one session; paler: customers with at "
        "least one such session. Bars are shares of the first step."
    )


# --- paths -----------------------------------------------------------------------------------------------------------


def paths_bought(result: UsageResult, _: Words) -> Spec:
    """The most frequent paths to a purchase, one row each."""
    return _paths(result, True, _)


def paths_left(result: UsageResult, _: Words) -> Spec:
    """The most frequent paths of the sessions without a purchase."""
    return _paths(result, False, _)


def _paths(result: UsageResult, purchased: bool, _: Words) -> Spec:
    events = _coloured(result)
    names = {event: event_name(event, _) for event in events}
    rows: list[dict[str, Any]] = []
    longest = max((len(path) for path in result.paths["path"]), default=1)
    for row in result.paths.filter(purchased=purchased).iter_rows(named=True):
        written = " → ".join(names.get(event) or event_name(event, _) for event in row["path"])
        for at, event in enumerate(row["path"]):
            rows.append(
                {
                    "row": row["rank"],
                    "at": at,
                    "name": names.get(event, "" if event == "…" else event_name(event, _)),
                    "middle": event == "…",
                    "path": written,
                    "label": _.percent(row["share"]),
                    "n": _.number(row["n_sessions"]),
                }
            )
    base = chart_of(rows).encode(
        x=alt.X("at:O", axis=None, scale=alt.Scale(domain=list(range(longest)), paddingInner=0.06)),
        y=alt.Y(
            "row:O",
            axis=plain_axis(labelExpr=_row_labels(rows), labelPadding=10),
            scale=alt.Scale(paddingInner=0.28),
        ),
        tooltip=[
            tooltip("path", _.label("field", "path")),
            tooltip("label", _("Share")),
            tooltip("n", _("Sessions")),
        ],
    )
    tiles = base.transform_filter("!datum.middle").mark_rect(cornerRadius=3)
    legend = alt.Legend(columns=alt.ExprRef("width < 420 ? 3 : 5"))
    tiles = tiles.encode(color=alt.Color("name:N", scale=category_scale(list(names.values())), legend=legend))
    fits = base.transform_filter("!datum.middle").transform_calculate(
        shown=f"width / {longest} > 7.2 * length(datum.name) || width / {longest} > 76 ? datum.name : ''"
    )
    words = fits.mark_text(color=cell_text_color("name")).encode(text="shown:N")
    dots = base.transform_filter("datum.middle").mark_text(text="···", color=neutral("muted"))
    n_rows = result.paths.filter(purchased=purchased).height
    return finish(alt.layer(tiles, words, dots), _, height=56 + 40 * max(n_rows, 1))


def _row_labels(rows: list[dict[str, Any]]) -> str:
    """A row is its share."""
    shares = {row["row"]: row["label"] for row in rows}
    return "".join(f"datum.value == {row} ? '{label}' : " for row, label in shares.items()) + "''"


def _coloured(result: UsageResult) -> list[str]:
    """Event types in the order of their colours."""
    stepwise = [event for step in result.steps for event in result.event_types if event in step.events]
    ordered = [*stepwise, *(event for event in result.event_types if event not in stepwise)]
    return ordered[:MOST_COLOURS]


def paths_bought_finding(result: UsageResult, _: Words) -> str:
    part = result.paths.filter("purchased")
    if part.is_empty():
        return _("No path ends in a purchase")
    return _("{share} of purchases take the most usual path", share=_.percent(part["share"][0]))


def paths_bought_note(result: UsageResult, _: Words) -> str:
    return _path_note(result, True, _)


def paths_left_finding(result: UsageResult, _: Words) -> str:
    part = result.paths.filter(~pl.col("purchased"))
    if part.is_empty():
        return _("Every session ends in a purchase")
    return _("{share} of the others take the most usual path", share=_.percent(part["share"][0]))


def paths_left_note(result: UsageResult, _: Words) -> str:
    return _path_note(result, False, _)


def _path_note(result: UsageResult, purchased: bool, _: Words) -> str:
    n_all = dict(result.n_paths)[purchased]
    rest = 1 - float(result.paths.filter(purchased=purchased)["share"].sum())
    text = (
        _("Sessions up to their first purchase, the same event repeated counts once.")
        if purchased
        else _("Sessions without a purchase, the same event repeated counts once.")
    )
    if n_all <= result.paths.filter(purchased=purchased).height:
        return text
    more = _(
        "The most usual of {n} paths; the others hold {share}.",
        n=n_all,
        share=_.percent(rest) if rest >= 0.005 else "<1%",
    )
    return f"{text}{_space(_)}{more}"


# --- waits for a purchase --------------------------------------------------------------------------------------------


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
    return _space(_).join(parts)


# --- sessions by week ------------------------------------------------------------------------------------------------


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
    return _("{n} sessions in a usual week", n=round(float(whole["n_sessions"].median())))  # type: ignore[arg-type]


def weeks_note(result: UsageResult, _: Words) -> str:
    return _("Sessions a week; a ring is a week that is not whole.")


# --- features --------------------------------------------------------------------------------------------------------


def features(result: UsageResult, _: Words) -> Spec:
    """Share of active customers who use each event type, with its interval; pale: of all known customers."""
    shown = result.features.head(MOST_FEATURES)
    rows = [
        {
            "name": event_name(row["event"], _),
            "share": row["share_active"],
            "known": row["share_known"],
            "lo": row["lo"],
            "hi": row["hi"],
            "text": _.percent(row["share_active"]),
            "interval": _.span(_.percent(row["lo"], 1), _.percent(row["hi"], 1)),
            "of_all": _.percent(row["share_known"]),
            "often": _.number(row["events_per_user"], 1),
        }
        for row in shown.iter_rows(named=True)
    ]
    base = chart_of(rows).encode(
        y=alt.Y("name:N", sort=None, axis=plain_axis(labelLimit=160)),
        tooltip=[
            tooltip("name", _.label("field", "event")),
            tooltip("text", _.label("field", "share_active")),
            tooltip("interval", _("95% interval")),
            tooltip("of_all", _.label("field", "share_known")),
            tooltip("often", _.label("field", "events_per_user")),
        ],
    )
    scale = alt.Scale(domain=[0, 1.14])
    axis = alt.Axis(title=None, values=[0, 0.25, 0.5, 0.75, 1], format=".0%", grid=True)
    layers = alt.layer(
        base.mark_bar(height=7, color=neutral("accent"), opacity=BAR_OPACITY).encode(
            x=alt.X("lo:Q", axis=axis, scale=scale), x2="hi:Q"
        ),
        base.mark_point(size=60, color=neutral("muted"), opacity=1).encode(x=alt.X("known:Q", scale=scale, axis=axis)),
        base.mark_point(size=80, filled=True, color=neutral("accent"), opacity=1).encode(
            x=alt.X("share:Q", scale=scale, axis=axis)
        ),
        base.mark_text(align="left", dx=10, color=neutral("ink")).encode(
            x=alt.X("share:Q", scale=scale, axis=axis), text="text:N"
        ),
    )
    return finish(layers, _, height=max(140, 60 + 36 * len(rows)))


def features_finding(result: UsageResult, _: Words) -> str:
    # That fewest buy is no news: the least used of what leads there is.
    bought = {event for step in result.steps if step.name == "purchase" for event in step.events}
    others = result.features.head(MOST_FEATURES).filter(~pl.col("event").is_in(list(bought)))
    if others.height < 2:
        return _("{n} types of event", n=result.features.height)
    least = others.row(-1, named=True)
    return _(
        "Least used: {event}, by {share} of active customers",
        event=escape_markdown(event_name(least["event"], _)),
        share=_.percent(least["share_active"]),
    )


def features_note(result: UsageResult, _: Words) -> str:
    return _(
        "Dot: share of the {n} active customers who use it, with its 95% interval. Ring: share of all {known} known "
        "customers.",
        n=result.n_customers,
        known=result.n_known,
    )


# --- decline ---------------------------------------------------------------------------------------------------------


def decline(result: UsageResult, names: Names, _: Words) -> Spec:
    """Each segment's visits of the recent days against before, with its interval; the rule is no change."""
    rows = []
    for row in result.decline_groups.filter(pl.col("rate_ratio").is_not_null()).iter_rows(named=True):
        rows.append(
            {
                "name": names.get(row["label"], row["label"]),
                "ratio": row["rate_ratio"],
                "lo": row["ratio_lo"],
                "hi": row["ratio_hi"],
                "text": _.signed(100 * (row["rate_ratio"] - 1)) + "%",
                "interval": "–"
                if row["ratio_lo"] is None
                else _.span(_.number(row["ratio_lo"], 2), _.number(row["ratio_hi"], 2)),
                "n": _("{n} of {total}", n=row["n_declining"], total=row["n_customers"]),
                "chance": _.number(row["n_by_chance"], 1),
            }
        )
    domain = [names.get(label, label) for label in result.labels]
    base = chart_of(rows).encode(
        y=alt.Y("name:N", sort=domain, axis=plain_axis(labelLimit=180)),
        color=alt.Color("name:N", scale=category_scale(domain), legend=None),
        tooltip=[
            tooltip("name", _("Segment")),
            tooltip("text", _("Change")),
            tooltip("interval", _("95% interval")),
            tooltip("n", _.label("field", "n_declining")),
            tooltip("chance", _.label("field", "n_by_chance")),
        ],
    )
    high = max([1.3, *(row["hi"] or row["ratio"] for row in rows)])
    scale = alt.Scale(domain=[0, min(high, 3) * 1.06], clamp=True)
    axis = alt.Axis(
        title=None, tickCount=5, grid=True, labelExpr="datum.value == 1 ? '1' : format(datum.value, '.2~f')"
    )
    rule = chart_of([{"x": 1}]).mark_rule(color=neutral("muted")).encode(x=alt.X("x:Q", scale=scale, axis=axis))
    x = alt.X("ratio:Q", scale=scale, axis=axis)
    layers = alt.layer(
        rule,
        base.mark_bar(height=7, opacity=BAR_OPACITY).encode(x=alt.X("lo:Q", scale=scale, axis=axis), x2="hi:Q"),
        base.mark_point(size=80, filled=True, opacity=1).encode(x=x),
        base.mark_text(dy=-13, color=neutral("ink")).encode(x=x, text="text:N"),
    )
    return finish(layers, _, height=max(150, 60 + 44 * len(rows)))


def decline_count(result: UsageResult, _: Words) -> str:
    """How many come less than before, beside what chance alone brings."""
    if result.decline.is_empty():
        return _("Nobody can show a decline yet")
    if result.n_declining <= DIFFERENT * result.n_by_chance:
        return _("No more customers come less than chance brings")
    return _(
        "{n} customers come less than before, {chance} by chance alone",
        n=result.n_declining,
        chance=round(result.n_by_chance),
    )


def decline_method(result: UsageResult, _: Words) -> str:
    """What is compared, and who can be compared at all."""
    text = _(
        "Visits in the last {days} days against each customer's own rhythm before them; {n} customers come often "
        "enough to show a change.",
        days=result.spec.recent_days,
        n=result.decline.height,
    )
    if result.decline_ratio is not None:
        change = _.signed(100 * (result.decline_ratio - 1)) + "%"
        text += _space(_) + _("All of them together: {change}.", change=change)
    if not result.n_sure:
        return text + _space(_) + _("Nobody is sure by themselves: treat the list as one to look into.")
    return (
        text
        + _space(_)
        + _.ngettext(
            "{n} is sure: of such a list at most one in ten is wrong.",
            "{n} are sure: of such a list at most one in ten is wrong.",
            result.n_sure,
        )
    )


def decline_groups_note(_: Words) -> str:
    """What the points of the segments are."""
    return _("Points: each segment's ratio of recent to earlier visits, with its 95% interval.")


# --- tables ----------------------------------------------------------------------------------------------------------


def decliners(result: UsageResult) -> pl.DataFrame:
    """The customers who come less than before, the least likely by chance first."""
    return result.decline.filter("declines").drop("declines")


def path_table(result: UsageResult, _: Words) -> pl.DataFrame:
    """The paths as texts."""
    written = [" > ".join(event_name(event, _) for event in path) for path in result.paths["path"]]
    return result.paths.with_columns(path=pl.Series(written, dtype=pl.String))


def funnel_table(result: UsageResult, _: Words) -> pl.DataFrame:
    """The funnel with its steps by name."""
    names = [step_name(result, step, _) for step in result.funnel["step"]]
    units = {"session": _("Sessions"), "customer": _("Customers")}
    return result.funnel.with_columns(
        step=pl.Series(names, dtype=pl.String), unit=pl.col("unit").replace_strict(units, return_dtype=pl.String)
    )


def channel_table(result: UsageResult, _: Words) -> pl.DataFrame:
    """Channels by the names people read."""
    names = ["–" if one is None else _.label("channel", one) for one in result.channels["channel"]]
    return result.channels.with_columns(channel=pl.Series(names, dtype=pl.String))


def _space(_: Words) -> str:
    return " " if _.language == "en" else ""
