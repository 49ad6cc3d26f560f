"""The choices behind persona cards."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from analytics.contrasts import PRIVACY_LIMIT
from analytics.errors import AnalysisError

MOST_OWN = 8


@dataclass(frozen=True, slots=True)
class PersonaSpec:
    """What a persona card shows.

    ``source``: "segments" (the chosen segments) or "own", a clustering made for personas: of ``own_features`` (names of
    traits; none: behaviour and attributes together) into ``own_number`` groups (2-8; None: as many as the evidence
    recommends). Groups under ``min_group`` people get no card.
    A trait is shown when Holm's p is under ``alpha`` and the difference is at least ``min_effect`` standard
    deviations or ``min_points`` (share, 0-1), the ``n_traits`` strongest first, one per field. A need or a way of
    buying is shown when Holm's p is under ``alpha`` and its share is at least ``min_lift`` times that of the others.
    ``n_quotes`` from feedback per card (0: none), drawn with ``random_state``. ``built_from`` names the fields that
    made the groups: they differ by construction, are marked and take little more than half of the places at most.
    Raises ``AnalysisError``: min_group_below_limit, persona_choice_range.
    """

    source: Literal["segments", "own"] = "segments"
    own_features: tuple[str, ...] = ()
    own_number: int | None = None
    min_group: int = PRIVACY_LIMIT
    n_traits: int = 5
    min_effect: float = 0.2
    min_points: float = 0.05
    alpha: float = 0.05
    min_lift: float = 1.2
    n_quotes: int = 3
    random_state: int = 0
    built_from: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.min_group < PRIVACY_LIMIT:
            raise AnalysisError("min_group_below_limit", n=self.min_group, limit=PRIVACY_LIMIT)
        sound = 1 <= self.n_traits <= 12 and self.min_effect >= 0 and 0 <= self.min_points < 1 and 0 < self.alpha < 1
        sound = sound and self.min_lift >= 1 and 0 <= self.n_quotes <= 6 and 0 <= self.random_state < 2**31
        if not sound or (self.own_number is not None and not 2 <= self.own_number <= MOST_OWN):
            raise AnalysisError("persona_choice_range")
