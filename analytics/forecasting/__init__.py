"""Demand forecasting: many series by many candidates, each judged on its own past, bands that the back-test made."""

from analytics.forecasting.forecast import forecast_all
from analytics.forecasting.shown import forecast
from analytics.forecasting.spec import ForecastResult, ForecastSpec, PanelForecast, ProphetSpec

__all__ = ["ForecastResult", "ForecastSpec", "PanelForecast", "ProphetSpec", "forecast", "forecast_all"]
