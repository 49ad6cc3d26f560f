"""Personas: who the people in each group are, said as differences from everybody else.

The differences are those of ``analytics.contrasts``, all of them under one correction for how many were made.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import polars as pl

from analytics.contrasts import (
    PRIVACY_LIMIT,
    Mixes,
    choose,
    comparable_fields,
    comparable_mixes,
    contrast_groups,
    judge,
)
from analytics.customers import CustomerLabels, CustomerTable
from analytics.dataset import Dataset
from analytics.errors import AnalysisError, Caveat
from analytics.keys import derive_key
from analytics.personas import quotes as quoting
from analytics.personas.guard import at_least, hidden_levels, told
from analytics.personas.pains import FIELDS as PAINS
from analytics.personas.pains import count_pains
from analytics.personas.result import PersonasResult
from analytics.personas.spec import PersonaSpec
from analytics.progress import report

MOST_RANKED = 3  # needs of one kind, pains
TOLD_BY_MIX = {"top_category": "category_mix", "top_channel": "channel_mix", "top_payment_method": "payment_mix"}


def describe_personas(
    customers: CustomerTable, labels: CustomerLabels, spec: PersonaSpec, dataset: Dataset | None = None
) -> PersonasResult:
    """Say how each group differs from all other labelled customers, and in what it does not.

    Numbers are compared by normal scores of their ranks, so that no outlier, unit or skew changes the verdict;
    categories, flags and pains by shares of people; needs by the mean share among each person's own lines or orders.
    Comparisons that would tell of one to nine people, by themselves or by subtraction, are left out. ``dataset`` is
    what ``customers`` came from: without it cards have neither pains nor quotes. Raises ``AnalysisError``:
    labels_unknown, personas_all_small.
    """
    parents = (customers.key, labels.key, *([dataset.key] if dataset is not None else []))
    report(0.0, "persona_groups")
    rank = {label: i for i, label in enumerate(labels.labels)}
    frame = customers.frame.join(labels.frame.select("customer_id", "label"), on="customer_id", how="inner")
    frame = frame.sort("customer_id")
    unknown = set(frame["label"].unique().to_list()) - rank.keys()
    if not frame.height or unknown:
        raise AnalysisError("labels_unknown", n=frame.height)
    sizes: dict[str, int] = dict(frame.group_by("label").len().iter_rows())
    shown = [label for label in labels.labels if sizes.get(label, 0) >= spec.min_group]
    n_hidden = sum(0 < sizes.get(label, 0) < spec.min_group for label in labels.labels)
    if not shown:
        raise AnalysisError("personas_all_small", limit=spec.min_group)
    mixes = comparable_mixes(customers, frame)
    numbers, categories, caveats = comparable_fields(customers, frame)
    caveats = [item for item in caveats if not str(item.params.get("field", "")).startswith("top_")]
    # What is bought most is told better by what is bought more than elsewhere.
    categories = {name: levels for name, levels in categories.items() if TOLD_BY_MIX.get(name) not in mixes}
    if n_hidden:
        caveats.append(Caveat("personas_hidden", "note", {"n": n_hidden, "limit": spec.min_group}))
    if len(shown) == 1 and not n_hidden:
        caveats.append(Caveat("personas_no_rest", "watch", {}))

    found, scores, n_suppressed = contrast_groups(
        frame,
        shown,
        numbers,
        categories,
        lambda done: report(0.1 + 0.7 * done, "persona_traits"),
        mixes=mixes,
        totals={trait.name: trait.columns for trait in customers.traits if trait.name in mixes},
    )
    closed = {
        (label, name, level)
        for name, levels in categories.items()
        for label, level in hidden_levels(frame, name, levels)
    }
    n_found = len(found)
    found = [each for each in found if (each.label, each.field, each.level) not in closed]
    n_suppressed += n_found - len(found)
    members = frame.select("customer_id", "label")
    wrong, n_untold = count_pains(dataset, members, shown) if dataset is not None else ([], 0)
    n_suppressed += n_untold
    judged = judge(
        [*found, *wrong],
        alpha=spec.alpha,
        min_effect=spec.min_effect,
        min_points=spec.min_points,
        built_from=spec.built_from,
    )
    own = judged.filter(~pl.col("field").is_in([*mixes, *PAINS]))
    traits = choose(own, scores, labels.labels, spec.n_traits, spec.n_traits // 2 + 1)
    report(0.9, "persona_quotes")
    said, unsaid = (
        quoting.choose_quotes(dataset, members, shown, spec)
        if dataset is not None
        else (pl.DataFrame(schema=quoting.SCHEMA), pl.DataFrame(schema={"label": pl.String, "reason": pl.String}))
    )
    compared = [*numbers, *categories]
    return PersonasResult(
        spec=spec,
        currency=customers.currency,
        labels=labels.labels,
        cards=_cards(frame, shown, customers, compared, traits),
        measures=_measures(frame, shown, numbers),
        traits=_masked(traits, sizes),
        needs=_needs(judged.filter(pl.col("field").is_in(list(mixes))), _buyers(frame, mixes), sizes, spec, rank),
        pains=_masked(_pains(judged.filter(pl.col("field").is_in(PAINS)), spec, rank), sizes),
        similar=_similar(traits, rank),
        coverage=_coverage(frame, shown, [name for name in customers.attributes if name in compared]),
        quotes=said,
        unquoted=unsaid,
        members=members.filter(pl.col("label").is_in(shown)),
        families=_families(customers, compared),
        first_day=frame["first_order_on"].min() if "first_order_on" in frame.columns else None,  # type: ignore[arg-type]  # a scalar: Polars types any literal
        last_day=customers.as_of if "first_order_on" in frame.columns else None,
        tables=tuple(dataset.tables) if dataset is not None else (),
        n_customers=frame.height,
        n_tests=judged.height,
        n_suppressed=n_suppressed,
        n_hidden=n_hidden,
        caveats=tuple(caveats),
        key=derive_key("describe_personas", spec, *parents),
    )


def labels_of(result: PersonasResult) -> CustomerLabels:
    """Who belongs to which persona, for the analyses that follow: customers without a card are left out."""
    return CustomerLabels(result.members, result.labels, "describe_personas", result.key)


# ---- What the cards say


def _cards(
    frame: pl.DataFrame, shown: list[str], customers: CustomerTable, fields: list[str], traits: pl.DataFrame
) -> pl.DataFrame:
    revenue = pl.col("revenue").cast(pl.Float64) if "revenue" in frame.columns else pl.lit(None, pl.Float64)
    known = [name for name in customers.attributes if name in fields]
    # Fewer than ten people without a card would be told of by what is left of a total.
    described = frame.filter(pl.col("label").is_in(shown))
    base = described if 0 < frame.height - described.height < PRIVACY_LIMIT else frame
    total = base.select(revenue.sum()).item()
    every = frame.group_by("label").agg(
        pl.len().cast(pl.Int64).alias("n_customers"),
        revenue.sum().alias("revenue") if "revenue" in frame.columns else revenue.first().alias("revenue"),
    )
    coverage = _coverage(frame, shown, known).group_by("label").agg(pl.col("coverage").mean())
    counted = traits.filter("shown").group_by("label").agg(pl.len().cast(pl.Int64).alias("n_shown"))
    return (
        pl.DataFrame({"label": shown}, schema={"label": pl.String})
        .join(every, on="label", how="left", maintain_order="left")
        .join(coverage, on="label", how="left", maintain_order="left")
        .join(counted, on="label", how="left", maintain_order="left")
        .select(
            "label",
            "n_customers",
            (pl.col("n_customers") / base.height).alias("customer_share"),
            "revenue",
            (pl.col("revenue") / total if total and total > 0 else pl.lit(None, pl.Float64)).alias("revenue_share"),
            "coverage",
            pl.col("n_shown").fill_null(0),
        )
    )


def _measures(frame: pl.DataFrame, shown: list[str], numbers: list[str]) -> pl.DataFrame:
    rows = []
    for label in shown:
        inside = frame.filter(pl.col("label") == label)
        for field in numbers:
            values = inside[field].drop_nulls().cast(pl.Float64).drop_nans()
            if values.len() >= PRIVACY_LIMIT:
                quarters = [values.quantile(q, "linear") for q in (0.5, 0.25, 0.75)]
                n = told(values.len(), inside.height)
                rows.append((label, field, n, *quarters, frame[field].cast(pl.Float64).median()))
    schema: dict[str, type[pl.DataType]] = {"label": pl.String, "field": pl.String, "n": pl.Int64}
    schema |= dict.fromkeys(("median", "q25", "q75", "median_all"), pl.Float64)
    return pl.DataFrame(rows, schema=schema, orient="row")


def _similar(traits: pl.DataFrame, rank: dict[str, int]) -> pl.DataFrame:
    """Fields of which every comparison is similar; of a category, the level with the largest difference speaks."""
    return (
        traits.group_by("label", "field")
        .agg(
            (pl.col("verdict") == "similar").all().alias("alike"),
            pl.col("effect", "lo", "hi").sort_by(pl.col("effect").abs()).last(),
        )
        .filter("alike")
        .sort(pl.col("label").replace_strict(rank, return_dtype=pl.Int64), pl.col("effect").abs(), "field")
        .select("label", "field", "effect", "lo", "hi")
    )


def _coverage(frame: pl.DataFrame, shown: list[str], fields: list[str]) -> pl.DataFrame:
    rows = [
        (label, field, at_least(inside[field].count(), inside.height))
        for label in shown
        for inside in [frame.filter(pl.col("label") == label)]
        for field in fields
    ]
    schema = {"label": pl.String, "field": pl.String, "coverage": pl.Float64}
    return pl.DataFrame(rows, schema=schema, orient="row")


def _masked(judged: pl.DataFrame, sizes: Mapping[str, int]) -> pl.DataFrame:
    """``n`` emptied where it would tell of one to nine people whose value is not known."""
    of = pl.col("label").replace_strict(dict(sizes), return_dtype=pl.Int64)
    few = (of - pl.col("n")).is_between(1, PRIVACY_LIMIT - 1)
    return judged.with_columns(n=pl.when(~few).then("n"))


def _buyers(frame: pl.DataFrame, mixes: Mixes) -> dict[tuple[str, str, str], int]:
    """How many people of each group have any of each level: (label, field, level) -> people."""
    named = {column: (field, level) for field, levels in mixes.items() for level, column in levels.items()}
    counted = frame.group_by("label").agg((pl.col(column) > 0).sum() for column in named)
    return {(row["label"], *named[column]): row[column] for row in counted.to_dicts() for column in named}


def _needs(
    judged: pl.DataFrame,
    buyers: Mapping[tuple[str, str, str], int],
    sizes: Mapping[str, int],
    spec: PersonaSpec,
    rank: Mapping[str, int],
) -> pl.DataFrame:
    n = [
        told(buyers[label, field, level], sizes[label])
        for label, field, level in judged.select("label", "field", "level").iter_rows()
    ]
    frame = judged.with_columns(
        n=pl.Series(n, dtype=pl.Int64), lift=pl.col("value_group") / pl.col("value_rest")
    ).with_columns(
        shown=(pl.col("p_holm") < spec.alpha) & (pl.col("effect") > 0) & (pl.col("lift") >= spec.min_lift),
    )
    return _ranked(frame, "lift", ["label", "field"], rank)


def _pains(judged: pl.DataFrame, spec: PersonaSpec, rank: Mapping[str, int]) -> pl.DataFrame:
    more = (pl.col("value_group") / pl.col("value_rest")) >= spec.min_lift
    frame = judged.with_columns(shown=(pl.col("p_holm") < spec.alpha) & (pl.col("effect") > 0) & more)
    return _ranked(frame, "effect", ["label"], rank)


def _ranked(frame: pl.DataFrame, by: str, over: Sequence[str], rank: Mapping[str, int]) -> pl.DataFrame:
    """With the strongest few shown, numbered from 1 in each group; sorted for reading."""
    places = pl.when("shown").then(by).rank("ordinal", descending=True).over(over)
    frame = frame.sort("label", "field", "level").with_columns(rank=places.cast(pl.Int64))
    frame = frame.with_columns(shown=(pl.col("rank") <= MOST_RANKED).fill_null(False))
    frame = frame.with_columns(rank=pl.when("shown").then("rank"))
    order = pl.col("label").replace_strict(dict(rank), return_dtype=pl.Int64)
    columns = [name for name in frame.columns if name != "size"]
    return frame.sort(order, "field", "rank", "level", nulls_last=True).select(columns)


def _families(customers: CustomerTable, fields: Sequence[str]) -> pl.DataFrame:
    family = {column: trait.family for trait in customers.traits for column in trait.columns}
    rows = [(field, family.get(field, "demographics")) for field in fields]
    return pl.DataFrame(rows, schema={"field": pl.String, "family": pl.String}, orient="row")
