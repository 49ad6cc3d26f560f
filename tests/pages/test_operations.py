"""The Operations page: for whoever may operate alone; its figures are the server's; its buttons do what they say."""

from __future__ import annotations

import dataclasses
import io
import json
import time
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from streamlit.testing.v1 import AppTest

from analytics.errors import AnalysisError
from analytics.i18n import words_for
from analytics.workspace import Workspace
from app_pages.ui import audience, operating, operating_tables, visitor
from app_pages.ui.compute import engine
from store import blobs, database, holdings, links, people, retention, workspaces
from store.database import Store, open_store
from store.model import Person, Record
from tests.pages.test_pages import HAN, app, assert_sound, figures, go

SECRET = b"s" * 32


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """The store that the app of this test opens."""
    monkeypatch.setenv("REGULARS_STORE", str(tmp_path / "store"))
    monkeypatch.delenv("REGULARS_DATABASE", raising=False)
    opened = open_store()
    yield opened
    opened.close()


def made(store: Store, name: str = "", days_ago: float = 0.0, who: str = "a") -> Record:
    """A stored workspace with a file and a link, last opened so long ago."""
    owner = people.browser_person(store, who * 43)
    before, moment = database.now, database.now() - timedelta(days=days_ago)
    database.now = lambda: moment
    try:
        record = workspaces.create(store, owner, Workspace(), "upload", name=name, secret=SECRET)
        blobs.keep(store, record.id, f"{who}.csv", who.encode() * 5000)
        links.create_link(store, record.id, "view", owner, workspace=record.workspace, page="upload")
    finally:
        database.now = before
    return record


def operations(language: Any = "en") -> AppTest:
    return go(app("upload", Workspace(world="", language=language)), "operations")


def texts(test: AppTest) -> str:
    parts = [*test.header, *test.subheader, *test.markdown, *test.warning, *test.error, *test.button]
    return "\n".join(str(getattr(part, "value", "")) + str(getattr(part, "label", "")) for part in parts)


def held(store: Store) -> list[str]:
    return [item.workspace_id for item in holdings.holdings(store, 14)]


@pytest.mark.parametrize("language", ["en", "zh_TW"])
def test_it_tells_that_all_is_well_and_what_will_vanish(store: Store, language: Any) -> None:
    loose = made(store, days_ago=3)
    made(store, "Spring", who="b")
    retention.sweep_now(store, 14, database.now())
    test = operations(language)
    assert_sound(test)
    words = words_for(language)
    assert test.header[0].value == words("All is well")
    assert bool(HAN.search(texts(test))) == (language != "en")
    shown = figures(test)
    assert shown[words("Workspaces")] == "2"
    assert shown[words("Open links")] == "2"
    assert shown[words("People")] == "2"
    vanishing = next(table.value for table in test.dataframe if table.value.shape[1] == 7)
    assert vanishing.shape[0] == 1
    assert loose.id[:6] in str(vanishing.iloc[0].tolist())


def test_nobody_else_sees_anything_of_it(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    made(store, "Secret plan")
    monkeypatch.setattr(visitor, "who", lambda *_args: Person("b" * 32, "browser"))
    test = operations()
    assert [item.value for item in test.exception] == []
    assert not test.header
    assert not test.metric
    assert "code: not_allowed" in texts(test)
    assert "Secret plan" not in texts(test)
    assert not [button for button in test.button if button.key in {"sweep-now", "empty-cache", "erase-for-good"}]


def test_sweeping_now_lets_go_of_what_is_over_its_days_and_emptying_of_results(store: Store) -> None:
    over, loose, kept = (
        made(store, days_ago=20),
        made(store, days_ago=2, who="b"),
        made(store, "Kept", days_ago=90, who="c"),
    )
    test = operations()
    assert "1 workspace is over its days and would go" in texts(test)
    test.button(key="sweep-now").click().run()
    assert_sound(test)
    assert over.id not in held(store)
    assert {loose.id, kept.id} <= set(held(store))
    (line,) = [entry for entry in workspaces.deeds(store) if entry.deed == "swept"]
    assert line.count == 1
    engine().put("e8-test", pl.DataFrame({"a": range(1000)}))
    test.button(key="empty-cache").click().run()
    assert_sound(test)
    assert engine().peek("e8-test") is None


def test_erasing_needs_a_second_word_and_takes_the_chosen_one_alone(store: Store) -> None:
    first, second = made(store, "First", who="a"), made(store, "Second", who="b")
    test = operations()
    test.selectbox(key="operate-which-workspace").set_value(first.id).run()
    assert test.button(key="erase-for-good").disabled
    test.button(key="close-links").click().run()
    assert [link.revoked_at is None for link in links.links(store, first.id)] == [False]
    assert [link.revoked_at is None for link in links.links(store, second.id)] == [True]
    test.checkbox(key="operate-sure").check().run()
    assert not test.button(key="erase-for-good").disabled
    # What is chosen now is another one: the word was not said about it.
    test.selectbox(key="operate-which-workspace").set_value(second.id).run()
    assert test.button(key="erase-for-good").disabled
    test.selectbox(key="operate-which-workspace").set_value(first.id).run()
    test.checkbox(key="operate-sure").check().run()
    test.button(key="erase-for-good").click().run()
    assert_sound(test)
    assert held(store) == [second.id]
    assert not test.checkbox(key="operate-sure").value


def test_a_file_and_a_person_can_be_erased(store: Store) -> None:
    first, second = made(store, "First", who="a"), made(store, "Second", who="b")
    test = operations()
    for kind, chosen in (("file", blobs.uploads(store, first.id)[0].digest), ("person", first.owner.id)):
        test.segmented_control(key="operate-what").set_value(kind).run()
        test.selectbox(key=f"operate-which-{kind}").set_value(chosen).run()
        test.checkbox(key="operate-sure").check().run()
        test.button(key="erase-for-good").click().run()
        assert_sound(test)
        assert [len(blobs.uploads(store, record.id)) for record in (first, second)] == [0, 1]
    assert held(store) == [second.id]


def test_a_store_that_is_away_is_told_and_the_rest_goes_on(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(_store: Store) -> retention.Sizes:
        raise AnalysisError("store_unreachable")

    monkeypatch.setattr(retention, "sizes", away)
    test = operations()
    assert [item.value for item in test.exception] == []
    assert test.header[0].value == "Saved work cannot be reached"
    assert figures(test)["Saved work"] == "–"
    assert figures(test)["Live sessions"]


def test_days_that_are_no_number_are_told(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REGULARS_KEEP_DAYS", "soon")
    test = operations()
    assert [item.value for item in test.exception] == []
    assert test.header[0].value == "Nothing is swept: the days of retention are no number"


def test_the_report_holds_the_figures_of_the_page(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    made(store, "Spring")
    given: dict[str, Any] = {}

    def button(_label: str, make: Any, name: str, *_args: Any, **_looks: Any) -> None:
        given[name] = make()

    monkeypatch.setattr(operating.st, "download_button", button)
    test = operations()
    assert_sound(test)
    told = json.loads(given["regulars-operations.json"])
    assert (told["workspaces"], told["kept"], told["uploads"], told["keep_days"]) == (1, 1, 1, 14)
    csv = given["regulars-operations.csv"].decode("utf-8-sig")
    assert "upload_bytes,5000" in csv.replace(".0", "")
    with zipfile.ZipFile(io.BytesIO(given["regulars-operations.xlsx"])) as book:
        assert len([name for name in book.namelist() if name.startswith("xl/worksheets/sheet")]) == 5
    # Nobody's name, file or key is among the figures.
    assert "Spring" not in given["regulars-operations.json"].decode()


# ---- who is here, and what a machine tells --------------------------------------------------------------------------


def test_who_is_here_and_which_work_is_open(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audience, "_SESSIONS", {})
    moment = datetime(2026, 3, 1, tzinfo=UTC)
    ada = Person("1" * 32, "member", "Ada")
    here = audience.Present(moment, moment, ada, "w1", lambda: True)
    gone = dataclasses.replace(here, workspace_id="w2", there=lambda: False)
    nobody = dataclasses.replace(here, person=None, workspace_id="", since=moment - timedelta(hours=1))
    audience._SESSIONS.update({"a": here, "b": gone, "c": nobody})
    assert audience.present(moment) == (nobody, here)
    assert audience.opened() == {"w1"}
    audience.present(moment + timedelta(hours=2))
    assert set(audience._SESSIONS) == {"a", "c"}, "who has been gone for long is forgotten"
    words = words_for("en")
    assert [operating_tables.who(item, words) for item in (ada, None, Person("2" * 32, "browser", "Bo"))] == [
        "Ada",
        "Nobody known",
        "A browser",
    ]


def test_a_moment_is_told_in_the_readers_own_time() -> None:
    moment, words = datetime(2026, 3, 1, 18, 5, tzinfo=UTC), words_for("en")
    assert operating_tables.moment(moment, "Asia/Taipei", words) == "2 Mar 2026 02:05"
    assert operating_tables.moment(moment, "Nowhere/At_all", words) == "1 Mar 2026 18:05"
    assert operating_tables.moment(None, "UTC", words) == "–"


def test_the_limit_of_a_container_is_the_memory_of_the_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(operating, "CGROUP", tmp_path)
    total, free = operating.machine_memory()
    assert total >= free > 0
    (tmp_path / "memory.max").write_text("1000000000\n")
    (tmp_path / "memory.current").write_text("990000000\n")
    assert operating.machine_memory() == (1_000_000_000, 10_000_000)
    (tmp_path / "memory.max").write_text("max\n")
    assert operating.machine_memory()[0] == total


def test_the_processor_is_measured_between_two_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    meter = operating.Meter()
    monkeypatch.setattr(operating, "LEAST_SECONDS", 0.0)
    end = time.monotonic() + 0.2
    while time.monotonic() < end:
        pass
    assert 0.0 < meter.cpu() <= 1.0
