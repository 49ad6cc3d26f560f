"""Public holidays as events on a regular grid of periods.

An event is a code and the period it touches. Names are the ``holidays`` package's English ones, with "(observed)" and
the dates of substituted days taken off, so that one name means one effect in every year. The Lunar New Year is cut
into four stretches around its first day, because sales rise before it, stop on it and come back after it.
"""

from __future__ import annotations

import re
from collections import defaultdict
from datetime import date, timedelta
from functools import lru_cache
from typing import NamedTuple

from analytics.demand import Frequency
from analytics.errors import AnalysisError

LUNAR_NEW_YEAR_COUNTRIES = frozenset({"CN", "TW", "HK", "MO", "SG"})
SUBDIVISIONS = {"GB": "ENG", "UK": "ENG"}  # without one, Easter Monday and the late-August day are missing
SUBSTITUTED = "Substituted day off"

# Days from the first day of the Lunar New Year, both ends included; weeks from its week.
_STRETCHES = {
    "lunar_new_year_before": (-10, -4),
    "lunar_new_year_eve": (-3, -1),
    "lunar_new_year": (0, 2),
    "lunar_new_year_after": (3, 6),
}
_MOVING = frozenset({"lunar_new_year", "Good Friday"})
_WEEKS = {"lunar_new_year_before": -1, "lunar_new_year": 0, "lunar_new_year_after": 1}


class Event(NamedTuple):
    """``code`` touches the period that starts on ``ds``."""

    code: str
    ds: date


@lru_cache(maxsize=64)
def events(countries: tuple[str, ...], frequency: Frequency, first_year: int, last_year: int) -> tuple[Event, ...]:
    """Events of ``countries`` in whole years, sorted, each (code, period) once.

    On weekly data an event belongs to the week (Monday) it falls in; substituted days off are left out. On monthly
    data only the Lunar New Year and Easter (Good Friday) are kept: they carry sales from month to month, while the
    others are part of the yearly season, and a dozen effects on three years of months would fit noise.

    Raises ``AnalysisError("country_unknown")``.
    """
    found: set[Event] = set()
    for country in countries:
        for day, name in _holidays(country, first_year, last_year):
            if country in LUNAR_NEW_YEAR_COUNTRIES and "Chinese New Year" in name:
                continue
            for part in name.split("; "):
                found.add(Event(_canonical(part), day))
    if LUNAR_NEW_YEAR_COUNTRIES.intersection(countries):
        found |= _lunar_new_year(frequency, first_year, last_year)
    if frequency == "day":
        return tuple(sorted(found))
    found = {event for event in found if event.code != SUBSTITUTED}
    if frequency == "week":
        return tuple(sorted({Event(code, day - timedelta(days=day.weekday())) for code, day in found}))
    return tuple(sorted({Event(code, day.replace(day=1)) for code, day in found if code in _MOVING}))


def seen_twice(all_events: tuple[Event, ...], first: date, last: date) -> tuple[Event, ...]:
    """Those events whose code touches periods of at least two years between ``first`` and ``last``.

    An effect met once cannot be told from chance. A stretch that crosses New Year's Eve still counts once a year.
    """
    years: dict[str, set[int]] = defaultdict(set)
    for code, ds in all_events:
        if first <= ds <= last:
            years[code].add((ds + timedelta(days=15)).year)
    return tuple(event for event in all_events if len(years[event.code]) >= 2)


def _holidays(country: str, first_year: int, last_year: int) -> list[tuple[date, str]]:
    import holidays

    supported = holidays.list_supported_countries()
    if country not in supported:
        raise AnalysisError("country_unknown", country=country)
    listed = holidays.country_holidays(
        country,
        subdiv=SUBDIVISIONS.get(country),
        years=range(first_year, last_year + 1),
        language=_english(country),
    )
    return sorted(listed.items())


def _english(country: str) -> str | None:
    import holidays

    languages = holidays.list_localized_countries().get(country, [])
    return next((language for language in ("en_US", "en_GB") if language in languages), None)


def _canonical(name: str) -> str:
    if name.startswith("Day off"):
        return SUBSTITUTED
    return re.sub(r" \((observed|estimated|observed, estimated)\)", "", name).strip()


def lunar_new_year_days(first_year: int, last_year: int) -> list[date]:
    """The first day of the Lunar New Year of each year."""
    first_days: dict[int, date] = {}
    for day, name in _holidays("CN", first_year, last_year):
        if name.startswith("Chinese New Year (Spring Festival)") and "observed" not in name:
            first_days.setdefault(day.year, day)
    return sorted(first_days.values())


def _lunar_new_year(frequency: Frequency, first_year: int, last_year: int) -> set[Event]:
    found: set[Event] = set()
    for day in lunar_new_year_days(first_year, last_year):
        if frequency == "day":
            for code, (start, end) in _STRETCHES.items():
                found |= {Event(code, day + timedelta(days=offset)) for offset in range(start, end + 1)}
        elif frequency == "week":
            found |= {Event(code, day + timedelta(weeks=offset)) for code, offset in _WEEKS.items()}
        else:
            found.add(Event("lunar_new_year", day))
    return found
