"""What is planted in the streaming world: plans, prices, reasons for leaving and their hazards, use and its decline.

Everything here depends on the seed alone, and all of it is written to `truth.json`.

*Leaving.* A contract ends at a renewal: m months after it began (m = 1, 2, ...), so who leaves at renewal m has paid m
fees. Hazards are cumulative intensities per renewal, specific to a cause c:

    lambda_c(m) = base_c x shape_c(m) x plan_c x channel_c x (payment_c) x rise(m) x [v x use] for voluntary causes

`v` is a frailty (gamma with mean 1, own to each subscriber) and `use` is (plays per week / usual of the plan) to the
power of `-use_protects`. At a renewal the causes that nobody chooses come first: P(outside) = 1 - exp(-sum of theirs),
then P(voluntary) = 1 - exp(-sum of theirs); within a group the cause is drawn in proportion to its intensity.

*Decline.* Of the leavers for cause c the share `decline_share_c` plays less before leaving: the onset lies one of
`DECLINE_DAYS` before the day of leaving (evenly; not before the eighth day of the contract), and within `RAMP_DAYS` the
level falls in a straight line to one of `DECLINE_DEPTHS` (evenly). The others leave out of the blue.

*Lulls.* Everybody's contract has lulls: week by week (weeks counted from the first day) a lull begins with chance
`lull_begins` and ends with chance `lull_ends`; during one the level is `lull_depth`.

*Plays* are Poisson: plays per week (gamma within the plan) / 7 x weekday x season x level. Searches, browsing and likes
hang on plays and tell nothing more. *Contacts* about a topic are Poisson with `contacts_per_year`; who leaves for the
price or for technical reasons has, with chance `calls_before_leaving`, one more about it in the `CALL_DAYS` before.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

from sample_data.seasons import END, LUNAR_NEW_YEAR
from sample_data.seeds import Part, stream

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

START = date(2024, 7, 1)  # the service opens; END is the as-of day, that of the marketplace
N_DAYS = (END - START).days + 1
MOST_RENEWALS = 96  # contracts that would last longer have no planted end

PLANS = ("basic", "standard", "premium")
CHANNELS = ("organic", "promotion", "referral", "partner")
PAYMENTS = ("card", "wallet", "phone_bill")
CAUSES = ("price", "content", "technical", "moved", "payment_failed")
N_VOLUNTARY = 3  # of CAUSES, the first: those that frailty and use act upon
PRICE, CONTENT, TECHNICAL, MOVED, PAYMENT_FAILED = range(5)
TOPICS = ("price", "technical", "account")  # of contacts; those before leaving are about the cause of that name

TRIAL_CENTS = 3_000  # the first month costs this, whatever the plan
PROMOTION_MONTHS = 3  # who came by a promotion pays half until the third month
DECLINE_DAYS = (21, 28, 35, 42, 49, 56, 63, 70)
DECLINE_DEPTHS = (0.1, 0.25, 0.45)
RAMP_DAYS = 14
FIRST_DECLINE_DAY = 7  # after the contract began, at the earliest
CALL_DAYS = 28
LULL_WEEKS = -(-N_DAYS // 7)


@dataclass(frozen=True, slots=True)
class Plan:
    """One plan: list price in cents before and after the rise, use, and factors of the voluntary causes."""

    name: str
    share: float
    price_before: int
    price_after: int
    plays_per_week: float  # mean over subscribers
    cause_factors: tuple[float, float, float]  # of price, content, technical


@dataclass(frozen=True, slots=True)
class Cause:
    """One cause of leaving: intensity per renewal of an ordinary month, share of its leavers who decline."""

    name: str
    base: float
    decline_share: float


@dataclass(frozen=True, slots=True)
class Service:
    """Every planted parameter."""

    plans: tuple[Plan, ...]
    channel_shares: tuple[float, ...]
    payment_shares: tuple[float, ...]
    causes: tuple[Cause, ...]
    channel_factors: tuple[tuple[float, ...], ...]  # by channel, of price, content, technical
    payment_factors: tuple[float, ...]  # of payment_failed
    frailty_shape: float
    use_protects: float
    use_shape: float  # of the gamma of plays per week within a plan
    trial_factor: float  # of price and content at the first renewal
    promotion_factor: float  # of price at the third renewal, for who came by a promotion
    anniversary_factor: float  # of price and content at every twelfth renewal
    technical_fade_months: float  # technical troubles are those of the first months
    price_rises_on: date
    rise_factor: float  # of price at the first two renewals at the new price, for who began before it
    weekly: tuple[float, ...]  # plays by weekday, Monday first, mean 1
    winter: float  # plays = 1 + winter x cos(day of the year), highest in mid-January
    new_year: float  # plays in the week of the Lunar New Year
    lull_begins: float
    lull_ends: float
    lull_depth: float
    contacts_per_year: tuple[float, ...]  # by topic
    calls_before_leaving: tuple[float, float]  # of who leaves for the price, for technical reasons


def draw_service(seed: int) -> Service:
    """Draw the service from the seed."""
    rng = stream(seed, Part.SERVICE)

    def near(value: float, spread: float = 0.15, digits: int = 4) -> float:
        return round(float(value * rng.uniform(1 - spread, 1 + spread)), digits)

    shares = rng.dirichlet((22.0, 28.0, 14.0))
    plans = tuple(
        Plan(name, round(float(share), 4), before, after, near(plays), factors)
        for name, share, before, after, plays, factors in zip(
            PLANS,
            shares,
            (19_900, 29_900, 39_900),
            (22_900, 33_900, 43_900),
            (1.7, 2.4, 3.1),
            ((1.35, 1.1, 1.0), (1.0, 1.0, 1.0), (0.75, 0.8, 1.25)),
            strict=True,
        )
    )
    causes = tuple(
        Cause(name, near(base, 0.2), round(float(rng.uniform(*declines)), 3))
        for name, base, declines in zip(
            CAUSES,
            (0.0120, 0.0145, 0.0080, 0.0035, 0.0050),
            ((0.55, 0.70), (0.75, 0.90), (0.40, 0.55), (0.20, 0.30), (0.0, 0.0)),
            strict=True,
        )
    )
    weekend = rng.uniform(1.3, 1.6)
    weekly = np.array([0.85, 0.82, 0.85, 0.9, 1.1, weekend, weekend * 0.95])
    weekly /= weekly.mean()
    return Service(
        plans=plans,
        channel_shares=(0.42, 0.26, 0.18, 0.14),
        payment_shares=(0.6, 0.24, 0.16),
        causes=causes,
        channel_factors=((1.0, 1.0, 1.0), (1.4, 1.1, 1.0), (0.7, 0.75, 0.9), (0.85, 1.15, 1.3)),
        payment_factors=(1.3, 0.8, 0.15),
        frailty_shape=near(1.1),
        use_protects=near(0.4),
        use_shape=near(1.7),
        trial_factor=near(2.6),
        promotion_factor=near(4.5),
        anniversary_factor=near(2.8),
        technical_fade_months=near(7.0),
        price_rises_on=START + timedelta(days=int(rng.integers(380, 520))),
        rise_factor=near(2.6),
        weekly=tuple(round(float(w), 4) for w in weekly),
        winter=near(0.12),
        new_year=near(1.45),
        lull_begins=near(0.022),
        lull_ends=near(0.33),
        lull_depth=near(0.2),
        contacts_per_year=(near(0.14), near(0.22), near(0.2)),
        calls_before_leaving=(near(0.3), near(0.55)),
    )


def compute_renewals(joined: Ints, n: int) -> Ints:
    """Return the day of renewal 0 ... n by customer; days count from the first day of the world.

    A contract renews on the day of the month on which it began, or on the last day of a shorter month.
    """
    first = np.datetime64(START) + joined.astype("timedelta64[D]")
    month = first.astype("datetime64[M]")
    day = (first - month.astype("datetime64[D]")).astype(np.int64)
    months = month[:, None] + np.arange(n + 1).astype("timedelta64[M]")[None, :]
    length = ((months + 1).astype("datetime64[D]") - months.astype("datetime64[D]")).astype(np.int64)
    days = months.astype("datetime64[D]").astype(np.int64) + np.minimum(day[:, None], length - 1)
    return np.asarray(days - np.datetime64(START).astype("datetime64[D]").astype(np.int64), dtype=np.int64)


def compute_intensities(
    service: Service, cause: int, plan: Ints, channel: Ints, payment: Ints, renewals: Ints
) -> Floats:
    """Return lambda of one cause at renewals 1, 2, ... by customer, without frailty and use.

    ``renewals`` are the days of renewal 0, 1, 2, ...; the result has one column less.
    """
    m = np.arange(1, renewals.shape[1])
    out = np.full((len(plan), len(m)), service.causes[cause].base)
    if cause < N_VOLUNTARY:
        out *= np.array([p.cause_factors[cause] for p in service.plans])[plan][:, None]
        out *= np.array([f[cause] for f in service.channel_factors])[channel][:, None]
    if cause in (PRICE, CONTENT):
        out[:, m == 1] *= service.trial_factor
        out[:, m % 12 == 0] *= service.anniversary_factor
    if cause == PRICE:
        promoted = channel == CHANNELS.index("promotion")
        out[np.ix_(promoted, m == PROMOTION_MONTHS)] *= service.promotion_factor
        rise = (service.price_rises_on - START).days
        n_before = (renewals < rise).sum(axis=1)[:, None]  # fees paid at the old price: the first new one is number m
        out[(n_before > 0) & (m >= n_before) & (m < n_before + 2)] *= service.rise_factor
    if cause == TECHNICAL:
        out *= 0.35 + 1.65 * np.exp(-(m - 1) / service.technical_fade_months)
    if cause == PAYMENT_FAILED:
        out *= np.array(service.payment_factors)[payment][:, None]
    return out


def compute_use_factor(service: Service, plan: Ints, plays_per_week: Floats) -> Floats:
    """Return what use does to the voluntary causes: who plays more leaves less."""
    usual = np.array([p.plays_per_week for p in service.plans])[plan]
    return np.asarray((plays_per_week / usual) ** -service.use_protects, dtype=np.float64)


def compute_calendar(service: Service) -> Floats:
    """Return the factor of plays on each day of the world: weekday x season."""
    day = np.arange(N_DAYS)
    weekday = (START.weekday() + day) % 7
    of_year = np.array([(START + timedelta(days=int(d))).timetuple().tm_yday for d in day])
    factor = np.array(service.weekly)[weekday] * (1 + service.winter * np.cos(2 * np.pi * (of_year - 15) / 365.25))
    for first in LUNAR_NEW_YEAR.values():
        since = day - (first - START).days
        factor[(since >= -1) & (since <= 5)] *= service.new_year
    return np.asarray(factor, dtype=np.float64)


def compute_decline(days_since_onset: Floats, depth: Floats) -> Floats:
    """Return the level of use at a time since the onset (days; before it: 1)."""
    return np.asarray(1 - (1 - depth) * np.clip(days_since_onset / RAMP_DAYS, 0.0, 1.0), dtype=np.float64)
