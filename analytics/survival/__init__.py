"""How long customers stay, in which months and for which reasons they leave, what goes with it, and what is ahead.

A spell begins and ends, or is still open on the as-of date: then it is censored there, never at what the customer did
last. What is timed is a choice (``ClockSpec``): memberships, a tenure number, or the silence between orders.
"""

from analytics.survival.columns import TenureColumns, propose_columns
from analytics.survival.outlook import foresee
from analytics.survival.regress import fit_hazards
from analytics.survival.spec import (
    ClockSpec,
    HazardsResult,
    OutlookResult,
    Spells,
    SurvivalResult,
    SurvivalSpec,
)
from analytics.survival.spells import available_clocks, find_spells
from analytics.survival.study import study_survival

__all__ = [
    "ClockSpec",
    "HazardsResult",
    "OutlookResult",
    "Spells",
    "SurvivalResult",
    "SurvivalSpec",
    "TenureColumns",
    "available_clocks",
    "find_spells",
    "fit_hazards",
    "foresee",
    "propose_columns",
    "study_survival",
]
