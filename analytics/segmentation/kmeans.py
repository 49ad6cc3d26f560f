"""K-means: one fit on a sample, and many small fits at once for evidence.

Sources: k-means++ starts, the best of a few candidates each (Arthur and Vassilvitskii 2007); Lloyd (1982).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Singles = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]

FIT_ROWS, N_STARTS, MOST_STEPS = 20_000, 6, 100
_CANDIDATES = 2
_SETTLED = 5e-4  # of the rows may still change segment when steps end


class Fits(NamedTuple):
    """Fits of several data sets. ``centres``: sets x k x d; ``segment``: sets x n; ``within``: sums of squares."""

    centres: Singles
    segment: Ints
    within: Singles


def fit(points: Floats, n_segments: int, *, n_init: int = N_STARTS, random_state: int = 0) -> Floats:
    """Centres (k x d) of k-means on ``points``; from more than ``FIT_ROWS`` rows that many are drawn at random."""
    from sklearn.cluster import KMeans

    rng = np.random.default_rng(random_state)
    fitted = points[draw_rows(rng, len(points), FIT_ROWS)]
    model = KMeans(n_segments, n_init=n_init, random_state=random_state, max_iter=MOST_STEPS).fit(fitted)
    # A matrix product's last digit depends on where its arrays lie in memory: no centre keeps it.
    return np.asarray(np.round(model.cluster_centers_, 10), dtype=np.float64)


def draw_rows(rng: np.random.Generator, n: int, limit: int) -> Ints:
    """At most ``limit`` of ``n`` rows, in their order."""
    return np.arange(n) if n <= limit else np.sort(rng.choice(n, limit, replace=False))


def fit_many(sets: Singles, n_segments: int, *, n_init: int, rng: np.random.Generator, most_steps: int = 25) -> Fits:
    """The best of ``n_init`` fits of each of several data sets of one shape (sets x n x d), side by side."""
    n_sets = len(sets)
    repeated = np.repeat(sets, n_init, axis=0)
    fits = improve_many(repeated, _starts(repeated, n_segments, rng), most_steps=most_steps)
    best = fits.within.reshape(n_sets, n_init).argmin(axis=1) + np.arange(n_sets) * n_init
    return Fits(fits.centres[best], fits.segment[best], fits.within[best])


def improve_many(sets: Singles, centres: Singles, *, most_steps: int = 25) -> Fits:
    """Lloyd's steps from given centres (sets x k x d) until hardly a row changes; an empty segment keeps its centre."""
    turned = np.ascontiguousarray(sets.transpose(0, 2, 1))
    member, least = _members(turned, centres)
    for _ in range(most_steps):
        weight = member.astype(np.float32)
        size = weight.sum(axis=2)[:, :, None]
        centres = np.where(size > 0, np.matmul(weight, sets) / np.maximum(size, 1), centres)
        before, (member, least) = member, _members(turned, centres)
        if (member != before).sum() <= 2 * _SETTLED * least.size:
            break
    segment = np.zeros(least.shape, dtype=np.int64)
    for i in reversed(range(centres.shape[1])):  # much faster than argmax over a short axis
        np.copyto(segment, i, where=member[:, i])
    return Fits(centres, segment, least.sum(axis=1) + np.einsum("ijk,ijk->i", sets, sets))


def _members(turned: Singles, centres: Singles) -> tuple[npt.NDArray[np.bool_], Singles]:
    """Which rows are nearest to each centre (sets x k x n), and how near, less the row's own square (sets x n)."""
    squared = nearest_many(turned, centres)
    least: Singles = squared.min(axis=1)
    return squared == least[:, None], least


def nearest_many(turned: Singles, centres: Singles) -> Singles:
    """Squared distance of each row to each centre, less the row's own square: sets x k x n from sets x d x n."""
    squared: Singles = (centres**2).sum(axis=2)[:, :, None] - 2 * np.matmul(centres, turned)
    return squared


def _starts(sets: Singles, n_segments: int, rng: np.random.Generator) -> Singles:
    n_sets, n, d = sets.shape
    every, own = np.arange(n_sets), (sets**2).sum(axis=2)
    centres = np.empty((n_sets, n_segments, d), dtype=np.float32)
    centres[:, 0] = sets[every, rng.integers(n, size=n_sets)]
    distance = ((sets - centres[:, :1]) ** 2).sum(axis=2)
    for j in range(1, n_segments):
        reached = np.cumsum(distance, axis=1)
        least = np.full(n_sets, np.inf)
        closest = distance
        for _ in range(_CANDIDATES):
            chosen = np.minimum((reached < rng.random((n_sets, 1)) * reached[:, -1:]).sum(axis=1), n - 1)
            candidate = sets[every, chosen]
            apart = own - 2 * np.matmul(sets, candidate[:, :, None])[:, :, 0] + (candidate**2).sum(axis=1)[:, None]
            left = np.minimum(distance, np.maximum(apart, 0))
            total = left.sum(axis=1)
            better = total < least
            least = np.where(better, total, least)
            centres[:, j] = np.where(better[:, None], candidate, centres[:, j])
            closest = np.where(better[:, None], left, closest)
        distance = closest
    return centres
