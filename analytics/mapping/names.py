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
_ENGLISH = {
    "acct": "account", "amt": "amount", "cat": "category", "cd": "code", "chan": "channel", "chnl": "channel",
    "cmt": "comment", "ctry": "country", "curr": "currency", "cust": "customer", "desc": "description",
    "disc": "discount", "doc": "document", "dt": "date", "dur": "duration", "evt": "event", "gend": "gender",
    "grp": "group", "inv": "invoice", "lang": "language", "mbr": "member", "memb": "member", "mins": "minutes",
    "msg": "message", "nbr": "no", "nr": "no", "num": "no", "ord": "order", "pct": "percent", "pmt": "payment",
    "prod": "product", "pymt": "payment", "qty": "quantity", "reg": "registration", "resp": "response",
    "rev": "revenue", "rsn": "reason", "sec": "seconds", "secs": "seconds", "src": "source", "tm": "time",
    "tot": "total", "trx": "transaction", "ts": "timestamp", "txn": "transaction", "usr": "user",
    "wk": "week", "yr": "year",
}  # fmt: skip
# What may follow a word without changing what the heading is about, by the field's role; "" for every role.
_TAILS: dict[str, str] = {
    "": "of for in at on by per from to with local new",
    "id": "id ids no number code ref reference key value 编号 编码 代码 代号 号 号码 码 序号",
    "time": "date time datetime timestamp day utc gmt 时间 日期 日 时",
    "amount": "usd eur gbp twd ntd cny rmb hkd jpy total value paid due 元 总额 总计 合计",
    "quantity": "sold ordered purchased pieces pcs units total seconds s value kwh mwh mw gw kw kg t l km "
    "总数 合计 个 件 秒",
    "category": "name type code description desc 名称 名 类型 类别 别 代码 描述 明细",
    "text": "text content name 内容 全文",
    "flag": "flag y n yes no offers news 与否 标志 标识",
    "score": "value points score stars percent rate 值 分",
}
# What makes of a field's word another thing, by the field's role; "" for every role.
_OTHERS: dict[str, str] = {
    "": "average avg mean last latest recent previous cumulative lifetime estimated expected planned target "
    "平均 月均 年均 日均 最近 最后 上次 上一次 累计 累积 预计 历史",
    "id": "tracking delivery shipping courier agent staff employee session device payment parent "
    "快递 物流 运单 坐席 客服 员工 店员 设备 会话 父",
    "time": "due delivery delivered ship shipped shipping arrival expiry expiration updated modified dispatch "
    "handle handling talk response wait waiting hold queue processing "
    "发货 到货 到期 更新 修改 截止 送达 收货 承诺 交货 出货",
    "amount": "refund refunded tax vat shipping freight delivery fee commission tip balance points "
    "退款 退货 运费 邮费 税 佣金 手续费 余额 积分 提成 定金 押金",
    "text": "reply response developer seller merchant 回复 回覆 追评",
}
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


def spelled_out(heading: str) -> str:
    """A normal form with English abbreviations written out; "date paid" and "date of payment" end with "date" too."""
    words = [_ENGLISH.get(word, word) for word in heading.split()]
    if len(words) > 1 and words[0] in ("date", "time") and words[-1].endswith(("ed", "paid", "sold", "sent")):
        words = [*words[-1:], *words[:-1]]
    if len(words) > 2 and words[:2] == ["date", "of"]:
        words = [*words[2:], "date"]
    return " ".join(words)


@cache
def _tails(role: str) -> frozenset[str]:
    return frozenset(f"{_TAILS['']} {_TAILS.get(role, '')}".split())


def is_about(whole: Phrase, part: Phrase, role: str) -> bool:
    """Whether ``part`` is what the heading ``whole`` is about, not only said of something else in it.

    English and Chinese compounds end with what they are about: "customer email" is no customer, 商品总价 no product.
    What follows ``part`` may only be a preposition, a word that goes without saying for the field's ``role``, a
    number, or the same again in the other script.
    """
    if part.chinese:
        after = whole.compact.rpartition(part.compact)[2]
        return not after or not _CJK.search(after) or after in _tails(role)
    words = whole.padded.rpartition(f" {part.text} ")[2].split()
    if not words or words[0] in _tails(""):
        return True
    return all(word in _tails(role) or word.isdecimal() or _CJK.search(word) for word in words)


@cache
def _others(role: str) -> tuple[Phrase, ...]:
    return tuple(phrase(word) for word in f"{_OTHERS['']} {_OTHERS.get(role, '')}".split())


def is_changed(whole: Phrase, part: Phrase, role: str) -> bool:
    """Whether the heading ``whole`` says of ``part`` what makes it another thing: a refunded amount, the last date."""
    return any(
        (word.text in whole.compact if word.chinese else word.text in whole.parts)
        and (word.text not in part.compact if word.chinese else word.text not in part.parts)
        for word in _others(role)
    )


def likeness(heading: str, words: tuple[str, ...], role: str) -> tuple[float, str, str]:
    """How alike a heading is to the likest of the ``words`` of a field with this ``role`` (0-1), why, and to which.

    Why: "exact", "contains", "similar" (rapidfuzz's ratio of at least ``SIMILAR``) or "none". Both in normal form.
    """
    written, spelled = _likeness(heading, words, role), spelled_out(heading)
    return written if spelled == heading else max(written, _likeness(spelled, words, role), key=lambda found: found[0])


@dataclass(frozen=True, slots=True)
class _Index:
    """A field's words by what they are without blanks, and by each part, so that few have to be compared."""

    exact: dict[str, int]
    by_part: dict[str, tuple[int, ...]]


@cache
def _index(words: tuple[str, ...]) -> _Index:
    exact: dict[str, int] = {}
    by_part: dict[str, list[int]] = {}
    for rank, word in enumerate(words):
        exact.setdefault(phrase(word).compact, rank)
        for part in phrase(word).parts:
            by_part.setdefault(part, []).append(rank)
    return _Index(exact, {part: tuple(ranks) for part, ranks in by_part.items()})


def _likeness(heading: str, words: tuple[str, ...], role: str) -> tuple[float, str, str]:
    own, index = phrase(heading), _index(words)
    best, reason, by = 0.0, "none", ""
    if not own.compact:
        return best, reason, by
    if own.compact in index.exact:
        rank = index.exact[own.compact]
        # A field's first words say it more surely than a general "date" or "name" at the list's end.
        return 0.97 - 0.001 * min(rank, 100), "exact", words[rank]
    halves = _two_scripts(own)
    if halves and all(half in index.exact for half in halves):
        return 0.95, "exact", words[index.exact[halves[0]]]
    for rank in sorted({rank for part in own.parts for rank in index.by_part.get(part, ())}):
        other = phrase(words[rank])
        if contains(own, other):
            alike = 0.55 + 0.35 * len(other.compact) / len(own.compact)
            alike *= 1.0 if is_about(own, other, role) and not is_changed(own, other, role) else 0.5
        elif len(other.compact) >= 4 and len(own.compact) >= 2 and contains(other, own):
            alike = 0.25 + 0.35 * len(own.compact) / len(other.compact)
            alike *= 1.0 if is_about(other, own, role) else 0.7
        else:
            continue
        if alike > best:
            best, reason, by = alike, "contains", words[rank]
    if len(own.compact) >= 3:
        from rapidfuzz.fuzz import ratio
        from rapidfuzz.process import extractOne

        near = extractOne(own.compact, _compact(words), scorer=ratio, score_cutoff=SIMILAR)
        if near is not None and len(near[0]) >= 3 and _word_by_word(own, phrase(words[near[2]]), role):
            alike = 0.5 + 0.4 * (near[1] - SIMILAR) / (100 - SIMILAR)
            if alike > best:
                best, reason, by = alike, "similar", words[near[2]]
    return best, reason, by


def _two_scripts(own: Phrase) -> tuple[str, ...]:
    """The two halves of a heading that may say the same in Latin letters and in Chinese; () for one script."""
    halves = "".join(_CJK.sub("", own.padded).split()), "".join(_CJK.findall(own.padded))
    return halves if all(halves) else ()


def _word_by_word(own: Phrase, known: Phrase, role: str) -> bool:
    """No word is replaced or added: "custmer id" is written wrong, but "customer city" is not "customer id"."""
    from rapidfuzz.fuzz import ratio

    if contains(own, known):
        return is_about(own, known, role) and not is_changed(own, known, role)
    if known.chinese:
        return ratio(own.compact, known.compact) >= 88  # one character more or less makes another word
    words, others = own.text.split(), known.text.split()
    if len(words) != len(others):
        return ratio(own.compact, known.compact) >= 90  # a blank too many or too few, not another word
    return all(ratio(a, b) >= SIMILAR and not _derived(a, b) for a, b in zip(words, others, strict=True))


def _derived(a: str, b: str) -> bool:
    """Whether one word is the other with an ending that makes it a word of its own: review and reviewer."""
    short, long = sorted((a, b), key=len)
    return long.startswith(short) and long[len(short) :] not in ("", "s", "es")
