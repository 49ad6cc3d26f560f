"""What a person can choose about the behaviour of customers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from analytics.errors import AnalysisError

Kind = Literal["category", "brand", "channel", "payment_method"]
Section = Literal["spending", "preferences", "methods", "concentration"]
KINDS: tuple[Kind, ...] = get_args(Kind)
SECTIONS: tuple[Section, ...] = get_args(Section)


@dataclass(frozen=True, slots=True)
class BehaviourSpec:
    """Whose behaviour is looked at, and when a preference is one.

    Attributes
    ----------
    section : which part of the page is open; changes no figure.
    segment : label of the one segment looked at; "" for all customers.
    affinity_by, method_by : what preferences are told of, and which habit switching is told of.
    min_orders : with fewer orders nothing is said about what a customer prefers.
    fan_odds : a fan's odds of the thing are more than so many times those of all orders ...
    fan_probability : ... with at least this posterior probability.
    n_levels : categories, brands or methods looked at by themselves, the most frequent first; the rest is one.
    n_resamples, random_state : of the bootstrap of Cramer's V.
    """

    section: Section = "spending"
    segment: str = ""
    affinity_by: Kind = "category"
    method_by: Kind = "payment_method"
    min_orders: int = 3
    fan_odds: float = 1.5
    fan_probability: float = 0.9
    n_levels: int = 12
    n_resamples: int = 1000
    random_state: int = 0

    def __post_init__(self) -> None:
        limits: tuple[tuple[str, float, float, float], ...] = (
            ("min_orders", self.min_orders, 2, 100),
            ("fan_odds", self.fan_odds, 1.0, 20.0),
            ("fan_probability", self.fan_probability, 0.5, 0.999),
            ("n_levels", self.n_levels, 2, 50),
            ("n_resamples", self.n_resamples, 100, 10_000),
            ("random_state", self.random_state, 0, 2**31 - 1),
        )
        for field, value, low, high in limits:
            if not low <= value <= high:
                raise AnalysisError("behaviour_setting", field=field, value=value, low=low, high=high)
        known = (("affinity_by", self.affinity_by, KINDS), ("method_by", self.method_by, KINDS))
        for field, chosen, allowed in (*known, ("section", self.section, SECTIONS)):
            if chosen not in allowed:
                raise AnalysisError("behaviour_setting", field=field, value=chosen, low=allowed[0], high=allowed[-1])
        if len(self.segment) > 200:
            raise AnalysisError("behaviour_setting", field="segment", value=len(self.segment), low=0, high=200)
