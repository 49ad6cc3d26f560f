"""A click starts the next run of a session while the last one has not stopped yet: both save, nothing is lost."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from analytics.segmentation import SegmentationSpec
from analytics.workspace import Workspace
from app_pages.ui.session import saving
from app_pages.ui.session.access import Visit
from store import people, workspaces
from store.access import decide
from store.database import open_store

SECONDS = 20


def choosing(n_segments: int) -> Workspace:
    return Workspace(segmentation=SegmentationSpec(n_segments=n_segments))


def test_the_second_run_does_not_take_the_first_for_somebody_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = open_store(tmp_path)
    me = people.local_person(store)
    begun = workspaces.create(store, me, choosing(2), "segmentation", secret=bytes(32))
    may = decide(me, begun, None, None, sign_in=False, owners=frozenset())
    here = Visit(me, may, begun.workspace, begun, sent=begun.workspace)
    chosen = [choosing(3)]
    writing, other_asked = threading.Event(), threading.Event()
    plain = workspaces.save

    def slow(*args: Any, **more: Any) -> Any:
        result = plain(*args, **more)
        if not writing.is_set():  # the first run: it is in the database, the session does not know yet
            writing.set()
            other_asked.wait(0.3)
        return result

    monkeypatch.setattr(workspaces, "save", slow)
    monkeypatch.setattr(saving, "visit", lambda: here)
    monkeypatch.setattr(saving, "store", lambda: store)
    monkeypatch.setattr(saving, "_bring_files", lambda record: None)
    monkeypatch.setattr(saving, "_in_memory", list)
    monkeypatch.setattr(saving, "_mine", lambda visit: chosen[0])
    first = threading.Thread(target=saving.save, args=("segmentation",))
    first.start()
    assert writing.wait(SECONDS)
    chosen[0] = choosing(4)
    second = threading.Thread(target=lambda: (saving.save("segmentation"), saving.others_saved(), other_asked.set()))
    second.start()
    first.join(SECONDS)
    second.join(SECONDS)
    assert here.conflict is None
    assert workspaces.load(store, begun.id).workspace == choosing(4)
    assert here.record is not None
    assert here.record.workspace == choosing(4)
    store.close()
