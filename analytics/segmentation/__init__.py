"""Which kinds of customer there are: RFM and k-means, the number of segments with its evidence, scenarios compared."""

from analytics.segmentation.comparison import ComparisonResult, compare
from analytics.segmentation.features import usable_features
from analytics.segmentation.result import SegmentationResult, SegmentationSpec
from analytics.segmentation.rfm import RFM_RULES
from analytics.segmentation.segment import segment

__all__ = [
    "RFM_RULES",
    "ComparisonResult",
    "SegmentationResult",
    "SegmentationSpec",
    "compare",
    "segment",
    "usable_features",
]
