"""How strongly two categories of the same people hang together: chi-square and Cramer's V with its interval.

Every person stands in the table once, so the people are the independent units. V is corrected for its bias (Bergsma
2013); its interval comes from resampling people, which for a table is a multinomial draw of its cells, with the same
correction made twice: once for the sample and once for the resampling (Efron & Tibshirani 1993).
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

Table = npt.NDArray[np.int64]
Numbers = npt.NDArray[np.float64]
Strength = Literal["none", "unclear", "negligible", "weak", "moderate", "strong"]

_ALPHA = 0.05
_STEPS = (0.1, 0.3, 0.5)  # Cohen's (1988) small, medium and large for one degree of freedom
_LEAST_EXPECTED = 5.0
_SMALL_CELLS = 0.2
_N_TABLES = 2000


class Association(NamedTuple):
    """chi2, df, p; v with lo, hi (95 %); n people; strength in a word; exact: p by drawing tables, since expected
    counts are too small for the chi-square distribution."""

    chi2: float
    df: int
    p: float
    v: float
    lo: float
    hi: float
    n: int
    strength: Strength
    exact: bool


def associate(table: Table, n_resamples: int, random_state: int) -> Association | None:
    """The association in a table of people; None with fewer than two rows or columns that hold anybody."""
    from scipy.special import chdtrc

    table = table[table.sum(axis=1) > 0][:, table.sum(axis=0) > 0]
    if min(table.shape, default=0) < 2:
        return None
    rng = np.random.default_rng(random_state)
    n = int(table.sum())
    df = (table.shape[0] - 1) * (table.shape[1] - 1)
    chi2 = float(_chi2(table[None].astype(np.float64))[0])
    expected = np.outer(table.sum(axis=1), table.sum(axis=0)) / n
    exact = bool((expected < _LEAST_EXPECTED).mean() > _SMALL_CELLS or expected.min() < 1)
    p = _drawn_p(table, chi2, rng) if exact else float(chdtrc(df, chi2))
    v = float(_v(np.array([chi2]), table.shape, n, 1)[0])
    drawn = rng.multinomial(n, table.ravel() / n, size=n_resamples).reshape(n_resamples, *table.shape)
    spread = _v(_chi2(drawn.astype(np.float64)), table.shape, n, 2)
    lo, hi = (float(bound) for bound in np.quantile(spread, (0.025, 0.975)))
    lo, hi = min(lo, v), max(hi, v)
    return Association(chi2, df, p, v, lo, hi, n, _strength(p, v, hi), exact)


def _chi2(tables: Numbers) -> Numbers:
    rows, columns = tables.sum(axis=2, keepdims=True), tables.sum(axis=1, keepdims=True)
    expected = rows * columns / tables.sum(axis=(1, 2), keepdims=True)
    terms = np.divide((tables - expected) ** 2, expected, out=np.zeros_like(tables), where=expected > 0)
    found: Numbers = terms.sum(axis=(1, 2))
    return found


def _v(chi2: Numbers, shape: tuple[int, ...], n: int, corrections: int) -> Numbers:
    """Cramer's V with Bergsma's correction, ``corrections`` times that of phi squared."""
    rows, columns = shape
    if n < 2:
        return np.zeros_like(chi2)
    phi2 = np.maximum(chi2 / n - corrections * (rows - 1) * (columns - 1) / (n - 1), 0.0)
    size = min(rows - (rows - 1) ** 2 / (n - 1), columns - (columns - 1) ** 2 / (n - 1)) - 1
    return np.sqrt(np.minimum(phi2 / size, 1.0)) if size > 0 else np.zeros_like(chi2)


def _drawn_p(table: Table, chi2: float, rng: np.random.Generator) -> float:
    from scipy.stats import random_table

    drawn = random_table(table.sum(axis=1), table.sum(axis=0)).rvs(_N_TABLES, random_state=rng)
    beyond = int((_chi2(np.asarray(drawn, dtype=np.float64)) >= chi2 - 1e-9).sum())
    return (beyond + 1) / (_N_TABLES + 1)


def _strength(p: float, v: float, hi: float) -> Strength:
    if p >= _ALPHA:
        return "none" if hi < _STEPS[0] else "unclear"
    names: tuple[Strength, ...] = ("negligible", "weak", "moderate", "strong")
    return names[sum(v >= step for step in _STEPS)]
