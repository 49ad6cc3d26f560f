"""Source columns to canonical fields: a suggestion with confidence, then what a person confirmed, applied exactly."""

from analytics.mapping.apply import FieldReading, MappedTable, MappingSpec, apply_mapping
from analytics.mapping.dates import DATE_FORMATS
from analytics.mapping.questionnaire import QUESTION_KINDS, Question, Questionnaire, questions
from analytics.mapping.signature import carried, header_signature
from analytics.mapping.suggest import CONFIDENT, PROPOSED, ColumnMatch, MappingSuggestion, suggest_mapping

__all__ = [
    "CONFIDENT",
    "DATE_FORMATS",
    "PROPOSED",
    "QUESTION_KINDS",
    "ColumnMatch",
    "FieldReading",
    "MappedTable",
    "MappingSpec",
    "MappingSuggestion",
    "Question",
    "Questionnaire",
    "apply_mapping",
    "carried",
    "header_signature",
    "questions",
    "suggest_mapping",
]
