"""The steps lead to the tables of ``store.tables``, whoever starts at the same moment, or nowhere at all."""

from __future__ import annotations

import re
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import event

from analytics.errors import AnalysisError
from store import migrations
from store.database import Store, make_engine, now, open_store
from store.migrations.__main__ import main
from store.tables import LINKS, METADATA, PEOPLE, WORKSPACES, Moment

HERE = Path(migrations.__file__).parent


@pytest.fixture(params=["sqlite", "postgres"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where nothing is yet."""
    if request.param == "sqlite":
        (tmp_path / "base").mkdir()
        return f"sqlite:///{tmp_path / 'base' / 'work.sqlite'}"
    found: str = request.getfixturevalue("new_postgres")()
    return found


@pytest.fixture
def opened(empty_url: str, tmp_path: Path) -> Iterator[Callable[[], Store]]:
    stores: list[Store] = []

    def make() -> Store:
        stores.append(open_store(tmp_path / "store", empty_url))
        return stores[-1]

    yield make
    for store in stores:
        store.close()


def names(store: Store) -> set[str]:
    with store.read() as connection:
        return set(sa.inspect(connection).get_table_names())


def test_the_steps_make_the_tables(store: Store) -> None:
    with store.read() as connection:
        assert compare_metadata(MigrationContext.configure(connection), METADATA) == []
    assert names(store) == {table.name for table in METADATA.sorted_tables} | {"alembic_version"}


def test_the_newest_step_is_the_one_that_start_asks_for() -> None:
    steps = ScriptDirectory.from_config(migrations.configuration())
    assert steps.get_heads() == [migrations.HEAD]
    assert re.fullmatch(r"\d{4}", migrations.HEAD)


def test_a_newer_database_is_refused_and_left_alone(opened: Callable[[], Store]) -> None:
    store = opened()
    with store.write() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(AnalysisError) as caught:
        opened()
    assert str(caught.value) == "store_newer()"
    with store.read() as connection:
        assert connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar_one() == "9999"


@pytest.mark.parametrize("where", ["CREATE TABLE links", "INSERT INTO alembic_version"])
def test_a_start_that_breaks_off_leaves_nothing_half_made(
    opened: Callable[[], Store], empty_url: str, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    def breaks(url: sa.URL, *, pooled: bool = True) -> sa.Engine:
        engine = make_engine(url, pooled=pooled)

        def stop(connection: object, cursor: object, statement: str, *rest: object) -> None:
            if where in statement:
                raise KeyboardInterrupt

        event.listen(engine, "before_cursor_execute", stop)
        return engine

    with monkeypatch.context() as patched:
        patched.setattr("store.database.make_engine", breaks)
        with pytest.raises(KeyboardInterrupt):
            opened()
    url = empty_url.replace("postgresql:", "postgresql+psycopg:")
    with make_engine(sa.make_url(url), pooled=False).connect() as connection:
        assert sa.inspect(connection).get_table_names() == []
    assert "links" in names(opened())


def test_one_waits_for_the_other(opened: Callable[[], Store], empty_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """While the lock is held nobody makes tables; a holder that dies holds nothing."""
    monkeypatch.setattr(migrations, "STARTING", 0.3)
    if empty_url.startswith("sqlite"):
        holder = sqlite3.connect(f"{sa.make_url(empty_url).database}-starting", isolation_level=None)
        holder.execute("BEGIN EXCLUSIVE")
        let_go = holder.close
    else:
        engine = make_engine(sa.make_url(empty_url.replace("postgresql:", "postgresql+psycopg:")), pooled=False)
        held = engine.connect()
        held.execute(sa.text("SELECT pg_advisory_lock(:key)"), {"key": migrations.LOCK_KEY})
        let_go = held.close
    with pytest.raises(AnalysisError) as caught:
        opened()
    assert str(caught.value) == "store_busy()"
    let_go()
    assert "links" in names(opened())


NEXT = '''
"""A later step: a column more, and another one narrower, which SQLite can only do by writing the table anew."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    with op.batch_alter_table("workspaces") as batch:
        batch.add_column(sa.Column("colour", sa.String(8), nullable=False, server_default="teal"))
        batch.alter_column("name", type_=sa.String(220), existing_type=sa.String(200), existing_nullable=False)
'''


def test_an_older_database_comes_up_with_everything_in_it(
    opened: Callable[[], Store], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The table that others refer to is written anew: what refers to it stays, and is still held to it."""
    store = opened()
    moment = now()
    moments = dict.fromkeys(("created_at", "changed_at", "opened_at"), moment)
    link = {"id": "l", "workspace_id": "w", "token_digest": "t", "role": "view", "page": "", "body": ""}
    with store.write() as connection:
        connection.execute(
            PEOPLE.insert().values(id="p", kind="local", subject_digest="s", created_at=moment, seen_at=moment)
        )
        work = {"id": "w", "owner_id": "p", "changed_by": "p", "version": 7, "body": "{}", "secret": b"\1" * 32}
        connection.execute(WORKSPACES.insert().values(work | moments))
        connection.execute(LINKS.insert().values(link | {"created_at": moment, "created_by": "p"}))
    store.close()

    shutil.copytree(HERE, tmp_path / "steps", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "steps" / "versions" / "0002_colour.py").write_text(NEXT)
    monkeypatch.setattr(migrations, "HEAD", "0002")
    monkeypatch.setattr(migrations, "PLACE", tmp_path / "steps")
    store = opened()
    with store.write() as connection:
        row = connection.execute(sa.text("SELECT version, colour, secret FROM workspaces")).one()
        assert (row.version, row.colour, bytes(row.secret)) == (7, "teal", b"\1" * 32)
        assert connection.execute(sa.select(LINKS.c.id)).scalars().all() == ["l"]
        connection.execute(sa.text("DELETE FROM workspaces"))
        assert connection.execute(sa.select(LINKS.c.id)).all() == []
    # The older code meets the newer database.
    monkeypatch.undo()
    with pytest.raises(AnalysisError) as caught:
        opened()
    assert caught.value.code == "store_newer"


def test_a_draft_of_the_next_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(HERE, tmp_path / "steps", ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(migrations, "PLACE", tmp_path / "steps")
    table = sa.Table("colours", METADATA, sa.Column("at", Moment), sa.Column("name", sa.String(8)))
    try:
        main("Colours")
    finally:
        METADATA.remove(table)
    drafts = list((tmp_path / "steps" / "versions").glob("*_colours.py"))
    assert [path.name for path in drafts] == [f"{int(migrations.HEAD) + 1:04d}_colours.py"]
    text = drafts[0].read_text()
    assert text.startswith('"""Colours."""')
    assert re.findall(r"op\.(\w+)\(", text) == ["create_table"]  # and nothing else differs
    assert re.findall(r"sa\.Column\((.*?), nullable", text.replace("'", '"')) == [
        '"at", sa.DateTime(timezone=True)',
        '"name", sa.String(length=8)',
    ]
    compile(text, "draft", "exec")


def test_no_step_reads_the_present_tables() -> None:
    """A step is what it was on its day, whatever becomes of ``store.tables``."""
    for path in (HERE / "versions").glob("*.py"):
        assert "store" not in re.findall(r"^(?:from|import) (\w+)", path.read_text(), re.MULTILINE), path.name


def test_opening_again_needs_no_lock(sqlite_store: Store) -> None:
    with closing(sqlite3.connect(f"{sqlite_store.engine.url.database}-starting", isolation_level=None)) as holder:
        holder.execute("BEGIN EXCLUSIVE")
        with closing(open_store(sqlite_store.folder, str(sqlite_store.engine.url))) as store:
            assert "links" in names(store)
