"""Prices and promotions beside the quantity sold, per series and period."""

from __future__ import annotations

from analytics.customers import CustomerLabels
from analytics.dataset import Dataset
from analytics.demand.spec import DEFAULT, DemandSpec, DriverPanel


def build_drivers(dataset: Dataset, spec: DemandSpec = DEFAULT, labels: CustomerLabels | None = None) -> DriverPanel:
    """What was asked for the goods of each series of ``build_panel(dataset, spec, labels)`` in each period."""
    raise NotImplementedError
