"""Who owns and shares work: one's own machine, a browser with a cookie, somebody who signed in; and colleagues.

Nobody is written down for looking around: a ``Person`` comes from what identifies them, and their row appears with
``ensure``, at their first save. An id follows from the person alone, so two tabs that begin at once are one person.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from analytics.errors import AnalysisError
from store import database
from store.database import Store
from store.model import Kind, Person, Role
from store.tables import MEMBERS, PEOPLE, WORKSPACES

MAX_NAME = 120
MAX_EMAIL = 320
MAX_MEMBERS = 500
SEEN_EVERY = timedelta(hours=1)  # so often a person's last visit is written down
_EMAIL = re.compile(r"[^@\s\"<>(),:;\\\[\]]{1,64}@[^@\s\"<>(),:;\\\[\]]{1,250}\Z")
_LOWER = {ord(letter): letter.lower() for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"}


@dataclass(frozen=True, slots=True)
class Member:
    """A colleague who may open a workspace: the e-mail that a provider must vouch for, and their role."""

    email: str
    role: Role
    added_by: Person
    added_at: datetime


def local_person(store: Store) -> Person:
    """The one person of one's own machine."""
    return _known(store, Person(_identity("local"), "local"))


def browser_person(store: Store, token: str) -> Person:
    """The person who holds the cookie ``token``. The token itself is stored nowhere."""
    return _known(store, Person(_identity("browser", token), "browser"))


def member(store: Store | None, issuer: str, subject: str, name: str = "", email: str = "") -> Person:
    """Somebody who signed in: ``issuer`` and ``subject`` tell who, never the e-mail, which may pass to somebody else.

    Give ``email`` only where the provider says that it verified it: it opens the workspaces shared with it. What the
    provider says is all that is known of a member: the store is not asked, and may be absent.
    """
    identity = _identity("member", issuer, subject)
    return Person(identity, "member", clean_name(name), email_key(email) if email else "")


def ensure(store: Store, person: Person) -> Person:
    """Write the person down, where they are not yet, and that they were here. Call before the first save."""
    with store.write() as connection:
        ensure_within(connection, person)
    return person


def ensure_within(connection: sa.Connection, person: Person) -> None:
    """``ensure`` inside a transaction that is open already."""
    now = database.now()
    row = {"kind": person.kind, "subject_digest": _digest(person.id), "name": person.name, "email": person.email}
    connection.execute(_insert(connection, PEOPLE, {"id": person.id, **row, "created_at": now, "seen_at": now}))
    told = {"name": person.name, "email": person.email} if person.kind == "member" else {}
    stale = PEOPLE.c.seen_at < now - SEEN_EVERY
    if told:
        stale = sa.or_(stale, PEOPLE.c.name != person.name, PEOPLE.c.email != person.email)
    connection.execute(sa.update(PEOPLE).where(PEOPLE.c.id == person.id, stale).values(seen_at=now, **told))


def person(store: Store, person_id: str) -> Person:
    """The person of an id, as written down. Raises AnalysisError("person_unknown")."""
    found = people(store, (person_id,))
    if person_id not in found:
        raise AnalysisError("person_unknown")
    return found[person_id]


def people(store: Store, person_ids: Iterable[str]) -> dict[str, Person]:
    """The people of several ids; ids that nobody has are missing from the answer."""
    wanted = sorted(set(person_ids))
    with store.read() as connection:
        rows = connection.execute(sa.select(PEOPLE).where(PEOPLE.c.id.in_(wanted))).all()
    return {row.id: Person(row.id, cast(Kind, row.kind), row.name, row.email) for row in rows}


def set_name(store: Store, person: Person, name: str) -> Person:
    """Change what others see of somebody who did not sign in; who signed in is called as their provider says."""
    if person.kind == "member":
        raise ValueError("the name of a member comes from their provider")
    named = replace(person, name=clean_name(name))
    with store.write() as connection:
        ensure_within(connection, named)
        connection.execute(sa.update(PEOPLE).where(PEOPLE.c.id == person.id).values(name=named.name))
    return named


def add_member(store: Store, workspace_id: str, email: str, role: Role, by: Person) -> Member:
    """Let a colleague open a workspace, or change their role.

    Raises AnalysisError("email_odd" | "member_is_owner" | "too_many_members" | "workspace_unknown").
    """
    if role not in ("view", "edit", "owner"):
        raise ValueError(role)
    key = email_key(email)
    added = Member(key, role, by, database.now())
    with store.write() as connection:
        owner = connection.execute(
            sa.select(PEOPLE.c.email)
            .join(WORKSPACES, WORKSPACES.c.owner_id == PEOPLE.c.id)
            .where(WORKSPACES.c.id == workspace_id)
        ).scalar_one_or_none()
        if owner is None:
            raise AnalysisError("workspace_unknown")
        if owner == key:
            raise AnalysisError("member_is_owner")
        others = sa.select(sa.func.count()).where(MEMBERS.c.workspace_id == workspace_id, MEMBERS.c.email != key)
        if connection.execute(others).scalar_one() >= MAX_MEMBERS:
            raise AnalysisError("too_many_members", limit=MAX_MEMBERS)
        ensure_within(connection, by)
        where = {"workspace_id": workspace_id, "email": key}
        connection.execute(
            _insert(connection, MEMBERS, {**where, "role": role, "added_by": by.id, "added_at": added.added_at})
        )
        connection.execute(
            sa.update(MEMBERS).where(MEMBERS.c.workspace_id == workspace_id, MEMBERS.c.email == key).values(role=role)
        )
    return added


def remove_member(store: Store, workspace_id: str, email: str) -> bool:
    """Take a colleague out; at once. False where there was none."""
    with store.write() as connection:
        done = connection.execute(
            sa.delete(MEMBERS).where(MEMBERS.c.workspace_id == workspace_id, MEMBERS.c.email == email_key(email))
        )
    return done.rowcount > 0


def members(store: Store, workspace_id: str) -> tuple[Member, ...]:
    """The colleagues of a workspace, by e-mail."""
    asked = (
        sa.select(MEMBERS.c.email, MEMBERS.c.role, MEMBERS.c.added_at, PEOPLE.c.id, PEOPLE.c.kind, PEOPLE.c.name)
        .add_columns(PEOPLE.c.email.label("by_email"))
        .join(PEOPLE, PEOPLE.c.id == MEMBERS.c.added_by)
        .where(MEMBERS.c.workspace_id == workspace_id)
        .order_by(MEMBERS.c.email)
    )
    with store.read() as connection:
        rows = connection.execute(asked).all()
    return tuple(
        Member(
            row.email, cast(Role, row.role), Person(row.id, cast(Kind, row.kind), row.name, row.by_email), row.added_at
        )
        for row in rows
    )


def role_of(store: Store, workspace_id: str, person: Person | None) -> Role | None:
    """The role that a workspace gives a colleague; None for everybody else, its owner included."""
    if person is None or person.kind != "member" or not person.email:
        return None
    asked = sa.select(MEMBERS.c.role).where(MEMBERS.c.workspace_id == workspace_id, MEMBERS.c.email == person.email)
    with store.read() as connection:
        return cast("Role | None", connection.execute(asked).scalar_one_or_none())


def clean_name(name: str) -> str:
    """A name as others may see it: one line, no control or direction marks, at most 120 characters."""
    text = unicodedata.normalize("NFC", str(name))
    shown = "".join(" " if letter.isspace() else letter for letter in text)
    # Direction marks and other unseen letters could make one name look like another.
    kept = (letter for letter in shown if letter == " " or unicodedata.category(letter)[0] != "C")
    return " ".join("".join(kept).split())[:MAX_NAME].rstrip()


def email_key(email: str) -> str:
    """An e-mail as it is compared: in lower case. Raises AnalysisError("email_odd").

    Other capitals than A to Z are refused: the Kelvin sign in lower case is a "k", and one address passed for another.
    """
    text = email.strip().translate(_LOWER)
    unseen = any(unicodedata.category(letter)[0] == "C" for letter in text)
    if len(text) > MAX_EMAIL or not _EMAIL.match(text) or unseen or text != text.lower():
        raise AnalysisError("email_odd")
    return text


def _known(store: Store, person: Person) -> Person:
    return people(store, (person.id,)).get(person.id, person)


def _identity(kind: Kind, *parts: str) -> str:
    """An id that follows from the parts alone; their lengths keep ("a", "bc") and ("ab", "c") apart."""
    said = "".join(f"{len(part)}:{part}" for part in (kind, *parts))
    return hashlib.sha256(said.encode()).hexdigest()[:32]


def _digest(person_id: str) -> str:
    return hashlib.sha256(person_id.encode()).hexdigest()


def _insert(connection: sa.Connection, table: sa.Table, row: dict[str, Any]) -> sa.Executable:
    """Insert unless it is there. Both databases know this, each through its own words."""
    if connection.dialect.name == "postgresql":
        return postgresql.insert(table).values(**row).on_conflict_do_nothing()
    return sqlite.insert(table).values(**row).on_conflict_do_nothing()
