"""The recipe on the Validation page: a proposed step, one written by hand, their order, and undo."""

from __future__ import annotations

from typing import Any

from streamlit.testing.v1 import AppTest

from analytics.i18n import LANGUAGES
from analytics.workspace import Workspace
from tests.pages.test_pages import app


def click(test: AppTest, key: str) -> None:
    test.button(key=key).click().run()
    assert not test.exception


def steps(test: AppTest) -> tuple[Any, ...]:
    return test.session_state["workspace"].quality.steps


def ledger(test: AppTest) -> list[dict[str, Any]]:
    frame = next(item.value for item in test.dataframe if "rows_left" in item.value.columns)
    return frame.to_dict("records")


def choose(test: AppTest, **choices: str) -> None:
    for name, value in choices.items():
        test.selectbox(key=f"step-{name.replace('_', '-')}").select(value).run()


def test_steps_are_proposed_written_moved_taken_out_and_undone() -> None:
    test = app("validation", Workspace(world="marketplace_dirty"))
    before = ledger(test)
    click(test, "propose-0")
    (unify,) = steps(test)
    assert (unify.action, unify.field) == ("recode", "channel")
    after = ledger(test)
    assert len(after) == len(before) + 1
    (own,) = (row for row in after if row["repair"].startswith("Unify Channel"))
    assert own["rows_touched"] > 0
    choose(test, action="replace", field="city", where="missing", of="city")
    test.text_input(key="step-to").input("unknown").run()
    click(test, "step-add")
    assert [step.action for step in steps(test)] == ["recode", "replace"]
    click(test, "step-up-1")
    assert [step.action for step in steps(test)] == ["replace", "recode"]
    click(test, "step-out-0")
    assert steps(test) == (unify,)
    for _ in range(4):
        click(test, "undo")
    assert steps(test) == ()
    assert ledger(test) == before


def test_a_step_that_says_too_little_is_refused_in_words_and_changes_nothing() -> None:
    for language in LANGUAGES:
        test = app("validation", Workspace(world="marketplace_dirty", language=language))
        choose(test, action="scale", field="unit_price", where="always")
        test.text_input(key="step-to").input("zehn").run()
        click(test, "step-add")
        assert steps(test) == ()
        assert "zehn" in " ".join(item.value for item in test.warning)
