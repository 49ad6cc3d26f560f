"""How one customer's raw rows become x, t_x, T and m, step by step."""

from __future__ import annotations

import polars as pl

from analytics.dataset import Dataset
from analytics.errors import AnalysisError
from analytics.keys import derive_key
from analytics.value.clock import Clock
from analytics.value.purchases import look, read_purchases, to_day
from analytics.value.spec import CustomerTrace, ValueResult, ValueSpec

_SHOWN = ("order_id", "ordered_at", "product", "product_id", "category", "quantity", "amount", "kind", "channel")
_FIGURES = ("p_alive", "expected_orders", "expected_order_value", "clv")


def explain_history(
    dataset: Dataset, customer_id: str, spec: ValueSpec, result: ValueResult | None = None
) -> CustomerTrace:
    """The customer's rows, what each of them does, the purchase days they make, and what the models see of them.

    ``result`` is ``estimate_value(dataset, spec)`` where it is at hand: its figures of the customer are told too.
    Raises ``AnalysisError("value_no_purchase")`` where none of the customer's rows is a purchase.
    """
    lines = dataset.table("transactions", "customer_id", "ordered_at").filter(pl.col("customer_id") == customer_id)
    own = Dataset.build(
        {"transactions": lines}, as_of=dataset.as_of, currency=dataset.currency, money_digits=dataset.money_digits
    )
    try:
        purchases = read_purchases(own, dataset.as_of)
    except AnalysisError as error:
        raise AnalysisError("value_no_purchase", n_rows=lines.height) from error
    seen = look(purchases, to_day(dataset.as_of), Clock(7.0))
    first = int(seen.first[0])
    counted = pl.Series(purchases.day)
    day = pl.col("ordered_at").dt.epoch("d").cast(pl.Int64)
    kind = pl.col("kind") if "kind" in lines.columns else pl.lit("sale")
    amount = pl.col("amount") if "amount" in lines.columns else pl.lit(0, pl.Int64)
    sale = (kind == "sale") & (amount.fill_null(0) >= 0)
    rows = (
        lines.sort("ordered_at", maintain_order=True)
        .with_columns(_day=day, _sale=sale.fill_null(False))
        .with_columns(_new=pl.int_range(pl.len()).over("_day", "_sale") == 0)
    )
    role = (
        pl.when(pl.col("ordered_at").is_null())
        .then(pl.lit("undated"))
        .when(kind == "service")
        .then(pl.lit("service"))
        .when(~pl.col("_sale"))
        .then(pl.lit("return"))
        .when(~pl.col("_day").is_in(counted.implode()))
        .then(pl.lit("reversed"))
        .when(~pl.col("_new"))
        .then(pl.lit("same_day"))
        .when(pl.col("_day") == first)
        .then(pl.lit("first"))
        .otherwise(pl.lit("repeat"))
    )
    shown = [name for name in _SHOWN if name in lines.columns]
    money = [dataset.money("amount").alias("amount")] if "amount" in shown else []
    rows = rows.with_columns(role=role).with_columns(counted=pl.col("role").is_in(["first", "repeat", "same_day"]))
    days = pl.DataFrame(
        {
            "day": pl.Series(purchases.day.astype("int32")).cast(pl.Date),
            "role": ["first", *["repeat"] * (len(purchases.day) - 1)],
            "value": pl.Series([None] * len(purchases.day), dtype=pl.Float64)
            if purchases.amount is None
            else pl.Series(purchases.amount / purchases.scale),
            "weeks": (purchases.day - first) / 7,
        }
    )
    figures: dict[str, float | None] = dict.fromkeys(_FIGURES)
    if result is not None:
        told = result.customers.filter(customer_id=customer_id)
        figures = {name: told[name][0] if told.height else None for name in _FIGURES}
    x = int(seen.x[0])
    return CustomerTrace(
        customer_id=customer_id,
        rows=rows.select(*shown, "counted", "role").with_columns(*money),
        days=days,
        x=x,
        t_x_weeks=float(seen.t_x[0]),
        T_weeks=float(seen.T[0]),
        mean_repeat_value=None if seen.mean_value is None or x == 0 else float(seen.mean_value[0]),
        p_alive=figures["p_alive"],
        expected_orders=figures["expected_orders"],
        expected_order_value=figures["expected_order_value"],
        clv=figures["clv"],
        key=derive_key("explain_history", [customer_id], dataset.key, "" if result is None else result.key),
    )
