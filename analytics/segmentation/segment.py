"""The verb: a customer table and a spec become segments."""

from __future__ import annotations

import numpy as np
import polars as pl

from analytics.customers import CustomerTable
from analytics.errors import AnalysisError, Caveat
from analytics.keys import derive_key
from analytics.progress import report
from analytics.segmentation import profiles
from analytics.segmentation.encoding import encode, ordering_rows
from analytics.segmentation.kmeans import cut_by_kmeans
from analytics.segmentation.resampling import contingency, mean_agreement
from analytics.segmentation.result import EVIDENCE_SCHEMA, Cut, SegmentationResult, SegmentationSpec
from analytics.segmentation.rfm import RFM_FIELDS, RFM_RULES, fit_rfm

FEW_CUSTOMERS = 50


def segment(customers: CustomerTable, spec: SegmentationSpec) -> SegmentationResult:
    """Cut customers into segments.

    Rows are ordered by their feature values first, so neither the order of rows nor the ids have any influence.
    Customers without an order are left out. Raises ``AnalysisError``: feature_unknown, feature_is_id,
    feature_not_numeric, features_without_spread, too_few_to_segment, rfm_fields_missing.
    """
    key = derive_key("segment", spec, customers.key)
    by_rfm = spec.method == "rfm"
    wanted = RFM_FIELDS if by_rfm else spec.features
    n_ordering = len(ordering_rows(customers))
    if by_rfm and (lacking := [name for name in RFM_FIELDS if not _has_values(customers.frame, name)]):
        raise AnalysisError("rfm_fields_missing", fields=", ".join(lacking))
    needed = 5 if by_rfm else max(3, spec.n_segments or 0)
    if n_ordering < needed:
        raise AnalysisError("too_few_to_segment", n=n_ordering, needed=needed)
    prepared = encode(customers, wanted, () if by_rfm else spec.weights)
    frame, points = customers.frame[prepared.rows], prepared.encoded.points
    features, n_left_out = prepared.encoder.features, prepared.n_left_out
    fields = features["feature"].to_list()
    caveats = [Caveat("customers_without_orders", "note", {"n": n_left_out})] if n_left_out else []
    if not by_rfm:
        caveats += prepared.caveats
    if frame.height < FEW_CUSTOMERS:
        caveats.append(Caveat("few_to_segment", "watch", {"n": frame.height}))

    cut = _by_rfm(frame, spec) if by_rfm else cut_by_kmeans(points, spec.n_segments, spec.random_state)
    report(0.9, "segment_profiles")
    k = cut.n_segments
    order = np.arange(k) if cut.codes else profiles.display_order(frame, cut.index, k)
    index = np.argsort(order)[cut.index]
    labels = [str(i) for i in range(1, k + 1)]
    labelled = frame.with_columns(pl.Series("label", np.array(labels, dtype=object)[index], dtype=pl.String))
    codes = cut.codes or profiles.propose_names(labelled, labels)
    overlaps = profiles.overlaps(cut.swaps[np.ix_(order, order)], labels)
    cells, centres, axes, shares = profiles.draw_map(points, index, labels, list(prepared.encoded.names))
    revenue = pl.col("revenue") if "revenue" in frame.columns else pl.lit(None, pl.Float64).alias("revenue")
    return SegmentationResult(
        spec=spec,
        currency=customers.currency,
        members=labelled.select("customer_id", "label", revenue).sort("customer_id"),
        names=tuple(zip(labels, codes, strict=True)),
        sizes=profiles.sizes(labelled, labels, codes),
        profiles=profiles.profiles(labelled, labels, profiles.profile_fields(customers, frame, fields)),
        features=features,
        evidence=cut.evidence,
        recommended=cut.recommended,
        reason=cut.reason,
        stability=cut.stability,
        overlaps=overlaps,
        map_cells=cells,
        map_centres=centres,
        map_axes=axes,
        map_shares=shares,
        n_customers=frame.height,
        n_left_out=n_left_out,
        n_fitted=cut.n_fitted,
        n_evidence=cut.n_evidence,
        caveats=(*caveats, *cut.caveats, *profiles.overlap_caveats(overlaps)),
        key=key,
    )


def _has_values(frame: pl.DataFrame, name: str) -> bool:
    return name in frame.columns and frame[name].count() > 0


def _by_rfm(frame: pl.DataFrame, spec: SegmentationSpec) -> Cut:
    model, caveats = fit_rfm(frame, spec.rfm)
    index, _ = model.place(frame)
    rng = np.random.default_rng(spec.random_state)
    rows = np.arange(frame.height) if frame.height <= 5_000 else np.sort(rng.choice(frame.height, 5_000, replace=False))
    seen, tables = frame[rows], []
    for _ in range(20):
        again, _ = fit_rfm(seen[rng.integers(0, len(rows), len(rows))], spec.rfm)
        tables.append(contingency(index[rows], again.place(seen)[0], len(RFM_RULES), len(RFM_RULES)))
    return Cut(
        index=index,
        n_segments=len(RFM_RULES),
        codes=tuple(code for code, _, _ in RFM_RULES),
        evidence=pl.DataFrame(schema=EVIDENCE_SCHEMA),
        recommended=None,
        reason="",
        stability=mean_agreement(tables),
        swaps=np.sum(tables, axis=0).astype(np.float64),
        n_fitted=frame.height,
        n_evidence=len(rows),
        caveats=tuple(caveats),
    )
