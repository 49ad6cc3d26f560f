"""When people buy: the calendar of the world, as planted.

The activity of a day multiplies every customer's own rate (a plain factor, 1 = an ordinary day):

    activity = trend x weekly x yearly x holiday

* trend: exp of a piecewise linear slope with one change of slope (per year, natural logarithm);
* weekly: seven factors, Monday first, mean 1;
* yearly: exp of two sine pairs over the year;
* holiday: Lunar New Year (a rush before, a hole from the eve on, a slow return), Double 11 (11 November),
  618 (18 June) and the Christmas week. Outside their windows the factor is exactly 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

from sample_data.seeds import Part, stream

Floats = NDArray[np.float64]

START = date(2023, 1, 1)
END = date(2026, 6, 30)  # last day of observation: the data's as-of date
N_DAYS = (END - START).days + 1
EPOCH_DAY = (START - date(1970, 1, 1)).days

# First day of the Lunar New Year, a public fact: our own table spares a dependency.
LUNAR_NEW_YEAR = {
    2020: date(2020, 1, 25), 2021: date(2021, 2, 12), 2022: date(2022, 2, 1), 2023: date(2023, 1, 22),
    2024: date(2024, 2, 10), 2025: date(2025, 1, 29), 2026: date(2026, 2, 17), 2027: date(2027, 2, 6),
    2028: date(2028, 1, 26), 2029: date(2029, 2, 13), 2030: date(2030, 2, 3), 2031: date(2031, 1, 23),
    2032: date(2032, 2, 11), 2033: date(2033, 1, 31), 2034: date(2034, 2, 19), 2035: date(2035, 2, 8),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Seasons:
    """Parameters of the calendar. Factors are plain multipliers, slopes are per year in natural logarithm."""

    slope_before: float
    slope_after: float
    slope_changes_on: date
    weekly: tuple[float, ...]
    yearly_sin: tuple[float, float]
    yearly_cos: tuple[float, float]
    new_year_rush: float  # reached three days before the first day, rising from 1 sixteen days before
    new_year_hole: float  # from the eve to the fifth day
    new_year_return: float  # sixth to tenth day
    double_11: float  # on 11 November; the three days before and the day after carry a part of it
    mid_year_618: float  # on 18 June; likewise
    christmas_week: float  # 18 to 25 December
    event_discount_share: float  # shop-wide discount on 9-11 November and 16-18 June (0-1)


def draw_seasons(seed: int) -> Seasons:
    """Draw the calendar's parameters from the seed."""
    rng = stream(seed, Part.SEASONS)
    weekend = rng.uniform(1.1, 1.45)
    weekly = np.array([1.0, 0.95, 0.95, 1.0, 1.1, weekend, weekend * 0.97]) * rng.uniform(0.95, 1.05, 7)
    weekly /= weekly.mean()
    return Seasons(
        slope_before=round(float(rng.uniform(0.0, 0.16)), 4),
        slope_after=round(float(rng.uniform(-0.06, 0.12)), 4),
        slope_changes_on=START + timedelta(days=int(rng.integers(450, 800))),
        weekly=tuple(round(float(w), 4) for w in weekly),
        yearly_sin=(round(float(rng.uniform(-0.1, 0.1)), 4), round(float(rng.uniform(-0.05, 0.05)), 4)),
        yearly_cos=(round(float(rng.uniform(0.05, 0.16)), 4), round(float(rng.uniform(-0.05, 0.05)), 4)),
        new_year_rush=round(float(rng.uniform(1.4, 1.75)), 3),
        new_year_hole=round(float(rng.uniform(0.3, 0.5)), 3),
        new_year_return=round(float(rng.uniform(0.75, 0.9)), 3),
        double_11=round(float(rng.uniform(2.6, 4.0)), 3),
        mid_year_618=round(float(rng.uniform(1.9, 2.8)), 3),
        christmas_week=round(float(rng.uniform(1.2, 1.5)), 3),
        event_discount_share=round(float(rng.uniform(0.10, 0.18)), 2),
    )


def list_days() -> list[date]:
    """Return every day of the world, in order."""
    return [START + timedelta(days=i) for i in range(N_DAYS)]


def compute_trend(seasons: Seasons) -> Floats:
    """Return the trend factor per day (1 on the first day)."""
    years = np.arange(N_DAYS) / 365.25
    change = (seasons.slope_changes_on - START).days / 365.25
    log_level = seasons.slope_before * np.minimum(years, change)
    log_level += seasons.slope_after * np.maximum(years - change, 0.0)
    return np.asarray(np.exp(log_level), dtype=np.float64)


def compute_weekly(seasons: Seasons) -> Floats:
    """Return the day-of-week factor per day."""
    weekday = (np.arange(N_DAYS) + START.weekday()) % 7
    return np.asarray(seasons.weekly, dtype=np.float64)[weekday]


def compute_yearly(seasons: Seasons) -> Floats:
    """Return the time-of-year factor per day."""
    angle = np.array([2 * np.pi * (d.timetuple().tm_yday - 1) / 365.25 for d in list_days()])
    wave = np.zeros(N_DAYS)
    for k in (1, 2):
        wave += seasons.yearly_sin[k - 1] * np.sin(k * angle) + seasons.yearly_cos[k - 1] * np.cos(k * angle)
    return np.asarray(np.exp(wave), dtype=np.float64)


def compute_holiday(seasons: Seasons) -> Floats:
    """Return the holiday factor per day: 1 outside every window."""
    factor = np.ones(N_DAYS)
    for i, day in enumerate(list_days()):
        offset = min(((day - first).days for first in LUNAR_NEW_YEAR.values()), key=abs)
        if -16 <= offset <= -2:
            factor[i] *= 1 + (seasons.new_year_rush - 1) * min(1.0, (offset + 17) / 14)
        elif -1 <= offset <= 4:
            factor[i] *= seasons.new_year_hole
        elif 5 <= offset <= 9:
            factor[i] *= seasons.new_year_return
        for month, top, height in ((11, 11, seasons.double_11), (6, 18, seasons.mid_year_618)):
            share = {-3: 0.15, -2: 0.25, -1: 0.45, 0: 1.0, 1: 0.2}.get(day.day - top, 0.0)
            if day.month == month:
                factor[i] *= 1 + (height - 1) * share
        if day.month == 12 and 18 <= day.day <= 25:
            factor[i] *= seasons.christmas_week
    return factor


def compute_activity(seasons: Seasons) -> Floats:
    """Return the activity per day: the product of trend, weekly, yearly and holiday factors."""
    return compute_trend(seasons) * compute_weekly(seasons) * compute_yearly(seasons) * compute_holiday(seasons)


def compute_event_discount(seasons: Seasons) -> Floats:
    """Return the shop-wide discount share per day (0-1): 9-11 November and 16-18 June."""
    share = np.zeros(N_DAYS)
    for i, day in enumerate(list_days()):
        if (day.month == 11 and 9 <= day.day <= 11) or (day.month == 6 and 16 <= day.day <= 18):
            share[i] = seasons.event_discount_share
    return share
