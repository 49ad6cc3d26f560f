"""``store``: an empty store, once over SQLite and once over a real PostgreSQL. ``url``: where its database is."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from store.database import Store, open_store
from store.tables import METADATA
from tests.postgres_server import PostgresServer, postgres_server

_NUMBERS = itertools.count()


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    with postgres_server() as server:
        yield server


@pytest.fixture(scope="session")
def new_postgres(postgres: PostgresServer) -> Callable[[], str]:
    """``new_postgres()`` is the URL of a new, empty database."""

    def make() -> str:
        name = f"made_{next(_NUMBERS)}"
        postgres.psql(f"create database {name};")
        return postgres.url(name)

    return make


@pytest.fixture(scope="session")
def shared_url(new_postgres: Callable[[], str]) -> str:
    """One database for all tests that take ``store``: emptied after each, which is faster than a new one."""
    return new_postgres()


@pytest.fixture(scope="session")
def made_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with its tables: a copy of it is there sooner than a new one, which waits for the disk."""
    path = tmp_path_factory.mktemp("made") / "work.sqlite"
    open_store(path.parent, f"sqlite:///{path}").close()
    return path


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return _copied(request.getfixturevalue("made_sqlite"), tmp_path)
    found: str = request.getfixturevalue("shared_url")
    return found


def _copied(made: Path, tmp_path: Path) -> str:
    (tmp_path / "store").mkdir()
    return f"sqlite:///{shutil.copy(made, tmp_path / 'store' / 'work.sqlite')}"


@pytest.fixture
def store(url: str, tmp_path: Path) -> Iterator[Store]:
    opened = open_store(tmp_path / "store", url)
    try:
        yield opened
        if not opened.is_sqlite:
            with opened.write() as connection:
                names = ", ".join(table.name for table in METADATA.sorted_tables)
                connection.execute(sa.text(f"TRUNCATE {names} CASCADE"))
    finally:
        opened.close()


@pytest.fixture
def sqlite_store(made_sqlite: Path, tmp_path: Path) -> Iterator[Store]:
    """SQLite alone, for what does not depend on the database."""
    opened = open_store(tmp_path / "store", _copied(made_sqlite, tmp_path))
    yield opened
    opened.close()
