"""What subscribers do: plays with what hangs on them, lulls, and contacts.

Plays are drawn as a Poisson process at its highest thinkable rate, then thinned to the level of the moment; a play is
kept or not by day, as the planted level is a number per day.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from sample_data.streaming_service import (
    CALL_DAYS,
    LULL_WEEKS,
    N_DAYS,
    PRICE,
    TECHNICAL,
    TOPICS,
    Service,
    compute_calendar,
    compute_decline,
)
from sample_data.streaming_subscribers import Subscribers, to_dates

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

EVENTS = ("play", "search", "browse", "like")
_PLAY, _SEARCH, _BROWSE, _LIKE = range(4)
SEARCH_SHARE, BROWSE_SHARE, LIKE_SHARE = 0.09, 0.08, 0.04  # of plays have one of these at their side
DEVICES = ("tv", "phone", "tablet", "computer")
GENRES = ("drama", "comedy", "thriller", "documentary", "anime", "family", "romance", "action")
N_TITLES = 160
# shares of devices and of genres by age: under 30, 30-49, 50 and above
_DEVICES_BY_AGE = ((0.22, 0.48, 0.08, 0.22), (0.46, 0.28, 0.12, 0.14), (0.68, 0.12, 0.14, 0.06))
_GENRES_BY_AGE = (
    (0.14, 0.14, 0.12, 0.06, 0.26, 0.03, 0.11, 0.14),
    (0.19, 0.13, 0.15, 0.09, 0.08, 0.16, 0.09, 0.11),
    (0.26, 0.12, 0.14, 0.20, 0.02, 0.08, 0.10, 0.08),
)
_MINUTES_BY_GENRE = (48, 26, 50, 55, 24, 70, 45, 95)
_BY_HOUR = np.array([5, 3, 2, 1, 1, 1, 2, 3, 3, 3, 3, 3, 5, 5, 4, 4, 4, 5, 8, 12, 16, 18, 15, 9.0])
_MEDIAN_WAIT_S = 240.0
_DAY_US = 86_400_000_000


@dataclass(frozen=True, slots=True, eq=False)
class Use:
    """Events and contacts of one block, and the lulls behind them."""

    events: pl.DataFrame
    contacts: pl.DataFrame
    lulls: pl.DataFrame


def draw_use(people: Subscribers, rng: np.random.Generator, calls: np.random.Generator, service: Service) -> Use:
    """Draw everything that subscribers do."""
    lulls = _draw_lulls(people, rng, service)
    return Use(
        _write_events(people, rng, service, lulls), _write_contacts(people, calls, service), _list_lulls(people, lulls)
    )


def draw_plays(people: Subscribers, rng: np.random.Generator, service: Service, lulls: Flags) -> tuple[Ints, Ints]:
    """Draw who plays on which day of the world, one entry per play."""
    calendar = compute_calendar(service)
    highest = calendar.max()
    length = people.ends - people.joined
    count = rng.poisson(people.plays_per_week / 7 * highest * length)
    who = np.repeat(np.arange(len(people)), count)
    day = people.joined[who] + np.floor(rng.random(len(who)) * length[who]).astype(np.int64)
    level = np.where(lulls[who, (day - people.joined[who]) // 7], service.lull_depth, 1.0)
    level *= compute_decline((day - people.onset[who]).astype(np.float64), people.depth[who])
    kept = rng.random(len(who)) * highest < calendar[day] * level
    return who[kept], day[kept]


def _draw_lulls(people: Subscribers, rng: np.random.Generator, service: Service) -> Flags:
    """Draw the weeks (counted from each first day) in which each subscriber has a lull."""
    out = np.zeros((len(people), LULL_WEEKS), dtype=np.bool_)
    for week in range(1, LULL_WEEKS):
        drawn = rng.random(len(people))
        out[:, week] = np.where(out[:, week - 1], drawn >= service.lull_ends, drawn < service.lull_begins)
    return out


def _write_events(people: Subscribers, rng: np.random.Generator, service: Service, lulls: Flags) -> pl.DataFrame:
    who, day = draw_plays(people, rng, service, lulls)
    age = np.searchsorted([30, 50], 2026 - people.birth_year[who], side="right")
    genre = _pick(rng, np.array(_GENRES_BY_AGE), age)
    # within a genre a few titles are played most
    per_genre = N_TITLES // len(GENRES)
    rank = np.minimum((per_genre ** rng.random(len(who))).astype(np.int64), per_genre) - 1
    title = genre * per_genre + rank
    device = _pick(rng, np.array(_DEVICES_BY_AGE), age)
    minute = rng.choice(24, size=len(who), p=_BY_HOUR / _BY_HOUR.sum()) * 60 + rng.integers(0, 60, len(who))
    lasted = np.array(_MINUTES_BY_GENRE)[genre] * np.minimum(rng.uniform(0.15, 1.6, len(who)), 1.0)
    seconds = np.maximum(np.round(lasted), 1).astype(np.int64) * 60
    parts = [(who, day, minute, np.full(len(who), _PLAY), title, device, seconds)]
    for event, share, shift in ((_SEARCH, SEARCH_SHARE, -2), (_BROWSE, BROWSE_SHARE, -4), (_LIKE, LIKE_SHARE, 1)):
        at = np.flatnonzero(rng.random(len(who)) < share)
        beside = np.clip(minute[at] + shift, 0, 24 * 60 - 1)
        item = title[at] if event == _LIKE else np.full(len(at), -1)
        lasting = rng.integers(1, 12, len(at)) * 10 if event != _LIKE else np.full(len(at), -1)
        parts.append((who[at], day[at], beside, np.full(len(at), event), item, device[at], lasting))
    who, day, minute, event, title, device, seconds = (np.concatenate([p[k] for p in parts]) for k in range(7))
    titles = pl.Series([*(f"T{k:03d}" for k in range(1, N_TITLES + 1)), None])
    frame = pl.DataFrame(
        {
            "customer_id": people.ids.gather(who),
            "occurred_at": _moments(day, minute * 60),
            "event": pl.Series(EVENTS).gather(event),
            "item": titles.gather(np.where(title >= 0, title, N_TITLES)),
            "channel": pl.Series(DEVICES).gather(device),
            "duration_s": pl.Series(seconds),
            "_kind": event,
        }
    )
    lasting = pl.when(pl.col("duration_s") >= 0).then("duration_s").alias("duration_s")
    return frame.with_columns(lasting).sort("occurred_at", "customer_id", "_kind", "item").drop("_kind")


def _write_contacts(people: Subscribers, rng: np.random.Generator, service: Service) -> pl.DataFrame:
    length = people.ends - people.joined
    parts = []
    for topic, per_year in enumerate(service.contacts_per_year):
        who = np.repeat(np.arange(len(people)), rng.poisson(per_year / 365.25 * length))
        day = people.joined[who] + np.floor(rng.random(len(who)) * length[who]).astype(np.int64)
        parts.append((who, day, np.full(len(who), topic)))
    for cause, name, share in zip(
        (PRICE, TECHNICAL), ("price", "technical"), service.calls_before_leaving, strict=True
    ):
        who = np.flatnonzero((people.cause == cause) & (rng.random(len(people)) < share))
        day = people.leaves[who] - rng.integers(1, CALL_DAYS + 1, len(who))
        inside = (day < N_DAYS) & (day >= people.joined[who])
        topic = TOPICS.index(name)
        parts.append((who[inside], day[inside], np.full(inside.sum(), topic)))
    who, day, topic = (np.concatenate([p[k] for p in parts]) for k in range(3))
    wait = np.round(_MEDIAN_WAIT_S * np.exp(rng.normal(0, 0.8, len(who)))).astype(np.int64)
    resolved = rng.random(len(who)) < 0.72  # tells nothing: whoever leaves was helped as often
    return pl.DataFrame(
        {
            "customer_id": people.ids.gather(who),
            "contacted_at": _moments(day, rng.integers(9 * 60, 21 * 60, len(who)) * 60),
            "channel": pl.Series(("call", "chat")).gather(rng.integers(0, 2, len(who))),
            "reason": pl.Series(TOPICS).gather(topic),
            "resolved": resolved,
            "wait_s": wait,
        }
    ).sort("contacted_at", "customer_id", "reason", "wait_s")


def _list_lulls(people: Subscribers, lulls: Flags) -> pl.DataFrame:
    """List the lulls that begin while the contract runs inside the world; `ends_on` is the first day after."""
    edges = np.diff(np.pad(lulls.astype(np.int8), ((0, 0), (1, 1))), axis=1)
    who, begin = np.nonzero(edges == 1)
    _, end = np.nonzero(edges == -1)
    first, after = people.joined[who] + begin * 7, people.joined[who] + end * 7
    kept = first < people.ends[who]
    who, first, after = who[kept], first[kept], np.minimum(after[kept], people.ends[who[kept]])
    return pl.DataFrame(
        {"customer_id": people.ids.gather(who), "begins_on": to_dates(first), "ends_on": to_dates(after)}
    )


def _pick(rng: np.random.Generator, shares: Floats, row: Ints) -> Ints:
    """Draw a column for each entry of ``row`` with the shares of that row."""
    edges = np.cumsum(shares / shares.sum(axis=1, keepdims=True), axis=1)
    drawn = (edges[row] < rng.random(len(row))[:, None]).sum(axis=1)
    return np.minimum(drawn, shares.shape[1] - 1).astype(np.int64)


def _moments(day: Ints, second: Ints) -> pl.Series:
    epoch = to_dates(np.zeros(1, dtype=np.int64)).cast(pl.Int64).item()
    return pl.Series((day + epoch) * _DAY_US + second * 1_000_000).cast(pl.Datetime("us"))
