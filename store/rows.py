"""Rows of workspaces and people, as the store speaks of them: read by one statement, locked where they are changed."""

from __future__ import annotations

import dataclasses
import re
from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa

from analytics.errors import AnalysisError
from analytics.workspace import from_json
from store.model import Person, Record
from store.tables import PEOPLE, WORKSPACES

ID = re.compile(r"[0-9a-f]{32}")
_OF_PERSON = ("id", "kind", "name", "email")
OWNER, CHANGER = PEOPLE.alias("owner"), PEOPLE.alias("changer")
OWNERS = [OWNER.c[column].label(f"owning_{column}") for column in _OF_PERSON]
CHANGERS = [CHANGER.c[column].label(f"changing_{column}") for column in _OF_PERSON]


class Held(NamedTuple):
    """A stored workspace, and when it was last opened."""

    record: Record
    opened_at: datetime


def find(connection: sa.Connection, workspace_id: str, *, lock: bool = False) -> Held:
    """A workspace that is there, locked until the transaction ends where it shall be changed.

    Raises ``AnalysisError("workspace_unknown")``.
    """
    if lock and connection.dialect.name != "sqlite":  # which locks as a whole, from the first statement on
        # A statement of its own: one that waits sees the newest workspace, but not who has just been written down.
        connection.execute(sa.select(WORKSPACES.c.id).where(*present(workspace_id)).with_for_update())
    asked = (
        sa.select(WORKSPACES, *OWNERS, *CHANGERS)
        .join(OWNER, OWNER.c.id == WORKSPACES.c.owner_id)
        .join(CHANGER, CHANGER.c.id == WORKSPACES.c.changed_by)
        .where(*present(workspace_id))
    )
    row = connection.execute(asked).mappings().first()
    if row is None:
        raise AnalysisError("workspace_unknown")
    workspace, refused = from_json(row["body"].encode())
    record = Record(
        id=row["id"],
        name=row["name"],
        version=row["version"],
        workspace=dataclasses.replace(workspace, name=row["name"]),
        page=row["page"],
        owner=person_in(row, "owning"),
        changed_by=person_in(row, "changing"),
        changed_at=row["changed_at"],
        kept=row["kept"],
        refused=refused,
    )
    return Held(record, row["opened_at"])


def present(workspace_id: str) -> tuple[sa.ColumnElement[bool], ...]:
    """What is asked of a workspace that is there; an id that is none is not even looked up."""
    known = workspace_id if isinstance(workspace_id, str) and ID.fullmatch(workspace_id) else ""
    return WORKSPACES.c.id == known, WORKSPACES.c.deleted_at.is_(None)


def update(connection: sa.Connection, workspace_id: str, **values: object) -> None:
    connection.execute(WORKSPACES.update().where(*present(workspace_id)).values(values))


def person_in(row: sa.RowMapping, who: str) -> Person:
    return Person(*(row[f"{who}_{column}"] for column in _OF_PERSON))
