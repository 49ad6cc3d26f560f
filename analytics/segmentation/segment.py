"""The verbs: a customer table and a spec become segments; the same segments are found in another table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from analytics.customers import CustomerLabels, CustomerTable
from analytics.errors import AnalysisError, Caveat
from analytics.keys import derive_key
from analytics.progress import report
from analytics.segmentation import profiles, rfm
from analytics.segmentation.encoding import EncodedCustomers, Weights, encode, ordering_rows
from analytics.segmentation.hierarchical import WARD_ROWS
from analytics.segmentation.naming import propose_names
from analytics.segmentation.partition import Centres, EncodedCut, fit_partition, n_profiles
from analytics.segmentation.result import (
    FEWEST,
    MOST,
    SMALLEST_SHARE,
    Placing,
    SegmentationResult,
    SegmentationSpec,
    SegmentModel,
)
from analytics.segmentation.rules import fit_rules

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Singles = npt.NDArray[np.float32]

FEW_CUSTOMERS = 50
FIT_ROWS, NAME_ROWS = 20_000, 5_000  # rows drawn at random: to fit on, to name by
N_INIT = {"kmeans": 4, "mixture": 6, "hierarchical": 1}
OWN = "own:"


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """What does not change with the number of segments or the method: customers encoded, sorted and drawn.

    ``columns``: the encoded points turned (d x n), in the landscape's order.
    """

    encoded: EncodedCustomers
    landscape: profiles.Landscape
    columns: Singles
    key: str


def prepare(customers: CustomerTable, features: tuple[str, ...], weights: Weights = ()) -> Prepared:
    """Encode and survey the customers once for every cut of the same features.

    Raises what ``encode`` raises, and ``AnalysisError("too_few_to_segment")`` below three customers.
    """
    if (n := len(ordering_rows(customers))) < FEWEST + 1:
        raise AnalysisError("too_few_to_segment", n=n, needed=FEWEST + 1)
    encoded = encode(customers, features, weights)
    report(0.7, "segment_features")
    landscape = profiles.survey_landscape(customers, encoded)
    columns = np.empty(encoded.encoded.points.shape[::-1], dtype=np.float32)
    columns[:, landscape.at] = encoded.encoded.points.T
    return Prepared(encoded, landscape, columns, derive_key("prepare", None, encoded.key))


def prepared_by(customers: CustomerTable, spec: SegmentationSpec) -> tuple[tuple[str, ...], Weights]:
    """What ``prepare`` takes for this spec: features and weights. Raises ``AnalysisError("rules_empty")``."""
    if spec.method == "rfm":
        return rfm.RFM_FIELDS, ()
    if spec.method == "rules":
        if not spec.rules:
            raise AnalysisError("rules_empty")
        named = {condition.field for rule in spec.rules for condition in rule.conditions}
        asked = [trait.name for trait in customers.traits if named & set(trait.columns)]
        return tuple(dict.fromkeys((*asked, *(() if len(asked) > 1 else spec.features)))), ()
    return spec.features, spec.weights


def segment(customers: CustomerTable, spec: SegmentationSpec, prepared: Prepared | None = None) -> SegmentationResult:
    """Cut customers into segments.

    Rows are ordered by their feature values first, so neither the order of rows nor the ids have any influence.
    Customers without an order are left out. Large tables are fitted on ``FIT_ROWS`` customers drawn at random
    (``WARD_ROWS`` for the hierarchical method); everybody is then put into a segment. Without ``spec.n_segments`` the
    recommended number is weighed first. ``prepared`` saves work where it was had before. Raises ``AnalysisError``:
    feature_unknown, feature_is_id, features_without_spread, family_weights_zero, too_few_to_segment,
    rfm_fields_missing, rules_empty, rule_field_unknown, rule_field_not_numeric.
    """
    key = derive_key("segment", spec, customers.key)
    n_ordering = len(ordering_rows(customers))
    if spec.method == "rfm":
        lacking = [name for name in rfm.RFM_FIELDS if name not in customers.frame or not customers.frame[name].count()]
        if lacking:
            raise AnalysisError("rfm_fields_missing", fields=", ".join(lacking))
    needed = {"rfm": 5, "rules": 1}.get(spec.method, max(3, spec.n_segments or 0))
    if n_ordering < needed:
        raise AnalysisError("too_few_to_segment", n=n_ordering, needed=needed)
    features, weights = prepared_by(customers, spec)
    if prepared is None or prepared.encoded.key != EncodedCustomers.key_of(customers, features, weights):
        prepared = prepare(customers, features, weights)
    encoded, landscape = prepared.encoded, prepared.landscape
    n_left_out = encoded.n_left_out
    caveats = [Caveat("customers_without_orders", "note", {"n": n_left_out})] if n_left_out else []
    caveats += encoded.caveats if spec.method in N_INIT else ()
    if n_ordering < FEW_CUSTOMERS:
        caveats.append(Caveat("few_to_segment", "watch", {"n": n_ordering}))

    report(0.8, "segment_fit")
    frame = customers.frame[landscape.rows] if n_ordering < customers.frame.height else customers.frame
    cut = _CUT.get(spec.method, _by_fitting)(customers, frame, spec, prepared)
    caveats += cut.caveats
    report(0.9, "segment_profiles")
    k = cut.n_segments
    order = np.arange(k) if cut.codes else profiles.display_order(landscape, cut.index, k)
    place = np.argsort(order)
    index = place[cut.index]
    labels = [str(i) for i in range(1, k + 1)]
    label = pl.Series("label", labels, dtype=pl.String).gather(pl.Series(index, dtype=pl.UInt32))
    used = encoded.encoder.features["feature"].to_list()
    codes = cut.codes or propose_names(_few(customers, prepared, label), labels, customers.traits, used)
    sizes, table = profiles.describe(landscape, index, labels, codes)
    map_cells, map_centres = profiles.colour_map(landscape, index, labels)
    held = np.bincount(index, minlength=k)
    least = float(held[held > 0].min() / n_ordering)
    if not cut.codes and least < SMALLEST_SHARE:
        caveats.append(Caveat("segment_small", "note", {"percent": round(100 * least, 1)}))
    revenue = frame["revenue"].cast(pl.Float64) if "revenue" in frame.columns else pl.lit(None, pl.Float64)
    scored = _rfm_frames(frame, cut, index, labels) if isinstance(cut.placing, rfm.RfmModel) else _NO_RFM
    return SegmentationResult(
        spec=spec,
        currency=customers.currency,
        members=frame.select("customer_id", label, revenue.alias("revenue"), margin=pl.Series(cut.margin).round(6)),
        names=tuple(zip(labels, codes, strict=True)),
        sizes=sizes,
        profiles=table,
        features=encoded.encoder.features,
        rfm_cells=scored[0],
        rfm_cuts=scored[1],
        rfm_scores=scored[2],
        model=SegmentModel(cut.placing, tuple(labels[i] for i in place)),
        map_cells=map_cells,
        map_centres=map_centres,
        map_axes=landscape.axes,
        map_shares=landscape.shares,
        n_customers=n_ordering,
        n_left_out=n_left_out,
        n_fitted=cut.n_fitted,
        caveats=tuple(caveats),
        key=key,
    )


def assign_segments(result: SegmentationResult, customers: CustomerTable) -> CustomerLabels:
    """The customers of another table (with an order), put into the segments of ``result`` by the same definition."""
    rows = ordering_rows(customers)
    frame = customers.frame[rows] if len(rows) < customers.frame.height else customers.frame
    index, _ = result.model.placing.place(frame)
    label = pl.Series("label", result.model.labels, dtype=pl.String).gather(pl.Series(index, dtype=pl.UInt32))
    return CustomerLabels(
        frame=frame.select("customer_id", label),
        labels=tuple(label for label, _ in result.names),
        origin="assign_segments",
        key=derive_key("assign_segments", None, result.key, customers.key),
    )


# ---- the methods


@dataclass(frozen=True, slots=True, eq=False)
class _Cut:
    """What a method hands back for the customers by id; ``codes`` where it names and orders the segments itself."""

    placing: Placing
    index: Ints
    margin: Floats
    n_segments: int
    codes: tuple[str, ...] | None
    n_fitted: int
    caveats: tuple[Caveat, ...]


def _by_rfm(customers: CustomerTable, frame: pl.DataFrame, spec: SegmentationSpec, prepared: Prepared) -> _Cut:
    model, caveats = rfm.fit_rfm(frame, spec.rfm)
    codes = tuple(code for code, _, _ in rfm.RFM_RULES)
    return _Cut(model, *model.place(frame), len(codes), codes, frame.height, tuple(caveats))


def _by_rules(customers: CustomerTable, frame: pl.DataFrame, spec: SegmentationSpec, prepared: Prepared) -> _Cut:
    model = fit_rules(customers, frame, spec.rules)
    codes = (*(f"{OWN}{rule.name.strip()}" for rule in spec.rules), "rest")
    return _Cut(model, *model.place(frame), len(codes), codes, frame.height, ())


def _by_fitting(customers: CustomerTable, frame: pl.DataFrame, spec: SegmentationSpec, prepared: Prepared) -> _Cut:
    encoded = prepared.encoded.encoded
    method = spec.method
    assert method in ("kmeans", "mixture", "hierarchical")
    n, limit = len(encoded), WARD_ROWS if method == "hierarchical" else FIT_ROWS
    rng = np.random.default_rng(spec.random_state)
    drawn = np.arange(n) if n <= limit else np.sort(rng.choice(n, limit, replace=False))
    sample = encoded if n <= limit else encoded.take(drawn)
    most = n_profiles(sample.points, MOST)
    if min(most, n - 1) < FEWEST:
        raise AnalysisError("too_few_to_segment", n=n, needed=FEWEST + 1)
    wanted = spec.n_segments or _recommended(spec, prepared.encoded)
    caveats = []
    partition = fit_partition(sample, method, min(wanted, most), n_init=N_INIT[method], random_state=spec.random_state)
    if method == "hierarchical" and n > limit:
        caveats.append(Caveat("tree_on_sample", "note", {"n": limit, "rest": n - limit}))
    if method == "mixture" and any(weight not in (0, 1) for _, weight in spec.weights):
        caveats.append(Caveat("weights_not_used", "note", {}))
    if isinstance(partition, Centres):
        index, margin = partition.assign_turned(prepared.columns)
    else:  # back from the order of feature values to that of ids
        index, margin = np.empty(n, dtype=np.int64), np.empty(n)
        index[prepared.landscape.at], margin[prepared.landscape.at] = partition.assign(encoded)
    made = int((np.bincount(index) > 0).sum())
    if made < wanted:  # too few different customers, or a component of a mixture that is nobody's first choice
        caveats.append(Caveat("segments_reduced", "watch", {"asked": wanted, "made": made}))
    cut = EncodedCut(prepared.encoded.encoder, partition)
    return _Cut(cut, index, margin, partition.n_segments, None, len(drawn), tuple(caveats))


_Method = Callable[[CustomerTable, pl.DataFrame, SegmentationSpec, Prepared], _Cut]
_CUT: dict[str, _Method] = {"rfm": _by_rfm, "rules": _by_rules}


def _recommended(spec: SegmentationSpec, encoded: EncodedCustomers) -> int:
    from analytics.segmentation.evidence import weigh_points

    return weigh_points(encoded.encoded, spec.method, encoded.encoder, spec.random_state).recommended


def _few(customers: CustomerTable, prepared: Prepared, label: pl.Series) -> pl.DataFrame:
    """Customers with their label, as many as names need, drawn evenly from the order of feature values."""
    step = max(len(prepared.encoded.rows) // NAME_ROWS, 1)
    rows, at = prepared.encoded.rows[::step], prepared.landscape.at[::step]
    return customers.frame[rows].with_columns(label.gather(pl.Series(at, dtype=pl.UInt32)))


_NO_RFM = (
    pl.DataFrame(schema=rfm.CELLS_SCHEMA),
    pl.DataFrame(schema=rfm.CUTS_SCHEMA),
    pl.DataFrame(schema={"customer_id": pl.String, "r": pl.Int64, "f": pl.Int64, "m": pl.Int64}),
)


def _rfm_frames(
    frame: pl.DataFrame, cut: _Cut, index: Ints, labels: list[str]
) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    assert isinstance(cut.placing, rfm.RfmModel)
    scored = cut.placing.score(frame)
    revenue = np.nan_to_num(frame["revenue"].cast(pl.Float64).to_numpy())
    by_customer = frame.select(
        "customer_id", **{name: pl.Series(score) for name, score in zip("rfm", scored, strict=True)}
    )
    return rfm.cells(scored, index, labels, revenue), rfm.cuts_table(cut.placing, scored), by_customer
