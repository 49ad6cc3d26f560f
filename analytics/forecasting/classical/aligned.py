"""Many series moved to a common beginning, their gaps filled: what the recursions below run over."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Ints = npt.NDArray[np.int64]
    Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Aligned:
    """Series that all begin in column 0.

    Attributes
    ----------
    y : shape (n, T), no NaN; zero from ``length`` on.
    length : shape (n,), periods from the first observation to the end; 0 where nothing was observed.
    inside : shape (n, T), True before ``length``.
    n_observed : shape (n,), finite values.
    """

    y: Floats
    length: Ints
    inside: Bools
    n_observed: Ints

    def replaced(self, y: Floats) -> Aligned:
        """The same places with other values; zero outside."""
        import numpy as np

        return Aligned(np.where(self.inside, y, 0.0), self.length, self.inside, self.n_observed)

    def rows(self, chosen: Bools | Ints) -> Aligned:
        """Some of the series."""
        return Aligned(self.y[chosen], self.length[chosen], self.inside[chosen], self.n_observed[chosen])


def align(y: Floats, season: int) -> Aligned:
    """Series of shape (n, T), NaN where not observed, moved to a common beginning with ``fill_gaps``."""
    import numpy as np

    y = np.asarray(y, dtype=float)
    n, width = y.shape
    if not width:
        return Aligned(y, np.zeros(n, dtype=np.int64), np.zeros(y.shape, dtype=bool), np.zeros(n, dtype=np.int64))
    seen = np.isfinite(y)
    n_observed = seen.sum(axis=1)
    start = np.where(n_observed > 0, seen.argmax(axis=1), width)
    length = width - start
    inside = np.arange(width) < length[:, None]
    places = np.minimum(start[:, None] + np.arange(width), width - 1)
    moved = np.take_along_axis(fill_gaps(y, season), places, axis=1)
    return Aligned(np.where(inside, moved, 0.0), length, inside, n_observed)


def fill_gaps(y: Floats, season: int) -> Floats:
    """Each gap takes the value one season before, or else that of the nearest observed period, the earlier of two.

    What lies before the first observation stays NaN.
    """
    import numpy as np

    seen = np.isfinite(y)
    width = y.shape[1]
    begun = np.maximum.accumulate(seen, axis=1)
    gaps = begun & ~seen
    if not gaps.any():
        return y
    filled = y.copy()
    for place in np.flatnonzero(gaps.any(axis=0)):
        if place >= season:
            before = filled[:, place - season]
            here = gaps[:, place] & np.isfinite(before)
            filled[here, place] = before[here]
    left = begun & ~np.isfinite(filled)
    if left.any():
        known = np.isfinite(filled)
        at = np.arange(width)
        last = np.maximum.accumulate(np.where(known, at, -1), axis=1)
        following = np.minimum.accumulate(np.where(known, at, 2 * width)[:, ::-1], axis=1)[:, ::-1]
        nearest = np.where(at - last <= following - at, last, following)
        filled = np.where(left, np.take_along_axis(filled, np.clip(nearest, 0, width - 1), axis=1), filled)
    return filled
