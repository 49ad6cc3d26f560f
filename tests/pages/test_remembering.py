"""Next month: a mapping is remembered, saved choices find their new file, and a month more costs only itself."""

from __future__ import annotations

import dataclasses
import io
import json
import random
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from analytics.integration import JoinSpec
from analytics.population import DefinitionsSpec, PopulationSpec
from analytics.quality import QualitySpec
from analytics.reading import ReadSpec
from analytics.workspace import Workspace, from_json, from_link, mappings_to_json, to_json, to_link
from app_pages.ui import compute, intake, sharing

ROOT = Path(__file__).parents[2]
HEADINGS = ("order id", "client", "day of order", "goods", "amount")
File = tuple[str, bytes]


def month(n: int, columns: tuple[str, ...] = HEADINGS, rows: int = 80, mark: str = ",") -> bytes:
    """Orders of month ``n`` of 2024; every day is at most the 12th, so that nothing tells day from month."""
    chance = random.Random(n)
    lines = [mark.join(columns)]
    for i in range(rows):
        cells = {
            "order id": f"{n}-{i}",
            "client": f"C{chance.randrange(20)}",
            "day of order": f"{1 + i % 12:02d}/{n:02d}/2024",
            "goods": ("Tea", "Coffee")[i % 2],
            "amount": f"{chance.randrange(100, 5000) / 100:.2f}",
        }
        lines.append(mark.join(cells[name.casefold()] for name in columns))
    return ("\n".join(lines) + "\n").encode()


def opened(**choices: Any) -> AppTest:
    test = AppTest.from_file(str(ROOT / "frame.py"), default_timeout=120)
    test.query_params["s"] = to_link(Workspace(**{"world": "", **choices}))
    return test.run()


def upload(test: AppTest, *files: File) -> AppTest:
    return test.file_uploader(key="files").set_value([(name, data, "text/csv") for name, data in files]).run()


def add(test: AppTest, *files: File) -> AppTest:
    """Bring more files: on return to the page the uploader is empty, and what it holds then joins the others."""
    return upload(go(go(test, "validation"), "upload"), *files)


def load(test: AppTest, key: str, data: bytes) -> AppTest:
    return test.file_uploader(key=key).set_value([("saved.json", data, "application/json")]).run()


def go(test: AppTest, page: str) -> AppTest:
    return test.switch_page(f"app_pages/{page}.py").run()


def said(test: AppTest) -> str:
    assert [item.value for item in test.exception] == []
    kinds = ("header", "subheader", "markdown", "caption", "warning", "error", "info")
    return "\n".join(str(item.value) for kind in kinds for item in getattr(test, kind))


def choices(test: AppTest) -> Workspace:
    workspace: Workspace = test.session_state["workspace"]
    return workspace


def figures(test: AppTest) -> dict[str, str]:
    return {metric.label: metric.value for metric in test.metric}


def press(test: AppTest, start: str) -> AppTest:
    return next(button for button in test.button if button.key and button.key.startswith(start)).click().run()


def day_first(test: AppTest) -> Any:
    return next((item for item in test.segmented_control if item.key.startswith("day_first-")), None)


@pytest.fixture
def saved(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """What the button under Share offers; the last one is that of the page on show."""
    offered: list[bytes] = []

    def keep(workspace: Workspace, *, app_version: str) -> bytes:
        offered.append(to_json(workspace, app_version=app_version))
        return offered[-1]

    monkeypatch.setattr(sharing, "to_json", keep)
    return offered


def test_next_months_file_takes_the_mapping_and_gives_it_back() -> None:
    test = upload(opened(), ("october.csv", month(10)))
    day_first(test).set_value(True).run()
    assert "Your choice. It is remembered" in said(test)

    shuffled = tuple(reversed([name.upper() for name in HEADINGS]))
    add(test, ("november.csv", month(11, shuffled)))
    test.segmented_control(key="shown-file").set_value(choices(test).sources[1].digest).run()
    assert "Mapping taken from october\\.csv, which has the same headings" in said(test)
    assert day_first(test).value is True, "the answer of last month is the answer of this one"
    assert figures(test)["To check"] == "0"
    assert choices(test).sources[1].mapping is None, "it follows what is remembered"

    press(test, "suggestion-")
    assert choices(test).remembered == ()
    assert day_first(test).value is None
    assert "cannot be told apart" in said(test)
    test.button(key="undo").click().run()
    assert day_first(test).value is True

    add(test, ("other.csv", month(9, HEADINGS[:4])))
    test.segmented_control(key="shown-file").set_value(choices(test).sources[-1].digest).run()
    assert "Mapping taken from" not in said(test), "other headings, another file"


def test_a_way_of_reading_is_remembered_with_the_headings_it_was_chosen_for() -> None:
    test = upload(opened(), ("october.txt", month(10, mark="^")))
    source = choices(test).sources[0]
    box = next(box for box in test.selectbox if box.key and box.key.startswith("has_header-"))
    box.set_value("yes").run()
    assert choices(test).remembered[0].reading == ReadSpec(has_header=True)
    assert choices(test).remembered[0].mapping is None
    assert choices(test).sources[0] != source
    add(test, ("november.txt", month(11, mark="^")))
    # The widget cannot type a delimiter of the person's own: what typing stores stands in the Workspace.
    (known,) = choices(test).remembered
    typed = dataclasses.replace(known, reading=ReadSpec(delimiter="^", has_header=True))
    test.session_state["workspace"] = dataclasses.replace(choices(test), remembered=(typed,))
    test.segmented_control(key="shown-file").set_value(choices(test).sources[-1].digest).run()
    assert "Mapping taken from" in said(test)
    assert any("5 of 5 columns" in item.value for item in test.subheader)


def test_saved_choices_hold_for_next_months_file(saved: list[bytes]) -> None:
    test = upload(opened(quality=QualitySpec(currency="TWD")), ("october.csv", month(10)))
    day_first(test).set_value(True).run()
    go(test, "segmentation")
    test.segmented_control(key="segmentation.method").set_value("rfm").run()
    kept = saved[-1]
    assert b"october.csv" in kept
    assert b"client" in kept

    later = load(opened(), "choices", kept)
    assert "These choices belong to files that are not here" in said(later)
    assert "october\\.csv" in said(later)
    assert [item.value for item in later.error] == []
    go(later, "validation")
    assert "The file october\\.csv is no longer here" in said(later)
    go(later, "upload")

    upload(later, ("november.csv", month(11, HEADINGS[::-1])))
    assert [item.name for item in choices(later).sources] == ["november.csv"]
    assert "Mapping taken from october\\.csv" in said(later)
    assert "not here" not in said(later)
    assert day_first(later).value is True
    assert choices(later).segmentation.method == "rfm"
    assert choices(later).quality.currency == "TWD"
    go(later, "validation")
    assert figures(later)["= Kept"] == "80"
    later.button(key="undo").click().run()
    assert [item.name for item in choices(later).sources] == ["october.csv"], "one step brought it, one takes it back"

    again = upload(load(opened(language="zh_TW"), "choices", kept), ("october.csv", month(10)))
    assert choices(again).language == "zh_TW", "a colleague's choices come without their language"
    assert [item.name for item in choices(again).sources] == ["october.csv"]
    assert "not here" not in said(again)
    assert day_first(again).value is True

    without = press(load(opened(), "choices", kept), "go-on")
    assert choices(without).sources == ()
    assert "There are no data yet" in said(without)


def test_a_file_with_other_headings_takes_nobodys_place(saved: list[bytes]) -> None:
    test = upload(opened(), ("october.csv", month(10)))
    kept = saved[-1]
    later = upload(load(opened(), "choices", kept), ("people.csv", month(10, HEADINGS[1:4])))
    assert [item.name for item in choices(later).sources] == ["october.csv", "people.csv"]
    assert "not here" in said(later)
    go(later, "validation")
    assert "october\\.csv is left out" in said(later)
    assert figures(later)["Rows in"] == "80"
    assert [item.name for item in choices(test).sources] == ["october.csv"]


def test_a_workbooks_sheets_and_joins_go_over_to_next_months(saved: list[bytes]) -> None:
    def book(n: int) -> bytes:
        import xlsxwriter

        buffer = io.BytesIO()
        with xlsxwriter.Workbook(buffer, {"in_memory": True}) as made:
            people = [["client", "birth year"], *([f"C{i}", 1950 + i] for i in range(20))]
            for name, table in {
                "Notes": [["a", "b"], ["x", "y"]],
                "Orders": _cells(month(n)),
                "People": people,
            }.items():
                sheet = made.add_worksheet(name)
                for i, row in enumerate(table):
                    sheet.write_row(i, 0, row)
        return buffer.getvalue()

    test = upload(opened(), ("october.xlsx", book(10)))
    next(item for item in test.multiselect if item.key.startswith("sheets-")).set_value(["Orders", "People"]).run()
    digest = choices(test).sources[0].digest
    join = JoinSpec(on=(("client", "client"),), source=digest, sheet="People")
    test.session_state["workspace"] = dataclasses.replace(choices(test), joins=(join,))
    test.run()

    kept = saved[-1]
    later = upload(load(opened(), "choices", kept), ("november.xlsx", book(11)))
    sources = choices(later).sources
    assert [(item.name, item.reading.sheet) for item in sources] == [
        ("november.xlsx", "Orders"),
        ("november.xlsx", "People"),
    ]
    assert [(item.source, item.sheet) for item in choices(later).joins] == [(sources[0].digest, "People")]
    assert said(later)


def _cells(data: bytes) -> list[list[str]]:
    return [line.split(",") for line in data.decode().splitlines()]


def test_mappings_travel_alone_and_what_is_wrong_in_them_is_named(saved: list[bytes]) -> None:
    test = upload(opened(), ("october.csv", month(10)))
    day_first(test).set_value(True).run()
    kept = saved[-1]
    body = json.loads(mappings_to_json(choices(test).remembered))
    body["mappings"].append({"signature": "zz", "name": "made up.csv"})

    colleague = load(opened(), "mappings", json.dumps(body).encode())
    assert "Some mappings in this file cannot be used: made up\\.csv" in said(colleague)
    assert len(choices(colleague).remembered) == 1
    upload(colleague, ("november.csv", month(11)))
    assert day_first(colleague).value is True
    assert "Mapping taken from october\\.csv" in said(colleague)
    colleague.button(key="undo").click().run()
    colleague.button(key="undo").click().run()
    assert choices(colleague).remembered == ()

    for wrong in (b"", b"[1, 2", b'{"version": 1, "mappings": 3}', b"\xff" * 99):
        assert "This is not a file of mappings" in said(load(opened(), "mappings", wrong))
    from_choices = load(opened(), "mappings", kept)
    assert len(choices(from_choices).remembered) == 1
    assert from_json(kept)[0].remembered == choices(from_choices).remembered


class Steps(list[str]):
    """Verbs that were really run, in order."""

    def of(self, verb: str) -> int:
        return self.count(verb)


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> Steps:
    """Every step that the engine did not have yet."""
    ran = Steps()
    asked = compute.compute

    def noted(verb: Callable[..., Any], *inputs: Any, **how: Any) -> Any:
        if compute.engine().peek(compute._scoped(compute.key_of(verb, *inputs))) is None:
            ran.append(verb.__name__)
        return asked(verb, *inputs, **how)

    monkeypatch.setattr(intake, "compute", noted)
    return ran


def test_a_month_more_costs_only_itself_and_equals_the_full_recompute(
    steps: Steps, monkeypatch: pytest.MonkeyPatch
) -> None:
    results: list[Any] = []
    validated = intake.validated

    def kept() -> Any:
        results.append(validated())
        return results[-1]

    monkeypatch.setattr(intake, "validated", kept)
    columns = ("order_id", "customer_id", "order_date", "product", "amount")
    named = dict(zip(HEADINGS, columns, strict=True))
    year = [month(n).replace(",".join(HEADINGS).encode(), ",".join(named.values()).encode()) for n in range(1, 13)]
    header, rows = year[0].split(b"\n", 1)[0] + b"\n", [part.split(b"\n", 1)[1] for part in year]
    eleven, twelfth = header + b"".join(rows[:11]), header + rows[11]

    appended = upload(opened(), ("eleven.csv", eleven))
    day_first(appended).set_value(True).run()
    assert results[-1].dataset.table("transactions").height == 880
    steps.clear()
    add(appended, ("december.csv", twelfth))
    assert [item.name for item in choices(appended).sources] == ["eleven.csv", "december.csv"]
    counted = {verb: steps.of(verb) for verb in ("read", "apply_mapping", "validate")}
    assert counted == {"read": 1, "apply_mapping": 1, "validate": 1}
    grown = results[-1]

    steps.clear()
    anew = upload(opened(), ("december.csv", twelfth))
    day_first(anew).set_value(True).run()
    add(anew, ("eleven.csv", eleven))
    assert steps.of("read") == 2, "another session starts from nothing"
    assert results[-1].dataset.key == grown.dataset.key

    together = upload(opened(), ("year.csv", header + b"".join(rows)))
    day_first(together).set_value(True).run()
    whole = results[-1]
    assert whole.dataset.key == grown.dataset.key
    assert whole.dataset.table("transactions").equals(grown.dataset.table("transactions"))
    assert whole.dataset.as_of == grown.dataset.as_of == date(2024, 12, 12)
    balances = [
        {
            name: sum(getattr(item, name) for item in result.report.balances)
            for name in ("rows_in", "kept", "quarantined")
        }
        for result in (whole, grown)
    ]
    assert balances[0] == balances[1]
    assert balances[0]["rows_in"] == 960
    assert [issue.code for issue in whole.report.issues] == [issue.code for issue in grown.report.issues]


def test_choices_for_the_sample_stay_with_the_sample() -> None:
    sample = PopulationSpec(countries=("TW",), as_of=date(2025, 12, 31))
    test = opened(world="marketplace", population=sample, definitions=DefinitionsSpec(revenue="gross"))
    test.segmented_control(key="source").set_value("own").run()
    assert choices(test).population == PopulationSpec()
    assert choices(test).definitions == DefinitionsSpec()
    upload(test, ("october.csv", month(10)))
    day_first(test).set_value(True).run()
    own = choices(test)
    go(test, "validation")
    assert figures(test)["Rows in"] == "80"

    go(test, "upload")
    test.segmented_control(key="source").set_value("marketplace").run()
    assert choices(test).population == sample
    assert choices(test).definitions.revenue == "gross"
    link = from_link(to_link(choices(test)))[0]
    assert link.remembered == ()
    assert link.sources == ()
    test.segmented_control(key="source").set_value("marketplace_dirty").run()
    assert choices(test).population == sample, "both sample worlds have the same countries and days"
    test.segmented_control(key="source").set_value("own").run()
    assert choices(test) == own, "and the own ones stay with the own"
    test.button(key="undo").click().run()
    assert choices(test).population == sample


def hang(data: bytes, name: str, spec: ReadSpec) -> None:
    """A parser that never comes back and never lets go of the interpreter."""
    import re

    re.match(r"(a+)+$", "a" * 64 + "b")


def test_a_file_that_hangs_the_parser_is_stopped_and_the_session_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    test = opened()
    monkeypatch.setattr(intake, "read", hang)
    monkeypatch.setattr(intake, "READING_SECONDS", 2.0)
    started = time.monotonic()
    upload(test, ("hostile.csv", month(10)))
    assert time.monotonic() - started < 2.0 + 20.0
    assert "Reading this file took longer than 2 seconds and was stopped" in said(test)
    monkeypatch.undo()
    upload(test, ("good.csv", month(11)))
    day_first(test).set_value(True).run()
    assert figures(test)["Rows"] == "80"
