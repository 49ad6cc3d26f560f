"""A smooth curve through the year, as far as it comes again: learned year by year and shrunk by how the years agree."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING

from analytics.forecasting.block import Block

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from analytics.forecasting.classical.aligned import Floats

    Bools = npt.NDArray[np.bool_]

DAYS = 365.25
WAVES = 8
DOUBT = 0.5  # standard errors of what comes again by chance
LEAST_YEARS = 2
LOWEST = 0.2  # of the level: no part of the year is taken for less


@dataclass(frozen=True, slots=True, eq=False)
class Yearly:
    """What the time of the year does to each series.

    Attributes
    ----------
    seen, ahead : shape (n, T) and (n, h): factors where ``multiplicative``, else in the unit of the series.
    multiplicative : (n,).
    """

    seen: Floats
    ahead: Floats
    multiplicative: Bools

    def removed(self, y: Floats) -> Floats:
        """The series (n, T) without it; NaN stays."""
        import numpy as np

        times = self.multiplicative[:, None]
        return np.where(times, y / np.where(times, self.seen, 1.0), y - self.seen)

    def without(self, block: Block) -> Block:
        """The block without it."""
        return replace(block, y=self.removed(block.y))

    def restored(self, forecasts: Floats) -> Floats:
        import numpy as np

        return np.where(self.multiplicative[:, None], forecasts * self.ahead, forecasts + self.ahead)


def learn_year(block: Block) -> Yearly | None:
    """The curve of each series; None for months and for less than two years. Flat where the years do not agree.

    Deviations from a straight line, in shares of it where nothing is negative, are laid on eight waves, each year by
    itself, counted back from the end. A wave's part that comes again is its mean product between years, less half of
    what chance would give; the mean over the years is shrunk by that part's share (an estimate of James & Stein's
    kind), so what does not come again is not believed.
    """
    import numpy as np

    if block.frequency == "month" or not block.ds:
        return None
    ordinals = np.array([day.toordinal() for day in block.ds])
    n_years = int((ordinals[-1] - ordinals[0] + (1 if block.frequency == "day" else 7)) // DAYS)
    if n_years < LEAST_YEARS:
        return None
    n = len(block.y)
    since = ordinals > ordinals[-1] - n_years * DAYS
    line = _straight(ordinals, block.y, since)
    lowest = np.where(np.isfinite(block.y), block.y, np.inf).min(axis=1)
    multiplicative = (lowest >= 0) & (line[:, since].min(axis=1) > 0.1 * np.abs(line[:, since]).max(axis=1))
    detrended = np.where(multiplicative[:, None], block.y / np.where(line > 0, line, 1.0) - 1, block.y - line)
    parts = np.full((n_years, 2 * WAVES, n), np.nan)
    for back in range(n_years):
        inside = (ordinals > ordinals[-1] - (back + 1) * DAYS) & (ordinals <= ordinals[-1] - back * DAYS)
        y = detrended[:, inside]
        whole = np.isfinite(y).mean(axis=1) > 0.9
        if not whole.any():
            break
        design = np.column_stack([np.ones(inside.sum()), _waves(ordinals[inside])])
        found = np.linalg.pinv(design) @ np.where(np.isfinite(y), y, 0.0).T
        parts[back] = np.where(whole, found[1:], np.nan)
    count = np.isfinite(parts[:, 0]).sum(axis=0)
    enough = count >= LEAST_YEARS
    if not enough.any():
        return None
    multiplicative &= enough
    mean = np.where(enough, _shrunk(parts, count), 0.0)
    around = [_waves(ordinals) @ mean, _waves(_ordinals(block.ahead)) @ mean]
    seen, ahead = (np.where(multiplicative, np.maximum(1 + part, LOWEST), part).T for part in around)
    return Yearly(seen, ahead, multiplicative)


def _shrunk(parts: Floats, count: Floats) -> Floats:
    """The mean over years (years, 2 waves, n), each wave shrunk by the share of it that comes again."""
    import numpy as np

    known = np.where(np.isfinite(parts), parts, 0.0)
    years = np.maximum(count, 2)
    total = known.sum(axis=0)
    square = (known**2).sum(axis=0)
    between = total**2 - square  # sums of products of different years
    pairs = years * (years - 1)
    again = between.reshape(-1, 2, between.shape[1]).sum(axis=1) / pairs
    everything = square.reshape(-1, 2, square.shape[1]).sum(axis=1) / years
    noise = np.maximum(everything - again, 0.0)
    # What independent years would show by chance: the standard error of the mean product.
    chance = noise / np.sqrt(pairs)
    kept = np.maximum(again - DOUBT * chance, 0.0)
    share = kept / np.where(kept > 0, kept + noise / years, 1.0)
    return np.asarray(np.repeat(share, 2, axis=0) * total / years)


def _waves(ordinals: Floats) -> Floats:
    """cosine and sine of each wave, shape (periods, 2 waves)."""
    import numpy as np

    angle = 2 * np.pi * ordinals[:, None] / DAYS * np.arange(1, WAVES + 1)
    return np.stack([np.cos(angle), np.sin(angle)], axis=2).reshape(len(ordinals), -1)


def _ordinals(days: Sequence[date]) -> Floats:
    import numpy as np

    return np.array([float(day.toordinal()) for day in days])


def _straight(ordinals: Floats, y: Floats, since: Bools) -> Floats:
    """The straight line through each series beside two waves of the year, over whole years; shape (n, T)."""
    import numpy as np

    at = (ordinals - ordinals.mean()) / DAYS
    design = np.column_stack([np.ones(len(at)), at, _waves(ordinals)[:, :4]])
    used = np.isfinite(y) & since
    lines = np.zeros_like(y)
    for row in range(len(y)):
        here = used[row]
        if here.sum() > design.shape[1]:
            found = np.linalg.lstsq(design[here], y[row, here], rcond=None)[0]
            lines[row] = design[:, :2] @ found[:2]
    return lines
