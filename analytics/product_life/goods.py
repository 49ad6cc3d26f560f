"""Names and kinds of products, as the data call them most often."""

from __future__ import annotations

import polars as pl

from analytics.dataset import Dataset
from analytics.keys import derive_key
from analytics.product_life.spec import Goods

COLUMNS = {"product": "product", "category": "category"}


def describe_goods(dataset: Dataset) -> Goods:
    """One row per product id (where lines have none: per product name)."""
    key = derive_key("describe_goods", None, dataset.key)
    lines = dataset.tables.get("transactions")
    by = next((name for name in ("product_id", "product") if lines is not None and name in lines.columns), None)
    if lines is None or by is None:
        return Goods(pl.DataFrame(schema=dict.fromkeys(("unique_id", "product", "category"), pl.String)), key)
    held = [name for name in COLUMNS if name in lines.columns and name != by]
    given = lines.lazy().select(by, *held).rename({by: "unique_id"}).filter(pl.col("unique_id").is_not_null())
    named = given.select("unique_id").unique().collect()
    for name in COLUMNS:
        if name not in held:
            empty = pl.col("unique_id") if name == by else pl.lit("")
            named = named.with_columns(empty.alias(name))
            continue
        counted = given.filter(pl.col(name).is_not_null()).group_by("unique_id", name).agg(n=pl.len())
        most = counted.sort("n", name, descending=[True, False]).unique("unique_id", keep="first", maintain_order=True)
        named = named.join(most.select("unique_id", name).collect(), on="unique_id", how="left")
    return Goods(named.select("unique_id", pl.col("product", "category").fill_null("")).sort("unique_id"), key)
