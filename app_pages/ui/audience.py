"""Who is here: the sessions of this process whose browser is connected, for the owner and for the daily sweep."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import psutil
from streamlit.runtime.scriptrunner import get_script_run_ctx

from app_pages.ui import session
from store.model import Person

FORGOTTEN = timedelta(hours=1)  # a browser that has been gone for so long does not come back to its session
_LOCK = threading.Lock()


@dataclass(frozen=True, slots=True)
class Present:
    """A session: since when, its last run, who it is as far as known, and the stored workspace that is open in it."""

    since: datetime
    seen: datetime
    person: Person | None
    workspace_id: str  # "" when what is open is not stored
    there: Callable[[], bool]


_SESSIONS: dict[str, Present] = {}
_BEGAN: list[int] = []


def began_bytes() -> int:
    """Memory of this process when the first session came, 0 before."""
    return _BEGAN[0] if _BEGAN else 0


def note() -> None:
    """This session runs now; once at the beginning of each run."""
    context = get_script_run_ctx()
    if context is None:
        return
    record, moment = session.record(), datetime.now(UTC)
    with _LOCK:
        if not _BEGAN:
            _BEGAN.append(psutil.Process().memory_info().rss)
        before = _SESSIONS.get(context.session_id)
        since = before.since if before is not None else moment
        there = before.there if before is not None else session.still_there()
        workspace_id = record.id if record is not None else ""
        _SESSIONS[context.session_id] = Present(since, moment, session.person(), workspace_id, there)


def present(moment: datetime | None = None) -> tuple[Present, ...]:
    """The sessions whose browser is connected, who came first before the others."""
    moment = moment or datetime.now(UTC)
    with _LOCK:
        for key, item in list(_SESSIONS.items()):
            if item.there():
                continue
            if moment - item.seen > FORGOTTEN:
                del _SESSIONS[key]
        here = [item for item in _SESSIONS.values() if item.there()]
    return tuple(sorted(here, key=lambda item: item.since))


def opened() -> frozenset[str]:
    """The stored workspaces that are open: they do not vanish, however long nobody clicks in them."""
    return frozenset(item.workspace_id for item in present() if item.workspace_id)
