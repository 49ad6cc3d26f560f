"""Six customers whose figures are written out in the tests, and a maker of larger data."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from analytics.dataset import Dataset
from analytics.mapping import apply_mapping, suggest_mapping
from analytics.population import observe
from analytics.quality import QualitySpec, validate
from analytics.reading import read

AS_OF = date(2024, 12, 31)
COLUMNS = (
    "customer_id", "order_id", "ordered_at", "category", "payment_method", "channel", "quantity", "amount", "kind",
)  # fmt: skip
# Monday is 2024-01-01. amy has gaps of 10 and 20 days, bob one of 30; cai, dee and eve have none; eve
# brought back as much as she bought, of an order from before these data.
SIX = pl.DataFrame(
    [
        ("amy", "a1", datetime(2024, 1, 1, 9, 30), "tea", "card", "web", 2, 1000, "sale"),
        ("amy", "a1", datetime(2024, 1, 1, 9, 30), "cup", "card", "web", 1, 500, "sale"),
        ("amy", "a2", datetime(2024, 1, 11, 20), "tea", "card", "web", 1, 500, "sale"),
        ("amy", "a3", datetime(2024, 1, 31, 20), "tea", "cash", "store", 1, 500, "sale"),
        ("bob", "b1", datetime(2024, 1, 1, 9), "cup", "cash", "store", 1, 2000, "sale"),
        ("bob", "b2", datetime(2024, 1, 31, 9), "cup", "cash", "store", 1, 2000, "sale"),
        ("cai", "c1", datetime(2024, 2, 1, 9), "tea", "card", "web", 3, 10_000, "sale"),
        ("dee", "d1", datetime(2024, 2, 1, 9), "tea", "card", "web", 1, 400, "sale"),
        ("dee", "d1", datetime(2024, 2, 1, 9), "fee", "card", "web", 1, 99, "service"),
        ("eve", "e1", datetime(2024, 2, 1, 9), "cup", "card", "web", 1, 700, "sale"),
        ("eve", "e2", datetime(2024, 1, 5, 9), "cup", "card", "web", -1, -700, "return"),
        (None, "x1", datetime(2024, 2, 5, 9), "cup", "cash", "store", 1, 600, "sale"),
        ("fay", "f1", datetime(2025, 1, 5, 9), "cup", "card", "web", 9, 9900, "sale"),  # after the as-of date
    ],
    schema=COLUMNS,
    orient="row",
)


def build(lines: pl.DataFrame = SIX, as_of: date = AS_OF) -> Dataset:
    return Dataset.build({"transactions": lines}, as_of=as_of, currency="TWD")


def made(n_customers: int = 400, seed: int = 1, n_days: int = 700) -> pl.DataFrame:
    """Lines of customers with tastes of their own."""
    rng = np.random.default_rng(seed)
    n = 1 + rng.negative_binomial(1.2, 0.2, n_customers)
    customer = np.repeat(np.arange(n_customers), n)
    taste = rng.dirichlet(np.array([4.0, 2.0, 1.0, 0.5]), n_customers)
    pays = rng.dirichlet(np.array([1.0, 0.6, 0.2]), n_customers)
    level = np.array([rng.choice(4, p=taste[c]) for c in customer])
    method = np.array([rng.choice(3, p=pays[c]) for c in customer])
    minute = rng.integers(0, n_days * 1440, len(customer))
    return pl.DataFrame(
        {
            "customer_id": [f"c{c:05d}" for c in customer],
            "order_id": [f"o{i:06d}" for i in range(len(customer))],
            "ordered_at": [datetime(2023, 1, 1) + timedelta(minutes=int(m)) for m in minute],
            "category": np.array(["food", "home", "play", "read"])[level],
            "payment_method": np.array(["card", "wallet", "cash"])[method],
            "channel": np.array(["web", "app"])[(minute % 3 == 0).astype(int)],
            "quantity": rng.integers(1, 5, len(customer)),
            "amount": np.round(np.exp(rng.normal(7, 1, len(customer))) * 100).astype(np.int64),
        }
    ).with_columns(kind=pl.lit("sale"))


@pytest.fixture(scope="session")
def world() -> Dataset:
    """The sample world, observed."""
    folder, tables = Path(__file__).parents[2] / "sample_data" / "marketplace", []
    for name in ("transactions", "customers"):
        raw = read((folder / f"{name}.parquet").read_bytes(), f"{name}.parquet")
        tables.append(apply_mapping(raw, suggest_mapping(raw, name).spec))
    return observe(validate(tuple(tables), QualitySpec(currency="TWD")).dataset)
