"""``suggest_mapping``: which canonical table a file is, and which field each of its columns."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Literal, cast

import numpy as np
import polars as pl

from analytics.errors import AnalysisError, Param
from analytics.keys import derive_key
from analytics.mapping.apply import MappingSpec
from analytics.mapping.names import contains, likeness, normal, phrase
from analytics.mapping.profile import ColumnProfile, fit, profile
from analytics.mapping.synonyms import stand_ins, synonyms, table_words
from analytics.progress import report
from analytics.reading import RawTable
from analytics.schema import TABLES, TableSchema

MatchReason = Literal["same", "exact", "contains", "similar", "values", "none"]

PROPOSED = 0.45  # confidence from which a match is filled in; the person confirms all of them
CONFIDENT = 0.80
_CLOSE, _ASKED = 0.1, 0.79
_SHARED = {"customer_id": 0.5, "city": 0.2, "country": 0.3, "channel": 0.3, "source": 0.3, "text": 0.8, "name": 0.6}
_OTHER_UNIT = re.compile(r"(?i)(?<![a-z])(m(in|ins|inutes|sec|s)|h(r|rs|ours))(?![a-z])|分钟|分鐘|小[时時]|毫秒")
_QUESTION = (
    r"[?？]|^(?i:q|question|问题|問題|题|題)\s*[_.#]?\d+|^\d+[a-z]?\s*[、.．]|^\d+[(（]|^第\d+[题題]"
    r"|^[请請您你]|^(?i:how|what|which|why|where|when|who|do|did|does|are|is|have|would|will|please|rate) .+ .+"
)


@dataclass(frozen=True, slots=True)
class ColumnMatch:
    """A source column and the field it most likely is.

    ``field`` None: none. ``reason``: "same" (the canonical name itself), "exact" (a known synonym), "contains",
    "similar", "values" (only what it holds speaks for it), "none". ``params``: the synonym that matched.
    """

    column: str
    field: str | None
    confidence: float
    reason: MatchReason
    params: tuple[tuple[str, Param], ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class MappingSuggestion:
    """What a file most likely holds.

    Attributes
    ----------
    table : the likeliest canonical table (or the one that was asked for).
    tables : (table, score) for every table, best first; the score is comparable within one file only.
    matches : one per source column, in the file's order.
    spec : the proposed ``MappingSpec``: every match of at least ``PROPOSED`` confidence.
    """

    table: str
    tables: tuple[tuple[str, float], ...]
    matches: tuple[ColumnMatch, ...]
    spec: MappingSpec
    key: str


def suggest_mapping(raw: RawTable, table: str | None = None) -> MappingSuggestion:
    """The likeliest table and one assignment of columns to its fields (Hungarian method, maximal total confidence).

    Raises ``AnalysisError("table_unknown")`` for a table that does not exist.
    """
    if table is not None and table not in TABLES:
        raise AnalysisError("table_unknown", table=table)
    report(0.0, "suggest_mapping")
    n_values = 1_000 if len(raw.columns) <= 50 else 200
    profiles = [profile(raw.frame[column], n_values) for column in raw.columns]
    headings = [normal(column) for column in raw.columns]
    assigned = {name: _assign(raw, headings, profiles, schema) for name, schema in TABLES.items()}
    scores = {name: _score(raw, assigned[name], profiles, headings, name) for name in TABLES}
    ranked = tuple(sorted(scores.items(), key=lambda item: (-item[1], list(TABLES).index(item[0]))))
    chosen = table or ranked[0][0]
    matches = assigned[chosen]
    columns = tuple((m.column, m.field) for m in matches if m.field is not None and m.confidence >= PROPOSED)
    report(1.0, "suggest_mapping")
    return MappingSuggestion(
        chosen,
        tuple((name, round(score, 3)) for name, score in ranked),
        matches,
        MappingSpec(chosen, columns),
        derive_key("suggest_mapping", table, raw.key),
    )


def _assign(
    raw: RawTable, headings: list[str], profiles: list[ColumnProfile], schema: TableSchema
) -> tuple[ColumnMatch, ...]:
    from scipy.optimize import linear_sum_assignment

    found: list[list[ColumnMatch]] = []
    for column, heading, values in zip(raw.columns, headings, profiles, strict=True):
        named = _by_name(column, heading, schema)
        found.append([_with_values(column, match, values, schema, i) for i, match in enumerate(named)])
    confidence = np.array([[match.confidence for match in row] for row in found]).reshape(len(found), -1)
    # The cube keeps one sure match from being given up for two doubtful ones.
    rows, fields = linear_sum_assignment(-(np.where(confidence >= 0.3, confidence, 0.0) ** 3))
    matches = [ColumnMatch(column, None, 0.0, "none") for column in raw.columns]
    for i, j in zip(rows, fields, strict=True):
        if confidence[i, j] >= 0.3:
            matches[i] = replace(found[i][j], confidence=round(found[i][j].confidence, 2))
    given = np.array([match.confidence for match in matches])
    for i, j in zip(rows, fields, strict=True):
        if matches[i].confidence >= CONFIDENT and matches[i].reason != "same":
            # Two columns that say the same: which one is meant, only a person knows.
            rivals = (confidence[:, j] >= matches[i].confidence - _CLOSE) & (given < CONFIDENT)
            if rivals.any():
                matches[i] = replace(matches[i], confidence=_ASKED)
    return tuple(matches)


def _by_name(column: str, heading: str, schema: TableSchema) -> list[ColumnMatch]:
    """For each field of ``schema`` the best likeness of the heading to its synonyms."""
    matches = []
    for field in schema.fields:
        if column == field.name:
            matches.append(ColumnMatch(column, field.name, 1.0, "same"))
            continue
        alike, reason, by = likeness(heading, synonyms(schema.name, field.name), field.role)
        stands_in = by in stand_ins() and field.name in ("unit_price", "amount", "customer_id")
        other_unit = field.unit == "seconds" and _OTHER_UNIT.search(column) is not None
        alike *= 0.65 if stands_in or other_unit else 1.0
        params: tuple[tuple[str, Param], ...] = (("synonym", by),) if by else ()
        matches.append(ColumnMatch(column, field.name, alike, cast(MatchReason, reason), params))
    return matches


def _with_values(column: str, match: ColumnMatch, values: ColumnProfile, schema: TableSchema, i: int) -> ColumnMatch:
    field = schema.fields[i]
    fits = fit(values, field, stated=match.confidence > 0.5)
    if match.reason == "same":
        return match if fits >= 0.9 else replace(match, confidence=max(0.6, fits))
    if match.confidence > 0:
        return replace(match, confidence=match.confidence * (0.35 + 0.65 * fits) if fits < 0.9 else match.confidence)
    alone = _values_alone(column, values, schema, field.name)
    return replace(match, confidence=alone, reason="values" if alone else "none")


def _values_alone(column: str, values: ColumnProfile, schema: TableSchema, field: str) -> float:
    """A low confidence for what only the values show; columns with a heading of their own are left alone."""
    if field == schema.time_field and values.date_share > 0.95:
        return 0.42 if not column.startswith("column_") else 0.5
    if not column.startswith("column_"):
        return 0.0
    if schema.name == "transactions":
        if field == "amount" and values.numeric_share > 0.95 and values.whole_share < 0.9:
            return 0.48
        if (
            field == "customer_id"
            and values.whole_share > 0.95
            and 0.01 < values.unique_share < 0.9
            and not values.date_share
        ):
            return 0.46 if values.mean_length >= 3 else 0.0
        if field == "quantity" and values.whole_share > 0.95 and values.mean_length < 3 and (values.high or 0) > 0:
            return 0.46
    if schema.name == "series" and field == "y" and values.numeric_share > 0.95 and not values.date_share:
        return 0.46 if values.n_distinct > 2 else 0.0
    if schema.name == "feedback":
        if field == "text" and values.mean_length > 15 and values.unique_share > 0.5 and values.numeric_share < 0.2:
            return 0.5
        if field == "rating" and values.numeric_share > 0.95 and values.n_distinct <= 11:
            return 0.46
    return 0.0


def _score(
    raw: RawTable, matches: tuple[ColumnMatch, ...], profiles: list[ColumnProfile], headings: list[str], table: str
) -> float:
    """Sum of the matches' confidences, weighted by how much a field tells, and what else speaks for the table."""
    schema = TABLES[table]
    score = 0.0
    matched: dict[str, ColumnProfile] = {}
    for match, values in zip(matches, profiles, strict=True):
        if match.field is None or match.confidence < PROPOSED:
            continue
        weight = 0.6 if match.field == schema.time_field else _SHARED.get(match.field, 1.0)
        score += weight * match.confidence * (1.5 if match.reason == "same" else 1.0)
        matched[match.field] = values
        if match.reason == "same" and match.field == schema.time_field:
            score += 2.0  # the canonical name of a table's own time field belongs to no other table
    words = phrase(normal(f"{raw.name.rsplit('.', 1)[0]} {raw.decided.sheet}"))
    score += 0.5 if any(contains(words, phrase(word)) for word in table_words(table)) else 0.0
    customer = matched.get("customer_id")
    if customer is not None and customer.n >= 20:
        once = customer.unique_share > 0.999 and _is_unique(raw, matches)
        if table == "customers":
            score += 1.2 if once else -0.8
        elif table == "transactions":
            score += -0.7 if once else 0.3
    if (
        table == "transactions"
        and not {"amount", "unit_price", "quantity", "product", "product_id", "order_id"} & matched.keys()
    ):
        score -= 1.0
    if table == "events":
        # No other table has a column of this kind.
        score += 1.5 * max((match.confidence for match in matches if match.field == "event"), default=0.0)
    if table == "transactions" and not {"amount", "quantity", "order_id"} & matched.keys():
        score -= 1.5 if "customer_id" not in matched or "unit_price" in matched else 0.0
    if table == "feedback" and "text" not in matched:
        score -= 1.0
    if table == "campaigns" and not {"campaign", "arm", "responded"} & matched.keys():
        score -= 1.0
    if table == "survey":
        n_questions = sum(pl.Series(raw.columns).str.contains(_QUESTION)) if raw.columns else 0
        n_scales = sum(_is_scale(values) for values in profiles) if schema.time_field in matched else 0
        score += min(n_questions + n_scales, 12) * 0.35
    if table == "series":
        score += -1.0 if len(raw.columns) > 4 else 0.7 if {"ds", "y"} <= matched.keys() else 0.0
    if (
        table in ("series", "events", "contacts", "campaigns")
        and schema.time_field not in matched
        and table != "campaigns"
    ):
        score -= 0.5
    return score


def _is_scale(values: ColumnProfile) -> bool:
    """Whole numbers within 0 to 10 and more than two of them: an answer on a scale."""
    high = values.high if values.high is not None else 99.0
    return values.whole_share == 1.0 and 3 <= values.n_distinct <= 11 and (values.low or 0.0) >= 0 and high <= 10


def _is_unique(raw: RawTable, matches: tuple[ColumnMatch, ...]) -> bool:
    column = next(match.column for match in matches if match.field == "customer_id")
    values = raw.frame[column].drop_nulls()
    return bool(values.n_unique() == len(values))


__all__ = ["CONFIDENT", "PROPOSED", "ColumnMatch", "MappingSuggestion", "suggest_mapping"]
