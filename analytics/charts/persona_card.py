"""Everything a persona card says, in plain text of the reader's language: the page and the printed sheet show the same.

A person's own words stand beside the computed ones and never in place of a figure. Whoever shows a text escapes it for
where it is shown.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from xml.etree import ElementTree  # nosec B405 # writes pictures: no XML is parsed

import polars as pl

from analytics.charts.headline import Metric
from analytics.charts.segmentation import field_value, short_name
from analytics.i18n import Words
from analytics.personas import EDITED_FIELDS, EditedField, PersonaEdits, PersonasResult, basis_of

CARD_FIELDS = ("n_orders", "mean_order_value", "recency_days")
DEMOGRAPHICS = ("age", "gender", "city", "country", "tier", "acquisition_channel")
MOST_LEVELS, MOST_FIELDS, MOST_GOALS = 2, 4, 3
# The categorical colours of .streamlit/config.toml: outside a chart nothing else knows them.
LIGHT = ("#297292", "#BC8943", "#74395C", "#6A6D00", "#3632AC", "#B95760", "#05A18E", "#6F2200", "#EB668C", "#3C7BDB",
         "#1B643C", "#898FC5")  # fmt: skip
DARK = ("#65B1C8", "#F1AD2B", "#AC6A91", "#B2CD8F", "#8680F3", "#D6560D", "#37DAC4", "#B59063", "#E7869D", "#9FC6FD",
        "#528763", "#9FA4EC")  # fmt: skip

Names = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Quote:
    """One quote: its digest, its words as written, what is said of it, whether a person took it off the card."""

    quote_id: str
    text: str
    about: str
    hidden: bool = False


@dataclass(frozen=True, slots=True)
class Card:
    """A persona as it is read. All texts are plain.

    ``computed`` are the fields that a person can write beside, as the data say them; ``own`` what the person wrote;
    ``stale`` those whose computed value has changed since; ``basis`` the digest of each computed value now.
    ``sections``: key (of ``own`` where a person can write beside it), title, what the data say.
    """

    label: str
    name: str
    initials: str
    people: str
    metrics: tuple[Metric, ...]
    line: str
    sections: tuple[tuple[str, str, str], ...]
    quotes: tuple[Quote, ...]
    unquoted: str
    similar: str
    evidence: str
    computed: Mapping[EditedField, str]
    own: Mapping[EditedField, str] = field(default_factory=dict)
    stale: tuple[EditedField, ...] = ()
    basis: Mapping[EditedField, str] = field(default_factory=dict)

    @property
    def shown_quotes(self) -> tuple[Quote, ...]:
        return tuple(quote for quote in self.quotes if not quote.hidden)


def card(result: PersonasResult, label: str, names: Names, codes: Names, edits: PersonaEdits, _: Words) -> Card:
    """The whole card of ``label``. ``names``: label -> the name people read; ``codes``: label -> its name's code."""
    computed: dict[EditedField, str] = {
        "name": names.get(label, label),
        "line": one_line(result, label, _),
        "goals": goals(result, label, _),
        "needs": needs(result, label, _),
        "pains": pains(result, label, _),
    }
    basis = {name: basis_of(result, label, name, codes.get(label, "")) for name in EDITED_FIELDS}
    held = {name: edits.find(result.spec.source, label, name) for name in EDITED_FIELDS}
    own = {name: edit.text for name, edit in held.items() if edit is not None}
    quotes = tuple(
        Quote(row["quote_id"], row["quote"], _about(row, _), row["quote_id"] in edits.hidden_quotes)
        for row in result.quotes.filter(pl.col("label") == label).iter_rows(named=True)
    )
    name = own.get("name", computed["name"])
    sections = (
        ("people", _("Who they are"), demographics(result, label, _)),
        ("needs", _("Buys more than others"), computed["needs"]),
        ("pains", _("Pains"), computed["pains"]),
        ("goals", _("What they think"), computed["goals"]),
        ("channels", _("Channels"), mix(result, label, "channel_mix", _)),
        ("payment", _("Payment"), mix(result, label, "payment_mix", _)),
    )
    return Card(
        label=label,
        name=name,
        initials=initials(name),
        people=people(result, label, _),
        metrics=card_metrics(result, label, _),
        line=own.get("line", computed["line"]),
        sections=tuple(item for item in sections if item[2] or item[0] in own),
        quotes=quotes,
        unquoted=unquoted(result, label, _),
        similar=similar_line(result, label, _),
        evidence=evidence_line(result, label, _),
        computed=computed,
        own=own,
        stale=tuple(name for name, edit in held.items() if edit is not None and edit.basis != basis[name]),
        basis=basis,
    )


def cards(result: PersonasResult, names: Names, codes: Names, edits: PersonaEdits, _: Words) -> tuple[Card, ...]:
    """The cards of all personas, in the labels' order."""
    return tuple(card(result, label, names, codes, edits, _) for label in result.cards["label"])


# ---- Its parts


def card_metrics(result: PersonasResult, label: str, _: Words) -> tuple[Metric, ...]:
    """Four figures of a card: medians of its behaviour, and its share of revenue."""
    held = {row["field"]: row for row in result.measures.filter(pl.col("label") == label).iter_rows(named=True)}
    fields = [*(f for f in CARD_FIELDS if f in held), *(f for f in held if f not in CARD_FIELDS)]
    row = result.cards.row(by_predicate=pl.col("label") == label, named=True)
    share = row["revenue_share"]
    metrics = [_metric(field, held[field], result.currency, _) for field in fields[: 4 if share is None else 3]]
    if share is not None:
        whose = _("by {share} of people", share=_.percent(row["customer_share"]))
        metrics.append(Metric(_("Share of revenue"), _.percent(share), whose))
    return tuple(metrics)


def _metric(field: str, row: Mapping[str, Any], currency: str, _: Words) -> Metric:
    low, high = (field_value(field, row[name], "", _) for name in ("q25", "q75"))
    note = _("half in {span}", span=_.span(low, high))
    if field == "recency_days":
        return Metric(_("Last order, days"), field_value(field, row["median"], currency, _), note)
    return Metric(short_name(field, _), field_value(field, row["median"], currency, _), note)


def people(result: PersonasResult, label: str, _: Words) -> str:
    """How many customers a card stands for."""
    row = result.cards.row(by_predicate=pl.col("label") == label, named=True)
    return _("{n} people · {share} of customers", n=int(row["n_customers"]), share=_.percent(row["customer_share"]))


def one_line(result: PersonasResult, label: str, _: Words) -> str:
    """What sets a persona apart, strongest first, as one sentence; says so when nothing does."""
    rows = result.traits.filter((pl.col("label") == label) & pl.col("shown")).sort("rank").head(3)
    if not rows.height:
        return _("Does not differ clearly from the other customers.")
    said = _.listing(_said(row, _) for row in rows.iter_rows(named=True))
    return _("Compared with everyone else: {traits}.", traits=said)


def _said(row: Mapping[str, Any], _: Words) -> str:
    more = row["effect"] > 0
    if row["kind"] == "number":
        code = f"trait.{row['field']}.{'more' if more else 'less'}"
        if _.has_phrase(code):
            return _.phrase(code)
        field = _.quote(field_name(row["field"], _))
        return _("higher {field}", field=field) if more else _("lower {field}", field=field)
    share, rest = _.percent(row["value_group"]), _.percent(row["value_rest"])
    return _("{trait} {share} (others {rest})", trait=trait_name(row, _), share=share, rest=rest)


def field_name(field: str, _: Words) -> str:
    """A field by its name; one that counts or flags a level, as "trait: level"."""
    trait, colon, level = field.partition(": ")
    if not colon or _.has_phrase(f"field.{field}"):
        return _.label("field", field)
    return _.phrase("field.of_trait", trait=_.label("field", trait), level=level)


def level_name(field: str, level: str, _: Words) -> str:
    """A level of a category in the reader's words where it is a code that is known."""
    kinds = {
        "channel_mix": "channel",
        "top_channel": "channel",
        "payment_mix": "payment",
        "top_payment_method": "payment",
        "contact_reason": "contact",
        "acquisition_channel": "acquired",
    }
    return _.label(kinds.get(field, "level"), level)


def trait_name(row: Mapping[str, Any], _: Words) -> str:
    """A trait's name on a bar: the field, and for a category its level; plain text."""
    name = field_name(row["field"], _)
    if row["level"] is None or row["level"] == "true":
        return name
    level = level_name(row["field"], row["level"], _)
    return f"{name}: {level}" if _.language == "en" else f"{name}：{level}"


def demographics(result: PersonasResult, label: str, _: Words) -> str:
    """Who they are: medians with quartiles, and the most frequent values, whether they differ or not."""
    family = dict(result.families.iter_rows())
    fields = [name for name in DEMOGRAPHICS if family.get(name) == "demographics"]
    measured = {row["field"]: row for row in result.measures.filter(pl.col("label") == label).iter_rows(named=True)}
    shares = result.traits.filter((pl.col("label") == label) & (pl.col("kind") == "share"))
    parts = []
    for name in fields:
        if name in measured:
            low, high = (field_value(name, measured[name][q], "", _) for q in ("q25", "q75"))
            value = field_value(name, measured[name]["median"], result.currency, _)
            parts.append(
                _(
                    "{field} {value} (middle half {span})",
                    field=field_name(name, _),
                    value=value,
                    span=_.span(low, high),
                )
            )
            continue
        levels = shares.filter(pl.col("field") == name).sort("value_group", "level", descending=[True, False])
        if levels.height:
            told = _.listing(
                f"{level_name(name, row['level'], _)} {_.percent(row['value_group'])}"
                for row in levels.head(MOST_LEVELS).iter_rows(named=True)
            )
            parts.append(told)
    return _joined(parts[:MOST_FIELDS], _)


def mix(result: PersonasResult, label: str, field: str, _: Words) -> str:
    """What most of their orders go by, and what it is for the others."""
    rows = result.needs.filter((pl.col("label") == label) & (pl.col("field") == field))
    rows = rows.sort("value_group", "level", descending=[True, False]).head(MOST_LEVELS)
    return _.listing(_compared(row, _) for row in rows.iter_rows(named=True))


def _compared(row: Mapping[str, Any], _: Words) -> str:
    name = level_name(row["field"], row["level"], _)
    share, rest = _.percent(row["value_group"]), _.percent(row["value_rest"])
    return _("{trait} {share} (others {rest})", trait=name, share=share, rest=rest)


def goals(result: PersonasResult, label: str, _: Words) -> str:
    """Survey answers that clearly differ, the strongest first; "" where there is no survey."""
    minds = result.families.filter(pl.col("family") == "psychographics")["field"].to_list()
    if not minds:
        return ""
    rows = result.traits.filter(
        (pl.col("label") == label) & pl.col("field").is_in(minds) & (pl.col("verdict") == "different")
    )
    rows = rows.sort("size", "field", descending=[True, False]).head(MOST_GOALS)
    if not rows.height:
        return _("No answer of the survey differs clearly.")
    return _.listing(_valued(row, result.currency, _) for row in rows.iter_rows(named=True))


def _valued(row: Mapping[str, Any], currency: str, _: Words) -> str:
    if row["kind"] != "number":
        share, rest = _.percent(row["value_group"]), _.percent(row["value_rest"])
    else:
        share, rest = (field_value(row["field"], row[name], currency, _) for name in ("value_group", "value_rest"))
    return _("{trait} {share} (others {rest})", trait=trait_name(row, _), share=share, rest=rest)


def needs(result: PersonasResult, label: str, _: Words) -> str:
    """What they buy over-proportionally: categories, then brands; says so when nothing is; "" without such data."""
    rows = result.needs.filter((pl.col("label") == label) & pl.col("field").is_in(["category_mix", "brand_mix"]))
    if not rows.height:
        return ""
    shown = rows.filter("shown").sort(pl.col("field") != "category_mix", "rank")
    if not shown.height:
        return _("Nothing is bought clearly more than by the others.")
    parts = [
        _.listing(_compared(row, _) for row in part.iter_rows(named=True))
        for part in shown.partition_by("field", maintain_order=True)
    ]
    return _joined(parts, _)


def pains(result: PersonasResult, label: str, _: Words) -> str:
    """What goes wrong more often than for the others, else what goes wrong most often; "" without such data."""
    rows = result.pains.filter(pl.col("label") == label)
    if not rows.height:
        return ""
    shown = rows.filter("shown").sort("rank")
    if shown.height:
        return _.listing(_hurt(row, _) for row in shown.iter_rows(named=True))
    contacts = rows.filter(pl.col("field") == "contact_reason")
    most = (contacts if contacts.height else rows).sort("value_group", "level", descending=[True, False])
    return _("Nothing clearly more often than for others; most often: {pain}", pain=_hurt(most.row(0, named=True), _))


def _hurt(row: Mapping[str, Any], _: Words) -> str:
    share, rest = _.percent(row["value_group"]), _.percent(row["value_rest"])
    level = level_name(row["field"], row["level"], _)
    match row["field"]:
        case "contact_reason":
            return _("contacted about {reason} {share} (others {rest})", reason=level, share=share, rest=rest)
        case "low_rating":
            return _("gave a low rating {share} of raters (others {rest})", share=share, rest=rest)
    return _("complains of {reason} {share} (others {rest})", reason=level, share=share, rest=rest)


def _about(row: Mapping[str, Any], _: Words) -> str:
    parts = [_.phrase(f"tone.{row['tone']}")]
    if row["rating"] is not None:
        parts.append(
            _("rating {rating}", rating=_.number(row["rating"], 0 if row["rating"] == int(row["rating"]) else 1))
        )
    if row["source"]:
        parts.append(_.label("voice", row["source"]))
    return " · ".join(parts)


def unquoted(result: PersonasResult, label: str, _: Words) -> str:
    """Why there is no quote."""
    rows = result.unquoted.filter(pl.col("label") == label)
    return _.phrase(f"quotes.{rows['reason'][0]}") if rows.height else ""


def similar_line(result: PersonasResult, label: str, _: Words) -> str:
    """In what a persona does not differ; says so when nothing could be shown to be alike."""
    fields = result.similar.filter(pl.col("label") == label)["field"].to_list()
    if not fields:
        return _("Nothing could be shown to be alike.")
    return _("Not different: {fields}.", fields=_.listing(field_name(field, _) for field in fields))


def evidence_line(result: PersonasResult, label: str, _: Words) -> str:
    """On what a card rests: people, period, tables, and how much is known of them."""
    row = result.cards.row(by_predicate=pl.col("label") == label, named=True)
    parts = [_.ngettext("{n} person", "{n} people", row["n_customers"])]
    if result.first_day is not None:
        parts.append(_.span(_.day(result.first_day), _.day(result.last_day)))
    if result.tables:
        parts.append(_.listing(_.label("table", name) for name in result.tables))
    if row["coverage"] is None:
        parts.append(_("no attributes known"))
    else:
        parts.append(_("attributes known for {share}", share=_.percent(row["coverage"])))
        known = result.coverage.filter((pl.col("label") == label) & (pl.col("coverage") < 0.9))
        known = known.with_columns(pl.col("field").str.split(": ").list.first())
        thin = known.unique("field", keep="first").sort("coverage", "field").head(2)
        gaps = [f"{field_name(name, _)} {_.percent(share)}" for name, share in thin.select("field", "coverage").rows()]
        if gaps:
            parts.append(_("least: {gaps}", gaps=_.listing(gaps)))
    return " · ".join(parts)


def _joined(parts: Iterable[str], _: Words) -> str:
    return ("; " if _.language == "en" else "；").join(parts)


# ---- The portrait


def initials(name: str) -> str:
    """A portrait's letters: the first of up to two words, or the first character of a Chinese name."""
    words = [word for word in name.split(" · ")[-1].split() if word[:1].isalnum()]
    letters = "".join(word[0].upper() for word in words[:2]) or "?"
    return letters[0] if letters[0] > "\u3000" else letters


def color_of(result: PersonasResult, label: str, *, dark: bool = False) -> str:
    """The colour that the group has on every page."""
    palette = DARK if dark else LIGHT
    return palette[result.labels.index(label) % len(palette)]


def portrait(letters: str, color: str, *, dark: bool = False) -> str:
    """Letters on the group's colour as an SVG picture: no photograph, no invented face."""
    ink = "#12181F" if dark else "#FFFFFF"
    svg = ElementTree.Element("svg", xmlns="http://www.w3.org/2000/svg", viewBox="0 0 64 64", width="64", height="64")
    ElementTree.SubElement(svg, "rect", width="64", height="64", rx="14", fill=color)
    look = {"text-anchor": "middle", "dominant-baseline": "central", "font-size": "26", "font-weight": "600"}
    look["font-family"] = "Segoe UI, Helvetica Neue, Noto Sans CJK TC, PingFang TC, Microsoft JhengHei, sans-serif"
    ElementTree.SubElement(svg, "text", look, x="32", y="33", fill=ink).text = letters
    return ElementTree.tostring(svg, encoding="unicode")
