"""The customers: what drives each of them (latent, in the truth) and what the company has on file.

Latent, per customer:

* segment, and an order rate per year: gamma within the segment (mean and shape in `segments.py`);
* a life: the account is opened, some weeks later (for some at once) the first order comes for certain, then
  orders follow the rate until a silent dropout whose waiting time is exponential with a hazard per year that is
  itself gamma distributed within the segment (the Pareto/NBD story with the world's calendar on top);
* some of those dropped out come back after a gap, order at once, and live a second life with the same hazard;
* a share of accounts never orders (acquaintances);
* a share of customers was active before the world begins: their first order here is not their first ever.

Times are floats in days since the first day of the world.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from sample_data import names
from sample_data.demand import Demand, pick
from sample_data.seasons import END, EPOCH_DAY, N_DAYS
from sample_data.segments import ACQUISITIONS, N_CONSUMER_SEGMENTS, TEST, WHOLESALE, Segment

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

BEFORE_WINDOW_SHARE = 0.35  # of consumers: active before the first day
YEARLY_GROWTH_OF_ARRIVALS = 0.12  # natural logarithm per year
DUPLICATE_SHARE = 0.004  # of accounts: a second account of the same person
WHOLESALE_SHARE = 0.002
TEST_SHARE = 0.0005
COMEBACK_GAP_MIN_DAYS = 120.0
COMEBACK_GAP_MEAN_EXTRA_DAYS = 90.0
CONSENT_SHARE = 0.72


@dataclass(frozen=True, slots=True, eq=False)
class People:
    """One block of customers; arrays of equal length n. NaN times mean "never"."""

    first_number: int  # customer number of the first one
    segment: Ints  # 0-4 consumers, 5 wholesale, 6 test
    rate: Floats  # orders per year while active
    hazard: Floats  # dropouts per year
    joined: Floats  # account opened
    activated: Floats  # first order; NaN: never orders
    before_window: Flags
    first_dropout: Floats  # may lie after the last day
    resurrected: Floats  # first order of the second life
    dropout: Floats  # final dropout; may lie after the last day
    country: Ints
    city: Ints
    language: Ints
    favourite_channel: Ints
    favourite_payment: Ints
    gender: Ints  # 0 female, 1 male, 2 other, 3 not given
    birth_year: Ints  # 0 = not given
    consent: Flags
    duplicate_of: Ints  # position of the same person's first account in the block, -1 for none

    def __len__(self) -> int:
        return len(self.segment)

    @property
    def ids(self) -> pl.Series:
        """Customer ids."""
        return format_ids(np.arange(len(self), dtype=np.int64) + self.first_number)


def format_ids(number: Ints) -> pl.Series:
    """Return customer ids (C and seven digits) for customer numbers."""
    return pl.Series("customer_id", number).cast(pl.String).str.zfill(7).str.replace("^", "C")


def draw_people(
    rng: np.random.Generator, segments: tuple[Segment, ...], demand: Demand, n: int, first_number: int
) -> People:
    """Draw one block of n customers."""
    segment = rng.choice(N_CONSUMER_SEGMENTS, size=n, p=_normalise([s.size_share for s in segments[:5]]))
    slots = rng.permutation(n)  # special accounts sit anywhere
    n_test = max(1, round(n * TEST_SHARE)) if n >= 50 else 0
    n_wholesale = max(2, round(n * WHOLESALE_SHARE)) if n >= 50 else 0
    segment[slots[:n_test]] = TEST
    segment[slots[n_test : n_test + n_wholesale]] = WHOLESALE
    segment = segment.astype(np.int64)
    consumer = segment < N_CONSUMER_SEGMENTS

    def by_segment(values: list[float]) -> Floats:
        return np.asarray(values, dtype=np.float64)[segment]

    shape = by_segment([s.rate_shape for s in segments])
    rate = by_segment([s.orders_per_year for s in segments]) * rng.gamma(shape) / shape
    shape = by_segment([s.dropout_shape for s in segments])
    hazard = by_segment([s.dropout_per_year for s in segments]) * rng.gamma(shape) / shape

    before = (rng.random(n) < BEFORE_WINDOW_SHARE) & (segment != TEST)
    activated = _draw_arrivals(rng, segment, demand)
    delay = np.where(rng.random(n) < 0.4, rng.random(n) * 0.02, rng.exponential(45.0, n))
    joined = activated - delay
    activated = np.where(before, 0.0, activated)
    joined = np.where(before, -rng.exponential(420.0, n) - 1.0, joined)
    buyer = rng.random(n) < by_segment([s.buyer_share for s in segments])
    before &= buyer
    never = ~buyer
    joined[never] = rng.uniform(-500, N_DAYS - 1, int(never.sum()))
    activated[never] = np.nan

    first_dropout = activated + rng.exponential(1.0, n) / hazard * 365.25
    comes_back = rng.random(n) < by_segment([s.comeback_share for s in segments])
    gap = COMEBACK_GAP_MIN_DAYS + rng.exponential(COMEBACK_GAP_MEAN_EXTRA_DAYS, n)
    back = np.where(comes_back & (first_dropout + gap < N_DAYS), first_dropout + gap, np.nan)
    second_life = rng.exponential(1.0, n) / hazard * 365.25
    dropout = np.where(np.isnan(back), first_dropout, back + second_life)

    country = rng.choice(len(names.COUNTRIES), size=n, p=names.COUNTRY_SHARES).astype(np.int64)
    tilt = by_segment([s.big_city_tilt for s in segments])
    city = draw_cities(rng, country, tilt)
    age = rng.normal(by_segment([s.age_mean for s in segments]), by_segment([s.age_sd for s in segments]))
    birth_year = END.year - np.clip(np.round(age), 16, 88).astype(np.int64)
    birth_year[rng.random(n) < 0.08] = 0
    female = rng.random(n) < by_segment([s.female_share for s in segments])
    gender = np.where(female, 0, 1)
    told = rng.random(n)
    gender = np.where(told < 0.01, 2, np.where(told < 0.07, 3, gender)).astype(np.int64)
    favourite_channel = pick(rng, np.array([s.channel_mix for s in segments]), segment)
    favourite_payment = pick(rng, np.array([s.payment_mix for s in segments]), segment)
    language = pick(rng, np.array(names.LANGUAGE_SHARES), country)
    consent = (rng.random(n) < CONSENT_SHARE) & consumer

    duplicate_of = np.full(n, -1, dtype=np.int64)
    people = np.flatnonzero(consumer & buyer)
    n_pairs = min(max(1, round(n * DUPLICATE_SHARE)), len(people) // 2)
    pairs = rng.permutation(people)[: 2 * n_pairs].reshape(-1, 2)
    for first, second in pairs:
        if joined[second] < joined[first]:
            first, second = second, first
        duplicate_of[second] = first
        for same in (country, city, language, gender, birth_year, segment):
            same[second] = same[first]
        for same_figure in (rate, hazard):
            same_figure[second] = same_figure[first]
    return People(
        first_number=first_number, segment=segment, rate=rate, hazard=hazard, joined=joined,
        activated=activated, before_window=before, first_dropout=first_dropout, resurrected=back,
        dropout=dropout, country=country, city=city, language=language,
        favourite_channel=favourite_channel, favourite_payment=favourite_payment, gender=gender,
        birth_year=birth_year, consent=consent, duplicate_of=duplicate_of,
    )  # fmt: skip


def draw_cities(rng: np.random.Generator, country: Ints, tilt: Floats) -> Ints:
    """Draw a city in each one's country; weights are raised to the tilt."""
    weights = np.array([w for _, _, w in names.CITIES])
    home = np.array([c for _, c, _ in names.CITIES])
    city = np.empty(len(country), dtype=np.int64)
    for c in range(len(names.COUNTRIES)):
        for t in np.unique(tilt):
            members = np.flatnonzero((country == c) & (tilt == t))
            choices = np.flatnonzero(home == c)
            share = weights[choices] ** t
            city[members] = rng.choice(choices, size=len(members), p=share / share.sum())
    return city


def write_files_on(
    people: People, rng: np.random.Generator, segments: tuple[Segment, ...], spent: Floats
) -> pl.DataFrame:
    """Return the company's customer file. `spent` is each one's turnover of the last 365 days in TWD."""
    n = len(people)
    number = np.arange(n, dtype=np.int64) + people.first_number
    name, mail = _draw_names(people, rng, number)
    phone_number = rng.integers(100000, 1000000, n)
    twin = people.duplicate_of >= 0
    phone_number[twin] = phone_number[people.duplicate_of[twin]]
    dial = pl.Series("d", names.DIAL_CODES).gather(people.country)
    acquisition = pick(rng, np.array([s.acquisition_mix for s in segments]), people.segment)
    tier = np.searchsorted([4000.0, 15000.0, 50000.0], spent, side="right")
    return pl.DataFrame(
        {
            "customer_id": people.ids,
            "account_type": pl.Series("a", [s.account_type for s in segments]).gather(people.segment),
            "name": name,
            "email": mail,
            "phone": dial,
            "gender": pl.Series("g", ["female", "male", "other", None]).gather(people.gender),
            "birth_year": pl.Series("b", people.birth_year),
            "city": pl.Series("c", [c for c, _, _ in names.CITIES]).gather(people.city),
            "country": pl.Series("n", names.COUNTRIES).gather(people.country),
            "joined_at": pl.Series("j", _to_epoch_day(people.joined)).cast(pl.Int32),
            "acquisition_channel": pl.Series("q", ACQUISITIONS).gather(acquisition),
            "tier": pl.Series("t", ["basic", "silver", "gold", "platinum"]).gather(tier),
            "marketing_consent": pl.Series("m", people.consent),
            "_phone": pl.Series("p", phone_number),
        }
    ).select(
        "customer_id",
        "account_type",
        "name",
        "email",
        pl.format("+{}-000-{}", "phone", "_phone").alias("phone"),
        "gender",
        pl.when(pl.col("birth_year") > 0).then("birth_year").alias("birth_year"),
        "city",
        "country",
        pl.col("joined_at").cast(pl.Date),
        "acquisition_channel",
        "tier",
        "marketing_consent",
    )


def write_truth_of(people: People, segments: tuple[Segment, ...]) -> pl.DataFrame:
    """Return the latent side of each customer; dates after the last day are left out (null)."""

    def as_date(values: Floats) -> pl.Series:
        known = ~np.isnan(values) & (values < N_DAYS)
        days = _to_epoch_day(np.where(known, values, 0.0))
        return pl.Series(days).cast(pl.Int32).cast(pl.Date).set(pl.Series(~known), None)

    # a person who dropped out, came back and is still active at the end has no final dropout here
    buyer = ~np.isnan(people.activated)
    segment_names = pl.Series([s.name if s.account_type == "consumer" else None for s in segments])
    return pl.DataFrame(
        {
            "customer_id": people.ids,
            "account_type": pl.Series([s.account_type for s in segments]).gather(people.segment),
            "segment": segment_names.gather(people.segment),
            "orders_per_year": pl.Series(np.round(people.rate, 6)),
            "dropouts_per_year": pl.Series(np.round(people.hazard, 6)),
            "activated_on": as_date(np.where(people.before_window, np.nan, people.activated)),
            "active_before_window": pl.Series(people.before_window),
            "first_dropout_on": as_date(people.first_dropout),
            "resurrected_on": as_date(people.resurrected),
            "dropout_on": as_date(people.dropout),
            "is_buyer": pl.Series(buyer),
            "alive_at_end": pl.Series(buyer & ~(people.dropout < N_DAYS)),
        }
    )


def _draw_arrivals(rng: np.random.Generator, segment: Ints, demand: Demand) -> Floats:
    """Draw first-order times in proportion to the segment's daily demand and the growth of arrivals."""
    growth = np.exp(YEARLY_GROWTH_OF_ARRIVALS * np.arange(N_DAYS) / 365.25)
    day = pick(rng, demand.daily * growth, segment)
    return np.asarray(day + rng.random(len(segment)), dtype=np.float64)


def _draw_names(people: People, rng: np.random.Generator, number: Ints) -> tuple[pl.Series, pl.Series]:
    """Draw names and addresses; a second account has them spelled a little differently."""
    n = len(people)
    surname = rng.integers(len(names.SURNAMES), size=n)
    given = rng.integers(len(names.GIVEN_FEMALE), size=n)
    coin = rng.random(n) < 0.5
    female = np.where(people.gender >= 2, coin, people.gender == 0)
    owner = np.where(people.duplicate_of >= 0, people.duplicate_of, np.arange(n))
    surname, given, female = surname[owner], given[owner], female[owner]
    western = people.country >= 3
    simplified = people.country == 1
    chinese_given = names.GIVEN_FEMALE + names.GIVEN_MALE
    position = given + np.where(female, 0, len(names.GIVEN_FEMALE))

    def surname_in(script: int) -> pl.Series:
        return pl.Series([s[script] for s in names.SURNAMES]).gather(surname)

    def given_in(script: int) -> pl.Series:
        return pl.Series([g[script] for g in chinese_given]).gather(position)

    frame = pl.DataFrame(
        {
            "western": western,
            "simplified": simplified,
            "twin": people.duplicate_of >= 0,
            "st": surname_in(0), "ss": surname_in(1), "sr": surname_in(2),
            "gt": given_in(0), "gs": given_in(1), "gr": given_in(2),
            "fw": pl.Series(names.FIRST_FEMALE + names.FIRST_MALE).gather(position),
            "lw": pl.Series(names.LAST).gather(surname),
            "owner": number[owner] if n else number,
        }
    )  # fmt: skip
    romanised = pl.format("{} {}", pl.col("gr").str.to_titlecase(), pl.col("sr").str.to_titlecase())
    usual = (
        pl.when("western")
        .then(pl.format("{} {}", "fw", "lw"))
        .when("simplified")
        .then(pl.concat_str("ss", "gs"))
        .otherwise(pl.concat_str("st", "gt"))
    )
    second = pl.when("western").then(pl.format("{}. {}", pl.col("fw").str.head(1), "lw")).otherwise(romanised)
    local = pl.when("western").then(pl.format("{}.{}", "fw", "lw")).otherwise(pl.format("{}.{}", "gr", "sr"))
    local = local.str.to_lowercase().str.replace_all("-", "")
    address = pl.format("{}{}@example.com", local, "owner")
    other = pl.format("{}_{}@example.com", local.str.replace(".", "", literal=True), "owner")
    out = frame.select(
        pl.when("twin").then(second).otherwise(usual).alias("name"),
        pl.when("twin").then(other).otherwise(address).alias("email"),
    )
    return out["name"], out["email"]


def _to_epoch_day(days: Floats) -> Ints:
    return np.floor(days).astype(np.int64) + EPOCH_DAY


def _normalise(shares: list[float]) -> Floats:
    array = np.asarray(shares, dtype=np.float64)
    return np.asarray(array / array.sum(), dtype=np.float64)
