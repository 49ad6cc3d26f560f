"""Planted price response: daily sales of related products whose prices, promotions and seasons move together.

For product i of one group on day t

    quantity(i, t) ~ Poisson(mean(i, t) x noise)        noise ~ gamma(mean 1, shape `steadiness`), per product and day
    log mean(i, t) = level(i) + wander(i, t) + weekday(t) + season(t) + event(t)
                     + elasticity(i) x log(list price(i, t) / first price(i)) + promotion(i, t)
    promotion      = jump + slope x -log(1 - discount) + occasion          on promoted days, else 0

What makes it hard is on purpose: promotions are placed where the season is high, list prices are raised more often
when the season rises than when it falls, levels wander as random walks, an event is always sold at a discount, and
some customers hold a coupon on any day. An estimate that ignores season, level or event is off.

This module knows nothing of any method; the truth is returned beside the sales.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import polars as pl
from numpy.typing import NDArray

Floats = NDArray[np.float64]

FIRST_DAY = date(2023, 1, 2)
DEPTHS = (0.10, 0.15, 0.20, 0.30)
COUPON_SHARE = 0.08  # of items, on any day
COUPON_DEPTHS = (0.05, 0.10)
EVENT_DISCOUNT = 0.15


@dataclass(frozen=True, slots=True, eq=False)
class PricedSales:
    """Sales and what was planted.

    Attributes
    ----------
    frame : product_id, day, quantity, list_price (price of one item before discount), paid (money for all items),
        n_promoted (items sold at any discount); one row per product and day, also where nothing was sold.
    elasticity : the group's mean elasticity. ``elasticities``: product_id -> its own.
    jump, slope, occasion_sd : of the promotions' logarithmic lift.
    event_effect : logarithmic effect of the event on each of its days; ``event_days`` are these days.
    """

    frame: pl.DataFrame
    elasticity: float
    elasticities: dict[str, float]
    jump: float
    slope: float
    occasion_sd: float
    event_effect: float
    event_days: tuple[date, ...]

    def lift(self, discount: float) -> float:
        """The ratio that a promotion of this depth multiplies demand by on average (its median over occasions)."""
        return float(np.exp(self.jump - self.slope * np.log1p(-discount)))


def draw_priced_sales(
    seed: int,
    *,
    n_products: int = 12,
    n_days: int = 910,
    per_day: float = 6.0,
    elasticity: float | None = None,
    n_price_moves: int = 4,
    n_promotions: int = 12,
) -> PricedSales:
    """Draw one group of products.

    Parameters
    ----------
    per_day : median of the products' mean sales a day.
    elasticity : the group's mean; None draws it between -2.2 and -0.6.
    n_price_moves : changes of the list price of each product; 0 leaves prices as they are.
    n_promotions : occasions; half of them concern every product, the others about half of the products.
    """
    rng = np.random.default_rng([seed, 20_260_601])
    days = [FIRST_DAY + timedelta(days=i) for i in range(n_days)]
    mean = float(rng.uniform(-2.2, -0.6)) if elasticity is None else elasticity
    own = mean + rng.normal(0, 0.2, n_products)
    jump, slope, occasion_sd = float(rng.uniform(0.05, 0.25)), float(rng.uniform(1.0, 2.2)), 0.08
    event_effect = float(rng.uniform(0.4, 0.9))

    yearly = _season(rng, n_days)
    weekday = rng.normal(0, 0.2, 7)[np.array([day.weekday() for day in days])]
    event = np.array([day.month == 11 and 8 <= day.day <= 12 for day in days])
    common = yearly + weekday + event_effect * event
    level = np.log(per_day) + rng.normal(0, 0.6, n_products)
    wander = np.cumsum(rng.normal(0, 0.012, (n_products, n_days)), axis=1)

    prices = np.stack([_prices(rng, yearly, n_price_moves) for _ in range(n_products)])
    discount, lift = np.zeros((n_products, n_days)), np.zeros((n_products, n_days))
    for first, last in _occasions(rng, yearly, event, n_promotions):
        members = np.ones(n_products, bool) if rng.random() < 0.5 else rng.random(n_products) < 0.5
        depth = float(rng.choice(DEPTHS))
        felt = jump - slope * np.log1p(-depth) + rng.normal(0, occasion_sd)
        discount[members, first:last] = depth
        lift[members, first:last] = felt
    discount[:, event] = EVENT_DISCOUNT
    lift[:, event] = 0.0  # what the event does holds its discount

    response = own[:, None] * np.log(prices / prices[:, :1])
    rate = np.exp(level[:, None] + wander + common + response + lift)
    quantity = rng.poisson(rate * rng.gamma(12.0, 1 / 12.0, rate.shape))
    coupons = rng.binomial(quantity, COUPON_SHARE)
    coupon_depth = rng.choice(COUPON_DEPTHS, size=rate.shape)
    paid = prices * (1 - discount) * (quantity - coupons * coupon_depth)
    names = [f"A{i + 1:03d}" for i in range(n_products)]
    frame = pl.DataFrame(
        {
            "product_id": np.repeat(names, n_days),
            "day": days * n_products,
            "quantity": quantity.ravel(),
            "list_price": prices.ravel(),
            "paid": paid.ravel(),
            "n_promoted": np.where(discount > 0, quantity, coupons).ravel(),
        }
    )
    event_days = tuple(day for day, there in zip(days, event, strict=True) if there)
    truth = dict(zip(names, own.tolist(), strict=True))
    return PricedSales(frame, mean, truth, jump, slope, occasion_sd, event_effect, event_days)


def _season(rng: np.random.Generator, n_days: int) -> Floats:
    """Two waves a year."""
    angle = 2 * np.pi * np.arange(n_days) / 365.25
    shift = rng.uniform(0, 2 * np.pi, 2)
    return np.asarray(0.3 * np.cos(angle + shift[0]) + 0.12 * np.cos(2 * angle + shift[1]))


def _prices(rng: np.random.Generator, season: Floats, n_moves: int) -> Floats:
    """A list price that moves on a few days at least 60 apart; up in a rising season, down in a falling one, mostly."""
    n_days, price = len(season), float(rng.integers(50, 400))
    prices = np.full(n_days, price)
    free = np.arange(60, n_days - 60)
    for _ in range(n_moves):
        if not len(free):
            break
        day = int(rng.choice(free))
        rises = season[min(day + 30, n_days - 1)] > season[day]
        up = rng.random() < (0.75 if rises else 0.35)
        prices[day:] *= np.exp((1 if up else -1) * rng.uniform(0.05, 0.18))
        free = free[np.abs(free - day) >= 60]
    return np.asarray(np.round(prices))


def _occasions(
    rng: np.random.Generator, season: Floats, event: NDArray[np.bool_], n_occasions: int
) -> list[tuple[int, int]]:
    """Windows of 5-10 days, more often where the season is high, never near the event or each other."""
    n_days = len(season)
    blocked = np.convolve(event, np.ones(21), "same") > 0
    found: list[tuple[int, int]] = []
    for _ in range(n_occasions):
        length = int(rng.integers(5, 11))
        open_days = np.array([d for d in range(14, n_days - 14) if not blocked[d : d + length].any()])
        if not len(open_days):
            break
        weight = np.exp(2.5 * season[open_days])
        first = int(rng.choice(open_days, p=weight / weight.sum()))
        found.append((first, first + length))
        blocked[max(first - 7, 0) : first + length + 7] = True
    return found
