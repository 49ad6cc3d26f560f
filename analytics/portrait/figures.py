"""Key figures: the value, its place among all customers, and the rows behind it."""

from __future__ import annotations

import polars as pl

from analytics.customers import CustomerTable
from analytics.dataset import Dataset
from analytics.portrait.rows import Condition, Rows, chosen

_GOODS = Condition("kind", "not_in", ("service",))
_ORDERED = Condition("ordered_at", "ordered")
_BACK = Condition("kind", "in", ("return", "cancellation"))
FIRST = ("revenue", "n_orders", "mean_order_value", "recency_days", "mean_gap_days", "tenure_days")
_FIGURES = {
    "name": pl.String,
    "value": pl.Float64,
    "below": pl.Float64,
    "at_most": pl.Float64,
    "n_all": pl.Int64,
    "table": pl.String,
    "n_rows": pl.Int64,
}
_COUNTED = {
    "events": "n_events",
    "contacts": "n_contacts",
    "feedback": "n_feedback",
    "campaigns": "n_campaigns",
}


def rows_behind(measure: str, first_on: str, last_on: str) -> Rows:
    """The rows that a measure of the customer table is made of."""
    match measure:
        case "recency_days":
            return Rows("transactions", (_ORDERED, Condition("ordered_at", "on", (last_on,))))
        case "tenure_days":
            return Rows("transactions", (_ORDERED, Condition("ordered_at", "on", (first_on,))))
        case "n_orders" | "mean_gap_days" | "n_products" | "n_categories" | "discount_share":
            return Rows("transactions", (_ORDERED,))
        case "revenue" | "mean_order_value" | "n_items" | "return_share":
            return Rows("transactions", (_GOODS,))
        case "n_sessions" | "n_views" | "days_since_visit" | "cart_share":
            return Rows("events", (Condition("occurred_at", "filled"),))
        case "mean_rating":
            return Rows("feedback", (Condition("rating", "filled"),))
        case "n_reviews":
            return Rows("feedback")
    return Rows("survey")


def key_figures(
    mine: Dataset, customers: CustomerTable | None, customer_id: str
) -> tuple[pl.DataFrame, tuple[tuple[str, Rows], ...]]:
    """Figures in display order, and their rows; ``mine`` holds this customer's rows alone."""
    rows: list[dict[str, object]] = []
    behind: list[tuple[str, Rows]] = []
    if customers is not None:
        found = customers.frame.filter(pl.col("customer_id") == customer_id)
        if found.height:
            one = found.row(0, named=True)
            order = [name for name in FIRST if name in customers.measures]
            order += [name for name in customers.measures if name not in order]
            for name in order:
                value = one[name]
                if value is None or not customers.frame[name].dtype.is_numeric():
                    continue
                made = rows_behind(name, str(one["first_order_on"]), str(one["last_order_on"]))
                below, at_most, n_all = _place(customers.frame[name], value)
                rows.append(_figure(name, float(value), below, at_most, n_all, mine, made))
                behind.append((name, made))
    back = Rows("transactions", (_BACK,))
    n_back = _count(mine, back)
    if n_back:
        rows.append(_figure("n_returned", float(n_back), None, None, 0, mine, back))
        behind.append(("n_returned", back))
    for table, name in _COUNTED.items():
        if table in mine.tables:
            made = Rows(table)
            rows.append(_figure(name, float(_count(mine, made)), None, None, 0, mine, made))
            behind.append((name, made))
    return pl.DataFrame(rows, schema=_FIGURES, orient="row"), tuple(behind)


def _place(column: pl.Series, value: float) -> tuple[float, float, int]:
    """Shares of all customers with less and with no more."""
    given = column.drop_nulls()
    n = len(given)
    return int((given < value).sum()) / n, int((given <= value).sum()) / n, n


def _figure(
    name: str, value: float, below: float | None, at_most: float | None, n_all: int, mine: Dataset, made: Rows
) -> dict[str, object]:
    return {
        "name": name,
        "value": value,
        "below": below,
        "at_most": at_most,
        "n_all": n_all,
        "table": made.table,
        "n_rows": _count(mine, made),
    }


def _count(mine: Dataset, made: Rows) -> int:
    return chosen(mine.tables[made.table], made).height if made.table in mine.tables else 0
