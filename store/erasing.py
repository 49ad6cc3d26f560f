"""For good, now: a workspace, everything of a person, or a file with all that was read from it and says its name.

What is erased leaves the database and the folder in one go, and the database is written anew without it (``scrub``):
a deleted row would else stay readable in the file. What no program here can reach is told by ``hosting/README.md``:
back-ups made before, and blocks of the disk that the system has not used again.
"""

from __future__ import annotations

import logging
import secrets
import sqlite3
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec
import sqlalchemy as sa

from analytics.errors import AnalysisError
from store import blobs, database
from store.database import Store
from store.retention import without_work
from store.tables import BLOBS, DEEDS, LINKS, MEMBERS, PEOPLE, READ_TABLES, UPLOADS, VERSIONS, WORKSPACES

LOG = logging.getLogger("regulars.store")
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
SCRUB_SECONDS = 15.0  # how long the database is asked for a moment alone


@dataclass(frozen=True, slots=True)
class Erased:
    """What is gone. ``scrubbed`` is false when the database could not be written anew at once: see ``scrub``."""

    n_workspaces: int
    n_bytes: int
    scrubbed: bool


def erase_workspace(store: Store, workspace_id: str, by: str) -> Erased:
    """Erase a workspace with its history, uploads, links and colleagues; raises ``AnalysisError("workspace_unknown")``.

    ``by`` is the id of the person who asks. A file that another workspace holds as well stays there.
    """

    def erase(connection: sa.Connection) -> int:
        _let_go(connection, sa.select(UPLOADS.c.digest).where(UPLOADS.c.workspace_id == workspace_id))
        n = connection.execute(sa.delete(WORKSPACES).where(WORKSPACES.c.id == workspace_id)).rowcount
        if not n:
            raise AnalysisError("workspace_unknown")
        return n

    return _erased(store, erase, "workspace_erased", by, workspace_id)


def erase_person(store: Store, person_id: str, by: str) -> Erased:
    """Erase all work that a person owns, and who they are: name, e-mail, and that colleagues let them in.

    What they changed in the work of others stays and names nobody. Raises ``AnalysisError("person_unknown")``.
    """

    def erase(connection: sa.Connection) -> int:
        email = connection.scalar(sa.select(PEOPLE.c.email).where(PEOPLE.c.id == person_id))
        if email is None:
            raise AnalysisError("person_unknown")
        theirs = sa.select(WORKSPACES.c.id).where(WORKSPACES.c.owner_id == person_id)
        _let_go(connection, sa.select(UPLOADS.c.digest).where(UPLOADS.c.workspace_id.in_(theirs)))
        n = connection.execute(sa.delete(WORKSPACES).where(WORKSPACES.c.owner_id == person_id)).rowcount
        if email:
            connection.execute(sa.delete(MEMBERS).where(MEMBERS.c.email == email.lower()))
        made = sa.and_(LINKS.c.created_by == person_id, LINKS.c.revoked_at.is_(None))
        connection.execute(sa.update(LINKS).where(made).values(revoked_at=database.now()))
        connection.execute(sa.delete(PEOPLE).where(PEOPLE.c.id == person_id, *without_work()))
        nobody = {"name": "", "email": "", "subject_digest": secrets.token_hex(32)}
        connection.execute(sa.update(PEOPLE).where(PEOPLE.c.id == person_id).values(**nobody))
        return n

    return _erased(store, erase, "person_erased", by)


def erase_upload(store: Store, digest: str, by: str) -> Erased:
    """Erase a file from every workspace: its bytes, the tables read from it, and its name and headings in all choices,
    those of earlier versions and of links included. Gives the number of workspaces that held it.
    """

    def erase(connection: sa.Connection) -> int:
        held = sa.select(UPLOADS.c.workspace_id).where(UPLOADS.c.digest == digest)
        ids = list(connection.scalars(held.distinct()))
        names = set(connection.scalars(sa.select(UPLOADS.c.name).where(UPLOADS.c.digest == digest)))
        _let_go(connection, sa.select(sa.literal(digest)))
        connection.execute(sa.delete(READ_TABLES).where(READ_TABLES.c.source_digest == digest))
        connection.execute(sa.delete(UPLOADS).where(UPLOADS.c.digest == digest))
        for table in (WORKSPACES, VERSIONS, LINKS):
            # A body that never named the file holds no digest of it; links and versions of deleted uploads may.
            for row in connection.execute(sa.select(table).where(table.c.body.contains(digest))).all():
                same = [column == row._mapping[column.name] for column in table.primary_key]
                connection.execute(sa.update(table).where(*same).values(body=without_source(row.body, digest)))
        called = names | {name.rpartition(".")[0] for name in names}
        connection.execute(
            sa.update(WORKSPACES).where(WORKSPACES.c.id.in_(ids), WORKSPACES.c.name.in_(called)).values(name="")
        )
        return len(ids)

    return _erased(store, erase, "upload_erased", by)


def close_links(store: Store, workspace_id: str, by: str) -> int:
    """Revoke every private link of a workspace at once; how many were open."""
    still = sa.and_(LINKS.c.workspace_id == workspace_id, LINKS.c.revoked_at.is_(None))
    with store.write() as connection:
        n = connection.execute(sa.update(LINKS).where(still).values(revoked_at=database.now())).rowcount
        if n:
            _enter(connection, "links_revoked", by, workspace_id, n)
    return n


def _let_go(connection: sa.Connection, digests: sa.Select[tuple[str]]) -> None:
    """Files, and what was read from them, without the grace in which they could be had back; who else holds one keeps
    it."""
    read = sa.select(READ_TABLES.c.digest).where(READ_TABLES.c.source_digest.in_(digests))
    both = BLOBS.c.digest.in_(digests) | BLOBS.c.digest.in_(read)
    connection.execute(sa.update(BLOBS).where(both).values(touched_at=LONG_AGO))


def without_source(body: str, digest: str) -> str:
    """Choices as JSON without the file of ``digest``: no source, no join with it, no mapping remembered from it."""
    whole: Any = msgspec.json.decode(body)
    choices: dict[str, Any] = whole.get("choices", {})
    gone = [source for source in choices.get("sources", ()) if source.get("digest") == digest]
    names = {source.get("name") for source in gone}
    signatures = {source.get("signature") for source in gone} - {"", None}
    keep: dict[str, Callable[[Any], bool]] = {
        "sources": lambda item: item.get("digest") != digest,
        "joins": lambda item: item.get("source") != digest,
        "remembered": lambda item: item.get("name") not in names and item.get("signature") not in signatures,
    }
    for field, stays in keep.items():
        if field in choices:
            choices[field] = [item for item in choices[field] if stays(item)]
    if choices.get("name") in names | {str(name).rpartition(".")[0] for name in names}:
        del choices["name"]
    return msgspec.json.format(msgspec.json.encode(whole, order="deterministic"), indent=2).decode()


def scrub(store: Store) -> bool:
    """Write the database anew, so that nothing deleted stays in its files; false when others kept it busy.

    SQLite: the file is rebuilt and its log emptied. PostgreSQL: the tables are rebuilt; its write-ahead log keeps old
    pages until it is recycled.
    """
    try:
        return _scrub_sqlite(store) if store.is_sqlite else _scrub_postgresql(store)
    except (sqlite3.OperationalError, sa.exc.OperationalError):
        LOG.warning("the database was busy: what was erased may stay in its free pages until the next scrub")
        return False


def _scrub_sqlite(store: Store) -> bool:
    connection = sqlite3.connect(str(store.engine.url.database), timeout=SCRUB_SECONDS, isolation_level=None)
    try:
        connection.execute("VACUUM")
        busy, _frames, _done = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        return not busy
    finally:
        connection.close()


def _scrub_postgresql(store: Store) -> bool:
    with store.engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
        connection.exec_driver_sql(f"SET lock_timeout = {int(SCRUB_SECONDS * 1000)}")
        connection.exec_driver_sql("SET statement_timeout = 0")
        try:
            for name in _rebuilt():
                connection.exec_driver_sql(f"VACUUM FULL {name}")
        finally:
            connection.invalidate()  # its limits are not those of the others
    return True


def _rebuilt() -> Iterable[str]:
    """The tables that hold what people wrote or brought."""
    return (table.name for table in (PEOPLE, WORKSPACES, VERSIONS, UPLOADS, READ_TABLES, LINKS, MEMBERS))


def _erased(store: Store, erase: Callable[[sa.Connection], int], deed: str, by: str, workspace_id: str = "") -> Erased:
    before = blobs.stored_bytes(store)
    with store.write() as connection:
        n = erase(connection)
        _enter(connection, deed, by, workspace_id, n)
    blobs.collect(store)
    return Erased(n, max(0, before - blobs.stored_bytes(store)), scrub(store))


def _enter(connection: sa.Connection, deed: str, by: str, workspace_id: str, count: int) -> None:
    line = {"id": uuid.uuid4().hex, "at": database.now(), "person_id": by, "workspace_id": workspace_id}
    connection.execute(sa.insert(DEEDS).values(**line, deed=deed, count=count))
