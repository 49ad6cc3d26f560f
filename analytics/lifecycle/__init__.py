"""Where each customer stands between the first acquaintance and leaving, and how they move from month to month.

The five stages, in order, are those of ``STAGES``. On every date each customer is in exactly one of them, decided by
what was known on that date alone:

- acquaintance: known from the customers table (``joined_at``) or from an event, and without an order that stands;
- lapsed: has ordered, but is silent for longer than their own rhythm allows (or one threshold for all); or has left
  (``left_at``) and not ordered since;
- loyalty: not lapsed, and at least ``loyal_min_orders`` order days within the last ``loyal_window_days``;
- first_purchase: not lapsed, one order day so far;
- active_use: everyone else who has ordered.

Of subscriptions: acquaintance has joined and neither paid nor used anything; first_purchase is within the first period;
active_use beyond it; loyalty has stayed for ``loyal_tenure_days`` and, where use is recorded, used it within the last
period; lapsed has left and not paid since.

An order day is a calendar day with at least one order that stands on the date looked from (``analytics.reversals``).
Services (postage, fees beside goods) make no order and no revenue. What all customers share (the rhythm, the least
orders of a loyal one) is learned on the as-of date and held; the stage of a past day uses only rows up to it.
"""

from analytics.lifecycle.flows import FlowResult, FlowSpec, trace_flow
from analytics.lifecycle.proposal import propose_kind
from analytics.lifecycle.rules import learn_lapsed_after
from analytics.lifecycle.spec import (
    OUTSIDE,
    STAGES,
    CohortView,
    LifecycleResult,
    LifecycleRules,
    LifecycleSpec,
    Projection,
)
from analytics.lifecycle.trace import trace_lifecycle

__all__ = [
    "OUTSIDE",
    "STAGES",
    "CohortView",
    "FlowResult",
    "FlowSpec",
    "LifecycleResult",
    "LifecycleRules",
    "LifecycleSpec",
    "Projection",
    "learn_lapsed_after",
    "propose_kind",
    "trace_flow",
    "trace_lifecycle",
]
