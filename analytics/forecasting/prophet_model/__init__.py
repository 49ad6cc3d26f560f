"""Prophet: the packaged model for the line that is shown, a solver of its objective for everything in numbers."""

from analytics.forecasting.prophet_model.candidates import prepare, prophet, prophet_level
from analytics.forecasting.prophet_model.packaged import EventEffect, Packaged, fit_packaged

__all__ = ["EventEffect", "Packaged", "fit_packaged", "prepare", "prophet", "prophet_level"]
