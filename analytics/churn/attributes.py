"""Columns of the customers table as features. They carry no date: what they knew, and when, only the data can tell."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from analytics.churn.features import Column, Parts
from analytics.churn.ledger import Floats, as_date
from analytics.customers import names_a_person
from analytics.schema import CUSTOMERS

MOST_LEVELS = 12  # of a category; the rest count as one
_NEVER = ("customer_id", "joined_at", "left_at", "leaving_reason", "name", "email", "phone")


@dataclass(frozen=True, slots=True, eq=False)
class Attribute:
    """One column of the customers table, by customer position: ``values`` as they stand (null where unknown)."""

    name: str
    values: pl.Series

    @property
    def is_number(self) -> bool:
        return self.values.dtype.is_numeric()

    def numbers(self) -> Floats:
        """As floats (a day as its number), NaN where unknown. Only of numbers, flags and days."""
        values = self.values
        if values.dtype.is_temporal():
            values = values.cast(pl.Date, strict=False).to_physical()
        return values.cast(pl.Float64).fill_null(np.nan).to_numpy()

    def texts(self) -> pl.Series:
        """As text, null where unknown."""
        return self.values.cast(pl.String)


def read_attributes(held: pl.DataFrame | None, ids: pl.Series, without: tuple[str, ...] = ()) -> list[Attribute]:
    """Every column of the customers table but ids, names, addresses, leaving and ``without``."""
    if held is None or "customer_id" not in held.columns:
        return []
    one = held.filter(pl.col("customer_id").is_not_null()).unique("customer_id", keep="first", maintain_order=True)
    placed = pl.DataFrame({"customer_id": ids}).join(one, on="customer_id", how="left", maintain_order="left")
    names = [name for name in placed.columns if name not in (*_NEVER, *without)]
    return [Attribute(name, placed[name]) for name in names if not placed[name].dtype.is_nested()]


def usable(attribute: Attribute) -> bool:
    """Whether it may describe a person: no personal data by its name, no long list of texts, and not all the same."""
    given = attribute.values.drop_nulls()
    n_values = given.n_unique()
    if attribute.values.dtype.is_temporal() or n_values < 2:
        return False
    known = attribute.name in CUSTOMERS and CUSTOMERS[attribute.name].role in ("category", "flag", "quantity")
    if not known and n_values > 2 and names_a_person(attribute.name):
        return False
    return attribute.values.dtype.is_numeric() or attribute.values.dtype == pl.Boolean or n_values <= 50


def attribute_columns(attributes: list[Attribute], day: int | None) -> Parts:
    """Columns for the models; an age is reckoned on ``day`` (None: as it stands)."""
    parts: Parts = {}
    for attribute in attributes:
        if attribute.name == "birth_year" and day is not None:
            parts[Column("age", "attribute")] = as_date(day).year - attribute.numbers()
        elif attribute.is_number or attribute.values.dtype == pl.Boolean:
            parts[Column(attribute.name, "attribute")] = attribute.numbers()
        else:
            texts = attribute.texts()
            for level in levels_of(texts):
                marked = (texts == level).cast(pl.Float64).fill_null(0.0).to_numpy()
                parts[Column(attribute.name, "attribute", level)] = marked
    return parts


def levels_of(texts: pl.Series) -> list[str]:
    """The most frequent levels, ties by name."""
    name = texts.name or "level"
    counted = texts.alias(name).drop_nulls().value_counts(name="n").sort(["n", name], descending=[True, False])
    return [str(level) for level in counted[name].head(MOST_LEVELS)]
