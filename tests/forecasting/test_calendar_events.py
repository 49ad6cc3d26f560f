"""Holidays as events on days, weeks and months."""

from __future__ import annotations

from datetime import date

import pytest

from analytics.errors import AnalysisError
from analytics.forecasting.calendar_events import (
    SUBSTITUTED,
    Event,
    events,
    lunar_new_year_days,
    seen_twice,
)


def test_lunar_new_year_days_are_the_published_ones() -> None:
    assert lunar_new_year_days(2019, 2026) == [
        date(2019, 2, 5),
        date(2020, 1, 25),
        date(2021, 2, 12),
        date(2022, 2, 1),
        date(2023, 1, 22),
        date(2024, 2, 10),
        date(2025, 1, 29),
        date(2026, 2, 17),
    ]


@pytest.mark.parametrize("country", ["CN", "TW", "HK"])
def test_the_lunar_new_year_has_a_window_on_days(country: str) -> None:
    found = [event for event in events((country,), "day", 2025, 2025) if event.code.startswith("lunar_new_year")]
    codes = {code: [event.ds for event in found if event.code == code] for code, _ in found}
    assert codes["lunar_new_year"] == [date(2025, 1, 29), date(2025, 1, 30), date(2025, 1, 31)]
    assert codes["lunar_new_year_before"][0] == date(2025, 1, 19)
    assert codes["lunar_new_year_after"][-1] == date(2025, 2, 4)
    assert not any("Chinese New Year" in event.code for event in events((country,), "day", 2025, 2025))


def test_names_are_one_name_each_year() -> None:
    codes = {event.code for event in events(("CN",), "day", 2020, 2026)}
    assert SUBSTITUTED in codes
    assert not [code for code in codes if "(" in code or "substituted from" in code]


def test_england_has_easter_monday_and_the_august_day() -> None:
    found = events(("GB",), "day", 2025, 2025)
    assert Event("Easter Monday", date(2025, 4, 21)) in found
    assert date(2025, 8, 25) in {event.ds for event in found}


def test_weeks_start_on_monday_and_months_keep_only_what_moves_sales() -> None:
    weekly = events(("US", "TW"), "week", 2022, 2026)
    assert all(event.ds.weekday() == 0 for event in weekly)
    assert Event("lunar_new_year", date(2025, 1, 27)) in weekly
    assert not [event for event in weekly if event.code == SUBSTITUTED]
    monthly = events(("TW",), "month", 2019, 2026)
    assert Event("lunar_new_year", date(2025, 1, 1)) in monthly
    assert Event("lunar_new_year", date(2024, 2, 1)) in monthly
    assert {event.code for event in monthly} == {"lunar_new_year"}
    easter = [event.ds for event in events(("GB",), "month", 2024, 2026)]
    assert easter == [date(2024, 3, 1), date(2025, 4, 1), date(2026, 4, 1)]


def test_an_effect_needs_two_years() -> None:
    found = (Event("a", date(2023, 12, 24)), Event("a", date(2024, 1, 2)), Event("b", date(2023, 5, 1)))
    again = (*found, Event("b", date(2024, 5, 1)), Event("b", date(2025, 5, 1)))
    assert {event.code for event in seen_twice(again, date(2023, 1, 1), date(2024, 12, 31))} == {"b"}
    assert seen_twice(again, date(2023, 1, 1), date(2024, 1, 31)) == ()


def test_no_country_no_event_and_an_unknown_one_is_refused() -> None:
    assert events((), "day", 2024, 2025) == ()
    with pytest.raises(AnalysisError) as raised:
        events(("XX",), "day", 2024, 2025)
    assert raised.value.code == "country_unknown"
