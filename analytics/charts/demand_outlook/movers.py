"""Which series will sell more or less than before, with the interval of the change."""

from __future__ import annotations

import altair as alt
import polars as pl

from analytics.charts.demand_outlook.wording import Names, basis, basis_words, moves
from analytics.charts.forecasting.marks import value_axis_of, values
from analytics.charts.forecasting.wording import amount, change, joined, level_of, measured
from analytics.charts.theme import BAR_OPACITY, Spec, finish, neutral, plain_axis, tooltip
from analytics.demand import DemandPanel
from analytics.forecasting.spec import PanelForecast
from analytics.i18n import Words, escape_markdown

MOST = 12
ROW = 26


def movers(panel: DemandPanel, result: PanelForecast) -> pl.DataFrame:
    """At most twelve rows of ``moves``: those that change most, either way; the largest rise first."""
    known = moves(panel, result).drop_nulls("change")
    most = known.sort(pl.col("change").abs(), "unique_id", descending=[True, False]).head(MOST)
    return most.sort("change", "unique_id", descending=[True, False])


def movers_chart(panel: DemandPanel, result: PanelForecast, names: Names, _: Words) -> Spec:
    """Change of the total with its interval, a row a series; pale where the interval holds no change."""
    found = movers(panel, result)
    labels = [names[unique_id] for unique_id in found["unique_id"]]
    rows = found.with_columns(
        label=pl.Series(labels, dtype=pl.String),
        share=pl.Series([change(share, _) for share in found["change_share"]], dtype=pl.String),
        expected=pl.Series([amount(result, total, _) for total in found["total"]], dtype=pl.String),
        interval=pl.Series(
            [
                _.span(amount(result, low, _), amount(result, high, _))
                for low, high in found.select("lo", "hi").iter_rows()
            ],
            dtype=pl.String,
        ),
        was=pl.Series([amount(result, before, _) for before in found["before"]], dtype=pl.String),
    )
    y = alt.Y("label:N", sort=labels, axis=plain_axis(labelLimit=150))
    x = alt.X("change:Q", axis=value_axis_of(result, _), title=None)
    faint = alt.condition("datum.clear", alt.value(1.0), alt.value(0.45))
    base = alt.Chart(values(rows)).encode(y=y)
    tips = [
        tooltip("label", _("Series")),
        tooltip("expected", _("Expected")),
        tooltip("interval", _("{level}% interval", level=level_of(result))),
        tooltip("was", _("Before")),
        tooltip("share", _("Change")),
    ]
    span = alt.X("change_lo:Q", axis=value_axis_of(result, _), title=None)
    layers = [
        base.mark_bar(height=7, opacity=BAR_OPACITY, color=neutral("accent")).encode(x=span, x2="change_hi"),
        alt.Chart(values(pl.DataFrame({"change": [0.0]}))).mark_rule(color=neutral("muted")).encode(x=x),
        base.mark_point(filled=True, size=70, color=neutral("accent")).encode(x=x, opacity=faint, tooltip=tips),
    ]
    return finish(alt.layer(*layers), _, height=max(112, 40 + ROW * rows.height))


def movers_finding(panel: DemandPanel, result: PanelForecast, names: Names, _: Words) -> str:
    """The series that adds most, else the one that loses most."""
    found = movers(panel, result)
    if found.is_empty():
        return _("There is nothing earlier to compare with")
    first, last = found.row(0, named=True), found.row(-1, named=True)
    most = first if abs(first["change"]) >= abs(last["change"]) else last
    told = {"name": escape_markdown(names[most["unique_id"]]), "amount": amount(result, abs(most["change"]), _)}
    if most["change"] >= 0:
        return _("{name} moves most: {amount} more", **told)
    return _("{name} moves most: {amount} less", **told)


def movers_note(panel: DemandPanel, result: PanelForecast, names: Names, _: Words) -> str:
    """What is drawn, against what."""
    against = (
        _("Expected total less the same periods a year ago.")
        if basis(result) == "last_year"
        else _("Expected total less {before}.", before=basis_words(result, _))
    )
    return joined(
        against,
        _("Bar: {level}% interval; pale where it holds no change.", level=level_of(result)),
        measured(result, _),
        _=_,
    )
