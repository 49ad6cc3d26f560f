"""Which encoding a text file is in, and its text as UTF-8 bytes.

Order: byte-order mark, NUL bytes (UTF-16), strict UTF-8, then GB18030 against Big5-HKSCS by the share of common
characters, at last Windows Latin (cp1252). A doubtful choice says so, so that a person can look at a few rows.
"""

from __future__ import annotations

import codecs
from dataclasses import dataclass
from functools import cache

from analytics.errors import AnalysisError, Caveat

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_SAMPLE = 200_000
_LOST_SHARE = 0.1  # of characters: with more damaged it is no text
_CLEAR_SHARE = 0.75  # of non-ASCII characters that are common ones; wrong decodings measured below .65
_FREQUENT = frozenset(
    "的一是不了人在有我他这中大来上个国到说们为子和你地出道也时年得就那要下以生会自着去之过家学对可里后小么心多天而能好都然没日于"
    "起还发成事只作当想看文无开手十用主行方又如前所本见经头面公同三已老从动两长日期订单商品数量金额价格客户会员姓名电话地址城市"
    "這來個國說們為時會對裡後麼沒於還發當無開經頭從動兩長訂單數額價戶員電話"
    "，。、：；！？（）「」《》“”　－０１２３４５６７８９￥"
)


@dataclass(frozen=True, slots=True)
class DecodedText:
    """``data`` is UTF-8 without a mark; ``encoding`` is the codec that was used."""

    data: bytes
    encoding: str
    caveats: tuple[Caveat, ...] = ()


def decode(data: bytes, encoding: str = "auto") -> DecodedText:
    """The text of ``data`` as UTF-8.

    Raises ``AnalysisError``: ``encoding_wrong`` when the encoding that a person chose does not fit,
    ``encoding_unknown`` when no such encoding exists, ``not_a_table`` when the bytes are no text at all.
    """
    if encoding != "auto":
        return _as_told(data, encoding)
    for mark, codec in _MARKS:
        if data.startswith(mark):
            return _marked(data, codec)
    if b"\0" in data[:_SAMPLE]:
        return _utf16_without_mark(data)
    if _control_share(data[:_SAMPLE]) > 0.002:
        raise AnalysisError("not_a_table", kind="binary")
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return _legacy(data)
    return DecodedText(data, "utf-8")


def _marked(data: bytes, codec: str) -> DecodedText:
    """A mark says what the text is; damaged characters behind it are replaced and counted."""
    try:
        return DecodedText(_recode(data, codec), codec)
    except UnicodeDecodeError:
        if codec == "utf-8-sig":
            return _legacy(data.removeprefix(codecs.BOM_UTF8))
    text = data.decode(codec, "replace").removeprefix("\ufeff")
    n_lost = text.count("\ufffd")
    if n_lost > _LOST_SHARE * len(text) or "\0" in text[:_SAMPLE]:
        raise AnalysisError("not_a_table", kind="binary")
    return DecodedText(text.encode("utf-8", "replace"), codec, (Caveat("bytes_replaced", params={"n": n_lost}),))


def _as_told(data: bytes, encoding: str) -> DecodedText:
    try:
        codec = codecs.lookup(encoding).name
        if codec == "utf-8" and data.startswith(codecs.BOM_UTF8):
            codec = "utf-8-sig"
        return DecodedText(_recode(data, codec), encoding)
    except UnicodeError as problem:
        position = problem.start if isinstance(problem, UnicodeDecodeError) else 0
        raise AnalysisError("encoding_wrong", encoding=encoding[:40], position=position) from problem
    except (LookupError, ValueError) as problem:  # no such codec, or one that is not for text
        raise AnalysisError("encoding_unknown", encoding=encoding[:40]) from problem


def _recode(data: bytes, codec: str) -> bytes:
    if codec == "utf-8-sig":
        body = data.removeprefix(codecs.BOM_UTF8)
        body.decode("utf-8")
        return body
    return data.decode(codec).removeprefix("\ufeff").encode("utf-8", "replace")


def _control_share(sample: bytes) -> float:
    controls = bytes(i for i in range(32) if i not in (9, 10, 11, 12, 13, 26, 27))
    return 1 - len(sample.translate(None, controls)) / len(sample) if sample else 0.0


def _utf16_without_mark(data: bytes) -> DecodedText:
    even, odd = data[0:_SAMPLE:2].count(0), data[1:_SAMPLE:2].count(0)
    codec = "utf-16-le" if odd > even else "utf-16-be"
    try:
        text = data[: len(data) // 2 * 2].decode(codec)
    except UnicodeDecodeError as problem:
        raise AnalysisError("not_a_table", kind="binary") from problem
    sample = text[:_SAMPLE].encode("utf-8", "replace")
    if min(even, odd) > max(even, odd) / 4 or _control_share(sample) > 0.002 or b"\0" in sample:
        raise AnalysisError("not_a_table", kind="binary")
    return DecodedText(text.encode("utf-8", "replace"), codec)


def _legacy(data: bytes) -> DecodedText:
    repaired = data.decode("utf-8", "replace")
    n_bad = repaired.count("\ufffd")
    n_good = sum(map(len, repaired[:_SAMPLE].encode("ascii", "ignore").splitlines()))
    n_other = len(repaired[:_SAMPLE]) - n_good - repaired[:_SAMPLE].count("\n")
    if n_other > 20 * n_bad:
        # A few damaged bytes in what is clearly UTF-8: keep every row and say how many characters are lost.
        return DecodedText(repaired.encode(), "utf-8", (Caveat("bytes_replaced", params={"n": n_bad}),))

    sample = _whole_lines(data)
    scores = {codec: _common_share(sample, codec) for codec in ("gb18030", "big5hkscs")}
    codec = max(scores, key=lambda name: scores[name])
    margin = abs(scores["gb18030"] - scores["big5hkscs"])
    if scores[codec] >= 0.5:
        text = data.decode(codec, "replace")
        caveats = []
        if scores[codec] < _CLEAR_SHARE or margin < 0.08:
            caveats.append(Caveat("encoding_unclear", params={"encoding": codec}))
        n_lost = text.count("\ufffd")
        if n_lost:
            caveats.append(Caveat("bytes_replaced", params={"n": n_lost}))
        return DecodedText(text.encode(), codec, tuple(caveats))

    text = data.decode("cp1252", "replace")
    n_lost = text.count("\ufffd")
    unclear = _letters_share(text[:_SAMPLE]) < 0.6 or n_lost
    caveats = [Caveat("encoding_unclear", params={"encoding": "cp1252"})] if unclear else []
    if n_lost:
        caveats.append(Caveat("bytes_replaced", params={"n": n_lost}))
    return DecodedText(text.encode(), "cp1252", tuple(caveats))


def _whole_lines(data: bytes) -> bytes:
    """Lines with bytes above ASCII, so that headers in English do not fill the sample."""
    lines, size = [], 0
    for line in data[: 20 * _SAMPLE].splitlines():
        if not line.isascii():
            lines.append(line)
            size += len(line)
            if size > _SAMPLE:
                break
    return b"\n".join(lines)


def _common_share(sample: bytes, codec: str) -> float:
    """Share of characters above ASCII that are common in ``codec``; frequent ones count fully, the others by half."""
    text = sample.decode(codec, "replace")
    found = [character for character in text if character > "\x7f"]
    if not found:
        return 0.0
    common = _common_characters(codec)
    hits = sum(1.0 if c in _FREQUENT else 0.85 if c in common else -1.0 if c == "\ufffd" else 0.0 for c in found)
    return hits / len(found)


@cache
def _common_characters(codec: str) -> frozenset[str]:
    """The first level of the national standard: the characters that it lists as common."""
    if codec == "gb18030":
        pairs = [(lead, trail) for lead in range(0xB0, 0xD8) for trail in range(0xA1, 0xFF)]
    else:
        trails = [*range(0x40, 0x7F), *range(0xA1, 0xFF)]
        pairs = [(lead, trail) for lead in range(0xA4, 0xC7) for trail in trails]
    return frozenset(bytes(pair).decode(codec, "ignore") for pair in pairs)


def _letters_share(text: str) -> float:
    found = [character for character in text if character > "\x7f"]
    plausible = sum(character.isalpha() or character in "€£¥°–—‘’“”…®™©½¼«»\xa0" for character in found)
    return plausible / len(found) if found else 1.0
