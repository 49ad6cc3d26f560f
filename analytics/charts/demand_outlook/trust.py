"""How far all of it can be trusted: which models lead, and how often the bands held, series by series."""

from __future__ import annotations

from typing import Any

import altair as alt
import polars as pl

from analytics.charts.demand_outlook.card import covered
from analytics.charts.demand_outlook.wording import Names, parts_of
from analytics.charts.forecasting.marks import values
from analytics.charts.forecasting.wording import joined, level_of, model_name
from analytics.charts.theme import BAR_OPACITY, Spec, finish, neutral, plain_axis, tooltip, value_axis
from analytics.demand import DemandPanel
from analytics.forecasting.spec import BASELINE, PanelForecast
from analytics.i18n import Words

ROW, TALL = 30, 180
BINS = 20  # of five percent each


def led(panel: DemandPanel, result: PanelForecast) -> pl.DataFrame:
    """model, n: in how many series each model leads, the most often first."""
    return (
        parts_of(panel, result.choices).group_by("model").agg(n=pl.len()).sort("n", "model", descending=[True, False])
    )


def leading_chart(panel: DemandPanel, result: PanelForecast, names: Names, _: Words) -> Spec:
    """In how many series each model leads."""
    found = led(panel, result)
    labels = [model_name(result, model, _) for model in found["model"]]
    rows = found.with_columns(label=pl.Series(labels, dtype=pl.String), baseline=pl.col("model") == BASELINE)
    base = alt.Chart(values(rows)).encode(y=alt.Y("label:N", sort=labels, axis=plain_axis(labelLimit=170)))
    axis = value_axis(_)
    axis["tickMinStep"] = 1
    scale = alt.Scale(domain=[0, float(rows["n"].max() or 1) * 1.15], nice=False)  # type: ignore[arg-type]  # a scalar: Polars types any literal
    x = alt.X("n:Q", axis=axis, scale=scale, title=None)
    color = alt.condition("datum.baseline", alt.value(neutral("muted")), alt.value(neutral("accent")))
    tips = [tooltip("label", _("Model")), tooltip("n", _("Series"), kind="quantitative", format="d")]
    layers = [
        base.mark_bar(height=16).encode(x=x, color=color, tooltip=tips),
        base.mark_text(align="left", dx=5).encode(x=x, text="n:Q"),
    ]
    return finish(alt.layer(*layers), _, height=max(TALL, 40 + ROW * rows.height))


def leading_finding(panel: DemandPanel, result: PanelForecast, names: Names, _: Words) -> str:
    """Which model leads most often."""
    first = led(panel, result).row(0, named=True)
    return _(
        "{model} leads in {n} of {all} series",
        model=model_name(result, first["model"], _),
        n=first["n"],
        all=parts_of(panel, result.choices).height,
    )


def leading_note(panel: DemandPanel, result: PanelForecast, names: Names, _: Words) -> str:
    """What is counted."""
    n = parts_of(panel, result.choices).filter(pl.col("model") == BASELINE).height
    told = _("Each series has the model that its own back-test speaks for.")
    if not n:
        return told
    return joined(told, _("Gray: nothing was clearly better than the baseline."), _=_)


def coverage_chart(panel: DemandPanel, result: PanelForecast, names: Names, _: Words) -> Spec:
    """How many series had which share of their periods inside the band; the rule is what it promises."""
    level = level_of(result)
    rows = by_coverage(panel, result)
    scale = alt.Scale(domain=[0, 1], nice=False)
    x = alt.X("lo:Q", bin="binned", axis=value_axis(_, percent=True), scale=scale, title=None)
    axis = value_axis(_)
    axis["tickMinStep"] = 1
    axis["tickCount"] = 4
    tips = [
        tooltip("within", _("Inside the band")),
        tooltip("n", _("Series"), kind="quantitative", format="d"),
    ]
    at = alt.Chart(values(pl.DataFrame({"lo": [level / 100]})))
    layers: list[Any] = [
        alt.Chart(values(rows))
        .mark_bar(color=neutral("accent"), opacity=BAR_OPACITY + 0.3)
        .encode(x=x, x2="hi", y=alt.Y("n:Q", axis=axis, scale=alt.Scale(zero=True), title=None), tooltip=tips),
        at.mark_rule(color=neutral("ink"), strokeWidth=2).encode(x=alt.X("lo:Q", scale=scale, title=None)),
    ]
    return finish(alt.layer(*layers), _, height=TALL)


def by_coverage(panel: DemandPanel, result: PanelForecast) -> pl.DataFrame:
    """lo, hi, n, within: series by the share of their back-tested periods inside the band named first."""
    name = f"coverage_{level_of(result)}"
    held = (
        parts_of(panel, result.choices)
        .select("unique_id", "model")
        .join(result.scores, on=["unique_id", "model"])
        .drop_nulls(name)
    )
    place = (pl.col(name) * BINS).floor().clip(0, BINS - 1).cast(pl.Int32)
    counted = held.group_by(place=place).agg(n=pl.len()).sort("place")
    words = [f"{int(p) * 100 // BINS}–{(int(p) + 1) * 100 // BINS}%" for p in counted["place"]]
    return counted.select(
        lo=pl.col("place") / BINS, hi=(pl.col("place") + 1) / BINS, n="n", within=pl.Series(words, dtype=pl.String)
    )


def coverage_finding(panel: DemandPanel, result: PanelForecast, names: Names, _: Words) -> str:
    """What the band held over all periods of all series."""
    level = level_of(result)
    held = covered(result, level / 100, "backtest")
    if held is None:
        return _("The bands could not be measured")
    return _("Over all series the {level}% band held {share}", level=level, share=_.percent(held))


def coverage_note(panel: DemandPanel, result: PanelForecast, names: Names, _: Words) -> str:
    """What is drawn, and what the other band and the untouched periods say."""
    wide, last = covered(result, 0.95, "backtest"), covered(result, level_of(result) / 100, "final")
    told = [_("Series by the share of their back-tested periods inside the band; the rule is what it promises.")]
    if wide is not None:
        told.append(_("The 95% band held {share}.", share=_.percent(wide)))
    if last is not None:
        told.append(_("In the last periods, which no choice had seen, this band held {share}.", share=_.percent(last)))
    return joined(*told, _=_)
