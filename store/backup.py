"""Back-up and restore: the rows of every table as one snapshot, the files by their digests, and a manifest over both.

A back-up is a folder of its own::

    manifest.json    what is in it: versions, rows per table, digest of every file
    rows.jsonl       every row of the database, one a line, tables in the order of their foreign keys
    blobs/<digest>   uploads and the tables read from them

Rows travel as JSON rather than as a copy of one kind of database: no client program is needed, what was backed up from
SQLite can be restored into PostgreSQL and back, and an older back-up is brought to this version by the migrations.

Consistent while others write: the rows are read in one transaction that sees one state; files are copied once before
it, and those that came meanwhile after it. The keys behind pseudonyms are among the rows: **protect the folder**.
"""

from __future__ import annotations

import base64
import hashlib
import itertools
import json
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from io import TextIOWrapper
from itertools import islice
from operator import itemgetter
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from analytics.errors import AnalysisError
from store import blobs, database, migrations
from store.database import Store, make_engine, make_folder, translated
from store.tables import BLOBS, METADATA, READ_TABLES, UPLOADS

FORMAT = 1
MANIFEST, ROWS, FILES = "manifest.json", "rows.jsonl", "blobs"
CHUNK = 2**20
MOST_MANIFEST_BYTES = 256 * 2**20
ROWS_AT_ONCE = 500
TRIES = 5  # a file that came and was erased again while it was copied: the snapshot is taken anew
_DIGEST = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class BackUp:
    """What a back-up holds: ``n_rows`` of all tables, ``n_files`` uploads and read tables of ``n_bytes``."""

    made_at: datetime
    revision: str
    n_workspaces: int
    n_rows: int
    n_files: int
    n_bytes: int


def back_up(store: Store, target: Path) -> BackUp:
    """Write a back-up of ``store`` into the new folder ``target``, which appears when it is complete and on disk.

    Raises ``AnalysisError``: ``backup_target`` when there is something already, ``upload_damaged`` when a stored file
    is not what its digest says, and what the disk raises.
    """
    target = target.absolute()
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise AnalysisError("backup_target", place=str(target))
    with translated(target.parent):
        make_folder(target.parent)
        draft = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))  # for this user alone
        try:
            made = _write(store, draft)
            if target.exists():
                target.rmdir()
            draft.rename(target)
            _sync(target.parent)
        except BaseException:
            shutil.rmtree(draft, ignore_errors=True)
            raise
    return made


def _write(store: Store, draft: Path) -> BackUp:
    (draft / FILES).mkdir(mode=0o700)
    with store.read() as connection:
        early = {row.digest: row.n_bytes for row in connection.execute(sa.select(BLOBS.c.digest, BLOBS.c.n_bytes))}
    for digest in early:
        _take(store, digest, draft)  # most of the work, before the snapshot
    for _ in range(TRIES):
        revision, counts, wanted = _write_rows(store, draft / ROWS)
        lacking = [digest for digest in wanted if not _take(store, digest, draft)]
        if not lacking:
            break
    else:
        raise AnalysisError("upload_damaged", digest=lacking[0][:12])
    for path in (draft / FILES).iterdir():
        if path.name not in wanted:  # released before the snapshot
            path.unlink()
    moment = database.now()
    manifest = {
        "regulars_back_up": FORMAT,
        "made_at": moment.isoformat(),
        "database": store.engine.dialect.name,
        "revision": revision,
        "rows": counts,
        "rows_sha256": _digest(draft / ROWS),
        "files": [{"sha256": digest, "bytes": n_bytes} for digest, n_bytes in sorted(wanted.items())],
    }
    with _new(draft / MANIFEST) as file:
        json.dump(manifest, file, indent=1)
        file.flush()
        os.fsync(file.fileno())
    _sync(draft / FILES)
    _sync(draft)
    return _told(manifest)


def _take(store: Store, digest: str, draft: Path) -> bool:
    """Copy a file beside the others, verified while it is read; whether it is there now."""
    copy = draft / FILES / digest
    if copy.exists():
        return True
    hasher = hashlib.sha256()
    try:
        with blobs.path_of(store, digest).open("rb") as source, _new(copy) as file:
            while piece := source.read(CHUNK):
                hasher.update(piece)
                file.buffer.write(piece)
            file.flush()
            os.fsync(file.fileno())
    except (AnalysisError, FileNotFoundError):
        copy.unlink(missing_ok=True)
        return False
    if hasher.hexdigest() != digest:
        copy.unlink()
        raise AnalysisError("upload_damaged", digest=digest[:12])
    return True


def _write_rows(store: Store, path: Path) -> tuple[str, dict[str, int], dict[str, int]]:
    """Every row of one state of the database; gives its revision, rows per table, and the files that they need.

    Files that nothing speaks of any more wait for their collection and may be gone at any moment: they stay behind.
    """
    counts: dict[str, int] = {}
    wanted: dict[str, int] = {}
    with store.read() as connection, _new(path) as file:
        revision = str(connection.scalar(sa.text("SELECT version_num FROM alembic_version")))
        for table in METADATA.sorted_tables:
            counts[table.name] = 0
            query = sa.select(table)
            if table is BLOBS:
                query = query.where(blobs._spoken_of(BLOBS.c.digest))
            elif table is READ_TABLES:
                query = query.where(sa.exists().where(UPLOADS.c.digest == READ_TABLES.c.source_digest))
            found = connection.execution_options(stream_results=True).execute(query)
            for row in found.mappings():
                file.write(json.dumps([table.name, {name: _plain(value) for name, value in row.items()}]) + "\n")
                counts[table.name] += 1
                if table is BLOBS:
                    wanted[row["digest"]] = row["n_bytes"]
        file.flush()
        os.fsync(file.fileno())
    return revision, counts, wanted


# ---- restore -----------------------------------------------------------------------------------------------------


def verify(source: Path) -> BackUp:
    """Read all of a back-up and compare it with its manifest; raises ``AnalysisError("backup_damaged")``."""
    return _told(_verified(source))


def restore(source: Path, store: Store, *, replace: bool = False) -> BackUp:
    """Bring a back-up into ``store``, once every digest of it was verified: all of it, or nothing.

    ``replace`` lets it take the place of what is there. No server may run on the store meanwhile.
    Raises ``AnalysisError``: ``backup_damaged``, ``backup_newer``, ``restore_not_empty``.
    """
    manifest = _verified(source)
    with store.read() as connection:
        empty = not any(connection.scalar(sa.select(sa.func.count()).select_from(t)) for t in METADATA.sorted_tables)
    if not empty and not replace:
        raise AnalysisError("restore_not_empty")
    with translated(store.folder), tempfile.TemporaryDirectory(prefix=".restore-", dir=store.folder) as room:
        staged = _staged(source, manifest, Path(room) / "staged.sqlite")
        try:
            for file in manifest["files"]:
                blobs._write(store, source / FILES / file["sha256"], file["sha256"])
            with store.write() as connection, staged.connect() as rows:
                for table in reversed(METADATA.sorted_tables):
                    connection.execute(sa.delete(table))
                for table in METADATA.sorted_tables:
                    found = rows.execute(sa.select(table)).mappings()
                    while many := [dict(row) for row in found.fetchmany(ROWS_AT_ONCE)]:
                        connection.execute(sa.insert(table), many)
        finally:
            staged.dispose()
    blobs.collect(store)
    return _told(manifest)


def _staged(source: Path, manifest: dict[str, Any], path: Path) -> sa.Engine:
    """The rows in a database of their own, made as the version of the back-up had it and brought to this one.

    What cannot be true of them, a row without the one it refers to, is found here, before the target is touched.
    """
    engine = make_engine(sa.make_url(f"sqlite:///{path}"), pooled=False)
    try:
        _climb(engine, manifest["revision"])
        then = sa.MetaData()
        then.reflect(engine)
        counts = dict.fromkeys(manifest["rows"], 0)
        with engine.execution_options(regulars_write=True).begin() as connection:
            for name, many in _batches(source / ROWS):
                connection.execute(sa.insert(then.tables[name]), many)
                counts[name] += len(many)
        if counts != manifest["rows"]:
            raise AnalysisError("backup_damaged", part=ROWS)
        _climb(engine, migrations.HEAD)
    except (KeyError, TypeError, ValueError, sa.exc.SQLAlchemyError) as problem:
        engine.dispose()
        if isinstance(problem, AnalysisError):
            raise
        raise AnalysisError("backup_damaged", part=ROWS) from problem
    return engine


def _climb(engine: sa.Engine, step: str) -> None:
    """The tables of ``engine`` at a step of the migrations; ``AnalysisError("backup_newer")`` when it is unknown."""
    from alembic import command
    from alembic.util import CommandError

    config = migrations.configuration()
    with engine.execution_options(regulars_write=True).connect() as connection:
        config.attributes["connection"] = connection
        try:
            command.upgrade(config, step)
        except CommandError as problem:
            raise AnalysisError("backup_newer") from problem
        connection.commit()


def _batches(path: Path) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Rows of one table after the other, some at once."""
    with path.open(encoding="utf-8") as file:
        parsed = (json.loads(line) for line in file)
        for name, rows in itertools.groupby(parsed, key=itemgetter(0)):
            while many := [{key: _rich(value) for key, value in row.items()} for _, row in islice(rows, ROWS_AT_ONCE)]:
                yield name, many


def _verified(source: Path) -> dict[str, Any]:
    try:
        if (source / MANIFEST).stat().st_size > MOST_MANIFEST_BYTES:
            raise ValueError
        manifest: dict[str, Any] = json.loads((source / MANIFEST).read_text(encoding="utf-8"))
        version = manifest["regulars_back_up"]
        files = {file["sha256"]: file["bytes"] for file in manifest["files"]}
        sound = isinstance(version, int) and isinstance(manifest["rows"], dict) and _told(manifest) is not None
        sound = sound and all(_DIGEST.fullmatch(digest) for digest in files)
    except (OSError, ValueError, KeyError, TypeError) as problem:
        raise AnalysisError("backup_damaged", part=MANIFEST) from problem
    if version > FORMAT:
        raise AnalysisError("backup_newer")
    if not sound:
        raise AnalysisError("backup_damaged", part=MANIFEST)
    for part, digest in ((ROWS, manifest["rows_sha256"]), *((f"{FILES}/{digest}", digest) for digest in files)):
        path = source / part
        if not path.is_file() or path.is_symlink() or _digest(path) != digest:
            raise AnalysisError("backup_damaged", part=part[:24])
    return manifest


# ---- values and files --------------------------------------------------------------------------------------------


def _plain(value: Any) -> Any:
    """A value as JSON knows it: moments and bytes carry what they are."""
    if isinstance(value, datetime):
        return {"moment": value.astimezone(UTC).isoformat()}
    return {"bytes": base64.b64encode(value).decode()} if isinstance(value, bytes) else value


def _rich(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    if "moment" in value:
        return datetime.fromisoformat(value["moment"])
    return base64.b64decode(value["bytes"], validate=True)


def _told(manifest: dict[str, Any]) -> BackUp:
    return BackUp(
        datetime.fromisoformat(manifest["made_at"]),
        str(manifest["revision"]),
        int(manifest["rows"]["workspaces"]),
        sum(manifest["rows"].values()),
        len(manifest["files"]),
        sum(file["bytes"] for file in manifest["files"]),
    )


def _new(path: Path) -> TextIOWrapper:
    """A file for this user alone, empty."""
    descriptor = os.open(path, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600)
    return os.fdopen(descriptor, "w", encoding="utf-8")


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sync(folder: Path) -> None:
    """A new name in a folder is on disk once the folder is."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
