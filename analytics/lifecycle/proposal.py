"""Orders or subscription: which of the two these data tell of."""

from __future__ import annotations

import polars as pl

from analytics.dataset import Dataset
from analytics.lifecycle.spec import Kind, KindReason, LifecycleSpec
from analytics.reversals import is_sale

LEAST_LEFT = 0.01  # of the customers; below it the dates of leaving are those of erased accounts
_REGULAR = 0.25  # coefficient of variation of a customer's gaps: fees lie below it, orders at will near 1


def settle_kind(dataset: Dataset, spec: LifecycleSpec) -> tuple[Kind, KindReason]:
    """The kind of ``spec``, or the proposed one."""
    return propose_kind(dataset) if spec.business == "auto" else (spec.business, "chosen")


def propose_kind(dataset: Dataset) -> tuple[Kind, KindReason]:
    """Subscription where customers have days of joining and leaving, and no orders or regular ones (fees).

    Regular: half of the customers with three gaps or more have gaps whose standard deviation is below a quarter of
    their mean.
    """
    if not dataset.has("customers.customer_id", "customers.joined_at", "customers.left_at"):
        return "orders", "no_leaving"
    people = dataset.tables["customers"]
    n_left = people.filter(pl.col("left_at").cast(pl.Date) <= dataset.as_of).height
    if n_left < max(1, LEAST_LEFT * people.height):
        return "orders", "no_leaving"
    if not dataset.has("transactions.customer_id", "transactions.ordered_at"):
        return "subscription", "leaving_and_no_orders"
    lines = dataset.tables["transactions"]
    day = pl.col("ordered_at").dt.epoch("d").cast(pl.Int32)
    days = lines.lazy().filter(is_sale(lines), pl.col("customer_id").is_not_null()).select("customer_id", day=day)
    gaps = days.unique().sort("customer_id", "day").select("customer_id", gap=pl.col("day").diff().over("customer_id"))
    spread = gaps.group_by("customer_id").agg(n=pl.col("gap").count(), cv=pl.col("gap").std() / pl.col("gap").mean())
    usual = spread.filter(pl.col("n") >= 3).select(pl.col("cv").median()).collect().item()
    return (
        ("subscription", "leaving_and_fees") if usual is not None and usual < _REGULAR else ("orders", "orders_at_will")
    )
