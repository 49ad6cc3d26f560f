"""Are there kinds of customers at all? For categories and counts, where no distance shows it.

How much better several segments describe the customers than one, by BIC of the mixture, is compared with customers
drawn from one kind: as many orders each, the same shares, favourites and habits, numbers with the same distributions
and correlations, and nothing that goes with anything else. A parametric bootstrap (McLachlan 1987).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analytics.segmentation.encoding import Encoded
from analytics.segmentation.mixture import Habits, fit_mixture
from analytics.segmentation.references import FAMILIES, Family, fit_references

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

ROWS, N_DRAWS, N_INIT = 600, 3, 1  # rows studied; sets drawn per family of references; starts of each fit
_TRIED = (2, 3)  # numbers of segments: any structure shows in one of them
DEVIATIONS, LEAST_GAIN = 3.0, 0.02


@dataclass(frozen=True, slots=True)
class Kinds:
    """``gain``: by how much two or three segments improve BIC over one, per customer; ``needed``: the gain from which
    there is more than in customers of one kind (the references' mean, three of their deviations, and a little)."""

    gain: float
    needed: float

    @property
    def found(self) -> bool:
        return self.gain > self.needed


def look_for_kinds(encoded: Encoded, random_state: int) -> Kinds:
    """Compare the customers (at most ``ROWS`` of them, drawn at random) with customers of one kind."""
    rng = np.random.default_rng([random_state, 77])
    if len(encoded) > ROWS:
        encoded = encoded.take(np.sort(rng.choice(len(encoded), ROWS, replace=False)))
    numbers, counts = encoded.numbers, encoded.counts
    one = fit_mixture(numbers, counts, 1, n_init=1, random_state=random_state)
    gain = _gain(numbers, counts, one.bic, random_state)
    gains = []
    for family in FAMILIES if numbers.shape[1] else FAMILIES[:1]:
        for drawn in _numbers_alike(numbers, family, rng):
            blocks = tuple(_counts_alike(block, habits, rng) for block, habits in zip(counts, one.blocks, strict=True))
            alike = fit_mixture(drawn, blocks, 1, n_init=1, random_state=random_state)
            gains.append(_gain(drawn, blocks, alike.bic, random_state))
    return Kinds(gain, float(np.mean(gains) + DEVIATIONS * np.std(gains, ddof=1) + LEAST_GAIN))


def _gain(numbers: Floats, counts: tuple[Ints, ...], bic_of_one: float, random_state: int) -> float:
    several = [fit_mixture(numbers, counts, k, n_init=N_INIT, random_state=random_state).bic for k in _TRIED]
    return (bic_of_one - min(several)) / len(numbers)


def _numbers_alike(numbers: Floats, family: Family, rng: np.random.Generator) -> Floats:
    """``N_DRAWS`` sets of numbers without clusters; what is unknown stays unknown."""
    if not numbers.shape[1]:
        return np.empty((2 * N_DRAWS, *numbers.shape))
    unknown = np.isnan(numbers)
    filled = np.where(unknown, np.nanmedian(np.where(unknown.all(axis=0), 0.0, numbers), axis=0), numbers)
    names = tuple(str(i) for i in range(numbers.shape[1]))
    drawn: Floats = fit_references(Encoded(filled, filled, (), names)).draw(family, N_DRAWS, rng)
    return np.where(unknown, np.nan, drawn)


def _counts_alike(block: Ints, habits: Habits, rng: np.random.Generator) -> Ints:
    """As many orders of each customer, drawn as the one segment's habits would have it."""
    shares = habits.shares[0]
    base = np.tile((1 - habits.habit) * shares, (len(block), 1))
    base[np.arange(len(block)), rng.choice(len(shares), len(block), p=shares)] += habits.habit
    if np.isfinite(habits.concentration):
        base = rng.standard_gamma(np.maximum(habits.concentration * base, 1e-3)) + 1e-12
    base /= base.sum(axis=1, keepdims=True)
    return np.asarray(rng.multinomial(block.sum(axis=1), base), dtype=np.int64)
