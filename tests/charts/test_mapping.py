"""The Upload page's answer: what was read, what is used, and what a person still has to look at."""

from __future__ import annotations

from dataclasses import replace

import pytest

from analytics.charts import mapping as charts
from analytics.charts.headline import Headline
from analytics.i18n import LANGUAGES, Words, words_for
from analytics.mapping import CONFIDENT, MappingSpec, MappingSuggestion, suggest_mapping
from analytics.reading import RawTable, read

TEXT = "order_id,customer_id,order_date,amount,note\n" + "".join(
    f"O{i},C{i % 7},2024-01-{1 + i % 28:02d},{'9.50' if i % 3 else 'lots'},x\n" for i in range(60)
)


@pytest.fixture(scope="module")
def known() -> tuple[RawTable, MappingSuggestion]:
    raw = read(TEXT.encode(), "orders.csv")
    return raw, suggest_mapping(raw)


def headline(
    known: tuple[RawTable, MappingSuggestion],
    _: Words,
    *,
    spec: MappingSpec | None = None,
    confirmed: bool = False,
    questions: int = 0,
    refused: int = 0,
) -> Headline:
    raw, suggestion = known
    return charts.headline((raw,), (suggestion,), (spec or suggestion.spec,), (confirmed,), questions, refused, _)


def values(head: Headline) -> list[str]:
    return [metric.value for metric in head.metrics]


def test_a_doubtful_column_is_counted_until_a_person_has_spoken(known: tuple[RawTable, MappingSuggestion]) -> None:
    _ = words_for("en")
    _raw, suggestion = known
    doubtful = [
        m for m in suggestion.matches if m.confidence < CONFIDENT and (m.column, m.field) in suggestion.spec.columns
    ]
    assert [match.column for match in doubtful] == ["amount"]
    head = headline(known, _)
    assert head.finding == "1 column to check"
    assert values(head) == ["1", "60", str(len(suggestion.spec.columns)), "1"]
    assert headline(known, _, confirmed=True).finding == "Every column that is used was recognised"
    without = replace(suggestion.spec, columns=tuple(p for p in suggestion.spec.columns if p[0] != "amount"))
    assert values(headline(known, _, spec=without))[-1] == "0"
    assert charts.unsure_columns(suggestion, suggestion.spec) == 1


def test_questions_and_refused_files_count(known: tuple[RawTable, MappingSuggestion]) -> None:
    _ = words_for("en")
    assert headline(known, _, confirmed=True, questions=2).finding == "2 columns to check"
    head = headline(known, _, refused=1)
    assert head.finding == "1 file cannot be read"
    assert (head.metrics[0].value, head.metrics[0].note, head.metrics[0].tone) == ("1", "of 2", "bad")
    assert headline(known, _, spec=MappingSpec("transactions")).finding == "No column has a meaning yet"


@pytest.mark.parametrize("language", LANGUAGES)
def test_whole_words_in_each_language(known: tuple[RawTable, MappingSuggestion], language: str) -> None:
    head = headline(known, words_for(language), questions=1, refused=2)
    for text in (head.finding, head.sentence, *(metric.label + metric.note for metric in head.metrics)):
        assert text
        assert "table." not in text
        assert "{" not in text
