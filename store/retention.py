"""What vanishes by itself, and when: work that nobody kept and nobody opened for the days of retention.

A workspace that was named or kept stays with its uploads until somebody deletes it. What was deleted can be had back
for the same days. Everything goes together: the choices with their history, the uploads, links and colleagues.
"""

from __future__ import annotations

import logging
import os
import threading
import uuid
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from analytics.errors import AnalysisError
from store import blobs, database
from store.database import Store
from store.holdings import Holding
from store.tables import BLOBS, DEEDS, LINKS, MEMBERS, PEOPLE, READ_TABLES, UPLOADS, VERSIONS, WORKSPACES

LOG = logging.getLogger("regulars")
KEEP_DAYS = 14  # the variable REGULARS_KEEP_DAYS says otherwise
MOST_DAYS = 3650
DEED_DAYS = 400  # the list of deeds goes back so far
EVERY = timedelta(days=1)
TURN_SECONDS = 3600.0  # between two looks at whether a sweep is due; what is open is noted as often
AGAIN_SECONDS = 60.0  # after a failure
SWEEP = "swept"
NOBODY = ""  # the person behind what the server does by itself
_TURN = 0x5245_4755  # of the lock that one process holds while it looks whether a sweep is due


@dataclass(frozen=True, slots=True)
class Swept:
    """What a sweep let go of. ``n_bytes`` are bytes of files; ``n_uploads`` counts files in these workspaces."""

    n_workspaces: int = 0
    n_uploads: int = 0
    n_people: int = 0
    n_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Sizes:
    """What the store holds, in numbers and bytes. ``free_bytes`` of ``disk_bytes`` are free where its files lie."""

    n_workspaces: int
    n_kept: int
    n_deleted: int
    n_people: int
    n_links: int  # open ones
    n_uploads: int  # files, equal ones once
    upload_bytes: int
    n_tables: int
    table_bytes: int
    database_bytes: int
    free_bytes: int
    disk_bytes: int


def keep_days() -> int:
    """The days of retention of this server. Raises ``AnalysisError("keep_days_unusable")``."""
    said = os.environ.get("REGULARS_KEEP_DAYS", "").strip() or str(KEEP_DAYS)
    if not said.isdecimal() or not 1 <= int(said) <= MOST_DAYS:
        raise AnalysisError("keep_days_unusable", value=said[:20], most=MOST_DAYS)
    return int(said)


def leaving(held: Iterable[Holding], until: datetime | None = None) -> tuple[Holding, ...]:
    """Of what the store holds, what will vanish (by ``until``), the first to go first."""
    going = [item for item in held if item.goes_at is not None and (until is None or item.goes_at <= until)]
    return tuple(sorted(going, key=lambda item: (item.goes_at or datetime.max, item.workspace_id)))


def sweep(store: Store, days: int, moment: datetime) -> Swept:
    """Let go of what is over its days at ``moment``, of people without work, and of files that nobody has any more.

    A workspace that is opened while this runs stays: one statement looks and deletes.
    """
    before = blobs.stored_bytes(store)
    cutoff = moment - timedelta(days=days)
    over = sa.or_(
        WORKSPACES.c.deleted_at < cutoff,
        sa.and_(~WORKSPACES.c.kept, WORKSPACES.c.opened_at < cutoff, WORKSPACES.c.changed_at < cutoff),
    )
    with store.write() as connection:
        gone = sa.select(WORKSPACES.c.id).where(over)
        n_uploads = connection.scalar(
            sa.select(sa.func.count()).select_from(UPLOADS).where(UPLOADS.c.workspace_id.in_(gone))
        )
        n_workspaces = connection.execute(sa.delete(WORKSPACES).where(over)).rowcount
        n_people = connection.execute(
            sa.delete(PEOPLE).where(PEOPLE.c.kind != "local", PEOPLE.c.seen_at < cutoff, *without_work())
        ).rowcount
        connection.execute(sa.delete(DEEDS).where(DEEDS.c.at < moment - timedelta(days=DEED_DAYS)))
    blobs.collect(store)
    return Swept(n_workspaces, n_uploads or 0, n_people, max(0, before - blobs.stored_bytes(store)))


def without_work() -> tuple[sa.ColumnElement[bool], ...]:
    """Conditions on a row of people: no workspace, version, link or colleague names them."""
    named = (
        WORKSPACES.c.owner_id,
        WORKSPACES.c.changed_by,
        VERSIONS.c.by,
        LINKS.c.created_by,
        MEMBERS.c.added_by,
    )
    return tuple(~sa.exists().where(column == PEOPLE.c.id) for column in named)


def last_sweep(store: Store) -> datetime | None:
    """When a sweep was last begun; None where none ever was."""
    with store.read() as connection:
        found: datetime | None = connection.scalar(sa.select(sa.func.max(DEEDS.c.at)).where(DEEDS.c.deed == SWEEP))
    return found


def sweep_now(store: Store, days: int, moment: datetime, by: str = NOBODY) -> Swept:
    """``sweep``, and a line about it in the list of deeds."""
    line = _note_sweep(store, moment, by)
    return _told(store, line, sweep(store, days, moment))


def sweep_when_due(
    store: Store, moment: datetime, opened: Collection[str] = (), days: int | None = None
) -> Swept | None:
    """One turn of the daily round: what is ``opened`` in a live session is noted as open; a sweep when one is due.

    ``opened`` are ids of workspaces. Of several processes on one database, one sweeps. None: no sweep was due.
    """
    days = keep_days() if days is None else days
    with store.write() as connection:
        if opened:
            connection.execute(
                sa.update(WORKSPACES)
                .where(WORKSPACES.c.id.in_(list(opened)), WORKSPACES.c.opened_at < moment)
                .values(opened_at=moment)
            )
        if connection.dialect.name == "postgresql" and not connection.scalar(
            sa.select(sa.func.pg_try_advisory_xact_lock(_TURN))
        ):
            return None  # another process is looking at this very moment
        last: datetime | None = connection.scalar(sa.select(sa.func.max(DEEDS.c.at)).where(DEEDS.c.deed == SWEEP))
        if last is not None and moment - last < EVERY:
            return None
        line = _enter_sweep(connection, moment, NOBODY)
    return _told(store, line, sweep(store, days, moment))


def run_daily(
    store: Callable[[], Store],
    opened: Callable[[], Collection[str]] = tuple,
    *,
    clock: Callable[[], datetime] | None = None,
    turn_seconds: float = TURN_SECONDS,
    again_seconds: float = AGAIN_SECONDS,
) -> Callable[[], None]:
    """Look in a thread of its own, now and every hour, whether a sweep is due; gives what ends it.

    ``store`` opens the store, ``opened`` tells which workspaces are open in sessions of this process. A failure of
    either, or of the sweep, is logged and tried again.
    """
    ended = threading.Event()

    def turns() -> None:
        wait = 0.0
        while not ended.wait(wait):
            wait = turn_seconds
            try:
                swept = sweep_when_due(store(), (clock or database.now)(), opened())
                if swept is not None:
                    LOG.info("swept: %d workspaces, %d bytes", swept.n_workspaces, swept.n_bytes)
            except Exception as problem:
                LOG.warning("the sweep failed and is tried again: %s", type(problem).__name__)
                wait = again_seconds

    thread = threading.Thread(target=turns, daemon=True, name="retention")
    thread.start()

    def end() -> None:
        ended.set()
        thread.join(10)

    return end


def sizes(store: Store) -> Sizes:
    """What the store holds."""

    def number(connection: sa.Connection, query: Any) -> int:
        return int(connection.scalar(query) or 0)

    def rows(table: sa.Table, *where: Any) -> Any:
        return sa.select(sa.func.count()).select_from(table).where(*where)

    live = WORKSPACES.c.deleted_at.is_(None)
    moment = database.now()
    is_upload = BLOBS.c.digest.in_(sa.select(UPLOADS.c.digest))
    is_table = sa.and_(BLOBS.c.digest.in_(sa.select(READ_TABLES.c.digest)), ~is_upload)
    held = sa.select(sa.func.sum(BLOBS.c.n_bytes))
    with store.read() as connection:
        counts = {
            "n_workspaces": number(connection, rows(WORKSPACES, live)),
            "n_kept": number(connection, rows(WORKSPACES, live, WORKSPACES.c.kept)),
            "n_deleted": number(connection, rows(WORKSPACES, ~live)),
            "n_people": number(connection, rows(PEOPLE)),
            "n_links": number(
                connection,
                rows(LINKS, LINKS.c.revoked_at.is_(None), sa.or_(LINKS.c.until.is_(None), LINKS.c.until > moment)),
            ),
            "n_uploads": number(connection, rows(BLOBS, is_upload)),
            "upload_bytes": number(connection, held.where(is_upload)),
            "n_tables": number(connection, rows(BLOBS, is_table)),
            "table_bytes": number(connection, held.where(is_table)),
            "database_bytes": _database_bytes(connection),
        }
    disk = os.statvfs(store.folder)
    return Sizes(**counts, free_bytes=disk.f_bavail * disk.f_frsize, disk_bytes=disk.f_blocks * disk.f_frsize)


def _database_bytes(connection: sa.Connection) -> int:
    if connection.dialect.name == "postgresql":
        return int(connection.scalar(sa.select(sa.func.pg_database_size(sa.func.current_database()))) or 0)
    path = connection.engine.url.database or ""
    parts = [Path(path + ending) for ending in ("", "-wal", "-shm")]
    return sum(part.stat().st_size for part in parts if path and part.is_file())


def _note_sweep(store: Store, moment: datetime, by: str) -> str:
    with store.write() as connection:
        return _enter_sweep(connection, moment, by)


def _enter_sweep(connection: sa.Connection, moment: datetime, by: str) -> str:
    line = uuid.uuid4().hex
    connection.execute(
        sa.insert(DEEDS).values(id=line, at=moment.astimezone(UTC), person_id=by, workspace_id="", deed=SWEEP, count=0)
    )
    return line


def _told(store: Store, line: str, swept: Swept) -> Swept:
    with store.write() as connection:
        connection.execute(sa.update(DEEDS).where(DEEDS.c.id == line).values(count=swept.n_workspaces))
    return swept
