"""What is ahead: how many will probably leave, and when the next orders come."""

from __future__ import annotations

import altair as alt
import polars as pl

from analytics.charts.survival.parts import Rows, space
from analytics.charts.theme import Spec, chart_of, finish, neutral, plain_axis, tooltip, value_axis
from analytics.i18n import Words
from analytics.survival import OutlookResult

MOST_LISTED = 500


def outlook(result: OutlookResult, _: Words) -> Spec:
    """Customers by their probability of leaving; or by the probable day of their next order."""
    rows: Rows = []
    if result.leaving.height:
        for row in result.leave_bins.iter_rows(named=True):
            rows.append({"name": _.span(_.number(100 * row["low"]), _.percent(row["high"])), "n": row["n_customers"]})
        title = _("Probability of leaving within {n} days", n=result.horizon_days)
    else:
        for row in result.order_bins.iter_rows(named=True):
            if row["first_day"] is None:
                name = _("not expected")
            elif row["last_day"] is None:
                name = f"{row['first_day']}+"
            else:
                name = _.span(_.number(row["first_day"]), _.number(row["last_day"]))
            rows.append({"name": name, "n": row["n_customers"], "none": row["first_day"] is None})
        title = _("Days until the next order, median")
    angle = 0 if result.leaving.height else -35
    for one in rows:
        one["text"] = _.number(one["n"])
    base = chart_of(rows).encode(
        x=alt.X("name:N", sort=None, axis=plain_axis(title, labelAngle=angle, labelOverlap=False)),
        y=alt.Y("n:Q", axis=value_axis(_), scale=alt.Scale(zero=True)),
        tooltip=[tooltip("name", title), tooltip("text", _("Customers"))],
    )
    layers = alt.layer(
        base.mark_bar(cornerRadiusEnd=2).encode(
            color=alt.condition("datum.none", alt.value(neutral("quiet")), alt.value(neutral("accent")))
        ),
        base.mark_text(dy=-8, color=neutral("ink")).encode(text="text:N"),
    )
    return finish(layers, _, height=300)


def outlook_finding(result: OutlookResult, _: Words) -> str:
    """How many will probably leave, or order, within the horizon."""
    if result.leaving.height:
        if result.expected_leaving is None:
            return _("Nothing is known of what lies ahead")
        return _(
            "About {n} will leave in the next {days} days",
            n=round(result.expected_leaving),
            days=result.horizon_days,
        )
    return _(
        "About {n} will order in the next {days} days",
        n=round(float(result.ordering["p_order"].sum())),
        days=result.horizon_days,
    )


def outlook_note(result: OutlookResult, _: Words) -> str:
    """Whence it comes, and what is not said."""
    if result.leaving.height:
        note = _(
            "Each customer's probability, from how long customers like them stayed who had stayed as long (Cox). Among "
            "{n} who are there now.",
            n=result.leaving.height,
        )
        if result.expected_lo is not None and result.expected_hi is not None:
            span = _.span(_.number(round(result.expected_lo)), _.number(round(result.expected_hi)))
            note += space(_) + _("95% interval of the number: {span}.", span=span)
        return note
    return _(
        "By each customer's own rhythm and the chance that they have left (MBG/CNBD-k). Not expected: an order is less "
        "likely than none, or more than three years away."
    )


def outlook_table(result: OutlookResult) -> pl.DataFrame:
    """Each customer who is there, the likeliest to leave (or to order) first."""
    if result.leaving.height:
        return result.leaving.rename({"tenure": "tenure_time", "lo": "p_leave_lo", "hi": "p_leave_hi"})
    return result.ordering.rename({"p_alive": "still_a_customer"})


def listed(result: OutlookResult) -> pl.DataFrame:
    """The head of that table."""
    return outlook_table(result).head(MOST_LISTED)
