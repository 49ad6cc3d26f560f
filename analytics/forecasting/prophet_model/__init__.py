"""Prophet: the packaged model for the line that is shown, a solver of its objective for everything in numbers."""

from analytics.forecasting.prophet_model.candidates import prepare, prophet, prophet_level

__all__ = ["prepare", "prophet", "prophet_level"]
