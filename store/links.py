"""Private links: a random token with a role and an end, told once, stored as a digest, revoked at once.

The token has 256 random bits. Only its SHA-256 is stored: whoever reads the database cannot open a link, and a guess
cannot be led on by how long a look-up takes, for the digests of two like tokens have nothing in common.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import uuid
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from analytics.errors import AnalysisError
from analytics.workspace import Workspace, from_json, to_json
from store import database, people, workspaces
from store.access import is_valid
from store.database import Store
from store.model import Link, Person, Record, Role
from store.tables import DEEDS, LINKS, MEMBERS, PEOPLE, WORKSPACES

TOKEN_BYTES = 32
MOST_LABEL = 120
MOST_LINKS = 200  # of one workspace, the revoked ones left out
_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")  # TOKEN_BYTES as url-safe base 64
_PAGE = re.compile(r"[a-z][a-z_]{0,39}")


@dataclass(frozen=True, slots=True)
class OpenedLink:
    """What a link leads to: the newest ``record``, and the choices and the page as they were shared."""

    link: Link
    record: Record
    workspace: Workspace
    page: str


def create_link(
    store: Store,
    record_id: str,
    role: Role,
    by: Person,
    *,
    workspace: Workspace,
    page: str,
    until: datetime | None = None,
    label: str = "",
) -> tuple[Link, str]:
    """A new link to a workspace as it stands now, and its token, which cannot be had again.

    Raises ``AnalysisError``: ``link_role`` (only view and edit are given away), ``link_until_past``, ``link_page``,
    ``links_many`` (``limit``), ``not_allowed`` (``by`` is no owner), ``workspace_unknown``.
    """
    moment = database.now()
    if role not in ("view", "edit"):
        raise AnalysisError("link_role", role=str(role)[:20])
    if until is not None and until <= moment:
        raise AnalysisError("link_until_past")
    if not _PAGE.fullmatch(page):
        raise AnalysisError("link_page")
    token = secrets.token_urlsafe(TOKEN_BYTES)
    made = Link(
        id=uuid.uuid4().hex,
        workspace_id=record_id,
        role=role,
        created_at=moment,
        created_by=by,
        until=until,
        label=_plain(label)[:MOST_LABEL],
        page=page,
    )
    with store.write() as connection:
        people.ensure_within(connection, by)
        _require_owner(connection, record_id, by)
        held = sa.select(sa.func.count()).where(LINKS.c.workspace_id == record_id, LINKS.c.revoked_at.is_(None))
        if connection.execute(held).scalar_one() >= MOST_LINKS:
            raise AnalysisError("links_many", limit=MOST_LINKS)
        connection.execute(
            LINKS.insert().values(
                id=made.id,
                workspace_id=record_id,
                token_digest=_digest(token),
                role=role,
                label=made.label,
                page=page,
                body=to_json(workspace).decode(),
                created_at=moment,
                created_by=by.id,
                until=until,
            )
        )
        _log(connection, by, record_id, "link_made")
    return made, token


def open_link(store: Store, token: str) -> OpenedLink:
    """What a token leads to, and a note that it was opened.

    Raises ``AnalysisError``: ``link_unknown`` (never made, altered, or its workspace is gone), ``link_revoked``,
    ``link_expired``. The first says nothing about what there is.
    """
    found = _row(store, token)
    if found is None:
        raise AnalysisError("link_unknown")
    link, body = found
    moment = database.now()
    if link.revoked_at is not None:
        raise AnalysisError("link_revoked")
    if not is_valid(link, moment):
        raise AnalysisError("link_expired")
    try:
        record = workspaces.load(store, link.workspace_id)
    except AnalysisError as error:
        raise AnalysisError("link_unknown") from error
    with suppress(AnalysisError), store.write() as connection:  # a full disk keeps nobody from looking
        connection.execute(LINKS.update().where(LINKS.c.id == link.id).values(opened_at=moment))
        connection.execute(WORKSPACES.update().where(WORKSPACES.c.id == record.id).values(opened_at=moment))
    workspace, _refused = from_json(body.encode())
    return OpenedLink(link, record, workspace, link.page)


def is_open(store: Store, token: str) -> bool:
    """Whether a token opens at this moment. Cheap: asked at every run of a session that came by it."""
    found = _row(store, token)
    return found is not None and is_valid(found[0], database.now())


def links(store: Store, workspace_id: str) -> tuple[Link, ...]:
    """All links of a workspace, the newest first; revoked and ended ones too."""
    with store.read() as connection:
        rows = connection.execute(
            _joined().where(LINKS.c.workspace_id == workspace_id).order_by(LINKS.c.created_at.desc(), LINKS.c.id)
        )
        return tuple(_link(row) for row in rows.mappings())


def revoke(store: Store, link_id: str, by: Person) -> Link:
    """Close a link for good and at once. A second time changes nothing.

    Raises ``AnalysisError("link_unknown")`` and ``("not_allowed")`` when ``by`` owns nothing of its workspace.
    """
    with store.write() as connection:
        row = connection.execute(_joined().where(LINKS.c.id == link_id)).mappings().first()
        if row is None:
            raise AnalysisError("link_unknown")
        _require_owner(connection, row["workspace_id"], by)
        still = (LINKS.c.id == link_id) & LINKS.c.revoked_at.is_(None)
        if connection.execute(LINKS.update().where(still).values(revoked_at=database.now())).rowcount:
            _log(connection, by, row["workspace_id"], "link_revoked")
        return _link(connection.execute(_joined().where(LINKS.c.id == link_id)).mappings().one())


def _require_owner(connection: sa.Connection, workspace_id: str, by: Person) -> None:
    """The store's own check beside the session's: a link is made and closed by owners alone."""
    query = sa.select(WORKSPACES.c.owner_id).where(WORKSPACES.c.id == workspace_id, WORKSPACES.c.deleted_at.is_(None))
    owner = connection.execute(query).scalar()
    if owner is None:
        raise AnalysisError("workspace_unknown")
    if by.kind == "local" or owner == by.id:
        return
    if by.kind == "member" and by.email:
        mine = (MEMBERS.c.workspace_id == workspace_id) & (MEMBERS.c.email == by.email.lower())
        if connection.execute(sa.select(MEMBERS.c.role).where(mine)).scalar() == "owner":
            return
    raise AnalysisError("not_allowed", deed="share")


def _row(store: Store, token: str) -> tuple[Link, str] | None:
    """The link of a token whose workspace is there, and the choices as JSON."""
    if not isinstance(token, str) or not _TOKEN.fullmatch(token):
        return None
    digest = _digest(token)
    query = _joined().where(LINKS.c.token_digest == digest, WORKSPACES.c.deleted_at.is_(None))
    with store.read() as connection:
        row = connection.execute(query).mappings().first()
    if row is None or not hmac.compare_digest(row["token_digest"], digest):
        return None
    return _link(row), row["body"]


def _joined() -> sa.Select[Any]:
    """A link with who made it, and its workspace for what is asked of that."""
    maker = [PEOPLE.c[name].label(f"maker_{name}") for name in ("id", "kind", "name", "email")]
    return (
        sa.select(LINKS, *maker)
        .join(PEOPLE, PEOPLE.c.id == LINKS.c.created_by)
        .join(WORKSPACES, WORKSPACES.c.id == LINKS.c.workspace_id)
    )


def _link(row: sa.RowMapping) -> Link:
    maker = Person(row["maker_id"], row["maker_kind"], row["maker_name"], row["maker_email"])
    return Link(
        id=row["id"],
        workspace_id=row["workspace_id"],
        role=row["role"],
        created_at=row["created_at"],
        created_by=maker,
        until=row["until"],
        revoked_at=row["revoked_at"],
        label=row["label"],
        page=row["page"],
        opened_at=row["opened_at"],
    )


def _log(connection: sa.Connection, by: Person, workspace_id: str, deed: str) -> None:
    row = {"id": uuid.uuid4().hex, "at": database.now(), "person_id": by.id, "workspace_id": workspace_id}
    connection.execute(DEEDS.insert().values(**row, deed=deed))


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _plain(text: str) -> str:
    """A label on one line, without characters that cannot be seen."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())
