"""Number, date and money formats of the three languages, placeholders, and Markdown made harmless."""

from __future__ import annotations

from datetime import date

import pytest

from analytics.i18n import LANGUAGES, Words, escape_markdown, words_for

EN, CN, TW = (words_for(language) for language in LANGUAGES)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (EN, ["NT$38.4M", "NT$400k", "4,200", "1.2B"]),
        (CN, ["NT$3,840 万", "NT$40.0 万", "4,200", "12.0 亿"]),
        (TW, ["NT$3,840 萬", "NT$40.0 萬", "4,200", "12.0 億"]),
    ],
)
def test_large_numbers(words: Words, expected: list[str]) -> None:
    shown = [
        words.compact(38_400_000, "TWD"),
        words.compact(400_000, "TWD"),
        words.compact(4_200),
        words.compact(1.2e9),
    ]
    assert shown == expected


def test_days_and_months() -> None:
    day = date(2026, 6, 30)
    assert [(words.day(day), words.month(day)) for words in (EN, CN, TW)] == [
        ("30 Jun 2026", "Jun 26"),
        ("2026/6/30", "2026/6"),
        ("2026/6/30", "2026/6"),
    ]


def test_numbers_that_are_not_there_are_a_dash() -> None:
    assert [EN.number(None), EN.number(float("nan")), EN.percent(None), EN.money(float("inf"))] == ["–"] * 4


def test_signs_are_typographic_and_zero_has_none() -> None:
    assert EN.signed(12) == "+12"
    assert EN.signed(-12) == "−12"
    assert EN.number(-0.001, 2) == "0.00"
    assert EN.money(-1234.5, "GBP") == "−£1,234"


def test_money_shows_cents_only_when_they_matter() -> None:
    assert [EN.money(value, "USD") for value in (0.5, 12, 99.99, 1234.56)] == [
        "US$0.50",
        "US$12",
        "US$99.99",
        "US$1,235",
    ]


def test_placeholders_are_written_in_the_language() -> None:
    assert EN("{n} rows on {day}", n=12480, day=date(2026, 1, 2)) == "12,480 rows on 2 Jan 2026"


def test_a_placeholder_cannot_reach_into_objects() -> None:
    assert EN("{n.__class__.__mro__} {n}", n=1) == "{n.__class__.__mro__} 1"


@pytest.mark.parametrize("text", ["![x](http://a.example/p.png)", "[a](b)", "<b>", "$x$", ":red[x]", "# big", "`code`"])
def test_own_text_cannot_become_markdown(text: str) -> None:
    escaped = escape_markdown(text)
    assert escaped.replace("\\", "") == text
    for mark in "[]<$`#!:":
        assert all(escaped[i - 1] == "\\" for i, letter in enumerate(escaped) if letter == mark)


def test_every_phrase_of_the_book_is_known_to_words() -> None:
    assert EN.phrase("table.transactions") == "Orders"
    assert EN.phrase("no.such.code") == "no.such.code"
