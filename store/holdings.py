"""What the store holds, listed for whoever operates it: workspaces, files and people, never what is in them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from store.database import Store
from store.model import Person
from store.tables import BLOBS, LINKS, PEOPLE, UPLOADS, WORKSPACES

MOST = 2000


@dataclass(frozen=True, slots=True)
class Holding:
    """A stored workspace. At ``goes_at`` it vanishes unless somebody opens or keeps it; None: it was kept."""

    workspace_id: str
    name: str
    owner: Person
    opened_at: datetime
    goes_at: datetime | None
    deleted: bool
    n_uploads: int
    n_bytes: int
    n_links: int  # not revoked


@dataclass(frozen=True, slots=True)
class HeldFile:
    """An uploaded file under the name it came with last, and the number of workspaces that hold it."""

    digest: str
    name: str
    n_bytes: int
    n_workspaces: int
    came_at: datetime


@dataclass(frozen=True, slots=True)
class HeldPerson:
    """Somebody of whom there is a row: the number of their own workspaces, and when they were last here."""

    person: Person
    n_workspaces: int
    seen_at: datetime


def holdings(store: Store, days: int, most: int | None = MOST) -> tuple[Holding, ...]:
    """All stored workspaces, the last opened first; ``days`` are those of retention."""
    held = (
        sa.select(
            UPLOADS.c.workspace_id,
            sa.func.count().label("n_uploads"),
            sa.func.sum(BLOBS.c.n_bytes).label("n_bytes"),
        )
        .join(BLOBS, BLOBS.c.digest == UPLOADS.c.digest)
        .group_by(UPLOADS.c.workspace_id)
        .subquery()
    )
    n_links = (
        sa.select(sa.func.count())
        .select_from(LINKS)
        .where(LINKS.c.workspace_id == WORKSPACES.c.id, LINKS.c.revoked_at.is_(None))
        .scalar_subquery()
    )
    wanted = [
        WORKSPACES.c[name] for name in ("id", "name", "owner_id", "opened_at", "changed_at", "deleted_at", "kept")
    ]
    query = (
        sa.select(
            *wanted,
            PEOPLE.c.kind,
            PEOPLE.c.name.label("who"),
            PEOPLE.c.email,
            held.c.n_uploads,
            held.c.n_bytes,
            n_links.label("n_links"),
        )
        .join(PEOPLE, PEOPLE.c.id == WORKSPACES.c.owner_id)
        .outerjoin(held, held.c.workspace_id == WORKSPACES.c.id)
        .order_by(WORKSPACES.c.opened_at.desc(), WORKSPACES.c.id)
        .limit(most)
    )
    with store.read() as connection:
        rows = connection.execute(query).all()
    stay = timedelta(days=days)
    return tuple(
        Holding(
            row.id,
            row.name,
            Person(row.owner_id, row.kind, row.who, row.email),
            row.opened_at,
            row.deleted_at + stay
            if row.deleted_at
            else None
            if row.kept
            else max(row.opened_at, row.changed_at) + stay,
            row.deleted_at is not None,
            row.n_uploads or 0,
            int(row.n_bytes or 0),
            row.n_links,
        )
        for row in rows
    )


def files(store: Store, most: int = MOST) -> tuple[HeldFile, ...]:
    """All uploaded files, the largest first."""
    query = (
        sa.select(
            BLOBS.c.digest,
            sa.func.max(UPLOADS.c.name).label("name"),
            BLOBS.c.n_bytes,
            sa.func.count().label("n_workspaces"),
            sa.func.max(UPLOADS.c.at).label("came_at"),
        )
        .join(UPLOADS, UPLOADS.c.digest == BLOBS.c.digest)
        .group_by(BLOBS.c.digest, BLOBS.c.n_bytes)
        .order_by(BLOBS.c.n_bytes.desc(), BLOBS.c.digest)
        .limit(most)
    )
    with store.read() as connection:
        return tuple(HeldFile(*row) for row in connection.execute(query).all())


def persons(store: Store, most: int = MOST) -> tuple[HeldPerson, ...]:
    """Everybody of whom there is a row, who was here last first."""
    owned = sa.select(sa.func.count()).select_from(WORKSPACES).where(WORKSPACES.c.owner_id == PEOPLE.c.id)
    query = (
        sa.select(PEOPLE, owned.scalar_subquery().label("n_workspaces"))
        .order_by(PEOPLE.c.seen_at.desc(), PEOPLE.c.id)
        .limit(most)
    )
    with store.read() as connection:
        rows = connection.execute(query).all()
    return tuple(
        HeldPerson(Person(row.id, row.kind, row.name, row.email), row.n_workspaces, row.seen_at) for row in rows
    )
