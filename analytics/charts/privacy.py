"""The Privacy page: what was found, and what is done with it."""

from __future__ import annotations

from typing import Any

import altair as alt

from analytics.charts.headline import Headline, Metric
from analytics.charts.theme import Spec, chart_of, finish, neutral, plain_axis, tooltip
from analytics.i18n import Words, escape_markdown
from analytics.privacy import PrivacyScan, PrivacySpec

MOST_BARS = 12
LONGEST_EXAMPLE = 18  # characters of a masked example


def headline(found: PrivacyScan, spec: PrivacySpec, n_erased: int, _: Words) -> Headline:
    """How many columns hold personal data; none of it is analysed."""
    treated = _treated(found)
    n = len(treated)
    if n:
        finding = _.ngettext(
            "{n} column holds personal data; no analysis sees it",
            "{n} columns hold personal data; no analysis sees it",
            n,
        )
    else:
        finding = _("No personal data was found in these tables")
    if found.ids_are_personal or spec.pseudonymise_ids:
        sentence = _("Customers are shown by pseudonyms on every page and in every download.")
    else:
        sentence = _("Customer ids say nothing about a person here and stay as they are.")
    metrics = (
        Metric(_("Text columns read"), _.number(found.n_columns), _("{n} cells", n=found.n_cells)),
        Metric(_("With personal data"), _.number(n)),
        Metric(_("Smallest group exported"), _.number(spec.k), _("customers")),
        Metric(_("Erased customers"), _.number(n_erased)),
    )
    return Headline(finding, sentence, metrics)


def found_columns(found: PrivacyScan, _: Words) -> Spec:
    """Bars of the share of cells that hold an identifier, per column and kind."""
    rows = [
        {
            "column": _column(row, _),
            "share": row["share"],
            "text": _share(row["share"], _),
            "cells": _.number(row["n_found"]),
            "done": _.phrase(f"treatment.{row['treatment']}"),
        }
        for row in found.columns.sort("share", "table", "column", "detector", descending=[True, False, False, False])
        .head(MOST_BARS)
        .iter_rows(named=True)
    ]
    base = chart_of(rows).encode(
        y=alt.Y("column:N", sort=[row["column"] for row in rows], axis=plain_axis(labelLimit=300)),
        x=alt.X("share:Q", axis=None, scale=alt.Scale(domain=[0, 1.12])),
        tooltip=[
            tooltip("column", _("Column")),
            tooltip("text", _("Share of cells")),
            tooltip("cells", _("Cells")),
            tooltip("done", _("What is done")),
        ],
    )
    bars = base.mark_bar(height=14, color=neutral("accent"))
    text = base.mark_text(align="left", dx=6).encode(text="text:N")
    return finish(bars + text, _, height=max(60, 32 * len(rows)))


def found_columns_finding(found: PrivacyScan, _: Words) -> str:
    """The column that holds most."""
    if found.columns.is_empty():
        return _("Nothing that looks like a person was found")
    row = found.columns.sort("n_found", "column", descending=[True, False]).row(0, named=True)
    return _("Most cells: {column}", column=escape_markdown(_column(row, _)))


def found_columns_note(found: PrivacyScan, _: Words) -> str:
    """What is drawn."""
    return _("Share of a column's filled cells in which the kind was recognised, before anything was replaced.")


def found_rows(found: PrivacyScan, _: Words) -> list[dict[str, str]]:
    """The findings, written out in few columns; examples show their form only."""
    return [
        {
            _("Column"): f"{escape_markdown(_place(row, _))}  \n:gray-badge[{_kind(row, _)}]",
            _("Cells"): f"{_.number(row['n_found'])} · {_share(row['share'], _)}",
            _("What is done"): _.phrase(f"treatment.{row['treatment']}"),
            _("Examples, masked"): "  \n".join(escape_markdown(_short(item)) for item in row["examples"]),
        }
        for row in found.columns.iter_rows(named=True)
    ]


def _kind(row: dict[str, Any], _: Words) -> str:
    """The kind of identifier, and how sure one match of it is."""
    return f"{_.phrase('detector.' + row['detector'])} · {_.percent(row['confidence'])}"


def _short(example: str) -> str:
    return example if len(example) <= LONGEST_EXAMPLE else f"{example[: LONGEST_EXAMPLE - 1]}…"


def _treated(found: PrivacyScan) -> set[tuple[str, str]]:
    kept = found.columns["treatment"] == "keep"
    return set(found.columns.filter(~kept).select("table", "column").iter_rows())


def _column(row: dict[str, Any], _: Words) -> str:
    """The place and the kind, which is said once where the column is called after it."""
    kind = _.phrase(f"detector.{row['detector']}")
    return _place(row, _) if _.label("field", row["column"]) == kind else f"{_place(row, _)} · {kind}"


def _place(row: dict[str, Any], _: Words) -> str:
    return f"{_.phrase('table.' + row['table'])} · {_.label('field', row['column'])}"


def _share(share: float, _: Words) -> str:
    """Never nothing while there is something."""
    return "<0.1%" if 0 < share < 0.001 else _.percent(share, 1)
