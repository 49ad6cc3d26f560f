"""What all products have in common: the season of their kind, the trend of the typical one; and how each wanders.

The season is a ratio of sums: over all products of a group, what was sold at one position of the year against each
product's own level around it (a centred year, which holds every position once). Only whole windows count, so that a
product that grows at the end does not look like a season. A group's season is held towards that of all products by
what its sales can tell.

The trend of the typical product is the median, over products sold in two years running, of this year against the year
before: a shop that grows carries all its products, and none of them is young for that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]

HELD = 150.0  # sales at a position of the year that weigh as much as what is held towards
LEAST_OF_YEAR, LEAST_TYPICAL = 20.0, 8  # sales in each of two years, and products that have them
LEAST_CV2, MOST_CV2, HELD_PERIODS = 0.003, 0.5, 15.0


def season_of(sales: Floats, days: Floats, groups: Sequence[str], per_year: int) -> Floats | None:
    """(n, T) factors around 1 by position in the year, counted back from the end; None under two years.

    Parameters
    ----------
    sales : (n, T). days : (n, T), days observed of each period.
    """
    import numpy as np

    n, periods = sales.shape
    if periods < 2 * per_year:
        return None
    position = (np.arange(periods) - periods) % per_year
    rate = np.divide(sales, days, out=np.zeros_like(sales), where=days > 0)
    running = np.cumsum(np.pad(rate, ((0, 0), (1, 0))), axis=1)
    around = (running[:, per_year:] - running[:, :-per_year]) / per_year
    # An even year has no middle: half of the two windows that share it.
    around = around if per_year % 2 else (around[:, 1:] + around[:, :-1]) / 2
    first = per_year // 2
    inside = slice(first, first + around.shape[1])
    whole = (sales[:, inside] > 0) | (around > 0)
    sold, expected = np.where(whole, sales[:, inside], 0.0), np.where(whole, around * days[:, inside], 0.0)
    at = position[inside]

    def sums(members: npt.NDArray[np.bool_]) -> tuple[Floats, Floats]:
        parts = [(sold[members][:, at == p].sum(), expected[members][:, at == p].sum()) for p in range(per_year)]
        return np.array([a for a, _ in parts]), np.array([b for _, b in parts])

    everything = _held(*sums(np.ones(n, dtype=bool)), np.ones(per_year))
    factors = np.ones((n, periods))
    for group in dict.fromkeys(groups):
        members = np.array([g == group for g in groups])
        factors[members] = _held(*sums(members), everything)[position]
    return factors


def _held(sold: Floats, expected: Floats, towards: Floats) -> Floats:
    import numpy as np

    factor = (sold + HELD * towards) / (np.maximum(expected, 0.0) + HELD)
    factor = np.clip(factor, 0.05, 20.0)
    return np.asarray(factor / factor.mean(), dtype=np.float64)


def trend_of(sales: Floats, days: Floats, per_year: int) -> Floats | None:
    """(T,) log of what a typical product sells against today; None where too few were sold in two years running.

    Medians of years counted back from the end, joined at their middles by straight lines.
    """
    import numpy as np

    n_years = sales.shape[1] // per_year
    steps = []
    for k in range(n_years - 1):
        later, before = (
            slice(sales.shape[1] - (k + j) * per_year - per_year, sales.shape[1] - (k + j) * per_year) for j in (0, 1)
        )
        sums = [
            np.divide(
                sales[:, part].sum(axis=1),
                days[:, part].sum(axis=1),
                where=days[:, part].sum(axis=1) > 0,
                out=np.zeros(len(sales)),
            )
            for part in (later, before)
        ]
        both = (sales[:, later].sum(axis=1) >= LEAST_OF_YEAR) & (sales[:, before].sum(axis=1) >= LEAST_OF_YEAR)
        if both.sum() < LEAST_TYPICAL:
            break
        steps.append(float(np.median(np.log(sums[0][both] / sums[1][both]))))
    if not steps:
        return None
    middle = sales.shape[1] - per_year / 2 - per_year * np.arange(len(steps) + 1) - 0.5
    height = -np.concatenate([[0.0], np.cumsum(steps)])
    # Beyond the middles of the first and the last year their slopes go on.
    ends = np.array([middle[0] + per_year, *middle, middle[-1] - per_year])
    levels = np.array([height[0] + steps[0], *height, height[-1] - steps[-1]])
    path = np.interp(np.arange(sales.shape[1]), ends[::-1], levels[::-1])
    return np.asarray(path - path[-1], dtype=np.float64)


def shapes_of(sales: Floats, exposure: Floats) -> Floats:
    """(n,) shape of each product's negative binomial: one over its squared coefficient of variation beyond Poisson.

    From each period against the four around it, held towards the products' median.
    """
    import numpy as np

    if sales.shape[1] < 5:
        return np.full(len(sales), 1 / 0.04)
    rate = np.divide(sales, exposure, out=np.zeros_like(sales), where=exposure > 0)
    padded = np.pad(rate, ((0, 0), (2, 2)), mode="edge")
    around = (padded[:, :-4] + padded[:, 1:-3] + padded[:, 3:-1] + padded[:, 4:]) / 4
    mean = around * exposure
    told = (mean > 2) & (exposure > 0)
    excess = ((rate - around) ** 2 * exposure**2 / 1.25 - mean) * told
    size = (mean**2 * told).sum(axis=1)
    raw = np.clip(excess.sum(axis=1) / np.maximum(size, 1e-9), 0.0, MOST_CV2)
    known = size > 0
    common = float(np.median(raw[known])) if known.any() else 0.04
    n = told.sum(axis=1)
    return np.asarray(
        1 / np.maximum((raw * n + common * HELD_PERIODS) / (n + HELD_PERIODS), LEAST_CV2), dtype=np.float64
    )


def grain_of(amounts: Floats, exposure: Floats) -> Floats:
    """(n,) what one sale is worth, of amounts that are no counts: so large that chance alone explains their noise."""
    import numpy as np

    rate = np.divide(amounts, exposure, out=np.zeros_like(amounts), where=exposure > 0)
    padded = np.pad(rate, ((0, 0), (1, 1)), mode="edge")
    around = (padded[:, :-2] + padded[:, 2:]) / 2
    noise = ((rate - around) ** 2 * exposure**2 / 1.5).sum(axis=1) - 0.02 * ((around * exposure) ** 2).sum(axis=1)
    total = np.maximum((around * exposure).sum(axis=1), 1e-9)
    mean = total / amounts.shape[1]
    return np.asarray(np.maximum(noise / total, mean / 500), dtype=np.float64)
