"""Translation and number formats for one language.

Text is marked for translation by calling a ``Words`` object named ``_`` with the English source::

    _("{n} customers bring {share} of revenue", n=120, share=_.percent(0.41))

and code words by ``N_`` in ``analytics.i18n.phrases``. Placeholders are plain names. Integers are written with
thousands separators, dates in the language's form; format other numbers explicitly.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Literal, get_args

from babel.messages.pofile import read_po

from analytics.i18n import phrases

Language = Literal["en", "zh_CN", "zh_TW"]
LANGUAGES: tuple[Language, ...] = get_args(Language)
CATALOGUES = Path(__file__).parent / "catalogues"
LESSONS = Path(__file__).parent / "lessons"

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_TEN_THOUSAND = {"zh_CN": "万", "zh_TW": "萬"}
_HUNDRED_MILLION = {"zh_CN": "亿", "zh_TW": "億"}
_SYMBOLS = {"TWD": "NT$", "USD": "US$", "CNY": "CN¥", "HKD": "HK$", "GBP": "£", "EUR": "€", "JPY": "JP¥"}
# Plain names only: str.format would follow attributes from a translation into objects.
_PLACEHOLDER = re.compile(r"\{([a-z_]+)\}")
_MARKDOWN = re.compile(r"([\\`*_{}\[\]()#+\-.!|~>:$<])")
# What stands as it is (an escaped character, the opening of a coloured text), or what could open a link or an element.
_LINKING = re.compile(
    r"(\\.|(?<!:):(?:small|(?:red|orange|yellow|green|blue|violet|gray|grey|rainbow|primary)(?:-background|-badge)?)\[)"
    r"|(\[|(?<=\])\(|<(?=[A-Za-z/!?])|:(?=//)|(?<=[Ww]{3})\.|@)",
    re.DOTALL,
)


class Words:
    """Words and number formats of one language; see the module's docstring."""

    def __init__(self, language: Language, catalogue: Mapping[str, str], phrase_book: Mapping[str, str]) -> None:
        self.language: Language = language
        self._catalogue = catalogue
        self._phrases = phrase_book

    def __call__(self, message: str, /, **params: object) -> str:
        """``message`` in this language, its placeholders filled."""
        return self._fill(self._catalogue.get(message) or message, params)

    def ngettext(self, singular: str, plural: str, n: int, /, **params: object) -> str:
        """``singular`` or ``plural`` by ``n``, which is also the placeholder ``{n}``."""
        source = singular if n == 1 else plural
        # Chinese has one form: its catalogue holds it under the plural's source too.
        return self._fill(self._catalogue.get(source) or source, {"n": n, **params})

    def phrase(self, code: str, /, **params: object) -> str:
        """The words for a code of ``analytics.i18n.phrases``; the code itself when it has none."""
        source = self._phrases.get(code)
        return code if source is None else self(source, **params)

    def has_phrase(self, code: str) -> bool:
        return code in self._phrases

    def label(self, kind: str, value: str, /) -> str:
        """A code's label, or the value itself when it is a person's own word (``label("field", "recency_days")``).

        A column of a trait with several, "category_mix: Groceries", is named by its trait and its level.
        """
        code = f"{kind}.{value}"
        if code in self._phrases:
            return self.phrase(code)
        trait, mark, level = value.partition(": ")
        if kind != "field" or not mark or f"field.{trait}" not in self._phrases:
            return value
        named = level or self.phrase("field.of_trait.rest")
        return self.phrase("field.of_trait", trait=self.phrase(f"field.{trait}"), level=named)

    def number(self, value: float | None, digits: int = 0) -> str:
        """``12,480`` or ``0.86``; an en dash for nothing."""
        if value is None or not math.isfinite(value):
            return "–"
        return f"{value:,.{digits}f}".replace("-", "−") if round(value, digits) else f"{0:.{digits}f}"

    def signed(self, value: float, digits: int = 0) -> str:
        """With + or −, for changes."""
        return ("+" if value > 0 else "") + self.number(value, digits)

    def percent(self, share: float | None, digits: int = 0) -> str:
        """A share (0-1) as a percentage: no decimal in sentences, one in tables."""
        return "–" if share is None or not math.isfinite(share) else f"{self.number(share * 100, digits)}%"

    def symbol(self, currency: str) -> str:
        return _SYMBOLS.get(currency, f"{currency} " if currency else "")

    def money(self, value: float | None, currency: str = "", digits: int | None = None) -> str:
        """An amount in whole currency units with its symbol: large without decimals, small with two."""
        if value is None or not math.isfinite(value):
            return "–"
        if digits is None:
            digits = 0 if abs(value) >= 100 or float(value).is_integer() else 2
        sign = "−" if round(value, digits) < 0 else ""
        return f"{sign}{self.symbol(currency)}{self.number(abs(value), digits)}"

    def compact(self, value: float | None, currency: str = "") -> str:
        """A large number in three or four digits: ``NT$38.4M``; ``NT$3,840 万`` in Chinese."""
        if value is None or not math.isfinite(value):
            return "–"
        sign = "−" if value < 0 else ""
        scaled, unit = self._scale(abs(value))
        digits = 0 if scaled >= 100 or (not unit and float(scaled).is_integer()) else 1
        space = " " if unit and self.language != "en" else ""
        return f"{sign}{self.symbol(currency)}{scaled:,.{digits}f}{space}{unit}"

    def compact_unit(self, value: float) -> tuple[float, str]:
        """Divisor and Chinese unit for a metric whose unit goes into its label: (10000.0, "萬")."""
        if self.language == "en":
            return 1.0, ""
        if abs(value) >= 1e8:
            return 1e8, _HUNDRED_MILLION[self.language]
        return (1e4, _TEN_THOUSAND[self.language]) if abs(value) >= 1e5 else (1.0, "")

    def _scale(self, value: float) -> tuple[float, str]:
        if self.language == "en":
            for limit, unit in ((1e9, "B"), (1e6, "M"), (1e3, "k")):
                if value >= limit * (10 if unit == "k" else 1):
                    return value / limit, unit
            return value, ""
        divisor, unit = self.compact_unit(value)
        return value / divisor, unit

    def span(self, low: str, high: str) -> str:
        """A range: ``9.0–9.8``."""
        return f"{low}–{high}"

    def day(self, day: date | None) -> str:
        """``30 Jun 2026`` or ``2026/6/30``."""
        if day is None:
            return "–"
        if self.language == "en":
            return f"{day.day} {_MONTHS[day.month - 1]} {day.year}"
        return f"{day.year}/{day.month}/{day.day}"

    def month(self, day: date) -> str:
        """``Jun 26`` or ``2026/6``."""
        if self.language == "en":
            return f"{_MONTHS[day.month - 1]} {day.year % 100:02d}"
        return f"{day.year}/{day.month}"

    def listing(self, items: Iterable[str]) -> str:
        """``a, b, c`` or ``a、b、c``."""
        return (", " if self.language == "en" else "、").join(items)

    def quote(self, text: str) -> str:
        """Quotation marks of the language."""
        left, right = ("「", "」") if self.language == "zh_TW" else ("“", "”")
        return f"{left}{text}{right}"

    @property
    def html_language(self) -> str:
        """The document language by which a browser chooses its Chinese glyphs."""
        return {"en": "en", "zh_CN": "zh-Hans-CN", "zh_TW": "zh-Hant-TW"}[self.language]

    def lesson(self, name: str) -> str:
        """The Markdown lesson of a step."""
        return (LESSONS / self.language / f"{name}.md").read_text(encoding="utf-8")

    def _fill(self, text: str, params: Mapping[str, object]) -> str:
        return _PLACEHOLDER.sub(lambda match: self._show(params[match[1]]) if match[1] in params else match[0], text)

    def _show(self, value: object) -> str:
        match value:
            case None:
                return "–"
            case str():
                return value
            case bool():
                return str(value)
            case int():
                return self.number(value)
            case float():
                return self.number(value, 0 if abs(value) >= 100 or value.is_integer() else 2)
            case datetime():
                return f"{self.day(value.date())} {value:%H:%M}"
            case date():
                return self.day(value)
            case _:
                return str(value)


def escape_markdown(text: str) -> str:
    """A person's own text (names, products, reviews) made harmless inside Markdown: no link, image, HTML or maths."""
    return _MARKDOWN.sub(r"\\\1", text.replace("\n", " "))


def unlinked(text: str) -> str:
    """Markdown of our own making in which no link, image or HTML is left, whatever somebody's text brought into it.

    A second sieve: a person's text goes through ``escape_markdown`` where it joins the sentence.
    """
    return _LINKING.sub(lambda found: found[1] or "\\" + found[2], text)


@cache
def words_for(language: Language) -> Words:
    """The one ``Words`` of a language, its catalogue read once per process."""
    catalogue: dict[str, str] = {}
    path = CATALOGUES / f"{language}.po"
    if language != "en" and path.exists():
        with path.open("rb") as file:
            for message in read_po(file, locale=language):
                if not message.id or not message.string or message.fuzzy:
                    continue
                if isinstance(message.id, tuple | list):
                    form = message.string[0] if isinstance(message.string, tuple | list) else message.string
                    catalogue |= dict.fromkeys(message.id, form)
                else:
                    catalogue[message.id] = str(message.string)
    return Words(language, catalogue, phrases.load())
