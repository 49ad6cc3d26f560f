"""From parameters to tables that orders are drawn from.

For a segment s, a product p and a day t

    intensity(s, p, t) = activity(t) x category_mix(s) x weight(p, t) x lift(category, t) ** response(s)
                         x exp(price_taste(s) x standardised log price of p)

scaled so that a customer's latent rate is their mean number of orders per year over the window. Each line of an
order draws its product in proportion to the intensity of that day, so the expected number of lines of a
product is exactly proportional to the product of the factors: what is planted is what can be found.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sample_data.products import Range, compute_demand_weights, compute_prices
from sample_data.promotions import Promotion, compute_discount, compute_lift
from sample_data.seasons import N_DAYS, Seasons, compute_activity, compute_event_discount
from sample_data.segments import Segment

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Demand:
    """Tables over segments (S), products (P), categories (C) and days (D)."""

    shares: Floats  # (S, C, D): expected share of lines by category
    daily: Floats  # (S, D): orders on the day per order of the yearly rate, sums to D / 365.25
    cumulative: Floats  # (S, D + 1): running sum of `daily`, from 0
    choice: Floats  # (S * D * P): row number + cumulative product shares, flat and ascending
    n_products: int
    price: Ints  # (P, D): list price in TWD
    discount: Floats  # (P, D): discount share from promotions and shop-wide events
    on_sale: NDArray[np.bool_]  # (P, D)

    def share_of(self, product: int) -> Floats:
        """Return one product's share of drawn lines, shape (segments, days)."""
        flat = self.choice.reshape(-1, self.n_products)
        below = flat[:, product - 1] if product > 0 else np.arange(len(flat), dtype=np.float64)
        return np.asarray((flat[:, product] - below).reshape(self.daily.shape), dtype=np.float64)


def build_demand(
    segments: tuple[Segment, ...], goods: Range, seasons: Seasons, promotions: tuple[Promotion, ...]
) -> Demand:
    """Multiply the planted factors out into the tables that orders are drawn from."""
    activity = compute_activity(seasons)
    weights = compute_demand_weights(goods)
    prices = compute_prices(goods.products)
    category = np.array([p.category_index for p in goods.products])
    n_categories = int(category.max()) + 1
    taste = _standardise_log_price(prices[:, 0].astype(np.float64), category)

    daily = np.empty((len(segments), N_DAYS))
    shares = np.empty((len(segments), n_categories, N_DAYS))
    choice = np.empty((len(segments), N_DAYS, len(goods.products)))
    for s, segment in enumerate(segments):
        appeal = weights * np.exp(segment.price_taste * taste)[:, None]
        for c in range(n_categories):  # the mix holds for the category's mean weight over the window
            members = category == c
            appeal[members] *= segment.category_mix[c] / appeal[members].sum(axis=0).mean()
        appeal *= compute_lift(promotions, segment.promotion_response)[category]
        total = appeal.sum(axis=0)
        daily[s] = activity * total
        daily[s] *= N_DAYS / 365.25 / daily[s].sum()
        for c in range(n_categories):
            shares[s, c] = appeal[category == c].sum(axis=0) / total
        running = np.cumsum(appeal.T, axis=1)
        choice[s] = running / running[:, -1:]
    rows = np.arange(len(segments) * N_DAYS, dtype=np.float64)
    flat = choice.reshape(len(segments) * N_DAYS, -1) + rows[:, None]
    cumulative = np.concatenate([np.zeros((len(segments), 1)), np.cumsum(daily, axis=1)], axis=1)
    from_promotions = compute_discount(promotions)[category]
    return Demand(
        shares=shares,
        daily=daily,
        cumulative=cumulative,
        choice=flat.ravel(),
        n_products=len(goods.products),
        price=prices,
        discount=np.maximum(from_promotions, compute_event_discount(seasons)[None, :]),
        on_sale=weights > 0,
    )


def draw_products(demand: Demand, rng: np.random.Generator, segment: Ints, day: Ints) -> Ints:
    """Draw one product for each (segment, day), in proportion to the intensities."""
    row = segment * N_DAYS + day
    # the shares end at 1 exactly; a draw just below it must not round up into the next row
    position = row + np.minimum(rng.random(len(row)), 1 - 1e-9)
    found = np.searchsorted(demand.choice, position, side="right") - row * demand.n_products
    return np.asarray(np.clip(found, 0, demand.n_products - 1), dtype=np.int64)


def pick(rng: np.random.Generator, table: Floats, row: Ints) -> Ints:
    """Draw one column index per row number from a table of shares (rows need not sum to 1 exactly)."""
    running = np.cumsum(table, axis=1)
    running /= running[:, -1:]
    flat = (running + np.arange(len(table))[:, None]).ravel()
    position = row + np.minimum(rng.random(len(row)), 1 - 1e-9)
    found = np.searchsorted(flat, position, side="right") - row * table.shape[1]
    return np.asarray(np.clip(found, 0, table.shape[1] - 1), dtype=np.int64)


def _standardise_log_price(price: Floats, category: Ints) -> Floats:
    """Return the log price in standard deviations from its category's mean."""
    log_price = np.log(price)
    out = np.empty_like(log_price)
    for c in np.unique(category):
        members = category == c
        out[members] = (log_price[members] - log_price[members].mean()) / log_price[members].std()
    return out
