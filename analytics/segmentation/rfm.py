"""RFM: scores of recency, frequency and monetary value, and the named segments they fall into.

Source: Hughes, Strategic Database Marketing (1994). By quantiles a score is the part of the customers in which the
mid-rank of a value falls, so equal values always share a score.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import polars as pl

from analytics.errors import AnalysisError, Caveat

RFM_FIELDS = ("recency_days", "n_orders", "revenue")
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
# Of the customers' own usual gaps: longer than half of them, than nine in ten ... is how late "late" is.
_ADVISED_GAPS = {3: (0.5, 0.9), 4: (0.5, 0.8, 0.95), 5: (0.5, 0.75, 0.9, 0.97)}
_LEAST_GAPS = 30

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Cuts = tuple[float, ...]


@dataclass(frozen=True, slots=True)
class RfmSpec:
    """How recency, frequency and monetary value become scores 1 to ``n_scores`` (3-5).

    ``cuts``: "quantiles" (equal parts of the customers); "fixed" (a person's own: ``n_scores`` - 1 rising bounds per
    field, where a field has none its quantiles): up to the first ``recency_cuts`` days is the best score, from the
    last ``frequency_cuts`` orders or ``monetary_cuts`` currency units on is the best; "advised" (recency by quantiles
    of the customers' own mean gaps between orders, so that the lowest scores are silent for longer than customers
    ever are; frequency by one-time buyers and quantiles of the others; monetary by quantiles). Raises
    ``AnalysisError``: rfm_scores_range, rfm_cuts_wrong.
    """

    cuts: Literal["quantiles", "fixed", "advised"] = "quantiles"
    n_scores: int = 5
    recency_cuts: Cuts = ()
    frequency_cuts: Cuts = ()
    monetary_cuts: Cuts = ()

    def __post_init__(self) -> None:
        if not 3 <= self.n_scores <= 5:
            raise AnalysisError("rfm_scores_range", n=self.n_scores)
        for field, cuts in zip(RFM_FIELDS, (self.recency_cuts, self.frequency_cuts, self.monetary_cuts), strict=True):
            rising = all(a < b for a, b in itertools.pairwise(cuts))
            if cuts and not (len(cuts) == self.n_scores - 1 and rising and np.isfinite(cuts).all()):
                raise AnalysisError("rfm_cuts_wrong", field=field, n=self.n_scores - 1)


@dataclass(frozen=True, slots=True, eq=False)
class RfmModel:
    """The cuts of the three fields in rising order (infinite where no value lies beyond), and what stands for unknown.

    ``sources``: "quantiles", "fixed" or "advised" per field. ``percentiles``: 0-100 of each field among the customers
    that the cuts were made from; ``medians``: what an unknown value counts as.
    """

    n_scores: int
    cuts: tuple[Cuts, Cuts, Cuts]
    sources: tuple[str, str, str]
    medians: tuple[float, float, float]
    percentiles: tuple[Cuts, Cuts, Cuts]

    def score(self, frame: pl.DataFrame) -> tuple[Ints, Ints, Ints]:
        """Scores 1 (worst) to ``n_scores`` (best) of recency, frequency and monetary value."""
        recency, frequency, monetary = self._values(frame)
        late = np.searchsorted(np.array(self.cuts[0]), recency, "left")
        often = np.searchsorted(np.array(self.cuts[1]), frequency, "right") + 1
        much = np.searchsorted(np.array(self.cuts[2]), monetary, "right") + 1
        return self.n_scores - late, often, much

    def place(self, frame: pl.DataFrame) -> tuple[Ints, Floats]:
        """The segment of each row (index into ``RFM_RULES``); margin by rank: 1 is half a part away from every cut."""
        margin = np.ones(frame.height)
        for values, cuts, grid in zip(self._values(frame), self.cuts, self.percentiles, strict=True):
            ranks = np.linspace(0, 1, len(grid))
            at = np.interp(values, grid, ranks)
            for cut in cuts:
                if np.isfinite(cut):
                    np.minimum(margin, np.abs(at - np.interp(cut, grid, ranks)) * 2 * self.n_scores, out=margin)
        return self.segments(*self.score(frame)), margin

    def segments(self, recency: Ints, frequency: Ints, monetary: Ints) -> Ints:
        """The segments of scores; three or four scores are stretched to the five that the rules speak of."""
        stretched = np.round(1 + 4 * np.arange(self.n_scores) / (self.n_scores - 1)).astype(np.int64)
        worth = (stretched[frequency - 1] + stretched[monetary - 1] + 1) // 2
        lookup = np.zeros((6, 6), dtype=np.int64)
        for i, (_, recent, value) in reversed(list(enumerate(RFM_RULES))):
            lookup[np.ix_(list(recent), list(value))] = i
        index: Ints = lookup[stretched[recency - 1], worth]
        return index

    def _values(self, frame: pl.DataFrame) -> list[Floats]:
        return [
            frame[name].cast(pl.Float64).fill_null(median).fill_nan(median).to_numpy()
            if name in frame.columns
            else np.full(frame.height, median)
            for name, median in zip(RFM_FIELDS, self.medians, strict=True)
        ]


def fit_rfm(frame: pl.DataFrame, spec: RfmSpec) -> tuple[RfmModel, list[Caveat]]:
    """The cuts that ``spec`` asks for among these customers (with recency_days, n_orders, revenue)."""
    columns = [frame[name].cast(pl.Float64).drop_nulls().drop_nans().to_numpy() for name in RFM_FIELDS]
    medians = [float(np.median(held)) if len(held) else 0.0 for held in columns]
    filled = [
        frame[name].cast(pl.Float64).fill_null(median).fill_nan(median).to_numpy()
        for name, median in zip(RFM_FIELDS, medians, strict=True)
    ]
    cuts = [quantile_cuts(filled[0], spec.n_scores, upper=True)]
    cuts += [quantile_cuts(values, spec.n_scores, upper=False) for values in filled[1:]]
    sources = ["quantiles"] * 3
    caveats: list[Caveat] = []
    if spec.cuts == "fixed":
        for i, own in enumerate((spec.recency_cuts, spec.frequency_cuts, spec.monetary_cuts)):
            if own:
                cuts[i], sources[i] = own, "fixed"
            else:
                caveats.append(Caveat("rfm_cuts_by_quantiles", "note", {"field": RFM_FIELDS[i]}))
    if spec.cuts == "advised":
        gaps = (
            frame["mean_gap_days"].drop_nulls().cast(pl.Float64).to_numpy() if "mean_gap_days" in frame else np.empty(0)
        )
        if len(gaps) >= _LEAST_GAPS:
            cuts[0] = tuple(np.round(np.quantile(gaps, _ADVISED_GAPS[spec.n_scores])).tolist())
            sources[0] = "advised"
        else:
            caveats.append(Caveat("rfm_gaps_few", "watch", {"n": len(gaps), "needed": _LEAST_GAPS}))
        more = filled[1][filled[1] > 1]
        if len(more) >= _LEAST_GAPS and len(more) < len(filled[1]):
            cuts[1] = (2.0, *quantile_cuts(more, spec.n_scores - 1, upper=False))
            sources[1] = "advised"
    grid = np.linspace(0, 1, 101)
    percentiles = [tuple(np.quantile(values, grid).tolist()) for values in filled]
    model = RfmModel(
        n_scores=spec.n_scores,
        cuts=(cuts[0], cuts[1], cuts[2]),
        sources=(sources[0], sources[1], sources[2]),
        medians=(medians[0], medians[1], medians[2]),
        percentiles=(percentiles[0], percentiles[1], percentiles[2]),
    )
    return model, caveats


def scores(reference: Floats, values: Floats, n_scores: int = 5) -> Ints:
    """Scores 1 to ``n_scores`` of ``values`` by their mid-rank among ``reference``; the middle when all are equal."""
    ordered = np.sort(reference)
    middle = (np.searchsorted(ordered, values, "left") + np.searchsorted(ordered, values, "right")) / 2
    share = np.clip(middle / len(ordered), 0, 1 - 1e-12)
    return np.floor(share * n_scores).astype(np.int64) + 1


def quantile_cuts(values: Floats, n_scores: int, *, upper: bool) -> Cuts:
    """The bounds between the scores of ``scores``: the largest value of each score (``upper``) or the smallest of the
    next one; infinite where no value lies on that side."""
    different = np.unique(values)
    found = scores(values, different, n_scores)
    if upper:
        at = np.searchsorted(found, np.arange(1, n_scores), "right") - 1
        return tuple(float(different[i]) if i >= 0 else -np.inf for i in at)
    at = np.searchsorted(found, np.arange(2, n_scores + 1), "left")
    return tuple(float(different[i]) if i < len(different) else np.inf for i in at)


def cuts_table(model: RfmModel, scored: tuple[Ints, Ints, Ints]) -> pl.DataFrame:
    """field, score, low, high (null where open; recency: low < value <= high, others: low <= value < high),
    n_customers, source."""
    rows = []
    for field, cuts, found, source in zip(RFM_FIELDS, model.cuts, scored, model.sources, strict=True):
        sizes = np.bincount(found, minlength=model.n_scores + 1)
        bounds = [None, *(cut if np.isfinite(cut) else None for cut in cuts), None]
        for part in range(model.n_scores):
            score = model.n_scores - part if field == "recency_days" else part + 1
            rows.append((field, score, bounds[part], bounds[part + 1], int(sizes[score]), source))
    return pl.DataFrame(rows, schema=CUTS_SCHEMA, orient="row")


CUTS_SCHEMA = {
    "field": pl.String,
    "score": pl.Int64,
    "low": pl.Float64,
    "high": pl.Float64,
    "n_customers": pl.Int64,
    "source": pl.String,
}
CELLS_SCHEMA = {
    "r": pl.Int64,
    "f": pl.Int64,
    "m": pl.Int64,
    "label": pl.String,
    "n_customers": pl.Int64,
    "revenue": pl.Float64,
}


def cells(scored: tuple[Ints, Ints, Ints], index: Ints, labels: list[str], revenue: Floats) -> pl.DataFrame:
    """r, f, m (scores), label, n_customers, revenue: one row per triple of scores that a customer has."""
    recency, frequency, monetary = scored
    code = (recency * 8 + frequency) * 8 + monetary
    sizes = np.bincount(code)
    sums = np.bincount(code, weights=revenue, minlength=len(sizes))
    held = np.flatnonzero(sizes)
    label_of = np.zeros(len(sizes), dtype=np.int64)
    label_of[code] = index
    columns = {
        "r": held // 64,
        "f": held // 8 % 8,
        "m": held % 8,
        "label": pl.Series(labels)[label_of[held]],
        "n_customers": sizes[held],
        "revenue": sums[held],
    }
    return pl.DataFrame(columns, schema=CELLS_SCHEMA)
