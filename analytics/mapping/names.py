"""Headings made comparable, and how alike they are to the words for a field."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import cache
from typing import Any

_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_BRACKETS = re.compile(r"[(\[{<【「『《〔].*?[)\]}>】」』》〕]")
_NUMBERING = re.compile(r"^\s*(?:[A-Za-z]?\d+\s*[.、:)]|[一二三四五六七八九十]+、)\s*")
_CJK = re.compile(r"[\u3400-\u9fff\uf900-\ufaff]")
_BORDER = re.compile(r"(?<=[\u3400-\u9fff])(?=[a-z0-9])|(?<=[a-z0-9])(?=[\u3400-\u9fff])")
SIMILAR = 78.0  # percent of rapidfuzz's ratio: below it, likeness was chance on 148 headings


@cache
def _converter() -> Any:
    from opencc import OpenCC

    return OpenCC("t2s")


def simplified(text: str) -> str:
    """``text`` with Traditional characters replaced by Simplified ones."""
    return str(_converter().convert(text)) if _CJK.search(text) else text


def normal(heading: str) -> str:
    """A heading's normal form: NFKC, Simplified, lower case, words apart, brackets and numbering stripped."""
    text = unicodedata.normalize("NFKC", heading)
    text = simplified(text)
    bare = _NUMBERING.sub("", _BRACKETS.sub(" ", text)).strip() or text
    bare = _CAMEL.sub(" ", bare).casefold()
    bare = bare.replace("#", " no ").replace("№", " no ")
    words = re.sub(r"[\W_]+", " ", bare)
    return " ".join(words.split())


@dataclass(frozen=True, slots=True)
class Phrase:
    """A normal form made ready for comparing: with blanks at both ends, without any, its words (or characters)."""

    text: str
    padded: str
    compact: str
    chinese: bool
    parts: frozenset[str]


@cache
def phrase(text: str) -> Phrase:
    apart = _BORDER.sub(" ", text)
    compact = text.replace(" ", "")
    return Phrase(
        text, f" {apart} ", compact, bool(_CJK.search(text)), frozenset(apart.split()) | set(_CJK.findall(text))
    )


@cache
def _compact(words: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(phrase(word).compact for word in words)


def contains(whole: Phrase, part: Phrase) -> bool:
    """Whether ``part`` stands in ``whole`` as words; Chinese has no blanks, so two characters are enough there."""
    if part.chinese:
        return whole.chinese and len(part.compact) >= 2 and part.compact in whole.compact
    return len(part.compact) >= 3 and f" {part.text} " in whole.padded


def likeness(heading: str, words: tuple[str, ...]) -> tuple[float, str, str]:
    """How alike a heading is to the likest of a field's ``words`` (0-1), why, and to which.

    Why: "exact", "contains", "similar" (rapidfuzz's ratio of at least ``SIMILAR``) or "none". Both in normal form.
    """
    own = phrase(heading)
    best, reason, by = 0.0, "none", ""
    if not own.compact:
        return best, reason, by
    for rank, word in enumerate(words):
        other = phrase(word)
        if other.compact == own.compact:
            # A field's first words say it more surely than a general "date" or "name" at the list's end.
            return 0.97 - 0.001 * rank, "exact", word
        if own.parts.isdisjoint(other.parts):
            continue
        if contains(own, other):
            alike = 0.55 + 0.35 * len(other.compact) / len(own.compact)
        elif len(other.compact) >= 4 and len(own.compact) >= 2 and contains(other, own):
            alike = 0.25 + 0.35 * len(own.compact) / len(other.compact)
        else:
            continue
        if alike > best:
            best, reason, by = alike, "contains", word
    if len(own.compact) >= 3:
        from rapidfuzz.fuzz import ratio
        from rapidfuzz.process import extractOne

        near = extractOne(own.compact, _compact(words), scorer=ratio, score_cutoff=SIMILAR)
        if near is not None and len(near[0]) >= 3:
            alike = 0.5 + 0.4 * (near[1] - SIMILAR) / (100 - SIMILAR)
            if alike > best:
                best, reason, by = alike, "similar", words[near[2]]
    return best, reason, by
