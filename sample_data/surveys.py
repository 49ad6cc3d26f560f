"""One survey in May 2026: recommendation, satisfaction, five attitudes, reasons and an open answer.

Attitude answers (1-5) are a latent normal value (segment mean from `segments.py`, standard deviation 1) cut at
-1.2, -0.4, 0.4, 1.2. Recommendation (0-10) is normal around the segment's mean (standard deviation 2.0); people who
had dropped out silently answer `DROPPED_NPS` points lower. Satisfaction (1-5) follows recommendation.

`CARELESS_SHARE` of the answers come from people who tick the same box down the page within a minute
(straight-liners, listed in the truth).
"""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl
from numpy.typing import NDArray

from sample_data.orders import DAY_SECONDS, is_active
from sample_data.people import People
from sample_data.seasons import EPOCH_DAY, START
from sample_data.segments import ATTITUDES, CATEGORIES, N_CONSUMER_SEGMENTS, TOPICS, Segment
from sample_data.voices import compose

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

FIRST_DAY = (date(2026, 5, 4) - START).days
N_ANSWER_DAYS = 18
ATTITUDE_CUTS = (-1.2, -0.4, 0.4, 1.2)
NPS_SD = 2.0
DROPPED_NPS = -1.5
CARELESS_SHARE = 0.04
OPEN_ANSWER_SHARE = 0.5
REASONS = ("price", "choice", "fast delivery", "easy returns", "brand", "recommendation", "near me")
# how much each attitude (rows: ATTITUDES) moves the log-odds of ticking a reason
_PULL = np.array(
    [
        [1.2, 0.0, 0.0, 0.1, -0.5, 0.0, 0.0],
        [-0.4, 0.0, 0.1, 0.0, 1.2, 0.2, 0.0],
        [0.0, 1.0, 0.0, 0.1, 0.2, 0.4, 0.0],
        [0.0, 0.1, 1.0, 0.6, 0.0, 0.0, 0.5],
        [-0.1, 0.0, -0.2, 0.0, 0.1, 0.2, 0.3],
    ]
)
_BASE_ODDS = np.array([-0.3, -0.5, -0.4, -1.1, -0.9, -1.2, -1.6])


def write_survey(
    people: People, rng: np.random.Generator, segments: tuple[Segment, ...]
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the survey of one block and its truth (careless answers, topic and sentiment of the comment)."""
    with np.errstate(invalid="ignore"):
        known = people.activated < FIRST_DAY
    answers = rng.random(len(people)) < np.array([s.survey_share for s in segments])[people.segment]
    who = np.flatnonzero(known & answers & (people.segment < N_CONSUMER_SEGMENTS))
    n = len(who)
    segment = people.segment[who]
    latent = np.array([s.attitudes for s in segments])[segment] + rng.normal(0, 1, (n, len(ATTITUDES)))
    items = 1 + np.searchsorted(ATTITUDE_CUTS, latent)
    active = is_active(people, FIRST_DAY)[who]
    warmth = np.array([s.nps_mean for s in segments])[segment] + np.where(active, 0.0, DROPPED_NPS)
    warmth = warmth + rng.normal(0, NPS_SD, n)
    nps = np.clip(np.round(warmth), 0, 10).astype(np.int64)
    satisfaction = np.clip(np.round(0.6 + warmth * 0.42 + rng.normal(0, 0.6, n)), 1, 5).astype(np.int64)
    careless = rng.random(n) < CARELESS_SHARE
    box = rng.choice([3, 4, 5], size=n, p=[0.5, 0.2, 0.3])
    items = np.where(careless[:, None], box[:, None], items)
    satisfaction = np.where(careless, box, satisfaction)
    duration = np.exp(rng.normal(np.where(careless, 3.4, 5.2), np.where(careless, 0.25, 0.4)))
    odds = _BASE_ODDS + latent @ _PULL
    ticked = rng.random((n, len(REASONS))) < 1 / (1 + np.exp(-odds))
    reasons = [";".join(r for r, t in zip(REASONS, row, strict=True) if t) or None for row in ticked.tolist()]
    texts, topic, sentiment = _draw_comments(people, rng, segments, who, warmth, careless)
    second = (FIRST_DAY + np.minimum(rng.geometric(0.18, n) - 1, N_ANSWER_DAYS)) * DAY_SECONDS
    second = second + rng.integers(8 * 3600, 23 * 3600, n)
    columns: dict[str, object] = {
        "customer_id": people.ids.gather(who),
        "answered_at": pl.Series((second + EPOCH_DAY * DAY_SECONDS) * 1_000_000).cast(pl.Datetime("us")),
        "nps": nps,
        "satisfaction": satisfaction,
    }
    columns |= {name: items[:, k].astype(np.int64) for k, name in enumerate(ATTITUDES)}
    columns |= {
        "reasons_to_buy": pl.Series(reasons, dtype=pl.String),
        "comment": pl.Series(texts, dtype=pl.String),
        "duration_s": np.round(duration).astype(np.int64),
    }
    survey = pl.DataFrame(columns).sort("answered_at", "customer_id")
    truth = pl.DataFrame(
        {
            "customer_id": people.ids.gather(who),
            "is_careless": careless,
            "comment_topic": pl.Series(topic, dtype=pl.String),
            "comment_sentiment": pl.Series(sentiment, dtype=pl.Int64),
        }
    ).sort("customer_id")
    return survey, truth


def _draw_comments(
    people: People,
    rng: np.random.Generator,
    segments: tuple[Segment, ...],
    who: Ints,
    warmth: Floats,
    careless: NDArray[np.bool_],
) -> tuple[list[str | None], list[str | None], list[int | None]]:
    """Compose one clause each for about half of the answers, warm or cold like the recommendation."""
    n = len(who)
    mixes = np.array([s.topic_mix[:-1] for s in segments])[people.segment[who]]  # size is about one purchase
    running = np.cumsum(mixes, axis=1) / mixes.sum(axis=1, keepdims=True)
    topic = np.minimum((rng.random(n)[:, None] > running).sum(axis=1), len(TOPICS) - 2)
    positive = rng.random(n) < 1 / (1 + np.exp(-(warmth - 6.5)))
    sentiment = np.where(positive, 1, -1)
    zero = np.zeros(n, dtype=np.int64)
    category = rng.integers(len(CATEGORIES), size=n)
    texts = compose(
        rng, people.language[who], category, np.stack([topic] * 3, axis=1), np.stack([sentiment, zero, zero], axis=1)
    )
    kept = (rng.random(n) < OPEN_ANSWER_SHARE) & ~careless
    flags = kept.tolist()
    return (
        [t if k else None for t, k in zip(texts, flags, strict=True)],
        [TOPICS[t] if k else None for t, k in zip(topic.tolist(), flags, strict=True)],
        [s if k else None for s, k in zip(sentiment.tolist(), flags, strict=True)],
    )
