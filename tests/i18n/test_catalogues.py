"""Every message is translated in both catalogues with the same placeholders, and every code has its words."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from analytics.i18n import LANGUAGES, phrases, words_for
from analytics.i18n.extraction import extract, read_catalogue, untranslated
from analytics.i18n.words import LESSONS
from app_pages.ui.steps import STEPS

ROOT = Path(__file__).parents[2]
PLACEHOLDER = re.compile(r"\{[^{}]*\}")
CHINESE = LANGUAGES[1:]

HAN = re.compile(r"[\u4e00-\u9fff]")


def ids(message_id: object) -> list[str]:
    return [str(part) for part in message_id] if isinstance(message_id, tuple | list) else [str(message_id)]


@pytest.mark.parametrize("language", CHINESE)
def test_extraction_is_up_to_date_and_everything_is_translated(language: str) -> None:
    in_code = {tuple(ids(message.id)) for message in extract() if message.id}
    catalogue = read_catalogue(language)
    in_catalogue = {tuple(ids(message.id)) for message in catalogue if message.id}
    assert in_code == in_catalogue, "run: python -m analytics.i18n"
    assert untranslated(catalogue) == []


@pytest.mark.parametrize("language", CHINESE)
def test_placeholders_are_those_of_the_source(language: str) -> None:
    wrong = []
    for message in read_catalogue(language):
        if not message.id:
            continue
        sources = [set(PLACEHOLDER.findall(source)) for source in ids(message.id)]
        for text in ids(message.string):
            # A Chinese form serves singular and plural: it uses the placeholders of the plural.
            if set(PLACEHOLDER.findall(text)) != sources[-1]:
                wrong.append(ids(message.id)[0])
        for source in sources:
            assert all(re.fullmatch(r"\{[a-z_]+\}", placeholder) for placeholder in source)
    assert wrong == []


def test_the_two_scripts_are_not_mixed() -> None:
    simplified_only, traditional_only = set("这们说时间数据应种样买卖颜"), set("這們說時間數據應種樣買賣顏")
    for language, foreign in (
        ("zh_CN", traditional_only - simplified_only),
        ("zh_TW", simplified_only - traditional_only),
    ):
        for message in read_catalogue(language):
            if message.id:
                for text in ids(message.string):
                    assert not set(text) & foreign, text


def raised_codes() -> set[str]:
    """The first argument of every AnalysisError and Caveat in the code, as ``error.x`` and ``caveat.x``."""
    codes: set[str] = set()
    for path in [*(ROOT / "analytics").rglob("*.py"), *(ROOT / "app_pages").rglob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.args:
                kind = {"AnalysisError": "error", "Caveat": "caveat"}.get(node.func.id)
                first = node.args[0]
                if kind and isinstance(first, ast.Constant):
                    codes.add(f"{kind}.{first.value}")
    return codes


def test_every_code_that_can_be_raised_has_words_and_a_remedy() -> None:
    book = phrases.load()
    codes = raised_codes()
    assert len(codes) > 20
    assert sorted(code for code in codes if code not in book) == []
    errors = {code for code in codes if code.startswith("error.")}
    assert sorted(code for code in errors if f"{code}.remedy" not in book) == []


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("step", [step.name for step in STEPS])
def test_every_step_has_its_lesson_with_four_headings(language: str, step: str) -> None:
    text = (LESSONS / language / f"{step}.md").read_text(encoding="utf-8")
    headings = [line for line in text.splitlines() if line.startswith("#")]
    assert len(headings) == 4
    assert all(line.startswith("#### ") for line in headings)
    if language != "en":
        assert HAN.search(text)


@pytest.mark.parametrize("language", CHINESE)
def test_words_for_a_language_speak_it(language: str) -> None:
    assert HAN.search(words_for(language)("Segmentation"))
