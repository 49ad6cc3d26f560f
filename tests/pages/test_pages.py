"""Every page on the sample world: with it, without any data, with a choice changed, left and returned to, in three
languages; links, undo and hostile links. Values are asserted, not only that nothing broke."""

from __future__ import annotations

import dataclasses
import re
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from analytics.i18n import LANGUAGES, words_for
from analytics.lifecycle import LifecycleSpec
from analytics.population import PopulationSpec
from analytics.segmentation import SegmentationSpec
from analytics.workspace import Workspace, to_link
from app_pages.ui.steps import STEPS

ROOT = Path(__file__).parents[2]
NAMES = [step.name for step in STEPS]
HAN = re.compile(r"[\u4e00-\u9fff]")


def app(page: str = "upload", workspace: Workspace | None = None, link: str | None = None) -> AppTest:
    """A session that has opened ``page``."""
    test = AppTest.from_file(str(ROOT / "frame.py"), default_timeout=120)
    if workspace is not None:
        link = to_link(workspace)
    if link is not None:
        test.query_params["s"] = link
    test.run()
    return test if page == "upload" else go(test, page)


def go(test: AppTest, page: str) -> AppTest:
    return test.switch_page(f"app_pages/{page}.py").run()


def figures(test: AppTest) -> dict[str, str]:
    return {metric.label: metric.value for metric in test.metric}


def number(text: str) -> float:
    return float(re.sub(r"[^\d.]", "", text))


def assert_sound(test: AppTest) -> None:
    assert [item.value for item in test.exception] == []
    assert [item.value for item in test.error] == []


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", NAMES)
def test_a_page_answers_its_question_in_each_language(name: str, language: Any) -> None:
    test = app(name, Workspace(language=language))
    assert_sound(test)
    step = next(step for step in STEPS if step.name == name)
    assert test.title[0].value == words_for(language)(step.title)
    assert len(test.header[0].value) > 4, "the answer card has its finding"
    assert len(test.metric) >= 3
    assert bool(HAN.search(test.header[0].value)) == (language != "en")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", NAMES)
def test_without_data_a_page_says_what_to_do(name: str, language: Any) -> None:
    test = app("upload", Workspace(language=language, world=""))
    go(test, name)
    assert [item.value for item in test.exception] == []
    assert [item.value for item in test.error] == []
    assert words_for(language).phrase("error.nothing_loaded") in [item.value for item in test.subheader]
    assert any(button.key == "to-world" for button in test.button)
    test.button(key="to-world").click().run()
    assert_sound(test)
    assert len(test.metric) >= 3


CHANGES: list[tuple[str, str, str, Any]] = [
    ("behaviour", "selectbox", "behaviour.segment", "1"),
    ("personas", "segmented_control", "personas.n_traits", 3),
    ("segmentation", "segmented_control", "segmentation.method", "rfm"),
    ("lifecycle", "selectbox", "lifecycle.lapsed_after_days", 90),
    ("portfolio", "segmented_control", "value.p_alive_threshold", 0.7),
    ("forecasting", "selectbox", "demand.measure", "orders"),
    ("product_life", "selectbox", "product_life.against", "own"),
    ("validation", "selectbox", "quality.test_accounts", "quarantine"),
]


@pytest.mark.parametrize(("name", "kind", "key", "value"), CHANGES)
def test_a_changed_choice_changes_the_answer_and_is_there_on_return(name: str, kind: str, key: str, value: Any) -> None:
    test = app(name)
    before = figures(test), test.header[0].value
    getattr(test, kind)(key=key).set_value(value).run()
    assert_sound(test)
    after = figures(test), test.header[0].value
    assert after != before
    go(test, "upload" if name != "upload" else "validation")
    go(test, name)
    assert getattr(test, kind)(key=key).value == value
    assert (figures(test), test.header[0].value) == after
    test.button(key="undo").click().run()
    assert (figures(test), test.header[0].value) == before


def test_later_steps_follow_an_earlier_choice() -> None:
    test = app("personas")
    n_before = number(figures(test)["Personas"])
    go(test, "segmentation")
    test.select_slider(key="segmentation.n_segments").set_value(6).run()
    go(test, "personas")
    assert_sound(test)
    assert n_before != 6
    assert number(figures(test)["Personas"]) == 6


def test_switching_the_language_keeps_every_choice() -> None:
    test = app("segmentation")
    test.select_slider(key="segmentation.n_segments").set_value(5).run()
    expected = [value for label, value in figures(test).items() if label in ("Customers", "Stability")]
    for language in ("zh_CN", "zh_TW", "en"):
        test.selectbox(key="language").set_value(language).run()
        assert_sound(test)
        assert test.select_slider(key="segmentation.n_segments").value == 5
        shown = set(figures(test).values())
        assert set(expected) <= shown


def test_a_link_opens_the_same_view_in_another_session() -> None:
    workspace = Workspace(
        language="zh_TW",
        population=PopulationSpec(as_of=date(2025, 12, 31), countries=("TW",)),
        lifecycle=LifecycleSpec(lapsed_after_days=90),
    )
    first, second = app("lifecycle", workspace), app("lifecycle", workspace)
    assert_sound(first)
    assert figures(first) == figures(second)
    assert figures(first) != figures(app("lifecycle", Workspace(language="zh_TW")))
    assert first.selectbox(key="lifecycle.lapsed_after_days").value == 90
    assert first.date_input(key="population.as_of").value == date(2025, 12, 31)


@pytest.mark.parametrize(
    ("link", "code"),
    [
        ("not-a-link", "link_unreadable"),
        ("A" * 9000, "link_unreadable"),
        ("", ""),
        (to_link(Workspace(world="../../etc/passwd")), "world_unknown"),
        (to_link(dataclasses.replace(Workspace(), world="marketplace", language="zh_CN")), ""),
    ],
)
def test_a_hostile_or_stale_link_gives_a_message_and_defaults(link: str, code: str) -> None:
    test = app(link=link)
    assert_sound(test)
    assert len(test.metric) >= 3
    words = words_for("zh_CN" if link and code == "" else "en")
    said = " ".join(item.value for item in test.warning)
    assert (words.phrase(f"error.{code}").split("{")[0] in said) if code else not said


def test_the_as_of_date_holds_on_every_page() -> None:
    early = Workspace(population=PopulationSpec(as_of=date(2025, 3, 31)))
    for name in ("personas", "segmentation", "lifecycle", "forecasting"):
        test = app(name, early)
        assert_sound(test)
        assert "31 Mar 2025" in " ".join(item.value for item in test.markdown)
        assert figures(test) != figures(app(name))


def test_a_stopped_step_stays_stopped_until_it_is_run_again(monkeypatch: pytest.MonkeyPatch) -> None:
    from app_pages.ui import compute, session

    def stop_at_once(job: Any) -> Any:
        compute._stop(job)
        while not job.done:
            pass
        return compute.engine().collect(job) or session_refusal()

    def session_refusal() -> Any:
        raise compute.AnalysisError("step_cancelled")

    test = app("upload", Workspace(segmentation=SegmentationSpec(n_segments=7, random_state=41)))
    with monkeypatch.context() as patched:
        patched.setattr(compute, "_wait", stop_at_once)
        go(test, "segmentation")
    words = words_for("en")
    for _ in range(2):  # also when the page runs again for another reason
        assert [item.value for item in test.exception] == []
        assert words.phrase("error.step_cancelled") in " ".join(item.value for item in test.warning)
        test.run()
    assert not session.is_stopped("another key")
    test.button(key="run-again").click().run()
    assert_sound(test)
    assert len(test.metric) >= 3


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_sample_world_that_the_server_does_not_have_is_said_to_be_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, language: Any
) -> None:
    monkeypatch.setattr("app_pages.ui.intake.WORLDS", tmp_path)
    test = AppTest.from_file(str(ROOT / "frame.py"), default_timeout=120)
    test.query_params["s"] = to_link(Workspace(world="marketplace", language=language))
    test.run()
    for name in ("upload", "validation", "segmentation", "forecasting"):
        test.switch_page(f"app_pages/{name}.py").run()
        assert not test.exception, name
        told = words_for(language).phrase("error.world_missing", name="marketplace")
        assert told in "".join(str(item.value) for kind in ("markdown", "warning", "error") for item in test.get(kind))


def test_what_nobody_foresaw_before_a_page_begins_is_told_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    def breaks(*_needs: object) -> None:
        raise OSError("a secret path")

    monkeypatch.setattr("app_pages.ui.page._left_out", breaks)
    test = AppTest.from_file(str(ROOT / "frame.py"), default_timeout=120).run()
    test.switch_page("app_pages/segmentation.py").run()
    assert not test.exception
    said = "".join(str(item.value) for kind in ("markdown", "warning", "error") for item in test.get(kind))
    assert words_for("en").phrase("error.unexpected", reference="segmentation") in said
    assert "a secret path" not in said
