"""Days on which people buy otherwise: public holidays, shopping festivals, own events.

An event is a code and the period it touches. Public holidays come from the ``holidays`` package under its English
names, brought to one name for one effect in every year: "(observed)" is taken off, the second day of a feast is called
like the first, and a substituted day off is called like the feast that it lengthens. What people do rises before a
feast, stops on it and comes back after it, so the Lunar New Year, the shopping festivals and own events are cut into
stretches with codes of their own.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from typing import Annotated, Literal, NamedTuple, get_args

import msgspec

from analytics.demand import Frequency
from analytics.errors import AnalysisError

Festival = Literal["618", "double_11", "double_12", "black_friday"]
FESTIVALS: tuple[Festival, ...] = get_args(Festival)
MOST_EVENTS = 40
MOST_COUNTRIES = 12

# Offered first; any other country of the ``holidays`` package is understood too.
OFFERED_COUNTRIES = (
    *("CN", "TW", "HK", "MO", "SG", "MY", "JP", "KR", "VN", "TH", "ID", "PH", "IN"),
    *("US", "CA", "AU", "NZ", "GB-ENG", "GB-SCT", "GB-WLS", "GB-NIR", "IE"),
    *("DE", "FR", "ES", "IT", "NL", "BE", "CH", "AT", "PT", "SE", "DK", "NO", "FI", "PL", "MX", "BR"),
)
DEFAULT_SUBDIVISIONS = {"GB": "ENG", "UK": "ENG"}  # without one, Easter Monday and the late-August day are missing

# Hong Kong's general holidays (Good Friday, Boxing Day) are holidays for shops, though no statutory ones.
_CATEGORIES = {"HK": ("public", "optional")}

SUBSTITUTED = "Substituted day off"
WORKING_WEEKEND = "working_weekend"
LUNAR_NEW_YEAR = "lunar_new_year"
OWN = "own:"  # before the name of an own event, so that no name can be mistaken for another code
IN_COUNTRY = " @ "  # before the country, where one name means different days in the countries asked for

# Stretches in days from the first day of the feast, both ends included; in weeks from its week.
_LUNAR_DAYS = {
    "lunar_new_year_before": (-10, -4),
    "lunar_new_year_eve": (-3, -1),
    "lunar_new_year": (0, 2),
    "lunar_new_year_after": (3, 6),
}
_LUNAR_WEEKS = {"lunar_new_year_before": -1, "lunar_new_year": 0, "lunar_new_year_after": 1}
_FESTIVAL_DAYS: dict[Festival, dict[str, tuple[int, int]]] = {
    "618": {"618_before": (-17, -3), "618": (-2, 0), "618_after": (1, 5)},
    "double_11": {"double_11_before": (-10, -1), "double_11": (0, 0), "double_11_after": (1, 5)},
    "double_12": {"double_12_before": (-3, -1), "double_12": (0, 0), "double_12_after": (1, 3)},
    "black_friday": {
        "black_friday_before": (-4, -1),
        "black_friday": (0, 2),
        "cyber_monday": (3, 3),
        "black_friday_after": (4, 6),
    },
}
_FESTIVAL_WEEKS: dict[Festival, dict[str, int]] = {
    "618": {"618_before": -1, "618": 0, "618_after": 1},
    "double_11": {"double_11_before": -1, "double_11": 0, "double_11_after": 1},
    "double_12": {"double_12": 0},
    "black_friday": {"black_friday": 0, "cyber_monday": 1},
}
_FIXED = {"618": (6, 18), "double_11": (11, 11), "double_12": (12, 12)}
# What moves from month to month; every other feast is part of the yearly season there.
_MOVING = frozenset({LUNAR_NEW_YEAR, "Good Friday"})

_LUNAR_NAME = re.compile(r"\b(Chinese|Lunar|Korean) New Year\b", re.IGNORECASE)
_REMARK = re.compile(
    r" \((observed|estimated|observed, estimated|in lieu|second day|third day|additional holiday)\)| second day$", re.I
)
_DAY_OF = re.compile(r"^(the )?((first|second|third|fourth|fifth) )?(week)?day (following|preceding|after) ", re.I)
_NTH_DAY = re.compile(r"^(the )?(first|second|third|fourth|fifth) day of (?!christmas$)", re.I)
_STAND_IN = re.compile(r"^(alternative|substitute) holiday for ", re.IGNORECASE)
_TAKEN_FROM = re.compile(r"substituted from (\d\d/\d\d/\d{4})")
_SYNONYMS = {
    "The day following Good Friday": "Easter Saturday",
    "International Labor Day": "Labor Day",
    "Labour Day": "Labor Day",
    "National Labor Day": "Labor Day",
    "Workers' Day": "Labor Day",
    "Worker's Day": "Labor Day",
    "Anzac Day": "ANZAC Day",
    "Assumption Of Mary Day": "Assumption Day",
    "Buddha Purnima": "Vesak Day",
    "Visakha Bucha": "Vesak Day",
    "Christmas": "Christmas Day",
    "National Children's Day": "Children's Day",
    "National Mother's Day": "HM Queen Sirikit The Queen Mother's Birthday",
    "HM King Bhumibol Adulyadej's Birthday": "HM King Bhumibol Adulyadej the Great's Birthday",
    "HM King Bhumibol Adulyadej Memorial Day": "HM King Bhumibol Adulyadej the Great Memorial Day",
    "Prophet's Birthday": "Prophet Muhammad's Birthday",
    "Universal Fraternization Day": "New Year's Day",
}
# A substituted day off within so many days of a feast lengthens it.
_NEAR_DAYS = 7
# Two days of one code so far apart belong to two occurrences.
_APART_DAYS = 14


@dataclass(frozen=True, slots=True)
class OwnEvent:
    """An event of one's own: its days, and how many days before and after each it is felt.

    Raises ``AnalysisError``: ``event_out_of_range``.
    """

    name: Annotated[str, msgspec.Meta(max_length=60)]
    days: Annotated[tuple[date, ...], msgspec.Meta(max_length=60)]
    before_days: int = 0
    after_days: int = 0

    def __post_init__(self) -> None:
        if not (self.name.strip() and self.days and 0 <= self.before_days <= 30 and 0 <= self.after_days <= 30):
            raise AnalysisError("event_out_of_range", name=self.name[:60])


@dataclass(frozen=True, slots=True)
class CalendarSpec:
    """Which special days count.

    countries : ISO codes, with a subdivision where it matters: "TW", "US", "GB-ENG". "GB" alone is England.
    lunar_new_year : added to whatever country; countries that keep it have it anyway.
    festivals : shopping festivals with their windows.
    own : own events.

    Raises ``AnalysisError``: ``festival_unknown``.
    """

    countries: Annotated[
        tuple[Annotated[str, msgspec.Meta(max_length=10)], ...], msgspec.Meta(max_length=MOST_COUNTRIES)
    ] = ()
    lunar_new_year: bool = False
    festivals: tuple[Festival, ...] = ()
    own: Annotated[tuple[OwnEvent, ...], msgspec.Meta(max_length=MOST_EVENTS)] = ()

    def __post_init__(self) -> None:
        for festival in self.festivals:
            if festival not in FESTIVALS:
                raise AnalysisError("festival_unknown", festival=str(festival))


class Event(NamedTuple):
    """``code`` touches the period that starts on ``ds``."""

    code: str
    ds: date


class EventCode(NamedTuple):
    """A code taken apart: ``name`` (the key of its words, or what the person called it), ``own``, which stretch of an
    own event, and the country ("" unless one name means different days in the countries asked for)."""

    name: str
    own: bool = False
    stretch: Literal["", "before", "after"] = ""
    country: str = ""


def read_code(code: str) -> EventCode:
    """What a code says, for whoever puts it into words."""
    if not code.startswith(OWN):
        name, _, country = code.partition(IN_COUNTRY)
        return EventCode(name, country=country)
    stretch, _, name = code.removeprefix(OWN).partition(":")
    return EventCode(name, True, "before" if stretch == "before" else "after" if stretch == "after" else "")


@lru_cache(maxsize=64)
def special_days(spec: CalendarSpec, frequency: Frequency, first_year: int, last_year: int) -> tuple[Event, ...]:
    """The events of whole years, sorted by code and period, each (code, period) once.

    Codes: English names of public holidays; ``lunar_new_year`` and its ``_before``, ``_eve``, ``_after``; ``618``,
    ``double_11``, ``double_12``, ``black_friday`` with ``_before`` and ``_after``; ``cyber_monday``;
    ``working_weekend`` (a weekend day worked for a substituted day off); own events as ``own:on:<name>``,
    ``own:before:<name>``, ``own:after:<name>``. Where a name means other days in another of ``countries``, the country
    follows it (``read_code``).

    On weekly data an event touches the week (Monday) it falls in. On monthly data only what moves from month to month
    is kept, the Lunar New Year, Good Friday and own events: all others are part of the yearly season, and a dozen
    effects on three years of months would fit noise.

    Raises ``AnalysisError("country_unknown")``.
    """
    found = _public(spec.countries, frequency, first_year, last_year)
    if spec.lunar_new_year or any(_keeps_lunar_new_year(country) for country in spec.countries):
        for day in lunar_new_year_days(first_year - 1, last_year + 1):
            found |= _placed(day, _LUNAR_DAYS, _LUNAR_WEEKS, frequency)
    for festival in spec.festivals:
        if frequency == "month":
            continue
        for year in range(first_year - 1, last_year + 2):
            found |= _placed(
                _festival_day(festival, year), _FESTIVAL_DAYS[festival], _FESTIVAL_WEEKS[festival], frequency
            )
    for event in spec.own:
        found |= _own(event, frequency)
    return tuple(sorted(event for event in found if _in_years(event.ds, frequency, first_year, last_year)))


def seen_twice(events: tuple[Event, ...], first: date, last: date) -> tuple[Event, ...]:
    """Those events whose code occurred at least twice between ``first`` and ``last``; all their periods.

    An effect met once cannot be told from chance. Days less than a fortnight apart are one occurrence.
    """
    days: dict[str, list[date]] = defaultdict(list)
    for code, ds in events:
        if first <= ds <= last:
            days[code].append(ds)
    return tuple(event for event in events if occurrences(days[event.code]) >= 2)


def occurrences(days: list[date]) -> int:
    """How often something happened that touched ``days``: days less than a fortnight apart are once."""
    ordered = sorted(set(days))
    apart = sum((after - before).days >= _APART_DAYS for before, after in pairwise(ordered))
    return apart + bool(ordered)


def lunar_new_year_days(first_year: int, last_year: int) -> tuple[date, ...]:
    """The first day of the Lunar New Year of each year."""
    first_days: dict[int, date] = {}
    for day, name in _holidays("CN", first_year, last_year):
        if name.startswith("Chinese New Year (Spring Festival)") and "observed" not in name:
            first_days.setdefault(day.year, day)
    return tuple(sorted(first_days.values()))


def usual_calendar(currency: str) -> CalendarSpec:
    """A calendar to begin with, from the currency that people pay in; empty where it tells nothing."""
    return _BY_CURRENCY.get(currency, CalendarSpec())


_SHOPPING: tuple[Festival, ...] = ("618", "double_11", "double_12")
_BY_CURRENCY = {
    "CNY": CalendarSpec(("CN",), festivals=_SHOPPING),
    "TWD": CalendarSpec(("TW",), festivals=("double_11", "double_12")),
    "HKD": CalendarSpec(("HK",), festivals=("double_11",)),
    "USD": CalendarSpec(("US",), festivals=("black_friday",)),
    "GBP": CalendarSpec(("GB-ENG",), festivals=("black_friday",)),
    "JPY": CalendarSpec(("JP",)),
    "KRW": CalendarSpec(("KR",)),
    "SGD": CalendarSpec(("SG",), festivals=("double_11",)),
    "CAD": CalendarSpec(("CA",), festivals=("black_friday",)),
    "AUD": CalendarSpec(("AU",), festivals=("black_friday",)),
}


# ---- public holidays ---------------------------------------------------------------------------------------------


def _public(countries: tuple[str, ...], frequency: Frequency, first_year: int, last_year: int) -> set[Event]:
    by_country = {
        country: _distinct(list(_named(_holidays(country, first_year - 1, last_year + 1))))
        for country in dict.fromkeys(countries)
    }
    differs = _other_days(by_country)
    found: set[Event] = set()
    for country, days in by_country.items():
        for code, day in days:
            found.add(Event(f"{code}{IN_COUNTRY}{country}" if code in differs else code, day))
    if frequency == "day":
        return found
    feasts = {event for event in found if read_code(event.code).name not in (SUBSTITUTED, WORKING_WEEKEND)}
    if frequency == "week":
        return {Event(code, _monday(day)) for code, day in feasts}
    return {Event(code, day.replace(day=1)) for code, day in feasts if read_code(code).name in _MOVING}


def _named(listed: list[tuple[date, str]]) -> Iterator[tuple[str, date]]:
    """(code, day) of each holiday under its one name; the Lunar New Year has its own stretches."""
    feasts: dict[date, list[str]] = defaultdict(list)
    substituted: list[date] = []
    for day, names in listed:
        for name in names.split("; "):
            if name.startswith("Day off") or name == "Substitute Holiday":
                substituted.append(day)
                taken = _TAKEN_FROM.search(name)
                if taken:
                    yield WORKING_WEEKEND, datetime.strptime(taken[1], "%m/%d/%Y").date()
            else:
                feasts[day].append(_canonical(name))
    for day, codes in feasts.items():
        yield from ((code, day) for code in codes if code != LUNAR_NEW_YEAR)
    for day in substituted:
        nearest = min(feasts, key=lambda feast: (abs((feast - day).days), feast), default=None)
        if nearest is None or abs((nearest - day).days) > _NEAR_DAYS:
            yield SUBSTITUTED, day
        else:
            yield from ((code, day) for code in feasts[nearest] if code != LUNAR_NEW_YEAR)


def _distinct(named: list[tuple[str, date]]) -> set[tuple[str, date]]:
    """Of several names that always fall on the same days, the first alone: they have one effect."""
    days: dict[str, set[date]] = defaultdict(set)
    for code, day in named:
        days[code].add(day)
    first = {frozenset(of): code for code, of in reversed(days.items())}
    return {(code, day) for of, code in first.items() for day in of}


def _canonical(name: str) -> str:
    if _LUNAR_NAME.search(name):
        return LUNAR_NEW_YEAR
    name = _SYNONYMS.get(name, name)
    for taken_off in (_REMARK, _NTH_DAY, _DAY_OF, _STAND_IN):
        name = taken_off.sub("", name)
    plain = re.sub("^the ", "", name.strip(), flags=re.IGNORECASE)
    return _SYNONYMS.get(plain, plain)


def _other_days(by_country: dict[str, set[tuple[str, date]]]) -> set[str]:
    """Names that mean other days in another country: "Labor Day" is in May here and in September there."""
    usual: dict[str, list[set[tuple[int, int]]]] = defaultdict(list)
    for days in by_country.values():
        mine: dict[str, set[tuple[int, int]]] = defaultdict(set)
        for code, day in days:
            mine[code].add((day.year, day.timetuple().tm_yday))
        for code, places in mine.items():
            usual[code].append(places)
    differs = set()
    for code, given in usual.items():
        for i, mine_days in enumerate(given):
            differs |= {code for theirs in given[i + 1 :] if not mine_days & theirs}
    return differs - {WORKING_WEEKEND, SUBSTITUTED}


def _holidays(country: str, first_year: int, last_year: int) -> list[tuple[date, str]]:
    import holidays

    nation, _, part = country.upper().partition("-")
    supported = holidays.list_supported_countries()
    if nation not in supported or (part and part not in supported[nation]):
        raise AnalysisError("country_unknown", country=country)
    listed = holidays.country_holidays(
        nation,
        subdiv=part or DEFAULT_SUBDIVISIONS.get(nation),
        years=range(first_year, last_year + 1),
        language=_english(nation),
        categories=_CATEGORIES.get(nation, ("public",)),
    )
    return sorted(listed.items())


@lru_cache(maxsize=64)
def _keeps_lunar_new_year(country: str) -> bool:
    return any(_LUNAR_NAME.search(name) for _, name in _holidays(country, 2024, 2025))


def _english(country: str) -> str | None:
    import holidays

    languages = holidays.list_localized_countries().get(country, [])
    return next((language for language in ("en_US", "en_GB") if language in languages), None)


# ---- festivals and own events ------------------------------------------------------------------------------------


def _festival_day(festival: Festival, year: int) -> date:
    if festival == "black_friday":
        first = date(year, 11, 1)
        return first + timedelta(days=(3 - first.weekday()) % 7 + 22)  # the day after the fourth Thursday
    month, day = _FIXED[festival]
    return date(year, month, day)


def _placed(
    day: date, by_days: dict[str, tuple[int, int]], by_weeks: dict[str, int], frequency: Frequency
) -> set[Event]:
    if frequency == "day":
        return {
            Event(code, day + timedelta(days=offset))
            for code, (start, end) in by_days.items()
            for offset in range(start, end + 1)
        }
    if frequency == "week":
        return {Event(code, _monday(day) + timedelta(weeks=offset)) for code, offset in by_weeks.items()}
    return {Event(LUNAR_NEW_YEAR, day.replace(day=1))}


def _own(event: OwnEvent, frequency: Frequency) -> set[Event]:
    """A period that holds a day of the event is one of it, even where another occurrence is near."""
    stretches: dict[str, set[date]] = {"on": set(), "before": set(), "after": set()}
    for day in event.days:
        stretches["on"].add(day)
        stretches["before"] |= {day - timedelta(days=i) for i in range(1, event.before_days + 1)}
        stretches["after"] |= {day + timedelta(days=i) for i in range(1, event.after_days + 1)}
    found: set[Event] = set()
    taken: set[date] = set()
    for stretch, days in stretches.items():
        periods = {_period_of(day, frequency) for day in days} - taken
        taken |= periods
        found |= {Event(f"{OWN}{stretch}:{event.name.strip()}", period) for period in periods}
    return found


def _in_years(ds: date, frequency: Frequency, first_year: int, last_year: int) -> bool:
    """Whether the period touches the years; a week belongs to both years it touches."""
    end = ds + timedelta(days=6 if frequency == "week" else 0)
    return first_year <= end.year and ds.year <= last_year


def _period_of(day: date, frequency: Frequency) -> date:
    return _monday(day) if frequency == "week" else day.replace(day=1) if frequency == "month" else day


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())
