"""What is bought, and in which ways."""

from __future__ import annotations

import altair as alt
import polars as pl

from analytics.charts.portrait.wording import quoted, space, word
from analytics.charts.theme import (
    Spec,
    category_scale,
    chart_of,
    finish,
    neutral,
    plain_axis,
    tooltip,
)
from analytics.i18n import Words, escape_markdown
from analytics.portrait import Portrait

MOST_LEVELS = 5


def habits_bought(portrait: Portrait, _: Words) -> Spec:
    """In how many of the orders the favourite categories (or brands, or products) occur; a tick for everybody."""
    return _habits(portrait, _bought_kinds(portrait), _)


def habits_ways(portrait: Portrait, _: Words) -> Spec:
    """How orders are placed and paid."""
    return _habits(portrait, ("channel", "payment_method"), _)


def _bought_kinds(portrait: Portrait) -> tuple[str, ...]:
    held = set(portrait.habits["kind"])
    return tuple(kind for kind in ("category", "brand", "product") if kind in held)[:2]


def _habits(portrait: Portrait, kinds: tuple[str, ...], _: Words) -> Spec:
    rows = []
    for kind in kinds:
        for row in portrait.habits.filter(kind=kind).head(MOST_LEVELS).iter_rows(named=True):
            rows.append(
                {
                    "id": f"{kind}:{row['level']}",
                    "level": word(row["level"], _),
                    "kind": _.label("field", kind),
                    "share": row["share"],
                    "base": row["base_share"],
                    "text": f"{_.percent(row['share'])} · {_('favourite')}"
                    if row["favourite"]
                    else _.percent(row["share"]),
                    "n": _.number(row["n"]),
                    "all": _.percent(row["base_share"]),
                }
            )
    order = [row["id"] for row in rows]
    text = "".join(f"datum.value == {quoted(row['id'])} ? {quoted(row['level'])} : " for row in rows) + "''"
    reach = max((max(row["share"], row["base"] or 0.0) for row in rows), default=1.0)
    for row in rows:
        # The figure stands at the end of its bar; beyond a tick that would run through it.
        near = row["base"] is not None and row["share"] <= row["base"] < row["share"] + 0.15 * reach
        row["end"] = row["base"] if near else row["share"]
    scale = alt.Scale(domain=[0, 1.45 * reach], nice=False)
    axis = alt.Axis(title=None, tickCount=4, format=".0%", grid=True)
    colours = [_.label("field", kind) for kind in kinds]
    base = chart_of(rows).encode(
        y=alt.Y("id:N", sort=order, axis=plain_axis(labelExpr=text, labelLimit=150)),
        tooltip=[
            tooltip("level", _("What")),
            tooltip("text", _("Share")),
            tooltip("n", _("Orders")),
            *([tooltip("all", _("All customers"))] if any(row["base"] is not None for row in rows) else []),
        ],
    )
    x = alt.X("share:Q", scale=scale, axis=axis)
    layers = [
        base.mark_bar(height=14, cornerRadiusEnd=2).encode(
            x=x, color=alt.Color("kind:N", scale=category_scale(colours))
        ),
        base.mark_text(align="left", dx=6, color=neutral("ink")).encode(
            x=alt.X("end:Q", scale=scale, axis=axis), text="text:N"
        ),
    ]
    if any(row["base"] is not None for row in rows):
        ticks = base.transform_filter("datum.base !== null").mark_tick(color=neutral("ink"), thickness=2, height=18)
        layers.append(ticks.encode(x=alt.X("base:Q", scale=scale, axis=axis)))
    return finish(alt.layer(*layers), _, height=64 + 30 * max(len(rows), 1))


def has_habits(portrait: Portrait) -> bool:
    return portrait.habits.height > 0


def habits_bought_finding(portrait: Portrait, _: Words) -> str:
    """What this customer orders clearly more than others; that there is no such thing; or that one cannot tell."""
    kinds = _bought_kinds(portrait)
    if not kinds:
        return _("What is bought is not known")
    part = portrait.habits.filter(pl.col("kind").is_in(kinds))
    if not part["known"][0]:
        return _("Too few orders to speak of favourites")
    fans = part.filter(pl.col("favourite").fill_null(False))
    if fans.height:
        return _("Favourite: {what}", what=_.listing(escape_markdown(word(one, _)) for one in fans["level"].head(2)))
    return _("No clear favourite; most often {what}", what=escape_markdown(word(part["level"][0], _)))


def habits_bought_note(portrait: Portrait, _: Words) -> str:
    return _habit_note(portrait, _)


def habits_ways_finding(portrait: Portrait, _: Words) -> str:
    part = portrait.habits.filter(pl.col("kind").is_in(["channel", "payment_method"]))
    if part.is_empty():
        return _("Channel and payment are not known")
    tops = [
        escape_markdown(word(part.filter(kind=kind)["level"][0], _))
        for kind in ("channel", "payment_method")
        if part.filter(kind=kind).height
    ]
    return _("Usually: {ways}", ways=_.listing(tops))


def habits_ways_note(portrait: Portrait, _: Words) -> str:
    return _habit_note(portrait, _)


def _habit_note(portrait: Portrait, _: Words) -> str:
    note = _("Share of the orders that hold it; one order may hold several.")
    if portrait.habits["base_share"].count():
        note += space(_) + _("Tick: all customers.")
    return note


def habits_of(portrait: Portrait) -> pl.DataFrame:
    """The habits for a download."""
    return portrait.habits.select(pl.lit(portrait.customer_id).alias("customer_id"), pl.all())
