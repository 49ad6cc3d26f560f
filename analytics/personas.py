"""Personas: who the people in each group are, said as differences from everybody else.

Sources: van der Waerden (1952) normal scores, which make a standardised difference robust to skew and outliers;
Cohen (1988) for d and h; Hedges and Olkin (1985) for the deviation of d; Newcombe (1998, method 10) for the interval
of a difference in shares; Holm (1979). What a persona needs to be trusted: Salminen, Jansen et al. (2021).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

from analytics.customers import CustomerLabels, CustomerTable
from analytics.errors import AnalysisError, Caveat
from analytics.keys import derive_key
from analytics.progress import report
from analytics.schema import CUSTOMERS

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

PRIVACY_LIMIT = 10  # no figure about fewer people than this
MOST_LEVELS = 12  # levels of a category that are looked at; the rest count as one
REDUNDANT = 0.9  # rank correlation from which a second trait tells nothing new
_Z = 1.959963984540054


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


class _Trait(NamedTuple):
    label: str
    field: str
    level: str | None
    kind: str
    n: int
    value_group: float
    value_rest: float
    effect: float
    lo: float
    hi: float
    size: float
    p: float


_TRAIT_SCHEMA: dict[str, type[pl.DataType]] = {
    "label": pl.String,
    "field": pl.String,
    "level": pl.String,
    "kind": pl.String,
    "n": pl.Int64,
    **dict.fromkeys(("value_group", "value_rest", "effect", "lo", "hi", "size", "p"), pl.Float64),
}


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
    numbers, categories, caveats = _fields(customers, frame)
    if n_hidden:
        caveats.append(Caveat("personas_hidden", "note", {"n": n_hidden, "limit": spec.min_group}))
    if len(shown) == 1 and not n_hidden:
        caveats.append(Caveat("personas_no_rest", "watch", {}))

    group = frame["label"].to_numpy()
    found: list[_Trait] = []
    n_suppressed = 0
    ranks: dict[str, Floats] = {}
    for done, field in enumerate([*numbers, *categories]):
        report(0.1 + 0.8 * done / max(len(numbers) + len(categories), 1), "persona_traits")
        if field in numbers:
            values = frame[field].cast(pl.Float64).fill_nan(None)
            ranks[field] = _normal_scores(values)
            for label in shown:
                trait = _number_trait(label, field, values.to_numpy(), ranks[field], group == label)
                found += [trait] if trait else []
        else:
            column = frame[field].cast(pl.String).to_numpy()
            known = frame[field].is_not_null().to_numpy()
            for level in categories[field]:
                for label in shown:
                    inside = known & (group == label)
                    outside = known & (group != label)
                    trait = _share_trait(label, field, level, column == level, inside, outside)
                    found += [trait] if trait else []
                    n_suppressed += trait is None and bool(inside.any() and outside.any())
    traits = _judge(found, spec, ranks, rank)
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


def _fields(customers: CustomerTable, frame: pl.DataFrame) -> tuple[list[str], dict[str, list[str]], list[Caveat]]:
    """Fields to compare: numbers, and categories with the levels looked at. Ids, names, texts and dates never."""
    closed = {field.name for field in CUSTOMERS.fields if field.role in ("id", "text", "time")}
    numbers: list[str] = []
    categories: dict[str, list[str]] = {}
    caveats: list[Caveat] = []
    extra = [name for name in ("top_category", "top_channel", "top_payment_method") if name in frame.columns]
    for name in dict.fromkeys((*customers.measures, *customers.attributes, *extra)):
        if name not in frame.columns or name in closed or name.lower().endswith("_id") or name == "label":
            continue
        column = frame[name]
        n_known = column.drop_nulls().len()
        if n_known < 2 * PRIVACY_LIMIT:
            if n_known < column.len():
                caveats.append(Caveat("attribute_unknown", "note", {"field": name, "n": n_known}))
            continue
        if column.dtype.is_numeric():
            if column.n_unique() > 1:
                numbers.append(name)
        elif column.dtype == pl.Boolean:
            categories[name] = ["true"]
        elif column.dtype == pl.String or isinstance(column.dtype, pl.Categorical | pl.Enum):
            counts = column.drop_nulls().cast(pl.String).value_counts().rename({name: "level"})
            counts = counts.filter(pl.col("count") >= PRIVACY_LIMIT).sort("count", "level", descending=[True, False])
            if not counts.height or column.n_unique() > n_known / 2:
                caveats.append(Caveat("attribute_too_varied", "note", {"field": name}))
                continue
            categories[name] = counts["level"].head(MOST_LEVELS).to_list()
            if counts.height > MOST_LEVELS:
                caveats.append(
                    Caveat("levels_left_out", "note", {"field": name, "kept": MOST_LEVELS, "n": column.n_unique()})
                )
    return numbers, categories, caveats


# ---- Comparisons


def _normal_scores(values: pl.Series) -> Floats:
    """Van der Waerden scores of the mid-ranks; NaN where there is no value."""
    from scipy.special import ndtri

    n = values.len() - values.null_count()
    ranks = values.rank("average").cast(pl.Float64).fill_null(float("nan")).to_numpy()
    scores: Floats = ndtri((ranks - 0.5) / max(n, 1))
    return scores


def _number_trait(label: str, field: str, values: Floats, scores: Floats, inside: Flags) -> _Trait | None:
    from scipy.special import stdtr

    known = np.isfinite(scores)
    a, b = scores[inside & known], scores[~inside & known]
    n_a, n_b = len(a), len(b)
    if min(n_a, n_b) < PRIVACY_LIMIT:
        return None
    var_a, var_b = a.var(ddof=1), b.var(ddof=1)
    pooled = ((n_a - 1) * var_a + (n_b - 1) * var_b) / (n_a + n_b - 2)
    if pooled <= 1e-12:  # no spread inside the groups: nothing to measure the difference by
        return None
    share_a, share_b = var_a / n_a, var_b / n_b
    difference, variance = a.mean() - b.mean(), share_a + share_b
    d = difference / np.sqrt(pooled)
    error = np.sqrt(variance / pooled + d**2 / (2 * (n_a + n_b)))
    freedom = variance**2 / (share_a**2 / (n_a - 1) + share_b**2 / (n_b - 1))
    p = 2 * float(stdtr(freedom, -abs(difference) / np.sqrt(variance)))
    medians = float(np.median(values[inside & known])), float(np.median(values[~inside & known]))
    return _Trait(
        label, field, None, "number", n_a, *medians, float(d), float(d - _Z * error), float(d + _Z * error), abs(d), p
    )


def _share_trait(label: str, field: str, level: str, has: Flags, inside: Flags, outside: Flags) -> _Trait | None:
    from scipy.special import ndtr

    n_a, n_b = int(inside.sum()), int(outside.sum())
    x_a, x_b = int((has & inside).sum()), int((has & outside).sum())
    # One to nine people are never told of, neither by having a trait nor by lacking it.
    if any(0 < cell < PRIVACY_LIMIT for cell in (x_a, n_a - x_a, x_b, n_b - x_b)) or not n_a or not n_b:
        return None
    if min(n_a, n_b) < PRIVACY_LIMIT or x_a == 0 or not 0 < x_a + x_b < n_a + n_b:
        return None
    p_a, p_b = x_a / n_a, x_b / n_b
    pooled = (x_a + x_b) / (n_a + n_b)
    z = (p_a - p_b) / np.sqrt(pooled * (1 - pooled) * (1 / n_a + 1 / n_b))
    (low_a, high_a), (low_b, high_b) = _wilson(p_a, n_a), _wilson(p_b, n_b)
    low = p_a - p_b - np.hypot(p_a - low_a, high_b - p_b)
    high = p_a - p_b + np.hypot(high_a - p_a, p_b - low_b)
    h = abs(2 * np.arcsin(np.sqrt(p_a)) - 2 * np.arcsin(np.sqrt(p_b)))
    p = 2 * float(ndtr(-abs(z)))
    return _Trait(label, field, level, "share", n_a, p_a, p_b, p_a - p_b, float(low), float(high), float(h), p)


def _wilson(share: float, n: int) -> tuple[float, float]:
    centre = (share + _Z**2 / (2 * n)) / (1 + _Z**2 / n)
    reach = _Z / (1 + _Z**2 / n) * np.sqrt(share * (1 - share) / n + _Z**2 / (4 * n**2))
    return float(centre - reach), float(centre + reach)


def _holm(p: Floats) -> Floats:
    order = np.argsort(p, kind="stable")
    steps = np.maximum.accumulate(p[order] * (len(p) - np.arange(len(p))))
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(steps, 1.0)
    return adjusted


def _judge(found: list[_Trait], spec: PersonaSpec, ranks: dict[str, Floats], rank: dict[str, int]) -> pl.DataFrame:
    """Verdicts, and which traits a card shows."""
    frame = pl.DataFrame(found, schema=_TRAIT_SCHEMA, orient="row")
    least = pl.when(pl.col("kind") == "number").then(spec.min_effect).otherwise(spec.min_points)
    clear = (pl.col("p_holm") < spec.alpha) & (pl.col("effect").abs() >= least)
    similar = (pl.col("lo") > -least) & (pl.col("hi") < least)
    frame = frame.with_columns(
        pl.Series("p_holm", _holm(frame["p"].to_numpy()), dtype=pl.Float64),
        pl.col("field").is_in(list(spec.built_from)).alias("built_in"),
    ).with_columns(
        pl.when(clear)
        .then(pl.lit("different"))
        .when(similar)
        .then(pl.lit("similar"))
        .otherwise(pl.lit("unclear"))
        .alias("verdict")
    )
    places: list[int | None] = [None] * frame.height
    for label in rank:
        taken: list[str] = []
        n_built_in = 0
        strongest = (
            frame.with_row_index("row")
            .filter((pl.col("label") == label) & (pl.col("verdict") == "different"))
            # Of two levels that mirror each other, the one that is more frequent here is the one to tell.
            .sort(pl.col("size").round(9), pl.col("effect"), "field", descending=[True, True, False])
        )
        for row, field, built_in in strongest.select("row", "field", "built_in").iter_rows():
            if field in taken or any(_same(ranks, field, other) for other in taken):
                continue
            if built_in and n_built_in > spec.n_traits // 2:
                continue
            n_built_in += built_in
            taken.append(field)
            places[row] = len(taken)
            if len(taken) == spec.n_traits:
                break
    return (
        frame.with_columns(pl.Series("rank", places, dtype=pl.Int64))
        .with_columns(pl.col("rank").is_not_null().alias("shown"))
        .sort(
            pl.col("label").replace_strict(rank, return_dtype=pl.Int64),
            pl.col("rank"),
            pl.col("size"),
            "field",
            "level",
            descending=[False, False, True, False, False],
            nulls_last=True,
        )
    )


def _same(ranks: dict[str, Floats], field: str, other: str) -> bool:
    """Whether two numbers rank customers alike, so that the second trait would repeat the first."""
    if field not in ranks or other not in ranks:
        return False
    both = np.isfinite(ranks[field]) & np.isfinite(ranks[other])
    a, b = ranks[field][both], ranks[other][both]
    return len(a) > 2 and a.std() > 0 and b.std() > 0 and bool(abs(np.corrcoef(a, b)[0, 1]) >= REDUNDANT)


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
