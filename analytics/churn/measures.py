"""How good predicted risks are, with intervals that resample customers rather than rows.

Sources: Hanley and McNeil (1982) for the area under the curve as a share of pairs; DeLong, DeLong and Clarke-Pearson
(1988) for its variance; Naeini, Cooper and Hauskrecht (2015) for the expected calibration error over bins of equal
numbers; Brier (1950).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

BINS = 10


def auc(gone: npt.NDArray[Any], risk: Floats, weight: Floats | None = None) -> float:
    """Share of pairs (gone, stayed) in which the gone has the greater risk, ties half; NaN with one class."""
    order = np.argsort(risk, kind="stable")
    value = risk[order]
    weight = np.ones(len(risk)) if weight is None else weight
    yes = (gone * weight)[order]
    no = ((1 - gone) * weight)[order]
    ends = np.flatnonzero(np.append(value[1:] != value[:-1], True)) if len(value) else np.zeros(0, np.int64)
    yes_upto, no_upto = np.cumsum(yes)[ends], np.cumsum(no)[ends]
    yes_here, no_here = np.diff(yes_upto, prepend=0), np.diff(no_upto, prepend=0)
    pairs = float(yes_upto[-1] * no_upto[-1]) if len(ends) else 0.0
    if pairs <= 0:
        return float("nan")
    return float((yes_here * (no_upto - no_here / 2)).sum() / pairs)


def auc_interval(gone: npt.NDArray[Any], risk: Floats, level: float) -> tuple[float, float, float]:
    """AUC with DeLong's interval on the logit scale, rows independent; NaN with fewer than two of a class."""
    from scipy.special import expit, logit
    from scipy.stats import norm, rankdata

    yes, no = risk[gone == 1], risk[gone == 0]
    m, n = len(yes), len(no)
    if m < 2 or n < 2:
        return float("nan"), float("nan"), float("nan")
    together = rankdata(np.concatenate([yes, no]))
    above = (together[:m] - rankdata(yes)) / n
    below = 1 - (together[m:] - rankdata(no)) / m
    area = float(above.mean())
    # Where no pair is wrong, half a wrong row is still thinkable.
    deviation = float(np.sqrt(max(above.var(ddof=1) / m + below.var(ddof=1) / n, (0.5 / min(m, n)) ** 2 / 4)))
    z = float(norm.ppf((1 + level) / 2))
    if min(area, 1 - area) < 5 * deviation:  # so near the edge a logit is no straight line any more
        return area, max(area - z * deviation, 0.0), min(area + z * deviation, 1.0)
    at, width = float(logit(area)), z * deviation / (area * (1 - area))
    return area, float(expit(at - width)), float(expit(at + width))


def average_precision(gone: npt.NDArray[Any], risk: Floats, weight: Floats | None = None) -> float:
    """Mean precision over the gone, from the greatest risk down; equal risks are one step."""
    order = np.argsort(-risk, kind="stable")
    value = risk[order]
    weight = np.ones(len(risk)) if weight is None else weight
    ends = np.flatnonzero(np.append(value[1:] != value[:-1], True)) if len(value) else np.zeros(0, np.int64)
    found = np.cumsum((gone * weight)[order])[ends]
    asked = np.cumsum(weight[order])[ends]
    if not len(ends) or found[-1] <= 0:
        return float("nan")
    with np.errstate(all="ignore"):
        steps = np.diff(found, prepend=0) * np.where(asked > 0, found / asked, 0)
    return float(steps.sum() / found[-1])


def brier(gone: npt.NDArray[Any], risk: Floats) -> float:
    """Mean squared difference of risk and outcome."""
    return float(((risk - gone) ** 2).mean())


def log_loss(gone: npt.NDArray[Any], risk: Floats) -> float:
    """Mean negative log-likelihood, natural logarithm; risks are held within 1e-6 of 0 and 1."""
    inside = np.clip(risk, 1e-6, 1 - 1e-6)
    return float(-(gone * np.log(inside) + (1 - gone) * np.log1p(-inside)).mean())


def equal_bins(risk: Floats, n_bins: int = BINS) -> Ints:
    """The bin of each row: equal numbers from the smallest risk up, equal risks in one bin."""
    from scipy.stats import rankdata

    middle = (rankdata(risk) - 0.5) / max(len(risk), 1)
    return np.asarray(np.minimum((middle * n_bins).astype(np.int64), n_bins - 1))


def calibration_error(gone: npt.NDArray[Any], risk: Floats, n_bins: int = BINS) -> float:
    """Expected calibration error: mean |share gone - mean risk| over bins of equal numbers."""
    bins = equal_bins(risk, n_bins)
    n = np.bincount(bins, minlength=n_bins)
    gap = np.bincount(bins, gone, n_bins) - np.bincount(bins, risk, n_bins)
    return float(np.abs(gap[n > 0]).sum() / max(len(risk), 1))


def customer_weights(customers: Ints, n_draws: int, seed: int) -> npt.NDArray[np.float64]:
    """n_draws x rows: how often each row's customer is drawn (Poisson with mean 1), all its rows alike.

    Customers are numbered as they first come: the rows must stand in an order that neither ids nor files decide.
    """
    _, first, inverse = np.unique(customers, return_index=True, return_inverse=True)
    number = np.empty(len(first), np.int64)
    number[np.argsort(first, kind="stable")] = np.arange(len(first))
    drawn = np.random.default_rng(seed).poisson(1.0, (n_draws, len(first))).astype(np.float64)
    return drawn[:, number[inverse]]
