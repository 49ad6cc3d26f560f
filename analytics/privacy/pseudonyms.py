"""Keyed pseudonyms in place of direct identifiers, the owner's way back, and the erasing of a customer.

A pseudonym is ``P-`` and 16 hexadecimal digits of HMAC-SHA256 under the session's secret (RFC 2104; truncation as in
NIST SP 800-107): equal values stay equal within a session, nobody without the secret can test a guess.
"""

from __future__ import annotations

import dataclasses
import hashlib
import hmac
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import polars as pl

from analytics.dataset import Dataset
from analytics.keys import derive_key, digest_frame
from analytics.privacy.detectors import DETECTORS
from analytics.privacy.scan import ID_FIELD, PrivacyScan, find, readable_text, scan
from analytics.privacy.spec import PrivacySpec
from analytics.quality import ValidationResult
from analytics.schema import TABLES

PREFIX = "P-"
LENGTH = 16
OWN_FIELDS = ("name", "email", "phone")  # what the owner gets back beside the id


@dataclass(frozen=True, slots=True)
class Secret:
    """The session's key. It never shows itself: not in a message, not in JSON. ``key`` is its fingerprint."""

    value: bytes = dataclasses.field(repr=False)

    @property
    def key(self) -> str:
        return hashlib.sha256(b"regulars-secret\0" + self.value).hexdigest()

    def sign(self, domain: str, text: str) -> str:
        """HMAC-SHA256 of a text under this secret, as hexadecimal; domains are kept apart."""
        return hmac.digest(self.value, f"{domain}\0{text}".encode(), "sha256").hex()


def pseudonymise(dataset: Dataset, found: PrivacyScan, spec: PrivacySpec, secret: Secret) -> Dataset:
    """The Dataset that every analysis starts from: no name, e-mail, phone, identity number, card or address in it.

    Columns that ``found`` treats become pseudonyms or leave, identifiers inside texts become ``[email]`` and so on, and
    so do the names of a text's own customer. ``customer_id`` is replaced everywhere alike when ids are personal
    themselves or ``spec`` asks for it. The key is derived from the key before, so digests stay comparable between
    sessions: whoever caches by it must keep sessions with different secrets apart.
    """
    replace_ids = spec.pseudonymise_ids or found.ids_are_personal
    treated = {name: found.treated(name) for name in dataset.tables}
    names = _own_names(dataset)
    if not replace_ids and not any(treated.values()) and names is None:
        return dataset
    tables = {}
    for name, frame in dataset.tables.items():
        columns = {column: how for column, how in treated[name].items() if column != ID_FIELD}
        if names is not None and ID_FIELD in frame.columns:
            frame = _without_names(frame, names, _texts(name, frame, columns))
        if replace_ids and ID_FIELD in frame.columns:
            columns[ID_FIELD] = "pseudonym"
        tables[name] = _treated(frame, columns, secret)
    made = Dataset.build(
        tables,
        as_of=dataset.as_of,
        currency=dataset.currency,
        money_digits=dataset.money_digits,
        sources=dataset.sources,
    )
    key = derive_key("pseudonymise", (spec.identifiers, replace_ids), dataset.key)
    return dataclasses.replace(made, key=key)


def pseudonymise_ids(frame: pl.DataFrame, columns: tuple[str, ...], secret: Secret) -> pl.DataFrame:
    """``frame`` with the pseudonyms of customers in place of the ids in ``columns``."""
    held = {column: "pseudonym" for column in columns if column in frame.columns}
    return _treated(frame, held, secret, dict.fromkeys(held, ID_FIELD))


def protect_rows(
    frame: pl.DataFrame, direct: Sequence[str], ids: Sequence[str], spec: PrivacySpec, secret: Secret
) -> pl.DataFrame:
    """Rows as they stand in a file (those set aside), without personal data.

    ``direct`` are columns that are known to hold identifiers and ``ids`` those of customers; the rest is scanned.
    """
    found = scan({"": frame}, spec)
    columns = {column: how for column, how in found.treated("").items() if column in frame.columns}
    columns |= {column: spec.identifiers for column in direct if column in frame.columns}
    if spec.pseudonymise_ids or any(columns.get(column) for column in ids):
        columns |= {column: "pseudonym" for column in ids if column in frame.columns}
    domains = dict.fromkeys(ids, ID_FIELD)
    return _treated(frame, columns, secret, domains)


def owner_list(original: Dataset, protected: Dataset, secret: Secret) -> pl.DataFrame:
    """For the owner alone, who must act on a list: customer_id as the analyses show it, original_id, and what the
    customers table knows of name, e-mail and phone. One row per customer, by customer_id."""
    ids = all_ids(original)
    shown = pl.Series("customer_id", [pseudonym(ID_FIELD, one, secret) for one in ids], dtype=pl.String)
    frame = pl.DataFrame({"customer_id": shown, "original_id": ids})
    known = all_ids(protected)
    if known.is_in(ids.implode()).any():
        frame = frame.with_columns(customer_id="original_id")  # ids were left as they are
    held = original.tables.get("customers")
    if held is not None and ID_FIELD in held.columns:
        own = [ID_FIELD, *(name for name in OWN_FIELDS if name in held.columns)]
        own_rows = held.select(own).drop_nulls(ID_FIELD).unique(ID_FIELD, keep="first", maintain_order=True)
        frame = frame.join(own_rows.rename({ID_FIELD: "original_id"}), on="original_id", how="left")
    return frame.sort("customer_id")


def pseudonym(domain: str, text: str, secret: Secret) -> str:
    """What stands for ``text``; values of different domains (columns) do not share pseudonyms."""
    return PREFIX + secret.sign(domain, text)[:LENGTH]


def all_ids(dataset: Dataset) -> pl.Series:
    """The customers that any table names, each once, sorted."""
    series = [frame[ID_FIELD].drop_nulls() for frame in dataset.tables.values() if ID_FIELD in frame.columns]
    return pl.concat(series).unique().sort() if series else pl.Series(ID_FIELD, [], pl.String)


def _treated(
    frame: pl.DataFrame, columns: dict[str, str], secret: Secret, domains: dict[str, str] | None = None
) -> pl.DataFrame:
    changed = []
    for column, how in columns.items():
        if how == "pseudonym":
            changed.append(_pseudonyms(frame[column], (domains or {}).get(column, column), secret))
        elif how == "scrub":
            changed.append(scrub(frame[column]))
    return frame.with_columns(changed).drop(column for column, how in columns.items() if how == "drop")


def _pseudonyms(series: pl.Series, domain: str, secret: Secret) -> pl.Series:
    text = series.cast(pl.String)
    distinct = text.drop_nulls().unique()
    blank = distinct.str.strip_chars() == ""
    signed = [None if empty else pseudonym(domain, one, secret) for one, empty in zip(distinct, blank, strict=True)]
    return _replaced(text, distinct, pl.Series(signed, dtype=pl.String)).alias(series.name)


def _replaced(text: pl.Series, old: pl.Series, new: pl.Series) -> pl.Series:
    """Every value looked up; nulls, and values without an entry, stay."""
    book = pl.DataFrame({"old": old, "new": new}, schema_overrides={"old": pl.String})
    book = book.with_columns(hit=pl.lit(True))
    joined = text.alias("old").to_frame().join(book, on="old", how="left", maintain_order="left")
    return joined.select(pl.when(pl.col("hit")).then("new").otherwise("old")).to_series()


def scrub(series: pl.Series) -> pl.Series:
    """The texts with every identifier in them replaced by its kind in brackets; other texts stay untouched."""
    text = readable_text(series)
    if text is None:
        return series
    original = series.cast(pl.String)
    distinct = original.drop_nulls().unique().to_frame("original").with_columns(text=pl.col("original"))
    distinct = distinct.with_columns(pl.col("text").str.normalize("NFKC"))
    cleaned = dict(distinct.select("original", "text").iter_rows())
    for detector in DETECTORS:
        now = pl.Series("text", list(set(cleaned.values())), dtype=pl.String)
        hits = find(now, detector, whole=False, every=True)
        if hits.is_empty():
            continue
        removed: dict[str, str] = {}
        for text_now, found in hits.select("text", "found").iter_rows():
            removed[text_now] = removed.get(text_now, text_now).replace(found, f"[{detector.name}]")
        cleaned = {first: removed.get(last, last) for first, last in cleaned.items()}
    plain = dict(distinct.select("original", "text").iter_rows())
    pairs = [(first, last) for first, last in cleaned.items() if last != plain[first]]
    if not pairs:
        return series
    old, new = zip(*pairs, strict=True)
    return _replaced(original, pl.Series(old, dtype=pl.String), pl.Series(new, dtype=pl.String)).alias(series.name)


def _own_names(dataset: Dataset) -> pl.DataFrame | None:
    """customer_id and the name that a text of this customer may hold; None where no text could."""
    held = dataset.tables.get("customers")
    if held is None or not {ID_FIELD, "name"} <= set(held.columns):
        return None
    names = held.select(ID_FIELD, own=pl.col("name").str.strip_chars()).drop_nulls()
    names = names.filter(pl.col("own").str.len_chars() >= 2).unique(ID_FIELD, keep="first", maintain_order=True)
    return None if names.is_empty() else names


def _texts(table: str, frame: pl.DataFrame, treated: dict[str, str]) -> list[str]:
    """The free-text columns: text fields, and columns in which something was found."""
    fields = {field.name for field in TABLES[table].fields if field.role == "text"} - set(OWN_FIELDS)
    free = {column for column, dtype in frame.schema.items() if dtype == pl.String and column not in TABLES[table]}
    scrubbed = {column for column, how in treated.items() if how == "scrub"}
    return [column for column in frame.columns if column in fields | free | scrubbed]


def _without_names(frame: pl.DataFrame, names: pl.DataFrame, columns: Iterable[str]) -> pl.DataFrame:
    own = frame.select(ID_FIELD).join(names, on=ID_FIELD, how="left", maintain_order="left")["own"]
    for column in columns:
        if frame.schema[column] != pl.String:
            continue
        pair = frame.select(text=pl.col(column)).with_columns(own=own).with_row_index("row")
        hits = pair.filter(pl.col("text").str.contains(pl.col("own"), literal=True).fill_null(False))
        if hits.is_empty():
            continue
        new = pl.Series([text.replace(name, "[name]") for _row, text, name in hits.iter_rows()], dtype=pl.String)
        frame = frame.with_columns(frame[column].scatter(hits["row"], new))
    return frame


def protect_quarantine(
    result: ValidationResult,
    direct: tuple[str, ...],
    ids: tuple[str, ...],
    spec: PrivacySpec,
    secret: Secret,
    cleared: pl.DataFrame | None = None,
) -> ValidationResult:
    """The outcome of validation with the rows it set aside free of personal data.

    ``cleared`` (source, row_number): rows that were emptied for the erased; they are not listed.
    """
    frame = result.quarantine
    lead = frame.columns[:4]
    if cleared is not None:
        emptied = frame["reason"] == "blank_row"
        left = frame.filter(emptied).join(cleared, on=["source", "row_number"], how="anti", maintain_order="left")
        frame = pl.concat([frame.filter(~emptied), left])
    own = [name for name in frame.columns if name not in lead]
    if own:
        frame = frame.select(lead).hstack(protect_rows(frame.select(own), direct, ids, spec, secret))
    choices = (spec.identifiers, spec.pseudonymise_ids, direct, ids, None if cleared is None else digest_frame(cleared))
    return dataclasses.replace(result, quarantine=frame, key=derive_key("protect_quarantine", choices, result.key))
