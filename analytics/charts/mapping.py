"""The Upload page's answer: what was recognised in the files, and what still wants a look."""

from __future__ import annotations

from analytics.charts.headline import Headline, Metric
from analytics.i18n import Words
from analytics.mapping import MappingSpec, MappingSuggestion
from analytics.reading import RawTable

CONFIDENT = 0.8


def headline(
    tables: tuple[RawTable, ...], suggestions: tuple[MappingSuggestion, ...], specs: tuple[MappingSpec, ...], _: Words
) -> Headline:
    """What was recognised: tables, rows, columns, and the columns that a person should look at."""
    n_rows = sum(table.n_rows for table in tables)
    n_columns = sum(len(table.columns) for table in tables)
    n_used = sum(len(spec.columns) for spec in specs)
    unsure = sum(unsure_columns(suggestion, spec) for suggestion, spec in zip(suggestions, specs, strict=True))
    names = _.listing(dict.fromkeys(_.phrase(f"table.{spec.table}") for spec in specs))
    finding = (
        _.ngettext("{n} column wants a look", "{n} columns want a look", unsure)
        if unsure
        else _("Every column that is used was recognised")
    )
    sentence = _("Found: {tables}. Correct below what is wrong; what is right needs no click.", tables=names)
    metrics = (
        Metric(_("Files"), _.number(len(tables))),
        Metric(_("Rows"), _.number(n_rows)),
        Metric(_("Columns used"), _.number(n_used), _("of {n} in the files", n=n_columns)),
        Metric(
            _("To confirm"),
            _.number(unsure),
            _("all confident") if not unsure else _("see the marked columns"),
            "good" if not unsure else "watch",
        ),
    )
    return Headline(finding, sentence, metrics)


def unsure_columns(suggestion: MappingSuggestion, spec: MappingSpec) -> int:
    """Columns in use whose suggestion is not confident and that the person has not changed."""
    chosen = dict(spec.columns)
    return sum(
        1
        for match in suggestion.matches
        if match.field is not None and chosen.get(match.column) == match.field and match.confidence < CONFIDENT
    )
