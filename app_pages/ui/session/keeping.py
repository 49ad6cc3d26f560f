"""The store as sessions reach it: opened once per process; while it fails, it is not asked again at every turn."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from analytics.errors import AnalysisError
from store.database import Store, open_store

LOG = logging.getLogger("regulars")
PATIENCE = 5.0  # seconds for which a store that failed is left alone
_LOCK = threading.Lock()
_OPENED: dict[tuple[str, str], Store] = {}
_FAILED: dict[tuple[str, str], tuple[float, AnalysisError]] = {}
PASSING = frozenset({"store_busy", "store_no_room"})  # the next moment, or a smaller file, may be another


def store() -> Store:
    """The one store of this process; raises ``AnalysisError("store_...")`` while it cannot be had."""
    place = _place()
    _raise_recent(place)
    found = _OPENED.get(place)
    if found is not None:
        return found
    with _LOCK:
        if place not in _OPENED:
            _raise_recent(place)
            with noting():
                _OPENED[place] = open_store()
        return _OPENED[place]


@contextmanager
def noting() -> Iterator[None]:
    """Remember a failure of the store for a short while: a database that is away takes seconds to say so.

    Whatever else goes wrong in there is told as such a failure too: it never takes a page away.
    """
    try:
        yield
    except AnalysisError as error:
        if is_failure(error) and error.code not in PASSING:
            _FAILED[_place()] = (time.monotonic(), error)
        raise
    except Exception as problem:
        LOG.exception("the store failed")
        raise AnalysisError("store_failed") from problem


def is_failure(error: AnalysisError) -> bool:
    """Whether the store itself failed, and not what was asked of it."""
    return error.code.startswith("store_")


def last_failure() -> AnalysisError:
    """What the store said when it failed last."""
    failed = _FAILED.get(_place())
    return failed[1] if failed else AnalysisError("store_unreachable")


def _raise_recent(place: tuple[str, str]) -> None:
    failed = _FAILED.get(place)
    if failed is None:
        return
    if time.monotonic() - failed[0] < PATIENCE:
        raise AnalysisError(failed[1].code, **failed[1].params)
    _FAILED.pop(place, None)


def _place() -> tuple[str, str]:
    return os.environ.get("REGULARS_STORE", ""), os.environ.get("REGULARS_DATABASE", "")
