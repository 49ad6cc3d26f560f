"""Stages now, over time, and how long customers stay in them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import altair as alt
import polars as pl

from analytics.charts.lifecycle.parts import (
    month_at,
    space,
    stage_name,
    stage_names,
)
from analytics.charts.theme import (
    STANDARD,
    Spec,
    category_scale,
    chart_of,
    finish,
    neutral,
    plain_axis,
    time_axis,
    tooltip,
    value_axis,
)
from analytics.i18n import Words
from analytics.lifecycle import STAGES, LifecycleResult


def stages(result: LifecycleResult, _: Words) -> Spec:
    """Two bars a stage: its share of customers, and paler its share of revenue in the last 12 months."""
    names = stage_names(_, result.rules.kind)
    rows: list[dict[str, Any]] = []
    for row in result.stages.iter_rows(named=True):
        name = names[row["stage"]]
        if not row["observable"]:
            rows.append({"stage": name, "measure": "customers", "share": 0.0, "text": _("not observable in this data")})
            continue
        text = f"{_.number(row['n_customers'])} · {_.percent(row['customer_share'])}"
        rows.append({"stage": name, "measure": "customers", "share": row["customer_share"], "text": text})
        if row["revenue_share"] is not None and row["stage"] != "acquaintance":
            money = _.compact(row["revenue_12m"], result.currency)
            text = f"{money} · {_.percent(row['revenue_share'])}"
            # A stage whose returns exceed its sales has a negative share: the text says so, the bar stays empty.
            rows.append({"stage": name, "measure": "revenue", "share": max(row["revenue_share"], 0.0), "text": text})
    reach = max(row["share"] for row in rows) or 1.0
    # Room for the figures at the ends of the bars, more of it on a narrow screen.
    room = alt.ExprRef(f"{reach} * (width < 420 ? 2 : 1.4)")
    shown = [measure for measure in ("customers", "revenue") if any(row["measure"] == measure for row in rows)]
    base = chart_of(rows).encode(
        y=alt.Y("stage:N", sort=None, axis=plain_axis(labelLimit=160), scale=alt.Scale(paddingInner=0.28)),
        yOffset=alt.YOffset("measure:N", sort=None, scale=alt.Scale(domain=shown, paddingInner=0.1)),
        x=alt.X("share:Q", axis=None, scale=alt.Scale(domainMin=0, domainMax=room)),
        tooltip=[tooltip("stage", _.label("field", "stage")), tooltip("text", _("Number and share"))],
    )
    bars = base.mark_bar(cornerRadiusEnd=2).encode(
        color=alt.Color("stage:N", scale=category_scale(list(names.values())), legend=None),
        opacity=alt.Opacity("measure:N", scale=alt.Scale(domain=["customers", "revenue"], range=[1, 0.5]), legend=None),
    )
    labels = base.mark_text(align="left", baseline="middle", dx=6, color=neutral("ink")).encode(text="text:N")
    return finish(alt.layer(bars, labels), _, height=STANDARD)


def stages_finding(result: LifecycleResult, _: Words) -> str:
    """Which stage holds most customers."""
    seen = result.stages.filter(pl.col("observable"))
    top = seen.sort("n_customers", descending=True, maintain_order=True).row(0, named=True)
    return _(
        "The largest stage is {stage}: {share} of customers",
        stage=stage_name(top["stage"], _, result.rules.kind),
        share=_.percent(top["customer_share"]),
    )


def stages_note(result: LifecycleResult, _: Words) -> str:
    """What the two bars are, and of which day."""
    if result.stages["revenue_share"].null_count() == len(STAGES):
        return _("Customers in each stage on {day}, and their share.", day=result.as_of)
    return _(
        "Full bar: customers on {day}. Pale bar: their revenue in the 365 days up to then. Shares are of all stages.",
        day=result.as_of,
    )


def history(result: LifecycleResult, _: Words) -> Spec:
    """Customers in each stage at the end of each month, stacked in the order of the stages."""
    names = stage_names(_, result.rules.kind)
    order = {stage: i for i, stage in enumerate(STAGES)}
    rows = [
        {
            "at": month_at(row["month"]),
            "month": _.month(row["month"]),
            "stage": names[row["stage"]],
            "order": order[row["stage"]],
            "n": row["n_customers"],
            "text": _.number(row["n_customers"]),
        }
        for row in result.history.filter(pl.col("observable")).iter_rows(named=True)
    ]
    single = result.history["month"].n_unique() == 1
    chart = chart_of(rows)
    chart = chart.mark_bar(width=40) if single else chart.mark_area(opacity=0.9, interpolate="monotone")
    shown = [names[stage] for stage in STAGES if any(row["stage"] == names[stage] for row in rows)]
    chart = chart.encode(
        x=alt.X("at:T", axis=time_axis(_)),
        y=alt.Y("n:Q", stack="zero", axis=value_axis(_)),
        color=alt.Color(
            "stage:N",
            scale=category_scale(list(names.values())),
            legend=alt.Legend(values=shown, columns=alt.ExprRef("width < 420 ? 3 : 5")),
        ),
        order=alt.Order("order:O"),
        tooltip=[
            tooltip("stage", _.label("field", "stage")),
            tooltip("month", _("End of month")),
            tooltip("text", _("Customers")),
        ],
    )
    return finish(chart, _)


def history_finding(result: LifecycleResult, _: Words) -> str:
    """How the number of loyal customers has changed, over a year where there is one."""
    loyal = result.history.filter(stage="loyalty").sort("month")
    # Before a whole window lies behind, few can have enough orders: their growth would be that of the data.
    window = timedelta(days=result.rules.loyal_window_days)
    comparable = loyal.filter(pl.col("month") - result.first_day >= window).tail(13)
    if loyal.is_empty():
        return _("No complete month yet")
    if comparable.height < 2:
        last_month = _.month(loyal["month"][-1])
        return _("Loyal customers at the end of {month}: {n}", month=last_month, n=loyal["n_customers"][-1])
    loyal = comparable
    first, last = loyal["n_customers"][0], loyal["n_customers"][-1]
    n_months = loyal.height - 1
    if first == last:
        return _.ngettext(
            "Loyal customers are unchanged over {n} month: {count}",
            "Loyal customers are unchanged over {n} months: {count}",
            n_months,
            count=last,
        )
    return _.ngettext(
        "Loyal customers: from {first} to {last} in {n} month",
        "Loyal customers: from {first} to {last} in {n} months",
        n_months,
        first=first,
        last=last,
    )


def history_note(result: LifecycleResult, _: Words) -> str:
    """What is stacked, and from when lapsing can be seen."""
    note = _("Customers in each stage at the end of each complete month, by what was known then.")
    months = result.history.filter(pl.col("stage") == "lapsed").sort("month")
    seen = months.filter(pl.col("observable"))
    if seen.is_empty() or seen.height == months.height:
        return note
    return note + space(_) + _("Lapsing can be seen from {month}.", month=_.month(seen["month"][0]))


def spells(result: LifecycleResult, _: Words) -> Spec:
    """For each stage, months until a quarter, half and three quarters have left it."""
    names = stage_names(_, result.rules.kind)
    longest = max([12, *_ends(result)])
    rows = []
    for row in result.spells.iter_rows(named=True):
        if row["stage"] in _left_out(result):
            continue
        low, middle, high = row["months_p25"], row["months_p50"], row["months_p75"]
        rows.append(
            {
                "stage": names[row["stage"]],
                "low": low,
                "middle": middle,
                "high": longest if high is None else high,
                "still": row["median_current_months"],
                "text": _months(middle, longest, _),
                "quarter": _months(low, longest, _),
                "most": _months(high, longest, _),
                "counted": _("{n} ended, {m} going on", n=row["n_completed"], m=row["n_current"]),
                "open": high is None,
            }
        )
    base = chart_of(rows).encode(
        y=alt.Y("stage:N", sort=None, axis=plain_axis(labelLimit=160)),
        tooltip=[
            tooltip("quarter", _("A quarter have left within")),
            tooltip("text", _("Half have left within")),
            tooltip("most", _("Three quarters have left within")),
            tooltip("counted", _("Spells")),
        ],
    )
    scale = alt.Scale(domain=[0, longest * 1.12], nice=False)
    colour = alt.Color("stage:N", scale=category_scale(list(names.values())), legend=None)
    # A stage that fewer than a quarter have left has no bar: there is nothing to begin it with.
    known = base.transform_filter("isValid(datum.low)")
    bars = known.mark_bar(height=14, opacity=0.45, cornerRadius=2).encode(
        x=alt.X("low:Q", scale=scale, axis=value_axis(_, _("Months in the stage"))), x2="high:Q", color=colour
    )
    half = base.transform_filter("isValid(datum.middle)")
    marks = half.mark_tick(thickness=3, size=22).encode(x=alt.X("middle:Q", scale=scale), color=colour)
    words = half.mark_text(align="left", dx=7, dy=-16).encode(x=alt.X("middle:Q", scale=scale), text="text:N")
    # Fewer than three quarters have left as far as it was seen.
    on = known.transform_filter("datum.open").mark_text(text="→", align="left", dx=4, color=neutral("muted"))
    on = on.encode(x=alt.X("high:Q", scale=scale))
    long = base.transform_filter("!isValid(datum.middle)").mark_text(align="left", color=neutral("muted"))
    far = long.encode(x=alt.value(4), y=alt.Y("stage:N", sort=None), text="text:N").properties()
    return finish(alt.layer(bars, on, marks, words, far), _, height=60 + 46 * len(rows))


def _ends(result: LifecycleResult) -> list[int]:
    columns = [result.spells[name].drop_nulls().to_list() for name in ("months_p25", "months_p50", "months_p75")]
    return [value for column in columns for value in column]


def _left_out(result: LifecycleResult) -> set[str]:
    """Stages that nobody was seen to enter, and lapsed subscriptions: that is no stage to leave."""
    empty = result.spells.filter(pl.col("n_completed") + pl.col("n_current") == 0)["stage"].to_list()
    return {*empty, *(["lapsed"] if result.rules.kind == "subscription" else [])}


def _months(n: int | None, longest: int, _: Words) -> str:
    if n is None:
        return _.ngettext("more than {n} month", "more than {n} months", longest)
    return _.ngettext("{n} month", "{n} months", n)


def spells_finding(result: LifecycleResult, _: Words) -> str:
    """How long half of the first-time buyers stay that."""
    row = result.spells.filter(stage="first_purchase")
    if row.is_empty() or row["months_p50"].item() is None or result.rules.kind == "subscription":
        row = result.spells.filter(stage="active_use")
        if row.is_empty() or row["months_p50"].item() is None:
            return _("How long customers stay in a stage")
        months = row["months_p50"].item()
        return _.ngettext("Half leave active use within {n} month", "Half leave active use within {n} months", months)
    return _.ngettext(
        "Half of first-time buyers move on, or lapse, within {n} month",
        "Half of first-time buyers move on, or lapse, within {n} months",
        row["months_p50"].item(),
    )


def spells_note(result: LifecycleResult, _: Words) -> str:
    """What bar and mark are, and how those still inside are counted."""
    return _(
        "From the month end when a customer first stands in a stage: mark, half have left it; bar, from a quarter to "
        "three quarters. Who is still in it counts for as long as they have been (product limit)."
    )
