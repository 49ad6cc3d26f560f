"""Bytes to a raw table: format, encoding, delimiter, header and limits. Nothing is guessed away, no row is lost."""

from analytics.reading.read import RawTable, ReadSpec, read

__all__ = ["RawTable", "ReadSpec", "read"]
