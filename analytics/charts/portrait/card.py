"""The answer card of one customer."""

from __future__ import annotations

import polars as pl

from analytics.charts.headline import Headline, Metric, Tone
from analytics.charts.portrait.places import short_of_all
from analytics.charts.portrait.rhythm import rhythm_sentence
from analytics.charts.portrait.wording import Names, space
from analytics.i18n import Words, escape_markdown
from analytics.portrait import Portrait

ON_THE_BORDER = 0.1  # a margin below this is on the border of two segments
_TONES: dict[str, Tone] = {"on_time": "good", "late": "watch", "overdue": "bad", "unknown": "gray"}


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
        share = short_of_all(1 - place["at_most"], _)
        finding = (
            _("{id}: {share} of customers bring more", id=shown, share=share)
            if place["name"] == "revenue"
            else _("{id}: {share} of customers order more", id=shown, share=share)
        )
    return Headline(finding, space(_).join(_sentences(portrait, names, _)), tuple(_metrics(portrait, _)))


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
