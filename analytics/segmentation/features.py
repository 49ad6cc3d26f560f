"""Which columns may cut customers, and how they become comparable: logs, caps, unit deviation."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import polars as pl

from analytics.customers import CustomerTable
from analytics.errors import AnalysisError, Caveat

Floats = npt.NDArray[np.float64]
CORRELATED = 0.9
# Behaviour that a customer table may or may not hold, depending on the data: absent, it is left out, not an error.
BEHAVIOUR = (
    "recency_days",
    "n_orders",
    "mean_order_value",
    "revenue",
    "tenure_days",
    "mean_gap_days",
    "n_items",
    "n_products",
    "n_categories",
    "discount_share",
    "return_share",
)


def usable_features(customers: CustomerTable) -> tuple[str, ...]:
    """Columns that may be chosen for k-means: behaviour first, then attributes that are numbers or flags; no id."""
    schema = customers.frame.schema
    return tuple(
        name
        for name in (*customers.measures, *customers.attributes)
        if name in schema and (schema[name].is_numeric() or schema[name] == pl.Boolean) and not is_id(name)
    )


def is_id(name: str) -> bool:
    return name == "id" or name.lower().endswith("_id")


def refuse_id(name: str) -> None:
    if is_id(name):
        raise AnalysisError("feature_is_id", field=name)


def known_features(
    customers: CustomerTable, frame: pl.DataFrame, wanted: tuple[str, ...]
) -> tuple[list[str], list[str]]:
    """The wanted features that are there, in the table's own order, and the known ones that are not."""
    usable = usable_features(customers)
    present: list[str] = []
    absent: list[str] = []
    for name in dict.fromkeys(wanted):
        if name not in frame.columns and name not in BEHAVIOUR:
            raise AnalysisError("feature_unknown", field=name)
        if name in frame.columns and name not in usable:
            dtype = frame.schema[name]
            if not dtype.is_numeric() and dtype != pl.Boolean:
                raise AnalysisError("feature_not_numeric", field=name)
        (present if name in frame.columns and frame[name].count() else absent).append(name)
    rank = {name: i for i, name in enumerate(usable)}
    return sorted(present, key=lambda name: (rank.get(name, len(rank)), name)), absent


def standardise(frame: pl.DataFrame, fields: list[str]) -> tuple[Floats, pl.DataFrame, list[Caveat]]:
    """Features as columns of mean 0 and deviation 1.

    Missing values become the median. Features with skewness above 1 and at most one percent below zero (which counts as
    zero: more returned than bought) become log(1 + x / s), with s their
    5th percentile above zero, so that a change of unit changes nothing. Then values beyond three interquartile
    ranges from the quartiles are capped (Tukey's far-out fences; the same from percentiles 1 and 99 where the
    quartiles are equal). Features without spread are dropped.
    """
    columns, rows, caveats = [], [], []
    for name in fields:
        raw = frame[name].cast(pl.Float64).to_numpy().astype(np.float64)
        finite = np.isfinite(raw)
        if not finite.any():
            caveats.append(Caveat("feature_missing", "watch", {"field": name}))
            continue
        n_missing = int((~finite).sum())
        values = np.where(finite, raw, np.median(raw[finite]))
        spread = values.std()
        if spread <= 1e-12 * max(1.0, abs(float(values.mean()))):
            caveats.append(Caveat("feature_constant", "watch", {"field": name}))
            continue
        transform = "none"
        skewness = float((((values - values.mean()) / spread) ** 3).mean())
        below_zero = values < 0
        if skewness > 1 and below_zero.mean() <= 0.01 and len(np.unique(values)) > 2:
            transform = "log"
            values = np.maximum(values, 0.0)
            values = np.log1p(values / np.quantile(values[values > 0], 0.05))
        low, high = np.quantile(values, [0.25, 0.75])
        if low == high:  # more than half the customers share one value
            low, high = np.quantile(values, [0.01, 0.99])
        low, high = low - 3 * (high - low), high + 3 * (high - low)
        far_out = (values < low) | (values > high) if low < high else np.zeros(len(values), dtype=bool)
        n_capped = int((far_out | (below_zero if transform == "log" else False)).sum())
        if far_out.any():
            values = np.clip(values, low, high)
        columns.append((values - values.mean()) / values.std())
        rows.append((name, transform, n_missing, n_capped))
        if n_missing:
            caveats.append(Caveat("values_filled", "note", {"field": name, "n": n_missing}))
        if n_capped > 0.01 * len(values):
            caveats.append(Caveat("values_capped", "note", {"field": name, "n": n_capped}))
    points = np.column_stack(columns) if columns else np.empty((frame.height, 0))
    schema = {"feature": pl.String, "transform": pl.String, "n_missing": pl.Int64, "n_capped": pl.Int64}
    return points, pl.DataFrame(rows, schema=schema, orient="row"), caveats


def correlated(points: Floats, names: list[str]) -> list[Caveat]:
    if points.shape[1] < 2:
        return []
    correlation = np.atleast_2d(np.corrcoef(points, rowvar=False))
    return [
        Caveat("features_correlated", "note", {"field_a": names[i], "field_b": names[j], "r": float(correlation[i, j])})
        for i in range(len(names))
        for j in range(i + 1, len(names))
        if abs(correlation[i, j]) >= CORRELATED
    ]
