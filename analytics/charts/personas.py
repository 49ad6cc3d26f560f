"""Personas: the answer, bars with a tick for everybody else, and the personas side by side.

Functions take ``names``: label -> the name people read (``segment_names``), so that a person's own names serve too.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import altair as alt
import polars as pl

from analytics.charts.headline import Headline, Metric
from analytics.charts.persona_card import Names, field_name, trait_name
from analytics.charts.segmentation import field_value
from analytics.charts.theme import Spec, category_scale, finish, neutral, tooltip
from analytics.i18n import Words, escape_markdown
from analytics.personas import PersonasResult

MOST_BARS = 5
STABLE = 0.7  # bootstrap ARI from which groups can be trusted
ROW_HEIGHT = 40
MOST_ROWS = 12
MUCH = 0.75  # of revenue


# ---- the answer card


def headline(result: PersonasResult, names: Names, stability: float | None, _: Words) -> Headline:
    """How few personas bring most of the revenue, what was compared, and four figures.

    ``stability``: mean ARI of the groups over resamples, None where it is not known.
    """
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
        Metric(_("Clear differences"), _.number(n_different), _("of {tests} compared", tests=result.n_tests)),
    ]
    if stability is None:
        metrics.insert(1, Metric(_("Customers"), _.number(int(cards["n_customers"].sum()))))
    else:
        firm = stability >= STABLE
        note = _("stable") if firm else _("not stable")
        metrics.append(Metric(_("Stability"), _.number(stability, 2), note, "good" if firm else "watch"))
    if cards["coverage"].count():
        known = cards.select((pl.col("coverage") * pl.col("n_customers")).sum() / pl.col("n_customers").sum()).item()
        metrics.append(Metric(_("Attributes known"), _.percent(known)))
    return Headline(finding, sentence, tuple(metrics))


# ---- the bars of one card


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
    x = alt.X("bar:Q", axis=None, scale=alt.Scale(domain=[0, 1.34], nice=False))
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
        chart.mark_tick(thickness=2, size=16, yOffset=8, color=neutral("ink")).encode(
            x=alt.X("tick:Q"), y=y, tooltip=told
        ),
        chart.mark_text(align="left", dy=-8, color=neutral("muted")).encode(x=alt.value(0), y=y, text="trait:N"),
        chart.mark_text(align="right", dy=8, fontWeight=600).encode(x=alt.value("width"), y=y, text="text:N"),
    ]
    return finish(alt.layer(*layers), _, height=max(1, len(drawn)) * ROW_HEIGHT)


def traits_finding(result: PersonasResult, label: str, _: Words) -> str:
    n = int(result.cards.row(by_predicate=pl.col("label") == label, named=True)["n_shown"])
    return _.ngettext("{n} clear difference", "{n} clear differences", n) if n else _("No clear difference")


def cards_finding(result: PersonasResult, _: Words) -> str:
    n = int(result.cards["n_shown"].sum())
    return _.ngettext(
        "{n} clear difference on {k} cards", "{n} clear differences on {k} cards", n, k=result.cards.height
    )


def traits_note(result: PersonasResult, _: Words) -> str:
    return _(
        "Under a figure: where the middle half of its people lie. Bar: this persona. Tick: everyone else. Shares run "
        "to 100%; each number has its own scale from zero. Shown: at least {sd} standard deviations or {points} "
        "points, after correction for {tests} comparisons.",
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
        fields=_.listing(escape_markdown(field_name(field, _)) for field in fields),
    )


# ---- side by side


def comparison(result: PersonasResult, names: Names, _: Words) -> tuple[dict[str, str], ...]:
    """One row per trait, one column per persona: the value, and in a mark and a word how it stands to the others.

    First size and share, then every trait that some card shows, the strongest first, at most ``MOST_ROWS``; then what
    each buys more than the others.
    """
    labels = result.cards["label"].to_list()
    heads = {label: escape_markdown(names.get(label, label)) for label in labels}  # headings are Markdown
    cards = {row["label"]: row for row in result.cards.iter_rows(named=True)}
    rows = [{"": _("Customers"), **{heads[label]: _.number(cards[label]["n_customers"]) for label in labels}}]
    if result.cards["revenue_share"].count():
        shares = {heads[label]: _.percent(cards[label]["revenue_share"]) for label in labels}
        rows.append({"": _("Share of revenue"), **shares})
    pair = ["field", "level"]
    shown = result.traits.filter("shown").group_by(pair).agg(pl.col("size").max())
    shown = shown.sort("size", "field", "level", descending=[True, False, False], nulls_last=True).head(MOST_ROWS)
    for field, level in shown.select(pair).iter_rows():
        same = result.traits.filter((pl.col("field") == field) & pl.col("level").eq_missing(pl.lit(level)))
        held = {row["label"]: row for row in same.iter_rows(named=True)}
        title = trait_name({"field": field, "level": level}, _)
        rows.append({"": title, **{heads[label]: _cell(held.get(label), result.currency, _) for label in labels}})
    rows.append({"": _("Buys more than others"), **{heads[label]: _most(result, label, _) for label in labels}})
    return tuple(rows)


def _cell(row: Mapping[str, Any] | None, currency: str, _: Words) -> str:
    if row is None:
        return _("– not told")
    number = row["kind"] == "number"
    value = field_value(row["field"], row["value_group"], currency, _) if number else _.percent(row["value_group"])
    match row["verdict"]:
        case "different":
            return _("{value} ▲ more", value=value) if row["effect"] > 0 else _("{value} ▼ less", value=value)
        case "similar":
            return _("{value} = alike", value=value)
    return _("{value} ? unclear", value=value)


def _most(result: PersonasResult, label: str, _: Words) -> str:
    own = (pl.col("label") == label) & (pl.col("field") == "category_mix") & pl.col("shown")
    levels = result.needs.filter(own).sort("rank")["level"].to_list()
    return _.listing(levels) if levels else "–"


def comparison_finding(result: PersonasResult, _: Words) -> str:
    shown = result.traits.filter("shown").select("field", "level").n_unique()
    return _.ngettext("{n} trait tells the personas apart", "{n} traits tell the personas apart", shown)


def comparison_note(result: PersonasResult, _: Words) -> str:
    return _(
        "Medians and shares; ▲ and ▼: clearly more or less than all others (Holm over {tests} comparisons); = the "
        "interval lies within the least difference shown; ? the data cannot tell; – would tell of fewer than {limit} "
        "people, or is not known.",
        tests=result.n_tests,
        limit=result.spec.min_group,
    )
