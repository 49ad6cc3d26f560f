"""What contacting segments brings: expected return, break-even response rate, and whom to contact under a budget."""

from __future__ import annotations

from dataclasses import dataclass

from analytics.errors import AnalysisError


@dataclass(frozen=True, slots=True)
class SegmentAssumption:
    """What a person assumes of one segment, by its label; None: as for all."""

    label: str
    response_rate: float | None = None
    margin_share: float | None = None
    contact_cost: float | None = None

    def __post_init__(self) -> None:
        _check(self.response_rate, self.margin_share, self.contact_cost)


@dataclass(frozen=True, slots=True)
class PayoffSpec:
    """A person's assumptions about contacting customers once. None of them is measured.

    ``response_rate`` (0-1): the share of contacted customers who order because of it. ``margin_share`` (0-1): what is
    left of an order's value. ``contact_cost``: of one contact, in currency units. ``own``: what differs for single
    segments. ``budget``: for all contacts together, in currency units; None: no limit.

    Raises ``AnalysisError("payoff_share")``, ``("payoff_negative")``, ``("payoff_repeated")``.
    """

    response_rate: float = 0.05
    margin_share: float = 0.3
    contact_cost: float = 1.0
    own: tuple[SegmentAssumption, ...] = ()
    budget: float | None = None

    def __post_init__(self) -> None:
        _check(self.response_rate, self.margin_share, self.contact_cost)
        if self.budget is not None and not 0 <= self.budget < float("inf"):
            raise AnalysisError("payoff_negative", field="budget")
        labels = [item.label for item in self.own]
        if len(set(labels)) < len(labels):
            raise AnalysisError("payoff_repeated")


def _check(response_rate: float | None, margin_share: float | None, contact_cost: float | None) -> None:
    for field, share in (("response_rate", response_rate), ("margin_share", margin_share)):
        if share is not None and not 0 <= share <= 1:
            raise AnalysisError("payoff_share", field=field, value=share)
    if contact_cost is not None and not 0 <= contact_cost < float("inf"):
        raise AnalysisError("payoff_negative", field="contact_cost")
