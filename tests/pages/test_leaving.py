"""The page "When do they leave": its figures, its choices, other clocks, files without dates, and what it refuses."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from analytics.i18n import words_for
from analytics.survival import ClockSpec, SurvivalSpec
from analytics.workspace import Workspace
from tests.pages.test_customer import app, assert_sound, figures, go, own_file

EN = words_for("en")


def headings(test: AppTest) -> list[str]:
    return [item.value for item in test.subheader]


def test_its_figures_are_those_of_the_streaming_world() -> None:
    test = app("leaving", Workspace(world="streaming"))
    assert_sound(test)
    assert test.header[0].value == "Half have left after 15 months"
    shown = figures(test)
    assert shown["There after 1 year"] == "54.9%"
    assert shown["Customers timed"] == "2,000"
    assert "Leaving peaks after 12 months" in headings(test)
    assert "Content: 36% of all leavings" in headings(test)
    listed = [table.value for table in test.dataframe if len(table.value) > 400]
    assert listed, "customers with what is ahead"
    before = headings(test)[-1]
    test.selectbox(key="survival.group_by").set_value("acquisition_channel")
    test.selectbox(key="survival.outlook_days").set_value(30)
    test.multiselect(key="survival.stratify").set_value(["tier"]).run()
    assert_sound(test)
    assert any("referral 61%, promotion 50%" in heading for heading in headings(test))
    assert "Stratified by Tier." in " ".join(item.value for item in test.markdown)
    assert headings(test)[-1] != before
    go(test, "upload")
    go(test, "leaving")
    assert test.selectbox(key="survival.group_by").value == "acquisition_channel"


def test_orders_have_clocks_of_their_own() -> None:
    test = app("leaving", Workspace(survival=SurvivalSpec(clock=ClockSpec(clock="second_order"))))
    assert_sound(test)
    assert "order again within" in test.header[0].value
    assert "will order in the next 90 days" in headings(test)[-1]
    assert test.selectbox(key="survival.clock.clock").value == "second_order"


def telco_like() -> str:
    rng = np.random.default_rng(2)
    lines = ["customerID,tenure,Contract,MonthlyCharges,Churn"]
    for i in range(300):
        month = bool(rng.random() < 0.6)
        stay = int(rng.exponential(20 if month else 80)) + 1
        seen = int(rng.integers(1, 60))
        name = "Month-to-month" if month else "Two year"
        lines.append(f"A{i},{min(stay, seen)},{name},{rng.integers(20, 100)},{'Yes' if stay <= seen else 'No'}")
    return "\n".join(lines)


def test_a_file_without_dates_is_timed_by_its_tenure_and_its_columns_can_be_changed() -> None:
    test = own_file(telco_like(), "customers.csv")
    go(test, "leaving")
    assert_sound(test)
    assert figures(test)["Customers timed"] == "300"
    assert any("Contract tells most" in heading for heading in headings(test))
    test.selectbox(key="survival.clock.event_value").set_value("No").run()
    assert [item.value for item in test.exception] == []
    other = figures(test)
    assert other["Customers timed"] == "300"
    test.selectbox(key="survival.clock.duration_unit").set_value("week").run()
    assert [item.value for item in test.exception] == []
    assert "week" in " ".join(item.value for item in test.header)


@pytest.mark.parametrize("language", ["en", "zh_TW"])
def test_what_is_missing_is_said(language: Any) -> None:
    test = own_file(
        "customer_id,joined_at,city\n" + "\n".join(f"c{i},2025-0{1 + i % 9}-01,X" for i in range(40)), "c.csv"
    )
    go(test, "leaving")
    assert [item.value for item in test.exception] == []
    said = " ".join([*(item.value for item in test.warning), *(item.value for item in test.subheader)])
    assert EN.phrase("error.survival_no_clock") in said
