"""Saved work over both databases: no lost update, a history that can be gone back to, copies that bring nobody back."""

from __future__ import annotations

import dataclasses
import json
import threading
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from analytics.errors import AnalysisError
from analytics.lifecycle import LifecycleSpec
from analytics.mapping import MappingSpec
from analytics.population import PopulationSpec
from analytics.quality import QualitySpec
from analytics.segmentation import PayoffSpec, SegmentationSpec
from analytics.workspace import SourceRef, Workspace
from store import blobs, database, people, workspaces
from store.database import Store
from store.merging import merge
from store.model import Conflict, Erasure, Person, Record
from store.tables import ERASURES, LINKS, MEMBERS, VERSIONS, WORKSPACES
from store.versions import ALL_KEPT, MOST_AUTOMATIC, MOST_NAMED, Saved, needed, shown

SECRET = b"k" * 32
ANN = Person("a1" * 16, "member", "Ann", "ann@shop.example")
BO = Person("b2" * 16, "member", "Bo", "bo@shop.example")
BEGIN = datetime(2026, 5, 4, 9, 0, tzinfo=UTC)
OWN = Workspace(
    world="",
    language="zh_TW",
    sources=(SourceRef("訂單.csv", "ab" * 32, mapping=MappingSpec("transactions", (("編號", "order_id"),))),),
    customer="C0001",
)


class Clock:
    def __init__(self, moment: datetime) -> None:
        self.moment = moment

    def __call__(self) -> datetime:
        return self.moment

    def passes(self, **length: float) -> None:
        self.moment += timedelta(**length)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    moved = Clock(BEGIN)
    monkeypatch.setattr(database, "now", moved)
    return moved


def made(store: Store, workspace: Workspace | None = None, owner: Person = ANN, name: str = "") -> Record:
    return workspaces.create(store, owner, workspace or Workspace(), "upload", name=name, secret=SECRET)


def days(workspace: Workspace, n: int) -> Workspace:
    """One choice of Lifecycle."""
    return dataclasses.replace(workspace, lifecycle=LifecycleSpec(lapsed_after_days=n))


def saved(store: Store, record: Record, workspace: Workspace, by: Person = ANN, note: str = "") -> Record:
    found = workspaces.save(store, record.id, record.version, workspace, "lifecycle", by, note)
    assert isinstance(found, Record)
    return found


def refused(code: str, call: object, *args: object, **kwargs: object) -> AnalysisError:
    with pytest.raises(AnalysisError) as caught:
        call(*args, **kwargs)
    assert caught.value.code == code
    return caught.value


# ---- load and save -----------------------------------------------------------------------------------------------


def test_what_is_saved_comes_back(store: Store, clock: Clock) -> None:
    first = made(store, OWN)
    assert (first.version, first.page, first.kept, first.name) == (1, "upload", False, "")
    clock.passes(minutes=1)
    second = saved(store, first, days(OWN, 90))
    loaded = workspaces.load(store, first.id)
    assert loaded == second
    assert loaded.workspace == dataclasses.replace(days(OWN, 90), customer=""), "no customer of own files is stored"
    assert (loaded.version, loaded.page, loaded.changed_at) == (2, "lifecycle", BEGIN + timedelta(minutes=1))
    assert workspaces.version_of(store, first.id) == (2, ANN, BEGIN + timedelta(minutes=1))
    with store.read() as connection:
        bodies = connection.execute(sa.select(VERSIONS.c.body)).scalars().all()
    assert not any("C0001" in body for body in bodies)


def test_equal_choices_make_no_version(store: Store, clock: Clock) -> None:
    first = made(store, OWN)
    assert saved(store, first, OWN) == first
    second = saved(store, first, days(OWN, 90))
    # The answer was lost, and the save is sent once more.
    assert saved(store, first, days(OWN, 90)) == second
    assert saved(store, second, dataclasses.replace(days(OWN, 90), customer="C0002")).version == 2


def test_a_late_save_changes_nothing_and_is_told_what_happened(store: Store, clock: Clock) -> None:
    first = made(store)
    second = saved(store, first, days(Workspace(), 60))
    third = saved(store, second, days(Workspace(), 90), BO)
    late = workspaces.save(store, first.id, 2, days(Workspace(), 120), "lifecycle", ANN)
    assert late == Conflict(days(Workspace(), 60), third)
    assert workspaces.load(store, first.id) == third
    never = workspaces.save(store, first.id, 99, days(Workspace(), 120), "lifecycle", ANN)
    assert never == Conflict(third.workspace, third), "a base that is not there yet (an older back-up) counts as theirs"


def test_a_late_save_finds_its_base_for_an_hour_and_an_older_one_later(store: Store, clock: Clock) -> None:
    record = made(store)
    for n in range(2, 31):
        clock.passes(seconds=5)
        record = saved(store, record, days(Workspace(), 30 + n))
    clock.passes(minutes=50)
    workspaces.thin(store, record.id)
    late = workspaces.save(store, record.id, 7, days(Workspace(), 200), "lifecycle", BO)
    assert isinstance(late, Conflict)
    assert late.base == days(Workspace(), 37)
    clock.passes(minutes=20)
    assert workspaces.thin(store, record.id) == 28
    late = workspaces.save(store, record.id, 7, days(Workspace(), 200), "lifecycle", BO)
    assert isinstance(late, Conflict)
    assert late.base == Workspace(), "the first version, which always stays"


def test_the_language_is_the_owner_s_and_the_name_the_record_s(store: Store, clock: Clock) -> None:
    record = made(store, dataclasses.replace(Workspace(), name="typed"), name="Autumn")
    assert (record.name, record.workspace.name) == ("Autumn", "Autumn")
    theirs = dataclasses.replace(days(record.workspace, 90), language="zh_CN", name="Mine")
    after = saved(store, record, theirs, BO)
    assert (after.workspace.language, after.name, after.workspace.name) == ("en", "Autumn", "Autumn")
    assert saved(store, after, dataclasses.replace(after.workspace, language="zh_CN"), BO) == after
    own = saved(store, after, dataclasses.replace(after.workspace, language="zh_TW"), ANN)
    assert (own.version, own.workspace.language) == (after.version, "zh_TW"), "another language is no version"
    assert workspaces.load(store, record.id).workspace.language == "zh_TW"


@pytest.mark.parametrize("odd", ["", "no-id", "../" * 20, "0" * 32, "A" * 32, "' OR 1=1 --", "x\0", "é" * 32])
def test_what_is_not_there_is_unknown(sqlite_store: Store, odd: str) -> None:
    made(sqlite_store)
    for ask in (workspaces.load, workspaces.version_of, workspaces.history, workspaces.secret_of, workspaces.keep):
        refused("workspace_unknown", ask, sqlite_store, odd)
    refused("workspace_unknown", workspaces.save, sqlite_store, odd, 1, Workspace(), "upload", ANN)
    refused("workspace_unknown", workspaces.duplicate, sqlite_store, odd, ANN, with_uploads=True)
    refused("workspace_unknown", workspaces.undelete, sqlite_store, odd, ANN)
    refused("workspace_unknown", workspaces.erase, sqlite_store, odd, Erasure("", ("d",), ()), ANN)


def test_choices_of_an_older_app_are_read_as_far_as_they_go_and_stay(store: Store, clock: Clock) -> None:
    record = made(store)
    body = {"version": 1, "choices": {"horoscope": {"sign": "leo"}, "lifecycle": {"lapsed_after_days": 90}}}
    with store.write() as connection:
        for table in (WORKSPACES, VERSIONS):
            connection.execute(table.update().values(body=json.dumps(body)))
    loaded = workspaces.load(store, record.id)
    assert loaded.refused == ("horoscope",)
    assert loaded.workspace == days(Workspace(), 90)
    assert saved(store, loaded, loaded.workspace).version == 1
    saved(store, loaded, dataclasses.replace(loaded.workspace, language="zh_TW"))
    with store.read() as connection:
        assert json.loads(connection.execute(sa.select(WORKSPACES.c.body)).scalar_one()) == body
    clock.passes(minutes=1)
    changed = saved(store, loaded, days(loaded.workspace, 120))
    assert not changed.refused
    clock.passes(days=90)
    workspaces.thin(store, record.id)
    older = workspaces.history(store, record.id)[-1]
    assert (older.number, older.note) == (1, "older_app")
    back = workspaces.restore(store, record.id, 1, changed.version, ANN)
    assert isinstance(back, Record)
    assert (back.workspace, back.refused) == (days(Workspace(), 90), ("horoscope",))


def test_a_visit_is_noted_once_an_hour(sqlite_store: Store, clock: Clock) -> None:
    record = made(sqlite_store)

    def opened() -> datetime:
        return workspaces.listing(sqlite_store, ANN)[0].opened_at

    clock.passes(minutes=50)
    workspaces.load(sqlite_store, record.id)
    assert opened() == BEGIN
    clock.passes(minutes=50)
    workspaces.load(sqlite_store, record.id)
    assert opened() == BEGIN + timedelta(minutes=100)


def test_what_could_not_be_read_again_is_not_saved(sqlite_store: Store) -> None:
    record = made(sqlite_store)
    columns = tuple((f"column {i} " + "x" * 500, "order_id") for i in range(1))
    source = SourceRef("a.csv", "ab" * 32, mapping=MappingSpec("transactions", columns))
    large = dataclasses.replace(
        OWN, sources=tuple(dataclasses.replace(source, digest=f"{i:064x}") for i in range(8000))
    )
    error = refused("work_too_large", workspaces.save, sqlite_store, record.id, 1, large, "upload", ANN)
    assert error.params["limit"] == 4
    assert workspaces.load(sqlite_store, record.id).version == 1


def test_six_writers_lose_no_update(store: Store) -> None:
    """Each writes a choice of their own; who comes late merges with what the others saved and tries again."""
    record = made(store)
    wrong: list[BaseException] = []
    n_saves = 8

    def chosen(workspace: Workspace, writer: int, i: int) -> Workspace:
        fields: tuple[dict[str, object], ...] = (
            {"lifecycle": LifecycleSpec(lapsed_after_days=30 + i)},
            {"population": PopulationSpec(countries=(f"C{i}",))},
            {"payoff": PayoffSpec(budget=float(1 + i))},
            {"segmentation": SegmentationSpec(random_state=1 + i)},
            {"quality": QualitySpec(gap_days=1 + i)},
            {"customer": f"M{i}"},
        )
        return dataclasses.replace(workspace, **fields[writer])

    def write(writer: int) -> None:
        by = Person(f"{writer:032x}", "member", f"Writer {writer}")
        try:
            held = workspaces.load(store, record.id)
            for i in range(n_saves):
                mine = chosen(held.workspace, writer, i)
                outcome = workspaces.save(store, record.id, held.version, mine, "lifecycle", by)
                while isinstance(outcome, Conflict):
                    both = merge(outcome.base, mine, outcome.theirs.workspace)
                    assert not both.clashes
                    mine, base = both.workspace, outcome.theirs.version
                    outcome = workspaces.save(store, record.id, base, mine, "lifecycle", by)
                held = outcome
        except BaseException as problem:
            wrong.append(problem)

    writers = [threading.Thread(target=write, args=(i,)) for i in range(6)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert not wrong
    last = workspaces.load(store, record.id)
    assert last.version == 1 + 6 * n_saves
    for writer in range(6):
        assert last.workspace == chosen(last.workspace, writer, n_saves - 1)


# ---- the history -------------------------------------------------------------------------------------------------


def test_saves_by_themselves_within_ten_minutes_are_one_entry(store: Store, clock: Clock) -> None:
    record = made(store)
    record = saved(store, record, days(Workspace(), 60))
    clock.passes(minutes=3)
    record = saved(store, record, dataclasses.replace(record.workspace, payoff=PayoffSpec(budget=1.0)))
    clock.passes(minutes=3)
    record = saved(store, record, days(record.workspace, 70), BO)
    clock.passes(minutes=1)
    record = saved(store, record, days(record.workspace, 80), note="For the meeting")
    record = saved(store, record, days(record.workspace, 90))
    clock.passes(minutes=11)
    record = saved(store, record, days(record.workspace, 100))
    told = [(entry.number, entry.by.name, entry.note, entry.changed) for entry in workspaces.history(store, record.id)]
    assert told == [
        (7, "Ann", "", ("lifecycle",)),
        (6, "Ann", "", ("lifecycle",)),
        (5, "Ann", "For the meeting", ("lifecycle",)),
        (4, "Bo", "", ("lifecycle",)),
        (3, "Ann", "", ()),
    ]
    assert [entry.page for entry in workspaces.history(store, record.id, limit=2)] == ["lifecycle", "lifecycle"]
    assert workspaces.history(store, record.id, limit=2)[-1].changed == ("lifecycle",)
    assert workspaces.at_version(store, record.id, 2) == days(Workspace(), 60), "behind an entry for an hour"


def test_the_newest_version_can_be_given_a_name(store: Store, clock: Clock) -> None:
    record = made(store)
    record = saved(store, record, days(Workspace(), 60))
    named = saved(store, record, record.workspace, note="Agreed")
    assert named.version == 2
    assert [(entry.number, entry.note) for entry in workspaces.history(store, record.id)] == [(2, "Agreed"), (1, "")]
    again = saved(store, named, named.workspace, BO, note="Seen by Bo")
    assert again.version == 3
    assert workspaces.history(store, record.id)[0].note == "Seen by Bo"


def test_an_older_version_is_restored_as_a_version_of_its_own(store: Store, clock: Clock) -> None:
    record = made(store)
    record = saved(store, record, days(Workspace(), 60), note="Sixty")
    record = saved(store, record, days(Workspace(), 90))
    late = workspaces.restore(store, record.id, 2, 2, BO)
    assert isinstance(late, Conflict)
    back = workspaces.restore(store, record.id, 2, 3, BO)
    assert isinstance(back, Record)
    assert (back.version, back.workspace, back.page) == (4, days(Workspace(), 60), "lifecycle")
    assert workspaces.history(store, record.id)[0].note == "restored:2"
    assert workspaces.restore(store, record.id, 2, 4, BO) == back, "it is this version already"
    spoken = saved(store, back, dataclasses.replace(back.workspace, language="zh_TW"))
    assert spoken.version == 4
    again = workspaces.restore(store, record.id, 3, 4, ANN)
    assert isinstance(again, Record)
    assert (again.version, again.workspace.language) == (5, "zh_TW"), "an older version in the language of today"
    refused("version_unknown", workspaces.restore, store, record.id, 77, 5, BO)
    refused("version_unknown", workspaces.at_version, store, record.id, 0)


def line(*saves: tuple[int, float, str, str]) -> list[Saved]:
    return [Saved(number, by, BEGIN + timedelta(minutes=minutes), note) for number, minutes, by, note in saves]


def test_what_the_history_shows_by_hand() -> None:
    saves = line(
        (1, 0, "a", ""), (2, 9, "a", ""), (3, 10, "a", ""), (4, 11, "b", ""), (5, 12, "a", ""), (6, 13, "a", "x")
    )
    assert shown(saves) == [2, 3, 4, 5, 6]
    assert shown([]) == []


def test_what_is_kept_by_hand() -> None:
    saves = line(*((i, 2.0 * i, "a", "named" if i == 7 else "") for i in range(200)))  # every other minute from nine
    now = saves[-1].at
    kept = needed(saves, now)
    assert {i for i in range(200) if now - saves[i].at < ALL_KEPT} <= kept
    assert {0, 7, 199} <= kept
    assert sorted(kept)[:8] == [0, 4, 6, 7, 9, 14, 19, 24], "the last of each ten minutes"
    after_a_day = needed(saves, now + timedelta(days=2))
    assert sorted(after_a_day) == [0, 7, 29, 59, 89, 119, 149, 179, 199], "the last of each hour"
    assert sorted(needed(saves, now + timedelta(days=60))) == [0, 7, 199]
    assert needed([], now) == set()


def test_what_is_kept_has_a_bound_and_does_not_depend_on_how_often_one_thins() -> None:
    saves = line(*((i, 23.0 * i, "ab"[i % 7 // 4], "n" if i % 9 == 3 else "") for i in range(6000)))
    now = saves[-1].at + timedelta(hours=2)
    kept = needed(saves, now)
    assert len(kept) <= MOST_AUTOMATIC + MOST_NAMED + 2
    assert sum(1 for one in saves if one.number in kept and one.note) == 500
    often, i = list(saves[:100]), 100
    while i < len(saves):
        often += saves[i : i + 400]
        i += 400
        stay = needed(often, often[-1].at)
        often = [one for one in often if one.number in stay]
    assert needed(often, now) == kept


# ---- the workspace as a whole ------------------------------------------------------------------------------------


def test_names(sqlite_store: Store) -> None:
    record = made(sqlite_store)
    named = workspaces.rename(
        sqlite_store, record.id, "  Herbst\n <b>2026</b>  ![x](http://a.example/i.png) 👩‍💻 ", ANN
    )
    assert named.name == named.workspace.name == "Herbst <b>2026</b> ![x](http://a.example/i.png) 👩‍💻"
    assert named.kept
    assert named.version == 1
    refused("name_empty", workspaces.rename, sqlite_store, record.id, " \n", ANN)
    error = refused("name_too_long", workspaces.rename, sqlite_store, record.id, "n" * 201, ANN)
    assert error.params == {"n": 201, "limit": 200}
    for odd in ("a\0b", "a\u202eb", "a\ud800b", "a\x07", "\u2066a"):
        refused("name_unreadable", workspaces.rename, sqlite_store, record.id, odd, ANN)
        refused("name_unreadable", workspaces.create, sqlite_store, ANN, Workspace(), "upload", name=odd, secret=SECRET)
        refused("note_unreadable", workspaces.save, sqlite_store, record.id, 1, Workspace(), "upload", ANN, odd)
    refused("note_too_long", workspaces.save, sqlite_store, record.id, 1, Workspace(), "upload", ANN, "n" * 201)
    assert workspaces.load(sqlite_store, record.id).name == named.name


def test_a_page_is_a_page_s_name(sqlite_store: Store) -> None:
    record = made(sqlite_store)
    odd = workspaces.save(sqlite_store, record.id, 1, days(Workspace(), 60), "../etc", ANN)
    assert isinstance(odd, Record)
    assert odd.page == "upload"


def test_the_list_is_of_one_s_own_and_of_what_is_shared(store: Store, clock: Clock) -> None:
    first = made(store, OWN, name="First")
    clock.passes(minutes=1)
    second = made(store, Workspace(world="streaming"), owner=BO, name="Second")
    clock.passes(minutes=1)
    third = made(store, owner=BO, name="Third")
    blobs.keep(store, first.id, "a.csv", b"a,b\n1,2\n")
    blobs.keep(store, first.id, "b.csv", b"a,b\n")
    with store.write() as connection:
        member = {"added_by": BO.id, "added_at": clock()}
        connection.execute(MEMBERS.insert().values(workspace_id=second.id, email=ANN.email, role="edit", **member))
        link = {"workspace_id": first.id, "role": "view", "page": "upload", "body": "{}", "created_at": clock()}
        for i, (until, revoked) in enumerate(
            [(None, None), (clock() - timedelta(days=1), None), (None, clock()), (clock() + timedelta(days=1), None)]
        ):
            row = {"id": f"{i:032x}", "token_digest": f"{i:064x}", "created_by": ANN.id, "until": until}
            connection.execute(LINKS.insert().values(**link, **row, revoked_at=revoked))
    shared, own = workspaces.listing(store, ANN)
    assert (shared.name, shared.role, shared.owner, shared.world) == ("Second", "edit", BO, "streaming")
    assert (shared.n_members, shared.n_links, shared.shared) == (1, 0, True)
    assert (own.name, own.role, own.world, own.n_uploads, own.n_bytes) == ("First", "owner", "", 2, 12)
    assert (own.n_links, own.n_members, own.kept) == (2, 0, True)
    assert [item.name for item in workspaces.listing(store, BO)] == ["Third", "Second"]
    assert not workspaces.listing(store, BO)[0].shared
    assert workspaces.listing(store, dataclasses.replace(ANN, id="c" * 32, kind="browser")) == (), "an e-mail unvouched"
    workspaces.delete(store, third.id, BO)
    assert [item.name for item in workspaces.listing(store, BO)] == ["Second"]


def test_what_is_deleted_opens_for_nobody_and_can_be_had_back(store: Store, clock: Clock) -> None:
    record = made(store, OWN, name="Autumn")
    workspaces.delete(store, record.id, ANN)
    refused("workspace_unknown", workspaces.load, store, record.id)
    refused("workspace_unknown", workspaces.version_of, store, record.id)
    refused("workspace_unknown", workspaces.save, store, record.id, 1, days(OWN, 60), "lifecycle", ANN)
    refused("workspace_unknown", workspaces.delete, store, record.id, ANN)
    refused("workspace_unknown", workspaces.secret_of, store, record.id)
    assert workspaces.listing(store, ANN) == ()
    (gone,) = workspaces.deleted_listing(store, ANN)
    assert (gone.id, gone.deleted_at) == (record.id, BEGIN)
    assert workspaces.deleted_listing(store, BO) == ()
    back = workspaces.undelete(store, record.id, ANN)
    assert back == record
    assert workspaces.load(store, record.id) == record
    deeds = [(entry.deed, entry.person, entry.workspace_id) for entry in workspaces.deeds(store)]
    assert sorted(deeds) == [("deleted", ANN, record.id), ("undeleted", ANN, record.id)]


def test_an_own_copy_with_uploads_brings_no_erased_customer_back(store: Store, clock: Clock) -> None:
    record = made(store, OWN, name="Autumn")
    blobs.keep(store, record.id, "a.csv", b"a,b\n1,2\n")
    gone = Erasure("", ("d1" * 32, "d2" * 32), ("編號",))
    other = Erasure("marketplace", ("d3" * 32,), ())
    workspaces.erase(store, record.id, gone, ANN)
    clock.passes(seconds=1)
    workspaces.erase(store, record.id, other, ANN)
    copy = workspaces.duplicate(store, record.id, ANN, with_uploads=True, name="Autumn (2)")
    assert copy.id != record.id
    assert (copy.name, copy.version, copy.kept, copy.workspace.sources) == ("Autumn (2)", 1, True, OWN.sources)
    assert workspaces.erasures(store, copy.id) == (gone, other) == workspaces.erasures(store, record.id)
    assert workspaces.secret_of(store, copy.id) == SECRET
    assert blobs.uploads(store, copy.id) == blobs.uploads(store, record.id)
    saved(store, copy, days(copy.workspace, 90))
    assert workspaces.load(store, record.id).version == 1
    with store.read() as connection:
        assert connection.execute(sa.select(sa.func.count()).select_from(ERASURES)).scalar_one() == 4


def test_a_copy_without_uploads_has_a_key_of_its_own(store: Store) -> None:
    record = made(store, OWN)
    blobs.keep(store, record.id, "a.csv", b"a,b\n1,2\n")
    copy = workspaces.duplicate(store, record.id, ANN, with_uploads=False)
    assert copy.workspace.sources == OWN.sources
    assert blobs.uploads(store, copy.id) == ()
    assert workspaces.secret_of(store, copy.id) != SECRET


def test_a_copy_of_somebody_else_s_work_is_of_choices_alone(store: Store) -> None:
    record = made(store, days(OWN, 90), name="Autumn")
    blobs.keep(store, record.id, "a.csv", b"a,b\n1,2\n")
    refused("not_allowed", workspaces.duplicate, store, record.id, BO, with_uploads=True)
    copy = workspaces.duplicate(store, record.id, BO, with_uploads=False)
    assert copy.owner == BO
    assert copy.workspace.lifecycle.lapsed_after_days == 90
    assert copy.workspace.sources == ()
    assert workspaces.secret_of(store, copy.id) != SECRET
    with store.read() as connection:
        body = connection.execute(sa.select(WORKSPACES.c.body).where(WORKSPACES.c.id == copy.id)).scalar_one()
    assert "訂單" not in body
    assert "ab" * 32 not in body


def test_deeds_are_told_newest_first(store: Store, clock: Clock) -> None:
    record = made(store)
    for i in range(3):
        clock.passes(seconds=1)
        workspaces.log_deed(store, ANN, record.id, f"deed_{i}", i)
    workspaces.log_deed(store, Person("f" * 32, "browser"), "0" * 32, "looked", 7)
    told = workspaces.deeds(store, limit=3)
    assert [entry.deed for entry in told if entry.workspace_id == record.id] == ["deed_2", "deed_1"]
    assert next(entry for entry in told if entry.deed == "looked").person is None
    assert [entry.count for entry in workspaces.deeds(store, workspace_id=record.id)] == [2, 1, 0]


def test_who_saves_is_written_down(store: Store) -> None:
    record = made(store)
    saved(store, record, days(Workspace(), 60), BO)
    assert people.person(store, BO.id) == BO
    assert workspaces.load(store, record.id).changed_by == BO
