"""Which kinds of customer there are: by RFM, rules or clustering; the number of segments, its evidence, scenarios."""

from analytics.segmentation.comparison import BORDER, ComparisonResult, compare
from analytics.segmentation.encoding import (
    Encoded,
    EncodedCustomers,
    Encoder,
    encode,
    fit_encoder,
    usable_features,
)
from analytics.segmentation.identity import align_segments
from analytics.segmentation.migration import MigrationResult, migrate
from analytics.segmentation.payoff import (
    PayoffResult,
    PayoffSpec,
    SegmentAssumption,
    expect_payoff,
    tabulate_payoffs,
    with_assumption,
)
from analytics.segmentation.result import SegmentationResult, SegmentationSpec
from analytics.segmentation.rfm import RFM_RULES, RfmSpec
from analytics.segmentation.rules import Condition, Rule
from analytics.segmentation.sampling import DrawAgreement, agree_on_another_draw
from analytics.segmentation.scenario import (
    MOST_SCENARIOS,
    Scenario,
    WhatIfSpec,
    another_number,
    at_earlier_day,
    at_position,
    drop_scenario,
    pin_scenario,
    rename_scenario,
)
from analytics.segmentation.segment import Prepared, assign_segments, prepare, prepared_by, segment

__all__ = [
    "BORDER",
    "MOST_SCENARIOS",
    "RFM_RULES",
    "ComparisonResult",
    "Condition",
    "DrawAgreement",
    "Encoded",
    "EncodedCustomers",
    "Encoder",
    "MigrationResult",
    "PayoffResult",
    "PayoffSpec",
    "Prepared",
    "RfmSpec",
    "Rule",
    "Scenario",
    "SegmentAssumption",
    "SegmentationResult",
    "SegmentationSpec",
    "WhatIfSpec",
    "agree_on_another_draw",
    "align_segments",
    "another_number",
    "assign_segments",
    "at_earlier_day",
    "at_position",
    "compare",
    "drop_scenario",
    "encode",
    "expect_payoff",
    "fit_encoder",
    "migrate",
    "pin_scenario",
    "prepare",
    "prepared_by",
    "rename_scenario",
    "segment",
    "tabulate_payoffs",
    "usable_features",
    "with_assumption",
]
