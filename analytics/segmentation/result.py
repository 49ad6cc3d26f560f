"""The choices and the outcome of a segmentation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import polars as pl

from analytics.customers import CustomerLabels, Family
from analytics.errors import AnalysisError, Caveat
from analytics.segmentation.encoding import check_weights, refuse_id
from analytics.segmentation.rfm import RfmSpec
from analytics.segmentation.rules import Rule, check_rules

FEWEST, MOST = 2, 8  # numbers of segments that are offered
STABLE, SMALLEST_SHARE = 0.7, 0.05  # a number qualifies from here on
SWAPPING = 0.1  # two segments overlap when this share of their customers changes sides under resampling


@dataclass(frozen=True, slots=True)
class SegmentationSpec:
    """How customers are cut into segments.

    ``features`` (k-means, mixture, hierarchical) are names of traits; their order does not matter. ``weights`` are
    those of families of traits, 0-10, 1 where not given. ``n_segments`` (2-8) None means the recommended number. RFM
    scores recency, number of orders and revenue by ``rfm``; the first of ``rules`` that holds is a customer's segment.
    Raises ``AnalysisError``: features_empty, feature_is_id, n_segments_range, family_unknown, family_weight_range,
    family_weights_zero, too_many_rules, rule_name_twice.
    """

    method: Literal["rfm", "rules", "kmeans", "mixture", "hierarchical"] = "kmeans"
    features: tuple[str, ...] = ("recency_days", "n_orders", "mean_order_value", "tenure_days")
    weights: tuple[tuple[Family, float], ...] = ()
    n_segments: int | None = None
    rfm: RfmSpec = RfmSpec()
    rules: tuple[Rule, ...] = ()
    random_state: int = 0

    def __post_init__(self) -> None:
        if not self.features:
            raise AnalysisError("features_empty")
        for feature in self.features:
            refuse_id(feature)
        check_weights(self.weights)
        check_rules(self.rules)
        if self.n_segments is not None and not FEWEST <= self.n_segments <= MOST:
            raise AnalysisError("n_segments_range", n=self.n_segments, lowest=FEWEST, highest=MOST)


@dataclass(frozen=True, slots=True, eq=False)
class SegmentationResult:
    """Segments, what they are like, and how far they can be trusted. Labels are "1".."k" in display order.

    Attributes
    ----------
    members : customer_id, label (String), revenue (Float64, currency units, null where unknown); one row per
        segmented customer, by id. ``labels`` is the same as CustomerLabels.
    names : (label, name code) for every label; words under ``segment.<code>``. RFM keeps all eight labels, also
        those without customers, so that a segment keeps its colour; k-means has none without customers.
    sizes : label, name, n_customers, customer_share (0-1), revenue (currency units), revenue_share (0-1),
        mean_order_value (currency units per order), recency_days, n_orders (medians); in display order.
    profiles : label, field, median, q25, q75, lo, hi (95 % interval of the median from order statistics), median_all,
        z (segment median less median_all, in robust standard deviations of all customers: IQR / 1.349).
    features : feature, transform ("log" or "none"), n_missing, n_capped: what the segments were built from.
    evidence : n_segments, silhouette, calinski_harabasz, stability (mean ARI), min_share (0-1), qualifies; k-means
        only, from ``n_evidence`` customers drawn from the table.
    recommended, reason : the number the evidence speaks for and why: "best_silhouette" (the best silhouette among
        numbers with stability at least .7 and no segment under 5 %) or "no_clear_structure" (nothing qualifies, or
        the best silhouette is at most .25: the most stable number stands in). None and "" for RFM.
    stability : mean ARI of the shown segments over bootstrap resamples; null where it cannot be had.
    overlaps : label_a, label_b, moved_share: of the customers of both, the share that lies in the other one when the
        data is resampled; largest first.
    map_cells : x (0-47), y (0-25), label (majority), n, purity (share of the majority): customers on the first two
        principal components. ``map_centres``: label, x, y in the same units. ``map_axes``: axis ("x" or "y"),
        feature, loading, strongest first; ``map_shares``: variance shares of the two components.
    n_customers, n_left_out, n_fitted, n_evidence : customers segmented, left out (no order yet), fitted on, and
        used for the evidence.
    """

    spec: SegmentationSpec
    currency: str
    members: pl.DataFrame
    names: tuple[tuple[str, str], ...]
    sizes: pl.DataFrame
    profiles: pl.DataFrame
    features: pl.DataFrame
    evidence: pl.DataFrame
    recommended: int | None
    reason: str
    stability: float | None
    overlaps: pl.DataFrame
    map_cells: pl.DataFrame
    map_centres: pl.DataFrame
    map_axes: pl.DataFrame
    map_shares: tuple[float, float]
    n_customers: int
    n_left_out: int
    n_fitted: int
    n_evidence: int
    caveats: tuple[Caveat, ...]
    key: str

    @property
    def labels(self) -> CustomerLabels:
        frame = self.members.select("customer_id", "label")
        return CustomerLabels(frame, tuple(label for label, _ in self.names), "segment", self.key)

    @property
    def n_segments(self) -> int:
        """Segments that hold at least one customer."""
        return int((self.sizes["n_customers"] > 0).sum())


EVIDENCE_SCHEMA = pl.Schema(
    {
        "n_segments": pl.Int64(),
        "silhouette": pl.Float64(),
        "calinski_harabasz": pl.Float64(),
        "stability": pl.Float64(),
        "min_share": pl.Float64(),
        "qualifies": pl.Boolean(),
    }
)


@dataclass(frozen=True, slots=True, eq=False)
class Cut:
    """What a method hands back: the segment index of each row, and what the method knows about itself.

    ``codes`` are the names of the segments where the method itself names and orders them. ``swaps[i, j]`` is how
    often, summed over resamples, a customer of segment i was put into segment j.
    """

    index: npt.NDArray[np.int64]
    n_segments: int
    codes: tuple[str, ...] | None
    evidence: pl.DataFrame
    recommended: int | None
    reason: str
    stability: float | None
    swaps: npt.NDArray[np.float64]
    n_fitted: int
    n_evidence: int
    caveats: tuple[Caveat, ...]
