"""What is used, by whom."""

from __future__ import annotations

import altair as alt
import polars as pl

from analytics.charts.theme import (
    BAR_OPACITY,
    Spec,
    chart_of,
    finish,
    neutral,
    plain_axis,
    tooltip,
)
from analytics.charts.usage.wording import event_name
from analytics.i18n import Words, escape_markdown
from analytics.usage import UsageResult

MOST_FEATURES = 12


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


def channel_table(result: UsageResult, _: Words) -> pl.DataFrame:
    """Channels by the names people read."""
    names = ["–" if one is None else _.label("channel", one) for one in result.channels["channel"]]
    return result.channels.with_columns(channel=pl.Series(names, dtype=pl.String))
