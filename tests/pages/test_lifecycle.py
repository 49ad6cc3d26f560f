"""The Lifecycle page: its figures, its choices, two days compared, cohorts by another measure, subscriptions."""

from __future__ import annotations

from analytics.i18n import words_for
from analytics.workspace import Workspace
from tests.pages.test_customer import app, assert_sound, figures, go


def test_its_figures_are_those_of_the_world_and_choices_change_them() -> None:
    test = app("lifecycle")
    assert_sound(test)
    shown = figures(test)
    assert (shown["Active customers"], shown["Loyal customers"], shown["Lapsed customers"]) == ("2,224", "516", "1,272")
    assert test.header[0].value == "13% of customers are loyal and bring 59% of revenue"
    assert test.selectbox(key="lifecycle.lapsed_after_days").value == "own"
    headings = [item.value for item in test.subheader]
    assert "52% of those loyal on 30 Jun 2025 still are" in headings
    assert "25% of new customers order again in the next month" in headings
    assert "Half of first-time buyers move on, or lapse, within 4 months" in headings
    assert not any("by projection" in heading for heading in headings)  # nobody subscribes here

    # How cohorts are looked at changes their pictures alone.
    test.segmented_control(key="cohort_view.measure").set_value("value").run()
    assert_sound(test)
    assert figures(test) == shown
    told = [item.value for item in test.subheader if item.value.startswith("A new customer has brought NT$")]
    assert len(told) == 1
    assert told[0].endswith("within 12 months")

    test.selectbox(key="lifecycle.lapsed_after_days").set_value(90).run()
    assert_sound(test)
    assert figures(test)["Lapsed customers"] != shown["Lapsed customers"]
    assert "lifecycle.lapsed_quantile" not in {item.key for item in test.selectbox}  # a given number has no quantile
    go(test, "upload")
    go(test, "lifecycle")
    assert test.selectbox(key="lifecycle.lapsed_after_days").value == 90
    assert test.segmented_control(key="cohort_view.measure").value == "value"


def test_subscriptions_are_proposed_and_projected() -> None:
    test = app("lifecycle", Workspace(world="streaming", language="zh_TW"))
    assert_sound(test)
    _ = words_for("zh_TW")
    assert list(figures(test).values())[:3] == ["1,142", "275", "858"]
    assert _("Lapsed: the subscription has ended.") in " ".join(item.value for item in test.markdown)
    headings = [item.value for item in test.subheader]
    assert (
        _("{share} stay for {n} periods, by projection ({lo} to {hi})", share="36%", n=35, lo="32%", hi="39%")
        in headings
    )
    assert _("{share} of subscribers leave each month", share="4.4%") in headings
    # Taken for orders, silence tells instead, and nothing is projected.
    test.selectbox(key="lifecycle.business").set_value("orders").run()
    assert_sound(test)
    assert test.selectbox(key="lifecycle.lapsed_after_days").value == "own"
    assert len(test.subheader) == len(headings) - 1
