"""Bytes to a raw table: format, encoding, delimiter, header and limits. Nothing is guessed away, no row is lost."""

from analytics.reading.archive import bundle, same_shape, unpacked_size
from analytics.reading.raw_table import RawTable, ReadSpec, read

__all__ = ["RawTable", "ReadSpec", "bundle", "read", "same_shape", "unpacked_size"]
