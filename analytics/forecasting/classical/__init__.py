"""Classical candidates: many series at once, each in a moment."""

from analytics.forecasting.classical.intermittent import tsb
from analytics.forecasting.classical.naive import seasonal_naive
from analytics.forecasting.classical.smoothing import smoothing
from analytics.forecasting.classical.theta import theta

__all__ = ["seasonal_naive", "smoothing", "theta", "tsb"]
