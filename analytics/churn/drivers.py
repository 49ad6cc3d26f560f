"""What goes with leaving: features in groups that move together, their differences and what the model loses without.

Association, not cause. Sources: van der Waerden (1952) normal scores; Hedges and Olkin (1985) for the deviation of a
standardised difference; Breiman (2001) for importance by shuffling.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import polars as pl

from analytics.churn import measures
from analytics.churn.rolling import Learned, Window
from analytics.churn.spec import ChurnSpec
from analytics.churn.windows import Study

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

TOGETHER = 0.7  # rank correlation from which features share a group
_ROWS = 4_000
_SHUFFLES = 4


def group_columns(study: Study) -> Ints:
    """The group of each column: levels of one feature, and features whose ranks go together (average linkage)."""
    from scipy.cluster.hierarchy import fcluster, linkage
    from scipy.spatial.distance import squareform
    from scipy.stats import rankdata

    features = list(dict.fromkeys(column.feature for column in study.columns))
    values = np.concatenate([window.values for window in study.windows[-3:]])
    step = max(1, len(values) // _ROWS)
    values = values[::step]
    ranks = np.zeros((len(values), len(features)))
    for j, feature in enumerate(features):
        own = [k for k, column in enumerate(study.columns) if column.feature == feature]
        # A category stands for itself by its most frequent level.
        given = values[:, own[0]].astype(np.float64)
        given = np.nan_to_num(given, nan=float(np.nanmedian(given)) if np.isfinite(given).any() else 0.0)
        ranks[:, j] = rankdata(given)
    spread = ranks.std(0) > 0
    correlation = np.eye(len(features))
    if spread.sum() > 1:
        correlation[np.ix_(spread, spread)] = np.corrcoef(ranks[:, spread].T)
    groups = np.ones(len(features), np.int64)
    if len(features) > 1:
        apart = np.clip(1 - np.abs(correlation), 0, None)
        np.fill_diagonal(apart, 0)
        groups = fcluster(linkage(squareform((apart + apart.T) / 2, checks=False), "average"), 1 - TOGETHER, "distance")
    place = dict(zip(features, groups, strict=True))
    return np.array([place[column.feature] for column in study.columns], np.int64) - 1


def describe_drivers(study: Study, learned: Learned, groups: Ints, spec: ChurnSpec) -> pl.DataFrame:
    """As ``ChurnResult.drivers``."""
    importance = _importance(learned, groups, spec)
    recent = [one.window for one in learned.predictions[-4:]]
    values = np.concatenate([window.values for window in recent])
    gone = np.concatenate([window.gone for window in recent])
    repeats = len(gone) / max(len(np.unique(np.concatenate([window.customers for window in recent]))), 1)
    rows = []
    for j, column in enumerate(study.columns):
        rows.append(
            {
                "feature": column.feature,
                "group": int(groups[j]),
                **_difference(values[:, j].astype(np.float64), gone, repeats, spec),
                **dict(zip(("importance", "importance_lo", "importance_hi"), importance[int(groups[j])], strict=True)),
                "level": column.level or None,
            }
        )
    frame = pl.DataFrame(rows, schema_overrides=_SCHEMA).select(_SCHEMA.keys())
    return frame.sort(pl.col("importance"), pl.col("group"), pl.col("effect").abs(), descending=[True, False, True])


def _difference(values: Floats, gone: Ints, repeats: float, spec: ChurnSpec) -> dict[str, object]:
    from scipy.stats import norm, rankdata

    known = np.isfinite(values)
    x, y = values[known], gone[known]
    m, n = int(y.sum()), int(len(y) - y.sum())
    found: dict[str, object] = {"n": len(y), "direction": 0}
    if m < 5 or n < 5:
        return {**found, **dict.fromkeys(("effect", "lo", "hi", "low_value", "high_value", "low_share", "high_share"))}
    scores = norm.ppf((rankdata(x) - 0.5) / len(x))
    pooled = np.sqrt((scores[y == 1].var() * m + scores[y == 0].var() * n) / len(x)) or 1.0
    effect = float((scores[y == 1].mean() - scores[y == 0].mean()) / pooled)
    # Rows of one customer at several cut-offs are not independent.
    deviation = float(np.sqrt((1 / m + 1 / n + effect**2 / (2 * (m + n))) * repeats))
    z = float(norm.ppf((1 + spec.level) / 2))
    lo, hi = effect - z * deviation, effect + z * deviation
    low, high = np.quantile(x, [0.25, 0.75])
    if low == high:
        low, high = float(x.min()), float(x.max())
    below, above = x <= low, x >= high
    return {
        **found,
        "direction": 1 if lo > 0 else -1 if hi < 0 else 0,
        "effect": effect,
        "lo": lo,
        "hi": hi,
        "low_value": float(low),
        "high_value": float(high),
        "low_share": float(y[below].mean()),
        "high_share": float(y[above].mean()),
    }


def _importance(learned: Learned, groups: Ints, spec: ChurnSpec) -> dict[int, tuple[float, float, float]]:
    """Loss of AUC when a group's columns are shuffled together, on rows that the model never saw."""
    from scipy.stats import norm

    last = learned.predictions[-1]
    rows = last.held[:: max(1, len(last.held) // _ROWS)]
    window = Window(last.window.day, last.window.customers[rows], last.window.values[rows], last.window.gone[rows])
    model = last.classifiers[learned.chosen]
    rng = np.random.default_rng(spec.random_state)
    risk = model.logits(window.values)
    z = float(norm.ppf((1 + spec.level) / 2))
    found = {}
    for group in np.unique(groups):
        inside = np.flatnonzero(groups == group)
        losses = []
        for _ in range(_SHUFFLES):
            values = window.values.copy()
            values[:, inside] = values[rng.permutation(len(values))][:, inside]
            weight = rng.poisson(1.0, len(values)).astype(np.float64)
            shuffled = model.logits(values)
            losses.append(
                (
                    measures.auc(window.gone, risk) - measures.auc(window.gone, shuffled),
                    measures.auc(window.gone, risk, weight) - measures.auc(window.gone, shuffled, weight),
                )
            )
        plain, drawn = np.array(losses).T
        mean, deviation = float(np.nanmean(plain)), float(np.nanstd(drawn, ddof=1))
        found[int(group)] = (mean, mean - z * deviation, mean + z * deviation)
    return found


_SCHEMA: dict[str, type[pl.DataType]] = {
    "feature": pl.String,
    "group": pl.Int64,
    "direction": pl.Int64,
    "effect": pl.Float64,
    "lo": pl.Float64,
    "hi": pl.Float64,
    "importance": pl.Float64,
    "importance_lo": pl.Float64,
    "importance_hi": pl.Float64,
    "low_value": pl.Float64,
    "high_value": pl.Float64,
    "low_share": pl.Float64,
    "high_share": pl.Float64,
    "level": pl.String,
    "n": pl.Int64,
}
