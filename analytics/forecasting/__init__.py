"""Demand forecasting: Prophet beside the seasonal-naive baseline, back-tested, with bands that the back-test made."""

from analytics.forecasting.forecast import ForecastResult, ForecastSpec, forecast

__all__ = ["ForecastResult", "ForecastSpec", "forecast"]
