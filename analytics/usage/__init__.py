"""How customers browse and use what is offered: sessions, the funnel, paths to purchase, feature use, decline.

A session is a run of events of one customer in which no two neighbours lie further apart than the gap. Only events of a
known customer can be put into sessions; events of one moment stand in the order of the funnel, then by name.
"""

from analytics.usage.spec import STANDARD_STEPS, FunnelStep, UsageResult, UsageSpec, recognise_steps
from analytics.usage.study import study_usage

__all__ = ["STANDARD_STEPS", "FunnelStep", "UsageResult", "UsageSpec", "recognise_steps", "study_usage"]
