"""Two randomised campaigns whose effect differs by segment, and really shows in the orders.

Recipients are consumers with consent whose first order lies before the sending. Half of them, by the toss of a
coin, are treated; the control group gets nothing. For a treated customer who is active through the outcome window:

* effect e > 0: one more order comes with probability e within the outcome window;
* effect e < 0: each order in the window is lost with probability -e (people who are put off by a reminder).

People who had silently dropped out do not react: the company writes to them all the same. `responded` says
whether the customer ordered within the window, `revenue` is what those orders were worth.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl
from numpy.typing import NDArray

from sample_data.demand import Demand
from sample_data.lines import to_money
from sample_data.orders import DAY_SECONDS, Orders, compute_mass, is_active
from sample_data.people import People
from sample_data.seasons import EPOCH_DAY, START
from sample_data.seeds import Part, stream
from sample_data.segments import N_CONSUMER_SEGMENTS, Segment

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

WINDOW_DAYS = 14  # outcome window after the day of sending


@dataclass(frozen=True, slots=True)
class Campaign:
    """One campaign; `sent_day` counts from the first day of the world, money in cents of TWD."""

    name: str
    channel: str  # mail, app
    sent_day: int
    strength: float  # multiplies the segments' effects
    contact_cost: int  # per treated customer
    voucher_cost: int  # per treated customer who responds


@dataclass(frozen=True, slots=True, eq=False)
class Sending:
    """One campaign's recipients in one block of customers."""

    campaign: Campaign
    recipient: Ints  # position in the block
    treated: Flags
    effect: Floats  # true change of the probability to respond, per recipient, if treated
    reach: Floats  # strength that acts on each customer of the block: 0 unless treated and active throughout


def draw_campaigns(seed: int) -> tuple[Campaign, ...]:
    """Draw the two campaigns: autumn 2025 and spring 2026."""
    rng = stream(seed, Part.CAMPAIGNS)
    autumn = (date(2025, 9, 8) - START).days + int(rng.integers(0, 14))
    spring = (date(2026, 3, 30) - START).days + int(rng.integers(0, 14))
    strength = rng.uniform(0.85, 1.2, 2)
    return (
        Campaign("autumn_voucher_2025", "mail", autumn, round(float(strength[0]), 3), 150, 10_000),
        Campaign("spring_voucher_2026", "app", spring, round(float(strength[1]), 3), 80, 12_000),
    )


def send(
    people: People, rng: np.random.Generator, segments: tuple[Segment, ...], demand: Demand, campaign: Campaign
) -> Sending:
    """Choose the recipients, toss the coin and compute each recipient's true effect."""
    with np.errstate(invalid="ignore"):
        known = people.activated < campaign.sent_day
    recipient = np.flatnonzero(people.consent & known & (people.segment < N_CONSUMER_SEGMENTS))
    treated = rng.random(len(recipient)) < 0.5
    first, last = campaign.sent_day + 1, campaign.sent_day + 1 + WINDOW_DAYS
    expected = people.rate * sum(compute_mass(people, demand, first, last))
    strength = np.array([s.extra_order_probability for s in segments])[people.segment] * campaign.strength
    quiet = np.exp(-expected)  # probability of no order if left alone
    gained = quiet * np.maximum(strength, 0)
    lost = np.exp(-expected * (1 + np.minimum(strength, 0))) - quiet
    stays = is_active(people, first) & is_active(people, last)
    effect = np.where(stays, gained - lost, 0.0)
    reach = np.zeros(len(people))
    reach[recipient[treated]] = strength[recipient[treated]]
    reach[~stays] = 0.0
    return Sending(campaign, recipient, treated, effect[recipient], reach)


def change_orders(
    people: People, rng: np.random.Generator, sending: Sending, customer: Ints, day: Ints, certain: Flags
) -> tuple[Ints, Ints, Flags]:
    """Add and remove orders of treated customers; the certain orders stay."""
    first = sending.campaign.sent_day + 1
    in_window = (day >= first) & (day < first + WINDOW_DAYS)
    lost = in_window & ~certain & (rng.random(len(customer)) < -sending.reach[customer])
    more = np.flatnonzero(rng.random(len(people)) < sending.reach)
    more_day = first + rng.integers(0, WINDOW_DAYS, len(more))
    return (
        np.concatenate([customer[~lost], more]),
        np.concatenate([day[~lost], more_day]),
        np.concatenate([certain[~lost], np.zeros(len(more), bool)]),
    )


def expect_change(people: People, demand: Demand, sending: Sending) -> Floats:
    """Return the expected change of orders by kind of account and day, shape (kinds, days)."""
    first = sending.campaign.sent_day + 1
    n_kinds = len(demand.daily)
    change = np.zeros(demand.daily.shape)
    gained = np.bincount(people.segment, weights=np.maximum(sending.reach, 0), minlength=n_kinds)
    change[:, first : first + WINDOW_DAYS] = gained[:, None] / WINDOW_DAYS
    loss = np.minimum(sending.reach, 0) * people.rate
    lost_rate = np.bincount(people.segment, weights=loss, minlength=n_kinds)
    for day in range(first, first + WINDOW_DAYS):
        change[:, day] += lost_rate * demand.daily[:, day]
    return change


def write_outcomes(sending: Sending, people: People, orders: Orders, order_cents: Ints) -> pl.DataFrame:
    """Return the campaign table; `order_cents` is each order's worth before returns."""
    campaign = sending.campaign
    first = campaign.sent_day + 1
    inside = (orders.day >= first) & (orders.day < first + WINDOW_DAYS) & (orders.customer >= 0)
    n = len(people)
    n_orders = np.bincount(orders.customer[inside], minlength=n)[sending.recipient]
    weights = order_cents[inside].astype(np.float64)
    revenue = np.bincount(orders.customer[inside], weights=weights, minlength=n)[sending.recipient]
    responded = n_orders > 0
    cost = np.where(sending.treated, campaign.contact_cost + responded * campaign.voucher_cost, 0)
    sent_at = ((campaign.sent_day + EPOCH_DAY) * DAY_SECONDS + 9 * 3600) * 1_000_000
    frame = pl.DataFrame(
        {
            "customer_id": people.ids.gather(sending.recipient),
            "sent_at": pl.Series(np.full(len(responded), sent_at)).cast(pl.Datetime("us")),
            "campaign": pl.Series([campaign.name] * len(responded), dtype=pl.String),
            "channel": pl.Series([campaign.channel] * len(responded), dtype=pl.String),
            "arm": pl.Series(["control", "treatment"]).gather(sending.treated.astype(np.int64)),
            "responded": responded,
            "revenue": revenue.astype(np.int64),
            "cost": cost.astype(np.int64),
        }
    )
    return frame.with_columns(to_money("revenue"), to_money("cost"))


def write_effects(sending: Sending, people: People) -> pl.DataFrame:
    """Return each recipient's true effect (change of the probability to respond, if treated)."""
    return pl.DataFrame(
        {
            "customer_id": people.ids.gather(sending.recipient),
            "campaign": pl.Series([sending.campaign.name] * len(sending.recipient), dtype=pl.String),
            "segment": pl.Series(people.segment[sending.recipient]),
            "effect": np.round(sending.effect, 6),
        }
    )
