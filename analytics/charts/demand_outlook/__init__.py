"""Charts of a PanelForecast: all series at once, who moves, how far to trust it, and whether it adds up."""

from analytics.charts.demand_outlook.adding_up import adds_up, wholes_chart, wholes_finding, wholes_note, wholes_table
from analytics.charts.demand_outlook.card import headline
from analytics.charts.demand_outlook.movers import movers_chart, movers_finding, movers_note
from analytics.charts.demand_outlook.table import flat_table, forecast_table, models_of, series_table, table_note
from analytics.charts.demand_outlook.trust import (
    coverage_chart,
    coverage_finding,
    coverage_note,
    leading_chart,
    leading_finding,
    leading_note,
)
from analytics.charts.demand_outlook.wording import leaves, series_names

__all__ = [
    "adds_up",
    "coverage_chart",
    "coverage_finding",
    "coverage_note",
    "flat_table",
    "forecast_table",
    "headline",
    "leading_chart",
    "leading_finding",
    "leading_note",
    "leaves",
    "models_of",
    "movers_chart",
    "movers_finding",
    "movers_note",
    "series_names",
    "series_table",
    "table_note",
    "wholes_chart",
    "wholes_finding",
    "wholes_note",
    "wholes_table",
]
