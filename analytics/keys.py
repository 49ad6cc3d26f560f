"""Content digests: the identity of data and of results. Equal content and equal choices give equal keys."""

from __future__ import annotations

import hashlib

import msgspec
import polars as pl

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
            hasher.update(series.is_null().cast(pl.UInt8).to_numpy().tobytes())
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
        text = series.cast(pl.String).fill_null("")
        hasher.update(text.str.len_bytes().to_numpy().tobytes())
        hasher.update((text.str.join("").item() or "").encode())
        return
    if dtype.is_decimal():
        _update(hasher, series.cast(pl.String))
        return
    if dtype.is_temporal():
        series = series.to_physical()
    if series.dtype == pl.Boolean:
        series = series.cast(pl.UInt8)
    if series.dtype.is_float():
        values = series.fill_null(0.0).to_numpy() + 0.0  # -0.0 and 0.0 are one value
        hasher.update(values.tobytes())
        return
    hasher.update(series.fill_null(0).to_numpy().tobytes())


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
