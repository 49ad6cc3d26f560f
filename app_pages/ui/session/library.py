"""All stored work of a person: list, name, keep, copy, delete, older versions, files in and out. Each verb asks first.

The verbs that change something are for callbacks: a refusal is told on the page and changes nothing.
"""

from __future__ import annotations

import dataclasses
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from analytics.errors import AnalysisError
from analytics.workspace import without_private
from app_pages.ui.session.access import decided, visit
from app_pages.ui.session.choices import MAX_NAMED, workspace
from app_pages.ui.session.keeping import noting, store
from app_pages.ui.session.notices import tell
from app_pages.ui.session.opening import UNKNOWN, adopt_record, leave, open_workspace
from store import blobs, exchange, workspaces
from store.model import Conflict, Deed, Listed, Person, Record, Upload, Version


def listing() -> tuple[Listed, ...]:
    """The person's own work and what is shared with them; raises ``AnalysisError("store_...")``."""
    who = visit().person
    if who is None or who is UNKNOWN:
        return ()
    with noting():
        return workspaces.listing(store(), who)


def deleted_listing() -> tuple[Listed, ...]:
    """The person's own deleted work that can be had back."""
    who = visit().person
    if who is None or who is UNKNOWN:
        return ()
    with noting():
        return workspaces.deleted_listing(store(), who)


def history(workspace_id: str) -> tuple[Version, ...]:
    """The versions of one workspace; raises ``AnalysisError``: ``workspace_unknown``, ``not_allowed``."""
    with noting():
        _asked(workspace_id, "look")
        return workspaces.history(store(), workspace_id)


def files_of(workspace_id: str) -> tuple[Upload, ...]:
    """The files of one workspace; raises ``AnalysisError``: ``workspace_unknown``, ``not_allowed``."""
    with noting():
        _asked(workspace_id, "see_rows")
        return blobs.uploads(store(), workspace_id)


def rename_one(workspace_id: str, name: str) -> None:
    with _telling():
        record, who = _asked(workspace_id, "delete")
        if name.strip() != record.name:
            _refresh(workspaces.rename(store(), workspace_id, name, who))


def keep_one(workspace_id: str, kept: bool) -> None:
    """Whether it outlasts the days of retention."""
    with _telling():
        _asked(workspace_id, "delete")
        _refresh(workspaces.keep(store(), workspace_id, kept))


def duplicate_one(workspace_id: str, name: str) -> None:
    """A copy of one's own, with the files where they are one's own too."""
    with _telling():
        record, who = _asked(workspace_id, "look")
        own = record.owner.id == who.id
        workspaces.duplicate(store(), workspace_id, who, with_uploads=own, name=name)


def delete_one(workspace_id: str) -> None:
    """Put it away; what is open now is left."""
    with _telling():
        _record, who = _asked(workspace_id, "delete")
        workspaces.delete(store(), workspace_id, who)
        here = visit()
        if here.record is not None and here.record.id == workspace_id:
            leave()


def undelete_one(workspace_id: str) -> None:
    with _telling():
        who = visit().person
        if who is None or workspace_id not in {item.id for item in workspaces.deleted_listing(store(), who)}:
            raise AnalysisError("workspace_unknown")
        workspaces.undelete(store(), workspace_id, who)


def restore_one(workspace_id: str, number: int) -> None:
    """Make an older version the newest one; where it is open, Undo leads back too."""
    with _telling():
        record, who = _asked(workspace_id, "save")
        here = visit()
        is_open = here.record is not None and here.record.id == workspace_id
        base = here.record.version if is_open and here.record is not None else record.version
        restored = workspaces.restore(store(), workspace_id, number, base, who)
        if isinstance(restored, Conflict):
            here.conflict = restored if is_open else None
            raise AnalysisError("saved_meanwhile")
        if restored.refused:
            tell(AnalysisError("link_partial", fields=", ".join(restored.refused[:MAX_NAMED])))
        if is_open:
            adopt_record(restored)


def export_one(workspace_id: str, app_version: str) -> Callable[[], bytes]:
    """What writes the choices of one workspace as a file, by the click on a download."""
    record, who = _asked(workspace_id, "export")
    names_files = decided(who, record, None).may("see_rows")
    choices = record.workspace if names_files else without_private(record.workspace)
    return lambda: exchange.export_workspace(choices, app_version=app_version)


def bring(name: str, data: bytes) -> None:
    """A new workspace from a file that was exported, and open it."""
    with _telling():
        here = visit()
        if here.person is None or not decided(here.person, None, None).may("upload"):
            raise AnalysisError("nobody_uploads", name=name)
        found = exchange.import_workspace(data)
        called = found.name or workspaces.checked_name(name.rpartition(".")[0] or name)[: workspaces.MOST_NAME]
        choices = dataclasses.replace(found.workspace, language=workspace().language)
        key = secrets.token_bytes(workspaces.SECRET_BYTES)
        made = workspaces.create(store(), here.person, choices, "upload", name=called, secret=key)
        for file_name, content in found.files:
            blobs.keep(store(), made.id, file_name, content)
        open_workspace(made.id)
        if found.refused:
            tell(AnalysisError("link_partial", fields=", ".join(found.refused[:MAX_NAMED])))


def _asked(workspace_id: str, deed: Deed) -> tuple[Record, Person]:
    """The workspace, if the person may do this with it by themselves, whatever link they came by."""
    who = visit().person
    record = workspaces.load(store(), workspace_id)
    access = decided(who, record, None)
    if who is None or access.role in ("out", "world"):
        raise AnalysisError("workspace_unknown")
    if not access.may(deed):
        raise AnalysisError("not_allowed", deed=deed)
    return record, who


def _refresh(changed: Record) -> None:
    """The name of what is open, where it is this one."""
    here = visit()
    if here.record is not None and here.record.id == changed.id:
        held = dataclasses.replace(here.record.workspace, name=changed.name)
        here.record = dataclasses.replace(here.record, name=changed.name, kept=changed.kept, workspace=held)


@contextmanager
def _telling() -> Iterator[None]:
    try:
        with noting():
            yield
    except AnalysisError as error:
        tell(error)
