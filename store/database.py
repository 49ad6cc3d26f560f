"""The database of saved work and the folder of its files: one Store, opened once per process.

SQLite by default: write-ahead log, synchronous FULL, every write takes its turn from the first statement on (BEGIN
IMMEDIATE), so none is refused halfway. PostgreSQL by URL, for more than one server. What a driver says when something
goes wrong becomes an ``AnalysisError`` here; nothing else of SQLAlchemy reaches a page.
"""

from __future__ import annotations

import errno
import logging
import os
import shutil
import sqlite3
import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event, exc

from analytics.errors import AnalysisError

LOG = logging.getLogger("regulars.store")
DEFAULT_FOLDER = Path(__file__).parent.parent / "out" / "store"
PATIENCE = 15.0  # seconds that a write waits for its turn
# Threads that read at once in one process; more wait for a connection, PATIENCE at most.
CONNECTIONS, MORE_CONNECTIONS = 5, 20


def now() -> datetime:
    """The moment, in UTC. Tests move it: call it as ``database.now()``."""
    return datetime.now(UTC)


class Turn:
    """One writer at a time within this process: SQLite's own waiting is a lottery among threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._writers: set[int] = set()

    @contextmanager
    def taken(self, alone: bool) -> Iterator[None]:
        """Raises ``AnalysisError("store_busy")``; a write within a write is a mistake of the caller."""
        me = threading.get_ident()
        if me in self._writers:
            raise RuntimeError("a write within a write")
        if alone and not self._lock.acquire(timeout=PATIENCE):
            raise AnalysisError("store_busy")
        self._writers.add(me)
        try:
            yield
        finally:
            self._writers.discard(me)
            if alone:
                self._lock.release()


@dataclass(frozen=True, slots=True, eq=False)
class Store:
    """Where saved work lives: ``engine`` is the database, ``folder`` holds the files (and SQLite's database)."""

    engine: sa.Engine
    folder: Path
    turn: Turn = field(default_factory=Turn, repr=False)

    @property
    def is_sqlite(self) -> bool:
        return self.engine.dialect.name == "sqlite"

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """A connection that sees one state of the database from its first statement to its last."""
        with (
            translated(self.folder),
            self.engine.execution_options(**_reading(self.engine)).connect() as connection,
            connection.begin(),
        ):
            yield connection

    @contextmanager
    def write(self) -> Iterator[sa.Connection]:
        """A connection in one transaction: all of it is on disk after the block, or none. Not to be nested."""
        with (
            translated(self.folder),
            self.turn.taken(alone=self.is_sqlite),
            self.engine.execution_options(regulars_write=True).begin() as connection,
        ):
            yield connection

    def close(self) -> None:
        """Let go of every connection; the store opens new ones when it is used again."""
        self.engine.dispose()


def _reading(engine: sa.Engine) -> dict[str, Any]:
    if engine.dialect.name == "sqlite":
        return {}  # every transaction of a write-ahead log reads one state
    return {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}


def open_store(folder: Path | None = None, url: str | None = None) -> Store:
    """The store of ``folder`` and ``url``, its tables brought to this version.

    Parameters
    ----------
    folder : None: of the environment (REGULARS_STORE), else ``out/store`` of the project. Made when absent.
    url : a SQLAlchemy URL of SQLite or PostgreSQL; None: REGULARS_DATABASE, else ``work.sqlite`` in the folder.

    Raises ``AnalysisError``: ``store_url``, ``store_newer`` (written by a newer version), ``store_unwritable``,
    ``store_unreachable``, ``store_busy``, ``store_full``, ``store_damaged``.
    """
    from store.migrations import bring_up

    folder = Path(folder or os.environ.get("REGULARS_STORE") or DEFAULT_FOLDER)
    with translated(folder):
        make_folder(folder)
        folder = folder.resolve()
        make_folder(folder / "blobs")
        given = url or os.environ.get("REGULARS_DATABASE")
        place = _url(given) if given else sa.URL.create("sqlite", database=str(folder / "work.sqlite"))
        if place.get_backend_name() == "sqlite":
            make_private(Path(str(place.database)))
        engine = make_engine(place)
        try:
            bring_up(engine)
        except BaseException:
            engine.dispose()
            raise
    return Store(engine, folder)


def make_folder(folder: Path) -> None:
    """The folder, for this user alone when it is made here."""
    for absent in reversed([part for part in (folder, *folder.parents) if not part.exists()]):
        absent.mkdir(mode=0o700, exist_ok=True)


def make_private(path: Path) -> None:
    """An empty file for this user alone, unless one is there."""
    make_folder(path.parent)
    os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))


def _url(text: str) -> sa.URL:
    try:
        url = sa.make_url(text)
    except exc.ArgumentError:
        raise AnalysisError("store_url") from None  # it may hold a password: it is not repeated
    if url.drivername in {"postgres", "postgresql"}:
        url = url.set(drivername="postgresql+psycopg")
    if url.drivername not in {"sqlite", "sqlite+pysqlite", "postgresql+psycopg"}:
        raise AnalysisError("store_url")
    if url.get_backend_name() == "sqlite" and (not url.database or url.database == ":memory:" or "uri" in url.query):
        raise AnalysisError("store_url")
    return url


def make_engine(url: sa.URL, *, pooled: bool = True) -> sa.Engine:
    """An engine with the settings that the store's promises rest on; ``pooled=False`` closes what it opened."""
    pool: dict[str, Any] = {"pool_size": CONNECTIONS, "max_overflow": MORE_CONNECTIONS, "pool_timeout": PATIENCE}
    if not pooled:
        pool = {"poolclass": sa.NullPool}
    shy = {"hide_parameters": True}  # no exception repeats a name or an address
    if url.get_backend_name() == "sqlite":
        engine = sa.create_engine(url, connect_args={"timeout": PATIENCE, "check_same_thread": False}, **pool, **shy)
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine
    limits = {"lock_timeout": PATIENCE, "statement_timeout": 4 * PATIENCE, "idle_in_transaction_session_timeout": 120}
    settings = " ".join(f"-c {name}={int(seconds * 1000)}" for name, seconds in limits.items())
    arguments = {"connect_timeout": 5, "options": f"{settings} -c TimeZone=UTC", "application_name": "regulars"}
    return sa.create_engine(url, connect_args=arguments, pool_pre_ping=pooled, pool_recycle=1800, **pool, **shy)


def _prepare_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None  # the driver begins nothing by itself: _begin_sqlite does
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")


def _begin_sqlite(connection: sa.Connection) -> None:
    writes = connection.get_execution_options().get("regulars_write", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


# ---- what goes wrong ---------------------------------------------------------------------------------------------

_FULL = {errno.ENOSPC, errno.EDQUOT}


@contextmanager
def translated(folder: Path) -> Iterator[None]:
    """Failures of the disk and of the database become an ``AnalysisError``; what happened goes to the log."""
    try:
        yield
    except (exc.SQLAlchemyError, OSError, sqlite3.Error) as problem:
        error = _meaning(problem, folder)
        LOG.warning("the store failed: %s (%s)%s", error.code, _kind(problem), _where(problem, error.code))
        raise error from problem


def _kind(problem: BaseException) -> str:
    original = getattr(problem, "orig", None) or problem
    told = getattr(original, "sqlstate", None) or getattr(original, "sqlite_errorname", None)
    return f"{type(original).__name__} {told or getattr(original, 'errno', None) or ''}".strip()


def _where(problem: BaseException, code: str) -> str:
    """For what nobody expects, the lines it came through: not its message, in which values of people may stand."""
    if code != "store_failed":
        return ""
    frames = traceback.extract_tb(problem.__traceback__)
    return "".join(f"\n  {Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in frames)


def _meaning(problem: BaseException, folder: Path) -> AnalysisError:
    if isinstance(problem, OSError):
        return (
            AnalysisError("store_full", megabytes=free_megabytes(folder)) if problem.errno in _FULL else _unwritable()
        )
    if isinstance(problem, exc.TimeoutError):
        return AnalysisError("store_busy")
    original = problem.orig if isinstance(problem, exc.DBAPIError) else problem
    if isinstance(original, sqlite3.Error):
        return _meaning_of_sqlite(original, folder)
    state = getattr(original, "sqlstate", None) or ""
    if state in {"53100", "53200"}:
        return AnalysisError("store_database_full")
    if state in {"55P03", "57014", "40001", "40P01", "53300", "25P03"}:
        return AnalysisError("store_busy")
    if state.startswith(("08", "28", "57P", "3D")) or (isinstance(problem, exc.OperationalError) and not state):
        return AnalysisError("store_unreachable")
    if state in {"25006", "42501"}:
        return _unwritable()
    return AnalysisError("store_failed")


def _meaning_of_sqlite(problem: sqlite3.Error, folder: Path) -> AnalysisError:
    code = getattr(problem, "sqlite_errorcode", 0) & 0xFF
    if code == sqlite3.SQLITE_FULL:
        return _full(folder)
    if code in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
        return AnalysisError("store_busy")
    if code in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}:
        return AnalysisError("store_damaged")
    if code in {sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM, sqlite3.SQLITE_IOERR}:
        return _unwritable()
    return AnalysisError("store_failed")


def _full(folder: Path) -> AnalysisError:
    return AnalysisError("store_full", megabytes=free_megabytes(folder))


def _unwritable() -> AnalysisError:
    return AnalysisError("store_unwritable")


def free_megabytes(folder: Path) -> int:
    """Megabytes that are left on the folder's disk, 0 where it does not say."""
    try:
        return shutil.disk_usage(folder).free // 1_000_000
    except OSError:
        return 0
