"""One row per customer, and the two ways in which work about customers crosses from one analysis to another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import polars as pl


@dataclass(frozen=True, slots=True, eq=False)
class CustomerTable:
    """One row per customer, unique ``customer_id``; units are in the names.

    Attributes
    ----------
    frame : customer_id (String); first_order_on, last_order_on (Date); recency_days (days from the last order to
        ``as_of``), tenure_days (days from the first order to ``as_of``), n_orders, n_items (Int64); revenue,
        mean_order_value (Float64, whole currency units); mean_gap_days (mean days between order days, null with one
        order day); then whichever the data allow: n_products, n_categories (Int64), discount_share, return_share
        (Float64, 0-1), top_category, top_channel, top_payment_method (String), and the customers table's attributes.
    measures : names of the numeric behaviour columns that are there, in display order.
    attributes : names of the attribute columns (text, flag or number) that are there, in display order.
    """

    frame: pl.DataFrame
    as_of: date
    currency: str
    measures: tuple[str, ...]
    attributes: tuple[str, ...]
    key: str


@dataclass(frozen=True, slots=True, eq=False)
class CustomerLabels:
    """Which group each customer belongs to.

    Attributes
    ----------
    frame : customer_id (String, unique), label (String).
    labels : the labels in display order; colour *i* belongs to label *i* on every page.
    origin : the verb that made them ("segment", "lifecycle", "describe_personas").
    key : the key of the Result they came from.
    """

    frame: pl.DataFrame
    labels: tuple[str, ...]
    origin: str
    key: str


@dataclass(frozen=True, slots=True, eq=False)
class CustomerScores:
    """A number per customer with its interval.

    Attributes
    ----------
    frame : customer_id (String, unique), value, lo, hi (Float64, in ``unit``; lo and hi null where not estimated).
    """

    frame: pl.DataFrame
    unit: str
    origin: str
    key: str


def display_names(labels: CustomerLabels, names: Mapping[str, str]) -> dict[str, str]:
    """Label -> what people read: the number, a dot and the name ("2 · Loyal")."""
    return {label: f"{i} · {names.get(label, label)}" for i, label in enumerate(labels.labels, start=1)}
