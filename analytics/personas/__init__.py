"""Personas: who the people in each group are, said as differences from everybody else.

What a persona needs to be trusted: Salminen, Jansen et al. (2021), a review of 77 papers on data-driven personas that
found little validation and lost minorities: so every card shows its coverage, and what does not differ.
"""

from analytics.personas.describe import describe_personas, labels_of
from analytics.personas.edits import (
    EDITED_FIELDS,
    MOST_CHARACTERS,
    EditedField,
    PersonaEdit,
    PersonaEdits,
    basis_of,
    hide_quote,
    revert,
    write,
)
from analytics.personas.groups import own_features
from analytics.personas.result import PersonasResult
from analytics.personas.spec import PersonaSpec

__all__ = [
    "EDITED_FIELDS",
    "MOST_CHARACTERS",
    "EditedField",
    "PersonaEdit",
    "PersonaEdits",
    "PersonaSpec",
    "PersonasResult",
    "basis_of",
    "describe_personas",
    "hide_quote",
    "labels_of",
    "own_features",
    "revert",
    "write",
]
