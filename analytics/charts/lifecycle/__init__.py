"""Lifecycle charts: stages and their value, how they change, moves between them, cohorts, how long subscribers stay.

The five stages hold category colours 1 to 5 in order on every chart; what is gained or lost in a month has the colour
of the stage it arrives in.
"""

from analytics.charts.lifecycle.card import headline
from analytics.charts.lifecycle.cohorts import (
    cohort_grid,
    cohort_grid_note,
    cohort_lines,
    cohort_lines_finding,
    cohort_lines_note,
    cohort_names,
    cohorts_finding,
)
from analytics.charts.lifecycle.flows import flow, flow_finding, flow_note
from analytics.charts.lifecycle.moves import (
    movement,
    movement_finding,
    movement_note,
    transitions,
    transitions_finding,
    transitions_note,
)
from analytics.charts.lifecycle.parts import stage_names
from analytics.charts.lifecycle.retention import has_projection, projection, projection_finding, projection_note
from analytics.charts.lifecycle.stages import (
    history,
    history_finding,
    history_note,
    spells,
    spells_finding,
    spells_note,
    stages,
    stages_finding,
    stages_note,
)

__all__ = [
    "cohort_grid",
    "cohort_grid_note",
    "cohort_lines",
    "cohort_lines_finding",
    "cohort_lines_note",
    "cohort_names",
    "cohorts_finding",
    "flow",
    "flow_finding",
    "flow_note",
    "has_projection",
    "headline",
    "history",
    "history_finding",
    "history_note",
    "movement",
    "movement_finding",
    "movement_note",
    "projection",
    "projection_finding",
    "projection_note",
    "spells",
    "spells_finding",
    "spells_note",
    "stage_names",
    "stages",
    "stages_finding",
    "stages_note",
    "transitions",
    "transitions_finding",
    "transitions_note",
]
