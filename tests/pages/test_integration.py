"""The Integration page in a session: proposing, deciding, merging, undoing, and what other pages see of it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from analytics.i18n import LANGUAGES, words_for
from analytics.integration import MatchSpec
from analytics.workspace import Workspace, from_link, to_link
from tests.pages.test_pages import app, assert_sound, figures, go, number
from tests.pages.test_uploads import opened, upload

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
    go(test, "lifecycle")
    assert_sound(test)
    merged = number(figures(test)["Active customers"])
    test.button(key="undo").click().run()
    assert number(figures(test)["Active customers"]) > merged, "later pages count people"
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
    assert words_for(language).phrase("decision.person.merge") in " ".join(item.value for item in test.subheader)
    test.button(key="pair-open").click().run()
    assert people(test) == records


def test_limits_in_the_wrong_order_are_refused() -> None:
    test = app("integration")
    test.selectbox(key="matching.review").set_value(0.99).run()
    assert words_for("en").phrase("error.match_thresholds") in " ".join(item.value for item in test.warning)
    assert test.selectbox(key="matching.review").value == 0.5


def test_a_link_of_a_world_keeps_decisions_and_one_of_own_files_names_nobody() -> None:
    matching = MatchSpec(automatic=True, accepted=(("0" * 16, "1" * 16),))
    kept, _refused = from_link(to_link(Workspace(matching=matching)))
    assert kept.matching == matching
    own, _refused = from_link(to_link(Workspace(world="", matching=matching)))
    assert own.matching == MatchSpec(automatic=True)


def test_superstore_orders_are_joined_with_their_returns(shared_data: Callable[[str], Path]) -> None:
    path = next(shared_data("superstore").glob("*.xls"))
    test = upload(opened(), (path.name, path.read_bytes()))
    go(test, "integration")
    assert_sound(test)
    offered = test.selectbox(key="second-table")
    returns = next(option for option in offered.options if "Returns" in option)
    assert "4 of 4 keys found their rows" in text(test), "the regions of the orders are offered, and counted first"
    assert test.selectbox(key=key_of(test, "join-mine", "People")).value == "transactions.Region"
    test.button(key="join").click().run()
    assert_sound(test)
    assert not [box for box in test.selectbox if box.key.startswith("join-mine") and "People" in box.key]
    assert "Regional Manager" in text(test)
    offered = test.selectbox(key="second-table")
    offered.set_value(next(value for value in second_values(test) if value[1] == "Returns")).run()
    assert returns.startswith(path.name)
    assert "296 of 296 keys found their rows" in text(test), "counted before it is accepted"
    named = next(box for box in test.text_input if box.key.startswith("join-name"))
    assert named.value == "Returned"
    named.set_value("Sent back").run()
    test.button(key="join").click().run()
    assert_sound(test)
    assert "800 of 10,194 rows are named by it" in text(test)
    assert "Added: Sent back" in text(test)
    assert [spec.mark for spec in test.session_state["workspace"].joins] == ["", "Sent back"]
    test.button(key="undo").click().run()
    assert "Added: Sent back" not in text(test)
    assert "Regional Manager" in text(test)


def text(test: AppTest) -> str:
    return " ".join(item.value for item in test.markdown)


def key_of(test: AppTest, start: str, sheet: str) -> str:
    return next(box.key for box in test.selectbox if box.key.startswith(start) and sheet in box.key)


def second_values(test: AppTest) -> list[tuple[str, str]]:
    """The values behind the options of the list of second tables."""
    digest = test.selectbox(key="second-table").value[0]
    return [(digest, sheet) for sheet in ("Orders", "People", "Returns")]


ORDERS = b"""order,customer,date,product,quantity,amount,currency
1,ann,2024-01-01,Tea,1,100,TWD
2,ann,2024-02-01,Tea,1,200,TWD
3,bob,2024-03-01,Pot,1,10,USD
4,cid,2024-03-02,Pot,1,7,EUR
5,ann,2024-04-02,Pot,1,70,TWD
"""


def test_currencies_are_never_summed_and_a_rate_converts_them() -> None:
    test = upload(opened(), ("orders.csv", ORDERS))
    go(test, "integration")
    assert_sound(test)
    words = words_for("en")
    told = " ".join(item.value for item in test.warning)
    assert words.phrase("caveat.currency_apart") in told
    assert "2 lines in EUR, USD" in told
    test.text_input(key="rate-USD").set_value("32.5").run()
    assert_sound(test)
    assert "1 lines in EUR" in " ".join(item.value for item in test.warning)
    test.text_input(key="rate-EUR").set_value("a lot").run()
    assert words.phrase("error.rate_unreadable", rate="a lot", currency="EUR") in " ".join(
        w.value for w in test.warning
    )
    test.text_input(key="rate-EUR").set_value("35").run()
    assert not test.warning
    # Counted in dollars the rates into TWD wait, and a rate for some days leaves the other days apart.
    test.selectbox(key="currency-to").set_value("USD").run()
    assert_sound(test)
    assert "lines in TWD, EUR" in " ".join(item.value for item in test.warning)
    test.selectbox(key="dated-code").set_value("TWD")
    test.text_input(key="dated-value").set_value("0.03")
    test.date_input(key="dated-end").set_value(date(2024, 2, 1))
    test.button(key="dated-add").click().run()
    assert_sound(test)
    assert "2 lines in TWD, EUR" in " ".join(item.value for item in test.warning)
    test.button(key="dated-add").click().run()
    assert words.phrase("error.rate_twice", currency="TWD") in " ".join(item.value for item in test.warning)
    test.button(key="dated-0").click().run()
    assert "4 lines in TWD, EUR" in " ".join(item.value for item in test.warning)
