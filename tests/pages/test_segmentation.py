"""The segmentation page: every method, its choices and names, on the sample world, left and returned to."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from analytics.i18n import LANGUAGES
from analytics.segmentation import RfmSpec, SegmentationSpec
from analytics.workspace import Workspace, to_link

ROOT = Path(__file__).parents[2]


def app(**choices: Any) -> AppTest:
    """A session on the segmentation page."""
    test = AppTest.from_file(str(ROOT / "frame.py"), default_timeout=180)
    test.query_params["s"] = to_link(Workspace(**choices))
    test.run()
    return test.switch_page("app_pages/segmentation.py").run()


def figures(test: AppTest) -> dict[str, str]:
    return {metric.label: metric.value for metric in test.metric}


def headings(test: AppTest) -> list[str]:
    return [item.value for item in test.subheader]


def cards(test: AppTest) -> list[str]:
    """The names of the segments that have a card."""
    return [text for text in headings(test) if text[:1].isdigit() and " · " in text[:5]]


def table(test: AppTest, *columns: str) -> Any:
    """The rows of the table that has these columns."""
    return next(item.value for item in test.dataframe if set(columns) <= set(item.value.columns))


def assert_sound(test: AppTest) -> None:
    assert [item.value for item in test.exception] == []
    assert [item.value for item in test.error] == []


def test_the_first_view_answers_explains_and_offers_every_choice() -> None:
    test = app()
    assert_sound(test)
    assert figures(test)["Customers"] == "3,496"
    assert {"Top segment's share", "Separation", "Stability"} < set(figures(test))
    assert len(cards(test)) == 3
    assert any(text.endswith("well") for text in headings(test)), "how well short rules describe the segments"
    sizes = table(test, "segment", "customer_share")
    assert sizes["n_customers"].sum() == 3496
    assert len(table(test, "customer_id")) == 9, "three typical customers of each segment"
    assert len(table(test, "n_segments", "stability")) == 7, "every figure for each number"
    assert test.select_slider(key="segmentation.n_segments").value == "auto"
    assert test.selectbox(key="feature-preset").value == "usual"


def test_the_number_slides_and_labels_colours_and_evidence_follow() -> None:
    test = app()
    test.select_slider(key="segmentation.n_segments").set_value(5).run()
    assert_sound(test)
    assert len(cards(test)) == 5
    assert any("5 are shown" in text for text in headings(test))
    test.select_slider(key="segmentation.n_segments").set_value("auto").run()
    assert len(cards(test)) == 3


@pytest.mark.parametrize("method", ["mixture", "hierarchical"])
def test_other_methods_cut_the_same_customers(method: str) -> None:
    test = app(segmentation=SegmentationSpec(method=method, n_segments=4))
    assert_sound(test)
    assert figures(test)["Customers"] == "3,496"
    assert len(cards(test)) == 4


def test_a_preset_and_a_weight_change_what_the_segments_are_built_from() -> None:
    test = app(segmentation=SegmentationSpec(n_segments=3, features=("recency_days", "n_orders", "category_mix")))
    assert test.selectbox(key="feature-preset").value == "own"
    assert test.multiselect(key="features-needs").value == ["category_mix"]
    before = table(test, "segment", "customer_share")["n_customers"].tolist()
    test.select_slider(key="weight-needs").set_value(4.0).run()
    assert_sound(test)
    assert table(test, "segment", "customer_share")["n_customers"].tolist() != before
    test.switch_page("app_pages/lifecycle.py").run()
    test.switch_page("app_pages/segmentation.py").run()
    assert test.select_slider(key="weight-needs").value == 4.0
    test.selectbox(key="feature-preset").set_value("usual").run()
    assert_sound(test)
    assert test.multiselect(key="features-needs").value == []
    assert len(test.multiselect(key="features-behaviour").value) == 4


def test_no_feature_at_all_is_refused_and_changes_nothing() -> None:
    test = app()
    before = figures(test)
    test.multiselect(key="features-behaviour").set_value([]).run()
    assert any("No feature is chosen" in item.value for item in test.warning)
    assert figures(test) == before
    assert len(test.multiselect(key="features-behaviour").value) == 4


def test_rfm_shows_its_grid_and_takes_own_cuts() -> None:
    test = app(segmentation=SegmentationSpec(method="rfm"))
    assert_sound(test)
    assert figures(test)["Segments"] == "8"
    test.segmented_control(key="segmentation.rfm.cuts").set_value("fixed").run()
    test.text_input(key="rfm-recency_cuts").set_value("30, 90, 180, 365").run()
    assert_sound(test)
    assert test.text_input(key="rfm-recency_cuts").value == "30, 90, 180, 365"
    test.text_input(key="rfm-recency_cuts").set_value("90, 30").run()
    assert any("cuts" in item.value for item in test.warning)
    assert test.text_input(key="rfm-recency_cuts").value == "30, 90, 180, 365"
    test.segmented_control(key="segmentation.rfm.n_scores").set_value(3).run()
    assert_sound(test)
    assert test.text_input(key="rfm-recency_cuts").value == ""


def test_own_rules_begin_with_examples_and_can_be_edited() -> None:
    test = app()
    test.segmented_control(key="segmentation.method").set_value("rules").run()
    assert_sound(test)
    assert test.text_input(key="rule-name-0").value == "Frequent buyers"
    # Labels follow the cut before it, of which these rules find much again.
    assert {text.split(" · ")[1] for text in cards(test)} >= {"Frequent buyers", "Newcomers", "Long silent"}
    test.text_input(key="rule-name-0").set_value("Our regulars").run()
    assert any(text.endswith(" · Our regulars") for text in cards(test))
    test.selectbox(key="rule-0-0-field").set_value("city").run()
    assert_sound(test)
    assert len(test.multiselect(key="rule-0-0-values").value) == 1
    test.button(key="rule-add").click().run()
    assert_sound(test)
    assert test.text_input(key="rule-name-3").value == "Segment 4"
    test.selectbox(key="rule-3-0-test").set_value("between").run()
    assert_sound(test)
    low = test.number_input(key="rule-3-0-low").value
    test.number_input(key="rule-3-0-high").set_value(low - 1).run()
    assert any("incomplete" in item.value for item in test.warning)
    test.button(key="rule-drop-3").click().run()
    test.button(key="rule-up-1").click().run()
    assert test.text_input(key="rule-name-0").value == "Newcomers"
    assert_sound(test)


def test_a_persons_own_name_travels_and_an_empty_one_gives_the_proposal_back() -> None:
    test = app(segmentation=SegmentationSpec(n_segments=4))
    proposed = cards(test)
    test.text_input(key="segment-name-2").set_value("*Friends* of the house").run()
    assert_sound(test)
    assert r"2 · \*Friends\* of the house" in cards(test)
    assert table(test, "segment", "customer_share")["segment"].tolist()[1] == "2 · *Friends* of the house"
    test.text_input(key="segment-name-3").set_value("*Friends* of the house").run()
    assert any("cannot both be called" in item.value for item in test.warning)
    test.select_slider(key="segmentation.n_segments").set_value(5).run()
    assert any("Friends" in text for text in cards(test)), "the name stays with the segment that went on"
    test.select_slider(key="segmentation.n_segments").set_value(4).run()
    test.text_input(key="segment-name-2").set_value("").run()
    assert cards(test) == proposed


def test_a_typical_customer_leads_to_the_page_of_that_customer() -> None:
    test = app()
    chosen = test.selectbox(key="customer.open-typical").value
    assert chosen in table(test, "customer_id")["customer_id"].tolist()
    test.button(key="customer.open-typical.go").click().run()
    assert_sound(test)


@pytest.mark.parametrize("language", LANGUAGES)
def test_rfm_and_rules_speak_each_language(language: Any) -> None:
    for spec in (SegmentationSpec(method="rfm", rfm=RfmSpec(cuts="advised")), SegmentationSpec(n_segments=8)):
        test = app(language=language, segmentation=spec)
        assert_sound(test)
        assert len(cards(test)) >= 4
