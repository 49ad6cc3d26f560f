"""Products: prices that change, lives that begin and end, and things bought together, all planted.

Life cycle. A product's weight multiplies its demand (1 = peak). Its life has five boundaries in months since
the first day of the world (they may lie outside it): launch, growth, peak, decline, end.

    introduction  0.05 -> 0.15   growth  0.15 -> 1   peak  1   decline  1 -> 0.08   discontinued  0

each straight in the logarithm over time. Before its launch a product is `not_launched` with weight 0.

Price. The list price moves at planted dates; demand follows (price / first price) ** elasticity of the category.

Affinity. When the first product of a planted group is in a basket, every other product of the group that is
on sale that day is added with the group's probability.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from sample_data.catalogue import SHELVES
from sample_data.seasons import N_DAYS, START
from sample_data.seeds import Part, stream

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

STAGES = ("not_launched", "introduction", "growth", "peak", "decline", "discontinued")
MONTH_DAYS = 365.25 / 12
_EVERGREEN, _RISER, _NEWCOMER, _FADER, _FAD = range(5)
_LIVES_PER_SHELF = (_EVERGREEN,) * 7 + (_RISER,) + (_NEWCOMER,) * 3 + (_FADER,) * 2 + (_FAD,) * 2


@dataclass(frozen=True, slots=True)
class Product:
    """One product. `life` holds launch, growth, peak, decline, end in months since the first day."""

    product_id: str
    name: str
    category: str
    category_index: int
    brand: str
    attraction: float  # base weight within its category
    life: tuple[float, float, float, float, float]
    price_days: tuple[int, ...]  # day numbers from which each price holds; the first is 0
    prices: tuple[int, ...]  # list prices in whole TWD
    is_evergreen: bool


@dataclass(frozen=True, slots=True)
class Affinity:
    """Products bought together: with `products[0]` in the basket each other one is added with `probability`."""

    products: tuple[int, ...]  # indices
    probability: float


@dataclass(frozen=True, slots=True)
class StockOut:
    """A product that could not be had: demand 0 from the first to the last day, both included."""

    product: int
    first_day: int
    last_day: int


@dataclass(frozen=True, slots=True)
class Range:
    """The whole range of products and what is planted in it."""

    products: tuple[Product, ...]
    elasticities: tuple[float, ...]  # per category
    affinities: tuple[Affinity, ...]
    stock_out: StockOut


def draw_range(seed: int) -> Range:
    """Draw the products, their lives and prices, the affinities and the stock-out from the seed."""
    rng = stream(seed, Part.PRODUCTS)
    products: list[Product] = []
    for k, shelf in enumerate(SHELVES):
        lives = rng.permutation(np.array(_LIVES_PER_SHELF))
        levels = np.geomspace(shelf.price_low * 1.15, shelf.price_high * 0.9, len(shelf.products))
        levels = rng.permutation(levels) * np.exp(rng.normal(0, 0.08, len(shelf.products)))
        attractions = np.exp(rng.normal(0, 0.45, len(shelf.products)))
        for j, name in enumerate(shelf.products):
            price_days, prices = _draw_prices(rng, float(levels[j]))
            products.append(
                Product(
                    product_id=f"P{len(products) + 1:04d}",
                    name=name,
                    category=shelf.category,
                    category_index=k,
                    brand=shelf.brands[int(rng.integers(len(shelf.brands)))],
                    attraction=round(float(attractions[j]), 4),
                    life=_draw_life(rng, int(lives[j])),
                    price_days=price_days,
                    prices=prices,
                    is_evergreen=bool(lives[j] == _EVERGREEN),
                )
            )
    elasticities = [shelf.elasticity * float(np.exp(rng.normal(0, 0.12))) for shelf in SHELVES]
    evergreen = np.array([i for i, p in enumerate(products) if p.is_evergreen])
    popular = max(evergreen.tolist(), key=lambda i: products[i].attraction)
    first = int(rng.integers(int(N_DAYS * 0.45), int(N_DAYS * 0.8)))
    stock_out = StockOut(product=popular, first_day=first, last_day=first + int(rng.integers(13, 21)))
    chosen = rng.permutation(evergreen[evergreen != popular])
    groups = [chosen[2 * i : 2 * i + 2] for i in range(7)] + [chosen[14 + 3 * i : 17 + 3 * i] for i in range(3)]
    affinities = [Affinity(tuple(int(i) for i in group), round(float(rng.uniform(0.12, 0.35)), 3)) for group in groups]
    return Range(tuple(products), tuple(round(e, 3) for e in elasticities), tuple(affinities), stock_out)


def compute_life_weights(products: tuple[Product, ...]) -> Floats:
    """Return the life-cycle weight per product and day, shape (products, days)."""
    months = np.arange(N_DAYS) / MONTH_DAYS
    weights = np.zeros((len(products), N_DAYS))
    for i, product in enumerate(products):
        launch, _, _, _, end = product.life
        log_weight = np.interp(months, product.life, np.log([0.05, 0.15, 1.0, 1.0, 0.08]))
        on_sale = (months >= launch) & (months < end)
        weights[i, on_sale] = np.exp(log_weight[on_sale])
    return weights


def name_stages(product: Product, months: Floats) -> list[str]:
    """Return the product's stage at each time (months since the first day)."""
    return [STAGES[int(k)] for k in np.searchsorted(np.asarray(product.life), months, side="right")]


def compute_prices(products: tuple[Product, ...]) -> Ints:
    """Return the list price per product and day in whole TWD, shape (products, days)."""
    days = np.arange(N_DAYS)
    rows = [np.asarray(p.prices)[np.searchsorted(p.price_days, days, side="right") - 1] for p in products]
    return np.asarray(rows, dtype=np.int64)


def compute_demand_weights(goods: Range) -> Floats:
    """Return attraction x life x price effect x stock per product and day, shape (products, days).

    Promotions are left out: their lift depends on the segment (`demand.py`).
    """
    prices = compute_prices(goods.products).astype(np.float64)
    elasticity = np.array([goods.elasticities[p.category_index] for p in goods.products])
    weights = compute_life_weights(goods.products) * (prices / prices[:, :1]) ** elasticity[:, None]
    weights *= np.array([p.attraction for p in goods.products])[:, None]
    gone = goods.stock_out
    weights[gone.product, gone.first_day : gone.last_day + 1] = 0.0
    return np.asarray(weights, dtype=np.float64)


def list_months() -> list[tuple[date, float]]:
    """Return each calendar month of the world with its middle in months since the first day."""
    n_months = round(N_DAYS / MONTH_DAYS)
    firsts = [date(START.year + m // 12, m % 12 + 1, 1) for m in range(n_months + 1)]
    return [(a, ((a - START).days + (b - a).days / 2) / MONTH_DAYS) for a, b in pairwise(firsts)]


def _draw_life(rng: np.random.Generator, kind: int) -> tuple[float, float, float, float, float]:
    """Draw the five boundaries; one draw of each kind is always made, so that lives are comparable over seeds."""
    last = N_DAYS / MONTH_DAYS
    intro, growth, decline = rng.uniform(2, 5), rng.uniform(6, 11), rng.uniform(9, 15)
    where = rng.uniform(0, 1)
    if kind == _EVERGREEN:
        peak = -12.0 - 24 * where
        life = (peak - growth - intro, peak - growth, peak, last + 24, last + 36)
    elif kind == _RISER:  # growing when the world begins
        peak = 4 + 8 * where
        life = (peak - growth - intro, peak - growth, peak, last + 12, last + 24)
    elif kind == _NEWCOMER:
        launch = 3 + (last - 14) * where
        peak = launch + intro + growth
        life = (launch, launch + intro, peak, peak + 20, peak + 20 + decline)
    elif kind == _FADER:
        fall = 4 + (last - 18) * where
        life = (-40.0, -36.0, -28.0, fall, fall + decline)
    else:  # a fad: its whole life lies inside the world, or nearly
        launch = 1 + (last - 30) * where
        peak = launch + intro + growth * 0.7
        fall = peak + 3
        life = (launch, launch + intro, peak, fall, fall + decline * 0.7)
    return tuple(round(float(b), 3) for b in life)


def _draw_prices(rng: np.random.Generator, level: float) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Draw two to four list prices with the days from which they hold."""
    n_changes = int(rng.integers(2, 5))
    days = np.sort(rng.choice(np.arange(90, N_DAYS - 60, 30), size=n_changes, replace=False))
    steps = rng.choice([0.8, 0.85, 0.9, 1.08, 1.12, 1.18, 1.25], size=n_changes)
    factor = 1.0
    prices = [_round_price(level)]
    for step in steps:
        # a price that has left the range 0.75-1.35 of its start turns back
        step = float(step)
        if not 0.75 <= factor * step <= 1.35:
            step = 1 / step
        factor *= step
        prices.append(_round_price(level * factor))
    return (0, *(int(d) for d in days)), tuple(prices)


def _round_price(level: float) -> int:
    """Round to a shop price: whole dollars ending in 9 below 1,000, in 90 above."""
    if level < 1000:
        return max(9, round(level / 10) * 10 - 1)
    return round(level / 100) * 100 - 10
