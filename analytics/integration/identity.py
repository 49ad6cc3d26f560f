"""What identifies a person, written one way: e-mail addresses, phones, names and places as comparable keys."""

from __future__ import annotations

import re
import unicodedata
from functools import cache, lru_cache
from typing import Any

import polars as pl

_TAGLESS = frozenset({"gmail.com", "googlemail.com"})  # dots and +tags of the local part mean nothing there
_HAN = re.compile(r"[\u3400-\u9fff]")
_TITLES = frozenset(["mr", "mrs", "ms", "miss", "dr", "prof", "sir", "jr", "sr"])
_CALLING_CODES = {"TW": "886", "CN": "86", "HK": "852", "US": "1", "CA": "1", "GB": "44", "MO": "853"}
_NATIONAL = (  # (calling code, form of a number as it is written inside the country, without its leading 0)
    ("886", re.compile(r"0(9\d{8}|[2-8]\d{7,8})")),
    ("86", re.compile(r"(1[3-9]\d{9})|0([1-9]\d{1,2}\d{7,8})")),
    ("852", re.compile(r"([2-9]\d{7})")),
    ("1", re.compile(r"1?([2-9]\d{2}[2-9]\d{6})")),
)
_SHORTEST_PHONE = 6
_IDENTITY = ("email", "phone", "name", "birth_year", "city")


@cache
def _to_simplified() -> Any:
    from opencc import OpenCC

    return OpenCC("t2s")


@lru_cache(maxsize=30_000)
def _simple(character: str) -> str:
    return str(_to_simplified().convert(character))


def _folded(text: str) -> str:
    """One width, one script, one case."""
    plain = unicodedata.normalize("NFKC", text).strip().casefold()
    return "".join(map(_simple, plain)) if _HAN.search(plain) else plain


def email_key(text: str) -> str | None:
    """The address that mail of ``text`` goes to; None where it is no address."""
    local, at, domain = unicodedata.normalize("NFKC", text).strip().casefold().rpartition("@")
    local = local.partition("+")[0]
    if domain in _TAGLESS:
        local, domain = local.replace(".", ""), "gmail.com"
    return f"{local}@{domain}" if at and local and "." in domain else None


def phone_key(text: str, country: str | None = None) -> str | None:
    """Calling code and national number: ``0912 345 678`` of TW, ``+886-912-345-678`` and ``00886912345678`` are one.

    The forms of TW, CN, HK and US are known; ``country`` (ISO code) settles which is meant, else the first that fits
    in that order. None where there are fewer than six digits or only one digit repeated.
    """
    plain = unicodedata.normalize("NFKC", text).strip()
    digits = re.sub(r"\D", "", plain)
    if len(digits) < _SHORTEST_PHONE or len(set(digits)) == 1:
        return None
    abroad = plain.lstrip("( ").startswith("+") or digits.startswith("00")
    if abroad:
        digits = digits.removeprefix("00")
        for code in sorted(set(_CALLING_CODES.values()), key=len, reverse=True):
            if digits.startswith(code):
                national = digits.removeprefix(code)
                return code + (national.removeprefix("0") if re.match(r"0[1-9]", national) else national)
        return digits
    own = _CALLING_CODES.get((country or "").strip().upper(), "")
    for code, form in sorted(_NATIONAL, key=lambda item: item[0] != own):
        found = form.fullmatch(digits)
        if found:
            return code + next(group for group in found.groups() if group)
    if own and digits.startswith(own) and len(digits) > 9:
        return digits
    return own + digits.removeprefix("0")


def name_words(text: str) -> tuple[str, ...]:
    """The parts of a name as written, titles left out; hyphens and apostrophes join (``Yi-Chen`` is one part)."""
    joined = re.sub(r"[-'’‐·•.]", lambda found: " " if found[0] == "." else "", _folded(text))
    return tuple(word for word in re.findall(r"\w+", joined) if word not in _TITLES)


def name_key(text: str) -> str | None:
    """A name whatever the order of its parts: the sorted characters of a Chinese name, the sorted parts of another."""
    words = name_words(text)
    if not words:
        return None
    whole = "".join(words)
    return "".join(sorted(whole)) if _HAN.search(whole) else " ".join(sorted(words))


def people(customers: pl.DataFrame) -> pl.DataFrame:
    """One row per customer with an id, ordered by what identifies it and then by id.

    Returns
    -------
    customer_id; email, phone, name, city (String), birth_year (Int64): comparable keys, null where not given;
    email_loose (address with a local part of letters and digits only), written (name in the order written),
    turned (name with its last part first), initials (first letters of the parts, sorted; of a Chinese name its first
    character).
    """
    frame = customers.filter(pl.col("customer_id").is_not_null()).unique("customer_id", keep="first")
    texts = {name: _text(frame, name) for name in ("email", "phone", "name", "city", "country")}
    words = [name_words(text) if text else () for text in texts["name"]]
    emails = [email_key(text) if text else None for text in texts["email"]]
    both = zip(texts["phone"], texts["country"], strict=True)
    phones = [phone_key(text, country) if text else None for text, country in both]
    keyed = pl.DataFrame(
        {
            "customer_id": frame["customer_id"].cast(pl.String),
            "email": pl.Series(emails, dtype=pl.String),
            "phone": pl.Series(phones, dtype=pl.String),
            "name": pl.Series([name_key(text) if text else None for text in texts["name"]], dtype=pl.String),
            "birth_year": frame["birth_year"].cast(pl.Int64)
            if "birth_year" in frame.columns
            else pl.Series([None] * frame.height, dtype=pl.Int64),
            "city": pl.Series([_folded(text) or None if text else None for text in texts["city"]], dtype=pl.String),
            "email_loose": pl.Series([_loose(email) for email in emails], dtype=pl.String),
            "written": pl.Series([" ".join(part) or None for part in words], dtype=pl.String),
            "turned": pl.Series([" ".join((*part[-1:], *part[:-1])) or None for part in words], dtype=pl.String),
            "initials": pl.Series([_initials(part) for part in words], dtype=pl.String),
        }
    )
    return keyed.sort(*_IDENTITY, "customer_id", nulls_last=True)


def _loose(email: str | None) -> str | None:
    if email is None:
        return None
    local, _, domain = email.rpartition("@")
    plain = re.sub(r"[\W_]", "", local)
    return f"{plain}@{domain}" if plain else None


def _initials(words: tuple[str, ...]) -> str | None:
    if not words:
        return None
    return words[0][0] if _HAN.search(words[0]) else "".join(sorted(word[0] for word in words))


def _text(frame: pl.DataFrame, name: str) -> list[str | None]:
    if name not in frame.columns:
        return [None] * frame.height
    return frame[name].cast(pl.String).to_list()
