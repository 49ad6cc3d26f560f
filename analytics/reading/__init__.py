"""Bytes to a raw table: format, encoding, delimiter, header and limits. Nothing is guessed away, no row is lost."""

from analytics.reading.raw_table import RawTable, ReadSpec, read

__all__ = ["RawTable", "ReadSpec", "read"]
