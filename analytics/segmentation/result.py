"""The choices and the outcome of a segmentation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

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


class Placing(Protocol):
    """What puts the customers of any table into segments; frozen and picklable."""

    def place(self, frame: pl.DataFrame) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
        """The index of each row's segment, and its margin: 0 on the border to another segment, 1 far from it."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class SegmentModel:
    """A segmentation's definition: ``labels[i]`` is the label of the segment that ``placing`` calls i."""

    placing: Placing
    labels: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class SegmentationResult:
    """Segments and what they are like. Labels are "1".."k" in display order.

    Attributes
    ----------
    members : customer_id, label (String), revenue (Float64, currency units, null where unknown), margin (0 on the
        border to another segment, 1 far from it); one row per segmented customer, by id. ``labels`` is the same as
        CustomerLabels.
    names : (label, name code) for every label. RFM keeps all eight labels and rules all of theirs, also those without
        customers, so that a segment keeps its colour. The last segment of rules is "rest": who meets no rule.
    sizes : label, name, n_customers, customer_share (0-1), revenue (currency units), revenue_share (0-1),
        mean_order_value (currency units per order), recency_days, n_orders (medians); in display order.
    profiles : label, field, median, q25, q75, lo, hi (95 % interval of the median from order statistics), median_all,
        z (segment median less median_all, in robust standard deviations of all customers: IQR / 1.349).
    features : feature, family, trait_kind, transform ("log", "none", "levels", "shares"), n_missing, n_capped,
        n_levels, strength, variance_share (0-1): what the segments were built from (see ``Encoder``).
    rfm_cells : r, f, m (scores), label, n_customers, revenue (currency units); ``rfm_cuts``: field, score, low, high
        (null where open; recency: low < value <= high, others: low <= value < high), n_customers, source
        ("quantiles", "fixed", "advised"); ``rfm_scores``: customer_id, r, f, m. Empty unless the method is RFM.
    model : applies the same definition to another table (``assign_segments``).
    map_cells : x (0-47), y (0-25), label (majority), n, purity (share of the majority): customers on the first two
        principal components. ``map_centres``: label, x, y in the same units. ``map_axes``: axis ("x" or "y"),
        feature, loading, strongest first; ``map_shares``: variance shares of the two components.
    n_customers, n_left_out, n_fitted : customers segmented, left out (no order yet), and fitted on.
    """

    spec: SegmentationSpec
    currency: str
    members: pl.DataFrame
    names: tuple[tuple[str, str], ...]
    sizes: pl.DataFrame
    profiles: pl.DataFrame
    features: pl.DataFrame
    rfm_cells: pl.DataFrame
    rfm_cuts: pl.DataFrame
    rfm_scores: pl.DataFrame
    model: SegmentModel
    map_cells: pl.DataFrame
    map_centres: pl.DataFrame
    map_axes: pl.DataFrame
    map_shares: tuple[float, float]
    n_customers: int
    n_left_out: int
    n_fitted: int
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
