"""Who subscribes, when and why each of them leaves, what they pay; and what is planted in each."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl
from numpy.typing import NDArray

from sample_data.names import CITIES, COUNTRIES, COUNTRY_SHARES
from sample_data.streaming_service import (
    CAUSES,
    CHANNELS,
    DECLINE_DAYS,
    DECLINE_DEPTHS,
    FIRST_DECLINE_DAY,
    MOST_RENEWALS,
    N_DAYS,
    N_VOLUNTARY,
    PAYMENTS,
    PLANS,
    PROMOTION_MONTHS,
    START,
    TRIAL_CENTS,
    Service,
    compute_intensities,
    compute_renewals,
    compute_use_factor,
)

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

GENDERS = ("female", "male", "other")
GENDER_SHARES = (0.49, 0.48, 0.03)
CONSENT_SHARE = 0.62
NEVER = np.iinfo(np.int64).max // 4  # day of leaving of who has no planted end
_DAY_US, _EPOCH_DAY = 86_400_000_000, (START - date(1970, 1, 1)).days


@dataclass(frozen=True, slots=True, eq=False)
class Subscribers:
    """One block of subscribers; arrays of equal length, days since the first day of the world."""

    ids: pl.Series
    plan: Ints
    channel: Ints
    payment: Ints
    gender: Ints
    birth_year: Ints
    city: Ints  # in names.CITIES
    consent: Flags
    joined: Ints
    plays_per_week: Floats
    frailty: Floats
    n_fees: Ints  # renewals until leaving: number of fees that are paid in all; MOST_RENEWALS + 1 without an end
    leaves: Ints  # day of leaving, after the end of the world for most; NEVER without an end
    cause: Ints  # -1 without an end
    declines: Flags
    onset: Ints  # day; NEVER without a decline
    depth: Floats  # 1 without a decline

    def __len__(self) -> int:
        return len(self.plan)

    @property
    def ends(self) -> Ints:
        """First day without the service, or the first day after the world."""
        return np.minimum(self.leaves, N_DAYS)


def draw_subscribers(
    rng: np.random.Generator, lives: np.random.Generator, service: Service, n: int, first: int
) -> Subscribers:
    """Draw ``n`` subscribers, the first of them number ``first``."""
    plan = rng.choice(
        len(PLANS), size=n, p=np.array([p.share for p in service.plans]) / sum(p.share for p in service.plans)
    )
    channel = rng.choice(len(CHANNELS), size=n, p=service.channel_shares)
    payment = rng.choice(len(PAYMENTS), size=n, p=service.payment_shares)
    # an opening rush, then as many every day as the day before
    joined = np.where(rng.random(n) < 0.18, rng.exponential(25.0, n), rng.uniform(0, N_DAYS, n))
    joined = np.minimum(joined.astype(np.int64), N_DAYS - 1)
    usual = np.array([p.plays_per_week for p in service.plans])[plan]
    plays = rng.gamma(service.use_shape, 1.0, n) / service.use_shape * usual + 0.02
    frailty = rng.gamma(service.frailty_shape, 1.0, n) / service.frailty_shape
    country = rng.choice(len(COUNTRIES), size=n, p=COUNTRY_SHARES)
    city = np.zeros(n, dtype=np.int64)
    of_country, weight = np.array([c[1] for c in CITIES]), np.array([c[2] for c in CITIES])
    for k in range(len(COUNTRIES)):
        here, cities = np.flatnonzero(country == k), np.flatnonzero(of_country == k)
        city[here] = rng.choice(cities, size=len(here), p=weight[cities] / weight[cities].sum())
    age = np.clip(18 + rng.gamma(2.6, 7.5, n) + np.array([-2.0, 0.0, 4.0])[plan], 18, 85).astype(np.int64)
    n_fees, leaves, cause = _draw_ends(lives, service, plan, channel, payment, joined, plays, frailty)
    share = np.array([c.decline_share for c in service.causes] + [0.0])[cause]
    declines = lives.random(n) < share
    begin = leaves - np.array(DECLINE_DAYS)[lives.integers(len(DECLINE_DAYS), size=n)]
    depth = np.array(DECLINE_DEPTHS)[lives.integers(len(DECLINE_DEPTHS), size=n)]
    return Subscribers(
        ids=pl.Series("customer_id", [f"S{k:07d}" for k in range(first, first + n)]),
        plan=plan,
        channel=channel,
        payment=payment,
        gender=rng.choice(len(GENDERS), size=n, p=GENDER_SHARES),
        birth_year=2026 - age,
        city=city,
        consent=rng.random(n) < CONSENT_SHARE,
        joined=joined,
        plays_per_week=plays,
        frailty=frailty,
        n_fees=n_fees,
        leaves=leaves,
        cause=cause,
        declines=declines,
        onset=np.where(declines, np.maximum(begin, joined + FIRST_DECLINE_DAY), NEVER),
        depth=np.where(declines, depth, 1.0),
    )


def _draw_ends(
    rng: np.random.Generator,
    service: Service,
    plan: Ints,
    channel: Ints,
    payment: Ints,
    joined: Ints,
    plays: Floats,
    frailty: Floats,
) -> tuple[Ints, Ints, Ints]:
    """Draw each subscriber's renewal, day and cause of leaving.

    The first renewal at which the sum of intensities passes an exponential draw: the planted chances, exactly.
    """
    n = len(plan)
    renewals = compute_renewals(joined, MOST_RENEWALS)
    by_cause = [compute_intensities(service, c, plan, channel, payment, renewals) for c in range(len(CAUSES))]
    own = frailty * compute_use_factor(service, plan, plays)
    end = np.full(n, MOST_RENEWALS + 1)
    cause = np.full(n, -1)
    for causes, factor in ((range(N_VOLUNTARY, len(CAUSES)), np.ones(n)), (range(N_VOLUNTARY), own)):
        total = np.cumsum(sum(by_cause[c] for c in causes), axis=1) * factor[:, None]
        passed = total > rng.exponential(1.0, n)[:, None]
        at = np.where(passed.any(axis=1), passed.argmax(axis=1) + 1, MOST_RENEWALS + 1)
        earlier = at < end  # at the same renewal, what nobody chooses comes first
        end = np.where(earlier, at, end)
        column = np.minimum(end, MOST_RENEWALS) - 1
        parts = np.stack([by_cause[c][np.arange(n), column] for c in causes], axis=1).cumsum(axis=1)
        drawn = (parts < rng.random(n)[:, None] * parts[:, -1:]).sum(axis=1) + causes[0]
        cause = np.where(earlier, drawn, cause)
    leaves = renewals[np.arange(n), np.minimum(end, MOST_RENEWALS)]
    return end, np.where(cause >= 0, leaves, NEVER), cause


def write_customers(people: Subscribers) -> pl.DataFrame:
    """Write what is on file on the last day."""
    has_left = people.leaves < N_DAYS
    country = np.array([c[1] for c in CITIES])[people.city]
    return pl.DataFrame(
        {
            "customer_id": people.ids,
            "gender": pl.Series(GENDERS).gather(people.gender),
            "birth_year": people.birth_year,
            "city": pl.Series([c[0] for c in CITIES]).gather(people.city),
            "country": pl.Series(COUNTRIES).gather(country),
            "joined_at": to_dates(people.joined),
            "left_at": to_dates(people.leaves, has_left),
            "leaving_reason": pl.Series([*CAUSES, None]).gather(np.where(has_left, people.cause, len(CAUSES))),
            "tier": pl.Series(PLANS).gather(people.plan),
            "acquisition_channel": pl.Series(CHANNELS).gather(people.channel),
            "marketing_consent": people.consent,
        }
    )


def write_fees(people: Subscribers, rng: np.random.Generator, service: Service) -> pl.DataFrame:
    """Write one order per month and subscriber: at renewal 0, 1, ... while the contract runs."""
    most = -(-N_DAYS // 28)
    renewals = compute_renewals(people.joined, most)
    owed = (renewals < N_DAYS) & (np.arange(most + 1) < people.n_fees[:, None])
    who, month = np.nonzero(owed)
    day, plan = renewals[who, month], people.plan[who]
    rise = (service.price_rises_on - START).days
    price = np.where(
        day < rise,
        np.array([p.price_before for p in service.plans])[plan],
        np.array([p.price_after for p in service.plans])[plan],
    )
    promoted = (people.channel[who] == CHANNELS.index("promotion")) & (month < PROMOTION_MONTHS)
    amount = np.where(month == 0, TRIAL_CENTS, np.where(promoted, price // 2, price))
    second = rng.integers(6 * 60, 11 * 60, len(who)) * 60
    ids = people.ids.gather(who)
    money = pl.Decimal(12, 2)
    frame = pl.DataFrame(
        {
            "customer_id": ids,
            "order_id": ids + "-" + pl.Series(month + 1).cast(pl.String).str.zfill(3),
            "ordered_at": pl.Series((day + _EPOCH_DAY) * _DAY_US + second * 1_000_000).cast(pl.Datetime("us")),
            "product_id": pl.Series([name.upper() for name in PLANS]).gather(plan),
            "product": pl.Series(PLANS).gather(plan),
            "category": pl.Series(["subscription"]).gather(np.zeros(len(who), dtype=np.int64)),
            "quantity": np.ones(len(who), dtype=np.int64),
            "_price": price,
            "_discount": price - amount,
            "_amount": amount,
            "payment_method": pl.Series(PAYMENTS).gather(people.payment[who]),
        }
    )
    cents = {"unit_price": "_price", "discount_amount": "_discount", "amount": "_amount"}
    exact = [(pl.col(c).cast(pl.Decimal(14, 2)) / 100).cast(money).alias(name) for name, c in cents.items()]
    return (
        frame.with_columns(exact)
        .select(*(c for c in frame.columns[:7]), *cents, "payment_method")
        .sort("ordered_at", "customer_id")
    )


def write_truth_of(people: Subscribers) -> pl.DataFrame:
    """Write what is planted in each subscriber."""
    known = people.cause >= 0
    return pl.DataFrame(
        {
            "customer_id": people.ids,
            "plays_per_week": np.round(people.plays_per_week, 6),
            "frailty": np.round(people.frailty, 6),
            "leaves_on": to_dates(people.leaves, known),
            "cause": pl.Series([*CAUSES, None]).gather(np.where(known, people.cause, len(CAUSES))),
            "is_voluntary": pl.select(
                pl.when(pl.lit(pl.Series(known))).then(pl.lit(pl.Series(people.cause < N_VOLUNTARY)))
            ).to_series(),
            "months_paid": people.n_fees,
            "declines": people.declines,
            "decline_onset": to_dates(people.onset, people.declines),
            "decline_depth": pl.Series(np.where(people.declines, people.depth, np.nan)).fill_nan(None),
        }
    ).with_columns(pl.when(pl.Series(known)).then("months_paid").alias("months_paid"))


def to_dates(day: Ints, kept: Flags | None = None) -> pl.Series:
    """Turn days of the world into dates; null where not kept."""
    days = pl.Series(np.where(kept, day, 0) if kept is not None else day) + _EPOCH_DAY
    dates = days.cast(pl.Int32).cast(pl.Date)
    if kept is None:
        return dates
    return pl.select(pl.when(pl.lit(pl.Series(kept))).then(pl.lit(dates))).to_series()
