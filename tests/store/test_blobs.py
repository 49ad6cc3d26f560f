"""Files by their content: kept before a row speaks of them, collected when none does, never in each other's way."""

from __future__ import annotations

import errno
import hashlib
import os
import random
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import sqlalchemy as sa
from sqlalchemy import event

from analytics.errors import AnalysisError
from analytics.keys import digest_bytes
from store import blobs, database
from store.blobs import collect, keep, keep_table, path_of, release, shown, stored_bytes, table, uploads
from store.database import Store, now
from store.model import Upload
from store.tables import BLOBS, PEOPLE, READ_TABLES, UPLOADS, WORKSPACES

NO_TIME = timedelta(0)
KEY = "ab" * 32


@contextmanager
def refused(code: str) -> Iterator[pytest.ExceptionInfo[AnalysisError]]:
    with pytest.raises(AnalysisError) as caught:
        yield caught
    assert caught.value.code == code, caught.value


def new_work(store: Store) -> str:
    """A workspace's row, as small as the tables allow."""
    owner, work, moment = uuid.uuid4().hex, uuid.uuid4().hex, now()
    moments = dict.fromkeys(("created_at", "changed_at", "opened_at"), moment)
    row = {"id": work, "owner_id": owner, "changed_by": owner, "version": 1, "body": "{}", "secret": b"\0" * 32}
    with store.write() as connection:
        connection.execute(
            PEOPLE.insert().values(id=owner, kind="local", subject_digest=owner, created_at=moment, seen_at=moment)
        )
        connection.execute(WORKSPACES.insert().values(row | moments))
    return work


@pytest.fixture
def work(store: Store) -> str:
    return new_work(store)


def files(store: Store) -> list[str]:
    """All files beneath ``blobs``, temporary ones too."""
    return sorted(path.name for path in (store.folder / "blobs").rglob("*") if path.is_file())


def rows(store: Store, of: sa.Table) -> int:
    with store.read() as connection:
        return int(connection.execute(sa.select(sa.func.count()).select_from(of)).scalar_one())


class TestKeeping:
    def test_by_hand(self, store: Store, work: str) -> None:
        first, second = keep(store, work, "orders.csv", b"a,b\n1,2\n"), keep(store, work, "客户.csv", b"x")
        assert first == Upload("orders.csv", digest_bytes(b"a,b\n1,2\n"), 8)
        assert uploads(store, work) == (first, second)
        assert path_of(store, first.digest).read_bytes() == b"a,b\n1,2\n"
        assert path_of(store, first.digest) == store.folder / "blobs" / first.digest[:2] / first.digest
        assert stored_bytes(store) == 9
        assert path_of(store, first.digest).stat().st_mode & 0o777 == 0o400

    def test_equal_content_is_kept_once(self, store: Store, work: str) -> None:
        other = new_work(store)
        one, two, renamed = (
            keep(store, place, name, b"same") for place, name in ((work, "a"), (other, "b"), (work, "c"))
        )
        assert one.digest == two.digest == renamed.digest
        assert uploads(store, work) == (renamed,)  # the name that it came with last
        assert uploads(store, other) == (two,)
        assert files(store) == [one.digest]
        assert stored_bytes(store) == 4

    def test_empty_and_from_a_file(self, store: Store, work: str, tmp_path: Path) -> None:
        assert keep(store, work, "nothing", b"").n_bytes == 0
        data = os.urandom(3 << 20)
        (tmp_path / "big").write_bytes(data)
        kept = keep(store, work, "big", tmp_path / "big")
        assert path_of(store, kept.digest).read_bytes() == data
        assert keep(store, work, "big", path_of(store, kept.digest)) == kept  # its own file
        assert stored_bytes(store) == 3 << 20

    def test_an_unknown_workspace(self, store: Store) -> None:
        with refused("workspace_unknown"):
            keep(store, "0" * 32, "a", b"a")
        assert rows(store, UPLOADS) == 0
        assert collect(store, NO_TIME) == 1  # its file is nobody's
        assert files(store) == []

    @pytest.mark.parametrize("what", ["absent", "."])
    def test_a_source_that_cannot_be_read(self, store: Store, work: str, tmp_path: Path, what: str) -> None:
        with refused("file_gone"):
            keep(store, work, "a", tmp_path / what)
        assert files(store) == []

    @pytest.mark.parametrize("data", [b"", b"short", b"as many bytes!!"])
    def test_a_file_that_was_damaged_is_written_again(self, store: Store, work: str, data: bytes) -> None:
        good = b"fifteen bytes.."
        path = path_of(store, keep(store, work, "a", good).digest)
        path.unlink()
        path.write_bytes(data)
        keep(store, work, "a", good)
        assert path.read_bytes() == good

    def test_a_source_that_changes_while_it_is_copied(
        self, store: Store, work: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """What is kept is what was copied, under its own digest."""
        (tmp_path / "log").write_bytes(b"before")
        write = blobs._write

        def grows(*arguments: Any) -> tuple[str, int]:
            (tmp_path / "log").write_bytes(b"before and after")
            return write(*arguments)

        monkeypatch.setattr(blobs, "_write", grows)
        kept = keep(store, work, "log", tmp_path / "log")
        assert kept == Upload("log", digest_bytes(b"before and after"), 16)
        assert path_of(store, kept.digest).read_bytes() == b"before and after"

    def test_release_and_have_it_back(self, store: Store, work: str, monkeypatch: pytest.MonkeyPatch) -> None:
        kept = keep(store, work, "a", b"a")
        later = now() + timedelta(days=3)
        monkeypatch.setattr(database, "now", lambda: later)
        release(store, work, kept.digest)
        assert uploads(store, work) == ()
        assert collect(store) == 0  # the grace counts from the release
        assert keep(store, work, "a", path_of(store, kept.digest)) == kept
        release(store, work, kept.digest)
        monkeypatch.setattr(database, "now", lambda: later + timedelta(hours=2))
        assert collect(store) == 1
        with refused("upload_gone"):
            path_of(store, kept.digest)

    def test_release_of_what_another_has(self, store: Store, work: str) -> None:
        other = new_work(store)
        kept = keep(store, work, "a", b"a")
        release(store, other, kept.digest)
        assert uploads(store, work) == (kept,)


class TestNames:
    @pytest.mark.parametrize(
        "digest",
        ["", "..", "../work.sqlite", "/etc/passwd", "a" * 63, "A" * 64, "g" * 64, "a" * 64 + "\n", "../" * 21 + "a"],
    )
    def test_no_way_out_of_the_folder(self, sqlite_store: Store, digest: str) -> None:
        work = new_work(sqlite_store)
        for act in (
            lambda: path_of(sqlite_store, digest),
            lambda: release(sqlite_store, work, digest),
            lambda: keep_table(sqlite_store, KEY, digest, pl.DataFrame(), "{}"),
            lambda: table(sqlite_store, digest),
        ):
            with refused("upload_gone") as caught:
                act()
            assert str(caught.value) == "upload_gone()"

    @pytest.mark.parametrize(
        ("given", "stored"),
        [
            ("訂單 2024.csv", "訂單 2024.csv"),
            ("../../etc/passwd", "passwd"),
            ("C:\\Users\\mei\\orders.csv", "orders.csv"),
            ("a\r\nSet-Cookie: x\0.csv", "aSet-Cookie: x.csv"),
            ("folder/", ""),
            ("\u202egnp.exe", "gnp.exe"),
            ("x" * 400 + ".csv", "x" * 296 + ".csv"),
            ("." * 400, "." * 300),
        ],
    )
    def test_of_files(self, given: str, stored: str) -> None:
        assert shown(given) == stored

    def test_a_longest_name_fits_the_column(self, store: Store, work: str) -> None:
        assert keep(store, work, "客" * 400 + ".parquet", b"a").name == uploads(store, work)[0].name


class TestOrder:
    """What is on disk before what: read from the calls themselves."""

    @pytest.fixture
    def calls(self, monkeypatch: pytest.MonkeyPatch, store: Store) -> list[str]:
        told: list[str] = []
        fsync, replace = os.fsync, os.replace

        def synced(descriptor: int) -> None:
            fsync(descriptor)
            path = Path(os.readlink(f"/proc/self/fd/{descriptor}"))
            told.append("fsync file" if path.is_file() else f"fsync {'blobs' if path.name == 'blobs' else 'folder'}")

        def replaced(source: Path, target: Path) -> None:
            replace(source, target)
            told.append("rename")

        monkeypatch.setattr(os, "fsync", synced)
        monkeypatch.setattr(os, "replace", replaced)

        @event.listens_for(store.engine, "commit")
        def committed(connection: sa.Connection) -> None:
            if connection.get_execution_options().get("regulars_write"):
                told.append("commit")

        return told

    @pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="this system does not tell names of open files")
    def test_file_then_name_then_row(self, store: Store, work: str, calls: list[str]) -> None:
        calls.clear()
        kept = keep(store, work, "a", b"first")
        assert calls == ["fsync file", "fsync blobs", "rename", "fsync folder", "commit"]
        calls.clear()
        keep_table(store, KEY, kept.digest, pl.DataFrame({"a": [1]}), "{}")
        assert [call for call in calls if call != "fsync blobs"] == ["fsync file", "rename", "fsync folder", "commit"]

    def test_row_then_file_when_it_is_collected(
        self, store: Store, work: str, calls: list[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        release(store, work, keep(store, work, "a", b"first").digest)
        unlink = blobs._unlink
        monkeypatch.setattr(blobs, "_unlink", lambda path: (unlink(path), calls.append("unlink")))
        calls.clear()
        assert collect(store, NO_TIME) == 1
        assert calls == ["commit", "unlink", "commit"]


class Fails:
    """The nth call of a function of the system fails as on a full disk."""

    def __init__(self, number: int, code: int = errno.ENOSPC) -> None:
        self.number, self.calls, self.code = number, 0, code

    def __call__(self, act: Callable[..., Any]) -> Callable[..., Any]:
        def wrapped(*arguments: Any, **options: Any) -> Any:
            self.calls += 1
            if self.calls == self.number:
                raise OSError(self.code, os.strerror(self.code))
            return act(*arguments, **options)

        return wrapped


def attempt(act: Callable[[], object]) -> AnalysisError | None:
    try:
        act()
    except AnalysisError as error:
        return error
    return None


class TestFullDisk:
    @pytest.mark.parametrize(
        ("name", "number", "code"),
        [
            *((name, number, errno.ENOSPC) for name in ("open", "fsync", "replace") for number in (1, 2)),
            ("chmod", 1, errno.ENOSPC),
            ("mkdir", 1, errno.EDQUOT),
        ],
    )
    def test_at_each_step(
        self, sqlite_store: Store, monkeypatch: pytest.MonkeyPatch, name: str, number: int, code: int
    ) -> None:
        """Whichever call fails: a message, nothing torn, nothing lost, and it works when there is room."""
        store, work = sqlite_store, new_work(sqlite_store)
        before = keep(store, work, "before", b"before")
        fails = Fails(number, code)
        with monkeypatch.context() as patched:
            patched.setattr(os, name, fails(getattr(os, name)))
            error = attempt(lambda: keep(store, work, "a", b"more"))
        if fails.calls < number:
            assert error is None
        else:
            assert error is not None
            assert error.code == "store_full"
            assert isinstance(error.params["megabytes"], int)
            assert uploads(store, work) == (before,)
        assert not list((store.folder / "blobs").glob("*.part"))
        for path in (store.folder / "blobs").glob("??/*"):
            assert digest_bytes(path.read_bytes()) == path.name
        after = keep(store, work, "a", b"more")
        assert uploads(store, work) == (before, after)

    def test_while_writing(self, sqlite_store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
        """A disk that takes a part of a write and no more."""
        work = new_work(sqlite_store)
        fdopen = os.fdopen

        def small(descriptor: int, *rest: Any) -> Any:
            return fdopen(os.open("/dev/full", os.O_RDWR), *rest)

        if not Path("/dev/full").exists():
            pytest.skip("this system has no /dev/full")
        monkeypatch.setattr(os, "fdopen", small)
        for data in (b"buffered", b"x" * 5_000_000):
            with refused("store_full"):
                keep(sqlite_store, work, "a", data)
        monkeypatch.undo()
        assert files(sqlite_store) == []
        assert uploads(sqlite_store, work) == ()

    def test_the_database_is_full(self, sqlite_store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
        """The file is there, its row finds no room: nothing is acknowledged, and the file is collected."""
        store, work = sqlite_store, new_work(sqlite_store)

        @event.listens_for(store.engine, "begin")
        def limited(connection: sa.Connection) -> None:
            pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
            connection.exec_driver_sql(f"PRAGMA max_page_count = {pages + 1}")

        kept: list[str] = []
        with refused("store_full"):
            for number in range(1000):
                kept.append(keep(store, work, "x" * 300, str(number).encode()).digest)
        assert [upload.digest for upload in uploads(store, work)] == kept
        assert len(files(store)) == len(kept) + 1
        assert collect(store, NO_TIME) == 1
        assert len(files(store)) == len(kept)

    def test_files_leave_a_reserve(self, sqlite_store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
        work = new_work(sqlite_store)
        there = keep(sqlite_store, work, "there", b"there")
        monkeypatch.setattr(blobs, "RESERVE", 1 << 60)
        with refused("store_no_room"):
            keep(sqlite_store, work, "a", b"a")
        with refused("store_no_room"):
            keep_table(sqlite_store, KEY, there.digest, pl.DataFrame({"a": [1]}), "{}")
        assert keep(sqlite_store, work, "again", b"there").digest == there.digest  # takes no room


class TestTables:
    FRAME = pl.DataFrame({"客户": ["a", None, "c"], "n": [1, 2, None], "x": [0.1, float("nan"), None]})

    def test_comes_back_as_it_was(self, store: Store, work: str) -> None:
        source = keep(store, work, "a.csv", b"bytes")
        assert table(store, KEY) is None
        keep_table(store, KEY, source.digest, self.FRAME, '{"a": 1}')
        found = table(store, KEY)
        assert found is not None
        assert found[1] == '{"a": 1}'
        assert pl.read_parquet(found[0]).equals(self.FRAME)
        keep_table(store, KEY, source.digest, self.FRAME.head(1), "{}")  # of newer code: takes its place
        again = table(store, KEY)
        assert again is not None
        assert pl.read_parquet(again[0]).height == 1
        assert collect(store, NO_TIME) == 1
        assert uploads(store, work) == (source,)

    def test_goes_with_its_source(self, store: Store, work: str) -> None:
        other = new_work(store)
        source = keep(store, work, "a.csv", b"bytes")
        keep(store, other, "a.csv", b"bytes")
        keep_table(store, KEY, source.digest, self.FRAME, "{}")
        release(store, work, source.digest)
        assert collect(store, NO_TIME) == 0  # another workspace has it
        assert table(store, KEY) is not None
        release(store, other, source.digest)
        assert collect(store, NO_TIME) == 2
        assert table(store, KEY) is None
        assert (rows(store, BLOBS), rows(store, READ_TABLES), files(store)) == (0, 0, [])

    def test_of_a_source_that_is_gone(self, store: Store) -> None:
        keep_table(store, KEY, "cd" * 32, self.FRAME, "{}")
        assert table(store, KEY) is None
        assert collect(store, NO_TIME) == 1

    @pytest.mark.parametrize("damage", ["gone", "short"])
    def test_a_damaged_one_is_not_there(self, store: Store, work: str, damage: str) -> None:
        source = keep(store, work, "a.csv", b"bytes")
        keep_table(store, KEY, source.digest, self.FRAME, "{}")
        found = table(store, KEY)
        assert found is not None
        found[0].unlink()
        if damage == "short":
            found[0].write_bytes(b"PAR1")
        assert table(store, KEY) is None
        keep_table(store, KEY, source.digest, self.FRAME, "{}")
        assert table(store, KEY) is not None

    def test_a_table_that_is_an_upload_too(self, store: Store, work: str, tmp_path: Path) -> None:
        """A Parquet file whose table is the same bytes speaks of itself: that alone does not hold it."""
        self.FRAME.write_parquet(tmp_path / "x", compression="zstd")
        source = keep(store, work, "x.parquet", tmp_path / "x")
        keep_table(store, KEY, source.digest, self.FRAME, "{}")
        assert files(store) == [source.digest]
        release(store, work, source.digest)
        assert collect(store, NO_TIME) == 1
        assert files(store) == []

    def test_no_room(self, sqlite_store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
        source = keep(sqlite_store, new_work(sqlite_store), "a.csv", b"bytes")
        write = pl.DataFrame.write_parquet
        monkeypatch.setattr(
            pl.DataFrame, "write_parquet", lambda frame, path, **rest: write(frame, "/dev/full", **rest)
        )
        with refused("store_full"):
            keep_table(sqlite_store, KEY, source.digest, self.FRAME, "{}")
        assert files(sqlite_store) == [source.digest]

    def test_its_use_is_noted_now_and_then(self, store: Store, work: str, monkeypatch: pytest.MonkeyPatch) -> None:
        source = keep(store, work, "a.csv", b"bytes")
        keep_table(store, KEY, source.digest, self.FRAME, "{}")
        moment = now()
        for later, noted in ((timedelta(minutes=1), False), (timedelta(days=2), True)):
            monkeypatch.setattr(database, "now", lambda later=later: moment + later)
            assert table(store, KEY) is not None
            with store.read() as connection:
                used = connection.execute(sa.select(READ_TABLES.c.used_at)).scalar_one()
            assert (used > moment + later / 2) == noted


class TestCollecting:
    def test_within_the_grace_nothing_goes(self, store: Store, work: str) -> None:
        release(store, work, keep(store, work, "a", b"a").digest)
        assert collect(store) == 0
        assert collect(store, NO_TIME) == 1
        assert collect(store, NO_TIME) == 0

    def test_of_a_workspace_that_is_deleted(self, store: Store, work: str) -> None:
        keep(store, work, "a", b"a")
        with store.write() as connection:
            connection.execute(sa.delete(WORKSPACES).where(WORKSPACES.c.id == work))
        assert collect(store, NO_TIME) == 1
        assert (files(store), rows(store, BLOBS)) == ([], 0)

    def test_files_of_nobody(self, store: Store, work: str) -> None:
        kept = keep(store, work, "a", b"a")
        folder = store.folder / "blobs"
        (folder / "ab").mkdir(exist_ok=True)
        for name, hours in ((f"ab/{KEY}", 2), (f"ab/{KEY[:-2]}cd", 0.5), ("old.part", 3), ("new.part", 0.5)):
            (folder / name).write_bytes(b"")
            moment = time.time() - hours * 3600
            os.utime(folder / name, (moment, moment))
        (folder / "ab" / "README").write_text("not ours")
        os.utime(folder / "ab" / "README", (0, 0))
        assert collect(store) == 1
        assert files(store) == sorted(["README", f"{KEY[:-2]}cd", "new.part", kept.digest])

    def test_a_row_whose_file_is_gone_is_no_trouble(self, store: Store, work: str) -> None:
        kept = keep(store, work, "a", b"a")
        path_of(store, kept.digest).unlink()
        with refused("upload_gone"):
            path_of(store, kept.digest)
        release(store, work, kept.digest)
        collect(store, NO_TIME)
        assert rows(store, BLOBS) == 0


class TestRace:
    """Somebody brings the same content in the very moment in which it is collected."""

    def held_until(self, monkeypatch: pytest.MonkeyPatch, name: str) -> tuple[threading.Event, threading.Event]:
        """``blobs.<name>`` tells that it was reached by the first thread, and goes on when it may."""
        reached, may_go = threading.Event(), threading.Event()
        act = getattr(blobs, name)

        def wait(*arguments: Any) -> Any:
            if not reached.is_set():
                reached.set()
                assert may_go.wait(10)
            return act(*arguments)

        monkeypatch.setattr(blobs, name, wait)
        return reached, may_go

    def test_kept_while_it_is_being_deleted(self, store: Store, work: str, monkeypatch: pytest.MonkeyPatch) -> None:
        """The collector stands before unlink, with its lock: keep waits, finds the file gone, writes it again."""
        kept = keep(store, work, "a", b"content")
        release(store, work, kept.digest)
        reached, may_go = self.held_until(monkeypatch, "_unlink")
        with ThreadPoolExecutor(2) as threads:
            collecting = threads.submit(collect, store, NO_TIME)
            assert reached.wait(10)
            keeping = threads.submit(keep, store, work, "a", b"content")
            time.sleep(0.15)
            assert not keeping.done()
            may_go.set()
            assert collecting.result(10) == 1
            assert keeping.result(10) == kept
        assert path_of(store, kept.digest).read_bytes() == b"content"
        assert uploads(store, work) == (kept,)
        assert rows(store, BLOBS) == 1

    @pytest.mark.parametrize("has_row", [True, False])
    def test_collected_between_the_file_and_the_rows(
        self, store: Store, work: str, monkeypatch: pytest.MonkeyPatch, has_row: bool
    ) -> None:
        """The putter found the file and left it alone; it is collected before its rows: it is written again."""
        kept = keep(store, work, "a", b"content")
        release(store, work, kept.digest)
        if not has_row:
            with store.write() as connection:
                connection.execute(sa.delete(BLOBS))
        reached, may_go = threading.Event(), threading.Event()
        put = blobs._put

        def puts_and_waits(*arguments: Any) -> tuple[str, int]:
            found = put(*arguments)
            reached.set()
            assert may_go.wait(10)
            return found

        monkeypatch.setattr(blobs, "_put", puts_and_waits)
        with ThreadPoolExecutor(1) as threads:
            keeping = threads.submit(keep, store, work, "a", b"content")
            assert reached.wait(10)
            assert collect(store, NO_TIME) == 1
            assert files(store) == []
            may_go.set()
            assert keeping.result(10) == kept
        assert path_of(store, kept.digest).read_bytes() == b"content"

    def test_kept_between_the_question_and_the_deletion(
        self, store: Store, work: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The collector asked what is unused; then it is used: it asks again under the lock, and lets it be."""
        kept = keep(store, work, "a", b"content")
        release(store, work, kept.digest)
        reached, may_go = self.held_until(monkeypatch, "_collect_one")
        with ThreadPoolExecutor(1) as threads:
            collecting = threads.submit(collect, store, NO_TIME)
            assert reached.wait(10)
            keep(store, work, "a", b"content")
            may_go.set()
            assert collecting.result(10) == 0
        assert uploads(store, work) == (kept,)
        assert path_of(store, kept.digest).exists()

    def test_an_upload_that_names_an_old_file_without_keeping_it(
        self, store: Store, work: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """As a copy of a workspace does: its row is refused or holds the file, whichever comes first."""
        kept = keep(store, work, "a", b"content")
        release(store, work, kept.digest)
        reached, may_go = self.held_until(monkeypatch, "_unlink")
        row = {"workspace_id": work, "digest": kept.digest, "name": "a", "at": now()}

        def name_it() -> None:
            with store.write() as connection:
                connection.execute(UPLOADS.insert().values(row))

        with ThreadPoolExecutor(2) as threads:
            collecting = threads.submit(collect, store, NO_TIME)
            assert reached.wait(10)
            naming = threads.submit(name_it)
            time.sleep(0.1)
            may_go.set()
            assert collecting.result(10) == 1
            with refused("store_failed"):
                naming.result(10)
        assert uploads(store, work) == ()

    def test_many_at_once(self, store: Store) -> None:
        """Six who keep and release the same five contents, two who collect: whoever has a file can read it."""
        works = [new_work(store) for _ in range(6)]
        contents = [bytes([i]) * (1000 * i + 1) for i in range(5)]
        done = threading.Event()

        def keeps(number: int) -> int:
            chance = random.Random(number)
            for _ in range(12):
                kept = keep(store, works[number], "a", chance.choice(contents))
                data = path_of(store, kept.digest).read_bytes()
                assert hashlib.sha256(data).hexdigest() == kept.digest
                if chance.random() < 0.8:
                    release(store, works[number], kept.digest)
            return 12

        def collects() -> int:
            n = 0
            while not done.is_set():
                n += collect(store, NO_TIME)
            return n

        with ThreadPoolExecutor(8) as threads:
            collecting = [threads.submit(collects) for _ in range(2)]
            try:
                assert sum(threads.map(keeps, range(6))) == 72
            finally:
                done.set()
            collected = sum(future.result(10) for future in collecting)
        assert collected > 0
        held = {upload.digest for work in works for upload in uploads(store, work)}
        for digest in held:
            assert digest_bytes(path_of(store, digest).read_bytes()) == digest
        collect(store, NO_TIME)
        assert set(files(store)) == held
