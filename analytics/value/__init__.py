"""What each customer is likely to buy and to be worth."""

from analytics.value.covariates import covariate_choices
from analytics.value.estimate import estimate_value
from analytics.value.scores import clv, p_alive, value_by
from analytics.value.spec import CustomerTrace, ValueResult, ValueSpec
from analytics.value.trace import explain_history

__all__ = [
    "CustomerTrace",
    "ValueResult",
    "ValueSpec",
    "clv",
    "covariate_choices",
    "estimate_value",
    "explain_history",
    "p_alive",
    "value_by",
]
