"""Early warning: who is about to leave, from what was known before, and how well that can be known.

A cut-off is a day. Features know the days up to it, the label lies strictly after it, and a guard that reads the data
(never their names) refuses whatever knows the outcome already.
"""

from analytics.churn.spec import BASELINES, GROUPS, LEAKS, ChurnResult, ChurnSpec
from analytics.churn.warning import Lessons, judge, learn_churn, learning, warn

__all__ = [
    "BASELINES",
    "GROUPS",
    "LEAKS",
    "ChurnResult",
    "ChurnSpec",
    "Lessons",
    "judge",
    "learn_churn",
    "learning",
    "warn",
]
