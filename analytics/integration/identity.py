"""What identifies a person, written one way: e-mail addresses, phones, names and places as comparable keys."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Callable
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
_LONGEST_FIRST = tuple(sorted(set(_CALLING_CODES.values()), key=len, reverse=True))
_SHORTEST_PHONE = 6
CODE_LENGTH = 16  # hexadecimal digits of a record's code
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
        for code in _LONGEST_FIRST:
            if digits.startswith(code):
                national = digits.removeprefix(code)
                return code + (national.removeprefix("0") if re.match(r"0[1-9]", national) else national)
        return digits
    own = _CALLING_CODES.get((country or "").strip().upper(), "")
    for code, form in _own_first(own):
        found = form.fullmatch(digits)
        if found:
            return code + next(group for group in found.groups() if group)
    if own and digits.startswith(own) and len(digits) > 9:
        return digits
    return own + digits.removeprefix("0")


@cache
def _own_first(own: str) -> tuple[tuple[str, re.Pattern[str]], ...]:
    return tuple(sorted(_NATIONAL, key=lambda item: item[0] != own))


def name_words(text: str) -> tuple[str, ...]:
    """The parts of a name as written, titles left out; hyphens and apostrophes join (``Yi-Chen`` is one part)."""
    joined = re.sub(r"[-'’‐·•.]", lambda found: " " if found[0] == "." else "", _folded(text))
    return tuple(word for word in re.findall(r"\w+", joined) if word not in _TITLES)


def name_key(words: tuple[str, ...]) -> str | None:
    """A name whatever the order of its parts: the sorted characters of a Chinese name, the sorted parts of another."""
    whole = "".join(words)
    if not whole:
        return None
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
    given = {
        name: frame[name].cast(pl.String)
        if name in frame.columns
        else pl.Series(name, [None] * frame.height, pl.String)
        for name in ("email", "phone", "name", "city", "country")
    }
    called = given["phone"].to_frame().with_columns(given["country"])
    birth_year = frame["birth_year"] if "birth_year" in frame.columns else pl.Series([None] * frame.height)
    keyed = pl.DataFrame({"customer_id": frame["customer_id"].cast(pl.String), "birth_year": birth_year.cast(pl.Int64)})
    keyed = keyed.with_columns(
        _of_each(given["email"].to_frame(), email_key).alias("email"),
        _of_each(called, phone_key).alias("phone"),
        _of_each(given["city"].to_frame(), lambda text: _folded(text) or None).alias("city"),
    )
    forms = _of_each(given["name"].to_frame(), name_forms, pl.Struct(dict.fromkeys(_FORMS, pl.String)))
    keyed = keyed.hstack(forms.struct.unnest())
    local = pl.col("email").str.extract(r"^(.*)@")
    loose = pl.concat_str(local.str.replace_all(r"[\W_]", ""), pl.col("email").str.extract("(@[^@]*)$"))
    keyed = keyed.with_columns(email_loose=pl.when(loose.str.starts_with("@")).then(None).otherwise(loose))
    return keyed.sort(*_IDENTITY, "customer_id", nulls_last=True)


def record_codes(persons: pl.DataFrame) -> pl.Series:
    """A code for each row of ``people``: a digest (BLAKE2b) of all that identifies the record, its id included.

    Whoever does not have the record cannot find it from the code; a record that changed has another.
    """
    told = persons.select("customer_id", "email", "phone", "name", pl.col("birth_year").cast(pl.String))
    texts = told.select(pl.concat_str(pl.all().fill_null(""), separator="\x1f")).to_series()
    codes = [hashlib.blake2b(text.encode(), digest_size=CODE_LENGTH // 2).hexdigest() for text in texts]
    return pl.Series("code", codes, dtype=pl.String)


_FORMS = ("name", "written", "turned", "initials")


def name_forms(text: str) -> dict[str, str | None]:
    """The key of a name; the name as written; with its last part first; its parts' first letters, sorted."""
    words = name_words(text)
    written, turned = " ".join(words) or None, " ".join((*words[-1:], *words[:-1])) or None
    return dict(zip(_FORMS, (name_key(words), written, turned, _initials(words)), strict=True))


def _of_each(values: pl.DataFrame, make: Callable[..., Any], dtype: Any = pl.String) -> pl.Series:
    """``make`` of every row, called once for equal ones; null where the first value is empty."""
    distinct = values.unique().filter(pl.nth(0).str.len_bytes() > 0)
    made = pl.Series("made", [make(*row) for row in distinct.iter_rows()], dtype=dtype)
    joined = values.join(
        distinct.with_columns(made), on=values.columns, how="left", nulls_equal=True, maintain_order="left"
    )
    return joined["made"]


def _initials(words: tuple[str, ...]) -> str | None:
    if not words:
        return None
    return words[0][0] if _HAN.search(words[0]) else "".join(sorted(word[0] for word in words))
