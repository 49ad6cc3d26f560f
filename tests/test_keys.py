"""Keys: one changed value in a million changes the digest, chunking does not; equal choices give equal keys."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.keys import derive_key, digest_bytes, digest_frame


@dataclass(frozen=True, slots=True)
class SpecA:
    n: int = 1
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SpecB:
    n: int = 1
    names: tuple[str, ...] = ()


def test_one_changed_value_in_a_million_changes_the_digest() -> None:
    values = np.arange(1_000_000)
    changed = values.copy()
    changed[500_000] += 1
    assert digest_frame(pl.DataFrame({"x": values})) != digest_frame(pl.DataFrame({"x": changed}))


def test_chunks_and_slices_have_no_influence() -> None:
    frame = pl.DataFrame({"a": [1, None, 3], "b": ["x", None, ""], "c": [date(2024, 1, 1), None, date(2024, 1, 3)]})
    chunked = pl.concat([frame[:1], frame[1:]], rechunk=False)
    longer = pl.concat([frame, frame])
    assert digest_frame(frame) == digest_frame(chunked) == digest_frame(longer[:3])


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ({"a": ["x", None]}, {"a": ["x", ""]}),
        ({"a": [0, None]}, {"a": [None, 0]}),
        ({"a": ["ab", "c"]}, {"a": ["a", "bc"]}),
        ({"a": [1]}, {"b": [1]}),
        ({"a": [1]}, {"a": [1.0]}),
        ({"a": [[1], [2, 3]]}, {"a": [[1, 2], [3]]}),
        ({"a": [True, False]}, {"a": [False, True]}),
        ({"a": [Decimal("1.10")]}, {"a": [Decimal("1.11")]}),
        ({"a": [datetime(2024, 1, 1)]}, {"a": [datetime(2024, 1, 1, 0, 0, 1)]}),
    ],
)
def test_different_frames_have_different_digests(left: dict[str, list[object]], right: dict[str, list[object]]) -> None:
    assert digest_frame(pl.DataFrame(left)) != digest_frame(pl.DataFrame(right))


@settings(deadline=None)
@given(st.lists(st.one_of(st.none(), st.text()), min_size=1), st.lists(st.one_of(st.none(), st.text()), min_size=1))
def test_text_columns_are_told_apart_exactly(left: list[str | None], right: list[str | None]) -> None:
    frames = [pl.DataFrame({"a": pl.Series(values, dtype=pl.String)}) for values in (left, right)]
    assert (digest_frame(frames[0]) == digest_frame(frames[1])) == (left == right)


def test_minus_zero_is_zero() -> None:
    assert digest_frame(pl.DataFrame({"a": [0.0]})) == digest_frame(pl.DataFrame({"a": [-0.0]}))


def test_equal_choices_give_equal_keys_and_every_part_counts() -> None:
    key = derive_key("segment", SpecA(2, ("b",)), "parent")
    assert key == derive_key("segment", SpecA(2, ("b",)), "parent")
    others = [
        derive_key("describe", SpecA(2, ("b",)), "parent"),
        derive_key("segment", SpecA(3, ("b",)), "parent"),
        derive_key("segment", SpecB(2, ("b",)), "parent"),
        derive_key("segment", SpecA(2, ("b",)), "other"),
        derive_key("segment", SpecA(2, ("b",)), "parent", "parent"),
    ]
    assert len({key, *others}) == 6


def test_digest_of_bytes_is_sha_256() -> None:
    assert digest_bytes(b"abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_what_lies_behind_a_null_does_not_count() -> None:
    import pyarrow as pa

    def column(hidden: bytes) -> pl.DataFrame:
        size = len(hidden)
        ends = pa.array([0, 2, 2 + size, 4 + size], pa.int32()).buffers()[1]
        parts = [pa.py_buffer(b"\x05"), ends, pa.py_buffer(b"ab" + hidden + b"cd")]
        text = pl.from_arrow(pa.StringArray.from_buffers(3, parts[1], parts[2], parts[0], 1))
        assert isinstance(text, pl.Series)
        return text.alias("text").to_frame()

    plain = pl.DataFrame({"text": ["ab", None, "cd"]})
    for hidden in (b"", b"x", b"a long text that no view holds inline"):
        assert column(hidden).equals(plain)
        assert digest_frame(column(hidden)) == digest_frame(plain)
