"""Special days on days, weeks and months, against published dates."""

from __future__ import annotations

from datetime import date, timedelta

import msgspec
import pytest

from analytics.calendar import (
    FESTIVALS,
    LUNAR_NEW_YEAR,
    OFFERED_COUNTRIES,
    SUBSTITUTED,
    CalendarSpec,
    Event,
    Festival,
    OwnEvent,
    lunar_new_year_days,
    occurrences,
    read_code,
    seen_twice,
    special_days,
    usual_calendar,
)
from analytics.demand import Frequency
from analytics.errors import AnalysisError
from analytics.i18n.phrases import load

PHRASES = load()


def days(spec: CalendarSpec, code: str, first: int, last: int, frequency: Frequency = "day") -> list[date]:
    return [event.ds for event in special_days(spec, frequency, first, last) if event.code == code]


def codes(spec: CalendarSpec, first: int, last: int, frequency: Frequency = "day") -> set[str]:
    return {event.code for event in special_days(spec, frequency, first, last)}


class TestLunarNewYear:
    def test_its_days_are_the_published_ones(self) -> None:
        assert lunar_new_year_days(2019, 2026) == (
            date(2019, 2, 5),
            date(2020, 1, 25),
            date(2021, 2, 12),
            date(2022, 2, 1),
            date(2023, 1, 22),
            date(2024, 2, 10),
            date(2025, 1, 29),
            date(2026, 2, 17),
        )

    @pytest.mark.parametrize("country", ["CN", "TW", "HK", "SG", "MY", "MO", "VN"])
    def test_it_is_one_feast_with_a_window_wherever_it_is_kept(self, country: str) -> None:
        spec = CalendarSpec((country,))
        assert days(spec, "lunar_new_year", 2025, 2025) == [date(2025, 1, 29) + timedelta(days=i) for i in range(3)]
        assert days(spec, "lunar_new_year_before", 2025, 2025)[0] == date(2025, 1, 19)
        assert days(spec, "lunar_new_year_eve", 2025, 2025) == [date(2025, 1, 26) + timedelta(days=i) for i in range(3)]
        assert days(spec, "lunar_new_year_after", 2025, 2025)[-1] == date(2025, 2, 4)
        assert not [code for code in codes(spec, 2019, 2026) if "Chinese" in code or "Lunar" in code]

    def test_it_can_be_added_to_any_country(self) -> None:
        assert LUNAR_NEW_YEAR not in codes(CalendarSpec(("GB",)), 2024, 2025)
        added = CalendarSpec(("GB",), lunar_new_year=True)
        assert codes(added, 2024, 2025) == codes(CalendarSpec(("GB",)), 2024, 2025) | {
            "lunar_new_year_before",
            "lunar_new_year_eve",
            "lunar_new_year",
            "lunar_new_year_after",
        }
        assert days(CalendarSpec(lunar_new_year=True), "lunar_new_year", 2024, 2025, "month") == [
            date(2024, 2, 1),
            date(2025, 1, 1),
        ]


class TestNames:
    @pytest.mark.parametrize("country", OFFERED_COUNTRIES)
    def test_one_name_is_one_effect_in_every_year(self, country: str) -> None:
        found = codes(CalendarSpec((country,)), 2019, 2026)
        assert found
        remarks = ("observed", "in lieu", "substitut", "second day of", "day following", ";", "estimated")
        told = [code for code in found if any(remark in code.lower() for remark in remarks)]
        assert [code for code in told if code != "Second Day of Christmas"] == []

    @pytest.mark.parametrize("country", OFFERED_COUNTRIES)
    def test_whatever_can_be_learned_has_words(self, country: str) -> None:
        found = special_days(CalendarSpec((country,)), "day", 2019, 2026)
        learned = {event.code for event in seen_twice(found, date(2019, 1, 1), date(2026, 12, 31))}
        assert {code for code in learned if f"event.{code}" not in PHRASES} == set()
        assert f"country.{country}" in PHRASES

    def test_a_substituted_day_is_called_like_the_feast_it_lengthens(self) -> None:
        china = CalendarSpec(("CN",))
        # The State Council's notice for 2024: 1-7 October off, 29 September and 12 October worked.
        national = days(china, "National Day", 2024, 2024)
        assert national == [date(2024, 10, day) for day in (1, 2, 3, 4, 7)]
        worked = days(china, "working_weekend", 2024, 2024)
        assert {date(2024, 9, 29), date(2024, 10, 12), date(2024, 2, 4)} <= set(worked)
        assert SUBSTITUTED not in codes(china, 2019, 2025)

    def test_england_by_default_has_easter_monday_and_the_august_day(self) -> None:
        for country in ("GB", "GB-ENG"):
            found = special_days(CalendarSpec((country,)), "day", 2025, 2025)
            assert Event("Easter Monday", date(2025, 4, 21)) in found
            assert Event("Late Summer Bank Holiday", date(2025, 8, 25)) in found
        assert "Saint Andrew's Day" in codes(CalendarSpec(("GB-SCT",)), 2025, 2025)

    def test_hong_kong_keeps_good_friday(self) -> None:
        assert days(CalendarSpec(("HK",)), "Good Friday", 2024, 2025) == [date(2024, 3, 29), date(2025, 4, 18)]
        assert days(CalendarSpec(("HK",)), "Easter Saturday", 2025, 2025) == [date(2025, 4, 19)]

    def test_several_names_for_the_same_days_are_one_effect(self) -> None:
        thailand = codes(CalendarSpec(("TH",)), 2019, 2026)
        assert "HM Queen Sirikit The Queen Mother's Birthday" in thailand
        assert "National Mother's Day" not in thailand
        # Children's Day and Tomb-Sweeping Day share 4 April in most years, not in all.
        assert {"Children's Day", "Tomb-Sweeping Day"} <= codes(CalendarSpec(("TW",)), 2019, 2026)

    def test_one_name_on_other_days_in_another_country_says_which(self) -> None:
        found = codes(CalendarSpec(("US", "TW", "CN")), 2023, 2025)
        assert {"Labor Day @ US", "Labor Day @ CN", "National Day @ TW", "National Day @ CN"} <= found
        assert {"New Year's Day", "Thanksgiving Day", "Dragon Boat Festival"} <= found
        assert read_code("National Day @ TW") == ("National Day", False, "", "TW")
        assert "National Day" in codes(CalendarSpec(("TW",)), 2023, 2025)


class TestFrequencies:
    def test_weeks_start_on_monday(self) -> None:
        weekly = special_days(CalendarSpec(("US", "TW"), festivals=FESTIVALS), "week", 2022, 2026)
        assert all(event.ds.weekday() == 0 for event in weekly)
        assert Event("lunar_new_year", date(2025, 1, 27)) in weekly
        assert Event("lunar_new_year_before", date(2025, 1, 20)) in weekly
        assert Event("double_11", date(2024, 11, 11)) in weekly
        assert not {"working_weekend", SUBSTITUTED} & {event.code for event in weekly}
        # 1 January 2025 is a Wednesday: its week began in 2024 and belongs to both years.
        for year in (2024, 2025):
            assert date(2024, 12, 30) in days(CalendarSpec(("US",)), "New Year's Day", year, year, "week")

    def test_months_keep_only_what_moves(self) -> None:
        spec = CalendarSpec(("TW", "GB"), festivals=FESTIVALS)
        assert codes(spec, 2019, 2026, "month") == {"lunar_new_year", "Good Friday"}
        assert days(spec, "Good Friday", 2024, 2026, "month") == [date(2024, 3, 1), date(2025, 4, 1), date(2026, 4, 1)]


class TestFestivals:
    @pytest.mark.parametrize(
        ("festival", "peak", "first", "last"),
        [
            ("618", date(2024, 6, 18), date(2024, 6, 1), date(2024, 6, 23)),
            ("double_11", date(2024, 11, 11), date(2024, 11, 1), date(2024, 11, 16)),
            ("double_12", date(2024, 12, 12), date(2024, 12, 9), date(2024, 12, 15)),
            ("black_friday", date(2024, 11, 29), date(2024, 11, 25), date(2024, 12, 5)),
        ],
    )
    def test_windows(self, festival: Festival, peak: date, first: date, last: date) -> None:
        found = special_days(CalendarSpec(festivals=(festival,)), "day", 2024, 2024)
        assert Event(festival, peak) in found
        held = [event.ds for event in found]
        assert (min(held), max(held)) == (first, last)
        assert len(held) == len(set(held)) == (last - first).days + 1  # stretches follow one another, none overlaps

    def test_black_friday_and_cyber_monday_are_the_published_ones(self) -> None:
        spec = CalendarSpec(festivals=("black_friday",))
        fridays = [ds for ds in days(spec, "black_friday", 2019, 2025) if ds.weekday() == 4]
        published = [(11, 29), (11, 27), (11, 26), (11, 25), (11, 24), (11, 29), (11, 28)]
        assert [(ds.month, ds.day) for ds in fridays] == published
        assert days(spec, "cyber_monday", 2019, 2020) == [date(2019, 12, 2), date(2020, 11, 30)]


class TestOwnEvents:
    SALE = OwnEvent("Sale: spring", (date(2024, 3, 8), date(2024, 3, 9), date(2025, 3, 7)), before_days=2, after_days=1)

    def test_days_with_their_window(self) -> None:
        spec = CalendarSpec(own=(self.SALE,))
        assert days(spec, "own:on:Sale: spring", 2024, 2024) == [date(2024, 3, 8), date(2024, 3, 9)]
        assert days(spec, "own:before:Sale: spring", 2024, 2024) == [date(2024, 3, 6), date(2024, 3, 7)]
        assert days(spec, "own:after:Sale: spring", 2024, 2024) == [date(2024, 3, 10)]
        assert read_code("own:before:Sale: spring") == ("Sale: spring", True, "before", "")
        assert read_code("own:on:Sale: spring") == ("Sale: spring", True, "", "")

    def test_weeks_and_months(self) -> None:
        spec = CalendarSpec(own=(self.SALE,))
        assert special_days(spec, "week", 2024, 2024) == (Event("own:on:Sale: spring", date(2024, 3, 4)),)
        assert days(spec, "own:on:Sale: spring", 2024, 2025, "month") == [date(2024, 3, 1), date(2025, 3, 1)]

    def test_a_name_like_a_feast_stays_ones_own(self) -> None:
        spec = CalendarSpec(("US",), own=(OwnEvent("Labor Day", (date(2024, 5, 1),)),))
        assert days(spec, "own:on:Labor Day", 2024, 2024) == [date(2024, 5, 1)]
        assert days(spec, "Labor Day", 2024, 2024) == [date(2024, 9, 2)]


class TestSeenTwice:
    def test_an_effect_needs_two_occurrences_in_the_history(self) -> None:
        found = (Event("a", date(2023, 12, 24)), Event("a", date(2024, 1, 2)), Event("b", date(2023, 5, 1)))
        again = (*found, Event("b", date(2024, 5, 1)), Event("b", date(2025, 5, 1)))
        assert {event.code for event in seen_twice(again, date(2023, 1, 1), date(2024, 12, 31))} == {"b"}
        # What is kept is kept with its future days.
        assert seen_twice(again, date(2023, 1, 1), date(2024, 12, 31)) == again[2:]
        assert seen_twice(again, date(2023, 1, 1), date(2024, 1, 31)) == ()

    def test_a_golden_week_is_once_and_a_monthly_sale_is_twelve_times(self) -> None:
        assert occurrences([date(2024, 10, day) for day in range(1, 8)]) == 1
        assert occurrences([date(2024, month, 8) for month in range(1, 13)]) == 12
        assert occurrences([]) == 0
        sale = CalendarSpec(own=(OwnEvent("members", (date(2024, 1, 8), date(2024, 2, 8), date(2024, 3, 8))),))
        events = special_days(sale, "week", 2024, 2024)
        assert seen_twice(events, date(2024, 1, 1), date(2024, 2, 12)) == events
        assert seen_twice(events, date(2024, 1, 1), date(2024, 2, 4)) == ()

    def test_one_year_and_a_few_days_of_history_learn_what_it_holds_twice(self) -> None:
        # 2010-12-01 to 2011-12-09: no feast of England lies in it twice but none of the fixed ones.
        england = special_days(CalendarSpec(("GB",)), "day", 2010, 2012)
        assert {event.code for event in seen_twice(england, date(2010, 12, 1), date(2011, 12, 9))} == set()


class TestSpec:
    def test_it_crosses_as_json(self) -> None:
        spec = CalendarSpec(("TW", "GB-ENG"), True, ("618",), (OwnEvent("x", (date(2024, 1, 1),), 1, 2),))
        assert msgspec.json.decode(msgspec.json.encode(spec), type=CalendarSpec, strict=True) == spec

    @pytest.mark.parametrize("country", ["XX", "GB-XX", "", "Taiwan"])
    def test_an_unknown_country_is_refused(self, country: str) -> None:
        with pytest.raises(AnalysisError) as raised:
            special_days(CalendarSpec((country,)), "day", 2024, 2025)
        assert (raised.value.code, raised.value.params) == ("country_unknown", {"country": country})

    def test_nonsense_is_refused(self) -> None:
        for made in (lambda: OwnEvent(" ", (date(2024, 1, 1),)), lambda: OwnEvent("x", ())):
            with pytest.raises(AnalysisError) as raised:
                made()
            assert raised.value.code == "event_out_of_range"
        with pytest.raises(AnalysisError) as raised:
            CalendarSpec(festivals=("easter",))
        assert raised.value.code == "festival_unknown"

    def test_nothing_asked_is_nothing(self) -> None:
        assert special_days(CalendarSpec(), "day", 2024, 2025) == ()

    def test_a_calendar_to_begin_with(self) -> None:
        for currency in ("CNY", "TWD", "HKD", "USD", "GBP", "JPY"):
            assert special_days(usual_calendar(currency), "week", 2024, 2025)
        assert usual_calendar("TWD").countries == ("TW",)
        assert usual_calendar("XXX") == usual_calendar("") == CalendarSpec()
