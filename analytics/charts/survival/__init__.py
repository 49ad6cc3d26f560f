"""Charts, findings, notes and tables of "When do they leave", and its answer card."""

from analytics.charts.survival import ahead, curves, months, ratios, tables
from analytics.charts.survival.headline import headline
from analytics.charts.survival.parts import field_name, level_name

__all__ = ["ahead", "curves", "field_name", "headline", "level_name", "months", "ratios", "tables"]
