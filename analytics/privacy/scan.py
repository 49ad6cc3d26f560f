"""The scan: which columns hold personal data, how much, and what is done with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import polars as pl

from analytics.dataset import Dataset
from analytics.errors import Caveat
from analytics.keys import derive_key, digest_frame
from analytics.privacy.detectors import CHECKED, DETECTORS, WHOLE_NAME, Detector, first_match, masked, valid
from analytics.privacy.spec import PrivacySpec
from analytics.progress import report
from analytics.schema import TABLES

Treatment = Literal["pseudonym", "drop", "scrub", "keep"]
MEANINGS = {"name": "name", "email": "email", "phone": "phone"}  # canonical field -> detector
ID_FIELD = "customer_id"
MOSTLY = 0.5  # a column of which this share is an identifier by itself is a column of identifiers
ANY_ID = 0.05  # an id column is personal from this share on
NAMED = 0.6  # a column without a telling heading holds names when this share looks like names
FEWEST_NAMES = 5
TOLD = 0.1  # a heading alone is not believed below this share
_EXAMPLES = 3
_MOST_IN_TEXT = 20
SCHEMA = pl.Schema(
    {
        "table": pl.String(),
        "column": pl.String(),
        "detector": pl.String(),
        "n_cells": pl.Int64(),
        "n_found": pl.Int64(),
        "share": pl.Float64(),
        "confidence": pl.Float64(),
        "treatment": pl.String(),
        "examples": pl.List(pl.String()),
    }
)


@dataclass(frozen=True, slots=True, eq=False)
class PrivacyScan:
    """What was found.

    Attributes
    ----------
    columns : one row per column and detector that found something, in the tables' order: table, column, detector,
        n_cells (with a value), n_found, share (n_found / n_cells), confidence (0-1: how sure one match of this kind
        is, raised where the heading says so too; an ordering, no probability), treatment ("pseudonym", "drop",
        "scrub": only the identifier inside the text is taken out, "keep"), examples (up to three, masked).
    n_cells, n_columns : text cells and columns that were read.
    """

    columns: pl.DataFrame
    n_cells: int
    n_columns: int
    caveats: tuple[Caveat, ...]
    key: str

    def treated(self, table: str) -> dict[str, str]:
        """The columns of a table that are not kept as they are: column -> treatment, the strictest."""
        order = ("drop", "pseudonym", "scrub")
        rows = self.columns.filter((pl.col("table") == table) & (pl.col("treatment") != "keep"))
        found: dict[str, str] = {}
        for column, treatment in rows.select("column", "treatment").rows():
            held = found.get(column, treatment)
            found[column] = min(held, treatment, key=order.index)
        return found

    @property
    def ids_are_personal(self) -> bool:
        """Whether customer ids are real-world identifiers (e-mails, phones, identity numbers) themselves."""
        ids = self.columns.filter((pl.col("column") == ID_FIELD) & (pl.col("treatment") != "keep"))
        return not ids.is_empty()


def scan(tables: Mapping[str, pl.DataFrame], spec: PrivacySpec | None = None, *, key: str = "") -> PrivacyScan:
    """Look for personal data in every text column (and in whole numbers long enough to be a phone or a card).

    ``key`` is the digest of the tables where it is known.
    """
    spec = spec or PrivacySpec()
    pieces: list[pl.DataFrame] = []
    n_cells = n_columns = 0
    readable = [(name, column) for name, frame in tables.items() for column in frame.columns]
    for done, (name, column) in enumerate(readable):
        report(done / len(readable), "scan")
        text = readable_text(tables[name][column])
        if text is None:
            continue
        n_columns += 1
        n_cells += len(text)
        pieces += _scan_column(name, column, text, spec)
    columns = pl.concat([SCHEMA.to_frame(), *pieces])
    parents = [key] if key else [f"{name}:{digest_frame(frame)}" for name, frame in tables.items()]
    caveats = (Caveat("privacy_ids_personal"),) if _personal_ids(columns) else ()
    own = derive_key("scan", (spec.identifiers, spec.pseudonymise_ids), *parents)
    return PrivacyScan(columns, n_cells, n_columns, caveats, own)


def scan_dataset(dataset: Dataset, spec: PrivacySpec | None = None) -> PrivacyScan:
    """``scan`` of a Dataset's tables, under the Dataset's own key."""
    return scan(dataset.tables, spec, key=dataset.key)


def readable_text(series: pl.Series) -> pl.Series | None:
    """The values of a column that could hold an identifier, without nulls; None where the column cannot."""
    given = series.drop_nulls()
    if given.is_empty():
        return None
    dtype = given.dtype
    if dtype.is_integer():
        largest = given.max()
        if not isinstance(largest, int) or largest < 10_000_000:
            return None
    elif dtype != pl.String and not isinstance(dtype, pl.Categorical | pl.Enum):
        return None
    return given.cast(pl.String).str.normalize("NFKC").alias("text")


def find(texts: pl.Series, detector: Detector, *, whole: bool, every: bool = False) -> pl.DataFrame:
    """text, found: the valid identifiers in distinct texts, the first of each or (``every``) all of them.

    A candidate whose check digit is wrong is passed over, so that it cannot hide a true one behind it.
    """
    work = pl.DataFrame({"text": texts, "rest": texts}, schema_overrides={"text": pl.String, "rest": pl.String})
    pieces = [pl.DataFrame(schema={"text": pl.String, "found": pl.String})]
    for _round in range(_MOST_IN_TEXT):
        held = work.lazy().with_columns(found=first_match(pl.col("rest"), detector, whole=whole)).drop_nulls("found")
        work = held.with_columns(valid=valid(pl.col("found"), detector.name).fill_null(False)).collect()
        pieces.append(work.filter("valid").select("text", "found"))
        work = work if every else work.filter(~pl.col("valid"))
        if work.is_empty():
            break
        rest = [rest.replace(found, " # ") for rest, found in work.select("rest", "found").iter_rows()]
        work = work.select("text", rest=pl.Series(rest, dtype=pl.String))
    return pl.concat(pieces)


def _scan_column(table: str, column: str, text: pl.Series, spec: PrivacySpec) -> list[pl.DataFrame]:
    counted = text.value_counts(name="n")
    n = len(text)
    pieces = []
    for detector in DETECTORS:
        told = _told(table, column, detector)
        known = _is_known(table, column) and not told
        if detector.name == "name" and not told and known:
            continue  # products, cities and brands share the shapes of names
        hits = counted.join(find(counted["text"], detector, whole=told), on="text")
        if detector.name == "name" and not told:
            named = _named(counted, n)
            hits = hits if named is None else named
        n_found = int(hits["n"].sum() or 0)
        if not n_found and not (told and _is_canonical(table, column)):
            continue
        filled = hits.filter(pl.col("found").str.len_chars() >= pl.col("text").str.strip_chars().str.len_chars() * 0.8)
        whole_share = int(filled["n"].sum() or 0) / n
        told = told and (_is_canonical(table, column) or n_found >= TOLD * n)
        examples = hits.sort("n", "text", descending=[True, False]).head(_EXAMPLES).select(masked(pl.col("found")))
        pieces.append(
            pl.DataFrame(
                {
                    "table": [table],
                    "column": [column],
                    "detector": [detector.name],
                    "n_cells": [n],
                    "n_found": [n_found],
                    "share": [n_found / n],
                    "confidence": [max(detector.certainty, 0.95) if told else detector.certainty],
                    "treatment": [_treatment(table, column, detector, told, whole_share, spec)],
                    "examples": [examples.to_series().to_list()],
                },
                schema=SCHEMA,
            )
        )
    return pieces


def _named(counted: pl.DataFrame, n: int) -> pl.DataFrame | None:
    """The cells of a column that by its shapes alone is one of names; None when it is not."""
    names = counted.filter(pl.col("text").str.contains(WHOLE_NAME)).with_columns(found="text")
    if names.height < FEWEST_NAMES or int(names["n"].sum()) < NAMED * n:
        return None
    return names.select("text", "n", "found")


def _is_canonical(table: str, column: str) -> bool:
    return table in TABLES and column in TABLES[table]


def _told(table: str, column: str, detector: Detector) -> bool:
    """Whether the column's meaning or heading says that it holds this kind of identifier."""
    if _is_canonical(table, column):
        return MEANINGS.get(column) == detector.name
    return pl.select(pl.lit(column.replace("_", " ")).str.contains(detector.heading)).item() is True


def _is_known(table: str, column: str) -> bool:
    """Whether the column has a canonical meaning other than free text."""
    return _is_canonical(table, column) and TABLES[table][column].role != "text"


def _treatment(
    table: str, column: str, detector: Detector, told: bool, whole_share: float, spec: PrivacySpec
) -> Treatment:
    if column == ID_FIELD:
        return "pseudonym" if whole_share >= ANY_ID else "keep"
    if _is_canonical(table, column) and TABLES[table][column].role == "id":
        # Orders and products must stay apart: their ids are replaced whole or not at all.
        return "pseudonym" if whole_share >= MOSTLY else "keep"
    if told or whole_share >= MOSTLY:
        return spec.identifiers
    if _is_known(table, column) and detector.name not in CHECKED | {"email", "phone"}:
        return "keep"  # "12 Baker Street" in a product's title is no address of a customer
    return "scrub"


def _personal_ids(columns: pl.DataFrame) -> bool:
    return not columns.filter((pl.col("column") == ID_FIELD) & (pl.col("treatment") != "keep")).is_empty()
