"""Two segmentations side by side: who moves, who stays, how profiles change, and who stands on a border."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from analytics.errors import Caveat
from analytics.keys import derive_key
from analytics.segmentation.identity import counterparts
from analytics.segmentation.result import SegmentationResult

BORDER = 0.1  # a customer with a smaller margin stands on a border


@dataclass(frozen=True, slots=True, eq=False)
class ComparisonResult:
    """Who sits where in scenario A and in scenario B.

    Attributes
    ----------
    flows : label_a, label_b, n_customers, revenue (currency units, null where unknown), stays (the two are the same
        segment under the matching); only pairs with customers, in display order.
    kept : label_a, label_b (null where A's segment has no counterpart), n_customers, n_stay, stay_share (0-1); only
        customers of both.
    profiles : label_a, label_b, field, median_a, median_b, z_a, z_b, change (z_b less z_a): for segments with a
        counterpart, each from all customers of its own scenario. z is the median less that of all customers of A, in
        A's robust standard deviations.
    borders : scenario ("a" or "b"), label, n_customers, n_border, border_share (0-1, null where margins are unknown),
        border_revenue (currency units): customers whose margin is under ``BORDER``.
    movers : customer_id, label_a, label_b, revenue: customers of both who move, by id.
    border_customers : customer_id, label, margin, revenue, other_label (in A): the customers of B on a border,
        nearest first.
    names_a, names_b : (label, name code) as in the two results.
    n_common, n_only_a, n_only_b : customers in both, and in one only (these are in no flow, and no movers).
    n_moved, moved_share, moved_revenue : customers of both whose segment in B is not the counterpart of theirs in A.
    """

    currency: str
    flows: pl.DataFrame
    kept: pl.DataFrame
    profiles: pl.DataFrame
    borders: pl.DataFrame
    movers: pl.DataFrame
    border_customers: pl.DataFrame
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

    A compared with itself moves nobody. Customers of one scenario only are counted apart. Money is A's.
    """
    both = a.members.join(b.members.select("customer_id", label_b="label"), on="customer_id", how="inner")
    both = both.rename({"label": "label_a"})
    match = counterparts(a, b)
    rank_a, rank_b = ({label: i for i, (label, _) in enumerate(names)} for names in (a.names, b.names))
    flows = (
        both.group_by("label_a", "label_b")
        .agg(
            pl.len().cast(pl.Int64).alias("n_customers"),
            pl.when(pl.col("revenue").count() > 0).then(pl.col("revenue").sum()).alias("revenue"),
        )
        .with_columns(stays=(_counterpart(match) == pl.col("label_b")).fill_null(False))
        .sort(
            pl.col("label_a").replace_strict(rank_a, return_dtype=pl.Int64),
            pl.col("label_b").replace_strict(rank_b, return_dtype=pl.Int64),
        )
    )
    counted = flows.group_by("label_a").agg(
        pl.col("n_customers").sum(), pl.col("n_customers").filter("stays").sum().alias("n_stay")
    )
    kept = (
        pl.DataFrame({"label_a": list(rank_a)}, schema={"label_a": pl.String})
        .with_columns(label_b=_counterpart(match))
        .join(counted, on="label_a", how="left", maintain_order="left")
        .with_columns(pl.col("n_customers", "n_stay").fill_null(0))
        .with_columns(stay_share=pl.when(pl.col("n_customers") > 0).then(pl.col("n_stay") / pl.col("n_customers")))
    )
    moved = flows.filter(~pl.col("stays"))
    n_moved = int(moved["n_customers"].sum())
    caveats = []
    if not both.height:
        caveats.append(Caveat("no_common_customers", "watch", {"n_a": a.n_customers, "n_b": b.n_customers}))
    return ComparisonResult(
        currency=a.currency,
        flows=flows,
        kept=kept,
        profiles=_profile_changes(a.profiles, b.profiles, match),
        borders=pl.concat([_borders(a, "a"), _borders(b, "b")]),
        movers=both.filter((_counterpart(match) != pl.col("label_b")).fill_null(True)).select(
            "customer_id", "label_a", "label_b", "revenue"
        ),
        border_customers=_border_customers(a, b),
        names_a=a.names,
        names_b=b.names,
        n_common=both.height,
        n_only_a=a.n_customers - both.height,
        n_only_b=b.n_customers - both.height,
        n_moved=n_moved,
        moved_share=n_moved / both.height if both.height else 0.0,
        moved_revenue=float(moved["revenue"].sum()) if both["revenue"].count() else None,
        caveats=tuple(caveats),
        key=derive_key("compare", None, a.key, b.key),
    )


def _counterpart(match: dict[str, str]) -> pl.Expr:
    return pl.col("label_a").replace_strict(match, default=None, return_dtype=pl.String)


def _profile_changes(a: pl.DataFrame, b: pl.DataFrame, match: dict[str, str]) -> pl.DataFrame:
    """The frame ``ComparisonResult.profiles``: B's medians on A's scale, so that another population shows as well."""
    told = pl.col("z").is_finite() & (pl.col("z") != 0)
    scale = (
        a.filter(told)
        .with_columns(
            pl.col("z").abs().alias("size"), deviation=(pl.col("median") - pl.col("median_all")) / pl.col("z")
        )
        .sort("size", descending=True, maintain_order=True)
        .unique("field", keep="first", maintain_order=True)
        .select("field", "deviation", "median_all")
    )
    mine = a.rename({"label": "label_a"}).with_columns(label_b=_counterpart(match)).drop_nulls("label_b")
    return (
        mine.select("label_a", "label_b", "field", median_a="median")
        .join(
            b.select("field", label_b="label", median_b="median"),
            on=["label_b", "field"],
            how="inner",
            maintain_order="left",
        )
        .join(scale, on="field", how="left", maintain_order="left")
        .with_columns(
            z_a=((pl.col("median_a") - pl.col("median_all")) / pl.col("deviation")).fill_null(0.0),
            z_b=((pl.col("median_b") - pl.col("median_all")) / pl.col("deviation")).fill_null(0.0),
        )
        .with_columns(change=pl.col("z_b") - pl.col("z_a"))
        .drop("deviation", "median_all")
    )


def _margins(result: SegmentationResult) -> pl.DataFrame:
    """The members with their margin; null where the method knows none."""
    known = "margin" in result.members.columns
    return result.members if known else result.members.with_columns(margin=pl.lit(None, pl.Float64))


def _borders(result: SegmentationResult, scenario: str) -> pl.DataFrame:
    near = pl.col("margin") < BORDER
    counted = (
        _margins(result)
        .group_by("label")
        .agg(
            pl.len().cast(pl.Int64).alias("n_customers"),
            near.fill_null(False).sum().cast(pl.Int64).alias("n_border"),
            pl.when(pl.col("margin").count() > 0).then(near.mean()).alias("border_share"),
            pl.when(pl.col("revenue").count() > 0).then(pl.col("revenue").filter(near).sum()).alias("border_revenue"),
        )
    )
    every = pl.DataFrame({"label": [label for label, _ in result.names]}, schema={"label": pl.String})
    return every.join(counted, on="label", how="left", maintain_order="left").select(
        pl.lit(scenario).alias("scenario"),
        "label",
        pl.col("n_customers", "n_border").fill_null(0),
        "border_share",
        "border_revenue",
    )


def _border_customers(a: SegmentationResult, b: SegmentationResult) -> pl.DataFrame:
    near = _margins(b).filter(pl.col("margin") < BORDER)
    return (
        near.join(a.members.select("customer_id", other_label="label"), on="customer_id", how="left")
        .select("customer_id", "label", "margin", "revenue", "other_label")
        .sort("margin", "customer_id")
    )
