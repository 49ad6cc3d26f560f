"""Saved work in the app: what comes back, whose it is, what others changed, and what happens when the store fails.

All 27, the slow ones too, passed when they were last run; beside other work they took 55 s of processor time.
"""

from __future__ import annotations

import dataclasses
import importlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from analytics.errors import AnalysisError
from analytics.i18n import words_for
from analytics.workspace import Workspace, to_json, to_link
from app_pages.ui import intake, visitor, widgets
from app_pages.ui.session import keeping
from app_pages.ui.steps import WORK
from store import blobs, links, people, workspaces
from store.database import Store
from store.model import Person, Record

ROOT = Path(__file__).parents[2]
ORDERS = b"customer,date,amount\n" + b"\n".join(
    b"C%d,2024-%02d-%02d,%d" % (i % 37, i % 12 + 1, i % 28 + 1, i + 5) for i in range(600)
)
RAGGED = b"customer,date,amount\nC1,2024-01-01,5\nC2,2024-01-02\nC3,2024-01-03,7,8\nC1,2024-02-01,9\n"


@pytest.fixture(autouse=True)
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """A store of this test's own."""
    monkeypatch.setenv("REGULARS_STORE", str(tmp_path / "kept"))
    yield keeping.store()
    keeping._OPENED.pop((str(tmp_path / "kept"), ""), None)
    keeping._FAILED.clear()


def opened(page: str = "upload", **parameters: str) -> AppTest:
    """A new session at an address; without parameters, of a person's own files and none yet."""
    test = AppTest.from_file(str(ROOT / "frame.py"), default_timeout=120)
    for name, value in (parameters or {"s": to_link(Workspace(world=""))}).items():
        test.query_params[name] = value
    test.run()
    return test if page == "upload" else go(test, page)


def go(test: AppTest, page: str) -> AppTest:
    return test.switch_page(f"app_pages/{page}.py").run()


def with_file(test: AppTest, name: str = "orders.csv", data: bytes = ORDERS) -> AppTest:
    test.file_uploader(key="files").set_value([(name, data, "text/csv")]).run()
    return test


def choices(test: AppTest) -> Workspace:
    found: Workspace = test.session_state["workspace"]
    return found


def record(test: AppTest) -> Record | None:
    found: Record | None = test.session_state["visit"].record
    return found


def saved(test: AppTest) -> Record:
    found = record(test)
    assert found is not None
    return found


def figures(test: AppTest) -> dict[str, str]:
    return {metric.label: metric.value for metric in test.metric}


def told(test: AppTest) -> str:
    return "\n".join(item.value for kind in (test.warning, test.error, test.subheader, test.markdown) for item in kind)


def parameter(test: AppTest, name: str) -> str:
    found = test.query_params[name]
    return found if isinstance(found, str) else str(found[0])


def sound(test: AppTest) -> None:
    assert [item.value for item in test.exception] == []
    assert [item.value for item in test.error] == []


def as_person(monkeypatch: pytest.MonkeyPatch, who: Person | None) -> None:
    monkeypatch.setattr(visitor, "who", lambda _store, _before=None: who)


def listed(store: Store) -> list[str]:
    return [item.id for item in workspaces.listing(store, people.local_person(store))]


def test_who_only_looks_leaves_nothing_and_the_first_change_is_saved(kept: Store) -> None:
    test = opened()
    test.selectbox(key="language").set_value("zh_TW").run()
    go(test, "workspaces")
    assert listed(kept) == []
    assert words_for("zh_TW")("No saved work yet") in [item.value for item in test.subheader]
    go(test, "upload").selectbox(key="quality.currency").set_value("CNY").run()
    assert listed(kept) == [saved(test).id]
    assert parameter(test, "w") == saved(test).id
    assert workspaces.load(kept, saved(test).id).workspace.quality.currency == "CNY"
    assert workspaces.load(kept, saved(test).id).workspace.language == "zh_TW"
    assert workspaces.load(kept, saved(test).id).page == "upload"


@pytest.mark.slow
def test_a_run_that_changes_nothing_writes_nothing(kept: Store) -> None:
    test = with_file(opened())
    version = saved(test).version
    go(test, "workspaces")
    go(test, "upload")
    assert workspaces.version_of(kept, saved(test).id)[0] == version


def test_everything_comes_back_by_the_address(kept: Store) -> None:
    test = with_file(opened())
    test.selectbox(key="quality.currency").set_value("HKD").run()
    go(test, "privacy").text_input(key="erase-id").set_value("C5").run()
    test.checkbox(key="erase-sure").check().run()
    test.button(key="erase").click().run()
    sound(test)
    keeping._OPENED.clear()  # as after a restart of the server
    later = opened(w=saved(test).id)
    sound(later)
    assert choices(later) == dataclasses.replace(choices(test), customer="")
    assert later.session_state["secret"] == test.session_state["secret"]
    assert later.session_state["erased"] == test.session_state["erased"] != {}
    assert figures(later)["Rows"] == "600"
    assert list(later.session_state["uploads"]) == [choices(test).sources[0].digest]
    assert not any(isinstance(file, bytes) for file in later.session_state["uploads"].values())


@pytest.mark.slow
def test_undo_works_across_saves() -> None:
    test = with_file(opened())
    test.selectbox(key="quality.currency").set_value("HKD").run()
    test.selectbox(key="quality.currency").set_value("EUR").run()
    assert saved(test).workspace.quality.currency == "EUR"
    test.button(key="undo").click().run()
    assert saved(test).workspace.quality.currency == choices(test).quality.currency == "HKD"


def test_anothers_workspace_is_as_unknown_as_none(monkeypatch: pytest.MonkeyPatch) -> None:
    theirs = saved(with_file(opened())).id
    as_person(monkeypatch, Person("f" * 32, "browser"))
    others, none = opened(w=theirs), opened(w="0" * 32)
    assert told(others) == told(none)
    assert "No such workspace" in told(others)
    assert record(others) is record(none) is None
    assert "w" not in others.query_params
    assert others.session_state["uploads"] == {}


@pytest.mark.slow
def test_a_stored_choice_that_is_refused_is_told(kept: Store) -> None:
    test = opened()
    test.selectbox(key="quality.currency").set_value("CNY").run()
    from store.tables import WORKSPACES

    body = to_json(choices(test)).replace(b'"world": ""', b'"world": "", "churn": {"n_cuts": "many"}')
    with kept.write() as connection:
        connection.execute(WORKSPACES.update().values(body=body.decode()))
    later = opened(w=saved(test).id)
    assert "churn" in told(later)
    assert choices(later).quality.currency == "CNY"


def test_a_link_for_looking_lets_nobody_change_anything_and_shuts_at_once(
    kept: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner = with_file(opened())
    me, it = people.local_person(kept), saved(owner)
    link, token = links.create_link(kept, it.id, "view", me, workspace=choices(owner), page="upload")
    as_person(monkeypatch, None)
    guest = opened(k=token)
    sound(guest)
    assert choices(guest).privacy.pseudonymise_ids
    assert parameter(guest, "k") == token
    monkeypatch.setattr(widgets, "is_locked", lambda *_which: False)  # a browser can send what it likes
    go(guest, "privacy").selectbox(key="privacy.k").set_value(20).run()
    assert choices(guest).privacy.k == 10
    assert words_for("en").phrase("error.not_allowed") in told(guest)
    assert workspaces.version_of(kept, it.id)[0] == it.version
    links.revoke(kept, link.id, me)
    guest.run()
    assert "This link was revoked" in told(guest)
    assert len(guest.metric) == len(guest.dataframe) == 0
    sound(go(guest, "behaviour"))
    assert len(guest.metric) == 0
    guest.button(key="leave").click().run()
    assert guest.session_state["uploads"] == {}
    assert "k" not in guest.query_params


@pytest.mark.slow
def test_a_link_for_working_saves_and_keeps_the_owners_choice_about_ids(
    kept: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner = with_file(opened())
    me, it = people.local_person(kept), saved(owner)
    _link, token = links.create_link(kept, it.id, "edit", me, workspace=choices(owner), page="upload")
    as_person(monkeypatch, Person("e" * 32, "browser", "Lin"))
    guest = opened(k=token)
    guest.selectbox(key="quality.currency").set_value("EUR").run()
    newest = workspaces.load(kept, it.id)
    assert newest.workspace.quality.currency == "EUR"
    assert newest.changed_by.id == "e" * 32
    assert choices(guest).privacy.pseudonymise_ids
    assert not newest.workspace.privacy.pseudonymise_ids


@pytest.fixture
def two(kept: Store) -> tuple[AppTest, AppTest]:
    """Two sessions of one workspace; the first has saved a currency, the second other thresholds, too late."""
    first = with_file(opened())
    second = opened(w=saved(first).id)
    first.selectbox(key="quality.currency").set_value("EUR").run()
    go(second, "privacy").selectbox(key="privacy.k").set_value(20).run()
    assert workspaces.load(kept, saved(first).id).workspace.privacy.k == 10
    assert "changed Validation" in told(second)
    return first, second


@pytest.mark.slow
def test_the_second_takes_the_state_of_the_first_and_undo_leads_back(two: tuple[AppTest, AppTest]) -> None:
    first, second = two
    second.button(key="take-theirs").click().run()
    assert choices(second) == choices(first)
    second.button(key="undo").click().run()
    assert choices(second).privacy.k == 20
    assert saved(second).workspace.privacy.k == 20


@pytest.mark.slow
def test_the_second_keeps_a_copy_with_its_files(kept: Store, two: tuple[AppTest, AppTest]) -> None:
    first, second = two
    second.button(key="keep-copy").click().run()
    assert saved(second).id != saved(first).id
    assert (choices(second).privacy.k, choices(second).quality.currency) == (20, "")
    assert workspaces.load(kept, saved(second).id).workspace.privacy.k == 20
    assert [item.name for item in blobs.uploads(kept, saved(second).id)] == ["orders.csv"]
    assert second.session_state["secret"] == first.session_state["secret"]


def test_both_merge_by_step(kept: Store, two: tuple[AppTest, AppTest]) -> None:
    first, second = two
    second.button(key="merge").click().run()
    second.button(key="merge-now").click().run()
    newest = workspaces.load(kept, saved(first).id).workspace
    assert (newest.privacy.k, newest.quality.currency) == (20, "EUR")
    assert choices(second).privacy.k == 20
    assert choices(second).quality.currency == "EUR"


def test_while_the_store_fails_the_work_goes_on_and_is_saved_afterwards(
    kept: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_args: Any, **_named: Any) -> None:
        raise AnalysisError("store_full", megabytes=0)

    test = with_file(opened())
    with monkeypatch.context() as broken:
        for module, name in ((workspaces, "save"), (blobs, "keep")):
            broken.setattr(module, name, full)
        broken.setattr(keeping, "PATIENCE", 0.0)
        test.selectbox(key="quality.currency").set_value("EUR").run()
        sound(test)
        assert figures(test)["Rows"] == "600"
        assert "The server's disk is full" in told(test)
        two_files = [
            ("orders.csv", ORDERS, "text/csv"),
            ("survey.csv", b"respondent,answer,score\nR1,yes,3\nR2,no,4\n", "text/csv"),
        ]
        test.file_uploader(key="files").set_value(two_files).run()
        sound(test)
        assert figures(test)["Files read"] == "2"
        assert any(isinstance(file, bytes) for file in test.session_state["uploads"].values())
    keeping._FAILED.clear()  # a moment later
    test.run()
    assert "The server's disk is full" not in told(test)
    later = opened(w=saved(test).id)
    assert choices(later).quality.currency == "EUR"
    assert figures(later)["Files read"] == "2"


def test_a_store_that_cannot_be_opened_takes_no_page_away(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder", encoding="utf-8")
    monkeypatch.setenv("REGULARS_STORE", str(tmp_path / "file"))
    test = with_file(opened())
    sound(test)
    assert figures(test)["Rows"] == "600"
    assert test.session_state["visit"].record is None
    test = opened(w="0" * 32)
    assert len(test.metric) == 0
    assert any(button.key == "open-again" for button in test.button)


def test_who_keeps_no_cookie_can_look_and_bring_nothing(monkeypatch: pytest.MonkeyPatch, kept: Store) -> None:
    as_person(monkeypatch, None)
    test = opened()
    assert "This browser keeps no cookie" in told(test)
    assert [item.key for item in test.file_uploader if item.key == "files"] == []
    test.button(key="to-world").click().run()
    assert choices(test).world
    assert record(test) is None
    go(test, "workspaces")
    assert "Nothing is saved for this browser" in told(test)


@pytest.mark.slow
def test_ragged_files_are_repaired_and_larger_ones_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    test = with_file(opened(), "ragged.csv", RAGGED)
    sound(test)
    assert figures(test)["Rows"] == "4"
    monkeypatch.setattr(intake, "REPAIRED_BYTES", 10)
    test = with_file(opened(), "large.csv", ORDERS.replace(b"C36,", b"X36,"))
    sound(test)
    assert figures(test)["Rows"] == "600"


@pytest.mark.slow
def test_a_file_that_vanished_from_the_store_is_asked_for_again(kept: Store) -> None:
    test = with_file(opened(), "gone.csv", ORDERS.replace(b"C36,", b"Y36,"))
    blobs.path_of(kept, choices(test).sources[0].digest).unlink()
    later = opened(w=saved(test).id)
    sound(later)
    assert "These choices belong to files that are not here" in told(later)


# ---- the page Workspaces ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", ["zh_TW", *(pytest.param(one, marks=pytest.mark.slow) for one in ("en", "zh_CN"))])
@pytest.mark.parametrize("name", [step.name for step in WORK])
def test_the_pages_beside_the_walk_answer_in_each_language(name: str, language: Any) -> None:
    test = opened(name, s=to_link(Workspace(world="", language=language)))
    assert [item.value for item in test.exception] == []
    assert words_for(language)(next(step.title for step in WORK if step.name == name)) in test.title[0].value


def test_a_workspace_is_named_copied_deleted_and_had_back(kept: Store) -> None:
    test = go(with_file(opened()), "workspaces")
    it = saved(test).id
    test.button(key=f"more-{it}").click().run()
    test.text_input(key=f"name-{it}").set_value("Spring **plan**").run()
    assert workspaces.load(kept, it).name == saved(test).name == "Spring **plan**"
    assert workspaces.load(kept, it).kept
    assert "**Spring \\*\\*plan\\*\\***" in told(test)
    test.toggle(key=f"kept-{it}").set_value(False).run()
    assert not workspaces.load(kept, it).kept
    test.button(key=f"copy-{it}").click().run()
    copy = next(found for found in listed(kept) if found != it)
    assert workspaces.load(kept, copy).name == "Copy of Spring **plan**"
    test.button(key=f"delete-{it}").click().run()
    assert listed(kept) == [copy]
    assert record(test) is None
    test.button(key=f"undelete-{it}").click().run()
    assert set(listed(kept)) == {it, copy}
    test.button(key=f"open-{it}").click().run()
    sound(test)
    assert saved(test).id == it
    assert figures(test)["Rows"] == "600"


@pytest.mark.slow
def test_an_older_version_is_restored(kept: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    test = with_file(opened())
    it = saved(test)
    workspaces.save(
        kept,
        it.id,
        it.version,
        dataclasses.replace(it.workspace, sources=()),
        "upload",
        people.local_person(kept),
        note="without",
    )
    test = go(opened(w=it.id), "workspaces")
    assert choices(test).sources == ()
    test.button(key=f"more-{it.id}").click().run()
    test.button(key=f"restore-{it.id}-{it.version}").click().run()
    sound(test)
    assert [source.name for source in choices(test).sources] == ["orders.csv"]
    go(test, "upload")
    assert figures(test)["Rows"] == "600"
    test.button(key="undo").click().run()
    assert choices(test).sources == ()


def test_a_file_of_a_workspace_becomes_a_workspace(kept: Store) -> None:
    from store.exchange import export_workspace

    data = export_workspace(
        Workspace(world="", name="Autumn", quality=dataclasses.replace(Workspace().quality, currency="GBP"))
    )
    test = opened("workspaces")
    test.file_uploader(key="import-file").set_value([("autumn.regulars", data, "application/zip")]).run()
    sound(test)
    assert saved(test).name == "Autumn"
    assert choices(test).quality.currency == "GBP"
    before = listed(kept)
    test.file_uploader(key="import-file").set_value(
        [("bad.regulars", b"PK\x03\x04 no archive", "application/zip")]
    ).run()
    assert "This is not a file of saved work" in told(test)
    assert listed(kept) == before


@pytest.mark.slow
def test_a_fresh_session_leads_back_to_the_last_work() -> None:
    first = with_file(opened())
    later = opened()
    assert record(later) is None
    later.button(key="go-on-open").click().run()
    sound(later)
    assert saved(later).id == saved(first).id


@pytest.mark.slow
def test_downloads_of_a_closed_link_give_nothing(kept: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    access = importlib.import_module("app_pages.ui.session.access")
    owner = with_file(opened())
    me = people.local_person(kept)
    link, token = links.create_link(kept, saved(owner).id, "view", me, workspace=choices(owner), page="upload")
    as_person(monkeypatch, None)
    guest = opened(k=token)
    monkeypatch.setattr(access, "visit", lambda: guest.session_state["visit"])
    ask: Callable[[], None] = access.still_allowed("export")
    ask()
    links.revoke(kept, link.id, me)
    with pytest.raises(AnalysisError) as refused:
        ask()
    assert refused.value.code == "link_revoked"
