"""How customers behave and what they prefer: spending habits, preferences, methods, concentration of revenue.

Orders are those of ``analytics.reductions``: sale lines of goods; returns and cancellations make no order, and are
subtracted only from the revenue of a customer (concentration). Where intervals are given, customers are the
independent units, not orders. Rows after the as-of date change nothing.
"""

from analytics.behaviour.association import Association, associate
from analytics.behaviour.concentration import ConcentrationResult, measure_concentration
from analytics.behaviour.methods import Estimate, MethodsResult, describe_methods, method_kinds
from analytics.behaviour.orders import of_segment
from analytics.behaviour.preferences import (
    Favourites,
    PreferencesResult,
    describe_preferences,
    favourites,
    preference_kinds,
)
from analytics.behaviour.spec import KINDS, SECTIONS, BehaviourSpec
from analytics.behaviour.spending import SpendingResult, describe_spending

__all__ = [
    "KINDS",
    "SECTIONS",
    "Association",
    "BehaviourSpec",
    "ConcentrationResult",
    "Estimate",
    "Favourites",
    "MethodsResult",
    "PreferencesResult",
    "SpendingResult",
    "associate",
    "describe_methods",
    "describe_preferences",
    "describe_spending",
    "favourites",
    "measure_concentration",
    "method_kinds",
    "of_segment",
    "preference_kinds",
]
