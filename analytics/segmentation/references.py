"""Customers without clusters, drawn to resemble the customers at hand: what any method cuts without finding anything.

Three families, after the gap statistic (Tibshirani, Walther and Hastie 2001) and its successors: *uniform* in the box
around the principal components; *normal* with the same covariance; *margins*: a Gaussian copula with the same rank
correlations over each feature's own distribution, its peaks merged into one (isotonic regression up to a mode and down
from it), its steps and its heaps at one value kept. The third stands for log-normal features, counts, flags,
categories and mixes, each as it has come through the encoding.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from analytics.segmentation.encoding import Encoded, Encoder
from analytics.segmentation.feature_codes import CountsCode, NumberCode

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Family = Literal["margins", "normal", "uniform"]
Quantile = Callable[[Floats], Floats]
FAMILIES: tuple[Family, ...] = ("margins", "normal", "uniform")

_CELLS, _CELL_ROWS = 40, 8  # a density is smoothed over at most so many cells of at least so many rows
_HEAP = 0.1  # a value that so many share is a heap (nothing bought, median filled in) and stays one
_TIED = 2.0  # rows per value from which a feature has steps
_WIDE = 1.5  # a gap so many times wider than its neighbours is filled with steps


@dataclass(frozen=True, slots=True, eq=False)
class _Part:
    """Columns of the points that are drawn together from one standard normal score."""

    columns: Ints
    score: Floats
    draw: Callable[[Floats, np.random.Generator], tuple[Floats, Ints | None]]  # ranks in (0, 1) -> points, counts
    factor: float = 0.0  # what the points of a number that a mixture sees were multiplied by


@dataclass(frozen=True, slots=True, eq=False)
class References:
    """What draws customers without clusters. ``draw("normal", 20, rng)`` is 20 x n x d."""

    points: Floats
    parts: tuple[_Part, ...]
    root: Floats  # of the correlation of the parts' scores

    def draw(self, family: Family, n_draws: int, rng: np.random.Generator) -> Floats:
        n, d = self.points.shape
        if family == "uniform":
            middle = self.points.mean(axis=0)
            axes = np.linalg.svd(self.points - middle, full_matrices=False)[2]
            turned = (self.points - middle) @ axes.T
            uniform = rng.uniform(turned.min(axis=0), turned.max(axis=0), (n_draws, n, len(axes)))
            boxed: Floats = uniform @ axes + middle
            return boxed
        if family == "normal":
            root = _root(np.atleast_2d(np.cov(self.points, rowvar=False)))
            normal: Floats = rng.normal(size=(n_draws, n, d)) @ root.T + self.points.mean(axis=0)
            return normal
        from scipy.special import ndtr

        ranks = ndtr(rng.normal(size=(n_draws, n, len(self.parts))) @ self.root.T)
        drawn = np.empty((n_draws, n, d))
        for i, part in enumerate(self.parts):
            drawn[:, :, part.columns] = part.draw(ranks[:, :, i].ravel(), rng)[0].reshape(n_draws, n, -1)
        return drawn

    def draw_encoded(self, encoded: Encoded, rng: np.random.Generator) -> Encoded:
        """One draw of the margins with numbers and counts as a mixture sees them."""
        from scipy.special import ndtr

        ranks = ndtr(rng.normal(size=(len(self.points), len(self.parts))) @ self.root.T)
        points, counts = np.empty_like(self.points), []
        for i, part in enumerate(self.parts):
            points[:, part.columns], block = part.draw(ranks[:, i], rng)
            counts += [] if block is None else [block]
        return Encoded(points, self._numbers(points), tuple(counts), encoded.names, encoded.levels)

    def as_drawn(self, encoded: Encoded) -> Encoded:
        """The customers themselves with unknown numbers filled in, as those of every draw are."""
        return Encoded(encoded.points, self._numbers(encoded.points), encoded.counts, encoded.names, encoded.levels)

    def _numbers(self, points: Floats) -> Floats:
        telling = [part for part in self.parts if part.factor]
        columns = [points[:, part.columns] / part.factor for part in telling]
        return np.column_stack(columns) if columns else np.empty((len(points), 0))


def fit_references(encoded: Encoded, encoder: Encoder | None = None) -> References:
    """Learn from encoded customers (every feature a number without ``encoder``) how to draw others without clusters."""
    points = encoded.points
    parts = _parts(encoded, encoder) if encoder else [_number(points, column) for column in range(points.shape[1])]
    scores = np.column_stack([part.score for part in parts])
    wanted = _correlation(scores)
    # Ties weaken a correlation: it is raised until what is drawn shows the one that was seen.
    rng = np.random.default_rng(0)
    latent, noise = wanted.copy(), rng.normal(size=(max(1000, len(points)), len(parts)))
    from scipy.special import ndtr

    tied = [i for i, part in enumerate(parts) if len(np.unique(part.score)) < 0.5 * len(points)]
    for _ in range(3 if tied else 0):
        ranks = ndtr(noise @ _unit_root(latent).T)
        seen = _correlation(np.column_stack([_as_tied(ranks[:, i], part.score) for i, part in enumerate(parts)]))
        latent = np.clip(latent + (wanted - seen), -0.999, 0.999)
        np.fill_diagonal(latent, 1.0)
    return References(points, tuple(parts), _unit_root(latent))


# ---- features


def _parts(encoded: Encoded, encoder: Encoder) -> list[_Part]:
    points, parts, at, block_at = encoded.points, [], 0, 0
    numbers = points[:, [i for i, level in enumerate(encoded.levels) if not level]]
    leading = np.linalg.svd(numbers - numbers.mean(axis=0), full_matrices=False)[2][0] if numbers.size else None
    direction = numbers @ leading if leading is not None else np.zeros(len(points))
    for code, factor in zip(encoder.codes, encoder.factors, strict=True):
        columns = np.arange(at, at + len(code.levels))
        at += len(code.levels)
        if isinstance(code, NumberCode):
            part = _number(points, int(columns[0]), factor if code.name in encoder.telling else 0.0)
            parts.append(part)
            continue
        block = encoded.counts[block_at]
        block_at += 1
        if isinstance(code, CountsCode):
            parts.append(_counts(columns, block, code, factor))
        else:
            parts.append(_category(points, columns, block, direction))
    return parts


def _number(points: Floats, column: int, factor: float = 1.0) -> _Part:
    values = points[:, column]
    quantile = single_peaked(values)

    def draw(ranks: Floats, rng: np.random.Generator) -> tuple[Floats, None]:
        return quantile(ranks)[:, None], None

    return _Part(np.array([column]), _normal_score(values), draw, factor)


def _category(points: Floats, columns: Ints, block: Ints, direction: Floats) -> _Part:
    """A whole category or a flag, its levels ordered by where their customers lie among the numbers."""
    rows, first, level = np.unique(points[:, columns], axis=0, return_index=True, return_inverse=True)
    level = level.reshape(-1)
    size = np.bincount(level)
    order = np.argsort(np.bincount(level, weights=direction) / size, kind="stable")
    place = np.argsort(order)[level]
    ends = np.cumsum(size[order]) / len(level)

    def draw(ranks: Floats, rng: np.random.Generator) -> tuple[Floats, Ints]:
        drawn = order[np.minimum(np.searchsorted(ends, ranks), len(order) - 1)]
        return rows[drawn], block[first[drawn]]

    return _Part(columns, _normal_score(place.astype(np.float64)), draw)


def _counts(columns: Ints, block: Ints, code: CountsCode, factor: float) -> _Part:
    """Shares as a Dirichlet-multinomial makes them: tastes differ, but there are no kinds of taste."""
    totals = np.sort(block.sum(axis=1))
    prior = np.array(code.prior)

    def draw(ranks: Floats, rng: np.random.Generator) -> tuple[Floats, Ints]:
        total = totals[np.minimum((ranks * len(totals)).astype(np.int64), len(totals) - 1)]
        taste = rng.standard_gamma(np.maximum(prior * code.strength, 1e-3), (len(ranks), len(prior))) + 1e-12
        taste /= taste.sum(axis=1, keepdims=True)
        counted = rng.multinomial(total, taste)
        shares = (counted + code.strength * prior) / (total[:, None] + code.strength)
        return (shares - prior) * (code.scale * factor), counted

    return _Part(columns, _normal_score(block.sum(axis=1).astype(np.float64)), draw)


def single_peaked(values: Floats) -> Quantile:
    """The quantile function of the distribution of ``values`` with its peaks merged into one; steps and heaps stay."""
    levels, counts = np.unique(values, return_counts=True)
    n = len(values)
    if len(levels) <= 2:
        ends = np.cumsum(counts) / n
        return lambda ranks: levels[np.minimum(np.searchsorted(ends, ranks), len(levels) - 1)]
    stepped = n / len(levels) >= _TIED
    heap = counts >= _HEAP * n
    if stepped:  # every value of few is shared by many: only the ends can be heaps beside the distribution
        heap[1:-1] = False
    if (~heap).sum() < 2:
        heap[:] = False
    smooth = _smoothed(levels[~heap], counts[~heap], stepped)
    if not heap.any():
        return smooth
    grid = smooth((np.arange(n - counts[heap].sum()) + 0.5) / (n - counts[heap].sum()))
    merged = np.sort(np.concatenate([grid, np.repeat(levels[heap], counts[heap])]))
    return lambda ranks: merged[np.minimum((ranks * n).astype(np.int64), n - 1)]


def _smoothed(levels: Floats, counts: Ints, stepped: bool) -> Quantile:
    n = counts.sum()
    between = (levels[1:] + levels[:-1]) / 2
    bounds = np.concatenate([[1.5 * levels[0] - 0.5 * levels[1]], between, [1.5 * levels[-1] - 0.5 * levels[-2]]])
    edges, held, rows = [bounds[0]], [], 0
    for i, count in enumerate(counts):
        rows += int(count)
        if rows >= max(n / _CELLS, _CELL_ROWS) or i == len(counts) - 1:
            edges.append(bounds[i + 1])
            held.append(rows)
            rows = 0
    if len(held) > 1 and held[-1] < _CELL_ROWS:  # what is left over at the end joins the cell before
        held[-2:] = [held[-2] + held[-1]]
        del edges[-2]
    ends = np.array(edges)
    mass = _one_peak(np.array(held, dtype=np.float64) / n, np.diff(ends))
    reached = np.concatenate([[0.0], np.cumsum(mass)])
    steps = _filled(levels) if stepped else None

    def quantile(ranks: Floats) -> Floats:
        drawn: Floats = np.clip(np.interp(ranks * reached[-1], reached, ends), levels[0], levels[-1])
        if steps is None:
            return drawn
        right = np.clip(np.searchsorted(steps, drawn), 1, len(steps) - 1)
        nearest: Floats = np.where(drawn - steps[right - 1] <= steps[right] - drawn, steps[right - 1], steps[right])
        return nearest

    return quantile


def _one_peak(mass: Floats, width: Floats) -> Floats:
    """The masses whose density rises to one cell and falls from it, nearest in the distribution function."""
    from scipy.optimize import isotonic_regression

    density, seen = mass / width, np.cumsum(mass)
    best, fitted = np.inf, mass
    for mode in range(1, len(mass) + 1):
        rising = isotonic_regression(density[:mode], weights=width[:mode]).x
        falling = (
            isotonic_regression(density[mode:], weights=width[mode:], increasing=False).x if mode < len(mass) else []
        )
        candidate = np.concatenate([rising, falling]) * width
        distance = float(np.abs(np.cumsum(candidate) - seen).max())
        if distance < best - 1e-12:
            best, fitted = distance, candidate
    return fitted


def _filled(levels: Floats) -> Floats:
    """The steps of a feature, with the steps that nobody stands on between."""
    gaps = np.diff(levels)
    steps = [levels[:1]]
    for i, gap in enumerate(gaps):
        near = np.concatenate([gaps[max(0, i - 2) : i], gaps[i + 1 : i + 3]])
        usual = float(np.median(near)) if len(near) else float(gap)
        parts = min(round(gap / usual), 50) if gap > _WIDE * usual else 1
        steps.append(levels[i] + gap * np.arange(1, parts + 1) / parts)
    return np.concatenate(steps)


# ---- correlation


def _normal_score(values: Floats) -> Floats:
    from scipy.special import ndtri
    from scipy.stats import rankdata

    scores: Floats = ndtri((rankdata(values) - 0.5) / len(values))
    return scores


def _as_tied(ranks: Floats, score: Floats) -> Floats:
    ordered = np.sort(score)
    return ordered[np.minimum((ranks * len(ordered)).astype(np.int64), len(ordered) - 1)]


def _correlation(scores: Floats) -> Floats:
    spread = scores.std(axis=0)
    centred = (scores - scores.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    correlation: Floats = centred.T @ centred / len(scores)
    np.fill_diagonal(correlation, 1.0)
    return correlation


def _root(matrix: Floats) -> Floats:
    values, vectors = np.linalg.eigh(matrix)
    root: Floats = vectors * np.sqrt(np.maximum(values, 0.0))
    return root


def _unit_root(correlation: Floats) -> Floats:
    root = _root(correlation)
    unit: Floats = root / np.maximum(np.sqrt((root**2).sum(axis=1, keepdims=True)), 1e-12)
    return unit
