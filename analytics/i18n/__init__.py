"""The one way to words. ``Words`` is passed to whatever shows something; analyses never see it."""

from analytics.i18n.marks import N_
from analytics.i18n.words import LANGUAGES, Language, Words, escape_markdown, unlinked, words_for

__all__ = ["LANGUAGES", "N_", "Language", "Words", "escape_markdown", "unlinked", "words_for"]
