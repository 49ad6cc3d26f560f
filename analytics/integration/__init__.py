"""Tables brought together: records of one person under one id, second tables joined, one currency."""

from analytics.integration.currencies import CurrencyResult, CurrencySpec, Rate, settle_currency
from analytics.integration.joining import (
    JOINED,
    JoinResult,
    JoinSpec,
    LookupResult,
    carry,
    join_lookup,
    join_table,
    orphans,
    own_columns,
    preview_join,
    suggest_join,
)
from analytics.integration.matching import FIELDS, POINTS, MatchResult, MatchSpec, match_customers, partition
from analytics.integration.merging import MergeResult, merge_customers

__all__ = [
    "FIELDS",
    "JOINED",
    "POINTS",
    "CurrencyResult",
    "CurrencySpec",
    "JoinResult",
    "JoinSpec",
    "LookupResult",
    "MatchResult",
    "MatchSpec",
    "MergeResult",
    "Rate",
    "carry",
    "join_lookup",
    "join_table",
    "match_customers",
    "merge_customers",
    "orphans",
    "own_columns",
    "partition",
    "preview_join",
    "settle_currency",
    "suggest_join",
]
