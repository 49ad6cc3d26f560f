"""What the holdout proofs are made of: worlds, segments, coverage. These functions made their recorded results."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl

from analytics.customers import CustomerLabels
from analytics.dataset import Dataset
from analytics.mapping import apply_mapping, suggest_mapping
from analytics.population import PopulationSpec, observe
from analytics.quality import QualitySpec, validate
from analytics.reading import read
from analytics.value import ValueResult, ValueSpec, estimate_value, value_by
from sample_data.repeat_buying import draw_bg_nbd, draw_mbg_nbd, draw_pareto_nbd, draw_spans, draw_values, write_orders

END = date(2026, 6, 30)
PARAMETERS = {
    "bg_nbd": (draw_bg_nbd, {"r": 0.6, "alpha": 6.0, "a": 0.8, "b": 2.5}),
    "mbg_nbd": (draw_mbg_nbd, {"r": 0.6, "alpha": 6.0, "a": 0.6, "b": 2.5}),
    "pareto_nbd": (draw_pareto_nbd, {"r": 0.6, "alpha": 6.0, "s": 0.6, "beta": 12.0}),
}
MONEY = {"p": 5.0, "q": 4.0, "gamma": 16.0}


def drawn(kind: str, n: int, weeks: float, future_weeks: float, seed: int) -> Dataset:
    """Orders of ``n`` customers who came over the first half of ``weeks``, and of the ``future_weeks`` after them."""
    rng = np.random.default_rng(seed)
    draw, parameters = PARAMETERS[kind]
    buying = draw(rng, draw_spans(rng, n, weeks, weeks / 2), future_weeks, **parameters)
    orders = write_orders(buying, draw_values(rng, buying, **MONEY), END, 7.0)
    return as_dataset(to_lines(orders), END + timedelta(days=round(7 * future_weeks)))


def to_lines(orders: pl.DataFrame) -> pl.DataFrame:
    """Drawn orders as validated order lines: one line each, in cents."""
    return orders.drop("in_holdout").with_columns(
        order_id=pl.format("{}", pl.int_range(pl.len())),
        amount=(pl.col("amount") * 100).round().cast(pl.Int64),
        kind=pl.lit("sale"),
    )


def as_dataset(orders: pl.DataFrame, as_of: date, currency: str = "USD") -> Dataset:
    return Dataset.build({"transactions": orders}, as_of=as_of, currency=currency)


def read_cdnow(folder: Path, which: str) -> Dataset:
    """CDNOW: "master" (23,570 customers) or "sample" (2,357)."""
    text = (folder / f"CDNOW_{which}.txt").read_text(encoding="utf-8").splitlines()
    rows = [line.split() for line in text if line.strip()][1 if which == "master" else 0 :]
    day, amount = (1, 3) if which == "master" else (2, 4)
    orders = pl.DataFrame(
        {
            "customer_id": [row[0] for row in rows],
            "order_id": [f"{row[0]}-{row[day]}" for row in rows],
            "ordered_at": [datetime.strptime(row[day], "%Y%m%d") for row in rows],
            "amount": [round(float(row[amount]) * 100) for row in rows],
            "kind": ["sale"] * len(rows),
        }
    )
    return as_dataset(orders, date(1998, 6, 30))


def read_world(tables: dict[str, pl.DataFrame]) -> Dataset:
    """A generated world, read the way an upload is."""
    raws = []
    for name, frame in tables.items():
        raw = read(frame.write_csv().encode(), f"{name}.csv")
        raws.append(apply_mapping(raw, suggest_mapping(raw, name).spec))
    return validate(tuple(raws), QualitySpec(currency="TWD")).dataset


def cut_at(dataset: Dataset, day: date) -> Dataset:
    return observe(dataset, PopulationSpec(as_of=day))


def purchases_after(dataset: Dataset, day: date, days: int) -> pl.DataFrame:
    """customer_id, actual (purchase days), spent, in the ``days`` after ``day``, of whoever bought anything."""
    lines = dataset.tables["transactions"].filter(
        pl.col("customer_id").is_not_null(),
        pl.col("kind") == "sale",
        pl.col("ordered_at").dt.date() > day,
        pl.col("ordered_at").dt.date() <= day + timedelta(days=days),
    )
    return lines.group_by("customer_id").agg(
        actual=pl.col("ordered_at").dt.date().n_unique().cast(pl.Float64), spent=dataset.money("amount").sum()
    )


def random_labels(result: ValueResult, n_labels: int, seed: int) -> CustomerLabels:
    """Customers dealt at random into segments of unequal size."""
    rng = np.random.default_rng(seed)
    share = rng.dirichlet(np.full(n_labels, 3.0))
    of = rng.choice(n_labels, size=result.n_customers, p=share)
    frame = result.customers.select("customer_id", label=pl.Series([f"segment {i}" for i in of]))
    return CustomerLabels(frame, tuple(f"segment {i}" for i in range(n_labels)), "segment", "k")


def rfm_labels(result: ValueResult, seed: int) -> CustomerLabels:
    """Customers by recency and frequency, cut at random places into three by three."""
    rng = np.random.default_rng(seed)
    since = (result.customers["T_weeks"] - result.customers["t_x_weeks"]).to_numpy()
    often = result.customers["n_purchases"].to_numpy().astype(np.float64)
    codes = np.zeros(len(since), dtype=np.int64)
    for values in (since, often):
        edges = np.quantile(values, np.sort(rng.uniform(0.1, 0.95, 2)))
        codes = codes * 3 + np.searchsorted(edges, values)
    frame = result.customers.select("customer_id", label=pl.Series([f"cell {i}" for i in codes]))
    return CustomerLabels(frame, tuple(f"cell {i}" for i in range(9)), "segment", "k")


def segment_totals(
    dataset: Dataset, days: Sequence[date], spec: ValueSpec, n_random: int = 10, first_seed: int = 0
) -> pl.DataFrame:
    """Every segment's total of purchases after each cut date, foretold from what was known then, and what came.

    Columns: cut, kind ("random", "rfm", "all"), label, n_customers, expected, lo, hi, actual, covered, and the same of
    value (clv_expected ...; only without discount), customers_covered (share inside their own interval at this cut).
    """
    rows = []
    for number, day in enumerate(days, start=first_seed):
        known = cut_at(dataset, day)
        result = estimate_value(known, spec)
        came = purchases_after(dataset, day, spec.horizon_days)
        own = result.customers.join(came, on="customer_id", how="left").with_columns(
            pl.col("actual", "spent").fill_null(0.0)
        )
        inside = own.select(
            (
                (pl.col("actual") >= pl.col("expected_orders_lo")) & (pl.col("actual") <= pl.col("expected_orders_hi"))
            ).mean()
        ).item()
        groups = [("random", random_labels(result, n_random, number)), ("rfm", rfm_labels(result, number))]
        groups.append(("all", CustomerLabels(own.select("customer_id", label=pl.lit("all")), ("all",), "segment", "k")))
        for kind, labels in groups:
            told = value_by(result, labels).join(
                own.join(labels.frame, on="customer_id").group_by("label").agg(pl.col("actual", "spent").sum()),
                on="label",
            )
            rows.append(
                told.select(
                    cut=pl.lit(day),
                    kind=pl.lit(kind),
                    label="label",
                    n_customers="n_customers",
                    expected="expected_orders",
                    lo="expected_orders_lo",
                    hi="expected_orders_hi",
                    actual="actual",
                    covered=pl.col("actual").is_between(pl.col("expected_orders_lo"), pl.col("expected_orders_hi")),
                    spent="spent",
                    clv="clv",
                    value_covered=pl.col("spent").is_between(pl.col("clv_lo"), pl.col("clv_hi")),
                    customers_covered=pl.lit(inside),
                    model=pl.lit(result.model),
                    common=pl.lit(result.spread.common),
                    cell=pl.lit(result.spread.cell),
                )
            )
    return pl.concat(rows)
