"""Tables brought together: records of one person under one id, second tables joined, one currency."""

from analytics.integration.currencies import CurrencyResult, CurrencySpec, settle_currency
from analytics.integration.joining import (
    JoinResult,
    JoinSpec,
    LookupResult,
    join_lookup,
    join_table,
    orphans,
    suggest_join,
)
from analytics.integration.matching import FIELDS, POINTS, MatchResult, MatchSpec, match_customers, partition
from analytics.integration.merging import MergeResult, merge_customers

__all__ = [
    "FIELDS",
    "POINTS",
    "CurrencyResult",
    "CurrencySpec",
    "JoinResult",
    "JoinSpec",
    "LookupResult",
    "MatchResult",
    "MatchSpec",
    "MergeResult",
    "join_lookup",
    "join_table",
    "match_customers",
    "merge_customers",
    "orphans",
    "partition",
    "settle_currency",
    "suggest_join",
]
