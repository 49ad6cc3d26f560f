"""Regular long series of what was sold, and of what was asked for it."""

from analytics.demand.drivers import build_drivers
from analytics.demand.panel import build_panel, panel_choices
from analytics.demand.spec import (
    ADDITIVE,
    LABELLED,
    TOTAL,
    By,
    DemandPanel,
    DemandSpec,
    DriverPanel,
    Frequency,
    Measure,
)

__all__ = [
    "ADDITIVE",
    "LABELLED",
    "TOTAL",
    "By",
    "DemandPanel",
    "DemandSpec",
    "DriverPanel",
    "Frequency",
    "Measure",
    "build_drivers",
    "build_panel",
    "panel_choices",
]
