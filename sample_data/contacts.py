"""When customers ask for help.

* After an order: with probability `AFTER_ORDER_SHARE` a contact within nine days.
* Before a silent dropout: with probability `BEFORE_DROPOUT_SHARE` a complaint within the last thirty days, which
  stays unresolved four times in five: one of the few signs that precede a silent dropout.

Waiting times are whole seconds, log-normal by channel. The longer the wait, the less is resolved:
P(resolved) = 0.9 - 0.12 x log(1 + wait / 300 s), at least 0.25.
"""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from sample_data.demand import pick
from sample_data.orders import DAY_SECONDS, Orders
from sample_data.people import People
from sample_data.seasons import EPOCH_DAY, N_DAYS
from sample_data.segments import CATEGORIES, N_CONSUMER_SEGMENTS
from sample_data.voices import compose_plain

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

CHANNELS = ("call", "chat", "mail")
MEDIAN_WAIT_S = (180.0, 60.0, 21_600.0)
REASONS = ("delivery_delay", "refund", "product_question", "payment_problem", "account", "complaint")
REASON_SHARES = (0.30, 0.18, 0.24, 0.10, 0.08, 0.10)
AFTER_ORDER_SHARE = 0.09
BEFORE_DROPOUT_SHARE = 0.22
_COMPLAINT = REASONS.index("complaint")
# young people chat, older people call; shares over CHANNELS for under 35, 35-49, 50 and above
_CHANNEL_BY_AGE = ((0.15, 0.65, 0.20), (0.35, 0.40, 0.25), (0.65, 0.10, 0.25))


def write_contacts(people: People, rng: np.random.Generator, orders: Orders, first_category: Ints) -> pl.DataFrame:
    """Return the contacts of one block."""
    asks = (orders.customer >= 0) & (rng.random(len(orders)) < AFTER_ORDER_SHARE)
    kept = np.flatnonzero(asks & (orders.segment <= N_CONSUMER_SEGMENTS))
    second = (orders.day[kept] + rng.integers(0, 10, len(kept))) * DAY_SECONDS
    reason = rng.choice(len(REASONS), size=len(kept), p=REASON_SHARES)

    leaving, at = _draw_last_complaints(people, rng)
    customer = np.concatenate([orders.customer[kept], leaving])
    category = np.concatenate([first_category[kept], rng.integers(len(CATEGORIES), size=len(leaving))])
    second = np.concatenate([second, at * DAY_SECONDS]) + rng.integers(9 * 3600, 21 * 3600, len(customer))
    # a contact never comes before the order it is about
    second[: len(kept)] = np.maximum(second[: len(kept)], orders.second[kept] + 1800)
    reason = np.concatenate([reason, np.full(len(leaving), _COMPLAINT)])
    is_last = np.arange(len(customer)) >= len(kept)

    age = 2026 - np.where(people.birth_year[customer] > 0, people.birth_year[customer], 1986)
    channel = pick(rng, np.array(_CHANNEL_BY_AGE), np.searchsorted([35, 50], age, side="right"))
    wait = np.array(MEDIAN_WAIT_S)[channel] * np.exp(rng.normal(0, 0.9, len(customer)))
    resolved_share = np.maximum(0.25, 0.9 - 0.12 * np.log1p(wait / 300))
    resolved = rng.random(len(customer)) < np.where(is_last, 0.2, resolved_share)
    texts = compose_plain(rng, "contact", [REASONS[r] for r in reason], people.language[customer], category)
    frame = pl.DataFrame(
        {
            "customer_id": people.ids.gather(customer),
            "contacted_at": pl.Series((second + EPOCH_DAY * DAY_SECONDS) * 1_000_000).cast(pl.Datetime("us")),
            "channel": pl.Series(CHANNELS).gather(channel),
            "reason": pl.Series(REASONS).gather(reason),
            "resolved": resolved,
            "wait_s": np.round(wait).astype(np.int64),
            "text": pl.Series(texts, dtype=pl.String),
        }
    )
    return frame.filter(second < N_DAYS * DAY_SECONDS).sort(
        "contacted_at", "customer_id", "reason", maintain_order=True
    )


def _draw_last_complaints(people: People, rng: np.random.Generator) -> tuple[Ints, Ints]:
    """Return who complains shortly before a final dropout inside the world, and on which day."""
    complains = rng.random(len(people)) < BEFORE_DROPOUT_SHARE
    day = np.floor(np.nan_to_num(people.dropout, nan=-1.0)).astype(np.int64) - rng.integers(1, 31, len(people))
    with np.errstate(invalid="ignore"):
        inside = (people.dropout < N_DAYS) & (day > people.activated) & (day >= 0)
    leaving = np.flatnonzero(complains & inside & (people.segment < N_CONSUMER_SEGMENTS))
    return leaving, day[leaving]
