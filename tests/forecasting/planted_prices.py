"""How well the planted price response is found: the proof, importable, so that its recorded result was made by it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from analytics.calendar import CalendarSpec, usual_calendar
from analytics.demand import DemandSpec, DriverPanel, build_drivers
from analytics.forecasting.planning import ResponseResult, ResponseSpec, learn_response, related_products
from analytics.mapping import apply_mapping, suggest_mapping
from analytics.population import observe
from analytics.quality import QualitySpec, validate
from analytics.reading import read
from sample_data.price_response import PricedSales, draw_priced_sales


def to_drivers(sales: PricedSales) -> DriverPanel:
    """The drawn sales as the drivers of demand; prices are known only where something was sold."""
    sold = pl.col("quantity") > 0
    frame = sales.frame.select(
        unique_id="product_id",
        ds="day",
        quantity=pl.col("quantity").cast(pl.Float64),
        list_price=pl.when(sold).then("list_price").cast(pl.Float64),
        paid_price=pl.when(sold).then(pl.col("paid") / pl.col("quantity")),
        discount_share=pl.when(sold).then(1 - pl.col("paid") / (pl.col("list_price") * pl.col("quantity"))),
        promoted_share=pl.when(sold).then(pl.col("n_promoted") / pl.col("quantity")),
        n_lines=pl.col("quantity").cast(pl.Int64),
    ).sort("unique_id", "ds")
    last: Any = frame["ds"].max()
    members = tuple(sorted(sales.elasticities))
    return DriverPanel(frame, "day", last, "TWD", members, "unit_price", 0, "planted")


def related(sales: PricedSales) -> pl.DataFrame:
    """All products are one group."""
    return pl.DataFrame({"unit_id": sorted(sales.elasticities), "group": ["A"] * len(sales.elasticities)})


def learn_world() -> tuple[dict[str, Any], ResponseResult]:
    """The truth of the clean sample world, and what is learned from its order lines."""
    folder = Path(__file__).parents[2] / "sample_data"
    tables = []
    for path in sorted((folder / "marketplace").glob("*.parquet")):
        raw = read(path.read_bytes(), path.name)
        tables.append(apply_mapping(raw, suggest_mapping(raw, path.stem).spec))
    data = observe(validate(tuple(tables), QualitySpec(currency="TWD")).dataset)
    drivers = build_drivers(data, DemandSpec(measure="quantity", by="product", frequency="day", n_series=120))
    result = learn_response(drivers, related_products(data), usual_calendar("TWD"), ResponseSpec())
    return json.loads((folder / "truth" / "marketplace" / "truth.json").read_text()), result


def learned(sales: PricedSales) -> ResponseResult:
    return learn_response(to_drivers(sales), related(sales), CalendarSpec(festivals=("double_11",)), ResponseSpec())


@dataclass(frozen=True, slots=True)
class Judged:
    """One seed: was the truth inside the interval, how far was the estimate, what was withheld."""

    seed: int
    told: str
    truth: float
    estimate: float
    lo: float
    hi: float
    covered: bool
    products_covered: float
    products_error: float
    lift_told: str
    lift_covered: bool
    lift_ratio: float
    event_covered: bool


def judge(seed: int, **options: Any) -> Judged:
    """Learn one planted group and compare with its truth."""
    sales = draw_priced_sales(seed, **options)
    result = learned(sales)
    whole = result.prices.row(by_predicate=pl.col("scope") == "group", named=True)
    own = result.prices.filter(scope="product").with_columns(
        truth=pl.col("unit_id").replace_strict(sales.elasticities, return_dtype=pl.Float64)
    )
    depth = 0.2
    near = result.promotions.filter(scope="group").sort((pl.col("depth") - depth).abs()).row(0, named=True)
    truth = sales.lift(near["depth"])
    event = result.events.filter(scope="group", event="double_11").row(0, named=True)
    return Judged(
        seed,
        whole["told"],
        sales.elasticity,
        whole["elasticity"],
        whole["lo"],
        whole["hi"],
        whole["lo"] <= sales.elasticity <= whole["hi"],
        float(own["truth"].is_between(own["lo"], own["hi"]).mean()),
        float((own["truth"] - own["elasticity"]).abs().mean()),
        near["told"],
        near["lo"] <= truth <= near["hi"],
        near["ratio"] / truth,
        event["lo"] <= 2.718281828**sales.event_effect <= event["hi"],
    )


def judge_seeds(n: int, **options: Any) -> pl.DataFrame:
    """One row per seed from 0."""
    return pl.DataFrame([judge(seed, **options) for seed in range(n)])
