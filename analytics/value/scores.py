"""What crosses to other analyses: scores of customers, and totals by whatever groups they have made."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import polars as pl

from analytics.customers import CustomerLabels, CustomerScores
from analytics.errors import AnalysisError
from analytics.value.spec import ValueResult
from analytics.value.spreads import totals


def clv(result: ValueResult) -> CustomerScores:
    """Discounted value over the horizon, in the currency. Raises ``value_no_amounts`` without amounts."""
    if not result.has_values:
        raise AnalysisError("value_no_amounts")
    frame = result.customers.select("customer_id", value="clv", lo="clv_lo", hi="clv_hi")
    return CustomerScores(frame, result.currency, "estimate_value", result.key)


def p_alive(result: ValueResult) -> CustomerScores:
    """Probability of still being a customer, 0-1; null where a simple rule stands in."""
    nothing = pl.lit(None, pl.Float64)
    frame = result.customers.select("customer_id", value="p_alive", lo=nothing, hi=nothing)
    return CustomerScores(frame, "probability", "estimate_value", result.key)


def value_by(result: ValueResult, labels: CustomerLabels) -> pl.DataFrame:
    """Totals by label, in the labels' order, those without a customer left out.

    label, n_customers, customer_share, p_alive (mean), expected_orders, expected_orders_lo, expected_orders_hi, clv,
    clv_lo, clv_hi, clv_mean, clv_share, value_last_year. Intervals hold process, parameters and what periods and like
    customers strayed in the past (``Spread``). Customers without a label count in no row.
    """
    names = list(labels.labels)
    numbered = pl.DataFrame({"label": names, "code": np.arange(len(names))})
    own = labels.frame.join(numbered, on="label", how="inner").select("customer_id", "code")
    frame = result.customers.join(own, on="customer_id", how="left", maintain_order="left")
    codes, k = frame["code"].fill_null(-1).to_numpy().astype(np.int64), len(names)
    level = result.spec.level
    columns: dict[str, npt.NDArray[np.generic] | pl.Series] = {}
    inside = codes >= 0
    n = np.bincount(codes[inside], minlength=k)
    orders = totals(codes, k, frame["expected_orders"].to_numpy(), result.spread, level, "orders")
    columns |= dict(zip(("expected_orders", "expected_orders_lo", "expected_orders_hi"), orders, strict=True))
    nothing = pl.Series([None] * k, dtype=pl.Float64)
    may_buy_nothing = orders[1] == 0
    value_columns = ("clv", "clv_lo", "clv_hi")
    if result.has_values:
        columns |= dict(
            zip(value_columns, totals(codes, k, frame["clv"].to_numpy(), result.spread, level, "clv"), strict=True)
        )
        columns["clv_lo"] = np.where(may_buy_nothing, 0.0, columns["clv_lo"])
        last = np.bincount(codes[inside], frame["value_last_year"].to_numpy()[inside], k)
        columns["value_last_year"] = last
    else:
        columns |= dict.fromkeys((*value_columns, "value_last_year"), nothing)
    alive = np.bincount(codes[inside], frame["p_alive"].fill_null(float("nan")).to_numpy()[inside], k)
    columns["p_alive"] = np.divide(alive, n, out=np.full(k, np.nan), where=n > 0)
    totalled = pl.DataFrame({"label": names, "n_customers": n, **columns}).with_columns(
        customer_share=pl.col("n_customers") / max(result.n_customers, 1),
        clv_mean=pl.col("clv") / pl.col("n_customers"),
        clv_share=pl.col("clv") / result.total_clv if result.total_clv else pl.lit(None, pl.Float64),
        p_alive=pl.col("p_alive").fill_nan(None),
    )
    order = ("label", "n_customers", "customer_share", "p_alive", "expected_orders", "expected_orders_lo")
    rest = ("expected_orders_hi", *value_columns, "clv_mean", "clv_share", "value_last_year")
    return totalled.filter(pl.col("n_customers") > 0).select(*order, *rest)
