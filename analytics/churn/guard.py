"""The leakage guard: which features know the outcome already, told from the data and never from names.

A leak is not the same as a strong feature. Honest features change the risk by degrees: neighbours on their scale have
similar risks, no value is reserved for one outcome, and what was known before the cut-off explains them. What is
refused breaks one of these; how strong it is counts only where it is all but perfect.

Sources: Kaufman, Rosset, Perlich and Stitelman (2012), "Leakage in data mining"; Kapoor and Narayanan (2023).
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
import numpy.typing as npt
import polars as pl

from analytics.churn import measures
from analytics.churn.folds import fold_of
from analytics.contrasts import wilson

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

LEAST_ROWS = 100
NEAR_PERFECT = 0.95  # AUC of one feature, cross-validated; 0.93 at least by its interval
NEAR_PERFECT_GROUP = 0.97  # of several together; 0.96 at least by its interval
PURE = 0.98  # share of a value's customers with one outcome from which the value is reserved for it
STEP = 0.7  # jump of the share gone between neighbours from which a threshold defines the target
PURE_STEP = 0.5  # the same where nobody on one side has the other outcome
EXPLAINED = 0.5  # share of a column's remaining variance that days after the cut-off explain
UNIQUE = 0.95
IN_TIME = 0.98  # rank correlation with the order of joining
_SAMPLE = 6_000
_TRIED = 6  # features, the strongest first, among which the next culprit is looked for
_SCHEMA = {
    "feature": pl.String,
    "code": pl.String,
    "auc": pl.Float64,
    "lo": pl.Float64,
    "hi": pl.Float64,
    "share": pl.Float64,
    "n": pl.Int64,
    "threshold": pl.Float64,
    "value": pl.String,
    "limit": pl.Float64,
}


@dataclass(frozen=True, slots=True, eq=False)
class Candidate:
    """A feature before it is let in: numbers (NaN unknown), or texts (null unknown) where it is a category.

    ``from_file``: it stands ready in the customers table, so that nothing is known of when it was written.
    """

    name: str
    numbers: Floats | None
    texts: pl.Series | None = None
    from_file: bool = True

    def known(self) -> Flags:
        """Where it has a value."""
        if self.numbers is not None:
            return np.isfinite(self.numbers)
        assert self.texts is not None
        return self.texts.is_not_null().to_numpy()

    def rows(self, rows: Ints | Flags) -> Candidate:
        """The same for some rows."""
        if self.numbers is not None:
            return Candidate(self.name, self.numbers[rows], None, self.from_file)
        assert self.texts is not None
        at = np.flatnonzero(rows) if rows.dtype == bool else rows
        return Candidate(self.name, None, self.texts.gather(at), self.from_file)

    def bins(self, most: int = 20) -> Ints:
        """A small number per row: quantile or level, 0 where unknown."""
        if self.numbers is None:
            assert self.texts is not None
            return self.texts.rank("dense").fill_null(0).cast(pl.Int64).to_numpy()
        known = np.isfinite(self.numbers)
        found = np.zeros(len(known), np.int64)
        if known.any():
            inner = np.unique(np.quantile(self.numbers[known], np.arange(1, most) / most))
            found[known] = 1 + np.searchsorted(inner, self.numbers[known], side="left")
            values = np.unique(self.numbers[known])
            if len(values) <= most:
                found[known] = 1 + np.searchsorted(values, self.numbers[known])
        return found


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a feature is not let in; the figures are explained in ``ChurnResult.guard``."""

    feature: str
    code: str
    auc: float | None = None
    lo: float | None = None
    hi: float | None = None
    share: float | None = None
    n: int | None = None
    threshold: float | None = None
    value: str = ""
    limit: float | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Time:
    """What is known of time, per row: the day of joining and of leaving (NaN unknown), and counts of rows before and
    after the cut-off (n x k each), with which a ready column is compared."""

    joined: Floats
    left: Floats
    before: Floats
    after: Floats


def refusals_frame(refusals: Sequence[Refusal]) -> pl.DataFrame:
    """As ``ChurnResult.guard``."""
    rows = [tuple(getattr(refusal, name) for name in _SCHEMA) for refusal in refusals]
    return pl.DataFrame(rows, schema=_SCHEMA, orient="row")


def check_features(
    candidates: Sequence[Candidate], gone: Ints, *, time: Time | None = None, level: float = 0.9, seed: int = 0
) -> tuple[list[Refusal], dict[str, float]]:
    """Which candidates are refused and why, and the AUC of each alone.

    Parameters
    ----------
    candidates : features, one value per row (customer).
    gone : 1 or 0 per row. Rows stand in an order that neither ids nor files decide.
    time : None where nothing is dated.
    """
    refused: list[Refusal] = []
    alone: dict[str, float] = {}
    passed: list[Candidate] = []
    for candidate in candidates:
        area, lo, hi = single_auc(candidate, gone, level, seed)
        alone[candidate.name] = area
        found = _check(candidate, gone, time, (area, lo, hi))
        if found is None:
            passed.append(candidate)
        else:
            refused.append(found)
            if found.code == "target_defined" and not candidate.from_file:
                return refused, alone  # the target itself is at fault: nothing else matters
    for pair in _check_pairs([one for one in passed if one.from_file], gone, level, seed):
        refused.append(pair)
        passed = [one for one in passed if one.name not in pair.feature.split(" + ")]
    group = _check_group(passed, gone, level, seed)
    return refused + ([group] if group is not None else []), alone


def single_auc(candidate: Candidate, gone: Ints, level: float, seed: int) -> tuple[float, float, float]:
    """Cross-validated AUC of one feature, whatever the shape of its effect: shares gone by bin, from other folds."""
    bins = candidate.bins()
    n_bins = int(bins.max(initial=0)) + 1
    if n_bins > max(50, len(gone) // 4):  # a text for every customer: no other fold knows it
        return 0.5, 0.5, 0.5
    folds = fold_of(gone, seed, 5)
    base = float(gone.mean())
    risk = np.zeros(len(gone))
    for fold in range(5):
        inside = folds != fold
        yes = np.bincount(bins[inside], gone[inside], n_bins)
        n = np.bincount(bins[inside], minlength=n_bins)
        # The base rate counts as one customer in each bin; what is left out counts less, not more.
        risk[~inside] = ((yes + base) / (n + 1))[bins[~inside]]
    return measures.auc_interval(gone, risk, level)


def _check(candidate: Candidate, gone: Ints, time: Time | None, area: tuple[float, float, float]) -> Refusal | None:
    checks = [_names_rows(candidate, time)] if candidate.from_file else []
    # A value that only the gone have says more than the threshold beside it.
    checks += [_reserved(candidate, gone)] if candidate.from_file else []
    checks += [_defines_target(candidate, gone)]
    if candidate.from_file:
        checks += [_after_cut(candidate, gone, time)] if time is not None else []
    if area[0] >= NEAR_PERFECT and area[1] >= NEAR_PERFECT - 0.02:
        checks.append(Refusal(candidate.name, "near_perfect", n=len(gone), limit=NEAR_PERFECT))
    found = next((check for check in checks if check is not None), None)
    if found is None:
        return None
    area_told, lo, hi = (round(value, 6) if np.isfinite(value) else None for value in area)
    return replace(found, auc=area_told, lo=lo, hi=hi)


def _names_rows(candidate: Candidate, time: Time | None) -> Refusal | None:
    """A value of its own for all but every customer: texts, and whole numbers that are counted up or drawn evenly."""
    known = candidate.known()
    n = int(known.sum())
    if n < 50:
        return None
    if candidate.numbers is None:
        assert candidate.texts is not None
        share = candidate.texts.drop_nulls().n_unique() / n
        return Refusal(candidate.name, "id_like", share=share, n=n, limit=UNIQUE) if share >= UNIQUE else None
    values = candidate.numbers[known]
    if np.any(values != np.floor(values)):
        return None
    share = len(np.unique(values)) / n
    if share < UNIQUE:
        return None
    if time is not None:
        joined = time.joined[known]
        dated = np.isfinite(joined)
        if dated.sum() >= 50 and len(np.unique(joined[dated])) >= 20:
            rho = abs(_rank_correlation(values[dated], joined[dated]))
            if rho >= IN_TIME:
                return Refusal(candidate.name, "order_of_time", share=rho, n=int(dated.sum()), limit=IN_TIME)
    span = float(values.max() - values.min())
    even = np.abs(np.sort((values - values.min()) / max(span, 1)) - np.linspace(0, 1, n)).max()
    if span < 20 * n or even < 1.63 / np.sqrt(n):  # without gaps, or as evenly as numbers that are drawn (KS at 1 %)
        return Refusal(candidate.name, "id_like", share=share, n=n, limit=UNIQUE)
    return None


def _defines_target(candidate: Candidate, gone: Ints) -> Refusal | None:
    """A threshold at which the share gone jumps between neighbours: the target was written down from this number."""
    if candidate.numbers is None:
        return None
    known = np.isfinite(candidate.numbers)
    values, outcome = candidate.numbers[known], gone[known]
    n = len(values)
    if n < LEAST_ROWS or len(np.unique(values)) <= 10 or outcome.min() == outcome.max():
        return None
    order = np.lexsort((outcome, values))
    values, outcome = values[order], outcome[order]
    total = np.concatenate([[0], np.cumsum(outcome)])
    ends = np.flatnonzero(values[1:] != values[:-1]) + 1  # a threshold lies before each of these rows
    yes = total[-1]
    # Balanced agreement: of the gone above (or below) the threshold, and of the stayed on the other side.
    above = ((yes - total[ends]) / yes + (ends - total[ends]) / (n - yes)) / 2
    best = int(np.argmax(np.abs(above - 0.5)))
    at = int(ends[best])
    width = max(30, n // 20)
    # Whole runs of equal values: within one, rows have no order.
    low = outcome[int(np.searchsorted(values, values[max(0, at - width)], "left")) : at]
    high = outcome[at : int(np.searchsorted(values, values[min(n, at + width) - 1], "right"))]
    if min(len(low), len(high)) < 20:
        return None
    jump = abs(float(high.mean() - low.mean()))
    sides = float(total[at] / at), float((yes - total[at]) / (n - at))
    clean = min(min(side, 1 - side) for side, rows in zip(sides, (at, n - at), strict=True) if rows >= 30)
    limit = PURE_STEP if clean <= 0.002 else STEP
    if jump < limit:
        return None
    agreement = float(max(above[best], 1 - above[best]))
    return Refusal(
        candidate.name,
        "target_defined",
        share=agreement,
        n=n,
        threshold=float((values[at - 1] + values[at]) / 2),
        limit=limit,
    )


def _reserved(candidate: Candidate, gone: Ints) -> Refusal | None:
    """A value, or having any, that all but none of the stayed have: written when (or because) somebody left."""
    base = float(gone.mean())
    known = candidate.known()
    groups: list[tuple[str, Flags, float]] = []
    if 0 < known.sum() < len(known):
        groups += [("*", known, 0.05), ("-", ~known, 0.05)]
    if candidate.numbers is None:
        assert candidate.texts is not None
        levels = candidate.texts.drop_nulls().value_counts(name="n").sort("n", candidate.texts.name, descending=True)
        for value in levels[candidate.texts.name].head(50).to_list():
            groups.append((str(value), (candidate.texts == value).fill_null(False).to_numpy(), 0.05))
    else:
        zero = known & (candidate.numbers == 0)
        if zero.sum() >= 0.05 * len(known):
            groups += [("> 0", known & (candidate.numbers > 0), 0.2), ("< 0", known & (candidate.numbers < 0), 0.05)]
        distinct = np.unique(candidate.numbers[known])
        if len(distinct) == 2:
            groups += [(f"{value:g}", known & (candidate.numbers == value), 0.05) for value in distinct]
    for value, rows, least in groups:
        n = int(rows.sum())
        if n < 20 or base > 0.8 or n > 0.98 * len(gone):
            continue
        share = float(gone[rows].mean())
        if share >= PURE and wilson(share, n)[0] >= 0.8 and gone[rows].sum() >= least * gone.sum():
            return Refusal(candidate.name, "only_gone", share=share, n=n, value=value, limit=PURE)
    return None


def _after_cut(candidate: Candidate, gone: Ints, time: Time | None) -> Refusal | None:
    """A ready column that what came after the cut-off explains, beyond all that was counted before it.

    Among those who stayed (the outcome cannot speak there): what of its ranks, left over by the counts before, goes
    with the counts after. Among those who left: what of it, beyond the day of joining, goes with the day of leaving.
    """
    if candidate.numbers is None or time is None:
        return None
    known = np.isfinite(candidate.numbers)
    for rows, given, later in (
        (known & (gone == 0), time.before, time.after),
        (known & np.isfinite(time.left) & np.isfinite(time.joined), time.joined[:, None], time.left[:, None]),
    ):
        n = int(rows.sum())
        if n < LEAST_ROWS or not later.shape[1]:
            continue
        y = _ranks(candidate.numbers[rows])
        if y.std() == 0:
            continue
        first, then = _columns(given[rows]), _columns(later[rows])
        left_over = y - _fitted(first, y)
        if left_over.std() < 0.1:  # it is all but the counts before: nothing is left to explain
            continue
        together = y - _fitted(np.concatenate([first, then], axis=1), y)
        k = then.shape[1]
        share = 1 - float(together @ together) / float(left_over @ left_over)
        share = 1 - (1 - share) * (n - 1) / max(n - 1 - k, 1)
        if share >= EXPLAINED:
            return Refusal(candidate.name, "after_cut", share=share, n=n, limit=EXPLAINED)
    return None


def _check_pairs(candidates: Sequence[Candidate], gone: Ints, level: float, seed: int) -> list[Refusal]:
    """Two features whose difference, ratio or combination of values all but knows the outcome, though neither does."""
    if min(gone.sum(), len(gone) - gone.sum()) < 30:
        return []
    rows = np.arange(len(gone))
    if len(rows) > _SAMPLE // 2:
        rows = np.sort(np.random.default_rng(seed).choice(len(rows), _SAMPLE // 2, replace=False))
    outcome, sampled = gone[rows], [one.rows(rows) for one in candidates]
    coarse = [one.bins(6) for one in sampled]
    used: set[int] = set()
    found = []
    for i, j in combinations(range(len(sampled)), 2):
        if used & {i, j}:
            continue
        cells = np.unique(coarse[i] * 1000 + coarse[j], return_inverse=True)[1].astype(np.float64)
        shapes = [Candidate("", None, pl.Series("cell", cells.astype(np.int64)).cast(pl.String))]
        left, right = sampled[i].numbers, sampled[j].numbers
        if left is not None and right is not None and min(len(np.unique(left)), len(np.unique(right))) > 5:
            with np.errstate(all="ignore"):
                ratio = left / right
            shapes += [Candidate("", left - right), Candidate("", np.where(np.isfinite(ratio), ratio, np.nan))]
        areas = [single_auc(shape, outcome, level, seed) for shape in shapes]
        best = max(area for area in areas if np.isfinite(area[0])) if areas else (0.5, 0.5, 0.5)
        if _too_good(best):
            used |= {i, j}
            told, lo, hi = (round(value, 6) for value in best)
            names = f"{sampled[i].name} + {sampled[j].name}"
            limit = NEAR_PERFECT_GROUP
            found.append(Refusal(names, "near_perfect_group", told, lo, hi, n=len(rows), limit=limit))
    return found


def _check_group(candidates: Sequence[Candidate], gone: Ints, level: float, seed: int) -> Refusal | None:
    """The fewest features that together all but know the outcome."""
    usable = [one for one in candidates if int(one.bins().max(initial=0)) < 60]
    if len(usable) < 2 or min(gone.sum(), len(gone) - gone.sum()) < 30:
        return None
    area = _joint_auc(usable, gone, level, seed)
    if not _too_good(area):
        return None
    alone = {one.name: single_auc(one, gone, level, seed)[0] for one in usable}
    kept, out = sorted(usable, key=lambda one: -alone[one.name]), list[Candidate]()
    while len(kept) > 1 and _too_good(_joint_auc(kept, gone, level, seed)):
        worst = min(
            range(min(len(kept), _TRIED)),
            key=lambda i: _joint_auc([one for j, one in enumerate(kept) if j != i], gone, level, seed)[0],
        )
        out.append(kept.pop(worst))
    for one in list(out[:-1]):  # those that are harmless once the others are gone come back
        if not _too_good(_joint_auc([*kept, one], gone, level, seed)):
            out.remove(one)
            kept.append(one)
    names = " + ".join(one.name for one in out)
    told, lo, hi = (round(value, 6) for value in area)
    return Refusal(names, "near_perfect_group", told, lo, hi, n=len(gone), limit=NEAR_PERFECT_GROUP)


def _too_good(area: tuple[float, float, float]) -> bool:
    return area[0] >= NEAR_PERFECT_GROUP and area[1] >= NEAR_PERFECT_GROUP - 0.01


def _joint_auc(candidates: Sequence[Candidate], gone: Ints, level: float, seed: int) -> tuple[float, float, float]:
    """Cross-validated AUC of several features together, the better of trees and a line.

    Neither is held back as the models for use are: a leak may hide in a difference of two numbers or in a switch.
    """
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.linear_model import LogisticRegression
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # it has no types

    rows = np.arange(len(gone))
    if len(rows) > _SAMPLE:
        rows = np.sort(np.random.default_rng(seed).choice(len(rows), _SAMPLE, replace=False))
    columns = []
    for one in candidates:
        if one.numbers is not None:
            columns.append(one.numbers[rows])
        else:
            codes = one.bins()[rows]
            columns += [(codes == code) * 1.0 for code in np.unique(codes)[:12]]
    values, outcome = np.stack(columns, axis=1), gone[rows]
    known = np.isfinite(values)
    filled = np.where(known, values, np.nanmedian(np.where(known.any(0), values, 0.0), axis=0))
    spread = filled.std(0)
    filled = (filled - filled.mean(0)) / np.where(spread > 0, spread, 1.0)
    folds = fold_of(outcome, seed, 3)
    tree, line = np.zeros(len(rows)), np.zeros(len(rows))
    with threadpool_limits(1):
        for fold in range(3):
            inside = folds != fold
            trees = HistGradientBoostingClassifier(
                max_iter=60, learning_rate=0.15, max_leaf_nodes=31, min_samples_leaf=15, random_state=seed
            )
            trees.fit(values[inside], outcome[inside])
            tree[~inside] = trees.decision_function(values[~inside])
            model = LogisticRegression(C=1e4, solver="lbfgs", max_iter=400, tol=1e-3)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # where it separates everything it never converges: that is the answer
                model.fit(filled[inside], outcome[inside])
            line[~inside] = model.decision_function(filled[~inside])
    return max(measures.auc_interval(outcome, tree, level), measures.auc_interval(outcome, line, level))


def _ranks(values: Floats) -> Floats:
    from scipy.stats import norm, rankdata

    return np.asarray(norm.ppf((rankdata(values) - 0.375) / (len(values) + 0.25)), float)


def _rank_correlation(left: Floats, right: Floats) -> float:
    from scipy.stats import spearmanr

    return float(spearmanr(left, right).statistic)


def _columns(values: Floats) -> Floats:
    """Standardised logarithms of counts, with their squares: what a count explains is seldom a straight line."""
    parts = []
    for j in range(values.shape[1]):
        given = values[:, j]
        known = np.isfinite(given)
        if not known.any() or given[known].std() == 0:
            continue
        for shaped in (given, np.sign(given) * np.log1p(np.abs(given))):
            filled = np.where(known, shaped, np.nanmean(shaped))
            filled = (filled - filled.mean()) / (filled.std() or 1.0)
            parts += [filled, filled**2]
    return np.stack(parts, axis=1) if parts else np.zeros((len(values), 0))


def _fitted(columns: Floats, y: Floats) -> Floats:
    design = np.concatenate([np.ones((len(y), 1)), columns], axis=1)
    coefficients, *_ = np.linalg.lstsq(design, y, rcond=1e-9)
    return np.asarray(design @ coefficients, float)
