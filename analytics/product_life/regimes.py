"""A product's life as a hidden path of stage, pace and level: which regimes there are and how they follow each other.

At each period a product is in a *regime*, which is a stage with a pace (slope of the log level), and at a *level* (mean
sales of an ordinary month). The level moves by the pace and wanders a little; now and then the regime changes: mostly
to the next stage of the life, rarely elsewhere. The chances are round figures: a stage lasts a year or two, an
introduction half of one, and nothing is made of the last digits.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from analytics.product_life.spec import STAGES

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]

STEP, N_LEVELS = 0.08, 88  # grid of log levels: 0.08 apart, over a factor of a thousand
WANDER = 0.03  # standard deviation of the level's own steps, per month, in logarithms
PACES = (2.0, 2.8, 4.0, 5.6, 7.6, 10.0, 14.0, 20.0)  # of growth and decline, in units of what still is steady
INTRODUCED = (-0.05, 0.03, 0.12, 0.25, 0.45)  # paces of an introduction, per month
# Chance per month of leaving a stage for another. An introduction has two parts, so that it seldom ends at once.
MOVES: dict[str, dict[str, float]] = {
    "absent": {"introduction_1": 0.03},
    "introduction_1": {"introduction_2": 0.5, "decline": 0.01, "discontinued": 0.003},
    "introduction_2": {"growth": 0.34, "maturity": 0.05, "decline": 0.02, "discontinued": 0.003},
    "growth": {"maturity": 0.06, "decline": 0.015, "discontinued": 0.002},
    "maturity": {"growth": 0.008, "decline": 0.03, "discontinued": 0.002},
    "decline": {"growth": 0.008, "maturity": 0.025, "discontinued": 0.05},
    "discontinued": {"maturity": 0.002},
}
OTHER_PACE = 0.12  # chance per month of the neighbouring pace of the same stage
ABSENT = 0.5  # share not yet launched when the data begin; and the stages of the others
BEFORE = {"introduction_2": 0.04, "growth": 0.12, "maturity": 0.72, "decline": 0.12}


@dataclass(frozen=True, slots=True, eq=False)
class Grid:
    """R regimes, and what happens to them in one period of ``months`` months.

    stage : (R,) position in STAGES, -1 not yet launched. pace : (R,) per month, in logarithms.
    reach : (R, 2) from which to which pace a regime stands for.
    follows : (R, R) chance from row to column. moves : (R, L, L) chance from one level to another, within a regime.
    begins : (R,) chance when the data begin.
    """

    months: float
    stage: npt.NDArray[np.int64]
    pace: Floats
    reach: Floats
    follows: Floats
    moves: Floats
    begins: Floats


def build_grid(months: float, steady_within: float) -> Grid:
    """The regimes for periods of this length; what moves less than ``steady_within`` a month is steady."""
    import numpy as np

    growing = [steady_within * factor for factor in PACES]
    named = [("absent", 0.0), ("discontinued", 0.0), ("maturity", 0.0)]
    named += [(f"introduction_{part}", pace) for part in (1, 2) for pace in INTRODUCED]
    named += [("growth", pace) for pace in growing] + [("decline", -pace) for pace in growing]
    kinds, pace = [kind for kind, _ in named], np.array([pace for _, pace in named])
    into = {kind: _entered(kind, pace, np.array([k == kind for k in kinds])) for kind in dict.fromkeys(kinds)}
    stage = [-1 if kind == "absent" else next(i for i, s in enumerate(STAGES) if kind.startswith(s)) for kind in kinds]
    begins = ABSENT * into["absent"]
    for kind, share in BEFORE.items():
        begins = begins + (1 - ABSENT) * share * into[kind]
    follows = np.stack([_leave(i, kinds, into, months) for i in range(len(kinds))])
    reach = _reach(kinds, pace, steady_within)
    return Grid(months, np.array(stage), pace, reach, follows, _moves(kinds, pace, months), begins)


def _entered(kind: str, pace: Floats, held: npt.NDArray[np.bool_]) -> Floats:
    """With what pace a stage begins: moderate ones more often."""
    import numpy as np

    weight = np.where(held, np.exp(-np.abs(pace) / 0.3) if kind in ("growth", "decline") else 1.0, 0.0)
    return np.asarray(weight / weight.sum(), dtype=np.float64)


def _leave(i: int, kinds: list[str], into: dict[str, Floats], months: float) -> Floats:
    """Where a regime goes in one period."""
    import numpy as np

    row, kind = np.zeros(len(kinds)), kinds[i]
    chances = {to: 1 - (1 - chance) ** months for to, chance in MOVES[kind].items()}
    for to, chance in chances.items():
        if to == "introduction_2":  # the pace goes on
            row[i + len(INTRODUCED)] += chance
        else:
            row += chance * into[to]
    stay = 1 - sum(chances.values())
    near = [j for j in (i - 1, i + 1) if 0 <= j < len(kinds) and kinds[j] == kind]
    turn = 1 - (1 - OTHER_PACE) ** months if near else 0.0
    row[i] += stay * (1 - turn)
    row[near] += stay * turn / max(len(near), 1)
    return row


def _reach(kinds: list[str], pace: Floats, steady_within: float) -> Floats:
    """The paces that a regime stands for: halfway to its neighbours of the same stage."""
    import numpy as np

    reach = np.zeros((len(pace), 2))
    for i, kind in enumerate(kinds):
        mine = np.sort(pace[[k == kind for k in kinds]])
        if len(mine) == 1:
            reach[i] = -steady_within, steady_within
            continue
        edges = (mine[1:] + mine[:-1]) / 2
        outer = (mine[0] - (edges[0] - mine[0]), mine[-1] + (mine[-1] - edges[-1]))
        if kind == "growth":
            outer = (steady_within, outer[1])
        elif kind == "decline":
            outer = (outer[0], -steady_within)
        at = int(np.searchsorted(mine, pace[i]))
        whole = np.concatenate([[outer[0]], edges, [outer[1]]])
        reach[i] = whole[at], whole[at + 1]
    return reach


def _moves(kinds: list[str], pace: Floats, months: float) -> Floats:
    """From level to level: a step by the pace, split between two cells so that its mean is exact, and wandering."""
    import numpy as np

    spread = max(WANDER * np.sqrt(months) / STEP, 0.3)
    around = np.arange(-6, 7)
    wander = np.exp(-0.5 * (around / spread) ** 2)
    wander /= wander.sum()
    moves, at = np.zeros((len(pace), N_LEVELS, N_LEVELS)), np.arange(N_LEVELS)
    for r, (kind, slope) in enumerate(zip(kinds, pace, strict=True)):
        if kind in ("absent", "discontinued"):
            moves[r] = np.eye(N_LEVELS)
            continue
        shift = slope * months / STEP
        whole, part = int(np.floor(shift)), shift - np.floor(shift)
        for offset, share in ((whole, 1 - part), (whole + 1, part)):
            for d, chance in zip(around, wander, strict=True):
                np.add.at(moves[r], (at, np.clip(at + offset + d, 0, N_LEVELS - 1)), share * chance)
    return moves
