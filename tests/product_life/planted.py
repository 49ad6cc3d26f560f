"""How often the stage of a drawn product is told right: the drawn shops, and the marketplace at several as-of dates.

``uv run python -m tests.product_life.planted`` prints the tables of ``docs/accuracy.md``.
"""

from __future__ import annotations

from datetime import date, timedelta
from functools import cache
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from analytics.dataset import Dataset
from analytics.demand import DemandSpec, build_panel
from analytics.product_life import STAGES, ProductLifeResult, ProductLifeSpec, describe_goods, trace_products
from sample_data.product_lives import LAST, ProductLives, draw_product_lives, write_lines
from tests.product_life import attainable as bound

ROOT = Path(__file__).parents[2]
TUNED_ON = (100, 101, 102, 103)  # seeds that the round figures of the method were looked at with
REPORTED = (0, 1, 2, 3)
AS_OF = tuple(date(year, month, 28) for year in (2024, 2025) for month in (3, 6, 9, 12) if (year, month) != (2024, 3))
PANEL = DemandSpec("quantity", "product", (), 1000, "week")


def trace(lives: ProductLives, spec: ProductLifeSpec | None = None) -> ProductLifeResult:
    """The whole way of the app: order lines, panel, stages."""
    dataset = Dataset.build({"transactions": write_lines(lives)}, as_of=LAST, currency="TWD", money_digits=2)
    return trace_products(build_panel(dataset, PANEL), spec or ProductLifeSpec(), describe_goods(dataset))


def told(lives: ProductLives, result: ProductLifeResult) -> NDArray[np.str_]:
    """The stage of each product of the shop, "" where none is told."""
    stage = dict(zip(result.products["unique_id"], result.products["stage"], strict=True))
    return np.array([stage.get(f"P{i:04d}") or "" for i in range(lives.n)])


@cache
def marketplace() -> Dataset:
    lines = pl.read_parquet(ROOT / "sample_data" / "marketplace" / "transactions.parquet")
    lines = lines.with_columns(pl.col("amount").cast(pl.Float64).mul(100).round().cast(pl.Int64))
    kept = lines.select("order_id", "ordered_at", "product_id", "product", "category", "quantity", "amount")
    return Dataset.build({"transactions": kept}, as_of=date(2026, 6, 30), currency="TWD", money_digits=2)


def marketplace_truth(as_of: date) -> pl.DataFrame:
    """unique_id, truth, away (no boundary within two months), of the middle of the last four weeks."""
    folder = ROOT / "sample_data" / "truth" / "marketplace"
    middle = as_of - timedelta(days=14)
    stages = pl.read_parquet(folder / "product_stages.parquet").filter(month=middle.replace(day=1))
    months = (middle - date(2023, 1, 1)).days / (365.25 / 12)
    names = ("launch_month", "growth_month", "peak_month", "decline_month", "end_month")
    near = pl.min_horizontal((pl.col(name) - months).abs() for name in names)
    lives = pl.read_parquet(folder / "products.parquet").select("product_id", away=near > bound.BEYOND)
    held = stages.join(lives, on="product_id")
    return held.select("away", unique_id="product_id", truth=pl.col("stage").replace("peak", "maturity"))


def trace_marketplace(as_of: date, spec: ProductLifeSpec | None = None) -> pl.DataFrame:
    """truth, away, stage and the naive rule's answer of every product sold by then."""
    data = marketplace()
    lines = data.tables["transactions"].filter(pl.col("ordered_at").dt.date() <= as_of)
    seen = Dataset.build({"transactions": lines}, as_of=as_of, currency="TWD", money_digits=2)
    result = trace_products(build_panel(seen, PANEL), spec or ProductLifeSpec(), describe_goods(seen))
    held = marketplace_truth(as_of).join(result.products.select("unique_id", "stage"), on="unique_id")
    return held.join(naive_marketplace(result), on="unique_id").with_columns(pl.col("stage").fill_null(""))


def naive_marketplace(result: ProductLifeResult) -> pl.DataFrame:
    """The last three periods against the three before."""
    last = result.history["ds"].unique().sort()
    recent, before = last[-3:].implode(), last[-6:-3].implode()
    sums = result.history.group_by("unique_id").agg(
        recent=pl.col("y").filter(pl.col("ds").is_in(recent)).sum(),
        before=pl.col("y").filter(pl.col("ds").is_in(before)).sum(),
        age=(pl.col("ds") >= pl.col("ds").filter(pl.col("y") > 0).min()).sum(),
    )
    ratio = pl.col("recent") / pl.max_horizontal("before", 1.0)
    rule = (
        pl.when(pl.col("recent") == 0)
        .then(pl.lit("discontinued"))
        .when(pl.col("age") <= 4)
        .then(pl.lit("introduction"))
        .when(ratio > 1.15)
        .then(pl.lit("growth"))
        .when(ratio < 0.85)
        .then(pl.lit("decline"))
        .otherwise(pl.lit("maturity"))
    )
    return sums.select("unique_id", naive=rule)


def marks(right: NDArray[np.str_], said: NDArray[np.str_], away: NDArray[np.bool_]) -> dict[str, float]:
    """Accuracy overall and away from boundaries, recall by stage."""
    hit = right == said
    out = {"n": float(len(hit)), "accuracy": float(hit.mean()), "away": float(hit[away].mean())}
    return out | {stage: float(hit[right == stage].mean()) if (right == stage).any() else np.nan for stage in STAGES}


def shops(seeds: tuple[int, ...], n: int, *, bounds: bool = True) -> dict[str, dict[str, float]]:
    """Marks of the method, of the ratio and of who knows how the shops were drawn, over all seeds."""
    right, away = [], []
    said: dict[str, list[NDArray[np.str_]]] = {"method": [], "naive": [], **({"attainable": []} if bounds else {})}
    for seed in seeds:
        lives = draw_product_lives(n, seed)
        known = bound.sold(lives)
        right.append(bound.truth(lives)[known])
        away.append(bound.away(lives)[known])
        said["method"].append(told(lives, trace(lives))[known])
        said["naive"].append(bound.naive(lives)[known])
        if bounds:
            said["attainable"].append(bound.attainable(lives)[known])
    return {
        name: marks(np.concatenate(right), np.concatenate(parts), np.concatenate(away)) for name, parts in said.items()
    }


def markets(days: tuple[date, ...] = AS_OF) -> dict[str, dict[str, float]]:
    """The same over as-of dates of the marketplace; nobody computed what is attainable there."""
    held = pl.concat(trace_marketplace(day) for day in days)
    right, away = held["truth"].to_numpy(), held["away"].to_numpy()
    return {
        "method": marks(right, held["stage"].to_numpy(), away),
        "naive": marks(right, held["naive"].to_numpy(), away),
    }


if __name__ == "__main__":
    for title, table in (("drawn shops", shops(REPORTED, 300)), ("marketplace", markets())):
        print(title)
        for name, row in table.items():
            print(name, {key: round(value, 3) for key, value in row.items()}, flush=True)
