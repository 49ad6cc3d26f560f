"""What is asked when planning: scenarios of price, promotion and event, and stock."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

import msgspec

from analytics.errors import AnalysisError

MOST_SCENARIOS = 6
MOST_DAYS = 400
LEAST_LEVEL, MOST_LEVEL = 0.5, 0.999


@dataclass(frozen=True, slots=True)
class ResponseSpec:
    """How the response of demand is learned.

    interval : of every effect, 0.9.
    n_folds : parts of the history left out in turn to see whether knowing price or promotion helps.
    """

    interval: float = 0.9
    n_folds: int = 5

    def __post_init__(self) -> None:
        if not (0.5 <= self.interval <= 0.99 and 2 <= self.n_folds <= 10):
            raise AnalysisError("response_option_out_of_range")


@dataclass(frozen=True, slots=True)
class DemandScenario:
    """What would be done otherwise in the periods ahead; days count from the first day of the forecast (1).

    name : "" is named after what it does.
    price_change : of the list price, as a share: -0.1 is a tenth cheaper, over the whole horizon.
    discount : of a promotion, as a share of the list price; 0 is none.
    promotion_from, promotion_days : its first day and its length.
    event : code of an event known from the past, as if it took place; "" is none.
    event_from, event_days : its first day and its length.
    """

    name: Annotated[str, msgspec.Meta(max_length=40)] = ""
    price_change: float = 0.0
    discount: float = 0.0
    promotion_from: int = 8
    promotion_days: int = 7
    event: Annotated[str, msgspec.Meta(max_length=80)] = ""
    event_from: int = 8
    event_days: int = 3

    def __post_init__(self) -> None:
        days = (self.promotion_from, self.promotion_days, self.event_from, self.event_days)
        if not (
            -0.9 <= self.price_change <= 3 and 0 <= self.discount <= 0.9 and all(1 <= n <= MOST_DAYS for n in days)
        ):
            raise AnalysisError("scenario_out_of_range")


@dataclass(frozen=True, slots=True)
class StockSpec:
    """The rules of a stock.

    goal : "cycle": the chance that a delivery arrives before the stock is gone; "fill": the share of demand that is
        met from stock.
    level : of the goal.
    lead_time_days : from order to delivery.
    review_days : an order can be placed every so many days.
    on_hand, on_order : items there, and items on their way that arrive within the lead time.
    """

    goal: Literal["cycle", "fill"] = "cycle"
    level: float = 0.95
    lead_time_days: int = 14
    review_days: int = 7
    on_hand: float = 0.0
    on_order: float = 0.0

    def __post_init__(self) -> None:
        if not (
            LEAST_LEVEL <= self.level <= MOST_LEVEL
            and 0 <= self.lead_time_days <= MOST_DAYS
            and 1 <= self.review_days <= MOST_DAYS
            and 0 <= self.on_hand < 1e12
            and 0 <= self.on_order < 1e12
        ):
            raise AnalysisError("stock_option_out_of_range")


@dataclass(frozen=True, slots=True)
class PlanningSpec:
    """Everything asked on the planning page.

    scenarios : played beside "as now".
    left, right : the two set against each other: 0 is "as now", 1 the first scenario; right None is the first that can
        be told.
    margin_share : assumed margin on the list price of today; None leaves profit out.
    """

    response: ResponseSpec = ResponseSpec()
    scenarios: Annotated[tuple[DemandScenario, ...], msgspec.Meta(max_length=MOST_SCENARIOS)] = (
        DemandScenario(price_change=-0.05),
        DemandScenario(discount=0.2),
    )
    left: int = 0
    right: int | None = None
    margin_share: float | None = None
    stock: StockSpec = StockSpec()

    def __post_init__(self) -> None:
        places = (self.left, self.right or 0)
        if not (all(0 <= place <= MOST_SCENARIOS for place in places)) or len(self.scenarios) > MOST_SCENARIOS:
            raise AnalysisError("scenario_out_of_range")
        if self.margin_share is not None and not 0 <= self.margin_share < 1:
            raise AnalysisError("scenario_out_of_range")
