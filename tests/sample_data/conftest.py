"""Worlds that several tests look at: the committed one, and a larger one whose planted effects stand clear of noise."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from sample_data.marketplace import Marketplace, generate

COMMITTED_CUSTOMERS, COMMITTED_SEED = 4000, 7


@pytest.fixture(scope="session")
def folder() -> Path:
    return Path(__file__).parents[2] / "sample_data"


@pytest.fixture(scope="session")
def market() -> Marketplace:
    return generate(COMMITTED_CUSTOMERS, COMMITTED_SEED)


@pytest.fixture(scope="session")
def large() -> Marketplace:
    return generate(40_000, 11)


@pytest.fixture(scope="session")
def large_sales(large: Marketplace) -> pl.DataFrame:
    """Lines sold in the larger world, with date and the kind of account behind them (null: not on file)."""
    kinds = large.truth["customers"].select(
        "customer_id", pl.col("segment").fill_null(pl.col("account_type")).alias("kind")
    )
    return (
        large.tables["transactions"]
        .filter(pl.col("quantity") > 0)
        .with_columns(pl.col("ordered_at").dt.date().alias("date"))
        .join(kinds, on="customer_id", how="left")
    )
