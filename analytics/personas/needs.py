"""What a group buys, and how, more than the others: shares of its lines and orders, with people as the unit.

A share of lines is a ratio of two sums over people; its deviation is the ratio estimator's (Cochran, Sampling
Techniques, 1977, ch. 6), so that one person's two hundred lines are not two hundred observations.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from analytics.contrasts import PRIVACY_LIMIT, Contrast, Floats
from analytics.customers import CustomerTable, Trait

_Z = 1.959963984540054


def mixes(customers: CustomerTable) -> tuple[Trait, ...]:
    """The traits that count how often each of several things was bought or used."""
    return tuple(trait for trait in customers.traits if trait.kind == "counts")


def weigh_mixes(
    frame: pl.DataFrame, shown: Sequence[str], traits: Sequence[Trait]
) -> tuple[list[Contrast], dict[tuple[str, str, str], int], int]:
    """Each level's share in each group against the others'.

    Returns the contrasts (kind "share"), how many people of the group have any (label, field, level), and how many
    comparisons were left out because fewer than ten people stand behind one side.
    """
    found: list[Contrast] = []
    people: dict[tuple[str, str, str], int] = {}
    n_suppressed = 0
    group = frame["label"].to_numpy()
    for trait in traits:
        counts = frame.select(pl.col(list(trait.columns)).cast(pl.Float64).fill_null(0.0)).to_numpy()
        whole = counts.sum(axis=1)
        for label in shown:
            inside = (group == label) & (whole > 0)
            outside = (group != label) & (whole > 0)
            if min(inside.sum(), outside.sum()) < PRIVACY_LIMIT:
                n_suppressed += len(trait.levels)
                continue
            for i, level in enumerate(trait.levels):
                if not level:
                    continue  # what is left of the rest is no need
                mine, theirs = counts[inside, i], counts[outside, i]
                n_mine, n_theirs = int((mine > 0).sum()), int((theirs > 0).sum())
                if min(n_mine, n_theirs) < PRIVACY_LIMIT:
                    n_suppressed += bool(n_mine or n_theirs)
                    continue
                contrast = _contrast(label, trait.name, level, mine, whole[inside], theirs, whole[outside])
                if contrast is not None:
                    found.append(contrast)
                    people[label, trait.name, level] = n_mine
    return found, people, n_suppressed


def _contrast(
    label: str, field: str, level: str, mine: Floats, of_mine: Floats, theirs: Floats, of_theirs: Floats
) -> Contrast | None:
    from scipy.special import ndtr

    (a, var_a), (b, var_b) = _ratio(mine, of_mine), _ratio(theirs, of_theirs)
    error = float(np.sqrt(var_a + var_b))
    if error <= 1e-12:
        return None
    effect = a - b
    h = abs(2 * np.arcsin(np.sqrt(a)) - 2 * np.arcsin(np.sqrt(b)))
    p = 2 * float(ndtr(-abs(effect) / error))
    lo, hi = effect - _Z * error, effect + _Z * error
    return Contrast(label, field, level, "share", len(mine), a, b, effect, lo, hi, float(h), p)


def _ratio(parts: Floats, wholes: Floats) -> tuple[float, float]:
    """Sum of parts / sum of wholes, and its variance over people."""
    n, total = len(parts), wholes.sum()
    share = float(parts.sum() / total)
    left = parts - share * wholes
    return share, float(left @ left / (n - 1) * n / total**2)
