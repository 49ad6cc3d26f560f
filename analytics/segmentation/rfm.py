"""RFM: quintile scores of recency, frequency and monetary value, and the named segments they fall into.

Source: Hughes, Strategic Database Marketing (1994). A score is the fifth of the customers in which the mid-rank of a
value falls, so equal values always share a score.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import polars as pl

from analytics.segmentation.resampling import contingency, mean_agreement
from analytics.segmentation.result import EVIDENCE_SCHEMA, Cut

RFM_FIELDS = ("recency_days", "n_orders", "revenue")
EVIDENCE_ROWS, N_RESAMPLES = 5_000, 20
# Every (R, V) pair falls to the first rule it meets; V is the mean of the F and M scores, halves rounded up.
RFM_RULES: tuple[tuple[str, range, range], ...] = (
    ("champions", range(4, 6), range(4, 6)),
    ("loyal", range(3, 6), range(3, 6)),
    ("potential", range(4, 6), range(2, 3)),
    ("new", range(4, 6), range(1, 2)),
    ("fading", range(3, 4), range(1, 3)),
    ("at_risk", range(1, 3), range(3, 6)),
    ("hibernating", range(2, 3), range(1, 3)),
    ("lost", range(1, 2), range(1, 3)),
)

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


def cut_by_rfm(frame: pl.DataFrame, random_state: int) -> Cut:
    """The eight RFM segments, champions first; stability is that of quintiles cut from resampled customers."""
    values = [
        frame[name].cast(pl.Float64).fill_null(frame[name].cast(pl.Float64).median()).to_numpy() for name in RFM_FIELDS
    ]
    index = _segments(values, values)
    rng = np.random.default_rng(random_state)
    n = frame.height
    rows = np.arange(n) if n <= EVIDENCE_ROWS else np.sort(rng.choice(n, EVIDENCE_ROWS, replace=False))
    seen = [column[rows] for column in values]
    tables = []
    for _ in range(N_RESAMPLES):
        drawn = rng.integers(0, len(rows), len(rows))
        again = _segments([column[drawn] for column in seen], seen)
        tables.append(contingency(index[rows], again, len(RFM_RULES), len(RFM_RULES)))
    return Cut(
        index=index,
        n_segments=len(RFM_RULES),
        codes=tuple(code for code, _, _ in RFM_RULES),
        evidence=pl.DataFrame(schema=EVIDENCE_SCHEMA),
        recommended=None,
        reason="",
        stability=mean_agreement(tables),
        swaps=np.sum(tables, axis=0).astype(np.float64),
        n_fitted=n,
        n_evidence=len(rows),
        caveats=(),
    )


def scores(reference: Floats, values: Floats) -> Ints:
    """Scores 1-5 of ``values`` by their mid-rank among ``reference``; 3 throughout when all are equal."""
    ordered = np.sort(reference)
    middle = (np.searchsorted(ordered, values, "left") + np.searchsorted(ordered, values, "right")) / 2
    share = np.clip(middle / len(ordered), 0, 1 - 1e-12)
    return np.floor(share * 5).astype(np.int64) + 1


def _segments(reference: list[Floats], values: list[Floats]) -> Ints:
    recency, frequency, monetary = (scores(a, b) for a, b in zip(reference, values, strict=True))
    worth = (frequency + monetary + 1) // 2
    lookup = np.zeros((6, 6), dtype=np.int64)
    for i, (_, recent, value) in reversed(list(enumerate(RFM_RULES))):
        lookup[np.ix_(list(recent), list(value))] = i
    index: Ints = lookup[6 - recency, worth]
    return index
