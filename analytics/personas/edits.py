"""What a person writes on a card, kept apart from what was computed.

Each edit remembers a digest of the computed value it replaced or stands beside. After a recompute it is kept, and is
stale when that value has changed: the person decides.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Annotated, Literal, get_args

import msgspec
import polars as pl

from analytics.keys import digest_bytes
from analytics.personas.result import PersonasResult

EditedField = Literal["name", "line", "goals", "needs", "pains"]
EDITED_FIELDS: tuple[EditedField, ...] = get_args(EditedField)
MOST_CHARACTERS: dict[EditedField, int] = {"name": 40, "line": 200, "goals": 400, "needs": 400, "pains": 400}
MOST_EDITS = 200

Source = Literal["segments", "own"]
Short = Annotated[str, msgspec.Meta(max_length=60)]


@dataclass(frozen=True, slots=True)
class PersonaEdit:
    """One field of one card in a person's own words. ``basis``: digest of the computed value beneath it."""

    source: Source
    label: Short
    field: EditedField
    text: Annotated[str, msgspec.Meta(max_length=400)]
    basis: Short = ""


@dataclass(frozen=True, slots=True)
class PersonaEdits:
    """All edits, one per source, label and field, and the digests of quotes that are not to be shown."""

    edits: Annotated[tuple[PersonaEdit, ...], msgspec.Meta(max_length=MOST_EDITS)] = ()
    hidden_quotes: Annotated[tuple[Short, ...], msgspec.Meta(max_length=MOST_EDITS)] = ()

    def find(self, source: Source, label: str, field: EditedField) -> PersonaEdit | None:
        wanted = (source, label, field)
        return next((edit for edit in self.edits if (edit.source, edit.label, edit.field) == wanted), None)


def write(edits: PersonaEdits, source: Source, label: str, field: EditedField, text: str, basis: str) -> PersonaEdits:
    """``edits`` with this text in place of the one before; an empty text takes the edit back."""
    text = " ".join(text.split())[: MOST_CHARACTERS[field]]
    if not text:
        return revert(edits, source, label, field)
    held = edits.find(source, label, field)
    new = PersonaEdit(source, label, field, text, basis)
    others = tuple(edit for edit in edits.edits if edit is not held)
    return dataclasses.replace(edits, edits=(*others, new)[-MOST_EDITS:])


def revert(edits: PersonaEdits, source: Source, label: str, field: EditedField) -> PersonaEdits:
    """``edits`` without this one: the computed value stands alone again."""
    held = edits.find(source, label, field)
    return dataclasses.replace(edits, edits=tuple(edit for edit in edits.edits if edit is not held))


def hide_quote(edits: PersonaEdits, quote_id: str, hidden: bool = True) -> PersonaEdits:
    """``edits`` with a quote taken off the cards, or put back."""
    others = tuple(each for each in edits.hidden_quotes if each != quote_id)
    return dataclasses.replace(edits, hidden_quotes=(*others, quote_id)[-MOST_EDITS:] if hidden else others)


def basis_of(result: PersonasResult, label: str, field: EditedField, name: str = "") -> str:
    """The digest of what was computed for a field: what the card says of it, to whole percents and two digits.

    ``name``: the code under which the group is known, for the field "name". In no reader's language.
    """
    match field:
        case "name":
            told: object = name
        case "line":
            told = _told(result.traits.filter(pl.col("shown")).filter(pl.col("rank") <= 3), label)
        case "goals":
            minds = result.families.filter(pl.col("family") == "psychographics")["field"].to_list()
            told = _told(result.traits.filter(pl.col("verdict") == "different", pl.col("field").is_in(minds)), label)
        case "needs":
            told = _told(result.needs.filter("shown"), label)
        case "pains":
            told = _told(result.pains.filter("shown"), label)
    return digest_bytes(msgspec.json.encode([field, told]))[:16]


def _told(rows: pl.DataFrame, label: str) -> list[tuple[object, ...]]:
    held = rows.filter(pl.col("label") == label).sort("field", "level", nulls_last=True)
    return [
        (
            row["field"],
            row["level"],
            float(f"{row['value_group']:.2g}") if row["kind"] == "number" else round(row["value_group"], 2),
            row["effect"] > 0,
        )
        for row in held.iter_rows(named=True)
    ]
