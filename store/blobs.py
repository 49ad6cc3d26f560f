"""Uploaded files and the tables read from them: files named by their SHA-256, held as long as a row speaks of them.

A file is written beside its place, put on disk, renamed, and its folder put on disk; only then come the rows, in one
transaction, and only then is it acknowledged. So a row never speaks of a file that is not whole, whenever the power
goes. What no row speaks of is collected after a grace. Keeping and collecting hold the same lock of a digest.
"""

from __future__ import annotations

import errno
import hashlib
import logging
import os
import re
import shutil
import time
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import IO, TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from analytics.errors import AnalysisError
from store import database
from store.database import Store, make_folder, translated
from store.model import Upload
from store.tables import BLOBS, READ_TABLES, UPLOADS, WORKSPACES

if TYPE_CHECKING:
    import polars as pl

LOG = logging.getLogger("regulars.store")
DIGEST = re.compile("[0-9a-f]{64}")
GRACE = timedelta(hours=1)
LONGEST_NAME = 300
# What uploads leave free on the disk: choices are small and can be saved when no more files can be.
RESERVE = 64_000_000
_PIECE = 1 << 20
_STALE = 3600.0  # seconds without a write after which a temporary file belongs to nobody


# ---- uploads -----------------------------------------------------------------------------------------------------


def keep(store: Store, workspace_id: str, name: str, data: bytes | Path) -> Upload:
    """The file among the uploads of a workspace, on disk when this returns.

    Equal content is kept once, under the name it came with last. A ``Path`` is copied; it may be any size.
    Raises ``AnalysisError``: ``store_no_room`` (choices can still be saved), ``store_full``, ``store_busy``,
    ``store_unreachable``, ``store_unwritable``; ``workspace_unknown`` when there is no such workspace; ``file_gone``
    when a ``Path`` cannot be read.
    """
    name = shown(name)
    digest, n_bytes = _put(store, data, name)
    row = {"workspace_id": workspace_id, "digest": digest, "name": name, "at": database.now()}
    with store.write() as connection:
        if not _is_known(connection, workspace_id):
            raise AnalysisError("workspace_unknown")
        _lock(store, connection, digest)
        # Looked at again, under the lock: what was found there a moment ago may have been collected since.
        if not _is_whole(_place(store, digest), n_bytes) and _write(store, data, name) != (digest, n_bytes):
            raise AnalysisError("file_gone", name=name)
        _touch(connection, digest, n_bytes)
        _upsert(connection, UPLOADS, row, ("workspace_id", "digest"), ("name",))
    return Upload(name, digest, n_bytes)


def shown(name: str) -> str:
    """A file's name as it is stored and shown: the last part of a path, no control characters, 300 characters."""
    last = re.split(r"[/\\]", name)[-1]
    plain = "".join(mark for mark in last if mark.isprintable()).strip()
    if len(plain) > LONGEST_NAME:
        stem, dot, ending = plain.rpartition(".")
        keeps = dot + ending if stem and len(ending) <= 10 else ""
        plain = plain[: LONGEST_NAME - len(keeps)] + keeps
    return plain


def uploads(store: Store, workspace_id: str) -> tuple[Upload, ...]:
    """The files of a workspace, in the order they came."""
    query = (
        sa.select(UPLOADS.c.name, BLOBS.c.digest, BLOBS.c.n_bytes)
        .join(BLOBS, BLOBS.c.digest == UPLOADS.c.digest)
        .where(UPLOADS.c.workspace_id == workspace_id)
        .order_by(UPLOADS.c.at, UPLOADS.c.digest)
    )
    with store.read() as connection:
        return tuple(Upload(row.name, row.digest, row.n_bytes) for row in connection.execute(query))


def path_of(store: Store, digest: str) -> Path:
    """Where the bytes of a digest are; raises ``AnalysisError("upload_gone")``.

    It asks nobody who they are: give it digests that ``uploads`` of a workspace lists, never one that came from
    outside, such as from choices that were imported. A path out of the folder cannot come of it.
    """
    path = _place(store, digest)
    if not path.is_file():
        raise AnalysisError("upload_gone")
    return path


def release(store: Store, workspace_id: str, digest: str) -> None:
    """Take a file out of a workspace. Its bytes stay for the grace at least, so that it can be had back."""
    _check(digest)
    gone = sa.delete(UPLOADS).where(UPLOADS.c.workspace_id == workspace_id, UPLOADS.c.digest == digest)
    touch = sa.update(BLOBS).where(BLOBS.c.digest == digest).values(touched_at=database.now())
    with store.write() as connection:
        if connection.execute(gone).rowcount:
            connection.execute(touch)


def stored_bytes(store: Store) -> int:
    """Bytes of all files that rows know, each counted once."""
    with store.read() as connection:
        return int(connection.execute(sa.select(sa.func.coalesce(sa.func.sum(BLOBS.c.n_bytes), 0))).scalar_one())


# ---- tables that were read -----------------------------------------------------------------------------------------


def keep_table(store: Store, key: str, source_digest: str, frame: pl.DataFrame, described: str) -> None:
    """A table read from an upload, as Parquet: it comes back without the file being read again.

    Parameters
    ----------
    key : of the reading: the file's bytes, its name and how it is read, as 64 hexadecimal digits.
    source_digest : of the upload. With the last workspace that has it the table goes too.
    described : what the table is beside its rows, as JSON.

    Raises as ``keep`` does. Nothing is kept when the upload itself is not there any more.
    """
    _check(key)
    _check(source_digest)
    with _temporary(store) as (path, file):
        with translated(store.folder):
            _ensure_room(store, int(frame.estimated_size()) // 4)  # about what it is when written
            _write_parquet(frame, path)
        digest, n_bytes = _finish(store, path, file)
    row = {
        "key": key,
        "source_digest": source_digest,
        "digest": digest,
        "described": described,
        "used_at": database.now(),
    }
    with store.write() as connection:
        _lock(store, connection, digest)
        source = (
            sa.select(BLOBS.c.digest).where(BLOBS.c.digest == source_digest).with_for_update(read=True, key_share=True)
        )
        if connection.execute(source).first() is None or not _is_whole(_place(store, digest), n_bytes):
            return  # collected meanwhile: the upload is read again when it is wanted
        _touch(connection, digest, n_bytes)
        _upsert(connection, READ_TABLES, row, ("key",), ("source_digest", "digest", "described", "used_at"))


def _write_parquet(frame: pl.DataFrame, path: Path) -> None:
    from polars.exceptions import PolarsError

    try:
        frame.write_parquet(path, compression="zstd")
    except PolarsError as problem:
        number = re.search(r"os error (\d+)", str(problem))  # a full disk is told in prose only
        raise OSError(int(number[1]) if number else errno.EIO, "the table could not be written") from problem


def table(store: Store, key: str) -> tuple[Path, str] | None:
    """Where a table's Parquet file is, and its description; None: it is not kept (any more)."""
    _check(key)
    query = (
        sa.select(READ_TABLES.c.digest, READ_TABLES.c.described, READ_TABLES.c.used_at, BLOBS.c.n_bytes)
        .join(BLOBS, BLOBS.c.digest == READ_TABLES.c.digest)
        .where(READ_TABLES.c.key == key)
    )
    with store.read() as connection:
        row = connection.execute(query).first()
    if row is None:
        return None
    path = _place(store, row.digest)
    if not _is_whole(path, row.n_bytes):
        return None
    if database.now() - row.used_at > GRACE / 2:
        with suppress(AnalysisError), store.write() as connection:
            connection.execute(sa.update(READ_TABLES).where(READ_TABLES.c.key == key).values(used_at=database.now()))
    return path, row.described


# ---- collecting ----------------------------------------------------------------------------------------------------


def collect(store: Store, grace: timedelta = GRACE) -> int:
    """Delete files that nothing has spoken of for ``grace``; how many they were.

    A file is spoken of by an upload, or by a table whose own source is an upload. Each goes under the lock that
    ``keep`` takes: whoever brings the same content at that moment finds it there, or writes it again. Files
    without a row and temporary files that a dead process left go as well.
    """
    before = database.now() - grace
    unused = sa.select(BLOBS.c.digest).where(BLOBS.c.touched_at <= before, ~_spoken_of(BLOBS.c.digest))
    with store.read() as connection:
        candidates = connection.execute(unused).scalars().all()
    n = sum(_collect_one(store, digest, unused) for digest in candidates)
    orphans = list(_orphans(store, before.timestamp()))
    n += sum(_collect_orphan(store, path) for path in orphans)
    for path in (store.folder / "blobs").glob("*.part"):
        with suppress(OSError):
            if time.time() - path.stat().st_mtime > max(_STALE, grace.total_seconds()):
                path.unlink()
    return n


def _spoken_of(digest: sa.ColumnElement[str]) -> sa.ColumnElement[bool]:
    uploaded = sa.exists().where(UPLOADS.c.digest == digest)
    read = sa.exists().where(READ_TABLES.c.digest == digest, READ_TABLES.c.source_digest == UPLOADS.c.digest)
    return uploaded | read


def _collect_one(store: Store, digest: str, unused: sa.Select[tuple[str]]) -> int:
    with store.write() as connection:
        _lock(store, connection, digest)
        connection.execute(sa.select(BLOBS.c.digest).where(BLOBS.c.digest == digest).with_for_update())
        # Asked again, under the lock: somebody may have kept it since.
        if connection.execute(unused.where(BLOBS.c.digest == digest)).first() is None:
            return 0
        of_it = (READ_TABLES.c.digest == digest) | (READ_TABLES.c.source_digest == digest)
        connection.execute(sa.delete(READ_TABLES).where(of_it))
        connection.execute(sa.delete(BLOBS).where(BLOBS.c.digest == digest))
    # The file last: whoever dies in between leaves a file without a row, never a row without its file.
    return _collect_orphan(store, _place(store, digest))


def _orphans(store: Store, before: float) -> Iterator[Path]:
    """Files that are old enough and that no row knows at this moment."""
    found = []
    for path in (store.folder / "blobs").glob("??/*"):
        with suppress(OSError):
            if DIGEST.fullmatch(path.name) and path.stat().st_mtime <= before:
                found.append(path)
    if found:
        with store.read() as connection:
            known = set(connection.execute(sa.select(BLOBS.c.digest)).scalars())
        yield from (path for path in found if path.name not in known)


def _collect_orphan(store: Store, path: Path) -> int:
    """Delete a file that no row knows; ``keep`` waits meanwhile, then sees that it is gone and writes it again."""
    known = sa.select(BLOBS.c.digest).where(BLOBS.c.digest == path.name)
    with store.write() as connection:
        _lock(store, connection, path.name)
        if connection.execute(known).first() is not None:
            return 0
        with suppress(FileNotFoundError):
            _unlink(path)
            return 1
    return 0


def _unlink(path: Path) -> None:
    path.unlink()


# ---- rows and locks ------------------------------------------------------------------------------------------------


def _lock(store: Store, connection: sa.Connection, digest: str) -> None:
    """Until the transaction ends nobody else keeps or collects this content. SQLite has one writer anyway."""
    if not store.is_sqlite:
        number = int.from_bytes(bytes.fromhex(digest[:16]), signed=True)
        connection.execute(sa.text("SELECT pg_advisory_xact_lock(:number)"), {"number": number})


def _is_known(connection: sa.Connection, workspace_id: str) -> bool:
    """Whether the workspace is there, and stays until the transaction ends."""
    known = sa.select(WORKSPACES.c.id).where(WORKSPACES.c.id == workspace_id)
    return connection.execute(known.with_for_update(read=True, key_share=True)).first() is not None


def _touch(connection: sa.Connection, digest: str, n_bytes: int) -> None:
    row = {"digest": digest, "n_bytes": n_bytes, "touched_at": database.now()}
    _upsert(connection, BLOBS, row, ("digest",), ("n_bytes", "touched_at"))


def _upsert(
    connection: sa.Connection, into: sa.Table, row: Mapping[str, object], key: Sequence[str], changed: Sequence[str]
) -> None:
    insert = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    statement = insert(into).values(**row)
    connection.execute(
        statement.on_conflict_do_update(index_elements=key, set_={name: statement.excluded[name] for name in changed})
    )


# ---- one file ------------------------------------------------------------------------------------------------------


def _check(digest: str) -> None:
    if not DIGEST.fullmatch(digest):
        raise AnalysisError("upload_gone")


def _place(store: Store, digest: str) -> Path:
    _check(digest)
    return store.folder / "blobs" / digest[:2] / digest


def _is_whole(path: Path, n_bytes: int) -> bool:
    try:
        # Opened, not asked for its state: on a folder of the network only that is sure to be the present one.
        with path.open("rb") as file:
            return os.fstat(file.fileno()).st_size == n_bytes
    except FileNotFoundError:
        return False


def _put(store: Store, data: bytes | Path, name: str) -> tuple[str, int]:
    """The bytes at their place, on disk: their digest and number. A file that is there is read, and left if sound."""
    digest, n_bytes = _measure(_pieces(data, name))
    with translated(store.folder):
        place = _place(store, digest)
        if _is_whole(place, n_bytes) and _measure(_pieces(place, name))[0] == digest:
            return digest, n_bytes
        _ensure_room(store, n_bytes)
    return _write(store, data, name)


def _ensure_room(store: Store, n_bytes: int) -> None:
    if shutil.disk_usage(store.folder).free < n_bytes + RESERVE:
        megabytes = database.free_megabytes(store.folder)
        raise AnalysisError("store_no_room", megabytes=megabytes, reserve=RESERVE // 1_000_000)


def _write(store: Store, data: bytes | Path, name: str) -> tuple[str, int]:
    with _temporary(store) as (path, file):
        for piece in _pieces(data, name):
            with translated(store.folder):
                file.write(piece)
        return _finish(store, path, file)


def _pieces(data: bytes | Path, name: str) -> Iterator[bytes]:
    if isinstance(data, bytes):
        yield data
        return
    try:
        with data.open("rb") as file:
            while piece := file.read(_PIECE):
                yield piece
    except OSError:
        raise AnalysisError("file_gone", name=name) from None


def _measure(pieces: Iterable[bytes]) -> tuple[str, int]:
    hasher, n_bytes = hashlib.sha256(), 0
    for piece in pieces:
        hasher.update(piece)
        n_bytes += len(piece)
    return hasher.hexdigest(), n_bytes


@contextmanager
def _temporary(store: Store) -> Iterator[tuple[Path, IO[bytes]]]:
    """A new file beside the folders of the others; gone at the end, unless it was renamed."""
    path = store.folder / "blobs" / f"{uuid.uuid4().hex}.part"
    with translated(store.folder):
        descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600)
    file = os.fdopen(descriptor, "w+b")  # buffered: a short write near the end of the disk is not taken for a whole one
    try:
        yield path, file
    finally:
        with suppress(OSError):
            file.close()
        with suppress(OSError):
            path.unlink(missing_ok=True)


def _finish(store: Store, path: Path, file: IO[bytes]) -> tuple[str, int]:
    """The temporary file under the name of what is really in it, on disk with its folder."""
    with translated(store.folder):
        file.flush()
        file.seek(0)
        digest, n_bytes = _measure(iter(partial(file.read, _PIECE), b""))
        os.fsync(file.fileno())
        os.chmod(path, 0o400 if os.name == "posix" else 0o600)
        place = _place(store, digest)
        if not place.parent.exists():
            make_folder(place.parent)
            _sync(place.parent.parent)
        os.replace(path, place)
        _sync(place.parent)
    return digest, n_bytes


def _sync(folder: Path) -> None:
    """A folder's names on disk: a rename is lost with the power until then."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
