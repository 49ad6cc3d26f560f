"""What was known of a customer at the first purchase, as numbers for the models."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import polars as pl

from analytics.customers import names_a_person
from analytics.dataset import Dataset
from analytics.errors import AnalysisError

Floats = npt.NDArray[np.float64]

MOST_LEVELS = 5  # of a category; the most frequent is what the others are held against, the rest count with it
LEAST_SHARE = 0.01  # of customers with a level
# What the file holds as of its own day: it knows what came after the first purchase.
_LATER = frozenset({"customer_id", "left_at", "leaving_reason", "tier", "age", "joined_at", "name", "email", "phone"})


def covariate_choices(dataset: Dataset) -> tuple[str, ...]:
    """Columns of the customers table that can be covariates: categories, flags and numbers, no later knowledge."""
    held = dataset.tables.get("customers")
    if held is None or not dataset.has("customers.customer_id"):
        return ()
    return tuple(
        name
        for name, dtype in held.schema.items()
        if name not in _LATER
        and not names_a_person(name)
        and (dtype.is_numeric() or dtype == pl.Boolean or _few(held[name]))
        and held[name].drop_nulls().n_unique() > 1
    )


def _few(series: pl.Series) -> bool:
    return series.dtype in (pl.String, pl.Categorical) and series.drop_nulls().n_unique() <= 50


def encode(dataset: Dataset, ids: pl.Series, columns: tuple[str, ...]) -> tuple[Floats | None, tuple[str, ...]]:
    """n x k numbers of the customers ``ids`` and their names; levels and scales are theirs.

    A category becomes a 0/1 column per level but the most frequent; a number is standardised, a missing one is the
    mean. Raises ``AnalysisError("value_covariate_unknown")``.
    """
    choices = covariate_choices(dataset)
    for name in columns:
        if name not in choices:
            raise AnalysisError("value_covariate_unknown", column=name)
    if not columns:
        return None, ()
    held = dataset.tables["customers"].filter(pl.col("customer_id").is_not_null()).unique("customer_id", keep="first")
    own = ids.to_frame("customer_id").join(
        held.select("customer_id", *columns), on="customer_id", how="left", maintain_order="left"
    )
    made: list[Floats] = []
    names: list[str] = []
    for name in columns:
        series = own[name]
        if series.dtype.is_numeric():
            values = series.cast(pl.Float64).to_numpy()
            there = values[np.isfinite(values)]
            if len(there) and there.std() > 0:
                made.append(np.nan_to_num((values - there.mean()) / there.std()))
                names.append(name)
            continue
        text = series.cast(pl.String)
        counted = text.drop_nulls().value_counts().sort("count", name, descending=[True, False])
        counted = counted.filter(pl.col("count") >= LEAST_SHARE * len(ids))
        for level in counted[name].head(MOST_LEVELS)[1:]:
            made.append((text == level).fill_null(False).to_numpy().astype(np.float64))
            names.append(f"{name}: {level}")
    return (np.stack(made, axis=1), tuple(names)) if made else (None, ())
