"""Bands from what a method got wrong in its back-test (conformal), and totals from simulated paths.

An error at horizon step h of an origin is scaled to ``|e| / (sigma h^b)``: sigma is that fit's own in-sample error,
b how fast errors grow with the horizon. The band of a new forecast is the rank ``ceil((n + 1) level)`` of the scaled
errors that were known when it was made, scaled back (split conformal: Vovk, Gammerman & Shafer 2005, "Algorithmic
learning in a random world"). Errors of neighbouring steps are alike, so the promise is approximate: the measured
coverage is shown beside the band.
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from analytics.forecasting.models import Array

LEVELS = (0.80, 0.95)
LEAST_ERRORS = 20  # the 95 percent rank needs 19 errors
LEAST_ORIGINS = 2
N_PATHS = 4000


@dataclass(frozen=True, slots=True, eq=False)
class OriginErrors:
    """Errors ``y - forecast`` of one origin by horizon step (NaN where not yet known) and its fit's sigma."""

    errors: Array
    sigma: float


@dataclass(frozen=True, slots=True, eq=False)
class Calibration:
    """Sorted scaled errors, the growth exponent, the share of variance that all steps of a path have in common."""

    scaled: Array
    exponent: float
    common: float

    def half_width(self, sigma: float, horizon: int, level: float) -> Array:
        """Half the band's width at steps 1 to ``horizon``."""
        import numpy as np

        n = len(self.scaled)
        rank = min(int(np.ceil((n + 1) * level)), n)
        half: Array = float(self.scaled[rank - 1]) * sigma * _steps(horizon) ** self.exponent
        return half

    def paths(self, sigma: float, horizon: int, random_state: int) -> Array:
        """Simulated errors, ``N_PATHS`` x ``horizon``: margins as in the band, dependence as in the back-test."""
        import numpy as np
        from scipy.special import ndtr

        rng = np.random.default_rng(random_state)
        shared, own = rng.standard_normal((N_PATHS, 1)), rng.standard_normal((N_PATHS, horizon))
        z = np.sqrt(self.common) * shared + np.sqrt(1 - self.common) * own
        n = len(self.scaled)
        ranks = np.minimum(np.ceil((n + 1) * (2 * ndtr(np.abs(z)) - 1)).astype(int), n)
        sizes = self.scaled[np.maximum(ranks, 1) - 1]
        errors: Array = np.sign(z) * sizes * sigma * _steps(horizon) ** self.exponent
        return errors


def calibrate(known: Sequence[OriginErrors]) -> Calibration | None:
    """A Calibration from the origins' known errors; None with fewer than 20 errors or two origins."""
    import numpy as np

    # A fit without any error (all zeros so far) says nothing about the size of later ones.
    usable = [origin for origin in known if origin.sigma > 0 and np.isfinite(origin.errors).any()]
    if len(usable) < LEAST_ORIGINS or sum(int(np.isfinite(origin.errors).sum()) for origin in usable) < LEAST_ERRORS:
        return None
    ratios = np.array([origin.errors / origin.sigma for origin in usable])
    exponent = _exponent(ratios)
    scaled = ratios / _steps(ratios.shape[1]) ** exponent
    sizes = np.abs(scaled[np.isfinite(scaled)])
    return Calibration(np.sort(sizes), exponent, _common_share(scaled, exponent))


def uncalibrated() -> Calibration:
    """Without a back-test: normal errors that grow like a random walk's, all in common. Wide on purpose."""
    import numpy as np

    normal = NormalDist()
    sizes = [normal.inv_cdf(0.5 + (rank - 0.5) / 398) for rank in range(1, 200)]
    return Calibration(np.array(sizes), 0.5, 1.0)


def _exponent(ratios: Array) -> float:
    """Slope of log mean error on log step, held between 0 (no growth) and 1 (a wrong slope); a random walk has 0.5."""
    import numpy as np

    seen = np.isfinite(ratios)
    steps = np.flatnonzero(seen.sum(axis=0) >= LEAST_ORIGINS)
    if len(steps) < 3:
        return 0.0
    mean = np.nanmean(np.abs(ratios[:, steps]), axis=0)
    if not (mean > 0).all():
        return 0.0
    x = np.log(steps + 1)
    slope = float(((x - x.mean()) * (np.log(mean) - np.log(mean).mean())).sum() / ((x - x.mean()) ** 2).sum())
    return min(max(slope, 0.0), 1.0)


def _common_share(scaled: Array, exponent: float) -> float:
    """The equal correlation between steps under which a path's sum varies as the back-test's sums did."""
    import numpy as np

    complete = scaled[np.isfinite(scaled).all(axis=1)]
    horizon = scaled.shape[1]
    if len(complete) < LEAST_ORIGINS or horizon < 2:
        return 1.0
    weights = _steps(horizon) ** exponent
    sums, squares = float(((complete @ weights) ** 2).mean()), float(((complete * weights) ** 2).sum(axis=1).mean())
    if not squares > 0:
        return 1.0
    own, pairs = float((weights**2).sum()), float(weights.sum() ** 2 - (weights**2).sum())
    return min(max((sums / squares - 1) * own / pairs, 0.0), 1.0)


def _steps(horizon: int) -> Array:
    import numpy as np

    return np.arange(1, horizon + 1, dtype=float)
