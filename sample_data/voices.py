"""What people write: texts composed from our own clauses, with topic and sentiment planted clause by clause.

A feedback row speaks of one to three topics; each clause is praise (+1) or complaint (-1). How often a topic is
complained about, and how much it moves the stars, differs by topic and is drawn from the seed: some topics are
mentioned often and hardly matter. In the last `SOUR_DAYS` before a silent dropout complaints are more frequent.

    rating = round(base + sum over clauses of weight(topic) x sentiment + normal noise), kept within 1-5

Posts on social media carry no stars (null). Sizes are written about fashion, sports and baby goods only; for
other goods the size clause gives way to quality.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from sample_data import names
from sample_data.orders import DAY_SECONDS, Orders
from sample_data.people import People
from sample_data.seasons import EPOCH_DAY, N_DAYS
from sample_data.seeds import Part, stream
from sample_data.segments import CATEGORIES, N_CONSUMER_SEGMENTS, TOPICS, Segment

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

FEEDBACK_SHARE = 0.14  # of orders of consumers on file
SOURCES = ("review", "social", "survey", "ticket")
SOURCE_SHARES = (0.62, 0.14, 0.12, 0.12)
TOPIC_COUNT_SHARES = (0.45, 0.40, 0.15)  # one, two, three clauses
SOUR_DAYS = 60
SOUR_EXTRA = 0.25  # added to the share of complaints in the sour days
_SOCIAL = SOURCES.index("social")
_SIZED = tuple(CATEGORIES.index(c) for c in ("Fashion", "Sports & Outdoor", "Baby & Toys"))
_SIZE, _QUALITY = TOPICS.index("size"), TOPICS.index("quality")
_QUALITY_WORDS = {"Groceries": "quality_food", "Beauty & Care": "quality_care"}
_CLAUSES = Path(__file__).parent / "clauses"


@dataclass(frozen=True, slots=True)
class Voices:
    """Planted topics: per topic the share of complaints (0-1) and the stars that one clause moves."""

    complaint_shares: tuple[float, ...]
    star_weights: tuple[float, ...]
    base_stars: float
    noise_stars: float


def draw_voices(seed: int) -> Voices:
    """Draw the topics' complaint shares and weights from the seed."""
    rng = stream(seed, Part.VOICES)
    shares = np.array([0.45, 0.28, 0.36, 0.34, 0.30, 0.50, 0.44]) + rng.uniform(-0.08, 0.08, len(TOPICS))
    weights = rng.permutation(np.array([0.15, 0.4, 0.6, 0.75, 0.9, 1.1, 1.3])) * rng.uniform(0.9, 1.1, len(TOPICS))
    return Voices(
        tuple(round(float(s), 3) for s in shares), tuple(round(float(w), 3) for w in weights), 3.4, 0.5
    )  # fmt: skip


@cache
def read_clauses(language: str) -> dict[str, Any]:
    """Read the clause bank of one language."""
    return tomllib.loads((_CLAUSES / f"{language}.toml").read_text(encoding="utf-8"))


def write_feedback(
    people: People,
    rng: np.random.Generator,
    segments: tuple[Segment, ...],
    voices: Voices,
    orders: Orders,
    first_category: Ints,
    prefix: str,
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the feedback of one block and its truth: one row per clause with topic and sentiment.

    `first_category` is the category of each order's first line; `prefix` makes feedback ids unique per block.
    """
    writes = (orders.customer >= 0) & (orders.segment < N_CONSUMER_SEGMENTS)
    writes &= rng.random(len(orders)) < FEEDBACK_SHARE
    second = orders.second + rng.integers(2 * DAY_SECONDS, 14 * DAY_SECONDS, len(orders))
    kept = np.flatnonzero(writes & (second < N_DAYS * DAY_SECONDS))
    kept = kept[np.argsort(second[kept], kind="stable")]
    customer, second = orders.customer[kept], second[kept]
    category = first_category[kept]
    time, first_end = second / DAY_SECONDS, people.first_dropout[customer]
    end = np.where(time < first_end, first_end, people.dropout[customer])
    sour = (time > end - SOUR_DAYS) & (time <= end)
    topics, sentiments = draw_clauses(rng, segments, voices, people.segment[customer], category, sour)
    stars = voices.base_stars + (np.array(voices.star_weights)[topics] * sentiments).sum(axis=1)
    stars = np.clip(np.round(stars + rng.normal(0, voices.noise_stars, len(kept))), 1, 5).astype(np.int64)
    source = rng.choice(len(SOURCES), size=len(kept), p=SOURCE_SHARES)
    language = people.language[customer]
    texts = compose(rng, language, category, topics, sentiments)
    numbers = pl.Series(np.arange(1, len(kept) + 1)).cast(pl.String).str.zfill(6)
    ids = pl.select(pl.concat_str(pl.lit(prefix), numbers)).to_series() if len(kept) else numbers
    feedback = pl.DataFrame(
        {
            "feedback_id": ids,
            "customer_id": people.ids.gather(customer),
            "written_at": pl.Series((second + EPOCH_DAY * DAY_SECONDS) * 1_000_000).cast(pl.Datetime("us")),
            "source": pl.Series(SOURCES).gather(source),
            "rating": pl.Series(np.where(source == _SOCIAL, 0, stars)),
            "text": pl.Series(texts, dtype=pl.String),
            "language": pl.Series(names.LANGUAGES).gather(language),
        }
    ).with_columns(pl.when(pl.col("rating") > 0).then("rating").alias("rating"))
    row, clause = np.nonzero(sentiments)
    truth = pl.DataFrame(
        {
            "feedback_id": ids.gather(row),
            "clause": clause + 1,
            "topic": pl.Series(TOPICS).gather(topics[row, clause]),
            "sentiment": sentiments[row, clause],
        }
    )
    return feedback, truth


def draw_clauses(
    rng: np.random.Generator,
    segments: tuple[Segment, ...],
    voices: Voices,
    segment: Ints,
    category: Ints,
    sour: Flags,
) -> tuple[Ints, Ints]:
    """Return topics and sentiments per row, shape (rows, 3); sentiment 0 means "no such clause"."""
    n = len(segment)
    mixes = np.array([s.topic_mix for s in segments])
    # the largest of (log share + Gumbel noise) draws topics without repeating one
    noise = -np.log(-np.log(rng.uniform(1e-12, 1 - 1e-12, (n, len(TOPICS)))))
    with np.errstate(divide="ignore"):
        topics = np.argsort(-(np.log(mixes)[segment] + noise), axis=1)[:, :3]
    unsized = ~np.isin(category, _SIZED)
    topics[unsized[:, None] & (topics == _SIZE)] = _QUALITY
    count = 1 + rng.choice(3, size=n, p=TOPIC_COUNT_SHARES)
    complains = rng.random((n, 3)) < np.array(voices.complaint_shares)[topics] + SOUR_EXTRA * sour[:, None]
    sentiments = np.where(complains, -1, 1)
    sentiments[np.arange(3)[None, :] >= count[:, None]] = 0
    # size that became quality may stand beside quality: one of them is enough
    for k in (1, 2):
        repeated = (topics[:, :k] == topics[:, k : k + 1]).any(axis=1)
        sentiments[repeated, k:] = 0
    return topics.astype(np.int64), sentiments.astype(np.int64)


def compose(rng: np.random.Generator, language: Ints, category: Ints, topics: Ints, sentiments: Ints) -> list[str]:
    """Compose one text per row from clauses, joined by the language's frames."""
    draws = rng.random((len(language), 12)).tolist()
    rows = zip(language.tolist(), category.tolist(), topics.tolist(), sentiments.tolist(), draws, strict=True)
    return [_compose_one(*row) for row in rows]


def compose_plain(rng: np.random.Generator, table: str, keys: list[str], language: Ints, category: Ints) -> list[str]:
    """Return one ready sentence per row from a table of sentences (such as `contact`)."""
    draws = rng.random((len(keys), 4)).tolist()
    out: list[str] = []
    for key, code, shelf, u in zip(keys, language.tolist(), category.tolist(), draws, strict=True):
        bank = read_clauses(names.LANGUAGES[code])
        out.append(_fill(_choose(bank[table][key], u[0]), bank, shelf, u[1], u[2]))
    return out


def _compose_one(code: int, category: int, topics: list[int], sentiments: list[int], u: list[float]) -> str:
    language = names.LANGUAGES[code]
    bank = read_clauses(language)
    frames, gap = bank["frames"], " " if language == "en" else ""
    text, previous = "", 0
    for k, (topic, sentiment) in enumerate(zip(topics, sentiments, strict=True)):
        if sentiment == 0:
            break
        words = _QUALITY_WORDS.get(CATEGORIES[category], "quality") if topic == _QUALITY else TOPICS[topic]
        clauses = bank[words]["positive" if sentiment > 0 else "negative"]
        clause = _fill(_choose(clauses, u[k]), bank, category, u[3 + k], u[11])
        if k == 0:
            text = clause
        elif k == 1:
            joint = frames["same"] if sentiment == previous else frames["opposite"]
            text = _choose(joint, u[6]).format(a=text, b=clause)
        else:
            text = f"{text}{frames['stop']}{gap}{_finish(clause, language)}"
        previous = sentiment
    text = _finish(text, language) + frames["stop"]
    if u[7] < 0.25:
        text = f"{_choose(frames['openers'], u[8])}{gap}{text}"
    if u[9] < 0.35 and sum(sentiments) != 0:
        closers = frames["closers_positive"] if sum(sentiments) > 0 else frames["closers_negative"]
        text = f"{text}{gap}{_choose(closers, u[10])}"
    return text


def _finish(text: str, language: str) -> str:
    """Begin an English text with a capital letter."""
    return text[0].upper() + text[1:] if language == "en" else text


def _choose(options: list[str], u: float) -> str:
    return options[int(u * len(options))]


def _fill(clause: str, bank: dict[str, Any], category: int, u: float, v: float) -> str:
    """Fill the slots of a clause; the thing belongs to the category bought."""
    if "{" not in clause:
        return clause
    values = {name: _choose(options, u) for name, options in bank["slots"].items()}
    return clause.format(thing=_choose(bank["things"][CATEGORIES[category]], v), **values)
