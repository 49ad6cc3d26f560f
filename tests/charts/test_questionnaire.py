"""The questions of a survey file in words: finding, note and table."""

from __future__ import annotations

from analytics.charts import questionnaire as charts
from analytics.i18n import words_for
from analytics.mapping import Question, Questionnaire

ASKED = Questionnaire(
    (
        Question("1. Sex", "Sex", "1", "single_choice", ("f", "m"), 9),
        Question("2. Rate [Price]", "Price", "2", "score", ("1", "3", "5"), 10, "", "2 Rate"),
        Question("Taste [Cake]", "Cake", "", "score", ("1", "2", "4"), 10, "", "Taste"),
        Question("Q4_1 Shop", "Shop", "Q4_1", "multi_choice", ("Shop",), 10, "", "Q4"),
        Question("3. Bought", "Bought", "3", "multi_choice", (*"abcdefgh", "x" * 40), 4, ";"),
        Question("nps", "nps", "", "number", (), 0),
    ),
    ("IP_Address",),
    10,
    "key",
)


def test_a_row_per_question_by_hand() -> None:
    rows = charts.table(ASKED, words_for("en")).rows()
    assert rows == [
        ("1 · Sex", "One choice", "f · m", 9, 0.9),
        ("2 · Rate · Price", "Scale", "1–5", 10, 1.0),
        ("Taste · Cake", "Scale", "1–4", 10, 1.0),
        ("Q4_1 · Shop", "Several choices", "Shop", 10, 1.0),
        ("3 · Bought", "Several choices", "a · b · c · d · e · f · 3 more", 4, 0.4),
        ("nps", "Number", "", 0, 0.0),
    ]


def test_the_note_counts_kinds_and_names_the_rest() -> None:
    assert charts.finding(ASKED, words_for("en")) == "6 questions found"
    assert charts.note(ASKED, words_for("en")) == (
        "10 respondents · Scale: 2 · Number: 1 · One choice: 1 · Several choices: 2 · not a question: IP\\_Address"
    )
    assert charts.note(ASKED, words_for("zh_TW")).startswith("10 位受訪者 · 量表題 2 道")


def test_a_file_without_questions_says_so() -> None:
    nothing = Questionnaire((), (), 0, "key")
    assert charts.finding(nothing, words_for("en")) == "No column was recognised as a question"
    assert charts.table(nothing, words_for("en")).is_empty()
