"""Data for the tests of the early warning: the streaming world as a Dataset, and small services made by hand."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl

from analytics.dataset import Dataset
from sample_data.streaming_service import END
from tests.churn.attainable import attainable, auc


def to_dataset(tables: dict[str, pl.DataFrame], as_of: date = END) -> Dataset:
    """Served tables of the streaming world, money in cents."""
    money = ("unit_price", "discount_amount", "amount")
    lines = tables["transactions"].with_columns(
        *((pl.col(name) * 100).cast(pl.Int64) for name in money), kind=pl.lit("sale"), currency=pl.lit("TWD")
    )
    events = tables["events"].with_columns(pl.col("duration_s").cast(pl.Float64))
    contacts = tables["contacts"].with_columns(pl.col("wait_s").cast(pl.Float64))
    built = {**tables, "transactions": lines, "events": events, "contacts": contacts}
    return Dataset.build(built, as_of=as_of, currency="TWD")


def attained(
    tables: dict[str, pl.DataFrame], seed: int, risk: pl.DataFrame, cut: date, horizon: int
) -> dict[str, float]:
    """AUC and average precision of ``risk`` (customer_id, risk) at a cut-off, beside the attainable ones."""
    from analytics.churn.measures import average_precision

    best = attainable(tables, seed, cut, horizon)
    both = best.join(risk.select("customer_id", ours="risk"), on="customer_id", how="inner")
    assert both.height == best.height == risk.height
    leaves = both["leaves"].to_numpy()
    ours, theirs = both["ours"].to_numpy(), both["risk"].to_numpy()
    return {
        "auc": auc(ours, leaves),
        "auc_attainable": auc(theirs, leaves),
        "precision": average_precision(leaves.astype(np.int64), ours),
        "precision_attainable": average_precision(leaves.astype(np.int64), theirs),
    }
