"""Scenarios: a cut and the population it is made of, named and pinned, and what is looked at beside the present cut."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from datetime import date, timedelta

from analytics.errors import AnalysisError
from analytics.population import PopulationSpec
from analytics.segmentation.result import FEWEST, MOST, SegmentationSpec

MOST_SCENARIOS, LONGEST_NAME = 4, 40
QUARTER_DAYS = 91
NUMBERED = frozenset({"kmeans", "mixture", "hierarchical"})  # methods that are told how many segments to make


@dataclass(frozen=True, slots=True)
class Scenario:
    """How customers are cut, and which customers as of which day. ``name`` is the person's own; "" for a passing one.

    Raises ``AnalysisError("scenario_name_long")``.
    """

    name: str = ""
    segmentation: SegmentationSpec = SegmentationSpec()
    population: PopulationSpec = PopulationSpec()

    def __post_init__(self) -> None:
        if len(self.name) > LONGEST_NAME:
            raise AnalysisError("scenario_name_long", most=LONGEST_NAME)


@dataclass(frozen=True, slots=True)
class WhatIfSpec:
    """What stands side by side: 0 is the present cut, 1-4 the pinned scenarios.

    ``b`` None is A's own cut with another number of segments, ``n_segments`` (None: one more than A's, or one less at
    the most). ``earlier`` is the day that migration starts from; None: a quarter of a year before the as-of date.

    Raises ``AnalysisError("scenario_unknown")``, ``("n_segments_range")``.
    """

    a: int = 0
    b: int | None = None
    n_segments: int | None = None
    earlier: date | None = None

    def __post_init__(self) -> None:
        for position in (self.a, self.b or 0):
            if not 0 <= position <= MOST_SCENARIOS:
                raise AnalysisError("scenario_unknown", position=position)
        if self.n_segments is not None and not FEWEST <= self.n_segments <= MOST:
            raise AnalysisError("n_segments_range", n=self.n_segments, lowest=FEWEST, highest=MOST)


def at_position(scenarios: tuple[Scenario, ...], present: Scenario, position: int) -> Scenario:
    """The scenario at a position of ``WhatIfSpec``; the present cut where it has gone."""
    return scenarios[position - 1] if 0 < position <= len(scenarios) else present


def another_number(a: Scenario, n_shown: int, n_segments: int | None) -> Scenario:
    """A's cut with another number of segments. A method that takes none is answered by k-means on the same data."""
    number = n_segments or (n_shown + 1 if n_shown < MOST else n_shown - 1)
    method = a.segmentation.method if a.segmentation.method in NUMBERED else "kmeans"
    cut = dataclasses.replace(a.segmentation, method=method, n_segments=min(max(number, FEWEST), MOST))
    return dataclasses.replace(a, name="", segmentation=cut)


def at_earlier_day(scenario: Scenario, as_of: date, earlier: date | None, n_segments: int | None) -> Scenario:
    """The scenario as of an earlier day than its own ``as_of``, in as many segments; see ``WhatIfSpec.earlier``."""
    day = min(earlier or as_of - timedelta(days=QUARTER_DAYS), as_of)
    population = dataclasses.replace(scenario.population, as_of=max(day, scenario.population.start or day))
    numbered = scenario.segmentation.method in NUMBERED
    cut = dataclasses.replace(scenario.segmentation, n_segments=n_segments if numbered else None)
    return dataclasses.replace(scenario, segmentation=cut, population=population)


def pin_scenario(scenarios: tuple[Scenario, ...], scenario: Scenario, name: str) -> tuple[Scenario, ...]:
    """``scenarios`` with one more, last; a name that is taken gets the next free number behind it.

    Raises ``AnalysisError``: scenarios_full, scenario_name_empty, scenario_name_long.
    """
    if len(scenarios) >= MOST_SCENARIOS:
        raise AnalysisError("scenarios_full", most=MOST_SCENARIOS)
    taken = {item.name for item in scenarios}
    free = name = _tidy(name)
    number = 2
    while free in taken:
        free, number = f"{name[: LONGEST_NAME - 2]} {number}", number + 1
    return (*scenarios, dataclasses.replace(scenario, name=free))


def rename_scenario(scenarios: tuple[Scenario, ...], position: int, name: str) -> tuple[Scenario, ...]:
    """Raises ``AnalysisError``: scenario_name_empty, scenario_name_long, scenario_name_taken."""
    name = _tidy(name)
    if any(item.name == name for i, item in enumerate(scenarios, 1) if i != position):
        raise AnalysisError("scenario_name_taken", name=name)
    renamed = dataclasses.replace(scenarios[position - 1], name=name)
    return (*scenarios[: position - 1], renamed, *scenarios[position:])


def drop_scenario(
    scenarios: tuple[Scenario, ...], shown: WhatIfSpec, position: int
) -> tuple[tuple[Scenario, ...], WhatIfSpec]:
    """``scenarios`` without one, and ``shown`` on the same ones as before; the dropped one gives way."""

    def moved(at: int | None, fallback: int | None) -> int | None:
        if at is None or at < position:
            return at
        return fallback if at == position else at - 1

    left = (*scenarios[: position - 1], *scenarios[position:])
    return left, dataclasses.replace(shown, a=moved(shown.a, 0) or 0, b=moved(shown.b, None))


def _tidy(name: str) -> str:
    tidy = " ".join(name.split())
    if not tidy:
        raise AnalysisError("scenario_name_empty")
    if len(tidy) > LONGEST_NAME:
        raise AnalysisError("scenario_name_long", most=LONGEST_NAME)
    return tidy
