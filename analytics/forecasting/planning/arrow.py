"""A penalised Poisson regression of many related series at once: what is common to all, and what is each one's own.

    log E[y(i, r)] = offset(i, r) + own(i, r) . a(i) + common(i, r) . b        a, b ~ normal with known precisions

The Hessian has the shape of an arrow (a block for each series, a border for what is common), so a Newton step costs as
little as the series one by one (Schur complement). Counts vary by more than Poisson: the likelihood is divided by the
dispersion (quasi-likelihood, McCullagh & Nelder 1989). Penalties are priors, so the inverse Hessian is the covariance
of the estimate and holds what the priors leave open (Wahba 1983; Wood 2017, section 5.8), and their sizes can be
compared by the Laplace approximation of the marginal likelihood.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]

STEPS = 40
STEADY = 1e-3  # of a log likelihood: the next Newton step would be its square
WIDEST = 20.0  # of a logarithmic mean: bounds a step that went astray


@dataclass(frozen=True, slots=True, eq=False)
class Counts:
    """n series of R rows; rows without exposure have weight 0.

    y, offset, weight : (n, R). own : (n, R, k). common : (n, R, p).
    """

    y: Floats
    offset: Floats
    weight: Floats
    own: Floats
    common: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Fit:
    """Estimates (a: (n, k), b: (p,)), the covariance of b, of each a, and between a and b; mu: (n, R)."""

    a: Floats
    b: Floats
    mu: Floats
    cov_b: Floats
    cov_a: Floats
    cov_ab: Floats
    log_marginal: float
    freedom: float


def fit(
    counts: Counts,
    own_precision: Floats,
    common_precision: Floats,
    dispersion: float = 1.0,
    start: Fit | None = None,
) -> Fit:
    """The maximum of the penalised quasi-likelihood, by Newton's method with halved steps.

    ``own_precision`` (k, k) and ``common_precision`` (p, p) are the priors' precision matrices, positive definite.
    """
    import numpy as np

    n, _rows, k = counts.own.shape
    p = counts.common.shape[2]
    a = start.a.copy() if start is not None else _first(counts, k)
    b = start.b.copy() if start is not None else np.zeros(p)

    def height(a: Floats, b: Floats) -> tuple[float, Floats]:
        eta = np.clip(counts.offset + np.einsum("nrk,nk->nr", counts.own, a) + counts.common @ b, -WIDEST, WIDEST)
        mu = np.exp(eta)
        inside = float((counts.weight * (counts.y * eta - mu)).sum()) / dispersion
        prior = 0.5 * float(np.einsum("nk,kl,nl->", a, own_precision, a) + b @ common_precision @ b)
        return inside - prior, mu

    at, mu = height(a, b)
    for _step in range(STEPS):
        slope_a, slope_b, *bend = _derivatives(counts, mu, a, b, own_precision, common_precision, dispersion)
        move_a, move_b = _solve(slope_a, slope_b, *bend)
        size = 1.0
        while size > 1e-4:
            higher, there = height(a + size * move_a, b + size * move_b)
            if higher >= at - 1e-9:
                break
            size /= 2
        else:
            break
        a, b, mu = a + size * move_a, b + size * move_b, there
        gain, at = higher - at, higher
        if gain < STEADY:
            break
    _sa, _sb, blocks, border, corner = _derivatives(counts, mu, a, b, own_precision, common_precision, dispersion)
    inverse = np.linalg.inv(blocks)
    through = inverse @ border  # (n, k, p)
    schur = corner - np.einsum("nkp,nkq->pq", border, through)
    cov_b = np.linalg.inv(schur)
    cov_ab = -through @ cov_b
    cov_a = inverse - np.einsum("nkp,nlp->nkl", cov_ab, through)
    log_det = float(np.linalg.slogdet(blocks)[1].sum() + np.linalg.slogdet(schur)[1])
    prior_det = n * float(np.linalg.slogdet(own_precision)[1]) + float(np.linalg.slogdet(common_precision)[1])
    shrunk = float(np.einsum("nkl,lk->", cov_a, own_precision) + np.einsum("pq,qp->", cov_b, common_precision))
    return Fit(a, b, mu, cov_b, cov_a, cov_ab, at + 0.5 * (prior_det - log_det), n * k + p - shrunk)


def overdispersion(counts: Counts, found: Fit) -> float:
    """Pearson's estimate of the dispersion; at least 1."""
    held = counts.weight > 0
    pearson = float(((counts.y - found.mu)[held] ** 2 / found.mu[held].clip(min=1e-9)).sum())
    return max(pearson / max(float(held.sum()) - found.freedom, 1.0), 1.0)


def deviance(counts: Counts, mu: Floats) -> Floats:
    """Poisson deviance of every row, weights left out: (n, R)."""
    import numpy as np

    ratio = np.where(counts.y > 0, counts.y / mu.clip(min=1e-12), 1.0)
    return np.asarray(2 * (counts.y * np.log(ratio) - (counts.y - mu)))


def _first(counts: Counts, k: int) -> Floats:
    """Own coefficients that give each series its level: hats add up to one, so all of them get it."""
    import numpy as np

    exposure = (counts.weight * np.exp(counts.offset)).sum(axis=1)
    level = np.log((counts.weight * counts.y).sum(axis=1).clip(min=0.5) / exposure.clip(min=1e-9))
    a = np.zeros((len(level), k))
    a[:, :-1] = level[:, None]  # the last is the series' own slope on price
    return a


def _derivatives(
    counts: Counts, mu: Floats, a: Floats, b: Floats, own: Floats, common: Floats, dispersion: float
) -> tuple[Floats, Floats, Floats, Floats, Floats]:
    import numpy as np

    pull = counts.weight * (counts.y - mu) / dispersion
    load = (counts.weight * mu / dispersion)[..., None]
    slope_a = np.einsum("nrk,nr->nk", counts.own, pull) - a @ own
    slope_b = np.einsum("nrp,nr->p", counts.common, pull) - common @ b
    turned = np.swapaxes(counts.own * load, 1, 2)
    blocks = turned @ counts.own + own
    border = turned @ counts.common
    flat = counts.common.reshape(-1, counts.common.shape[2])
    corner = (flat * load.reshape(-1, 1)).T @ flat + common
    return slope_a, slope_b, blocks, border, corner


def _solve(slope_a: Floats, slope_b: Floats, blocks: Floats, border: Floats, corner: Floats) -> tuple[Floats, Floats]:
    import numpy as np

    solved = np.linalg.solve(blocks, np.concatenate([border, slope_a[..., None]], axis=2))
    through, straight = solved[..., :-1], solved[..., -1]
    schur = corner - np.einsum("nkp,nkq->pq", border, through)
    move_b = np.linalg.solve(schur, slope_b - np.einsum("nkp,nk->p", border, straight))
    return straight - through @ move_b, move_b
