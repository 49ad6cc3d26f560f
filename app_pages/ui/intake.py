"""The steps between a person's bytes and validated tables, each cached by ``compute``.

sources -> raw tables -> mapped tables -> validated.
"""

from __future__ import annotations

import dataclasses
import os
from functools import cache
from pathlib import Path
from typing import Any

import polars as pl

from analytics.connecting import LocalFile, read_file
from analytics.errors import AnalysisError
from analytics.integration import carry
from analytics.keys import digest_bytes
from analytics.mapping import (
    MappedTable,
    MappingSpec,
    MappingSuggestion,
    apply_mapping,
    carried,
    header_signature,
    suggest_mapping,
)
from analytics.privacy import Cleared, erased_balance, read_without
from analytics.quality import QualitySpec, ValidationResult, validate
from analytics.reading import RawTable, ReadSpec, read, unpacked_size
from analytics.schema import TABLES
from analytics.workspace import RememberedMapping, SourceRef, recall
from app_pages.ui import crossing, kept_tables, session
from app_pages.ui.compute import PASSING, Deferred, compute, once_per_run

# The variable REGULARS_WORLDS names a folder of larger sample worlds, made by "python -m sample_data".
WORLDS = Path(os.environ.get("REGULARS_WORLDS") or Path(__file__).parents[2] / "sample_data")
READING_SECONDS = 20.0  # any file may take this long to read, and longer by its size
READ_PER_SECOND = 2_000_000  # bytes once unpacked
REPAIRED_BYTES = (
    200 * 2**20
)  # the most that one upload may be: up to here a ragged file is repaired, larger ones stream
HEAVY_BYTES, HEAVY_ROWS = 2_000_000, 200_000  # beyond these a file is read and checked in a worker


def sources() -> tuple[SourceRef, ...]:
    """The files of the present work: the sample world's, or the person's own."""
    workspace = session.workspace()
    if workspace.world:
        return _world_sources(WORLDS / workspace.world)
    if not workspace.sources:
        raise AnalysisError("nothing_loaded")
    return workspace.sources


def title(source: SourceRef) -> str:
    """A file's name, with the sheet where one was chosen."""
    return f"{source.name} · {source.reading.sheet}" if source.reading.sheet else source.name


def source_bytes(source: SourceRef) -> bytes:
    """The bytes of a source, from the world's folder or from the person's uploads."""
    world = session.workspace().world
    if world:
        return (WORLDS / world / source.name).read_bytes()
    held = session.uploaded(source)
    return held if isinstance(held, bytes) else _bytes_of(held, source.name)


def _bytes_of(file: LocalFile, name: str) -> bytes:
    try:
        return Path(file.path).read_bytes()
    except OSError:
        raise AnalysisError("source_gone", name=name) from None


@once_per_run
def raw(source: SourceRef) -> RawTable:
    """The source as it was read: by the person's choices, else by those remembered for its headings."""
    return read_as(source, reading(source))


def read_as(source: SourceRef, how: ReadSpec) -> RawTable:
    """The source as ``how`` says. Its digest is its key: the bytes are touched only when it was not read yet.

    Once somebody was erased, it is read anew without their rows.
    """
    table = _read(source, how)
    return table.table if isinstance(table, Cleared) else table


def _read(source: SourceRef, how: ReadSpec) -> RawTable | Cleared:
    world = session.workspace().world
    stored = None if world else session.stored(source)
    if stored is None and not world:
        held = session.uploaded(source)
        stored = held if isinstance(held, LocalFile) and held.n_bytes > REPAIRED_BYTES else None
    if stored is not None:
        seconds = READING_SECONDS + stored.n_bytes / READ_PER_SECOND
        kept = None if session.stored(source) else kept_tables.elsewhere(stored, read_file, source.name, how)
        return _run(read_file, stored, source, how, crossing.folder(), heavy=True, seconds=seconds, elsewhere=kept)
    if world:
        heavy = (WORLDS / world / source.name).stat().st_size > HEAVY_BYTES
        return _run(read, Deferred(source.digest, lambda: source_bytes(source)), source, how, heavy=heavy)
    held = session.uploaded(source)
    # Read when it is wanted, and let go of at once: an upload lies in the store and not in this process.
    data = Deferred(source.digest, lambda: held if isinstance(held, bytes) else _bytes_of(held, source.name))
    kept = kept_tables.elsewhere(held, read, source.name, how) if isinstance(held, LocalFile) else None

    def seconds() -> float:
        return READING_SECONDS + compute(unpacked_size, data) / READ_PER_SECOND

    try:
        # A stranger's file is parsed in a worker whatever its size: a small one can ask for any amount of memory.
        return _run(read, data, source, how, heavy=True, seconds=seconds, elsewhere=kept)
    except AnalysisError as error:
        if error.code == "worker_died":
            raise AnalysisError("reading_failed") from error
        if error.code == "step_too_long":
            raise AnalysisError("reading_too_long", **error.params) from error
        raise


def _run(verb: Any, data: Any, source: SourceRef, how: ReadSpec, *into: str, **limits: Any) -> RawTable | Cleared:
    """``verb`` on the data of a source, or the same without the rows of the erased."""
    if not session.erased():
        table: RawTable = compute(verb, data, source.name, how, *into, **limits)
        return table
    hint = Path(source.name).stem if session.workspace().world and Path(source.name).stem in TABLES else ""
    limits.pop("elsewhere", None)  # what is kept still has the rows of the erased
    gone = (session.id_headings(), hint, session.erased(), session.secret())
    return compute(read_without, data, source.name, how, crossing.folder(), *gone, **limits)


def cleared_rows(source: SourceRef) -> pl.DataFrame:
    """source, row_number: the rows of a file that were emptied for the erased."""
    table = _read(source, reading(source))
    return table.rows if isinstance(table, Cleared) else table.origins(pl.Series([], dtype=pl.UInt32))


def reading(source: SourceRef) -> ReadSpec:
    """How a source is read: the person's word, else what was remembered for its headings."""
    known = None if source.reading != as_found(source) else _remembered(source)
    return dataclasses.replace(known.reading, sheet=source.reading.sheet) if known else source.reading


def as_found(source: SourceRef) -> ReadSpec:
    """How a source is read without any choice; its sheet is no choice of how."""
    return ReadSpec(sheet=source.reading.sheet)


def signature(source: SourceRef) -> str:
    """What files with the same headings share; "" where it has none or cannot be read without a choice."""
    try:
        return header_signature(read_as(source, as_found(source)))
    except AnalysisError:
        return ""


def _remembered(source: SourceRef) -> RememberedMapping | None:
    remembered = session.workspace().remembered
    if not remembered or session.workspace().world:
        return None
    return recall(remembered, signature(source))


def recalled(source: SourceRef) -> RememberedMapping | None:
    """What an earlier file with the same headings gives this one; None where the person's own word stands."""
    known = None if source.mapping is not None else _remembered(source)
    if known is None:
        return None
    if known.mapping is None:
        return known if known.reading != ReadSpec() and source.reading == as_found(source) else None
    return known if carried(known.mapping, raw(source).columns) else None


def suggestion(source: SourceRef) -> MappingSuggestion:
    """Which column is probably what; a sample world's file is named after its table."""
    if session.workspace().world and Path(source.name).stem in TABLES:
        return suggestion_for(source, Path(source.name).stem)
    return compute(suggest_mapping, raw(source))


@once_per_run
def suggestion_for(source: SourceRef, table: str) -> MappingSuggestion:
    """Which column is probably what, if the file holds ``table``."""
    return compute(suggest_mapping, raw(source), table)


def mapping(source: SourceRef) -> MappingSpec:
    """Which column is what: the person's word, else an earlier file's with the same headings, else the suggestion."""
    if source.mapping is not None:
        return source.mapping
    known = recalled(source)
    again = carried(known.mapping, raw(source).columns) if known and known.mapping else None
    return again or suggestion(source).spec


def is_settled(source: SourceRef) -> bool:
    """Whether a person has had the last word on its columns: for this file, or for one with the same headings."""
    known = recalled(source)
    return source.mapping is not None or (known is not None and known.mapping is not None)


@once_per_run
def mapped(source: SourceRef) -> MappedTable:
    """The source with canonical columns."""
    table = raw(source)
    made = compute(apply_mapping, table, mapping(source), heavy=table.n_rows > HEAVY_ROWS)
    keys = {mine for join in session.workspace().joins if join.table == made.table for mine, _theirs in join.on}
    carried_on = tuple(name for name in made.raw.columns if name in keys and name not in made.frame.columns)
    return compute(carry, made, carried_on) if carried_on else made


def quality() -> QualitySpec:
    """The person's repairs; a sample world knows its own currency."""
    workspace = session.workspace()
    known = session.WORLDS.get(workspace.world, "")
    return dataclasses.replace(workspace.quality, currency=workspace.quality.currency or known)


@once_per_run
def left_out() -> tuple[tuple[SourceRef, AnalysisError], ...]:
    """The files that cannot be read or mapped, and why; the others do not wait for them."""
    refused = []
    for source in sources():
        try:
            mapped(source)
        except AnalysisError as error:
            if error.code in PASSING:
                raise
            refused.append((source, error))
    return tuple(refused)


@once_per_run
def mapped_tables() -> tuple[MappedTable, ...]:
    """The sources that can be read and are tables of their own."""
    tables = tuple(mapped(source) for source in own_tables())
    if not tables:
        refused = left_out()
        raise refused[0][1] if refused else AnalysisError("nothing_to_validate")
    return tables


def own_tables() -> tuple[SourceRef, ...]:
    without = {source for source, _error in left_out()}
    return tuple(source for source in sources() if source not in without and not is_second(source))


@once_per_run
def validated() -> ValidationResult:
    """All sources that can be read as one trusted Dataset, with the report and the quarantine."""
    tables = mapped_tables()
    heavy = sum(table.frame.height for table in tables) > HEAVY_ROWS
    return compute(validate, tables, quality(), heavy=heavy)


def balances() -> pl.DataFrame:
    """Where the rows of each file went."""
    if session.erased():
        return compute(erased_balance, validated(), tuple(cleared_rows(source).height for source in own_tables()))
    return pl.DataFrame([dataclasses.asdict(item) for item in validated().report.balances])


def is_second(source: SourceRef) -> bool:
    """Whether a source only adds to another table: it is then no table of its own."""
    joins = session.workspace().joins
    return any(join.source == source.digest and join.sheet == raw(source).decided.sheet for join in joins)


def second_tables() -> dict[tuple[str, str], str]:
    """What can be joined to the tables of the person's own files: (digest, sheet) -> its name.

    Other sheets of their workbooks, and whole files as long as one is left.
    """
    if session.workspace().world:
        return {}
    found = {}
    for source in sources():
        table = raw(source)
        read_as = table.decided.sheet
        names = {sheet: f"{source.name} · {sheet}" for sheet in table.sheets} or {"": source.name}
        found |= {
            (source.digest, sheet): name
            for sheet, name in names.items()
            if sheet != read_as or len(sources()) > 1 or is_second(source)
        }
    return found


def second_table(digest: str, sheet: str) -> RawTable:
    """One of ``second_tables`` as it was read; raises ``AnalysisError("source_gone")``."""
    source = next((item for item in sources() if item.digest == digest), None)
    if source is None:
        raise AnalysisError("source_gone", name=sheet)
    reading = source.reading
    if sheet != raw(source).decided.sheet:
        reading = ReadSpec(sheet=sheet)
    return raw(dataclasses.replace(source, reading=reading))


def other_tables(digest: str, sheet: str) -> tuple[MappedTable, ...]:
    """The tables that one of ``second_tables`` could be joined to: all but what it is itself."""
    tables = mapped_tables()
    return tuple(table for table in tables if (table.raw.digest, table.raw.decided.sheet) != (digest, sheet))


@cache
def _world_sources(folder: Path) -> tuple[SourceRef, ...]:
    """The committed files of a sample world, the orders first; they do not change while the process lives."""
    if not folder.is_dir():  # REGULARS_WORLDS names a folder without this one
        raise AnalysisError("world_missing", name=folder.name)
    order = list(TABLES)
    paths = [path for path in folder.iterdir() if path.suffix in {".parquet", ".csv"}]
    paths.sort(key=lambda path: (order.index(path.stem) if path.stem in order else len(order), path.name))
    return tuple(SourceRef(path.name, digest_bytes(path.read_bytes())) for path in paths)
