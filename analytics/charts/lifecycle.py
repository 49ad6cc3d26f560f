"""Lifecycle charts: stages and their value, stages over time, steps between them, movement, cohorts.

The five stages hold category colours 1 to 5 in order on every chart; what is gained or lost in a month has the colour
of the stage it arrives in.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import altair as alt
import polars as pl

from analytics.charts.headline import Headline, Metric
from analytics.charts.theme import (
    COHORT,
    STANDARD,
    Spec,
    category_scale,
    cell_text_color,
    finish,
    label_expr,
    neutral,
    plain_axis,
    ramp_scale,
    time_axis,
    tooltip,
    value_axis,
)
from analytics.i18n import Words
from analytics.lifecycle import OUTSIDE, STAGES, LifecycleResult

_BUYING = ("first_purchase", "active_use", "loyalty")


def stage_names(_: Words) -> dict[str, str]:
    """Stage -> its number, a dot and its name, as on every chart and table."""
    return {stage: f"{i} · {_.label('stage', stage)}" for i, stage in enumerate(STAGES, start=1)}


# --- the answer card -------------------------------------------------------------------------------------------------


def headline(result: LifecycleResult, _: Words) -> Headline:
    """Loyal customers and their value, the rules, and four figures."""
    loyal, lapsed = _stage(result, "loyalty"), _stage(result, "lapsed")
    if not loyal["n_customers"]:
        finding = _("No customer is loyal yet by these rules")
    elif loyal["revenue_share"] is None:
        finding = _("{share} of customers are loyal", share=_.percent(loyal["customer_share"]))
    else:
        finding = _(
            "{share} of customers are loyal and bring {revenue} of revenue",
            share=_.percent(loyal["customer_share"]),
            revenue=_.percent(loyal["revenue_share"]),
        )
    active = sum(_stage(result, stage)["n_customers"] for stage in _BUYING)
    metrics = [
        Metric(
            _("Active customers"),
            _.number(active),
            _("{share} of {n} known", share=_.percent(active / result.n_customers), n=result.n_customers),
        ),
        Metric(
            _("Loyal customers"),
            _.number(loyal["n_customers"]),
            "" if loyal["revenue_share"] is None else _("{share} of revenue", share=_.percent(loyal["revenue_share"])),
        ),
        Metric(
            _("Lapsed customers"),
            _.number(lapsed["n_customers"]),
            _("{share} of all known", share=_.percent(lapsed["customer_share"]))
            if lapsed["observable"]
            else _("not observable"),
        ),
    ]
    if result.movement.height:
        last = result.movement.row(-1, named=True)
        change = last["n_active"] - last["n_active_before"]
        note = _("active customers, {month}", month=_.month(last["month"]))
        metrics.append(Metric(_("Change in a month"), _.signed(change), note))
    return Headline(finding, _rules_sentence(result, _), tuple(metrics))


def _rules_sentence(result: LifecycleResult, _: Words) -> str:
    rules = result.rules
    loyal = _("Loyal: at least {n} order days in {days} days.", n=rules.loyal_min_orders, days=rules.loyal_window_days)
    if rules.lapsed_after_days is None:
        return loyal + _space(_) + _("Lapsed cannot be told from this data.")
    if rules.lapsed_source == "given":
        return loyal + _space(_) + _("Lapsed: no order for more than {days} days.", days=rules.lapsed_after_days)
    lapsed = _(
        "Lapsed: no order for more than {days} days, learned from {n} gaps between orders.",
        days=rules.lapsed_after_days,
        n=rules.n_gaps,
    )
    return loyal + _space(_) + lapsed


def _space(_: Words) -> str:
    return " " if _.language == "en" else ""


# --- stages now ------------------------------------------------------------------------------------------------------


def stages(result: LifecycleResult, _: Words) -> Spec:
    """Two bars a stage: its share of customers, and paler its share of revenue in the last 12 months."""
    names = stage_names(_)
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
    base = _chart(rows).encode(
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
        stage=_.label("stage", top["stage"]),
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


# --- stages over time ------------------------------------------------------------------------------------------------


def history(result: LifecycleResult, _: Words) -> Spec:
    """Customers in each stage at the end of each month, stacked in the order of the stages."""
    names = stage_names(_)
    order = {stage: i for i, stage in enumerate(STAGES)}
    rows = [
        {
            "at": _at(row["month"]),
            "month": _.month(row["month"]),
            "stage": names[row["stage"]],
            "order": order[row["stage"]],
            "n": row["n_customers"],
            "text": _.number(row["n_customers"]),
        }
        for row in result.history.filter(pl.col("observable")).iter_rows(named=True)
    ]
    single = result.history["month"].n_unique() == 1
    chart = _chart(rows)
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
    return note + _space(_) + _("Lapsing can be seen from {month}.", month=_.month(seen["month"][0]))


# --- steps between stages --------------------------------------------------------------------------------------------


def transitions(result: LifecycleResult, _: Words) -> Spec:
    """From stage (rows) to stage (columns): mean share a month. The diagonal, who stayed, is neutral."""
    names = stage_names(_)
    hidden = set(result.stages.filter(~pl.col("observable"))["stage"])
    rows = []
    for row in result.transitions.iter_rows(named=True):
        start, end, share = row["from_stage"], row["to_stage"], row["share_mean"]
        if OUTSIDE in (start, end) or start in hidden or end in hidden:
            continue
        cell = "blank" if share is None else "stay" if start == end else "move" if row["n_mean"] else "none"
        rows.append(
            {
                "from": names[start],
                "to": names[end],
                "cell": cell,
                "share": share,
                "text": "" if share is None else _percent(share, _),
                "mean": _.number(row["n_mean"], 1 if (row["n_mean"] or 0) < 10 else 0),
            }
        )
    shown = [name for stage, name in names.items() if stage not in hidden]
    highest = max((row["share"] for row in rows if row["cell"] == "move"), default=0.0) or 0.01
    base = _chart(rows).encode(
        x=alt.X(
            "to:N",
            sort=shown,
            scale=alt.Scale(domain=shown, padding=0.03),
            axis=plain_axis(
                _("To, a month later"), orient="top", labelAngle=0, labelOverlap=False, labelExpr=_short(shown)
            ),
        ),
        y=alt.Y("from:N", sort=shown, scale=alt.Scale(domain=shown, padding=0.03), axis=plain_axis(labelLimit=160)),
        tooltip=[
            tooltip("from", _.label("field", "from_stage")),
            tooltip("to", _.label("field", "to_stage")),
            tooltip("text", _("Share a month")),
            tooltip("mean", _("Customers a month")),
        ],
    )
    moves = base.transform_filter("datum.cell == 'move'")
    still = base.transform_filter("datum.cell == 'stay'")
    layers = alt.layer(
        still.mark_rect(color=neutral("hair")),
        still.mark_text(color=neutral("ink")).encode(text="text:N"),
        moves.mark_rect().encode(color=alt.Color("share:Q", scale=ramp_scale(0, highest), legend=None)),
        moves.mark_text(color=cell_text_color("share")).encode(text="text:N"),
        base.transform_filter("datum.cell == 'none'").mark_text(text="–", color=neutral("muted")),
    )
    return finish(layers, _, height=STANDARD)


def transitions_finding(result: LifecycleResult, _: Words) -> str:
    """How many first-time buyers order again in a month."""
    row = result.transitions.filter(pl.col("from_stage") == "first_purchase")
    again = row.filter(pl.col("to_stage").is_in(["active_use", "loyalty"]))["share_mean"]
    if not result.n_transition_months or again.null_count():
        return _("No first-time buyer could be followed for a month")
    return _("{share} of first-time buyers order again each month", share=_percent(float(again.sum()), _))


def transitions_note(result: LifecycleResult, _: Words) -> str:
    """What the cells are and over how many months."""
    return _.ngettext(
        "Of the customers in a row's stage: share in each stage a month later, {n} month. Gray: stayed.",
        "Of the customers in a row's stage: share in each stage a month later, mean of {n} months. Gray: stayed.",
        result.n_transition_months,
    )


# --- movement --------------------------------------------------------------------------------------------------------


def movement(result: LifecycleResult, _: Words) -> Spec:
    """Each month's gains above zero and losses below; those who stayed are a line of figures in the tooltip."""
    names = stage_names(_)
    arrives = {"new": names["first_purchase"], "resurrected": names["active_use"], "lost": names["lapsed"]}
    rows: list[dict[str, Any]] = []
    for row in result.movement.iter_rows(named=True):
        for part, colour in arrives.items():
            n = row[f"n_{part}"]
            rows.append(
                {
                    "month": _.month(row["month"]),
                    "colour": colour,
                    "part": _.label("movement", part),
                    "n": -n if part == "lost" else n,
                    "order": list(arrives).index(part),
                    "text": _.number(n),
                    "stayed": _.number(row["n_retained"]),
                    "active": _.number(row["n_active"]),
                }
            )
    words = {colour: _.label("movement", part) for part, colour in arrives.items()}
    renamed = "".join(f"datum.label == {_quoted(colour)} ? {_quoted(word)} : " for colour, word in words.items())
    base = _chart(rows)
    bars = base.mark_bar().encode(
        x=alt.X("month:O", sort=None, axis=plain_axis(labelAngle=0, labelOverlap="parity")),
        y=alt.Y("n:Q", stack="zero", axis=alt.Axis(title=None, tickCount=5, grid=True, labelExpr=label_expr(_))),
        color=alt.Color(
            "colour:N",
            scale=category_scale(list(names.values())),
            legend=alt.Legend(values=list(words), labelExpr=f"{renamed}datum.label"),
        ),
        order=alt.Order("order:O"),
        tooltip=[
            tooltip("month", _("Month")),
            tooltip("part", _("Movement")),
            tooltip("text", _("Customers")),
            tooltip("stayed", _.label("movement", "retained")),
            tooltip("active", _("Active at the end")),
        ],
    )
    zero = _chart([{"n": 0}]).mark_rule(color=neutral("muted")).encode(y="n:Q")
    return finish(alt.layer(bars, zero), _)


def movement_finding(result: LifecycleResult, _: Words) -> str:
    """Gains and losses over the last months in which lapsing could be seen."""
    seen = result.movement.filter(pl.col("lapse_observable")).tail(12)
    if seen.is_empty():
        return _("Losses cannot be seen yet")
    gained = int((seen["n_new"] + seen["n_resurrected"]).sum())
    return _.ngettext(
        "{gained} customers gained, {lost} lost in {n} month",
        "{gained} customers gained, {lost} lost in {n} months",
        seen.height,
        gained=gained,
        lost=int(seen["n_lost"].sum()),
    )


def movement_note(result: LifecycleResult, _: Words) -> str:
    """How the month's balance is counted."""
    note = _("Customers a month. Active = stayed + new + came back; active a month earlier = stayed + lost.")
    blind = result.movement.filter(~pl.col("lapse_observable"))
    if blind.is_empty() or blind.height == result.movement.height:
        return note
    first = result.movement.filter(pl.col("lapse_observable"))["month"][0]
    return note + _space(_) + _("Losses are complete from {month}.", month=_.month(first))


# --- cohorts ---------------------------------------------------------------------------------------------------------


def cohorts(result: LifecycleResult, _: Words) -> Spec:
    """Retention by cohort (rows) and periods since the first order: gray = too few, blank = not over yet."""
    size = _("n")
    rows: list[dict[str, Any]] = []
    for row in result.cohorts.iter_rows(named=True):
        since = row["periods_since"]
        if not row["observed"]:
            continue
        cell = "size" if since == 0 else "value" if row["enough"] else "few"
        rows.append(
            {
                "cohort": _cohort(row["cohort"], result, _),
                "since": size if since == 0 else str(since),
                "cell": cell,
                "share": row["retention"] if cell == "value" else None,
                "text": _.number(row["n_customers"]) if since == 0 else f"{100 * row['retention']:.0f}",
                "shown": _.percent(row["retention"], 1) if cell == "value" else "–",
                "active": _("{n} of {total}", n=row["n_active"], total=row["n_customers"]),
                "revenue": _.money(row["revenue"], result.currency),
            }
        )
    order = list(dict.fromkeys(row["cohort"] for row in rows))
    longest = int(result.cohorts.filter(pl.col("observed"))["periods_since"].max() or 0)  # type: ignore[arg-type]
    columns = [size, *(str(i) for i in range(1, longest + 1))]
    highest = max((row["share"] for row in rows if row["share"] is not None), default=0.0) or 0.01
    title = _("Months since the first order") if result.cohort_by == "month" else _("Quarters since the first order")
    base = _chart(rows).encode(
        x=alt.X(
            "since:N",
            sort=columns,
            scale=alt.Scale(domain=columns, padding=0.02),
            axis=plain_axis(title, orient="top", labelAngle=0, titleAnchor="start"),
        ),
        y=alt.Y("cohort:N", sort=order, scale=alt.Scale(padding=0.02), axis=plain_axis(labelOverlap=False)),
        tooltip=[
            tooltip("cohort", _.label("field", "cohort")),
            tooltip("shown", _.label("field", "retention")),
            tooltip("active", _("Customers")),
            *([tooltip("revenue", _("Revenue in the period"))] if result.cohorts["revenue"].count() else []),
        ],
    )
    values = base.transform_filter("datum.cell == 'value'")
    layers = alt.layer(
        base.transform_filter("datum.cell == 'size'").mark_text(color=neutral("muted")).encode(text="text:N"),
        base.transform_filter("datum.cell == 'few'").mark_rect(color=neutral("hair")),
        values.mark_rect().encode(color=alt.Color("share:Q", scale=ramp_scale(0, highest), legend=None)),
        values.mark_text(color=cell_text_color("share")).encode(text="text:N"),
    )
    return finish(layers, _, height=min(COHORT, 60 + 30 * len(order)))


def cohorts_finding(result: LifecycleResult, _: Words) -> str:
    """How many new customers order again in the first period after their first."""
    first = result.retention.filter(periods_since=1)
    if first.is_empty():
        return _("No cohort can be followed yet")
    share = _.percent(first["retention"][0])
    if result.cohort_by == "quarter":
        return _("{share} of new customers order again in the next quarter", share=share)
    return _("{share} of new customers order again in the next month", share=share)


def cohorts_note(result: LifecycleResult, _: Words) -> str:
    """What the cells are, and what gray and blank mean."""
    return _(
        "Share of each cohort (%) with an order in that period. n: customers in the cohort. Gray: fewer than {least}; "
        "blank: not over yet.",
        least=result.min_cohort_size,
    )


# --- small parts -----------------------------------------------------------------------------------------------------


def _chart(rows: list[dict[str, Any]]) -> alt.Chart:
    return alt.Chart(alt.Data(values=rows))  # type: ignore[no-untyped-call]


def _stage(result: LifecycleResult, stage: str) -> dict[str, Any]:
    return result.stages.row(STAGES.index(stage), named=True)


def _at(month_end: date) -> str:
    """The month's first day in local time: a bare date would be read as UTC and could slip into the month before."""
    return f"{month_end.replace(day=1).isoformat()}T00:00:00"


def _percent(share: float, _: Words) -> str:
    """A share without decimals; with one near nothing and near all, where monthly steps live."""
    if 0 < share < 0.0005:
        return "<0.1%"
    return _.percent(share, 1 if 0 < share < 0.095 or 0.995 <= share < 1 else 0)


def _cohort(first: date, result: LifecycleResult, _: Words) -> str:
    if result.cohort_by == "month":
        return _.month(first)
    return _("Q{quarter} {year}", quarter=(first.month + 2) // 3, year=str(first.year))


def _short(names: list[str]) -> str:
    """A label expression for columns, whose rows carry the number and the name: the name, or the number if narrow."""
    widest = max(sum(13 if ord(letter) > 0x2E80 else 5.6 for letter in name.partition(" · ")[2]) for name in names)
    return f"split(datum.label, ' · ')[width < {widest * len(names):.0f} ? 0 : 1]"


def _quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
