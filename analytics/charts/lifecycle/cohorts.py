"""Cohorts: who began together, as a grid and as lines, by one of three measures."""

from __future__ import annotations

from typing import Any

import altair as alt
import polars as pl

from analytics.charts.lifecycle.parts import cohort_name, space
from analytics.charts.theme import (
    COHORT,
    STANDARD,
    Spec,
    category_scale,
    cell_text_color,
    chart_of,
    finish,
    neutral,
    plain_axis,
    ramp_scale,
    tooltip,
    value_axis,
)
from analytics.i18n import Words
from analytics.lifecycle import CohortView, LifecycleResult

COLUMNS = {"retention": "retention", "revenue": "revenue_per_customer", "value": "value_per_customer"}


def cohort_names(result: LifecycleResult, _: Words) -> dict[Any, str]:
    """First day of a cohort -> its name, of those large enough to read."""
    days = result.cohorts.filter("enough")["cohort"].unique(maintain_order=True).to_list()
    return {day: cohort_name(day, result, _) for day in days}


def cohort_grid(result: LifecycleResult, view: CohortView, _: Words) -> Spec:
    """The measure by cohort (rows) and periods since the first: gray = too few, blank = not over yet."""
    size, column = _("n"), COLUMNS[_measure(result, view)]
    rows: list[dict[str, Any]] = []
    for row in result.cohorts.iter_rows(named=True):
        since = row["periods_since"]
        if not row["observed"]:
            continue
        # Of retention the first period is all of them; it holds the number of customers instead.
        cells = [("size", size, None, _.number(row["n_customers"]))] if since == 0 else []
        if since or column != "retention":
            cell = "value" if row["enough"] else "few"
            cells.append((cell, str(since), row[column] if cell == "value" else None, _cell(row[column], column, _)))
        for cell, at, value, text in cells:
            rows.append(
                {
                    "cohort": cohort_name(row["cohort"], result, _),
                    "since": at,
                    "cell": cell,
                    "value": value,
                    "text": text,
                    "shown": _told(row[column], column, result, _) if cell == "value" else "–",
                    "active": _("{n} of {total}", n=row["n_active"], total=row["n_customers"]),
                    "revenue": _.money(row["revenue"], result.currency),
                }
            )
    order = list(dict.fromkeys(row["cohort"] for row in rows))
    longest = int(result.cohorts.filter(pl.col("observed"))["periods_since"].max() or 0)  # type: ignore[arg-type]  # a scalar: Polars types any literal
    first = 1 if column == "retention" else 0
    columns = [size, *(str(i) for i in range(first, longest + 1))]
    given = sorted(row["value"] for row in rows if row["value"] is not None)
    # One large cell would leave all others pale: the scale ends where one in fifty lies above.
    highest = given[int(0.98 * (len(given) - 1))] if given else 0.0
    base = chart_of(rows).encode(
        x=alt.X(
            "since:N",
            sort=columns,
            scale=alt.Scale(domain=columns, padding=0.02),
            axis=plain_axis(_since(result, _), orient="top", labelAngle=0, titleAnchor="start"),
        ),
        y=alt.Y("cohort:N", sort=order, scale=alt.Scale(padding=0.02), axis=plain_axis(labelOverlap=False)),
        tooltip=[
            tooltip("cohort", _.label("field", "cohort")),
            tooltip("shown", _measure_name(_measure(result, view), result, _)),
            tooltip("active", _("Customers")),
            *([tooltip("revenue", _("Revenue in the period"))] if result.cohorts["revenue"].count() else []),
        ],
    )
    values = base.transform_filter("datum.cell == 'value'")
    layers = alt.layer(
        base.transform_filter("datum.cell == 'size'").mark_text(color=neutral("muted")).encode(text="text:N"),
        base.transform_filter("datum.cell == 'few'").mark_rect(color=neutral("hair")),
        values.mark_rect().encode(color=alt.Color("value:Q", scale=ramp_scale(0, max(highest, 0.01)), legend=None)),
        values.mark_text(color=cell_text_color("value"), fontSize=11).encode(text="text:N"),
    )
    return finish(layers, _, height=min(COHORT, 60 + 30 * len(order)))


def cohort_lines(result: LifecycleResult, view: CohortView, _: Words) -> Spec:
    """The mean of all cohorts as a strong line, and the cohorts that were picked beside it."""
    measure = _measure(result, view)
    column = COLUMNS[measure]
    mean = _("All cohorts")
    names = cohort_names(result, _)
    picked = [day for day in view.rows if day in names]
    rows = [
        {"line": mean, "since": row["periods_since"], "value": row[column], "n": row["n_customers"]}
        for row in result.retention.iter_rows(named=True)
    ]
    for day in picked:
        mine = result.cohorts.filter(pl.col("cohort") == day, pl.col("observed"))
        rows += [
            {"line": names[day], "since": row["periods_since"], "value": row[column], "n": row["n_customers"]}
            for row in mine.iter_rows(named=True)
        ]
    # With retention the first period is everybody.
    rows = [
        {**row, "text": _told(row["value"], column, result, _), "total": _.number(row["n"])}
        for row in rows
        if row["value"] is not None and (measure != "retention" or row["since"])
    ]
    shown = [names[day] for day in picked]
    share = measure == "retention"
    y = alt.Y(
        "value:Q",
        axis=value_axis(_, percent=share, currency=None if share else result.currency),
        scale=alt.Scale(domainMin=0),
    )
    base = chart_of(rows).encode(
        x=alt.X("since:Q", axis=alt.Axis(title=_since(result, _), grid=False, tickMinStep=1, format="d")),
        y=y,
        tooltip=[
            tooltip("line", _.label("field", "cohort")),
            tooltip("since", _.label("field", "periods_since")),
            tooltip("text", _measure_name(measure, result, _)),
            tooltip("total", _.label("field", "n_customers")),
        ],
    )
    others = base.transform_filter(f"datum.line != '{mean}'")
    alone = base.transform_filter(f"datum.line == '{mean}'")
    layers: list[Any] = []
    if shown:
        legend = alt.Legend(values=shown)
        colour = alt.Color("line:N", scale=category_scale(list(names.values())), legend=legend)
        layers += [
            others.mark_line(strokeWidth=1.75).encode(color=colour),
            others.mark_point(filled=True, size=28, opacity=1).encode(color=colour),
        ]
    layers += [
        alone.mark_line(color=neutral("ink"), strokeWidth=2.75),
        alone.mark_point(filled=True, size=36, opacity=1, color=neutral("ink")),
    ]
    return finish(alt.layer(*layers), _, height=STANDARD)


def cohort_lines_finding(result: LifecycleResult, view: CohortView, _: Words) -> str:
    """Where the mean line stands at its end, or after a year."""
    measure = _measure(result, view)
    followed = result.retention.filter(pl.col("periods_since") > 0)
    if followed.is_empty():
        return _("No cohort can be followed yet")
    row = followed.filter(pl.col("periods_since") <= (12 if result.cohort_by == "month" else 4)).row(-1, named=True)
    told = _told(row[COLUMNS[measure]], COLUMNS[measure], result, _)
    n = row["periods_since"]
    if measure == "value":
        if result.cohort_by == "quarter":
            return _.ngettext(
                "A new customer has brought {told} within {n} quarter",
                "A new customer has brought {told} within {n} quarters",
                n,
                told=told,
            )
        return _.ngettext(
            "A new customer has brought {told} within {n} month",
            "A new customer has brought {told} within {n} months",
            n,
            told=told,
        )
    if measure == "revenue":
        return _("Period {n} brings {told} per customer who began", n=n, told=told)
    if result.rules.kind == "subscription":
        return _("{told} are still subscribed in period {n}", told=told, n=n)
    return _("{told} order again in period {n}", told=told, n=n)


def cohort_lines_note(result: LifecycleResult, view: CohortView, _: Words) -> str:
    """What the strong line is."""
    note = _("Strong line: all complete periods of cohorts that are large enough, taken together.")
    return note if view.rows else note + space(_) + _("Pick cohorts above to draw them beside it.")


def cohorts_finding(result: LifecycleResult, _: Words) -> str:
    """How many new customers order again in the first period after their first."""
    first = result.retention.filter(periods_since=1)
    if first.is_empty():
        return _("No cohort can be followed yet")
    share = _.percent(first["retention"][0])
    if result.rules.kind == "subscription":
        if result.cohort_by == "quarter":
            return _("{share} of new subscribers stay to the end of the next quarter", share=share)
        return _("{share} of new subscribers stay to the end of the next month", share=share)
    if result.cohort_by == "quarter":
        return _("{share} of new customers order again in the next quarter", share=share)
    return _("{share} of new customers order again in the next month", share=share)


def cohort_grid_note(result: LifecycleResult, view: CohortView, _: Words) -> str:
    """What the cells are, and what gray and blank mean."""
    measure = _measure(result, view)
    if measure == "revenue":
        said = _("Revenue of each cohort in that period, per customer who began.")
    elif measure == "value":
        said = _("Revenue of each cohort up to the end of that period, per customer who began.")
    elif result.rules.kind == "subscription":
        said = _("Share of each cohort (%) whose subscription runs at the end of that period.")
    else:
        said = _("Share of each cohort (%) with an order in that period.")
    return (
        said
        + space(_)
        + _("n: customers in the cohort. Gray: fewer than {least}; blank: not over yet.", least=result.min_cohort_size)
    )


def _measure(result: LifecycleResult, view: CohortView) -> str:
    """The measure asked for; customers where there are no amounts."""
    return view.measure if result.cohorts["revenue"].count() else "retention"


def _measure_name(measure: str, result: LifecycleResult, _: Words) -> str:
    if measure == "retention" and result.rules.kind == "subscription":
        return _("Share still subscribed")
    return _.label("field", COLUMNS[measure])


def _since(result: LifecycleResult, _: Words) -> str:
    if result.rules.kind == "subscription":
        return _("Months since joining") if result.cohort_by == "month" else _("Quarters since joining")
    return _("Months since the first order") if result.cohort_by == "month" else _("Quarters since the first order")


def _cell(value: float | None, column: str, _: Words) -> str:
    if value is None:
        return ""
    return f"{100 * value:.0f}" if column == "retention" else _.compact(value, "").strip()


def _told(value: float | None, column: str, result: LifecycleResult, _: Words) -> str:
    if value is None:
        return "–"
    return _.percent(value, 1) if column == "retention" else _.money(value, result.currency)
