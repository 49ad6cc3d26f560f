"""Zip and gzip containers: sizes, number of entries and ratio are checked before anything inside is parsed.

Nothing is ever written to disk, and a path inside an archive is never used: a member is known by its last name part.
"""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass

from analytics.errors import AnalysisError
from analytics.reading.header import clean_name

EXPANDED_LIMIT = 1_500_000_000  # bytes: what unpacks to more is refused unread
ENTRY_LIMIT = 5_000
RATIO_LIMIT = 200  # deflate can reach 1,000 on one repeated byte; tables seldom pass 60
RATIO_FREE = 50_000_000  # bytes: whatever unpacks to less does no harm at any ratio
NAME_LIMIT = 120
_CHUNK = 1 << 20
_READABLE = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}
_BUNDLE_TIME = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Member:
    """One file in an archive: the name it is shown under, and its size once unpacked."""

    name: str
    size: int
    crc: int
    entry: zipfile.ZipInfo


def is_zip(data: bytes) -> bool:
    return data.startswith(b"PK")


def is_gzip(data: bytes) -> bool:
    return data.startswith(b"\x1f\x8b")


def unpacked_size(data: bytes) -> int:
    """How many bytes a parser will meet, as an archive itself declares them: never more than is allowed."""
    size = len(data)
    if is_zip(data):
        # A broken archive is refused where it is read.
        with suppress(Exception), zipfile.ZipFile(io.BytesIO(data)) as archive:
            size = max(size, sum(entry.file_size for entry in archive.infolist()))
    elif is_gzip(data):
        size = max(size, int.from_bytes(data[-4:], "little"))
    return min(size, max(EXPANDED_LIMIT, len(data)))


def checked_entries(data: bytes, kind: str) -> list[zipfile.ZipInfo]:
    """The entries of a zip archive that is safe to unpack; ``kind`` ("archive", "workbook") begins the codes.

    Raises ``AnalysisError``: ``<kind>_unreadable``, ``<kind>_too_large``, ``<kind>_protected``.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = archive.infolist()
    except Exception as problem:  # zipfile raises many kinds on broken archives; all mean the same here
        raise AnalysisError(f"{kind}_unreadable") from problem
    expanded = sum(entry.file_size for entry in entries)
    exploding = expanded > RATIO_FREE and expanded > RATIO_LIMIT * len(data)
    if expanded > EXPANDED_LIMIT or len(entries) > ENTRY_LIMIT or exploding:
        raise AnalysisError(
            f"{kind}_too_large",
            megabytes=round(expanded / 1e6),
            limit=round(EXPANDED_LIMIT / 1e6),
            n=len(entries),
            entry_limit=ENTRY_LIMIT,
        )
    if any(entry.flag_bits & 1 for entry in entries):
        raise AnalysisError(f"{kind}_protected")
    if any(entry.compress_type not in _READABLE for entry in entries):
        raise AnalysisError(f"{kind}_unreadable")
    return entries


def refuse_false_sizes(data: bytes, entries: Sequence[zipfile.ZipInfo], kind: str) -> None:
    """Unpack every entry once, a piece at a time: one that holds more than it declares, or is broken, is refused.

    A parser that trusts the stream instead of the declaration would unpack without bound.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for entry in entries:
                with archive.open(entry) as stream:  # reads no further than the declared size, then compares the CRC
                    while stream.read(_CHUNK):
                        pass
    except Exception as problem:
        raise AnalysisError(f"{kind}_unreadable") from problem


def members_of(data: bytes) -> list[Member]:
    """The files in an archive, in the order of their names; folders and what systems leave behind are left out.

    Raises ``AnalysisError``: those of ``checked_entries`` with ``archive``.
    """
    found = []
    for entry in checked_entries(data, "archive"):
        path = entry.filename.replace("\\", "/")
        base = clean_name(path.rstrip("/").rsplit("/", 1)[-1])[:NAME_LIMIT]
        if entry.is_dir() or path.startswith("__MACOSX/") or not base or base.startswith(".") or not entry.file_size:
            continue
        found.append((path, base, entry))
    found.sort(key=lambda item: item[0])
    taken: set[str] = set()
    members = []
    for _path, base, entry in found:
        name, n = base, 2
        while name in taken:
            name, n = f"{base} ({n})", n + 1
        taken.add(name)
        members.append(Member(name, entry.file_size, entry.CRC, entry))
    return members


def contents(data: bytes, members: Sequence[Member], limit: int = -1) -> Iterator[bytes]:
    """The bytes of each member (at most ``limit`` of them), one after the other.

    Raises ``AnalysisError``: ``archive_unreadable``, ``nested_archive``.
    """
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        for member in members:
            try:
                with archive.open(member.entry) as stream:
                    inside = stream.read(limit)
            except Exception as problem:
                raise AnalysisError("archive_unreadable") from problem
            refuse_nested(inside, member.name)
            yield inside


def refuse_nested(data: bytes, name: str) -> None:
    if is_zip(data) or is_gzip(data) or data.startswith((b"7z\xbc\xaf", b"Rar!")):
        raise AnalysisError("nested_archive", name=name)


def gunzip(data: bytes, name: str) -> bytes:
    """What a gzip file holds, unpacked a piece at a time and never beyond the limits.

    Raises ``AnalysisError``: ``archive_unreadable``, ``archive_too_large``, ``nested_archive``.
    """
    pieces: list[bytes] = []
    size = 0
    rest = data
    try:
        while rest.strip(b"\0"):  # several members in one file are one text; zeros may follow as padding
            stream = zlib.decompressobj(wbits=31)
            while not stream.eof:
                piece = stream.decompress(rest, _CHUNK)
                rest = stream.unconsumed_tail
                size += len(piece)
                if size > EXPANDED_LIMIT or (size > RATIO_FREE and size > RATIO_LIMIT * len(data)):
                    raise AnalysisError(
                        "archive_too_large",
                        megabytes=round(size / 1e6),
                        limit=round(EXPANDED_LIMIT / 1e6),
                        n=1,
                        entry_limit=ENTRY_LIMIT,
                    )
                if not piece and not rest and not stream.eof:
                    raise AnalysisError("archive_unreadable")
                pieces.append(piece)
            rest = stream.unused_data
    except zlib.error as problem:
        raise AnalysisError("archive_unreadable") from problem
    inside = b"".join(pieces)
    refuse_nested(inside, name)
    return inside


def bundle(files: Sequence[tuple[str, bytes]]) -> bytes:
    """Several files as one archive; equal files in any order give equal bytes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, data in sorted(files):
            archive.writestr(zipfile.ZipInfo(re.sub(r"[\\/]", "_", name), _BUNDLE_TIME), data)
    return buffer.getvalue()


def same_shape(files: Sequence[tuple[str, bytes]]) -> list[list[int]]:
    """Positions of files that belong together: delimited text whose first lines are equal, each group in order.

    A file alone in its shape is a group of its own. A first line without a comma, semicolon, tab or bar between
    headings says too little to put files together.
    """
    groups: dict[bytes, list[int]] = {}
    for i, (_name, data) in enumerate(files):
        first = data[:_CHUNK].removeprefix(b"\xef\xbb\xbf").lstrip(b"\r\n").split(b"\n", 1)[0].strip()
        text = (
            not is_zip(data)
            and not is_gzip(data)
            and not first.startswith((b"PAR1", b"{", b"["))
            and b"\0" not in first
        )
        heading = (
            text
            and re.search(rb"[,;\t|]", first)
            and not re.search(rb"(?:^|[,;\t|])\s*\"?[\d.-]+\"?\s*(?:$|[,;\t|])", first)
        )
        groups.setdefault(first if heading else b"\0" + str(i).encode(), []).append(i)
    return list(groups.values())
