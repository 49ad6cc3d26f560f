"""Scenarios beside "as now": period by period, in total, and one against another."""

from __future__ import annotations

from typing import Any

import altair as alt
import polars as pl

from analytics.charts.forecasting.marks import day_tip, time_channel, values
from analytics.charts.planning.wording import (
    MEASURES,
    change_span,
    interval,
    items,
    measure_name,
    name_of,
    percent_change,
    scenario_name,
    sentence,
)
from analytics.charts.theme import (
    BAND_80,
    BAR_OPACITY,
    STANDARD,
    Spec,
    chart_of,
    finish,
    neutral,
    plain_axis,
    tooltip,
    value_axis,
)
from analytics.forecasting.planning import PlanningSpec, ScenarioResult
from analytics.i18n import Words


def scenario_names(spec: PlanningSpec, _: Words) -> dict[int, str]:
    """place -> name; equal names are told apart by their numbers."""
    named = {0: _("As now")}
    for place, scenario in enumerate(spec.scenarios, start=1):
        name = scenario_name(scenario, _)
        named[place] = f"{place} · {name}" if name in named.values() else name
    return named


def is_told(result: ScenarioResult) -> bool:
    """Whether both scenarios that are set against each other have figures."""
    return result.left != result.right and result.versus.height > 0


# --- period by period -----------------------------------------------------------------------------------------------


def periods(result: ScenarioResult, _: Words) -> Spec:
    """The two scenarios set against each other over the horizon; the right one with its interval."""
    shown = [place for place in dict.fromkeys((result.left, result.right)) if _has(result, place)] or [0]
    names = {place: name_of(result, place, _) for place in shown}
    held = result.periods.filter(pl.col("place").is_in(shown)).with_columns(
        scenario=pl.col("place").replace_strict(names, return_dtype=pl.String),
        said=pl.Series(
            [
                f"{items(row['quantity'], _)} ({_.span(items(row['quantity_lo'], _), items(row['quantity_hi'], _))})"
                for row in result.periods.filter(pl.col("place").is_in(shown)).iter_rows(named=True)
            ],
            dtype=pl.String,
        ),
    )
    n_periods = held["ds"].n_unique()
    x = time_channel(_Timed(result), _, n_periods)
    axis = value_axis(_)
    y = alt.Y("quantity:Q", axis=axis, scale=alt.Scale(zero=True), title=None)
    colors = {0: neutral("muted"), result.left: neutral("muted"), result.right: neutral("accent")}
    scale = alt.Scale(domain=list(names.values()), range=[colors[place] for place in shown])
    legend = alt.Legend(symbolType="stroke", symbolStrokeWidth=3)
    lead = held.filter(pl.col("place") == shown[-1])
    band = alt.Chart(values(lead.select("ds", "quantity_lo", "quantity_hi")))
    rows = held.select("ds", "quantity", "scenario", "said", "ratio")
    lines = alt.Chart(values(rows)).encode(x=x)
    tips = [
        tooltip("scenario", _("Scenario")),
        day_tip("ds", _("Period from"), _),
        tooltip("said", _("Items")),
    ]
    shape: dict[str, Any] = {"interpolate": "monotone"}
    return finish(
        alt.layer(
            band.mark_area(opacity=BAND_80, color=neutral("accent"), **shape).encode(
                x=x, y=alt.Y("quantity_lo:Q", axis=axis, title=None), y2="quantity_hi:Q"
            ),
            lines.mark_line(strokeWidth=2, **shape).encode(
                y=y, color=alt.Color("scenario:N", scale=scale, legend=legend)
            ),
            lines.mark_point(opacity=0, size=120).encode(y=y, tooltip=tips),
        ),
        _,
        height=STANDARD,
    )


class _Timed:
    """What the time axis of a forecast asks for."""

    def __init__(self, result: ScenarioResult) -> None:
        self.frequency = result.frequency


def _has(result: ScenarioResult, place: int) -> bool:
    return bool(result.periods.filter(place=place).height)


def periods_finding(result: ScenarioResult, _: Words) -> str:
    """How far the right scenario is from the left in items."""
    name = name_of(result, result.right, _)
    if not is_told(result):
        return name
    row = result.scenarios.row(result.right, named=True)
    if result.left == 0 and row["quantity_change"] is not None:
        return _("{scenario}: {change} items", scenario=name, change=percent_change(row["quantity_change"], _))
    gap = result.versus.filter(measure="quantity").row(0, named=True)
    sign = "+" if gap["difference"] > 0 else ""
    return _("{scenario}: {change} items", scenario=name, change=sign + items(gap["difference"], _))


def periods_note(result: ScenarioResult, _: Words) -> str:
    return sentence(
        _("Items per period."),
        _(
            "Band: {level} interval of {scenario}, with what is not known of the future and of the response.",
            level=interval(result, _),
            scenario=_.quote(name_of(result, result.right, _)),
        ),
        _=_,
    )


def versus_sentence(result: ScenarioResult, _: Words) -> str:
    """Right against left in one sentence per measure."""
    said = []
    for row in result.versus.iter_rows(named=True):
        money = row["measure"] != "quantity"
        amount = _.compact(row["difference"], result.currency) if money else items(row["difference"], _)
        low, high = (_.compact(row[end], result.currency) if money else items(row[end], _) for end in ("lo", "hi"))
        said.append(
            _(
                "{measure}: {difference} ({low} to {high}), higher with a chance of {chance}.",
                measure=measure_name(row["measure"], _),
                difference=("+" if row["difference"] > 0 else "") + amount,
                low=low,
                high=high,
                chance=_chance(row["chance"], _),
            )
        )
    return sentence(*said, _=_)


def _chance(share: float, _: Words) -> str:
    """A chance is never certain."""
    if share > 0.99:
        return _("over {share}", share=_.percent(0.99))
    return _("under {share}", share=_.percent(0.01)) if share < 0.01 else _.percent(share)


# --- in total -------------------------------------------------------------------------------------------------------


def changes(result: ScenarioResult, _: Words) -> Spec:
    """Each scenario's change against as now: a dot with its interval for items, revenue and profit."""
    order = [measure_name(measure, _) for measure in MEASURES]
    rows = []
    for row in result.scenarios.filter(pl.col("place") > 0).iter_rows(named=True):
        for measure in MEASURES:
            if row[f"{measure}_change"] is None:
                continue
            rows.append(
                {
                    "scenario": name_of(result, row["place"], _),
                    "measure": measure_name(measure, _),
                    "change": row[f"{measure}_change"],
                    "lo": row[f"{measure}_change_lo"],
                    "hi": row[f"{measure}_change_hi"],
                    "said": percent_change(row[f"{measure}_change"], _),
                    "span": change_span(row[f"{measure}_change_lo"], row[f"{measure}_change_hi"], _),
                }
            )
    shown = [name for name in order if name in {row["measure"] for row in rows}]
    names = list(dict.fromkeys(row["scenario"] for row in rows))
    colors = [neutral("ink"), neutral("accent"), neutral("muted")]
    scale = alt.Scale(domain=shown, range=[colors[order.index(name)] for name in shown])
    tips = [
        tooltip("scenario", _("Scenario")),
        tooltip("measure", _("Measure")),
        tooltip("said", _("Against as now")),
        tooltip("span", _("{level} interval", level=interval(result, _))),
    ]
    base = chart_of(rows).encode(
        y=alt.Y("scenario:N", sort=names, axis=plain_axis(labelLimit=170), scale=alt.Scale(paddingInner=0.3)),
        yOffset=alt.YOffset("measure:N", sort=shown),
        color=alt.Color("measure:N", scale=scale, sort=shown),
        tooltip=tips,
    )
    x = value_axis(_, percent=True)
    zero = chart_of([{"x": 0}]).mark_rule(color=neutral("muted"), strokeDash=[4, 3]).encode(x=alt.X("x:Q", axis=x))
    return finish(
        alt.layer(
            zero,
            base.mark_bar(height=7, opacity=BAR_OPACITY, cornerRadius=3).encode(x=alt.X("lo:Q", axis=x), x2="hi:Q"),
            base.mark_point(filled=True, size=60, opacity=1).encode(x=alt.X("change:Q", axis=x)),
        ),
        _,
        height=max(STANDARD, 62 * len(names) + 60),
    )


def has_changes(result: ScenarioResult) -> bool:
    """Whether any scenario has figures."""
    return result.scenarios["quantity_change"].drop_nulls().len() > 0


def changes_finding(result: ScenarioResult, _: Words) -> str:
    """Which scenario brings most, by profit where it is assumed, else by revenue, else in items."""
    held = result.scenarios
    measure = next((name for name in ("profit", "revenue", "quantity") if held[name].drop_nulls().len() > 1), "")
    if not measure:
        return _("No scenario can be told")
    best = held.sort(measure, descending=True, nulls_last=True).row(0, named=True)
    what = measure_name(measure, _)
    if best["place"] == 0:
        return _("No scenario brings more than as now ({measure})", measure=what)
    unsure = best[f"{measure}_change_lo"] < 0
    name = name_of(result, best["place"], _)
    if unsure:
        return _("{scenario} may bring most ({measure}), not surely", scenario=name, measure=what)
    return _("{scenario} brings most ({measure})", scenario=name, measure=what)


def changes_note(result: ScenarioResult, _: Words) -> str:
    return _(
        "Change over the whole horizon against as now. Dot: expected; bar: {level} interval.", level=interval(result, _)
    )


def scenario_rows(result: ScenarioResult, _: Words) -> list[dict[str, str]]:
    """The table of scenarios, written out."""
    shown = [m for m in MEASURES if result.scenarios[m].drop_nulls().len()]
    rows = []
    for row in result.scenarios.iter_rows(named=True):
        told = {_("Scenario"): name_of(result, row["place"], _)}
        for measure in shown:
            money = measure != "quantity"
            amount = _.compact(row[measure], result.currency) if money else items(row[measure], _)
            change = percent_change(row[f"{measure}_change"], _) if row["place"] and not row["told"] else ""
            told[measure_name(measure, _)] = "–" if row["told"] else f"{amount} ({change})" if change else amount
        if row["told"]:
            told[measure_name(shown[0], _)] = _.phrase(f"planning_untold.{row['told']}")
        rows.append(told)
    return rows


def scenario_table(result: ScenarioResult, _: Words) -> pl.DataFrame:
    """The scenarios with their names, for the download."""
    names = {place: name_of(result, place, _) for place in result.scenarios["place"]}
    return result.scenarios.select(
        scenario=pl.col("place").replace_strict(names, return_dtype=pl.String),
        **{name: pl.col(name) for name in result.scenarios.columns if name not in ("place", "told", "at_edge")},
    )
