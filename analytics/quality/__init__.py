"""Checks, repairs and quarantine: mapped tables to a ``Dataset`` and a report of everything that was found."""

from analytics.quality.report import SEVERITIES, Issue, QualityReport, QualitySpec, SourceBalance, ValidationResult
from analytics.quality.validation import UNKNOWN_DAY, validate

__all__ = [
    "SEVERITIES",
    "UNKNOWN_DAY",
    "Issue",
    "QualityReport",
    "QualitySpec",
    "SourceBalance",
    "ValidationResult",
    "validate",
]
