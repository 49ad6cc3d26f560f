"""How many segments, and is there anything to find? The evidence for every number of segments.

Silhouette (Rousseeuw 1987), Calinski and Harabasz (1974), BIC of a mixture (Schwarz 1978), stability over bootstrap
resamples (Hennig 2007), sizes, and a test: the customers, cut by k-means, must be better separated than customers
without clusters that resemble them (after Tibshirani, Walther and Hastie 2001), and between neighbouring segments there
must not be more customers than at their centres.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import polars as pl

from analytics.customers import CustomerTable
from analytics.errors import AnalysisError, Caveat
from analytics.keys import derive_key
from analytics.progress import report
from analytics.segmentation import kmeans
from analytics.segmentation.encoding import Encoded, EncodedCustomers, Encoder, encode, ordering_rows
from analytics.segmentation.kinds import look_for_kinds
from analytics.segmentation.partition import Partition, fit_partition, n_profiles, one_thread
from analytics.segmentation.profiles import overlap_caveats, overlaps
from analytics.segmentation.references import FAMILIES, fit_references
from analytics.segmentation.resampling import adjusted_rand, contingency, matched
from analytics.segmentation.result import (
    FEWEST,
    MOST,
    SMALLEST_SHARE,
    STABLE,
    SegmentationResult,
    SegmentationSpec,
)
from analytics.segmentation.rfm import RFM_FIELDS, RFM_RULES, fit_rfm
from analytics.segmentation.rules import fit_rules

Floats = npt.NDArray[np.float64]
Singles = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]
Method = Literal["rfm", "rules", "kmeans", "mixture", "hierarchical"]
Fitted = Literal["kmeans", "mixture", "hierarchical"]

STRUCTURE_ROWS, N_REFERENCES, N_STARTS = 1_000, 20, 3
STABILITY_ROWS, OTHER_ROWS = 5_000, 600  # k-means; methods whose fits take longer
N_RESAMPLES, N_OTHER_RESAMPLES, START_ROWS, POLISH_STEPS = 16, 5, 600, 12
LEAST_CUSTOMERS = 40  # below, no test of structure
# Chosen on seeds that no test uses: how far beyond the references' mean (in their deviations) and by how much the
# silhouette must be larger; how dense the least separated pair may be halfway, relative to its centres; and how thin
# halfway is a gap.
DEVIATIONS, LEAST_EXCESS, DENSE, GAP = 2.5, 0.015, 1.15, 0.4
# A mixture's log-likelihood per customer must gain so much more than it gains among references.
N_GAINS, GAIN_DEVIATIONS, LEAST_GAIN = 6, 3.0, 0.02
_HALFWAY, _BATCH = 0.25, 5
NUMBERS_SCHEMA = pl.Schema(
    {
        "n_segments": pl.Int64(),
        "silhouette": pl.Float64(),
        "calinski_harabasz": pl.Float64(),
        "bic": pl.Float64(),
        "stability": pl.Float64(),
        "min_share": pl.Float64(),
        "separation": pl.Float64(),
        "needed": pl.Float64(),
        "between": pl.Float64(),
        "qualifies": pl.Boolean(),
    }
)
REFERENCES_SCHEMA = pl.Schema(
    {"n_segments": pl.Int64(), "family": pl.String(), "mean": pl.Float64(), "low": pl.Float64(), "high": pl.Float64()}
)
SIZES_SCHEMA = pl.Schema({"n_segments": pl.Int64(), "rank": pl.Int64(), "share": pl.Float64()})


@dataclass(frozen=True, slots=True, eq=False)
class EvidenceResult:
    """The evidence for each number of segments. It does not depend on the number that the spec asks for.

    Attributes
    ----------
    numbers : n_segments; silhouette, calinski_harabasz (of the method's own cut); bic (mixture, else null); stability
        (mean ARI over resamples, null where it cannot be had); min_share (0-1, the smallest segment); separation (the
        silhouette of the k-means cut, which is what the references are compared by; with k-means equal to silhouette);
        needed (the separation from which there is more than in any family of references); between (customers halfway
        between the least separated two segments relative to those at the emptier centre: below 1 a gap, above 1
        none); qualifies (stability at least .7 and no segment under 5 %).
    references : n_segments, family ("margins", "normal", "uniform"), mean, low, high (5 and 95 % points) of the
        separation of customers without clusters. Empty where there was no test.
    sizes : n_segments, rank (1 = largest), share (0-1).
    studied : customer_id, then one column per number of segments ("2".."8") with the segment (0..k-1) of those
        customers whose resamples were studied.
    swaps : per number of segments a k x k table: how often, over resamples, a customer of the row was put into the
        column's counterpart.
    structure : "found", "none" (nothing that customers without clusters would not show) or "too_few" (not tested);
        "" for RFM and rules, where nothing is looked for. A mixture sees more than distances. With categories or
        counts its verdict is that of ``kinds``; of numbers alone, whether ``gain``, the log-likelihood per customer
        of the best number above that of one segment, exceeds ``gain_needed``, which customers without clusters
        reach (McLachlan 1987). Both None elsewhere.
    recommended, reason : the number and why, among those that qualify: "best_excess" (its separation exceeds the
        needed one by most); "gaps" (a larger number still has a gap between any two segments); "best_bic" (mixture);
        "best_silhouette" (too few customers to test). "most_stable" stands in where there is no structure or nothing
        qualifies. None and "fixed_cuts" for RFM and rules.
    n_customers, n_structure, n_stability, n_references, n_resamples : customers; those drawn for the test and for
        stability; references per family; resamples.
    """

    spec: SegmentationSpec
    numbers: pl.DataFrame
    references: pl.DataFrame
    sizes: pl.DataFrame
    studied: pl.DataFrame
    swaps: tuple[tuple[int, Floats], ...]
    structure: str
    recommended: int | None
    reason: str
    n_customers: int
    n_structure: int
    n_stability: int
    n_references: int
    n_resamples: int
    caveats: tuple[Caveat, ...]
    key: str
    gain: float | None = None
    gain_needed: float | None = None

    def row(self, n_segments: int) -> dict[str, Any]:
        """What ``numbers`` says of one number; empty where it was not weighed."""
        found = self.numbers.filter(pl.col("n_segments") == n_segments)
        return found.row(0, named=True) if found.height else {}


@dataclass(frozen=True, slots=True, eq=False)
class CutEvidence:
    """What the evidence says of the segments that are shown, in their labels.

    Attributes
    ----------
    silhouette, stability, min_share, between, separation, needed : as in ``EvidenceResult.numbers`` for that number;
        None where it was not weighed.
    overlaps : label_a, label_b, moved_share (of the customers of both, the share that lies in the other one when the
        data is resampled), largest first.
    caveats : no_clear_structure, structure_not_tested, segments_unstable, segments_overlap.
    """

    n_segments: int
    silhouette: float | None
    stability: float | None
    min_share: float | None
    between: float | None
    separation: float | None
    needed: float | None
    overlaps: pl.DataFrame
    caveats: tuple[Caveat, ...]
    key: str


def weigh_numbers(
    customers: CustomerTable, spec: SegmentationSpec, encoded: EncodedCustomers | None = None
) -> EvidenceResult:
    """The evidence for every number of segments that ``spec`` could ask for; for RFM and rules that of the one cut.

    ``spec.n_segments`` does not matter. ``encoded`` (of the same features and weights) saves encoding again. Rows are
    taken in the order of their feature values, so neither the order of rows nor ids have any influence. Raises
    ``AnalysisError``: what ``encode`` and ``fit_rules`` raise, too_few_to_segment, rfm_fields_missing.
    """
    spec = replace(spec, n_segments=None)
    key = derive_key("weigh_numbers", spec, customers.key)
    if spec.method in ("rfm", "rules"):
        return _weigh_cut_by_rule(customers, spec, key)
    n_customers = len(ordering_rows(customers))
    if n_customers <= FEWEST:
        raise AnalysisError("too_few_to_segment", n=n_customers, needed=FEWEST + 1)
    if encoded is None or encoded.key != EncodedCustomers.key_of(customers, spec.features, spec.weights):
        encoded = encode(customers, spec.features, spec.weights)
    found = weigh_points(encoded.encoded, spec.method, encoded.encoder, spec.random_state)
    columns = {str(k): pl.Series(index, dtype=pl.Int64) for k, index in found.index.items()}
    return EvidenceResult(
        spec=spec,
        numbers=found.numbers,
        references=found.references,
        sizes=found.sizes,
        studied=customers.frame[encoded.rows[found.rows]].select("customer_id", **columns).sort("customer_id"),
        swaps=tuple(found.swaps.items()),
        structure=found.structure,
        recommended=found.recommended,
        reason=found.reason,
        n_customers=n_customers,
        n_structure=found.n_structure,
        n_stability=len(found.rows),
        n_references=N_REFERENCES if found.n_structure else 0,
        n_resamples=found.n_resamples,
        caveats=_caveats(found.structure, found.recommended, n_customers),
        key=key,
        gain=found.gain,
        gain_needed=found.gain_needed,
    )


def weigh_cut(evidence: EvidenceResult, segments: SegmentationResult) -> CutEvidence:
    """Carry the evidence over to segments that are shown: their number's figures, and overlaps in their labels."""
    labels = [label for label, _ in segments.names]
    numbers = {k for k, _ in evidence.swaps}
    k = len(labels) if len(labels) in numbers else segments.n_segments
    row = evidence.row(k)
    pairs = overlaps(np.zeros((0, 0)), [])
    if k in numbers:
        place = pl.DataFrame({"label": labels, "shown": range(len(labels))}, schema_overrides={"label": pl.String})
        both = evidence.studied.select("customer_id", weighed=str(k)).join(
            segments.members.select("customer_id", "label").join(place, on="label"), on="customer_id"
        )
        table = contingency(both["shown"].to_numpy(), both["weighed"].to_numpy(), len(labels), k)
        shown = matched(table)
        swaps = dict(evidence.swaps)[k]
        held = np.flatnonzero(shown >= 0)
        tally = np.zeros((len(labels), len(labels)))
        tally[np.ix_(shown[held], shown[held])] = swaps[np.ix_(held, held)]
        pairs = overlaps(tally, labels)
    stability = row.get("stability")
    caveats = list(evidence.caveats)
    if evidence.structure != "none" and stability is not None and stability < STABLE:
        caveats.append(Caveat("segments_unstable", "watch", {"n": k, "stability": round(stability, 2)}))
    figures = {name: row.get(name) for name in ("silhouette", "stability", "min_share", "between")}
    return CutEvidence(
        n_segments=k,
        **figures,
        separation=row.get("separation"),
        needed=row.get("needed"),
        overlaps=pairs,
        caveats=(*caveats, *overlap_caveats(pairs)),
        key=derive_key("weigh_cut", None, evidence.key, segments.key),
    )


def _caveats(structure: str, recommended: int, n_customers: int) -> tuple[Caveat, ...]:
    if structure == "none":
        return (Caveat("no_clear_structure", "watch", {"n": recommended}),)
    if structure == "too_few":
        return (Caveat("structure_not_tested", "watch", {"n": n_customers, "needed": LEAST_CUSTOMERS}),)
    return ()


def _weigh_cut_by_rule(customers: CustomerTable, spec: SegmentationSpec, key: str) -> EvidenceResult:
    """RFM and rules: how far the cut depends on which customers happen to be there. Rules never do."""
    frame = customers.frame[ordering_rows(customers)]
    by_rfm = spec.method == "rfm"
    lacking = [name for name in RFM_FIELDS if by_rfm and (name not in frame or not frame[name].count())]
    if lacking:
        raise AnalysisError("rfm_fields_missing", fields=", ".join(lacking))
    if frame.height < (5 if by_rfm else 1):
        raise AnalysisError("too_few_to_segment", n=frame.height, needed=5 if by_rfm else 1)
    report(0.1, "segment_evidence")
    rng = np.random.default_rng(spec.random_state)
    place: Callable[[pl.DataFrame], tuple[Ints, Floats]]
    place = (fit_rfm(frame, spec.rfm)[0] if by_rfm else fit_rules(customers, frame, spec.rules)).place
    k = len(RFM_RULES) if by_rfm else len(spec.rules) + 1
    if by_rfm:
        frame = frame.sort(*RFM_FIELDS, nulls_last=True)
    seen = frame[kmeans.draw_rows(rng, frame.height, STABILITY_ROWS)]
    index = place(seen)[0]
    tables = []
    for _ in range(N_RESAMPLES if by_rfm else 1):
        again = fit_rfm(seen[rng.integers(0, seen.height, seen.height)], spec.rfm)[0].place if by_rfm else place
        tables.append(contingency(index, again(seen)[0], k, k))
    shares = np.sort(np.bincount(index, minlength=k) / seen.height)[::-1]
    stability = float(np.mean([adjusted_rand(table) for table in tables]))
    held = [float(share) for share in shares if share > 0]
    row = {"n_segments": len(held), "stability": stability, "min_share": held[-1]}
    row |= {"qualifies": stability >= STABLE and held[-1] >= SMALLEST_SHARE}
    return EvidenceResult(
        spec=spec,
        numbers=pl.DataFrame([row], schema=NUMBERS_SCHEMA),
        references=pl.DataFrame(schema=REFERENCES_SCHEMA),
        sizes=pl.DataFrame([(len(held), i + 1, s) for i, s in enumerate(held)], schema=SIZES_SCHEMA, orient="row"),
        studied=seen.select("customer_id", pl.Series(str(k), index, dtype=pl.Int64)).sort("customer_id"),
        swaps=((k, np.sum(tables, axis=0).astype(np.float64)),),
        structure="",
        recommended=None,
        reason="fixed_cuts",
        n_customers=frame.height,
        n_structure=0,
        n_stability=seen.height,
        n_references=0,
        n_resamples=len(tables) if by_rfm else 0,
        caveats=(),
        key=key,
    )


# ---- any method


@dataclass(frozen=True, slots=True, eq=False)
class Weighed:
    """The evidence of points, without names: ``numbers``, ``references``, ``sizes`` as in ``EvidenceResult``; the rows
    that were drawn for stability and their segment under each number."""

    numbers: pl.DataFrame
    references: pl.DataFrame
    sizes: pl.DataFrame
    rows: Ints
    index: dict[int, Ints]
    swaps: dict[int, Floats]
    structure: str
    recommended: int
    reason: str
    n_structure: int
    n_resamples: int
    gain: float | None
    gain_needed: float | None


def weigh_points(
    encoded: Encoded, method: Method = "kmeans", encoder: Encoder | None = None, random_state: int = 0
) -> Weighed:
    """The evidence for 2-8 segments of encoded customers in a fixed order; without ``encoder`` all are numbers.

    Raises ``AnalysisError("too_few_to_segment")`` when the rows hold fewer than two different profiles.
    """
    assert method in ("kmeans", "mixture", "hierarchical")
    rng = np.random.default_rng(random_state)
    n = len(encoded)
    by_kmeans = method == "kmeans"
    rows = kmeans.draw_rows(rng, n, STABILITY_ROWS if by_kmeans else OTHER_ROWS)
    studied = encoded.take(rows)
    tested = encoded.take(kmeans.draw_rows(rng, n, STRUCTURE_ROWS))
    most = min(n_profiles(studied.points, MOST), n_profiles(tested.points, MOST), n - 1)
    if most < FEWEST:
        raise AnalysisError("too_few_to_segment", n=n, needed=FEWEST + 1)
    numbers = range(FEWEST, most + 1)
    n_init = 2 * N_STARTS if by_kmeans else 2
    gain: tuple[float, float] | tuple[None, None] = (None, None)
    with one_thread():
        tests = n >= LEAST_CUSTOMERS
        seen, needed, references = _separations(tested, encoder, numbers, rng, tests=tests)
        found, sizes = [], []
        index: dict[int, Ints] = {}
        swaps: dict[int, Floats] = {}
        distances = _distances(tested.points.astype(np.float32))
        for k in numbers:
            report(0.55 + 0.45 * (k - FEWEST) / len(numbers), "segment_evidence")
            partition = fit_partition(studied, method, k, n_init=n_init, random_state=random_state)
            index[k] = partition.assign(studied)[0]
            tables = list(_resampled(studied, index[k], partition, method, rng))
            stability = float(np.mean([adjusted_rand(table) for table in tables])) if tables else None
            swaps[k] = np.zeros((k, k))
            for table in tables:
                swaps[k][:, matched(table)] += table
            shares = np.sort(np.bincount(index[k], minlength=k) / len(rows))[::-1]
            sizes += [(k, i + 1, float(share)) for i, share in enumerate(shares)]
            own = partition.assign(tested)[0]
            silhouette = _silhouette(distances, own, k)
            separation = silhouette if by_kmeans else seen[k]
            between = _halfway(studied.points, index[k], k)
            qualifies = (stability or 0.0) >= STABLE and shares[-1] >= SMALLEST_SHARE and silhouette is not None
            bic = getattr(partition, "bic", None)
            spread = _calinski_harabasz(studied.points, index[k], k)
            figures = (silhouette, spread, bic, stability, float(shares[-1]), separation, needed.get(k), between)
            found.append((k, *figures, qualifies))
        weighed = pl.DataFrame(found, schema=NUMBERS_SCHEMA, orient="row")
        structure = _verdict(weighed) if tests else "too_few"
        if method == "mixture" and tests and tested.counts:  # no distance shows kinds of orders
            structure = "found" if look_for_kinds(tested, random_state).found else "none"
        elif method == "mixture" and tests:
            seen_gain, needed_gain = gain = _gains(studied, encoder, _recommend(weighed, "found")[0], random_state)
            structure = "found" if seen_gain > needed_gain else "none"
    recommended, reason = _recommend(weighed, structure)
    return Weighed(
        numbers=weighed,
        references=pl.DataFrame(references, schema=REFERENCES_SCHEMA, orient="row"),
        sizes=pl.DataFrame(sizes, schema=SIZES_SCHEMA, orient="row"),
        rows=rows,
        index=index,
        swaps=swaps,
        structure=structure,
        recommended=recommended,
        reason=reason,
        n_structure=len(tested) if tests else 0,
        n_resamples=N_RESAMPLES if by_kmeans else N_OTHER_RESAMPLES,
        gain=gain[0],
        gain_needed=gain[1],
    )


def _exceeding() -> pl.Expr:
    return pl.col("qualifies") & (pl.col("separation") > pl.col("needed"))


def _verdict(numbers: pl.DataFrame) -> str:
    return "found" if numbers.filter(_exceeding() & (pl.col("between") <= DENSE)).height else "none"


def _recommend(numbers: pl.DataFrame, structure: str) -> tuple[int, str]:
    sound = numbers.filter("qualifies")
    if structure == "none" or sound.is_empty():
        large, stable = pl.col("min_share") >= SMALLEST_SHARE, pl.col("stability").fill_null(0)
        steadiest = numbers.sort(large, stable, descending=True, maintain_order=True)
        return int(steadiest["n_segments"][0]), "most_stable"
    if sound["bic"].null_count() == 0:
        return int(sound.sort("bic")["n_segments"][0]), "best_bic"
    if structure == "too_few":
        return int(sound.sort("silhouette", descending=True, maintain_order=True)["n_segments"][0]), "best_silhouette"
    excess = pl.col("separation") - pl.col("needed")
    beyond = sound.filter(excess > 0).sort(excess, descending=True, maintain_order=True)
    clearest = int(beyond["n_segments"][0])
    apart = beyond.filter((pl.col("between") <= GAP) & (pl.col("n_segments") > clearest))["n_segments"].to_list()
    return (max(apart), "gaps") if apart else (clearest, "best_excess")


def _gains(studied: Encoded, encoder: Encoder | None, k: int, random_state: int) -> tuple[float, float]:
    """What k segments add to the log-likelihood of one, per customer: as seen, and as references would have to."""
    from analytics.segmentation.mixture import fit_mixture

    def gain(encoded: Encoded) -> float:
        one, several = (
            fit_mixture(encoded.numbers, encoded.counts, number, n_init=n_init, random_state=random_state)
            for number, n_init in ((1, 1), (k, 2))
        )
        return several.log_likelihood - one.log_likelihood

    references = fit_references(studied, encoder)
    rng = np.random.default_rng(random_state)
    drawn = [gain(references.draw_encoded(studied, rng)) for _ in range(N_GAINS)]
    needed = float(np.mean(drawn) + GAIN_DEVIATIONS * np.std(drawn, ddof=1)) + LEAST_GAIN
    return gain(references.as_drawn(studied)), needed


# ---- separation, seen and under references


def _separations(
    tested: Encoded, encoder: Encoder | None, numbers: range, rng: np.random.Generator, *, tests: bool
) -> tuple[dict[int, float], dict[int, float], list[tuple[int, str, float, float, float]]]:
    """Per number: the separation seen and the separation needed; and the references' figures."""
    report(0.02, "segment_references")
    seen = {k: float(s[0]) for k, s in _separation(tested.points[None].astype(np.float32), numbers, rng).items()}
    if not tests:
        return seen, {}, []
    references = fit_references(tested, encoder)
    needed, rows = dict.fromkeys(numbers, -1.0), []
    for i, family in enumerate(FAMILIES):
        drawn = []
        for begin in range(0, N_REFERENCES, _BATCH):
            report(0.05 + 0.5 * (i + begin / N_REFERENCES) / len(FAMILIES), "segment_references")
            sets = references.draw(family, min(_BATCH, N_REFERENCES - begin), rng)
            drawn.append(_separation(sets.astype(np.float32), numbers, rng))
        for k in numbers:
            values = np.concatenate([part[k] for part in drawn])
            mean, deviation = float(values.mean()), float(values.std(ddof=1))
            needed[k] = max(needed[k], mean + DEVIATIONS * deviation + LEAST_EXCESS)
            rows.append((k, str(family), mean, float(np.quantile(values, 0.05)), float(np.quantile(values, 0.95))))
    return seen, needed, sorted(rows)


def _separation(sets: Singles, numbers: range, rng: np.random.Generator) -> dict[int, Floats]:
    """Per number the mean silhouette of each set's k-means cut."""
    distances = [_distances(points) for points in sets]
    measured = {}
    for k in numbers:
        index = kmeans.fit_many(sets, k, n_init=N_STARTS, rng=rng).segment
        measured[k] = np.array([_silhouette(d, i, k) or 0.0 for d, i in zip(distances, index, strict=True)])
    return measured


def _distances(points: Singles) -> Singles:
    squares = (points**2).sum(axis=1)
    apart = squares[:, None] + squares - 2 * points @ points.T
    np.fill_diagonal(apart, 0.0)
    distances: Singles = np.sqrt(np.maximum(apart, 0.0))
    return distances


def _silhouette(distances: Singles, index: Ints, k: int) -> float | None:
    """Mean silhouette; None where it is not defined (one segment, or as many as rows)."""
    n = len(index)
    member = np.zeros((n, k), dtype=np.float32)
    member[np.arange(n), index] = 1.0
    size = member.sum(axis=0)
    if not 2 <= int((size > 0).sum()) < n:
        return None
    total = distances @ member
    own = total[np.arange(n), index] / np.maximum(size[index] - 1, 1)
    mean = np.where(size > 0, total / np.maximum(size, 1), np.inf)
    mean[np.arange(n), index] = np.inf
    other = mean.min(axis=1)
    larger = np.maximum(np.maximum(own, other), 1e-12)
    return float(np.where(size[index] > 1, (other - own) / larger, 0.0).mean())


def _halfway(points: Floats, index: Ints, k: int) -> float | None:
    """Of all pairs of segments the largest density halfway between the centres, relative to the emptier centre."""
    held = [i for i in range(k) if (index == i).any()]
    centres = {i: points[index == i].mean(axis=0) for i in held}
    most = None
    for i, j in itertools.combinations(held, 2):
        line = centres[j] - centres[i]
        length = float(line @ line)
        if length <= 0:
            continue
        pair = points[(index == i) | (index == j)]
        along = (pair @ line - (centres[i] + centres[j]) @ line / 2) * (2 / length)
        here, there, middle = (int((np.abs(along - at) < _HALFWAY).sum()) for at in (-1, 1, 0))
        most = max(most or 0.0, (middle + 1) / (min(here, there) + 1))
    return most


def _calinski_harabasz(points: Floats, index: Ints, k: int) -> float | None:
    n, size = len(index), np.bincount(index, minlength=k)
    held = int((size > 0).sum())
    if not 2 <= held < n:
        return None
    sums = np.zeros((k, points.shape[1]))
    np.add.at(sums, index, points)
    centres = sums / np.maximum(size, 1)[:, None]
    within = float(((points - centres[index]) ** 2).sum())
    between = float((size[:, None] * (centres - points.mean(axis=0)) ** 2).sum())
    return between / max(within, 1e-300) * (n - held) / (held - 1)


# ---- stability


def _resampled(
    studied: Encoded, index: Ints, partition: Partition, method: Fitted, rng: np.random.Generator
) -> list[Ints]:
    """For each resample the contingency of the cut with the one that the resample brings, over the studied rows.

    Every resample is cut from several starts, the cut itself among them, and the best is kept: what moves is what the
    customers leave open, not what a bad start misses.
    """
    n, k = len(studied), partition.n_segments
    if method == "kmeans":
        drawn = rng.integers(0, n, (N_RESAMPLES, n))
        points = studied.points.astype(np.float32)
        centres = np.stack([points[index == i].mean(axis=0) for i in range(k)])
        refitted = _refit(points[drawn], centres, rng)
        turned = np.ascontiguousarray(points.T)[None]
        again = [kmeans.nearest_many(turned, one[None])[0].argmin(axis=0) for one in refitted]
        return [contingency(index, other, k, k) for other in again]
    tables = []
    for _ in range(N_OTHER_RESAMPLES):
        rows = np.sort(rng.integers(0, n, n))
        resample = studied.take(rows)
        if n_profiles(resample.points, k) < k:
            continue
        other = fit_partition(resample, method, k, n_init=2, random_state=int(rng.integers(2**31)))
        tables.append(contingency(index, other.assign(studied)[0], k, k))
    return tables


def _refit(resamples: Singles, centres: Singles, rng: np.random.Generator) -> Singles:
    """Centres of k-means on each resample: the better of fresh starts (on part of it, then on all) and ``centres``."""
    given = np.repeat(centres[None], len(resamples), axis=0)
    fresh = kmeans.fit_many(resamples[:, :START_ROWS], len(centres), n_init=N_STARTS, rng=rng)
    candidates = [kmeans.improve_many(resamples, start, most_steps=POLISH_STEPS) for start in (fresh.centres, given)]
    better = candidates[0].within < candidates[1].within
    refitted: Singles = np.where(better[:, None, None], candidates[0].centres, candidates[1].centres)
    return refitted
