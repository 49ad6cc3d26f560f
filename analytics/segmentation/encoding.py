"""Traits of all kinds as numbers that a method can compare: skew transformed, bounded, weighted by family.

How one trait becomes columns is told in ``feature_codes``; here they come together.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import get_args

import numpy as np
import numpy.typing as npt
import polars as pl

from analytics.customers import CustomerTable, Family, Trait
from analytics.errors import AnalysisError, Caveat, Param
from analytics.keys import derive_key
from analytics.progress import report
from analytics.segmentation.feature_codes import (
    FIT,
    Code,
    CountsCode,
    FlagCode,
    NumberCode,
    numbers_of,
)

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Weights = tuple[tuple[Family, float], ...]

CORRELATED, REPEATED = 0.9, 0.999
REST = "*"
FAMILY_MOST = 3.0  # a family counts for at most so many numbers when others stand beside it
MOST_WEIGHT = 10.0
STAND_IN = 6  # features at most where none of the wanted ones is there
MANY = 3  # of one kind of caveat; more are said in one
# Behaviour that a customer table may or may not hold, depending on the data: absent, it is left out, not an error.
BEHAVIOUR = (
    "recency_days",
    "n_orders",
    "mean_order_value",
    "revenue",
    "tenure_days",
    "mean_gap_days",
    "n_items",
    "n_products",
    "n_categories",
    "discount_share",
    "return_share",
)


@dataclass(frozen=True, slots=True, eq=False)
class Encoded:
    """Customers x features as a method sees them.

    Attributes
    ----------
    points : n x d. Every number with mean 0 and deviation 1, categories and shares bounded, families weighted.
    numbers : n x p: the standardised numbers alone, unweighted, NaN where unknown; what repeats another number
        (|r| >= .999) is not there.
    counts : one n x levels block per category or flag (one-hot, all zero = unknown) and per counts trait.
    names : the feature of each column of ``points``; ``levels``: its level, empty for numbers and flags, "*" for all
        levels without a column of their own.
    """

    points: Floats
    numbers: Floats
    counts: tuple[Ints, ...]
    names: tuple[str, ...]
    levels: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.points)

    def take(self, rows: Ints) -> Encoded:
        """The same features for some rows."""
        blocks = tuple(block[rows] for block in self.counts)
        return Encoded(self.points[rows], self.numbers[rows], blocks, self.names, self.levels)


@dataclass(frozen=True, slots=True, eq=False)
class Encoder:
    """What was learnt from one table, to encode any table the same way.

    Attributes
    ----------
    codes : one per feature, in the table's own order; ``factors``: what each feature's columns are multiplied by.
    telling : names of the numbers that stand in ``Encoded.numbers``.
    features : feature, family, trait_kind, transform ("log", "none", "levels", "shares"), n_missing, n_capped,
        n_levels, strength (pseudo-counts of shrunk shares, else null), variance_share (of all variance, 0-1).
    """

    codes: tuple[Code, ...]
    factors: tuple[float, ...]
    telling: tuple[str, ...]
    features: pl.DataFrame
    caveats: tuple[Caveat, ...]

    def encode(self, frame: pl.DataFrame) -> Encoded:
        """``frame`` encoded, row by row; a column that is not there is unknown for everybody."""
        points, numbers, counts, names, levels = [], [], [], [], []
        for code, factor in zip(self.codes, self.factors, strict=True):
            columns, block = code.encode(frame)
            if code.name in self.telling and isinstance(code, NumberCode):
                unknown = ~np.isfinite(numbers_of(frame, code.column))
                numbers.append(np.where(unknown[:, None], np.nan, columns) if unknown.any() else columns)
            if block is not None:
                counts.append(block)
            points.append(columns if factor == 1.0 else columns * factor)
            names += [code.name] * columns.shape[1]
            levels += [level or ("" if columns.shape[1] == 1 else REST) for level in code.levels]
        together = np.column_stack(points)
        same = len(numbers) == len(points) and all(a is b for a, b in zip(numbers, points, strict=True))
        return Encoded(
            points=together,
            numbers=together if same else np.column_stack(numbers) if numbers else np.empty((frame.height, 0)),
            counts=tuple(counts),
            names=tuple(names),
            levels=tuple(levels),
        )


@dataclass(frozen=True, slots=True, eq=False)
class EncodedCustomers:
    """A customer table as methods see it, with the way back to its rows.

    Attributes
    ----------
    rows : the row of ``CustomerTable.frame`` that each row of ``encoded`` is; rows are ordered by feature values.
    n_left_out : customers without an order; they are in no segment.
    """

    encoder: Encoder
    encoded: Encoded
    rows: Ints
    n_left_out: int
    key: str
    caveats: tuple[Caveat, ...] = ()

    @staticmethod
    def key_of(customers: CustomerTable, features: tuple[str, ...], weights: Weights) -> str:
        """The key of ``encode(customers, features, weights)``."""
        weighed = (f"{family}={float(weight)}" for family, weight in sorted(weights))
        return derive_key("encode", None, customers.key, *features, *weighed)


def encode(customers: CustomerTable, features: tuple[str, ...], weights: Weights = ()) -> EncodedCustomers:
    """Customers with an order, encoded by an ``Encoder`` fitted on them. Raises what ``fit_encoder`` raises."""
    report(0.0, "segment_features")
    traits, caveats = _chosen(customers, features, weights)
    rows, frame = _sorted(customers, traits)
    encoder = _fit(frame, traits, caveats, features, weights)
    report(0.6, "segment_features")
    return EncodedCustomers(
        encoder=encoder,
        encoded=encoder.encode(frame),
        rows=rows,
        n_left_out=customers.n_without_orders + customers.frame.height - len(rows),
        key=EncodedCustomers.key_of(customers, features, weights),
        caveats=encoder.caveats,
    )


def fit_encoder(customers: CustomerTable, features: tuple[str, ...], weights: Weights = ()) -> Encoder:
    """Learn from a table's customers with orders how to encode them.

    Numbers: a missing value becomes the median and has no part in the scale. Skewness above 1 and at most one percent
    below zero (which counts as zero: more returned than bought) become log(1 + x / s), s their 5th percentile above
    zero, so that a change of unit changes nothing. Values beyond three interquartile ranges from the quartiles are
    capped (percentiles 1 and 99 where the quartiles are equal); then mean 0, deviation 1. Categories: the 12 most
    frequent levels of at least one percent, the rest one level; variance at most half a number's; unknown lies in the
    middle. Counts: shrunk shares. Features that correlate from .9 on share one weight, and a family beside others
    counts at most three numbers times its weight; weight 0 leaves it out. What holds one value, no value or looks like
    an id is left out and said. Where none of the wanted behaviour is known, up to six other traits stand in.

    Raises ``AnalysisError``: feature_is_id, feature_unknown, features_without_spread, family_weights_zero.
    """
    traits, caveats = _chosen(customers, features, weights)
    return _fit(_sorted(customers, traits)[1], traits, caveats, features, weights)


def usable_features(customers: CustomerTable) -> tuple[str, ...]:
    """Traits that may be chosen, in the table's order; no id."""
    return tuple(trait.name for trait in customers.traits if not is_id(trait.name))


def is_id(name: str) -> bool:
    return name == "id" or name.lower().endswith("_id")


def refuse_id(name: str) -> None:
    if is_id(name):
        raise AnalysisError("feature_is_id", field=name)


def ordering_rows(customers: CustomerTable) -> Ints:
    """Rows of the table whose customer has ordered; all of them where no orders are known."""
    frame = customers.frame
    if "n_orders" not in frame.columns:
        return np.arange(frame.height)
    return np.flatnonzero(frame["n_orders"].fill_null(0).to_numpy() > 0)


# ---- fitting


def _sorted(customers: CustomerTable, traits: list[Trait]) -> tuple[Ints, pl.DataFrame]:
    """Rows of customers with orders by the values of their traits, and these columns: an order that neither ids nor
    the file decide, so that the same draw always meets the same customers."""
    rows = ordering_rows(customers)
    columns = list(dict.fromkeys(column for trait in traits for column in trait.columns))
    frame = customers.frame.select(columns)
    frame = frame[rows] if len(rows) < frame.height else frame
    order = frame.select(pl.arg_sort_by(columns, nulls_last=True).cast(pl.Int64)).to_series().to_numpy()
    return rows[order], frame[order]


def _fit(
    frame: pl.DataFrame, traits: list[Trait], caveats: list[Caveat], features: tuple[str, ...], weights: Weights
) -> Encoder:
    codes: list[Code] = []
    rows: list[tuple[str, str, str, str, int, int, int, float | None]] = []
    singles: dict[str, Floats] = {}
    variances: list[float] = []
    kept: list[Trait] = []
    for trait in traits:
        fitted = FIT[trait.kind](frame, trait, caveats)
        if fitted is None:
            continue
        code, n_missing, n_capped = fitted
        columns, _ = code.encode(frame)
        if isinstance(code, NumberCode | FlagCode):
            singles[trait.name] = columns[:, 0]
        kept.append(trait)
        codes.append(code)
        variances.append(float(columns.var(axis=0).sum()))
        logged = isinstance(code, NumberCode) and code.log_scale > 0
        transform = {"category": "levels", "counts": "shares"}.get(trait.kind, "log" if logged else "none")
        strength = code.strength if isinstance(code, CountsCode) else None
        rows.append((trait.name, trait.family, trait.kind, transform, n_missing, n_capped, len(code.levels), strength))
    if not codes:
        raise AnalysisError("features_without_spread", n=frame.height, fields=", ".join(features))
    alike, telling = _alike(singles, caveats, {code.name for code in codes if isinstance(code, NumberCode)})
    factors = _factors(kept, variances, alike, dict(weights))
    share = np.array([factor**2 * variance for factor, variance in zip(factors, variances, strict=True)])
    schema = {
        **dict.fromkeys(("feature", "family", "trait_kind", "transform"), pl.String),
        **dict.fromkeys(("n_missing", "n_capped", "n_levels"), pl.Int64),
        "strength": pl.Float64,
    }
    table = pl.DataFrame(rows, schema=schema, orient="row").with_columns(
        pl.Series("variance_share", share / share.sum())
    )
    return Encoder(tuple(codes), tuple(factors), telling, table, _gathered(caveats))


def _chosen(customers: CustomerTable, features: tuple[str, ...], weights: Weights) -> tuple[list[Trait], list[Caveat]]:
    """The wanted traits that are there, in the table's own order, with what is said about the others."""
    known = {trait.name: trait for trait in customers.traits}
    given = dict(weights)
    caveats: list[Caveat] = []
    traits: list[Trait] = []
    unknown: list[str] = []
    wanted = dict.fromkeys(features)
    for name in wanted:
        refuse_id(name)
        trait = known.get(name)
        if trait is None:
            unknown += [] if name in BEHAVIOUR else [name]
            caveats.append(Caveat("feature_missing", "watch", {"field": name}))
        elif given.get(trait.family, 1.0) > 0:
            traits.append(trait)
    if not traits and len(unknown) == len(wanted):
        raise AnalysisError("feature_unknown", field=unknown[0])
    if not traits and any(name in known for name in wanted):
        raise AnalysisError("family_weights_zero")
    if not traits:  # customers of whom no behaviour is known: what is known of them stands in
        usable = [trait for trait in customers.traits if not is_id(trait.name) and given.get(trait.family, 1.0) > 0]
        traits = ([trait for trait in usable if trait.kind == "number"] or usable)[:STAND_IN]
        if not traits:
            raise AnalysisError("features_without_spread", n=customers.frame.height, fields=", ".join(wanted))
        caveats = [Caveat("features_stand_in", "watch", {"fields": ", ".join(trait.name for trait in traits)})]
    rank = {trait.name: i for i, trait in enumerate(customers.traits)}
    return sorted(traits, key=lambda trait: rank[trait.name]), caveats


def _gathered(caveats: list[Caveat]) -> tuple[Caveat, ...]:
    """Caveats that many features share, as one each."""
    unknown = [caveat for caveat in caveats if caveat.code in ("values_filled", "level_unknown")]
    alike = [caveat for caveat in caveats if caveat.code == "features_correlated"]
    kept = list(caveats)
    if len(unknown) > MANY:
        fields = ", ".join(str(caveat.params["field"]) for caveat in unknown)
        most = max(int(caveat.params["n"] or 0) for caveat in unknown)
        severity = "watch" if any(caveat.severity == "watch" for caveat in unknown) else "note"
        said = Caveat("features_unknown", severity, {"count": len(unknown), "fields": fields, "n": most})
        kept = [*(caveat for caveat in kept if caveat not in unknown), said]
    if len(alike) > MANY:
        pairs = [str(caveat.params[side]) for caveat in alike for side in ("field_a", "field_b")]
        names = dict.fromkeys(pairs)
        said = Caveat("features_alike", "note", {"count": len(names), "fields": ", ".join(names)})
        kept = [*(caveat for caveat in kept if caveat not in alike), said]
    return tuple(kept)


def _alike(
    singles: dict[str, Floats], caveats: list[Caveat], numbers: set[str]
) -> tuple[dict[str, int], tuple[str, ...]]:
    """How many features each correlated feature shares its weight with, and the numbers that repeat no other."""
    names = list(singles)
    if len(names) < 2:
        return dict.fromkeys(names, 1), tuple(name for name in names if name in numbers)
    correlation = np.atleast_2d(np.corrcoef(np.column_stack(list(singles.values())), rowvar=False))
    group = list(range(len(names)))
    repeated: set[str] = set()
    for i, a in enumerate(names):
        for j in range(i + 1, len(names)):
            if abs(correlation[i, j]) < CORRELATED:
                continue
            params: dict[str, Param] = {"field_a": a, "field_b": names[j], "r": round(float(correlation[i, j]), 3)}
            caveats.append(Caveat("features_correlated", "note", params))
            joined = group[j]
            group = [group[i] if other == joined else other for other in group]
            if abs(correlation[i, j]) >= REPEATED:
                repeated.add(names[j])
    alike = {name: group.count(group[i]) for i, name in enumerate(names)}
    return alike, tuple(name for name in names if name in numbers and name not in repeated)


def _factors(
    traits: list[Trait], variances: list[float], alike: dict[str, int], weights: dict[Family, float]
) -> list[float]:
    shared = [variance / alike.get(trait.name, 1) for trait, variance in zip(traits, variances, strict=True)]
    family: dict[Family, float] = {}
    for trait, variance in zip(traits, shared, strict=True):
        family[trait.family] = family.get(trait.family, 0.0) + variance
    factors = []
    for trait in traits:
        total = family[trait.family]
        counts = weights.get(trait.family, 1.0) * min(total, FAMILY_MOST) / total if len(family) > 1 else 1.0
        factors.append(float(np.sqrt(counts / alike.get(trait.name, 1))))
    return factors


def check_weights(weights: Weights) -> None:
    """Refuse weights of families that do not exist, stand twice or lie outside 0-10, and weights that are all zero."""
    names = [name for name, _ in weights]
    if len(set(names)) < len(names) or not set(names) <= set(get_args(Family)):
        raise AnalysisError("family_unknown", names=", ".join(names))
    for name, weight in weights:
        if not 0 <= weight <= MOST_WEIGHT:
            raise AnalysisError("family_weight_range", name=name, weight=weight, most=MOST_WEIGHT)
    if len(names) == len(get_args(Family)) and not any(weight for _, weight in weights):
        raise AnalysisError("family_weights_zero")
