"""How many have left for each reason by each time, when reasons compete: Aalen & Johansen (1978).

1 - Kaplan-Meier of one reason, with the others as censored, would tell of a world in which nobody leaves for another:
it is larger than what is seen. Variance as in Marubini & Valsecchi (1995); bands pointwise on the scale of log(-log).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analytics.survival.kaplan_meier import Durations, Floats, Ints, count, normal_quantile, positions


@dataclass(frozen=True, slots=True, eq=False)
class Incidence:
    """Share that has left for one reason by each ``time``, with its band and variance."""

    time: Floats
    share: Floats
    lo: Floats
    hi: Floats
    variance: Floats

    def at(self, when: float) -> tuple[float, float, float]:
        """share, lo, hi at a time; NaN beyond the last spell."""
        if not len(self.time) or when > self.time[-1]:
            return (float("nan"),) * 3
        place = int(np.searchsorted(self.time, when, side="right")) - 1
        return (
            (0.0, 0.0, 0.0) if place < 0 else (float(self.share[place]), float(self.lo[place]), float(self.hi[place]))
        )


def incidences(durations: Durations, cause: Ints, k: int, level: float = 0.95) -> list[Incidence]:
    """The incidence of each of ``k`` reasons; ``cause`` is its code where a spell ended, anything where it did not."""
    times, place = positions(durations.time)
    table = count(durations, times, place)
    weight = np.ones(len(place)) if durations.weight is None else durations.weight
    at_risk, ended = np.maximum(table.at_risk, 1e-300), table.ended
    with np.errstate(divide="ignore", invalid="ignore"):
        survival = np.cumprod(1 - np.clip(np.where(table.at_risk > 0, ended / at_risk, 0.0), 0, 1))
        overall = np.where((ended > 0) & (at_risk > ended), ended / (at_risk * (at_risk - ended)), 0.0)
    before = np.r_[1.0, survival[:-1]]
    z = normal_quantile(level)
    found = []
    for one in range(k):
        rows = durations.ended & (cause == one)
        own = np.bincount(place[rows], weight[rows], len(times)).astype(float)
        share = np.cumsum(before * own / at_risk)
        # (F(t) - F(s))^2 and (F(t) - F(s)) are multiplied out, so that one pass over the times is enough.
        square = np.cumsum(overall)
        variance = share**2 * square - 2 * share * np.cumsum(share * overall) + np.cumsum(share**2 * overall)
        variance += np.cumsum(before**2 * (at_risk - own) * own / at_risk**3)
        mixed = before * own / at_risk**2
        variance -= 2 * (share * np.cumsum(mixed) - np.cumsum(share * mixed))
        variance = np.maximum(variance, 0.0)
        with np.errstate(divide="ignore", invalid="ignore"):
            spread = z * np.sqrt(variance) / (share * np.abs(np.log(share)))
            lo, hi = share ** np.exp(spread), share ** np.exp(-spread)
        inside = (share > 0) & (share < 1)
        alone = np.where(share <= 0, 0.0, np.nan)
        found.append(Incidence(times, share, np.where(inside, lo, alone), np.where(inside, hi, alone), variance))
    return found
