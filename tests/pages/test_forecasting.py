"""The forecast pages: one series in depth with its choices, all series at once, from one to the other, own series."""

from __future__ import annotations

import dataclasses
import re
import time
from datetime import date
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from analytics.demand import DemandSpec
from analytics.errors import AnalysisError
from analytics.forecasting import ForecastSpec
from analytics.i18n import words_for
from analytics.workspace import Workspace
from app_pages.ui import compute
from tests.pages.test_customer import app, assert_sound, figures, go, own_file

# Few quick models: which of all leads and by how much is tested elsewhere.
QUICK = ForecastSpec(candidates=("smoothing", "theta"), n_origins=4)
WEEKS = Workspace(forecast=QUICK)


def headings(test: AppTest) -> str:
    return " | ".join(item.value for item in test.subheader)


def said(test: AppTest) -> str:
    return " ".join(item.value for item in test.markdown)


def click(test: AppTest, label: str) -> AppTest:
    return next(button for button in test.button if button.label == label).click().run()


def table(test: AppTest, *columns: str) -> Any:
    return next(item.value for item in test.dataframe if set(columns) <= set(item.value.columns))


def test_one_series_in_depth() -> None:
    test = app("forecasting", WEEKS)
    assert_sound(test)
    first = figures(test)
    assert {"Next 12 weeks", "80% interval, NT$", "Back-test error", "Interval held", "Off per period"} <= set(first)
    assert test.header[0].value.startswith(f"12 weeks: {first['Next 12 weeks']}")
    spoken = headings(test)
    for words in (" came: off by ", "back-tests", "the baseline", "The bands held", "What the series is made of"):
        assert words in spoken, words
    assert "Returns taken off" in said(test)
    assert "Special days: the usual ones" in [item.label for item in test.expander]

    # What would we have said then: another cutoff changes nothing but this view, and one undo takes it back.
    slider = test.select_slider(key="forecast.cutoff")
    assert len(slider.options) == 5, "four origins of the choice and the last one"
    assert "Neither the choice of the model nor its bands" in said(test)
    assert slider.options[0] == "29 Jun 2025"
    slider.set_value(date(2025, 6, 23)).run()  # the week of which this was the last day
    assert_sound(test)
    assert "These periods helped to choose the model." in said(test)
    assert figures(test)["Next 12 weeks"] == first["Next 12 weeks"]
    assert headings(test) != spoken
    test.button(key="undo").click().run()
    assert headings(test) == spoken

    test.segmented_control(key="forecast.interval_width").set_value(0.95).run()
    assert "95% interval, NT$" in figures(test)
    assert figures(test)["Next 12 weeks"] == first["Next 12 weeks"], "the interval named first is no other forecast"
    test.button(key="undo").click().run()

    # A calendar of one's own begins with what was in sight.
    test.text_input(key="forecast.event.name").set_value("Fair")
    test.date_input(key="forecast.event.day").set_value(date(2026, 9, 10))
    test.number_input(key="forecast.event.before").set_value(2)
    click(test, "Add")
    assert_sound(test)
    assert "**Fair**" in said(test)
    assert "10 Sep 2026" in said(test)
    assert test.multiselect(key="forecast.calendar.countries").value == ["TW"]
    assert any(label.startswith("Special days: ") and label[-1].isdigit() for label in labels(test))
    click(test, "Remove")
    assert "**Fair**" not in said(test)
    click(test, "The usual ones")
    assert "Special days: the usual ones" in labels(test)
    assert figures(test) == first

    # The experts' choices are one change.
    test.selectbox(key="forecast.model").set_value("theta")
    test.selectbox(key="prophet.growth").set_value("flat")
    click(test, "Apply")
    assert_sound(test)
    assert any("Theta was asked for." in text for text in [item.value for item in test.markdown])
    assert "The trend stayed level" in headings(test)
    click(test, "As it was")
    assert test.selectbox(key="forecast.model").value == "auto"
    assert len(test.get("download_button")) >= 2


def labels(test: AppTest) -> list[str]:
    return [item.label for item in test.expander]


def test_all_series_and_from_there_to_one() -> None:
    test = app("demand_outlook", WEEKS)
    assert_sound(test)
    assert test.selectbox(key="demand.by.outlook").value == "category", "the total alone is no list"
    shown = figures(test)
    assert {"All together", "Better than baseline", "Error, baseline 100%", "Interval held"} <= set(shown)
    assert re.match(r"(\d|None) of 8 series ", test.header[0].value)
    listed = table(test, "demand_series", "demand_course", "demand_expected", "demand_model")
    assert len(listed) == 8
    assert listed["demand_expected"].is_monotonic_decreasing
    assert (listed["demand_lo"] <= listed["demand_expected"]).all()
    assert (listed["demand_expected"] <= listed["demand_hi"]).all()
    spoken = headings(test)
    for words in (" moves most: ", " leads in ", "Over all series the 80% band held", "add up"):
        assert words in spoken, words
    # Its parts are forecast already: to look at one of them costs no other choice.
    series = test.selectbox(key="outlook.series")
    series.set_value(series.options[2]).run()
    test.button(key="outlook-open").click().run()
    go(test, "forecasting")
    assert_sound(test)
    assert test.selectbox(key="demand.by").value == "category"
    assert test.selectbox(key="forecast.unique_id").value == listed["demand_series"].iloc[2]
    total = float(re.sub(r"[^\d.]", "", figures(test)["Next 12 weeks"]))
    expected = listed["demand_expected"].iloc[2]
    assert abs(total * (1e3 if "k" in figures(test)["Next 12 weeks"] else 1e6) / expected - 1) < 0.06

    # Twelve of many products; the button asks for all of them.
    go(test, "demand_outlook")
    test.selectbox(key="demand.by.outlook").set_value("product").run()
    assert_sound(test)
    assert test.button(key="forecast-all").label.startswith("Forecast all ")
    few = table(test, "demand_series", "demand_model")
    assert 12 <= len(few) <= 30


def test_a_ready_made_series_is_chosen_by_its_name() -> None:
    rows = [f"{name},2021-{m + 1:02d}-01,{50 + 10 * (m % 3) + i}" for i, name in enumerate("ab") for m in range(12)]
    rows += [row.replace("2021", "2022") for row in rows] + [row.replace("2021", "2023") for row in rows]
    test = own_file("unique_id,ds,y\n" + "\n".join(rows), "series.csv")
    go(test, "forecasting")
    assert_sound(test)
    assert len(test.selectbox(key="forecast.unique_id").options) == 3, "the largest, a and b"
    assert test.selectbox(key="demand.repeated").value == "refuse"
    assert not any(box.key == "demand.measure" for box in test.selectbox)
    go(test, "demand_outlook")
    assert_sound(test)
    assert len(table(test, "demand_series", "demand_model")) == 2


def test_dates_and_numbers_are_those_of_the_language() -> None:
    _ = words_for("zh_TW")
    test = app("forecasting", Workspace(language="zh_TW", demand=DemandSpec(frequency="month"), forecast=QUICK))
    assert_sound(test)
    assert test.header[0].value.startswith("未來 6 個月")
    assert re.search(r"202\d/\d{1,2} 之後的", said(test)), "a month as 2026/6"
    assert not re.search(r"[a-z]{4,}", test.header[0].value)
    assert all(re.fullmatch(r"[\d,.\-−–%/]+", value) for value in figures(test).values()), figures(test)


def test_forecasting_all_can_be_stopped_and_taken_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stopped in the middle, the page says so; one undo leads back to the few that were there."""

    def stop_at_once(job: Any) -> Any:
        compute._stop(job)
        while not job.done:
            time.sleep(0.05)
        raise AnalysisError("step_cancelled")

    test = app("demand_outlook", dataclasses.replace(WEEKS, demand=DemandSpec(by="product", n_series=3)))
    assert_sound(test)
    before = figures(test)
    with monkeypatch.context() as patched:
        patched.setattr(compute, "_wait", stop_at_once)
        test.button(key="forecast-all").click().run()
    assert [item.value for item in test.exception] == []
    assert words_for("en").phrase("error.step_cancelled") in " ".join(item.value for item in test.warning)
    assert any(button.key == "run-again" for button in test.button)
    test.button(key="undo").click().run()
    assert_sound(test)
    assert figures(test) == before
