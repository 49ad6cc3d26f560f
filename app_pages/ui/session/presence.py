"""Which sessions of this process have the same stored workspace open."""

from __future__ import annotations

import threading
import time

from streamlit import runtime
from streamlit.runtime.scriptrunner import get_script_run_ctx

GONE_SECONDS = 3600.0  # a session that did nothing for so long is not asked about
_LOCK = threading.Lock()
_OPEN: dict[str, dict[str, float]] = {}


def note(workspace_id: str) -> None:
    """This session has it open."""
    context = get_script_run_ctx()
    if context is None:
        return
    moment = time.monotonic()
    with _LOCK:
        for held in _OPEN.values():
            held.pop(context.session_id, None)
        _OPEN.setdefault(workspace_id, {})[context.session_id] = moment
        for stale in [key for key, held in _OPEN.items() if not held or max(held.values()) < moment - GONE_SECONDS]:
            del _OPEN[stale]


def is_elsewhere(workspace_id: str) -> bool:
    """Whether another session has it open whose browser is still there."""
    context = get_script_run_ctx()
    if context is None or not runtime.exists():
        return False
    with _LOCK:
        others = [session for session in _OPEN.get(workspace_id, {}) if session != context.session_id]
    return any(runtime.get_instance().is_active_session(session) for session in others)
