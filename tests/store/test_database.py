"""Opening, transactions, and the words for what goes wrong: on SQLite and on a real PostgreSQL."""

from __future__ import annotations

import logging
import os
import shutil
import socket
import stat
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from analytics.errors import AnalysisError
from store import database
from store.database import Store, make_engine, now, open_store
from store.tables import PEOPLE, WORKSPACES
from tests.postgres_server import PASSWORD, PostgresServer


def person(id: str, **values: Any) -> sa.Insert:
    row = {"id": id, "kind": "member", "subject_digest": id, "name": "", "created_at": now(), "seen_at": now()}
    return PEOPLE.insert().values(row | values)


def ids(store: Store) -> list[str]:
    with store.read() as connection:
        return list(connection.execute(sa.select(PEOPLE.c.id).order_by(PEOPLE.c.id)).scalars())


@contextmanager
def refused(code: str) -> Iterator[pytest.ExceptionInfo[AnalysisError]]:
    with pytest.raises(AnalysisError) as caught:
        yield caught
    assert caught.value.code == code, caught.value


class TestTransactions:
    def test_what_was_written_is_read(self, store: Store) -> None:
        moment = datetime(2024, 5, 1, 12, 30, 0, 123456, tzinfo=timezone(timedelta(hours=8)))
        with store.write() as connection:
            connection.execute(person("a", created_at=moment))
        with store.read() as connection:
            found = connection.execute(sa.select(PEOPLE.c.created_at)).scalar_one()
        assert (found, found.utcoffset()) == (moment, timedelta(0))

    def test_a_block_that_fails_leaves_nothing(self, store: Store) -> None:
        with suppress(ZeroDivisionError), store.write() as connection:
            connection.execute(person("a"))
            _ = 1 // 0
        assert ids(store) == []

    def test_a_reader_sees_one_state(self, store: Store) -> None:
        query = sa.select(sa.func.count()).select_from(PEOPLE)
        with store.read() as reading:
            assert reading.execute(query).scalar_one() == 0
            with ThreadPoolExecutor(1) as other:
                other.submit(self.add, store, "a").result()
            assert reading.execute(query).scalar_one() == 0
        assert ids(store) == ["a"]

    @staticmethod
    def add(store: Store, id: str) -> None:
        with store.write() as connection:
            connection.execute(person(id))

    def test_a_reader_cannot_write_to_postgresql(self, store: Store) -> None:
        if store.is_sqlite:
            pytest.skip("SQLite's readers are not held to it")
        with refused("store_unwritable"), store.read() as connection:
            connection.execute(person("a"))

    def test_a_write_within_a_write_is_a_mistake(self, store: Store) -> None:
        with pytest.raises(RuntimeError), store.write(), store.write():
            pass
        self.add(store, "a")
        assert ids(store) == ["a"]

    def test_rows_of_nobody_are_refused(self, store: Store) -> None:
        row = {"id": "w", "owner_id": "nobody", "changed_by": "nobody", "version": 1, "body": "", "secret": b""}
        moments = dict.fromkeys(("created_at", "changed_at", "opened_at"), now())
        with refused("store_failed"), store.write() as connection:
            connection.execute(WORKSPACES.insert().values(row | moments))

    def test_thirty_threads_read_and_write_at_once(self, store: Store) -> None:
        def work(number: int) -> int:
            for turn in range(3):
                self.add(store, f"{number}-{turn}")
                assert f"{number}-{turn}" in ids(store)
            return 3

        with ThreadPoolExecutor(30) as threads:
            assert sum(threads.map(work, range(30))) == 90
        assert len(ids(store)) == 90

    def test_settings_that_the_promises_rest_on(self, sqlite_store: Store) -> None:
        with sqlite_store.write() as connection:
            told = {
                name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
                for name in ("journal_mode", "synchronous", "foreign_keys")
            }
        assert told == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}

    def test_a_server_that_started_anew_is_found_again(self, postgres: PostgresServer, shared_url: str) -> None:
        with closing(open_store(url=shared_url)) as store:
            before = ids(store)
            postgres.control("-m", "fast", "restart")
            assert ids(store) == before


class TestOpening:
    def test_of_the_environment(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("REGULARS_STORE", str(tmp_path / "deep" / "place"))
        monkeypatch.delenv("REGULARS_DATABASE", raising=False)
        with closing(open_store()) as store:
            assert store.folder == tmp_path / "deep" / "place"
            assert (store.folder / "work.sqlite").is_file()
        monkeypatch.setenv("REGULARS_DATABASE", f"sqlite:///{tmp_path / 'elsewhere' / 'other.sqlite'}")
        with closing(open_store()) as store:
            assert (tmp_path / "elsewhere" / "other.sqlite").is_file()

    def test_nobody_else_reads_it(self, tmp_path: Path) -> None:
        before = os.umask(0)
        try:
            with closing(open_store(tmp_path / "store", f"sqlite:///{tmp_path / 'base' / 'x.sqlite'}")) as store:
                with store.write() as connection:
                    connection.execute(person("a"))
                found = [*store.folder.rglob("*"), *(tmp_path / "base").rglob("*"), store.folder, tmp_path / "base"]
                modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in found}
        finally:
            os.umask(before)
        assert {modes[name] for name in ("store", "base", "blobs")} == {0o700}
        assert {modes[name] for name in ("x.sqlite", "x.sqlite-wal", "x.sqlite-shm", "x.sqlite-starting")} == {0o600}

    @pytest.mark.parametrize(
        "url",
        ["mysql://me:hidden@host/x", "not an address", "sqlite://", "sqlite:///:memory:", "sqlite:///file:x?uri=true"],
    )
    def test_other_databases_are_refused(self, url: str, tmp_path: Path) -> None:
        with pytest.raises(AnalysisError) as caught:
            open_store(tmp_path, url)
        assert str(caught.value) == "store_url()"

    def test_a_folder_with_an_odd_name(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("REGULARS_DATABASE", raising=False)
        with closing(open_store(tmp_path / "100% 客?x=1#y")) as store:
            assert ids(store) == []
            assert (store.folder / "work.sqlite").stat().st_size > 0

    def test_a_damaged_file(self, tmp_path: Path) -> None:
        (tmp_path / "work.sqlite").write_bytes(os.urandom(8192))
        with refused("store_damaged"):
            open_store(tmp_path, f"sqlite:///{tmp_path / 'work.sqlite'}")

    def test_a_place_that_is_no_folder(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("")
        with refused("store_unwritable"):
            open_store(tmp_path / "file" / "store", f"sqlite:///{tmp_path / 'x.sqlite'}")

    def test_a_copy_without_the_log_gets_it_back(self, sqlite_store: Store, tmp_path: Path) -> None:
        with closing(sqlite_store.engine.raw_connection()) as raw:
            raw.driver_connection.execute(f"VACUUM INTO '{tmp_path / 'copy.sqlite'}'")
        with closing(open_store(tmp_path, f"sqlite:///{tmp_path / 'copy.sqlite'}")) as store, store.read() as reading:
            assert reading.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"


class TestTrouble:
    """What a driver says becomes a code with words; what was saved before is there."""

    @pytest.fixture
    def impatient(self, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], Store]]:
        monkeypatch.setattr(database, "PATIENCE", 0.3)
        monkeypatch.setattr(database, "CONNECTIONS", 1)
        monkeypatch.setattr(database, "MORE_CONNECTIONS", 0)
        opened: list[Store] = []

        def make() -> Store:
            opened.append(open_store(tmp_path / "store", url))
            return opened[-1]

        yield make
        for store in opened:
            store.close()

    def test_locked_by_another_process(self, store: Store, impatient: Callable[[], Store]) -> None:
        with store.write() as connection:
            connection.execute(person("a"))
        other = impatient()
        with store.write() as holding:
            holding.execute(sa.update(PEOPLE).values(name="x"))
            begun = time.monotonic()
            with refused("store_busy"), other.write() as connection:
                connection.execute(sa.update(PEOPLE).values(name="y"))
            assert 0.2 < time.monotonic() - begun < 3
            assert ids(other) == ["a"]  # reading goes on
        with other.write() as connection:
            connection.execute(sa.update(PEOPLE).values(name="z"))

    def test_locked_by_another_thread(self, sqlite_store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(database, "PATIENCE", 0.2)
        taken, done = threading.Event(), threading.Event()

        def hold() -> None:
            with sqlite_store.write():
                taken.set()
                done.wait(5)

        thread = threading.Thread(target=hold)
        thread.start()
        taken.wait(5)
        with refused("store_busy"), sqlite_store.write():
            pass
        done.set()
        thread.join()
        with sqlite_store.write() as connection:
            connection.execute(person("a"))

    def test_no_connection_left(self, impatient: Callable[[], Store]) -> None:
        store = impatient()
        with store.read() as connection:
            connection.execute(sa.select(PEOPLE.c.id))
            with refused("store_busy"), store.read():
                pass
        assert ids(store) == []

    def test_nobody_listens(self, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        with caplog.at_level(logging.DEBUG), refused("store_unreachable"):
            open_store(tmp_path, f"postgresql://owner:{PASSWORD}@127.0.0.1:{port}/postgres")
        assert PASSWORD not in caplog.text

    @pytest.mark.parametrize("change", ["password", "database"])
    def test_not_let_in(self, postgres: PostgresServer, tmp_path: Path, change: str) -> None:
        url = postgres.url().replace(PASSWORD, "wrong") if change == "password" else postgres.url("absent")
        with refused("store_unreachable"):
            open_store(tmp_path, url)

    def test_a_server_that_goes_away(self, store: Store) -> None:
        if store.is_sqlite:
            pytest.skip("SQLite is in the process")
        with refused("store_unreachable"), store.write() as connection:
            connection.execute(person("a"))
            me = connection.execute(sa.text("SELECT pg_backend_pid()")).scalar_one()
            with store.read() as other:
                other.execute(sa.select(sa.func.pg_terminate_backend(me)))
            connection.execute(person("b"))
        assert ids(store) == []

    def test_sqlite_is_full(self, sqlite_store: Store) -> None:
        """A real "database or disk is full", by a limit on the file's pages."""
        with sqlite_store.write() as connection:
            connection.execute(person("a"))
        free = shutil.disk_usage(sqlite_store.folder).free // 1_000_000
        with refused("store_full") as caught, sqlite_store.write() as connection:
            pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
            connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")
            for i in range(5000):
                connection.execute(person(f"p{i}", name="x" * 100))
        assert abs(float(str(caught.value.params["megabytes"])) - free) < 0.1 * free + 10
        assert ids(sqlite_store) == ["a"]
        with sqlite_store.write() as connection:
            connection.exec_driver_sql("PRAGMA max_page_count = 100000")
            connection.execute(person("b"))
        assert ids(sqlite_store) == ["a", "b"]

    def test_no_value_of_a_person_in_the_log(self, store: Store, caplog: pytest.LogCaptureFixture) -> None:
        with caplog.at_level(logging.DEBUG), refused("store_failed"), store.write() as connection:
            connection.execute(person("a", subject_digest="mei@example.com", email="mei@example.com"))
            connection.execute(person("b", subject_digest="mei@example.com", name="Mei Lin"))
        assert "store_failed" in caplog.text
        assert "test_database.py" in caplog.text  # where it came from
        assert "mei@" not in caplog.text
        assert "Mei Lin" not in caplog.text

    def test_every_code_has_words(self) -> None:
        from analytics.i18n.phrases.store import PHRASES

        source = (Path(database.__file__)).read_text() + (Path(database.__file__).parent / "blobs.py").read_text()
        codes = {key.split(".")[1] for key in PHRASES}
        assert {code for code in codes if f'"{code}"' in source} | {"store_newer"} == codes


def test_now_is_utc() -> None:
    assert now().tzinfo is UTC
    assert make_engine(sa.make_url("sqlite:////tmp/never-opened.sqlite")).pool.__class__.__name__ == "QueuePool"
