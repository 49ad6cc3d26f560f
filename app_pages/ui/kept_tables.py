"""Tables read from uploads, kept in the store as Parquet: they come back without their files being parsed again.

After a restart, or when its table left memory, an upload is reopened by a worker. Only what was read from the whole
file is kept: once somebody was erased, a file is read anew without their rows and nothing of that comes here. A table
goes with the last workspace that has its upload.
"""

from __future__ import annotations

import logging
import os
import uuid
from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import cache
from typing import Any

import msgspec
import polars as pl

from analytics.connecting import LocalFile
from analytics.errors import AnalysisError, Caveat
from analytics.keys import derive_key
from analytics.mapped import PIECE, map_frame
from analytics.reading import RawTable, ReadSpec
from app_pages.ui import crossing, session
from app_pages.ui.compute import Elsewhere, in_background
from app_pages.ui.version import APP_VERSION
from store import blobs
from store.database import Store, open_store

LOG = logging.getLogger("regulars")
WORTH_BYTES = 1_000_000  # a smaller file is read as fast as its table is reopened


@dataclass(frozen=True, slots=True)
class Described:
    """A ``RawTable`` beside its rows. Where it has an origin, that is the last two columns of what is kept."""

    name: str
    digest: str
    n_rows: int
    columns: tuple[str, ...]
    overflow: tuple[str, ...]
    decided: ReadSpec
    sheets: tuple[str, ...]
    caveats: tuple[Caveat, ...]
    key: str
    members: tuple[str, ...]
    has_origin: bool


def elsewhere(file: LocalFile, verb: Callable[..., Any], name: str, how: ReadSpec) -> Elsewhere | None:
    """Where the table of an upload in the store may be had; None where it is not worth it."""
    if file.n_bytes < WORTH_BYTES:
        return None
    key = derive_key("read_table", how, APP_VERSION, verb.__qualname__, file.key, name)

    def had() -> tuple[Callable[..., Any], tuple[Any, ...]] | None:
        try:
            found = blobs.table(session.store(), key)
        except AnalysisError:
            return None  # without the store the file is read
        return None if found is None else (reopen, (str(found[0]), found[1], crossing.folder()))

    def made(table: RawTable) -> None:
        if table.decided.format != "parquet":  # such an upload is as good as its table
            in_background(key, keep, key, table)

    return Elsewhere(had, made)


def keep(key: str, table: RawTable) -> bool:
    """Keep a table that was read from an upload; run by a worker."""
    described = msgspec.json.encode(_described(table)).decode()
    rows = table.frame
    if table.origin is not None:
        rows = rows.hstack(table.origin.rename(dict(zip(table.origin.columns, _two_names(rows), strict=True))))
    blobs.keep_table(_own_store(), key, table.digest, rows, described)
    return True


def reopen(path: str, described: str, folder: str) -> RawTable:
    """The table of ``keep``; a large one lies in a file of ``folder`` and is mapped. Run by a worker."""
    known = msgspec.json.decode(described, type=Described)
    names = pl.scan_parquet(path).collect_schema().names()
    own = names[:-2] if known.has_origin else names
    if known.n_rows * len(names) > crossing.LARGE_CELLS:
        target = os.path.join(folder, f"{uuid.uuid4().hex}.arrow")
        pl.scan_parquet(path).sink_ipc(target, compression="uncompressed", record_batch_size=PIECE)
        frame = map_frame(target, owner=False, columns=own)
        rest = map_frame(target, owner=False, columns=names[-2:]) if known.has_origin else None
    else:
        whole = pl.read_parquet(path)
        frame, rest = whole.select(own), whole.select(names[-2:]) if known.has_origin else None
    origin = None if rest is None else rest.rename(dict(zip(rest.columns, ("member", "row_number"), strict=True)))
    given = {item.name: getattr(known, item.name) for item in fields(Described) if item.name != "has_origin"}
    return RawTable(frame, origin=origin, **given)


def _described(table: RawTable) -> Described:
    given = {item.name: getattr(table, item.name) for item in fields(Described) if item.name != "has_origin"}
    return Described(**given, has_origin=table.origin is not None)


def _two_names(rows: pl.DataFrame) -> tuple[str, str]:
    """Names that no column of the file has."""
    free = (f"#{i}" for i in range(rows.width + 2))
    first, second, *_rest = (name for name in free if name not in rows.columns)
    return first, second


@cache
def _own_store() -> Store:
    return open_store()
