"""A back-up brings everything back, taken while six write; what was altered is refused before anything is touched."""

from __future__ import annotations

import json
import stat
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import sqlalchemy as sa

from analytics.errors import AnalysisError
from analytics.keys import digest_bytes
from analytics.workspace import Workspace
from store import backup, blobs, database, links, people, workspaces
from store.__main__ import main
from store.database import Store, open_store
from store.model import Erasure, Record
from store.tables import METADATA

SECRET = bytes(range(32))


@pytest.fixture
def elsewhere(tmp_path: Path) -> Iterator[Callable[..., Store]]:
    """Opens further stores, of their own folders."""
    opened: list[Store] = []

    def another(name: str = "elsewhere", url: str | None = None) -> Store:
        folder = tmp_path / name
        opened.append(open_store(folder, url or f"sqlite:///{folder / 'work.sqlite'}"))
        return opened[-1]

    yield another
    for store in opened:
        store.close()


def fill(store: Store) -> tuple[Record, str]:
    """Some of everything: a kept workspace with a history, an upload, a table, an erasure, a link and a colleague."""
    ada = people.member(store, "https://id.example.org", "1", "Ada 常客", "ada@example.org")
    record = workspaces.create(store, ada, Workspace(world=""), "upload", name="Spring", secret=SECRET)
    upload = blobs.keep(store, record.id, "orders.csv", b"customer_id,amount\na,1\n" * 5000)
    blobs.keep_table(store, upload.digest, upload.digest, pl.DataFrame({"a": range(1000)}), "{}")
    workspaces.erase(store, record.id, Erasure("", ("d1", "d2"), ("customer_id",)), ada)
    saved = workspaces.save(store, record.id, 1, replace(record.workspace, language="zh_TW"), "personas", ada, "first")
    assert isinstance(saved, Record)
    _link, token = links.create_link(store, record.id, "edit", ada, workspace=saved.workspace, page="personas")
    people.add_member(store, record.id, "bo@example.org", "edit", ada)
    return saved, token


def everything(store: Store) -> dict[str, list[tuple[Any, ...]]]:
    with store.read() as connection:
        return {
            table.name: sorted((tuple(row) for row in connection.execute(sa.select(table))), key=repr)
            for table in METADATA.sorted_tables
        }


def files(folder: Path) -> dict[str, str]:
    return {path.name: digest_bytes(path.read_bytes()) for path in folder.rglob("*") if len(path.name) == 64}


def test_everything_is_there_elsewhere(store: Store, elsewhere: Callable[..., Store], tmp_path: Path) -> None:
    record, token = fill(store)
    made = backup.back_up(store, tmp_path / "saved")
    assert (made.n_workspaces, made.n_files) == (1, 2)
    assert backup.verify(tmp_path / "saved") == made
    target = elsewhere()
    assert backup.restore(tmp_path / "saved", target) == made
    assert everything(target) == everything(store)
    assert made.n_rows == sum(map(len, everything(store).values()))
    assert files(target.folder) == files(store.folder)
    assert all(name == digest for name, digest in files(target.folder).items())
    # It opens: choices, history, file, table, link, key.
    assert workspaces.load(target, record.id) == record
    assert [version.note for version in workspaces.history(target, record.id)][:1] == ["first"]
    (upload,) = blobs.uploads(target, record.id)
    assert blobs.path_of(target, upload.digest).read_bytes().startswith(b"customer_id,amount")
    found = blobs.table(target, upload.digest)
    assert found is not None
    assert pl.read_parquet(found[0]).height == 1000
    assert links.open_link(target, token).record.id == record.id
    assert workspaces.secret_of(target, record.id) == SECRET
    assert workspaces.erasures(target, record.id) == workspaces.erasures(store, record.id)


def test_from_one_kind_of_database_to_the_other_and_back(
    sqlite_store: Store, new_postgres: Callable[[], str], elsewhere: Callable[..., Store], tmp_path: Path
) -> None:
    fill(sqlite_store)
    backup.back_up(sqlite_store, tmp_path / "one")
    team = elsewhere("team", new_postgres())
    backup.restore(tmp_path / "one", team)
    assert everything(team) == everything(sqlite_store)
    backup.back_up(team, tmp_path / "two")
    home = elsewhere("home")
    backup.restore(tmp_path / "two", home)
    assert everything(home) == everything(sqlite_store)
    assert (tmp_path / "one/rows.jsonl").read_text() == (tmp_path / "two/rows.jsonl").read_text()


def test_while_six_write_the_back_up_is_one_state(
    store: Store, elsewhere: Callable[..., Store], tmp_path: Path
) -> None:
    stop, failed, busy = threading.Event(), [], threading.Barrier(7)

    def write(n: int) -> None:
        owner = people.browser_person(store, str(n) * 43)
        try:
            record = workspaces.create(store, owner, Workspace(), "upload", secret=SECRET)
            i = 0
            while not stop.is_set():
                i += 1
                upload = blobs.keep(store, record.id, f"{i}.csv", f"{n},{i}\n".encode() * 2000)
                saved = workspaces.save(
                    store, record.id, record.version, replace(record.workspace, customer=str(i)), "upload", owner
                )
                assert isinstance(saved, Record)
                record = saved
                if i % 3 == 0:  # nobody speaks of it now: it may go at any moment
                    blobs.release(store, record.id, upload.digest)
                    blobs.collect(store, grace=timedelta(seconds=2))
                if i == 4:
                    busy.wait(30)
        except Exception as problem:
            failed.append(problem)

    writers = [threading.Thread(target=write, args=(n,)) for n in range(6)]
    for writer in writers:
        writer.start()
    try:
        busy.wait(30)
        made = [backup.back_up(store, tmp_path / f"saved{i}") for i in range(2)]
    finally:
        stop.set()
        for writer in writers:
            writer.join()
    assert failed == []
    assert made[1].n_rows > made[0].n_rows > 6 * 8
    for i in range(2):
        target = elsewhere(f"target{i}")
        backup.restore(tmp_path / f"saved{i}", target)
        state = everything(target)
        known = {row[0] for row in state["blobs"]}
        assert known == set(files(target.folder))
        assert all(name == digest for name, digest in files(target.folder).items())
        newest = {row[0]: row[2] for row in state["workspaces"]}
        numbers = {name: max(row[1] for row in state["versions"] if row[0] == name) for name in newest}
        for record_id in newest:
            assert workspaces.load(target, record_id).version == numbers[record_id], "choices and history are one state"


def altered(saved: Path, part: str) -> None:
    """One byte of a part of a back-up is another one."""
    path = next(saved.glob("blobs/*")) if part == "file" else saved / part
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.chmod(0o600)
    path.write_bytes(data)


@pytest.mark.parametrize("part", ["file", "rows.jsonl", "lost", "manifest", "digest", "link"])
def test_a_damaged_back_up_is_refused_before_anything_is_touched(
    sqlite_store: Store, elsewhere: Callable[..., Store], tmp_path: Path, part: str
) -> None:
    fill(sqlite_store)
    saved = tmp_path / "saved"
    backup.back_up(sqlite_store, saved)
    manifest = json.loads((saved / "manifest.json").read_text())
    blob = saved / "blobs" / manifest["files"][0]["sha256"]
    match part:
        case "lost":
            blob.unlink()
        case "manifest":
            (saved / "manifest.json").write_text((saved / "manifest.json").read_text()[:-20])
        case "digest":  # somebody who wants a file out of the folder
            manifest["files"][0]["sha256"] = "../../work.sqlite"
            (saved / "manifest.json").write_text(json.dumps(manifest))
        case "link":
            blob.rename(tmp_path / "moved")
            blob.symlink_to(tmp_path / "moved")
        case _:
            altered(saved, part)
    target = elsewhere()
    mine, _token = fill(target)
    before = everything(target)
    with pytest.raises(AnalysisError, match="backup_damaged"):
        backup.restore(saved, target, replace=True)
    assert everything(target) == before
    assert workspaces.load(target, mine.id) == mine


def test_rows_that_cannot_be_true_are_refused(
    sqlite_store: Store, elsewhere: Callable[..., Store], tmp_path: Path
) -> None:
    fill(sqlite_store)
    saved = tmp_path / "saved"
    backup.back_up(sqlite_store, saved)
    lines = [json.loads(line) for line in (saved / "rows.jsonl").read_text().splitlines()]
    lines = [[name, {**row, "owner_id": "0" * 32} if name == "workspaces" else row] for name, row in lines]
    (saved / "rows.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    manifest = json.loads((saved / "manifest.json").read_text())
    manifest["rows_sha256"] = digest_bytes((saved / "rows.jsonl").read_bytes())
    (saved / "manifest.json").write_text(json.dumps(manifest))
    target = elsewhere()
    with pytest.raises(AnalysisError, match="backup_damaged"):
        backup.restore(saved, target)
    assert files(target.folder) == {}
    assert not [path for path in target.folder.iterdir() if path.name.startswith(".restore")]


@pytest.mark.parametrize(("field", "value"), [("regulars_back_up", 2), ("revision", "9999")])
def test_a_back_up_of_a_newer_version_is_refused(
    sqlite_store: Store, elsewhere: Callable[..., Store], tmp_path: Path, field: str, value: object
) -> None:
    saved = tmp_path / "saved"
    backup.back_up(sqlite_store, saved)
    manifest = json.loads((saved / "manifest.json").read_text())
    (saved / "manifest.json").write_text(json.dumps({**manifest, field: value}))
    with pytest.raises(AnalysisError, match="backup_newer"):
        backup.restore(saved, elsewhere())


def test_a_store_that_holds_work_is_replaced_only_when_told(
    store: Store, elsewhere: Callable[..., Store], tmp_path: Path
) -> None:
    record, _token = fill(store)
    backup.back_up(store, tmp_path / "saved")
    later = workspaces.create(store, record.owner, Workspace(), "upload", name="Later", secret=SECRET)
    blobs.keep(store, later.id, "later.csv", b"later")
    damaged = blobs.path_of(store, blobs.uploads(store, record.id)[0].digest)
    damaged.chmod(0o600)
    damaged.write_bytes(b"x" * damaged.stat().st_size)  # why one restores
    before = everything(store)
    with pytest.raises(AnalysisError, match="restore_not_empty"):
        backup.restore(tmp_path / "saved", store)
    assert everything(store) == before
    backup.restore(tmp_path / "saved", store, replace=True)
    assert workspaces.load(store, record.id) == record
    with pytest.raises(AnalysisError, match="workspace_unknown"):
        workspaces.load(store, later.id)
    assert digest_bytes(damaged.read_bytes()) == damaged.name


def test_a_stored_file_that_is_damaged_stops_the_back_up(sqlite_store: Store, tmp_path: Path) -> None:
    record, _token = fill(sqlite_store)
    path = blobs.path_of(sqlite_store, blobs.uploads(sqlite_store, record.id)[0].digest)
    path.chmod(0o600)
    path.write_bytes(b"x" * path.stat().st_size)
    with pytest.raises(AnalysisError, match="upload_damaged"):
        backup.back_up(sqlite_store, tmp_path / "saved")
    assert [item.name for item in tmp_path.iterdir()] == ["store"], "no half a back-up stays"


def test_a_back_up_never_takes_the_place_of_anything_and_is_for_its_owner_alone(
    sqlite_store: Store, tmp_path: Path
) -> None:
    fill(sqlite_store)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("mine")
    (tmp_path / "file").write_text("mine")
    for taken in ("mine", "file"):
        with pytest.raises(AnalysisError, match="backup_target"):
            backup.back_up(sqlite_store, tmp_path / taken)
    (tmp_path / "empty").mkdir()
    backup.back_up(sqlite_store, tmp_path / "empty")
    modes = {stat.S_IMODE(path.stat().st_mode) for path in [tmp_path / "empty", *(tmp_path / "empty").rglob("*")]}
    assert not any(mode & 0o077 for mode in modes), "the keys of the pseudonyms are in it"


# ---- the two commands ----------------------------------------------------------------------------------------------


def test_the_documented_commands(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch) -> None:
    monkeypatch.setenv("REGULARS_STORE", str(tmp_path / "here"))
    monkeypatch.delenv("REGULARS_DATABASE", raising=False)
    store = open_store()
    record, _token = fill(store)
    store.close()
    assert main(["back-up", str(tmp_path / "saved")]) == 0
    assert "1 workspace" in capsys.readouterr().out
    assert main(["back-up", str(tmp_path / "saved")]) == 1
    assert "backup_target" in capsys.readouterr().err
    monkeypatch.setenv("REGULARS_STORE", str(tmp_path / "there"))
    assert main(["restore", str(tmp_path / "saved")]) == 0
    assert main(["restore", str(tmp_path / "saved")]) == 1
    assert "restore_not_empty" in capsys.readouterr().err
    assert main(["restore", "--replace", str(tmp_path / "saved")]) == 0
    there = open_store()
    assert workspaces.load(there, record.id).name == "Spring"
    unkept = workspaces.create(there, record.owner, Workspace(), "upload", secret=SECRET)
    there.close()
    capsys.readouterr()
    assert main(["status"]) == 0
    out = capsys.readouterr().out
    assert "2 (1 kept)" in out
    assert "sqlite" in out
    later = database.now() + timedelta(days=30)
    monkeypatch.setattr(database, "now", lambda: later)
    assert main(["sweep", "--dry-run"]) == 0
    assert unkept.id in capsys.readouterr().out
    assert main(["sweep"]) == 0
    assert "1 workspace" in capsys.readouterr().out
    assert main(["status"]) == 0
    assert "1 (1 kept)" in capsys.readouterr().out
