"""Charts of a ForecastResult: what comes, what we would have said then, which model and why, what it is made of."""

from analytics.charts.forecasting.ahead import (
    forecast_chart,
    forecast_chart_finding,
    forecast_chart_note,
    special_days_ahead,
)
from analytics.charts.forecasting.backtest import (
    backtest_chart,
    backtest_finding,
    backtest_metrics,
    backtest_note,
    cutoff_or_last,
    cutoff_words,
    cutoffs,
    origins_chart,
    origins_finding,
    origins_note,
)
from analytics.charts.forecasting.card import headline, why
from analytics.charts.forecasting.components import (
    Component,
    component_chart,
    component_finding,
    component_names,
    component_note,
    effects_table,
)
from analytics.charts.forecasting.models import (
    coverage_chart,
    coverage_finding,
    coverage_note,
    has_models,
    models_chart,
    models_finding,
    models_note,
    score_note,
    score_rows,
    score_table,
)
from analytics.charts.forecasting.wording import model_title

__all__ = [
    "Component",
    "backtest_chart",
    "backtest_finding",
    "backtest_metrics",
    "backtest_note",
    "component_chart",
    "component_finding",
    "component_names",
    "component_note",
    "coverage_chart",
    "coverage_finding",
    "coverage_note",
    "cutoff_or_last",
    "cutoff_words",
    "cutoffs",
    "effects_table",
    "forecast_chart",
    "forecast_chart_finding",
    "forecast_chart_note",
    "has_models",
    "headline",
    "model_title",
    "models_chart",
    "models_finding",
    "models_note",
    "origins_chart",
    "origins_finding",
    "origins_note",
    "score_note",
    "score_rows",
    "score_table",
    "special_days_ahead",
    "why",
]
