"""A file on the server's disk to a ``RawTable``: a large one streams into a mapped file, never whole into memory."""

from __future__ import annotations

import codecs
import os
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import polars as pl

from analytics.errors import AnalysisError, Caveat
from analytics.keys import derive_key
from analytics.mapped import PIECE, let_go, map_frame, pieces
from analytics.progress import report
from analytics.reading import RawTable, ReadSpec, read
from analytics.reading.header import clean_name

STREAMED_BYTES = 64_000_000  # larger files stream
_SAMPLE = 4_000_000
_PIECE = 16_000_000
_COUNTED = 4_000_000  # bytes counted together: they stay in the processor's cache


@dataclass(frozen=True, slots=True, weakref_slot=True)
class LocalFile:
    """A file that the server itself holds; its path comes from the server, never from a person.

    ``key`` is the SHA-256 of its bytes; ``n_bytes`` its size.
    """

    path: str
    key: str
    n_bytes: int


def read_file(file: LocalFile, name: str, spec: ReadSpec, into: str) -> RawTable:
    """As ``read``, for a file on the server's disk. ``into`` is the folder for what is streamed.

    A large delimited file must have records of one length and properly placed quotes: unlike a small one it is not
    repaired. Raises what ``read`` raises and ``AnalysisError``: ``file_uneven``, ``file_gone``.
    """
    try:
        with open(file.path, "rb") as stream:
            start = stream.read(_SAMPLE)
    except OSError:
        raise AnalysisError("file_gone", name=name) from None
    parquet = start.startswith(b"PAR1")
    if file.n_bytes <= STREAMED_BYTES or start.startswith((b"PK", b"\xd0\xcf\x11\xe0", b"\x1f\x8b")):
        return read(Path(file.path).read_bytes(), name, spec)
    target = os.path.join(into, f"{uuid.uuid4().hex}.arrow")
    try:
        if parquet:
            return _stream_parquet(file, name, spec, target)
        return _stream_delimited(file, name, spec, target, start)
    except BaseException:
        Path(target).unlink(missing_ok=True)
        raise


def _stream_parquet(file: LocalFile, name: str, spec: ReadSpec, target: str) -> RawTable:
    try:
        rows = pl.scan_parquet(file.path)
        schema = rows.collect_schema()
        if any(dtype.is_nested() for dtype in schema.dtypes()):
            return read(Path(file.path).read_bytes(), name, spec)
        names = _distinct([clean_name(column) or f"column_{i + 1}" for i, column in enumerate(schema.names())])
        renamed = rows.rename(dict(zip(schema.names(), names, strict=True)))
        renamed.sink_ipc(target, compression="uncompressed", record_batch_size=PIECE)
    except pl.exceptions.PolarsError:
        raise AnalysisError("parquet_unreadable") from None
    decided = replace(spec, format="parquet", has_header=True, skip_rows=0, layout="table")
    return _table(target, file, name, spec, decided, tuple(names), ())


def _stream_delimited(file: LocalFile, name: str, spec: ReadSpec, target: str, start: bytes) -> RawTable:
    """The head decides how the file is read; then every byte is checked against what Polars made of it."""
    head = read(start[: start.rfind(b"\n") + 1] or start, name, spec)
    decided = head.decided
    if decided.format != "csv" or decided.layout != "table":
        return read(Path(file.path).read_bytes(), name, spec)
    if decided.delimiter == " " or head.overflow:
        raise AnalysisError("file_uneven", name=name)
    body, width = Path(f"{target}.csv"), len(head.columns)
    skipped = (decided.skip_rows or 0) + bool(decided.has_header)
    # One column more than the heading has: what stands in it belongs to a record that is too long.
    columns = [str(i) for i in range(width + 1)]
    stored = [*head.columns, _distinct([*head.columns, "spare"])[-1]]
    try:
        counted, source = _count(file, decided, skipped), Path(file.path)
        if counted is None:
            counted, source, skipped = _write_body(file, decided, skipped, body), body, 0
        report(0.4, "read_file")
        pl.scan_csv(
            source,
            separator=decided.delimiter,
            has_header=False,
            skip_lines=skipped,
            schema=dict.fromkeys(columns, pl.String),
            missing_columns="insert",
            truncate_ragged_lines=True,
        ).rename(dict(zip(columns, stored, strict=True))).sink_ipc(
            target, compression="uncompressed", record_batch_size=PIECE
        )
    except pl.exceptions.PolarsError:
        raise AnalysisError("file_uneven", name=name) from None
    finally:
        body.unlink(missing_ok=True)
    report(0.9, "read_file")
    n_long = map_frame(target, owner=False, columns=stored[-1:]).select(pl.last().count()).item()
    let_go()
    frame = map_frame(target, owner=False, columns=head.columns)
    n_lines, n_delimiters = counted
    inside_lines = inside_delimiters = 0
    if frame.height != n_lines or n_delimiters != frame.height * (width - 1):
        inside_lines, inside_delimiters = _inside(frame, "\n"), _inside(frame, decided.delimiter)
    short = frame.height * (width - 1) - (n_delimiters - inside_delimiters)
    if n_long or frame.height + inside_lines != n_lines or short < 0:
        raise AnalysisError("file_uneven", name=name)
    caveats = tuple(caveat for caveat in head.caveats if caveat.code != "ragged_rows")
    if short:
        caveats = (*caveats, Caveat("cells_absent", params={"n": short}))
    return _table(target, file, name, spec, decided, head.columns, caveats)


def _table(
    target: str,
    file: LocalFile,
    name: str,
    spec: ReadSpec,
    decided: ReadSpec,
    columns: tuple[str, ...],
    caveats: tuple[Caveat, ...],
) -> RawTable:
    frame = map_frame(target, owner=False, columns=columns)
    if not frame.height:
        raise AnalysisError("header_only")
    key = derive_key("read_file", spec, file.key, name)
    report(1.0, "read_file")
    return RawTable(frame, name, file.key, frame.height, columns, (), decided, (), caveats, key)


def _count(file: LocalFile, decided: ReadSpec, skipped: int) -> tuple[int, int] | None:
    """Lines and delimiters behind the first ``skipped`` lines; None where the file must be written anew to be read."""
    import numpy as np

    if decided.encoding not in ("utf-8", "utf-8-sig") or (decided.encoding == "utf-8-sig" and not skipped):
        return None
    mark = decided.delimiter.encode()
    if len(mark) > 1:
        return None
    n_lines = n_delimiters = done = 0
    last = 10
    with open(file.path, "rb") as source:
        for _ in range(skipped):
            source.readline()
        while piece := source.read(_COUNTED):
            if b"\r" in piece:
                return None
            cells = np.frombuffer(piece, np.uint8)  # four times the speed of bytes.count where hits are many
            n_lines += int(np.count_nonzero(cells == 10))
            n_delimiters += int(np.count_nonzero(cells == mark[0]))
            last = piece[-1]
            done += len(piece)
            report(0.4 * done / file.n_bytes, "read_file")
    return n_lines + (last != 10), n_delimiters


def _write_body(file: LocalFile, decided: ReadSpec, skipped: int, target: Path) -> tuple[int, int]:
    """The lines behind the first ``skipped`` ones, in UTF-8 with plain line ends; how many lines and delimiters."""
    mark = decided.delimiter.encode()
    n_lines = n_delimiters = 0
    last = b"\n"
    with open(target, "wb") as out:
        for piece in _utf8(file, decided.encoding):
            while skipped and piece:
                _, end, piece = piece.partition(b"\n")
                skipped -= bool(end)
            if piece:
                n_lines += piece.count(b"\n")
                n_delimiters += piece.count(mark)
                last = piece[-1:]
                out.write(piece)
    return n_lines + (last != b"\n"), n_delimiters


def _utf8(file: LocalFile, encoding: str) -> Iterator[bytes]:
    """The file in UTF-8 with plain line ends, piece by piece."""
    decoder = None
    if encoding not in ("utf-8", "utf-8-sig"):
        try:
            decoder = codecs.getincrementaldecoder(encoding)()
        except LookupError:
            raise AnalysisError("encoding_unknown", encoding=encoding) from None
    held, done = b"", 0
    with open(file.path, "rb") as source:
        while piece := source.read(_PIECE):
            if not done and decoder is None:
                piece = piece.removeprefix(codecs.BOM_UTF8)
            try:
                plain = held + (piece if decoder is None else decoder.decode(piece).encode())
            except UnicodeError:
                raise AnalysisError("encoding_wrong", encoding=encoding, position=done) from None
            # A carriage return at the very end may be half of a line end.
            plain, held = (plain[:-1], b"\r") if plain.endswith(b"\r") else (plain, b"")
            yield plain.replace(b"\r\n", b"\n")
            done += len(piece)
            report(0.4 * done / file.n_bytes, "read_file")
    if held:
        yield held


def _inside(frame: pl.DataFrame, mark: str) -> int:
    found = pl.sum_horizontal(pl.all().str.count_matches(mark, literal=True)).sum()
    return sum(int(piece.select(found).item()) for piece in pieces(frame))


def _distinct(names: list[str]) -> list[str]:
    taken: list[str] = []
    for wanted in names:
        name, n = wanted, 2
        while name in taken:
            name, n = f"{wanted}_{n}", n + 1
        taken.append(name)
    return taken
