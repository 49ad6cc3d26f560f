"""The canonical tables and their fields. No field is required by a table: each analysis states what it needs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import polars as pl

Role = Literal["id", "time", "amount", "quantity", "category", "text", "flag", "score"]
ROLES: tuple[str, ...] = get_args(Role)
FEATURE_ROLES: frozenset[str] = frozenset({"amount", "quantity", "category", "flag", "score"})

# How an order line counts. Set by validation, never by a person's column.
LINE_KINDS = ("sale", "return", "cancellation", "service")


@dataclass(frozen=True, slots=True)
class Field:
    """One canonical column: its name, Polars dtype, role, and unit ("" where it has none).

    ``required`` is False throughout the canonical tables; an own schema may set it. A field whose role is id,
    time or text can never become a feature (see ``feature_fields``). Money (role "amount") is Int64 in minor
    units of the data set's currency: value = integer / 10 ** ``Dataset.money_digits``.
    """

    name: str
    dtype: pl.DataType
    role: Role
    unit: str = ""
    required: bool = False


@dataclass(frozen=True, slots=True)
class TableSchema:
    """One canonical table: its name, its fields in order, and the field that says when a row happened."""

    name: str
    fields: tuple[Field, ...]
    time_field: str | None = None

    def __getitem__(self, name: str) -> Field:
        for field in self.fields:
            if field.name == name:
                return field
        raise KeyError(f"{self.name} has no field {name!r}")

    def __contains__(self, name: str) -> bool:
        return any(field.name == name for field in self.fields)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(field.name for field in self.fields)


_TEXT, _DAY, _TIME = pl.String(), pl.Date(), pl.Datetime("us")
_INT, _REAL, _FLAG = pl.Int64(), pl.Float64(), pl.Boolean()

TRANSACTIONS = TableSchema(
    "transactions",
    (
        Field("customer_id", _TEXT, "id"),
        Field("order_id", _TEXT, "id"),
        Field("ordered_at", _TIME, "time"),
        Field("product_id", _TEXT, "id"),
        Field("product", _TEXT, "category"),
        Field("category", _TEXT, "category"),
        Field("brand", _TEXT, "category"),
        Field("quantity", _INT, "quantity", "items"),
        Field("unit_price", _INT, "amount", "minor currency units per item"),
        Field("discount_amount", _INT, "amount", "minor currency units"),
        Field("discount_share", _REAL, "score", "share of the undiscounted amount, 0-1"),
        Field("amount", _INT, "amount", "minor currency units, after discount"),
        Field("currency", _TEXT, "category"),
        Field("channel", _TEXT, "category"),
        Field("payment_method", _TEXT, "category"),
        Field("city", _TEXT, "category"),
        Field("country", _TEXT, "category"),
    ),
    "ordered_at",
)
CUSTOMERS = TableSchema(
    "customers",
    (
        Field("customer_id", _TEXT, "id"),
        Field("gender", _TEXT, "category"),
        Field("birth_year", _INT, "quantity", "calendar year"),
        Field("age", _INT, "quantity", "years, as of the file"),
        Field("city", _TEXT, "category"),
        Field("country", _TEXT, "category"),
        Field("joined_at", _DAY, "time"),
        Field("left_at", _DAY, "time"),
        Field("leaving_reason", _TEXT, "category"),
        Field("acquisition_channel", _TEXT, "category"),
        Field("tier", _TEXT, "category"),
        Field("account_type", _TEXT, "category"),
        Field("name", _TEXT, "text"),
        Field("email", _TEXT, "text"),
        Field("phone", _TEXT, "text"),
        Field("marketing_consent", _FLAG, "flag"),
    ),
    "joined_at",
)
EVENTS = TableSchema(
    "events",
    (
        Field("customer_id", _TEXT, "id"),
        Field("occurred_at", _TIME, "time"),
        Field("event", _TEXT, "category"),
        Field("item", _TEXT, "id"),
        Field("channel", _TEXT, "category"),
        Field("duration_s", _REAL, "quantity", "seconds"),
    ),
    "occurred_at",
)
CONTACTS = TableSchema(
    "contacts",
    (
        Field("customer_id", _TEXT, "id"),
        Field("contacted_at", _TIME, "time"),
        Field("channel", _TEXT, "category"),
        Field("reason", _TEXT, "category"),
        Field("resolved", _FLAG, "flag"),
        Field("wait_s", _REAL, "quantity", "seconds"),
        Field("text", _TEXT, "text"),
    ),
    "contacted_at",
)
FEEDBACK = TableSchema(
    "feedback",
    (
        Field("customer_id", _TEXT, "id"),
        Field("written_at", _TIME, "time"),
        Field("source", _TEXT, "category"),
        Field("rating", _REAL, "score", "points as given"),
        Field("language", _TEXT, "category"),
        Field("text", _TEXT, "text"),
    ),
    "written_at",
)
SURVEY = TableSchema(
    "survey",
    (
        Field("customer_id", _TEXT, "id"),
        Field("answered_at", _TIME, "time"),
    ),
    "answered_at",
)
CAMPAIGNS = TableSchema(
    "campaigns",
    (
        Field("customer_id", _TEXT, "id"),
        Field("sent_at", _TIME, "time"),
        Field("campaign", _TEXT, "category"),
        Field("channel", _TEXT, "category"),
        Field("arm", _TEXT, "category"),
        Field("responded", _FLAG, "flag"),
        Field("revenue", _INT, "amount", "minor currency units"),
        Field("cost", _INT, "amount", "minor currency units"),
    ),
    "sent_at",
)
SERIES = TableSchema(
    "series",
    (
        Field("unique_id", _TEXT, "id"),
        Field("ds", _DAY, "time"),
        Field("y", _REAL, "quantity", "as given"),
    ),
    "ds",
)

TABLES: dict[str, TableSchema] = {
    table.name: table for table in (TRANSACTIONS, CUSTOMERS, EVENTS, CONTACTS, FEEDBACK, SURVEY, CAMPAIGNS, SERIES)
}


def feature_fields(table: TableSchema) -> tuple[Field, ...]:
    """The fields that may become features: amount, quantity, category, flag or score, never an id."""
    return tuple(field for field in table.fields if field.role in FEATURE_ROLES)
