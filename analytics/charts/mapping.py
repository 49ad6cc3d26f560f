"""The Upload page's answer: what was recognised in the files, and what is still to check."""

from __future__ import annotations

from analytics.charts.headline import Headline, Metric
from analytics.i18n import Words
from analytics.mapping import CONFIDENT, ColumnMatch, MappingSpec, MappingSuggestion
from analytics.reading import RawTable


def headline(
    tables: tuple[RawTable, ...],
    suggestions: tuple[MappingSuggestion, ...],
    specs: tuple[MappingSpec, ...],
    confirmed: tuple[bool, ...],
    questions: int,
    refused: int,
    _: Words,
) -> Headline:
    """What was recognised: tables, rows, columns, and the columns that a person should look at.

    ``confirmed``: for each file, whether a person has had the last word on its columns. ``questions``: columns whose
    order of day and month or decimal mark only a person can know. ``refused``: files that cannot be read.
    """
    n_rows = sum(table.n_rows for table in tables)
    n_columns = sum(len(table.columns) for table in tables)
    n_used = sum(len(spec.columns) for spec in specs)
    unsure = sum(
        0 if settled else unsure_columns(suggestion, spec)
        for suggestion, spec, settled in zip(suggestions, specs, confirmed, strict=True)
    )
    unsure += questions
    names = _.listing(dict.fromkeys(_.phrase(f"table.{spec.table}") for spec in specs))
    if refused:
        finding = _.ngettext("{n} file cannot be read", "{n} files cannot be read", refused)
    elif not n_used:
        finding = _("No column has a meaning yet")
    elif unsure:
        finding = _.ngettext("{n} column to check", "{n} columns to check", unsure)
    else:
        finding = _("Every column that is used was recognised")
    sentence = _("Found: {tables}. What is right needs no click; what is wrong is corrected below.", tables=names)
    metrics = (
        Metric(
            _("Files read"),
            _.number(len(tables)),
            _("of {n}", n=len(tables) + refused) if refused else "",
            "bad" if refused else "gray",
        ),
        Metric(_("Rows"), _.number(n_rows)),
        Metric(_("Columns used"), _.number(n_used), _("of {n} in the files", n=n_columns)),
        Metric(
            _("To check"),
            _.number(unsure),
            _("nothing open") if not unsure else _("see below"),
            "good" if not unsure else "watch",
        ),
    )
    return Headline(finding, sentence, metrics)


def unsure_columns(suggestion: MappingSuggestion, spec: MappingSpec) -> int:
    """Columns in use whose suggestion is not confident and that the person has not changed."""
    return sum(is_unsure(match, spec) for match in suggestion.matches)


def is_unsure(match: ColumnMatch, spec: MappingSpec) -> bool:
    """Whether a column is used as suggested although the suggestion is not confident."""
    return match.field is not None and match.confidence < CONFIDENT and (match.column, match.field) in spec.columns
