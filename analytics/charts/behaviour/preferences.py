"""What customers order most, how many are fans, of whom nothing can be said, and how segments differ."""

from __future__ import annotations

import math
from collections.abc import Mapping

import altair as alt
import polars as pl

from analytics.behaviour import PreferencesResult
from analytics.charts.behaviour.parts import Rows, bars, column_axis, share_text, space
from analytics.charts.theme import (
    Spec,
    cell_text_color,
    chart_of,
    diverging_scale,
    finish,
    neutral,
    plain_axis,
    tooltip,
)
from analytics.i18n import Words

_ROW = 30
_MOST_LABELS = 8
_ALIKE = 1000.0  # orders of the average customer: more than anybody has
_STEPS = 2.0  # of doubling: four times the others' share, and a quarter


def levels(result: PreferencesResult, _: Words) -> Spec:
    """The share of each level among all counts, with its fans."""
    rows: Rows = []
    for row in result.levels.filter(pl.col("level").is_not_null()).iter_rows(named=True):
        fans = _.ngettext("{n} fan", "{n} fans", row["n_fans"])
        rows.append(
            {
                "name": row["level"],
                "share": row["share"],
                "text": f"{share_text(row['share'], _)} · {fans}",
                "orders": _.number(row["n_orders"]),
                "customers": _.number(row["n"]),
                "fans": f"{_.number(row['n_fans'])} · {share_text(row['fan_share'], _)}",
            }
        )
    tips = [
        tooltip("name", _kind(result, _)),
        tooltip("orders", _("Orders with it")),
        tooltip("customers", _("Customers who ordered it")),
        tooltip("fans", _("Fans, of customers with enough orders")),
    ]
    drawn, labels = bars(rows, tips)
    return finish(alt.layer(drawn, labels), _, height=40 + _ROW * len(rows))


def levels_finding(result: PreferencesResult, _: Words) -> str:
    named = result.levels.filter(pl.col("level").is_not_null())
    top = named.sort("n_fans", descending=True, maintain_order=True).row(0, named=True)
    if top["n_fans"]:
        return _("{level} has the most fans: {n}", level=top["level"], n=top["n_fans"])
    if result.concentration is None:
        return _("Too little data to call anybody a fan")
    return _("Nobody stands out as a fan of anything")


def levels_note(result: PreferencesResult, _: Words) -> str:
    note = _("Bar: share of orders that hold it; one order may hold several.")
    if result.false_fans is None:
        return note
    return note + space(_) + _("About {share} of the fans will be wrong.", share=share_text(result.false_fans, _))


def states(result: PreferencesResult, _: Words) -> Spec:
    """Customers who are fans, who have no clear preference, and of whom nothing can be said."""
    rows: Rows = [
        {
            "name": _.label("behaviour_state", row["state"]),
            "share": row["share"],
            "text": f"{_.number(row['n'])} · {_.percent(row['share'])}",
        }
        for row in result.states.iter_rows(named=True)
    ]
    drawn, labels = bars(rows, [tooltip("name", _.label("field", "state")), tooltip("text", _("Customers"))])
    return finish(alt.layer(drawn, labels), _, height=40 + _ROW * len(rows))


def states_finding(result: PreferencesResult, _: Words) -> str:
    share = {row["state"]: row["share"] for row in result.states.iter_rows(named=True)}
    return _(
        "{fans} of customers prefer something; of {unknown} we cannot tell",
        fans=_.percent(share["fan"]),
        unknown=_.percent(share["not_enough"]),
    )


def states_note(result: PreferencesResult, _: Words) -> str:
    if result.concentration is None:
        return _("Customers by what their orders tell about their taste.")
    if result.concentration > _ALIKE:
        return _("By these orders customers are all but alike: each one's shares are drawn to the average.")
    return _(
        "Each customer's shares are drawn towards those of all, as if about {n} orders of the average customer came "
        "first: a few orders make no fan.",
        n=_.number(result.concentration, 1 if result.concentration < 10 else 0),
    )


def segments(result: PreferencesResult, names: Mapping[str, str], _: Words) -> Spec:
    """How many times the others' share each segment gives to each level; gray where there is no clear difference."""
    shown = [label for label in result.labels if label in set(result.by_label["label"])][:_MOST_LABELS]
    columns = [names.get(label, label) for label in shown]
    lines = [level for level in result.levels["level"].to_list() if level in set(result.by_label["level"])]
    rows: Rows = []
    for row in result.by_label.filter(pl.col("label").is_in(shown)).iter_rows(named=True):
        lift = row["lift"]
        clear = row["verdict"] == "different"
        # A level that only they order, or that they never do, is as far as the scale goes.
        size = _STEPS if lift is None else -_STEPS if lift == 0 else max(-_STEPS, min(_STEPS, math.log2(lift)))
        rows.append(
            {
                "x": names.get(row["label"], row["label"]),
                "y": row["level"],
                "size": size if clear else None,
                "clear": clear,
                "text": _("only here") if lift is None else f"×{_.number(lift, 1)}",
                "share": _.percent(row["share"], 1),
                "others": _.percent(row["rest_share"], 1),
                "difference": _(
                    "{low} to {high} points", low=_.signed(100 * row["lo"], 1), high=_.signed(100 * row["hi"], 1)
                ),
            }
        )
    base = chart_of(rows).encode(
        x=alt.X(
            "x:N",
            sort=columns,
            scale=alt.Scale(domain=columns, padding=0.02),
            axis=column_axis(columns),
        ),
        y=alt.Y("y:N", sort=lines, scale=alt.Scale(domain=lines, padding=0.02), axis=plain_axis(labelLimit=150)),
        tooltip=[
            tooltip("x", _.label("field", "segment")),
            tooltip("y", _kind(result, _)),
            tooltip("share", _("Share of their orders")),
            tooltip("others", _("Of the others'")),
            tooltip("difference", _("Difference, 95% interval")),
        ],
    )
    told = base.transform_filter("datum.clear")
    plain = base.transform_filter("!datum.clear")
    layers = alt.layer(
        plain.mark_rect(color=neutral("hair"), opacity=0.5),
        plain.mark_text(color=neutral("muted")).encode(text="text:N"),
        told.mark_rect().encode(color=alt.Color("size:Q", scale=diverging_scale(_STEPS), legend=None)),
        told.mark_text(color=cell_text_color("size")).encode(text="text:N"),
    )
    return finish(layers, _, height=90 + _ROW * len(lines))


def segments_finding(result: PreferencesResult, names: Mapping[str, str], _: Words) -> str:
    clear = result.by_label.filter((pl.col("verdict") == "different") & (pl.col("difference") > 0))
    if result.by_label.is_empty():
        return _("Too few customers to compare segments")
    if clear.is_empty():
        return _("No segment prefers anything the others do not")
    top = clear.sort("difference", descending=True).row(0, named=True)
    name = names.get(top["label"], top["label"])
    if top["lift"] is None:
        return _("{segment}: only they order {level}", segment=name, level=top["level"])
    return _(
        "{segment}: {level} takes {times} times the others' share",
        segment=name,
        level=top["level"],
        times=_.number(top["lift"], 1),
    )


def segments_note(result: PreferencesResult, names: Mapping[str, str], _: Words) -> str:
    return _(
        "Mean share of the customers' own orders, as a multiple of the other customers'. Gray: no clear difference "
        "(Holm)."
    )


def _kind(result: PreferencesResult, _: Words) -> str:
    return _.label("behaviour_kind", result.by)
