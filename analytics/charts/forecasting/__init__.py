"""Charts of a ForecastResult: what comes, what we would have said then, what the forecast is made of."""

from analytics.charts.forecasting.card import headline
from analytics.charts.forecasting.components import (
    Component,
    component_chart,
    component_finding,
    component_names,
    component_note,
)
from analytics.charts.forecasting.lines import (
    backtest_chart,
    backtest_chart_finding,
    backtest_chart_note,
    forecast_chart,
    forecast_chart_finding,
    forecast_chart_note,
    score_note,
    score_rows,
)

__all__ = [
    "Component",
    "backtest_chart",
    "backtest_chart_finding",
    "backtest_chart_note",
    "component_chart",
    "component_finding",
    "component_names",
    "component_note",
    "forecast_chart",
    "forecast_chart_finding",
    "forecast_chart_note",
    "headline",
    "score_note",
    "score_rows",
]
