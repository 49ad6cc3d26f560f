"""The canonical tables: no id, time or text can become a feature; money is integer minor units."""

from __future__ import annotations

import polars as pl
import pytest

from analytics.schema import FEATURE_ROLES, ROLES, TABLES, feature_fields


def test_an_identifier_never_becomes_a_feature() -> None:
    for table in TABLES.values():
        roles = {field.role for field in feature_fields(table)}
        assert not roles & {"id", "time", "text"}
    assert set(ROLES) - {"id", "time", "text"} == FEATURE_ROLES


def test_money_is_exact() -> None:
    for table in TABLES.values():
        assert all(field.dtype == pl.Int64() for field in table.fields if field.role == "amount")


def test_the_time_of_a_row_is_a_time_field_of_its_table() -> None:
    for table in TABLES.values():
        assert table.time_field is not None
        assert table[table.time_field].role == "time"
        assert table.time_field in table


def test_an_unknown_field_is_named() -> None:
    with pytest.raises(KeyError, match="transactions has no field 'prise'"):
        TABLES["transactions"]["prise"]
