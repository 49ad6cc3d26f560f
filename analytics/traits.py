"""What else describes a customer: what and how they buy, visits, reviews, survey answers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import polars as pl

from analytics import reductions
from analytics.customers import CustomerTable, Family, Trait, describe_column, names_a_person, tells_apart
from analytics.dataset import Dataset
from analytics.keys import derive_key
from analytics.mapping.questionnaire import Question, answers, choices, points_of, recognise
from analytics.progress import report
from analytics.schema import SURVEY

MOST_LEVELS = 12  # of a block of counts, of a choice; the rest count as one
SESSION_GAP_MINUTES = 30
REST = ""  # the level of everything beyond the most frequent

_BY_LINE = ("category", "brand")
_BY_ORDER = ("channel", "payment_method")
_VIEW = re.compile(r"view|browse|浏览|瀏覽|查看|访问|造訪")
_CART = re.compile(r"cart|basket|加购|加購|购物车|購物車")
_MICROSECONDS = 60_000_000
_TICKED = ("true", "1", "1.0", "yes", "y", "是")
_NOT_TICKED = ("false", "0", "0.0", "no", "n", "否")


def gather_traits(customers: CustomerTable, dataset: Dataset) -> CustomerTable:
    """The same customers with further columns and traits; ``customers`` is ``summarise_customers(dataset)``.

    Where the data has it (a block needs two levels, a column two values):

    - needs, ``counts``: ``category_mix`` and ``brand_mix`` (sale lines), ``channel_mix`` and ``payment_mix`` (orders;
      an order with several counts under the first by name). Int32 columns "category_mix: Groceries" for the
      ``MOST_LEVELS`` most frequent levels, then one with an empty level for all others.
    - behaviour: ``n_sessions`` (visits; a pause of more than half an hour begins another), ``n_views``,
      ``days_since_visit`` (to ``as_of``, null without a visit), ``cart_share`` (things put into the cart / views, null
      without a view), ``n_reviews``, ``mean_rating`` (points as given, null without one). They join ``measures``.
    - psychographics: each survey question by the latest answer of each customer: scores and numbers as they are,
      one choice of several as a text, several as a flag each ("reasons_to_buy: price"). They join ``attributes``; null
      for who did not answer. No open answers, nothing that only one person answered, nothing the tool noted.

    Rows, their order, and everything else of the table stay. Raises what ``Dataset.table`` raises.
    """
    ids = customers.frame.select("customer_id")
    measures, attributes, traits = list(customers.measures), list(customers.attributes), list(customers.traits)
    frame = customers.frame
    made: list[tuple[Family, pl.DataFrame]] = []
    report(0.0, "gather_traits")
    made.append(("behaviour", _visits(dataset, ids)))
    made.append(("behaviour", _reviews(dataset, ids)))
    report(0.3, "gather_traits")
    made.append(("psychographics", _answers(dataset, ids)))
    for family, columns in made:
        for name in columns.columns:
            column = columns[name] if name not in frame.columns else columns[name].alias(f"survey: {name}")
            if not tells_apart(column):
                continue
            frame = frame.with_columns(column)
            (measures if family == "behaviour" else attributes).append(column.name)
            traits.append(describe_column(frame, column.name, family))
    report(0.4, "gather_traits")
    for trait, columns in _mixes(dataset, ids):
        frame = frame.hstack(columns)
        traits.append(trait)
    return replace(
        customers,
        frame=frame,
        measures=tuple(measures),
        attributes=tuple(attributes),
        traits=tuple(sorted(traits, key=lambda trait: _FAMILIES.index(trait.family))),
        key=derive_key("gather_traits", None, customers.key, dataset.key),
    )


_FAMILIES: tuple[Family, ...] = ("behaviour", "needs", "demographics", "psychographics")


# ---- what and how they buy


def _mixes(dataset: Dataset, ids: pl.DataFrame) -> Iterator[tuple[Trait, pl.DataFrame]]:
    lines = dataset.tables.get("transactions")
    if lines is None:
        return
    held = [column for column in (*_BY_LINE, *_BY_ORDER) if dataset.has(f"transactions.{column}")]
    projected = reductions.project(dataset, encode=("customer_id", *held))
    known = reductions.values(dataset, "customer_id").to_frame("customer_id")
    row = known.join(ids.with_row_index("row"), on="customer_id", how="left", maintain_order="left")["row"]
    by_order = [column for column in _BY_ORDER if column in held]
    orders = reductions.collect(reductions.order_values(projected, by_order)) if by_order else None
    for done, column in enumerate(held):
        if column in _BY_LINE or orders is None:
            pairs = reductions.collect(reductions.pairs(projected, column))
        else:
            pairs = orders.drop_nulls(column).group_by("customer_id", column).len("n")
        pairs = pairs.select(row.gather(pairs["customer_id"]), column, "n").drop_nulls("row")
        trait, columns = _block(pairs, reductions.values(dataset, column), column, ids.height)
        report(0.4 + 0.6 * (done + 1) / len(held), "gather_traits")
        if len(trait.levels) >= 2:
            yield trait, columns


def _block(pairs: pl.DataFrame, values: pl.Series, column: str, n_rows: int) -> tuple[Trait, pl.DataFrame]:
    """Pairs of row and position in ``values`` as one column of counts per level."""
    ranked = pairs.group_by(column).agg(pl.col("n").sum()).sort("n", column, descending=[True, False])[column]
    top = ranked.head(MOST_LEVELS)
    name = f"{column.removesuffix('_method')}_mix"
    levels = [values[position] for position in top]
    counts = []
    for position in top:
        of_level = pairs.filter(pl.col(column) == position)
        counts.append(_spread(of_level, n_rows))
    if len(ranked) > len(top):
        others = pairs.filter(~pl.col(column).is_in(top.implode())).group_by("row").agg(pl.col("n").sum())
        counts.append(_spread(others, n_rows))
        levels.append(REST)
    columns = tuple(f"{name}: {level}" for level in levels)
    return Trait(name, "needs", "counts", columns, tuple(levels)), pl.DataFrame(dict(zip(columns, counts, strict=True)))


def _spread(counted: pl.DataFrame, n_rows: int) -> pl.Series:
    spread = np.zeros(n_rows, dtype=np.int32)
    spread[counted["row"].to_numpy()] = counted["n"].to_numpy()
    return pl.Series(spread)


# ---- visits and reviews


def _visits(dataset: Dataset, ids: pl.DataFrame) -> pl.DataFrame:
    """n_sessions, n_views, days_since_visit, cart_share of each customer, as far as events tell."""
    if not dataset.has("events.customer_id", "events.occurred_at"):
        return pl.DataFrame()
    events = dataset.tables["events"].filter(pl.col("occurred_at").is_not_null())
    named = dataset.has("events.event")
    kinds = events["event"].drop_nulls().unique().to_list() if named else []
    event = pl.col("event") if named else pl.lit(None, pl.String)

    def count(pattern: re.Pattern[str]) -> pl.Expr:
        meant = [kind for kind in kinds if pattern.search(kind.lower())]
        return event.is_in(meant).fill_null(False)

    cart = count(_CART)
    seen = (
        events.join(ids.with_row_index("row"), on="customer_id", how="inner")
        .select("row", at=pl.col("occurred_at").to_physical(), cart=cart, view=count(_VIEW) & ~cart)
        .sort("row", "at")
    )
    pause = pl.col("at") - pl.col("at").shift(1) > SESSION_GAP_MINUTES * _MICROSECONDS
    begins = (pl.col("row") != pl.col("row").shift(1)) | pause
    # The table counts days from 1970-01-01, as the as-of date does.
    last = pl.col("at").max().cast(pl.Datetime("us")).cast(pl.Date)
    each = (
        seen.with_columns(begins=begins.fill_null(True))
        .group_by("row")
        .agg(pl.col("begins", "view", "cart").sum(), (pl.lit(dataset.as_of) - last).dt.total_days().alias("days"))
    )
    columns = {"n_sessions": pl.col("begins").fill_null(0).cast(pl.Int64)}
    if any(_VIEW.search(kind.lower()) and not _CART.search(kind.lower()) for kind in kinds):
        columns["n_views"] = pl.col("view").fill_null(0).cast(pl.Int64)
    columns["days_since_visit"] = pl.col("days")
    if "n_views" in columns and any(_CART.search(kind.lower()) for kind in kinds):
        columns["cart_share"] = pl.when(pl.col("view") > 0).then(pl.col("cart") / pl.col("view"))
    return _on_rows(each, ids.height).select(**columns)


def _reviews(dataset: Dataset, ids: pl.DataFrame) -> pl.DataFrame:
    """n_reviews and mean_rating of each customer."""
    if not dataset.has("feedback.customer_id"):
        return pl.DataFrame()
    rating = pl.col("rating") if dataset.has("feedback.rating") else pl.lit(None, pl.Float64)
    written = dataset.tables["feedback"].join(ids.with_row_index("row"), on="customer_id", how="inner")
    # Sorted, since a sum of decimals depends on its order.
    each = written.select("row", rating=rating).sort("row", "rating").group_by("row", maintain_order=True)
    counted = each.agg(pl.len().alias("n"), pl.col("rating").mean())
    return _on_rows(counted, ids.height).select(n_reviews=pl.col("n").fill_null(0).cast(pl.Int64), mean_rating="rating")


def _on_rows(counted: pl.DataFrame, n_rows: int) -> pl.DataFrame:
    rows = pl.DataFrame({"row": pl.int_range(n_rows, dtype=pl.get_index_type(), eager=True)})
    return rows.join(counted, on="row", how="left", maintain_order="left")


# ---- survey answers


def _answers(dataset: Dataset, ids: pl.DataFrame) -> pl.DataFrame:
    """One column per question (per answer where several may be given), from the latest answers of each customer."""
    if not dataset.has("survey.customer_id"):
        return pl.DataFrame()
    survey = dataset.tables["survey"].filter(pl.col("customer_id").is_not_null())
    asked, _background = recognise(survey, tuple(name for name in survey.columns if name not in SURVEY))
    if dataset.has("survey.answered_at"):
        # Rows of one moment stay in the order of their content.
        survey = survey.sort("answered_at", nulls_last=False, maintain_order=True)
    latest = survey.unique("customer_id", keep="last", maintain_order=True).join(ids, on="customer_id", how="semi")
    columns = [
        column
        for question in asked
        if question.kind != "open_text" and not names_a_person(question.column)
        for column in _as_columns(question, latest[question.column])
    ]
    told = pl.DataFrame([latest["customer_id"], *columns])
    return ids.join(told, on="customer_id", how="left", maintain_order="left").drop("customer_id")


def _as_columns(question: Question, given: pl.Series) -> list[pl.Series]:
    given = answers(given)
    if question.kind == "number":
        return [given.cast(pl.Float64, strict=False).alias(question.column)]
    if question.kind == "score":
        points = points_of(question.options)
        return [_scores(given, points).alias(question.column)]
    if question.kind == "single_choice":
        own = given.cast(pl.String)
        parts = {cell: next(iter(choices(cell, "")), None) for cell in own.drop_nulls().unique().to_list()}
        own = own.replace_strict(parts, return_dtype=pl.String) if parts else own
        counted = own.drop_nulls().value_counts().filter(pl.col("count") > 1)
        kept = counted.sort("count", own.name, descending=[True, False])[own.name].head(MOST_LEVELS)
        return [pl.select(pl.when(own.is_in(kept.implode())).then(own)).to_series().alias(question.column)]
    if question.separator:
        return _ticks(question, given.cast(pl.String))
    return [_tick(given).alias(f"{question.matrix}: {question.text}")]


def _scores(given: pl.Series, points: dict[str, int]) -> pl.Series:
    if given.dtype.is_numeric():
        return given.cast(pl.Float64)
    return given.replace_strict(points, default=None, return_dtype=pl.Float64)


def _ticks(question: Question, given: pl.Series) -> list[pl.Series]:
    """A flag per answer of those most given, null where the question was not answered."""
    cells = {cell: set(choices(cell, question.separator)) for cell in given.drop_nulls().unique().to_list()}
    return [
        given.replace_strict(
            {cell: option in ticked for cell, ticked in cells.items()}, default=None, return_dtype=pl.Boolean
        ).alias(f"{question.column}: {option}")
        for option in question.options[:MOST_LEVELS]
        if sum(option in cells[cell] for cell in given.drop_nulls().to_list()) > 1
    ]


def _tick(given: pl.Series) -> pl.Series:
    """A tick box of its own column: 1 and 0, yes and no, or the option's text where it was ticked and else nothing."""
    text = given.cast(pl.String).str.to_lowercase()
    marks = set(text.drop_nulls().unique().to_list())
    if marks <= {*_TICKED, *_NOT_TICKED}:
        ticked = text.is_in(_TICKED)
        return ticked.fill_null(False) if marks <= set(_TICKED) else ticked
    return text.is_not_null()
