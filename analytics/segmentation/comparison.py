"""Two segmentations side by side: who moves, who stays."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from analytics.errors import Caveat
from analytics.keys import derive_key
from analytics.segmentation.result import SegmentationResult


@dataclass(frozen=True, slots=True, eq=False)
class ComparisonResult:
    """Who sits where in scenario A and in scenario B.

    Attributes
    ----------
    flows : label_a, label_b, n_customers, revenue (currency units, null where unknown), stays (the two are the same
        segment under the matching); only pairs with customers, in display order.
    kept : label_a, label_b (null where A's segment has no counterpart), n_customers, n_stay, stay_share (0-1).
    names_a, names_b : (label, name code) as in the two results.
    n_common, n_only_a, n_only_b : customers in both, and in one only (these are in no flow).
    n_moved, moved_share, moved_revenue : customers of both whose segment in B is not the counterpart of theirs in A.
    """

    currency: str
    flows: pl.DataFrame
    kept: pl.DataFrame
    names_a: tuple[tuple[str, str], ...]
    names_b: tuple[tuple[str, str], ...]
    n_common: int
    n_only_a: int
    n_only_b: int
    n_moved: int
    moved_share: float
    moved_revenue: float | None
    caveats: tuple[Caveat, ...]
    key: str


def compare(a: SegmentationResult, b: SegmentationResult) -> ComparisonResult:
    """Who moves between two segmentations, once B's segments are matched to A's by the customers they share.

    A compared with itself moves nobody. Customers of one scenario only are counted and in no flow.
    """
    from scipy.optimize import linear_sum_assignment

    both = a.members.join(b.members.select("customer_id", label_b="label"), on="customer_id", how="inner")
    both = both.rename({"label": "label_a"})
    names_a, names_b = [label for label, _ in a.names], [label for label, _ in b.names]
    flows = both.group_by("label_a", "label_b").agg(
        pl.len().cast(pl.Int64).alias("n_customers"),
        pl.when(pl.col("revenue").count() > 0).then(pl.col("revenue").sum()).alias("revenue"),
    )
    table = np.zeros((len(names_a), len(names_b)), dtype=np.int64)
    for label_a, label_b, n in flows.select("label_a", "label_b", "n_customers").iter_rows():
        table[names_a.index(label_a), names_b.index(label_b)] = n
    rows, columns = linear_sum_assignment(table, maximize=True)
    match = {names_a[i]: names_b[j] for i, j in zip(rows, columns, strict=True) if table[i, j]}
    rank_a, rank_b = ({label: i for i, label in enumerate(names)} for names in (names_a, names_b))
    flows = (
        flows.with_columns(
            stays=pl.col("label_a").replace_strict(match, default=None, return_dtype=pl.String) == pl.col("label_b")
        )
        .with_columns(pl.col("stays").fill_null(False))
        .sort(
            pl.col("label_a").replace_strict(rank_a, return_dtype=pl.Int64),
            pl.col("label_b").replace_strict(rank_b, return_dtype=pl.Int64),
        )
    )
    kept = pl.DataFrame(
        [
            (label, match.get(label), int(table[i].sum()), _shared(table, i, names_b, match.get(label)))
            for i, label in enumerate(names_a)
        ],
        schema={"label_a": pl.String, "label_b": pl.String, "n_customers": pl.Int64, "n_stay": pl.Int64},
        orient="row",
    ).with_columns(stay_share=pl.when(pl.col("n_customers") > 0).then(pl.col("n_stay") / pl.col("n_customers")))
    moved = flows.filter(~pl.col("stays"))
    n_moved = int(moved["n_customers"].sum())
    nothing = (Caveat("no_common_customers", "watch", {"n_a": a.n_customers, "n_b": b.n_customers}),)
    return ComparisonResult(
        currency=a.currency,
        flows=flows,
        kept=kept,
        names_a=a.names,
        names_b=b.names,
        n_common=both.height,
        n_only_a=a.n_customers - both.height,
        n_only_b=b.n_customers - both.height,
        n_moved=n_moved,
        moved_share=n_moved / both.height if both.height else 0.0,
        moved_revenue=float(moved["revenue"].sum()) if both["revenue"].count() else None,
        caveats=() if both.height else nothing,
        key=derive_key("compare", None, a.key, b.key),
    )


def _shared(table: npt.NDArray[np.int64], row: int, names: list[str], counterpart: str | None) -> int:
    return int(table[row, names.index(counterpart)]) if counterpart is not None else 0
