"""What segments are called: a proposed code from what stands out, and a person's own names.

A code is one of the closed set ("loyal", "new", ...: words under ``segment.<code>``), or it carries what it speaks of:
"prefers:<level>" (buys far more of it than others), "through:<level>" (orders there), "pays:<level>",
"mostly:<level>" (most of its people), "more:<field>", "less:<field>" (a number far from the middle), "own:<text>" (a
person's own name). Two codes joined by ``JOINED`` are one name, where the first alone would be taken.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Annotated

import msgspec
import numpy as np
import numpy.typing as npt
import polars as pl

from analytics.customers import Trait
from analytics.errors import AnalysisError
from analytics.keys import derive_key
from analytics.segmentation.result import SegmentationResult

Floats = npt.NDArray[np.float64]

LONGEST_NAME = 40
OWN, JOINED = "own:", "\x1f"  # a level may hold any printable sign
PREFERS_LIFT, PREFERS_POINTS = 1.4, 0.12  # how far a preference must stand out to be a name
WEAK = 0.75  # of the strongest preference: a weaker one does not stand in for it
MOSTLY = 0.6  # share of its people from which a segment is called after a level
_FORMS = {"channel_mix": "through", "payment_mix": "pays"}
NAMED_BY = ("recency_days", "n_orders", "mean_order_value", "tenure_days")
SPOKEN_FOR = frozenset({*NAMED_BY, "revenue", "n_order_days", "mean_gap_days", "n_items", "n_products"})

# Label -> a person's own name for that segment; each at most ``LONGEST_NAME`` characters.
OwnName = tuple[
    Annotated[str, msgspec.Meta(max_length=12)], Annotated[str, msgspec.Meta(min_length=1, max_length=LONGEST_NAME)]
]
OwnNames = tuple[OwnName, ...]


def propose_names(
    labelled: pl.DataFrame, labels: Sequence[str], traits: Sequence[Trait] = (), used: Sequence[str] = ()
) -> tuple[str, ...]:
    """A name code for each segment from what stands out in it; no code twice.

    ``labelled`` has a column ``label`` and the columns of ``traits``; ``used`` are the features that made the
    segments: they speak first. Positions are mid-ranks of a segment's median among all customers (0-1). Each rule
    scores a segment; the highest score takes its name first. A segment whose names are all taken is told from the
    one that has it by a second code, at last "group".
    """
    numbers = [name for name in NAMED_BY if name in labelled.columns]
    numbers += [t.name for t in traits if t.kind == "number" and t.name in used and t.name not in SPOKEN_FOR]
    medians = labelled.group_by("label").agg(pl.col(numbers).cast(pl.Float64).median())
    by_label = medians.rows_by_key("label", named=True, unique=True)
    at = {label: _positions(labelled, by_label.get(label, {}), numbers) for label in labels}
    behavioural = not used or any(name in SPOKEN_FOR for name in used)
    scored: dict[str, list[tuple[float, str]]] = {label: [] for label in labels}
    for label in labels:
        if label not in by_label:
            continue
        bonus = 0.0 if behavioural else -0.5
        scored[label] += [(score + bonus, code) for code, score in _behaviour(at[label], by_label[label])]
        scored[label] += [(score, code) for code, score in _far_numbers(at[label])]
    for label, code, score in _levels(labelled, [t for t in traits if t.kind != "number"], used):
        scored[label].append((score, code))
    return _distinct(labels, scored, at)


def _distinct(
    labels: Sequence[str], scored: Mapping[str, list[tuple[float, str]]], at: Mapping[str, Mapping[str, float]]
) -> tuple[str, ...]:
    rank = {label: i for i, label in enumerate(labels)}
    codes: dict[str, str] = {}
    every = sorted(((-score, rank[label], code) for label in labels for score, code in scored[label]), key=tuple)
    best = {label: max(scored[label], default=(0.0, "")) for label in labels}
    for score, i, code in every:
        most, first = best[labels[i]]
        # What hardly stands out is no name in place of what does: two that do are told together, below.
        if ":" in first and -score < WEAK * most:
            continue
        if labels[i] not in codes and code not in codes.values():
            codes[labels[i]] = code
    for label in labels:
        if label in codes or not at[label]:
            continue
        own = [code for _, code in sorted(scored[label], key=lambda item: (-item[0], item[1]))]
        levels = [code for code in own if ":" in code]
        base = own[0] if len(levels) > 1 and own[0] in levels else next((c for c in own if ":" not in c), "group")
        for code in [*(code for code in own if code != base), *_tones(at[label])]:
            joined = f"{base}{JOINED}{code}"
            if code != base and joined not in codes.values():
                codes[label] = joined
                break
    return tuple(codes.get(label, "group") for label in labels)


def _positions(labelled: pl.DataFrame, medians: Mapping[str, float | None], numbers: Sequence[str]) -> dict[str, float]:
    """Mid-ranks of a segment's medians; recency counted as recentness, so that more is more recent."""
    told = [(name, medians[name]) for name in numbers if medians.get(name) is not None]
    if not told:
        return {}
    shares = labelled.select(
        (((pl.col(name) < median).mean() + (pl.col(name) <= median).mean()) / 2).alias(name) for name, median in told
    ).row(0, named=True)
    found = {name: float(share) for name, share in shares.items() if share is not None}
    if "recency_days" in found:
        found["recency_days"] = 1 - found["recency_days"]
    return found


def _behaviour(at: Mapping[str, float], medians: Mapping[str, float | None]) -> list[tuple[str, float]]:
    recent, often = at.get("recency_days"), at.get("n_orders")
    basket, tenure = at.get("mean_order_value"), at.get("tenure_days")
    scores: list[tuple[str, float]] = []
    if recent is not None and often is not None:
        if often >= 0.7 and recent >= 0.5:
            scores.append(("champions", often + recent - 0.5))
        if often >= 0.6 and recent >= 0.4:
            scores.append(("loyal", often + recent - 0.9))
        if recent <= 0.4:
            scores.append(("at_risk", often - recent) if often >= 0.5 else ("lapsed", 1.2 - often - recent))
            scores.append(("fading", 0.6 - recent))
        if often < 0.5:
            scores.append(("one_time", 0.3) if medians["n_orders"] == 1 else ("occasional", 0.7 - often))
        if tenure is not None and tenure <= 0.35 and recent >= 0.5:
            scores.append(("new", 0.5 + recent - tenure))
    if basket is not None and basket >= 0.7:
        scores.append(("big_baskets", basket - 0.2))
    if basket is not None and basket <= 0.3:
        scores.append(("small_baskets", 0.5 - basket))
    behaviour = [at[name] for name in NAMED_BY if name in at]
    if behaviour and max(abs(position - 0.5) for position in behaviour) <= 0.25:
        scores.append(("typical", 0.25))
    return scores


def _far_numbers(at: Mapping[str, float]) -> list[tuple[str, float]]:
    return [
        (f"more:{name}", position - 0.3) if position > 0.5 else (f"less:{name}", 0.7 - position)
        for name, position in at.items()
        if name not in NAMED_BY and abs(position - 0.5) >= 0.15
    ]


def _tones(at: Mapping[str, float]) -> list[str]:
    """Second codes by which a segment may be told from one of the same name, the most telling first."""
    codes = {
        "recency_days": ("recent", "long_ago"),
        "n_orders": ("often", "seldom"),
        "mean_order_value": ("big_baskets", "small_baskets"),
        "tenure_days": ("long_known", "new"),
    }
    far = sorted((name for name in codes if name in at), key=lambda name: -abs(at[name] - 0.5))
    return [codes[name][at[name] < 0.5] for name in far]


def _levels(labelled: pl.DataFrame, traits: Sequence[Trait], used: Sequence[str]) -> list[tuple[str, str, float]]:
    """Levels that are far more frequent in a segment than among all: what it prefers, what most of it are."""
    found: list[tuple[str, str, float]] = []
    for trait in traits:
        if not set(trait.columns) <= set(labelled.columns) or (trait.kind != "counts" and trait.name not in used):
            continue
        if trait.kind == "counts":
            shares = _mean_shares(labelled, trait)
            least, form = PREFERS_POINTS, _FORMS.get(trait.name, "prefers")
        elif trait.kind == "category":
            shares, least, form = _people_shares(labelled, trait.name), PREFERS_POINTS, "mostly"
        else:
            continue
        overall = {level: share for label, level, share in shares if label is None}
        for label, level, share in shares:
            if label is None or not level or share < max(PREFERS_LIFT * overall[level], overall[level] + least):
                continue
            if form == "mostly" and share < MOSTLY:
                continue
            emphasis = 0.4 if trait.name in used else 0.0
            found.append((label, f"{form}:{level}", emphasis + share - overall[level]))
    return found


def _mean_shares(labelled: pl.DataFrame, trait: Trait) -> list[tuple[str | None, str, float]]:
    """Mean share of each level among a person's own orders: by label, and of all (None)."""
    whole = pl.sum_horizontal(list(trait.columns))
    some = labelled.filter(whole > 0)
    # Positions, not levels, name the columns: a level may be called anything, "label" too.
    means = [(pl.col(column) / whole).mean().alias(str(i)) for i, column in enumerate(trait.columns)]
    every: list[tuple[str | None, str, float]] = []
    if some.height:
        every += [(None, level, share) for level, share in zip(trait.levels, some.select(means).row(0), strict=True)]
    for label, *shares in some.group_by("label", maintain_order=True).agg(means).iter_rows():
        every += [(label, level, share) for level, share in zip(trait.levels, shares, strict=True)]
    return every


def _people_shares(labelled: pl.DataFrame, column: str) -> list[tuple[str | None, str, float]]:
    known = labelled.select("label", pl.col(column).cast(pl.String).alias("level")).drop_nulls("level")
    total = known["level"].value_counts().sort("level")
    every: list[tuple[str | None, str, float]] = [
        (None, level, count / max(len(known), 1)) for level, count in total.iter_rows()
    ]
    counted = known.group_by("label", "level").len().sort("label", "level")
    sizes = dict(known.group_by("label").len().iter_rows())
    return every + [(label, level, n / sizes[label]) for label, level, n in counted.iter_rows()]


# ---- a person's own names


def rename_segments(result: SegmentationResult, names: OwnNames) -> SegmentationResult:
    """``result`` with a person's own names (label -> text) in place of the proposed ones.

    Names of labels that this result does not have are left alone, so that they are there again when the cut is.
    Raises ``AnalysisError``: segment_name_long, segment_name_twice.
    """
    known = {label for label, _ in result.names}
    own = {label: tidy_name(text) for label, text in names if label in known and tidy_name(text)}
    if not own:
        return result
    if len(set(own.values())) < len(own):
        twice = next(text for text in own.values() if list(own.values()).count(text) > 1)
        raise AnalysisError("segment_name_twice", name=twice)
    renamed = tuple((label, f"{OWN}{own[label]}" if label in own else code) for label, code in result.names)
    codes = dict(renamed)
    return dataclasses.replace(
        result,
        names=renamed,
        sizes=result.sizes.with_columns(pl.col("label").replace_strict(codes, return_dtype=pl.String).alias("name")),
        key=derive_key("rename_segments", tuple(sorted(own.items())), result.key),
    )


def with_name(names: OwnNames, label: str, text: str) -> OwnNames:
    """``names`` with another text for one label; none where the text is empty.

    Raises ``AnalysisError``: segment_name_long, segment_name_twice.
    """
    text = tidy_name(text)
    others = {other: name for other, name in names if other != label}
    if text and text in others.values():
        raise AnalysisError("segment_name_twice", name=text)
    return tuple(sorted({**others, **({label: text} if text else {})}.items()))


def tidy_name(text: str) -> str:
    """One line of printable characters. Raises ``AnalysisError("segment_name_long")``."""
    tidy = " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
    if len(tidy) > LONGEST_NAME:
        raise AnalysisError("segment_name_long", n=len(tidy), most=LONGEST_NAME)
    return tidy
