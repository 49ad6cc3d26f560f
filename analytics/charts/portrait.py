"""One customer: the place of each figure among all customers, the rhythm, habits, and the rows behind a figure.

``names``: label of a segment -> the name people read.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

import altair as alt
import polars as pl

from analytics.charts.headline import Headline, Metric, Tone
from analytics.charts.theme import (
    BAR_OPACITY,
    Spec,
    category_scale,
    chart_of,
    finish,
    neutral,
    plain_axis,
    tooltip,
)
from analytics.i18n import Words, escape_markdown
from analytics.portrait import Condition, CustomerList, Portrait, Rows

MONEY = frozenset({"revenue", "mean_order_value"})
MOST_FIGURES = 8
MOST_LEVELS = 5
ON_THE_BORDER = 0.1  # a margin below this is on the border of two segments
_TONES: dict[str, Tone] = {"on_time": "good", "late": "watch", "overdue": "bad", "unknown": "gray"}
Names = Mapping[str, str]


def figure_text(name: str, value: float | None, currency: str, _: Words) -> str:
    """A figure with its unit."""
    if value is None:
        return "–"
    if name in MONEY:
        return _.money(value, currency)
    if name.endswith("_share"):
        return _.percent(value)
    return _.number(value, 0 if float(value).is_integer() or abs(value) >= 100 else 1)


def word(value: str | None, _: Words) -> str:
    """A value of the data as people read it: our words for the usual codes, else the code without its underscores."""
    if value is None:
        return "–"
    for kind in ("moment", "way", "acquired"):
        if _.has_phrase(f"{kind}.{value}"):
            return _.label(kind, value)
    return value.replace("_", " ")


# --- the answer card -------------------------------------------------------------------------------------------------


def headline(portrait: Portrait, names: Names, _: Words) -> Headline:
    """Where the customer stands by value, what rhythm and segment say, and four figures."""
    shown = escape_markdown(portrait.customer_id)
    place = next(iter(portrait.figures.filter(name="revenue").to_dicts()), None) or next(
        iter(portrait.figures.filter(name="n_orders").to_dicts()), None
    )
    if place is None:
        finding = _("{id}: known, without an order", id=shown)
    elif place["below"] >= 0.5:
        share = _.percent(max(1 - place["below"], 0.01))
        finding = (
            _("{id}: in the top {share} by revenue", id=shown, share=share)
            if place["name"] == "revenue"
            else _("{id}: in the top {share} by orders", id=shown, share=share)
        )
    else:
        share = _most(1 - place["at_most"], _)
        finding = (
            _("{id}: {share} of customers bring more", id=shown, share=share)
            if place["name"] == "revenue"
            else _("{id}: {share} of customers order more", id=shown, share=share)
        )
    return Headline(finding, _space(_).join(_sentences(portrait, names, _)), tuple(_metrics(portrait, _)))


def _sentences(portrait: Portrait, names: Names, _: Words) -> list[str]:
    said = []
    if portrait.rhythm is not None:
        said.append(rhythm_sentence(portrait, _))
    if portrait.label is not None:
        name = escape_markdown(names.get(portrait.label, portrait.label))
        if portrait.margin is not None and portrait.margin < ON_THE_BORDER:
            said.append(_("Segment {name}, on the border to another.", name=name))
        elif portrait.margin is not None:
            margin = _.number(portrait.margin, 2)
            said.append(
                _("Segment {name} (margin {margin}: 0 on the border, 1 far from it).", name=name, margin=margin)
            )
        else:
            said.append(_("Segment {name}.", name=name))
    if portrait.first_day is not None:
        said.append(_("First seen on {day}.", day=portrait.first_day))
    return said


def rhythm_sentence(portrait: Portrait, _: Words) -> str:
    """The present silence against the customer's own gaps."""
    rhythm = portrait.rhythm
    if rhythm is None:
        return ""
    if rhythm.state == "unknown":
        return _(
            "Silent for {days} days; with {n} gaps between orders there is no rhythm to compare with.",
            days=rhythm.silence_days,
            n=rhythm.n_gaps,
        )
    span = _.span(_.number(rhythm.low_days), _.number(rhythm.high_days))
    if rhythm.state == "overdue":
        return _(
            "Silent for {days} days, longer than each of the {n} gaps before; the usual gap is {span} days.",
            days=rhythm.silence_days,
            n=rhythm.n_gaps,
            span=span,
        )
    if rhythm.state == "late":
        return _(
            "Silent for {days} days, longer than {shorter} of {n} gaps before; the usual gap is {span} days.",
            days=rhythm.silence_days,
            shorter=rhythm.n_shorter,
            n=rhythm.n_gaps,
            span=span,
        )
    return _("Silent for {days} days; the usual gap is {span} days.", days=rhythm.silence_days, span=span)


def _metrics(portrait: Portrait, _: Words) -> list[Metric]:
    found = []
    revenue, orders = portrait.figure("revenue"), portrait.figure("n_orders")
    if revenue is not None:
        divisor, unit = _.compact_unit(revenue)
        label = _("Revenue") if not unit else f"{_('Revenue')}（{unit}）"
        value = _.money(revenue / divisor, portrait.currency, None if divisor == 1 else 1)
        mean = portrait.figure("mean_order_value")
        found.append(Metric(label, value, _("{amount} an order", amount=_.money(mean, portrait.currency))))
    if orders is not None:
        back = portrait.figure("n_returned")
        note = _.ngettext("{n} line returned", "{n} lines returned", round(back)) if back else ""
        found.append(Metric(_("Orders"), _.number(orders), note))
    if portrait.rhythm is not None:
        state = portrait.rhythm.state
        note = _.label("rhythm", state)
        found.append(Metric(_("Days of silence"), _.number(portrait.rhythm.silence_days), note, _TONES[state]))
    if portrait.stage is not None:
        since = portrait.spells.row(-1, named=True)["start"] if portrait.spells.height > 1 else None
        note = _("since {month}", month=_.month(since)) if since is not None else ""
        found.append(Metric(_("Stage"), _.label("stage", portrait.stage), note))
    return found or [
        Metric(_.label("table", row["table"]), _.number(row["n_rows"]))
        for row in portrait.tables.filter(pl.col("n_rows") > 0).head(4).to_dicts()
    ]


# --- places among all customers --------------------------------------------------------------------------------------


def places(portrait: Portrait, _: Words) -> Spec:
    """Each figure's place: the share of customers with less. Customers with the very same figure are a bar."""
    rows = [
        {
            "name": _.label("field", row["name"]),
            "below": row["below"],
            "at_most": row["at_most"],
            "place": (row["below"] + row["at_most"]) / 2,
            "text": figure_text(row["name"], row["value"], portrait.currency, _),
            "less": _.percent(row["below"]),
            "more": _.percent(1 - row["at_most"]),
            "end": 1.03,
            "zero": 0.0,
            "one": 1.0,
        }
        for row in _placed(portrait).iter_rows(named=True)
    ]
    scale = alt.Scale(domain=[0, 1.3], nice=False)
    axis = alt.Axis(title=None, values=[0, 0.25, 0.5, 0.75, 1], format=".0%", grid=True)
    base = chart_of(rows).encode(
        y=alt.Y("name:N", sort=None, axis=plain_axis(labelLimit=170)),
        tooltip=[
            tooltip("name", _("Figure")),
            tooltip("text", _("Value")),
            tooltip("less", _("Customers with less")),
            tooltip("more", _("Customers with more")),
        ],
    )
    layers = alt.layer(
        base.mark_bar(height=6, color=neutral("hair"), cornerRadius=3).encode(
            x=alt.X("zero:Q", scale=scale, axis=axis), x2="one:Q"
        ),
        base.mark_bar(height=6, color=neutral("accent"), opacity=BAR_OPACITY, cornerRadius=3).encode(
            x=alt.X("below:Q", scale=scale, axis=axis), x2="at_most:Q"
        ),
        base.mark_point(
            filled=True, size=110, color=neutral("accent"), opacity=1, stroke=neutral("paper"), strokeWidth=1.5
        ).encode(x=alt.X("place:Q", scale=scale, axis=axis)),
        base.mark_text(align="left", color=neutral("ink")).encode(
            x=alt.X("end:Q", scale=scale, axis=axis), text="text:N"
        ),
    )
    return finish(layers, _, height=48 + 36 * max(len(rows), 1))


def _placed(portrait: Portrait) -> pl.DataFrame:
    return portrait.figures.filter(pl.col("below").is_not_null()).head(MOST_FIGURES)


def has_places(portrait: Portrait) -> bool:
    return _placed(portrait).height > 0


def places_finding(portrait: Portrait, _: Words) -> str:
    """The figure in which this customer stands out most."""
    far = (0.5 - (pl.col("below") + pl.col("at_most")) / 2).abs()
    row = _placed(portrait).sort(far, descending=True, maintain_order=True).row(0, named=True)
    if row["below"] + row["at_most"] >= 1:
        return _(
            "Stands out by {figure}: more than {share} of customers",
            figure=_.quote(_.label("field", row["name"])),
            share=_most(row["below"], _),
        )
    return _(
        "Stands out by {figure}: less than {share} of customers",
        figure=_.quote(_.label("field", row["name"])),
        share=_most(1 - row["at_most"], _),
    )


def _most(share: float, _: Words) -> str:
    """A share that is not quite all never reads as all."""
    return _.percent(min(share, 0.99)) if share < 1 else _.percent(share)


def places_note(portrait: Portrait, _: Words) -> str:
    return _(
        "Dot: share of {n} customers with less. Pale bar: customers with the very same figure.", n=portrait.n_customers
    )


# --- rhythm ----------------------------------------------------------------------------------------------------------


def has_rhythm(portrait: Portrait) -> bool:
    return portrait.rhythm is not None and portrait.rhythm.state != "unknown"


def rhythm(portrait: Portrait, _: Words) -> Spec:
    """Every gap between order days as a dot, their middle half as a band, the present silence as a rule."""
    held = portrait.rhythm
    if held is None:
        return finish(chart_of([]).mark_point(), _, height=112)
    reach = max([held.silence_days, *portrait.gaps["days"].to_list(), 1])
    scale = alt.Scale(domain=[0, reach * 1.08], nice=False)
    axis = alt.Axis(title=_("Days between orders"), tickCount=6, grid=True)
    x = alt.X("days:Q", scale=scale, axis=axis)
    rows = [
        {"days": row["days"], "day": _.day(row["day"]), "lift": (i * 7919) % 5 - 2}
        for i, row in enumerate(portrait.gaps.iter_rows(named=True))
    ]
    layers: list[Any] = []
    if held.low_days is not None:
        band = {"days": held.low_days, "to": held.high_days}
        layers.append(
            chart_of([band]).mark_rect(color=neutral("accent"), opacity=0.16, cornerRadius=3).encode(x=x, x2="to:Q")
        )
    dots = chart_of(rows).mark_point(filled=True, size=60, color=neutral("accent"), opacity=0.6)
    layers.append(
        dots.encode(
            x=x,
            y=alt.Y("lift:Q", axis=None, scale=alt.Scale(domain=[-4.5, 5.5])),
            tooltip=[tooltip("days", _("Days")), tooltip("day", _("Order of"))],
        )
    )
    now = chart_of([{"days": held.silence_days, "text": _("now: {n} days", n=held.silence_days)}])
    late = held.silence_days > reach * 0.7
    layers += [
        now.mark_rule(color=neutral("ink"), strokeWidth=2).encode(x=x),
        now.mark_text(align="right" if late else "left", dx=-6 if late else 6, baseline="top", fontWeight=600).encode(
            x=x, y=alt.value(2), text="text:N"
        ),
    ]
    return finish(alt.layer(*layers), _, height=150)


def rhythm_finding(portrait: Portrait, _: Words) -> str:
    held = portrait.rhythm
    if held is None:
        return _("No order yet")
    match held.state:
        case "overdue":
            return _("Overdue: silent for longer than ever before")
        case "late":
            return _("Late: silent for longer than usual")
        case "on_time":
            return _("On time: no longer silent than usual")
    return _("Too few orders for a rhythm")


def rhythm_note(portrait: Portrait, _: Words) -> str:
    held = portrait.rhythm
    return _(
        "Each dot is one of {n} gaps between order days, the band their middle half; the line is the silence now.",
        n=held.n_gaps if held is not None else 0,
    )


# --- habits ----------------------------------------------------------------------------------------------------------


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
    text = "".join(f"datum.value == {_quoted(row['id'])} ? {_quoted(row['level'])} : " for row in rows) + "''"
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
        note += _space(_) + _("Tick: all customers.")
    return note


# --- tables and lists ------------------------------------------------------------------------------------------------


def rows_note(rows: Rows, _: Words) -> str:
    """Which rows of which table: its conditions in words."""
    said = [_condition(condition, _) for condition in rows.conditions]
    table = _.label("table", rows.table)
    return f"{table}: {_.listing(said)}" if said else table


def _condition(condition: Condition, _: Words) -> str:
    field = _.label("field", condition.column)
    values = _.listing(word(value, _) for value in condition.values)
    match condition.operator:
        case "in":
            return _("{field} is {values}", field=field, values=values)
        case "not_in":
            return _("{field} is not {values}", field=field, values=values)
        case "above":
            return _("{field} above {values}", field=field, values=values)
        case "ordered":
            return _("not wholly returned or cancelled")
        case "on":
            return _("{field} on {day}", field=field, day=date.fromisoformat(condition.values[0]))
    return _("{field} is known", field=field)


def figure_table(portrait: Portrait, _: Words) -> pl.DataFrame:
    """Every figure with its value as people read it, its place and the number of its rows."""
    return portrait.figures.with_columns(
        figure=pl.Series([_.label("field", name) for name in portrait.figures["name"]], dtype=pl.String),
        figure_value=pl.Series(
            [
                figure_text(row["name"], row["value"], portrait.currency, _)
                for row in portrait.figures.iter_rows(named=True)
            ],
            dtype=pl.String,
        ),
    )


def figures_of(portrait: Portrait, _: Words) -> pl.DataFrame:
    """The figures for a download, with whose they are."""
    return portrait.figures.select(pl.lit(portrait.customer_id).alias("customer_id"), pl.all()).with_columns(
        name=pl.Series([_.label("field", name) for name in portrait.figures["name"]], dtype=pl.String),
        table=pl.Series([_.label("table", name) for name in portrait.figures["table"]], dtype=pl.String),
    )


def moments_of(portrait: Portrait, _: Words) -> pl.DataFrame:
    """The timeline for a download."""
    return portrait.moments.select(pl.lit(portrait.customer_id).alias("customer_id"), pl.all()).with_columns(
        lane=pl.Series([_.label("lane", lane) for lane in portrait.moments["lane"]], dtype=pl.String)
    )


def habits_of(portrait: Portrait) -> pl.DataFrame:
    """The habits for a download."""
    return portrait.habits.select(pl.lit(portrait.customer_id).alias("customer_id"), pl.all())


def row_kinds(rows: pl.DataFrame) -> dict[str, str]:
    """How the columns of rows behind a figure are shown; amounts by rows keep their decimals."""
    kinds = {}
    for name, dtype in rows.schema.items():
        kinds[name] = "int" if dtype.is_integer() else "number" if dtype.is_float() else "text"
    return kinds


def texts_finding(portrait: Portrait, _: Words) -> str:
    """How much the customer wrote, and what they gave on average."""
    rated = portrait.texts["value"].drop_nulls()
    n = portrait.texts.height
    if not len(rated):
        return _.ngettext("{n} text by this customer", "{n} texts by this customer", n)
    mean = _.number(float(rated.mean()), 1)  # type: ignore[arg-type]
    return _.ngettext(
        "{n} text by this customer, rating {mean}", "{n} texts by this customer, mean rating {mean}", n, mean=mean
    )


def campaigns_finding(portrait: Portrait, _: Words) -> str:
    """How many campaigns, and how many were answered."""
    n = portrait.campaigns.height
    answered = int(portrait.campaigns["responded"].fill_null(False).sum())
    if not portrait.campaigns["responded"].count():
        return _.ngettext("{n} campaign", "{n} campaigns", n)
    return _.ngettext(
        "{n} campaign, {answered} with a response", "{n} campaigns, {answered} with a response", n, answered=answered
    )


def campaign_table(portrait: Portrait, _: Words) -> pl.DataFrame:
    """Campaigns with their answer in words."""
    answers = {True: _("responded"), False: _("no response"), None: "–"}
    held = portrait.campaigns
    return held.with_columns(
        day=pl.col("at").dt.date(),
        campaign=pl.Series([word(one, _) for one in held["campaign"]], dtype=pl.String),
        channel=pl.Series([word(one, _) for one in held["channel"]], dtype=pl.String),
        arm=pl.Series([word(one, _) for one in held["arm"]], dtype=pl.String),
        answer=pl.Series([answers[one] for one in held["responded"]], dtype=pl.String),
    )


def person_rows(portrait: Portrait, _: Words) -> dict[str, list[str]]:
    """What is known about the person: a table of two columns for the page, Markdown made harmless."""
    held = portrait.attributes.filter(~pl.col("name").str.starts_with("top_")).head(14)
    said = [
        escape_markdown(
            _.label(row["name"], row["value"])
            if _.has_phrase(f"{row['name']}.{row['value']}")
            else word(row["value"], _)
        )
        for row in held.iter_rows(named=True)
    ]
    return {
        _("Attribute"): [escape_markdown(_.label("field", name)) for name in held["name"]],
        _("Value"): [_("yes") if one == "true" else _("no") if one == "false" else one for one in said],
    }


def text_rows(portrait: Portrait, _: Words) -> dict[str, list[str]]:
    """What the customer wrote, latest first."""
    held = portrait.texts.head(12)
    return {
        _("Day"): [_.day(at.date()) for at in held["at"]],
        _("Where"): [
            _.listing(
                part
                for part in (
                    _.label("table", row["table"]),
                    escape_markdown(word(row["what"], _)) if row["what"] else "",
                    "" if row["value"] is None else _("rating {n}", n=_.number(row["value"])),
                )
                if part
            )
            for row in held.iter_rows(named=True)
        ],
        _("Words"): [escape_markdown(text) for text in held["text"]],
    }


def list_labels(listed: CustomerList, currency: str, _: Words) -> dict[str, str]:
    """Customers of a list with what it is sorted by: id -> text."""
    named: dict[str, str] = {}
    for row in listed.frame.iter_rows(named=True):
        value = row["value"]
        match listed.measure if value is not None else "":
            case "revenue":
                text = _.compact(value, currency)
            case "lost":
                text = "−" + _.compact(value, currency)
            case "n_orders":
                text = _("{n} orders", n=round(value))
            case "margin":
                text = _("margin {n}", n=_.number(value, 2))
            case _measure:
                text = "" if row["n_orders"] is None else _("{n} orders", n=row["n_orders"])
        named[row["customer_id"]] = f"{row['customer_id']} · {text}" if text else row["customer_id"]
    return named


def _space(_: Words) -> str:
    return " " if _.language == "en" else ""


def _quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
