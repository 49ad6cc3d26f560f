"""When each customer orders, and the numbers that orders get.

Between first order and dropout a customer's orders are a Poisson process: latent rate per year x the segment's
daily demand (`demand.py`), so calendar, promotions, prices and lives shape when they come. Two orders come for
certain: the first one ever, and the first one after a comeback.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sample_data import names
from sample_data.demand import Demand, pick
from sample_data.people import People, draw_cities
from sample_data.seasons import N_DAYS
from sample_data.segments import CHANNELS, N_CONSUMER_SEGMENTS, Segment

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

DAY_SECONDS = 86_400
WALK_IN_SHARE = 0.12  # of orders: nobody on file
WALK_IN_CHANNELS = (0.22, 0.03, 0.60, 0.15)
FAVOURITE_SHARE = 0.65  # of orders that use the customer's favourite channel or payment, whatever the mix
GIFT_SHARE = 0.04  # of orders sent to another city of the country
_STORE = CHANNELS.index("store")
_INSTALMENT, _CASH_ON_DELIVERY, _WALLET, _CARD = 4, 3, 1, 0
_BY_DAY = np.array([1, 1, 0.5, 0.3, 0.3, 0.5, 2, 4, 6, 8, 9, 9, 10, 9, 8, 8, 7, 6, 5, 5, 5, 4, 3, 2.0])
_BY_EVENING = np.array([4, 2, 1, 0.5, 0.3, 0.3, 1, 1, 2, 2, 2, 3, 4, 3, 2, 2, 2, 3, 5, 8, 12, 14, 13, 9.0])
_IN_STORE = np.array([0.0] * 10 + [3, 5, 7, 6, 6, 7, 8, 8, 9, 9, 8, 5] + [0.0] * 2)


@dataclass(frozen=True, slots=True, eq=False)
class Orders:
    """Orders of one block in order of time; arrays of equal length."""

    customer: Ints  # position in the block, -1 for nobody on file
    segment: Ints
    second: Ints  # seconds since the first day's midnight
    serial: Ints  # number within the day
    channel: Ints
    payment: Ints
    city: Ints

    def __len__(self) -> int:
        return len(self.customer)

    @property
    def day(self) -> Ints:
        """Day number since the first day."""
        return self.second // DAY_SECONDS


def is_active(people: People, time: float) -> Flags:
    """Say who is between first order and dropout at a time (days since the first day)."""
    with np.errstate(invalid="ignore"):
        first = (people.activated <= time) & (time < people.first_dropout)
        second = (people.resurrected <= time) & (time < people.dropout)
    return np.asarray(first | second, dtype=np.bool_)


def compute_mass(people: People, demand: Demand, first: float = 0.0, last: float = N_DAYS) -> tuple[Floats, Floats]:
    """Return the demand that falls into each customer's first and second life between two times.

    Times the latent rate this is the expected number of orders (without the certain ones).
    """

    def between(start: Floats, end: Floats) -> Floats:
        lo = np.clip(np.nan_to_num(start, nan=last), first, last)
        hi = np.clip(np.nan_to_num(end, nan=first), first, last)
        mass = accumulate_to(demand, people.segment, hi) - accumulate_to(demand, people.segment, lo)
        return np.maximum(mass, 0.0)

    second = between(people.resurrected, np.where(np.isnan(people.resurrected), np.nan, people.dropout))
    return between(people.activated, people.first_dropout), second


def accumulate_to(demand: Demand, segment: Ints, time: Floats) -> Floats:
    """Return the segment's demand from the first day to a time."""
    day = np.minimum(time.astype(np.int64), N_DAYS - 1)
    part = (time - day) * demand.daily[segment, day]
    return np.asarray(demand.cumulative[segment, day] + part, dtype=np.float64)


def draw_days(people: People, rng: np.random.Generator, demand: Demand) -> tuple[Ints, Ints, Flags]:
    """Return customer, day and whether the order is a certain one, for every order of people on file."""
    first_mass, second_mass = compute_mass(people, demand)
    count = rng.poisson(people.rate * (first_mass + second_mass))
    customer = np.repeat(np.arange(len(people)), count)
    position = rng.random(len(customer)) * (first_mass + second_mass)[customer]
    in_second = position > first_mass[customer]
    start = np.where(in_second, people.resurrected[customer], people.activated[customer])
    segment = people.segment[customer]
    target = accumulate_to(demand, segment, np.clip(start, 0, N_DAYS))
    target += np.where(in_second, position - first_mass[customer], position)
    day = _invert(demand, segment, target)
    arrivals = np.flatnonzero(~np.isnan(people.activated) & ~people.before_window)
    returns = np.flatnonzero(~np.isnan(people.resurrected))
    certain = np.concatenate([arrivals, returns])
    certain_day = np.concatenate([people.activated[arrivals], people.resurrected[returns]]).astype(np.int64)
    flags = np.concatenate([np.zeros(len(customer), bool), np.ones(len(certain), bool)])
    return np.concatenate([customer, certain]), np.concatenate([day, certain_day]), flags


def complete_orders(
    people: People,
    rng: np.random.Generator,
    segments: tuple[Segment, ...],
    customer: Ints,
    day: Ints,
    next_serial: Ints,
) -> Orders:
    """Give each order its hour, channel, payment, city and number. `next_serial` (per day) is moved on."""
    segment = people.segment[customer]
    channel_mix = np.array([s.channel_mix for s in segments])
    payment_mix = np.array([s.payment_mix for s in segments])
    usual = rng.random(len(customer)) < FAVOURITE_SHARE
    channel = np.where(usual, people.favourite_channel[customer], pick(rng, channel_mix, segment))
    usual = rng.random(len(customer)) < FAVOURITE_SHARE
    payment = np.where(usual, people.favourite_payment[customer], pick(rng, payment_mix, segment))
    gift = rng.random(len(customer)) < GIFT_SHARE
    city = people.city[customer].copy()
    city[gift] = draw_cities(rng, people.country[customer[gift]], np.ones(int(gift.sum())))
    return _number(rng, segments, customer, segment, day, channel, payment, city, next_serial)


def draw_walk_ins(
    rng: np.random.Generator, segments: tuple[Segment, ...], demand: Demand, n: int, next_serial: Ints
) -> Orders:
    """Draw n orders of people who are not on file; they behave like the segments, mixed by their demand."""
    demand_share = np.array([s.size_share * s.orders_per_year for s in segments[:N_CONSUMER_SEGMENTS]])
    segment = rng.choice(N_CONSUMER_SEGMENTS, size=n, p=demand_share / demand_share.sum()).astype(np.int64)
    day = pick(rng, demand.daily, segment)
    channel = rng.choice(len(CHANNELS), size=n, p=WALK_IN_CHANNELS).astype(np.int64)
    payment = pick(rng, np.array([s.payment_mix for s in segments]), segment)
    country = np.where(rng.random(n) < 0.95, 0, rng.integers(len(names.COUNTRIES), size=n))
    city = draw_cities(rng, country, np.ones(n))
    nobody = np.full(n, -1, dtype=np.int64)
    return _number(rng, segments, nobody, segment, day, channel, payment, city, next_serial)


def settle_payment(payment: Ints, channel: Ints, amount_cents: Ints) -> Ints:
    """Replace impossible payments: instalments below TWD 3,000, cash on delivery in a store."""
    small = (payment == _INSTALMENT) & (amount_cents < 300_000)
    at_counter = (payment == _CASH_ON_DELIVERY) & (channel == _STORE)
    return np.where(small, _CARD, np.where(at_counter, _WALLET, payment)).astype(np.int64)


def _number(
    rng: np.random.Generator,
    segments: tuple[Segment, ...],
    customer: Ints,
    segment: Ints,
    day: Ints,
    channel: Ints,
    payment: Ints,
    city: Ints,
    next_serial: Ints,
) -> Orders:
    """Draw the time of day, sort by time and number the orders of each day."""
    evening = rng.random(len(day)) < np.array([s.evening_share for s in segments])[segment]
    profile = np.where(channel == _STORE, 2, evening.astype(np.int64))
    hour = pick(rng, np.stack([_BY_DAY, _BY_EVENING, _IN_STORE]), profile)
    second = day * DAY_SECONDS + hour * 3600 + rng.integers(3600, size=len(day))
    order = np.lexsort((customer, second))
    sorted_day = day[order]
    first_of_day = np.searchsorted(sorted_day, sorted_day, side="left")
    serial = next_serial[sorted_day] + np.arange(len(order)) - first_of_day
    next_serial += np.bincount(sorted_day, minlength=N_DAYS)
    return Orders(
        customer=customer[order], segment=segment[order], second=second[order], serial=serial,
        channel=channel[order], payment=payment[order], city=city[order],
    )  # fmt: skip


def _invert(demand: Demand, segment: Ints, target: Floats) -> Ints:
    """Return the day on which the segment's running demand reaches a value."""
    height = float(demand.cumulative.max()) + 1.0
    rows = np.arange(len(demand.cumulative))[:, None] * height
    flat = (demand.cumulative[:, 1:] + rows).ravel()
    found = np.searchsorted(flat, target + segment * height, side="left") - segment * N_DAYS
    return np.asarray(np.clip(found, 0, N_DAYS - 1), dtype=np.int64)
