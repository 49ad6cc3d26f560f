"""PostgreSQL through ADBC: one table, read only, batch by batch into Parquet.

Nothing that the server or the driver says reaches a person: their messages may hold an address or a password.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from analytics.connecting.folder import digest_file
from analytics.errors import AnalysisError
from analytics.progress import report

STATEMENT_SECONDS = 300
CONNECT_SECONDS = 10
MOST_TABLES = 1000
# As they arrive in Arrow without loss; everything else as PostgreSQL itself writes it, money and numeric among them.
_AS_THEY_ARE = {"text", "character varying", "smallint", "integer", "bigint", "real", "double precision", "boolean"}
_AS_THEY_ARE |= {"date", "timestamp without time zone"}
_CODES = {
    "28": "database_refused",
    "57014": "database_slow",
    "42501": "database_forbidden",
    "42P01": "database_no_table",
}


@dataclass(frozen=True, slots=True)
class Credentials:
    """A connection that the operator has set up: its name, and its address, which is shown nowhere."""

    name: str
    url: str = field(repr=False)

    @property
    def key(self) -> str:
        return f"connection:{self.name}"


@dataclass(frozen=True, slots=True)
class TableName:
    """A table or view of a database, and PostgreSQL's own estimate of its rows (-1: none)."""

    schema: str
    table: str
    n_rows: int = -1


@dataclass(frozen=True, slots=True)
class FetchedTable:
    """A table as a Parquet file on the server's disk: ``digest`` is the SHA-256 of its bytes."""

    path: str
    digest: str
    n_rows: int
    n_bytes: int


def list_tables(credentials: Credentials) -> tuple[TableName, ...]:
    """The tables and views that the connection's role may read.

    Raises ``AnalysisError``: ``database_unreachable``, ``database_refused``, ``database_slow``, ``database_failed``.
    """
    with _reading(credentials, 20) as cursor:
        cursor.execute(
            "select t.table_schema::text, t.table_name::text, coalesce(c.reltuples, -1)::bigint "
            "from information_schema.tables t "
            "left join pg_namespace n on n.nspname = t.table_schema "
            "left join pg_class c on c.relname = t.table_name and c.relnamespace = n.oid "
            "where t.table_schema not in ('pg_catalog', 'information_schema') "
            "and has_table_privilege(c.oid, 'select') "
            f"order by 1, 2 limit {MOST_TABLES}"  # nosec B608 # a constant of this module
        )
        return tuple(TableName(*row) for row in cursor.fetchall())


def fetch_table(
    credentials: Credentials, wanted: TableName, into: str, seconds: int = STATEMENT_SECONDS, request: str = ""
) -> FetchedTable:
    """Every row of one table as Parquet in the folder ``into``; numbers with decimals as text, so they stay exact.

    Parameters
    ----------
    seconds : the server stops the statement after this.
    request : tells one fetch of the same table from the next, which may find other rows.

    Raises what ``list_tables`` raises, and ``AnalysisError``: ``database_no_table`` for what the database does not
    list, ``database_forbidden``, ``header_only``.
    """
    import pyarrow.parquet as parquet

    path = Path(into) / f"{uuid.uuid4().hex}.parquet"
    part = path.with_suffix(".part")
    report(0.0, "fetch_table")
    n_rows = 0
    try:
        with _reading(credentials, seconds) as cursor:
            cursor.execute(_select(cursor, credentials, wanted))
            batches = cursor.fetch_record_batch()
            with parquet.ParquetWriter(part, batches.schema, compression="zstd") as writer:
                for batch in batches:
                    writer.write_batch(batch)
                    n_rows += batch.num_rows
                    expected = max(wanted.n_rows, n_rows, 1)
                    report(0.95 * n_rows / expected, "fetch_table")
        if not n_rows:
            raise AnalysisError("header_only")
        part.rename(path)
    finally:
        part.unlink(missing_ok=True)
    report(1.0, "fetch_table")
    return FetchedTable(str(path), digest_file(path), n_rows, os.path.getsize(path))


def _select(cursor: Any, credentials: Credentials, wanted: TableName) -> str:
    """The one statement there is, of columns that information_schema lists, every identifier quoted."""
    cursor.execute(
        "select column_name::text, data_type::text from information_schema.columns "
        "where table_schema = $1 and table_name = $2 order by ordinal_position",
        (wanted.schema, wanted.table),
    )
    columns = cursor.fetchall()
    if not columns:
        raise AnalysisError("database_no_table", name=credentials.name)
    chosen = ", ".join(_column(name, kind) for name, kind in columns)
    return f"select {chosen} from {_quoted(wanted.schema)}.{_quoted(wanted.table)}"  # nosec B608 # each name quoted


def _column(name: str, kind: str) -> str:
    quoted = _quoted(name)
    if kind in _AS_THEY_ARE:
        return quoted
    if kind == "timestamp with time zone":
        return f"{quoted}::timestamp as {quoted}"
    if kind == "money":
        return f"{quoted}::numeric::text as {quoted}"
    return f"{quoted}::text as {quoted}"


def _quoted(identifier: str) -> str:
    return '"' + identifier.replace('"', '""') + '"'


@contextmanager
def _reading(credentials: Credentials, seconds: int) -> Iterator[Any]:
    """A cursor that can only read, and only for so long."""
    from adbc_driver_postgresql import dbapi

    os.environ.setdefault("PGCONNECT_TIMEOUT", str(CONNECT_SECONDS))
    try:
        connection = dbapi.connect(credentials.url, autocommit=True)
    except Exception as problem:
        raise _told(problem, credentials, "database_unreachable") from None
    try:
        with connection.cursor() as cursor:
            cursor.execute("set session characteristics as transaction read only")
            cursor.execute(f"set statement_timeout = {int(seconds) * 1000}")
            yield cursor
    except AnalysisError:
        raise
    except Exception as problem:
        raise _told(problem, credentials, "database_failed") from None
    finally:
        connection.close()


def _told(problem: Exception, credentials: Credentials, otherwise: str) -> AnalysisError:
    """The problem by its SQLSTATE; libpq gives none while connecting, so there its English words are looked at."""
    state = str(getattr(problem, "sqlstate", None) or "")
    code = next((code for prefix, code in _CODES.items() if state.startswith(prefix)), otherwise)
    said = str(problem)
    if code == "database_unreachable" and any(word in said for word in ("authentication", "role", "pg_hba")):
        code = "database_refused"
    if code == "database_failed" and "statement timeout" in said:
        code = "database_slow"
    return AnalysisError(code, name=credentials.name)
