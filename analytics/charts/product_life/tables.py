"""All products with their stage as rows, for the page and for the download."""

from __future__ import annotations

import polars as pl

from analytics.charts.product_life.evidence import cause_text
from analytics.charts.product_life.wording import ALL, reason, stage_name
from analytics.i18n import Words
from analytics.product_life import EvidenceResult, ProductLifeResult, StageFeedback

# Names of their own, since the words of a column also name columns of a person's own file.
NAMED = {
    "unique_id": "life_id",
    "line": "life_course",
    "stage": "life_stage",
    "probability": "life_certainty",
    "chance": "life_certainty",
    "stage_before": "life_stage_before",
    "stage_then": "life_stage_then",
    "sure": "life_sure",
    "moved": "life_moved",
    "since": "life_stage_since",
    "change_lo": "change_monthly_lo",
    "change_hi": "change_monthly_hi",
    "rate_monthly": "level_monthly",
    "rate_lo": "level_monthly_lo",
    "rate_hi": "level_monthly_hi",
    "peak_monthly": "best_monthly",
    "peak_on": "best_on",
    "peak_share": "life_best_share",
    "first_sale_on": "first_sold_from",
    "last_sale_on": "last_sold_from",
    "age_months": "life_age_months",
    "recent_year": "sold_recent_year",
    "year_before": "sold_year_before",
    "worth_recent": "worth_recent_year",
    "sales_share": "life_sales_share",
    "reason": "life_reason",
    "n_products": "n_life_products",
    "change_share": "sold_change_share",
    "y": "sold",
    "season": "season_factor",
    "rate": "level_with_season",
    "first_on": "odd_from",
    "last_on": "odd_until",
    "direction": "odd_direction",
    "expected": "expected_sold",
    "ratio": "sold_ratio",
    "p_value": "odd_chance",
    "q_value": "odd_false_share",
    "promoted_share": "discounted_share",
    "usual_promoted": "discounted_usually",
    "price_change": "list_price_change",
    "event_ratio": "event_sold_ratio",
    "order_share": "largest_order_share",
    "turn_on": "turned_from",
    "n_ratings": "n_placed_ratings",
    "mean_rating": "placed_rating",
    "rating_lo": "placed_rating_lo",
    "rating_hi": "placed_rating_hi",
}
SHOWN = (
    *("product", "line", "stage", "probability", "stage_before", "change_monthly", "peak_share", "sales_share"),
    *("worth_recent", "recent_year", "year_before", "rate_monthly", "last_sale_on", "category", "unique_id"),
)


def product_table(result: ProductLifeResult, _: Words) -> pl.DataFrame:
    """Every product, the most sales first, with the words of its stage."""
    frame = _worded(result.products, _)
    return named(frame.select(name for name in SHOWN if not _empty(frame, name)))


def _empty(frame: pl.DataFrame, name: str) -> bool:
    """Columns that these data give nothing for."""
    if name == "category":
        return not (frame["category"] != "").any()
    return frame[name].null_count() == frame.height


def _worded(frame: pl.DataFrame, _: Words) -> pl.DataFrame:
    """Stages by their names."""
    stages = {code: stage_name(code, _) for code in ALL}
    held = [name for name in ("stage", "stage_before", "stage_then") if name in frame.columns]
    return frame.with_columns(pl.col(held).replace(stages))


def named(frame: pl.DataFrame) -> pl.DataFrame:
    """Columns by names that no other table uses."""
    return frame.rename({name: NAMED[name] for name in frame.columns if name in NAMED})


def flat_table(result: ProductLifeResult, _: Words) -> pl.DataFrame:
    """Every product with all its figures and the reason, without the sparkline."""
    told = [reason(row, result, _) for row in result.products.iter_rows(named=True)]
    frame = _worded(result.products, _).with_columns(reason=pl.Series(told, dtype=pl.String))
    return named(frame.drop("line"))


def table_note(result: ProductLifeResult, _: Words) -> str:
    return _(
        "The course is of the last three years by quarter. Stage before: as it was told in the period from {day}.",
        day=result.compared_on,
    )


def stage_table(result: ProductLifeResult, _: Words) -> pl.DataFrame:
    return named(_worded(result.stages, _))


def flow_table(result: ProductLifeResult, _: Words) -> pl.DataFrame:
    return named(_worded(result.moves, _))


def feedback_table(feedback: StageFeedback, _: Words) -> pl.DataFrame:
    return named(_worded(feedback.frame, _))


def history_table(result: ProductLifeResult, _: Words) -> pl.DataFrame:
    """Every period of every product, for the download."""
    frame = _worded(with_product(result.history, result), _)
    return named(frame)


def with_product(frame: pl.DataFrame, result: ProductLifeResult) -> pl.DataFrame:
    """The name beside the id."""
    names = dict(result.products.select("unique_id", "product").iter_rows())
    product = pl.col("unique_id").replace(names).alias("product")
    return frame.select("unique_id", product, pl.exclude("unique_id", "product"))


def odd_table(result: ProductLifeResult, evidence: EvidenceResult, _: Words) -> pl.DataFrame:
    """All odd stretches with names and words, for the download."""
    told = pl.Series([cause_text(row, _) for row in evidence.odd.iter_rows(named=True)], dtype=pl.String)
    sides = {"high": _("more"), "low": _("less")}
    frame = evidence.odd.with_columns(pl.col("direction").replace(sides), coincides_with=told)
    return named(with_product(frame.drop("cause", "event"), result))


def turn_table(result: ProductLifeResult, evidence: EvidenceResult, _: Words) -> pl.DataFrame:
    """All turns with names and words, for the download."""
    told = pl.Series([cause_text(row, _) for row in evidence.turns.iter_rows(named=True)], dtype=pl.String)
    frame = evidence.turns.with_columns(coincides_with=told).drop("cause")
    return named(_worded(with_product(frame, result), _))
