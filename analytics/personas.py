"""Personas: who the people in each group are, said as differences from everybody else.

The differences are those of ``analytics.contrasts``. What a persona needs to be trusted: Salminen, Jansen et al.
(2021).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import polars as pl

from analytics.contrasts import PRIVACY_LIMIT, choose, comparable_fields, contrast_groups, judge
from analytics.customers import CustomerLabels, CustomerTable
from analytics.errors import AnalysisError, Caveat
from analytics.keys import derive_key
from analytics.progress import report


@dataclass(frozen=True, slots=True)
class PersonaSpec:
    """What a persona card shows.

    ``source`` is where groups come from: the labels passed in. Groups under ``min_group`` people get no card.
    A trait is shown when Holm's p is under ``alpha`` and the difference is at least ``min_effect`` standard
    deviations or ``min_points`` (share, 0-1), the ``n_traits`` strongest first, one per field. ``built_from`` names
    the fields that made the groups: they differ by construction, are marked and take little more than half of the
    places at most. Raises ``AnalysisError``:
    min_group_below_limit, persona_choice_range.
    """

    source: Literal["segments"] = "segments"
    min_group: int = PRIVACY_LIMIT
    n_traits: int = 5
    min_effect: float = 0.2
    min_points: float = 0.05
    alpha: float = 0.05
    built_from: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.min_group < PRIVACY_LIMIT:
            raise AnalysisError("min_group_below_limit", n=self.min_group, limit=PRIVACY_LIMIT)
        if not (1 <= self.n_traits <= 12 and self.min_effect >= 0 and 0 <= self.min_points < 1 and 0 < self.alpha < 1):
            raise AnalysisError("persona_choice_range")


@dataclass(frozen=True, slots=True, eq=False)
class PersonasResult:
    """One card per group of at least ``spec.min_group`` customers, in the labels' display order.

    Attributes
    ----------
    labels : all labels in display order, also those without a card (colour i belongs to label i).
    cards : label, n_customers, customer_share (0-1), revenue (currency units), revenue_share (0-1), coverage (share
        of known values over the attributes, 0-1; null without attributes), n_shown (traits shown).
    measures : label, field, n, median, q25, q75, median_all: behaviour and numeric attributes.
    traits : every comparison made: label, field, level (null for numbers), kind ("number" or "share"), n (known
        values in the group), value_group, value_rest (medians, or shares 0-1), effect (standard deviations between
        normal scores, or difference in share), lo, hi (95 %), size (|d| or Cohen's |h|), p, p_holm (over all
        comparisons of the result), verdict ("different", "similar": the interval lies within the least difference
        shown, "unclear"), built_in (the field made the groups), shown, rank (1 = strongest; null unless shown).
    similar : label, field, effect, lo, hi: fields that are NOT different (for a category the widest level).
    coverage : label, field, coverage (0-1): of how many in the group an attribute is known.
    n_customers : customers with a label; n_tests : comparisons made; n_suppressed : comparisons left out because
        they would tell of 1-9 people; n_hidden : groups without a card.
    """

    spec: PersonaSpec
    currency: str
    labels: tuple[str, ...]
    cards: pl.DataFrame
    measures: pl.DataFrame
    traits: pl.DataFrame
    similar: pl.DataFrame
    coverage: pl.DataFrame
    n_customers: int
    n_tests: int
    n_suppressed: int
    n_hidden: int
    caveats: tuple[Caveat, ...]
    key: str


def describe_personas(customers: CustomerTable, labels: CustomerLabels, spec: PersonaSpec) -> PersonasResult:
    """Say how each group differs from all other labelled customers, and in what it does not.

    Numbers are compared by normal scores of their ranks, so that no outlier, unit or skew changes the verdict;
    categories and flags by their shares. Comparisons that would tell of one to nine people are left out. Raises
    ``AnalysisError``: labels_unknown, personas_all_small.
    """
    key = derive_key("describe_personas", spec, customers.key, labels.key)
    report(0.0, "persona_groups")
    rank = {label: i for i, label in enumerate(labels.labels)}
    frame = customers.frame.join(labels.frame.select("customer_id", "label"), on="customer_id", how="inner")
    frame = frame.sort("customer_id")
    unknown = set(frame["label"].unique().to_list()) - rank.keys()
    if not frame.height or unknown:
        raise AnalysisError("labels_unknown", n=frame.height)
    sizes = dict(frame.group_by("label").len().iter_rows())
    shown = [label for label in labels.labels if sizes.get(label, 0) >= spec.min_group]
    n_hidden = sum(0 < sizes.get(label, 0) < spec.min_group for label in labels.labels)
    if not shown:
        raise AnalysisError("personas_all_small", limit=spec.min_group)
    numbers, categories, caveats = comparable_fields(customers, frame)
    if n_hidden:
        caveats.append(Caveat("personas_hidden", "note", {"n": n_hidden, "limit": spec.min_group}))
    if len(shown) == 1 and not n_hidden:
        caveats.append(Caveat("personas_no_rest", "watch", {}))

    found, scores, n_suppressed = contrast_groups(
        frame, shown, numbers, categories, lambda done: report(0.1 + 0.8 * done, "persona_traits")
    )
    judged = judge(
        found,
        alpha=spec.alpha,
        min_effect=spec.min_effect,
        min_points=spec.min_points,
        built_from=spec.built_from,
    )
    traits = choose(judged, scores, labels.labels, spec.n_traits, spec.n_traits // 2 + 1)
    return PersonasResult(
        spec=spec,
        currency=customers.currency,
        labels=labels.labels,
        cards=_cards(frame, shown, customers, [*numbers, *categories], traits),
        measures=_measures(frame, shown, numbers),
        traits=traits,
        similar=_similar(traits, rank),
        coverage=_coverage(frame, shown, [name for name in customers.attributes if name in {*numbers, *categories}]),
        n_customers=frame.height,
        n_tests=traits.height,
        n_suppressed=n_suppressed,
        n_hidden=n_hidden,
        caveats=tuple(caveats),
        key=key,
    )


# ---- What the cards say


def _cards(
    frame: pl.DataFrame, shown: list[str], customers: CustomerTable, fields: list[str], traits: pl.DataFrame
) -> pl.DataFrame:
    revenue = pl.col("revenue").cast(pl.Float64) if "revenue" in frame.columns else pl.lit(None, pl.Float64)
    known = [name for name in customers.attributes if name in fields]
    coverage = pl.mean_horizontal(pl.col(known).is_not_null().mean()) if known else pl.lit(None, pl.Float64)
    total = frame.select(revenue.sum()).item()
    every = frame.group_by("label").agg(
        pl.len().cast(pl.Int64).alias("n_customers"),
        revenue.sum().alias("revenue") if "revenue" in frame.columns else revenue.first().alias("revenue"),
        coverage.alias("coverage") if known else coverage.first().alias("coverage"),
    )
    counted = traits.filter("shown").group_by("label").agg(pl.len().cast(pl.Int64).alias("n_shown"))
    return (
        pl.DataFrame({"label": shown}, schema={"label": pl.String})
        .join(every, on="label", how="left", maintain_order="left")
        .join(counted, on="label", how="left", maintain_order="left")
        .select(
            "label",
            "n_customers",
            (pl.col("n_customers") / frame.height).alias("customer_share"),
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
                rows.append((label, field, values.len(), *quarters, frame[field].cast(pl.Float64).median()))
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
        (label, field, 1 - inside[field].null_count() / inside.height)
        for label in shown
        for inside in [frame.filter(pl.col("label") == label)]
        for field in fields
    ]
    schema = {"label": pl.String, "field": pl.String, "coverage": pl.Float64}
    return pl.DataFrame(rows, schema=schema, orient="row")
