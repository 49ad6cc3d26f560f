"""What vanishes by itself and what never does, told by an injected clock; and that what is erased leaves no byte."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
import sqlalchemy as sa

from analytics.errors import AnalysisError
from analytics.workspace import RememberedMapping, SourceRef, Workspace
from store import blobs, database, erasing, holdings, links, people, retention, workspaces
from store.database import Store, open_store
from store.model import Record
from store.tables import DEEDS, LINKS, METADATA, PEOPLE, READ_TABLES, UPLOADS, VERSIONS, WORKSPACES

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
DAYS = 14
SECRET = b"s" * 32


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch) -> Iterator[object]:
    """Moves the clock of the store to so many days after the start."""

    def move(days: float) -> datetime:
        moment = START + timedelta(days=days)
        monkeypatch.setattr(database, "now", lambda: moment)
        monkeypatch.setattr(people, "datetime", _Clock(moment), raising=False)
        return moment

    move(0)
    return move


class _Clock:
    def __init__(self, moment: datetime) -> None:
        self._moment = moment

    def now(self, _zone: object) -> datetime:
        return self._moment


def rows(store: Store, table: sa.Table) -> int:
    with store.read() as connection:
        return int(connection.scalar(sa.select(sa.func.count()).select_from(table)) or 0)


def made(store: Store, who: str, name: str = "", content: bytes = b"a,b\n1,2\n") -> Record:
    """A workspace of ``who`` with one upload, a table read from it and a link."""
    owner = people.browser_person(store, who * 43)
    record = workspaces.create(store, owner, Workspace(), "upload", name=name, secret=SECRET)
    upload = blobs.keep(store, record.id, f"{who}.csv", content)
    blobs.keep_table(store, upload.digest, upload.digest, pl.DataFrame({"a": [1]}), "{}")
    links.create_link(store, record.id, "view", owner, workspace=record.workspace, page="upload")
    return record


def there(store: Store, record: Record) -> bool:
    with store.read() as connection:
        return connection.scalar(sa.select(WORKSPACES.c.id).where(WORKSPACES.c.id == record.id)) is not None


# ---- by the days -------------------------------------------------------------------------------------------------


def test_what_nobody_kept_and_nobody_opened_vanishes_with_all_that_belongs_to_it(store: Store, at) -> None:
    loose, kept = made(store, "a", content=b"loose"), made(store, "b", name="Spring", content=b"kept")
    held = blobs.stored_bytes(store)
    at(DAYS - 0.1)
    assert retention.sweep(store, DAYS, at(DAYS - 0.1)) == retention.Swept()
    assert blobs.stored_bytes(store) == held
    swept = retention.sweep(store, DAYS, at(DAYS + 0.1))
    assert (swept.n_workspaces, swept.n_uploads, swept.n_people) == (1, 1, 1)
    assert swept.n_bytes == held - blobs.stored_bytes(store) == len(b"loose")
    assert (there(store, loose), there(store, kept)) == (False, True)
    assert [rows(store, table) for table in (UPLOADS, VERSIONS, LINKS, PEOPLE)] == [1, 1, 1, 1]
    assert blobs.path_of(store, blobs.uploads(store, kept.id)[0].digest).read_bytes() == b"kept"
    # Years later a kept workspace is still there, and so is what was read from its file.
    assert retention.sweep(store, DAYS, at(4000)).n_workspaces == 0
    assert rows(store, READ_TABLES) == 1


def test_opening_begins_the_days_anew(store: Store, at) -> None:
    record = made(store, "a")
    at(10)
    workspaces.load(store, record.id)
    assert retention.sweep(store, DAYS, at(DAYS + 5)).n_workspaces == 0
    assert [item.goes_at for item in retention.leaving(holdings.holdings(store, DAYS))] == [
        START + timedelta(days=10 + DAYS)
    ]
    assert retention.sweep(store, DAYS, at(10 + DAYS + 0.1)).n_workspaces == 1


def test_what_is_open_in_a_live_session_never_vanishes(store: Store, at) -> None:
    live, closed = made(store, "a", content=b"live"), made(store, "b", content=b"closed")
    for day in range(1, 40):  # a tab that stays open, and nobody clicks in it
        retention.sweep_when_due(store, at(day), {live.id}, DAYS)
    assert (there(store, live), there(store, closed)) == (True, False)
    assert blobs.uploads(store, live.id)[0].n_bytes == len(b"live")
    for day in range(40, 56):
        retention.sweep_when_due(store, at(day), (), DAYS)
    assert not there(store, live)


def test_the_deleted_can_be_had_back_for_the_days_and_then_vanishes_though_it_was_kept(store: Store, at) -> None:
    record = made(store, "a", name="Spring")
    at(30)
    workspaces.delete(store, record.id, record.owner)
    assert retention.sweep(store, DAYS, at(30 + DAYS - 1)).n_workspaces == 0
    assert blobs.uploads(store, record.id)
    (leaving,) = retention.leaving(holdings.holdings(store, DAYS))
    assert (leaving.deleted, leaving.goes_at, leaving.n_uploads) == (True, START + timedelta(days=30 + DAYS), 1)
    assert retention.sweep(store, DAYS, at(30 + DAYS + 1)).n_workspaces == 1
    assert rows(store, UPLOADS) == 0
    assert not list((store.folder / "blobs").glob("*/*"))


def test_the_same_file_of_two_people_stays_for_the_one_who_kept_it(store: Store, at) -> None:
    made(store, "a"), made(store, "b", name="Spring")
    swept = retention.sweep(store, DAYS, at(DAYS + 1))
    assert (swept.n_uploads, swept.n_bytes) == (1, 0)
    assert retention.sizes(store).n_uploads == 1


def test_a_person_stays_while_anything_names_them(store: Store, at) -> None:
    record = made(store, "a", name="Spring")
    editor = people.browser_person(store, "e" * 43)
    workspaces.save(store, record.id, 1, replace(record.workspace, world="streaming"), "upload", editor)
    idle = people.ensure(store, people.browser_person(store, "i" * 43))
    assert retention.sweep(store, DAYS, at(DAYS + 1)).n_people == 1
    assert people.person(store, editor.id) == editor
    with pytest.raises(AnalysisError, match="person_unknown"):
        people.person(store, idle.id)


def test_what_leaves_is_listed_the_first_to_go_first(store: Store, at) -> None:
    first = made(store, "a", content=b"12345")
    at(3)
    second = made(store, "b", content=b"123")
    made(store, "c", name="Kept")
    listed = retention.leaving(holdings.holdings(store, DAYS))
    assert [(item.workspace_id, item.n_uploads, item.n_bytes) for item in listed] == [
        (first.id, 1, 5),
        (second.id, 1, 3),
    ]
    assert [item.goes_at - START for item in listed] == [timedelta(days=DAYS), timedelta(days=DAYS + 3)]
    assert retention.leaving(holdings.holdings(store, DAYS), START + timedelta(days=DAYS)) == listed[:1]


def test_what_the_store_holds_is_listed_for_whoever_operates_it(store: Store, at) -> None:
    first = made(store, "a", content=b"12345")
    at(3)
    second = made(store, "b", name="Kept", content=b"12345")
    blobs.keep(store, second.id, "more.csv", b"123")
    held = holdings.holdings(store, DAYS)
    assert [(item.workspace_id, item.name, item.n_uploads, item.n_bytes, item.n_links) for item in held] == [
        (second.id, "Kept", 2, 8, 1),
        (first.id, "", 1, 5, 1),
    ]
    assert [item.goes_at for item in held] == [None, START + timedelta(days=DAYS)]
    assert [(item.name, item.n_bytes, item.n_workspaces) for item in holdings.files(store)] == [
        ("b.csv", 5, 2),
        ("more.csv", 3, 1),
    ]
    assert [(item.person, item.n_workspaces) for item in holdings.persons(store)] == [
        (second.owner, 1),
        (first.owner, 1),
    ]


# ---- by itself ---------------------------------------------------------------------------------------------------


def test_one_sweep_a_day_of_however_many_processes(store: Store, at) -> None:
    others = [open_store(store.folder, store.engine.url.render_as_string(hide_password=False)) for _ in range(3)]
    moment = at(DAYS + 1)
    results: list[object] = []

    def turn(one: Store) -> None:
        results.append(retention.sweep_when_due(one, moment, (), DAYS))

    threads = [threading.Thread(target=turn, args=(one,)) for one in [store, *others]]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for one in others:
        one.close()
    assert sum(result is not None for result in results) == 1
    assert rows(store, DEEDS) == 1
    assert retention.last_sweep(store) == moment
    assert retention.sweep_when_due(store, moment + timedelta(hours=23), (), DAYS) is None
    assert retention.sweep_when_due(store, moment + timedelta(hours=25), (), DAYS) is not None


def test_it_runs_by_itself_at_the_start_and_goes_on_after_a_failure(
    store: Store, at, monkeypatch: pytest.MonkeyPatch
) -> None:
    loose = made(store, "a")
    at(DAYS + 1)
    asked = []

    def opened() -> tuple[str, ...]:
        asked.append(1)
        if len(asked) == 1:
            raise OSError("the disk is away for a moment")
        return ()

    monkeypatch.setenv("REGULARS_KEEP_DAYS", str(DAYS))
    end = retention.run_daily(lambda: store, opened, turn_seconds=0.01, again_seconds=0.01)
    deadline = time.monotonic() + 10
    while there(store, loose) and time.monotonic() < deadline:
        time.sleep(0.01)
    end()
    assert not there(store, loose)
    n = len(asked)
    time.sleep(0.05)
    assert len(asked) == n >= 2, "it ended"


@pytest.mark.parametrize("value", ["0", "-3", "soon", "1e3", "99999"])
def test_days_that_are_no_days_sweep_nothing(store: Store, monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("REGULARS_KEEP_DAYS", value)
    with pytest.raises(AnalysisError, match="keep_days_unusable"):
        retention.sweep_when_due(store, START)
    assert retention.last_sweep(store) is None
    monkeypatch.setenv("REGULARS_KEEP_DAYS", "")
    assert retention.keep_days() == 14


def test_the_sizes_of_the_store(store: Store, at) -> None:
    made(store, "a", content=b"12345"), made(store, "b", name="Kept", content=b"123")
    sizes = retention.sizes(store)
    assert (sizes.n_workspaces, sizes.n_kept, sizes.n_deleted, sizes.n_people, sizes.n_links) == (2, 1, 0, 2, 2)
    assert (sizes.n_uploads, sizes.upload_bytes, sizes.n_tables) == (2, 8, 1)  # equal tables are one file
    files = list((store.folder / "blobs").glob("*/*"))
    assert sizes.upload_bytes + sizes.table_bytes == sum(path.stat().st_size for path in files)
    if store.is_sqlite:
        assert sizes.database_bytes >= (store.folder / "work.sqlite").stat().st_size
    assert sizes.database_bytes > 10_000
    assert sizes.disk_bytes == shutil.disk_usage(store.folder).total >= sizes.free_bytes > 0


# ---- for good ----------------------------------------------------------------------------------------------------

CANARY = "kanarienvogel-7f3a"


def found_in(store: Store, text: str) -> list[str]:
    """Files of the store that hold the text in any way, SQLite's own among them; of PostgreSQL the tables' rows."""
    forms = [text.encode(), text.encode("utf-16-le"), text.encode("unicode_escape")]
    files = [path for path in store.folder.rglob("*") if path.is_file()]
    found = [path.name for path in files if any(form in path.read_bytes() for form in forms)]
    with store.read() as connection:
        for table in METADATA.sorted_tables:
            found += [table.name for row in connection.execute(sa.select(table)) if text in repr(row)]
    return found


def told(store: Store, who: str = "a") -> tuple[Record, str]:
    """A workspace that says the canary in its file, the file's name, its choices, their history, a link and a table."""
    owner = people.browser_person(store, who * 43)
    record = workspaces.create(store, owner, Workspace(world=""), "upload", secret=SECRET)
    text = f"customer_id,amount\n{CANARY},3\n" * 400
    upload = blobs.keep(store, record.id, f"{CANARY}.csv", text.encode())
    frame = pl.DataFrame({"customer_id": [CANARY, *map(str, range(500))]})
    blobs.keep_table(store, upload.digest, upload.digest, frame, f'{{"name": "{CANARY}.csv"}}')
    source = SourceRef(upload.name, upload.digest, signature="d" * 64)
    for i in range(12):
        remembered = (RememberedMapping("d" * 64, name=upload.name), RememberedMapping("e" * 64, name="other.csv"))
        work = replace(record.workspace, sources=(source,), remembered=remembered, name=f"v{i}")
        saved = workspaces.save(store, record.id, record.version, work, "upload", owner, note=f"n{i}")
        assert isinstance(saved, Record)
        record = saved
    links.create_link(store, record.id, "view", owner, workspace=record.workspace, page="upload")
    return record, upload.digest


def test_an_erased_file_leaves_no_byte_in_the_store(store: Store, at) -> None:
    record, digest = told(store)
    other, _same = told(store, "b")
    assert len(found_in(store, CANARY)) >= 2
    erased = erasing.erase_upload(store, digest, record.owner.id)
    assert (erased.n_workspaces, erased.scrubbed) == (2, True)
    assert erased.n_bytes > 10_000
    assert found_in(store, CANARY) == []
    assert found_in(store, digest) == []
    for work in (record, other):  # the rest of the choices stays
        left = workspaces.load(store, work.id).workspace
        assert left.sources == ()
        assert [item.name for item in left.remembered] == ["other.csv"]
        assert left.world == ""
        assert len(workspaces.history(store, work.id)) == 13
    with pytest.raises(AnalysisError, match="upload_gone"):
        blobs.path_of(store, digest)


def test_an_erased_workspace_leaves_no_byte_and_takes_nothing_from_others(store: Store, at) -> None:
    record, _digest = told(store)
    other = made(store, "b", content=b"another file")
    erased = erasing.erase_workspace(store, record.id, "operator")
    assert (erased.n_workspaces, erased.scrubbed) == (1, True)
    assert found_in(store, CANARY) == []
    assert blobs.path_of(store, blobs.uploads(store, other.id)[0].digest).read_bytes() == b"another file"
    (line,) = [entry for entry in workspaces.deeds(store) if entry.deed == "workspace_erased"]
    assert line.workspace_id == record.id
    with pytest.raises(AnalysisError, match="workspace_unknown"):
        erasing.erase_workspace(store, record.id, "operator")


def test_everything_of_a_person_goes_and_the_work_of_others_names_nobody(store: Store, at) -> None:
    leaver = people.member(store, "https://id.example.org", "7", f"Ada {CANARY}", f"{CANARY}@example.org")
    own = workspaces.create(store, leaver, Workspace(), "upload", name=f"{CANARY} own", secret=SECRET)
    blobs.keep(store, own.id, "own.csv", CANARY.encode() * 100)
    shared = made(store, "b", name="Shared")
    people.add_member(store, shared.id, leaver.email, "edit", shared.owner)
    changed = replace(shared.workspace, world="streaming")
    assert isinstance(workspaces.save(store, shared.id, 1, changed, "upload", leaver), Record)
    erased = erasing.erase_person(store, leaver.id, "operator")
    assert erased.n_workspaces == 1
    assert found_in(store, CANARY) == []
    assert people.members(store, shared.id) == ()
    assert workspaces.load(store, shared.id).workspace.world == "streaming"
    assert workspaces.load(store, shared.id).changed_by.name == ""
    with pytest.raises(AnalysisError, match="person_unknown"):
        erasing.erase_person(store, "0" * 32, "operator")


def test_all_links_of_a_workspace_close_at_once(store: Store, at) -> None:
    record, other = made(store, "a"), made(store, "b")
    _link, token = links.create_link(store, record.id, "edit", record.owner, workspace=record.workspace, page="upload")
    assert links.is_open(store, token)
    assert erasing.close_links(store, record.id, "operator") == 2
    assert not links.is_open(store, token)
    assert erasing.close_links(store, record.id, "operator") == 0
    assert [link.revoked_at for link in links.links(store, other.id)] == [None]


def test_a_busy_database_says_that_old_pages_may_still_be_there(
    sqlite_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = sqlite_store
    monkeypatch.setattr(erasing, "SCRUB_SECONDS", 0.05)
    with store.read() as connection:
        connection.execute(sa.select(WORKSPACES)).all()
        with store.engine.connect() as another:  # somebody in the middle of a write
            another.exec_driver_sql("ROLLBACK")
            another.exec_driver_sql("BEGIN IMMEDIATE")
            assert not erasing.scrub(store)
            another.exec_driver_sql("ROLLBACK")
    assert erasing.scrub(store)
