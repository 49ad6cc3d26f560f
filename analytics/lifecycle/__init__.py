"""Where each customer stands between the first acquaintance and leaving, and how they move from month to month.

The five stages, in order, are those of ``STAGES``. On every date each customer is in exactly one of them, decided by
what was known on that date alone:

- acquaintance: known from the customers table (``joined_at``) or from an event, and without an order that stands;
- lapsed: has ordered, but not for more than ``lapsed_after_days``; or has left (``left_at``) and not ordered since;
- loyalty: not lapsed, and at least ``loyal_min_orders`` order days within the last ``loyal_window_days``;
- first_purchase: not lapsed, one order day so far;
- active_use: everyone else who has ordered.

An order day is a calendar day with at least one order that stands: one whose sale lines have not all been reversed
(returned or cancelled) by the date looked from. A reversal belongs to the order of the same number, else to the
customer's latest earlier sale of the same product. Services (postage, fees) make no order and no revenue.
"""

from analytics.lifecycle.rules import learn_lapsed_after
from analytics.lifecycle.spec import OUTSIDE, STAGES, LifecycleResult, LifecycleRules, LifecycleSpec
from analytics.lifecycle.trace import trace_lifecycle

__all__ = [
    "OUTSIDE",
    "STAGES",
    "LifecycleResult",
    "LifecycleRules",
    "LifecycleSpec",
    "learn_lapsed_after",
    "trace_lifecycle",
]
