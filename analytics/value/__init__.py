"""What each customer is likely to buy and to be worth."""

from analytics.value.spec import CustomerTrace, ValueResult, ValueSpec

__all__ = ["CustomerTrace", "ValueResult", "ValueSpec"]
