"""The verb: a customer table and a spec become segments."""

from __future__ import annotations

import numpy as np
import polars as pl

from analytics.customers import CustomerTable
from analytics.errors import AnalysisError, Caveat
from analytics.keys import derive_key
from analytics.progress import report
from analytics.segmentation import profiles
from analytics.segmentation.features import correlated, known_features, standardise
from analytics.segmentation.kmeans import cut_by_kmeans
from analytics.segmentation.result import SegmentationResult, SegmentationSpec
from analytics.segmentation.rfm import RFM_FIELDS, cut_by_rfm

FEW_CUSTOMERS = 50


def segment(customers: CustomerTable, spec: SegmentationSpec) -> SegmentationResult:
    """Cut customers into segments.

    Rows are ordered by their feature values first, so neither the order of rows nor the ids have any influence.
    Customers without an order are left out. Raises ``AnalysisError``: feature_unknown, feature_is_id,
    feature_not_numeric, features_without_spread, too_few_to_segment, rfm_fields_missing.
    """
    key = derive_key("segment", spec, customers.key)
    report(0.0, "segment_features")
    by_rfm = spec.method == "rfm"
    wanted = RFM_FIELDS if by_rfm else spec.features
    frame = customers.frame
    if "n_orders" in frame.columns:
        frame = frame.filter(pl.col("n_orders").fill_null(0) > 0)
    n_left_out = customers.n_without_orders + customers.frame.height - frame.height
    fields, absent = known_features(customers, frame, wanted)
    if by_rfm and absent:
        raise AnalysisError("rfm_fields_missing", fields=", ".join(absent))
    needed = 5 if by_rfm else max(3, spec.n_segments or 0)
    if frame.height < needed:
        raise AnalysisError("too_few_to_segment", n=frame.height, needed=needed)
    frame = frame.sort(fields, nulls_last=True)
    points, features, noticed = standardise(frame, fields)
    if not features.height:
        raise AnalysisError("features_without_spread", n=frame.height, fields=", ".join(wanted))
    caveats = [Caveat("customers_without_orders", "note", {"n": n_left_out})] if n_left_out else []
    caveats += [Caveat("feature_missing", "watch", {"field": field}) for field in absent]
    if not by_rfm:
        caveats += noticed + correlated(points, features["feature"].to_list())
    if frame.height < FEW_CUSTOMERS:
        caveats.append(Caveat("few_to_segment", "watch", {"n": frame.height}))

    cut = cut_by_rfm(frame, spec.random_state) if by_rfm else cut_by_kmeans(points, spec.n_segments, spec.random_state)
    report(0.9, "segment_profiles")
    k = cut.n_segments
    order = np.arange(k) if cut.codes else profiles.display_order(frame, cut.index, k)
    index = np.argsort(order)[cut.index]
    labels = [str(i) for i in range(1, k + 1)]
    labelled = frame.with_columns(pl.Series("label", np.array(labels, dtype=object)[index], dtype=pl.String))
    codes = cut.codes or profiles.propose_names(labelled, labels)
    overlaps = profiles.overlaps(cut.swaps[np.ix_(order, order)], labels)
    cells, centres, axes, shares = profiles.draw_map(points, index, labels, features["feature"].to_list())
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
