"""From a forecast to a decision: what price, promotion and event go with, scenarios, stock."""

from analytics.forecasting.planning.response import ResponseResult, learn_response, related_products
from analytics.forecasting.planning.scenarios import PriceToday, ScenarioResult, play_scenarios, price_today
from analytics.forecasting.planning.spec import (
    MOST_SCENARIOS,
    DemandScenario,
    PlanningSpec,
    ResponseSpec,
    StockSpec,
)
from analytics.forecasting.planning.stock import StockResult, plan_stock
from analytics.forecasting.planning.told import Scope

__all__ = [
    "MOST_SCENARIOS",
    "DemandScenario",
    "PlanningSpec",
    "PriceToday",
    "ResponseResult",
    "ResponseSpec",
    "ScenarioResult",
    "Scope",
    "StockResult",
    "StockSpec",
    "learn_response",
    "plan_stock",
    "play_scenarios",
    "price_today",
    "related_products",
]
