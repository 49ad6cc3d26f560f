"""One trait as columns: how each kind is learnt from a table, and how it encodes any table.

Sources: Tukey's far-out fences (1977); categories at half the variance of a number, since their gaps would otherwise
decide every cut (Hennig and Liao 2013); shares shrunk as under a Dirichlet-multinomial, its overdispersion by moments
(Weir and Hill 2002).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt
import polars as pl

from analytics.customers import Trait
from analytics.errors import Caveat

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

MOST_LEVELS, LEAST_LEVEL = 12, 0.01  # levels of a category with a column of their own
CATEGORY_VARIANCE = 0.5  # of a whole category, at most
_MIX_FACTOR = 10.0**0.5  # hardly differing shares are stretched by at most this
_ALONE = 30  # from so many customers on a whole number that never repeats is taken for an id


@dataclass(frozen=True, slots=True)
class NumberCode:
    """``log_scale`` 0 means no logarithm."""

    levels: ClassVar[tuple[str, ...]] = ("",)

    name: str
    column: str
    median: float
    log_scale: float
    low: float
    high: float
    mean: float
    deviation: float

    def encode(self, frame: pl.DataFrame) -> tuple[Floats, Ints | None]:
        raw = numbers_of(frame, self.column)
        values = self._moved(np.where(np.isfinite(raw), raw, self.median))
        np.clip(values, self.low, self.high, out=values)
        return ((values - self.mean) / self.deviation)[:, None], None

    def _moved(self, values: Floats) -> Floats:
        moved: Floats = np.log1p(np.maximum(values, 0.0) / self.log_scale) if self.log_scale else values
        return moved


@dataclass(frozen=True, slots=True)
class FlagCode:
    """A flag is a category of two levels: its values lie as far apart as two levels do."""

    levels: ClassVar[tuple[str, ...]] = ("",)

    name: str
    column: str
    share: float

    def encode(self, frame: pl.DataFrame) -> tuple[Floats, Ints | None]:
        raw = numbers_of(frame, self.column)
        known = np.isfinite(raw)
        values = np.where(known, (raw - self.share) * np.sqrt(2.0), 0.0)
        return values[:, None], np.column_stack([known & (raw > 0), known & (raw == 0)]).astype(np.int64)


@dataclass(frozen=True, slots=True)
class CategoryCode:
    """``levels`` in order of size; an empty one at the end stands for all the others."""

    name: str
    column: str
    levels: tuple[str, ...]
    shares: tuple[float, ...]
    scale: float

    def encode(self, frame: pl.DataFrame) -> tuple[Floats, Ints | None]:
        n_levels = len(self.levels)
        other = n_levels - 1 if self.levels[-1] == "" else n_levels
        if self.column not in frame.columns:
            return np.zeros((frame.height, n_levels)), np.zeros((frame.height, n_levels), dtype=np.int64)
        numbered = {level: i for i, level in enumerate(self.levels) if level}
        column = frame[self.column].cast(pl.String)
        codes = column.replace_strict(numbered, default=other, return_dtype=pl.Int64)
        codes = codes.zip_with(column.is_not_null(), pl.Series([n_levels], dtype=pl.Int64))
        block = np.zeros((frame.height, n_levels + 1), dtype=np.int64)
        block[np.arange(frame.height), codes.to_numpy()] = 1
        block = np.ascontiguousarray(block[:, :n_levels])
        points = (block - np.array(self.shares)) * self.scale
        points[block.sum(axis=1) == 0] = 0.0
        return points, block


@dataclass(frozen=True, slots=True)
class CountsCode:
    """Shares of levels, shrunk to the shares of all by ``strength`` pseudo-counts."""

    name: str
    columns: tuple[str, ...]
    levels: tuple[str, ...]
    prior: tuple[float, ...]
    strength: float
    scale: float

    def encode(self, frame: pl.DataFrame) -> tuple[Floats, Ints | None]:
        block = _counts(frame, self.columns)
        prior = np.array(self.prior)
        total = block.sum(axis=1, keepdims=True)
        shares = (block + self.strength * prior) / (total + self.strength)
        return (shares - prior) * self.scale, block


Code = NumberCode | FlagCode | CategoryCode | CountsCode


# ---- learnt from a table

Fitted = tuple[Code, int, int] | None


def _fit_number(frame: pl.DataFrame, trait: Trait, caveats: list[Caveat]) -> Fitted:
    name, (column,) = trait.name, trait.columns
    raw = numbers_of(frame, column)
    finite = np.isfinite(raw)
    if not finite.any():
        caveats.append(Caveat("feature_missing", "watch", {"field": name}))
        return None
    whole = trait.family != "behaviour" and frame.schema[column].is_integer() and finite.sum() >= _ALONE
    if whole and frame[column].drop_nulls().n_unique() == finite.sum():
        caveats.append(Caveat("feature_like_id", "watch", {"field": name, "n": int(finite.sum())}))
        return None
    n_missing = int((~finite).sum())
    values = raw[finite]  # who is unknown has no part in scales: else the few who answered would lie far out
    median = float(np.median(values))
    spread = values.std()
    if spread <= 1e-12 * max(1.0, abs(float(values.mean()))):
        caveats.append(Caveat("feature_constant", "watch", {"field": name}))
        return None
    log_scale = 0.0
    skewness = float((((values - values.mean()) / spread) ** 3).mean())
    below_zero = values < 0
    if skewness > 1 and below_zero.mean() <= 0.01 and ((values > values.min()) & (values < values.max())).any():
        values = np.maximum(values, 0.0)
        log_scale = float(np.quantile(values[values > 0], 0.05))
        values = np.log1p(values / log_scale)
    low, high = np.quantile(values, [0.25, 0.75])
    if low == high:  # more than half the customers share one value
        low, high = np.quantile(values, [0.01, 0.99])
    low, high = (low - 3 * (high - low), high + 3 * (high - low)) if low < high else (-np.inf, np.inf)
    n_capped = int(((values < low) | (values > high) | (below_zero if log_scale else False)).sum())
    values = np.clip(values, low, high)
    if n_missing:
        caveats.append(_unknown("values_filled", name, n_missing, frame.height))
    if n_capped > 0.01 * len(values):
        caveats.append(Caveat("values_capped", "note", {"field": name, "n": n_capped}))
    code = NumberCode(
        name, column, median, log_scale, float(low), float(high), float(values.mean()), float(values.std())
    )
    return code, n_missing, n_capped


def _fit_flag(frame: pl.DataFrame, trait: Trait, caveats: list[Caveat]) -> Fitted:
    name, (column,) = trait.name, trait.columns
    raw = numbers_of(frame, column)
    known = np.isfinite(raw)
    share = float(raw[known].mean()) if known.any() else 0.0
    if not 0 < share < 1:
        caveats.append(Caveat("feature_constant" if known.any() else "feature_missing", "watch", {"field": name}))
        return None
    n_missing = int((~known).sum())
    if n_missing:
        caveats.append(_unknown("level_unknown", name, n_missing, frame.height))
    return FlagCode(name, column, share), n_missing, 0


def _fit_category(frame: pl.DataFrame, trait: Trait, caveats: list[Caveat]) -> Fitted:
    name, (column,) = trait.name, trait.columns
    held = frame[column].cast(pl.String).drop_nulls().alias("level")
    counts = held.value_counts().sort("count", "level", descending=[True, False])
    n_known, n_levels = len(held), counts.height
    if n_levels <= 1:
        caveats.append(Caveat("feature_constant" if n_levels else "feature_missing", "watch", {"field": name}))
        return None
    if n_levels > max(10, n_known / 2):
        caveats.append(Caveat("feature_like_id", "watch", {"field": name, "n": n_levels}))
        return None
    kept = counts.filter(pl.col("count") >= LEAST_LEVEL * n_known).head(MOST_LEVELS)
    if not kept.height:
        caveats.append(Caveat("feature_too_varied", "watch", {"field": name, "n": n_levels}))
        return None
    levels, shares = kept["level"].to_list(), (kept["count"] / n_known).to_list()
    if kept.height < n_levels:
        levels, shares = [*levels, ""], [*shares, 1.0 - sum(shares)]
        caveats.append(Caveat("levels_pooled", "note", {"field": name, "kept": kept.height, "n": n_levels}))
    if len(held) < frame.height:
        caveats.append(_unknown("level_unknown", name, frame.height - n_known, frame.height))
    variance = 1.0 - float(np.square(shares).sum())
    scale = float(np.sqrt(CATEGORY_VARIANCE / max(CATEGORY_VARIANCE, variance)))
    return CategoryCode(name, column, tuple(levels), tuple(shares), scale), frame.height - n_known, 0


def _fit_counts(frame: pl.DataFrame, trait: Trait, caveats: list[Caveat]) -> Fitted:
    name = trait.name
    block = _counts(frame, trait.columns)
    held = block.sum(axis=0) > 0
    n_unknown = int((block.sum(axis=1) == 0).sum())
    if held.sum() < 2:
        caveats.append(Caveat("feature_constant" if held.any() else "feature_missing", "watch", {"field": name}))
        return None
    columns = tuple(column for column, there in zip(trait.columns, held, strict=True) if there)
    levels = tuple(level for level, there in zip(trait.levels, held, strict=True) if there)
    prior, strength = shrinkage(block[:, held])
    if not np.isfinite(strength):
        caveats.append(Caveat("feature_by_chance", "note", {"field": name}))
        return None
    if n_unknown:
        caveats.append(_unknown("level_unknown", name, n_unknown, frame.height))
    # The variance that true shares have: customers with few orders, shrunk, keep less of it and make no corners.
    variance = float((prior * (1 - prior)).sum()) / (1 + strength)
    scale = float(min(1 / np.sqrt(variance), _MIX_FACTOR))
    return CountsCode(name, columns, levels, tuple(prior.tolist()), strength, scale), n_unknown, 0


def _unknown(code: str, name: str, n: int, n_customers: int) -> Caveat:
    return Caveat(code, "watch" if n > n_customers / 2 else "note", {"field": name, "n": n})


FIT = {"number": _fit_number, "flag": _fit_flag, "category": _fit_category, "counts": _fit_counts}


def shrinkage(block: Ints) -> tuple[Floats, float]:
    """Shares of all, and the pseudo-counts by which one customer's shares are drawn to them.

    The moment estimator of a Dirichlet-multinomial. Infinite where customers differ no more than by chance; 5 where
    nobody counts twice, so that nothing can be learnt about it.
    """
    totals = block.sum(axis=1)
    block, totals = block[totals > 0].astype(np.float64), totals[totals > 0].astype(np.float64)
    n, all_counts = len(totals), totals.sum()
    prior: Floats = block.sum(axis=0) / all_counts
    if n < 2 or all_counts <= n:
        return prior, 5.0
    shares = block / totals[:, None]
    between = float((totals[:, None] * (shares - prior) ** 2).sum() / (n - 1))
    within = float((totals[:, None] * shares * (1 - shares)).sum() / (all_counts - n))
    size = float((all_counts - (totals**2).sum() / all_counts) / (n - 1))
    overdispersion = (between - within) / (between + (size - 1) * within)
    if overdispersion <= 0:
        return prior, float("inf")
    return prior, float(np.clip((1 - overdispersion) / overdispersion, 0.25, 1000.0))


def numbers_of(frame: pl.DataFrame, column: str) -> Floats:
    if column not in frame.columns:
        return np.full(frame.height, np.nan)
    # Beyond the fences nothing counts, and squares of what is larger overflow.
    return frame[column].cast(pl.Float64).clip(-1e100, 1e100).to_numpy().astype(np.float64)


def _counts(frame: pl.DataFrame, columns: tuple[str, ...]) -> Ints:
    block = np.zeros((frame.height, len(columns)), dtype=np.int64)
    for i, column in enumerate(columns):
        if column in frame.columns:
            block[:, i] = frame[column].fill_null(0).to_numpy()
    return block
