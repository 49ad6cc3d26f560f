"""Printable sheets: complete, escaped, asking nothing of anybody, in three languages, as HTML and as a picture."""

from __future__ import annotations

import dataclasses
import io
import re
import zipfile
from html.parser import HTMLParser

import polars as pl
import pytest
from PIL import Image

from analytics.charts import persona_card
from analytics.charts.persona_card import Card
from analytics.errors import AnalysisError
from analytics.export import fonts, persona_sheet
from analytics.i18n import LANGUAGES, words_for
from analytics.personas import PersonaEdits, PersonaSpec, PersonasResult, describe_personas, hide_quote, write
from tests.personas.worlds import world

NAMES = {"1": "1 · Regulars", "2": "2 · 常客 <b>", "3": "3 · New"}
UNEDITED = PersonaEdits()
HOSTILE = '</p><script>alert("1")</script><img src="https://example.com/x">$name'


@pytest.fixture(scope="module")
def result() -> PersonasResult:
    customers, labels, dataset = world()
    return describe_personas(customers, labels, PersonaSpec(), dataset)


def card(result: PersonasResult, label: str, language: str, edits: PersonaEdits = UNEDITED) -> Card:
    return persona_card.card(result, label, NAMES, NAMES, edits, words_for(language))


class Page(HTMLParser):
    """Tags, attributes and readable text of a page."""

    def __init__(self, page: bytes) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.text = ""
        self.feed(page.decode("utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_data(self, data: str) -> None:
        self.text += data + "\n"


# ---- the page


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_says_everything_on_the_card(result, language) -> None:
    _ = words_for(language)
    for label in NAMES:
        held = card(result, label, language)
        page = Page(persona_sheet.sheet_html(result, held, NAMES, _))
        for text in persona_sheet.texts_of(held, _):
            assert text in page.text, text
        assert ("lang", _.html_language) in page.attributes
        assert page.tags.count("svg") == 2
        assert f"{result.spec.min_group}" in page.text
        assert held.evidence in page.text


def test_the_page_needs_nothing_from_elsewhere(result) -> None:
    source = persona_sheet.sheet_html(result, card(result, "1", "en"), NAMES, words_for("en")).decode()
    page = Page(source.encode())
    assert not set(page.tags) & {"script", "img", "link", "iframe", "object", "embed", "base", "form", "image"}
    assert not [name for name, _value in page.attributes if name in {"src", "href", "xlink:href", "srcset"}]
    assert "url(" not in source.replace("url(#clip", "")
    assert "@import" not in source
    found = set(re.findall(r"https?://[^\"' ]+", source))
    assert found <= {"http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"}
    assert "default-src 'none'" in source
    assert "size: A4" in source


def test_what_a_person_or_a_file_says_stays_text(result) -> None:
    edits = write(PersonaEdits(), "segments", "1", "name", HOSTILE[:40], "")
    edits = write(edits, "segments", "1", "needs", HOSTILE, "")
    hostile = result.quotes.with_columns(quote=pl.lit(HOSTILE), source=pl.lit(HOSTILE))
    needs = result.needs.with_columns(level=pl.lit(HOSTILE))
    traits = result.traits.with_columns(
        level=pl.when(pl.col("kind") == "share").then(pl.lit(HOSTILE)).otherwise("level")
    )
    bad = dataclasses.replace(result, quotes=hostile, needs=needs, traits=traits)
    page = Page(persona_sheet.sheet_html(bad, card(bad, "1", "en", edits), NAMES, words_for("en")))
    assert not set(page.tags) & {"script", "img"}
    assert HOSTILE in page.text
    assert persona_sheet.sheet_png(bad, card(bad, "1", "en", edits), NAMES, words_for("en"))


def test_own_words_hidden_quotes_and_missing_quotes(result) -> None:
    _ = words_for("en")
    quote = card(result, "1", "en").quotes[0]
    edits = hide_quote(write(PersonaEdits(), "segments", "1", "pains", "They hate waiting.", ""), quote.quote_id)
    page = Page(persona_sheet.sheet_html(result, card(result, "1", "en", edits), NAMES, _))
    assert "They hate waiting." in page.text
    assert quote.text not in page.text.split("\n")
    none = dataclasses.replace(
        result, quotes=result.quotes.clear(), unquoted=pl.DataFrame({"label": ["1"], "reason": ["quotes_few_authors"]})
    )
    page = Page(persona_sheet.sheet_html(none, card(none, "1", "en"), NAMES, _))
    assert "No quotes: fewer than 5 people" in page.text


def test_a_card_without_any_difference_has_a_sheet_too(result) -> None:
    nothing = dataclasses.replace(result, traits=result.traits.with_columns(shown=pl.lit(False)))
    held = card(nothing, "2", "zh_TW")
    assert Page(persona_sheet.sheet_html(nothing, held, NAMES, words_for("zh_TW"))).tags.count("svg") == 1
    assert persona_sheet.sheet_png(nothing, held, NAMES, words_for("zh_TW"))


# ---- the picture


def needs_chinese(language: str) -> None:
    face = fonts.typeface(language)
    if face is None or not face.chinese:
        pytest.skip("no font with Chinese characters on this machine")


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_picture_is_a_page_with_ink_where_text_and_bars_stand(result, language) -> None:
    needs_chinese(language)
    held = card(result, "1", language)
    drawn = persona_sheet.sheet_png(result, held, NAMES, words_for(language))
    picture = Image.open(io.BytesIO(drawn)).convert("RGB")
    assert picture.width == persona_sheet.WIDTH
    assert picture.height >= persona_sheet.HEIGHT
    assert abs(picture.info["dpi"][0] - 150) < 1 if "dpi" in picture.info else True
    colours = {color for _n, color in picture.getcolors(1 << 20)}
    assert tuple(int(persona_card.LIGHT[0][i : i + 2], 16) for i in (1, 3, 5)) in colours
    for place in ((84, 84, 216, 216), (84, 560, 584, 900), (640, 560, 1150, 1200), (84, 1600, 1150, 1700)):
        ink = picture.crop(place).convert("L").point(lambda v: 255 * (v < 140)).getbbox()
        assert ink is not None, place


def test_without_a_font_for_chinese_there_is_no_picture_and_it_is_said(result, monkeypatch) -> None:
    found = fonts.typeface("en")
    assert found is not None
    monkeypatch.setattr(persona_sheet, "typeface", lambda _language: fonts.Typeface(found.latin, found.latin, False))
    held = card(result, "1", "zh_TW")
    assert not persona_sheet.can_draw(held, words_for("zh_TW"))
    with pytest.raises(AnalysisError) as caught:
        persona_sheet.sheet_png(result, held, NAMES, words_for("zh_TW"))
    assert caught.value.code == "sheet_no_font"
    with zipfile.ZipFile(io.BytesIO(persona_sheet.sheets_zip(result, [held], NAMES, words_for("zh_TW")))) as archive:
        assert archive.namelist() == ["persona-1.html"]
    latin = dataclasses.replace(card(result, "1", "en"), quotes=())
    assert persona_sheet.can_draw(latin, words_for("en"))
    monkeypatch.setattr(persona_sheet, "typeface", lambda _language: None)
    assert not persona_sheet.can_draw(latin, words_for("en"))


def test_all_sheets_in_one_archive(result) -> None:
    needs_chinese("en")
    cards = tuple(card(result, label, "en") for label in NAMES)
    packed = persona_sheet.sheet(result, cards, tuple(NAMES.items()), "en", "zip")
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        assert archive.namelist() == [f"persona-{label}.{form}" for label in NAMES for form in ("html", "png")]
        assert archive.read("persona-1.html") == persona_sheet.sheet(
            result, cards[:1], tuple(NAMES.items()), "en", "html"
        )


# ---- lines of text


def test_lines_fit_and_no_line_begins_with_a_stop() -> None:
    needs_chinese("zh_TW")
    pen = fonts.typeface("zh_TW").at(20)
    text = "與其他客戶相比：購買件數較多、「求新程度」較低，涉及的品類較多。Household planners buy more. " * 3
    lines = persona_sheet.wrap(text, pen, 300)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")
    assert all(pen.getlength(line) <= 300 + 20 for line in lines)
    assert not [line for line in lines if line[0] in "，。、；：！？）」"]
    for width in range(120, 400, 20):
        broken = persona_sheet.wrap("行動支付 39%（其他客戶 42%）、信用卡 35%（其他客戶 34%）、「現金」1%", pen, width)
        assert not [line for line in broken if line[-1] in "（「" or line[0] in "）」、"]
    assert persona_sheet.wrap("x" * 200, pen, 100)[0] == "x" * len(persona_sheet.wrap("x" * 200, pen, 100)[0])
    assert persona_sheet.wrap("", pen, 100) == []
