"""Promotions: planted windows in which some categories are cheaper and sell more.

A promotion multiplies the demand of its categories by `lift` on every day of its window; a segment feels
lift ** promotion_response. All lines of its categories carry `discount_share` in the window.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

from sample_data.seasons import LUNAR_NEW_YEAR, N_DAYS, START
from sample_data.seeds import Part, stream
from sample_data.segments import CATEGORIES

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Promotion:
    """One promotion; days are counted from the first day of the world, both ends included."""

    name: str
    first_day: int
    last_day: int
    categories: tuple[int, ...]
    discount_share: float
    lift: float


def draw_promotions(seed: int) -> tuple[Promotion, ...]:
    """Draw about fourteen windows of 7-10 days that touch neither each other nor a holiday window."""
    rng = stream(seed, Part.PROMOTIONS)
    promotions: list[Promotion] = []
    next_free = 30
    while next_free < N_DAYS - 12:
        first = next_free + int(rng.integers(10, 70))
        last = first + int(rng.integers(7, 11)) - 1
        if last >= N_DAYS:
            break
        next_free = last + 15
        if _touches_holiday(first, last):
            continue
        n_categories = int(rng.integers(1, 4))
        categories = np.sort(rng.choice(len(CATEGORIES), size=n_categories, replace=False))
        discount = float(rng.choice([0.10, 0.15, 0.20, 0.25, 0.30]))
        lift = float(np.exp(0.2 + 1.9 * discount + rng.normal(0, 0.1)))
        promotions.append(
            Promotion(
                name=f"promotion-{len(promotions) + 1:02d}",
                first_day=first,
                last_day=last,
                categories=tuple(int(c) for c in categories),
                discount_share=discount,
                lift=round(lift, 3),
            )
        )
    return tuple(promotions)


def compute_lift(promotions: tuple[Promotion, ...], response: float) -> Floats:
    """Return the lift per category and day for a segment's response, shape (categories, days)."""
    lift = np.ones((len(CATEGORIES), N_DAYS))
    for promotion in promotions:
        for category in promotion.categories:
            lift[category, promotion.first_day : promotion.last_day + 1] *= promotion.lift**response
    return lift


def compute_discount(promotions: tuple[Promotion, ...]) -> Floats:
    """Return the promotion's discount share per category and day, shape (categories, days)."""
    discount = np.zeros((len(CATEGORIES), N_DAYS))
    for promotion in promotions:
        for category in promotion.categories:
            discount[category, promotion.first_day : promotion.last_day + 1] = promotion.discount_share
    return discount


def _touches_holiday(first: int, last: int) -> bool:
    for offset in range(first, last + 1):
        day = START + timedelta(days=offset)
        near_new_year = any(-18 <= (day - new_year).days <= 11 for new_year in LUNAR_NEW_YEAR.values())
        if near_new_year or _in_event(day):
            return True
    return False


def _in_event(day: date) -> bool:
    """Say whether a day lies in the Double 11, 618 or Christmas windows, with a few days around."""
    return (
        (day.month == 11 and 6 <= day.day <= 14)
        or (day.month == 6 and 13 <= day.day <= 21)
        or (day.month == 12 and day.day >= 15)
    )
