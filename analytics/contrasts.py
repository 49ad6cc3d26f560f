"""How a group differs from everybody else, trait by trait: effect sizes with intervals, Holm's p, nobody told of alone.

Sources: van der Waerden (1952) normal scores, which make a standardised difference robust to skew and outliers;
Cohen (1988) for d and h; Hedges and Olkin (1985) for the deviation of d; Welch (1947); Newcombe (1998, method 10) for
the interval of a difference in shares; Holm (1979).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

from analytics.customers import CustomerTable
from analytics.errors import Caveat
from analytics.schema import CUSTOMERS

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Mixes = Mapping[str, Mapping[str, str]]  # trait -> level -> column of counts

PRIVACY_LIMIT = 10  # no figure about fewer people than this
MOST_LEVELS = 12  # levels of a category that are looked at; the rest count as one
REDUNDANT = 0.9  # rank correlation from which a second trait tells nothing new
_Z = 1.959963984540054


class Contrast(NamedTuple):
    """One trait of one group against all others.

    ``level`` is None for numbers; ``kind`` is "number", "share" (of people) or "mix" (mean share of a person's own
    orders); ``n`` counts the group's known values; ``value_group`` and ``value_rest`` are medians or shares (0-1);
    ``effect`` is in standard deviations between normal scores, or a difference in share, with its 95 % interval
    ``lo``, ``hi``; ``size`` is |d| or Cohen's |h|.
    """

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


SCHEMA: dict[str, type[pl.DataType]] = {
    "label": pl.String,
    "field": pl.String,
    "level": pl.String,
    "kind": pl.String,
    "n": pl.Int64,
    **dict.fromkeys(("value_group", "value_rest", "effect", "lo", "hi", "size", "p"), pl.Float64),
}


def comparable_fields(
    customers: CustomerTable, frame: pl.DataFrame
) -> tuple[list[str], dict[str, list[str]], list[Caveat]]:
    """Fields to compare: numbers, and categories with the levels looked at. Ids, names, texts and dates never.

    They are the table's traits but ``counts`` (see ``comparable_mixes``). ``frame`` holds the customers to compare.
    Caveats: attribute_unknown, attribute_too_varied, levels_left_out.
    """
    closed = {field.name for field in CUSTOMERS.fields if field.role in ("id", "text", "time")}
    numbers: list[str] = []
    categories: dict[str, list[str]] = {}
    caveats: list[Caveat] = []
    extra = [name for name in ("top_category", "top_channel", "top_payment_method") if name in frame.columns]
    single = [trait.columns[0] for trait in customers.traits if trait.kind != "counts"]
    for name in dict.fromkeys((*single, *extra)):
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


def comparable_mixes(customers: CustomerTable, frame: pl.DataFrame) -> Mixes:
    """What each person's own orders are made of: trait -> level -> its column of counts; without the rest."""
    return {
        trait.name: {level: column for level, column in zip(trait.levels, trait.columns, strict=True) if level}
        for trait in customers.traits
        if trait.kind == "counts" and set(trait.columns) <= set(frame.columns)
    }


def contrast_groups(
    frame: pl.DataFrame,
    shown: Sequence[str],
    numbers: Sequence[str],
    categories: Mapping[str, Sequence[str]],
    progress: Callable[[float], None] = lambda share: None,
    mixes: Mixes = MappingProxyType({}),
    totals: Mapping[str, Sequence[str]] = MappingProxyType({}),
) -> tuple[list[Contrast], dict[str, Floats], int]:
    """Each group of ``shown`` against all other rows of ``frame`` (column ``label``), field by field.

    Returns the contrasts, the normal scores of each number (for ``judge``), and how many comparisons were left out
    because they would tell of one to nine people. ``totals`` names all columns that make up the whole of a mix.
    The work grows with rows x fields, hardly with groups.
    """
    found: list[Contrast] = []
    n_suppressed = 0
    scores: dict[str, Floats] = {}
    place = {label: code for code, label in enumerate(shown)}
    group = frame["label"].replace_strict(place, default=len(shown), return_dtype=pl.Int64).to_numpy()
    fields = [*numbers, *categories, *mixes]
    for done, field in enumerate(fields):
        progress(done / max(len(fields), 1))
        if field in scores:
            continue
        if field in numbers:
            values = frame[field].cast(pl.Float64).fill_nan(None)
            scores[field] = normal_scores(values)
            found += _number_contrasts(shown, field, values.to_numpy(), scores[field], group)
            continue
        if field in mixes:
            contrasts, n = _mix_contrasts(shown, field, mixes[field], frame, totals.get(field), group)
            found += contrasts
            n_suppressed += n
            continue
        column = frame[field].cast(pl.String)
        known = column.is_not_null().to_numpy()
        held = np.bincount(group[known], minlength=len(shown) + 1)
        for level in categories[field]:
            has = (column == level).fill_null(False).to_numpy()
            counts = np.bincount(group[has], minlength=len(shown) + 1)
            for label, code in place.items():
                inside, outside = int(held[code]), int(held.sum() - held[code])
                share = share_contrast(
                    label, field, level, int(counts[code]), inside, int(counts.sum() - counts[code]), outside
                )
                found += [share] if share else []
                n_suppressed += share is None and inside > 0 and outside > 0
    return found, scores, n_suppressed


# ---- One comparison


def normal_scores(values: pl.Series) -> Floats:
    """Van der Waerden scores of the mid-ranks; NaN where there is no value."""
    from scipy.special import ndtri

    n = values.len() - values.null_count()
    ranks = values.rank("average").cast(pl.Float64).fill_null(float("nan")).to_numpy()
    scores: Floats = ndtri((ranks - 0.5) / max(n, 1))
    return scores


def _number_contrasts(labels: Sequence[str], field: str, values: Floats, scores: Floats, group: Ints) -> list[Contrast]:
    """Every group against the rest in one number: sums of scores once, medians from one sort."""
    from scipy.special import stdtr

    known = np.isfinite(scores)
    group, scores, values = group[known], scores[known], values[known]
    order = np.argsort(values, kind="stable")
    ascending, codes = values[order], group[order]
    length = len(labels) + 1
    n = np.bincount(group, minlength=length)
    total = np.bincount(group, scores, length)
    squares = np.bincount(group, scores**2, length)
    found = []
    for code, label in enumerate(labels):
        n_a, n_b = int(n[code]), int(n.sum() - n[code])
        if min(n_a, n_b) < PRIVACY_LIMIT:
            continue
        (mean_a, var_a), (mean_b, var_b) = (
            _moments(n_a, total[code], squares[code]),
            _moments(n_b, total.sum() - total[code], squares.sum() - squares[code]),
        )
        pooled = ((n_a - 1) * var_a + (n_b - 1) * var_b) / (n_a + n_b - 2)
        if pooled <= 1e-12:  # no spread inside the groups: nothing to measure the difference by
            continue
        share_a, share_b = var_a / n_a, var_b / n_b
        difference, variance = mean_a - mean_b, share_a + share_b
        d = difference / np.sqrt(pooled)
        error = np.sqrt(variance / pooled + d**2 / (2 * (n_a + n_b)))
        freedom = variance**2 / (share_a**2 / (n_a - 1) + share_b**2 / (n_b - 1))
        p = 2 * float(stdtr(freedom, -abs(difference) / np.sqrt(variance)))
        medians = _middle(ascending[codes == code]), _middle(ascending[codes != code])
        lo, hi = float(d - _Z * error), float(d + _Z * error)
        found.append(Contrast(label, field, None, "number", n_a, *medians, float(d), lo, hi, abs(float(d)), p))
    return found


def _mix_contrasts(
    labels: Sequence[str],
    field: str,
    levels: Mapping[str, str],
    frame: pl.DataFrame,
    whole: Sequence[str] | None,
    group: Ints,
) -> tuple[list[Contrast], int]:
    """Every group against the rest in the mean share of a level among each person's own orders."""
    from scipy.special import stdtr

    total = frame.select(pl.sum_horizontal(list(whole or levels.values()))).to_series().to_numpy().astype(np.float64)
    known = total > 0
    group, length = group[known], len(labels) + 1
    n = np.bincount(group, minlength=length)
    found, n_suppressed = [], 0
    for level, column in levels.items():
        shares = frame[column].to_numpy()[known] / total[known]
        sums, squares = np.bincount(group, shares, length), np.bincount(group, shares**2, length)
        having = np.bincount(group[shares > 0], minlength=length)
        for code, label in enumerate(labels):
            n_a, n_b = int(n[code]), int(n.sum() - n[code])
            cells = int(having[code]), int(having.sum() - having[code])
            if min(n_a, n_b) < PRIVACY_LIMIT or sum(cells) == 0:
                continue
            if any(0 < cell < PRIVACY_LIMIT for cell in cells):
                n_suppressed += 1
                continue
            (mean_a, var_a), (mean_b, var_b) = (
                _moments(n_a, sums[code], squares[code]),
                _moments(n_b, sums.sum() - sums[code], squares.sum() - squares[code]),
            )
            share_a, share_b = var_a / n_a, var_b / n_b
            variance = share_a + share_b
            pooled = ((n_a - 1) * var_a + (n_b - 1) * var_b) / (n_a + n_b - 2)
            if pooled <= 1e-12:
                continue
            difference, error = mean_a - mean_b, float(np.sqrt(variance))
            freedom = variance**2 / (share_a**2 / (n_a - 1) + share_b**2 / (n_b - 1))
            p = 2 * float(stdtr(freedom, -abs(difference) / error))
            lo, hi, d = difference - _Z * error, difference + _Z * error, abs(difference) / float(np.sqrt(pooled))
            found.append(Contrast(label, field, level, "mix", n_a, mean_a, mean_b, difference, lo, hi, d, p))
    return found, n_suppressed


def _moments(n: int, total: float, squares: float) -> tuple[float, float]:
    mean = float(total / n)
    return mean, float(max(squares - n * mean**2, 0.0) / (n - 1))


def _middle(ascending: Floats) -> float:
    half = len(ascending) // 2
    return float(ascending[half]) if len(ascending) % 2 else float(ascending[half - 1] / 2 + ascending[half] / 2)


def share_contrast(
    label: str, field: str, level: str | None, x_group: int, n_group: int, x_rest: int, n_rest: int
) -> Contrast | None:
    """``x_group`` of ``n_group`` people have it, ``x_rest`` of ``n_rest``; None where that would tell of 1-9 people."""
    from scipy.special import ndtr

    # One to nine people are never told of, neither by having a trait nor by lacking it.
    cells = (x_group, n_group - x_group, x_rest, n_rest - x_rest)
    if any(0 < cell < PRIVACY_LIMIT for cell in cells) or min(n_group, n_rest) < PRIVACY_LIMIT:
        return None
    if x_group == 0 or not 0 < x_group + x_rest < n_group + n_rest:
        return None
    p_a, p_b = x_group / n_group, x_rest / n_rest
    pooled = (x_group + x_rest) / (n_group + n_rest)
    z = (p_a - p_b) / np.sqrt(pooled * (1 - pooled) * (1 / n_group + 1 / n_rest))
    low, high = newcombe(x_group, n_group, x_rest, n_rest)
    h = abs(2 * np.arcsin(np.sqrt(p_a)) - 2 * np.arcsin(np.sqrt(p_b)))
    p = 2 * float(ndtr(-abs(z)))
    return Contrast(label, field, level, "share", n_group, p_a, p_b, p_a - p_b, low, high, float(h), p)


def newcombe(x_a: int, n_a: int, x_b: int, n_b: int) -> tuple[float, float]:
    """95 % interval of the difference of two independent shares (Newcombe 1998, method 10: from Wilson's)."""
    p_a, p_b = x_a / n_a, x_b / n_b
    (low_a, high_a), (low_b, high_b) = wilson(p_a, n_a), wilson(p_b, n_b)
    low = p_a - p_b - np.hypot(p_a - low_a, high_b - p_b)
    return float(low), float(p_a - p_b + np.hypot(high_a - p_a, p_b - low_b))


def wilson(share: float, n: float) -> tuple[float, float]:
    """95 % interval of a share (0-1) seen among ``n`` (Wilson 1927)."""
    centre = (share + _Z**2 / (2 * n)) / (1 + _Z**2 / n)
    reach = _Z / (1 + _Z**2 / n) * np.sqrt(share * (1 - share) / n + _Z**2 / (4 * n**2))
    return float(centre - reach), float(centre + reach)


def holm(p: Floats) -> Floats:
    """Holm's adjusted p values, in the order given."""
    order = np.argsort(p, kind="stable")
    steps = np.maximum.accumulate(p[order] * (len(p) - np.arange(len(p))))
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(steps, 1.0)
    return adjusted


# ---- All comparisons together


def judge(
    found: Sequence[Contrast],
    *,
    alpha: float = 0.05,
    min_effect: float = 0.2,
    min_points: float = 0.05,
    built_from: Sequence[str] = (),
) -> pl.DataFrame:
    """All contrasts as a frame (columns of ``Contrast``) with p_holm (over all of them), built_in and verdict.

    Verdict: "different" (p_holm under ``alpha`` and at least ``min_effect`` standard deviations or ``min_points`` of
    share), "similar" (the whole interval lies within that least difference), else "unclear".
    """
    frame = pl.DataFrame(list(found), schema=SCHEMA, orient="row")
    least = pl.when(pl.col("kind") == "number").then(min_effect).otherwise(min_points)
    clear = (pl.col("p_holm") < alpha) & (pl.col("effect").abs() >= least)
    similar = (pl.col("lo") > -least) & (pl.col("hi") < least)
    return frame.with_columns(
        pl.Series("p_holm", holm(frame["p"].to_numpy()), dtype=pl.Float64),
        pl.col("field").is_in(list(built_from)).alias("built_in"),
    ).with_columns(
        pl.when(clear)
        .then(pl.lit("different"))
        .when(similar)
        .then(pl.lit("similar"))
        .otherwise(pl.lit("unclear"))
        .alias("verdict")
    )


def choose(
    judged: pl.DataFrame,
    scores: Mapping[str, Floats],
    labels: Sequence[str],
    n_traits: int,
    most_built_in: int | None = None,
) -> pl.DataFrame:
    """The frame of ``judge`` with rank (1 = strongest; null unless shown) and shown, sorted by label, rank and size.

    Of each label the ``n_traits`` strongest different traits are shown, one per field, none that repeats another
    (rank correlation of ``REDUNDANT`` or more), at most ``most_built_in`` of the fields that made the groups.
    """
    rank = {label: i for i, label in enumerate(labels)}
    places: list[int | None] = [None] * judged.height
    for label in labels:
        taken: list[str] = []
        n_built_in = 0
        strongest = (
            judged.with_row_index("row")
            .filter((pl.col("label") == label) & (pl.col("verdict") == "different"))
            # Of two levels that mirror each other, the one that is more frequent here is the one to tell.
            .sort(pl.col("size").round(9), pl.col("effect"), "field", descending=[True, True, False])
        )
        for row, field, built_in in strongest.select("row", "field", "built_in").iter_rows():
            if any(repeats(scores, field, other) for other in taken):
                continue
            if built_in and most_built_in is not None and n_built_in >= most_built_in:
                continue
            n_built_in += built_in
            taken.append(field)
            places[row] = len(taken)
            if len(taken) == n_traits:
                break
    return (
        judged.with_columns(pl.Series("rank", places, dtype=pl.Int64))
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


def repeats(scores: Mapping[str, Floats], field: str, other: str) -> bool:
    """Whether a second trait would repeat the first: the same subject (top_category and category_mix), or two numbers
    that rank customers alike."""
    if _subject(field) == _subject(other):
        return True
    if field not in scores or other not in scores:
        return False
    both = np.isfinite(scores[field]) & np.isfinite(scores[other])
    a, b = scores[field][both], scores[other][both]
    return len(a) > 2 and a.std() > 0 and b.std() > 0 and bool(abs(np.corrcoef(a, b)[0, 1]) >= REDUNDANT)


def _subject(field: str) -> str:
    return field.removeprefix("top_").removesuffix("_mix").removesuffix("_method")
