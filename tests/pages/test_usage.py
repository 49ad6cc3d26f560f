"""The Usage page: its figures, its choices, and what it says without events."""

from __future__ import annotations

from analytics.i18n import words_for
from analytics.usage import UsageSpec
from analytics.workspace import Workspace
from tests.pages.test_customer import MINIMAL, app, assert_sound, figures, go, own_file


def test_its_figures_are_those_of_the_world() -> None:
    test = app("usage")
    assert_sound(test)
    shown = figures(test)
    assert shown["Sessions"] == "14,092"
    assert shown["Minutes a session"] == "4.3"
    assert int(shown["Come less than before"]) > 20
    assert test.header[0].value == "31% of sessions end in a purchase"
    headings = [item.value for item in test.subheader]
    assert "Most are lost before “Add to cart”: 46% go on" in headings
    assert "Half buy again within 2 sessions" in headings


def test_choices_change_the_answer_and_are_there_on_return() -> None:
    test = app("usage")
    before = figures(test)
    test.selectbox(key="usage.gap_minutes").set_value(10).run()
    test.segmented_control(key="usage.recent_days").set_value(30).run()
    assert_sound(test)
    after = figures(test)
    assert after["Sessions"] != before["Sessions"]
    assert after["Come less than before"] != before["Come less than before"]
    go(test, "upload")
    go(test, "usage")
    assert test.selectbox(key="usage.gap_minutes").value == 10
    assert figures(test) == after


def test_steps_are_a_persons_own_to_change() -> None:
    test = app("usage")
    assert test.multiselect(key="usage.steps.0").value == ["search", "view"]
    test.multiselect(key="usage.steps.2").set_value([]).run()  # no checkout: three steps are left
    assert_sound(test)
    assert [item.key for item in test.multiselect if str(item.key).startswith("usage.steps")] == [
        "usage.steps.0",
        "usage.steps.1",
        "usage.steps.2",
    ]
    test.selectbox(key="usage.steps.new").set_value("checkout").run()
    assert test.multiselect(key="usage.steps.3").value == ["checkout"]
    test.button(key="usage-steps-reset").click().run()
    assert test.multiselect(key="usage.steps.2").value == ["checkout"]
    assert_sound(test)


def test_a_funnel_of_one_step_is_refused_and_changes_nothing() -> None:
    test = app("usage", Workspace(usage=UsageSpec(steps=(("view",), ("purchase",)))))
    before = test.header[0].value
    test.multiselect(key="usage.steps.1").set_value([]).run()
    assert [item.value for item in test.exception] == []
    assert words_for("en").phrase("error.usage_steps", n=1).split(" ", 1)[1] in " ".join(w.value for w in test.warning)
    assert test.header[0].value == before
    assert test.multiselect(key="usage.steps.1").value == ["purchase"]


def test_without_events_it_says_what_is_needed() -> None:
    test = own_file(MINIMAL)
    go(test, "usage")
    assert [item.value for item in test.exception] == []
    assert [item.value for item in test.error] == []
    assert words_for("en").phrase("error.table_missing", table="Browsing events") in [s.value for s in test.subheader]


def test_a_customer_who_comes_less_is_one_click_away() -> None:
    test = app("usage")
    chosen = test.selectbox(key="customer.open-decliner").value
    test.button(key="customer.open-decliner.go").click().run()
    assert_sound(test)
    assert chosen in test.header[0].value
