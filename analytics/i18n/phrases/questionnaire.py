"""Words for the questions of a survey file."""

from analytics.i18n.marks import N_

PHRASES = {
    "progress.questions": N_("Reading the questions"),
    "field.question": N_("Question"),
    "field.question_kind": N_("Kind of answer"),
    "field.options": N_("Answers to choose from"),
    "field.answered": N_("Answered"),
    "field.answered_share": N_("Share who answered"),
    "option.question_kind.score": N_("Scale"),
    "option.question_kind.number": N_("Number"),
    "option.question_kind.single_choice": N_("One choice"),
    "option.question_kind.multi_choice": N_("Several choices"),
    "option.question_kind.open_text": N_("Open text"),
}
