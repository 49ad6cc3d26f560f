"""The Behaviour page: each section on the sample world, a changed choice, a segment alone, and poor files."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from analytics.behaviour import SECTIONS, BehaviourSpec
from analytics.i18n import words_for
from analytics.workspace import Workspace
from tests.pages.test_pages import app, assert_sound, figures, go, number
from tests.pages.test_uploads import opened, upload

FINDINGS = {
    "spending": (
        "Half of the orders are worth",
        "Half of returning customers",
        "The busiest hour is",
        "is the strongest",
    ),
    "preferences": ("has the most fans", "of customers prefer something"),
    "methods": (
        "is the usual payment",
        "stay with it at the next order",
        "Payment: segments differ",
        "use several methods",
    ),
    "concentration": ("of customers bring 80% of revenue", "The top 1% alone bring"),
}


def shown(**choices: Any) -> Any:
    return app("behaviour", Workspace(behaviour=BehaviourSpec(**choices)))


def headings(test: Any) -> list[str]:
    return [item.value for item in test.subheader]


@pytest.mark.parametrize("section", SECTIONS)
def test_each_section_says_what_it_found(section: Any) -> None:
    test = shown(section=section)
    assert_sound(test)
    assert figures(test) == {
        "Usual order value": "NT$1,829",
        "Usual items per order": "3",
        "Usual gap, days": "57",
        "Top 20% bring": "68%",
    }
    found = headings(test)
    for words in FINDINGS[section]:
        assert any(words in heading for heading in found), (words, found)
    # Hidden sections do no work: nothing of theirs is there.
    others = [words for name, parts in FINDINGS.items() if name != section for words in parts]
    assert not any(words in heading for words in others for heading in found)


@pytest.mark.parametrize(("section", "language"), [*((name, "zh_TW") for name in SECTIONS), ("methods", "zh_CN")])
def test_each_section_speaks_chinese(section: Any, language: Any) -> None:
    test = app("behaviour", Workspace(language=language, behaviour=BehaviourSpec(section=section)))
    assert_sound(test)
    english = set(headings(shown(section=section)))
    assert len(headings(test)) == len(english)
    assert not english & set(headings(test))
    assert test.title[0].value == words_for(language)("Behaviour")


def test_a_section_opened_and_left_is_there_on_return() -> None:
    test = shown()
    test.segmented_control(key="behaviour.section").set_value("concentration").run()
    assert_sound(test)
    assert "32% of customers bring 80% of revenue" in headings(test)
    go(test, "validation")
    go(test, "behaviour")
    assert test.segmented_control(key="behaviour.section").value == "concentration"
    assert "32% of customers bring 80% of revenue" in headings(test)


def test_more_orders_asked_for_leave_fewer_fans() -> None:
    test = shown(section="preferences")
    before = next(number(heading.split(": ")[1]) for heading in headings(test) if "most fans" in heading)
    test.number_input(key="behaviour.min_orders").set_value(12).run()
    assert_sound(test)
    after = next(number(heading.split(": ")[1]) for heading in headings(test) if "most fans" in heading)
    assert after < before
    test.segmented_control(key="behaviour.affinity_by").set_value("channel").run()
    assert_sound(test)
    assert any("most fans" in heading for heading in headings(test))


def test_the_channel_beside_the_payment() -> None:
    test = shown(section="methods", method_by="channel")
    assert_sound(test)
    assert any("app is the main channel: 50% of orders" in heading for heading in headings(test))
    assert any("use several channels" in heading for heading in headings(test))


def test_one_segment_alone() -> None:
    test = shown()
    before = figures(test)
    choice = test.selectbox(key="behaviour.segment")
    assert choice.options[0] == "All customers"
    assert len(choice.options) >= 3
    choice.set_value("1").run()
    assert_sound(test)
    assert figures(test) != before
    assert not any("name no customer" in item.value for item in [*test.info, *test.warning])
    test.segmented_control(key="behaviour.section").set_value("methods").run()
    assert_sound(test)
    assert not any("segments differ" in heading for heading in headings(test))


def test_a_segment_that_is_gone_is_told() -> None:
    test = app("behaviour", Workspace(behaviour=BehaviourSpec(segment="99")))
    assert [item.value for item in test.exception] == []
    assert any("There is no segment 99 any more" in item.value for item in test.warning)


class TestPoorFiles:
    """What is missing costs its own part only."""

    LINES = "order_id,customer_id,order_date,amount,payment_method"

    def opened_with(self, lines: list[str], section: str) -> Any:
        test = upload(opened(), ("orders.csv", "\n".join(lines).encode()))
        go(test, "behaviour")
        if section != "spending":
            test.segmented_control(key="behaviour.section").set_value(section).run()
        assert [item.value for item in test.exception] == []
        assert [item.value for item in test.error] == []
        return test

    def lines(self, header: str, keep: tuple[int, ...]) -> list[str]:
        rows = [header]
        for i in range(60):
            cells = (
                str(i),
                f"c{i % 9}",
                f"2025-{1 + i % 12:02d}-{1 + i % 27:02d}",
                f"{10 + i % 7}.50",
                ("card", "cash")[i % 2],
            )
            rows.append(",".join(cells[k] for k in keep))
        return rows

    def test_without_amounts(self) -> None:
        lines = self.lines("order_id,customer_id,order_date,payment_method", (0, 1, 2, 4))
        test = self.opened_with(lines, "spending")
        assert "Half of the orders hold at most 1 lines" in headings(test) or any(
            "hold at most" in h for h in headings(test)
        )
        assert "Usual order value" not in figures(test)
        test = self.opened_with(lines, "concentration")
        assert any("amount" in item.lower() for item in headings(test))

    def test_without_categories_and_methods(self) -> None:
        lines = self.lines("order_id,customer_id,order_date,amount", (0, 1, 2, 3))
        for section in ("preferences", "methods"):
            test = self.opened_with(lines, section)
            assert any(button.key == "to-upload" for button in test.button)
            assert figures(test), "the answer card stands"

    def test_without_customers(self) -> None:
        lines = self.lines("order_id,order_date,amount,payment_method", (0, 2, 3, 4))
        test = self.opened_with(lines, "methods")
        assert any("is the usual payment: 50% of orders" in heading for heading in headings(test))
        assert "Usual gap, days" not in figures(test)


def test_the_workspace_carries_every_choice() -> None:
    from analytics.workspace import from_json, from_link, to_json, to_link

    spec = BehaviourSpec("methods", "2", "brand", "channel", 5, 2.0, 0.95, 8, 500, 7)
    workspace = dataclasses.replace(Workspace(), behaviour=spec)
    assert from_link(to_link(workspace)) == (workspace, ())
    assert from_json(to_json(workspace)) == (workspace, ())
