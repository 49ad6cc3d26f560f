"""Content digests: the identity of data and of results. Equal content and equal choices give equal keys."""

from __future__ import annotations

import hashlib

import msgspec
import numpy as np
import polars as pl

from analytics.mapped import pieces

# Raised whenever a verb changes what it computes, so that stored results of older code are never served.
METHOD_VERSION = "1"


def digest_bytes(data: bytes) -> str:
    """SHA-256 of raw bytes, as hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def digest_frame(frame: pl.DataFrame) -> str:
    """SHA-256 of a frame's column names, types and every value, in the order they stand.

    Nulls are told apart from empty values; chunking and buffers behind a slice have no influence.
    """
    hasher = hashlib.sha256()
    for series in frame.get_columns():
        hasher.update(f"{series.name}\0{series.dtype}\0{len(series)}\0".encode())
        if series.null_count():
            for piece in pieces(series):
                hasher.update(piece.is_null().cast(pl.UInt8).to_numpy().data)
        _update(hasher, series)
    return hasher.hexdigest()


def _update(hasher: hashlib._Hash, series: pl.Series) -> None:
    dtype = series.dtype
    if isinstance(dtype, pl.List | pl.Array):
        exploded = series.list.len() if isinstance(dtype, pl.List) else pl.Series([len(series)])
        _update(hasher, exploded)
        _update(hasher, series.explode())
        return
    if dtype == pl.String or isinstance(dtype, pl.Categorical | pl.Enum):
        for piece in pieces(series):
            hasher.update(piece.cast(pl.String).str.len_bytes().fill_null(0).to_numpy().data)
        for piece in pieces(series):
            hasher.update(_bytes_of(piece.cast(pl.String)))
        return
    if dtype.is_decimal():
        _update(hasher, series.cast(pl.String))
        return
    for piece in pieces(series):
        if dtype.is_temporal():
            piece = piece.to_physical()
        if dtype == pl.Boolean:
            piece = piece.cast(pl.UInt8)
        values = piece.fill_null(0).to_numpy()
        if dtype.is_float():
            values = values + 0.0  # -0.0 and 0.0 are one value
        hasher.update(np.ascontiguousarray(values).data)


def _bytes_of(text: pl.Series) -> memoryview:
    """The texts, one behind the other, in UTF-8."""
    text = text.fill_null("")  # behind a null there may still be bytes
    written = text.to_arrow(compat_level=pl.CompatLevel.oldest()).buffers()[2]
    return memoryview(b"" if written is None else written)[: int(text.str.len_bytes().sum())]


def derive_key(verb: str, spec: object, *parents: str) -> str:
    """The key of ``verb(parents..., spec)``: known before the work is done, equal for equal content and choices.

    Parameters
    ----------
    verb : name of the function.
    spec : a frozen dataclass (or None), written as canonical JSON with its class name.
    *parents : keys of the inputs, in order.
    """
    body = msgspec.json.encode(spec, order="deterministic")
    parts = [METHOD_VERSION, verb, type(spec).__name__, body.decode(), *parents]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()
