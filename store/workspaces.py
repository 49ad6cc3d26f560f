"""Workspaces that last: create, load, save, share a list, go back to an older version, copy, delete.

Every save has its number and its own row. What the history shows of them is less: saves made by themselves, by one
person and within one ten minutes of the clock, are one entry. The rows behind an entry stay for an hour, so that
somebody else's late save still finds what it had started from, and are thinned out later (``thin``).

The name is the record's own (``rename``), whatever a saved Workspace says, and the language is the owner's: a colleague
who works in another one does not change it.
"""

from __future__ import annotations

import dataclasses
import re
import secrets
import uuid
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

import msgspec
import sqlalchemy as sa

from analytics.errors import AnalysisError
from analytics.i18n import Language
from analytics.workspace import MAX_JSON_BYTES, Workspace, from_json, to_json, without_private
from store import database, rows, versions
from store.database import Store
from store.listing import deeds as deeds
from store.listing import deleted_listing as deleted_listing
from store.listing import listing as listing
from store.merging import changed_fields
from store.model import Conflict, Erasure, Person, Record, Version
from store.people import ensure_within
from store.tables import DEEDS, ERASURES, UPLOADS, VERSIONS, WORKSPACES

MOST_NAME = 200
MOST_NOTE = 200
SECRET_BYTES = 32
SEEN_EVERY = timedelta(hours=1)  # so often a workspace's last visit is written down
RESTORED = "restored:"  # a note made by itself: the number that a version was restored from
OLDER_APP = "older_app"  # noted on a version that holds choices which are not accepted any more: it is always kept


# ---- the work itself ---------------------------------------------------------------------------------------------


def create(store: Store, owner: Person, workspace: Workspace, page: str, *, name: str = "", secret: bytes) -> Record:
    """A new stored workspace, its first version. A name given makes it kept.

    Raises ``AnalysisError``: ``name_unreadable``, ``name_too_long``, ``work_too_large``, and those of the store.
    """
    if len(secret) != SECRET_BYTES:
        raise ValueError("a secret has 32 bytes")
    with store.write() as connection:
        ensure_within(connection, owner)
        made = _insert(connection, owner, workspace, page, checked_name(name), secret, kept=bool(name))
        return rows.find(connection, made).record


def load(store: Store, workspace_id: str) -> Record:
    """The workspace at its newest version; that it was opened is noted at most once an hour.

    Raises ``AnalysisError("workspace_unknown")`` for what is not there, was deleted, or is no id at all.
    """
    with store.read() as connection:
        held = rows.find(connection, workspace_id)
    if database.now() - held.opened_at > SEEN_EVERY:
        # To look at saved work asks for no room on the disk.
        with suppress(AnalysisError):
            touch(store, workspace_id)
    return held.record


def touch(store: Store, workspace_id: str) -> None:
    """Note that the workspace is open: retention counts its days from here."""
    with store.write() as connection:
        rows.update(connection, workspace_id, opened_at=database.now())


def version_of(store: Store, workspace_id: str) -> tuple[int, Person, datetime]:
    """The number of the newest version, who saved it and when. Cheap: asked every few seconds.

    Raises ``AnalysisError("workspace_unknown")``.
    """
    asked = sa.select(WORKSPACES.c.version, WORKSPACES.c.changed_at, *rows.CHANGERS)
    asked = asked.join(rows.CHANGER, rows.CHANGER.c.id == WORKSPACES.c.changed_by).where(*rows.present(workspace_id))
    with store.read() as connection:
        row = connection.execute(asked).mappings().first()
    if row is None:
        raise AnalysisError("workspace_unknown")
    return row["version"], rows.person_in(row, "changing"), row["changed_at"]


def save(
    store: Store, workspace_id: str, base_version: int, workspace: Workspace, page: str, by: Person, note: str = ""
) -> Record | Conflict:
    """Save what somebody made of version ``base_version``: the Record as it is now, or a Conflict and nothing changed.

    Equal choices make no new version: neither does a save that is sent once more, because its answer was lost. A
    ``note`` names the version, and equal choices then name the newest one, where it has no other name.

    Raises ``AnalysisError``: ``workspace_unknown``, ``note_unreadable``, ``note_too_long``, ``work_too_large``, and
    those of the store.
    """
    return _save(store, workspace_id, base_version, workspace, page, by, _checked_line(note, "note", MOST_NOTE))


def restore(store: Store, workspace_id: str, number: int, base_version: int, by: Person) -> Record | Conflict:
    """Make an older version the newest one, as a version of its own with the note ``restored:<number>``.

    Raises ``AnalysisError``: ``workspace_unknown``, ``version_unknown``.
    """
    found, refused = _at(store, workspace_id, number)
    saved = _save(store, workspace_id, base_version, found, "", by, f"{RESTORED}{number}", deed="restored")
    return dataclasses.replace(saved, refused=refused) if isinstance(saved, Record) else saved


def _save(
    store: Store,
    workspace_id: str,
    base_version: int,
    workspace: Workspace,
    page: str,
    by: Person,
    note: str,
    deed: str = "",
) -> Record | Conflict:
    # Compared as both come back from the store: what is never stored is no change.
    stored, _refused = from_json(_body(workspace).encode())
    with store.write() as connection:
        held = rows.find(connection, workspace_id, lock=True)
        record = held.record
        changed = bool(changed_fields(record.workspace, stored))
        # An older version comes back in the language of today.
        spoken = stored if by.id == record.owner.id and not deed else record.workspace
        language = spoken.language
        if not changed and (not note or deed):
            return _in_language(connection, record, language)
        if base_version != record.version:
            return Conflict(versions.base(connection, workspace_id, base_version) or record.workspace, record)
        if by.id not in (record.owner.id, record.changed_by.id):
            ensure_within(connection, by)
        if not changed and versions.name_newest(connection, workspace_id, record.version, by, note):
            return record
        if record.refused:
            versions.mark(connection, workspace_id, record.version, OLDER_APP)
        made = dataclasses.replace(
            record,
            version=record.version + 1,
            workspace=dataclasses.replace(stored, language=language, name=record.name),
            page=_page(page) or record.page,
            changed_by=by,
            changed_at=database.now(),
            refused=(),
        )
        _write(connection, made, note)
        if deed:
            _log(connection, by, workspace_id, deed)
        return made


def _write(connection: sa.Connection, made: Record, note: str) -> None:
    """The newest version as a row of its own, and as what the workspace is."""
    values = {"body": _body(made.workspace), "page": made.page}
    moment = {"changed_at": made.changed_at, "changed_by": made.changed_by.id, "opened_at": made.changed_at}
    rows.update(connection, made.id, version=made.version, **moment, **values)
    row = {"workspace_id": made.id, "number": made.version, "by": made.changed_by.id, "at": made.changed_at}
    connection.execute(VERSIONS.insert().values({**row, **values, "note": note}))
    if made.version % versions.THIN_EVERY == 0:
        versions.thin_within(connection, made.id, made.changed_at)


def _in_language(connection: sa.Connection, record: Record, language: Language) -> Record:
    """The record in another language, which is no version. What an older app wrote is not written over for that."""
    if language == record.workspace.language:
        return record
    spoken = dataclasses.replace(record, workspace=dataclasses.replace(record.workspace, language=language))
    if not record.refused:
        rows.update(connection, record.id, body=_body(spoken.workspace))
    return spoken


# ---- its history -------------------------------------------------------------------------------------------------


def history(store: Store, workspace_id: str, limit: int = 100) -> tuple[Version, ...]:
    """The history, newest first: who, when, on which page, under which note, and what changed since the entry before.

    Raises ``AnalysisError("workspace_unknown")``.
    """
    with store.read() as connection:
        rows.find(connection, workspace_id)
        return versions.entries(connection, workspace_id, limit)


def at_version(store: Store, workspace_id: str, number: int) -> Workspace:
    """The choices of one version; raises ``AnalysisError``: ``workspace_unknown``, ``version_unknown``."""
    return _at(store, workspace_id, number)[0]


def _at(store: Store, workspace_id: str, number: int) -> tuple[Workspace, tuple[str, ...]]:
    with store.read() as connection:
        held = rows.find(connection, workspace_id)
        body = versions.body(connection, workspace_id, number)
    if body is None:
        raise AnalysisError("version_unknown", number=number)
    workspace, refused = from_json(body.encode())
    return dataclasses.replace(workspace, name=held.record.name), refused


def thin(store: Store, workspace_id: str) -> int:
    """Let go of versions that the history does not need any more; how many left."""
    with store.write() as connection:
        return versions.thin_within(connection, workspace_id, database.now())


# ---- the workspace as a whole ------------------------------------------------------------------------------------


def rename(store: Store, workspace_id: str, name: str, by: Person) -> Record:
    """Give it a name. What is named is kept.

    Raises ``AnalysisError``: ``workspace_unknown``, ``name_empty``, ``name_unreadable``, ``name_too_long``.
    """
    name = checked_name(name)
    if not name:
        raise AnalysisError("name_empty")
    with store.write() as connection:
        rows.find(connection, workspace_id, lock=True)
        rows.update(connection, workspace_id, name=name, kept=True)
        _log(connection, by, workspace_id, "renamed")
        return rows.find(connection, workspace_id).record


def keep(store: Store, workspace_id: str, kept: bool = True) -> Record:
    """Say whether it outlasts the days of retention; raises ``AnalysisError("workspace_unknown")``."""
    with store.write() as connection:
        rows.find(connection, workspace_id, lock=True)
        rows.update(connection, workspace_id, kept=kept)
        return rows.find(connection, workspace_id).record


def duplicate(store: Store, workspace_id: str, owner: Person, *, with_uploads: bool, name: str = "") -> Record:
    """A copy with a history of its own that belongs to ``owner`` and is kept.

    With uploads, which are shared and not copied, it has the key of the pseudonyms and the erasures of the first one:
    nobody who was erased comes back, and pseudonyms stay comparable. Only an owner copies so. A copy without them has a
    new key, and of somebody else's work it holds what a link would: no name of a file, no heading, no value of theirs.

    Raises ``AnalysisError``: ``workspace_unknown``, ``not_allowed``, and those of ``create``.
    """
    with store.write() as connection:
        record = rows.find(connection, workspace_id, lock=True).record
        own = record.owner.id == owner.id
        if with_uploads and not own:
            raise AnalysisError("not_allowed", deed="upload")
        ensure_within(connection, owner)
        name = checked_name(name) or record.name
        workspace = record.workspace if own else without_private(record.workspace)
        key = _secret(connection, workspace_id) if with_uploads else secrets.token_bytes(SECRET_BYTES)
        made = _insert(connection, owner, workspace, record.page, name, key, kept=True)
        if with_uploads:
            _copy_rows(connection, UPLOADS, workspace_id, made)
            _copy_rows(connection, ERASURES, workspace_id, made)
        _log(connection, owner, made, "copied")
        return rows.find(connection, made).record


def delete(store: Store, workspace_id: str, by: Person) -> None:
    """Put it away: it opens for nobody, and ``undelete`` has it back until retention takes it for good.

    Raises ``AnalysisError("workspace_unknown")``.
    """
    with store.write() as connection:
        rows.find(connection, workspace_id, lock=True)
        rows.update(connection, workspace_id, deleted_at=database.now())
        _log(connection, by, workspace_id, "deleted")


def undelete(store: Store, workspace_id: str, by: Person) -> Record:
    """Have a deleted workspace back; raises ``AnalysisError("workspace_unknown")`` when it is gone for good."""
    with store.write() as connection:
        asked = WORKSPACES.c.id == (workspace_id if rows.ID.fullmatch(workspace_id) else "")
        values = {"deleted_at": None, "opened_at": database.now()}
        connection.execute(WORKSPACES.update().where(asked, WORKSPACES.c.deleted_at.is_not(None)).values(values))
        record = rows.find(connection, workspace_id).record
        _log(connection, by, workspace_id, "undeleted")
        return record


# ---- the key of the pseudonyms, and who was erased ---------------------------------------------------------------


def secret_of(store: Store, workspace_id: str) -> bytes:
    """The key behind the pseudonyms; raises ``AnalysisError("workspace_unknown")``."""
    with store.read() as connection:
        return _secret(connection, workspace_id)


def erase(store: Store, workspace_id: str, erasure: Erasure, by: Person) -> None:
    """Erase a customer for good: no version and no undo brings them back.

    Raises ``AnalysisError("workspace_unknown")``.
    """
    with store.write() as connection:
        rows.find(connection, workspace_id, lock=True)
        row = {
            "id": uuid.uuid4().hex,
            "workspace_id": workspace_id,
            "world": erasure.world,
            "digests": msgspec.json.encode(erasure.digests).decode(),
            "headings": msgspec.json.encode(erasure.headings).decode(),
            "at": database.now(),
        }
        connection.execute(ERASURES.insert().values(row))
        _log(connection, by, workspace_id, "erased")


def erasures(store: Store, workspace_id: str) -> tuple[Erasure, ...]:
    """All who were erased, in their order."""
    asked = sa.select(ERASURES).where(ERASURES.c.workspace_id == workspace_id).order_by(ERASURES.c.at, ERASURES.c.id)
    with store.read() as connection:
        found = connection.execute(asked).mappings().all()
    kind = tuple[str, ...]
    return tuple(
        Erasure(
            row["world"],
            msgspec.json.decode(row["digests"], type=kind),
            msgspec.json.decode(row["headings"], type=kind),
        )
        for row in found
    )


def log_deed(store: Store, person: Person, workspace_id: str, deed: str, count: int = 0) -> None:
    """Write down that somebody did something with work or data: no figure, no id of a customer."""
    with store.write() as connection:
        _log(connection, person, workspace_id, deed, count)


# ---- names -------------------------------------------------------------------------------------------------------


def checked_name(name: str) -> str:
    """A name as it is stored: on one line, blanks collapsed. It is a person's own text: whoever draws it escapes it.

    Raises ``AnalysisError``: ``name_unreadable``, ``name_too_long``.
    """
    return _checked_line(name, "name", MOST_NAME)


def _checked_line(text: str, kind: str, most: int) -> str:
    line = " ".join(text.split())
    # What cannot be seen can deceive: marks that turn the direction of writing, above all. Joiners stay for emoji.
    if any(not (c.isprintable() or c in "\u200c\u200d") for c in line):
        raise AnalysisError(f"{kind}_unreadable")
    if len(line) > most:
        raise AnalysisError(f"{kind}_too_long", n=len(line), limit=most)
    return line


def _page(page: str) -> str:
    return page if re.fullmatch(r"[a-z_]{1,40}", page) else ""


# ---- rows --------------------------------------------------------------------------------------------------------


def _body(workspace: Workspace) -> str:
    body = to_json(workspace)
    if len(body) > MAX_JSON_BYTES:  # what is longer could not be read again
        raise AnalysisError("work_too_large", megabytes=round(len(body) / 1e6, 1), limit=round(MAX_JSON_BYTES / 1e6))
    return body.decode()


def _insert(
    connection: sa.Connection, owner: Person, workspace: Workspace, page: str, name: str, secret: bytes, *, kept: bool
) -> str:
    made, moment = uuid.uuid4().hex, database.now()
    values = {"body": _body(dataclasses.replace(workspace, name=name)), "page": _page(page)}
    row = {
        "id": made,
        "owner_id": owner.id,
        "name": name,
        "version": 1,
        "secret": secret,
        "kept": kept,
        "created_at": moment,
        "changed_at": moment,
        "changed_by": owner.id,
        "opened_at": moment,
    }
    connection.execute(WORKSPACES.insert().values({**row, **values}))
    first = {"workspace_id": made, "number": 1, "by": owner.id, "at": moment, "note": "", **values}
    connection.execute(VERSIONS.insert().values(first))
    return made


def _secret(connection: sa.Connection, workspace_id: str) -> bytes:
    found = connection.execute(sa.select(WORKSPACES.c.secret).where(*rows.present(workspace_id))).scalar()
    if found is None:
        raise AnalysisError("workspace_unknown")
    return bytes(found)


def _copy_rows(connection: sa.Connection, table: sa.Table, source: str, target: str) -> None:
    found = connection.execute(sa.select(table).where(table.c.workspace_id == source)).mappings().all()
    copies: list[dict[str, Any]] = [{**row, "workspace_id": target} for row in found]
    for copy in copies:
        if "id" in copy:
            copy["id"] = uuid.uuid4().hex
    if copies:
        connection.execute(table.insert(), copies)


def _log(connection: sa.Connection, person: Person, workspace_id: str, deed: str, count: int = 0) -> None:
    row = {"id": uuid.uuid4().hex, "at": database.now(), "person_id": person.id, "workspace_id": workspace_id}
    connection.execute(DEEDS.insert().values(deed=deed, count=count, **row))
