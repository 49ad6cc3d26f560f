"""Fonts: one with Chinese where the machine has one, the region's own face, a person's own file first."""

from __future__ import annotations

import pytest

from analytics.export import fonts
from analytics.i18n import LANGUAGES


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_chinese_face_writes_chinese_and_english_keeps_latin_marks(language) -> None:
    face = fonts.typeface(language)
    if face is None or not face.chinese:
        pytest.skip("no font with Chinese characters on this machine")
    pen = face.at(20)
    assert pen.getlength("常客") == pytest.approx(40, abs=2)
    assert pen.getlength("ab常客") == pytest.approx(pen.getlength("ab") + pen.getlength("常客"))
    assert face.at(20, bold=True).getlength("Ab") > 0
    if "CJK" in face.han.family:
        assert face.han.family.endswith({"en": " SC", "zh_CN": " SC", "zh_TW": " TC"}[language])
    if language == "en" and face.latin is not face.han:
        assert pen.getlength("“”") < 20
    elif language != "en":
        assert face.latin is face.han


def test_a_persons_own_font_comes_first(monkeypatch) -> None:
    found = fonts.typeface("en")
    if found is None:
        pytest.skip("no font on this machine")
    fonts.typeface.cache_clear()
    monkeypatch.setenv(fonts.OWN_FONT, found.latin.path)
    try:
        assert fonts.typeface("zh_TW").han.path == found.latin.path
    finally:
        fonts.typeface.cache_clear()


def test_without_any_font_there_is_none(monkeypatch) -> None:
    fonts.typeface.cache_clear()
    monkeypatch.setattr(fonts, "_font_files", lambda: iter(()))
    try:
        assert fonts.typeface("en") is None
    finally:
        fonts.typeface.cache_clear()
