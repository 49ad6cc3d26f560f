"""The Integration page in a session: proposing, deciding, merging, undoing, and what other pages see of it."""

from __future__ import annotations

from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from analytics.i18n import LANGUAGES, words_for
from analytics.integration import MatchSpec
from analytics.workspace import Workspace, from_link, to_link
from tests.pages.test_pages import app, assert_sound, figures, go, number

N_RECORDS, N_TWICE = 4000, 16


def people(test: AppTest) -> float:
    return number(test.metric[3].value)


def test_all_proposed_pairs_are_merged_with_one_click_and_undone_with_another() -> None:
    test = app("integration")
    assert_sound(test)
    before = figures(test)
    assert number(before["Proposed pairs"]) == N_TWICE
    records = number(before["Customer records"])
    assert people(test) == records, "nothing is merged before a person says so"
    test.segmented_control(key="matching.automatic").set_value(True).run()
    assert_sound(test)
    assert people(test) == records - N_TWICE
    go(test, "segmentation")
    assert_sound(test)
    merged = number(figures(test)["Customers"])
    test.button(key="undo").click().run()
    assert number(figures(test)["Customers"]) > merged, "later pages count people"
    go(test, "integration")
    assert figures(test) == before


@pytest.mark.parametrize("language", LANGUAGES)
def test_one_pair_is_accepted_another_refused_and_both_taken_back(language: Any) -> None:
    test = app("integration", Workspace(language=language))
    records = people(test)
    first = test.selectbox(key="pair").value
    test.button(key="pair-accepted").click().run()
    assert_sound(test)
    assert people(test) == records - 1
    second = test.selectbox(key="pair").value
    assert second != first, "the next pair comes up"
    test.button(key="pair-refused").click().run()
    assert people(test) == records - 1
    test.segmented_control(key="matching.automatic").set_value(True).run()
    assert people(test) == records - N_TWICE + 1, "a refused pair stays apart"
    test.segmented_control(key="matching.automatic").set_value(False).run()
    test.selectbox(key="pair").set_value(first).run()
    assert words_for(language).phrase("decision.person.merge") in " ".join(item.value for item in test.markdown)
    test.button(key="pair-open").click().run()
    assert people(test) == records


def test_limits_in_the_wrong_order_are_refused() -> None:
    test = app("integration")
    test.selectbox(key="matching.review").set_value(0.99).run()
    assert words_for("en").phrase("error.match_thresholds") in " ".join(item.value for item in test.warning)
    assert test.selectbox(key="matching.review").value == 0.5


def test_a_link_of_a_world_keeps_decisions_and_one_of_own_files_names_nobody() -> None:
    matching = MatchSpec(automatic=True, accepted=(("a1", "b2"),))
    kept, _refused = from_link(to_link(Workspace(matching=matching)))
    assert kept.matching == matching
    own, _refused = from_link(to_link(Workspace(world="", matching=matching)))
    assert own.matching == MatchSpec(automatic=True)
