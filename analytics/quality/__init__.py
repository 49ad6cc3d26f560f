"""Checks, repairs and quarantine: mapped tables to a ``Dataset`` and a report of everything that was found."""

from analytics.quality.meaning import CODES, Meaning, meaning
from analytics.quality.recipe import PERSONAL, VALUES_OF, Action, Step, Where
from analytics.quality.repairs import proposed_steps
from analytics.quality.report import (
    SEVERITIES,
    THRESHOLDS,
    Issue,
    QualityReport,
    QualitySpec,
    SourceBalance,
    ValidationResult,
)
from analytics.quality.validation import validate

__all__ = [
    "CODES",
    "PERSONAL",
    "SEVERITIES",
    "THRESHOLDS",
    "VALUES_OF",
    "Action",
    "Issue",
    "Meaning",
    "QualityReport",
    "QualitySpec",
    "SourceBalance",
    "Step",
    "ValidationResult",
    "Where",
    "meaning",
    "proposed_steps",
    "validate",
]
