"""The questions of a survey file: a finding and a table."""

from __future__ import annotations

import polars as pl

from analytics.i18n import Words, escape_markdown
from analytics.mapping import QUESTION_KINDS, Question, Questionnaire

MOST_OPTIONS, LONGEST_OPTION = 6, 24
COLUMNS = {"question": "text", "question_kind": "text", "options": "text", "answered": "int", "answered_share": "bar"}


def finding(asked: Questionnaire, _: Words) -> str:
    """How many questions there are."""
    n = len(asked.questions)
    if not n:
        return _("No column was recognised as a question")
    return _.ngettext("{n} question found", "{n} questions found", n)


def note(asked: Questionnaire, _: Words) -> str:
    """How many of each kind, and what holds no answers."""
    kinds = [question.kind for question in asked.questions]
    said = [_.ngettext("{n} respondent", "{n} respondents", asked.n_respondents)]
    said += [
        _("{kind}: {n}", kind=_.phrase(f"option.question_kind.{kind}"), n=kinds.count(kind))
        for kind in QUESTION_KINDS
        if kind in kinds
    ]
    if asked.background:
        named = [escape_markdown(name) for name in asked.background[:MOST_OPTIONS]]
        more = len(asked.background) - len(named)
        said.append(_("not a question: {names}", names=_.listing([*named, _("{n} more", n=more)] if more else named)))
    return " · ".join(said)


def table(asked: Questionnaire, _: Words) -> pl.DataFrame:
    """One row per question: question, question_kind, options (text), answered (people), answered_share (0-1)."""
    rows = [
        (
            _label(question),
            _.phrase(f"option.question_kind.{question.kind}"),
            _options(question.options, question.kind, _),
            question.n_answered,
            question.n_answered / max(asked.n_respondents, 1),
        )
        for question in asked.questions
    ]
    schema = {
        "question": pl.String(),
        "question_kind": pl.String(),
        "options": pl.String(),
        "answered": pl.Int64(),
        "answered_share": pl.Float64(),
    }
    return pl.DataFrame(rows, schema=schema, orient="row")


def _label(question: Question) -> str:
    """Number, what the rows of a matrix share where it is not the number, and what is the column's own."""
    shared = "" if question.number.startswith(question.matrix) else question.matrix
    if question.number:
        shared = shared.removeprefix(f"{question.number} ")
    return " · ".join(dict.fromkeys(part for part in (question.number, shared, question.text) if part))


def _options(options: tuple[str, ...], kind: str, _: Words) -> str:
    if kind == "score" and len(options) > 1 and all(option.isdecimal() for option in options):
        return _.span(options[0], options[-1])
    shown = [option if len(option) <= LONGEST_OPTION else option[: LONGEST_OPTION - 1] + "…" for option in options]
    more = len(shown) - MOST_OPTIONS
    return " · ".join([*shown[:MOST_OPTIONS], *([_("{n} more", n=more)] if more > 0 else [])])
