"""Frames that lie in a file: mapped, so that only what is looked at is in memory."""

from __future__ import annotations

import threading
import weakref
from collections import Counter
from pathlib import Path

import polars as pl

_lock = threading.RLock()
_path_of: dict[int, str] = {}  # id of a living frame -> the file behind it
_users: Counter[str] = Counter()  # file -> living frames of this process that map it


def map_frame(path: str, *, owner: bool) -> pl.DataFrame:
    """The frame in an uncompressed Arrow file, without reading it.

    The ``owner`` removes the file with the last frame of this process that maps it; what was taken from the frame
    lives on.
    """
    import pyarrow as pa

    with pa.memory_map(path) as source:
        frame = pl.from_arrow(pa.ipc.open_file(source).read_all(), rechunk=False)
    assert isinstance(frame, pl.DataFrame)
    with _lock:
        _path_of[id(frame)] = path
        _users[path] += 1
    weakref.finalize(frame, _forget, id(frame), path, owner)
    return frame


def path_behind(frame: pl.DataFrame) -> str | None:
    """The file in which ``frame`` lies, None for a frame in memory."""
    with _lock:
        return _path_of.get(id(frame))


def _forget(identity: int, path: str, owner: bool) -> None:
    with _lock:
        _path_of.pop(identity, None)
        _users[path] -= 1
        last = not _users[path]
        if last:
            del _users[path]
    if last and owner:
        Path(path).unlink(missing_ok=True)
