"""Persona cards: bars with a tick for everybody else, and the sentences around them.

Functions take ``names``: label -> the name people read (``segment_names``), so that a person's own names serve too.
Sentences hold a data set's own words (levels of a category) made harmless for Markdown.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import altair as alt
import polars as pl

from analytics.charts.headline import Headline, Metric
from analytics.charts.segmentation import field_value, short_name
from analytics.charts.theme import Spec, category_scale, finish, neutral, tooltip
from analytics.i18n import Words, escape_markdown
from analytics.personas import PersonasResult

MOST_BARS = 5
ROW_HEIGHT = 40
MUCH = 0.75  # of revenue
CARD_FIELDS = ("n_orders", "mean_order_value", "recency_days")

Names = Mapping[str, str]


# ---- the answer card


def headline(result: PersonasResult, names: Names, _: Words) -> Headline:
    """How few personas bring most of the revenue, what was compared, and four figures."""
    cards = result.cards
    n_different = int(cards["n_shown"].sum())
    few = cards.sort("revenue_share", descending=True, nulls_last=True)
    reached = few["revenue_share"].cum_sum().to_list()
    if not n_different:
        finding = _("No persona differs clearly from the rest")
    elif reached and reached[-1] is not None and max(reached) >= MUCH:
        n = next(i for i, share in enumerate(reached, start=1) if share >= MUCH)
        share = _.percent(reached[n - 1])
        finding = (
            _("All {k} personas are needed for {share} of revenue", k=cards.height, share=share)
            if n == cards.height
            else _.ngettext(
                "{n} of {k} personas brings {share} of revenue",
                "{n} of {k} personas bring {share} of revenue",
                n,
                k=cards.height,
                share=share,
            )
        )
    else:
        finding = _("{k} personas stand for {n} customers", k=cards.height, n=int(cards["n_customers"].sum()))
    sentence = _(
        "Each card is drawn from measured figures: {tests} comparisons, {n} clear differences shown. "
        "No card tells of fewer than {limit} people.",
        tests=result.n_tests,
        n=n_different,
        limit=result.spec.min_group,
    )
    metrics = [
        Metric(_("Personas"), _.number(cards.height), _("{n} too small", n=result.n_hidden) if result.n_hidden else ""),
        Metric(_("Customers"), _.number(int(cards["n_customers"].sum()))),
        Metric(_("Clear differences"), _.number(n_different), _("of {tests} compared", tests=result.n_tests)),
    ]
    if cards["coverage"].count():
        known = cards.select((pl.col("coverage") * pl.col("n_customers")).sum() / pl.col("n_customers").sum()).item()
        metrics.append(Metric(_("Attributes known"), _.percent(known)))
    return Headline(finding, sentence, tuple(metrics))


# ---- one card


def card_metrics(result: PersonasResult, label: str, _: Words) -> tuple[Metric, ...]:
    """Four figures of a card: medians of its behaviour, and its share of revenue."""
    held = {row["field"]: row for row in result.measures.filter(pl.col("label") == label).iter_rows(named=True)}
    fields = [*(f for f in CARD_FIELDS if f in held), *(f for f in held if f not in CARD_FIELDS)]
    card = result.cards.row(by_predicate=pl.col("label") == label, named=True)
    share = card["revenue_share"]
    metrics = [_metric(field, held[field], result.currency, _) for field in fields[: 4 if share is None else 3]]
    if share is not None:
        metrics.append(
            Metric(
                _("Share of revenue"),
                _.percent(share),
                _("from {share} of customers", share=_.percent(card["customer_share"])),
            )
        )
    return tuple(metrics)


def _metric(field: str, row: Mapping[str, Any], currency: str, _: Words) -> Metric:
    low, high = (field_value(field, row[name], "", _) for name in ("q25", "q75"))
    note = _("middle half {span}", span=_.span(low, high))
    if field == "recency_days":
        return Metric(_("Last order, days"), field_value(field, row["median"], currency, _), note)
    return Metric(short_name(field, _), field_value(field, row["median"], currency, _), note)


def people(result: PersonasResult, label: str, _: Words) -> str:
    """How many customers a card stands for."""
    return _("n = {n}", n=int(result.cards.row(by_predicate=pl.col("label") == label, named=True)["n_customers"]))


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
        field = _.quote(escape_markdown(_.label("field", row["field"])))
        return _("higher {field}", field=field) if more else _("lower {field}", field=field)
    share, rest = _.percent(row["value_group"]), _.percent(row["value_rest"])
    return _("{trait} {share} (others {rest})", trait=escape_markdown(trait_name(row, _)), share=share, rest=rest)


def trait_name(row: Mapping[str, Any], _: Words) -> str:
    """A trait's name on a bar: the field, and for a category its level; plain text."""
    field = _.label("field", row["field"])
    if row["level"] is None or row["level"] == "true":
        return field
    level = _.label("level", row["level"])
    return f"{field}: {level}" if _.language == "en" else f"{field}：{level}"


def traits(result: PersonasResult, label: str, names: Names, _: Words) -> Spec:
    """Bars of a persona's strongest traits, five at most, with a tick for everybody else.

    Shares run from 0 to 100 percent; each number runs from zero to the larger of the two medians.
    """
    rows = result.traits.filter((pl.col("label") == label) & pl.col("shown")).sort("rank").head(MOST_BARS)
    drawn: list[dict[str, Any]] = []
    for row in rows.iter_rows(named=True):
        number = row["kind"] == "number"
        values = (row["value_group"], row["value_rest"])
        whole = max(*(abs(value) for value in values), 1e-12) if number else 1.0
        texts = [field_value(row["field"], v, result.currency, _) if number else _.percent(v) for v in values]
        effect = _.span(_.signed(row["lo"], 2), _.signed(row["hi"], 2))
        points = _.span(_.signed(100 * row["lo"]), _.signed(100 * row["hi"]))
        drawn.append(
            {
                "row": row["rank"],
                "name": names.get(label, label),
                "trait": trait_name(row, _),
                "bar": round(max(values[0], 0.0) / whole, 4),
                "tick": round(max(values[1], 0.0) / whole, 4),
                "text": texts[0],
                "rest": texts[1],
                "difference": _("{interval} sd", interval=effect)
                if number
                else _("{interval} points", interval=points),
            }
        )
    schema = {"row": pl.Int64, "name": pl.String, "trait": pl.String, "bar": pl.Float64, "tick": pl.Float64}
    schema |= dict.fromkeys(("text", "rest", "difference"), pl.String)
    chart = alt.Chart(pl.DataFrame(drawn, schema=schema))
    x = alt.X("bar:Q", axis=None, scale=alt.Scale(domain=[0, 1.22], nice=False))
    y = alt.Y("row:O", axis=None, scale=alt.Scale(paddingInner=0, paddingOuter=0))
    told = [
        tooltip("trait", _("Trait")),
        tooltip("text", _("This persona")),
        tooltip("rest", _("Everyone else")),
        tooltip("difference", _("Difference, 95%")),
    ]
    order = [names.get(each, each) for each in result.labels]
    layers = [
        chart.mark_bar(height=12, yOffset=8, cornerRadiusEnd=2).encode(
            x=x, y=y, color=alt.Color("name:N", scale=category_scale(order), legend=None), tooltip=told
        ),
        chart.mark_tick(thickness=2, size=20, yOffset=8, color=neutral("ink")).encode(
            x=alt.X("tick:Q"), y=y, tooltip=told
        ),
        chart.mark_text(align="left", dy=-8, color=neutral("muted")).encode(x=alt.value(0), y=y, text="trait:N"),
        chart.mark_text(align="right", dy=8, fontWeight=600).encode(x=alt.value("width"), y=y, text="text:N"),
    ]
    return finish(alt.layer(*layers), _, height=max(1, len(drawn)) * ROW_HEIGHT)


def traits_finding(result: PersonasResult, label: str, _: Words) -> str:
    n = int(result.cards.row(by_predicate=pl.col("label") == label, named=True)["n_shown"])
    return _.ngettext("{n} clear difference", "{n} clear differences", n) if n else _("No clear difference")


def traits_note(result: PersonasResult, _: Words) -> str:
    return _(
        "Bar: this persona. Tick: everyone else. Shares run to 100%; each number has its own scale from zero. Shown: "
        "at least {sd} standard deviations or {points} points, after correction for {tests} comparisons.",
        sd=_.number(result.spec.min_effect, 1),
        points=_.number(100 * result.spec.min_points),
        tests=result.n_tests,
    )


def built_in_note(result: PersonasResult, _: Words) -> str:
    """Which shown traits differ by construction; empty when none."""
    fields = result.traits.filter(pl.col("shown") & pl.col("built_in"))["field"].unique(maintain_order=True).to_list()
    if not fields:
        return ""
    return _(
        "The groups were built from these, so they differ by construction: {fields}.",
        fields=_.listing(escape_markdown(_.label("field", field)) for field in fields),
    )


def similar_line(result: PersonasResult, label: str, _: Words) -> str:
    """In what a persona does not differ; says so when nothing could be shown to be alike."""
    fields = result.similar.filter(pl.col("label") == label)["field"].to_list()
    if not fields:
        return _("Nothing could be shown to be alike.")
    return _("Not different: {fields}.", fields=_.listing(escape_markdown(_.label("field", field)) for field in fields))


def evidence_line(result: PersonasResult, label: str, _: Words) -> str:
    """How many people stand behind a card, and how much is known of them."""
    card = result.cards.row(by_predicate=pl.col("label") == label, named=True)
    people = _.ngettext("{n} person", "{n} people", card["n_customers"])
    thin = result.coverage.filter((pl.col("label") == label) & (pl.col("coverage") < 0.9)).sort("coverage").head(3)
    if card["coverage"] is None:
        return _("From {people}; no attributes known.", people=people)
    if not thin.height:
        return _("From {people}; attributes known for {share}.", people=people, share=_.percent(card["coverage"]))
    gaps = _.listing(
        f"{escape_markdown(_.label('field', field))} {_.percent(share)}"
        for field, share in thin.select("field", "coverage").iter_rows()
    )
    return _("From {people}. Known for part of them only: {gaps}.", people=people, gaps=gaps)


def initials(name: str) -> str:
    """A portrait's letters: the first of up to two words, or the first character of a Chinese name."""
    words = [word for word in name.split(" · ")[-1].split() if word[:1].isalnum()]
    return "".join(word[0].upper() for word in words[:2]) or "?"
