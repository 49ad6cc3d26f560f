"""Frames and columns that lie in files: mapped, so that only what is looked at is in memory.

Ten million order lines are two gigabytes and more. In a process that says where (``keeping``), large columns are
written down as soon as they are made, work goes piece by piece, and the pages behind are let go: private memory stays
small, and what remains of the rest is the system's cache.
"""

from __future__ import annotations

import mmap
import os
import threading
import uuid
import weakref
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from itertools import accumulate, chain, islice
from pathlib import Path
from typing import TypeVar

import polars as pl

PIECE = 100_000  # rows looked at together, and written together: columns whose parts differ would be copied
LARGE = 16_000_000  # bytes; a smaller column stays in memory
_PLAIN = (pl.String, pl.Date, pl.Datetime)

Data = TypeVar("Data", pl.DataFrame, pl.Series)
_folder: ContextVar[str | None] = ContextVar("folder", default=None)
_lock = threading.RLock()
_path_of: dict[int, str] = {}  # id of a living frame -> the file behind it
_users: Counter[str] = Counter()  # file -> living frames of this process that map it
_maps: weakref.WeakSet[mmap.mmap] = weakref.WeakSet()


@contextmanager
def keeping(folder: str) -> Iterator[None]:
    """Large columns are written to files of this folder until the block ends; without it they stay in memory."""
    token = _folder.set(folder)
    try:
        yield
    finally:
        _folder.reset(token)


def keep(column: pl.Series) -> pl.Series:
    """``column``, in a file where it is large. Its file goes with the last that uses it."""
    return keep_pieces(pieces(column)) if _is_kept(column) else column


def keep_pieces(parts: Iterable[pl.Series]) -> pl.Series:
    """The parts, one below the other, in a file where they may be; only one of them is in memory at a time."""
    import pyarrow as pa

    parts = iter(parts)
    start = list(islice(parts, 2))
    folder = _folder.get()
    if len(start) == 1:
        return start[0]
    if folder is None or not _is_plain(start[0].dtype):
        return pl.concat([*start, *parts], rechunk=folder is None)
    path = os.path.join(folder, f"{uuid.uuid4().hex}.arrow")
    writer = None
    try:
        for part in chain(start, parts):
            rows = part.to_frame().to_arrow(compat_level=pl.CompatLevel.newest())
            writer = writer or pa.ipc.new_file(path, rows.schema)
            writer.write_table(rows)
            let_go()
        assert writer is not None
        writer.close()
        return _mapped(path).to_series()
    finally:
        Path(path).unlink(missing_ok=True)  # the mapping lives on without a name


def _is_kept(column: pl.Series) -> bool:
    return _folder.get() is not None and _is_plain(column.dtype) and column.estimated_size() > LARGE


def _is_plain(dtype: pl.DataType) -> bool:
    """Masks and codes are small enough to stay in memory."""
    return (dtype.is_integer() and dtype != pl.UInt8) or dtype.is_float() or isinstance(dtype, _PLAIN)


def beside(frame: pl.DataFrame, *columns: pl.Series) -> pl.DataFrame:
    """``frame`` with these columns, in parts of the same lengths as its own."""
    named = {column.name: column for column in (*frame.get_columns(), *columns)}
    return aligned(list(named.values()), frame.to_series(0).chunk_lengths())


def aligned(columns: Iterable[pl.Series], lengths: list[int]) -> pl.DataFrame:
    """Columns in parts of these lengths: where parts differ, Polars copies the whole frame before it looks at it."""
    return pl.DataFrame([column if column.chunk_lengths() == lengths else _cut(column, lengths) for column in columns])


def _cut(column: pl.Series, lengths: list[int]) -> pl.Series:
    whole, ends = column.rechunk(), accumulate(lengths)
    return pl.concat([whole.slice(end - n, n) for end, n in zip(ends, lengths, strict=True)], rechunk=False)


def write_frame(frame: pl.DataFrame, path: str) -> None:
    """An uncompressed Arrow file for ``map_frame``, in parts of a piece each."""
    frame.lazy().sink_ipc(path, compression="uncompressed", record_batch_size=PIECE)
    let_go()


def pieces(data: Data) -> Iterator[Data]:
    """``data`` some rows at a time; what lies in files is let go behind each."""
    if len(data) <= PIECE:
        yield data
        return
    for start in range(0, len(data), PIECE):
        yield data.slice(start, PIECE)
        let_go()


def by_pieces(frame: pl.DataFrame, work: Callable[[pl.DataFrame], pl.Series]) -> pl.Series:
    """``work`` of each piece, one below the other: for what looks at one row at a time."""
    if frame.height <= PIECE:
        return work(frame)
    return keep_pieces(work(piece) for piece in pieces(frame))


def rowwise(frame: pl.DataFrame, value: pl.Expr) -> pl.Series:
    """``value``, which looks at one row at a time, of every row."""
    names = list(dict.fromkeys(value.meta.root_names()))
    if not names:
        return frame.select(pl.first().alias("#first"), value).to_series(1)  # a constant, as long as the frame
    return by_pieces(frame.select(names), lambda piece: piece.select(value).to_series())


def where(frame: pl.DataFrame, mask: pl.Series) -> pl.DataFrame:
    """The rows of ``frame`` where ``mask`` holds."""
    return frame.filter(mask) if frame.height <= PIECE else rows_at(frame, mask.arg_true())


def rows_at(frame: pl.DataFrame, places: pl.Series) -> pl.DataFrame:
    """The rows of ``frame`` at these places, in their order; one column after the other."""
    found = []
    for column in frame.get_columns():
        taken = (column.gather(some) for some in pieces(places))
        found.append(keep_pieces(taken).alias(column.name))
        let_go()
    return pl.DataFrame(found)


def combined(frame: pl.DataFrame, by: Sequence[str | pl.Expr], *totals: pl.Expr) -> pl.DataFrame:
    """One row per value of ``by``, with ``totals`` that may be taken of parts and then of these.

    Those whose name begins with "least" are least values, all others sums.
    """
    parts = [piece.group_by(by).agg(*totals) for piece in pieces(frame)]
    if len(parts) == 1:
        return parts[0]
    names = [total.meta.output_name() for total in totals]
    again = [pl.col(name).min() if name.startswith("least") else pl.col(name).sum() for name in names]
    whole = pl.concat(parts)
    return whole.group_by([name for name in whole.columns if name not in names]).agg(again)


def count_values(column: pl.Series) -> pl.DataFrame:
    """``value`` and ``n``: how often each value stands in a column (nulls aside)."""
    return combined(column.alias("value").to_frame(), ["value"], pl.len().alias("n")).drop_nulls("value")


def let_go() -> None:
    """Give mapped pages back; whoever looks at them again finds them as they were."""
    if not hasattr(mmap, "MADV_DONTNEED"):
        return
    with _lock:
        living = list(_maps)
    for each in living:
        each.madvise(mmap.MADV_DONTNEED)


def map_frame(path: str, *, owner: bool, columns: Sequence[str] | None = None) -> pl.DataFrame:
    """The frame in an uncompressed Arrow file, or some of its columns, without reading it.

    The ``owner`` removes the file with the last frame of this process that maps it; what was taken from the frame
    lives on.
    """
    frame = _mapped(path)
    if columns is not None:
        frame = frame.select(columns)
    with _lock:
        _path_of[id(frame)] = path
        _users[path] += 1
    weakref.finalize(frame, _forget, id(frame), path, owner)
    return frame


def path_behind(frame: pl.DataFrame) -> str | None:
    """The file in which ``frame`` lies, None for a frame in memory."""
    with _lock:
        return _path_of.get(id(frame))


def _mapped(path: str) -> pl.DataFrame:
    import pyarrow as pa

    with open(path, "rb") as file:
        pages = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    with _lock:
        _maps.add(pages)
    frame = pl.from_arrow(pa.ipc.open_file(pa.BufferReader(pa.py_buffer(pages))).read_all(), rechunk=False)
    assert isinstance(frame, pl.DataFrame)
    return frame


def _forget(identity: int, path: str, owner: bool) -> None:
    with _lock:
        _path_of.pop(identity, None)
        _users[path] -= 1
        last = not _users[path]
        if last:
            del _users[path]
    if last and owner:
        Path(path).unlink(missing_ok=True)
