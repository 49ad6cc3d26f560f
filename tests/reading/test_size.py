"""How much a parser will meet, told by the archive itself: what its time limit grows with."""

from __future__ import annotations

import gzip
import io
import zipfile

import pytest

from analytics.reading import unpacked_size
from analytics.reading.archive import EXPANDED_LIMIT

TEXT = b"a,b\n" + b"1,2\n" * 50_000


def zipped(data: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("one.csv", data)
        archive.writestr("two.csv", data)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("data", "size"),
    [
        (TEXT, len(TEXT)),
        (gzip.compress(TEXT), len(TEXT)),
        (zipped(TEXT), 2 * len(TEXT)),
        (b"", 0),
        (b"PK nonsense", 11),
    ],
)
def test_the_size_once_unpacked(data: bytes, size: int) -> None:
    assert unpacked_size(data) == size


def test_a_lie_about_the_size_buys_no_more_than_the_limit() -> None:
    assert unpacked_size(gzip.compress(b"x")[:-4] + b"\xff\xff\xff\xff") == EXPANDED_LIMIT
