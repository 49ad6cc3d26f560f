"""What customers say of products by the stage in which these were bought."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from analytics.dataset import Dataset
from analytics.errors import Caveat
from analytics.keys import derive_key
from analytics.product_life.spec import STAGES, ProductLifeResult

WITHIN_DAYS = 60
LEAST_RATINGS = 10  # under which a mean is not told
EMPTY = pl.DataFrame({"stage": STAGES}, schema={"stage": pl.String}).with_columns(
    n_ratings=pl.lit(0.0),
    n_products=pl.lit(0, dtype=pl.Int64),
    **{
        name: pl.lit(None, dtype=pl.Float64)
        for name in (
            *("mean_rating", "rating_lo", "rating_hi"),
            *("rating_difference", "rating_difference_lo", "rating_difference_hi"),
        )
    },
)


@dataclass(frozen=True, slots=True, eq=False)
class StageFeedback:
    """Ratings by the stage of what had been bought.

    Feedback names no product: a rating is spread in equal parts over the products of its author's last order day in
    the ``within_days`` before it. Intervals are 95 percent, for the difference from all ratings so placed.

    Attributes
    ----------
    frame : stage, n_ratings (Float64: a rating of three products counts a third for each), n_products, mean_rating,
        rating_lo, rating_hi (null under ten ratings), rating_difference with _lo and _hi (from all). All five stages,
        in order.
    mean_rating : of all placed ratings. n_placed, n_ratings : ratings placed, of how many.
    """

    frame: pl.DataFrame
    mean_rating: float | None
    n_placed: int
    n_ratings: int
    within_days: int
    key: str
    caveats: tuple[Caveat, ...] = ()


def rate_stages(dataset: Dataset, result: ProductLifeResult) -> StageFeedback:
    """Mean rating by the stage in which the products were when they were bought."""
    key = derive_key("rate_stages", None, dataset.key, result.key)
    needed = ("feedback.customer_id", "feedback.written_at", "feedback.rating", "transactions.customer_id")
    product = next((name for name in ("product_id", "product") if dataset.has(f"transactions.{name}")), None)
    if not dataset.has(*needed) or product is None or result.spec.by != "product":
        return StageFeedback(EMPTY, None, 0, 0, WITHIN_DAYS, key)
    given = dataset.tables["feedback"].select("customer_id", day=pl.col("written_at").cast(pl.Date), rating="rating")
    given = given.drop_nulls().filter(pl.col("day") <= dataset.as_of).with_row_index("at")
    parts = _placed(given, dataset, product, result)
    if parts.is_empty():
        return StageFeedback(EMPTY, None, 0, given.height, WITHIN_DAYS, key)
    frame, overall = _means(parts)
    return StageFeedback(frame, overall, parts["at"].n_unique(), given.height, WITHIN_DAYS, key)


def _placed(given: pl.DataFrame, dataset: Dataset, product: str, result: ProductLifeResult) -> pl.DataFrame:
    """at, rating, unique_id, stage, part: each rating over the products of its author's last order day before it."""
    lines = dataset.tables["transactions"]
    if "quantity" in lines.columns:
        lines = lines.filter(pl.col("quantity").fill_null(1) > 0)
    bought = lines.select("customer_id", bought_on=pl.col("ordered_at").cast(pl.Date), unique_id=product)
    bought = bought.drop_nulls().unique().sort("bought_on", "unique_id")
    days = bought.select("customer_id", "bought_on").unique().sort("bought_on").with_columns(day="bought_on")
    placed = given.sort("day").join_asof(days, on="day", by="customer_id", strategy="backward", check_sortedness=False)
    placed = placed.filter((pl.col("day") - pl.col("bought_on")).dt.total_days() <= WITHIN_DAYS)
    parts = placed.join(bought, on=["customer_id", "bought_on"]).with_columns(ds="bought_on").sort("ds")
    stages = result.history.select("unique_id", "stage", "ds").sort("ds")
    parts = parts.join_asof(stages, on="ds", by="unique_id", strategy="backward", check_sortedness=False)
    parts = parts.filter(pl.col("stage").is_in(STAGES))
    return parts.with_columns(part=1.0 / pl.len().over("at")).sort("at", "unique_id")


def _means(parts: pl.DataFrame) -> tuple[pl.DataFrame, float]:
    """The five stages, and the mean of all. A rating is one opinion, however many products it is spread over."""
    weighed = pl.col("rating") * pl.col("part")
    overall = float(parts.select(weighed.sum() / pl.col("part").sum()).item())
    by_rating = parts.group_by("stage", "at").agg(part=pl.col("part").sum(), rating=pl.col("rating").first())
    products = parts.group_by("stage").agg(n_products=pl.col("unique_id").n_unique().cast(pl.Int64))
    weight = pl.col("part").sum()
    means = by_rating.with_columns(mean=(pl.col("rating") * pl.col("part")).sum().over("stage") / weight.over("stage"))
    squares = (pl.col("part") * (pl.col("rating") - pl.col("mean"))) ** 2
    sums = means.group_by("stage").agg(
        n_ratings=weight, mean_rating=pl.col("mean").first(), error=squares.sum().sqrt() / weight
    )
    told = pl.col("n_ratings") >= LEAST_RATINGS
    frame = (
        EMPTY.select("stage")
        .join(sums, on="stage", how="left", maintain_order="left")
        .join(products, on="stage", how="left", maintain_order="left")
        .with_columns(pl.col("n_ratings").fill_null(0.0), pl.col("n_products").fill_null(0))
        .with_columns(pl.when(told).then(pl.col(name)).alias(name) for name in ("mean_rating", "error"))
    )
    wide, share = 1.96 * pl.col("error"), pl.col("n_ratings") / pl.col("n_ratings").sum()
    frame = frame.with_columns(
        rating_lo=pl.col("mean_rating") - wide,
        rating_hi=pl.col("mean_rating") + wide,
        rating_difference=pl.col("mean_rating") - overall,
        # A stage is itself a part of all, so its difference from them is that much surer.
        reach=wide * (1 - share).sqrt(),
    ).with_columns(
        rating_difference_lo=pl.col("rating_difference") - pl.col("reach"),
        rating_difference_hi=pl.col("rating_difference") + pl.col("reach"),
    )
    return frame.select(EMPTY.columns), overall
