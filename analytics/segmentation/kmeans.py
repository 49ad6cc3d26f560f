"""K-means, and the evidence for the number of segments.

Sources: k-means++ starts (Arthur and Vassilvitskii 2007); silhouette (Rousseeuw 1987); Calinski and Harabasz (1974);
stability over bootstrap resamples (Hennig 2007).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import numpy.typing as npt
import polars as pl

from analytics.errors import AnalysisError, Caveat
from analytics.progress import report
from analytics.segmentation.resampling import contingency, matched, mean_agreement
from analytics.segmentation.result import EVIDENCE_SCHEMA, FEWEST, MOST, SMALLEST_SHARE, STABLE, Cut

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

FIT_ROWS, EVIDENCE_ROWS = 20_000, 1_200
N_STARTS, N_RESAMPLE_STARTS, N_RESAMPLES = 6, 3, 12
NO_STRUCTURE = 0.25  # a mean silhouette up to here: "no substantial structure" (Kaufman and Rousseeuw 1990)


def cut_by_kmeans(points: Floats, n_segments: int | None, random_state: int) -> Cut:
    """Cut standardised rows (n x features, in a fixed order) into ``n_segments``, or into the recommended number.

    Large tables are fitted on ``FIT_ROWS`` rows drawn at random; every row goes to its nearest centre. Raises
    ``AnalysisError("too_few_to_segment")`` when the rows hold fewer than two different profiles.
    """
    rng = np.random.default_rng(random_state)
    n = len(points)
    drawn = _draw(rng, n, FIT_ROWS)
    fitted = points[drawn]
    studied = fitted[_draw(rng, len(fitted), EVIDENCE_ROWS)]
    profile = np.unique(studied, axis=0, return_inverse=True)[1].reshape(-1).astype(np.int64)
    n_profiles = int(profile.max()) + 1
    most = min(MOST, n_profiles, len(studied) - 1)
    if most < FEWEST:
        raise AnalysisError("too_few_to_segment", n=n, needed=FEWEST + 1)
    with _one_thread():
        evidence, swaps, references = _weigh(studied, profile, most, random_state)
        recommended, reason = recommend(evidence)
        chosen = min(n_segments or recommended, most)
        report(0.8, "segment_fit")
        centres = _fit(fitted, chosen, N_STARTS, random_state)
        index = _nearest(points, centres)
    # The evidence was weighed on its own fit: carry its tally over to the segments that are shown.
    to_shown = matched(contingency(_nearest(studied, centres), references[chosen], chosen, chosen))
    tally = np.zeros((chosen, chosen))
    tally[np.ix_(to_shown, to_shown)] = swaps[chosen]
    row = evidence.filter(pl.col("n_segments") == chosen).row(0, named=True)
    caveats = []
    if n_segments is not None and chosen < n_segments:
        caveats.append(Caveat("segments_reduced", "watch", {"asked": n_segments, "made": chosen}))
    if reason == "no_clear_structure":
        caveats.append(Caveat("no_clear_structure", "watch", {"n": recommended}))
    elif row["stability"] is not None and row["stability"] < STABLE:
        caveats.append(Caveat("segments_unstable", "watch", {"n": chosen, "stability": row["stability"]}))
    if row["min_share"] < SMALLEST_SHARE:
        caveats.append(Caveat("segment_small", "note", {"percent": round(100 * row["min_share"], 1)}))
    return Cut(
        index=index,
        n_segments=chosen,
        codes=None,
        evidence=evidence,
        recommended=recommended,
        reason=reason,
        stability=row["stability"],
        swaps=tally,
        n_fitted=len(fitted),
        n_evidence=len(studied),
        caveats=tuple(caveats),
    )


def recommend(evidence: pl.DataFrame) -> tuple[int, str]:
    """The number with the best silhouette among those that qualify; the most stable one where none does."""
    qualified = evidence.filter("qualifies").sort("silhouette", "n_segments", descending=[True, False])
    if qualified.height and qualified["silhouette"][0] > NO_STRUCTURE:
        return int(qualified["n_segments"][0]), "best_silhouette"
    stand_in = evidence.sort(
        pl.col("min_share") >= SMALLEST_SHARE, pl.col("stability").fill_null(0), descending=True, maintain_order=True
    )
    return int(stand_in["n_segments"][0]), "no_clear_structure"


def _weigh(
    points: Floats, profile: Ints, most: int, random_state: int
) -> tuple[pl.DataFrame, dict[int, Floats], dict[int, Ints]]:
    """Evidence for 2..``most`` segments, with the tally of swaps and the reference segments of each number."""
    from sklearn.metrics import calinski_harabasz_score, euclidean_distances, silhouette_score

    distances = euclidean_distances(points)
    n = len(points)
    rows, swaps, references = [], {}, {}
    for k in range(FEWEST, most + 1):
        report(0.05 + 0.75 * (k - FEWEST) / (most - FEWEST + 1), "segment_evidence")
        reference = _nearest(points, _fit(points, k, N_STARTS, random_state))
        rng = np.random.default_rng([random_state, k])
        tables, tally = [], np.zeros((k, k))
        for _ in range(N_RESAMPLES):
            drawn = rng.integers(0, n, n)
            if len(np.unique(profile[drawn])) < k:
                continue
            start = int(rng.integers(2**31))
            again = _nearest(points, _fit(points[drawn], k, N_RESAMPLE_STARTS, start))
            table = contingency(reference, again, k, k)
            tables.append(table)
            tally[:, matched(table)] += table
        stability = mean_agreement(tables)
        sizes = np.bincount(reference, minlength=k)
        min_share = float(sizes.min() / n)
        # With as many segments as profiles every segment is a point: the two indices are then not defined.
        defined = FEWEST <= int((sizes > 0).sum()) < n
        silhouette = float(silhouette_score(distances, reference, metric="precomputed")) if defined else None
        spread = float(calinski_harabasz_score(points, reference)) if defined else None
        qualifies = (stability or 0.0) >= STABLE and min_share >= SMALLEST_SHARE and silhouette is not None
        rows.append((k, silhouette, spread, stability, min_share, qualifies))
        swaps[k], references[k] = tally, reference
    return pl.DataFrame(rows, schema=EVIDENCE_SCHEMA, orient="row"), swaps, references


def _fit(points: Floats, k: int, n_init: int, random_state: int) -> Floats:
    from sklearn.cluster import KMeans

    model = KMeans(k, n_init=n_init, random_state=random_state, max_iter=100).fit(points)
    return np.asarray(model.cluster_centers_, dtype=np.float64)


def _nearest(points: Floats, centres: Floats) -> Ints:
    squares: Floats = (centres**2).sum(axis=1)
    index: Ints = np.argmin(squares - 2 * points @ centres.T, axis=1).astype(np.int64)
    return index


def _draw(rng: np.random.Generator, n: int, limit: int) -> Ints:
    return np.arange(n) if n <= limit else np.sort(rng.choice(n, limit, replace=False))


@contextmanager
def _one_thread() -> Iterator[None]:
    # Small fits: threads cost more than they bring, and sums in a fixed order make a seed repeatable.
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    with threadpool_limits(limits=1):
        yield
