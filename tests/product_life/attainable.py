"""How well anybody could know the stage of a drawn product, and what a simple ratio knows.

``attainable`` knows how ``sample_data.product_lives`` draws: the calendar of every product, what wanders (shape), the
distribution of levels and of lives. Its stage is the most probable one given what was sold in blocks of four weeks:
many lives are drawn from the generator's own distribution and weighed by their likelihood, levels being summed over.
Nobody who knows less can be right more often, but for the error of the draws.

``naive`` compares the last three blocks with the three before.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sample_data.product_lives import KINDS, MONTH_DAYS, N_DAYS, STAGES, ProductLives, compute_weights, draw_boundaries

Floats = NDArray[np.float64]
BLOCK = 28
N_BLOCKS = N_DAYS // BLOCK
OFFSET = N_DAYS - N_BLOCKS * BLOCK  # days before the first whole block
MIDDLES = (OFFSET + BLOCK * (np.arange(N_BLOCKS) + 0.5)) / MONTH_DAYS
NOW = float(MIDDLES[-1])  # the moment whose stage is asked: the middle of the last four weeks
BEYOND = 2.0  # months from the nearest boundary that count as away from it


def blocks(daily: NDArray[np.float64] | NDArray[np.int64]) -> Floats:
    """Sums of four weeks, counted back from the last day."""
    return np.asarray(daily[:, OFFSET:].reshape(len(daily), N_BLOCKS, BLOCK).sum(axis=2), dtype=np.float64)


def truth(lives: ProductLives) -> NDArray[np.str_]:
    return lives.stages(np.array([NOW]))[:, 0]


def away(lives: ProductLives) -> NDArray[np.bool_]:
    """Whether no boundary of the life is near the moment asked about."""
    return np.asarray(np.abs(lives.boundaries - NOW).min(axis=1) > BEYOND, dtype=np.bool_)


def sold(lives: ProductLives) -> NDArray[np.bool_]:
    """What was never sold is on no list."""
    return np.asarray(lives.units.sum(axis=1) > 0, dtype=np.bool_)


def attainable(lives: ProductLives, n_draws: int = 60_000, seed: int = 0) -> NDArray[np.str_]:
    """The most probable stage of each product, from the generator's own distribution of lives."""
    rng = np.random.default_rng(seed)
    bounds = draw_boundaries(rng.choice(list(KINDS), size=n_draws, p=list(KINDS.values())), rng)
    fine = (OFFSET + BLOCK * (np.arange(N_BLOCKS * 2) + 0.5) / 2) / MONTH_DAYS
    curved = rng.random(n_draws) < 0.5
    curves = np.concatenate(
        [
            compute_weights(bounds[part], curved[part], fine).reshape(-1, N_BLOCKS, 2).mean(axis=2).astype(np.float32)
            for part in np.array_split(np.arange(n_draws), 20)
        ]
    )
    stage = (bounds <= NOW).sum(axis=1)
    sales, exposure = blocks(lives.units).astype(np.float32), blocks(lives.exposure).astype(np.float32)
    told = np.zeros(lives.n, dtype=np.int64)
    for i in range(lives.n):
        y, base, k = sales[i], exposure[i], np.float32(lives.shape[i])
        alive = curves > 0
        fits = np.flatnonzero((alive | (y == 0)).all(axis=1) & alive.any(axis=1))
        mean = np.maximum(curves[fits] * base, np.float32(1e-9))
        level = np.log((y.sum() + 0.5) / mean.sum(axis=1))
        mean *= np.exp(level)[:, None]
        # Summed over levels by Laplace's approximation, with their own distribution (median 2.5, 0.9 in logarithms).
        width = 1 / (1 / 0.9**2 + (mean / (1 + mean / k)).sum(axis=1))
        whole = _log_likelihood(y, mean, k) - 0.5 * ((level - np.log(2.5)) / 0.9) ** 2 + 0.5 * np.log(width)
        told[i] = np.bincount(stage[fits], weights=np.exp(whole - whole.max()), minlength=len(STAGES)).argmax()
    return np.asarray(STAGES)[told]


def naive(lives: ProductLives) -> NDArray[np.str_]:
    """Recent against previous: up 15 percent is growth, down 15 percent decline; new, gone and the rest as they are."""
    sales = blocks(lives.units)
    recent, before = sales[:, -3:].sum(axis=1), sales[:, -6:-3].sum(axis=1)
    age = N_BLOCKS - (sales > 0).argmax(axis=1)
    ratio = recent / np.maximum(before, 1)
    rules = [recent == 0, age <= 4, ratio > 1.15, ratio < 0.85]
    return np.select(rules, ["discontinued", "introduction", "growth", "decline"], default="maturity")


def score(told: NDArray[np.str_], lives: ProductLives) -> dict[str, float]:
    """Accuracy overall and away from boundaries, recall of every stage, over products that were ever sold."""
    right, known = truth(lives), sold(lives)
    hit = told == right
    marks = {"n": float(known.sum()), "accuracy": hit[known].mean(), "away": hit[known & away(lives)].mean()}
    for stage in STAGES[1:]:
        marks[stage] = hit[known & (right == stage)].mean()
    return {name: round(float(value), 4) for name, value in marks.items()}


def _log_likelihood(y: Floats, mean: Floats, k: float) -> Floats:
    """Negative binomial with shape ``k``, summed over the last axis; terms without the mean left out."""
    whole = y * np.log(mean / (mean + k)) - k * np.log1p(mean / k)
    return np.asarray(whole.sum(axis=-1), dtype=np.float64)
