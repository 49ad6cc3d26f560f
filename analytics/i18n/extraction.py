"""From the marks in the code to the catalogues: ``python -m analytics.i18n`` after words have changed."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po, write_po

from analytics.i18n.words import CATALOGUES, LANGUAGES

ROOT = Path(__file__).parents[2]
FOLDERS = ("analytics", "app_pages")
MARKS = {"_": 1, "N_": 1, "ngettext": 2}  # how many first arguments are words


def extract() -> Catalog:
    """Every marked message of the code, with the places where it stands."""
    template = Catalog(charset="utf-8")
    files = [ROOT / "frame.py", *(path for folder in FOLDERS for path in sorted((ROOT / folder).rglob("*.py")))]
    for path in files:
        for message in marked(ast.parse(path.read_text(encoding="utf-8"))):
            # Files without line numbers: a catalogue then changes only when words do.
            template.add(message, locations=[(path.relative_to(ROOT).as_posix(), 0)])
    return template


def marked(tree: ast.AST) -> Iterator[str | tuple[str, str]]:
    """The words of every mark in a syntax tree: also inside f-strings and beside nested calls, where a scan of tokens
    loses them or half a plural."""
    for call in ast.walk(tree):
        if not isinstance(call, ast.Call):
            continue
        name = call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")
        words = [argument.value for argument in call.args[: MARKS.get(name, 0)] if isinstance(argument, ast.Constant)]
        if words and len(words) == MARKS[name] and all(isinstance(word, str) and word for word in words):
            yield (str(words[0]), str(words[1])) if len(words) == 2 else str(words[0])


def read_catalogue(language: str) -> Catalog:
    """The catalogue of a language; empty when it is not there yet."""
    path = CATALOGUES / f"{language}.po"
    if not path.exists():
        return Catalog(locale=language, charset="utf-8")
    with path.open("rb") as file:
        return read_po(file, locale=language)


def refresh() -> dict[str, int]:
    """Bring every catalogue up to the code; the number of messages still to be translated, by language."""
    template = extract()
    open_messages: dict[str, int] = {}
    for language in LANGUAGES[1:]:
        catalogue = read_catalogue(language)
        catalogue.update(template, no_fuzzy_matching=True)
        catalogue.obsolete.clear()
        catalogue.fuzzy = False
        catalogue.project, catalogue.version = "Regulars", ""
        catalogue.header_comment = f"# Regulars: words in {language}. Refreshed by: python -m analytics.i18n"
        # A fixed date: a refresh that finds nothing new changes nothing.
        catalogue.creation_date = catalogue.revision_date = datetime(2026, 1, 1, tzinfo=UTC)
        path = CATALOGUES / f"{language}.po"
        with path.open("wb") as file:
            write_po(file, catalogue, width=110, sort_output=True, omit_header=False, include_lineno=False)
        open_messages[language] = len(untranslated(catalogue))
    return open_messages


def untranslated(catalogue: Catalog) -> list[str]:
    """The English sources that have no words yet."""
    return [_source(message.id) for message in catalogue if message.id and not _filled(message.string)]


def _source(identity: object) -> str:
    return str(identity[0]) if isinstance(identity, tuple | list) else str(identity)


def _filled(text: object) -> bool:
    return all(text) if isinstance(text, tuple | list) else bool(text)
