"""Quotes from feedback: only from groups large enough, free of personal data, typical rather than loud.

The guard: at least ``PRIVACY_LIMIT`` people in the group and ``FEWEST_AUTHORS`` whose words could be shown; a text in
which anything personal is found is left out whole. Of the rest, warm and critical ones stand as they are shared out in
the group, each as near as possible to its kind's median rating and made of words that others of its kind use too.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Sequence
from typing import Any

import polars as pl

from analytics.contrasts import PRIVACY_LIMIT
from analytics.dataset import Dataset
from analytics.personas.spec import PersonaSpec
from analytics.privacy.detectors import DETECTORS, SPOKEN_NAME
from analytics.privacy.scan import find

FEWEST_AUTHORS = 5
SHORTEST, LONGEST = 6, 140  # characters
MOST_READ = 2_000  # texts of one kind in one group, drawn at random beyond
WARM, CRITICAL = 0.65, 0.4  # of the rating scale
SCHEMA: dict[str, type[pl.DataType]] = {
    "label": pl.String,
    "quote_id": pl.String,
    "quote": pl.String,
    "tone": pl.String,
    "rating": pl.Float64,
    "source": pl.String,
    "language": pl.String,
}
_SENTENCE_END = re.compile(r"[。！？!?]|\.(?=\s|$)")
_UNSAFE = re.compile(
    r"https?:|www\.|@|#\w|\[(?:name|email|phone|address|bank_card|resident_id|taiwan_id)\]|P-[0-9a-f]{16}"
)
_NUMBER = re.compile(r"\d[\d \-]{5,}\d")  # an order, a tracking number, a phone of a form nobody listed
_HAN = re.compile(r"[\u3400-\u9fff]")
_TOKEN = re.compile(r"[A-Za-z']+|[\u3400-\u9fff]+")


def choose_quotes(
    dataset: Dataset, members: pl.DataFrame, shown: Sequence[str], spec: PersonaSpec
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The quotes of each group (columns of ``SCHEMA``), and label, reason of the groups without.

    ``members``: customer_id, label. Reasons: quotes_off, quotes_no_feedback, quotes_few_authors, quotes_none_left.
    """
    if not spec.n_quotes or not dataset.has("feedback.customer_id", "feedback.text"):
        reason = "quotes_no_feedback" if spec.n_quotes else "quotes_off"
        return pl.DataFrame(schema=SCHEMA), _reasons(dict.fromkeys(shown, reason))
    written = _written(dataset, members.filter(pl.col("label").is_in(list(shown))))
    usable = _clean(written, spec.random_state)
    rows: list[tuple[str, str, str, str, float | None, str | None, str | None]] = []
    reasons: dict[str, str] = {}
    for label in shown:
        n_people = members.filter(pl.col("label") == label).height
        mine = usable.filter(pl.col("label") == label)
        if n_people < PRIVACY_LIMIT or written.filter(pl.col("label") == label)["customer_id"].n_unique() < (
            FEWEST_AUTHORS
        ):
            reasons[label] = "quotes_few_authors"
        elif mine["customer_id"].n_unique() < FEWEST_AUTHORS:
            reasons[label] = "quotes_none_left"
        else:
            rows += [(label, *quote) for quote in _chosen(mine, spec.n_quotes)]
    return pl.DataFrame(rows, schema=SCHEMA, orient="row"), _reasons(reasons)


def _reasons(reasons: dict[str, str]) -> pl.DataFrame:
    return pl.DataFrame(list(reasons.items()), schema={"label": pl.String, "reason": pl.String}, orient="row")


def _written(dataset: Dataset, members: pl.DataFrame) -> pl.DataFrame:
    """customer_id, label, text, rating, source, language, tone: what the members wrote."""
    feedback = dataset.tables["feedback"]
    empty: dict[str, type[pl.DataType]] = {"rating": pl.Float64, "source": pl.String, "language": pl.String}
    held = feedback.select(
        "customer_id",
        pl.col("text").str.replace_all(r"\s+", " ").str.strip_chars(),
        *(
            pl.col(name).cast(dtype) if name in feedback.columns else pl.lit(None, dtype).alias(name)
            for name, dtype in empty.items()
        ),
    )
    # Where all ratings are alike, nothing tells warm from critical: 0 / 0 is no number, and no tone.
    low, high = pl.col("rating").min(), pl.col("rating").max()
    place = ((pl.col("rating") - low) / (high - low)).fill_nan(None)
    tone = (
        pl.when(place.is_null())
        .then(pl.lit("unrated"))
        .when(place >= WARM)
        .then(pl.lit("warm"))
        .when(place <= CRITICAL)
        .then(pl.lit("critical"))
        .otherwise(pl.lit("mixed"))
    )
    held = held.drop_nulls(["customer_id", "text"]).with_columns(tone=tone)
    return members.select("customer_id", "label").join(held, on="customer_id")


def _clean(written: pl.DataFrame, seed: int) -> pl.DataFrame:
    """Those texts that may be shown, cut to whole sentences, in a seeded order that ids have no part in."""
    texts = written["text"].unique().to_list()
    cut = {text: short for text in texts if (short := shortened(text))}
    kept = {text: short for text, short in cut.items() if not _UNSAFE.search(text) and not _NUMBER.search(text)}
    seen = pl.Series("text", list(kept), dtype=pl.String)
    for detector in DETECTORS:
        personal = set(find(seen, detector, whole=False)["text"].to_list())
        kept = {text: short for text, short in kept.items() if text not in personal}
    if kept:
        named = pl.Series(list(kept), dtype=pl.String).str.contains(SPOKEN_NAME)
        kept = {text: short for (text, short), name in zip(kept.items(), named, strict=True) if not name}
    book = pl.DataFrame(
        {
            "text": list(kept),
            "quote": list(kept.values()),
            "draw": [hashlib.sha256(f"{seed}\0{text}".encode()).hexdigest() for text in kept],
        },
        schema={"text": pl.String, "quote": pl.String, "draw": pl.String},
    )
    return written.join(book, on="text").sort("draw", "rating", "source", "label", nulls_last=True)


def shortened(text: str) -> str:
    """The text, or its whole first sentences within ``LONGEST`` characters; "" when there is no such beginning."""
    if SHORTEST <= len(text) <= LONGEST:
        return text
    ends = [match.end() for match in _SENTENCE_END.finditer(text) if SHORTEST <= match.end() <= LONGEST]
    return text[: ends[-1]].strip() if ends and len(text) > LONGEST else ""


def _chosen(mine: pl.DataFrame, n: int) -> list[tuple[str, str, str, float | None, str | None, str | None]]:
    """Up to ``n`` quotes of one group, warm before critical."""
    counts = Counter(mine["tone"].to_list())
    warm, critical = counts["warm"], counts["critical"]
    if not warm and not critical:
        wanted = {"mixed": n} if counts["mixed"] else {"unrated": n}
    elif n == 1 or not warm or not critical:
        wanted = {"warm" if warm >= critical else "critical": n}
    else:
        n_critical = min(max(round(n * critical / (warm + critical)), 1), n - 1)
        wanted = {"warm": n - n_critical, "critical": n_critical}
    found = []
    authors: set[str] = set()
    quoted: set[str] = set()
    for tone, places in wanted.items():
        for row in _by_typicality(mine.filter(pl.col("tone") == tone).head(MOST_READ)):
            if places == 0:
                break
            if row["customer_id"] in authors or row["quote"] in quoted:
                continue
            authors.add(row["customer_id"])
            quoted.add(row["quote"])
            places -= 1
            digest = hashlib.sha256(row["quote"].encode()).hexdigest()[:12]
            found.append((digest, row["quote"], tone, row["rating"], row["source"], row["language"]))
    return found


def _by_typicality(rows: pl.DataFrame) -> list[dict[str, Any]]:
    """Nearest the median rating first; of those, the half that speaks most like the others, in the seeded order."""
    middle = rows["rating"].median()
    held = rows.to_dicts()
    words = [tokens(row["quote"]) for row in held]
    seen = Counter(token for mine in words for token in mine)
    common = [sum(seen[token] for token in mine) / max(len(mine), 1) for mine in words]
    han = [bool(_HAN.search(row["quote"])) for row in held]
    # By script: the small words of English would otherwise make every English text more usual than any Chinese one.
    usual = {kind: sorted(score for score, is_han in zip(common, han, strict=True) if is_han == kind) for kind in han}

    def rank(i: int) -> tuple[float, bool]:
        far = 0.0 if middle is None or held[i]["rating"] is None else abs(held[i]["rating"] - middle)
        alike = usual[han[i]]
        return far, common[i] < alike[len(alike) // 2]

    return [held[i] for i in sorted(range(len(held)), key=rank)]


def tokens(text: str) -> set[str]:
    """Words of Latin letters, and pairs of neighbouring Han characters."""
    found: set[str] = set()
    for piece in _TOKEN.findall(text):
        if piece[0] > "\u3000":
            found |= {piece[i : i + 2] for i in range(max(len(piece) - 1, 1))}
        else:
            found.add(piece.lower())
    return found
