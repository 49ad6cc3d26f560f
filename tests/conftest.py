"""Fixtures that more than one test module needs."""

from __future__ import annotations

import atexit
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

# Before numpy is loaded: two test processes whose threads spin for two cores took seventeen times as long. The app's
# workers have one thread each as well.
os.environ["OPENBLAS_NUM_THREADS"] = os.environ.get("OPENBLAS_NUM_THREADS", "1")
os.environ["OMP_NUM_THREADS"] = os.environ.get("OMP_NUM_THREADS", "1")
# Saved work of tests goes to a store of their own and is gone with them.
os.environ["REGULARS_STORE"] = tempfile.mkdtemp(prefix="regulars-test-store-")
atexit.register(shutil.rmtree, os.environ["REGULARS_STORE"], ignore_errors=True)

import polars as pl
import pytest

from analytics.dataset import Dataset

ROOT = Path(__file__).parent.parent
SHARED_DATA = ROOT.parent / "shared" / "data"


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "slow: a proof that takes minutes; runs where REGULARS_SLOW=1")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests marked ``slow`` run where the environment says REGULARS_SLOW=1; their docstrings hold the last result."""
    if os.environ.get("REGULARS_SLOW") == "1":
        return
    for item in items:
        if item.get_closest_marker("slow"):
            item.add_marker(pytest.mark.skip(reason="takes minutes: set REGULARS_SLOW=1"))


@pytest.fixture(autouse=True)
def _own_main() -> Iterator[None]:
    """AppTest leaves its script behind as the main module, and workers that are spawned later would run it."""
    before = sys.modules["__main__"]
    yield
    sys.modules["__main__"] = before


@pytest.fixture(scope="session")
def shared_data() -> Callable[[str], Path]:
    """``shared_data("cdnow")`` is the folder of a real data set; the test skips where it is absent."""

    def folder(name: str) -> Path:
        path = SHARED_DATA / name
        if not path.exists():
            pytest.skip(f"real data set {name!r} is not beside the repository")
        return path

    return folder


def read_online_retail(folder: Path) -> Dataset:
    """Online Retail as it stands: every line, cancellations told by their numbers."""
    lines = pl.read_parquet(folder / "derived_online_retail.parquet").select(
        customer_id=pl.col("CustomerID").cast(pl.Int64).cast(pl.String),
        order_id="InvoiceNo",
        ordered_at="InvoiceDate",
        product_id="StockCode",
        quantity="Quantity",
        amount=pl.col("Quantity") * (pl.col("UnitPrice") * 1000).round().cast(pl.Int64),
        kind=pl.when(pl.col("InvoiceNo").str.starts_with("C")).then(pl.lit("cancellation")).otherwise(pl.lit("sale")),
    )
    return Dataset.build({"transactions": lines}, as_of=date(2011, 12, 9), currency="GBP", money_digits=3)


@pytest.fixture(scope="session")
def online_retail(shared_data: Callable[[str], Path]) -> Dataset:
    return read_online_retail(shared_data("online_retail"))
