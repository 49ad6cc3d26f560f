"""Segmentation charts: map, profile, differences, evidence, sizes, RFM grid, rules. Colour i belongs to segment i."""

from analytics.charts.segmentation.card import headline, trust
from analytics.charts.segmentation.dumbbells import difference_sentence, dumbbells, n_traits
from analytics.charts.segmentation.evidence import (
    number_of_segments,
    number_of_segments_finding,
    number_of_segments_note,
    numbers_table,
    reason_sentence,
)
from analytics.charts.segmentation.explanation import (
    border_finding,
    border_table,
    card_note,
    card_title,
    example_kinds,
    explained,
    fidelity,
    rule_card,
    rule_sentence,
    rules_finding,
    rules_note,
    rules_table,
    typical_table,
)
from analytics.charts.segmentation.profiles import profile, profile_finding, profile_note
from analytics.charts.segmentation.rfm import rfm_grid, rfm_grid_finding, rfm_grid_note
from analytics.charts.segmentation.segment_map import segment_map, segment_map_finding, segment_map_note
from analytics.charts.segmentation.sizes import (
    has_value,
    members_table,
    size_against_value,
    size_against_value_finding,
    size_against_value_note,
    sizes_table,
)
from analytics.charts.segmentation.wording import (
    field_value,
    level_name,
    segment_name,
    segment_names,
    short_name,
    spoken_names,
    trait_name,
)

__all__ = [
    "border_finding",
    "border_table",
    "card_note",
    "card_title",
    "difference_sentence",
    "dumbbells",
    "example_kinds",
    "explained",
    "fidelity",
    "field_value",
    "has_value",
    "headline",
    "level_name",
    "members_table",
    "n_traits",
    "number_of_segments",
    "number_of_segments_finding",
    "number_of_segments_note",
    "numbers_table",
    "profile",
    "profile_finding",
    "profile_note",
    "reason_sentence",
    "rfm_grid",
    "rfm_grid_finding",
    "rfm_grid_note",
    "rule_card",
    "rule_sentence",
    "rules_finding",
    "rules_note",
    "rules_table",
    "segment_map",
    "segment_map_finding",
    "segment_map_note",
    "segment_name",
    "segment_names",
    "short_name",
    "size_against_value",
    "size_against_value_finding",
    "size_against_value_note",
    "sizes_table",
    "spoken_names",
    "trait_name",
    "trust",
    "typical_table",
]
