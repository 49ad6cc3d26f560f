"""Lists: a person's workspaces and those shared with them, and the book of deeds."""

from __future__ import annotations

import msgspec
import sqlalchemy as sa

from analytics.workspace import Workspace
from store import database
from store.database import Store
from store.model import Entry, Listed, Person, Role
from store.people import email_key
from store.rows import CHANGER, CHANGERS, OWNER, OWNERS, person_in
from store.tables import BLOBS, DEEDS, LINKS, MEMBERS, UPLOADS, WORKSPACES

_OTHERS = MEMBERS.alias("others")


def listing(store: Store, person: Person) -> tuple[Listed, ...]:
    """All workspaces of a person and those shared with their e-mail, the last changed first."""
    return _listed(store, person, WORKSPACES.c.deleted_at.is_(None), shared=True)


def deleted_listing(store: Store, person: Person) -> tuple[Listed, ...]:
    """The person's own deleted workspaces that can still be had back."""
    return _listed(store, person, WORKSPACES.c.deleted_at.is_not(None), shared=False)


def deeds(store: Store, limit: int = 200, workspace_id: str = "") -> tuple[Entry, ...]:
    """The last deeds, newest first; of one workspace where it is named."""
    asked = sa.select(DEEDS, *OWNERS).join(OWNER, OWNER.c.id == DEEDS.c.person_id, isouter=True)
    if workspace_id:
        asked = asked.where(DEEDS.c.workspace_id == workspace_id)
    with store.read() as connection:
        rows = connection.execute(asked.order_by(DEEDS.c.at.desc(), DEEDS.c.id).limit(limit)).mappings().all()
    return tuple(
        Entry(
            row["at"],
            person_in(row, "owning") if row["owning_id"] else None,
            row["workspace_id"],
            row["deed"],
            row["count"],
        )
        for row in rows
    )


def _listed(store: Store, person: Person, there: sa.ColumnElement[bool], *, shared: bool) -> tuple[Listed, ...]:
    moment = database.now()
    email = email_key(person.email) if shared and person.kind == "member" and person.email else ""
    member = (MEMBERS.c.workspace_id == WORKSPACES.c.id) & (MEMBERS.c.email == email)
    is_open = LINKS.c.revoked_at.is_(None) & (LINKS.c.until.is_(None) | (LINKS.c.until > moment))
    held = UPLOADS.join(BLOBS, BLOBS.c.digest == UPLOADS.c.digest)
    of_it = {table: table.c.workspace_id == WORKSPACES.c.id for table in (UPLOADS, LINKS, _OTHERS)}
    n, n_bytes = sa.func.count(), sa.func.coalesce(sa.func.sum(BLOBS.c.n_bytes), 0)
    counts = {
        "n_uploads": sa.select(n).select_from(UPLOADS).where(of_it[UPLOADS]),
        "n_bytes": sa.select(n_bytes).select_from(held).where(of_it[UPLOADS]),
        "n_links": sa.select(n).select_from(LINKS).where(of_it[LINKS], is_open),
        "n_members": sa.select(n).select_from(_OTHERS).where(of_it[_OTHERS]),
    }
    asked = (
        sa.select(
            WORKSPACES,
            *OWNERS,
            *CHANGERS,
            MEMBERS.c.role.label("member_role"),
            *(query.correlate(WORKSPACES).scalar_subquery().label(name) for name, query in counts.items()),
        )
        .join(OWNER, OWNER.c.id == WORKSPACES.c.owner_id)
        .join(CHANGER, CHANGER.c.id == WORKSPACES.c.changed_by)
        .join(MEMBERS, member, isouter=True)
        .where(there, (WORKSPACES.c.owner_id == person.id) | MEMBERS.c.role.is_not(None))
        .order_by(WORKSPACES.c.changed_at.desc(), WORKSPACES.c.id)
    )
    with store.read() as connection:
        rows = connection.execute(asked).mappings().all()
    return tuple(_one_listed(row, person) for row in rows)


def _one_listed(row: sa.RowMapping, person: Person) -> Listed:
    role: Role = "owner" if row["owner_id"] == person.id else row["member_role"]
    choices = msgspec.json.decode(row["body"]).get("choices", {})
    return Listed(
        id=row["id"],
        name=row["name"],
        role=role,
        version=row["version"],
        page=row["page"],
        world=str(choices.get("world", Workspace().world))[:40],
        owner=person_in(row, "owning"),
        changed_by=person_in(row, "changing"),
        changed_at=row["changed_at"],
        opened_at=row["opened_at"],
        kept=row["kept"],
        deleted_at=row["deleted_at"],
        n_uploads=row["n_uploads"],
        n_bytes=int(row["n_bytes"]),
        n_links=row["n_links"],
        n_members=row["n_members"],
    )
