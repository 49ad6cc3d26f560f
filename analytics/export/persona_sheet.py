"""A persona on one sheet of paper: a page of HTML that needs nothing else, and the same as a picture.

Both are made from one ``Card``; the bars are the page's own chart, drawn without a browser. A picture of Chinese text
needs a font that has it: without one there is the HTML alone.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Sequence
from html import escape
from pathlib import Path
from string import Template
from typing import Any

from analytics.charts.persona_card import LIGHT, Card, Names, color_of, portrait
from analytics.charts.personas import traits, traits_note
from analytics.charts.theme import Spec
from analytics.errors import AnalysisError
from analytics.export.fonts import HAN, Pen, Typeface, typeface
from analytics.i18n import Language, Words, words_for
from analytics.personas import PersonasResult

HTML_MIME, PNG_MIME, ZIP_MIME = "text/html", "image/png", "application/zip"
CHART_WIDTH = 330
WIDTH, MARGIN = 1240, 84  # pixels of an A4 page at 150 dpi
HEIGHT = 1754
_INK, _MUTED, _HAIR, _PAPER = "#101B26", "#5A6570", "#DCD8CF", "#F5F3EE"
_CLIP = re.compile(r"(?<=[\"#])clip\d+")
_EPOCH = (2020, 1, 1, 0, 0, 0)  # archives of equal content are equal

_PAGE = Template((Path(__file__).parent / "persona_sheet.html").read_text(encoding="utf-8"))


def sheet_html(result: PersonasResult, card: Card, names: Names, _: Words) -> bytes:
    """One persona as a page of HTML: A4 when printed, no script, nothing from elsewhere, every text escaped."""
    color = color_of(result, card.label)
    metrics = "".join(
        f"<div><small>{escape(item.label)}</small><b>{escape(item.value)}</b><small>{escape(item.note)}</small></div>"
        for item in card.metrics
    )
    sections = "".join(
        f"<section><h2>{escape(title)}</h2>"
        + (f'<p class="own">{escape(own)}</p>' if own else "")
        + (f"<p>{escape(said)}</p>" if said else "")
        + "</section>"
        for title, said, own in _sections(card)
    )
    quotes = "".join(
        f"<blockquote>{escape(quote.text)}<br><small>{escape(quote.about)}</small></blockquote>"
        for quote in card.shown_quotes
    )
    if card.shown_quotes or card.unquoted:
        reason = f'<p class="muted">{escape(card.unquoted)}</p>' if card.unquoted else ""
        quotes = f"<section><h2>{escape(_('In their words'))}</h2>{quotes}{reason}</section>"
    chart = chart_svg(traits(result, card.label, names, _)) if _is_drawn(result, card) else ""
    written = {
        "name": card.name,
        "people": card.people,
        "line": card.line,
        "apart": _("What sets them apart"),
        "finding": card.computed["line"],
        "note": traits_note(result, _),
        "alike": _("Alike"),
        "similar": card.similar,
        "evidence": _evidence(card, _),
        "made": _made(result, _),
    }
    drawn = {"portrait": portrait(card.initials, color), "chart": chart, "color": color, "language": _.html_language}
    parts = {"metrics": metrics, "sections": sections, "quotes": quotes}
    texts = {name: escape(text) for name, text in written.items()}
    return _PAGE.substitute(texts, **drawn, **parts).encode("utf-8")


def sheet_png(result: PersonasResult, card: Card, names: Names, _: Words) -> bytes:
    """One persona as a picture of an A4 page at 150 dpi (longer when it must be).

    Raises ``AnalysisError("sheet_no_font")`` when the text is Chinese and no font of this machine has Chinese.
    """
    if not can_draw(card, _):
        raise AnalysisError("sheet_no_font")
    face = typeface(_.language)
    assert face is not None
    from PIL import Image

    picture = Image.new("RGB", (WIDTH, 3 * HEIGHT), "#FFFFFF")
    bottom = _paint(picture, face, result, card, names, _)
    buffer = io.BytesIO()
    picture.crop((0, 0, WIDTH, max(HEIGHT, bottom))).save(buffer, "PNG", dpi=(150, 150), optimize=True)
    return buffer.getvalue()


def can_draw(card: Card, _: Words) -> bool:
    """Whether this machine has a font for everything on the card."""
    face = typeface(_.language)
    return face is not None and (face.chinese or not HAN.search(" ".join(texts_of(card, _))))


def texts_of(card: Card, _: Words) -> tuple[str, ...]:
    """Every text of a sheet, as HTML and picture show it, without those of the chart."""
    sections = [text for section in _sections(card) for text in section]
    quotes = [text for quote in card.shown_quotes for text in (quote.text, quote.about)]
    metrics = [text for item in card.metrics for text in (item.label, item.value, item.note)]
    own = (card.name, card.people, card.line, card.similar, card.unquoted, _evidence(card, _))
    return tuple(text for text in (*own, *metrics, *sections, *quotes) if text)


def sheets_zip(result: PersonasResult, cards: Sequence[Card], names: Names, _: Words) -> bytes:
    """All personas in one archive: ``persona-<label>.html``, and ``.png`` where it can be drawn."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for card in cards:
            stem = f"persona-{re.sub(r'[^0-9A-Za-z_-]', '_', card.label)}"
            archive.writestr(zipfile.ZipInfo(f"{stem}.html", _EPOCH), sheet_html(result, card, names, _))
            if can_draw(card, _):
                archive.writestr(zipfile.ZipInfo(f"{stem}.png", _EPOCH), sheet_png(result, card, names, _))
    return buffer.getvalue()


def sheet(result: PersonasResult, cards: tuple[Card, ...], names: tuple[tuple[str, str], ...], language: Language,
          form: str) -> bytes:  # fmt: skip
    """A download: ``form`` "html" or "png" of one card, or "zip" of several. For a worker: words go by language."""
    _, called = words_for(language), dict(names)
    if form == "zip":
        return sheets_zip(result, cards, called, _)
    make = sheet_html if form == "html" else sheet_png
    return make(result, cards[0], called, _)


def _sections(card: Card) -> list[tuple[str, str, str]]:
    """Title, what the data say, what the person wrote."""
    own = {str(name): text for name, text in card.own.items()}
    return [(title, said, own.get(name, "")) for name, title, said in card.sections]


def _is_drawn(result: PersonasResult, card: Card) -> bool:
    return bool(result.traits["shown"].any()) and card.label in result.traits.filter("shown")["label"].to_list()


def _evidence(card: Card, _: Words) -> str:
    return _("Evidence: {evidence}", evidence=card.evidence)


def _made(result: PersonasResult, _: Words) -> str:
    return _(
        "A group's figures, not a person's. No figure tells of fewer than {limit} people. Regulars, result {key}",
        limit=result.spec.min_group,
        key=result.key[:12],
    )


# ---- The chart, drawn here


def chart_svg(spec: Spec) -> str:
    """The page's chart as static SVG in the light colours; the reader's own fonts write it."""
    import vl_convert

    svg: str = vl_convert.vegalite_to_svg(_static(spec, "inherit"), allowed_base_urls=[])
    # The renderer numbers its clips on from chart to chart: equal charts are made equal again.
    clips = {clip: f"clip{i}" for i, clip in enumerate(dict.fromkeys(_CLIP.findall(svg)))}
    return _CLIP.sub(lambda found: clips[found[0]], svg)


def chart_png(spec: Spec, face: Typeface, scale: float) -> bytes:
    """The page's chart as a picture."""
    import vl_convert

    drawn: bytes = vl_convert.vegalite_to_png(_static(spec, face.family), scale=scale, allowed_base_urls=[])
    return drawn


def _static(spec: Spec, font: str) -> Spec:
    look = {"range": {"category": list(LIGHT)}, "background": "#FFFFFF", "font": font}
    return {**spec, "width": CHART_WIDTH, "config": {**spec["config"], **look}}


# ---- The picture


def _paint(picture: Any, face: Typeface, result: PersonasResult, card: Card, names: Names, _: Words) -> int:
    """Paint the sheet; returns its lower end in pixels."""
    from PIL import Image, ImageDraw

    draw = ImageDraw.Draw(picture)
    color = color_of(result, card.label)
    inner = WIDTH - 2 * MARGIN
    top = MARGIN
    draw.rounded_rectangle((MARGIN, top, MARGIN + 132, top + 132), radius=28, fill=color)
    letters = face.at(56, bold=True)
    x = MARGIN + 66 - letters.getlength(card.initials) / 2
    letters.write(draw, (x, top + 66 - 0.5 * letters.step), card.initials, "#FFFFFF")
    y = _text(draw, (MARGIN + 164, top + 14), card.name, face.at(46, bold=True), _INK, inner - 164)
    y = _text(draw, (MARGIN + 164, y + 8), card.people, face.at(24), _MUTED, inner - 164)
    y = max(y, top + 132) + 22
    draw.line((MARGIN, y, WIDTH - MARGIN, y), fill=color, width=4)
    y = _text(draw, (MARGIN, y + 22), card.line, face.at(29), _INK, inner) + 22

    cell = (inner - 3 * 18) // 4
    tallest = y
    for i, item in enumerate(card.metrics):
        x = MARGIN + i * (cell + 18)
        draw.rounded_rectangle((x, y, x + cell, y + 132), radius=10, fill=_PAPER)
        _text(draw, (x + 16, y + 10), item.label, face.at(20), _MUTED, cell - 24)
        _text(draw, (x + 16, y + 40), item.value, face.at(36, bold=True), _INK, cell - 24)
        tallest = max(tallest, _text(draw, (x + 16, y + 92), item.note, face.at(19), _MUTED, cell - 24))
    y = max(y + 132, tallest) + 34

    left, gap = 500, 50
    right_x, right = MARGIN + left + gap, inner - left - gap
    y_left = _heading(draw, (MARGIN, y), _("What sets them apart"), face, left)
    if _is_drawn(result, card):
        spec = traits(result, card.label, names, _)
        bars = Image.open(io.BytesIO(chart_png(spec, face, left / CHART_WIDTH)))
        picture.paste(bars, (MARGIN, y_left))
        y_left += bars.height + 6
    y_left = _text(draw, (MARGIN, y_left), traits_note(result, _), face.at(18), _MUTED, left) + 26
    if card.shown_quotes or card.unquoted:
        y_left = _heading(draw, (MARGIN, y_left), _("In their words"), face, left)
    for quote in card.shown_quotes:
        start = y_left
        y_left = _text(draw, (MARGIN + 20, y_left), quote.text, face.at(23), _INK, left - 20)
        y_left = _text(draw, (MARGIN + 20, y_left + 4), quote.about, face.at(18), _MUTED, left - 20)
        draw.line((MARGIN + 4, start + 4, MARGIN + 4, y_left), fill=_HAIR, width=5)
        y_left += 16
    if card.unquoted:
        y_left = _text(draw, (MARGIN, y_left), card.unquoted, face.at(21), _MUTED, left) + 16

    y_left = _heading(draw, (MARGIN, y_left), _("Alike"), face, left)
    y_left = _text(draw, (MARGIN, y_left), card.similar, face.at(23), _INK, left)

    y_right = y
    for title, said, own in _sections(card):
        y_right = _heading(draw, (right_x, y_right), title, face, right)
        if own:
            start = y_right
            y_right = _text(draw, (right_x + 20, y_right), own, face.at(23), _INK, right - 20)
            draw.line((right_x + 4, start + 4, right_x + 4, y_right), fill=color, width=5)
            y_right += 6
        y_right = _text(draw, (right_x, y_right), said, face.at(23), _INK, right) + 20

    small = face.at(18)
    lines = [*wrap(_evidence(card, _), small, inner), *wrap(_made(result, _), small, inner)]
    foot = max(max(y_left, y_right) + 24, HEIGHT - MARGIN - 27 * len(lines) - 14)
    draw.line((MARGIN, foot, WIDTH - MARGIN, foot), fill=_HAIR, width=2)
    for i, line in enumerate(lines):
        small.write(draw, (MARGIN, foot + 14 + 27 * i), line, _MUTED)
    return int(foot + 14 + 27 * len(lines) + MARGIN)


def _heading(draw: Any, place: tuple[int, int], title: str, face: Typeface, width: int) -> int:
    return _text(draw, place, title, face.at(20, bold=True), _MUTED, width) + 4


def _text(draw: Any, place: tuple[int, int], text: str, pen: Pen, color: str, width: int) -> int:
    """Write a text in lines of at most ``width`` pixels; returns where the next may begin."""
    x, y = place
    for line in wrap(text, pen, width) if text else []:
        pen.write(draw, (x, y), line, color)
        y += pen.step
    return y


_NO_START = "，。、；：！？）」』”’》〉…·,.;:!?)%"
_NO_END = "（「『“‘《〈("
_PIECE = re.compile(r"[\u2e80-\u9fff\uf900-\ufaff\uff00-\uffef]|[^\s\u2e80-\u9fff\uf900-\ufaff\uff00-\uffef]+|\s+")


def wrap(text: str, pen: Pen, width: int) -> list[str]:
    """Lines of at most ``width`` pixels: broken between words and between Han characters, none begun by a stop or ended
    by a bracket that opens."""
    lines, line = [], ""
    for piece in _PIECE.findall(" ".join(text.split())):
        if not line or pen.getlength(line + piece) <= width or piece[0] in _NO_START:
            line += piece if line else piece.lstrip()
        else:
            kept = line.rstrip()
            while len(kept) > 1 and kept[-1] in _NO_END:
                piece, kept = kept[-1] + piece.lstrip(), kept[:-1]
            lines.append(kept.rstrip())
            line = piece.lstrip()
        while pen.getlength(line) > width and len(line) > 1 and line[-1] not in _NO_START:
            cut = next(i for i in range(len(line) - 1, 0, -1) if pen.getlength(line[:i]) <= width or i == 1)
            lines.append(line[:cut])
            line = line[cut:]
    return [*lines, line.rstrip()] if line.strip() else lines
