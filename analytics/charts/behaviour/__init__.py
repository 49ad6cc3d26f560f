"""Charts, findings and notes of the behaviour page, one module a section; and its answer card."""

from analytics.charts.behaviour import concentration, methods, preferences, spending
from analytics.charts.behaviour.headline import headline

__all__ = ["concentration", "headline", "methods", "preferences", "spending"]
