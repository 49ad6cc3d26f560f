"""The ways through the shop, of visits that bought and of those that did not."""

from __future__ import annotations

from typing import Any

import altair as alt
import polars as pl

from analytics.charts.theme import (
    Spec,
    category_scale,
    cell_text_color,
    chart_of,
    finish,
    neutral,
    plain_axis,
    tooltip,
)
from analytics.charts.usage.wording import event_name, space
from analytics.i18n import Words
from analytics.usage import UsageResult

MOST_COLOURS = 8


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
    return f"{text}{space(_)}{more}"


def path_table(result: UsageResult, _: Words) -> pl.DataFrame:
    """The paths as texts."""
    written = [" > ".join(event_name(event, _) for event in path) for path in result.paths["path"]]
    return result.paths.with_columns(path=pl.Series(written, dtype=pl.String))
