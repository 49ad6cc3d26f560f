"""Prices and promotions beside the quantity sold, per series and period."""

from __future__ import annotations

from typing import Literal

import polars as pl

from analytics.customers import CustomerLabels
from analytics.dataset import Dataset
from analytics.demand import periods
from analytics.demand.hierarchy import with_sums
from analytics.demand.panel import arrange
from analytics.demand.spec import DEFAULT, DemandSpec, DriverPanel
from analytics.errors import Caveat
from analytics.keys import derive_key
from analytics.progress import report
from analytics.reductions import PER_MILLION

# A line is sold at a discount when at least a hundredth of its undiscounted amount is taken off: less is rounding.
_LEAST_DISCOUNT = 100
_SUMS = ("quantity", "priced", "paid", "listed", "promoted", "n_lines")


def build_drivers(dataset: Dataset, spec: DemandSpec = DEFAULT, labels: CustomerLabels | None = None) -> DriverPanel:
    """What was asked for the goods of each series of ``build_panel(dataset, spec, labels)`` in each period.

    The undiscounted amount of a line is its unit price times its quantity where that is more than what was paid, else
    what was paid over one minus the discount: whichever of price and discount a file gives, and whether or not its unit
    price is already discounted.

    Raises ``AnalysisError``: ``table_missing`` (also for a ready-made series), ``fields_missing`` (amount, quantity),
    ``labels_missing``, ``panel_empty``, ``panel_too_short``.
    """
    key = derive_key("build_drivers", spec, dataset.key, *([labels.key] if labels else []))
    report(0.0, "build_drivers")
    dataset.table("transactions", "ordered_at", "amount", "quantity")
    laid = arrange(dataset, spec, labels, ("unit_price",))
    report(0.4, "build_drivers")
    has_unit_price = dataset.has("transactions.unit_price")
    has_discount = dataset.has("transactions.discount_share") or dataset.has("transactions.discount_amount")
    amount, quantity = pl.col("amount"), pl.col("quantity")
    is_sold = (pl.col("is_sale") == 1) & (quantity > 0)
    is_priced = is_sold & (amount > 0)
    off = pl.col("discount_ppm").clip(0, PER_MILLION - 1)
    listed = pl.max_horizontal(amount, (amount * PER_MILLION / (PER_MILLION - off)).round().cast(pl.Int64))
    if has_unit_price:
        by_price = pl.col("unit_price") * quantity
        listed = pl.when(by_price > amount).then(by_price).otherwise(listed)
    lines = laid.lines.filter(pl.col("ds") <= laid.starts[-1]).select(
        "member", "ds", "amount", "quantity", is_sold=is_sold, is_priced=is_priced, listed=listed
    )
    promoted = pl.col("is_priced") & ((pl.col("listed") - amount) * _LEAST_DISCOUNT >= pl.col("listed"))
    sums = (
        lines.group_by("member", "ds")
        .agg(
            quantity=quantity.filter(pl.col("is_sold")).sum(),
            priced=quantity.filter(pl.col("is_priced")).sum(),
            paid=amount.filter(pl.col("is_priced")).sum(),
            listed=pl.col("listed").filter(pl.col("is_priced")).sum(),
            promoted=quantity.filter(promoted).sum(),
            n_lines=pl.col("is_sold").sum().cast(pl.Int64),
            n_priced=pl.col("is_priced").sum().cast(pl.Int64),
        )
        .collect()
    )
    report(0.8, "build_drivers")
    first = sums.group_by("member").agg(first=pl.col("ds").min())
    leaves = periods.on_grid(first, laid.starts).join(sums, on=["member", "ds"], how="left", maintain_order="left")
    leaves = leaves.with_columns(pl.col(*_SUMS, "n_priced").fill_null(0))
    parents, names = laid.tree.kept(set(leaves["member"].unique()))
    whole = with_sums(leaves.select("member", "ds", *_SUMS), parents)
    scale = 10**dataset.money_digits

    def mean(part: str, of: str) -> pl.Expr:
        return pl.when(pl.col(of) > 0).then(pl.col(part) / pl.col(of))

    frame = whole.select(
        pl.col("quantity").cast(pl.Float64),
        "n_lines",
        unique_id="member",
        ds="ds",
        list_price=mean("listed", "priced") / scale,
        paid_price=mean("paid", "priced") / scale,
        discount_share=1 - mean("paid", "listed"),
        promoted_share=mean("promoted", "priced"),
    )
    source: Literal["unit_price", "discount", "paid"] = (
        "unit_price" if has_unit_price else "discount" if has_discount else "paid"
    )
    caveats = [] if has_unit_price or has_discount else [Caveat("discounts_unknown", "note", {})]
    columns = ("unique_id", "ds", "quantity", "list_price", "paid_price", "discount_share", "promoted_share", "n_lines")
    return DriverPanel(
        frame=frame.select(columns).sort("unique_id", "ds"),
        frequency=spec.frequency,
        as_of=dataset.as_of,
        currency=dataset.currency,
        members=tuple(names["unique_id"]),
        price_source=source,
        n_without_price=int(leaves.select((pl.col("n_lines") - pl.col("n_priced")).sum()).item()),
        key=key,
        closed_weekdays=laid.closed,
        caveats=tuple(laid.caveats + caveats),
    )
