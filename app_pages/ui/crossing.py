"""How values cross between the server and its workers: pickled, large frames as files that both sides map.

A frame of ten million lines would otherwise stand four times in the server: in the pipe, unpickled, in the store and
pickled again for the next step. Mapped, only the pages that somebody looks at are in memory, and they can be let go.
"""

from __future__ import annotations

import atexit
import io
import os
import pickle  # nosec B403 # only what this server's own workers wrote, never what a user sent
import shutil
import tempfile
import uuid
from functools import cache
from pathlib import Path
from typing import Any

import polars as pl

from analytics.mapped import map_frame, path_behind, write_frame

LARGE_CELLS = 4_000_000  # a frame with more cells than this travels as a file
LARGE_BYTES = 16_000_000  # and so does an upload of more bytes
_PLAIN = (pl.String, pl.Boolean, pl.Date, pl.Datetime)


@cache
def folder() -> str:
    """The folder of this server's files; removed when the server ends."""
    path = tempfile.mkdtemp(prefix="regulars-frames-")
    atexit.register(shutil.rmtree, path, ignore_errors=True)
    return path


def dumps(value: Any, into: str) -> bytes:
    """``value`` pickled; its large frames are written to the folder ``into`` and only named."""
    stream = io.BytesIO()
    _Pickler(stream, into).dump(value)
    return stream.getvalue()


def loads(data: bytes, *, owner: bool) -> Any:
    """The value of ``dumps``. The ``owner`` (the server) removes a frame's file with the last frame that maps it."""
    return _Unpickler(io.BytesIO(data), owner).load()


def is_mapped(frame: pl.DataFrame) -> bool:
    """Whether the frame lies in a file, not in memory."""
    return path_behind(frame) is not None


def _crosses_as_file(frame: pl.DataFrame) -> bool:
    if frame.height * frame.width <= LARGE_CELLS:
        return False
    return all(dtype.is_integer() or dtype.is_float() or isinstance(dtype, _PLAIN) for dtype in frame.dtypes)


class _Pickler(pickle.Pickler):
    def __init__(self, stream: io.BytesIO, into: str) -> None:
        super().__init__(stream, protocol=pickle.HIGHEST_PROTOCOL)
        self._into = into

    def persistent_id(self, value: Any) -> tuple[str, tuple[str, ...] | None] | None:
        if type(value) is bytes and len(value) > LARGE_BYTES:
            path = os.path.join(self._into, f"{uuid.uuid4().hex}.bytes")
            Path(path).write_bytes(value)
            return path, None
        if type(value) is not pl.DataFrame or not _crosses_as_file(value):
            return None
        path = path_behind(value)
        if path is None:
            path = os.path.join(self._into, f"{uuid.uuid4().hex}.arrow")
            write_frame(value, path)
        return path, tuple(value.columns)


class _Unpickler(pickle.Unpickler):
    def __init__(self, stream: io.BytesIO, owner: bool) -> None:
        super().__init__(stream)
        self._owner = owner

    def persistent_load(self, named: tuple[str, tuple[str, ...] | None]) -> pl.DataFrame | bytes:
        path, columns = named
        if columns is None:
            data = Path(path).read_bytes()
            os.unlink(path)
            return data
        return map_frame(path, owner=self._owner, columns=columns)
