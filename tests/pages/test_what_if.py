"""The what-if page: the slider, pinned scenarios and all their choices, payoff, migration, undo, three languages."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from analytics.i18n import LANGUAGES
from analytics.population import PopulationSpec
from analytics.segmentation import PayoffSpec, Scenario, SegmentAssumption, SegmentationSpec, WhatIfSpec
from analytics.workspace import Workspace

from .test_pages import app, assert_sound, figures, go, number

FOUR = SegmentationSpec(n_segments=4)
FIVE = Scenario("Five", SegmentationSpec(n_segments=5))


def headings(test: AppTest) -> list[str]:
    return [item.value for item in test.subheader]


def movers(test: AppTest) -> int:
    return int(number(next(metric.value for metric in test.metric)))


def beside(b: int | None, *scenarios: Scenario, **choices: Any) -> Workspace:
    return Workspace(segmentation=FOUR, scenarios=scenarios, what_if=WhatIfSpec(b=b), **choices)


def test_the_slider_tries_another_number_at_once_and_undo_takes_it_back() -> None:
    test = app("what_if", Workspace(segmentation=FOUR))
    assert_sound(test)
    slider = test.select_slider(key="try-number")
    assert slider.value == 5, "one more than A"
    before = movers(test)
    slider.set_value(3).run()
    assert_sound(test)
    after = movers(test)
    assert after != before
    go(test, "segmentation")
    go(test, "what_if")
    assert test.select_slider(key="try-number").value == 3
    assert movers(test) == after
    test.button(key="undo").click().run()
    assert (test.select_slider(key="try-number").value, movers(test)) == (5, before)
    test.select_slider(key="try-number").set_value(4).run()
    assert movers(test) == 0
    assert test.header[0].value == "Nobody changes segment"


def test_the_present_cut_beside_itself_moves_nobody() -> None:
    test = app("what_if", beside(0))
    assert_sound(test)
    assert (movers(test), test.header[0].value) == (0, "Nobody changes segment")


def test_a_scenario_is_pinned_changed_renamed_duplicated_dropped_and_kept() -> None:
    test = app("what_if", Workspace(segmentation=FOUR))
    test.button(key="pin-b").click().run()
    assert_sound(test)
    section = "scenarios.0.segmentation"
    assert test.select_slider(key=f"{section}.n_segments").value == 5
    five = movers(test)
    test.select_slider(key=f"{section}.n_segments").set_value(6).run()
    assert movers(test) != five
    test.segmented_control(key=f"{section}.method").set_value("rfm").run()
    assert_sound(test)
    assert any("scenario B (8 segments)" in item.value for item in test.markdown), "RFM has eight"
    test.segmented_control(key=f"{section}.rfm.n_scores").set_value(3).run()
    assert_sound(test)
    test.text_input(key="scenario-name-1").set_value("RFM in thirds").run()
    assert "RFM in thirds" in test.selectbox(key="what_if.b").options
    test.button(key="copy-1").click().run()
    assert [item for item in test.selectbox(key="what_if.b").options if "RFM" in item] == [
        "RFM in thirds",
        "RFM in thirds 2",
    ]
    test.text_input(key="scenario-name-2").set_value("RFM in thirds").run()
    assert [item.value for item in test.warning if "Another scenario is called" in item.value]
    test.button(key="drop-2").click().run()
    assert "RFM in thirds 2" not in test.selectbox(key="what_if.b").options
    test.button(key="keep-1").click().run()
    assert_sound(test)
    assert movers(test) == 0, "what is kept is the present cut"
    go(test, "segmentation")
    assert test.segmented_control(key="segmentation.method").value == "rfm"
    for _ in range(2):
        test.button(key="undo").click().run()
    assert_sound(test)
    assert test.segmented_control(key="segmentation.method").value == "kmeans"


def test_features_of_a_scenario_are_its_own() -> None:
    test = app("what_if", beside(1, FIVE))
    before = movers(test)
    chosen = test.multiselect(key="scenarios.0.segmentation.features-behaviour")
    chosen.set_value(["recency_days", "n_orders"]).run()
    assert_sound(test)
    assert movers(test) != before
    go(test, "segmentation")
    assert len(test.multiselect(key="features-behaviour").value) == 4


def test_another_day_and_population_count_their_customers_apart() -> None:
    early = PopulationSpec(as_of=date(2025, 12, 31))
    test = app("what_if", beside(1, Scenario("Earlier", FOUR, early)))
    assert_sound(test)
    assert any("in one scenario only" in item.value for item in test.markdown)
    first = movers(test)
    test.multiselect(key="scenarios.0.population.countries").set_value(["TW"]).run()
    assert_sound(test)
    assert any("in one scenario only" in item.value for item in test.markdown)
    assert movers(test) < first, "fewer are in both"


def test_what_contacting_brings_follows_the_assumptions() -> None:
    test = app("what_if", beside(1, FIVE))
    said = next(item for item in headings(test) if item.startswith("Contact "))
    test.number_input(key="payoff-response_rate").set_value(0.0).run()
    assert_sound(test)
    assert "No segment pays under these assumptions" in headings(test)
    test.number_input(key="payoff-response_rate").set_value(5.0).run()
    assert said in headings(test)
    test.number_input(key="payoff-budget").set_value(500.0).run()
    assert any(item.startswith("Contact 500 customers") for item in headings(test))
    test.number_input(key="own-1-response_rate").set_value(0.0).run()
    assert_sound(test)
    assert "4 of 5 segments pay under these assumptions" in headings(test)


def test_a_link_carries_scenarios_and_assumptions() -> None:
    payoff = PayoffSpec(0.02, 0.4, 30.0, own=(SegmentAssumption("2", contact_cost=5.0),), budget=9000.0)
    workspace = beside(1, FIVE, payoff=payoff)
    first, second = app("what_if", workspace), app("what_if", workspace)
    assert_sound(first)
    assert first.number_input(key="payoff-contact_cost").value == 30.0
    assert first.number_input(key="own-2-contact_cost").value == 5.0
    assert headings(first) == headings(second)
    assert figures(first) == figures(second)


def test_migration_from_an_earlier_day_says_who_moved_and_why() -> None:
    test = app("what_if", beside(0))
    found = [item for item in headings(test) if "still where they were" in item or "moved because" in item]
    assert len(found) == 3
    test.date_input(key="what_if.earlier").set_value(date(2025, 6, 30)).run()
    assert_sound(test)
    later = [item for item in headings(test) if "still where they were" in item or "moved because" in item]
    assert later != found
    assert number(later[0]) < number(found[0]), "more move in a year than in a quarter"


def test_segments_keep_their_number_and_name_when_the_number_changes() -> None:
    test = app("segmentation", Workspace(segmentation=FOUR))
    before = names(test)
    test.select_slider(key="segmentation.n_segments").set_value(5).run()
    five = names(test)
    assert five[:4] == before, "what stays keeps number, colour and name"
    assert five[4].startswith("5 · ")
    test.select_slider(key="segmentation.n_segments").set_value(4).run()
    assert names(test) == before


def names(test: AppTest) -> list[str]:
    table = next(item.value for item in test.dataframe if "customer_share" in item.value.columns)
    return [str(value) for value in table["segment"]]


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_same_figures_in_each_language(language: Any) -> None:
    test = app("what_if", beside(1, FIVE, language=language))
    assert_sound(test)
    assert movers(test) == movers(app("what_if", beside(1, FIVE)))
