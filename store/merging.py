"""Two people changed one workspace: which steps of the walk each of them changed, and one workspace of both.

What belongs together is decided together: a step is all the choices of one page. Two rules stand beside that. The
language is the reader's and the name the record's, so neither is ever in conflict. And choices made for one market mean
nothing in another: where the two sides look at different data, the whole walk is one step.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from analytics.workspace import Workspace

Side = Literal["mine", "theirs"]
BAR = ""  # the choices above every page: as-of date, countries, channels, definitions
DATA = "upload"  # the step of the data themselves

# Every field of Workspace and the page where it is chosen.
_STEPS: dict[str, tuple[str, ...]] = {
    BAR: ("population", "definitions"),
    DATA: ("world", "sources", "remembered"),
    "validation": ("quality",),
    "integration": ("currencies", "joins", "matching"),
    "privacy": ("privacy",),
    "behaviour": ("behaviour",),
    "usage": ("usage",),
    "customer": ("portrait", "customer"),
    "personas": ("personas", "persona_edits"),
    "segmentation": ("segmentation", "reference", "segment_names"),
    "what_if": ("scenarios", "what_if", "payoff"),
    "lifecycle": ("lifecycle", "stage_flow", "cohort_view"),
    "leaving": ("survival",),
    "early_warning": ("churn",),
    "value": ("value",),
    "forecasting": ("demand", "forecast", "forecast_view"),
    "planning": ("planning",),
    "product_life": ("product_life",),
}
OF_NOBODY = ("language", "name")  # of the reader, and of the record: no step of the walk
_OF = {field: step for step, fields in _STEPS.items() for field in fields}
STEPS = tuple(_STEPS)
FIELDS = tuple(_OF)  # all that belong to a step, in the order of the walk


@dataclass(frozen=True, slots=True)
class Merge:
    """One workspace of two, and where each part comes from.

    Attributes
    ----------
    workspace : the choices of both; each step's are those of one side.
    clashes : steps that both changed, to different choices; ``take`` decided them.
    from_mine, from_theirs : steps whose choices differ from the base and were taken from that side alone.
    """

    workspace: Workspace
    clashes: tuple[str, ...] = ()
    from_mine: tuple[str, ...] = ()
    from_theirs: tuple[str, ...] = ()


def step_of(field: str) -> str:
    """The step (the page's name) that a field of Workspace belongs to; "" for the bar and what is no step."""
    return _OF.get(field, BAR)


def changed_fields(before: Workspace, after: Workspace) -> tuple[str, ...]:
    """The fields that differ, in the order of the walk; the language and the name are no change of the work."""
    return tuple(field for field in FIELDS if getattr(before, field) != getattr(after, field))


def changed_steps(before: Workspace, after: Workspace) -> tuple[str, ...]:
    """The steps with a field that differs, in the order of the walk; "" is the bar."""
    return tuple(dict.fromkeys(step_of(field) for field in changed_fields(before, after)))


def merge(base: Workspace, mine: Workspace, theirs: Workspace, take: Mapping[str, Side] | None = None) -> Merge:
    """What both made of ``base``, by step: what one side changed is taken, what both did alike is kept.

    Parameters
    ----------
    base : what both started from.
    mine, theirs : the two workspaces. Language and name are ``mine``: they are the reader's view.
    take : for a step that both changed to different choices, whose to take; "theirs" where it says nothing.

    No choice is made up: each step's fields are all those of one of the three.
    """
    take = take or {}
    if _market(mine.world) != _market(theirs.world):
        return _whole(base, mine, theirs, take)
    changes: dict[str, object] = {}
    clashes, from_mine, from_theirs = [], [], []
    for step, fields in _STEPS.items():
        ours, others = _of(mine, fields), _of(theirs, fields)
        before = _of(base, fields)
        if ours == others:
            continue  # nobody changed it, or both alike
        if others == before:
            from_mine.append(step)
            continue
        if ours == before:
            from_theirs.append(step)
        else:
            clashes.append(step)
            if take.get(step, "theirs") == "mine":
                continue
        changes.update(zip(fields, others, strict=True))
    return Merge(dataclasses.replace(mine, **changes), tuple(clashes), tuple(from_mine), tuple(from_theirs))  # type: ignore[arg-type]  # fields by name


def _whole(base: Workspace, mine: Workspace, theirs: Workspace, take: Mapping[str, Side]) -> Merge:
    """One of the two, for they look at different data: the other's where only the other changed anything."""
    ours, others = changed_steps(base, mine), changed_steps(base, theirs)
    adopted = dataclasses.replace(theirs, **{name: getattr(mine, name) for name in OF_NOBODY})
    if not others:
        return Merge(mine, from_mine=ours)
    if not ours:
        return Merge(adopted, from_theirs=others)
    chosen = mine if take.get(DATA, "theirs") == "mine" else adopted
    return Merge(chosen, clashes=(DATA,))


def _market(world: str) -> str:
    """A sample market and its dirty variant are about the same; "" for own files."""
    return world.removesuffix("_dirty")


def _of(workspace: Workspace, fields: tuple[str, ...]) -> tuple[object, ...]:
    return tuple(getattr(workspace, field) for field in fields)
