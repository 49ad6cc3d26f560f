"""The tables move to newer versions by themselves: Alembic's steps in ``versions``, taken at start under a lock.

A new step: change ``store/tables.py``, then ``python -m store.migrations "what changes"`` writes its draft.
"""

from __future__ import annotations

import sqlite3
import threading
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sa

from analytics.errors import AnalysisError

if TYPE_CHECKING:
    from alembic.config import Config

PLACE = Path(__file__).parent
HEAD = "0001"  # the newest step: a database that is there needs neither a lock nor Alembic
STARTING = 120.0  # seconds that a second process waits for the first to finish
LOCK_KEY = zlib.crc32(b"regulars migrations")
_ONE = threading.Lock()  # Alembic's steps speak to one database at a time in a process


def bring_up(engine: sa.Engine) -> None:
    """The database at the newest step, whoever else starts at the same moment; ``AnalysisError("store_newer")``."""
    from store.database import make_engine

    if _is_ready(engine):
        return
    # Its connections are its own: altering a table of SQLite wants foreign keys off, which no other one shall have.
    own = make_engine(engine.url, pooled=False)
    with _ONE, locked(own):
        if not _is_ready(own):
            _climb(own)
    engine.dispose()  # a connection from before knows nothing of the new tables and the log


def _is_ready(engine: sa.Engine) -> bool:
    with engine.connect() as connection:
        # A copy of a database need not have the write-ahead log that the original had.
        if engine.dialect.name == "sqlite" and connection.exec_driver_sql("PRAGMA journal_mode").scalar() != "wal":
            return False
        return _step_of(connection) == HEAD


def _step_of(connection: sa.Connection) -> str | None:
    """The step that the database is at; None: it is empty."""
    if not sa.inspect(connection).has_table("alembic_version"):
        return None
    step: str | None = connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()
    return step


def _climb(engine: sa.Engine) -> None:
    from alembic import command
    from alembic.script import ScriptDirectory

    config = configuration()
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    with engine.execution_options(regulars_write=True).connect() as connection:
        step = _step_of(connection)
        connection.rollback()
        if step is not None and step not in known:
            raise AnalysisError("store_newer")
        if engine.dialect.name == "sqlite":
            driver: sqlite3.Connection = connection.connection.driver_connection  # type: ignore[assignment]  # the driver of an engine of SQLite
            driver.execute("PRAGMA journal_mode = WAL")
            driver.execute("PRAGMA foreign_keys = OFF")
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def configuration() -> Config:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(PLACE).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config


@contextmanager
def locked(engine: sa.Engine) -> Iterator[None]:
    """One process at a time, of all that use this database. The lock goes with a process that dies."""
    from store.database import make_private

    if engine.dialect.name == "sqlite":
        # A second, empty database beside the first: its lock works wherever SQLite's does.
        place = Path(f"{engine.url.database}-starting")
        make_private(place)
        lock = sqlite3.connect(place, timeout=STARTING, isolation_level=None)
        try:
            lock.execute("BEGIN EXCLUSIVE")
            yield
        finally:
            lock.close()
        return
    with engine.connect() as connection:
        connection.execute(sa.text(f"SET lock_timeout = {int(STARTING * 1000)}"))
        connection.execute(sa.text(f"SET statement_timeout = {int(STARTING * 1000)}"))
        connection.execute(sa.text("SELECT pg_advisory_lock(:key)"), {"key": LOCK_KEY})
        connection.commit()
        yield
