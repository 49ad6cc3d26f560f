"""A customer taken out of the rows as they are read: nothing that is built on them ever holds the person."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import polars.selectors as cs

from analytics.connecting import LocalFile, read_file
from analytics.dataset import Dataset
from analytics.errors import AnalysisError
from analytics.keys import derive_key
from analytics.mapped import path_behind
from analytics.mapping import MappingSpec, apply_mapping, suggest_mapping
from analytics.privacy.pseudonyms import PREFIX, Secret, all_ids, pseudonym
from analytics.privacy.scan import ID_FIELD
from analytics.quality import ValidationResult
from analytics.reading import RawTable, ReadSpec, read

_DOMAIN = "erase"


@dataclass(frozen=True, slots=True, eq=False)
class Cleared:
    """A file's rows without those of the erased.

    Attributes
    ----------
    table : the rows with nothing left in those of the erased; every other row keeps its number.
    rows : source (name of the file), row_number (UInt32): the rows that were emptied.
    """

    table: RawTable
    rows: pl.DataFrame
    key: str


def find_customer(dataset: Dataset, asked: str, secret: Secret, records: pl.DataFrame | None = None) -> tuple[str, ...]:
    """The keyed digests of all ids of the customer whose id, or pseudonym, is ``asked``; never the ids.

    ``records`` are those that were merged (``MergeResult.records``): a person leaves with each of their records. Raises
    ``AnalysisError("customer_not_found")``; it does not repeat what was asked.
    """
    wanted = asked.strip()
    known = all_ids(dataset)
    merged = records.select("person", "merged_from").rows() if records is not None else []
    for one in [*known, *(record for _person, record in merged)]:
        if one == wanted or (wanted.startswith(PREFIX) and pseudonym(ID_FIELD, one, secret) == wanted):
            person = next((person for person, record in merged if one in (person, record)), one)
            ids = {one, person, *(record for first, record in merged if first == person)}
            return tuple(sorted(secret.sign(_DOMAIN, item) for item in ids))
    raise AnalysisError("customer_not_found")


def read_without(
    data: bytes | LocalFile,
    name: str,
    reading: ReadSpec,
    into: str,
    headings: tuple[str, ...],
    hint: str,
    erased: tuple[str, ...],
    secret: Secret,
) -> Cleared:
    """As ``read`` or ``read_file``, and at once ``clear_rows``: the rows of the erased are not stored anywhere."""
    table = read(data, name, reading) if isinstance(data, bytes) else read_file(data, name, reading, into)
    streamed = path_behind(table.frame)
    cleared = clear_rows(table, headings, hint, erased, secret)
    if streamed is not None and cleared.rows.height:
        Path(streamed).unlink(missing_ok=True)
    return cleared


def clear_rows(
    table: RawTable, headings: tuple[str, ...], hint: str, erased: tuple[str, ...], secret: Secret
) -> Cleared:
    """Empty every row of the customers whose keyed digests are ``erased``.

    ``headings`` are columns known to hold ids of customers, wherever they turn up; beside them stands the column that
    would be taken for it in this table (``hint``: the canonical table that it is, "" unknown).
    """
    wanted, gone = set(erased), pl.Series("gone", [False], dtype=pl.Boolean).new_from_index(0, table.n_rows)
    for column in _id_columns(table, headings, hint):
        spec = MappingSpec("customers", ((column, ID_FIELD),), keep_attributes=False)
        ids = apply_mapping(table, spec).frame[ID_FIELD]
        theirs = [one for one in ids.drop_nulls().unique() if secret.sign(_DOMAIN, one) in wanted]
        gone |= ids.is_in(theirs).fill_null(False)
    key = derive_key("clear_rows", (headings, hint, erased), table.key, secret.key)
    rows = table.origins((gone.arg_true() + 1).cast(pl.UInt32))
    if not rows.height:
        return Cleared(table, rows, key)
    frame = table.frame.with_columns((cs.categorical() | cs.enum()).cast(pl.String))
    # What is only marked as missing still lies in the memory behind a column: numbers become 0 first, and texts are
    # written anew.
    plain = [name for name, dtype in frame.schema.items() if dtype.is_numeric() or dtype.is_temporal()]
    frame = frame.with_columns(
        pl.when(~gone).then(name).otherwise(pl.lit(0).cast(frame.schema[name])) for name in plain
    )
    frame = frame.with_columns(pl.when(~gone).then(pl.all())).with_columns(cs.string() + "")
    return Cleared(dataclasses.replace(table, frame=frame, key=key), rows, key)


def _id_columns(table: RawTable, headings: tuple[str, ...], hint: str) -> list[str]:
    try:
        suggested = suggest_mapping(table, hint or None).spec.columns
    except AnalysisError:
        suggested = ()  # nothing can be made of it: then nothing is
    known = {column for column, field in suggested if field == ID_FIELD} | set(headings)
    return [column for column in table.columns if column in known]


def erased_balance(result: ValidationResult, n_erased: tuple[int, ...]) -> pl.DataFrame:
    """source, table, rows_in, kept, quarantined, merged, erased: rows_in is the sum of the others, for every file.

    ``n_erased``: emptied rows of each file; validation sets them aside as blank, here they have their own column.
    """
    rows = [dataclasses.asdict(item) for item in result.report.balances]
    counted = pl.DataFrame(rows).with_columns(erased=pl.Series(n_erased, dtype=pl.Int64))
    return counted.with_columns(pl.col("quarantined") - pl.col("erased"))
