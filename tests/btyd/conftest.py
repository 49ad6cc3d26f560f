"""CDNOW, the data on which these models were published, in both conventions of a week."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import NamedTuple

import numpy as np
import polars as pl
import pytest

from analytics.btyd.histories import Floats, Histories, Ints, purchase_histories
from analytics.dataset import Dataset

CALIBRATION_END = date(1997, 9, 30)


class Seen(NamedTuple):
    """What a fit takes."""

    x: Ints
    t_x: Floats
    T: Floats


def read_cdnow(folder: Path) -> Dataset:
    """The sample of 2,357 customers, one order line per row."""
    rows = [line.split() for line in (folder / "CDNOW_sample.txt").read_text(encoding="ascii").splitlines()]
    lines = pl.DataFrame(rows, orient="row", schema=["master_id", "customer_id", "day", "quantity", "value"]).select(
        customer_id="customer_id",
        ordered_at=pl.col("day").str.to_datetime("%Y%m%d"),
        amount=(pl.col("value").cast(pl.Float64) * 100).round().cast(pl.Int64),
        quantity=pl.col("quantity").cast(pl.Int64),
        kind=pl.lit("sale"),
    )
    return Dataset.build({"transactions": lines}, as_of=date(1998, 6, 30), currency="USD")


@pytest.fixture(scope="session")
def cdnow(shared_data: Callable[[str], Path]) -> Dataset:
    return read_cdnow(shared_data("cdnow"))


@pytest.fixture(scope="session")
def exact_weeks(cdnow: Dataset) -> Histories:
    """39 weeks of calibration, exact days / 7."""
    return purchase_histories(cdnow, until=CALIBRATION_END)


@pytest.fixture(scope="session")
def rounded_weeks(shared_data: Callable[[str], Path]) -> Seen:
    """The same as it was published: weeks rounded to two decimals."""
    table = pl.read_csv(shared_data("cdnow") / "cdnow_customers_summary.csv")
    return Seen(
        table["frequency"].to_numpy().astype(np.int64), table["recency"].to_numpy(), table["T"].cast(float).to_numpy()
    )
