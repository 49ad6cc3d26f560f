"""Forecasts of a hierarchy made to add up: every parent the sum of its children, each moved as little as it is sure.

Reconciliation buys totals that agree, not accuracy. Wickramasuriya, Athanasopoulos & Hyndman (2019), "Optimal forecast
reconciliation for hierarchical and grouped time series through trace minimization".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import polars as pl

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from analytics.forecasting.block import Floats

    Bools = npt.NDArray[np.bool_]

Method = Literal["wls", "mint"]
LEAST_VARIANCE = 1e-8  # of the largest: a series that never erred is as good as fixed
MOST_ROUNDS = 50


@dataclass(frozen=True, slots=True, eq=False)
class Tree:
    """N series of which some are sums of others.

    Attributes
    ----------
    constraints : shape (p, N): one row per parent, 1 for it and -1 for each of its children; times values that add up
        it is zero.
    sums : shape (N, n_leaves): which leaves each series is the sum of.
    leaves : shape (N,), True for series that are no parents.
    """

    constraints: Floats
    sums: Floats
    leaves: Bools


def read_tree(ids: Sequence[str], parents: pl.DataFrame) -> Tree | None:
    """The tree of ``parents`` (unique_id, parent) over ``ids``; None where no parent is among them.

    A row whose parent or child is not in ``ids`` says nothing.
    """
    import numpy as np

    place = {name: row for row, name in enumerate(ids)}
    children: dict[int, list[int]] = {}
    for child, parent in parents.select("unique_id", "parent").iter_rows():
        if child in place and parent in place:
            children.setdefault(place[parent], []).append(place[child])
    if not children:
        return None
    n = len(ids)
    constraints = np.zeros((len(children), n))
    for row, parent in enumerate(sorted(children)):
        constraints[row, parent] = 1.0
        constraints[row, children[parent]] = -1.0
    leaves = np.array([row not in children for row in range(n)])
    column = {row: position for position, row in enumerate(np.flatnonzero(leaves).tolist())}
    sums = np.zeros((n, len(column)))

    def below(row: int) -> list[int]:
        return [leaf for child in children[row] for leaf in below(child)] if row in children else [column[row]]

    for row in range(n):
        sums[row, below(row)] = 1.0
    return Tree(constraints, sums, leaves)


def spread(errors: Floats, method: Method = "wls") -> Floats:
    """Covariance of the base forecasts' errors, shape (N, N), from ``errors`` of shape (samples, N); NaN: not known.

    "wls": the variances alone. "mint": correlations too, shrunk towards none by as much as their own uncertainty asks
    (Schaefer & Strimmer 2005). Errors are taken about zero, so that a bias counts as error. A series without any known
    error gets the mean variance of the others.
    """
    import numpy as np

    known = np.isfinite(errors)
    count = known.sum(axis=0)
    filled = np.where(known, errors, 0.0)
    variance = (filled**2).sum(axis=0) / np.maximum(count, 1)
    some = count > 0
    usual = float(variance[some].mean()) if some.any() else 1.0
    variance = np.where(some, variance, usual)
    largest = float(variance.max()) if len(variance) else 0.0
    variance = np.maximum(variance, LEAST_VARIANCE * largest) if largest > 0 else np.ones_like(variance)
    if method == "wls" or len(errors) < 3:
        return np.diag(variance)
    standard = filled / np.sqrt(variance)
    n = len(errors)
    correlation = standard.T @ standard / n
    # Variance of each correlation over the samples, against its square.
    unsure = ((standard**2).T @ (standard**2) / n - correlation**2) * n / (n - 1) ** 2
    off = ~np.eye(len(variance), dtype=bool)
    power = float((correlation[off] ** 2).sum())
    shrunk = min(max(float(unsure[off].sum()) / power, 0.0), 1.0) if power > 0 else 1.0
    np.fill_diagonal(correlation, 1.0)
    correlation[off] *= 1 - shrunk
    scale = np.sqrt(variance)
    return np.asarray(correlation * scale[:, None] * scale)


def reconcile(tree: Tree, forecasts: Floats, covariance: Floats, floored: Bools | None = None) -> Floats:
    """The forecasts nearest to ``forecasts``, in the metric of the errors' ``covariance``, that add up.

    ``forecasts`` has shape (..., N, h); one without a value (NaN) is first set to what its parent and siblings leave.
    Where a leaf of ``floored`` would fall below zero it is held at zero and the rest is reconciled again.
    Every parent of the answer is the sum of its leaves, computed as that.
    """
    import numpy as np

    shape = forecasts.shape
    n, horizon = shape[-2:]
    # One column per forecast to reconcile.
    base = np.moveaxis(forecasts.reshape(-1, n, horizon), 1, 0).reshape(n, -1)
    base = _completed(tree, base)
    if floored is None:
        floored = np.zeros(n, dtype=bool)
    held = np.zeros(base.shape, dtype=bool)
    found = _projected(tree, base, covariance)
    for _ in range(MOST_ROUNDS):
        below = (found < 0) & (floored & tree.leaves)[:, None] & ~held
        columns = np.flatnonzero(below.any(axis=0))
        if not len(columns):
            break
        held |= below
        patterns, which = np.unique(held[:, columns], axis=1, return_inverse=True)
        for place in range(patterns.shape[1]):
            fixed, here = patterns[:, place], columns[which.ravel() == place]
            start = np.where(fixed[:, None], 0.0, base[:, here])
            free = np.where(fixed, 0.0, 1.0)
            # A series held at zero has no variance left: nothing moves it.
            found[:, here] = _projected(tree, start, covariance * free[:, None] * free)
    leaves = found[tree.leaves]
    leaves = np.where(floored[tree.leaves][:, None], np.maximum(leaves, 0.0), leaves)
    whole = tree.sums @ leaves
    return np.moveaxis(whole.reshape(n, -1, horizon), 0, 1).reshape(shape)


def incoherence(tree: Tree, forecasts: Floats, levels: Floats) -> float:
    """The largest difference between a parent and the sum of its children, over that parent's mean ``levels``."""
    import numpy as np

    gaps = np.abs(tree.constraints @ np.where(np.isfinite(forecasts), forecasts, 0.0)).max(axis=1)
    level = np.abs(levels)[(tree.constraints > 0).argmax(axis=1)]
    return float((gaps / np.where(level > 0, level, 1.0)).max())


def _projected(tree: Tree, base: Floats, covariance: Floats) -> Floats:
    """``base`` (N, columns) moved onto what adds up: y - W C' (C W C')^-1 C y."""
    import numpy as np

    across = covariance @ tree.constraints.T
    inner = tree.constraints @ across
    return np.asarray(base - across @ (np.linalg.pinv(inner, hermitian=True) @ (tree.constraints @ base)))


def _completed(tree: Tree, base: Floats) -> Floats:
    """Missing parents become the sum of their children, missing children share what the siblings leave, at least 0."""
    import numpy as np

    filled = base.copy()
    if np.isfinite(filled).all():
        return filled
    above = (tree.constraints > 0).argmax(axis=1)
    order = np.argsort(tree.sums[above].sum(axis=1), kind="stable")
    for row in [*order, *order[::-1]]:  # up, so that parents are known, then down
        parent = above[row]
        below = np.flatnonzero(tree.constraints[row] < 0)
        missing = ~np.isfinite(filled[below])
        whole = np.isfinite(filled[parent])
        known = np.where(missing, 0.0, filled[below]).sum(axis=0)
        filled[parent] = np.where(~whole & ~missing.any(axis=0), known, filled[parent])
        share = np.maximum(filled[parent] - known, 0.0) / np.maximum(missing.sum(axis=0), 1)
        filled[below] = np.where(missing & whole, share, filled[below])
    return np.where(np.isfinite(filled), filled, 0.0)
