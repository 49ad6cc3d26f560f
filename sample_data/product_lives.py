"""Products whose lives are known: pure draws of daily demand, the truth beside them, nothing else.

For tests of what can be told about a product's stage. Expected demand of product p on day t is

    level(p) x weight(p, t) x week(t) x year(category, t) x event(t) x promotion(category, t) x stock(p, t)

and each month of each product is multiplied by a gamma draw of mean 1 and the product's own shape (what wanders without
being planted) before the days are drawn from Poisson distributions. Month m is the m-th calendar month of the window.

Lives. Four boundaries in months since the first day (they may lie outside it): launch, growth, peak, decline, and the
end. Before its launch and after its end a product sells nothing. Two shapes, half of the products each:

    straight   introduction 0.05 -> 0.15, growth 0.15 -> 1, maturity 1, decline 1 -> 0.08, straight in the logarithm
    curved     growth: a logistic curve from 0.12 to 0.95; introduction: its lower end, no lower than 0.03;
               decline: a Gaussian fall from 0.95 to 0.08 that begins slowly; maturity: straight from 0.95 to 0.95 by
               way of 1 in the middle

Kinds of life, by `KINDS`: evergreens, growing ones, newcomers, fading ones, fads, and those already gone. A stage lasts
as long as drawn, and the last day falls anywhere in it: what is asked is the stage of the last month.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import polars as pl
from numpy.typing import NDArray

from sample_data.seeds import Part, stream

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

STAGES = ("not_launched", "introduction", "growth", "maturity", "decline", "discontinued")
KINDS = {"evergreen": 0.38, "riser": 0.14, "newcomer": 0.18, "fader": 0.14, "fad": 0.10, "gone": 0.06}
N_CATEGORIES = 6
FIRST, LAST = date(2023, 1, 1), date(2026, 6, 30)
N_DAYS = (LAST - FIRST).days + 1
MONTH_DAYS = 365.25 / 12
SPAN = N_DAYS / MONTH_DAYS


@dataclass(frozen=True, slots=True, eq=False)
class ProductLives:
    """Daily demand of n products over the window, and everything it was made of.

    units : (n, days), what was sold.
    exposure : (n, days), expected demand at level 1 and weight 1: week, year, events, promotions, stock.
    weight : (n, days), the life (1 at the peak).
    level : (n,), mean units a day at the peak on an ordinary day. shape : (n,), of the monthly gamma draws.
    boundaries : (n, 5), launch, growth, peak, decline, end in months. curved : (n,). kind : (n,) names of `KINDS`.
    promotions : (category, first day, last day, lift). stock_outs : (product, first day, last day); days from 0.
    """

    units: Ints
    exposure: Floats
    weight: Floats
    level: Floats
    shape: Floats
    boundaries: Floats
    curved: NDArray[np.bool_]
    kind: tuple[str, ...]
    category: Ints
    promotions: tuple[tuple[int, int, int, float], ...]
    stock_outs: tuple[tuple[int, int, int], ...]

    @property
    def n(self) -> int:
        return len(self.level)

    def stages(self, months: Floats) -> NDArray[np.str_]:
        """The stage of each product at each time (months since the first day), shape (n, len(months))."""
        at = (self.boundaries[:, None, :] <= months[None, :, None]).sum(axis=2)
        return np.asarray(STAGES)[at]


def draw_product_lives(n: int, seed: int) -> ProductLives:
    """Draw n products of one shop."""
    rng = stream(seed, Part.PRODUCT_LIVES)
    kinds = rng.choice(list(KINDS), size=n, p=list(KINDS.values()))
    boundaries = draw_boundaries(kinds, rng)
    curved = rng.random(n) < 0.5
    category = rng.integers(0, N_CATEGORIES, n)
    promotions, stock_outs = _draw_promotions(rng), _draw_stock_outs(rng, n)
    exposure = _draw_calendar(rng)[category] * _lift(promotions)[category]
    for product, first, last in stock_outs:
        exposure[product, first : last + 1] = 0.0
    weight = compute_weights(boundaries, curved, (np.arange(N_DAYS) + 0.5) / MONTH_DAYS)
    level = np.exp(rng.normal(np.log(2.5), 0.9, n))
    shape = 1 / rng.uniform(0.05, 0.25, n) ** 2
    wander = rng.gamma(shape[:, None], 1 / shape[:, None], (n, int(month_of_day().max()) + 1))
    units = rng.poisson(level[:, None] * weight * exposure * wander[:, month_of_day()])
    return ProductLives(
        units.astype(np.int64), exposure, weight, level, shape, boundaries, curved, tuple(kinds.tolist()),
        category.astype(np.int64), promotions, stock_outs,
    )  # fmt: skip


def draw_boundaries(kinds: NDArray[np.str_], rng: np.random.Generator) -> Floats:
    """Launch, growth, peak, decline and end in months, one row per kind of life."""
    n = len(kinds)
    intro, growth, fall = rng.uniform(2, 6, n), rng.uniform(5, 14, n), rng.uniform(6, 18, n)
    where, since, plateau = rng.random(n), rng.uniform(0.5, 20.5, n), rng.uniform(3, 30, n)
    launch = {
        "evergreen": -(intro + growth + 6 + 24 * where),
        "riser": SPAN - intro - growth * (0.3 + 1.0 * where),
        "newcomer": SPAN - 0.5 - 16 * where,
        "fader": -(intro + growth + 6 + 24 * where),
        "fad": 1 + (SPAN - 14) * where,
        "gone": -(intro + growth) - 6 * where,
    }
    start = np.select([kinds == kind for kind in KINDS], [launch[kind] for kind in KINDS])
    peak = start + intro + growth
    decline = np.select(
        [kinds == "evergreen", kinds == "riser", kinds == "newcomer", kinds == "fader", kinds == "fad"],
        [SPAN + 6 + plateau, peak + 12, peak + plateau, SPAN - since, peak + 2 + plateau / 10],
        default=8 + 12 * rng.random(n),
    )
    decline = np.maximum(decline, peak + 1)
    return np.round(np.stack([start, start + intro, peak, decline, decline + fall], axis=1), 3)


def compute_weights(boundaries: Floats, curved: NDArray[np.bool_], months: Floats) -> Floats:
    """The life of each product at each time (months since the first day), 1 at the peak, shape (n, len(months))."""
    weights = np.zeros((len(boundaries), len(months)))
    for i, (launch, growth, peak, decline, end) in enumerate(boundaries):
        if curved[i]:
            # A logistic curve through 0.12 at the beginning of growth and 0.95 at the peak.
            low, high = np.log(0.12 / 0.88), np.log(0.95 / 0.05)
            rise = 1 / (1 + np.exp(-(low + (high - low) * (months - growth) / (peak - growth))))
            middle, half = (peak + decline) / 2, max((decline - peak) / 2, 1e-9)
            calm = 1 - 0.05 * np.abs(months - middle) / half
            fall = 0.95 * np.exp(np.log(0.08 / 0.95) * ((months - decline) / (end - decline)) ** 2)
            line = np.select([months < peak, months < decline], [np.maximum(rise, 0.03), calm], default=fall)
        else:
            line = np.exp(np.interp(months, boundaries[i], np.log([0.05, 0.15, 1.0, 1.0, 0.08])))
        weights[i] = np.where((months >= launch) & (months < end), line, 0.0)
    return weights


def month_of_day() -> Ints:
    """The number of the calendar month of each day, from 0."""
    days = [FIRST + timedelta(days=i) for i in range(N_DAYS)]
    return np.array([(day.year - FIRST.year) * 12 + day.month - FIRST.month for day in days], dtype=np.int64)


def write_lines(lives: ProductLives) -> pl.DataFrame:
    """Order lines: one a product and day of sale, at a price of 100 of whatever currency."""
    product, day = np.nonzero(lives.units)
    return pl.DataFrame(
        {
            "order_id": np.char.add("O", np.arange(len(day)).astype(str)),
            "ordered_at": np.datetime64(FIRST, "D") + day,
            "product_id": np.char.add("P", np.char.zfill(product.astype(str), 4)),
            "category": np.char.add("category ", lives.category[product].astype(str)),
            "quantity": lives.units[product, day],
            "amount": lives.units[product, day] * 100,
        }
    ).with_columns(pl.col("ordered_at").cast(pl.Datetime("us")))


def _draw_calendar(rng: np.random.Generator) -> Floats:
    """Week, year and yearly events, shape (categories, days)."""
    week = rng.uniform(0.8, 1.3, 7)
    day = np.arange(N_DAYS)
    date_of = [FIRST + timedelta(days=int(i)) for i in day]
    angle = 2 * np.pi * np.array([d.timetuple().tm_yday for d in date_of]) / 365.25
    event = np.ones(N_DAYS)
    for (month, first, last), height in zip(
        [(11, 9, 12), (6, 16, 18), (2, 1, 7)], rng.uniform([1.8, 1.4, 0.4], [3.0, 2.2, 0.7]), strict=True
    ):
        event[[d.month == month and first <= d.day <= last for d in date_of]] = height
    sine, cosine = rng.normal(0, 0.15, (2, N_CATEGORIES, 1))
    year = np.exp(sine * np.sin(angle) + cosine * np.cos(angle))
    return np.asarray(year * (week / week.mean())[(day + FIRST.weekday()) % 7] * event, dtype=np.float64)


def _draw_promotions(rng: np.random.Generator) -> tuple[tuple[int, int, int, float], ...]:
    """Two or three windows of 7-14 days a year and category."""
    drawn = []
    for category in range(N_CATEGORIES):
        for _ in range(8):
            first = int(rng.integers(20, N_DAYS - 20))
            drawn.append((category, first, first + int(rng.integers(6, 14)), round(float(rng.uniform(1.3, 2.0)), 3)))
    return tuple(drawn)


def _draw_stock_outs(rng: np.random.Generator, n: int) -> tuple[tuple[int, int, int], ...]:
    """One product in ten is missing for 14 to 35 days."""
    drawn = []
    for product in rng.permutation(n)[: n // 10]:
        first = int(rng.integers(180, N_DAYS - 60))
        drawn.append((int(product), first, first + int(rng.integers(14, 36)) - 1))
    return tuple(drawn)


def _lift(promotions: tuple[tuple[int, int, int, float], ...]) -> Floats:
    lift = np.ones((N_CATEGORIES, N_DAYS))
    for category, first, last, height in promotions:
        lift[category, first : last + 1] = height
    return lift
